import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import {
  failure,
  isNotification,
  isRequest,
  isResponse,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import { answerError, beginEventStream, checkPost, refuse, revisions } from '#support/mcp-http.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const port = Number(process.env.PORT ?? 3000);

/** The names under which this machine is reached from itself. */
const allowedHosts = ['127.0.0.1', 'localhost', '[::1]'];

/** The origins of the pages that may use this server. */
const allowedOrigins = (process.env.ALLOWED_ORIGINS ?? 'http://localhost:5173').split(',');

/** How many requests a session may send in each window, and how many milliseconds a window takes. */
const rateLimit = Number(process.env.RATE_LIMIT ?? 100);
const rateWindow = Number(process.env.RATE_WINDOW ?? 60_000);

/** Milliseconds in which a request must have arrived completely. */
const receiveLimit = Number(process.env.RECEIVE_LIMIT ?? 10_000);

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** What the server remembers of a client from one request to the next. */
type Session = { level: string; times: number[] };

/** The sessions, by their ids. */
const sessions = new Map<string, Session>();

const tools: Tool[] = [processFiles, ...moreTools];

const initializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: z.object({}),
  clientInfo: z.object({ name: z.string(), version: z.string() }),
});

const setLevelParams = z.object({ level: z.enum(levels) });

const callParams = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

/** What a tool has to return. It may have further members, which stay in the result. */
const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });

/** The methods that a client can call on this server. */
const methods: Record<string, (params: Params, context: Context, session: Session) => Answer | Promise<Answer>> = {
  ping: () => ({ result: {} }),

  initialize(params) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    return {
      result: {
        protocolVersion,
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'chunk-by-chunk', version: '1.0.0' },
      },
    };
  },

  'logging/setLevel'(params, _context, session) {
    const { data, error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    session.level = data.level;
    return { result: {} };
  },

  'tools/list': () => ({
    result: {
      tools: tools.map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      })),
    },
  }),

  async 'tools/call'(params, context) {
    const call = callParams.safeParse(params);
    if (call.error) return failure(-32602, z.prettifyError(call.error));
    const tool = tools.find(({ name }) => name === call.data.name);
    if (!tool) return failure(-32602, `Unknown tool: ${call.data.name}`);
    try {
      const args = tool.input.safeParse(call.data.arguments);
      if (args.error) return toolFailure(z.prettifyError(args.error));
      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
    } catch (error) {
      return toolFailure(reasonOf(error));
    }
  },
};

/** What 'tools/call' returns when a tool fails: a result, so that the model reads the text. */
function toolFailure(text: string): Answer {
  return { result: { content: [{ type: 'text', text }], isError: true } };
}

/** Why a tool has failed. It has usually thrown an Error, but JavaScript can throw any value. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}

/** Writes one line of the log. JSON keeps a record on one line, whatever texts are in it. */
function log(record: object): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), ...record }));
}

/** Looks at Host and Origin. */
class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  constructor(hosts: string[], origins: string[]) {
    this.#hosts = new Set(hosts);
    this.#origins = new Set(origins.map((origin) => origin.trim()));
  }
  #knows(host: string): boolean {
    try {
      return this.#hosts.has(new URL(`ws://${host}`).hostname.replace(/\.$/, ''));
    } catch {
      return false;
    }
  }
  readonly check: RequestHandler = ({ headers }, response, next) => {
    const wrong = !this.#knows(String(headers.host)) || ('origin' in headers && !this.#origins.has(headers.origin!));
    if (!wrong) return next();
    response.status(403).json({ jsonrpc: '2.0', error: { code: -32000, message: 'forbidden' } });
  };
}

