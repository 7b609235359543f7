// How a learner's program ends, what it says, and what it leaves running: words for graders.
import { crashed, explainEnd } from '../programs/crash-report.ts';
import { cutShort } from '../programs/exit-report.ts';
import type { Program } from '../programs/program.ts';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import { promptMs } from '../run/waits.ts';
import { visible, visiblyDifferent } from '../wire/printable.js';

/** What a verdict says when the client did not print what it should have printed. */
type PrintAdvice = {
  /** The client printed nothing. */
  cause: string;
  /** The client printed something different. */
  otherwise?: string;
  /** A function is given what the client has printed instead. */
  advice: string | ((received: string) => string);
};

/** How a client should fail. */
type ExpectedFailure = {
  /** Its exit code. */
  code: number;
  /** What it complains about: `a refused connection`. */
  about: string;
  /** The lines that it has printed before: none, unless told. */
  printed?: string[];
  /** What its line on standard error has in it. */
  has?: (string | number)[];
  /** The name of what it has in it: `the status`. */
  hasName?: string;
  /** Advice for a client whose line does not have it, although the exit code is right. */
  hasAdvice?: string;
  /** What it should do about such a failure. */
  advice: string;
  /** Advice for a client that says more than one line about it. */
  oneLine?: string;
  /** Advice for a client that exits with the code of a different failure. */
  otherCode?: string;
  /** Advice for a client that exits with code 1, which is for anything else. */
  codeOne?: string;
  /** The starter has a function `fail`, which sets the exit code and throws an error. */
  withFail?: boolean;
};

/** A learner's client, and the words that judge it. */
export type Client = Program & {
  /** It has printed exactly these lines since the last look, or does so soon. */
  prints(lines: string[], explanation: PrintAdvice): Promise<void>;
  /** It has printed nothing since the last look. */
  printsNothing(advice: string): Promise<void>;
  /** It complains in one line, and ends with this exit code. */
  fails(failure: ExpectedFailure): Promise<void>;
  /** It ends with exit code 0, as `about` says: `The call was answered`. `running` is the advice if it does not end. */
  endsWell(about: string, advice: string, running?: string): Promise<void>;
};

/** What explains more than missing output does, such as a message that the client should not have sent. */
type Unexpected = { happened(): unknown; expectNone(): Promise<void> };

/**
 * Gives a learner's client the words that judge it.
 * @param limit milliseconds that it has for each thing that it should print
 */
export function judgedClient(run: Run, program: Program, unexpected?: Unexpected, limit = promptMs): Client {
  let seen = 0;
  const output = () => program.stdout.replaceAll('\r\n', '\n').slice(seen);

  const prints: Client['prints'] = async (lines, { cause, advice: adviceFor, otherwise = different }) => {
    const adviceNow = () => (typeof adviceFor === 'string' ? adviceFor : adviceFor(output()));
    const expected = lines.map((line) => `${line}\n`).join('');
    const enough = () => output().split('\n').length > lines.length || program.end || program.verdict;
    await run.until(() => enough() || unexpected?.happened(), limit);
    await unexpected?.expectNone();
    const compare = { expected: visible(expected) || '(nothing)', received: '(nothing)' };
    const late = () => {
      run.missing(visible(expected.trimEnd()));
      const received = visible(output()) || '(nothing)';
      return {
        cause: expected.startsWith(output()) ? cause : otherwise,
        compare: { ...compare, received },
        advice: adviceNow(),
      };
    };
    await run.expectSoon(enough, late, program, 0);
    const received = output();
    const advice = adviceNow();
    const unfinished = received !== expected && expected.startsWith(received);
    if (unfinished) notCutShort(program, 'before it had printed what was expected', advice);
    notCrashed(program, 'while it was reading');
    expect(received !== '' || expected === '', {
      cause: `${cause} It ended instead, ${howEnded(program)}.`,
      ...lastWords(program),
      compare,
      advice,
    });
    expect(received === expected, {
      cause: otherwise,
      compare: expected === '' ? { ...compare, received: visible(received) } : visiblyDifferent(expected, received),
      advice,
    });
    seen += received.length;
  };

  return Object.assign(program, {
    prints,
    printsNothing: (advice: string) =>
      prints([], {
        cause: '',
        otherwise: 'The client printed something that does not belong on standard output.',
        advice,
      }),
    fails: (failure: ExpectedFailure) => expectFailure(run, program, failure),
    async endsWell(about: string, advice: string, running = keptAlive) {
      await expectEnd(run, program, `${about}, but the client is still running.`, running);
      notKilled(program, 'after the answer had come');
      if (crashed(program)) throw new Failure({ advice, ...explainEnd(program, 'after the answer had come') });
      expect(program.end?.code === 0, {
        cause: `${about}, but the client did not exit with code 0.`,
        compare: { expected: '0', received: String(program.end?.code ?? program.end?.signal) },
        ...lastWords(program),
        advice,
      });
    },
  });
}

const different = 'The client printed the wrong text.';

