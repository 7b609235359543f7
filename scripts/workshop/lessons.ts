import { join } from 'node:path';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { lessonsFolder, solutionsFolder } from '../../test/harness/folders.js';
import type { Commands } from '../../test/harness/run/run.ts';
import { isThere, shownPath, whyUnreadable } from '../trouble.js';
import { Refusal } from './command.ts';
import { readText } from './files.ts';
import { tasksIn } from './starter.ts';

/** The files that a learner edits, in the order in which they are named. */
export const learnerFiles = ['server.ts', 'client.ts'] as const;

/** As a learner types it: `lesson-3`. */
export const shortName = ({ number }: Lesson): string => `lesson-${number}`;

export const lessonFolder = ({ slug }: Lesson): string => join(lessonsFolder, slug);

/**
 * The lesson that `3`, `03`, `lesson-3`, `lesson-03` or its slug names.
 * @throws Refusal when none is.
 */
export function findLesson(name: string): Lesson {
  const number = /^(?:lesson-?)?0*(\d+)$/i.exec(name)?.[1];
  const found = catalog.find((lesson) => lesson.slug === name || lesson.number === Number(number));
  if (found) return found;
  const last = catalog.at(-1)!;
  throw new Refusal(
    `There is no lesson "${name}": the lessons are lesson-1 to ${shortName(last)}.\n` + 'npm run progress lists them.',
  );
}

/**
 * A text that belongs to a lesson, such as its README.md.
 * @throws Refusal when it cannot be read.
 */
export const readLessonText = (lesson: Lesson, name: 'README.md' | 'hints.md'): string =>
  readPart(join(lessonFolder(lesson), name), `lessons/${lesson.slug}`);

/** How many tasks a lesson has. */
export const taskCount = (lesson: Lesson): number =>
  Math.max(...learnerFiles.flatMap((file) => tasksIn(readSolution(lesson, file))));

/** The page of lessons/ that tells the revisions of MCP apart. */
export const revisionsName = 'REVISIONS.md';

/** @throws Refusal when it cannot be read. */
export const readRevisions = (): string => readPart(join(lessonsFolder, revisionsName), `lessons/${revisionsName}`);

/**
 * The source of a lesson's solution.
 * @throws Refusal when it cannot be read.
 */
export const readSolution = (lesson: Lesson, file: string): string =>
  readPart(join(solutionsFolder, lesson.slug, file), `solutions/${lesson.slug}`);

const readPart = (path: string, folder: string): string =>
  readText(
    path,
    `\`git checkout -- ${folder}\` brings it back. If you are adding this lesson, CONTRIBUTING.md says which files it needs.`,
  );

/**
 * A file of the learner's own; undefined when there is nothing of that name.
 * @throws Refusal when it cannot be read.
 */
export function readOwn(lesson: Lesson, file: string): string | undefined {
  const path = join(lessonFolder(lesson), file);
  return isThere(path) ? readText(path, putBack(lesson)) : undefined;
}

/**
 * The files that a learner edits are there; those in whose place a command is graded need not be.
 * @throws Refusal when one is missing, or is nothing that can be read.
 */
export function requireFiles(lesson: Lesson, { server, client }: Commands = {}): void {
  const graded = learnerFiles.filter((file) => !(file === 'server.ts' ? server : client));
  const paths = graded.map((file) => join(lessonFolder(lesson), file));
  const missing = paths.filter((path) => !isThere(path));
  if (missing.length > 0) {
    throw new Refusal(
      `${missing.map(shownPath).join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing.\n` +
        `npm run reset ${shortName(lesson)} -- --missing puts the starter back, and changes nothing else.`,
    );
  }
  for (const path of paths) {
    const why = whyUnreadable(path);
    if (why !== undefined) throw new Refusal(`${shownPath(path)} ${why}.\n${putBack(lesson)}`);
  }
}

const putBack = (lesson: Lesson): string =>
  `Move it away; then npm run reset ${shortName(lesson)} -- --missing puts the starter in its place.`;
