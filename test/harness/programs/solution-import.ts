// Finds a program that imports a finished solution, because the grader would grade the solution and not the program.
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { root, solutionsFolder } from '../folders.js';
import type { Explanation } from '../run/failure.ts';
import type { Start } from './program.ts';

const solutions = join(solutionsFolder, sep);

/** What is wrong with a program that imports from `solutions/`, itself or through other files of its own. */
export function solutionImport({ folder, folderName, file }: Pick<Start, 'folder' | 'folderName' | 'file'>) {
  const first = join(folder, file);
  if (realPath(first)?.startsWith(solutions) && first.startsWith(solutions)) return undefined; // the solution itself
  const seen = new Set<string>();
  const waiting = [first];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { target, line } of importsOf(path)) {
      const real = realPath(target);
      if (real?.startsWith(solutions))
        return explain(path === first ? `${folderName}/${file}` : shown(path), real, line);
      if (real) waiting.push(real);
    }
  }
  return undefined;
}

function explain(importer: string, solution: string, line: number): Explanation {
  return {
    cause: `${importer} imports ${shown(solution)}, so the grader would grade the solution and not your program.`,
    advice: 'Remove this import, and write the code in your own file.',
    at: `${importer}:${line}`,
  };
}

const shown = (path: string): string => relative(root, path).split(sep).join('/');

/** The files that a file imports or re-exports by their path, and the lines where it does. */
function importsOf(path: string): { target: string; line: number }[] {
  return read(path)
    .split('\n')
    .flatMap((text, i) =>
      [...text.slice(0, 1000).matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s{0,9}(['"`])([./][^'"`]*)\1/g)].map(
        (match) => ({
          target: resolve(dirname(path), match[2]!),
          line: i + 1,
        }),
      ),
    );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // whoever runs it says that it is not there
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
