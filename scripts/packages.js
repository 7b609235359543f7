// What package-lock.json asks for, and what an install has of it. Plain JavaScript without a dependency: it runs first.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from '../test/harness/folders.js';
import { whyUnreadable } from './trouble.js';

/**
 * An entry of a lock file.
 * @typedef {{ version: string, dev?: boolean, optional?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   dependencies?: Record<string, string>, optionalDependencies?: Record<string, string> }} Entry
 */
/** Entries by their path, such as `node_modules/express`. @typedef {Record<string, Entry>} Packages */

/**
 * The packages that package-lock.json asks for on this machine, or why that cannot be known.
 * @returns {{ packages: Packages } | { trouble: string }}
 */
export function readLock() {
  const why = whyUnreadable(join(root, 'package-lock.json'));
  if (why !== undefined) return { trouble: `package-lock.json ${why}.` };
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const packages = packagesIn(text);
  if (packages) return { packages: Object.fromEntries(Object.entries(packages).filter(isForThisMachine)) };
  const line = text.split('\n').findIndex((line) => /^(<{7}|={7}|>{7})/.test(line)) + 1;
  return {
    trouble: line
      ? `package-lock.json has the marks of a merge conflict at line ${line}.`
      : 'package-lock.json is not a lock file of npm.',
  };
}

/** What a person does when package-lock.json cannot be read. */
export const restoreLock = '`git checkout HEAD -- package-lock.json` brings it back as it was.';

/** @param {string} text @returns {Packages | undefined} */
function packagesIn(text) {
  try {
    const { packages } = JSON.parse(text);
    return typeof packages === 'object' && packages !== null ? packages : undefined;
  } catch {
    return undefined;
  }
}

/** Optional packages are those of one system, or nothing that npm has to install. @param {[string, Entry]} entry */
const isForThisMachine = ([path, { optional, os, cpu, libc }]) =>
  path !== '' &&
  (!optional || (!libc && os?.includes(process.platform) === true && cpu?.includes(process.arch) === true));

/**
 * What an install lacks: packages whose folder is not there, and packages that are there in a different version.
 * @param {Packages} wanted
 * @param {string} [folder] the folder that holds node_modules
 * @returns {{ missing: string[], different: string[] }} paths, such as `node_modules/express`
 */
export function lookAt(wanted, folder = root) {
  const installed = versionsIn(folder);
  const paths = Object.keys(wanted);
  const isThere = folders(folder);
  const missing = paths.filter((path) => !isThere(path));
  return {
    missing,
    different: paths.filter((path) => !missing.includes(path) && installed(path) !== wanted[path].version),
  };
}

/** The name of a package in a path. @param {string} path */
export const nameOf = (path) => path.replace(/^.*node_modules\//, '');

/** npm writes down what it has installed; where that cannot be read, each package says which version it is. @param {string} folder */
function versionsIn(folder) {
  const list = join(folder, 'node_modules', '.package-lock.json');
  const known = whyUnreadable(list) === undefined ? packagesIn(readFileSync(list, 'utf8')) : undefined;
  return /** @param {string} path */ (path) => (known ? known[path]?.version : versionOf(join(folder, path)));
}

/** @param {string} folder of a package */
function versionOf(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** Tells whether a folder is there. Packages have few parents, and to read those takes a tenth of the time. @param {string} root */
function folders(root) {
  /** @type {Map<string, Set<string>>} */
  const known = new Map();
  return /** @param {string} path */ (path) => {
    const parent = dirname(path);
    if (!known.has(parent)) known.set(parent, namesIn(join(root, parent)));
    return known.get(parent).has(basename(path));
  };
}

/** @param {string} folder */
function namesIn(folder) {
  try {
    return new Set(readdirSync(folder));
  } catch {
    return new Set();
  }
}

/** The packages that commands load which only read and write files of the lessons. */
const toRead = ['markdown-it', 'picocolors', ...(process.features.typescript ? [] : ['esbuild'])];
const readers = ['progress', 'hint', 'reset', 'solution', 'starters'];

/** Whether a command does as well with other versions of its packages. @param {string} command */
export const isReader = (command) => readers.includes(command);

/**
 * The packages that a command cannot do without.
 * @param {string} command as in scripts/COMMAND.ts
 * @param {Packages} wanted
 * @returns {Packages}
 */
export function neededBy(command, wanted) {
  if (command === 'test') return wanted;
  if (!isReader(command)) return Object.fromEntries(Object.entries(wanted).filter(([, { dev }]) => !dev));
  /** @type {Packages} */
  const needed = {};
  const add = (path) => {
    if (!path || needed[path]) return;
    needed[path] = wanted[path];
    const { dependencies, optionalDependencies } = wanted[path];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) add(resolve(name, path, wanted));
  };
  for (const name of toRead) add(resolve(name, '', wanted));
  return needed;
}

/** Where Node finds a package that another imports: beside it, or in a folder further up. @param {string} name @param {string} from @param {Packages} wanted */
function resolve(name, from, wanted) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder && `${folder}/`}node_modules/${name}`;
    if (wanted[path]) return path;
    if (folder === '') return undefined;
  }
}
