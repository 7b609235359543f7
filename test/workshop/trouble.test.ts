// A machine in trouble: a full disk, files that are no files, a lesson that is not whole, and folders with odd names. Each
// command says what is wrong in sentences, with exit code 2; none prints a stack, hangs, or loses a file.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, closeSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { sentencesFor, whyUnreadable } from '../../scripts/trouble.js';
import { learnersCopy, type Copy, type Run } from '../../scripts/workshop/copy.ts';
import { editorLinks } from '../../scripts/workshop/reader/editor.ts';
import { root } from '../harness/folders.js';
import { startReader } from './started.ts';

const lesson1 = 'lessons/01-chunked-stream';
const posix = process.platform !== 'win32';

let copy: Copy;
beforeAll(() => {
  copy = learnersCopy();
});
afterAll(() => copy.remove());
afterEach(() => vi.unstubAllEnvs());

const inCopy = (...path: string[]) => join(copy.folder, ...path);
const remove = (path: string) => rmSync(inCopy(path), { recursive: true, force: true });

/** Expects an end with exit code 2, and these sentences and nothing else. */
function expectSentences({ code, stdout, stderr }: Run, ...sentences: string[]): void {
  expect(stderr).not.toMatch(/^\s+at /m);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  for (const sentence of sentences) expect(stderr).toContain(sentence);
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(5);
}

/** Makes calls of the file system fail in the commands that run next, as `CALL CODE END-OF-PATH`. */
function failing(call: string, code: string, end: string): void {
  copy.write(
    'failing.mjs',
    `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const original = fs.${call};
fs.${call} = (...args) => {
  if (!args.some((arg) => String(arg).endsWith(${JSON.stringify(end)}))) return original(...args);
  throw Object.assign(new Error('${code}: injected'), { code: '${code}', syscall: 'write', path: String(args[0]) });
};
syncBuiltinESMExports();
`,
  );
  vi.stubEnv('NODE_OPTIONS', `--import ${JSON.stringify(inCopy('failing.mjs'))}`);
}

