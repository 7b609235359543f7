import { inspect } from 'node:util';
import express, { type NextFunction, type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

// Throws its errors, and answers them in one place. Serves nobody before the first handshake, and takes any client after it.
class RpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

let greeted = false;
const wanted = /^2025-(11-25|06-18)$/;

const tools: Record<string, Tool> = Object.assign(Object.create(null), {
  process_files: {
    name: 'process_files',
    description: 'processes files, and says so',
    input: z.strictObject({ message: z.string().describe('what to say') }),
    async run(args: { message: string }) {
      let i = 0;
      while (i < documents.length) await work(documents[i++]!.name);
      return { content: [{ type: 'text', text: ['Done', args.message].join(': ') }] };
    },
  },
  ...Object.fromEntries(moreTools.map((tool) => [tool.name, tool])),
});

function valid<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const { data, success } = schema.safeParse(value);
  if (!success) throw new RpcError(-32602, 'Invalid params');
  return data;
}

async function dispatch(method: string, params: unknown): Promise<object> {
  if (method === 'initialize') {
    const version = z.string();
    const asked = valid(
      z.object({
        protocolVersion: version,
        capabilities: z.object(),
        clientInfo: z.object({ name: version, version }),
      }),
      params,
    );
    greeted = true;
    const protocolVersion = wanted.test(asked.protocolVersion) ? asked.protocolVersion : '2025-11-25';
    return {
      protocolVersion,
      capabilities: { tools: {}, experimental: {} },
      serverInfo: { name: 'throws', version: '1.0.0', websiteUrl: 'http://127.0.0.1' },
      _meta: {},
    };
  }
  if (method === 'ping') return {};
  if (!greeted) throw new RpcError(-32600, 'Say hello first');
  if (method === 'tools/list') {
    return {
      tools: Object.values(tools).map((tool) => {
        const schema = z.toJSONSchema(tool.input, { io: 'input' });
        return {
          name: tool.name,
          description: tool.description,
          inputSchema: { type: 'object', $ref: '#/$defs/input', $defs: { input: schema } },
        };
      }),
    };
  }
  if (method !== 'tools/call') throw new RpcError(-32601, 'Method not found');
  const { name, arguments: given } = valid(
    z.object({ name: z.string(), arguments: z.record(z.string(), z.json()).default({}) }),
    params,
  );
  const tool = tools[name];
  if (!tool) throw new RpcError(-32602, `There is no ${name}`);
  const args = valid(tool.input, given);
  try {
    const result = await tool.run(args, { log: () => undefined });
    // Throws for whatever is no result, or no JSON.
    return z.looseObject({ content: z.array(z.any()) }).parse(JSON.parse(JSON.stringify(result)));
  } catch (error) {
    const text = error instanceof Error ? error.message : typeof error === 'string' ? error : inspect(error);
    return { isError: true, content: [{ type: 'text', text }] };
  }
}

const app = express();
app.use((request, response, next) => {
  const { host = '', origin = `http://${host}` } = request.headers;
  const local = (url: string) => /^(localhost|127(\.\d+){3})$/.test(URL.parse(url)?.hostname ?? '');
  if (local(`http://${host}`) && local(origin)) next();
  else response.sendStatus(403);
});
app.use('/mcp', express.json({ limit: '4mb' }), (request, response, next) => {
  const header = request.headers['mcp-protocol-version'];
  if (header === undefined || wanted.test(String(header))) next();
  else
    response
      .status(400)
      .json({ jsonrpc: '2.0', id: request.body?.id, error: { code: -32600, message: 'Bad version' } });
});
app.post('/mcp', (request, response, next) => {
  const { id, method, params } = request.body;
  if (id === undefined) response.status(202).end();
  else dispatch(method, params).then((result) => response.json({ id, result, jsonrpc: '2.0' }), next);
});
app.use((error: Error, request: Request, response: Response, _next: NextFunction) => {
  const code = error instanceof RpcError ? error.code : -32603;
  response
    .status(code === -32601 ? 404 : 400)
    .json({ jsonrpc: '2.0', id: request.body?.id ?? null, error: { code, message: error.message } });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
