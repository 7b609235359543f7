import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Explanation } from '../run/failure.ts';
import { requestLine, visibleChunk, type Transcript } from './transcript.ts';

/** One chunk of a response's body, as Node's HTTP parser tells them apart. */
export type Chunk = {
  /** Milliseconds, on the clock of `performance.now()`. */
  at: number;
  bytes: Buffer;
};

/** A request to the program under test, and its response as it comes in. */
export type Exchange = {
  /** As the transcript names it: `GET /stream`. */
  readonly name: string;
  /** Set when the head of the response is here. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: readonly Chunk[];
  /** The body so far, decoded as UTF-8. */
  readonly text: string;
  /** The response is complete, with a proper end. */
  readonly ended: boolean;
  /** The connection broke, or was refused; the text says how. */
  readonly broken: string | undefined;
  /** Reads no further, as a client that is busy with something else; what is on its way fills the buffers. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Goes away, as a client that is closed does. */
  close(): void;
};

export type Ask = {
  method?: string;
  headers?: Record<string, string>;
  /** The headers that the transcript shows, beside Last-Event-ID. */
  shown?: Record<string, string>;
  body?: string | Uint8Array;
  /** The path as it goes out, where a URL would tidy it up: `/files/../secret`. */
  path?: string;
  /** How the transcript names this client, where there are several. */
  who?: string;
  /** The grader makes its work fail: what the server prints about that explains nothing. */
  failsOnPurpose?: boolean;
  /** What the explanation says instead, or says besides, when the server throws an error over this request. */
  ifItThrows?: Partial<Explanation>;
};

/** Sends one request on a connection of its own and records what comes back. */
export function exchange(url: URL, ask: Ask, changed: () => void, transcript: () => Transcript): Exchange {
  const { method = 'GET', headers = {}, shown = {}, body, path = `${url.pathname}${url.search}`, who } = ask;
  const name = `${method} ${path}`;
  const chunks: Chunk[] = [];
  let status: number | undefined;
  let received: IncomingHttpHeaders = {};
  let ended = false;
  let broken: string | undefined;
  let closed = false;
  let incoming: IncomingMessage | undefined;

  const agent = new Agent({ keepAlive: true });
  const request = httpRequest(url, { method, headers, agent, path });
  const breakOff = (error: Error) => {
    if (ended || closed || broken !== undefined) return;
    broken = error.message;
    transcript().add('←', `(the connection broke: ${error.message})`, who);
    changed();
  };
  request.on('error', breakOff);
  request.on('response', (response) => {
    incoming = response;
    status = response.statusCode;
    received = response.headers;
    transcript().add('←', `${status} ${response.statusMessage}`, who);
    response.on('data', (bytes: Buffer) => {
      chunks.push({ at: performance.now(), bytes });
      transcript().add('←', () => visibleChunk(bytes), who);
      changed();
    });
    response.on('end', () => {
      if (!response.complete) return;
      ended = true;
      agent.destroy();
      transcript().add('←', '(end of the response)', who);
      changed();
    });
    response.on('error', breakOff);
    response.on('close', () => {
      if (!response.complete) breakOff(new Error('closed before its end'));
    });
    changed();
  });
  transcript().add('→', requestLine(name, { 'Last-Event-ID': headers['Last-Event-ID'], ...shown }), who);
  if (body) transcript().add('→', visibleChunk(Buffer.from(body)), who);
  request.end(body);

  return {
    name,
    get status() {
      return status;
    },
    get headers() {
      return received;
    },
    chunks,
    get text() {
      return Buffer.concat(chunks.map((chunk) => chunk.bytes)).toString();
    },
    get ended() {
      return ended;
    },
    get broken() {
      return broken;
    },
    pause() {
      transcript().add('→', '(reads no further)', who);
      incoming?.pause();
    },
    resume() {
      transcript().add('→', '(reads on)', who);
      incoming?.resume();
    },
    close() {
      if (!closed && !ended && broken === undefined) transcript().add('→', '(goes away)', who);
      closed = true;
      request.destroy();
      agent.destroy();
    },
  };
}
