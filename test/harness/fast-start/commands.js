// Our own TypeScript, for a Node.js that runs none: compiled once, into one file a command. To load it by tsx each time
// would cost a third of a second.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const sources = ['scripts', 'lessons', 'test/harness', 'test/lessons', 'test/proof', 'test/workshop'].map((folder) =>
  join(root, folder),
);

/**
 * The file to import instead of this one.
 * @param {string} file in one of the folders above
 * @returns {Promise<string>}
 */
export async function compiled(file) {
  if (process.features.typescript) return file;
  const output = join(root, '.tmp', 'compiled', `${relative(root, file)}.mjs`);
  const changed = Math.max(...sources.map(lastChange));
  if (Math.round(statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0) === changed) return output;
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    // To esbuild a star in a path is a pattern: the folder of the repository may have one in its name.
    absWorkingDir: root,
    entryPoints: [`./${relative(root, file).replaceAll('\\', '/')}`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: `node${process.versions.node}`,
    packages: 'external',
    logLevel: 'silent',
    plugins: [{ name: 'where-they-are', setup: (build) => void build.onLoad({ filter: /\.[jt]s$/ }, load) }],
  });
  mkdirSync(dirname(output), { recursive: true });
  const unfinished = `${output}.${process.pid}`;
  writeFileSync(unfinished, outputFiles[0].text);
  utimesSync(unfinished, changed / 1000, changed / 1000);
  renameSync(unfinished, output);
  return output;
}

/** A source that knows where it is. */
function load({ path }) {
  const contents = readFileSync(path, 'utf8').replace(/\bimport\.meta\.url\b/g, () =>
    JSON.stringify(pathToFileURL(path).href),
  );
  return { contents, loader: path.endsWith('ts') ? 'ts' : 'js' };
}

/** When something in a folder was changed, added or taken away last; a link may lead nowhere. @returns {number} milliseconds */
function lastChange(folder) {
  if (!existsSync(folder)) return 0;
  const inside = readdirSync(folder, { withFileTypes: true, recursive: true });
  const all = [folder, ...inside.map(({ parentPath, name }) => join(parentPath, name))];
  return Math.ceil(Math.max(...all.map((path) => lstatSync(path).mtimeMs)));
}
