import { run } from './workshop/command.ts';
import { newLesson } from './workshop/new-lesson.ts';

await run(
  {
    usage: 'npm run new-lesson "A title"',
    summary: 'For maintainers: makes the places of a new lesson, each with something that works, to be replaced.',
    words: 1,
  },
  newLesson,
);
