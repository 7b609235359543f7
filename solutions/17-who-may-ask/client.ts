// Sends what browsers send for two pages: for a page that has reached this server by DNS rebinding, and for a page that
// is allowed. Nothing to do here.
import fetch, { type Response } from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'page', version: '1.0.0' } },
};
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'process_files', arguments: { message } } };

console.log('a page that has reached this server by DNS rebinding:');
await usePage({ Host: 'rebound.example:3000', Origin: 'http://rebound.example:3000' });

console.log('an allowed page:');
const allowed = { Origin: 'http://localhost:5173' };
const preflight = await fetch(url, {
  method: 'OPTIONS',
  headers: {
    ...allowed,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'content-type,mcp-protocol-version,mcp-session-id',
  },
});
console.log(`  OPTIONS is answered with status ${preflight.status}`);
await usePage(allowed);

/** Shakes hands and calls the tool, as far as the server lets this page. */
async function usePage(own: Record<string, string>): Promise<void> {
  const headers: Record<string, string> = {
    ...own,
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
  };
  const response = await post(initialize, headers);
  await response.text();
  const session = response.headers.get('MCP-Session-Id');
  console.log(`  initialize is answered with status ${response.status}`);
  if (!session) return;
  headers['MCP-Protocol-Version'] = '2025-11-25';
  headers['MCP-Session-Id'] = session;
  await (await post(initialized, headers)).text();
  const answer = await (await post(call, headers)).text();
  console.log(`  the last event of tools/call: ${answer.trim().split('\n').at(-1)}`);
  await fetch(url, { method: 'DELETE', headers });
}

function post(body: object, headers: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}
