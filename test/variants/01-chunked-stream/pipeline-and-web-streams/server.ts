import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { work } from '#support/work.ts';

function messages(): ReadableStream<Uint8Array> {
  let i = 0;
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await work(`message ${++i}`);
      controller.enqueue(encoder.encode(`Message ${i}\n`));
      if (i === 5) controller.close();
    },
  });
}

const server = createServer(async (request, response) => {
  if (request.method !== 'GET') return response.writeHead(405, { allow: 'GET' }).end();
  const { pathname } = new URL(request.url!, 'http://localhost');
  if (pathname === '/ping') return response.end('pong');
  if (pathname !== '/stream') return response.writeHead(404, { 'content-length': 0 }).end();
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  await pipeline(Readable.fromWeb(messages() as import('node:stream/web').ReadableStream), response);
});
server.listen(Number(process.env.PORT), '127.0.0.1');
