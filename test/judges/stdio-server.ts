// A server of an official SDK on standard input and output: its tool logs, and waits until a file is there.
// node --import tsx stdio-server.ts first|second FILE
import { z } from 'zod';
import { opened } from './gate.ts';

const [generation, file] = process.argv.slice(2) as ['first' | 'second', string];
const info = { name: 'official', version: '1.0.0' };
const options = { capabilities: { logging: {} } };
const tool = { description: 'Processes something', inputSchema: z.object({ message: z.string() }) };
const done = (message: string) => ({ content: [{ type: 'text' as const, text: `Done: ${message}` }] });

if (generation === 'first') {
  const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const server = new McpServer(info, options);
  server.registerTool('process_files', tool, async ({ message }, { sendNotification }) => {
    await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'waiting' } });
    await opened(file);
    return done(message);
  });
  await server.connect(new StdioServerTransport());
} else {
  const { McpServer } = await import('@modelcontextprotocol/server');
  const { StdioServerTransport } = await import('@modelcontextprotocol/server/stdio');
  const server = new McpServer(info, options);
  server.registerTool('process_files', tool, async ({ message }, { mcpReq }) => {
    await mcpReq.log('info', 'waiting');
    await opened(file);
    return done(message);
  });
  await server.connect(new StdioServerTransport());
}
console.error('the official server is ready');
