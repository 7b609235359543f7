// A solution marks what the learner has to write; the starter is made from it.

/** A part of a solution between `// #region task N: …` and `// #endregion`. */
type Region = {
  task: number;
  /** What is to be done, as it stands behind `TODO task N:`. */
  title: string;
  indent: string;
  /** What the starter has in its place. */
  stub: string[];
  /** What stands there only when an earlier task is done: the code of that task may need it. */
  later: string[];
  code: string[];
};

const opening = /^(\s*)\/\/ #region task (\d+): (.+)$/;
const stubLine = /^\s*\/\/ (starter|later): ?(.*)$/;
const closing = /^\s*\/\/ #endregion$/;

/**
 * The solution's lines, with its regions as values.
 * @throws Error when a region is not well formed.
 */
function parse(source: string): (string | Region)[] {
  const parts: (string | Region)[] = [];
  let open: Region | undefined;
  for (const [index, line] of source.split('\n').entries()) {
    const [, indent, task, title] = opening.exec(line) ?? [];
    if (title !== undefined) {
      if (open) throw new Error(`line ${index + 1}: a region begins inside of another`);
      open = { task: Number(task), title, indent: indent ?? '', stub: [], later: [], code: [] };
    } else if (closing.test(line)) {
      if (!open) throw new Error(`line ${index + 1}: an #endregion without its #region`);
      parts.push(open);
      open = undefined;
    } else if (open) {
      const [, kind, stub] = stubLine.exec(line) ?? [];
      if (stub === undefined) open.code.push(line);
      else (kind === 'later' ? open.later : open.stub).push(stub === '' ? '' : `${open.indent}${stub}`);
    } else {
      parts.push(line);
    }
  }
  if (open) throw new Error(`the region "task ${open.task}: ${open.title}" has no #endregion`);
  return parts;
}

/** The file that a learner begins with; or, with `from`, as it is when the tasks before that one are done. */
export function starterOf(solution: string, from = 1): string {
  return parse(solution)
    .flatMap((part) => {
      if (typeof part === 'string') return [part];
      if (part.task < from) return part.code;
      const later = from > 1 ? part.later : [];
      return [`${part.indent}// TODO task ${part.task}: ${part.title}`, ...part.stub, ...later];
    })
    .join('\n');
}

/** The solution as a learner would have written it, without the marks. */
export const finished = (solution: string): string => starterOf(solution, Infinity);

/** The code of one task, region by region, without the indentation that all of its lines share. */
export function codeOf(solution: string, task: number): { title: string; code: string }[] {
  return parse(solution).flatMap((part) =>
    typeof part !== 'string' && part.task === task
      ? [{ title: part.title, code: part.code.map((line) => line.replace(part.indent, '')).join('\n') }]
      : [],
  );
}

/** The tasks that have a region, in the order of the file. */
export const tasksIn = (solution: string): number[] =>
  parse(solution).flatMap((part) => (typeof part === 'string' ? [] : [part.task]));

/** A line of the finished program. */
export type ProgramLine = {
  /** Where it is in the solution, which has the marks too; from 1. */
  number: number;
  text: string;
  /** The task in whose region it is. */
  task: number | undefined;
};

/** The lines of the finished program, each with its place in the solution. */
export function linesOf(solution: string): ProgramLine[] {
  let task: number | undefined;
  return solution.split('\n').flatMap((text, index) => {
    const opened = opening.exec(text)?.[2];
    if (opened !== undefined) task = Number(opened);
    else if (closing.test(text)) task = undefined;
    else if (task === undefined || !stubLine.test(text)) return [{ number: index + 1, text, task }];
    return [];
  });
}
