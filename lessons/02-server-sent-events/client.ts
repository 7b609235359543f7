import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/calculate?a=7&b=5&op=mul';

try {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }

  const decoder = new TextDecoder();
  const read = eventReader((type, data) => console.log(`${type}: ${data}`));
  for await (const chunk of response.body) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
  }
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = 1;
}

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text as it comes; it calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  // TODO task 3: read events
  return (piece) => dispatch('message', piece);
}
