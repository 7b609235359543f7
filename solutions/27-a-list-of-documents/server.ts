// The server of the capstone. The README of this lesson says what it has to do; how it does this is up to you.
import { join } from 'node:path';

/** The folder with the documents. */
const folder = process.env.DOCUMENTS ?? join(import.meta.dirname, '../support/documents');

// #region task 1: offer the tool process_documents at /mcp, and process each document of a call
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import {
  failure,
  isId,
  isNotification,
  isRequest,
  isResponse,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import {
  answerError,
  beginEventStream,
  checkPost,
  listen,
  onlyThisMachine,
  refuse,
  revisions,
} from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const input = z.object({ documents: z.array(z.string()).describe('the names of the documents') });
const processed = z.object({ name: z.string(), words: z.int(), longestSentence: z.string() });
const failed = z.object({ name: z.string(), reason: z.string() });
const index = z.record(z.string(), z.array(z.string()));
const output = z.object({ documents: z.array(processed), failed: z.array(failed), index });

type Processed = z.infer<typeof processed>;
type Failed = z.infer<typeof failed>;

/** A call that is running. */
type Call = {
  id: string | number;
  progressToken: string | number | undefined;
  controller: AbortController;
  /** For each word, the names of the documents that have it. */
  index: Map<string, Set<string>>;
  send(message: JsonRpcNotification | JsonRpcResponse): void;
};

/** What the server remembers of a client from one request to the next. */
type Session = { level: string; calls: Set<Call> };

const sessions = new Map<string, Session>();

/** Processes the documents one after the other. */
async function processDocuments(names: string[], call: Call, session: Session): Promise<z.infer<typeof output>> {
  const result: z.infer<typeof output> = { documents: [], failed: [], index: {} };
  const total = names.length;
  for (const [i, name] of names.entries()) {
    report(call, i, total, `Processing ${name}`);
    const outcome = await outcomeOf(name, call);
    if (call.controller.signal.aborted) return result;
    if ('reason' in outcome) {
      result.failed.push(outcome);
      log(call, session, 'error', `${name}: ${outcome.reason}`);
    } else {
      result.documents.push(outcome);
      log(call, session, 'info', `${name}: ${outcome.words} words`);
    }
  }
  report(call, total, total, 'Processing complete!');
  result.index = Object.fromEntries([...call.index].map(([term, names]) => [term, [...names]]));
  return result;
}

async function processDocument(name: string, { controller: { signal }, index }: Call): Promise<Processed> {
  const path = pathOf(name);
  await work(`document ${name}`, { signal });
  const text = textOf(await readFile(path));
  const words = text.split(/\s+/).filter((word) => word !== '');
  for (const word of words) addToIndex(index, word, name);
  return { name, words: words.length, longestSentence: longestSentenceOf(words) };
}

/** Decodes a document. A mark at its beginning says UTF-16LE; what is not valid UTF-8 is Latin-1. */
function textOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

function longestSentenceOf(words: string[]): string {
  let sentence: string[] = [];
  let longest: string[] = [];
  for (const word of words) {
    sentence.push(word);
    if (sentence.length > longest.length) longest = sentence;
    if (/[.!?]$/.test(word)) sentence = [];
  }
  return longest.join(' ');
}

/** Adds a word in lower case, without the quotes, commas and so on that stand around it. */
function addToIndex(index: Call['index'], word: string, name: string): void {
  const term = word.toLowerCase().replace(/^[^\p{L}\p{N}_]+|[^\p{L}\p{N}_]+$/gu, '');
  if (term === '') return;
  if (!index.has(term)) index.set(term, new Set());
  index.get(term)!.add(name);
}

const initializeParams = z.object({ protocolVersion: z.string() });
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const setLevelParams = z.object({ level: z.enum(levels) });
const callParams = z.object({ name: z.literal('process_documents'), arguments: z.unknown() });

/** The methods that are answered with one JSON object. `tools/call` is answered with a stream. */
const methods: Record<string, (params: Params, session: Session) => Answer> = {
  ping: () => ({ result: {} }),

  initialize(params) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    const serverInfo = { name: 'documents', version: '1.0.0' };
    return { result: { protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo } };
  },

  'logging/setLevel'(params, session) {
    const { data, error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    session.level = data.level;
    return { result: {} };
  },

  'tools/list': () => ({
    result: {
      tools: [
        {
          name: 'process_documents',
          description: 'Counts the words of documents, finds the longest sentences, and makes an index',
          inputSchema: z.toJSONSchema(input),
          outputSchema: z.toJSONSchema(output),
        },
      ],
    },
  }),
};

async function callTool(params: Params | undefined, call: Call, session: Session): Promise<Answer> {
  const { data, error } = callParams.safeParse(params);
  if (error) return failure(-32602, z.prettifyError(error));
  const args = input.safeParse(data.arguments);
  if (args.error) return { result: { content: textContent(z.prettifyError(args.error)), isError: true } };
  const result = await processDocuments(args.data.documents, call, session);
  return { result: { content: textContent(JSON.stringify(result)), structuredContent: result } };
}

const textContent = (text: string) => [{ type: 'text', text }];

const app = express();
app.use('/mcp', onlyThisMachine);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    return refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { level: 'info', calls: new Set<Call>() } : sessionOf(request, response);
  if (!session) return;
  if (!isRequest(message)) {
    if (isNotification(message) && message.method === 'notifications/cancelled') cancel(session, message.params);
    response.status(202).end();
  } else if (message.method === 'tools/call') {
    await streamAnswer(message, session, response);
  } else {
    const answer = Object.hasOwn(methods, message.method)
      ? methods[message.method]!(message.params ?? {}, session)
      : failure(-32601, `unknown method: ${message.method}`);
    if (begins && 'result' in answer) response.set('MCP-Session-Id', newSessionId(session));
    response.json({ jsonrpc: '2.0', id: message.id, ...answer });
  }
});

