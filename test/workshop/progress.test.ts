// Words of graders that wait: a slow machine or a slow disk makes no right answer wrong.
import { describe, expect, test, vi } from 'vitest';
import type { Program } from '../harness/programs/program.ts';
import { Failure } from '../harness/run/failure.ts';
import type { Run } from '../harness/run/run.ts';
import { comesToRest, expectProgress, stepMs } from '../harness/vocabulary/progress.ts';

/** A program whose event loop turns when it is asked. */
const programWith = (fileCalls: number) => ({ fileCalls, caughtUp: async () => true }) as unknown as Program;

/** A run in which each wait is over at once: `step` is what happens meanwhile. */
const runWith = (step: () => void) =>
  ({
    async expectSoon(condition: () => unknown, explain: () => { cause: string }) {
      step();
      if (!condition()) throw new Failure(explain());
    },
    async until() {
      step();
      return false;
    },
  }) as unknown as Run;

describe('expectProgress', () => {
  const explain = () => ({ cause: 'No step came.' });

  test('waits as long as steps come, however many', async () => {
    let steps = 0;
    const run = runWith(() => steps++);
    const done = expectProgress(
      run,
      programWith(0),
      () => steps >= 1000,
      () => steps,
      explain,
    );
    await expect(done).resolves.toBeUndefined();
  });

  test('fails when no step comes', async () => {
    let waits = 0;
    const run = runWith(() => waits++);
    const done = expectProgress(
      run,
      programWith(0),
      () => false,
      () => 0,
      explain,
    );
    await expect(done).rejects.toThrow('No step came.');
    expect(waits).toBe(1);
  });

  test('gives a program that waits for the disk its time again, and not for ever', async () => {
    let waits = 0;
    const run = runWith(() => waits++);
    const until = (enough: number) =>
      expectProgress(
        run,
        programWith(1),
        () => waits >= enough,
        () => 0,
        explain,
      );
    await expect(until(4)).resolves.toBeUndefined();
    await expect(until(Infinity)).rejects.toThrow('No step came.');
  });
});

describe('comesToRest', () => {
  test('waits for a value that changes in very many turns, as long as the time is not over', async () => {
    let turns = 0;
    const run = runWith(() => turns++);
    expect(await comesToRest(run, programWith(0), () => Math.min(turns, 2000))).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(2000);
  });

  test('has patience with few turns in a long time', async () => {
    let turns = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => turns * stepMs);
    const run = runWith(() => turns++);
    expect(await comesToRest(run, programWith(0), () => Math.min(turns, 100))).toBe(true);
    expect(await comesToRest(run, programWith(0), () => turns)).toBe(false);
    clock.mockRestore();
  });

  test('says no when the value is beyond the limit', async () => {
    let turns = 0;
    const run = runWith(() => turns++);
    expect(await comesToRest(run, programWith(0), () => turns, 30)).toBe(false);
    expect(turns).toBe(31);
  });

  test('takes no turn for rest in which the program did not answer', async () => {
    let turns = 0;
    const run = runWith(() => turns++);
    const starved = { fileCalls: 0, caughtUp: async () => turns >= 10 } as unknown as Program;
    expect(await comesToRest(run, starved, () => 7)).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(10);
  });
});
