import { setTimeout as sleep } from 'node:timers/promises';
import type { Lesson } from '../../lessons/catalog.ts';
import { listeningOn } from '../../test/harness/programs/listening.ts';
import { endAllPrograms } from '../../test/harness/programs/pool.js';
import { freePort } from '../../test/harness/programs/ports.ts';
import { startProgram, type Program, type Start } from '../../test/harness/programs/program.ts';
import { settingsOfShell } from '../../test/harness/programs/settings.js';
import { Failure } from '../../test/harness/run/failure.ts';
import { printable } from '../../test/harness/wire/printable.js';
import { transcript } from '../../test/harness/wire/transcript.ts';
import { rowText } from './capture-text.ts';
import { Refusal, type Arguments } from './command.ts';
import { hostOf } from './host-of-a-bridge.ts';
import { leaveWith, onInterrupt } from './interrupt.ts';
import { findLesson, lessonFolder, requireFiles } from './lessons.ts';
import { pipes } from './pipes.ts';
import { nextLesson, readProgress } from './progress.ts';
import { relay } from './relay.ts';
import { twoPeople } from './two-people.ts';

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
  const env = { ...settingsOfShell(), WORK_CLOCK: 'off' };

  let interrupting: NodeJS.Timeout | undefined;
  let posting: NodeJS.Timeout | undefined;
  const onStream = () => {
    const { interruptAfter, postAfter } = lesson;
    if (interruptAfter !== undefined) interrupting ??= setTimeout(() => client.interrupt(), interruptAfter * 1000);
    if (postAfter !== undefined) posting ??= setTimeout(() => void post(postAfter.path), postAfter.seconds * 1000);
  };
  /** Somebody else posts to the server, through the relay. */
  const post = (path: string) => fetch(new URL(path, args[0]), { method: 'POST' }).catch(() => {});

  async function overHttp() {
    const port = await freePort();
    const between = await relay(port, () => record, onStream, { cutAfter, endsSession: lesson.endsSession });
    try {
      // The programs of a lesson about tokens know the authorization server, and the server knows its URL.
      const tokens = lesson.needsTokens && { ISSUER: await startIssuer(common), PUBLIC_URL: between.url };
      const server = startProgram({ ...common, file: 'server.ts', env: { ...env, ...tokens, PORT: String(port) } });
      await listeningOn(server, port);
      return {
        server,
        tokens,
        args: [`${between.url}${lesson.tryPath}`, ...(lesson.tryArguments ?? [])],
        direct: `http://127.0.0.1:${port}${lesson.tryPath}`,
        pass() {},
        close: between.close,
      };
    } catch (error) {
      between.close();
      throw error;
    }
  }

  async function overPipes() {
    const server = startProgram({ ...common, file: 'server.ts', env, input: true, transcript: () => transcript() });
    const { command, pass, close } = await pipes(server, () => record);
    return { server, tokens: undefined, args: ['hello', ...command], direct: '', pass, close };
  }

  const onPipes = lesson.tryPath === 'stdio';
  const { server, tokens, args, direct, pass, close } = await (onPipes ? overPipes() : overHttp());
  // The relay stands before the first client only, because one wire is enough to look at.
  const startBen = () =>
    startProgram({ ...common, input: true, who: 'ben', file: 'client.ts', args: [direct, 'ben'], env });
  const typist = lesson.hasHost
    ? { who: 'host', shown: 'host: on its standard input and output', play: hostOf }
    : lesson.hasCompany
      ? {
          who: 'ann',
          shown: 'ann, ben: on the standard input and output of a client',
          play: (ann: Program) => twoPeople(ann, startBen),
        }
      : undefined;
  console.log(`→ sent by the client   ← received   ${typist?.shown ?? '▸ printed by the client'}\n`);
  // A file or another program gets each row whole, unless COLUMNS says how wide it is.
  const columns = process.stdout.columns || Number(process.env.COLUMNS) || Infinity;
  record = transcript((entry) => console.log(rowText(entry, columns)));
  const wire = typist && { input: true, who: typist.who };
  const client = startProgram({ ...common, ...wire, file: 'client.ts', args, env: { ...env, ...tokens } });
  const play = typist?.play(client) ?? (() => {});
  const leaving = leaveAfter === undefined ? undefined : setTimeout(() => client.stop(), leaveAfter);
  await new Promise<void>((resolve) => {
    look = () => {
      pass();
      play();
      if (client.end ?? (!onPipes && server.end)) resolve();
    };
    look();
  });
  clearTimeout(leaving);
  clearTimeout(interrupting);
  clearTimeout(posting);
  const hasLeft = client.end?.signal === 'SIGKILL';
  if (hasLeft) {
    console.log('\nThe client has left, and the server runs on for three seconds.');
    await sleep(afterwards);
  }
  close();
  record = transcript(); // what comes now is no longer of interest
  said('server.ts printed', onPipes ? '' : server.stdout.replace(/^listening on .*\n/, ''));
  said('server.ts printed on standard error', server.stderr);
  said('client.ts printed on standard error', client.stderr);
  if (server.end) console.log('\nserver.ts has ended.');
  if (!hasLeft) console.log(`\nclient.ts ended with exit code ${client.end?.code ?? '(none)'}.`);
  return 0;
}

/** Starts the authorization server of a lesson, and returns its URL. */
async function startIssuer(common: Omit<Start, 'file'>): Promise<string> {
  const port = await freePort();
  const env = { ...settingsOfShell(), PORT: String(port) };
  await listeningOn(startProgram({ ...common, file: 'examples/authorization-server.ts', env }), port);
  return `http://127.0.0.1:${port}`;
}

function said(what: string, output: string): void {
  if (output.trim()) console.log(`\n${what}:\n${printable(output.trim()).replace(/^/gm, '  ')}`);
}
