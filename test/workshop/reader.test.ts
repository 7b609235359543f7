// The reader as whoever sends it a request meets it: its own pages, other pages, and bytes that no page would send.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, learnersEnv, type Copy } from '../../scripts/workshop/copy.ts';
import { readPage } from '../../scripts/workshop/page.ts';
import { actions, type Notice } from '../../scripts/workshop/reader/actions.ts';
import { diffLines, hunks } from '../../scripts/workshop/reader/diff.ts';
import { editorLinks } from '../../scripts/workshop/reader/editor.ts';
import { liveEvents } from '../../scripts/workshop/reader/live.ts';
import { lessonText, withCode } from '../../scripts/workshop/reader/markdown.ts';
import { freePort } from '../harness/programs/ports.ts';
import { processesWith } from './processes.ts';
import { startReader, type Started } from './started.ts';
import { patient } from './waiting.ts';

const lesson1 = '/lessons/01-chunked-stream/';
const starter = 'lessons/01-chunked-stream/server.ts';

let copy: Copy;
let reader: Started;
beforeAll(async () => {
  copy = learnersCopy();
  symlinkSync(join(copy.folder, 'package.json'), join(copy.folder, lesson1, 'examples', 'outside.json'));
  reader = await startReader(copy);
});
afterAll(async () => {
  await reader.stop();
  copy.remove();
});

type Asked = { status: number; headers: IncomingHttpHeaders; body: string };

/** Sends a request whose path and headers go out as they are. */
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Asked> {
  const { hostname, port } = new URL(reader.url);
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const request = httpRequest({ hostname, port, path, agent: false, ...rest }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += bytes));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** A change, as the reader's own pages ask for it; `headers` and `body` say what is different. */
const post = (
  path: string,
  { headers = {}, body = '{}' }: { headers?: Record<string, string | undefined>; body?: string } = {},
) => {
  const all = {
    Origin: reader.url,
    'Content-Type': 'application/json',
    'Sec-Fetch-Site': 'same-origin',
    ...headers,
  };
  const given = Object.fromEntries(
    Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined),
  );
  return ask(path, { method: 'POST', headers: given, body });
};

const pages = [
  '/',
  ...catalog.flatMap(({ slug }) =>
    ['', 'hints', 'hints?task=2', 'solution', 'solution?reveal=1', 'diff', 'server.ts'].map(
      (page) => `/lessons/${slug}/${page}`,
    ),
  ),
  '/lessons/support/work.ts',
  '/lessons/REVISIONS.md',
  `${lesson1}examples/blocking.ts`,
];

