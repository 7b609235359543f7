import { once } from 'node:events';
import express from 'express';
import { work } from '#support/work.ts';

const app = express();

app.get('/stream', async (_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain;charset=UTF-8' });
  response.flushHeaders();
  for (let i = 1; i <= 5; i++) {
    await work(`message ${i}`);
    if (i % 2 === 0) await new Promise((written) => response.write(`Message ${i}\n`, written));
    else if (!response.write(`Message ${i}\n`)) await once(response, 'drain');
  }
  response.end();
});

app.get('/ping', (_request, response) => void response.send('pong'));

app.listen(Number(process.env.PORT), '127.0.0.1');
