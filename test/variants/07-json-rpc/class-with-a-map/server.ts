import express, { type NextFunction, type Request, type Response } from 'express';
import { work } from '#support/work.ts';

// Errors are thrown, and become answers in one place. A notification's method is called as well, and nobody hears of it.
class RpcError extends Error {
  readonly code: number;
  readonly status: number;

  constructor(code: number, message: string, status = 200) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

type Method = (params: any) => unknown;

class Dispatcher {
  private readonly methods = new Map<string, Method>();

  on(name: string, method: Method): this {
    this.methods.set(name, method);
    return this;
  }

  /** What is to be sent: undefined for nothing. */
  async handle(message: any): Promise<object | undefined> {
    if (Object.prototype.toString.call(message) !== '[object Object]' || message.jsonrpc !== '2.0')
      throw new RpcError(-32600, 'no message', 400);
    const isReply = !('method' in message) && ('result' in message || 'error' in message);
    if (isReply && ['string', 'number'].includes(typeof message.id)) return undefined;
    if (typeof message.method !== 'string') throw new RpcError(-32600, 'no method', 400);
    if (!('id' in message)) {
      void Promise.resolve(this.methods.get(message.method)?.(message.params ?? {})).catch(() => {});
      return undefined;
    }
    if (typeof message.id !== 'string' && typeof message.id !== 'number') throw new RpcError(-32600, 'bad id', 400);
    try {
      const method = this.methods.get(message.method);
      if (!method) throw new RpcError(-32601, 'no such method');
      return { id: message.id, result: await method(message.params ?? {}) };
    } catch (error) {
      const { code = -32603, message: text } = error as RpcError;
      return { id: message.id, error: { code, message: text } };
    }
  }
}

const calculations = new Map<unknown, (a: number, b: number) => number>([
  ['add', (a, b) => a + b],
  ['sub', (a, b) => a - b],
  ['mul', (a, b) => a * b],
  ['div', (a, b) => a / b],
]);

const dispatcher = new Dispatcher()
  .on('ping', () => ({}))
  .on('calculate', async ({ a, b, op }) => {
    const calculate = calculations.get(op);
    if (typeof a !== 'number' || typeof b !== 'number' || !calculate) throw new RpcError(-32602, 'bad params');
    const value = calculate(a, b);
    if (!Number.isFinite(value)) throw new RpcError(-32602, 'no number comes out');
    await work(op);
    return { value };
  });

const app = express();
app.use('/mcp', (request, response, next) => {
  const reject = (status: number, text: string) => next(new RpcError(-32000, text, status));
  const asked = [request.hostname, new URL(request.get('Origin') ?? 'http://localhost').hostname];
  if (!asked.every((name) => ['localhost', '127.0.0.1'].includes(name))) reject(403, 'this machine only');
  else if (request.method !== 'POST') {
    response.append('Allow', 'POST');
    reject(405, 'POST only');
  } else if (!request.is('application/json')) reject(415, 'JSON only');
  else if (!request.accepts('json')) reject(406, 'JSON only');
  else next();
});
app.use(express.json({ limit: '1mb', strict: false }));
app.post('/mcp', async (request, response) => {
  const answer = await dispatcher.handle(request.body);
  if (answer) response.json({ jsonrpc: '2.0', ...answer });
  else response.status(202).end();
});
app.use((error: any, _request: Request, response: Response, _next: NextFunction) => {
  const code = error instanceof RpcError ? error.code : error instanceof SyntaxError ? -32700 : -32000;
  response.status(error.status ?? 500).json({ jsonrpc: '2.0', error: { code, message: error.message } });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
