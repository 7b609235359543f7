// The install: what a command does when node_modules is not what package-lock.json says. A copy of the workshop has a
// small lock file and links to our packages, and the registry is out of reach: nothing here changes a real install.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  readFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sayWhileWaiting } from '../../scripts/install.js';
import { lookAt, readLock } from '../../scripts/packages.js';
import { nodeIsNewEnough } from '../../scripts/setup.js';
import { learnersCopy, learnersEnv, type Copy, type Run } from '../../scripts/workshop/copy.ts';
import { root } from '../harness/folders.js';
import { processesWith } from './processes.ts';
import { patient } from './waiting.ts';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
});
// The commands stay compiled; everything else is as after a clone.
beforeEach(() => {
  const leftovers = ['node_modules', 'bin', 'calls', 'finished', join('.tmp', 'install-failed')];
  for (const name of leftovers) rmSync(inCopy(name), { recursive: true, force: true });
});
afterAll(() => copy.remove());

const inCopy = (...path: string[]) => join(copy.folder, ...path);
const readable = ['markdown-it', 'picocolors', 'esbuild'];

/** A lock file with the packages of the commands that read, and one that only graders need. */
const lock = (version: string) =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: Object.fromEntries([
      [
        '',
        { name: 'chunk-by-chunk', dependencies: Object.fromEntries([...readable, 'fake'].map((name) => [name, '*'])) },
      ],
      ...readable.map((name) => [`node_modules/${name}`, { version: '1.0.0' }]),
      ['node_modules/fake', { version }],
    ]),
  });

/** A package.json of which that lock file is the lock file: otherwise npm asks for all packages that the lock has not. */
function dependOn(...names: string[]): void {
  const {
    dependencies: _d,
    devDependencies: _dd,
    ...rest
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const dependencies = Object.fromEntries(names.map((name) => [name, '*']));
  copy.write('package.json', JSON.stringify({ ...rest, dependencies }));
}

/** Links to our packages, and an install of that lock file as npm writes it down. */
function makeInstall(version: string): void {
  const packages = readdirSync(join(root, 'node_modules')).filter((name) => !name.startsWith('.'));
  dependOn(...readable, 'fake');
  mkdirSync(inCopy('node_modules'));
  for (const name of packages) symlinkSync(join(root, 'node_modules', name), inCopy('node_modules', name), 'junction');
  mkdirSync(inCopy('node_modules', 'fake'));
  copy.write('node_modules/fake/package.json', JSON.stringify({ version }));
  copy.write('node_modules/.package-lock.json', lock(version));
}

type Started = { run: Promise<Run>; pid: number };

function start(env: Record<string, string>, script: string, ...args: string[]): Started {
  const file = script === 'doctor' ? ['scripts/doctor.js'] : ['scripts/run.js', script];
  const child = spawn(process.execPath, [...file, ...args], {
    cwd: copy.folder,
    env: { ...learnersEnv(), NO_COLOR: '1', ...offline(), ...env },
  });
  const run: Run = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => (run.stdout += bytes));
  child.stderr.on('data', (bytes) => (run.stderr += bytes));
  return {
    pid: child.pid!,
    run: new Promise((resolve) => child.on('close', (code) => resolve({ ...run, code }))),
  };
}

const offline = () => ({ npm_config_registry: 'http://127.0.0.1:9', npm_config_cache: inCopy('empty-cache') });
const run = (script: string, ...args: string[]) => start({}, script, ...args).run;
const installs = () =>
  (existsSync(inCopy('.tmp')) ? readdirSync(inCopy('.tmp')) : []).filter((name) => /^install-\d/.test(name));
const linesOf = (text: string) => text.trim().split('\n');

