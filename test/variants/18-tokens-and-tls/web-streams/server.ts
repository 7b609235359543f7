import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A handler from Request to Response, as it would run elsewhere too; a stream is a ReadableStream.
const input = z.object({ message: z.string() });
const processFiles: Tool<typeof input> = {
  name: 'process_files',
  description: 'Processes files, one by one',
  input,
  async run({ message }, { log }) {
    await documents.reduce(async (before, { name }, i) => {
      await before;
      log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name);
    }, Promise.resolve());
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};
const tools: Tool[] = [processFiles as Tool, ...moreTools];

const Level = z.enum(['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']);
type Level = z.infer<typeof Level>;
const levelOf = new Map<string, Level>();
const ownerOf = new Map<string, string>();
const passes = (level: string, from: Level) => Level.options.indexOf(level as Level) >= Level.options.indexOf(from);

const Message = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).default({}),
});

async function toolResult(run: () => Promise<unknown>): Promise<object> {
  let text: string;
  try {
    const json = JSON.stringify(await run());
    const value = JSON.parse(json ?? 'null') as object | null;
    if (value) return value;
    text = `The tool returned ${json}.`;
  } catch (thrown) {
    text = thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : `Thrown: ${typeof thrown}`;
  }
  return { content: [{ type: 'text', text }], isError: true };
}

const { PORT, TLS, ISSUER } = process.env;
const origin = `${TLS ? 'https' : 'http'}://127.0.0.1:${PORT}`;
const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`), { cooldownDuration: 1000 });

/** Who is asking, or the refusal. */
async function whoAsks({ headers }: Request): Promise<string | Response> {
  const refuse = (status: number, more: string) => {
    const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
    return Response.json({ error: 'no' }, { status, headers: { 'WWW-Authenticate': `Bearer ${metadata}${more}` } });
  };
  const token = headers.get('authorization')?.match(/^bearer (.+)$/i)?.[1];
  if (!token) return refuse(401, ', error="invalid_request", error_description="which token?"');
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: ISSUER!,
      audience: `${origin}/mcp`,
      requiredClaims: ['exp', 'scope'],
    });
    if (!String(payload.scope).split(' ').includes('mcp:tools')) throw { code: 'scope' };
    return payload.sub!;
  } catch (error) {
    // A token without the claim scope has too little scope as well.
    const { code, claim } = error as { code: string; claim?: string };
    if (code === 'scope' || claim === 'scope')
      return refuse(403, ', error="insufficient_scope", scope="mcp:tools openid"');
    return refuse(401, ', error="invalid_token"');
  }
}

async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === '/.well-known/oauth-protected-resource/mcp')
    return Response.json({ resource: `${origin}/mcp`, authorization_servers: [ISSUER] });
  if (pathname !== '/mcp') return new Response(null, { status: 404 });
  const who = await whoAsks(request);
  if (who instanceof Response) return who;
  const given = request.headers.get('mcp-session-id');
  // The session of somebody else is one that does not exist.
  const session = given !== null && ownerOf.has(given) && ownerOf.get(given) !== who ? 'nobody' : given;
  if (request.method === 'DELETE') {
    return new Response(null, { status: session === null ? 400 : levelOf.delete(session) ? 204 : 404 });
  }
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { Allow: 'POST, DELETE' } });
  const { id, method, params } = Message.parse(await request.json());
  const reply = (body: object, init?: ResponseInit) => Response.json({ jsonrpc: '2.0', id, ...body }, init);
  const invalid = (message: string) => reply({ error: { code: -32602, message } });

  if (method === 'initialize') {
    const created = crypto.randomUUID();
    levelOf.set(created, 'info');
    ownerOf.set(created, who);
    const result = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, logging: {} },
      serverInfo: { name: 'web', version: '1' },
    };
    return reply({ result }, { headers: { 'MCP-Session-Id': created } });
  }
  if (session === null) return new Response('Which session?', { status: 400 });
  if (!levelOf.has(session)) return new Response('No such session', { status: 404 });
  if (id === undefined) return new Response(null, { status: 202 });
  if (method === 'ping') return reply({ result: {} });
  if (method === 'tools/list') {
    return reply({
      result: {
        tools: tools.map((tool) => ({
          name: tool.name,
          description: tool.description,
          inputSchema: z.toJSONSchema(tool.input),
        })),
      },
    });
  }
  if (method === 'logging/setLevel') {
    const level = Level.safeParse(params.level);
    if (!level.success) return invalid(level.error.message);
    levelOf.set(session, level.data);
    return reply({ result: {} });
  }
  if (method !== 'tools/call') return reply({ error: { code: -32601, message: method } });
  const tool = tools.find(({ name }) => name === params.name);
  if (!tool) return invalid('unknown tool');
  const args = tool.input.safeParse(params.arguments ?? {});
  if (!args.success) return invalid(args.error.message);

  let cancelled = false;
  const body = new ReadableStream<string>({
    cancel: () => void (cancelled = true),
    async start(controller) {
      let returned = false;
      const emit = (message: object) => {
        if (!cancelled) controller.enqueue(JSON.stringify(message));
      };
      const log: Context['log'] = (level, data, logger) => {
        if (!returned && passes(level, levelOf.get(session) ?? 'info'))
          emit({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
      };
      const result = await toolResult(async () => tool.run(args.data, { log }));
      returned = true;
      emit({ jsonrpc: '2.0', id, result });
      if (!cancelled) controller.close();
    },
  });
  const frames = new TransformStream<string, string>({
    transform: (message, controller) => controller.enqueue(`data:${message}\n\n`),
  });
  return new Response(body.pipeThrough(frames).pipeThrough(new TextEncoderStream()), {
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    },
  });
}

const server = createServer(async (incoming, outgoing) => {
  if (TLS && !(incoming.socket instanceof TLSSocket))
    return void outgoing.writeHead(400, { Connection: 'close' }).end(`Please use ${origin}/mcp instead.`);
  const body =
    incoming.method === 'POST' ? { body: Readable.toWeb(incoming) as unknown as ReadableStream, duplex: 'half' } : {};
  const request = new Request(`http://127.0.0.1${incoming.url}`, {
    method: incoming.method!,
    headers: incoming.headers as Record<string, string>,
    ...body,
  } as RequestInit);
  const response = await handle(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) return void outgoing.end();
  const reader = response.body.getReader();
  outgoing.on('close', () => void reader.cancel().catch(() => {}));
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) outgoing.write(value);
  outgoing.end();
});
if (!TLS) server.listen(Number(PORT), '127.0.0.1');
else {
  // One server of HTTP for both: a connection that begins with TLS gets wrapped first.
  const secureContext = createSecureContext({
    cert: readFileSync(`${TLS}/certificate.pem`),
    key: readFileSync(`${TLS}/key.pem`),
  });
  createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return;
      socket.unshift(first);
      if (first[0] !== 22) return server.emit('connection', socket);
      const wrapped = new TLSSocket(socket, { isServer: true, secureContext });
      wrapped.on('error', () => socket.destroy());
      wrapped.once('secure', () => server.emit('connection', wrapped));
    });
  }).listen(Number(PORT), '127.0.0.1');
}
