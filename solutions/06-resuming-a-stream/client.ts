import { setTimeout as sleep } from 'node:timers/promises';
import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/report';

/** Milliseconds without a byte, after which the client gives up. */
const idleLimit = Number(process.env.IDLE_LIMIT ?? 30_000);

/** The longest event that the client reads, in characters. */
const longestEvent = Number(process.env.LONGEST_EVENT ?? 16 * 1024 ** 2);

/** Aborted when the client should stop waiting. The reason of the abort is the error that the client prints. */
const stop = new AbortController();

/** The timer of the idle limit. */
let idle: NodeJS.Timeout | undefined;

process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
});

/** The longest time in milliseconds that a timer can hold. */
const longestWait = 2 ** 31 - 1;

/** What the client keeps from one connection to the next. */
let lastEventId = '';
let retry = 1000;
/** The type of the last event if it was done or error. No event follows these two. */
let outcome = '';

try {
  await readStream();
  // #region task 2: connect again as long as the report is not over and there is an id
  while (!outcome && lastEventId) {
    await waitForRetry();
    await readStream();
  }
  // #endregion
  if (outcome === 'error') throw new Error('the server could not finish the report');
  if (!outcome) throw new Error('the stream ended before the event done');
} catch (error) {
  const { message } = (stop.signal.reason ?? error) as Error;
  console.error(`${url}: ${message}`);
  process.exitCode ??= 1;
  stop.abort(); // otherwise a body that nobody reads would keep the client running
}

/** Connects, and prints each event until the stream is over. */
async function readStream(): Promise<void> {
  idle = setTimeout(() => stop.abort(new Error(`nothing arrived for ${idleLimit} ms`)), idleLimit);
  idle.unref(); // this timer alone does not keep the client running
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  // #region task 2: if there is an id, send it as UTF-8 in the header Last-Event-ID
  if (lastEventId) headers['Last-Event-ID'] = Buffer.from(lastEventId, 'utf8').toString('latin1');
  // #endregion
  const response = await fetch(url, { headers, signal: stop.signal });
  // #region task 3: status 204 means that there is nothing more to read
  if (response.status === 204) {
    outcome = 'done';
    return;
  }
  // #endregion
  if (!response.ok || !response.body) {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }
  const contentType = response.headers.get('Content-Type') ?? '';
  // Parameters such as charset=utf-8 follow after a semicolon, and the case of the letters does not count.
  if (contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream') {
    throw new Error(`the server sent no event stream, but the Content-Type '${contentType}'`);
  }
  // #region task 2: catch the error of a stream that breaks off, but throw it again if `stop` was aborted
  // starter: await print(response.body);
  await print(response.body).catch(() => stop.signal.throwIfAborted());
  // #endregion
}

/** Waits for the time that the field retry says. */
async function waitForRetry(): Promise<void> {
  // #region task 3: stop the idle limit, and let Ctrl+C end the wait
  // starter: await sleep(retry);
  clearTimeout(idle);
  await sleep(retry, undefined, { signal: stop.signal });
  // #endregion
}

async function print(body: NodeJS.ReadableStream): Promise<void> {
  const decoder = new TextDecoder();
  const read = eventReader((type, data) => {
    console.log(`${type}: ${data}`);
    if (type === 'done' || type === 'error') outcome = type;
  });
  for await (const chunk of body) {
    idle?.refresh();
    read(decoder.decode(chunk as Buffer, { stream: true }));
    if (outcome) return; // this closes the connection
  }
}

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text when it arrives. It calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  let type = '';
  let data: string[] = [];
  // #region task 2: begin with the id that the client has
  let id = lastEventId;
  // #endregion

  function readLine(line: string): void {
    if (line === '') {
      // #region task 2: the event is complete, so its id counts
      lastEventId = id;
      // #endregion
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
    // #region task 2: keep the fields id and retry
    if (field === 'id' && !value.includes('\0')) id = value;
    if (field === 'retry' && /^\d+$/.test(value)) retry = Math.min(Number(value), longestWait);
    // #endregion
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
    if (length > longestEvent) stop.abort(new Error(`an event has more than ${longestEvent} characters`));
  }

  return (piece) => {
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
  };
}
