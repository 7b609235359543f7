import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool, type ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

// Handlers take a Request of the web and return a Response. The log has one line for each response, after its last byte.
const input = z.object({ message: z.string() });
const processFiles: Tool<typeof input> = {
  name: 'process_files',
  description: 'Processes the documents',
  input,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`);
      await work(name);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};
const tools: Tool[] = [processFiles, ...moreTools];

const {
  RATE_LIMIT = 100,
  RATE_WINDOW = 60_000,
  RECEIVE_LIMIT = 10_000,
  ALLOWED_ORIGINS = '',
  PORT = 3000,
} = process.env;
const allowed = ALLOWED_ORIGINS.split(',');
const sessions = new Map<string, { left: number; timer?: NodeJS.Timeout; until: number }>();

const json = (status: number, body: object, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ jsonrpc: '2.0', ...body }), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
const refusal = (status: number, message: string, headers?: Record<string, string>) =>
  json(status, { id: null, error: { code: status === 500 ? -32603 : -32000, message } }, headers);

function forbidden({ headers, url }: Request): boolean {
  const origin = headers.get('origin');
  return (
    !['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname) ||
    (origin !== null && !allowed.includes(origin))
  );
}

function withCors(origin: string | null, response: Response): Response {
  response.headers.append('vary', 'origin');
  if (origin === null) return response;
  response.headers.set('access-control-allow-origin', origin);
  response.headers.set('access-control-expose-headers', 'www-authenticate, mcp-session-id');
  return response;
}

const preflight = () =>
  new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'POST, DELETE',
      'access-control-allow-headers':
        'mcp-session-id, mcp-protocol-version, authorization, content-type, last-event-id, accept',
    },
  });

async function serve(request: Request): Promise<Response> {
  if (forbidden(request)) return refusal(403, 'forbidden');
  const origin = request.headers.get('origin');
  if (request.method === 'OPTIONS' && origin !== null) return withCors(origin, preflight());
  const served = await serveAllowed(request).catch((error: Error) => {
    failures.set(request, error);
    return refusal(500, 'internal error');
  });
  return withCors(origin, served);
}

function parsed(body: string): any {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const failures = new WeakMap<Request, Error>();

async function serveAllowed(request: Request): Promise<Response> {
  const id = request.headers.get('mcp-session-id');
  if (request.method === 'DELETE')
    return sessions.delete(id ?? '') ? new Response() : refusal(id ? 404 : 400, 'no session');
  if (request.method !== 'POST') return refusal(405, 'no such method', { allow: 'POST, DELETE' });
  const body = await request.text();
  if (body.length > 1_000_000) return refusal(413, 'too much');
  const message = parsed(body);
  if (message?.jsonrpc !== '2.0') return refusal(400, 'not a message');
  if (message.method === 'initialize') {
    const own = crypto.randomUUID();
    sessions.set(own, { left: Number(RATE_LIMIT), until: 0 });
    const serverInfo = { name: 'web', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo };
    return json(200, { id: message.id, result }, { 'mcp-session-id': own });
  }
  const session = sessions.get(id ?? '');
  if (!session) return refusal(id === null ? 400 : 404, 'no session');
  if (session.left === 0) {
    const seconds = Math.ceil((session.until - Date.now()) / 1000);
    return refusal(429, 'too many', { 'retry-after': `${Math.max(seconds, 1)}` });
  }
  session.left--;
  if (!session.timer) {
    session.until = Date.now() + Number(RATE_WINDOW);
    const begin = () => Object.assign(session, { left: Number(RATE_LIMIT), timer: undefined });
    session.timer = setTimeout(begin, Number(RATE_WINDOW)).unref();
  }
  if (message.id === undefined) return new Response(null, { status: 202 });
  const list = () =>
    tools.map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input) }));
  if (message.method === 'ping') return json(200, { id: message.id, result: {} });
  if (message.method === 'tools/list') return json(200, { id: message.id, result: { tools: list() } });
  if (message.method !== 'tools/call') return json(200, { id: message.id, error: { code: -32601, message: 'no' } });
  const tool = tools.find(({ name }) => name === message.params.name)!;
  return new Response(eventsOf(message.id, tool, message.params.arguments), {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' },
  });
}

function eventsOf(id: unknown, tool: Tool, args: Record<string, unknown>): ReadableStream {
  let over = false;
  return new ReadableStream({
    async start(controller) {
      const send = (message: object) => {
        if (!over) controller.enqueue(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
      };
      const log = (level: string, data: unknown) => send({ method: 'notifications/message', params: { level, data } });
      const result: ToolResult = await tool.run(args, { log });
      send({ id, result });
      if (!over) controller.close();
      over = true;
    },
    cancel() {
      over = true;
    },
  });
}

const slow = {
  requestTimeout: Number(RECEIVE_LIMIT),
  connectionsCheckingInterval: Math.ceil(Number(RECEIVE_LIMIT) / 10),
};
createServer(slow, async (incoming, outgoing) => {
  const { method = 'GET', url, headers } = incoming;
  const id = crypto.randomUUID();
  const log = (more: object) => console.log(JSON.stringify({ id, method, path: url!.split('?')[0], ...more }));
  outgoing.on('close', () => log({ status: outgoing.statusCode }));
  const address = `http://${headers.host}${url}`;
  if (!URL.canParse(address)) return void outgoing.writeHead(400).end();
  const request = new Request(address, {
    method,
    headers: new Headers(headers as Record<string, string>),
    ...(method !== 'GET' && method !== 'HEAD' && { body: Readable.toWeb(incoming) as never, duplex: 'half' }),
  });
  const response = await serve(request);
  const failure = failures.get(request);
  if (failure) log({ status: 500, error: `${failure.message}\n${failure.stack}` });
  outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), 'x-request-id': id });
  await pour(response, outgoing);
}).listen(Number(PORT), '127.0.0.1');

async function pour({ body }: Response, outgoing: ServerResponse): Promise<void> {
  if (!body) return void outgoing.end();
  outgoing.flushHeaders();
  const reader = Readable.fromWeb(body as NodeStream);
  outgoing.on('close', () => reader.destroy());
  for await (const piece of reader) outgoing.write(piece);
  outgoing.end();
}
