// Programs that are prepared before they are begun.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished, test, expect, vi } from 'vitest';
import { root } from '../../scripts/workshop/paths.ts';
import { startProgram } from '../harness/programs/program.ts';
import { beginRun, endAllPrograms, loading, prepareProgram } from '../harness/programs/spawn.js';
import { transcript } from '../harness/wire/transcript.ts';

const limit = { timeout: 20_000 };

function folder() {
  const folder = join(root, '.tmp', `spare-${randomUUID()}`); // inside, where files are modules
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => {
    endAllPrograms();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = () =>
    startProgram({
      folder,
      folderName: 'lessons/spare',
      file: 'server.ts',
      changed() {},
      transcript: () => transcript(),
    });
  return { file: join(folder, 'server.ts'), at: (name: string) => join(folder, name), folder, start };
}

test('what a spare does before its program begins is not its program’s', limit, async () => {
  const { file, at, start } = folder();
  writeFileSync(file, "console.log('ran');\n");
  writeFileSync(
    at('prepare.mjs'),
    `import { existsSync, writeFileSync } from 'node:fs';
    import { createServer } from 'node:http';
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(${JSON.stringify(at('listens'))}, '');
    while (!existsSync(${JSON.stringify(at('go on'))})) await new Promise((resolve) => setTimeout(resolve, 5));
    server.close();\n`,
  );
  prepareProgram(file, 1, [pathToFileURL(at('prepare.mjs')).href]);
  const program = start();
  await vi.waitUntil(() => existsSync(at('listens')), limit);
  expect(await program.listening()).toEqual([]);
  expect(await program.caughtUp()).toBe(true);
  expect(program.timers).toBe(0);
  writeFileSync(at('go on'), '');
  await vi.waitUntil(() => program.end, limit);
  expect(program.lines).toEqual(['ran']);
});

test(
  'a spare loads its file when a run begins, runs nothing of it, and is not there for the next run',
  limit,
  async () => {
    const { file, at, folder: own, start } = folder();
    const imported = (text: string) => writeFileSync(at('imported.ts'), `console.log('${text}');\n`);
    writeFileSync(file, "import './imported.ts';\nconsole.log('ran');\n");
    const prepare = async () => {
      prepareProgram(file, 1);
      beginRun({ folder: own });
      await loading(file);
    };
    imported('as the run began');
    await prepare();
    imported('too late');
    const program = start();
    await vi.waitUntil(() => program.end, limit);
    expect(program.lines).toEqual(['as the run began', 'ran']);

    imported('in a run that was stopped');
    await prepare();
    imported('in the next run');
    beginRun({ folder: own });
    const next = start();
    await vi.waitUntil(() => next.end, limit);
    expect(next.lines).toEqual(['in the next run', 'ran']);
  },
);
