import { createPublicKey, randomBytes, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsHttpServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. Every request is answered by a stream, with a first event that has only an id, and lines that end in \r\n.
// Levels are numbers, as in syslog. Tokens are verified without a library, with keys that the metadata of the issuer leads to.
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
    }
    return { content: [{ type: 'text', text: 'Done: ' + args.message }] };
  },
};
const tools = new Map<string, Tool>([processFiles as Tool, ...moreTools].map((tool) => [tool.name, tool]));

/** What each session lets through. Its key begins with its owner. */
const sessions = new Map<string, number>();

const { PORT = '3000', TLS, ISSUER = 'http://127.0.0.1:4000' } = process.env;
const base = process.env.PUBLIC_URL ?? `http${TLS ? 's' : ''}://127.0.0.1:${PORT}`;
const aud = `${base}/mcp`;
const wellKnown = '/.well-known/oauth-protected-resource/mcp';

let keys: Promise<Map<string, KeyObject>> | undefined;

async function fetchKeys(): Promise<Map<string, KeyObject>> {
  const { jwks_uri } = (await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string;
  };
  const { keys } = (await (await fetch(jwks_uri)).json()) as { keys: (JsonWebKey & { kid: string })[] };
  return new Map(keys.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]));
}

const json = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());

/** Whom a request is from; or the status with which it is refused, and why. */
async function subjectOf({ headers }: IncomingMessage): Promise<{ sub: string } | { status: number; why: string }> {
  const [scheme, token] = (headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !token) return { status: 401, why: 'realm="raw"' };
  try {
    const [head, body, signature] = token.split('.') as [string, string, string];
    const { alg, kid } = json(head);
    const key = (await (keys ??= fetchKeys())).get(kid);
    const bytes = Buffer.from(`${head}.${body}`);
    if (alg !== 'ES256' || !key) throw new Error('no such key');
    if (!verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
      throw new Error('forged');
    const claims = json(body);
    const now = Date.now() / 1000;
    // Clocks differ a little.
    const inTime = claims.exp > now - 60 && (claims.nbf ?? 0) < now + 60;
    if (!inTime || claims.iss !== ISSUER || ![claims.aud].flat().includes(aud)) throw new Error('not for me');
    if (!/(^| )mcp:tools( |$)/.test(claims.scope ?? ''))
      return { status: 403, why: 'scope="mcp:tools",error="insufficient_scope"' };
    return { sub: claims.sub };
  } catch {
    return { status: 401, why: 'error_description="no, \\"this\\" is wrong", error=invalid_token' };
  }
}

const listener = async (request: IncomingMessage, response: ServerResponse) => {
  if (request.url === wellKnown) {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ authorization_servers: ['https://other.example', ISSUER], resource: aud }));
  }
  const { pathname } = new URL(request.url!, base);
  if (pathname !== '/mcp') return response.writeHead(404).end();
  const from = await subjectOf(request);
  if ('status' in from) {
    const challenge = `bearer resource_metadata="${base}${wellKnown}" , ${from.why}`;
    return response.writeHead(from.status, { 'www-authenticate': challenge }).end();
  }
  const given = request.headers['mcp-session-id']?.toString();
  const own = given && `${from.sub}/${given}`;
  if (request.method === 'DELETE') {
    return response.writeHead(own === undefined ? 400 : sessions.delete(own) ? 200 : 404).end();
  }
  if (request.method !== 'POST') return response.writeHead(405, { Allow: 'POST, DELETE' }).end();
  let message: Message;
  try {
    message = JSON.parse(await text(request));
  } catch {
    return refuse(response, 400, 'not JSON');
  }
  const session = message.method === 'initialize' ? `${from.sub}/${randomBytes(8).toString('hex')}` : own;
  if (message.method === 'initialize') sessions.set(session!, severity.debug!);
  if (session === undefined)
    return message.method === 'ping' ? serve(message, '', response) : refuse(response, 400, 'no session');
  if (!sessions.has(session)) return refuse(response, 404, 'no such session');
  if (message.id === undefined) return response.writeHead(202).end();
  await serve(message, session, response);
};

if (TLS) {
  const secure = createTlsHttpServer(
    { cert: readFileSync(`${TLS}/certificate.pem`), key: readFileSync(`${TLS}/key.pem`), minVersion: 'TLSv1.2' },
    listener,
  );
  const plain = createServer((_request, response) => response.writeHead(400).end(`only ${aud} here`));
  createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      socket.pause();
      socket.unshift(bytes);
      (bytes[0] === 22 ? secure : plain).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  }).listen(+PORT, '127.0.0.1');
} else createServer(listener).listen(+PORT, '127.0.0.1');

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
    ...(method === 'initialize' && { 'mcp-session-id': session.split('/').at(-1) }),
  });
  event('');
  const log = (level: string, data: unknown, logger?: string) => {
    if (severity[level]! > sessions.get(session)!) return;
    event(JSON.stringify({ method: 'notifications/message', params: { data, logger, level }, jsonrpc: '2.0' }));
  };
  const outcome = await run(method!, params, session, log).then(
    (result) => ({ result }),
    (error: Fail) => ({ error: { code: error.code ?? -32603, message: error.message } }),
  );
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
