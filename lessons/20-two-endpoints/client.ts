import type { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { eventReader, type StreamEvent } from '#support/event-reader.ts';
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

/** Milliseconds from the start of a request until its answer must be complete. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that the client waits for the answer to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18', '2024-11-05'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

/** The headers of every request. The handshake adds the revision and the session id. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
let lastId = 0;

/** How this client and the server exchange messages; undefined until the client has found out. */
let transport: 'Streamable HTTP' | 'HTTP+SSE' | undefined;

/** Where messages are posted: an old server names an address of its own. */
let endpoint = url;

/** The stream of an old server, with the answers to all requests. */
let oldStream: { response: Response; messages?: AsyncGenerator<unknown> } | undefined;

try {
  await shakeHands();
  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  await endSession();
}

/** Agrees with the server on a transport and on a revision of the protocol, before the first call. */
async function shakeHands(): Promise<void> {
  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = await request<{ protocolVersion: string }>('initialize', params);
  // TODO task 3: say which transport it is
  if (!revisions.includes(protocolVersion)) {
    throw new Error(`the server speaks revision ${protocolVersion}, this client ${revisions.join(' and ')}`);
  }
  headers['MCP-Protocol-Version'] = protocolVersion;
  await tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Tells the server that its session is no longer needed. Nothing that comes of this changes the exit code. */
async function endSession(): Promise<void> {
  if (oldStream) discard(oldStream.response);
  if (!headers['MCP-Session-Id']) return;
  const signal = AbortSignal.timeout(farewellLimit);
  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});
}

/** Sends a request and waits for its result. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = ++lastId;
  const response = await post({ jsonrpc: '2.0', id, method, params });
  // The response to a POST has no content if there is a stream of an old server.
  if (oldStream) discard(response);
  const messages = oldStream?.messages ?? messagesIn(response);
  const answer = await answerTo(id, messages).catch(notRead);
  // The stream of an old server brings further answers, but any other answer ends here.
  if (!oldStream) await messages.return(undefined);
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  if ('error' in answer)
    fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  return answer.result as Result;
}

/** Sends a message that gets no JSON-RPC response. */
async function tell(message: object): Promise<void> {
  discard(await post(message));
}

/** Closes an HTTP response: an unread body keeps the client running. */
function discard(response: Response): void {
  (response.body as Readable | null)?.destroy();
}

/** Sends one message in a POST of its own. */
async function post(message: object): Promise<Response> {
  const body = JSON.stringify(message);
  const signal = AbortSignal.timeout(timeLimit);
  const response = await fetch(endpoint, { method: 'POST', headers, body, signal }).catch(notSent);
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  if (response.ok) return response;
  const refusal = `the server answered ${response.status} ${response.statusText}${await errorIn(response)}`;
  // TODO task 3: if this may be an old server, open its stream and post the message to its endpoint
  fail(3, refusal);
}

/** Opens the stream of HTTP+SSE. Where there is none, the client reports why the server has refused the POST. */
async function openOldStream(refusal: string): Promise<void> {
  const signal = AbortSignal.timeout(timeLimit);
  const response = await fetch(url, { headers: { Accept: 'text/event-stream' }, signal }).catch(notSent);
  oldStream = { response };
  if (!response.ok || mediaTypeOf(response) !== 'text/event-stream') fail(3, refusal);
  // TODO task 3: wait for the event `endpoint`, and post to its address from now on
}

/** Yields the messages of an answer, each as soon as it has arrived. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  const mediaType = mediaTypeOf(response);
  if (mediaType === 'application/json') yield await response.json();
  else if (mediaType === 'text/event-stream') yield* messagesOf(eventsIn(response));
  else {
    discard(response);
    fail(4, `the server answered neither JSON nor an event stream, but ${mediaType ?? 'no Content-Type'}`);
  }
}

/** The media type of a response. Parameters such as charset=utf-8 follow after a semicolon, and the case does not count. */
function mediaTypeOf(response: Response): string | undefined {
  return response.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();
}

/** Yields the events of a stream, each as soon as it is complete. */
async function* eventsIn(response: Response): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  const events: StreamEvent[] = [];
  const { read } = eventReader((event) => events.push(event));
  for await (const chunk of response.body!) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
    yield* events.splice(0);
  }
}

/** Yields the messages among the events. */
async function* messagesOf(events: AsyncGenerator<StreamEvent>): AsyncGenerator<unknown> {
  for await (const { type, data } of events) {
    if (type === 'message' && data !== '') yield parsed(data);
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

/** The one message that answers the request with this id. It leaves `messages` open: `for await` would close them. */
async function answerTo(id: string | number, messages: AsyncGenerator<unknown>): Promise<JsonRpcResponse | undefined> {
  for (let next = await messages.next(); !next.done; next = await messages.next()) {
    const message = next.value;
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
