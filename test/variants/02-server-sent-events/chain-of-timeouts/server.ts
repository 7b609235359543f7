// A class for the stream, a middleware for the parameters, and a timeout that begins the next one each time it rings.
import express, { type NextFunction, type Request, type Response } from 'express';
import { work } from '#support/work.ts';

const pause = parseInt(process.env.QUIET_INTERVAL || '15000', 10);

const calc = new Map<string, (a: number, b: number) => number>([
  ['add', (a, b) => a + b],
  ['sub', (a, b) => a - b],
  ['mul', (a, b) => a * b],
  [
    'div',
    (a, b) => {
      if (b === 0) throw new RangeError('division by zero');
      return a / b;
    },
  ],
]);

class EventStream {
  private timer: NodeJS.Timeout | undefined;
  private readonly res: Response;
  constructor(res: Response) {
    this.res = res;
    res.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    res.once('close', () => this.quiet());
  }
  send(type: string, text: string) {
    const body = text
      .replaceAll('\r\n', '\n')
      .replaceAll('\r', '\n')
      .split('\n')
      .map((l) => 'data: ' + l);
    this.res.write(['event: ' + type, ...body, '', ''].join('\n'));
  }
  keepAlive() {
    this.timer = setTimeout(() => {
      this.res.write(':\n');
      this.keepAlive();
    }, pause);
  }
  quiet() {
    clearTimeout(this.timer);
  }
}

const text = (n: number) => (Number.isInteger(n) ? n.toFixed(1) : '' + n);

function validate(req: Request, res: Response, next: NextFunction): void {
  const q = req.query;
  const refuse = (parameter: string, error: string) => {
    res.status(400).json({ parameter, error });
  };
  for (const name of ['a', 'b']) {
    const v = q[name];
    if (typeof v !== 'string' || !v.trim() || !Number.isFinite(+v))
      return refuse(name, `"${name}" must be a finite number.`);
  }
  if (typeof q.op !== 'string' || !calc.has(q.op)) return refuse('op', `Choose one of ${[...calc.keys()].join(', ')}.`);
  if (q.note !== undefined && typeof q.note !== 'string') return refuse('note', 'Send at most one note.');
  next();
}

const app = express();
app.get('/calculate', validate, async (req, res) => {
  const { a, b, op, note } = req.query as Record<string, string>;
  const stream = new EventStream(res);
  stream.send('info', `Calculating: ${text(+a!)} ${op} ${text(+b!)}`);
  if (note !== undefined) stream.send('note', note);
  stream.keepAlive();
  try {
    await work('calculate');
    const result = calc.get(op!)!(+a!, +b!);
    stream.send('result', text(result));
  } catch (e) {
    stream.send('error', JSON.stringify({ message: (e as Error).message }));
  } finally {
    stream.quiet();
    res.end();
  }
});
app.get('/ping', (_req, res) => void res.send('pong'));
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening'));
