// The official SDK, version 1, with sessions, on Express. The edits wait in a queue.
import { randomUUID } from 'node:crypto';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { onlyThisMachine } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const uri = 'document://shared';
const doc = { version: 41, text: 'a\nb\nc\nd' };
const linesOf = () => (doc.text === '' && doc.version > 41 && empty ? [] : doc.text.split('\n'));
let empty = false;

const subscribers = new Set<McpServer>();
const waiting: (() => Promise<void>)[] = [];
let busy = false;

async function workThrough(): Promise<void> {
  if (busy) return;
  busy = true;
  for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  busy = false;
}

function newServer(): McpServer {
  const server = new McpServer(
    { name: 'document', version: '1.0.0' },
    { capabilities: { resources: { subscribe: true } } },
  );
  server.registerResource('shared', uri, {}, async () => ({
    contents: [{ uri, text: JSON.stringify({ version: doc.version, lines: linesOf() }) }],
  }));
  server.server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
    if (params.uri !== uri) throw new Error('there is no such resource');
    subscribers.add(server);
    return {};
  });
  server.server.setRequestHandler(UnsubscribeRequestSchema, async ({ params }) => {
    if (params.uri === uri) subscribers.delete(server);
    return {};
  });
  server.server.onclose = () => subscribers.delete(server);
  server.registerTool(
    'edit',
    {
      description: 'Changes the document',
      inputSchema: {
        base: z.number().int(),
        from: z.number().int(),
        to: z.number().int(),
        lines: z.array(z.string()),
      },
    },
    ({ base, from, to, lines }) =>
      new Promise((resolve) => {
        const answer = (text: string, isError?: true) =>
          resolve({
            content: [{ type: 'text', text }],
            structuredContent: { version: doc.version },
            ...(isError && { isError }),
          });
        waiting.push(async () => {
          const old = linesOf();
          if (base !== doc.version) return answer('somebody was faster', true);
          if (from <= 0 || from > old.length + 1 || to > old.length || to + 1 < from)
            return answer('no such lines', true);
          if (/[\r\n]/.test(lines.join(''))) return answer('one line has a line break', true);
          try {
            await work('save');
            old.splice(from - 1, to - from + 1, ...lines);
            doc.text = old.join('\n');
            empty = old.length === 0;
            doc.version += 1;
            await Promise.allSettled([...subscribers].map((each) => each.server.sendResourceUpdated({ uri })));
            answer('saved');
          } catch (error) {
            answer((error as Error).message, true);
          }
        });
        void workThrough();
      }),
  );
  return server;
}

const transports: Record<string, StreamableHTTPServerTransport> = {};
const app = createMcpExpressApp();
app.use(onlyThisMachine);
app.all('/mcp', async (request, response) => {
  const id = request.get('mcp-session-id');
  let transport = id === undefined ? undefined : transports[id];
  if (id !== undefined && !transport) {
    response.status(404).end();
    return;
  }
  if (!transport) {
    const made: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (session) => void (transports[session] = made),
    });
    transport = made;
    await newServer().connect(transport as never);
  }
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
