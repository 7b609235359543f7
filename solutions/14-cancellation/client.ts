import type { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';
import {
  failure,
  isNotification,
  isObject,
  isRequest,
  isResponse,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import type { ToolResult } from '#support/tools.ts';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
/** What the tool is called with: one call for each message, one after the other. */
const messages = process.argv.length > 3 ? process.argv.slice(3) : ['hello'];

/** Milliseconds from the start of a request until its answer must be complete. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that may pass without a report on a call. */
const idleLimit = Number(process.env.IDLE_LIMIT ?? 10_000);

/** Milliseconds that the client waits for the answer to its notifications/cancelled, and then to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

/** The headers of every request. The handshake adds the revision and the session id. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
let lastId = 0;
let calls = 0;

/** What a report says: how much of the work is done, of how much in all, and what the tool says about it. */
type Report = { progress: number; total?: number; message?: string };

/** The calls that are not over, by their tokens: each function gets the reports on its call. */
const reporting = new Map<unknown, (report: Report) => void>();

/** The id of the newest call; undefined as long as there is no call. */
let callId: number | undefined;

/** Aborted by Ctrl+C. From then on, `post` sends nothing and waits for no answer. */
const stop = new AbortController();

// #region task 3: let Ctrl+C stop the client
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
});
// #endregion

