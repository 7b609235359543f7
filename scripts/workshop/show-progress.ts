import { catalog, minutesOf, tracks } from '../../lessons/catalog.ts';
import { escapeInvisible, printableJson } from '../../test/harness/wire/printable.js';
import { pc } from './colours.ts';
import type { Arguments } from './command.ts';
import { shortName } from './lessons.ts';
import { readPage } from './page.ts';
import { nextLesson, readProgress, standing, tasksPassed } from './progress.ts';

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
    const passed = tasksPassed(progress, lesson);
    const tasks = readPage(lesson).tasks.map(({ number, title }) => ({ number, title, passed: number <= passed }));
    return { ...lesson, state: now.state, tasks };
  });
  return {
    lessons,
    tracks: tracks.map((track) => ({ ...track, minutes: minutesOf(track) })),
    next: nextLesson(progress)?.slug ?? null,
  };
}

const marks = {
  passed: pc.green('✓'),
  'has the solution': '=',
  'changed since it passed': '~',
  begun: '~',
  'not begun': '·',
};

export function courseText({ lessons, tracks, next: slug }: Course): string {
  const lines = lessons.flatMap(({ number, title, minutes, state, tasks }) => {
    const note = state === 'changed since it passed' || state === 'has the solution' ? `  (${state})` : '';
    return [
      `${marks[state]} lesson ${number} · ${pc.bold(title)}  ${pc.dim(`${minutes} min`)}${note}`,
      ...tasks.map(
        (task) => `    ${task.passed ? pc.green('✓') : '·'} task ${task.number}  ${escapeInvisible(task.title)}`,
      ),
    ];
  });
  lines.push('', 'Tracks:');
  for (const { title, lessons, minutes } of tracks) {
    lines.push(`  ${title.padEnd(12)}${pc.dim(hoursAndMinutes(minutes))}  lessons ${inRanges(lessons)}`);
  }
  const passed = lessons.filter(({ state }) => state === 'passed').length;
  lines.push('', `${passed} of ${lessons.length} lessons passed.`);
  const next = lessons.find((lesson) => lesson.slug === slug);
  if (next) lines.push(`Next: lessons/${next.slug}/README.md, then npm run check ${shortName(next)}`);
  return lines.join('\n');
}

/** `2 h 25 min` */
export const hoursAndMinutes = (minutes: number): string =>
  `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;

/** `1–3, 7–12` for the numbers of lessons. */
export function inRanges(numbers: number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range?.[1] === number - 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');
}
