// Stand-in for slow work: a database query, a model's answer, a long calculation.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Takes about a second when you run a program by hand. Under the grader it takes until the grader
 * lets it go, so that the grader can look at the wire while your program is still at work.
 */
export async function work(label: string): Promise<void> {
  if (process.env.WORK_CLOCK === 'grader') await heldByGrader(label);
  else await sleep(1000);
}

let calls = 0;
let waiting = 0;

function heldByGrader(label: string): Promise<void> {
  const call = ++calls;
  // The channel to the grader keeps the program alive only while somebody waits on it.
  if (++waiting === 1) process.channel?.ref();
  return new Promise((resolve) => {
    const onMessage = (message: unknown) => {
      if ((message as { letGo?: number }).letGo !== call) return;
      process.off('message', onMessage);
      if (--waiting === 0) process.channel?.unref();
      resolve();
    };
    process.setMaxListeners(0);
    process.on('message', onMessage);
    process.send?.({ work: label, call });
  });
}
