import fetch from 'node-fetch';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const [url = 'http://127.0.0.1:3000/files/notes.txt', file = 'download'] = process.argv.slice(2);

// #region task 3: save the body under another name, wait for the disk, and rename the file when it is complete
// starter: const response = await fetch(url);
// starter: const text = await response.text();
// starter: createWriteStream(file).end(text);
// starter: console.log(`saved ${file}`);
const unfinished = `${file}.${process.pid}.part`;
try {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }
  await pipeline(response.body, createWriteStream(unfinished));
  await rename(unfinished, file);
  console.log(`saved ${file}`);
} catch (error) {
  await rm(unfinished, { force: true });
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = 1;
}
// #endregion
