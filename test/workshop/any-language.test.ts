// Programs that a command starts: right ones in three languages pass, and wrong ones get a verdict that names the cause.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { asOptions, wordsOf } from '../../scripts/workshop/command-words.ts';
import { Refusal } from '../../scripts/workshop/command.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';
import { report } from '../../scripts/workshop/report.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import type { Commands } from '../harness/run/run.ts';
import type { Verdict } from '../harness/run/verdict.ts';
import { graders } from '../proof/graders.ts';
import { processesWith } from './processes.ts';
import { patient } from './waiting.ts';

const languages = join(root, 'test', 'languages');
const temporary = join(root, '.tmp', `languages-${process.pid}`);
const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const python = has('python3');
const compiler = has('gcc');
const posix = process.platform !== 'win32';

const pool = graders(2);
beforeAll(() => mkdirSync(temporary, { recursive: true }));
afterAll(async () => {
  await pool.close();
  rmSync(temporary, { recursive: true, force: true });
});

const command = (text: string) => ({ text, words: wordsOf('server', text) });

/** Grades programs of commands, with the finished programs of the lesson in the places that no command takes. */
function grade(slug: string, commands: Commands, folder = join(solutionsFolder, slug)): Promise<Verdict> {
  return pool.grade({ slug, folder, folderName: `lessons/${slug}`, commands });
}

/** The explanation of the requirement that failed. */
const explanationOf = (verdict: Verdict) =>
  verdict.tasks.flatMap(({ requirements }) => requirements).find(({ state }) => state === 'failed')?.explanation;

const passes = (verdict: Verdict) => expect(explanationOf(verdict)).toBeUndefined();