describe('pages', () => {
  test.for(pages)('%s is there, has nothing inline, and may not be framed', async (path) => {
    const { status, headers, body } = await ask(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(body).not.toMatch(/<script>|<style|\sstyle=|\son\w+=|javascript:/);
    // Nothing comes from elsewhere.
    for (const [, address] of body.matchAll(/(?:src|<link[^>]* href)="([^"]*)"/g)) expect(address).toMatch(/^\//);
  });

  test('every link to a page of the reader leads to one, and every part of an address is there', async () => {
    const dead: string[] = [];
    const asked = new Map<string, Promise<Asked>>();
    const once = (path: string) => asked.get(path) ?? asked.set(path, ask(path)).get(path)!;
    for (const path of pages) {
      for (const [, href] of (await once(path)).body.matchAll(/<a [^>]*href="([^"]*)"/g)) {
        const url = new URL(href!.replaceAll('&amp;', '&'), `http://reader${path}`);
        if (url.host !== 'reader') continue;
        const { status, body } = await once(url.pathname + url.search);
        const id = decodeURIComponent(url.hash.slice(1));
        if (status !== 200 || (id && !body.includes(`id="${id}"`))) dead.push(`${path}: ${href}`);
      }
    }
    expect(dead).toEqual([]);
  });

  test('a lesson can be named as the commands name it', async () => {
    for (const name of ['1', '01', 'lesson-1', '01-chunked-stream']) {
      const { status, headers } = await ask(`/lessons/${name}`);
      expect({ status, location: headers.location }).toEqual({ status: 302, location: lesson1 });
    }
    expect((await ask(`${lesson1}README.md`)).headers.location).toBe(lesson1);
  });

  test('a requirement in the text has the place that it has beside the text', async () => {
    for (const lesson of catalog) {
      const { body } = await ask(`/lessons/${lesson.slug}/`);
      const keys = readPage(lesson).tasks.flatMap(({ number, requirements }) =>
        requirements.map((_, i) => `${number}.${i}`),
      );
      expect([...body.matchAll(/data-requirement="([^"]*)"/g)].map(([, key]) => key)).toEqual(keys);
      expect([...body.matchAll(/data-key="(\d+\.\d+)"/g)].map(([, key]) => key)).toEqual(keys);
    }
  });

  test('each action has one button, one key and one place in the list of keys', async () => {
    const { body } = await ask(lesson1);
    const buttons = [...body.matchAll(/<(?:a|button)\b[^>]*\bdata-action="([\w-]+)"[^>]*>\s*([^<]*?)\s*</g)];
    expect(buttons.map(([, name, label]) => [name, label])).toEqual(actions.map(({ name, label }) => [name, label]));
    const keys = [...body.matchAll(/<kbd>(.*?)<\/kbd><\/dt>\s*<dd>(.*?)<\/dd>/g)].map(([, key, does]) => [key, does]);
    expect(new Set(keys.map(([key]) => key)).size).toBe(keys.length);
    for (const action of actions) {
      const { name, key, does } = action;
      expect(body.match(new RegExp(`data-key="${key}"`, 'g'))).toHaveLength(1);
      expect(keys).toContainEqual([key, does]);
      const { status } = await ask(lesson1 + name);
      expect({ name, status }).toEqual({ name, status: action.opens === 'page' ? 200 : 405 });
      expect(body.includes(`<dialog id="${name}"`)).toBe('asks' in action);
    }
  });

  test('the solution of a task is shown when it is asked for', async () => {
    const hidden = await ask(`${lesson1}solution`);
    expect(hidden.body).not.toContain('<pre');
    const { body } = await ask(`${lesson1}solution?reveal=1`);
    expect(body.match(/<pre/g)).toHaveLength(1);
    expect((await ask(`${lesson1}solution?reveal=__proto__`)).body).not.toContain('<pre');
  });

  test('HEAD has the head alone', async () => {
    const { status, headers, body } = await ask('/', { method: 'HEAD' });
    expect({ status, body }).toEqual({ status: 200, body: '' });
    expect(Number(headers['content-length'])).toBeGreaterThan(1000);
  });
});

describe('what is refused', () => {
  const port = () => new URL(reader.url).port;

  test.for([
    ['another name that resolves to 127.0.0.1', () => ({ Host: `lessons.example:${port()}` })],
    ['its address without the port', () => ({ Host: '127.0.0.1' })],
    ['another port', () => ({ Host: '127.0.0.1:1' })],
    ['an address that is not its own', () => ({ Host: `[::1]:${port()}` })],
    ['a page of another origin', () => ({ Origin: 'http://lessons.example' })],
    ['a page of another port', () => ({ Origin: 'http://127.0.0.1:3000' })],
    ['a page under its other name', () => ({ Origin: `http://localhost:${port()}` })],
    ['a page without an origin', () => ({ Origin: 'null' })],
    [
      'a script of another site',
      () => ({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' }),
    ],
    [
      'a script of another port',
      () => ({ 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }),
    ],
    [
      'a frame of another site',
      () => ({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }),
    ],
  ] as const)('%s gets 403, for a page, for the events and for a change', async ([, headers]) => {
    for (const path of ['/', '/events', lesson1, '/reader.js']) {
      const { status, body } = await ask(path, { headers: { ...headers() } });
      expect(status).toBe(403);
      expect(body.length).toBeLessThan(100);
    }
    expect((await post(`${lesson1}reset`, { headers: headers() })).status).toBe(403);
  });

  test('a request without a Host gets no page', async () => {
    for (const [version, status] of [
      ['1.0', '403'],
      ['1.1', '400'],
    ]) {
      const socket = connect(Number(port()), '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.write(`GET / HTTP/${version}\r\n\r\n`);
      const answer = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  test('a link from elsewhere may be followed', async () => {
    const followed = {
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
    };
    expect((await ask(lesson1, { headers: followed })).status).toBe(200);
    expect((await post(`${lesson1}reset`, { headers: followed })).status).toBe(403);
    expect((await ask('/', { headers: { Host: `localhost:${port()}` } })).status).toBe(200);
  });

  describe('behind GitHub Codespaces', () => {
    // The forwarder speaks https with the browser. It sends `Host: localhost:PORT`, and where the page has the forwarded
    // address it writes localhost into Origin as well; another page's Origin comes as it is.
    const name = 'ideal-broccoli';
    const forwarded = (origin: string | undefined, site = 'same-origin') => ({
      Host: `localhost:${port()}`,
      'X-Forwarded-Host': `${name}-${port()}.app.github.dev`,
      'X-Forwarded-Proto': 'https',
      'Sec-Fetch-Site': site,
      ...(origin && { Origin: origin }),
    });

    test('its own pages are answered', async () => {
      expect((await ask(lesson1, { headers: forwarded(undefined, 'none') })).status).toBe(200);
      for (const scheme of ['http', 'https']) {
        const headers = forwarded(`${scheme}://localhost:${port()}`);
        expect((await ask('/reader.js', { headers })).status).toBe(200);
        expect((await post(`${lesson1}reset`, { headers })).status).toBe(200);
      }
    });

    test('a page of another origin is refused', async () => {
      for (const headers of [
        forwarded('https://lessons.example', 'cross-site'),
        forwarded(`https://${name}-3000.app.github.dev`, 'same-site'),
        forwarded(`https://localhost:3000`, 'cross-site'),
        forwarded(`https://localhost:${port()}`, 'cross-site'),
        { ...forwarded('https://lessons.example', 'same-origin'), 'X-Forwarded-Host': 'lessons.example' },
      ]) {
        expect((await ask('/events', { headers })).status).toBe(403);
        expect((await post(`${lesson1}reset`, { headers })).status).toBe(403);
      }
    });

    test("a forwarder that leaves Host as it is gets an answer for this codespace's name only", async () => {
      const host = (codespace: string, port: string) => `${codespace}-${port}.app.github.dev`;
      expect((await ask('/', { headers: { Host: host(name, port()) } })).status).toBe(403); // this is no codespace
      vi.stubEnv('CODESPACE_NAME', name).stubEnv('GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN', 'app.github.dev');
      onTestFinished(() => void vi.unstubAllEnvs());
      const before = reader;
      reader = await startReader(copy);
      onTestFinished(async () => {
        await reader.stop();
        reader = before;
      });
      const own = host(name, port());
      expect((await ask('/', { headers: { Host: own } })).status).toBe(200);
      const asked = async (origin: string, to = own) =>
        (await post(`${lesson1}reset`, { headers: { Host: to, Origin: origin } })).status;
      expect(await asked(`https://${own}`)).toBe(200);
      expect(await asked(`https://${host(name, '3000')}`)).toBe(403);
      expect(await asked(`https://${host('other', port())}`, host('other', port()))).toBe(403);
    });
  });

  test('a change that does not say where it comes from', async () => {
    expect((await post(`${lesson1}reset`, { headers: { Origin: undefined } })).status).toBe(403);
    expect((await post(`${lesson1}reset`, { headers: { 'Sec-Fetch-Site': 'none' } })).status).toBe(403);
  });

  test.for(['GET', 'HEAD', 'PUT', 'DELETE'])('%s of a change gets 405', async (method) => {
    for (const action of ['check', 'reset']) {
      const { status, headers } = await ask(`${lesson1}${action}`, { method, headers: { Origin: reader.url } });
      expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'POST' });
    }
  });

  test.for(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s of a page gets 405', async (method) => {
    for (const path of ['/', lesson1, '/events', '/reader.js']) {
      expect((await ask(path, { method, headers: { Origin: reader.url } })).status).toBe(405);
    }
  });

  test.for([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx'])(
    'a change with the type %s gets 415',
    async (type) => {
      expect((await post(`${lesson1}reset`, { headers: { 'Content-Type': type } })).status).toBe(415);
    },
  );

  test('a body that is too large gets 413, with and without its length', async () => {
    const body = JSON.stringify({ seed: 1, more: 'x'.repeat(5000) });
    expect((await post(`${lesson1}check`, { body })).status).toBe(413);
    expect((await post(`${lesson1}check`, { body, headers: { 'Transfer-Encoding': 'chunked' } })).status).toBe(413);
  });

  test.for(['', '{', 'null', '[]', '"reset"', '{"seed": "x"}', '{"seed": 1.5}', '{"seed": -1}', '{"seed": 1e99}'])(
    'the body %j gets 400',
    async (body) => {
      expect((await post(`${lesson1}check`, { body })).status).toBe(400);
    },
  );

  test.for([
    '/nothing',
    '/lessons',
    '/lessons/',
    '/lessons/99',
    '/lessons/lesson-99/',
    '/lessons/constructor/',
    `${lesson1}nothing`,
    `${lesson1}hints?task=9`,
    `${lesson1}constructor`,
  ])('%s gets a page that says so, with 404', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(body).toContain('There is no such page');
  });

  test('a change of a lesson that is not there gets 404', async () => {
    expect((await post('/lessons/99-nothing/reset')).status).toBe(404);
    expect((await post('/lessons/constructor/check')).status).toBe(404);
  });

  test.for([
    `${lesson1}../../package.json`,
    `${lesson1}..%2f..%2fpackage.json`,
    `${lesson1}examples/../server.ts`,
    `${lesson1}examples/%2e%2e/server.ts`,
    `${lesson1}examples/..%5c..%5cserver.ts`,
    `${lesson1}examples/outside.json`,
    `${lesson1}server.ts%00`,
    `${lesson1}hints.md`,
    '/lessons/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/lessons/catalog.ts',
    '/lessons/support/../../package.json',
    '/solutions/01-chunked-stream/server.ts',
    '/scripts/run.js',
    '/package.json',
    '/.progress',
    '//package.json',
    '/%2fetc/passwd',
  ])('%s opens no file', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(body).not.toMatch(/root:|chunk-by-chunk"|express\(\)/);
  });

  test.for(['/%', '/%zz', '/%c0%ae', `${lesson1}%E0%A4%A`, 'nothing', '*', 'http://lessons.example/'])(
    '%s is not an address: 400',
    async (path) => {
      expect((await ask(path)).status).toBe(400);
    },
  );

  test('none of it has changed anything, or troubled the reader', async () => {
    expect(reader.stderr).toBe('');
    expect(copy.read(starter)).toContain('TODO task 1');
    expect(existsSync(join(copy.folder, '.progress'))).toBe(false);
    expect(existsSync(join(copy.folder, '.saved'))).toBe(false);
  });
});

type Heard = { id: string; type: string; data: Record<string, string> };

/** Listens to the reader's events until `last` says that it has heard enough. */
async function listen(after: string, last: (heard: Heard) => boolean, header = false): Promise<Heard[]> {
  const address = header ? '/events?after=something-old' : `/events?after=${after}`;
  const response = await fetch(`${reader.url}${address}`, { headers: header ? { 'Last-Event-ID': after } : {} });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const heard: Heard[] = [];
  let text = '';
  for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(/: (.*)/s) as [string, string]),
      );
      text = text.slice(end + 2);
      if (!fields.data) continue;
      heard.push({ id: fields.id ?? '', type: fields.event!, data: JSON.parse(fields.data) as Heard['data'] });
      if (last(heard.at(-1)!)) return heard;
    }
  }
  throw new Error('the stream ended');
}

