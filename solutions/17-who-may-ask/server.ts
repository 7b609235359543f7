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
type Session = { level: string; requests: number; windowEnd: number };

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

/** Gives each request an id, and writes a line when its response is over. */
const accessLog: RequestHandler = (request, response, next) => {
  const { method, path } = request;
  const began = performance.now();
  const id = randomUUID();
  response.locals.id = id;
  // #region task 3: send the id, and log the request when its response is over
  response.set('X-Request-Id', id);
  response.on('close', () => {
    log({ id, method, path, status: response.statusCode, ms: Math.round(performance.now() - began) });
  });
  // #endregion
  next();
};

/** Refuses the requests of pages that are not allowed, before anything else looks at them. */
const checkWhoAsks: RequestHandler = (request, response, next) => {
  const host = `http://${request.get('Host')}`;
  const origin = request.get('Origin');
  // #region task 1: refuse a Host or an Origin that is not in its list
  // starter: next();
  if (!URL.canParse(host) || !allowedHosts.includes(new URL(host).hostname)) {
    refuse(response, 403, -32600, 'the header Host does not name this machine');
  } else if (origin !== undefined && !allowedOrigins.includes(origin)) {
    refuse(response, 403, -32600, 'the header Origin names a page that is not allowed');
  } else {
    next();
  }
  // #endregion
};

/** Tells the browser of an allowed page what the page may send and read. */
const cors: RequestHandler = (request, response, next) => {
  // #region task 2: let the page read all answers
  response.vary('Origin');
  const origin = request.get('Origin');
  if (origin === undefined) return next();
  response.set({
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'MCP-Session-Id, WWW-Authenticate',
  });
  // #endregion
  if (request.method !== 'OPTIONS') return next();
  response.set({
    'Access-Control-Allow-Methods': 'GET, POST, DELETE',
    'Access-Control-Allow-Headers':
      'Accept, Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, MCP-Session-Id',
  });
  response.status(204).end();
};

const app = express();
app.use(accessLog);
app.use('/mcp', checkWhoAsks, cors);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { level: 'info', requests: 0, windowEnd: 0 } : sessionOf(request, response);
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

/** Whether this session may send another request now. If not, this function has refused it. */
function isInTime(session: Session, response: Response): boolean {
  const now = performance.now();
  if (now >= session.windowEnd) {
    session.windowEnd = now + rateWindow;
    session.requests = 0;
  }
  // #region task 3: refuse a request that is more than a session may send
  // starter: return true;
  session.requests++;
  if (session.requests <= rateLimit) return true;
  response.set('Retry-After', String(Math.ceil((session.windowEnd - now) / 1000)));
  refuse(response, 429, -32600, `a session may send ${rateLimit} requests in ${rateWindow} ms`);
  return false;
  // #endregion
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
  // #region task 3: tell the log everything, and the client nothing
  // starter: refuse(response, 500, -32603, inspect(error));
  log({ id: response.locals.id, error: inspect(error) });
  refuse(response, 500, -32603, 'internal error');
  // #endregion
});

// #region task 3: limit the time in which a request must have arrived
// starter: const server = createServer(app);
const server = createServer({ requestTimeout: receiveLimit, connectionsCheckingInterval: 100 }, app);
// #endregion

server.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
server.on('listening', () => console.log(`listening on http://127.0.0.1:${port}/mcp`));
// #region task 1: accept connections from this machine only
// starter: server.listen(port);
server.listen(port, '127.0.0.1');
// #endregion
