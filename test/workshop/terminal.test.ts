// The watch mode as a person sits before it: in a pseudo-terminal, which Python has and Node.js has not.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { describe, test, vi, type TestContext } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, learnersEnv, type Copy } from '../../scripts/workshop/copy.ts';
import { writeOwnWork } from './own-work.ts';
import { processesWith } from './processes.ts';
import { patient } from './waiting.ts';

const lesson1 = 'lessons/01-chunked-stream';
const hasTerminal = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0;
if (!hasTerminal) {
  const sentence = 'The tests of the watch mode in a terminal need Linux and python3: they are left out.';
  if (process.env.CI && process.platform === 'linux') throw new Error(sentence);
  console.warn(sentence);
}

type Watch = {
  copy: Copy;
  pid: number;
  type(keys: string): void;
  /** Waits until what is on the screen holds, and returns it. */
  screen(condition: (text: string) => boolean): Promise<string>;
  /** All that was printed, with what moves the cursor and what colours. */
  output(): string;
  /** Waits for the end: its exit code, and how it left the terminal. */
  end(): Promise<string>;
};

function watch(context: TestContext, command: string[], env: Record<string, string> = {}): Watch {
  const copy = learnersCopy();
  const [program, ...args] = [...command, process.execPath, 'scripts/run.js', 'watch', 'lesson-1'];
  const child = spawn(program!, args, { cwd: copy.folder, env: { ...learnersEnv(), ...env } });
  context.onTestFinished(() => {
    child.kill('SIGKILL');
    copy.remove();
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => (out.stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (out.stderr += bytes.toString()));
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const onScreen = () => stripVTControlCharacters(out.stdout.slice(out.stdout.lastIndexOf('\x1b[2J') + 1));
  return {
    copy,
    pid: child.pid!,
    type: (keys) => child.stdin.write(keys),
    screen: (condition) =>
      vi
        .waitUntil(() => (condition(onScreen()) ? onScreen() : undefined), patient)
        .catch(() => {
          throw new Error(`That never came. There is:\n${onScreen()}\n${out.stderr}`);
        }),
    output: () => out.stdout,
    end: async () => {
      const code = await closed;
      await vi.waitUntil(() => processesWith(copy.folder).length === 0, patient);
      return command.length > 0 ? out.stderr.trim() : String(code);
    },
  };
}

const inTerminal = (columns: number) => [
  'python3',
  fileURLToPath(new URL('terminal.py', import.meta.url)),
  String(columns),
];
const graded = (text: string) => /graded in \d+ ms/.test(text);

describe.skipIf(!hasTerminal)('watch in a terminal', { concurrent: true }, () => {
  test('a learner’s way through a lesson', async (context) => {
    const { expect } = context;
    const { copy, type, screen, output, end } = watch(context, inTerminal(80));
    const starter = await screen((text) => text.includes('0 of 3 tasks') && graded(text));
    expect(starter).toContain('Your server answered GET /stream with status 501.');
    expect(starter).toContain('h hint  l list  v verdict  r run again  c check all  q quit');
    type('h');
    await screen(
      (text) => text.includes('Send each message as soon as it is ready') && text.includes('hint lesson-1 1'),
    );
    type('1');
    await screen((text) => text.includes('response.write'));
    type('l');
    await screen((text) => text.includes(`0 of ${catalog.length} lessons passed.`));
    type('s');
    await screen((text) => text.includes('Lesson 1 is not passed yet'));
    type('n');
    await screen((text) => text.includes('lesson 1: not passed yet'));
    type('v');
    expect(await screen((text) => text.includes('0 of 3 tasks'))).toContain(
      'Your server answered GET /stream with status 501.',
    );

    writeOwnWork(copy);
    const passed = await screen((text) => text.includes('3 of 3 tasks') && graded(text));
    expect(passed).not.toContain('0 of 3 tasks');
    expect(passed).toContain('n next lesson');
    const lines = output()
      .split(/\r?\n|\r|\x1b\[[HJ]/)
      .map(stripVTControlCharacters);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(copy.read('.progress')).toMatch(/^01-chunked-stream 3\/3 /m);
    type('s');
    await screen((text) => text.includes('response.write(`Message ${i}'));
    type('r');
    await screen((text) => text.includes('3 of 3 tasks') && graded(text));
    type('n');
    await screen((text) => text.includes('lesson 2 · ') && graded(text));
    type('c');
    const all = await screen(
      (text) => text.includes(`lesson ${catalog.length} · `) && text.includes('✓ lesson 1 · ') && graded(text),
    );
    expect(all).toContain('✗ lesson 2 · ');
    type('q');
    expect(await end()).toBe('0 restored');

    expect(output()).toContain('\x1b[31m');
  });

  test('without colour, and with a narrow window', async (context) => {
    const { expect } = context;
    const { type, screen, output, end } = watch(context, inTerminal(40), { NO_COLOR: '1' });
    await screen((text) => text.includes('0 of 3 tasks') && graded(text));
    expect(output()).not.toMatch(/\x1b\[\d*m/);
    type('q');
    expect(await end()).toBe('0 restored');
    // The foot is two lines, whatever the width.
    const foot = stripVTControlCharacters(output().slice(output().lastIndexOf('\x1b[J')))
      .trim()
      .split(/\r\n/);
    expect(foot.map((line) => line.length <= 39)).toEqual([true, true]);
  });

  test('Ctrl-C in the middle of a run leaves nothing behind', async (context) => {
    const { expect } = context;
    const { copy, type, screen, end } = watch(context, inTerminal(80));
    await screen(graded);
    copy.write(
      `${lesson1}/server.ts`,
      "import { writeFileSync } from 'node:fs';\nwriteFileSync('begun', '');\nsetInterval(() => {}, 1000);\n",
    );
    await vi.waitUntil(() => existsSync(join(copy.folder, 'begun')), patient);
    type('\x03');
    expect(await end()).toBe('130 restored');
  });
});

describe.skipIf(process.platform === 'win32')('watch in a pipe', { concurrent: true }, () => {
  test('prints one verdict after the other, plainly, and needs no keys', async (context) => {
    const { expect } = context;
    const { copy, pid, screen, output, end } = watch(context, []);
    await screen((text) => text.includes('task 3  waits for task 1'));
    copy.write(`${lesson1}/server.ts`, "throw new Error('not today');\n");
    await screen((text) => text.includes('Error: not today'));
    rmSync(join(copy.folder, lesson1, 'server.ts'));
    await screen((text) => text.includes('server.ts is missing'));
    expect(output()).not.toContain('\x1b');
    expect(output().match(/0 of 3 tasks/g)?.length).toBe(2);
    process.kill(pid, 'SIGTERM');
    expect(await end()).toBe('130');
  });

  test('killed without warning it leaves no program behind', async (context) => {
    const { expect } = context;
    const { copy, pid, screen, end } = watch(context, []);
    await screen((text) => text.includes('task 3  waits for task 1'));
    // The programs that the next run will take: how many, the grader decides.
    if (process.platform === 'linux')
      await vi.waitUntil(() => processesWith(`${copy.folder}/lessons`).length > 0, patient);
    process.kill(pid, 'SIGKILL');
    expect(await end()).toBe('null');
  });
});
