// A server of the grader's that the learner's client starts as its child: what goes over its pipes, and how it ends.
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../folders.js';
import { freePort } from '../programs/ports.ts';
import type { Program } from '../programs/program.ts';
import type { Run } from '../run/run.ts';
import type { Transcript } from './transcript.ts';

/** What the child says over its socket: see test/harness/programs/child-server.js. */
type Said = {
  args?: string[];
  input?: string;
  inputEnded?: true;
  signal?: string;
  /** The number of an order that it has carried out. */
  done?: number;
};

export type ChildServer = {
  /** The client that starts it, once it is there. */
  client?: Program;
  /** The command that starts it, word by word. */
  command: string[];
  /** The words that the client has added to the command; undefined until it has started the server. */
  readonly args: readonly string[] | undefined;
  /** How many the client has started. */
  readonly starts: number;
  /** What has come on its standard input. */
  readonly input: Buffer;
  readonly inputEnded: boolean;
  /** The signals that it has got, in their order: SIGKILL is the last, if it has ended although nobody told it to. */
  readonly signals: readonly string[];
  /** Its process has ended. */
  readonly over: boolean;
  /** When its input ended, each signal came, and it ended, on the clock of `performance.now()`. */
  readonly times: readonly number[];
  /** Writes to its standard output, in one piece, and waits until the client has handled it. */
  print(bytes: string | Uint8Array): Promise<void>;
  /** Writes to its standard error. */
  printError(text: string): Promise<void>;
  /** Stops reading: a write of the client then fails. */
  closeInput(): Promise<void>;
  closeOutput(): Promise<void>;
  exit(code: number): void;
};

/** @param changed called after each thing that happens */
export async function startChildServer({
  changed,
  atEnd,
  transcript,
}: Pick<Run, 'changed' | 'atEnd'> & { transcript(): Transcript }): Promise<ChildServer> {
  let socket: Socket | undefined;
  let args: string[] | undefined;
  let starts = 0;
  let input = Buffer.alloc(0);
  let inputEnded = false;
  let over = false;
  let told = false;
  let orders = 0;
  const waiting = new Map<number, () => void>();
  const signals: string[] = [];
  const times: number[] = [];

  const take = ({ args: words, input: bytes, inputEnded: end, signal, done }: Said) => {
    if (words) args = words;
    if (bytes !== undefined) {
      const piece = Buffer.from(bytes, 'base64');
      for (const line of linesOf(piece)) transcript().add('→', line);
      input = Buffer.concat([input, piece]);
    }
    if (end) {
      transcript().add('→', '(end of the input)');
      inputEnded = true;
    }
    if (signal !== undefined) {
      transcript().add('→', `(${signal})`);
      signals.push(signal);
    }
    if (done !== undefined) waiting.get(done)?.();
    if (end || signal !== undefined) times.push(performance.now());
    changed();
  };

  const server = createServer((connection) => {
    starts++;
    socket = connection;
    connection.on('error', () => {});
    createInterface({ input: connection })
      .on('error', () => {})
      .on('line', (line) => take(JSON.parse(line) as Said));
    connection.on('close', () => {
      over = true;
      for (const resolve of waiting.values()) resolve();
      if (!told) {
        transcript().add('→', '(SIGKILL)');
        signals.push('SIGKILL');
      }
      times.push(performance.now());
      changed();
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  atEnd(() => {
    server.close();
    socket?.destroy();
  });

  const say = (what: object) => socket?.write(`${JSON.stringify(what)}\n`);
  /** Gives an order, and waits until the child has carried it out and the client has handled what came of it. */
  const order = async (what: object) => {
    const number = ++orders;
    if (!over) {
      await new Promise<void>((resolve) => {
        waiting.set(number, resolve);
        say({ order: number, ...what });
      });
    }
    await child.client?.caughtUp();
  };
  const child: ChildServer = {
    command: ['node', join(root, 'test/harness/programs/child-server.js'), String(port)],
    get args() {
      return args;
    },
    get starts() {
      return starts;
    },
    get input() {
      return input;
    },
    get inputEnded() {
      return inputEnded;
    },
    get signals() {
      return signals;
    },
    get over() {
      return over;
    },
    times,
    async print(bytes) {
      transcript().add('←', Buffer.from(bytes));
      await order({ print: Buffer.from(bytes).toString('base64') });
    },
    printError: (text) => order({ printError: text }),
    closeInput: () => order({ closeInput: true }),
    closeOutput() {
      transcript().add('←', '(end of the output)');
      return order({ closeOutput: true });
    },
    exit(code) {
      told = true;
      transcript().add('←', `(the server ends with exit code ${code})`);
      say({ exit: code });
    },
  };
  return child;
}

/** The lines of a piece, each with its line break: a client may write several messages before the system passes them on. */
function* linesOf(piece: Buffer): Generator<Buffer> {
  for (let start = 0; start < piece.length;) {
    const end = piece.indexOf('\n', start) + 1 || piece.length;
    yield piece.subarray(start, end);
    start = end;
  }
}
