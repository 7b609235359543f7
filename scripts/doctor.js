// Looks for what commonly goes wrong on a machine. Plain JavaScript without a dependency: it must run when nothing else does.
import { execSync } from 'node:child_process';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../test/harness/folders.js';
import { printable } from '../test/harness/wire/printable.js';
import { lookAt, nameOf, readLock, restoreLock } from './packages.js';
import { nodeIsNewEnough } from './setup.js';
import { isThere, nameIsLoadable, reasonOf, renameFolder, shownPath, whyUnreadable } from './trouble.js';

if (process.argv.length > 2) {
  const asked = process.argv[2] === '--help';
  const text = 'Looks for trouble with this machine: Node.js, the install, ports, proxies.\n\nUsage: npm run doctor';
  console[asked ? 'log' : 'error'](
    asked ? text : printable(`Not understood: "${process.argv[2]}".\nUsage: npm run doctor`),
  );
  process.exit(asked ? 0 : 2);
}

const major = Number.parseInt(process.versions.node, 10);

/** Each finding: what was looked at, whether it is well, and what to do when it is not. */
const findings = [
  {
    name: `Node.js ${process.versions.node} on ${process.platform} ${process.arch}`,
    well: nodeIsNewEnough(process.versions.node),
    otherwise: 'Install Node.js 20.19 or newer, the LTS release, from nodejs.org.',
  },
  {
    name: `Node.js ${major} gets security fixes`,
    well: major === 22 || major === 24 || major >= 26,
    otherwise:
      'This version gets none any more, but the workshop still works with it. Install Node.js 24 from nodejs.org.',
    minor: true,
  },
  packages(),
  {
    name: 'Node.js can load packages from this folder',
    well: nameIsLoadable(root),
    otherwise: renameFolder,
  },
  writing(),
  space(),
  files(),
  progressFile(),
  {
    name: 'programs can be started and talked to',
    well: runs(),
    otherwise: 'A virus scanner may keep Node.js from starting programs: make an exception for this folder.',
  },
  {
    name: 'a port of 127.0.0.1 can be opened',
    well: await opens(0),
    otherwise: 'A firewall or a sandbox keeps programs from listening on 127.0.0.1.',
  },
  {
    name: 'port 3000 is free, for programs that are started by hand',
    well: await opens(3000),
    otherwise: 'Another program has it. Start yours with another: PORT=3001 node --import tsx …',
    minor: true,
  },
  proxy(),
];

for (const { name, well, otherwise, minor } of findings) {
  console.log(printable(`${well ? '✓' : minor ? '~' : '✗'} ${name}`));
  if (!well) console.log(printable(otherwise).replace(/^/gm, '    '));
}
process.exitCode = findings.some(({ well, minor }) => !well && !minor) ? 1 : 0;

function packages() {
  const name = 'the packages of package-lock.json are installed';
  const lock = readLock();
  if ('trouble' in lock) return { name, well: false, otherwise: `${lock.trouble} ${restoreLock}` };
  const { missing, different } = lookAt(lock.packages);
  const broken = Object.keys(lock.packages).filter(
    (path) => !missing.includes(path) && whyUnreadable(join(root, path, 'package.json')) !== undefined,
  );
  const wrong = [
    ...missing.map((path) => `${nameOf(path)} is missing`),
    ...different.map((path) => `${nameOf(path)} has a different version`),
    ...broken.map((path) => `${nameOf(path)} is not whole`),
  ];
  const [first, ...rest] = wrong;
  return {
    name,
    well: wrong.length === 0,
    otherwise: `${first}${rest.length > 0 ? `, and ${rest.length} more` : ''}. \`npm ci\` installs them; it needs a network.`,
  };
}

/** Writes a file into each folder that a command writes to. */
function writing() {
  const places = ['', '.tmp', '.saved', 'node_modules', ...slugs().map((slug) => join('lessons', slug))];
  const refused = places
    .map((place) => join(root, place))
    .filter((place) => place === root || isThere(place))
    .map((place) => [place, whyNotWritable(place)])
    .filter(([, why]) => why !== undefined);
  const [place, why] = refused[0] ?? [];
  return {
    name: 'the folder can be written to',
    well: refused.length === 0,
    otherwise: `${shownPath(place ?? root)}: ${why}. Give yourself permission to write there, make room on the disk, or clone into a folder of your own.`,
  };
}

