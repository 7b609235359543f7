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

/** How many events the server keeps for each session. */
const keptEvents = Number(process.env.KEPT_EVENTS ?? 1000);

/** Milliseconds that a client should wait before it comes back. */
const retry = Number(process.env.RETRY ?? 1000);

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
  level: string;
  /** The revision of MCP on which the handshake has agreed. */
  revision: string;
  /** The stand-alone stream, once the client has opened it. */
  standAlone?: EventStream;
  /** The last events of all streams of this session, the oldest first. */
  events: StoredEvent[];
};

/** The events of one call, or of the stand-alone stream. A stream continues while it has no connection. */
type EventStream = {
  /** No other stream of this server has this number. Two calls can have the same request id, so that is not enough. */
  number: number;
  /** How many events it has had. */
  count: number;
  /** The HTTP response that its events go to at the moment. */
  connection?: Response | undefined;
  /** Whether the response to the call has been sent, so that nothing more will come. */
  over: boolean;
};

/** An event as it was sent. */
type StoredEvent = { id: string; stream: EventStream; text: string };

/** The sessions, by their ids. */
const sessions = new Map<string, Session>();

/** The tools that the server offers at the moment. */
function offeredTools(): Tool[] {
  return [processFiles, forgetProcessed, ...(processed.length > 0 ? [listProcessed] : []), ...moreTools];
}

/** Tells every client that `tools/list` has a new result. */
function announceTools(): void {
  for (const session of sessions.values()) {
    if (session.standAlone) {
      send(session, session.standAlone, { jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    }
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

  initialize(params, _context, session) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    if (revisions.includes(data.protocolVersion)) session.revision = data.protocolVersion;
    return {
      result: {
        protocolVersion: session.revision,
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
  return session;
}

function newSession(): Session {
  return { level: 'info', revision: revisions[0]!, events: [] };
}

/**
 * How many streams this server has had. If each session had a counter of its own, two sessions would have the same ids,
 * and a client with an id of the other session would get a wrong stream.
 */
let streams = 0;

function newStream(): EventStream {
  streams++;
  return { number: streams, count: 0, over: false };
}

/** Answers a call with an event stream: the tool's messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  const stream = newStream();
  connect(stream, response);
  prime(session, stream);
  const context: Context = {
    log(level, data, logger) {
      if (levels.indexOf(level) < levels.indexOf(session.level)) return;
      send(session, stream, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
    },
    closeConnection() {
      // #region task 2: end the connection and not the stream, if the revision has this
      if (session.revision === revisions[0]) stream.connection?.end();
      // #endregion
    },
  };
  const answered = await answer(message, context, session);
  send(session, stream, { jsonrpc: '2.0', id: message.id, ...answered });
  stream.over = true;
  stream.connection?.end();
}

/** From now on, the events of this stream go to this HTTP response. The old one, which may be dead, ends. */
function connect(stream: EventStream, response: Response): void {
  stream.connection?.end();
  stream.connection = response;
  beginEventStream(response);
  // #region task 1: say how long a client should wait before it comes back
  response.write(`retry: ${retry}\n\n`);
  // #endregion
  const keepAlive = setInterval(() => writeTo(stream, ': still here\n\n'), quietInterval);
  response.on('close', () => {
    clearInterval(keepAlive);
    if (stream.connection === response) stream.connection = undefined;
  });
}

/** Gives the client an id before the first message. */
function prime(session: Session, stream: EventStream): void {
  // #region task 1: send an event with empty data, if the revision has such events
  if (session.revision === revisions[0]) sendEvent(session, stream, '');
  // #endregion
}

/** Sends one message. After the response to a call, nothing more can be sent. */
function send(session: Session, stream: EventStream, message: JsonRpcNotification | JsonRpcResponse): void {
  if (!stream.over) sendEvent(session, stream, JSON.stringify(message));
}

/** Sends one event in one chunk, and keeps it for a client that has lost its connection. */
function sendEvent(session: Session, stream: EventStream, data: string): void {
  // #region task 1: give the event an id, and keep the event
  // starter: writeTo(stream, `data: ${data}\n\n`);
  stream.count++;
  const id = `${stream.number}/${stream.count}`;
  const text = `id: ${id}\ndata: ${data}\n\n`;
  session.events.push({ id, stream, text });
  writeTo(stream, text);
  // #endregion
  // #region task 2: keep no more than the last events of the session
  if (session.events.length > keptEvents) session.events.shift();
  // #endregion
}

function writeTo({ connection }: EventStream, text: string): void {
  if (connection && !connection.writableEnded) connection.write(text);
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
  const lastEventId = request.get('Last-Event-ID');
  if (lastEventId !== undefined) {
    resume(lastEventId, session, response);
    return;
  }
  session.standAlone ??= newStream();
  connect(session.standAlone, response);
  prime(session, session.standAlone);
});

/** Sends what the client has missed of a stream, and continues the stream. */
function resume(lastEventId: string, session: Session, response: Response): void {
  // #region task 2: find the event among those that the session has kept
  // starter: const index: number = -1;
  const index = session.events.findIndex(({ id }) => id === lastEventId);
  // #endregion
  // MCP names no status. 404 would say that the session is over, and 405 that there are no streams for GET.
  if (index === -1) {
    refuse(response, 400, -32600, 'Last-Event-ID is not the id of an event that this session still has');
    return;
  }
  const { stream } = session.events[index]!;
  // #region task 2: continue the stream on this connection, with the events that the client has missed
  connect(stream, response);
  for (const event of session.events.slice(index + 1)) {
    if (event.stream === stream) writeTo(stream, event.text);
  }
  if (stream.over) response.end();
  // #endregion
}

app.delete('/mcp', (request, response) => {
  const session = sessionOf(request, response);
  if (!session) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  session.standAlone?.connection?.end();
  response.status(204).end();
});

app.all('/mcp', refuseMethod);

function refuseMethod(_request: Request, response: Response): void {
  refuse(response.set('Allow', 'GET, POST, DELETE'), 405, -32600, 'the HTTP methods here are GET, POST and DELETE');
}

app.use('/mcp', answerError);

listen(app);
