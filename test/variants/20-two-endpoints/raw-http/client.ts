import { createParser } from 'eventsource-parser';

// The built-in fetch. A loop in the background reads the stream of an old server, and hands each response to whoever waits.
const [url = 'http://127.0.0.1:3000/mcp', message = 'hello'] = process.argv.slice(2);
const limit = Number(process.env.TIME_LIMIT ?? 60_000);

type Rpc = { id?: string | number; method?: string; params?: any; result?: any; error?: any };
const codes = new WeakMap<Error, number>();
function failed(code: number, text: string): Error {
  const error = new Error(text);
  codes.set(error, code);
  return error;
}

const headers: Record<string, string> = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
const leaving = new AbortController();
const waiting = new Map<unknown, PromiseWithResolvers>();
type PromiseWithResolvers = { resolve(message: Rpc): void; reject(error: Error): void };
let old: string | undefined;
let ids = 0;

async function send(to: string, body: object): Promise<Response> {
  const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(limit)]);
  const response = await fetch(to, { method: 'POST', headers, body: JSON.stringify(body), signal }).catch((error) => {
    throw error.name === 'TimeoutError' ? failed(6, 'no answer in time') : failed(2, 'no connection');
  });
  const session = response.headers.get('mcp-session-id');
  if (session) headers['mcp-session-id'] = session;
  return response;
}

async function refusalOf(response: Response): Promise<Error> {
  const text = await response.text();
  let why = '';
  try {
    why = JSON.parse(text).error.message ?? '';
  } catch {}
  return failed(3, `refused with status ${response.status} ${why}`);
}

async function post(body: object): Promise<Response> {
  const response = await send(old ?? url, body);
  if (!response.ok) throw await refusalOf(response);
  return response;
}

async function readEvents(response: Response, onEvent: (event: string, data: string) => void): Promise<void> {
  const parser = createParser({ onEvent: ({ event = 'message', data }) => data && onEvent(event, data) });
  const decoder = new TextDecoder();
  for await (const bytes of response.body as AsyncIterable<Uint8Array>)
    parser.feed(decoder.decode(bytes, { stream: true }));
}

async function take(message: Rpc): Promise<void> {
  if (message.method === undefined) {
    waiting.get(message.id)?.resolve(message);
  } else if (message.id !== undefined) {
    const answer = message.method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'unknown' } };
    await (await post({ jsonrpc: '2.0', id: message.id, ...answer })).body?.cancel();
  } else if (message.method === 'notifications/message') {
    const { level, data } = message.params;
    console.log(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);
  }
}

/** Opens the old stream; resolves when the endpoint has come. */
async function openOld(refusal: Error): Promise<void> {
  const response = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: leaving.signal });
  if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel();
    throw refusal;
  }
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(failed(6, 'no endpoint in time')), limit);
    const over = () => {
      clearTimeout(timer);
      for (const { reject } of waiting.values()) reject(failed(5, 'the stream is over'));
      reject(failed(5, 'the stream is over'));
    };
    readEvents(response, (event, data) => {
      if (event === 'message') return void take(JSON.parse(data));
      if (event !== 'endpoint') return;
      clearTimeout(timer);
      const address = new URL(data, url);
      if (address.origin !== new URL(url).origin) return reject(failed(1, 'the endpoint is on another origin'));
      old = address.href;
      console.error('the server speaks HTTP+SSE, revision 2024-11-05');
      resolve();
    }).then(over, over);
  });
}

async function request(method: string, params: object): Promise<any> {
  const id = `r${++ids}`;
  const body = { jsonrpc: '2.0', id, method, params };
  let timer: NodeJS.Timeout | undefined;
  const answered = new Promise<Rpc>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    timer = setTimeout(() => reject(failed(6, 'no response in time')), limit);
  });
  answered.catch(() => {});
  try {
    let response: Response;
    if (ids === 1) {
      response = await send(url, body);
      if ([400, 404, 405].includes(response.status)) {
        await openOld(await refusalOf(response));
        response = await post(body);
      } else if (!response.ok) throw await refusalOf(response);
    } else response = await post(body);
    if (old) await response.body?.cancel();
    else if (response.headers.get('content-type')?.startsWith('application/json'))
      void take((await response.json()) as Rpc);
    else
      void readEvents(response, (_event, data) => void take(JSON.parse(data))).then(
        () => waiting.get(id)?.reject(failed(5, 'no response')),
        () => waiting.get(id)?.reject(failed(5, 'broken off')),
      );
    const { result, error } = await answered;
    if (error) throw failed(7, `${error.code} ${error.message}`);
    if (ids === 1 && !old) console.error('the server speaks Streamable HTTP');
    return result;
  } finally {
    clearTimeout(timer);
  }
}

try {
  const { protocolVersion } = await request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'background', version: '1' },
  });
  headers['mcp-protocol-version'] = protocolVersion;
  await (await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).body?.cancel();
  const result = await request('tools/call', { name: 'process_files', arguments: { message } });
  console.log(`RESULT: ${result.content.map(({ text = '' }) => text).join('\n')}`);
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = codes.get(error as Error) ?? 1;
} finally {
  if (headers['mcp-session-id'])
    await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(2000) }).catch(() => {});
  leaving.abort();
}
