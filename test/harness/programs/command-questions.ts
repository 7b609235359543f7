// What the grader asks of a program that a command started. There is nothing of ours in it that answers: the system does.
import { setTimeout as sleep } from 'node:timers/promises';
import { addressesOf, memoryOf, processorTimeOf, restOf } from './process-group.ts';
import type { Running } from './running.ts';

/** Milliseconds between two looks at a program that should rest. */
const pause = 2;
/** Milliseconds after which it is taken to have handled what it was sent, where the system does not tell. */
const guess = 60;

/**
 * Waits until the program has handled what it was sent so far: until all of its threads sleep, and none of them has run
 * between two looks. A program that never rests is taken to have caught up after `limit` ms: another thread may be busy
 * than the one that is asked.
 * @returns false when the program has ended
 */
export async function restsWithin(program: Running, limit: number): Promise<boolean> {
  const { child } = program;
  const began = performance.now();
  await turns(); // what was written in this turn is on its way now
  let before: string | undefined;
  while (!program.end && child.pid !== undefined && performance.now() - began < limit) {
    if (process.platform !== 'linux') {
      await sleep(Math.min(guess, limit));
      break;
    }
    const looks = [child.pid, ...program.helpers].map((group) => (group === undefined ? '' : restOf(group)));
    const now = looks.includes(undefined) ? undefined : looks.join('\n');
    if (now !== undefined && now === before) break;
    before = now;
    await sleep(pause);
  }
  if (child.pid !== undefined && !program.end) {
    program.processorTime = processorTimeOf(child.pid) ?? program.processorTime;
    program.memory = memoryOf(child.pid) ?? program.memory;
  }
  await turns(); // what it has sent is read now
  return program.end === undefined;
}

/** Where it accepts connections; undefined where the system does not tell. */
export const listensAt = ({ child }: Running): string[] | undefined =>
  child.pid === undefined ? undefined : addressesOf(child.pid);

const turns = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
