// The files that pages may show. A request names one of these or none: its path never opens a file.
import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { catalog } from '../../../lessons/catalog.ts';
import { lessonsFolder } from '../../../test/harness/folders.js';
import { lessonFolder } from '../lessons.ts';

const shownEndings = /\.(ts|js|mjs|json|sh|txt)$/;

/** Each file by its path below lessons/, with slashes: `01-chunked-stream/examples/blocking.ts`. */
export function sources(): Map<string, string> {
  const found = new Map<string, string>();
  const look = (folder: string, name: string) => {
    for (const entry of entriesOf(folder)) {
      if (entry.isFile() && shownEndings.test(entry.name)) found.set(`${name}/${entry.name}`, join(folder, entry.name));
    }
  };
  for (const lesson of catalog) {
    look(lessonFolder(lesson), lesson.slug);
    look(join(lessonFolder(lesson), 'examples'), `${lesson.slug}/examples`);
  }
  look(join(lessonsFolder, 'support'), 'support');
  return found;
}

/** What is in a folder; nothing when it is missing, or cannot be looked into. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
