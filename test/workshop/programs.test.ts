// A program that is graded does what it does when it is started by hand: `node --import tsx server.ts`.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { root } from '../harness/folders.js';
import { endAllPrograms } from '../harness/programs/pool.js';
import { startProgram } from '../harness/programs/program.ts';
import { settingsOfShell } from '../harness/programs/settings.js';
import { startChildServer } from '../harness/wire/child-server.ts';
import { isGap, transcript } from '../harness/wire/transcript.ts';
import { patient } from './waiting.ts';

const temporary = join(root, '.tmp', `programs-${randomUUID()}`);
afterAll(() => {
  endAllPrograms();
  rmSync(temporary, { recursive: true, force: true });
});

/** Each prints what it sees; beside it there may be other files. */
const programs: Record<string, { program: string; beside?: Record<string, string> }> = {
  'knows its place': {
    program:
      'console.log(import.meta.url, import.meta.dirname, import.meta.filename, process.argv.slice(1), process.cwd());\n',
  },
  'knows that of its neighbour': {
    program: "import { place } from './neighbour.ts';\nconsole.log(place);\n",
    beside: { 'neighbour.ts': 'export const place: string = import.meta.url;\n' },
  },
  'imports without an ending, as JavaScript, and JSON': {
    program: `import { one } from './one';
import { two } from './two.js';
import words from './words.json' with { type: 'json' };
console.log(one, two, words);\n`,
    beside: {
      'one.ts': 'export const one = 1 as const;\n',
      'two.ts': 'export const two = 2;\n',
      'words.json': '["three"]',
    },
  },
  'imports when it is time': {
    program: `console.log('first');
const { late } = await import('./late.ts');
console.log(late);\n`,
    beside: { 'late.ts': "console.log('then');\nexport const late = 'last';\n" },
  },
  'has what TypeScript adds': {
    program: `enum Level { debug, info }
class Point { constructor(readonly x: number, private y = 2) {} }
namespace inner { export const word = 'inside'; }
console.log(Level[1], new Point(1), inner.word, (() => {}).name, Point.name);\n`,
  },
  'has the modules of the workshop': {
    program: `import { documents } from '#support/documents.ts';
import { documents as again } from '../../../lessons/support/documents.ts';
console.log(documents.length, documents === again);\n`,
  },
  requires: {
    program: `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
console.log(typeof require('express'), require('./words.json'));\n`,
    beside: { 'words.json': '["one"]' },
  },
  'has a neighbour that requires': {
    program: "import { words } from './neighbour.ts';\nconsole.log(words);\n",
    beside: {
      'neighbour.ts':
        "import { createRequire } from 'node:module';\nexport const words = createRequire(import.meta.url)('./words.json');\n",
      'words.json': '["two"]',
    },
  },
  'starts another': {
    program: `import { fork } from 'node:child_process';
fork(new URL('other.ts', import.meta.url), ['from its parent']).on('exit', (code) => console.log(code));\n`,
    beside: { 'other.ts': 'const code: number = 3;\nconsole.log(process.argv[2]);\nprocess.exit(code);\n' },
  },
  'starts another as it was started itself': {
    program: `import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
const other = fileURLToPath(new URL('other.ts', import.meta.url));
const [command, args] = [process.execPath, [...process.execArgv.filter((flag) => !flag.startsWith('--inspect')), other]];
spawn(command, args, { stdio: 'inherit' }).on('exit', (code) => console.log(code));\n`,
    beside: { 'other.ts': "const word: string = 'other';\nconsole.log(word);\n" },
  },
  'starts another with tsx, and one that is not TypeScript': {
    program: `import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
const other = fileURLToPath(new URL('other.ts', import.meta.url));
console.log(execFileSync('node', ['-p', '1 + 1'], { encoding: 'utf8' }));
spawn('node', ['--import', 'tsx', other], { stdio: ['ignore', 'inherit', 'inherit'] }).on('exit', (code) => console.log(code));\n`,
    beside: {
      'other.ts': "const word: string = 'other';\nconsole.log(word, process.execArgv.length, process.send);\n",
    },
  },
  'reads standard input to its end': {
    program:
      "for await (const piece of process.stdin) console.log(String(piece));\nconsole.log('end', process.stdin.isTTY);\n",
  },
  'has a worker': {
    program: `import { Worker } from 'node:worker_threads';
new Worker(new URL('worker.ts', import.meta.url)).on('message', console.log);\n`,
    beside: {
      'worker.ts': "import { parentPort } from 'node:worker_threads';\nparentPort!.postMessage('done' as string);\n",
    },
  },
  'catches an error and says where': {
    program: `function inner(): never {
  // a comment, which no compiled file has
  throw new Error('caught');
}
try { inner(); } catch (error) { console.log((error as Error).stack!.split('\\n').slice(0, 3).join('\\n')); }\n`,
  },
  'stops with an error': {
    program: "type Text = string;\n\nconst text: Text = 'uncaught';\nthrow new TypeError(text);\n",
  },
  'stops with an error of its neighbour': {
    program: "import './neighbour.ts';\n",
    beside: { 'neighbour.ts': "interface Nothing {}\n\nthrow new RangeError('out of reach');\n" },
  },
  'asks a package for what it has not': { program: "\nimport { nothing } from 'express';\nconsole.log(nothing);\n" },
  'has what its packages have': {
    program: `import * as express from 'express';
import * as fetch from 'node-fetch';
import * as zod from 'zod';
import * as client from '@modelcontextprotocol/client';
import * as node from '@modelcontextprotocol/node';
import * as server from '@modelcontextprotocol/server';
for (const each of [express, fetch, zod, client, node, server]) console.log(Object.keys(each).filter((name) => name !== 'module.exports').sort().join());
console.log(express.default.json === express.json, new fetch.default.Headers({ a: 'b' }), zod.z.string().parse('c'), zod.default === zod.z, client.ProtocolError === server.ProtocolError);\n`,
  },
  'uses a variable before its line': {
    program: `try {
  await run();
} catch (error) {
  console.log(String(error));
}
let late: number | undefined = 1;
async function run(): Promise<void> {
  late = 2;
  console.log('not refused');
}\n`,
  },
  'waits for ever': { program: 'await new Promise(() => {});\n' },
};

