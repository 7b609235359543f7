// The official server of the first generation, with a session, as its documentation has it.
import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { LoggingLevel } from '@modelcontextprotocol/sdk/types.js';
import express from 'express';
import { count } from './tools.ts';

const sessions = new Map<string, StreamableHTTPServerTransport>();
const app = express();
app.use(express.json());

app.all('/mcp', async (request, response) => {
  const transport = sessions.get(request.get('MCP-Session-Id') ?? '') ?? (await begin());
  await transport.handleRequest(request, response, request.body);
});

async function begin(): Promise<StreamableHTTPServerTransport> {
  const server = new McpServer({ name: 'first', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    count.name,
    { description: count.description, inputSchema: count.input.shape },
    async (args, { sendNotification }) => {
      const log = (level: string, data: unknown, logger?: string) =>
        sendNotification({ method: 'notifications/message', params: { level: level as LoggingLevel, data, logger } });
      return (await count.run(args, { log })) as { content: { type: 'text'; text: string }[] };
    },
  );
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  // Its types allow no undefined where ours do.
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  return transport;
}

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
