// A client of MCP that judges a learner's server: it posts messages, and each answer knows the words that judge it.
import { createParser } from 'eventsource-parser';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import type { Ask, Exchange } from '../wire/exchange.ts';
import { visible } from '../wire/printable.js';
import { finished, received, untilEnd, workMs } from './http.ts';
import { asJson, look, type Looked } from './value.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';

/** What a verdict says of an answer that should have been a result: for any, or for one with this status or error code. */
export type Why = Partial<Explanation> & {
  when?: Record<number, string>;
  /** The result, where the verdict can show it. */
  like?: unknown;
};

/** A message that was posted, and its answer as it comes in. The words below wait for nothing: see `done`. */
export type Posted = Exchange & {
  /** As explanations call it: `The request ping with the id 7`. */
  what: string;
  readonly message: unknown;
  /** The command that posts it by hand; empty where no command shows the same. */
  see: string;
  /** Waits for the end of the answer, and releases all held work meanwhile. */
  done(): Promise<Posted>;
  /** The same without releasing any work: the answer is due while others are at work. */
  doneMeanwhile(late: Explanation): Promise<Posted>;
  /** Waits until the server is at work, on this many pieces, or the answer has ended; false when it is not at work. */
  atWork(pieces?: number, late?: Explanation): Promise<boolean>;
  /** The JSON-RPC messages so far, whether the answer is JSON or an event stream. */
  messages(): Message[];
  /** The one response, in the shape of the standard and with the id of its request. */
  response(): Message;
  /** The answer is a result, with status 200. */
  result(why?: Why): Looked;
  /** The answer is an error with this code; `advice` is for an answer that is not an error. */
  error(code: number, advice: string): void;
  /** The message was taken, and nothing is said about it: status 202 and no body. */
  accepted(advice?: string): void;
  /** HTTP refuses the message: this status, and a JSON-RPC error as the body, with this code when there is one. */
  refused(status: number, code: number | undefined, advice: string): void;
};

export type PostOptions = Pick<Ask, 'headers' | 'who' | 'ifItThrows' | 'agent'> & {
  /** As explanations call the message, instead of what it is. */
  what?: string;
  /** The command that shows the same, instead of the one that posts it; empty where none does, as for a grader's tool. */
  see?: string;
  /** What to do when the message is not answered, where the grader knows better. */
  unanswered?: string;
  /** How the body goes out, where it is not in one piece: in chunks, without a Content-Length, or cut at this byte into two packets. */
  body?: 'chunked' | { cutAt: number };
};

/** A client, and what it sends along with each message. */
export type McpClient = {
  readonly server: Server;
  /** How the transcript names it, where there are several. */
  readonly who: string | undefined;
  /** The headers of its session: empty until it has shaken hands. */
  headers: Record<string, string>;
  /** Posts a message, or a body that is none: a string goes out as it is. Waits for nothing. */
  post(message: unknown, options?: PostOptions): Posted;
  /** Posts a message, and waits for the end of its answer. */
  send(message: unknown, options?: PostOptions): Promise<Posted>;
  /** Sends a request with an id of its own, and waits for the end of its answer. */
  ask(method: string, params?: unknown, options?: PostOptions): Promise<Posted>;
  /** Sends a notification, and waits for the end of its answer. */
  notify(method: string, options?: PostOptions): Promise<Posted>;
  /** A request with an id of its own. */
  request(method: string, params?: unknown): Request;
};

export type Request = { jsonrpc: '2.0'; id: string | number; method: string; params?: unknown };

/** What a client sends with each message (MCP 2025-11-25, basic/transports, "Sending Messages to the Server"). */
const ownHeaders: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

/** A request of JSON-RPC. */
export const request = (id: string | number, method: string, params?: unknown): Request => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params !== undefined && { params }),
});

/**
 * A client of this server.
 * @param newId draws the id of its next request; whole numbers that count up, unless told
 */
