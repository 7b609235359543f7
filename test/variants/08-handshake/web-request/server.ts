import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A function from a Request to a Response of the Fetch standard. Errors of JSON-RPC have a status of their own.
const revisions = new Map([
  ['2025-06-18', true],
  ['2025-11-25', true],
]);
const newest = [...revisions.keys()].sort().at(-1)!;

const processFiles = {
  name: 'process_files',
  description: 'Processes three documents',
  input: z.object({ message: z.string() }),
  run: ({ message }: { message: string }) =>
    documents
      .reduce((before, { name }) => before.then(() => work(name)), Promise.resolve())
      .then(() => ({ content: [{ type: 'text', text: `Done: ${message}` }] })),
} satisfies Tool<z.ZodObject<{ message: z.ZodString }>>;

const tools = [...moreTools, processFiles as unknown as Tool];
const rpc = (status: number, body: object) => Response.json({ jsonrpc: '2.0', ...body }, { status });

const messages = z.discriminatedUnion('method', [
  z.object({ method: z.literal('ping') }),
  z.object({
    method: z.literal('initialize'),
    params: z.object({
      protocolVersion: z.string(),
      capabilities: z.record(z.string(), z.any()),
      clientInfo: z.object({ name: z.string(), version: z.string() }),
    }),
  }),
  z.object({ method: z.literal('tools/list'), params: z.object({ cursor: z.string().optional() }).optional() }),
  z.object({
    method: z.literal('tools/call'),
    params: z.object({ name: z.string(), arguments: z.record(z.string(), z.any()).optional() }),
  }),
]);

/** What a tool returns, as a client will read it. */
async function resultOf(run: () => Promise<unknown>): Promise<object> {
  const result = (await Response.json(await run()).json()) as { content?: unknown } | null;
  if (Array.isArray(result?.content)) return result;
  throw new Error('The tool returned no content');
}

const reason = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : `The tool threw ${typeof thrown}`;

const local = new Set(['localhost', '127.0.0.1', '::1']);
/** The name in front of the port. */
const nameIn = (host: string) => host.replace(/:\d*$/, '').replace(/[[\]]/g, '');

async function handle(request: Request): Promise<Response> {
  const origin = request.headers.get('origin')?.replace('http://', '') ?? 'localhost';
  if (!local.has(nameIn(request.headers.get('host')!)) || !local.has(nameIn(origin)))
    return rpc(403, { id: null, error: { code: -32600, message: 'local only' } });
  if (request.method !== 'POST') return rpc(405, { id: null, error: { code: -32600, message: 'POST only' } });
  const revision = request.headers.get('mcp-protocol-version');
  if (revision !== null && !revisions.has(revision))
    return rpc(400, {
      id: null,
      error: { code: -32022, message: 'Unsupported protocol version', data: { supported: [...revisions.keys()] } },
    });
  const body = (await request.json()) as { id?: string; method?: string };
  if (!('id' in body)) return new Response(null, { status: 202 });
  const { id } = body;
  const parsed = messages.safeParse(body);
  if (parsed.error) {
    const known = messages.options.some((option) => option.shape.method.value === body.method);
    return known
      ? rpc(400, { id, error: { code: -32602, message: z.prettifyError(parsed.error) } })
      : rpc(404, { id, error: { code: -32601, message: body.method } });
  }
  const message = parsed.data;
  if (message.method === 'ping') return rpc(200, { id, result: {} });
  if (message.method === 'tools/list') {
    const list = tools.map(({ input, run: _run, ...rest }) => ({
      ...rest,
      inputSchema: { ...z.toJSONSchema(input, { io: 'input' }), $schema: undefined },
    }));
    return rpc(200, { id, result: { tools: list } });
  }
  if (message.method === 'initialize') {
    const { protocolVersion: asked } = message.params;
    return rpc(200, {
      id,
      result: {
        protocolVersion: revisions.has(asked) ? asked : newest,
        capabilities: { tools: {} },
        serverInfo: { version: '1', name: 'web' },
      },
    });
  }
  const tool = tools.find((each) => each.name === message.params.name);
  if (!tool) return rpc(404, { id, error: { code: -32602, message: 'Unknown tool' } });
  const { data, error } = tool.input.safeParse(message.params.arguments ?? {});
  const failed = (text: string) => ({ content: [{ type: 'text', text }], isError: true });
  const result = error
    ? failed(error.issues.map((issue) => issue.message).join())
    : await resultOf(async () => tool.run(data, { log() {} })).catch((thrown) => failed(reason(thrown)));
  return rpc(200, { id, result: { isError: false, ...result } });
}

createServer(async (incoming, outgoing) => {
  const { method, url } = incoming;
  const init = {
    method: method!,
    headers: incoming.headers as Record<string, string>,
    ...(method === 'POST' && { body: Readable.toWeb(incoming), duplex: 'half' }),
  };
  const response = await handle(new Request(new URL(url!, 'http://127.0.0.1'), init as object));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(process.env.PORT), '127.0.0.1');
