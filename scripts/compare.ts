import { run } from './workshop/command.ts';
import { compare } from './workshop/compare.ts';

await run(
  {
    usage: 'npm run compare',
    summary: 'How fast a server without the SDK is beside the official ones, and how much memory an idle stream needs.',
    words: 0,
  },
  compare,
);
