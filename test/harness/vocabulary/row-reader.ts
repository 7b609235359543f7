// A reader of the export of lesson 4: it reads as far as it is told, and looks at each row as it comes.
import { StringDecoder } from 'node:string_decoder';
import { isDeepStrictEqual } from 'node:util';
import { rowAt } from '../../../lessons/support/rows.ts';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import type { Exchange } from '../wire/exchange.ts';
import { visible } from '../wire/printable.js';
import { lastWords } from './command-line.ts';
import { expectHeader, expectStatus, finished } from './http.ts';
import { expectProgress } from './progress.ts';
import { fromJson, isObject } from '../wire/json.ts';

export type RowReader = {
  stream: Exchange;
  /** How many rows it has read, each the one that it should be. */
  readonly rows: number;
  /**
   * Reads until it has this many rows, and stops there.
   * @param stalled why no more rows come, when none do
   */
  readTo(rows: number, stalled: () => Explanation): Promise<void>;
  /** Reads to the end of the response. */
  readToEnd(): Promise<void>;
};

/** What may be made ahead of a reader that has stopped: far more than the buffers of any system hold on the way. */
export const rowsAhead = 30_000;

/** A number as people write it: `30,000`. */
export const count = (number: number): string => number.toLocaleString('en');

/** Shows the beginning of a stream that is too long to look at. */
export const firstRows = { see: 'curl -sN http://127.0.0.1:3000/export | head -n 3' };
const rowNumbers = 'curl -sN http://127.0.0.1:3000/export | head -n 2000 | cut -d, -f1';
const doubledRows = { see: `${rowNumbers} | uniq -d | head` };
const misplacedRow = { see: `${rowNumbers} | awk -F: '$2 != NR' | head -n 1` };
const twoRequests = { see: `${firstRows.see}; ${firstRows.see}` };

/** Characters without a line break that are surely more than one row. */
const longestLine = 100_000;

/** Asks for `GET /export`, and reads it. */
export function readRows(server: Server, who?: string): RowReader {
  const { program, run } = server;
  const stream = server.request('/export', who === undefined ? {} : { who });
  const decoder = new StringDecoder();
  let rows = 0;
  let chunks = 0;
  let unfinished = '';

  /** Looks at what has come since it looked last. */
  const look = () => {
    for (; chunks < stream.chunks.length; chunks++) {
      if (chunks === 0) checkHeaders(stream);
      const lines = (unfinished + decoder.write(stream.chunks[chunks]!.bytes)).split('\n');
      unfinished = lines.pop()!;
      for (const line of lines) checkRow(run.missing, line, ++rows);
    }
    if (stream.ended && unfinished !== '') {
      checkRow(run.missing, unfinished, ++rows);
      unfinished = '';
    }
  };
  const read = (until: () => unknown, missing: string, explain: () => Explanation) =>
    expectProgress(
      run,
      program,
      () => {
        look();
        return until();
      },
      () => rows,
      () => {
        if (stream.status !== undefined) checkHeaders(stream);
        run.missing(missing);
        return { ...explain(), ...firstRows };
      },
    );

  return {
    stream,
    get rows() {
      return rows;
    },
    async readTo(target, stalled) {
      const noLine = () => unfinished.length > longestLine;
      const outrun = () => program.rows - rows > 2 * rowsAhead;
      await read(() => rows >= target || finished(stream) || noLine() || outrun(), 'a row', stalled);
      if (!finished(stream)) stream.pause();
      if (rows >= target) return;
      if (stream.status !== undefined) checkHeaders(stream);
      await program.caughtUp();
      const wrongChunk = /The "chunk" argument must be of type string/.exec(program.stderr)?.[0];
      expect(!finished(stream) || !wrongChunk, {
        cause: 'Your server wrote an object to the response, but a response takes only strings and bytes.',
        output: `${wrongChunk} …`,
        advice: 'Make a line of each row: JSON.stringify(row), then \\n.',
        ...firstRows,
      });
      expect(!finished(stream), {
        cause: `Your server ${stream.ended ? 'ended' : 'broke off'} the response although rows() had more rows.`,
        ...lastWords(program),
        advice: 'Look for a way out of the loop that is taken too early, and for an error that nobody handles.',
        ...firstRows,
      });
      expect(!noLine(), {
        cause: 'Your server sent rows without a line break, so no line comes to its end.',
        advice: 'End each row with a line break: \\n.',
        ...firstRows,
      });
      throw new Failure({ ...stalled(), ...firstRows });
    },
    async readToEnd() {
      stream.resume();
      await read(
        () => finished(stream),
        'the end of the response',
        () => ({
          cause: 'Your server sent the last row but did not end the response.',
          advice: 'Call response.end() after the loop. pipeline does this by itself.',
        }),
      );
      expect(stream.ended, {
        cause: 'Your server broke off the connection before the response had ended.',
        advice: 'Look for an error that is thrown after the last row, and for a call of destroy.',
        ...firstRows,
      });
    },
  };
}

function checkHeaders(stream: Exchange): void {
  const advice = 'Set the status and the headers before the first row, and write each row of rows() as a line of JSON.';
  expectStatus(stream, 200, { advice });
  expectHeader(
    stream,
    'Content-Type',
    (type) => /^application\/x-ndjson\s*(;.*)?$/i.test(type),
    'application/x-ndjson',
    {
      cause: 'Your server sent the rows with the wrong Content-Type.',
      advice: 'Set application/x-ndjson before the first row: it tells a client that each line is a JSON value.',
      see: 'curl -isN http://127.0.0.1:3000/export | head -n 12',
    },
  );
}

/** The rows as JSON, by their numbers: each reader looks at the same ones. */
const texts: string[] = [];

/** @param wanted the number of the row that this line should be */
function checkRow(missing: (text: string) => void, line: string, wanted: number): void {
  const text = (texts[wanted] ??= JSON.stringify(rowAt(wanted)));
  if (line === text) return;
  const row = fromJson(line);
  if (isDeepStrictEqual(row, rowAt(wanted))) return;
  const number = isObject(row) && typeof row.row === 'number' ? row.row : wanted;
  const again = number < wanted ? ' again' : '';
  missing(`row ${count(wanted)}${number === wanted ? '' : `: here is row ${count(number)}${again}`}`);
  expect(isObject(row), {
    cause: 'Your server sent a line that is not a row as JSON.',
    compare: { expected: '{"row":…}', received: visible(line.slice(0, 60)) },
    advice: 'Write JSON.stringify(row) and \\n for each row, and nothing between the rows.',
    ...firstRows,
  });
  expect(number === wanted || wanted !== 1, {
    cause: 'Your server did not begin with the first row.',
    advice: 'Call rows() for each request: a generator gives each row only once.',
    ...twoRequests,
  });
  expect(number <= wanted, {
    cause: 'Your server left out a row: a later row came in its place.',
    advice:
      'Wait for drain when write returns false, and then write the next row: write has taken the row before already.',
    ...misplacedRow,
  });
  expect(number >= wanted, {
    cause: 'Your server sent a row twice.',
    advice: 'Do not write a row again when write returns false: write has taken this row already.',
    ...doubledRows,
  });
  throw new Failure({
    cause: 'Your server sent a row that differs from what rows() gave.',
    compare: { expected: `${text.slice(0, 60)}…`, received: visible(line.slice(0, 60)) },
    advice: 'Write JSON.stringify(row) with the row as it is.',
    ...firstRows,
  });
}
