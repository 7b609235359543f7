import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. One interval looks at all sessions. A call is answered by a stream, with a first event that has only an id,
// and lines that end in \r\n. Levels are numbers, as in syslog. A session has one stand-alone stream; a second is refused.
type Message = { jsonrpc: '2.0'; id?: string | number; method?: string; params?: Record<string, any> };
type Fail = { code: number; message: string };

const severity: Record<string, number> = {
  emergency: 0,
  alert: 1,
  critical: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

const message = z.object({ message: z.string() });
const processFiles: Tool<typeof message> = {
  name: 'process_files',
  description: 'Processes the documents',
  input: message,
  async run(args, { log }) {
    let i = 0;
    for (const document of documents) {
      log('info', `Processing file ${++i}/${documents.length}...`);
      await work(document.name);
      change(() => done.add(document.name));
    }
    return { content: [{ type: 'text', text: 'Done: ' + args.message }] };
  },
};
const nothing = z.object({});
const say = (text: string) => ({ content: [{ type: 'text', text }] });
const tools = new Map<string, Tool>(
  [
    processFiles as Tool,
    ...moreTools,
    {
      name: 'forget_processed',
      description: 'Forgets',
      input: nothing,
      run: async () => {
        change(() => done.clear());
        return say('Forgotten');
      },
    },
    { name: 'list_processed', description: 'Lists', input: nothing, run: async () => say([...done].join()) },
  ].map((tool) => [tool.name, tool]),
);
const done = new Set<string>();
const offered = () => [...tools.values()].filter(({ name }) => name !== 'list_processed' || done.size > 0);

function change(act: () => void): void {
  const before = offered().length;
  act();
  if (offered().length === before) return;
  const message = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} });
  for (const stream of streams.values()) stream.write(`data: ${message}\r\n\r\n`);
}

/** What each session lets through, and where it listens. */
const sessions = new Map<string, number>();
const streams = new Map<string, ServerResponse>();

/** When each session was used last, what is going on in it, and how many streams it has. */
const lastUse = new Map<string, number>();
const running = new Map<string, number>();
const open = new Map<string, number>();
const env = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const limits = {
  idle: env('SESSION_LIMIT', 1_800_000),
  sessions: env('MAX_SESSIONS', 500),
  streams: env('MAX_STREAMS', 8),
};
const change1 = (map: Map<string, number>, id: string, by: number) => map.set(id, (map.get(id) ?? 0) + by);

function uses(id: string, by: 1 | -1): void {
  if (!sessions.has(id)) return;
  change1(running, id, by);
  lastUse.set(id, performance.now());
}

function forget(id: string): boolean {
  for (const map of [lastUse, running, open]) map.delete(id);
  streams.get(id)?.end();
  return sessions.delete(id);
}

const idle = () => [...sessions.keys()].filter((id) => !running.get(id));

setInterval(
  () => {
    for (const id of idle()) if (performance.now() - lastUse.get(id)! > limits.idle) forget(id);
  },
  Math.min(limits.idle / 4, 10_000),
).unref();

/** One more stream, until it is closed. */
function mayStream(id: string, response: ServerResponse<IncomingMessage>): boolean {
  if ((open.get(id) ?? 0) >= limits.streams) {
    refuse(response, 429, 'too many streams');
    return false;
  }
  change1(open, id, 1);
  response.once('close', () => open.has(id) && change1(open, id, -1));
  return true;
}
const quiet = Number(process.env.QUIET_INTERVAL ?? 15_000);

function listen(request: IncomingMessage, response: ServerResponse<IncomingMessage>): void {
  const id = request.headers['mcp-session-id']?.toString();
  if (id === undefined) return refuse(response, 400, 'no session');
  if (!sessions.has(id)) return refuse(response, 404, 'no such session');
  if (!/event-stream|\*\/\*|text\/\*/.test(request.headers.accept ?? '*/*'))
    return refuse(response, 406, 'only streams here');
  const revision = request.headers['mcp-protocol-version']?.toString();
  if (revision && !/^2025-(03-26|06-18|11-25)$/.test(revision)) return refuse(response, 400, 'unknown revision');
  if (streams.has(id)) return refuse(response, 409, 'one stream is enough');
  if (!mayStream(id, response)) return;
  uses(id, 1);
  response.once('close', () => uses(id, -1));
  streams.set(id, response);
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.write('id: 0\r\nretry: 500\r\ndata:\r\n\r\n');
  let timer = setTimeout(function comment() {
    response.write(':\r\n\r\n');
    timer = setTimeout(comment, quiet);
  }, quiet);
  response.socket!.once('close', () => {
    clearTimeout(timer);
    streams.delete(id);
  });
}

