import { client, server, type Mistake } from '../proof/mistake.ts';

export const mistakes: Mistake[] = [];
