import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express. Every request at /mcp is answered by a stream, whose first event has only an id. Lines end in \r\n.
type Message = { jsonrpc: '2.0'; id?: string | number; method?: string; params?: Record<string, any> };
type Client = { least: number; write(message: object): void };

const severity = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

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

/** Both kinds of clients, told apart by the beginning of their keys. */
const clients = new Map<string, Client>();

createServer(async (request, response) => {
  const url = new URL(request.url!, 'http://127.0.0.1');
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /sse') return openOld(response);
  if (route === 'POST /messages') {
    const client = clients.get(`old ${url.searchParams.get('c')}`);
    const received = await read(request);
    if (!client || !received) return response.writeHead(400).end('no stream, or no message');
    response.writeHead(202).end('Accepted');
    return serve(received, client, client.write);
  }
  if (url.pathname !== '/mcp') return response.writeHead(404).end();
  const id = request.headers['mcp-session-id']?.toString();
  if (route === 'DELETE /mcp')
    return response.writeHead(id === undefined ? 400 : clients.delete(`new ${id}`) ? 200 : 404).end();
  if (route === 'POST /mcp') return postNew(request, response, id);
  response.writeHead(405, { Allow: 'POST, DELETE' }).end();
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

async function read(request: IncomingMessage): Promise<Message | undefined> {
  try {
    return JSON.parse(await text(request));
  } catch {
    return undefined;
  }
}

const stream = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

function openOld(response: ServerResponse): void {
  const id = randomBytes(16).toString('base64url');
  const write = (message: object) => void response.write(`event:message\r\ndata:${JSON.stringify(message)}\r\n\r\n`);
  clients.set(`old ${id}`, { least: 1, write });
  response.once('close', () => clients.delete(`old ${id}`));
  response.writeHead(200, stream);
  response.write(`: hello\r\n\r\nevent: endpoint\r\ndata: messages?c=${id}\r\n\r\n`);
}

async function postNew(request: IncomingMessage, response: ServerResponse, id: string | undefined): Promise<unknown> {
  const received = await read(request);
  if (!received) return response.writeHead(400).end();
  const begins = received.method === 'initialize';
  const name = begins ? randomBytes(12).toString('hex') : id;
  if (begins) clients.set(`new ${name}`, { least: 1, write: () => {} });
  const client = clients.get(`new ${name}`);
  if (!client) return response.writeHead(name === undefined ? 400 : 404).end();
  if (received.id === undefined) return response.writeHead(202).end();
  response.writeHead(200, { ...stream, ...(begins && { 'mcp-session-id': name }) });
  let events = 0;
  const write = (data: string) => response.write(`id: ${received.id}/${++events}\r\ndata: ${data}\r\n\r\n`);
  write('');
  await serve(received, client, (message) => write(JSON.stringify(message)));
  response.end();
}

async function serve({ id, method, params = {} }: Message, client: Client, write: Client['write']): Promise<void> {
  if (id === undefined || method === undefined) return;
  let open = true;
  const log = (level: string, data: unknown, logger?: string) => {
    if (open && severity.indexOf(level) >= client.least)
      write({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
  };
  const outcome = await run(method, params, client, log).then(
    (result) => ({ result }),
    (error) => ({ error: { code: error.code ?? -32603, message: String(error.message) } }),
  );
  open = false;
  write({ jsonrpc: '2.0', id, ...outcome });
}

const refuse = (code: number, message: string) => Object.assign(new Error(message), { code });

async function run(
  method: string,
  params: Record<string, any>,
  client: Client,
  log: (level: string, data: unknown, logger?: string) => void,
): Promise<object> {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params.protocolVersion === '2024-11-05' ? '2024-11-05' : '2025-11-25',
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
      if (!severity.includes(params.level)) throw refuse(-32602, 'no such level');
      client.least = severity.indexOf(params.level);
      return {};
    case 'tools/call': {
      const tool = tools.get(params.name);
      if (!tool) throw refuse(-32602, 'no such tool');
      const failed = (text: string) => ({ content: [{ type: 'text', text }], isError: true });
      const args = tool.input.safeParse(params.arguments ?? {});
      if (!args.success) return failed(args.error.message);
      try {
        return await tool.run(args.data, { log });
      } catch (error) {
        return failed(error instanceof Error ? error.message : String(error));
      }
    }
    default:
      throw refuse(-32601, 'no such method');
  }
}
