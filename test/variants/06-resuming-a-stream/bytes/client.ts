// Raw bytes, split at line breaks before decoding; classes.
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

class Failed extends Error {}

class Report {
  #silent = false;
  #id = Buffer.alloc(0);
  #retry = 3000;
  readonly #controller = new AbortController();
  readonly url: URL;
  readonly limit: number;

  constructor(url: URL, limit: number) {
    this.url = url;
    this.limit = limit;
    process.on('SIGINT', () => {
      this.#controller.abort(new Failed('Ctrl+C'));
      process.exitCode = 130;
    });
  }

  async run(): Promise<void> {
    for (;;) {
      const over = await this.#once();
      if (over) return;
      if (this.#id.length === 0) throw new Failed('no done');
      await delay(this.#retry, null, { signal: this.#controller.signal }).catch(() => {
        throw this.#controller.signal.reason;
      });
    }
  }

  #open(): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (this.#id.length > 0) headers['Last-Event-ID'] = this.#id.toString('latin1');
      const request = httpRequest(this.url, { headers, agent: false });
      const give = (error: Error) => request.destroy(error);
      request.setTimeout(this.limit, () => {
        this.#silent = true;
        give(new Failed('silence'));
      });
      const abort = () => give(this.#controller.signal.reason);
      this.#controller.signal.addEventListener('abort', abort, { once: true });
      request.on('close', () => this.#controller.signal.removeEventListener('abort', abort));
      request.on('response', resolve).on('error', reject).end();
    });
  }

  async #once(): Promise<boolean> {
    const response = await this.#open();
    try {
      if (response.statusCode === 204) return true;
      if (response.statusCode !== 200) throw new Failed(`status ${response.statusCode}`);
      if (!/^\s*text\/event-stream\s*(;|$)/i.test(response.headers['content-type'] ?? '')) throw new Failed('type');
      return await this.#read(response);
    } finally {
      response.destroy();
    }
  }

  async #read(response: IncomingMessage): Promise<boolean> {
    let id = this.#id;
    let event = 'message';
    let data: Buffer[] = [];
    for await (const line of lines(response)) {
      if (line === undefined) {
        if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
        if (this.#silent) throw new Failed('silence');
        return false;
      }
      if (line.length === 0) {
        this.#id = id;
        if (data.length > 0) {
          const text = Buffer.concat(data.flatMap((d, i) => (i ? [Buffer.from('\n'), d] : [d]))).toString();
          console.log('%s: %s', event, text);
          if (event === 'error') throw new Failed('error event');
          if (event === 'done') return true;
        }
        event = 'message';
        data = [];
        continue;
      }
      const colon = line.indexOf(0x3a);
      const name = (colon < 0 ? line : line.subarray(0, colon)).toString();
      let value = colon < 0 ? Buffer.alloc(0) : line.subarray(colon + 1);
      if (value[0] === 0x20) value = value.subarray(1);
      switch (name) {
        case 'event':
          event = value.toString() || 'message';
          break;
        case 'data':
          data.push(Buffer.from(value));
          break;
        case 'id':
          if (!value.includes(0)) id = Buffer.from(value);
          break;
        case 'retry':
          if (value.length > 0 && value.every((b) => b >= 0x30 && b <= 0x39))
            this.#retry = Math.min(Number(value.toString()), 0x7fffffff);
          break;
      }
    }
    return false;
  }
}

/** Lines as bytes; undefined where the connection broke off. */
async function* lines(response: IncomingMessage): AsyncGenerator<Buffer | undefined> {
  let current: number[] = [];
  let cr = false;
  let first = true;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      for (const byte of chunk) {
        if (byte === 10 && cr) {
          cr = false;
          continue;
        }
        cr = byte === 13;
        if (byte === 10 || byte === 13) {
          if (first && current[0] === 0xef && current[1] === 0xbb && current[2] === 0xbf) current.splice(0, 3);
          first = false;
          yield Buffer.from(current);
          current = [];
        } else {
          current.push(byte);
          if (current.length > 16e6) throw new Failed('too long');
        }
      }
    }
  } catch (error) {
    if (error instanceof Failed) throw error;
  }
  yield undefined;
}

await new Report(new URL(process.argv[2] ?? 'http://127.0.0.1:3000/report'), Number(process.env.IDLE_LIMIT ?? 30_000))
  .run()
  .catch((error) => {
    console.error(error.message);
    process.exitCode ??= 1;
  });
