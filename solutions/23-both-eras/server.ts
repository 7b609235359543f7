import { inspect } from 'node:util';
import express, { type Request } from 'express';
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

/** Whether a request is one of the new era: it says so in its header or in its body. */
function isStateless(request: Request): boolean {
  // #region task 1: tell the eras apart
  // starter: return false;
  if (request.get('MCP-Protocol-Version') === statelessRevision) return true;
  // Only an old client has a stream to open or a session to end, so only the old half knows more than POST.
  if (request.method !== 'POST') return request.get('MCP-Session-Id') === undefined;
  const meta: unknown = request.body?.params?._meta;
  return isObject(meta) && metaKeys.protocolVersion in meta;
  // #endregion
}

app.all('/mcp', (request, response, next) => {
  const half = isStateless(request) ? stateless : sessions;
  half(request, response, next);
});

/**
 * The core: answers a request of either era.
 *
 * @param least the least severe level that the client wants; undefined if it wants no log messages
 * @param notify sends a notification to the client of this request
 * @param signal aborts when the client cancels the request
 */
async function serve(
  { method, params }: JsonRpcRequest,
  least: string | undefined,
  notify: Notify,
  signal?: AbortSignal,
): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  const log: Context['log'] = (level, data, logger) => {
    if (least === undefined || levels.indexOf(level) < levels.indexOf(least)) return;
    notify({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
  };
  return methods[method]!(params ?? {}, { log, signal });
}

// #region task 2: let the core answer the requests of both eras
// starter: const sessions = sessionsEra(serverInfo, async (request) => failure(-32601, `not yet: ${request.method}`));
// starter: const stateless = statelessEra(serverInfo, async (request) => failure(-32601, `not yet: ${request.method}`));
const sessions = sessionsEra(serverInfo, (request, session, notify) => serve(request, session.level, notify));

const stateless = statelessEra(serverInfo, async (request, meta, notify, signal) => {
  const answered = await serve(request, meta[metaKeys.logLevel], notify, signal);
  return complete(request.method, serverInfo, answered);
});
// #endregion

app.use('/mcp', answerError);

listen(app);
