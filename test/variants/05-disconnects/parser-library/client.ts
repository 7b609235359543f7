import { createParser } from 'eventsource-parser';
import fetch from 'node-fetch';

// Reads with a library; ends by the signal itself.
const url = process.argv[2]!;
const idle = Number(process.env.IDLE_LIMIT ?? 30_000);

type Outcome = { ok: boolean; text: string };
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

async function connect(): Promise<Outcome> {
  abort = new AbortController();
  alive();
  const response = await fetch(url, { headers: { Accept: 'text/event-stream' }, signal: abort.signal });
  alive();
  if (!response.ok) return { ok: false, text: `HTTP ${response.status}` };
  const type = response.headers.get('Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'text/event-stream') return { ok: false, text: `${type} is no event stream` };
  let outcome: Outcome | undefined;
  const parser = createParser({
    onEvent({ event = 'message', data }) {
      process.stdout.write(`${event}: ${data}\n`);
      if (event === 'done') outcome = { ok: true, text: '' };
      if (event === 'error') outcome = { ok: false, text: 'the report failed' };
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body!) {
      alive();
      parser.feed(decoder.decode(chunk as Buffer, { stream: true }));
      if (outcome) return outcome;
    }
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
  return outcome ?? { ok: false, text: 'half a report' };
}

finish(await connect().catch((error: Error) => ({ ok: false, text: error.message })));
