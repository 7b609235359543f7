// What a person is told when a file cannot be read or written. Plain JavaScript without a dependency: the commands need
// it before the packages are there.
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { root } from '../test/harness/folders.js';
import { printable } from '../test/harness/wire/printable.js';

/** Bytes of the largest file that we read: a lesson's files have some thousand. */
const mostBytes = 16 * 1024 ** 2;

/** A path as it is shown: relative to the repository and with slashes, or whole when it is elsewhere. @param {string} path */
export function shownPath(path) {
  const inside = relative(root, path);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside.split(sep).join('/');
}

/**
 * Why a path is no file that can be read, as the end of a sentence. A pipe or a device is found before anything waits for it.
 * @param {string} path
 * @returns {string | undefined} undefined when it can be read
 */
export function whyUnreadable(path) {
  try {
    const stats = statSync(path);
    const { size } = stats;
    if (!stats.isFile()) return `is a ${kindOf(stats)}, not a file`;
    if (size > mostBytes)
      return `has ${Math.round(size / 1024 ** 2)} MiB; the workshop reads at most ${mostBytes / 1024 ** 2}`;
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    if (error.code === 'ENOENT') return isThere(path) ? 'is a link that leads nowhere' : 'is missing';
    return reasons[error.code] ? `cannot be read: ${reasons[error.code]}` : `cannot be read: ${error.message}`;
  }
}

/** Whether something has this name, if only a link that leads nowhere. @param {string} path */
export const isThere = (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** @param {import('node:fs').Stats} stats */
function kindOf(stats) {
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'pipe';
  return stats.isSocket() ? 'socket' : 'device';
}

/** What the codes of the system mean. @type {Record<string, string>} */
const reasons = {
  EACCES: 'you have no permission',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system can only be read',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is full',
  EFBIG: 'the system permits no file of that size',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  EIO: 'the disk reports an error',
  EBUSY: 'another program uses it',
  EISDIR: 'a folder has that name',
  ENOTDIR: 'a part of its path is not a folder',
  ELOOP: 'its links lead in a circle',
  ENOTEMPTY: 'a folder with files has that name',
  EEXIST: 'something else has that name',
  ENAMETOOLONG: 'its name is too long',
};

/** The reason in an error of the system, in words. @param {unknown} error */
export const reasonOf = (error) => reasons[error?.code] ?? error?.message ?? String(error);

/** The folders whose files come with the workshop. */
const ours = /^(lessons|solutions|scripts|test)(\/|$)/;

/**
 * An error that the person at the keyboard can put right, as sentences: the system refused a file, or a file is gone.
 * @param {unknown} error
 * @param {string} [without] what is named when the error names no file: that of a write does not
 * @returns {string | undefined} undefined for any other error
 */
export function sentencesFor(error, without = 'A file of the workshop') {
  const { code, path, syscall, url } = error ?? {};
  if (code === 'ERR_MODULE_NOT_FOUND') return missingModule(String(error.message), url);
  const name = typeof path === 'string' && path !== '' ? shownPath(path) : undefined;
  if (name && code === 'ENOENT' && ours.test(name)) return missingFile(name);
  if (!syscall || !reasons[code]) return undefined;
  const advice =
    code === 'EMFILE' || code === 'ENFILE'
      ? 'End programs that have many files open, or permit more open files in this terminal: `ulimit -n 4096`.'
      : 'Look at the permissions of the folder and at the space on the disk; `npm run doctor` looks at both.';
  return `${name ?? without} cannot be ${verbs[syscall] ?? 'used'}: ${reasons[code]}.\n${advice}`;
}

/** What the calls of the system do. @type {Record<string, string>} */
const verbs = {
  write: 'written',
  mkdir: 'made',
  rename: 'written',
  copyfile: 'copied',
  scandir: 'read',
  read: 'read',
  open: 'opened',
};

/** @param {string} name */
const missingFile = (name) => `${name} is missing.\n\`git checkout -- ${name}\` brings it back.`;

/** Node.js takes a star in a folder's name for the star of a pattern in a package's exports. @param {string} folder */
export const nameIsLoadable = (folder) => !folder.includes('*');

export const renameFolder = 'It has a star in its name, which Node.js takes for a pattern: rename the folder.';

/** @param {string} message @param {string | undefined} url */
function missingModule(message, url) {
  const wanted = url?.startsWith('file:') ? fileURLToPath(url) : (/'([^']+)'/.exec(message)?.[1] ?? '');
  const name = isAbsolute(wanted) ? shownPath(wanted) : wanted;
  if (ours.test(name)) return missingFile(name);
  const of = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? name;
  if (of === '' || /^[./]/.test(of)) return undefined;
  if (!nameIsLoadable(root)) return `Node.js cannot load the package ${of} from ${root}.\n${renameFolder}`;
  return `The package ${of} is not whole: a file of it is missing.\n\`npm ci\` installs all packages again.`;
}

/**
 * Prints why a command ends, and returns its exit code: sentences and 2 when the person can put it right; else 3.
 * @param {unknown} error
 * @param {string} [without] as in `sentencesFor`
 * @returns {2 | 3}
 */
export function printTrouble(error, without) {
  const sentences = sentencesFor(error, without);
  try {
    console.error(printable(sentences ?? inspect(error)));
  } catch {
    // Nothing can be said where nothing can be printed: the exit code remains.
  }
  return sentences === undefined ? 3 : 2;
}
