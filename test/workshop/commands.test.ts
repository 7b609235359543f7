// The commands, as a learner runs them: in a copy of the workshop, each in a process of its own.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, startIn, type Copy } from '../../scripts/workshop/copy.ts';
import { readPage } from '../../scripts/workshop/page.ts';
import type { readCourse } from '../../scripts/workshop/show-progress.ts';
import { writeOwnWork } from './own-work.ts';
import { processesWith } from './processes.ts';
import { patient } from './waiting.ts';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
});
afterAll(() => copy.remove());

const lesson1 = 'lessons/01-chunked-stream';
const verdictOf = (stdout: string) => JSON.parse(stdout) as { state: string; seed: number; tasks: { state: string }[] };

test('a command that has changed since it last ran is run as it is now', async () => {
  const file = 'scripts/workshop/progress.ts';
  const before = copy.read(file);
  await copy.run('progress');
  copy.write(file, `console.log('changed');\n${before}`);
  expect((await copy.run('progress')).stdout).toMatch(/^changed\n/);
  copy.write(file, before);
  expect((await copy.run('progress')).stdout).not.toMatch(/^changed\n/);
});

describe('a learner’s way through a lesson', () => {
  test('check without a name grades the first lesson; a starter fails with exit code 1', async () => {
    const { code, stdout } = await copy.run('check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^lesson 1 · A chunked stream +0 of 3 tasks$/m);
    expect(stdout).toContain('Your server answered GET /stream with status 501.');
    expect(stdout).toContain(`look in           ${lesson1}/server.ts`);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\x1b');
  });

  test('--json says the same as data', async () => {
    const { code, stdout } = await copy.run('check', 'lesson-1', '--json');
    const verdict = verdictOf(stdout);
    expect(code).toBe(1);
    expect(verdict.state).toBe('failed');
    expect(verdict.tasks.map((task) => task.state)).toEqual(['failed', 'waiting', 'waiting']);
  });

  test('the solution is shown only when the lesson is passed, or with --reveal', async () => {
    const refused = await copy.run('solution', 'lesson-1');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('is not passed yet');
    expect(refused.stdout).toBe('');
    const revealed = await copy.run('solution', 'lesson-1', '--reveal', '--task', '1');
    expect(revealed.code).toBe(0);
    expect(revealed.stdout).toContain('response.write(`Message ${i}\\n`);');
    expect(revealed.stdout).not.toContain('pong');
  });

  test('hint lists the questions of the first task that is not passed, and answers one', async () => {
    const list = await copy.run('hint', 'lesson-1');
    expect(list.code).toBe(0);
    expect(list.stdout).toContain('Send each message as soon as it is ready');
    expect(list.stdout).toMatch(/^ +1 +\S.*\?$/m);
    const answer = await copy.run('hint', 'lesson-1', '1');
    expect(answer.code).toBe(0);
    expect(answer.stdout.length).toBeGreaterThan(80);
    expect((await copy.run('hint', 'lesson-1', '99')).code).toBe(2);
  });

  test('--apply puts the solution in place, saves what was there, and the lesson passes', async () => {
    const own = '// my own work\n';
    copy.write(`${lesson1}/server.ts`, own);
    const applied = await copy.run('solution', 'lesson-1', '--apply');
    expect(applied.code).toBe(0);
    const [, saved] = /--from (\.saved\/\S+)/.exec(applied.stdout) ?? [];
    expect(copy.read(`${saved}/01-chunked-stream/server.ts`)).toBe(own);

    const checked = await copy.run('check', '01');
    expect(checked.stdout).toContain('3 of 3 tasks');
    expect(checked.stdout).toContain('you have lesson 1, but you did not pass it');
    expect(checked.code).toBe(0);
    const { stdout } = await copy.run('progress');
    expect(stdout).toMatch(/^= lesson 1 · A chunked stream .*\(has the solution\)$/m);
    expect(stdout).toContain('Next: lessons/02-server-sent-events/README.md');

    const back = await copy.run('reset', 'lesson-1', '--from', saved!);
    expect(back.code).toBe(0);
    expect(copy.read(`${lesson1}/server.ts`)).toBe(own);
    writeOwnWork(copy);
    expect((await copy.run('check', '01')).stdout).not.toContain('did not pass');
    expect(copy.read('.progress')).toMatch(/^01-chunked-stream 3\/3 [0-9a-f]{16}$/m);
  });

  test('the next check without a name goes on with the next lesson', async () => {
    const { stdout } = await copy.run('check');
    expect(stdout).toMatch(/^lesson 2 · /m);
  });

  test('a pass is believed only while the files are those that passed', async () => {
    expect((await copy.run('progress')).stdout).toContain('1 of ');
    copy.write(`${lesson1}/client.ts`, `${copy.read(`${lesson1}/client.ts`)}\n// changed\n`);
    const { stdout } = await copy.run('progress');
    expect(stdout).toContain('changed since it passed');
    expect(stdout).toContain('0 of ');
    const data = JSON.parse((await copy.run('progress', '--json')).stdout) as { next: string };
    expect(data.next).toBe('01-chunked-stream');
  });

  test('a program whose types do not check passes, and the types are named below the verdict', async () => {
    writeOwnWork(copy);
    const right = copy.read(`${lesson1}/server.ts`);
    expect((await copy.run('check', '1')).stdout).not.toContain('types');
    copy.write(`${lesson1}/server.ts`, `${right}const count: number = 'three';\nvoid count;\n`);
    const { code, stdout } = await copy.run('check', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Passed\.[^]*\n\nThe types of your files do not check\. [^]*01-chunked-stream\/server\.ts:\d+\n    Type 'string' is not assignable to type 'number'\.\n$/m,
    );
    copy.write(`${lesson1}/server.ts`, right);
  });

  test('what was passed in the course of eight lessons stays passed', async () => {
    const now = copy.read('.progress');
    const files = 'abcdef0123456789';
    copy.write(
      '.progress',
      `02-server-sent-events 4/4 ${files}\n04-disconnects 2/4 ${files}\n05-json-rpc 3/3 ${files}\n`,
    );
    const { lessons } = JSON.parse((await copy.run('progress', '--json')).stdout) as ReturnType<typeof readCourse>;
    const passed = lessons.map(({ number, tasks }) => [number, tasks.filter(({ passed }) => passed).length]);
    const all = (number: number) => lessons[number - 1]!.tasks.length;
    expect(passed.filter(([, tasks]) => tasks! > 0)).toEqual([
      [2, all(2)],
      [3, all(3)],
      [5, 2],
      [7, all(7)],
    ]);
    // The next record keeps them under the new names.
    await copy.run('check', '1');
    expect(copy.read('.progress')).toMatch(/^07-json-rpc (\d)\/\1 abcdef0123456789$/m);
    expect(copy.read('.progress')).not.toContain('04-disconnects');
    copy.write('.progress', now);
  });

  test('the same seed draws the same inputs', async () => {
    copy.write(`${lesson1}/client.ts`, 'console.log(await (await fetch(process.argv[2]!)).text());\n');
    const causes = [];
    for (const seed of ['5', '5', '6'])
      causes.push(/The line "\w+"/.exec((await copy.run('check', '1', '--seed', seed)).stdout)?.[0]);
    expect(causes[0]).toBeDefined();
    expect(causes[0]).toBe(causes[1]);
    expect(causes[0]).not.toBe(causes[2]);
  });

  test('a deleted file is said to be missing, and restored on request only', async () => {
    rmSync(join(copy.folder, lesson1, 'server.ts'));
    const client = copy.read(`${lesson1}/client.ts`);
    const missing = await copy.run('check', 'lesson-1');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain(`${lesson1}/server.ts is missing`);
    expect(existsSync(join(copy.folder, lesson1, 'server.ts'))).toBe(false);
    expect((await copy.run('reset', 'lesson-1', '--missing')).code).toBe(0);
    expect(copy.read(`${lesson1}/server.ts`)).toContain('TODO task 1');
    expect(copy.read(`${lesson1}/client.ts`)).toBe(client);
  });

  test('reset saves, restores the starter, and leaves no temporary file', async () => {
    const mine = copy.read(`${lesson1}/client.ts`);
    const { code, stdout } = await copy.run('reset', 'lesson-1');
    expect(code).toBe(0);
    expect(copy.read(`${lesson1}/client.ts`)).toContain('TODO task 3');
    const [, saved] = /--from (\.saved\/\S+)/.exec(stdout) ?? [];
    expect(copy.read(`${saved}/01-chunked-stream/client.ts`)).toBe(mine);
    expect(readdirSync(join(copy.folder, lesson1)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a broken progress file is said to be one, and nothing is lost', async () => {
    const broken = '01-chunked-stream three of three\n';
    copy.write('.progress', broken);
    for (const command of ['check', 'progress', 'start', 'hint']) {
      const { code, stderr } = await copy.run(command);
      expect(code, command).toBe(2);
      expect(stderr).toContain('Line 1 of .progress is not understood');
    }
    expect(copy.read('.progress')).toBe(broken);
    rmSync(join(copy.folder, '.progress'));
  });

  test('what cannot be read or written is said in a sentence, and nothing is lost', async () => {
    mkdirSync(join(copy.folder, '.progress'));
    const unread = await copy.run('progress');
    expect(unread.code).toBe(2);
    expect(unread.stderr).toMatch(/^\.progress is a folder, not a file\.$/m);
    rmSync(join(copy.folder, '.progress'), { recursive: true });

    // Without a folder to save in, nothing is overwritten.
    rmSync(join(copy.folder, '.saved'), { recursive: true, force: true });
    copy.write('.saved', '');
    const own = '// my own work\n';
    copy.write(`${lesson1}/server.ts`, own);
    for (const [script, ...args] of [
      ['reset', '1'],
      ['solution', '1', '--apply'],
    ]) {
      const { code, stderr } = await copy.run(script!, ...args);
      expect(code).toBe(2);
      expect(stderr).toContain('cannot be written');
      expect(copy.read(`${lesson1}/server.ts`)).toBe(own);
    }
    rmSync(join(copy.folder, '.saved'));
  });
});

describe('try', { concurrent: true }, () => {
  let finished: Copy;
  beforeAll(() => {
    finished = learnersCopy();
  });
  afterAll(() => finished.remove());

  test.for(catalog.map((lesson) => [lesson.slug, lesson] as const))(
    'draws what the README of %s shows first',
    async ([slug, lesson], { expect }) => {
      await finished.run('solution', slug, '--apply');
      // With the options that the README gives first.
      const readme = finished.read(`lessons/${slug}/README.md`);
      const options = /^npm run try lesson-\d+(?: -- (.+))?$/m.exec(readme)?.[1];
      const { code, stdout } = await finished.run('try', slug, ...(options?.split(' ') ?? []));
      expect(code).toBe(0);
      // The README leaves rows out, such as the head of the response, and cuts long ones where it likes. Which of two rows at
      // one time is first differs, unless they are in one stream.
      const beginning = (row: string) =>
        row
          .replace(/^ *\d+ ms */, '')
          .replace(/(?<=127\.0\.0\.1):\d+/g, ':PORT')
          .slice(0, 50)
          .replace(/…$/, '');
      // Each stream is compared alone, and so are what the client prints and the requests: somebody else may send one.
      const streamOf = (row: string) => /^(▸|→|\w+(?= {2}))/.exec(row)?.[0] ?? '';
      const drawn = stdout.split('\n').map(beginning);
      const last: Record<string, number> = {};
      for (const row of readPage(lesson).fences[0]!.code.trimEnd().split('\n').map(beginning)) {
        const stream = streamOf(row);
        const isNext = (other: string, i: number) =>
          i > (last[stream] ?? -1) && streamOf(other) === stream && other.startsWith(row);
        last[stream] = drawn.findIndex(isNext);
        expect(last[stream], `${row}\nis not the next of\n${stdout}`).toBeGreaterThanOrEqual(0);
      }
    },
  );

  test('shows request headers and standard error, and lets the client leave', async ({ expect }) => {
    const own = learnersCopy();
    writeOwnWork(own);
    own.write(
      `${lesson1}/client.ts`,
      "console.error('asking');\nawait (await fetch(process.argv[2]!, { headers: { 'X-Own': 'a'.repeat(99) } })).text();\n",
    );
    own.write(`${lesson1}/server.ts`, `${own.read(`${lesson1}/server.ts`)}console.error('serving');\n`);
    const { stdout } = await own.run('try', '1', '--leave', '1.5');
    own.remove();
    expect(stdout).toMatch(/^ *\d+ ms {2}→ X-Own: a{99}$/m);
    expect(stdout).toContain('\nThe client has left, and the server runs on for three seconds.\n');
    expect(stdout).toContain('\nserver.ts printed on standard error:\n  serving\n');
    expect(stdout).toContain('\nclient.ts printed on standard error:\n  asking\n');
    expect(stdout).not.toContain('client.ts ended with exit code');
  });

  test('ends quietly when nobody reads on', async ({ expect }) => {
    const own = learnersCopy();
    const command = startIn(own.folder, 'try', ['lesson-1']);
    let stderr = '';
    command.stderr.on('data', (bytes) => (stderr += bytes));
    command.stdout.once('data', () => command.stdout.destroy());
    const code = await new Promise((resolve) => command.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await vi.waitUntil(() => processesWith(own.folder).length === 0, patient);
    own.remove();
  });

  test('says why a server does not start', async ({ expect }) => {
    const broken = learnersCopy();
    broken.write('lessons/01-chunked-stream/server.ts', "throw new Error('not today');\n");
    const { code, stdout } = await broken.run('try', 'lesson-1');
    broken.remove();
    expect(code).toBe(1);
    expect(stdout).toContain('Error: not today');
    expect(stdout).toContain('look in lessons/01-chunked-stream/server.ts:1');
  });
});

test('a grader that is broken is no verdict: it says so, with exit code 3', async () => {
  const broken = learnersCopy();
  const grader = 'test/lessons/01-chunked-stream.test.ts';
  broken.write(grader, broken.read(grader).replace(/async \(\) => \{/, "$& throw new TypeError('not today');"));
  const { code, stdout, stderr } = await broken.run('check', 'lesson-1');
  broken.remove();
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toContain(
    'The grader of 01-chunked-stream is broken, which says nothing about your programs.\nTypeError: not today',
  );
});

describe('bad input', { concurrent: true }, () => {
  test.for([
    ['check', 'lesson-99'],
    ['check', 'first'],
    ['check', '../01-chunked-stream'],
    ['check', '1', '2'],
    ['check', '--sed'],
    ['check', 'lesson-1', '--seed', 'x'],
    ['check', '--seed'],
    ['hint', '1', '2', '3'],
    ['hint', '1', '--task', '9'],
    ['reset'],
    ['reset', 'lesson-0'],
    ['reset', '1', '--from', '../elsewhere'],
    ['reset', '1', '--from', '.saved'],
    ['reset', '1', '--missing', '--from', '.saved/x'],
    ['solution'],
    ['solution', '1', '--reveal', '--task', '7'],
    ['progress', 'x'],
    ['start', 'x'],
    ['watch', 'lesson-99'],
    ['watch', '1', '2'],
    ['watch', '--pol'],
    ['start', '--port', '99999'],
    ['start', '--editor', 'javascript:alert(1)'],
    ['try', 'lesson-77'],
    ['try', '1', '--leave', 'soon'],
    ['try', '1', '--cut', 'soon'],
    ['steady', '1', '--runs', 'many'],
    ['measure', '1', '--runs', '3'],
    ['untouched', 'lesson-99'],
    ['doctor', 'x'],
  ])('%j gets a sentence and exit code 2', async ([script, ...args], { expect }) => {
    const before = copy.read(`${lesson1}/server.ts`);
    const { code, stdout, stderr } = await copy.run(script!, ...args);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(copy.read(`${lesson1}/server.ts`)).toBe(before);
  });

  test.for([
    'check',
    'hint',
    'reset',
    'solution',
    'progress',
    'try',
    'watch',
    'start',
    'tutor',
    'host',
    'doctor',
    'starters',
    'steady',
    'measure',
    'untouched',
    'compare',
    'measure-transports',
    'test',
  ])('%s --help explains itself', async (script, { expect }) => {
    const { code, stdout } = await copy.run(script, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: npm ${script === 'start' || script === 'test' ? '' : 'run '}${script}`);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});
