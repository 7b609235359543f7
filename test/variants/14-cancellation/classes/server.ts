import { randomUUID } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool, type ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A class for each thing. A call that is cancelled no longer waits for its tool, which may work on. JSON is indented, with a data: before each line; comments keep the stream alive; ids of sessions are long.
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
  close(last?: object): void {
    clearInterval(this.#timer);
    if (last) this.send(last);
    this.#response.end();
  }
}

class Session {
  static readonly all = new Map<string, Session>();
  static readonly levels = 'debug info notice warning error critical alert emergency'.split(' ');
  readonly id = `${randomUUID()}.${randomUUID()}`;
  #from = 1;
  calls: Call[] = [];

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
      await work(names.shift()!, context);
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

class Cancelled extends Error {}

class Call {
  readonly #message: Rpc;
  readonly #session: Session;
  readonly #controller = new AbortController();
  constructor(message: Rpc, session: Session) {
    this.#message = message;
    this.#session = session;
  }
  has(id: unknown): boolean {
    return Object.is(this.#message.id, id);
  }
  cancel(): void {
    this.#controller.abort(new Cancelled());
  }
  #cancelled(): Promise<never> {
    const { signal } = this.#controller;
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }
  async stream(response: Response): Promise<void> {
    const { name, arguments: given } = this.#message.params ?? {};
    const tool = tools.find((each) => each.name === name);
    if (!tool) throw new RpcError(-32602, 'unknown tool');
    const args = tool.input.safeParse(given ?? {});
    if (!args.success)
      return void response.json(this.answer({ isError: true, content: [{ type: 'text', text: args.error.message }] }));
    const stream = new EventStream(response);
    let over = false as boolean;
    const log: Context['log'] = (level, data, logger) => {
      if (over || !this.#session.lets(level)) return;
      stream.send({
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level, data, ...(logger !== undefined && { logger }) },
      });
    };
    let result: ToolResult;
    this.#session.calls.push(this);
    try {
      const running = tool.run(args.data, { log, signal: this.#controller.signal });
      result = sendable(await Promise.race([this.#cancelled(), running]));
    } catch (error) {
      if (error instanceof Cancelled) return stream.close();
      result = { isError: true, content: [{ type: 'text', text: String(error) }] };
    } finally {
      over = true;
      this.#session.calls = this.#session.calls.filter((call) => call !== this);
    }
    if (this.#controller.signal.aborted) return stream.close();
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

const app = express();
app.use(express.json());

const sessionOf = (request: Request) => Session.all.get(request.get('MCP-Session-Id') ?? '');

app.post('/mcp', async (request, response) => {
  const message = request.body as Rpc;
  const begins = message.method === 'initialize';
  const session = begins ? new Session() : sessionOf(request);
  if (!session) return void response.status(request.get('MCP-Session-Id') ? 404 : 400).json({ error: 'no session' });
  if (message.method === 'notifications/cancelled') {
    for (const call of session.calls.filter((call) => call.has(message.params?.requestId))) call.cancel();
  }
  if (message.id === undefined) return void response.status(202).end();
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

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
