import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { crashed, explainEnd } from '../harness/programs/crash-report.ts';
import type { Held } from '../harness/programs/program.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { noTimerLeft } from '../harness/vocabulary/command-line.ts';
import { expectComments, expectEventStream } from '../harness/vocabulary/event-stream.ts';
import { finished, received, release, workMs } from '../harness/vocabulary/http.ts';
import { mcpClient, request, type Posted } from '../harness/vocabulary/mcp-client.ts';
import {
  expectLog,
  expectResponseLast,
  levels,
  newIds,
  notificationsIn,
  notified,
  paramsOf,
  responsesIn,
  tellApart,
  whyNotSent,
} from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import { isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

const revision = '2026-07-28';
const meta = (name: string) => `io.modelcontextprotocol/${name}`;
const acknowledged = 'notifications/subscriptions/acknowledged';
const listChanged = 'notifications/tools/list_changed';

/** What a request may say beside its method and its params. */
type More = {
  /** Its id: a new one, unless told. */
  id?: string | number;
  /** Members of `_meta`, beside those that every request has. */
  _meta?: Message;
  /** Further headers. */
  headers?: Record<string, string>;
  /** How the transcript names its client. */
  who?: string;
  /** The command that shows the same; empty where no command does. */
  see?: string;
};

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  let server: Server;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const tools = fileURLToPath(new URL('../harness/tools/remembering.ts', import.meta.url));
  const start = (env: Record<string, string> = {}) => startServer({ MORE_TOOLS: tools, ...env });

  /** Posts a request that says all that revision 2026-07-28 asks for, and waits for nothing. */
  function post(method: string, params: Message = {}, more: More = {}, at = server): Posted {
    const { id = newId(), _meta = {}, headers = {}, who, see } = more;
    const all = {
      ...params,
      _meta: {
        [meta('protocolVersion')]: revision,
        [meta('clientInfo')]: { name: 'grader', version: '0.9.0' },
        [meta('clientCapabilities')]: {},
        ..._meta,
      },
    };
    const standard = {
      'MCP-Protocol-Version': revision,
      'Mcp-Method': method,
      ...(method === 'tools/call' && { 'Mcp-Name': String(params.name) }),
    };
    return mcpClient(at, { who }).post(request(id, method, all), {
      headers: { ...standard, ...headers },
      ...(see !== undefined && { see }),
    });
  }

  /** No command shows what a tool of the grader does, or several calls together. */
  const calls: Posted[] = [];
  const call = (name: string, args: object, more: More = {}, at = server): Posted => {
    const posted = post('tools/call', { name, arguments: args }, { see: '', ...more }, at);
    calls.push(posted);
    return posted;
  };

  /** Whatever else a test finds: a call that is given up although its client waits says why. */
  const whileTheClientWaits = (test: () => Promise<void>) => async () => {
    try {
      await test();
    } catch (thrown) {
      const givenUp = calls.some(({ text }) => text.includes('operation was aborted'));
      if (!(thrown instanceof Failure) || !givenUp) throw thrown;
      throw new Failure({
        cause: 'A client waits for the response of its call, but your server aborted the signal of this call.',
        advice: `Listen for close on the response, and not on the request. ${ownController}`,
      });
    }
  };

  const atLevel = (level: unknown): More => ({ _meta: { [meta('logLevel')]: level } });

  const named = (level: string | undefined) =>
    level === undefined ? 'A request had no logLevel' : `A request had the logLevel ${level}`;

  const byRequest =
    'Read the level from params._meta of this request, in the handler of this request. A variable outside of the handler is shared by all requests, and so is a table.';

  const bySeverity =
    'Compare the positions of two levels in the list, from debug to emergency. Do not compare the strings, which would follow the alphabet.';

  /** The levels, the least severe first. */
  const sorted = (names: string[]) =>
    names.toSorted((a, b) => levels.indexOf(a) - levels.indexOf(b)).join(', ') || '(no message)';

  /** One message at each level: those at `level` and above come, and no other. Without a level, none comes. */
  async function expectFilter(level: string | undefined, advice: string, more: More = {}): Promise<void> {
    const messages = random.shuffled(levels).map((each) => ({ level: each, data: word() }));
    const own = level === undefined ? more : { ...atLevel(level), ...more };
    const posted = await call('say', { messages }, own).done();
    posted.result({ advice });
    expectResponseLast(posted);
    const came = notificationsIn(posted).map((message) => String(paramsOf(message).level));
    const from = (least: string) => levels.filter((each) => levels.indexOf(each) >= levels.indexOf(least));
    const expected = level === undefined ? [] : from(level);
    const compare = { expected: sorted(expected), received: sorted(came) };
    expect(level !== undefined || came.length === 0, {
      cause: 'A request had no logLevel, but your server sent log messages for it.',
      compare,
      advice: `Return from log if the request has no level: level === undefined. There is no default. ${advice}`,
    });
    expect(level === undefined || came.length > 0, {
      cause: `${named(level)}, but your server sent no log message for it.`,
      compare,
      advice:
        level === 'debug'
          ? 'Compare the level of the request with undefined. The position of debug in the list is 0, which counts as false.'
          : 'Read the level from params._meta of this request, and drop a message only if it is less severe. The logger of a message can be missing.',
    });
    for (const message of notificationsIn(posted)) {
      const { level, data } = paramsOf(message);
      // Beside the message that is most like it, only what is wrong differs.
      const likeness = (each: Message) => 2 * Number(each.data === data) + Number(each.level === level);
      expectLog(posted, message, messages.toSorted((a, b) => likeness(b) - likeness(a))[0]!);
    }
    const instead = levels.find((each) => sorted(from(each)) === sorted(came));
    const above = levels[levels.indexOf(level ?? '') + 1];
    expect(instead === undefined || instead !== above, {
      cause: `${named(level)}, but your server did not send the message at exactly this level.`,
      compare,
      advice: 'Send a message at the level of the request too: compare with < and not with <=.',
    });
    expect(came.length < levels.length || level === 'debug', {
      cause: `${named(level)}, but your server sent the messages at all eight levels.`,
      compare,
      advice:
        'Compare the level of the message with the level of the request, and return if the message is less severe.',
    });
    expect(instead === undefined || instead === level, {
      cause: `${named(level)}, but your server filtered its messages by the level ${instead}.`,
      compare,
      advice: byRequest,
    });
    expect(sorted(came) === sorted(expected), {
      cause: `${named(level)}, but your server sent the wrong messages.`,
      compare,
      advice: bySeverity,
    });
  }

  /** Data of each type of JSON, with and without a logger, arrives as the tool has given it to `log`. */
  async function expectAnyData(): Promise<void> {
    const logs = random.shuffled([word(), '', 0, false, null, [word()], { [word()]: word() }]);
    const messages = logs.map((data, i) => ({ level: 'error', data, ...(i % 2 === 0 && { logger: word() }) }));
    const posted = await call('say', { messages }, { ...atLevel('error'), id: word() }).done();
    const came = notificationsIn(posted);
    const texts = came.map((message) => asJson(paramsOf(message).data));
    expect(came.length >= messages.length, {
      cause: `A tool logged ${messages.length} messages, but your server sent ${came.length} of them.`,
      compare: { expected: messages.map(({ data }) => asJson(data)).join(', '), received: texts.join(', ') },
      advice: 'Look only at the level in log. The data can be any JSON value, and the logger can be missing.',
    });
    for (const [i, message] of came.entries()) expectLog(posted, message, { logger: undefined, ...messages[i]! });
  }

  task({ number: 1, title: 'Log for one request', file: 'server.ts' }, () => {
    requirement(
      'If a `tools/call` request has a `logLevel` in its `_meta`, the server sends each log message of at least this level in the event stream of this response, while the tool is at work.',
      whileTheClientWaits(async () => {
        server = await start();
        const { program } = server;
        const message = word();
        const posted = call('process_files', { message }, { ...atLevel('info'), who: 'client 1' });
        const advice = `Read the level from params._meta, under the name ${meta('logLevel')}, and give it to the function log. It compares the level of each message with it, and sends a message at the same level too.`;
        for (const [i, { name }] of documents.entries()) {
          await posted.atWork();
          if (posted.status !== undefined && posted.status !== 200) posted.result();
          await notified(server, posted, i + 1);
          const text = `Processing file ${i + 1}/${documents.length}...`;
          const sent = notificationsIn(posted)[i];
          if (!sent) throw await whyNotSent(server, posted, { index: i, text, work: name, never: advice });
          expectLog(posted, sent, { level: 'info', data: text });
          release(program);
        }
        await posted.done();
        expectEventStream(posted, { see: '' });
        expectText(posted, `Done: ${message}`, 'Send what the tool has returned as its result.');
        expectResponseLast(posted);
        for (const level of random.shuffled(levels)) await expectFilter(level, advice);
        await random.aside(expectAnyData);
      }),
    );

    requirement(
      'If a request has no `logLevel`, the server drops every log message of its tool, at each level. The result comes as before.',
      whileTheClientWaits(async () => {
        const advice = 'Do not begin with a level such as info, as a session of lesson 10 did.';
        await expectFilter(undefined, advice);
        const message = word();
        const posted = await call('process_files', { message }).done();
        expectText(posted, `Done: ${message}`, 'Run the tool and send its result, with or without a logLevel.');
        expect(notificationsIn(posted).length === 0, {
          cause: 'A request had no logLevel, but your server sent log messages for it.',
          compare: { expected: '(the result)', received: asJson(notificationsIn(posted)[0]) },
          advice,
        });
      }),
    );

    requirement(
      'If the `logLevel` of a request is not one of the eight levels, the server answers with the error `-32602`. It runs no tool.',
      whileTheClientWaits(async () => {
        const { program } = server;
        const wrong = [
          'verbose',
          'INFO',
          'warn',
          'error ',
          word(),
          '__proto__',
          '',
          '4',
          4,
          0,
          true,
          null,
          ['info'],
          {},
        ];
        const advice =
          'Add the level to the schema of _meta: z.enum(levels).optional() accepts the eight strings and nothing else. A request whose _meta does not fit is refused before its method is called.';
        for (const [i, level] of wrong.entries()) {
          const asksTool = i % 3 !== 2;
          const params = asksTool ? { name: 'process_files', arguments: { message: word() } } : {};
          const posted = post(asksTool ? 'tools/call' : 'tools/list', params, atLevel(level));
          await expectSoon(
            () => finished(posted) || program.held.length > 0,
            () => ({
              cause: `Your server did not answer a request whose logLevel is ${asJson(level)}.`,
              advice,
              see: posted.see,
            }),
            program,
            workMs,
          );
          const works = program.held.length > 0;
          await posted.done();
          expect(!works, {
            cause: `The logLevel of a call is ${asJson(level)}, which is not one of the eight levels, but your server ran the tool.`,
            advice,
            see: posted.see,
          });
          posted.error(-32602, advice);
        }
      }),
    );

    requirement(
      'The level of a request applies to this request only. Later requests and requests at the same time have their own level or no level, even with the same `id`.',
      whileTheClientWaits(async () => {
        for (const level of random.shuffled(['debug', undefined, 'warning', 'critical', undefined])) {
          await expectFilter(level, byRequest);
        }
        await besideEachOther();
      }),
    );

    requirement(
      'If a request with a complete `_meta` has the method `initialize`, `logging/setLevel` or `ping`, the server answers with status 404 and the error `-32601`. No response has the header `MCP-Session-Id`, and the server ignores this header in a request.',
      whileTheClientWaits(async () => {
        const gone: [string, Message][] = [
          [
            'initialize',
            { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'grader', version: '0.9.0' } },
          ],
          ['logging/setLevel', { level: 'debug' }],
          ['ping', {}],
        ];
        const noSession = (posted: Posted) =>
          expect(posted.headers['mcp-session-id'] === undefined, {
            cause: `Your server sent a session id in its answer to ${asJson((posted.message as Message).method)}.`,
            compare: { expected: '(no MCP-Session-Id)', received: 'MCP-Session-Id: …' },
            advice:
              'Take the sessions out of your server. Revision 2026-07-28 has no sessions, and a client does not send the id back.',
            see: posted.see,
          });
        for (const [method, params] of gone) {
          const posted = await post(method, params).done();
          noSession(posted);
          posted.refused(
            404,
            -32601,
            `Remove ${method} from methods. This revision does not have this method, so it is an unknown method like any other.`,
          );
        }
        await expectFilter(undefined, byRequest);
        for (const id of [word(), random.words(4).join('-')]) {
          const posted = await post('tools/list', {}, { headers: { 'MCP-Session-Id': id } }).done();
          posted.result({
            advice:
              'Do not read the header MCP-Session-Id. An old client may still send it, and it has no meaning here.',
          });
          noSession(posted);
        }
      }),
    );

    requirement(
      'If the server is started again between two requests of a client, the client does not notice it: the server answers the second request like the first one.',
      whileTheClientWaits(async () => {
        const first = server;
        const fresh = await start();
        const advice =
          'Answer each request from what this request says. A server that has been started again knows nothing else.';
        const messages = [
          { level: 'info', data: word() },
          { level: 'error', data: word() },
        ];
        const more = { ...atLevel('warning'), id: newId() };
        const said: string[] = [];
        for (const at of [first, fresh]) {
          const posted = await call('say', { messages }, more, at).done();
          posted.result({
            ...(at === fresh && {
              cause: 'Your server was started again, and then it refused a request that it had answered before.',
            }),
            advice,
          });
          said.push(
            posted
              .messages()
              .map((message) => JSON.stringify(message))
              .join('\n'),
          );
        }
        expect(said[0] === said[1], {
          cause: 'Your server was started again, and then it answered the same request in a different way.',
          compare: { expected: visible(said[0]!.slice(0, 200)), received: visible(said[1]!.slice(0, 200)) },
          advice,
        });
        server = fresh;
      }),
    );

    requirement(
      'If the official client asks for a `logLevel`, it gets each log message of at least this level while the tool is at work. Otherwise it gets only the result.',
      whileTheClientWaits(async () => {
        const { program } = server;
        for (const logLevel of ['info', undefined]) {
          const heard: string[] = [];
          const client = await officialClient(server, 'stateless', ({ data }) => heard.push(String(data)), {
            ...(logLevel !== undefined && { logLevel }),
          });
          const message = word();
          const begun = client.beginTool('process_files', { message });
          const advice = `Compare the answer to its call with the lesson. The level is in params._meta, under the name ${meta('logLevel')}.`;
          for (let i = 1; i <= documents.length; i++) {
            const texts = Array.from({ length: i }, (_, j) => `Processing file ${j + 1}/${documents.length}...`);
            const expected = logLevel === undefined ? [] : texts;
            await expectSoon(
              () => begun.over || (program.held.length > 0 && heard.length >= expected.length),
              () => ({
                cause:
                  'The official client asked for log messages, but it did not get them while the tool was at work.',
                compare: { expected: expected.join(', '), received: heard.join(', ') || '(nothing)' },
                advice,
              }),
              program,
            );
            begun.text();
            look(heard, 'messages', '').is(expected, 'The official client got the wrong log messages.', advice);
            release(program);
            await program.caughtUp();
          }
          await expectSoon(
            () => begun.over,
            () => ({ cause: 'The official client got no result.', advice }),
            program,
          );
          look(begun.text(), 'text', '').is(`Done: ${message}`, 'The official client got the wrong text.', advice);
        }
      }),
    );
  });

  /** Three calls with one id run at the same time, each at a level of its own. */
  async function besideEachOther(): Promise<void> {
    const clients = ['client 1', 'client 2', 'client 3'].map((who) => mcpClient(server, { who }));
    const own = new Map(clients.map((client, i) => [client, ['info', undefined, 'warning'][i]]));
    const id = newId();
    await tellApart(server, {
      texts: documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`),
      call: (client, message, id) =>
        call('process_files', { message }, { id, who: client.who!, ...(own.get(client) && atLevel(own.get(client))) }),
      calls: clients.map((client) => ({ client, id })),
      logs: (client) => own.get(client) === 'info',
      expectDone(posted, message) {
        expectText(posted, `Done: ${message}`, 'Send what the tool of this call has returned as its result.');
        expectResponseLast(posted);
      },
    });
  }

  /** A call whose tool is at work. */
  type Running = { posted: Posted; held: Held; text: string };

  /** Calls a tool, and waits until it is at work. */
  async function begin(name: string, more: More = {}, args: object = {}): Promise<Running> {
    const { program } = server;
    const before = [...program.held];
    const text = random.words(2).join(' ');
    const posted = call(name, name === 'process_files' ? { message: text } : { text, ...args }, more);
    const held = () => program.held.find((each) => !before.includes(each));
    await expectSoon(
      () => held() ?? finished(posted),
      () => {
        missing(`at work: ${name}`);
        return {
          cause: `A client called ${name}, but the tool is not at work.`,
          advice: 'Let each call run its own tool immediately.',
        };
      },
      program,
    );
    if (held() === undefined && posted.text.includes('"error"')) posted.result();
    expect(held(), {
      cause: `A client called ${name} and is waiting for the response, but your server gave up the work of this call.`,
      compare: { expected: '(a call that is running)', received: visible(posted.text.slice(0, 160)) || '(nothing)' },
      advice: ownController,
    });
    await program.caughtUp();
    const running = { posted, held: held()!, text };
    expectContinues(running, {
      cause: `A client called ${name} and is waiting for the response, but your server gave up the work of this call.`,
      advice: ownController,
    });
    return running;
  }

  const ownController =
    "Make a new AbortController for each call, and abort it when the response emits close: response.on('close', …). The request emits close too, as soon as its body has been read.";

  const stops = ({ held }: Running) => !server.program.held.includes(held);

  const expectStopped = (running: Running, explanation: Explanation) =>
    expectSoon(
      () => stops(running),
      () => {
        missing(`given up: ${running.held.label}`);
        return { compare: { expected: '(the work is given up)', received: '(the work continues)' }, ...explanation };
      },
      server.program,
    );

  function expectContinues(running: Running, explanation: Explanation): void {
    if (!stops(running)) return;
    missing(`still at work: ${running.held.label}`);
    throw new Failure({
      compare: { expected: '(the call continues)', received: '(its work was given up)' },
      ...explanation,
    });
  }

  /** The tool does its first piece of work, and begins the second. */
  async function nextWork(running: Running): Promise<void> {
    const { program } = server;
    running.held.release();
    await expectSoon(
      () => program.held.length > 0 || finished(running.posted),
      () => ({
        cause: 'One document is processed, but the tool does not continue with the next one.',
        advice: ownController,
      }),
      program,
    );
    expect(program.held.length > 0, {
      cause: 'The client is waiting for the response, but your server ended the response after the first document.',
      advice: ownController,
    });
    running.held = program.held[0]!;
  }

  /** The client goes away, and the server has noticed it. */
  async function leave({ posted }: Running): Promise<void> {
    posted.close();
    await server.program.caughtUp();
  }

  /** Lets a call work to its end, and looks at its response. */
  async function expectResult({ posted, held, text }: Running): Promise<void> {
    const advice = 'Give each call its own AbortController, inside of streamAnswer, and abort only this one.';
    held.release();
    await posted.doneMeanwhile({
      cause: 'All work of a call is done, but your server did not end its stream.',
      advice,
    });
    expectText(posted, text, advice);
  }

  /** Posts notifications/cancelled, as some clients still do. */
  async function postCancelled(requestId: unknown): Promise<void> {
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, reason: word() } };
    const headers = { 'MCP-Protocol-Version': revision, 'Mcp-Method': 'notifications/cancelled' };
    const posted = mcpClient(server).post(message, { see: '', headers });
    await posted.doneMeanwhile({
      cause: 'Your server did not answer notifications/cancelled.',
      advice: 'Answer a notification with status 202, and do nothing else.',
    });
    expect([202, 400].includes(posted.status!), {
      cause: `Your server answered notifications/cancelled with status ${posted.status}.`,
      compare: { expected: '202 and no body', received: received(posted) },
      advice: 'Answer a notification with status 202, and do nothing else.',
    });
    await server.program.caughtUp();
  }

  const aborts =
    'Make an AbortController in streamAnswer, abort it when the response emits close, and give its signal to the tool as context.signal. process_files passes it on: work(name, { signal: context.signal }).';

  task({ number: 2, title: 'To leave is to cancel', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client closes the response stream of a call, the server aborts the `signal` of the tool. The tool gives up its work and begins no further work.',
      async () => {
        const { program } = server;
        for (const [i, name] of ['process_files', 'short', 'tidy', 'process_files'].entries()) {
          const running = await begin(name, random.pick([{}, atLevel('info')]));
          if (i === 3) await nextWork(running);
          await leave(running);
          await expectStopped(running, {
            cause: `The client of a call has left, but the tool ${name} continues to work on ${running.held.label}.`,
            advice: aborts,
          });
          await program.caughtUp();
          const [next] = program.held;
          expect(name === 'tidy' || next === undefined, {
            cause: `The client has left, and the work on ${running.held.label} was given up, but then the tool began to work on ${next?.label}.`,
            advice:
              'Let the error that work throws leave the function run, so that the loop over the documents ends. If you catch it, throw it again.',
          });
          await letGo();
        }
      },
    );

    requirement(
      'The server aborts only the `signal` of this call. All other calls continue and get their results, also a call with the same `id`.',
      async () => {
        const id = newId();
        const calls: Running[] = [];
        for (const each of random.shuffled([id, id, newId()])) calls.push(await begin('short', { id: each }));
        const [left, ...others] = random.shuffled(calls) as [Running, ...Running[]];
        await leave(left);
        await expectStopped(left, {
          cause: 'Three calls were running, and the client of one of them has left, but its tool continues.',
          advice: aborts,
        });
        for (const other of others) {
          expectContinues(other, {
            cause: 'The client of one call has left, but your server stopped the call of another client.',
            advice:
              'Keep the AbortController in a const inside of streamAnswer. A variable outside is shared by all calls, and so is a Map by id: clients count their ids themselves, so two clients often use the same id.',
          });
        }
        for (const other of random.shuffled(others)) await expectResult(other);
        const later = await begin('short', { id });
        await expectResult(later);
      },
    );

    requirement(
      'If a client posts `notifications/cancelled`, every call continues, also the call whose `id` is the `requestId`.',
      async () => {
        const id = newId();
        const running = await begin('short', { id });
        for (const requestId of [id, newId()]) {
          await postCancelled(requestId);
          expectContinues(running, {
            cause: 'A client posted notifications/cancelled, and your server stopped a call.',
            advice:
              'Ignore this notification. Without sessions, your server cannot know whose call has this id, and two clients often use the same id.',
          });
        }
        await expectResult(running);
      },
    );

    requirement(
      'If the client has left, a tool that ignores its signal works to its end. The server continues to run and prints nothing on standard error. Other clients get no message of this call.',
      async () => {
        const { program } = server;
        const before = program.stderr.length;
        for (const fails of [false, true]) {
          const left = await begin('stubborn', atLevel('debug'), { fails });
          const other = await begin('short', atLevel('debug'));
          await leave(left);
          await expectSoon(
            () => {
              for (const each of program.held.filter((each) => each.label.startsWith('what cannot'))) each.release();
              return program.held.every((each) => each === other.held);
            },
            () => ({
              cause: 'A tool that does not look at its signal did not work to its end.',
              advice: 'Only abort the signal. The tool decides what it does then.',
            }),
            program,
            workMs,
          );
          await program.caughtUp();
          const answered = await post('tools/list').doneMeanwhile({
            cause: 'A client left during its call, and now your server does not answer any more.',
            advice: 'Write to a response that is gone as to any other: Node.js drops these bytes.',
          });
          answered.result();
          const printed = program.stderr.slice(before).trim();
          expect(printed === '', {
            cause: 'A client left during its call, and your server printed something on standard error.',
            output: printed.split('\n').slice(0, 4).join('\n'),
            advice: 'A client that leaves is not an error. Let nothing throw an error when the response has closed.',
          });
          const foreign = notificationsIn(other.posted)[0];
          expect(foreign === undefined, {
            cause: 'A client left during its call, and another client got a message of this call.',
            compare: { expected: '(nothing)', received: asJson(foreign) },
            advice: 'Give each call a context that writes to the response of this call.',
          });
          await expectResult(other);
        }
      },
    );

    requirement(
      'If the official client aborts a call, the server aborts the `signal` of its tool. A call of another official client continues.',
      async () => {
        const { program } = server;
        const one = await officialClient(server, 'stateless');
        const other = await officialClient(server, 'stateless');
        const advice = aborts;
        const atWork = async (count: number, calls: { over: boolean; text(): unknown }[]) => {
          await expectSoon(
            () => program.held.length >= count || calls.some(({ over }) => over),
            () => ({
              cause: 'The official client could not call the tool.',
              advice: 'Answer its requests as those of any other client.',
            }),
            program,
            workMs,
          );
          for (const each of calls) each.text();
        };
        const texts = random.words(2) as [string, string];
        const stop = new AbortController();
        const first = one.beginTool('short', { text: texts[0] }, undefined, stop.signal);
        await atWork(1, [first]);
        const second = other.beginTool('short', { text: texts[1] });
        await atWork(2, [first, second]);
        const [aborted, running] = [...program.held] as [Held, Held];
        stop.abort(new Error('no longer needed'));
        await expectSoon(
          () => !program.held.includes(aborted),
          () => ({ cause: 'The official client aborted its call, but the tool continues.', advice }),
          program,
        );
        await program.caughtUp();
        expect(program.held.includes(running), {
          cause: 'One official client aborted its call, and your server stopped the call of the other one.',
          advice: ownController,
        });
        running.release();
        await expectSoon(
          () => second.over,
          () => ({ cause: 'One official client aborted its call, and the other one got no result.', advice }),
          program,
        );
        look(second.text(), 'text').is(texts[1], 'The official client got the wrong text.', advice);
      },
    );
  });

  /** Lets the tools work to their end, so that the next case begins with a server that is at rest. */
  async function letGo(): Promise<void> {
    const { program } = server;
    for (let rounds = 0; rounds === 0 || (program.held.length > 0 && rounds < 20); rounds++) {
      await until(() => {
        release(program);
        return program.held.length === 0;
      });
      await program.caughtUp();
    }
  }

  const subscriptionId = meta('subscriptionId');
  /** The messages on a stream so far; it may also have ended without one. */
  const messagesOn = (stream: Posted): Message[] => (stream.text === '' ? [] : stream.messages());
  const announcements = (stream: Posted): Message[] =>
    messagesOn(stream).filter(({ method }) => method === listChanged);
  const idOf = ({ message }: Posted): unknown => (message as Message).id;

  /** Posts subscriptions/listen, and waits for nothing. */
  const subscribe = (notifications: unknown, more: More = {}, at = server): Posted =>
    post('subscriptions/listen', notifications === undefined ? {} : { notifications }, more, at);

  /** A message on the stream of a subscription says which subscription it belongs to. */
  function expectTagged(stream: Posted, message: Message, what: string): void {
    const { params, result } = message;
    const holder = look(result ?? params, result === undefined ? 'params' : 'result', stream.see);
    const id = idOf(stream);
    const like = `"_meta":${asJson({ [subscriptionId]: id })}`;
    const advice = `Put the id of the subscriptions/listen request into _meta, under the name ${subscriptionId}, exactly as it came: 7 and "7" are two different ids.`;
    const value = holder.at('_meta').at(subscriptionId);
    value.expect(value.value !== undefined, `${what} does not say which subscription it belongs to.`, { like, advice });
    value.is(
      id,
      String(value.value) === String(id)
        ? `${what} names its subscription with an id of a different type.`
        : `${what} names the wrong subscription.`,
      advice,
    );
  }

  /** Waits until a stream has begun and has its first message. */
  async function acknowledgedOn(stream: Posted, { program }: Server): Promise<Message> {
    await expectSoon(
      () => messagesOn(stream).length > 0 || finished(stream),
      () => {
        missing(acknowledged);
        return {
          cause:
            stream.status === undefined
              ? 'Your server took subscriptions/listen, but sent neither a status nor headers.'
              : 'Your server answered subscriptions/listen with a stream, but sent no message on it.',
          advice: `Call beginEventStream, which sends the headers immediately, and then send ${acknowledged}.`,
          see: stream.see,
        };
      },
      program,
    );
    expectEventStream(stream, {
      see: stream.see,
      ...(stream.status === 404 && {
        advice: `Write openSubscription, which answers 404 in the starter: call beginEventStream, and then send ${acknowledged}.`,
      }),
    });
    const [first] = messagesOn(stream);
    const whole = look(first, '', stream.see, '(nothing)');
    const like = asJson({ jsonrpc: '2.0', method: acknowledged, params: { notifications: {}, _meta: {} } });
    whole.expect(
      first?.method === acknowledged && !('id' in first),
      `The first message on the stream is not ${acknowledged}.`,
      {
        like,
        advice: `Send the notification ${acknowledged} before everything else. It tells the client that it is subscribed.`,
      },
    );
    whole
      .at('jsonrpc')
      .is('2.0', `${acknowledged} has no "jsonrpc":"2.0".`, 'Begin each message with "jsonrpc":"2.0".');
    return first!;
  }

  /** Opens a subscription that stays open. */
  async function listen(
    who: string,
    filter: object = { toolsListChanged: true },
    more: More = {},
    at = server,
  ): Promise<Posted> {
    const stream = subscribe(filter, { who, ...more }, at);
    expectTagged(stream, await acknowledgedOn(stream, at), acknowledged);
    await at.program.caughtUp();
    expectOpen(stream, 'immediately, although its client is still there');
    return stream;
  }

  function expectOpen(stream: Posted, when: string): void {
    if (!finished(stream)) return;
    throw new Failure({
      cause: `Your server ${stream.ended ? 'ended' : 'broke off'} the stream of a subscription ${when}.`,
      advice:
        'Return from the handler without response.end(): the response then stays open. Only the client or the end of your server ends the stream.',
      see: stream.see,
    });
  }

  /** The clients go away. */
  async function close(...streams: Posted[]): Promise<void> {
    for (const stream of streams) stream.close();
    await server.program.caughtUp();
  }

  /** Switches the archive, and so changes the list of tools. */
  async function switchArchive(at = server): Promise<void> {
    const switched = at.request('/archive', { method: 'POST' });
    const advice =
      'Leave the route POST /archive as it is in the starter. announceTools must not wait, and must not throw an error.';
    const broken = { cause: 'The connection broke before POST /archive was answered.', advice };
    await untilEndMeanwhile(switched, at, advice, broken);
    expect(switched.status === 200, {
      cause: `The list of tools has changed, and POST /archive was answered with status ${switched.status}.`,
      compare: { expected: '200', received: received(switched) },
      advice,
    });
  }

  async function untilEndMeanwhile(
    switched: ReturnType<Server['request']>,
    { program }: Server,
    advice: string,
    broken: Explanation,
  ): Promise<void> {
    await expectSoon(
      () => finished(switched),
      () => ({ cause: 'Your server did not answer POST /archive.', advice }),
      program,
    );
    expect(switched.broken === undefined, broken);
  }

  /** Each of these streams has this many announcements, or gets them soon. */
  async function expectAnnounced(streams: Posted[], expected: number, when: string): Promise<void> {
    const { program } = server;
    await expectSoon(
      () => streams.every((stream) => announcements(stream).length >= expected || finished(stream)),
      () => {
        const without = streams.filter((stream) => announcements(stream).length < expected);
        const last = messagesOn(without[0]!)
          .filter(({ method }) => method !== acknowledged && method !== listChanged)
          .at(-1);
        missing(listChanged);
        return {
          cause:
            without.length === streams.length
              ? `${when}, but your server sent ${listChanged} to no client that has subscribed to it.`
              : `${when}, but your server did not send ${listChanged} to every client that has subscribed to it.`,
          compare: {
            expected: asJson({ jsonrpc: '2.0', method: listChanged, params: { _meta: {} } }),
            received: asJson(last),
          },
          advice:
            last !== undefined
              ? 'Use exactly this method. Clients look for it, letter by letter.'
              : 'Go through all subscriptions in announceTools, without a return in the loop, and send the notification on each stream whose client has asked for toolsListChanged. Forget a subscription when its response emits close, and not when its request does.',
          see: '',
        };
      },
      program,
    );
    await program.caughtUp();
    for (const stream of streams) {
      expectOpen(stream, 'when the list of tools changed');
      for (const message of announcements(stream)) {
        const whole = look(message, '', '');
        whole.expect(!('id' in message), 'The announcement has an id, so it is a request.', {
          like: '(no id)',
          advice: 'Leave the id out: nobody answers a notification. The subscription is named in _meta.',
        });
        expectTagged(stream, message, listChanged);
      }
    }
    const most = streams.find((stream) => announcements(stream).length > expected);
    expect(most === undefined, {
      cause: `${when}, but your server sent ${listChanged} more often on the same stream.`,
      compare: { expected: String(expected), received: most ? String(announcements(most).length) : '' },
      advice: 'Send the notification one time for each change and subscription.',
      see: '',
    });
  }

  task({ number: 3, title: 'Listen for changes', file: 'server.ts' }, () => {
    requirement(
      'If a client posts `subscriptions/listen`, the server immediately answers with an event stream, which stays open. Its first message is `notifications/subscriptions/acknowledged`. `_meta` has the `subscriptionId`, which is the `id` of the request.',
      async () => {
        const streams: Posted[] = [];
        for (const id of [newId(), 0, String(random.integer(10, 99)), random.integer(100, 999), newId()]) {
          streams.push(await listen('a client', { toolsListChanged: true }, { id }));
        }
        const answered = await post('tools/list').doneMeanwhile({
          cause: 'While a subscription is open, your server does not answer tools/list.',
          advice: 'Let the handler return when the stream has begun: an open response needs no loop that waits.',
        });
        answered.result();
        for (const stream of streams) expectOpen(stream, 'although its client is still there');
        await random.aside(() => postCancelled(idOf(streams[0]!)));
        expect(!finished(streams[0]!), {
          cause: 'A client posted notifications/cancelled, and your server ended the subscription with this id.',
          advice:
            'Ignore this notification. Without sessions, your server cannot know whose subscription has this id. A client ends its subscription when it closes the stream.',
          see: '',
        });
        await close(...streams);
      },
    );

    requirement(
      'If the client has asked for `toolsListChanged`, the acknowledgment has `toolsListChanged: true` in `notifications`. Otherwise this member is missing or `false`. All other types are missing or `false`, even if the client has asked for them.',
      async () => {
        const more = {
          promptsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: [`file:///${word()}`],
        };
        const cases: [filter: Message, asked: boolean][] = [
          [{ toolsListChanged: true }, true],
          [{ toolsListChanged: true, ...more }, true],
          [{ toolsListChanged: false }, false],
          [{}, false],
          [more, false],
          [{ toolsListChanged: true, [word()]: true }, true],
        ];
        for (const [filter, asked] of cases) {
          const stream = subscribe(filter);
          const first = await acknowledgedOn(stream, server);
          const like = `"notifications":${asked ? '{"toolsListChanged":true}' : '{}'}`;
          const honored = look(first.params, 'params', stream.see).at('notifications');
          honored.object(`${acknowledged} does not say what the client has subscribed to.`, {
            like,
            advice: 'Put notifications into the params, beside _meta: an object with what the client gets.',
          });
          const named = Object.entries(honored.value as Message).filter(
            ([, value]) => value === true || (Array.isArray(value) && value.length > 0),
          );
          honored.expect(
            !asked || named.some(([name]) => name === 'toolsListChanged'),
            'The client asked for changes of the tools, but the acknowledgment does not name them.',
            {
              like,
              advice: 'Set toolsListChanged to true if the filter of the request has it.',
            },
          );
          const others = named.filter(([name]) => name !== 'toolsListChanged');
          honored.expect(
            others.length === 0,
            'The acknowledgment promises notifications that your server does not send.',
            {
              like,
              advice: 'Do not send the filter back as it came. Name only what your server sends: toolsListChanged.',
            },
          );
          honored.expect(
            asked || named.length === 0,
            'The acknowledgment promises notifications that the client has not asked for.',
            {
              like,
              advice:
                'Look at the value of toolsListChanged: a missing member and false both mean that the client does not want it.',
            },
          );
          await close(stream);
        }
      },
    );

    requirement(
      'If the `params` of `subscriptions/listen` have no object `notifications`, the server answers with the error `-32602` instead of a stream.',
      async () => {
        for (const filter of [undefined, null, [], word(), true, { toolsListChanged: word() }]) {
          const stream = subscribe(filter);
          const advice =
            'Check the params with listenParams.safeParse before beginEventStream, and answer with the error if they do not fit.';
          await expectSoon(
            () => finished(stream) || messagesOn(stream).length > 0,
            () => ({
              cause: 'Your server did not answer a subscriptions/listen without a filter.',
              advice,
              see: stream.see,
            }),
            server.program,
          );
          expect(messagesOn(stream)[0]?.method !== acknowledged, {
            cause: `The notifications of subscriptions/listen are ${asJson(filter)}, but your server opened a stream.`,
            compare: { expected: '"error":{"code":-32602, …}', received: visible(stream.text.slice(0, 120)) },
            advice,
            see: stream.see,
          });
          await stream.done();
          stream.error(-32602, advice);
        }
      },
    );

    requirement(
      'If the list of tools changes, the server immediately sends `notifications/tools/list_changed` on every stream whose client has asked for it, also while a tool is at work. `_meta` has the `subscriptionId` of this stream.',
      async () => {
        const { program } = server;
        const id = newId();
        const streams = [
          await listen('client 1', { toolsListChanged: true }, { id }),
          await listen('client 2', { toolsListChanged: true }, { id }),
          await listen('client 3', { toolsListChanged: true, promptsListChanged: true }),
        ];
        const early = streams.some((stream) => announcements(stream).length > 0);
        expect(!early, {
          cause: `Your server sent ${listChanged}, but the list of tools had not changed.`,
          advice: 'Send the notification in announceTools only.',
        });
        await switchArchive();
        await expectAnnounced(streams, 1, 'The list of tools has changed');
        const running = await begin('short');
        await switchArchive();
        await expectAnnounced(streams, 2, 'The list of tools has changed while a tool was at work');
        const stray = notificationsIn(running.posted).find(({ method }) => method === listChanged);
        expect(stray === undefined, {
          cause: `Your server sent ${listChanged} in the answer to a call.`,
          compare: { expected: '(nothing)', received: asJson(stray) },
          advice: 'Send this notification only on the streams of subscriptions whose client has asked for it.',
          see: '',
        });
        await expectResult(running);
        const [gone, ...others] = streams as [Posted, ...Posted[]];
        await close(gone);
        await switchArchive();
        await expectAnnounced(
          others,
          3,
          'One client has closed its subscription, and then the list of tools has changed',
        );
        const late = await listen('client 4');
        await switchArchive();
        await expectAnnounced(others, 4, 'The list of tools has changed again');
        await expectAnnounced([late], 1, 'A client has subscribed, and then the list of tools has changed');
        await close(...others, late);
        await program.caughtUp();
      },
    );

    requirement(
      'On the stream of a subscription, the server sends only the notifications that its client has asked for. Log messages and the response of a call travel in the answer to this call only.',
      async () => {
        const { program } = server;
        const others = [
          subscribe({}, { who: 'client 2' }),
          subscribe({ promptsListChanged: true, resourcesListChanged: true }, { who: 'client 3' }),
          subscribe({ toolsListChanged: false }, { who: 'client 4' }),
        ];
        for (const stream of others) await acknowledgedOn(stream, server);
        // A level is for the log messages of one request, and this request has no log messages.
        const wanting = await listen('client 1', { toolsListChanged: true }, atLevel('debug'));
        await call('say', { messages: levels.map((level) => ({ level, data: word() })) }, atLevel('debug')).done();
        const _meta = { [meta('logLevel')]: 'info', progressToken: 'a call' };
        await call('process_files', { message: word() }, { _meta }).done();
        await switchArchive();
        await expectAnnounced([wanting], 1, 'The list of tools has changed');
        await program.caughtUp();
        for (const stream of [wanting, ...others]) {
          const wanted = stream === wanting;
          const foreign = messagesOn(stream).find(
            // A server may end a subscription to nothing with its result.
            (message) =>
              message.method !== acknowledged &&
              !(wanted && message.method === listChanged) &&
              !(!wanted && message.id === idOf(stream)),
          );
          const [cause, advice] =
            foreign?.method === listChanged
              ? [
                  `A client has not asked for toolsListChanged, but your server sent ${listChanged} to it.`,
                  'Keep with each subscription what its client has asked for, and leave out all others in announceTools. A client that has not asked must not get the notification.',
                ]
              : [
                  'Your server sent a message of a call on the stream of a subscription.',
                  'Send what a tool logs, and the response of a call, in the answer to this call only.',
                ];
          expect(foreign === undefined, {
            cause,
            compare: { expected: '(nothing)', received: asJson(foreign) },
            advice,
            see: '',
          });
        }
        await close(wanting, ...others);
      },
    );

    requirement(
      'While nothing else is sent on the stream, the server writes a comment about every `QUIET_INTERVAL` milliseconds. When the client has closed the stream, no timer of this stream is still running.',
      async () => {
        const quiet = await start({ QUIET_INTERVAL: '40' });
        await quiet.program.caughtUp();
        const { timers } = quiet.program;
        const stream = await listen('a client', { toolsListChanged: true }, {}, quiet);
        await expectComments(quiet, stream, 40, stream.see);
        const nothing = subscribe({}, { who: 'client 2', id: 'nothing' }, quiet);
        await acknowledgedOn(nothing, quiet);
        // A server may end a subscription to nothing with its result.
        if (!finished(nothing)) await expectComments(quiet, nothing, 40, nothing.see);
        stream.close();
        nothing.close();
        await noTimerLeft(
          run,
          quiet.program,
          timers,
          {
            cause: 'A client has closed the stream of its subscription, but a timer of this stream is still running.',
            advice: 'Listen for the event close of the response, and stop the timer there with clearInterval.',
            see: stream.see,
          },
          workMs,
        );
      },
    );

    requirement(
      'If `MAX_SUBSCRIPTIONS` subscriptions are open, the server answers one more with a JSON-RPC error and opens no stream. When one of them has been closed, a client can subscribe again.',
      async () => {
        const small = (ending = await start({ MAX_SUBSCRIPTIONS: '3' }));
        const { program } = small;
        const nothing = subscribe({}, { who: 'client 3' }, small);
        await acknowledgedOn(nothing, small);
        open = [await listen('client 1', undefined, {}, small), await listen('client 2', undefined, {}, small)];
        // A server may end a subscription to nothing with its result.
        open.push(finished(nothing) ? await listen('client 3', undefined, {}, small) : nothing);
        const advice =
          'Look at the number of all open subscriptions before beginEventStream, also of those that have asked for nothing, and answer with the error -32603 if it has reached maxSubscriptions.';
        for (let i = 0; i < 2; i++) {
          const refused = subscribe({ toolsListChanged: true }, { who: 'client 4' }, small);
          await expectSoon(
            () => finished(refused) || messagesOn(refused).length > 0,
            () => ({
              cause: 'Too many subscriptions are open, and your server did not answer one more.',
              advice,
              see: '',
            }),
            program,
          );
          expect(messagesOn(refused)[0]?.method !== acknowledged, {
            cause: 'MAX_SUBSCRIPTIONS was 3, but your server opened a fourth subscription.',
            compare: { expected: '"error":{"code":-32603, …}', received: visible(refused.text.slice(0, 120)) },
            advice,
            see: '',
          });
          await refused.done();
          const error = refused.response().error;
          look(isObject(error) ? error.code : undefined, 'code', '').expect(
            isObject(error),
            'Your server refused a subscription without a JSON-RPC error.',
            { like: '-32603', advice },
          );
          for (const stream of open) expectOpen(stream, 'when it refused one more');
        }
        open.shift()!.close();
        // The server may still have to notice that the stream has been closed.
        let again = subscribe({ toolsListChanged: true }, { who: 'client 5' }, small);
        for (let turn = 0; turn < 25; turn++) {
          await until(() => finished(again) || messagesOn(again).length > 0);
          if (messagesOn(again)[0]?.method === acknowledged) break;
          await program.caughtUp();
          again = subscribe({ toolsListChanged: true }, { who: 'client 5' }, small);
        }
        await until(() => finished(again) || messagesOn(again).length > 0);
        expect(messagesOn(again)[0]?.method === acknowledged, {
          cause: 'A client has closed its subscription, but your server still refuses a new one.',
          compare: { expected: acknowledged, received: received(again) },
          advice:
            'Forget a subscription when its response emits close: subscriptions.delete(response). Otherwise your server counts subscriptions that nobody has any more.',
          see: '',
        });
        open.push(again);
      },
    );

    let ending: Server;
    let open: Posted[] = [];

    requirement(
      'If Ctrl+C stops the server, it sends the response to `subscriptions/listen` on every open stream: a result with `resultType: "complete"` and the `subscriptionId` in `_meta`. The server ends each stream and exits.',
      async () => {
        const { program } = ending;
        ending.interrupt();
        const advice =
          'Go through all subscriptions in endSubscriptions: send the response, and call response.end(). The listener of SIGINT calls endSubscriptions.';
        await expectSoon(
          () => open.every(finished),
          () => ({
            cause: 'Ctrl+C stops the server, but the streams of the subscriptions are still open.',
            advice,
            see: '',
          }),
          program,
        );
        if (crashed(program)) throw new Failure({ advice, ...explainEnd(program, 'after Ctrl+C') });
        for (const stream of open) {
          const [response, ...more] = responsesIn(stream);
          expect(response !== undefined, {
            cause: `Your server ${stream.ended ? 'ended' : 'broke off'} the stream of a subscription without a response.`,
            compare: {
              expected: asJson({ jsonrpc: '2.0', id: idOf(stream), result: { resultType: 'complete', _meta: {} } }),
              received: asJson(messagesOn(stream).at(-1)),
            },
            advice,
            see: '',
          });
          expect(stream.ended && more.length === 0, {
            cause:
              more.length > 0
                ? 'Your server sent more than one response on the stream of a subscription.'
                : 'Your server sent the response of a subscription, and then broke off the connection.',
            compare: {
              expected: 'one response, and the end of the stream',
              received: more.length > 0 ? asJson(more[0]) : '(the connection breaks off)',
            },
            advice:
              'Call response.end() after the response, and do not call process.exit: server.close() lets the program end when everything has been sent.',
            see: '',
          });
          stream.response();
          const result = stream.result({ advice });
          result
            .at('resultType')
            .is(
              'complete',
              'The result of the subscription does not have the resultType "complete".',
              'Every result of this revision has a resultType. Here nothing more follows, so it is "complete".',
            );
          expectTagged(stream, response, 'The response');
          expectResponseLast(stream);
        }
        await expectSoon(
          () => program.end,
          () => ({
            cause: 'Ctrl+C stops the server, and all its streams have ended, but the server is still running.',
            advice:
              'Call server.close() in the listener of SIGINT: with this listener, Node.js does not end the program by itself. Look also for a timer that is still running.',
            see: '',
          }),
          program,
          2 * workMs,
        );
      },
    );

    requirement(
      'The official client subscribes with `listen`, receives the notification while a tool is at work, and sees that the subscription ends gracefully when the server stops.',
      async () => {
        const { program } = server;
        const heard: string[] = [];
        const client = await officialClient(server, 'stateless', () => {}, { onOther: (method) => heard.push(method) });
        const advice = `Compare the messages on the stream with the lesson: ${acknowledged} first, the subscriptionId in the _meta of each message, and at the end a response with the id of the request.`;
        const subscription = await client.listen({ toolsListChanged: true, promptsListChanged: true });
        look(subscription.honored, 'notifications', '')
          .at('toolsListChanged')
          .is(true, 'The official client is not subscribed to changes of the tools.', advice);
        const running = await begin('short');
        await switchArchive();
        await expectSoon(
          () => heard.length > 0,
          () => ({ cause: `The official client did not receive ${listChanged}.`, advice }),
          program,
        );
        await expectResult(running);
        server.interrupt();
        await expectSoon(
          () => subscription.closed !== undefined,
          () => ({
            cause: 'Your server has stopped, but the subscription of the official client has not ended.',
            advice,
          }),
          program,
        );
        look(subscription.closed, 'closed', '').is(
          'graceful',
          'The official client took the end of its subscription for a lost connection.',
          advice,
        );
      },
    );
  });
});
