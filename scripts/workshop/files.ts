import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { beginWriting } from '../../test/harness/fast-start/write-atomically.js';
import { root } from '../../test/harness/folders.js';
import { isThere, reasonOf, shownPath, whyUnreadable } from '../trouble.js';
import { Refusal } from './command.ts';

/** A file to be written. */
export type Writing = { path: string; text: string };

/**
 * The text of a file.
 * @param otherwise what a person does when it cannot be read
 * @throws Refusal when it is missing, no file (a folder, a pipe, a device, a link that leads nowhere), or may not be read.
 */
export function readText(path: string, otherwise: string): string {
  const why = whyUnreadable(path);
  if (why !== undefined) throw new Refusal(`${shownPath(path)} ${why}.\n${otherwise}`);
  return readFileSync(path, 'utf8');
}

/** Writes a whole file or nothing of it. @throws Refusal when it cannot be written. */
export function writeAtomically(path: string, text: string): void {
  const { failed } = writeTogether([{ path, text }]);
  if (failed) throw new Refusal(`${failed.sentence}\nNothing was changed. ${whereToLook}`);
}

/** What became of files that were to be written: those that are new now, and the first that could not be. */
export type Written = { wrote: string[]; failed?: { path: string; sentence: string } };

/**
 * Writes several files: all of them beside their places first, so that a full disk changes none; then each takes its place.
 */
export function writeTogether(files: readonly Writing[]): Written {
  const waiting: ReturnType<typeof beginWriting>[] = [];
  const wrote: string[] = [];
  let current = '';
  try {
    for (const { path, text } of files) {
      current = path;
      waiting.push(beginWriting(path, text));
    }
    for (const { path, takePlace } of waiting) {
      current = path;
      takePlace();
      wrote.push(path);
    }
    return { wrote };
  } catch (error) {
    for (const { giveUp } of waiting) giveUp();
    return {
      wrote,
      failed: { path: current, sentence: `${shownPath(current)} cannot be written: ${reasonOf(error)}.` },
    };
  }
}

/** What a person does about a file that cannot be written. */
export const whereToLook = 'Look at the permissions of its folder, and at the space on the disk.';

/**
 * Keeps copies of files that are about to be overwritten.
 * @returns the folder with the copies, or undefined when there was nothing that would be lost.
 * @throws Refusal when one cannot be read or copied: then there are no copies, and nothing may be overwritten.
 */
export function save(files: readonly Writing[]): string | undefined {
  const changed = files.filter(({ path, text }) => isThere(path) && readText(path, moveAway) !== text);
  if (changed.length === 0) return undefined;
  const time = new Date().toISOString().replace(/[:.]/g, '-').replace('Z', '');
  const folder = join(root, '.saved', time);
  for (const { path } of changed) {
    const copy = join(folder, nameOfCopy(path));
    try {
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(path, copy);
    } catch (error) {
      remove(folder);
      throw new Refusal(
        `${shownPath(copy)} cannot be written: ${reasonOf(error)}.\nNothing was changed. ${whereToLook}`,
      );
    }
  }
  return folder;
}

/** Where a copy stands in its folder: a file of a lesson as in `lessons`, another one as in the project. */
function nameOfCopy(path: string): string {
  const places = [join(root, 'lessons'), root].map((folder) => relative(folder, path));
  return places.find((place) => !place.startsWith('..') && !isAbsolute(place)) ?? basename(path);
}

const moveAway = 'Nothing was changed, because what is there cannot be saved. Move it away, and run the command again.';

/** Removes what may be there. What cannot be removed stays: the failure before is what a person is told. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The failure that led here is reported.
  }
}
