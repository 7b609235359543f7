import { catalog } from '../../lessons/catalog.ts';
import { escapeInvisible, printableJson } from '../../test/harness/wire/printable.js';
import { pc } from './colours.ts';
import type { Arguments } from './command.ts';
import { shortName } from './lessons.ts';
import { readPage } from './page.ts';
import { nextLesson, readProgress, standing } from './progress.ts';

/** Prints every lesson and task, what is passed, and what is next. */
export function showProgress({ options }: Arguments): number {
  const course = readCourse();
  console.log(options.json ? printableJson(course) : courseText(course));
  return 0;
}

type Course = ReturnType<typeof readCourse>;

/** Every lesson and task with what is passed of it, and the slug of the lesson that is next. */
export function readCourse() {
  const progress = readProgress();
  const lessons = catalog.map((lesson) => {
    const now = standing(progress, lesson);
    const passed = now.state === 'not begun' ? 0 : now.tasks;
    const tasks = readPage(lesson).tasks.map(({ number, title }) => ({ number, title, passed: number <= passed }));
    return { ...lesson, state: now.state, tasks };
  });
  return { lessons, next: nextLesson(progress)?.slug ?? null };
}

export function courseText({ lessons, next: slug }: Course): string {
  const lines = lessons.flatMap(({ number, title, minutes, state, tasks }) => {
    const mark = state === 'passed' ? pc.green('✓') : state === 'not begun' ? '·' : '~';
    const note = state === 'changed since it passed' ? '  (changed since it passed)' : '';
    return [
      `${mark} lesson ${number} · ${pc.bold(title)}  ${pc.dim(`${minutes} min`)}${note}`,
      ...tasks.map(
        (task) => `    ${task.passed ? pc.green('✓') : '·'} task ${task.number}  ${escapeInvisible(task.title)}`,
      ),
    ];
  });
  const passed = lessons.filter(({ state }) => state === 'passed').length;
  lines.push('', `${passed} of ${lessons.length} lessons passed.`);
  const next = lessons.find((lesson) => lesson.slug === slug);
  if (next) lines.push(`Next: lessons/${next.slug}/README.md, then npm run check ${shortName(next)}`);
  return lines.join('\n');
}
