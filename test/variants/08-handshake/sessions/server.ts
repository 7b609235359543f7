import { randomUUID } from 'node:crypto';
import { format } from 'node:util';
import express from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// Hands out a session id and asks for it; lists its tools in pages; a session keeps to the revision that it has agreed on, and to a log level.
const spoken = new Set(['2025-11-25', '2025-06-18']);

class ProcessFiles implements Tool {
  name = 'process_files';
  description = 'Processes what there is to process.';
  input = z.object({ message: z.string() }).loose();
  async run({ message }: Record<string, unknown>) {
    for await (const _name of this.processed()) continue;
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  }
  async *processed() {
    for (const document of documents) {
      await work(document.name);
      yield document.name;
    }
  }
}

class Session {
  readonly revision: string;
  ready = false;
  level = 'info';
  constructor(asked: string) {
    this.revision = spoken.has(asked) ? asked : [...spoken][0]!;
  }
  get about() {
    return {
      protocolVersion: this.revision,
      capabilities: { tools: { listChanged: true }, logging: {} },
      serverInfo: { name: 'sessions', version: '2.0.0-beta.1' },
    };
  }
}

/** The list comes two tools at a time; the cursor says how many have been there before. */
function page(from: number) {
  const tools = [...toolbox.values()].map(({ input, name, description }) => ({
    inputSchema: z.toJSONSchema(input, { reused: 'ref', io: 'input' }),
    description,
    name,
  }));
  const to = from + 2;
  return { tools: tools.slice(from, to), ...(to < tools.length && { nextCursor: String(to) }) };
}

const sessions = new Map<string, Session>();
const toolbox = new Map<string, Tool>([new ProcessFiles() as Tool, ...moreTools].map((tool) => [tool.name, tool]));
const quiet: Context = { log() {} };

const hello = z.looseObject({
  protocolVersion: z.string(),
  capabilities: z.looseObject({}),
  clientInfo: z.looseObject({ name: z.string(), version: z.string() }),
});
const callOf = z.looseObject({ name: z.string(), arguments: z.looseObject({}).optional() });

/** What a failed tool says: an error its message, anything else itself. */
const words = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : format('%s', thrown));

const names = new Set(['localhost', '127.0.0.1', '[::1]']);
const isOurs = (url: string) => URL.canParse(url) && names.has(new URL(url).hostname);

const app = express().use(express.json());
app.use((request, response, next) => {
  const { host, origin } = request.headers;
  if (isOurs(`http://${host}`) && (origin === undefined || isOurs(origin))) return next();
  response.status(403).json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Forbidden' } });
});
app.post('/mcp', async (request, response) => {
  const { id, method, params } = request.body;
  const answer = (body: object) => response.json({ jsonrpc: '2.0', id: id ?? null, ...body });
  const error = (status: number, code: number, message: string) =>
    answer.call(response.status(status), { error: { code, message } });

  if (method === 'initialize') {
    const parsed = hello.safeParse(params);
    if (!parsed.success) return error(200, -32602, 'Invalid params');
    const sessionId = randomUUID();
    const session = new Session(parsed.data.protocolVersion);
    sessions.set(sessionId, session);
    return answer.call(response.set('Mcp-Session-Id', sessionId), { result: session.about });
  }

  const sessionId = request.get('Mcp-Session-Id');
  if (!sessionId) return error(400, -32000, 'Bad Request: Mcp-Session-Id header is required');
  const session = sessions.get(sessionId);
  if (!session) return error(404, -32001, 'Session not found');
  const revision = request.header('mcp-protocol-version');
  if (revision !== undefined && revision !== session.revision)
    return error(400, -32000, `This session speaks ${session.revision}.`);

  if (id === undefined) {
    if (method === 'notifications/initialized') session.ready = true;
    return response.status(202).end();
  }
  if (method !== 'ping' && !session.ready) return error(200, -32600, 'Not initialized');

  switch (method) {
    case 'ping':
      return answer({ result: {} });
    case 'tools/list':
      return answer({ result: page(Number(params?.cursor ?? 0)) });
    case 'tools/call': {
      const call = callOf.safeParse(params);
      if (!call.success) return error(200, -32602, 'Invalid params');
      const tool = toolbox.get(call.data.name);
      if (!tool) return error(200, -32602, `Unknown tool: ${call.data.name}`);
      try {
        const args = await tool.input.parseAsync(call.data.arguments ?? {});
        const result = structuredClone(await tool.run(args, quiet));
        if (!result.content.map) throw new Error('The tool returned no content.');
        JSON.stringify(result);
        return answer({ result });
      } catch (thrown) {
        return answer({ result: { content: [{ type: 'text', text: words(thrown) }], isError: true } });
      }
    }
    case 'logging/setLevel':
      session.level = String(params?.level);
      return answer({ result: {} });
    default:
      return error(200, -32601, 'Method not found');
  }
});
app.listen(Number(process.env.PORT), '127.0.0.1');
