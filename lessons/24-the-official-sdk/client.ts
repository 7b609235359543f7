import {
  Client,
  LOG_LEVEL_META_KEY,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type CallToolResult,
  type Progress,
} from '@modelcontextprotocol/client';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

/** Milliseconds from the start of the call until its result must have arrived. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that may pass without a report on the call. */
const idleLimit = Number(process.env.IDLE_LIMIT ?? 10_000);

/** Milliseconds that the client waits for the answer to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

// TODO task 2: try revision 2026-07-28 first
const client = new Client({ name: 'chunk-by-chunk', version: '1.0.0' });
const transport = new StreamableHTTPClientTransport(new URL(url));

/** Aborted by Ctrl+C. From then on, the client waits for no answer. */
const stop = new AbortController();
// TODO task 3: let Ctrl+C abort the signal

// TODO task 2: print each log message
client.fallbackNotificationHandler = async ({ method, params }) => {
  console.log(`NOTIFICATION: ${params ? `${method} ${JSON.stringify(params)}` : method}`);
};

try {
  await client.connect(transport, { timeout: timeLimit, signal: stop.signal });
  const result = await callTool('process_files', { message });
  if (result.isError) process.exitCode = 8;
  if (result.isError) throw new Error(`the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= exitCodeOf(error as Error);
} finally {
  await sayGoodbye();
}

/** Calls a tool, and waits for its result. The handlers get the notifications meanwhile. */
function callTool(name: string, args: Record<string, unknown>): Promise<CallToolResult> {
  // TODO task 2: ask for log messages
  const params = { name, arguments: args };
  return client.callTool(params, {
    // TODO task 2: print each report
    // TODO task 3: give up at one of the two limits, or when the signal aborts
    timeout: timeLimit,
  }) as Promise<CallToolResult>;
}

/** Which of the exit codes of lesson 12 a failure has. */
function exitCodeOf(error: Error): number {
  // TODO task 3: tell the failures apart
  return 1;
}

/** Ends the session of an older server, and then every connection. */
async function sayGoodbye(): Promise<void> {
  const limit = setTimeout(() => client.close(), farewellLimit);
  await transport.terminateSession().catch(() => {});
  clearTimeout(limit);
  await client.close();
}

/** A report in words: `3/10 Processing document 4/10`. */
function textOfReport({ progress, total, message = '' }: Progress): string {
  return `${progress}${total === undefined ? '' : `/${total}`} ${message}`.replaceAll(/\s+/g, ' ').trim();
}

/** The texts of a result. Other blocks, such as images, have none. */
function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n');
}

function textOrJson(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}