/** Advice for a client that prints a text of the server in several lines. */
export const withoutBreaks =
  'Replace the line breaks in what the server says before you print it: message.replaceAll(/\\s+/g, " ").';

/** Errors that no program throws on purpose. */
const thrownByJavaScript = /Cannot (read|set) properties of |\b(is not a function|is not defined|is not iterable)\b/;

/** What to do about exit code 1. @param said the line that the client has printed about the failure */
function adviceOnCodeOne({ code, codeOne, withFail }: ExpectedFailure, said: string): string {
  if (codeOne) return codeOne;
  if (thrownByJavaScript.test(said)) {
    return `Your code threw this error itself, and a catch printed it. Find the line that threw it, and handle the failure above that line, with exit code ${code}.`;
  }
  return withFail
    ? `Call fail with exit code ${code} where you notice this failure, and look for a later line that replaces process.exitCode.`
    : `Set process.exitCode = ${code} before you throw: the catch keeps what is set.`;
}

async function expectFailure(run: Run, client: Program, failure: ExpectedFailure): Promise<void> {
  const { code, about, printed = [], has = [], hasName, advice, oneLine, otherCode } = failure;
  await expectEnd(run, client, `The client goes on running after ${about}.`);
  notKilled(client, `on ${about}`);
  const expected = printed.map((line) => `${line}\n`).join('');
  const output = client.stdout.replaceAll('\r\n', '\n');
  const unfinished = output !== expected && expected.startsWith(output);
  if (unfinished) notCutShort(client, `on ${about}, before it had printed everything`, advice);
  expect(output === expected, {
    cause: `The client printed the wrong text on standard output, before or after ${about}.`,
    compare: { expected: visible(expected) || '(nothing)', received: visible(client.stdout) || '(nothing)' },
    advice,
  });
  // The number of a port may have any other number in it.
  const said = client.stderr.replace(/127\.0\.0\.1:\d+/g, '').trim();
  for (const part of said === '' ? [] : has) {
    expect(said.includes(String(part)), {
      cause: `The client printed an error about ${about}, but without ${hasName ?? 'what the server said'}.`,
      compare: { expected: `… ${part} …`, received: visible(client.stderr.trim()) },
      advice:
        client.end?.code === code
          ? (failure.hasAdvice ??
            `Put ${hasName ?? 'the expected text'} into the line that you print, because the user of your client needs it.`)
          : advice,
    });
  }
  // Silence, a crash and several lines have sentences of their own, in checkComplaint.
  const received = client.end?.code;
  expect(received === code || said === '' || said.includes('\n'), {
    cause: `The client did not exit with code ${code} after ${about}.`,
    compare: { expected: String(code), received: String(received ?? client.end?.signal) },
    ...lastWords(client),
    advice:
      received === 0
        ? `Set process.exitCode = ${code} where you handle the error.`
        : received === 1
          ? `Code 1 is for anything else. ${adviceOnCodeOne(failure, said)}`
          : (otherCode ?? 'The client took one failure for another: see the table of exit codes.'),
  });
  checkComplaint(client, about, { code, silent: advice, ...(oneLine !== undefined && { oneLine }) });
}

/**
 * Judges a client under a time limit that it gets, and repeats this with a limit 4 and 16 times as long where the limit
 * was over before there was something to judge: on a busy machine, a right client may have given up earlier.
 * @param shortest milliseconds: a multiple of what this machine has just needed to begin
 * @param begin starts a client with this limit, and brings it to where it is judged
 * @param judge returns false when the grader itself was too slow
 */
export async function underTimeLimit<Case>(
  shortest: number,
  begin: (limit: number) => Promise<Case>,
  judge: (begun: Case, limit: number) => Promise<boolean | void>,
): Promise<void> {
  for (const factor of [1, 4, 16]) {
    const limit = Math.ceil(factor * shortest);
    const started = performance.now();
    const tooLate = () => factor < 16 && performance.now() - started >= limit;
    const begun = await begin(limit).catch((error: unknown) => {
      if (!tooLate()) throw error;
      return undefined;
    });
    if (begun === undefined || tooLate()) continue;
    if ((await judge(begun, limit)) !== false) return;
  }
}

/** Advice for a client that does not end. */
export const keptAlive =
  'Look for what keeps the client alive: a timer, a reader that is never closed, or a loop that never ends.';

/** Waits until the client has ended. */
export async function expectEnd(run: Run, client: Program, cause: string, advice = keptAlive): Promise<void> {
  await client.begun;
  await run.expectSoon(
    () => client.end ?? client.verdict,
    () => ({ cause, advice }),
    client,
    2 * promptMs,
  );
  if (client.verdict) throw new Failure(client.verdict);
}

/** Fails with the client's own error when it has crashed instead of handling what came. */
export function notCrashed(client: Program, when: string): void {
  if (client.verdict || crashed(client)) {
    throw new Failure(explainEnd(client, when));
  }
}

/** Fails when a signal has ended the client. */
function notKilled(client: Program, when: string): void {
  if (client.end?.signal) throw new Failure(explainEnd(client, when));
}

