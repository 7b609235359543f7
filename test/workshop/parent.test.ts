// No process of ours outlives the one that started it, also when that one was killed and could say nothing.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { learnersCopy, learnersEnv, type Copy } from '../../scripts/workshop/copy.ts';
import { root } from '../harness/folders.js';
import { processesWith } from './processes.ts';
import { patient } from './waiting.ts';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
  // Each run meets a server that never listens, and a process that left the server's group on purpose.
  copy.write(
    'lessons/01-chunked-stream/server.ts',
    `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
const wait = 'setInterval(() => {}, 1000)';
spawn(process.execPath, ['-e', wait], { detached: true, stdio: 'ignore' });
writeFileSync(String(process.env.READY), '');
for (;;) {}
`,
  );
});
afterAll(() => copy.remove());

const linux = process.platform === 'linux';

describe('when the process that started it is killed', () => {
  test.runIf(linux).for([
    ['check', 'lesson-1'],
    ['watch', 'lesson-1'],
  ])('npm run %s ends, and so do its programs', async (args) => {
    const { mark, ready, env } = marked();
    await killWhenReady(spawn('npm', ['run', ...args], { cwd: copy.folder, env, stdio: 'ignore' }), ready, mark);
  });

  test.runIf(linux)('a command without npm ends', async () => {
    const { mark, ready, env } = marked();
    const command = [process.execPath, join(copy.folder, 'scripts/run.js'), 'watch', 'lesson-1'];
    await killWhenReady(parentOf(command, env), ready, mark);
  });

  test.runIf(linux)('a process that is stuck in a loop ends', async () => {
    const { mark, ready, env } = marked();
    const module = pathToFileURL(join(root, 'scripts/workshop/parent.ts')).href;
    const stuck = join(copy.folder, 'stuck.ts');
    writeFileSync(
      stuck,
      `import { writeFileSync } from 'node:fs';
import { endWithParentAlways } from ${JSON.stringify(module)};
endWithParentAlways();
writeFileSync(String(process.env.READY), '');
for (;;) {}
`,
    );
    const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
    await killWhenReady(parentOf([process.execPath, '--import', tsx, stuck], env), ready, mark);
  });

  test.runIf(linux)('the workers of Vitest end, also one that is stuck in a loop', async () => {
    const { mark, ready, env } = marked();
    for (const file of ['vitest.config.ts', 'test/workshop/end-with-parent.ts']) {
      mkdirSync(join(copy.folder, 'test/workshop'), { recursive: true });
      cpSync(join(root, file), join(copy.folder, file));
    }
    copy.write(
      'test/workshop/stuck.test.ts',
      `import { writeFileSync } from 'node:fs';
import { test } from 'vitest';
test('stuck', () => {
  writeFileSync(String(process.env.READY), '');
  for (;;) {}
});
`,
    );
    const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/workshop/stuck.test.ts'];
    await killWhenReady(spawn(process.execPath, vitest, { cwd: copy.folder, env, stdio: 'ignore' }), ready, mark);
  });
});

/** An environment that every process below hands on, and a file that the innermost one writes. */
function marked() {
  const mark = `MARK_OF_A_TEST=${randomUUID()}`;
  const ready = join(copy.folder, `${mark.slice(-36)}.ready`);
  onTestFinished(() => {
    for (const pid of processesWith(mark, 'environ')) process.kill(pid, 'SIGKILL');
  });
  return { mark, ready, env: { ...learnersEnv(), MARK_OF_A_TEST: mark.slice(-36), READY: ready } };
}

/** A process without a shell that starts a command, and knows nothing of it. */
const parentOf = ([file, ...args]: string[], env: NodeJS.ProcessEnv): ChildProcess =>
  spawn(
    process.execPath,
    ['-e', `require('child_process').spawn(${JSON.stringify(file)}, ${JSON.stringify(args)}, { stdio: 'ignore' })`],
    { cwd: copy.folder, env, stdio: 'ignore' },
  );

async function killWhenReady(parent: ChildProcess, ready: string, mark: string): Promise<void> {
  await vi.waitUntil(() => {
    expect(parent.exitCode, 'it ended before its programs had begun').toBe(null);
    return existsSync(ready);
  }, patient);
  expect(processesWith(mark, 'environ').length).toBeGreaterThan(1);
  parent.kill('SIGKILL');
  await expect.poll(() => processesWith(mark, 'environ'), patient).toEqual([]);
}
