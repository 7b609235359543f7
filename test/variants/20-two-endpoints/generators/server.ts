import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import express from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// The core is a generator of messages. The old endpoint answers the POST when the response has gone out on the stream only
// for short requests; a call is answered immediately.
type Message = { id: string | number; method: string; params?: any };
type Session = { least: number; old: boolean };
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const newSessions: Record<string, Session> = Object.create(null);
const oldStreams: Record<string, { session: Session; response: express.Response }> = Object.create(null);

const schema = z.object({ message: z.string() });
const tools: Record<string, Tool> = Object.fromEntries(moreTools.map((tool) => [tool.name, tool]));
tools.process_files = {
  name: 'process_files',
  description: 'Processes three files',
  input: schema,
  async run(args, context) {
    for (let i = 0; i < documents.length; i++) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`);
      await work(documents[i]!.name);
    }
    return { content: [{ type: 'text', text: `Done: ${args.message}` }] };
  },
};

async function* messages({ id, method, params = {} }: Message, session: Session): AsyncGenerator<object> {
  const response = (outcome: object) => ({ jsonrpc: '2.0', id, ...outcome });
  const error = (code: number, message: string) => response({ error: { code, message } });
  if (method === 'initialize') {
    const protocolVersion = session.old && params.protocolVersion === '2024-11-05' ? '2024-11-05' : '2025-11-25';
    const capabilities = { tools: {}, logging: {} };
    yield response({ result: { protocolVersion, capabilities, serverInfo: { name: 'generator', version: '1' } } });
  } else if (method === 'ping') {
    yield response({ result: {} });
  } else if (method === 'tools/list') {
    const list = Object.values(tools).map(({ name, input }) => ({ name, inputSchema: z.toJSONSchema(input) }));
    yield response({ result: { tools: list } });
  } else if (method === 'logging/setLevel') {
    const least = levels.indexOf(params.level);
    if (least >= 0) session.least = least;
    yield least < 0 ? error(-32602, 'no such level') : response({ result: {} });
  } else if (method === 'tools/call') {
    const tool = Object.hasOwn(tools, params.name) ? tools[params.name] : undefined;
    if (!tool) return yield error(-32602, 'no such tool');
    const failed = (text: string) => ({ content: [{ type: 'text', text }], isError: true });
    const args = tool.input.safeParse(params.arguments);
    if (!args.success) return yield response({ result: failed('bad arguments') });
    const call = new EventEmitter();
    const heard = on(call, 'log', { close: ['over'] });
    const log = (level: string, data: unknown, logger?: string) => {
      if (levels.indexOf(level) >= session.least) call.emit('log', structuredClone({ level, logger, data }));
    };
    const result = Promise.resolve()
      .then(() => tool.run(args.data, { log }))
      .catch((thrown: any) => failed(String(thrown?.message ?? thrown)))
      .finally(() => call.emit('over'));
    for await (const [entry] of heard) yield { jsonrpc: '2.0', method: 'notifications/message', params: entry };
    yield response({ result: await result });
  } else {
    yield error(-32601, 'no such method');
  }
}

const app = express();
app.use(express.json());
const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-transform, no-cache',
  'x-accel-buffering': 'no',
};

app.get('/sse', (_request, response) => {
  const id = randomBytes(20).toString('hex');
  oldStreams[id] = { session: { least: 1, old: true }, response };
  response.on('close', () => delete oldStreams[id]);
  response.writeHead(200, streamHeaders);
  response.write(`retry: 1000\nevent: endpoint\ndata: /messages?sessionId=${id}\n\n`);
});

app.post('/messages', async (request, response) => {
  const found = oldStreams[String(request.query.sessionId)];
  if (!found) return void response.status(404).end('no such stream');
  const isCall = request.body.method === 'tools/call';
  if (isCall || request.body.id === undefined) response.status(202).end();
  if (request.body.id === undefined) return;
  for await (const message of messages(request.body, found.session)) {
    if (found.response.destroyed) continue; // the tool goes on
    found.response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }
  if (!isCall) response.status(202).end();
});

app.post('/mcp', async (request, response) => {
  const { id, method } = request.body;
  const begins = method === 'initialize';
  const name = begins ? randomUUID() : request.get('mcp-session-id');
  if (name === undefined)
    return void response.status(400).json({ jsonrpc: '2.0', error: { code: -32000, message: 'no id' } });
  if (begins) newSessions[name] = { least: 1, old: false };
  const session = newSessions[name];
  if (!session)
    return void response.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'no session' } });
  if (id === undefined) return void response.status(202).end();
  if (begins) response.set('MCP-Session-Id', name);
  response.writeHead(200, streamHeaders);
  for await (const message of messages(request.body, session))
    response.write(`data: ${JSON.stringify(message, null, 1).replaceAll('\n', '\ndata: ')}\n\n`);
  response.end();
});

app.delete('/mcp', (request, response) => {
  const id = request.get('mcp-session-id');
  if (id === undefined || !newSessions[id]) return void response.status(id === undefined ? 400 : 404).end();
  delete newSessions[id];
  response.status(202).end();
});

app.use((_request, response) => void response.status(405).set('allow', 'POST,DELETE').end());

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
