// What a verdict says of a program that has ended, from its last words alone; and that long lines take no long time.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { unpacked } from '../harness/fast-start/packages.js';
import { root } from '../harness/folders.js';
import { crashed, explainEnd, explainError } from '../harness/programs/crash-report.ts';
import { cutShort } from '../harness/programs/exit-report.ts';
import { shortener } from '../harness/programs/places.ts';
import { ownWords } from '../harness/programs/printed.ts';
import type { Program } from '../harness/programs/program.ts';

const folderName = 'lessons/01-chunked-stream';
const folder = join(root, '.tmp', `crash-report-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that has ended like this. */
function ended(how: Partial<Program>, source = ''): Program {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'server.ts'), source);
  const end = { code: 1, signal: null };
  return { name: `${folderName}/server.ts`, folder, stdout: '', stderr: '', end, ...how } as Program;
}

/** What Node.js prints when nothing catches an error. */
const uncaught = (error: string, line = 1, more = '') => `${folderName}/server.ts:${line}
const early = new Thing(3);
              ^

${error}
    at <anonymous> (${folderName}/server.ts:${line}:15)
    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)${more}

Node.js v20.20.2
`;

describe('a program that ended without an error', () => {
  test('an open file that the program has lost: the verdict says to close it', () => {
    const stderr = `Cannot pipe to a closed or destroyed stream
<anonymous_script>:0

[Error: A FileHandle object was closed during garbage collection. This used to be allowed with a deprecation warning but is now considered an error. Please close FileHandle objects explicitly. File descriptor: 23 (/tmp/a)] {
  code: 'ERR_INVALID_STATE'
}

