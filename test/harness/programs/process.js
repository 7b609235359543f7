// @ts-check
// Starts one learner's program in a process of its own, and ends it with all that it has started.
import { execFile, fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { root } from '../folders.js';
import { debugging } from './breakpoints.js';
import { MachineFault } from './machine-fault.js';
import { endOrphans } from './orphans.js';
import { isSetting } from './settings.js';

const here = dirname(fileURLToPath(import.meta.url));
const preload = pathToFileURL(join(here, 'preload.js')).href;
const windows = process.platform === 'win32';

/**
 * A debugger, when it is asked for, is on a port that is free. None of V8's own flags: under any of them it takes for
 * another's what Node.js has compiled of its own modules, and a start costs half as much again.
 */
const flags = ['--inspect-port=0'];

/** Stands in the environment of our programs and of all that they start: that tells whose they are. */
let mark = randomUUID();

/** The process ids of our programs. Each leads a process group of its own. @type {Set<number>} */
const alive = new Set();

/**
 * Starts a process that waits just before `file`. What it does then is in preload.js.
 * @param {string} file
 * @param {{ main: string, byTsx: boolean, imports: string[] }} how what Node.js runs, what runs it, and what it imports before
 * @returns {import('node:child_process').ChildProcess}
 * @throws MachineFault when the system starts no process
 */
export function spawnHeld(file, { main, byTsx, imports }) {
  const loader = byTsx ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : [];
  const program = trySpawn(process.execPath, [...flags, ...loader, '--import', preload, main, file], {
    cwd: root, // as when it is started by hand
    env: programEnv(imports),
    stdio: ['pipe', 'pipe', 'pipe', 'ipc', 'pipe'], // the last one is for `holdDisk`
    detached: !windows, // a group of its own, so that it can be ended with all that it starts
  });
  if (!program) {
    throw new MachineFault(
      `The grader could not start ${basename(file)}: this machine starts no more processes.\n` +
        'This says nothing about your programs. End some processes, or free some memory, and check again.',
    );
  }
  for (const pipe of [program.stdin, program.stdio[4]]) pipe?.on('error', () => {}); // told apart by its exit
  keep(program);
  return program;
}

/**
 * Starts the program of a command, without a shell. Where it cannot be started, the process has no id, and emits `error`.
 * @param {string[]} words the program and its arguments
 * @param {{ folder: string, env: Record<string, string> }} how where it runs, and what is in its environment besides
 * @returns {import('node:child_process').ChildProcess}
 * @throws MachineFault when the system starts no process
 */
export function spawnCommand([program = '', ...args], { folder, env }) {
  const { WARM_IMPORTS: _none, NODE_COMPILE_CACHE: _ours, ...inherited } = programEnv([]);
  try {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...inherited, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: !windows,
    });
    child.on('error', () => {}); // whoever waits for it looks at this
    child.stdin?.on('error', () => {});
    if (child.pid !== undefined) keep(child);
    return child;
  } catch (error) {
    throw new MachineFault(
      `The grader could not start ${program}: ${/** @type {Error} */ (error).message}.\n` +
        'This says nothing about your programs. End some processes, or free some memory, and check again.',
    );
  }
}

/**
 * Starts a process that runs the tools of a grader: they use the work clock at this address.
 * @param {Record<string, string>} env
 * @returns {import('node:child_process').ChildProcess}
 */
export function spawnToolHost(env) {
  const host = fork(join(here, '..', 'fast-start', 'start.js'), ['test/harness/programs/tool-host.ts'], {
    cwd: root,
    env: { ...process.env, CHUNK_BY_CHUNK_RUN: mark, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: !windows,
  });
  if (host.pid !== undefined) keep(host);
  return host;
}

/** Sees to it that a program ends with all that it starts, whatever becomes of it and of the grader. @param {import('node:child_process').ChildProcess} program */
function keep(program) {
  const pid = /** @type {number} */ (program.pid);
  program.on('error', () => {}); // told apart by its exit
  alive.add(pid);
  tellReaper(`+${pid}`);
  program.once('exit', () => {
    alive.delete(pid);
    endGroup(pid); // what it started may outlive it
    if (reaper) tellReaper(`-${pid}`);
  });
}

/**
 * Starts a process; returns undefined where the system starts none. Some of its reasons Node.js throws, others it tells later.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
function trySpawn(command, args, options) {
  try {
    const child = spawn(command, args, options);
    child.on('error', () => {});
    return child.pid === undefined ? undefined : child;
  } catch {
    return undefined;
  }
}

/** @param {string[]} imports what a program imports before its own file */
function programEnv(imports) {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (debugging && name === 'NODE_OPTIONS') continue; // an editor's debugger comes by it
    // Variables of Node.js such as NODE_DEBUG or NODE_USE_ENV_PROXY change what every program prints or whom it reaches.
    if (/^(VITEST|NODE_(?!PATH$)|FORCE_COLOR$|FAST_START$|npm_)/.test(name)) delete env[name];
    if (isSetting(name)) delete env[name]; // whoever begins the program gives it these
  }
  return {
    ...env,
    CHUNK_BY_CHUNK_RUN: mark,
    WARM_IMPORTS: imports.join(','),
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'), // from Node 22 on, starts are faster
  };
}

