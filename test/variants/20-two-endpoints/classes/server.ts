import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { beginEventStream, onlyThisMachine } from '#support/mcp-http.ts';
import { moreTools, type Context, type Tool, type ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A session is an emitter of messages that knows nothing of HTTP; a transport listens for what it emits.
// The endpoint is an absolute address, a stream that is gone is 410, and DELETE is answered with 200.
type Rpc = { id?: string | number; method: string; params?: Record<string, unknown> };

class RpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

class ProcessFiles implements Tool {
  readonly name = 'process_files';
  readonly description = 'Processes files';
  readonly input = z.object({ message: z.string() });
  async run(args: Record<string, unknown>, context: Context): Promise<ToolResult> {
    for (let i = 0; i < documents.length; i++) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'files');
      await work(documents[i]!.name);
    }
    return { content: [{ type: 'text', text: `Done: ${String(args.message)}` }] };
  }
}

class Session {
  static readonly levels = 'debug info notice warning error critical alert emergency'.split(' ');
  static readonly tools: Tool[] = [...moreTools, new ProcessFiles()];
  readonly id = randomUUID();
  readonly #revisions: string[];
  #from = 1;

  constructor(...revisions: string[]) {
    this.#revisions = revisions;
  }

  /** Emits `message` for each message of the answer, and `over` when there are no more. */
  serve({ id, method, params = {} }: Rpc): EventEmitter {
    const call = new EventEmitter();
    const log: Context['log'] = (level, data, logger) => {
      if (Session.levels.indexOf(level) < this.#from) return;
      call.emit('message', {
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level, data, ...(logger !== undefined && { logger }) },
      });
    };
    // The listeners come in this turn of the event loop, and the work begins in the next.
    setImmediate(async () => {
      const outcome = await this.#outcome(method, params, log).then(
        (result) => ({ result }),
        ({ code = -32603, message }: RpcError) => ({ error: { code, message } }),
      );
      call.emit('message', { jsonrpc: '2.0', id, ...outcome });
      call.emit('over');
      call.removeAllListeners();
    });
    return call;
  }

  async #outcome(method: string, params: Record<string, unknown>, log: Context['log']): Promise<object> {
    if (method === 'initialize') {
      const asked = String(params.protocolVersion);
      const protocolVersion = this.#revisions.includes(asked) ? asked : this.#revisions[0];
      return {
        protocolVersion,
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'classes', version: '1' },
      };
    }
    if (method === 'ping') return {};
    if (method === 'tools/list')
      return { tools: Session.tools.map(({ name, input }) => ({ name, inputSchema: z.toJSONSchema(input) })) };
    if (method === 'logging/setLevel') {
      const from = Session.levels.indexOf(params.level as string);
      if (from < 0) throw new RpcError(-32602, 'no such level');
      this.#from = from;
      return {};
    }
    if (method !== 'tools/call') throw new RpcError(-32601, 'unknown method');
    const tool = Session.tools.find(({ name }) => name === params.name);
    if (!tool) throw new RpcError(-32602, 'unknown tool');
    const failed = (text: string) => ({ isError: true, content: [{ type: 'text', text }] });
    const args = tool.input.safeParse(params.arguments ?? {});
    if (!args.success) return failed(args.error.message);
    try {
      return await tool.run(args.data, { log });
    } catch (error) {
      return failed(String(error));
    }
  }
}

class OldTransport {
  static readonly all = new Map<string, OldTransport>();
  readonly session = new Session('2025-11-25', '2025-06-18', '2024-11-05');
  readonly #response: Response;
  constructor(request: Request, response: Response) {
    this.#response = response;
    OldTransport.all.set(this.session.id, this);
    request.socket.on('close', () => OldTransport.all.delete(this.session.id));
    beginEventStream(response);
    const address = new URL(`/messages?sessionId=${this.session.id}`, `http://${request.get('Host')}`);
    response.write(`event: endpoint\ndata: ${address}\n\n`);
  }
  take(message: Rpc): void {
    if (message.id === undefined) return;
    this.session.serve(message).on('message', (each) => {
      if (this.#response.writable) this.#response.write(`data: ${JSON.stringify(each)}\n\n`);
    });
  }
}

const sessions: Record<string, Session> = Object.create(null);
const app = express();
app.use(onlyThisMachine, express.json());

app
  .route('/sse')
  .get((request, response) => void new OldTransport(request, response))
  .all((_request, response) => void response.sendStatus(405));

app.post('/messages', (request, response) => {
  const old = OldTransport.all.get(String(request.query.sessionId));
  if (!old) return void response.status(410).json({ error: 'gone' });
  old.take(request.body);
  response.sendStatus(202);
});

const sessionOf = (request: Request, response: Response): Session | undefined => {
  const id = request.get('MCP-Session-Id');
  const session = id === undefined ? undefined : sessions[id];
  if (!session) response.status(id === undefined ? 400 : 404).json({ error: 'no session' });
  return session;
};

app
  .route('/mcp')
  .post((request, response) => {
    const message = request.body as Rpc;
    const begins = message.method === 'initialize';
    const session = begins ? new Session('2025-11-25', '2025-06-18') : sessionOf(request, response);
    if (!session) return;
    if (message.id === undefined) return void response.status(202).end();
    if (begins) response.set('MCP-Session-Id', session.id);
    if (begins) sessions[session.id] = session;
    const call = session.serve(message);
    if (message.method !== 'tools/call') return void call.on('message', (each) => response.json(each));
    beginEventStream(response);
    call.on('message', (each) => response.write(`event: message\ndata: ${JSON.stringify(each)}\n\n`));
    call.on('over', () => response.end());
  })
  .delete((request, response) => {
    const session = sessionOf(request, response);
    if (!session) return;
    delete sessions[session.id];
    response.status(200).json({});
  })
  .all((_request, response) => void response.status(405).set('Allow', 'POST, DELETE').end());

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
