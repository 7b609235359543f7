import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { createParser } from 'eventsource-parser';

// Node's http module, and callbacks. One total limit for everything; the transport is said when the first result is here.
const [address = 'http://127.0.0.1:3000/mcp', message = 'hello'] = process.argv.slice(2);
const url = new URL(address);
const limit = Number(process.env.TIME_LIMIT ?? 60_000);

type Rpc = { id?: string | number; method?: string; params?: any; result?: any; error?: any };

function leave(code: number, sentence: string): never {
  console.error(`${address}: ${sentence.replaceAll(/\s+/g, ' ')}`);
  process.exit(code);
}
let timer = setTimeout(() => leave(6, 'nothing came in time'), limit);
const begun = () => {
  clearTimeout(timer);
  timer = setTimeout(() => leave(6, 'nothing came in time'), limit);
};

const headers: Record<string, string> = {};
let target = url;
let isOld = false;
let waitsFor: unknown;
let next: (result: any) => void = () => {};

function ask(to: URL, method: string, own: Record<string, string>, body?: object): Promise<IncomingMessage> {
  return new Promise((resolve) => {
    httpRequest(to, { method, agent: false, headers: { ...headers, ...own } }, resolve)
      .on('error', (error) => leave(2, error.message))
      .end(body && JSON.stringify(body));
  });
}

const post = (body: object): Promise<IncomingMessage> =>
  ask(target, 'POST', { 'content-type': 'application/json', accept: 'text/event-stream, application/json' }, body);

function take(message: Rpc): void {
  const { id, method, params } = message;
  if (method === undefined && id === waitsFor) {
    if (message.error) leave(7, `${message.error.code} ${message.error.message}`);
    next(message.result);
  } else if (method === 'notifications/message') console.log(`NOTIFICATION: ${params.level} ${params.data}`);
  else if (method !== undefined && id !== undefined)
    void post({ jsonrpc: '2.0', id, result: {} }).then((response) => response.resume());
}

function readEvents(response: IncomingMessage, onEvent: (type: string, data: string) => void): void {
  const parser = createParser({ onEvent: ({ event, data }) => data !== '' && onEvent(event ?? 'message', data) });
  response.setEncoding('utf8').on('data', (piece: string) => parser.feed(piece));
}

const typeOf = (response: IncomingMessage) => String(response.headers['content-type']).toLowerCase();

async function refuse(response: IncomingMessage): Promise<string> {
  const body = await text(response);
  const why = /"message":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1];
  return `the POST was refused with ${response.statusCode}${why === undefined ? '' : `: ${JSON.parse(`"${why}"`)}`}`;
}

async function openOld(refusal: string): Promise<void> {
  const stream = await ask(url, 'GET', { accept: 'text/event-stream' });
  if (stream.statusCode !== 200 || !typeOf(stream).startsWith('text/event-stream')) leave(3, refusal);
  await new Promise<void>((resolve) => {
    const over = () => leave(5, 'the stream has ended');
    stream.on('end', over).on('error', over);
    readEvents(stream, (type, data) => {
      if (type === 'message') return take(JSON.parse(data));
      if (type !== 'endpoint') return;
      target = new URL(data, url);
      if (target.origin !== url.origin) leave(1, `the endpoint is on ${target.origin}`);
      isOld = true;
      resolve();
    });
  });
}

async function request(id: number, method: string, params: object): Promise<any> {
  begun();
  const answered = new Promise<any>((resolve) => ((next = resolve), (waitsFor = id)));
  const body = { jsonrpc: '2.0', id, method, params };
  let response = await post(body);
  if (id === 1 && [400, 404, 405].includes(response.statusCode!)) {
    await openOld(await refuse(response));
    response = await post(body);
  }
  if (response.statusCode! >= 300) leave(3, await refuse(response));
  const session = response.headers['mcp-session-id'];
  if (session) headers['mcp-session-id'] = String(session);
  if (isOld) response.resume();
  else if (typeOf(response).startsWith('application/json')) take(JSON.parse(await text(response)));
  else readEvents(response, (_type, data) => take(JSON.parse(data)));
  return answered;
}

const { protocolVersion } = await request(1, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'callbacks', version: '1' },
});
process.stderr.write(isOld ? 'transport=HTTP+SSE\n' : 'transport=Streamable HTTP\n');
headers['mcp-protocol-version'] = protocolVersion;
const accepted = await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
if (accepted.statusCode! >= 300) leave(3, await refuse(accepted));
accepted.resume();
const { content } = await request(2, 'tools/call', { name: 'process_files', arguments: { message } });
console.log(`RESULT: ${content.map((block: any) => block.text ?? '').join('\n')}`);
if (headers['mcp-session-id']) (await ask(url, 'DELETE', {})).resume();
process.exit(0);
