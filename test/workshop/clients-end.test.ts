// The clients of the solutions end with the right exit code, although something that they no longer read stays open.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { root, solutionsFolder } from '../harness/folders.js';

/** The exit code of a client. */
async function exitCodeOf(number: number, args: string[]): Promise<number> {
  const { slug } = catalog.find((lesson) => lesson.number === number)!;
  const client = spawn(process.execPath, ['--import', 'tsx', join(solutionsFolder, slug, 'client.ts'), ...args], {
    cwd: root,
    env: { ...process.env, TIME_LIMIT: '600000', FAREWELL_LIMIT: '100' },
    stdio: 'ignore',
  });
  onTestFinished(() => void client.kill());
  const [code] = (await once(client, 'exit')) as [number];
  return code;
}

test.for([12, 13, 14, 15, 16, 20, 21, 22, 23, 28])('lesson %i: a page that never ends', async (number) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).write('<!DOCTYPE html>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  expect(await exitCodeOf(number, [`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`])).toBe(4);
});

test('lesson 19: a server that has ended, and left its output to a program that it has started', async () => {
  // It ends when nobody reads its output any more, so it does not outlive the client.
  const heir = "setInterval(() => process.stdout.write(' '), 20)";
  const stdio = "{ stdio: ['ignore', 'inherit', 'ignore'] }";
  const server = `require('node:child_process').spawn(process.execPath, ['-e', "${heir}"], ${stdio}); process.exit();`;
  expect(await exitCodeOf(19, ['hello', process.execPath, '-e', server])).toBe(5);
});
