// The server of lesson 2 in plain JavaScript, without a package: node:http, and a connection to the work clock for each
// piece of work.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);
const operations = { add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b };
const decimal = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
const isNumber = ([text, second]) => second === undefined && !!text?.trim() && Number.isFinite(Number(text));

/** docs/any-language.md describes what goes over the socket. */
async function work(label) {
  if (!process.env.WORK_CLOCK) return sleep(1000);
  const [host, port] = process.env.WORK_CLOCK.split(':');
  const clock = connect(Number(port), host);
  clock.write(`${JSON.stringify({ call: 1, work: label })}\n`);
  for await (const answer of clock) {
    const { failed } = JSON.parse(answer);
    if (failed !== undefined) throw new Error(failed);
    break;
  }
}

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1');
  if (pathname === '/calculate') return void calculate(searchParams, response);
  if (pathname === '/ping') return response.end('pong');
  response.writeHead(404).end();
}).listen(process.env.PORT ?? 3000, '127.0.0.1');

async function calculate(query, response) {
  const [a, b, op, note] = ['a', 'b', 'op', 'note'].map((name) => query.getAll(name));
  const checks = [
    ['a', isNumber(a), 'a must be one number'],
    ['b', isNumber(b), 'b must be one number'],
    ['op', op.length === 1 && Object.hasOwn(operations, op[0]), 'op must be add, sub, mul or div'],
    ['note', note.length < 2, 'there may be only one note'],
  ];
  for (const [parameter, right, error] of checks) {
    if (right) continue;
    response.writeHead(400, { 'Content-Type': 'application/json' });
    return response.end(JSON.stringify({ parameter, error }));
  }
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  const send = (event, data) => {
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
    response.write(`event: ${event}\n${lines.join('')}\n`);
  };
  const [left, right] = [Number(a[0]), Number(b[0])];
  send('info', `Calculating: ${decimal(left)} ${op[0]} ${decimal(right)}`);
  if (note[0]) send('note', note[0]);
  const comments = setInterval(() => response.write(': still at work\n\n'), quietInterval);
  await work(`${left} ${op[0]} ${right}`);
  clearInterval(comments);
  if (op[0] === 'div' && right === 0) send('error', 'division by zero');
  else send('result', decimal(operations[op[0]](left, right)));
  response.end();
}
