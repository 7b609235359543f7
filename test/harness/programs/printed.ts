// What a program has printed, made fit to be searched and to be shown.
import { stripVTControlCharacters } from 'node:util';
import { printable } from '../wire/printable.js';

/**
 * A text whose lines have at most `limit` characters. A regular expression may take the square of a line's length,
 * so a line is cut before one sees it.
 */
export function cutLines(text: string, limit = 2000): string {
  if (text.length <= limit) return text;
  return text
    .split('\n')
    .map((line) => (line.length > limit ? `${line.slice(0, limit)}…` : line))
    .join('\n');
}

/** The end of what a program has printed, in a few lines. */
export function lastOutput(text: string): { output?: string } {
  const end = stripVTControlCharacters(cutLines(text))
    .trim()
    .split('\n')
    .slice(-4)
    .map((line) => line.slice(0, 140))
    .join('\n');
  return end ? { output: printable(end) } : {};
}

const debuggerLines =
  /^(Debugger (listening|ending) on ws:|For help, see: https:\/\/nodejs\.org|Debugger attached|Waiting for the debugger).*\n/gm;

/** The program's own text on standard error: without colours, and without Node.js's lines about its debugger. */
export const ownWords = (stderr: string): string =>
  stripVTControlCharacters(cutLines(stderr).replace(debuggerLines, ''));
