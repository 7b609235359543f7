// How a run waits: it looks after each thing that happens, and stops when a server can bring nothing more.
import { basename } from 'node:path';
import { limit as timeLimit } from '../programs/breakpoints.js';
import { busyWithoutPause } from '../programs/limits.ts';
import { Failure } from './failure.ts';
import type { Run } from './run.ts';
import type { Servers } from './servers.ts';

/** Milliseconds that a program has for something that it should do immediately. Only a wrong answer waits this long. */
export const promptMs = 2000;

/** Turns of a program's event loop for which a condition gets another look when its time is up: a busy machine is slow. */
const extraTurns = 25;

export function openWaits(servers: Servers): Pick<Run, 'until' | 'expectSoon' | 'changed'> & { close(): void } {
  /** One for each wait that is going on. */
  const looks = new Set<() => void>();
  let closed = false;

  const changed = () => {
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
      const callOff = timeLimit(limit, () => end(() => resolve(false)));
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
      throw new Failure({ ...rest, ...busyWithoutPause(basename(program.name)), at: await program.busyAt() });
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
