// Starts a learner's program in a process of its own, and tells the grader what it does.
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { Explanation } from '../run/failure.ts';
import type { Transcript } from '../wire/transcript.ts';
import { ask } from './ask.ts';
import { watchCommand } from './commands.ts';
import { watchLimits } from './limits.ts';
import type { MachineFault } from './machine-fault.js';
import { handleMessages } from './messages.ts';
import { readOutput } from './output.ts';
import { beginProgram } from './pool.js';
import { answerAll } from './questions.ts';
import { connect, stopFor, type Running } from './running.ts';
import { solutionImport } from './solution-import.ts';

/** A call of `work(label)` that waits for the grader. */
export type Held = {
  label: string;
  release(): void;
  /** Lets it go with an error that says this. */
  fail(message: string): void;
};

/**
 * One turn of a program's event loop, in milliseconds: of processor time, which says the same on a busy machine, and of
 * the clock, which also tells of a call that sleeps. The time in which the loop waits for something to do counts in neither.
 */
export type Turn = { processor: number; clock: number };

export type End = { code: number | null; signal: NodeJS.Signals | null };

/** A learner's program, running in a process of its own. */
export type Program = {
  /** As the learner knows it: `lessons/01-chunked-stream/server.ts`, or the command that started it. */
  readonly name: string;
  /** As a sentence about it says: `server.ts`, or the command that started it. */
  readonly called: string;
  /** The command that started it, where it is not a file of the lesson: then the grader knows less of it. */
  readonly command: Command | undefined;
  /** Where it really is, and how the learner calls that folder. */
  readonly folder: string;
  readonly folderName: string;
  /** The calls of `work` that wait, oldest first. */
  readonly held: readonly Held[];
  /** What it has printed, as it came. */
  readonly stdout: string;
  /** The same without colours, with files named as the learner knows them, and with long lines cut. */
  readonly stderr: string;
  /** The lines that it has printed to their end. */
  readonly lines: readonly string[];
  /** The timers that it waits for, when it was asked last: by `caughtUp`. */
  readonly timers: number;
  /** The listeners that `process` has, at the same time. */
  readonly listeners: number;
  /** Milliseconds of processor time that it has used, at the same time: they say the same on a busy machine. */
  readonly processorTime: number;
  /** Its calls of the file system that are not back yet, and its resident memory in MiB, at the same time. */
  readonly fileCalls: number;
  readonly memory: number;
  /** The files and folders that it watches for changes, at the same time. */
  readonly watchers: number;
  /** How many rows of lessons/support/rows.ts it has taken, told after every hundredth, and by `caughtUp`. */
  readonly rows: number;
  /** How many generators of these rows are open: begun, and neither finished nor closed. */
  readonly cursors: number;
  /** The bytes that it has written to the connections of its clients, taken by them or not, when it was asked last. */
  readonly sent: number;
  /** The bytes that it has read from the connections that it has opened, at the same time. */
  readonly received: number;
  /** The files and folders that it has open, at the same time; 0 where the system does not tell. */
  readonly openFiles: number;
  /** How often it has called `work`, also when the call is over. */
  readonly workCalls: number;
  /** Ends the table of lessons/support/rows.ts before long. */
  finishTable(): void;
  /** From now on the disk takes nothing of the program's and gives it nothing; false where that cannot be done. */
  holdDisk(): Promise<boolean>;
  releaseDisk(): void;
  /** Lets a disk that is held do what it was asked for so far, and holds it again. */
  stepDisk(): Promise<void>;
  /** Set when the process has ended and its output is complete. */
  readonly end: End | undefined;
  /** Resolves when the program's own code runs, or when it has ended: until then, the grader builds its file and loads its packages. */
  readonly begun: Promise<void>;
  /** Where it called process.exit, when it did: `lessons/01-chunked-stream/server.ts:14`. */
  readonly exitedAt: string | undefined;
  /** Why the grader ended it, when it did: too much output, too much memory, busy without a pause. */
  readonly verdict: Explanation | undefined;
  /** Why there is no program, when the machine is the reason: no process, no space on the disk. */
  readonly fault: MachineFault | undefined;
  /** Waits until the program has handled what it was sent so far; false when its event loop does not turn for `limit` ms. */
  caughtUp(limit?: number): Promise<boolean>;
  /** The longest turn of its event loop since it was asked last; the first question begins the watch. */
  longestTurn(): Promise<Turn>;
  /** Where it accepts connections, as `address:port`; undefined when its event loop does not turn. */
  listening(): Promise<string[] | undefined>;
  /** The line that keeps it busy, as `lessons/01-chunked-stream/server.ts:14`; only the file when nothing tells. */
  busyAt(): Promise<string>;
  /** Writes these bytes to its standard input, in one piece; the transcript has them as sent. For a program with `input`. */
  write(bytes: string | Uint8Array): void;
  /** Ends its standard input. */
  endInput(): void;
  /** Sends the signal of Ctrl-C. On Windows no process can: there, the program raises it in itself. */
  interrupt(): void;
  stop(): void;
};

/** A socket that listens for one program, and its address. */
export type WorkSocket = { server: Server; address: string };

/** A command that starts a program: as it was typed, and its words. */
export type Command = { text: string; words: string[] };

export type Start = {
  /** The command that starts the program instead of Node.js, in the folder; it is followed by `args`. */
  command?: Command | undefined;
  /** Where a program of a command says that it works. */
  workSocket?: WorkSocket | undefined;
  /** Where it finds the tools in `env.MORE_TOOLS`, which a program in another language cannot import. */
  toolSocket?: WorkSocket | undefined;
  /** The file's folder, and how the learner calls it. */
  folder: string;
  folderName: string;
  file: string;
  args?: string[];
  env?: Record<string, string>;
  /**
   * Whether somebody writes to its standard input: then this and its standard output are the wire, and go into the
   * transcript. Without, its standard input is at its end from the beginning.
   */
  input?: boolean;
  /** Milliseconds for which its event loop may stand still, 6000 unless told: more than five messages with a second of work each. */
  busyLimit?: number;
  /** Called after each thing that the program does. */
  changed(): void;
  transcript(): Transcript;
  /** How the transcript names it, where there are several. */
  who?: string | undefined;
};

export function startProgram(start: Start): Program {
  const program = connect(start);
  readOutput(program);
  handleMessages(program);
  watchLimits(program);
  watchEnd(program);
  if (start.command) watchCommand(program);
  else void begin(program);
  return ask(program);
}

function watchEnd(program: Running): void {
  const { child, start } = program;
  const ended = (code: number | null, signal: NodeJS.Signals | null) => {
    if (program.end) return;
    for (const act of program.atEnd) act();
    program.end = { code, signal };
    answerAll(program);
    start.changed();
  };
  child.on('close', ended);
  // Something that it started may hold its output open: then its exit has to do.
  child.on('exit', (code, signal) => setTimeout(ended, 500, code, signal).unref());
}

async function begin(program: Running): Promise<void> {
  const { folder, file, args = [], env = {} } = program.start;
  const stolen = solutionImport(program.start);
  if (stolen) return stopFor(program, stolen);
  try {
    await beginProgram(program.child, join(folder, file), { args, env: { WORK_CLOCK: 'grader', ...env } });
  } catch (error) {
    program.fault = error as MachineFault;
  }
}
