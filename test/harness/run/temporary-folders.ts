import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Explanation } from './failure.ts';

/** Empty folders of a run, whose names no verdict has: they differ each time. */
export function temporaryFolders(): {
  make(): string;
  remove(folder: string): void;
  without(explanation: Explanation): Explanation;
} {
  const folders: string[] = [];
  return {
    make() {
      const folder = realpathSync(mkdtempSync(join(tmpdir(), 'chunk-by-chunk-')));
      folders.push(folder);
      return folder;
    },
    without(explanation) {
      let text = JSON.stringify(explanation);
      for (const folder of folders) {
        text = text
          .replaceAll(JSON.stringify(join(folder, '/')).slice(1, -1), '')
          .replaceAll(encodeURIComponent(folder), '%2F…');
      }
      return JSON.parse(text);
    },
    remove(folder) {
      try {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      } catch {
        // A program still has a file of it open; the system clears its temporary folder.
      }
    },
  };
}
