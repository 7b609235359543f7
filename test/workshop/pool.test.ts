// Programs that wait before they are begun: the life of a program, as test/harness/programs/pool.js tells it.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished, test, expect, vi } from 'vitest';
import { root } from '../harness/folders.js';
import {
  beginProgram,
  beginRun,
  endAllPrograms,
  endRun,
  loading,
  prepareAgain,
  takeProgram,
} from '../harness/programs/pool.js';
import { endProcess, spawnHeld } from '../harness/programs/process.js';
import { startProgram } from '../harness/programs/program.ts';
import { transcript } from '../harness/wire/transcript.ts';
import { exists } from './processes.ts';
import { patient } from './waiting.ts';

function folder() {
  const folder = join(root, '.tmp', `pool-${randomUUID()}`); // inside, where files are modules
  const lesson = `pool-${randomUUID()}`;
  const learned = join(root, '.tmp', 'taken', `${lesson}.json`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => {
    endAllPrograms();
    rmSync(folder, { recursive: true, force: true });
    rmSync(learned, { force: true });
  });
  const start = () =>
    startProgram({
      folder,
      folderName: 'lessons/pool',
      file: 'server.ts',
      changed() {},
      transcript: () => transcript(),
    });
  const at = (name: string) => join(folder, name);
  return { server: at('server.ts'), client: at('client.ts'), at, folder, lesson, learned, start };
}

/** One run that takes these programs and begins none. */
function runOf(folder: string, lesson: string, files: string[], complete = true): void {
  beginRun({ folder, lesson });
  for (const file of files) endProcess(takeProgram(file));
  endRun({ complete });
}

const prepareAll = () => {
  let started = 0;
  while (prepareAgain()) started++;
  return started;
};

test('what a process does before its program begins is not its program’s', async () => {
  const { server, at } = folder();
  writeFileSync(server, "console.log('ran');\n");
  writeFileSync(
    at('prepare.mjs'),
    `import { createServer } from 'node:http';
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    setTimeout(() => {}, 60_000).unref();
    process.send({ listens: server.address().port });
    await new Promise((resolve) => process.on('message', (message) => message.goOn && resolve()));
    server.close();\n`,
  );
  const imports = [pathToFileURL(at('prepare.mjs')).href];
  const program = spawnHeld(server, { main: server, byTsx: true, imports });
  let output = '';
  program.stdout!.on('data', (bytes) => (output += bytes));
  const messages: object[] = [];
  program.on('message', (message) => messages.push(message as object));
  const told = (name: string) =>
    vi.waitUntil(() => messages.find((message) => name in message), patient) as Promise<Record<string, unknown>>;
  await told('listens');
  program.send({ where: true });
  expect(await told('listening')).toEqual({ listening: [] });
  program.send({ ping: 7 });
  expect(await told('pong')).toMatchObject({ pong: 7, timers: 0, fileCalls: 0 });
  expect(output).toBe('');
  program.send({ goOn: true, begin: { args: [], env: {} } });
  await vi.waitUntil(() => program.exitCode !== null, patient);
  expect(output).toBe('ran\n');
});

