import express, { type Response } from 'express';
import { work } from '#support/work.ts';

const app = express();

/** Milliseconds of work after which the server sends a comment. */
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

const operations: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

app.get('/calculate', async (request, response) => {
  const { a, b, op, note } = request.query as Record<string, string>;

  // TODO task 2: refuse wrong parameters before the stream begins

  // TODO task 1: set the headers, and send the event info and, if there is a note, the event note
  response.status(501).send('no events yet');

  // TODO task 3: send a comment each time the quiet interval is over
  await work(`${a} ${op} ${b}`);
  // TODO task 3: stop the comments when the work is done

  // TODO task 2: after a division by zero, send the event error and end the response

  // TODO task 1: send the event result and end the response
});

/** Writes one event. */
function sendEvent(response: Response, event: string, data: string): void {
  // TODO task 1: write the field event, a field data for each line, and the blank line
}

/** Writes a whole number with one decimal: 35 becomes 35.0. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** A string that is a finite number: `Number('')` and `Number(' ')` would be 0. */
function isNumber(text: unknown): boolean {
  return typeof text === 'string' && text.trim() !== '' && Number.isFinite(Number(text));
}

/** The name of one of the four operations, and not of a property that every object inherits. */
function isOperation(name: unknown): boolean {
  return typeof name === 'string' && Object.hasOwn(operations, name);
}

app.get('/stream', async (_request, response) => {
  response.type('text/plain');
  for (let i = 1; i <= 5; i++) {
    await work(`message ${i}`);
    response.write(`Message ${i}\n`);
  }
  response.end();
});

app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/calculate?a=7&b=5&op=mul`);
});
