import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { learnersCopy } from '../../scripts/workshop/copy.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { solutionsFolder } from '../harness/folders.js';

/** Right programs of the learner's own: the solution with a comment, because the solution itself is nobody's progress. */
export function writeOwnWork(copy: Pick<ReturnType<typeof learnersCopy>, 'write'>, slug = '01-chunked-stream'): void {
  for (const file of learnerFiles) copy.write(`lessons/${slug}/${file}`, ownWork(file, slug));
}

export const ownWork = (file: string, slug = '01-chunked-stream'): string =>
  `${finished(readFileSync(join(solutionsFolder, slug, file), 'utf8'))}// My own work.\n`;
