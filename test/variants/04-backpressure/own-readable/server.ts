import { open } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { rows, type Row } from '#support/rows.ts';

/** Gives a row each time that it is asked for one. */
class Table extends Readable {
  readonly #rows: AsyncGenerator<Row> = rows();

  override _read() {
    this.#rows.next().then(({ value, done }) => this.push(done ? null : `${JSON.stringify(value)}\n`));
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void) {
    this.#rows.return(undefined).then(() => callback(error));
  }
}

/** Resolves when the piece has gone out, or cannot go out any more. */
const write = (response: ServerResponse, piece: Uint8Array) =>
  new Promise<void>((resolve) => response.write(piece, () => resolve()));

// A file is read by hand, block by block, each when the one before has gone out.
createServer(async (request, response) => {
  const [, route, part = '', ...more] = request.url!.split('/');
  if (route === 'export') {
    response.setHeader('content-type', 'application/x-ndjson');
    const table = new Table({ highWaterMark: 1024 * 1024 });
    response.on('close', () => table.destroy());
    table.pipe(response);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
  const name = decodeURIComponent(part);
  const plain = more.length === 0 && name === basename(name) && !['', '.', '..'].includes(name);
  const file = plain ? await open(join(process.env.FILES_FOLDER!, name)).catch(() => undefined) : undefined;
  const stats = await file?.stat();
  if (!file || !stats?.isFile()) {
    await file?.close();
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"file not found"}');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': stats.size });
  while (!response.closed) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(256 * 1024));
    if (bytesRead === 0) break;
    await write(response, buffer.subarray(0, bytesRead));
  }
  await file.close();
  response.end();
}).listen(Number(process.env.PORT), '127.0.0.1');
