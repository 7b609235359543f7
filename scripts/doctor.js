// Looks for what commonly goes wrong on a machine. Plain JavaScript without a dependency: it must run when nothing else does.
import { execSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { missingPackages, nodeIsNewEnough } from './setup.js';

const root = fileURLToPath(new URL('..', import.meta.url));

if (process.argv.length > 2) {
  const asked = process.argv[2] === '--help';
  const text = 'Looks for trouble with this machine: Node.js, the install, ports, proxies.\n\nUsage: npm run doctor';
  console[asked ? 'log' : 'error'](asked ? text : `Not understood: "${process.argv[2]}".\nUsage: npm run doctor`);
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
    name: 'the folder can be written to',
    well: can(root, constants.W_OK),
    otherwise: `Give yourself write permission for ${root}, or clone into a folder of your own.`,
  },
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
  console.log(`${well ? '✓' : minor ? '~' : '✗'} ${name}`);
  if (!well) console.log(`    ${otherwise}`);
}
process.exitCode = findings.some(({ well, minor }) => !well && !minor) ? 1 : 0;

function packages() {
  const missing = missingPackages();
  return {
    name: 'the packages of package-lock.json are installed',
    well: missing.length === 0,
    otherwise: `${missing.length} are missing or old (${missing.slice(0, 3).join(', ')}): npm ci installs them.`,
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

function can(path, mode) {
  try {
    accessSync(path, mode);
    return existsSync(path);
  } catch {
    return false;
  }
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
