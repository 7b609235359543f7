import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

export const lessonsFolder = join(root, 'lessons');
export const solutionsFolder = join(root, 'solutions');
