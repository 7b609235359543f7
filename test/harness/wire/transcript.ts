import { performance } from 'node:perf_hooks';

/**
 * The marks of a `wire` capture: `→` sent by the client, `←` received by it, `▸` printed by it,
 * `·` the server's work, `✗` what should have been there.
 */
export type Mark = '→' | '←' | '▸' | '·' | '✗';

/** One row of a capture: plain data, which a page, a terminal and a program that reads `--json` each draw as they like. */
export type Entry = {
  /** Milliseconds since the first entry. */
  at: number;
  mark: Mark;
  /** Which of several connections or programs, as the learner knows it: `client 2`. */
  who?: string;
  /** Which run of the program, from 1 on, where a capture has several. */
  run?: number;
  /** What was said, or what the grader says of it. */
  text: string;
  /** The size of a piece of a body, which `text` has as it was on the wire. Everything else has no size. */
  bytes?: number;
  /** How many bytes are not in `text`, because they were too many to keep. */
  leftOut?: number;
};

/** Stands where entries were too many to keep. */
export type Gap = { leftOut: { rows: number; bytes: number } };

/** What went over the wire: the beginning and the end of it, where it was long. */
export type Capture = readonly (Entry | Gap)[];

export const isGap = (entry: Entry | Gap): entry is Gap => typeof entry.leftOut === 'object';

export type Transcript = {
  /** Takes down what was said: bytes that were on the wire, or a sentence. */
  add(mark: Mark, what: string | Uint8Array, who?: string): void;
  /** The same transcript, for what one run of a program says: any number that no other run has. */
  ofRun(run: number): Transcript;
  /** What was taken down so far. */
  capture(): Capture;
};

/** Entries kept of the beginning and of the end, and bytes kept of each: a stream without end fills no memory. */
const mostFirst = 100;
const mostLast = 200;
const mostBytes = 4000;

/** An entry as it is kept: its text is made when somebody asks for the capture, because most captures are never read. */
type RawEntry = Omit<Entry, 'text' | 'bytes' | 'leftOut'> & { what: string | Buffer; size: number };

/** `onEntry` is called with each entry as it is made. */
export function transcript(onEntry?: (entry: Entry) => void): Transcript {
  let began: number | undefined;
  const first: RawEntry[] = [];
  const last: RawEntry[] = [];
  const gap = { rows: 0, bytes: 0 };
  const add = (mark: Mark, what: string | Uint8Array, who?: string, run?: number): void => {
    const now = performance.now();
    began ??= now;
    const at = Math.round((now - began) * 10) / 10;
    const raw = { at, mark, ...(who && { who }), ...(run !== undefined && { run }), ...beginningOf(what) };
    onEntry?.(entryOf(raw));
    if (first.length < mostFirst) return void first.push(raw);
    last.push(raw);
    if (last.length <= mostLast) return;
    gap.rows++;
    gap.bytes += last.shift()!.size;
  };
  const whole: Transcript = {
    add: (mark, what, who) => add(mark, what, who),
    ofRun: (run) => ({ ...whole, add: (mark, what, who) => add(mark, what, who, run) }),
    capture() {
      const entries = withRuns([...first, ...last]).map(entryOf);
      const leftOut = gap.rows > 0 ? [{ leftOut: { ...gap } }] : [];
      return [...entries.slice(0, first.length), ...leftOut, ...entries.slice(first.length)];
    },
  };
  return whole;
}

/** Numbers the runs by their first entry; what the grader says belongs to the run that was heard before. */
function withRuns(all: RawEntry[]): RawEntry[] {
  const runs = [...new Set(all.map(({ run }) => run).filter((run) => run !== undefined))];
  let run = 1;
  return all.map(({ run: own, ...raw }) => {
    if (own !== undefined) run = runs.indexOf(own) + 1;
    return runs.length > 1 ? { ...raw, run } : raw;
  });
}

function beginningOf(what: string | Uint8Array): Pick<RawEntry, 'what' | 'size'> {
  if (typeof what === 'string') return { what: what.slice(0, mostBytes), size: Buffer.byteLength(what) };
  // A copy, so that what the socket read it into can go.
  return { what: Buffer.from(what.subarray(0, mostBytes)), size: what.byteLength };
}

function entryOf({ what, size, ...rest }: RawEntry): Entry {
  const leftOut = size - Buffer.byteLength(what);
  const more = leftOut > 0 ? { leftOut } : {};
  if (typeof what === 'string') return { ...rest, text: what, ...more };
  if (what.includes(0)) return { ...rest, text: `(${size} bytes)` };
  // A character that was cut in two is left away.
  const text = leftOut > 0 ? what.toString().replace(/\ufffd$/, '') : what.toString();
  return { ...rest, text, bytes: size, ...more };
}

/** A request or a status line as a row of a capture shows it, with the headers that decide what becomes of it. */
export const requestLine = (name: string, headers: Record<string, string | string[] | undefined>): string =>
  Object.entries(headers).reduce(
    (line, [header, value]) => (value === undefined ? line : `${line}  ${header}: ${value}`),
    name,
  );

/** A text without its last line break: a row ends anyway. */
export const withoutLastBreak = (text: string): string => text.replace(/\r?\n$/, '');
