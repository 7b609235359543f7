// The official server of the second generation, with a session, as its documentation has it.
import { randomUUID } from 'node:crypto';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer, type LoggingLevel } from '@modelcontextprotocol/server';
import express from 'express';
import { count } from './tools.ts';

const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
const app = express();
app.use(express.json());

app.all('/mcp', async (request, response) => {
  const transport = sessions.get(request.get('MCP-Session-Id') ?? '') ?? (await begin());
  await transport.handleRequest(request, response, request.body);
});

async function begin(): Promise<NodeStreamableHTTPServerTransport> {
  const server = new McpServer({ name: 'second', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    count.name,
    { description: count.description, inputSchema: count.input },
    async (args, { mcpReq }) => {
      const log = (level: string, data: unknown, logger?: string) => mcpReq.log(level as LoggingLevel, data, logger);
      return (await count.run(args, { log })) as { content: { type: 'text'; text: string }[] };
    },
  );
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await server.connect(transport);
  return transport;
}

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
