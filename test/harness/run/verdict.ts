import type { Explanation } from './failure.ts';

/** What a run knows of a requirement or a task: `waiting` behind one that failed. */
export type State = 'passed' | 'failed' | 'waiting';

export type RequirementVerdict = { sentence: string; state: State; explanation?: Explanation };

export type TaskVerdict = {
  number: number;
  title: string;
  state: State;
  requirements: RequirementVerdict[];
  /** Something that the learner should know although the task has passed. */
  note?: string;
};

/** What a grader found in one run. */
export type Verdict = {
  lesson: string;
  state: 'passed' | 'failed';
  /** Repeats the run with the same inputs. */
  seed: number;
  tasks: TaskVerdict[];
  /** The commands that have started the programs, as they were typed, where these are not the files of the lesson. */
  commands?: { server?: string; client?: string };
};

/** The state of a task: that of its requirements, of which at most one has failed. */
export function taskState(requirements: readonly RequirementVerdict[]): State {
  const states = requirements.map(({ state }) => state);
  return states.find((state) => state === 'failed') ?? states.find((state) => state === 'waiting') ?? 'passed';
}
