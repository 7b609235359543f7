// Both revisions with the fetch of Node.
import { eventReader } from '#support/event-reader.ts';

const [url = 'http://127.0.0.1:3000/mcp', text = 'hello'] = process.argv.slice(2);
const ms = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const prefix = 'io.modelcontextprotocol/';

class Exit extends Error {
  code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Message = { id?: unknown; method?: string; params?: any; result?: any; error?: { message: string } };

let revision = '2026-07-28';
let session: string | undefined;
let last = 0;
let running: number | undefined;
let idle: NodeJS.Timeout | undefined;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Exit(130, 'interrupted')));

const headers = (): Record<string, string> => ({
  'content-type': 'application/json',
  accept: 'text/event-stream, application/json',
  ...(revision && { 'mcp-protocol-version': revision }),
  ...(session && { 'mcp-session-id': session }),
});

function post(message: Message, signal: AbortSignal): Promise<Response> {
  const modern = revision === '2026-07-28';
  const routing: Record<string, string> = modern && message.method ? { 'mcp-method': message.method } : {};
  if (modern && message.params?.name) routing['mcp-name'] = message.params.name;
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return fetch(url, { method: 'POST', headers: { ...headers(), ...routing }, body, signal }).catch((error: Error) => {
    throw signal.aborted ? signal.reason : new Exit(2, error.message);
  });
}

async function request(method: string, params: object): Promise<any> {
  const id = ++last;
  const meta = { ...(params as Message['params'])._meta };
  if (revision === '2026-07-28') {
    meta[`${prefix}protocolVersion`] = revision;
    meta[`${prefix}clientCapabilities`] = {};
  }
  const response = await post({ id, method, params: { ...params, _meta: meta } }, stop.signal);
  session ??= response.headers.get('mcp-session-id') ?? undefined;
  if (!response.ok) throw new Exit(3, `status ${response.status}`);
  const messages: Message[] = [];
  if (response.headers.get('content-type')!.startsWith('application/json'))
    messages.push((await response.json()) as Message);
  else {
    running = id;
    const { read } = eventReader(({ data }) => {
      if (data) messages.push(JSON.parse(data));
    });
    const decoder = new TextDecoder();
    try {
      for await (const piece of response.body!) {
        read(decoder.decode(piece as Uint8Array, { stream: true }));
        for (const message of messages.splice(0)) {
          if (message.id === id && !message.method) messages.push(message);
          else show(message);
        }
        if (messages.length > 0) break;
      }
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error;
    }
  }
  running = undefined;
  const [answer] = messages;
  if (answer?.error) throw new Exit(7, answer.error.message);
  return answer!.result;
}

function show({ method, params }: Message): void {
  if (method === 'notifications/progress') {
    idle?.refresh();
    const { progress, total, message } = params;
    const numbers = `PROGRESS: ${progress}${total === undefined ? '' : `/${total}`}`;
    console.log(message ? `${numbers} ${message}` : numbers);
  } else if (method === 'notifications/message') {
    const { level, data } = params;
    console.log(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);
  } else console.log(`NOTIFICATION: ${method}${params ? ` ${JSON.stringify(params)}` : ''}`);
}

async function main(): Promise<void> {
  try {
    await request('server/discover', {});
  } catch (error) {
    if ((error as Exit).code === 2 || stop.signal.aborted) throw error;
    revision = '';
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fetch', version: '1.0.0' } };
    ({ protocolVersion: revision } = await request('initialize', params));
    await post({ method: 'notifications/initialized' }, stop.signal);
  }
  const limits = [
    (idle = setTimeout(() => stop.abort(new Exit(6, 'no report')), ms('IDLE_LIMIT', 10_000))),
    setTimeout(() => stop.abort(new Exit(6, 'no result')), ms('TIME_LIMIT', 60_000)),
  ];
  try {
    const _meta = { progressToken: `t${last}`, [`${prefix}logLevel`]: 'info' };
    const result = await request('tools/call', { name: 'process_files', arguments: { message: text }, _meta });
    const said = result.content.map((part: { text: string }) => part.text).join('\n');
    if (result.isError) throw new Exit(8, said);
    console.log(`RESULT: ${said}`);
  } finally {
    limits.forEach(clearTimeout);
  }
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message.split('\n')[0]);
  process.exitCode = error instanceof Exit ? error.code : 1;
}
const soon = () => AbortSignal.timeout(ms('FAREWELL_LIMIT', 2000));
if (session && running !== undefined) {
  await post({ method: 'notifications/cancelled', params: { requestId: running } }, soon()).catch(() => {});
}
if (session) await fetch(url, { method: 'DELETE', headers: headers(), signal: soon() }).catch(() => {});
