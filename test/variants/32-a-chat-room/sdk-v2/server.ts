// The official SDK, version 2, on node:http. The bytes that wait are counted where Node keeps them and in a queue before the SDK.
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { localhostOriginValidation, NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

class Member {
  readonly id: string = randomUUID();
  readonly server = new McpServer({ name: 'chat', version: '1.0.0' }, { capabilities: { logging: {} } });
  readonly transport: NodeStreamableHTTPServerTransport;
  name = '';
  stream: ServerResponse | undefined;
  waiting: object[] = [];
  bytes = 0;
  #sending = Promise.resolve();

  constructor() {
    this.transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      onsessioninitialized: (id) => void sessions.set(id, this),
      onsessionclosed: (id) => {
        sessions.delete(id);
        leave(this);
      },
    });
    const inputs = { join: z.object({ name: z.string() }), say: z.object({ text: z.string() }) };
    this.server.registerTool('join', { description: 'Come in', inputSchema: inputs.join }, ({ name }) =>
      this.join(name),
    );
    this.server.registerTool('say', { description: 'Say it', inputSchema: inputs.say }, ({ text }) => this.say(text));
  }

  join(name: string) {
    if (name === '') return failed('a name is not empty');
    if (this.name !== '') return failed('you have a name');
    if (room.has(name)) return failed('the name belongs to somebody');
    this.name = name;
    room.set(name, this);
    tell({ joined: name }, this);
    return done;
  }
  say(text: string) {
    if (this.name === '') return failed('you are outside');
    tell({ from: this.name, text }, this);
    return done;
  }
  queue(data: object): void {
    this.waiting.push(data);
    this.bytes += Buffer.byteLength(JSON.stringify(data));
    this.flush();
  }
  /** One message after the other, and none while Node has more than the connection takes. */
  flush(): void {
    this.#sending = this.#sending.then(async () => {
      while (this.stream && this.waiting.length > 0) {
        while (this.stream?.writableNeedDrain) await new Promise((resolve) => setTimeout(resolve, 5));
        const data = this.waiting.shift();
        if (data === undefined || this.stream === undefined) return;
        this.bytes -= Buffer.byteLength(JSON.stringify(data));
        await this.server.sendLoggingMessage({ level: 'notice', logger: 'chat', data }, this.id);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }
}

const sessions = new Map<string, Member>();
const room = new Map<string, Member>();
const done = { content: [{ type: 'text' as const, text: 'ok' }] };
const failed = (text: string) => ({ content: [{ type: 'text' as const, text }], isError: true });

function tell(data: object, except?: Member): void {
  const others = [...room.values()].filter((member) => member !== except);
  others.forEach((member) => member.queue(data));
  for (const member of others.filter(({ bytes }) => bytes > 1024 ** 2)) {
    member.stream?.destroy();
    leave(member, 'its stream is full');
  }
}

function leave(member: Member, reason?: string): void {
  const { name } = member;
  if (!room.delete(name)) return;
  member.name = '';
  member.waiting = [];
  member.bytes = 0;
  tell(reason === undefined ? { left: name } : { left: name, reason });
}

const allowed = localhostOriginValidation();
createServer(async (request, response) => {
  if (!allowed(request, response)) return;
  const id = request.headers['mcp-session-id'];
  const member = id === undefined ? new Member() : sessions.get(String(id));
  if (!member) {
    response.writeHead(404).end();
    return;
  }
  if (id === undefined) await member.server.connect(member.transport);
  // The SDK refuses a second stream with 409.
  if (request.method === 'GET' && !member.stream) {
    response.once('close', () => {
      member.stream = undefined;
      leave(member);
    });
    setImmediate(() => {
      member.stream = response;
      member.flush();
    });
  }
  await member.transport.handleRequest(request, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
