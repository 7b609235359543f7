// One run of a grader: what it is written with, and what has to be put away after it.
import { listeningOn } from '../programs/listening.ts';
import { endRun } from '../programs/pool.js';
import { freePort } from '../programs/ports.ts';
import { startProgram, type Command, type Program } from '../programs/program.ts';
import { exchange, type Ask, type Exchange } from '../wire/exchange.ts';
import { startChildServer, type ChildServer } from '../wire/child-server.ts';
import { startGraderServer, type Call, type Certificate, type GraderServer } from '../wire/grader-server.ts';
import { takeWorkSocket } from '../programs/work-socket.ts';
import { transcript as newTranscript, type Mark } from '../wire/transcript.ts';
import { Failure, type Explanation } from './failure.ts';
import type { Grader } from './grader.ts';
import { randomFrom, type Random } from './random.ts';
import { openServers } from './servers.ts';
import { temporaryFolders } from './temporary-folders.ts';
import { openWaits } from './waits.ts';

/** What a run of a grader grades. */
export type Target = {
  /** The folder with the programs, and how the learner calls it: `lessons/01-chunked-stream`. */
  folder: string;
  folderName: string;
  /** Draws the inputs. */
  seed: number;
  /** False when no program is to be started before its requirement. */
  prewarm?: boolean;
  /** Tasks 1 to this one are taken as passed, and are not run. */
  assumePassed?: number;
  /** The first requirement of all runs nevertheless: many graders start there the server that later tasks use. */
  withFirst?: boolean;
  /** As for a program. */
  busyLimit?: number;
  /** The commands that start the programs, where they are not the files of the folder. */
  commands?: Commands;
};

/** A command for the server, one for the client, or both. */
export type Commands = { server?: Command; client?: Command };

type LearnerFile = 'server.ts' | 'client.ts';

export type Task = {
  number: number;
  title: string;
  /** The file that the learner edits for it. */
  file: LearnerFile;
  /** The lesson asks for `await work(…)` here: a program that never calls it is told so, although it may pass. */
  asksForWork?: boolean;
};

/** A learner's server, listening. */
export type Server = {
  program: Program;
  url: URL;
  /** The run that started it. */
  run: Run;
  /** Sends a request on a connection of its own. */
  request(path: string, ask?: Ask): Exchange;
  /** Sends it the signal of Ctrl+C: from then on it may end. */
  interrupt(): void;
};

/** A learner's server on standard input and output. */
export type StdioServer = {
  program: Program;
  /** The run that started it. */
  run: Run;
  /** Ends its input: from then on the server may end as well. */
  endInput(): void;
};

/**
 * What a grader is written with. The run knows the programs that it has started, records the wire for the verdict, and
 * ends everything when it is over.
 */
