import { run } from './workshop/command.ts';
import { test } from './workshop/test.ts';

await run(
  {
    usage: 'npm test',
    summary: 'For maintainers: checks types and format, proves every lesson, and tests the commands.',
    words: 0,
    options: {
      lesson: { type: 'string', help: 'only prove this lesson' },
      changed: { type: 'boolean', help: 'only prove the lessons whose files have changed since main' },
      update: { type: 'boolean', help: 'keep the verdicts as they are now; read the diff' },
    },
  },
  test,
);
