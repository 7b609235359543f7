// The job of `process_files` as a classic stream: lines of text, which mean what this server has agreed with its clients.
import express from 'express';
import { documents } from '#support/documents.ts';
import { work } from '#support/work.ts';

const app = express();

app.get('/process', async (request, response) => {
  response.type('text/plain');
  for (const [i, { name }] of documents.entries()) {
    response.write(`Processing file ${i + 1}/${documents.length}...\n`);
    await work(name);
  }
  response.end(`Done: ${request.query.message}\n`);
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${port}/process?message=hello`);
});
