import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import type { Explanation } from './failure.ts';
import { Failure } from './failure.ts';
import { endProgram, residentMemory, takeProgram } from './spawn.js';
import type { Transcript } from './transcript.ts';

/** A call of `work(label)` that waits for the grader. */
export type Held = { label: string; letGo(): void };

export type End = { code: number | null; signal: NodeJS.Signals | null };

/** A learner's program, running in a process of its own. */
export type Program = {
  /** As the learner knows it: `lessons/01-chunked-stream/server.ts`. */
  readonly name: string;
  /** The calls of `work` that wait, oldest first. */
  readonly held: readonly Held[];
  /** What it has printed, as it came. */
  readonly stdout: string;
  readonly stderr: string;
  /** The lines that it has printed to their end. */
  readonly lines: readonly string[];
  /** Set when the process has ended and its output is complete. */
  readonly end: End | undefined;
  /** Why the grader ended it, when it did: too much output, too much memory. */
  readonly verdict: Explanation | undefined;
  /** Waits until the program has handled what it was sent so far; false when its event loop does not turn for `limit` ms. */
  settled(limit?: number): Promise<boolean>;
  /** Where it accepts connections, as `address:port`; undefined when its event loop does not turn. */
  listening(): Promise<string[] | undefined>;
  stop(): void;
};

export type Start = {
  /** The file's folder, and how the learner calls it. */
  folder: string;
  folderName: string;
  file: 'server.ts' | 'client.ts';
  args?: string[];
  env?: Record<string, string>;
  /** Called after each thing that the program does. */
  changed(): void;
  transcript(): Transcript;
  /** How the transcript names it, where there are several. */
  who?: string | undefined;
};

/** Output that a program may write, in bytes, over both streams. */
const outputLimit = 1024 * 1024;
/** Resident memory that it may take, in MiB: well over what the heap's own limit allows. */
const memoryLimit = 700;

