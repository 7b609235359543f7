import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** How many loops keep a machine busy: each processor has four processes to choose from, beside those that matter. */
export const loopCount = 4 * availableParallelism();

/** A loop that looks every now and then whether its parent still lives, so that it cannot outlive it. */
const loop = `
const parent = process.ppid;
const hasParent = () => process.ppid === parent && process.kill(parent, 0); // on Windows the id stays, and kill throws
while (hasParent()) for (let i = 0; i < 1e7; i++);
`;

/** Starts the loops; ends them when the returned function is called. */
export function startLoops(): () => void {
  const loops = Array.from({ length: loopCount }, () => spawn(process.execPath, ['--eval', loop], { stdio: 'ignore' }));
  return () => {
    for (const each of loops) each.kill('SIGKILL');
  };
}
