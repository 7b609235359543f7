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
  // #region task 1: send all lines through a pipeline, which waits for the reader
  // starter: response.status(501).type('text').send('no export yet');
  response.type('application/x-ndjson');
  await pipeline(lines(), response).catch(report);
  // #endregion
});

// #region task 1: write a generator that makes a line of JSON from each row
async function* lines() {
  for await (const row of rows()) yield `${JSON.stringify(row)}\n`;
}
// #endregion

app.get('/files/:name', async (request, response) => {
  // #region task 2: look where the name leads, open the file, and send it, or answer with status 404
  // starter: response.status(501).type('text').send('no files yet');
  const path = join(folder, request.params.name);
  const file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;
  const stats = await file?.stat();
  if (!file || !stats?.isFile()) {
    await file?.close();
    response.status(404).json({ error: 'There is no such file.' });
    return;
  }
  if (response.destroyed) return file.close(); // the client has gone in the meantime
  response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(stats.size) });
  await pipeline(file.createReadStream(), response).catch(report);
  // #endregion
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
