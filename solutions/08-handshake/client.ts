// Shakes hands, lists the tools and calls one, and prints what is answered. Nothing to do here.
import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

const protocolVersion = '2025-11-25';
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

await send({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion, capabilities: {}, clientInfo } });
headers['MCP-Protocol-Version'] = protocolVersion;
await send({ jsonrpc: '2.0', method: 'notifications/initialized' });
await send({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
await send({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'process_files', arguments: { message } } });

async function send(body: object): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  console.log(`${response.status} ${await response.text()}`.trim());
}
