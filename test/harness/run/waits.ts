// How a run waits: it looks after each thing that happens, and stops when a server can bring nothing more.
import { limit as timeLimit } from '../programs/breakpoints.js';
import { busyWithoutPause } from '../programs/limits.ts';
import { Failure } from './failure.ts';
import type { Run } from './run.ts';
import type { Servers } from './servers.ts';

/** Milliseconds that a program has for something that it should do immediately. Only a wrong answer waits this long. */
export const promptMs = 2000;

/** Turns of a program's event loop for which a condition gets another look when its time is up: a busy machine is slow. */
const extraTurns = 25;

/**
 * Milliseconds without any news after which a program that works in its own time is taken to be stuck, and those for which
 * it is waited for at the most: a step of its work takes a second or two, and a deadline of the grader may cover ten steps.
 */
const patience = { withoutNews: 4000, inAll: 60_000 };

/** @param patient whether a program runs whose work takes time, and which does not tell the grader when it works */
export function openWaits(
  servers: Servers,
  patient: () => boolean,
): Pick<Run, 'until' | 'expectSoon' | 'changed'> & { close(): void } {
  /** One for each wait that is going on. */
  const looks = new Set<() => void>();
  let closed = false;

  /** When something has happened last. */
  let news = 0;

  const changed = () => {
    news = performance.now();
    for (const look of [...looks]) look();
  };

  const until: Run['until'] = (condition, limit = promptMs) =>
    new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        callOff();
        looks.delete(look);
        act();
      };
      const look = () => {
        if (closed) return end(() => {}); // nobody waits any more
        try {
          if (condition()) return end(() => resolve(true));
          const failure = servers.failure();
          if (failure) end(() => reject(failure));
        } catch (error) {
          end(() => reject(error));
        }
      };
      const began = performance.now();
      const late = () => {
        const now = performance.now();
        const wait = patience.withoutNews - (now - Math.max(news, began));
        if (limit === 0 || wait <= 0 || now - began > patience.inAll || !patient()) return end(() => resolve(false));
        callOff = timeLimit(Math.max(wait, 10), late);
      };
      let callOff = timeLimit(limit, late);
      looks.add(look);
      look();
    });

  const expectSoon: Run['expectSoon'] = async (condition, explain, program, limit = promptMs) => {
    if (await until(condition, limit)) return;
    const explanation = explain();
    for (let turn = 0; program && turn < extraTurns && !condition() && !program.end; turn++) {
      if ((await program.caughtUp(1500)) || program.end) continue;
      // A busy program prints nothing: what it should have printed is not the point.
      const { compare: _printed, ...rest } = explanation;
      throw new Failure({ ...rest, ...busyWithoutPause(program.called), at: await program.busyAt() });
    }
    // The last look is here: what came while the program was asked counts.
    if (!condition()) throw new Failure(explanation);
  };

  return {
    until,
    expectSoon,
    changed,
    close() {
      closed = true;
    },
  };
}
