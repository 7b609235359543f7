import { run } from './workshop/command.ts';
import { solution } from './workshop/solution.ts';

await run(
  {
    usage: 'npm run solution <lesson>',
    summary: 'Shows a solution of a lesson that you have passed.',
    words: 1,
    options: {
      reveal: { type: 'boolean', help: 'show it before the lesson is passed' },
      task: { type: 'string', help: 'only this task' },
      apply: { type: 'boolean', help: 'put it in place of your files, which are saved first' },
    },
  },
  solution,
);
