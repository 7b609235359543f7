// A host that judges a learner's bridge: it writes lines on the standard input of the bridge, and reads its lines.
import { isDeepStrictEqual } from 'node:util';
import type { Program } from '../programs/program.ts';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';
import { visible } from '../wire/printable.js';
import { howEnded, lastWords, notCutShort } from './command-line.ts';
import { firstText } from './official-client.ts';
import { asJson } from './value.ts';

export type Host = {
  readonly program: Program;
  /** Writes these messages, each in a line, in one piece. */
  write(...messages: object[]): void;
  /** The next message that the bridge writes is this one. */
  gets(expected: Message, words: Explanation): Promise<void>;
  /** The next message that the bridge writes is an error response with this id; returns what the error says. */
  getsError(id: unknown, words: Explanation): Promise<string>;
  /** The bridge writes nothing that has not been looked at. */
  getsNothing(words: Explanation): Promise<void>;
  /** The bridge has handled all that it was sent, and its requests have left it. */
  settled(): Promise<void>;
};

/** Turns of a program's event loop after which a message that is still not there does not come. */
const turns = 25;

const see = 'npm run try lesson-26';

export function hostOf(run: Run, program: Program): Host {
  let taken = 0;
  const known: Message[] = [];
  const messages = () => {
    for (const line of program.lines.slice(known.length)) known.push(messageIn(line));
    return known;
  };
  const over = () => program.end ?? program.verdict;

  async function next(shown: string, words: Explanation): Promise<Message> {
    const missing = (): Explanation => {
      run.missing(shown, 'host');
      const rest = program.stdout.slice(program.stdout.lastIndexOf('\n') + 1);
      if (rest === '') return { see, ...words };
      return {
        cause: 'Your bridge began to write a message, but did not end the line.',
        compare: { expected: '{"jsonrpc":"2.0", …}\\n', received: visible(rest.slice(0, 200)) },
        advice: 'Write a line break after each message: the host waits for it. The function send does this.',
        see,
      };
    };
    await program.begun;
    await run.expectSoon(() => messages().length > taken || over(), missing, program);
    if (messages().length === taken) {
      run.missing(shown, 'host');
      notCutShort(program, 'before it had written what the host waits for', words.advice ?? '');
      throw new Failure({
        cause: `Your bridge ended ${howEnded(program)}, but its host still waits for a message.`,
        ...lastWords(program),
        see,
        advice: words.advice ?? '',
      });
    }
    return messages()[taken++]!;
  }

  const host: Host = {
    program,
    write: (...all) => program.write(all.map((message) => `${JSON.stringify(message)}\n`).join('')),
    async gets(expected, words) {
      const message = await next(asJson(expected), words);
      expect(isDeepStrictEqual(message, expected), {
        see,
        ...words,
        cause: 'Your bridge wrote a different message for the host than the server had sent.',
        compare: { expected: asJson(expected), received: asJson(message) },
      });
    },
    async getsError(id, words) {
      const shown = `"id":${asJson(id)},"error":{"code":…,"message":"…"}`;
      const message = await next(shown, words);
      const { error } = message;
      const right = isObject(error) && Number.isInteger(error.code) && typeof error.message === 'string';
      expect(right && message.id === id && error.message !== '', {
        see,
        ...words,
        cause:
          right && message.id !== id
            ? 'Your bridge wrote an error response with the wrong id.'
            : 'Your bridge wrote something different from an error response.',
        compare: { expected: shown, received: asJson(message) },
      });
      return String(isObject(error) && error.message);
    },
    async getsNothing(words) {
      await host.settled();
      expect(messages().length === taken, {
        see,
        compare: { expected: '(nothing)', received: asJson(messages()[taken]) },
        ...words,
      });
    },
    async settled() {
      for (let turn = 0; turn < turns && !over(); turn++) await program.caughtUp();
    },
  };

  /** @throws Failure when it is not a message */
  function messageIn(line: string): Message {
    const message = fromJson(line);
    if (isObject(message) && message.jsonrpc === '2.0') return message;
    throw new Failure({
      cause: 'Your bridge wrote a line on standard output that is not a JSON-RPC message.',
      compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(line.slice(0, 200)) || '(an empty line)' },
      advice: /^(\{|[\]}])|^\s+"/.test(line)
        ? 'Write each message in one line with JSON.stringify, and nothing else: console.log writes to standard output too.'
        : 'Write only messages to standard output. Print everything else with console.error.',
      see,
    });
  }

  return host;
}

