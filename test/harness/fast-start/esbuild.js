// The one place that compiles: commands, learners' programs, and the packages that they import.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Compiles for this Node.js, into ES modules, and writes nothing.
 * @template {import('esbuild').BuildOptions} Options
 * @param {Options} options
 */
export async function compile(options) {
  const { build } = await import('esbuild'); // takes long to load, and is not needed when all is compiled
  return build({
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: `node${process.versions.node}`,
    logLevel: 'silent',
    ...options,
  });
}

/**
 * Keeps what `import.meta` says of a source file: it is compiled into another folder, and finds its place from there,
 * so the output still works when the whole checkout has been copied or moved.
 * @param {string} folder of the output
 * @param {(source: string, path: string) => void} [look] may refuse a source by throwing
 * @returns {import('esbuild').Plugin}
 */
export const keepPlaces = (folder, look = () => {}) => ({
  name: 'keep-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      look(source, path);
      const place = JSON.stringify(posix.relative(urlPath(folder), urlPath(path)));
      const file = `process.getBuiltinModule('node:url').fileURLToPath(new URL(${place}, import.meta.url))`;
      const places = {
        url: `new URL(${place}, import.meta.url).href`,
        filename: file,
        dirname: `process.getBuiltinModule('node:path').dirname(${file})`,
      };
      const contents = source.replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, name) => places[name]);
      return { contents, loader: /ts$/.test(path) ? 'ts' : 'js' };
    });
  },
});

/** @param {string} path */
const urlPath = (path) => pathToFileURL(path).pathname;
