// Why a program is no longer there, or what it threw: its own words, the place to open, and what to do.
import { basename, dirname } from 'node:path';
import type { Explanation } from '../run/failure.ts';
import { printable } from '../wire/printable.js';
import { commandCrashed, explainCommandEnd, explainCommandError } from './command-report.ts';
import { isFrame, messageOf, printed, uncaught, type ErrorText } from './error-text.ts';
import { explainExit } from './exit-report.ts';
import { adviceOn, earlyUse } from './known-errors.ts';
import { importedAt, linesOf, placeIn } from './places.ts';
import { cutLines } from './printed.ts';
import type { Program } from './program.ts';

/**
 * Why a program is no longer there: the limit that stopped it, its own error, or how it ended.
 * @throws MachineFault when the machine, and not the program, is the reason.
 */
export function explainEnd(program: Program, when: string): Explanation {
  if (program.fault) throw program.fault;
  if (program.verdict) return program.verdict;
  if (program.command) return explainCommandEnd(program, when);
  if (program.stderr.includes('heap out of memory')) {
    return {
      cause: `${basename(program.name)} ran out of memory ${when}.`,
      advice: 'Look for something that grows without end: an array or a string that is filled and never emptied.',
      at: program.name,
    };
  }
  if (program.stderr.includes('A FileHandle object was closed during garbage collection')) {
    return {
      cause: `${basename(program.name)} stopped ${when}, because it had opened a file and never closed it.`,
      advice:
        'Close each file that you open with await file.close(), also when the client has gone before the first byte. Node.js ends a program that has lost an open file.',
      at: program.name,
    };
  }
  return explainError(program, 0, when) ?? explainExit(program, when);
}

/** True when the program has ended and its last words are an error that nothing caught. */
export const crashed = (program: Program): boolean =>
  program.command
    ? commandCrashed(program)
    : program.end !== undefined && uncaught(cutLines(program.stderr)) !== undefined;

/** The error that a program wrote on standard error, from that position on: why, in its own words, and where. */
export function explainError(program: Program, from: number, when: string): Explanation | undefined {
  if (program.command) return explainCommandError(program, from, when);
  const folder = dirname(program.name);
  const stderr = cutLines(program.stderr.slice(from));
  const block = uncaught(stderr) ?? printed(stderr);
  if (!block) return undefined;
  const message = messageOf(block).map(withoutBrackets);
  const frames = block.text.filter(
    (line) => (isFrame(line) && placeIn(line, folder)) || /^\s+\[(cause|errors)\]:/.test(line),
  );
  const at = [...frames, ...message, ...block.head].map((line) => placeIn(line, folder)).find(Boolean) ?? program.name;
  const error: Found = { program, when, block, message, all: message.join('\n').slice(0, 10_000), frames, at };
  return invalidTypeScript(error) ?? missingImport(error) ?? noError(error) ?? usedTooEarly(error) ?? ownError(error);
}

/** Node.js prints an error without a stack in brackets, such as one of node:fs/promises: `[Error: ENOENT: …] {`. */
const withoutBrackets = (line: string): string => line.replace(/^\[(\w*Error\b.*)\](?: \{)?$/, '$1');

/** An error that was found, and where. */
type Found = {
  program: Program;
  when: string;
  block: ErrorText;
  /** What the error says, by lines and as one text. */
  message: string[];
  all: string;
  /** The lines of its stack that are in the learner's folder. */
  frames: string[];
  at: string;
};

function invalidTypeScript({ program, all, at }: Found): Explanation | undefined {
  const invalid = /^Error.*Transform failed/.test(all) && /:\d+:\d+: (?:ERROR|error): (.*)/.exec(all)?.[1];
  return invalid
    ? {
        cause: `${basename(program.name)} is not valid TypeScript: ${invalid}.`,
        advice:
          'Correct the line that is named below. The fault can also be just before it, such as a bracket that is not closed.',
        at,
      }
    : undefined;
}

function missingImport({ program, all }: Found): Explanation | undefined {
  const [, what, name, importer] = /Cannot find (module|package) '([^']+)' imported from (\S+)/.exec(all) ?? [];
  if (!what || !name) return undefined;
  const inFile = importer?.startsWith(`${dirname(program.name)}/`) ? importer : program.name;
  const at = importedAt(program.folder, inFile, basename(name)) ?? inFile;
  return what === 'module'
    ? {
        cause: `${basename(inFile)} imports a file that does not exist: ${name}`,
        advice: 'Spell the name as the file is spelt, with its ending (.ts).',
        at,
      }
    : {
        cause: `${basename(inFile)} imports the package "${name}", which is not installed.`,
        advice: 'Check how the name is spelt. A lesson needs only the packages that its starter imports.',
        at,
      };
}

/** Something was thrown that is not an Error. */
function noError({ program, when, block, all, frames, at }: Found): Explanation | undefined {
  const rejected = /^UnhandledPromiseRejection: .*?with the reason "([^]*)"\.$/.exec(all)?.[1];
  // The classes of some packages have names without the word Error, and their stack is in the package.
  const hasStack = frames.length > 0 || block.text.some(isFrame);
  const thrown = block.fatal && !hasStack && !/^[\w.$ ]*(Error|Exception)\b/.test(all) ? all : undefined;
  const value = rejected ?? thrown;
  if (value === undefined) return undefined;
  return {
    cause: `${basename(program.name)} stopped ${when}, because it threw something that is not an Error. Nothing caught this value.`,
    output: printable(value.split('\n')[0]!.slice(0, 140)),
    advice: 'Throw an Error instead, because an Error has a stack, which tells the line.',
    at,
  };
}

function usedTooEarly({ program, when, all, frames, message, at }: Found): Explanation | undefined {
  const file = basename(program.name);
  const places = frames.map((line) => placeIn(line, dirname(program.name))).filter((place) => place !== undefined);
  const used = places
    .filter((place) => basename(place).startsWith(`${file}:`))
    .map((place) => Number(place.split(':')[1]));
  const early = used.length > 0 && earlyUse(all, linesOf(program.folder, program.name), used);
  if (!early) return undefined;
  const { name, line } = early;
  return {
    cause: `${file} stopped ${when}: line ${at.split(':')[1]} uses ${name} before line ${line}, which declares it, has run.`,
    output: printable(message.slice(0, 6).map(shortLine).join('\n')),
    advice: `Move the declaration of ${name} above the line that uses it. A function may be used before its line, but a const, a let or a class may not.`,
    at,
  };
}

function ownError({ program, when, block, message, all, frames, at }: Found): Explanation {
  return {
    cause: `${basename(program.name)} ${block.fatal ? 'stopped with' : 'threw'} an error ${when}.`,
    output: printable([...beginning(message), ...frames.slice(0, 5)].map(shortLine).join('\n')),
    at,
    ...adviceOn(`${all}\n${codesOf(block)}`),
  };
}

/** The codes that stand behind the stack: `code: 'ECONNREFUSED'`. */
const codesOf = ({ text }: ErrorText): string =>
  text.filter((line) => /^\s+(?:\[?code\]?|\[cause\]): /.test(line)).join('\n');

const shortLine = (line: string): string =>
  line.length > 400 ? `${line.slice(0, 400)}…` : line.replace(/(?<=\S) \{$/, '');

/** The first lines of a message; a longer one says that there are more. */
const beginning = (message: string[]): string[] => (message.length > 6 ? [...message.slice(0, 6), '  …'] : message);
