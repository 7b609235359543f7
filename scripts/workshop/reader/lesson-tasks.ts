import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Lesson } from '../../../lessons/catalog.ts';
import { Refusal } from '../command.ts';
import { lessonFolder } from '../lessons.ts';
import { readPage, type PageTask } from '../page.ts';

const known = new Map<string, { changed: number; tasks: PageTask[] }>();

/**
 * The tasks in a lesson's text, which is read again only when it has changed: a verdict does not wait for it.
 * @throws Refusal when it cannot be read.
 */
export function tasksOf(lesson: Lesson): PageTask[] {
  const changed = statSync(join(lessonFolder(lesson), 'README.md'), { throwIfNoEntry: false })?.mtimeMs ?? NaN;
  const before = known.get(lesson.slug);
  if (before?.changed === changed) return before.tasks;
  const { tasks } = readPage(lesson);
  known.set(lesson.slug, { changed, tasks });
  return tasks;
}

/** The tasks, and why there are none when the lesson's text cannot be read: the other lessons of the course can. */
export function tasksIfReadable(lesson: Lesson): { tasks: PageTask[]; trouble?: string } {
  try {
    return { tasks: tasksOf(lesson) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { tasks: [], trouble: error.message };
  }
}
