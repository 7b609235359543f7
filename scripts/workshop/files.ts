import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { writeAtomically as write } from '../../test/harness/fast-start/write-atomically.js';
import { Refusal } from './command.ts';
import { root } from './paths.ts';

/** As it is shown and typed: relative to the repository, with slashes. */
export const shown = (path: string): string => relative(root, path).split(sep).join('/');

/**
 * Writes a whole file or nothing of it.
 * @throws Refusal when the folder cannot be written to.
 */
export function writeAtomically(path: string, text: string): void {
  try {
    write(path, text);
  } catch (error) {
    throw notWritable(path, error);
  }
}

/**
 * Keeps copies of files that are about to be overwritten.
 * @returns the folder with the copies, or undefined when there was nothing that would be lost.
 */
export function save(files: { path: string; becomes: string }[]): string | undefined {
  const changed = files.filter(({ path, becomes }) => existsSync(path) && readFileSync(path, 'utf8') !== becomes);
  if (changed.length === 0) return undefined;
  const time = new Date().toISOString().replace(/[:.]/g, '-').replace('Z', '');
  const folder = join(root, '.saved', time);
  for (const { path } of changed) {
    const copy = join(folder, relative(join(root, 'lessons'), path));
    try {
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(path, copy);
    } catch (error) {
      throw notWritable(copy, error);
    }
  }
  return folder;
}

function notWritable(path: string, error: unknown): Refusal {
  return new Refusal(
    `${shown(path)} cannot be written: ${(error as Error).message}.\n` +
      'Nothing was changed. Look at the permissions of its folder, and at the space on the disk.',
  );
}
