import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEventStream } from '../harness/vocabulary/event-stream.ts';
import { expectStatus, finished, release, workMs } from '../harness/vocabulary/http.ts';
import {
  hello,
  initialize,
  mcpClient,
  request,
  type McpClient,
  type PostOptions,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  askAtWork,
  expectLastEventEnded,
  expectLog,
  expectResponseLast,
  expectToolErrorInStream,
  levels,
  newIds,
  notificationsIn,
  notified,
  paramsOf,
  responsesIn,
  tellApart,
  untilResponse,
  whyNotSent,
  type Log,
} from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import { isObject } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  /** What `process_files` logs before it works on each file. */
  const texts = documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`);
  const see = 'npm run try lesson-9';

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  /** A client that has shaken hands. How the server takes the notification is the subject of other lessons. */
  async function connect(who: string): Promise<McpClient> {
    const client = mcpClient(server, { who, newId });
    await initialize(client);
    await client.notify('notifications/initialized');
    return client;
  }

  /** Calls a tool, and waits for nothing. No command shows what a tool of the grader does, or several calls together. */
  const callTool = (client: McpClient, name: string, args: object, options: PostOptions = {}, id = newId()): Posted =>
    client.post(request(id, 'tools/call', { name, arguments: args }), { see: '', ...options });

  /** An answer of process_files that has ended: the one result, and nothing behind it. */
  function expectDone(posted: Posted, message: string): void {
    expectLastEventEnded(posted);
    expectText(posted, `Done: ${message}`, 'Send what the tool of this call has returned as the result of this call.');
    expectResponseLast(posted);
  }

  task({ number: 1, title: 'Stream while the tool works', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client calls `process_files`, the server answers with status 200, `Content-Type: text/event-stream`, `Cache-Control: no-cache, no-transform` and `X-Accel-Buffering: no`.',
      async () => {
        const tools = fileURLToPath(new URL('../harness/tools/logging.ts', import.meta.url));
        server = await startServer({ MORE_TOOLS: tools });
        alice = await connect('client 1');
        bob = await connect('client 2');
        /** Waits for the headers of an answer. Many servers send them together with the first event, and some send that one late. */
        const headersOf = async (posted: Posted) => {
          for (const _document of documents) {
            await posted.atWork();
            release(server.program);
          }
          await expectSoon(
            () => posted.status !== undefined || finished(posted),
            () => ({
              cause: 'Your server did not answer the call, although the tool has done all of its work.',
              advice:
                'Send the headers before the tool runs, with response.flushHeaders(), and the response when it has returned.',
              see,
            }),
            server.program,
            workMs,
          );
        };
        const posted = callTool(alice, 'process_files', { message: word() }, { see });
        await headersOf(posted);
        expectStatus(posted, 200, {
          cause: `Your server answered the call of process_files with status ${posted.status}.`,
          advice:
            'Send status 200 and the headers of an event stream when the message has passed the checks of lesson 7.',
          see,
        });
        const json = /^application\/json\b/i.test(posted.headers['content-type'] ?? '');
        expectEventStream(posted, {
          cause: json
            ? 'Your server answered the call with a single JSON object, which has no room for a message before the response.'
            : 'Your server did not answer the call with an event stream.',
          advice: 'Answer with an event stream as in lesson 2, and send each message in an event of its own.',
          see,
        });

        await random.aside(async () => {
          const older = mcpClient(server, { who: 'client 3' });
          await initialize(older, hello('2025-06-18'));
          for (const [who, client, headers] of [
            ['with a different Accept header', alice, { Accept: 'text/event-stream,application/json' }],
            ['with the revision 2025-06-18', older, {}],
          ] as const) {
            const each = callTool(client, 'process_files', { message: word() }, { headers }, 1);
            await headersOf(each);
            expectEventStream(each, {
              cause: `Your server streams its answer to one call, but not its answer to a call ${who}.`,
              advice:
                'Answer every call with an event stream. A client that has passed the checks of lesson 7 can read a stream, so do not look at Accept or at the revision again.',
              see: '',
            });
          }
        });
      },
    );

    requirement(
      'Before `process_files` works on a file, it logs `Processing file 1/3...` (then `2/3`, `3/3`) at the level `info`. While the tool works on this file, the server sends the text as the `data` of a `notifications/message`.',
      async () => {
        const never =
          'Follow the message through your code. The tool calls context.log. answer gets the context of this call, not silent. This context calls sendLog, which calls send, and send calls response.write. One of these calls is missing, or a return stands before it.';
        const posted = callTool(alice, 'process_files', { message: word() }, { see });
        for (const [i, { name }] of documents.entries()) {
          const atWork = await posted.atWork();
          await notified(server, posted, i + 1);
          const [response] = responsesIn(posted);
          expect(!response, {
            cause: atWork
              ? `Your server sent a response while the tool was at work on ${name}.`
              : `Your server sent the response, but the tool had not worked on ${name}.`,
            compare: { expected: texts[i]!, received: asJson(response) },
            advice:
              'Await the work, and send one response when all work is done. Every message before it is a notification.',
            see,
          });
          expect(atWork, {
            cause: `The tool is not at work on ${name}.`,
            advice: 'Go through the documents, and await work(name) once for each.',
            see,
          });
          const [message, next] = notificationsIn(posted).slice(i);
          if (!message) throw await whyNotSent(server, posted, { index: i, text: texts[i]!, work: name, never });
          const { data } = paramsOf(message);
          expect(typeof data !== 'string' || data.includes(texts[i]!), {
            cause: `process_files should log "${texts[i]}" before the work on ${name}, but it logged a different text.`,
            compare: { expected: `"data":${asJson(texts[i])}`, received: `"data":${asJson(data)}` },
            advice:
              'Log this text immediately before await work(name), and log nothing else. The number of the file counts from 1.',
            see,
          });
          expectLog(posted, message, { level: 'info', data: texts[i] });
          expect(!next, {
            cause: `Your server sent one more message while the tool was still at work on ${name}.`,
            compare: { expected: `only ${texts[i]}`, received: asJson(next) },
            advice: 'Process one file after the other: await work(name) before you go on to the next.',
            see,
          });
          release(server.program);
        }
        await untilResponse(server, posted);
        const extra = notificationsIn(posted)[documents.length];
        expect(!extra, {
          cause:
            extra && 'method' in extra
              ? 'Your server sent one more notification after the work on the last file.'
              : 'The last message is not a response: it has neither a result nor an error.',
          compare: { expected: '{"jsonrpc":"2.0","id":…,"result":…}', received: asJson(extra) },
          advice: 'Send only the response after the notifications. Its result is what the tool has returned.',
          see,
        });
      },
    );

    requirement(
      'When `process_files` has returned, the server sends one response with the `id` of the request and the text `Done: {message}`. After this last message, the server ends the stream.',
      async () => {
        for (const id of [newId(), newId(), newId(), newId(), 0, '']) {
          const message = random.words(2).join(' ');
          expectDone(await callTool(alice, 'process_files', { message }, { see }, id).done(), message);
        }
      },
    );

    requirement(
      'If a tool logs a JSON value as `data`, the server sends exactly this value, as it was when the tool called `log`. It also sends the `level`, and the `logger` if the tool names one.',
      async () => {
        const [one, two, three] = random.words(3) as [string, string, string];
        const logs = [
          { [one]: two, list: [random.integer(1, 99), { [three]: null }], done: false },
          [],
          random.integer(1, 99),
          -0.5,
          0,
          false,
          null,
          '',
          `${one}: é世🎈`,
          `${two}\n\ndata: {"forged":true}\n\n`,
          `${three}\r${one}\u2028${two}`,
          { method: 'notifications/message', id: 1, result: {} },
        ].map(
          // A server may leave out debug, which no client has asked for.
          (data, i): Log => ({ level: levels[1 + (i % 7)]!, data, ...(i % 3 !== 0 && { logger: `${word()} "é"` }) }),
        );
        const posted = await callTool(alice, 'say', { messages: logs }).done();
        posted.result({
          when: {
            [-32602]:
              'Offer the tools of moreTools beside your own: const tools: Tool[] = [processFiles, ...moreTools]. The grader has added the tool say to them.',
          },
        });
        const came = notificationsIn(posted);
        const isThere = ({ data }: Log) => came.some((each) => asJson(paramsOf(each).data) === asJson(data));
        const absent = logs.find((log) => !isThere(log));
        expect(came.length === logs.length || !absent, {
          cause: `Your server did not send the message with the data ${asJson(absent?.data)}.`,
          compare: { expected: `${logs.length} notifications`, received: String(came.length) },
          advice: 'Send every value that the tool logs: null, 0, false and an empty string are data too.',
        });
        for (const [i, log] of logs.entries()) expectLog(posted, came[i] ?? {}, { logger: undefined, ...log });
        expectResponseLast(posted);

        const [before, after] = random.words(2) as [string, string];
        const changed = await callTool(alice, 'change_afterwards', { before, after }).done();
        changed.result();
        const [message = {}] = notificationsIn(changed);
        const { data } = paramsOf(message);
        expect(!isObject(data) || data.step !== after || before === after, {
          cause: 'A tool changed an object after it had logged it, and your server sent the changed object.',
          compare: { expected: asJson({ step: before, seen: [before] }), received: asJson(data) },
          advice: 'Make the JSON when the tool calls log: a list of objects that is sent later shows later values.',
        });
        expectLog(changed, message, { level: 'notice', data: { step: before, seen: [before] } });

        // More than a response takes before write returns false: some code drops what comes next, or keeps it as an object.
        const long = 2 ** 18;
        const behind = await callTool(alice, 'change_afterwards', { before, after, long }, {}, 1).done();
        behind.result();
        const values = notificationsIn(behind).map((each) => paramsOf(each).data);
        expect(values.length === 3, {
          cause: 'A tool logged two long strings and an object, but your server did not send all of these messages.',
          compare: { expected: '3 notifications', received: String(values.length) },
          advice:
            'Send every message. If response.write returns false, Node keeps what you have written until it can send it, so do not look at writableNeedDrain or writableLength.',
        });
        const [kept, sent] = [{ step: before, seen: [before] }, values[2]].map(asJson);
        expect(sent === kept, {
          cause:
            'A tool logged two long strings and an object, and changed the object after that. Your server sent the changed object.',
          compare: { expected: kept!, received: sent! },
          advice: 'Make the JSON when the tool calls log. A stream that you give objects can keep them for a while.',
        });
      },
    );

    requirement(
      'While a tool works, the server answers other requests. If several calls run at the same time, also with the same `id`, each call gets its own log messages and its own response.',
      async () => {
        const id = newId();
        await tellApart(server, {
          texts,
          call: (client, message, own) => callTool(client, 'process_files', { message }, {}, own),
          calls: [
            { client: alice, id: newId() },
            { client: alice, id },
            { client: bob, id },
          ],
          meanwhile: async (client) => {
            (await askAtWork(client, 'ping')).result();
            (await askAtWork(client, 'tools/list')).result();
          },
          expectDone,
        });

        // Each client counts its requests from 1, so two clients that ask for the same also send the same bytes.
        const message = random.aside(word);
        const same = (client: McpClient) => callTool(client, 'process_files', { message }, {}, 1);
        const twins = [same(alice)];
        await twins[0]!.atWork();
        twins.push(same(bob));
        await twins[1]!.atWork(2, {
          cause: 'Two clients sent the same call at the same time, but only one of the calls is at work.',
          advice: 'Let each call run its own tool, also if another call has the same id and the same arguments.',
        });
        const expectOwn = async (posted: Posted) => {
          await posted.done();
          const count = notificationsIn(posted).length;
          expect(count === texts.length, {
            cause:
              'Clients sent the same call several times, and one of the answers does not have the messages of its own call.',
            compare: { expected: `${texts.length} notifications`, received: String(count) },
            advice:
              'Run the tool for each call, and write to the response of this call. Two calls can be the same in all of their members, so find neither a response nor a result by what the request says.',
          });
          expectDone(posted, message);
        };
        for (const posted of twins) await expectOwn(posted);
        await expectOwn(same(alice));
      },
    );

    requirement(
      'If a call names an unknown tool, the server answers with the error `-32602`, as JSON or in a stream. If the arguments of a call do not fit, it answers with this error or with `isError: true`.',
      async () => {
        const advice =
          'Answer as in lesson 8. The answer may now come in a stream, but the message in it is still the same.';
        const unknown = await alice.ask('tools/call', { name: word(), arguments: {} });
        unknown.error(-32602, advice);
        const args = { message: random.integer(2, 99) };
        const misfit = await alice.ask('tools/call', { name: 'process_files', arguments: args });
        expect([200, 400].includes(misfit.status!), {
          cause: `A call whose arguments do not fit was answered with status ${misfit.status}.`,
          compare: { expected: '200', received: String(misfit.status) },
          advice,
          see: misfit.see,
        });
        const { result } = misfit.response();
        if (result === undefined) return misfit.error(-32602, advice);
        look(result, 'result', misfit.see)
          .at('isError')
          .is(
            true,
            'A call had a number as the message, but process_files did not refuse it.',
            'Check the arguments before the tool runs, as in lesson 8.',
          );
      },
    );

    requirement(
      'The server declares the capability `logging` in its answer to `initialize`. If a client sends `logging/setLevel` with one of the eight levels, the server answers with an empty result.',
      async () => {
        const client = mcpClient(server, { newId });
        (await initialize(client)).at('capabilities').at('logging').object('The capability logging is not an object.', {
          missing: 'Your server sends log messages, but does not declare the capability logging.',
          like: '{}',
          advice: 'Add logging: {} to the capabilities in the result of initialize.',
        });
        for (const level of levels) {
          const what = `logging/setLevel with the level ${level}`;
          const posted = await client.ask('logging/setLevel', { level }, { what });
          const result = posted.result({
            like: {},
            when: {
              202: 'Answer logging/setLevel with a result: it has an id, so it is a request, and the client waits for the result.',
              [-32601]:
                "Add a function 'logging/setLevel' to methods. A server that declares logging has to accept this request; some clients send it before their first call.",
              [-32602]: `Accept each of the eight levels: ${levels.join(', ')}.`,
            },
          });
          const empty = isObject(result.value) && Object.keys(result.value).every((key) => key === '_meta');
          result.expect(empty, 'The result of logging/setLevel is not empty.', {
            like: '"result":{}',
            advice: 'Return an empty object as the result: it only says that the server has accepted the level.',
          });
        }
      },
    );

    requirement(
      'The official MCP clients of both generations receive each log message while the tool works, and then the result.',
      async () => {
        const { program } = server;
        for (const generation of ['first', 'second'] as const) {
          const name = `The official client of the ${generation} generation`;
          const advice = 'Compare the messages in this capture with the messages at the beginning of the lesson.';
          const logs: Log[] = [];
          const said = () => logs.map(({ data }) => visible(String(data))).join(', ') || '(nothing)';
          const message = word();
          const official = await officialClient(server, generation, (log) => logs.push(log));
          const call = official.beginTool('process_files', { message });
          for (const [i, { name: file }] of documents.entries()) {
            await expectSoon(
              () => (program.held.length > 0 && logs.length > i) || call.over,
              () => ({
                cause: `${name} did not receive a message while the tool was at work on ${file}.`,
                compare: { expected: texts.slice(0, i + 1).join(', '), received: said() },
                advice: `${advice} If your server drops messages by their level already, remove this: here it sends every message, and lesson 10 keeps a level for each client.`,
                see,
              }),
              program,
            );
            const text = call.text();
            expect(!call.over && logs.length === i + 1 && logs[i]!.data === texts[i], {
              cause: `${name} did not receive "${texts[i]}" alone while the tool was at work on ${file}.`,
              compare: { expected: texts[i]!, received: call.over ? asJson(text) : said() },
              advice,
              see,
            });
            release(program);
          }
          await expectSoon(
            () => call.over,
            () => ({ cause: `${name} got no result.`, advice, see }),
            program,
          );
          const wrong = `${name} got a wrong result.`;
          look(call.text(), 'text', see).is(`Done: ${message}`, wrong, 'Send every client the same result.');
        }
      },
    );
  });

  /** Calls process_files, and leaves while the tool is at work on the first file. */
  async function leave(client: McpClient): Promise<void> {
    const posted = callTool(client, 'process_files', { message: word() });
    await posted.atWork();
    await notified(server, posted, 1);
    posted.close();
    await server.program.caughtUp();
  }

  /** The work of a call continues to its end, although nobody listens any more. */
  async function expectWorkToEnd(): Promise<void> {
    const { program } = server;
    for (const { name } of documents) {
      await expectSoon(
        () => program.held.length > 0,
        () => {
          missing(`at work: ${name}`);
          return {
            cause: `The client left, and the tool did not continue with ${name}.`,
            advice:
              'Let the tool work to its end, and drop the messages. In this revision a broken connection does not cancel the call: the client may have lost only its network, and can come back.',
          };
        },
        program,
      );
      release(program);
    }
    await program.caughtUp();
  }

  /** The server does what it did before. */
  async function expectServes(client: McpClient, after: string): Promise<void> {
    const message = word();
    const posted = await callTool(client, 'process_files', { message }).done();
    expectStatus(posted, 200, {
      cause: `${after}, your server answered a call of process_files with status ${posted.status}.`,
      advice: 'Keep what the server knows about a client when a connection closes: the client may come back.',
      see: '',
    });
    const count = notificationsIn(posted).length;
    expect(count === documents.length, {
      cause: `${after}, a call of process_files does not send the notifications that it sent before.`,
      compare: { expected: `${documents.length} notifications`, received: String(count) },
      advice: 'Look for something that a call leaves behind, for example in a variable outside of the handler.',
    });
    expectDone(posted, message);
  }

  task({ number: 2, title: "Survive the client's leaving", file: 'server.ts' }, () => {
    requirement(
      'If a client leaves during a call, the tool continues to its end, and the server answers other requests meanwhile. Later, the server also answers new calls of this client.',
      async () => {
        await leave(alice);
        (await askAtWork(bob, 'tools/list')).result();
        await expectWorkToEnd();
        await expectServes(bob, 'After another client had left');
        await expectServes(alice, 'After this client had left during a call and had come back');
      },
    );

    const oneResult =
      'Catch whatever the tool throws, answer with a result that has isError: true, as in lesson 8, and end the stream. The status 200 has been sent, so only a message can report the failure.';

    requirement(
      'If a tool throws during a call, the server sends the log messages that came before, then one result with `isError: true`, and ends the stream. The tool can throw an error, a string or `null`.',
      async () => {
        const { program } = server;
        for (const [throws, thrown] of [
          [undefined, 'an error'],
          ['string', 'a string'],
          ['null', 'null'],
          ['undefined', 'undefined'],
          ['object', 'an object'],
        ] as const) {
          const reason = random.words(2).join(' ');
          const what = `The call of a tool that throws ${thrown}`;
          const args = { reason, ...(throws && { throws }) };
          const posted = callTool(alice, 'fail_midway', args, { what, ifItThrows: { advice: oneResult } });
          await posted.atWork();
          await notified(server, posted, 1);
          release(program);
          await posted.doneMeanwhile({
            cause: `A tool threw ${thrown} during a call, but your server did not end the stream.`,
            advice: oneResult,
          });
          expectToolErrorInStream(
            posted,
            oneResult,
            throws === undefined ? reason : throws === 'string' ? 'only a string' : '',
          );
          expectLog(posted, notificationsIn(posted)[0] ?? {}, { level: 'warning', data: reason });
          expectResponseLast(posted);
        }
        const reason = random.words(2).join(' ');
        const early = callTool(alice, 'fail_early', { reason }, { ifItThrows: { advice: oneResult } });
        await early.doneMeanwhile({
          cause: 'A tool threw an error before it returned a promise, but your server did not end the stream.',
          advice: oneResult,
        });
        expectToolErrorInStream(early, oneResult, reason);

        const left = callTool(alice, 'fail_midway', { reason });
        await left.atWork();
        left.close();
        await program.caughtUp();
        release(program);
        await program.caughtUp();
        await expectServes(bob, 'After a tool had failed whose client had left');
      },
    );

    requirement(
      'If a tool returns `undefined`, `null`, or a value that JSON cannot hold, the server sends one result with `isError: true` and ends the stream.',
      async () => {
        for (const value of ['nothing', 'null', 'a BigInt', 'a circular object', 'a function']) {
          const advice =
            'Make the JSON of the result inside the try block that catches the failure of the tool. Then a value that cannot be sent becomes a result with isError: true.';
          const what = `The call of a tool that returns ${value}`;
          const posted = callTool(alice, 'return_odd', { what: value }, { what, ifItThrows: { advice } });
          await posted.doneMeanwhile({
            cause: `A tool returned ${value}, but your server did not end the stream.`,
            advice,
          });
          expect(value !== 'a function' || /"(result|error)":/.test(posted.text), {
            cause: 'A tool returned a function, and your server sent a response without a result.',
            advice:
              'Inside the try block, parse what JSON.stringify has returned. For a function it returns undefined, and JSON.parse(undefined) throws an error.',
          });
          expectToolErrorInStream(posted, advice);
          expectLog(posted, notificationsIn(posted)[0] ?? {}, { level: 'warning', data: value });
          expectResponseLast(posted);
        }
      },
    );

    requirement(
      'If a tool calls `log` after the server has sent the response, the server does not send this message, and it continues to answer requests.',
      async () => {
        const { program } = server;
        const advice =
          'Before you write, look whether the response has ended: response.writableEnded is true after response.end().';
        const posted = callTool(alice, 'forget_to_wait', {}, { ifItThrows: { advice } });
        await posted.doneMeanwhile({
          cause: 'A tool has returned, but your server did not end the stream.',
          advice:
            'End the stream when the tool has returned. Do not wait for work that the tool itself does not await.',
        });
        posted.result();
        expectResponseLast(posted);
        await until(() => program.held.length > 0);
        release(program);
        await program.caughtUp();
        await expectServes(alice, 'After a tool had called log too late');

        // A client that reads slowly: the server has ended the response long before the last byte of it is out.
        // The system takes about four mebibytes from the server. With much more, right answers with web streams are slow.
        const what = 'The call of a client that reads slowly';
        const slow = callTool(bob, 'forget_to_wait', { mebibytes: 6 }, { what, ifItThrows: { advice } });
        await slow.atWork();
        await notified(server, slow, 1);
        slow.pause();
        release(program);
        await program.caughtUp();
        await until(() => program.held.length > 0);
        release(program);
        await program.caughtUp();
        slow.resume();
        await slow.done();
        slow.result();
        expectResponseLast(slow);
        await expectServes(bob, 'After a tool had called log too late, and its client had read slowly');

        // A part of a tool fails, and another part continues.
        const failed = callTool(alice, 'forget_to_wait', { fails: true }, { ifItThrows: { advice } }, 1);
        await failed.doneMeanwhile({
          cause: 'A tool has failed, but your server did not end the stream.',
          advice: 'End the stream when the tool has thrown. Do not wait for work that the tool itself does not await.',
        });
        expectResponseLast(failed);
        await until(() => program.held.length > 0);
        release(program);
        await program.caughtUp();
        await random.aside(() => expectServes(alice, 'After a tool had failed, and had then called log'));
      },
    );

    requirement(
      'When a call is over, its timers and its event listeners are gone. This is also true if the client has left, or if the tool has thrown an error.',
      async () => {
        const { program } = server;
        await program.caughtUp();
        const before = program.timers;
        const expectNoTimer = async (cause: string, advice: string) => {
          // A connection that closes takes some turns of the event loop.
          const gone = async () => (await program.caughtUp(), program.timers <= before);
          for (let tries = 0; tries < 40 && !(await gone()); tries++) await until(() => false, 25);
          expect(program.timers <= before, { cause, advice });
        };
        const inFinally =
          'Clear the timer in a finally block, when the tool has returned or thrown: then every way to the end of a call clears it.';
        await expectServes(alice, 'After many calls');
        await expectNoTimer(
          'A call is over and its client has stayed to the end, but a timer of it keeps running.',
          inFinally,
        );
        await callTool(alice, random.aside(word), {}, {}, 1).done();
        await expectNoTimer('A call of an unknown tool is over, but a timer of it keeps running.', inFinally);
        await callTool(alice, 'forget_to_wait', {}, {}, 1).doneMeanwhile({
          cause: 'A tool has returned, but your server did not end the stream.',
          advice: 'End the stream when the tool has returned.',
        });
        await until(() => program.held.length > 0);
        release(program);
        await expectNoTimer(
          'A tool called log after its response, and a timer that your server started for this message keeps running.',
          'Look at response.writableEnded before you start a timer, not only before you write.',
        );
        // One connection for these calls, as clients have it: a listener on its socket stays when a call is over.
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          for (let calls = 0; calls < 12; calls++) {
            await callTool(alice, 'fail_midway', { reason: word() }, { agent }).done();
          }
        } finally {
          agent.destroy();
        }
        await expectNoTimer(
          'A tool has thrown an error and its call is over, but a timer of it keeps running.',
          inFinally,
        );
        // Node warns when there is an eleventh listener.
        for (let calls = 0; calls < 12; calls++) {
          await leave(alice);
          await expectWorkToEnd();
        }
        await expectServes(alice, 'After it had left twelve calls');
        await expectNoTimer('A client has left and its call is over, but a timer of it keeps running.', inFinally);
        expect(!program.stderr.includes('MaxListenersExceededWarning'), {
          cause: 'Your server adds an event listener for each call, but does not remove it when the call is over.',
          output: /MaxListenersExceededWarning: [^.]*/.exec(program.stderr)?.[0] ?? '',
          advice:
            'Remove the listener in a finally block, so that it is removed on every way to the end of the call: it keeps the memory of its call.',
        });
      },
    );
  });
});
