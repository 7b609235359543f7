// No library: node:http and classes, an event stream for every answer, and every stream of a session in a set.
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { work } from '#support/work.ts';

const uri = 'document://shared';
const number = { type: 'integer' };
const tool = {
  name: 'edit',
  description: 'Changes lines',
  inputSchema: {
    type: 'object',
    properties: { base: number, from: number, to: number, lines: { type: 'array', items: { type: 'string' } } },
    required: ['base', 'from', 'to', 'lines'],
  },
};

const write = (response: ServerResponse, message: object) =>
  response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);

function begin(response: ServerResponse, more = {}): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', ...more });
  response.flushHeaders();
}

class Editor {
  static all = new Map<string, Editor>();
  readonly id = randomBytes(12).toString('hex');
  readonly streams = new Set<ServerResponse>();
  listens = false;
  constructor() {
    Editor.all.set(this.id, this);
  }
  tell(): void {
    const [stream] = this.streams;
    if (this.listens && stream) write(stream, { method: 'notifications/resources/updated', params: { uri } });
  }
}

class Refused extends Error {}

class Shared {
  version = 7;
  lines: readonly string[] = Object.freeze(['alpha', 'beta', 'gamma', 'delta']);
  #free: Promise<void> = Promise.resolve();

  async edit(change: Record<string, unknown>): Promise<void> {
    const before = this.#free;
    let resolve = () => {};
    this.#free = new Promise((free) => (resolve = free));
    await before;
    try {
      const { base, from, to, lines } = this.#checked(change);
      if (base !== this.version) throw new Refused(`the version is ${this.version}`);
      await work('save');
      const kept = this.lines.slice(to);
      this.lines = Object.freeze([...this.lines.slice(0, from - 1), ...lines, ...kept]);
      this.version++;
    } finally {
      resolve();
    }
    for (const editor of Editor.all.values()) editor.tell();
  }

  #checked({ base, from, to, lines }: Record<string, unknown>) {
    const whole = (value: unknown): value is number => Number.isSafeInteger(value);
    const isLine = (value: unknown) => typeof value === 'string' && !value.includes('\n') && !value.includes('\r');
    if (!whole(base) || !whole(from) || !whole(to) || !Array.isArray(lines) || !lines.every(isLine)) {
      throw new Refused('wrong arguments');
    }
    if (from < 1 || to < from - 1 || to > this.lines.length) throw new Refused('wrong lines');
    return { base, from, to, lines: lines as string[] };
  }
}

const shared = new Shared();

async function resultOf(method: string, params: any, editor: Editor): Promise<object> {
  if (method.startsWith('resources/') && method !== 'resources/list' && params?.uri !== uri) {
    return { error: { code: -32602, message: 'which resource?' } };
  }
  switch (method) {
    case 'initialize': {
      const capabilities = { tools: {}, resources: { subscribe: true, listChanged: false } };
      return { result: { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'raw', version: '0' } } };
    }
    case 'ping':
      return { result: {} };
    case 'tools/list':
      return { result: { tools: [tool] } };
    case 'resources/list':
      return { result: { resources: [{ name: 'the document', uri }] } };
    case 'resources/read': {
      const { version, lines } = shared;
      return { result: { contents: [{ uri, text: JSON.stringify({ version, lines }) }] } };
    }
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      if (params?.uri === uri) editor.listens = method === 'resources/subscribe';
      return { result: {} };
    case 'tools/call': {
      const failed = await shared.edit(params?.arguments ?? {}).catch((error: Error) => error);
      const { version } = shared;
      const content = [{ type: 'text', text: failed ? failed.message : `version ${version}` }];
      return { result: { content, structuredContent: { version }, isError: failed instanceof Error } };
    }
    default:
      return { error: { code: -32601, message: 'no such method' } };
  }
}

createServer(async (request, response) => {
  const given = request.headers['mcp-session-id'];
  const body = request.method === 'POST' ? ((await json(request)) as any) : {};
  const editor = body.method === 'initialize' ? new Editor() : Editor.all.get(String(given));
  if (!editor) return void response.writeHead(given === undefined ? 400 : 404).end();
  if (request.method === 'GET') {
    begin(response);
    editor.streams.add(response);
    response.on('close', () => editor.streams.delete(response));
  } else if (request.method === 'DELETE') {
    Editor.all.delete(editor.id);
    for (const stream of editor.streams) stream.end();
    response.writeHead(200).end();
  } else if (body.id === undefined) {
    response.writeHead(202).end();
  } else {
    begin(response, body.method === 'initialize' ? { 'MCP-Session-Id': editor.id } : {});
    write(response, { id: body.id, ...(await resultOf(body.method, body.params, editor)) });
    response.end();
  }
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