try {
  await shakeHands();
  for (const message of messages) {
    const result = await callTool('process_files', { message });
    if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
    print(`RESULT: ${textOf(result)}`);
  }
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  const { message } = (stop.signal.reason ?? error) as Error;
  complain(`${url}: ${message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  if (stop.signal.aborted) await cancelCall();
  await endSession();
}

/** Calls a tool, and shows the reports until the response has arrived. */
async function callTool(name: string, args: Params): Promise<ToolResult> {
  const progressToken = `call-${++calls}`;
  let last = 'the start of the call';
  const limits = new AbortController();
  const total = setTimeout(() => limits.abort(`no complete answer within ${timeLimit} ms`), timeLimit);
  const idle = setTimeout(() => limits.abort(`no report within ${idleLimit} ms after ${last}`), idleLimit);
  reporting.set(progressToken, (report) => {
    idle.refresh();
    last = textOfReport(report);
    show(report);
  });
  try {
    const params = { name, arguments: args, _meta: { progressToken } };
    return await request<ToolResult>('tools/call', params, limits.signal);
  } catch (error) {
    if (limits.signal.aborted) fail(6, limits.signal.reason as string);
    throw error;
  } finally {
    reporting.delete(progressToken);
    clearTimeout(total);
    clearTimeout(idle);
  }
}

/** A report in words: `3/10 Processing document 4/10`. */
function textOfReport({ progress, total, message = '' }: Report): string {
  return `${progress}${total === undefined ? '' : `/${total}`} ${message}`.replaceAll(/\s+/g, ' ').trim();
}

/** Shows a report: as a line in a pipe, and in a terminal as a bar in place of the last one. */
function show(report: Report): void {
  if (!process.stdout.isTTY) {
    console.log(`PROGRESS: ${textOfReport(report)}`);
    return;
  }
  eraseBar();
  process.stdout.write(`${barOf(report)} ${textOfReport(report)}`.slice(0, (process.stdout.columns || 80) - 1));
}

/** A bar of ten characters: `[###.......]`. Without a total, nobody knows how long it has to be. */
function barOf({ progress, total }: Report): string {
  if (!total) return '[..........]';
  const done = Math.round(10 * Math.min(1, Math.max(0, progress / total)));
  return `[${'#'.repeat(done).padEnd(10, '.')}]`;
}

/** Empties the last line of a terminal. */
function eraseBar(): void {
  // \r goes to the start of the line, and ESC [ K erases everything from there to its end.
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

/** Prints a line on standard output. A bar makes room for it. */
function print(line: string): void {
  eraseBar();
  console.log(line);
}

/** Prints a line on standard error. A bar makes room for it. */
function complain(line: string): void {
  eraseBar();
  console.error(line);
}

/** Agrees with the server on a revision of the protocol, before the first call. */
async function shakeHands(): Promise<void> {
  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = await request<{ protocolVersion: string }>('initialize', params);
  if (!revisions.includes(protocolVersion)) {
    throw new Error(`the server speaks revision ${protocolVersion}, this client ${revisions.join(' and ')}`);
  }
  headers['MCP-Protocol-Version'] = protocolVersion;
  await tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Tells the server that the call is no longer needed. Nothing that comes of this changes the exit code. */
async function cancelCall(): Promise<void> {
  if (callId === undefined) return;
  // #region task 3: send the notification, and wait a short time for its answer
  const params = { requestId: callId, reason: 'the user has pressed Ctrl+C' };
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
  const signal = AbortSignal.timeout(farewellLimit);
  await fetch(url, { method: 'POST', headers, body, signal }).catch(() => {});
  // #endregion
}

/** Tells the server that its session is no longer needed. Nothing that comes of this changes the exit code. */
async function endSession(): Promise<void> {
  if (!headers['MCP-Session-Id']) return;
  const signal = AbortSignal.timeout(farewellLimit);
  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});
}

/** Sends a request and waits for its result. */
async function request<Result>(method: string, params: Params, signal?: AbortSignal): Promise<Result> {
  const id = ++lastId;
  if (method === 'tools/call') callId = id;
  const response = await post({ jsonrpc: '2.0', id, method, params }, signal);
  const answer = await answerTo(id, response).catch(notRead);
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  if ('error' in answer)
    fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  return answer.result as Result;
}

/** Sends a message that gets no JSON-RPC response, and closes the HTTP response: an unread body keeps the client running. */
async function tell(message: object): Promise<void> {
  const response = await post(message);
  (response.body as Readable | null)?.destroy();
}

/** Sends one message in a POST of its own. */
async function post(message: object, signal = AbortSignal.timeout(timeLimit)): Promise<Response> {
  const body = JSON.stringify(message);
  signal.addEventListener('abort', () => {}); // otherwise Node.js 20 may forget the time limit of `either`
  // #region task 3: stop waiting after Ctrl+C too
  // starter: const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(notSent);
  const either = AbortSignal.any([signal, stop.signal]);
  const response = await fetch(url, { method: 'POST', headers, body, signal: either }).catch(notSent);
  // #endregion
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}${await errorIn(response)}`);
  return response;
}

/** Yields the messages of an answer, each as soon as it has arrived. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  // Parameters such as charset=utf-8 follow after a semicolon, and the case of the letters does not count.
  const mediaType = response.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();
  if (mediaType !== 'application/json' && mediaType !== 'text/event-stream') {
    (response.body as Readable | null)?.destroy(); // an unread body keeps the client running
    fail(4, `the server answered neither JSON nor an event stream, but ${mediaType ?? 'no Content-Type'}`);
  }
  if (mediaType !== 'text/event-stream') {
    yield await response.json();
    return;
  }
  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  const { read } = eventReader(({ type, data }) => {
    if (type === 'message' && data !== '') messages.push(parsed(data));
  });
  for await (const chunk of response.body!) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
    yield* messages.splice(0);
  }
}

/** Data that is not JSON stays a string, so the handler can report it. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

/** The texts of a result. Other blocks, such as images, have none, and a server may leave out the content. */
function textOf({ content }: ToolResult): string {
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  return blocks.flatMap((block) => (isObject(block) && typeof block.text === 'string' ? block.text : [])).join('\n');
}

/** The one message that answers the request with this id. */
async function answerTo(id: string | number, response: Response): Promise<JsonRpcResponse | undefined> {
  for await (const message of messagesIn(response)) {
    if (isResponse(message) && message.id === id) return message;
    await handle(message);
  }
}

/** Gets every message that is not the awaited response. */
async function handle(message: unknown): Promise<void> {
  if (isNotification(message) && message.method === 'notifications/progress') {
    const { progressToken, ...report } = message.params ?? {};
    reporting.get(progressToken)?.(report as Report);
    return;
  }
  if (isNotification(message)) print(`NOTIFICATION: ${described(message)}`);
  else if (isRequest(message)) await tell({ jsonrpc: '2.0', id: message.id, ...answer(message) });
  else complain(`not understood: ${JSON.stringify(message)}`);
}

/** A log message as its level and its data, any other notification as its method and its params. */
function described({ method, params }: JsonRpcNotification): string {
  if (method === 'notifications/message') return `${params?.level} ${textOrJson(params?.data)}`;
  return params ? `${method} ${JSON.stringify(params)}` : method;
}

function textOrJson(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** How this client answers a request of the server. */
function answer({ method }: JsonRpcRequest): Answer {
  if (method === 'ping') return { result: {} };
  return failure(-32601, `unknown method: ${method}`);
}

/** Ends the client with this exit code. The `catch` at the top prints the sentence, and `finally` ends the session. */
function fail(exitCode: number, sentence: string): never {
  process.exitCode = exitCode;
  throw new Error(sentence);
}

/** Says why `fetch` has rejected: no HTTP response has come. */
function notSent(error: Error): never {
  if (process.exitCode) throw error; // Ctrl+C has set the exit code already
  if (error.name === 'AbortError') fail(6, `no answer within ${timeLimit} ms`);
  fail(2, error.message);
}

/** Says why an answer could not be read to its end. */
function notRead(error: Error): never {
  if (process.exitCode) throw error; // a failure that has its exit code already
  if (error.name === 'AbortError') fail(6, `no complete answer within ${timeLimit} ms`);
  fail(5, `the answer is not complete: ${error.message}`);
}

/** Many servers explain a status in a JSON-RPC error. A body can also be a page, be empty, or break off. */
async function errorIn(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  return isObject(body) && isObject(body.error) ? `: ${body.error.message}` : '';
}