describe('a file that cannot be written', () => {
  test.for([['reset'], ['solution', '--apply']])(
    '%j: when only one of two files could be put in place, that is said, and the way back',
    async ([script, ...options], { expect }) => {
      const own = { server: '// my server\n', client: '// my client\n' };
      copy.write(`${lesson1}/server.ts`, own.server);
      copy.write(`${lesson1}/client.ts`, own.client);
      failing('renameSync', 'EBUSY', 'client.ts');
      const run = await copy.run(script!, '1', ...options);
      expectSentences(
        run,
        `${lesson1}/client.ts cannot be written: another program uses it.`,
        `${lesson1}/server.ts has already changed; ${lesson1}/client.ts has not.`,
      );
      expect(copy.read(`${lesson1}/client.ts`)).toBe(own.client);
      expect(copy.read(`${lesson1}/server.ts`)).not.toBe(own.server);
      expect(readdirSync(inCopy(lesson1)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      vi.unstubAllEnvs();
      const [, saved] = /npm run reset lesson-1 -- --from (\S+)/.exec(run.stderr)!;
      expect((await copy.run('reset', '1', '--from', saved!)).code).toBe(0);
      expect(copy.read(`${lesson1}/server.ts`)).toBe(own.server);
    },
  );

  test('on a full disk nothing is changed, and what was saved by half is removed', async () => {
    remove('.saved');
    const before = copy.read(`${lesson1}/server.ts`);
    failing('writeFileSync', 'ENOSPC', '.tmp');
    for (const [script, ...args] of [['reset', '1'], ['solution', '1', '--apply'], ['starters']]) {
      expectSentences(await copy.run(script!, ...args), 'cannot be written: the disk is full.\nNothing was changed.');
    }
    failing('copyFileSync', 'ENOSPC', 'client.ts');
    expectSentences(await copy.run('reset', '1'), 'cannot be written: the disk is full.\nNothing was changed.');
    expect(copy.read(`${lesson1}/server.ts`)).toBe(before);
  });

  test.runIf(existsSync('/dev/full'))('output that cannot be written ends a command with a sentence', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, ['scripts/run.js', 'progress'], {
      cwd: copy.folder,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expectSentences({ code: status, stdout: '', stderr }, 'The output cannot be written: the disk is full.');
  });
});

test('where too many files are open, the advice is not about the disk', () => {
  const refused = (code: string) => sentencesFor({ code, syscall: 'open', path: join(root, 'README.md') });
  expect(refused('EMFILE')).toBe(
    'README.md cannot be opened: too many files are open.\n' +
      'End programs that have many files open, or permit more open files in this terminal: `ulimit -n 4096`.',
  );
  expect(refused('EACCES')).toContain('Look at the permissions of the folder');
});

describe.runIf(posix)('a file that is no file', () => {
  const file = `${lesson1}/server.ts`;
  const kinds: [what: string, make: (path: string) => void, why: string][] = [
    ['a folder', (path) => mkdirSync(path), 'is a folder, not a file'],
    ['a pipe', (path) => spawnSync('mkfifo', [path]), 'is a pipe, not a file'],
    ['a link to an endless device', (path) => symlinkSync('/dev/zero', path), 'is a device, not a file'],
    ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), 'is a link that leads nowhere'],
    ['a link to itself', (path) => symlinkSync('server.ts', path), 'cannot be read: its links lead in a circle'],
  ];

  afterEach(() => {
    remove('.progress');
    remove(file);
    copy.write(file, '// mine\n');
  });

  test.for(kinds)('%s in the place of server.ts', async ([, make, why], { expect }) => {
    remove(file);
    make(inCopy(file));
    const commands = [['check', '1'], ['try', '1'], ['reset', '1'], ['solution', '1', '--apply'], ['starters']];
    for (const [script, ...args] of commands) expectSentences(await copy.run(script!, ...args), `${file} ${why}.`);
    const { code, stdout } = await copy.run('doctor');
    expect(code).toBe(1);
    expect(stdout).toContain(`${file} ${why}.`);
  });

  test('in the place of .progress', async () => {
    spawnSync('mkfifo', [inCopy('.progress')]);
    for (const script of ['progress', 'check', 'start'])
      expectSentences(await copy.run(script), '.progress is a pipe, not a file.\nMove it away');
    expect((await copy.run('doctor')).stdout).toContain('.progress is a pipe, not a file.');
  });

  test.skipIf(process.getuid?.() === 0)('a file without permission', () => {
    writeFileSync(inCopy('secret'), '', { mode: 0 });
    expect(whyUnreadable(inCopy('secret'))).toBe('cannot be read: you have no permission');
  });

  test('a file that is larger than any of a lesson', () => {
    spawnSync('truncate', ['-s', '1G', inCopy('large')]);
    expect(whyUnreadable(inCopy('large'))).toBe('has 1024 MiB; the workshop reads at most 16');
    remove('large');
  });
});

describe('a lesson that is not whole', () => {
  afterEach(() => {
    copy.remove();
    copy = learnersCopy();
  });

  test('a record in the catalog without files: each command names the file, and says where to read on', async () => {
    const number = String(catalog.length + 1);
    const slug = `${number}-more`;
    const record = `{ number: ${number}, slug: '${slug}', title: 'More', part: 'Streams', minutes: 20, tryPath: '/' },\n];\n`;
    copy.write('lessons/catalog.ts', copy.read('lessons/catalog.ts').replace(/^\];\n/m, record));
    const readOn = 'CONTRIBUTING.md says which files it needs.';
    expectSentences(await copy.run('progress'), `lessons/${slug}/README.md is missing.`, readOn);
    expectSentences(await copy.run('hint', number), `lessons/${slug}/README.md is missing.`, readOn);
    for (const [script, ...args] of [['starters'], ['reset', number], ['solution', number, '--reveal']])
      expectSentences(await copy.run(script!, ...args), `solutions/${slug}/server.ts is missing.`, readOn);
    expectSentences(
      await copy.run('check', number),
      `lessons/${slug}/server.ts and lessons/${slug}/client.ts are missing.`,
    );
    expect((await copy.run('doctor')).stdout).toContain(`lessons/${slug}/README.md is missing`);
  });

  test('the pages show the other lessons, and say what is wrong with this one', async () => {
    remove('lessons/02-server-sent-events');
    rmSync(inCopy('lessons/04-backpressure/hints.md'));
    rmSync(inCopy('solutions/05-disconnects/server.ts'));
    if (posix) {
      remove(`${lesson1}/server.ts`);
      spawnSync('mkfifo', [inCopy(lesson1, 'server.ts')]);
    }
    const reader = await startReader(copy);
    const get = async (path: string) => {
      const response = await fetch(`${reader.url}${path}`);
      return { status: response.status, text: (await response.text()).replace(/<[^>]+>/g, '') };
    };
    const course = await get('/');
    expect(course.status).toBe(200);
    expect(course.text).toContain('lessons/02-server-sent-events/README.md is missing.');
    expect(course.text).toContain(catalog[7]!.title);
    for (const [path, sentence] of [
      ['/lessons/02-server-sent-events/', 'lessons/02-server-sent-events/README.md is missing.'],
      ['/lessons/04-backpressure/hints', 'lessons/04-backpressure/hints.md is missing.'],
      ['/lessons/05-disconnects/diff', 'solutions/05-disconnects/server.ts is missing.'],
      ...(posix ? [[`/${lesson1}/diff`, `${lesson1}/server.ts is a pipe, not a file.`]] : []),
    ]) {
      const page = await get(path!);
      expect({ path, status: page.status }).toEqual({ path, status: 409 });
      expect(page.text).toContain(sentence);
    }
    const checked = await fetch(`${reader.url}/lessons/02-server-sent-events/check`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: reader.url },
      body: '{}',
    });
    expect(checked.status).toBe(409);
    expect(((await checked.json()) as { error: string }).error).toContain('are missing');
    expect(await reader.stop()).toBe(0);
    expect(reader.stderr).not.toMatch(/^\s+at /m);
  });

  test('a source of the workshop that is gone', async () => {
    rmSync(inCopy('scripts/workshop/show-progress.ts'));
    const { code, stderr } = await copy.run('progress');
    expect(code).not.toBe(0);
    expect(stderr).toContain('show-progress.ts');
  });
});

