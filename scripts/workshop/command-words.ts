// The words of a command, as a shell would split them. No shell reads it: nothing in it is ever expanded or run by one.
import type { Command } from '../../test/harness/programs/program.ts';
import type { Commands } from '../../test/harness/run/run.ts';
import { Refusal } from './command.ts';

/** What `check` and `watch` take, and what their help says. */
export const commandOptions = {
  server: { type: 'string', help: 'grade the server that this command starts, in any language: "python3 server.py"' },
  client: { type: 'string', help: 'grade the client that this command starts; its arguments come after it' },
} as const;

/**
 * The commands among the options of a command line.
 * @throws Refusal when one cannot be read
 */
export function commandsIn(options: Record<string, string | boolean | undefined>): Commands | undefined {
  const [server, client] = (['server', 'client'] as const).map((role) => commandIn(role, options[role]));
  return server || client ? { ...(server && { server }), ...(client && { client }) } : undefined;
}

function commandIn(role: string, option: string | boolean | undefined): Command | undefined {
  if (typeof option !== 'string') return undefined;
  const words = wordsOf(role, option);
  if (!words[0]) throw new Refusal(`--${role} needs a command, such as --${role} "python3 ${role}.py".`);
  return { text: option.trim().replace(/\s+/g, ' '), words };
}

/** One of: white space, text in single quotes, text in double quotes, an escaped character, what only a shell can do, other text. */
const piece =
  /(\s+)|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([|&;<>()`$*?~]|^[A-Za-z_]\w*=)|(['"\\])|([^\s'"\\|&;<>()`$*?~]+)/gy;

/** On Windows, a backslash is a part of a path. */
const windows = process.platform === 'win32';

/** The words of a command. @throws Refusal when a quote has no end, or when only a shell could run it */
export function wordsOf(role: string, text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [all, space, single, double, escaped, ofShell, open, plain] of text.trim().matchAll(piece)) {
    if (ofShell !== undefined) {
      throw new Refusal(
        `--${role} is started without a shell, so it cannot have "${all}" outside of quotes. ` +
          `Put it in quotes, or start a shell: --${role} "sh -c '…'".`,
      );
    }
    if (open !== undefined && !(windows && open === '\\')) {
      throw new Refusal(
        `The command of --${role} is not complete: it has a ${open === '\\' ? 'backslash' : 'quote'} without an end.`,
      );
    }
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const value = double !== undefined && !windows ? double.replace(/\\(["\\$`])/g, '$1') : double;
    word =
      (word ?? '') + (single ?? value ?? (windows && escaped !== undefined ? all : escaped) ?? plain ?? open ?? '');
  }
  return word === undefined ? words : [...words, word];
}

/** The options that repeat these commands, for a POSIX shell. */
export const asOptions = (commands: { server?: string; client?: string }): string =>
  Object.entries(commands)
    .map(
      ([role, text]) =>
        ` --${role} ${/["$`\\]/.test(text) ? `'${text.replaceAll("'", String.raw`'\''`)}'` : `"${text}"`}`,
    )
    .join('');
