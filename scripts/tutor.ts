import { run } from './workshop/command.ts';
import { tutor } from './workshop/tutor.ts';

await run(
  {
    usage: 'npm run tutor',
    summary: 'Shows an AI assistant your progress, verdicts and hints, as an MCP server that it starts itself.',
    words: 0,
  },
  tutor,
);
