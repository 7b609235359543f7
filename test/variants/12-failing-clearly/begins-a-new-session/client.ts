// After a 404 for its session it shakes hands anew, and calls once more.
import fetch, { type Response } from 'node-fetch';
import type { ToolResult } from '#support/tools.ts';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

/** Milliseconds that a request may take until its answer is here. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

type Params = Record<string, unknown>;
type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** What a request comes to: one of the two. */
type Answer = { result?: unknown; error?: { code: number; message: string } };

/** What every request carries; the handshake adds to it. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
let lastId = 0;

try {
  await shakeHands();
  const result = await callTool().catch(async (error) => {
    if (process.exitCode !== 3 || !/ 404 /.test((error as Error).message) || !headers['MCP-Session-Id']) throw error;
    process.exitCode = undefined;
    delete headers['MCP-Session-Id'];
    delete headers['MCP-Protocol-Version'];
    await shakeHands();
    return callTool();
  });
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode ??= 1;
} finally {
  await endSession();
}

function callTool(): Promise<ToolResult> {
  return request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
}

/** Agrees with the server on a revision of the protocol, before anything else. */
async function shakeHands(): Promise<void> {
  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = await request<{ protocolVersion: string }>('initialize', params);
  if (!revisions.includes(protocolVersion)) {
    throw new Error(`the server speaks revision ${protocolVersion}, this client ${revisions.join(' and ')}`);
  }
  headers['MCP-Protocol-Version'] = protocolVersion;
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Tells the server that its session is no longer needed; it may answer that it does not end sessions. */
async function endSession(): Promise<void> {
  if (!headers['MCP-Session-Id']) return;
  const signal = AbortSignal.timeout(timeLimit);
  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});
}

/** Sends a request, and waits for its result. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = ++lastId;
  const response = await post({ jsonrpc: '2.0', id, method, params });
  const answer = await answerTo(id, response).catch(lost);
  if (!answer) fail(5, `the answer to ${method} ended without a response`);
  if (answer.error) fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  return answer?.result as Result;
}

/** Sends one message, in a POST of its own. */
async function post(message: object): Promise<Response> {
  const body = JSON.stringify(message);
  const signal = AbortSignal.timeout(timeLimit);
  const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(notConnected);
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}`);
  return response;
}

/** The messages of an answer, each as soon as it is here. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
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

/** What is not JSON is no message: it stays the text that it is. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

function textOf({ content = [] }: ToolResult): string {
  return content.flatMap((block) => ('text' in block ? [block.text] : [])).join('\n');
}

/** The one message that answers the request with this id. */
async function answerTo(id: string | number, response: Response): Promise<JsonRpcResponse | undefined> {
  for await (const message of messagesIn(response)) {
    if (isResponse(message) && message.id === id) return message;
    await handle(message);
  }
}

async function handle(message: unknown): Promise<void> {
  if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
  else if (isRequest(message)) await post({ jsonrpc: '2.0', id: message.id, ...answer(message) });
  else console.error(`not understood: ${JSON.stringify(message)}`);
}

/** A log message as its level and what it says, any other notification as its method and params. */
function described({ method, params }: JsonRpcNotification): string {
  if (method === 'notifications/message') return `${params?.level} ${textOrJson(params?.data)}`;
  return params ? `${method} ${JSON.stringify(params)}` : method;
}

function textOrJson(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** What this client does for a server. */
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
  return isObject(message) && isId(message.id) && (isObject(message.result) || isObject(message.error));
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(exitCode: number, sentence: string): never {
  process.exitCode = exitCode;
  throw new Error(sentence);
}

/** Why a message could not be sent. */
function notConnected(error: Error): never {
  if (error.name === 'AbortError') lost(error);
  fail(2, error.message);
}

/** Why an answer could not be read to its end. */
function lost(error: Error): never {
  if (process.exitCode) throw error; // it has its sentence already
  if (error.name === 'AbortError') fail(6, `no answer within ${timeLimit} ms`);
  if (error instanceof SyntaxError) fail(4, `the answer is not JSON: ${error.message}`);
  fail(5, `the answer broke off: ${error.message}`);
}

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text as it comes; it calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  let unfinished = '';
  let afterReturn = false;
  let type = '';
  let data: string[] = [];

  function readLine(line: string): void {
    if (line === '') {
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === 'event') type = value!;
    if (field === 'data') data.push(value!);
    // A comment has an empty field name. The fields id and retry are for taking a stream up again.
  }

  return (piece) => {
    if (piece === '') return;
    // A \r ends its line at once; a \n that begins the next piece is its second half.
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\r');
    const lines = (unfinished + text).split(/\r\n|\r|\n/);
    unfinished = lines.pop()!;
    for (const line of lines) readLine(line);
  };
}
