/** A wrong answer that people give, as a change of the solution. */
export type Mistake = {
  /** Names its verdict in test/verdicts: `collects-everything`. */
  name: string;
  /** The task whose grader must catch it. */
  task: number;
  file: 'server.ts' | 'client.ts';
  /** What in the finished solution becomes what: each text stands there exactly once. */
  edits?: [from: string, to: string][];
  /** Or the whole file. */
  program?: string;
};

/** The wrong answers of a lesson. Imported by a name that Vite does not look into: it would keep an old list of files. */
export async function mistakesOf(slug: string): Promise<Mistake[]> {
  const file = new URL(`../mistakes/${slug}.ts`, import.meta.url).href;
  return ((await import(/* @vite-ignore */ file)) as { mistakes: Mistake[] }).mistakes;
}
