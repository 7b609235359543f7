import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import fetch from 'node-fetch';

const [url, file] = process.argv.slice(2) as [string, string];

// Nothing is kept: each piece is on the disk before the next is read.
const part = join(dirname(file), `.${randomUUID()}~`);
try {
  const fd = openSync(part, 'wx');
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}`);
  for await (const chunk of response.body!) writeSync(fd, chunk as Buffer);
  closeSync(fd);
  renameSync(part, file);
} catch (error) {
  rmSync(part, { force: true });
  process.stderr.write(`${url} was not saved, ${error}\n`);
  process.exitCode = 1;
}