/** What the official client of a generation finds when it uses a server through a bridge. */
type Found = { tools: string[]; text: unknown; logs: readonly unknown[] };

/** What a grader does with a client of either generation. */
type SdkClient = {
  connect(transport: object): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: object): Promise<{ content?: unknown }>;
  close(): Promise<void>;
  fallbackNotificationHandler?: (notification: { params?: Message }) => Promise<void>;
};

/**
 * Has the official client of a generation list the tools of a server through the bridge, and call `process_files`.
 * @param onLog is called after each log message, with their number so far
 */
export async function officialHost(
  run: Run,
  program: Program,
  generation: 'first' | 'second',
  message: string,
  onLog: (count: number) => void,
): Promise<Found> {
  const { Client } =
    generation === 'first'
      ? await import('@modelcontextprotocol/sdk/client/index.js')
      : await import('@modelcontextprotocol/client');
  const client = new Client({ name: 'grader', version: '1.0.0' }) as unknown as SdkClient;
  const who = `The official client of the ${generation} generation`;
  const logs: unknown[] = [];
  client.fallbackNotificationHandler = async ({ params }) => {
    logs.push(params?.data);
    onLog(logs.length);
  };
  let over = false;
  run.atEnd(() => void client.close().catch(() => {}));
  const doing = (async (): Promise<Found> => {
    await client.connect(bridgeTransport(run, program));
    const tools = (await client.listTools()).tools.map(({ name }) => name);
    const text = firstText(await client.callTool({ name: 'process_files', arguments: { message } }));
    return { tools, text, logs };
  })();
  const settled = () => {
    over = true;
    run.changed();
  };
  doing.then(settled, settled);
  await program.begun;
  const waits = {
    cause: `${who} waits for a message that your bridge did not write.`,
    advice:
      'Find the last request of the host in this capture. If the server has answered this request, write the answer immediately. If your bridge has not posted this request, look for an await that never ends before it: the stand-alone stream, for example, has no end.',
    see,
  };
  await run.expectSoon(
    () => over || program.end || program.verdict,
    () => waits,
    program,
    10_000,
  );
  if (!over) {
    notCutShort(program, 'while an official client used it', waits.advice);
    throw new Failure({
      ...waits,
      cause: `Your bridge ended ${howEnded(program)} while an official client used it.`,
      ...lastWords(program),
    });
  }
  try {
    return await doing;
  } catch (error) {
    throw new Failure({
      cause: `${who} could not use an official server through your bridge.`,
      output: (error as Error).message.slice(0, 300),
      advice: 'Write each message of the server as it is: the bridge changes nothing in a message.',
      see,
    });
  }
}

/** The transport of an official client: what it sends goes to the input of the bridge, and it gets each line. */
function bridgeTransport(run: Run, program: Program): object {
  let taken = 0;
  const transport = {
    onmessage: undefined as ((message: unknown) => void) | undefined,
    onclose: undefined as (() => void) | undefined,
    async start() {
      const passOn = () => {
        for (; taken < program.lines.length; taken++) transport.onmessage?.(fromJson(program.lines[taken]!));
        return program.end;
      };
      void run.until(passOn, endless).catch(() => {});
    },
    async send(message: object) {
      program.write(`${JSON.stringify(message)}\n`);
    },
    async close() {
      transport.onclose?.();
    },
  };
  return transport;
}

/** Milliseconds that no run takes. */
const endless = 2 ** 31 - 1;
