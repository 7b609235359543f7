import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import express, { type Request, type Response } from 'express';
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
import {
  answerError,
  beginEventStream,
  checkPost,
  checkRevision,
  listen,
  onlyThisMachine,
  refuse,
  revisions,
} from '#support/mcp-http.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

/** Milliseconds after which a stream on which nothing has been sent gets a comment, so that nobody takes it for dead. */
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** Milliseconds after which the server forgets a session that nobody uses. */
const sessionLimit = Number(process.env.SESSION_LIMIT ?? 30 * 60_000);

/** How many sessions the server keeps. */
const maxSessions = Number(process.env.MAX_SESSIONS ?? 1000);

/** How many event streams of one session may be open at the same time. */
const maxStreams = Number(process.env.MAX_STREAMS ?? 10);

/** The names of the documents that are processed. */
const processed: string[] = [];

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name);
      processed.push(name);
      if (processed.length === 1) announceTools();
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** Clients are offered this tool only while there is something to list. */
const listProcessed: Tool = {
  name: 'list_processed',
  description: 'Lists the documents that are processed',
  input: z.object({}),
  async run() {
    return { content: [{ type: 'text', text: processed.join(', ') }] };
  },
};

const forgetProcessed: Tool = {
  name: 'forget_processed',
  description: 'Forgets which documents are processed',
  input: z.object({}),
  async run() {
    const switchesOff = processed.length > 0;
    processed.length = 0;
    if (switchesOff) announceTools();
    return { content: [{ type: 'text', text: 'Forgotten' }] };
  },
};

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** What the server remembers of a client from one request to the next. */
type Session = {
  id: string;
  level: string;
  /** The response to the GET of this client, as long as it is open. */
  stream?: Response | undefined;
  /** How many things use the session at the moment: requests that are being answered, and calls that are running. */
  uses: number;
  /** When the last use ended, on the clock of `performance.now()`. */
  idleSince: number;
  /** Ends the session, unless somebody uses it before. */
  timer?: NodeJS.Timeout | undefined;
  /** How many event streams of this session are open. */
  openStreams: number;
};

/** The sessions, by their ids. */
const sessions = new Map<string, Session>();

/** The tools that the server offers at the moment. */
function offeredTools(): Tool[] {
  return [processFiles, forgetProcessed, ...(processed.length > 0 ? [listProcessed] : []), ...moreTools];
}

/** Tells every client that `tools/list` has a new result. */
function announceTools(): void {
  for (const { stream } of sessions.values()) {
    if (stream) send(stream, { jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }
}

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
        capabilities: { tools: { listChanged: true }, logging: {} },
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
      tools: offeredTools().map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      })),
    },
  }),

  async 'tools/call'(params, context) {
    const call = callParams.safeParse(params);
    if (call.error) return failure(-32602, z.prettifyError(call.error));
    const tool = offeredTools().find(({ name }) => name === call.data.name);
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

const app = express();
app.use('/mcp', onlyThisMachine);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? newSession() : sessionOf(request, response);
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
    if (!makeRoom()) {
      response.set('Retry-After', '10');
      refuse(response, 503, -32000, 'all sessions are in use');
      return;
    }
    sessions.set(session.id, session);
    // TODO task 1: the session is in use until this response is closed
    response.set('MCP-Session-Id', session.id);
  }
  response.json({ jsonrpc: '2.0', id: message.id, ...answered });
});

/** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
function sessionOf(request: Request, response: Response): Session | undefined {
  const id = request.get('MCP-Session-Id');
  const session = sessions.get(id ?? '');
  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
  // TODO task 1: the session is in use until this response is closed
  return session;
}

function newSession(): Session {
  return { id: randomUUID(), level: 'info', uses: 0, idleSince: performance.now(), openStreams: 0 };
}

/** The session is in use until this response is closed. */
function useDuring(response: Response, session: Session): void {
  beginUse(session);
  response.on('close', () => endUse(session));
}

/** A session that somebody uses is not idle. */
function beginUse(session: Session): void {
  // TODO task 1: count this use, and stop the timer
}

/** When the last use has ended, the session is idle. */
function endUse(session: Session): void {
  // TODO task 1: subtract this use, and return if the session is still in use or is over
  session.idleSince = performance.now();
  session.timer = setTimeout(() => endSession(session), sessionLimit);
}

/** Forgets a session. The next request with its id gets status 404. */
function endSession(session: Session): void {
  sessions.delete(session.id);
  session.stream?.end();
  clearTimeout(session.timer);
}

/** Makes room for one more session, if necessary. Returns false if there is no room. */
function makeRoom(): boolean {
  if (sessions.size < maxSessions) return true;
  const idle = [...sessions.values()].filter(({ uses }) => uses === 0);
  const [longest] = idle.sort((one, other) => one.idleSince - other.idleSince);
  // TODO task 2: end the session longest, and return whether there is such a session
  return true;
}

/** Begins an event stream, if the session may have one more. Otherwise refuses the request and returns false. */
function openStream(session: Session, response: Response): boolean {
  // TODO task 2: replace false with the condition for a stream that is one too many
  if (false) {
    refuse(response, 429, -32000, `this session has ${maxStreams} open streams already`);
    return false;
  }
  // TODO task 2: count the stream until its response is closed
  beginEventStream(response);
  return true;
}

/** Answers a call with an event stream: the tool's messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  if (!openStream(session, response)) return;
  const context: Context = {
    log(level, data, logger) {
      if (levels.indexOf(level) < levels.indexOf(session.level)) return;
      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
    },
  };
  // TODO task 1: the session is in use while the tool runs, even if the connection has closed
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

// The handler of app.get would answer HEAD as well, with a stream that nobody reads.
app.head('/mcp', refuseMethod);

app.get('/mcp', checkRevision, (request, response) => {
  if (!request.accepts('text/event-stream')) {
    refuse(response, 406, -32600, 'Accept must list text/event-stream');
    return;
  }
  const session = sessionOf(request, response);
  if (!session) return;
  if (!openStream(session, response)) return;
  session.stream?.end();
  session.stream = response;
  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(': still here\n\n');
  }, quietInterval);
  response.on('close', () => {
    clearInterval(keepAlive);
    if (session.stream === response) session.stream = undefined;
  });
});

app.delete('/mcp', (request, response) => {
  const session = sessionOf(request, response);
  if (!session) return;
  endSession(session);
  response.status(204).end();
});

app.all('/mcp', refuseMethod);

function refuseMethod(_request: Request, response: Response): void {
  refuse(response.set('Allow', 'GET, POST, DELETE'), 405, -32600, 'the HTTP methods here are GET, POST and DELETE');
}

app.use('/mcp', answerError);

listen(app);