const idOn = async (path: string) => /data-last-id="([^"]*)"/.exec((await ask(path)).body)![1]!;
/** The last event of a run: what its verdict changes in the course. */
const isLast = ({ type }: Heard) => type === 'course';

describe('what happens is told', () => {
  test('a check: its beginning, each requirement, and the verdict; whoever was away gets the rest', async () => {
    const before = await idOn(lesson1);
    const two = [listen(before, isLast), listen(before, isLast)];
    expect((await post(`${lesson1}check`, { body: '{"seed": 7}' })).status).toBe(202);
    const [heard, same] = await Promise.all(two);
    expect(same).toEqual(heard);
    const requirements = readPage(catalog[0]!).tasks.flatMap((task) => task.requirements).length;
    expect(heard!.map(({ type }) => type)).toEqual([
      'run',
      ...Array(requirements).fill('requirement'),
      'verdict',
      'course',
    ]);
    expect(heard![1]!.data).toEqual({ lesson: '01-chunked-stream', key: '1.0', state: 'failed' });
    const { panel, cause, course } = { ...heard!.at(-2)!.data, ...heard!.at(-1)!.data };
    expect(cause).toBe('Your server answered GET /stream with status 501.');
    expect(panel).toContain('npm run check lesson-1 -- --seed 7');
    expect(panel).toContain('curl -i http://127.0.0.1:3000/stream');
    const asText = (/data-text="([^"]*)"/.exec(panel as string)?.[1] ?? '').split('\n');
    expect(asText[0]).toBe('lesson 1 · A chunked stream');
    expect(asText.find((line) => line.startsWith('   ✗ '))).toContain('`GET /stream`');
    expect(asText).toContain(`     ${cause}`);
    expect(asText.some((line) => / ← 501 /.test(line))).toBe(true);
    expect(course).toContain('0 of ');

    expect(await listen(heard![2]!.id, isLast)).toEqual(heard!.slice(3));
    expect(await listen(heard![2]!.id, isLast, true)).toEqual(heard!.slice(3));
    expect(await idOn(lesson1)).toBe(heard!.at(-1)!.id);
    expect((await ask(lesson1)).body).toContain(cause);
  });

  test('whoever comes with an id of another run is told to load anew', async () => {
    for (const id of ['', 'x', 'abc-1', `${await idOn('/')}9`]) {
      expect(await listen(id, () => true)).toEqual([{ id: '', type: 'stale', data: {} }]);
    }
  });

  test('what a program says stays text', async () => {
    const before = await idOn(lesson1);
    copy.write(starter, "throw new Error('<img src=x onerror=alert(1)> `<b>` </pre><script>alert(2)</script>');\n");
    const { panel } = (await listen(before, isLast)).at(-2)!.data;
    expect(panel).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(panel).not.toMatch(/<img|<script|<b>/);
  });

  test('a reset says where the files are, and the changes are gone', async () => {
    const changed = await ask(`${lesson1}diff`);
    expect(changed.body).toMatch(/<span class="line removed"\s*><span class="sign">−<\/span>.*\n<\/span\s*>/);
    const { status, body } = await post(`${lesson1}reset`);
    const { notice } = JSON.parse(body) as { notice: Notice };
    expect(status).toBe(200);
    const saved = /^npm run reset lesson-1 -- --from (\.saved\/\S+)$/.exec(notice.command!)![1]!;
    expect(notice.text).toContain(`is in ${saved}.`);
    expect(copy.read(`${saved}/01-chunked-stream/server.ts`)).toContain('onerror');
    expect(copy.read(starter)).toContain('TODO task 1');
    expect((await ask(`${lesson1}diff`)).body).not.toContain('class="line');
  });

  test('a file that is missing is said to be, for a check', async () => {
    const client = copy.read('lessons/02-server-sent-events/client.ts');
    rmSync(join(copy.folder, 'lessons/02-server-sent-events/client.ts'));
    const { status, body } = await post('/lessons/02-server-sent-events/check');
    expect(status).toBe(409);
    expect(body).toContain('client.ts is missing');
    expect((await ask('/lessons/02-server-sent-events/diff')).body).toContain('It is not there.');
    copy.write('lessons/02-server-sent-events/client.ts', client);
  });

  test('a progress file that is not understood is said to be one, and nothing is lost', async () => {
    const broken = 'three of three\n';
    const before = await idOn(lesson1);
    copy.write('.progress', broken);
    const { status, body } = await ask('/');
    expect(status).toBe(200);
    expect(body).toContain('Line 1 of .progress is not understood');
    expect((await ask(lesson1)).status).toBe(200);
    await post(`${lesson1}check`);
    expect((await listen(before, isLast)).at(-2)!.data.panel).toContain('Line 1 of .progress is not understood');
    expect(copy.read('.progress')).toBe(broken);
    copy.write('.progress', '');
    expect((await ask('/')).body).not.toContain('not understood');
    expect(reader.stderr).toBe('');
  });
});

