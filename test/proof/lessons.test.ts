// Proves each lesson: its solution and variants pass; its starter and mistakes fail, at the task and for the reason that they should.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { readPage, type PageTask } from '../../scripts/workshop/page.ts';
import { report } from '../../scripts/workshop/report.ts';
import { finished, starterOf, tasksIn } from '../../scripts/workshop/starter.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import type { Grader } from '../harness/run/grader.ts';
import { openRun, type Target } from '../harness/run/run.ts';
import type { Verdict } from '../harness/run/verdict.ts';
import { graders } from './graders.ts';
import { firstTaskWith, mistakesOf, withMistake } from './mistake.ts';
import { normalizeVerdict } from './normalize-verdict.ts';

const pool = graders(5);
const temporary = join(root, '.tmp', `proof-${process.pid}`);

/**
 * The mistakes that got their verdict only in a second or third grading. A wrong program may be a race in itself, so which fault
 * is seen first can depend on the machine. Right programs are graded once.
 */
const unsteady: string[] = [];
/** More than these among more than a thousand are a fault of the graders. */
const mostUnsteady = 12;
/** The kept verdicts are those of Node.js 20. In other versions, the errors of Node.js itself have other words and places. */
const hasKeptWords = process.version.startsWith('v20.');
/** The mistakes that were graded from their own task on in vain. */
const gradedTwice: string[] = [];
afterAll(async () => {
  await pool.close();
  rmSync(temporary, { recursive: true, force: true });
  if (gradedTwice.length > 0) console.log(`Graded from the beginning as well: ${gradedTwice.length}`);
  if (unsteady.length > 0) console.log(`Another verdict at first: ${unsteady.join(', ')}`);
  if (unsteady.length > mostUnsteady) throw new Error(`${unsteady.length} mistakes got another verdict at first.`);
});

/** How many tasks come before the first requirement about the client: no mistake in the client is to be found there. */
async function tasksWithoutClient(slug: string): Promise<number> {
  const file = join(root, 'test', 'lessons', `${slug}.test.ts`);
  const { default: grader } = (await import(/* @vite-ignore */ file)) as { default: Grader };
  const run = openRun({ folder: '', folderName: '', seed: 1 });
  run.register(grader);
  const isAboutClient = ({ requirements }: (typeof run.tasks)[number]) =>
    requirements.some((requirement) => requirement.file === 'client.ts');
  const first = run.tasks.findIndex(isAboutClient);
  return first < 0 ? run.tasks.length : first;
}

type Programs = Record<(typeof learnerFiles)[number], string>;

// The last lesson first: its gradings take longest, and at the end nobody should wait for one.
for (const lesson of [...catalog].reverse()) {
  const { slug } = lesson;
  const solution = filesOf(join(solutionsFolder, slug));
  const mistakes = await mistakesOf(slug);
  const withoutClient = await tasksWithoutClient(slug);
  const variants = readdirSync(join(root, 'test', 'variants', slug));
  const tasks = [...new Set(learnerFiles.flatMap((file) => tasksIn(solution[file])))].sort();

  const grade = (
    name: string,
    programs: Programs,
    { seed, assumePassed, withFirst }: Partial<Pick<Target, 'seed' | 'assumePassed' | 'withFirst'>> = {},
  ): Promise<Verdict> => {
    const folder = join(temporary, name, slug);
    mkdirSync(folder, { recursive: true });
    for (const file of learnerFiles) writeFileSync(join(folder, file), programs[file]);
    return pool.grade({
      slug,
      folder,
      folderName: `lessons/${slug}`,
      ...(seed && { seed }),
      ...(assumePassed && { assumePassed }),
      ...(withFirst && { withFirst }),
    });
  };
  const every = (change: (source: string) => string): Programs => ({
    'server.ts': change(solution['server.ts']),
    'client.ts': change(solution['client.ts']),
  });
  const text = (verdict: Verdict) => report(lesson, verdict, undefined);

  describe(slug, { concurrent: true }, () => {
    test('the solution passes', async ({ expect }) => {
      const verdict = await grade('solution', every(finished));
      expect(verdict.state, text(verdict)).toBe('passed');
      expect(verdict.tasks.map(({ note }) => note).filter(Boolean)).toEqual([]);
    });

    test.for(tasks)('the starter fails at task %i', async (task, { expect }) => {
      const verdict = await grade(
        `starter-${task}`,
        every((source) => starterOf(source, task)),
        { seed: 1 },
      );
      expect(failedTask(verdict), text(verdict)).toBe(task);
      expect(asked(verdict), 'the README asks for what is graded, word for word').toEqual(readPage(lesson).tasks);
      await expect(normalizeVerdict(text(verdict))).toMatchFileSnapshot(`../verdicts/${slug}/starter-${task}.txt`);
    });

    test.for(mistakes.map((mistake) => [mistake.name, mistake] as const))(
      'mistake: %s',
      async ([name, mistake], { expect }) => {
        const programs = { ...every(finished), [mistake.file]: withMistake(finished(solution[mistake.file]), mistake) };
        const assumePassed = mistake.file === 'client.ts' ? withoutClient : 0;
        const gradeWhole = () => grade(name, programs, { seed: 1, assumePassed });
        const kept = join(root, 'test', 'verdicts', slug, `${name}.txt`);
        const isAsKept = (verdict: Verdict) =>
          failedTask(verdict) === mistake.task &&
          (mistake.varies ||
            !hasKeptWords ||
            (existsSync(kept) && readFileSync(kept, 'utf8') === normalizeVerdict(text(verdict))));

        // The tasks before a mistake cost time and find nothing. Where a task looks at what was exchanged in the one before it,
        // the verdict is another without it, and the mistake is graded from the beginning.
        const before = firstTaskWith(solution[mistake.file], mistake) - 1;
        if (before > assumePassed) {
          const withFirst = mistake.file === 'server.ts';
          const short = await grade(name, programs, { seed: 1, assumePassed: before, withFirst }).catch(
            () => undefined,
          );
          if (short && isAsKept(short)) return;
          gradedTwice.push(`${slug}/${name}`);
        }
        let verdict = await gradeWhole();
        for (let again = 0; again < 2 && !isAsKept(verdict); again++) {
          verdict = await gradeWhole();
          if (isAsKept(verdict)) unsteady.push(`${slug}/${name}`);
        }
        expect(failedTask(verdict), text(verdict)).toBe(mistake.task);
        if (mistake.varies || !hasKeptWords) return;
        await expect(normalizeVerdict(text(verdict))).toMatchFileSnapshot(`../verdicts/${slug}/${name}.txt`);
      },
    );

    test.for(variants)('variant: %s', async (name, { expect }) => {
      const folder = join(root, 'test', 'variants', slug, name);
      const verdict = await grade(name, { ...every(finished), ...filesOf(folder) });
      expect(verdict.state, text(verdict)).toBe('passed');
    });
  });
}

const failedTask = (verdict: Verdict): number | undefined =>
  verdict.tasks.find((task) => task.state === 'failed')?.number;

/** What a grader asks, in the form in which a README does. */
const asked = (verdict: Verdict): PageTask[] =>
  verdict.tasks.map(({ number, title, requirements }) => ({
    number,
    title,
    requirements: requirements.map(({ sentence }) => sentence),
  }));

function filesOf(folder: string): Programs {
  const present = learnerFiles.filter((file) => existsSync(join(folder, file)));
  return Object.fromEntries(present.map((file) => [file, readFileSync(join(folder, file), 'utf8')])) as Programs;
}
