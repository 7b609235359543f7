// A program is not called busy because the grader was.
import { expect, test } from 'vitest';
import { caughtUp } from '../harness/programs/questions.ts';
import type { Running } from '../harness/programs/running.ts';

const running = (): Running =>
  ({
    start: {},
    pings: new Map(),
    asked: 0,
    end: undefined,
    child: { connected: true, send: () => {} },
  }) as unknown as Running;

function blockFor(milliseconds: number): void {
  for (const began = performance.now(); performance.now() - began < milliseconds;);
}

test('an answer that came while the grader was busy counts, though its time is up', async () => {
  const program = running();
  const asked = caughtUp(program, 1);
  // As when the channel is read: after the timers that are due.
  setImmediate(() => program.pings.get(1)!());
  blockFor(20);
  expect(await asked).toBe(true);
});

test('a program that does not answer in time has not caught up', async () => {
  const program = running();
  expect(await caughtUp(program, 1)).toBe(false);
  expect(program.pings.size).toBe(0);
});
