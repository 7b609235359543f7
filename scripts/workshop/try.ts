import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lesson } from '../../lessons/catalog.ts';
import { listeningOn } from '../../test/harness/programs/listening.ts';
import { endAllPrograms } from '../../test/harness/programs/pool.js';
import { freePort } from '../../test/harness/programs/ports.ts';
import { startProgram, type Program } from '../../test/harness/programs/program.ts';
import { Failure } from '../../test/harness/run/failure.ts';
import { startChildServer } from '../../test/harness/wire/child-server.ts';
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
  const leaveAfter = options.leave === undefined ? undefined : millisecondsFrom(String(options.leave));
  onInterrupt(() => leaveWith(130));
  try {
    return await runBoth(lesson, lessonFolder(lesson), leaveAfter);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { cause, output, advice, at } = error.explanation;
    console.log(printable([cause, output, advice, at && `look in ${at}`].filter(Boolean).join('\n\n')));
    return 1;
  } finally {
    endAllPrograms();
  }
}

function millisecondsFrom(seconds: string): number {
  if (/^\d{1,3}(\.\d+)?$/.test(seconds)) return Number(seconds) * 1000;
  throw new Refusal(`--leave takes a number of seconds, such as 2.5, and "${seconds}" is not such a number.`);
}

/** Milliseconds for which a server is watched when its client has left. */
const afterwards = 3000;

async function runBoth(lesson: Lesson, folder: string, leaveAfter: number | undefined): Promise<number> {
  const folderName = `lessons/${lesson.slug}`;
  let record = transcript();
  let look = () => {};
  const common = { folder, folderName, changed: () => look(), transcript: () => record };
  // The work clock is the grader's: here a second of work takes a second.
  const env = { WORK_CLOCK: 'off' };
  const onPipes = lesson.tryPath === 'stdio';

  const port = await freePort();
  const server = startProgram(
    onPipes
      ? { ...common, file: 'server.ts', env, input: true, transcript: () => transcript() }
      : { ...common, file: 'server.ts', env: { ...env, PORT: String(port) } },
  );
  if (!onPipes) await listeningOn(server, port);

  console.log('→ sent by the client   ← received   ▸ printed by the client\n');
  const between = onPipes ? await pipes(server, () => record) : await relay(port, () => record);
  // A file or another program gets each row whole, unless COLUMNS says how wide it is.
  const columns = process.stdout.columns || Number(process.env.COLUMNS) || Infinity;
  record = transcript((entry) => console.log(rowText(entry, columns)));
  const args = 'command' in between ? ['hello', ...between.command] : [`${between.url}${lesson.tryPath}`];
  const client = startProgram({ ...common, file: 'client.ts', args, env });
  const leaving = leaveAfter === undefined ? undefined : setTimeout(() => client.stop(), leaveAfter);
  await new Promise<void>((resolve) => {
    look = () => {
      if ('pass' in between) between.pass();
      if (client.end ?? (!onPipes && server.end)) resolve();
    };
    look();
  });
  clearTimeout(leaving);
  const hasLeft = client.end?.signal === 'SIGKILL';
  if (hasLeft) {
    console.log('\nThe client has left, and the server runs on for three seconds.');
    await sleep(afterwards);
  }
  between.close();
  record = transcript(); // what comes now is no longer of interest
  said('server.ts printed', onPipes ? '' : server.stdout.replace(/^listening on .*\n/, ''));
  said('server.ts printed on standard error', server.stderr);
  said('client.ts printed on standard error', client.stderr);
  if (server.end) console.log('\nserver.ts has ended.');
  if (!hasLeft) console.log(`\nclient.ts ended with exit code ${client.end?.code ?? '(none)'}.`);
  return 0;
}

/** Stands in for the server as the child of the client, and passes on what comes, both ways. */
async function pipes(
  server: Program,
  record: () => Transcript,
): Promise<{ command: string[]; pass(): void; close(): void }> {
  let close = () => {};
  const child = await startChildServer({
    changed: () => between.pass(),
    atEnd: (stop) => (close = stop),
    transcript: record,
  });
  let sent = 0;
  let printed = 0;
  let ended = false;
  let over = false;
  const between = {
    command: child.command,
    pass() {
      if (child.input.length > sent) server.write(child.input.subarray(sent));
      sent = child.input.length;
      if (child.args && server.stdout.length > printed) {
        void child.print(server.stdout.slice(printed));
        printed = server.stdout.length;
      }
      if (!ended && (child.inputEnded || child.over)) server.endInput();
      ended ||= child.inputEnded || child.over;
      if (child.signals.length > 0) server.stop();
      if (server.end && !over) child.exit(server.end.code ?? 1);
      over ||= server.end !== undefined;
    },
    close: () => close(),
  };
  return between;
}

function said(what: string, output: string): void {
  if (output.trim()) console.log(`\n${what}:\n${printable(output.trim()).replace(/^/gm, '  ')}`);
}

/** Headers that say nothing about a lesson. */
const usual = new Set(
  'accept-encoding accept-language connection content-length date etag host keep-alive sec-fetch-mode transfer-encoding user-agent x-powered-by'.split(
    ' ',
  ),
);

/** The others, as they are on the wire: names and values in turn. */
const headerRows = (raw: string[]): string[] =>
  raw.flatMap((name, i) =>
    i % 2 === 0 && !usual.has(name.toLowerCase()) && raw[i + 1] !== '*/*' ? [`${name}: ${raw[i + 1]}`] : [],
  );

/** Stands between client and server, hands everything on as it comes, and writes it down. */
async function relay(port: number, record: () => Transcript): Promise<{ url: string; close(): void }> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    record().add('→', `${request.method} ${request.url}`);
    for (const row of headerRows(request.rawHeaders)) record().add('→', row);
    const { method, url: path, headers } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      record().add('←', `${answer.statusCode} ${answer.statusMessage}`);
      for (const row of headerRows(answer.rawHeaders)) record().add('←', row);
      response.writeHead(answer.statusCode!, answer.headers);
      answer.on('data', (bytes: Buffer) => {
        record().add('←', bytes);
        response.write(bytes);
      });
      answer.on('end', () => {
        record().add('←', '(end of the response)');
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
