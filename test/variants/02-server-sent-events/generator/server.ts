import { setTimeout as sleep } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { work } from '#support/work.ts';

const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

type Query = { a: number; b: number; op: string; note: string };

/** The stream as a generator of its pieces; a race between the work and the quiet decides what comes next. */
async function* calculation({ a, b, op, note }: Query): AsyncGenerator<string> {
  yield event('info', `Calculating: ${decimal(a)} ${op} ${decimal(b)}`);
  if (note) yield event('note', note);
  const done = work('the calculation').then(() => 'done' as const);
  for (;;) {
    const quiet = new AbortController();
    const first = await Promise.race([
      done,
      sleep(quietInterval, 'quiet' as const, { signal: quiet.signal }).catch(() => 'quiet' as const),
    ]);
    quiet.abort();
    if (first === 'done') break;
    yield ':\n\n';
  }
  if (op === 'div' && b === 0) {
    yield event('error', 'division by zero');
    return;
  }
  switch (op) {
    case 'add':
      return yield event('result', decimal(a + b));
    case 'sub':
      return yield event('result', decimal(a - b));
    case 'mul':
      return yield event('result', decimal(a * b));
    default:
      return yield event('result', decimal(a / b));
  }
}

const event = (type: string, data: string) => `event: ${type}\ndata: ${data.replace(/\r\n|\r|\n/g, '\ndata: ')}\n\n`;
const decimal = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : `${value}`);

const app = express();
app.get('/calculate', async (request, response) => {
  const text = (name: string) => String(request.query[name] ?? '');
  for (const parameter of ['a', 'b']) {
    if (text(parameter).trim() === '' || !isFinite(Number(text(parameter)))) {
      response
        .status(400)
        .type('application/problem+json')
        .send(JSON.stringify({ parameter, error: `${parameter} must be a number` }));
      return;
    }
  }
  if (request.query.note instanceof Array) {
    response.status(400).json({ parameter: 'note', error: 'Only one note is possible.' });
    return;
  }
  if (!new Set(['add', 'sub', 'mul', 'div']).has(text('op'))) {
    response
      .status(400)
      .json({ parameter: 'op', error: 'op must be add, sub, mul or div', known: ['add', 'sub', 'mul', 'div'] });
    return;
  }
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
    Connection: 'keep-alive',
  });
  response.flushHeaders();
  const query = { a: Number(text('a')), b: Number(text('b')), op: text('op'), note: text('note') };
  await pipeline(Readable.from(calculation(query)), response);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
