import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import express, { Router, type NextFunction, type Request, type Response } from 'express';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool, type ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A class for each thing. JSON is indented, with a data: before each line; comments keep the stream alive; ids of sessions are long.
type Rpc = { jsonrpc: '2.0'; id?: string | number; method: string; params?: Record<string, unknown> };

class RpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

class EventStream {
  readonly #response: Response;
  readonly #timer: NodeJS.Timeout;
  constructor(response: Response) {
    this.#response = response;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    response.write(': here we go\n\nretry: 2000\n\n');
    this.#timer = setInterval(() => response.write(':\n\n'), 15_000);
  }
  send(message: object): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    const lines = JSON.stringify(message, null, 2).split('\n');
    this.#response.write(lines.map((line) => `data: ${line}\n`).join('') + '\n');
  }
  close(last: object): void {
    clearInterval(this.#timer);
    this.send(last);
    this.#response.end();
  }
}

class Session {
  readonly #owner: string;
  constructor(owner: string) {
    this.#owner = owner;
  }
  belongsTo(subject: string): boolean {
    return subject === this.#owner;
  }
  static readonly all = new Map<string, Session>();
  static readonly levels = 'debug info notice warning error critical alert emergency'.split(' ');
  readonly id = `${randomUUID()}.${randomUUID()}`;
  #from = 1;

  set level(level: unknown) {
    const from = Session.levels.indexOf(level as string);
    if (from < 0) throw new RpcError(-32602, `level must be one of ${Session.levels.join(', ')}`);
    this.#from = from;
  }
  lets(level: string): boolean {
    return Session.levels.indexOf(level) >= this.#from;
  }
}

class ProcessFiles implements Tool {
  readonly name = 'process_files';
  readonly description = 'Processes files';
  readonly input = z.object({ message: z.string() });
  async run(args: Record<string, unknown>, context: Context): Promise<ToolResult> {
    const names = documents.map(({ name }) => name);
    while (names.length > 0) {
      context.log('info', `Processing file ${documents.length - names.length + 1}/${documents.length}...`, 'files');
      await work(names.shift()!);
    }
    return { content: [{ type: 'text', text: `Done: ${String(args.message)}` }] };
  }
}

const tools: Tool[] = [...moreTools, new ProcessFiles()];

/** What JSON makes of it; an error when that is no result. */
function sendable(result: unknown): ToolResult {
  const json = JSON.stringify(result) ?? 'null';
  if (json === 'null') throw new Error('the tool has returned nothing');
  return JSON.parse(json) as ToolResult;
}

class Call {
  readonly #message: Rpc;
  readonly #session: Session;
  constructor(message: Rpc, session: Session) {
    this.#message = message;
    this.#session = session;
  }
  async stream(response: Response): Promise<void> {
    const { name, arguments: given } = this.#message.params ?? {};
    const tool = tools.find((each) => each.name === name);
    if (!tool) throw new RpcError(-32602, 'unknown tool');
    const args = tool.input.safeParse(given ?? {});
    if (!args.success)
      return void response.json(this.answer({ isError: true, content: [{ type: 'text', text: args.error.message }] }));
    const stream = new EventStream(response);
    let over = false;
    const log: Context['log'] = (level, data, logger) => {
      if (over || !this.#session.lets(level)) return;
      stream.send({
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level, data, ...(logger !== undefined && { logger }) },
      });
    };
    let result: ToolResult;
    try {
      result = sendable(await tool.run(args.data, { log }));
    } catch (error) {
      result = { isError: true, content: [{ type: 'text', text: String(error) }] };
    }
    over = true;
    stream.close(this.answer(result));
  }
  answer(result: object): object {
    return { jsonrpc: '2.0', id: this.#message.id, result };
  }
}

const handlers: Record<string, (session: Session, params: Record<string, unknown>) => object> = {
  initialize: (session) => {
    Session.all.set(session.id, session);
    return {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, logging: {} },
      serverInfo: { name: 'classes', version: '1' },
    };
  },
  ping: () => ({}),
  'tools/list': () => ({
    tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input) })),
  }),
  'logging/setLevel': (session, { level }) => {
    session.level = level;
    return {};
  },
};

