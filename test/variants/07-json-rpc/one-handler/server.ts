import express, { type NextFunction, type Request, type Response } from 'express';
import { work } from '#support/work.ts';

// One handler for all HTTP methods. It reads the body itself, throws each refusal, and logs every error with its stack.
type Outcome = { status: number; body?: object; allow?: string };

class Refusal extends TypeError {
  readonly outcome: Outcome;

  constructor(status: number, code: number, message: string, id: unknown = undefined, allow?: string) {
    super(message);
    this.outcome = { status, body: { jsonrpc: '2.0', id, error: { code, message } }, ...(allow && { allow }) };
  }
}

const operations = Object.assign(Object.create(null) as Record<string, (a: number, b: number) => number>, {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
});

const methods = Object.assign(Object.create(null) as Record<string, (params: any, id: unknown) => unknown>, {
  ping: () => ({}),
  async calculate(params: any, id: unknown) {
    const { a, b, op } = Array.isArray(params) ? ({} as any) : Object(params);
    const value =
      typeof a === 'number' && typeof b === 'number' && typeof op === 'string' ? operations[op]?.(a, b) : undefined;
    if (value === undefined || !Number.isFinite(value)) throw new Refusal(200, -32602, 'wrong params', id);
    await work(`calculate ${value}`);
    return { value };
  },
});

const mediaTypes = (header = '') => header.split(',').map((type) => type.split(';')[0]!.trim().toLowerCase());

async function read(request: Request): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= 1024 ** 2) chunks.push(chunk);
  }
  if (size > 1024 ** 2) throw new Refusal(413, -32001, 'too large');
  return Buffer.concat(chunks).toString('utf8');
}

async function handle(request: Request): Promise<Outcome> {
  const { host, origin } = request.headers;
  for (const place of [`http://${host}`, ...(origin === undefined ? [] : [origin])]) {
    if (!/^https?:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/i.test(place)) throw new Refusal(403, -32003, `not ${place}`);
  }
  if (request.method !== 'POST') throw new Refusal(405, -32005, 'POST only', undefined, 'POST');
  if (mediaTypes(request.headers['content-type'])[0] !== 'application/json')
    throw new Refusal(415, -32015, 'JSON only');
  const accepted = mediaTypes(request.headers.accept);
  if (!['application/json', 'text/event-stream'].every((type) => accepted.includes(type)))
    throw new Refusal(406, -32006, 'accept both types');

  const text = await read(request);
  let message: any;
  try {
    message = JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, -32700, String(error));
  }
  const isMessage = Object.prototype.toString.call(message) === '[object Object]' && message.jsonrpc === '2.0';
  if (!isMessage) throw new Refusal(400, -32600, 'no message');
  const named = typeof message.id === 'string' || Number.isInteger(message.id);
  if ('id' in message && !named) throw new Refusal(400, -32600, 'no id');
  if (!('method' in message) && named && (message.result ?? message.error)) return { status: 202 };
  if (typeof message.method !== 'string') throw new Refusal(400, -32600, 'no method', message.id);
  if (!named) return { status: 202 };
  const method = methods[message.method];
  if (!method) throw new Refusal(404, -32601, 'no such method', message.id);
  const result = await method(message.params, message.id);
  return { status: 200, body: { jsonrpc: '2.0', id: message.id, result } };
}

const app = express();
app.use('/mcp', (request: Request, response: Response, next: NextFunction) => {
  handle(request)
    .catch((error: unknown) => {
      console.error(error);
      if (error instanceof Refusal) return error.outcome;
      throw error;
    })
    .then(({ status, body, allow }) => {
      if (allow) response.set('Allow', allow);
      response.status(status);
      if (body) response.json(body);
      else response.end();
    })
    .catch(next);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
