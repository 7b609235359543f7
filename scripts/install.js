// Makes an install beside the one that is there; it takes its place when it is whole, and not before.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../test/harness/folders.js';
import { shownPath } from './trouble.js';

const temporary = join(root, '.tmp');
/** The folder of a process that installs: when it began, and its number. */
const nameOfInstall = /^install-(\d+)-(\d+)$/;

/** Milliseconds between two lines for a person who waits. */
const patience = 10_000;
/** Milliseconds between two signs of life of a process that installs, and without one until it counts as gone. */
const beat = 1000;
const goneAfter = 15_000;

/** npm tries again for minutes by itself; here a person waits. */
const npm =
  'npm ci --no-audit --no-fund --loglevel=error --include=dev --include=optional ' +
  '--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 --fetch-timeout=20000';

/**
 * Installs what package-lock.json says. Of two processes that want it, the second waits for the first.
 * @param {(folder: string) => boolean} isWhole tells whether a folder's node_modules has every package
 * @returns {Promise<void>}
 * @throws {Error} says why there is no new install; the old one is as it was.
 */
export async function install(isWhole) {
  const own = join(temporary, `install-${Date.now()}-${process.pid}`);
  mkdirSync(own, { recursive: true });
  const heart = setInterval(() => touch(own), beat);
  let npmProcess;
  const leave = () => {
    endTree(npmProcess);
    discard(own);
    process.exit(130);
  };
  for (const signal of signals) process.on(signal, leave);
  try {
    await waitForOthers(own);
    if (isWhole(root)) return;
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      if (existsSync(join(root, file))) copyFileSync(join(root, file), join(own, file));
    }
    const failed = await sayWhileWaiting('npm ci is installing', async () => {
      npmProcess = spawn(npm, {
        cwd: own,
        shell: true,
        stdio: ['ignore', 2, 2],
        detached: process.platform !== 'win32',
      });
      return ended(npmProcess);
    });
    npmProcess = undefined;
    if (failed !== undefined) throw new Error(failed);
    if (!isWhole(own)) throw new Error('npm ci has left packages out');
    putInPlace(own, isWhole);
  } finally {
    await sayWhileWaiting('The old packages are being removed', () => rm(own, { recursive: true, force: true })).catch(
      () => {},
    );
    clearInterval(heart);
    for (const signal of signals) process.off(signal, leave);
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Waits for those that began before, as long as they show signs of life; removes what dead ones have left. @param {string} own */
async function waitForOthers(own) {
  const [began, pid] = numbersIn(own);
  const isBefore = (name) => {
    const [otherBegan, otherPid] = numbersIn(name);
    return otherBegan < began || (otherBegan === began && otherPid < pid);
  };
  const others = () => readdirSync(temporary).filter((name) => nameOfInstall.test(name) && isBefore(name));
  for (const name of others()) if (!isAlive(name) && isSilent(name)) discard(join(temporary, name));
  await sayWhileWaiting('Another command is installing', async () => {
    while (others().some((name) => isAlive(name) && !isSilent(name))) await sleep(200);
  });
}

/** @param {string} name @returns {number[]} */
const numbersIn = (name) =>
  nameOfInstall
    .exec(name.slice(name.lastIndexOf('install-')))
    .slice(1)
    .map(Number);

/** @param {string} name */
function isAlive(name) {
  try {
    process.kill(numbersIn(name)[1], 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** @param {string} name */
const isSilent = (name) =>
  Date.now() - (statSync(join(temporary, name), { throwIfNoEntry: false })?.mtimeMs ?? 0) > goneAfter;

/** @param {string} folder */
function touch(folder) {
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // Without the folder npm fails, and says so.
  }
}

/**
 * Puts the new install in the place of the old one, which goes into the folder that is removed.
 * @param {string} own @param {(folder: string) => boolean} isWhole
 */
function putInPlace(own, isWhole) {
  const place = join(root, 'node_modules');
  const old = join(own, 'old');
  try {
    renameSync(place, old);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  try {
    renameSync(join(own, 'node_modules'), place);
  } catch (error) {
    if (existsSync(old) && !existsSync(place)) renameSync(old, place);
    if (!isWhole(root)) throw error; // else another process was faster
  }
}

/** Brings back an install that was put aside by a process which ended before it put the new one in its place. */
export function bringBackOld() {
  const place = join(root, 'node_modules');
  if (existsSync(place) || !existsSync(temporary)) return;
  for (const name of readdirSync(temporary).filter((name) => nameOfInstall.test(name))) {
    const old = join(temporary, name, 'old');
    if (!isAlive(name) && existsSync(old)) return renameSync(old, place);
  }
}

/** @param {string} folder */
function discard(folder) {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  } catch {
    // The next install removes it.
  }
}

/** Why npm has failed, or undefined. @param {import('node:child_process').ChildProcess} child @returns {Promise<string | undefined>} */
const ended = (child) =>
  new Promise((resolve) => {
    child.on('error', (error) => resolve(`npm cannot be started: ${error.message}`));
    child.on('close', (code) => resolve(code === 0 ? undefined : 'npm ci has failed, and says why above'));
  });

/** @param {import('node:child_process').ChildProcess | undefined} child */
function endTree(child) {
  if (!child?.pid) return;
  try {
    if (process.platform === 'win32') spawn('taskkill', ['/T', '/F', '/PID', String(child.pid)], { stdio: 'ignore' });
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/**
 * Does something, and prints a line for whoever waits each time that ten seconds have passed.
 * @template T @param {string} what @param {() => Promise<T>} action @returns {Promise<T>}
 */
export async function sayWhileWaiting(what, action) {
  const began = Date.now();
  const timer = setInterval(
    () => console.error(`${what}; it has taken ${Math.round((Date.now() - began) / 1000)} seconds so far …`),
    patience,
  );
  try {
    return await action();
  } finally {
    clearInterval(timer);
  }
}
