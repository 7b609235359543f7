// Where the repository is on this machine. Plain JavaScript, because the install needs it before anything is compiled.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder, with a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export const lessonsFolder = join(root, 'lessons');
export const solutionsFolder = join(root, 'solutions');
