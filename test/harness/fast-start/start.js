// Runs one of our TypeScript files in a process of its own: `node start.js test/proof/worker.ts …`.
import { importTypeScript } from './commands.js';

const [path] = process.argv.splice(2, 1);
await importTypeScript(path);
