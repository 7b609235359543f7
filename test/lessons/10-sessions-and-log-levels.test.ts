import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEventStream } from '../harness/vocabulary/event-stream.ts';
import { curl, expectAnsweredOnce, expectHeader, expectStatus, untilEnd } from '../harness/vocabulary/http.ts';
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
  expectResponseLast,
  levels,
  newIds,
  notificationsIn,
  notified,
  paramsOf,
  tellApart,
  type Log,
} from '../harness/vocabulary/notifications.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { isObject } from '../harness/wire/json.ts';

export default grader((run) => {
  const { random, requirement, startServer, task } = run;

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);

  const start = (env: Record<string, string> = {}) =>
    startServer({ MORE_TOOLS: fileURLToPath(new URL('../harness/tools/logging.ts', import.meta.url)), ...env });
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

  /** A client that sends this session id, or no session id. */
  function withId(id: string | undefined, who?: string): McpClient {
    const client = mcpClient(server, { who, newId });
    const { 'MCP-Session-Id': _own, ...headers } = alice.headers;
    client.headers = { ...headers, ...(id !== undefined && { 'MCP-Session-Id': id }) };
    return client;
  }

  /** How many bits somebody has to guess who knows the other ids. */
  function unknownBits(all: string[]): number {
    const withoutStart = (ids: string[]) => {
      const [first = ''] = ids;
      let same = 0;
      while (same < first.length && ids.every((id) => id[same] === first[same])) same++;
      return ids.map((id) => id.slice(same));
    };
    const reversed = (ids: string[]) => ids.map((id) => [...id].reverse().join(''));
    const ids = withoutStart(reversed(withoutStart(all)));
    const rest = ids.join('');
    const letters = [/[0-9]/, /[a-z]/, /[A-Z]/, /[^0-9a-zA-Z]/].map((kind) => kind.test(rest));
    const hex = /^[0-9a-f]*$/.test(rest.toLowerCase().replaceAll('-', '')) && letters.some((is, i) => is && i > 0);
    const alphabet = hex ? 16 : [10, 26, 26, 2].reduce((sum, size, i) => sum + (letters[i] ? size : 0), 1);
    return Math.min(...ids.map((id) => id.length)) * Math.log2(alphabet);
  }

  /** What is left of each id without the parts that only its twin, the id of the same client in another start, has too. */
  const withoutTwin = (ids: string[], twins: string[]): string[] =>
    ids.map((id, i) => {
      const others = twins.toSpliced(i, 1);
      const isShared = (part: string) => twins[i]!.includes(part) && !others.some((other) => other.includes(part));
      const shared = new Set<number>();
      for (let at = 0; at + 5 <= id.length; at++) {
        if (isShared(id.slice(at, at + 5))) for (let i = at; i < at + 5; i++) shared.add(i);
      }
      return [...id].filter((_, at) => !shared.has(at)).join('');
    });

  const make = 'randomUUID() from node:crypto makes an id that nobody can guess.';

  const withoutAsking =
    'Do not ask for a session id with initialize, because a client has no session before: make a new session, and do not call sessionOf. Every other message needs its session.';

  /** Sends initialize, and returns the id of the new session. */
  async function sessionIdFor(name: string, headers: Record<string, string> = {}): Promise<string> {
    const client = mcpClient(server, { newId });
    const posted = await client.send(request(1, 'initialize', hello(undefined, name)), { headers });
    posted.result({ when: { 400: withoutAsking, 404: withoutAsking } });
    const header = look(posted.headers['mcp-session-id'], 'MCP-Session-Id', posted.see);
    const id = header.string('The answer to initialize has no header MCP-Session-Id.', {
      advice: `Set the header with response.set before you send the body with response.json. ${make}`,
    });
    const short = id.length < 16;
    expect(/^[\x21-\x7e]{16,}$/.test(id), {
      cause: short
        ? 'The session id is so short that somebody can guess it.'
        : 'The session id has characters that are not allowed in it.',
      compare: {
        expected: 'at least 16 visible ASCII characters',
        received: `${id.length} character${id.length === 1 ? '' : 's'}${short ? '' : `, among them ${asJson(/[^\x21-\x7e]/.exec(id)?.[0])}`}`,
      },
      advice: short ? `Use a longer id. ${make}` : `Leave out spaces and letters that are not ASCII. ${make}`,
      see: posted.see,
    });
    return id;
  }

  /** Messages of each kind, with methods that the server knows and methods that it does not know. */
  const messagesOf = (client: McpClient): object[] => [
    client.request('logging/setLevel', { level: 'info' }),
    client.request('tools/list'),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    client.request('tools/call', { name: 'process_files', arguments: { message: word() } }),
    client.request(`${word()}/${word()}`),
    { jsonrpc: '2.0', method: `notifications/${word()}` },
    client.request('tools/call', { name: word() }),
  ];

  const answeredOnce = () =>
    expectAnsweredOnce(server, {
      cause: 'Your server answered a message, but continued and tried to answer it a second time.',
      advice:
        'Return from the handler after each answer: refuse and response.end write the answer, but the code after them still runs.',
      see: '',
    });

  const beforeTheKind =
    'Look for the header MCP-Session-Id before you look at the kind of the message and at its method, and return after you have refused the message.';

  task({ number: 1, title: 'Give each client a session', file: 'server.ts' }, () => {
    requirement(
      'If `initialize` succeeds, its answer has a header `MCP-Session-Id` with at least 16 visible ASCII characters. An error has no such header. Each client gets a different id that nobody can guess, and a server that has been started again does not repeat its ids.',
      async () => {
        // Clients of one name, with another in between, and one whose name has spaces.
        const names = ['grader', 'grader', word(), 'grader', 'Visual Studio Code'];
        const idsAfterStart = async (env: Record<string, string> = {}) => {
          server = await start(env);
          const ids: string[] = [];
          for (const name of names) ids.push(await sessionIdFor(name));
          return ids;
        };
        // In the first two starts, the clock says the same and Math.random gives the same numbers: only a secret differs.
        const stopped = { STOPPED_CLOCK: String(Date.UTC(2025, 10, 25)) };
        const seeded = { ...stopped, MATH_RANDOM_SEED: '1' };
        const first = await idsAfterStart(seeded);
        const second = await idsAfterStart(seeded);
        const ids = await idsAfterStart();
        expect(new Set(ids).size === ids.length, {
          cause: 'Two clients got the same session id.',
          compare: { expected: 'a new id', received: 'the id of another client' },
          advice: `Make a new id each time initialize is answered. ${make}`,
          see: '',
        });
        expect(unknownBits(ids) >= 40, {
          cause: 'The session ids are alike, so a program that has one session id can guess the next.',
          compare: {
            expected: 'ids that differ in many characters',
            received: 'ids that differ in a few characters',
          },
          advice: `Use neither a counter nor the time for the id: a program that knows the id of a session can send messages in it. ${make}`,
          see: '',
        });
        const comeAgain = (twins: string[]) => unknownBits(withoutTwin(twins, first)) < 40;
        expect(!comeAgain(ids), {
          cause: 'After a restart, the server used an old session id again.',
          compare: { expected: 'a new id', received: ids[0]! },
          advice: `Use neither a counter nor the name of the client for the id, because both come again after a restart. ${make}`,
          see: '',
        });
        if (comeAgain(second)) {
          throw new Failure(
            comeAgain(await idsAfterStart(stopped))
              ? {
                  cause: 'The session ids come from the time, so a program can calculate them.',
                  advice: `Do not use the time for the id, not even in a hash: everybody knows the time. ${make}`,
                  see: '',
                }
              : {
                  cause:
                    'The session ids come from Math.random, so a program that has seen a few of them can calculate the next.',
                  advice: `Math.random is fast, but its numbers are no secret: each can be calculated from those before it. ${make}`,
                  see: '',
                },
          );
        }
        const client = mcpClient(server, { newId });
        const refused = await client.ask('initialize', {}, { what: 'initialize without params' });
        expect(!refused.text.includes('"error"') || refused.headers['mcp-session-id'] === undefined, {
          cause: 'Your server refused initialize with an error, but sent a session id with this error.',
          compare: { expected: '(no MCP-Session-Id)', received: 'MCP-Session-Id: …' },
          advice:
            "Begin a session only if initialize has a result: look whether 'result' in answered is true. After an error, the client has no session.",
          see: refused.see,
        });
        alice = await connect('client 1');
        bob = await connect('client 2');
        const own = alice.headers['MCP-Session-Id'];
        const listed = await alice.send(request(1, 'tools/list'));
        const { 'mcp-session-id': sent = own } = listed.headers;
        expect(sent === own, {
          cause: 'Your server sent a new session id with its answer to tools/list.',
          compare: { expected: '(no MCP-Session-Id)', received: 'MCP-Session-Id: …' },
          advice:
            "Begin a session only if the request is initialize: look whether begins is true, and whether 'result' in answered is true.",
          see: listed.see,
        });
        await answeredOnce();
      },
    );

    requirement(
      'If `initialize` comes with a header `MCP-Session-Id`, the server does not use this id: the new session gets a new id, and other sessions continue.',
      async () => {
        const next = await (await connect('client 3')).ask('tools/list');
        expectStatus(next, 200, {
          cause: 'Your server issued a session id, but it refused the next request that had this id.',
          advice:
            next.status === 400
              ? "Read the header with request.get('MCP-Session-Id'). In request.headers, its name is in lower case."
              : 'Keep each new session in the Map, under the id that you send: sessions.set(id, session). Look for it there with the whole value of the header.',
          see: '',
        });
        expectStatus(await alice.ask('tools/list'), 200, {
          cause: 'A client has begun a session, and now the session of another client is over.',
          advice: 'Add the new session to the Map, and leave the other sessions there.',
          see: '',
        });
        const invented = random.words(6).join('-');
        for (const id of [invented, alice.headers['MCP-Session-Id']!]) {
          const own = await sessionIdFor('grader', { 'MCP-Session-Id': id });
          expect(own !== id, {
            cause: 'A client sent a session id with initialize, and your server used it for the new session.',
            compare: { expected: 'a new id', received: id === invented ? own : 'the same id' },
            advice: `Make the id in your server, whatever the client sends. Otherwise an attacker can choose the id of somebody else's session. ${make}`,
          });
        }
        const accepts = async (id: string) => (await withId(id).ask('tools/list')).status! < 300;
        expect(!(await accepts(invented)) || (await accepts(random.words(6).join('-'))), {
          cause: 'A client invented a session id and sent it with initialize, and now your server accepts this id.',
          advice: 'Keep only the ids that your server has made.',
          see: '',
        });
        expectStatus(await alice.ask('tools/list'), 200, {
          cause: 'A client sent initialize with the id of a session, and now this session is over.',
          advice: 'Make a new session for each initialize, and leave the others as they are.',
          see: '',
        });
      },
    );

    requirement(
      'If a notification, or a request other than `initialize`, has no header `MCP-Session-Id`, the server answers with status 400, whatever the method is. Only `ping` may be answered without it.',
      async () => {
        const stranger = withId(undefined);
        for (const [i, message] of messagesOf(stranger).entries()) {
          const posted = await stranger.send(message);
          expectStatus(posted, 400, {
            cause: `${posted.what} came without a session id, but your server answered with status ${posted.status}.`,
            advice:
              posted.status === 404
                ? 'Refuse a message without the header with status 400. The status 404 means that there is an id, but that it leads to no session.'
                : i === 0
                  ? 'Look for the session of every message except initialize. If the header MCP-Session-Id is missing, refuse the message with status 400, and return.'
                  : beforeTheKind,
            see: posted.see,
          });
        }
        await answeredOnce();
      },
    );

    requirement(
      'If a notification, or a request other than `initialize`, has an `MCP-Session-Id` that the server did not issue, the server answers with status 404, whatever the method is.',
      async () => {
        const other = [...alice.headers['MCP-Session-Id']!];
        const near = [...other.slice(0, -1), other.at(-1) === '0' ? '1' : '0'].join('');
        const invented = random.words(4).join('-');
        for (const [id, advice] of [
          [
            invented,
            'Answer 404 to an id that your server does not know. This status tells the client that its session is over, for example because the server has been started again, and that it needs a new handshake.',
          ],
          [
            'constructor',
            'Keep the sessions in a Map: every plain object has some names from the start, such as this one.',
          ],
          [
            '__proto__',
            'Keep the sessions in a Map: every plain object has some names from the start, such as this one.',
          ],
          [near, 'Compare the whole id: Map.get does.'],
        ] as const) {
          const stranger = withId(id);
          for (const [i, message] of messagesOf(stranger).entries()) {
            const posted = await stranger.send(message);
            expectStatus(posted, 404, {
              cause: `${posted.what} came with an unknown session id${id === near ? ', which differs from a known id in its last character' : `, ${id}`}, but your server answered with status ${posted.status}.`,
              advice:
                posted.status! >= 300 || id !== invented
                  ? advice
                  : i === 0
                    ? 'Refuse a message whose session id is not in the Map with status 404, and return. Make no session for this id: only initialize begins a session.'
                    : beforeTheKind,
              see: posted.see,
            });
          }
        }
        for (const [id, which, method, advice] of [
          [`${other.join('')}0`, 'which begins with a known id', 'tools/list', 'Compare the whole id: Map.get does.'],
          [invented, invented, 'ping', 'Refuse ping too if its session id is unknown. Only a missing id is allowed.'],
        ] as const) {
          const posted = await withId(id).send(request(1, method));
          expectStatus(posted, 404, {
            cause: `${posted.what} came with an unknown session id, ${which}, but your server answered with status ${posted.status}.`,
            advice,
            see: posted.see,
          });
        }
        (await alice.ask('tools/list')).result();
        const known = await alice.notify('notifications/initialized');
        expectStatus(known, 202, {
          cause: `${known.what} came with a known session id, but your server answered with status ${known.status}.`,
          advice: 'Look for the session first, and then answer the notification with 202 as before.',
          see: known.see,
        });
        await answeredOnce();
      },
    );
  });

  /** Sends DELETE /mcp, and waits for the end of the answer. */
  async function end(who: string, headers: Record<string, string>): Promise<Exchange> {
    const ended = server.request('/mcp', { method: 'DELETE', headers, who });
    const advice = 'End the response on every way through the handler, with response.end().';
    const broken = { cause: 'The connection broke before DELETE /mcp was answered.', advice };
    await untilEnd(server, ended, () => ({ cause: 'Your server did not answer DELETE /mcp.', advice }), broken);
    return ended;
  }

  task({ number: 2, title: 'Let a client end its session', file: 'server.ts' }, () => {
    requirement(
      'If a client sends `DELETE /mcp` with its session id, the server answers with a 2xx status and ends this session: from then on, it answers this id with 404. All other sessions continue.',
      async () => {
        const client = await connect('client 3');
        const ended = await end('client 3', client.headers);
        const status = ended.status!;
        expect(status >= 200 && status < 300, {
          cause: `Your server answered DELETE /mcp with the id of a session with status ${status}.`,
          compare: { expected: '204 (or another 2xx)', received: String(status) },
          advice:
            status === 405
              ? 'Add app.delete before the app.all that answers 405: Express takes the first handler that matches.'
              : 'Delete the session that the header MCP-Session-Id names, and answer with status 204 and no body.',
        });
        const late = await client.ask('tools/list');
        expectStatus(late, 404, {
          cause:
            late.status === 200
              ? 'A client has ended its session, but your server still accepts its id.'
              : `A client has ended its session, and your server now answers its id with status ${late.status}.`,
          advice: 'Delete the session from the Map: then its id is as unknown as any other.',
          see: '',
        });
        for (const other of [alice, bob]) {
          expectStatus(await other.ask('tools/list'), 200, {
            cause: 'One client has ended its session, but the session of another client is over too.',
            advice: 'Delete only the session that the header names.',
            see: '',
          });
        }
      },
    );

    requirement(
      'If `DELETE /mcp` has no session id, the server answers with status 400. If it has an id that the server did not issue, or whose session is over, the server answers with status 404. All sessions continue.',
      async () => {
        const client = await connect('client 3');
        await end('client 3', client.headers);
        const { 'MCP-Session-Id': over, ...headers } = client.headers;
        for (const [status, id, what] of [
          [400, undefined, 'no session id'],
          [404, random.words(4).join('-'), 'an unknown session id'],
          [404, 'constructor', 'the unknown session id constructor'],
          [404, over, 'the id of a session that is over'],
        ] as const) {
          const asked = await end('client 3', { ...headers, ...(id !== undefined && { 'MCP-Session-Id': id }) });
          expectStatus(asked, status, {
            cause: `DELETE /mcp came with ${what}, but your server answered with status ${asked.status}.`,
            advice:
              'Look for the session as for a POST: 400 without a session id, and 404 with an id that leads to no session.',
            see: '',
          });
        }
        for (const other of [alice, bob]) {
          expectStatus(await other.ask('tools/list'), 200, {
            cause: 'A DELETE /mcp that names no session has ended the session of a client.',
            advice: 'Delete only the session that the header names.',
            see: '',
          });
        }
        await answeredOnce();
      },
    );

    requirement(
      'If a request to `/mcp` has a method other than POST and DELETE, the server answers with status 405 and the header `Allow: POST, DELETE`.',
      async () => {
        const unknown = { 'MCP-Session-Id': random.aside(word) };
        for (const [method, headers = alice.headers] of [
          ['GET'],
          ['PUT'],
          ['PATCH'],
          ['OPTIONS'],
          ['HEAD'],
          ['GET', {}],
          ['GET', unknown],
        ] as [string, Record<string, string>?][]) {
          const asked = server.request('/mcp', { method, headers });
          const advice =
            'Keep app.all, after app.post and app.delete: it answers every other method, with and without a session.';
          const broken = { cause: `The connection broke before ${method} /mcp was answered.`, advice };
          await untilEnd(
            server,
            asked,
            () => ({ cause: `Your server did not answer ${method} /mcp.`, advice }),
            broken,
          );
          expectStatus(asked, 405, { advice });
          const allowed = (value: string) =>
            value
              .toUpperCase()
              .split(/\s*,\s*/)
              .sort()
              .join();
          expectHeader(asked, 'Allow', (value) => allowed(value) === 'DELETE,POST', 'POST, DELETE', {
            cause: 'The Allow header does not list the methods that this server takes.',
            advice: 'Set Allow to POST, DELETE: it tells a client which methods this path takes, and DELETE is new.',
            ...curl(asked, '-i'),
          });
        }
      },
    );
  });

  /** Has the tool `say` of tools/logging.ts log these, and returns the answer, which has ended. */
  async function say(client: McpClient, logs: Log[]): Promise<Posted> {
    const posted = await callTool(client, 'say', { messages: logs }).done();
    posted.result();
    expectResponseLast(posted);
    return posted;
  }

  /** Asks for this level in the session of the client. */
  const askLevel = (client: McpClient, params: unknown) => {
    const level = isObject(params) ? params.level : undefined;
    const what = `logging/setLevel with ${level === undefined ? 'no level' : `the level ${asJson(level)}`}`;
    return client.ask('logging/setLevel', params, {
      what,
      ifItThrows: { advice: 'Check the params with safeParse, which returns the error. parse throws the error.' },
    });
  };

  async function setLevel(client: McpClient, level: string) {
    return (await askLevel(client, { level })).result({
      like: {},
      when: {
        202: 'Answer logging/setLevel with a result. It has an id, so it is a request, and the client waits for the result.',
        [-32602]: `Accept each of the eight levels: ${levels.join(', ')}.`,
      },
    });
  }

  const bySeverity =
    'Compare the positions of two levels in the list, from debug to emergency. Do not compare the strings, which would follow the alphabet, and do not use the numbers of RFC 5424, in which 0 is emergency.';

  /** Of one message at each level, those at `level` and above go out, and no other; at `mayCome` it is open. `ifAllCome` is the advice when all go out. */
  async function expectFilter(
    client: McpClient,
    level: string,
    when: string,
    { mayCome = '', advice, ifAllCome }: { mayCome?: string; advice: string; ifAllCome?: string },
  ): Promise<void> {
    const said = random.shuffled(levels);
    const posted = await say(
      client,
      said.map((each) => ({ level: each, data: word() })),
    );
    const came = notificationsIn(posted).map((message) => String(paramsOf(message).level));
    const from = (least: string) => said.filter((each) => levels.indexOf(each) >= levels.indexOf(least));
    const expected = from(level);
    const bySeverityOf = (names: string[]) =>
      [...names].sort((a, b) => levels.indexOf(a) - levels.indexOf(b)).join(', ') || '(no message)';
    const compare = { expected: bySeverityOf(expected), received: bySeverityOf(came) };
    const without = came.filter((each) => each !== mayCome);
    const instead = levels.find((each) => bySeverityOf(from(each)) === bySeverityOf(without));
    expect(ifAllCome === undefined || level === 'debug' || came.length < said.length, {
      cause: `${when} your server still sent the messages at all eight levels.`,
      compare,
      advice: ifAllCome ?? advice,
    });
    expect(instead === undefined || instead !== levels[levels.indexOf(level) + 1], {
      cause: `${when} your server did not send a message at exactly this level, ${level}.`,
      compare,
      advice: `Send a message at the level of the session too: compare with < and not with <=. ${advice}`,
    });
    expect(instead === undefined || instead === level, {
      cause: `${when} your server filtered the messages by the level ${instead} instead of the level ${level}.`,
      compare,
      advice,
    });
    const below = without.find((each) => !expected.includes(each));
    const absent = expected.find((each) => !came.includes(each));
    expect(below === undefined && absent === undefined, {
      cause:
        below !== undefined
          ? `${when} your server sent a message with the level ${below}, which is less severe than ${level}.`
          : `${when} your server did not send a message with the level ${absent}, which is at least as severe as ${level}.`,
      compare,
      advice: bySeverity,
    });
    expect(without.join() === expected.join(), {
      cause: 'Your server did not send the messages in the order in which the tool logged them.',
      compare: { expected: expected.join(', '), received: without.join(', ') },
      advice: 'Send each message when the tool calls log.',
    });
  }

  task({ number: 3, title: 'Mind the level', file: 'server.ts' }, () => {
    requirement(
      'If `level` is one of the eight levels of RFC 5424, the server answers `logging/setLevel` with an empty result. If `level` is missing or is any other value, the server answers with the error `-32602`.',
      async () => {
        const client = await connect('client 3');
        // The last level is the one that a session begins with.
        for (const level of [...random.shuffled(levels), 'info']) {
          const result = await setLevel(client, level);
          const { value } = result;
          const empty = isObject(value) && Object.keys(value).every((key) => key === '_meta');
          result.expect(empty, 'The result of logging/setLevel is not empty.', {
            like: '"result":{}',
            advice: 'Return an empty object as the result: it only says that the level is set.',
          });
        }
        const wrong = [
          'verbose',
          'INFO',
          'Warning',
          'warn',
          'error ',
          word(),
          'toString',
          '__proto__',
          '',
          '4',
          4,
          0,
          true,
          null,
          ['info'],
          { info: 1 },
        ];
        for (const params of [...wrong.map((level) => ({ level })), {}, undefined]) {
          (await askLevel(client, params)).error(
            -32602,
            'Refuse every value that is not one of the eight levels, which are written in lower case. The error for params that do not fit is -32602.',
          );
        }
      },
    );

    requirement(
      'Before the first `logging/setLevel` of a session, the server sends the log messages that are at least as severe as `info`. It may also send `debug`.',
      async () => {
        await expectFilter(await connect('client 3'), 'info', 'Before the first logging/setLevel,', {
          mayCome: 'debug',
          advice: 'Give each new session the level info.',
        });
      },
    );

    requirement(
      'After `logging/setLevel`, the server sends a log message only if its level is at least as severe as the level of the session. If the server has refused a level, the level of the session stays as it was.',
      async () => {
        const client = await connect('client 3');
        // A level that stays as it was must not look like one that is compared with <=, which leaves out the level itself.
        const looksAlike = (level: string, i: number, order: readonly string[]) =>
          levels.indexOf(level) + 1 === levels.indexOf(order[i - 1] ?? 'info');
        let order = random.shuffled(levels);
        while (order.some(looksAlike)) order = random.shuffled(levels);
        for (const level of order) {
          await setLevel(client, level);
          await expectFilter(client, level, `After logging/setLevel with ${level},`, {
            advice: 'Replace the level of the session each time: session.level = data.level.',
            ifAllCome:
              'Compare the two levels before you send a log message: if its level comes before the level of the session in the list of levels, return.',
          });
        }
        await setLevel(client, 'alert');
        (await askLevel(client, { level: 'nothing' })).error(-32602, 'Refuse a level that is not one of the eight.');
        const when = 'The level was alert when your server refused another level. After that,';
        const advice = 'Keep a level only after you have checked that it is one of the eight.';
        await expectFilter(client, 'alert', when, { advice });

        await setLevel(client, 'info');
        const running = callTool(client, 'process_files', { message: word() });
        await running.atWork();
        await notified(server, running, 1);
        (await askAtWork(client, 'logging/setLevel', { level: 'error' })).result({ like: {} });
        await running.done();
        expect(notificationsIn(running).length <= 1, {
          cause:
            'A client set the level error while a call was running, but your server still sent messages of this call at the level info.',
          advice:
            'Read session.level in sendLog, each time that a tool logs something. A copy of the level from the beginning of the call is too old.',
          see: '',
        });
      },
    );

    requirement(
      'A level applies to each call of its own session until the client sets another level. It does not apply to the session of a client with the same name, or to a session that begins later.',
      async () => {
        const own: (readonly [McpClient, string])[] = [];
        const advice =
          'Keep the level in the object that the session id leads to. A variable outside of the session is shared by all clients, and so is a table by the name of the client.';
        // No two of these and info are neighbours: the wrong one of two neighbours looks like a comparison with <=.
        for (const level of random.shuffled(['warning', 'critical', 'emergency'])) {
          const client = await connect(`client ${own.length + 3}`);
          await expectFilter(
            client,
            'info',
            'A session has just begun, and another has set a level. In the new session',
            {
              mayCome: 'debug',
              advice,
            },
          );
          await setLevel(client, level);
          own.push([client, level]);
        }
        // The second time, each of the sessions has had a call, and a newer session has begun.
        for (const round of ['first', 'second']) {
          for (const [client, level] of own) {
            const when = `One client has set ${level}, and others have set other levels. In ${round === 'first' ? 'its session' : 'the second call of its session'}`;
            await expectFilter(client, level, when, { advice });
          }
          await connect('client 6');
        }
        // A client begins again, and sends the id of its session along.
        const [[older, level]] = own as [(typeof own)[0]];
        await random.aside(async () => {
          const oldId = older.headers['MCP-Session-Id']!;
          const newer = withId(await sessionIdFor('grader', { 'MCP-Session-Id': oldId }), 'client 7');
          await newer.notify('notifications/initialized');
          const fresh =
            'Make a new object for each initialize, with the level info, also if the request has the id of a session.';
          const when = `A client has sent initialize with the id of a session whose level is ${level}. In the`;
          await expectFilter(newer, 'info', `${when} new session`, { mayCome: 'debug', advice: fresh });
          await setLevel(newer, 'debug');
          await expectFilter(withId(oldId, older.who), level, `${when} old session`, { advice: fresh });
        });
      },
    );

    requirement(
      'If several calls run at the same time, in one session or in several, each call gets its own response and the log messages at the level of its session. This also holds for calls with the same `id`.',
      async () => {
        const loud = await connect('client 3');
        const silent = await connect('client 4');
        await setLevel(loud, 'debug');
        await setLevel(silent, 'warning');
        const id = newId();
        const calls: Posted[] = [];
        await tellApart(server, {
          texts: documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`),
          call(client, message, own) {
            calls.push(callTool(client, 'process_files', { message }, {}, own));
            return calls.at(-1)!;
          },
          calls: [
            { client: loud, id },
            { client: silent, id },
            { client: loud, id },
          ],
          logs: (client) => client === loud,
          expectDone(posted, message) {
            expectText(posted, `Done: ${message}`, 'Send what the tool of this call has returned as its result.');
            expectResponseLast(posted);
          },
        });
        for (const posted of calls) expectEventStream(posted, { see: '' });
      },
    );
  });
});
