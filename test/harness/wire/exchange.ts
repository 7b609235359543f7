import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { performance } from 'node:perf_hooks';
import { StringDecoder } from 'node:string_decoder';
import type { Explanation } from '../run/failure.ts';
import { requestLine, type Transcript } from './transcript.ts';

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
  /** The body so far; no more than `limits` allows. */
  readonly chunks: readonly Chunk[];
  /** The body so far, decoded as UTF-8: a character whose last bytes are still missing is not in it yet. */
  readonly text: string;
  /** The response is complete, with a proper end. */
  readonly ended: boolean;
  /** The connection broke, or was refused; the text says how. */
  readonly broken: string | undefined;
  /** Why the grader stopped reading, if the body was more than it keeps. */
  readonly tooMuch: Explanation | undefined;
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
  /** The headers that the transcript shows, beside Last-Event-ID and MCP-Session-Id. */
  shown?: Record<string, string>;
  body?: string | Uint8Array;
  /** The body in pieces instead: without a Content-Length among the headers, they go out as chunks. */
  pieces?: {
    bytes: readonly Uint8Array[];
    /** Waits between two pieces, so that the server has read the first before the second goes out. */
    between?: () => Promise<unknown>;
  };
  /** The certificate that is trusted where the URL begins with `https`. */
  ca?: string | undefined;
  /** The path as it goes out, where a URL would tidy it up: `/files/../secret`. */
  path?: string;
  /** How the transcript names this client, where there are several. */
  who?: string;
  /** Keeps its connection after the end of the response, as a browser does for the next request. */
  keepsConnection?: boolean;
  /** The agent whose connection this request shares with others, one after another. Who made the agent destroys it. */
  agent?: Agent;
  /** The grader makes its work fail: what the server prints about that explains nothing. */
  failsOnPurpose?: boolean;
  /** What the explanation says instead, or says besides, when the server throws an error over this request. */
  ifItThrows?: Partial<Explanation>;
};

/** What the grader keeps of a body: right programs send 18,000 chunks and 17 MB at the most, in lesson 4. */
const limits = { chunks: 200_000, mebibytes: 128 };

/** Sends one request, on a connection of its own unless it shares one, and records what comes back. */
export function exchange(url: URL, ask: Ask, changed: () => void, transcript: () => Transcript): Exchange {
  const { method = 'GET', headers = {}, shown = {}, body, pieces, path = `${url.pathname}${url.search}`, who } = ask;
  const name = `${method} ${path}`;
  const chunks: Chunk[] = [];
  let status: number | undefined;
  let received: IncomingHttpHeaders = {};
  let ended = false;
  let broken: string | undefined;
  let tooMuch: Explanation | undefined;
  let bytesKept = 0;
  let closed = false;
  let incoming: IncomingMessage | undefined;

  const secure = url.protocol === 'https:';
  const agent =
    ask.agent ?? (secure ? new SecureAgent({ keepAlive: true, ca: ask.ca }) : new Agent({ keepAlive: true }));
  const request = (secure ? httpsRequest : httpRequest)(url, { method, headers, agent, path });
  const breakOff = (error: Error) => {
    if (ended || closed || broken !== undefined) return;
    broken = error.message;
    text.end();
    transcript().add('←', `(the connection broke: ${error.message})`, who);
    changed();
  };
  const stopReading = () => {
    const sent = chunks.length >= limits.chunks ? `${count(limits.chunks)} chunks` : `${limits.mebibytes} MiB`;
    tooMuch = {
      cause: `Your server sent more than ${sent} in response to ${name}; the grader stopped reading there.`,
      advice: 'Look for a loop that writes without an end. Send each piece once, and end the response after the last.',
    };
    transcript().add('→', `(stops reading: more than ${sent} have come)`, who);
    breakOff(new Error(`more than ${sent} came, and the grader stopped reading`));
    request.destroy();
    agent.destroy();
  };
  // One read of the connection can bring thousands of chunks, and one look after the last of them is enough.
  let changing = false;
  const changedOnce = () => {
    if (changing) return;
    changing = true;
    queueMicrotask(() => {
      changing = false;
      changed();
    });
  };
  const text = textOf(chunks);
  request.on('error', breakOff);
  request.on('response', (response) => {
    incoming = response;
    status = response.statusCode;
    received = response.headers;
    const head = `${status} ${response.statusMessage}`;
    transcript().add('←', requestLine(head, { 'MCP-Session-Id': received['mcp-session-id'] }), who);
    response.on('data', (bytes: Buffer) => {
      if (tooMuch) return;
      chunks.push({ at: performance.now(), bytes });
      bytesKept += bytes.length;
      transcript().add('←', bytes, who);
      if (chunks.length >= limits.chunks || bytesKept >= limits.mebibytes * 1024 ** 2) stopReading();
      changedOnce();
    });
    response.on('end', () => {
      if (!response.complete) return;
      ended = true;
      text.end();
      if (!ask.keepsConnection && !ask.agent) agent.destroy();
      transcript().add('←', '(end of the response)', who);
      changed();
    });
    response.on('error', breakOff);
    response.on('close', () => {
      if (!response.complete) breakOff(new Error('closed before its end'));
    });
    changed();
  });
  const deciding = { 'Last-Event-ID': headers['Last-Event-ID'], 'MCP-Session-Id': headers['MCP-Session-Id'] };
  transcript().add('→', requestLine(name, { ...deciding, ...shown }), who);
  if (body) transcript().add('→', Buffer.from(body), who);
  if (pieces) {
    const show = (piece: Uint8Array) => transcript().add('→', Buffer.from(piece), who);
    void sendInPieces(request, pieces, show);
  } else request.end(body);

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
      return text.now();
    },
    get ended() {
      return ended;
    },
    get broken() {
      return broken;
    },
    get tooMuch() {
      return tooMuch;
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

async function sendInPieces(
  request: ClientRequest,
  { bytes, between }: NonNullable<Ask['pieces']>,
  show: (piece: Uint8Array) => void,
): Promise<void> {
  for (const [i, piece] of bytes.entries()) {
    show(piece);
    // The callback gets the error of a connection that breaks; the listener of the request reports it.
    const written = new Promise((resolve) => request.write(piece, resolve));
    if (!between || i === bytes.length - 1) continue;
    await written;
    await between();
  }
  request.end();
}

const count = (number: number): string => number.toLocaleString('en');

/** Decodes each chunk once, however often somebody asks for the text. */
function textOf(chunks: readonly Chunk[]): { now(): string; end(): void } {
  const decoder = new StringDecoder('utf8');
  let decoded = 0;
  let text = '';
  let over = false;
  const now = () => {
    for (; decoded < chunks.length; decoded++) text += decoder.write(chunks[decoded]!.bytes);
    if (over) text += decoder.end();
    return text;
  };
  return { now, end: () => (over = true) };
}
