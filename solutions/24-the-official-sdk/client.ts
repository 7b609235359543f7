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

// #region task 2: try revision 2026-07-28 first
// starter: const client = new Client({ name: 'chunk-by-chunk', version: '1.0.0' });
const client = new Client({ name: 'chunk-by-chunk', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
// #endregion
const transport = new StreamableHTTPClientTransport(new URL(url));

/** Aborted by Ctrl+C. From then on, the client waits for no answer. */
const stop = new AbortController();
// #region task 3: let Ctrl+C abort the signal
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
});
// #endregion

// #region task 2: print each log message
client.setNotificationHandler('notifications/message', ({ params: { level, data } }) => {
  console.log(`NOTIFICATION: ${level} ${textOrJson(data)}`);
});
// #endregion
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
  // #region task 2: ask for log messages
  // starter: const params = { name, arguments: args };
  const params = { name, arguments: args, _meta: { [LOG_LEVEL_META_KEY]: 'info' } };
  // #endregion
  return client.callTool(params, {
    // #region task 2: print each report
    onprogress: (report) => console.log(`PROGRESS: ${textOfReport(report)}`),
    // #endregion
    // #region task 3: give up at one of the two limits, or when the signal aborts
    // starter: timeout: timeLimit,
    timeout: idleLimit,
    resetTimeoutOnProgress: true,
    maxTotalTimeout: timeLimit,
    signal: stop.signal,
    // #endregion
  }) as Promise<CallToolResult>;
}

/** Which of the exit codes of lesson 12 a failure has. */
function exitCodeOf(error: Error): number {
  // #region task 3: tell the failures apart
  // starter: return 1;
  if (error instanceof SdkHttpError) return 3;
  if (error instanceof ProtocolError) return 7;
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) return 6;
  if (error instanceof TypeError || error.cause instanceof TypeError) return 2;
  return 1;
  // #endregion
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
