import { join } from 'node:path';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { shownPath } from '../trouble.js';
import type { Arguments } from './command.ts';
import { writeAtomically, type Writing } from './files.ts';
import { learnerFiles, lessonFolder, readOwn, readSolution } from './lessons.ts';
import { starterOf } from './starter.ts';

/** The starter of each file that a learner edits. */
export const startersOf = (lesson: Lesson): Writing[] =>
  learnerFiles.map((file) => ({ path: join(lessonFolder(lesson), file), text: starter(lesson, file) }));

const starter = (lesson: Lesson, file: string): string => starterOf(readSolution(lesson, file));

export function starters({ options }: Arguments): number {
  const stale = catalog.flatMap((lesson) => {
    const made = startersOf(lesson);
    return made.filter(({ text }, i) => readOwn(lesson, learnerFiles[i]!)?.replaceAll('\r\n', '\n') !== text);
  });
  for (const { path, text } of stale) {
    if (!options.check) writeAtomically(path, text);
    console.log(options.check ? `${shownPath(path)} is not what its solution makes` : `wrote ${shownPath(path)}`);
  }
  if (options.check && stale.length > 0) console.log('npm run starters makes them anew.');
  return options.check && stale.length > 0 ? 1 : 0;
}