Node.js v26.10.0
`;
    const { cause, advice } = explainEnd(ended({ stderr }), 'while it was answering');
    expect(cause).toBe('server.ts stopped while it was answering, because it had opened a file and never closed it.');
    expect(advice).toContain('await file.close()');
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)('by %s: the verdict names the signal', (signal) => {
    const { cause, advice } = explainEnd(ended({ end: { code: null, signal } }), 'while it was reading');
    expect(cause).toBe(`The signal ${signal} ended server.ts while it was reading.`);
    expect(advice).toContain('process.kill');
  });

  test('by a crash of Node.js itself: the verdict says so', () => {
    const { advice } = explainEnd(ended({ end: { code: null, signal: 'SIGSEGV' } }), 'while it was reading');
    expect(advice).toMatch(/^Node\.js itself broke\./);
  });

  const unsettled =
    'Node.js ended server.ts at last, because the event loop was empty while an await at the top level had not settled.';

  test('an await that never settles: the line that Node.js says', () => {
    const stderr = `Warning: Detected unsettled top-level await at ${folderName}/server.ts:4\nawait never;\n^\n\n\n`;
    const explained = explainEnd(ended({ end: { code: 13, signal: null }, stderr }), 'at last');
    expect(explained).toMatchObject({ cause: unsettled, at: `${folderName}/server.ts:4` });
    expect(explained.output).toBe(undefined);
  });

  test('an await that never settles, where Node.js does not say the line: the only one in the file', () => {
    const source = '// await nothing\nexport const f = async () => {\n  await 1;\n};\nawait new Promise(() => {});\n';
    const explained = explainEnd(ended({ end: { code: 13, signal: null } }, source), 'at last');
    expect(explained).toMatchObject({ cause: unsettled, at: `${folderName}/server.ts:5` });
  });

  test('process.exit: the verdict names who called it, and where', () => {
    const exitedAt = `${folderName}/server.ts:3`;
    const explained = explainEnd(ended({ end: { code: 13, signal: null }, exitedAt }), 'at last');
    expect(explained).toMatchObject({ at: exitedAt });
    expect(explained.cause).toContain('server.ts called process.exit at last');
  });
});

describe('a program that had more to do', () => {
  test.each([
    ['was ended by a signal', { end: { code: null, signal: 'SIGTERM' } }, 'The signal SIGTERM ended server.ts'],
    ['called process.exit', { exitedAt: `${folderName}/server.ts:3` }, 'server.ts called process.exit'],
    ['waited for nothing', { end: { code: 13, signal: null } }, 'Node.js ended server.ts'],
  ] as const)('it %s: the verdict says so', (_how, how, cause) => {
    expect(cutShort(ended(how as Partial<Program>), 'while it was reading')?.cause).toContain(cause);
  });

  test.each([
    ['runs', { end: undefined }],
    ['ended by itself', { end: { code: 0, signal: null } }],
    ['was ended by Ctrl+C', { end: { code: null, signal: 'SIGINT' } }],
  ] as const)('it %s: nothing cut it short', (_how, how) => {
    expect(cutShort(ended(how as Partial<Program>), 'while it was reading')).toBe(undefined);
  });
});

describe('a name that is used before its line', () => {
  const source =
    'const early = new Thing(3);\nconst used = limits.size;\nclass Thing {}\nconst limits = { size: 1 };\n';
  test.each([
    ["ReferenceError: Cannot access 'Thing' before initialization", 1, 'Thing', 3],
    ['TypeError: Thing is not a constructor', 1, 'Thing', 3],
    ["TypeError: Cannot read properties of undefined (reading 'size')", 2, 'limits', 4],
  ])('%s', (error, line, name, declared) => {
    expect(explainEnd(ended({ stderr: uncaught(error, line) }, source), 'at once')).toEqual({
      cause: `server.ts stopped at once: line ${line} uses ${name} before line ${declared}, which declares it, has run.`,
      output: error,
      advice: `Move the declaration of ${name} above the line that uses it. A function may be used before its line, but a const, a let or a class may not.`,
      at: `${folderName}/server.ts:${line}`,
    });
  });

  test('a name that is declared above is not said to be declared below', () => {
    const stderr = uncaught('TypeError: Thing is not a constructor', 2);
    const { cause } = explainEnd(ended({ stderr }, 'const Thing = {};\nnew Thing();\n'), 'at once');
    expect(cause).toBe('server.ts stopped with an error at once.');
  });
});

test('an error without a stack, which Node.js prints in brackets, is an error', () => {
  const stderr = `node:internal/modules/run_main:123
    triggerUncaughtException(
    ^

[Error: ENOENT: no such file or directory, lstat 'download.part'] {
  errno: -2,
  code: 'ENOENT',
  syscall: 'lstat',
  path: 'download.part'
}

Node.js v20.20.2
`;
  expect(explainEnd(ended({ stderr }), 'at once')).toMatchObject({
    cause: 'server.ts stopped with an error at once.',
    output: "Error: ENOENT: no such file or directory, lstat 'download.part'",
    advice:
      'Remove the file with rm and the option { force: true }. Without this option, rm throws an error if there is no such file, and so does unlink.',
  });
});

describe('an error that many people meet has advice', () => {
  const code = (text: string) => ` {\n  code: '${text}'\n}`;
  test.each([
    ['Error: listen EADDRINUSE: address already in use 127.0.0.1:3000', '', 'end other programs that use this port'],
    ['Error: listen EACCES: permission denied 0.0.0.0:80', '', 'process.env.PORT'],
    ["Error: EACCES: permission denied, open '/root/x'", '', 'permissions of the file'],
    ['Error [ERR_STREAM_WRITE_AFTER_END]: write after end', '', 'response that had ended'],
    ['Error [ERR_HTTP_HEADERS_SENT]: Cannot set headers after they are sent to the client', '', 'only once'],
    ['TypeError [ERR_UNESCAPED_CHARACTERS]: Request path contains unescaped characters', '', 'encodeURIComponent'],
    ['TypeError [ERR_INVALID_CHAR]: Invalid character in header content ["x"]', '', 'header'],
    [
      'TypeError [ERR_INVALID_ARG_TYPE]: The "streams[streams.length - 1]" argument must be of type function.',
      '',
      'Import pipeline from node:stream/promises.',
    ],
    ['Error [ERR_STREAM_DESTROYED]: Cannot call write after a stream was destroyed', '', 'event close'],
    ['Error [ERR_STREAM_PREMATURE_CLOSE]: Premature close', '', 'broke off'],
    ['TypeError: Body is unusable: Body has already been read', '', 'only once'],
    ['TypeError: terminated', '', 'broke off'],
    ['TypeError: fetch failed', '\n    [cause]: Error: connect ECONNREFUSED 127.0.0.1:9', 'nobody listens there'],
    ['Error: read ECONNRESET', code('ECONNRESET'), 'other side closed'],
    ['RangeError: Maximum call stack size exceeded', '', 'calls itself'],
    ['TypeError: response.wriet is not a function', '', 'spelt right'],
    ["TypeError: Cannot read properties of undefined (reading 'id')", '', 'value before the dot'],
    [
      "SyntaxError: The requested module './tools.ts' does not provide an export named 'tols'",
      '',
      'spelling of the name',
    ],
  ])('%s', (error, more, advice) => {
    const explained = explainEnd(ended({ stderr: uncaught(error, 1, more) }), 'at once');
    expect(explained.cause).toBe('server.ts stopped with an error at once.');
    expect(explained.advice).toContain(advice);
    expect(explained.advice, 'an instruction').toMatch(
      /^(Look|Take|Call|Catch|Stop|Read|Print|Listen|Import|Answer|The)/,
    );
  });

  test('out of memory', () => {
    const stderr = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n';
    expect(explainEnd(ended({ stderr }), 'at once').cause).toBe('server.ts ran out of memory at once.');
  });

  test('an error of the learner has none', () => {
    expect(explainEnd(ended({ stderr: uncaught('Error: no database') }), 'at once').advice).toBe(undefined);
  });
});

describe('a long line takes no more time than its length', () => {
  const lines: [string, (length: number) => string][] = [
    ['letters without a space', (length) => ` ${'x'.repeat(length)}`],
    ['a folder again and again', (length) => `${folderName}/`.repeat(length / 27)],
    [
      'what stands before a reason',
      (length) => `UnhandledPromiseRejection: ${'with the reason "'.repeat(length / 17)}`,
    ],
    ['a packed package that does not end', (length) => `node_modules/.cache/packages/a${'-1-'.repeat(length / 3)}`],
    ['what looks like a colour', (length) => `\u001b${';#'.repeat(length / 2)}`],
  ];
  const shorten = shortener(folder, folderName);
  test.each(lines)(
    '%s',
    (_name, line) => {
      const timeFor = (length: number) => {
        const text = line(length);
        const program = ended({ stderr: uncaught(`Error: ${text}\n${text}`) });
        const began = process.cpuUsage();
        crashed(program);
        explainError(program, 0, 'at once');
        unpacked(text);
        shorten(ownWords(text));
        const { user, system } = process.cpuUsage(began);
        return (user + system) / 1000;
      };
      timeFor(1000); // compiled
      const short = Math.min(timeFor(100_000), timeFor(100_000));
      const long = Math.min(timeFor(1_000_000), timeFor(1_000_000));
      // Ten times the length; a square would be a hundred times. What takes a few milliseconds is not measured well.
      expect(long).toBeLessThan(30 * Math.max(short, 5));
    },
    60_000,
  );
});