export function mcpClient(
  server: Server,
  { who, newId }: { who?: string | undefined; newId?: () => string | number } = {},
): McpClient {
  let lastId: number | undefined;
  const nextId = () => (lastId = (lastId ?? server.run.random.integer(10, 90)) + 1);
  const client: McpClient = {
    server,
    who,
    headers: {},
    post: (message, options = {}) => post(client, message, options),
    send: (message, options) => client.post(message, options).done(),
    ask: (method, params, options) => client.send(client.request(method, params), options),
    notify: (method, options) => client.send({ jsonrpc: '2.0', method }, options),
    request: (method, params) => request(newId ? newId() : nextId(), method, params),
  };
  return client;
}

function post(client: McpClient, message: unknown, options: PostOptions): Posted {
  const { server, who } = client;
  const { headers = {}, ifItThrows, agent } = options;
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  const all = { ...ownHeaders, ...client.headers, ...headers };
  const unusual = ([name, value]: [string, string]) => value !== ownHeaders[name];
  const chunked = options.body === 'chunked' && { 'Transfer-Encoding': 'chunked' };
  const see = options.see ?? withoutSession(curlOf(body, { ...all, ...chunked }), client);
  const exchange = server.request('/mcp', {
    method: 'POST',
    headers: typeof options.body === 'object' ? { ...all, 'Content-Length': String(Buffer.byteLength(body)) } : all,
    shown: Object.fromEntries(Object.entries(headers).filter(unusual)),
    ...bodyOf(server, body, options.body),
    ...((options.who ?? who) !== undefined && { who: (options.who ?? who)! }),
    ...(agent && { agent }),
    ...(ifItThrows && { ifItThrows: { see, ...ifItThrows } }),
  });
  return judged(server, exchange, message, options.what ?? whatIs(message), see, options.unanswered);
}

function bodyOf({ program }: Server, body: string, form: PostOptions['body']): Pick<Ask, 'body' | 'pieces'> {
  if (form === undefined) return { body };
  const bytes = Buffer.from(body);
  if (form === 'chunked') return { pieces: { bytes: [bytes] } };
  const pieces = [bytes.subarray(0, form.cutAt), bytes.subarray(form.cutAt)];
  return { pieces: { bytes: pieces, between: () => program.caughtUp() } };
}

/** A command cannot know the id of a session that its server will give. */
function withoutSession(command: string, { headers }: McpClient): string {
  const session = Object.entries(headers).find(([name]) => /^mcp-session-id$/i.test(name))?.[1];
  return session === undefined ? command : command.replace(session, '…');
}

/** The words that judge an answer. */
export function judged(
  server: Server,
  exchange: Exchange,
  message: unknown,
  what: string,
  see: string,
  unanswered = endEachWay,
): Posted {
  const { program, run } = server;
  const late = () => ({
    cause:
      posted.status === undefined
        ? `Your server did not answer ${lower(posted.what)}.`
        : `Your server began to answer ${lower(posted.what)}, but did not end the response.`,
    advice: isStream(posted) ? endTheStream : unanswered,
    see: posted.see,
  });
  const broken = () => ({
    cause: `Your server closed the connection before it had answered ${lower(posted.what)} completely.`,
    advice: 'End the response in the handler, with response.json or response.end, and do not close the connection.',
    see: posted.see,
  });
  const posted: Posted = Object.assign(exchange, {
    what,
    message,
    see,
    async done() {
      await untilEnd(server, posted, late, broken());
      return posted;
    },
    async doneMeanwhile(late: Explanation) {
      const explain = () => {
        run.missing('the end of the answer');
        return { see: posted.see, ...late };
      };
      await run.expectSoon(() => finished(posted), explain, program, workMs);
      expect(posted.broken === undefined, broken());
      return posted;
    },
    async atWork(pieces = 1, instead?: Explanation) {
      const begun = () => program.held.length >= pieces;
      const explain = () => {
        run.missing('work, or a response');
        return instead ? { see: posted.see, ...instead } : late();
      };
      await run.expectSoon(() => begun() || finished(posted), explain, program, workMs);
      await program.caughtUp();
      return begun();
    },
    messages: () => messagesIn(posted),
    response: () => responseTo(posted),
    result: (why?: Why) => resultOf(posted, why),
    error: (code: number, advice: string) => expectError(posted, code, advice),
    accepted: (advice?: string) => expectAccepted(posted, advice),
    refused: (status: number, code: number | undefined, advice: string) => expectRefusal(posted, status, code, advice),
  });
  return posted;
}

