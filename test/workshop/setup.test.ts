import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureInstalled, missingPackages, nodeIsNewEnough } from '../../scripts/setup.js';
import { learnersCopy, type Copy } from './copy.ts';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
  rmSync(join(copy.folder, 'node_modules'));
});
afterAll(() => copy.remove());

test(
  'without packages and without a network, a command says what to do, with exit code 2',
  { timeout: 60_000 },
  async () => {
    const offline = ['registry=http://127.0.0.1:9', `cache=${join(copy.folder, 'empty-cache')}`, 'fetch-retries=0'];
    writeFileSync(join(copy.folder, '.npmrc'), offline.join('\n'));
    const { code, stdout, stderr } = await copy.run('start');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Installing \d+ packages \(.+\): npm ci$/m);
    expect(stderr).toContain('The packages could not be installed');
    expect(stderr).toContain('Behind a proxy:');
    expect(stderr).toContain('npm run doctor');
  },
);

test('the doctor runs without packages, and says that they are missing', async () => {
  const { code, stdout } = await copy.run('doctor');
  expect(code).toBe(1);
  expect(stdout).toContain('✗ the packages of package-lock.json are installed');
});

test('with everything in place, looking costs less than 50 ms', () => {
  expect(missingPackages()).toEqual([]);
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    ensureInstalled();
    return performance.now() - began;
  });
  expect(times.sort((a, b) => a - b)[2]).toBeLessThan(50);
});

test.for([
  ['20.19.0', true],
  ['20.18.3', false],
  ['18.20.4', false],
  ['22.0.0', true],
  ['26.1.0', true],
] as const)('Node.js %s is new enough: %s', ([version, enough]) => {
  expect(nodeIsNewEnough(version)).toBe(enough);
});