describe('a program that', { concurrent: true }, () => {
  test.for(Object.entries(programs))('%s', async ([name, { program: source, beside = {} }], { expect }) => {
    const folder = join(temporary, name.replaceAll(' ', '-'));
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries({ ...beside, 'server.ts': source }))
      writeFileSync(join(folder, file), text);

    const byHand = spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'server.ts')], {
      cwd: root,
      encoding: 'utf8',
    });
    const program = startProgram({
      folder,
      folderName: 'lesson',
      file: 'server.ts',
      changed() {},
      transcript: () => transcript(),
    });
    await vi.waitUntil(() => program.end, patient);

    expect(program.stdout).toBe(byHand.stdout);
    expect(program.end!.code, program.stderr).toBe(byHand.status);
    expect(said(program.stderr)).toEqual(
      said(byHand.stderr.replaceAll(folder, 'lesson').replaceAll('file://lesson', 'lesson')),
    );
  });
});

describe('the variables of a lesson and of Node.js', () => {
  const shell = {
    TLS: '.tls',
    QUIET_INTERVAL: '1',
    CA: '.tls/certificate.pem',
    TIME_LIMIT: '1',
    MORE_TOOLS: 'tools.ts',
  };
  /** They change what every program prints, or whom it reaches. */
  const ofNode = {
    NODE_DEBUG: 'http',
    NODE_NO_WARNINGS: '1',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    NODE_USE_ENV_PROXY: '1',
  };
  const others = { OF_THE_LEARNER: 'yes' };
  const all = Object.keys({ ...shell, ...ofNode, ...others });
  const source = `console.log(JSON.stringify(${JSON.stringify(all)}.map((name) => process.env[name] ?? null)));\n`;

  beforeAll(() => {
    for (const [name, value] of Object.entries({ ...shell, ...ofNode, ...others })) vi.stubEnv(name, value);
  });
  afterAll(() => void vi.unstubAllEnvs());

  async function seenBy(file: string, env: Record<string, string>) {
    const folder = join(temporary, randomUUID());
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, file), source);
    const start = { folder, folderName: 'lesson', file, env, changed() {}, transcript: () => transcript() };
    const program = startProgram(start);
    await vi.waitUntil(() => program.end, patient);
    const values = JSON.parse(program.stdout) as (string | null)[];
    return Object.fromEntries(all.flatMap((name, i) => (values[i] === null ? [] : [[name, values[i]]])));
  }

  test('come from the grader and not from the shell', async () => {
    expect(await seenBy('server.ts', {})).toEqual(others);
    expect(await seenBy('client.ts', {})).toEqual(others);
    const given = { TLS: 'folder', TIME_LIMIT: '300' };
    expect(await seenBy('server.ts', given)).toEqual({ ...others, ...given });
  });

  test('come from the shell where a program is only tried', () => {
    expect(settingsOfShell()).toEqual(expect.objectContaining(shell));
    expect(Object.keys(settingsOfShell())).not.toContain('OF_THE_LEARNER');
    expect(Object.keys(settingsOfShell())).not.toContain('PATH');
  });
});

