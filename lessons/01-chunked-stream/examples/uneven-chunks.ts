// Sends three lines in four chunks, and no chunk is a line: a client cannot choose where a stream is cut.
import { createServer } from 'node:http';
import { work } from '#support/work.ts';

const chunks = ['Mess', 'age 1\nMessage 2\nM', 'essage', ' 3\n'];

const server = createServer(async (_request, response) => {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  for (const chunk of chunks) {
    await work('the next chunk');
    response.write(chunk);
  }
  response.end();
});

const port = Number(process.env.PORT ?? 3000);
server.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${port}/stream`);
});
