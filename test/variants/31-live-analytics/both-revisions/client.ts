// The official SDK, version 2, in revision 2026-07-28 too: its call asks for log messages.

const [url = 'http://127.0.0.1:3000/mcp', every = '10', lines] = process.argv.slice(2);

import { setTimeout as sleep } from 'node:timers/promises';
import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** What the server has counted. */
type Counts = {
  lines: number;
  malformed: number;
  statuses: Record<string, number>;
  slowest?: { path: string; ms: number };
};

const client = new Client({ name: 'live-analytics', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
const transport = new StreamableHTTPClientTransport(new URL(url));

/** The message that was sent last. When a call is aborted, this is notifications/cancelled, and the SDK does not wait for it. */
let sending: Promise<unknown> = Promise.resolve();
const send = transport.send.bind(transport);
transport.send = (message, options) => {
  const isCall = 'method' in message && message.method === 'tools/call';
  const onRequestStreamEnd = () => isCall && stop.abort('the stream of the call ended before the result');
  return (sending = send(message, { ...options, onRequestStreamEnd }));
};

const stop = new AbortController();
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort('interrupted');
});

/** The newest counts that have arrived. */
let newest: Counts | undefined;

client.setNotificationHandler('notifications/message', ({ params }) => {
  newest = params.data as Counts;
  show(`LIVE: ${described(newest)}`);
});

try {
  await client.connect(transport, { signal: stop.signal });
  const result = await client.callTool(
    {
      name: 'watch_log',
      arguments: { every: Number(every), ...(lines && { lines: Number(lines) }) },
      _meta: { [LOG_LEVEL_META_KEY]: 'info' },
    },
    // Without this option, the SDK gives up after 60 seconds. A timer cannot wait longer than this.
    { signal: stop.signal, timeout: 2 ** 31 - 1 },
  );
  if (result.isError) throw new Error(`the tool failed: ${JSON.stringify(result.content)}`);
  print(`TOTAL: ${described(result.structuredContent as Counts)}`);
} catch (error) {
  if (newest) print(`TOTAL: ${described(newest)}`);
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  if (stop.signal.aborted) await briefly(sending);
  await briefly(transport.terminateSession());
  await client.close();
}

/** Waits at most two seconds, whatever comes of it: the client is about to end. */
async function briefly(answer: Promise<unknown>): Promise<void> {
  await Promise.race([answer.catch(() => {}), sleep(2000, undefined, { ref: false })]);
}

function described({ lines, malformed, statuses, slowest }: Counts): string {
  const parts = [`${lines} lines`];
  for (const [status, count] of Object.entries(statuses)) parts.push(`${status}: ${count}`);
  parts.push(`malformed: ${malformed}`);
  if (slowest) parts.push(`slowest: ${slowest.path} ${slowest.ms} ms`);
  return parts.join(', ');
}

/** Shows a line: in a terminal, it takes the place of the line before. */
function show(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line.slice(0, process.stdout.columns - 1)}`);
  else console.log(line);
}

/** Prints a line that stays. */
function print(line: string): void {
  console.log(process.stdout.isTTY ? `\r\x1b[K${line}` : line);
}
