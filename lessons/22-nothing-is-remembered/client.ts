import type { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';
import {
  isNotification,
  isObject,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import { metaKeys, toHeader } from '#support/stateless.ts';
import type { ToolResult } from '#support/tools.ts';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

/** The tool that the client calls. */
const tool = process.env.TOOL ?? 'process_files';

/** The least severe log messages that the client wants: `info`, unless told. An empty string means none at all. */
const logLevel = process.env.LOG_LEVEL ?? 'info';

/** Milliseconds from the start of a request until its answer must be complete. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** The protocol revisions that this client speaks, newest first. There is only one of its kind yet. */
const revisions = (process.env.REVISIONS ?? '2026-07-28').split(',');
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

/** The revision of the next request, and whether it is one that the server has offered. */
let revision = revisions[0]!;
let offered = false;
let lastId = 0;

/** Aborted when the client leaves: closes the stream of its subscription. */
const leaving = new AbortController();

void listen();
try {
  const result = await request<ToolResult>('tools/call', { name: tool, arguments: { message } });
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode ??= 1;
} finally {
  leaving.abort();
}

/** Subscribes to changes of the list of tools, and shows what comes until the client leaves. The call does not wait for it. */
async function listen(): Promise<void> {
  const params = { notifications: { toolsListChanged: true } };
  const message = messageOf(++lastId, 'subscriptions/listen', params);
  try {
    const response = await post(message, leaving.signal);
    // Otherwise the server has nothing to subscribe to.
    if (!response.ok || !/^text\/event-stream/i.test(response.headers.get('Content-Type') ?? '')) return;
    for await (const each of messagesIn(response)) {
      if (isResponse(each)) console.error('the server has ended the subscription');
      else handle(each);
    }
  } catch (error) {
    if (!leaving.signal.aborted) console.error(`the subscription has failed: ${(error as Error).message}`);
  }
}

/** Sends a request and waits for its result. If the server does not speak the revision, it sends the request once more. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = ++lastId;
  const response = await post(messageOf(id, method, params), AbortSignal.timeout(timeLimit)).catch(notSent);
  if (!response.ok) {
    const { code, message, data } = await errorIn(response);
    if (code === -32022) {
      chooseFrom(data);
      return request(method, params);
    }
    fail(3, `the server answered ${response.status} ${response.statusText}${message ? `: ${message}` : ''}`);
  }
  const answer = await answerTo(id, response).catch(notRead);
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  if ('error' in answer)
    fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  const { resultType = 'complete' } = answer.result as { resultType?: unknown };
  if (resultType !== 'complete') throw new Error(`this client does not know results of the type ${resultType}`);
  return answer.result as Result;
}

function messageOf(id: number, method: string, params: Params): JsonRpcRequest {
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: metaOf(id) } };
}

/** What every request says of itself, and a token, because this client wants reports on the work. */
function metaOf(progressToken: string | number): Params {
  return {
    progressToken,
    [metaKeys.protocolVersion]: revision,
    [metaKeys.clientInfo]: clientInfo,
    [metaKeys.clientCapabilities]: {},
    ...(logLevel !== '' && { [metaKeys.logLevel]: logLevel }),
  };
}

/** The headers of a request. Some repeat what the body says, for programs on the way that do not read bodies. */
function headersOf({ method, params }: JsonRpcRequest): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': revision,
    'Mcp-Method': method,
    ...(method === 'tools/call' && { 'Mcp-Name': toHeader(params!.name as string) }),
  };
}

/** Chooses a revision that the client and the server speak, or ends the client. The server gets only one more request. */
function chooseFrom(data: unknown): void {
  const supported: unknown[] = isObject(data) && Array.isArray(data.supported) ? data.supported : [];
  const common = revisions.find((name) => supported.includes(name));
  if (!common || offered) {
    throw new Error(`the server speaks revision ${supported.join(' and ')}, this client ${revisions.join(' and ')}`);
  }
  revision = common;
  offered = true;
}

/** Sends one request in a POST of its own. If the signal aborts, the connection closes, which cancels the request. */
async function post(message: JsonRpcRequest, signal: AbortSignal): Promise<Response> {
  const body = JSON.stringify(message);
  return fetch(url, { method: 'POST', headers: headersOf(message), body, signal });
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
    handle(message);
  }
}

/** Gets every message that is not the awaited response. In this revision, a server sends nothing but notifications. */
function handle(message: unknown): void {
  if (isNotification(message)) console.log(described(message));
  else console.error(`not understood: ${JSON.stringify(message)}`);
}

/** A report as how much is done, a log message as its level and its data, any other notification as its method and its params. */
function described({ method, params = {} }: JsonRpcNotification): string {
  const { progress, total, message = '', level, data } = params;
  if (method === 'notifications/progress') return `PROGRESS: ${progress}/${total ?? '?'} ${message}`.trimEnd();
  if (method === 'notifications/message') return `NOTIFICATION: ${level} ${textOrJson(data)}`;
  return `NOTIFICATION: ${method} ${JSON.stringify(params)}`;
}

function textOrJson(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** Ends the client with this exit code. The `catch` at the top prints the sentence. */
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
async function errorIn(response: Response): Promise<{ code?: unknown; message?: unknown; data?: unknown }> {
  const body: unknown = await response.json().catch(() => undefined);
  return isObject(body) && isObject(body.error) ? body.error : {};
}
