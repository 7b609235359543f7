// A program that imports the finished solution is told apart from one that is the solution, or is written by itself.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { root, solutionsFolder } from '../harness/folders.js';
import { solutionImport } from '../harness/programs/solution-import.ts';

const slug = '01-chunked-stream';
const folderName = `lessons/${slug}`;
const folder = join(root, '.tmp', `solution-import-${process.pid}`, slug);
const clear = () => rmSync(join(folder, '..'), { recursive: true, force: true });
beforeEach(() => {
  clear();
  mkdirSync(folder, { recursive: true });
});
afterAll(clear);

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const found = () => solutionImport({ folder, folderName, file: 'server.ts' });
const solution = `../../../solutions/${slug}/server.ts`;

test.each([
  ['an import', `import '${solution}';`],
  ['a re-export', `export * from "${solution}";`],
  ['a dynamic import', `await import('${solution}');`],
  ['an absolute path', `import '${join(solutionsFolder, slug, 'server.ts').replaceAll('\\', '/')}';`],
])('%s of a solution is named', (_how, line) => {
  write('server.ts', `// mine\n${line}\n`);
  expect(found()).toEqual({
    cause: `${folderName}/server.ts imports solutions/${slug}/server.ts, so the grader would grade the solution and not your program.`,
    advice: 'Remove this import, and write the code in your own file.',
    at: `${folderName}/server.ts:2`,
  });
});

test('an import by way of a file of its own is named, and two files that import each other have an end', () => {
  write('server.ts', "import './mine.ts';\n");
  write('mine.ts', `import './server.ts';\n\nexport * from '${solution}';\n`);
  expect(found()?.at).toMatch(/\/mine\.ts:3$/);
});

test.runIf(process.platform !== 'win32')('an import of a link to a solution is named', () => {
  symlinkSync(join(solutionsFolder, slug, 'server.ts'), join(folder, 'mine.ts'));
  write('server.ts', "import './mine.ts';\n");
  expect(found()?.cause).toContain(`imports solutions/${slug}/server.ts`);
});

test.each([
  ['imports nothing', 'console.log(1);\n'],
  [
    'imports packages and lessons/support',
    "import express from 'express';\nimport { work } from '#support/work.ts';\n",
  ],
  ['imports a file that is not there', "import './gone.ts';\n"],
])('a program that %s is its own', (_what, source) => {
  write('server.ts', source);
  expect(found()).toBe(undefined);
});

test('the solution itself may be graded', () => {
  expect(solutionImport({ folder: join(solutionsFolder, slug), folderName, file: 'server.ts' })).toBe(undefined);
});
