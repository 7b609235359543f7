import type { Arguments } from './command.ts';
import { Refusal } from './command.ts';
import { findLesson, shortName, type Lesson } from './lessons.ts';
import { readHints, readPage } from './page.ts';
import { nextLesson, readProgress } from './progress.ts';
import { heading, wrap } from './report.ts';

/** Prints the questions for the first task that is not passed; with a number, the answer to that one. */
export function hint({ words, options }: Arguments): number {
  const [first, second] = words;
  const lesson = first === undefined ? (nextLesson(readProgress()) ?? findLesson('1')) : findLesson(first);
  const page = readPage(lesson);
  const number = options.task === undefined ? currentTask(lesson, page.tasks.length) : Number(options.task);
  const task = page.tasks.find((task) => task.number === number);
  if (!task)
    throw new Refusal(`Lesson ${lesson.number} has the tasks 1 to ${page.tasks.length}; "${options.task}" is none.`);
  const hints = readHints(lesson).filter((hint) => hint.task === number);

  if (second === undefined) {
    console.log(`${heading(lesson, `task ${number}`)}\n\n ${task.title}\n`);
    for (const [i, { question }] of hints.entries()) {
      const [start, ...rest] = wrap(question, 74);
      console.log(`  ${i + 1}  ${start}${rest.map((line) => `\n     ${line}`).join('')}`);
    }
    console.log(`\nAn answer: npm run hint ${shortName(lesson)} 1${options.task ? ` -- --task ${number}` : ''}`);
    console.log(`Another task: npm run hint ${shortName(lesson)} -- --task ${(number % page.tasks.length) + 1}`);
    return 0;
  }
  const found = /^\d+$/.test(second) ? hints[Number(second) - 1] : undefined;
  if (!found) {
    throw new Refusal(
      `Task ${number} of lesson ${lesson.number} has the questions 1 to ${hints.length}; "${second}" is none.`,
    );
  }
  console.log(`${found.question}\n`);
  for (const paragraph of found.answer.split(/\n{2,}/)) console.log(`${layOut(paragraph)}\n`);
  return 0;
}

/** Paragraphs are wrapped; code is left as it stands. */
function layOut(paragraph: string): string {
  if (/^(```|    )/.test(paragraph)) return paragraph.replace(/^```.*\n?/gm, '').replace(/^/gm, '    ');
  return wrap(paragraph.replaceAll('\n', ' '), 78)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** The first task that is not passed, or the last. */
export function currentTask({ slug }: Lesson, tasks: number): number {
  const passed = readProgress().get(slug)?.tasks ?? 0;
  return Math.min(passed + 1, tasks);
}
