// Places in a learner's files, as the learner knows them: `lessons/01-chunked-stream/server.ts:14`.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { unpacked } from '../fast-start/packages.js';
import { root } from '../folders.js';

/** Names files as the learner knows them, whichever folder of this machine they are in. Its text has no long lines. */
export function shortener(folder: string, folderName: string): (text: string) => string {
  const forms = (path: string) => [pathToFileURL(path).href, path, path.replaceAll('\\', '/')];
  const names = [
    ...forms(folder).map((form) => [form, folderName] as const),
    ...forms(join(root, '/')).map((form) => [form, ''] as const),
  ];
  return (text) =>
    unpacked(names.reduce((short, [form, name]) => short.replaceAll(form, name), text)).replaceAll(
      `${folderName}\\`,
      `${folderName}/`,
    );
}

/** The first place in a text that is in the learner's folder. */
export function placeIn(text: string, folderName: string): string | undefined {
  const begin = `${folderName}/`;
  for (let i = text.indexOf(begin); i >= 0; i = text.indexOf(begin, i + 1)) {
    const place = /^[\w./-]+\.[cm]?[jt]s:\d+/.exec(text.slice(i, i + 500));
    if (place) return place[0];
  }
  return undefined;
}

/** The lines of a learner's file; none when it is gone. */
export function linesOf(folder: string, place: string): string[] {
  try {
    return readFileSync(join(folder, basename(place)), 'utf8').split(/\r?\n/);
  } catch {
    return [];
  }
}

/** The line of an import: for a module that is not found, no stack tells it. */
export function importedAt(folder: string, importer: string, name: string): string | undefined {
  const line = linesOf(folder, importer).findIndex((each) => /\b(import|from)\b/.test(each) && each.includes(name));
  return line < 0 ? undefined : `${importer}:${line + 1}`;
}
