import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a whole file or nothing of it: whoever reads it meanwhile gets the old content or the new one.
 * @param {string} path
 * @param {string | Uint8Array} content
 * @throws the error of the file system when it cannot be written
 */
export function writeAtomically(path, content) {
  const writing = beginWriting(path, content);
  try {
    writing.takePlace();
  } catch (error) {
    writing.giveUp();
    throw error;
  }
}

/**
 * Writes a file beside its place: it takes the place of the old one, or is given up, when that is said.
 * @param {string} path
 * @param {string | Uint8Array} content
 * @throws the error of the file system when it cannot be written
 */
export function beginWriting(path, content) {
  const unfinished = `${path}.${randomUUID()}.tmp`;
  const giveUp = () => {
    try {
      rmSync(unfinished, { force: true });
    } catch {
      // why it was given up says more
    }
  };
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(unfinished, content);
  } catch (error) {
    giveUp();
    throw error;
  }
  return { path, takePlace: () => renameSync(unfinished, path), giveUp };
}
