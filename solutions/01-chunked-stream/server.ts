import express from 'express';
import { work } from '#support/work.ts';

const app = express();

app.get('/stream', async (_request, response) => {
  // #region task 1: send each message as soon as its work is done, then end the response
  // starter: response.status(501).send('not streaming yet');
  response.type('text/plain');
  for (let i = 1; i <= 5; i++) {
    await work(`message ${i}`);
    response.write(`Message ${i}\n`);
  }
  response.end();
  // #endregion
});

// #region task 2: answer GET /ping, also while a stream is being sent
app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});
// #endregion

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/stream`);
});
