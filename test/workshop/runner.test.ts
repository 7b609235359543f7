// What runs a grader: tasks and requirements in order, failures and defects told apart, nothing kept from run to run.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root } from '../harness/folders.js';
import { beginRun, endAllPrograms } from '../harness/programs/pool.js';
import { Failure } from '../harness/run/failure.ts';
import type { Grader } from '../harness/run/grader.ts';
import { runGrader } from '../harness/run/runner.ts';

// Inside of the repository, where a program may import #support.
const folder = join(root, '.tmp', `runner-${process.pid}`);
mkdirSync(folder, { recursive: true });
afterAll(() => {
  endAllPrograms();
  rmSync(folder, { recursive: true, force: true });
});

const target = { folder, folderName: 'lessons/00-test', seed: 7, prewarm: false };
const grade = (grader: Grader, more = {}) => runGrader(grader, '00-test', { ...target, ...more });
const nothing = async () => {};
const fails = (cause: string) => async () => {
  throw new Failure({ cause });
};

test('after a requirement that fails, the rest wait', async () => {
  const ran: string[] = [];
  const verdict = await grade(({ task, requirement }) => {
    task({ number: 1, title: 'One', file: 'server.ts' }, () => {
      requirement('passes', async () => void ran.push('passes'));
      requirement('fails', fails('It did not.'));
      requirement('waits', async () => void ran.push('waits'));
    });
    task({ number: 2, title: 'Two', file: 'client.ts' }, () => requirement('waits too', nothing));
  });
  expect(ran).toEqual(['passes']);
  expect(verdict.state).toBe('failed');
  expect(verdict.tasks.map(({ state }) => state)).toEqual(['failed', 'waiting']);
  expect(verdict.tasks[0]!.requirements.map(({ state }) => state)).toEqual(['passed', 'failed', 'waiting']);
  expect(verdict.tasks[0]!.requirements[1]!.explanation).toMatchObject({
    cause: 'It did not.',
    at: 'lessons/00-test/server.ts',
  });
});

test('what a task draws does not depend on the tasks before it', async () => {
  const draws = async (first: boolean) => {
    const drawn: number[] = [];
    await grade(({ task, requirement, random }) => {
      task({ number: 1, title: 'One', file: 'server.ts' }, () => {
        if (first) random.next();
        requirement('draws', async () => void (first && random.next()));
      });
      task({ number: 2, title: 'Two', file: 'server.ts' }, () => {
        drawn.push(random.next());
        requirement('draws too', async () => void drawn.push(random.next()));
      });
    });
    return drawn;
  };
  expect(await draws(true)).toEqual(await draws(false));
});

test.for([
  ['an error', () => Promise.reject(new Error('a defect'))],
  ['an error that nobody waits for', () => (void Promise.reject(new Error('a defect')), new Promise<void>(() => {}))],
] as const)('%s in a grader is no verdict', async ([, body]) => {
  const run = grade(({ task, requirement }) => {
    task({ number: 1, title: 'One', file: 'server.ts' }, () => requirement('is broken', body));
  });
  await expect(run).rejects.toThrow(/The grader of 00-test is broken.*\n.*a defect/);
});

test.for([
  ['without tasks', () => {}],
  ['with a task without requirements', ({ task }) => task({ number: 1, title: 'One', file: 'server.ts' }, () => {})],
] as [string, Grader][])('a grader %s is no verdict', async ([, grader]) => {
  await expect(grade(grader)).rejects.toThrow('has no requirements');
});

test('a run that is stopped gives no verdict, and what it was testing is left behind', async () => {
  const stop = new AbortController();
  const run = runGrader(
    ({ task, requirement, until }) => {
      task({ number: 1, title: 'One', file: 'server.ts' }, () =>
        requirement('waits', async () => {
          setImmediate(() => stop.abort(new Error('stopped')));
          await until(() => false, 60_000);
        }),
      );
    },
    '00-test',
    target,
    { signal: stop.signal },
  );
  await expect(run).rejects.toThrow('stopped');
});

test('a task that asks for work says so of a program that never calls it', async () => {
  const graded = async (body: string) => {
    writeFileSync(
      join(folder, 'client.ts'),
      `import { work } from '#support/work.ts';\n${body}\nconsole.log(typeof work);\n`,
    );
    beginRun({ folder });
    const verdict = await grade(({ task, requirement, startClient, until }) => {
      task({ number: 1, title: 'One', file: 'client.ts', asksForWork: true }, () =>
        requirement('prints', async () => {
          const client = startClient();
          await until(() => (client.held[0]?.release(), client.end), 60_000);
        }),
      );
    });
    return verdict.tasks[0]!.note;
  };
  expect(await graded("await work('something');")).toBeUndefined();
  expect(await graded('')).toMatch(/never called work/);
});

test.for(['ENOSPC', 'EMFILE'])('a file that the machine refuses, with %s, is no defect of the grader', async (code) => {
  const refused = () => Object.assign(new Error(`${code}: refused, open`), { code, syscall: 'open' });
  const during = (test: () => Promise<void>) =>
    grade(({ task, requirement }) => {
      task({ number: 1, title: 'One', file: 'server.ts' }, () => requirement('writes', test));
    });
  const said = { message: expect.stringMatching(/^This machine refused the grader a file .*npm run doctor/s) };
  await expect(during(() => Promise.reject(refused()))).rejects.toMatchObject(said);
  const unnoticed = async () => {
    void Promise.reject(refused());
    await new Promise(() => {});
  };
  await expect(during(unnoticed)).rejects.toMatchObject(said);
});
