// What the grader knows of one running program: the record that the steps of `startProgram` fill and read.
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { Explanation } from '../run/failure.ts';
import type { MachineFault } from './machine-fault.js';
import { shortener } from './places.ts';
import { takeProgram, type Program as Spawned } from './pool.js';
import { endProcess, spawnCommand } from './process.js';
import type { Command, End, Held, Start, Turn } from './program.ts';

export type Running = {
  readonly start: Start;
  readonly child: Spawned;
  /** As the learner knows the file: `lessons/01-chunked-stream/server.ts`. */
  readonly name: string;
  /** Names files in a text as the learner knows them. */
  readonly shorten: (text: string) => string;
  readonly held: (Held & { call: unknown })[];
  readonly output: { stdout: string; stderr: string; bytes: number };
  readonly lines: string[];
  /** The line of standard output that has no line break yet. */
  unfinished: string;
  end: End | undefined;
  exitedAt: string | undefined;
  verdict: Explanation | undefined;
  fault: MachineFault | undefined;
  memory: number;
  processorTime: number;
  timers: number;
  listeners: number;
  fileCalls: number;
  watchers: number;
  rows: number;
  cursors: number;
  sent: number;
  received: number;
  openFiles: number;
  workCalls: number;
  /** Threads of the program that wait until the disk is released. */
  heldThreads: number;
  /** Called with the answer to each question that the program has not answered yet. */
  readonly pings: Map<number, () => void>;
  /** Processes of ours that work for it. */
  readonly helpers: Spawned['pid'][];
  /** How many questions it was asked: each has a number. */
  asked: number;
  readonly places: Set<(addresses: string[] | undefined) => void>;
  readonly turnWaits: Set<(turn?: Turn) => void>;
  readonly diskWaits: Set<() => void>;
  /** Called when the step that the disk was allowed is over. */
  readonly diskSteps: (() => void)[];
  /** Called once, when the program has ended. */
  readonly atEnd: (() => void)[];
};

/**
 * Takes a process for the program: a prepared one, if there is one.
 * @throws MachineFault where the system cannot start a process
 */
export function connect(start: Start): Running {
  const { folder, folderName, file, input, command } = start;
  const child = command ? startCommand(command, start) : takeProgram(join(folder, file));
  // Without an input that somebody writes, it ends where it begins.
  if (!input) child.stdin?.end();
  return {
    start,
    child,
    name: command?.text ?? `${folderName}/${file}`,
    shorten: shortener(folder, folderName),
    held: [],
    output: { stdout: '', stderr: '', bytes: 0 },
    lines: [],
    unfinished: '',
    end: undefined,
    exitedAt: undefined,
    verdict: undefined,
    fault: undefined,
    memory: 0,
    processorTime: 0,
    timers: 0,
    listeners: 0,
    fileCalls: 0,
    watchers: 0,
    rows: 0,
    cursors: 0,
    sent: 0,
    received: 0,
    openFiles: 0,
    workCalls: 0,
    heldThreads: 0,
    pings: new Map(),
    asked: 0,
    helpers: [],
    places: new Set(),
    turnWaits: new Set(),
    diskWaits: new Set(),
    diskSteps: [],
    atEnd: [],
  };
}

/** Starts the program of a command, which begins immediately. */
function startCommand(command: Command, { folder, file, args = [], env = {}, workSocket, toolSocket }: Start): Spawned {
  const { MORE_TOOLS, ...own } = env;
  const clock = workSocket && { WORK_CLOCK: workSocket.address };
  const tools = MORE_TOOLS !== undefined && { TOOLS: toolSocket?.address ?? '' };
  const child = spawnCommand([...command.words, ...args], { folder, env: { ...clock, ...tools, ...own } });
  return Object.assign(child, { file, byTsx: false, state: 'begun' as const, warmed: Promise.resolve() });
}

/** Ends the program because of what it does; the first verdict stays. */
export function stopFor(program: Running, explanation: Explanation): void {
  program.verdict ??= explanation;
  endProcess(program.child);
  program.start.changed();
}

/** Sends the program a message, if it can still receive one. */
export function tell(program: Running, message: object): boolean {
  if (program.end || !program.child.connected) return false;
  program.child.send(message, () => {});
  return true;
}

export function releaseDisk(program: Running): void {
  releaseThreads(program, program.heldThreads);
  program.heldThreads = 0;
}

/** Lets so many threads go that are held. */
export function releaseThreads(program: Running, threads: number): void {
  (program.child.stdio?.[4] as Writable | undefined)?.write(Buffer.alloc(threads));
}
