import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fetch, { type RequestInit, type Response } from 'node-fetch';
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
const message = process.argv[3] ?? 'hello';

/** Milliseconds from the start of a request until its answer must be complete. All waits and connections count. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that the client waits for the answer to its DELETE. */
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

/** Where a stream can be resumed, and how many milliseconds after a break. */
type Place = { lastEventId: string; retry: number };

/** Aborts the stand-alone stream when the client leaves. */
const leaving = new AbortController();

try {
  await shakeHands();
  void listen();
  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  leaving.abort();
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

/** Handles what the server sends on the stand-alone stream. The call does not need this stream, so nothing is thrown. */
async function listen(): Promise<void> {
  try {
    const accept = { ...headers, Accept: 'text/event-stream' };
    const response = await fetch(url, { headers: accept, signal: leaving.signal });
    if (!response.ok || mediaTypeOf(response) !== 'text/event-stream') return; // the server offers no such stream
    for await (const message of eventsIn(response, newPlace())) await handle(message);
  } catch (error) {
    if (!leaving.signal.aborted) console.error(`the stand-alone stream has failed: ${(error as Error).message}`);
  }
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
  const signal = AbortSignal.timeout(timeLimit);
  const place = newPlace();
  let response = await post({ jsonrpc: '2.0', id, method, params }, signal);
  let answer = await answerTo(id, response, place);
  // #region task 3: come back as long as there is no response, but an id
  while (!answer && place.lastEventId) {
    response = await comeBack(place, signal);
    answer = await answerTo(id, response, place);
  }
  // #endregion
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  if ('error' in answer)
    fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  return answer.result as Result;
}

/** The place in a stream that has just been opened. */
function newPlace(): Place {
  return { lastEventId: '', retry: 1000 };
}

/** Waits for as long as the server has said, and asks for the rest of the stream. */
async function comeBack({ lastEventId, retry }: Place, signal: AbortSignal): Promise<Response> {
  // A GET has no body, so it has no Content-Type.
  const { 'Content-Type': _, ...others } = headers;
  // A header takes characters up to U+00FF only, so each character of this string is one byte of the id in UTF-8.
  const id = Buffer.from(lastEventId, 'utf8').toString('latin1');
  // #region task 3: wait, then send a GET with Last-Event-ID
  // starter: fail(5, `the stream stopped after the event ${lastEventId}`);
  await sleep(Math.min(retry, timeLimit), undefined, { signal }).catch(notSent);
  return send({ headers: { ...others, Accept: 'text/event-stream', 'Last-Event-ID': id }, signal });
  // #endregion
}

/** Sends a message that gets no JSON-RPC response, and closes the HTTP response: an unread body keeps the client running. */
async function tell(message: object): Promise<void> {
  const response = await post(message);
  (response.body as Readable | null)?.destroy();
}

/** Answers a request of the server. A server that refuses this answer ends no call, so nothing comes of a failure. */
async function reply(message: object): Promise<void> {
  const body = JSON.stringify(message);
  const signal = AbortSignal.timeout(timeLimit);
  const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(() => undefined);
  (response?.body as Readable | undefined)?.destroy();
}

/** Sends one message in a POST of its own. */
async function post(message: object, signal = AbortSignal.timeout(timeLimit)): Promise<Response> {
  return send({ method: 'POST', headers, body: JSON.stringify(message), signal });
}

/** Sends an HTTP request, and returns the response if the server has not refused the request. */
async function send(init: RequestInit): Promise<Response> {
  const response = await fetch(url, init).catch(notSent);
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}${await errorIn(response)}`);
  return response;
}

/** Yields the messages of an answer, each as soon as it has arrived. */
async function* messagesIn(response: Response, place: Place): AsyncGenerator<unknown> {
  const mediaType = mediaTypeOf(response);
  if (mediaType !== 'application/json' && mediaType !== 'text/event-stream') {
    (response.body as Readable | null)?.destroy(); // an unread body keeps the client running
    fail(4, `the server answered neither JSON nor an event stream, but ${mediaType ?? 'no Content-Type'}`);
  }
  if (mediaType === 'application/json') yield await response.json();
  else yield* eventsIn(response, place);
}

/** Without parameters such as charset=utf-8, which follow after a semicolon. The case of the letters does not count. */
function mediaTypeOf(response: Response): string | undefined {
  return response.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();
}

/** Yields the messages of an event stream, each as soon as it has arrived. */
async function* eventsIn(response: Response, place: Place): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  const reader = eventReader(({ type, data }) => {
    if (type === 'message' && data !== '') messages.push(parsed(data));
  }, place.lastEventId);
  for await (const chunk of response.body!) {
    reader.read(decoder.decode(chunk as Buffer, { stream: true }));
    // #region task 3: keep the place
    place.lastEventId = reader.lastEventId;
    place.retry = reader.retry ?? place.retry;
    // #endregion
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

/** The one message that answers the request with this id. There is no such message if the stream stops too early. */
async function answerTo(id: string | number, response: Response, place: Place): Promise<JsonRpcResponse | undefined> {
  try {
    for await (const message of messagesIn(response, place)) {
      if (isResponse(message) && message.id === id) return message;
      await handle(message);
    }
  } catch (error) {
    notRead(error as Error, place);
  }
}

/** Gets every message that is not the awaited response. */
async function handle(message: unknown): Promise<void> {
  if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
  else if (isRequest(message)) await reply({ jsonrpc: '2.0', id: message.id, ...answer(message) });
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
  return failure(-32601, `unknown method: ${method}`);
}

/** Ends the client with this exit code. The `catch` at the top prints the sentence, and `finally` ends the session. */
function fail(exitCode: number, sentence: string): never {
  process.exitCode = exitCode;
  throw new Error(sentence);
}

/** Says why `fetch` has rejected: no HTTP response has come. */
function notSent(error: Error): never {
  if (error.name === 'AbortError') fail(6, `no answer within ${timeLimit} ms`);
  fail(2, error.message);
}

/** Says why an answer could not be read to its end. The client may be able to come back for the rest. */
function notRead(error: Error, { lastEventId }: Place): void {
  if (process.exitCode) throw error; // a failure that has its exit code already
  if (error.name === 'AbortError') fail(6, `no complete answer within ${timeLimit} ms`);
  // #region task 3: a stream that has broken off can be resumed if there is an id
  if (lastEventId) return;
  // #endregion
  fail(5, `the answer is not complete: ${error.message}`);
}

/** Many servers explain a status in a JSON-RPC error. A body can also be a page, be empty, or break off. */
async function errorIn(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  return isObject(body) && isObject(body.error) ? `: ${body.error.message}` : '';
}
