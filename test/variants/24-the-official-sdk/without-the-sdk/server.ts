// Both revisions without the SDK and without sessions.
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const input = z.object({ message: z.string() });
const processFiles: Tool<typeof input> = {
  name: 'process_files',
  description: 'Processes the documents',
  input,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      context.progress?.(i + 1, documents.length);
      await work(name, { ...(context.signal && { signal: context.signal }) });
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};
const tools = [processFiles as Tool, ...moreTools];
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const serverInfo = { name: 'both', version: '1.0.0' };
const capabilities = { tools: {}, logging: {} };
const prefix = 'io.modelcontextprotocol/';

type Params = { name?: string; arguments?: object; _meta?: Record<string, unknown>; protocolVersion?: string };

class Answer {
  over = false;
  response: ServerResponse;
  id: unknown;
  modern: boolean;
  constructor(response: ServerResponse, id: unknown, modern: boolean) {
    this.response = response;
    this.id = id;
    this.modern = modern;
  }

  send(message: object): void {
    if (this.over) return;
    if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  }

  result(result: object): void {
    const more = {
      resultType: 'complete',
      _meta: { [`${prefix}serverInfo`]: serverInfo },
      ttlMs: 0,
      cacheScope: 'private',
    };
    this.end({ id: this.id, result: { ...result, ...(this.modern && more) } });
  }

  end(message: object, status = 200): void {
    if (this.response.headersSent) {
      this.send(message);
      this.response.end();
    } else {
      this.response.writeHead(status, { 'content-type': 'application/json' });
      this.response.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
    }
    this.over = true;
  }
}

async function call(answer: Answer, { name, arguments: args = {}, _meta = {} }: Params): Promise<void> {
  const tool = tools.find((each) => each.name === name);
  if (!tool) return answer.end({ id: answer.id, error: { code: -32602, message: `Unknown tool: ${name}` } });
  const stop = new AbortController();
  answer.response.on('close', () => {
    if (!answer.over && answer.modern) stop.abort();
  });
  const least = answer.modern ? _meta[`${prefix}logLevel`] : 'info';
  const context: Context = {
    log(level, data, logger) {
      if (least === undefined || levels.indexOf(level) < levels.indexOf(String(least))) return;
      answer.send({ method: 'notifications/message', params: { level, data, logger } });
    },
    progress(progress, total, message) {
      if (!('progressToken' in _meta)) return;
      const params = { progressToken: _meta.progressToken, progress, total, message };
      answer.send({ method: 'notifications/progress', params });
    },
    signal: stop.signal,
  };
  try {
    answer.result(await tool.run(tool.input.parse(args), context));
  } catch (error) {
    answer.result({ content: [{ type: 'text', text: (error as Error).message }], isError: true });
  }
}

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end();
  const { id, method, params = {} } = (await json(request)) as { id?: unknown; method?: string; params?: Params };
  if (id === undefined) return void response.writeHead(202).end();
  const answer = new Answer(response, id, `${prefix}protocolVersion` in (params._meta ?? {}));
  if (method === 'initialize') answer.result({ protocolVersion: '2025-11-25', capabilities, serverInfo });
  else if (method === 'server/discover') answer.result({ supportedVersions: ['2026-07-28'], capabilities });
  else if (method === 'tools/list') {
    answer.result({
      tools: tools.map(({ name, description, input: schema }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(schema, { io: 'input' }),
      })),
    });
  } else if (method === 'tools/call') await call(answer, params);
  else answer.end({ id, error: { code: -32601, message: 'unknown method' } }, answer.modern ? 404 : 200);
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