/** Fails with how the client has ended when it was cut short: by an error that nothing caught, process.exit, or a signal. */
export function notCutShort(client: Program, when: string, advice: string): void {
  const explanation = client.verdict || crashed(client) ? explainEnd(client, when) : cutShort(client, when);
  if (explanation) throw new Failure({ advice, ...explanation });
}

/** How a client has ended that was not cut short: `with exit code 1`. */
export const howEnded = ({ end }: Program): string => `with exit code ${end?.code}`;

/** The end of what a client has said on standard error. */
export const lastWords = ({ stderr }: Program): Pick<Explanation, 'output'> =>
  stderr.trim() === '' ? {} : { output: stderr.trim().split('\n').slice(-4).join('\n') };

/** One line on standard error, and this exit code. `silent` is the advice when there is no line, `oneLine` when there are more, `advice` when the code is another. */
export function checkComplaint(
  client: Program,
  what: string,
  {
    silent = 'Print one line about the error with console.error, which writes to standard error.',
    oneLine = '',
    code = 1,
    advice = '',
  } = {},
): void {
  // Node's own warnings are not the client's.
  const received = client.stderr
    .replace(/^\(node:\d+\) .*\n|^\(Use `node --trace-.*\n/gm, '')
    .replace(/^Warning: Detected unsettled top-level await at [^]*/m, '')
    .trim();
  expect(received !== '', {
    cause: `The client says nothing on standard error about ${what}.`,
    advice: /error|fail|refused|abort|premature|terminated|\b[45]\d\d\b/i.test(client.stdout)
      ? 'Print errors with console.error, which writes to standard error: your client printed this one on standard output.'
      : silent,
  });
  if (crashed(client)) {
    throw new Failure({
      ...explainEnd(client, `on ${what}`),
      advice: 'Catch the error, and print one sentence about it with console.error.',
    });
  }
  expect(!/^[ \t]+at /m.test(received), {
    cause: `The client printed the stack of an error about ${what}.`,
    advice: oneLine || 'Print only error.message, in one line, instead of the whole error.',
    output: received.slice(0, received.search(/^[ \t]+at /m)).trimEnd(),
  });
  expect(!received.includes('\n'), {
    cause: `The client says more than one line on standard error about ${what}.`,
    compare: { expected: 'one line', received: visible(received) },
    advice:
      oneLine || 'Print one line only, for example error.message, because a program may read what your client prints.',
  });
  expect(client.end?.code === code, {
    cause: `The client did not exit with code ${code} after ${what}.`,
    compare: { expected: String(code), received: String(client.end?.code ?? client.end?.signal) },
    advice: advice || `Set process.exitCode = ${code} where you handle the error.`,
  });
}

/** The client has ended after Ctrl+C as it should. `silent` is the advice when it has printed no line. */
export function expectInterrupted(
  client: Program,
  silent = 'Abort with a reason, stop.abort(new Error(…)), and print the reason in one line with console.error.',
): void {
  const byItself = client.end?.signal === 'SIGINT';
  expect(!byItself || client.stderr.trim() !== '', {
    cause: 'Ctrl+C ended your client before it could print a line.',
    advice:
      "Register process.once('SIGINT', …). Node then calls you instead of ending: abort the signal of the request there, with a reason.",
  });
  // One that raises the signal again, when all is said, ends as a shell expects: that is 130 too.
  if (byItself) return;
  if (crashed(client)) {
    throw new Failure({
      ...explainEnd(client, 'after Ctrl+C'),
      advice:
        'Call stop.abort(new Error(…)) in the listener of SIGINT, and throw nothing there, because nothing catches this error. The await that is waiting then throws the reason, and the catch prints it.',
    });
  }
  checkComplaint(client, 'Ctrl+C', {
    code: 130,
    silent,
    advice:
      'Set process.exitCode = 130 in the listener of SIGINT, before the abort. The catch sets code 1 only if no code has been set.',
  });
}

/** The longest time in milliseconds for which the program's event loop did not turn, until `over` says that it is over. */
export async function longestPause(program: Program, over: () => boolean): Promise<number> {
  let longest = 0;
  while (!over() && !program.end) {
    const asked = performance.now();
    const alive = await program.caughtUp(60_000);
    longest = Math.max(longest, performance.now() - asked);
    if (!alive) break;
  }
  return longest;
}

/**
 * The program waits for no more timers than `before`. A wrong program gets further turns of its event loop, and not a
 * number of milliseconds: each answer of a program says for how many timers it waits.
 * @param before `program.timers` from before the timers were started
 * @param interval milliseconds for which a right program may still wait, where it looks once more whether it is needed
 */
export async function noTimerLeft(
  run: Run,
  program: Program,
  before: number,
  explanation: Explanation,
  interval = 0,
): Promise<void> {
  await program.caughtUp();
  await run.expectSoon(
    () => program.timers <= before,
    () => explanation,
    program,
    interval,
  );
}
