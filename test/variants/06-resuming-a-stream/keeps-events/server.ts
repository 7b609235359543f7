import { once } from 'node:events';
import express from 'express';
import { work } from '#support/work.ts';

const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

/** What has been sent of the reports so far: who comes again gets it from here. */
const kept = new Map<number, string[]>();

class Stream implements Disposable {
  #comments: NodeJS.Timeout;
  readonly gone: AbortSignal;
  readonly #response: express.Response;

  constructor(response: express.Response) {
    const controller = new AbortController();
    void once(response, 'close').then(() => controller.abort());
    this.gone = controller.signal;
    this.#response = response;
    this.#comments = setInterval(() => response.write(': \n'), quietInterval);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' });
    response.write(`: hello\nretry: ${process.env.RETRY ?? 1000}\n\n`);
  }

  send(event: string): void {
    this.#response.write(event);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#comments);
    this.#response.end();
  }
}

const app = express();
app.all('/report', express.json(), async (request, response) => {
  const steps = Number(request.body?.steps ?? request.query.steps ?? 5);
  const last = request.headers['last-event-id'] as string | undefined;
  const position = last === undefined ? 0 : Number.parseInt(last);
  if (last !== undefined && (String(position) !== last || !(position >= 1) || position > steps + 1))
    return void response.status(400).end();
  if (position === steps + 1) return void response.status(204).end();

  using stream = new Stream(response);
  const events = kept.get(steps) ?? [];
  kept.set(steps, events);
  for (let step = position + 1; step <= steps; step++) {
    const again = last !== undefined && events[step];
    if (!again) {
      try {
        await work(`step ${step}`, { signal: stream.gone });
      } catch (error) {
        if (stream.gone.aborted) return;
        console.error('step %d: %s', step, (error as Error).message);
        return stream.send('event: error\ndata: failed\n\n');
      }
    }
    events[step] = `id: ${step}\nevent: step\ndata: ${step} of ${steps}\n\n`;
    stream.send(events[step]!);
  }
  stream.send(`id: ${steps + 1}\nevent: done\ndata: ${steps} steps\n\n`);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
