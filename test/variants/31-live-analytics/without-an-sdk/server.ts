// Express without an SDK, with sessions: only notifications/cancelled stops a call. It reads by fs.watchFile and a stream.
import { randomUUID } from 'node:crypto';
import { createReadStream, unwatchFile, watchFile, type StatsListener } from 'node:fs';
import { stat } from 'node:fs/promises';
import express, { type Response } from 'express';
import { growingLog } from '#support/growing-log.ts';
import { isNotification, isRequest } from '#support/json-rpc.ts';
import { answerError, beginEventStream, checkPost, listen, onlyThisMachine, revisions } from '#support/mcp-http.ts';

const file = process.env.LOG ?? growingLog();

type Call = { id: unknown; stop: AbortController };
const sessions = new Map<string, Set<Call>>();

/** Resolves when the file has another size, or the call is over. */
function changed(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      unwatchFile(file, listener);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const listener: StatsListener = () => done();
    signal.addEventListener('abort', done);
    watchFile(file, { interval: 40 }, listener);
  });
}

async function follow(every: number, lines: number | undefined, signal: AbortSignal, send: (counts: object) => void) {
  const statuses: Record<string, number> = {};
  let [count, malformed, place] = [0, 0, 0];
  let slowest: { path: string; ms: number } | undefined;
  let unread = Buffer.alloc(0);
  const counts = () => ({ statuses, malformed, lines: count, ...(slowest && { slowest }) });
  while (!signal.aborted) {
    const before = await stat(file).catch(() => undefined);
    if ((before?.size ?? 0) < place) [place, unread] = [0, Buffer.alloc(0)];
    if (!before || before.size === place) {
      // Looks soon again by itself: a change between the two looks would be missed.
      await Promise.race([changed(signal), new Promise((resolve) => setTimeout(resolve, 60))]);
      unwatchFile(file);
      continue;
    }
    const stream = createReadStream(file, { start: place, end: before.size - 1 });
    for await (const piece of stream) {
      place += piece.length;
      unread = Buffer.concat([unread, piece as Buffer]);
      for (let at = unread.indexOf(10); at >= 0; at = unread.indexOf(10)) {
        const line = unread.subarray(0, at).toString().replace(/\r$/, '');
        unread = unread.subarray(at + 1);
        count++;
        const parts = line.split(' ');
        const [method = '', path = '', status = '', ms = ''] = parts;
        const fits = parts.length === 4 && /^[A-Z]+$/.test(method) && /^\S+$/.test(path);
        if (fits && /^\d{3}$/.test(status) && /^\d+$/.test(ms)) {
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (!slowest || +ms > slowest.ms) slowest = { path, ms: +ms };
        } else malformed++;
        if (count % every === 0) send(counts());
        if (count === lines) return counts();
      }
    }
  }
  return undefined;
}

const whole = { type: 'integer', minimum: 1 };
const any = { type: 'integer' };
const tool = {
  name: 'watch_log',
  description: 'Counts the lines of a log, for ever or up to a limit',
  inputSchema: { type: 'object', properties: { every: whole, lines: whole }, required: ['every'] },
  outputSchema: {
    type: 'object',
    properties: { lines: any, malformed: any, statuses: { type: 'object' }, slowest: { type: 'object' } },
    required: ['lines'],
  },
};

async function answerCall(id: unknown, args: any, calls: Set<Call>, response: Response): Promise<void> {
  const isCount = (value: unknown) => Number.isInteger(value) && Number(value) >= 1;
  const write = (message: object) => response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  if (!isCount(args?.every) || !(args.lines === undefined || isCount(args.lines))) {
    const result = { isError: true, content: [{ type: 'text', text: 'every and lines are whole numbers from 1' }] };
    response.json({ jsonrpc: '2.0', id, result });
    return;
  }
  beginEventStream(response);
  const call = { id, stop: new AbortController() };
  calls.add(call);
  const total = await follow(args.every, args.lines, call.stop.signal, (data) =>
    write({ method: 'notifications/message', params: { level: 'info', logger: 'log', data } }),
  );
  calls.delete(call);
  if (total) {
    const content = [{ type: 'text', text: JSON.stringify(total) }];
    write({ id, result: { content, structuredContent: total } });
  }
  response.end();
}

const app = express();
app.use(onlyThisMachine);
app.post('/mcp', checkPost, express.json(), async (request, response) => {
  const { id, method, params } = request.body;
  if (method === 'initialize') {
    const session = randomUUID();
    sessions.set(session, new Set());
    const capabilities = { tools: {}, logging: {} };
    const result = { protocolVersion: revisions[0], capabilities, serverInfo: { name: 'log', version: '1' } };
    response.set('MCP-Session-Id', session).json({ jsonrpc: '2.0', id, result });
    return;
  }
  const calls = sessions.get(request.get('MCP-Session-Id') ?? '');
  if (!calls) {
    response.status(404).end();
    return;
  }
  if (isNotification(request.body)) {
    if (method === 'notifications/cancelled')
      for (const call of calls) if (call.id === params.requestId) call.stop.abort();
    response.status(202).end();
  } else if (isRequest(request.body) && method === 'tools/call') {
    await answerCall(id, params.arguments, calls, response);
  } else if (method === 'tools/list') {
    response.json({ jsonrpc: '2.0', id, result: { tools: [tool] } });
  } else {
    response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } });
  }
});
app.all('/mcp', (_request, response) => void response.status(405).end());
app.use(answerError);
listen(app);
