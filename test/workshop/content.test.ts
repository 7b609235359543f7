// What ties a lesson's places together: the catalog, its folders, its README, its hints and its code.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { afterAll, describe, expect, test } from 'vitest';
import { catalog, minutesOf, tracks, type Lesson } from '../../lessons/catalog.ts';
import { fewestTasks, mostTasks } from '../../scripts/workshop/gaps.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { readHints, readPage } from '../../scripts/workshop/page.ts';
import { hoursAndMinutes, inRanges } from '../../scripts/workshop/show-progress.ts';
import { finished, starterOf, tasksIn } from '../../scripts/workshop/starter.ts';
import { lessonsFolder, root, solutionsFolder } from '../harness/folders.js';
import { mistakesOf, withMistake } from '../proof/mistake.ts';

const temporary = join(root, '.tmp', `content-${process.pid}`);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const slugs = catalog.map((lesson) => lesson.slug);
const namesIn = (...path: string[]) => readdirSync(join(root, ...path)).sort();
const solutionOf = ({ slug }: Lesson, file: string) => readFileSync(join(solutionsFolder, slug, file), 'utf8');

test('the catalog counts from 1, and each slug begins with its number', () => {
  for (const [index, { number, slug }] of catalog.entries()) {
    expect(number).toBe(index + 1);
    expect(slug).toMatch(new RegExp(`^${String(number).padStart(2, '0')}-[a-z0-9-]+$`));
  }
});

test('each lesson has its five places, and nothing else stands beside them', () => {
  expect(namesIn('lessons')).toEqual([...slugs, 'REVISIONS.md', 'catalog.ts', 'support'].sort());
  expect(namesIn('solutions')).toEqual(slugs);
  expect(namesIn('test', 'lessons')).toEqual(slugs.map((slug) => `${slug}.test.ts`));
  expect(namesIn('test', 'mistakes')).toEqual(slugs.map((slug) => `${slug}.ts`));
  expect(namesIn('test', 'variants')).toEqual(slugs);
  expect(namesIn('test', 'verdicts')).toEqual([...slugs, 'broken-programs'].sort());
  for (const slug of slugs) {
    expect(namesIn('lessons', slug).filter((name) => name !== 'examples')).toEqual(
      ['README.md', ...learnerFiles, 'hints.md'].sort(),
    );
    expect(namesIn('solutions', slug)).toEqual([...learnerFiles].sort());
  }
});

test.for(catalog)('every kept verdict of $slug belongs to a mistake or a starter', async (lesson) => {
  const mistakes = await mistakesOf(lesson.slug);
  const tasks = readPage(lesson).tasks.map(({ number }) => `starter-${number}`);
  const names = new Set([...mistakes.map(({ name }) => name), ...tasks].map((name) => `${name}.txt`));
  const strays = namesIn('test', 'verdicts', lesson.slug).filter((name) => !names.has(name));
  expect(strays, `delete these of test/verdicts/${lesson.slug}: they belong to no mistake`).toEqual([]);
});

test.for(catalog)('every mistake of $slug changes the solution, and no two are the same', async (lesson) => {
  const seen = new Map<string, string>();
  const names = new Set<string>();
  for (const mistake of await mistakesOf(lesson.slug)) {
    const solution = finished(solutionOf(lesson, mistake.file));
    // This throws when a text that the mistake replaces is not in the solution exactly once.
    const program = withMistake(solution, mistake);
    expect(program, `${mistake.name} changes nothing`).not.toBe(solution);
    const same = seen.get(`${mistake.file}\n${program}`);
    expect(same, `${mistake.name} is the same program as ${same}`).toBeUndefined();
    expect(names, 'a name that two mistakes have').not.toContain(mistake.name);
    seen.set(`${mistake.file}\n${program}`, mistake.name);
    names.add(mistake.name);
  }
});

// The lessons after it are about the client.
test.for(slugs.filter((slug) => /^1[12]-/.test(slug)))(
  'the server of %s is the finished server of lesson 10',
  (slug) => {
    const [one, other] = ['10-sessions-and-log-levels', slug].map((slug) =>
      finished(readFileSync(join(solutionsFolder, slug, 'server.ts'), 'utf8')),
    );
    expect(one).toBe(other);
  },
);

