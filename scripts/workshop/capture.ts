// What a capture shows, row by row, whether a terminal or a page draws it.
import { carriedBy, type Carried, type Part, type RpcMessage } from '../../test/harness/wire/message.ts';
import { escapeInvisible } from '../../test/harness/wire/printable.js';
import { isGap, withoutLastBreak, type Capture, type Entry } from '../../test/harness/wire/transcript.ts';

export type EntryRow = { is: 'entry'; entry: Entry; carried?: Carried };

export type Row =
  | EntryRow
  /** Rows between two that are like them. */
  | { is: 'alike'; rows: EntryRow[] }
  /** Rows and bytes that the capture does not have. */
  | { is: 'gap'; rows: number; bytes: number }
  /** What follows is of this run of the program. */
  | { is: 'run'; run: number };

/** Rows that are alike are folded when there are more than this many, behind the first ones and before the last. */
const mostAlike = 8;
const shownFirst = 3;

export function rowsOf(capture: Capture): Row[] {
  const carried = carriedBy(capture);
  const rows: Row[] = [];
  let run: number | undefined;
  let alike: EntryRow[] = [];
  const flush = () => {
    rows.push(
      ...(alike.length <= mostAlike
        ? alike
        : [...alike.slice(0, shownFirst), { is: 'alike' as const, rows: alike.slice(shownFirst, -1) }, alike.at(-1)!]),
    );
    alike = [];
  };
  for (const [i, entry] of capture.entries()) {
    if (isGap(entry)) {
      flush();
      rows.push({ is: 'gap', ...entry.leftOut });
      continue;
    }
    const row: EntryRow = { is: 'entry', entry, ...(carried[i] && { carried: carried[i] }) };
    if (alike[0] && likeness(alike[0]) !== likeness(row)) flush();
    if (entry.run !== undefined && entry.run !== run) {
      flush();
      rows.push({ is: 'run', run: entry.run });
      run = entry.run;
    }
    alike.push(row);
  }
  flush();
  return rows;
}

/** The same for rows that differ in numbers and quoted text only. */
function likeness({ entry, carried }: EntryRow): string {
  const what = carried
    ? carried.parts.map((part) => ('message' in part ? `${part.message.kind} ${part.message.method}` : 'text')).join()
    : entry.text
        .slice(0, 60)
        .replace(/"[^"]*("|$)/g, '""')
        .replace(/\d+/g, '0');
  return `${entry.mark} ${entry.who ?? ''} ${entry.run ?? 1} ${what}`;
}

/** The text of an entry in one line, whole. A chunk that is only a line break shows the break. */
export const textOf = ({ text, leftOut }: Entry): string =>
  `${escapeInvisible(withoutLastBreak(text) || text)}${leftOut ? ` … (${leftOut} more bytes)` : ''}`;

/** What comes first of a message: its kind, its method and its id. */
export const nameOf = ({ kind, method, id, code }: RpcMessage, to?: string): string =>
  escapeInvisible([kind, code, method, to && `to ${to}`, id !== undefined && `(id ${id})`].filter(Boolean).join(' '));

/** How a part came, where it came in an event: the type is said where a client of MCP would skip it. */
export const eventName = ({ event }: Part): string =>
  event === undefined
    ? ''
    : event.type === undefined || event.type === 'message'
      ? 'event'
      : `event ${escapeInvisible(event.type)}`;

/** The rest of a message, as JSON. */
export const contentOf = ({ content, cut }: RpcMessage): string =>
  `${content ? escapeInvisible(JSON.stringify(content.value)) : ''}${cut ? ' …' : ''}`;
