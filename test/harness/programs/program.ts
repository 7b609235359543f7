import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Explanation } from '../run/failure.ts';
import { Failure } from '../run/failure.ts';
import { unpacked } from '../fast-start/packages.js';
import { beginProgram, busyLine, endProgram, residentMemory, takeProgram } from './spawn.js';
import { printable, visible } from '../wire/printable.js';
import { type Transcript } from '../wire/transcript.ts';

/** A call of `work(label)` that waits for the grader. */
export type Held = {
  label: string;
  release(): void;
  /** Lets it go with an error that says this. */
  fail(message: string): void;
};

export type End = { code: number | null; signal: NodeJS.Signals | null };

/** A learner's program, running in a process of its own. */
export type Program = {
  /** As the learner knows it: `lessons/01-chunked-stream/server.ts`. */
  readonly name: string;
  /** Where it really is. */
  readonly folder: string;
  /** The calls of `work` that wait, oldest first. */
  readonly held: readonly Held[];
  /** What it has printed, as it came. */
  readonly stdout: string;
  readonly stderr: string;
  /** The lines that it has printed to their end. */
  readonly lines: readonly string[];
  /** The timers that it waits for, when it was asked last: by `caughtUp`. */
  readonly timers: number;
  /** Its calls of the file system that are not back yet, and its resident memory in MiB, at the same time. */
  readonly fileCalls: number;
  readonly memory: number;
  /** How many rows of lessons/support/rows.ts it has taken, told after every hundredth, and by `caughtUp`. */
  readonly rows: number;
  /** Ends the table of lessons/support/rows.ts before long. */
  finishTable(): void;
  /** From now on the disk takes nothing of the program's and gives it nothing; false where that cannot be done. */
  holdDisk(): Promise<boolean>;
  releaseDisk(): void;
  /** Set when the process has ended and its output is complete. */
  readonly end: End | undefined;
  /** Where it called process.exit, when it did: `lessons/01-chunked-stream/server.ts:14`. */
  readonly exitedAt: string | undefined;
  /** Why the grader ended it, when it did: too much output, too much memory, busy without a pause. */
  readonly verdict: Explanation | undefined;
  /** Waits until the program has handled what it was sent so far; false when its event loop does not turn for `limit` ms. */
  caughtUp(limit?: number): Promise<boolean>;
  /** Where it accepts connections, as `address:port`; undefined when its event loop does not turn. */
  listening(): Promise<string[] | undefined>;
  /** The line that keeps it busy, as `lessons/01-chunked-stream/server.ts:14`; only the file when nothing tells. */
  busyAt(): Promise<string>;
  /** Sends the signal of Ctrl-C. On Windows no process can: there, the program raises it in itself. */
  interrupt(): void;
  stop(): void;
};

export type Start = {
  /** The file's folder, and how the learner calls it. */
  folder: string;
  folderName: string;
  file: 'server.ts' | 'client.ts';
  args?: string[];
  env?: Record<string, string>;
  /** Milliseconds for which its event loop may stand still, 6000 unless told: more than five messages with a second of work each. */
  busyLimit?: number;
  /** Called after each thing that the program does. */
  changed(): void;
  transcript(): Transcript;
  /** How the transcript names it, where there are several. */
  who?: string | undefined;
};

/** What a program says over its channel. */
type Message = {
  work?: string;
  call?: number;
  givenUp?: number;
  pong?: number;
  memory?: number;
  timers?: number;
  fileCalls?: number;
  rows?: number;
  diskHeld?: number;
  listening?: string[];
  exit?: string;
};

/** Output that a program may write, in bytes, over both streams. */
const outputLimit = 1024 * 1024;
/** Resident memory that it may take, in MiB: a right program takes a tenth. */
const memoryLimit = 700;

