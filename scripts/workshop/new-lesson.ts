import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { catalog } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { shownPath } from '../trouble.js';
import { Refusal, type Arguments } from './command.ts';
import { writeAtomically } from './files.ts';
import { starterOf } from './starter.ts';

/** Makes every place that the slug of a lesson ties together, each with something that works, to be replaced. */
export function newLesson({ words: [title] }: Arguments): number {
  if (!title || !/^\w[\w ,'-]*$/.test(title)) {
    throw new Refusal('A new lesson needs a title of plain words. For example: npm run new-lesson "Report progress"');
  }
  const number = catalog.length + 1;
  const slug = `${String(number).padStart(2, '0')}-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  const fill = (name: string) =>
    readFileSync(join(root, 'scripts', 'workshop', 'scaffold', `${name}.txt`), 'utf8')
      .replaceAll('NUMBER', String(number))
      .replaceAll('TITLE', title);
  const files: [path: string, text: string][] = [
    ['lessons/catalog.ts', withRecord(readFileSync(join(root, 'lessons/catalog.ts'), 'utf8'), number, slug, title)],
    [`lessons/${slug}/README.md`, fill('README.md')],
    [`lessons/${slug}/hints.md`, fill('hints.md')],
    [`lessons/${slug}/server.ts`, starterOf(fill('server.ts'))],
    [`lessons/${slug}/client.ts`, starterOf(fill('client.ts'))],
    [`solutions/${slug}/server.ts`, fill('server.ts')],
    [`solutions/${slug}/client.ts`, fill('client.ts')],
    [`test/lessons/${slug}.test.ts`, fill('grader.test.ts')],
    [`test/mistakes/${slug}.ts`, fill('mistakes.ts')],
    [`test/variants/${slug}/raw-http/server.ts`, fill('variant.ts')],
  ];
  const taken = files.slice(1).find(([path]) => existsSync(join(root, dirname(path), path.split('/').at(-1)!)));
  if (taken) throw new Refusal(`${taken[0]} is there already. Nothing was changed.`);
  for (const [path, text] of files) {
    writeAtomically(join(root, path), text);
    console.log(`wrote ${shownPath(join(root, path))}`);
  }
  console.log(`
Lesson ${number} works as it stands: npm test -- --lesson ${number} --update keeps its verdicts.
Then make it yours, in the order of CONTRIBUTING.md. npm test names what is still missing.`);
  return 0;
}

/** The catalog's source with one more record at its end. */
function withRecord(source: string, number: number, slug: string, title: string): string {
  const end = source.indexOf('\n];') + 1;
  const record = `  {
    number: ${number},
    slug: '${slug}',
    title: '${title.replaceAll("'", "\\'")}',
    part: '${catalog.at(-1)!.part}',
    minutes: 25,
    tryPath: '/hello',
  },
`;
  return source.slice(0, end) + record + source.slice(end);
}