describe('without a network', () => {
  test('without packages, a command says what to do, with exit code 2', async () => {
    const { code, stdout, stderr } = await run('start');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Installing \d+ packages \(.+\): npm ci$/m);
    expect(stderr).toContain('The packages could not be installed: npm ci has failed, and says why above.');
    expect(stderr).toContain('Behind a proxy:');
    expect(stderr).toContain('npm run doctor');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(inCopy('node_modules'))).toBe(false);
    expect(installs()).toEqual([]);
  });

  test('a different version is said in one sentence, and nothing of the install is removed', async () => {
    makeInstall('1.0.0');
    copy.write('package-lock.json', lock('2.0.0'));
    const before = readdirSync(inCopy('node_modules')).sort();
    for (const [script, ...args] of [
      ['progress'],
      ['hint', '1'],
      ['reset', '1'],
      ['starters'],
      ['solution', '1', '--apply'],
    ]) {
      const { code, stderr } = await run(script!, ...args);
      expect(code, script).toBe(0);
      expect(linesOf(stderr)).toEqual([
        'node_modules is not what package-lock.json says (fake); this command goes on without an install, and `npm ci` makes one.',
      ]);
    }
    expect((await run('doctor')).stdout).toContain('fake has a different version. `npm ci` installs them');

    // A check wants the right packages, and takes those that are there when it cannot have them.
    const first = await run('check', 'lesson-1');
    expect(first.code, first.stdout).toBe(0);
    expect(first.stdout).toContain('3 of 3 tasks');
    expect(first.stderr).toContain('Installing 1 packages (fake): npm ci');
    expect(first.stderr).toContain('This command goes on with those that are there.');
    const second = await run('check', 'lesson-2');
    expect(second.code).toBe(1);
    expect(linesOf(second.stderr)).toEqual([
      'node_modules is not what package-lock.json says (fake), and the last attempt to install failed; this command goes on with what is there.',
    ]);
    expect(
      readdirSync(inCopy('node_modules'))
        .sort()
        .filter((name) => name !== '.cache'),
    ).toEqual(before);
    expect(installs()).toEqual([]);
  });

  test('a package whose folder is gone is missed by the commands that need it', async () => {
    makeInstall('1.0.0');
    copy.write('package-lock.json', lock('1.0.0'));
    rmSync(inCopy('node_modules', 'fake'), { recursive: true });
    expect((await run('progress')).code).toBe(0);
    expect((await run('doctor')).stdout).toContain('fake is missing. `npm ci` installs them');
    const checked = await run('check', '1');
    expect({ code: checked.code, stdout: checked.stdout }).toEqual({ code: 2, stdout: '' });
    expect(checked.stderr).toContain('The packages could not be installed');
    rmSync(inCopy('node_modules', 'picocolors'));
    const progress = await run('progress');
    expect({ code: progress.code, stdout: progress.stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(inCopy('node_modules', 'markdown-it'))).toBe(true);
  });

  test('an empty folder in the place of a package is said in sentences', async () => {
    makeInstall('1.0.0');
    copy.write('package-lock.json', lock('1.0.0'));
    rmSync(inCopy('node_modules', 'picocolors'));
    mkdirSync(inCopy('node_modules', 'picocolors'));
    const { code, stderr } = await run('progress');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'The package picocolors is not whole: a file of it is missing.\n`npm ci` installs all packages again.\n',
    });
    expect((await run('doctor')).stdout).toContain('picocolors is not whole');
  });

  test.for(['', '{"packages": {"node_modu', 'null'])(
    'an install whose list is %j is looked at itself',
    async (list, { expect }) => {
      makeInstall('1.0.0');
      for (const name of readable) {
        rmSync(inCopy('node_modules', name));
        mkdirSync(inCopy('node_modules', name));
        copy.write(`node_modules/${name}/package.json`, JSON.stringify({ version: '1.0.0' }));
      }
      copy.write('package-lock.json', lock('1.0.0'));
      copy.write('node_modules/.package-lock.json', list);
      expect((await run('doctor')).stdout).toContain('✓ the packages of package-lock.json are installed');
      copy.write('package-lock.json', lock('2.0.0'));
      expect((await run('doctor')).stdout).toContain('fake has a different version');
    },
  );

  test.for([
    [
      'the marks of a merge',
      '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> main\n}',
      'has the marks of a merge conflict at line 2.',
    ],
    ['no JSON', '{"packages"', 'is not a lock file of npm.'],
    ['no packages', '[]', 'is not a lock file of npm.'],
    ['nothing', undefined, 'is missing.'],
  ] as const)('a lock file with %s is said in sentences', async ([, text, sentence], { expect }) => {
    makeInstall('1.0.0');
    rmSync(inCopy('package-lock.json'));
    if (text !== undefined) copy.write('package-lock.json', text);
    for (const script of ['progress', 'check', 'start']) {
      expect(await run(script)).toEqual({
        code: 2,
        stdout: '',
        stderr: `package-lock.json ${sentence}\n\`git checkout HEAD -- package-lock.json\` brings it back as it was.\n`,
      });
    }
    const { code, stdout } = await run('doctor');
    expect(code).toBe(1);
    expect(stdout).toContain(`package-lock.json ${sentence}`);
  });
});

