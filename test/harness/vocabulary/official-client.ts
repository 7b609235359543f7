// The official MCP clients, of either generation of the TypeScript SDK, as judges of a learner's server.
import { Failure } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import type { Exchange } from '../wire/exchange.ts';
import { finished, release, workMs } from './http.ts';
import type { Log } from './notifications.ts';

/** `stateless` is the second generation, in revision 2026-07-28; `auto` finds out which revision the server speaks. */
type Generation = 'first' | 'second' | 'stateless' | 'auto';

/** An official client, connected. What it cannot do is a failure of the server. */
type OfficialClient = {
  /** The names of the tools that it finds. */
  listTools(): Promise<string[]>;
  /** The first text of the tool's result. */
  callTool(name: string, args: object): Promise<unknown>;
  /**
   * Calls a tool, waits for nothing, and releases no work. `onProgress` gets each report that the client accepts. The
   * client cancels the call when `signal` aborts.
   */
  beginTool(name: string, args: object, onProgress?: (report: Report) => void, signal?: AbortSignal): OfficialCall;
  /** The result of a request about resources or prompts. */
  ask(method: Offers, params?: object): Promise<unknown>;
  /** The first text of a resource. */
  readResource(uri: string): Promise<unknown>;
  /** Subscribes to a resource, in the way of its revision: see `onOther`. */
  subscribe(uri: string): Promise<void>;
  /** Whether its GET has been answered. A client in a session opens its stand-alone stream so, beside its requests. */
  readonly listening: boolean;
  /** Subscribes to these notifications, in revision 2026-07-28: see `onOther`. */
  listen(filter: object): Promise<OfficialSubscription>;
  /** Sets the log level of its session. */
  setLevel(level: string): Promise<void>;
  /** Closes its connections. The end of the run does this too. */
  close(): Promise<void>;
};

/** The methods of both generations for what a server offers beside tools. */
type Offers = 'listResources' | 'listPrompts' | 'getPrompt' | 'complete';

/** A subscription of an official client. */
type OfficialSubscription = {
  /** What the server has acknowledged. */
  readonly honored: unknown;
  /** How the subscription has ended: `graceful` after a result of the server. */
  readonly closed: string | undefined;
};

/** A call of a tool that may still be going on. */
type OfficialCall = {
  readonly over: boolean;
  /** The first text of the result; undefined as long as there is none. @throws Failure when the client refuses what came */
  text(): unknown;
};

/** What a grader does with a client of either generation. */
type SdkClient = Record<Offers, (params?: object) => Promise<unknown>> & {
  connect(transport: object): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: object, ...options: (CallOptions | undefined)[]): Promise<{ content?: unknown }>;
  setLoggingLevel(level: string): Promise<unknown>;
  readResource(params: object): Promise<{ contents: { text?: unknown }[] }>;
  subscribeResource(params: object): Promise<unknown>;
  close(): Promise<void>;
  listen?(filter: object): Promise<{ honoredFilter: unknown; closed: Promise<string> }>;
  fallbackNotificationHandler?: (notification: { method: string; params?: { uri?: string } }) => Promise<void>;
};

type OnLog = (log: Log) => void;

/** A report as an official client hands it on: without the token. */
export type Report = { progress: number; total?: number; message?: string };

type CallOptions = { onprogress?: (report: Report) => void; signal?: AbortSignal };

/** How a client sends a request. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** What a grader may want of the way between an official client and the server. */
type Way = {
  /** The transport: `new` unless told. */
  which?: keyof typeof paths;
  /** Gets the method of each notification that is not a log message, and the URI of the resource that it is about. */
  onOther?: (method: string, uri?: string) => void;
  /** Where the client connects instead of to the server: `http://127.0.0.1:4000`. */
  relay?: string;
  /** Stands between the client and the server, as a browser does. */
  around?: (fetch: Fetch) => Fetch;
  /** The level that each call asks for, in revision 2026-07-28. */
  logLevel?: string;
};

const info = { name: 'grader', version: '1.0.0' };

