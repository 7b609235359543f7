// Why a program that a command started is no longer there, or what it printed when it failed: in its own words, whatever
// its language.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Explanation } from '../run/failure.ts';
import { printable } from '../wire/printable.js';
import { messageOf, uncaught } from './error-text.ts';
import { cutLines, lastOutput } from './printed.ts';
import type { Program } from './program.ts';

/** Where the report of an error begins, in the languages that people use most. */
const beginnings =
  /^(Traceback \(most recent call last\):|panic: |fatal error: |.*: panic serving |thread '.*' (\(\d+\) )?panicked at|Exception in thread |Unhandled exception|\S+:\d+:in .*\))/;
/** Lines that are shown of one: the last say most. */
const most = 6;

/** How a program ended that a command started. */
export function explainCommandEnd(program: Program, when: string): Explanation {
  const { called, end } = program;
  const error = errorIn(program.stderr);
  if (end?.signal) return { ...explainSignal(called, end.signal, when), ...said(program), at: placeOf(program) };
  const how = end?.code == null ? '' : ` with exit code ${end.code}`;
  return {
    cause: `${called} ${error ? `stopped with an error ${when},` : `ended ${when},`}${how}.`.replace(/,\.$/, '.'),
    advice: error
      ? 'Read what the program says here: these are the last lines of its error.'
      : program.stderr.trim() !== ''
        ? 'Read what the program has printed last on standard error.'
        : end?.code === 0
          ? 'Look for something that the program does not wait for: a server that runs in the background, a thread that nobody joins, or a loop that ends too early.'
          : 'Look for what sets this exit code, or ends the process. It has printed nothing on standard error.',
    ...(error ? { output: error } : said(program)),
    at: placeOf(program),
  };
}

/** The error that a program has printed on standard error, from that position on. */
export function explainCommandError(program: Program, from: number, when: string): Explanation | undefined {
  const output = errorIn(program.stderr.slice(from));
  if (output === undefined) return undefined;
  return {
    cause: `${program.called} printed an error ${when}.`,
    output,
    advice: 'Read what the program says here: these are the last lines of its error.',
    at: placeOf(program, from),
  };
}

/** True when the program has ended, and the last that it said is an error that nothing caught. */
export const commandCrashed = ({ end, stderr }: Program): boolean =>
  end !== undefined && end.code !== 0 && errorIn(stderr) !== undefined;

/** The last error in a text, in a few lines. */
function errorIn(stderr: string): string | undefined {
  const text = cutLines(stderr);
  const ofNode = uncaught(text);
  if (ofNode)
    return printable([...messageOf(ofNode).slice(0, most - 2), ...ofNode.text.filter(isFrame).slice(0, 2)].join('\n'));
  const lines = text.split(/\r?\n/);
  const begin = lines.findLastIndex((line) => beginnings.test(line));
  if (begin < 0) return undefined;
  const length = lines.slice(begin + 1).findIndex((line) => /^-{20,}$/.test(line));
  const block = lines.slice(begin, length < 0 ? undefined : begin + 1 + length).filter((line) => line.trim() !== '');
  // Go and Rust say first what was wrong; Python says it last.
  const shown = block[0]!.startsWith('Traceback') ? block.slice(-most) : block.slice(0, most);
  return printable(shown.map((line) => line.slice(0, 140)).join('\n'));
}

const isFrame = (line: string): boolean => /^\s+at /.test(line);

function explainSignal(called: string, signal: NodeJS.Signals, when: string): Explanation {
  const advice: Partial<Record<NodeJS.Signals, string>> = {
    SIGSEGV: 'Look for a pointer that is null or freed, and for an index outside of an array.',
    SIGBUS: 'Look for a pointer that is null or freed, and for an index outside of an array.',
    SIGFPE: 'Look for a division of whole numbers by zero.',
    SIGABRT: 'Look for a call of abort, an assertion that fails, or memory that is freed twice.',
    SIGPIPE:
      'Ignore the signal SIGPIPE: the system sends it to a program that writes to a connection or a pipe whose other end is closed. The write then fails with EPIPE.',
    SIGKILL: 'Somebody has sent this signal. The system sends it when memory runs out.',
  };
  return {
    cause: `The signal ${signal} ended ${called} ${when}.`,
    advice: advice[signal] ?? 'Look for what sends this signal: your program, or somebody else on this machine.',
  };
}

const said = ({ stderr, stdout }: Program): { output?: string } => lastOutput(stderr.trim() === '' ? stdout : stderr);

/**
 * The last place in a file of the lesson that the program has named, as most languages write one: `File "server.py", line 14`,
 * `server.go:14` or `server.rb:14`; its command where there is none.
 */
function placeOf({ name, folder, folderName, stderr }: Program, from = 0): string {
  const places = [
    ...cutLines(stderr.slice(from), 500).matchAll(/File "([^"\n]+)", line (\d+)|([\w./\\-]+\.[a-zA-Z]{1,5}):(\d+)\b/g),
  ].flatMap(([, quoted, line, plain, of]) => {
    const file = (quoted ?? plain ?? '').replace(`${folderName}/`, '').replace(/^\.\//, '');
    const inside = !/^[./\\]/.test(file) && existsSync(join(folder, file));
    return inside ? [`${folderName}/${file}:${line ?? of}`] : [];
  });
  const python = /File "/.test(stderr.slice(from));
  return (python ? places.at(-1) : places[0]) ?? name;
}
