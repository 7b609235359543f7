import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { work } from '#support/work.ts';

// No library. Errors have no id where none could be read; those of a method go out with status 400 and 404.
const limit = 1_000_000;
const local = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

const server = createServer(async (request, response) => {
  if (request.url !== '/mcp') return void response.writeHead(404).end();
  const { host, origin } = request.headers;
  if (!local.test(`http://${host}`) || (origin !== undefined && !local.test(origin)))
    return fail(response, 403, -32000, 'Forbidden');
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    return fail(response, 405, -32000, 'Method Not Allowed');
  }
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json') return fail(response, 415, -32000, 'Unsupported Media Type');
  const accept = (request.headers.accept ?? '*/*').toLowerCase();
  const types = accept.split(',').map((one) => one.split(';')[0]!.trim());
  if (!types.some((one) => /^(application\/(json|\*)|text\/(event-stream|\*)|\*\/\*)$/.test(one)))
    return fail(response, 406, -32000, 'Not Acceptable');

  const text = await read(request);
  if (text === undefined) return fail(response, 413, -32000, 'Content Too Large');
  let message: any;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return fail(response, 400, -32700, (error as Error).message);
  }
  if (kindOf(message) === 'invalid') return fail(response, 400, -32600, 'Invalid Request');
  if (kindOf(message) !== 'request') return void response.writeHead(202).end();

  const { id, method } = message;
  const params = message.params ?? {};
  switch (method) {
    case 'ping':
      return send(response, 200, { result: {}, id, jsonrpc: '2.0' });
    case 'calculate': {
      const { a, b, op } = params;
      const numbers = [a, b].every(Number.isFinite);
      if (!numbers || !['add', 'sub', 'mul', 'div'].includes(op)) {
        return fail(response, 400, -32602, 'Invalid params', id);
      }
      const value = op === 'add' ? a + b : op === 'sub' ? a - b : op === 'mul' ? a * b : a / b;
      if (!Number.isFinite(value)) return fail(response, 400, -32602, 'No finite number', id);
      await work(`calculate ${a} ${op} ${b}`);
      return send(response, 200, { jsonrpc: '2.0', id, result: { value } });
    }
    default:
      return fail(response, 404, -32601, 'Method not found', id);
  }
});

async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= limit) chunks.push(chunk as Buffer);
  }
  return bytes <= limit ? Buffer.concat(chunks).toString() : undefined;
}

function kindOf(message: any): 'request' | 'notification' | 'response' | 'invalid' {
  if (message === null || typeof message !== 'object' || Array.isArray(message) || message.jsonrpc !== '2.0')
    return 'invalid';
  const hasId = ['string', 'number'].includes(typeof message.id);
  if (typeof message.method === 'string') return hasId ? 'request' : 'id' in message ? 'invalid' : 'notification';
  if ('method' in message) return 'invalid';
  return 'result' in message !== 'error' in message && hasId ? 'response' : 'invalid';
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number, code: number, message: string, id?: string | number): void {
  send(response, status, { jsonrpc: '2.0', ...(id !== undefined && { id }), error: { code, message } });
}

server.listen(Number(process.env.PORT), '127.0.0.1');
