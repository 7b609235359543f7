// Waits until a server listens, and says why when it does not.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../run/failure.ts';
import { elapsedSince } from './breakpoints.js';
import { explainEnd } from './crash-report.ts';
import { lastOutput } from './printed.ts';
import type { Program } from './program.ts';

/** Milliseconds that a server may take from its first line until it accepts connections. */
const readyLimit = 7000;
/** Those that a program may load for at the most, while it advances. */
const longestLoad = 4 * readyLimit;

/**
 * Waits until a server accepts connections on 127.0.0.1.
 * @throws Failure with the cause, when it ends, listens elsewhere, or never listens.
 */
export async function listeningOn(program: Program, port: number): Promise<void> {
  await program.begun;
  const began = performance.now();
  for (let look = 1; ; look++) {
    if (program.end || program.verdict) {
      throw new Failure(explainEnd(program, `before it listened on port ${port}`));
    }
    if (await accepts(port)) {
      // It may have ended in the turn of its event loop in which it began to listen.
      await program.caughtUp(500);
      if (!program.end) return;
      continue;
    }
    const elapsed = elapsedSince(began);
    if (look % 50 === 0 || elapsed > readyLimit) await checkWhere(program, port, elapsed);
    await sleep(5);
  }
}

/** @throws Failure when it listens elsewhere, or has had its time. */
async function checkWhere(program: Program, port: number, elapsed: number): Promise<void> {
  const file = program.called;
  const advice = `Listen on the port in ${program.command ? 'the variable PORT' : 'process.env.PORT'}, at the address 127.0.0.1.`;
  const addresses = await program.listening();
  if (addresses && addresses.length > 0 && !(await accepts(port))) {
    throw new Failure({
      cause: `${file} listens on ${addresses.join(' and ')}, although it was asked to listen on 127.0.0.1:${port}.`,
      advice,
      at: program.name,
    });
  }
  // Without an answer it is busy, or the machine is: a verdict on that comes by itself.
  // A program that has loaded in one long turn listens by the time it answers, and then has nothing left to do.
  const hasTime = elapsed < readyLimit || (elapsed < longestLoad && (!addresses || (await advances(program))));
  if (!hasTime && !(await accepts(port))) {
    throw new Failure({
      cause: `${file} is running, but after ${readyLimit / 1000} seconds it does not listen yet.`,
      advice,
      ...lastOutput(program.stderr + program.stdout),
      at: program.name,
    });
  }
}

/**
 * Whether the program still loads, or is about to end with an error: within three seconds it runs, says something, or
 * waits for the disk. On a busy machine, a program that only loads may get nothing for a whole second.
 */
export async function advances(program: Program): Promise<boolean> {
  const state = () => program.processorTime + 100 * (program.stdout.length + program.stderr.length);
  await program.caughtUp();
  const before = state();
  for (let look = 0; look < 6; look++) {
    await sleep(500);
    if (!(await program.caughtUp()) || program.fileCalls > 0 || state() - before > 50) return true;
  }
  return false;
}

/**
 * Waits for the first thing that a program does: for `limit` milliseconds, and then, because a busy machine loads slowly,
 * for as long as the program advances.
 * @param came waits for it so many milliseconds
 */
export async function onceLoaded(
  program: Program,
  came: (limit: number) => Promise<boolean>,
  limit: number,
): Promise<boolean> {
  const began = performance.now();
  let found = await came(limit);
  while (!found && elapsedSince(began) < longestLoad && (await advances(program))) found = await came(500);
  return found;
}

/**
 * Whether somebody listens on this port of 127.0.0.1.
 * @throws the error of the system when it opens no connection at all, which says nothing about that port
 */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const done = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(2000, () => done(false)); // the system keeps a connection waiting when too many are
    socket.once('connect', () => done(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EMFILE' || error.code === 'ENFILE' ? reject(error) : done(false),
    );
  });
}
