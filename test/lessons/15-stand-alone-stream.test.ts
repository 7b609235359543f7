import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, notCutShort, noTimerLeft } from '../harness/vocabulary/command-line.ts';
import {
  eventOf,
  expectComments,
  expectEventStream,
  parseStream,
  unfinishedEvent,
} from '../harness/vocabulary/event-stream.ts';
import { curl, expectHeader, expectStatus, finished, release, untilEnd, workMs } from '../harness/vocabulary/http.ts';
import {
  initialize,
  judged,
  mcpClient,
  request,
  type McpClient,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  notification,
  scriptedServer,
  textResult,
  type Incoming,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { newIds, responsesIn } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { sdkServer, sdkServers } from '../harness/vocabulary/sdk-servers.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

const listChanged = 'notifications/tools/list_changed';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const see = "curl -iN http://127.0.0.1:3000/mcp -H 'Accept: text/event-stream' -H 'MCP-Session-Id: …'";

  /** A client that has shaken hands. */
  async function connect(who: string, at = server): Promise<McpClient> {
    const client = mcpClient(at, { who, newId });
    await initialize(client);
    await client.notify('notifications/initialized');
    return client;
  }

  /** Sends GET /mcp, and waits for nothing. */
  function get(client: McpClient, headers: Record<string, string> = {}, who = client.who): Posted {
    const all = { Accept: 'text/event-stream', ...client.headers, ...headers };
    const exchange = client.server.request('/mcp', { method: 'GET', headers: all, ...(who !== undefined && { who }) });
    return judged(client.server, exchange, {}, 'GET /mcp', see);
  }

  /** Waits until the status and the headers of the answer to a GET are here. */
  const answered = (stream: Posted, { program }: Server) =>
    expectSoon(
      () => stream.status !== undefined || finished(stream),
      () => {
        missing('the status and the headers of the stream');
        return {
          cause: 'Your server took GET /mcp, but sent neither a status nor headers.',
          advice:
            'Call beginEventStream in the handler of GET: its flushHeaders sends the status and the headers, although there is nothing else to send.',
          see,
        };
      },
      program,
    );

  const getRoute = 'Add app.get before the app.all that answers 405: Express takes the first route that matches.';

  const instead: Record<number, string> = {
    404: 'Look for the session as for a POST, and keep it when its stream closes: only DELETE ends a session.',
    405: getRoute,
    406: 'Look only for text/event-stream in the Accept header of a GET. checkPost also looks for application/json, because a POST can be answered with either.',
  };

  /** Opens a stream, and checks that it is one. The session has no other stream. */
  async function listen(client: McpClient): Promise<Posted> {
    const { program } = client.server;
    let stream = get(client);
    await answered(stream, client.server);
    // A server that refuses a second stream may still have to notice that the first has been closed.
    for (let turn = 0; stream.status === 409 && turn < 25; turn++) {
      await program.caughtUp();
      stream = get(client);
      await answered(stream, client.server);
    }
    expectStatus(stream, stream.status === 409 ? 200 : stream.status!, {
      cause: 'A session has no open stream any more, but your server refused its GET /mcp with status 409.',
      advice:
        "Set session.stream to undefined when the response has been closed: response.on('close', …). Until then, your server takes the old stream for open.",
      see,
    });
    await program.caughtUp();
    const staysOpen = () =>
      expectOpen(
        stream,
        'immediately, although its client is still there',
        'Leave the response open when the handler returns: without response.end(), it stays open. If your handler ends the old stream of the session, end the old stream before you put the new one in its place.',
      );
    // The end of a response that has not begun a stream sends its status, but no Content-Type.
    if (stream.status === 200 && stream.headers['content-type'] === undefined) staysOpen();
    const advice = instead[stream.status!];
    expectEventStream(stream, { see, ...(advice !== undefined && { advice }) });
    staysOpen();
    return stream;
  }

  /** The clients go away. */
  async function close(...streams: Posted[]): Promise<void> {
    for (const stream of streams) stream.close();
    await server.program.caughtUp();
  }

  function expectOpen(
    stream: Exchange,
    when: string,
    advice = 'Leave the response open when the handler returns: without response.end(), it stays open. Only end it when its session is over, or when the same session opens a newer stream.',
  ): void {
    if (!finished(stream)) return;
    throw new Failure({
      cause: `Your server ${stream.ended ? 'ended' : 'broke off'} a stand-alone stream ${when}.`,
      advice,
      see,
    });
  }

  /** Waits until a GET is answered, which should be refused. */
  async function expectRefused(stream: Posted, status: number, what: string, advice: string): Promise<void> {
    await answered(stream, server);
    const tooLate = stream.status === 200 ? ' Refuse it before you begin the stream, and return.' : '';
    expectStatus(stream, status, {
      cause: `GET /mcp came with ${what}, but your server answered with status ${stream.status}.`,
      advice: `${advice}${tooLate}`,
      see: '',
    });
    stream.close();
  }

  const questionMark =
    'Write session.stream?.end() in the handler of DELETE, with the question mark: session.stream is undefined until the client sends a GET.';

  /** Sends a request other than a POST, and waits for the end of the answer. */
  async function ask(method: string, client: McpClient, headers = client.headers): Promise<Exchange> {
    const asked = server.request('/mcp', {
      method,
      headers,
      ...(client.who !== undefined && { who: client.who }),
      ...(method === 'DELETE' && { ifItThrows: { advice: questionMark } }),
    });
    const advice = 'End the response on every way through the handlers.';
    const broken = { cause: `The connection broke before ${method} /mcp was answered.`, advice };
    await untilEnd(server, asked, () => ({ cause: `Your server did not answer ${method} /mcp.`, advice }), broken);
    return asked;
  }

  /** Milliseconds that no grader waits. */
  const hour = 3_600_000;

  task({ number: 1, title: 'Open the stream', file: 'server.ts' }, () => {
    requirement(
      'If a client sends `GET /mcp` with its session id and `Accept: text/event-stream`, the server immediately answers with status 200 and the headers of an event stream. The stream stays open, and the server still answers other requests.',
      async () => {
        server = await startServer({ QUIET_INTERVAL: String(hour) });
        alice = await connect('client 1');
        bob = await connect('client 2');
        const streams = [await listen(alice), await listen(bob)];
        for (const client of [alice, bob]) {
          const posted = client.post(client.request('tools/list'));
          await posted.doneMeanwhile({
            cause: 'While a stand-alone stream is open, your server does not answer tools/list.',
            advice:
              'Let the handler of GET return when it has begun the stream: an open response needs no loop that waits.',
          });
          posted.result();
        }
        for (const stream of streams) {
          expectOpen(
            stream,
            'although nobody has ended its session',
            'Keep the stream in its session, as session.stream. A variable outside of the sessions is shared by all clients.',
          );
        }
        await close(...streams);
      },
    );

    requirement(
      'If `GET /mcp` has no session id, the server answers with status 400. If it has an id that the server did not issue, or whose session is over, the server answers with status 404.',
      async () => {
        const over = await connect('client 3');
        const ended = await ask('DELETE', over);
        expectStatus(ended, ended.status! < 300 ? ended.status! : 204, {
          cause: `A client that had opened no stream ended its session, but your server answered with status ${ended.status}.`,
          advice: questionMark,
          see: '',
        });
        const { 'MCP-Session-Id': _own, ...headers } = alice.headers;
        const stranger: McpClient = { ...mcpClient(server), headers };
        for (const [status, id, what] of [
          [400, undefined, 'no session id'],
          [404, random.words(4).join('-'), 'an unknown session id'],
          [404, over.headers['MCP-Session-Id']!, 'the id of a session that is over'],
        ] as const) {
          const stream = get(stranger, { ...(id !== undefined && { 'MCP-Session-Id': id }) });
          const advice =
            'Look for the session as for a POST: sessionOf answers 400 without a session id, and 404 with an id that leads to no session.';
          await expectRefused(stream, status, what, advice);
        }
      },
    );

    requirement(
      'If the `Accept` header of `GET /mcp` lists only media types other than `text/event-stream`, the server answers with status 406.',
      async () => {
        const client = await connect('client 3');
        for (const accept of ['application/json', `text/html, application/${word()};q=0.9`]) {
          const advice =
            "Look at request.accepts('text/event-stream'): it is false if the client cannot read a stream.";
          await expectRefused(get(client, { Accept: accept }), 406, `Accept: ${accept}`, advice);
        }
        const Accept = 'application/json, text/event-stream';
        const stream = get(client, { Accept });
        await answered(stream, server);
        expectStatus(stream, 200, {
          cause: `GET /mcp came with Accept: ${Accept}, but your server answered with status ${stream.status}.`,
          advice: "Look at request.accepts('text/event-stream'): it goes through the whole list of the client.",
          see: '',
        });
        await close(stream);
      },
    );

    requirement(
      'If `GET /mcp` has an `MCP-Protocol-Version` that the server does not speak, the server answers with status 400.',
      async () => {
        const client = await connect('client 3');
        for (const revision of ['1999-12-31', word()]) {
          const advice = 'Put checkRevision before your handler of GET, as checkPost does for a POST.';
          const what = `the MCP-Protocol-Version ${revision}`;
          await expectRefused(get(client, { 'MCP-Protocol-Version': revision }), 400, what, advice);
        }
      },
    );

    let quiet: Server;

    requirement(
      'While nothing else is sent on an open stream, the server writes a comment about every `QUIET_INTERVAL` milliseconds. When the client has closed the stream, no timer of this stream is still running.',
      async () => {
        quiet = await startServer({ QUIET_INTERVAL: '40' });
        await quiet.program.caughtUp();
        const timers = quiet.program.timers;
        const quieter = await listen(alice);
        // A stream may begin with a comment.
        const atFirst = parseStream(quieter).comments.length;
        const began = performance.now();
        const stream = await listen(await connect('client 1', quiet));
        await expectComments(quiet, stream, 40, see);
        // An interval that does not come from QUIET_INTERVAL is over on this stream, too.
        const elapsed = performance.now() - began;
        const early = () => parseStream(quieter).comments.length > atFirst;
        await until(early, elapsed / 2);
        expect(!early(), {
          cause: `QUIET_INTERVAL was ${hour}, but your server wrote a comment much earlier on an open stream.`,
          advice:
            'Call setInterval with quietInterval, the number in QUIET_INTERVAL, and not with a number of your own.',
          see,
        });
        await close(quieter);
        stream.close();
        await noTimerLeft(
          run,
          quiet.program,
          timers,
          {
            cause: 'A client has closed its stand-alone stream, but a timer of this stream is still running.',
            advice:
              "Listen for the event close of the response, and stop the timer there: response.on('close', …) with clearInterval. Otherwise each client that leaves also leaves a timer behind.",
            see,
          },
          workMs,
        );

        const twice = await random.aside(() => connect('client 2', quiet));
        const first = await listen(twice);
        const second = get(twice);
        await answered(second, quiet);
        await quiet.program.caughtUp();
        first.close();
        second.close();
        await noTimerLeft(
          run,
          quiet.program,
          timers,
          {
            cause: 'A session opened two streams, and both are closed, but a timer of these streams is still running.',
            advice:
              'Keep the timer in a const inside of the handler, so that each stream has a timer of its own. A timer in the session is replaced by the timer of the second stream, and nobody can stop the first timer any more.',
            see,
          },
          workMs,
        );
      },
    );

    requirement(
      'If a client ends its session with `DELETE`, the server also ends the stand-alone stream of this session. The streams of all other sessions stay open.',
      async () => {
        const client = await connect('client 3');
        const own = await listen(client);
        const others = [await listen(await connect('client 4')), await listen(await connect('client 5'))];
        await ask('DELETE', client);
        await expectSoon(
          () => finished(own),
          () => {
            missing('the end of the stream');
            return {
              cause: 'A client has ended its session, but its stand-alone stream is still open.',
              advice: 'Call session.stream?.end() in the handler of DELETE: nothing can come on this stream any more.',
              see,
            };
          },
          server.program,
        );
        expect(own.ended, {
          cause:
            'A client has ended its session, but your server broke off the stand-alone stream instead of ending it.',
          advice:
            'Call end() on the response, and not destroy(): for the client, a broken stream looks like a network failure.',
          see,
        });
        await server.program.caughtUp();
        for (const stream of others) {
          expectOpen(
            stream,
            'when another client ended its session',
            'End only the stream of the session that the header names.',
          );
        }
        await close(own, ...others);
      },
    );

    requirement(
      'If a request to `/mcp` has a method other than GET, POST and DELETE, the server answers with status 405 and the header `Allow: GET, POST, DELETE`.',
      async () => {
        for (const method of ['PUT', 'PATCH', 'HEAD']) {
          const asked = await ask(method, alice);
          const advice =
            method === 'HEAD'
              ? "Refuse HEAD before your handler of GET, as app.head('/mcp', refuseMethod) does in the starter: Express runs the handler of app.get for HEAD, too."
              : 'Keep app.all after the other routes: it answers every other method.';
          expectStatus(asked, 405, { advice });
          const methods = (value: string) =>
            value
              .toUpperCase()
              .split(/\s*,\s*/)
              .sort()
              .join();
          expectHeader(asked, 'Allow', (value) => methods(value) === 'DELETE,GET,POST', 'GET, POST, DELETE', {
            cause: 'The Allow header does not list the methods that this server takes.',
            advice: 'Set Allow to GET, POST, DELETE: it tells a client which methods this path takes, and GET is new.',
            ...curl(asked, '-i'),
          });
        }
      },
    );
  });

  /** The messages on a stream so far; it may also have ended without one. */
  const messagesOn = (stream: Posted): Message[] => (stream.text === '' ? [] : stream.messages());
  const announcements = (stream: Posted): Message[] =>
    messagesOn(stream).filter(({ method }) => method === listChanged);
  const count = (streams: Posted[]): number => streams.reduce((sum, stream) => sum + announcements(stream).length, 0);

  /** Calls a tool, and waits for nothing. */
  const callTool = (client: McpClient, name: string, args = {}): Posted =>
    client.post(request(newId(), 'tools/call', { name, arguments: args }), { see: '' });

  /** The tool has not failed: it calls announceTools, and an error there is a failure of the tool. */
  function expectWorked(posted: Posted): void {
    const result = posted.result().value;
    expect(!isObject(result) || result.isError !== true, {
      cause: 'The tool failed when it announced that the list of tools has changed.',
      compare: { expected: '"result":{"content":…}', received: asJson(result) },
      advice: 'Send only to a session that has a stream: session.stream is undefined for all others.',
      see: '',
    });
  }

  /** Changes the list of tools two times: some documents are processed afterwards, or none. */
  const makeProcessed = async (client: McpClient) =>
    expectWorked(await callTool(client, 'process_files', { message: word() }).done());
  const makeForgotten = async (client: McpClient) => expectWorked(await callTool(client, 'forget_processed').done());

  const sendsToAll =
    'Go through all sessions in announceTools, and send the notification on the stream of each session: the list is the same for all clients.';

  /** Each of these streams has this many announcements, or gets them soon. */
  async function expectAnnounced(streams: Posted[], expected: number, when: string): Promise<void> {
    const { program } = server;
    await expectSoon(
      () => streams.every((stream) => announcements(stream).length >= expected || finished(stream)),
      () => {
        const late = streams.find((stream) => announcements(stream).length < expected)!;
        const rest = unfinishedEvent(late);
        if (rest.includes(listChanged)) {
          return {
            cause: `Your server began an event with ${listChanged}, but did not end it: no blank line follows.`,
            compare: { expected: 'data: {…}\\n\\n', received: visible(late.text.slice(late.text.lastIndexOf(rest))) },
            advice: 'Send the notification with the function send, or end your event with \\n\\n.',
            see,
          };
        }
        const without = streams.filter((stream) => announcements(stream).length < expected);
        const others = messagesOn(late).filter(({ method }) => method !== listChanged);
        missing(listChanged);
        return {
          cause:
            without.length === streams.length
              ? `${when}, but your server sent ${listChanged} on no stand-alone stream.`
              : `${when}, but your server did not send ${listChanged} on the stand-alone stream of every session.`,
          compare: {
            expected: `{"jsonrpc":"2.0","method":"${listChanged}"}`,
            received: others.length > 0 ? asJson(others.at(-1)) : visible(late.text.slice(-80)) || '(nothing)',
          },
          advice:
            others.length > 0
              ? 'Use exactly this method. Clients look for it, letter by letter.'
              : without.length === streams.length && expected === 1
                ? 'Write the body of announceTools, which the tools call when the list has changed. Use the function send: it writes one message as one event.'
                : sendsToAll,
          see,
        };
      },
      program,
    );
    await program.caughtUp();
    for (const stream of streams) {
      expectOpen(stream, 'when the list of tools changed');
      announcements(stream).forEach(expectNotification);
    }
    const most = streams.find((stream) => announcements(stream).length > expected);
    expect(most === undefined, {
      cause: `${when}, but your server sent ${listChanged} more often on the same stream.`,
      compare: { expected: String(expected), received: most ? String(announcements(most).length) : '' },
      advice: 'Send the notification one time for each change and session. Look for a second loop over the sessions.',
      see,
    });
  }

  const leaveParamsOut = 'Leave the params out: the client asks for the new list with tools/list.';

  function expectNotification(message: Message): void {
    const whole = look(message, '', see);
    whole.expect(!('id' in message), 'The announcement has an id, so it is a request that the client has to answer.', {
      like: `{"jsonrpc":"2.0","method":"${listChanged}"}`,
      advice: 'Leave the id out: nobody answers a notification.',
    });
    whole
      .at('jsonrpc')
      .is(
        '2.0',
        'The announcement does not say which version of JSON-RPC it is.',
        'Begin each message with "jsonrpc":"2.0".',
      );
    whole.expect(
      !('params' in message) || isObject(message.params),
      'The params of the announcement are not an object.',
      { like: '(no params)', advice: leaveParamsOut },
    );
    whole.expect(
      !isObject(message.params) || !('tools' in message.params),
      'The announcement contains a list of tools.',
      { like: '(no params)', advice: leaveParamsOut },
    );
  }

  task({ number: 2, title: 'Speak first', file: 'server.ts' }, () => {
    requirement(
      'In the result of `initialize`, the capability `tools` of the server has `listChanged: true`.',
      async () => {
        const result = await initialize(mcpClient(server, { newId }));
        const advice =
          'Put listChanged: true into the object tools of the capabilities. It promises that the server announces each change; without it, a client need not listen.';
        result
          .at('capabilities')
          .at('tools')
          .at('listChanged')
          .is(true, 'Your server does not promise that it announces changes of the list of tools.', advice);
      },
    );

    requirement(
      'If the list of tools changes, the server immediately sends the notification `notifications/tools/list_changed` on the stand-alone streams of all sessions, even while a tool is still at work.',
      async () => {
        const { program } = server;
        const streams = [await listen(alice), await listen(bob)];
        const carol = await connect('client 3');
        const posted = callTool(carol, 'process_files', { message: word() });
        await posted.atWork();
        await program.caughtUp();
        expect(count(streams) === 0, {
          cause: `Your server sent ${listChanged} before the list of tools had changed.`,
          advice: 'Send the notification in announceTools only, which the tools call after each change.',
          see,
        });
        release(program);
        await expectSoon(
          () => program.held.length > 0 || finished(posted) || responsesIn(posted).length > 0,
          () => ({
            cause: 'The first document is processed, but the tool does not continue with the next document.',
            advice: 'Let announceTools only send: it waits for nothing.',
          }),
          program,
          workMs,
        );
        if (finished(posted)) expectWorked(posted);
        const all = () => streams.every((stream) => announcements(stream).length > 0);
        if (!(await until(all))) {
          const some = count(streams) > 0;
          await posted.done();
          await program.caughtUp();
          expect(some || count(streams) === 0, {
            cause: `Your server sent ${listChanged} only when the tool had done all its work, although the list of tools had changed before.`,
            advice: 'Send the notification in announceTools itself. Keep no list of messages that are sent later.',
            see,
          });
        }
        await expectAnnounced(streams, 1, 'The list of tools has changed one time');
        expectWorked(await posted.done());
        await makeForgotten(alice);
        await expectAnnounced(streams, 2, 'The list of tools has changed two times');
        await close(...streams);
      },
    );

    requirement(
      'The server sends this notification on the stand-alone streams only. The answer to a call has only the log messages and the response of this call.',
      async () => {
        const stream = await listen(alice);
        const other = await listen(bob);
        const before = announcements(stream).length;
        const calls = [alice, bob].map((client) => callTool(client, 'process_files', { message: word() }));
        for (const posted of calls) await posted.done();
        const last = await callTool(bob, 'forget_processed').done();
        for (const posted of [...calls, last]) {
          const foreign = posted.messages().find(({ method }) => method === listChanged);
          expect(!foreign, {
            cause: `Your server sent ${listChanged} in the answer to a call.`,
            compare: { expected: '(only log messages and the response)', received: asJson(foreign) },
            advice:
              'Send the announcement on the stand-alone stream of each session only. It concerns all clients, and each message goes on exactly one stream.',
            see: '',
          });
          expectWorked(posted);
        }
        await expectAnnounced([stream, other], before + 2, 'The list of tools has changed two times');
        await close(stream, other);
      },
    );

    requirement(
      'The stand-alone stream of a session carries only messages that belong to no call. The server sends the log messages and the response of a call in the answer to this call.',
      async () => {
        const streams = [await listen(alice), await listen(bob)];
        const posted = await callTool(alice, 'process_files', { message: word() }).done();
        await server.program.caughtUp();
        for (const stream of streams) {
          const foreign = messagesOn(stream).find(({ method }) => method !== listChanged);
          const isResponse = foreign && !('method' in foreign);
          expect(!foreign, {
            cause: isResponse
              ? 'Your server sent the response to a call on a stand-alone stream.'
              : 'Your server sent a log message of a call on a stand-alone stream.',
            compare: { expected: '(nothing of the call)', received: asJson(foreign) },
            advice: isResponse
              ? 'Send a response only in the answer to its request: on a stand-alone stream, a response is not allowed.'
              : 'Send what a tool logs only in the answer to its call, where the client knows which call it belongs to.',
            see,
          });
        }
        expectLogged(posted);
        await makeForgotten(bob);
        await close(...streams);
      },
    );

    requirement(
      'If a session opens a second stream, the server ends the first one, or refuses the second one with status 409, or keeps both. In each case, it sends each notification on exactly one stream of this session.',
      async () => {
        const { program } = server;
        const dora = await connect('client 3');
        const first = await listen(dora);
        const second = get(dora);
        await answered(second, server);
        await program.caughtUp();
        const refused = second.status !== 200;
        if (refused) {
          expectStatus(second, 409, {
            cause: `A session opened a second stream, but your server refused it with status ${second.status} instead of 409.`,
            advice:
              'End the older stream and use the new one, as the lesson does. If you refuse the new one, use the status 409.',
            see,
          });
          expectOpen(first, 'although it refused the second stream of this session');
        } else expectEventStream(second, { see });
        // What the end of the first stream does, it has done when the server has answered the next request.
        (await dora.ask('tools/list')).result();
        await program.caughtUp();
        const streams = [first, ...(refused ? [] : [second])];
        await makeProcessed(bob);
        await expectOne(streams, 1);
        const bothOpen = !refused && !finished(first);
        if (bothOpen) {
          first.close();
          await program.caughtUp();
          (await dora.ask('tools/list')).result();
        }
        await makeForgotten(bob);
        await expectOne(streams, 2);
        if (bothOpen) {
          const third = get(dora);
          await answered(third, server);
          await program.caughtUp();
          third.close();
          await program.caughtUp();
          (await dora.ask('tools/list')).result();
          if (third.status === 200 && !finished(second)) {
            await makeProcessed(bob);
            await expectOne([...streams, third], 3, {
              cause:
                'A session had two streams and closed the newer one, but now it gets no announcement on the older one, which is still open.',
              advice:
                'Call session.stream?.end() before you put the new response into session.stream. If you keep both streams, send on one that is still open.',
            });
            await makeForgotten(bob);
          }
        }
        await close(...streams);
      },
    );

    const nowGetsNone = {
      cause: 'A session opened a second stream, but now it gets no announcement on either stream.',
      advice:
        'The event close of the older response comes after the new stream has begun. Remove the stream from the session only if it is still this response: if (session.stream === response).',
    };

    /** These streams of one session have this many announcements in all. */
    async function expectOne(streams: Posted[], expected: number, lost = nowGetsNone): Promise<void> {
      await until(() => count(streams) >= expected);
      await server.program.caughtUp();
      const received = count(streams);
      if (received < expected) missing(listChanged);
      expect(received >= expected, {
        ...lost,
        compare: { expected: `${expected} in all`, received: `${received} in all` },
        see,
      });
      expect(received === expected, {
        cause: 'A session has two streams, but your server sent the same notification on both.',
        compare: { expected: `${expected} in all`, received: `${received} in all` },
        advice: 'Send each message on one stream of the session only. Otherwise the client handles it two times.',
        see,
      });
    }

    requirement(
      'If a client closes its stand-alone stream, the other sessions still get each notification. If this client opens a stream again, it gets the notifications that follow.',
      async () => {
        const { program } = server;
        const dora = await connect('client 3');
        const own = await listen(dora);
        const other = await listen(bob);
        await close(own);
        await makeProcessed(alice);
        await expectAnnounced([other], 1, 'One client has closed its stream, and the list of tools has changed');
        const again = await listen(dora);
        await program.caughtUp();
        // A server may keep what a client has missed.
        const before = announcements(again).length;
        await makeForgotten(alice);
        await expectAnnounced([other], 2, 'The list of tools has changed');
        await expectAnnounced(
          [again],
          before + 1,
          'A client has opened a stream again, and the list of tools has changed',
        );
        await close(again, other);
      },
    );

    requirement(
      'The official MCP clients of both generations receive the notification while the tool is at work.',
      async () => {
        for (const generation of ['first', 'second'] as const) {
          const { program } = server;
          const heard: string[] = [];
          const name = `The official client of the ${generation} generation`;
          const advice =
            'Compare the answer to GET /mcp in this capture with the lesson: the status, the Content-Type, and the one line of data.';
          const official = await officialClient(server, generation, undefined, {
            onOther: (method) => heard.push(method),
          });
          await official.listTools();
          const call = official.beginTool('process_files', { message: word() });
          await expectSoon(
            () => (program.held.length > 0 && program.held[0]!.label === documents[0]!.name) || call.over,
            () => ({ cause: `${name} could not call the tool.`, advice, see }),
            program,
            workMs,
          );
          release(program);
          await expectSoon(
            () => heard.length > 0 || call.over,
            () => ({ cause: `${name} did not receive ${listChanged}.`, advice, see }),
            program,
          );
          call.text();
          expect(heard[0] === listChanged, {
            cause: `${name} did not receive ${listChanged} while the tool was at work.`,
            compare: { expected: listChanged, received: heard[0] ?? '(nothing)' },
            advice,
            see,
          });
          await expectSoon(
            () => {
              release(program);
              return call.over;
            },
            () => ({ cause: `${name} got no result.`, advice, see }),
            program,
            workMs,
          );
          call.text();
          await makeForgotten(bob);
        }
      },
    );
  });

  /** The call has its log messages. */
  function expectLogged(posted: Posted): void {
    const said = posted.messages().filter(({ method }) => method === 'notifications/message');
    expect(said.length === documents.length, {
      cause: 'The answer to a call does not have all log messages of this call.',
      compare: { expected: `${documents.length} log messages`, received: `${said.length} log messages` },
      advice:
        'Send what a tool logs in the answer to its call, as before: a stand-alone stream takes nothing away from it.',
      see: '',
    });
  }

  const trySee = 'npm run try lesson-15';
  const newSession = () => `${word()}-${random.integer(1000, 9999)}!~`;
  const over = 'The call was answered';
  const closes =
    'Give fetch the signal leaving.signal, and call leaving.abort() in finally, which ends the stream. Until then, the open stream keeps your client running.';

  /** Begins the answer to a GET, which is an event stream. */
  function begin({ response }: Incoming, status = 200, contentType = 'text/event-stream'): void {
    response.writeHead(status, { 'content-type': contentType });
    response.flushHeaders();
  }

  /** A client that has called its tool, and the GET that it has sent. `onGet` answers the GET. */
  async function upToCall(
    terms: Omit<Terms, 'see'> = {},
    onGet: (get: Incoming) => void = begin,
  ): Promise<Script & { call: ReceivedMessage; get: Incoming }> {
    const script = await scriptedServer(run, { see: trySee, onGet, ...terms }).start();
    await script.handshake();
    const call = await script.next('tools/call', {
      cause: 'Your client did not call its tool after the handshake.',
      advice:
        'Start to listen, but do not await the stream: it stays open as long as your client listens, and the call has to go on meanwhile.',
    });
    const { client, gets } = script;
    await expectSoon(
      () => gets.length > 0 || client.end || client.verdict,
      () => ({ cause: noGet, advice: sendsGet, see: trySee }),
      client,
    );
    expect(gets.length > 0, { cause: noGet, advice: sendsGet, see: trySee });
    return { ...script, call, get: gets[0]! };
  }

  const noGet = 'Your client did not send GET /mcp after the handshake.';
  const sendsGet = 'Call listen after shakeHands and before the call. It sends the GET with fetch.';

  /** The call gets a result, which the client prints before it ends. */
  async function finishes({ client, call }: Script & { call: ReceivedMessage }, about: string): Promise<void> {
    const text = word();
    await call.json(call.result(textResult(text)));
    // An error that nobody catches can end the client before or after it prints the result.
    await until(() => client.end);
    if (client.end && client.end.code !== 0) {
      const caught =
        'Catch every error inside of listen. Nobody awaits its promise, so an error that leaves listen ends the whole program: also the AbortError when the client closes the stream.';
      notCutShort(client, 'after its call was answered', caught);
    }
    await client.prints([`RESULT: ${text}`], {
      cause: `${about}, but your client did not print the result of its call.`,
      advice: 'Keep the call and the stand-alone stream apart: whatever happens to the stream, the call continues.',
    });
    await client.endsWell(
      over,
      'Do not let a failure of the stand-alone stream set an exit code or throw out of listen: the call has succeeded.',
      closes,
    );
  }

  task({ number: 3, title: 'Listen', file: 'client.ts' }, () => {
    requirement(
      'After the handshake, the client sends `GET /mcp` with an `Accept` header that lists `text/event-stream`, with the agreed `MCP-Protocol-Version`, and with the `MCP-Session-Id` if the server has sent one.',
      async () => {
        const bothKinds = 'application/json, text/event-stream';
        const terms = [{ session: newSession() }, { revision: '2025-06-18' }];
        await together(terms, async (each) => {
          const script = await upToCall(each);
          const { get } = script;
          expectHeader(get.request, 'Accept', (value) => /text\/event-stream/i.test(value), 'text/event-stream', {
            cause: 'The GET has an Accept header that does not list text/event-stream.',
            advice: 'Send the header Accept: text/event-stream with the GET, because its answer can only be a stream.',
            see: trySee,
          });
          get.expectAgreed();
          expectHeader(script.call.request, 'Accept', (value) => /application\/json/i.test(value), bothKinds, {
            cause: 'The call no longer has an Accept header that lists application/json.',
            advice:
              'Make a copy of headers for the GET: { ...headers, Accept: … }. A change in headers itself is in every later POST, too.',
            see: trySee,
          });
          await finishes(script, 'The server has opened the stand-alone stream');
        });
      },
    );

    requirement(
      'If the server leaves the GET without an answer, the client still calls the tool, prints the result and exits with code 0.',
      async () => {
        const script = await upToCall({}, () => {});
        await finishes(script, 'The server has not answered the GET');
      },
    );

    requirement(
      'As soon as a notification arrives on the stand-alone stream, the client prints it in the same form as a notification in the answer to its call. It also answers each request that arrives there.',
      async () => {
        const script = await upToCall({ session: newSession() }, (get) =>
          begin(get, 200, 'Text/Event-Stream; charset=UTF-8'),
        );
        const { client, call, get, nextResponse } = script;
        const words = {
          cause: 'A message has arrived on the stand-alone stream, but your client did not print it.',
          otherwise: 'The client printed a message of the stand-alone stream in the wrong form.',
          advice:
            'Read the stream with eventsIn, and give each message to handle as soon as it has arrived: for await (const message of eventsIn(response)) await handle(message).',
        };
        /** The client still reads the stream. */
        const listens = async () => {
          await client.caughtUp();
          expect(!get.response.destroyed, {
            cause: 'Your client closed the stand-alone stream, although its call is not over.',
            advice:
              'Read the stream until it ends, and call leaving.abort() only in finally. A break or a return in the loop closes the stream too.',
            see: trySee,
          });
        };
        const fromCall = {
          cause: 'A message has arrived in the answer to the call, but your client did not print it.',
          advice: 'Read both streams at the same time: do not await the end of one before you read the other.',
        };
        const [one, two, three] = random.words(3) as [string, string, string];
        await listens();
        await get.send(': still here\n\n');
        await get.send(eventOf(notification(listChanged)));
        await client.prints([`NOTIFICATION: ${listChanged}`], words);
        await listens();
        await call.stream(logMessage('info', one));
        await client.prints([`NOTIFICATION: info ${one}`], fromCall);
        await listens();
        // Some servers send what a tool logs on the stand-alone stream.
        const warning = Buffer.from(eventOf(logMessage('warning', `${two} é世`)));
        for (const piece of random.cut(warning, 2, [warning.indexOf('世') + 1])) await get.send(piece);
        await client.prints([`NOTIFICATION: warning ${two} é世`], {
          ...words,
          advice: `${words.advice} eventsIn also joins a character that arrives in two pieces.`,
        });
        const id = random.pick([0, `${three}"1"`, random.integer(100, 999)]);
        await get.send(eventOf({ jsonrpc: '2.0', id, method: 'ping' }));
        const pong = await nextResponse('ping', id, {
          cause: 'The server has sent the request ping on the stand-alone stream, but your client did not answer it.',
          advice: 'Give each message of the stream to handle, which also answers the requests of the server.',
        });
        pong.expectAgreed();
        pong.accept();
        const unknown = { jsonrpc: '2.0', id: `${three}-2`, method: `${two}/${three}` };
        await get.send(eventOf(unknown));
        const refusal = await nextResponse('unknown', unknown.id, {
          cause: `The server has sent the request ${unknown.method} on the stand-alone stream, but your client did not answer it.`,
          advice:
            'Give every request of the stream to handle. It answers a method that your client does not know with the error -32601, so that the server does not wait for ever.',
        });
        refusal.accept();
        await get.send(eventOf(notification('notifications/resources/updated', { uri: `file:///${three}` })));
        await client.prints([`NOTIFICATION: notifications/resources/updated {"uri":"file:///${three}"}`], words);
        const text = word();
        await call.stream(call.result(textResult(text)));
        call.end();
        await client.prints([`RESULT: ${text}`], fromCall);
        await client.endsWell(over, 'Let nothing that happens to the stand-alone stream set an exit code.', closes);
      },
    );

    requirement(
      'If the server answers the GET with status 405, with a different error status, or with a page instead of a stream, the client prints the result of its call and exits with code 0.',
      async () => {
        const other = random.pick([400, 500, 501, 503]);
        const page = `<!DOCTYPE html><title>${word()}</title>`;
        const body = JSON.stringify({
          jsonrpc: '2.0',
          id: null,
          error: { code: -32000, message: 'Method not allowed.' },
        });
        const cases = [
          [405, 'application/json', body],
          [other, 'text/plain', 'sorry'],
          [200, 'text/html; charset=utf-8', page],
        ] as const;
        await together(cases, async ([status, contentType, text]) => {
          const script = await upToCall({}, (get) => {
            get.response.writeHead(status, { 'content-type': contentType, ...(status === 405 && { allow: 'POST' }) });
            get.response.write(text);
            get.end();
          });
          await script.client.caughtUp();
          await finishes(script, `The server answered the GET with ${status === 200 ? 'a page' : `status ${status}`}`);
        });
      },
    );

    requirement(
      'If the stand-alone stream ends or breaks off during the call, the client prints the result of the call and exits with code 0.',
      async () => {
        await together(['end', 'breakOff'] as const, async (how) => {
          const script = await upToCall();
          await script.get.send(eventOf(notification(listChanged)));
          await script.client.prints([`NOTIFICATION: ${listChanged}`], {
            cause: 'A message has arrived on the stand-alone stream, but your client did not print it.',
            advice: 'Give each message of the stream to handle.',
          });
          script.get[how]();
          await script.client.caughtUp();
          await finishes(script, `The stand-alone stream ${how === 'end' ? 'has ended' : 'broke off'}`);
        });
      },
    );

    requirement(
      'When the call is over, the client closes the stand-alone stream, although the server has left it open. The client sends the `DELETE` and exits with code 0 after a result, and with code 8 if the tool has failed.',
      async () => {
        await together([false, true], async (isError) => {
          const { client, call, goodbyes } = await upToCall({ session: newSession() });
          const text = word();
          await call.json(call.result({ ...textResult(text), isError }));
          if (isError) {
            await expectEnd(run, client, 'The tool has failed, but the client is still running.', closes);
            await client.fails({
              withFail: true,
              code: 8,
              about: 'a tool that failed',
              has: [text],
              advice: closes,
              oneLine:
                'Print one line about the tool, and nothing about the stand-alone stream. Look at leaving.signal.aborted in the catch of listen: if it is true, your client has aborted the stream itself, so print nothing.',
              otherCode: closes,
            });
          } else await client.endsWell(over, closes, closes);
          expect(goodbyes.length > 0, {
            cause: 'Your client ended without a DELETE for its session.',
            compare: { expected: 'DELETE /mcp', received: '(nothing)' },
            advice:
              'Close the stand-alone stream in finally, and call endSession there too. process.exit would skip it.',
            see: trySee,
          });
          goodbyes[0]!.expectAgreed();
        });
      },
    );

    requirement(
      'If the server is made with one of the official TypeScript SDKs, the client prints its `notifications/tools/list_changed` while the tool is still at work.',
      async () => {
        await together(sdkServers, async (which) => {
          const message = word();
          const { client, release, listening } = await sdkServer(run, which, message, { addsTool: true });
          const words = {
            cause: `The client did not print what ${which} has sent.`,
            advice:
              'Read the answer to the call and the stand-alone stream at the same time, and print each message when it arrives.',
          };
          await client.prints(['NOTIFICATION: info Processing file 1/3...'], words);
          await expectSoon(
            () => listening() || client.end,
            () => ({ cause: noGet, advice: sendsGet, see: trySee }),
            client,
          );
          release(1);
          const both = () => client.lines.length >= 3 || client.end;
          await until(both, workMs);
          const lines = [`NOTIFICATION: ${listChanged}`, 'NOTIFICATION: info Processing file 2/3...'];
          // The two come on two connections, so either may be first.
          await client.prints(client.lines.at(1)?.endsWith(listChanged) ? lines : lines.toReversed(), words);
          release(2);
          await client.prints(['NOTIFICATION: info Processing file 3/3...'], words);
          release(3);
          await client.prints([`RESULT: Done: ${message}`], words);
          await client.endsWell(over, words.advice, closes);
        });
      },
    );
  });
});
