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

/** How many events the server keeps for each session. */
const keptEvents = Number(process.env.KEPT_EVENTS ?? 1000);

/** Milliseconds that a client should wait before it comes back. */
const retry = Number(process.env.RETRY ?? 1000);

/** What the server remembers of a client from one request to the next. */
type Session = {
  level: string;
  /** The revision of the protocol on which the handshake has agreed. */
  revision: string;
  /** The last events of all streams of this session, oldest first. */
  events: StoredEvent[];
};

/** One event as it was sent. */
type StoredEvent = { id: string; stream: EventStream; text: string };

/** The events of one call. The stream continues when its connection has closed, until the response is sent. */
type EventStream = {
  /** No other stream has this id. */
  id: string;
  /** How many events it has had. */
  count: number;
  /** Where its events go at the moment: undefined while the client is not connected. */
  connection: Response | undefined;
  /** Whether the response has been sent, so that nothing more will come. */
  over: boolean;
};

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

  initialize(params, _context, session) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    if (revisions.includes(data.protocolVersion)) session.revision = data.protocolVersion;
    return {
      result: {
        protocolVersion: session.revision,
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

/** A session that has only just begun. */
function newSession(): Session {
  return { level: 'info', revision: revisions[0]!, events: [] };
}

/** Answers a call with an event stream: the tool's messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  beginEventStream(response);
  const stream: EventStream = { id: randomUUID(), count: 0, connection: response, over: false };
  // #region task 1: say when to come back, and give the client an id before the first message
  response.write(`retry: ${retry}\n\n`);
  if (session.revision === revisions[0]) sendEvent(session, stream, '');
  // #endregion
  const context: Context = {
    log(level, data, logger) {
      if (levels.indexOf(level) < levels.indexOf(session.level)) return;
      send(session, stream, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
    },
    closeConnection() {
      // #region task 2: end the connection, but not the stream, if the client knows that it has to come back
      if (session.revision !== revisions[0]) return;
      stream.connection?.end();
      stream.connection = undefined;
      // #endregion
    },
  };
  const answered = await answer(message, context, session);
  send(session, stream, { jsonrpc: '2.0', id: message.id, ...answered });
  stream.over = true;
  stream.connection?.end();
}

/** Sends one message. After the response, nothing more can be sent. */
function send(session: Session, stream: EventStream, message: JsonRpcNotification | JsonRpcResponse): void {
  if (!stream.over) sendEvent(session, stream, JSON.stringify(message));
}

/** Sends one event in one chunk, and keeps it for a client that has lost its connection. */
function sendEvent(session: Session, stream: EventStream, data: string): void {
  // #region task 1: give the event its id, and keep the last keptEvents events of the session
  // starter: stream.connection?.write(`data: ${data}\n\n`);
  stream.count++;
  const id = `${stream.id}/${stream.count}`;
  const text = `id: ${id}\ndata: ${data}\n\n`;
  session.events.push({ id, stream, text });
  if (session.events.length > keptEvents) session.events.shift();
  stream.connection?.write(text);
  // #endregion
}

/** A single JSON object has room for the response only, so what a tool logs is dropped. */
const silent: Context = { log: () => {} };

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context, session: Session): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  return methods[method]!(params ?? {}, context, session);
}

app.get('/mcp', checkRevision, (request, response) => {
  const session = sessionOf(request, response);
  if (!session) return;
  const lastEventId = request.get('Last-Event-ID');
  if (lastEventId === undefined) refuse(response, 405, -32600, 'this server offers no stream of its own');
  else resume(lastEventId, session, response);
});

/** Sends what the client has missed of a stream, and from then on what comes on this stream. */
function resume(lastEventId: string, session: Session, response: Response): void {
  // #region task 2: find the event and its stream, send the later events of this stream, and continue here
  // starter: refuse(response, 400, -32600, 'no stream can be resumed yet');
  const index = session.events.findIndex(({ id }) => id === lastEventId);
  if (index === -1) {
    refuse(response, 400, -32600, 'Last-Event-ID is not an event that this session keeps');
    return;
  }
  const { stream } = session.events[index]!;
  beginEventStream(response);
  response.write(`retry: ${retry}\n\n`);
  for (const event of session.events.slice(index + 1)) {
    if (event.stream === stream) response.write(event.text);
  }
  stream.connection?.end();
  stream.connection = response;
  if (stream.over) response.end();
  // #endregion
}

app.delete('/mcp', (request, response) => {
  if (!sessionOf(request, response)) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  response.status(204).end();
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'GET, POST, DELETE'), 405, -32600, 'the HTTP methods here are GET, POST and DELETE');
});

app.use('/mcp', answerError);

listen(app);
