// Clients of the older revisions get a session, and those of the newest one need none.
import { randomUUID } from 'node:crypto';
import { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  type CallToolResult,
  type LoggingLevel,
} from '@modelcontextprotocol/server';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const input = z.object({ message: z.string() });
const own: Tool<typeof input> = {
  name: 'process_files',
  description: 'One document after the other',
  input,
  async run({ message }, context) {
    let number = 0;
    for (const { name } of documents) {
      context.log('info', `Processing file ${++number}/${documents.length}...`, 'process_files');
      context.progress?.(number, documents.length, name);
      await work(name, context.signal ? { signal: context.signal } : {});
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

class Files {
  readonly server = new McpServer({ name: 'sessions', version: '1.0.0' }, { capabilities: { logging: {} } });

  constructor() {
    for (const tool of [own as Tool, ...moreTools]) this.add(tool);
  }

  private add({ name, description, input: inputSchema, run }: Tool): void {
    this.server.registerTool(name, { description, inputSchema }, async (args, { mcpReq }) => {
      const { _meta: { progressToken } = {} } = mcpReq;
      const quietly = (sending: Promise<void>) => void sending.catch(() => {});
      const result = await run(args, {
        log: (level, data, logger) => quietly(mcpReq.log(level as LoggingLevel, data, logger)),
        progress(...[progress, total, message]) {
          if (progressToken === undefined) return;
          quietly(
            mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } }),
          );
        },
        signal: mcpReq.signal,
      });
      return result as CallToolResult;
    });
  }
}

const modern = toNodeHandler(createMcpHandler(() => new Files().server, { legacy: 'reject', responseMode: 'sse' }));
const transports: Record<string, NodeStreamableHTTPServerTransport> = Object.create(null);

async function older(request: Request, response: Response): Promise<void> {
  let transport = transports[request.get('MCP-Session-Id') ?? ''];
  if (!transport) {
    const begun = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void (transports[id] = begun),
    });
    await new Files().server.connect((transport = begun) as never);
  }
  await transport.handleRequest(request, response, request.body);
}

const app = express();
app.use(express.json());
app.all('/mcp', async (request, response) => {
  const web = await toWebRequest(request, request.body);
  if (await isLegacyRequest(web)) await older(request, response);
  else await modern(request, response, request.body);
});
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
