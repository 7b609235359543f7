import express from 'express';
import { work } from '#support/work.ts';

const app = express();

// A timer runs beside the work, and no message waits for it.
app.get('/stream', async (_request, response) => {
  const limit = setTimeout(() => response.destroy(), 60_000);
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  try {
    for (const i of [1, 2, 3, 4, 5]) {
      await work(`message ${i}`);
      // The bytes go out some turns of the event loop later.
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      response.write(Buffer.from(`Message ${i}\n`));
    }
    response.end();
  } finally {
    clearTimeout(limit);
  }
});

app.get('/ping', (_request, response) => {
  response.end('pong');
});

app.listen(Number(process.env.PORT), '127.0.0.1');
