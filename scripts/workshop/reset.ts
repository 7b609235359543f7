import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Arguments } from './command.ts';
import { Refusal } from './command.ts';
import { save, shown, writeAtomically } from './files.ts';
import { findLesson, learnerFiles, lessonFolder, shortName, type Lesson } from './lessons.ts';
import { root } from './paths.ts';
import { startersOf } from './starters.ts';

/** Puts a lesson's files back to the starter, or to an earlier copy of one's own. */
export function reset({ words: [name], options }: Arguments): number {
  if (name === undefined) throw new Refusal('Which lesson? For example: npm run reset lesson-1');
  const lesson = findLesson(name);
  if (options.missing && options.from !== undefined) throw new Refusal('--missing and --from cannot go together.');
  if (options.from !== undefined) return replace(lesson, copiesIn(lesson, String(options.from)));
  const files = startersOf(lesson).filter(({ path }) => !options.missing || !existsSync(path));
  if (files.length === 0) {
    console.log(`No file of ${shortName(lesson)} is missing: nothing was changed.`);
    return 0;
  }
  return replace(lesson, files);
}

/** Overwrites the learner's files, after saving those that would be lost, and says so. */
export function replace(lesson: Lesson, files: { path: string; text: string }[]): number {
  const { wrote, saved } = replaceFiles(files);
  for (const path of wrote) console.log(`wrote ${path}`);
  if (saved) {
    console.log(`\nWhat was there before is in ${saved}. To get it back:`);
    console.log(`  ${wayBack(lesson, saved)}`);
  }
  return 0;
}

/** Overwrites files. `saved` is the folder with what would have been lost, if anything. */
export function replaceFiles(files: { path: string; text: string }[]): { wrote: string[]; saved: string | undefined } {
  const saved = save(files.map(({ path, text }) => ({ path, becomes: text })));
  for (const { path, text } of files) writeAtomically(path, text);
  return { wrote: files.map(({ path }) => shown(path)), saved: saved && shown(saved) };
}

/** The command that brings saved files back. */
export const wayBack = (lesson: Lesson, saved: string): string =>
  `npm run reset ${shortName(lesson)} -- --from ${saved}`;

function copiesIn(lesson: Lesson, given: string): { path: string; text: string }[] {
  const folder = resolve(root, given);
  const inside = relative(join(root, '.saved'), folder);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new Refusal(`--from takes a folder in .saved, as reset prints it; "${given}" is none.`);
  }
  const copies = learnerFiles
    .map((file) => ({ path: join(lessonFolder(lesson), file), copy: join(folder, lesson.slug, file) }))
    .filter(({ copy }) => existsSync(copy))
    .map(({ path, copy }) => ({ path, text: readFileSync(copy, 'utf8') }));
  if (copies.length > 0) return copies;
  throw new Refusal(
    `${shown(join(folder, lesson.slug))} has no ${learnerFiles.join(' and no ')}: nothing was changed.`,
  );
}
