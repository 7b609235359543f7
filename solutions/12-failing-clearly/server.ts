import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import express, { type NextFunction, type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

type Params = Record<string, unknown>;
type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** The outcome of a request: the part of its response that says whether it succeeded. */
type Answer = { result: object } | { error: { code: number; message: string } };

/** The protocol revisions that this server speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];

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

const setLevelParams = z.object({ level: z.enum(levels) });

/** What a log message says (MCP 2025-11-25, server/utilities/logging). */
type LogMessage = { level: string; logger: string | undefined; data: unknown };

/** What the server remembers of a client from one request to the next. */
type Session = { level: string };

/** The sessions, by their ids. */
const sessions = new Map<string, Session>();

const tools: Tool[] = [processFiles, ...moreTools];

const initializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: z.object({}),
  clientInfo: z.object({ name: z.string(), version: z.string() }),
});

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

const app = express();

/** The names of this machine. A page of another site cannot pretend to have one of them. */
const localNames = ['127.0.0.1', 'localhost', '[::1]'];

// Any page that is open in a browser can send requests to this machine, so refuse those that come from another site.
app.use('/mcp', (request, response, next) => {
  const asked = [`http://${request.get('Host')}`, request.get('Origin') ?? 'http://localhost'];
  if (asked.every((url) => URL.canParse(url) && localNames.includes(new URL(url).hostname))) next();
  else refuse(response, 403, -32600, 'the headers Host and Origin must name this machine');
});

app.post('/mcp', (request, response, next) => {
  if (!request.accepts('application/json') || !request.accepts('text/event-stream')) {
    refuse(response, 406, -32600, 'Accept must list application/json and text/event-stream');
    return;
  }
  if (!request.is('application/json')) {
    refuse(response, 415, -32600, 'Content-Type must be application/json');
    return;
  }
  const revision = request.get('MCP-Protocol-Version');
  if (revision !== undefined && !revisions.includes(revision)) {
    refuse(response, 400, -32600, `unsupported MCP-Protocol-Version: ${revision}; supported: ${revisions.join(', ')}`);
    return;
  }
  next();
});

app.post('/mcp', express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { level: 'info' } : sessionOf(request, response);
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

/** Answers a call with an event stream: the tool's log messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  response.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const context: Context = { log: (level, data, logger) => sendLog(response, session, { level, logger, data }) };
  const answered = await answer(message, context, session);
  send(response, { jsonrpc: '2.0', id: message.id, ...answered });
  response.end();
}

/** Writes one message, in one event, in one chunk. */
function send(response: Response, message: JsonRpcNotification | JsonRpcResponse): void {
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}

/** Sends a log message to the client that waits for this response. */
function sendLog(response: Response, session: Session, params: LogMessage): void {
  if (response.writableEnded) return;
  if (levels.indexOf(params.level) < levels.indexOf(session.level)) return;
  send(response, { jsonrpc: '2.0', method: 'notifications/message', params });
}

/** A single JSON object has room for the response only, so what a tool logs is dropped. */
const silent: Context = { log: () => {} };

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context, session: Session): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  return methods[method]!(params ?? {}, context, session);
}

function failure(code: number, message: string): Answer {
  return { error: { code, message } };
}

function isRequest(message: unknown): message is JsonRpcRequest {
  return hasMethod(message) && isId(message.id);
}

function isNotification(message: unknown): message is JsonRpcNotification {
  return hasMethod(message) && !('id' in message);
}

function isResponse(message: unknown): message is JsonRpcResponse {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    !('method' in message) &&
    isId(message.id) &&
    (isObject(message.result) || isObject(message.error))
  );
}

/** Everything that a request and a notification have in common. */
function hasMethod(message: unknown): message is JsonRpcNotification & { id?: unknown } {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    typeof message.method === 'string' &&
    (message.params === undefined || isObject(message.params))
  );
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Answers with an error whose id is null, because the server has read no request that the error could belong to. */
function refuse(response: Response, status: number, code: number, message: string): void {
  response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });
}

app.delete('/mcp', (request, response) => {
  if (!sessionOf(request, response)) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  response.status(204).end();
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST, DELETE'), 405, -32600, 'the HTTP methods here are POST and DELETE');
});

type HttpError = { status?: number; type?: string; message: string };

app.use('/mcp', (error: HttpError, _request: Request, response: Response, _next: NextFunction) => {
  if (error.type === 'entity.parse.failed') refuse(response, 400, -32700, 'the body is not JSON');
  else if (error.status && error.status < 500) refuse(response, error.status, -32600, error.message);
  else {
    console.error(error);
    refuse(response, 500, -32603, 'internal error');
  }
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/mcp`);
});
