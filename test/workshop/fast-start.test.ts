// Fast start changes how long things take, and nothing else.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, describe, test, type TestContext } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, runIn, type Copy } from '../../scripts/workshop/copy.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { report } from '../../scripts/workshop/report.ts';
import { finished, starterOf } from '../../scripts/workshop/starter.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import { graders } from '../proof/graders.ts';
import { mistakesOf, withMistake } from '../proof/mistake.ts';
import { normalizeVerdict } from '../proof/normalize-verdict.ts';

const slug = '01-chunked-stream';
const server = `lessons/${slug}/server.ts`;

function newCopy({ onTestFinished }: TestContext): Copy {
  const copy = learnersCopy();
  onTestFinished(() => copy.remove());
  return copy;
}

/** Another place for a copy. */
function elsewhere({ folder }: Copy, { onTestFinished }: TestContext): string {
  const other = `${folder}-other`;
  onTestFinished(() => rmSync(other, { recursive: true, force: true }));
  return other;
}

describe('a checkout', { concurrent: true }, () => {
  test('that was copied acts on itself, and not on the one that it is a copy of', async (context) => {
    const { expect } = context;
    const copy = newCopy(context);
    const other = elsewhere(copy, context);
    copy.write(server, '// mine\n');
    await copy.run('reset', '--help'); // so that it is compiled
    cpSync(copy.folder, other, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    expect(await runIn(other, 'reset', ['1'])).toMatchObject({ code: 0, stderr: '' });
    expect(copy.read(server)).toBe('// mine\n');
    expect(readFileSync(join(other, server), 'utf8')).not.toBe('// mine\n');
  });

  test('that was moved works where it is now', async (context) => {
    const { expect } = context;
    const copy = newCopy(context);
    const other = elsewhere(copy, context);
    copy.write(server, "import express from 'express';\nexpress();\nthrow new Error('here');\n");
    const before = await copy.run('check', '1', '--seed', '1');
    renameSync(copy.folder, other);
    const after = await runIn(other, 'check', ['1', '--seed', '1']);
    expect(normalizeVerdict(after.stdout)).toBe(normalizeVerdict(before.stdout));
    expect(after).toMatchObject({ code: 1, stderr: '' });
    expect(before).toMatchObject({ code: 1, stderr: '' });
    expect(before.stdout).toContain(`look in           ${server}:3\n`);
  });
});

describe('our own commands', { concurrent: true }, () => {
  test('are compiled again when the text of a module is another, whatever its time and size say', async (context) => {
    const { expect } = context;
    const copy = newCopy(context);
    expect((await copy.run('progress')).stdout).toContain('A chunked stream');
    const compiled = existsSync(join(copy.folder, '.tmp/compiled/record.json'));
    expect(compiled).toBe(!(process.features as { typescript?: unknown }).typescript);
    const path = 'lessons/catalog.ts';
    const { atime, mtime } = statSync(join(copy.folder, path));
    copy.write(path, copy.read(path).replace('A chunked stream', 'A trickling one!'));
    utimesSync(join(copy.folder, path), atime, mtime);
    expect((await copy.run('progress')).stdout).toContain('A trickling one!');
  });

  test('share their modules with what they import later; a new one is there at once', async (context) => {
    const { expect } = context;
    const copy = newCopy(context);
    await copy.run('progress');
    copy.write('test/lessons/99-new.test.ts', "export { Failure } from '../harness/run/failure.ts';\n");
    copy.write(
      'scripts/new.ts',
      `import { importTypeScript } from '../test/harness/fast-start/commands.js';
import { Failure } from '../test/harness/run/failure.ts';
const grader = await importTypeScript('test/lessons/99-new.test.ts');
console.log(grader.Failure === Failure);\n`,
    );
    expect(await copy.run('new')).toEqual({ code: 0, stdout: 'true\n', stderr: '' });
  });

  test('run where nothing can be written, and where one of them does not compile', async (context) => {
    const { expect } = context;
    const copy = newCopy(context);
    copy.write('.tmp', 'not a folder');
    expect(await copy.run('hint', '1')).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(copy.folder, '.tmp'));
    copy.write('scripts/broken.ts', 'const = 1;\n');
    expect(await copy.run('hint', '1')).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await copy.run('broken');
    expect(code).not.toBe(0);
    expect(stderr).toContain('broken.ts');
  });

  test('say so when a program cannot be built because nothing can be written', async (context) => {
    const { expect } = context;
    const copy = newCopy(context);
    copy.write('.tmp', 'not a folder');
    const { code, stderr } = await copy.run('check', '1');
    expect(stderr).toMatch(/^The grader could not build server\.ts: .*\nThis says nothing about your programs\./);
    expect(code).toBe(3);
  });
});

