import { createParser } from 'eventsource-parser';
import fetch from 'node-fetch';

// Reads with a library; a client that was refused while it connects again keeps trying; ends by the signal itself.
const url = process.argv[2]!;
const idle = Number(process.env.IDLE_LIMIT ?? 30_000);

type Outcome = { ok: boolean; text: string };
let lastEventId: string | undefined;
let wait = 1000;
let watch: NodeJS.Timeout | undefined;
let abort = new AbortController();

function finish({ ok, text }: Outcome): never {
  if (!ok) console.error(text);
  process.exit(ok ? 0 : 1);
}

function alive() {
  clearTimeout(watch);
  watch = setTimeout(finish, idle, { ok: false, text: `no sign of life for ${idle} ms` });
}

process.once('SIGINT', () => {
  console.error('stopped by Ctrl+C');
  abort.abort();
  process.kill(process.pid, 'SIGINT');
});

async function connect(): Promise<Outcome | undefined> {
  abort = new AbortController();
  alive();
  const id = lastEventId && Buffer.from(lastEventId).toString('binary');
  const headers = { Accept: 'text/event-stream', ...(id && { 'Last-Event-ID': id }) };
  const response = await fetch(url, { headers, signal: abort.signal });
  alive();
  if (response.status === 204) return { ok: true, text: '' };
  if (!response.ok) return { ok: false, text: `HTTP ${response.status}` };
  const type = response.headers.get('Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'text/event-stream') return { ok: false, text: `${type} is no event stream` };
  let outcome: Outcome | undefined;
  const parser = createParser({
    onEvent({ event = 'message', data, id }) {
      lastEventId = id ?? lastEventId;
      process.stdout.write(`${event}: ${data}\n`);
      if (event === 'done') outcome = { ok: true, text: '' };
      if (event === 'error') outcome = { ok: false, text: 'the report failed' };
    },
    onRetry: (value) => (wait = Math.min(value, 24 * 3_600_000)),
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body!) {
      alive();
      parser.feed(decoder.decode(chunk as Buffer, { stream: true }));
      if (outcome) return outcome;
    }
  } catch (error) {
    if (lastEventId === undefined) return { ok: false, text: (error as Error).message };
  }
  return outcome ?? (lastEventId === undefined ? { ok: false, text: 'half a report' } : undefined);
}

for (let outcome: Outcome | undefined; ;) {
  try {
    outcome = await connect();
  } catch (error) {
    outcome = lastEventId === undefined ? { ok: false, text: (error as Error).message } : undefined;
  }
  if (outcome) finish(outcome);
  clearTimeout(watch);
  await new Promise((resolve) => setTimeout(resolve, wait));
}
