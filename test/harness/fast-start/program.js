// Makes a learner's program ready to start: its TypeScript becomes one JavaScript file, by the compiler that tsx has.
// A process that loads tsx and compiles for itself takes twice the time to start.
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { packed } from './packages.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const support = join(root, 'lessons', 'support', sep);
const temporary = join(root, '.tmp', sep);

/** What one file in another place cannot do as well. */
const needsPlace =
  /\b(require|__dirname|__filename|child_process|worker_threads|cluster)\b|\bimport\.meta\b(?!\.(url|dirname|filename|main)\b)/;

/**
 * Whether a program has to be run by tsx from where it is: it starts others, or looks for files as CommonJS does.
 * @param {string} file
 */
export function needsTsx(file) {
  try {
    return needsPlace.test(readFileSync(file, 'utf8'));
  } catch {
    return true; // that it is not there is best said by whoever looks for it
  }
}

/** Where a file is once it is built: it goes when a temporary one goes. @param {string} file */
export const builtFile = (file) =>
  `${file.startsWith(temporary) ? file : join(temporary, 'built', relative(root, file))}.mjs`;

/**
 * Builds a program, or a file of tools.
 * @param {string} file
 * @returns {Promise<boolean>} false when it does not compile: it is left to tsx when it runs, which says why
 */
export async function buildFile(file) {
  const code = await compiled(file).catch(() => undefined);
  write(builtFile(file), code ?? byTsx(file));
  return code !== undefined;
}

/** Builds the modules of lessons/support, which programs and tools share. */
export async function buildSupport() {
  const files = readdirSync(support).filter((name) => name.endsWith('.ts'));
  await Promise.all(files.map((name) => buildFile(join(support, name))));
}

/** @param {string} file */
async function compiled(file) {
  const { outputFiles } = await build({
    absWorkingDir: dirname(file), // to esbuild a star in a path is a pattern
    entryPoints: [`./${basename(file)}`],
    outfile: builtFile(file),
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: `node${process.versions.node}`,
    keepNames: true,
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    plugins: [{ name: 'own-files-only', setup: (build) => ownFilesOnly(build, dirname(builtFile(file))) }],
  });
  return outputFiles[0].text;
}

/**
 * Packages, and the modules of lessons/support, stay what they are to every file: imports.
 * @param {import('esbuild').PluginBuild} build
 * @param {string} folder of what is built
 */
function ownFilesOnly(build, folder) {
  build.onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
    if (kind === 'entry-point' || pluginData === 'again') return undefined;
    if (/^[^./#]/.test(path)) {
      if (!isBuiltin(path)) assertInstalled(path, importer);
      const file = packed(path);
      return { path: file ? pathToFileURL(file).href : path, external: true };
    }
    const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'again' });
    if (!found.path.startsWith(support)) return found;
    return { path: relative(folder, builtFile(found.path)).replaceAll('\\', '/'), external: true };
  });
  build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
    const source = readFileSync(path, 'utf8');
    if (needsPlace.test(source)) throw new Error(`${path} wants to be where it is`);
    const own = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path };
    const contents = source.replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, name) =>
      JSON.stringify(own[name]),
    );
    return { contents, loader: path.endsWith('ts') ? 'ts' : 'js' };
  });
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

/** Writes a file at once, when it is another: a program that starts now reads the one or the other. */
function write(path, content) {
  try {
    if (readFileSync(path, 'utf8') === content) return;
  } catch {
    mkdirSync(dirname(path), { recursive: true });
  }
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, path);
}
