// When a request and its response close: for a GET, and for a POST whose body is read.
import express from 'express';
import { work } from '#support/work.ts';

const app = express();
app.use(express.json());

app.all('/report', async (request, response) => {
  const began = Date.now();
  const say = (what: string) => console.log(`${String(Date.now() - began).padStart(5)} ms  ${request.method}: ${what}`);
  request.on('close', () => say('the request closes'));
  response.on('close', () => say('the response closes'));
  response.flushHeaders();
  await work('the report');
  response.end();
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${port}/report`);
});
