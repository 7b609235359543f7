import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lesson } from '../../lessons/catalog.ts';
import { listeningOn } from '../../test/harness/programs/listening.ts';
import { endAllPrograms } from '../../test/harness/programs/pool.js';
import { freePort } from '../../test/harness/programs/ports.ts';
import { startProgram, type Start } from '../../test/harness/programs/program.ts';
import { Failure } from '../../test/harness/run/failure.ts';
import { printable } from '../../test/harness/wire/printable.js';
import { transcript, type Transcript } from '../../test/harness/wire/transcript.ts';
import { rowText } from './capture-text.ts';
import { Refusal, type Arguments } from './command.ts';
import { leaveWith, onInterrupt } from './interrupt.ts';
import { findLesson, lessonFolder, requireFiles } from './lessons.ts';
import { nextLesson, readProgress } from './progress.ts';

/** Runs the learner's server and client, at their own pace, and prints what goes over the wire as it does. */
export async function tryLesson({ words: [name], options }: Arguments): Promise<number> {
  const lesson = name === undefined ? (nextLesson(readProgress()) ?? findLesson('1')) : findLesson(name);
  requireFiles(lesson);
  const leaveAfter = millisecondsFrom('leave', options.leave);
  const cutAfter = millisecondsFrom('cut', options.cut);
  onInterrupt(() => leaveWith(130));
  try {
    return await runBoth(lesson, lessonFolder(lesson), leaveAfter, cutAfter);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { cause, output, advice, at } = error.explanation;
    console.log(printable([cause, output, advice, at && `look in ${at}`].filter(Boolean).join('\n\n')));
    return 1;
  } finally {
    endAllPrograms();
  }
}

function millisecondsFrom(name: string, seconds: unknown): number | undefined {
  if (seconds === undefined) return undefined;
  if (/^\d{1,3}(\.\d+)?$/.test(String(seconds))) return Number(seconds) * 1000;
  throw new Refusal(`--${name} takes a number of seconds, such as 2.5, and "${seconds}" is not such a number.`);
}

/** Milliseconds for which a server is watched when its client has left. */
const afterwards = 3000;

async function runBoth(lesson: Lesson, folder: string, leaveAfter?: number, cutAfter?: number): Promise<number> {
  const folderName = `lessons/${lesson.slug}`;
  let record = transcript();
  let look = () => {};
  const common = { folder, folderName, changed: () => look(), transcript: () => record };
  // The work clock is the grader's: here a second of work takes a second.
  const env = { WORK_CLOCK: 'off' };

  const port = await freePort();
  let interrupting: NodeJS.Timeout | undefined;
  const between = await relay(
    port,
    () => record,
    () => {
      if (lesson.interruptAfter === undefined) return;
      interrupting ??= setTimeout(() => client.interrupt(), lesson.interruptAfter * 1000);
    },
    cutAfter,
  );
  // The programs of a lesson about tokens know the authorization server, and the server knows its URL.
  const tokens = lesson.needsTokens && { ISSUER: await startIssuer(common), PUBLIC_URL: between.url };
  const server = startProgram({ ...common, file: 'server.ts', env: { ...env, ...tokens, PORT: String(port) } });
  await listeningOn(server, port);

  console.log('→ sent by the client   ← received   ▸ printed by the client\n');
  // A file or another program gets each row whole, unless COLUMNS says how wide it is.
  const columns = process.stdout.columns || Number(process.env.COLUMNS) || Infinity;
  record = transcript((entry) => console.log(rowText(entry, columns)));
  const args = [`${between.url}${lesson.tryPath}`];
  const client = startProgram({ ...common, file: 'client.ts', args, env: { ...env, ...tokens } });
  const leaving = leaveAfter === undefined ? undefined : setTimeout(() => client.stop(), leaveAfter);
  await new Promise<void>((resolve) => {
    look = () => {
      if (client.end ?? server.end) resolve();
    };
    look();
  });
  clearTimeout(leaving);
  clearTimeout(interrupting);
  const hasLeft = client.end?.signal === 'SIGKILL';
  if (hasLeft) {
    console.log('\nThe client has left, and the server runs on for three seconds.');
    await sleep(afterwards);
  }
  between.close();
  said('server.ts printed', server.stdout.replace(/^listening on .*\n/, ''));
  said('server.ts printed on standard error', server.stderr);
  said('client.ts printed on standard error', client.stderr);
  if (server.end) console.log('\nserver.ts has ended.');
  if (!hasLeft) console.log(`\nclient.ts ended with exit code ${client.end?.code ?? '(none)'}.`);
  return 0;
}

