// A server of MCP that judges a learner's client: the client starts it as its child, and its script says what it prints.
import { onceLoaded } from '../programs/listening.ts';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import type { ChildServer } from '../wire/child-server.ts';
import { startLimit } from '../wire/grader-server.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';
import { visible } from '../wire/printable.js';
import { howEnded, judgedClient, lastWords, notCutShort, type Client } from './command-line.ts';
import { workMs } from './http.ts';
import { newestRevision } from './mcp-client.ts';
import { asJson } from './value.ts';

export type StdioScript = {
  client: Client;
  child: ChildServer;
  /** The next line that the client writes is a request or a notification with this method. */
  next(method: string, words?: Partial<Explanation>): Promise<Message>;
  /** The next line that the client writes is the response with this id. */
  nextResponse(method: string, id: unknown): Promise<Message>;
  /** Nothing more has been written. */
  nothingWritten(explanation: Explanation): Promise<void>;
  /** Prints lines: a message, or text and bytes as they are, each in a piece of its own. */
  print(...pieces: (Message | string | Uint8Array)[]): Promise<void>;
  /** The result of `initialize`. */
  initializeResult(): object;
  /** Shakes hands. */
  handshake(): Promise<void>;
  /** The client ends the input, and the server ends: the end of every call that goes well. */
  farewell(words?: Partial<Explanation>): Promise<void>;
  /** Waits until the client has ended the input of the server. */
  untilInputEnds(words?: Partial<Explanation>): Promise<void>;
};

type Terms = {
  /** What the client should call the tool with. */
  message?: string;
  /** Words that the command of the server has behind its own. */
  words?: string[];
  env?: Record<string, string>;
  /** The revision that the server answers. */
  revision?: string;
  see: string;
};

/** A response with this result. */
export const resultFor = ({ id }: Message, result: unknown): Message => ({ jsonrpc: '2.0', id, result });

/** A line: a message and its line break. */
export const lineOf = (message: Message, end = '\n'): string => JSON.stringify(message) + end;

