// The client of the chat room. The README of this lesson says what it has to do; how it does this is up to you.

const [url = 'http://127.0.0.1:3000/mcp', name = 'somebody'] = process.argv.slice(2);

// #region task 2: join the room, say each line of standard input, and print what the others say on arrival
import { createInterface } from 'node:readline';
import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';
import { isObject, isResponse, type JsonRpcResponse, type Params } from '#support/json-rpc.ts';

/** The headers of every request. The handshake adds the revision and the session id. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
let lastId = 0;

/** Ends the client early: after Ctrl+C, or when the server has ended the stream. The reason is what the client prints. */
const stop = new AbortController();
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
});

try {
  await shakeHands();
  void listen();
  await callTool('join', { name });
  for await (const text of createInterface({ input: process.stdin, signal: stop.signal })) {
    if (text !== '') await callTool('say', { text });
  }
  stop.signal.throwIfAborted();
} catch (error) {
  const { message } = (stop.signal.reason ?? error) as Error;
  console.error(`${url}: ${harmless(message)}`);
  process.exitCode ??= 1;
} finally {
  await endSession();
  stop.abort();
}

async function shakeHands(): Promise<void> {
  const clientInfo = { name: 'chat', version: '1.0.0' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const { protocolVersion } = await request('initialize', params);
  headers['MCP-Protocol-Version'] = String(protocolVersion);
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Reads the stand-alone stream. When it has ended, there is nothing more to hear, so the client ends too. */
async function listen(): Promise<void> {
  try {
    const accept = { ...headers, Accept: 'text/event-stream' };
    const response = await fetch(url, { headers: accept, signal: stop.signal });
    if (!response.ok) throw new Error(`the answer to GET has status ${response.status}`);
    for await (const message of messagesIn(response)) print(message);
    throw new Error('the server has ended the stream');
  } catch (error) {
    stop.abort(new Error(`no messages arrive any more: ${(error as Error).message}`));
  }
}

/** Prints what was said in the room, or who has come and gone. */
function print(message: unknown): void {
  if (!isObject(message) || message.method !== 'notifications/message' || !isObject(message.params)) return;
  const { logger, data } = message.params;
  if (logger !== 'chat' || !isObject(data)) return;
  if ('text' in data) console.log(harmless(`${data.from}: ${data.text}`));
  else if ('joined' in data) console.log(harmless(`* ${data.joined} has joined`));
  else if ('left' in data) console.log(harmless(`* ${data.left} has left`));
}

/** A terminal obeys control characters, and a line break would begin a line in the name of somebody else. */
function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

/** @throws Error when the tool has failed */
async function callTool(tool: string, args: Params): Promise<void> {
  const { isError, content } = await request('tools/call', { name: tool, arguments: args });
  if (isError) throw new Error(`the server refused ${tool}: ${textOf(content)}`);
}

/** The texts of a result. Other blocks, such as images, have none. */
function textOf(content: unknown): string {
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  return blocks.flatMap((block) => (isObject(block) && typeof block.text === 'string' ? block.text : [])).join(' ');
}

/** Sends a request, and waits for its result. */
async function request(method: string, params: Params): Promise<Params> {
  const id = ++lastId;
  const response = await post({ jsonrpc: '2.0', id, method, params });
  for await (const message of messagesIn(response)) {
    if (isResponse(message) && message.id === id) return resultOf(message, method);
    print(message);
  }
  throw new Error(`the server did not answer ${method}`);
}

function resultOf(response: JsonRpcResponse, method: string): Params {
  if ('result' in response) return response.result as Params;
  throw new Error(`the server answered ${method} with the error ${response.error.code}: ${response.error.message}`);
}

/** Sends one message in a POST of its own. */
async function post(message: object): Promise<Response> {
  const body = JSON.stringify(message);
  const response = await fetch(url, { method: 'POST', headers, body, signal: stop.signal });
  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
  if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
  return response;
}

/** Yields the messages of a response, each as soon as it has arrived. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    yield await response.json();
    return;
  }
  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  const { read } = eventReader(({ type, data }) => {
    if (type === 'message' && data !== '') messages.push(JSON.parse(data));
  });
  for await (const chunk of response.body!) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
    yield* messages.splice(0);
  }
}

/** Tells the server that this client leaves the room. Nothing that comes of this changes the exit code. */
async function endSession(): Promise<void> {
  if (!headers['MCP-Session-Id']) return;
  await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(2000) }).catch(() => {});
}
// #endregion
