// Event streams, judged by a parser that we did not write (WHATWG HTML, "Server-sent events").
import { createParser } from 'eventsource-parser';
import type { Exchange } from '../wire/exchange.ts';

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
export function parseStream({ chunks, text }: Exchange): ParsedStream {
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

/** A JSON-RPC message as an event. */
export const eventOf = (message: unknown): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
