import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { work } from '#support/work.ts';

// Listens to the socket, which outlives its responses; \r\n, another order of fields, the retry together with the first event.
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);
const retry = process.env.RETRY ?? '1000';

createServer((request, response) => {
  const url = new URL(request.url!, 'http://127.0.0.1');
  if (url.pathname !== '/report') response.writeHead(404).end();
  else void report(url, request, response);
}).listen(Number(process.env.PORT), '127.0.0.1');

async function report(url: URL, request: IncomingMessage, response: ServerResponse) {
  const body = request.method === 'POST' ? ((await json(request)) as { steps?: number }) : {};
  const steps = Number(body.steps ?? url.searchParams.get('steps') ?? 5);
  const last = request.headers['last-event-id'];
  const seen = last === undefined ? 0 : /^[1-9][0-9]*$/.test(String(last)) ? Number(last) : NaN;
  if (!(seen <= steps + 1)) return response.writeHead(400, { 'content-type': 'text/plain' }).end('no such event\n');
  if (seen > steps) return response.writeHead(204).end();

  const gone = new AbortController();
  const leave = () => gone.abort(new Error('gone'));
  request.socket.once('close', leave);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
  });
  let prefix = `retry:${retry}\r\n`;
  const send = (fields: string) => {
    response.write(`${prefix}${fields}\r\n\r\n`);
    prefix = '';
  };
  let timer = setTimeout(function tick() {
    response.write(':\r\n');
    timer = setTimeout(tick, quietInterval);
  }, quietInterval);
  let step = seen;
  while (++step <= steps && !gone.signal.aborted) {
    const failure = await work(`step ${step}`, gone).then(
      () => undefined,
      (error: Error) => error,
    );
    if (gone.signal.aborted) break;
    if (failure) {
      console.log('a step has failed:', failure.message);
      send(`data:sorry\r\nevent:error`);
      break;
    }
    send(`data:${step} of ${steps}\r\nid:${step}\r\nevent:step`);
  }
  if (step > steps) send(`id:${step}\r\nevent:done\r\ndata:${steps} steps`);
  clearTimeout(timer);
  request.socket.off('close', leave);
  response.end();
}
