import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expectEnd, judgedClient, lastWords, type Client } from '../harness/vocabulary/command-line.ts';
import { eventOf, expectEventStream } from '../harness/vocabulary/event-stream.ts';
import {
  expectAnsweredOnce,
  expectHeader,
  expectStatus,
  finished,
  received,
  release,
  untilEnd,
} from '../harness/vocabulary/http.ts';
import { answered, asPosted, connectOld, postTo, type OldClient } from '../harness/vocabulary/http-sse.ts';
import { hello, initialize, mcpClient, request, type McpClient } from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import {
  expectLog,
  expectResponseLast,
  levels,
  newIds,
  notificationsIn,
  notified,
  tellApart,
  whyNotSent,
  type Log,
} from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import { isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, random, requirement, startServer, task, together, until } = run;

  let server: Server;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const texts = documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`);

  const start = () =>
    startServer({ MORE_TOOLS: fileURLToPath(new URL('../harness/tools/logging.ts', import.meta.url)) });
  const newClient = (who: string) => mcpClient(server, { who, newId });
  /** The clients of /sse so far. */
  const olds: OldClient[] = [];
  const openOld = async (who: string, params = hello()) => {
    const client = await connectOld(server, who, params);
    olds.push(client);
    return client;
  };
  /** A client of /mcp that has shaken hands. */
  async function connectNew(who: string): Promise<McpClient> {
    const client = newClient(who);
    await initialize(client, hello(), notYet);
    const posted = await client.notify('notifications/initialized');
    expect(posted.status! < 400, {
      cause: `Your server issued a session id, but it refused notifications/initialized, which had this id, with status ${posted.status}.`,
      compare: { expected: '202', received: received(posted) },
      advice: 'Send the id that newSessionId returns: this function makes the id and keeps the session.',
      see: '',
    });
    posted.accepted();
    return client;
  }
  const callOf = (name: string, args: object, id: string | number = newId()) =>
    request(id, 'tools/call', { name, arguments: args });

  const notYet = {
    when: {
      400: 'Do not ask for a session id with initialize, because a client has no session before. Make a new session for it, and call sessionOf for every other message.',
      501: 'Replace the line that answers 501: answer each request with serve, and set the header MCP-Session-Id in the answer to initialize.',
    },
  };

  task({ number: 1, title: 'Answer at a second endpoint', file: 'server.ts' }, () => {
    let old: OldClient & { initialized: Message };
    let modern: McpClient;

    requirement(
      'If a client opens `/sse`, it first gets the event `endpoint`, whose data is an address on the same origin. If this client proposes the revision `2024-11-05`, the server accepts this revision.',
      async () => {
        server = await start();
        const { initialized } = await openOld('old client', hello('2024-11-05'));
        expect(initialized.protocolVersion === '2024-11-05', {
          cause:
            'A client of /sse proposed the revision 2024-11-05, but your server answered with a different revision.',
          compare: {
            expected: '"protocolVersion":"2024-11-05"',
            received: `"protocolVersion":${asJson(initialized.protocolVersion)}`,
          },
          advice:
            'Leave the revisions of the old sessions as they are. A client that knows only 2024-11-05 ends when it gets a different revision.',
        });
      },
    );

    requirement(
      'If a client posts `initialize` to `/mcp`, the server answers with status 200, the JSON-RPC response and a header `MCP-Session-Id`. If the client then posts `notifications/initialized` with this session id, the server answers with status 202.',
      async () => {
        const client = newClient('client 1');
        const posted = await client.send(client.request('initialize', hello()));
        posted.result(notYet);
        expectHeader(posted, 'MCP-Session-Id', (value) => /^[\x21-\x7e]{16,}$/.test(value), '…', {
          cause: 'The answer to initialize has no header MCP-Session-Id with a session id in it.',
          advice:
            'Set the header before you send the result: response.set("MCP-Session-Id", newSessionId(session)). newSessionId keeps the session.',
          see: posted.see,
        });
        const printed = server.program.stderr.length;
        modern = await connectNew('client 1');
        await expectAnsweredOnce(
          server,
          {
            cause:
              'Your server accepted a notification with status 202, but continued and tried to answer it a second time.',
            advice: 'Return after response.status(202).end(), because a notification gets no other answer.',
          },
          printed,
        );
        const asked = await modern.send(request('later', 'ping'));
        const [own, other] = [modern.headers['MCP-Session-Id'], asked.headers['mcp-session-id']];
        expect(other === undefined || other === own, {
          cause: 'Your server began a new session with the answer to ping, although the client has a session.',
          compare: { expected: `MCP-Session-Id: ${own}, or no such header`, received: `MCP-Session-Id: ${other}` },
          advice:
            'Set the header only in the answer to initialize: look at begins. A client uses the id that it gets last, so its DELETE would leave its other sessions open.',
          see: '',
        });
      },
    );

    requirement(
      'If a notification to `/mcp`, or a request other than `initialize`, has no session id, the server answers with status 400. If it has a session id that the server did not issue, the server answers with status 404.',
      async () => {
        const messages = (client: McpClient) => [
          client.request('tools/list'),
          client.request('tools/call', { name: 'process_files', arguments: { message: word() } }),
          { jsonrpc: '2.0', method: 'notifications/initialized' },
        ];
        const printed = server.program.stderr.length;
        for (const [status, id, what] of [
          [400, undefined, 'without a session id'],
          [404, random.words(4).join('-'), 'with a session id that your server did not issue'],
        ] as const) {
          const { 'MCP-Session-Id': _own, ...headers } = modern.headers;
          const client = newClient('client 2');
          client.headers = { ...headers, ...(id !== undefined && { 'MCP-Session-Id': id }) };
          for (const message of messages(client)) {
            const posted = await client.send(message);
            expectStatus(posted, status, {
              cause: `${posted.what} came ${what}, but your server answered with status ${posted.status}.`,
              advice:
                'Call sessionOf for every message except initialize, before you look at its kind. sessionOf refuses the message and returns undefined if there is no session: return then.',
              see: posted.see,
            });
          }
        }
        await expectAnsweredOnce(
          server,
          {
            cause: 'Your server refused a message, but continued and tried to answer it a second time.',
            advice: 'Return if there is no session: sessionOf has already refused the message.',
          },
          printed,
        );
      },
    );

    requirement(
      'If a client calls a tool at `/mcp`, the server sends each log message in the event stream of this response while the tool is still at work. The JSON-RPC response is the last message, and the server ends the stream after it.',
      async () => {
        old = await openOld('old client 1');
        const before = old.messages().length;
        const message = `${word()} "${word()}" é世🎈`;
        const posted = modern.post(callOf('process_files', { message }));
        for (const [i, text] of texts.entries()) {
          await posted.atWork();
          await notified(server, posted, i + 1);
          expect(posted.status !== undefined, {
            cause: `The tool is at work on ${documents[i]!.name}, but your server has not even sent the headers of its answer.`,
            compare: { expected: '200 and an event stream', received: '(nothing)' },
            advice:
              'Call beginEventStream(response) before you call serve, and write each message as soon as serve passes it to your function.',
            see: posted.see,
          });
          expectStatus(posted, 200, {
            cause: `Your server answered a call of process_files in an open session with status ${posted.status}.`,
            advice:
              posted.status === 404
                ? 'Keep each session in sessions until its client sends DELETE. A connection that closes does not end a session here.'
                : 'Follow tools/call through the handler, and find the statement that answers it so.',
            see: posted.see,
          });
          expectEventStream(posted, {
            see: posted.see,
            advice:
              'Answer tools/call with an event stream: call beginEventStream(response), and then write each message with writeMessage.',
          });
          const foreign = old.messages().slice(before);
          expect(foreign.length === 0, {
            cause:
              'A client called a tool at /mcp, but your server sent its message on the stream of a client of /sse.',
            compare: { expected: '(nothing on the stream of /sse)', received: asJson(foreign[0]) },
            advice: toOwn,
          });
          const logged = notificationsIn(posted);
          if (logged.length <= i) {
            throw await whyNotSent(server, posted, {
              index: i,
              text,
              work: documents[i]!.name,
              never:
                'Pass a function to serve that writes each message to the response of this POST: (each) => writeMessage(response, each).',
            });
          }
          expectLog(posted, logged[i]!, { level: 'info', data: text });
          release(server.program);
        }
        await posted.done();
        expectText(
          posted,
          `Done: ${message}`,
          'Write the response as the last message of the stream: serve sends it like the others.',
        );
        expectResponseLast(posted);
      },
    );

    const toOwn =
      'Pass a function of its own to serve for each POST, which writes to the response of this POST. A variable that all requests share leads to a different client.';

    const oneCore =
      'Let serve answer the requests of both endpoints, and pass nothing to it but the request, the session of this client, and a function that writes one message.';

    requirement(
      'After the handshake, if a client of `/sse` and a client of `/mcp` send the same requests, both get the same messages in the same order.',
      async () => {
        const oldOne = await openOld('old client 2');
        const newOne = newClient('client 2');
        const initialized = (await newOne.send(request(newId(), 'initialize', hello()))).result(notYet).value;
        expectSame('initialize', [oldOne.initialized], [initialized as Message]);
        const client = await connectNew('client 3');
        for (const [what, method, params] of alike()) {
          const id = newId();
          const sent = await oldOne.ask(method, params, id);
          const posted = await client.send(request(id, method, params));
          await server.program.caughtUp();
          posted.response();
          expectSame(what, sent.messages(), posted.messages());
        }
      },
    );

    /** Requests of each kind, and how verdicts call them. */
    function alike(): (readonly [what: string, method: string, params?: unknown])[] {
      const said = random
        .shuffled(levels)
        .map((level) => ({ level, data: word(), ...(random.next() < 0.5 && { logger: word() }) }));
      const odd = [{ level: 'error', data: { text: `"${word()}"\n é世🎈`, list: [0, null] } }];
      const call = (name: string, args: object) => ['tools/call', { name, arguments: args }] as const;
      const level = random.pick(['notice', 'warning', 'error', 'critical']);
      return [
        ['a call of process_files', ...call('process_files', { message: word() })],
        ['a call of a tool that logs at each level', ...call('say', { messages: [...said, ...odd] })],
        [`logging/setLevel with the level ${level}`, 'logging/setLevel', { level }],
        [
          `a call of a tool that logs at each level, after logging/setLevel with ${level}`,
          ...call('say', { messages: said }),
        ],
        ['a call of a tool that fails', ...call('fail_midway', { reason: word() })],
        ['a call of a tool that still logs when it has returned', ...call('forget_to_wait', {})],
        ['a call of a tool that does not exist', ...call(word(), {})],
        ['a call with wrong arguments', ...call('process_files', { message: 7 })],
        ['logging/setLevel with a wrong level', 'logging/setLevel', { level: word() }],
        ['tools/list', 'tools/list'],
        ['ping', 'ping'],
        ['a method that does not exist', `${word()}/${word()}`],
      ];
    }

    function expectSame(what: string, fromOld: Message[], fromNew: Message[]): void {
      if (isDeepStrictEqual(fromOld, fromNew)) return;
      const index = fromOld.findIndex((message, i) => !isDeepStrictEqual(message, fromNew[i]));
      const at = index < 0 ? fromOld.length : index;
      const shown = (messages: Message[]) => visible(JSON.stringify(messages[at]) ?? '(nothing more)');
      throw new Failure({
        cause: `A client of /sse and a client of /mcp sent the same request, ${what}, but message ${at + 1} differs.`,
        compare: { expected: `${shown(fromOld)} (as on /sse)`, received: `${shown(fromNew)} (at /mcp)` },
        advice: oneCore,
      });
    }

    /** The messages of a call go out by the level of its own session. */
    async function expectLevel(client: McpClient, oldClient: OldClient | undefined, least: string): Promise<void> {
      const args = { messages: levels.map((level) => ({ level, data: word() })) };
      const answer = oldClient
        ? (await oldClient.ask('tools/call', { name: 'say', arguments: args }, newId())).messages()
        : (await client.ask('tools/call', { name: 'say', arguments: args })).messages();
      const came = answer.flatMap(({ params }) => (isObject(params) ? [String(params.level)] : []));
      const expected = levels.slice(levels.indexOf(least));
      expect(new Set(came).size === came.length, {
        cause: `A client of ${oldClient ? '/sse' : '/mcp'} got the messages of its call more than once.`,
        compare: { expected: expected.join(', '), received: came.join(', ') },
        advice:
          'Write each message to one response: the stream of the client that has called the tool, or the answer to its POST.',
      });
      expect(came.filter((level) => level !== 'debug').join() === expected.join(), {
        cause: `Several clients have set levels. One session at ${oldClient ? '/sse' : '/mcp'} has the level ${least}, but your server filtered its messages by a different level.`,
        compare: { expected: expected.join(', '), received: came.join(', ') || '(no message)' },
        advice:
          'Give each client a session object of its own, and pass this object to serve. Clients must not share a level, whatever their transport is.',
      });
    }

    requirement(
      'If clients call a tool at both endpoints at the same time, each client gets only the messages of its own call, at the level of its own session. This also holds for calls with the same `id`.',
      async () => {
        const id = newId();
        const both = new Map<McpClient, OldClient>();
        for (const who of ['old client 3', 'old client 4']) both.set(newClient(who), await openOld(who));
        const loud = await connectNew('client 4');
        const silent = await connectNew('client 5');
        const [silentOld] = [...both.keys()] as [McpClient];
        (await silent.ask('logging/setLevel', { level: 'warning' })).result();
        await both.get(silentOld)!.ask('logging/setLevel', { level: 'error' });
        const [firstOld, secondOld] = [...both.keys()] as [McpClient, McpClient];
        for (const [client, least] of [
          [firstOld, 'error'],
          [secondOld, 'info'],
          [loud, 'info'],
          [silent, 'warning'],
        ] as const) {
          await expectLevel(client, both.get(client), least);
        }
        await tellApart(server, {
          texts,
          calls: [...both.keys(), loud, silent, loud].map((client) => ({ client, id })),
          call(client, message, own) {
            const asked = callOf('process_files', { message }, own);
            const oldClient = both.get(client);
            return oldClient ? asPosted(oldClient, oldClient.post(asked), asked) : client.post(asked, { see: '' });
          },
          logs: (client) => client !== silent && client !== silentOld,
          expectDone(posted, message) {
            const text = posted
              .messages()
              .map((each) => JSON.stringify(each))
              .join();
            expect(text.includes(JSON.stringify(`Done: ${message}`)), {
              cause: 'Several calls run at the same time, and one of them has the result of a different call.',
              compare: { expected: `Done: ${message}`, received: visible(text) },
              advice: toOwn,
            });
          },
        });
      },
    );

    requirement(
      'The official clients of both transports, `SSEClientTransport` at `/sse` and `StreamableHTTPClientTransport` at `/mcp`, get each log message while the tool is still at work, and the same result.',
      async () => {
        const message = word();
        for (const which of ['old', 'new'] as const) {
          const path = which === 'old' ? '/sse' : '/mcp';
          const logs: Log[] = [];
          const client = await officialClient(server, 'first', (log) => logs.push(log), { which });
          const call = client.beginTool('process_files', { message });
          for (const [i, text] of texts.entries()) {
            const here = () => (server.program.held.length > 0 && logs.length > i) || call.over;
            await expectSoon(
              here,
              () => {
                run.missing(text);
                return {
                  cause: `The official client of ${path} did not get "${text}" while the tool was at work.`,
                  advice: 'Write each message when serve hands it to you, in an event of the type message.',
                };
              },
              server.program,
            );
            expect(logs.length === i + 1 && logs[i]!.data === text, {
              cause: `The official client of ${path} did not get the log messages in their order.`,
              compare: {
                expected: texts.slice(0, i + 1).join(', '),
                received: visible(logs.map(({ data }) => String(data)).join(', ')),
              },
              advice: oneCore,
            });
            release(server.program);
          }
          await expectSoon(
            () => call.over,
            () => ({ cause: `The official client of ${path} did not get the result of its call.`, advice: oneCore }),
            server.program,
          );
          expect(call.text() === `Done: ${message}`, {
            cause: `The official client of ${path} got the wrong result.`,
            compare: { expected: `Done: ${message}`, received: visible(String(call.text())) },
            advice: oneCore,
          });
        }
      },
    );
  });

  task({ number: 2, title: 'Let the sessions of both kinds end', file: 'server.ts' }, () => {
    let old: OldClient;
    let modern: McpClient;

    async function goesOn(after: string, advice: string): Promise<void> {
      const asked = await modern.ask('tools/list');
      expectStatus(asked, 200, {
        cause: `${after}, and now the session of a different client of /mcp is over too.`,
        advice,
        see: '',
      });
      expect(!finished(old.stream), {
        cause: `${after}, and now the stream of a different client of /sse is closed.`,
        advice,
      });
      const sent = old.post(request(newId(), 'ping'));
      await answered(server, sent.post, advice);
      const cause = `${after}, and now the session of a different client of /sse is over too.`;
      expect(sent.post.status! < 300, {
        cause,
        compare: { expected: '202', received: received(sent.post) },
        advice,
      });
      await expectSoon(
        () => sent.response(),
        () => ({ cause, compare: { expected: 'a response to ping', received: '(nothing)' }, advice }),
        server.program,
      );
    }

    /** Sends DELETE /mcp, and waits for the end of the answer. */
    async function end(headers: Record<string, string>, who: string): Promise<Exchange> {
      const ended = server.request('/mcp', { method: 'DELETE', headers, who });
      const advice = 'End the response on every way through the handler, with response.end().';
      const cause = 'Your server did not answer DELETE /mcp.';
      await untilEnd(server, ended, () => ({ cause, advice }), { cause, advice });
      return ended;
    }

    requirement(
      'If a client of `/mcp` sends `DELETE` with its session id, the server answers with a 2xx status and ends this session: from then on, it answers this id with 404. All other sessions continue, those of `/sse` too.',
      async () => {
        old = await openOld('old client');
        modern = await connectNew('client 1');
        const leaving = await connectNew('client 2');
        const ended = await end(leaving.headers, 'client 2');
        expect(ended.status! >= 200 && ended.status! < 300, {
          cause: `Your server answered DELETE /mcp with the id of a session with status ${ended.status}.`,
          compare: { expected: '204 (or another 2xx)', received: received(ended) },
          advice:
            'Delete the session that the header MCP-Session-Id names, and answer with response.status(204).end().',
        });
        const advice = 'Delete only the session that the header names: sessions.delete(id).';
        expectStatus(await leaving.ask('tools/list'), 404, {
          cause: 'A client of /mcp has ended its session, but your server still accepts its id.',
          advice,
          see: '',
        });
        for (const [status, id] of [
          [404, leaving.headers['MCP-Session-Id']],
          [404, word()],
          [400, undefined],
        ] as const) {
          const asked = await end(id === undefined ? {} : { 'MCP-Session-Id': id }, 'client 2');
          expectStatus(asked, status, {
            cause: `DELETE /mcp came ${id === undefined ? 'without a session id' : 'with the id of no session'}, but your server answered with status ${asked.status}.`,
            advice:
              'Call sessionOf first: it answers 400 or 404, and returns undefined if there is no session. Return then.',
            see: '',
          });
        }
        await goesOn('A client of /mcp has ended its session', advice);
      },
    );

    /** Lets a tool whose client is gone work to its end. */
    async function finishWork(): Promise<void> {
      const { program } = server;
      while (program.held.length > 0) {
        release(program);
        await program.caughtUp();
        await until(() => program.held.length > 0 || program.end, 20);
      }
      await program.caughtUp();
    }

    requirement('If a client of `/mcp` closes the connection during a call, its session continues.', async () => {
      const call = modern.post(callOf('process_files', { message: 'hello' }, 'breaks off'));
      await call.atWork();
      call.close();
      // When the server has answered a later request, it has also noticed that this connection is closed.
      const later = server.request('/ping');
      await until(() => finished(later));
      await finishWork();
      expectStatus(await modern.send(request('later', 'ping')), 200, {
        cause: 'A client of /mcp closed the connection during a call, and now its session is over.',
        advice:
          'Delete a session only when its client sends DELETE. A connection may break for many reasons, and the client continues with its next POST.',
        see: '',
      });
    });

    /** Posts to the endpoint of a stream that is gone, until the server has noticed. */
    async function untilRefused(endpoint: string, explain: (posted: Exchange) => Explanation): Promise<void> {
      const began = performance.now();
      for (let tries = 1; ; tries++) {
        const posted = postTo(server, endpoint, request(newId(), 'ping'));
        await answered(server, posted, 'Answer a POST to the endpoint of a stream that is gone with status 404.');
        if (posted.status! >= 400 && posted.status! < 500) return;
        const tooLate = tries > 25 && performance.now() - began > promptMs;
        if (posted.status! >= 500 || tooLate) throw new Failure(explain(posted));
        await until(() => false, 10);
      }
    }

    requirement(
      'If the stream of a client of `/sse` closes, its session is over: the server answers a POST to its endpoint with a 4xx status. All other sessions continue.',
      async () => {
        const leaving = await openOld('old client 2');
        leaving.stream.close();
        await untilRefused(leaving.endpoint, (posted) => ({
          cause: `The stream of a client of /sse is closed, but your server answered a POST to its endpoint with status ${posted.status}.`,
          compare: { expected: '404 (or another 4xx)', received: received(posted) },
          advice:
            "Delete the client from streams when its stream closes: response.on('close', …). Refuse a POST whose client is not in streams. Otherwise, the server accepts requests whose answers nobody can get, and streams grows with each client.",
        }));
        await goesOn(
          'The stream of a client of /sse has closed',
          'Delete only the client whose stream has closed: streams.delete(id).',
        );
      },
    );

    requirement(
      'If the stream of a client of `/sse` closes while a tool is at work for this client, the server continues to run and prints nothing on standard error. Other clients get no message of this call.',
      async () => {
        const leaving = await openOld('old client 3');
        const asked = request(newId(), 'tools/call', { name: 'process_files', arguments: { message: word() } });
        await leaving.send(asked);
        const { program } = server;
        await expectSoon(
          () => program.held.length > 0,
          () => ({
            cause: 'A client of /sse called process_files, but the tool did not begin to work.',
            advice: 'Leave the handler of /messages as the starter has it.',
          }),
          program,
        );
        const others = olds.filter((each) => each !== leaving);
        const before = others.map((each) => each.messages().length);
        const stderr = program.stderr.length;
        leaving.stream.close();
        await untilRefused(leaving.endpoint, (posted) => ({
          cause: `The stream of a client of /sse closed while its tool was at work, but your server answered a POST to its endpoint with status ${posted.status}.`,
          compare: { expected: '404 (or another 4xx)', received: received(posted) },
          advice:
            "Delete the client from streams when its stream closes, whatever its tool does: response.on('close', …).",
        }));
        const advice =
          'Let the function that sends do nothing when the stream is gone. It keeps its response in a const, so it does not have to look for the client in streams.';
        await finishWork();
        const said = program.stderr.slice(stderr).trim();
        expect(said === '', {
          cause: 'The stream of a client of /sse closed while its tool was at work, and your server printed an error.',
          output: said.split('\n').slice(0, 4).join('\n'),
          advice: /\b(TypeError|ERR_\w+)/.test(said)
            ? advice
            : 'Print nothing when a stream closes: a client that goes away is not an error.',
        });
        const foreign = others.find((each, i) => each.messages().length !== before[i]);
        expect(!foreign, {
          cause:
            'The stream of a client of /sse has closed, but your server sent the messages of its call to a different client.',
          compare: { expected: '(nothing)', received: asJson(foreign?.messages().at(-1)) },
          advice,
        });
        await goesOn('The stream of a client of /sse closed while its tool was at work', advice);
      },
    );

    requirement(
      'If `/messages` gets the session id of a client of `/mcp`, an unknown id or no id, the server answers with a 4xx status. If `/mcp` gets the id of a client of `/sse`, the server answers with status 404.',
      async () => {
        const oldId = new URL(old.endpoint, server.url).searchParams.get('sessionId');
        const newSession = modern.headers['MCP-Session-Id']!;
        const apart =
          'Keep the sessions of the two transports in two Maps, streams and sessions, so that an id of one kind leads to nothing at the other endpoint.';
        const path = new URL(old.endpoint, server.url).pathname;
        const name =
          oldId === null ? ([...new URL(old.endpoint, server.url).searchParams.keys()][0] ?? 'sessionId') : 'sessionId';
        for (const [endpoint, what] of [
          [`${path}?${name}=${newSession}`, 'the session id of a client of /mcp'],
          [`${path}?${name}=${word()}`, 'an unknown id'],
          [path, 'no id'],
        ] as const) {
          const before = old.messages().length;
          const posted = postTo(server, endpoint, request(newId(), 'ping'), 'old client 4');
          await answered(server, posted, 'Answer every POST to /messages.');
          await server.program.caughtUp();
          expect(posted.status! >= 400 && posted.status! < 500 && old.messages().length === before, {
            cause: `A POST to /messages came with ${what}, but your server answered with status ${posted.status}.`,
            compare: { expected: '404 (or another 4xx)', received: received(posted) },
            advice: `Look for the client in streams only, and refuse the message if it is not there. ${apart}`,
          });
        }
        const ids = [...new URL(old.endpoint, server.url).searchParams.values()];
        for (const id of ids) {
          const stranger = newClient('client 3');
          stranger.headers = { ...modern.headers, 'MCP-Session-Id': id };
          const asked = await stranger.ask('tools/list');
          expectStatus(asked, 404, {
            cause: `A POST to /mcp came with the id of a client of /sse, but your server answered with status ${asked.status}.`,
            advice: `Look for the session in sessions only. ${apart}`,
            see: '',
          });
        }
        await goesOn('Messages with wrong ids have come', 'Refuse these messages, and leave the sessions as they are.');
      },
    );
  });

  task({ number: 3, title: 'Find out which transport it is', file: 'client.ts' }, () => {
    const see = 'node --import tsx lessons/20-two-endpoints/client.ts http://127.0.0.1:3000/sse hello';
    const answeredCall = 'The call was answered';
    const closes =
      'Close the stream of an old server in endSession, with discard(oldStream.response), also after a failure: so set oldStream immediately after the GET. An open connection keeps the client running.';

    /** A server that has heard these GETs, and the client that has posted its first initialize. */
    type Begun = Omit<Script, 'gets'> & { gets: Call[]; posted: ReceivedMessage };

    /** Starts a client, and waits for its first message. A GET stays without an answer until `gets` is looked at. */
    async function begin(terms: Omit<Terms, 'see' | 'hears'> = {}): Promise<Begun> {
      const gets: Call[] = [];
      const hears = (call: Call) => call.request.method === 'GET' && gets.push(call) > 0;
      const path = random.pick(['/sse', `/${word()}`, `/${word()}/mcp`]);
      const script = await scriptedServer(run, { see, path, ...terms, hears }).start();
      const early =
        'Post initialize first. Open the stream of an old server only if this POST is refused with 400, 404 or 405.';
      await expectSoon(
        () => script.waiting() || gets.length > 0 || script.client.end,
        () => ({ cause: 'Your client posted nothing.', advice: early }),
        script.client,
        7000,
      );
      expect(gets.length === 0, {
        cause: 'Your client sent a GET before it had posted initialize.',
        advice: early,
        see,
      });
      const posted = await script.next('initialize', { advice: early });
      return { ...script, gets, posted };
    }

    const refusedBodies = [
      ['text/html', '<!DOCTYPE html><title>Cannot POST</title>'],
      ['application/json', '{"error":"no such page"}'],
      ['text/plain', ''],
    ] as const;

    /** Refuses the first POST, and waits for the GET. */
    async function upToGet(
      status: number,
      terms?: Omit<Terms, 'see' | 'hears'>,
      body: readonly [string, string] = random.pick(refusedBodies),
    ): Promise<Begun & { get: Call }> {
      const begun = await begin(terms);
      const { client, gets, posted } = begun;
      await posted.answer(status, ...body);
      const advice = 'Call openOldStream in post if transport is undefined and the status is 400, 404 or 405.';
      await expectSoon(
        () => gets.length > 0 || begun.waiting() || client.end,
        () => ({
          cause: `The server refused initialize with status ${status}, but your client sent no GET.`,
          advice,
          see,
        }),
        client,
      );
      const [get] = gets;
      if (!get) {
        await begun.nothingPosted({
          cause: `The server refused initialize with status ${status}, and your client posted a message again instead of sending a GET.`,
          advice,
        });
        throw new Failure({
          cause: `The server refused initialize with status ${status}, and your client ended without sending a GET.`,
          ...lastWords(client),
          advice,
          see,
        });
      }
      expect(get.request.url === posted.request.url, {
        cause: 'Your client sent the GET to a different address than the POST.',
        compare: { expected: `GET ${posted.request.url}`, received: `GET ${get.request.url}` },
        advice: 'Send both to the URL from the command line: the user may have given the address of an old server.',
        see,
      });
      expectHeader(get.request, 'Accept', (value) => /text\/event-stream/i.test(value), 'text/event-stream', {
        cause: 'The GET of your client does not ask for an event stream.',
        advice: 'Give the GET the header Accept: text/event-stream.',
        see,
      });
      return { ...begun, get };
    }

    const openStreamTo = ({ response }: Call, type = 'text/event-stream') => {
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
      response.flushHeaders();
    };

    /** An old server with a client that has got its endpoint: both have their path on this server. */
    async function upToEndpoint(
      status: number,
      how: 'relative' | 'absolute' | 'url' = 'absolute',
      terms?: Omit<Terms, 'see' | 'hears'>,
    ) {
      const query = `?sessionId=${word()}-${random.integer(10, 99)}&x=${encodeURIComponent('é &')}`;
      const name = word();
      const begun = await upToGet(status, { revision: '2024-11-05', ...terms });
      const { get, posted } = begun;
      const type = {
        relative: 'text/event-stream; charset=utf-8',
        absolute: 'text/event-stream',
        url: 'text/event-stream;charset=utf-8',
      }[how];
      openStreamTo(get, type);
      await begun.nothingPosted({
        cause: 'Your client posted a message before the event endpoint had arrived.',
        advice: 'Wait for the first event of the stream: only its data says where messages are posted.',
      });
      const url = new URL(posted.request.url!, `http://${posted.request.headers.host}`);
      const address = new URL(how === 'relative' ? `${name}${query}` : `/${name}/messages${query}`, url);
      const data =
        how === 'relative' ? `${name}${query}` : how === 'url' ? address.href : `${address.pathname}${address.search}`;
      await get.send(`: welcome\n\nevent: endpoint\ndata: ${data}\n\n`);

      /** The next message, at the endpoint. */
      const next = async (method: string) => {
        await until(() => begun.waiting() || begun.client.end);
        const refused = begun.client.end?.code === 3 && method === 'initialize' && how !== 'absolute';
        const advice = refused
          ? `The Content-Type ${type} is an event stream: compare mediaTypeOf(response), which has no parameters. Then post initialize again, with return post(message).`
          : (onward[method] ?? onward.others!);
        const message = await begun.next(method, { advice });
        expectAtEndpoint(message, data, address);
        return message;
      };
      return { ...begun, address, data, nextAtEndpoint: next };
    }

    function expectAtEndpoint({ request, what }: ReceivedMessage, data: string, { pathname, search }: URL): void {
      expect(request.url === `${pathname}${search}`, {
        cause: `Your client posted ${what.replace(/^The/, 'the')} to the wrong address.`,
        compare: { expected: `POST ${pathname}${search}`, received: `POST ${request.url}` },
        advice: `The data of the event endpoint was ${visible(data)}: resolve it with new URL(data, url), keep the address in endpoint, and post every message there.`,
        see,
      });
    }

    /** What brings the next message, where it does not come. */
    const onward: Record<string, string> = {
      initialize:
        'Resolve the address with new URL(data, url), because it may be a path. Post initialize again when openOldStream has finished, with return post(message): this time it goes to the endpoint.',
      others:
        'Read the response to initialize from oldStream.messages: it comes on the stream, and not in the answer to the POST. Take the first event with events.next(), because a for await loop that you leave closes the stream.',
    };

    const answersOnStream = (get: Call, message: ReceivedMessage, result: unknown) =>
      get.send(`event: message\ndata: ${JSON.stringify(message.result(result))}\n\n`);

    /** The lines on standard error that say which transport it is. */
    const announced = ({ stderr }: Client) =>
      stderr.split('\n').filter((line) => /HTTP\+SSE|Streamable HTTP/i.test(line));

    const onStandardError =
      'Use console.error for the transport: standard output is for notifications and the result, which a script may read.';
    const orElse = (advice: string) => (printed: string) =>
      /HTTP\+SSE|Streamable HTTP/i.test(printed) ? onStandardError : advice;

    function expectAnnounced(client: Client, transport: 'HTTP+SSE' | 'Streamable HTTP'): void {
      const lines = announced(client);
      const right = lines.length === 1 && lines[0]!.includes(transport);
      expect(right, {
        cause:
          lines.length === 0
            ? `Your client did not say on standard error that the transport is ${transport}.`
            : lines.length > 1
              ? 'Your client said more than once which transport it is.'
              : 'Your client named the wrong transport on standard error.',
        compare: {
          expected: `one line with ${transport}`,
          received: visible(lines.join('\n') || client.stderr.trim()) || '(nothing)',
        },
        advice: `Print one line that contains ${transport} with console.error, when the server has answered initialize.`,
        see,
      });
      expect(!/HTTP\+SSE|Streamable HTTP/i.test(client.stdout), {
        cause: 'Your client printed the transport on standard output.',
        compare: { expected: '(only notifications and the result)', received: visible(client.stdout) },
        advice: onStandardError,
        see,
      });
    }

    /** The same client without the line that says which transport it is: a failure later is one more line. */
    function withoutAnnouncement(client: Client): Client {
      const lines = () => client.stderr.split('\n');
      const stderr = () => {
        const found = lines().findIndex((line) => /HTTP\+SSE|Streamable HTTP/i.test(line));
        return lines().filter((line) => line !== '').length < 2
          ? client.stderr
          : lines()
              .filter((_line, i) => i !== found)
              .join('\n');
      };
      return judgedClient(run, Object.create(client, { stderr: { get: stderr } }) as Client);
    }

    requirement(
      'The command `client.ts URL message` first posts `initialize` to the URL. If the server answers with a result, the client prints one line that contains `Streamable HTTP` on standard error, and makes its call as before.',
      async () => {
        const message = word();
        const session = `${word()}-${random.integer(1000, 9999)}`;
        const script = await begin({ session, message });
        const { client, posted } = script;
        const result = posted.result(script.initializeResult());
        if (random.next() < 0.5) await posted.json(result);
        else {
          await posted.stream(result);
          posted.end();
        }
        (await script.next('notifications/initialized')).accept();
        const call = await script.next('tools/call');
        call.expectAgreed();
        const texts = random.words(2);
        await call.stream(logMessage('info', texts[0]));
        await client.prints([`NOTIFICATION: info ${texts[0]}`], {
          cause: 'Your client did not print a notification when it arrived.',
          advice: orElse('Leave the reading of answers as it is for Streamable HTTP: messagesIn(response).'),
        });
        await call.stream(call.result(textResult(texts[1]!)));
        await client.endsWell(answeredCall, 'Leave the calls over Streamable HTTP as they are.');
        await client.prints([`RESULT: ${texts[1]}`], {
          cause: 'Your client did not print the result.',
          advice: 'Leave the calls over Streamable HTTP as they are.',
        });
        expectAnnounced(client, 'Streamable HTTP');

        await random.aside(() => together(['notifications/initialized', 'tools/call'], refusesLater));
      },
    );

    /** The server refuses a later message with a status that is, for initialize, a reason to look for an old server. */
    async function refusesLater(refused: string): Promise<void> {
      const status = random.pick([400, 404, 405]);
      const refuses = await begin();
      await refuses.posted.json(refuses.posted.result(refuses.initializeResult()));
      const initialized = await refuses.next('notifications/initialized');
      let message = initialized;
      if (refused === 'tools/call') {
        initialized.accept();
        message = await refuses.next('tools/call');
      }
      const [type, page] = random.pick(refusedBodies);
      await message.answer(status, type, page);
      const advice =
        'Look for an old server only as long as transport is undefined. Set transport when the server has answered initialize: from then on, a status such as 404 means that this one request was refused.';
      await until(() => refuses.client.end || refuses.gets.length > 0);
      expect(refuses.gets.length === 0, {
        cause: `The server answered initialize with a result and refused ${refused} with status ${status}. Then your client sent a GET to look for an old server.`,
        compare: { expected: '(no GET)', received: `GET ${refuses.gets[0]?.request.url}` },
        advice,
        see,
      });
      await expectEnd(run, refuses.client, `The server refused ${refused}, but your client is still running.`);
      await withoutAnnouncement(refuses.client).fails({
        withFail: true,
        code: 3,
        about: `${refused} refused with status ${status}`,
        has: [status],
        advice,
      });
    }

    /** Clients of old servers that have got their endpoint. */
    const found: Awaited<ReturnType<typeof upToEndpoint>>[] = [];

    requirement(
      'If the server answers the POST of `initialize` with status 400, 404 or 405, the client sends a GET with `Accept: text/event-stream` to the same URL. It posts no message until the event `endpoint` has arrived.',
      async () => {
        const ways = random.shuffled(['relative', 'absolute', 'url'] as const);
        await together([400, 404, 405], async (status, i) => {
          found[i] = await upToEndpoint(status, ways[i]);
        });
      },
    );

    /** Clients of old servers that have called the tool. */
    const called: { client: Client; get: Call; call: ReceivedMessage; ping: () => Promise<void> }[] = [];

    requirement(
      'When the event `endpoint` has arrived on the stream of an old server, the client posts `initialize` and every later message to the address in its data. This address may be relative to the URL.',
      async () => {
        await together(found, async (script, i) => {
          const { get } = script;
          const initialize = await script.nextAtEndpoint('initialize');
          initialize.accept();
          await script.nothingPosted({
            cause: 'Your client posted its next message before the response to initialize had arrived on the stream.',
            advice:
              'Wait for the response on the stream: the answer to the POST only says that the message has arrived.',
          });
          await answersOnStream(get, initialize, script.initializeResult());
          const initialized = await script.nextAtEndpoint('notifications/initialized');
          initialized.accept();
          const call = await script.nextAtEndpoint('tools/call');
          call.expectAgreed();
          // The official server sends this text.
          await call.answer(202, 'text/plain', 'Accepted');
          const ping = async () => {
            const id = '7';
            await get.send(eventOf({ jsonrpc: '2.0', id, method: 'ping' }));
            const pong = await script.nextResponse('ping', id);
            expectAtEndpoint(pong, script.data, script.address);
            pong.accept();
          };
          called[i] = { client: script.client, get, call, ping };
        });
      },
    );

    requirement(
      'The client reads the responses to all its requests from the stream of an old server, and prints each notification when it arrives. It prints one line that contains `HTTP+SSE` on standard error. After the result it exits with code 0, although the stream stays open.',
      async () => {
        await together(called, async ({ client, get, call, ping }, i) => {
          const said = random.words(2).map((each) => `${each} é世`);
          const text = word();
          for (const data of said) {
            await get.send(eventOf(logMessage('info', data)));
            await client.prints([`NOTIFICATION: info ${data}`], {
              cause: 'A notification arrived on the stream of an old server, but your client did not print it.',
              advice: orElse(
                'Read the answers to all requests from oldStream.messages. A for await loop that is left with return closes the generator, and the next request finds nothing more in it: answerTo calls next() instead.',
              ),
            });
          }
          if (i === 0) await ping();
          await answersOnStream(get, call, textResult(text));
          await client.prints([`RESULT: ${text}`], {
            cause:
              'The response to the call arrived on the stream of an old server, but your client did not print the result.',
            advice: 'Read the response from oldStream.messages, and not from the answer to the POST.',
          });
          await client.endsWell(
            answeredCall,
            'Look at the status of the first POST before you call fail: fail sets process.exitCode, and the code stays even if an old server then answers.',
            closes,
          );
          expectAnnounced(client, 'HTTP+SSE');
        });
      },
    );

    requirement(
      'If the server answers the POST of `initialize` with any other status outside of 2xx, the client sends no GET. It prints one line that contains the status, and exits with code 3. After the event `endpoint`, a POST with status 400, 404 or 405 ends the client in the same way.',
      async () => {
        // Not 407 and 421: fetch handles these two itself. It sends a request that is refused with 421 a second time.
        const others = [
          [402, 403],
          [406, 410, 415, 422, 426],
          [408, 409, 413, 429],
          [500, 501, 502, 503, 504],
        ].map((statuses) => random.pick(statuses));
        await together([401, ...others], async (status) => {
          const [type, page] = random.pick(refusedBodies);
          const { client, gets, posted } = await begin();
          await posted.answer(status, type, page);
          const running = `The server refused initialize with status ${status}, but your client is still running.`;
          await until(() => client.end || gets.length > 0);
          expect(gets.length === 0, {
            cause: `The server refused initialize with status ${status}, but your client sent a GET.`,
            advice:
              'Open the old stream only after status 400, 404 or 405. Any other status says nothing about the transport: 401 asks for a token, for example.',
            see,
          });
          await expectEnd(run, client, running);
          await client.fails({
            withFail: true,
            code: 3,
            about: `status ${status}`,
            has: [status],
            advice: 'Leave fail(3, refusal) at the end of post.',
          });
        });
        await random.aside(() => together([400, 404, 405], refusesAtEndpoint));
      },
    );

    /** An old server refuses initialize with a status that is, at the URL itself, a reason to look for an old server. */
    async function refusesAtEndpoint(status: number): Promise<void> {
      const { client, gets, nextAtEndpoint } = await upToEndpoint(random.pick([400, 404, 405]));
      const [type, page] = random.pick(refusedBodies);
      await (await nextAtEndpoint('initialize')).answer(status, type, page);
      await until(() => client.end || gets.length > 1);
      const advice =
        'Set transport in openOldStream as soon as endpoint is set: post looks for an old server only as long as transport is undefined. Otherwise your client opens streams again and again.';
      expect(gets.length === 1, {
        cause: `An old server refused initialize at its endpoint with status ${status}, and your client sent a second GET.`,
        compare: { expected: '(no second GET)', received: `GET ${gets[1]?.request.url}` },
        advice,
        see,
      });
      await expectEnd(
        run,
        client,
        'An old server refused initialize at its endpoint, but your client is still running.',
        closes,
      );
      await withoutAnnouncement(client).fails({
        withFail: true,
        code: 3,
        about: `status ${status} at the endpoint`,
        has: [status],
        advice,
      });
    }

    requirement(
      'If the data of `endpoint` leads to another origin, the client posts no further message, prints one line on standard error, and exits with code 1.',
      async () => {
        /** The addresses at which something was posted: each case has a query of its own. */
        const reached: string[] = [];
        const elsewhere = await run.startGraderServer('/', ({ request, response, end }) => {
          reached.push(String(request.url));
          response.writeHead(202);
          end();
          return true;
        });
        const other = new URL(elsewhere.url);
        const always = [
          (own: URL) => `${own.origin}@${other.host}/messages`,
          (own: URL) => `https://${own.host}/messages`,
        ];
        const sometimes = random.pick([
          (own: URL) => `http://localhost:${own.port}/messages`,
          () => `//${other.host}/messages`,
          () => `http://${other.host}/messages`,
        ]);
        await together([...always, sometimes], async (addressOf, i) => {
          const { get, posted, ...script } = await upToGet(random.pick([404, 405]));
          const own = new URL(`http://${posted.request.headers.host}`);
          const data = `${addressOf(own)}?sessionId=${i}`;
          const isReached = () => reached.some((url) => url.endsWith(`=${i}`));
          openStreamTo(get);
          await get.send(`event: endpoint\ndata: ${data}\n\n`);
          const { client } = script;
          const advice =
            'Compare new URL(data, url).origin with new URL(url).origin, and throw an error if they differ. An origin is scheme, host and port. Otherwise a server can make your client post to a different machine, for example inside of your network.';
          const explain = {
            cause: `The event endpoint leads to another origin, but your client posted a message there.`,
            compare: { expected: '(nothing)', received: visible(data) },
            advice,
            see,
          };
          await until(() => client.end || isReached() || script.waiting());
          expect(!isReached(), explain);
          expect(!script.waiting(), {
            ...explain,
            cause: 'The event endpoint leads to another origin, but your client posted a further message.',
          });
          await expectEnd(
            run,
            client,
            `The event endpoint leads to another origin, ${visible(data)}, but your client is still running.`,
            closes,
          );
          await client.fails({
            code: 1,
            about: 'an endpoint on another origin',
            advice,
            otherCode:
              'Compare new URL(data, url).origin with new URL(url).origin before you post anything. If they differ, throw new Error with a sentence: exit code 1 is for anything that has no code of its own.',
          });
        });
      },
    );

    requirement(
      'If the GET brings no event stream, the client prints one line with the status of the refused POST, and exits with code 3. If the answer to this POST contains a JSON-RPC error, the line also contains its `message`.',
      async () => {
        const reason = `${random.words(2).join(' ')}: "${word()}"`;
        const whyRefused =
          'Call fail(3, refusal) with the sentence about the POST: the server may be a new one that had a reason to refuse it.';
        const error = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32022, message: reason } });
        type Case = {
          status: number;
          body: readonly [string, string];
          has: (string | number)[];
          answer: readonly [number, string, string];
          brought?: string;
          advice?: string;
        };
        const judge = async ({ status, body, has, answer: [own, type, page], ...words }: Case) => {
          const { brought = 'no event stream', advice = whyRefused } = words;
          const { client, get, ...script } = await upToGet(status, {}, body);
          get.response.writeHead(own, { 'content-type': `${type}; charset=utf-8` });
          await get.send(page);
          get.end();
          await script.movesOn(
            `The GET was answered with status ${own} and ${type}, but your client is still running.`,
          );
          await script.nothingPosted({
            cause: words.brought
              ? `The GET brought ${brought}, but your client posted a further message.`
              : `The GET was answered with status ${own} and ${type}, but your client posted a further message.`,
            advice:
              words.advice ??
              'Check the status and the Content-Type of the answer to the GET, and call fail(3, refusal) if it is not an event stream.',
          });
          // A stream that ends without the event may also count as the stream of an old server that ends too early.
          const early = words.brought !== undefined && client.end?.code === 5;
          await client.fails({
            withFail: true,
            code: early ? 5 : 3,
            about: `a POST that was refused with ${status} and a GET that brought ${brought}`,
            has: early ? [] : has,
            hasName: 'how the server refused the POST',
            advice,
            otherCode: advice,
            ...(words.advice && { codeOne: advice }),
          });
        };
        await together<Case>(
          [
            {
              status: 404,
              body: ['text/html', '<!DOCTYPE html>'],
              has: [404],
              answer: [404, 'text/html', '<!DOCTYPE html>'],
            },
            {
              status: 400,
              body: ['application/json', error],
              has: [400, reason],
              answer: [405, 'application/json', '{}'],
            },
            {
              status: 405,
              body: ['text/plain', ''],
              has: [405],
              answer: [200, 'text/html', '<!DOCTYPE html><title>Sign in</title>'],
            },
          ],
          judge,
        );
        const advice =
          "Call fail(3, refusal) if first?.type is not 'endpoint'. A new server may also open a stream for a GET, and first is undefined if a stream ends without an event.";
        await random.aside(() =>
          together<Case>(
            [
              {
                status: 400,
                body: ['application/json', error],
                has: [400, reason],
                answer: [200, 'text/event-stream', `event: welcome\ndata: ${word()}\n\n`],
                brought: 'a stream without the event endpoint',
                advice,
              },
              {
                status: 404,
                body: ['text/plain', ''],
                has: [404],
                answer: [200, 'text/event-stream', ': welcome\n\n'],
                brought: 'a stream that ended without an event',
                advice,
              },
            ],
            judge,
          ),
        );
      },
    );

    /** The server opens the stream, and then sends nothing on it, or only the endpoint. It answers by itself, however late this machine is. */
    async function givesUp(withEndpoint: boolean): Promise<void> {
      const advice =
        'Pass AbortSignal.timeout(timeLimit) as the signal of the GET: it also ends the reading of the stream. Catch what the reading throws with notRead.';
      const what = withEndpoint ? 'The response to initialize' : 'The event endpoint';
      const about = `a stream on which ${withEndpoint ? 'no response' : 'no endpoint'} comes`;
      // On a busy machine, the client may give up before it has come so far.
      for (const limit of [400, 1600, 6400]) {
        let far = false;
        const site = await run.startGraderServer('/sse', (call) => {
          const { request, response, end } = call;
          if (request.method === 'GET') {
            openStreamTo(call);
            if (withEndpoint) void call.send('event: endpoint\ndata: /messages?sessionId=1\n\n');
            else far = true;
          } else {
            const isFirst = request.url === '/sse';
            far ||= !isFirst;
            response.writeHead(isFirst ? 404 : 202);
            end();
          }
          return true;
        });
        const client = judgedClient(run, run.startClientWith({ TIME_LIMIT: String(limit) }, site.url, word()));
        await client.begun;
        await until(() => client.end, limit);
        const running = `${what} did not come on the stream within TIME_LIMIT milliseconds, but your client is still waiting.`;
        await expectEnd(run, client, running, advice);
        await withoutAnnouncement(client).fails({ withFail: true, code: 6, about, advice, otherCode: advice });
        if (far) return;
      }
    }

    requirement(
      'If the stream of an old server ends or breaks off after `endpoint` and before the response, the client exits with code 5. If `endpoint` or the response does not arrive within `TIME_LIMIT` milliseconds, the client exits with code 6.',
      async () => {
        await together(['end', 'breakOff', 'no endpoint', 'no response'] as const, async (how) => {
          if (how === 'end' || how === 'breakOff') {
            const script = await upToEndpoint(404);
            (await script.nextAtEndpoint('initialize')).accept();
            await script.client.caughtUp();
            script.get[how]();
            const about = `a stream that ${how === 'end' ? 'ends' : 'breaks off'} before the response`;
            const advice =
              'Leave the line in request that calls fail with exit code 5 if there is no answer, and the catch of notRead.';
            await withoutAnnouncement(script.client).fails({
              withFail: true,
              code: 5,
              about,
              advice,
              otherCode: advice,
            });
            return;
          }
          await givesUp(how === 'no response');
        });
      },
    );
  });
});
