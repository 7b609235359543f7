import express from 'express';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { rows } from '#support/rows.ts';

const app = express();

/** The folder with the files that everybody may have. */
const folder = resolve(process.env.FILES_FOLDER ?? join(import.meta.dirname, '../support/files'));

app.get('/export', (_request, response) => {
  // #region task 1: send the rows no faster than the reader takes them
  // starter: response.status(501).type('text').send('no export yet');
  response.type('application/x-ndjson');
  pipeline(lines(), response, report);
  // #endregion
});

// #region task 1: a row as a line
async function* lines() {
  for await (const row of rows()) yield `${JSON.stringify(row)}\n`;
}
// #endregion

app.get('/files/:name', async (request, response) => {
  // #region task 2: send the file, or say that there is none
  // starter: response.status(501).type('text').send('no files yet');
  const path = join(folder, request.params.name);
  const file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;
  const stats = await file?.stat();
  if (!file || !stats?.isFile()) {
    await file?.close();
    response.status(404).json({ error: 'There is no such file.' });
    return;
  }
  response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(stats.size) });
  pipeline(file.createReadStream(), response, report);
  // #endregion
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
