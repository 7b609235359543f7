import { once } from 'node:events';
import { resolve } from 'node:path';
import express from 'express';
import { rows } from '#support/rows.ts';

const app = express();
const root = resolve(process.env.FILES_FOLDER!);

// A loop of its own, which gives a reader a minute for its next step; Express sends the files.
app.get('/export', async (_request, response) => {
  response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  for await (const row of rows()) {
    if (response.write(JSON.stringify(row) + '\n')) continue;
    const patience = setTimeout(() => response.destroy(), 60_000);
    await once(response, 'drain', { signal: gone.signal }).catch(() => {});
    clearTimeout(patience);
    if (gone.signal.aborted) return;
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
