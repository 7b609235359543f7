// Messages before the response: what a server says while it works (MCP 2025-11-25, basic, "Notifications").
import { expect, Failure } from '../run/failure.ts';
import type { Random } from '../run/random.ts';
import type { Server } from '../run/run.ts';
import { visible } from '../wire/printable.js';
import { unfinishedEvent } from './event-stream.ts';
import { finished, release, workMs } from './http.ts';
import type { McpClient, Posted } from './mcp-client.ts';
import { failureText } from './tools.ts';
import { asJson, look, type Looked } from './value.ts';
import { isObject, type Message } from '../wire/json.ts';

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
export const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** What a tool logs. */
export type Log = { level: string; data: unknown; logger?: string | undefined };

const isResponse = (message: Message): boolean => 'result' in message || 'error' in message;

/** The messages of an answer so far that are not responses. */
export const notificationsIn = (posted: Posted): Message[] =>
  posted.messages().filter((message) => !isResponse(message));

/** The responses of an answer so far; a right answer has one when it ends. */
export const responsesIn = (posted: Posted): Message[] => posted.messages().filter(isResponse);

/** The params of a message: an empty object where it has none. */
export const paramsOf = ({ params }: Message): Message => (isObject(params) ? params : {});

/** Turns of a program's event loop after which a message that is still not there does not come. */
const turns = 25;

/** Waits until this many notifications have come, or a response, or the end of the answer; held work stays held. */
export async function notified({ program, run }: Server, posted: Posted, count: number): Promise<void> {
  const came = () => notificationsIn(posted).length >= count || responsesIn(posted).length > 0 || finished(posted);
  if (!(await run.until(came))) {
    for (let turn = 0; turn < turns && !came() && !program.end; turn++) await program.caughtUp();
  }
  await program.caughtUp();
}

/** Waits until a response has come, or the answer has ended; all held work is released meanwhile. */
export async function untilResponse({ program, run }: Server, posted: Posted): Promise<void> {
  await run.expectSoon(
    () => {
      release(program);
      return finished(posted) || responsesIn(posted).length > 0;
    },
    () => {
      run.missing('the response');
      return {
        cause: `All work is done, but ${posted.what.replace(/^The/, 'the')} still has no response.`,
        advice: 'Send the response when the tool has returned, also when it has thrown an error.',
        see: posted.see,
      };
    },
    program,
    workMs,
  );
  await program.caughtUp();
}

/** Sends a request, and waits for the end of its answer; held work stays held. */
export async function askAtWork(client: McpClient, method: string, params?: unknown): Promise<Posted> {
  const posted = client.post(client.request(method, params));
  return posted.doneMeanwhile({
    cause: `${posted.what} is not answered while a tool is at work.`,
    advice:
      'Let a call that waits for its tool hold up no other request. Look for a queue, a lock, or a loop that never waits.',
  });
}

type WhyNotSent = {
  index: number;
  text: string;
  work: string;
  never: string;
  /** What is wrong if this message is on the wire in its place, after the work. */
  instead?: (message: Message) => Failure | undefined;
  /** Tells the message from those after it, where a server may leave out only some. */
  isIt?: (message: Message) => boolean;
};

/**
 * Why a message is not on the wire, although the tool is at work behind it: finds out by releasing the work.
 * @param index counts the notifications of the answer from 0
 * @param text names the message, and `work` what the tool is at work on
 * @param never the advice when it does not come at all
 */
