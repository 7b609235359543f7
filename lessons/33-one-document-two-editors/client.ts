// An editor of the document. The README of this lesson says what it has to do; how it does this is up to you.
import { createInterface } from 'node:readline/promises';

const [url = 'http://127.0.0.1:3000/mcp', ...firstCommands] = process.argv.slice(2);

/** The commands of the user: the arguments after the URL, and then each line of standard input. */
async function* commands(): AsyncGenerator<string> {
  yield* firstCommands;
  yield* createInterface({ input: process.stdin });
}

/** What a command wants: these lines in place of a line, or at the end of the document if it names no line. */
type Command = { line?: number; lines: string[] };

/** Understands `3: TEXT`, `- 3` and `+ TEXT`. */
function parsed(command: string): Command | undefined {
  const { line, text, removed, added } =
    /^(?<line>\d+): (?<text>.*)$|^- (?<removed>\d+)$|^\+ (?<added>.*)$/.exec(command)?.groups ?? {};
  if (text !== undefined) return { line: Number(line), lines: [text] };
  if (removed !== undefined) return { line: Number(removed), lines: [] };
  if (added !== undefined) return { lines: [added] };
}

// TODO task 2: show each version of the document, and send the edits of the user
