// Whether a learner's program blocks its event loop: words for graders.
import { debugging } from '../programs/breakpoints.js';
import type { Program, Turn } from '../programs/program.ts';

/** Milliseconds of one turn from which on a program blocks its event loop: a right program needs a few. */
const blockingMs = 250;

/** Looks at the turns of a program's event loop, one step of its work after the other. */
type TurnWatch = {
  /** The step is over: looks at the turns since the last one. */
  stepIsOver(): Promise<void>;
  /**
   * The step in which the program blocked its event loop, from 1; undefined when it never did.
   * A turn that takes processor time counts wherever it is. One that only takes long counts when there is one in each
   * step: a machine that gives the program no processor does that once, and a call that sleeps does it each time.
   */
  blocked(): number | 'each' | undefined;
};

/** Begins to watch. Begin after the program has answered a first request: that one compiles code. */
export async function watchTurns(program: Program): Promise<TurnWatch> {
  const turns: Turn[] = [];
  await program.longestTurn();
  return {
    async stepIsOver() {
      turns.push(await program.longestTurn());
    },
    blocked() {
      const busy = turns.findIndex(({ processor }) => processor >= blockingMs);
      // A program that stands at a breakpoint takes long, too.
      const each = !debugging && turns.length > 1 && turns.every(({ clock }) => clock >= blockingMs);
      return each ? 'each' : busy >= 0 ? busy + 1 : undefined;
    },
  };
}