export type Run = {
  /** Inputs for this run, drawn from the seed that a failure prints. What a task draws does not depend on other tasks. */
  random: Random;
  /** A task of the lesson; `requirements` is called immediately. */
  task(task: Task, requirements: () => void): void;
  /**
   * A sentence of the lesson's README, and its test. After one that fails, the rest wait.
   * @param about the file that it is about, where that is not its task's
   */
  requirement(sentence: string, test: () => Promise<void>, about?: LearnerFile): void;

  /**
   * Starts the learner's server on a port of its own and waits until it listens.
   * @param ca the certificate that requests trust: with one, they use TLS
   */
  startServer(env?: Record<string, string>, ca?: string): Promise<Server>;
  /** Starts the learner's server, and writes to its standard input what the grader says: see `Program.write`. */
  startStdioServer(env?: Record<string, string>): StdioServer;
  /** Starts the learner's client with these arguments. */
  startClient(...args: string[]): Program;
  /** The same, with these environment variables. */
  startClientWith(env: Record<string, string>, ...args: string[]): Program;
  /** The same, with a standard input that stays open, as that of a terminal: see `Program.write` and `Program.endInput`. */
  startTypedClient(env: Record<string, string>, ...args: string[]): Program;
  /**
   * Starts the learner's client as a bridge between this address and standard input and output, to which a host of the
   * grader's writes: see `Program.write`.
   */
  startBridge(url: string, env?: Record<string, string>): Program;
  /** A server of the grader's, for the learner's client. `answer` returns true for a request that it has answered itself. */
  startGraderServer(path: string, answer?: (call: Call) => boolean, certificate?: Certificate): Promise<GraderServer>;
  /** A server of the grader's that the learner's client starts: its `command` is for `startClientWith`. */
  startChildServer(): Promise<ChildServer>;
  /** An empty folder that goes away with this run. */
  temporaryFolder(): string;
  /** Judges all cases at the same time, and fails with the first that fails. Each case draws from a seed of its own. */
  together<Case>(cases: readonly Case[], judge: (each: Case, index: number) => Promise<void>): Promise<void>;
  /** Does this at the end of the run. */
  atEnd(stop: () => void): void;

  /**
   * Waits until `condition` holds, looking after each thing that happens.
   * @param limit milliseconds
   * @returns false when it does not hold within the limit
   * @throws Failure when a server ends meanwhile
   */
  until(condition: () => unknown, limit?: number): Promise<boolean>;
  /** Waits until `condition` holds, and fails with the explanation when it does not; a blocked event loop is said to be one. */
  expectSoon(condition: () => unknown, explain: () => Explanation, program?: Program, limit?: number): Promise<void>;
  /** Looks again at what is waited for; for what happens neither in a program nor on a connection of the run. */
  changed(): void;

  /** Continues the capture of the requirement before, for one that looks at the same exchange. */
  sameCapture(): void;
  /** Begins the capture of the requirement again, for one with several cases: the cases that are over are left out. */
  newCapture(): void;
  /** Writes into the capture what the grader does or sees besides. */
  note(mark: Mark, text: string, who?: string): void;
  /** Writes into the capture what should have been there by now. */
  missing(text: string, who?: string): void;
};

type Requirement = { sentence: string; test: () => Promise<void>; file: LearnerFile; task: number };

/** A run, as its runner sees it. */
export type OpenRun = {
  tasks: readonly (Task & { requirements: readonly Requirement[] })[];
  /** Lets a grader register its tasks. */
  register(grader: Grader): void;
  /** Says that the requirements of this task come now. */
  beginTask(number: number): void;
  /** How many times the programs have called `work` since the task began. */
  workCalls(): number;
  /** Runs one requirement's test. @throws Failure when the programs do not meet it */
  test(requirement: Requirement): Promise<void>;
  /**
   * Ends everything that the run has started.
   * @param complete whether every task has passed
   */
  close(complete: boolean): void;
};

/** The advice where the program's own words are all that is known. */
const readOutput = 'Read what the program says here, and begin at the line that is named below.';

