import express from 'express';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { rows } from '#support/rows.ts';

const app = express();

/** The folder with the files that everybody may have. */
const folder = resolve(process.env.FILES_FOLDER ?? join(import.meta.dirname, '../support/files'));

app.get('/export', (_request, response) => {
  // TODO task 1: send the rows no faster than the reader takes them
  response.status(501).type('text').send('no export yet');
});

// TODO task 1: a row as a line

app.get('/files/:name', async (request, response) => {
  // TODO task 2: send the file, or say that there is none
  response.status(501).type('text').send('no files yet');
});

/** A reader may go away before the end: that is one line for whoever runs the server. */
function report(error?: Error | null): void {
  if (error) console.error(error.message);
}

app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  }
  console.log(`listening on http://127.0.0.1:${port}/export`);
});