export async function whyNotSent(
  server: Server,
  posted: Posted,
  { index, text, work, never, instead, isIt = () => true }: WhyNotSent,
): Promise<Failure> {
  const { program, run } = server;
  const { see } = posted;
  run.missing(text);
  if (finished(posted)) {
    return new Failure({
      cause: `Your server ended the answer before it sent "${text}", although the tool is at work on ${work}.`,
      advice: 'Await what the tool does, and end the answer only when you have sent the response.',
      see,
    });
  }
  const rest = unfinishedEvent(posted);
  if (/\\n\s*$/.test(rest)) {
    return new Failure({
      cause: 'Your server wrote a backslash and the letter n at the end of the event instead of a line break.',
      compare: { expected: '(two line breaks)', received: 'the characters \\ and n' },
      advice: 'Write \\n with a single backslash in your string: "\\n" is a line break, and "\\\\n" is two characters.',
      see,
    });
  }
  if (rest !== '') {
    const received = visible(posted.text.slice(posted.text.lastIndexOf(rest)));
    return new Failure({
      cause: `Your server began the event with "${text}", but did not end it: no blank line follows.`,
      compare: { expected: 'data: {…}\\n\\n', received },
      advice: 'End each event with a blank line: write one more \\n after the \\n of its last line.',
      see,
    });
  }
  const came = () => notificationsIn(posted).slice(index).some(isIt);
  release(program);
  await run.until(() => program.held.length > 0 || finished(posted));
  await program.caughtUp();
  const other = came() && instead?.(notificationsIn(posted)[index]!);
  if (other) return other;
  if (came()) {
    return new Failure({
      cause: `Your server sent "${text}" only when the work on ${work} was done.`,
      advice: 'Send the message first, and await the work after it: the message says what the tool is about to do.',
      see,
    });
  }
  await untilResponse(server, posted);
  if (came()) {
    return new Failure({
      cause: `Your server had not sent "${text}" when the tool was at work on ${work}, and sent it when all work was done.`,
      advice:
        'Send each message immediately, with response.write. Look for code that collects messages first: a string, or an array.',
      see,
    });
  }
  if (posted.text.includes(text)) {
    return new Failure({
      cause: `Your server sent "${text}", but not in the data of an event.`,
      compare: { expected: 'data: {…}\\n\\n', received: visible(posted.text.slice(0, 120)) },
      advice:
        'Begin the line with data: and end the event with a blank line. A parser ignores every line without a field name.',
      see,
    });
  }
  return new Failure({
    cause: `Your server never sent "${text}", neither while the tool was at work on ${work} nor later.`,
    advice: never,
    see,
  });
}

/** The last event of an answer that has ended is complete. */
export function expectLastEventEnded(posted: Posted): void {
  const rest = /^text\/event-stream/i.test(String(posted.headers['content-type'])) ? unfinishedEvent(posted) : '';
  expect(rest === '', {
    cause: 'Your server ended the stream in the middle of its last event: no blank line follows.',
    compare: { expected: 'data: {…}\\n\\n', received: visible(posted.text.slice(posted.text.lastIndexOf(rest))) },
    advice: 'End the last event with a blank line too. A parser drops an event that is not complete.',
    see: posted.see,
  });
}

/** The response of an answer that has ended is its last message. */
export function expectResponseLast(posted: Posted): void {
  const last = posted.messages().at(-1)!;
  expect(isResponse(last), {
    cause: 'Your server sent a message after the response.',
    compare: { expected: '(the end)', received: asJson(last) },
    advice:
      'End the answer together with the response, and send nothing when it has ended: a client that has the response stops reading.',
    see: posted.see,
  });
}

/**
 * The message is a notification with this method.
 * @param params as a verdict shows them where the whole message is wrong
 * @returns its params
 */
export function expectNotification(posted: Posted, message: Message, method: string, params: object): Looked {
  const whole = look(message, '', posted.see);
  const like = asJson({ jsonrpc: '2.0', method, params });
  whole.expect('method' in message, 'Your server sent a message that is neither a notification nor a response.', {
    like,
    advice: 'Give the notification a method: it says what kind of notification it is.',
  });
  whole
    .at('method')
    .is(
      method,
      'The method of the notification is wrong.',
      'Use the method for the type of the notification. How severe a log message is stands in its params, as the level.',
    );
  whole.expect(!('id' in message), 'The notification has an id, so it is a request that the client has to answer.', {
    like,
    advice: 'Leave the id out. The client knows which call a notification belongs to by the answer that it comes in.',
  });
  whole
    .at('jsonrpc')
    .is(
      '2.0',
      'The notification does not say which version of JSON-RPC it is.',
      'Begin every message with "jsonrpc":"2.0".',
    );
  return whole.at('params').object('The params of the notification are not an object.', {
    missing: 'The notification has no params.',
    like: asJson(params),
    advice: 'Put into the params what the notification says.',
  });
}

