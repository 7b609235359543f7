// No library: node:http, no sessions, an event stream for every answer, and a call that ends with its connection.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join, relative, resolve } from 'node:path';
import type { ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { work } from '#support/work.ts';

const folder = process.env.DOCUMENTS ?? join(import.meta.dirname, '../support/documents');

type Processed = { name: string; words: number; longestSentence: string };
type Failed = { name: string; reason: string };
type Result = { documents: Processed[]; failed: Failed[]; index: Record<string, string[]> };

async function load(name: string): Promise<string> {
  const path = resolve(folder, name);
  if (relative(folder, path) !== basename(path)) throw new Error('not a name of a document');
  const bytes = await readFile(path);
  const utf8 = bytes.toString('utf8');
  if (bytes.subarray(0, 2).equals(Buffer.from([255, 254]))) return bytes.subarray(2).toString('utf16le');
  if (!Buffer.from(utf8).equals(bytes)) return bytes.toString('latin1');
  return utf8.replace(/^\ufeff/, '');
}

function analyse(name: string, text: string): Processed {
  const words = text.match(/\S+/g) ?? [];
  const sentences: string[][] = [[]];
  for (const each of words) {
    sentences.at(-1)!.push(each);
    if (['.', '!', '?'].includes(each.at(-1)!)) sentences.push([]);
  }
  sentences.sort((a, b) => b.length - a.length);
  return { name, words: words.length, longestSentence: sentences[0]!.join(' ') };
}

const isTrimmed = (character: string | undefined) => character !== undefined && !/[\p{L}\p{N}_]/u.test(character);

function add(index: Map<string, string[]>, name: string, text: string): void {
  for (const word of text.toLowerCase().match(/\S+/g) ?? []) {
    let characters = [...word];
    while (isTrimmed(characters[0])) characters = characters.slice(1);
    while (isTrimmed(characters.at(-1))) characters.pop();
    const names = index.get(characters.join('')) ?? [];
    if (characters.length > 0 && !names.includes(name)) index.set(characters.join(''), [...names, name]);
  }
}

const strings = { type: 'array', items: { type: 'string' } };
const text = { type: 'string' };
const tool = {
  name: 'process_documents',
  description: 'Counts words',
  inputSchema: { type: 'object', properties: { documents: strings }, required: ['documents'] },
  outputSchema: {
    type: 'object',
    properties: {
      documents: {
        type: 'array',
        items: { type: 'object', properties: { name: text, words: { type: 'integer' }, longestSentence: text } },
      },
      failed: { type: 'array', items: { type: 'object', properties: { name: text, reason: text } } },
      index: { type: 'object', additionalProperties: strings },
    },
    required: ['documents', 'failed', 'index'],
  },
};

type Message = { id?: unknown; method?: string; params?: any };

function begin(response: ServerResponse): (message: object) => void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  return (message) =>
    void response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
}

async function call(id: unknown, params: any, response: ServerResponse): Promise<void> {
  const names = params?.arguments?.documents;
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
  const send = begin(response);
  if (params?.name !== tool.name || !isList) {
    send({ id, error: { code: -32602, message: 'documents must be a list of strings' } });
    response.end();
    return;
  }
  let gone = false;
  response.on('close', () => (gone = true));
  const token = params._meta?.progressToken;
  const result: Result = { documents: [], failed: [], index: {} };
  const index = new Map<string, string[]>();
  const report = (progress: number, message: string) => {
    const known = { progressToken: token, progress, total: names.length, message };
    if (token !== undefined) send({ method: 'notifications/progress', params: known });
  };
  const log = (level: string, data: string) => send({ method: 'notifications/message', params: { level, data } });
  for (const [i, name] of names.entries()) {
    if (gone) return;
    report(i, name);
    await work(`document ${name}`)
      .then(() => load(name))
      .then((loaded) => {
        result.documents.push(analyse(name, loaded));
        add(index, name, loaded);
        log('info', `${result.documents.at(-1)!.words} words are in ${name}`);
      })
      .catch((error: Error) => {
        result.failed.push({ name, reason: error.message });
        log('critical', `${name}: ${error.message}`);
      });
  }
  report(names.length, '');
  result.index = Object.fromEntries(index);
  send({ id, result: { structuredContent: result, content: [{ type: 'text', text: JSON.stringify(result) }] } });
  response.end();
}

createServer(async (request, response) => {
  const { origin } = request.headers;
  if (origin && !/^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/.test(origin)) return void response.writeHead(403).end();
  if (request.method !== 'POST') return void response.writeHead(405, { Allow: 'POST' }).end();
  const { id, method, params } = (await json(request)) as Message;
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'tools/call') return call(id, params, response);
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: false }, logging: {} },
      serverInfo: { name: 'raw', version: '0' },
    },
    ping: {},
    'tools/list': { tools: [tool] },
  };
  const result = results[method ?? ''];
  const send = begin(response);
  send(result ? { id, result } : { id, error: { code: -32601, message: 'no such method' } });
  response.end();
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
