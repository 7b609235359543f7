// No library: the fetch of Node, and a reader of its own for event streams. It ends no session and prints the failed ones first.
const [url = 'http://127.0.0.1:3000/mcp', ...documents] = process.argv.slice(2);

class Problem extends Error {}

class Server {
  private headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'text/event-stream, application/json',
  };

  async post(message: object, signal?: AbortSignal): Promise<Response> {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const response = await fetch(url, { method: 'POST', headers: this.headers, body, ...(signal && { signal }) });
    const session = response.headers.get('mcp-session-id');
    if (session) this.headers['mcp-session-id'] = session;
    if (!response.ok) throw new Problem(`status ${response.status}`);
    return response;
  }

  async request(
    id: string,
    method: string,
    params: object,
    onNotification = (_message: any) => {},
    signal?: AbortSignal,
  ) {
    const response = await this.post({ id, method, params }, signal);
    if (response.headers.get('content-type')?.startsWith('application/json')) return resultOf(await response.json());
    let rest = '';
    for await (const piece of response.body!.pipeThrough(
      new TextDecoderStream() as never,
    ) as unknown as AsyncIterable<string>) {
      const events = (rest + piece).split(/\n\n|\r\n\r\n/);
      rest = events.pop()!;
      for (const event of events) {
        const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5)] : []));
        if (data.join('').trim() === '') continue;
        const message = JSON.parse(data.join('\n'));
        if (message.id === id) return resultOf(message);
        onNotification(message);
      }
    }
    throw new Problem('the answer has no response');
  }

  agree(revision: string) {
    this.headers['mcp-protocol-version'] = revision;
  }
}

function resultOf({ error, result }: any): any {
  if (error) throw new Problem(error.message);
  return result;
}

const server = new Server();
const controller = new AbortController();
process.once('SIGINT', () => controller.abort());
let bar = false;

function print(line: string): void {
  if (bar) process.stdout.write('\r\x1b[K');
  bar = false;
  console.log(line);
}

function onNotification({ method, params }: any): void {
  if (method === 'notifications/message') print(`NOTIFICATION: ${params.level} ${params.data}`);
  if (method !== 'notifications/progress' || params.progressToken !== 'the list') return;
  const text = `${params.progress}/${params.total} ${params.message}`;
  if (!process.stdout.isTTY) return print(`PROGRESS: ${text}`);
  process.stdout.write(
    `\r\x1b[K${`[${'#'.repeat(params.progress)}] ${text}`.substring(0, process.stdout.columns - 2)}`,
  );
  bar = true;
}

async function main(): Promise<number> {
  const clientInfo = { name: 'fetch', version: '1' };
  const hello = await server.request('a', 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo,
  });
  server.agree(hello.protocolVersion);
  await server.post({ method: 'notifications/initialized' });
  const params = { name: 'process_documents', arguments: { documents }, _meta: { progressToken: 'the list' } };
  const result = await server
    .request('b', 'tools/call', params, onNotification, controller.signal)
    .catch(async (error) => {
      if (!controller.signal.aborted) throw error;
      await server.post({ method: 'notifications/cancelled', params: { requestId: 'b' } });
      return undefined;
    });
  if (!result) {
    console.error('stopped');
    return 130;
  }
  if (result.isError) throw new Problem(result.content[0].text);
  const { documents: done, failed } = result.structuredContent;
  for (const { name, reason } of failed) print(`${name}\tnot processed: ${reason}`);
  for (const { name, words, longestSentence } of done) print(`${name}\t${words}\t${longestSentence.slice(0, 40)}`);
  return failed.length > 0 ? 8 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (bar) process.stdout.write('\r\x1b[K');
  console.error(`failed: ${(error as Error).message}`);
  process.exitCode = 1;
}
