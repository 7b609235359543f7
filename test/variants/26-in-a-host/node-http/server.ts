// A server with node:http: schemas by hand, no session, every answer an event stream, and more data and blocks than anybody asks for.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { documents } from '#support/documents.ts';
import { isNotification, isRequest, isResponse, type JsonRpcRequest } from '#support/json-rpc.ts';
import { listen, revisions } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const hints = { title: 'hint', readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
const tools = [
  {
    name: 'count_words',
    title: 'Words',
    description: 'Counts words',
    annotations: hints,
    inputSchema: {
      type: 'object',
      properties: { document: { type: 'string', description: 'a name', enum: documents.map(({ name }) => name) } },
      required: ['document'],
    },
    outputSchema: {
      type: 'object',
      properties: { document: { type: 'string' }, words: { type: 'integer', minimum: 0 }, known: { type: 'integer' } },
      required: ['document', 'words'],
    },
    icons: [],
  },
  {
    name: 'process_files',
    title: 'Process',
    description: 'Processes files',
    annotations: hints,
    inputSchema: {
      type: 'object',
      properties: { message: { type: 'string', description: 'what to say' } },
      required: ['message'],
    },
  },
];

const counts = new Map<string, number>();
let loading: Promise<void> | undefined;
const load = async () => {
  await work('the index');
  for (const { name, text } of documents) counts.set(name, text.split(' ').length);
};

type Say = (message: object) => void;

async function call(name: unknown, args: Record<string, unknown>, say: Say): Promise<object> {
  if (name === 'process_files') {
    for (const document of documents) {
      say({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: document.name } });
      await work(document.name);
    }
    return { content: [{ type: 'text', text: `Done: ${String(args.message)}` }] };
  }
  await (loading ??= load());
  const document = String(args.document);
  const words = counts.get(document);
  if (words === undefined) {
    const texts = [`"${document}" does not exist; ask for one of these:`, ...counts.keys()];
    return { isError: true, content: texts.map((each) => ({ type: 'text', text: each })) };
  }
  const data = { words, document, known: counts.size };
  return {
    content: [
      { type: 'text', text: JSON.stringify(data, null, 2) },
      { type: 'text', text: `${document} has ${words} words` },
    ],
    structuredContent: data,
  };
}

async function answer({ method, params = {} }: JsonRpcRequest, say: Say): Promise<object> {
  if (method === 'ping' || method === 'logging/setLevel') return { result: {} };
  if (method === 'tools/list') return { result: { tools } };
  if (method === 'tools/call') {
    return { result: await call(params.name, (params.arguments ?? {}) as Record<string, unknown>, say) };
  }
  if (method === 'initialize') {
    const serverInfo = { name: 'variant', version: '2', title: 'A variant' };
    const instructions = 'process_files works through everything. count_words counts.';
    const protocolVersion = revisions.find((each) => each === params.protocolVersion) ?? revisions[0];
    return { result: { protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo, instructions } };
  }
  return { error: { code: -32601, message: 'unknown method' } };
}

listen(
  createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405, { Allow: 'POST' }).end();
    const message: unknown = JSON.parse(await text(request));
    if (isNotification(message) || isResponse(message)) return response.writeHead(202).end();
    if (!isRequest(message)) return response.writeHead(400).end();
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' });
    const say: Say = (each) => response.write(`event: message\ndata: ${JSON.stringify(each)}\n\n`);
    say({ jsonrpc: '2.0', id: message.id, ...(await answer(message, say)) });
    return response.end();
  }),
);
