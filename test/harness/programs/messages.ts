// Takes what a program says over its channel: `work` that begins, answers to questions, where it called process.exit.
import { placeIn } from './places.ts';
import type { Turn } from './program.ts';
import { releaseDisk, tell, type Running } from './running.ts';

type Message = {
  work?: string;
  call?: number;
  givenUp?: number;
  pong?: number;
  memory?: number;
  timers?: number;
  processorTime?: number;
  fileCalls?: number;
  watchers?: number;
  listeners?: number;
  rows?: number;
  cursors?: number;
  sent?: number;
  received?: number;
  openFiles?: number;
  diskHeld?: number;
  longestTurn?: Turn;
  diskStepped?: true;
  listening?: string[];
  exit?: string;
};

export function handleMessages(program: Running): void {
  program.child.on('message', (raw) => {
    const message = raw as Message;
    const { work, call } = message;
    if (work !== undefined) hold(program, work, call, (failure) => tell(program, { release: call, failure }));
    if (message.givenUp !== undefined) giveUp(program, message.givenUp);
    if (message.memory !== undefined) program.memory = message.memory / 1024 ** 2;
    if (message.processorTime !== undefined) program.processorTime = message.processorTime;
    if (message.timers !== undefined) program.timers = message.timers;
    if (message.fileCalls !== undefined) program.fileCalls = message.fileCalls;
    if (message.watchers !== undefined) program.watchers = message.watchers;
    if (message.listeners !== undefined) program.listeners = message.listeners;
    if (message.rows !== undefined) program.rows = message.rows;
    if (message.cursors !== undefined) program.cursors = message.cursors;
    if (message.sent !== undefined) program.sent = message.sent;
    if (message.received !== undefined) program.received = message.received;
    if (message.openFiles !== undefined) program.openFiles = message.openFiles;
    if (message.diskStepped) for (const resolve of program.diskSteps.splice(0)) resolve();
    if (message.diskHeld !== undefined) {
      program.heldThreads = message.diskHeld;
      for (const resolve of program.diskWaits) resolve();
    }
    if (message.longestTurn) {
      for (const resolve of program.turnWaits) resolve(message.longestTurn);
      program.turnWaits.clear();
    }
    if (message.exit !== undefined) {
      program.exitedAt = placeIn(program.shorten(message.exit), program.start.folderName);
      releaseDisk(program); // or it could not end
    }
    if (message.pong !== undefined) program.pings.get(message.pong)?.();
    if (message.listening) for (const listener of program.places) listener(message.listening);
    program.start.changed();
  });
  program.atEnd.push(() => (program.held.length = 0));
}

/** A call of `work` begins, and waits for the grader: `done` tells the program that the work is over, or why it fails. */
export function hold(program: Running, label: string, call: unknown, done: (failure?: string) => void): void {
  const { transcript, who } = program.start;
  program.workCalls++;
  transcript().add('·', `at work: ${label}`, who);
  const answer = (how: string, failure?: string) => {
    const index = program.held.indexOf(waiting);
    if (index < 0) return; // the program has given it up meanwhile
    program.held.splice(index, 1);
    transcript().add('·', `${how} ${label}`, who);
    done(failure);
  };
  const waiting = {
    label,
    call,
    release: () => answer('done:   '),
    fail: (message: string) => answer('fails:  ', message),
  };
  program.held.push(waiting);
}

/** The program does not wait for this call any more. */
export function giveUp({ held, start: { transcript, who } }: Running, call: unknown): void {
  const index = held.findIndex((waiting) => waiting.call === call);
  if (index >= 0) transcript().add('·', `given up: ${held.splice(index, 1)[0]!.label}`, who);
}
