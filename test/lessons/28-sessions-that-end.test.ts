import { setTimeout as sleep } from 'node:timers/promises';
import { documents } from '../../lessons/support/documents.ts';
import { expect, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, noTimerLeft } from '../harness/vocabulary/command-line.ts';
import { eventOf, expectEventStream } from '../harness/vocabulary/event-stream.ts';
import { expectHeader, finished, received, release, workMs } from '../harness/vocabulary/http.ts';
import { hello, judged, mcpClient, request, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
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
import { newIds } from '../harness/vocabulary/notifications.ts';

export default grader((run) => {
  const { expectSoon, missing, note, random, requirement, startServer, task, together, until } = run;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const endsEachWay = 'Look for a path through the handlers that ends without a response.';

  /** Posts a message in its session, and waits for the end of the answer. No work is released meanwhile. */
  async function ask(client: McpClient, method: string, params?: unknown): Promise<Posted> {
    const { who } = client;
    const what = `The request ${method} of ${who}`;
    const posted = client.post(request(newId(), method, params), { what, see: '' });
    return posted.doneMeanwhile({ cause: `Your server did not answer ${method}.`, advice: endsEachWay });
  }

  /** What came, without the id of the request: how many there were before it may depend on the machine. */
  const shown = (posted: Posted): string => (posted.status === 200 ? '200 and a result' : received(posted));

  /** Sends `initialize`, and judges nothing. */
  const asksToBegin = (client: McpClient, params: object = hello()) => ask(client, 'initialize', params);

  /** A client that has shaken hands. */
  async function connect(server: Server, who: string, advice?: string): Promise<McpClient> {
    const client = mcpClient(server, { who, newId });
    const begun = await asksToBegin(client);
    begun.result(
      advice === undefined
        ? {}
        : {
            cause: `${who} wants to shake hands, and there is room for its session, but your server answered initialize with status ${begun.status}.`,
            advice,
          },
    );
    client.headers = {
      'MCP-Protocol-Version': '2025-11-25',
      'MCP-Session-Id': String(begun.headers['mcp-session-id']),
    };
    const initialized = client.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { see: '' });
    await initialized.doneMeanwhile({ cause: 'Your server did not answer a notification.', advice: endsEachWay });
    await settled(server);
    return client;
  }

  /** The server has noticed that its responses are closed, and its clock has moved on. */
  async function settled({ program }: Server): Promise<void> {
    const began = performance.now();
    for (let turn = 0; turn < 3 || performance.now() - began < 5; turn++) await program.caughtUp();
  }

  /** Sends a request without a body in the session of this client. */
  function send(client: McpClient, method: 'GET' | 'DELETE'): Posted {
    const { headers, server, who } = client;
    const accept = method === 'GET' && { Accept: 'text/event-stream' };
    const exchange = server.request('/mcp', {
      method,
      headers: { ...headers, ...accept },
      ...(who !== undefined && { who }),
    });
    return judged(server, exchange, {}, `${method} /mcp of ${who}`, '');
  }

  async function sayGoodbye(client: McpClient): Promise<Posted> {
    const goodbye = send(client, 'DELETE');
    await goodbye.doneMeanwhile({ cause: 'Your server did not answer DELETE /mcp.', advice: endsEachWay });
    await settled(client.server);
    return goodbye;
  }

  /** Sends GET /mcp, and waits until its answer has begun. */
  async function listen(client: McpClient): Promise<Posted> {
    const stream = send(client, 'GET');
    const { program } = client.server;
    await expectSoon(
      () => stream.status !== undefined || finished(stream),
      () => ({
        cause: 'Your server took GET /mcp, but sent neither a status nor headers.',
        advice: 'Call beginEventStream when you have kept the response.',
      }),
      program,
    );
    await program.caughtUp();
    return stream;
  }

  /** Opens the stand-alone stream of a session that has room for it. */
  async function opensStream(client: McpClient): Promise<Posted> {
    const stream = await listen(client);
    expectEventStream(stream, { see: '' });
    return stream;
  }

  /** Begins a call, and waits until its tool is at work, or it has been refused. */
  async function call(client: McpClient): Promise<Posted> {
    const { program } = client.server;
    const { length } = program.held;
    const params = { name: 'process_files', arguments: { message: word() } };
    const posted = client.post(request(newId(), 'tools/call', params), {
      what: `A call of ${client.who}`,
      see: '',
    });
    await posted.atWork(length + 1);
    return posted;
  }

  /** Lets all calls run to their end; `count` of them are held at their first document. */
  async function finishCalls({ program }: Server, count: number): Promise<void> {
    const all = program.workCalls + count * (documents.length - 1);
    await expectSoon(
      () => {
        release(program);
        return program.workCalls >= all && program.held.length === 0;
      },
      () => ({
        cause: 'The tool did not run to its end.',
        advice: 'Let a call run on, whatever happens to its connection or to its session.',
      }),
      program,
      workMs,
    );
    for (let turn = 0; turn < 5; turn++) await program.caughtUp();
  }

  /** The session has not ended. */
  async function expectAlive(client: McpClient, explanation: Explanation): Promise<void> {
    const posted = await ask(client, 'ping');
    expect(posted.status !== 404, {
      compare: { expected: '200', received: shown(posted) },
      ...explanation,
    });
    posted.result();
  }

  /** The session has ended, as this request in it shows. */
  function expectOver(posted: Posted, explanation: Explanation): void {
    expect(posted.status === 404, {
      compare: { expected: '404', received: shown(posted) },
      ...explanation,
    });
    posted.refused(404, undefined, refusesUnknown);
  }

  const refusesUnknown =
    'Remove the session from the map sessions. The function sessionOf then answers with status 404 and a JSON-RPC error.';

  /** A server whose sessions end soon. */
  let short: { server: Server; limit: number } | undefined;

  /**
   * Hands a case a server whose sessions end after `limit` milliseconds without use. The case returns false if this
   * machine was too slow for the limit: a longer one follows then.
   */
  async function withShortLimit(judge: (server: Server, limit: number) => Promise<boolean | void>): Promise<void> {
    if (!short) {
      const server = await patientServer();
      const began = performance.now();
      const client = await connect(server, 'client 1');
      const limit = Math.min(2000, Math.max(100, 5 * (performance.now() - began)));
      await startShort(Math.ceil(limit));
      await sayGoodbye(client);
    }
    for (let tries = 1; (await judge(short!.server, short!.limit)) === false && tries < 3; tries++) {
      await startShort(4 * short!.limit);
    }
  }

  async function startShort(limit: number): Promise<void> {
    short = { server: await startServer({ SESSION_LIMIT: String(limit) }), limit };
  }

  const tenMinutes = 600_000;
  const maxSessions = 3;
  const maxStreams = 3;
  let patient: Server | undefined;

  /** A server whose sessions end only after ten minutes without use, and which keeps few. */
  const patientServer = async () =>
    (patient ??= await startServer({
      SESSION_LIMIT: String(tenMinutes),
      MAX_SESSIONS: String(maxSessions),
      MAX_STREAMS: String(maxStreams),
    }));

  /** Waits until a session is over. Each look at it is a use, so the pauses between the looks grow. */
  async function untilForgotten(client: McpClient, limit: number, explanation: Explanation): Promise<void> {
    let posted!: Posted;
    for (const factor of [2, 4, 8, 16]) {
      await sleep(factor * limit);
      posted = await ask(client, 'ping');
      if (posted.status === 404) break;
    }
    if (posted.status !== 404) missing('404 Not Found');
    expectOver(posted, explanation);
  }

  task({ number: 1, title: 'Forget an idle session', file: 'server.ts' }, () => {
    requirement(
      'If a session has not been used for `SESSION_LIMIT` milliseconds, the server forgets it. The server then answers each POST, GET and DELETE with the id of this session with status 404 and a JSON-RPC error.',
      async () => {
        await withShortLimit(async (server, limit) => {
          const client = await connect(server, 'client 1');
          await untilForgotten(client, limit, {
            cause: 'A session was idle for longer than SESSION_LIMIT, but your server has not forgotten it.',
            advice:
              'Call useDuring for each request, so that endUse is called when its response emits close. When no use is left, endUse starts a timer that calls endSession: setTimeout with sessionLimit, which counts milliseconds.',
          });
          for (const method of ['GET', 'DELETE'] as const) {
            const posted = send(client, method);
            await until(() => finished(posted) || (posted.status !== undefined && posted.status < 300));
            expectOver(posted, {
              cause: `Your server has answered a POST of a forgotten session with 404, but it answered the ${method} that followed with status ${posted.status}.`,
              advice: 'Look for the session with sessionOf in each route, and return if there is none.',
            });
          }
          expectOver(await ask(client, 'tools/list'), {
            cause: 'Your server had forgotten a session, but serves its id again after a few requests.',
            advice: 'Keep a session only when a handshake has succeeded. No other request may bring it back.',
          });
        });
      },
    );

    requirement(
      'If a session is used again and again, by requests or by notifications, the server keeps it for longer than `SESSION_LIMIT` milliseconds. Meanwhile, the server forgets other sessions that are idle.',
      async () => {
        await withShortLimit(async (server, limit) => {
          const idle = await connect(server, 'client 1');
          let before = performance.now();
          const asking = await connect(server, 'client 2');
          const telling = await connect(server, 'client 3');
          const began = performance.now();
          const methods = random.shuffled(['ping', 'tools/list']);
          const unanswered = { cause: 'Your server did not answer a message.', advice: endsEachWay };
          for (let i = 0; performance.now() - began < 2.5 * limit; i++) {
            const sent = performance.now();
            const asked = asking.post(request(`use ${i}`, methods[i % 2]!), { see: '' });
            await asked.doneMeanwhile(unanswered);
            const told = telling.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { see: '' });
            await told.doneMeanwhile(unanswered);
            const gap = performance.now() - before;
            // A right server may forget a session that this slow machine has left alone for so long.
            if ((asked.status === 404 || told.status === 404) && gap > 0.7 * limit) return false;
            for (const posted of [asked, told]) {
              expect(posted.status !== 404, {
                cause: 'A session was used again and again, but your server forgot it.',
                compare: { expected: 'a status other than 404', received: shown(posted) },
                advice:
                  'Start the time again with each request: beginUse stops the timer of this session, and endUse starts a new one. Notifications count too. A timer ends only its own session.',
              });
            }
            before = sent;
            await sleep(limit / 8);
          }
          // Its time was over long ago, and the server has answered many requests since.
          expectOver(await ask(idle, 'ping'), {
            cause:
              'A session was idle for longer than SESSION_LIMIT while another was used, but your server kept both.',
            advice: 'Give each session a timer of its own, in its Session object: session.timer.',
          });
        });
      },
    );

    requirement(
      'The server keeps a session while one of its calls is running, even if the connection of this call has closed. The server also keeps a session whose stand-alone stream is open.',
      async () => {
        await withShortLimit(async (server, limit) => {
          const began = performance.now();
          const clients = [
            await connect(server, 'client 1'),
            await connect(server, 'client 2'),
            await connect(server, 'client 3'),
          ] as const;
          const [running, left, listening] = clients;
          // So slowly, a right server forgets a session before its call.
          const tooSlow = () => performance.now() - began > 0.7 * limit;
          const stream = await listen(listening);
          const calls = [await call(running), await call(left)];
          if ([stream, ...calls].some(({ status }) => status === 404) && tooSlow()) return false;
          expectEventStream(stream, { see: '' });
          for (const posted of calls) expectEventStream(posted, { see: '' });
          calls[1]!.close();
          await sleep(2 * limit);
          await server.program.caughtUp();
          const whileUsed = 'its time without use begins only when nothing uses it any more';
          expect(!finished(stream), {
            cause: 'A session had an open stand-alone stream, but your server ended this stream.',
            advice: `Count the stream as a use until its response is closed: ${whileUsed}.`,
          });
          await expectAlive(listening, {
            cause: 'A session had an open stand-alone stream, but your server forgot it.',
            advice: `Count the stream as a use until its response is closed: ${whileUsed}.`,
          });
          await expectAlive(running, {
            cause: 'A call was running in a session, but your server forgot the session.',
            advice: `Call endUse when the answer has been sent, and not when the request has been read: ${whileUsed}.`,
          });
          await expectAlive(left, {
            cause: 'A call was running in a session and its connection had closed, but your server forgot the session.',
            advice: `Call beginUse before the tool runs and endUse after it, and count the uses, because several can overlap. The event close of the response can come earlier: ${whileUsed}.`,
          });
          later = { limit, stream, calls, clients };
        });
      },
    );

    let later: { limit: number; stream: Posted; calls: Posted[]; clients: readonly [McpClient, McpClient, McpClient] };

    requirement(
      'When the calls of a session have ended and its stand-alone stream has closed, the session is idle again, and the server forgets it after `SESSION_LIMIT` milliseconds.',
      async () => {
        const { limit, stream, calls, clients } = later;
        const { server } = clients[0];
        stream.close();
        await finishCalls(server, calls.length);
        const causes = [
          'The only call of a session has ended, but your server never forgot the session.',
          'A call has ended whose connection had closed before, but your server never forgot its session.',
          'The client has closed its stand-alone stream, but your server never forgot its session.',
        ];
        await together(clients, (client, i) =>
          untilForgotten(client, limit, {
            cause: causes[i]!,
            advice:
              'End each use exactly once: count down when the tool has returned, and when a response emits close. The event finish does not come if the client has gone. Start the timer when the count is 0.',
          }),
        );
      },
    );

    requirement(
      'After a client has ended its session with `DELETE`, no timer of this session is running. This also holds if a call of the session ends later.',
      async () => {
        const server = await patientServer();
        const { program } = server;
        // One session has begun and ended here before.
        await settled(server);
        const before = program.timers;
        const one = await connect(server, 'client 2');
        await ask(one, 'ping');
        await sayGoodbye(one);
        expectOver(await ask(one, 'ping'), {
          cause: 'A client has ended its session with DELETE, but your server still serves it.',
          advice: refusesUnknown,
        });
        await noTimerLeft(
          run,
          program,
          before,
          {
            cause: 'A client has ended its session with DELETE, but a timer of this session is still running.',
            advice:
              'Let endUse start a timer only if the session is still in the map sessions, because the response to the DELETE closes later. Also call clearTimeout(session.timer) in endSession.',
          },
          500,
        );
        const other = await connect(server, 'client 3');
        const posted = await call(other);
        expectEventStream(posted, { see: '' });
        await sayGoodbye(other);
        await finishCalls(server, 1);
        await until(() => finished(posted));
        await noTimerLeft(
          run,
          program,
          before,
          {
            cause:
              'A client has ended its session with DELETE while a call was running, and now the call has ended. But a timer of this session is running.',
            advice:
              'Start a timer only if the session is still in the map sessions. A call can end after its session, and then endUse has nothing to start.',
          },
          500,
        );
      },
    );
  });

  /** Ends all sessions of the patient server that this grader has begun in it, for the next requirement. */
  let guests: McpClient[] = [];
  async function emptyServer(): Promise<Server> {
    const server = await patientServer();
    for (const guest of guests.splice(0)) await sayGoodbye(guest);
    return server;
  }

  async function guest(server: Server, who: string, advice?: string): Promise<McpClient> {
    const client = await connect(server, who, advice);
    guests.push(client);
    return client;
  }

  const countsExisting = 'Count only the sessions that exist: sessions.size.';
  const makesRoom =
    'Let makeRoom end a session only if there are maxSessions of them. Of those that are not in use, end the one with the smallest idleSince.';

  task({ number: 2, title: 'Bound what you keep', file: 'server.ts' }, () => {
    requirement(
      'If there are `MAX_SESSIONS` sessions and one more client shakes hands, the server ends the session that has been idle for the longest time, and keeps all other sessions.',
      async () => {
        const server = await emptyServer();
        const clients = [];
        for (let i = 1; i <= maxSessions; i++) clients.push(await guest(server, `client ${i}`, countsExisting));
        // Not the one that began first, but the one that was used first.
        for (let round = 0; round < 2; round++) {
          const order = random.shuffled(clients);
          if (order[0] === clients[0]) order.push(order.shift()!);
          for (const client of order) {
            await expectAlive(client, {
              cause: `There are ${clients.length} sessions, and MAX_SESSIONS is ${maxSessions}, but your server has ended one of them.`,
              advice: makesRoom,
            });
            await settled(server);
          }
          const timers = server.program.timers;
          const newcomer = await guest(server, `client ${maxSessions + 1 + round}`, makesRoom);
          const [longest, ...others] = order as [McpClient, ...McpClient[]];
          const isOver = await ask(longest, 'ping');
          for (const client of [...others, newcomer]) {
            await expectAlive(client, {
              cause:
                client === newcomer
                  ? 'Your server made room for a new session, and then ended the new session.'
                  : isOver.status === 404
                    ? 'Your server ended more than one session to make room for one.'
                    : 'Your server ended a session to make room, but a different session had been idle for longer.',
              advice: makesRoom,
            });
          }
          expectOver(isOver, {
            cause: `MAX_SESSIONS is ${maxSessions}, and one more client has shaken hands, but your server keeps all ${maxSessions + 1} sessions.`,
            advice:
              'In makeRoom, end a session if there are maxSessions of them, and call makeRoom before you put a new session into the map sessions.',
          });
          await settled(server);
          await noTimerLeft(
            run,
            server.program,
            timers,
            {
              cause: 'Your server ended a session to make room, but the timer of this session is still running.',
              advice: 'Call clearTimeout(session.timer) in endSession, and let makeRoom call endSession.',
            },
            500,
          );
          clients.splice(0, clients.length, ...others, newcomer);
        }
      },
    );

    requirement(
      'If a client has ended its session with `DELETE`, the next client takes its place, and all other sessions continue. If all places are taken and the server answers `initialize` with an error, no session ends.',
      async () => {
        const server = await emptyServer();
        const clients = [];
        for (let i = 1; i <= maxSessions; i++) {
          clients.push(await guest(server, `client ${i}`, countsExisting));
        }
        const [leaver, ...others] = clients as [McpClient, ...McpClient[]];
        await sayGoodbye(leaver);
        others.push(await guest(server, `client ${maxSessions + 1}`, countsExisting));
        for (const client of others) {
          await expectAlive(client, {
            cause: 'One client has ended its session with DELETE, but your server ended another session to make room.',
            advice: 'Count only the sessions that exist: sessions.size. A session that is over needs no room.',
          });
          await settled(server);
        }
        const wrong = random.pick([{}, { ...hello(), protocolVersion: 7 }, { protocolVersion: '2025-11-25' }]);
        (await asksToBegin(mcpClient(server, { who: 'client 5', newId }), wrong)).error(
          -32602,
          'Answer initialize with an error if its params are wrong, as before.',
        );
        for (const client of others) {
          await expectAlive(client, {
            cause: 'Your server answered initialize with an error, but ended a session to make room.',
            advice: 'Call makeRoom only when the handshake has succeeded: the answer then has a result.',
          });
        }
      },
    );

    requirement(
      'To make room, the server never ends a session with a running call or an open stand-alone stream. The server ends an idle session instead, even if this one was used later.',
      async () => {
        const server = await emptyServer();
        const listening = await guest(server, 'client 1');
        const running = await guest(server, 'client 2');
        const idle = await guest(server, 'client 3');
        const stream = await opensStream(listening);
        const posted = await call(running);
        expectEventStream(posted, { see: '' });
        await settled(server);
        await expectAlive(idle, { cause: 'Your server has ended an idle session too early.', advice: makesRoom });
        // The tool is still running.
        posted.close();
        await settled(server);
        const newcomer = await guest(server, 'client 4', makesRoom);
        const onlyIdle =
          'Look only at the sessions whose number of uses is 0 when you choose which one ends: filter them before you sort.';
        for (const client of [listening, running]) {
          await expectAlive(client, {
            cause: `Your server ended the session that had ${client === running ? 'a running call, whose connection had closed' : 'an open stand-alone stream'}, although another one was idle.`,
            advice: onlyIdle,
          });
        }
        expect(!finished(stream), {
          cause: 'Your server ended the open stand-alone stream of a session, although another session was idle.',
          advice: onlyIdle,
        });
        await expectAlive(newcomer, { cause: 'Your server ended the session that had just begun.', advice: onlyIdle });
        expectOver(await ask(idle, 'ping'), {
          cause: `MAX_SESSIONS is ${maxSessions}, but your server keeps ${maxSessions + 1} sessions.`,
          advice: makesRoom,
        });
        busy = { server, stream, newcomer, listening, running };
      },
    );

    let busy: {
      server: Server;
      stream: Posted;
      newcomer: McpClient;
      listening: McpClient;
      running: McpClient;
    };

    requirement(
      'If all `MAX_SESSIONS` sessions are in use, the server answers `initialize` with status 503 or 429, a `Retry-After` header and a JSON-RPC error. When a session becomes idle, the next handshake succeeds.',
      async () => {
        const { server, stream, newcomer, listening, running } = busy;
        const other = await opensStream(newcomer);
        await settled(server);
        const late = await asksToBegin(mcpClient(server, { who: 'client 5', newId }));
        const refuses =
          'If makeRoom returns false, set Retry-After, call refuse with status 503, and return before you keep the new session.';
        for (const [client, what] of [
          [listening, 'an open stand-alone stream'],
          [running, 'a running call'],
          [newcomer, 'an open stand-alone stream'],
        ] as const) {
          await expectAlive(client, {
            cause: `All sessions were in use, but your server ended one that had ${what}.`,
            advice: refuses,
          });
        }
        expect(late.status !== 200, {
          cause: `All ${maxSessions} sessions were in use, but your server began one more.`,
          compare: { expected: '503', received: shown(late) },
          advice: refuses,
        });
        late.refused(late.status === 429 ? 429 : 503, undefined, refuses);
        const isTime = (value: string) =>
          /^\d+$/.test(value) || (/^[A-Z][a-z]{2}, .* GMT$/.test(value) && !Number.isNaN(Date.parse(value)));
        expectHeader(late, 'Retry-After', isTime, 'a whole number of seconds', {
          cause: 'Your server refused a handshake, but it did not say in Retry-After when the client should ask again.',
          advice: 'Set Retry-After to a whole number of seconds, without a unit: response.set, before refuse.',
        });
        expectHeader(late, 'MCP-Session-Id', (value) => value === '', undefined, {
          cause: 'Your server refused a handshake, but it sent a session id.',
          advice: 'Set MCP-Session-Id only after makeRoom has returned true.',
        });
        // A refused handshake leaves nothing behind that the next one could replace.
        for (const who of ['client 6', 'client 7']) {
          await settled(server);
          const more = await asksToBegin(mcpClient(server, { who, newId }));
          expect(more.status !== 200, {
            cause: `All ${maxSessions} sessions were in use. Your server refused a handshake, but then it began a session for the next client.`,
            compare: { expected: '503', received: shown(more) },
            advice:
              'Refuse the handshake and return before sessions.set. Otherwise your server keeps the session that it has refused, and the next handshake takes the place of this session.',
          });
          more.refused(more.status === 429 ? 429 : 503, undefined, refuses);
        }
        other.close();
        await settled(server);
        const again = await guest(
          server,
          'client 5',
          'Let a session become idle when its last stream has been closed: the event close of the response ends this use.',
        );
        await expectAlive(again, { cause: 'Your server ended a session that had just begun.', advice: makesRoom });
        stream.close();
        await finishCalls(server, 1);
      },
    );

    const countsStreams =
      'Count the open event streams in the session, in openStream: add one before the stream begins, and subtract one when its response emits close.';

    requirement(
      'If `MAX_STREAMS` event streams of a session are open, the server answers its next call or `GET` with status 429 or 503 and a JSON-RPC error, and runs no tool. Other requests and other sessions are still served.',
      async () => {
        const server = await emptyServer();
        const { program } = server;
        const client = await guest(server, 'client 1');
        const other = await guest(server, 'client 2');
        const streams: Posted[] = [];
        const opens = async (posted: Posted, how: string) => {
          expect(posted.status === 200, {
            cause: `MAX_STREAMS is ${maxStreams}, and the session has ${streams.length} open streams, but your server refused ${how}.`,
            compare: { expected: '200', received: shown(posted) },
            advice: countsStreams,
          });
          expectEventStream(posted, { see: '' });
          streams.push(posted);
        };
        // A GET would replace the stand-alone stream, so this session has none.
        for (let i = 1; i <= maxStreams; i++) await opens(await call(client), 'a call');
        const held = program.held.length;
        const refuses = (posted: Posted, how: string) => {
          expect(posted.status !== 200, {
            cause: `MAX_STREAMS is ${maxStreams}, but your server opened stream ${maxStreams + 1} of a session: ${how}.`,
            compare: { expected: '429', received: `${posted.status}` },
            advice: `Refuse a stream beyond maxStreams in openStream, before beginEventStream. ${countsStreams}`,
          });
          posted.refused(
            posted.status === 503 ? 503 : 429,
            undefined,
            'Call refuse with status 429, and return false from openStream.',
          );
        };
        const more = await call(client);
        refuses(more, 'the answer to a call');
        await program.caughtUp();
        expect(program.held.length === held, {
          cause: 'Your server refused a call because of its limit, but the tool ran.',
          advice: 'Return when openStream has returned false, before you call answer.',
        });
        refuses(await listen(client), 'the stand-alone stream');
        const beside = await ask(client, 'tools/list');
        expect(beside.status === 200, {
          cause:
            'A session has as many streams as it may have, and your server now refuses a request that opens no stream.',
          compare: { expected: '200', received: shown(beside) },
          advice: 'Look at the limit only where an event stream begins. Other requests are answered with JSON.',
        });
        beside.result();
        const theirs = await listen(other);
        expect(theirs.status === 200, {
          cause:
            'One session has as many streams as it may have, and your server now refuses the stream of another session.',
          compare: { expected: '200', received: shown(theirs) },
          advice: 'Count the streams in the Session object: a variable outside of it is shared by all clients.',
        });
        expectEventStream(theirs, { see: '' });
        theirs.close();
        crowd = { server, client, streams };
      },
    );

    let crowd: { server: Server; client: McpClient; streams: Posted[] };

    requirement(
      'When a call has been answered, or the client has closed its stand-alone stream, the session may open one more stream. The server still refuses more than `MAX_STREAMS` open streams.',
      async () => {
        const { server, client, streams } = crowd;
        const { program } = server;
        await finishCalls(server, streams.length);
        for (const posted of streams) await posted.done();
        await settled(server);
        const again = (posted: Posted, after: string) => {
          expect(posted.status === 200, {
            cause: `${after}, but your server still refuses a stream of this session.`,
            compare: { expected: '200', received: shown(posted) },
            advice: countsStreams,
          });
          expectEventStream(posted, { see: '' });
        };
        const calls: Posted[] = [];
        const fill = async (count: number, after: string) => {
          for (let i = 1; i <= count; i++) {
            const posted = await call(client);
            again(posted, after);
            calls.push(posted);
          }
        };
        const noMore = async (after: string) => {
          const more = await call(client);
          expect(more.status !== 200, {
            cause: `${after}, and your server opened more than MAX_STREAMS streams of the session again.`,
            compare: { expected: '429', received: String(more.status) },
            advice: 'Subtract exactly one for each stream: the event close comes for a response that has ended, too.',
          });
        };
        const stream = await listen(client);
        again(stream, 'All calls have been answered');
        await fill(maxStreams - 1, 'All calls have been answered');
        await noMore('All calls have been answered');
        stream.close();
        await settled(server);
        await fill(1, 'The client has closed its stand-alone stream');
        await noMore('The client has closed its stand-alone stream');
        await finishCalls(server, calls.length);
        await program.caughtUp();
      },
    );
  });

  const trySee = 'npm run try lesson-28';
  const newSession = () => `${word()}-${random.integer(1000, 9999)}!~`;
  const beginsAgain =
    'If a request with a session id is answered with status 404, and for the first time, call beginAgain and then request again.';

  /** Begins the answer to a GET, which is an event stream. */
  function begin({ response }: Incoming): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
  }

  /** A client that has called its tool, in a session unless told. */
  async function upToCall(
    terms: Omit<Terms, 'see'> = { session: newSession() },
  ): Promise<Script & { call: ReceivedMessage }> {
    const script = await scriptedServer(run, { see: trySee, ...terms }).start();
    await script.handshake();
    return { ...script, call: await script.next('tools/call') };
  }

  /** The server does not know the session any more. */
  async function refusesCall(call: ReceivedMessage, status = 404, body = lost()): Promise<void> {
    note('←', String(status));
    await call.answer(status, body.startsWith('{') ? 'application/json' : 'text/html', body);
  }

  /** The server does not know the session any more, and does not end the body of its answer. */
  async function refusesWithoutEnd(call: ReceivedMessage): Promise<void> {
    note('←', '404');
    call.begin('text/html', 404);
    call.response.flushHeaders();
    await call.send(`<!DOCTYPE html><title>${word()}</title>`);
  }

  const lost = () =>
    random.pick([
      JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }),
      `<!DOCTYPE html><title>${word()}</title>`,
      '',
    ]);

  /** The client shakes hands a second time, with a server that gives it this session id. */
  async function secondHandshake(
    script: Script,
    session: string | undefined,
    revision = '2025-11-25',
    words = {
      cause: 'The server has answered the call with status 404, but your client did not shake hands again.',
      advice: beginsAgain,
    },
  ): Promise<ReceivedMessage> {
    const initialize = await script.next('initialize', { ...words, ended: beginsAgain });
    initialize.expectNoSession(
      'Delete MCP-Session-Id from headers before you shake hands: a server refuses the id of a session that is over.',
    );
    expectHeader(initialize.request, 'MCP-Protocol-Version', (value) => value === '', undefined, {
      cause: 'The second initialize has an MCP-Protocol-Version header, but no revision has been agreed on yet.',
      advice:
        'Delete MCP-Protocol-Version from headers before you shake hands: a new server may refuse the old revision.',
      see: trySee,
    });
    initialize.expectId();
    script.agreed.session = session;
    script.agreed.revision = revision;
    await initialize.json(initialize.result(script.initializeResult()));
    const initialized = await script.next('notifications/initialized', {
      advice: 'Shake hands completely, as at the beginning: shakeHands also sends notifications/initialized.',
    });
    initialized.expectAgreed();
    initialized.accept();
    return initialize;
  }

  task({ number: 3, title: 'Begin again', file: 'client.ts' }, () => {
    requirement(
      'If the server answers the call with status 404, the client sends `initialize` without an `MCP-Session-Id` or `MCP-Protocol-Version` header, and then `notifications/initialized` with the id of the new session.',
      async () => {
        const script = await upToCall();
        await refusesCall(script.call);
        await secondHandshake(script, newSession());
        const again = await script.next('tools/call', { advice: beginsAgain, ended: beginsAgain });
        await again.json(again.result(textResult(word())));
        await until(() => script.client.end);
      },
    );

    requirement(
      'After the second handshake, the client sends the call again with a new `id`, prints the result and exits with code 0, even if the body of the answer with status 404 never ends. Its requests now have the revision and the session id of the second handshake.',
      async () => {
        const cases = [
          { session: newSession(), revision: '2025-06-18', text: word(), ends: true },
          { session: undefined, revision: '2025-11-25', text: word(), ends: true },
          { session: newSession(), revision: '2025-11-25', text: word(), ends: false },
        ];
        await together(cases, async ({ session, revision, text, ends }) => {
          const script = await upToCall();
          const { call, client, goodbyes } = script;
          await (ends ? refusesCall(call) : refusesWithoutEnd(call));
          const initialize = await secondHandshake(script, session, revision, ends ? undefined : waitsForBody);
          const again = await script.next('tools/call', { advice: beginsAgain, ended: beginsAgain });
          again.expectAgreed();
          again
            .member('params')
            .is(
              call.message.params,
              'Your client called the tool a second time with different params.',
              'Send the same request again: call request with the same method and params.',
            );
          const ids = [call.message.id, initialize.message.id];
          expect(!ids.includes(again.message.id), {
            cause: 'The repeated call has the id of an earlier request.',
            compare: { expected: 'a new id', received: `"id":${JSON.stringify(again.message.id)}` },
            advice: 'Call request again: it takes the next number as the id. Ids are not used twice.',
            see: trySee,
          });
          await again.json(again.result(textResult(text)));
          const words = 'Return the result of the repeated call from request.';
          await client.prints([`RESULT: ${text}`], {
            cause: 'The server has answered the repeated call, but your client did not print the result.',
            advice: words,
          });
          await client.endsWell(
            `The repeated call was answered${ends ? '' : ', and the body of the answer with status 404 is still open'}`,
            words,
            ends
              ? keepsRunning
              : 'Call discard for the answer with status 404, before beginAgain: a body that does not end keeps your client running.',
          );
          expect(goodbyes.length === (session ? 1 : 0), {
            cause: session
              ? 'Your client should end the new session with one DELETE.'
              : 'The second handshake gave no session id, but your client sent a DELETE.',
            compare: {
              expected: session ? 'one DELETE' : '(no DELETE)',
              received: goodbyes.length === 1 ? 'one DELETE' : `${goodbyes.length} DELETEs`,
            },
            advice:
              'Send a DELETE only at the end, and only for the session that headers names then. The old session is over already.',
            see: trySee,
          });
          for (const goodbye of goodbyes) goodbye.expectAgreed();
        });
      },
    );

    const waitsForBody = {
      cause:
        'The server has answered the call with status 404 and did not end the body, but your client did not shake hands again.',
      advice: 'Do not read the body of this answer: call discard, which closes it, and then beginAgain.',
    };

    const keepsRunning =
      'Call leaving.abort() for the old stream too, and discard for the answer with status 404: each open response keeps your client running.';

    requirement(
      'When the client begins a new session, it closes the stand-alone stream of the old session, opens one in the new session, and prints what arrives there.',
      async () => {
        const script = await upToCall({ session: newSession(), onGet: begin });
        const { call, client, gets } = script;
        const [text, change] = [word(), word()];
        await expectSoon(
          () => gets.length > 0,
          () => ({
            cause: 'Your client did not open the stand-alone stream after the handshake.',
            advice: 'Leave the first call of listen as it is.',
            see: trySee,
          }),
          client,
        );
        await client.caughtUp();
        await refusesCall(call);
        await secondHandshake(script, newSession());
        const again = await script.next('tools/call', { advice: beginsAgain, ended: beginsAgain });
        const listens =
          'Make a new AbortController in beginAgain after leaving.abort(), because a signal that is aborted stays aborted. Then call listen after shakeHands, and do not await it.';
        await expectSoon(
          () => gets.length > 1 || client.end,
          () => {
            missing('GET /mcp');
            return {
              cause: 'Your client began a new session, but did not open its stand-alone stream.',
              advice: listens,
              see: trySee,
            };
          },
          client,
        );
        expect(gets.length === 2, {
          cause: 'Your client ended before it opened the stand-alone stream of the new session.',
          advice: listens,
          see: trySee,
        });
        const [old, own] = gets as [Incoming, Incoming];
        own.expectAgreed();
        await expectSoon(
          () => old.response.destroyed,
          () => ({
            cause: 'Your client began a new session, but the stand-alone stream of its old session is still open.',
            advice: 'Call leaving.abort() in beginAgain, before you make a new AbortController.',
            see: trySee,
          }),
          client,
        );
        await own.send(eventOf(notification('notifications/tools/list_changed', { word: change })));
        await client.prints([`NOTIFICATION: notifications/tools/list_changed {"word":"${change}"}`], {
          cause: 'A message has arrived on the new stand-alone stream, but your client did not print it.',
          advice:
            'Make a new AbortController in beginAgain after you have aborted the old one: a signal that is aborted stays aborted.',
        });
        await again.stream(logMessage('info', text), again.result(textResult(text)));
        again.end();
        await client.prints([`NOTIFICATION: info ${text}`, `RESULT: ${text}`], {
          cause: 'The server has answered the repeated call, but your client did not print everything.',
          advice: 'Read the answer to the repeated call like every other answer.',
        });
        await client.endsWell('The repeated call was answered', keepsRunning, keepsRunning);
        expect(client.stderr.trim() === '', {
          cause: 'Your client closed the old stand-alone stream itself, but printed an error about it.',
          compare: { expected: '(nothing)', received: client.stderr.trim().split('\n')[0]! },
          advice:
            'Look at the signal with which this stream was opened. By now, leaving is a different AbortController.',
        });
      },
    );

    requirement(
      'If the server answers the repeated call with status 404 too, the client sends no third `initialize`: it prints one line that contains 404, and exits with code 3.',
      async () => {
        const script = await upToCall();
        const session = newSession();
        await refusesCall(script.call);
        await secondHandshake(script, session);
        const again = await script.next('tools/call', { advice: beginsAgain, ended: beginsAgain });
        await refusesCall(again);
        await failsWith(
          script,
          3,
          'a second 404',
          [404],
          'Shake hands again only one time: look at begunAgain, and set it in beginAgain.',
        );
      },
    );

    /** The client sends nothing more than a DELETE, and ends with this exit code. */
    async function failsWith(script: Script, code: number, about: string, has: number[], advice: string) {
      const { client } = script;
      await until(() => script.waiting() || client.end || client.verdict, workMs);
      expect(!script.waiting(), {
        cause: `Your client went on after ${about}: it posted one more message.`,
        advice,
        see: trySee,
      });
      await expectEnd(run, client, `Your client is still running after ${about}.`, keepsRunning);
      await client.fails({
        withFail: true,
        code,
        about,
        has,
        ...(has.length > 0 && { hasName: 'the status' }),
        advice: 'Call checkStatus for each response that is not the one case in which your client shakes hands again.',
        otherCode: 'Call checkStatus, which ends the client with exit code 3.',
      });
    }

    requirement(
      'If the server answers `initialize`, or a call that has no session id, with status 404, the client prints one line that contains 404 and exits with code 3. The client sends no second `initialize`.',
      async () => {
        const advice =
          'Look whether the request had a session id. Without one, 404 means that nothing is found at this URL, and a new handshake cannot help.';
        await together(['initialize', 'call'] as const, async (which) => {
          if (which === 'call') {
            const script = await upToCall({});
            await refusesCall(script.call);
            await failsWith(script, 3, 'status 404 without a session', [404], advice);
            return;
          }
          const script = await scriptedServer(run, { see: trySee }).start();
          await refusesCall(await script.next('initialize'));
          await failsWith(script, 3, 'status 404 for initialize', [404], advice);
        });
      },
    );

    requirement(
      'If the answer to the call has an error status other than 404, the client exits with code 3. If the answer breaks off, the client exits with code 5. In both cases, the client sends the call only once.',
      async () => {
        // Status 400 is near to 404: a server sends it to a request without a session id.
        const statuses = [400, random.pick([403, 409, 410, 500, 503])];
        const text = word();
        await together([...statuses, undefined], async (status) => {
          const script = await upToCall();
          const { call } = script;
          if (status !== undefined) {
            await refusesCall(call, status);
            await failsWith(
              script,
              3,
              `status ${status}`,
              [status],
              'Shake hands again only after status 404, because only this status says that the session is over.',
            );
            return;
          }
          await call.stream(logMessage('info', text));
          await script.client.prints([`NOTIFICATION: info ${text}`], {
            cause: 'A message has arrived in the answer to the call, but your client did not print it.',
            advice: 'Read the answer to the call as before.',
          });
          call.breakOff();
          const { client } = script;
          await until(() => script.waiting() || client.end || client.verdict, workMs);
          expect(!script.waiting(), {
            cause: 'The answer to the call broke off, and your client posted one more message.',
            advice: 'Do not repeat a call that has begun: the tool would run a second time. Exit with code 5 instead.',
            see: trySee,
          });
          await client.fails({
            withFail: true,
            code: 5,
            about: 'an answer that broke off',
            printed: [`NOTIFICATION: info ${text}`],
            advice: 'Leave notRead as it is: it ends the client with exit code 5.',
          });
        });
      },
    );
  });
});