test('with FAST_START=off nothing is kept for the next time', async (context) => {
  const { expect } = context;
  const copy = newCopy(context);
  const { code, stdout } = await copy.run('check', '1', '--seed', '1');
  expect(existsSync(join(copy.folder, '.tmp'))).toBe(true);
  rmSync(join(copy.folder, '.tmp'), { recursive: true });
  const slowly = await runIn(copy.folder, 'check', ['1', '--seed', '1'], { FAST_START: 'off' });
  expect({ ...slowly, stdout: normalizeVerdict(slowly.stdout) }).toEqual({
    code,
    stdout: normalizeVerdict(stdout),
    stderr: '',
  });
  expect(existsSync(join(copy.folder, '.tmp'))).toBe(false);
});

const temporary = join(root, '.tmp', `fast-start-${randomUUID()}`);
const off = graders(2, { FAST_START: 'off' });
afterAll(async () => {
  await off.close();
  rmSync(temporary, { recursive: true, force: true });
});

type Programs = Record<(typeof learnerFiles)[number], string>;

/** Programs with a kept verdict, by its name in test/verdicts. */
const sample: Record<string, () => Programs | Promise<Programs>> = {
  'broken-programs/throws-in-a-function': () =>
    atTop("connect('db');\n\nfunction connect(name: string) {\n  throw new TypeError(`cannot reach ${name}`);\n}"),
  'broken-programs/blocks-at-the-top': () => atTop('while (true) {}'),
  'broken-programs/syntax-error': () => atTop('const port = = 3000;'),
  '01-chunked-stream/collects-everything': () => mistake('01-chunked-stream', 'collects-everything'),
  '02-server-sent-events/starter-3': () => starter('02-server-sent-events', 3),
  '07-json-rpc/starter-2': () => starter('07-json-rpc', 2),
  '08-handshake/starter-3': () => starter('08-handshake', 3), // with tools of the grader's
  '11-message-handler/starter-2': () => starter('11-message-handler', 2),
};

describe('with FAST_START=off the verdict is the kept one', { concurrent: true }, () => {
  test.for(Object.entries(sample))('%s', async ([name, programs], { expect }) => {
    const [kind, verdictName] = name.split('/') as [string, string];
    const lesson = catalog.find((each) => each.slug === kind) ?? catalog[0]!;
    const folder = join(temporary, verdictName, lesson.slug);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(await programs())) writeFileSync(join(folder, file), text);
    const verdict = await off.grade({
      slug: lesson.slug,
      folder,
      folderName: `lessons/${lesson.slug}`,
      seed: 1,
      busyLimit: 2500,
    });
    const kept = readFileSync(join(root, 'test', 'verdicts', `${name}.txt`), 'utf8');
    expect(normalizeVerdict(report(lesson, verdict, undefined))).toBe(kept);
  });
});

const solution = (of: string, file: keyof Programs) => readFileSync(join(solutionsFolder, of, file), 'utf8');

const every = (of: string, change: (source: string) => string): Programs => ({
  'server.ts': change(solution(of, 'server.ts')),
  'client.ts': change(solution(of, 'client.ts')),
});

const starter = (of: string, task: number) => every(of, (source) => starterOf(source, task));

/** The finished lesson 1, with this code after its first line. */
const atTop = (code: string): Programs => {
  const programs = every(slug, finished);
  const line = 'const app = express();';
  return { ...programs, 'server.ts': programs['server.ts'].replace(line, () => `${line}\n\n${code}`) };
};

async function mistake(of: string, name: string): Promise<Programs> {
  const made = (await mistakesOf(of)).find((each) => each.name === name)!;
  const programs = every(of, finished);
  return { ...programs, [made.file]: withMistake(programs[made.file], made) };
}
