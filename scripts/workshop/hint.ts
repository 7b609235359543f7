import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { escapeInvisible, printable } from '../../test/harness/wire/printable.js';
import { Refusal, type Arguments } from './command.ts';
import { findLesson, shortName } from './lessons.ts';
import { readHints, readPage, type Hint, type PageTask } from './page.ts';
import { nextLesson, readProgress } from './progress.ts';
import { heading, wrap } from './report.ts';

/** The questions that a learner asks about a task of a lesson. */
export type Questions = { lesson: Lesson; task: PageTask; hints: Hint[] };

/** Prints the questions for the first task that is not passed; with a number, the answer to that one. */
export function hint({ words, options }: Arguments): number {
  const [first, second] = words;
  const lesson = first === undefined ? currentLesson() : findLesson(first);
  const questions = questionsOf(lesson, options.task === undefined ? undefined : String(options.task));
  console.log(second === undefined ? listed(questions, options.task !== undefined) : answered(questions, second));
  return 0;
}

/** The first lesson that is not passed; when all are, the first. */
export const currentLesson = (): Lesson => nextLesson(readProgress()) ?? catalog[0]!;

/**
 * The questions for a task; without one, for the first task that is not passed.
 * @throws Refusal when the lesson has no such task
 */
export function questionsOf(lesson: Lesson, taskNumber?: string): Questions {
  const { tasks } = readPage(lesson);
  const task = findTask(lesson, taskNumber ?? String(currentTask(lesson, tasks.length)));
  return { lesson, task, hints: readHints(lesson).filter((hint) => hint.task === task.number) };
}

/** @throws Refusal when the lesson has no such task */
export function findTask(lesson: Lesson, number: string): PageTask {
  const { tasks } = readPage(lesson);
  const task = tasks.find((each) => each.number === Number(number));
  if (task) return task;
  throw new Refusal(`Lesson ${lesson.number} has the tasks 1 to ${tasks.length}; "${number}" is not one of them.`);
}

/**
 * One of the questions, counted from 1, with its answer.
 * @throws Refusal when there is no such question
 */
export function findHint({ lesson, task, hints }: Questions, number: string): Hint {
  const found = /^\d+$/.test(number) ? hints[Number(number) - 1] : undefined;
  if (found) return found;
  throw new Refusal(
    `Task ${task.number} of lesson ${lesson.number} has the questions 1 to ${hints.length}; "${number}" is not one of them.`,
  );
}

function listed({ lesson, task: { number, title }, hints }: Questions, named: boolean): string {
  const rows = hints.map(({ question }, i) => {
    const [start, ...rest] = wrap(question, 74);
    return `  ${i + 1}  ${start}${rest.map((line) => `\n     ${line}`).join('')}`;
  });
  const other = (number % readPage(lesson).tasks.length) + 1;
  return [
    `${heading(lesson, `task ${number}`)}\n\n ${escapeInvisible(title)}\n`,
    ...rows,
    `\nAn answer: npm run hint ${shortName(lesson)} 1${named ? ` -- --task ${number}` : ''}`,
    `Another task: npm run hint ${shortName(lesson)} -- --task ${other}`,
  ].join('\n');
}

function answered(questions: Questions, number: string): string {
  const { lesson, task } = questions;
  const { question, answer } = findHint(questions, number);
  const title = heading(lesson, `task ${task.number}, question ${Number(number)}`);
  return `${[title, escapeInvisible(question), ...answer.split(/\n{2,}/).map(layOut)].join('\n\n')}\n`;
}

/** Paragraphs are wrapped; code is left as it stands. */
function layOut(paragraph: string): string {
  if (/^(```|    )/.test(paragraph))
    return printable(paragraph)
      .replace(/^```.*\n?/gm, '')
      .replace(/^/gm, '    ');
  return wrap(paragraph.replaceAll('\n', ' '), 78)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** The first task that is not passed, or the last. */
export function currentTask({ slug }: Lesson, tasks: number): number {
  const passed = readProgress().get(slug)?.tasks ?? 0;
  return Math.min(passed + 1, tasks);
}
