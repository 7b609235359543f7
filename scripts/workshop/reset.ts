import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { isThere, shownPath } from '../trouble.js';
import { Refusal, type Arguments } from './command.ts';
import { readText, save, whereToLook, writeTogether, type Writing } from './files.ts';
import { findLesson, learnerFiles, lessonFolder, shortName } from './lessons.ts';
import { startersOf } from './starters.ts';

/** Puts a lesson's files back to the starter, or to an earlier copy of one's own. */
export function reset({ words: [name], options }: Arguments): number {
  if (name === undefined) throw new Refusal('Which lesson? For example: npm run reset lesson-1');
  const lesson = findLesson(name);
  if (options.missing && options.from !== undefined) throw new Refusal('--missing and --from cannot go together.');
  if (options.from !== undefined) return replace(lesson, copiesIn(lesson, String(options.from)));
  const files = startersOf(lesson).filter(({ path }) => !options.missing || !isThere(path));
  if (files.length === 0) {
    console.log(`No file of ${shortName(lesson)} is missing: nothing was changed.`);
    return 0;
  }
  return replace(lesson, files);
}

/** Overwrites the learner's files, after saving those that would be lost, and says so. */
export function replace(lesson: Lesson, files: Writing[]): number {
  const { wrote, saved } = replaceFiles(lesson, files);
  for (const path of wrote) console.log(`wrote ${path}`);
  if (saved) console.log(`\n${howToGetBack(lesson, saved)}`);
  return 0;
}

/**
 * Overwrites files of a lesson. `saved` is the folder with what would have been lost, if anything.
 * @throws Refusal when a file cannot be written: it says which have changed all the same, and how they come back.
 */
export function replaceFiles(lesson: Lesson, files: Writing[]): { wrote: string[]; saved: string | undefined } {
  const folder = save(files);
  const saved = folder && shownPath(folder);
  const { wrote, failed } = writeTogether(files);
  if (!failed) return { wrote: wrote.map(shownPath), saved };
  if (wrote.length === 0) throw new Refusal(`${failed.sentence}\nNothing was changed. ${whereToLook}`);
  const left = files.map(({ path }) => path).filter((path) => !wrote.includes(path));
  throw new Refusal(
    [
      failed.sentence,
      `${listed(wrote)} already changed; ${listed(left)} not. ${whereToLook}`,
      saved ? howToGetBack(lesson, saved) : 'Nothing was lost.',
    ].join('\n'),
  );
}

const listed = (paths: string[]): string =>
  `${paths.map(shownPath).join(' and ')} ${paths.length > 1 ? 'have' : 'has'}`;

const howToGetBack = (lesson: Lesson, saved: string): string =>
  `What was there before is in ${saved}. To get it back:\n  ${wayBack(lesson, saved)}`;

/** The command that brings saved files back. */
export const wayBack = (lesson: Lesson, saved: string): string =>
  `npm run reset ${shortName(lesson)} -- --from ${saved}`;

function copiesIn(lesson: Lesson, from: string): Writing[] {
  const folder = resolve(root, from);
  const inside = relative(join(root, '.saved'), folder);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new Refusal(`--from takes a folder in .saved, as reset prints it; "${from}" is not one.`);
  }
  const copies = learnerFiles
    .map((file) => ({ path: join(lessonFolder(lesson), file), copy: join(folder, lesson.slug, file) }))
    .filter(({ copy }) => isThere(copy))
    .map(({ path, copy }) => ({ path, text: readText(copy, 'Nothing was changed.') }));
  if (copies.length > 0) return copies;
  throw new Refusal(
    `${shownPath(join(folder, lesson.slug))} has no ${learnerFiles.join(' and no ')}: nothing was changed.`,
  );
}
