// The official server of the second generation without sessions: a server for each request, in both eras.
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type LoggingLevel } from '@modelcontextprotocol/server';
import express from 'express';
import { count } from './tools.ts';

function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'stateless', version: '1.0.0' },
    { capabilities: { logging: {}, tools: { listChanged: true } } },
  );
  server.registerTool(
    count.name,
    { description: count.description, inputSchema: count.input },
    async (args, { mcpReq }) => {
      const log = (level: string, data: unknown, logger?: string) => mcpReq.log(level as LoggingLevel, data, logger);
      return (await count.run(args, { log })) as { content: { type: 'text'; text: string }[] };
    },
  );
  return server;
}

const handle = toNodeHandler(createMcpHandler(makeServer, { maxSubscriptions: 10_000 }));
const app = express();
app.use(express.json());
app.all('/mcp', (request, response) => handle(request, response, request.body));

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
