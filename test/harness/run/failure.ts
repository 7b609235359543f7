import type { Capture } from '../wire/transcript.ts';

/** Why a requirement is not met, in the order in which a verdict prints it. */
export type Explanation = {
  /** What happened, in one or two sentences. */
  cause: string;
  /** What was expected and what came, a line each. */
  compare?: { expected: string; received: string };
  /** Where people usually go wrong when this happens. */
  advice?: string;
  /** The program's own words: an error with its stack, or its last output. */
  output?: string;
  /** The file to open, relative to the repository, with a line where one is known: `lessons/…/server.ts:14`. */
  at?: string;
  /** A command that shows the same by hand. */
  see?: string;
  /** How to run this command, where running it once does not show it: `in two terminals`. */
  seeHow?: string;
  /** What went over the wire until then. */
  wire?: Capture;
};

/** Thrown by a requirement's test; anything else that is thrown is a defect of the grader. */
export class Failure extends Error {
  readonly explanation: Explanation;

  constructor(explanation: Explanation) {
    super(explanation.cause);
    this.name = 'Failure';
    this.explanation = explanation;
  }
}

/** Ends the requirement with its explanation unless `condition` holds. */
export function expect(condition: unknown, explanation: Explanation): asserts condition {
  if (!condition) throw new Failure(explanation);
}
