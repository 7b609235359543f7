// The text of a lesson says how many lines its server has lost: these are its numbers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../harness/folders.js';

const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
/** The lines of code and comments, as they are without their indentation and without `export`. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/^export /, ''))
    .filter((line) => line !== '' && !line.startsWith('//'));

const now = read('solutions', '22-nothing-is-remembered', 'server.ts');

test('the README of lesson 22 says how many lines the server of lesson 10 has lost', () => {
  const support = ['json-rpc.ts', 'mcp-http.ts'].map((file) => read('lessons', 'support', file));
  const kept = new Set([now, ...support].flatMap(linesOf));
  const lost = linesOf(read('solutions', '10-sessions-and-log-levels', 'server.ts')).filter((line) => !kept.has(line));
  const withSession = (text: string) => text.split('\n').filter((line) => /session/i.test(line)).length;
  expect(withSession(now)).toBe(0);
  const before = withSession(read('solutions', '15-stand-alone-stream', 'server.ts'));
  const text = read('lessons', '22-nothing-is-remembered', 'README.md');
  expect(text).toContain(`Of the server of lesson 10, ${lost.length} lines are neither`);
  expect(text).toContain(`In lesson 15, ${before} lines had the word "session"`);
});