/** Starts a client, which starts the server. */
export async function startScript(run: Run, terms: Terms): Promise<StdioScript> {
  const { message = 'hello', words = [], env = {}, revision = newestRevision, see } = terms;
  const child = await run.startChildServer();
  const program = run.startClientWith(env, message, ...child.command, ...words);
  child.client = program;
  const client = judgedClient(run, program);
  let taken = 0;
  const lines = () => child.input.toString().split('\n').slice(0, -1);
  const over = () => program.end ?? program.verdict;

  async function started(): Promise<void> {
    await program.begun;
    await onceLoaded(program, (limit) => run.until(() => child.starts > 0 || over(), limit), startLimit);
    await run.expectSoon(
      () => child.args ?? over(),
      () => ({
        cause: `Your client did not start the server within ${startLimit / 1000} seconds.`,
        ...lastWords(program),
        advice: 'Call spawn with the command and its arguments: the first argument of your client is the message.',
        see,
      }),
      program,
      startLimit,
    );
    if (child.args) return;
    notCutShort(program, 'before the server was running', 'Start the server with spawn(command, args).');
    throw new Failure({
      cause: `Your client ended ${howEnded(program)} before the server was running.`,
      ...lastWords(program),
      advice:
        'Start the server with spawn(command, args), without the option shell. Then read its output until the response has arrived: see receiveAll.',
      see,
    });
  }

  async function nextMessage(awaited: string, words: Partial<Explanation>): Promise<Message> {
    if (taken === 0) await started();
    const missing = (): Explanation => {
      run.missing(awaited);
      const rest = child.input.toString().split('\n').at(-1)!;
      if (rest !== '') {
        return {
          cause: `Your client began to write ${awaited}, but did not end the line.`,
          compare: { expected: '{"jsonrpc":"2.0", …}\\n', received: visible(rest.slice(0, 200)) },
          advice: 'Write a line break after each message: the server waits for it.',
          see,
        };
      }
      if (child.inputEnded || child.over) {
        return {
          cause: `Your client ended the ${child.inputEnded ? 'input of the server' : 'server'} before it wrote ${awaited}.`,
          ...lastWords(program),
          advice: 'Keep the server running until the call is answered.',
          see,
          ...words,
        };
      }
      return {
        cause: `Your client did not write ${awaited}.`,
        advice:
          'Read the output of the server while the server runs: receive gets each line as soon as it has arrived, and gives a response to the request that waits for it.',
        see,
        ...words,
      };
    };
    await run.expectSoon(() => lines().length > taken || over() || child.over, missing, program);
    if (lines().length === taken) {
      await run.until(over);
      if (!over()) throw new Failure(missing());
      notCutShort(
        program,
        `before it wrote ${awaited}`,
        words.advice ?? 'Keep the client running until its call is answered.',
      );
      throw new Failure({
        cause: `Your client ended ${howEnded(program)} before it wrote ${awaited}.`,
        ...lastWords(program),
        advice: 'Continue after this message: look for a line that throws an error, or that ends the client too early.',
        see,
        ...words,
      });
    }
    const line = lines()[taken++]!;
    const message = fromJson(line);
    expect(isObject(message) && message.jsonrpc === '2.0', {
      cause: 'Your client wrote a line that is not a JSON-RPC message.',
      compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(line.slice(0, 200)) || '(an empty line)' },
      advice: 'Write each message with JSON.stringify in one line, and one line break after it.',
      see,
    });
    return message;
  }

  const script: StdioScript = {
    client,
    child,
    async next(method, words = {}) {
      const awaited = method.startsWith('notifications/') ? `the notification ${method}` : `the request ${method}`;
      const message = await nextMessage(awaited, words);
      expect(message.method === method, {
        cause: `Your client wrote ${message.method === undefined ? 'a response' : message.method} where it should have written ${method}.`,
        compare: { expected: `"method":"${method}"`, received: asJson(message) },
        advice: 'Write the messages of the handshake in their order, and then the call.',
        see,
        ...words,
      });
      return message;
    },
    async nextResponse(method, id) {
      const awaited = `the response to the server's request ${method} with the id ${asJson(id)}`;
      const message = await nextMessage(awaited, {
        advice: 'Send a response to each request of the server, and copy its id: 0 and "" are ids too.',
      });
      expect(message.id === id && !('method' in message), {
        cause: `Your client wrote a different message instead of ${awaited}.`,
        compare: { expected: `"id":${asJson(id)}`, received: asJson(message) },
        advice: 'Copy the id of the request into the response, with its type: 7 and "7" are different ids.',
        see,
      });
      return message;
    },
    async nothingWritten(explanation) {
      await program.caughtUp();
      expect(lines().length === taken, {
        compare: { expected: '(nothing)', received: visible(lines()[taken] ?? '') },
        see,
        ...explanation,
      });
    },
    async print(...pieces) {
      for (const piece of pieces) {
        await child.print(typeof piece === 'string' || piece instanceof Uint8Array ? piece : lineOf(piece));
      }
    },
    initializeResult: () => ({
      protocolVersion: revision,
      capabilities: { tools: {}, logging: {} },
      serverInfo: { name: 'grader', version: '1.0.0' },
    }),
    async handshake() {
      const initialize = await script.next('initialize');
      await script.print(resultFor(initialize, script.initializeResult()));
      await script.next('notifications/initialized');
    },
    async untilInputEnds(words = {}) {
      const advice = 'Call server.stdin.end() in endServer, and call endServer on every way to the end of your client.';
      await run.expectSoon(
        () => child.inputEnded || child.over || over(),
        () => {
          run.missing('(end of the input)');
          return { cause: 'Your client did not end the input of the server.', advice, see, ...words };
        },
        program,
      );
      // The socket of the child may be slower than the news of its end.
      await run.until(() => child.inputEnded || child.over, 10 * workMs);
      expect(child.inputEnded, {
        cause: 'The server was killed before it had seen the end of its input.',
        advice:
          'End the input with server.stdin.end(), and await the end of the server before your client ends. Send a signal only if the server does not end in time.',
        see,
      });
    },
    async farewell(words) {
      await script.untilInputEnds(words);
      child.exit(0);
      await run.until(() => child.over);
    },
  };
  return script;
}
