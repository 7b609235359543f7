import express from 'express';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline, Transform } from 'node:stream';
import { rows } from '#support/rows.ts';

const app = express();

/** Makes lines of rows, a few at a time. */
const lines = () =>
  new Transform({
    writableObjectMode: true,
    transform: (row, _encoding, callback) => callback(null, `${JSON.stringify(row)}\n`),
  });

// The pipeline of node:stream, with a callback.
app.get('/export', (_request, response) => {
  response.set('Content-Type', 'application/x-ndjson');
  pipeline(rows(), lines(), response, () => {});
});

app
  .route('/files/:name')
  .get(async (request, response) => {
    const { name } = request.params;
    // A separator of Windows is one everywhere here: no file has it in its name.
    const plain = name === basename(name) && !/[\\\0]/.test(name) && name !== '.' && name !== '..';
    const path = join(process.env.FILES_FOLDER!, name);
    const stats = plain ? await stat(path).catch(() => null) : null;
    if (!stats?.isFile()) {
      response.status(404).type('text').send(`There is no file with this name.\n`);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': stats.size });
    if (request.method === 'HEAD') return void response.end();
    if (response.destroyed) return;
    pipeline(createReadStream(path), response, () => {});
  })
  .all((_request, response) => void response.sendStatus(405));

app.listen(Number(process.env.PORT), '127.0.0.1');
