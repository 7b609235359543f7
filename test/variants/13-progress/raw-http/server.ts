import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { tenDocuments as documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. Every request is answered by a stream, with a first event that has only an id, and lines that end in \r\n.
// Levels are numbers, as in syslog. A ticker sends what the tool said last, and every report is also a log message.
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
  async run(args, { log, progress = () => {} }) {
    let i = 0;
    for (const document of documents) {
      const text = `Processing document ${i + 1}/${documents.length}`;
      log('info', text);
      progress(i++, documents.length, text);
      await work(document.name);
    }
    progress(i, i, 'Processing complete!');
    return { content: [{ type: 'text', text: 'Done: ' + args.message }] };
  },
};
const tools = new Map<string, Tool>([processFiles as Tool, ...moreTools].map((tool) => [tool.name, tool]));

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
  if (message.id === undefined) return response.writeHead(202).end();
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
  const token: unknown = params._meta?.progressToken;
  let waiting: Record<string, unknown> | undefined;
  let best = Number.NEGATIVE_INFINITY;
  let ticker: NodeJS.Timeout | undefined;
  const flush = () => {
    if (waiting) event(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: waiting }));
    waiting = undefined;
  };
  const progress: Context['progress'] = (progress, total, message) => {
    if (!open || token === undefined || token === null || progress <= best) return;
    best = progress;
    waiting = { message, total, progress, progressToken: token };
    if (ticker) return;
    flush();
    ticker = setInterval(flush, Number(process.env.PROGRESS_INTERVAL || 100));
  };
  const outcome = await run(method!, params, session, { log, progress }).then(
    (result) => ({ result }),
    (error: Fail) => ({ error: { code: error.code ?? -32603, message: error.message } }),
  );
  flush();
  clearInterval(ticker);
  event(JSON.stringify({ ...outcome, id, jsonrpc: '2.0' }));
  open = false;
  response.end();
}

async function run(method: string, params: Record<string, any>, session: string, context: Context): Promise<object> {
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
        const result = await tool.run(args.data, context);
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
