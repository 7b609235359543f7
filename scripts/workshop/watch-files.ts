// Finds the saves of learners' files, however an editor writes them and whether or not the file system has events.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { lessonsFolder } from '../../test/harness/folders.js';
import { whyUnreadable } from '../trouble.js';
import { learnerFiles, lessonFolder } from './lessons.ts';

/** Milliseconds without an event after which a save is over: editors write a file in several steps. */
const quiet = 8;
/** Milliseconds for which a file may be gone, or empty, in the middle of a save. */
const gone = 200;
/** Milliseconds between two looks at the files, where the file system has no events. */
const interval = 200;

type Files = {
  /** Whether a lesson's files are others than those last saved; then that is taken for a save. */
  haveChanged(lesson: Lesson): boolean;
  close(): void;
};

/** Calls `onSave` when the files of a lesson have become others, with the time of the first sign of it. */
export function watchFiles(poll: boolean, onSave: (lesson: Lesson, since: number) => void): Files {
  const saved = new Map(catalog.map((lesson) => [lesson, contentOf(lesson)]));
  const began = new Map<Lesson, number>();
  const timers = new Map<Lesson, NodeJS.Timeout>();
  const watchers = new Map<string, FSWatcher>();
  let polling: NodeJS.Timeout | undefined;

  const lookIn = (lesson: Lesson, delay: number, patient: boolean) => {
    clearTimeout(timers.get(lesson));
    timers.set(lesson, setTimeout(look, delay, lesson, patient));
  };
  const touched = (lesson: Lesson) => {
    if (!began.has(lesson)) began.set(lesson, performance.now());
    lookIn(lesson, quiet, true);
  };
  const look = (lesson: Lesson, patient: boolean) => {
    const content = contentOf(lesson);
    if (content === '' && patient) return lookIn(lesson, gone, false);
    const since = began.get(lesson)!;
    timers.delete(lesson);
    began.delete(lesson);
    if (content === saved.get(lesson)) return;
    saved.set(lesson, content);
    onSave(lesson, since);
  };

  const lookAround = () => {
    for (const lesson of catalog) {
      if (!timers.has(lesson) && contentOf(lesson) !== saved.get(lesson)) touched(lesson);
    }
  };
  const startPolling = () => {
    polling ??= setInterval(lookAround, interval);
  };
  const listen = (folder: string, onEvent: (name: string | null) => void) => {
    watchers.get(folder)?.close();
    try {
      const watcher = watch(folder, (_event, name) => onEvent(name));
      watcher.on('error', () => watcher.close()); // the folder is gone
      watchers.set(folder, watcher);
    } catch (error) {
      // Without a folder there is nothing to see; without events there are other ways.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') startPolling();
    }
  };
  const listenTo = (lesson: Lesson) => listen(lessonFolder(lesson), () => touched(lesson));

  if (poll) startPolling();
  else {
    // A folder that is taken away and put back, as git does, is another one.
    listen(lessonsFolder, (name) => {
      for (const lesson of catalog.filter(({ slug }) => slug === name)) {
        listenTo(lesson);
        touched(lesson);
      }
    });
    for (const lesson of catalog) listenTo(lesson);
  }

  return {
    haveChanged(lesson) {
      if (contentOf(lesson) === saved.get(lesson)) return false;
      saved.delete(lesson); // also when it comes back as it was, there was no verdict on it
      touched(lesson);
      return true;
    },
    close() {
      clearInterval(polling);
      for (const timer of timers.values()) clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** A digest of the code in a lesson's folder. It is empty when one of the learner's files is missing or has nothing in it. */
function contentOf(lesson: Lesson): string {
  const hash = createHash('sha256');
  const folder = lessonFolder(lesson);
  try {
    const names = readdirSync(folder).filter((name) => /^[^.].*\.([cm]?[jt]s|json)$/.test(name));
    if (!learnerFiles.every((name) => names.includes(name))) return '';
    for (const name of names.sort())
      hash
        .update(`${name}\n`)
        .update(whyUnreadable(join(folder, name)) ?? readFileSync(join(folder, name)))
        .update('\n');
    return hash.digest('hex');
  } catch {
    return ''; // it went while we read it
  }
}