/** The answer has the header of an event stream. */
const isStream = ({ headers }: Exchange): boolean => /^text\/event-stream\b/i.test(headers['content-type'] ?? '');

const endTheStream =
  'Call response.end() after the last event of the stream. Until then, the client waits for the next event.';

const endEachWay =
  'Make sure that every path through the handlers ends the response, with response.json or with response.end, or calls next(). Until then, the client waits.';

function whatIs(message: unknown): string {
  if (!isObject(message)) return `The body ${visible(JSON.stringify(message).slice(0, 40))}`;
  const { id, method } = message;
  if (method === undefined) return 'The response of the client';
  if (method === '') return `A request with an empty method and the id ${asJson(id)}`;
  return id === undefined ? `The notification ${method}` : `The request ${method} with the id ${asJson(id)}`;
}

/** As it stands inside a sentence; `GET` stays as it is. */
const lower = (what: string): string => (/^[A-Z]{2}/.test(what) ? what : what.charAt(0).toLowerCase() + what.slice(1));

function curlOf(body: string, headers: Record<string, string>): string {
  // Without a value, curl sends a header only when it is written with a semicolon.
  const written = Object.entries(headers).map(
    ([name, value]) => `-H '${value === '' ? `${name};` : `${name}: ${value}`}' `,
  );
  const command = `curl -i http://127.0.0.1:3000/mcp ${written.join('')}`;
  if (body.length > 1000) return `head -c ${body.length} /dev/zero | ${command}--data-binary @-`;
  return `${command}-d '${body.replaceAll("'", "'\\''")}'`;
}

/** @throws Failure when something in the answer is not a JSON object */
function messagesIn(posted: Posted): Message[] {
  if (posted.status === undefined) return [];
  const type = String(posted.headers['content-type'] ?? '');
  if (/^application\/json\b/i.test(type)) return posted.ended ? [parsed(posted, posted.text)] : [];
  expect(posted.text !== '' || !posted.ended, {
    cause: `Your server answered ${lower(posted.what)} without a body.`,
    compare: { expected: `${isStream(posted) ? 'data: ' : ''}{"jsonrpc":"2.0", …}`, received: received(posted) },
    advice: isStream(posted)
      ? 'Write each message as an event of the stream, with response.write. Look at the function that should write it: it may still be empty.'
      : 'Send the JSON-RPC response as the body, with response.json.',
    see: posted.see,
  });
  const page = /^\s*</.test(posted.text);
  expect(isStream(posted), {
    cause: page
      ? `Your server answered ${lower(posted.what)} with an HTML page.`
      : `Your server answered ${lower(posted.what)} with a Content-Type that is not JSON.`,
    compare: {
      expected: 'Content-Type: application/json',
      received: type ? `Content-Type: ${type}` : '(no Content-Type)',
    },
    advice: page
      ? pageAdvice
      : /^text\/plain\b/i.test(type)
        ? 'Send the response with response.json, which sets the Content-Type. response.sendStatus sends the name of the status as plain text.'
        : 'Send the response with response.json, which sets the Content-Type. response.send sends a string as HTML.',
    see: posted.see,
  });
  return dataOf(posted).map((text) => parsed(posted, text));
}

const pageAdvice =
  'Add the handler that is missing, or move it below the other handlers. Express sends its own HTML page when no handler matches the HTTP method and the path, and when an error occurs and no error handler is below the handler that failed. An error handler is a function with four parameters.';

