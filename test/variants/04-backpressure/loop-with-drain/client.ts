import { once } from 'node:events';
import { createWriteStream, existsSync, renameSync, unlinkSync } from 'node:fs';
import fetch from 'node-fetch';

const [url = '', file = ''] = process.argv.slice(2);
const part = `${file}.${Date.now().toString(36)}-${process.pid}.tmp`;

// A loop of its own, which waits for drain; once rejects when the stream emits error.
const out = createWriteStream(part);
try {
  await once(out, 'open');
  const response = await fetch(url, { headers: { Accept: '*/*' } });
  if (response.status < 200 || response.status > 299) throw new Error(`HTTP status ${response.status}`);
  for await (const chunk of response.body!) {
    if (!out.write(chunk)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  renameSync(part, file);
} catch (error) {
  out.destroy();
  if (!out.closed) await once(out, 'close').catch(() => {});
  if (existsSync(part)) unlinkSync(part);
  console.error(`could not save ${file}: ${(error as Error).message}`);
  process.exit(1);
}
