// Both eras without the SDK: node:http, one function for all methods, and streams in two lists.
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text as bodyOf } from 'node:stream/consumers';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const folder = process.env.DOCUMENTS!;
const stateless = '2026-07-28';
const key = (name: string) => `io.modelcontextprotocol/${name}`;

type Params = Record<string, any>;
type Message = { id?: string | number; method?: string; params?: Params };
type Session = { uris: string[]; stream?: ServerResponse };
type Listener = { filter: Params; id: string | number; response: ServerResponse };

const sessions: Record<string, Session> = {};
let listeners: Listener[] = [];

class Refusal extends Error {
  readonly code: number;
  readonly data: unknown;
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const documents = async () =>
  (await readdir(folder, { withFileTypes: true })).filter((each) => each.isFile()).map(({ name }) => name);
const mimeType = (name: string) =>
  name.endsWith('.txt')
    ? 'text/plain'
    : name.endsWith('.md')
      ? 'text/markdown'
      : name.endsWith('.png')
        ? 'image/png'
        : 'application/octet-stream';
const strictUri = (name: string) =>
  'document:///' +
  [...Buffer.from(name)]
    .map((byte) =>
      /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

async function contents(uri: string, isNew: boolean) {
  let name: string | undefined;
  try {
    name = decodeURIComponent(uri.replace(/^document:\/\/\//, ''));
  } catch {}
  const known = uri.startsWith('document:///') && name !== undefined && (await documents()).includes(name);
  if (!known) throw new Refusal(isNew ? -32602 : -32002, 'Resource not found', { uri });
  const bytes = await readFile(join(folder, name!));
  const text = bytes.toString();
  const about = { mimeType: mimeType(name!), uri };
  return Buffer.from(text).equals(bytes) ? { ...about, text } : { ...about, blob: bytes.toString('base64') };
}

const event = (response: ServerResponse | undefined, message: object) =>
  response?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
const beginStream = (response: ServerResponse) =>
  response
    .writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' })
    .flushHeaders();

/** Tells each client in its own words: two URIs of one document can differ in what is encoded. */
function tell(name: string, isNew: boolean): void {
  const updated = 'notifications/resources/updated';
  const changed = 'notifications/resources/list_changed';
  const isMeant = (uri: string) => decodeURIComponent(uri) === `document:///${name}`;
  for (const { uris, stream } of Object.values(sessions)) {
    const uri = uris.find(isMeant);
    if (uri !== undefined) event(stream, { method: updated, params: { uri } });
    if (isNew) event(stream, { method: changed });
  }
  for (const { filter, id, response } of listeners) {
    const _meta = { [key('subscriptionId')]: id };
    const uri = filter.resourceSubscriptions?.find(isMeant);
    if (uri !== undefined) event(response, { method: updated, params: { uri, _meta } });
    if (isNew && filter.resourcesListChanged) event(response, { method: changed, params: { _meta } });
  }
}

const capabilities = { tools: {}, resources: { subscribe: true, listChanged: true }, prompts: {}, completions: {} };
const serverInfo = { name: 'by-hand', version: '1.0.0' };

async function answer(method: string, params: Params, session?: Session): Promise<Params> {
  const isNew = session === undefined;
  switch (method) {
    case 'server/discover':
      return { supportedVersions: [stateless], capabilities };
    case 'tools/list':
      return { tools: [{ name: 'write_document', inputSchema: { type: 'object' } }] };
    case 'tools/call': {
      const { name, text } = params.arguments;
      await work('before');
      const known = (await documents()).includes(name);
      await writeFile(join(folder, name), text);
      tell(name, !known);
      await work('after');
      return { content: [{ type: 'text', text: `Written: ${name}` }] };
    }
    case 'resources/list': {
      const all = await documents();
      const sizes = await Promise.all(all.map((name) => stat(join(folder, name))));
      const resources = all.map((name, i) => ({
        uri: strictUri(name),
        name,
        mimeType: mimeType(name),
        size: sizes[i]!.size,
      }));
      return { resources };
    }
    case 'resources/templates/list':
      return { resourceTemplates: [{ uriTemplate: 'document:///{name}', name: 'document' }] };
    case 'resources/read':
      return { contents: [await contents(params.uri, isNew)] };
    case 'prompts/list': {
      const args = [{ name: 'document', required: true, description: 'its name' }, { name: 'words' }];
      return { prompts: [{ name: 'summarize', description: 'Summarizes a document', arguments: args }] };
    }
    case 'prompts/get': {
      const { document, words = '50' } = params.arguments ?? {};
      if (params.name !== 'summarize' || typeof document !== 'string' || !/^\d+$/.test(words)) {
        throw new Refusal(-32602, 'no such prompt, or wrong arguments');
      }
      const resource = await contents(`document:///${encodeURIComponent(document)}`, true);
      const messages = [
        { role: 'user', content: { type: 'resource', resource } },
        { role: 'user', content: { type: 'text', text: `Say it in ${words} words.` } },
      ];
      return { messages };
    }
    case 'completion/complete': {
      const values = (await documents()).filter((name) => name.startsWith(params.argument.value));
      return { completion: { values: values.slice(0, 100), total: values.length, hasMore: values.length > 100 } };
    }
    case 'ping':
      if (session) return {};
      break;
    case 'resources/subscribe':
      if (session) session.uris.push(params.uri);
      if (session) return {};
      break;
    case 'resources/unsubscribe':
      if (session) session.uris = session.uris.filter((uri) => uri !== params.uri);
      if (session) return {};
  }
  throw new Refusal(-32601, `unknown method: ${method}`);
}

const json = (response: ServerResponse, status: number, body: object, headers = {}) =>
  void response
    .writeHead(status, { 'Content-Type': 'application/json', ...headers })
    .end(JSON.stringify({ jsonrpc: '2.0', ...body }));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = sessions[String(request.headers['mcp-session-id'])];
  if (request.method === 'GET' && session) {
    session.stream = response;
    return beginStream(response);
  }
  if (request.method === 'DELETE' && session) {
    session.stream?.end();
    delete sessions[String(request.headers['mcp-session-id'])];
    return void response.writeHead(204).end();
  }
  const { id, method = '', params = {} }: Message = JSON.parse((await bodyOf(request)) || '{}');
  const isNew = params._meta?.[key('protocolVersion')] !== undefined;
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'initialize') {
    const newId = randomUUID();
    sessions[newId] = { uris: [] };
    const result = { protocolVersion: '2025-11-25', capabilities, serverInfo };
    return json(response, 200, { id, result }, { 'MCP-Session-Id': newId });
  }
  if (isNew && method === 'subscriptions/listen') {
    const listener = { filter: params.notifications, id, response };
    listeners.push(listener);
    response.on('close', () => (listeners = listeners.filter((each) => each !== listener)));
    beginStream(response);
    const acknowledged = { notifications: params.notifications, _meta: { [key('subscriptionId')]: id } };
    return void event(response, { method: 'notifications/subscriptions/acknowledged', params: acknowledged });
  }
  if (!isNew && !session) return json(response, 404, { id, error: { code: -32600, message: 'no session' } });
  try {
    const result = await answer(method, params, isNew ? undefined : session);
    const cached =
      method === 'resources/list' ? { ttlMs: 60_000, cacheScope: 'public' } : { ttlMs: 0, cacheScope: 'private' };
    const more = isNew && { resultType: 'complete', ...cached, _meta: { [key('serverInfo')]: serverInfo } };
    json(response, 200, { id, result: { ...result, ...more } });
  } catch (error) {
    const { code = -32603, message, data } = error as Refusal;
    json(response, isNew ? (code === -32601 ? 404 : 400) : 200, { id, error: { code, message, data } });
  }
}

listen(createServer((request, response) => void handle(request, response)));
