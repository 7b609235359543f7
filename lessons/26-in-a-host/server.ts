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
  title: 'Process the documents',
  description: 'Processes the documents one after the other. It takes about three seconds.',
  annotations: { readOnlyHint: true, openWorldHint: false },
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** The number of words in each document. Nobody loads this index before the first call that needs it. */
let index: Promise<Map<string, number>> | undefined;

/** Loads the index, which takes a while. */
async function loadIndex(): Promise<Map<string, number>> {
  await work('index');
  return new Map(documents.map(({ name, text }) => [name, text.split(/\s+/).length]));
}

// TODO task 3: describe the argument
const countWordsInput = z.object({ document: z.string() });
const countWordsOutput = z.object({ document: z.string(), words: z.number() });

const countWords: Tool<typeof countWordsInput> = {
  name: 'count_words',
  // TODO task 3: say what this tool is, and what it does to the world
  description: 'counts',
  output: countWordsOutput,
  input: countWordsInput,
  async run({ document }) {
    // TODO task 3: load the index only once
    const counts = await loadIndex();
    const words = counts.get(document);
    if (words === undefined) {
      // TODO task 3: tell the model which documents there are
      throw new Error('not found');
    }
    // TODO task 3: return the number as data and as text
    return { content: [{ type: 'text', text: String(words) }] };
  },
};

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** What the server remembers of a client from one request to the next. */
type Session = { level: string };

/** The sessions, by their ids. */
const sessions = new Map<string, Session>();

const tools: Tool[] = [processFiles, countWords, ...moreTools];

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

  async initialize(params) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    // TODO task 3: do not load anything here
    await loadIndex();
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    return {
      result: {
        protocolVersion,
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'chunk-by-chunk', title: 'Chunk by Chunk', version: '1.0.0' },
        // TODO task 3: introduce the server to models
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
      tools: tools.map(({ name, title, description, annotations, input, output }) => ({
        name,
        title,
        description,
        annotations,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
        outputSchema: output && z.toJSONSchema(output),
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

app.use('/mcp', answerError);

listen(app);
