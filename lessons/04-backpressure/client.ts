import fetch from 'node-fetch';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const [url = 'http://127.0.0.1:3000/files/notes.txt', file = 'download'] = process.argv.slice(2);

/** Ends the request when the client gives up. Otherwise a body that nobody reads would keep the client running. */
const stop = new AbortController();

/** The name of FILE until it is complete: in the same folder, and different for each run. */
const unfinished = `${file}.${process.pid}.part`;

try {
  const response = await fetch(url, { signal: stop.signal });
  // TODO task 3: save the body as the unfinished file, wait for the disk, and rename this file when it is complete
  const text = await response.text();
  createWriteStream(file).end(text);
  console.log(`saved ${file}`);
} catch (error) {
  // TODO task 3: remove the unfinished file
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = 1;
  stop.abort();
}
