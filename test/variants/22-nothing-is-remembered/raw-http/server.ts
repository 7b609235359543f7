import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. Levels are numbers, as in syslog. Each answer is a stream with lines that end in \r\n, whose events have a
// type. The close of the connection aborts the work, and the wrong level is refused with status 200.
const severities = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'];
const prefix = 'io.modelcontextprotocol/';

const input = z.object({ message: z.string() });
const processFiles: Tool<typeof input> = {
  name: 'process_files',
  description: 'Processes the documents',
  input,
  async run({ message }, { log, signal }) {
    let i = 0;
    for (const document of documents) {
      signal!.throwIfAborted();
      log('info', `Processing file ${++i}/${documents.length}...`);
      await work(document.name, { signal: signal! });
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};
const archive: Tool = {
  name: 'list_archive',
  description: 'Lists the archive',
  input: z.object({}),
  run: async () => ({ content: [{ type: 'text', text: 'nothing' }] }),
};
let on = false;
const offered = (): Tool[] => [processFiles, ...moreTools, ...(on ? [archive] : [])];

type Request = { id: string | number; method: string; params: Record<string, any> };

/** Streams that want to hear of the tools, and those that do not. */
const open = { yes: new Map<ServerResponse, Request['id']>(), no: new Map<ServerResponse, Request['id']>() };
const most = Number(process.env.MAX_SUBSCRIPTIONS ?? 100);
const quiet = Number(process.env.QUIET_INTERVAL ?? 15_000);

const write = (response: ServerResponse, message: object) =>
  response.writable &&
  response.write(`event: message\r\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\r\n\r\n`);
const tag = (id: Request['id']) => ({ _meta: { [`${prefix}subscriptionId`]: id } });

function stream(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
}

function json(response: ServerResponse, status: number, message: object): void {
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 405 && { allow: 'POST' }) });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, ...message }));
}
const fail = (code: number, message = 'refused', data?: object) => ({ error: { code, message, data } });

const complete = (result: object) => ({
  result: { resultType: 'complete', ...result },
});

async function answer({ id, method, params }: Request, request: IncomingMessage, response: ServerResponse) {
  const meta = params._meta ?? {};
  const version = meta[`${prefix}protocolVersion`];
  if (typeof version !== 'string' || typeof meta[`${prefix}clientCapabilities`] !== 'object')
    return json(response, 400, { id, ...fail(-32602) });
  if (request.headers['mcp-protocol-version'] !== version || request.headers['mcp-method'] !== method)
    return json(response, 400, { id, ...fail(-32020) });
  if (version !== '2026-07-28')
    return json(response, 400, { id, ...fail(-32022, '', { supported: ['2026-07-28'], requested: version }) });
  const level = meta[`${prefix}logLevel`];
  const least = severities.indexOf(level);
  if (level !== undefined && least < 0) return json(response, 200, { id, ...fail(-32602, 'no such level') });
  if (method === 'server/discover') {
    const capabilities = { tools: { listChanged: true }, logging: {} };
    return json(response, 200, {
      id,
      ...complete({ supportedVersions: ['2026-07-28'], capabilities, ttlMs: 0, cacheScope: 'private' }),
    });
  }
  if (method === 'tools/list') {
    const tools = offered().map((tool) => ({ ...tool, inputSchema: z.toJSONSchema(tool.input) }));
    return json(response, 200, { id, ...complete({ tools, ttlMs: 0, cacheScope: 'private' }) });
  }
  if (method === 'subscriptions/listen') return subscribe(id, params.notifications, response);
  if (method !== 'tools/call') return json(response, 404, { id, ...fail(-32601) });
  const tool = offered().find(({ name }) => name === params.name);
  const args = tool?.input.safeParse(params.arguments ?? {});
  if (!args?.success) return json(response, 200, { id, ...fail(-32602) });
  stream(response);
  const gone = new AbortController();
  request.socket.once('close', () => gone.abort(new Error('gone')));
  let over = false;
  const log = (severity: string, data: unknown, logger?: string) => {
    if (over || severities.indexOf(severity) > least) return;
    write(response, { method: 'notifications/message', params: { level: severity, data, logger } });
  };
  let result: object;
  try {
    result = await tool!.run(args.data, { log, signal: gone.signal });
  } catch (error) {
    result = { isError: true, content: [{ type: 'text', text: String(error) }] };
  }
  over = true;
  write(response, { id, ...complete(result) });
  response.end();
}

function subscribe(id: Request['id'], filter: unknown, response: ServerResponse): void {
  const parsed = z.looseObject({ toolsListChanged: z.boolean().optional() }).safeParse(filter);
  if (!parsed.success) return json(response, 200, { id, ...fail(-32602, 'no filter') });
  if (open.yes.size + open.no.size >= most) return json(response, 429, { id, ...fail(-32000, 'too many') });
  const toolsListChanged = parsed.data.toolsListChanged === true;
  const group = open[toolsListChanged ? 'yes' : 'no'];
  group.set(response, id);
  stream(response);
  write(response, {
    method: 'notifications/subscriptions/acknowledged',
    params: { ...tag(id), notifications: { toolsListChanged, promptsListChanged: false, resourceSubscriptions: [] } },
  });
  const timer = setInterval(() => response.writable && response.write(':\r\n\r\n'), quiet);
  response.once('close', () => {
    group.delete(response);
    clearInterval(timer);
  });
}

const server = createServer(async (request, response) => {
  if (request.url === '/archive' && request.method === 'POST') {
    on = !on;
    for (const [stream, id] of open.yes) write(stream, { method: 'notifications/tools/list_changed', params: tag(id) });
    return json(response, 200, { archive: on });
  }
  if (request.method !== 'POST') return json(response, 405, fail(-32600));
  let message: any;
  try {
    message = JSON.parse(await text(request));
  } catch {
    return json(response, 400, fail(-32700));
  }
  if (message?.jsonrpc !== '2.0' || typeof message.method !== 'string') return json(response, 400, fail(-32600));
  // This server accepts no notification at all.
  if (message.id === undefined) return json(response, 400, fail(-32600, 'no notifications here'));
  await answer({ params: {}, ...message }, request, response);
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

process.on('SIGINT', () => {
  server.close();
  for (const [stream, id] of [...open.yes, ...open.no])
    stream.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, ...complete(tag(id)) })}\r\n\r\n`);
});
