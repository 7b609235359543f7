// Ends a program that takes too much: output, memory, or the event loop for itself.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Explanation } from '../run/failure.ts';
import { printable } from '../wire/printable.js';
import { debugging, goesOn, stands } from './breakpoints.js';
import { memoryOf } from './process-group.ts';
import { residentMemory } from './process.js';
import { answersWithin, busyAt, caughtUp } from './questions.ts';
import { stopFor, type Running } from './running.ts';

/** Output that a program may write, in bytes, over both streams. */
const outputLimit = 1024 * 1024;
/** Resident memory that it may take, in MiB: a right program takes a tenth. */
const memoryLimit = 700;
/** Calls of `work` that may wait at the same time: a right program has a few. */
const heldLimit = 10_000;

export const busyWithoutPause = (file: string): Explanation => ({
  cause: `${file} is busy without a pause, so it can do nothing else.`,
  advice:
    'Look for a loop that runs without end or that waits, and for a call whose name ends in Sync. While such code runs, the event loop is blocked.',
});

/** Watches the program's memory and its event loop until it ends. */
export function watchLimits(program: Running): void {
  const memoryWatch = setInterval(checkMemory, 100, program);
  memoryWatch.unref();
  program.atEnd.push(() => clearInterval(memoryWatch));

  // A program in another language may be busy in one thread and answer in another: nobody can tell that it is blocked.
  if (program.start.command) return;
  // Until it is loaded it may take as long as the machine needs.
  void program.child.warmed.then(() => (debugging ? watchBreakpoints(program) : watchLoop(program)));
}

/** Looks at the output after each part of it that has come on `stream`. */
export function checkOutput(program: Running, stream: 'stdout' | 'stderr'): void {
  const { output, name, start } = program;
  if (output.bytes <= outputLimit) return;
  const firstLines = output[stream].split('\n', 3).map((line) => line.slice(0, 60));
  stopFor(program, {
    cause: `${start.command?.text ?? start.file} wrote more than ${outputLimit / 1024 ** 2} MiB of output and was stopped.`,
    advice: 'Look for a loop that prints without end, or that never waits.',
    output: `${printable(firstLines.join('\n'))}\n…`,
    at: name,
  });
}

function checkMemory(program: Running): void {
  const { child, name, start, held } = program;
  const memory = start.command ? memoryOf : residentMemory;
  const used = (child.pid === undefined ? undefined : memory(child.pid)) ?? program.memory;
  if (used > memoryLimit) {
    stopFor(program, {
      cause: `${start.command?.text ?? start.file} took more than ${memoryLimit} MiB of memory and was stopped.`,
      advice: 'Look for something that grows without end: an array or a buffer that is filled and never emptied.',
      at: name,
    });
  } else if (held.length > heldLimit) {
    stopFor(program, {
      cause: `${start.command?.text ?? start.file} called work more than ${heldLimit} times without waiting for it, and was stopped.`,
      advice: 'Write await before work(…), and look for a loop that calls it without end.',
      at: name,
    });
  }
}

/** Under a debugger, a program that does not answer is not busy: it stands at a breakpoint. */
async function watchBreakpoints(program: Running): Promise<void> {
  const { child, start } = program;
  const over = () => program.end ?? program.verdict ?? !child.connected;
  while (!over()) {
    if (!(await answersWithin(program, 500)) && !over()) {
      stands(program, start.file);
      while (!over() && !(await answersWithin(program, 500)));
      goesOn(program, start.file);
    }
    await sleep(100, undefined, { ref: false });
  }
  goesOn(program, start.file);
}

/** Asks the program again and again. A program that does not answer within its limit is busy. */
async function watchLoop(program: Running): Promise<void> {
  const { file, busyLimit = 6000 } = program.start;
  const over = () => program.end ?? program.verdict;
  for (let busy = false; !busy;) {
    const before = program.output.bytes;
    const answers = await caughtUp(program, busyLimit);
    if (over()) return;
    // A loop that prints meets the limit of output, which says more; on a slow machine that takes longer.
    busy = !answers && program.output.bytes - before < outputLimit / 10;
    if (!busy) await sleep(250, undefined, { ref: false });
  }
  if (!program.child.connected) return;
  const at = await busyAt(program);
  stopFor(program, { ...busyWithoutPause(file), at });
}
