import { createInterface } from 'node:readline';
import {
  Client,
  LOG_LEVEL_META_KEY,
  StreamableHTTPClientTransport,
  type CallToolResult,
  type ElicitRequestFormParams,
  type ElicitResult,
} from '@modelcontextprotocol/client';

const [url = 'http://127.0.0.1:3000/mcp', message = 'hello', ...given] = process.argv.slice(2);

/** The answers in the arguments, such as `count=2`, by the names of their fields. Each is for one question. */
const answers = new Map(given.map((each) => [each.split('=')[0]!, each.slice(each.indexOf('=') + 1)]));

/** Milliseconds that the call may take. A user needs time to think, so this is much longer than usual. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 600_000);

/** Milliseconds that the client waits for the answer to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

const client = new Client(
  { name: 'chunk-by-chunk', version: '1.0.0' },
  // TODO task 3: say that this client can ask its user, and fills in defaults
  { versionNegotiation: { mode: 'auto' } },
);
const transport = new StreamableHTTPClientTransport(new URL(url));

/** The lines of standard input, which the user types or another program writes. */
const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();

/** Aborted by Ctrl+C. From then on, the client waits for nothing. */
const stop = new AbortController();
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
  input.close(); // In 2026-07-28, callTool rejects only when nextLine, and so the handler, has returned.
});

client.setNotificationHandler('notifications/message', ({ params: { level, data } }) => {
  console.log(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);
});

// TODO task 3: answer the questions of the server

try {
  await client.connect(transport, { timeout: timeLimit, signal: stop.signal });
  const result = await callTool('process_files', { message });
  if (result.isError) process.exitCode = 8;
  if (result.isError) throw new Error(`the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  input.close();
  await sayGoodbye();
}

/** Asks the user what the server wants to know. */
async function ask({ message, requestedSchema }: ElicitRequestFormParams): Promise<ElicitResult> {
  console.log(`QUESTION: ${message}`);
  // TODO task 3: decline if the arguments say so
  const { properties, required = [] } = requestedSchema;
  const content: Record<string, string | number | boolean> = {};
  for (const [name, { type, description = type, default: usual }] of Object.entries(properties)) {
    let text = answers.get(name);
    // TODO task 3: use each text one time, and ask the user for what is missing
    if (text !== undefined) content[name] = valueOf(text, type);
  }
  return { action: 'accept', content };
}

/** The next line of standard input; undefined when there are no more. */
async function nextLine(): Promise<string | undefined> {
  const { value, done } = await lines.next();
  return done ? undefined : value;
}

/** The text of an answer, as the value that its field has: a server refuses the string "2" in place of a number. */
function valueOf(text: string, type: string): string | number | boolean {
  if (type === 'number' || type === 'integer') return Number(text);
  if (type === 'boolean') return text === 'true';
  return text;
}

/** Calls a tool, and waits for its result. The handlers get the notifications and the questions meanwhile. */
function callTool(name: string, args: Record<string, unknown>): Promise<CallToolResult> {
  const params = { name, arguments: args, _meta: { [LOG_LEVEL_META_KEY]: 'info' } };
  return client.callTool(params, { timeout: timeLimit, signal: stop.signal }) as Promise<CallToolResult>;
}

/** Ends the session of an older server, and then every connection. */
async function sayGoodbye(): Promise<void> {
  const limit = setTimeout(() => client.close(), farewellLimit);
  await transport.terminateSession().catch(() => {});
  clearTimeout(limit);
  await client.close();
}

/** The texts of a result. Other blocks, such as images, have none. */
function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n');
}
