import { pc } from './colours.ts';
import type { Arguments } from './command.ts';
import { catalog, shortName } from './lessons.ts';
import { readPage } from './page.ts';
import { nextLesson, readProgress, standing } from './progress.ts';

/** Prints every lesson and task, what is passed, and what is next. */
export function showProgress({ options }: Arguments): number {
  const progress = readProgress();
  const rows = catalog.map((lesson) => {
    const now = standing(progress, lesson);
    const passed = now.state === 'not begun' ? 0 : now.tasks;
    const tasks = readPage(lesson).tasks.map(({ number, title }) => ({ number, title, passed: number <= passed }));
    return { lesson, state: now.state, tasks };
  });
  const next = nextLesson(progress);
  if (options.json) {
    const lessons = rows.map(({ lesson, state, tasks }) => ({ ...lesson, state, tasks }));
    console.log(JSON.stringify({ lessons, next: next?.slug ?? null }, null, 2));
    return 0;
  }
  for (const { lesson, state, tasks } of rows) {
    const mark = state === 'passed' ? pc.green('✓') : state === 'not begun' ? '·' : '~';
    const note = state === 'changed since it passed' ? '  (changed since it passed)' : '';
    console.log(
      `${mark} lesson ${lesson.number} · ${pc.bold(lesson.title)}  ${pc.dim(`${lesson.minutes} min`)}${note}`,
    );
    for (const task of tasks)
      console.log(`    ${task.passed ? pc.green('✓') : '·'} task ${task.number}  ${task.title}`);
  }
  const count = rows.filter(({ state }) => state === 'passed').length;
  console.log(`\n${count} of ${rows.length} lessons passed.`);
  if (next) console.log(`Next: lessons/${next.slug}/README.md, then npm run check ${shortName(next)}`);
  return 0;
}
