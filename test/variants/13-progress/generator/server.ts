import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import express from 'express';
import { z } from 'zod';
import { tenDocuments as documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// The answer to each request is a generator of messages; a call has an emitter of its own, which nobody hears once it is over.
type Request = { id: string | number; method: string; params?: any };
type Session = { least: number };
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const sessions: Record<string, Session> = Object.create(null);
const interval = +(process.env.PROGRESS_INTERVAL ?? 100);

const schema = z.object({ message: z.string() });
const tools: Record<string, Tool> = Object.fromEntries(moreTools.map((tool) => [tool.name, tool]));
tools.process_files = {
  name: 'process_files',
  description: 'Processes ten documents',
  input: schema,
  async run(args, context) {
    const { length } = documents;
    for (let i = 0; i <= length; i++) {
      context.progress?.(i, length, i < length ? `Processing document ${i + 1}/${length}` : 'Processing complete!');
      if (i < length) await work(documents[i]!.name);
    }
    return { content: [{ type: 'text', text: `Done: ${args.message}` }] };
  },
};

async function* messages({ id, method, params = {} }: Request, session: Session): AsyncGenerator<object> {
  const response = (outcome: object) => ({ jsonrpc: '2.0', id, ...outcome });
  const error = (code: number, message: string) => response({ error: { code, message } });
  if (method === 'initialize') {
    yield response({
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'generator', version: '1' },
      },
    });
  } else if (method === 'ping') {
    yield response({ result: {} });
  } else if (method === 'tools/list') {
    yield response({
      result: { tools: Object.values(tools).map(({ name, input }) => ({ name, inputSchema: z.toJSONSchema(input) })) },
    });
  } else if (method === 'logging/setLevel') {
    const least = levels.indexOf(params.level);
    if (least >= 0) session.least = least;
    yield least < 0 ? error(-32602, 'no such level') : response({ result: {} });
  } else if (method === 'tools/call') {
    const tool = Object.hasOwn(tools, params.name) ? tools[params.name] : undefined;
    if (!tool) return yield error(-32602, 'no such tool');
    const args = tool.input.safeParse(params.arguments);
    if (!args.success)
      return yield response({ result: { content: [{ type: 'text', text: 'bad arguments' }], isError: true } });
    const call = new EventEmitter();
    const heard = on(call, 'message', { close: ['over'] });
    const log = (level: string, data: unknown, logger?: string) => {
      if (levels.indexOf(level) < session.least) return;
      call.emit('message', 'notifications/message', structuredClone({ level, logger, data }));
    };
    // Date.now counts whole milliseconds; the report that waits is sent by whichever comes first: the timer or the end.
    const token = params._meta?.progressToken;
    const asks = typeof token === 'string' || typeof token === 'number';
    let last: { at: number; progress: number } | undefined;
    let pending: object[] = [];
    let timeout: NodeJS.Timeout | undefined;
    let ended = false;
    const flush = () => {
      clearTimeout(timeout);
      timeout = undefined;
      for (const report of pending) call.emit('message', 'notifications/progress', report);
      if (pending.length > 0) last!.at = Date.now();
      pending = [];
    };
    const progress = (progress: number, total?: number, message?: string) => {
      if (ended || !asks || (last && last.progress >= progress)) return;
      const at = last?.at ?? -Infinity;
      last = { at, progress };
      pending = [{ progressToken: token, progress, total, message }];
      const early = at + interval - Date.now();
      if (early <= 0) flush();
      else if (!timeout) timeout = setTimeout(flush, early);
    };
    const failed = (thrown: any) => ({
      content: [{ type: 'text', text: String(thrown?.message ?? thrown) }],
      isError: true,
    });
    const result = Promise.resolve()
      .then(() => tool.run(args.data, { log, progress }))
      .then((value) => JSON.parse(JSON.stringify(value)) ?? failed('nothing came of it'))
      .catch(failed)
      .finally(() => {
        flush();
        ended = true;
        call.emit('over');
      });
    for await (const [method, params] of heard) yield { jsonrpc: '2.0', method, params };
    yield response({ result: await result });
  } else {
    yield error(-32601, 'no such method');
  }
}

const app = express();

app.post('/mcp', express.json(), async (request, response) => {
  const { id, method } = request.body;
  const header = request.get('mcp-session-id');
  const name = method === 'initialize' ? randomUUID() : header;
  if (!name)
    return void response.status(400).json({ jsonrpc: '2.0', error: { code: -32000, message: 'no session id' } });
  if (method === 'initialize') sessions[name] = { least: 1 };
  const session = sessions[name];
  if (!session)
    return void response.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'no such session' } });
  if (id === undefined) return void response.status(202).end();
  if (method === 'initialize') response.set('MCP-Session-Id', name);
  if (method !== 'tools/call') {
    for await (const message of messages(request.body, session)) response.json(message);
    return;
  }
  response.set({
    'content-type': 'text/event-stream',
    'cache-control': 'no-transform, no-cache',
    'x-accel-buffering': 'no',
  });
  for await (const message of messages(request.body, session))
    response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  response.end();
});

app.delete('/mcp', (request, response) => {
  const id = request.get('mcp-session-id');
  if (id === undefined || !sessions[id]) return void response.status(id === undefined ? 400 : 404).end();
  delete sessions[id];
  response.status(202).end();
});

app.use((_request, response) => void response.status(405).set('allow', 'POST,DELETE').end());

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
