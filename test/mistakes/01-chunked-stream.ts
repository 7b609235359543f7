import type { Mistake } from '../proof/mistake.ts';

export const mistakes: Mistake[] = [
  {
    name: 'collects-everything',
    task: 1,
    file: 'server.ts',
    edits: [
      ["  for (let i", "  let body = '';\n  for (let i"],
      ['response.write(`Message ${i}\\n`);', 'body += `Message ${i}\\n`;'],
      ['  response.end();', '  response.end(body);'],
    ],
  },
  {
    name: 'forgets-await',
    task: 1,
    file: 'server.ts',
    edits: [['await work(', 'work(']],
  },
  {
    name: 'busy-wait',
    task: 1,
    file: 'server.ts',
    edits: [['await work(`message ${i}`);', 'const end = Date.now() + 300;\n    while (Date.now() < end);']],
  },
];
