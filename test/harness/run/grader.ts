// What a grader is written with: tasks and requirements, the learner's programs, and a server to grade clients with.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, inject, test } from 'vitest';
import { Failure, type Explanation } from './failure.ts';
import { freePort } from '../programs/ports.ts';
import {
  busyWithoutPause,
  crashed,
  explainEnd,
  explainError,
  listeningOn,
  startProgram,
  type Program,
} from '../programs/program.ts';
import { randomFrom, type Random } from './random.ts';
import { loadNext, planPrograms, prepareNoMore, prepareRun, stopSignal } from '../programs/spawn.js';
import {
  draw,
  requestLine,
  transcript as newTranscript,
  visible,
  visibleChunk,
  type Mark,
  type Transcript,
} from '../wire/transcript.ts';
import { exchange, type Ask, type Exchange } from '../wire/exchange.ts';

export { Failure, visible };
export type { Exchange, Program, Random };

/** What a run of a grader grades. */
export type Target = {
  /** The folder with the programs, and how the learner calls it: `lessons/01-chunked-stream`. */
  folder: string;
  folderName: string;
  seed: number;
  /** False when no program is to be started before its requirement. */
  ahead?: boolean;
  /** The first tasks, as many as these, are taken as passed. */
  given?: number;
  /** As for a program. */
  busyLimit?: number;
};

declare module 'vitest' {
  interface ProvidedContext {
    target: Target;
  }
  interface TaskMeta {
    explanation?: Explanation;
  }
}

/** Milliseconds that a program has for something that it should do at once. Only a wrong answer waits this long. */
export const promptMs = 2000;

/** A learner's server, listening. */
export type Server = {
  program: Program;
  url: URL;
  request(path: string, ask?: Ask): Exchange;
};

/** A request that a learner's client has sent to the grader. */
export type Call = {
  /** When it came, on the clock of `performance.now()`. */
  at: number;
  request: IncomingMessage;
  /** The body of the request, whole. */
  body: string;
  response: ServerResponse;
  /** Writes one piece of the answer in a chunk of its own, and waits until the client has handled it. */
  send(bytes: string | Uint8Array): Promise<void>;
  end(): void;
  /** Closes the connection in the middle of the answer. */
  breakOff(): void;
};

export type GraderServer = {
  url: string;
  /** How many requests have come that `call` has not returned. */
  readonly waiting: number;
  /** The next request; fails when the client sends none. */
  call(client: Program): Promise<Call>;
};

const target = inject('target');
let failed = false;
let given = false;
let record = newTranscript();
let recordBefore = record;
let file: 'server.ts' | 'client.ts' = 'server.ts';
const watchers = new Set<() => void>();
const stops: (() => void)[] = [];
const folders: string[] = [];
let over = false;
const servers = new Set<Program>();
/** The requests that a requirement can see go wrong, each with how much its server had printed on standard error before. */
let requests: { sent: Exchange; program: Program; printed: number; ifItThrows: Partial<Explanation> }[] = [];

const wentWrong = (sent: Exchange) => sent.broken !== undefined || (sent.status ?? 0) >= 500;

/** Looks again at what is waited for; for what happens neither in a program nor on a connection of ours. */
export const changed = () => {
  for (const look of [...watchers]) look();
};
const transcript = (): Transcript => record;

beforeEach(() => {
  recordBefore = record;
  record = newTranscript();
  // One that goes on may still break; one that has broken says nothing of this requirement.
  requests = requests.filter(({ sent }) => !wentWrong(sent));
});
afterAll(() => {
  over = true;
  prepareNoMore();
  for (const stop of stops.splice(0).reverse()) stop();
});

/** Does this at the end of the run; at once, for a requirement that goes on after a run was stopped. */
const atEnd = (stop: () => void): void => {
  if (over) stop();
  else stops.push(stop);
};

/** Rejects when nobody waits for the verdict of this run any more. */
const stopped = new Promise<never>((_resolve, reject) => {
  const signal = stopSignal();
  const stop = () => reject(signal!.reason);
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
});
stopped.catch(() => {});

/** Inputs for this run, drawn from the seed that a failure prints. */
export const random: Random = randomFrom(target.seed);

export type Task = {
  number: number;
  title: string;
  /** The file that the learner edits for it. */
  file: 'server.ts' | 'client.ts';
  /** How many programs its requirements start: they are made ready before. */
  programs: number;
  /** And how many of the other file, where a requirement is about that one. */
  others?: number;
};

/** A task of the lesson, and its requirements. */
export function task({ number, title, file: graded, programs, others = 0 }: Task, requirements: () => void): void {
  const own = join(target.folder, graded);
  const other = join(target.folder, graded === 'server.ts' ? 'client.ts' : 'server.ts');
  planPrograms(own, programs);
  planPrograms(other, others);
  // What a task draws, here and while it runs, does not depend on the tasks before it.
  random.restart(target.seed + number);
  describe(`task ${number} · ${title}`, () => {
    beforeAll(() => {
      random.restart(target.seed - number);
      if (failed || target.ahead === false) return;
      if (number === 1) prepareRun();
      loadNext(own);
    });
    beforeEach(() => {
      file = graded;
      given = number <= (target.given ?? 0);
    });
    requirements();
  });
}