test('a spare has no variable of a lesson from the shell', async () => {
  const { server, folder: own, lesson, start } = folder();
  vi.stubEnv('TLS', '.tls');
  vi.stubEnv('TIME_LIMIT', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  writeFileSync(server, 'console.log(process.env.TLS, process.env.TIME_LIMIT);\n');
  runOf(own, lesson, [server]);
  expect(prepareAll()).toBe(1);
  beginRun({ folder: own, lesson });
  await loading(server);
  const program = start();
  await vi.waitUntil(() => program.end, patient);
  expect(program.lines).toEqual(['undefined undefined']);
});

test('a spare loads its file when a run begins, runs nothing of it, and is not there for the next run', async () => {
  const { server, at, folder: own, lesson, start } = folder();
  const imported = (text: string) => writeFileSync(at('imported.ts'), `console.log('${text}');\n`);
  writeFileSync(server, "import './imported.ts';\nconsole.log('ran');\n");
  const begin = async () => {
    beginRun({ folder: own, lesson });
    await loading(server);
  };
  imported('before');
  runOf(own, lesson, [server]);
  expect(prepareAll()).toBe(1);

  imported('as the run began');
  await begin();
  imported('too late');
  const program = start();
  await vi.waitUntil(() => program.end, patient);
  expect(program.lines).toEqual(['as the run began', 'ran']);
  endRun({ complete: true });

  expect(prepareAll()).toBe(1);
  imported('in a run that was stopped');
  await begin();
  imported('in the next run');
  await begin();
  const next = start();
  await vi.waitUntil(() => next.end, patient);
  expect(next.lines).toEqual(['in the next run', 'ran']);
});

test('a program goes from spawned to warm, loaded, begun and ended', async () => {
  const { server, folder: own, lesson } = folder();
  writeFileSync(server, 'setInterval(() => {}, 1000);\n');
  runOf(own, lesson, [server]);
  beginRun({ folder: own, lesson });
  const loaded = loading(server);
  const program = takeProgram(server);
  expect(program.state).toBe('spawned');
  await program.warmed;
  await loaded;
  expect(program.state).toBe('loaded');
  const begun = beginProgram(program, server, { args: [], env: {} });
  await begun;
  expect(program.state).toBe('begun');
  endProcess(program);
  await vi.waitUntil(() => program.state === 'ended', patient);
});

test('what a complete run took is prepared for the next, in its order, also by another process', async () => {
  const { server, client, folder: own, lesson, learned } = folder();
  for (const file of [server, client]) writeFileSync(file, '');
  runOf(own, lesson, [server, client, client]);
  expect(JSON.parse(readFileSync(learned, 'utf8'))).toEqual({
    files: ['server.ts', 'client.ts', 'client.ts'],
    complete: true,
  });
  expect(prepareAll()).toBe(3);

  runOf(own, lesson, [server], false); // a run that fails early
  expect(prepareAll()).toBe(2); // for the one that was taken, and for the one that has loaded its file for that run
  expect(JSON.parse(readFileSync(learned, 'utf8')).files).toHaveLength(3);

  runOf(own, lesson, [client]); // the grader is another one now
  expect(JSON.parse(readFileSync(learned, 'utf8')).files).toEqual(['client.ts']);
  expect(prepareAll()).toBe(1);
});

test.for([
  ['is not JSON', '{"files":['],
  ['names another folder', '{"files":["../server.ts"],"complete":true}'],
  ['has no files', '{}'],
])('what was learned and %s is not believed', ([, text]) => {
  const { server, folder: own, lesson, learned } = folder();
  writeFileSync(server, '');
  mkdirSync(join(learned, '..'), { recursive: true });
  writeFileSync(learned, text!);
  runOf(own, lesson, [server]);
  expect(JSON.parse(readFileSync(learned, 'utf8'))).toEqual({ files: ['server.ts'], complete: true });
});

test('a run without a lesson prepares nothing and teaches nothing', () => {
  const { server, folder: own, lesson, learned } = folder();
  writeFileSync(server, '');
  runOf(own, lesson, [server, server]);
  rmSync(learned);
  beginRun({ folder: own });
  endProcess(takeProgram(server));
  expect(loading(server)).toBe(undefined);
  endRun({ complete: true });
  expect(prepareAgain()).toBe(false);
  expect(existsSync(learned)).toBe(false);
});

test('a program whose grader is gone ends by itself, with what it has started', async () => {
  const { server } = folder();
  writeFileSync(
    server,
    `import { spawn } from 'node:child_process';
    process.on('SIGTERM', () => {});
    console.log(spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid);
    setInterval(() => {}, 1000);\n`,
  );
  for (const begun of [false, true]) {
    const program = spawnHeld(server, { main: server, byTsx: true, imports: [] });
    let output = '';
    program.stdout!.on('data', (bytes) => (output += bytes));
    await new Promise<void>((resolve) =>
      program.on('message', (message) => 'warm' in (message as object) && resolve()),
    );
    if (begun) {
      program.send({ begin: { args: [], env: {} } });
      await vi.waitUntil(() => output.endsWith('\n'), patient);
    }
    program.disconnect(); // its channel closes as it does when the grader is killed
    await vi.waitUntil(() => program.exitCode !== null || program.signalCode !== null, patient);
    if (begun && process.platform !== 'win32') await vi.waitUntil(() => !exists(Number(output)), patient);
  }
});