/**
 * The message is this log message (MCP 2025-11-25, server/utilities/logging).
 * @param log without the property `logger`, any logger will do; with undefined, there must not be one
 */
export function expectLog(posted: Posted, message: Message, log: Log): void {
  const params = expectNotification(posted, message, 'notifications/message', log);
  const inner = params.at('data').value;
  params.expect(
    params.has('level') || !isObject(inner) || !('level' in inner),
    'The level and the data of the notification are one object too deep: they are in params.data.',
    {
      like: `"params":${asJson(log)}`,
      advice:
        'Put level, data and logger directly into the params of the notification: they are the members of params.',
    },
  );
  const level = params.at('level');
  level.is(
    log.level,
    'The level of the notification is wrong.',
    String(level.value).toLowerCase() === log.level
      ? 'Write the name of the level in lower case.'
      : 'Send the level that the tool gave to log.',
  );
  params.expect(params.has('data'), 'The notification has no data.', {
    like: `"params":${asJson(log)}`,
    advice: 'Put what the tool says into params.data, whatever JSON value it is: null, 0 and an empty string too.',
  });
  params
    .at('data')
    .is(
      log.data,
      'The data of the notification is not what the tool said.',
      'Send the data as the tool gave it to log. It can be any JSON value: a string stays a string, and an object stays an object.',
    );
  if (!('logger' in log)) return;
  params
    .at('logger')
    .is(
      log.logger,
      log.logger === undefined
        ? 'The tool named no logger, but the notification has a logger.'
        : 'The logger of the notification is not the one that the tool named.',
      'Send the logger that the tool named, and leave it out if the tool named no logger. JSON.stringify leaves out a member that is undefined, but not a member that is null.',
    );
}

/**
 * The failure of a tool is one result with isError, in the stream of its call.
 * @param reason the text of the result has it in it
 */
export function expectToolErrorInStream(posted: Posted, advice: string, reason = ''): void {
  const result = posted
    .result({
      ...(posted.status === 200 && { cause: `${posted.what} was answered with an error of JSON-RPC.` }),
      like: { isError: true },
      advice,
    })
    .object('The result is not an object.', {
      like: '{"content":[{"type":"text","text":"…"}],"isError":true}',
      advice,
    });
  result.at('isError').is(true, `${posted.what} has a result, but the result does not have isError: true.`, advice);
  const text = failureText(
    result,
    'Put a text that says what is wrong into content, also if the tool has thrown a string or null: only an Error has a message.',
  );
  look(text, 'text', posted.see).expect(text.includes(reason), 'The text does not say why the tool failed.', {
    like: `"text":${asJson(reason)}`,
    advice: 'Put the message of the error, or the string that was thrown, into the text: the model reads it.',
  });
}

/** Ids of requests, each of them different: strings with quotes, spaces and letters of other scripts, and whole numbers (MCP 2025-11-25, basic, "Requests"). */
export function newIds(random: Random): () => string | number {
  let ids = 0;
  return () => {
    const count = ++ids;
    const kinds = [
      `${random.words(1)[0]}-${count}`,
      count * 10 + random.integer(0, 9),
      `"${random.words(2).join(' ')}" é世 ${count}`,
      -count,
      count * 100 + 5,
      String(count * 100),
    ];
    return kinds[count % kinds.length]!;
  };
}

/** A call that runs beside others. */
type Beside = { client: McpClient; id: string | number };

/**
 * Several calls of process_files run at the same time: each stream has the messages of its own call, and its response.
 * @param texts what the tool logs
 * @param call begins a call
 * @param logged how many of its messages a call sends, 1 for each piece of work unless told
 * @param meanwhile what else is answered while the calls run
 */
