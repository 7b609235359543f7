// Without Express; each tool talks to its request itself.
import { createServer } from 'node:http';
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type CallToolResult, type ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context } from '#support/tools.ts';
import { work } from '#support/work.ts';

const ignore = () => {};

async function report({ mcpReq }: ServerContext, progress: number, total?: number, message?: string): Promise<void> {
  const { progressToken } = mcpReq._meta ?? {};
  if (progressToken == null) return;
  const params = {
    progressToken,
    progress,
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message }),
  };
  await mcpReq.notify({ method: 'notifications/progress', params });
}

const handler = createMcpHandler(async () => {
  const server = new McpServer({ name: 'files', version: '2.0.0' }, { capabilities: { logging: {}, tools: {} } });

  server.registerTool(
    'process_files',
    { title: 'Process files', description: 'Processes all files', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, ctx) => {
      let done = 0;
      for (const { name } of documents) {
        await ctx.mcpReq.log('info', `Processing file ${done + 1}/${documents.length}...`, 'process_files');
        await report(ctx, done++, documents.length, name);
        await work(name, { signal: ctx.mcpReq.signal });
      }
      await report(ctx, done, documents.length);
      return { content: [{ type: 'text', text: `Done: ${message}` }] };
    },
  );

  for (const tool of moreTools) {
    server.registerTool(
      tool.name,
      { description: tool.description, inputSchema: tool.input },
      async (args: object, ctx: ServerContext) => {
        const context: Context = {
          log: (level, data, logger) => void ctx.mcpReq.log(level as 'info', data, logger).catch(ignore),
          progress: (...all) => void report(ctx, ...all).catch(ignore),
          signal: ctx.mcpReq.signal,
        };
        return tool.run(args as never, context) as Promise<CallToolResult>;
      },
    );
  }
  return server;
});

const serve = toNodeHandler(handler);
const checks = [localhostHostValidation(), localhostOriginValidation()];

createServer((request, response) => {
  if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mcp') {
    response.writeHead(404).end();
    return;
  }
  if (checks.every((check) => check(request, response))) void serve(request, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('ready'));
