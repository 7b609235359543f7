// Starts learners' programs, each in a process of its own, and sees to it that none is left behind.
// Plain JavaScript, so that a program can be started while the grader itself is still loading.
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildFile, buildSupport, builtFile, needsTsx } from '../fast-start/program.js';
import { packAll, packed } from '../fast-start/packages.js';
import { endOrphans } from './orphans.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const preload = pathToFileURL(join(here, 'preload.js')).href;
const warm = pathToFileURL(join(here, 'warm.js')).href;
const windows = process.platform === 'win32';

/**
 * A debugger, when it is asked for, is on a port that is free. None of V8's own flags: under any of them it takes for
 * another's what Node.js has compiled of its own modules, and a start costs half as much again.
 */
const flags = ['--inspect-port=0'];

/**
 * What the copies of this module in one process share: the loader of the graders makes a copy of its own.
 * @type {{
 *   run: string,
 *   spares: Map<string, import('node:child_process').ChildProcess[]>,
 *   plan: string[],
 *   alive: Set<number>,
 *   built: Map<string, Promise<unknown>>,
 *   reaper?: import('node:child_process').ChildProcess,
 *   prewarm?: boolean,
 * }}
 */
const shared = (globalThis[Symbol.for('chunk-by-chunk.programs')] ??= {
  run: randomUUID(),
  spares: new Map(),
  plan: [],
  alive: new Set(),
  built: new Map(),
});

/**
 * A run begins: the spares for a folder may load its files as they are now.
 * @param {{ folder: string, prewarm?: boolean }} target
 */
export function beginRun({ folder, prewarm = true }) {
  shared.plan = [];
  shared.prewarm = prewarm;
  // One after the other: a run that was stopped may still be building what is old now.
  for (const [file, before] of shared.built)
    if (dirname(file) === folder)
      shared.built.set(
        file,
        before.then(() => buildFile(file)),
      );
  endLoaded();
  for (const file of shared.spares.keys()) if (dirname(file) === folder) loadNext(file);
}

/** Nothing more will be taken in this run. */
export function endRun() {}

/**
 * Lets the spare that will be taken next load its file as it is now, and run nothing of it.
 * @param {string} file
 */
export function loadNext(file) {
  const spare = shared.spares.get(file)?.find(alive);
  if (!spare || spare.loaded) return;
  spare.loaded = new Promise((resolve) => {
    spare.on('message', (message) => message.loaded && resolve());
  });
  void built(file).then(() => spare.send({ load: true }, () => {}));
}

/**
 * Builds a file as this run found it.
 * @param {string} file
 * @returns {Promise<boolean>} false when it is left to tsx
 */
async function built(file) {
  if (!shared.built.has('packages')) shared.built.set('packages', packAll());
  const packages = shared.built.get('packages');
  if (!shared.built.has('support')) shared.built.set('support', packages.then(buildSupport));
  if (!shared.built.has(file))
    shared.built.set(
      file,
      packages.then(() => buildFile(file)),
    );
  await shared.built.get('support');
  return shared.built.get(file);
}

/** Resolves when the spare that loads this file has loaded it. */
export const loading = (file) => shared.spares.get(file)?.find((spare) => spare.loaded)?.loaded;

/** What has been loaded is soon not what is in the file. */
function endLoaded() {
  for (const [file, spares] of shared.spares) {
    for (const spare of spares) if (spare.loaded) endProgram(spare);
    shared.spares.set(
      file,
      spares.filter((spare) => !spare.loaded),
    );
  }
}

/** After a run: ends what its programs started and put outside of their groups. The spares stay. */
export function endLeftBehind() {
  endOrphans(shared.run, shared.alive);
}

/**
 * Starts one of the programs that a run like the last will take, and ends the spares that it will not.
 * @returns {boolean} false when all are there
 */
export function prepareAgain() {
  endLoaded();
  for (const [file, spares] of shared.spares) {
    if (shared.plan.includes(file)) continue;
    for (const spare of spares) endProgram(spare);
    shared.spares.delete(file);
  }
  for (const file of new Set(shared.plan)) {
    const ready = spares(file).length;
    if (ready >= shared.plan.filter((each) => each === file).length) continue;
    prepareProgram(file, ready + 1, [warm]);
    return true;
  }
  return false;
}

/**
 * Sees to it that `count` processes are held just before `file`: `takeProgram` gets one, the word to begin comes later.
 * @param {string} file
 * @param {number} count
 * @param {string[]} [imports] what they import beside the packages that the file does
 */
export function prepareProgram(file, count, imports = []) {
  const ready = spares(file);
  while (ready.length < count) ready.push(spawnHeld(file, imports));
  shared.spares.set(file, ready);
}

/**
 * A process held just before `file`: a prepared one where there is one. It is warm when all is loaded but the file.
 * @param {string} file
 * @returns {import('node:child_process').ChildProcess & { warm?: boolean }}
 */
export function takeProgram(file) {
  const [spare, ...others] = spares(file);
  shared.spares.set(file, others);
  shared.plan.push(file);
  loadNext(file); // while this one runs
  return spare ?? spawnHeld(file);
}

/**
 * Gives a program that was taken the word to begin.
 * @param {import('node:child_process').ChildProcess} program
 * @param {string} file
 * @param {{ args: string[], env: Record<string, string> }} how `env.MORE_TOOLS` is a file in TypeScript
 */
