import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { work } from '#support/work.ts';

// A function from Request to Response, as platforms on the edge have them, and an adapter for Node.
type Rpc = {
  jsonrpc?: unknown;
  id?: unknown;
  method?: unknown;
  params?: { a?: unknown; b?: unknown; op?: unknown };
  result?: unknown;
  error?: unknown;
};

const error = (status: number, code: number, message: string, id: unknown = null, headers = {}) =>
  Response.json({ jsonrpc: '2.0', error: { code, message }, id }, { status, headers });

async function handle(request: Request): Promise<Response> {
  if (new URL(request.url).pathname !== '/mcp') return error(404, -32600, 'Try /mcp.');
  const origin = request.headers.get('origin');
  for (const url of [request.url, ...(origin ? [origin] : [])])
    if (!['127.0.0.1', 'localhost'].includes(new URL(url).hostname)) return error(403, -32600, 'Try from here.');
  if (request.method !== 'POST') return error(405, -32600, 'Try POST.', null, { allow: 'POST' });
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
    return error(415, -32600, 'Send JSON.');
  const types = (request.headers.get('accept') ?? '')
    .toLowerCase()
    .split(',')
    .map((type) => type.split(';')[0]!.trim());
  if (!types.includes('application/json') || !types.includes('text/event-stream'))
    return error(406, -32600, 'Take JSON and event streams.');

  const body = await request.text();
  if (Buffer.byteLength(body) > 2 ** 20) return error(413, -32600, 'That is too much.');
  let message: Rpc | null;
  try {
    message = JSON.parse(body);
  } catch {
    return error(400, -32700, 'That is no JSON.');
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message) || message.jsonrpc !== '2.0')
    return error(400, -32600, 'That is no message.');

  const { id, method, params } = message;
  const named = typeof id === 'string' || typeof id === 'number';
  if (!named && id !== undefined) return error(400, -32600, 'That is no id.');
  if (method === undefined && named && (message.result !== undefined || message.error !== undefined))
    return new Response(null, { status: 202 });
  if (typeof method !== 'string') return error(400, -32600, 'That is no method.', id);
  if (!named) return new Response(null, { status: 202 });

  if (method === 'ping') return Response.json({ jsonrpc: '2.0', id, result: {} });
  if (method !== 'calculate') return error(200, -32601, 'There is no such method.', id);
  const { a, b, op } = params ?? {};
  if (typeof a !== 'number' || typeof b !== 'number') return error(200, -32602, 'There is no number.', id);
  let value: number;
  if (op === 'add') value = a + b;
  else if (op === 'sub') value = a - b;
  else if (op === 'mul') value = a * b;
  else if (op === 'div') value = a / b;
  else return error(200, -32602, 'There is no such operation.', id);
  if (!Number.isFinite(value)) return error(200, -32602, 'No number comes out.', id);
  await work('calculate');
  return Response.json({ jsonrpc: '2.0', id, result: { value } });
}

createServer(async (incoming, outgoing) => {
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const response = await handle(
    new Request(`http://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method!,
      headers: incoming.headers as Record<string, string>,
      ...(hasBody && { body: Readable.toWeb(incoming) as unknown as ReadableStream, duplex: 'half' }),
    } as RequestInit),
  );
  outgoing
    .writeHead(response.status, Object.fromEntries(response.headers))
    .end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(process.env.PORT), '127.0.0.1');
