import { randomInt } from 'node:crypto';
import type { Lesson } from '../../lessons/catalog.ts';
import { importTypeScript } from '../../test/harness/fast-start/commands.js';
import { beginRun } from '../../test/harness/programs/pool.js';
import type { Grader as LessonGrader } from '../../test/harness/run/grader.ts';
import type { Target } from '../../test/harness/run/run.ts';
import { runGrader, type Following } from '../../test/harness/run/runner.ts';
import type { Verdict } from '../../test/harness/run/verdict.ts';
import { lessonFolder } from './lessons.ts';

/** The programs of a lesson that are graded; without a seed, a new one is drawn. */
export type Graded = Omit<Target, 'seed'> & { slug: string; seed?: number };

/** The learner's own files of a lesson. */
export const learnersTarget = (lesson: Lesson): Graded => ({
  slug: lesson.slug,
  folder: lessonFolder(lesson),
  folderName: `lessons/${lesson.slug}`,
});

export const newSeed = (): number => randomInt(1, 2 ** 31);

/**
 * Grades the programs in a folder.
 * @throws Error when the grader itself fails: that is never a verdict on the programs; or the signal's reason.
 */
export async function grade({ slug, seed = newSeed(), ...target }: Graded, following?: Following): Promise<Verdict> {
  // Its programs start while the grader is loaded.
  // What a run takes of them says nothing of the next one when a command starts some.
  const prewarm = target.prewarm !== false && !target.commands;
  beginRun({ folder: target.folder, lesson: prewarm ? slug : undefined });
  const { default: grader } = (await importTypeScript(`test/lessons/${slug}.test.ts`)) as { default: LessonGrader };
  return runGrader(grader, slug, { ...target, seed }, following);
}
