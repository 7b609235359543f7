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
  // #region task 1: ping, which returns an empty result
  ping: () => ({ result: {} }),
  // #endregion

  async calculate(params) {
    // #region task 3: look at the parameters, rather than promise what they are
    // starter: const { a, b, op } = params as { a: number; b: number; op: string };
    const { a, b, op } = params;
    if (typeof a !== 'number') return failure(-32602, 'a must be a number');
    if (typeof b !== 'number') return failure(-32602, 'b must be a number');
    if (typeof op !== 'string' || !Object.hasOwn(operations, op)) {
      return failure(-32602, `op must be ${Object.keys(operations).join(' or ')}`);
    }
    if (op === 'div' && b === 0) return failure(-32602, 'b must not be 0');
    // #endregion
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
  // #region task 3: look at the headers before the body is read
  if (!request.accepts('application/json') || !request.accepts('text/event-stream')) {
    refuse(response, 406, -32600, 'Accept must list application/json and text/event-stream');
    return;
  }
  if (!request.is('application/json')) {
    refuse(response, 415, -32600, 'Content-Type must be application/json');
    return;
  }
  // #endregion
  next();
});

app.post('/mcp', express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  // #region task 3: refuse what is not one JSON-RPC message
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
  // #endregion
  // #region task 2: only a request is answered; whatever else comes is taken with status 202
  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
  // #endregion
  // #region task 1: answer a request
  // starter: response.status(501).json({ error: 'no answer yet' });
  response.json({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) });
  // #endregion
});

/** Calls the method that a request asks for. */
async function answer({ method, params }: JsonRpcRequest): Promise<Answer> {
  // #region task 3: a method that this server does not have
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  // #endregion
  return methods[method]!(params ?? {});
}

function failure(code: number, message: string): Answer {
  return { error: { code, message } };
}

// #region task 2: the guard isRequest, for a message with a method and an id
function isRequest(message: unknown): message is JsonRpcRequest {
  return hasMethod(message) && isId(message.id);
}

function hasMethod(message: unknown): message is JsonRpcNotification & { id?: unknown } {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    typeof message.method === 'string' &&
    (message.params === undefined || isObject(message.params))
  );
}
// #endregion

// #region task 3: the guards isNotification and isResponse
function isNotification(message: unknown): message is JsonRpcNotification {
  return hasMethod(message) && !('id' in message);
}

function isResponse(message: unknown): message is JsonRpcResponse {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    isId(message.id) &&
    (isObject(message.result) || isObject(message.error))
  );
}
// #endregion

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

// #region task 3: another HTTP method, and a body that cannot be read
app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST'), 405, -32600, 'this endpoint takes POST');
});

type HttpError = { status?: number; type?: string; message: string };

app.use('/mcp', (error: HttpError, _request: Request, response: Response, _next: NextFunction) => {
  if (error.type === 'entity.parse.failed') refuse(response, 400, -32700, 'the body is not JSON');
  else if (error.status && error.status < 500) refuse(response, error.status, -32600, error.message);
  else {
    console.error(error);
    refuse(response, 500, -32603, 'internal error');
  }
});
// #endregion

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/mcp`);
});
