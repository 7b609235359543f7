import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import type { Verdict } from '../../test/harness/run/verdict.ts';
import { isThere } from '../trouble.js';
import { Refusal } from './command.ts';
import { readText, writeAtomically } from './files.ts';
import { formerRecords } from './former-lessons.ts';
import { learnerFiles, readOwn, readSolution } from './lessons.ts';
import { finished } from './starter.ts';

/** What a learner has passed of a lesson, and the files that passed. */
export type Passed = {
  /** Tasks passed, counted from the first. */
  tasks: number;
  /** Tasks that the lesson has. */
  of: number;
  /** Of the learner's files, as `fingerprint` makes it. */
  files: string;
};

export type Progress = Map<string, Passed>;

const progressFile = join(root, '.progress');
const heading = '# What has been passed: lesson, tasks, and the files that passed. Carry it along to another machine.';

const makeAgain = 'Move it away: a check of each lesson makes it again.';

/** @throws Refusal when the file is not what this wrote: nothing is guessed, and nothing is lost. */
export function readProgress(): Progress {
  const progress: Progress = new Map();
  if (!isThere(progressFile)) return progress;
  for (const [index, line] of readText(progressFile, makeAgain).split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, slug, tasks, of, files] = /^(\d\d-[\w-]+) (\d+)\/(\d+) ([0-9a-f]{16})$/.exec(line.trim()) ?? [];
    if (!slug || !files || Number(tasks) > Number(of)) {
      throw new Refusal(
        `Line ${index + 1} of .progress is not understood: "${line.slice(0, 60)}".\n` +
          'Delete that line, or the whole file: a check of each lesson makes it again.',
      );
    }
    const record = { tasks: Number(tasks), of: Number(of), files };
    for (const [now, passed] of formerRecords(slug, record) ?? [[slug, record] as const]) {
      if (!progress.has(now)) progress.set(now, passed);
    }
  }
  return progress;
}

/** Keeps how many tasks have passed, counted from the first. That the solution passes is nobody's progress. */
export function recordVerdict(lesson: Lesson, verdict: Verdict): void {
  if (hasSolution(lesson) && !verdict.commands) return;
  const of = verdict.tasks.length;
  const failed = verdict.tasks.findIndex((task) => task.state !== 'passed');
  const tasks = failed < 0 ? of : failed;
  const progress = readProgress().set(lesson.slug, { tasks, of, files: fingerprint(lesson) });
  const lines = [...progress].map(([slug, passed]) => `${slug} ${passed.tasks}/${passed.of} ${passed.files}`).sort();
  writeAtomically(progressFile, `${[heading, ...lines].join('\n')}\n`);
}

type Standing =
  | { state: 'not begun' | 'has the solution' }
  | { state: 'begun' | 'passed' | 'changed since it passed'; tasks: number; of: number };

/**
 * A recorded pass is believed as long as the files are those that passed. Where the solution was put in place, the lesson
 * is not passed, but it need not be done either.
 */
export function standing(progress: Progress, lesson: Lesson): Standing {
  const passed = progress.get(lesson.slug);
  if ((!passed || passed.tasks < passed.of) && hasSolution(lesson)) return { state: 'has the solution' };
  if (!passed) return { state: 'not begun' };
  const { tasks, of, files } = passed;
  if (tasks < of) return { state: 'begun', tasks, of };
  return { state: files === fingerprint(lesson) ? 'passed' : 'changed since it passed', tasks, of };
}

/** How many tasks have passed, counted from the first. */
export function tasksPassed(progress: Progress, lesson: Lesson): number {
  return progress.get(lesson.slug)?.tasks ?? 0;
}

/** Whether the lesson has passed once, whatever has become of its files. */
export function hasPassed(lesson: Lesson): boolean {
  const { state } = standing(readProgress(), lesson);
  return state === 'passed' || state === 'changed since it passed' || state === 'has the solution';
}

/** The first lesson that is neither passed nor has its solution in place; undefined when there is no such lesson. */
export const nextLesson = (progress: Progress): Lesson | undefined =>
  catalog.find((lesson) => !['passed', 'has the solution'].includes(standing(progress, lesson).state));

/** Whether the learner's files are the finished programs of the workshop, to the letter. */
export function hasSolution(lesson: Lesson): boolean {
  try {
    return fingerprint(lesson) === fingerprintOf((name) => finished(readSolution(lesson, name)));
  } catch (error) {
    if (error instanceof Refusal) return false; // a file is missing: the command that needs it says so
    throw error;
  }
}

/** 16 hexadecimal digits of a SHA-256 over the learner's files; the kind of line break does not count. */
export const fingerprint = (lesson: Lesson): string => fingerprintOf((name) => readOwn(lesson, name));

function fingerprintOf(read: (name: (typeof learnerFiles)[number]) => string | undefined): string {
  const hash = createHash('sha256');
  for (const name of learnerFiles) hash.update(`${name}\n${read(name)?.replaceAll('\r\n', '\n') ?? ''}\n`);
  return hash.digest('hex').slice(0, 16);
}
