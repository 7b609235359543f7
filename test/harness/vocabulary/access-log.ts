// The log of a web server that grows: drawn line by line, so that the grader knows what a server should count in it.
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../run/random.ts';
import type { Run } from '../run/run.ts';

/** A line without its line break; `request` is what stands in it, and missing in a line that is malformed. */
export type Line = { text: string; request?: { path: string; status: string; ms: number } };

export type Counts = {
  lines: number;
  malformed: number;
  statuses: Record<string, number>;
  slowest?: { path: string; ms: number };
};

/** What a server should say when it has counted these lines. */
export function countsOf(lines: readonly Line[]): Counts {
  const counts: Counts = { lines: 0, malformed: 0, statuses: {} };
  for (const { request } of lines) {
    counts.lines++;
    if (!request) {
      counts.malformed++;
      continue;
    }
    const { path, status, ms } = request;
    counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
    if (!counts.slowest || ms > counts.slowest.ms) counts.slowest = { path, ms };
  }
  return counts;
}

/** Draws lines; one of five is malformed. */
export function drawLines(random: Random, count: number): Line[] {
  const words = random.words(5);
  return Array.from({ length: count }, () => {
    const path = `/${random.pick(words)}${random.pick(['', '/', '/é', '/世界', '?q=1', '/%20'])}`;
    const [status, ms] = [random.pick(['200', '200', '204', '301', '404', '503', '999']), random.integer(0, 200)];
    if (random.next() < 0.2) return { text: malformed(random, path, status, ms) };
    return requestLine(path, status, ms, random.pick(['GET', 'GET', 'POST', 'DELETE']));
  });
}

export const requestLine = (path: string, status: string, ms: number, method = 'GET'): Line => ({
  text: `${method} ${path} ${status} ${ms}`,
  request: { path, status, ms },
});

const malformed = (random: Random, path: string, status: string, ms: number): string =>
  random.pick([
    '',
    `GET ${path} ${status}`,
    `GET ${path} ${status} ${ms}ms`,
    `GET ${path} ${status} ${ms} ${ms}`,
    `GET ${path} ${status}0 ${ms}`,
    `GET ${path} -${status} ${ms}`,
    `GET  ${path} ${status} ${ms}`,
    ` GET ${path} ${status} ${ms}`,
    `get ${path} ${status} ${ms}`,
    `${path} ${status} ${ms}`,
    'Server started',
  ]);

/** The lines as they stand in a log. */
export const asText = (lines: readonly Line[], lineBreak = '\n'): string =>
  lines.map(({ text }) => text + lineBreak).join('');

/** A log in a temporary folder, and what is done to it; the capture says so. */
export function accessLog({ temporaryFolder, note }: Run) {
  const path = join(temporaryFolder(), 'access.log');
  return {
    path,
    /** Writes this to the end of the log, in one piece. */
    append(bytes: string | Uint8Array, what: string): void {
      note('·', `written to the log: ${what}`);
      appendFileSync(path, bytes);
    },
    /** Cuts the log to nothing, and writes this. */
    truncate(text: string, what: string): void {
      note('·', `the log begins again: ${what}`);
      writeFileSync(path, text);
    },
    /** Gives the log another name, and begins a new one with this text. */
    rotate(text: string, what: string): void {
      note('·', `a new log takes the place of the log: ${what}`);
      renameSync(path, `${path}.1`);
      writeFileSync(path, text);
    },
    remove(): void {
      note('·', 'the log is deleted');
      rmSync(path, { force: true });
    },
  };
}

export type AccessLog = ReturnType<typeof accessLog>;