/** A sentence of the lesson's README, and its test; `about` is its file, when that is not its task's. After one that fails, the rest wait. */
export function requirement(sentence: string, check: () => Promise<void>, about?: Task['file']): void {
  test(sentence, { timeout: 60_000 }, async (context) => {
    if (failed) context.skip();
    if (given) return;
    if (about) file = about;
    try {
      await Promise.race([check(), stopped]);
    } catch (thrown) {
      failed = true;
      prepareNoMore();
      if (!(thrown instanceof Failure)) throw thrown;
      const error = (await ownCause()) ?? thrown;
      context.task.meta.explanation = {
        at: `${target.folderName}/${file}`,
        ...(record.entries.length > 0 && { wire: draw(record.entries) }),
        ...tidied(error.explanation),
      };
      throw error;
    }
  });
}

/** Without the names of our temporary folders, which are others each time. */
function tidied(explanation: Explanation): Explanation {
  let text = JSON.stringify(explanation);
  for (const folder of folders) {
    text = text
      .replaceAll(JSON.stringify(join(folder, '/')).slice(1, -1), '')
      .replaceAll(encodeURIComponent(folder), '%2F…');
  }
  return JSON.parse(text);
}

/** A server that ended or threw explains more than what its client saw of it: a connection that broke, a status 500. */
async function ownCause(): Promise<Failure | undefined> {
  for (const program of servers) {
    if (!program.end && !program.verdict && (await program.caughtUp(1000))) continue;
    if (!(program.end ?? program.verdict)) continue;
    const over = requests.find(({ sent, program: asked }) => asked === program && wentWrong(sent));
    return new Failure({ ...explainEnd(program, 'while it was answering'), ...(crashed(program) && over?.ifItThrows) });
  }
  for (const { sent, program, printed, ifItThrows } of requests) {
    if (!wentWrong(sent)) continue;
    const explanation = explainError(program, printed, `while it was answering ${sent.name}`);
    if (explanation) return new Failure({ ...explanation, ...ifItThrows });
  }
  return undefined;
}

/** Ends the requirement with its explanation unless `condition` holds. */
export function check(condition: unknown, explanation: Explanation): asserts condition {
  if (!condition) throw new Failure(explanation);
}

/**
 * Waits until `condition` holds, looking after each thing that happens.
 * @returns false when it does not hold within `limit` milliseconds.
 * @throws Failure when a server ends meanwhile.
 */
export function until(condition: () => unknown, limit = promptMs): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      watchers.delete(look);
      act();
    };
    const look = () => {
      try {
        if (condition()) return settle(() => resolve(true));
        const gone = [...servers].find((program) => program.end ?? program.verdict);
        if (gone) settle(() => reject(new Failure(explainEnd(gone, 'while it was answering'))));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const timer = setTimeout(() => settle(() => resolve(false)), limit);
    watchers.add(look);
    look();
  });
}

/** Waits until `condition` holds, and fails with the explanation when it does not; a blocked event loop is said to be one. */
export async function expectSoon(
  condition: () => unknown,
  explain: () => Explanation,
  program?: Program,
  limit = promptMs,
): Promise<void> {
  if (await until(condition, limit)) return;
  const explanation = explain();
  if (program && !program.end && !(await program.caughtUp(1500)) && !program.end) {
    const name = program.name.slice(program.name.lastIndexOf('/') + 1);
    throw new Failure({ ...explanation, ...busyWithoutPause(name), at: await program.busyAt() });
  }
  // The last look is here: what came while the program was asked counts.
  if (!condition()) throw new Failure(explanation);
}

/** The longest time in milliseconds for which the program's event loop did not turn, until `over` says that it is over. */
export async function longestPause(program: Program, over: () => boolean): Promise<number> {
  let longest = 0;
  while (!over() && !program.end) {
    const asked = performance.now();
    const alive = await program.caughtUp(60_000);
    longest = Math.max(longest, performance.now() - asked);
    if (!alive) break;
  }
  return longest;
}

/** Goes on with the capture of the requirement before, for one that looks at the same exchange. */
export function sameCapture(): void {
  record = recordBefore;
}

/** Writes into the capture what the grader does or sees besides. */
export function note(mark: Mark, text: string, who?: string): void {
  record.add(mark, text, who);
}

/** Writes into the capture what should have been there by now. */
export function missing(text: string, who?: string): void {
  record.add('✗', text, who);
}

/** An empty folder that goes away with this run. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'chunk-by-chunk-')));
  folders.push(folder);
  atEnd(() => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // a program still has a file of it open: the system clears its temporary folder
    }
  });
  return folder;
}

/** Starts the learner's server on a port of its own and waits until it listens. */
export async function startServer(env: Record<string, string> = {}): Promise<Server> {
  const port = await freePort();
  const program = startProgram({
    ...target,
    file: 'server.ts',
    env: { PORT: String(port), ...env },
    changed,
    transcript,
  });
  atEnd(() => program.stop());
  await listeningOn(program, port);
  servers.add(program);
  const url = new URL(`http://127.0.0.1:${port}`);
  return {
    program,
    url,
    request: (path, ask = {}) => {
      const sent = exchange(new URL(path, url), ask, changed, transcript);
      atEnd(() => sent.close());
      if (!ask.failsOnPurpose)
        requests.push({ sent, program, printed: program.stderr.length, ifItThrows: ask.ifItThrows ?? {} });
      return sent;
    },
  };
}

