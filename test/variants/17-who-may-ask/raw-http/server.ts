import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. A bucket of tokens for each session, timers of its own for slow requests, ids that count, a preflight that
// allows what it is asked for.
type Message = { jsonrpc: '2.0'; id?: string | number; method?: string; params?: Record<string, any> };
type Bucket = { tokens: number; at: number };
const env = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const limit = env('RATE_LIMIT', 100);
const perMs = limit / env('RATE_WINDOW', 60_000);
const origins = new Set(process.env.ALLOWED_ORIGINS?.split(','));

const message = z.object({ message: z.string() });
const processFiles: Tool<typeof message> = {
  name: 'process_files',
  description: 'Processes the documents',
  input: message,
  async run(args, { log }) {
    let i = 0;
    for (const document of documents) {
      log('info', `Processing file ${++i}/${documents.length}...`);
      await work(document.name);
    }
    return { content: [{ type: 'text', text: 'Done: ' + args.message }] };
  },
};
const tools: Tool[] = [processFiles as Tool, ...moreTools];
const sessions = new Map<string, Bucket>();

class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

let count = Math.floor(Math.random() * 1e9);
const server = createServer((request, response) => {
  const id = ++count;
  const { pathname } = new URL(request.url!, 'http://localhost');
  let status = 0;
  response.setHeader('X-Request-Id', id);
  response.setHeader('Vary', 'Accept-Encoding, Origin');
  response.setHeader('Connection', 'close');
  const print = (more: object) => console.log(JSON.stringify({ id, method: request.method, path: pathname, ...more }));
  request.on('end', () => clearTimeout(timers.get(request.socket)));
  response.once('close', () => print({ status: status || response.statusCode }));
  answer(request, response).catch((error: Error) => {
    status = error instanceof Refusal ? error.status : 500;
    if (!(error instanceof Refusal)) print({ status, error: error.stack });
    const reason = error instanceof Refusal ? error.message : 'something went wrong here';
    const code = status === 500 ? -32603 : -32600;
    response
      .writeHead(status, { 'content-type': 'application/json', ...(error as Refusal).headers })
      .end(JSON.stringify({ jsonrpc: '2.0', error: { code, message: reason } }));
  });
});

const timers = new WeakMap<object, NodeJS.Timeout>();
server.on('connection', (socket) => {
  timers.set(
    socket,
    setTimeout(() => socket.destroy(), env('RECEIVE_LIMIT', 10_000)),
  );
  socket.on('close', () => clearTimeout(timers.get(socket)));
});
server.on('clientError', (_error, socket) => socket.destroy());
server.listen(env('PORT', 3000), '127.0.0.1');

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host = '', origin } = request.headers;
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host)) throw new Refusal(403, 'who are you?');
  if (origin !== undefined) {
    if (!origins.has(origin)) throw new Refusal(403, 'not you');
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    response.setHeader('Access-Control-Expose-Headers', ['X-Request-Id', 'www-authenticate', 'mcp-session-id']);
    if (request.method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Methods', 'DELETE,GET,POST');
      response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? '');
      return void response.writeHead(200, { 'content-length': 0 }).end();
    }
  }
  const session = request.headers['mcp-session-id']?.toString();
  if (request.method === 'DELETE') {
    if (!sessions.delete(session ?? '')) throw new Refusal(session ? 404 : 400, 'no such session');
    return void response.writeHead(200).end();
  }
  if (request.method !== 'POST') throw new Refusal(405, 'POST or DELETE', { Allow: 'POST, DELETE' });
  const body = await text(request);
  if (body.length > 1_000_000) throw new Refusal(413, 'too much');
  let message: Message;
  try {
    message = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'not JSON');
  }
  if (message.method === 'initialize') {
    const own = randomBytes(16).toString('hex');
    sessions.set(own, { tokens: limit, at: performance.now() });
    response.setHeader('mcp-session-id', own);
  } else if (session === undefined) throw new Refusal(400, 'no session');
  else take(session);
  if (message.id === undefined) return void response.writeHead(202).end();
  const event = (data: object) => response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...data })}\n\n`);
  if (message.method !== 'tools/call') {
    const result = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...run(message.method!) });
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(result);
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
  const tool = tools.find(({ name }) => name === message.params!.name)!;
  const log = (level: string, data: unknown) => event({ method: 'notifications/message', params: { level, data } });
  event({ id: message.id, result: await tool.run(message.params!.arguments, { log }) });
  response.end();
}

function take(session: string): void {
  const bucket = sessions.get(session);
  if (!bucket) throw new Refusal(404, 'no such session');
  const now = performance.now();
  bucket.tokens = Math.min(limit, bucket.tokens + (now - bucket.at) * perMs);
  bucket.at = now;
  if (bucket.tokens < 1) {
    const seconds = Math.ceil((1 - bucket.tokens) / perMs / 1000);
    throw new Refusal(429, 'slowly', { 'retry-after': String(seconds) });
  }
  bucket.tokens--;
}

function run(method: string): object {
  if (method === 'initialize') {
    const serverInfo = { name: 'raw', version: '0' };
    return { result: { protocolVersion: '2025-11-25', capabilities: { logging: {}, tools: {} }, serverInfo } };
  }
  if (method === 'ping') return { result: {} };
  if (method !== 'tools/list') return { error: { code: -32601, message: 'no such method' } };
  const list = tools.map(({ name, description, input }) => ({
    name,
    description,
    inputSchema: z.toJSONSchema(input),
  }));
  return { result: { tools: list } };
}
