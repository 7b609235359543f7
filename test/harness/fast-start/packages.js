// The packages that learners' programs import, each made into one file. Express alone is more than a hundred files:
// to find and read them is a third of what a start costs.
import { existsSync, readFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { root } from '../folders.js';
import { compile } from './esbuild.js';
import { writeAtomically } from './write-atomically.js';

const modules = join(root, 'node_modules');
const packable = ['express', 'jose', 'node-fetch', 'zod'];

/** Another install or another Node.js has another key. */
const key = hash('sha256', `${process.version} ${installed()}`).slice(0, 16);

function installed() {
  try {
    return readFileSync(join(modules, '.package-lock.json'), 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} name */
const packedFile = (name) => join(modules, '.cache', 'packages', `${name}-${key}.mjs`);

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
  text.replace(/(?:\.\.\/){0,20}node_modules\/\.cache\/packages\/([\w-]{1,80}?)-[0-9a-f]{16}\.mjs/g, '$1');

/** Packs what is not packed yet. A package that cannot be packed is imported as it is. */
export async function packAll() {
  await Promise.all(packable.filter((name) => !packed(name)).map((name) => pack(name).catch(() => {})));
}

/** @param {string} name */
async function pack(name) {
  // What a package in CommonJS exports is known when it has run.
  const names = Object.keys(await import(name)).filter((each) => each !== 'module.exports');
  const { outputFiles } = await compile({
    stdin: { contents: `export { ${names.join(', ')} } from '${name}';`, resolveDir: root },
    banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
    minifyWhitespace: true,
    lineLimit: 120, // an error that nobody catches prints its line
  });
  writeAtomically(packedFile(name), outputFiles[0].contents);
}
