import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { work } from '#support/work.ts';

// Listens to the socket, which outlives its responses; \r\n, and a different order of fields.
const quietInterval = Number(process.env.QUIET_INTERVAL ?? 15_000);

createServer((request, response) => {
  const url = new URL(request.url!, 'http://127.0.0.1');
  if (url.pathname !== '/report') response.writeHead(404).end();
  else void report(url, request, response);
}).listen(Number(process.env.PORT), '127.0.0.1');

async function report(url: URL, request: IncomingMessage, response: ServerResponse) {
  const body = request.method === 'POST' ? ((await json(request)) as { steps?: number }) : {};
  const steps = Number(body.steps ?? url.searchParams.get('steps') ?? 5);

  const gone = new AbortController();
  const leave = () => gone.abort(new Error('gone'));
  request.socket.once('close', leave);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
  });
  const send = (fields: string) => response.write(`${fields}\r\n\r\n`);
  let timer = setTimeout(function tick() {
    response.write(':\r\n');
    timer = setTimeout(tick, quietInterval);
  }, quietInterval);
  let step = 0;
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
    send(`data:${step} of ${steps}\r\nevent:step`);
  }
  if (step > steps) send(`event:done\r\ndata:${steps} steps`);
  clearTimeout(timer);
  request.socket.off('close', leave);
  response.end();
}
