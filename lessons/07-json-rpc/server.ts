import express, { type NextFunction, type Request, type Response } from 'express';
import { work } from '#support/work.ts';

type Params = Record<string, unknown>;
type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** The outcome of a request: the part of its response that says whether it succeeded. */
type Answer = { result: object } | { error: { code: number; message: string } };

const operations: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/** The methods that a client can call on this server. */
const methods: Record<string, (params: Params) => Answer | Promise<Answer>> = {
  // TODO task 1: add the method ping, which returns an empty object as its result

  async calculate(params) {
    const { a, b, op } = params;
    if (typeof a !== 'number') return failure(-32602, 'a must be a number');
    if (typeof b !== 'number') return failure(-32602, 'b must be a number');
    if (typeof op !== 'string' || !Object.hasOwn(operations, op)) {
      return failure(-32602, `op must be ${Object.keys(operations).join(' or ')}`);
    }
    // TODO task 3: if the result is not a finite number, return a failure with the code -32602
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
  if (!request.is('application/json')) {
    refuse(response, 415, -32600, 'Content-Type must be application/json');
    return;
  }
  // TODO task 4: before next(), refuse a wrong Accept with status 406
  next();
});

app.post('/mcp', express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  // TODO task 3: before the 202 of task 2, refuse a body that is not a message: status 400 and code -32600
  // TODO task 2: answer everything that is not a request with status 202 and an empty body
  // TODO task 1: send the response: jsonrpc, the id of the request, and what answer returns
  response.status(501).json({ error: 'no answer yet' });
});

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest): Promise<Answer> {
  // TODO task 3: if methods does not have this method, return a failure with the code -32601
  return methods[method]!(params ?? {});
}

function failure(code: number, message: string): Answer {
  return { error: { code, message } };
}

// TODO task 2: write the type guard isRequest: a request has a method and an id

function isNotification(message: unknown): message is JsonRpcNotification {
  return hasMethod(message) && !('id' in message);
}

function isResponse(message: unknown): message is JsonRpcResponse {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    !('method' in message) &&
    isId(message.id) &&
    (isObject(message.result) || isObject(message.error))
  );
}

/** Everything that a request and a notification have in common. */
function hasMethod(message: unknown): message is JsonRpcNotification & { id?: unknown } {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    typeof message.method === 'string' &&
    (message.params === undefined || isObject(message.params))
  );
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Answers with an error whose id is null, because the server has read no request that the error could belong to. */
function refuse(response: Response, status: number, code: number, message: string): void {
  response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });
}

// TODO task 4: refuse all HTTP methods except POST with status 405, here, between app.post and the error handler

type HttpError = { status?: number; type?: string; message: string };

app.use('/mcp', (error: HttpError, _request: Request, response: Response, _next: NextFunction) => {
  if (error.type === 'entity.parse.failed') refuse(response, 400, -32700, 'the body is not JSON');
  else if (error.status && error.status < 500) refuse(response, error.status, -32600, error.message);
  else {
    console.error(error);
    refuse(response, 500, -32603, 'internal error');
  }
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/mcp`);
});
