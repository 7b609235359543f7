// Stand-in for a large table: a million rows, close to a gigabyte as JSON, which a database hands out page by page.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

export type Row = { row: number; amount: number; note: string };

const tableSize = 1_000_000;
const pageSize = 200;
const graded = process.env.WORK_CLOCK === 'grader';

let made = 0;
/** Generators that have begun and have not ended: a database keeps a cursor open for each. */
let cursors = 0;
let ends = false;
// The grader says when the table is to end, and asks how far it has come.
if (graded) {
  process.on('message', (message) => {
    const { finishTable, ping } = message as { finishTable?: true; ping?: number };
    ends ||= Boolean(finishTable);
    if (ping) report();
  });
}

/** The rows of the table in order, each made when it is asked for. */
export async function* rows(): AsyncGenerator<Row> {
  cursors++;
  try {
    for (let row = 1; row <= tableSize; row++) {
      // The size of a page or of anybody's batch does not divide it.
      if (ends && row % 997 === 0) break;
      if (row % pageSize === 0) await (graded ? nextTurn() : sleep(1));
      made++;
      if (made % 100 === 0) report();
      yield rowAt(row);
    }
  } finally {
    // Also when nobody wants the other rows: a loop over them that is left closes the generator.
    cursors--;
    report();
  }
}

/** The row of that number, from 1. */
export function rowAt(row: number): Row {
  const begin = (row * 31) % words.length;
  return { row, amount: ((row * 7919) % 100_000) / 100, note: words.slice(begin) + words.slice(0, begin) };
}

const words = 'no row is lost, doubled or out of order; '.repeat(22);

/** Tells whoever has started this program and listens: the grader, or examples/measure.ts of lesson 4. */
function report(): void {
  process.send?.({ rows: made, cursors, memory: process.memoryUsage.rss() }, () => {});
}
