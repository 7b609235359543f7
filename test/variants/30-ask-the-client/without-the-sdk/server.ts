// Both revisions without the SDK: node:http, sessions in a map, and a state that is sealed here.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { work } from '#support/work.ts';

const prefix = 'io.modelcontextprotocol/';
const key = randomBytes(32);
const wishes = z.object({
  signature: z.string().min(1),
  count: z.number().int().min(1).max(documents.length).default(documents.length),
  stamp: z.enum(['draft', 'final']).default('draft'),
  copies: z.boolean().default(false),
});
const form = {
  message: 'How are the documents processed?',
  requestedSchema: z.toJSONSchema(wishes, { io: 'input' }),
};

type Answer = { action?: unknown; content?: unknown };
type Params = {
  name?: string;
  arguments?: { message?: unknown };
  inputResponses?: Record<string, Answer | null>;
  requestState?: string;
  _meta?: Record<string, unknown>;
  capabilities?: Record<string, unknown>;
};
type Message = { id?: string | number; method?: string; params?: Params; result?: Answer; error?: { message: string } };
type Session = { capabilities: Record<string, unknown>; waiting: Map<unknown, (message: Message) => void> };

const sessions = new Map<string, Session>();
let lastId = 100;

const seal = (body: string) => `${body}.${createHmac('sha256', key).update(body).digest('base64url')}`;
const says = (text: string, isError?: true) => ({ content: [{ type: 'text', text }], ...(isError && { isError }) });
class Failure extends Error {
  code: number;
  data: object | undefined;
  constructor(code: number, message: string, data?: object) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

function stream(response: ServerResponse) {
  const write = (message: object) => {
    if (response.writableEnded || response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  };
  return write;
}

type Say = (data: string) => void;
type Ask = (names: string[]) => Promise<Answer | undefined>;

/** The work itself, for either revision. Undefined: the answer is missing, so the result asks. */
async function processFiles(
  message: string,
  names: string[],
  answer: Answer | undefined,
  log: Say,
  signal?: AbortSignal,
) {
  if (answer?.action === 'decline') return says(`Declined: ${message}`);
  if (answer?.action === 'cancel') return says(`Cancelled: ${message}`);
  const { data } = wishes.safeParse(answer?.action === 'accept' ? answer.content : undefined);
  if (!data) return undefined;
  for (const [i, name] of names.slice(0, data.count).entries()) {
    log(`Processing file ${i + 1}/${data.count}...`);
    await work(name, signal && { signal });
  }
  const { count, stamp, copies, signature } = data;
  return says(
    `Done: ${message} (${count} documents, ${stamp}, with${copies ? '' : 'out'} copies, signed by ${signature})`,
  );
}

async function search(): Promise<string[]> {
  await work('searching');
  return documents.map(({ name }) => name);
}

async function callOld(message: string, session: Session, write: (message: object) => void): Promise<object> {
  const log: Say = (data) => write({ method: 'notifications/message', params: { level: 'info', data } });
  if (!session.capabilities.elicitation) return says('your client cannot ask you', true);
  const names = await search();
  const ask: Ask = () =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      session.waiting.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
      write({ id, method: 'elicitation/create', params: form });
    });
  return (await processFiles(message, names, await ask(names), log)) ?? says('that is not what was asked', true);
}

async function callNew(params: Params, write: (message: object) => void, signal: AbortSignal): Promise<object> {
  const { arguments: { message } = {}, requestState, inputResponses, _meta = {} } = params;
  const text = String(message);
  const { elicitation } = (_meta[`${prefix}clientCapabilities`] ?? {}) as Record<string, unknown>;
  const needed = { requiredCapabilities: { elicitation: {} } };
  if (!elicitation) throw new Failure(-32021, 'this tool has to ask the user', needed);
  let names: string[];
  if (requestState === undefined) names = await search();
  else {
    const body = requestState.slice(0, requestState.lastIndexOf('.'));
    if (seal(body) !== requestState) throw new Failure(-32602, 'this is not a state of mine');
    const [forMessage, ...rest] = JSON.parse(Buffer.from(body, 'base64url').toString()) as string[];
    if (forMessage !== text) throw new Failure(-32602, 'this is the state of a different call');
    names = rest;
  }
  const log: Say = (data) => {
    if (_meta[`${prefix}logLevel`]) write({ method: 'notifications/message', params: { level: 'info', data } });
  };
  const result = await processFiles(text, names, inputResponses?.q ?? undefined, log, signal);
  if (result) return { resultType: 'complete', ...result };
  return {
    resultType: 'input_required',
    inputRequests: { q: { method: 'elicitation/create', params: form } },
    requestState: seal(Buffer.from(JSON.stringify([text, ...names])).toString('base64url')),
  };
}

const server = createServer(async (request, response) => {
  const id = String(request.headers['mcp-session-id'] ?? '');
  if (request.method === 'DELETE') return void response.writeHead(sessions.delete(id) ? 204 : 404).end();
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const message = (await json(request)) as Message;
  const { method, params = {} } = message;
  const isNew = params._meta?.[`${prefix}protocolVersion`] !== undefined;
  const session = sessions.get(id);
  const write = stream(response);
  const end = (rest: object) => {
    write({ id: message.id, ...rest });
    response.end();
  };
  if (method === undefined) {
    const answered = session?.waiting.get(message.id);
    session?.waiting.delete(message.id);
    response.writeHead(202).end();
    return answered?.(message);
  }
  if (message.id === undefined) return void response.writeHead(202).end();
  if (method === 'initialize') {
    const newId = randomUUID();
    sessions.set(newId, { capabilities: params.capabilities ?? {}, waiting: new Map() });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': newId });
    const serverInfo = { name: 'by-hand', version: '1.0.0' };
    return end({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo } });
  }
  if (method !== 'tools/call') return end({ error: { code: -32601, message: 'unknown method' } });
  const stop = new AbortController();
  response.on('close', () => stop.abort());
  try {
    const result = isNew
      ? await callNew(params, write, stop.signal)
      : await callOld(String(params.arguments?.message), session!, write);
    end({ result });
  } catch (error) {
    const { code = -32603, message, data } = error as Failure;
    end({ error: { code, message, ...(data && { data }) } });
  }
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
