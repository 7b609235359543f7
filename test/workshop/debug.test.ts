// `npm run check -- --debug`: a program that stands at a breakpoint is waited for.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { learnersCopy } from '../../scripts/workshop/copy.ts';

/** Loaded into each program as an editor's debugger is, by NODE_OPTIONS: stops it once at `debugger`, for longer than a program may be busy. */
const debuggerOf = (file: string) => `
const { isMainThread, Worker } = require('node:worker_threads');
if (isMainThread && process.argv.at(-1).endsWith(${JSON.stringify(file)})) {
  new Worker(\`
    const { Session } = require('node:inspector');
    const session = new Session();
    session.connectToMainThread();
    setInterval(() => {}, 1000); // a worker with nothing to do ends, and its session with it
    session.once('Debugger.paused', () =>
      setTimeout(() => (session.post('Debugger.disable')), 7000),
    );
    session.post('Debugger.enable');
  \`, { eval: true }).unref();
}`;

test('a program that stands at a breakpoint is not busy, and the grader says that it waits', async () => {
  const copy = learnersCopy();
  onTestFinished(copy.remove);
  await copy.run('solution', 'lesson-1', '--apply');
  const server = 'lessons/01-chunked-stream/server.ts';
  copy.write(server, copy.read(server).replace('await work(', 'debugger; await work('));
  const file = join(copy.folder, 'debugger.cjs');
  writeFileSync(file, debuggerOf(join('01-chunked-stream', 'server.ts')));
  vi.stubEnv('NODE_OPTIONS', `--require ${JSON.stringify(file)}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { code, stdout, stderr } = await copy.run('check', 'lesson-1', '--debug');
  expect(stdout).toContain('3 of 3 tasks');
  expect(code).toBe(0);
  expect(stderr).toMatch(/^server\.ts stands at a breakpoint; the grader waits\.\nserver\.ts goes on\.\n/);
});
