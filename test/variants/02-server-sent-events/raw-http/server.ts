import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

// Waits by a timer of its own, without the work clock. Other line breaks, another order of fields, an id and a retry.
createServer(async (request, response) => {
  const url = new URL(request.url!, 'http://127.0.0.1');
  if (url.pathname !== '/calculate') return response.writeHead(404).end();
  const { a, b, op, note } = Object.fromEntries(url.searchParams);

  const refuse = (parameter: string, error: string) =>
    response.writeHead(400).end(JSON.stringify({ error, parameter }));
  for (const name of url.searchParams.keys())
    if (url.searchParams.getAll(name).length > 1) return refuse(name, 'This is there twice.');
  const pattern = /^-?\d{1,300}(\.\d+)?(e[+-]?\d+)?$/;
  if (!pattern.test(a ?? '') || Math.abs(Number(a)) > Number.MAX_VALUE) return refuse('a', 'This is no number.');
  if (!pattern.test(b ?? '') || Math.abs(Number(b)) > Number.MAX_VALUE) return refuse('b', 'This is no number.');
  if (!['add', 'sub', 'mul', 'div'].includes(op ?? '')) return refuse('op', 'There is no such operation.');

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform, no-cache',
    'x-accel-buffering': 'no',
  });
  let id = 0;
  const event = (type: string, text: string) =>
    response.write(
      `id:${++id}\r\n${text
        .split(/\r\n?|\n/)
        .map((line) => `data: ${line}\r\n`)
        .join('')}event:${type}\r\n\r\n`,
    );
  const x = Number(a);
  const y = Number(b);
  const written = (value: number) => (value % 1 === 0 ? `${value}.0` : `${value}`);

  response.write('retry: 2000\r\n\r\n');
  event('info', `Calculating: ${written(x)} ${op} ${written(y)}`);
  if (note) event('note', note);
  if (op === 'div' && y === 0) {
    event('error', 'Sorry: Division by zero.');
    return response.end();
  }
  const timer = setInterval(() => response.write(':\r\n'), quietInterval);
  await sleep(130);
  clearInterval(timer);
  event('result', written(op === 'add' ? x + y : op === 'sub' ? x - y : op === 'mul' ? x * y : x / y));
  response.end();
}).listen(Number(process.env.PORT), '127.0.0.1');
