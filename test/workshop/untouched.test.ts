// Which lines of a solution no mistake touches.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { finished, linesOf } from '../../scripts/workshop/starter.ts';
import { coverage, touchedLines } from '../../scripts/workshop/untouched.ts';
import { solutionsFolder } from '../harness/folders.js';
import { server } from '../proof/mistake.ts';

const solution = `import express from 'express';

// #region task 1: greet
// starter: const greeting = '';
const greeting = 'hello';
// The name follows.
const name = 'you';
// #endregion
const between = 1;
// #region task 2: say it
if (greeting) {
  console.log(greeting);

  console.log(name);
}
// #endregion
`;

describe('touchedLines', () => {
  const before = ['a', 'b', 'c', 'd'];

  test.for([
    ['a line that is changed', ['a', 'x', 'c', 'd'], [1]],
    ['a line that is removed', ['a', 'b', 'd'], [2]],
    ['the two lines between which another is added', ['a', 'b', 'x', 'c', 'd'], [1, 2]],
    ['two places, and nothing between them', ['x', 'b', 'c', 'x'], [0, 3]],
    ['a line that becomes two', ['a', 'x', 'y', 'c', 'd'], [1]],
    ['a line that has moved', ['b', 'c', 'd', 'a'], [0, 3, 4]],
    ['nothing', before, []],
  ] as const)('tells %s', ([, after, touched]) => {
    expect(touchedLines(before, [...after])).toEqual(touched);
  });
});

describe('coverage', () => {
  const numbers = (...mistakes: Parameters<typeof coverage>[1]) =>
    coverage(solution, mistakes).untouched.map(({ number, task }) => [number, task]);

  test('counts the lines of the tasks, without blank lines, comments and lone brackets', () => {
    expect(coverage(solution, []).lines).toBe(5);
    expect(numbers()).toEqual([
      [5, 1],
      [7, 1],
      [11, 2],
      [12, 2],
      [14, 2],
    ]);
  });

  test('leaves out the lines that a mistake touches', () => {
    expect(
      numbers(server(1, 'rude', ["'hello'", "'hey'"]), server(2, 'greets-nobody', ['  console.log(name);\n', ''])),
    ).toEqual([
      [7, 1],
      [11, 2],
      [12, 2],
    ]);
  });

  test('does not count what is outside of the tasks', () => {
    expect(coverage(solution, [server(1, 'two', ['between = 1', 'between = 2'])])).toEqual(coverage(solution, []));
  });
});

test.for(catalog)('linesOf gives the finished programs of $slug', ({ slug }) => {
  for (const file of learnerFiles) {
    const whole = readFileSync(join(solutionsFolder, slug, file), 'utf8');
    const lines = linesOf(whole);
    expect(lines.map(({ text }) => text).join('\n')).toBe(finished(whole));
    for (const { number, text } of lines) expect(whole.split('\n')[number - 1]).toBe(text);
  }
});

describe('the command', () => {
  let copy: Copy;
  beforeAll(() => {
    copy = learnersCopy();
  });
  afterAll(() => copy.remove());

  const head = "import { client, type Mistake } from '../proof/mistake.ts';\nexport const mistakes: Mistake[] = [\n";
  const keepMistakes = (...mistakes: string[]) =>
    copy.write('test/mistakes/04-backpressure.ts', `${head}${mistakes.join('\n')}\n];\n`);

  test('names each untouched line with its number in the solution, and counts', async () => {
    keepMistakes("  client(3, 'stays', ['process.exitCode = 1;', '']),");
    const { code, stdout } = await copy.run('untouched', 'lesson-4');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lesson 4 · Backpressure\n\nserver\.ts, task 1\n/);
    const lines = copy.read('solutions/04-backpressure/client.ts').split('\n');
    const [, listed] = /^client\.ts, task 3\n((?: +\d+ .*\n)+)/m.exec(stdout)!;
    for (const [, number, text] of listed!.matchAll(/^ +(\d+) {2}(.*?)…?$/gm)) {
      expect(lines[Number(number) - 1]!.startsWith(text!), text).toBe(true);
    }
    expect(listed).not.toContain('process.exitCode');
    const [, touched, all] = /^client\.ts (\d+) of (\d+) lines$/m.exec(stdout)!;
    expect(Number(all) - Number(touched)).toBe(listed!.trimEnd().split('\n').length);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('without a name it looks at every lesson; --json says the same as data', async () => {
    const { code, stdout } = await copy.run('untouched', '--json');
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as {
      slug: string;
      files: { file: string; lines: number; untouched: object[] }[];
    }[];
    expect(found.map(({ slug }) => slug)).toEqual(catalog.map(({ slug }) => slug));
    const text = (await copy.run('untouched')).stdout;
    const counts = found.flatMap(({ files }) =>
      files.map(({ file, lines, untouched }) => `${file} ${lines - untouched.length} of ${lines} lines`),
    );
    expect(text.split('\n').filter((line) => line.endsWith(' lines'))).toEqual(counts);
  });
});
