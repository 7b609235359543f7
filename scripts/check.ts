import { check } from './workshop/check.ts';
import { commandOptions } from './workshop/command-words.ts';
import { run } from './workshop/command.ts';

await run(
  {
    usage: 'npm run check [lesson]',
    summary: 'Grades your files of a lesson; without a name, of the first lesson that is not passed.',
    words: 1,
    options: {
      json: { type: 'boolean', help: 'print the verdict as data' },
      debug: { type: 'boolean', help: 'wait while a program stands at a breakpoint' },
      ...commandOptions,
      seed: { type: 'string', help: 'repeat a run with the inputs of an earlier one' },
    },
  },
  check,
);
