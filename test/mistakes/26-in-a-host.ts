import type { Mistake } from '../proof/mistake.ts';
export const mistakes: Mistake[] = [];