/** Starts the authorization server of a lesson, and returns its URL. */
async function startIssuer(common: Omit<Start, 'file'>): Promise<string> {
  const port = await freePort();
  const env = { PORT: String(port) };
  await listeningOn(startProgram({ ...common, file: 'examples/authorization-server.ts', env }), port);
  return `http://127.0.0.1:${port}`;
}

function said(what: string, output: string): void {
  if (output.trim()) console.log(`\n${what}:\n${printable(output.trim()).replace(/^/gm, '  ')}`);
}

/** Headers that say nothing about a lesson. */
const usual = new Set(
  'accept-encoding accept-language connection content-length date etag keep-alive sec-fetch-mode transfer-encoding user-agent x-powered-by'.split(
    ' ',
  ),
);

/**
 * The others, as they are on the wire: names and values in turn.
 * @param address of the relay, which is the usual Host
 */
const headerRows = (raw: string[], address?: string): string[] =>
  raw.flatMap((name, i) =>
    i % 2 === 0 && !usual.has(name.toLowerCase()) && !['*/*', address].includes(raw[i + 1])
      ? [`${name}: ${shown(raw[i + 1]!)}`]
      : [],
  );

/** A token is cut off: nobody should be able to use it who sees the capture. */
const shown = (value: string): string => value.replace(/^(Bearer [\w-]{6})[\w.-]+$/i, '$1…');

/**
 * Stands between client and server, hands everything on as it comes, and writes it down.
 * @param onStream is called when the server begins an event stream
 * @param cutAfter milliseconds after which an event stream that answers a POST breaks off
 */
async function relay(
  port: number,
  record: () => Transcript,
  onStream: () => void,
  cutAfter?: number,
): Promise<{ url: string; close(): void }> {
  let posted = false;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    posted ||= request.method === 'POST';
    // The stream that a client of MCP opens with GET runs beside its calls, so each of its rows is marked.
    const standsAlone = request.method === 'GET' && request.headers['last-event-id'] === undefined;
    const who = posted && standsAlone ? 'GET' : undefined;
    record().add('→', `${request.method} ${request.url}`, who);
    for (const row of headerRows(request.rawHeaders, `127.0.0.1:${request.socket.localPort}`))
      record().add('→', row, who);
    const { method, url: path, headers } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      record().add('←', `${answer.statusCode} ${answer.statusMessage}`, who);
      for (const row of headerRows(answer.rawHeaders)) record().add('←', row, who);
      response.writeHead(answer.statusCode!, answer.headers);
      const streams = /^text\/event-stream\b/i.test(answer.headers['content-type'] ?? '');
      if (streams) onStream();
      if (cutAfter !== undefined && method === 'POST' && streams) {
        const cut = setTimeout(() => {
          record().add('←', '(the connection breaks off)');
          response.destroy();
        }, cutAfter);
        response.on('close', () => clearTimeout(cut));
      }
      answer.on('data', (bytes: Buffer) => {
        record().add('←', bytes, who);
        response.write(bytes);
      });
      answer.on('end', () => {
        record().add('←', '(end of the response)', who);
        response.end();
      });
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.on('data', (bytes: Buffer) => record().add('→', bytes));
    request.pipe(onward);
  });
  const own = await freePort();
  await new Promise<void>((resolve) => server.listen(own, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${own}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
