// When this machine has no more ports or processes, a command ends with a sentence and exit code 3; without watches it polls.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { learnersCopy, learnersEnv, type Copy, type Run } from '../../scripts/workshop/copy.ts';
import { root } from '../harness/folders.js';
import { patient } from './waiting.ts';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
});
afterAll(() => copy.remove());

/** Runs Node.js in the copy; `before` are the words in front of it. */
function node(args: string[], before: string[] = []): Promise<Run> {
  const [file, ...rest] = [...before, process.execPath, ...args];
  const child = spawn(file!, rest, { cwd: copy.folder, env: { ...learnersEnv(), NO_COLOR: '1' } });
  const run: Run = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => (run.stdout += bytes));
  child.stderr.on('data', (bytes) => (run.stderr += bytes));
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...run, code })));
}

/** A module that does something before the command begins. */
const first = (code: string) => ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
const check = ['scripts/run.js', 'check', 'lesson-1'];

/** In a network of its own, whoever takes ports takes them from nobody. */
const alone = ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];
const canBeAlone = spawnSync(alone[0]!, [...alone.slice(1), process.execPath, '-e', '0']).status === 0;

const listen = `import { createServer } from 'node:net';
const listen = (port) => new Promise((resolve, reject) => {
  createServer().on('error', reject).listen(port, '127.0.0.1', resolve).unref();
});
`;

test.runIf(canBeAlone)('every block of ports is taken', async () => {
  const takeAll = `${listen}for (let port = 20000; port < 30000; port += 100) await listen(port);`;
  const { code, stderr } = await node([...first(takeAll), ...check], alone);
  expect(stderr).toContain('The grader needs a port, but all 100 of those that it may begin with are taken');
  expect(code).toBe(3);
});

test.runIf(canBeAlone)('every port of the block is taken, and the event loop keeps its turns', async () => {
  const ports = JSON.stringify(pathToFileURL(join(root, 'test/harness/programs/ports.ts')).href);
  const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
  writeFileSync(
    join(copy.folder, 'ports.ts'),
    `${listen}import { ports } from ${ports};
const own = ports();
const one = await own.free();
const begin = Math.floor(one / 100) * 100;
for (let port = begin + 1; port < begin + 100; port++) await listen(port);
let turns = 0;
setInterval(() => turns++).unref();
const said = await own.free().catch((error) => error.message);
console.log(JSON.stringify({ said, turned: turns > 0 }));
process.exit();
`,
  );
  const { stdout, stderr } = await node(['--import', tsx, 'ports.ts'], alone);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    said: expect.stringMatching(/^All ports from \d+1 to \d+99 of 127\.0\.0\.1 are taken, [^]* check again\.$/),
    turned: true,
  });
});

test.for([
  ['the system says so later', 'check', '/nowhere/node'],
  ['the system says so immediately', 'try', 'no\0node'],
])('no process can be started: %s', async ([, command, path]) => {
  const noNode = first(`process.execPath = ${JSON.stringify(path)}`);
  const { code, stderr } = await node([...noNode, 'scripts/run.js', command!, 'lesson-1']);
  expect(stderr).toContain('The grader could not start server.ts: ');
  expect(code).toBe(3);
});

test('no file can be watched: npm run watch looks for itself', async () => {
  const noWatches = first(`import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
fs.watch = () => { throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' }); };
syncBuiltinESMExports();
`);
  const child = spawn(process.execPath, [...noWatches, 'scripts/run.js', 'watch', 'lesson-1'], {
    cwd: copy.folder,
    env: { ...learnersEnv(), NO_COLOR: '1' },
  });
  onTestFinished(() => void child.kill());
  let output = '';
  child.stdout.on('data', (bytes) => (output += bytes));
  const verdicts = (count: number) => vi.waitUntil(() => output.split('the same again').length > count, patient);
  await verdicts(1);
  copy.write('lessons/01-chunked-stream/server.ts', "throw new Error('saved');\n");
  await verdicts(2);
  expect(output).toContain('Error: saved');
});
