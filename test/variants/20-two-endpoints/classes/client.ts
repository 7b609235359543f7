import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';

// Two transports with the same three methods. The old one keeps the messages that have come in a queue.
const [url = 'http://127.0.0.1:3000/mcp', message = 'hello'] = process.argv.slice(2);
const limit = Number(process.env.TIME_LIMIT ?? 60_000);

class Problem extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message.replaceAll(/\s+/g, ' '));
    this.code = code;
  }
}

type Rpc = { jsonrpc: '2.0'; id?: string | number; method?: string; params?: any; result?: any; error?: any };
interface Transport {
  readonly name: string;
  /** Sends a message; yields what comes until the response. */
  exchange(message: Rpc): AsyncGenerator<Rpc>;
  tell(message: Rpc): Promise<void>;
  close(): Promise<void>;
}

const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

async function post(to: string, body: Rpc): Promise<Response> {
  const signal = AbortSignal.timeout(limit);
  try {
    return await fetch(to, { method: 'POST', headers, body: JSON.stringify(body), signal });
  } catch (error) {
    throw new Problem((error as Error).name === 'AbortError' ? 6 : 2, (error as Error).message);
  }
}

const close = (response: Response) => void (response.body as any)?.destroy();

async function refusal(response: Response): Promise<Problem> {
  const body: any = await response.json().catch(() => null);
  return new Problem(3, `status ${response.status} ${body?.error?.message ?? ''}`);
}

async function* events(response: Response): AsyncGenerator<{ type: string; data: string }> {
  const found: { type: string; data: string }[] = [];
  const { read } = eventReader((event) => found.push(event));
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body!) {
      read(decoder.decode(bytes as Buffer, { stream: true }));
      while (found.length > 0) yield found.shift()!;
    }
  } catch (error) {
    throw new Problem((error as Error).name === 'AbortError' ? 6 : 5, (error as Error).message);
  }
}

class NewTransport implements Transport {
  readonly name = 'Streamable HTTP';
  #first: Response | undefined;
  constructor(first: Response) {
    this.#first = first;
    const session = first.headers.get('MCP-Session-Id');
    if (session) headers['MCP-Session-Id'] = session;
  }
  async *exchange(message: Rpc): AsyncGenerator<Rpc> {
    const response = this.#first ?? (await post(url, message));
    this.#first = undefined;
    if (!response.ok) throw await refusal(response);
    if (/^application\/json/i.test(response.headers.get('Content-Type') ?? '')) yield (await response.json()) as Rpc;
    else for await (const { type, data } of events(response)) if (type === 'message' && data) yield JSON.parse(data);
  }
  async tell(message: Rpc): Promise<void> {
    const response = await post(url, message);
    if (!response.ok) throw await refusal(response);
    close(response);
  }
  async close(): Promise<void> {
    if (!headers['MCP-Session-Id']) return;
    await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(2000) }).catch(() => {});
  }
}

class OldTransport implements Transport {
  readonly name = 'HTTP+SSE';
  readonly #stream: Response;
  readonly #events: AsyncGenerator<{ type: string; data: string }>;
  #endpoint = '';
  constructor(stream: Response) {
    this.#stream = stream;
    this.#events = events(stream);
  }
  static async open(why: Problem): Promise<OldTransport> {
    const signal = AbortSignal.timeout(limit);
    const stream = await fetch(url, { headers: { Accept: 'text/event-stream' }, signal }).catch((error) => {
      throw new Problem(error.name === 'AbortError' ? 6 : 2, error.message);
    });
    const transport = new OldTransport(stream);
    try {
      const type = stream.headers.get('Content-Type') ?? '';
      if (stream.status !== 200 || !/^text\/event-stream/i.test(type)) throw why;
      const { value } = await transport.#events.next();
      if (value?.type !== 'endpoint') throw why;
      const address = new URL(value.data, url);
      const own = new URL(url);
      if (address.protocol !== own.protocol || address.host !== own.host) throw new Problem(1, 'a foreign endpoint');
      transport.#endpoint = address.toString();
      return transport;
    } catch (error) {
      await transport.close();
      throw error;
    }
  }
  async *exchange(message: Rpc): AsyncGenerator<Rpc> {
    await this.tell(message);
    for (;;) {
      const { value, done } = await this.#events.next();
      if (done) return;
      if (value.type === 'message' && value.data) yield JSON.parse(value.data);
    }
  }
  async tell(message: Rpc): Promise<void> {
    const response = await post(this.#endpoint, message);
    if (!response.ok) throw await refusal(response);
    close(response);
  }
  async close(): Promise<void> {
    close(this.#stream);
  }
}

class Client {
  #transport: Transport | undefined;
  #id = 0;

  async begin(): Promise<void> {
    const initialize: Rpc = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'classes', version: '1' } },
    };
    const first = await post(url, initialize);
    this.#transport = [400, 404, 405].includes(first.status)
      ? await OldTransport.open(await refusal(first))
      : new NewTransport(first);
    const { protocolVersion } = await this.#ask(initialize);
    console.error(`connected: ${this.#transport.name}`);
    headers['MCP-Protocol-Version'] = protocolVersion;
    await this.#transport.tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }
  call(name: string, args: object): Promise<any> {
    return this.#ask({ jsonrpc: '2.0', id: ++this.#id, method: 'tools/call', params: { name, arguments: args } });
  }
  async #ask(request: Rpc): Promise<any> {
    for await (const message of this.#transport!.exchange(request)) {
      if (message.method === undefined && message.id === request.id) {
        if (message.error) throw new Problem(7, `${message.error.code} ${message.error.message}`);
        return message.result;
      }
      await this.#handle(message);
    }
    throw new Problem(5, 'no response');
  }
  async #handle({ id, method, params }: Rpc): Promise<void> {
    if (id !== undefined) return this.#transport!.tell({ jsonrpc: '2.0', id, result: {} });
    console.log(`NOTIFICATION: ${method === 'notifications/message' ? `${params.level} ${params.data}` : method}`);
  }
  async end(): Promise<void> {
    await this.#transport?.close();
  }
}

const client = new Client();
try {
  await client.begin();
  const { content } = await client.call('process_files', { message });
  console.log(`RESULT: ${content[0].text}`);
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = error instanceof Problem ? error.code : 1;
} finally {
  await client.end();
}
