import express, { type NextFunction, type Request, type Response } from 'express';
import { work } from '#support/work.ts';

type Params = Record<string, unknown>;
type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** What a request comes to. */
type Answer = { result: object } | { error: { code: number; message: string } };

const operations: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/** What this server can be asked for. */
const methods: Record<string, (params: Params) => Answer | Promise<Answer>> = {
  // TODO task 1: ping, which returns an empty result

  async calculate(params) {
    // TODO task 3: look at the parameters, rather than promise what they are
    const { a, b, op } = params as { a: number; b: number; op: string };
    await work(`${a} ${op} ${b}`);
    return { result: { value: operations[op]!(a, b) } };
  },
};

const app = express();

/** The names of this machine. A page of another site cannot pretend to have one of them. */
const localNames = ['127.0.0.1', 'localhost', '[::1]'];

// Any page that is open in a browser can send requests to this machine, so refuse those that come from another site.
app.use('/mcp', (request, response, next) => {
  const asked = [`http://${request.get('Host')}`, request.get('Origin') ?? 'http://localhost'];
  if (asked.every((url) => URL.canParse(url) && localNames.includes(new URL(url).hostname))) next();
  else refuse(response, 403, -32600, 'the headers Host and Origin must name this machine');
});

app.post('/mcp', (request, response, next) => {
  // TODO task 3: look at the headers before the body is read
  next();
});

app.post('/mcp', express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  // TODO task 3: refuse what is not one JSON-RPC message
  // TODO task 2: only a request is answered; whatever else comes is taken with status 202
  // TODO task 1: answer a request
  response.status(501).json({ error: 'no answer yet' });
});

/** Calls the method that a request asks for. */
async function answer({ method, params }: JsonRpcRequest): Promise<Answer> {
  // TODO task 3: a method that this server does not have
  return methods[method]!(params ?? {});
}

function failure(code: number, message: string): Answer {
  return { error: { code, message } };
}

// TODO task 2: the guard isRequest, for a message with a method and an id

// TODO task 3: the guards isNotification and isResponse

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Answers with an error that belongs to no request: its id is null. */
function refuse(response: Response, status: number, code: number, message: string): void {
  response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });
}

// TODO task 3: another HTTP method, and a body that cannot be read

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/mcp`);
});
