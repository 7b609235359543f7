import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { TestCase, TestModule, TestSuite } from 'vitest/node';
import type { Explanation } from '../../test/harness/run/failure.ts';
import type { Target } from '../../test/harness/run/grader.ts';
import { beginRun } from '../../test/harness/programs/spawn.js';
import { lessonFolder, type Lesson } from './lessons.ts';
import { root } from './paths.ts';
import { inThisProcess } from './pool.ts';

export type State = 'passed' | 'failed' | 'waiting';

export type RequirementVerdict = { sentence: string; state: State; explanation?: Explanation };

export type TaskVerdict = { number: number; title: string; state: State; requirements: RequirementVerdict[] };

/** What a grader found in one run. */
export type Verdict = {
  lesson: string;
  state: 'passed' | 'failed';
  /** Repeats the run with the same inputs. */
  seed: number;
  tasks: TaskVerdict[];
};

export type Grader = {
  /**
   * Grades the programs in a folder.
   * @throws Error when the grader itself fails: that is never a verdict on the programs; or the signal's reason.
   */
  grade(target: Omit<Target, 'seed'> & { slug: string; seed?: number }, following?: Following): Promise<Verdict>;
  close(): Promise<void>;
};

/** For somebody who stays with a run: what it finds, as it finds it, and a way to stop it. */
export type Following = {
  onRequirement?(task: number, requirement: RequirementVerdict): void;
  signal?: AbortSignal;
};

/** The learner's own files of a lesson. */
export const learnersTarget = (lesson: Lesson) => ({
  slug: lesson.slug,
  folder: lessonFolder(lesson),
  folderName: `lessons/${lesson.slug}`,
});

export const newSeed = (): number => randomInt(1, 2 ** 31);

/** What holds the state of a run, and what imports it. */
const modulesOfARun = ['run/grader.ts', 'vocabulary/mcp.ts'].map((name) => join(root, 'test', 'harness', name));

/** Loads Vitest once; each run of a grader then costs milliseconds beside the programs that it starts. */
export async function createGrader(): Promise<Grader> {
  // Vitest replaces it for the tests; our commands still want to end.
  const { exit } = process;
  // It takes a moment: whoever watches already sees what is saved meanwhile.
  const { createVitest } = await import('vitest/node');
  let follow: Following = {};
  let finished: { modules: readonly TestModule[]; errors: readonly unknown[] } | undefined;
  const vitest = await createVitest('test', {
    root,
    config: false,
    watch: false,
    include: ['test/lessons/*.test.ts'],
    pool: inThisProcess,
    isolate: false,
    fileParallelism: false,
    disableConsoleIntercept: true,
    experimental: { fsModuleCache: true },
    reporters: [
      {
        onTestRunEnd(modules, errors) {
          finished = { modules, errors };
        },
        onTestCaseResult(test) {
          if (!follow.onRequirement || follow.signal?.aborted || isDefect(test)) return;
          follow.onRequirement(taskNumber(test.parent as TestSuite), requirementOf(test.module.relativeModuleId, test));
        },
      },
    ],
  });
  let runs = 0;
  return {
    async grade({ slug, seed = newSeed(), ...target }, following = {}) {
      follow = following;
      beginRun(target.folder, following.signal);
      vitest.getRootProject().provide('target', { ...target, seed });
      const file = join(root, 'test', 'lessons', `${slug}.test.ts`);
      const specifications = await vitest.globTestSpecifications([file]);
      finished = undefined;
      // Each run has a state of its own, so the modules that know it are loaded anew.
      for (const module of modulesOfARun) vitest.watcher.invalidates.add(module);
      // In one process with its tests, Vitest has nothing of its own that keeps the process alive.
      const alive = setInterval(() => {}, 60_000);
      if (runs++ === 0) await vitest.runTestSpecifications(specifications);
      else await vitest.rerunTestSpecifications(specifications);
      clearInterval(alive);
      process.exit = exit;
      following.signal?.throwIfAborted();
      return verdictOf(slug, seed, finished);
    },
    close: () => vitest.close(),
  };
}

/** False greens are worse than errors: anything but a complete run of a whole module throws. */
function verdictOf(
  lesson: string,
  seed: number,
  run: { modules: readonly TestModule[]; errors: readonly unknown[] } | undefined,
): Verdict {
  const module = run?.modules[0];
  if (!run || !module || run.modules.length !== 1) throw new Error(`The grader of ${lesson} did not run.`);
  const defects = [...run.errors, ...module.errors()];
  if (defects.length > 0) throw defect(lesson, defects[0]);
  const tasks = [...module.children.suites()].map((suite) => taskOf(lesson, suite));
  if (tasks.length === 0) throw new Error(`The grader of ${lesson} has no tasks.`);
  const passed = tasks.every((task) => task.state === 'passed');
  if (passed !== module.ok()) throw new Error(`The grader of ${lesson} ended as ${module.state()}, its tasks did not.`);
  return { lesson, state: passed ? 'passed' : 'failed', seed, tasks };
}

const taskNumber = (suite: TestSuite): number => Number(/^task (\d+) /.exec(suite.name)?.[1]);

/** A test that failed without an explanation: the grader itself is wrong. */
const isDefect = (test: TestCase): boolean => test.result().state === 'failed' && !test.meta().explanation;

function taskOf(lesson: string, suite: TestSuite): TaskVerdict {
  const [, number, title] = /^task (\d+) · (.*)$/.exec(suite.name) ?? [];
  if (!number || !title || suite.errors().length > 0) throw defect(lesson, suite.errors()[0] ?? new Error(suite.name));
  const requirements = [...suite.children.tests()].map((test) => requirementOf(lesson, test));
  if (requirements.length === 0) throw new Error(`Task ${number} of ${lesson} has no requirements.`);
  const states = requirements.map((requirement) => requirement.state);
  return {
    number: Number(number),
    title,
    state: states.includes('failed') ? 'failed' : states.includes('waiting') ? 'waiting' : 'passed',
    requirements,
  };
}

function requirementOf(lesson: string, test: TestCase): RequirementVerdict {
  const result = test.result();
  const { explanation } = test.meta();
  switch (result.state) {
    case 'passed':
      return { sentence: test.name, state: 'passed' };
    case 'failed':
      if (!explanation) throw defect(lesson, result.errors[0]);
      return { sentence: test.name, state: 'failed', explanation };
    case 'skipped':
      return { sentence: test.name, state: 'waiting' };
    case 'pending':
      throw new Error(`The grader of ${lesson} ended before "${test.name}".`);
  }
}

function defect(lesson: string, error: unknown): Error {
  const { message, stack } = error as Error;
  const text = `The grader of ${lesson} is broken, which says nothing about your programs.\n${stack ?? message}`;
  return Object.assign(new Error(text), { stack: text });
}
