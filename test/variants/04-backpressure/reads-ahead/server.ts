import express from 'express';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rows } from '#support/rows.ts';

const app = express();
const folder = process.env.FILES_FOLDER!;

// Makes 20,000 rows ahead of each reader, and no more.
app.get('/export', async (_request, response) => {
  response.type('application/x-ndjson');
  const table = Readable.from(rows(), { highWaterMark: 20_000 });
  await pipeline(
    table.map((row) => `${JSON.stringify(row)}\n`),
    response,
  ).catch(() => {});
});

// Reads block by block; each block waits until the client has taken the one before.
app.get('/files/:name', async (request, response) => {
  const { name } = request.params;
  const plain = !name.includes('/') && !name.includes('\\') && name !== '..';
  const file = plain ? await open(join(folder, name)).catch(() => undefined) : undefined;
  try {
    const stats = await file?.stat();
    if (!file || !stats?.isFile()) {
      response.status(404).type('text').send('There is no such file.');
      return;
    }
    response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(stats.size) });
    while (!response.destroyed) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) break;
      await new Promise<void>((resolve) => response.write(buffer.subarray(0, bytesRead), () => resolve()));
    }
    response.end();
  } finally {
    await file?.close();
  }
});

app.listen(Number(process.env.PORT), '127.0.0.1');
