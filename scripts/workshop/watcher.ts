// Grades what is saved, as it is saved: the engine of the watch mode in the terminal and of the reader in the browser.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { lessonsFolder } from '../../test/harness/folders.js';
import { endAllPrograms, prepareAgain } from '../../test/harness/programs/pool.js';
import { endLeftBehind } from '../../test/harness/programs/process.js';
import type { State, Verdict } from '../../test/harness/run/verdict.ts';
import { whyUnreadable } from '../trouble.js';
import { grade as gradePrograms, learnersTarget, newSeed } from './grade.ts';
import { learnerFiles, lessonFolder, requireFiles } from './lessons.ts';
import { readProgress, recordVerdict } from './progress.ts';

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

/** Milliseconds without an event after which a save is over: editors write a file in several steps. */
const quiet = 8;
/** Milliseconds for which a file may be gone, or empty, in the middle of a save. */
const gone = 200;
/** Milliseconds between two looks at the files, where the file system has no events. */
const interval = 200;

type Job = { lesson: Lesson; seed: number; since: number };

/** Watches every learner's files; a save that changes them grades their lesson. */
export function watchLessons(options: { onEvent(event: WatchEvent): void; poll?: boolean }): Watcher {
  const { onEvent, poll = false } = options;
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
      requireFiles(lesson);
      readProgress(); // a broken file is said before the work, not after it
      onEvent({ type: 'run', lesson, seed });
      const verdict = await gradePrograms(
        { ...learnersTarget(lesson), seed },
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

type Files = {
  /** Whether a lesson's files are others than those last saved; then that is taken for a save. */
  haveChanged(lesson: Lesson): boolean;
  close(): void;
};

/** Calls `onSave` when the files of a lesson have become others, with the time of the first sign of it. */
function watchFiles(poll: boolean, onSave: (lesson: Lesson, since: number) => void): Files {
  const saved = new Map(catalog.map((lesson) => [lesson, contentOf(lesson)]));
  const began = new Map<Lesson, number>();
  const timers = new Map<Lesson, NodeJS.Timeout>();
  const watchers = new Map<string, FSWatcher>();
  let polling: NodeJS.Timeout | undefined;

  const lookIn = (lesson: Lesson, delay: number, patient: boolean) => {
    clearTimeout(timers.get(lesson));
    timers.set(lesson, setTimeout(look, delay, lesson, patient));
  };
  const touched = (lesson: Lesson) => {
    if (!began.has(lesson)) began.set(lesson, performance.now());
    lookIn(lesson, quiet, true);
  };
  const look = (lesson: Lesson, patient: boolean) => {
    const content = contentOf(lesson);
    if (content === '' && patient) return lookIn(lesson, gone, false);
    const since = began.get(lesson)!;
    timers.delete(lesson);
    began.delete(lesson);
    if (content === saved.get(lesson)) return;
    saved.set(lesson, content);
    onSave(lesson, since);
  };

  const lookAround = () => {
    for (const lesson of catalog) {
      if (!timers.has(lesson) && contentOf(lesson) !== saved.get(lesson)) touched(lesson);
    }
  };
  const startPolling = () => {
    polling ??= setInterval(lookAround, interval);
  };
  const listen = (folder: string, onEvent: (name: string | null) => void) => {
    watchers.get(folder)?.close();
    try {
      const watcher = watch(folder, (_event, name) => onEvent(name));
      watcher.on('error', () => watcher.close()); // the folder is gone
      watchers.set(folder, watcher);
    } catch (error) {
      // Without a folder there is nothing to see; without events there are other ways.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') startPolling();
    }
  };
  const listenTo = (lesson: Lesson) => listen(lessonFolder(lesson), () => touched(lesson));

  if (poll) startPolling();
  else {
    // A folder that is taken away and put back, as git does, is another one.
    listen(lessonsFolder, (name) => {
      for (const lesson of catalog.filter(({ slug }) => slug === name)) {
        listenTo(lesson);
        touched(lesson);
      }
    });
    for (const lesson of catalog) listenTo(lesson);
  }

  return {
    haveChanged(lesson) {
      if (contentOf(lesson) === saved.get(lesson)) return false;
      saved.delete(lesson); // also when it comes back as it was, there was no verdict on it
      touched(lesson);
      return true;
    },
    close() {
      clearInterval(polling);
      for (const timer of timers.values()) clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** A digest of the code in a lesson's folder. It is empty when one of the learner's files is missing or has nothing in it. */
function contentOf(lesson: Lesson): string {
  const hash = createHash('sha256');
  const folder = lessonFolder(lesson);
  try {
    const names = readdirSync(folder).filter((name) => /^[^.].*\.([cm]?[jt]s|json)$/.test(name));
    if (!learnerFiles.every((name) => names.includes(name))) return '';
    for (const name of names.sort())
      hash
        .update(`${name}\n`)
        .update(whyUnreadable(join(folder, name)) ?? readFileSync(join(folder, name)))
        .update('\n');
    return hash.digest('hex');
  } catch {
    return ''; // it went while we read it
  }
}
