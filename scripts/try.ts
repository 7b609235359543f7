import { run } from './workshop/command.ts';
import { tryLesson } from './workshop/try.ts';

await run(
  {
    usage: 'npm run try [lesson]',
    summary: 'Runs your server and client of a lesson at their own pace, and draws what arrives when.',
    words: 1,
    options: {
      leave: { type: 'string', help: 'end the client after so many seconds, and watch the server for a while' },
      cut: { type: 'string', help: 'break the event stream of a POST off after so many seconds' },
    },
  },
  tryLesson,
);
