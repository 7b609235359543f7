// What to do about the errors that Node.js reports most often in the programs of this workshop.
import type { Explanation } from '../run/failure.ts';

/** What rm and unlink say of a file that is not there. */
export const nothingToRemove = /ENOENT: [^']{0,60}, (?:lstat|unlink|rm) '/;

/** The first row that matches the error's message and code gives the advice. */
const knownErrors: readonly [matches: RegExp, advice: string][] = [
  [
    /EADDRINUSE/,
    'Look for a second call of listen, and end other programs that use this port: only one server can listen on a port.',
  ],
  [
    /ERR_STREAM_WRITE_AFTER_END/,
    'Look at response.writableEnded before you write, or return after you have ended the response: your program wrote to a response that had ended.',
  ],
  [
    /ERR_HTTP_HEADERS_SENT/,
    'Answer each request only once, and set the status and the headers before the first write. Look for code that runs on after the answer: often a return is missing. In a stream, send the rest with response.write and response.end. Code that handles an error must look at response.headersSent first, because it also runs when the client has gone away.',
  ],
  [
    nothingToRemove,
    'Remove the file with rm and the option { force: true }. Without this option, rm throws an error if there is no such file, and so does unlink.',
  ],
  [
    /EACCES: .*listen|listen EACCES/,
    'Listen on the port in process.env.PORT: the system keeps the ports below 1024 for itself.',
  ],
  [/EACCES|EPERM/, 'Look at the permissions of the file that the error names: this program may not use it.'],
  [
    /does not provide an export named/,
    'Look at the spelling of the name, and at how the module exports it: import name from … takes the default export, import { name } from … takes a named one, and a type needs import type.',
  ],
  [
    /ERR_UNESCAPED_CHARACTERS/,
    'Call encodeURIComponent on each part of the path that may contain a space or a letter outside of ASCII.',
  ],
  [
    /ERR_INVALID_CHAR/,
    'Take line breaks and other control characters out of the header, and encode letters outside of Latin-1: a header cannot carry them.',
  ],
  [
    /The "streams\[/,
    'Import pipeline from node:stream/promises. The pipeline of node:stream wants a callback as its last argument and returns no promise, so await cannot wait for it.',
  ],
  [
    /ERR_STREAM_DESTROYED/,
    'Stop writing when the stream is closed: listen for its event close, or look at its property destroyed before each write.',
  ],
  [
    /ERR_STREAM_PREMATURE_CLOSE|Premature close/,
    'Catch this error: the connection broke off before the stream had come to its end.',
  ],
  [
    /Body is unusable|[Bb]ody (has already been|used already|was already)|body used already for/,
    'Read the body of a response only once: keep what text() or json() returned, or read the stream response.body.',
  ],
  [/UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT/, 'Catch this error: fetch waited for the server, and gave up.'],
  [/UND_ERR_|TypeError: terminated/, 'Catch this error: the connection broke off before the response was complete.'],
  [
    /ECONNREFUSED/,
    'Catch this error if the server may be away. If it should be there, look at the host and the port of the address, because nobody listens there.',
  ],
  [
    /SdkError: Not connected/,
    'Add .catch to the promise that this call returns. The SDK rejects what is sent after the result, and Node.js ends a program when nobody handles a rejection.',
  ],
  [
    /ECONNRESET|socket hang up/,
    'Catch this error: the other side closed the connection before the response was complete.',
  ],
  [
    /Maximum call stack size exceeded/,
    'Look for a function that calls itself without an end, or two that call each other.',
  ],
  [
    /is not (a function|a constructor|iterable)\b/,
    'Print the value that the error names, with console.error, just before this line. Is its name spelt right, is an await missing, and does the import name what the module exports?',
  ],
  [
    /Cannot (read|set) properties of (undefined|null)/,
    'Print the value before the dot, with console.error, just before this line, and find out why it is missing. Is a name spelt right, or is an await missing?',
  ],
];

/** Advice on an error, by its message and code. */
export function adviceOn(error: string): Pick<Explanation, 'advice'> {
  const advice = knownErrors.find(([matches]) => matches.test(error))?.[1];
  return advice === undefined ? {} : { advice };
}

/** A name that stands on a line before its declaration. */
type EarlyUse = { name: string; line: number };

/**
 * The constant or class that an error is about, when the file declares it only after the line that uses it. Built into
 * one file, such a name is not refused by JavaScript but undefined: then the error says that it is no function.
 * @param lines of the program's source
 * @param used the lines of the stack that are in this file, from 1
 */
export function earlyUse(error: string, lines: readonly string[], used: readonly number[]): EarlyUse | undefined {
  const [, refused, missing] =
    /Cannot access '([\w$]+)' before initialization|\b([\w$]+) is not a (?:function|constructor)/.exec(error) ?? [];
  const names = (refused ?? missing) ? [(refused ?? missing)!] : readOf(error, lines, used);
  for (const name of names) {
    const line = lines.findIndex((each) => declarationOf(each) === name) + 1;
    if (line > 0 && (refused !== undefined || line > Math.min(...used))) return { name, line };
  }
  return undefined;
}

/** Whose property could not be read: the names before `.property` on the lines of the stack. */
function readOf(error: string, lines: readonly string[], used: readonly number[]): string[] {
  const property = /Cannot (?:read|set) properties of undefined \((?:reading|setting) '([\w$]+)'\)/.exec(error)?.[1];
  if (property === undefined) return [];
  return used
    .flatMap((line) => [...(lines[line - 1] ?? '').matchAll(/([\w$]+)\.([\w$]+)/g)])
    .filter((match) => match[2] === property)
    .map((match) => match[1]!);
}

/** The name that a line at the top level declares, other than by `function`. */
const declarationOf = (line: string): string | undefined =>
  /^(?:export )?(?:const|let|(?:abstract )?class) ([\w$]+)/.exec(line)?.[1];
