// The reader's web server. It runs what a learner writes, so only the learner's own browser may use it.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { catalog, type Lesson } from '../../../lessons/catalog.ts';
import { printable } from '../../../test/harness/wire/printable.js';
import { printTrouble, sentencesFor } from '../../trouble.js';
import { Refusal } from '../command.ts';
import { findLesson, requireFiles, revisionsName } from '../lessons.ts';
import { replaceFiles, wayBack } from '../reset.ts';
import { startersOf } from '../starters.ts';
import type { watchLessons, WatchEvent } from '../watcher.ts';
import type { Change, Notice, Opening } from './actions.ts';
import { createBoard } from './board.ts';
import type { EditorLink } from './editor.ts';
import { liveEvents } from './live.ts';
import {
  courseList,
  coursePage,
  diffPage,
  hintsPage,
  lessonPage,
  messagePage,
  revisionsPage,
  solutionPage,
  sourcePage,
} from './pages.ts';
import { tasksPanel } from './panel.ts';
import { sources } from './sources.ts';

/** An answer to a request; `type` is text/html unless it says otherwise. */
type Answer = { status: number; body: string; type?: string; headers?: Record<string, string> };

/** Bytes that the body of a request may have: ours have a dozen. */
const mostBody = 4096;

const securityHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

/** Serves the pages at the port, or the next free one, and grades what is saved, as long as the process lives. */
export async function openReader(options: {
  port: number;
  editor: EditorLink;
  watch: typeof watchLessons;
}): Promise<{ url: string }> {
  const { editor } = options;
  const live = liveEvents();
  const board = createBoard();
  const files = staticFiles();

  const tell = (event: WatchEvent) => {
    const { lesson } = event;
    const replaced = catalog.filter((other) => other !== lesson && board.of(other).running);
    const key = board.note(event);
    for (const other of replaced)
      live.send('panel', { lesson: other.slug, panel: tasksPanel(other, board.of(other), editor).markup });
    if (event.type === 'run') return live.send('run', { lesson: lesson.slug });
    if (event.type === 'requirement')
      return live.send('requirement', { lesson: lesson.slug, key, state: board.of(lesson).running?.get(key!) });
    live.send('verdict', {
      lesson: lesson.slug,
      name: `Lesson ${lesson.number}`,
      panel: tasksPanel(lesson, board.of(lesson), editor).markup,
      cause: printable(event.type === 'error' ? event.error.message : causeOf(event)),
    });
    live.send('course', { course: courseList().markup });
  };

  const onEvent = (event: WatchEvent) => {
    try {
      tell(event);
    } catch (error) {
      // A page that cannot be made is no reason to stop grading.
      if (error instanceof Refusal) console.error(error.message);
      else printTrouble(error);
    }
  };

  const server = createServer(async (request, response) => {
    try {
      const refused = refuse(request, hosts);
      if (refused) return send(request, response, refused);
      const [path = '', query] = request.url!.split('?');
      if (path === '/events' && request.method === 'GET') {
        const after = request.headers['last-event-id'] ?? new URLSearchParams(query).get('after') ?? '';
        for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
        return live.stream(response, String(after));
      }
      send(request, response, await answer(request, path, new URLSearchParams(query)));
    } catch (error) {
      if (request.destroyed) return; // nobody waits for the answer any more
      if (response.headersSent) {
        printTrouble(error);
        return response.destroy();
      }
      if (error instanceof Refusal) return send(request, response, message(409, 'Not now', error.message));
      const sentences = sentencesFor(error);
      if (sentences !== undefined) return send(request, response, message(409, 'Not now', sentences));
      printTrouble(error);
      send(request, response, message(500, 'The reader has failed', 'Its terminal says more.'));
    }
  });
  const port = await listen(server, options.port);
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`, ...codespaceHosts(port)]);
  // What is saved from now on is graded.
  const watching = options.watch({ onEvent });

  /** What each action changes; a check is told of by its events. */
  const changes: Record<Change, (lesson: Lesson, seed?: number) => Promise<Notice | undefined>> = {
    async check(lesson, seed) {
      requireFiles(lesson);
      watching.check(lesson, seed);
      return undefined;
    },
    async reset(lesson) {
      const { saved } = replaceFiles(lesson, startersOf(lesson));
      return saved
        ? {
            text: `Back to the starter. What was there is in ${saved}. To get it back:`,
            command: wayBack(lesson, saved),
          }
        : { text: 'Back to the starter. Nothing of yours was lost: the files were the starter.' };
    },
  };
  const isChange = (name: string): name is Change => Object.hasOwn(changes, name);

  async function answer(request: IncomingMessage, encoded: string, query: URLSearchParams): Promise<Answer> {
    const path = decoded(encoded);
    if (path === undefined || !path.startsWith('/')) return message(400, 'Not understood', 'The address is not one.');
    const [, slug, action] = /^\/lessons\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (slug && action && isChange(action)) {
      const lesson = catalog.find((lesson) => lesson.slug === slug);
      return lesson ? change(request, lesson, action) : notFound();
    }
    if (!isRead(request))
      return { ...message(405, 'Not allowed', 'Pages are only read.'), headers: { Allow: 'GET, HEAD' } };
    return files.get(path) ?? page(path, query);
  }

  function page(path: string, query: URLSearchParams): Answer {
    if (path === '/') return shown(coursePage(live.lastId));
    const [, name, rest] = /^\/lessons\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    if (name === undefined) return notFound();
    if (path === `/lessons/${revisionsName}`) return shown(revisionsPage());
    const source = sources().get(`${name}/${rest}`);
    if (source) return shown(sourcePage(`${name}/${rest}`, source, editor));
    const lesson = lessonNamed(name);
    if (!lesson) return notFound();
    const pages: Record<Opening | '', () => string | undefined> = {
      '': () => lessonPage(lesson, board.of(lesson), editor, live.lastId),
      hints: () => hintsPage(lesson, query.get('task')),
      solution: () => solutionPage(lesson, query.get('reveal')),
      diff: () => diffPage(lesson),
    };
    const sub = rest === 'README.md' ? '' : rest!;
    if (!Object.hasOwn(pages, sub)) return notFound();
    const address = `/lessons/${lesson.slug}/${sub}`;
    return path === address
      ? shown(pages[sub as Opening | '']())
      : { status: 302, body: '', headers: { Location: address } };
  }

  async function change(request: IncomingMessage, lesson: Lesson, action: Change): Promise<Answer> {
    if (request.method !== 'POST')
      return { ...data(405, { error: 'This changes something: POST.' }), headers: { Allow: 'POST' } };
    if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) {
      return data(415, { error: 'The body is to be JSON: Content-Type: application/json.' });
    }
    const text = await bodyOf(request);
    if (text === undefined)
      return { ...data(413, { error: `The body has more than ${mostBody} bytes.` }), headers: { Connection: 'close' } };
    const options = parsed(text);
    const seed = options?.seed;
    if (!options || (seed !== undefined && !(Number.isInteger(seed) && Number(seed) >= 0 && Number(seed) < 2 ** 32))) {
      return data(400, { error: 'The body is to be a JSON object; its seed, if any, a whole number.' });
    }
    try {
      const notice = await changes[action](lesson, seed as number | undefined);
      return notice ? data(200, { notice }) : data(202, {});
    } catch (error) {
      const sentences = error instanceof Refusal ? error.message : sentencesFor(error);
      if (sentences === undefined) throw error;
      return data(409, { error: sentences });
    }
  }

  return { url: `http://127.0.0.1:${port}` };
}

