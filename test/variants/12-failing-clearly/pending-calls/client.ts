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
    await this.tell({ method: 'notifications/initialized' });
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
          this.tell({ method: 'notifications/cancelled', params: { requestId: id } }).catch(() => {});
      }, this.limit);
      this.send({ id, method, params }, controller.signal)
        .then((response) => this.read(response))
        .then(() => reject(new Failure(5, 'the answer was not among what came')))
        .catch(reject)
        .finally(() => clearTimeout(timer));
    }).finally(() => this.pending.delete(id));
  }

  async tell(message: object): Promise<void> {
    const leave = new AbortController();
    await this.send(message, leave.signal);
    leave.abort(); // whatever its body may hold
  }

  async send(message: object, signal: AbortSignal | null = null): Promise<Response> {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const response = await fetch(this.url, { method: 'POST', headers: this.headers, body, signal }).catch((error) => {
      throw new Failure(2, error.message);
    });
    const session = response.headers.get('mcp-session-id');
    if (session !== null) this.headers['mcp-session-id'] = session;
    if (response.status >= 300) {
      const text = await response.text().catch(() => '');
      const [, why = ''] = /"message":"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
      throw new Failure(3, `status ${response.status}: ${why.replaceAll('\\"', '"')}`);
    }
    return response;
  }

  private async read(response: Response): Promise<void> {
    const kind = response.headers.get('content-type') ?? 'no type';
    if (!/^(application\/json|text\/event-stream)\s*(;|$)/i.test(kind)) throw new Failure(4, `an answer of ${kind}`);
    if (/^application/i.test(kind)) {
      const text = await response.text().catch((error: Error) => {
        throw new Failure(5, error.message);
      });
      let message: unknown;
      try {
        message = JSON.parse(text);
      } catch {
        throw new Failure(5, `not JSON: ${text.slice(0, 20)}`);
      }
      return this.dispatch(message);
    }
    const decoder = new TextDecoder();
    let data: string[] = [];
    let type = '';
    let line = '';
    let returned = false;
    try {
      for await (const chunk of response.body!) {
        for (const character of decoder.decode(chunk as Buffer, { stream: true })) {
          const second = character === '\n' && returned;
          returned = character === '\r';
          if (second) continue;
          if (character !== '\n' && character !== '\r') {
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
      case method !== undefined && typeof method !== 'string':
        throw new Error('not a message');
      case method !== undefined && id !== undefined:
        this.tell(method === 'ping' ? { id, result: {} } : { id, error: { code: -32601, message: 'unknown' } }).catch(
          (error: Error) => [...this.pending.values()].at(-1)?.reject(error),
        );
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
    if (!('mcp-session-id' in this.headers)) return;
    const signal = AbortSignal.timeout(Math.min(1500, this.limit));
    await fetch(this.url, { method: 'DELETE', headers: this.headers, signal }).catch(() => {});
  }
}

const client = new Client(process.argv[2]!, Number(process.env.TIME_LIMIT ?? 60_000));
try {
  await client.connect();
  const { content, isError } = await client.request('tools/call', {
    name: 'process_files',
    arguments: { message: process.argv[3] },
  });
  const text = ((content ?? []) as Message[])
    .flatMap((block: Message) => (block.type === 'text' ? block.text : []))
    .join('\n');
  if (isError) throw new Failure(8, text.replaceAll('\n', '; '));
  process.stdout.write(`RESULT: ${text}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = (error as Failure).code ?? 1;
} finally {
  await client.close();
}
