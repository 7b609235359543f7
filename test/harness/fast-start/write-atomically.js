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
  const unfinished = `${path}.${randomUUID()}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
  } catch (error) {
    try {
      rmSync(unfinished, { force: true });
    } catch {
      // the first error says more
    }
    throw error;
  }
}
