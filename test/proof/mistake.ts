import { linesOf } from '../../scripts/workshop/starter.ts';

/** A wrong answer that people give, as a change of the solution. */
export type Mistake = {
  /** Names its verdict in test/verdicts: `collects-everything`. */
  name: string;
  /** The task whose grader must catch it. */
  task: number;
  file: 'server.ts' | 'client.ts';
  /** What in the finished solution becomes what. */
  edits: Edit[];
  /** How fast the machine is decides which requirement of the task finds it first, so its verdict is not kept. */
  varies?: true;
};

/** `from` is in the text exactly once. */
type Edit = [from: string, to: string];

/** A mistake in the server, which the grader of `task` must catch. */
export function server(task: number, name: string, ...edits: Edit[]): Mistake {
  return { name, task, file: 'server.ts', edits };
}

/** A mistake in the client, which the grader of `task` must catch. */
export function client(task: number, name: string, ...edits: Edit[]): Mistake {
  return { name, task, file: 'client.ts', edits };
}

/** A mistake whose verdict differs from run to run. */
export const varying = (mistake: Mistake): Mistake => ({ ...mistake, varies: true });

/**
 * The program that somebody writes who makes this mistake.
 * @throws Error when a text to be changed is not in the solution exactly once.
 */
export function withMistake(solution: string, { name, edits }: Mistake): string {
  return edits.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2) throw new Error(`${name}: the solution does not have "${from}" exactly once`);
    return text.replace(from, () => to);
  }, solution);
}

/**
 * The first task whose grader can meet a mistake: the first one in whose region something is changed, or 1 where code outside
 * of all regions is. The tasks before it pass without that region, as the proof of the starters shows.
 */
export function firstTaskWith(solution: string, { task, edits }: Mistake): number {
  const lines = linesOf(solution);
  const text = lines.map((line) => line.text).join('\n');
  const changed = edits.flatMap(([from]) => {
    const first = text.slice(0, text.indexOf(from)).split('\n').length - 1;
    return lines.slice(first, first + from.split('\n').length).filter((line) => line.text.trim() !== '');
  });
  return Math.min(task, ...changed.map((line) => line.task ?? 1));
}

/** The wrong answers of a lesson. Imported by a name that Vite does not look into: it would keep an old list of files. */
export async function mistakesOf(slug: string): Promise<Mistake[]> {
  const file = new URL(`../mistakes/${slug}.ts`, import.meta.url).href;
  return ((await import(/* @vite-ignore */ file)) as { mistakes: Mistake[] }).mistakes;
}
