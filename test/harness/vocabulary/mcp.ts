// What the graders of the MCP lessons share: posting a JSON-RPC message, and judging what is answered.
import { createParser } from 'eventsource-parser';
import { Failure, expect, type Explanation } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import { visible } from '../wire/transcript.ts';
import { fromJson } from './value.ts';
import type { Ask, Exchange } from '../wire/exchange.ts';

/** A JSON-RPC message, or whatever came in the place of one. */
export type Message = Record<string, unknown>;

/** A message that was posted, and its answer as it comes in. */
export type Posted = Exchange & {
  /** As explanations call it: `The request ping with the id 7`. */
  readonly what: string;
  readonly message: unknown;
  /** The command that posts it by hand. */
  readonly see: string;
};

/** Milliseconds within which everything is answered, also by a program whose work takes seconds by other means than the work clock. */
export const workMs = 5000;

/** What a client sends with each message (MCP 2025-11-25, basic/transports, "Sending Messages to the Server"). */
const ownHeaders: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

/** Posts one JSON-RPC message, or a body that is none: a string goes out as it is. Extra headers replace our own of the same spelling. */
export function post(
  server: Server,
  message: unknown,
  { headers = {}, ifItThrows, ...ask }: Pick<Ask, 'headers' | 'who' | 'ifItThrows'> = {},
): Posted {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  const all = { ...ownHeaders, ...headers };
  const see = curl(body, all);
  const shown = Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => name in ownHeaders && value !== ownHeaders[name]),
  );
  const exchange = server.request('/mcp', {
    ...ask,
    method: 'POST',
    headers: all,
    shown,
    body,
    ...(ifItThrows && { ifItThrows: { see, ...ifItThrows } }),
  });
  return Object.assign(exchange, { what: whatIs(message), message, see });
}

/** A value of a message, as an explanation shows it. */
export const shown = (value: unknown): string => (value === undefined ? '(nothing)' : visible(JSON.stringify(value)));

/** Status and body of an answer, as an explanation shows them. */
export const received = ({ status, text }: Exchange): string =>
  `${status} ${text === '' ? '(no body)' : /^\s*</.test(text) ? '(an HTML page)' : visible(text.slice(0, 120))}`;

const isObject = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function whatIs(message: unknown): string {
  if (!isObject(message)) return `The body ${visible(JSON.stringify(message).slice(0, 40))}`;
  const { id, method } = message;
  if (method === undefined) return 'The response of the client';
  return id === undefined ? `The notification ${method}` : `The request ${method} with the id ${JSON.stringify(id)}`;
}

function curl(body: string, headers: Record<string, string>): string {
  // Without a value, curl sends a header only when it is written with a semicolon.
  const written = Object.entries(headers).map(
    ([name, value]) => `-H '${value === '' ? `${name};` : `${name}: ${value}`}' `,
  );
  const command = `curl -i http://127.0.0.1:3000/mcp ${written.join('')}`;
  if (body.length > 1000) return `head -c ${body.length} /dev/zero | ${command}--data-binary @-`;
  return `${command}-d '${body.replaceAll("'", "'\\''")}'`;
}

/** Waits for the end of the answer, and lets all held work go meanwhile. */
export async function answered({ program, run }: Server, posted: Posted): Promise<void> {
  const { what, see } = posted;
  await run.expectSoon(
    () => {
      program.held[0]?.release();
      return posted.ended || posted.broken !== undefined;
    },
    () => {
      run.missing(posted.status === undefined ? 'an answer' : 'the end of the answer');
      return {
        cause: posted.status === undefined ? `${what} has no answer.` : `The answer to ${lower(what)} does not end.`,
        advice: 'Every way through the handler has to end the response: with response.json, or with response.end.',
        see,
      };
    },
    program,
    workMs,
  );
  expect(posted.broken === undefined, { cause: `${what}: the connection broke before the answer had ended.`, see });
}

/** Posts a message, and waits for the end of its answer. */
export async function ask(server: Server, message: unknown, headers?: Record<string, string>): Promise<Posted> {
  const posted = post(server, message, { ...(headers && { headers }) });
  await answered(server, posted);
  return posted;
}

/**
 * The JSON-RPC messages of an answer so far, whether it is JSON or an event stream.
 * @throws Failure when something in it is not a JSON object.
 */
