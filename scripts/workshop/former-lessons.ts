// The course once had eight lessons. Some became two, and most got another number; what was passed of them stays passed.
import { catalog } from '../../lessons/catalog.ts';
import { taskCount } from './lessons.ts';
import type { Passed } from './progress.ts';

/** By its old slug: how many tasks a lesson had, and what it became. */
const formerLessons: Record<string, { of: number; became: string[] }> = {
  '02-server-sent-events': { of: 4, became: ['02-server-sent-events', '03-reading-events'] },
  '03-backpressure': { of: 3, became: ['04-backpressure'] },
  '04-disconnects': { of: 4, became: ['05-disconnects', '06-resuming-a-stream'] },
  '05-json-rpc': { of: 3, became: ['07-json-rpc'] },
  '06-handshake': { of: 4, became: ['08-handshake'] },
  '07-notifications': { of: 3, became: ['09-notifications', '10-sessions-and-log-levels'] },
  '08-message-handler': { of: 4, became: ['11-message-handler', '12-failing-clearly'] },
};

/** What a record of an old lesson says of today's lessons; undefined when it is a record of today's. */
export function formerRecords(
  slug: string,
  { tasks, of, files }: Passed,
): [slug: string, passed: Passed][] | undefined {
  const former = formerLessons[slug];
  if (former?.of !== of) return undefined;
  return former.became.flatMap((slug, i) => {
    const lesson = catalog.find((lesson) => lesson.slug === slug);
    if (!lesson) return [];
    const now = taskCount(lesson);
    // The first tasks of an old lesson are the first of the lesson that it became.
    if (tasks === of) return [[slug, { tasks: now, of: now, files }]];
    return i === 0 ? [[slug, { tasks: Math.min(tasks, now - 1), of: now, files }]] : [];
  });
}
