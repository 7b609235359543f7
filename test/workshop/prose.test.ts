// Finds the patterns that make a text hard to read for a developer whose first language is not English.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { readPage } from '../../scripts/workshop/page.ts';
import { root } from '../harness/folders.js';

/** A pattern, and what to write in its place. */
type Rule = [pattern: RegExp, instead: string];

const everywhere: Rule[] = [
  [/\b[Yy]ou may (also )?(read|see|meet)\b/, 'state the fact first, then name the source of the wrong claim'],
  [
    /\b(is|are|was|were|has|have|do|does|did) (one|none|two|both|it|so|that)(?=[.,;:)]|$)/,
    'repeat the noun or the verb',
  ],
  [/\bnone\b/i, 'say what there is, or repeat the noun: no tool, not one of the four'],
  [/\b(whoever|who knows|one who)\b/i, 'name the actor: the client, the user, a program that …'],
  [/\bat a time\b/, 'write: at the same time, or: one by one'],
  [/\bat once\b/, 'write: immediately, in one piece, or: at the same time'],
  [/\banew\b/, 'write: again'],
  [/\btak(e|es|en|ing) up (again|where)\b/, 'write: resume'],
  [/\bby hand\b/, 'write: yourself, or: without an SDK'],
  [/\bCtrl-C\b/, 'write: Ctrl+C'],
  [/[‘’“”]/, 'use straight quotation marks'],
  [/−\d/, 'write a code with a hyphen, as `-32601`'],
];

const inSentences: Rule[] = [
  [/(^|[.:;!?] )What (?=[^.!?]*[.!])/, 'begin the sentence with something that has a name'],
  [/(^|[.:;!?] )That there is\b/, 'begin the sentence with something that has a name'],
];

const inRequirements: Rule[] = [
  [/^(It|Then|Meanwhile|Of|After any|Anything else|Nothing|Over|From then|When that)\b/, 'name the case and the actor'],
];

const inCauses: Rule[] = [[/, and (no|not|nothing|never|without)\b/, 'write but, so or because']];

const inVerdicts: Rule[] = [
  [/\b(is|are|was) (another|an other)\b(?! \w+ (of|than))/, 'write: wrong, or: different from …'],
  [/\bsomething else\b/, 'name what it is'],
];

const negation = /\b(no|not|nothing|never|none|without|neither|nor|cannot|\w+n't)\b/gi;
const mostWords = 35;

type Passage = { place: string; text: string };

const bare = (text: string) => text.replace(/`[^`]*`/g, '`…`').replace(/\]\([^)]*\)/g, ']');

/** The paragraphs, bullets and rows of a Markdown file, without code. */
function passages(file: string): Passage[] {
  const markdown = readFileSync(join(root, file), 'utf8');
  const found: Passage[] = [];
  let fence = false;
  let open = false;
  for (const [i, line] of markdown.split('\n').entries()) {
    if (/^\s*```/.test(line)) fence = !fence;
    const begins = !open || /^\s*([-*|#]|\d+\.)/.test(line);
    open = !fence && line.trim() !== '' && !/^\s*```/.test(line);
    if (!open) continue;
    const text = line.trim().replace(/^([-*]|\d+\.|#+) /, '');
    if (begins) found.push({ place: `${file}:${i + 1}`, text });
    else found.at(-1)!.text += ` ${text}`;
  }
  return found.map(({ place, text }) => ({ place, text: bare(text) }));
}

const offences = (passages: Passage[], rules: Rule[]): string[] =>
  passages.flatMap(({ place, text }) =>
    rules.flatMap(([pattern, instead]) => {
      const [match] = pattern.exec(text) ?? [];
      return match === undefined ? [] : [`${place}: "${match.trim()}" in "${text.slice(0, 100)}": ${instead}`];
    }),
  );

function complain(found: string[]): void {
  if (found.length > 0) throw new Error(`Rewrite these passages:\n${found.join('\n')}`);
}

const texts = [
  'README.md',
  'CONTRIBUTING.md',
  'lessons/REVISIONS.md',
  ...catalog.flatMap(({ slug }) => [`lessons/${slug}/README.md`, `lessons/${slug}/hints.md`]),
];

test.for(texts)('%s', (file) => {
  complain(offences(passages(file), [...everywhere, ...inSentences]));
});

test.for(catalog)('the requirements of $slug', (lesson) => {
  const requirements = readPage(lesson).tasks.flatMap(({ number, requirements }) =>
    requirements.map((text) => ({ place: `lesson ${lesson.number}, task ${number}`, text: bare(text) })),
  );
  const found = offences(requirements, inRequirements);
  for (const { place, text } of requirements) {
    for (const sentence of text.split(/(?<=[.!?]) /)) {
      const words = sentence.split(/\s+/).length;
      if (words > mostWords) found.push(`${place}: ${words} words in one sentence: "${sentence}"`);
      const negations = sentence.match(negation)?.length ?? 0;
      if (negations > 1) found.push(`${place}: ${negations} negations in one sentence: "${sentence}"`);
    }
  }
  complain(found);
});

/** What a kept verdict says: why the requirement is not met, and what to do about it. */
function saidIn(file: string): { cause: string; advice: string | undefined } | undefined {
  const blocks = readFileSync(join(root, file), 'utf8').split(/\n\n/);
  const failed = blocks.findIndex((block) => /^ {3}✗ /m.test(block));
  const last = blocks.findIndex(
    (block, i) => i > failed && /^ {5}(look in|see it yourself|a hint|the same again) /.test(block),
  );
  const [cause, ...others] = blocks.slice(failed + 1, last);
  if (failed < 0 || cause === undefined) return undefined;
  const prose = others.filter((block) => /^ {5}\S/.test(block) && !/^ {5}(expected|received) /.test(block));
  const oneLine = (block: string) =>
    block
      .split('\n')
      .map((line) => line.trim())
      .join(' ');
  return { cause: oneLine(cause), advice: prose.at(-1) && oneLine(prose.at(-1)!) };
}

test.for([...catalog.map(({ slug }) => slug), 'broken-programs'])('the verdicts of %s', (folder) => {
  const found: string[] = [];
  for (const name of readdirSync(join(root, 'test/verdicts', folder)).sort()) {
    const file = `test/verdicts/${folder}/${name}`;
    const said = saidIn(file);
    if (!said) continue;
    if (said.advice === undefined) found.push(`${file}: no advice`);
    const both = [said.cause, said.advice ?? ''].map((text) => ({ place: file, text }));
    found.push(...offences(both, [...everywhere, ...inSentences, ...inVerdicts]));
    found.push(...offences(both.slice(0, 1), inCauses));
  }
  complain(found);
});
