// As a client with many calls would have it: who waits for which id stands in a map, and one dispatcher serves them all.
import fetch, { type Response } from 'node-fetch';

type Message = Record<string, any>;
type Pending = { resolve(result: any): void; reject(error: Error): void };

class Failure extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

class Client {
  private readonly pending = new Map<number, Pending>();
  private last = 41;
  private readonly headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  readonly url: string;
  readonly limit: number;

  constructor(url: string, limit: number) {
    this.url = url;
    this.limit = limit;
  }

  async connect(): Promise<void> {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'pending', version: '1' } };
    const { protocolVersion } = await this.request('initialize', params);
    if (!['2025-11-25', '2025-06-18'].includes(protocolVersion))
      throw new Failure(1, `the server speaks ${protocolVersion}`);
    this.headers['mcp-protocol-version'] = protocolVersion;
    await this.send({ method: 'notifications/initialized' });
  }

  request(method: string, params: object): Promise<any> {
    const id = ++this.last;
    const controller = new AbortController();
    return new Promise<any>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      const timer = setTimeout(() => {
        reject(new Failure(6, `nothing within ${this.limit} ms`));
        controller.abort();
        if (method !== 'initialize')
          this.send({ method: 'notifications/cancelled', params: { requestId: id } }).catch(() => {});
      }, this.limit);
      this.send({ id, method, params }, controller.signal)
        .then((response) => this.read(response))
        .then(() => reject(new Failure(5, 'the answer was not among what came')))
        .catch(reject)
        .finally(() => clearTimeout(timer));
    }).finally(() => this.pending.delete(id));
  }

  async send(message: object, signal: AbortSignal | null = null): Promise<Response> {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const response = await fetch(this.url, { method: 'POST', headers: this.headers, body, signal }).catch((error) => {
      throw new Failure(2, error.message);
    });
    const session = response.headers.get('mcp-session-id');
    if (session !== null) this.headers['mcp-session-id'] = session;
    if (response.status >= 300) throw new Failure(3, `status ${response.status}`);
    return response;
  }

  private async read(response: Response): Promise<void> {
    if (!/event-stream/.test(response.headers.get('content-type') ?? '')) {
      const text = await response.text();
      let message: unknown;
      try {
        message = JSON.parse(text);
      } catch {
        throw new Failure(4, `not JSON: ${text.slice(0, 20)}`);
      }
      return this.dispatch(message);
    }
    const decoder = new TextDecoder();
    let data: string[] = [];
    let type = '';
    let line = '';
    try {
      for await (const chunk of response.body!) {
        for (const character of decoder.decode(chunk as Buffer, { stream: true })) {
          if (character === '\r') continue; // JSON has none outside of its escapes
          if (character !== '\n') {
            line += character;
            continue;
          }
          if (line.startsWith('data:')) data.push(line.slice(5));
          else if (line.startsWith('event:')) type = line.slice(6).trim();
          else if (line === '') {
            const text = data.join('\n').trim();
            if (text && (type === '' || type === 'message')) this.event(text);
            data = [];
            type = '';
          }
          line = '';
        }
      }
    } catch (error) {
      throw new Failure(5, (error as Error).message);
    }
  }

  private event(text: string): void {
    try {
      this.dispatch(JSON.parse(text));
    } catch (error) {
      console.error((error as Error).message);
    }
  }

  private dispatch(message: unknown): void {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) throw new Error('not a message');
    const { id, method, params, result, error } = message as Message;
    switch (true) {
      case method !== undefined && id !== undefined:
        void this.send(method === 'ping' ? { id, result: {} } : { id, error: { code: -32601, message: 'unknown' } });
        break;
      case method === 'notifications/message':
        console.log(
          'NOTIFICATION: %s %s',
          params.level,
          typeof params.data === 'string' ? params.data : JSON.stringify(params.data),
        );
        break;
      case method !== undefined:
        console.log('NOTIFICATION:', ...(params === undefined ? [method] : [method, JSON.stringify(params)]));
        break;
      case !this.pending.has(id):
        throw new Error(`nobody waits for ${JSON.stringify(message)}`);
      case error !== undefined:
        this.pending.get(id)!.reject(new Failure(7, `${error.code} ${error.message}`));
        break;
      default:
        this.pending.get(id)!.resolve(result);
    }
  }

  async close(): Promise<void> {
    if ('mcp-session-id' in this.headers) await fetch(this.url, { method: 'DELETE', headers: this.headers });
  }
}

const client = new Client(process.argv[2]!, Number(process.env.TIME_LIMIT ?? 60_000));
try {
  await client.connect();
  const { content, isError } = await client.request('tools/call', {
    name: 'process_files',
    arguments: { message: process.argv[3] },
  });
  const text = content.flatMap((block: Message) => (block.type === 'text' ? block.text : [])).join('\n');
  if (isError) throw new Failure(8, text);
  process.stdout.write(`RESULT: ${text}\n`);
  await client.close();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = (error as Failure).code;
}