describe('right programs pass', { concurrent: true }, () => {
  test('a server in JavaScript without packages', async () => {
    passes(
      await grade('02-server-sent-events', { server: command(`node "${join(languages, 'lesson-2', 'server.mjs')}"`) }),
    );
  });

  test.skipIf(!python)('a server in Python, with its standard library', async () => {
    passes(
      await grade('02-server-sent-events', {
        server: command(`python3 '${join(languages, 'lesson-2', 'server.py')}'`),
      }),
    );
  });

  test.skipIf(!compiler)('a server in C, with the C library', async () => {
    const program = join(temporary, 'server');
    const source = join(languages, 'lesson-2', 'server.c');
    const { stderr } = spawnSync('gcc', ['-O1', '-Wall', '-pthread', '-o', program, source, '-lm'], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    passes(await grade('02-server-sent-events', { server: command(`"${program}"`) }));
  });

  test.skipIf(!python)('a client in Python', async () => {
    passes(
      await grade('03-reading-events', { client: command(`python3 '${join(languages, 'lesson-3', 'client.py')}'`) }),
    );
  });

  test.skipIf(!python)('a server in Python that sleeps, and does not know the work clock', async () => {
    const verdict = await grade('01-chunked-stream', {
      server: pythonServer('sleeps', ['os.environ.get("WORK_CLOCK")', 'None'], 'work_clock.py'),
    });
    passes(verdict);
    expect(verdict.tasks[0]!.note).toContain('never connected to the work clock');
  });

  test.skipIf(!python)('a server in Python with the work clock of the documentation', async () => {
    const [, documented] = /```python\n([\s\S]*?)```/.exec(
      readFileSync(join(root, 'docs', 'any-language.md'), 'utf8'),
    )!;
    const ours = readFileSync(join(languages, 'work_clock.py'), 'utf8');
    const verdict = await grade('01-chunked-stream', {
      server: pythonServer('documented', [ours, documented!], 'work_clock.py'),
    });
    passes(verdict);
    expect(verdict.tasks.map(({ note }) => note).filter(Boolean)).toEqual([]);
  });
});

// After the others, because all of them share the processes that grade.
describe('right servers of MCP pass', { concurrent: true }, () => {
  test.skipIf(!python)('a server of MCP in Python, with the tools of the grader', async () => {
    passes(await grade('08-handshake', { server: command(`python3 '${join(languages, 'lesson-8', 'server.py')}'`) }));
  });

  test.skipIf(!python)('the server of the capstone in Python', async () => {
    const { tasks } = await grade('27-a-list-of-documents', {
      server: command(`python3 '${join(languages, 'lesson-27', 'server.py')}'`),
    });
    // The last task is about the client, which waits two seconds at most for an answer.
    const [process, report, survive] = tasks;
    expect([process, report, survive]).toMatchObject(Array(3).fill({ state: 'passed' }));
  });
});

/** The server of lesson 1 in Python with a change, in a file of its own. */
function pythonServer(name: string, [from, to]: [string, string], file = 'server.py') {
  const folder = join(temporary, name, 'lesson-1');
  mkdirSync(folder, { recursive: true });
  const sources: Record<string, string> = {
    'work_clock.py': readFileSync(join(languages, 'work_clock.py'), 'utf8'),
    'server.py': readFileSync(join(languages, 'lesson-1', 'server.py'), 'utf8'),
  };
  expect(sources[file]!.split(from).length).toBe(2);
  sources[file] = sources[file]!.replace(from, () => to);
  writeFileSync(join(folder, '..', 'work_clock.py'), sources['work_clock.py']!);
  writeFileSync(join(folder, 'server.py'), sources['server.py']!);
  return command(`python3 "${join(folder, 'server.py')}"`);
}

/** Mistakes in Python: what becomes what, and what the verdict says. */
const mistakes: [name: string, change: [from: string, to: string], cause: RegExp, output?: RegExp][] = [
  [
    'collects everything',
    [
      'self.chunk(f"Message {number}\\n".encode())\n        self.chunk(b"")',
      'pass\n        for number in range(1, 6):\n            self.chunk(f"Message {number}\\n".encode())\n        self.chunk(b"")',
    ],
    /^Message 1 was ready, but your server had not sent it when it was already working on message 2\.$/,
  ],
  [
    'another content type',
    [
      '        self.send_header("Content-Type", "text/plain; charset=utf-8")\n        self.send_header("Transfer',
      '        self.send_header("Content-Type", "application/json")\n        self.send_header("Transfer',
    ],
    /^Your server sent the wrong Content-Type for GET \/stream\.$/,
  ],
  [
    'forgets to flush',
    ['    protocol_version = "HTTP/1.1"\n', '    protocol_version = "HTTP/1.1"\n    wbufsize = 65536\n'],
    /^Message 1 was ready, but your server had not sent it when it was already working on message 2\.$/,
  ],
  [
    'serves one client at a time',
    [
      'from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer',
      'from http.server import BaseHTTPRequestHandler, HTTPServer as ThreadingHTTPServer',
    ],
    /^Your server did not answer GET \/ping while a stream was running\.$/,
  ],
  [
    'crashes at the start',
    ['port = int(', 'port = missing_name(int('],
    /^python3 ".*" (ended|stopped with an error) before it listened on port \d+/,
    /SyntaxError|NameError/,
  ],
  [
    'fails in the handler',
    ['            work(f"message {number}")', '            work(f"message {number + self.step}")'],
    /^python3 ".*" printed an error while it was answering GET \/stream\.$/,
    /AttributeError: 'Handler' object has no attribute 'step'/,
  ],
  [
    'listens on another port',
    ['("127.0.0.1", port)', '("127.0.0.1", port + 1)'],
    process.platform === 'linux'
      ? /^python3 ".*" listens on 127\.0\.0\.1:\d+, although it was asked to listen on 127\.0\.0\.1:\d+\.$/
      : /does not listen yet/,
  ],
  [
    'ends at once',
    ['ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()', ''],
    /^python3 ".*" ended before it listened on port \d+, with exit code 0\.$/,
  ],
];

describe('wrong programs get the right verdict', { concurrent: true }, () => {
  test.skipIf(!python).for(mistakes)('in Python: %s', async ([name, change, cause, output]) => {
    const verdict = await grade('01-chunked-stream', { server: pythonServer(name, change) });
    const explanation = explanationOf(verdict);
    expect(explanation?.cause).toMatch(cause);
    if (output) expect(explanation?.output).toMatch(output);
    expect(explanation?.at).toMatch(/^python3 "/);
    expect(explanation?.advice).toMatch(/\w/);
  });

  test.skipIf(!python)('a line of a file in the lesson is named', async () => {
    const folder = join(temporary, 'in-the-lesson');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'server.py'), 'import os\n\nprint(os.environ["PORT"] + 1)\n');
    const verdict = await grade('01-chunked-stream', { server: command('python3 server.py') }, folder);
    const { cause, output, at } = explanationOf(verdict)!;
    expect(cause).toMatch(/^python3 server\.py stopped with an error before it listened on port \d+/);
    expect(output).toMatch(/TypeError: can only concatenate str/);
    expect(at).toBe('lessons/01-chunked-stream/server.py:3');
  });

  test('a command that does not exist, or that ends at once', async () => {
    const missing = await grade('01-chunked-stream', { server: command('no-such-program --fast') });
    expect(explanationOf(missing)?.cause).toBe(
      'no-such-program --fast could not be started, because the system finds no program of that name.',
    );
    const lesson = catalog[0]!;
    const printed = report(lesson, missing, undefined);
    expect(printed).toContain('look in           no-such-program --fast');
    expect(printed).toContain(`npm run check lesson-1 -- --seed ${missing.seed} --server "no-such-program --fast"`);
    expect(printed).toContain('Graded: the server that "no-such-program --fast" starts.');
    const ends = await grade('01-chunked-stream', {
      server: command(`node -e "console.error('no licence'); process.exitCode = 7"`),
    });
    const { cause, output } = explanationOf(ends)!;
    expect(cause).toMatch(/^node -e .* ended before it listened on port \d+, with exit code 7\.$/);
    expect(output).toBe('no licence');
  });

  test('a line that is not a message of the work clock', async () => {
    const program = join(temporary, 'not-a-message.mjs');
    writeFileSync(
      program,
      `import { connect } from 'node:net';
       const [host, port] = process.env.WORK_CLOCK.split(':');
       connect(Number(port), host).write('work message 1\\n');
       setInterval(() => {}, 1000);`,
    );
    const verdict = await grade('01-chunked-stream', { server: command(`node "${program}"`) });
    expect(explanationOf(verdict)?.cause).toMatch(/sent the work clock a line that is not a message: work message 1$/);
  });
});

