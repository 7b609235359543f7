// Stands between a client and the learner's server, and breaks off one event stream after the other.
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listenOnFreePort } from '../programs/ports.ts';
import type { Server } from '../run/run.ts';

/** Where to break a stream off: behind so many events and so many bytes of the next; by a proper end, or without one. */
export type Cut = { events: number; bytes: number; end: boolean };

/** Milliseconds that no run takes. */
const neverMs = 60_000;

/** The headers that decide what a server answers, as the transcript spells them. */
const decisive = ['Accept', 'Content-Type', 'Last-Event-ID', 'MCP-Protocol-Version', 'MCP-Session-Id'];

/**
 * Passes requests on to the server, and its responses back.
 * @param cuts one for each event stream, in their order; the streams after those are passed on whole
 * @param mayCut whether the stream that answers this request is one of them
 * @returns where it listens: `http://127.0.0.1:4000`
 */
export async function startCuttingRelay(
  { request: ask, run }: Server,
  cuts: Cut[],
  mayCut: (request: IncomingMessage) => boolean = () => true,
): Promise<string> {
  const { atEnd, until } = run;
  const left = [...cuts];
  const relay = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const headers = decisive.flatMap((name) => {
      const value = request.headers[name.toLowerCase()];
      return value === undefined ? [] : [[name, String(value)]];
    });
    const sent = ask(request.url!, {
      method: request.method!,
      headers: Object.fromEntries(headers),
      ...(body.length > 0 && { body }),
    });
    const over = () => sent.ended || sent.broken !== undefined || response.destroyed;
    // A server that has ended is reported by the requirement that waits for it.
    const wait = (condition: () => unknown) => until(() => condition() || over(), neverMs).catch(() => false);
    response.on('close', () => {
      sent.close();
      run.changed();
    });
    await wait(() => sent.status);
    if (sent.status === undefined) return response.destroy();
    const contentType = sent.headers['content-type'] ?? 'text/plain';
    const session = sent.headers['mcp-session-id'];
    response.writeHead(sent.status, { 'content-type': contentType, ...(session && { 'mcp-session-id': session }) });
    response.flushHeaders();
    const isStream = sent.status === 200 && contentType.startsWith('text/event-stream');
    const cut = isStream && mayCut(request) ? left.shift() : undefined;
    const received = () => Buffer.concat(sent.chunks.map((chunk) => chunk.bytes));
    for (let passed = 0; ;) {
      const body = received();
      const place = cut && placeOf(cut, body);
      response.write(body.subarray(passed, place));
      passed = body.length;
      if (place !== undefined) {
        sent.close();
        return cut!.end ? response.end() : setImmediate(() => response.destroy());
      }
      if (sent.ended) return response.end();
      if (over() || !(await wait(() => received().length > passed))) return response.destroy();
    }
  });
  const { port, close } = await listenOnFreePort(relay);
  atEnd(close);
  return `http://127.0.0.1:${port}`;
}

/** The place of a cut in a body, as soon as it is there. */
function placeOf({ events, bytes }: Cut, body: Buffer): number | undefined {
  const text = body.toString('latin1'); // a character for each byte
  const ends = [...text.matchAll(/^data[^]*?(\r\n\r\n|\n\n|\r\r)/gm)].map((match) => match.index + match[0].length);
  const place = (ends[events - 1] ?? Infinity) + bytes;
  return place <= body.length ? place : undefined;
}