/** Starts the learner's client with these arguments. */
export const startClient = (...args: string[]): Program => startClientWith({}, ...args);

/** The same, with these environment variables. */
export function startClientWith(env: Record<string, string>, ...args: string[]): Program {
  const program = startProgram({ ...target, file: 'client.ts', args, env, changed, transcript });
  atEnd(() => program.stop());
  return program;
}

/** A server of the grader's, for the learner's client; it answers nothing by itself, but what `answer` does, which then returns true. */
export async function startGraderServer(
  path: string,
  answer: (call: Call) => boolean = () => false,
): Promise<GraderServer> {
  const calls: Call[] = [];
  let client: Program | undefined;
  const server = createServer(async (request, response) => {
    record.add(
      '→',
      requestLine(`${request.method} ${request.url}`, { 'Last-Event-ID': request.headers['last-event-id'] }),
    );
    const bytes = await buffer(request).catch(() => undefined);
    if (!bytes) return;
    if (bytes.length > 0) record.add('→', visibleChunk(bytes));
    const call: Call = {
      at: performance.now(),
      request,
      body: bytes.toString(),
      response,
      async send(bytes) {
        const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
        record.add('←', visible(text));
        if (!response.destroyed) await new Promise<void>((resolve) => response.write(bytes, () => resolve()));
        await client?.caughtUp();
      },
      end() {
        record.add('←', '(end of the response)');
        response.end();
      },
      breakOff() {
        record.add('←', '(the connection breaks off)');
        response.destroy();
      },
    };
    if (!answer(call)) calls.push(call);
    changed();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${port}${path}`;
  return {
    url,
    get waiting() {
      return calls.length;
    },
    async call(program) {
      client = program;
      const begun = () => calls.length > 0 || program.end || program.verdict;
      // One that is busy for so long gets a verdict for that.
      if (!(await until(begun, startLimit))) await program.caughtUp(startLimit);
      await expectSoon(
        begun,
        () => ({
          cause: `client.ts started, and sent no request to ${url} within ${startLimit / 1000} seconds.`,
          advice: 'The address to ask is its first argument: process.argv[2].',
        }),
        program,
        0,
      );
      const call = calls.shift();
      if (call) return call;
      throw new Failure(explainEnd(program, `before it sent a request to ${url}`));
    },
  };
}

/** Milliseconds that a client may take from its first line to its first request. */
const startLimit = 7000;

/** Waits until the client has ended. */
export async function ended(client: Program, cause: string): Promise<void> {
  await expectSoon(
    () => client.end ?? client.verdict,
    () => ({
      cause,
      advice: 'Something keeps it alive: a timer, a reader that is never closed, a loop that never ends?',
    }),
    client,
    2 * promptMs,
  );
  if (client.verdict) throw new Failure(client.verdict);
}

/** Fails with the client's own error when it has crashed instead of handling what came. */
export function notCrashed(client: Program, when: string): void {
  if (client.verdict || crashed(client)) {
    throw new Failure(explainEnd(client, when));
  }
}

/** One line on standard error, and this exit code. `silent` is the advice when there is no line, `advice` when the code is another. */
export function checkComplaint(
  client: Program,
  what: string,
  { silent = 'console.error writes there.', code = 1, advice = '' } = {},
): void {
  // Node's own warnings are not the client's.
  const received = client.stderr.replace(/^\(node:\d+\) .*\n|^\(Use `node --trace-.*\n/gm, '').trim();
  check(received !== '', {
    cause: `The client says nothing on standard error about ${what}.`,
    advice: /error|fail|refused|abort|premature|terminated|\b[45]\d\d\b/i.test(client.stdout)
      ? 'It says something on standard output: console.error writes to standard error.'
      : silent,
  });
  if (crashed(client)) {
    throw new Failure({
      ...explainEnd(client, `on ${what}`),
      advice: 'Catch the error, and say what happened in a sentence.',
    });
  }
  check(!/^\s+at /m.test(received), {
    cause: `The client printed the stack of an error about ${what}.`,
    advice: 'One line says what happened: error.message, not the whole error.',
    output: received.slice(0, received.search(/^\s+at /m)).trimEnd(),
  });
  check(!received.includes('\n'), {
    cause: `The client says more than one line on standard error about ${what}.`,
    compare: { expected: 'one line', received: visible(received) },
  });
  check(client.end?.code === code, {
    cause: `The client did not exit with code ${code} after ${what}.`,
    compare: { expected: String(code), received: String(client.end?.code ?? client.end?.signal) },
    advice: advice || `Set process.exitCode = ${code} where you handle the error.`,
  });
}
