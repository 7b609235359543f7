// Every npm script begins here: `node scripts/run.js NAME …` installs what is missing, then runs scripts/NAME.ts.
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './setup.js';
import { printTrouble } from './trouble.js';

const [name] = process.argv.splice(2, 1);
// Under a debugger, programs run from where they are, and nothing starts before it is needed.
if (process.argv.includes('--debug')) Object.assign(process.env, { BREAKPOINTS: 'on', FAST_START: 'off' });
try {
  await ensureInstalled(name);
  modules.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)));
  const { importTypeScript } = await import('../test/harness/fast-start/commands.js');
  await importTypeScript(`scripts/${name}.ts`);
} catch (error) {
  process.exitCode = printTrouble(error); // what a command itself throws, it prints itself
}
