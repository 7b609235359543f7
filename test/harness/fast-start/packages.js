// The packages that learners' programs import, each made into one file that V8 has compiled before.
// Express alone is more than a hundred files: to find, read and compile them is half of what a start costs.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const packable = ['express', 'node-fetch', 'zod'];

/** Another install, another Node.js: another file. */
const { mtimeMs = 0 } = statSync(join(modules, '.package-lock.json'), { throwIfNoEntry: false }) ?? {};
const suffix = `${Math.round(mtimeMs)}-${process.version}-${process.arch}`;

/**
 * The file that does for a program what a package does.
 * @param {string} name
 * @returns {string | undefined} undefined when the package is not packed (yet)
 */
export function packed(name) {
  const file = join(folderOf(name), 'index.mjs');
  return existsSync(file) ? file : undefined;
}

/** A text in which a package that is packed has its own name. @param {string} text */
export const unpacked = (text) =>
  text.replace(/node_modules\/\.cache\/packages\/([\w-]{1,80}?)-\d{1,20}-[^/]{1,80}\/index\.mjs/g, '$1');

/** @param {string} name */
const folderOf = (name) => join(modules, '.cache', 'packages', `${name}-${suffix}`);

/** Packs what is not packed yet. What cannot be is imported as it is. */
export async function packAll() {
  await Promise.all(packable.filter((name) => !packed(name)).map((name) => pack(name).catch(() => {})));
}

/** @param {string} name */
async function pack(name) {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}'; export { default } from '${name}';`, resolveDir: dirname(modules) },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: `node${process.versions.node}`,
    supported: { 'dynamic-import': false }, // which a script of node:vm has not
    minifyWhitespace: true,
    lineLimit: 120, // an error that nobody catches prints its line
    logLevel: 'silent',
  });
  const code = outputFiles[0].text;
  const unfinished = `${folderOf(name)}.${process.pid}`;
  try {
    mkdirSync(unfinished, { recursive: true });
    const file = join(unfinished, 'package.cjs');
    const encoding = /[^\0-\x7f]/.test(code) ? 'utf8' : 'latin1'; // which is read in half the time
    writeFileSync(file, `(function (exports, require, module) {${code}\n})`);
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', compile, file, encoding]);
    writeFileSync(join(unfinished, 'index.mjs'), load(JSON.parse(stdout), encoding));
    renameSync(unfinished, folderOf(name));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Keeps what V8 has compiled of a package once it has run, and prints the names that it exports. */
const compile = `
const [, filename, encoding] = process.argv;
const fs = require('node:fs');
const script = new (require('node:vm').Script)(fs.readFileSync(filename, encoding), { filename });
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require('node:module').createRequire(filename), module_);
fs.writeFileSync(filename + '.cache', script.createCachedData());
console.log(JSON.stringify(Object.keys(module_.exports)));
`;

/**
 * @param {string[]} names that it exports, `default` among them
 * @param {string} encoding
 */
const load = (
  names,
  encoding,
) => `const { readFileSync } = process.getBuiltinModule('node:fs'); // sooner there than by import
const { createRequire } = process.getBuiltinModule('node:module');
const { join } = process.getBuiltinModule('node:path');
const { Script } = process.getBuiltinModule('node:vm');

const filename = join(import.meta.dirname, 'package.cjs');
const script = new Script(readFileSync(filename, '${encoding}'), { filename, cachedData: readFileSync(filename + '.cache') });
const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(filename), module);
${names.map((name, i) => `const _${i} = module.exports[${JSON.stringify(name)}];`).join('\n')}
export { ${names.map((name, i) => `_${i} as ${name}`).join(', ')} };
`;
