// A client of MCP that judges a learner's server on standard input and output: it writes lines, and reads lines.
import { crashed, explainEnd } from '../programs/crash-report.ts';
import { onceLoaded } from '../programs/listening.ts';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { StdioServer } from '../run/run.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';
import { visible } from '../wire/printable.js';
import { workMs } from './http.ts';
import { hello, request, type Request } from './mcp-client.ts';
import { asJson, look, type Looked } from './value.ts';

/** A line that was written, and the words that judge what comes of it. */
export type Written = {
  /** The id of the request; undefined where it is none. */
  id: unknown;
  /** As explanations call it: `The request ping with the id 7`. */
  what: string;
  /** The command that shows the same by hand. */
  see: string;
  /** The response with the id of this request, once it has come; nothing is released meanwhile. */
  response(words?: Partial<Explanation>): Promise<Message>;
  /** The response is a result. */
  result(advice?: string): Promise<Looked>;
  /** The response is an error with this code. */
  error(code: number, advice: string): Promise<void>;
  /** The line is refused by an error with this code that belongs to no request. */
  refused(code: number, advice: string): Promise<void>;
  /** Nothing is written about it. */
  ignored(cause: string, advice: string): Promise<void>;
};

export type StdioClient = {
  readonly server: StdioServer;
  /** The messages that the server has written so far. @throws Failure when a line is not a message */
  messages(): Message[];
  /** Those that are not responses. */
  notifications(): Message[];
  /** Writes a line: a message, or text as it is. `end` is its line break; `see` the command, where none shows the same. */
  write(line: unknown, options?: { end?: string; what?: string; see?: string }): Written;
  /** Writes a request with an id of its own. */
  ask(method: string, params?: unknown, options?: { see?: string }): Written;
  /** A request with an id of its own. */
  request(method: string, params?: unknown): Request;
  /** Shakes hands; returns the result of `initialize`. */
  shakeHands(revision?: string): Promise<Looked>;
};

const serverFile = 'lessons/19-standard-input-and-output/server.ts';

/** A command that writes these lines to a server. */
const seeLines = (...lines: string[]): string =>
  `printf '%s\\n' ${lines.map((line) => `'${line.replaceAll("'", "'\\''")}'`).join(' ')} | node --import tsx ${serverFile}`;

const isResponse = (message: Message): boolean => 'result' in message || 'error' in message;

/** The params of a notification that logs something. */
export const logged = (message: Message | undefined): Message =>
  message?.method === 'notifications/message' && isObject(message.params) ? message.params : {};

export function stdioClient(server: StdioServer, newId?: () => string | number): StdioClient {
  const { program } = server;
  let lastId = 0;
  const nextId = newId ?? (() => ++lastId);

  /** The lines that have been looked at, so that each is parsed only once. */
  const known: Message[] = [];
  const messages = () => {
    for (const line of program.lines.slice(known.length)) known.push(messageIn(line));
    return known;
  };

  const client: StdioClient = {
    server,
    messages,
    notifications: () => messages().filter((message) => !isResponse(message)),
    request: (method, params) => request(nextId(), method, params),
    ask: (method, params, options) => client.write(client.request(method, params), options),
    write(line, { end = '\n', what = whatIs(line), see } = {}) {
      const text = typeof line === 'string' ? line : JSON.stringify(line);
      const before = messages().length;
      program.write(text + end);
      return written(client, line, what, see ?? seeLines(text), before);
    },
    async shakeHands(revision) {
      const result = await client.ask('initialize', hello(revision)).result();
      client.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
      return result;
    },
  };

  /** @throws Failure when it is not a message */
  function messageIn(line: string): Message {
    const message = fromJson(line);
    if (isObject(message) && message.jsonrpc === '2.0') return message;
    throw new Failure({
      cause: isObject(message)
        ? 'Your server wrote a JSON object on standard output that is not a JSON-RPC message.'
        : 'Your server wrote a line on standard output that is not a JSON-RPC message.',
      compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(line.slice(0, 200)) || '(an empty line)' },
      advice: adviceOn(line, message),
    });
  }

  return client;
}

