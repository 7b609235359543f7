import { once } from 'node:events';
import { resolve } from 'node:path';
import express from 'express';
import { rows } from '#support/rows.ts';

const app = express();
const root = resolve(process.env.FILES_FOLDER!);

// The loop by hand, and Express for the files.
app.get('/export', async (_request, response) => {
  response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
  for await (const row of rows()) {
    if (!response.write(JSON.stringify(row) + '\n')) await once(response, 'drain');
  }
  response.end();
});

app.get('/files/:name', (request, response) => {
  response.type('application/octet-stream');
  response.sendFile(request.params.name, { root, acceptRanges: false, etag: false }, (error) => {
    if (error && !response.headersSent) response.status(404).send('There is no file of this name.');
  });
});

app.listen(Number(process.env.PORT), '127.0.0.1');
