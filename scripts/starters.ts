import { run } from './workshop/command.ts';
import { starters } from './workshop/starters.ts';

await run(
  {
    usage: 'npm run starters',
    summary: 'For maintainers: makes the starters in lessons/ from the solutions.',
    words: 0,
    options: { check: { type: 'boolean', help: 'only say which are not what the solutions make' } },
  },
  starters,
);
