// The server of the official SDK, graded by the lessons in which the same server was written without it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import { Failure } from '../harness/run/failure.ts';
import type { Grader } from '../harness/run/grader.ts';
import { openRun } from '../harness/run/run.ts';

const temporary = join(root, '.tmp', `sdk-server-${process.pid}`);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const slugOf = (number: number) => catalog.find((lesson) => lesson.number === number)!.slug;
const programOf = (number: number, file: string) =>
  finished(readFileSync(join(solutionsFolder, slugOf(number), file), 'utf8'));

/** Each requirement about the server in these lessons, and the sentence with which the grader refuses the server. */
async function refusals(number: number): Promise<Record<string, string>> {
  const slug = slugOf(number);
  const folder = join(temporary, slug);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'server.ts'), programOf(24, 'server.ts'));
  const { default: grader } = (await import(/* @vite-ignore */ join(root, 'test', 'lessons', `${slug}.test.ts`))) as {
    default: Grader;
  };
  const run = openRun({ folder, folderName: `lessons/${slug}`, seed: 1 });
  const refused: Record<string, string> = {};
  try {
    run.register(grader);
    for (const task of run.tasks) {
      run.beginTask(task.number);
      for (const [i, requirement] of task.requirements.entries()) {
        if (requirement.file !== 'server.ts') continue;
        const name = `${number}.${task.number}.${i + 1}`;
        try {
          await run.test(requirement);
          refused[name] = `OK ${requirement.sentence}`;
        } catch (error) {
          refused[name] = error instanceof Failure ? `FAIL ${requirement.sentence}\n      => ${error.explanation.cause} ${JSON.stringify(error.explanation.compare)}` : `?? ${error} ${requirement.sentence}`;
        }
      }
    }
  } finally {
    run.close(false);
  }
  return refused;
}

describe('the official SDK', () => {
  test.for([8, 9, 10, 13, 14])('lesson %i', async (number) => {
    for (const [k, v] of Object.entries(await refusals(number))) console.log(k, v);
  });
});
