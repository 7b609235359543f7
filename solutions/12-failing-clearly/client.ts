import type { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import type { ToolResult } from '#support/tools.ts';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

/** Milliseconds from the start of a request until its answer must be complete. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that the client waits for the answer to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The longest event that the client reads, in characters. */
const longestEvent = 16 * 1024 ** 2;

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

type Params = Record<string, unknown>;
type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** What a request leads to: a result or an error. */
type Answer = { result?: unknown; error?: { code: number; message: string } };

/** The headers of every request. The handshake adds the revision and the session id. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
let lastId = 0;

try {
  await shakeHands();
  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
  // #region task 4: end with exit code 8 if the tool has failed
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  // #endregion
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  await endSession();
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

/** Tells the server that its session is no longer needed. Nothing that comes of this changes the exit code. */
async function endSession(): Promise<void> {
  if (!headers['MCP-Session-Id']) return;
  const signal = AbortSignal.timeout(farewellLimit);
  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});
}

/** Sends a request and waits for its result. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = ++lastId;
  const response = await post({ jsonrpc: '2.0', id, method, params });
  const answer = await answerTo(id, response).catch(notRead);
  // #region task 2: end with exit code 5 if the answer has ended without a response
  // starter: if (!answer) throw new Error(`the server sent no response to ${method}`);
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  // #endregion
  // #region task 4: end with exit code 7 if the response is an error
  if (answer.error) fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  // #endregion
  return answer.result as Result;
}

/** Sends a message that gets no JSON-RPC response, and closes the HTTP response: an unread body keeps the client running. */
async function tell(message: object): Promise<void> {
  const response = await post(message);
  (response.body as Readable | null)?.destroy();
}

/** Sends one message in a POST of its own. */
async function post(message: object): Promise<Response> {
  const body = JSON.stringify(message);
  // #region task 3: a signal that aborts the request at the time limit
  // starter: const signal = null;
  const signal = AbortSignal.timeout(timeLimit);
  // #endregion
  const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(notSent);
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  // #region task 1: end with exit code 3 if the status is not 2xx
  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}${await errorIn(response)}`);
  // #endregion
  return response;
}

/** Yields the messages of an answer, each as soon as it has arrived. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  // Parameters such as charset=utf-8 follow after a semicolon, and the case of the letters does not count.
  const mediaType = response.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();
  // #region task 2: end with exit code 4 if this client cannot read the media type
  if (mediaType !== 'application/json' && mediaType !== 'text/event-stream') {
    (response.body as Readable | null)?.destroy(); // an unread body keeps the client running
    fail(4, `the server answered neither JSON nor an event stream, but ${mediaType ?? 'no Content-Type'}`);
  }
  // #endregion
  if (mediaType !== 'text/event-stream') {
    yield await response.json();
    return;
  }
  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  const read = eventReader((type, data) => {
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
  if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
  else if (isRequest(message)) await tell({ jsonrpc: '2.0', id: message.id, ...answer(message) });
  else console.error(`not understood: ${JSON.stringify(message)}`);
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
  return { error: { code: -32601, message: `unknown method: ${method}` } };
}

function isRequest(message: unknown): message is JsonRpcRequest {
  return isObject(message) && typeof message.method === 'string' && isId(message.id);
}

function isNotification(message: unknown): message is JsonRpcNotification {
  return isObject(message) && typeof message.method === 'string' && !('id' in message);
}

function isResponse(message: unknown): message is JsonRpcResponse {
  return (
    isObject(message) &&
    !('method' in message) &&
    isId(message.id) &&
    (isObject(message.result) || isObject(message.error))
  );
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Ends the client with this exit code. The `catch` at the top prints the sentence, and `finally` ends the session. */
function fail(exitCode: number, sentence: string): never {
  process.exitCode = exitCode;
  throw new Error(sentence);
}

/** Says why `fetch` has rejected: no HTTP response has come. */
function notSent(error: Error): never {
  // #region task 3: the time limit was over
  if (error.name === 'AbortError') fail(6, `no answer within ${timeLimit} ms`);
  // #endregion
  // #region task 1: end with exit code 2 because there is no connection
  // starter: throw error;
  fail(2, error.message);
  // #endregion
}

/** Says why an answer could not be read to its end. */
function notRead(error: Error): never {
  if (process.exitCode) throw error; // a failure that has its exit code already
  // #region task 3: the time limit was over
  if (error.name === 'AbortError') fail(6, `no complete answer within ${timeLimit} ms`);
  // #endregion
  // #region task 2: end with exit code 5 because the answer is not complete
  // starter: throw error;
  fail(5, `the answer is not complete: ${error.message}`);
  // #endregion
}

/** Many servers explain a status in a JSON-RPC error. A body can also be a page, be empty, or break off. */
async function errorIn(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  return isObject(body) && isObject(body.error) ? `: ${body.error.message}` : '';
}

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text when it arrives. It calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  let type = '';
  let data: string[] = [];

  function readLine(line: string): void {
    if (line === '') {
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
    // A comment has an empty field name. The fields id and retry are for resuming a stream.
  }

  /** The pieces of the unfinished line. They are joined only once, because a growing text would be copied each time. */
  let pieces: string[] = [];
  /** Characters since the last blank line. */
  let length = 0;
  let afterReturn = false;

  function keep(text: string): void {
    pieces.push(text);
    length += text.length;
    if (length > longestEvent) throw new Error(`an event has more than ${longestEvent} characters`);
  }

  return (piece) => {
    if (piece === '') return;
    // A \r ends its line immediately. A \n at the start of the next piece is the second half of the same line break.
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\r');
    const [rest, ...starts] = text.split(/\r\n|\r|\n/);
    keep(rest!);
    for (const start of starts) {
      const line = pieces.join('');
      pieces = [];
      if (line === '') length = 0;
      readLine(line);
      keep(start);
    }
  };
}
