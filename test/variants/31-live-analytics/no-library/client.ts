// No library: the fetch of Node, and a reader of its own for event streams. It ends no session.
const [url = 'http://127.0.0.1:3000/mcp', ...numbers] = process.argv.slice(2);

class Problem extends Error {}

const headers: Record<string, string> = {
  'content-type': 'application/json',
  accept: 'text/event-stream, application/json',
};

async function post(message: object, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  const response = await fetch(url, { method: 'POST', headers, body, ...(signal && { signal }) });
  const session = response.headers.get('mcp-session-id');
  if (session) headers['mcp-session-id'] = session;
  if (!response.ok) throw new Problem(`status ${response.status}`);
  return response;
}

async function request(id: string, method: string, params: object, onMessage = (_: any) => {}, signal?: AbortSignal) {
  const response = await post({ id, method, params }, signal);
  if (response.headers.get('content-type')?.startsWith('application/json')) return resultOf(await response.json());
  let rest = '';
  const pieces = response.body!.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>;
  for await (const piece of pieces) {
    const events = (rest + piece).split(/\n\n|\r\n\r\n/);
    rest = events.pop()!;
    for (const event of events) {
      const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5)] : []));
      if (data.join('').trim() === '') continue;
      const message = JSON.parse(data.join('\n'));
      if (message.id === id) return resultOf(message);
      onMessage(message);
    }
  }
  throw new Problem('the answer has no response');
}

function resultOf({ error, result }: any): any {
  if (error) throw new Problem(error.message);
  if (result.isError) throw new Problem(result.content[0].text);
  return result;
}

const text = ({ lines, malformed, statuses, slowest }: any): string =>
  [
    `${lines} lines`,
    ...Object.keys(statuses).map((status) => `${status}: ${statuses[status]}`),
    `malformed: ${malformed}`,
    slowest && `slowest: ${slowest.path} ${slowest.ms} ms`,
  ]
    .filter(Boolean)
    .join(', ');

let last: any;
const total = (counts: any) =>
  process.stdout.write(`${process.stdout.isTTY ? '\x1b[2K\r' : ''}TOTAL: ${text(counts)}\n`);

function onMessage({ method, params }: any): void {
  if (method !== 'notifications/message') return;
  last = params.data;
  const row = `LIVE: ${text(last)}`;
  process.stdout.write(process.stdout.isTTY ? `\x1b[G\x1b[2K${row.substring(0, process.stdout.columns)}` : `${row}\n`);
}

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

try {
  const clientInfo = { name: 'fetch', version: '1' };
  const hello = await request('a', 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  headers['mcp-protocol-version'] = hello.protocolVersion;
  await post({ method: 'notifications/initialized' });
  const [every = 10, lines] = numbers.map(Number);
  const params = { name: 'watch_log', arguments: lines ? { every, lines } : { every } };
  total((await request('b', 'tools/call', params, onMessage, controller.signal)).structuredContent);
} catch (error) {
  if (controller.signal.aborted) {
    await post({ method: 'notifications/cancelled', params: { requestId: 'b' } });
    if (last) total(last);
    console.error('stopped');
    process.exitCode = 130;
  } else {
    console.error(`failed: ${(error as Error).message.split('\n').join(' / ')}`);
    process.exitCode = 1;
  }
}
