// A bridge of classes, one for each side, which cancels a request when the server has taken the cancellation.
import type { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { eventReader } from '#support/event-reader.ts';
import { isNotification, isRequest, isResponse } from '#support/json-rpc.ts';

class Lines {
  #rest = '';
  #decoder = new TextDecoder();
  *push(bytes: Buffer): Generator<string> {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    for (let end = this.#rest.indexOf('\n'); end >= 0; end = this.#rest.indexOf('\n')) {
      yield this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
    }
  }
}

class Host {
  #promised = new Set<unknown>();
  write(message: unknown): void {
    if (isResponse(message) && !this.#promised.delete(message.id)) return;
    console.log(JSON.stringify(message));
  }
  promise(id: unknown): void {
    this.#promised.add(id);
  }
  forget(id: unknown): void {
    this.#promised.delete(id);
  }
  fail(id: unknown, message: string): void {
    if (this.#promised.delete(id))
      console.log(JSON.stringify({ error: { message, code: -32000 }, id, jsonrpc: '2.0' }));
  }
}

class Server {
  #headers: Record<string, string> = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  };
  #closing = new AbortController();
  readonly url: string;
  readonly deliver: (message: unknown) => void;

  constructor(url: string, deliver: (message: unknown) => void) {
    this.url = url;
    this.deliver = deliver;
  }

  async post(message: object, onAnswer: (answer: unknown) => void = () => {}): Promise<void> {
    const response = await fetch(this.url, { method: 'POST', headers: this.#headers, body: JSON.stringify(message) });
    const id = response.headers.get('mcp-session-id');
    if (id !== null) this.#headers['mcp-session-id'] = id;
    if (!response.ok) throw new Error(`status ${response.status}: ${(await response.text()).slice(0, 200)}`);
    if (response.status === 202) (response.body as Readable).resume();
    else {
      await this.#read(response, (each) => {
        onAnswer(each);
        this.deliver(each);
      });
    }
  }

  agree(revision: string): void {
    this.#headers['mcp-protocol-version'] = revision;
  }

  async listen(): Promise<void> {
    const headers = { ...this.#headers, accept: 'text/event-stream' };
    const response = await fetch(this.url, { headers, signal: this.#closing.signal });
    if (response.ok) await this.#read(response, this.deliver);
    else (response.body as Readable).resume();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (!('mcp-session-id' in this.#headers)) return;
    const response = await fetch(this.url, { method: 'DELETE', headers: this.#headers });
    (response.body as Readable).resume();
  }

  async #read(response: Response, got: (message: unknown) => void): Promise<void> {
    if (!/^text\/event-stream/i.test(response.headers.get('content-type') ?? '')) return got(await response.json());
    const decoder = new TextDecoder();
    const { read } = eventReader(({ data }) => data && got(JSON.parse(data)));
    for await (const piece of response.body!) read(decoder.decode(piece as Buffer, { stream: true }));
  }
}

class Bridge {
  #host = new Host();
  #server = new Server(process.argv[2]!, (message) => this.#host.write(message));
  #running: Promise<void>[] = [];

  async run(): Promise<void> {
    const lines = new Lines();
    for await (const bytes of process.stdin) for (const line of lines.push(bytes as Buffer)) await this.#take(line);
    await Promise.all(this.#running);
    await this.#server.close().catch(() => {});
  }

  async #take(line: string): Promise<void> {
    const message: unknown = JSON.parse(line);
    if (isRequest(message)) {
      this.#host.promise(message.id);
      const posted = this.#server
        .post(message, (answer) => {
          if (message.method !== 'initialize' || !isResponse(answer) || !('result' in answer)) return;
          this.#server.agree((answer.result as { protocolVersion: string }).protocolVersion);
        })
        .then(
          () => this.#host.fail(message.id, 'The server has not answered.'),
          (error: Error) => this.#host.fail(message.id, error.message),
        );
      this.#running.push(posted);
      if (message.method === 'initialize') await posted;
    } else if (isNotification(message) || isResponse(message)) {
      await this.#server.post(message).catch(() => {});
      if (!isNotification(message)) return;
      if (message.method === 'notifications/cancelled') this.#host.forget(message.params!.requestId);
      if (message.method === 'notifications/initialized') this.#server.listen().catch(() => {});
    }
  }
}

await new Bridge().run();
