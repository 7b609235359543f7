import { randomUUID } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import fetch from 'node-fetch';

const [url, file] = process.argv.slice(2) as [string, string];
const temporary = `${file}.${randomUUID()}`;

// Awaits each write.
async function save(): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(response.statusText);
  const handle = await open(temporary, 'wx');
  try {
    for await (const chunk of response.body!) await handle.write(chunk as Buffer);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(temporary);
    throw error;
  }
}

save().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
