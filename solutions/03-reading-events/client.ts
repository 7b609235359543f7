import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/calculate?a=7&b=5&op=mul';

/** The longest event that the client reads, in characters. */
const longestEvent = Number(process.env.LONGEST_EVENT ?? 16 * 1024 ** 2);

/** Ends the request when the client gives up. Otherwise a body that nobody reads would keep the client running. */
const stop = new AbortController();

try {
  // #region task 3: ask for an event stream
  // starter: const response = await fetch(url, { signal: stop.signal });
  const headers = { Accept: 'text/event-stream' };
  const response = await fetch(url, { headers, signal: stop.signal });
  // #endregion
  // #region task 3: refuse every answer that is not an event stream
  // starter: if (!response.body) throw new Error('the server sent no body');
  if (!response.ok || !response.body) {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }
  const contentType = response.headers.get('Content-Type') ?? '';
  // Parameters such as charset=utf-8 follow after a semicolon, and the case of the letters does not count.
  if (contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream') {
    throw new Error(`the server sent no event stream, but the Content-Type '${contentType}'`);
  }
  // #endregion

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
    // #region task 1: dispatch the event at a blank line
    // starter: dispatch('message', line);
    if (line === '') {
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    // #endregion
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    // #region task 1: keep the field
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
    // A comment has an empty field name. The fields id and retry are for resuming a stream.
    // #endregion
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
    // #region task 2: read lines that are cut anywhere
    // starter: text.split('\n').slice(0, -1).forEach(readLine);
    const [rest, ...starts] = text.split(/\r\n|\r|\n/);
    keep(rest!);
    for (const start of starts) {
      const line = pieces.join('');
      pieces = [];
      if (line === '') length = 0;
      readLine(line);
      keep(start);
    }
    // #endregion
  };
}
