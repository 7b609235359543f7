import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { withMistake, type Mistake } from '../../test/proof/mistake.ts';
import type { Arguments } from './command.ts';
import { findLesson, learnerFiles, readSolution } from './lessons.ts';
import { finished, linesOf, type ProgramLine } from './starter.ts';

/** The lines of a solution's file that a learner writes, and those of them that no mistake touches. */
type Coverage = { file: string; lines: number; untouched: { number: number; text: string; task: number }[] };

/** Lists the lines of the tasks that no mistake touches. No test shows that a grader notices when such a line is wrong. */
export async function untouched({ words: [name], options }: Arguments): Promise<number> {
  const lessons = name === undefined ? catalog : [findLesson(name)];
  const found = await Promise.all(lessons.map(async (lesson) => ({ lesson, files: await coverageOf(lesson) })));
  if (options.json) {
    console.log(JSON.stringify(found.map(({ lesson, files }) => ({ slug: lesson.slug, files }))));
    return 0;
  }
  console.log(found.map(({ lesson, files }) => report(lesson, files)).join('\n\n'));
  return 0;
}

async function coverageOf(lesson: Lesson): Promise<Coverage[]> {
  const mistakes = await mistakesIn(join(root, 'test', 'mistakes', `${lesson.slug}.ts`));
  return learnerFiles.flatMap((file) => {
    const solution = readSolution(lesson, file).replaceAll('\r\n', '\n');
    const { lines, untouched } = coverage(
      solution,
      mistakes.filter((mistake) => mistake.file === file),
    );
    return lines > 0 ? [{ file, lines, untouched }] : [];
  });
}

/** The mistakes of a lesson, also on a Node.js that runs no TypeScript. */
async function mistakesIn(file: string): Promise<Mistake[]> {
  return ((await tsImport(pathToFileURL(file).href, import.meta.url)) as { mistakes: Mistake[] }).mistakes;
}

/** How many lines of a solution belong to a task, and which of them these mistakes leave alone. */
export function coverage(solution: string, mistakes: Mistake[]): Omit<Coverage, 'file'> {
  const program = finished(solution);
  const before = program.split('\n');
  const touched = new Set(
    mistakes.flatMap((mistake) => touchedLines(before, withMistake(program, mistake).split('\n'))),
  );
  const written = linesOf(solution).flatMap((line, index) => (isWritten(line) ? [{ ...line, index }] : []));
  return {
    lines: written.length,
    untouched: written
      .filter(({ index }) => !touched.has(index))
      .map(({ number, text, task }) => ({ number, text, task })),
  };
}

/** Whether a learner writes the line for a task; blank lines, comments and lone brackets could not be wrong. */
const isWritten = (line: ProgramLine): line is ProgramLine & { task: number } =>
  line.task !== undefined && !/^[\s()[\]{},;]*$|^\s*(\/\/|\/\*|\*)/.test(line.text);

/** The indices of the lines that are changed or removed, and of those beside which only new lines are. */
export function touchedLines(before: string[], after: string[]): number[] {
  const common = commonLines(before, after);
  const bounds = [[-1, -1] as const, ...common, [before.length, after.length] as const];
  return bounds.slice(1).flatMap(([nextBefore, nextAfter], i) => {
    const [lastBefore, lastAfter] = bounds[i]!;
    if (nextBefore - lastBefore > 1) return range(lastBefore + 1, nextBefore);
    return nextAfter - lastAfter > 1 ? [lastBefore, nextBefore] : [];
  });
}

/** Pairs of indices of a longest common subsequence. */
function commonLines(a: string[], b: string[]): [number, number][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return pairs;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_none, i) => from + i);

/** The untouched lines, file by file and task by task, and a count for each file; 80 columns wide. */
function report({ number, title }: Lesson, files: Coverage[]): string {
  const sections = files.flatMap(({ file, untouched }) =>
    [...new Set(untouched.map(({ task }) => task))].map((task) =>
      [`${file}, task ${task}`, ...untouched.filter((line) => line.task === task).map(row)].join('\n'),
    ),
  );
  const counts = files.map(({ file, lines, untouched }) => `${file} ${lines - untouched.length} of ${lines} lines`);
  return [`lesson ${number} · ${title}`, ...sections, counts.join('\n')].join('\n\n');
}

function row({ number, text }: { number: number; text: string }): string {
  const whole = `${String(number).padStart(5)}  ${text}`;
  return whole.length > 80 ? `${whole.slice(0, 79)}…` : whole;
}
