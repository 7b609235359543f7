// The work of a learner's server: words for graders that release it, and for programs that wait by other means.
import { Failure, type Explanation } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import { promptMs } from '../run/waits.ts';
import type { Exchange } from '../wire/exchange.ts';
import { finished, release, workMs } from './http.ts';

/**
 * Releases all work, one piece after the other, until the response has ended, or until nothing more comes.
 * @param complete says that everything is here, and only the end of the response is missing
 */
export async function drain(
  { program, run }: Server,
  stream: Exchange,
  complete: (stream: Exchange) => boolean,
): Promise<void> {
  for (let moved = true; moved && !finished(stream);) {
    const seen = stream.chunks.length;
    const goesOn = () => finished(stream) || program.held.length > 0 || stream.chunks.length > seen;
    moved = await run.until(goesOn, complete(stream) ? promptMs : workMs);
    release(program);
    await program.caughtUp();
  }
}

/**
 * Tries again with a program that does not use the work clock, before it is refused. There is only the time to go by, and
 * a busy machine can keep programs waiting for as long as a short stream takes. A long stream is not asked for again.
 * @param attempt returns why it failed; undefined when all is well
 */
export async function withoutWorkClock(
  { program }: Server,
  attempt: (again: boolean) => Promise<Explanation | undefined>,
): Promise<void> {
  const began = performance.now();
  for (let tries = 1; ; tries++) {
    const explanation = await attempt(tries > 1);
    if (!explanation) return;
    if (tries === 4 || program.workCalls > 0 || performance.now() - began > promptMs) throw new Failure(explanation);
  }
}
