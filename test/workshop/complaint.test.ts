// What a client says on standard error is judged without the warnings of Node.js, and in a time that grows with its length.
import { expect, test } from 'vitest';
import type { Program } from '../harness/programs/program.ts';
import { checkComplaint } from '../harness/vocabulary/command-line.ts';

const clientThatSays = (stderr: string) =>
  ({ name: 'lessons/x/client.ts', stdout: '', stderr, end: { code: 1, signal: null } }) as unknown as Program;

const timeFor = (lines: number): number => {
  const client = clientThatSays(`a${' \n'.repeat(lines)}b\n`);
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

test.for([
  '(node:1) Warning: something\n(Use `node --trace-warnings ...` to show where the warning was created)\n',
  'Warning: Detected unsettled top-level await at file:///client.ts:5\nawait answer;\n^\n\n\n',
])('a warning of Node.js is no complaint: %j', (warning) => {
  expect(() => checkComplaint(clientThatSays(warning), 'a refused connection')).toThrow('says nothing');
  checkComplaint(clientThatSays(`it failed\n${warning}`), 'a refused connection');
});
