import { performance } from 'node:perf_hooks';

/**
 * The marks of a `wire` capture: `→` sent to the program under test, `←` received from it, `▸` printed by it,
 * `·` a piece of work, `✗` what should have been there.
 */
export type Mark = '→' | '←' | '▸' | '·' | '✗';

export type Entry = {
  /** Milliseconds since the transcript began. */
  at: number;
  mark: Mark;
  /** Which of several connections or programs, as the learner knows it: `client 2`. */
  who?: string | undefined;
  text: string;
};

export type Transcript = {
  entries: readonly Entry[];
  add(mark: Mark, text: string, who?: string): void;
};

export function transcript(onEntry: () => void = () => {}): Transcript {
  const began = performance.now();
  const entries: Entry[] = [];
  return {
    entries,
    add(mark, text, who) {
      entries.push({ at: performance.now() - began, mark, who, text });
      onEntry();
    },
  };
}

const mostRows = 24;

/** A `wire` capture as text: a row an entry, at most 78 columns, the middle left out when it is long. */
export function draw(entries: readonly Entry[]): string {
  const whoWidth = Math.max(0, ...entries.map((entry) => entry.who?.length ?? 0));
  const rows = entries.map(({ at, mark, who, text }) => {
    const row = `${at.toFixed(0).padStart(5)} ms  ${whoWidth ? `${(who ?? '').padEnd(whoWidth)}  ` : ''}${mark} ${text}`;
    return row.length > 76 ? `${row.slice(0, 75)}…` : row;
  });
  if (rows.length <= mostRows) return rows.join('\n');
  const left = rows.length - mostRows + 1;
  return [...rows.slice(0, 8), `          … ${left} rows left out`, ...rows.slice(8 + left)].join('\n');
}

/** Text with its control characters made visible, quoted when that changes anything: `Message 1\n`. */
export function visible(text: string): string {
  const shown = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}
