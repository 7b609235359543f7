// An MCP server whose tool call fails. The query of its address says how: /mcp?status, for example.
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

const jsonType = { 'Content-Type': 'application/json' };
const eventStream = { 'Content-Type': 'text/event-stream' };
const working = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'working' } };

/** How the call with this id fails. */
const failures: Record<string, (response: ServerResponse, id: unknown) => void> = {
  status(response) {
    const error = { code: -32600, message: 'this server needs a newer client' };
    response.writeHead(400, jsonType).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
  },
  page(response) {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!DOCTYPE html><title>Please sign in</title>');
  },
  end(response) {
    response.writeHead(200, eventStream).end(`data: ${JSON.stringify(working)}\n\n`);
  },
  half(response) {
    response.writeHead(200, jsonType).end('{"jsonrpc":"2.0","id":');
  },
  silence(response) {
    response.writeHead(200, eventStream).flushHeaders();
    const timer = setInterval(() => response.write(`data: ${JSON.stringify(working)}\n\n`), 500);
    response.on('close', () => clearInterval(timer));
  },
  error(response, id) {
    const error = { code: -32602, message: 'Unknown tool: process_files' };
    response.writeHead(200, jsonType).end(JSON.stringify({ jsonrpc: '2.0', id, error }));
  },
  tool(response, id) {
    const result = { content: [{ type: 'text', text: 'invoice.txt cannot be read' }], isError: true };
    response.writeHead(200, jsonType).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  },
};

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(405).end();
    return;
  }
  const { id, method } = (await json(request)) as { id?: unknown; method?: string };
  const fail = failures[request.url?.split('?')[1] ?? ''];
  if (method === 'tools/call' && fail) {
    fail(response, id);
  } else if (id === undefined) {
    response.writeHead(202).end();
  } else {
    const serverInfo = { name: 'failing-server', version: '1.0.0' };
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
    response.writeHead(200, jsonType).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }
});

const port = Number(process.env.PORT ?? 3000);
server.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(
    `listening on http://127.0.0.1:${port}/mcp, and failing in these ways: ${Object.keys(failures).join(', ')}`,
  );
});
