// Stands between a client and the learner's server, and breaks off one event stream after the other.
import { createServer } from 'node:http';
import { freePort } from '../programs/ports.ts';
import type { Server } from '../run/run.ts';

/** Where to break a stream off: behind so many events and so many bytes of the next; by a proper end, or without one. */
type Cut = { events: number; bytes: number; end: boolean };

/** Milliseconds that no run takes. */
const neverMs = 60_000;

/**
 * Passes requests on to the server, each with its Last-Event-ID, and its responses back.
 * @param cuts one for each stream, in their order; the streams after those are passed on whole
 * @returns where it listens: `http://127.0.0.1:4000`
 */
export async function startCuttingRelay({ request: ask, run }: Server, cuts: Cut[]): Promise<string> {
  const { atEnd, until } = run;
  const left = [...cuts];
  const relay = createServer(async (request, response) => {
    const lastEventId = request.headers['last-event-id'];
    const sent = ask(request.url!, {
      headers: lastEventId === undefined ? {} : { 'Last-Event-ID': String(lastEventId) },
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
    response.writeHead(sent.status, { 'content-type': sent.headers['content-type'] ?? 'text/plain' }).flushHeaders();
    const cut = sent.status === 200 ? left.shift() : undefined;
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
  const port = await freePort();
  await new Promise<void>((resolve) => relay.listen(port, '127.0.0.1', resolve));
  atEnd(() => {
    relay.close();
    relay.closeAllConnections();
  });
  return `http://127.0.0.1:${port}`;
}

/** The place of a cut in a body, as soon as it is there. */
function placeOf({ events, bytes }: Cut, body: Buffer): number | undefined {
  const text = body.toString('latin1'); // a character for each byte
  const ends = [...text.matchAll(/^data[^]*?(\r\n\r\n|\n\n|\r\r)/gm)].map((match) => match.index + match[0].length);
  const place = (ends[events - 1] ?? Infinity) + bytes;
  return place <= body.length ? place : undefined;
}
