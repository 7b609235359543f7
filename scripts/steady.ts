import { run } from './workshop/command.ts';
import { steady } from './workshop/steady.ts';

await run(
  {
    usage: 'npm run steady <lesson>',
    summary: 'For maintainers: grades the solution of a lesson a hundred times over, which must pass every time.',
    words: 1,
    options: {
      runs: { type: 'string', help: 'another number of runs' },
      variants: { type: 'boolean', help: 'the right answers in other styles too' },
      busy: { type: 'boolean', help: 'beside four endless loops for each processor' },
    },
  },
  steady,
);