test('npm start prints its address, takes the next port when one is taken, and leaves nothing behind', async () => {
  const own = learnersCopy();
  onTestFinished(() => own.remove());
  const taken = Number(new URL(reader.url).port);
  const second = await startReader(own, taken);
  expect(Number(new URL(second.url).port)).toBeGreaterThan(taken);
  expect(second.stdout).toContain(`The workshop is at ${second.url}`);
  expect(second.stdout).toContain('Begin with lesson 1');
  expect((await fetch(`${second.url}/`)).status).toBe(200);
  const code = await second.stop();
  if (process.platform !== 'win32') expect(code).toBe(0); // there is no signal that could be handled
  await expect(fetch(second.url)).rejects.toThrow();
  expect(processesWith(own.folder)).toEqual([]);
});

const hasTerminal = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0;

describe.skipIf(!hasTerminal)('npm start in a terminal', () => {
  test.for([
    ['opens the browser', [], {}, true],
    ['--no-open opens none', ['--no-open'], {}, false],
    ['opens none where there is no screen', [], { DISPLAY: '', WAYLAND_DISPLAY: '' }, false],
    ['opens none in CI', [], { CI: 'true' }, false],
    ['opens none in a pipe', [], {}, false],
  ] as const)('%s', async ([name, args, env, opens]) => {
    const own = learnersCopy();
    onTestFinished(() => own.remove());
    const opened = join(own.folder, 'opened');
    own.write('xdg-open', `#!/bin/sh\necho "$1" > "${opened}.part" && mv "${opened}.part" "${opened}"\n`);
    chmodSync(join(own.folder, 'xdg-open'), 0o755);
    const terminal = name.includes('pipe')
      ? []
      : ['python3', fileURLToPath(new URL('terminal.py', import.meta.url)), '80'];
    const [program, ...rest] = [
      ...terminal,
      process.execPath,
      'scripts/run.js',
      'start',
      '--port',
      String(await freePort()),
      ...args,
    ];
    const { CI: _, ...mine } = learnersEnv();
    const child = spawn(program!, rest, {
      cwd: own.folder,
      env: { ...mine, DISPLAY: ':0', PATH: `${own.folder}:${mine.PATH}`, ...env },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (bytes) => (printed += bytes));
    await vi.waitUntil(() => printed.includes('Ctrl+C'), patient);
    if (opens) {
      await vi.waitUntil(() => existsSync(opened), patient);
      expect(printed).toContain(`The workshop is at ${readFileSync(opened, 'utf8').trim()}`);
    }
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (terminal.length > 0) child.stdin.write('\x03');
    else child.kill('SIGINT');
    await ended;
    await vi.waitUntil(() => processesWith(own.folder).length === 0, patient);
    expect(existsSync(opened)).toBe(opens);
  });
});

test('only so much is kept for pages that were away', () => {
  const live = liveEvents();
  const first = live.lastId;
  live.send('verdict', { panel: 'x'.repeat(5_000_000) });
  const second = live.lastId;
  live.send('verdict', { panel: 'y'.repeat(5_000_000) });
  const heard = (after: string) => {
    let text = '';
    const response = { writeHead() {}, write: (more: string) => (text += more), writableLength: 0, on() {} };
    live.stream(response as never, after);
    return text;
  };
  expect(heard(first)).toContain('event: stale');
  expect(heard(second)).toContain('"panel":"yyy');
});

test('a quiet connection hears a comment now and then', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const live = liveEvents();
  const written: string[] = [];
  const response = { writeHead() {}, write: (text: string) => written.push(text), writableLength: 0, on() {} };
  live.stream(response as never, live.lastId);
  vi.advanceTimersByTime(15_000);
  expect(written).toEqual(['retry: 1000\n\n', ': still here\n\n']);
});