/** The name under which GitHub Codespaces forwards a port to the browser of its owner, if this is a codespace. */
function codespaceHosts(port: number): string[] {
  const { CODESPACE_NAME: name, GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN: domain } = process.env;
  return name && domain ? [`${name}-${port}.${domain}`] : [];
}

/** Why a request is not answered at all: it comes from somewhere else. */
function refuse({ method, headers }: IncomingMessage, hosts: Set<string>): Answer | undefined {
  const { host, origin } = headers;
  const site = headers['sec-fetch-site'];
  // A name that resolves to 127.0.0.1 brings a page of somebody else to this port; the Host header tells.
  if (!host || !hosts.has(host)) return plain(403, 'The reader answers only to its own address.');
  const reads = method === 'GET' || method === 'HEAD';
  const follows = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  const ownSite = site === undefined || site === 'same-origin' || (reads && (site === 'none' || follows));
  // Only a forwarder speaks https, and no page but ours can have our name and port: it may say http or https.
  const ownOrigin = origin === undefined ? reads : origin === `http://${host}` || origin === `https://${host}`;
  return ownSite && ownOrigin ? undefined : plain(403, 'The reader answers only its own pages.');
}

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function lessonNamed(name: string): Lesson | undefined {
  try {
    return findLesson(name);
  } catch {
    return undefined;
  }
}

/** The body, or undefined when it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length']) > mostBody) return undefined;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    size += (piece as Buffer).length;
    if (size > mostBody) return undefined;
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces).toString();
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const causeOf = ({ verdict }: Extract<WatchEvent, { type: 'verdict' }>): string =>
  verdict.tasks.flatMap(({ requirements }) => requirements).find(({ state }) => state === 'failed')?.explanation
    ?.cause ?? '';

const message = (status: number, title: string, text: string): Answer => ({ status, body: messagePage(title, text) });
const plain = (status: number, body: string): Answer => ({ status, body, type: 'text/plain' });
const notFound = (): Answer => message(404, 'There is no such page', 'The list of lessons leads to all that there is.');
const shown = (body: string | undefined): Answer => (body === undefined ? notFound() : { status: 200, body });
const data = (status: number, value: object): Answer => ({
  status,
  body: JSON.stringify(value),
  type: 'application/json',
});

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, body, type = 'text/html', headers }: Answer,
): void {
  response.writeHead(status, {
    ...securityHeaders,
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(method === 'HEAD' ? undefined : body);
}

/** What pages load, by its address. */
function staticFiles(): Map<string, Answer> {
  const require = createRequire(import.meta.url);
  const own = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
  const theme = (name: string) => readFileSync(require.resolve(`highlight.js/styles/${name}.css`), 'utf8');
  const code = `@media print, (prefers-color-scheme: light) {${theme('a11y-light')}}\n@media screen and (prefers-color-scheme: dark) {${theme('a11y-dark')}}\n`;
  return new Map([
    ['/reader.js', { status: 200, body: own('reader.js'), type: 'text/javascript' }],
    ['/styles.css', { status: 200, body: own('styles.css'), type: 'text/css' }],
    ['/code.css', { status: 200, body: code, type: 'text/css' }],
    ['/icon.svg', { status: 200, body: own('icon.svg'), type: 'image/svg+xml' }],
  ]);
}

/** Listens on 127.0.0.1, at the first free port from this one on. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const taken = (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return reject(error);
      if (++port > 65_535) return reject(new Refusal('No port is free on 127.0.0.1.'));
      server.listen(port, '127.0.0.1');
    };
    server.on('error', taken);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', taken);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
