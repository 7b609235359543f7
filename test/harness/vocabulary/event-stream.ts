// Event streams, judged by a parser that we did not write (WHATWG HTML, "Server-sent events").
import { createParser } from 'eventsource-parser';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Run, Server } from '../run/run.ts';
import type { Exchange } from '../wire/exchange.ts';
import { visible, visiblyDifferent } from '../wire/printable.js';
import { curl, expectHeader, expectStatus, untilEnd } from './http.ts';

/** An event, as a parser dispatches it. */
export type StreamEvent = {
  /** `message` where the event has no type of its own. */
  type: string;
  data: string;
  id: string | undefined;
  /** When its last chunk came, on the clock of `performance.now()`. */
  at: number;
};

type ParsedStream = {
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

/** Waits until the stream has ended, and releases all held work meanwhile. */
export async function untilStreamEnds(server: Server, stream: Exchange): Promise<void> {
  const last = () => parseStream(stream).events.at(-1);
  const advice =
    'Call response.end() on each way through the handler: it tells the client that nothing more will come.';
  const notEnded = (silence: Partial<Explanation>) => ({
    cause: last()
      ? `Your server did not end the response after the event ${last()!.type}.`
      : `Your server did not answer ${stream.name} completely.`,
    advice,
    ...silence,
    ...curl(stream),
  });
  await untilEnd(server, stream, notEnded, {
    cause: `Your server broke off the connection of ${stream.name} instead of ending the response.`,
    advice: `${advice} When status 200 has been sent, only an event can say what went wrong.`,
    ...curl(stream),
  });
}

/** Why the event that should be the next one has not come; `advice` is for a server that has not sent a part of it. */
export function missingEvent(run: Run, stream: Exchange, type: string, advice: string): Explanation {
  run.missing(`event: ${type}`);
  const rest = unfinishedEvent(stream) || (parseStream(stream).events.length === 0 ? stream.text : '');
  if (rest === '') return { cause: `Your server did not send the event ${type}.`, advice, ...curl(stream) };
  const hasFields = /^(event|data)(:|$)/m.test(rest);
  return {
    cause: hasFields
      ? `Your server sent the event ${type} without the blank line that ends it.`
      : `Your server sent text without a field event or data where the event ${type} should be.`,
    compare: {
      expected: `event: ${type}\\ndata: …\\n\\n`,
      received: visible(stream.text.slice(stream.text.lastIndexOf(rest))),
    },
    advice: hasFields
      ? 'Write one more \\n after the \\n of the last line of each event, of the last event too: a blank line ends an event.'
      : 'Write an event in fields: event: and its type on one line, data: and its text on the next, then a blank line.',
    ...curl(stream),
  };
}

const plainEvent = ({ type, data }: Pick<StreamEvent, 'type' | 'data'>): string => `${type}: ${data}`;

/** Type and data of an event, as an explanation shows them. */
export const shownEvent = (event: Pick<StreamEvent, 'type' | 'data'>): string => visible(plainEvent(event));

/** The response is an event stream with exactly these events. */
export function expectEvents(
  run: Run,
  stream: Exchange,
  expected: readonly Pick<StreamEvent, 'type' | 'data'>[],
  advice: string,
): void {
  expectEventStream(stream);
  const { events } = parseStream(stream);
  for (const [i, wanted] of expected.entries()) {
    const sent = events[i];
    if (!sent) throw new Failure(missingEvent(run, stream, wanted.type, advice));
    const compare = visiblyDifferent(plainEvent(wanted), plainEvent(sent));
    const untyped = sent.type === 'message';
    expect(sent.type === wanted.type, {
      cause: `Your server sent ${untyped ? 'an event without a type' : `the event ${sent.type}`} where the event ${wanted.type} should be.`,
      compare,
      advice: untyped ? 'Write the fields event and data of an event without a blank line between them.' : advice,
      ...curl(stream),
    });
    expect(sent.data === wanted.data, {
      cause: `Your server sent the event ${wanted.type} with the wrong data.`,
      compare,
      advice: /^["{[]/.test(sent.data) ? 'Write the text itself after data:, without JSON.stringify.' : advice,
      ...curl(stream),
    });
  }
  const extra = events[expected.length];
  expect(!extra, {
    cause: `Your server sent one event too many after the event ${expected.at(-1)!.type}.`,
    compare: { expected: '(the end of the response)', received: extra ? shownEvent(extra) : '' },
    advice,
    ...curl(stream),
  });
}

/**
 * On a quiet stream, the server writes comments again and again, and nothing else.
 * @param interval its QUIET_INTERVAL, in milliseconds
 */
export async function expectComments(
  { program, run }: Server,
  stream: Exchange,
  interval: number,
  see: string,
): Promise<void> {
  const sentBefore = stream.text.length;
  // An event without data reaches nobody, so a stream may begin with it.
  const withData = () => parseStream(stream).events.filter(({ data }) => data !== '');
  const eventsBefore = withData().length;
  for (const count of [1, 2, 3]) {
    await run.expectSoon(
      () => parseStream(stream).comments.length >= count || withData().length > eventsBefore,
      () => {
        run.missing('a comment');
        const received = stream.text.slice(sentBefore);
        const wrong = received !== '' && count === 1;
        return {
          cause: wrong
            ? 'Your server wrote on a quiet stream, but what it wrote is not a comment.'
            : count === 1
              ? `QUIET_INTERVAL was ${interval}, but your server wrote no comment on an open stream on which nothing else was sent.`
              : 'Your server wrote a comment on an open stream, but then no more comments followed.',
          ...(received !== '' && {
            compare: { expected: ': … and a blank line, again and again', received: visible(received.slice(0, 60)) },
          }),
          advice: wrong
            ? 'Begin the line with a colon, as in : still here, and end the comment with \\n\\n. Clients ignore a comment, and they look at everything else.'
            : count === 1
              ? 'Call setInterval with quietInterval when the stream has begun, and write a comment each time: a colon, any text, and \\n\\n.'
              : 'Write a comment again and again: setInterval does this, and setTimeout only calls its function one time.',
          see,
        };
      },
      program,
    );
    const event = withData()[eventsBefore];
    expect(!event, {
      cause: 'Your server wrote an event on a quiet stream, but only a comment may be written there.',
      compare: { expected: ': …', received: `data: ${visible(event?.data ?? '')}` },
      advice: 'Begin the line with a colon. Data would reach the client as a message, and it is not JSON-RPC.',
      see,
    });
  }
}

/** A JSON-RPC message as an event. */
export const eventOf = (message: unknown): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