export function startProgram({
  folder,
  folderName,
  file,
  args = [],
  env = {},
  busyLimit = 6000,
  changed,
  transcript,
  who,
}: Start): Program {
  const child = takeProgram(join(folder, file));
  const name = `${folderName}/${file}`;
  const held: (Held & { call: number | undefined })[] = [];
  const output = { stdout: '', stderr: '', bytes: 0 };
  const lines: string[] = [];
  let unfinished = '';
  let end: End | undefined;
  let verdict: Explanation | undefined;
  const waiting = new Map<number, () => void>();
  const listeners = new Set<(addresses: string[]) => void>();
  let pings = 0;

  const shorten = shortener(folder, folderName);
  let exitedAt: string | undefined;
  let debuggerUrl: string | undefined;
  let memory = 0;
  let timers = 0;
  let fileCalls = 0;
  let rows = 0;
  let heldThreads = 0;
  const diskWaits = new Set<() => void>();
  let shortened = { from: '', text: '' };

  const stopFor = (explanation: Explanation) => {
    verdict ??= explanation;
    endProgram(child);
    changed();
  };

  const releaseDisk = () => {
    (child.stdio[4] as Writable).write(Buffer.alloc(heldThreads));
    heldThreads = 0;
  };

  const read = (stream: 'stdout' | 'stderr') => {
    const decoder = new StringDecoder('utf8');
    child[stream]!.on('data', (bytes: Buffer) => {
      if (verdict) return;
      output.bytes += bytes.length;
      const text = decoder.write(bytes);
      output[stream] += text;
      if (stream === 'stderr') debuggerUrl ??= debuggerLine.exec(output.stderr)?.[1];
      if (stream === 'stdout') {
        const parts = (unfinished + text).split('\n');
        unfinished = parts.pop()!;
        for (const line of parts) {
          lines.push(line.replace(/\r$/, ''));
          if (file === 'client.ts') transcript().add('▸', visible(line), who);
        }
      }
      if (output.bytes > outputLimit) {
        stopFor({
          cause: `${file} wrote more than ${outputLimit / 1024 ** 2} MiB of output and was stopped.`,
          advice: 'A loop that prints without end, or that never waits?',
          output: `${printable(
            output[stream]
              .split('\n')
              .slice(0, 3)
              .map((line) => line.slice(0, 60))
              .join('\n'),
          )}\n…`,
          at: name,
        });
      }
      changed();
    });
  };
  read('stdout');
  read('stderr');

  child.on('message', (raw) => {
    const message = raw as Message;
    if (message.work !== undefined) {
      const { work: label, call } = message;
      transcript().add('·', `at work: ${label}`, who);
      const answer = (how: string, failure?: string) => {
        const index = held.indexOf(waitingCall);
        if (index < 0) return; // given up meanwhile
        held.splice(index, 1);
        transcript().add('·', `${how} ${label}`, who);
        if (child.connected) child.send({ release: call, failure }, () => {});
      };
      const waitingCall = {
        label,
        call,
        release: () => answer('done:   '),
        fail: (message: string) => answer('fails:  ', message),
      };
      held.push(waitingCall);
    }
    if (message.givenUp !== undefined) {
      const index = held.findIndex(({ call }) => call === message.givenUp);
      if (index >= 0) transcript().add('·', `given up: ${held.splice(index, 1)[0]!.label}`, who);
    }
    if (message.memory !== undefined) memory = message.memory / 1024 ** 2;
    if (message.timers !== undefined) timers = message.timers;
    if (message.fileCalls !== undefined) fileCalls = message.fileCalls;
    if (message.rows !== undefined) rows = message.rows;
    if (message.diskHeld !== undefined) {
      heldThreads = message.diskHeld;
      for (const resolve of diskWaits) resolve();
    }
    if (message.exit !== undefined) {
      exitedAt = placeIn(shorten(message.exit), folderName);
      releaseDisk(); // or it could not end
    }
    if (message.pong !== undefined) waiting.get(message.pong)?.();
    if (message.listening) for (const listener of listeners) listener(message.listening);
    changed();
  });

  const memoryWatch = setInterval(() => {
    const used = (child.pid === undefined ? undefined : residentMemory(child.pid)) ?? memory;
    if (used > memoryLimit) {
      stopFor({
        cause: `${file} took more than ${memoryLimit} MiB of memory and was stopped.`,
        advice: 'Something grows without end: an array or a buffer that is filled and never emptied?',
        at: name,
      });
    }
  }, 100);
  memoryWatch.unref();

  const ended = (code: number | null, signal: NodeJS.Signals | null) => {
    if (end) return;
    clearInterval(memoryWatch);
    if (unfinished !== '' && file === 'client.ts') transcript().add('▸', visible(unfinished), who);
    if (unfinished !== '') lines.push(unfinished);
    held.length = 0;
    end = { code, signal };
    for (const resolve of [...waiting.values(), ...diskWaits]) resolve();
    changed();
  };
  child.on('close', ended);
  // Something that it started may hold its output open: then its exit has to do.
  child.on('exit', (code, signal) => setTimeout(ended, 500, code, signal).unref());
  child.on('error', () => ended(null, null));

  void beginProgram(child, join(folder, file), { args, env: { WORK_CLOCK: 'grader', ...env } });

  const caughtUp = (limit = 2000) =>
    new Promise<boolean>((resolve) => {
      const ping = ++pings;
      const done = (value: boolean) => {
        clearTimeout(timer);
        waiting.delete(ping);
        resolve(value);
      };
      const timer = setTimeout(done, limit, false);
      // A turn of our own event loop: what the program sent before its answer is read by then.
      waiting.set(ping, () => setImmediate(() => setImmediate(() => done(end === undefined))));
      // Between the end of its channel and its own there is no answer but its end.
      if (end) done(false);
      else if (child.connected) child.send({ ping }, () => {});
    });

  const busyAt = async () => {
    if (debuggerUrl === undefined && !end && child.pid !== undefined) {
      try {
        (process as unknown as { _debugProcess(pid: number): void })._debugProcess(child.pid);
      } catch {
        return name; // it has ended
      }
      for (let tries = 0; debuggerUrl === undefined && tries < 50; tries++) await sleep(10);
    }
    const line = debuggerUrl && (await busyLine(debuggerUrl, folder));
    return line ? `${folderName}/${line}` : name;
  };

  const busyWatch = async () => {
    for (;;) {
      if (!(await caughtUp(busyLimit)) || end || verdict) break;
      await sleep(250, undefined, { ref: false });
    }
    if (end || verdict || !child.connected) return;
    const at = await busyAt();
    stopFor({
      ...busyWithoutPause(file),
      at,
    });
  };
  // Until it is loaded it may take as long as the machine needs.
  if (child.warm) void busyWatch();
  else child.on('message', (message) => (message as { warm?: true }).warm && void busyWatch());

  return {
    name,
    folder,
    held,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      if (shortened.from !== output.stderr) {
        const own = stripVTControlCharacters(output.stderr.replace(debuggerLines, ''));
        shortened = { from: output.stderr, text: shorten(own) };
      }
      return shortened.text;
    },
    lines,
    get timers() {
      return timers;
    },
    get fileCalls() {
      return fileCalls;
    },
    get memory() {
      return memory;
    },
    get rows() {
      return rows;
    },
    finishTable: () => {
      if (child.connected) child.send({ finishTable: true }, () => {});
    },
    holdDisk: () =>
      new Promise((resolve) => {
        diskWaits.add(() => resolve(heldThreads > 0));
        if (end || !child.connected) resolve(false);
        else child.send({ holdDisk: true }, () => {});
      }),
    releaseDisk,
    get end() {
      return end;
    },
    get exitedAt() {
      return exitedAt;
    },
    get verdict() {
      return verdict;
    },
    caughtUp,
    busyAt,
    listening: () =>
      new Promise((resolve) => {
        const done = (addresses: string[] | undefined) => {
          clearTimeout(timer);
          listeners.delete(done);
          resolve(addresses);
        };
        const timer = setTimeout(done, 1000, undefined);
        listeners.add(done);
        if (end || !child.connected) done(undefined);
        else child.send({ where: true }, () => {});
      }),
    interrupt: () => {
      transcript().add('→', '(Ctrl-C)', who);
      if (process.platform !== 'win32') child.kill('SIGINT');
      else if (child.connected) child.send({ interrupt: true }, () => {});
    },
    stop: () => {
      clearInterval(memoryWatch);
      endProgram(child);
    },
  };
}