/** Answers a call with an event stream: the notifications while it is at work, then the response. */
async function streamAnswer({ id, params }: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  beginEventStream(response);
  const { progressToken } = (params?._meta ?? {}) as { progressToken?: unknown };
  const call: Call = {
    id,
    progressToken: isId(progressToken) ? progressToken : undefined,
    controller: new AbortController(),
    index: new Map(),
    send: (message) => response.write(`data: ${JSON.stringify(message)}\n\n`),
  };
  session.calls.add(call);
  const answer = await callTool(params, call, session);
  session.calls.delete(call);
  if (!call.controller.signal.aborted) call.send({ jsonrpc: '2.0', id, ...answer });
  response.end();
}

function newSessionId(session: Session): string {
  const id = randomUUID();
  sessions.set(id, session);
  return id;
}

/** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
function sessionOf(request: Request, response: Response): Session | undefined {
  const id = request.get('MCP-Session-Id');
  const session = sessions.get(id ?? '');
  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
  return session;
}

app.delete('/mcp', (request, response) => {
  if (!sessionOf(request, response)) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  response.status(204).end();
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST, DELETE'), 405, -32600, 'the HTTP methods here are POST and DELETE');
});

app.use('/mcp', answerError);

listen(app);
// #endregion

// #region task 2: report each document before the work on it, and log it after
// later: function report(..._values: unknown[]): void {}
// later: function log(..._values: unknown[]): void {}
/** Says how many documents are done, if the client has asked for it. */
function report({ progressToken, send }: Call, progress: number, total: number, message: string): void {
  if (progressToken === undefined) return;
  const params = { progressToken, progress, total, message };
  send({ jsonrpc: '2.0', method: 'notifications/progress', params });
}

function log({ send }: Call, session: Session, level: string, data: string): void {
  if (levels.indexOf(level) < levels.indexOf(session.level)) return;
  const params = { level, logger: 'process_documents', data };
  send({ jsonrpc: '2.0', method: 'notifications/message', params });
}
// #endregion

// #region task 3: continue after a document that fails, open nothing outside of the folder, and stop when cancelled
// later: const outcomeOf: (name: string, call: Call) => Promise<Processed | Failed> = processDocument;
// later: const pathOf = (name: string) => resolve(folder, name);
// later: function cancel(..._values: unknown[]): void {}
async function outcomeOf(name: string, call: Call): Promise<Processed | Failed> {
  try {
    return await processDocument(name, call);
  } catch (error) {
    return { name, reason: reasonOf(error as NodeJS.ErrnoException) };
  }
}

/** The messages of Node name the whole path, and a client does not need to know where the folder is. */
function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such document';
  return code ? `it cannot be read (${code})` : message;
}

/** @throws Error for a name that leads to a place outside of the folder, or into a folder inside of it */
function pathOf(name: string): string {
  const path = resolve(folder, name);
  if (dirname(path) !== resolve(folder)) throw new Error('this is not the name of a file in the folder');
  return path;
}

/** Stops the call of this session that has the id. If no running call has it, there is nothing to do. */
function cancel({ calls }: Session, params: Params = {}): void {
  for (const { id, controller } of calls) if (id === params.requestId) controller.abort();
}
// #endregion
