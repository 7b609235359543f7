import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments } from './command.ts';
import { shown, writeAtomically } from './files.ts';
import { catalog, learnerFiles, lessonFolder, type Lesson } from './lessons.ts';
import { solutionsFolder } from './paths.ts';
import { starterOf } from './starter.ts';

/** The starter of each file that a learner edits. */
export function startersOf(lesson: Lesson): { path: string; text: string }[] {
  return learnerFiles.map((file) => ({
    path: join(lessonFolder(lesson), file),
    text: starterOf(readFileSync(join(solutionsFolder, lesson.slug, file), 'utf8')),
  }));
}

export function starters({ options }: Arguments): number {
  const stale = catalog
    .flatMap(startersOf)
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8').replaceAll('\r\n', '\n') !== text);
  for (const { path, text } of stale) {
    console.log(options.check ? `${shown(path)} is not what its solution makes` : `wrote ${shown(path)}`);
    if (!options.check) writeAtomically(path, text);
  }
  if (options.check && stale.length > 0) console.log('npm run starters makes them anew.');
  return options.check && stale.length > 0 ? 1 : 0;
}
