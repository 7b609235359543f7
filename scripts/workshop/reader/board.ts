import type { Lesson } from '../../../lessons/catalog.ts';
import type { State, Verdict } from '../../../test/harness/run/verdict.ts';
import type { WatchEvent } from '../watcher.ts';

/** What is known of a lesson since the reader began. */
export type Grading = {
  /** While the grader runs: the requirements that have ended, as `1.0` for the first of task 1. */
  running?: Map<string, State>;
  verdict?: Verdict;
  /** Milliseconds from the save to the verdict. */
  took?: number;
  /** Why there is no verdict. */
  error?: Error;
};

type Board = {
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
          const key = keyOf(event.task, event.index);
          before.running?.set(key, event.state);
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

/** Names a requirement on its way to the page, and on the page: `1.0` is the first of task 1. */
export const keyOf = (task: number, index: number): string => `${task}.${index}`;
