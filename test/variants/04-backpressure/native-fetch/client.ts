import { createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

const [url, file] = process.argv.slice(2) as [string, string];

// Saves in a folder of its own beside the file.
let folder: string | undefined;
try {
  folder = await mkdtemp(join(dirname(file), '.download-'));
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const part = join(folder, 'part');
  await pipeline(response.body as ReadableStream, createWriteStream(part));
  await rename(part, file);
  console.log('saved');
} catch (error) {
  console.error(`not saved: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  if (folder) await rm(folder, { recursive: true, force: true });
}
