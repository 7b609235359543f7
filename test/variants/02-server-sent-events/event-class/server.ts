import express, { type Request, type Response } from 'express';
import { work } from '#support/work.ts';

/** Writes events, a write for each character, and comments when it was quiet for long. */
class EventStream {
  #response: Response;
  #timer: NodeJS.Timeout | undefined;

  constructor(response: Response) {
    this.#response = response;
    response.setHeader('content-type', 'text/event-stream;charset=UTF-8');
    response.setHeader('cache-control', 'no-cache,no-transform');
    response.setHeader('x-accel-buffering', 'no');
    response.on('close', () => clearTimeout(this.#timer));
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#write(`: ${new Date().toISOString()}\n`);
        this.#wait();
      },
      Number(process.env.QUIET_INTERVAL ?? 15_000),
    );
  }

  send(type: string, text: string) {
    this.#wait();
    for (const line of text.replace(/\r\n?/g, '\n').split('\n')) this.#write(`data: ${line}\n`);
    this.#write(`event: ${type}\n`);
    this.#write('\n');
  }

  #write(text: string) {
    for (const character of text) this.#response.write(character);
  }

  end() {
    clearTimeout(this.#timer);
    this.#response.end();
  }
}

const operations = new Map<string, (a: number, b: number) => number>([
  ['add', (a, b) => a + b],
  ['sub', (a, b) => a - b],
  ['mul', (a, b) => a * b],
  [
    'div',
    (a, b) => {
      if (b === 0) throw new RangeError('This is a division by zero');
      return a / b;
    },
  ],
]);

class BadParameter extends Error {
  parameter: string;

  constructor(parameter: string, message: string) {
    super(message);
    this.parameter = parameter;
  }
}

function numberIn(request: Request, name: string): number {
  const text = request.query[name];
  if (typeof text !== 'string' || text.trim() === '' || !isFinite(+text))
    throw new BadParameter(name, `${name} is not a number`);
  return +text;
}

const written = (value: number) => `${value}${Number.isInteger(value) ? '.0' : ''}`;

const app = express();
app.get('/calculate', async (request, response) => {
  const a = numberIn(request, 'a');
  const b = numberIn(request, 'b');
  const op = String(request.query.op);
  const operation = operations.get(op);
  if (!operation) throw new BadParameter('op', `there is no operation ${op}`);
  if (Array.isArray(request.query.note)) throw new BadParameter('note', 'note is here twice');
  const stream = new EventStream(response);
  stream.send('info', `Calculating: ${written(a)} ${op} ${written(b)}`);
  if (request.query.note) stream.send('note', String(request.query.note));
  await work('calculate');
  try {
    stream.send('result', written(operation(a, b)));
  } catch (error) {
    stream.send('error', (error as Error).message);
  }
  stream.end();
});
app.use((error: unknown, _request: Request, response: Response, next: (error: unknown) => void) => {
  if (!(error instanceof BadParameter)) return next(error);
  response.status(400).json({ parameter: error.parameter, error: error.message });
});
app.listen(process.env.PORT, () => console.log('ready'));