describe('words', () => {
  test.each([
    ['python3 server.py', ['python3', 'server.py']],
    ['  java  -cp "a b" Main ', ['java', '-cp', 'a b', 'Main']],
    [`sh -c 'cd build && ./server "$PORT"'`, ['sh', '-c', 'cd build && ./server "$PORT"']],
    [`run ''`, ['run', '']],
    [`a"b c"'d e'`, ['ab cd e']],
  ])('%s', (text, words) => expect(wordsOf('server', text)).toEqual(words));

  test.runIf(posix)('a backslash', () => expect(wordsOf('server', String.raw`a\ b "\"c"`)).toEqual(['a b', '"c']));

  test.each([
    ['cd build && ./server', 'cannot have "&" outside of quotes'],
    ['PORT=3 ./server', 'cannot have "PORT=" outside of quotes'],
    ['python3 "server.py', 'has a quote without an end'],
  ])('%s is refused', (text, why) => {
    expect(() => wordsOf('server', text)).toThrow(Refusal);
    expect(() => wordsOf('server', text)).toThrow(why);
  });

  test('the options that repeat a command have the same words', () => {
    const server = `sh -c 'echo "$PORT"'`;
    const { stdout } = spawnSync('sh', ['-c', `printf '%s' ${asOptions({ server }).replace(' --server ', '')}`], {
      encoding: 'utf8',
    });
    if (posix) expect(stdout).toBe(server);
  });
});

describe('the command', () => {
  let copy: Copy;
  beforeAll(() => {
    copy = learnersCopy();
  });
  afterAll(() => copy.remove());

  test('options that cannot be read are refused in a sentence, with exit code 2', async () => {
    for (const [options, sentence] of [
      [['--server', ''], '--server needs a command, such as --server "python3 server.py".\n'],
      [['--client', 'a | b'], '--client is started without a shell, so it cannot have "|" outside of quotes.'],
      [['--server'], "Not understood: option '--server <value>' argument missing"],
    ] as const) {
      const { code, stdout, stderr } = await copy.run('check', 'lesson-1', ...options);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(sentence);
    }
    expect((await copy.run('check', '--help')).stdout).toMatch(
      /--server VALUE +grade the server that this command starts/,
    );
  });

  test('a pass is recorded, and the verdict says how it was graded', async () => {
    const server = `node "${join(languages, 'lesson-2', 'server.mjs')}"`;
    const { code, stdout } = await copy.run('check', 'lesson-2', '--server', server);
    expect(stdout).toContain('3 of 3 tasks');
    expect(stdout).toContain('Graded: the server that "node');
    expect(code).toBe(0);
    expect(copy.read('.progress')).toMatch(/^02-server-sent-events 3\/3 /m);
    const json = JSON.parse(
      (await copy.run('check', 'lesson-2', '--json', '--server', 'node missing.mjs')).stdout,
    ) as Verdict;
    expect(json.commands).toEqual({ server: 'node missing.mjs' });
  });

  test.runIf(process.platform === 'linux')(
    'all that a command has started ends with a grader that is killed',
    async () => {
      const mark = `mark-${process.pid}-${Math.random()}`;
      const program = `sh -c 'sleep 300 & node -e "setInterval(() => {}, 1000)" ${mark}'`;
      const check = spawn(process.execPath, ['scripts/run.js', 'check', 'lesson-1', '--server', program], {
        cwd: copy.folder,
        stdio: 'ignore',
      });
      const running = () =>
        processesWith(mark).filter((pid) => !readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('scripts'));
      await vi.waitFor(() => expect(running().length).toBeGreaterThan(0), patient);
      for (const pid of processesWith(mark)) if (readCommand(pid).includes('check')) process.kill(pid, 'SIGKILL');
      check.kill('SIGKILL');
      await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), patient);
    },
  );
});

function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
