import express, { type NextFunction, type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { isNotification, isRequest, type JsonRpcRequest } from '#support/json-rpc.ts';
import { answerError, listen, onlyThisMachine } from '#support/mcp-http.ts';
import { fromHeader, metaKeys } from '#support/stateless.ts';
import { moreTools, type Context, type Tool, type ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

// A refusal is an exception, each kind of result a class, and the checks are middleware of Express.
class Refused extends Error {
  readonly status: number;
  readonly code: number;
  readonly data: object | undefined;
  constructor(status: number, code: number, message: string, data?: object) {
    super(message);
    this.status = status;
    this.code = code;
    this.data = data;
  }
}

class Complete {
  readonly resultType = 'complete';
  _meta: Record<string, unknown> = {};
  constructor(members: object) {
    Object.assign(this, members);
    this._meta = { [metaKeys.serverInfo]: { name: 'classes', version: '3' }, ...this._meta };
  }
}

class Kept extends Complete {
  readonly cacheScope = 'public';
  readonly ttlMs = 3_600_000;
}

class Tools {
  readonly #byName = new Map<string, Tool>();
  constructor(...tools: Tool[]) {
    for (const tool of tools) this.#byName.set(tool.name, tool);
  }
  get(name: unknown): Tool | undefined {
    return this.#byName.get(String(name));
  }
  list(): object[] {
    return Array.from(this.#byName.values(), (tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: z.toJSONSchema(tool.input),
    }));
  }
  async call(name: unknown, args: unknown, context: Context): Promise<ToolResult> {
    const tool = this.get(name);
    if (!tool) throw new Refused(400, -32602, 'no such tool');
    try {
      return await tool.run(tool.input.parse(args ?? {}), context);
    } catch (error) {
      return { content: [{ type: 'text', text: (error as Error).message }], isError: true };
    }
  }
}

const input = z.object({ message: z.string() });
const tools = new Tools(
  {
    name: 'process_files',
    description: 'Processes the documents',
    input,
    async run(args, context) {
      for (let i = 0; i < documents.length; i++) {
        context.progress?.(i, documents.length, `Processing file ${i + 1}/${documents.length}...`);
        await work(documents[i]!.name);
      }
      return { content: [{ type: 'text', text: `Done: ${(args as { message: string }).message}` }] };
    },
  },
  ...moreTools,
);

type Meta = Record<string, unknown>;
const metaOf = (request: Request): Meta => (request.body.params?._meta ?? {}) as Meta;

function saysAll(request: Request, _response: Response, next: NextFunction): void {
  const meta = metaOf(request);
  const { [metaKeys.protocolVersion]: version, [metaKeys.clientCapabilities]: capabilities } = meta;
  if (typeof version !== 'string' || typeof capabilities !== 'object') {
    throw new Refused(400, -32602, `_meta needs ${metaKeys.protocolVersion} and ${metaKeys.clientCapabilities}`);
  }
  next();
}

function headersAgree(request: Request, _response: Response, next: NextFunction): void {
  const { method, params } = request.body as JsonRpcRequest;
  const pairs: [string | undefined, unknown][] = [
    [request.get('mcp-protocol-version'), metaOf(request)[metaKeys.protocolVersion]],
    [request.get('mcp-method'), method],
  ];
  if (method === 'tools/call') pairs.push([fromHeader(request.get('mcp-name')), params?.name]);
  if (pairs.some(([header, body]) => header !== body)) throw new Refused(400, -32020, 'HeaderMismatch');
  next();
}

function speaks(request: Request, _response: Response, next: NextFunction): void {
  const requested = metaOf(request)[metaKeys.protocolVersion];
  if (requested === '2026-07-28') return next();
  throw new Refused(400, -32022, `not spoken: ${requested}`, { supported: ['2026-07-28'], requested });
}

function isAble(request: Request, _response: Response, next: NextFunction): void {
  const { method, params } = request.body as JsonRpcRequest;
  const able = metaOf(request)[metaKeys.clientCapabilities] as object;
  const { requires = {} } = (method === 'tools/call' && tools.get(params?.name)) || {};
  const requiredCapabilities = { ...requires };
  for (const name of Object.keys(able)) delete requiredCapabilities[name];
  if (Object.keys(requiredCapabilities).length === 0) return next();
  throw new Refused(400, -32021, 'the client is not able to do this', { requiredCapabilities });
}

const app = express().use('/mcp', onlyThisMachine).use(express.json());
const endpoint = app.route('/mcp');
endpoint.post(
  (request, response, next) => {
    if (isNotification(request.body)) response.status(202).end();
    else if (isRequest(request.body)) next();
    else response.status(400).json({ jsonrpc: '2.0', error: { code: -32600, message: 'not a request' } });
  },
  saysAll,
  headersAgree,
  speaks,
  isAble,
  async (request, response) => {
    const { id, method, params = {} } = request.body as JsonRpcRequest;
    const result = (result: Complete) => ({ jsonrpc: '2.0', id, result });
    if (method === 'server/discover') {
      response.json(result(new Kept({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })));
    } else if (method === 'tools/list') response.json(result(new Kept({ tools: tools.list() })));
    else if (method === 'tools/call') {
      const { progressToken } = metaOf(request);
      // A call that asks for no reports is answered with one JSON object.
      if (progressToken === undefined) {
        response.json(result(new Complete(await tools.call(params.name, params.arguments, { log() {} }))));
        return;
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' }).flushHeaders();
      const send = (message: object) => response.write(`data: ${JSON.stringify(message)}\n\n`);
      const progress = (progress: number, total?: number, message?: string) =>
        send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress, total, message } });
      send(result(new Complete(await tools.call(params.name, params.arguments, { log() {}, progress }))));
      response.end();
    } else throw new Refused(404, -32601, method);
  },
);
endpoint.all((_request, response) => void response.set('Allow', 'POST').sendStatus(405));
app.use((error: Error, request: Request, response: Response, next: NextFunction) => {
  if (!(error instanceof Refused)) return next(error);
  const { status, code, message, data } = error;
  response.status(status).json({ jsonrpc: '2.0', id: request.body.id, error: { code, message, data } });
});
app.use(answerError);
listen(app);
