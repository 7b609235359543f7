import { commandOptions } from './workshop/command-words.ts';
import { run } from './workshop/command.ts';
import { watch } from './workshop/watch.ts';

await run(
  {
    usage: 'npm run watch [lesson]',
    summary: 'Stays, and grades a lesson each time you save one of its files.',
    words: 1,
    options: {
      ...commandOptions,
      poll: { type: 'boolean', help: 'look for saves, on file systems that do not tell of them' },
    },
  },
  watch,
);