describe('pipes', { concurrent: true }, () => {
  const written = (file: 'server.ts' | 'client.ts', source: string) => {
    const folder = join(temporary, randomUUID());
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, file), source);
    return { folder, folderName: 'lesson', file, changed() {} };
  };
  const rows = (record: ReturnType<typeof transcript>) =>
    record.capture().map((entry) => (isGap(entry) ? '…' : `${entry.mark} ${entry.text}`));

  test('a program gets its input byte by byte, and the transcript has both pipes', async ({ expect }) => {
    const record = transcript();
    const program = startProgram({
      ...written(
        'server.ts',
        'for await (const piece of process.stdin) process.stdout.write(`${String(piece)}\\n`);\n',
      ),
      input: true,
      transcript: () => record,
    });
    await program.begun;
    for (const byte of 'abc') {
      program.write(byte);
      await vi.waitUntil(() => program.lines.at(-1) === byte, patient);
    }
    program.endInput();
    await vi.waitUntil(() => program.end, patient);
    expect(program.end).toEqual({ code: 0, signal: null });
    expect(rows(record)).toEqual(['→ a', '← a\n', '→ b', '← b\n', '→ c', '← c\n', '→ (end of the input)']);
  });

  test('a client starts a server that does what the grader says', async ({ expect }) => {
    const record = transcript();
    const stops: (() => void)[] = [];
    const child = await startChildServer({ changed() {}, atEnd: (stop) => stops.push(stop), transcript: () => record });
    const program = startProgram({
      ...written(
        'client.ts',
        `import { spawn } from 'node:child_process';
const [command, ...args] = process.argv.slice(2);
const server = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
server.stdin.on('error', (error: Error & { code?: string }) => console.log(error.code));
server.stdin.write('one\\ntwo\\n');
server.stdout.on('data', (piece) => {
  console.log(String(piece));
  server.stdin.write('three');
});
server.stdout.on('end', () => server.kill('SIGTERM'));
server.on('exit', (code, signal) => console.log(code, signal));\n`,
      ),
      args: [...child.command, 'a b', ''],
      transcript: () => record,
    });
    child.client = program;
    await vi.waitUntil(() => child.input.toString() === 'one\ntwo\n', patient);
    expect(child.args).toEqual(['a b', '']);
    await child.printError('careful\n');
    await child.closeInput();
    await child.print('hello');
    await vi.waitUntil(() => program.lines.includes('EPIPE'), patient);
    await child.closeOutput();
    await vi.waitUntil(() => child.signals.length > 0, patient);
    child.exit(3);
    await vi.waitUntil(() => program.end && child.over, patient);
    expect(child.signals).toEqual(['SIGTERM']);
    expect(program.lines).toEqual(['hello', 'EPIPE', '3 null']);
    expect(program.stderr).toBe('careful\n');
    expect(rows(record).filter((row) => !row.startsWith('▸'))).toEqual([
      '→ one\n',
      '→ two\n',
      '← hello',
      '← (end of the output)',
      '→ (SIGTERM)',
      '← (the server ends with exit code 3)',
    ]);
    for (const stop of stops) stop();
  });
});

/** An error and its places; what is Node's own differs with how a program was started. */
const said = (stderr: string): string[] =>
  stderr.split('\n').filter((line) => /Error\b/.test(line) || /^\s+at .*lesson/.test(line) || /^lesson/.test(line));
