import { isDeepStrictEqual } from 'node:util';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import {
  accessLog,
  asText,
  countsOf,
  drawLines,
  requestLine,
  type AccessLog,
  type Counts,
  type Line,
} from '../harness/vocabulary/access-log.ts';
import { expectEnd, expectInterrupted, judgedClient, withoutBreaks } from '../harness/vocabulary/command-line.ts';
import { finished, workMs } from '../harness/vocabulary/http.ts';
import { mcpClient, request, shakeHands, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import {
  expectCancelled,
  logMessage,
  refusesDiscovery,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { expectResponseLast, notificationsIn, paramsOf, responsesIn } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { screen, terminal } from '../harness/vocabulary/terminal.ts';
import {
  anyToolIn,
  expectNoFailure,
  expectSchema,
  expectStructured,
  listTools,
  objectIn,
  outputSchemaOf,
  validatorOf,
  type Validate,
} from '../harness/vocabulary/tools.ts';
import { asJson, look, type Looked } from '../harness/vocabulary/value.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

/** The arguments of the tool. */
type Arguments = { every: number; lines?: number };

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  const tool = 'watch_log';
  let server: Server;
  let log: AccessLog;
  let alice: McpClient;
  let bob: McpClient;
  /** What the server is busy with when it follows no log. */
  let atRest: number;

  /** Timers, watched files, open files, and calls of the file system that are not back yet. */
  const busyWith = ({ timers, watchers, openFiles, fileCalls }: Server['program']) =>
    timers + watchers + openFiles + fileCalls;

  async function start(): Promise<void> {
    log = accessLog(run);
    log.truncate('', '(nothing)');
    server = await startServer({ LOG: log.path });
    alice = await shakeHands(mcpClient(server, { who: 'client 1' }));
    bob = await shakeHands(mcpClient(server, { who: 'client 2' }));
    await server.program.caughtUp();
    atRest = busyWith(server.program);
  }

  /** Calls the tool, and waits for nothing. */
  const call = (client: McpClient, args: unknown, id?: number): Posted => {
    const params = { name: tool, arguments: args };
    const message = id === undefined ? client.request('tools/call', params) : request(id, 'tools/call', params);
    return client.post(message, { see: '' });
  };

  const isUpdate = (message: Message) =>
    message.method === 'notifications/message' && paramsOf(message).level !== 'debug';
  const updatesIn = (posted: Posted) => notificationsIn(posted).filter(isUpdate);

  const sendsUpdates =
    'Send notifications/message with the level info each time that the number of lines is a multiple of every, in the stream of the call, before you read more of the log. Count from the beginning of the log. data is an object with the counts.';

  /** Further turns of the server's event loop: what has not come then does not come. */
  async function turns(count = 10): Promise<void> {
    for (let turn = 0; turn < count && !server.program.end; turn++) await server.program.caughtUp();
  }

  /** Waits until so many log messages have come, and not one more. */
  async function untilUpdates(posted: Posted, count: number, why: string, advice?: string): Promise<void> {
    await expectSoon(
      () => updatesIn(posted).length >= count || finished(posted),
      () => {
        missing(`log message ${count}`);
        return { cause: `${why}, but your server has not sent log message ${count}.`, advice: advice ?? sendsUpdates };
      },
      server.program,
      workMs,
    );
    await turns();
    expectStream(posted);
    if (updatesIn(posted).length === count) return;
    const fewer = updatesIn(posted).length < count;
    throw new Failure({
      cause: fewer
        ? `${why}, but your server ended the answer before it sent log message ${count}.`
        : `${why}, and your server sent one more log message than it should.`,
      compare: {
        expected: count === 1 ? '1 log message' : `${count} log messages`,
        received: fewer
          ? `${updatesIn(posted).length} and the end of the answer`
          : asJson(paramsOf(updatesIn(posted)[count]!).data),
      },
      advice: fewer
        ? 'Keep following the log until lines is reached or the client cancels this call. At the end of the file, wait for more. Each call needs a signal of its own.'
        : 'Count a line when its line break has been written, and send one log message for each every lines. Count each line one time only, also a malformed one.',
    });
  }

  function expectStream({ headers }: Posted): void {
    const type = String(headers['content-type'] ?? '');
    expect(!/^application\/json\b/i.test(type), {
      cause: 'Your server answered the call with a single JSON object, which has no room for notifications.',
      compare: { expected: 'Content-Type: text/event-stream', received: `Content-Type: ${type}` },
      advice: 'Answer a call of the tool with an event stream. In an SDK, switch off its JSON mode.',
    });
  }

  /**
   * The counts in a message or a result are those of these lines.
   * @param advice where a number is wrong for a reason that the requirement knows
   */
  function expectCounts(data: Looked, lines: readonly Line[], what: string, advice?: string): void {
    const counts = countsOf(lines);
    data.object(`The data of ${what} is not an object.`, {
      missing: `${what.replace(/^./, (first) => first.toUpperCase())} has no data.`,
      like: asJson(counts),
      advice:
        'Send an object with lines, malformed, statuses and slowest, and not a text: the client calculates with it.',
    });
    data
      .at('lines')
      .is(
        counts.lines,
        `The number of lines in ${what} is wrong.`,
        'Count each line whose line break has been written: the lines that were in the log when the call began, and those that follow. Make the counts inside the handler of the tool, so that each call begins at 0.',
      );
    data
      .at('malformed')
      .is(
        counts.malformed,
        `The number of malformed lines in ${what} is wrong.`,
        advice ??
          'Count a line as malformed if the regular expression of the lesson does not match the whole line. An empty line is malformed too.',
      );
    data
      .at('statuses')
      .is(
        counts.statuses,
        `The statuses in ${what} are wrong.`,
        advice ??
          'Make statuses an object with the number of lines for each status that has occurred, all lines of the call together. A line that is malformed has no status.',
      );
    const slowest = data.at('slowest');
    const right = isDeepStrictEqual(slowest.value ?? undefined, counts.slowest);
    slowest.expect(right, `The slowest request in ${what} is wrong.`, {
      like: counts.slowest ? `"slowest":${asJson(counts.slowest)}` : '(no slowest)',
      advice:
        advice ??
        'Keep path and ms of the request with the greatest number of milliseconds, and the first one of several. Compare numbers, not strings.',
    });
  }

  function expectUpdate(posted: Posted, index: number, lines: readonly Line[], advice?: string): void {
    const params = look(paramsOf(updatesIn(posted)[index]!), 'params', '');
    params
      .at('level')
      .is('info', `The level of log message ${index + 1} is wrong.`, 'Send the counts with the level info.');
    expectCounts(params.at('data'), lines, `log message ${index + 1}`, advice);
  }

  const atTheEnd =
    'Return the result when the number of lines has reached the argument lines. Look at it after each line, also in the middle of a piece.';

  /** The answer ends, and its result has the counts of these lines. */
  async function expectResult(posted: Posted, lines: readonly Line[]): Promise<{ result: Looked; structured: Looked }> {
    await posted.doneMeanwhile({
      cause: `The argument lines is ${lines.length} and so many lines have been written, but your server did not end the call.`,
      advice: atTheEnd,
      see: '',
    });
    expectStream(posted);
    const result = objectIn(posted);
    expectNoFailure(result, posted);
    const structured = result.at('structuredContent').object('The structuredContent of the result is not an object.', {
      missing: 'The result has no structuredContent.',
      like: asJson(countsOf(lines)),
      advice: 'Put the object with the counts into the member structuredContent of the result, beside content.',
    });
    expectCounts(structured, lines, 'the result');
    expectResponseLast(posted);
    return { result, structured };
  }

  // ---------------------------------------------------------------------------------------------------------------

  task({ number: 1, title: 'Follow the log', file: 'server.ts' }, () => {
    /** The outputSchema of the tool. */
    let conforms: Validate;

    requirement(
      'If a client sends `tools/list`, the list has the tool `watch_log` with an `outputSchema`. Its `inputSchema` requires `every` and allows `lines`: both are whole numbers from 1.',
      async () => {
        await start();
        const list = await listTools(alice);
        const listed = anyToolIn(list, tool, 'Add the tool watch_log to the list, with this name.');
        const [some, more] = [random.integer(1, 9), random.integer(10, 99)];
        await expectSchema(
          listed,
          {
            accepted: [{ every: some }, { every: 1, lines: 1 }, { every: some, lines: more }],
            refused: [{}, { lines: more }, { every: String(some) }, { every: 0 }, { every: some + 0.5 }],
          },
          {
            like: '{"type":"object","properties":{"every":{"type":"integer","minimum":1},"lines":…},"required":["every"]}',
          },
        );
        const outputSchema = outputSchemaOf(list, tool, {
          like: '{"type":"object","properties":{"lines":…,"malformed":…,"statuses":…,"slowest":…}}',
          advice:
            'Add an outputSchema to the tool: JSON Schema of the object with the counts. z.toJSONSchema makes it from a zod object.',
        });
        conforms = await validatorOf(outputSchema, `The outputSchema of ${tool}`, {
          like: '{"type":"object", …}',
          advice: 'Send what z.toJSONSchema returns for the object with the counts.',
        });
      },
    );

    requirement(
      'If `every` is missing, or `every` or `lines` is not a whole number from 1, the server answers the call with a result that has `isError: true` or with the error `-32602`.',
      async () => {
        for (const args of [{}, { every: 'one' }, { every: 0 }, { every: 1.5 }, { every: 1, lines: 0 }]) {
          const posted = call(alice, args);
          const advice =
            'Check the arguments before you read the log: safeParse of a zod object does this. every and lines are whole numbers, and at least 1.';
          await posted.doneMeanwhile({
            cause: `The arguments of a call are ${asJson(args)}, and your server follows the log instead of refusing them.`,
            advice,
          });
          const failed = posted.messages().some(({ result }) => isObject(result) && result.isError === true);
          if (failed) objectIn(posted);
          else posted.error(-32602, advice);
        }
      },
    );

    requirement(
      'After each further `every` lines, the server immediately sends a log message with the level `info`. Its `data` has the counts of all lines so far: `lines`, `malformed`, `statuses` and `slowest`.',
      async () => {
        const every = random.integer(2, 4);
        const lines = [
          requestLine('/a', '200', 9),
          requestLine('/b', '404', 100),
          requestLine('/c', '200', 100),
          ...drawLines(random, every * 5),
        ];
        log.truncate(asText(lines.slice(0, every + 1)), `${every + 1} lines`);
        const posted = call(alice, { every, lines: every * 4 });
        let written = every + 1;
        for (const [i, ofNext] of [every - 1, 1, every - 1, every, 1].entries()) {
          const due = Math.floor(written / every);
          const text = i === 0 ? `There are ${written} lines in the log` : `There are now ${written} lines in the log`;
          await untilUpdates(posted, due, `${text}, and every is ${every}`);
          if (due > 0) expectUpdate(posted, due - 1, lines.slice(0, due * every));
          log.append(asText(lines.slice(written, written + ofNext)), `${ofNext} more lines`);
          written += ofNext;
        }
        await posted.doneMeanwhile({ cause: 'Your server did not end the call at its last line.', advice: atTheEnd });
      },
    );

    requirement(
      'A line counts when its line break has been written: `\\n` or `\\r\\n`. If the log ends in the middle of a line, or of a character, the server adds the rest when it comes.',
      async () => {
        const word = random.words(1)[0]!;
        const cuts = [
          { what: 'in the middle of the character é', line: `/${word}é`, from: 'é', plus: 1, lineBreak: '\n' },
          { what: 'in the middle of the character 世', line: `/世${word}`, from: '世', plus: 2, lineBreak: '\n' },
          { what: 'in the middle of the character 🎈', line: `/🎈/${word}`, from: '🎈', plus: 3, lineBreak: '\r\n' },
          { what: 'in the middle of a line', line: `/${word}`, from: ' 2', plus: 1, lineBreak: '\n' },
          { what: 'before its line break', line: `/${word}`, from: '\n', plus: 0, lineBreak: '\n' },
          { what: 'between \\r and \\n', line: `/${word}`, from: '\n', plus: 0, lineBreak: '\r\n' },
        ];
        log.truncate('', '(nothing)');
        const posted = call(alice, { every: 1, lines: cuts.length * 2 });
        const lines: Line[] = [];
        for (const [i, { what, line, from, plus, lineBreak }] of cuts.entries()) {
          const whole = requestLine(`/whole${i}`, '200', 0);
          const cut = requestLine(line, String(random.integer(200, 299)), 1000 + i);
          const bytes = Buffer.from(cut.text + lineBreak);
          const at = bytes.indexOf(from) + plus;
          log.append(
            Buffer.concat([Buffer.from(whole.text + lineBreak), bytes.subarray(0, at)]),
            `a line, and a line that is cut ${what}`,
          );
          lines.push(whole);
          await untilUpdates(posted, 2 * i + 1, `The log ends with a line that is cut ${what}`, neverHalf);
          expectUpdate(posted, 2 * i, lines, neverHalf);
          log.append(bytes.subarray(at), 'the rest of this line');
          lines.push(cut);
          await untilUpdates(posted, 2 * i + 2, `A line was cut ${what}, and its rest has been written`, neverHalf);
          expectUpdate(posted, 2 * i + 1, lines, neverHalf);
        }
      },
    );
    const neverHalf =
      'Keep what follows the last line break, and put the next piece behind it. Decode with one TextDecoder and { stream: true }, because a piece can end in the middle of a character. A \\r before the \\n belongs to the line break.';

    requirement(
      'If 50,000 lines are written in one piece, the server sends exactly one log message for each `every` lines, in their order. Each has the exact counts at its line.',
      async () => {
        const some = drawLines(random, 1000);
        const burst = Array.from({ length: 50_000 }, (_, i) => some[(i * 7) % 1000]!);
        const every = random.integer(4000, 9000);
        log.truncate('', '(nothing)');
        const posted = call(bob, { every, lines: burst.length });
        await until(() => posted.status !== undefined);
        log.append(asText(burst), '50,000 lines');
        const count = Math.floor(burst.length / every);
        const advice =
          'Read until the end of the log before you wait for a change: one read gives you only as many bytes as your buffer has room for.';
        await untilUpdates(posted, count, `50,000 lines were written in one piece, and every is ${every}`, advice);
        for (let i = 0; i < count; i++) expectUpdate(posted, i, burst.slice(0, (i + 1) * every));
        await expectResult(posted, burst);
      },
    );

    requirement(
      'If a call has the argument `lines`, the response comes when so many lines have been counted, and no further line counts. `structuredContent` has the counts and conforms to the `outputSchema`; the first text has the same as JSON.',
      async () => {
        const every = random.integer(2, 4);
        for (const limit of [3 * every, 2 * every + 1]) {
          const lines = drawLines(random, limit + 3);
          log.truncate(asText(lines.slice(0, limit - 1)), `${limit - 1} lines`);
          const posted = call(bob, { every, lines: limit });
          const due = Math.floor((limit - 1) / every);
          await untilUpdates(posted, due, `There are ${limit - 1} lines in the log`);
          expect(!finished(posted) && responsesIn(posted).length === 0, {
            cause: `The argument lines is ${limit} and the log has ${limit - 1} lines, but your server has sent the response.`,
            compare: { expected: '(no response)', received: asJson(responsesIn(posted)[0]) },
            advice: atTheEnd,
          });
          log.append(asText(lines.slice(limit - 1)), `${lines.length - limit + 1} more lines in one piece`);
          const { result } = await expectResult(posted, lines.slice(0, limit));
          const messages = Math.floor(limit / every);
          expect(updatesIn(posted).length === messages, {
            cause: `The call has ended after ${limit} lines, and its stream has the wrong number of log messages.`,
            compare: { expected: `${messages} log messages`, received: `${updatesIn(posted).length} log messages` },
            advice: sendsUpdates,
          });
          expectStructured(result, conforms);
        }
      },
    );

    requirement(
      'If several calls run at the same time, each of them counts from the beginning of the log, with its own `every` and `lines`. This also holds for calls of different clients with the same `id`.',
      async () => {
        const lines = drawLines(random, 12);
        const id = random.integer(1000, 9999);
        log.truncate('', '(nothing)');
        const first = call(alice, { every: 2, lines: 10 }, id);
        log.append(asText(lines.slice(0, 3)), '3 lines');
        const own =
          'Keep the counts, the place in the file and the unfinished line in variables of the call. A variable outside of the tool is shared by all calls.';
        await untilUpdates(first, 1, 'There are 3 lines in the log, and every is 2', own);
        const second = call(bob, { every: 3, lines: 6 }, id);
        await untilUpdates(second, 1, 'A second call has begun, every is 3, and there are 3 lines in the log', own);
        expectUpdate(second, 0, lines.slice(0, 3));
        for (const [i, [due, other]] of [
          [2, 1],
          [3, 2],
          [4, 2],
        ].entries()) {
          log.append(asText(lines.slice(3 + 2 * i, 5 + 2 * i)), '2 lines');
          await untilUpdates(first, due!, 'Two calls run at the same time, and 2 more lines have been written', own);
          expectUpdate(first, due! - 1, lines.slice(0, due! * 2));
          await untilUpdates(second, other!, 'Two calls run at the same time, and 2 more lines have been written', own);
        }
        await expectResult(second, lines.slice(0, 6));
        log.append(asText(lines.slice(9)), '3 lines');
        await expectResult(first, lines.slice(0, 10));
      },
    );

    requirement(
      'If the log is missing, the server waits for it. If the log is truncated, or replaced by a shorter file, the server continues with the first line of the new content. It drops an unfinished line of the old content.',
      async () => {
        const lines = drawLines(random, 40);
        // The new content has to be shorter than the old one, whatever is drawn.
        for (const i of [3, 22]) lines[i] = requestLine(`/${'long'.repeat(80)}`, '200', 5);
        // A character in front of it would make it malformed.
        lines[15] = requestLine('/new', '200', 5);
        log.remove();
        const posted = call(alice, { every: 5, lines: 35 });
        await until(() => posted.status !== undefined || finished(posted));
        await turns();
        const next = (from: number, to: number) => asText(lines.slice(from, to));
        const again =
          'Compare the size of the file with the place where you read last. If the file is shorter, read from place 0, forget the unfinished line, and make a new TextDecoder: the old one may still keep half a character. Open the file by its path each time: after a rotation, an old handle belongs to the old file.';
        const waits =
          'Do not give up when the log cannot be opened: catch the error, wait, and try again. While a log is rotated, it is missing for a moment.';
        expect(!finished(posted), {
          cause: 'The log does not exist yet, and your server ended the call.',
          compare: { expected: '(the call waits)', received: visible(posted.text.slice(0, 200)) },
          advice: waits,
        });
        const half = Buffer.from('GET /unfinished/é').subarray(0, -1);
        log.append(
          Buffer.concat([Buffer.from(next(0, 15)), half]),
          '15 lines, and a line that is cut in the character é',
        );
        await untilUpdates(posted, 3, 'The log was missing, and now it has 15 lines', waits);
        expectUpdate(posted, 2, lines.slice(0, 15));
        log.truncate(next(15, 20), '5 lines');
        await untilUpdates(posted, 4, 'The log was truncated, and 5 new lines have been written', again);
        expectUpdate(posted, 3, lines.slice(0, 20), again);
        log.append(next(20, 30), '10 lines');
        await untilUpdates(posted, 6, '10 more lines have been written', again);
        log.rotate(next(30, 35), '5 lines');
        await untilUpdates(posted, 7, 'A new log with 5 lines has taken the place of the log', again);
        expectUpdate(posted, 6, lines.slice(0, 35), again);
        await expectResult(posted, lines.slice(0, 35));
      },
    );

    requirement(
      'If a client posts `notifications/cancelled` with the `requestId` of its call and closes the connection of this call, no timer, file watcher or open file of this call is left. All other calls continue.',
      async () => {
        const { program } = server;
        const lines = drawLines(random, 3);
        const id = random.integer(1000, 9999);
        log.truncate(asText(lines.slice(0, 1)), '1 line');
        const [first, second] = [alice, bob].map((client) => call(client, { every: 1 }, id)) as [Posted, Posted];
        await untilUpdates(first, 1, 'There is 1 line in the log');
        await untilUpdates(second, 1, 'There is 1 line in the log');
        const began = busyWith(program);
        await cancel(alice, first);
        log.append(asText(lines.slice(1)), '2 lines');
        await untilUpdates(
          second,
          3,
          'One client has cancelled its call, and 2 lines have been written',
          'Stop only the call with this id, of this client. Each call has its own AbortController, its own timer and its own watcher.',
        );
        expectUpdate(second, 2, lines);
        await cancel(bob, second);
        let quiet = 0;
        const limit = performance.now() + workMs;
        while (quiet < 5 && performance.now() < limit) {
          await program.caughtUp();
          quiet = busyWith(program) <= atRest ? quiet + 1 : 0;
        }
        // A loop that never ends has now a timer, now an open file.
        const left = program.watchers > 0 ? 'a file watcher' : 'a timer or an open file';
        expect(quiet >= 5 || began <= atRest, {
          cause: `Both clients have cancelled their calls and closed the connections, but ${left} of these calls is still there.`,
          compare: { expected: 'nothing that still follows the log', received: left },
          advice:
            'Give the signal of the call to everything that waits: sleep(50, undefined, { signal }). Stop timers, close watchers and close files in a finally block.',
        });
      },
    );

    /** Cancels a call as a client does that also leaves. */
    async function cancel(client: McpClient, posted: Posted): Promise<void> {
      const { id } = posted.message as { id: number };
      const params = { requestId: id, reason: 'no longer needed' };
      const told = client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, { see: '' });
      await told.doneMeanwhile({
        cause: 'Your server did not answer notifications/cancelled while a call was running.',
        advice: 'Answer the notification immediately, with status 202.',
      });
      posted.close();
      await turns();
    }

    requirement(
      'The official MCP clients of both generations get each log message as soon as its lines have been written, and the result at the end.',
      async () => {
        for (const generation of ['first', 'second'] as const) {
          const name = `The official client of the ${generation} generation`;
          const compare = 'Compare the messages in this capture with those at the beginning of the lesson.';
          const lines = drawLines(random, 4);
          const logs: unknown[] = [];
          log.truncate('', '(nothing)');
          const official = await officialClient(server, generation, ({ data }) => logs.push(data));
          await official.listTools();
          const calling = official.beginTool(tool, { every: 2, lines: 4 });
          for (const i of [1, 2]) {
            log.append(asText(lines.slice(2 * i - 2, 2 * i)), '2 lines');
            await expectSoon(
              () => logs.length >= i || calling.over,
              () => ({
                cause: `2 lines were written, but the official client has got no log message.`,
                advice: compare,
              }),
              server.program,
              workMs,
            );
          }
          await expectSoon(
            () => calling.over,
            () => ({ cause: `${name} got no result.`, advice: compare }),
            server.program,
            workMs,
          );
          const received = fromJson(String(calling.text()));
          const counts = countsOf(lines);
          expect(isObject(received) && received.lines === 4 && logs.length === 2, {
            cause: `${name} did not get the right result and all log messages.`,
            compare: {
              expected: `2 log messages and ${asJson(counts)}`,
              received: `${logs.length} log messages and ${asJson(received)}`,
            },
            advice: compare,
          });
        }
      },
    );
  });

  // ---------------------------------------------------------------------------------------------------------------

  const see = 'npm run try lesson-31';

  type Called = Script & { call: ReceivedMessage };

  /** Limits of the lessons before, which a client may have kept. */
  const endless = { IDLE_LIMIT: '600000', TIME_LIMIT: '600000' };

  /** Starts a client with these arguments, and brings it to its call. */
  const upToCall = ({ every, lines }: Arguments, { env, ...terms }: Partial<Terms> = {}): Promise<Called> =>
    scriptedServer(run, {
      see,
      hears: refusesDiscovery,
      message: String(every),
      moreMessages: lines === undefined ? [] : [String(lines)],
      env: { ...endless, ...env },
      ...terms,
    }).upToCall();

  const drawArguments = (): Arguments => ({ every: random.integer(2, 9), lines: random.integer(20, 99) });

  const drawCounts = (statuses = 3, slowest = true): Counts => {
    const [path] = random.words(1);
    const drawn = random.shuffled(['200', '204', '301', '304', '400', '401', '403', '404', '410', '500', '502', '503']);
    return {
      lines: random.integer(100, 99_999),
      malformed: random.integer(0, 3),
      statuses: Object.fromEntries(drawn.slice(0, statuses).map((status) => [status, random.integer(1, 999)])),
      ...(slowest && { slowest: { path: `/${path}`, ms: random.integer(1, 9999) } }),
    };
  };

  /** As the client prints it. */
  const described = ({ lines, malformed, statuses, slowest }: Counts): string =>
    [
      `${lines} lines`,
      ...Object.entries(statuses).map(([status, count]) => `${status}: ${count}`),
      `malformed: ${malformed}`,
      ...(slowest ? [`slowest: ${slowest.path} ${slowest.ms} ms`] : []),
    ].join(', ');

  const update = (counts: Counts) => logMessage('info', counts);
  const resultOf = (counts: Counts) => ({ ...textResult(JSON.stringify(counts)), structuredContent: counts });

  async function finish(call: ReceivedMessage, counts: Counts): Promise<void> {
    await call.stream(call.result(resultOf(counts)));
    call.end();
  }

  const running = 'The call was answered, but your client is still running.';
  const prompt =
    'Print a line in the handler of notifications/message, as soon as the message arrives. The function described in the lesson makes the text.';

  task({ number: 2, title: 'Show it live', file: 'client.ts' }, () => {
    let inPipe: Called;
    let interrupted: Called;

    requirement(
      'The command `client.ts URL EVERY LINES` shakes hands and calls `watch_log` with the numbers `every` and `lines`. Without LINES, the call has only `every`.',
      async () => {
        const args = drawArguments();
        const session = `${random.words(1)[0]}-${random.integer(1000, 9999)}`;
        await together([args, { every: args.every }], async (each) => {
          const called = await upToCall(each, each.lines === undefined ? { session, awaitsCancelled: true } : {});
          const params = called.call.member('params');
          params.at('name').is(tool, 'Your client called a different tool.', `Call the tool ${tool}.`);
          params
            .at('arguments')
            .is(
              each,
              'The arguments of the call are wrong.',
              'Send numbers: Number(every), and Number(lines) only if the user has given LINES. Without LINES, leave lines out.',
            );
          called.call.expectAgreed();
          if (each.lines === undefined) interrupted = called;
          else inPipe = called;
        });
      },
    );

    requirement(
      'If standard output is not a terminal, the client prints one line for each log message as soon as it arrives: `LIVE: 20 lines, 200: 17, 404: 2, malformed: 1, slowest: /kitchen 912 ms`.',
      async () => {
        const { client, call } = inPipe;
        for (const counts of [drawCounts(0, false), drawCounts(1), drawCounts(), { ...drawCounts(), malformed: 0 }]) {
          await call.stream(update(counts));
          await client.prints([`LIVE: ${described(counts)}`], {
            cause: 'A log message has arrived, but your client has not printed it.',
            otherwise: 'Your client printed the counts in the wrong way.',
            advice: prompt,
          });
        }
        await asksForLogMessages();
      },
    );

    /** With a server of the newest revision, a client that speaks this revision gets log messages only if its call names a level. */
    async function asksForLogMessages(): Promise<void> {
      const script = await scriptedServer(run, { see, message: '5', env: endless }).start();
      const first = await script.next(['initialize', 'server/discover']);
      if (first.message.method === 'initialize') return;
      await first.json(
        first.result({
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {}, logging: {} },
          ttlMs: 0,
          cacheScope: 'private',
          _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'grader', version: '1.0.0' } },
        }),
      );
      const call = await script.next(['tools/call', 'initialize']);
      if (call.message.method === 'initialize') return;
      const level = 'io.modelcontextprotocol/logLevel';
      const received = call.member('params').at('_meta').at(level).value;
      expect(received === 'info' || received === 'debug', {
        cause:
          'Your client and the server agreed on revision 2026-07-28, but the call does not ask for log messages, so it gets no log message.',
        compare: { expected: `"${level}":"info"`, received: asJson(received) },
        advice:
          "Remove versionNegotiation from the options of new Client, or add _meta: { [LOG_LEVEL_META_KEY]: 'info' } to the params of callTool. In this revision, a server sends log messages only to a call that names a level.",
        see,
      });
    }

    requirement(
      'When the result has arrived, as JSON or in an event stream, the client prints its counts in a line that begins with `TOTAL:` instead of `LIVE:`, and exits with code 0.',
      async () => {
        const args = drawArguments();
        await together(['stream', 'JSON'] as const, async (how) => {
          const counts = drawCounts();
          const { client, call } = how === 'stream' ? inPipe : await upToCall(args);
          if (how === 'JSON') await call.json(call.result(resultOf(counts)));
          else await finish(call, counts);
          await client.prints([`TOTAL: ${described(counts)}`], {
            cause: 'The result has arrived, but your client has not printed its counts.',
            otherwise: 'Your client printed the totals in the wrong way.',
            advice:
              'Print TOTAL: and the counts in structuredContent of the result. They can be newer than those of the last log message.',
          });
          await client.endsWell('The call was answered', 'Set an exit code other than 0 only if something failed.');
        });
      },
    );

    requirement(
      'If standard output is a terminal, the client shows each log message in place of the message before, in one row that is cut to the width of the terminal. The line `TOTAL:` begins in an empty row.',
      async () => {
        const columns = random.integer(75, 100);
        const [short, long, shorter] = [drawCounts(3, false), drawCounts(12, false), drawCounts(2, false)];
        const total = drawCounts(3, false);
        const { client, call } = await upToCall(drawArguments(), { env: terminal(columns) });
        const rows = () => screen(client.stdout, columns).filter((row) => row !== '');
        for (const [i, counts] of [short, long, shorter].entries()) {
          const line = `LIVE: ${described(counts)}`;
          const shown = () => (rows().at(-1) ?? '').startsWith(line.slice(0, columns - 10));
          await call.stream(update(counts));
          const notShown = () => ({
            cause: 'A log message has arrived, but the last row of the terminal does not show its counts.',
            compare: { expected: line.slice(0, columns - 1), received: rows().join('\\n') || '(an empty row)' },
            advice:
              'If process.stdout.isTTY is true, write the line with process.stdout.write, without a line break at its end.',
            see,
          });
          await expectSoon(() => shown() || rows().length > 1 || client.end, notShown, client);
          const tooLong = i === 1 && rows()[0] !== `LIVE: ${described(short)}`;
          expect(rows().length <= 1, {
            cause: tooLong
              ? `A line is longer than the ${columns} columns of the terminal, but your client did not cut it.`
              : 'Your client showed a log message in a new row of the terminal instead of in place of the message before.',
            compare: { expected: '(one row)', received: rows().join('\\n') },
            advice: tooLong
              ? 'Cut the line with slice(0, process.stdout.columns - 1) before you write it.'
              : "Begin each line with '\\r\\x1b[K', which goes to the start of the row and erases it.",
            see,
          });
          expect(shown(), notShown());
          expect(i === 1 || rows()[0] === line, {
            cause:
              'A shorter line has taken the place of a longer one, but the end of the longer one is still in the row.',
            compare: { expected: line, received: rows()[0] ?? '' },
            advice:
              "Erase the row before you write the next line: '\\r' alone erases nothing, '\\x1b[K' erases the rest of the row.",
            see,
          });
        }
        await finish(call, total);
        await expectEnd(run, client, running);
        const wanted = `TOTAL: ${described(total)}`;
        const before = `LIVE: ${described(shorter)}`;
        const last = screen(client.stdout, columns).filter((row) => row !== '' && row !== before);
        expect(last.join('') === wanted, {
          cause: 'Your client printed the line TOTAL: into the row of the last log message, or did not print it.',
          compare: { expected: wanted, received: last.join('\\n') || '(nothing)' },
          advice: "Write '\\r\\x1b[K' before TOTAL: in a terminal, so that the row is empty.",
          see,
        });
      },
    );

    requirement(
      'If the server cannot be reached, answers with status 500 or a JSON-RPC error, breaks off the stream, or sends `isError`, the client prints one line on standard error and exits with code 1.',
      async () => {
        const about = {
          'no server': 'a server that cannot be reached',
          'status 500': 'status 500',
          'an error': 'an error of JSON-RPC',
          isError: 'a result with isError',
          'broken stream': 'a stream that breaks off before the result',
        } as const;
        const parts = random.words(3);
        const reason = parts.join('\n');
        const args = drawArguments();
        await together(['no server', 'status 500', 'an error', 'isError', 'broken stream'] as const, async (how) => {
          const advice =
            'Catch the error around everything that the client does, print one line with console.error, and set process.exitCode = 1.';
          if (how === 'no server') {
            const client = judgedClient(run, run.startClient('http://127.0.0.1:9/mcp', '5', '5'));
            await client.fails({ code: 1, about: about[how], advice });
            return;
          }
          const { client, call } = await upToCall(args);
          if (how === 'status 500') await call.answer(500, 'text/plain', reason);
          else if (how === 'an error') await call.json(call.error(-32603, reason));
          else if (how === 'broken stream') {
            await call.stream(': nothing has been written\n\n');
            call.breakOff();
            await expectEnd(
              run,
              client,
              'The stream of the call has broken off before the result, but your client still waits for the result.',
              endsWithStream,
            );
            const noTotal = 'Print the line TOTAL: only if a log message has arrived.';
            await client.fails({ code: 1, about: about[how], advice: client.stdout === '' ? endsWithStream : noTotal });
            return;
          } else await call.json(call.result({ ...textResult(reason), isError: true }));
          await client.fails({
            code: 1,
            about: about[how],
            has: how === 'status 500' ? [] : parts,
            oneLine: withoutBreaks,
            advice:
              how === 'isError'
                ? 'Look at isError of the result before you print the totals. The text of the result says what went wrong.'
                : advice,
          });
        });
      },
    );

    const endsWithStream =
      'End the call when its stream is over: the official client does not do this for you. Version 2 calls the function onRequestStreamEnd in the options of transport.send, and version 1 calls client.onerror.';

    requirement(
      'After Ctrl+C, the client posts `notifications/cancelled` with the `requestId` of the call, and waits for the answer before any `DELETE`. It prints one line on standard error, and exits with code 130.',
      async () => {
        const { client, call } = interrupted;
        lastCounts = drawCounts();
        for (const counts of [drawCounts(), lastCounts]) {
          await call.stream(update(counts));
          await client.prints([`LIVE: ${described(counts)}`], {
            cause: 'A log message has arrived, but your client has not printed it.',
            otherwise: 'Your client printed the counts in the wrong way.',
            advice: prompt,
          });
        }
        await expectCancelled(run, interrupted, call, { forNobody: 'so the server follows the log for nobody', see });
      },
    );
    let lastCounts: Counts;

    requirement(
      'After Ctrl+C, the client still prints the line `TOTAL:`, with the counts of the last log message that has arrived. The client prints this line only if a log message has arrived.',
      async () => {
        run.sameCapture();
        const printed = interrupted.client.stdout.trimEnd().split(/\r?\n/).at(-1)!;
        const expected = `TOTAL: ${described(lastCounts)}`;
        expect(printed === expected, {
          cause: 'The user has pressed Ctrl+C, but the last line of your client is not the newest counts.',
          compare: { expected, received: visible(printed) },
          advice:
            'Keep the data of each log message in a variable outside of the handler, and print it with TOTAL: when the call has been cancelled. Print it on standard output.',
          see,
        });
        const { client, call } = await upToCall({ every: 1 });
        await call.stream(': nothing has been written\n\n');
        client.interrupt();
        await expectEnd(run, client, 'The user has pressed Ctrl+C, but your client is still running.');
        expect(client.stdout === '', {
          cause: 'The user has pressed Ctrl+C before a log message came, but your client printed something.',
          compare: { expected: '(nothing)', received: visible(client.stdout) },
          advice: 'Print the line TOTAL: only if a log message has arrived.',
          see,
        });
        expectInterrupted(client);
      },
    );
  });
});
