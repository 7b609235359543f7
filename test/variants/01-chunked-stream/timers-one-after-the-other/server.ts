import { createServer, type ServerResponse } from 'node:http';

function stream(response: ServerResponse): void {
  for (const i of [1, 2, 3, 4, 5]) setTimeout(() => response.write(`Message ${i}\n`), i * 80);
  setTimeout(() => response.end(), 5 * 80 + 1);
}

createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain; charset="utf-8"');
  switch (`${request.method} ${request.url}`) {
    case 'GET /stream':
      return stream(response);
    case 'GET /ping':
      return response.end('pong');
    default:
      response.statusCode = 404;
      return response.end('no such page\n');
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
