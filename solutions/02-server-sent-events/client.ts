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
  // #region task 3: read events
  // starter: return (piece) => dispatch('message', piece);
  let unfinished = '';
  let afterReturn = false;
  let type = '';
  let data: string[] = [];

  function readLine(line: string): void {
    if (line === '') {
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === 'event') type = value!;
    if (field === 'data') data.push(value!);
    // A comment has an empty field name. The fields id and retry are for taking a stream up again.
  }

  return (piece) => {
    if (piece === '') return;
    // A \r ends its line at once; a \n that begins the next piece is its second half.
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\r');
    const lines = (unfinished + text).split(/\r\n|\r|\n/);
    unfinished = lines.pop()!;
    for (const line of lines) readLine(line);
  };
  // #endregion
}
