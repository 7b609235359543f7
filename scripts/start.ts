import { run } from './workshop/command.ts';
import { start } from './workshop/start.ts';

await run({ usage: 'npm start', summary: 'Installs what is missing, and says where to begin.', words: 0 }, start);
