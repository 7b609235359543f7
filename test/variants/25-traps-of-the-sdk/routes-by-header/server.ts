// Decides by the header of the revision, keeps transports in an object without a prototype, and sends nothing after a result. Its message at the end names no logger.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type CallToolResult, type LoggingLevel } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const processFiles: Tool<z.ZodObject<{ message: z.ZodString }>> = {
  name: 'process_files',
  description: 'Processes the documents',
  input: z.object({ message: z.string() }),
  async run({ message }, { log, progress, signal }) {
    let done = 0;
    for (const { name } of documents) {
      log('info', `Processing file ${done + 1}/${documents.length}...`, 'process_files');
      await work(name, signal && { signal });
      progress?.(++done, documents.length);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

function make(): McpServer {
  const server = new McpServer({ name: 'variant', version: '2.0.0' }, { capabilities: { logging: {} } });
  for (const tool of [processFiles as Tool, ...moreTools]) {
    server.registerTool(tool.name, { description: tool.description, inputSchema: tool.input }, async (args, ctx) => {
      let over = false;
      const token = ctx.mcpReq._meta?.progressToken;
      try {
        const result = await tool.run(args, {
          log(level, data, logger) {
            if (!over) void ctx.mcpReq.log(level as LoggingLevel, data, logger);
          },
          progress(progress, total, message) {
            if (over || token === undefined) return;
            void ctx.mcpReq.notify({
              method: 'notifications/progress',
              params: { progressToken: token, progress, total, message },
            });
          },
          signal: ctx.mcpReq.signal,
        });
        await ctx.mcpReq.log('notice', `${tool.name} is done`);
        return result as CallToolResult;
      } finally {
        over = true;
      }
    });
  }
  return server;
}

const modern = toNodeHandler(createMcpHandler(() => make(), { legacy: 'reject', responseMode: 'sse' }));
const transports: Record<string, NodeStreamableHTTPServerTransport> = Object.create(null);

const refuse = (response: ServerResponse, status: number, message: string) =>
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32001, message }, id: null }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = request.method === 'POST' ? ((await json(request)) as { method?: string }) : undefined;
  if (request.headers['mcp-protocol-version'] === '2026-07-28') return modern(request, response, body);
  const id = request.headers['mcp-session-id'];
  if (body?.method === 'initialize') {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(24).toString('base64url'),
      onsessioninitialized(id) {
        transports[id] = transport;
      },
    });
    await make().connect(transport);
    return transport.handleRequest(request, response, body);
  }
  if (id === undefined) refuse(response, 400, 'which session?');
  else if (!transports[String(id)]) refuse(response, 404, 'unknown session');
  else {
    await transports[String(id)]!.handleRequest(request, response, body);
    if (request.method === 'DELETE') delete transports[String(id)];
  }
}

createServer((request, response) => {
  answer(request, response).catch((error: Error) => refuse(response, 400, error.message));
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
