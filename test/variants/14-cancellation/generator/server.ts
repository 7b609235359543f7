import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import express from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// The answer to each request is a generator of messages; a call has an emitter of its own, which nobody hears once it is over. Each session has
// one too: it tells its calls which id is cancelled. The stream begins with the first message.
type Request = { id: string | number; method: string; params?: any };
type Session = { least: number; cancelled: EventEmitter };
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const sessions: Record<string, Session> = Object.create(null);

const schema = z.object({ message: z.string() });
const tools: Record<string, Tool> = Object.fromEntries(moreTools.map((tool) => [tool.name, tool]));
tools.process_files = {
  name: 'process_files',
  description: 'Processes three files',
  input: schema,
  async run(args, context) {
    const say = (i: number) => context.log('info', `Processing file ${i}/${documents.length}...`);
    for (let i = 0; i < documents.length; i++) {
      say(i + 1);
      await work(documents[i]!.name, { signal: context.signal! });
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
    const controller = new AbortController();
    const { signal } = controller;
    const onCancelled = (requestId: unknown) => requestId === id && controller.abort();
    session.cancelled.on('cancelled', onCancelled);
    const heard = on(call, 'log', { close: ['over'] });
    const log = (level: string, data: unknown, logger?: string) => {
      if (levels.indexOf(level) >= session.least) call.emit('log', structuredClone({ level, logger, data }));
    };
    const failed = (thrown: any) => ({
      content: [{ type: 'text', text: String(thrown?.message ?? thrown) }],
      isError: true,
    });
    const result = Promise.resolve()
      .then(() => tool.run(args.data, { log, signal }))
      .then((value) => JSON.parse(JSON.stringify(value)) ?? failed('nothing came of it'))
      .catch(failed)
      .finally(() => {
        session.cancelled.off('cancelled', onCancelled);
        call.emit('over');
      });
    for await (const [entry] of heard) yield { jsonrpc: '2.0', method: 'notifications/message', params: entry };
    const returned = await result;
    if (!signal.aborted) yield response({ result: returned });
  } else {
    yield error(-32601, 'no such method');
  }
}

const app = express();

app.post('/mcp', express.json(), async (request, response) => {
  const { id, method, params } = request.body;
  const header = request.get('mcp-session-id');
  const name = method === 'initialize' ? randomUUID() : header;
  if (!name)
    return void response.status(400).json({ jsonrpc: '2.0', error: { code: -32000, message: 'no session id' } });
  if (method === 'initialize') sessions[name] = { least: 1, cancelled: new EventEmitter().setMaxListeners(0) };
  const session = sessions[name];
  if (!session)
    return void response.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'no such session' } });
  if (method === 'notifications/cancelled') session.cancelled.emit('cancelled', params?.requestId);
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
