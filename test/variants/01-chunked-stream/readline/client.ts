import { createInterface } from 'node:readline';
import fetch from 'node-fetch';

try {
  const response = await fetch(process.argv[2]!);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  // The stream decodes itself: readline would drop half a character at the end.
  const input = response.body as NodeJS.ReadableStream;
  input.setEncoding('utf8');
  for await (const line of createInterface({ input, crlfDelay: Infinity })) console.log(line);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
