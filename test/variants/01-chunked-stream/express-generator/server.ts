import { Readable } from 'node:stream';
import express from 'express';
import { work } from '#support/work.ts';

const app = express();

async function* messages() {
  for (const i of [1, 2, 3, 4, 5]) {
    await work(`message ${i}`);
    yield `Message ${i}\n`;
  }
}

// The ping stands first.
app.get('/ping', (_request, response) => {
  response.set('content-type', 'text/plain').end('pong\n');
});
app.get('/stream', (_request, response) => {
  Readable.from(messages()).pipe(response.type('text'));
});

app.listen(Number(process.env.PORT), '127.0.0.1');
