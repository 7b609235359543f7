// Asks a running program: whether it has caught up, where it listens, which line keeps it busy; and holds its disk.
import { setTimeout as sleep } from 'node:timers/promises';
import { limit as timeLimit } from './breakpoints.js';
import { listensAt, restsWithin } from './command-questions.ts';
import { busyLine, processorUse } from './process.js';
import type { Turn } from './program.ts';
import { releaseThreads, tell, type Running } from './running.ts';

/** How many times a limit begins again for a program that wants a processor and gets too little of one. */
const extensions = 10;

/** Waits until the program has handled what it was sent so far; false when its event loop does not turn for `limit` ms. */
export function caughtUp(program: Running, limit = 2000): Promise<boolean> {
  if (program.start.command) return restsWithin(program, limit);
  return caughtUpWithin(program, limit, timeLimit);
}

/** The same, with a timer that runs on while a program stands at a breakpoint. */
export const answersWithin = (program: Running, limit: number): Promise<boolean> =>
  caughtUpWithin(program, limit, (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  });

function caughtUpWithin(program: Running, limit: number, begin: typeof timeLimit): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = ++program.asked;
    let answered = false;
    const done = (value: boolean) => {
      callOff();
      program.pings.delete(ping);
      resolve(value);
    };
    // If it was the grader that was busy, the answer is here and only not read yet: two turns read it.
    const starves = starvation(program, limit);
    let extended = 0;
    const wait = () => begin(limit, late);
    const late = () =>
      afterTwoTurns(() => {
        if (answered) return;
        if (extended++ < extensions && starves()) callOff = wait();
        else done(false);
      });
    let callOff = wait();
    program.pings.set(ping, () => {
      answered = true;
      // By then, the grader has read all that the program sent before its answer.
      afterTwoTurns(() => done(program.end === undefined));
    });
    // Between the end of its channel and its own there is no answer but its end.
    if (program.end) done(false);
    else tell(program, { ping });
  });
}

/** Tells, later, whether the program was kept from running: it wants a processor, and has not had one for so long since now. */
function starvation({ child }: Running, time: number): () => boolean {
  const before = processorUse(child.pid);
  return () => {
    const now = processorUse(child.pid);
    return before !== undefined && now !== undefined && now.wants && now.used - before.used < time * 0.8;
  };
}

const afterTwoTurns = (act: () => void) => setImmediate(() => setImmediate(act));

/** Where it accepts connections, as `address:port`; undefined when its event loop does not turn. */
export function listening(program: Running): Promise<string[] | undefined> {
  if (program.start.command) return Promise.resolve(listensAt(program));
  return new Promise((resolve) => {
    const done = (addresses: string[] | undefined) => {
      callOff();
      program.places.delete(done);
      resolve(addresses);
    };
    const callOff = timeLimit(1000, () => done(undefined));
    program.places.add(done);
    if (!tell(program, { where: true })) done(undefined);
  });
}

/** The longest turn of its event loop since it was asked last; the first question begins the watch. */
export function longestTurn(program: Running): Promise<Turn> {
  return new Promise((resolve) => {
    const none = { processor: 0, clock: 0 };
    program.turnWaits.add((turn = none) => resolve(turn));
    if (!tell(program, { turns: true })) resolve(none);
  });
}

/** From now on the disk takes nothing of the program's and gives it nothing; false where that cannot be done. */
export function holdDisk(program: Running): Promise<boolean> {
  return new Promise((resolve) => {
    program.diskWaits.add(() => resolve(program.heldThreads > 0));
    if (!tell(program, { holdDisk: true })) resolve(false);
  });
}

/** Lets a disk that is held do what it was asked for so far, and holds it again. */
export function stepDisk(program: Running): Promise<void> {
  return new Promise((resolve) => {
    program.diskSteps.push(resolve);
    if (program.heldThreads > 0 && tell(program, { stepDisk: true })) releaseThreads(program, 1);
    else resolve();
  });
}

/** Node says so on standard error when it opens the debugger that `busyAt` asks for. */
const debuggerLine = /^Debugger listening on (ws:\S{1,200})\r?\n/m;

/** The line that keeps it busy, as `lessons/01-chunked-stream/server.ts:14`; only the file when nothing tells. */
export async function busyAt(program: Running): Promise<string> {
  const { child, name, start } = program;
  if (start.command) return name; // it has no debugger of Node.js
  const url = () => debuggerLine.exec(program.output.stderr)?.[1];
  if (url() === undefined && !program.end && child.pid !== undefined) {
    try {
      (process as unknown as { _debugProcess(pid: number): void })._debugProcess(child.pid);
    } catch {
      return name; // it has ended
    }
    for (let look = 0; url() === undefined && !program.end && look < 6000; look++) await sleep(10);
  }
  const line = url() && (await busyLine(url()!, start.folder));
  return line ? `${start.folderName}/${line}` : name;
}

/** Answers every question that waits: the program has ended. */
export function answerAll({ pings, turnWaits, diskWaits, diskSteps }: Running): void {
  for (const resolve of [...pings.values(), ...turnWaits, ...diskWaits, ...diskSteps]) resolve();
}

/** Resolves when the program's own code runs, or when it has ended. */
export const hasBegun = ({ child, atEnd, start }: Running): Promise<void> =>
  new Promise((resolve) => {
    if (start.command) resolve();
    child.on('message', (message) => (message as { begun?: true }).begun && resolve());
    atEnd.push(resolve);
  });
