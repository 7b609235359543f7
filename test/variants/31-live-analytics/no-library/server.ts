// No library: node:http, no sessions, fs.watch beside a slow poll, and a call that ends with its connection.
import { closeSync, openSync, readSync, statSync, watch, type FSWatcher } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import { StringDecoder } from 'node:string_decoder';
import { growingLog } from '#support/growing-log.ts';

const file = process.env.LOG ?? growingLog();

type Counts = {
  lines: number;
  malformed: number;
  statuses: Record<string, number>;
  slowest?: { path: string; ms: number };
};

const whole = { type: 'integer', minimum: 0 };
const fromOne = { type: 'integer', minimum: 1 };
const tool = {
  name: 'watch_log',
  description: 'Counts the lines of a log',
  inputSchema: { type: 'object', properties: { every: fromOne, lines: fromOne }, required: ['every'] },
  outputSchema: {
    type: 'object',
    properties: {
      lines: whole,
      malformed: whole,
      statuses: { type: 'object', additionalProperties: whole },
      slowest: { type: 'object', properties: { path: { type: 'string' }, ms: whole } },
    },
    required: ['lines', 'malformed', 'statuses'],
  },
};

/** Follows the log by events: the folder is watched, because a file may not exist, and a timer helps where nothing is told. */
class Follower {
  private place = 0;
  private decoder = new StringDecoder('utf8');
  private rest = '';
  private readonly watcher: FSWatcher;
  private readonly timer: NodeJS.Timeout;
  private over = false;
  private readonly onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine;
    this.watcher = watch(dirname(file), () => this.look());
    this.timer = setInterval(() => this.look(), 250);
    setImmediate(() => this.look());
  }

  close(): void {
    this.over = true;
    this.watcher.close();
    clearInterval(this.timer);
  }

  private look(): void {
    if (this.over) return;
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.place) {
      this.place = 0;
      this.decoder = new StringDecoder('utf8');
      this.rest = '';
    }
    if (size === this.place) return;
    const bytes = Buffer.alloc(size - this.place);
    const descriptor = openSync(file, 'r');
    const read = readSync(descriptor, bytes, 0, bytes.length, this.place);
    closeSync(descriptor);
    this.place += read;
    this.rest += this.decoder.write(bytes.subarray(0, read));
    let from = 0;
    for (let at = this.rest.indexOf('\n'); at >= 0 && !this.over; at = this.rest.indexOf('\n', from)) {
      this.onLine(this.rest.slice(from, at).replace(/\r$/, ''));
      from = at + 1;
    }
    this.rest = this.rest.slice(from);
  }
}

type Message = { id?: unknown; method?: string; params?: any };

function begin(response: ServerResponse): (message: object) => void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.flushHeaders();
  return (message) => void response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
}

function call(id: unknown, params: any, response: ServerResponse): void {
  const { every, lines } = params?.arguments ?? {};
  const send = begin(response);
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) > 0;
  if (params?.name !== tool.name || !isCount(every) || (lines !== undefined && !isCount(lines))) {
    send({ id, error: { code: -32602, message: 'every and lines must be whole numbers from 1' } });
    response.end();
    return;
  }
  const counts: Counts = { lines: 0, malformed: 0, statuses: {} };
  const follower = new Follower((line) => {
    counts.lines += 1;
    const match = line.match(/^[A-Z]+ (\S+) (\d\d\d) (\d+)$/);
    if (match) {
      const [, path, status, ms] = match as unknown as [string, string, string, string];
      counts.statuses[status] ??= 0;
      counts.statuses[status]++;
      if (Number(ms) > (counts.slowest?.ms ?? -1)) counts.slowest = { path, ms: Number(ms) };
    } else counts.malformed += 1;
    if (counts.lines % every === 0) send({ method: 'notifications/message', params: { level: 'info', data: counts } });
    if (counts.lines !== lines) return;
    follower.close();
    send({ id, result: { structuredContent: counts, content: [{ type: 'text', text: JSON.stringify(counts) }] } });
    response.end();
  });
  response.on('close', () => follower.close());
}

createServer(async (request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405, { Allow: 'POST' }).end();
  const { id, method, params } = (await json(request)) as Message;
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'tools/call') return call(id, params, response);
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, logging: {} },
      serverInfo: { name: 'raw', version: '0' },
    },
    ping: {},
    'tools/list': { tools: [tool] },
  };
  const result = results[method ?? ''];
  const answer = result ? { id, result } : { id, error: { code: -32601, message: 'no such method' } };
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', ...answer }));
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
