import express from 'express';
import { work } from '#support/work.ts';

const app = express();

app.get('/stream', async (_request, response) => {
  // TODO task 1: send each message as soon as its work is done, then end the response
  response.status(501).send('not streaming yet');
});

// TODO task 2: answer GET /ping, also while a stream is being sent

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/stream`);
});
