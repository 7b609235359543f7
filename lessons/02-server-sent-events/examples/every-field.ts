// An event stream with every field of the standard, once with and once without `no-transform`.
import { createServer } from 'node:http';
import { work } from '#support/work.ts';

const pieces = [
  ': a comment\nretry: 5000\n\n',
  'event: step\nid: 1\ndata: one\n\n',
  'event: step\nid: 2\ndata: two\n\n',
];

const server = createServer(async (request, response) => {
  const guarded = request.url === '/events?no-transform';
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': guarded ? 'no-cache, no-transform' : 'no-cache',
  });
  for (const piece of pieces) {
    await work('the next piece');
    response.write(piece);
  }
  await work('the end');
  response.end();
});

const port = Number(process.env.PORT ?? 3000);
server.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${port}/events`);
});
