// On node:http without Express: a class for a member, with a queue of its own that is written when the stream can take more.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

type Rpc = { id?: string | number; method?: string; params?: Record<string, any> };

const order = 'debug info notice warning error critical alert emergency'.split(' ');

class Client {
  level = 'debug';
  name = '';
  stream: ServerResponse | undefined;
  #queue: string[] = [];
  #size = 0;

  get mute(): boolean {
    return order.indexOf(this.level) > 2;
  }
  /** @returns whether there is room for it */
  push(event: string): boolean {
    this.#queue.push(event);
    this.#size += Buffer.byteLength(event);
    this.#flush();
    return this.#size <= 1024 ** 2;
  }
  open(stream: ServerResponse): void {
    this.stream?.end();
    this.stream = stream;
    stream.on('drain', () => this.#flush());
    this.#flush();
  }
  forget(): void {
    this.#queue = [];
    this.#size = 0;
    this.name = '';
  }
  #flush(): void {
    while (this.stream && !this.stream.writableNeedDrain && this.#queue.length > 0) {
      const event = this.#queue.shift()!;
      this.#size -= Buffer.byteLength(event);
      this.stream.write(event);
    }
  }
}

const clients = new Map<string, Client>();
const room = new Map<string, Client>();

function announce(data: object, from?: Client): void {
  const json = { jsonrpc: '2.0', method: 'notifications/message', params: { data, logger: 'chat', level: 'notice' } };
  const event = `event: message\nid: ${randomUUID()}\ndata: ${JSON.stringify(json)}\n\n`;
  const full = [...room.values()].filter((client) => client !== from && !client.mute && !client.push(event));
  for (const client of full) {
    const { stream } = client;
    gone(client, 'too much was waiting');
    stream?.destroy();
  }
}

function gone(client: Client, reason?: string): void {
  const { name } = client;
  if (room.get(name) !== client) return;
  room.delete(name);
  client.forget();
  announce({ left: name, ...(reason && { reason }) });
}

const wrong = (message: string) => ({ isError: true, content: [{ type: 'text', text: message }] });
const right = (message: string) => ({ content: [{ type: 'text', text: message }] });
const schema = (property: string) => ({
  type: 'object',
  properties: { [property]: { type: 'string' } },
  required: [property],
});

function call(client: Client, tool: unknown, args: Record<string, unknown> = {}): object {
  if (tool === 'join') {
    const { name } = args;
    if (client.name) return wrong('one name for each client');
    if (typeof name !== 'string' || !name.trim()) return wrong('a name has letters');
    if (room.has(name)) return wrong('somebody else has this name');
    announce({ joined: name });
    client.name = name;
    room.set(name, client);
    return right('welcome');
  }
  if (!client.name) return wrong('join the room first');
  if (typeof args.text !== 'string') return wrong('text is missing');
  announce({ from: client.name, text: args.text }, client);
  return right('');
}

function json(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

async function post(request: IncomingMessage, response: ServerResponse, known?: Client): Promise<void> {
  const { id, method, params = {} } = JSON.parse(await text(request)) as Rpc;
  const answer = (result: object, headers = {}) => json(response, 200, { jsonrpc: '2.0', id, result }, headers);
  if (method === 'initialize') {
    const session = randomUUID();
    clients.set(session, new Client());
    const capabilities = { tools: {}, logging: {} };
    const result = { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'room', version: '1' } };
    return answer(result, { 'Mcp-Session-Id': session });
  }
  const client = known!;
  if (id === undefined || method === undefined) return void response.writeHead(202).end();
  if (method === 'logging/setLevel') client.level = params.level;
  if (method === 'tools/list') {
    const tools = [
      { name: 'join', inputSchema: schema('name') },
      { name: 'say', inputSchema: schema('text') },
    ];
    return answer({ tools });
  }
  answer(method === 'tools/call' ? call(client, params.name, params.arguments) : {});
}

createServer(async (request, response) => {
  const session = request.headers['mcp-session-id'] as string | undefined;
  const client = clients.get(session ?? '');
  if (session !== undefined && !client) return json(response, 404, { error: 'no such session' });
  if (request.method === 'POST') return post(request, response, client);
  if (!client) return json(response, 400, { error: 'a session is missing' });
  if (request.method === 'GET') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' });
    response.write(': hello\n\n');
    response.once('close', () => client.stream === response && gone(client));
    return client.open(response);
  }
  clients.delete(session!);
  gone(client);
  client.stream?.end();
  response.writeHead(200).end();
}).listen(Number(process.env.PORT), '127.0.0.1');