describe.skipIf(process.platform === 'win32')('an install', () => {
  /** Puts a program in the place of npm; it notes each call in `calls`. */
  function npmIs(body: string): Record<string, string> {
    mkdirSync(inCopy('bin'));
    copy.write('bin/package.json', '{"type": "commonjs"}');
    writeFileSync(
      inCopy('bin', 'npm'),
      `#!${process.execPath}
const fs = require('node:fs');
fs.appendFileSync(${JSON.stringify(inCopy('calls'))}, process.cwd() + '\\n');
const place = (from, to) => fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true });
${body}`,
    );
    chmodSync(inCopy('bin', 'npm'), 0o755);
    return { PATH: `${inCopy('bin')}${delimiter}${process.env.PATH}` };
  }
  const calls = () => linesOf(copy.read('calls'));

  /** An install that is old, and a finished one that the program in the place of npm copies. */
  function oldAndNew(): void {
    makeInstall('2.0.0');
    renameSync(inCopy('node_modules'), inCopy('finished'));
    makeInstall('1.0.0');
    copy.write('package-lock.json', lock('2.0.0'));
  }
  const whole = "place(process.env.FINISHED, 'node_modules');";
  const version = () => JSON.parse(copy.read('node_modules/fake/package.json')).version as string;

  test('is made beside the old one, and takes its place', async () => {
    oldAndNew();
    const env = { ...npmIs(whole), FINISHED: inCopy('finished') };
    const { code, stderr } = await start(env, 'try', 'lesson-77').run;
    expect(code).toBe(2);
    expect(stderr).toContain('There is no lesson "lesson-77"');
    expect(version()).toBe('2.0.0');
    expect(calls()[0]).toMatch(/\.tmp\/install-\d+-\d+$/);
    expect(installs()).toEqual([]);
    expect((await start(env, 'try', 'lesson-77').run).stderr).not.toContain('Installing');
  });

  test('that leaves a package out takes nobody’s place', async () => {
    oldAndNew();
    const env = npmIs("fs.mkdirSync('node_modules/half', { recursive: true });");
    const { stderr } = await start(env, 'try', 'lesson-77').run;
    expect(stderr).toContain('The packages could not be installed: npm ci has left packages out.');
    expect(version()).toBe('1.0.0');
    expect(existsSync(inCopy('node_modules', 'half'))).toBe(false);
    expect(installs()).toEqual([]);
  });

  test.for(['SIGINT', 'SIGTERM'] as const)(
    'that is ended by %s leaves the old one as it was, and no process',
    async (signal, { expect }) => {
      oldAndNew();
      const env = npmIs("fs.mkdirSync('node_modules/half', { recursive: true }); setInterval(() => {}, 1000);");
      const command = start(env, 'check', '1');
      await vi.waitUntil(() => existsSync(inCopy('calls')), patient);
      process.kill(command.pid, signal);
      expect((await command.run).code).toBe(130);
      expect(version()).toBe('1.0.0');
      await vi.waitUntil(() => processesWith(inCopy('bin')).length === 0, patient);
      expect(installs()).toEqual([]);
    },
  );

  test('is made once when two commands want it at the same time', async () => {
    oldAndNew();
    // The first waits until the second has begun; the second waits for the first.
    const env = {
      ...npmIs(`const wait = setInterval(() => {
  if (fs.readdirSync('..').filter((name) => /^install-\\d/.test(name)).length < 2) return;
  clearInterval(wait);
  ${whole}
}, 20);`),
      FINISHED: inCopy('finished'),
    };
    const both = await Promise.all([start(env, 'try', 'lesson-77').run, start(env, 'try', 'lesson-77').run]);
    for (const { stderr } of both) expect(stderr).toContain('There is no lesson "lesson-77"');
    expect(calls().length).toBe(1);
    expect(version()).toBe('2.0.0');
    expect(installs()).toEqual([]);
  });

  test('that was put aside by a command which was killed comes back', async () => {
    makeInstall('1.0.0');
    copy.write('package-lock.json', lock('1.0.0'));
    const dead = spawn(process.execPath, ['--version']);
    await new Promise((resolve) => dead.on('close', resolve));
    mkdirSync(inCopy('.tmp', `install-1-${dead.pid}`), { recursive: true });
    renameSync(inCopy('node_modules'), inCopy('.tmp', `install-1-${dead.pid}`, 'old'));
    const { code, stderr } = await run('progress');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(version()).toBe('1.0.0');
  });
});

test('whoever waits reads a line every ten seconds', async () => {
  vi.useFakeTimers();
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const waiting = sayWhileWaiting('npm ci is installing', () => new Promise((resolve) => setTimeout(resolve, 25_000)));
  await vi.advanceTimersByTimeAsync(25_000);
  await waiting;
  await vi.advanceTimersByTimeAsync(25_000);
  expect(said.mock.calls.flat()).toEqual([
    'npm ci is installing; it has taken 10 seconds so far …',
    'npm ci is installing; it has taken 20 seconds so far …',
  ]);
  said.mockRestore();
  vi.useRealTimers();
});

test('with everything in place, looking takes less than 50 ms of the processor', () => {
  const look = () => {
    const found = readLock();
    return 'trouble' in found ? found : lookAt(found.packages);
  };
  expect(look()).toEqual({ missing: [], different: [] });
  const times = Array.from({ length: 5 }, () => {
    const began = process.cpuUsage();
    look();
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  });
  expect(times.sort((a, b) => a - b)[2]).toBeLessThan(50);
});

test.for([
  ['20.19.0', true],
  ['20.18.3', false],
  ['18.20.4', false],
  ['22.0.0', true],
  ['26.1.0', true],
] as const)('Node.js %s is new enough: %s', ([version, enough]) => {
  expect(nodeIsNewEnough(version)).toBe(enough);
});