/** @param signal stops the run: what it is testing rejects with the signal's reason */
export function openRun(target: Target, signal?: AbortSignal): OpenRun {
  const random = randomFrom(target.seed);
  const tasks: (Task & { requirements: Requirement[] })[] = [];
  const stops: (() => void)[] = [];
  const folders = temporaryFolders();
  const servers = openServers();
  const patient = () =>
    started.some(
      ({ command, workCalls, end, verdict }) =>
        command && command === target.commands?.server && workCalls === 0 && !end && !verdict,
    );
  const waits = openWaits(servers, patient);
  let record = newTranscript();
  let recordBefore = record;
  /** Runs of the client so far, and the grader's newest server: what a server hears is the run that was started last for it. */
  let runs = 0;
  let newest = { run: 0 };
  let over = false;
  const started: Program[] = [];
  let workBefore = 0;
  const workInAll = () => started.reduce((sum, { workCalls }) => sum + workCalls, 0);

  const transcript = () => record;
  const atEnd = (stop: () => void) => {
    if (over) stop();
    else stops.push(stop);
  };
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = () => reject(signal!.reason);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
  stopped.catch(() => {});

  const commandFor = (file: LearnerFile) => target.commands?.[file === 'server.ts' ? 'server' : 'client'];

  const startLearners = (
    file: LearnerFile,
    env: Record<string, string>,
    args: string[] = [],
    /** Who writes to its standard input, which is at its end otherwise; empty for a server, whose only wire this is. */
    writer?: string,
  ): Program => {
    const command = commandFor(file);
    const ofRun = file === 'client.ts' ? (newest.run = ++runs) : undefined;
    const program = startProgram({
      ...target,
      file,
      args,
      env,
      input: writer !== undefined,
      ...(command && { command, workSocket: takeWorkSocket() }),
      ...(command && env.MORE_TOOLS !== undefined && { toolSocket: takeWorkSocket() }),
      changed: waits.changed,
      // A client has two wires then: this one has a name.
      ...(writer && { who: writer }),
      transcript: ofRun === undefined ? transcript : () => record.ofRun(ofRun),
    });
    started.push(program);
    atEnd(() => program.stop());
    return program;
  };

  const run: Run = {
    random,
    task(task, requirements) {
      random.restart(target.seed + task.number);
      tasks.push({ ...task, requirements: [] });
      requirements();
    },
    requirement(sentence, test, about) {
      const task = tasks.at(-1)!;
      task.requirements.push({ sentence, test, file: about ?? task.file, task: task.number });
    },

    async startServer(env = {}, ca) {
      const port = await freePort();
      const program = startLearners('server.ts', { PORT: String(port), ...env });
      await listeningOn(program, port);
      servers.add(program);
      const url = new URL(`${ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`);
      const request: Server['request'] = (path, ask = {}) => {
        // What comes of it later belongs to the capture that has its request.
        const own = record;
        const sent = exchange(new URL(path, url), { ca, ...ask }, waits.changed, () => own);
        atEnd(() => sent.close());
        servers.addRequest(sent, program, ask);
        return sent;
      };
      const interrupt = () => {
        servers.remove(program);
        program.interrupt();
      };
      return { program, url, run, request, interrupt };
    },
    startStdioServer(env = {}) {
      const program = startLearners('server.ts', env, [], '');
      servers.add(program);
      const endInput = () => {
        servers.remove(program);
        program.endInput();
      };
      return { program, run, endInput };
    },
    startClient: (...args) => startLearners('client.ts', {}, args),
    startClientWith: (env, ...args) => startLearners('client.ts', env, args),
    startTypedClient: (env, ...args) => startLearners('client.ts', env, args, 'user'),
    startBridge: (url, env = {}) => startLearners('client.ts', env, [url], 'host'),
    startGraderServer(path, answer, certificate) {
      const own = (newest = { run: runs + 1 });
      return startGraderServer({ run, transcript: () => record.ofRun(own.run) }, path, answer, certificate);
    },
    startChildServer() {
      const own = (newest = { run: runs + 1 });
      return startChildServer({ ...run, transcript: () => record.ofRun(own.run) });
    },
    temporaryFolder() {
      const folder = folders.make();
      atEnd(() => folders.remove(folder));
      return folder;
    },
    async together(cases, judge) {
      const judged = cases.map((each, i) => random.apart(() => judge(each, i)));
      for (const outcome of await Promise.allSettled(judged)) {
        if (outcome.status === 'rejected') throw outcome.reason;
      }
    },
    atEnd,

    until: waits.until,
    expectSoon: waits.expectSoon,
    changed: waits.changed,

    sameCapture() {
      record = recordBefore;
    },
    newCapture() {
      record = newTranscript();
    },
    note: (mark, text, who) => record.add(mark, text, who),
    missing: (text, who) => record.add('✗', text, who),
  };

  return {
    tasks,
    register(grader) {
      grader(run);
      const empty = tasks.find(({ requirements }) => requirements.length === 0);
      if (tasks.length === 0 || empty)
        throw new Error(`${empty ? `Task ${empty.number}` : 'The grader'} has no requirements.`);
    },
    beginTask(number) {
      random.restart(target.seed - number);
      workBefore = workInAll();
    },
    workCalls: () => workInAll() - workBefore,
    async test(requirement) {
      const { test, file, task } = requirement;
      const isFirst = requirement === tasks[0]?.requirements[0];
      if (task <= (target.assumePassed ?? 0) && !(isFirst && target.withFirst)) return;
      recordBefore = record;
      record = newTranscript();
      servers.forgetFailed();
      try {
        await Promise.race([test(), stopped]);
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        const { explanation } = (await servers.ownCause()) ?? thrown;
        throw new Failure({
          at: commandFor(file)?.text ?? `${target.folderName}/${file}`,
          wire: record.capture(),
          ...(explanation.output !== undefined && { advice: readOutput }),
          ...folders.without(explanation),
        });
      }
    },
    close(complete) {
      over = true;
      waits.close();
      endRun({ complete });
      for (const stop of stops.splice(0).reverse()) stop();
    },
  };
}
