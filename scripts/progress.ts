import { run } from './workshop/command.ts';
import { showProgress } from './workshop/show-progress.ts';

await run(
  {
    usage: 'npm run progress',
    summary: 'Lists every lesson and task, what is passed, and what is next.',
    words: 0,
    options: { json: { type: 'boolean', help: 'print it as data' } },
  },
  showProgress,
);
