// Lets Vitest run the graders: each requirement becomes a test. vitest.config.ts loads this before each grader.
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../folders.js';
import { beginRun, endAllPrograms } from '../programs/pool.js';
import { Failure } from './failure.ts';
import { onDeclaration } from './grader.ts';
import { openRun } from './run.ts';

/** The folder whose programs are graded: the learner's, unless `npm test` asks for the solutions. */
const graded = process.env.GRADED_FOLDER ?? 'lessons';

onDeclaration((grader) => {
  const slug = basename(expect.getState().testPath!, '.test.ts');
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const folder = join(root, graded, slug);
  beginRun({ folder, lesson: slug });
  const run = openRun({ folder, folderName: `${graded}/${slug}`, seed });
  run.register(grader);
  let failed = false;
  for (const { number, title, requirements } of run.tasks) {
    describe(`task ${number} · ${title}`, () => {
      beforeAll(() => run.beginTask(number));
      for (const requirement of requirements) {
        test(requirement.sentence, { timeout: 180_000 }, async ({ skip }) => {
          if (failed) skip('waits for the requirement that failed');
          try {
            await run.test(requirement);
          } catch (error) {
            failed = true;
            throw error instanceof Failure ? whole(error) : error;
          }
        });
      }
    });
  }
  afterAll(() => {
    run.close(!failed);
    endAllPrograms();
  });
});

/** An error whose message is all of the verdict, because Vitest prints no more than that. */
function whole({ explanation }: Failure): Error {
  const { cause, compare, advice, output, at, see } = explanation;
  const lines = [
    cause,
    compare && `expected: ${compare.expected}\nreceived: ${compare.received}`,
    output,
    advice,
    at && `Look in ${at}`,
    see && `See it yourself: ${see}`,
  ];
  const error = new Error(lines.filter(Boolean).join('\n\n'));
  error.stack = `${error.name}: ${error.message}`;
  return error;
}
