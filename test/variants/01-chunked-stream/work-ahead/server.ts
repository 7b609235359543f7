import express from 'express';
import { work } from '#support/work.ts';

const app = express();

// All the work begins at once, and the messages still go out in order.
app.get('/stream', async (_request, response) => {
  const pieces = [1, 2, 3, 4, 5].map((i) => work(`message ${i}`).then(() => `Message ${i}\n`));
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.flushHeaders();
  for (const piece of pieces) response.write(await piece);
  response.end();
});

app.get('/ping', (_request, response) => {
  response.type('txt');
  response.write('pong');
  response.end();
});

app.listen(Number(process.env.PORT), '127.0.0.1');
