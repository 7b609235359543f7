// Event streams, judged by a parser that we did not write (WHATWG HTML, "Server-sent events").
import { createParser } from 'eventsource-parser';
import type { Explanation } from '../run/failure.ts';
import type { Exchange } from '../wire/exchange.ts';
import { curl, expectHeader, expectStatus } from './http.ts';

/** An event, as a parser dispatches it. */
export type StreamEvent = {
  /** `message` where the event has no type of its own. */
  type: string;
  data: string;
  id: string | undefined;
  /** When its last chunk came, on the clock of `performance.now()`. */
  at: number;
};

export type ParsedStream = {
  events: StreamEvent[];
  /** When each comment came. */
  comments: number[];
  /** The last `retry`, in milliseconds, and whether it stands before the first event. */
  retry: number | undefined;
  begins: boolean;
};

/** What a parser reads from the body so far. */
export function parseStream({ chunks, text }: Pick<Exchange, 'chunks' | 'text'>): ParsedStream {
  const parsed: ParsedStream = { events: [], comments: [], retry: undefined, begins: false };
  const decoder = new TextDecoder();
  let at = 0;
  const parser = createParser({
    onEvent: ({ event: type = 'message', data, id }) => parsed.events.push({ type, data, id, at }),
    onComment: () => parsed.comments.push(at),
    onRetry: (retry) => Object.assign(parsed, { retry, begins: parsed.events.length === 0 }),
  });
  for (const chunk of chunks) {
    at = chunk.at;
    parser.feed(decoder.decode(chunk.bytes, { stream: true }));
  }
  // The parser waits for what follows a \r; a \n does not change what it ends.
  if (text.endsWith('\r')) parser.feed('\n');
  return parsed;
}

/** What stands behind the last blank line: an event without its end. */
export const unfinishedEvent = ({ text }: Exchange): string => text.replace(/^[^]*(\r\n\r\n|\n\n|\r\r)/, '').trim();

/** The response is an event stream that nothing on its way stores, compresses or collects; `why` says more of one that is not. */
export function expectEventStream(exchange: Exchange, why: Partial<Explanation> = {}): void {
  const type = /^text\/event-stream\s*(;\s*charset="?utf-8"?\s*)?$/i;
  const directives = (value: string) => value.toLowerCase().split(/\s*,\s*/);
  const { see } = { ...curl(exchange, '-i'), ...why };
  expectStatus(exchange, 200, {
    cause: `Your server answered ${exchange.name} with status ${exchange.status} instead of an event stream.`,
    advice: 'Send status 200 and the headers of an event stream, and then write the events.',
    see,
    ...why,
  });
  expectHeader(exchange, 'Content-Type', (value) => type.test(value), 'text/event-stream', {
    cause: `Your server did not answer ${exchange.name} with an event stream.`,
    advice: 'Set Content-Type to text/event-stream. Clients recognize an event stream by this header.',
    see,
    ...why,
  });
  expectHeader(
    exchange,
    'Cache-Control',
    (value) => ['no-cache', 'no-transform'].every((directive) => directives(value).includes(directive)),
    'no-cache, no-transform',
    {
      cause: 'The Cache-Control header is wrong.',
      advice:
        'Set Cache-Control to no-cache, no-transform. Otherwise a proxy may answer with a stored stream, or compress the stream and so delay its events.',
      see,
    },
  );
  expectHeader(exchange, 'X-Accel-Buffering', (value) => value.toLowerCase() === 'no', 'no', {
    cause: 'The X-Accel-Buffering header is wrong.',
    advice: 'Set X-Accel-Buffering to no. Otherwise nginx collects events, and passes them on later.',
    see,
  });
}

/** A JSON-RPC message as an event. */
export const eventOf = (message: unknown): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
