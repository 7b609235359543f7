import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ReadableStream } from 'node:stream/web';
import express from 'express';
import { rows } from '#support/rows.ts';

const app = express();
const folder = await realpath(process.env.FILES_FOLDER!);

app.get('/export', async (_request, response) => {
  response.type('application/x-ndjson');
  const table = rows();
  const lines = new ReadableStream({
    async pull(controller) {
      const { value, done } = await table.next();
      if (done) return controller.close();
      controller.enqueue(Buffer.from(`${JSON.stringify(value)}\n`));
    },
    async cancel() {
      await table.return(undefined);
    },
  });
  // Nothing catches this promise: Express prints why it rejects.
  await pipeline(lines, response);
});

/** The bytes of a file, a block each time that one is asked for. */
const blocks = (file: FileHandle) =>
  new ReadableStream({
    async pull(controller) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
      await file.close();
      controller.close();
    },
    cancel: () => file.close(),
  });

app.get('/files/:name', async (request, response) => {
  try {
    const path = join(folder, request.params.name);
    const inside = relative(folder, path);
    if (inside === '' || inside.split(sep)[0] === '..') throw new Error('outside');
    const stats = await stat(await realpath(path));
    if (!stats.isFile()) throw new Error('a folder');
    const file = await open(path);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': stats.size });
    await pipeline(blocks(file), response);
  } catch {
    if (!response.headersSent) response.status(404).json({ message: 'Not found here.' });
  }
});

app.listen(Number(process.env.PORT), '127.0.0.1');
