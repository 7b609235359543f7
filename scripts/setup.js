// Sees to it that a command has the packages that it needs. Plain JavaScript without a dependency: it runs first.
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../test/harness/folders.js';
import { printable } from '../test/harness/wire/printable.js';
import { bringBackOld, install } from './install.js';
import { isReader, lookAt, nameOf, neededBy, readLock, restoreLock } from './packages.js';
import { reasonOf } from './trouble.js';

const oldestNode = [20, 19];

/**
 * Installs what a command needs and does not have. A command that has what it needs is told what is different, and goes on.
 * Ends the process with sentences and exit code 2 when Node is too old, or when the command cannot go on.
 * @param {string} command as in scripts/COMMAND.ts
 */
export async function ensureInstalled(command) {
  if (!nodeIsNewEnough(process.versions.node)) {
    stop(
      `This workshop needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`,
      'Install the current LTS release from nodejs.org, open a new terminal, and run the command again.',
    );
  }
  const lock = readLock();
  if ('trouble' in lock) return stop(lock.trouble, restoreLock);
  const wanted = lock.packages;
  const whatIsWrong = () => Object.values(lookAt(wanted)).flat();
  if (whatIsWrong().length === 0) return;

  bringBackOld();
  const wrong = whatIsWrong();
  if (wrong.length === 0) return;
  const needed = lookAt(neededBy(command, wanted));
  const canGoOn = needed.missing.length === 0;
  const difference = `node_modules is not what package-lock.json says (${listed(wrong)})`;
  if (canGoOn && (isReader(command) || needed.different.length === 0)) {
    return say(`${difference}; this command goes on without an install, and \`npm ci\` makes one.`);
  }
  if (canGoOn && failedLately()) {
    return say(`${difference}, and the last attempt to install failed; this command goes on with what is there.`);
  }

  say(`Installing ${wrong.length} packages (${listed(wrong)}): npm ci`);
  const reason = await installed(wanted);
  if (reason === undefined) return forgetFailure();
  if (canGoOn) {
    rememberFailure();
    return say(`The packages could not be installed: ${reason}. This command goes on with those that are there.`);
  }
  stop(
    `The packages could not be installed: ${reason}.`,
    'Is there a network? Behind a proxy: npm config set proxy http://HOST:PORT. Then run the command again.',
    'Without any network: copy node_modules from a machine with the same system and Node.js version.',
    '`npm run doctor` looks at the usual causes.',
  );
}

/** Installs; returns why not when it fails. @param {import('./packages.js').Packages} wanted */
async function installed(wanted) {
  const isWhole = (folder) => Object.values(lookAt(wanted, folder)).flat().length === 0;
  try {
    await install(isWhole);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** @param {string} version as in process.versions.node */
export function nodeIsNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

/** When an attempt to install has failed, there is no other one for ten minutes: offline, each check would wait for it. */
const failure = join(root, '.tmp', 'install-failed');
const memory = 10 * 60_000;

const failedLately = () => {
  const at = statSync(failure, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - at < memory && at > statSync(join(root, 'package-lock.json')).mtimeMs;
};

function rememberFailure() {
  try {
    mkdirSync(dirname(failure), { recursive: true });
    writeFileSync(failure, '');
  } catch {
    // Then the next command makes an attempt of its own.
  }
}

function forgetFailure() {
  if (existsSync(failure)) rmSync(failure, { force: true });
}

/** The first packages of a list, and that there are more. @param {string[]} paths */
const listed = (paths) => `${paths.slice(0, 3).map(nameOf).join(', ')}${paths.length > 3 ? ', …' : ''}`;

/** @param {string} text */
const say = (text) => console.error(printable(text));

/** @param {string[]} lines */
function stop(...lines) {
  say(lines.join('\n'));
  process.exit(2);
}
