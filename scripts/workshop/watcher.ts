// Grades what is saved, as it is saved: the engine of the watch mode in the terminal and of the reader in the browser.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lesson } from '../../lessons/catalog.ts';
import { endAllPrograms, prepareAgain } from '../../test/harness/programs/pool.js';
import { endLeftBehind } from '../../test/harness/programs/process.js';
import type { Commands } from '../../test/harness/run/run.ts';
import type { State, Verdict } from '../../test/harness/run/verdict.ts';
import { grade as gradePrograms, learnersTarget, newSeed } from './grade.ts';
import { requireFiles } from './lessons.ts';
import { readProgress, recordVerdict } from './progress.ts';
import { watchFiles } from './watch-files.ts';

/** A lesson being graded, and how far the grader is. */
export type WatchEvent =
  /** A run begins; it replaces one that was going on. */
  | { type: 'run'; lesson: Lesson; seed: number }
  /** One requirement is graded: the number of its task, and its place in it, from 0. */
  | { type: 'requirement'; lesson: Lesson; task: number; index: number; state: State }
  /** The run is over, and progress is recorded; `took` is the time since the save in milliseconds. */
  | { type: 'verdict'; lesson: Lesson; verdict: Verdict; took: number }
  /** There is no verdict: a file is missing (a `Refusal`), or the grader itself could not run. */
  | { type: 'error'; lesson: Lesson; error: Error };

export type Watcher = {
  /** Grades a lesson now, in place of what is being graded. */
  check(lesson: Lesson, seed?: number): void;
  /** The last verdict of each lesson graded since the watcher began, by its slug. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Stops what is going on, and ends every program. */
  close(): Promise<void>;
};

type Job = { lesson: Lesson; seed: number; since: number };

/** Watches every learner's files; a save that changes them grades their lesson. */
export function watchLessons(options: {
  onEvent(event: WatchEvent): void;
  poll?: boolean;
  /** Start programs in the places of files. */
  commands?: Commands | undefined;
}): Watcher {
  const { onEvent, poll = false, commands } = options;
  const verdicts = new Map<string, Verdict>();
  let wanted: Job | undefined;
  let stop: AbortController | undefined;
  let working = Promise.resolve();
  let closed = false;
  const files = watchFiles(poll, (lesson, since) => want({ lesson, seed: newSeed(), since }));

  function want(job: Job): void {
    wanted = job;
    if (stop) stop.abort();
    else working = work();
  }

  /** One run at a time: what is wanted meanwhile begins when the one before has stopped. */
  async function work(): Promise<void> {
    for (let job = wanted; job; job = wanted) {
      wanted = undefined;
      stop = new AbortController();
      const event = await grade(job, stop.signal);
      if (event) onEvent(event);
    }
    stop = undefined;
    void prepare();
  }

  /** To start a process takes a moment: one at a time, so that whoever is told of a verdict is not kept waiting. */
  async function prepare(): Promise<void> {
    await sleep(10);
    endLeftBehind();
    do await sleep(10);
    while (!stop && !closed && prepareAgain());
  }

  /** @returns nothing when the run was stopped, or when its files have changed meanwhile. */
  async function grade({ lesson, seed, since }: Job, signal: AbortSignal): Promise<WatchEvent | undefined> {
    try {
      requireFiles(lesson, commands);
      readProgress(); // a broken file is said before the work, not after it
      onEvent({ type: 'run', lesson, seed });
      const verdict = await gradePrograms(
        { ...learnersTarget(lesson), seed, ...(commands && { commands }) },
        {
          signal,
          onRequirement: (task, index, { state }) => onEvent({ type: 'requirement', lesson, task, index, state }),
        },
      );
      if (files.haveChanged(lesson)) return undefined;
      recordVerdict(lesson, verdict);
      verdicts.set(lesson.slug, verdict);
      return { type: 'verdict', lesson, verdict, took: performance.now() - since };
    } catch (error) {
      return signal.aborted ? undefined : { type: 'error', lesson, error: error as Error };
    }
  }

  return {
    check: (lesson, seed = newSeed()) => want({ lesson, seed, since: performance.now() }),
    verdicts,
    async close() {
      closed = true;
      files.close();
      wanted = undefined;
      stop?.abort();
      await working;
      endAllPrograms();
    },
  };
}
