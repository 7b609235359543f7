import { createParser } from 'eventsource-parser';
import { isDeepStrictEqual } from 'node:util';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, expectInterrupted, judgedClient, lastWords } from '../harness/vocabulary/command-line.ts';
import { eventOf, unfinishedEvent } from '../harness/vocabulary/event-stream.ts';
import { expectStatus, finished, untilEnd } from '../harness/vocabulary/http.ts';
import {
  expectAgreed,
  initialize,
  judged,
  mcpClient,
  type McpClient,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  notification,
  refusesDiscovery,
  scriptedServer,
  textResult,
  type Incoming,
  type ReceivedMessage,
  type Script,
} from '../harness/vocabulary/mcp-server.ts';
import { notificationsIn, paramsOf } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import {
  contentOf,
  expectNoFailure,
  expectSchema,
  failureText,
  listTools,
  objectIn,
  anyToolIn,
} from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

/** What the room tells a member. */
type News = { from: string; text: string } | { joined: string } | { left: string };

/** A client of the grader's, with its stand-alone stream. */
type Guest = {
  client: McpClient;
  name: string;
  stream: Posted;
  /** All messages that have come on its stream. */
  heard(): readonly Message[];
  /** The next messages on its stream are these, or become these soon, and no more follow. */
  hears(news: readonly News[], words: Explanation): Promise<void>;
  /** Nothing has come since the last look. */
  hearsNothing(words: Explanation): Promise<void>;
  /** The messages so far need no look. */
  skip(): void;
};

