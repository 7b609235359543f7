import { spawnSync } from 'node:child_process';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { Refusal } from './command.ts';

/** What belongs to one lesson; whatever else the proofs use belongs to all. */
const ofOneLesson = /^(?:lessons|solutions|test\/(?:lessons|mistakes|variants|verdicts))\/(\d\d-[\w-]+)/;
const ofAllLessons = /^(?:lessons\/(?:support\/|catalog)|test\/(?:harness|proof)\/|scripts\/|package(?:-lock)?\.json$)/;

/**
 * The lessons whose files differ from what they were where this branch left `main`, saved or not; all of them when
 * something has changed that they share.
 * @throws Refusal where git does not know that
 */
export function changedLessons(): readonly Lesson[] {
  const [base] = git('merge-base', 'HEAD', 'main');
  const changed = [...git('diff', '--name-only', base!), ...git('ls-files', '--others', '--exclude-standard')];
  return lessonsOf(changed);
}

/** @param paths relative to the repository, with slashes */
function lessonsOf(paths: readonly string[]): readonly Lesson[] {
  if (paths.some((path) => ofAllLessons.test(path))) return catalog;
  const slugs = new Set(paths.map((path) => ofOneLesson.exec(path)?.[1]?.replace(/\.test$/, '')));
  return catalog.filter(({ slug }) => slugs.has(slug));
}

function git(...args: string[]): string[] {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return stdout.split('\n').filter(Boolean);
  throw new Refusal(
    `git ${args.join(' ')} failed: ${(stderr ?? 'git cannot be run').trim()}.\n` +
      'Without a branch main there is nothing to compare with: run npm test, which proves every lesson.',
  );
}