/** The headers of CORS: all of them on every answer. */
class Cors {
  static readonly #headers = {
    'Access-Control-Allow-Methods': 'POST, GET, OPTIONS, DELETE',
    'Access-Control-Allow-Headers':
      'content-type, accept, authorization, mcp-session-id, mcp-protocol-version, last-event-id, mcp-method, mcp-name',
    'Access-Control-Expose-Headers': 'WWW-Authenticate, Mcp-Session-Id, Retry-After, X-Request-Id',
    'Access-Control-Max-Age': '600',
    Vary: 'Origin',
  };
  readonly allow: RequestHandler = (request, response, next) => {
    const { origin } = request.headers;
    response.set({ ...Cors.#headers, ...(origin && { 'Access-Control-Allow-Origin': origin }) });
    if (request.method === 'OPTIONS' && origin) response.sendStatus(200);
    else next();
  };
}

class AccessLog {
  readonly write: RequestHandler = (request, response, next) => {
    const began = Date.now();
    const { pathname } = new URL(request.originalUrl, 'http://localhost');
    const id = `r-${randomUUID()}`;
    response.locals.id = id;
    response.set('x-request-id', id);
    let written = false;
    const write = () => {
      if (written) return;
      written = true;
      log({
        level: 'info',
        id,
        path: pathname,
        method: request.method,
        status: response.statusCode,
        took: Date.now() - began,
      });
    };
    response.on('finish', write);
    response.on('close', write);
    next();
  };
}

const app = express();
app.use(new AccessLog().write, new Guard(allowedHosts, allowedOrigins).check, new Cors().allow);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { level: 'info', times: [performance.now()] } : sessionOf(request, response);
  if (!session) return;
  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
  if (message.method === 'tools/call') {
    await streamAnswer(message, session, response);
    return;
  }
  const answered = await answer(message, silent, session);
  if (begins && 'result' in answered) {
    const id = randomUUID();
    sessions.set(id, session);
    response.set('MCP-Session-Id', id);
  }
  response.json({ jsonrpc: '2.0', id: message.id, ...answered });
});

/** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
function sessionOf(request: Request, response: Response): Session | undefined {
  const id = request.get('MCP-Session-Id');
  const session = sessions.get(id ?? '');
  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
  return session && isInTime(session, response) ? session : undefined;
}

/** Counts the requests of the last `rateWindow` milliseconds, with the handshake. */
function isInTime({ times }: Session, response: Response): boolean {
  const now = performance.now();
  while (times.length > 0 && times[0]! <= now - rateWindow) times.shift();
  if (times.length < rateLimit) return times.push(now) > 0;
  response.set('Retry-After', `${Math.max(1, Math.ceil((times[0]! + rateWindow - now) / 1000))}`);
  response.status(429).json({ jsonrpc: '2.0', id: null, error: { code: -32029, message: 'too many requests' } });
  return false;
}

/** Answers a call with an event stream: the tool's messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  beginEventStream(response);
  const context: Context = {
    log(level, data, logger) {
      if (levels.indexOf(level) < levels.indexOf(session.level)) return;
      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
    },
  };
  const answered = await answer(message, context, session);
  send(response, { jsonrpc: '2.0', id: message.id, ...answered });
  response.end();
}

/** Writes one message, in one event, in one chunk. After the response, nothing more can be sent. */
function send(response: Response, message: JsonRpcNotification | JsonRpcResponse): void {
  if (response.writableEnded) return;
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}

/** A single JSON object has room for the response only, so what a tool logs is dropped. */
const silent: Context = { log: () => {} };

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context, session: Session): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  return methods[method]!(params ?? {}, context, session);
}

app.delete('/mcp', (request, response) => {
  if (!sessionOf(request, response)) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  response.status(204).end();
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST, DELETE'), 405, -32600, 'the HTTP methods here are POST and DELETE');
});

/** Answers when a handler, or the reader of the body, has thrown an error. */
app.use((error: Error & { status?: number }, request: Request, response: Response, next: NextFunction) => {
  if (error.status && error.status < 500) return answerError(error, request, response, next);
  log({ id: response.locals.id, error: { message: error.message, stack: error.stack } });
  refuse(response, 500, -32603, 'internal error');
});
const server = createServer({ requestTimeout: receiveLimit, connectionsCheckingInterval: 100 }, app);

server.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
server.on('listening', () => console.log(`listening on http://127.0.0.1:${port}/mcp`));
server.listen(port, '127.0.0.1');
