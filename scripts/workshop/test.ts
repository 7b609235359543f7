import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Arguments } from './command.ts';
import { findLesson } from './lessons.ts';
import { root } from './paths.ts';

const require = createRequire(import.meta.url);
const programOf = (name: string, file: string) => join(dirname(require.resolve(`${name}/package.json`)), file);

/** Type-checks, then runs the tests; leaves with the exit code of what failed. */
export function test({ options }: Arguments): number {
  const lesson = options.lesson === undefined ? undefined : findLesson(String(options.lesson));
  return (
    node('Types', programOf('typescript', 'bin/tsc'), '--project', 'tsconfig.test.json') ||
    node(
      'Tests',
      programOf('vitest', 'vitest.mjs'),
      'run',
      ...(options.update ? ['--update'] : []),
      ...(lesson ? ['test/proof', '--testNamePattern', lesson.slug] : []),
    )
  );
}

function node(what: string, program: string, ...args: string[]): number {
  console.log(`${what} …`);
  return spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' }).status ?? 1;
}
