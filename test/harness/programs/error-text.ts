// Finds an error in what a program has written on standard error.

/** An error's own lines, what stands before them (the place and its source), and whether the error ended the program. */
export type ErrorText = { text: string[]; head: string[]; fatal: boolean };

/** The last words of a program that an error has ended: Node prints the place, a caret, the error, and its version. */
export function uncaught(stderr: string): ErrorText | undefined {
  const lines = stderr.split(/\r?\n/);
  const end = lines.findLastIndex((line) => /^Node\.js v\d/.test(line));
  if (end < 0) return undefined;
  const caret = lines.slice(0, end).findLastIndex((line) => /^\s*\^+\s*$/.test(line));
  const begin = caret < 0 ? 0 : caret + 1;
  const block = lines.slice(begin, end);
  const first = block.findIndex((line) => line !== '');
  if (first < 0) return undefined;
  return { text: block.slice(first), head: lines.slice(Math.max(0, caret - 2), begin), fatal: true };
}

/** An error that a program, or a library for it, has printed and survived. */
export function printed(stderr: string): ErrorText | undefined {
  const lines = stderr.split(/\r?\n/);
  const frame = lines.findIndex(isFrame);
  if (frame < 0) return undefined;
  const begin = lines.slice(0, frame).findLastIndex((line) => /^(Uncaught )?[\w.$]*(Error|Exception)\b/.test(line));
  return begin < 0 ? undefined : { text: lines.slice(begin), head: [], fatal: false };
}

/** A line of a stack. */
export const isFrame = (line: string): boolean => /^\s+at /.test(line);

/** What the error says: its lines before the stack, its fields, or a hint of Node's. */
export function messageOf({ text }: ErrorText): string[] {
  return text.slice(0, text.findIndex((line) => /^\s+at |^\s*$|^\s+[{\w[]+.*:|^\(Use /.test(line)) >>> 0);
}
