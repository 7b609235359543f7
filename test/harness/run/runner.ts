// Runs a grader: its tasks, and their requirements, one after the other until one fails.
import { limit } from '../programs/breakpoints.js';
import { MachineFault } from '../programs/machine-fault.js';
import { closeWorkSockets, openWorkSockets } from '../programs/work-socket.ts';
import { Failure } from './failure.ts';
import type { Grader } from './grader.ts';
import { openRun, type OpenRun, type Target } from './run.ts';
import { taskState, type RequirementVerdict, type TaskVerdict, type Verdict } from './verdict.ts';

/** For somebody who stays with a run: what it finds, as it finds it, and a way to stop it. */
export type Following = {
  /** `index` counts the requirements of a task from 0. */
  onRequirement?(task: number, index: number, requirement: RequirementVerdict): void;
  signal?: AbortSignal;
};

const neverTold =
  'Your program never connected to the work clock, so the grader could not hold it in the middle of its work and judged only the order of arrival. docs/any-language.md shows how a program connects.';

const neverWorked =
  'Your program never called work, so the grader could not hold it in the middle of its work and judged only the order of arrival. Write await work(…) where the lesson shows it.';

/** Milliseconds after which a requirement's test is taken for a defect of the grader: its own limits are far shorter. */
const requirementLimit = 180_000;

/**
 * Grades the programs in a folder.
 * @throws Error when the grader itself fails, which is never a verdict on the programs; or the signal's reason.
 */
export async function runGrader(
  grader: Grader,
  lesson: string,
  target: Target,
  following: Following = {},
): Promise<Verdict> {
  const { onRequirement, signal } = following;
  if (target.commands) await openWorkSockets();
  const run = openRun(target, signal);
  const defects = watchForDefects();
  const verdicts: TaskVerdict[] = [];
  let complete = false;
  try {
    run.register(grader);
    let failed = false;
    for (const { number, title, file, requirements, asksForWork } of run.tasks) {
      const graded: RequirementVerdict[] = [];
      run.beginTask(number);
      for (const requirement of requirements) {
        const verdict: RequirementVerdict = failed
          ? { sentence: requirement.sentence, state: 'waiting' }
          : await Promise.race([gradeRequirement(run, requirement), defects.first]);
        failed ||= verdict.state === 'failed';
        graded.push(verdict);
        onRequirement?.(number, graded.length - 1, verdict);
      }
      const withoutWork = asksForWork && !failed && number > (target.assumePassed ?? 0) && run.workCalls() === 0;
      verdicts.push({
        number,
        title,
        state: taskState(graded),
        requirements: graded,
        ...(withoutWork && {
          note: target.commands?.[file === 'server.ts' ? 'server' : 'client'] ? neverTold : neverWorked,
        }),
      });
    }
    const state = failed ? 'failed' : 'passed';
    complete = !failed;
    const { server, client } = target.commands ?? {};
    const commands = { ...(server && { server: server.text }), ...(client && { client: client.text }) };
    return { lesson, state, seed: target.seed, tasks: verdicts, ...(target.commands && { commands }) };
  } catch (error) {
    signal?.throwIfAborted();
    throw reasonOf(lesson, error);
  } finally {
    defects.stop();
    run.close(complete);
    closeWorkSockets();
  }
}

async function gradeRequirement(
  run: OpenRun,
  requirement: OpenRun['tasks'][number]['requirements'][number],
): Promise<RequirementVerdict> {
  const { sentence } = requirement;
  const limit = timeLimit(sentence);
  try {
    await Promise.race([run.test(requirement), limit.over]);
    return { sentence, state: 'passed' };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { sentence, state: 'failed', explanation: error.explanation };
  } finally {
    limit.stop();
  }
}

function timeLimit(sentence: string) {
  let stop = () => {};
  const over = new Promise<never>((_resolve, reject) => {
    const error = new Error(`The test of "${sentence}" did not end within ${requirementLimit / 1000} seconds.`);
    stop = limit(requirementLimit, () => reject(error));
  });
  return { over, stop };
}

/** An error that nobody waits for is a defect of the grader all the same. */
function watchForDefects() {
  let report!: (error: unknown) => void;
  const first = new Promise<never>((_resolve, reject) => {
    report = reject;
  });
  first.catch(() => {});
  const listener = (error: unknown) => {
    if (!(error instanceof Failure)) report(error);
  };
  process.on('unhandledRejection', listener).on('uncaughtException', listener);
  return { first, stop: () => process.off('unhandledRejection', listener).off('uncaughtException', listener) };
}

/** Codes of the system for a disk, a file or a number of files that it does not give, whoever asks. */
const refusals = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];

/** What ended a run: a fault of the machine, or a defect of the grader. */
function reasonOf(lesson: string, error: unknown): Error {
  if (error instanceof MachineFault) return error;
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code && syscall && (refusals.includes(code) || (path && ['EACCES', 'EPERM'].includes(code)))) {
    return new MachineFault(
      `This machine refused the grader a file (${(error as Error).message}), which says nothing about your programs.\n` +
        'Look at the space on the disk and at the permissions of the folder, and end programs that have many files open. ' +
        '`npm run doctor` looks at the disk and the folder. Then check again.',
    );
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const text = `The grader of ${lesson} is broken, which says nothing about your programs.\n${stack ?? message}`;
  return Object.assign(new Error(text), { stack: text });
}
