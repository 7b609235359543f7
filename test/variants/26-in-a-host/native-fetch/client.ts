// A bridge with the fetch of Node.js: a queue of lines, one AbortController for each request, events split by hand.
type Message = {
  jsonrpc: '2.0';
  id?: string | number | null;
  method?: string;
  params?: any;
  result?: any;
  error?: any;
};

const [url = 'http://127.0.0.1:3000/mcp'] = process.argv.slice(2);
let session: string | null = null;
let revision: string | undefined;
const pending = new Map<string | number, AbortController>();
const all: Promise<unknown>[] = [];
const goodbye = new AbortController();

function headers(accept: string): Headers {
  const headers = new Headers({ accept, 'content-type': 'application/json' });
  if (session !== null) headers.set('mcp-session-id', session);
  if (revision !== undefined) headers.set('mcp-protocol-version', revision);
  return headers;
}

const write = (message: object) => void process.stdout.write(JSON.stringify(message) + '\n');

function fromServer(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Message;
    return typeof message === 'object' && message?.jsonrpc === '2.0' ? message : undefined;
  } catch {
    return undefined;
  }
}

async function* texts(response: Response): AsyncGenerator<string> {
  const type = response.headers.get('content-type') ?? '';
  if (/^application\/json/i.test(type)) {
    yield await response.text();
    return;
  }
  let buffer = '';
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    buffer += piece;
    const events = buffer.split(/\r?\n\r?\n/);
    buffer = events.pop()!;
    for (const event of events) {
      const data = event
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).replace(/^ /, ''))
        .join('\n');
      if (data !== '') yield data;
    }
  }
}

async function read(response: Response, asked?: Message): Promise<void> {
  for await (const text of texts(response)) {
    const message = fromServer(text);
    if (!message) continue;
    const isResponse = message.method === undefined && message.id !== undefined && message.id !== null;
    if (isResponse) {
      if (asked?.method === 'initialize' && message.result) revision = message.result.protocolVersion;
      if (!pending.delete(message.id!)) continue;
    }
    write(message);
  }
}

async function exchange(message: Message): Promise<void> {
  const isRequest = message.method !== undefined && message.id !== undefined;
  const abort = new AbortController();
  if (isRequest) pending.set(message.id!, abort);
  let why = 'no response';
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: headers('application/json, text/event-stream'),
      body: JSON.stringify(message),
      signal: abort.signal,
    });
    session = response.headers.get('mcp-session-id') ?? session;
    if (!response.ok) {
      why = `HTTP status ${response.status}`;
      await response.body?.cancel();
    } else if (isRequest) await read(response, message);
    else await response.body?.cancel();
  } catch (error) {
    why = String((error as Error).cause ?? error);
  }
  if (isRequest && pending.delete(message.id!)) {
    write({ jsonrpc: '2.0', id: message.id, error: { code: -32603, message: why, data: { url } } });
  }
}

async function listen(): Promise<void> {
  const signal = goodbye.signal;
  const response = await fetch(url, { headers: headers('text/event-stream'), signal }).catch(() => undefined);
  if (response?.status === 200) await read(response).catch(() => {});
  else await response?.body?.cancel();
}

async function take(line: string): Promise<void> {
  if (line.trim() === '') return;
  const message = JSON.parse(line) as Message;
  const doing = exchange(message);
  all.push(doing);
  if (message.method === 'notifications/cancelled') {
    // The HTTP request ends as well: the response is no longer of interest.
    await doing;
    const abort = pending.get(message.params.requestId);
    pending.delete(message.params.requestId);
    abort?.abort();
  }
  if (message.method === undefined || message.id === undefined || message.method === 'initialize') await doing;
  if (message.method === 'notifications/initialized') void listen();
}

let rest = '';
process.stdin.setEncoding('utf8');
for await (const piece of process.stdin) {
  const lines = (rest + String(piece)).split('\n');
  rest = lines.pop()!;
  for (const line of lines) await take(line);
}
await Promise.allSettled(all);
goodbye.abort();
if (session !== null) {
  const signal = AbortSignal.timeout(1000);
  await fetch(url, { method: 'DELETE', headers: headers('application/json'), signal }).catch(() => {});
}
process.exit(0);
