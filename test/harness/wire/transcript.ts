import { performance } from 'node:perf_hooks';
import { escapeInvisible, visible } from './printable.js';

export { visible };

/**
 * The marks of a `wire` capture: `→` sent by the client, `←` received by it, `▸` printed by it,
 * `·` the server's work, `✗` what should have been there.
 */
export type Mark = '→' | '←' | '▸' | '·' | '✗';

export type Entry = {
  /** Milliseconds since the first entry. */
  at: number;
  mark: Mark;
  /** Which of several connections or programs, as the learner knows it: `client 2`. */
  who?: string | undefined;
  readonly text: string;
};

export type Transcript = {
  entries: readonly Entry[];
  /** A text that is given as a function is made when somebody reads it. */
  add(mark: Mark, text: string | (() => string), who?: string): void;
};

/** `onEntry` is called with each entry as it is made. */
export function transcript(onEntry: (entry: Entry) => void = () => {}): Transcript {
  let began: number | undefined;
  const entries: Entry[] = [];
  return {
    entries,
    add(mark, text, who) {
      const now = performance.now();
      began ??= now;
      const entry: Entry = {
        at: now - began,
        mark,
        who,
        get text() {
          return typeof text === 'string' ? text : text();
        },
      };
      entries.push(entry);
      onEntry(entry);
    },
  };
}

const mostRows = 24;

/** One row of a `wire` capture, at most `columns` wide. */
export function row({ at, mark, who, text }: Entry, whoWidth = 0, columns = 76): string {
  const line = `${at.toFixed(0).padStart(5)} ms  ${whoWidth ? `${escapeInvisible(who ?? '').padEnd(whoWidth)}  ` : ''}${mark} ${escapeInvisible(text)}`;
  return line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}

/** A `wire` capture as text: a row an entry, the middle left out when it is long. */
export function draw(entries: readonly Entry[]): string {
  const whoWidth = entries.reduce((width, { who }) => Math.max(width, who?.length ?? 0), 0);
  const rows = (some: readonly Entry[]) => some.map((entry) => row(entry, whoWidth));
  if (entries.length <= mostRows) return rows(entries).join('\n');
  const left = entries.length - mostRows + 1;
  return [...rows(entries.slice(0, 8)), `          … ${left} rows left out`, ...rows(entries.slice(8 + left))].join(
    '\n',
  );
}

/** A request as a row of a capture shows it, with the headers that decide what becomes of it. */
export const requestLine = (name: string, headers: Record<string, string | string[] | undefined>): string =>
  Object.entries(headers).reduce(
    (line, [header, value]) => (value === undefined ? line : `${line}  ${header}: ${value}`),
    name,
  );

/**
 * A chunk as a row of a capture shows it: without its last line break, and the other control characters made visible;
 * of one that is no text only its size.
 */
export const visibleChunk = (bytes: Buffer): string =>
  bytes.includes(0)
    ? `(${bytes.length} bytes)`
    : visible(
        bytes
          .subarray(0, 1000)
          .toString()
          .replace(/\r?\n$/, ''),
      );
