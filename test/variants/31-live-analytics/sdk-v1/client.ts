// The official client, version 1. It adds to the message handler, and sends the notification after Ctrl+C itself.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [, , url = 'http://127.0.0.1:3000/mcp', every = '10', lines] = process.argv;
const terminal = process.stdout.isTTY;

const transport = new StreamableHTTPClientTransport(new URL(url));
const original = transport.send.bind(transport);
let last: Promise<void> = Promise.resolve();
transport.send = (message, options) => (last = original(message, options));

type Counts = { lines: number; malformed: number; statuses: object; slowest?: { path: string; ms: number } };
const line = (head: string, { lines, malformed, statuses, slowest }: Counts) => {
  const each = Object.entries(statuses).map(([status, count]) => ` ${status}: ${count},`);
  const end = slowest === undefined ? '' : `, slowest: ${slowest.path} ${slowest.ms} ms`;
  return `${head}: ${lines} lines,${each.join('')} malformed: ${malformed}${end}`;
};

let live: Counts | undefined;
const client = new Client({ name: 'variant', version: '1.0.0' });
client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
  live = params.data as Counts;
  const row = line('LIVE', live);
  if (terminal) process.stdout.write(`\x1b[2K\r${row.slice(0, process.stdout.columns - 1)}`);
  else console.log(row);
});
const total = (counts: Counts) => {
  if (terminal) process.stdout.write('\x1b[2K\r');
  console.log(line('TOTAL', counts));
};

const controller = new AbortController();
process.once('SIGINT', () => controller.abort('Ctrl+C'));

/** This version waits on when the stream of the call breaks off: it only reports the error. */
const broken = new AbortController();
client.onerror = ({ message }) => {
  if (message.startsWith('SSE stream disconnected')) broken.abort(message);
};

let code = 0;
try {
  await client.connect(transport);
  const numbers = { every: parseInt(every), ...(lines === undefined ? {} : { lines: parseInt(lines) }) };
  const options = { signal: AbortSignal.any([controller.signal, broken.signal]), timeout: 2 ** 31 - 1 };
  const result = await client.callTool({ name: 'watch_log', arguments: numbers }, undefined, options);
  if (result.isError) throw new Error((result.content as { text: string }[])[0]!.text);
  total(result.structuredContent as Counts);
} catch (error) {
  code = controller.signal.aborted ? 130 : 1;
  if (controller.signal.aborted) await last.catch(() => {});
  if (live) total(live);
  console.error(String((error as Error).message).replaceAll('\n', ' '));
}
await transport.terminateSession().catch(() => {});
await client.close();
process.exitCode = code;
