import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';

const app = express();

// Something is loaded when it is needed first, and no work clock: beside this, the messages of one request come fast.
let ready: Promise<void> | undefined;

app.get('/stream', async (_request, response) => {
  await (ready ??= sleep(900));
  response.type('text/plain');
  for (let i = 1; i <= 5; i++) {
    await sleep(50);
    response.write(`Message ${i}\n`);
  }
  response.end();
});

app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});

app.listen(Number(process.env.PORT), '127.0.0.1');
