import { statSync } from 'node:fs';
import { join } from 'node:path';
import { lessonFolder, type Lesson } from '../lessons.ts';
import { readPage, type PageTask } from '../page.ts';

const known = new Map<string, { changed: number; tasks: PageTask[] }>();

/** The tasks in a lesson's text, which is read again only when it has changed: a verdict does not wait for it. */
export function tasksOf(lesson: Lesson): PageTask[] {
  const changed = statSync(join(lessonFolder(lesson), 'README.md')).mtimeMs;
  const before = known.get(lesson.slug);
  if (before?.changed === changed) return before.tasks;
  const { tasks } = readPage(lesson);
  known.set(lesson.slug, { changed, tasks });
  return tasks;
}
