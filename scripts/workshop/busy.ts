import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** How many endless loops keep a machine busy: each processor has four processes to choose from, beside those that matter. */
export const busyLoops = 4 * availableParallelism();

/** A loop that looks every now and then whether its parent still lives, so that it cannot outlive it. */
const loop = `
const parent = process.ppid;
while (process.ppid === parent) for (let i = 0; i < 1e7; i++);
`;

/** Keeps every processor busy, until what is returned is called. */
export function keepBusy(): () => void {
  const loops = Array.from({ length: busyLoops }, () => spawn(process.execPath, ['--eval', loop], { stdio: 'ignore' }));
  return () => {
    for (const each of loops) each.kill('SIGKILL');
  };
}
