import { run } from './workshop/command.ts';
import { compare } from './workshop/compare.ts';

await run(
  {
    usage: 'npm run compare',
    summary: 'For maintainers: how fast the server of lesson 10 is beside the official ones, doing the same work.',
    words: 0,
  },
  compare,
);
