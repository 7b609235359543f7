import { Readable, finished } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type Request, type Response } from 'express';
import { work } from '#support/work.ts';

const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** The stream as a generator of its pieces, which a failure and a client that leaves end in their own ways. */
async function* pieces(steps: number, signal: AbortSignal): AsyncGenerator<string> {
  try {
    for (let step = 1; step <= steps; step++) {
      await work(`step ${step}`, { signal });
      yield `event: step\ndata: ${step} of ${steps}\n\n`;
    }
    yield `event: done\ndata: ${steps} steps\n\n`;
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
  const gone = new AbortController();
  finished(response, () => gone.abort());
  response.type('text/event-stream').set('Cache-Control', 'no-cache, no-transform');
  const comments = setInterval(() => response.write(':\n\n'), quietInterval);
  await pipeline(Readable.from(pieces(steps, gone.signal)), response).catch(() => {});
  clearInterval(comments);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
