// The client that finds out meets a server of the old transport that we did not write.
import { execFile } from 'node:child_process';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import express from 'express';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { root, solutionsFolder } from '../harness/folders.js';
import { freePort } from '../harness/programs/ports.ts';

test('the client of 20-two-endpoints works with an official server of HTTP+SSE', async () => {
  const port = await freePort();
  const old = officialOldServer(port);
  try {
    const client = join(solutionsFolder, '20-two-endpoints', 'client.ts');
    const args = ['--import', 'tsx', client, `http://127.0.0.1:${port}/sse`, 'hello'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
    expect(stdout).toBe('NOTIFICATION: info one\nNOTIFICATION: warning two\nRESULT: Done: hello\n');
    expect(stderr).toBe('transport: HTTP+SSE\n');
  } finally {
    old.close();
    old.closeAllConnections();
  }
});

/** A server as the official SDK of the first generation has it, with the transport of revision 2024-11-05. */
function officialOldServer(port: number): Server {
  const transports = new Map<string, SSEServerTransport>();
  const app = express();
  app.get('/sse', async (_request, response) => {
    const server = new McpServer({ name: 'old', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('process_files', { inputSchema: { message: z.string() } }, async ({ message }) => {
      await server.server.sendLoggingMessage({ level: 'info', data: 'one' });
      await server.server.sendLoggingMessage({ level: 'warning', data: 'two' });
      return { content: [{ type: 'text', text: `Done: ${message}` }] };
    });
    const transport = new SSEServerTransport('/messages', response);
    transports.set(transport.sessionId, transport);
    await server.connect(transport as Parameters<typeof server.connect>[0]);
  });
  app.post('/messages', (request, response) =>
    transports.get(String(request.query.sessionId))!.handlePostMessage(request, response),
  );
  return app.listen(port, '127.0.0.1');
}
