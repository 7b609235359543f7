// node-fetch and the reader of lessons/support. It cancels first, and reads on until the server has ended the stream.
import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';
import { isNotification, isObject, isResponse, type JsonRpcResponse } from '#support/json-rpc.ts';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const args: Record<string, number> = { every: Number(process.argv[3] ?? 10) };
if (process.argv[4] !== undefined) args.lines = Number(process.argv[4]);

const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
const leaving = new AbortController();
let interrupted = false;
let newest: any;

process.once('SIGINT', async () => {
  interrupted = true;
  const params = { requestId: 7, reason: 'Ctrl+C' };
  await post({ method: 'notifications/cancelled', params }).catch(() => {});
  leaving.abort();
});

async function post(message: object, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  const response = await fetch(url, { method: 'POST', headers, body, ...(signal && { signal }) });
  if (response.status >= 400) throw new Error(`the server answered with status ${response.status}`);
  const session = response.headers.get('MCP-Session-Id');
  if (session !== null) headers['MCP-Session-Id'] = session;
  return response;
}

async function ask(id: number, method: string, params: object): Promise<any> {
  const response = await post({ id, method, params }, leaving.signal);
  let answer: JsonRpcResponse | undefined;
  if (/^text\/event-stream/i.test(response.headers.get('Content-Type') ?? '')) {
    const decoder = new TextDecoder();
    const { read } = eventReader(({ data }) => {
      const message: unknown = data === '' ? undefined : JSON.parse(data);
      if (isResponse(message) && message.id === id) answer = message;
      else if (isNotification(message) && message.method === 'notifications/message') live(message.params?.data);
    });
    for await (const chunk of response.body!) read(decoder.decode(chunk as Buffer, { stream: true }));
  } else {
    answer = (await response.json()) as JsonRpcResponse;
  }
  if (!answer) throw new Error('there is no response');
  if ('error' in answer) throw new Error(answer.error.message);
  if ('isError' in answer.result && answer.result.isError) throw new Error(JSON.stringify(answer.result));
  return answer.result;
}

function describe({ lines, statuses, malformed, slowest }: any): string {
  let text = `${lines} lines`;
  for (const status in statuses) text += `, ${status}: ${statuses[status]}`;
  text += `, malformed: ${malformed}`;
  return isObject(slowest) ? `${text}, slowest: ${slowest.path} ${slowest.ms} ms` : text;
}

function live(counts: unknown): void {
  newest = counts;
  const row = `LIVE: ${describe(counts)}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${row.slice(0, process.stdout.columns - 2)}`);
  else process.stdout.write(`${row}\n`);
}

/** Leaves the last row as it is, and begins a new one. */
function total(counts: unknown): void {
  if (process.stdout.isTTY && newest) process.stdout.write('\n');
  console.log(`TOTAL: ${describe(counts)}`);
}

try {
  const clientInfo = { name: 'node-fetch', version: '1' };
  const hello = await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  headers['MCP-Protocol-Version'] = hello.protocolVersion;
  await post({ method: 'notifications/initialized' });
  const result = await ask(7, 'tools/call', { name: 'watch_log', arguments: args });
  total(result.structuredContent);
} catch (error) {
  if (interrupted && newest) total(newest);
  console.error(interrupted ? 'interrupted' : (error as Error).message.replaceAll('\n', ' '));
  process.exitCode = interrupted ? 130 : 1;
}
if (headers['MCP-Session-Id']) {
  await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(2000) }).catch(() => {});
}
