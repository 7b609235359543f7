// What a client says on standard error is judged in a time that grows with its length.
import { expect, test } from 'vitest';
import type { Program } from '../harness/programs/program.ts';
import { checkComplaint } from '../harness/vocabulary/command-line.ts';

const timeFor = (lines: number): number => {
  const stderr = `a${' \n'.repeat(lines)}b\n`;
  const client = {
    name: 'lessons/x/client.ts',
    stdout: '',
    stderr,
    end: { code: 1, signal: null },
  } as unknown as Program;
  const began = process.cpuUsage();
  expect(() => checkComplaint(client, 'a refused connection')).toThrow('says more than one line');
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
};

test('blank lines without an end', () => {
  timeFor(100); // compiled
  const short = timeFor(5_000);
  // Ten times the length; a square would be a hundred times.
  expect(timeFor(50_000)).toBeLessThan(30 * Math.max(short, 5));
});
