// The lines that a learner's client prints while it reads a stream of the grader's: words for graders.
import { isDeepStrictEqual } from 'node:util';
import { explainEnd } from '../programs/crash-report.ts';
import { cutShort } from '../programs/exit-report.ts';
import { Failure, expect, type Explanation } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import type { Call } from '../wire/grader-server.ts';
import { visible } from '../wire/printable.js';
import { judgedClient, notCrashed, type Client } from './command-line.ts';

/** What a verdict says about lines that are not as they should be. */
type LineAdvice = {
  /** The cause when a line is missing, where it is not that the client waits for more. */
  late?: string;
  advice: string;
  /** The advice when empty lines come with the lines; `advice`, unless told. */
  extra?: string;
};

/** A client that reads a stream of the grader's. */
export type Reading = {
  client: Client;
  call: Call;
  /** It has printed exactly these lines since the last look, or does so soon. */
  prints(lines: readonly string[], words: LineAdvice): Promise<void>;
};

/** Starts a client, takes its request, and answers with the status line and the headers of a stream of text. */
export async function startReading(run: Run, path: string, status = 200): Promise<Reading> {
  const site = await run.startGraderServer(path);
  const client = judgedClient(run, run.startClient(site.url));
  const call = await site.call(client);
  call.response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  let seen = 0;
  return {
    client,
    call,
    async prints(expected, words) {
      const printed = () => client.stdout.slice(seen);
      const over = () => client.end ?? client.verdict;
      const late = () => {
        const next = nextLine(expected, linesOf(printed()));
        if (next !== undefined) run.missing(visible(next));
        return explainLines(expected, printed(), words);
      };
      await run.expectSoon(() => over() || printed().split('\n').length > expected.length, late, client);
      const lines = linesOf(printed());
      if (over() && nextLine(expected, lines) !== undefined) {
        const { writableEnded } = call.response;
        const end = writableEnded
          ? cutShort(client, 'at the end of the stream')
          : explainEnd(client, 'while it was reading');
        const stopped = client.end?.code === 0 && !client.exitedAt;
        const readOn = { advice: 'Read until the stream ends: look for a break or a return inside the loop.' };
        if (end) throw new Failure({ ...end, ...(stopped && readOn) });
      }
      notCrashed(client, 'while it was reading');
      expect(isDeepStrictEqual(lines, expected), explainLines(expected, printed(), words));
      seen = client.stdout.length;
    },
  };
}

/** The lines of a text; the text after the last line break is a line too, unless it is empty. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** The first line that is missing, where all lines before it are right. */
const nextLine = (expected: readonly string[], lines: readonly string[]): string | undefined =>
  lines.every((line, i) => line === expected[i]) ? expected[lines.length] : undefined;

/** What is wrong with the lines that a client printed: the first of these that is so. */
function explainLines(
  expected: readonly string[],
  printed: string,
  { late, advice, extra = advice }: LineAdvice,
): Explanation {
  const lines = linesOf(printed);
  const next = nextLine(expected, lines);
  const trimmed = (all: readonly string[]) => all.map((line) => line.trim());
  const notEmpty = (all: readonly string[]) => trimmed(all).filter((line) => line !== '');
  const sameText = isDeepStrictEqual(notEmpty(lines), notEmpty(expected));
  const begun = expected.every((line, i) => line === lines[i]) && notEmpty(lines.slice(expected.length)).length > 0;
  const causes: [applies: boolean, cause: string, advice: string][] = [
    [
      printed.includes('\ufffd'),
      'Your client printed \ufffd instead of a character, because the bytes of this character came in two pieces and your client decoded each piece by itself.',
      advice,
    ],
    [
      lines.some((line) => /^(<Buffer |Uint8Array\(|[\d,]+$)/.test(line)),
      'Your client printed bytes instead of text.',
      'Decode the bytes of each piece with a TextDecoder.',
    ],
    [
      begun,
      'Your client printed the beginning of a line, although the rest of this line had not arrived.',
      'Keep the text after the last line break until the rest of its line has arrived.',
    ],
    [
      next !== undefined,
      late ??
        `The line "${visible(next ?? '')}" was complete, but your client had not printed it when it was waiting for more.`,
      advice,
    ],
    [
      isDeepStrictEqual(trimmed(lines), trimmed(expected)),
      'Your client changed the white space of a line.',
      'Print each line as it came, without trim.',
    ],
    [
      sameText && lines.length > expected.length,
      'Your client printed empty lines that the server had not sent.',
      extra,
    ],
    [sameText, 'Your client left out an empty line.', 'Print an empty line for each empty line of the stream.'],
    [true, 'Your client did not print the lines as the server had sent them.', advice],
  ];
  const [, cause, instead] = causes.find(([applies]) => applies)!;
  const whole = expected.map((line) => `${line}\n`).join('');
  return {
    cause,
    compare: { expected: visible(whole) || '(nothing)', received: visible(printed) || '(nothing)' },
    advice: instead,
  };
}
