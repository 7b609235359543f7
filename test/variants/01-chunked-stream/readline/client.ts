import { createInterface } from 'node:readline';
import fetch from 'node-fetch';

try {
  const response = await fetch(process.argv[2]!);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  for await (const line of createInterface({ input: response.body!, crlfDelay: Infinity })) console.log(line);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
