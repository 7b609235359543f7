import { run } from './workshop/command.ts';
import { start } from './workshop/start.ts';

await run(
  {
    usage: 'npm start',
    summary: 'Opens the lessons in the browser, and grades a lesson whenever you save its files. Ctrl+C ends it.',
    words: 0,
    options: {
      'no-open': { type: 'boolean', help: 'do not open the browser' },
      port: { type: 'string', help: 'another port than 4321' },
      editor: { type: 'string', help: 'vscode, cursor, zed …, or an address with {file} and {line}' },
      poll: { type: 'boolean', help: 'for folders on which the system does not report changes' },
    },
  },
  start,
);
