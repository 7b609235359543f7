// Stand-in for slow work: a database query, a model's answer, a long calculation.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Takes about a second when you run a program by hand. Under the grader it takes until the grader
 * lets it go, so that the grader can look at the wire while your program is still at work.
 *
 * @param signal gives the work up: the promise rejects with an AbortError as soon as it aborts.
 * @throws Error when the work fails. By hand, the work that the variable WORK_FAILS names does: `step 3`.
 */
export async function work(label: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  if (process.env.WORK_CLOCK === 'grader') return heldByGrader(label, signal);
  await sleep(1000, undefined, { signal });
  if (process.env.WORK_FAILS === label) throw new Error('no connection to the database at 10.0.0.7:5432');
}

let calls = 0;
let waiting = 0;

function heldByGrader(label: string, signal?: AbortSignal): Promise<void> {
  // The error of a real timer that is given up.
  const givenUp = () => sleep(0, undefined, { signal });
  if (signal?.aborted) return givenUp();
  const call = ++calls;
  // The channel to the grader keeps the program alive only while somebody waits on it.
  if (++waiting === 1) process.channel?.ref();
  return new Promise((resolve, reject) => {
    const over = () => {
      process.off('message', onMessage);
      signal?.removeEventListener('abort', onAbort);
      if (--waiting === 0) process.channel?.unref();
    };
    const onMessage = (message: unknown) => {
      const { release, failure } = message as { release?: number; failure?: string };
      if (release !== call) return;
      over();
      if (failure === undefined) resolve();
      else reject(new Error(failure));
    };
    const onAbort = () => {
      over();
      process.send?.({ givenUp: call });
      resolve(givenUp());
    };
    process.setMaxListeners(0);
    process.on('message', onMessage);
    signal?.addEventListener('abort', onAbort);
    process.send?.({ work: label, call });
  });
}
