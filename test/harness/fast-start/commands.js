// Our own TypeScript, for a Node.js that runs none: compiled once, by what went in. To load it by tsx each time would cost
// more than half a second.
import { hash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../folders.js';
import { compile, keepPlaces } from './esbuild.js';
import { fastStart } from './switch.js';
import { writeAtomically } from './write-atomically.js';

const output = join(root, '.tmp', 'compiled');
const recordFile = join(output, 'record.json');

/** The files that `importTypeScript` imports: each file in a folder, and others. */
const entryFolders = ['scripts', 'test/lessons', 'test/harness/tools'];
const otherEntries = ['test/proof/worker.ts', 'test/workshop/watching.ts', 'test/harness/programs/tool-host.ts'];
/** The files that decide how others are compiled. */
const settings = [
  'package.json',
  'tsconfig.json',
  'test/harness/fast-start/commands.js',
  'test/harness/fast-start/esbuild.js',
];

/**
 * What was compiled, with the hash of each file that went in; paths are relative to the repository.
 * @typedef {{ compiler: string, entries: string[], inputs: Record<string, string>, outputs: Record<string, string>, files: string[] }} Record_
 */

/**
 * All that this process imports is of one build, so that a command and the grader that it imports share modules.
 * @type {Promise<Record_ | undefined> | undefined}
 */
let build;

/**
 * Imports a TypeScript file of ours: a command, a grader, or another entry.
 * @param {string} path relative to the repository, as `scripts/check.ts`
 */
export async function importTypeScript(path) {
  if (process.features.typescript) return import(urlOf(path));
  build ??= fastStart ? upToDate() : Promise.resolve(undefined);
  const compiled = (await build)?.outputs[path];
  if (compiled !== undefined) return import(urlOf(compiled));
  const { register } = await import('tsx/esm/api');
  register();
  return import(urlOf(path));
}

/** @returns {Promise<Record_ | undefined>} undefined when nothing can be compiled or written: then tsx runs the file, or says why it cannot */
async function upToDate() {
  const compiler = compilerNow();
  const entries = entriesNow();
  return freshRecord(compiler, entries) ?? compileAll(compiler, entries).catch(() => undefined);
}

/** The record, where nothing has changed since. @param {string} compiler @param {string[]} entries */
function freshRecord(compiler, entries) {
  try {
    /** @type {Record_} */
    const record = JSON.parse(readFileSync(recordFile, 'utf8'));
    const fresh =
      record.compiler === compiler &&
      record.entries.join() === entries.join() &&
      Object.entries(record.inputs).every(([path, known]) => hashOf(path) === known) &&
      record.files.every((path) => existsSync(join(root, path)));
    return fresh ? record : undefined;
  } catch {
    return undefined; // there is none
  }
}

/** @param {string} compiler @param {string[]} entries @returns {Promise<Record_>} */
async function compileAll(compiler, entries) {
  const inputs = Object.fromEntries(settings.map((path) => [path, hashOf(path)]));
  const { metafile, outputFiles } = await compile({
    absWorkingDir: root,
    entryPoints: entries.map((path) => ({ in: path, out: path.replace(/\.ts$/, '').replaceAll('/', '.') })),
    entryNames: '[name]-[hash]', // nothing is overwritten that another process may be about to import
    chunkNames: '[name]-[hash]',
    outdir: output,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    packages: 'external',
    metafile: true,
    // By what the compiler has read: a file may change while it works.
    plugins: [javaScriptStays, keepPlaces(output, (source, path) => (inputs[fromRoot(path)] = hash('sha256', source)))],
  });
  const outputs = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint === undefined ? [] : [[entryPoint, path]],
  );
  const record = {
    compiler,
    entries,
    inputs,
    outputs: Object.fromEntries(outputs),
    files: Object.keys(metafile.outputs),
  };
  for (const { path, contents } of outputFiles) if (!existsSync(path)) writeAtomically(path, contents);
  writeAtomically(recordFile, JSON.stringify(record));
  removeOld(record);
  return record;
}

/** Leaves JavaScript where it is, because Node.js runs it from there. @type {import('esbuild').Plugin} */
const javaScriptStays = {
  name: 'javascript-stays',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\..*\.js$/ }, ({ path, resolveDir }) => ({
      path: relative(output, join(resolveDir, path)).replaceAll('\\', '/'),
      external: true,
    })),
};

/** Removes what earlier builds have left a week ago, because no process runs it any more. @param {Record_} record */
function removeOld({ files }) {
  const lastWeek = Date.now() - 7 * 24 * 60 * 60 * 1000;
  for (const path of readdirSync(output).map((name) => join(output, name))) {
    if (path === recordFile || files.includes(fromRoot(path))) continue;
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < lastWeek) rmSync(path, { force: true });
  }
}

function entriesNow() {
  const found = entryFolders.flatMap((folder) => {
    const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
    return names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`);
  });
  return [...found, ...otherEntries.filter((path) => existsSync(join(root, path)))].sort();
}

function compilerNow() {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/esbuild/package.json'), 'utf8'));
  return `esbuild ${version}, Node.js ${process.version}`;
}

/** @param {string} path @returns {string | undefined} undefined when the file is gone */
function hashOf(path) {
  try {
    return hash('sha256', readFileSync(join(root, path)));
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function fromRoot(path) {
  return relative(root, path).replaceAll('\\', '/');
}

/** @param {string} path */
const urlOf = (path) => pathToFileURL(join(root, path)).href;
