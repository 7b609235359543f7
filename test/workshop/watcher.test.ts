// The engine of the watch mode: what a save does, however an editor writes it.
import { fork, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, vi, type TestContext } from 'vitest';
import { learnersCopy, learnersEnv, type Copy } from '../../scripts/workshop/copy.ts';
import { root } from '../harness/folders.js';
import type { Verdict } from '../harness/run/verdict.ts';
import { writeOwnWork } from './own-work.ts';
import { exists, processesWith } from './processes.ts';
import { patient } from './waiting.ts';

const slug = '01-chunked-stream';
const server = `lessons/${slug}/server.ts`;
const windows = process.platform === 'win32';

type Event = {
  type: string;
  slug?: string;
  error?: string;
  verdict?: Verdict;
  took?: number;
  task?: number;
  index?: number;
  state?: string;
};

type Watching = {
  copy: Copy;
  /** Every event so far, oldest first. */
  events: Event[];
  /** Waits for the next event of this type that nobody has waited for, and returns it. */
  next(...types: string[]): Promise<Event>;
  close(): Promise<void>;
  pid: number;
};

async function watching({ onTestFinished }: TestContext, { poll = false } = {}): Promise<Watching> {
  const copy = learnersCopy();
  onTestFinished(() => copy.remove());
  const engine = 'test/workshop/watching.ts';
  cpSync(join(root, engine), join(copy.folder, engine));
  const start = join(copy.folder, 'test/harness/fast-start/start.js');
  const child: ChildProcess = fork(start, [engine, poll ? 'poll' : 'events'], {
    cwd: copy.folder,
    env: learnersEnv(),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const events: Event[] = [];
  let seen = 0;
  let look = () => {};
  child.on('message', (event) => {
    events.push(event as Event);
    look();
  });
  const next = (...types: string[]) =>
    new Promise<Event>((resolve) => {
      look = () => {
        const index = events.findIndex(({ type }, i) => i >= seen && types.includes(type));
        if (index < 0) return;
        seen = index + 1;
        look = () => {};
        resolve(events[index]!);
      };
      look();
    });
  await next('ready');
  const close = () =>
    new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.send('close');
    });
  return { copy, events, next, close, pid: child.pid! };
}

const countOf = (events: Event[], type: string) => events.filter((event) => event.type === type).length;

/** A server that says its process id in a file, and never listens. */
const hangs =
  "import { writeFileSync } from 'node:fs';\nwriteFileSync('hanging', String(process.pid));\nsetInterval(() => {}, 1000);\n";

