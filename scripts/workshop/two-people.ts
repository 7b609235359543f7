import type { Program } from '../../test/harness/programs/program.ts';

/** Milliseconds after which nobody types any more: a client that prints nothing does not keep the others waiting. */
const patience = 10_000;

/**
 * Types on the standard inputs of two clients, as two people who talk with each other.
 * @param ann the first client, which has been started
 * @param startBen starts the second client
 * @returns what to call whenever one of them may have printed something
 */
export function twoPeople(ann: Program, startBen: () => Program): () => void {
  let ben: Program | undefined;
  const began = performance.now();
  const late = () => performance.now() - began > patience;
  /** Each happens when the one before has happened and its condition holds. */
  const steps: [ready: () => boolean, act: () => void][] = [
    [() => true, () => setTimeout(() => (ben = startBen()), 1000)],
    [() => ann.lines.length >= 1 || late(), () => ben?.write('hi ann\n')],
    [() => ann.lines.length >= 2 || late(), () => ann.write('hello ben, how are you?\n')],
    [() => (ben?.lines.length ?? 0) >= 1 || late(), () => ben?.endInput()],
    [() => ann.lines.length >= 3 || late(), () => ann.endInput()],
  ];
  const play = () => {
    while (steps[0]?.[0]()) steps.shift()![1]();
  };
  setTimeout(play, patience + 100).unref();
  return play;
}
