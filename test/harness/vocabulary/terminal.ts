// What a terminal shows of a program's output (ECMA-48): the little that lines, bars and colours need.

/** What `TERMINAL_COLUMNS` gives a program as the width of its terminal. */
export const terminal = (columns: number): Record<string, string> => ({ TERMINAL_COLUMNS: String(columns) });

/** A piece of output: an escape sequence, a character that moves the cursor, or a character that is shown. */
const pieces = /\x1b\[([\d;?]*)([@-~])|\x1b([78])|[^]/gu;

/**
 * The rows of a terminal of this width when it has shown the output, from the first to the one with the cursor, or to the
 * last that is not empty.
 */
export function screen(output: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;
  let kept = { row, column };

  const go = (toRow: number, toColumn: number) => {
    row = Math.max(0, toRow);
    column = Math.min(columns - 1, Math.max(0, toColumn));
    while (rows.length <= row) rows.push([]);
  };
  const erase = (from: number, to = Infinity) => {
    rows[row] = (rows[row] ?? []).map((each, i) => (i >= from && i < to ? ' ' : each));
  };
  const eraseLine = (how: number) => {
    if (how === 0) erase(column);
    else if (how === 1) erase(0, column + 1);
    else erase(0);
  };
  const control = (parameters: string, letter: string) => {
    const [first = 0] = parameters.split(';').map(Number);
    const count = Math.max(1, first);
    if (letter === 'A') go(row - count, column);
    else if (letter === 'B') go(row + count, column);
    else if (letter === 'C') go(row, column + count);
    else if (letter === 'D') go(row, column - count);
    else if (letter === 'E') go(row + count, 0);
    else if (letter === 'F') go(row - count, 0);
    else if (letter === 'G') go(row, count - 1);
    else if (letter === 'K') eraseLine(first);
    else if (letter === 'J' && first === 0) {
      erase(column);
      rows.length = row + 1;
    } else if (letter === 's') kept = { row, column };
    else if (letter === 'u') go(kept.row, kept.column);
  };

  for (const [piece, parameters = '', letter, save] of output.matchAll(pieces)) {
    if (letter) control(parameters, letter);
    else if (save === '7') kept = { row, column };
    else if (save === '8') go(kept.row, kept.column);
    else if (piece === '\n') go(row + 1, 0);
    else if (piece === '\r') column = 0;
    else if (piece === '\b') go(row, column - 1);
    else if (piece >= ' ') {
      // A terminal begins a new row only when it has something to show there.
      if (column === columns) go(row + 1, 0);
      const shown = rows[row]!;
      while (shown.length < column) shown.push(' ');
      shown[column++] = piece;
    }
  }
  const texts = rows.map((each) => each.join('').trimEnd());
  while (texts.length > row + 1 && texts.at(-1) === '') texts.pop();
  return texts;
}