export async function beginProgram(program, file, { args, env }) {
  const compiled = !program.byTsx && (await built(file));
  const { MORE_TOOLS: tools } = env;
  // They share the modules of lessons/support with the program, so they are built where it is.
  if (tools && compiled && (await built(tools))) env = { ...env, MORE_TOOLS: builtFile(tools) };
  if (program.connected) program.send({ begin: { args, env } }, () => {});
}

/** The spares for a file as it is now. */
function spares(file) {
  const byTsx = needsTsx(file);
  const living = (shared.spares.get(file) ?? []).filter(alive);
  for (const spare of living) if (spare.byTsx !== byTsx) endProgram(spare);
  return living.filter((spare) => spare.byTsx === byTsx);
}

const alive = (program) => program.exitCode === null && program.signalCode === null;

/**
 * @param {string} file
 * @param {string[]} [imports]
 * @returns {import('node:child_process').ChildProcess & { warm?: boolean, loaded?: Promise<void>, byTsx?: boolean }}
 */
function spawnHeld(file, imports = []) {
  const byTsx = needsTsx(file);
  const program = spawn(
    process.execPath,
    [...flags, ...(byTsx ? ['--import', tsx] : []), '--import', preload, byTsx ? file : builtFile(file), file],
    {
      cwd: root, // as when it is started by hand
      env: programEnv([...packagesOf(file).map((name) => (!byTsx && packed(name)) || name), ...imports]),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'], // the last one is for `holdDisk`
      detached: !windows, // a group of its own, so that it can be ended with all that it starts
    },
  );
  program.byTsx = byTsx;
  program.on('error', () => {}); // told apart by its exit
  program.stdio[4]?.on('error', () => {}); // so is this
  program.on('message', (message) => {
    if (message.warm) program.warm = true;
  });
  if (program.pid !== undefined) {
    const { pid } = program;
    shared.alive.add(pid);
    tellReaper(`+${pid}`);
    program.once('exit', () => {
      shared.alive.delete(pid);
      endGroup(pid); // what it started may outlive it
      if (shared.reaper) tellReaper(`-${pid}`);
    });
  }
  return program;
}

/** @param {string[]} imports what a program imports before its own file */
function programEnv(imports) {
  const env = {
    ...process.env,
    CHUNK_BY_CHUNK_RUN: shared.run,
    WARM_IMPORTS: imports.join(','),
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'), // from Node 22 on, starts are faster
  };
  for (const name of Object.keys(env)) {
    if (/^(VITEST|NODE_OPTIONS$|NODE_ENV$|NODE_EXTRA_CA_CERTS$|FORCE_COLOR$|npm_)/.test(name)) delete env[name];
  }
  return env;
}

const dependencies = new Set(Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies));

function packagesOf(file) {
  try {
    const names = readFileSync(file, 'utf8').matchAll(/^import .*?['"]([^'".][^'"]*)['"]/gm);
    return [...names].map((match) => match[1]).filter((name) => dependencies.has(name));
  } catch {
    return [];
  }
}

/** Ends a program and all that it started. */
export function endProgram(program) {
  if (program.pid === undefined) return;
  endGroup(program.pid);
  program.kill('SIGKILL');
}

function endGroup(pid) {
  try {
    if (windows)
      spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).on(
        'error',
        () => {},
      );
    else process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

/** Ends every program that is left, prepared or running, and what left its group on purpose. */
export function endPrograms() {
  for (const pid of shared.alive) endGroup(pid);
  shared.spares.clear();
  endOrphans(shared.run);
}

/** The same, where no more are to come. */
export function endAllPrograms() {
  endPrograms();
  // The reaper may look for this run's processes a moment later: what is started then belongs to another.
  shared.run = randomUUID();
  shared.reaper?.stdin.end();
  shared.reaper = undefined;
}

/** Even a grader that is killed leaves nothing behind: a small process outlives it and ends its programs. */
function tellReaper(line) {
  if (!shared.reaper) {
    shared.reaper = spawn(process.execPath, [join(here, 'reaper.js'), shared.run], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    shared.reaper.on('error', () => {});
    shared.reaper.stdin.on('error', () => {});
    shared.reaper.stdin.unref?.();
    shared.reaper.unref();
  }
  shared.reaper.stdin.write(`${line}\n`);
}

/**
 * The line that keeps a program busy, as `server.ts:14`; undefined when nothing tells.
 * @param {string} debuggerUrl
 * @param {string} folder
 * @returns {Promise<string | undefined>}
 */
export function busyLine(debuggerUrl, folder) {
  const args = [
    '--experimental-websocket',
    join(here, 'find-busy-line.js'),
    debuggerUrl,
    `${pathToFileURL(folder).href}/`,
  ];
  return new Promise((resolve) => {
    const found = (_error, stdout = '') => resolve(stdout.trim() || undefined);
    execFile(process.execPath, args, { timeout: 3000 }, found);
  });
}

/** Resident memory of a process in MiB, or undefined where the system does not tell cheaply. */
export function residentMemory(pid) {
  if (process.platform !== 'linux') return undefined;
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096) / 1024 ** 2;
  } catch {
    return undefined;
  }
}
