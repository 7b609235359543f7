import { run } from './workshop/command.ts';
import { measureTransports } from './workshop/measure-transports.ts';

await run(
  {
    usage: 'npm run measure-transports',
    summary: 'Does the same work over stdio, HTTP+SSE and Streamable HTTP, and prints a table of the three.',
    words: 0,
    options: { json: { type: 'boolean', help: 'print the figures as JSON' } },
  },
  measureTransports,
);
