import { run } from './workshop/command.ts';
import { tutor } from './workshop/tutor.ts';

await run(
  {
    usage: 'npm run tutor',
    summary:
      'Lets an AI assistant see your progress, verdicts and hints, but no solution. The assistant starts it: it is an MCP server on standard input and output.',
    words: 0,
  },
  tutor,
);
