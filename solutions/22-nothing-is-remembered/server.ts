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

/** Milliseconds after which a stream on which nothing has been sent gets a comment, so that nobody takes it for dead. */
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** How many subscriptions may be open at the same time. */
const maxSubscriptions = Number(process.env.MAX_SUBSCRIPTIONS ?? 100);

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      context.progress?.(i, documents.length);
      // #region task 2: let the signal of the call stop the work
      // starter: await work(name);
      await work(name, { signal: context.signal });
      // #endregion
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** Whether the archive is switched on. The archive belongs to no client, so the server may remember this. */
let archiveIsOn = false;

/** The server offers this tool only while the archive is switched on. */
const listArchive: Tool = {
  name: 'list_archive',
  description: 'Lists the documents in the archive',
  input: z.object({}),
  async run() {
    return { content: [{ type: 'text', text: documents.map(({ name }) => name).join(', ') }] };
  },
};

/** The tools that the server offers at the moment. They are the same for all clients. */
function offeredTools(): Tool[] {
  return [processFiles, ...(archiveIsOn ? [listArchive] : []), ...moreTools];
}

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** The protocol revisions that this server speaks, newest first. */
const revisions = ['2026-07-28'];
const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

/** What every request has to say in its `_meta`. It may have further members, such as the name of the client. */
const requestMeta = z.looseObject({
  [metaKeys.protocolVersion]: z.string(),
  [metaKeys.clientCapabilities]: z.record(z.string(), z.unknown()),
  // #region task 1: say which values the level may have
  [metaKeys.logLevel]: z.enum(levels).optional(),
  // #endregion
});

const callParams = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

/** What a client wants to hear of. It may also want what this server does not have, such as changes of resources. */
const listenParams = z.object({ notifications: z.object({ toolsListChanged: z.boolean().default(false) }) });

/** What a tool has to return. It may have further members, which stay in the result. */
const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });

/** How long a client may keep what it was told, if it hears of no change, and who may use the copy. */
const caching = { ttlMs: 60_000, cacheScope: 'public' };

/** The methods that a client can call on this server. */
const methods: Record<string, (params: Params, context: Context) => Answer | Promise<Answer>> = {
  'server/discover': () => ({
    result: { supportedVersions: revisions, capabilities: { tools: { listChanged: true }, logging: {} }, ...caching },
  }),

  'tools/list': () => ({
    result: {
      tools: offeredTools().map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      })),
      ...caching,
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

/** Why a request is refused: a status of HTTP, and an error of JSON-RPC. */
type Refusal = { status: number; answer: Answer };

/** Says why a request is refused. If nothing is wrong with it, returns undefined. */
function refusalOf({ method, params = {} }: JsonRpcRequest, request: Request): Refusal | undefined {
  const { data: meta, error } = requestMeta.safeParse(params._meta);
  if (error) return refused(-32602, `this server speaks ${revisions}, so _meta is needed: ${z.prettifyError(error)}`);
  const requested = meta[metaKeys.protocolVersion];
  const capabilities = meta[metaKeys.clientCapabilities];

  if (request.get('MCP-Protocol-Version') !== requested) return mismatch('MCP-Protocol-Version');
  if (request.get('Mcp-Method') !== method) return mismatch('Mcp-Method');
  if (method === 'tools/call' && fromHeader(request.get('Mcp-Name')) !== params.name) return mismatch('Mcp-Name');

  if (!revisions.includes(requested)) {
    return refused(-32022, `unsupported protocol version: ${requested}`, { supported: revisions, requested });
  }

  const { requires = {} } = offeredTools().find(({ name }) => method === 'tools/call' && name === params.name) ?? {};
  const missing = Object.entries(requires).filter(([name]) => !Object.hasOwn(capabilities, name));
  if (missing.length > 0) {
    const requiredCapabilities = Object.fromEntries(missing);
    return refused(-32021, `the client lacks ${Object.keys(requiredCapabilities)}`, { requiredCapabilities });
  }
  return undefined;
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
    refuseRequest(response, message.id, refusal);
    return;
  }
  if (message.method === 'subscriptions/listen') {
    openSubscription(message, response);
    return;
  }
  if (message.method === 'tools/call') {
    await streamAnswer(message, response);
    return;
  }
  const answered = await answer(message, silent);
  if ('error' in answered && answered.error.code === -32601) response.status(404);
  response.json({ jsonrpc: '2.0', id: message.id, ...answered });
});