export function startProgram({ folder, folderName, file, args = [], env = {}, changed, transcript, who }: Start): Program {
  const child = takeProgram(join(folder, file));
  const name = `${folderName}/${file}`;
  const held: Held[] = [];
  const output = { stdout: '', stderr: '', bytes: 0 };
  const lines: string[] = [];
  let unfinished = '';
  let end: End | undefined;
  let verdict: Explanation | undefined;
  const waiting = new Map<number, () => void>();
  const listeners = new Set<(addresses: string[]) => void>();
  let pings = 0;

  const stopFor = (explanation: Explanation) => {
    verdict ??= explanation;
    endProgram(child);
    changed();
  };

  const read = (stream: 'stdout' | 'stderr') => {
    const decoder = new StringDecoder('utf8');
    child[stream]!.on('data', (bytes: Buffer) => {
      if (verdict) return;
      output.bytes += bytes.length;
      const text = decoder.write(bytes);
      output[stream] += text;
      if (stream === 'stdout') {
        const parts = (unfinished + text).split('\n');
        unfinished = parts.pop()!;
        for (const line of parts) {
          lines.push(line.replace(/\r$/, ''));
          if (file === 'client.ts') transcript().add('▸', line, who);
        }
      }
      if (output.bytes > outputLimit) {
        stopFor({
          cause: `${file} wrote more than ${outputLimit / 1024 ** 2} MiB of output and was stopped.`,
          advice: 'A loop that prints without end, or that never waits?',
          output: `${output[stream].slice(0, 300)}…`,
          at: name,
        });
      }
      changed();
    });
  };
  read('stdout');
  read('stderr');

  child.on('message', (raw) => {
    const message = raw as { work?: string; call?: number; pong?: number; listening?: string[] };
    if (message.work !== undefined) {
      const { work: label, call } = message;
      transcript().add('·', `at work: ${label}`, who);
      const call_ = {
        label,
        letGo() {
          held.splice(held.indexOf(call_), 1);
          transcript().add('·', `done:    ${label}`, who);
          if (child.connected) child.send({ letGo: call }, () => {});
        },
      };
      held.push(call_);
    }
    if (message.pong !== undefined) waiting.get(message.pong)?.();
    if (message.listening) for (const listener of listeners) listener(message.listening);
    changed();
  });

  const memory = setInterval(() => {
    const used = child.pid === undefined ? undefined : residentMemory(child.pid);
    if (used !== undefined && used > memoryLimit) {
      stopFor({
        cause: `${file} took more than ${memoryLimit} MiB of memory and was stopped.`,
        advice: 'Something grows without end: an array or a buffer that is filled and never emptied?',
        at: name,
      });
    }
  }, 100);
  memory.unref();

  const ended = (code: number | null, signal: NodeJS.Signals | null) => {
    if (end) return;
    clearInterval(memory);
    if (unfinished !== '' && file === 'client.ts') transcript().add('▸', unfinished, who);
    if (unfinished !== '') lines.push(unfinished);
    held.length = 0;
    end = { code, signal };
    for (const resolve of waiting.values()) resolve();
    changed();
  };
  child.on('close', ended);
  // Something that it started may hold its output open: then its exit has to do.
  child.on('exit', (code, signal) => setTimeout(ended, 500, code, signal).unref());
  child.on('error', () => ended(null, null));

  if (child.connected) {
    child.send({ begin: { args, env: { WORK_CLOCK: 'grader', ...env } } }, () => {});
  }

  return {
    name,
    held,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return stripVTControlCharacters(output.stderr);
    },
    lines,
    get end() {
      return end;
    },
    get verdict() {
      return verdict;
    },
    settled: (limit = 2000) =>
      new Promise((resolve) => {
        const ping = ++pings;
        const done = (value: boolean) => {
          clearTimeout(timer);
          waiting.delete(ping);
          resolve(value);
        };
        const timer = setTimeout(done, limit, false);
        // A turn of our own event loop: what the program sent before its answer is read by then.
        waiting.set(ping, () => setImmediate(() => setImmediate(() => done(end === undefined))));
        if (end || !child.connected) done(false);
        else child.send({ ping }, () => {});
      }),
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
    stop: () => {
      clearInterval(memory);
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
    if (await accepts(port)) return;
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
      if (elapsed > readyLimit) {
        throw new Failure({
          cause: addresses
            ? `${file} runs, but after ${readyLimit / 1000} seconds it listens on no port.`
            : `${file} started, and its event loop has not turned for ${readyLimit / 1000} seconds.`,
          advice: addresses
            ? `It should call app.listen with the port from process.env.PORT (${port} this time) and '127.0.0.1'.`
            : 'Something at the top of the file runs without end or blocks: a loop that waits, or a call that ends in Sync.',
          ...lastOutput(program),
          at: program.name,
        });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Why a program is no longer there: its own error, its own lines of the stack, and the place to open. */
export function explainEnd(program: Program, when: string): Explanation {
  if (program.verdict) return program.verdict;
  const file = basename(program.name);
  const { code, signal } = program.end ?? { code: null, signal: null };
  const error = ownError(program);
  if (/heap out of memory/.test(program.stderr)) {
    return {
      cause: `${file} ran out of memory ${when}.`,
      advice: 'Something grows without end: an array or a string that is filled and never emptied?',
      at: program.name,
    };
  }
  if (error) {
    return {
      cause: `${file} stopped with an error ${when}.`,
      output: error.text,
      at: error.line ? `${program.name}:${error.line}` : program.name,
      ...(error.text.includes('EADDRINUSE') && {
        advice: 'The port is taken: does the program listen twice, or is it the port of another program?',
      }),
    };
  }
  return {
    cause: `${file} ended ${when}, ${signal ? `by the signal ${signal}` : `with exit code ${code}`} and without an error.`,
    advice:
      code === 0
        ? 'Nothing was left for it to do, or process.exit was called.'
        : 'Look for a call of process.exit or process.kill.',
    ...lastOutput(program),
    at: program.name,
  };
}

function lastOutput(program: Program): { output?: string } {
  const text = (program.stderr + program.stdout).trim().split('\n').slice(-6).join('\n');
  return text ? { output: text } : {};
}

/** The error that ended a program: its message, the learner's own lines of its stack, and the first line's number. */
function ownError(program: Program): { text: string; line?: string | undefined } | undefined {
  const folder = program.name.slice(0, program.name.lastIndexOf('/'));
  const slug = basename(folder);
  const lines = program.stderr.split(/\r?\n/);
  const first = lines.findIndex((line) => /^(Uncaught )?[\w.]*(Error|Exception|Failure)\b/.test(line));
  if (first < 0) return undefined;
  const place = new RegExp(`${slug}[\\\\/](\\w[\\w.-]*\\.ts):(\\d+)`);
  const rest = lines.slice(first + 1);
  const message = [lines[first]!, ...rest.slice(0, rest.findIndex((line) => /^\s+at |^\s*$|^\s+[{\w]+:/.test(line)) >>> 0)];
  const frames = rest.filter((line) => /^\s+at /.test(line) && place.test(line)).slice(0, 4);
  const found = [...frames, ...message, ...lines.slice(0, first)].map((line) => place.exec(line)).find(Boolean);
  const shorten = (line: string) =>
    line.replace(/(file:\/\/)?[^\s()']*?([^\s()'/\\]+[\\/])([\w.-]+\.ts)/g, (all, _scheme, parent, name) =>
      parent.startsWith(slug) ? `${folder}/${name}` : all,
    );
  return {
    text: [...message.slice(0, 6), ...frames].map(shorten).join('\n'),
    line: found?.[2],
  };
}