/** The data of the events so far. An event with empty data only tells the client an id to come back with. */
function dataOf({ text, see }: Posted): string[] {
  const data: string[] = [];
  const parser = createParser({
    onEvent: ({ event: type = 'message', data: text }) => {
      expect(type === 'message', {
        cause: `Your server sent an event of the type ${visible(type)}, but clients of MCP read only events of the type message.`,
        compare: { expected: 'event: message (or no field event)', received: `event: ${visible(type)}` },
        advice: 'Leave out the field event. The JSON says what kind of message it is: by its method, or by its result.',
        see,
      });
      data.push(text);
    },
  });
  parser.feed(text);
  // The parser waits for what follows a \r; a \n does not change what it ends.
  if (text.endsWith('\r')) parser.feed('\n');
  return data.filter((each) => each !== '');
}

function parsed({ what, see }: Posted, text: string): Message {
  const value = fromJson(text);
  const twice = /\}\s*\{"jsonrpc"/.test(text);
  expect(isObject(value), {
    cause: twice
      ? `Your server answered ${lower(what)} with more than one JSON value in one body.`
      : `Your server answered ${lower(what)} with a body that is not a JSON object.`,
    compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(text.slice(0, 120)) || '(nothing)' },
    advice: twice
      ? 'Answer each message one time only, with one JSON object.'
      : /^\{[^]*\}\s*$/.test(text)
        ? 'Make the JSON with response.json or JSON.stringify, and send it as UTF-8. These functions escape the quotation marks and backslashes in a string.'
        : text.startsWith('{')
          ? 'Send the JSON to its end: only its beginning has arrived. In an event, each line needs its own data:, and JSON.stringify without indentation writes a single line. A Content-Length counts bytes, not characters.'
          : 'Send one JSON object as the body. response.json makes it from an object.',
    see,
  });
  return value;
}

function responseTo(posted: Posted): Message {
  const { id } = posted.message as Request;
  const responses = messagesIn(posted).filter((message) => message.method === undefined);
  const [response] = responses;
  expect(responses.length === 1, {
    cause:
      responses.length === 0
        ? `Your server answered ${lower(posted.what)}, but sent no JSON-RPC response.`
        : `Your server sent more than one JSON-RPC response to ${lower(posted.what)}.`,
    compare: { expected: 'one response', received: visible(posted.text.slice(0, 200)) || '(nothing)' },
    advice:
      'Send exactly one response to each request, also when a method or a tool has failed: a result or an error, with the id of the request.',
    see: posted.see,
  });
  expectShape(posted, response!);
  expectId(posted, response!.id, id);
  return response!;
}

