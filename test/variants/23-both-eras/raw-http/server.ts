// Both eras in one file, with nothing but node:http: no half knows of the other, and the tools are in one list.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

type Json = Record<string, any>;

const severities = 'debug info notice warning error critical alert emergency'.split(' ');
const me = { name: 'raw', version: '0.1' };
const version = 'io.modelcontextprotocol/protocolVersion';

const tools: Tool[] = [
  {
    name: 'process_files',
    description: 'Processes files',
    input: z.object({ message: z.string() }),
    async run({ message }, { log, signal }) {
      let n = 0;
      for (const { name } of documents) {
        log('info', `Processing file ${++n}/${documents.length}...`);
        await work(name, { signal });
      }
      return { content: [{ type: 'text', text: `Done: ${message}` }] };
    },
  },
  ...moreTools,
];

/** Old sessions: the level of each. */
const levelOf = new Map<string, string>();
const streams = new Map<string, ServerResponse>();

const error = (code: number, message: string, data?: unknown) => ({ error: { code, message, data } });

/** The tools, the same for everybody. */
async function common(
  method: string,
  params: Json,
  log: (level: string, data: unknown, logger?: string) => void,
  signal?: AbortSignal,
): Promise<Json> {
  if (method === 'tools/list') {
    const list = tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: z.toJSONSchema(tool.input, { io: 'input' }),
    }));
    return { result: { tools: list } };
  }
  if (method !== 'tools/call') return error(-32601, 'no such method');
  const tool = tools.find((each) => each.name === params.name);
  if (!tool) return error(-32602, `no tool ${params.name}`);
  const args = tool.input.safeParse(params.arguments ?? {});
  if (!args.success) return { result: { content: [{ type: 'text', text: args.error.message }], isError: true } };
  try {
    return { result: await tool.run(args.data, { log, signal }) };
  } catch (thrown) {
    return { result: { content: [{ type: 'text', text: (thrown as Error).message }], isError: true } };
  }
}

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** Answers a call with an event stream. */
async function stream(
  response: ServerResponse,
  message: Json,
  level: string | undefined,
  done: (answer: Json) => Json,
  signal?: AbortSignal,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const send = (each: Json) =>
    void (response.writableEnded || response.write(`event: message\ndata: ${JSON.stringify(each)}\n\n`));
  const log = (each: string, data: unknown, logger?: string) => {
    if (level !== undefined && severities.indexOf(each) >= severities.indexOf(level))
      send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: each, data, logger } });
  };
  send({ jsonrpc: '2.0', id: message.id, ...done(await common(message.method, message.params ?? {}, log, signal)) });
  response.end();
}

async function modern(request: IncomingMessage, response: ServerResponse, message: Json): Promise<void> {
  const { id, method, params = {} } = message;
  if (id === undefined && method) return void response.writeHead(202).end();
  const refuse = (status: number, body: Json) => json(response, status, { jsonrpc: '2.0', id: id ?? null, ...body });
  if (!method) return refuse(400, error(-32600, 'not a request'));
  const meta = params._meta ?? {};
  const claimed = meta[version];
  if (typeof claimed !== 'string' || typeof meta['io.modelcontextprotocol/clientCapabilities'] !== 'object')
    return refuse(400, error(-32602, '_meta is not complete'));
  if (request.headers['mcp-protocol-version'] !== claimed || request.headers['mcp-method'] !== method)
    return refuse(400, error(-32020, 'header and body differ'));
  if (method === 'tools/call' && request.headers['mcp-name'] !== params.name)
    return refuse(400, error(-32020, 'Mcp-Name differs'));
  if (claimed !== '2026-07-28')
    return refuse(400, error(-32022, 'revision', { supported: ['2026-07-28', '2025-11-25'], requested: claimed }));
  const finish = (answer: Json): Json =>
    answer.error
      ? answer
      : {
          result: {
            ...answer.result,
            resultType: 'complete',
            ...(method !== 'tools/call' && { ttlMs: 0, cacheScope: 'private' }),
            _meta: { 'io.modelcontextprotocol/serverInfo': me },
          },
        };
  if (method === 'server/discover') {
    const result = { supportedVersions: ['2026-07-28', '2025-11-25'], capabilities: { tools: {}, logging: {} } };
    return refuse(200, finish({ result }));
  }
  if (method === 'tools/call') {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return stream(response, message, meta['io.modelcontextprotocol/logLevel'], finish, gone.signal);
  }
  const answer = await common(method, params, () => {});
  refuse(answer.error ? 404 : 200, finish(answer));
}

async function legacy(request: IncomingMessage, response: ServerResponse, message: Json | undefined): Promise<void> {
  const session = request.headers['mcp-session-id'] as string | undefined;
  const refuse = (status: number, text: string) =>
    json(response, status, { jsonrpc: '2.0', id: null, ...error(-32000, text) });
  if (message?.method === 'initialize' && message.id !== undefined) {
    const opened = randomUUID();
    levelOf.set(opened, 'info');
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo: me };
    return json(response, 200, { jsonrpc: '2.0', id: message.id, result }, { 'mcp-session-id': opened });
  }
  if (session === undefined) return refuse(400, 'no session');
  if (!levelOf.has(session)) return refuse(404, 'unknown session');
  if (request.method === 'DELETE') {
    levelOf.delete(session);
    streams.get(session)?.end();
    return void response.writeHead(200).end();
  }
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    streams.set(session, response);
    return;
  }
  const { id, method, params = {} } = message!;
  if (id === undefined || !method) return void response.writeHead(202).end();
  const answer = (body: Json) => json(response, 200, { jsonrpc: '2.0', id, ...body });
  if (method === 'ping') return answer({ result: {} });
  if (method === 'logging/setLevel') {
    levelOf.set(session, params.level);
    return answer({ result: {} });
  }
  if (method === 'tools/call') return stream(response, message!, levelOf.get(session), (each) => each);
  answer(await common(method, params, () => {}));
}

createServer(async (request, response) => {
  const header = request.headers['mcp-protocol-version'];
  if (request.method !== 'POST') {
    const old = header !== '2026-07-28' && request.headers['mcp-session-id'] !== undefined;
    if (old && ['GET', 'DELETE'].includes(request.method!)) return void legacy(request, response, undefined);
    return void response.writeHead(405, { allow: 'POST' }).end();
  }
  const message = JSON.parse(await text(request)) as Json;
  const isMessage = message?.jsonrpc === '2.0' && message.params !== null;
  if (!isMessage) return json(response, 400, { jsonrpc: '2.0', id: null, ...error(-32600, 'no message') });
  const meta = message.params?._meta;
  const claims = typeof meta === 'object' && meta !== null && !Array.isArray(meta) && version in meta;
  await (claims || header === '2026-07-28' ? modern : legacy)(request, response, message);
}).listen(Number(process.env.PORT), '127.0.0.1');
