import { run } from './workshop/command.ts';
import { compare } from './workshop/compare.ts';

await run(
  {
    usage: 'npm run compare',
    summary: 'Measures a server without the SDK beside the official ones: speed, and memory of an idle stream.',
    words: 0,
  },
  compare,
);
