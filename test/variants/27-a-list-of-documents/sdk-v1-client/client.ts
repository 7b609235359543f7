// The official client, version 1. It adds to the message handler, and sends the notification after Ctrl+C itself.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [, , url = 'http://127.0.0.1:3000/mcp', ...documents] = process.argv;
const terminal = process.stdout.isTTY;
const erase = () => terminal && process.stdout.write('\x1b[2K\r');
const say = (line: string) => {
  erase();
  console.log(line);
};

const transport = new StreamableHTTPClientTransport(new URL(url));
const original = transport.send.bind(transport);
let last: Promise<void> = Promise.resolve();
transport.send = (message, options) => (last = original(message, options));

const client = new Client({ name: 'variant', version: '1.0.0' });
client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) =>
  say(`NOTIFICATION: ${params.level} ${params.data}`),
);
const controller = new AbortController();
process.once('SIGINT', () => controller.abort('Ctrl+C'));

let code = 1;
try {
  await client.connect(transport);
  const { isError, content, structuredContent } = await client.callTool(
    { name: 'process_documents', arguments: { documents } },
    undefined,
    {
      signal: controller.signal,
      timeout: 2 ** 31 - 1,
      onprogress({ progress, total, message }) {
        const text = `${progress}/${total} ${message}`;
        if (!terminal) console.log(`PROGRESS: ${text}`);
        else process.stdout.write(`\x1b[2K\r${`${'='.repeat(progress)} ${text}`.slice(0, process.stdout.columns - 1)}`);
      },
    },
  );
  if (isError) throw new Error((content as { text: string }[])[0]!.text);
  const result = structuredContent as { documents: Record<string, string>[]; failed: Record<string, string>[] };
  for (const { name, reason } of result.failed) say(`! ${name} | ${reason}`);
  for (const each of result.documents) say(`  ${each.name} | ${each.words} | ${each.longestSentence}`);
  code = result.failed.length > 0 ? 8 : 0;
} catch (error) {
  erase();
  if (controller.signal.aborted) {
    code = 130;
    await last.catch(() => {});
  }
  console.error(String((error as Error).message).replaceAll('\n', ' '));
}
await transport.terminateSession().catch(() => {});
await client.close();
process.exitCode = code;
