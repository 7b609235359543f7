// Makes a learner's program ready to start: its TypeScript becomes one JavaScript file, by the compiler that tsx has.
// A process that loads tsx and compiles for itself takes twice the time to start.
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lessonsFolder, root } from '../folders.js';
import { compile, keepPlaces } from './esbuild.js';
import { declaresBehindAwait } from './late-declaration.js';
import { pack, packed } from './packages.js';
import { fastStart } from './switch.js';
import { writeAtomically } from './write-atomically.js';

const support = join(lessonsFolder, 'support', sep);
const temporary = join(root, '.tmp', sep);
const dependencies = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies);

/** Names in the source of a program that does not work as one file in another place. */
const needsPlace =
  /\b(require|__dirname|__filename|fork|execArgv|worker_threads|cluster)\b|\bimport\.meta\b(?!\.(url|dirname|filename|main)\b)/;

/**
 * How a program starts: from its built file, or by tsx from where it is. tsx runs a program that starts others as it was
 * started itself, looks for files as CommonJS does, or may use a constant before its line. It also gets a file that is
 * missing, because it says so best.
 * @param {string} file
 * @returns {{ main: string, byTsx: boolean, imports: string[] }} `imports`: the packages that it will import
 */
export function startOf(file) {
  const source = fastStart ? contentOf(file) : undefined;
  if (source === undefined) return { main: file, byTsx: true, imports: [] };
  const names = [...source.matchAll(/^import .*?['"]([^'".][^'"]*)['"]/gm)].map((match) => match[1]);
  const packages = names.filter((name) => dependencies.includes(name));
  if (needsPlace.test(source) || declaresBehindAwait(source)) return { main: file, byTsx: true, imports: packages };
  return { main: builtFile(file), byTsx: false, imports: packages.map(importable) };
}

/** @param {string} name */
function importable(name) {
  const file = packed(name);
  return file ? pathToFileURL(file).href : name;
}

/** @param {string} file */
function contentOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Where a file is once it is built: it goes when a temporary one goes. @param {string} file */
export const builtFile = (file) =>
  `${file.startsWith(temporary) ? file : join(temporary, 'built', relative(root, file))}.mjs`;

/**
 * What this process builds or has built, by its file. `imports` are the modules of lessons/support that the file imports,
 * when it is built: they are built beside it.
 * @type {Map<string, { built: Promise<boolean>, imports: Set<string> }>}
 */
const builds = new Map();

/**
 * Builds a program, or a file of tools, as it is when this is first called or since the last `buildAgain`.
 * @param {string} file
 * @returns {Promise<boolean>} false when it does not compile: it is left to tsx when it runs, which says why
 * @throws Error when a built file cannot be written
 */
export async function build(file) {
  /** @type {Set<string>} */
  const seen = new Set();
  const buildWithImports = async (/** @type {string} */ each) => {
    seen.add(each);
    const { built, imports } = builds.get(each) ?? beginBuild(each);
    try {
      const compiles = await built;
      await Promise.all([...imports].filter((path) => !seen.has(path)).map(buildWithImports));
      return compiles;
    } catch (error) {
      builds.delete(each);
      throw error;
    }
  };
  return buildWithImports(file);
}

/** @param {string} file @param {Promise<unknown>} before what ends first */
function beginBuild(file, before = Promise.resolve()) {
  /** @type {Set<string>} */
  const imports = new Set();
  const built = before.then(() => buildFile(file, imports));
  built.catch(() => {}); // `build` throws it to its callers
  const begun = { built, imports };
  builds.set(file, begun);
  return begun;
}

/** Builds what has been built of a folder again. @param {string} folder */
export function buildAgain(folder) {
  for (const [file, { built }] of builds) {
    if (dirname(file) !== folder) continue;
    // One after the other: a run that was stopped may still be building what is old now.
    const ended = built.catch(() => {});
    beginBuild(file, ended);
  }
}

/** @param {string} file @param {Set<string>} imports */
async function buildFile(file, imports) {
  const code = await compiled(file, imports).catch(() => undefined);
  const content = code ?? byTsx(file);
  if (contentOf(builtFile(file)) !== content) writeAtomically(builtFile(file), content);
  return code !== undefined;
}

/** @param {string} file @param {Set<string>} imports */
async function compiled(file, imports) {
  const folder = dirname(builtFile(file));
  const { outputFiles } = await compile({
    absWorkingDir: dirname(file), // to esbuild a star in a path is a pattern
    entryPoints: [`./${basename(file)}`],
    outfile: builtFile(file),
    keepNames: true,
    sourcemap: 'inline',
    sourcesContent: false,
    plugins: [ownFilesOnly(folder, imports), keepPlaces(folder, refuseToMove)],
  });
  return outputFiles[0].text;
}

/**
 * Packages, and the modules of lessons/support, stay what they are to every file: imports.
 * @param {string} folder of what is built
 * @param {Set<string>} imports gets the modules of lessons/support
 * @returns {import('esbuild').Plugin}
 */
const ownFilesOnly = (folder, imports) => ({
  name: 'own-files-only',
  setup: ({ onResolve, resolve }) =>
    onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || pluginData === 'again') return undefined;
      if (/^[^./#]/.test(path)) {
        if (!isBuiltin(path)) assertInstalled(path, importer);
        const file = await pack(path);
        return { path: file ? from(folder, file) : path, external: true };
      }
      const found = await resolve(path, { kind, importer, resolveDir, pluginData: 'again' });
      if (!found.path.startsWith(support)) return found;
      imports.add(found.path);
      return { path: from(folder, builtFile(found.path)), external: true };
    }),
});

/** @param {string} folder @param {string} file */
const from = (folder, file) => {
  const path = relative(folder, file).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`; // otherwise it would be the name of a package
};

/** @param {string} source @param {string} path */
function refuseToMove(source, path) {
  if (needsPlace.test(source)) throw new Error(`${path} wants to be where it is`);
}

/** @param {string} name @param {string} importer */
function assertInstalled(name, importer) {
  try {
    createRequire(importer).resolve(name);
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') throw error; // else it is there, for import only
  }
}

/** @param {string} file */
const byTsx = (file) => `import { register } from 'tsx/esm/api';
register();
await import(${JSON.stringify(pathToFileURL(file).href)});
`;
