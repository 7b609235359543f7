// The command that compares the transports, with a real run of it: what it measures differs, but not what the transports do.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../harness/folders.js';

const run = promisify(execFile);
const command = ['scripts/run.js', 'measure-transports'];

type Times = { first: number; result: number };
type Figures = {
  transport: string;
  direct: Times;
  requestsPerSecond: number;
  idleBytes?: number;
  behindProxy?: Times | 'nothing';
};

test('npm run measure-transports does the same work over three transports', async () => {
  const { stdout } = await run(process.execPath, [...command, '--json'], { cwd: root });
  const figures = JSON.parse(stdout) as Figures[];
  expect(figures.map(({ transport }) => transport)).toEqual(['stdio', 'HTTP+SSE', 'Streamable HTTP']);
  for (const { transport, direct, requestsPerSecond } of figures) {
    expect(direct.first, transport).toBeGreaterThan(0);
    expect(requestsPerSecond, transport).toBeGreaterThan(0);
  }
  const [stdio, oldHttp, newHttp] = figures as [Figures, Figures, Figures];
  expect(stdio.behindProxy).toBeUndefined();
  expect(oldHttp.behindProxy).toBe('nothing');
  const { first, result } = newHttp.behindProxy as Times;
  // Behind the proxy, the first notification comes with the result; without it, it comes three pauses earlier.
  for (const { direct, transport } of figures) {
    expect(direct.result - direct.first, transport).toBeGreaterThan(result - first);
  }
  if (stdio.idleBytes !== undefined) expect(stdio.idleBytes).toBeGreaterThan(10 * oldHttp.idleBytes!);
});

test('a word that it does not know gets a sentence and exit code 2', async () => {
  const refused = run(process.execPath, [...command, 'stdio'], { cwd: root });
  await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('one word too many') });
});
