// The fetch of Node.js, a parser of event streams that others wrote, and lines that are split by hand.
import { EventSourceParserStream } from 'eventsource-parser/stream';

const [url, name] = process.argv.slice(2) as [string, string];
const session: Record<string, string> = {};
const quit = new AbortController();
let ids = 0;

const send = (method: string, body?: object, accept = 'application/json, text/event-stream', signal = quit.signal) =>
  fetch(url, {
    method,
    headers: { accept, ...(body && { 'content-type': 'application/json' }), ...session },
    ...(body && { body: JSON.stringify(body) }),
    signal,
  });

async function* events(response: Response) {
  const stream = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { data } of stream as unknown as AsyncIterable<{ data: string }>) if (data) yield JSON.parse(data);
}

async function ask(method: string, params: object): Promise<any> {
  const id = `request-${++ids}`;
  const response = await send('POST', { jsonrpc: '2.0', id, method, params });
  if (!response.ok) throw new Error(`${method}: ${response.status}`);
  const mcp = response.headers.get('mcp-session-id');
  if (mcp) session['mcp-session-id'] = mcp;
  const isJson = response.headers.get('content-type')?.includes('json');
  for await (const message of isJson ? [await response.json()] : events(response)) {
    if (message.id !== id) continue;
    if (message.error) throw new Error(message.error.message);
    if (message.result.isError) throw new Error(message.result.content.map(({ text }: any) => text).join());
    return message.result;
  }
  throw new Error(`${method}: no answer`);
}

const safe = (line: string) => line.replace(/[\u0000-\u001f\u007f-\u009f]/g, (each) => `<${each.charCodeAt(0)}>`);

async function hear(): Promise<void> {
  const response = await send('GET', undefined, 'text/event-stream');
  if (response.status !== 200) throw new Error('no stream');
  for await (const { method, params } of events(response)) {
    if (method !== 'notifications/message' || params?.logger !== 'chat') continue;
    const { from, text, joined, left } = params.data;
    const line = joined ? `* ${joined} has joined` : left ? `* ${left} has left` : `${from}: ${text}`;
    process.stdout.write(`${safe(line)}\n`);
  }
  throw new Error('the stream is over');
}

async function speak(): Promise<void> {
  await ask('tools/call', { name: 'join', arguments: { name } });
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of process.stdin) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    for (const text of lines.filter(Boolean)) await ask('tools/call', { name: 'say', arguments: { text } });
  }
  if (rest) await ask('tools/call', { name: 'say', arguments: { text: rest } });
}

const interrupted = new Promise<never>((_resolve, reject) =>
  process.on('SIGINT', () => reject(Object.assign(new Error('Ctrl+C'), { code: 130 }))),
);

let code = 0;
try {
  const begin = async () => {
    const clientInfo = { name: 'native', version: '1' };
    const { protocolVersion } = await ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo,
    });
    session['mcp-protocol-version'] = protocolVersion;
    await send('POST', { jsonrpc: '2.0', method: 'notifications/initialized' });
    await Promise.race([hear(), speak()]);
  };
  await Promise.race([interrupted, begin()]);
} catch (error) {
  const { message, code: own } = error as Error & { code?: number };
  console.error(safe(message));
  code = typeof own === 'number' && own === 130 ? 130 : 1;
}
if (session['mcp-session-id']) await send('DELETE', undefined, '*/*', AbortSignal.timeout(1500)).catch(() => {});
process.exit(code);