describe('text', () => {
  const rendered = (text: string) => lessonText(text, '01-chunked-stream/').body.markup;

  test('raw HTML stays text', () => {
    expect(rendered('<script>alert(1)</script> <b onclick="x">b</b>\n\n<div style="x">')).not.toMatch(
      /<(script|b|div)/,
    );
    expect(withCode('`<b>` <i>').markup).toBe('<code>&lt;b&gt;</code> &lt;i&gt;');
  });

  test('a link leads to the web, to a lesson or to a file of the lessons, or nowhere', () => {
    const hrefOf = (target: string) => /href="([^"]*)"/.exec(rendered(`[x](<${target}>)`))?.[1];
    expect(hrefOf('https://www.rfc-editor.org/rfc/rfc9112#section-7.1')).toBe(
      'https://www.rfc-editor.org/rfc/rfc9112#section-7.1',
    );
    expect(hrefOf('examples/blocking.ts')).toBe('/lessons/01-chunked-stream/examples/blocking.ts');
    expect(hrefOf('../02-server-sent-events/README.md#task-2')).toBe('/lessons/02-server-sent-events/#task-2');
    expect(hrefOf('../REVISIONS.md#the-lessons')).toBe('/lessons/REVISIONS.md#the-lessons');
    expect(hrefOf('#task-1')).toBe('#task-1');
    for (const target of [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'vscode://file/x',
      '../../package.json',
      '../../../etc/passwd',
      'ftp://x/',
    ]) {
      expect(hrefOf(target), target).toBeUndefined();
    }
  });

  test('an editor is a name or an address with a file', () => {
    expect(editorLinks('vscode')('/a b/server.ts', '14')).toBe('vscode://file/a%20b/server.ts:14');
    expect(editorLinks('idea://open?file={file}&line={line}')('/a/server.ts')).toBe(
      'idea://open?file=/a/server.ts&line=1',
    );
    for (const name of ['', 'javascript:alert(1)//{file}', 'javascript://{file}', 'http://x/{file}', 'idea://open']) {
      expect(() => editorLinks(name), name).toThrow('is not an editor');
    }
  });
});

test('a diff leads from one text to the other', () => {
  const lines = diffLines('a\nb\nc\nd\ne\nf\ng\nh\ni\nj', 'a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk');
  const text = (skip: string) =>
    lines
      .filter(({ kind }) => kind !== skip)
      .map(({ text }) => text)
      .join('');
  expect(text('added')).toBe('abcdefghij');
  expect(text('removed')).toBe('aBcdefghijk');
  expect(hunks(lines).map((hunk) => hunk.length)).toEqual([6, 4]);
  expect(hunks(diffLines('a', 'a'))).toEqual([]);
});
