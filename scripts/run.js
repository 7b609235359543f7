// Every npm script begins here: `node scripts/run.js NAME …` installs what is missing, then runs scripts/NAME.ts.
import { readFileSync, readdirSync } from 'node:fs';
import * as modules from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compiled } from '../test/harness/fast-start/commands.js';
import { ensureInstalled } from './setup.js';
import { printTrouble, whyUnreadable } from './trouble.js';

const [name, ...args] = process.argv.splice(2, 1).concat(process.argv.slice(2));
let endPrograms = () => {};
try {
  await ensureInstalled(name);
  modules.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)));

  if (name === 'check' || name === 'watch') {
    // Programs take as long to start as the grader does: both at the same time.
    endPrograms = await startPrograms(args);
  }
  await import(pathToFileURL(await compiled(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)))));
} catch (error) {
  process.exitCode = printTrouble(error); // what a command itself throws, it prints itself
} finally {
  endPrograms();
}

/** Starts the programs of the lesson that the arguments name, and returns what ends those that nobody took. */
async function startPrograms(names) {
  const number = names.map((arg) => /^(?:lesson-)?0*(\d+)(?:-|$)/.exec(arg)?.[1]).find(Boolean);
  const lessons = fileURLToPath(new URL('../lessons', import.meta.url));
  const slug = number && readdirSync(lessons).find((folder) => folder.startsWith(`${number.padStart(2, '0')}-`));
  if (!slug) return () => {};
  const { prepareProgram, endAllPrograms } = await import('../test/harness/programs/spawn.js');
  for (const [file, count] of [
    ['server.ts', 1],
    ['client.ts', 2],
  ]) {
    // What cannot be read, such as a pipe, would keep a program waiting: the command says what it is.
    if (whyUnreadable(join(lessons, slug, file)) !== undefined || isGiven(join(slug, file))) continue;
    prepareProgram(join(lessons, slug, file), count);
  }
  return endAllPrograms;
}

/** Whether a file of a lesson is nobody's to write: the solution has the same, and no grader starts it. */
function isGiven(file) {
  try {
    const [own, solution] = ['lessons', 'solutions'].map((folder) =>
      readFileSync(new URL(`../${folder}/${file}`, import.meta.url), 'utf8'),
    );
    return own === solution;
  } catch {
    return false;
  }
}
