import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express, and nothing from lessons/support that knows this revision. Every result is an event stream, refusals are
// JSON, and each check is one entry of a list.
type Message = { jsonrpc: '2.0'; id?: string | number; method: string; params?: Record<string, any> };
type Fault = [status: number, code: number, message: string, data?: object];
type Check = (message: Message, headers: IncomingHttpHeaders) => Fault | undefined | false;

const prefix = 'io.modelcontextprotocol/';
const input = z.object({ message: z.string() });
const processFiles: Tool<typeof input> = {
  name: 'process_files',
  description: 'Processes the documents',
  input,
  async run({ message }, { progress }) {
    let done = 0;
    for (const { name } of documents) {
      progress?.(done, documents.length, `Processing file ${done + 1}/${documents.length}...`);
      await work(name);
      done++;
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};
const tools = new Map<string, Tool>([processFiles as Tool, ...moreTools].map((tool) => [tool.name, tool]));
const known = ['server/discover', 'tools/list', 'tools/call'];

const said = (message: Message, name: string): unknown => message.params?._meta?.[prefix + name];
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const decoded = (value = '') => {
  const [, base64] = /^=\?base64\?([^]*)\?=$/.exec(value) ?? [];
  return base64 === undefined ? value : new TextDecoder().decode(Buffer.from(base64, 'base64'));
};

const checks: Check[] = [
  (message) => !isObject(message.params?._meta) && [400, -32602, 'no _meta'],
  (message) => typeof said(message, 'protocolVersion') !== 'string' && [400, -32602, 'no version'],
  (message) => !isObject(said(message, 'clientCapabilities')) && [400, -32602, 'no capabilities'],
  (message, headers) =>
    headers['mcp-protocol-version'] !== said(message, 'protocolVersion') && [400, -32020, 'another version'],
  (message, headers) => headers['mcp-method'] !== message.method && [400, -32020, 'another method'],
  (message, headers) =>
    message.method === 'tools/call' &&
    decoded(headers['mcp-name'] as string | undefined) !== message.params!.name && [400, -32020, 'another name'],
  (message) => {
    const requested = said(message, 'protocolVersion');
    return requested !== '2026-07-28' && [400, -32022, 'version', { requested, supported: ['2026-07-28', 'draft'] }];
  },
  (message) => !known.includes(message.method) && [404, -32601, 'no such method'],
  (message) => {
    const requires = (message.method === 'tools/call' && tools.get(message.params!.name)?.requires) || {};
    const requiredCapabilities: Record<string, object> = {};
    for (const name in requires) {
      if (!(name in (said(message, 'clientCapabilities') as object))) requiredCapabilities[name] = requires[name]!;
    }
    return Object.keys(requiredCapabilities).length > 0 && [400, -32021, 'capabilities', { requiredCapabilities }];
  },
];

createServer(async (request, response) => {
  if (request.url !== '/mcp') return response.writeHead(404).end();
  if (request.method !== 'POST') return response.writeHead(405, { allow: 'post' }).end();
  const message = JSON.parse(await text(request)) as Message;
  if (message.id === undefined) return response.writeHead(202).end();
  for (const check of checks) {
    const fault = check(message, request.headers);
    if (fault) return refuse(response, message.id, fault);
  }
  await serve(message, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

function refuse(response: ServerResponse, id: string | number, [status, code, message, data]: Fault): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ error: { data, message, code }, id, jsonrpc: '2.0' }));
}

async function serve({ id, method, params = {} }: Message, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
  response.flushHeaders();
  response.write(': here it comes\r\n\r\n');
  const event = (data: object) => response.write(`event: message\r\ndata: ${JSON.stringify(data)}\r\n\r\n`);
  const token = params._meta.progressToken;
  const progress = (progress: number, total?: number, message?: string) => {
    if (token === undefined) return;
    event({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { message, total, progress, progressToken: token },
    });
  };
  const result = await resultOf(method, params, progress);
  const _meta = { ...result._meta, [`${prefix}serverInfo`]: { name: 'raw', version: '0', title: 'Raw' } };
  event({ jsonrpc: '2.0', id, result: { ...result, _meta, resultType: 'complete' } });
  response.end();
}

async function resultOf(
  method: string,
  params: Record<string, any>,
  progress: (progress: number, total?: number, message?: string) => void,
): Promise<Record<string, any>> {
  switch (method) {
    case 'server/discover':
      return {
        supportedVersions: ['draft', '2026-07-28'],
        capabilities: { tools: { listChanged: false } },
        instructions: 'Nothing to know.',
        ttlMs: 0,
        cacheScope: 'private',
      };
    case 'tools/list':
      return {
        ttlMs: 0,
        cacheScope: 'private',
        tools: [...tools.values()].map(({ name, description, input }) => ({
          name,
          description,
          inputSchema: z.toJSONSchema(input),
        })),
      };
    default: {
      const tool = tools.get(params.name);
      const args = tool?.input.safeParse(params.arguments ?? {});
      const fails = (text: string) => ({ isError: true, content: [{ type: 'text', text }] });
      if (!tool || !args?.success) return fails('wrong arguments');
      return tool.run(args.data, { log() {}, progress }).catch((error: unknown) => fails(String(error)));
    }
  }
}
