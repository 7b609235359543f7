import { inspect } from 'node:util';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import {
  failure,
  isId,
  isNotification,
  isRequest,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import { answerError, beginEventStream, checkMediaTypes, listen, onlyThisMachine, refuse } from '#support/mcp-http.ts';
import { fromHeader, metaKeys } from '#support/stateless.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.progress?.(i, documents.length, `Processing file ${i + 1}/${documents.length}...`);
      await work(name);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** The protocol revisions that this server speaks, newest first. */
const revisions = ['2026-07-28'];
const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

const tools: Tool[] = [processFiles, ...moreTools];

/** What every request has to say in its `_meta`. It may have further members, such as the name of the client. */
const requestMeta = z.looseObject({
  [metaKeys.protocolVersion]: z.string(),
  [metaKeys.clientCapabilities]: z.record(z.string(), z.unknown()),
});

const callParams = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

/** What a tool has to return. It may have further members, which stay in the result. */
const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });

/** How long a client may keep what does not change while this server runs, and who may use the copy. */
const caching = { ttlMs: 60_000, cacheScope: 'public' };

/** The methods that a client can call on this server. */
const methods: Record<string, (params: Params, context: Context) => Answer | Promise<Answer>> = {
  // #region task 2: say what this server is, in answer to server/discover
  'server/discover': () => ({
    result: { supportedVersions: revisions, capabilities: { tools: {} }, ...caching },
  }),
  // #endregion

  'tools/list': () => ({
    result: {
      tools: tools.map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      })),
      // #region task 2: say how long the list may be kept, and by whom
      ...caching,
      // #endregion
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

/** Why a request is refused: a status of HTTP, and an error of JSON-RPC. */
type Refusal = { status: number; answer: Answer };

/** Says why a request is refused. If nothing is wrong with it, returns undefined. */
function refusalOf({ method, params = {} }: JsonRpcRequest, request: Request): Refusal | undefined {
  const { data: meta, error } = requestMeta.safeParse(params._meta);
  if (error) return refused(-32602, `this server speaks ${revisions}, so _meta is needed: ${z.prettifyError(error)}`);
  const requested = meta[metaKeys.protocolVersion];
  const capabilities = meta[metaKeys.clientCapabilities];

  if (request.get('MCP-Protocol-Version') !== requested) return mismatch('MCP-Protocol-Version');
  // #region task 1: check the other headers, the revision and the capabilities, in this order
  // starter: return undefined;
  if (request.get('Mcp-Method') !== method) return mismatch('Mcp-Method');
  if (method === 'tools/call' && fromHeader(request.get('Mcp-Name')) !== params.name) return mismatch('Mcp-Name');

  if (!revisions.includes(requested)) {
    return refused(-32022, `unsupported protocol version: ${requested}`, { supported: revisions, requested });
  }

  const { requires = {} } = tools.find(({ name }) => method === 'tools/call' && name === params.name) ?? {};
  const missing = Object.entries(requires).filter(([name]) => !Object.hasOwn(capabilities, name));
  if (missing.length > 0) {
    const requiredCapabilities = Object.fromEntries(missing);
    return refused(-32021, `the client lacks ${Object.keys(requiredCapabilities)}`, { requiredCapabilities });
  }
  return undefined;
  // #endregion
}

function refused(code: number, message: string, data?: object): Refusal {
  return { status: 400, answer: failure(code, message, data) };
}

function mismatch(header: string): Refusal {
  return refused(-32020, `the header ${header} must be what the body says`);
}

const app = express();
app.use('/mcp', onlyThisMachine);

app.post('/mcp', checkMediaTypes, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (isNotification(message)) {
    response.status(202).end();
    return;
  }
  if (!isRequest(message)) {
    refuse(response, 400, -32600, 'the body must be one request or notification of JSON-RPC');
    return;
  }
  const refusal = refusalOf(message, request);
  if (refusal) {
    response.status(refusal.status).json({ jsonrpc: '2.0', id: message.id, ...refusal.answer });
    return;
  }
  if (message.method === 'tools/call') {
    await streamAnswer(message, response);
    return;
  }
  const answered = await answer(message, silent);
  // #region task 1: set the status 404 if this server does not have the method
  if ('error' in answered && answered.error.code === -32601) response.status(404);
  // #endregion
  response.json({ jsonrpc: '2.0', id: message.id, ...answered });
});

/** Answers a call with an event stream: the reports of the tool while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, response: Response): Promise<void> {
  beginEventStream(response);
  const { progressToken } = (message.params?._meta ?? {}) as { progressToken?: unknown };
  const context: Context = {
    ...silent,
    progress(progress, total, text) {
      if (!isId(progressToken)) return;
      const params = { progressToken, progress, total, message: text };
      send(response, { jsonrpc: '2.0', method: 'notifications/progress', params });
    },
  };
  const answered = await answer(message, context);
  send(response, { jsonrpc: '2.0', id: message.id, ...answered });
  response.end();
}

/** Writes one message, in one event, in one chunk. After the response, nothing more can be sent. */
function send(response: Response, message: JsonRpcNotification | JsonRpcResponse): void {
  if (response.writableEnded) return;
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}

/** No request asks this server for log messages, so what a tool logs is dropped. */
const silent: Context = { log: () => {} };

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  const answered = await methods[method]!(params ?? {}, context);
  if ('error' in answered) return answered;
  // #region task 2: say in each result that it is complete, and which server it comes from
  // starter: return answered;
  const { _meta } = answered.result as { _meta?: object };
  const said = { resultType: 'complete', _meta: { ..._meta, [metaKeys.serverInfo]: serverInfo } };
  return { result: { ...answered.result, ...said } };
  // #endregion
}

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST'), 405, -32600, 'the only HTTP method here is POST');
});

app.use('/mcp', answerError);

listen(app);
