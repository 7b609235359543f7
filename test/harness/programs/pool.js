// @ts-check
// The programs of a run, and those that wait for the next. The life of a program:
//
//   spawned → warm → loaded → begun → ended
//
//   spawned   Its process is there, and imports the packages that its file imports. That takes longest.
//   warm      It has imported them, and waits.
//   loaded    It has loaded its file with all that the file imports, and has run nothing of it.
//   begun     It has got its arguments and environment, and runs. Only now is it the learner's program.
//   ended     Its process is gone, with all that it started.
//
// A program that is spawned when a grader asks for it goes through all of it at once. To be faster, the pool keeps spares:
// programs that are spawned before somebody asks. They are warmed while the last verdict is read, or while the grader
// loads; and during a run the next spare loads its file while another program runs. Which ones a run of a lesson takes, the
// pool learns from the run before. With FAST_START=off there are no spares.
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../folders.js';
import { build, buildAgain, builtFile, startOf } from '../fast-start/program.js';
import { fastStart } from '../fast-start/switch.js';
import { habitOf, learn } from './habits.js';
import { MachineFault } from './machine-fault.js';
import { endAllProcesses, endProcess, endProcesses, spawnHeld } from './process.js';

/**
 * A program from its spawning on.
 * @typedef {import('node:child_process').ChildProcess & {
 *   file: string,
 *   byTsx: boolean,
 *   state: 'spawned' | 'warm' | 'loaded' | 'begun' | 'ended',
 *   warmed: Promise<void>,
 *   loading?: Promise<void>,
 * }} Program
 * `warmed` is when its packages are imported; `loading` is there once it was told to load its file.
 */

/**
 * A run, from `beginRun` to the next.
 * @typedef {{ folder: string, lesson: string | undefined, taken: string[], expected: string[], over: boolean }} Run
 * `lesson` is undefined where nothing is prepared. `taken` has the files of the programs that the run has taken, and
 * `expected` those of the programs that it will take and that have no spare yet.
 */

/** @type {Program[]} */
let spares = [];
/** @type {Run | undefined} */
let run;
/** Set when a spare has ended by itself, because the machine may be full: nothing is prepared until the next run. */
let preparationFailed = false;

const firstRequest = pathToFileURL(join(root, 'test/harness/programs/first-request.js')).href;

/**
 * A run begins: its programs are graded as they are now.
 * @param {{ folder: string, lesson?: string | undefined }} of without a lesson nothing is prepared and nothing learned
 */
export function beginRun({ folder, lesson }) {
  buildAgain(folder);
  preparationFailed = false;
  run = { folder, lesson: fastStart ? lesson : undefined, taken: [], expected: [], over: false };
  if (run.lesson === undefined) return endSpares(() => true);
  endSpares(
    ({ file, byTsx, loading }) => loading !== undefined || dirname(file) !== folder || startOf(file).byTsx !== byTsx,
  );
  run.expected = habitOf(run.lesson).files.map((name) => join(folder, name));
  for (const { file } of spares) stopExpecting(run, file);
  prepare();
}

/**
 * Nothing more will be taken in this run.
 * @param {{ complete: boolean }} how whether all tasks have passed
 */
export function endRun({ complete }) {
  if (!run || run.over) return;
  run.over = true;
  run.expected = [];
  if (run.lesson === undefined) return;
  learn(run.lesson, { files: run.taken.map((file) => basename(file)), complete });
}

/**
 * A program that waits just before `file`: a spare where there is one.
 * @param {string} file
 * @returns {Program}
 * @throws MachineFault when the system starts no process
 */
export function takeProgram(file) {
  const spare = spares.find((each) => each.file === file);
  if (spare) spares = spares.filter((each) => each !== spare);
  else if (run) stopExpecting(run, file);
  const program = spare ?? start(file);
  if (run?.over === false) {
    run.taken.push(file);
    expectAnother(run, file);
    prepare();
  }
  return program;
}

/**
 * Gives a program that was taken the word to begin.
 * @param {Program} program
 * @param {string} file
 * @param {{ args: string[], env: Record<string, string> }} how `env.MORE_TOOLS` and `env.MORE_OFFERS` are files in TypeScript
 * @throws MachineFault when what is built cannot be written; the program is ended then
 */
export async function beginProgram(program, file, { args, env }) {
  if (!program.byTsx) {
    try {
      const compiles = await build(file);
      // They share the modules of lessons/support with the program, so they are built where it is.
      for (const name of ['MORE_TOOLS', 'MORE_OFFERS']) {
        const more = env[name];
        if (more && compiles && (await build(more))) env = { ...env, [name]: builtFile(more) };
      }
    } catch (error) {
      endProcess(program);
      throw new MachineFault(
        `The grader could not build ${basename(file)}: ${/** @type {Error} */ (error).message}.\n` +
          'This says nothing about your programs. Is the disk full, or may nothing be written in .tmp? Check again after that.',
      );
    }
  }
  if (program.state === 'ended') return;
  program.state = 'begun';
  if (program.connected) program.send({ begin: { args, env } }, () => {});
}