describe('a save', { concurrent: true }, () => {
  for (const poll of [false, true]) {
    const how = poll ? 'found by looking' : 'told by the file system';

    test(`is graded, ${how}: each requirement as it ends, then the verdict, recorded as check records it`, async (context) => {
      const { expect } = context;
      const { copy, events, next, close } = await watching(context, { poll });
      writeOwnWork(copy);
      // Two files were written: one save, or two.
      let verdict: Verdict | undefined;
      while (verdict?.state !== 'passed') verdict = (await next('verdict')).verdict;
      const last = events.slice(events.findLastIndex(({ type }) => type === 'run'));
      expect(last.filter(({ type }) => type === 'requirement')).toMatchObject(
        verdict.tasks.flatMap(({ number, requirements }) =>
          requirements.map((_, index) => ({ task: number, index, state: 'passed' })),
        ),
      );
      const recorded = copy.read('.progress');
      rmSync(join(copy.folder, '.progress'));
      await copy.run('check', '1');
      expect(recorded).toBe(copy.read('.progress'));
      await close();
      await vi.waitUntil(() => processesWith(copy.folder).length === 0, patient);
    });

    test(`in several steps is one run, ${how}`, async (context) => {
      const { expect } = context;
      const { copy, events, next, pid } = await watching(context, { poll });
      const text = copy.read(server);
      if (process.platform !== 'win32') process.kill(pid, 'SIGSTOP'); // however long the writing takes
      for (const part of ['', text.slice(0, 100), text, `${text}// 1\n`, `${text}// 2\n`]) {
        copy.write(server, part);
        copy.write(`${server}.tmp`, part); // between them, or the system tells of all as one
      }
      if (process.platform !== 'win32') process.kill(pid, 'SIGCONT');
      await next('verdict');
      copy.write(server, `${text}// 3\n`);
      await next('verdict');
      expect(countOf(events, 'run')).toBe(2);
    });

    test(`by way of another file is a save, ${how}`, async (context) => {
      const { expect } = context;
      const { copy, events, next } = await watching(context, { poll });
      for (const i of [1, 2]) {
        copy.write(`${server}.tmp`, `throw new Error('version ${i}');\n`);
        renameSync(join(copy.folder, `${server}.tmp`), join(copy.folder, server));
        const { verdict } = await next('verdict');
        expect(verdict?.tasks[0]?.requirements[0]?.explanation?.output).toContain(`version ${i}`);
      }
      expect(countOf(events, 'run')).toBe(2);
    });

    test(`a file that is gone is said to be missing, and graded when it is back as it was, ${how}`, async (context) => {
      const { expect } = context;
      const { copy, events, next } = await watching(context, { poll });
      const text = copy.read(server);
      rmSync(join(copy.folder, server));
      expect((await next('error')).error).toContain(`${server} is missing`);
      copy.write(server, text);
      await next('verdict');
      expect(countOf(events, 'error')).toBe(1);
    });
  }

  test('during a run stops that run with its programs, and begins anew', async (context) => {
    const { expect } = context;
    const { copy, events, next } = await watching(context);
    const pidFile = join(copy.folder, 'hanging');
    copy.write(server, hangs);
    const pid = await vi.waitUntil(() => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8')), patient);
    expect(exists(pid)).toBe(true);
    copy.write(server, "throw new Error('newer');\n");
    const { verdict } = await next('verdict', 'error');
    expect(verdict?.tasks[0]?.requirements[0]?.explanation?.output).toContain('newer');
    expect(events.map(({ type }) => type).filter((type) => type !== 'requirement')).toEqual([
      'ready',
      'run',
      'run',
      'verdict',
    ]);
    await vi.waitUntil(() => !exists(pid), patient);
  });

  test('leaves nothing behind that a program has started on its own', async (context) => {
    const { expect } = context;
    const { copy, next } = await watching(context);
    copy.write(
      server,
      "import { spawn } from 'node:child_process';\n" +
        "const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });\n" +
        'throw new Error(`started ${pid}`);\n',
    );
    const { verdict } = await next('verdict');
    const pid = Number(/started (\d+)/.exec(verdict!.tasks[0]!.requirements[0]!.explanation!.output!)?.[1]);
    expect(pid).toBeGreaterThan(0);
    await vi.waitUntil(() => !exists(pid), patient);
  });

  test.skipIf(windows)('that changes nothing is no run; nor is a file that is gone for a moment', async (context) => {
    const { expect } = context;
    const { copy, events, next, pid } = await watching(context);
    const text = copy.read(server);
    // The watcher stands still meanwhile, so that the moment is one however slow this process is.
    process.kill(pid, 'SIGSTOP');
    copy.write(server, text);
    rmSync(join(copy.folder, server));
    copy.write(server, text);
    process.kill(pid, 'SIGCONT');
    copy.write(
      'lessons/02-server-sent-events/server.ts',
      `${copy.read('lessons/02-server-sent-events/server.ts')}// saved\n`,
    );
    expect((await next('verdict', 'error')).slug).toBe('02-server-sent-events');
    expect(countOf(events, 'run')).toBe(1);
  });

  test('of another file that a program imports is graded too, as it is now', async (context) => {
    const { expect } = context;
    const { copy, next } = await watching(context);
    copy.write(server, "import { say } from './say.ts';\nthrow new Error(say);\n");
    await next('verdict');
    for (const word of ['first', 'second']) {
      copy.write(`lessons/${slug}/say.ts`, `export const say = '${word}';\n`);
      const { verdict } = await next('verdict');
      expect(verdict?.tasks[0]?.requirements[0]?.explanation?.output).toContain(word);
    }
  });

  test('in a folder that was taken away and put back is seen', async (context) => {
    const { expect } = context;
    const { copy, next } = await watching(context);
    const folder = join(copy.folder, 'lessons', slug);
    cpSync(folder, `${folder}.away`, { recursive: true });
    rmSync(folder, { recursive: true });
    expect((await next('error')).error).toContain('are missing');
    cpSync(`${folder}.away`, folder, { recursive: true });
    await next('verdict');
    copy.write(server, `${copy.read(server)}// saved\n`);
    await next('verdict');
  });
});

test('a broken progress file is said to be one, and nothing is graded', async (context) => {
  const { expect } = context;
  const { copy, events, next } = await watching(context);
  copy.write('.progress', 'three of three\n');
  copy.write(server, `${copy.read(server)}// saved\n`);
  expect((await next('error', 'verdict')).error).toContain('Line 1 of .progress is not understood');
  expect(countOf(events, 'run')).toBe(0);
});
