import { join } from 'node:path';
import type { Lesson } from '../../lessons/catalog.ts';
import { escapeInvisible, printable } from '../../test/harness/wire/printable.js';
import { pc } from './colours.ts';
import { Refusal, type Arguments } from './command.ts';
import { findLesson, learnerFiles, lessonFolder, readSolution, shortName } from './lessons.ts';
import { readPage } from './page.ts';
import { hasPassed } from './progress.ts';
import { heading } from './report.ts';
import { replace } from './reset.ts';
import { codeOf, finished } from './starter.ts';

/** Shows the finished code of a lesson task by task, once it is passed or when asked to; or puts it in place. */
export function solution({ words: [name], options }: Arguments): number {
  if (name === undefined) throw new Refusal('Which lesson? For example: npm run solution lesson-1');
  const lesson = findLesson(name);
  const sources = sourcesOf(lesson);
  if (options.apply) {
    return replace(
      lesson,
      sources.map(({ file, source }) => ({ path: join(lessonFolder(lesson), file), text: finished(source) })),
    );
  }
  if (!options.reveal && !hasPassed(lesson)) {
    throw new Refusal(
      `Lesson ${lesson.number} is not passed yet: npm run hint ${shortName(lesson)} gives a nudge.\n` +
        `To see the solution all the same: npm run solution ${shortName(lesson)} -- --reveal`,
    );
  }
  const tasks = readPage(lesson).tasks.filter(
    ({ number }) => options.task === undefined || number === Number(options.task),
  );
  if (tasks.length === 0) throw new Refusal(`Lesson ${lesson.number} has no task "${options.task}".`);
  console.log(heading(lesson, 'solution'));
  for (const { number, title } of tasks) {
    console.log(`\n${pc.bold(`task ${number}`)}  ${escapeInvisible(title)}`);
    for (const { file, title, code } of solutionOf(lesson, number)) {
      console.log(`\n${pc.dim(`// ${file}: ${escapeInvisible(title)}`)}\n${printable(code)}`);
    }
  }
  return 0;
}

const sourcesOf = (lesson: Lesson) => learnerFiles.map((file) => ({ file, source: readSolution(lesson, file) }));

/** The finished code of a task, piece by piece. */
export const solutionOf = (lesson: Lesson, task: number): { file: string; title: string; code: string }[] =>
  sourcesOf(lesson).flatMap(({ file, source }) => codeOf(source, task).map((piece) => ({ file, ...piece })));
