import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEventStream } from '../harness/vocabulary/event-stream.ts';
import { expectStatus, finished, release, untilEnd, workMs } from '../harness/vocabulary/http.ts';
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
  expectLog,
  expectResponseLast,
  levels,
  notificationsIn,
  notified,
  paramsOf,
  responsesIn,
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

  /** What `process_files` says before it works on each file. */
  const texts = documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`);
  const see = 'npm run try lesson-9';

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const shuffled = <T>(values: readonly T[]): T[] => {
    const left = [...values];
    return values.map(() => left.splice(random.integer(0, left.length - 1), 1)[0]!);
  };

  /** Whole numbers and strings are ids; no two requests of a run have the same. */
  let requests = 0;
  const newId = () => (++requests % 2 === 0 ? requests * 10 + random.integer(0, 9) : `${word()}-${requests}`);
  const newClient = (who: string) => mcpClient(server, { who, newId });
  async function connect(who: string): Promise<McpClient> {
    const client = newClient(who);
    await initialize(client);
    await client.notify('notifications/initialized');
    return client;
  }

  /** Calls a tool, and waits for nothing. No command shows what a tool of the grader does, or several calls together. */
  const callTool = (client: McpClient, name: string, args: object, options: PostOptions = {}, id = newId()): Posted =>
    client.post(request(id, 'tools/call', { name, arguments: args }), { see: '', ...options });

  /** An answer of process_files that has ended: the one result, and nothing behind it. */
  function expectDone(posted: Posted, message: string): void {
    expectText(posted, `Done: ${message}`, 'Send what the tool of this call has returned as the result of this call.');
    expectResponseLast(posted);
  }

  task({ number: 1, title: 'Stream while the tool works', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'A call of `process_files` is answered with status 200, `Content-Type: text/event-stream`, `Cache-Control: no-cache, no-transform` and `X-Accel-Buffering: no`.',
      async () => {
        const tools = fileURLToPath(new URL('../harness/tools/logging.ts', import.meta.url));
        server = await startServer({ MORE_TOOLS: tools });
        alice = await connect('client 1');
        bob = await connect('client 2');
        const posted = callTool(alice, 'process_files', { message: word() }, { see });
        for (const _document of documents) {
          await posted.atWork();
          release(server.program);
        }
        // Many servers send the headers together with the first event, and some send that one late.
        await expectSoon(
          () => posted.status !== undefined || finished(posted),
          () => ({ cause: 'The call has no answer.', advice: 'Answer at the latest when the tool has returned.', see }),
          server.program,
          workMs,
        );
        const json = /^application\/json\b/i.test(posted.headers['content-type'] ?? '');
        expectEventStream(posted, {
          cause: json
            ? 'Your server answered the call with one JSON value, which has no room for a message before the response.'
            : 'Your server did not answer the call with an event stream.',
          advice: 'Begin an event stream as in lesson 2, and send each message in an event of its own.',
          see,
        });
      },
    );

    requirement(
      'Before it works on a file, the tool says `Processing file 1/3...` (then `2/3`, `3/3`), and that is on the wire while it works: a `notifications/message` without an `id`, with the `level` `info` and the text as `data`, in an event of its own.',
      async () => {
        const never =
          'Call context.log in the tool, and give answer the context that writes to the response, instead of silent. If you filter by level, let info through: a session begins with it.';
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
              'Send one response, when all work is done: await the work. What your server sends before is a notification.',
            see,
          });
          expect(atWork, {
            cause: `The tool is not at work on ${name}.`,
            advice: 'Go through the documents, and await work(name) once for each.',
            see,
          });
          const [message, next] = notificationsIn(posted).slice(i);
          if (!message) throw await whyNotSent(server, posted, { index: i, text: texts[i]!, work: name, never });
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
          advice:
            'Send the response after the notifications, and nothing else: its result is what the tool has returned.',
          see,
        });
      },
    );

    requirement(
      'Then comes one response, with the `id` of the request and the text `Done: {message}`, and then the end; the response is the last message.',
      async () => {
        for (const id of [newId(), 0]) {
          const message = random.words(2).join(' ');
          expectDone(await callTool(alice, 'process_files', { message }, { see }, id).done(), message);
        }
      },
    );

    requirement(
      'Meanwhile other requests are answered; of several calls at a time each gets its own messages and its own response, also when two clients use the same `id`.',
      async () => {
        const { program } = server;
        const id = newId();
        const calls: { posted: Posted; message: string; expected: number }[] = [];
        /** The call that each held piece of work belongs to, in the order of `program.held`. */
        const atWork: (typeof calls)[number][] = [];
        const alone =
          'Let each call run by itself, with an answer of its own. Look for code that makes a call wait until the one before it is done.';

        /** Each answer has as many messages as its own tool has sent, and each call that is not done is at work. */
        const expectOwn = async () => {
          const counts = () => calls.map(({ posted }) => notificationsIn(posted).length);
          const foreign = () => counts().some((count, i) => count > calls[i]!.expected);
          const each = (numbers: number[]) => numbers.map((number, i) => `${number} in answer ${i + 1}`).join(', ');
          const compare = () => ({ expected: each(calls.map(({ expected }) => expected)), received: each(counts()) });
          await expectSoon(
            () => foreign() || calls.every(({ expected }, i) => counts()[i] === expected),
            () => ({
              cause: 'A message of one call did not come while another call was at work.',
              compare: compare(),
              advice: alone,
            }),
            program,
          );
          await program.caughtUp();
          expect(!foreign(), {
            cause: 'Your server sent a message of one call in the answer to another.',
            compare: compare(),
            advice:
              'Hand on the response of the call itself: a variable outside of the handler is shared by all calls, and two clients may use the same id.',
          });
          await expectSoon(
            () => program.held.length === atWork.length,
            () => ({
              cause: 'One call is not at work while another is.',
              compare: { expected: `${atWork.length} at work`, received: `${program.held.length} at work` },
              advice: alone,
            }),
            program,
          );
        };

        for (const client of [alice, alice, bob]) {
          const message = random.words(2).join(' ');
          const posted = callTool(client, 'process_files', { message }, {}, calls.length === 0 ? newId() : id);
          calls.push({ posted, message, expected: 1 });
          atWork.push(calls.at(-1)!);
          await expectOwn();
          (await askAtWork(client, 'ping')).result();
          (await askAtWork(client, 'tools/list')).result();
        }
        // One step each, and then one call after the other to its end.
        const rest = documents.slice(1);
        for (const call of [...shuffled(calls), ...shuffled(calls).flatMap((call) => rest.map(() => call))]) {
          const index = atWork.indexOf(call);
          atWork.splice(index, 1);
          program.held[index]!.release();
          if (call.expected < documents.length) {
            call.expected++;
            atWork.push(call);
          } else {
            const cause = 'All work of one call is done, but its answer does not end while another call is at work.';
            await call.posted.doneMeanwhile({ cause, advice: alone });
          }
          await expectOwn();
        }
        for (const { posted, message } of calls) expectDone(posted, message);
      },
    );

    requirement(
      'A call of an unknown tool is still the error `-32602`, and one whose arguments do not fit is still refused, as JSON or in a stream.',
      async () => {
        const advice = 'Answer as in lesson 8: the answer may come in a stream now, but it is the same.';
        const unknown = await alice.ask('tools/call', { name: word(), arguments: {} });
        unknown.error(-32602, advice);
        const args = { message: random.integer(2, 99) };
        const misfit = await alice.ask('tools/call', { name: 'process_files', arguments: args });
        const { result } = misfit.response();
        if (result === undefined) return misfit.error(-32602, advice);
        look(result, 'result', misfit.see)
          .at('isError')
          .is(
            true,
            'process_files was called with a number as its message, but did not refuse it.',
            'Check the arguments before the tool runs, as in lesson 8.',
          );
      },
    );

    requirement(
      'The official clients of both generations get each notification while the tool is at work, and the result last.',
      async () => {
        const { program } = server;
        for (const generation of ['first', 'second'] as const) {
          const name = `The official client of the ${generation} generation`;
          const advice = 'Compare the messages in this capture with those at the beginning of the lesson.';
          const logs: Log[] = [];
          const said = () => logs.map(({ data }) => visible(String(data))).join(', ') || '(nothing)';
          const message = word();
          const official = await officialClient(server, generation, (log) => logs.push(log));
          const call = official.beginTool('process_files', { message });
          for (const [i, { name: file }] of documents.entries()) {
            await expectSoon(
              () => (program.held.length > 0 && logs.length > i) || call.over,
              () => ({
                cause: `${name} was not notified while the tool was at work on ${file}.`,
                compare: { expected: texts.slice(0, i + 1).join(', '), received: said() },
                advice,
                see,
              }),
              program,
            );
            const text = call.text();
            expect(!call.over && logs.length === i + 1 && logs[i]!.data === texts[i], {
              cause: `${name} got a different message than "${texts[i]}" while the tool was at work on ${file}.`,
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

  /** Has the tool `say` of tools/logging.ts log these, and returns the answer, which has ended. */
  async function say(client: McpClient, logs: Log[]): Promise<Posted> {
    const posted = await callTool(client, 'say', { messages: logs }).done();
    posted.result({
      when: {
        [-32602]:
          'Offer the tools of moreTools beside your own: const tools: Tool[] = [processFiles, ...moreTools]. The grader has added the tool say to them.',
      },
    });
    expectResponseLast(posted);
    return posted;
  }

  /** Asks for this level in the session of the client. */
  const askLevel = (client: McpClient, level: unknown) => {
    const what = `logging/setLevel with ${level === undefined ? 'no level' : `the level ${asJson(level)}`}`;
    return client.ask('logging/setLevel', { level }, { what });
  };

  async function setLevel(client: McpClient, level: string) {
    return (await askLevel(client, level)).result({
      like: {},
      when: {
        202: 'Answer logging/setLevel with a result. It has an id, so it is a request and not a notification, and the client waits for the result.',
        [-32602]: `Take each of the eight levels: ${levels.join(', ')}.`,
      },
    });
  }

  const bySeverity =
    'Compare the places of the levels in the table, where they get more severe from debug to emergency. Their names and their numbers are in a different order.';

  /** Of one message at each level, those at `level` and above go out, and no other; at `mayCome` it is open. */
  async function expectFilter(
    client: McpClient,
    level: string,
    when: string,
    { mayCome = '', advice = bySeverity } = {},
  ): Promise<void> {
    const said = shuffled(levels);
    const posted = await say(
      client,
      said.map((each) => ({ level: each, data: word() })),
    );
    const came = notificationsIn(posted).map((message) => String(paramsOf(message).level));
    const expected = said.filter((each) => levels.indexOf(each) >= levels.indexOf(level));
    const bySeverityOf = (names: string[]) =>
      [...names].sort((a, b) => levels.indexOf(a) - levels.indexOf(b)).join(', ') || '(none)';
    const compare = { expected: bySeverityOf(expected), received: bySeverityOf(came) };
    const below = came.find((each) => !expected.includes(each) && each !== mayCome);
    const absent = expected.find((each) => !came.includes(each));
    expect(below === undefined, {
      cause: `${when} your server sent a message with the level ${below}, which is less severe.`,
      compare,
      advice,
    });
    expect(absent === undefined, {
      cause: `${when} your server did not send a message with ${absent === level ? 'that very level' : `the level ${absent}, which is more severe`}.`,
      compare,
      advice:
        absent === level && advice === bySeverity
          ? 'Include the level itself: it is the least severe level that goes out.'
          : advice,
    });
    const order = came.filter((each) => each !== mayCome);
    expect(order.join() === expected.join(), {
      cause: 'Your server did not send the messages in the order in which the tool said them.',
      compare: { expected: expected.join(', '), received: order.join(', ') },
      advice: 'Send each message when the tool calls log.',
    });
  }

  task({ number: 2, title: 'Mind the level', file: 'server.ts' }, () => {
    requirement(
      'The answer to `initialize` has a header `MCP-Session-Id` with at least 16 visible ASCII characters: another one for each client, which nobody can guess.',
      async () => {
        const make = 'randomUUID() from node:crypto makes an id that nobody can guess.';
        let before = '';
        for (const who of ['client 3', 'client 4', 'client 5', 'client 6']) {
          const posted = await newClient(who).send(request(1, 'initialize', hello()));
          posted.result();
          const header = look(posted.headers['mcp-session-id'], 'MCP-Session-Id', posted.see);
          const id = header.string('The answer to initialize has no header MCP-Session-Id.', {
            advice: `Set the header with response.set before you send the body. ${make}`,
          });
          const short = id.length < 16;
          header.expect(
            /^[\x21-\x7e]{16,}$/.test(id),
            `The session id ${short ? 'is so short that it can be guessed' : 'has characters that are not allowed in it'}.`,
            { like: 'at least 16 visible ASCII characters', advice: `Make a longer id of such characters. ${make}` },
          );
          expect(id !== before, {
            cause: 'Two clients got the same session id.',
            compare: { expected: 'a different id for each client', received: 'one id for both' },
            advice: 'Make the id where initialize is answered, and not once for the whole program.',
            see: posted.see,
          });
          const differing = [...id].filter((character, place) => character !== before[place]).length;
          header.expect(id.length !== before.length || differing > 3, 'One session id can be guessed from another.', {
            like: `an id that nobody can guess from ${before}`,
            advice: `Make the id of neither a counter nor the time: who knows the id of a session can speak in it. ${make}`,
          });
          before = id;
        }
      },
    );

    requirement(
      'Without that header a request or a notification is answered with status 400, with an id that your server has not given with 404; only `initialize` needs none, and `ping` may do without.',
      async () => {
        const { 'MCP-Session-Id': _own, ...headers } = alice.headers;
        const stranger = mcpClient(server, { newId });
        stranger.headers = headers;
        const first =
          'Look for the header MCP-Session-Id before you look at what kind of message it is: only initialize needs no session id.';
        const over =
          'Answer 404 to an id that your server does not know. This status tells the client that its session is over, for example because the server was started again, and that it has to shake hands again.';
        const inherited = 'Keep the sessions in a Map: every object inherits some names, and this is one of them.';
        for (const [status, id, advice] of [
          [400, undefined, first],
          [404, random.words(4).join('-'), over],
          [404, 'constructor', inherited],
        ] as const) {
          const came = id === undefined ? 'came without a session id' : `came with an unknown session id, ${id}`;
          for (const message of [
            stranger.request('tools/list'),
            { jsonrpc: '2.0', method: 'notifications/initialized' },
            stranger.request('logging/setLevel', { level: 'info' }),
            stranger.request('tools/call', { name: 'process_files', arguments: { message: word() } }),
          ]) {
            const posted = await stranger.send(message, id === undefined ? {} : { headers: { 'MCP-Session-Id': id } });
            expectStatus(posted, status, {
              cause: `${posted.what} ${came}, but your server answered with status ${posted.status}.`,
              advice,
              see: posted.see,
            });
          }
        }
        (await alice.ask('tools/list')).result();
      },
    );

    requirement(
      '`logging/setLevel` takes each of the eight levels of RFC 5424, `debug` to `emergency`, and answers with an empty result; anything else as the `level` is the error `-32602`.',
      async () => {
        const client = await connect('client 3');
        // The last level is the one that a session begins with.
        for (const level of [...shuffled(levels), 'info']) {
          const result = await setLevel(client, level);
          const { value } = result;
          const empty = isObject(value) && Object.keys(value).every((key) => key === '_meta');
          result.expect(empty, 'The result of logging/setLevel is not empty.', {
            like: '"result":{}',
            advice: 'Return an empty object as the result: it says only that the level is set.',
          });
        }
        for (const level of ['verbose', 'INFO', 'warn', word(), 'toString', '', 4, null, undefined]) {
          (await askLevel(client, level)).error(
            -32602,
            'Refuse a level that is not one of the eight, which are written in lower case. The error for params that do not fit is -32602.',
          );
        }
      },
    );

    requirement(
      'Of what a tool says, the messages at the level of the session and above go out, and none below; before the first `logging/setLevel`, `info` and all above go out, and `debug` may.',
      async () => {
        const client = await connect('client 3');
        await expectFilter(client, 'info', 'Before any logging/setLevel,', { mayCome: 'debug' });
        for (const level of shuffled(levels)) {
          await setLevel(client, level);
          await expectFilter(client, level, `After logging/setLevel with ${level},`);
        }
        await setLevel(client, 'alert');
        (await askLevel(client, 'nothing')).error(-32602, 'Refuse a level that is not one of the eight.');
        const when = 'After logging/setLevel with alert, and another with a level that was refused,';
        const advice = 'Keep a level only after you have found that it is one of the eight.';
        await expectFilter(client, 'alert', when, { advice });
      },
    );

    requirement('A level holds in its session: what one client sets, another does not notice.', async () => {
      const own: (readonly [McpClient, string])[] = [];
      for (const level of shuffled(['debug', 'notice', 'critical'])) {
        own.push([await connect(`client ${own.length + 3}`), level]);
      }
      const advice =
        'Keep the level in the object that the session id leads to. A variable outside of the session is shared by all clients.';
      for (const [client, level] of own) await setLevel(client, level);
      for (const [client, level] of own) {
        const when = `One client has set ${level}, others have set other levels. In its session`;
        await expectFilter(client, level, when, { advice });
      }
      const when = 'One client has set no level, others have. In its session';
      await expectFilter(await connect('client 6'), 'info', when, { mayCome: 'debug', advice });
    });

    requirement(
      'The params of a notification are its `level`, its `data` as the tool gave it, any JSON value, and its `logger` when the tool names one.',
      async () => {
        const client = await connect('client 3');
        await setLevel(client, 'debug');
        const [one, two, three] = random.words(3) as [string, string, string];
        const logs = [
          { [one]: two, list: [random.integer(1, 99), { [three]: null }], done: false },
          [],
          random.integer(1, 99),
          0,
          false,
          null,
          '',
          `${one}: é世🎈`,
          `${two}\n\ndata: {"forged":true}\n\n`,
          `${three}\r${one}\u2028${two}`,
        ].map((data, i): Log => ({ level: random.pick(levels), data, ...(i % 3 !== 0 && { logger: word() }) }));
        const posted = await say(client, logs);
        const came = notificationsIn(posted);
        const isThere = ({ data }: Log) => came.some((each) => asJson(paramsOf(each).data) === asJson(data));
        const absent = logs.find((log) => !isThere(log));
        expect(came.length === logs.length || !absent, {
          cause: `Your server did not send the message with the data ${asJson(absent?.data)}.`,
          compare: { expected: `${logs.length} notifications`, received: String(came.length) },
          advice: 'Send null, 0, false and an empty string too: they are data like any other.',
        });
        for (const [i, log] of logs.entries()) expectLog(posted, came[i] ?? {}, { logger: undefined, ...log });
      },
    );

    requirement(
      '`DELETE /mcp` with the header ends that session and no other: its status is 2xx, and the id is answered with 404 from then on. A server that lets no client end a session answers 405, and the session goes on.',
      async () => {
        const client = await connect('client 3');
        const ended = server.request('/mcp', { method: 'DELETE', headers: client.headers, who: 'client 3' });
        const advice = 'End the response on every way through the handler, with response.end().';
        const broken = { cause: 'The connection broke before DELETE /mcp was answered.', advice };
        await untilEnd(server, ended, () => ({ cause: 'DELETE /mcp has no answer.', advice }), broken);
        const status = ended.status!;
        expect((status >= 200 && status < 300) || status === 405, {
          cause: `DELETE /mcp with the id of a session was answered with status ${status}.`,
          compare: { expected: '204 (or another 2xx, or 405)', received: String(status) },
          advice: 'Delete the session that the header MCP-Session-Id names, and answer with status 204 and no body.',
        });
        const after = await client.ask('tools/list');
        expectStatus(after, status === 405 ? 200 : 404, {
          cause:
            status === 405
              ? 'Your server answered DELETE /mcp with 405, but the session is over.'
              : 'The session has ended, but your server still answers a request with its id.',
          advice: 'Forget the session when it ends: its id is then as unknown as any other.',
          see: '',
        });
        for (const other of [alice, bob]) {
          expectStatus(await other.ask('tools/list'), 200, {
            cause: 'One client has ended its session, but the session of another is over too.',
            advice: 'Delete the session that the header names, and no other.',
            see: '',
          });
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
              'Let the tool work to its end, and drop what nobody can hear. In this revision a broken connection does not cancel the call: the client may have lost only its network, and come back.',
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
      advice: 'Keep the session until DELETE ends it: the end of a connection is not the end of a session.',
      see: '',
    });
    const count = notificationsIn(posted).length;
    expect(count === documents.length, {
      cause: `${after}, a call of process_files does not send the notifications that it sent before.`,
      compare: { expected: `${documents.length} notifications`, received: String(count) },
      advice: 'Look for what a call leaves behind: a variable outside of the handler that nobody sets back.',
    });
    expectDone(posted, message);
  }

  task({ number: 3, title: 'Survive the listener', file: 'server.ts' }, () => {
    requirement(
      'When a client leaves in mid-call, the tool works on to its end: a disconnect is not a cancellation. The session goes on, and others are served meanwhile.',
      async () => {
        await leave(alice);
        (await askAtWork(bob, 'tools/list')).result();
        await expectWorkToEnd();
        await expectServes(bob, 'After another client had left');
        await expectServes(alice, 'After this client had left in mid-call and come back');
      },
    );

    requirement(
      'A tool that throws in mid-call is answered with one result with `isError`, after what it has said, and the end; nothing breaks when its client has left.',
      async () => {
        const { program } = server;
        const reason = random.words(2).join(' ');
        const advice =
          'Catch the error, answer with a result that has isError: true, as in lesson 8, and end the response: the model should read why the tool failed.';
        const posted = callTool(alice, 'fail_midway', { reason }, { ifItThrows: { advice } });
        await posted.atWork();
        await notified(server, posted, 1);
        release(program);
        await posted.doneMeanwhile({
          cause: 'A tool threw an error in mid-call, but the answer does not end.',
          advice,
        });
        posted
          .result({
            cause: 'The failure of a tool was answered with an error of JSON-RPC.',
            like: { isError: true },
            advice,
          })
          .at('isError')
          .is(true, 'A tool threw an error, but the result does not have isError: true.', advice);
        expectLog(posted, notificationsIn(posted)[0] ?? {}, { level: 'warning', data: reason });
        expectResponseLast(posted);

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
      'What a tool says after it has returned is not sent: the response stays the last message, and the server goes on serving.',
      async () => {
        const { program } = server;
        const posted = callTool(alice, 'forget_to_wait', {});
        await posted.doneMeanwhile({
          cause: 'A tool has returned, but the answer does not end.',
          advice: 'End the answer when the tool has returned, whatever the tool has forgotten to wait for.',
        });
        posted.result();
        expectResponseLast(posted);
        await until(() => program.held.length > 0);
        release(program);
        await program.caughtUp();
        await expectServes(alice, 'After a tool had called log too late');
      },
    );

    requirement(
      'Nothing is left of a call that is over, whether its client stayed or left: no timer, and no listener.',
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
        await expectServes(alice, 'After many calls');
        await expectNoTimer(
          'A call is over, but a timer of it keeps running, although its client has stayed to the end.',
          'Clear the timer when the tool has returned or thrown, in a finally block. Then it is also cleared for clients that have left.',
        );
        // Node warns when there is an eleventh.
        for (let calls = 0; calls < 12; calls++) {
          await leave(alice);
          await expectWorkToEnd();
        }
        await expectServes(alice, 'After it had left twelve calls');
        await expectNoTimer(
          'A timer keeps running for each call whose client has left.',
          'Clear the timer in a finally block: now it is cleared only when the answer ends well.',
        );
        expect(!program.stderr.includes('MaxListenersExceededWarning'), {
          cause: 'Your server adds an event listener for each call, but does not remove it when the call is over.',
          output: /MaxListenersExceededWarning: [^.]*/.exec(program.stderr)?.[0] ?? '',
          advice:
            'Remove the listener on each way to the end of the call, in a finally block: it keeps the memory of its call.',
        });
      },
    );
  });
});