createServer(async (request, response) => {
  if (request.url !== '/mcp') return response.writeHead(404).end();
  if (request.method === 'DELETE') {
    const id = request.headers['mcp-session-id']?.toString();
    if (id === undefined) return refuse(response, 400, 'no session');
    if (!forget(id)) return refuse(response, 404, 'no such session');
    return response.writeHead(200).end();
  }
  if (request.method === 'GET') return listen(request, response);
  if (request.method !== 'POST') return response.writeHead(405, { Allow: 'DELETE, POST, GET' }).end();
  let message: Message;
  try {
    message = JSON.parse(await text(request));
  } catch {
    return refuse(response, 400, 'not JSON');
  }
  const session =
    message.method === 'initialize' ? randomBytes(8).toString('hex') : request.headers['mcp-session-id']?.toString();
  if (message.method === 'initialize') {
    const { protocolVersion, clientInfo } = message.params ?? {};
    if (typeof protocolVersion !== 'string' || !clientInfo) {
      const error = { code: -32602, message: 'who are you?' };
      return json(response, { jsonrpc: '2.0', id: message.id, error });
    }
    if (sessions.size >= limits.sessions) {
      const [oldest] = idle().sort((one, other) => lastUse.get(one)! - lastUse.get(other)!);
      if (oldest === undefined) return refuse(response.setHeader('retry-after', 5), 503, 'full');
      forget(oldest);
    }
    sessions.set(session!, severity.debug!);
    lastUse.set(session!, performance.now());
  }
  if (session === undefined)
    return message.method === 'ping' ? serve(message, '', response) : refuse(response, 400, 'no session');
  if (!sessions.has(session)) return refuse(response, 404, 'no such session');
  if (message.method === 'tools/call' && !mayStream(session, response)) return;
  uses(session, 1);
  if (message.id === undefined) response.writeHead(202).end();
  else await serve(message, session, response);
  uses(session, -1);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

function json(response: ServerResponse, body: object, headers = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

async function serve({ id, method, params = {} }: Message, session: string, response: ServerResponse): Promise<void> {
  const streamed = method === 'tools/call';
  let events = 0;
  let open = true;
  const event = (data: string) => {
    if (open && streamed) response.write(`event: message\r\nid: ${session}/${id}/${++events}\r\ndata: ${data}\r\n\r\n`);
  };
  if (streamed) {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
  }
  event('');
  const log = (level: string, data: unknown, logger?: string) => {
    if (severity[level]! > (sessions.get(session) ?? 0)) return;
    event(JSON.stringify({ method: 'notifications/message', params: { data, logger, level }, jsonrpc: '2.0' }));
  };
  const outcome = await run(method!, params, session, log).then(
    (result) => ({ result }),
    (error: Fail) => ({ error: { code: error.code ?? -32603, message: error.message } }),
  );
  if (!streamed) {
    return json(response, { ...outcome, id, jsonrpc: '2.0' }, method === 'initialize' && { 'mcp-session-id': session });
  }
  event(JSON.stringify({ ...outcome, id, jsonrpc: '2.0' }));
  open = false;
  response.end();
}

async function run(
  method: string,
  params: Record<string, any>,
  session: string,
  log: (level: string, data: unknown, logger?: string) => void,
): Promise<object> {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { logging: {}, tools: { listChanged: true } },
        serverInfo: { name: 'raw', version: '0' },
      };
    case 'ping':
      return {};
    case 'tools/list':
      return {
        tools: offered().map(({ name, description, input }) => ({
          name,
          description,
          inputSchema: z.toJSONSchema(input),
        })),
      };
    case 'logging/setLevel':
      if (typeof params.level !== 'string' || !Object.hasOwn(severity, params.level))
        throw fail(-32602, 'no such level');
      sessions.set(session, severity[params.level]!);
      return {};
    case 'tools/call': {
      const tool = offered().find(({ name }) => name === params.name);
      const args = tool?.input.safeParse(params.arguments ?? {});
      if (!tool || !args?.success) throw fail(-32602, tool ? 'bad arguments' : 'unknown tool');
      try {
        const result = await tool.run(args.data, { log });
        if (!Array.isArray(result?.content)) throw 'the tool returned no content';
        JSON.stringify(result);
        return result;
      } catch (thrown) {
        const text = thrown instanceof Error ? thrown.message : `the tool threw ${thrown}`;
        return { isError: true, content: [{ type: 'text', text }] };
      }
    }
    default:
      throw fail(-32601, 'no such method');
  }
}

const fail = (code: number, message: string): Fail => ({ code, message });

function refuse(response: ServerResponse<IncomingMessage>, status: number, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32600, message } }));
}