function refuseRequest(response: Response, id: string | number, { status, answer }: Refusal): void {
  response.status(status).json({ jsonrpc: '2.0', id, ...answer });
}

/** Answers a call with an event stream: the messages of the tool while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, response: Response): Promise<void> {
  beginEventStream(response);
  const meta = message.params?._meta as { progressToken?: unknown; [metaKeys.logLevel]?: string };
  const { progressToken, [metaKeys.logLevel]: wanted } = meta;
  // #region task 2: abort a signal when the response has closed
  const left = new AbortController();
  response.on('close', () => left.abort());
  // #endregion
  const context: Context = {
    log(level, data, logger) {
      // #region task 1: send a log message if the request wants messages of this level
      if (wanted === undefined || levels.indexOf(level) < levels.indexOf(wanted)) return;
      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
      // #endregion
    },
    // #region task 2: give the signal to the tool
    signal: left.signal,
    // #endregion
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

/** A single JSON object has room for the response only, so what a tool logs is dropped. */
const silent: Context = { log: () => {} };

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  const answered = await methods[method]!(params ?? {}, context);
  if ('error' in answered) return answered;
  return { result: complete(answered.result) };
}

/** Says in a result that it is complete, and which server it comes from. */
function complete(result: { _meta?: object }): object {
  return { ...result, resultType: 'complete', _meta: { ...result._meta, [metaKeys.serverInfo]: serverInfo } };
}

/** A subscription: the id of the request that has opened it, and what its client wants to hear of. */
type Subscription = { id: string | number; toolsListChanged: boolean };

/** The open subscriptions, by the responses that are their streams. */
const subscriptions = new Map<Response, Subscription>();

/** Answers subscriptions/listen with an event stream that stays open. */
function openSubscription({ id, params }: JsonRpcRequest, response: Response): void {
  const { data, error } = listenParams.safeParse(params);
  if (error) return refuseRequest(response, id, refused(-32602, z.prettifyError(error)));
  const { toolsListChanged } = data.notifications;
  // #region task 3: refuse the request if too many are open; otherwise begin the stream, acknowledge the subscription, and keep it
  // starter: return refuseRequest(response, id, { status: 404, answer: failure(-32601, 'not written yet') });
  if (subscriptions.size >= maxSubscriptions) {
    return refuseRequest(response, id, { status: 503, answer: failure(-32603, 'too many subscriptions are open') });
  }
  beginEventStream(response);
  notify(response, id, 'notifications/subscriptions/acknowledged', {
    notifications: toolsListChanged ? { toolsListChanged } : {},
  });
  subscriptions.set(response, { id, toolsListChanged });
  // #endregion
  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(': still here\n\n');
  }, quietInterval);
  // #region task 3: stop the timer when the response is closed, and forget the subscription
  response.on('close', () => {
    clearInterval(keepAlive);
    subscriptions.delete(response);
  });
  // #endregion
}

/** Sends a notification that says which subscription it belongs to. */
function notify(response: Response, id: string | number, method: string, params: Params = {}): void {
  send(response, { jsonrpc: '2.0', method, params: { ...params, _meta: { [metaKeys.subscriptionId]: id } } });
}

/** Tells every client that wants to hear of it that `tools/list` has a new result. */
function announceTools(): void {
  // #region task 3: send notifications/tools/list_changed on each stream whose client has asked for it
  for (const [response, { id, toolsListChanged }] of subscriptions) {
    if (toolsListChanged) notify(response, id, 'notifications/tools/list_changed');
  }
  // #endregion
}

/** Ends each subscription with a response, so that its client does not take the end for a lost connection. */
function endSubscriptions(): void {
  // #region task 3: send the response to each subscriptions/listen, and end its stream
  for (const [response, { id }] of subscriptions) {
    send(response, { jsonrpc: '2.0', id, result: complete({ _meta: { [metaKeys.subscriptionId]: id } }) });
    response.end();
  }
  // #endregion
}

// This is not a part of MCP: the person who looks after the archive switches it on and off.
app.post('/archive', onlyThisMachine, (_request, response) => {
  archiveIsOn = !archiveIsOn;
  announceTools();
  response.json({ archive: archiveIsOn ? 'on' : 'off' });
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST'), 405, -32600, 'the only HTTP method here is POST');
});

app.use('/mcp', answerError);

const server = listen(app);

// Ctrl+C sends SIGINT, and the command kill sends SIGTERM. A second signal ends the program immediately.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endSubscriptions();
    // Takes no more connections. The program ends when the calls that are running have been answered.
    server.close();
  });
}