/** Milliseconds that a server may take from its first line until it accepts connections. */
const readyLimit = 7000;

/**
 * Waits until a server accepts connections on 127.0.0.1.
 * @throws Failure with the cause, when it ends, listens elsewhere, or never listens.
 */
export async function listeningOn(program: Program, port: number): Promise<void> {
  const file = basename(program.name);
  const began = performance.now();
  for (let tries = 0; ; tries++) {
    if (program.end || program.verdict) {
      throw new Failure(explainEnd(program, `before it listened on port ${port}`));
    }
    if (await accepts(port)) {
      // What it did in the same moment, it did before.
      await program.caughtUp(500);
      if (!program.end) return;
      continue;
    }
    const elapsed = performance.now() - began;
    if (tries % 50 === 49 || elapsed > readyLimit) {
      const addresses = await program.listening();
      if (addresses && addresses.length > 0 && !(await accepts(port))) {
        throw new Failure({
          cause: `${file} listens on ${addresses.join(' and ')}; it was asked to listen on 127.0.0.1:${port}.`,
          advice: 'The port is in process.env.PORT, and the address is 127.0.0.1.',
          at: program.name,
        });
      }
      // Without an answer it is busy, or the machine is: a verdict on that comes by itself.
      if (elapsed > (addresses ? readyLimit : 4 * readyLimit)) {
        throw new Failure({
          cause: `${file} runs, but after ${readyLimit / 1000} seconds it still does not listen.`,
          advice: 'It should listen on the port in process.env.PORT, at the address 127.0.0.1.',
          ...lastOutput(program.stderr + program.stdout),
          at: program.name,
        });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether somebody listens on this port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export const busyWithoutPause = (file: string): Explanation => ({
  cause: `${file} is busy without a pause, so it can do nothing else.`,
  advice:
    'Does a loop run without end, or wait by going round? Does a call that ends in Sync take long? While one does, the event loop stands still.',
});

/** Why a program is no longer there: its own error, its own lines of the stack, and the place to open. */
export function explainEnd(program: Program, when: string): Explanation {
  if (program.verdict) return program.verdict;
  const file = basename(program.name);
  const { code, signal } = program.end ?? { code: null, signal: null };
  if (/heap out of memory/.test(program.stderr)) {
    return {
      cause: `${file} ran out of memory ${when}.`,
      advice: 'Something grows without end: an array or a string that is filled and never emptied?',
      at: program.name,
    };
  }
  const error = explainError(program, 0, when);
  if (error) return error;
  const how = signal ? `by the signal ${signal}` : `with exit code ${code}`;
  if (program.exitedAt) {
    return {
      cause: `${file} called process.exit ${when}: it ended ${how}.`,
      advice: `A ${file === 'server.ts' ? 'server runs until it is stopped' : 'client should end when its work is done'}.`,
      ...lastOutput(program.stderr + program.stdout),
      at: program.exitedAt,
    };
  }
  return {
    cause: `${file} ended ${when}, ${how} and without an error.`,
    advice:
      code === 0
        ? 'Nothing was left for it to do: does it wait for what it has begun?'
        : 'Look for what sets this exit code, or ends the process.',
    ...lastOutput(program.stderr + program.stdout),
    at: program.name,
  };
}

/** True when the program has ended and its last words are an error that nothing caught. */
export const crashed = (program: Program): boolean =>
  program.end !== undefined && uncaught(program.stderr) !== undefined;

/** The error that a program wrote on standard error, from that position on: why, in its own words, and where. */
export function explainError(program: Program, from: number, when: string): Explanation | undefined {
  const file = basename(program.name);
  const folder = dirname(program.name);
  const stderr = program.stderr.slice(from);
  const block = uncaught(stderr) ?? printed(stderr);
  if (!block) return undefined;
  const { text, head } = block;
  const message = text.slice(0, text.findIndex((line) => /^\s+at |^\s*$|^\s+[{\w[]+.*:|^\(Use /.test(line)) >>> 0);
  const frames = text.filter(
    (line) => (/^\s+at /.test(line) && placeIn(line, folder)) || /^\s+\[(cause|errors)\]:/.test(line),
  );
  const all = message.join('\n');
  const explained = {
    output: printable(
      [...message.slice(0, 6), ...frames.slice(0, 5)].map((line) => line.replace(/ \{$/, '')).join('\n'),
    ),
  };
  const at = [...frames, ...message, ...head].map((line) => placeIn(line, folder)).find(Boolean);

  const invalid = /^Error.*Transform failed/.test(all) && /:\d+:\d+: (?:ERROR|error): (.*)/.exec(all)?.[1];
  if (invalid) return { cause: `${file} is not valid TypeScript: ${invalid}.`, at: at ?? program.name };

  const [, what, name, importer] = /Cannot find (module|package) '([^']+)' imported from (\S+)/.exec(all) ?? [];
  if (what && name) {
    const inFile = importer?.startsWith(`${folder}/`) ? importer : program.name;
    return {
      cause:
        what === 'module'
          ? `${basename(inFile)} imports a file that does not exist: ${name}`
          : `${basename(inFile)} imports the package "${name}", which is not installed.`,
      advice:
        what === 'module'
          ? 'Is the name spelt as the file is, with its ending (.ts)?'
          : 'Is its name spelt right? A lesson needs only the packages that its starter imports.',
      at: importedAt(program, inFile, basename(name)) ?? inFile,
    };
  }

  const rejected = /^UnhandledPromiseRejection: .*with the reason "([^]*)"\.$/.exec(all)?.[1];
  const thrown = block.fatal && frames.length === 0 && !/^[\w.$ ]*(Error|Exception)\b/.test(all) ? all : undefined;
  if (rejected !== undefined || thrown !== undefined) {
    return {
      cause: `${file} stopped ${when}: it threw something that is not an Error, and nothing caught it.`,
      output: printable((rejected ?? thrown)!.split('\n')[0]!.slice(0, 140)),
      advice: 'Throw an Error instead: it has a stack, which tells the line.',
      at: at ?? program.name,
    };
  }
  return {
    cause: `${file} ${block.fatal ? 'stopped with' : 'threw'} an error ${when}.`,
    ...explained,
    at: at ?? program.name,
    ...(all.includes('EADDRINUSE') && {
      advice: 'The port is taken: does the program listen twice, or is it the port of another program?',
    }),
    ...(all.includes('ERR_STREAM_WRITE_AFTER_END') && {
      advice:
        'The response had ended, and something wrote on: a callback that is called late, a loop that nobody stopped.',
    }),
  };
}

/** What an error says, what stands before it (its place, the source), and whether it ended the program. */
type ErrorText = { text: string[]; head: string[]; fatal: boolean };

/** The last words of a program that an error has ended: Node prints the place, a caret, the error, and its version. */
function uncaught(stderr: string): ErrorText | undefined {
  const lines = stderr.split(/\r?\n/);
  const end = lines.findLastIndex((line) => /^Node\.js v\d/.test(line));
  if (end < 0) return undefined;
  const caret = lines.slice(0, end).findLastIndex((line) => /^\s*\^+\s*$/.test(line));
  const begin = caret < 0 ? 0 : caret + 1;
  const text = lines.slice(begin, end);
  while (text[0] === '') text.shift();
  return text.length > 0 ? { text, head: lines.slice(Math.max(0, caret - 2), begin), fatal: true } : undefined;
}

/** An error that a program, or a library for it, has printed and survived. */
function printed(stderr: string): ErrorText | undefined {
  const lines = stderr.split(/\r?\n/);
  const frame = lines.findIndex((line) => /^\s+at /.test(line));
  if (frame < 0) return undefined;
  const begin = lines.slice(0, frame).findLastIndex((line) => /^(Uncaught )?[\w.$]*(Error|Exception)\b/.test(line));
  return begin < 0 ? undefined : { text: lines.slice(begin), head: [], fatal: false };
}

/** The first place in a text that is in the learner's folder: `lessons/01-chunked-stream/server.ts:14`. */
function placeIn(text: string, folderName: string): string | undefined {
  const begin = `${folderName}/`;
  for (let i = text.indexOf(begin); i >= 0; i = text.indexOf(begin, i + 1)) {
    const place = /^[\w./-]+\.[cm]?[jt]s:\d+/.exec(text.slice(i));
    if (place) return place[0];
  }
  return undefined;
}

/** The line of an import: for a module that is not found, no stack tells it. */
function importedAt(program: Program, importer: string, name: string): string | undefined {
  try {
    const lines = readFileSync(join(program.folder, basename(importer)), 'utf8').split('\n');
    const line = lines.findIndex((each) => /\b(import|from)\b/.test(each) && each.includes(name));
    return line < 0 ? undefined : `${importer}:${line + 1}`;
  } catch {
    return undefined; // it is gone
  }
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Names files as the learner knows them, whichever folder of this machine they are in. */
function shortener(folder: string, folderName: string): (text: string) => string {
  const forms = (path: string) => [pathToFileURL(path).href, path, path.replaceAll('\\', '/')];
  const names = [
    ...forms(folder).map((form) => [form, folderName] as const),
    ...forms(join(root, '/')).map((form) => [form, ''] as const),
  ];
  return (text) =>
    unpacked(names.reduce((short, [form, name]) => short.replaceAll(form, name), text)).replaceAll(
      `${folderName}\\`,
      `${folderName}/`,
    );
}

/** The end of what a program has printed, in a few lines. */
function lastOutput(text: string): { output?: string } {
  const end = stripVTControlCharacters(text)
    .trim()
    .split('\n')
    .slice(-4)
    .map((line) => line.slice(0, 140))
    .join('\n');
  return end ? { output: printable(end) } : {};
}

/** Node says so when it opens the debugger that `busyAt` asks for. */
const debuggerLine = /^Debugger listening on (ws:\S+)\n/m;
const debuggerLines =
  /^(Debugger (listening|ending) on ws:|For help, see: https:\/\/nodejs\.org|Debugger attached|Waiting for the debugger).*\n/gm;
