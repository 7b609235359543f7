import { run } from './workshop/command.ts';
import { hint } from './workshop/hint.ts';

await run(
  {
    usage: 'npm run hint [lesson] [number]',
    summary: 'Lists the questions for the first task that is not passed; with a number, prints the answer.',
    words: 2,
    options: { task: { type: 'string', help: 'the questions of another task' } },
  },
  hint,
);
