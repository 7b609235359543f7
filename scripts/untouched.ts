import { run } from './workshop/command.ts';
import { untouched } from './workshop/untouched.ts';

await run(
  {
    usage: 'npm run untouched [lesson]',
    summary: 'For maintainers: lists the lines that no mistake touches, of one solution or of all.',
    words: 1,
    options: { json: { type: 'boolean', help: 'print them as data' } },
  },
  untouched,
);
