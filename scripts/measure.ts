import { run } from './workshop/command.ts';
import { measure } from './workshop/measure.ts';

await run(
  {
    usage: 'npm run measure [lesson]',
    summary: 'Measures the time from save to verdict, a cold check in turn with it, and the watch’s memory.',
    words: 1,
    options: { runs: { type: 'string', help: 'how many saves, 15 without it; the first 15 are timed' } },
  },
  measure,
);