/** @param {string} folder @returns {string | undefined} */
function whyNotWritable(folder) {
  const file = join(folder, `.doctor-${process.pid}`);
  try {
    writeFileSync(file, Buffer.alloc(100_000));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  } finally {
    rmQuietly(file);
  }
}

/** @param {string} file */
function rmQuietly(file) {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where nothing can be written, there is nothing to remove.
  }
}

function space() {
  const { bavail, bsize } = statfsSync(root);
  const free = Math.floor((bavail * bsize) / 1024 ** 2);
  return {
    name: 'the disk has room',
    well: free >= 100,
    otherwise: `It has ${free} MiB left. An install needs about 400, and a check a few.`,
    minor: true,
  };
}

/** Looks at the files of each lesson, those of the learner among them. */
function files() {
  const wrong = (paths) =>
    paths
      .map((path) => [path, whyUnreadable(join(root, path))])
      .filter(([, why]) => why !== undefined)
      .map(([path, why]) => `${path} ${why}.`);
  const ours = wrong(['lessons/catalog.ts', ...slugs().flatMap(content)]);
  const learners = wrong(slugs().flatMap(own));
  return {
    name: 'the files of every lesson can be read',
    well: ours.length + learners.length === 0,
    otherwise: [
      ...listed(ours, '`git checkout -- FILE` brings a file of the workshop back.'),
      ...listed(
        learners,
        'Move away what is in its place; then `npm run reset LESSON -- --missing` makes the starter.',
      ),
    ].join('\n'),
  };
}

/** The first of some sentences, how many more there are, and what to do. @param {string[]} sentences @param {string} advice */
function listed(sentences, advice) {
  if (sentences.length === 0) return [];
  const more = sentences.length - 4;
  return [...sentences.slice(0, 4), ...(more > 0 ? [`Something is wrong with ${more} more files.`] : []), advice];
}

/** The lessons' folders, as the catalog names them: it is TypeScript, which not every Node.js reads. */
function slugs() {
  const file = join(root, 'lessons', 'catalog.ts');
  if (whyUnreadable(file) !== undefined) return [];
  return [...readFileSync(file, 'utf8').matchAll(/\bslug: '([\w-]+)'/g)].map(([, slug]) => slug);
}

/** @param {string} slug */
function own(slug) {
  return ['server.ts', 'client.ts'].map((file) => `lessons/${slug}/${file}`);
}
/** @param {string} slug */
function content(slug) {
  return [
    `lessons/${slug}/README.md`,
    `lessons/${slug}/hints.md`,
    `solutions/${slug}/server.ts`,
    `solutions/${slug}/client.ts`,
    `test/lessons/${slug}.test.ts`,
  ];
}

function progressFile() {
  const file = join(root, '.progress');
  const why = isThere(file) ? whyUnreadable(file) : undefined;
  return {
    name: 'your progress can be read',
    well: why === undefined,
    otherwise: `.progress ${why}. Move it away: a check of each lesson makes it again.`,
  };
}

function proxy() {
  const variable = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].find((name) => process.env[name]);
  const except = process.env.NO_PROXY ?? process.env.no_proxy ?? '';
  return {
    name: variable ? `${variable} is set, and leaves 127.0.0.1 alone` : 'no proxy stands in the way',
    well: !variable || /(^|,)\s*(\*|127\.0\.0\.1)/.test(except),
    otherwise: 'curl would ask the proxy for 127.0.0.1: set NO_PROXY=127.0.0.1,localhost',
    minor: true,
  };
}

function runs() {
  try {
    return execSync(`"${process.execPath}" -p 6*7`, { encoding: 'utf8', timeout: 10_000 }).trim() === '42';
  } catch {
    return false;
  }
}

function opens(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