describe.runIf(posix)('in a folder with an odd name', () => {
  test.for(['C# & 100%', "a?b [x] {y} $& 'q' übung 日本"])('%s', async (name, { expect }) => {
    const odd = learnersCopy(name);
    try {
      for (const [script, ...args] of [
        ['progress'],
        ['hint', '1'],
        ['solution', '1', '--apply'],
        ['starters', '--check'],
      ])
        expect({ script, ...(await odd.run(script!, ...args)) }).toMatchObject({
          code: script === 'starters' ? 1 : 0,
          stderr: '',
        });
      expect(await odd.run('check', '1')).toMatchObject({ code: 0, stderr: '' });
      expect(await odd.run('try', '1')).toMatchObject({ code: 0, stderr: '' });
      const { stdout } = await odd.run('doctor');
      expect(stdout.split('\n').filter((line) => line.startsWith('✗'))).toEqual([]);

      const [mark] = name.match(/[#?]/)!;
      expectSentences(await odd.run('test'), `do not run in a folder that has a "${mark}" in its path`);

      odd.write(`${lesson1}/server.ts`, "throw new Error('not today');\n");
      expect((await odd.run('check', '1')).stdout).toContain(`look in           ${lesson1}/server.ts:1`);

      const reader = await startReader(odd);
      const page = await (await fetch(`${reader.url}/${lesson1}/`)).text();
      const [, link] = /href="(vscode:[^"]+)"/.exec(page)!;
      const path = link!
        .replaceAll('&amp;', '&')
        .replaceAll('&#39;', "'")
        .replace(/^vscode:\/\/file(.*):\d+$/, '$1');
      expect(fileURLToPath(`file://${path}`)).toBe(join(odd.folder, lesson1, 'server.ts'));
      await reader.stop();
    } finally {
      odd.remove();
    }
  });

  test('a star, which Node.js takes for a pattern, is said to be the cause', async () => {
    const odd = learnersCopy('a*b');
    try {
      expect(await odd.run('progress')).toMatchObject({ code: 0, stderr: '' });
      expect((await odd.run('doctor')).stdout).toContain('✗ Node.js can load packages from this folder');
      expectSentences(await odd.run('start', '--no-open'), 'It has a star in its name');
    } finally {
      odd.remove();
    }
  });

  test('the link to an editor survives each of them, in a query too', () => {
    const path = "/home/me/C# & 100% $& $' a?b=c;d+e/server.ts";
    const link = new URL(editorLinks('idea://open?file={file}&line={line}')(path, '7'));
    expect(Object.fromEntries(link.searchParams)).toEqual({ file: path, line: '7' });
  });
});
