import express, { type Request, type Response } from 'express';
import { work } from '#support/work.ts';

const app = express();

/** Milliseconds without an event, after which a comment shows that the stream is alive. */
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** Milliseconds that a client should wait before it connects again. */
const retry = Number(process.env.RETRY ?? 1000);

// A page's EventSource can only GET; a program may POST what it wants.
app.get('/report', report);
app.post('/report', express.json(), report);

/** A long job: an event for each step, then the event done. */
async function report(request: Request, response: Response): Promise<void> {
  const steps = Number(request.body?.steps ?? request.query.steps ?? 5);

  // TODO task 1: answer 400 or 204, or find the first step that the client has not seen
  const first = 1;

  response.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  // TODO task 1: say how long a client should wait before it connects again

  const keepAlive = setInterval(() => response.write(': still at work\n\n'), quietInterval);
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    for (let step = first; step <= steps; step++) {
      await work(`step ${step}`, { signal: gone.signal });
      // TODO task 1: give the event its id
      sendEvent(response, 'step', `${step} of ${steps}`);
    }
    // TODO task 1: give the event its id
    sendEvent(response, 'done', `${steps} steps`);
  } catch (error) {
    if (!gone.signal.aborted) fail(response, error);
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}

/** Tells the client that the work has failed, and prints the error for the person who runs the server. */
function fail(response: Response, error: unknown): void {
  console.error(error);
  sendEvent(response, 'error', 'the report could not be finished');
}

/** Writes one event in one chunk, with the field id if there is an id. */
function sendEvent(response: Response, event: string, data: string, id?: number): void {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  response.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}${lines.join('')}\n`);
}

app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/report`);
});
