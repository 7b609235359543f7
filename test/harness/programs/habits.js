// @ts-check
// Which programs a run of a lesson takes: learned from the last run, also by another process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../folders.js';
import { writeAtomically } from '../fast-start/write-atomically.js';

/**
 * What a run of a lesson takes, in order, by the names of the files; `complete` when it went to the lesson's end.
 * @typedef {{ files: string[], complete: boolean }} Habit
 */

const learned = join(root, '.tmp', 'taken');
/** What is known in this process; what others have learned is in a file. @type {Map<string, Habit>} */
const habits = new Map();
const habitFile = (/** @type {string} */ lesson) => join(learned, `${lesson}.json`);
/** No lesson takes as many. */
const mostFiles = 50;

/** @param {string} lesson @returns {Habit} */
export function habitOf(lesson) {
  let habit = habits.get(lesson);
  if (!habit) {
    habit = readHabit(lesson) ?? { files: [], complete: false };
    habits.set(lesson, habit);
  }
  return habit;
}

/** @param {string} lesson @returns {Habit | undefined} */
function readHabit(lesson) {
  try {
    const { files, complete } = JSON.parse(readFileSync(habitFile(lesson), 'utf8'));
    const known = files.length <= mostFiles && files.every((/** @type {string} */ name) => /^[\w-]+\.ts$/.test(name));
    return known ? { files, complete: complete === true } : undefined;
  } catch {
    return undefined; // No process has learned anything yet.
  }
}

/** Keeps what a run took. A run that failed early teaches nothing, because it took only the first programs of a whole one. @param {string} lesson @param {Habit} seen */
export function learn(lesson, seen) {
  const known = habitOf(lesson);
  if (!seen.complete && seen.files.every((name, i) => known.files[i] === name)) return;
  if (JSON.stringify(seen) === JSON.stringify(known) || seen.files.length > mostFiles) return;
  habits.set(lesson, seen);
  try {
    writeAtomically(habitFile(lesson), JSON.stringify(seen));
  } catch {
    // The next process learns it again.
  }
}
