import express from 'express';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { rows } from '#support/rows.ts';

const app = express();

/** The folder with the files that everybody may have. */
const folder = resolve(process.env.FILES_FOLDER ?? join(import.meta.dirname, '../support/files'));

// HEAD asks for the headers alone. Without these lines, Express would make all the rows for it, and send none.
app.head('/export', (_request, response) => {
  response.type('application/x-ndjson').end();
});

app.get('/export', async (_request, response) => {
  // TODO task 1: send all lines through a pipeline, which waits for the reader
  response.status(501).type('text').send('no export yet');
});

// TODO task 1: write a generator that makes a line of JSON from each row

app.get('/files/:name', async (request, response) => {
  // TODO task 2: look where the name leads, open the file, and send it, or answer with status 404
  response.status(501).type('text').send('no files yet');
});

/** Prints why a stream failed, in one line. A reader that goes away is not a fault of the server. */
function report(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error.message);
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
