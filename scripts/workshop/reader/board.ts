import type { Verdict } from '../grade.ts';
import type { Lesson } from '../lessons.ts';
import { tasksOf } from './lesson-tasks.ts';
import type { WatchEvent } from '../watcher.ts';

export type RequirementState = 'passed' | 'failed' | 'waiting';

/** What is known of a lesson since the reader began. */
export type Grading = {
  /** While the grader runs: the requirements that have ended, as `1.0` for the first of task 1. */
  running?: Map<string, RequirementState>;
  verdict?: Verdict;
  /** Milliseconds from the save to the verdict. */
  took?: number;
  /** Why there is no verdict. */
  error?: Error;
};

export type Board = {
  of(lesson: Lesson): Grading;
  /** Takes in an event; returns the key of the requirement that it is about. */
  note(event: WatchEvent): string | undefined;
};

/** Holds the last verdicts, and how far a run is, for pages that are opened or come back later. */
export function createBoard(): Board {
  const gradings = new Map<string, Grading>();
  const of = ({ slug }: Lesson) => gradings.get(slug) ?? {};
  return {
    of,
    note(event) {
      const { lesson } = event;
      const before = of(lesson);
      // What is graded replaces what was being graded, of whichever lesson.
      for (const [slug, { running: _, ...rest }] of gradings) if (slug !== lesson.slug) gradings.set(slug, rest);
      switch (event.type) {
        case 'run':
          gradings.set(lesson.slug, { ...before, running: new Map() });
          return undefined;
        case 'requirement': {
          const key = keyOf(lesson, event.task, event.sentence);
          before.running?.set(key, event.state === 'skipped' ? 'waiting' : event.state);
          return key;
        }
        case 'verdict':
          gradings.set(lesson.slug, { verdict: event.verdict, took: event.took });
          return undefined;
        case 'error':
          gradings.set(lesson.slug, { error: event.error });
          return undefined;
      }
    },
  };
}

function keyOf(lesson: Lesson, task: number, sentence: string): string {
  const found = tasksOf(lesson).find(({ number }) => number === task);
  return `${task}.${found?.requirements.indexOf(sentence)}`;
}
