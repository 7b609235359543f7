import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { rows } from '#support/rows.ts';

const folder = process.env.FILES_FOLDER!;

// A hundred rows to a write, with their fields in another order; the names of the folder are looked up each time.
async function* batches() {
  let batch = '';
  let size = 0;
  for await (const { row, note, amount } of rows()) {
    batch += `${JSON.stringify({ note, amount, row })}\r\n`;
    if (++size % 100 > 0) continue;
    yield batch;
    batch = '';
  }
  if (batch) yield batch.trimEnd();
}

createServer(async (request, response) => {
  if (request.url === '/export') {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const source = Readable.from(batches());
    response.on('close', () => source.destroy());
    source.pipe(response);
    return;
  }
  if (!['GET', 'HEAD'].includes(request.method!)) return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  const name = decodeURIComponent(/^\/files\/([^/?]*)$/.exec(request.url!)?.[1] ?? '');
  const entries = await readdir(folder, { withFileTypes: true });
  if (!entries.some((entry) => entry.isFile() && entry.name === name)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such file');
    return;
  }
  const { size } = await stat(join(folder, name));
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  const file = createReadStream(join(folder, name));
  response.on('close', () => file.destroy());
  if (response.destroyed) file.destroy();
  file.pipe(response);
}).listen(Number(process.env.PORT), '127.0.0.1');
