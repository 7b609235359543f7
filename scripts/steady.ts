import { run } from './workshop/command.ts';
import { steady } from './workshop/steady.ts';

await run(
  {
    usage: 'npm run steady <lesson>',
    summary: 'For maintainers: grades the solution of a lesson a hundred times over.',
    words: 1,
    options: { runs: { type: 'string', help: 'another number of runs' } },
  },
  steady,
);
