// A capture as text, for the terminal: a row an entry.
import type { Part } from '../../test/harness/wire/message.ts';
import { escapeInvisible } from '../../test/harness/wire/printable.js';
import type { Capture, Entry } from '../../test/harness/wire/transcript.ts';
import { contentOf, eventName, nameOf, rowsOf, textOf, type EntryRow } from './capture.ts';

const columns = 76;
const mostLines = 24;
const firstLines = 8;

/** At most 24 lines of 76 columns: the middle is left out when there are more. */
export function captureText(capture: Capture): string[] {
  const whoWidth = capture.reduce((width, entry) => Math.max(width, 'who' in entry ? entry.who!.length : 0), 0);
  const blocks = rowsOf(capture).map((row): { lines: string[]; rows: number } => {
    switch (row.is) {
      case 'entry':
        return { lines: entryLines(row, whoWidth, columns), rows: 1 };
      case 'alike':
        return { lines: [`          … ${row.rows.length} more like this`], rows: row.rows.length };
      case 'gap':
        return { lines: [`          … ${row.rows} rows (${row.bytes} bytes) left out`], rows: row.rows };
      case 'run':
        return { lines: [`          … run ${row.run} of the program`], rows: 0 };
    }
  });
  const count = (some: typeof blocks) => some.reduce((sum, { lines }) => sum + lines.length, 0);
  if (count(blocks) <= mostLines) return blocks.flatMap(({ lines }) => lines);
  const first: typeof blocks = [];
  const last: typeof blocks = [];
  while (count(first) + blocks[0]!.lines.length <= firstLines) first.push(blocks.shift()!);
  while (count(last) + blocks.at(-1)!.lines.length < mostLines - firstLines) last.unshift(blocks.pop()!);
  const left = blocks.reduce((sum, { rows }) => sum + rows, 0);
  return [
    ...first.flatMap(({ lines }) => lines),
    `          … ${left} rows left out`,
    ...last.flatMap(({ lines }) => lines),
  ];
}

/** One row, in the columns that there are; whole, where there is no end of them. */
export const rowText = (entry: Entry, columns: number): string =>
  rowsOf([entry])
    .flatMap((row) => (row.is === 'entry' ? entryLines(row, entry.who?.length ?? 0, columns) : []))
    .join('\n');

/** A text that fits stays as it was on the wire. Of a message that does not, what matters comes first. */
function entryLines({ entry, carried }: EntryRow, whoWidth: number, columns: number): string[] {
  const { at, mark, who = '' } = entry;
  const time = `${at.toFixed(0).padStart(5)} ms  ${whoWidth ? `${escapeInvisible(who).padEnd(whoWidth)}  ` : ''}`;
  const room = columns - time.length - 2;
  const text = textOf(entry);
  const cutByChunks = carried?.continues || carried?.unfinished;
  if (!carried || (text.length <= room && !cutByChunks)) return [`${time}${mark} ${cut(text, room)}`];
  const said = carried.parts.flatMap((part, i) =>
    partLines(part, i === 0 && carried.continues ? 'the rest of an event' : eventName(part), room),
  );
  if (carried.unfinished) said.push(...partLines(carried.unfinished, 'the beginning of an event', room));
  return said.map((line, i) => (i === 0 ? `${time}${mark} ${line}` : `${' '.repeat(time.length + 2)}${line}`));
}

/** The name of a message, and its content behind it or below it. */
function partLines(part: Part, how: string, room: number): string[] {
  const before = how && `${how} · `;
  if (!('message' in part)) return [cut(before + escapeInvisible(part.text), room)];
  const name = before + nameOf(part.message, part.to);
  const content = contentOf(part.message);
  if (name.length + 2 + content.length <= room) return [content ? `${name}  ${content}` : name];
  return [cut(name, room), ...broken(content, room - 2).map((line) => `  ${line}`)];
}

const mostContentLines = 2;

/** JSON in lines that end behind its punctuation. */
function broken(text: string, room: number): string[] {
  const lines: string[] = [];
  for (let rest = text; rest !== ''; rest = rest.slice(lines.at(-1)!.length)) {
    if (rest.length <= room || lines.length === mostContentLines - 1) return [...lines, cut(rest, room)];
    lines.push(beginning(rest, room));
  }
  return lines;
}

/** Shortens what is too long: JSON behind its punctuation, where it has any. */
const cut = (text: string, room: number): string =>
  text.length <= room ? text : `${/[{[]/.test(text) ? beginning(text, room - 1) : text.slice(0, room - 1)}…`;

function beginning(text: string, room: number): string {
  const start = text.slice(0, room);
  const ends = [/^.*[,{}[\]]/s, /^.*:/s].map((end) => end.exec(start)?.[0] ?? '');
  return ends.find(({ length }) => length > room / 3) ?? start;
}
