import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

// Waits by a timer of its own, without the work clock.
createServer(async (request, response) => {
  if (request.method !== 'GET') return response.writeHead(405, { Allow: 'GET' }).end();
  if (request.url === '/ping') return response.end('pong');
  if (request.url !== '/stream') return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'text/plain; charset=UTF-8' });
  for (let i = 1; i <= 5; i++) {
    await sleep(100);
    response.write(`Message ${i}\n`);
  }
  response.end();
}).listen(Number(process.env.PORT), '127.0.0.1');
