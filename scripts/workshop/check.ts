import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { endAllPrograms } from '../../test/harness/programs/pool.js';
import type { Commands } from '../../test/harness/run/run.ts';
import type { Verdict } from '../../test/harness/run/verdict.ts';
import { printableJson } from '../../test/harness/wire/printable.js';
import { commandsIn } from './command-words.ts';
import { Refusal, type Arguments } from './command.ts';
import { grade, learnersTarget } from './grade.ts';
import { leaveWith, onInterrupt } from './interrupt.ts';
import { findLesson, requireFiles, shortName } from './lessons.ts';
import { fingerprint, hasSolution, nextLesson, readProgress, recordVerdict } from './progress.ts';
import { report } from './report.ts';
import { typesNote } from './types.ts';

/** Grades the learner's files of a lesson, prints the verdict, and records what passed. */
export async function check(args: Arguments): Promise<number> {
  try {
    return await checkLesson(args);
  } finally {
    endAllPrograms();
  }
}

async function checkLesson({ words, options }: Arguments): Promise<number> {
  const lesson = words[0] === undefined ? firstToPass() : findLesson(words[0]);
  if (!lesson) {
    console.log('Every lesson is passed. npm run check lesson-1 checks one again.');
    return 0;
  }
  const commands = commandsIn(options);
  requireFiles(lesson, commands);
  readProgress(); // a broken file is said before the work, not after it
  const seed = options.seed === undefined ? undefined : seedFrom(String(options.seed));
  const graded = fingerprint(lesson);
  const verdict = await gradeOnce(lesson, seed, commands);
  const next = catalog.find(({ number }) => number === lesson.number + 1);
  console.log(options.json ? printableJson(verdict) : report(lesson, verdict, next));
  if (hasSolution(lesson) && !commands && !options.json) {
    console.log(
      `\nThese files are the workshop's solution: you have lesson ${lesson.number}, but you did not pass it.`,
    );
  }
  if (fingerprint(lesson) === graded) recordVerdict(lesson, verdict);
  else console.error('\nA file was saved while it was graded, so this result is not recorded. Check the lesson again.');
  endAllPrograms(); // the compiler has the processors for itself
  const note = options.json || commands ? undefined : await typesNote(lesson);
  if (note) console.log(`\n${note}`);
  return verdict.state === 'passed' ? 0 : 1;
}

const firstToPass = (): Lesson | undefined => nextLesson(readProgress());

function seedFrom(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Refusal(`The seed is a whole number, as a failure prints it; "${text}" is not.`);
}

async function gradeOnce(lesson: Lesson, seed?: number, commands?: Commands): Promise<Verdict> {
  onInterrupt(() => leaveWith(130));
  const waiting = patience(`grading ${shortName(lesson)} …`);
  try {
    return await grade({
      ...learnersTarget(lesson),
      ...(seed !== undefined && { seed }),
      ...(commands && { commands }),
    });
  } finally {
    waiting.stop();
  }
}

/** A line for a person who waits; gone before the verdict. */
function patience(text: string): { stop(): void } {
  if (!process.stderr.isTTY) return { stop() {} };
  process.stderr.write(text);
  return { stop: () => process.stderr.write('\r\x1b[K') };
}
