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
const message = process.argv[3] ?? 'hello';

/** Milliseconds from the start of a request until its answer must be complete. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that the client waits for the answer to its DELETE. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The revision of the new era that this client speaks, and those of the old era, newest first. */
const newRevision = '2026-07-28';
const oldRevisions = ['2025-11-25', '2025-06-18'];
const allRevisions = [newRevision, ...oldRevisions];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

/** The headers of every request. In the old era, the handshake adds the revision and the session id. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
let lastId = 0;

/** What a server has answered: one of the two members is there. */
type ServerAnswer = {
  result?: Params;
  error?: { code: number; message: string; data?: Params };
};

/** The era in which this client sends its messages. */
let era: 'new' | 'old' = 'new';

try {
  await findEra();
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

/** Finds out in which era the server lives, before the first call. Says which revision the two ends use. */
async function findEra(): Promise<void> {
  // TODO task 3: try the new way, and fall back
  era = 'old';
  await shakeHands();
}

/** The revisions that a server of the new era names: in the result of server/discover, or in an error -32022. */
function revisionsIn(answer: ServerAnswer | undefined): string[] | undefined {
  const named = answer?.error?.code === -32022 ? answer.error.data?.supported : answer?.result?.supportedVersions;
  return Array.isArray(named) ? named : undefined;
}

/** Ends the client, because the two ends have no revision in common. */
function wrongRevision(named: string[]): never {
  throw new Error(`the server speaks revision ${named.join(' and ')}, this client ${allRevisions.join(', ')}`);
}

/** Agrees with an old server on a revision of the protocol, before the first call. */
async function shakeHands(): Promise<void> {
  const params = { protocolVersion: oldRevisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = await request<{ protocolVersion: string }>('initialize', params);
  if (!oldRevisions.includes(protocolVersion)) wrongRevision([protocolVersion]);
  headers['MCP-Protocol-Version'] = protocolVersion;
  await tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Tells an old server that its session is no longer needed. Nothing that comes of this changes the exit code. */
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
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  if ('error' in answer) failedWith(method, answer.error);
  return answer.result as Result;
}

/**
 * Sends a request and returns whatever the server answers, whether the server likes it or not.
 *
 * @returns the HTTP response, and the JSON-RPC result or error in its body; `answer` is undefined if there is none
 */
async function tryRequest(
  method: string,
  params: Params,
): Promise<{ response: Response; answer: ServerAnswer | undefined }> {
  const response = await send({ jsonrpc: '2.0', id: ++lastId, method, params });
  if (!response.ok) return { response, answer: await answerIn(response) };
  const answer = await firstAnswer(response).catch(notRead);
  return answer ? { response, answer } : fail(5, `the answer to ${method} ended without a response`);
}

/** The first result or error in an answer, whatever its id is: an old server may answer with the id null. */
async function firstAnswer(response: Response): Promise<ServerAnswer | undefined> {
  for await (const message of messagesIn(response)) {
    if (isAnswer(message)) return message;
  }
}

/** Sends a message that gets no JSON-RPC response, and closes the HTTP response: an unread body keeps the client running. */
async function tell(message: object): Promise<void> {
  const response = await post(message);
  (response.body as Readable | null)?.destroy();
}

/** Sends one message in a POST of its own. The server has to accept it. */
async function post(message: object): Promise<Response> {
  const response = await send(message);
  if (!response.ok) refused(response, await answerIn(response));
  return response;
}

/** Sends one message, in the form of the era, and returns whatever HTTP response comes. */
async function send(message: object): Promise<Response> {
  const form = era === 'new' && isRequest(message) ? inNewForm(message) : { message, headers };
  const body = JSON.stringify(form.message);
  const signal = AbortSignal.timeout(timeLimit);
  const response = await fetch(url, { method: 'POST', headers: form.headers, body, signal }).catch(notSent);
  const session = response.headers.get('MCP-Session-Id');
  if (session && era === 'old') headers['MCP-Session-Id'] = session;
  return response;
}

/** A request of the new era says all that the server has to know, in `_meta` and in headers. */
function inNewForm({ params, ...message }: JsonRpcRequest): { message: object; headers: Record<string, string> } {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': newRevision,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/logLevel': 'info',
  };
  const name = params?.name;
  return {
    message: { ...message, params: { ...params, _meta } },
    headers: {
      ...headers,
      'MCP-Protocol-Version': newRevision,
      'Mcp-Method': message.method,
      ...(typeof name === 'string' && { 'Mcp-Name': name }),
    },
  };
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
  if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
  else if (isRequest(message) && era === 'old') await tell({ jsonrpc: '2.0', id: message.id, ...answer(message) });
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

/** Ends the client, because the server has answered a request with an error of JSON-RPC. */
function failedWith(method: string, error: { code: number; message: string }): never {
  fail(7, `the server answered ${method} with error ${error.code}: ${error.message}`);
}

/** Ends the client, because the server has answered with an HTTP status that is not 2xx. */
function refused({ status, statusText }: Response, answer?: ServerAnswer): never {
  fail(3, `the server answered ${status} ${statusText}${answer?.error ? `: ${answer.error.message}` : ''}`);
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

/** The JSON-RPC response in the body of a refusal. A body can also be a page, be empty, or break off. */
async function answerIn(response: Response): Promise<ServerAnswer | undefined> {
  const body: unknown = await response.json().catch(() => undefined);
  return isAnswer(body) ? body : undefined;
}

function isAnswer(message: unknown): message is ServerAnswer {
  return isObject(message) && (isObject(message.result) || isObject(message.error));
}