/** The transports: HTTP+SSE at /sse, and Streamable HTTP at /mcp. */
const paths = { old: '/sse', new: '/mcp' };

/**
 * A client of each generation, its transports, how it hands on the log messages that it accepts, and which argument of
 * `callTool` has the options.
 */
const generations = {
  async first(onLog: OnLog) {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { SSEClientTransport } = await import('@modelcontextprotocol/sdk/client/sse.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const { LoggingMessageNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
    const client = new Client(info);
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => onLog(params as Log));
    const transports = { old: SSEClientTransport, new: StreamableHTTPClientTransport };
    return { client: client as unknown as SdkClient, transports, before: [undefined] };
  },
  second: (onLog: OnLog) => ofSecond(onLog),
  stateless: (onLog: OnLog) => ofSecond(onLog, { pin: '2026-07-28' }),
  auto: (onLog: OnLog) => ofSecond(onLog, 'auto'),
};

async function ofSecond(onLog: OnLog, mode: 'legacy' | 'auto' | { pin: string } = 'legacy') {
  const { Client, SSEClientTransport, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const client = new Client(info, { versionNegotiation: { mode } });
  client.setNotificationHandler('notifications/message', ({ params }) => onLog(params as Log));
  const transports = { old: SSEClientTransport, new: StreamableHTTPClientTransport };
  return { client: client as unknown as SdkClient, transports, before: [] };
}

/**
 * Connects the official client of this generation, until the end of the run; all held work is released meanwhile.
 * @param onLog gets each log message that the client accepts
 */
export async function officialClient(
  server: Server,
  generation: Generation,
  onLog: OnLog = () => {},
  { which = 'new', onOther = () => {}, relay, around = (fetch) => fetch, logLevel }: Way = {},
): Promise<OfficialClient> {
  const { client, transports, before } = await generations[generation]((log) => {
    onLog(log);
    server.run.changed();
  });
  client.fallbackNotificationHandler = async ({ method, params }) => {
    onOther(method, params?.uri);
    server.run.changed();
  };
  let listening = false;
  // A relay records what it passes on.
  const fetch = around(async (url, { signal, ...init } = {}) => {
    const response = await recorded(server, url, init, generation === 'stateless' ? (signal ?? undefined) : undefined);
    if (init.method === 'GET') {
      listening = true;
      server.run.changed();
    }
    return response;
  });
  const transport = new transports[which](new URL(paths[which], relay ?? server.url), relay ? {} : { fetch });
  server.run.atEnd(() => {
    client.close().catch(() => {});
    server.run.changed(); // ends the waiting for a stream that is still open
  });
  await does(server, 'connect', client.connect(transport));
  const _meta = logLevel === undefined ? {} : { _meta: { 'io.modelcontextprotocol/logLevel': logLevel } };
  return {
    listTools: async () => (await does(server, 'list the tools', client.listTools())).tools.map(({ name }) => name),
    callTool: async (name, args) =>
      firstText(await does(server, `call ${name}`, client.callTool({ name, arguments: args, ..._meta }))),
    beginTool(name, args, onProgress, signal) {
      const onprogress = (report: Report) => {
        onProgress!(report);
        server.run.changed();
      };
      const options = [...before, { ...(onProgress && { onprogress }), ...(signal && { signal }) }];
      return begun(server, `call ${name}`, client.callTool({ name, arguments: args, ..._meta }, ...options));
    },
    ask: (method, params) => does(server, `call ${method}`, client[method](params)),
    readResource: async (uri) => (await does(server, `read ${uri}`, client.readResource({ uri }))).contents[0]?.text,
    async subscribe(uri) {
      const subscribing =
        generation === 'stateless'
          ? client.listen!({ resourceSubscriptions: [uri] })
          : client.subscribeResource({ uri });
      await does(server, `subscribe to ${uri}`, subscribing);
    },
    get listening() {
      return listening;
    },
    async listen(filter) {
      const { honoredFilter, closed } = await does(server, 'subscribe', client.listen!(filter));
      const subscription = { honored: honoredFilter, closed: undefined as string | undefined };
      void closed.then((how) => {
        subscription.closed = how;
        server.run.changed();
      });
      return subscription;
    },
    setLevel: async (level) => void (await does(server, 'set the log level', client.setLoggingLevel(level))),
    close: () => client.close().catch(() => {}),
  };
}

export const firstText = ({ content }: { content?: unknown }): unknown =>
  Array.isArray(content) ? content[0]?.text : undefined;

function begun({ run }: Server, what: string, calling: Promise<{ content?: unknown }>): OfficialCall {
  let text: unknown;
  let failure: Failure | undefined;
  let over = false;
  void calling
    .then(
      (result) => (text = firstText(result)),
      (error: Error) => (failure = error instanceof Failure ? error : refusal(what, error)),
    )
    .finally(() => {
      over = true;
      run.changed();
    });
  return {
    get over() {
      return over;
    },
    text() {
      if (failure) throw failure;
      return text;
    },
  };
}

const refusal = (what: string, error: Error): Failure =>
  new Failure({
    cause: `The official client could not ${what}, because the answer is not as the specification has it, or did not come.`,
    advice:
      'Compare the last answer in this capture with the lesson. Leave a member out when it has no value: null is a value.',
    output: inWords(error.message),
  });

/** Waits for what a client does. */
async function does<T>({ program, run }: Server, what: string, doing: Promise<T>): Promise<T> {
  let over = false;
  const ended = run.expectSoon(
    () => {
      release(program);
      return over;
    },
    () => ({
      cause: `The official client could not ${what}, because an answer that it waits for did not come.`,
      advice: 'Answer each request with a response that has its id, and end the answer.',
    }),
    program,
    workMs,
  );
  ended.catch(() => {});
  try {
    return await Promise.race([doing, ended.then(() => doing)]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw refusal(what, error as Error);
  } finally {
    over = true;
    run.changed();
  }
}

/**
 * A fetch for an official client, so that the capture shows what it sends and receives.
 * @param signal closes the connection, where this says something to the server
 */
async function recorded(
  server: Server,
  url: string | URL,
  { method = 'GET', headers, body }: RequestInit = {},
  signal?: AbortSignal,
): Promise<Response> {
  const { pathname, search } = new URL(url);
  const sent = server.request(pathname + search, {
    method,
    headers: Object.fromEntries(new Headers(headers)),
    ...(body && { body: String(body) }),
  });
  signal?.addEventListener('abort', () => {
    sent.close();
    server.run.changed();
  });
  await server.run.until(() => sent.status !== undefined || finished(sent) || signal?.aborted, endless);
  signal?.throwIfAborted();
  if (sent.status === undefined) throw brokeOff(method);
  const empty = [204, 205, 304].includes(sent.status);
  return new Response(empty ? null : bodyOf(server, sent, method, signal), {
    status: sent.status,
    headers: sent.headers as Record<string, string>,
  });
}

/** The body of a response, piece by piece as it comes. */
function bodyOf({ run }: Server, sent: Exchange, method: string, signal?: AbortSignal): ReadableStream<Uint8Array> {
  let passed = 0;
  return new ReadableStream({
    async start(controller) {
      await run.until(() => {
        for (const { bytes } of sent.chunks.slice(passed)) controller.enqueue(bytes);
        passed = sent.chunks.length;
        return finished(sent) || signal?.aborted;
      }, endless);
      if (signal?.aborted) controller.error(signal.reason);
      else if (sent.ended) controller.close();
      else controller.error(brokeOff(method));
    },
  });
}

const brokeOff = (method: string): Failure =>
  new Failure({
    cause: `The connection broke before the ${method} of the official client was answered.`,
    advice: 'Let the handler of each request end its response.',
  });

/** Milliseconds that no run takes: whoever waits for what the client does has a limit of his own. */
const endless = 2 ** 31 - 1;

/** What an official client says of an answer: zod's list of what is wrong in it, or a sentence. */
function inWords(message: string): string {
  try {
    const issues = JSON.parse(message) as { path: string[]; message: string }[];
    return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
  } catch {
    return message.slice(0, 300);
  }
}
