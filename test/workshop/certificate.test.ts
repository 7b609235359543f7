// npm run certificate, in a copy of the workshop.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalog, tracks } from '../../lessons/catalog.ts';
import { judges } from '../../scripts/workshop/certificate.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';
import { root } from '../harness/folders.js';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
});
afterAll(() => copy.remove());

/** Writes down that these lessons are passed. */
const pass = (numbers: readonly number[]) =>
  copy.write(
    '.progress',
    catalog
      .filter(({ number }) => numbers.includes(number))
      .map(({ slug }) => `${slug} 3/3 0123456789abcdef\n`)
      .join(''),
  );

test('says what is missing, and writes nothing', async () => {
  pass([1]);
  const { code, stdout } = await copy.run('certificate', 'Ada');
  expect(code).toBe(1);
  expect(stdout).toContain('lesson 2  · Server-sent events');
  expect(stdout).not.toContain('A chunked stream');
  expect(stdout).toContain('Next: npm run check lesson-2');
  const { code: same, stdout: data } = await copy.run('certificate', '--json', '--track', 'half a day');
  expect(same).toBe(1);
  expect((JSON.parse(data) as { missing: string[] }).missing[0]).toBe('02-server-sent-events');
});

test('the page has the name, escaped, each lesson of the track, and no link to anywhere', async () => {
  const [track] = tracks;
  pass(track!.lessons);
  const name = 'Ada <script>alert("1")</script> O\'Neil & 世';
  const { code, stdout } = await copy.run('certificate', name);
  expect(code).toBe(0);
  expect(stdout).toContain('certificate.html');
  const page = copy.read('certificate.html');
  expect(page).toContain('Ada &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; O&#39;Neil &amp; 世');
  expect(page).not.toMatch(/<script|src=|href=/);
  for (const { title } of catalog.filter(({ number }) => track!.lessons.includes(number)))
    expect(page).toContain(title);
  expect(page).not.toContain('Backpressure');
});

test('a name is needed, and a track has to exist; both are said with exit code 2', async () => {
  pass(tracks[0]!.lessons);
  expect((await copy.run('certificate')).code).toBe(2);
  const { code, stderr } = await copy.run('certificate', 'Ada', '--track', 'A fortnight');
  expect(code).toBe(2);
  expect(stderr).toContain('Half a day');
  expect((await copy.run('certificate', '--help')).stdout).toContain('--track');
});

test('each judge is in the graders of its lessons, and in no others', () => {
  const words = [/officialClient\(/, /sdkServer\(/, /expectSchema|validatorOf/] as const;
  for (const [i, { lessons }] of judges.entries()) {
    const graded = catalog.filter(({ slug }) =>
      words[i]!.test(readFileSync(join(root, 'test', 'lessons', `${slug}.test.ts`), 'utf8')),
    );
    expect(graded.map(({ number }) => number)).toEqual(lessons);
  }
});
