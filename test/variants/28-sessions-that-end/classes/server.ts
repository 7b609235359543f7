import { randomUUID } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool, type ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A class for each thing. The timer of a session runs all the time, and starts again when it finds the session in use.
// A session keeps all its streams, and speaks on the newest one; one timer serves all streams. JSON is indented, with a data: before each line; comments keep the stream alive; ids of sessions are long.
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
  get open(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }
  onClose(act: () => void): void {
    clearInterval(this.#timer);
    this.#response.once('close', act);
  }
  comment(): void {
    if (this.open) this.#response.write(': .\n\n');
  }
  end(): void {
    this.#response.end();
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
  static readonly all = new Map<string, Session>();
  static readonly levels = 'debug info notice warning error critical alert emergency'.split(' ');
  readonly id = `${randomUUID()}.${randomUUID()}`;
  #from = 1;
  readonly #streams: EventStream[] = [];
  readonly #timer: NodeJS.Timeout;
  #busy = 0;
  #open = 0;
  #last = process.hrtime.bigint();

  constructor() {
    const limit = Number(process.env.SESSION_LIMIT || 3_600_000);
    this.#timer = setTimeout(() => (this.#busy > 0 ? this.#timer.refresh() : this.end()), limit);
  }
  /** Another session takes the place of an idle one. */
  static make(): Session | undefined {
    if (Session.all.size >= Number(process.env.MAX_SESSIONS || 100)) {
      let oldest: Session | undefined;
      for (const each of Session.all.values()) {
        if (each.#busy === 0 && (!oldest || each.#last < oldest.#last)) oldest = each;
      }
      if (!oldest) return undefined;
      oldest.end();
    }
    const session = new Session();
    Session.all.set(session.id, session);
    return session;
  }
  /** Counts until the promise is settled. */
  async during<Result>(promise: Promise<Result>): Promise<Result> {
    this.#busy++;
    this.#touch();
    try {
      return await promise;
    } finally {
      this.#busy--;
      this.#touch();
    }
  }
  #touch(): void {
    this.#last = process.hrtime.bigint();
    if (Session.all.has(this.id)) this.#timer.refresh();
  }
  get full(): boolean {
    return this.#open >= Number(process.env.MAX_STREAMS || 10);
  }
  opened(response: Response): void {
    this.#open++;
    response.once('close', () => void this.#open--);
  }

  static {
    setInterval(
      () => {
        for (const session of Session.all.values()) session.#streams.forEach((stream) => stream.comment());
      },
      Number(process.env.QUIET_INTERVAL || 15_000),
    );
  }
  listen(stream: EventStream): void {
    this.#streams.unshift(stream);
    stream.onClose(() => this.#streams.splice(this.#streams.indexOf(stream), 1));
  }
  tell(message: object): void {
    this.#streams.find((stream) => stream.open)?.send(message);
  }
  end(): void {
    Session.all.delete(this.id);
    clearTimeout(this.#timer);
    for (const stream of this.#streams) stream.end();
  }
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
      const name = names.shift()!;
      await work(name);
      Processed.names.push(name);
      if (Processed.names.length === 1) Processed.changed();
    }
    return { content: [{ type: 'text', text: `Done: ${String(args.message)}` }] };
  }
}

class Processed implements Tool {
  static names: string[] = [];
  static changed(): void {
    for (const session of Session.all.values())
      session.tell({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }
  readonly description = 'About processed files';
  readonly input = z.object({});
  readonly name: string;
  readonly run: () => Promise<ToolResult>;
  constructor(name: string, act: () => string) {
    this.name = name;
    this.run = async () => ({ content: [{ type: 'text', text: act() }] });
  }
}

const forget = new Processed('forget_processed', () => {
  if (Processed.names.splice(0).length > 0) Processed.changed();
  return 'Forgotten';
});
const list = new Processed('list_processed', () => Processed.names.join(', '));
const offered = (): Tool[] => [...moreTools, forget, ...(Processed.names.length ? [list] : []), new ProcessFiles()];

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
    const tool = offered().find((each) => each.name === name);
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

const welcome = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: { listChanged: true }, logging: {} },
  serverInfo: { name: 'classes', version: '1' },
};
const helloParams = z.object({ protocolVersion: z.string(), clientInfo: z.object({ name: z.string() }) });

const handlers: Record<string, (session: Session, params: Record<string, unknown>) => object> = {
  ping: () => ({}),
  'tools/list': () => ({
    tools: offered().map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input) })),
  }),
  'logging/setLevel': (session, { level }) => {
    session.level = level;
    return {};
  },
};

const app = express();
app.use(express.json());

const sessionOf = (request: Request) => Session.all.get(request.get('MCP-Session-Id') ?? '');

const no = (response: Response, status: number, message: string) =>
  void response.status(status).json({ jsonrpc: '2.0', id: null, error: { code: -32000, message } });
const noSession = (request: Request, response: Response) =>
  no(response, request.get('MCP-Session-Id') === undefined ? 400 : 404, 'no session');

const closed = (response: Response) => new Promise<void>((resolve) => response.once('close', resolve));

app.post('/mcp', async (request, response) => {
  const message = request.body as Rpc;
  if (message.method === 'initialize') {
    if (!helloParams.safeParse(message.params).success)
      return void response.json({ jsonrpc: '2.0', id: message.id, error: { code: -32602, message: 'bad params' } });
    const session = Session.make();
    if (!session) return no(response.set('Retry-After', '0'), 503, 'try again');
    void session.during(closed(response));
    response.set('Mcp-Session-Id', session.id).json({ jsonrpc: '2.0', id: message.id, result: welcome });
    return;
  }
  const session = sessionOf(request);
  if (!session) return noSession(request, response);
  void session.during(closed(response));
  if (message.id === undefined) return void response.status(202).end();
  const call = new Call(message, session);
  try {
    if (message.method === 'tools/call') {
      if (session.full) return no(response, 503, 'too many streams');
      session.opened(response);
      return await session.during(call.stream(response));
    }
    const handler = handlers[message.method];
    if (!handler) throw new RpcError(-32601, 'unknown method');
    response.json(call.answer(handler(session, message.params ?? {})));
  } catch (error) {
    const { code, message: text } = error as RpcError;
    response.status(400).json({ jsonrpc: '2.0', id: message.id, error: { code, message: text } });
  }
});

app.delete('/mcp', (request, response) => {
  const session = sessionOf(request);
  if (!session) return noSession(request, response);
  session.end();
  response.sendStatus(200);
});

app.get('/mcp', (request, response, next) => {
  if (request.method !== 'GET') return next('route');
  const session = sessionOf(request);
  if (!session) return noSession(request, response);
  if (session.full) return no(response.set('Retry-After', '3'), 429, 'too many streams');
  session.opened(response);
  void session.during(closed(response));
  session.listen(new EventStream(response));
});

app.all('/mcp', (_request, response) => void response.set('Allow', 'DELETE, GET, POST').sendStatus(405));

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
