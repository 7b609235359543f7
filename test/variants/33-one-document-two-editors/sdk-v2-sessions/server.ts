// The official SDK, version 2, with a session for each client. A lock instead of a chain of promises.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { localhostOriginValidation, NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { work } from '#support/work.ts';

const uri = 'document://shared';
let version = 0;
let lines = ['one', 'two', 'three', 'four', 'five'];

const lock = new EventEmitter().setMaxListeners(0);
let locked = false;
const changes = new EventEmitter().setMaxListeners(0);

async function alone<T>(act: () => Promise<T>): Promise<T> {
  while (locked) await once(lock, 'free');
  locked = true;
  try {
    return await act();
  } finally {
    locked = false;
    lock.emit('free');
  }
}

function newServer(): McpServer {
  const server = new McpServer(
    { name: 'document', version: '1.0.0' },
    { capabilities: { resources: { subscribe: true } } },
  );
  const subscriptions = new Set<string>();
  server.registerResource('shared', uri, { mimeType: 'application/json' }, async () => ({
    contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ lines, version }, null, 2) }],
  }));
  server.server.setRequestHandler('resources/subscribe', async ({ params }) => {
    subscriptions.add(params.uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    subscriptions.delete(params.uri);
    return {};
  });
  const onChange = () => {
    if (subscriptions.has(uri)) void server.server.sendResourceUpdated({ uri }).catch(() => {});
  };
  changes.on('change', onChange);
  server.server.onclose = () => changes.off('change', onChange);
  server.registerTool(
    'edit',
    {
      inputSchema: z.object({
        base: z.int(),
        from: z.int().min(1),
        to: z.int().min(0),
        lines: z.array(z.string().refine((line) => line.split(/[\r\n]/).length === 1)),
      }),
      outputSchema: z.object({ version: z.number() }),
    },
    ({ base, from, to, lines: added }) =>
      alone(async () => {
        const answer = (text: string, isError: boolean) => ({
          content: [{ type: 'text' as const, text }],
          structuredContent: { version },
          isError,
        });
        if (base !== version) return answer('read the document again', true);
        if (to > lines.length || to - from < -1) return answer('there are no such lines', true);
        try {
          await work('save');
        } catch (error) {
          return answer(String(error), true);
        }
        lines = [...lines.slice(0, from - 1), ...added, ...lines.slice(to)];
        version++;
        changes.emit('change');
        return answer('ok', false);
      }),
  );
  return server;
}

const transports = new Map<string, NodeStreamableHTTPServerTransport>();
const allowed = localhostOriginValidation();
createServer(async (request, response) => {
  if (!allowed(request, response)) return;
  const id = request.headers['mcp-session-id'];
  let transport = transports.get(String(id));
  if (!transport) {
    if (id !== undefined) {
      response.writeHead(404).end();
      return;
    }
    const made: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void transports.set(session, made),
      onsessionclosed: (session) => void transports.delete(session),
    });
    transport = made;
    await newServer().connect(transport);
  }
  await transport.handleRequest(request, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