export function messagesIn(posted: Posted): Message[] {
  const type = String(posted.headers['content-type'] ?? '');
  if (/^application\/json\b/i.test(type)) return posted.ended ? [parsed(posted, posted.text)] : [];
  expect(posted.text !== '' || !posted.ended, {
    cause: `${posted.what} has an answer without a body.`,
    compare: { expected: '{"jsonrpc":"2.0", …}', received: received(posted) },
    see: posted.see,
  });
  const page = /^\s*</.test(posted.text);
  expect(/^text\/event-stream\b/i.test(type), {
    cause: page
      ? `${posted.what} was answered with an HTML page.`
      : `The answer to ${lower(posted.what)} does not say that it is JSON.`,
    compare: {
      expected: 'Content-Type: application/json',
      received: type ? `Content-Type: ${type}` : '(no Content-Type)',
    },
    advice: page
      ? 'Express answers so when nobody else does: to a method or path without a handler, and to an error without an error handler, which has four parameters.'
      : /^text\/plain\b/i.test(type)
        ? 'response.json sets the Content-Type; response.sendStatus sends the name of the status, as plain text.'
        : 'response.json sets the Content-Type; response.send takes a string for HTML.',
    see: posted.see,
  });
  const data: string[] = [];
  const parser = createParser({
    onEvent: ({ event: type = 'message', data: text }) => {
      expect(type === 'message', {
        cause: `An event has the type ${visible(type)}: clients of MCP read the events of the type message, and skip all others.`,
        compare: { expected: 'event: message (or no field event)', received: `event: ${visible(type)}` },
        advice: 'What kind of message it is, the JSON says: its method, or its result.',
        see: posted.see,
      });
      data.push(text);
    },
  });
  parser.feed(posted.text);
  // The parser waits for what follows a \r; a \n does not change what it ends.
  if (posted.text.endsWith('\r')) parser.feed('\n');
  // An event with empty data only tells the client an id to come back with.
  return data.filter((text) => text !== '').map((text) => parsed(posted, text));
}

function parsed({ what, see }: Posted, text: string): Message {
  const value = fromJson(text);
  expect(isObject(value), {
    cause: `What came in answer to ${lower(what)} is not a JSON object.`,
    compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(text.slice(0, 120)) || '(nothing)' },
    ...(text.startsWith('{') && {
      advice:
        'Only its beginning arrived? In an event each line has a data: of its own; JSON.stringify without indentation writes one line.',
    }),
    see,
  });
  return value;
}

/** The one response of an answer that has ended, in the shape of the standard and with the id of its request. */
export function responseTo(posted: Posted): Message {
  const { id } = posted.message as { id: string | number };
  const responses = messagesIn(posted).filter((message) => message.method === undefined);
  const [response] = responses;
  expect(responses.length === 1, {
    cause:
      responses.length === 0
        ? `The answer to ${lower(posted.what)} has no response in it.`
        : `The answer to ${lower(posted.what)} has more than one response in it.`,
    compare: { expected: 'one response', received: visible(posted.text.slice(0, 200)) || '(nothing)' },
    see: posted.see,
  });
  checkShape(posted, response!);
  expect(response!.id === id, { ...wrongId(response!.id, id), see: posted.see });
  return response!;
}

/** Why an id is not the one of the request. */
function wrongId(received: unknown, id: string | number): Explanation {
  const compare = {
    expected: `"id":${JSON.stringify(id)}`,
    received: received === undefined ? '(no id)' : `"id":${JSON.stringify(received)}`,
  };
  if (received === undefined || received === null) {
    return {
      cause:
        'The response does not have the id of its request, so the client cannot tell which of its requests it answers.',
      compare,
      advice: 'Result or error: the answer to a request takes its id along.',
    };
  }
  const sameText = String(received) === String(id);
  return {
    cause: sameText ? 'The id came back with another type.' : 'The response has the id of another request, or of none.',
    compare,
    advice: sameText
      ? 'A client looks its request up by the id: 7 and "7" are two ids. Send back what came, without String or Number.'
      : 'Take the id out of the message that this response answers; a variable outside of the handler belongs to all requests.',
  };
}

