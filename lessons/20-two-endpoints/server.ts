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

/** What the server remembers of a client from one message to the next, whatever the transport is. */
type Session = { level: string; revisions: string[] };

/** Sends one message to a client. How it travels is the business of a transport. */
type Send = (message: JsonRpcNotification | JsonRpcResponse) => void;

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
    const { revisions } = session;
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

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context, session: Session): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  return methods[method]!(params ?? {}, context, session);
}

/** The core: answers one request. `send` gets what a tool logs while it works, and the response last. */
async function serve(request: JsonRpcRequest, session: Session, send: Send): Promise<void> {
  let over = false;
  const context: Context = {
    log(level, data, logger) {
      if (over || levels.indexOf(level) < levels.indexOf(session.level)) return;
      send({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
    },
  };
  const answered = await answer(request, context, session);
  over = true;
  send({ jsonrpc: '2.0', id: request.id, ...answered });
}

/** Writes one message, in one event, in one chunk. */
function writeMessage(response: Response, message: JsonRpcNotification | JsonRpcResponse): void {
  response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
}

const app = express();
app.use(onlyThisMachine);
const json = express.json({ strict: false, limit: '1mb' });

// The old transport: HTTP+SSE of revision 2024-11-05. A GET opens the stream, and the client posts to the address that
// the event `endpoint` names.

/** The clients of the old transport, by the ids in their endpoints. */
const streams = new Map<string, { session: Session; send: Send }>();

// The handler of app.get would answer HEAD as well, with a stream that nobody reads.
app.head('/sse', (_request, response) => {
  refuse(response.set('Allow', 'GET'), 405, -32600, 'the HTTP method here is GET');
});

app.get('/sse', (_request, response) => {
  const id = randomUUID();
  const session = { level: 'info', revisions: [...revisions, '2024-11-05'] };
  streams.set(id, { session, send: (message) => writeMessage(response, message) });
  // TODO task 2: forget the client when its stream has closed
  beginEventStream(response);
  response.write(`event: endpoint\ndata: /messages?sessionId=${id}\n\n`);
});

app.post('/messages', json, async (request, response) => {
  const stream = streams.get(String(request.query.sessionId));
  if (!stream) return refuse(response, 404, -32600, 'there is no such stream');
  const message = request.body;
  if (!isMessage(message)) return refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
  response.status(202).end();
  if (isRequest(message)) await serve(message, stream.session, stream.send);
});

// The new transport: Streamable HTTP of revision 2025-11-25. Each POST carries one message, and its response the answer.

/** The clients of the new transport, by their session ids. */
const sessions = new Map<string, Session>();

app.post('/mcp', checkPost, json, async (request, response) => {
  const message = request.body;
  if (!isMessage(message)) return refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { level: 'info', revisions } : sessionOf(request, response);
  if (!session) return;
  if (!isRequest(message)) return void response.status(202).end();
  // TODO task 1: answer the requests with serve
  refuse(response, 501, -32603, 'not written yet');
});

/** Keeps the session of a new client, and returns its id. */
function newSessionId(session: Session): string {
  const id = randomUUID();
  sessions.set(id, session);
  return id;
}

/** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
function sessionOf(request: Request, response: Response): Session | undefined {
  const id = request.get('MCP-Session-Id');
  const session = sessions.get(id ?? '');
  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
  return session;
}

app.delete('/mcp', (request, response) => {
  if (!sessionOf(request, response)) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  response.status(204).end();
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST, DELETE'), 405, -32600, 'the HTTP methods here are POST and DELETE');
});

function isMessage(body: unknown): boolean {
  return isRequest(body) || isNotification(body) || isResponse(body);
}

app.use(answerError);

listen(app);