describe.for(catalog.map((lesson) => [lesson.slug, lesson] as const))('%s', ([slug, lesson]) => {
  // Each test reads it: where it is missing, each says so, and those of the other lessons still run.
  const page = () => readPage(lesson);

  test('the README has the title of the catalog, and the tasks of the solution', () => {
    expect(page().title).toBe(`Lesson ${lesson.number} · ${lesson.title}`);
    const tasks = [...new Set(learnerFiles.flatMap((file) => tasksIn(solutionOf(lesson, file))))].sort();
    expect(page().tasks.map(({ number }) => number)).toEqual(tasks);
    expect(tasks).toEqual(tasks.map((_task, index) => index + 1));
    expect(tasks.length, 'the number of its tasks').toBeGreaterThanOrEqual(fewestTasks);
    expect(tasks.length, 'the number of its tasks').toBeLessThanOrEqual(mostTasks);
  });

  test('the first screenful shows the wire', () => {
    expect(page().fences[0]?.info).toMatch(/^wire/);
    expect(page().fences[0]!.line).toBeLessThan(25);
  });

  test('every TypeScript fence stands in a file of the lesson', () => {
    const folder = join(lessonsFolder, slug);
    const examples = existsSync(join(folder, 'examples')) ? readdirSync(join(folder, 'examples')) : [];
    const sources = [
      ...learnerFiles.flatMap((file) => [starterOf(solutionOf(lesson, file)), finished(solutionOf(lesson, file))]),
      ...examples.map((name) => readFileSync(join(folder, 'examples', name), 'utf8')),
      ...readdirSync(join(lessonsFolder, 'support'))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(lessonsFolder, 'support', name), 'utf8')),
    ].map(withoutIndentation);
    for (const { info, code, line } of page().fences) {
      if (!/^(ts|typescript|js)\b/.test(info)) continue;
      const found = sources.some((source) => source.includes(withoutIndentation(code)));
      expect(found, `the fence at line ${line} of lessons/${slug}/README.md`).toBe(true);
    }
  });

  test('the idea takes at most 300 words', () => {
    const [, idea] =
      /^## The idea\n([\s\S]*?)\n## /m.exec(readFileSync(join(lessonsFolder, slug, 'README.md'), 'utf8')) ?? [];
    expect(idea).toBeDefined();
    const words = idea!
      .replace(/^```[\s\S]*?^```/gm, '')
      .split(/\s+/)
      .filter(Boolean);
    expect(words.length).toBeLessThanOrEqual(300);
  });

  test('every task has at least three hints, each a question with an answer', () => {
    const hints = readHints(lesson);
    for (const { number } of page().tasks) {
      const own = hints.filter(({ task }) => task === number);
      expect(own.length, `task ${number}`).toBeGreaterThanOrEqual(3);
      for (const { question, answer } of own) {
        expect(question).toMatch(/\?$/);
        expect(answer.length).toBeGreaterThan(40);
      }
    }
  });

  test('links in the README that stay in the workshop lead somewhere', () => {
    const markdown = readFileSync(join(lessonsFolder, slug, 'README.md'), 'utf8');
    for (const [, target] of markdown.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      expect(existsSync(join(lessonsFolder, slug, target!)), target).toBe(true);
    }
  });

  // The format check of npm test leaves these files out, because in lessons/ they are a learner's.
  test.for(learnerFiles)('the starter of %s has the format of all code', async (file) => {
    const path = join(lessonsFolder, slug, file);
    const options = { ...(await prettier.resolveConfig(path)), filepath: path };
    const starter = starterOf(solutionOf(lesson, file));
    expect(starter).toBe(await prettier.format(starter, options));
  });

  test('every starter on the way type-checks', () => {
    const files = page().tasks.flatMap(({ number }) =>
      learnerFiles.map((file) => {
        const folder = join(temporary, slug, String(number));
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, file), starterOf(solutionOf(lesson, file), number));
        return join(folder, file);
      }),
    );
    const config = join(temporary, slug, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], files }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '--project', config], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

test('the lock file has every platform’s packages, and names no download address', () => {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(text).not.toContain('"resolved"');
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      expect(
        places.some((place) => place in packages),
        `${name}, which ${path} may need`,
      ).toBe(true);
    }
  }
});

test('versions are exact, and the README has a sentence for each dependency', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    // A preview of a package is installed beside its release, under a name of its own.
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$|^npm:\S+@\d+\.\d+\.\d+-alpha\.\d+$/);
    expect(readme, name).toContain(`\`${name}\``);
  }
});

const withoutIndentation = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join('\n');

test('the README lists the lessons and the tracks of the catalog', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const { number, title, slug, minutes } of catalog) {
    expect(readme).toContain(`\n| ${number} | [${title}](lessons/${slug}/README.md) | ${minutes} | `);
  }
  for (const track of tracks) {
    const row = [track.title, inRanges(track.lessons), hoursAndMinutes(minutesOf(track)), track.goal];
    expect(readme).toContain(`\n| ${row.join(' | ')} |\n`);
    expect(track.lessons.every((number) => catalog.some((lesson) => lesson.number === number))).toBe(true);
  }
});

test('no file speaks of a lesson by a number or a slug that it does not have', () => {
  const files = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .stdout.split('\n')
    .filter((file) => /\.(ts|js|json|md|txt|yml)$/.test(file));
  expect(files.length).toBeGreaterThan(100);
  const old = new RegExp(
    `\\b(?!(?:${slugs.join('|')})\\b)\\d\\d-(chunked-stream|server-sent-events|reading-events|backpressure|disconnects|` +
      'resuming-a-stream|json-rpc|handshake|notifications|sessions-and-log-levels|message-handler|failing-clearly)\\b',
  );
  const found = files
    .filter((file) => file !== 'scripts/workshop/former-lessons.ts' && file !== 'test/workshop/commands.test.ts')
    .flatMap((file) => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n');
      return lines.flatMap((line, i) => (old.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 100)}`] : []));
    });
  expect(found).toEqual([]);
});
