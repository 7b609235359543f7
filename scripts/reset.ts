import { run } from './workshop/command.ts';
import { reset } from './workshop/reset.ts';

await run(
  {
    usage: 'npm run reset <lesson>',
    summary: 'Puts the files of a lesson back to the starter. What is there now is saved first.',
    words: 1,
    options: {
      missing: { type: 'boolean', help: 'only put back files that are not there' },
      from: { type: 'string', help: 'put back files that were saved, from this folder' },
    },
  },
  reset,
);
