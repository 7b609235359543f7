import { setTimeout as sleep } from 'node:timers/promises';
import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/report';

/** Milliseconds without a byte, after which the client gives up. */
const idleLimit = Number(process.env.IDLE_LIMIT ?? 30_000);

/** Aborted when the client should wait no longer; its reason says why. */
const stop = new AbortController();

// #region task 3: stop when nothing comes for too long, and on Ctrl-C
let idle: NodeJS.Timeout | undefined;
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('interrupted'));
});
// #endregion

/** What the client keeps from one connection to the next. */
let lastEventId = '';
let retry = 1000;
/** The type of the last event, when it was done or error: nothing comes after those. */
let outcome = '';

try {
  await readStream();
  // #region task 4: as long as there is more to come, and an id to go on from, connect again
  while (!outcome && lastEventId) {
    clearTimeout(idle); // nobody is asked now
    await sleep(retry, undefined, { signal: stop.signal });
    await readStream();
  }
  // #endregion
  // #region task 2: anything but the event done is a failure
  if (outcome === 'error') throw new Error('the server could not finish');
  if (!outcome) throw new Error('the stream was over before done');
  // #endregion
} catch (error) {
  const { message } = (stop.signal.reason ?? error) as Error;
  console.error(`${url}: ${message}`);
  process.exitCode ??= 1;
}

/** Connects, and prints each event until the stream is over. */
async function readStream(): Promise<void> {
  // #region task 3: the limit begins with the request
  idle = setTimeout(() => stop.abort(new Error(`nothing came for ${idleLimit} ms`)), idleLimit);
  idle.unref(); // by itself, it does not keep the client alive
  // #endregion
  // #region task 4: say where to go on; an answer of 204 says that there is nothing more
  // starter: const response = await fetch(url, { signal: stop.signal });
  const headers: Record<string, string> = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
  const response = await fetch(url, { headers, signal: stop.signal });
  if (response.status === 204) {
    outcome = 'done';
    return;
  }
  // #endregion
  if (!response.ok || !response.body) {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }
  // #region task 4: a stream that breaks off is over, unless it was this client that stopped
  // starter: await print(response.body);
  await print(response.body).catch(() => stop.signal.throwIfAborted());
  // #endregion
}

async function print(body: NodeJS.ReadableStream): Promise<void> {
  const decoder = new TextDecoder();
  const read = eventReader((type, data) => {
    console.log(`${type}: ${data}`);
    // #region task 2: keep how it ended
    if (type === 'done' || type === 'error') outcome = type;
    // #endregion
  });
  for await (const chunk of body) {
    // #region task 3: a sign of life
    idle?.refresh();
    // #endregion
    read(decoder.decode(chunk as Buffer, { stream: true }));
  }
}

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text as it comes; it calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  let unfinished = '';
  let afterReturn = false;
  let type = '';
  let data: string[] = [];
  let id = lastEventId;

  function readLine(line: string): void {
    if (line === '') {
      // #region task 4: the id counts from here on
      lastEventId = id;
      // #endregion
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === 'event') type = value!;
    if (field === 'data') data.push(value!);
    // #region task 4: keep the fields id and retry
    if (field === 'id' && !value!.includes('\0')) id = value!;
    if (field === 'retry' && /^\d+$/.test(value!)) retry = Number(value);
    // #endregion
    // A comment has an empty field name.
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
}
