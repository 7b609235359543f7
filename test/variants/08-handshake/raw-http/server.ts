import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools } from '#support/tools.ts';
import { work } from '#support/work.ts';

// No Express, and checks by hand. Bad arguments are an error −32602, with status 400 as all errors have here.
type Json = any;
const isObject = (value: Json) => typeof value === 'object' && value !== null && !Array.isArray(value);
const ours = {
  name: 'process_files',
  title: 'Process files',
  description: 'Goes through the files.',
  inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  annotations: { readOnlyHint: true },
};

const local = /^(?:http:\/\/)?(?:localhost|127\.0\.0\.1)(?::\d+)?$/;

createServer(async (request, response) => {
  const send = (status: number, body?: Json) => {
    response.writeHead(status, body && { 'content-type': 'application/json' });
    response.end(body && JSON.stringify(body));
  };
  if (request.url !== '/mcp') return send(404);
  const { host = '', origin = 'http://localhost' } = request.headers;
  if (![host, origin].every((name) => local.test(name))) return send(403);
  if (request.method !== 'POST') return send(405);

  let message: Json;
  try {
    message = JSON.parse(await text(request));
  } catch {
    return send(400, { jsonrpc: '2.0', error: { code: -32700, message: 'Parse error' } });
  }
  const { id, method, params } = message;
  const fail = (code: number, why: string) =>
    send(400, { jsonrpc: '2.0', ...(id !== undefined && { id }), error: { code, message: why, data: {} } });
  const succeed = (result: Json) => send(200, { result, id, jsonrpc: '2.0' });

  const version = request.headers['mcp-protocol-version'];
  if (method !== 'initialize' && version !== undefined && version !== '2025-11-25' && version !== '2025-06-18')
    return fail(-32000, 'Bad Request: Unsupported protocol version');
  if (id === undefined) return send(202);

  if (method === 'ping') return succeed({});
  if (method === 'initialize') {
    const good =
      typeof params?.protocolVersion === 'string' &&
      isObject(params.capabilities) &&
      typeof params.clientInfo?.name === 'string' &&
      typeof params.clientInfo.version === 'string';
    if (!good) return fail(-32602, 'Invalid params');
    return succeed({
      protocolVersion: params.protocolVersion === '2025-06-18' ? '2025-06-18' : '2025-11-25',
      serverInfo: { name: 'raw', title: 'Raw HTTP', version: '0', description: 'without a framework' },
      capabilities: { tools: { listChanged: false } },
      instructions: 'Call process_files.',
    });
  }
  if (method === 'tools/list') {
    const others = moreTools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: z.toJSONSchema(tool.input, { target: 'draft-7', io: 'input' }),
    }));
    return succeed({ tools: [...others, ours] });
  }
  if (method === 'tools/call') {
    if (typeof params?.name !== 'string') return fail(-32602, 'Which tool?');
    const given = params.arguments === undefined ? {} : params.arguments;
    if (!isObject(given)) return fail(-32602, 'arguments is not an object');
    if (params.name === ours.name) {
      if (typeof given.message !== 'string') return fail(-32602, 'message is not a string');
      let left = documents.length;
      const next = (): Promise<void> | void => (left-- > 0 ? work(documents[left]!.name).then(next) : undefined);
      try {
        await next();
      } catch (error) {
        return succeed({ content: [{ type: 'text', text: (error as Error).message }], isError: true });
      }
      return succeed({
        content: [{ text: `Done: ${given.message}`, type: 'text', annotations: { priority: 1 } }],
        isError: false,
      });
    }
    const other = moreTools.find((tool) => tool.name === params.name);
    if (!other) return fail(-32602, 'No such tool');
    const checked = other.input.safeParse(given);
    if (!checked.success) return fail(-32602, checked.error.message);
    const failed = (text: string) => succeed({ isError: true, content: [{ type: 'text', text }] });
    let body: string | undefined;
    try {
      const result: Json = await other.run(checked.data, { log() {} });
      if (!Array.isArray(result?.content)) return failed(`${params.name} returned no content`);
      body = JSON.stringify({ result, id, jsonrpc: '2.0' });
    } catch (thrown) {
      return failed(
        thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : 'The tool failed.',
      );
    }
    response.setHeader('Content-Type', 'application/json');
    return response.end(body);
  }
  return fail(-32601, 'Method not found');
}).listen(Number(process.env.PORT), '127.0.0.1');
