import fetch from 'node-fetch';

// Lines and events as async generators; an event is an object that is filled field by field.
const most = Number(process.env.LONGEST_EVENT ?? 10_000_000);

class Refused extends Error {}

async function* texts(body: NodeJS.ReadableStream): AsyncGenerator<string> {
  body.setEncoding('utf8');
  let first = true;
  for await (const text of body) {
    yield first ? String(text).replace(/^\uFEFF/, '') : String(text);
    first = false;
  }
}

async function* lines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let size = 0;
  let afterReturn = false;
  for await (const piece of pieces) {
    let from = 0;
    for (let i = 0; i < piece.length; i++) {
      const character = piece[i];
      if (character !== '\n' && character !== '\r') {
        afterReturn = false;
        continue;
      }
      const second = character === '\n' && afterReturn;
      afterReturn = character === '\r';
      if (!second) {
        yield parts.join('') + piece.slice(from, i);
        parts = [];
        size = 0;
      }
      from = i + 1;
    }
    parts.push(piece.slice(from));
    if ((size += piece.length - from) > most) throw new Refused(`a line of more than ${most} characters`);
  }
}

type Fields = { event?: string; data?: string[] };

async function* events(all: AsyncIterable<string>): AsyncGenerator<Required<Fields>> {
  let fields: Fields = {};
  let size = 0;
  for await (const line of all) {
    size += line.length;
    if (size > most) throw new Refused(`an event of more than ${most} characters`);
    if (line) {
      const [, name, value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line)!;
      if (name === 'event') fields.event = value;
      else if (name === 'data') (fields.data ??= []).push(value);
      continue;
    }
    if (fields.data) yield { event: fields.event || 'message', data: fields.data };
    fields = {};
    size = 0;
  }
}

const abort = new AbortController();
fetch(process.argv[2]!, { headers: [['Accept', 'text/event-stream']], signal: abort.signal })
  .then(async (response) => {
    if (!response.ok) throw new Refused(`status ${response.status}`);
    const type = response.headers.get('content-type') ?? '(no type)';
    const { essence } = { essence: type.toLowerCase().replace(/;.*/s, '').trim() };
    if (essence !== 'text/event-stream') throw new Refused(type);
    for await (const { event, data } of events(lines(texts(response.body!))))
      console.log(`${event}: ${data.join('\n')}`);
  })
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'an error'}\n`);
    process.exitCode = 1;
    abort.abort();
  });
