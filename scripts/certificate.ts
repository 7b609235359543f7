import { certificate } from './workshop/certificate.ts';
import { run } from './workshop/command.ts';

await run(
  {
    usage: 'npm run certificate "Your name"',
    summary:
      'Writes a page to print, with what you have built, when all lessons of the course or of a track are passed.',
    words: 1,
    options: {
      track: { type: 'string', help: 'the track instead of the longest one that is passed: "One day"' },
      out: { type: 'string', help: 'the file instead of certificate.html' },
      json: { type: 'boolean', help: 'print it as data, and write no file' },
    },
  },
  certificate,
);
