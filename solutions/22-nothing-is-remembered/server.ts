import { inspect } from 'node:util';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import {
  failure,
  isNotification,
  isRequest,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import { answerError, beginEventStream, listen, onlyThisMachine, refuse } from '#support/mcp-http.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

/** Milliseconds after which a stream on which nothing has been sent gets a comment, so that nobody takes it for dead. */
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** How many subscriptions may be open at the same time. */
const maxSubscriptions = Number(process.env.MAX_SUBSCRIPTIONS ?? 100);

/** The protocol revisions that this server speaks. */
const revisions = ['2026-07-28'];

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name, { signal: context.signal });
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Whether the archive is switched on. This belongs to the server and not to a client, so the server may keep it. */
let archiveIsOn = false;

/** Clients are offered this tool only while the archive is switched on. */
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

/** What every request says about itself (MCP 2026-07-28, basic, "_meta"). */
const requestMeta = z.looseObject({
  'io.modelcontextprotocol/protocolVersion': z.string(),
  'io.modelcontextprotocol/clientCapabilities': z.looseObject({}),
  'io.modelcontextprotocol/logLevel': z.enum(levels).optional(),
});

const callParams = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

const listenParams = z.object({ notifications: z.object({ toolsListChanged: z.boolean().default(false) }) });

/** What a tool has to return. It may have further members, which stay in the result. */
const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });

const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'chunk-by-chunk', version: '1.0.0' } };

/** The methods that a client can call on this server. */
const methods: Record<string, (params: Params, context: Context) => Answer | Promise<Answer>> = {
  'server/discover': () => ({
    result: {
      resultType: 'complete',
      supportedVersions: revisions,
      capabilities: { tools: { listChanged: true }, logging: {} },
      ttlMs: 60_000,
      cacheScope: 'public',
      _meta: serverInfo,
    },
  }),

  'tools/list': () => ({
    result: {
      resultType: 'complete',
      tools: offeredTools().map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      })),
      ttlMs: 0,
      cacheScope: 'public',
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
      return { result: { resultType: 'complete', ...toolResult.parse(JSON.parse(returned)) } };
    } catch (error) {
      return toolFailure(reasonOf(error));
    }
  },
};

/** What 'tools/call' returns when a tool fails: a result, so that the model reads the text. */
function toolFailure(text: string): Answer {
  return { result: { resultType: 'complete', content: [{ type: 'text', text }], isError: true } };
}

/** Why a tool has failed. It has usually thrown an Error, but JavaScript can throw any value. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}

const app = express();
app.use(onlyThisMachine);

app.post('/mcp', express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (isNotification(message)) return void response.status(202).end();
  if (!isRequest(message)) return refuse(response, 400, -32600, 'the body must be one JSON-RPC request or notification');
  const { data: meta, error } = requestMeta.safeParse(message.params?._meta);
  if (error) return answerWith(response, 400, message, failure(-32602, z.prettifyError(error)));
  if (message.method === 'subscriptions/listen') return openSubscription(message, response);
  if (message.method === 'tools/call') return streamAnswer(message, meta['io.modelcontextprotocol/logLevel'], response);
  if (!Object.hasOwn(methods, message.method)) return answerWith(response, 404, message, failure(-32601, 'unknown method'));
  answerWith(response, 200, message, await methods[message.method]!(message.params!, silent));
});

function answerWith(response: Response, status: number, { id }: JsonRpcRequest, answer: Answer): void {
  response.status(status).json({ jsonrpc: '2.0', id, ...answer });
}

/** Answers a call with an event stream: the tool's messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, level: string | undefined, response: Response): Promise<void> {
  beginEventStream(response);
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const context: Context = {
    log(severity, data, logger) {
      if (level === undefined || levels.indexOf(severity) < levels.indexOf(level)) return;
      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level: severity, logger, data } });
    },
    signal: gone.signal,
  };
  const answered = await methods['tools/call']!(message.params!, context);
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

/** The open subscriptions: the request that has opened each of them, and the response that is its stream. */
const subscriptions = new Map<Response, { id: string | number; toolsListChanged: boolean }>();

/** Answers subscriptions/listen with an event stream that stays open. */
function openSubscription(message: JsonRpcRequest, response: Response): void {
  const { data, error } = listenParams.safeParse(message.params);
  if (error) return answerWith(response, 400, message, failure(-32602, z.prettifyError(error)));
  if (subscriptions.size >= maxSubscriptions) {
    return answerWith(response, 503, message, failure(-32603, 'too many subscriptions are open'));
  }
  const { toolsListChanged } = data.notifications;
  subscriptions.set(response, { id: message.id, toolsListChanged });
  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(': still here\n\n');
  }, quietInterval);
  response.on('close', () => {
    clearInterval(keepAlive);
    subscriptions.delete(response);
  });
  beginEventStream(response);
  send(response, {
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: toolsListChanged ? { toolsListChanged } : {}, _meta: subscription(message.id) },
  });
}

/** Says in _meta which subscription a message belongs to. */
function subscription(id: string | number): Params {
  return { 'io.modelcontextprotocol/subscriptionId': id };
}

/** Tells every client that wants to know it that `tools/list` has a new result. */
function announceTools(): void {
  for (const [response, { id, toolsListChanged }] of subscriptions) {
    if (!toolsListChanged) continue;
    send(response, { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: subscription(id) } });
  }
}

/** Ends every subscription with a result, so that its client does not take the end for a broken connection. */
function endSubscriptions(): void {
  for (const [response, { id }] of subscriptions) {
    send(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: subscription(id) } });
    response.end();
  }
}

// Not a part of MCP: whoever looks after the archive switches it on and off with this.
app.post('/archive', (_request, response) => {
  archiveIsOn = !archiveIsOn;
  announceTools();
  response.json({ archive: archiveIsOn ? 'on' : 'off' });
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST'), 405, -32600, 'the only HTTP method here is POST');
});

app.use(answerError);

const server = listen(app);

// Ctrl+C, and the command kill. A second one ends the server immediately.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endSubscriptions();
    server.close();
  });
}
