import { join } from 'node:path';
import { endAllPrograms } from '../../test/harness/programs/spawn.js';
import type { Arguments } from './command.ts';
import { Refusal } from './command.ts';
import { grade } from './grade.ts';
import { findLesson } from './lessons.ts';
import { median } from './median.ts';
import { solutionsFolder } from './paths.ts';
import { report } from './report.ts';

/** Grades a solution many times over: a grader is steady when it passes every time. */
export async function steady({ words: [name], options }: Arguments): Promise<number> {
  if (name === undefined) throw new Refusal('Which lesson? For example: npm run steady lesson-1');
  const lesson = findLesson(name);
  const runs = Number(options.runs ?? 100);
  if (!Number.isInteger(runs) || runs < 1) throw new Refusal(`"${options.runs}" is not a number of runs.`);
  const times: number[] = [];
  try {
    for (let run = 1; run <= runs; run++) {
      const began = performance.now();
      const verdict = await grade({
        slug: lesson.slug,
        folder: join(solutionsFolder, lesson.slug),
        folderName: `solutions/${lesson.slug}`,
      });
      times.push(performance.now() - began);
      if (verdict.state === 'passed') continue;
      console.log(`Run ${run} of ${runs} did not pass:\n\n${report(lesson, verdict, undefined)}`);
      return 1;
    }
  } finally {
    endAllPrograms();
  }
  console.log(
    `${runs} of ${runs} runs passed, ${median(times).toFixed(0)} ms in the median, ${Math.max(...times).toFixed(0)} ms at the most.`,
  );
  return 0;
}
