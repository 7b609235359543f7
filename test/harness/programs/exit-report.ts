// How a program ended that left no error: an exit code, a signal, an await that never settled.
import { basename, dirname } from 'node:path';
import type { Explanation } from '../run/failure.ts';
import { explainCommandEnd } from './command-report.ts';
import { linesOf, placeIn } from './places.ts';
import { cutLines, lastOutput } from './printed.ts';
import type { Program } from './program.ts';

/** Node's exit code when nothing is left to do and an await at the top level still waits. */
const unsettledAwait = 13;

export function explainExit(program: Program, when: string): Explanation {
  if (program.command) return explainCommandEnd(program, when);
  const file = basename(program.name);
  const { code, signal } = program.end ?? { code: null, signal: null };
  const output = lastOutput(program.stderr + program.stdout);
  const how = signal ? `by the signal ${signal}` : `with exit code ${code}`;
  if (program.exitedAt) {
    return {
      cause: `${file} called process.exit ${when}: it ended ${how}.`,
      advice:
        file === 'server.ts'
          ? 'Remove this call of process.exit, because a server should run until somebody stops it.'
          : 'Set process.exitCode instead, and let the client end by itself when its work is done.',
      ...output,
      at: program.exitedAt,
    };
  }
  if (signal) return { ...explainSignal(file, signal, when), ...output, at: program.name };
  if (code === unsettledAwait) {
    return {
      cause: `Node.js ended ${file} ${when}, because the event loop was empty while an await at the top level had not settled.`,
      advice:
        'Look at what this await waits for: a promise that nothing resolves or rejects, an event that cannot come any more, or a callback that is never called.',
      ...lastOutput(program.stdout),
      at: awaitIn(program) ?? program.name,
    };
  }
  return {
    cause: `${file} ended ${when}, ${how} and without an error.`,
    advice:
      code === 0
        ? 'Look for something that the program does not wait for: a server that never listens, a promise without await, or a loop that ends too early.'
        : 'Look for what sets this exit code, or ends the process.',
    ...output,
    at: program.name,
  };
}

/**
 * How a program ended that had more to do: by a signal, by process.exit, or in an await that never settled. Undefined
 * while it runs, and when it ended by itself.
 */
export function cutShort(program: Program, when: string): Explanation | undefined {
  const { end, exitedAt } = program;
  const byCtrlC = end?.signal === 'SIGINT';
  if (program.command) return end?.signal && !byCtrlC ? explainCommandEnd(program, when) : undefined;
  if (!end || byCtrlC || !(exitedAt ?? end.signal ?? end.code === unsettledAwait)) return undefined;
  return explainExit(program, when);
}

function explainSignal(file: string, signal: NodeJS.Signals, when: string): Explanation {
  const broken = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGTRAP'].includes(signal);
  return {
    cause: `The signal ${signal} ended ${file} ${when}.`,
    advice: broken
      ? 'Node.js itself broke. Run the command again; if this comes again, look for a native module or for process.abort in your program.'
      : 'Look for process.kill in your program. Otherwise somebody else on this machine sent the signal; the system sends SIGKILL when memory runs out.',
  };
}

/** The line of the await: newer versions of Node.js say it; else it is clear if the file has only one. */
function awaitIn({ name, folder, stderr }: Program): string | undefined {
  const warning = cutLines(stderr)
    .split('\n')
    .find((line) => line.startsWith('Warning: Detected unsettled top-level await at '));
  if (warning) return placeIn(warning, dirname(name));
  const awaits = linesOf(folder, name).flatMap((line, i) =>
    /^(?!\/\/|\s|.*\basync\b).*\bawait\b/.test(line) ? [i + 1] : [],
  );
  return awaits.length === 1 ? `${name}:${awaits[0]}` : undefined;
}
