// Both revisions with the fetch of Node.
import { createInterface } from 'node:readline';
import { eventReader } from '#support/event-reader.ts';

const [url = 'http://127.0.0.1:3000/mcp', text = 'hello', ...words] = process.argv.slice(2);
const prefix = 'io.modelcontextprotocol/';
const capabilities = { elicitation: {} };
const given = Object.fromEntries(words.map((word) => [word.split('=', 1)[0], word.replace(/^[^=]*=/, '')]));

type Field = { type: string; description: string; default?: unknown };
type Form = { message: string; requestedSchema: { properties: Record<string, Field>; required?: string[] } };
type Message = { id?: unknown; method?: string; params?: any; result?: any; error?: { message: string } };

let revision = '2026-07-28';
let session: string | undefined;
let last = 0;
let running: number | undefined;
const stop = new AbortController();
const lines = createInterface({ input: process.stdin });
const typed = lines[Symbol.asyncIterator]();
const interrupted = new Promise<never>((_resolve, reject) => {
  process.once('SIGINT', () => {
    process.exitCode = 130;
    stop.abort(new Error('interrupted'));
    reject(stop.signal.reason);
  });
});
interrupted.catch(() => {});

const post = (message: Message, signal?: AbortSignal): Promise<Response> => {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'text/event-stream, application/json',
    ...(revision && { 'mcp-protocol-version': revision }),
    ...(session && { 'mcp-session-id': session }),
  };
  if (revision === '2026-07-28') headers['mcp-method'] = message.method!;
  if (revision === '2026-07-28' && message.params?.name) headers['mcp-name'] = message.params.name;
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return fetch(url, { method: 'POST', headers, body, ...(signal && { signal }) });
};

async function answerOf({ message, requestedSchema: { properties, required } }: Form): Promise<object> {
  console.log(`QUESTION: ${message}`);
  if ('decline' in given) {
    delete given.decline;
    return { action: 'decline' };
  }
  const content: Record<string, unknown> = {};
  for (const name in properties) {
    const field = properties[name]!;
    let value: string | undefined = given[name];
    delete given[name];
    if (value === undefined && field.default === undefined && required?.includes(name)) {
      console.log(`FIELD: ${name} (${field.description})`);
      const line = await Promise.race([typed.next(), interrupted]);
      if (line.done) return { action: 'cancel' };
      value = line.value;
    }
    if (value === undefined && field.default === undefined) continue;
    if (value === undefined) content[name] = field.default;
    else if (field.type === 'string') content[name] = value;
    else content[name] = JSON.parse(value);
  }
  return { action: 'accept', content };
}

async function request(method: string, params: Record<string, unknown>): Promise<any> {
  const id = ++last;
  const own = { [`${prefix}protocolVersion`]: revision, [`${prefix}clientCapabilities`]: capabilities };
  const _meta = revision === '2026-07-28' ? { [`${prefix}logLevel`]: 'info', ...own } : {};
  const response = await post({ id, method, params: { ...params, _meta } }, stop.signal);
  session ??= response.headers.get('mcp-session-id') ?? undefined;
  if (!response.ok) throw new Error(`status ${response.status}`);
  let answer: Message | undefined;
  if (response.headers.get('content-type')!.startsWith('application/json')) answer = (await response.json()) as Message;
  else {
    running = id;
    const { read } = eventReader(({ data }) => {
      if (!data) return;
      const message = JSON.parse(data) as Message;
      if (message.method === 'elicitation/create') {
        answerOf(message.params)
          .then((result) => post({ id: message.id, result }))
          .catch(() => {});
      } else if (message.method) {
        const { level, data: said } = message.params;
        console.log(`NOTIFICATION: ${level} ${typeof said === 'string' ? said : JSON.stringify(said)}`);
      } else if (message.id === id) answer = message;
    });
    const decoder = new TextDecoder();
    for await (const piece of response.body!) {
      read(decoder.decode(piece as Uint8Array, { stream: true }));
      if (answer) break;
    }
  }
  running = undefined;
  if (answer?.error) throw new Error(answer.error.message);
  return answer!.result;
}

async function main(): Promise<void> {
  try {
    await request('server/discover', {});
  } catch {
    stop.signal.throwIfAborted();
    revision = '';
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'fetch', version: '1.0.0' } };
    ({ protocolVersion: revision } = await request('initialize', params));
    await post({ method: 'notifications/initialized' });
  }
  const call = { name: 'process_files', arguments: { message: text } };
  let result = await request('tools/call', call);
  while (result.resultType === 'input_required') {
    const inputResponses: Record<string, object> = {};
    for (const [key, { params }] of Object.entries(result.inputRequests as Record<string, { params: Form }>)) {
      inputResponses[key] = await answerOf(params);
    }
    const { requestState } = result;
    result = await request('tools/call', { ...call, inputResponses, ...(requestState && { requestState }) });
  }
  const said = result.content.map((part: { text: string }) => part.text).join('\n');
  if (result.isError) process.exitCode = 8;
  if (result.isError) throw new Error(said);
  console.log(`RESULT: ${said}`);
}

try {
  await main();
} catch {
  console.error(stop.signal.aborted ? 'interrupted' : 'failed');
  process.exitCode ??= 1;
}
lines.close();
if (session && running !== undefined) {
  await post({ method: 'notifications/cancelled', params: { requestId: running } }).catch(() => {});
}
if (session) {
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': revision };
  await fetch(url, { method: 'DELETE', headers }).catch(() => {});
}
