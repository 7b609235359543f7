// Over the built-in fetch and its reader; the id begins empty in each stream, as the standard has it; waits a little longer each time.
import { setTimeout as sleep } from 'node:timers/promises';

const [, , url = 'http://127.0.0.1:3000/report'] = process.argv;
const limit = Number(process.env.IDLE_LIMIT ?? 30_000);
const interrupted = new AbortController();
process.on('SIGINT', () => interrupted.abort());

let known = '';
let delay = 500;

async function withLimit<T>(promise: Promise<T>, cancel: () => void): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error('silence'));
      cancel();
    }, limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Splits text into lines; a \r at the end of a piece waits for what follows. */
function* linesOf(pieces: { rest: string }, piece: string): Generator<string> {
  pieces.rest += piece;
  for (let found; (found = /\r\n|\n|\r(?!$)/.exec(pieces.rest));) {
    const line = pieces.rest.slice(0, found.index);
    pieces.rest = pieces.rest.slice(found.index + found[0].length);
    yield line;
  }
}

/** @returns how it ended: the stream is to be resumed, or the exit code. */
async function once(): Promise<'again' | 0> {
  const own = new AbortController();
  const signal = AbortSignal.any([own.signal, interrupted.signal]);
  const cancel = () => own.abort();
  const headers: HeadersInit = { accept: 'text/event-stream' };
  if (known !== '') headers['last-event-id'] = String.fromCharCode(...new TextEncoder().encode(known));
  const response = await withLimit(fetch(url, { signal, headers }), cancel);
  if (response.status === 204) return 0;
  if (!response.ok) throw new Error(`status ${response.status}`);
  if (!/^text\/event-stream *(;|$)/i.test(response.headers.get('content-type') ?? '')) throw new Error('no events');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const text = { rest: '' };
  let event = '';
  let data: string[] = [];
  let id = known;
  for (;;) {
    const { done, value } = await withLimit(reader.read(), cancel).catch((error: Error) => {
      if (interrupted.signal.aborted || error.message === 'silence') throw error;
      return { done: true, value: undefined };
    });
    if (done) break;
    for (const line of linesOf(text, value!)) {
      if (line !== '') {
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'event') event = content;
        if (name === 'data') data.push(content);
        if (name === 'id' && !content.includes('\0')) id = content;
        if (name === 'retry' && /^[0-9]+$/.test(content)) delay = Math.min(Number(content), 1_000_000_000);
        continue;
      }
      const complete = { type: event || 'message', data };
      event = '';
      data = [];
      known = id;
      if (complete.data.length === 0) continue;
      console.log(`${complete.type}: ${complete.data.join('\n')}`);
      if (complete.type === 'error') throw new Error('the server gave up');
      if (complete.type === 'done') return 0;
    }
  }
  if (known === '') throw new Error('incomplete');
  return 'again';
}

try {
  while ((await once()) === 'again') {
    await sleep(delay * (1 + Math.random() / 10), undefined, { signal: interrupted.signal });
  }
  process.exit(0);
} catch (error) {
  console.error(interrupted.signal.aborted ? 'Interrupted.' : (error as Error).message);
  process.exit(interrupted.signal.aborted ? 130 : 1);
}
