// A server that only looks like a streaming server: its handler never gives the event loop a turn.
import express from 'express';

const app = express();

/** Keeps the thread busy, as a long calculation does, or a call whose name ends in Sync. */
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
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/stream`);
});
