// The official SDK, version 2. It opens a stream again that has ended, so a fetch around its fetch watches the stream.
import { createInterface } from 'node:readline/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, name] = process.argv.slice(2) as [string, string];
let fail = (_error: Error) => {};
const end = new Promise<never>((_resolve, reject) => (fail = reject));
end.catch(() => {});

async function watched(address: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(address, init);
  if (init?.method !== 'GET') return response;
  if (!response.ok || !response.body) {
    fail(new Error(`no stream: status ${response.status}`));
    return response;
  }
  const [own, watch] = response.body.tee();
  void (async () => {
    for await (const _ of watch as unknown as AsyncIterable<Uint8Array>);
  })().then(
    () => fail(new Error('the room is closed')),
    () => fail(new Error('the connection is lost')),
  );
  return new Response(own, { status: response.status, headers: response.headers });
}

const client = new Client({ name: 'chat', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: watched });
const clean = (text: string) => text.replaceAll(/\p{Cc}/gu, '·');

client.setNotificationHandler('notifications/message', ({ params: { logger, data } }) => {
  if (logger !== 'chat') return;
  const { from, text, joined, left } = data as Record<string, string>;
  if (joined !== undefined) console.log(clean(`* ${joined} has joined`));
  else if (left !== undefined) console.log(clean(`* ${left} has left`));
  else console.log(clean(`${from}: ${text}`));
});

async function tool(tool: string, args: Record<string, unknown>): Promise<void> {
  const { isError, content } = await client.callTool({ name: tool, arguments: args });
  if (isError) throw new Error(content.map((block) => (block.type === 'text' ? block.text : '')).join(' '));
}

const input = createInterface({ input: process.stdin });
const lines: string[] = [];
let closed = false;
let wake = () => {};
input.on('line', (line) => (lines.push(line), wake()));
input.on('close', () => ((closed = true), wake()));

async function talk(): Promise<void> {
  await client.connect(transport);
  await tool('join', { name });
  while (!closed || lines.length > 0) {
    const text = lines.shift();
    if (text) await tool('say', { text });
    else if (text === undefined && !closed) await new Promise<void>((resolve) => (wake = resolve));
  }
}

process.once('SIGINT', () => {
  process.exitCode = 130;
  fail(new Error('stopped by the user'));
});

try {
  await Promise.race([talk(), end]);
} catch (error) {
  process.exitCode ??= 1;
  console.error(clean((error as Error).message));
}
input.close();
await Promise.race([transport.terminateSession().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1000))]);
await client.close().catch(() => {});
process.exit();
