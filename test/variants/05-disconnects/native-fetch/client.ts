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

/** @returns what is left to say, or that the stream is to be taken up again. */
async function once(): Promise<'again' | 0 | 1> {
  const own = new AbortController();
  const signal = AbortSignal.any([own.signal, interrupted.signal]);
  const cancel = () => own.abort();
  const response = await withLimit(
    fetch(url, { signal, headers: known === '' ? { accept: 'text/event-stream' } : { 'last-event-id': known } }),
    cancel,
  );
  if (response.status === 204) return 0;
  if (!response.ok) throw new Error(`status ${response.status}`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let id = '';
  for (;;) {
    const { done, value } = await withLimit(reader.read(), cancel).catch((error: Error) => {
      if (interrupted.signal.aborted || error.message === 'silence') throw error;
      return { done: true, value: undefined };
    });
    if (done) break;
    text += value;
    const blocks = text.split(/\n\n/);
    text = blocks.pop()!;
    for (const block of blocks) {
      let event = 'message';
      const data: string[] = [];
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'event') event = content || 'message';
        if (name === 'data') data.push(content);
        if (name === 'id') id = content;
        if (name === 'retry' && /^[0-9]+$/.test(content)) delay = Number(content);
      }
      known = id;
      if (data.length === 0) continue;
      console.log(`${event}: ${data.join('\n')}`);
      if (event === 'error') throw new Error('the server gave up');
      if (event === 'done') return 0;
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
