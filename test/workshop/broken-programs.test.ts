// Every way in which a program can be broken gets a verdict that names the cause, and leaves no process behind.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy } from '../../scripts/workshop/copy.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { report } from '../../scripts/workshop/report.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import { graders } from '../proof/graders.ts';
import { normalizeVerdict } from '../proof/normalize-verdict.ts';
import { exists, processesWith } from './processes.ts';
import { patient } from './waiting.ts';

const slug = '01-chunked-stream';
const lesson = catalog.find((lesson) => lesson.slug === slug)!;
const solution = (file: Broken['file']) => finished(readFileSync(join(solutionsFolder, slug, file), 'utf8'));

/** Milliseconds, instead of the 6000 that a learner waits. */
const busyLimit = 2500;

type Broken = {
  /** Names its verdict in test/verdicts/broken-programs. */
  name: string;
  /** The task whose grader meets it. */
  task: number;
  file: (typeof learnerFiles)[number];
  /** What in the solution becomes what: the text stands there exactly once. */
  edit?: [from: string, to: string];
  /** Or the whole file. */
  program?: string;
  /** Stands on the line that the verdict must name, when it can name one. */
  line?: string;
};

const atTop = (name: string, code: string, line?: string): Broken => ({
  name,
  task: 1,
  file: 'server.ts',
  edit: ['const app = express();', `const app = express();\n\n${code}`],
  ...(line && { line }),
});
const inHandler = (name: string, code: string, line?: string): Broken => ({
  name,
  task: 1,
  file: 'server.ts',
  edit: ["  response.type('text/plain');\n", `  response.type('text/plain');\n${code}\n`],
  ...(line && { line }),
});
const listening = (name: string, code: string, line?: string): Broken => ({
  name,
  task: 1,
  file: 'server.ts',
  program: solution('server.ts').replace(/app\.listen\([^]*$/, `${code}\n`),
  ...(line && { line }),
});
const client = (name: string, program: string, line?: string): Broken => ({
  name,
  task: 3,
  file: 'client.ts',
  program,
  ...(line && { line }),
});

/** A process that sleeps; its argument tells whose it is, and a file tells its id where no system does. */
const sleeper = (
  options: string,
) => `const sleeper = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', import.meta.url], ${options});
appendFileSync(new URL('pids', import.meta.url), \`\${sleeper.pid}\\n\`);
await new Promise((resolve) => setTimeout(resolve, 200));
`;
const sleeperImports = "import { spawn } from 'node:child_process';\nimport { appendFileSync } from 'node:fs';\n";

const programs: Broken[] = [
  atTop('throws-at-the-top', "throw new Error('no database');", 'no database'),
  atTop(
    'throws-in-a-function',
    "connect('db');\n\nfunction connect(name: string) {\n  throw new TypeError(`cannot reach ${name}`);\n}",
    'cannot reach',
  ),
  atTop(
    'throws-later',
    "setTimeout(() => {\n  throw new RangeError('too late');\n}, 50);\nawait new Promise(() => {});",
    'too late',
  ),
  atTop('throws-text', "throw 'text';"),
  atTop('throws-nothing', 'throw undefined;'),
  atTop(
    'rejects',
    "setTimeout(async () => {\n  throw new Error('nobody catches this');\n}, 50);\nawait new Promise(() => {});",
    'nobody catches',
  ),
  atTop('rejects-with-text', "setTimeout(() => void Promise.reject('text'), 50);\nawait new Promise(() => {});"),
  atTop(
    'rejects-with-an-object',
    'setTimeout(() => void Promise.reject({ code: 42 }), 50);\nawait new Promise(() => {});',
  ),
  atTop('throws-text-later', "setTimeout(() => {\n  throw 'text';\n}, 50);\nawait new Promise(() => {});"),
  atTop('has-a-cause', "throw new Error('outer', { cause: new Error('inner') });", 'outer'),
  inHandler('throws-inside-the-handler', "  throw new Error('in the handler');", 'in the handler'),
  {
    name: 'crashes-after-bytes-are-out',
    task: 1,
    file: 'server.ts',
    edit: [
      '`Message ${i}\\n`);',
      "`Message ${i}\\n`);\n    if (i === 3) setImmediate(() => {\n      throw new Error('in the middle');\n    });",
    ],
    line: 'in the middle',
  },
  {
    name: 'throws-between-messages',
    task: 1,
    file: 'server.ts',
    edit: ['`Message ${i}\\n`);', "`Message ${i}\\n`);\n    if (i === 3) throw new Error('in the middle');"],
    line: 'in the middle',
  },
  atTop('syntax-error', 'const port = = 3000;', '= ='),
  {
    name: 'unclosed-brace',
    task: 1,
    file: 'server.ts',
    program: "import express from 'express';\n\nconst app = express();\napp.get('/stream', () => {\n",
  },
  {
    name: 'misspelt-import',
    task: 1,
    file: 'server.ts',
    edit: ["'#support/work.ts'", "'#support/wrok.ts'"],
    line: 'wrok',
  },
  {
    name: 'misspelt-name',
    task: 1,
    file: 'server.ts',
    edit: ['import { work }', 'import { wrok }'],
    line: 'await work',
  },
  {
    name: 'missing-neighbour',
    task: 1,
    file: 'server.ts',
    edit: ["'#support/work.ts'", "'./work.ts'"],
    line: './work.ts',
  },
  { name: 'not-installed', task: 1, file: 'server.ts', edit: ["from 'express'", "from 'fastify'"], line: 'fastify' },
  atTop('exits-with-0', 'process.exit(0);', 'process.exit'),
  atTop('exits-with-3', "console.log('saying goodbye');\nprocess.exit(3);", 'process.exit'),
  inHandler('exits-inside-the-handler', '  process.exit(0);', 'process.exit'),
  { name: 'ends', task: 1, file: 'server.ts', program: "console.log('hello');\n" },
  { name: 'is-empty', task: 1, file: 'server.ts', program: '' },
  listening('never-listens', 'setInterval(() => {}, 1000);'),
  listening('listens-on-another-port', "app.listen(30317, '127.0.0.1');"),
  listening('listens-on-ipv6', "app.listen(Number(process.env.PORT), '::1');"),
  listening(
    'listens-twice',
    "app.listen(Number(process.env.PORT), '127.0.0.1');\napp.listen(Number(process.env.PORT), '127.0.0.1', (error) => {\n  if (error) throw error;\n});",
  ),
  atTop('blocks-at-the-top', 'while (true) {}', 'while (true)'),
  inHandler('blocks-inside-the-handler', '  while (true) {}', 'while (true)'),
  atTop('floods-standard-output', "for (;;) console.log('a line that says nothing');"),
  atTop('floods-standard-error', "for (;;) console.error('a line that says nothing');"),
  inHandler('floods-inside-the-handler', "  for (;;) console.log('x'.repeat(1000));"),
  atTop('fills-memory', 'const all: number[][] = [];\nfor (;;) all.push(new Array(1000).fill(1));'),
  atTop(
    'fills-memory-with-buffers',
    'const all: Buffer[] = [];\nfor (;;) {\n  all.push(Buffer.alloc(100_000_000, 1));\n  await new Promise((resolve) => setTimeout(resolve, 1));\n}',
  ),
  atTop('fills-memory-while-blocking', 'const all: Buffer[] = [];\nfor (;;) all.push(Buffer.alloc(1_000_000, 1));'),
  listening(
    'ignores-sigterm',
    "process.on('SIGTERM', () => {});\nprocess.on('SIGINT', () => {});\napp.listen(30318, '127.0.0.1');",
  ),
  {
    name: 'starts-a-child',
    task: 1,
    file: 'server.ts',
    program: `${sleeperImports}${sleeper("{ stdio: 'inherit' }")}throw new Error('with a child');\n`,
    line: 'with a child',
  },
  {
    name: 'starts-a-detached-child',
    task: 1,
    file: 'server.ts',
    program: `${sleeperImports}${sleeper("{ detached: true, stdio: 'ignore' }")}throw new Error('with a child');\n`,
    line: 'with a child',
  },
  {
    name: 'leaves-a-child-behind',
    task: 1,
    file: 'server.ts',
    program: `${sleeperImports}${sleeper("{ detached: true, stdio: 'inherit' }")}sleeper.unref();\n`,
  },
  atTop(
    'prints-binary',
    'process.stdout.write(Buffer.from([0, 1, 2, 27, 91, 50, 74, 128, 255, 254]));\nprocess.exit(3);',
  ),
  atTop(
    'deletes-itself',
    "import { rmSync } from 'node:fs';\nrmSync(new URL('server.ts', import.meta.url));\nthrow new Error('gone');",
    'gone',
  ),
  atTop('waits-for-nothing', 'await new Promise(() => {});', 'await new Promise'),
  atTop('is-killed', "process.kill(process.pid, 'SIGKILL');\nawait new Promise(() => {});"),
  atTop('uses-a-class-before-its-line', 'const early = new Limits();\n\nclass Limits {}', 'new Limits'),
  atTop('prints-a-long-error', "throw new Error('x'.repeat(900_000));", 'throw'),
  {
    name: 'imports-the-solution',
    task: 1,
    file: 'server.ts',
    program: `import '../../../../solutions/${slug}/server.ts';\n`,
    line: 'import',
  },
  client('client-is-killed', "await fetch(process.argv[2]!);\nprocess.kill(process.pid, 'SIGTERM');\n"),
  client('client-exits', 'await fetch(process.argv[2]!);\nprocess.exit(0);\n', 'process.exit'),
  client('client-never-exits', `${solution('client.ts')}\nsetInterval(() => {}, 1000);\n`),
  client('client-loops', 'await fetch(process.argv[2]!);\nwhile (true) {}\n', 'while (true)'),
  client('client-loops-at-the-top', 'while (true) {}\n', 'while (true)'),
  client('client-floods', "for (;;) console.log('a line that says nothing');\n"),
  client(
    'client-throws',
    'const response = await fetch(process.argv[2]!);\nthrow new Error(`what is ${response.status}?`);\n',
    'throw',
  ),
  client('client-throws-at-the-top', "throw new Error('no');\n", 'throw'),
  client('client-sends-nothing', 'setInterval(() => {}, 1000);\n'),
  client('client-ends', ''),
];

const pool = graders(3);
const temporary = join(root, '.tmp', `broken-${process.pid}`);
afterAll(async () => {
  await pool.close();
  rmSync(temporary, { recursive: true, force: true });
});

// The graders load before the first program's time begins.
beforeAll(async () => {
  const folder = join(temporary, 'nothing', slug);
  mkdirSync(folder, { recursive: true });
  for (const file of learnerFiles) writeFileSync(join(folder, file), '');
  const gradeAll = () => Promise.all(turns.map(() => pool.grade({ slug, folder, folderName: `lessons/${slug}` })));
  await gradeAll();
});

/** The pool grades three at a time: a program's own time begins when its turn comes. */
const turns = [Promise.resolve(), Promise.resolve(), Promise.resolve()];

describe('broken programs', { concurrent: true }, () => {
  test.for(programs.map((broken, i) => [broken.name, broken, i] as const))(
    '%s',
    async ([name, broken, i], { expect }) => {
      const { task, file, line } = broken;
      const folder = join(temporary, name, slug);
      mkdirSync(folder, { recursive: true });
      for (const each of learnerFiles) writeFileSync(join(folder, each), solution(each));
      const source = sourceOf(broken);
      writeFileSync(join(folder, file), source);

      const turn = turns[i % turns.length]!.then(async () => {
        const began = performance.now();
        // Tasks 1 and 2 never meet the client. An endless loop gets the same verdict after less time; one that fills the
        // memory is to be stopped for that.
        const assumePassed = file === 'client.ts' ? 2 : 0;
        const verdict = await pool.grade({
          slug,
          folder,
          folderName: `lessons/${slug}`,
          seed: 1,
          assumePassed,
          ...(!name.includes('memory') && { busyLimit }),
        });
        return { verdict, took: performance.now() - began };
      });
      turns[i % turns.length] = turn.then(
        () => {},
        () => {},
      );
      const { verdict, took } = await turn;

      // How much of a flood came before its end differs from run to run.
      const text = normalizeVerdict(report(lesson, verdict, undefined)).replace(
        / +… \d+ rows left out\n +\(what .*\n/,
        '',
      );
      await expect(text).toMatchFileSnapshot(`../verdicts/broken-programs/${name}.txt`);
      expect(verdict.tasks.find((each) => each.state === 'failed')?.number, text).toBe(task);
      if (line) {
        const number = source.split('\n').findIndex((each) => each.includes(line)) + 1;
        expect(text).toContain(`look in           lessons/${slug}/${file}:${number}\n`);
      }
      for (const each of text.split('\n')) expect(each.length, each).toBeLessThanOrEqual(80);
      expect(text).not.toContain(root);
      // A learner waits 7 seconds at most where nothing else runs. Here several programs run at the same time, some of
      // them in endless loops, and nobody knows what else the machine does: this finds only a check that does not end.
      expect(took, 'milliseconds until the verdict').toBeLessThan(100_000);
      await expect.poll(() => leftBehind(folder), patient).toEqual([]);
    },
  );
});

function sourceOf({ name, file, edit, program }: Broken): string {
  if (program !== undefined) return program;
  const [from, to] = edit!;
  const parts = solution(file).split(from);
  if (parts.length !== 2) throw new Error(`${name}: the solution does not have "${from}" exactly once`);
  return parts.join(to);
}

/** Processes that have the folder among their arguments, or that a program has written down. */
const leftBehind = (folder: string): number[] =>
  process.platform === 'linux' ? processesWith(folder) : writtenDown(folder);

function writtenDown(folder: string): number[] {
  const file = join(folder, 'pids');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trim().split('\n').map(Number).filter(exists);
}

describe('a grader that is ended in the middle of a run', { concurrent: true }, () => {
  test.for([
    ['killed', 'SIGKILL'],
    ['interrupted with Ctrl-C', 'SIGINT'],
  ] as const)('leaves nothing behind when it is %s', async ([, signal], { onTestFinished }) => {
    const { folder: copy, remove } = learnersCopy();
    onTestFinished(remove);
    const folder = join(copy, 'lessons', slug);
    const server = `${sleeperImports}${sleeper("{ detached: true, stdio: 'ignore' }")}${sleeper("{ stdio: 'ignore' }").replaceAll('sleeper', 'other')}setInterval(() => {}, 1000);\n`;
    writeFileSync(join(folder, 'server.ts'), server);

    const grading = spawn(process.execPath, ['scripts/run.js', 'check', 'lesson-1'], { cwd: copy, stdio: 'ignore' });
    const ended = new Promise((resolve) => grading.once('exit', resolve));
    const pids = join(folder, 'pids');
    await vi.waitUntil(() => {
      expect(grading.exitCode, 'the run ended before its programs had begun').toBe(null);
      return existsSync(pids) && readFileSync(pids, 'utf8').split('\n').length === 3;
    }, patient);
    grading.kill(signal);
    await ended;
    await expect.poll(() => leftBehind(copy), patient).toEqual([]);
  });
});
