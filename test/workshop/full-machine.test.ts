// A machine that starts no more processes, or takes no more files: everything comes to an end, with a sentence.
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { root } from '../harness/folders.js';
import { beginProgram, beginRun, endAllPrograms, endRun, prepareAgain, takeProgram } from '../harness/programs/pool.js';
import { patient } from './waiting.ts';

/** What the system does with a process: starts it, starts it and ends it, or refuses in one of the two ways of Node.js. */
const machine = vi.hoisted(() => ({
  how: 'starts' as 'starts' | 'ends' | 'refuses' | 'throws',
  asked: 0,
  started: [] as ChildProcess[],
}));

vi.mock('node:child_process', async (original) => {
  const real = await original<typeof import('node:child_process')>();
  const spawn = (command: string, args: string[], options: object) => {
    machine.asked++;
    if (machine.how === 'starts' || machine.how === 'ends') {
      const child = real.spawn(command, machine.how === 'ends' ? ['--eval', '0'] : args, options);
      machine.started.push(child);
      return child;
    }
    const error = Object.assign(new Error('spawn EAGAIN'), { code: 'EAGAIN' });
    if (machine.how === 'throws') throw error;
    const child = Object.assign(new EventEmitter(), {
      pid: undefined,
      stdio: [],
      stdin: null,
      stdout: null,
      stderr: null,
    });
    process.nextTick(() => child.emit('error', error));
    return child;
  };
  return { ...real, spawn };
});

afterEach(() => {
  endAllPrograms();
  machine.how = 'starts';
});

function lesson() {
  const folder = join(root, '.tmp', `full-${randomUUID()}`);
  const name = `full-${randomUUID()}`;
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(join(root, '.tmp', 'taken', `${name}.json`), { force: true });
  });
  const server = join(folder, 'server.ts');
  writeFileSync(server, 'setInterval(() => {}, 1000);\n');
  return { folder, lesson: name, server };
}

test.for(['refuses', 'throws'] as const)('a system that %s: one sentence, and no spare is tried again', (how) => {
  const { server, ...run } = lesson();
  beginRun(run);
  for (let i = 0; i < 5; i++) takeProgram(server);
  endRun({ complete: true });
  endAllPrograms();

  machine.how = how;
  beginRun(run);
  machine.asked = 0;
  expect(() => takeProgram(server)).toThrow(
    'The grader could not start server.ts: this machine starts no more processes.\n' +
      'This says nothing about your programs. End some processes, or free some memory, and check again.',
  );
  endRun({ complete: false });
  expect(prepareAgain()).toBe(false);
  expect(machine.asked).toBeLessThan(5);
});

test('spares that end as soon as they are started are not started again until the next run', async () => {
  const { server, ...run } = lesson();
  beginRun(run);
  for (let i = 0; i < 3; i++) takeProgram(server);
  endRun({ complete: true });
  machine.how = 'ends';
  machine.started = [];
  while (prepareAgain());
  await vi.waitUntil(() => machine.started.every(({ exitCode }) => exitCode !== null), patient);
  expect(machine.started.length).toBeGreaterThan(0);
  expect(prepareAgain()).toBe(false);

  machine.how = 'starts';
  beginRun(run);
  endRun({ complete: false });
  expect(prepareAgain()).toBe(true);
});

test('a program that cannot be built because nothing can be written is ended, and a sentence says so', async () => {
  const { server, ...run } = lesson();
  mkdirSync(`${server}.mjs`); // where the built file would be
  beginRun(run);
  const program = takeProgram(server);
  await expect(beginProgram(program, server, { args: [], env: {} })).rejects.toThrow(
    /^The grader could not build server\.ts: E.*\nThis says nothing about your programs\. Is the disk full/,
  );
  await vi.waitUntil(() => program.state === 'ended', patient);
});

test('a reaper that is killed is replaced, and the next one knows every program', async () => {
  const { server } = lesson();
  const reapers = () => machine.started.filter(({ spawnargs }) => spawnargs.some((arg) => arg.endsWith('reaper.js')));
  const ended = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;
  machine.started = [];
  const programs = [takeProgram(server)];
  const [first] = reapers();
  first!.kill('SIGKILL');
  await vi.waitUntil(() => ended(first!), patient);
  programs.push(takeProgram(server));
  const [, second] = reapers();
  second!.stdin!.end(); // as when the grader is gone
  await vi.waitUntil(() => programs.every(ended), patient);
});

test('with FAST_START=off a run starts what it takes, and nothing else', async () => {
  const { server, ...run } = lesson();
  vi.stubEnv('FAST_START', 'off');
  vi.resetModules();
  const pool = await import('../harness/programs/pool.js');
  machine.started = [];
  pool.beginRun(run);
  const programs = [pool.takeProgram(server), pool.takeProgram(server)];
  pool.endRun({ complete: true });
  expect(pool.prepareAgain()).toBe(false);
  const started = machine.started.filter(({ spawnargs }) => spawnargs.includes(server));
  expect(started).toEqual(programs);
  for (const { spawnargs } of started) expect(spawnargs.at(-2)).toBe(server);
  pool.endAllPrograms();
  vi.unstubAllEnvs();
});