function expectId({ what, text, see }: Posted, received: unknown, id: string | number): void {
  const compare = {
    expected: `"id":${visible(JSON.stringify(id))}`,
    received: received === undefined ? '(no id)' : `"id":${asJson(received)}`,
  };
  // A parser keeps the last of two members with one name.
  const twice = [...text.matchAll(/(?<=[{,]\s*)"id"\s*:/g)].length > 1;
  expect(received === id || !twice, {
    cause: `The response to ${lower(what)} has more than one member "id".`,
    compare: { ...compare, received: visible(text.slice(0, 160)) },
    advice: 'Write the id into the response one time only, as it came. A client reads only one of the two members.',
    see,
  });
  expect(received !== undefined && received !== null, {
    cause: `The response to ${lower(what)} does not have the id of its request.`,
    compare,
    advice:
      'Put the id of the request into every response, with a result or with an error. The client uses it to find the request.',
    see,
  });
  const sameText = String(received) === String(id);
  expect(received === id, {
    cause: sameText
      ? `The response to ${lower(what)} has an id of a different type.`
      : `The response to ${lower(what)} has a wrong id.`,
    compare,
    advice: sameText
      ? 'Send the id back as it came, without String, Number or a template. For a client, 7 and "7" are two different ids.'
      : 'Send back the id of the message that this response answers, exactly as it came. Keep it in a const inside the handler: all requests share a variable outside the handler.',
    see,
  });
}

/** The message is a response: a version, an id, and either a result or an error (JSON-RPC 2.0, section 5). */
function expectShape({ what, see }: Posted, message: Message): void {
  const shape = (condition: unknown, cause: string, expected: string, advice: string) =>
    expect(condition, { cause, compare: { expected, received: asJson(message).slice(0, 160) }, advice, see });
  shape(
    'jsonrpc' in message || 'result' in message || 'error' in message,
    `Your server answered ${lower(what)} with an object that is not a JSON-RPC message.`,
    '{"jsonrpc":"2.0","id":…,"result":…}',
    'Put the result into a response, in the member result, beside jsonrpc and the id.',
  );
  shape(
    message.jsonrpc === '2.0',
    `Your server answered ${lower(what)} with a message that has no "jsonrpc":"2.0".`,
    '{"jsonrpc":"2.0", …}',
    'Add jsonrpc with the string "2.0" to every message, also to a response. A number is wrong.',
  );
  shape(
    !('result' in message && 'error' in message),
    `Your server answered ${lower(what)} with both a result and an error.`,
    '"result" or "error"',
    'Leave out the member that does not apply. A client checks whether the member error exists, and null is a value too.',
  );
  shape(
    'result' in message || 'error' in message,
    `Your server answered ${lower(what)} with neither a result nor an error.`,
    '{"jsonrpc":"2.0","id":…,"result":…}',
    Object.keys(message).some((name) => name !== 'jsonrpc' && name !== 'id')
      ? 'Put these members into an object result, inside of what the method returns: { result: { … } }. The client looks for them there.'
      : 'Await what the method returns, and let every method return an object with its result: ping returns { result: {} }. A promise or undefined leaves no member in the JSON.',
  );
  if (!('error' in message)) return;
  const error = message.error as Message;
  shape(
    isObject(error),
    `Your server answered ${lower(what)} with an error that is not an object.`,
    '"error":{"code":…,"message":"…"}',
    'Make the error an object with a code for programs and a message for people.',
  );
  shape(
    Number.isInteger(error.code),
    `Your server answered ${lower(what)} with an error whose code is not a whole number.`,
    '"code":-32…',
    'Write the code as a whole number, without quotes.',
  );
  shape(
    typeof error.message === 'string' && error.message !== '',
    `Your server answered ${lower(what)} with an error that has no message.`,
    '"message":"…"',
    'Add a message to the error: a sentence that tells people what is wrong.',
  );
}

function resultOf(posted: Posted, { when = {}, like, ...why }: Why = {}): Looked {
  const expected = `"result":${like === undefined ? '…' : asJson(like)}`;
  const { status, see } = posted;
  const code = status === 200 ? undefined : codeIn(posted.text);
  expect(status === 200, {
    cause: `Your server answered ${lower(posted.what)} with status ${status}.`,
    compare: { expected: `200${like === undefined ? '' : ` ${expected}`}`, received: received(posted) },
    ...adviceFor({ ...generally, ...when }, status, code, /^\s*</.test(posted.text) ? pageAdvice : undefined),
    see,
    ...why,
  });
  const { error, result } = responseTo(posted);
  if (isObject(error)) {
    throw new Failure({
      cause: `Your server answered ${lower(posted.what)} with an error, but it should send a result.`,
      compare: { expected, received: `"error":${asJson(error)}` },
      ...adviceFor({ ...generally, ...when }, error.code),
      see,
      ...why,
    });
  }
  return look(result, 'result', see);
}

const codeIn = (text: string): unknown => {
  const message = fromJson(text);
  return isObject(message) && isObject(message.error) ? message.error.code : undefined;
};

/** Advice for any answer with an error of this code. */
const generally: Record<number, string> = {
  [-32601]: 'Add a function with the name of this method to methods. The name must be the same, letter by letter.',
};

const followIt =
  'Follow this message through the handler, and find the statement that answers it so. The server should answer it with a result.';

function adviceFor(advice: Record<number, string>, ...keys: unknown[]): { advice: string } {
  const fallback = keys.find((key) => typeof key === 'string') as string | undefined;
  const found = keys.map((key) => (typeof key === 'number' ? advice[key] : undefined)).find(Boolean) ?? fallback;
  return { advice: found ?? followIt };
}

/** What the codes of JSON-RPC (section 5.1) and of MCP 2026-07-28 say. */
const meanings: Record<number, string> = {
  [-32700]: 'this is not JSON',
  [-32600]: 'this is not a JSON-RPC message',
  [-32601]: 'the server does not have this method',
  [-32602]: 'the server has the method, but the params are wrong',
  [-32603]: 'the server itself has failed',
  [-32020]: 'a header is missing, or says something different than the body',
  [-32021]: 'the client lacks a capability that this request needs',
  [-32022]: 'the server does not speak this revision',
};

/** Why an error does not have the code that it should have. */
const wrongCode = ({ what, see }: Posted, error: Message, code: number): Explanation => ({
  cause: `Your server answered ${lower(what)} with an error that has the wrong code.`,
  compare: { expected: `"code":${code}`, received: asJson(error) },
  advice: `Use the code ${code}, which means: ${meanings[code]}.`,
  see,
});

function expectError(posted: Posted, code: number, advice: string): void {
  const { see } = posted;
  // An error may also come with one of the statuses that HTTP has for it.
  expect([200, 400, 404].includes(posted.status!), {
    cause: `Your server answered ${lower(posted.what)} with status ${posted.status}.`,
    compare: { expected: `200 "error":{"code":${code}, …}`, received: received(posted) },
    advice:
      posted.status! < 500 && codeIn(posted.text) !== undefined
        ? 'Send the error with status 200. The message has arrived and was understood, so only JSON-RPC reports the failure, and HTTP does not.'
        : advice,
    see,
  });
  expect(
    messagesIn(posted).some((message) => 'error' in message),
    {
      cause: `Your server answered ${lower(posted.what)} with a result, but it should send an error.`,
      compare: { expected: `"error":{"code":${code}, …}`, received: received(posted) },
      advice,
      see,
    },
  );
  const sent = codeIn(posted.text);
  if (sent !== undefined && sent !== code) {
    const [{ error }] = messagesIn(posted) as [{ error: Message }];
    throw new Failure(wrongCode(posted, error, code));
  }
  const error = responseTo(posted).error as Message;
  expect(error.code === code, wrongCode(posted, error, code));
}

function expectAccepted(posted: Posted, advice?: string): void {
  const { status, text, what, see } = posted;
  const compare = { expected: '202 and no body', received: received(posted) };
  const noAnswer =
    advice ??
    'Answer a notification with status 202 and no body. It has no id, so nobody waits for a result or an error.';
  expect(status! < 300, {
    cause: `Your server refused ${lower(what)} with status ${status}.`,
    compare,
    advice: noAnswer,
    see,
  });
  expect(!/"(result|error)"/.test(text), {
    cause: `Your server answered ${lower(what)} as if it were a request.`,
    compare,
    advice: noAnswer,
    see,
  });
  expect(status === 202, {
    cause: `Your server answered ${lower(what)} with status ${status} instead of 202.`,
    compare,
    advice:
      status === 200 || status === 204
        ? 'Set the status to 202, as MCP requires: response.status(202).end(). It means that the server has taken the message.'
        : noAnswer,
    see,
  });
  expect(text === '', {
    cause: `Your server answered ${lower(what)} with status 202, but also sent a body.`,
    compare,
    advice:
      text === 'Accepted'
        ? 'Write response.status(202).end(), which sends no body. response.sendStatus sends the name of the status as the body.'
        : 'Write response.status(202).end(), which sends no body.',
    see,
  });
}

function expectRefusal(posted: Posted, status: number, code: number | undefined, advice: string): void {
  const { what, see, message } = posted;
  const sent = codeIn(posted.text);
  expect(posted.status === status, {
    cause:
      posted.status! < 300 && sent === undefined
        ? `Your server accepted ${lower(what)} with status ${posted.status}, but it should refuse it.`
        : `Your server refused ${lower(what)} with the wrong status.`,
    compare: { expected: String(status), received: received(posted) },
    advice: sent !== undefined && sent === code ? `Send this error with status ${status}, as refuse does.` : advice,
    see,
  });
  expect(posted.text !== '', {
    cause: `Your server refused ${lower(what)} with status ${status}, but without a body.`,
    compare: { expected: '{"jsonrpc":"2.0", …}', received: received(posted) },
    advice: 'Send a JSON-RPC error as the body: the function refuse sets the status and sends the error.',
    see,
  });
  const [answer = {}] = messagesIn(posted);
  expectShape(posted, answer);
  const error = answer.error as Message | undefined;
  expect(error, {
    cause: `Your server refused ${lower(what)} with status ${status}, but the body has a result instead of an error.`,
    compare: { expected: '"error":…', received: received(posted) },
    advice: 'Send a JSON-RPC error as the body: the function refuse sets the status and sends the error.',
    see,
  });
  expect(code === undefined || error.code === code, {
    ...wrongCode(posted, error, code!),
    ...(code === -32600 && { advice }),
  });
  const own = isObject(message) ? message.id : undefined;
  const readable = typeof own === 'string' || typeof own === 'number';
  expect(answer.id === undefined || answer.id === null || (readable && answer.id === own), {
    cause: `The error with which your server refused ${lower(what)} has an id that does not belong to a request.`,
    compare: { expected: '"id":null', received: `"id":${asJson(answer.id)}` },
    advice:
      'Set the id of this error to null, as refuse does. The server has read no valid id, so it cannot send one back.',
    see,
  });
}

/** The revision that a client asks for, unless its grader tells. */
export const newestRevision = '2025-11-25';

/** The params of `initialize`. */
export const hello = (protocolVersion = newestRevision, name = 'grader') => ({
  protocolVersion,
  capabilities: {},
  clientInfo: { name, version: '0.9.0' },
});

/** Sends `initialize`; from then on the client sends the headers that were agreed. Returns the result. */
export async function initialize(client: McpClient, params = hello(), why?: Why): Promise<Looked> {
  const posted = await client.ask('initialize', params);
  const result = posted.result(why);
  const session = posted.headers['mcp-session-id'];
  const revision = result.at('protocolVersion').value;
  client.headers = {
    'MCP-Protocol-Version': String(revision),
    ...(session !== undefined && { 'MCP-Session-Id': String(session) }),
  };
  return result;
}

/** The result of `initialize` has the revision 2025-11-25, which the client has proposed, and these capabilities. */
export function expectAgreed(result: Looked, capabilities: readonly string[]): void {
  result
    .at('protocolVersion')
    .is(
      newestRevision,
      `The client proposed the revision ${newestRevision}, but your server answered with a different revision.`,
      `Answer with the revision that the client has proposed if your server speaks it. Your server has to speak ${newestRevision}.`,
    );
  for (const name of capabilities) {
    result
      .at('capabilities')
      .at(name)
      .object(`The capability ${name} is not an object.`, {
        missing: `Your server does not announce the capability ${name}.`,
        like: '{}',
        advice: `Add ${name}: {} to the capabilities. A client may ignore what a server does not announce.`,
      });
  }
}

/** Shakes hands: `initialize`, then `notifications/initialized`. */
export async function shakeHands(client: McpClient, params = hello(), why?: Why): Promise<McpClient> {
  await initialize(client, params, why);
  (await client.notify('notifications/initialized')).accepted();
  return client;
}
