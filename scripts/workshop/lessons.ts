import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { Refusal } from './command.ts';
import { lessonsFolder } from './paths.ts';

export { catalog, type Lesson };

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

/** @throws Refusal when a file that the learner edits is not there. */
export function requireFiles(lesson: Lesson): void {
  const missing = learnerFiles.filter((file) => !existsSync(join(lessonFolder(lesson), file)));
  if (missing.length === 0) return;
  throw new Refusal(
    `${missing.map((file) => `lessons/${lesson.slug}/${file}`).join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing.\n` +
      `npm run reset ${shortName(lesson)} -- --missing puts the starter back, and changes nothing else.`,
  );
}
