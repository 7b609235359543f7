import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lesson } from '../../lessons/catalog.ts';
import { root, solutionsFolder } from '../../test/harness/folders.js';
import { endAllPrograms } from '../../test/harness/programs/pool.js';
import { isThere, shownPath } from '../trouble.js';
import { Refusal, type Arguments } from './command.ts';
import { loopCount, startLoops } from './endless-loops.ts';
import { readText } from './files.ts';
import { grade } from './grade.ts';
import { findLesson, learnerFiles, readSolution } from './lessons.ts';
import { median } from './median.ts';
import { report } from './report.ts';
import { finished } from './starter.ts';

/** Right programs of a lesson, in a folder of their own. */
type Answer = { name: string; folder: string };

/** Grades right answers many times over: a grader is steady when they pass every time. */
export async function steady({ words: [name], options }: Arguments): Promise<number> {
  if (name === undefined) throw new Refusal('Which lesson? For example: npm run steady lesson-1');
  const lesson = findLesson(name);
  const runs = Number(options.runs ?? 100);
  if (!Number.isInteger(runs) || runs < 1) throw new Refusal(`"${options.runs}" is not a number of runs.`);
  const temporary = join(root, '.tmp', `steady-${process.pid}`);
  const endLoops = options.busy ? startLoops() : () => {};
  try {
    for (const answer of answersOf(lesson, temporary, options.variants === true)) {
      if (!(await gradeOver(lesson, answer, runs, options.busy === true))) return 1;
    }
  } finally {
    endLoops();
    endAllPrograms();
    rmSync(temporary, { recursive: true, force: true });
  }
  return 0;
}

async function gradeOver(lesson: Lesson, { name, folder }: Answer, runs: number, busy: boolean): Promise<boolean> {
  const times: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const began = performance.now();
    const verdict = await grade({ slug: lesson.slug, folder, folderName: `solutions/${lesson.slug}` });
    times.push(performance.now() - began);
    if (verdict.state === 'passed') continue;
    console.log(`Run ${run} of ${runs} of ${name} did not pass:\n\n${report(lesson, verdict, undefined)}`);
    return false;
  }
  const beside = busy ? `, beside ${loopCount} endless loops` : '';
  const [middle, most] = [median(times), Math.max(...times)].map((time) => time.toFixed(0));
  console.log(`${name}: ${runs} of ${runs} runs passed${beside}, ${middle} ms in the median, ${most} ms at the most.`);
  return true;
}

/** The solution, and with `variants` the right answers in other styles; a file that a variant does not have is the solution's. */
function answersOf(lesson: Lesson, temporary: string, variants: boolean): Answer[] {
  const { slug } = lesson;
  const folder = join(root, 'test', 'variants', slug);
  const solution = { name: 'the solution', folder: join(solutionsFolder, slug) };
  const names = variants ? readdirSync(folder) : [];
  return [solution, ...names.map((name) => ({ name, folder: complete(join(folder, name)) }))];

  function complete(variant: string): string {
    const whole = join(temporary, variant.slice(folder.length), slug);
    mkdirSync(whole, { recursive: true });
    for (const file of learnerFiles) {
      const own = join(variant, file);
      const source = isThere(own)
        ? readText(own, `\`git checkout -- ${shownPath(own)}\` brings it back.`)
        : readSolution(lesson, file);
      writeFileSync(join(whole, file), finished(source));
    }
    return whole;
  }
}
