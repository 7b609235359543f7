import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalog } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { startersOf } from './starters.ts';

export type Run = { code: number | null; stdout: string; stderr: string };

/** A copy of the workshop as a learner has it, with the starters in place. */
export type Copy = {
  folder: string;
  /** Runs an npm script's command, as `run('check', 'lesson-1')`. */
  run(script: string, ...args: string[]): Promise<Run>;
  read(path: string): string;
  write(path: string, text: string): void;
  remove(): void;
};

/** What a learner's own copy does not share with this one, and what no command reads. */
const leftOut = new Set(['.git', '.progress', '.saved', '.tmp', 'docs', 'download', 'node_modules', 'test']);
/** What commands read in test/. */
const ofTests = ['test/harness', 'test/lessons', 'test/mistakes', 'test/proof/mistake.ts'];

/** @param name of a folder that the copy is in: a person may call it anything. */
export function learnersCopy(name = ''): Copy {
  const outside = realpathSync(mkdtempSync(join(tmpdir(), 'chunk-by-chunk-')));
  const folder = join(outside, name);
  for (const part of [...readdirSync(root).filter((name) => !leftOut.has(name)), ...ofTests]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const copy: Copy = {
    folder,
    run: (script, ...args) => runIn(folder, script, args),
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    write: (path, text) => writeFileSync(join(folder, path), text),
    remove: () => rmSync(outside, { recursive: true, force: true }),
  };
  // What stands in lessons/ here may be somebody's work.
  for (const { path, text } of catalog.flatMap(startersOf)) copy.write(path.slice(root.length), text);
  return copy;
}

/** The environment without what our tests' runner and its colours put in. */
export const learnersEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV$|NO_COLOR$|FORCE_COLOR$)/.test(name)),
  );

/** Starts a command in a copy of the workshop. */
export function startIn(
  folder: string,
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcessWithoutNullStreams {
  const file = script === 'doctor' ? ['scripts/doctor.js'] : ['scripts/run.js', script];
  return spawn(process.execPath, [...file, ...args], { cwd: folder, env: { ...learnersEnv(), NO_COLOR: '1', ...env } });
}

/** Runs a command in a copy of the workshop to its end. */
export function runIn(folder: string, script: string, args: string[], env?: NodeJS.ProcessEnv): Promise<Run> {
  const child = startIn(folder, script, args, env);
  const run: Run = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => (run.stdout += bytes));
  child.stderr.on('data', (bytes) => (run.stderr += bytes));
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...run, code })));
}
