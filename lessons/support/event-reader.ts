// Reads an event stream: what lessons 3 and 6 wrote for their clients.

/** The longest event that a client reads, in characters. */
const longestEvent = 16 * 1024 ** 2;

export type StreamEvent = { type: string; data: string };

type EventReader = {
  /** Reads the next piece of text. An event is dispatched as soon as its blank line has arrived. */
  read(piece: string): void;
  /** The id of the last complete event that had one; an event without an id leaves it as it was. */
  lastEventId: string;
  /** Milliseconds to wait before the client asks again, once the server has said so. */
  retry: number | undefined;
};

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Events that have `data` are dispatched, also when their data is empty.
 *
 * @param lastEventId the id that the client has from an earlier connection
 * @throws Error, from `read`, when an event is longer than 16 Mi characters
 */
export function eventReader(dispatch: (event: StreamEvent) => void, lastEventId = ''): EventReader {
  let type = '';
  let data: string[] = [];
  let id = lastEventId;

  function readLine(line: string): void {
    if (line === '') {
      reader.lastEventId = id;
      if (data.length > 0) dispatch({ type: type || 'message', data: data.join('\n') });
      type = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
    if (field === 'id' && !value.includes('\0')) id = value;
    if (field === 'retry' && /^\d+$/.test(value)) reader.retry = Number(value);
    // A comment has an empty field name.
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

  const reader: EventReader = {
    lastEventId,
    retry: undefined,
    read(piece) {
      if (piece === '') return;
      // A \r ends its line immediately. A \n at the start of the next piece is the second half of the same line break.
      const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
      afterReturn = piece.endsWith('\r');
      const [rest, ...starts] = text.split(/\r\n|\r|\n/);
      keep(rest!);
      for (const start of starts) {
        const line = pieces.join('');
        pieces = [];
        if (line === '') length = 0;
        readLine(line);
        keep(start);
      }
    },
  };
  return reader;
}
