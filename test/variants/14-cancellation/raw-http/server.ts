import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. Every request is answered by a stream, with a first event that has only an id, and lines that end in \r\n.
// Levels are numbers, as in syslog. A cancelled call ends immediately, whatever its tool does; all calls are in one map.
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
  async run(args, { log, signal }) {
    let i = 0;
    for (const document of documents) {
      log('info', `Processing file ${++i}/${documents.length}...`);
      await work(document.name, { signal });
    }
    return { content: [{ type: 'text', text: 'Done: ' + args.message }] };
  },
};
const tools = new Map<string, Tool>([processFiles as Tool, ...moreTools].map((tool) => [tool.name, tool]));

/** How to end each running call, by its session and its id. Of two calls with one id, it has the newer one. */
const running = new Map<string, () => void>();
const keyOf = (session: string, id: unknown) => `${session} ${JSON.stringify(id)}`;

/** What each session lets through. */
const sessions = new Map<string, number>();

createServer(async (request, response) => {
  if (request.url !== '/mcp') return response.writeHead(404).end();
  if (request.method === 'DELETE') {
    const id = request.headers['mcp-session-id']?.toString();
    return response.writeHead(id === undefined ? 400 : sessions.delete(id) ? 200 : 404).end();
  }
  if (request.method !== 'POST') return response.writeHead(405, { Allow: 'POST, DELETE' }).end();
  let message: Message;
  try {
    message = JSON.parse(await text(request));
  } catch {
    return refuse(response, 400, 'not JSON');
  }
  const session =
    message.method === 'initialize' ? randomBytes(8).toString('hex') : request.headers['mcp-session-id']?.toString();
  if (message.method === 'initialize') sessions.set(session!, severity.debug!);
  if (session === undefined)
    return message.method === 'ping' ? serve(message, '', response) : refuse(response, 400, 'no session');
  if (!sessions.has(session)) return refuse(response, 404, 'no such session');
  if (message.id === undefined) {
    response.writeHead(202).end();
    if (message.method === 'notifications/cancelled') running.get(keyOf(session, message.params?.requestId))?.();
    return;
  }
  await serve(message, session, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

async function serve({ id, method, params = {} }: Message, session: string, response: ServerResponse): Promise<void> {
  let events = 0;
  let open = true;
  const event = (data: string) => {
    if (open) response.write(`event: message\r\nid: ${session}/${id}/${++events}\r\ndata: ${data}\r\n\r\n`);
  };
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    ...(method === 'initialize' && { 'mcp-session-id': session }),
  });
  event('');
  const log = (level: string, data: unknown, logger?: string) => {
    if (severity[level]! > sessions.get(session)!) return;
    event(JSON.stringify({ method: 'notifications/message', params: { data, logger, level }, jsonrpc: '2.0' }));
  };
  const controller = new AbortController();
  const key = keyOf(session, id);
  const cancel = () => {
    running.delete(key);
    open = false;
    response.end();
    controller.abort('cancelled');
  };
  if (method === 'tools/call') running.set(key, cancel);
  const outcome = await run(method!, params, session, log, controller.signal).then(
    (result) => ({ result }),
    (error: Fail) => ({ error: { code: error.code ?? -32603, message: error.message } }),
  );
  if (running.get(key) === cancel) running.delete(key);
  event(JSON.stringify({ ...outcome, id, jsonrpc: '2.0' }));
  if (!open) return;
  open = false;
  response.end();
}

async function run(
  method: string,
  params: Record<string, any>,
  session: string,
  log: (level: string, data: unknown, logger?: string) => void,
  signal: AbortSignal,
): Promise<object> {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { logging: {}, tools: {} },
        serverInfo: { name: 'raw', version: '0' },
      };
    case 'ping':
      return {};
    case 'tools/list':
      return {
        tools: [...tools.values()].map(({ name, description, input }) => ({
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
      const tool = tools.get(params.name);
      const args = tool?.input.safeParse(params.arguments ?? {});
      if (!tool || !args?.success) throw fail(-32602, tool ? 'bad arguments' : 'unknown tool');
      try {
        const result = await tool.run(args.data, { log, signal });
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
