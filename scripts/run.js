// Every npm script begins here: `node scripts/run.js NAME …` installs what is missing, then runs scripts/NAME.ts.
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './setup.js';

const [name] = process.argv.splice(2, 1);
ensureInstalled();
modules.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)));

const { importTypeScript } = await import('../test/harness/fast-start/commands.js');
await importTypeScript(`scripts/${name}.ts`);