function adviceOn(line: string, message: unknown): string {
  if (isObject(message)) return 'Give every message the member jsonrpc with the string 2.0.';
  if (/\}\s*\{/.test(line)) {
    return 'Write a line break after each message. Without it, the client cannot tell where a message ends.';
  }
  if (/^(\{|\s+"|[\]}])/.test(line)) {
    return 'Write each message in one line: call JSON.stringify without an indentation, and let it escape the line breaks in strings.';
  }
  if (line === '') return 'Write one line break after each message. A second one makes an empty line.';
  if (/^data:|^Content-Length/i.test(line)) {
    return 'Write only the JSON of the message and a line break. Other transports put more around a message, but this one does not.';
  }
  return 'Write only messages to standard output. console.log writes to standard output too: print everything else with console.error, which writes to standard error.';
}

function whatIs(line: unknown): string {
  if (!isObject(line)) return `The line ${visible((typeof line === 'string' ? line : asJson(line)).slice(0, 40))}`;
  const { id, method } = line;
  if (typeof method !== 'string') return isResponse(line) ? 'The response of the client' : `The line ${asJson(line)}`;
  return id === undefined ? `The notification ${method}` : `The request ${method} with the id ${asJson(id)}`;
}

/** As it stands inside a sentence. */
const lower = (what: string): string => what.replace(/^(The|An?)\b/, (article) => article.toLowerCase());

/** @param before how many messages had come when the line was written */
function written(client: StdioClient, line: unknown, what: string, see: string, before: number): Written {
  const { program, run } = client.server;
  const id = isObject(line) ? line.id : undefined;
  const since = () => client.messages().slice(before);
  const responses = () => since().filter(isResponse);
  const own = () => since().filter((message) => message.id === id && !('method' in message));
  const unfinished = () => program.stdout.slice(program.stdout.lastIndexOf('\n') + 1);

  const late = (): Explanation => {
    run.missing(`the response to ${lower(what)}`);
    const rest = unfinished();
    const other = responses().find((message) => message.id !== id);
    if (rest !== '') {
      return {
        cause: `Your server began to answer ${lower(what)}, but did not end the line.`,
        compare: { expected: '{"jsonrpc":"2.0", …}\\n', received: visible(rest.slice(0, 200)) },
        advice: 'Write a line break after each message: the client waits for it.',
        see,
      };
    }
    if (other && String(other.id) === String(id)) {
      return {
        cause: `Your server answered ${lower(what)} with an id of the wrong type.`,
        compare: { expected: `"id":${asJson(id)}`, received: `"id":${asJson(other.id)}` },
        advice: 'Copy the id of the request into the response as it is: 7 and "7" are different ids.',
        see,
      };
    }
    if (other) {
      return {
        cause: `Your server did not answer ${lower(what)}, but wrote a response with a different id.`,
        compare: { expected: `"id":${asJson(id)}`, received: asJson(other) },
        advice:
          'error' in other
            ? 'Follow this line through your code: the error says why your server refused it, although it is one whole message.'
            : 'Copy the id of the request into the response. Take it from the message itself, and not from a variable that the next line overwrites.',
        see,
      };
    }
    return {
      cause: `Your server did not answer ${lower(what)}.`,
      advice:
        'Follow the line through your code: linesIn yields it, receive parses it, answer calls the method, and send writes the response to process.stdout.',
      see,
    };
  };

  const written: Written = {
    id,
    what,
    see,
    async response(words = {}) {
      const came = () => own().length > 0;
      await program.begun;
      await onceLoaded(program, (limit) => run.until(came, limit), workMs);
      await run.expectSoon(came, () => ({ ...late(), ...words }), program, 0);
      const [message, again] = own();
      expect(!again, {
        cause: `Your server answered ${lower(what)} twice.`,
        compare: { expected: asJson(message), received: `${asJson(message)}, ${asJson(again)}` },
        advice: 'Send one response to each request.',
        see,
      });
      expect(isResponse(message!), {
        cause: `The response to ${lower(what)} has neither a result nor an error.`,
        compare: { expected: 'a result or an error', received: asJson(message) },
        advice: 'Await answer before you copy what it returns into the response: a promise has no result to copy.',
        see,
      });
      expect('result' in message! !== 'error' in message!, {
        cause: `The response to ${lower(what)} has both a result and an error.`,
        compare: { expected: 'a result or an error', received: asJson(message) },
        advice: 'Send the result if the request has succeeded, and otherwise the error.',
        see,
      });
      return message!;
    },
    async result(advice = 'Answer this request with a result, as in lesson 10: the methods are the same.') {
      const { result, error } = await written.response();
      expect(error === undefined, {
        cause: `Your server answered ${lower(what)} with an error, but it should send a result.`,
        compare: { expected: '"result":…', received: `"error":${asJson(error)}` },
        advice,
        see,
      });
      return look(result, 'result', see);
    },
    async error(code, advice) {
      const { error } = await written.response();
      expect(isObject(error) && error.code === code, {
        cause: `Your server answered ${lower(what)} without the error ${code}.`,
        compare: { expected: `"error":{"code":${code}, …}`, received: asJson(own()[0]) },
        advice,
        see,
      });
    },
    async refused(code, advice) {
      await run.expectSoon(
        () => since().length > 0,
        () => {
          run.missing(`an error with the code ${code}`);
          return { cause: `Your server wrote nothing about ${lower(what)}.`, advice, see };
        },
        program,
        workMs,
      );
      await program.caughtUp();
      const [message, another] = since() as [Message, Message?];
      const compare = { expected: `"id":null,"error":{"code":${code}, …}`, received: since().map(asJson).join(', ') };
      expect(isObject(message.error), {
        cause: `Your server did not answer ${lower(what)} with an error.`,
        compare,
        advice,
        see,
      });
      expect(!another, {
        cause: `Your server wrote more than one message about ${lower(what)}.`,
        compare,
        advice: 'Answer the whole line with one error.',
        see,
      });
      expect(message.error.code === code, {
        cause: `Your server refused ${lower(what)} with the wrong code.`,
        compare,
        advice,
        see,
      });
      const readable = typeof id === 'string' || typeof id === 'number';
      expect(message.id === undefined || message.id === null || (readable && message.id === id), {
        cause: `The error about ${lower(what)} has an id that does not belong to a request.`,
        compare,
        advice: 'Set the id of this error to null: your server has read no request that it could belong to.',
        see,
      });
    },
    async ignored(cause, advice) {
      // When the next request is answered, the line before it has been read.
      await client.ask('ping').response({
        cause: `Your server no longer answers after ${lower(what)}.`,
        advice: 'Continue with the next line after every line, whatever it contains.',
      });
      await program.caughtUp();
      const [message] = since().filter((each) => each.id === undefined || each.id === null || each.id === id);
      expect(!message, {
        cause,
        compare: { expected: '(nothing)', received: asJson(message) },
        advice,
        see,
      });
    },
  };
  return written;
}

/** The server ends by itself, with exit code 0, after its input has ended. */
export async function expectEnd({ program, run }: StdioServer, when: string): Promise<void> {
  await run.expectSoon(
    () => program.end ?? program.verdict,
    () => ({
      cause: `The input of your server ended ${when}, but your server is still running.`,
      advice:
        'Look for what keeps the server running: a timer, a listener, or a loop without an end. When the input ends, the loop over its lines ends too.',
    }),
    program,
    workMs,
  );
  if (program.verdict || crashed(program) || program.end?.signal || program.exitedAt !== undefined) {
    if (program.end?.code !== 0) throw new Failure(explainEnd(program, `when its input had ended ${when}`));
  }
  const { code } = program.end!;
  expect(code === 0, {
    cause: `The input of your server ended ${when}, and your server ended with exit code ${code}.`,
    compare: { expected: '0', received: String(code) },
    advice: 'Set no exit code and throw no error after the loop over the lines: a server usually ends in this way.',
  });
}
