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

/** Milliseconds without a row after which a program that waits for a timer is said to do so. */
const pauseMs = 1500;

/** Looks at a program in that pause: each is a turn of its event loop, in which a right program makes rows. */
const mostPauses = 10;

/** Characters without a line break that are surely more than one row. */
const longestLine = 100_000;

/**
 * Asks for `GET /export`, and reads it.
 * @param timers how many the server waits for anyway
 */
export function readRows(server: Server, timers: number, who?: string): RowReader {
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
  const read = async (until: () => unknown, missing: string, explain: () => Explanation) => {
    const explained = () => {
      if (stream.status !== undefined) checkHeaders(stream);
      run.missing(missing);
      return { ...explain(), ...firstRows };
    };
    for (look(); !until();) {
      const before = rows;
      const moved = () => {
        look();
        return until() || rows !== before;
      };
      if (await run.until(moved, pauseMs)) continue;
      await expectNoPause(moved);
      await expectProgress(run, program, moved, () => 0, explained);
    }
  };
  /** The server has sent nothing for a while: it does not wait for a timer. */
  const expectNoPause = async (moved: () => unknown) => {
    for (let looks = 0; looks < mostPauses; looks++) {
      await program.caughtUp();
      if (moved() || program.timers <= timers) return;
    }
    run.missing('a row');
    throw new Failure({
      cause: 'The reader was reading, but your server waited for a timer instead of sending the next row.',
      advice:
        'Wait for the event drain of the response, or use pipeline. Only drain tells you when the reader has taken your rows; a timer is too late or too early.',
      ...firstRows,
    });
  };

  return {
    stream,
    get rows() {
      return rows;
    },
    async readTo(target, stalled) {
      const noLine = () => unfinished.length > longestLine;
      // The server may have made rows ahead of other readers, which have stopped. Only what it makes from now on counts here.
      const ahead = program.rows - rows;
      const outrun = () => program.rows - rows > ahead + 2 * rowsAhead;
      await read(() => rows >= target || finished(stream) || noLine() || outrun(), 'a row', stalled);
      if (!finished(stream)) stream.pause();
      if (rows >= target) return;
      if (stream.status !== undefined) checkHeaders(stream);
      await program.caughtUp();
      const wrongChunk = /The "chunk" argument must be of type string/.exec(program.stderr)?.[0];
      expect(!finished(stream) || !wrongChunk, {
        cause: 'Your server wrote an object to the response, although a response takes only strings and bytes.',
        output: `${wrongChunk} …`,
        advice: 'Make a string from each row: JSON.stringify(row), followed by \\n.',
        ...firstRows,
      });
      expect(!finished(stream), {
        cause: `Your server ${stream.ended ? 'ended' : 'broke off'} the response although rows() had more rows.`,
        ...lastWords(program),
        advice:
          'Look for a break or return that leaves the loop too early, and for an error that nobody handles. Write all rows, and then end the response.',
        ...firstRows,
      });
      expect(!noLine(), {
        cause: 'Your server sent rows without a line break, so a reader cannot tell where a row ends.',
        advice: 'Write a line break, \\n, after each row.',
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
    cause: `Your server began with row ${count(number)}, although each reader should get all rows from the first row on.`,
    advice:
      'Call rows() inside the handler, and keep each row in a variable of this request: a generator gives each row only once.',
    ...twoRequests,
  });
  expect(number <= wanted, {
    cause: `Your server left out row ${count(wanted)} and sent row ${count(number)} in its place.`,
    advice:
      'Write each row first, and wait for drain afterwards if write has returned false. Keep rows that are not written yet in a variable of this request, not in one that all requests share.',
    ...misplacedRow,
  });
  expect(number >= wanted, {
    cause: `Your server sent row ${count(number)} again.`,
    advice:
      'Write each row once, also if write returns false: it has taken this row all the same. Keep rows that are not written yet in a variable of this request, not in one that all requests share.',
    ...doubledRows,
  });
  throw new Failure({
    cause: 'Your server sent a row that differs from what rows() gave.',
    compare: { expected: `${text.slice(0, 60)}…`, received: visible(line.slice(0, 60)) },
    advice: 'Write JSON.stringify(row) with the row as it is.',
    ...firstRows,
  });
}