const see = 'npm run try lesson-32';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  const word = () => random.words(1)[0]!;
  let names = 0;
  /** A name that nobody else has. */
  const newName = () => `${word()}${random.pick(['', ' é', '-世', '_'])}${++names}`;

  let server: Server;
  /** They stay in the room. */
  let alice: Guest;
  let bob: Guest;
  let carol: Guest;

  /** The program has handled what it was sent, and what it sent is here. */
  async function settled(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await server.program.caughtUp();
  }

  /** What a message on a stand-alone stream tells; an empty object where it tells nothing. */
  const newsOf = (message: Message): Message => {
    const { data } = paramsOf(message);
    return isObject(data) ? data : {};
  };

  let clients = 0;

  /** A client that has shaken hands. */
  async function connect(): Promise<McpClient> {
    const client = mcpClient(server, { who: `client ${++clients}` });
    await initialize(client);
    await client.notify('notifications/initialized');
    return client;
  }

  /** Asks for the stand-alone stream of a client, and waits for the status. */
  async function askForStream(client: McpClient): Promise<Posted> {
    const headers = { Accept: 'text/event-stream', ...client.headers };
    const exchange = server.request('/mcp', { method: 'GET', headers, who: client.who! });
    const stream = judged(server, exchange, {}, 'GET /mcp', see);
    await expectSoon(
      () => stream.status !== undefined || finished(stream),
      () => {
        missing('the status and the headers of the stream');
        return {
          cause: 'Your server took GET /mcp, but sent neither a status nor headers.',
          advice: 'Call beginEventStream in the handler of GET: it sends the headers before there is anything to say.',
          see,
        };
      },
      server.program,
    );
    return stream;
  }

  /** Opens the stand-alone stream of a client. */
  async function openStream(client: McpClient): Promise<Posted> {
    const stream = await askForStream(client);
    await expectStream(stream);
    return stream;
  }

  async function expectStream(stream: Posted): Promise<void> {
    expectStatus(stream, 200, {
      cause: `Your server answered GET /mcp with status ${stream.status} instead of an event stream.`,
      advice: 'Answer GET with the stand-alone stream of the session, as in lesson 15.',
      see,
    });
    expect(/^text\/event-stream\b/i.test(stream.headers['content-type'] ?? ''), {
      cause: 'Your server answered GET /mcp, but not with an event stream.',
      compare: { expected: 'text/event-stream', received: stream.headers['content-type'] ?? '(no Content-Type)' },
      advice: 'Call beginEventStream in the handler of GET.',
      see,
    });
    await settled();
    expectOpen(stream);
  }

  function expectOpen(stream: Exchange): void {
    expect(!finished(stream), {
      cause: `Your server ${stream.ended ? 'ended' : 'broke off'} the stand-alone stream of a client that is still there.`,
      advice:
        'Leave the response to GET open when the handler returns. End it only if its session is over, if the session opens a newer stream, or if too many bytes wait for its client. A write that returns false is not a reason: it only says that Node keeps some bytes.',
      see,
    });
  }

  /** The messages on a stream, each of them parsed one time: a long conversation has many bytes. */
  function readerOf(stream: Posted): () => readonly Message[] {
    const messages: Message[] = [];
    const decoder = new TextDecoder();
    let read = 0;
    const parser = createParser({
      onEvent({ data }) {
        if (data === '') return;
        const message = fromJson(data);
        if (isObject(message)) messages.push(message);
        else messages.push({ notJson: data.slice(0, 100) });
      },
    });
    return () => {
      for (; read < stream.chunks.length; read++) {
        parser.feed(decoder.decode(stream.chunks[read]!.bytes, { stream: true }));
      }
      return messages;
    };
  }

  /** A client with an open stream. It is not in the room. */
  async function newGuest(client?: McpClient, name = newName(), opened?: Posted): Promise<Guest> {
    client ??= await connect();
    const stream = opened ?? (await openStream(client));
    const heard = readerOf(stream);
    let taken = 0;

    const dataOf = (message: Message) => paramsOf(message).data;

    /** Why a message is not there. */
    function notHeard(news: readonly News[], words: Explanation): Explanation {
      const next = news[heard().length - taken]!;
      missing(asJson(next), client!.who);
      const rest = unfinishedEvent(stream);
      if (rest.includes('jsonrpc')) {
        return {
          cause: 'Your server began an event on the stand-alone stream, but did not end it: no blank line follows.',
          compare: { expected: 'data: {…}\\n\\n', received: visible(rest.slice(0, 120)) },
          advice: 'End each event with \\n\\n, and write each message in one line with JSON.stringify.',
          see,
        };
      }
      return { compare: { expected: asJson(next), received: '(nothing)' }, see, ...words };
    }

    function expectNews(message: Message, news: News, words: Explanation): void {
      expect(!('notJson' in message), {
        cause: 'Your server sent an event whose data is not a JSON object.',
        compare: { expected: 'data: {…}\\n\\n', received: visible(String(message.notJson)) },
        advice:
          'Write each message in one line, with JSON.stringify and without indentation: in an event, each further line needs its own data:',
        see,
      });
      const whole = look(message, '', see);
      whole
        .at('method')
        .is(
          'notifications/message',
          'A message on the stand-alone stream has a wrong method.',
          'Send each message of the room as a notification with the method notifications/message. Every client of MCP knows this method.',
        );
      whole.expect(!('id' in message), 'A message of the room has an id, so it is a request.', {
        like: '{"jsonrpc":"2.0","method":"notifications/message", …}',
        advice: 'Leave the id out: nobody answers a notification.',
      });
      const params = whole.at('params').object('The params of a message of the room are not an object.', {
        missing: 'A message of the room has no params.',
        like: asJson({ level: 'notice', logger: 'chat', data: news }),
        advice: 'Put level, logger and data into the params.',
      });
      params
        .at('level')
        .is('notice', 'A message of the room has a wrong level.', 'Send each message with the level notice.');
      params
        .at('logger')
        .is(
          'chat',
          'A message of the room does not have the logger chat.',
          'Add logger: "chat" to the params. A client tells the room and other log messages apart by it.',
        );
      const data = params.at('data');
      const fits = Object.entries(news).every(([key, value]) => isDeepStrictEqual(data.at(key).value, value));
      if (fits) return;
      throw new Failure({
        cause: 'A member of the room got a different message than the one that it should get next.',
        compare: { expected: asJson(news).slice(0, 300), received: asJson(data.value).slice(0, 300) },
        see,
        advice: words.advice ?? '',
      });
    }

    return {
      client,
      name,
      stream,
      heard,
      async hears(news, words) {
        await expectSoon(
          () => heard().length >= taken + news.length || finished(stream),
          () => notHeard(news, words),
          server.program,
        );
        expectOpen(stream);
        for (const each of news) expectNews(heard()[taken++]!, each, words);
        await settled();
        const extra = heard()[taken];
        if (extra === undefined) return;
        const twice = heard()
          .slice(0, taken)
          .some((before) => isDeepStrictEqual(dataOf(before), dataOf(extra)));
        throw new Failure({
          cause: twice
            ? 'Your server sent the same message of the room two times to the same member.'
            : 'Your server sent one message more to a member than it should.',
          compare: { expected: '(nothing)', received: asJson(dataOf(extra) ?? extra).slice(0, 300) },
          advice: twice
            ? 'Send each message one time to each member. Look for a second loop, and for a member that leaves two times: when its session ends, its stream closes too.'
            : (words.advice ?? ''),
          see,
        });
      },
      async hearsNothing(words) {
        await settled();
        const extra = heard()[taken];
        expect(extra === undefined, {
          compare: { expected: '(nothing)', received: asJson(extra && (dataOf(extra) ?? extra)).slice(0, 300) },
          see,
          ...words,
        });
      },
      skip() {
        taken = heard().length;
      },
    };
  }

  /** Calls a tool, and waits for nothing. */
  const call = ({ client }: Pick<Guest, 'client'>, name: string, args: object): Posted =>
    client.post(client.request('tools/call', { name, arguments: args }), { what: `The call of ${name}`, see: '' });

  function expectWorked(posted: Posted): void {
    const result = objectIn(posted);
    expectNoFailure(result, posted);
    contentOf(result);
  }

  /** The tool refuses to do this. */
  function expectRefused(posted: Posted, cause: string, advice: string, argumentsAreWrong = false): void {
    const code = posted.messages().find((message) => isObject(message.error))?.error as Message | undefined;
    if (argumentsAreWrong && code?.code === -32602) return;
    const result = objectIn(posted, {
      when: { [-32602]: advice, [-32603]: advice },
      like: { content: '…', isError: true },
    });
    result.at('isError').is(true, cause, advice);
    failureText(result);
  }

  async function join(guest: Guest, name = guest.name): Promise<void> {
    expectWorked(await call(guest, 'join', { name }).done());
  }

  const tellsAll =
    'Go through all members, and write the event to the stream of each member but the member that has caused it.';

  /** It joins, and the members that are named are told. */
  async function joins(guest: Guest, ...others: Guest[]): Promise<void> {
    await join(guest);
    const words = {
      cause: 'A client has joined the room, but your server did not tell another member.',
      advice: `Send { joined: NAME } when a client has joined. ${tellsAll}`,
    };
    for (const other of others) await other.hears([{ joined: guest.name }], words);
  }

  async function say(guest: Guest, text: string): Promise<Posted> {
    const posted = await call(guest, 'say', { text }).done();
    expectWorked(posted);
    return posted;
  }

  const saidBut = {
    cause: 'A member has said something, but your server did not send it to another member.',
    advice: `Send { from: NAME, text: TEXT } when a member calls say. ${tellsAll}`,
  };

  const leftBut = (how: string): Explanation => ({
    cause: `${how}, but your server did not tell another member that it has left.`,
    advice:
      "Remove the member from the room and send { left: NAME } to all others. Do this in the handler of DELETE and when the response to GET emits close: response.on('close', …).",
  });

  async function endSession(guest: Guest): Promise<void> {
    const { client } = guest;
    const asked = server.request('/mcp', { method: 'DELETE', headers: client.headers, who: client.who! });
    const advice = 'Answer DELETE with status 200 or 204, and end the response.';
    await untilEnd(server, asked, () => ({ cause: 'Your server did not answer DELETE /mcp.', advice, see }), {
      cause: 'The connection broke before DELETE /mcp was answered.',
      advice,
      see,
    });
    expect(asked.status! < 300, {
      cause: `A client has ended its session, but your server answered DELETE /mcp with status ${asked.status}.`,
      compare: { expected: '204', received: String(asked.status) },
      advice,
      see,
    });
  }

  /** It leaves by the end of its session, and alice and bob are told. */
  async function departs(guest: Guest): Promise<void> {
    await endSession(guest);
    for (const other of [alice, bob]) {
      await other.hears([{ left: guest.name }], leftBut('A member has ended its session with DELETE'));
    }
  }

  task({ number: 1, title: 'Open the room', file: 'server.ts' }, () => {
    requirement(
      'If a client posts `initialize` with the revision `2025-11-25` to `/mcp`, the server answers with this revision, a session id, and the capabilities `tools` and `logging`.',
      async () => {
        server = await startServer();
        const client = mcpClient(server, { who: `client ${++clients}` });
        expectAgreed(await initialize(client), ['tools', 'logging']);
        expect(client.headers['MCP-Session-Id'] !== undefined, {
          cause: 'Your server answered initialize without a session id.',
          compare: { expected: 'MCP-Session-Id: …', received: '(no MCP-Session-Id)' },
          advice: 'Send the header MCP-Session-Id with the answer to initialize: a member of the room is a session.',
          see,
        });
        (await client.notify('notifications/initialized')).accepted();
        first = client;
      },
    );
    let first: McpClient;

    requirement(
      'If a client sends `tools/list`, the list has the tool `join`, which requires the string `name`, and the tool `say`, which requires the string `text`.',
      async () => {
        const list = await listTools(first);
        for (const [name, argument] of [
          ['join', 'name'],
          ['say', 'text'],
        ] as const) {
          const listed = anyToolIn(list, name, `Add the tool ${name} to the list, with this name.`);
          await expectSchema(
            listed,
            { accepted: [{ [argument]: word() }], refused: [{}, { [argument]: random.integer(1, 9) }] },
            {
              like: `{"type":"object","properties":{"${argument}":{"type":"string"}},"required":["${argument}"]}`,
            },
          );
        }
      },
    );

    requirement(
      'If a client joins, the server sends `{ joined: NAME }` on the stand-alone stream of every other member. If a member says something, the server sends `{ from: NAME, text: TEXT }` there. Each is a `notifications/message` with the level `notice` and the logger `chat`.',
      async () => {
        alice = await newGuest(first);
        await joins(alice);
        bob = await newGuest();
        await joins(bob, alice);
        carol = await newGuest();
        await joins(carol, alice, bob);
        for (let i = 0; i < 2; i++) {
          const text = random.words(3).join(' ');
          await say(alice, text);
          for (const other of [bob, carol]) await other.hears([{ from: alice.name, text }], saidBut);
        }
      },
    );

    requirement(
      'A member that calls `say` gets a result, but no copy of its own text, on its stream or in the answer to its call.',
      async () => {
        const advice =
          'Leave out the member that speaks when you go through the members: its user has typed the text, and sees it already.';
        const text = random.words(2).join(' ');
        const posted = await say(bob, text);
        const foreign = notificationsIn(posted)[0];
        expect(!foreign, {
          cause: 'Your server sent a message of the room in the answer to a call.',
          compare: { expected: '(only the response)', received: asJson(foreign) },
          advice:
            'Write the messages of the room to the stand-alone streams only: they concern all members, and belong to no call.',
          see,
        });
        await bob.hearsNothing({ cause: 'Your server sent a member its own text.', advice });
        for (const other of [alice, carol]) await other.hears([{ from: bob.name, text }], { ...saidBut, advice });
      },
    );

    requirement(
      'If the stream of a member closes, or if its session ends with `DELETE`, it leaves the room: the server sends `{ left: NAME }` to every other member one time. Another client can join with this name.',
      async () => {
        const members = [alice, bob];
        const { name } = carol;
        carol.stream.close();
        const closed = leftBut('The stream of a member has closed');
        for (const other of members) await other.hears([{ left: name }], closed);
        const again = await newGuest(undefined, name);
        await joins(again, ...members);
        await departs(again);
        expectRefused(
          await call(carol, 'say', { text: word() }).done(),
          'The stream of a member has closed, but your server still accepts what it says.',
          'Remove the member from the room when its stream closes. A client that is not in the room cannot say anything.',
        );
        const third = await newGuest(undefined, name);
        await joins(third, ...members);
        third.stream.close();
        for (const other of members) await other.hears([{ left: name }], closed);
      },
    );

    requirement(
      'If a member opens a second stream, it stays in the room when the first one closes, and the server sends the news on the second one. The server may also refuse the second stream with status 409.',
      async () => {
        const member = await newGuest();
        await joins(member, alice, bob);
        const second = await askForStream(member.client);
        const isRefused = second.status === 409;
        if (!isRefused) {
          await expectStream(second);
          member.stream.close();
        }
        const again = isRefused ? member : await newGuest(member.client, member.name, second);
        const what = isRefused ? 'Your server has refused the second stream of a member' : 'A member has opened a second stream, and its first one has closed'; // prettier-ignore
        for (const other of [alice, bob]) {
          await other.hearsNothing({
            cause: `${what}. The member is still there, but your server told another member that it has left.`,
            advice: isRefused
              ? 'Listen for close only on a response that is the stream of the session, and not on one that you have refused.'
              : 'In the listener of close, look first whether this response is still the stream of its session: if (session.stream !== response) return;',
          });
        }
        const text = word();
        await say(alice, text);
        await bob.hears([{ from: alice.name, text }], saidBut);
        await again.hears([{ from: alice.name, text }], {
          cause: `${what}, but your server does not send the news on the stream that is open.`,
          advice: isRefused
            ? 'Keep the stream of a session as it is when you refuse a second one.'
            : 'Keep the newest response to GET in session.stream, and write the news to it. Forget it only when this response itself closes.',
        });
        await departs(again);
      },
    );

    requirement(
      'A text arrives unchanged: in every script, with line breaks and quotation marks, and with a length of 80 kB.',
      async () => {
        const long = `${word()} é世 `.repeat(10_000).slice(0, 50_000);
        const texts = [
          `Grüße, 世界! ${word()} Привет שלום مرحبا 🙂 👩‍👩‍👧`,
          `${word()}\n\ndata: {"${word()}":"\\"}\r\n\r\n'${word()}'`,
          `\t ${word()} \u0000\u2028 `,
          random.pick(['0', 'null', '[]', '{}']),
          long,
        ];
        const words = {
          ...saidBut,
          advice:
            'Send the text as it came. JSON.stringify escapes line breaks and quotation marks, so that each message stays one line of its event.',
        };
        for (const [i, text] of texts.entries()) {
          const [speaker, listener] = i % 2 === 0 ? [alice, bob] : [bob, alice];
          await say(speaker, text);
          await listener.hears([{ from: speaker.name, text }], words);
        }
      },
    );

    requirement(
      'If several members speak at the same time, all other members get these messages in the same order, each of them one time.',
      async () => {
        const listeners = [await newGuest(), await newGuest()];
        await joins(listeners[0]!, alice, bob);
        await joins(listeners[1]!, alice, bob, listeners[0]!);
        const texts = Array.from({ length: 6 }, (_, i) => `${word()} ${i}`);
        const posted = texts.flatMap((text) => [alice, bob].map((speaker) => call(speaker, 'say', { text })));
        for (const each of posted) expectWorked(await each.done());
        const said = (guest: Guest) =>
          guest
            .heard()
            .map(newsOf)
            .filter(({ from }) => from !== undefined)
            .map(({ from, text }) => `${String(from)}: ${String(text)}`);
        const advice =
          'Write a message to the streams of all members before you return to the event loop: an await in the middle lets another message come between.';
        for (const listener of listeners) {
          await expectSoon(
            () => said(listener).length >= posted.length || finished(listener.stream),
            () => ({
              cause: 'Two members spoke at the same time, but another member did not get all their messages.',
              compare: { expected: `${posted.length} messages`, received: `${said(listener).length} messages` },
              advice,
              see,
            }),
            server.program,
          );
          expectOpen(listener.stream);
        }
        await settled();
        const [first, second] = listeners.map(said) as [string[], string[]];
        const each = texts.flatMap((text) => [alice, bob].map(({ name }) => `${name}: ${text}`)).sort();
        for (const list of [first, second]) {
          expect(isDeepStrictEqual([...list].sort(), each), {
            cause: 'Two members spoke at the same time, but another member did not get each message one time.',
            compare: { expected: asJson(each), received: asJson([...list].sort()) },
            advice: 'Write each message one time to each member, whoever speaks at the same time.',
            see,
          });
        }
        expect(isDeepStrictEqual(first, second), {
          cause: 'Two members spoke at the same time, and two others got their messages in different orders.',
          compare: { expected: '(one order for all members)', received: '(two different orders)' },
          advice,
          see,
        });
        for (const guest of [alice, bob, ...listeners]) guest.skip();
        for (const guest of listeners) await departs(guest);
      },
    );

    requirement(
      'If a client that is not in the room calls `say`, the result has `isError: true`. The server sends this text to nobody, and it sends news only to members.',
      async () => {
        const stranger = await newGuest();
        expectRefused(
          await call(stranger, 'say', { text: word() }).done(),
          'A client that is not in the room called say, but the result does not have isError: true.',
          'Look first whether the client is a member. If not, return a result with isError: true and a text that tells it to call join.',
        );
        for (const member of [alice, bob]) {
          await member.hearsNothing({
            cause: 'A client that is not in the room called say, and your server sent its text to a member.',
            advice: 'Return after you have refused the call, before you tell the members anything.',
          });
        }
        const text = word();
        await say(alice, text);
        await bob.hears([{ from: alice.name, text }], saidBut);
        await stranger.hearsNothing({
          cause: 'Your server sent a message of the room to a client that has not joined.',
          advice: 'Go through the members of the room only, and not through all sessions.',
        });
        await endSession(stranger);
        for (const member of [alice, bob]) {
          await member.hearsNothing({
            cause: 'A client that was never in the room has gone, and your server told the members.',
            advice: 'Send { left: NAME } only if the client was a member.',
          });
        }
      },
    );

    requirement(
      'If `name` is taken or empty, or if the client is in the room already, the result of `join` has `isError: true`. The room stays as it is, and nobody is told.',
      async () => {
        const stranger = await newGuest();
        const cases = [
          [stranger, alice.name, 'A client joined with a name that is taken', false],
          [stranger, '', 'A client joined with an empty name', true],
          [bob, newName(), 'A client joined that is in the room already', false],
        ] as const;
        for (const [guest, name, what, argumentsAreWrong] of cases) {
          expectRefused(
            await call(guest, 'join', { name }).done(),
            `${what}, but the result does not have isError: true.`,
            'Check the name and the client before you change anything, and return a result with isError: true and a text that says why.',
            argumentsAreWrong,
          );
          for (const member of [alice, bob]) {
            await member.hearsNothing({
              cause: `${what}. Your server refused this, but told a member that somebody has joined or left.`,
              advice: 'Return after you have refused the call, before you tell the members anything.',
            });
          }
        }
        const text = word();
        await say(bob, text);
        await alice.hears([{ from: bob.name, text }], {
          ...saidBut,
          advice: 'Leave the name of a member as it is when you refuse its second join.',
        });
        await stranger.hearsNothing({
          cause: 'The join of a client was refused, but your server sent it a message of the room.',
          advice: 'Add a client to the members only if nothing speaks against it.',
        });
        await joins(stranger, alice, bob);
        await departs(stranger);
      },
    );

    requirement(
      'If a client joins before it opens its stream, the server keeps the messages for it. When the stream opens, the server sends them in their order, and then the messages that follow.',
      async () => {
        const client = await connect();
        const name = newName();
        expectWorked(await call({ client }, 'join', { name }).done());
        for (const member of [alice, bob]) await member.hears([{ joined: name }], saidBut);
        const texts = random.words(4);
        const words = {
          cause:
            'A client joined before it opened its stream, but your server did not send it what was said in between.',
          advice:
            'Keep the events for a member without a stream, and write them in the handler of GET when the stream begins.',
        };
        const news = (some: string[]) => some.map((text) => ({ from: alice.name, text }));
        for (const text of texts.slice(0, 3)) await say(alice, text);
        await bob.hears(news(texts.slice(0, 3)), saidBut);
        const late = await newGuest(client, name);
        await late.hears(news(texts.slice(0, 3)), words);
        await say(alice, texts[3]!);
        await bob.hears(news(texts.slice(3)), saidBut);
        await late.hears(news(texts.slice(3)), words);
        await departs(late);
      },
    );

    requirement(
      'If a member does not read its stream, all others still get each message immediately. When more than 1 MiB waits for this member, the server closes its stream and sends `{ left: NAME, reason: TEXT }` to all others.',
      async () => {
        const slow = await newGuest();
        await joins(slow, alice, bob);
        const after = await newGuest();
        await joins(after, alice, bob, slow);
        slow.stream.pause();
        const others = [bob, after];
        const begin = others.map((other) => other.heard().length);
        const filler = `${word()} `.repeat(20_000).slice(0, 80_000);
        const hasLeft = (guest: Guest) => guest.heard().some((message) => newsOf(message).left === slow.name);
        const heardNow = (guest: Guest) => guest.heard().slice(begin[others.indexOf(guest)]);
        const texts = (guest: Guest) => heardNow(guest).filter((message) => 'text' in newsOf(message));
        const blocked = {
          cause: 'A member does not read its stream, and another member does not get what is said.',
          advice: 'Write to each stream without waiting for it: an await on one slow stream holds up all the others.',
        };
        /** Several at the same time, and less than the limit together: whoever reads never has so much before it. */
        const batch = 8;
        const most = 240;
        let said = 0;
        while (said < most && !hasLeft(bob)) {
          const posted = Array.from({ length: batch }, () => call(alice, 'say', { text: `${said++} ${filler}` }));
          for (const each of posted) {
            await each.doneMeanwhile({
              cause: 'A member does not read its stream, and your server does not answer the say of another member.',
              advice: blocked.advice,
            });
            expectWorked(each);
          }
          await expectSoon(
            () => others.every((guest) => texts(guest).length >= said || finished(guest.stream)),
            () => ({ ...blocked, see }),
            server.program,
          );
          for (const { stream } of others) expectOpen(stream);
          await settled();
        }
        const advice =
          'Look at response.writableLength after each write: so many bytes wait for this member in the memory of your server. If there are more than longestQueue, destroy the response and remove the member.';
        expect(hasLeft(bob), {
          cause: `A member did not read its stream while ${Math.round((most * filler.length) / 1e6)} MB were said, but your server still keeps everything for it.`,
          compare: { expected: asJson({ left: slow.name, reason: '…' }), received: '(nothing)' },
          advice,
          see,
        });
        await expectSoon(
          () => [after, alice].every(hasLeft),
          () => ({
            ...leftBut('Your server has removed a member that does not read'),
            see,
          }),
          server.program,
        );
        const expected = Array.from({ length: said }, (_, i) => String(i)).sort();
        const orders = others.map((other) =>
          heardNow(other).map((message) => {
            const { text } = newsOf(message);
            return typeof text === 'string' && text.endsWith(` ${filler}`) ? text.split(' ')[0]! : asJson(newsOf(message)).slice(0, 60); // prettier-ignore
          }),
        );
        for (const order of orders) {
          const numbers = order.filter((each) => /^\d+$/.test(each));
          expect(isDeepStrictEqual([...numbers].sort(), expected), {
            cause: 'While one member did not read its stream, another member did not get each text one time.',
            compare: { expected: 'each text one time', received: '(some texts not at all, or two times)' },
            advice: 'Send each text to each member in one event, and write it only one time.',
            see,
          });
        }
        const left = bob.heard().find((message) => newsOf(message).left === slow.name)!;
        const leaving = asJson(newsOf(left));
        expect(isDeepStrictEqual(orders[0], orders[1]), {
          cause:
            'Your server has removed a member that does not read, and two others got the messages in different orders.',
          compare: { expected: `a text, and then ${leaving}`, received: `${leaving}, and then the text` },
          advice:
            'Write the message to all members first, and remove a slow member only after this loop. Otherwise some members hear that it has left before they get the message.',
          see,
        });
        expectReason(left);
        expect(heardNow(bob).filter((message) => newsOf(message).left === slow.name).length === 1, {
          cause: 'Your server said two times that a member has left.',
          advice: 'Tell the others only if the client is still a member: closing its stream makes it leave again.',
          see,
        });
        slow.stream.resume();
        await expectSoon(
          () => finished(slow.stream),
          () => ({
            cause: 'Your server has removed a member that does not read, but left its stream open.',
            advice:
              'Call destroy() on the response: it closes the connection, and the bytes that wait for this member are forgotten.',
            see,
          }),
          server.program,
        );
        expectRefused(
          await call(slow, 'say', { text: word() }).done(),
          'A member that does not read was removed from the room, but your server still accepts what it says.',
          'Remove the member from the room, as if its stream had closed.',
        );
        for (const guest of [alice, bob]) guest.skip();
        await departs(after);
      },
    );

    /** A member that the server has removed leaves with a reason. */
    const expectReason = (left: Message) =>
      look(newsOf(left), 'data', see).at('reason').string('The message does not say why the member has left.', {
        like: '"…"',
        advice: 'Add a reason to { left: NAME }: it tells the others that this member has not left by itself.',
      });

    requirement(
      'If more than 1 MiB waits for a member that has not opened its stream, the server sends `{ left: NAME, reason: TEXT }` to all others.',
      async () => {
        const client = await connect();
        const name = newName();
        expectWorked(await call({ client }, 'join', { name }).done());
        for (const member of [alice, bob]) await member.hears([{ joined: name }], saidBut);
        const filler = `${word()} `.repeat(20_000).slice(0, 80_000);
        const leaving = (guest: Guest) => guest.heard().find((message) => newsOf(message).left === name);
        const keeps = `${name} has joined, but has not opened its stream.`;
        /** So many texts are less than 1 MiB together. */
        const few = 12;
        const most = 20;
        for (let said = 0; said < most && !leaving(bob); said++) {
          await say(alice, `${said} ${filler}`);
          await settled();
          expect(said >= few || !leaving(bob), {
            cause: `${keeps} Your server removed it from the room, although less than 1 MiB was said since then.`,
            advice: 'Remove a member only if more than longestQueue bytes wait for it: 1 MiB is 1024 ** 2 bytes.',
            see,
          });
        }
        for (const member of [bob, alice]) {
          await expectSoon(
            () => leaving(member) !== undefined || finished(member.stream),
            () => ({
              cause: `${keeps} ${((most * filler.length) / 1e6).toFixed(1)} MB were said, but your server still keeps everything for it.`,
              compare: { expected: asJson({ left: name, reason: '…' }), received: '(nothing)' },
              advice:
                'Count the bytes that you keep for a member without a stream. If there are more than longestQueue, forget them and remove the member, as you do with a member that does not read its stream.',
              see,
            }),
            server.program,
          );
          expectOpen(member.stream);
        }
        expectReason(leaving(bob)!);
        expectRefused(
          await call({ client }, 'say', { text: word() }).done(),
          'A member was removed from the room because too much waited for it, but your server still accepts what it says.',
          'Remove the member from the room, as if its stream had closed.',
        );
        for (const guest of [alice, bob]) guest.skip();
      },
    );

    requirement(
      'If a client has set its log level to `warning` or a more severe level, the server sends it no news. With `debug`, `info` or `notice`, the server sends it all news.',
      async () => {
        const level = async (level: string) => {
          (await alice.client.ask('logging/setLevel', { level })).result();
        };
        const advice =
          "Compare the session's level with notice before you write to its stream: the levels are in the order of their severity.";
        for (const _ of [1, 2]) {
          const [loud, quiet] = [
            random.pick(['debug', 'info', 'notice']),
            random.pick(['warning', 'error', 'critical', 'alert', 'emergency']),
          ];
          await level(quiet);
          await say(bob, word());
          await alice.hearsNothing({
            cause: `A client has set its level to ${quiet}, but your server sent it a message of the room.`,
            advice: `${advice} The messages of the room have the level notice, so this client has muted the room.`,
          });
          await level(loud);
          const text = word();
          await say(bob, text);
          await alice.hears([{ from: bob.name, text }], {
            cause: `A client has set its level to ${loud}, but your server did not send it a message of the room.`,
            advice,
          });
        }
      },
    );

    requirement('The official MCP clients of both generations talk with each other in the room.', async () => {
      const heard: { first: unknown[]; second: unknown[] } = { first: [], second: [] };
      const generations = ['first', 'second'] as const;
      const callNames = { first: newName(), second: newName() };
      const texts = { first: `${word()} é`, second: `${word()} 世` };
      const hears = (generation: (typeof generations)[number], news: object) =>
        expectSoon(
          () =>
            heard[generation].some(
              (data) =>
                isObject(data) && Object.entries(news).every(([key, value]) => isDeepStrictEqual(data[key], value)),
            ),
          () => ({
            cause: `The official client of the ${generation} generation did not get a message of the room.`,
            compare: { expected: asJson(news), received: asJson(heard[generation]) },
            advice:
              'Compare the answer to GET /mcp in this capture with lesson 15: the status, the Content-Type, and one line of data for each message.',
            see,
          }),
          server.program,
        );
      const officials = {
        first: await officialClient(server, 'first', ({ data }) => heard.first.push(data)),
        second: await officialClient(server, 'second', ({ data }) => heard.second.push(data)),
      };
      await officials.first.callTool('join', { name: callNames.first });
      await officials.second.callTool('join', { name: callNames.second });
      await hears('first', { joined: callNames.second });
      for (const generation of generations) {
        const other = generation === 'first' ? 'second' : 'first';
        await officials[generation].callTool('say', { text: texts[generation] });
        await hears(other, { from: callNames[generation], text: texts[generation] });
      }
    });
  });

  // ---------------------------------------------------------------------------------------------------------------

  /** A message of the room. */
  const roomMessage = (data: object): Message => notification('notifications/message', { level: 'notice', logger: 'chat', data }); // prettier-ignore

  type InRoom = Script & { joining: ReceivedMessage; name: string; get: Incoming };

  const openGet = ({ response }: Incoming): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
  };

  /** A client that has called `join`, and the GET that it has sent. */
  async function upToJoin(): Promise<InRoom> {
    const name = newName();
    const script = await scriptedServer(run, {
      see,
      hears: refusesDiscovery,
      onGet: openGet,
      session: `${word()}-${random.integer(1000, 9999)}!~`,
      begin: (url) => run.startTypedClient({}, url, name),
    }).start();
    await script.handshake();
    const joining = await script.next('tools/call', {
      cause: 'Your client did not call join after the handshake.',
      advice: 'Call join after the handshake, before you read from standard input.',
    });
    const { client, gets } = script;
    const noGet = {
      cause: 'Your client did not open the stand-alone stream with GET /mcp.',
      advice:
        'Send the GET after the handshake, and read its stream in a function that you do not await. Messages of the room arrive only there.',
      see,
    };
    await expectSoon(() => gets.length > 0 || client.end || client.verdict, () => noGet, client); // prettier-ignore
    expect(gets.length > 0, noGet);
    return { ...script, joining, name, get: gets[0]! };
  }

  /** The answer to a call, as JSON or in an event stream. */
  async function answer(posted: ReceivedMessage, how: 'JSON' | 'stream', result: object = textResult('ok')) {
    if (how === 'JSON') return posted.json(posted.result(result));
    await posted.stream(posted.result(result));
    posted.end();
  }

  const draws = () => random.pick(['JSON', 'stream'] as const);

  async function inRoom(): Promise<InRoom> {
    const script = await upToJoin();
    await answer(script.joining, 'JSON');
    return script;
  }

  const readsOn =
    'Read standard input line by line, with for await over createInterface({ input: process.stdin }), and await the answer to each say.';

  /** The client says this line. */
  async function says({ next }: Script, text: string): Promise<ReceivedMessage> {
    const posted = await next('tools/call', {
      cause: 'The user has typed a line, but your client did not call say.',
      advice: readsOn,
    });
    const params = posted.member('params');
    params.at('name').is('say', 'Your client called a different tool for a line of its input.', 'Call the tool say.');
    params
      .at('arguments')
      .is({ text }, 'The arguments of say are wrong.', 'Send the line as text, without its line break and unchanged.');
    return posted;
  }

  const onArrival = {
    cause: 'A message of the room has arrived, but your client has not printed it.',
    otherwise: 'Your client printed a message of the room in the wrong way.',
    advice:
      'Print each message as soon as it has arrived on the stand-alone stream, as NAME: TEXT, * NAME has joined, or * NAME has left. Print nothing else on standard output.',
  };

  const running =
    'Give stop.signal to createInterface and to fetch, and abort stop in finally too: this closes the interface of readline and the stream. An open standard input or stream keeps your client running.';

  task({ number: 2, title: 'Talk', file: 'client.ts' }, () => {
    let script: InRoom;

    requirement(
      'The command `client.ts URL NAME` shakes hands, opens the stand-alone stream with `GET`, and calls `join` with the argument `name`.',
      async () => {
        script = await upToJoin();
        const { joining, name, get } = script;
        const params = joining.member('params');
        params.at('name').is('join', 'Your client called a different tool first.', 'Call the tool join first.');
        params
          .at('arguments')
          .is({ name }, 'The arguments of join are wrong.', 'Send one argument, name: it is process.argv[3].');
        joining.expectAgreed();
        get.expectAgreed();
      },
    );

    requirement(
      'For each line of standard input, the client calls `say` with this line as `text`. It waits for the answer before it sends the next line, and sends nothing for an empty line.',
      async () => {
        const { client, joining, nothingPosted } = script;
        const lines = [random.words(3).join(' '), ` "${word()}" é世🙂\t${word()}`, word()] as const;
        client.write(`${lines[0]}\n\n`);
        for (const _ of [1, 2, 3]) await client.caughtUp();
        await nothingPosted({
          cause: 'Your client called say before its join was answered.',
          advice: 'Await the result of join before you read from standard input: the name may be taken.',
        });
        await answer(joining, draws());
        const one = await says(script, lines[0]);
        one.expectAgreed();
        const bytes = Buffer.from(`${lines[1]}\r\n${lines[2]}\n`);
        for (const piece of random.cut(bytes, 3)) client.write(piece);
        for (const _ of [1, 2, 3]) await client.caughtUp();
        await nothingPosted({
          cause: 'Your client sent a line before the line before it was answered.',
          advice: `${readsOn} Two requests at the same time can arrive in the wrong order.`,
        });
        await answer(one, draws());
        await answer(await says(script, lines[1]), draws());
        held = await says(script, lines[2]);
      },
    );
    /** The last line that was said, which has no answer yet. */
    let held: ReceivedMessage;

    requirement(
      'When news arrives, the client immediately prints `NAME: TEXT`, `* NAME has joined` or `* NAME has left`, even if a `say` has no answer yet. It prints nothing for any other notification.',
      async () => {
        const { client, get } = script;
        const [one, two] = [newName(), newName()];
        const text = `${random.words(2).join(' ')} é世🙂 ٣`;
        await get.send(': still here\n\n');
        await get.send(eventOf(roomMessage({ joined: one })));
        await client.prints([`* ${one} has joined`], onArrival);
        for (const piece of random.cut(Buffer.from(eventOf(roomMessage({ from: one, text }))), 3))
          await get.send(piece);
        await client.prints([`${one}: ${text}`], onArrival);
        const foreign = [
          logMessage('error', word()),
          ...random
            .shuffled([{ from: word(), text: word() }, { joined: word() }, { left: word() }])
            .map((data) => logMessage('notice', data)),
          notification('notifications/tools/list_changed'),
        ];
        await get.send(foreign.map(eventOf).join(''));
        for (const _ of [1, 2, 3]) await client.caughtUp();
        await client.printsNothing(
          'Print a notifications/message only if its logger is chat, whatever its data is, and print no other notification.',
        );
        const both = [roomMessage({ from: two, text: '' }), roomMessage({ left: one, reason: word() })];
        await get.send(both.map(eventOf).join(''));
        await client.prints([`${two}: `, `* ${one} has left`], onArrival);
        const long = `${word()} `.repeat(2500).slice(0, 9999);
        await get.send(eventOf(roomMessage({ from: two, text: `${long}.` })));
        await client.prints([`${two}: ${long}.`], onArrival);
      },
    );

    requirement(
      'The client prints each message in one line. It replaces every control character in a name or text, line breaks included, with a space or another harmless text.',
      async () => {
        const { client, get } = script;
        const [before, after] = random.words(2) as [string, string];
        const name = newName();
        const controls = ['\n', '\r\n', '\r', '\x1b[2J', '\x1b]0;', '\x07', '\b\b', '\x9b31m', '\0', '\x7f'];
        const lineOf = (news: News) =>
          'text' in news ? `${news.from}: ${news.text}` : 'joined' in news ? `* ${news.joined} has joined` : `* ${news.left} has left`; // prettier-ignore
        const cases: [News, string[]][] = [
          ...random
            .shuffled(controls)
            .map((control): [News, string[]] => [
              { from: name, text: `${before}${control}${after}: ${before}` },
              [`${name}: ${before}`, after],
            ]),
          [{ from: `${before}\n${name}\x1b[A`, text: after }, [before, name, after]],
          [{ joined: `${name}\r\x1b[K${before}` }, [name, before, 'has joined']],
          [{ left: `${name}\n${before}` }, [name, before, 'has left']],
        ];
        for (const [news, parts] of cases) {
          const seen = client.stdout.length;
          const printed = () => client.stdout.slice(seen).replaceAll('\r\n', '\n');
          await get.send(eventOf(roomMessage(news)));
          const expected = visible(lineOf(news).replaceAll(/\p{Cc}+/gu, ' '));
          const words = { compare: { expected, received: visible(printed()) || '(nothing)' }, see };
          await expectSoon(
            () => printed().includes('\n') || client.end || client.verdict,
            () => ({ ...words, cause: onArrival.cause, advice: onArrival.advice }),
            client,
          );
          for (const _ of [1, 2]) await client.caughtUp();
          const received = printed();
          const compare = { expected, received: visible(received) || '(nothing)' };
          const control = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(received);
          const advice =
            'Replace all control characters of the whole line before you print it: line.replaceAll(/\\p{Cc}/gu, " "). A terminal obeys them, and a line break begins a line that seems to come from somebody else.';
          expect(received.trimEnd().split('\n').length === 1 && !control, {
            cause: control
              ? 'A message had a control character in it, and your client printed this character.'
              : 'A message had a line break in it, and your client printed it in two lines.',
            compare,
            advice,
            see,
          });
          let from = 0;
          const inOrder = parts.every((part) => {
            const at = received.indexOf(part, from);
            from = at + part.length;
            return at >= 0;
          });
          expect(inOrder, {
            cause: 'A message had a control character in it, and your client did not print the rest of the message.',
            compare,
            advice: 'Replace only the control characters, and print everything else as it came.',
            see,
          });
        }
      },
    );

    const over = 'The input has ended and each line was answered';

    requirement(
      'At the end of its input, the client waits for the answer to its last `say`. Then it ends its session with `DELETE`, and exits with code 0.',
      async () => {
        const { client, goodbyes } = script;
        const last = word();
        client.write(last);
        client.endInput();
        for (const _ of [1, 2, 3]) await client.caughtUp();
        const notYet = () =>
          expect(!client.end && goodbyes.length === 0, {
            cause: `The input has ended, but your client ${client.end ? 'ended' : 'sent DELETE'} before its last line was said.`,
            compare: { expected: 'say, its answer, and then DELETE', received: client.end ? '(the end)' : 'DELETE' },
            ...lastWords(client),
            advice: `${readsOn} The last line may have no line break.`,
            see,
          });
        notYet();
        await answer(held, draws());
        await until(() => script.waiting() || client.end);
        notYet();
        const posted = await says(script, last);
        for (const _ of [1, 2, 3]) await client.caughtUp();
        notYet();
        await answer(posted, draws());
        await client.endsWell(over, 'Set an exit code other than 0 only if something has failed.', running);
        expectGoodbye(goodbyes);
      },
    );

    function expectGoodbye(goodbyes: Incoming[]): void {
      expect(goodbyes.length > 0, {
        cause: 'Your client ended without a DELETE for its session.',
        compare: { expected: 'DELETE /mcp', received: '(nothing)' },
        advice: 'Send DELETE in finally and await its answer: the others see then that you have left the room.',
        see,
      });
      goodbyes[0]!.expectAgreed();
    }

    requirement(
      'After Ctrl+C, the client ends its session with `DELETE`, prints one line on standard error, and exits with code 130, although its input is still open.',
      async () => {
        const { client, goodbyes, get } = await inRoom();
        const name = newName();
        await get.send(eventOf(roomMessage({ joined: name })));
        await client.prints([`* ${name} has joined`], onArrival);
        client.interrupt();
        await expectEnd(run, client, 'The user has pressed Ctrl+C, but your client is still running.', running);
        expectInterrupted(
          client,
          'The aborted signal ends the loop over the lines without an error: call stop.signal.throwIfAborted() after this loop. Abort stop with a reason, stop.abort(new Error(…)), and print the reason in one line with console.error.',
        );
        expectGoodbye(goodbyes);
      },
    );

    requirement(
      'If the result of `join` or `say` has `isError: true`, the client prints one line with the text of the result on standard error, and exits with code 1, although its input is still open.',
      async () => {
        await together(['join', 'say'] as const, async (tool) => {
          const parts = random.words(3);
          const reason = parts.join('\n');
          const line = word();
          const script = await upToJoin();
          const { client, joining } = script;
          let refused = joining;
          if (tool === 'say') {
            await answer(joining, 'JSON');
            client.write(`${line}\n`);
            refused = await says(script, line);
          }
          await answer(refused, tool === 'join' ? 'JSON' : 'stream', { ...textResult(reason), isError: true });
          const running = {
            cause: `The result of ${tool} has isError: true, but your client is still running.`,
            advice:
              'Look at isError of each result, and throw an error with the text of the result. Abort stop in finally too, because an error thrown inside of the loop does not close the interface of readline: only the signal does. An open standard input keeps your client running.',
          };
          await expectEnd(run, client, running.cause, running.advice);
          await client.fails({
            code: 1,
            about: `${tool} with isError: true`,
            has: parts,
            advice: 'Look at isError of each result, and throw an error with the text of the result.',
            oneLine:
              'Replace the line breaks in the text of the result before you print it, as in the messages of the room.',
          });
        });
      },
    );

    requirement(
      'If the server refuses the GET with status 405, if the stream ends or breaks off, or if the server cannot be reached, the client exits with code 1, although its input is still open. It prints one line on standard error.',
      async () => {
        await together(['ends', 'breaks off', 'refused', 'no server'] as const, async (how) => {
          const advice =
            'When the loop over the stand-alone stream is over, abort stop with a sentence. It also has to end the reading of standard input, because this input may stay open for ever. The loop over the lines then ends without an error, so call stop.signal.throwIfAborted() after it.';
          if (how === 'no server') {
            const client = judgedClient(run, run.startTypedClient({}, 'http://127.0.0.1:9/mcp', 'somebody'));
            await client.fails({ code: 1, about: 'a server that cannot be reached', advice });
            return;
          }
          if (how === 'refused') {
            const script = await scriptedServer(run, {
              see,
              hears: refusesDiscovery,
              session: word(),
              begin: (url) => run.startTypedClient({}, url, newName()),
            }).start();
            await script.handshake();
            const running = 'The server answered GET with status 405, but your client is still running.';
            const advice =
              'Look at the status of the answer to GET. If it is not 200, nothing will arrive, so abort stop with a sentence, as for a stream that has ended.';
            // A client may call join before it knows the answer to GET.
            while ((await script.movesOn(running, advice)) === 'posted') {
              await answer(await script.next('tools/call'), 'JSON');
            }
            await expectEnd(run, script.client, running, advice);
            await script.client.fails({ code: 1, about: 'a GET that was answered with status 405', advice });
            return;
          }
          const { client, get } = await inRoom();
          const name = newName();
          await get.send(eventOf(roomMessage({ joined: name })));
          await client.prints([`* ${name} has joined`], onArrival);
          if (how === 'ends') get.end();
          else get.breakOff();
          const running = `The stand-alone stream ${how === 'ends' ? 'has ended' : 'broke off'}, but your client is still running.`;
          await expectEnd(run, client, running, advice);
          await client.fails({
            code: 1,
            about: `a stand-alone stream that ${how === 'ends' ? 'has ended' : 'broke off'}`,
            printed: [`* ${name} has joined`],
            advice,
          });
        });
      },
    );
  });
});
