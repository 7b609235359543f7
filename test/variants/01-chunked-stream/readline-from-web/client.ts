import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

const response = await fetch(process.argv[2]!).catch((error: Error) => error);
if (response instanceof Error) {
  console.error(String(response.cause));
  process.exitCode = 1;
} else if (!response.ok) {
  console.error('not the stream, but', response.status);
  process.exitCode = 1;
} else {
  const text = response.body!.pipeThrough(new TextDecoderStream());
  const input = Readable.fromWeb(text as ReadableStream);
  const lines = createInterface({ input, crlfDelay: Infinity });
  lines.on('line', (line) => process.stdout.write(line + '\n'));
  lines.once('error', (error) => {
    console.error('broken off:', error.message);
    process.exitCode = 1;
  });
}
