// Installs what package-lock.json says when it is not there yet. Plain JavaScript without a dependency: it runs first.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const oldestNode = [20, 19];

/** Ends the process with a sentence and exit code 2 when Node is too old or the install fails. */
export function ensureInstalled() {
  if (!nodeIsNewEnough(process.versions.node)) {
    stop(
      `This workshop needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`,
      'Install the current LTS release from nodejs.org, open a new terminal, and run the command again.',
    );
  }
  const missing = missingPackages();
  if (missing.length === 0) return;
  const [first] = missing;
  console.error(`Installing ${missing.length} packages (${first}${missing.length > 1 ? ', …' : ''}): npm ci`);
  const { status } = spawnSync('npm ci --no-audit --no-fund --loglevel=error', {
    cwd: root,
    shell: true,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0 || missingPackages().length > 0) {
    stop(
      'The packages could not be installed; what npm says stands above.',
      'Is there a network? Behind a proxy: npm config set proxy http://HOST:PORT. Then run the command again.',
      'Without any network: copy node_modules from a machine with the same system and Node.js version.',
      '`npm run doctor` looks at the usual causes.',
    );
  }
}

/** @param {string} version as in process.versions.node */
export function nodeIsNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

/** What package-lock.json asks for and node_modules does not have in that version; packages for other systems aside. */
export function missingPackages() {
  const wanted = packagesIn('package-lock.json');
  if (!existsSync(`${root}/node_modules/.package-lock.json`)) return Object.keys(wanted).filter(Boolean).map(shortName);
  const installed = packagesIn('node_modules/.package-lock.json');
  return Object.entries(wanted)
    .filter(([path, entry]) => path !== '' && !entry.optional && installed[path]?.version !== entry.version)
    .map(([path]) => shortName(path));
}

function packagesIn(file) {
  return JSON.parse(readFileSync(`${root}/${file}`, 'utf8')).packages;
}

const shortName = (path) => path.replace(/^.*node_modules\//, '');

function stop(...lines) {
  console.error(`\n${lines.join('\n')}`);
  process.exit(2);
}
