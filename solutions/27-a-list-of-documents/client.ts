// The client of the capstone. The README of this lesson says what it has to do; how it does this is up to you.

const [url = 'http://127.0.0.1:3000/mcp', ...documents] = process.argv.slice(2);

// #region task 4: call the tool, show each notification on arrival, and end with a table
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** The result of process_documents. */
type Result = {
  documents: { name: string; words: number; longestSentence: string }[];
  failed: { name: string; reason: string }[];
};

const client = new Client({ name: 'documents', version: '1.0.0' });
const transport = new StreamableHTTPClientTransport(new URL(url));

/** The message that was sent last. When a call is aborted, this is notifications/cancelled, and the SDK does not wait for it. */
let sending: Promise<unknown> = Promise.resolve();
const send = transport.send.bind(transport);
transport.send = (...message) => (sending = send(...message));

const stop = new AbortController();
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
});

client.setNotificationHandler('notifications/message', ({ params: { level, data } }) => {
  print(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);
});

try {
  await client.connect(transport, { signal: stop.signal });
  const result = await client.callTool(
    { name: 'process_documents', arguments: { documents } },
    // Without this option, the SDK gives up after 60 seconds.
    { onprogress: show, signal: stop.signal, resetTimeoutOnProgress: true },
  );
  if (result.isError) throw new Error(`the tool failed: ${JSON.stringify(result.content)}`);
  const { documents: done, failed } = result.structuredContent as Result;
  printTable(done, failed);
  if (failed.length > 0) process.exitCode = 8;
} catch (error) {
  eraseBar();
  const { message } = (stop.signal.reason ?? error) as Error;
  console.error(`${url}: ${message.replaceAll(/\s+/g, ' ')}`);
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

/** Shows a report: as a line in a pipe, and in a terminal as a bar in place of the last one. */
function show({ progress, total, message = '' }: { progress: number; total?: number; message?: string }): void {
  const text = `${progress}/${total} ${message}`;
  if (!process.stdout.isTTY) {
    console.log(`PROGRESS: ${text}`);
    return;
  }
  const done = total ? Math.round((10 * progress) / total) : 0;
  const row = `[${'#'.repeat(done).padEnd(10, '.')}] ${text}`;
  eraseBar();
  process.stdout.write(row.slice(0, process.stdout.columns - 1));
}

/** Empties the last row of a terminal. */
function eraseBar(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

function print(line: string): void {
  eraseBar();
  console.log(line);
}

function printTable(done: Result['documents'], failed: Result['failed']): void {
  const width = Math.max(8, ...[...done, ...failed].map(({ name }) => name.length));
  print(`${'DOCUMENT'.padEnd(width)}  WORDS  LONGEST SENTENCE`);
  for (const { name, words, longestSentence } of done) {
    print(`${name.padEnd(width)}  ${String(words).padStart(5)}  ${cut(longestSentence)}`);
  }
  for (const { name, reason } of failed) print(`${name.padEnd(width)}  FAILED ${reason}`);
}

/** A table has room for the beginning of a long sentence. */
function cut(text: string): string {
  return text.length > 50 ? `${text.slice(0, 50)}…` : text;
}
// #endregion
