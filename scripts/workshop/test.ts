import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { catalog } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { changedLessons } from './changed-lessons.ts';
import { Refusal, type Arguments } from './command.ts';
import { gapsOf, missingPlaces } from './gaps.ts';
import { findLesson } from './lessons.ts';

/** The tests of the workshop that look at each lesson by itself: its places, its text, and what its README draws. */
const aboutOneLesson = ['content', 'prose', 'commands'];

const require = createRequire(import.meta.url);
const programOf = (name: string, file: string) => join(dirname(require.resolve(`${name}/package.json`)), file);

/** Type-checks, looks at the format, then runs the tests; leaves with the exit code of what failed. */
export async function test({ options }: Arguments): Promise<number> {
  // Vite takes these two for the end of a path, and then finds no test.
  const mark = root.match(/[#?]/)?.[0];
  if (mark)
    throw new Refusal(
      `The tests of the workshop do not run in a folder that has a "${mark}" in its path: ${root}\nMove the folder, or clone the workshop to another place. The lessons work here.`,
    );
  // Nothing here asks another machine; each of some thousand processes would read it.
  delete process.env.NODE_EXTRA_CA_CERTS;
  // Under Vitest, the graders grade the solutions here; `npx vitest run` has them grade the learner's files.
  process.env.GRADED_FOLDER = 'solutions';
  const lessons = options.changed
    ? changedLessons()
    : options.lesson === undefined
      ? catalog
      : [findLesson(String(options.lesson))];
  if (lessons.length === 0) {
    console.log('No lesson has changed since main, and nothing that all lessons share.');
    return 0;
  }
  const missing = missingPlaces();
  if (missing.length > 0) {
    console.log(
      `${missing.join('\n')}\n\nCONTRIBUTING.md says how a lesson is made, and npm run new-lesson makes its places.`,
    );
    return 1;
  }
  for (const project of ['tsconfig.test.json', 'scripts/workshop/reader/tsconfig.json']) {
    const types = await node(`Types of ${project}`, programOf('typescript', 'bin/tsc'), '--project', project);
    if (types !== 0) return types;
  }
  const format = await node(
    'Format',
    programOf('prettier', 'bin/prettier.cjs'),
    '--check',
    '--cache',
    '--log-level=warn',
    '.',
  );
  if (format !== 0) {
    console.log('npm run format puts it right.');
    return format;
  }
  const counts = join(root, '.tmp', `tests-${process.pid}.json`);
  const status = await node(
    'Tests',
    programOf('vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${counts}`,
    options.update ? '--update=all' : '--update=none', // without it, a verdict that is not kept yet would pass
    ...(lessons === catalog
      ? []
      : [
          'test/proof',
          ...aboutOneLesson.map((name) => `test/workshop/${name}.test.ts`),
          '--testNamePattern',
          lessons.map(({ slug }) => slug).join('|'),
          '--hideSkippedTests', // those of all other lessons
        ]),
  );
  if (!existsSync(counts)) return status || 1;
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(counts, 'utf8')) as Record<string, number>;
  rmSync(counts);
  const gaps = lessons.flatMap(gapsOf);
  if (gaps.length > 0) console.log(`\nStill missing:\n${gaps.join('\n')}\n`);
  console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
  return status || (numPassedTests === 0 || gaps.length > 0 ? 1 : 0);
}

async function node(what: string, program: string, ...args: string[]): Promise<number> {
  console.log(`${what} …`);
  const [code] = await once(spawn(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' }), 'exit');
  return (code as number | null) ?? 1;
}