export async function tellApart(
  { program, run }: Server,
  {
    texts,
    call,
    calls: asked,
    logs = () => true,
    meanwhile = async () => {},
    expectDone,
  }: {
    texts: readonly string[];
    call(client: McpClient, message: string, id: string | number): Posted;
    calls: readonly Beside[];
    /** Whether the messages of this client's calls come. */
    logs?(client: McpClient): boolean;
    meanwhile?(client: McpClient): Promise<void>;
    expectDone(posted: Posted, message: string): void;
  },
): Promise<void> {
  const { expectSoon, random } = run;
  type Running = Beside & { posted: Posted; message: string; begun: number };
  const calls: Running[] = [];
  /** The call that each held piece of work belongs to, in the order of `program.held`. */
  const atWork: Running[] = [];
  const alone =
    'Let each call run its own tool. Look for code that makes a call wait until the one before it is over, or that finds a call by the id of its request.';
  const expectedOf = ({ client, begun }: Running) => (logs(client) ? begun : 0);

  /** Each answer has as many messages as its own tool has logged, and each call that is not over is at work. */
  const expectOwn = async () => {
    const counts = () => calls.map(({ posted }) => notificationsIn(posted).length);
    const foreign = () => counts().some((count, i) => count > expectedOf(calls[i]!));
    const each = (numbers: number[]) => numbers.map((number, i) => `${number} in answer ${i + 1}`).join(', ');
    const compare = () => ({ expected: each(calls.map(expectedOf)), received: each(counts()) });
    await expectSoon(
      () => foreign() || calls.every((each, i) => counts()[i] === expectedOf(each)),
      () => ({
        cause: 'Your server did not send a log message of one call while another call was running.',
        compare: compare(),
        advice: alone,
      }),
      program,
    );
    await program.caughtUp();
    expect(!foreign(), {
      cause: 'Your server sent a log message of one call in the stream of another call.',
      compare: compare(),
      advice:
        'Give each call a context of its own that writes to the response of this call. A variable outside of the handler is shared by all calls, and two calls may have the same id.',
    });
    for (const [i, running] of calls.entries()) {
      const said = notificationsIn(running.posted).map((message) => String(paramsOf(message).data));
      const expected = texts.slice(0, expectedOf(running));
      expect(said.join() === expected.join(), {
        cause: `Several calls run at the same time, and the log messages in answer ${i + 1} are not those of one call.`,
        compare: { expected: expected.join(', '), received: visible(said.join(', ')) },
        advice: 'Keep the number of the file inside the function run, so that each call counts its own files.',
      });
    }
    await expectSoon(
      () => program.held.length === atWork.length,
      () => ({
        cause: 'Several calls run at the same time, but not every call does its own work.',
        compare: { expected: `${atWork.length} at work`, received: `${program.held.length} at work` },
        advice: alone,
      }),
      program,
    );
  };

  for (const { client, id } of asked) {
    const message = `${random.words(2).join(' ')} "${calls.length}"`;
    const posted = call(client, message, id);
    calls.push({ client, id, posted, message, begun: 1 });
    atWork.push(calls.at(-1)!);
    await expectOwn();
    await meanwhile(client);
  }
  // One step each, and then one call after the other to its end.
  const rest = texts.slice(1);
  for (const running of [
    ...random.shuffled(calls),
    ...random.shuffled(calls).flatMap((each) => rest.map(() => each)),
  ]) {
    const index = atWork.indexOf(running);
    atWork.splice(index, 1);
    program.held[index]!.release();
    if (running.begun < texts.length) {
      running.begun++;
      atWork.push(running);
    } else {
      const { posted, message } = running;
      const crossing = () => calls.find((each) => each !== running && each.posted.text.includes(inJson(message)));
      await expectSoon(
        () => finished(posted) || crossing() !== undefined,
        () => ({
          cause: 'All work of one call is done, but your server did not end its stream while another call was running.',
          advice: alone,
        }),
        program,
        workMs,
      );
      await program.caughtUp();
      expect(!crossing(), {
        cause: 'Your server sent the response of one call in the stream of another call.',
        compare: { expected: `Done: ${crossing()?.message}`, received: `Done: ${message}` },
        advice:
          'Send the response where the call was answered, on the response object of this request. Two calls may have the same id, so an id does not tell them apart.',
      });
      expect(posted.broken === undefined, {
        cause: 'Your server closed the connection of a call before it had ended the stream.',
        advice: 'Call response.end() after the last event, and do not close the connection.',
        see: posted.see,
      });
      expectDone(posted, message);
    }
    await expectOwn();
  }
}

/** A string as it stands in JSON, without its quotation marks. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
