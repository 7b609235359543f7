import { Readable, finished } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type Request, type Response } from 'express';
import { work } from '#support/work.ts';

const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** The stream as a generator of its pieces, which a failure and a client that leaves end in their own ways. */
async function* pieces(first: number, steps: number, signal: AbortSignal): AsyncGenerator<string> {
  yield `retry: ${process.env.RETRY ?? 1000}\n\n`;
  try {
    for (let step = first; step <= steps; step++) {
      await work(`step ${step}`, { signal });
      yield `event: step\nid: ${step}\ndata: ${step} of ${steps}\n\n`;
    }
    yield `event: done\nid: ${steps + 1}\ndata: ${steps} steps\n\n`;
  } catch (error) {
    if (signal.aborted) return;
    console.error(new Date().toISOString(), error);
    yield 'event: error\ndata: Something went wrong.\ndata: Please try again later.\n\n';
  }
}

const app = express();
app.use(express.json());
app.all('/report', async (request: Request, response: Response) => {
  const steps = Number(request.body?.steps ?? request.query.steps ?? 5);
  const ids = Array.from({ length: steps + 1 }, (_, i) => String(i + 1));
  const last = request.header('last-event-id');
  const seen = last === undefined ? 0 : ids.indexOf(last) + 1;
  if (last !== undefined && seen === 0) {
    response.sendStatus(400);
    return;
  }
  if (seen > steps) {
    response.sendStatus(204);
    return;
  }
  const gone = new AbortController();
  finished(response, () => gone.abort());
  response.type('text/event-stream').set('Cache-Control', 'no-cache, no-transform');
  const comments = setInterval(() => response.write(':\n\n'), quietInterval);
  await pipeline(Readable.from(pieces(seen + 1, steps, gone.signal)), response).catch(() => {});
  clearInterval(comments);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
