import { inspect } from 'node:util';
import express, { type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { failure, isObject, type Answer, type JsonRpcRequest, type Params } from '#support/json-rpc.ts';
import { answerError, checkMediaTypes, listen, onlyThisMachine } from '#support/mcp-http.ts';
import { sessionsEra } from '#support/sessions-era.ts';
import { complete, statelessEra, statelessRevision } from '#support/stateless-era.ts';
import { metaKeys } from '#support/stateless.ts';
import { levels, type Notify } from '#support/tool-server.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, { log, signal }) {
    for (const [i, { name }] of documents.entries()) {
      log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name, { signal });
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

const tools: Tool[] = [processFiles, ...moreTools];

const callParams = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

/** What a tool has to return. It may have further members, which stay in the result. */
const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });

/** The result of tools/list. The tools never change, so it is made only once. */
const toolList = {
  tools: tools.map(({ name, description, input }) => ({
    name,
    description,
    inputSchema: z.toJSONSchema(input, { io: 'input' }),
  })),
};

/** The methods that both eras have. */
const methods: Record<string, (params: Params, context: Context) => Answer | Promise<Answer>> = {
  'tools/list': () => ({ result: toolList }),

  async 'tools/call'(params, context) {
    const call = callParams.safeParse(params);
    if (call.error) return failure(-32602, z.prettifyError(call.error));
    const tool = tools.find(({ name }) => name === call.data.name);
    if (!tool) return failure(-32602, `Unknown tool: ${call.data.name}`);
    try {
      const args = tool.input.safeParse(call.data.arguments);
      if (args.error) return toolFailure(z.prettifyError(args.error));
      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
    } catch (error) {
      return toolFailure(reasonOf(error));
    }
  },
};

/** What 'tools/call' returns when a tool fails: a result, so that the model reads the text. */
function toolFailure(text: string): Answer {
  return { result: { content: [{ type: 'text', text }], isError: true } };
}

/** Why a tool has failed. It has usually thrown an Error, but JavaScript can throw any value. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}

const app = express();
app.use('/mcp', onlyThisMachine);
app.post('/mcp', checkMediaTypes, express.json({ strict: false, limit: '1mb' }));
class Core {
  #calls = 0;
  async answer({ method, params }: JsonRpcRequest, log: Context['log'], signal?: AbortSignal): Promise<Answer> {
    this.#calls++;
    const known = Object.entries(methods).find(([name]) => name === method);
    return known ? known[1](params ?? {}, { log, signal }) : failure(-32601, 'this server has no such method');
  }
}

/** Decides which messages of a tool a client gets. */
class LevelFilter {
  readonly #least: number;
  readonly #notify: Notify;
  constructor(level: string | undefined, notify: Notify) {
    this.#least = level === undefined ? Infinity : levels.indexOf(level);
    this.#notify = notify;
  }
  log: Context['log'] = (level, data, logger) => {
    if (levels.indexOf(level) < this.#least) return;
    const params = { level, data, ...(logger !== undefined && { logger }) };
    this.#notify({ jsonrpc: '2.0', method: 'notifications/message', params });
  };
}

class Router {
  #core = new Core();
  #old = sessionsEra(serverInfo, (request, { level }, notify) =>
    this.#core.answer(request, new LevelFilter(level, notify).log),
  );
  #new = statelessEra(serverInfo, async (request, meta, notify, signal) =>
    complete(
      request.method,
      serverInfo,
      await this.#core.answer(request, new LevelFilter(meta[metaKeys.logLevel], notify).log, signal),
    ),
  );

  handle: RequestHandler = (request, response, next) => {
    switch (this.#eraOf(request)) {
      case 'new':
        return this.#new(request, response, next);
      case 'old':
        return this.#old(request, response, next);
    }
  };

  #eraOf({ headers, method, body }: Request): 'old' | 'new' {
    const modern = headers['mcp-protocol-version'] === statelessRevision;
    if (modern) return 'new';
    // Without a session, the old half answers a GET or a DELETE with 400.
    if (method === 'GET' || method === 'DELETE') return 'old';
    const claim = (body as { params?: { _meta?: Record<string, unknown> } } | null)?.params?._meta;
    return isObject(claim) && Object.keys(claim).includes(metaKeys.protocolVersion) ? 'new' : 'old';
  }
}

app.all('/mcp', new Router().handle);

app.use('/mcp', answerError);

listen(app);
