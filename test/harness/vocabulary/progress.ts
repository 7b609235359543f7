// Who waits for whom: a grader stops a reader or a disk, and looks whether the program stops as well, and goes on later.
import type { Program } from '../programs/program.ts';
import type { Explanation } from '../run/failure.ts';
import type { Run } from '../run/run.ts';

/** Milliseconds that a program has for its next step. Only a wrong answer waits this long. */
export const stepMs = 10_000;

/** A program that never comes to rest is looked at this often, and for `stepMs`. A right program needs a tenth of the looks. */
const mostLooks = 300;

/** Milliseconds for which a program is looked at that waits for a timer: a wait that is only a pause is over by then. */
const timerMs = 2500;

/** How often a value at rest may still change, because the system takes some bytes late. A server that only pauses changes it without end. */
const lateSteps = 3;

/** How often a program gets its time again because it waits for the disk. */
const diskDelays = 5;

/**
 * Waits until `condition` holds, for as long as the program makes progress: on a busy machine each step takes longer.
 * @param progress differs after each step
 * @param limit milliseconds for each step
 * @throws Failure with the explanation when no step came, and the program does not wait for the disk
 */
export async function expectProgress(
  run: Run,
  program: Program,
  condition: () => unknown,
  progress: () => number,
  explain: () => Explanation,
  limit = stepMs,
): Promise<void> {
  for (let delays = 0; !condition();) {
    const before = progress();
    try {
      await run.expectSoon(() => condition() || progress() !== before, explain, program, limit);
    } catch (failure) {
      if (program.fileCalls === 0 || delays++ === diskDelays) throw failure;
    }
  }
}

/**
 * Waits until `value` is the same in several turns of the program's event loop.
 * @returns false when the value is greater than `limit`, or does not stop changing
 */
export async function comesToRest(run: Run, program: Program, value: () => number, limit = Infinity): Promise<boolean> {
  const deadline = performance.now() + stepMs;
  let before = Number.NaN;
  for (let looks = 0, same = 0; same < 4 && !(program.end ?? program.verdict); looks++) {
    const answered = await program.caughtUp();
    const now = value();
    if (now > limit || (looks > mostLooks && performance.now() > deadline)) return false;
    same = answered && now === before ? same + 1 : 0;
    before = now;
    await run.until(() => false, 15);
  }
  return true;
}

/**
 * Whether `value` stays as it is, but for `lateSteps`, when the timers of a program run out: a program at rest may be in a
 * pause that ends by itself. A program that waits for no timer is not looked at any longer.
 * @param timers how many it waits for anyway
 */
export async function staysAtRest(run: Run, program: Program, value: () => number, timers: number): Promise<boolean> {
  await program.caughtUp();
  let before = value();
  let began = performance.now();
  for (let steps = 0; program.timers > timers && performance.now() - began < timerMs;) {
    await run.until(() => false, 25);
    await program.caughtUp();
    if (value() === before) continue;
    if (++steps > lateSteps) return false;
    before = value();
    began = performance.now();
  }
  return true;
}