/**
 * After a run: starts one of the programs that a run like the last takes, and ends the spares that it does not.
 * @returns {boolean} false when all are there
 */
export function prepareAgain() {
  if (run?.lesson === undefined || !run.over || preparationFailed) return false;
  const { folder, lesson } = run;
  const wanted = habitOf(lesson).files.map((name) => join(folder, name));
  endSpares(({ file, loading }) => loading !== undefined || !wanted.includes(file));
  const count = (/** @type {string[]} */ files, /** @type {string} */ file) =>
    files.filter((each) => each === file).length;
  const ready = spares.map(({ file }) => file);
  const missing = wanted.find((file) => count(ready, file) < count(wanted, file));
  return missing !== undefined && addSpare(missing, [firstRequest]);
}

/** Ends every program, prepared or running, and what left its group on purpose. */
export function endPrograms() {
  spares = [];
  endProcesses();
}

/** The same, where no more are to come. */
export function endAllPrograms() {
  spares = [];
  run = undefined;
  endAllProcesses();
}

/** Resolves when the spare that loads this file has loaded it. @param {string} file */
export const loading = (file) => spares.find((spare) => spare.file === file && spare.loading)?.loading;

/**
 * Starts the programs that are expected, as many at a time as there are processors; and lets the spare that will be taken
 * next load its file.
 */
function prepare() {
  if (run?.over !== false || run.lesson === undefined) return;
  const starting = () => spares.filter(({ state }) => state === 'spawned').length;
  while (run.expected.length > 0 && starting() < availableParallelism()) {
    const file = /** @type {string} */ (run.expected.shift());
    if (!addSpare(file)) run.expected = [];
  }
  const next = nextOf(run);
  if (next !== undefined) load(next);
}

/** Lets the next spare of a file load it, and run nothing of it. @param {string} file */
function load(file) {
  const spare = spares.find((each) => each.file === file);
  if (!spare || spare.loading) return;
  spare.loading = new Promise((resolve) => {
    spare.on('message', (/** @type {{ loaded?: true }} */ { loaded }) => {
      if (!loaded) return;
      if (spare.state === 'spawned' || spare.state === 'warm') spare.state = 'loaded';
      resolve();
    });
  });
  const building = spare.byTsx ? Promise.resolve() : build(file);
  building.then(
    () => spare.state !== 'ended' && spare.connected && spare.send({ load: true }, () => {}),
    () => {}, // beginProgram says why
  );
}

/**
 * Starts a spare.
 * @param {string} file
 * @param {string[]} [imports]
 * @returns {boolean} false when it cannot be started
 */
function addSpare(file, imports) {
  try {
    const spare = start(file, imports);
    spares.push(spare);
    spare.once('exit', () => {
      if (!spares.includes(spare)) return;
      spares = spares.filter((each) => each !== spare);
      preparationFailed = true;
      if (run) run.expected = [];
    });
    return true;
  } catch {
    preparationFailed = true; // the next call of takeProgram says why
    return false;
  }
}

/**
 * @param {string} file
 * @param {string[]} [imports] what it imports beside the packages that its file does
 * @returns {Program}
 */
function start(file, imports = []) {
  const how = startOf(file);
  const child = spawnHeld(file, { ...how, imports: [...how.imports, ...imports] });
  /** @type {Program['warmed']} */
  const warmed = new Promise((resolve) => {
    child.on('message', (/** @type {{ warm?: true }} */ { warm }) => warm && resolve());
  });
  const program = Object.assign(child, {
    file,
    byTsx: how.byTsx,
    state: /** @type {Program['state']} */ ('spawned'),
    warmed,
  });
  void warmed.then(() => {
    if (program.state === 'spawned') program.state = 'warm';
    prepare();
  });
  program.once('exit', () => (program.state = 'ended'));
  if (!how.byTsx) build(file).catch(() => {}); // beginProgram says why
  return program;
}

/** Ends the spares that are of no use. @param {(spare: Program) => boolean} useless */
function endSpares(useless) {
  const gone = spares.filter(useless);
  spares = spares.filter((spare) => !gone.includes(spare));
  gone.forEach(endProcess);
}

/** A program is there, so it does not have to come. @param {Run} run @param {string} file */
function stopExpecting({ expected }, file) {
  const index = expected.indexOf(file);
  if (index >= 0) expected.splice(index, 1);
}

/** The file of the program that a run will take next, as far as is known. @param {Run} run */
function nextOf({ folder, lesson, taken }) {
  const name = lesson === undefined ? undefined : habitOf(lesson).files[taken.length];
  return name === undefined ? taken.at(-1) : join(folder, name);
}

/** Beyond what is known of a lesson, a run takes another of the file that it took last. @param {Run} run @param {string} file */
function expectAnother({ lesson, expected }, file) {
  if (lesson === undefined || expected.length > 0 || habitOf(lesson).complete) return;
  if (!spares.some((spare) => spare.file === file)) expected.push(file);
}
