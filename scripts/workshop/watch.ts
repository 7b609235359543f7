import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { commandsIn } from './command-words.ts';
import type { Arguments } from './command.ts';
import { hint } from './hint.ts';
import { leaveWith, onInterrupt } from './interrupt.ts';
import { findLesson } from './lessons.ts';
import { hasPassed, nextLesson, readProgress } from './progress.ts';
import { mark, report } from './report.ts';
import { openScreen } from './screen.ts';
import { showProgress } from './show-progress.ts';
import { solution } from './solution.ts';
import { watchLessons, type WatchEvent, type Watcher } from './watcher.ts';

/** Grades what is saved until somebody leaves. In a terminal a verdict takes the place of the last; in a pipe it follows. */
export async function watch({ words: [name], options }: Arguments): Promise<number> {
  const commands = commandsIn(options);
  let lesson = nextLesson(readProgress()) ?? catalog[0]!;
  if (name !== undefined) lesson = findLesson(name);
  let watcher: Watcher | undefined;
  let showVerdict = () => {};
  /** What a check of all lessons has found so far. */
  let found: string[] | undefined;

  const screen = openScreen((key) => {
    if (/^[1-9]$/.test(key)) screen.show(() => hint({ words: [lesson.slug, key], options: {} }));
    else keys[key]?.();
  });
  const say = (state: string) => screen.say(`lesson ${lesson.number}: ${state}`, keyLine(lesson));
  const keys: Record<string, () => void> = {
    h: () => screen.show(() => hint({ words: [lesson.slug], options: {} })),
    l: () => screen.show(() => showProgress({ words: [], options: {} })),
    s: () => screen.show(() => solution({ words: [lesson.slug], options: {} })),
    v: () => screen.show(showVerdict),
    r: () => watcher?.check(lesson),
    c() {
      found = [];
      watcher?.check(catalog[0]!);
    },
    n() {
      const next = following(lesson);
      if (!passed(lesson)) say('not passed yet');
      else if (next) watcher?.check(next);
      else say('it is the last one');
    },
    q: () => leave(0),
    'ctrl-c': () => leave(130),
  };

  const leave = (code: number) => {
    screen.close();
    leaveWith(code);
  };
  onInterrupt(() => leave(130));
  process.stdout.on('error', () => leave(130)); // nobody reads it any more

  const onEvent = (event: WatchEvent) => {
    lesson = event.lesson;
    if (found && lesson !== catalog[found.length]) found = undefined; // another was saved meanwhile
    if (event.type === 'run') say('grading …');
    if (event.type !== 'verdict' && event.type !== 'error') return;

    const text = event.type === 'error' ? event.error.message : report(lesson, event.verdict, following(lesson));
    const lines = found?.concat(
      `${event.type === 'verdict' ? mark[event.verdict.state] : '!'} lesson ${lesson.number} · ${lesson.title}`,
    );
    showVerdict = () => console.log(lines?.join('\n') ?? text);
    screen.show(showVerdict);
    say(`${event.type === 'verdict' ? `graded in ${event.took.toFixed(0)} ms` : 'not graded'}; waiting for a save`);
    found = lines && lines.length < catalog.length ? lines : undefined;
    if (found) watcher?.check(catalog[found.length]!);
  };
  say('loading …');
  watcher = watchLessons({ onEvent, poll: options.poll === true, commands });
  watcher.check(lesson);
  return new Promise(() => {});
}

const following = ({ number }: Lesson): Lesson | undefined => catalog.find((lesson) => lesson.number === number + 1);

/** The keys that do something now. */
const keyLine = (lesson: Lesson): string =>
  `h hint  ${passed(lesson) ? 'n next lesson  s solution  ' : ''}l list  v verdict  r run again  c check all  q quit`;

function passed(lesson: Lesson): boolean {
  try {
    return hasPassed(lesson);
  } catch {
    return false; // what is wrong with the progress file stands in the place of the verdict
  }
}
