// A bridge with node:http and listeners of events, and the event stream read by a parser of its own.
import { request as ask, type IncomingMessage } from 'node:http';
import { eventReader } from '#support/event-reader.ts';

type Json = Record<string, any>;

const address = new URL(process.argv[2] ?? 'http://127.0.0.1:3000/mcp');
const sessionHeaders: Record<string, string> = {};
const waiting = new Set<unknown>();
let open = 0;
let ended = false;
let stream: ReturnType<typeof ask> | undefined;

const out = (message: Json) => process.stdout.write(`${JSON.stringify(message)}\n`);

function send(method: string, accept: string, body: string | undefined, done: (response: IncomingMessage) => void) {
  const headers: Record<string, string> = { ...sessionHeaders, Accept: accept };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    headers['Content-Length'] = String(Buffer.byteLength(body));
  }
  const sent = ask(address, { method, headers, agent: false }, done);
  sent.end(body);
  return sent;
}

/** Calls `got` with each message of a body, and `over` when there are no more, with what went wrong. */
function readBody(response: IncomingMessage, got: (message: Json) => void, over: (error?: string) => void) {
  let finished = false;
  const finish = (error?: string) => {
    if (!finished) over(error);
    finished = true;
  };
  response.setEncoding('utf8');
  response.on('error', (error) => finish(error.message));
  response.on('close', () => finish('closed'));
  if (/event-stream/.test(response.headers['content-type'] ?? '')) {
    const { read } = eventReader(({ data }) => data !== '' && got(JSON.parse(data) as Json));
    response.on('data', read);
    response.on('end', () => finish());
  } else {
    let text = '';
    response.on('data', (piece) => (text += piece));
    response.on('end', () => {
      if (/json/.test(response.headers['content-type'] ?? '')) got(JSON.parse(text) as Json);
      finish();
    });
  }
}

function deliver(message: Json, initialize: boolean) {
  if (!('method' in message)) {
    if (initialize && message.result) sessionHeaders['MCP-Protocol-Version'] = message.result.protocolVersion;
    waiting.delete(message.id);
  }
  out(message);
}

function post(message: Json, answered: () => void) {
  const isRequest = 'method' in message && 'id' in message;
  const initialize = message.method === 'initialize';
  open++;
  if (isRequest) waiting.add(message.id);
  let settled = false;
  const settle = (why: string) => {
    if (settled) return;
    settled = true;
    open--;
    if (isRequest && waiting.delete(message.id)) {
      out({ jsonrpc: '2.0', id: message.id, error: { code: -32001, message: why } });
    }
    answered();
    leave();
  };
  const sent = send('POST', 'text/event-stream, application/json', JSON.stringify(message), (response) => {
    const id = response.headers['mcp-session-id'];
    if (id !== undefined) sessionHeaders['MCP-Session-Id'] = String(id);
    if (response.statusCode! >= 300) {
      response.resume();
      settle(`${response.statusCode} ${response.statusMessage}`);
    } else if (!isRequest) {
      response.resume();
      settle('');
    } else {
      readBody(
        response,
        (each) => deliver(each, initialize),
        (error) => settle(error ?? 'no response came'),
      );
    }
  });
  sent.on('error', (error) => settle(error.message));
}

function listen() {
  stream = send('GET', 'text/event-stream', undefined, (response) => {
    if (response.statusCode !== 200) return response.resume();
    return readBody(
      response,
      (each) => deliver(each, false),
      () => {},
    );
  });
  stream.on('error', () => {});
}

function leave() {
  if (!ended || open > 0 || queue.length > 0) return;
  stream?.destroy();
  if (!sessionHeaders['MCP-Session-Id']) return;
  const sent = send('DELETE', '*/*', undefined, (response) => response.resume());
  sent.on('error', () => {});
}

const queue: Json[] = [];
let blocked = false;

function next() {
  while (!blocked && queue.length > 0) {
    const message = queue.shift()!;
    const waits = !('id' in message) || !('method' in message) || message.method === 'initialize';
    if (message.method === 'notifications/cancelled') waiting.delete(message.params?.requestId);
    blocked = waits;
    post(message, () => {
      if (!waits) return;
      blocked = false;
      if (message.method === 'notifications/initialized') listen();
      next();
    });
  }
}

let buffered = Buffer.alloc(0);
process.stdin.on('data', (piece: Buffer) => {
  buffered = Buffer.concat([buffered, piece]);
  for (let at = buffered.indexOf(10); at >= 0; at = buffered.indexOf(10)) {
    const line = buffered.subarray(0, at).toString();
    buffered = buffered.subarray(at + 1);
    queue.push(JSON.parse(line) as Json);
  }
  next();
});
process.stdin.on('end', () => {
  ended = true;
  leave();
});
