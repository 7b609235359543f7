import type { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';
import {
  failure,
  isNotification,
  isObject,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
} from '#support/json-rpc.ts';

type Message = JsonRpcRequest | JsonRpcNotification | JsonRpcResponse;

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';

/** Milliseconds that the bridge waits for the answer to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The headers of every request. The answer to `initialize` adds the session id and the revision. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

/** The ids of the requests for which the host still waits. */
const unanswered = new Set<string | number>();

/** The messages of the host whose HTTP answers are not complete. */
const underWay = new Set<Promise<void>>();

/** Aborts the stand-alone stream when the bridge ends. */
const leaving = new AbortController();

console.error(`bridge to ${url}`);
for await (const line of linesIn(process.stdin)) {
  const message = parsed(line);
  if (isMessage(message)) await receive(message);
  else console.error(`not a message of the host: ${line}`);
}
// #region task 2: wait until all requests are answered, and end the session
await Promise.all(underWay);
leaving.abort();
await endSession();
// #endregion

/** Gets each message of the host. The next line is read when this function has returned. */
async function receive(message: Message): Promise<void> {
  if (isNotification(message) && message.method === 'notifications/cancelled') {
    // #region task 2: expect no response to a request that the host cancels
    unanswered.delete(message.params?.requestId as string | number);
    // #endregion
  }
  const forwarded = forward(message);
  underWay.add(forwarded);
  void forwarded.then(() => underWay.delete(forwarded));
  // #region task 1: wait for the answer only if the message is no request, or initialize
  // starter: await forwarded;
  if (!isRequest(message) || message.method === 'initialize') await forwarded;
  // #endregion
  // #region task 2: open the stand-alone stream when the host is ready
  if (isNotification(message) && message.method === 'notifications/initialized') void listen();
  // #endregion
}

/** Forwards a message of the host, and throws nothing. */
async function forward(message: Message): Promise<void> {
  // #region task 2: remember that the host waits for a response
  if (isRequest(message)) unanswered.add(message.id);
  // #endregion
  let reason = 'the server ended its answer without a response';
  try {
    await exchange(message);
  } catch (error) {
    reason = (error as Error).message;
    console.error(reason);
  }
  if (isRequest(message) && unanswered.delete(message.id)) {
    // #region task 2: the server has not answered the request, so answer it with an error
    // starter: console.error('not answered:', message.id, failure(-32000, reason));
    send({ jsonrpc: '2.0', id: message.id, ...failure(-32000, reason) });
    // #endregion
  }
}

/** Posts a message of the host, and delivers what the server answers. */
async function exchange(message: Message): Promise<void> {
  const response = await post(message);
  for await (const each of messagesIn(response)) {
    if (isRequest(message) && message.method === 'initialize') keepRevision(each);
    deliver(each);
  }
}

/** Reads the revision from the answer to `initialize`: every later request names it in a header. */
function keepRevision(answer: unknown): void {
  if (isResponse(answer) && 'result' in answer && 'protocolVersion' in answer.result) {
    // #region task 1: copy the protocolVersion of the result into headers
    headers['MCP-Protocol-Version'] = String(answer.result.protocolVersion);
    // #endregion
  }
}

/** Gives the host a message of the server. */
function deliver(message: unknown): void {
  if (!isMessage(message)) return console.error('not a message of the server:', message);
  // #region task 2: give the host only a response for which it still waits
  if (isResponse(message) && !unanswered.delete(message.id)) return;
  // #endregion
  // #region task 1: give the message to the host
  // starter: console.error('not delivered:', message);
  send(message);
  // #endregion
}

/** Delivers what the server sends on the stand-alone stream, if it offers one. Throws nothing. */
async function listen(): Promise<void> {
  try {
    const accept = { ...headers, Accept: 'text/event-stream' };
    const response = await fetch(url, { headers: accept, signal: leaving.signal });
    if (!response.ok || mediaTypeOf(response) !== 'text/event-stream') return close(response);
    for await (const message of eventsIn(response)) deliver(message);
  } catch (error) {
    if (!leaving.signal.aborted) console.error(`the stand-alone stream has failed: ${(error as Error).message}`);
  }
}

/** Tells the server that its session is no longer needed. */
async function endSession(): Promise<void> {
  if (!headers['MCP-Session-Id']) return;
  const signal = AbortSignal.timeout(farewellLimit);
  await fetch(url, { method: 'DELETE', headers, signal }).then(close, () => {});
}

/** Writes one message for the host, in one line. */
function send(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Sends one message to the server. The host has a time limit, so the bridge needs none. */
async function post(message: Message): Promise<Response> {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) });
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  if (response.ok) return response;
  throw new Error(`the server answered ${response.status} ${response.statusText}${await errorIn(response)}`);
}

/** Yields the messages of an answer, each as soon as it has arrived. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  const mediaType = mediaTypeOf(response);
  if (mediaType === 'application/json') yield await response.json();
  else if (mediaType === 'text/event-stream') yield* eventsIn(response);
  else close(response); // the server has accepted a message that gets no response
}

/** Closes an answer that nobody reads: otherwise, its body keeps the bridge running. */
function close(response: Response): void {
  (response.body as Readable | null)?.destroy();
}

/** Without parameters such as charset=utf-8, which follow after a semicolon. The case of the letters does not count. */
function mediaTypeOf(response: Response): string | undefined {
  return response.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();
}

/** Yields the messages of an event stream, each as soon as it has arrived. */
async function* eventsIn(response: Response): AsyncGenerator<unknown> {
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

/** Yields the lines of a stream, each as soon as its line break has arrived. */
async function* linesIn(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece as Buffer, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Text that is not JSON stays a string, which is not a message. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isMessage(value: unknown): value is Message {
  return isRequest(value) || isNotification(value) || isResponse(value);
}

/** Many servers explain a status in a JSON-RPC error. A body can also be a page, be empty, or break off. */
async function errorIn(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  return isObject(body) && isObject(body.error) ? `: ${body.error.message}` : '';
}