/** Ends a program and all that it started. @param {import('node:child_process').ChildProcess} program */
export function endProcess(program) {
  if (program.pid === undefined) return;
  endGroup(program.pid);
  program.kill('SIGKILL');
}

/** Sends the signal of Ctrl+C to a program and all that it started. @param {import('node:child_process').ChildProcess} program */
export function interruptGroup({ pid }) {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGINT');
  } catch {
    // it has ended already
  }
}

/** @param {number} pid */
function endGroup(pid) {
  try {
    if (windows) trySpawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
    else process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

/** Ends what programs have started and put outside of their groups. The programs stay. */
export function endLeftBehind() {
  endOrphans(mark, alive);
}

/** Ends every program, and what left its group on purpose. */
export function endProcesses() {
  for (const pid of alive) endGroup(pid);
  endOrphans(mark);
}

/** The same, where no more are to come. */
export function endAllProcesses() {
  endProcesses();
  // The reaper may look for this mark a moment later: what is started then has another.
  mark = randomUUID();
  reaper?.stdin?.end();
  reaper = undefined;
}

/** A small process that outlives a grader that is killed, and ends its programs. @type {import('node:child_process').ChildProcess | undefined} */
let reaper;

/** @param {string} line */
function tellReaper(line) {
  if (reaper) reaper.stdin?.write(`${line}\n`);
  else reaper = startReaper();
}

/** Without a reaper, programs still end when their channel to the grader closes, unless they are busy. */
function startReaper() {
  const started = trySpawn(process.execPath, [join(here, 'reaper.js'), mark], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  if (!started?.stdin) return undefined; // the next program tries again
  started.once('exit', () => {
    if (reaper === started) reaper = undefined; // the next program starts another
  });
  started.stdin.on('error', () => {});
  /** @type {import('node:net').Socket} */ (started.stdin).unref?.();
  started.unref();
  for (const pid of alive) started.stdin.write(`+${pid}\n`);
  return started;
}

/**
 * The line that keeps a program busy, as `server.ts:14`; undefined when nothing tells.
 * @param {string} debuggerUrl
 * @param {string} folder
 * @returns {Promise<string | undefined>}
 */
export function busyLine(debuggerUrl, folder) {
  const script = join(here, 'find-busy-line.js');
  const args = ['--experimental-websocket', script, debuggerUrl, `${pathToFileURL(folder).href}/`];
  return new Promise((resolve) => {
    try {
      execFile(process.execPath, args, { timeout: 65_000 }, (_error, stdout) => resolve(stdout?.trim() || undefined));
    } catch {
      resolve(undefined); // the system starts no process
    }
  });
}

/**
 * What a process has of the processors, or undefined where the system does not tell cheaply.
 * @param {number | undefined} pid
 * @returns {{ used: number, wants: boolean } | undefined} `used`: milliseconds of processor time so far; `wants`: it runs, or would if it could
 */
export function processorUse(pid) {
  if (process.platform !== 'linux' || pid === undefined) return undefined;
  try {
    // The name in parentheses may have spaces; then come the state and, as the 12th and 13th, the times in hundredths.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return { used: (Number(fields[11]) + Number(fields[12])) * 10, wants: fields[0] === 'R' || fields[0] === 'D' };
  } catch {
    return undefined;
  }
}

/** Resident memory of a process in MiB, or undefined where the system does not tell cheaply. @param {number | undefined} pid */
export function residentMemory(pid) {
  if (process.platform !== 'linux') return undefined;
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096) / 1024 ** 2;
  } catch {
    return undefined;
  }
}
