import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/stream';

try {
  const response = await fetch(url);
  // TODO task 3: throw an error for a wrong status, and print each line as soon as it is complete
  console.log(await response.text());
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = 1;
}
