import { stripVTControlCharacters } from 'node:util';
import type { Lesson } from '../../lessons/catalog.ts';
import type { RequirementVerdict, TaskVerdict, Verdict } from '../../test/harness/run/verdict.ts';
import { escapeInvisible, printable } from '../../test/harness/wire/printable.js';
import { captureText } from './capture-text.ts';
import { pc } from './colours.ts';
import { asOptions } from './command-words.ts';
import { shortName } from './lessons.ts';
import { forShell } from './shell.ts';

const width = 80;
export const mark = { passed: pc.green('✓'), failed: pc.red('✗'), waiting: pc.dim('·') };

/** A verdict as the terminal shows it, at most 80 columns wide. */
export function report(lesson: Lesson, verdict: Verdict, next: Lesson | undefined): string {
  const passed = verdict.tasks.filter((task) => task.state === 'passed').length;
  const lines = [heading(lesson, `${passed} of ${verdict.tasks.length} tasks`), ''];
  const failed = verdict.tasks.find((task) => task.state === 'failed');
  for (const task of verdict.tasks) {
    if (task === failed) lines.push(...failedTask(lesson, task, verdict));
    else if (task.state === 'passed') lines.push(...passedTask(task));
    else lines.push(pc.dim(` · task ${task.number}  waits for task ${failed?.number}`));
  }
  if (verdict.commands) lines.push('', ...gradedAs(verdict.commands));
  if (verdict.state === 'passed') {
    lines.push(
      '',
      next ? `Passed. The next lesson: lessons/${next.slug}/README.md` : 'Passed, and it was the last one.',
    );
    if (next) lines.push(pc.dim(`Another way to write it: npm run solution ${shortName(lesson)}`));
  }
  return lines.join('\n');
}

/** A requirement that is not met, without colours: what a learner hands to somebody who can help. */
export function failureText(lesson: Lesson, task: TaskVerdict, failed: RequirementVerdict, verdict: Verdict): string {
  const lines = failedTask(lesson, { ...task, requirements: [failed] }, verdict);
  return stripVTControlCharacters([heading(lesson, '').trimEnd(), '', ...lines].join('\n'));
}

/** A task that has passed, and what its learner should know all the same. */
function passedTask({ number, title, note = '' }: TaskVerdict): string[] {
  const noted = note === '' ? [] : wrap(note, width - 10).map((line) => pc.dim(`          ${line}`));
  return [` ${mark.passed} task ${number}  ${escapeInvisible(title)}`, ...noted];
}

export function heading({ number, title }: Lesson, right: string): string {
  const left = `lesson ${number} · ${title}`;
  return `${pc.bold(left)}${' '.repeat(Math.max(2, width - left.length - right.length))}${right}`;
}

/** Which programs were graded instead of the files of the lesson. */
const gradedAs = (commands: NonNullable<Verdict['commands']>): string[] =>
  wrap(
    `Graded: ${Object.entries(commands)
      .map(([role, text]) => `the ${role} that "${text}" starts`)
      .join(', and ')}.`,
    width,
  ).map((line) => pc.dim(line));

/** The advice of a lesson is written for Node.js. */
const translate =
  'This advice names functions of Node.js: look for what does the same in your language. Many languages collect what a program prints to a pipe or writes to a connection: flush it each time.';

function failedTask(lesson: Lesson, { number, title, requirements }: TaskVerdict, verdict: Verdict): string[] {
  const lines = [` ${mark.failed} ${pc.bold(`task ${number}`)}  ${pc.bold(escapeInvisible(title))}`];
  for (const requirement of requirements) {
    const style = requirement.state === 'waiting' ? pc.dim : code;
    const [first, ...rest] = wrap(requirement.sentence, width - 5);
    lines.push(`   ${mark[requirement.state]} ${style(first!)}`, ...rest.map((line) => `     ${style(line)}`));
    if (requirement.state === 'failed') lines.push('', ...explanation(lesson, requirement, verdict), '');
  }
  return lines;
}

function explanation(lesson: Lesson, { explanation }: RequirementVerdict, { seed, commands }: Verdict): string[] {
  const { cause, compare, advice, output, at, see, seeHow, wire } = explanation!;
  const blocks = [
    wrap(cause, width - 7).map((line) => pc.bold(line)),
    output &&
      printable(output)
        .split('\n')
        .flatMap((line) => fold(line, width - 9).map((part) => pc.red(`  ${part}`))),
    compare && [...labelled('expected', compare.expected, pc.green), ...labelled('received', compare.received, pc.red)],
    wire && captureText(wire).map((line) => `  ${line.includes('✗') ? pc.red(line) : pc.dim(line)}`),
    advice && wrap(advice, width - 7),
    commands &&
      advice &&
      /\b(response|process|await|express|fetch|console|node)\b/i.test(advice) &&
      wrap(translate, width - 7),
    [
      ...(at ? labelled('look in', at, pc.cyan) : []),
      ...(see ? command('see it yourself', seeHow ? `${forShell(see)}, ${seeHow}` : forShell(see)) : []),
      ...labelled('a hint', `npm run hint ${shortName(lesson)}`, pc.cyan),
      ...command(
        'the same again',
        `npm run check ${shortName(lesson)} -- --seed ${seed}${commands ? asOptions(commands) : ''}`,
      ),
    ],
  ].filter((block): block is string[] => Array.isArray(block) && block.length > 0);
  return blocks.flatMap((block, i) => [...(i > 0 ? [''] : []), ...block.map((line) => `     ${line}`)]);
}

/** A command is copied, so it is never broken: a long one gets a line of its own. */
const command = (label: string, text: string): string[] =>
  text.length <= width - 7 - 18 ? labelled(label, text, pc.cyan) : [label, `  ${pc.cyan(printable(text))}`];

function labelled(label: string, text: string, style: (text: string) => string): string[] {
  const column = label === 'expected' || label === 'received' ? 11 : 18;
  const lines = text.split('\n').flatMap((line) => wrap(line, width - 7 - column));
  return lines.map((part, i) => `${(i === 0 ? label : '').padEnd(column)}${style(part)}`);
}

/** Code in a sentence: with colour where there is colour, in its backticks where there is none. */
const code = (text: string): string =>
  pc.isColorSupported ? text.replace(/`([^`]+)`/g, (_all, inner: string) => pc.cyan(inner)) : text;

/** Breaks a sentence between words; a word that is longer than a line, such as JSON, behind its punctuation. */
export function wrap(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of printable(text).split(' ')) {
    const [start = '', ...rest] = cut(word, columns);
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + start.length > columns) lines.push(start);
    else lines[lines.length - 1] = line === '' ? start : `${line} ${start}`;
    lines.push(...rest);
  }
  return lines;
}

/** Breaks a line of somebody else's, and keeps its indentation. */
function fold(line: string, columns: number): string[] {
  const [indentation] = /^ */.exec(line)!;
  return shortened(wrap(line.trimStart(), columns - indentation.length)).map((part) => indentation + part);
}

/** Breaks text that has no words to break between. */
function cut(text: string, columns: number): string[] {
  const punctuated = `.{${columns >> 1},${columns - 1}}[,;{}()&/]`;
  return text.length > columns ? shortened(text.match(new RegExp(`${punctuated}|.{1,${columns}}`, 'gsu'))!) : [text];
}

const shortened = (lines: string[]): string[] => (lines.length > 4 ? [...lines.slice(0, 3), '…'] : lines);