/** The message is a response: a version, an id, and either a result or an error (JSON-RPC 2.0, section 5). */
export function checkShape({ what, see }: Posted, message: Message): void {
  const shape = (condition: unknown, cause: string, expected: string, advice: string) =>
    expect(condition, { cause, compare: { expected, received: shown(message).slice(0, 160) }, advice, see });
  shape(
    'jsonrpc' in message || 'result' in message || 'error' in message,
    `The answer to ${lower(what)} is not a JSON-RPC message.`,
    '{"jsonrpc":"2.0","id":…,"result":…}',
    'What a request comes to stands inside of a response, beside the version and the id.',
  );
  shape(
    message.jsonrpc === '2.0',
    `The answer to ${lower(what)} does not say which version of JSON-RPC it is.`,
    '{"jsonrpc":"2.0", …}',
    'Every message begins so, responses too; the version is a string.',
  );
  shape(
    !('result' in message && 'error' in message),
    `The answer to ${lower(what)} has both a result and an error.`,
    '"result" or "error"',
    'A client looks whether there is an error: leave the property away, null is a value too.',
  );
  shape(
    'result' in message || 'error' in message,
    `The answer to ${lower(what)} has neither a result nor an error.`,
    '{"jsonrpc":"2.0","id":…,"result":…}',
    'A method returns an object with its result: `ping` returns { result: {} }. Or is there a promise that nobody awaits? Nothing of it gets into an object or into JSON, and neither does undefined.',
  );
  if (!('error' in message)) return;
  const error = message.error as Message;
  shape(
    isObject(error),
    'The error is not an object.',
    '"error":{"code":…,"message":"…"}',
    'An error has a code for programs, and a message for people.',
  );
  shape(
    Number.isInteger(error.code),
    'The code of the error is not a whole number.',
    '"code":-32…',
    'JSON-RPC has numbers for its errors, without quotes.',
  );
  shape(
    typeof error.message === 'string' && error.message !== '',
    'The error has no message.',
    '"message":"…"',
    'A sentence says what is wrong.',
  );
}

/** The result of an answer that has ended. */
export function resultOf(posted: Posted): unknown {
  const { error, result } = responseTo(posted);
  if (error) {
    throw new Failure({
      cause: `${posted.what} was answered with an error.`,
      compare: { expected: '"result":…', received: `"error":${shown(error)}` },
      see: posted.see,
    });
  }
  expect(posted.status === 200, {
    cause: `${posted.what} was answered with a result, and with status ${posted.status}.`,
    compare: { expected: '200', received: String(posted.status) },
    see: posted.see,
  });
  return result;
}

/** What the codes of JSON-RPC say (section 5.1). */
const meanings: Record<number, string> = {
  [-32700]: 'this is not JSON',
  [-32600]: 'this is not a JSON-RPC message',
  [-32601]: 'there is no such method',
  [-32602]: 'the method is there, and cannot do it with these params',
  [-32603]: 'something went wrong in the server itself',
};

/** Why an error has another code than it should. */
export function wrongCode({ what, see }: Posted, error: Message, code: number): Explanation {
  return {
    cause: `The error that answers ${lower(what)} has another code.`,
    compare: { expected: `"code":${code}`, received: shown(error) },
    advice: `The code ${code} says: ${meanings[code]}.`,
    see,
  };
}

/** The answer that has ended is an error with this code. `advice` is for an answer that is none. */
export function checkError(posted: Posted, code: number, advice: string): void {
  const refused = messagesIn(posted).some((message) => 'error' in message);
  expect(refused, {
    cause: `${posted.what} was not answered with an error.`,
    compare: { expected: `"error":{"code":${code}, …}`, received: received(posted) },
    advice,
    see: posted.see,
  });
  const error = responseTo(posted).error as Message;
  expect(error.code === code, wrongCode(posted, error, code));
  expect([200, 400, 404].includes(posted.status!), {
    cause: `The error came with the status ${posted.status}.`,
    compare: { expected: '200', received: received(posted) },
    advice: 'The message arrived and was understood: that the method went wrong is said by JSON-RPC, not by HTTP.',
    see: posted.see,
  });
}

/** As it stands inside a sentence; `GET` stays as it is. */
const lower = (what: string): string => (/^[A-Z]{2}/.test(what) ? what : what.charAt(0).toLowerCase() + what.slice(1));
