// Shakes hands, asks for warnings and worse, calls the tool, and ends the session. It prints the lines of each answer as
// they arrive. Nothing to do here: lesson 11 makes a real client of it.
import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

const protocolVersion = '2025-11-25';
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion, capabilities: {}, clientInfo } });
headers['MCP-Protocol-Version'] = protocolVersion;
await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
await post({ jsonrpc: '2.0', id: 2, method: 'logging/setLevel', params: { level: 'warning' } });
await post({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'process_files', arguments: { message } } });
await send('DELETE');

async function post(message: object): Promise<void> {
  await send('POST', JSON.stringify(message));
}

async function send(method: string, body?: string): Promise<void> {
  const response = await fetch(url, { method, headers, body });
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;

  const decoder = new TextDecoder();
  let unfinished = '';
  for await (const chunk of response.body!) {
    const lines = (unfinished + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
    unfinished = lines.pop()!;
    for (const line of lines) console.log(line);
  }
  if (unfinished) console.log(unfinished);
}
