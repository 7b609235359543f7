// Sends each message of a small conversation in a request of its own, and prints what is answered. Nothing to do here.
import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';

const messages = [
  { jsonrpc: '2.0', id: 1, method: 'ping' },
  { jsonrpc: '2.0', method: 'notifications/hello' },
  { jsonrpc: '2.0', id: 'two', method: 'calculate', params: { a: 7, b: 5, op: 'mul' } },
];

for (const message of messages) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
    body: JSON.stringify(message),
  });
  console.log(`${response.status} ${await response.text()}`.trim());
}
