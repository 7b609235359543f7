// Whether a learner's program blocks its event loop: words for graders.
import { debugging } from '../programs/breakpoints.js';
import type { Program, Turn } from '../programs/program.ts';

/** Milliseconds of one turn from which on a program blocks its event loop: a right program needs a few. */
const blockingMs = 250;

/** Looks at the turns of a program's event loop, one step of its work after the other. */
export type TurnWatch = {
  /** The step is over: looks at the turns since the last one. */
  stepIsOver(): Promise<void>;
  /**
   * The number of the step, from 1, in which the program blocked its event loop; undefined when it never did.
   * A turn that takes processor time counts wherever it is. One that only takes long counts when every step has one:
   * a machine that gives the program no processor does so once, and a call that sleeps does so each time.
   */
  blockedStep(): number | undefined;
};

/** Begins to watch. Begin after the program has answered a first request: that one compiles code. */
export async function watchTurns(program: Program): Promise<TurnWatch> {
  const turns: Turn[] = [];
  await program.longestTurn();
  return {
    async stepIsOver() {
      turns.push(await program.longestTurn());
    },
    blockedStep() {
      const busy = turns.findIndex(({ processor }) => processor >= blockingMs);
      if (busy >= 0) return busy + 1;
      // A program that stands at a breakpoint needs no processor time.
      const sleeps = !debugging && turns.length > 1 && turns.every(({ clock }) => clock >= blockingMs);
      return sleeps ? 1 : undefined;
    },
  };
}
