import type { Run } from './run.ts';

/** A lesson's grader: gives a run the lesson's tasks and requirements. What it keeps in variables belongs to that run. */
export type Grader = (run: Run) => void;

let whenDeclared: ((grader: Grader) => void) | undefined;

/** Declares the grader of a lesson: the default export of its file in test/lessons. */
export function grader(register: Grader): Grader {
  whenDeclared?.(register);
  return register;
}

/** Lets another runner, Vitest, take each grader where it is declared. */
export function onDeclaration(listener: (grader: Grader) => void): void {
  whenDeclared = listener;
}
