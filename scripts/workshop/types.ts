import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { escapeInvisible } from '../../test/harness/wire/printable.js';
import { learnerFiles, lessonFolder } from './lessons.ts';
import { wrap } from './report.ts';

/** Milliseconds that the compiler may take; what takes longer is not worth a wait. */
const patience = 30_000;
const shown = 3;

/** A sentence and the first errors, when the types of the learner's files do not check; they may run all the same. */
export async function typesNote(lesson: Lesson): Promise<string | undefined> {
  const errors = await typeErrors(lesson);
  if (errors.length === 0) return undefined;
  const rows = errors
    .slice(0, shown)
    .flatMap(({ at, text }) => [`  ${at}`, ...wrap(text, 76).map((line) => `    ${line}`)]);
  const more = errors.length > shown ? [`  and ${errors.length - shown} more: npx tsc --noEmit lists all of them`] : [];
  return ['The types of your files do not check. That does not change the verdict.', '', ...rows, ...more].join('\n');
}

/**
 * What the compiler says of the learner's files, in its order, but for the grammar, of which the verdict speaks; nothing
 * when it cannot be run.
 */
async function typeErrors(lesson: Lesson): Promise<{ at: string; text: string }[]> {
  const folder = join(root, 'node_modules', '.cache', `types-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'tsconfig.json');
  const files = learnerFiles.map((file) => join(lessonFolder(lesson), file));
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], files }));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const output = await new Promise<string>((resolve) => {
    const args = [compiler, '--project', config, '--pretty', 'false'];
    execFile(process.execPath, args, { cwd: root, timeout: patience }, (_error, stdout) => resolve(stdout));
  });
  rmSync(folder, { recursive: true, force: true });
  const own = relative(root, lessonFolder(lesson)).replaceAll('\\', '/');
  return [...output.matchAll(/^(\S+)\((\d+),\d+\): error TS(?!1\d{3}:)\d+: (.*)$/gm)].flatMap(([, file, line, text]) =>
    file!.startsWith(`${own}/`) ? [{ at: `${file}:${line}`, text: escapeInvisible(text!) }] : [],
  );
}
