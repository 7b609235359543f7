// The packages that learners' programs import, each made into one file. Express alone is more than a hundred files:
// to find and read them is a third of what a start costs.
import { existsSync, readFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { basename, join } from 'node:path';
import { root } from '../folders.js';
import { compile } from './esbuild.js';
import { writeAtomically } from './write-atomically.js';

const modules = join(root, 'node_modules');
/** Those of one group are packed together: what they share, such as the classes of the SDK, is a file beside them. */
const groups = [
  ['express'],
  ['jose'],
  ['node-fetch'],
  ['zod'],
  ['@modelcontextprotocol/client', '@modelcontextprotocol/node', '@modelcontextprotocol/server'],
];

/** Another install or another Node.js has another key. */
const key = hash('sha256', `${process.version} ${installed()}`).slice(0, 16);
const folder = join(modules, '.cache', 'packages', key);

function installed() {
  try {
    return readFileSync(join(modules, '.package-lock.json'), 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} name */
const packedFile = (name) => join(folder, `${name}.mjs`);

/**
 * The file that does for a program what a package does.
 * @param {string} name
 * @returns {string | undefined} undefined when the package is not packed (yet)
 */
export function packed(name) {
  const file = packedFile(name);
  return existsSync(file) ? file : undefined;
}

/** A text in which a package that is packed has its own name. @param {string} text */
export const unpacked = (text) =>
  text.replace(/(?:\.\.\/){0,20}node_modules\/\.cache\/packages\/[0-9a-f]{16}\/([\w@/-]{1,80}?)\.mjs/g, '$1');

/** What this process packs or has packed, by the first name of the group. @type {Map<string, Promise<void>>} */
const packing = new Map();

/**
 * Packs a package if it is not packed yet.
 * @param {string} name
 * @returns {Promise<string | undefined>} its file; undefined when it is not to be packed, or cannot be: it is imported as it is
 */
export async function pack(name) {
  const group = groups.find((names) => names.includes(name));
  if (!group || packed(name)) return packed(name);
  if (!packing.has(group[0])) packing.set(group[0], packGroup(group));
  await packing.get(group[0])?.catch(() => {});
  return packed(name);
}

/** @param {string[]} group */
async function packGroup(group) {
  /** @type {Record<string, string>} */
  const sources = {};
  for (const name of group) {
    // What a package in CommonJS exports is known when it has run.
    const names = Object.keys(await import(name)).filter((each) => each !== 'module.exports');
    sources[name] = `export { ${names.join(', ')} } from '${name}';`;
  }
  const { outputFiles } = await compile({
    entryPoints: group.map((name) => ({ in: name, out: name })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'shared-[hash]',
    splitting: true,
    plugins: [fromSources(sources)],
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
    minifyWhitespace: true,
    lineLimit: 120, // an error that nobody catches prints its line
  });
  // A package is packed when its file is there, so what it imports is written before it.
  const isShared = (/** @type {string} */ path) => basename(path).startsWith('shared-');
  const inOrder = outputFiles.toSorted((a, b) => Number(isShared(b.path)) - Number(isShared(a.path)));
  for (const { path, contents } of inOrder) writeAtomically(path, contents);
}

/** Entry points that are no files. @param {Record<string, string>} sources @returns {import('esbuild').Plugin} */
const fromSources = (sources) => ({
  name: 'from-sources',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'entry-point' ? { path, namespace: 'source' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'source' }, ({ path }) => ({ contents: sources[path], resolveDir: root }));
  },
});
