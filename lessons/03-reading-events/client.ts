import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/calculate?a=7&b=5&op=mul';

/** The longest event that the client reads, in characters. */
const longestEvent = Number(process.env.LONGEST_EVENT ?? 16 * 1024 ** 2);

/** Ends the request when the client gives up. Otherwise a body that nobody reads would keep the client running. */
const stop = new AbortController();

try {
  // TODO task 3: ask for an event stream
  const response = await fetch(url, { signal: stop.signal });
  // TODO task 3: refuse every answer that is not an event stream
  if (!response.body) throw new Error('the server sent no body');

  const decoder = new TextDecoder();
  const read = eventReader((type, data) => console.log(`${type}: ${data}`));
  for await (const chunk of response.body) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
  }
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode = 1;
  stop.abort();
}

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text when it arrives. It calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  /** The type of the event that is not finished, and the values of its fields `data`. */
  let type = '';
  let data: string[] = [];

  function readLine(line: string): void {
    // TODO task 1: dispatch the event at a blank line
    dispatch('message', line);
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    // TODO task 1: keep the field
  }

  /** The pieces of the unfinished line. They are joined only once, because a growing text would be copied each time. */
  let pieces: string[] = [];
  /** Characters since the last blank line. */
  let length = 0;
  let afterReturn = false;

  function keep(text: string): void {
    pieces.push(text);
    length += text.length;
    if (length > longestEvent) throw new Error(`an event has more than ${longestEvent} characters`);
  }

  return (piece) => {
    if (piece === '') return;
    // A \r ends its line immediately. A \n at the start of the next piece is the second half of the same line break.
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\r');
    // TODO task 2: read lines that are cut anywhere
    text.split('\n').slice(0, -1).forEach(readLine);
  };
}
