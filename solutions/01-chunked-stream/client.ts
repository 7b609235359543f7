import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/stream';

try {
  const response = await fetch(url);
  // #region task 3: throw an error for a wrong status, and print each line as soon as it is complete
  // starter: console.log(await response.text());
  if (!response.ok || !response.body) {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }

  const decoder = new TextDecoder();
  let unfinished = '';
  for await (const piece of response.body) {
    unfinished += decoder.decode(piece as Buffer, { stream: true });
    const lines = unfinished.split(/\r?\n/);
    unfinished = lines.pop()!;
    for (const line of lines) console.log(line);
  }
  unfinished += decoder.decode();
  if (unfinished) console.log(unfinished);
  // #endregion
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = 1;
}
