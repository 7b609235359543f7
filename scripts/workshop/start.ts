import { catalog, shortName } from './lessons.ts';
import { nextLesson, readProgress } from './progress.ts';

/** Says where to begin, or where to go on. */
export function start(): number {
  const lesson = nextLesson(readProgress());
  if (!lesson) {
    console.log('Every lesson is passed. npm run progress lists them.');
    return 0;
  }
  const begin = lesson === catalog[0] ? 'Begin' : 'Go on';
  console.log(`${begin} with lesson ${lesson.number}, "${lesson.title}" (${lesson.minutes} minutes):

  read it           lessons/${lesson.slug}/README.md
  edit              lessons/${lesson.slug}/server.ts and client.ts
  get a verdict     npm run check ${shortName(lesson)}

npm run progress lists all the lessons; npm run doctor looks for trouble with this machine.`);
  return 0;
}
