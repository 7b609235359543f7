// What a lesson still lacks, in sentences, for its maintainer.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { readText } from './files.ts';
import { learnerFiles, readSolution } from './lessons.ts';
import { readHints, readPage } from './page.ts';
import { tasksIn } from './starter.ts';

export const fewestTasks = 2;
export const mostTasks = 4;
const fewestMistakes = 8;
const fewestVariants = 3;
const fewestHints = 3;

/** Every place of a lesson that is not there, and every place that belongs to no lesson: nothing can be tested before. */
export function missingPlaces(): string[] {
  const absent = catalog.flatMap(({ slug }) => placesOf(slug)).filter((path) => !existsSync(join(root, path)));
  return [...absent.map((path) => `${path} is missing.`), ...strayPlaces()];
}

/** The places that a slug ties together. */
const placesOf = (slug: string): string[] => [
  `lessons/${slug}/README.md`,
  `lessons/${slug}/hints.md`,
  ...learnerFiles.flatMap((file) => [`solutions/${slug}/${file}`, `lessons/${slug}/${file}`]),
  `test/lessons/${slug}.test.ts`,
  `test/mistakes/${slug}.ts`,
  `test/variants/${slug}`,
];

/** What a lesson with all its places has too little of. */
export function gapsOf(lesson: Lesson): string[] {
  const { number, slug, title, minutes } = lesson;
  const page = readPage(lesson);
  const gaps: string[] = [];
  const heading = `Lesson ${number} · ${title}`;
  if (page.title !== heading)
    gaps.push(`lessons/${slug}/README.md has the heading "${page.title}" instead of "${heading}".`);
  const count = page.tasks.length;
  if (count < fewestTasks || count > mostTasks)
    gaps.push(`lessons/${slug}/README.md has ${tasks(count)}; a lesson has ${fewestTasks} to ${mostTasks}.`);
  const inSolution = new Set(learnerFiles.flatMap((file) => tasksIn(readSolution(lesson, file))));
  for (const { number: task } of page.tasks) {
    if (!inSolution.has(task))
      gaps.push(`solutions/${slug} has no region for task ${task}: // #region task ${task}: …`);
    const mistakes = mistakesIn(slug).filter((each) => each === task).length;
    if (mistakes < fewestMistakes)
      gaps.push(`test/mistakes/${slug}.ts needs ${fewestMistakes} mistakes for task ${task}; it has ${mistakes}.`);
    const hints = readHints(lesson).filter((hint) => hint.task === task).length;
    if (hints < fewestHints)
      gaps.push(`lessons/${slug}/hints.md needs ${fewestHints} hints for task ${task}; it has ${hints}.`);
  }
  const variants = readdirSync(join(root, 'test', 'variants', slug)).length;
  if (variants < fewestVariants)
    gaps.push(`test/variants/${slug} needs ${fewestVariants} right answers in another style; it has ${variants}.`);
  const row = `| ${number} | [${title}](lessons/${slug}/README.md) | ${minutes} | `;
  if (!readText(join(root, 'README.md'), '`git checkout -- README.md` brings it back.').includes(`\n${row}`))
    gaps.push(`The table of lessons in README.md has no row that begins with ${row}`);
  return gaps;
}

const tasks = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`);

/** The task of each mistake, as its call says it: server(1, 'name', …). */
const mistakesIn = (slug: string): number[] =>
  [
    ...readText(join(root, 'test', 'mistakes', `${slug}.ts`), 'CONTRIBUTING.md says what stands in it.').matchAll(
      /\b(?:server|client)\(\s*(\d+),/g,
    ),
  ].map(([, task]) => Number(task));

/** Folders and files that belong to no lesson of the catalog. */
function strayPlaces(): string[] {
  const slugs = new Set(catalog.map(({ slug }) => slug));
  return ['lessons', 'solutions', 'test/lessons', 'test/mistakes', 'test/variants', 'test/verdicts'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /^\d\d-/.test(name) && !slugs.has(name.replace(/(\.test)?\.ts$/, '')))
      .map((name) => `${folder}/${name} belongs to no lesson of lessons/catalog.ts.`),
  );
}