/** Everything about tokens: what this resource is, who may use it, and where a stranger is sent. */
class Guard {
  readonly #issuer = process.env.ISSUER!;
  readonly #base: string;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  constructor(base: string) {
    this.#base = base;
  }
  get resource(): string {
    return `${this.#base}/mcp`;
  }
  get metadata(): Router {
    const document = {
      resource: this.resource,
      resource_name: 'a server in classes',
      authorization_servers: [this.#issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp:tools'],
    };
    // At the root too, for clients that look only there.
    return Router().get(
      ['/', '/mcp'],
      (_request, response) => void response.type('json').send(JSON.stringify(document)),
    );
  }
  readonly check = async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const [, token] = /^bearer\s+([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (!token) return this.#refuse(response, 401);
    const claims = await this.#verified(token).catch(() => undefined);
    if (!claims) return this.#refuse(response, 401, 'invalid_token');
    const scopes = new Set((claims.scope as string | undefined)?.split(/\s+/));
    if (!scopes.has('mcp:tools')) return this.#refuse(response, 403, 'insufficient_scope');
    Object.assign(request, { subject: claims.sub });
    next();
  };
  async #verified(token: string): Promise<JWTPayload> {
    this.#keys ??= createLocalJWKSet((await (await fetch(`${this.#issuer}/jwks`)).json()) as JSONWebKeySet);
    const { payload } = await jwtVerify(token, this.#keys, {
      issuer: [this.#issuer],
      audience: [this.resource],
      maxTokenAge: '1h',
      clockTolerance: 5,
      typ: 'at+jwt',
      requiredClaims: ['exp'],
    });
    return payload;
  }
  #refuse(response: Response, status: number, error?: string): void {
    response.setHeader('WWW-Authenticate', [
      'Basic realm="never used"',
      `Bearer realm="mcp", ${error ? `error="${error}", ` : ''}resource_metadata="${this.#base}/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`,
    ]);
    response.sendStatus(status);
  }
}

const { TLS, PORT } = process.env;
const guard = new Guard(`${TLS ? 'https' : 'http'}://127.0.0.1:${PORT}`);
const subjectOf = (request: Request) => (request as Request & { subject: string }).subject;

const app = express();
app.use('/.well-known/oauth-protected-resource', guard.metadata);
app.use(guard.check);
app.use(express.json());

const sessionOf = (request: Request) => Session.all.get(request.get('MCP-Session-Id') ?? '');
app.use((request, response, next) => {
  const session = sessionOf(request);
  if (session && !session.belongsTo(subjectOf(request))) response.sendStatus(403);
  else next();
});

app.post('/mcp', async (request, response) => {
  const message = request.body as Rpc;
  const begins = message.method === 'initialize';
  const session = begins ? new Session(subjectOf(request)) : sessionOf(request);
  if (!session) return void response.status(request.get('MCP-Session-Id') ? 404 : 400).json({ error: 'no session' });
  if (message.id === undefined) return void response.sendStatus(202);
  const call = new Call(message, session);
  try {
    if (message.method === 'tools/call') return await call.stream(response);
    const handler = handlers[message.method];
    if (!handler) throw new RpcError(-32601, 'unknown method');
    const result = handler(session, message.params ?? {});
    if (begins) response.set('Mcp-Session-Id', session.id);
    response.json(call.answer(result));
  } catch (error) {
    const { code, message: text } = error as RpcError;
    response.status(400).json({ jsonrpc: '2.0', id: message.id, error: { code, message: text } });
  }
});

app.delete('/mcp', (request, response) => {
  const session = sessionOf(request);
  if (!session) return void response.sendStatus(request.get('MCP-Session-Id') === undefined ? 400 : 404);
  Session.all.delete(session.id);
  response.sendStatus(200);
});

app.all('/mcp', (_request, response) => void response.set('Allow', 'DELETE, POST').sendStatus(405));

/** Sends each connection where it belongs. */
class Doorkeeper {
  readonly #plain = createHttpServer((_request, response) => {
    response.statusCode = 400;
    response.setHeader('Content-Type', 'text/html');
    response.end(`<p>This is a port for TLS: <a href="${guard.resource}">${guard.resource}</a>`);
  });
  readonly #secure = createHttpsServer(
    { cert: readFileSync(`${TLS}/certificate.pem`), key: readFileSync(`${TLS}/key.pem`) },
    app,
  );
  listen(port: number): void {
    createTcpServer((socket) => this.#receive(socket)).listen(port, '127.0.0.1');
  }
  #receive(socket: Socket): void {
    socket.once('error', () => socket.destroy());
    socket.once('readable', () => {
      const bytes = socket.read() as Buffer | null;
      if (!bytes) return;
      socket.unshift(bytes);
      const server = bytes.at(0) === 0x16 ? this.#secure : this.#plain;
      server.emit('connection', socket);
    });
  }
}

if (TLS) new Doorkeeper().listen(Number(PORT));
else app.listen(Number(PORT), '127.0.0.1');
