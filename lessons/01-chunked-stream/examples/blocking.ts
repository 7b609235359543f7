// A stream that is none: its handler never gives the event loop a turn. Compare what arrives when.
import express from 'express';

const app = express();

/** Keeps the processor busy, as a long calculation or a call that ends in Sync does. */
function busyWait(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

app.get('/stream', (_request, response) => {
  response.type('text/plain');
  for (let i = 1; i <= 5; i++) {
    busyWait(1000);
    response.write(`Message ${i}\n`);
  }
  response.end();
});

app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${port}/stream`);
});
