import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Graded } from '../../scripts/workshop/grade.ts';
import type { Verdict } from '../harness/run/verdict.ts';

const start = fileURLToPath(new URL('../harness/fast-start/start.js', import.meta.url));

/** Several graders that work at the same time, each in a process of its own; `env` is added to their environment. */
export function graders(
  count: number,
  env: NodeJS.ProcessEnv = {},
): { grade(target: Graded): Promise<Verdict>; close(): Promise<void> } {
  const idle: ChildProcess[] = [];
  const all: ChildProcess[] = [];
  const queue: ((grader: ChildProcess) => void)[] = [];

  const release = (grader: ChildProcess) => {
    const next = queue.shift();
    if (next) next(grader);
    else idle.push(grader);
  };
  for (let i = 0; i < count; i++) {
    const grader = fork(start, ['test/proof/worker.ts'], {
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
        ...env,
      },
    });
    all.push(grader);
    grader.once('message', () => release(grader));
  }
  return {
    async grade(target) {
      const grader = idle.shift() ?? (await new Promise<ChildProcess>((resolve) => queue.push(resolve)));
      return new Promise((resolve, reject) => {
        const onMessage = (answer: unknown) => {
          const { verdict, error } = answer as { verdict?: Verdict; error?: string };
          grader.off('exit', onExit);
          release(grader);
          if (verdict) resolve(verdict);
          else reject(new Error(error));
        };
        const onExit = () => reject(new Error('the grading process ended'));
        grader.once('message', onMessage);
        grader.once('exit', onExit);
        // Most are wrong, and need no more programs than the one that is.
        grader.send({ ...target, prewarm: false });
      });
    },
    /** Resolves when no grader is left that could write something. */
    async close() {
      await Promise.all(
        all.map(async (grader) => {
          const ended = grader.exitCode ?? grader.signalCode ?? once(grader, 'exit');
          grader.disconnect();
          await ended;
        }),
      );
    },
  };
}
