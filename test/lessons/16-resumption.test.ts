import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, judgedClient, lastWords, notCrashed, underTimeLimit } from '../harness/vocabulary/command-line.ts';
import { eventOf, expectEventStream, parseStream, type StreamEvent } from '../harness/vocabulary/event-stream.ts';
import {
  expectHeader,
  expectStatus,
  finished,
  received,
  release,
  untilEnd,
  workMs,
} from '../harness/vocabulary/http.ts';
import {
  hello,
  initialize,
  mcpClient,
  newestRevision,
  request,
  type McpClient,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  scriptedServer,
  textResult,
  type Incoming,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { newIds } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { startCuttingRelay, type Cut } from '../harness/wire/cutting-relay.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { utf8Header } from '../harness/wire/grader-server.ts';
import { fromJson, isObject } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const {
    changed,
    expectSoon,
    missing,
    note,
    random,
    requirement,
    startServer,
    startClientWith,
    task,
    together,
    until,
  } = run;

  /** Milliseconds that the learner's server asks its clients to wait. */
  const retry = 20;
  /** How many events the learner's server keeps for a session. */
  const kept = 40;
  const olderRevision = '2025-06-18';

  let server: Server;
  const start = async () =>
    (server ??= await startServer({
      RETRY: String(retry),
      KEPT_EVENTS: String(kept),
      MORE_TOOLS: fileURLToPath(new URL('../harness/tools/resumption.ts', import.meta.url)),
    }));

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);

  /** A client that has shaken hands. */
  async function connect(who: string, revision = newestRevision): Promise<McpClient> {
    await start();
    const client = mcpClient(server, { who, newId });
    await initialize(client, hello(revision));
    await client.notify('notifications/initialized');
    return client;
  }

  type Options = { works?: boolean; closesAfter?: number[] };

  /** Calls the tool of tools/resumption.ts, which logs each of these steps when its work is done. Waits for nothing. */
  const report = (client: McpClient, steps: string[], options: Options = {}, id = newId()): Posted =>
    client.post(request(id, 'tools/call', { name: 'report', arguments: { steps, ...options } }), { see: '' });

  const eventsOf = (exchange: Exchange): StreamEvent[] => parseStream(exchange).events;

  /** An event as a verdict names it: the text that was logged, or what it is. */
  function nameOf({ data }: StreamEvent): string {
    const message = fromJson(data);
    if (data === '') return '(empty data)';
    if (!isObject(message)) return visible(data.slice(0, 20));
    if ('result' in message) return 'the result';
    return isObject(message.params) && 'data' in message.params ? `"${message.params.data}"` : String(message.method);
  }
  function listed(events: StreamEvent[]): string {
    const names = events.map(nameOf);
    if (names.length > 12) names.splice(4, names.length - 8, `… ${names.length - 8} more …`);
    return names.join(', ') || '(no event)';
  }

  const isResult = (event: StreamEvent) => nameOf(event) === 'the result';

  /** Waits until the tool is at its next piece of work, and lets nothing go. */
  async function atWork(what: string): Promise<void> {
    const { program } = server;
    const late = () => ({
      cause: `The tool did not begin its next step ${what}.`,
      advice:
        'Let the tool run on, whatever happens to the connection of its call: a client that has lost its connection can come back.',
    });
    await expectSoon(() => program.held.length > 0, late, program);
    await program.caughtUp();
  }

  /** Waits until the stream has this many events, while the tool is at work. */
  async function arrive(exchange: Exchange, count: number, cause: string, advice: string): Promise<void> {
    const late = () => {
      missing('an event');
      return {
        cause,
        compare: { expected: count === 1 ? 'one event' : `${count} events`, received: listed(eventsOf(exchange)) },
        advice,
      };
    };
    const came = () => eventsOf(exchange).length >= count;
    await expectSoon(() => came() || finished(exchange), late, server.program);
    if (!came()) throw new Failure(late());
  }

  task({ number: 1, title: 'Number the events', file: 'server.ts' }, () => {
    requirement(
      'Every event in the stream of a call has an `id`. No two events of a session have the same `id`, even if several calls run at the same time.',
      async () => {
        const client = await connect('client 1');
        const id = newId();
        const calls = [report(client, random.words(3), {}, id), report(client, random.words(2))];
        for (const posted of calls) await posted.done();
        calls.push(await report(client, random.words(2), {}, id).done());
        /** The call that each id was seen in. */
        const seen = new Map<string, Posted>();
        for (const posted of calls) {
          expectEventStream(posted, { see: '' });
          expect(eventsOf(posted).some(isResult), {
            cause: 'The tool has returned, but its result is not in the stream of the call.',
            compare: { expected: 'the result', received: listed(eventsOf(posted)) },
            advice: 'Write each event to the connection of its stream when you have kept it: writeTo does this.',
          });
          for (const event of eventsOf(posted)) {
            expect(event.id || !eventsOf(posted).some(({ id, data }) => id && data === event.data), {
              cause: `Your server sent an event two times, once without an id and once with one: ${nameOf(event)}.`,
              compare: { expected: 'id: …', received: visible(posted.text.slice(0, 120)) },
              advice: 'Delete the line that writes the event without an id: sendEvent writes each event only once.',
            });
            expect(event.id, {
              cause: `Your server sent an event without an id: ${nameOf(event)}.`,
              compare: { expected: 'id: …', received: visible(posted.text.slice(0, 120)) },
              advice: /^retry:.*id:/m.test(posted.text)
                ? 'End the field retry with a blank line: `retry: ${retry}\\n\\n`. Otherwise the next line continues it.'
                : 'Write the line id: and the id before the line data:, in the same event. The blank line comes after both.',
            });
            const before = seen.get(event.id);
            expect(!before, {
              cause: `Your server gave the id ${visible(event.id)} to two events of one session.`,
              compare: { expected: 'different ids', received: `${visible(event.id)}, ${visible(event.id)}` },
              advice:
                before === posted
                  ? 'Count the events of a stream, and put the number into the id: it has to change with each event.'
                  : 'Begin the id with the number of the stream, which newStream has made. The id of a request can come again.',
            });
            seen.set(event.id, posted);
          }
        }
      },
    );

    requirement(
      'In a session with the revision `2025-11-25`, the first event in the stream of a call has an `id` and empty data. The server sends this event before the tool says anything.',
      async () => {
        const { program } = await start();
        const posted = report(await connect('client 1'), random.words(2));
        await posted.atWork();
        expectEventStream(posted, { see: '' });
        await until(() => eventsOf(posted).length > 0 || finished(posted));
        await program.caughtUp();
        const advice =
          'Write an event with the lines id: and data: as soon as the stream is open, before you call the tool.';
        const [first] = eventsOf(posted);
        const compare = {
          expected: 'id: …\\ndata: \\n\\n',
          received: visible(posted.text.slice(0, 80)) || '(nothing)',
        };
        if (!first) missing('id: …\\ndata: \\n');
        expect(first, {
          cause: /^id/m.test(posted.text)
            ? 'The tool is at work, but the first event of your server is not complete.'
            : 'The tool is at work, but your server has not sent an event.',
          compare,
          advice: /^id/m.test(posted.text)
            ? 'Write the line data: into this event too, and end it with a blank line. Without data, a parser dispatches no event.'
            : advice,
        });
        expect(first.data === '', {
          cause: 'The first event in the stream of a call has data, but it should only bring an id.',
          compare,
          advice: 'Leave the data of this event empty: it is not a message.',
        });
        expect(first.id, {
          cause: 'The first event in the stream of a call has no id.',
          compare,
          advice:
            'Give this event an id. A client whose connection breaks before the first message comes back with it.',
        });
        await posted.done();
        expect(eventsOf(posted).filter(({ data }) => data === '').length === 1, {
          cause: 'Your server sent more than one event with empty data in the stream of one call.',
          compare: { expected: 'one', received: listed(eventsOf(posted)) },
          advice: 'Send this event one time only, when the stream of a call begins.',
        });
      },
    );

    requirement(
      'In a session with the revision `2025-06-18`, the server sends no event with empty data. The events of a call still have an `id`.',
      async () => {
        // Somebody else has agreed on the newest revision after this client.
        const client = await connect('client 1', olderRevision);
        await connect('client 2');
        const posted = await report(client, random.words(2)).done();
        expectEventStream(posted, { see: '' });
        const events = eventsOf(posted);
        expect(
          events.every(({ data }) => data !== ''),
          {
            cause: `The session has the revision ${olderRevision}, but your server sent an event with empty data.`,
            compare: { expected: '(only messages)', received: listed(events) },
            advice:
              'Keep the revision of the handshake in the session, and send this event only for 2025-11-25. Older clients may take empty data for broken JSON.',
          },
        );
        expect(
          events.every(({ id }) => id),
          {
            cause: `The session has the revision ${olderRevision}, but your server sent an event without an id.`,
            compare: { expected: 'id: …', received: visible(posted.text.slice(0, 120)) },
            advice: 'Give every event an id, whatever the revision is. Only the event with empty data is new.',
          },
        );
      },
    );

    requirement(
      'Before its first event, the stream of a call has the field `retry` with the number in the environment variable `RETRY`.',
      async () => {
        const posted = await report(await connect('client 1'), random.words(1)).done();
        const begun = parseStream(posted);
        const written = /^retry:? ?(.*)$/m.exec(posted.text)?.[1]?.trim();
        const compare = { expected: `retry: ${retry}\\n`, received: visible(posted.text.slice(0, 80)) };
        expect(written !== undefined, {
          cause: 'Your server began the stream of a call without the field retry.',
          compare,
          advice: 'Write the line retry: and the number before the first event. It says how long a client should wait.',
        });
        expect(begun.retry !== undefined, {
          cause: `The field retry has the value ${visible(written)}, but clients ignore a value that is not all digits.`,
          compare,
          advice: 'Write the number of milliseconds in digits, without a unit and without a point.',
        });
        expect(begun.begins, {
          cause: 'Your server sent the field retry after an event. A stream that breaks off earlier lacks it.',
          compare,
          advice: 'Write the field retry before the first event.',
        });
        expect(begun.retry === retry, {
          cause: 'The field retry has the wrong number.',
          compare: { expected: `retry: ${retry}`, received: `retry: ${begun.retry}` },
          advice: 'Take the number from the environment variable RETRY. The starter has it as the constant retry.',
        });
      },
    );
  });

  /** Asks for the rest of a stream. */
  function comeBack(client: McpClient, lastEventId: string): Exchange {
    const { who } = client;
    // A header takes one character for each byte.
    const id = Buffer.from(lastEventId, 'utf8').toString('latin1');
    return server.request('/mcp', {
      headers: { ...client.headers, Accept: 'text/event-stream', 'Last-Event-ID': id },
      ...(who !== undefined && { who }),
    });
  }

  /** The same, after the old connection has closed: a server that refuses a second connection may not know this yet. */
  async function comeBackAlone(client: McpClient, lastEventId: string): Promise<Exchange> {
    for (let tries = 1; ; tries++) {
      const back = comeBack(client, lastEventId);
      await answered(back);
      if (back.status !== 409 || tries === 10) return back;
      await server.program.caughtUp();
    }
  }

  /** The answer to a GET with Last-Event-ID has begun. */
  async function answered(back: Exchange): Promise<void> {
    const late = () => {
      missing('a response');
      return {
        cause: 'Your server did not answer a GET with Last-Event-ID.',
        advice: 'Answer each GET: with a stream, or with refuse. Send the headers of a stream immediately.',
      };
    };
    await expectSoon(() => back.status !== undefined || back.broken !== undefined, late, server.program, workMs);
    expect(back.status !== undefined, {
      cause: 'Your server closed the connection of a GET with Last-Event-ID without an answer.',
      advice: 'Answer each GET: with a stream, or with refuse.',
    });
  }

  /** The answer is a stream. */
  async function expectStream(back: Exchange, whose: string): Promise<void> {
    await answered(back);
    expectStatus(back, 200, {
      cause: `Last-Event-ID is the id of an event of ${whose}, but your server answered with status ${back.status}.`,
      advice:
        'Look for this id among the events that the session has kept. Keep every event when it is sent, also the events of a call that is over.',
      see: '',
    });
    expectEventStream(back, { see: '' });
  }

  async function untilOver(exchange: Exchange, cause: string, advice: string): Promise<void> {
    await untilEnd(server, exchange, (silence) => ({ ...silence, cause, advice }), {
      cause: 'Your server broke off the connection of a GET with Last-Event-ID instead of ending the response.',
      advice: 'End the response with response.end() after the response to the call.',
    });
  }

  /** Of the events that have come, each one with empty data was sent before. */
  function notPrimed(
    came: StreamEvent[],
    sent: StreamEvent[],
    after: string,
    compare: Explanation['compare'] & {},
  ): void {
    const primed = came.find(({ id, data }) => data === '' && !sent.some((event) => event.id === id));
    expect(!primed, {
      cause: `Your server sent a new event with empty data ${after}.`,
      compare,
      advice:
        'Do not call prime in resume: only a new stream begins with such an event, and the client has an id already.',
    });
  }

  /** The stream has brought exactly what is missing after the event with this index. */
  function expectRest(back: Exchange, sent: StreamEvent[], seen: number, advice?: string): void {
    const came = eventsOf(back);
    const wanted = sent.slice(seen + 1);
    const after = `after the client had seen event ${seen + 1} of this stream`;
    const compare = { expected: listed(wanted), received: listed(came) };
    expect(!came.some(({ data }) => /^(id|data):/m.test(data)), {
      cause: `Your server sent the kept text of an event as the data of a new event ${after}.`,
      compare,
      advice: 'Write the text that you have kept with writeTo(stream, event.text). sendEvent makes a new event of it.',
    });
    const foreign = came.find((event) => !sent.some(({ data }) => data === event.data));
    expect(!foreign, {
      cause: `Your server sent an event of a different stream ${after}.`,
      compare,
      advice: 'Send only the events of the stream to which the event with this id belongs.',
    });
    notPrimed(came, sent, after, compare);
    const again = came.find(({ data }) => sent.slice(0, seen + 1).some((event) => event.data === data));
    expect(!again, {
      cause: `Your server sent ${again && nameOf(again)} again ${after}.`,
      compare,
      advice: 'Begin with the event after the one that Last-Event-ID names: the client has that one.',
    });
    const dataOf = (events: StreamEvent[]) => JSON.stringify(events.map(({ data }) => data));
    expect(dataOf(came) === dataOf(wanted), {
      cause:
        new Set(came.map(({ data }) => data)).size < came.length
          ? `Your server sent an event twice ${after}.`
          : came.length < wanted.length
            ? `Your server did not send everything that was missing ${after}.`
            : `Your server sent the missing events in the wrong order ${after}.`,
      compare,
      advice:
        advice ??
        (came.length === 0
          ? 'Call connect(stream, response) before you send the later events of this stream: writeTo writes to the connection that the stream has at this moment.'
          : 'Send the later events of this stream, each one time and in their order, without an await between the kept events and the new ones.'),
    });
    const at = came.findIndex(({ id }, i) => id !== wanted[i]!.id);
    const changedId = came[at];
    expect(!changedId, {
      cause: `Your server sent ${changedId && nameOf(changedId)} with a different id than before.`,
      compare: { expected: `id: ${wanted[at]?.id}`, received: `id: ${changedId?.id ?? '(none)'}` },
      advice: 'Keep each event together with its id, and send it as it was. The id names a place in the stream.',
    });
  }

  /** The server has refused to resume: with a status that says neither that the session is over nor that there are no streams. */
  async function expectRefused(back: Exchange, what: string, advice: string): Promise<void> {
    const printed = server.program.stderr.length;
    await answered(back);
    const status = back.status!;
    const expected = '400 (or another 4xx, but not 404 or 405)';
    const compare = { expected, received: received(back) };
    expect(status >= 400, {
      cause: `Last-Event-ID is ${what}, but your server answered with status ${status}.`,
      // How much of a stream has arrived by now differs from run to run.
      compare: { expected, received: String(status) },
      advice,
    });
    const misleading: Record<number, string> = {
      404: 'To a request with a session id, 404 means that the session is over, so the client would begin a new session.',
      405: '405 means that this server has no streams that a client can open with GET.',
    };
    expect(status < 500 && !misleading[status], {
      cause: `Last-Event-ID is ${what}, but your server refused it with the wrong status, ${status}.`,
      compare,
      advice: `Answer with status 400. ${misleading[status] ?? 'The server has not failed: the id is wrong.'}`,
    });
    await untilOver(back, `Your server refused ${what}, but did not end the response.`, 'Send the error with refuse.');
    const body = fromJson(back.text);
    expect(isObject(body) && isObject(body.error), {
      cause: `Your server refused ${what}, but it sent no JSON-RPC error in the body.`,
      compare: { expected: '{"jsonrpc":"2.0","id":null,"error":…}', received: received(back) },
      advice: 'Send the error with refuse, which sets the status and says why in the body.',
    });
    await server.program.caughtUp();
    const thrown = /^\w*Error\b.*(?=\n +at )/m.exec(server.program.stderr.slice(printed))?.[0];
    expect(thrown === undefined, {
      cause: `Your server refused ${what}, but continued after that and threw an error.`,
      output: thrown ?? '',
      advice: 'Return after refuse: without an event there is no stream that could be resumed.',
    });
  }

  const keepsEach =
    'Keep every event in the session when it is sent, whether the stream has a connection or not. A stream is over only after the response.';

  task({ number: 2, title: 'Continue a stream', file: 'server.ts' }, () => {
    requirement(
      'If a `GET` has the id of an event of a finished call in `Last-Event-ID`, the server sends the later events of this call and of no other stream, with the same ids as before. After that, it ends the response.',
      async () => {
        const client = await connect('client 1');
        const steps = random.words(random.integer(3, 5));
        // The events of another call come between those of the first.
        const call = report(client, steps);
        const beside = report(client, random.words(4));
        for (const posted of [call, beside]) await posted.done();
        // Here, no event comes between the others.
        const alone = await report(client, random.words(3), { works: false }).done();
        const inCall = random.integer(1, steps.length);
        for (const [posted, seen, whose] of [
          [alone, random.integer(0, 2), 'a finished call'],
          [call, 0, 'a finished call'],
          [call, inCall, 'a finished call'],
          [call, 0, 'a finished call that has been resumed before'],
        ] as const) {
          const sent = eventsOf(posted);
          const back = comeBack(client, sent[seen]!.id!);
          await expectStream(back, whose);
          await untilOver(
            back,
            'Your server has sent the response of a call again, but it did not end the stream.',
            'End the response when the stream is over: nothing more will come on it.',
          );
          expectRest(back, sent, seen);
        }
        const { older, sent } = await random.aside(async () => {
          const older = await connect('client 2', olderRevision);
          return { older, sent: eventsOf(await report(older, random.words(2)).done()) };
        });
        const back = comeBack(older, sent[0]!.id!);
        await answered(back);
        await until(() => finished(back) || eventsOf(back).length > 0);
        expect(back.status === 200 && eventsOf(back).some(({ id }) => id === sent[1]!.id), {
          cause: `The session has the revision ${olderRevision}, but your server did not resume the stream of a finished call.`,
          compare: { expected: '200, and the later events', received: `${back.status}, ${listed(eventsOf(back))}` },
          advice:
            'Resume a stream whatever the revision of the session is. Only the event with empty data and closeConnection are new.',
        });
      },
    );

    requirement(
      'If the connection of a call closes, the tool continues. If the client comes back, the server immediately sends the events that the client has missed, and each later event when the tool logs it.',
      async () => {
        const client = await connect('client 1');
        const { program } = server;
        const steps = random.words(5);
        const call = report(client, steps);
        await atWork('after the call had come');
        release(program);
        await arrive(call, 2, 'The tool has logged its first step, but the event did not come.', keepsEach);
        await atWork('after the first');
        const first = eventsOf(call);
        call.close();
        await program.caughtUp();
        release(program);
        await program.caughtUp();
        await atWork('after the connection of its call had closed');

        const back = await comeBackAlone(client, first.at(-1)!.id!);
        await expectStream(back, 'a running call');
        const never = 'The tool is at work, but your server has not sent the event that the client has missed.';
        await arrive(back, 1, never, `${keepsEach} Begin with the event after the one that Last-Event-ID names.`);
        const compare = { expected: `"${steps[1]}"`, received: listed(eventsOf(back)) };
        notPrimed(eventsOf(back), first, 'after the client had come back', compare);
        expect(eventsOf(back).length === 1, {
          cause: 'The client has missed one event, but your server sent more than that.',
          compare,
          advice: 'Begin with the event after the one that Last-Event-ID names, and send each event one time only.',
        });
        release(program);
        await atWork('after the client had come back');
        const live =
          'Send what comes from now on to the new connection: make it the connection of the stream, because the call only knows the stream.';
        const notLive = 'The client has come back, but the next event of the tool did not come.';
        await arrive(back, 2, notLive, live);
        const second = eventsOf(back);
        const idsDiffer = (events: StreamEvent[]) =>
          expect(new Set(events.map(({ id }) => id)).size === events.length, {
            cause: 'The ids of a stream came again after the client had come back.',
            compare: { expected: 'different ids', received: events.map(({ id }) => id).join(', ') },
            advice: 'Count the events of a stream, and not those of a connection.',
          });
        idsDiffer([...first, ...second]);
        back.close();
        await program.caughtUp();

        // Nothing is missed this time.
        const third = await comeBackAlone(client, second.at(-1)!.id!);
        await expectStream(third, 'a running call');
        release(program);
        await arrive(third, 1, notLive, live);
        await untilOver(
          third,
          'The call is over, but your server did not end the stream on which the client has come back.',
          'End the connection that the stream has now, after the response. It may be a different one than at the beginning.',
        );
        const all = [...first, ...second, ...eventsOf(third)];
        const texts = all.filter(({ data }) => data !== '').map(nameOf);
        const wanted = [...steps.map((step) => `"${step}"`), 'the result'];
        expect(texts.join() === wanted.join(), {
          cause: 'A client has come back twice, but it did not get each message of its call exactly once.',
          compare: { expected: wanted.join(', '), received: texts.join(', ') },
          advice:
            'Send the missed events and make this connection the current one in the same turn of the event loop, without an await in between.',
        });
        idsDiffer(all);
      },
    );

    requirement(
      'If a client comes back while its old connection is still open, the server sends each later event on one of the two connections only.',
      async () => {
        const client = await connect('client 1');
        const { program } = server;
        const steps = random.words(3);
        const call = report(client, steps);
        await atWork('after the call had come');
        release(program);
        await arrive(call, 2, 'The tool has logged its first step, but the event did not come.', keepsEach);
        await atWork('after the first');
        const seen = eventsOf(call);
        const back = comeBack(client, seen.at(-1)!.id!);
        await answered(back);
        expect(back.status! < 500, {
          cause: `A client came back while its old connection was open, but your server answered with status ${back.status}.`,
          advice:
            'Let the new connection replace the old one. The server may not have noticed that the old one is dead.',
        });
        const both = [call, back];
        const over = () => both.every(finished) || both.some((each) => finished(each) && eventsOf(each).some(isResult));
        await expectSoon(
          () => {
            release(program);
            return over();
          },
          () => ({
            cause:
              'The call is over, but neither the old nor the new connection of the client was ended after its response.',
            advice: 'End the current connection of the stream after the response.',
          }),
          program,
          workMs,
        );
        await program.caughtUp();
        const later = [...eventsOf(call).slice(seen.length), ...(back.status === 200 ? eventsOf(back) : [])];
        const wanted = [...steps.slice(1).map((step) => `"${step}"`), 'the result'];
        const texts = later.map(nameOf);
        expect([...texts].sort().join() === [...wanted].sort().join(), {
          cause:
            texts.length > wanted.length
              ? 'Your server sent the same event on the old and on the new connection of a client.'
              : 'A client came back while its old connection was open, and it did not get each later event.',
          compare: { expected: wanted.join(', '), received: texts.join(', ') || '(no event)' },
          advice:
            'Give a stream one connection: the new one replaces the old one, and the old one is ended. A message must go out on one connection only.',
        });
      },
    );

    requirement(
      "If `Last-Event-ID` is not the id of an event of the client's own session, the server answers with a 4xx status other than 404 and 405, and with a JSON-RPC error.",
      async () => {
        const alice = await connect('client 1');
        const bob = await connect('client 2');
        const own = await report(alice, random.words(2)).done();
        const others = [];
        for (let calls = 0; calls < 3; calls++) others.push(await report(bob, random.words(6)).done());
        const ownIds = new Set(eventsOf(own).map(({ id }) => id!));
        const unknown =
          'Refuse an id that leads to no event of this session: without a place, the server does not know where to continue.';
        const ids = [word(), `${eventsOf(own).at(-1)!.id}x`, '0', '-1', 'constructor', '__proto__'];
        for (const id of ids.filter((each) => !ownIds.has(each))) {
          await expectRefused(comeBack(alice, id), `the unknown id "${id}"`, unknown);
        }
        // Ids have to be unique in their own session only, so an id of the other session may be an own one as well.
        const foreign = others
          .flatMap((posted) => eventsOf(posted).map(({ id }) => id!))
          .filter((id) => !ownIds.has(id));
        for (const id of [foreign[0], foreign.at(-1)]) {
          if (id === undefined) continue;
          await expectRefused(
            comeBack(alice, id),
            'the id of an event of another session',
            'Look only among the events of the session that MCP-Session-Id names. Otherwise one client can read the messages of another.',
          );
        }
        // The sessions are as they were.
        const again = comeBack(alice, eventsOf(own)[0]!.id!);
        await expectStream(again, 'a finished call');
        await untilOver(
          again,
          'Your server did not end the stream of a finished call.',
          'End the response of a stream that is over.',
        );
        expectRest(again, eventsOf(own), 0);
      },
    );

    requirement(
      'The server keeps the last `KEPT_EVENTS` events of a session. If `Last-Event-ID` is the id of an older event, the server answers with a 4xx status other than 404 and 405, and with a JSON-RPC error.',
      async () => {
        const client = await connect('client 1');
        const more = random.integer(5, 10);
        const call = await report(client, random.words(kept + more), { works: false }).done();
        const sent = eventsOf(call);
        expect(new Set(sent.map(({ id }) => id)).size === sent.length, {
          cause: 'Your server gave the same id to two events of a call after it had removed older events.',
          compare: {
            expected: 'different ids',
            received: `${visible(String(sent.at(-2)?.id))}, ${visible(String(sent.at(-1)?.id))}`,
          },
          advice:
            'Count with stream.count. The number of kept events does not grow any more when the oldest is removed.',
        });
        const oldest = sent.length - kept;
        const back = comeBack(client, sent[oldest]!.id!);
        await answered(back);
        expectStatus(back, 200, {
          cause: `The client came back with the oldest of the last ${kept} events, but your server answered with status ${back.status}.`,
          advice: 'Keep as many events as KEPT_EVENTS says: remove the oldest only when there are more than that.',
          see: '',
        });
        await untilOver(
          back,
          'Your server did not end the stream of a finished call.',
          'End the response of a stream that is over.',
        );
        expectRest(back, sent, oldest, 'Remove the oldest event, with shift, and keep the newest ones.');
        for (const index of [0, random.integer(1, oldest - 2), oldest - 1]) {
          const back = comeBack(client, sent[index]!.id!);
          await answered(back);
          await until(() => finished(back));
          const isKept = back.status !== 200 || eventsOf(back).some(({ id }) => id === sent[index + 1]!.id);
          await expectRefused(
            back,
            `the id of an event that is older than the last ${kept}`,
            isKept
              ? 'Remove the oldest event when the session has more than KEPT_EVENTS. Otherwise a long session needs more and more memory.'
              : 'Look for the event whose id is equal to Last-Event-ID, with ===, and refuse if no event has this id. Your server continues with a later event, so the client never hears of the events in between.',
          );
        }
        // What another session sends changes nothing.
        await random.aside(async () => {
          const other = await connect('client 2');
          await report(other, random.words(kept), { works: false }).done();
        });
        const still = comeBack(client, sent.at(-2)!.id!);
        await answered(still);
        expectStatus(still, 200, {
          cause: `Another session has had ${kept} events since then, and your server no longer resumes the stream of this session.`,
          advice: 'Count the events of each session separately: session.events.length.',
          see: '',
        });
        await random.aside(() => report(client, random.words(kept), { works: false }).done());
        await expectRefused(
          comeBack(client, sent.at(-1)!.id!),
          `the id of an event of an earlier call, which is older than the last ${kept} events of the session`,
          'Count the events of all streams of the session together: session.events.length. If you count in each stream, a long session needs more and more memory.',
        );
      },
    );

    requirement(
      'If a tool calls `context.closeConnection()`, the server ends the connection of this call in a session with the revision `2025-11-25`, and the tool continues. In a session with an older revision, the connection stays open.',
      async () => {
        const client = await connect('client 1');
        const { program } = server;
        const steps = random.words(3);
        const call = report(client, steps, { closesAfter: [1, 2] });
        await atWork('after the call had come');
        release(program);
        await atWork('after the tool had called closeConnection');
        const stays = (cause: string, advice: string) => () => {
          missing('the end of the response');
          return { cause, advice };
        };
        await expectSoon(
          () => finished(call),
          stays(
            'The tool has called closeConnection, but your server did not end the connection.',
            'Call end() on the current connection of the stream, and leave the stream as it is.',
          ),
          program,
        );
        expect(call.ended, {
          cause: 'The tool has called closeConnection, but your server broke off the connection instead of ending it.',
          advice: 'Call end() on the connection. destroy() looks like a failure of the network.',
        });
        const sent = eventsOf(call);
        const middle = await comeBackAlone(client, sent.at(-1)!.id!);
        await expectStream(middle, 'a running call');
        release(program);
        await atWork('after the tool had called closeConnection again');
        await expectSoon(
          () => finished(middle),
          stays(
            'The client has come back, and the tool has called closeConnection again, but your server did not end the new connection.',
            'Call stream.connection?.end(). The variable response is the first connection of the call only.',
          ),
          program,
        );
        sent.push(...eventsOf(middle));
        const back = await comeBackAlone(client, sent.at(-1)!.id!);
        await expectStream(back, 'a running call');
        await untilOver(
          back,
          'The tool has closed the connection of its call, and the client has come back, but your server did not end the stream.',
          'Send the response on the connection that the stream has now, and end it.',
        );
        const texts = [...sent, ...eventsOf(back)].filter(({ data }) => data !== '').map(nameOf);
        const wanted = [...steps.map((step) => `"${step}"`), 'the result'];
        expect(texts.join() === wanted.join(), {
          cause: 'After closeConnection, the client came back, but it did not get each message exactly once.',
          compare: { expected: wanted.join(', '), received: texts.join(', ') },
          advice:
            'End the connection only, and leave the stream as it is: its later events are kept, and the client comes back for them.',
        });

        const older = await connect('client 2', olderRevision);
        const open = report(older, steps, { closesAfter: [1, 2] });
        await atWork('after the call had come');
        release(program);
        await atWork('after the tool had called closeConnection');
        expect(!finished(open), {
          cause: `The session has the revision ${olderRevision}, but your server closed the connection before the response.`,
          advice: 'Close a connection early only in a session with 2025-11-25. Older clients take this for a failure.',
        });
        await open.done();
      },
    );

    requirement(
      'If the connection of an official client is cut three times, this client gets each message of the tool exactly once, and then the result.',
      async () => {
        await start();
        for (const generation of ['first', 'second'] as const) {
          const steps = random.words(random.integer(9, 12));
          const logs: unknown[] = [];
          // A connection that breaks off can lose what the client has not read yet, its first id included.
          const relay = await startCuttingRelay(server, cuts({ end: true }), isOfCall);
          const client = await officialClient(server, generation, ({ data }) => logs.push(data), { relay });
          const text = await client.callTool('report', { steps });
          expect(logs.join() === steps.join(), {
            cause: 'An official client came back three times, but it did not get each message exactly once.',
            compare: { expected: steps.join(', '), received: logs.join(', ') || '(nothing)' },
            advice:
              'Send the events after the one that Last-Event-ID names: of this stream, in their order, each one time.',
          });
          expect(text === `Done: ${steps.length} steps`, {
            cause: 'An official client came back three times, but it did not get the result of its call.',
            compare: { expected: `Done: ${steps.length} steps`, received: String(text) },
            advice: 'Send the response of the call on the connection that the stream has now.',
          });
        }
      },
    );
  });

  /** Three cuts at any places, each behind an event at least. */
  const cuts = (every: Partial<Cut> = {}): Cut[] =>
    Array.from({ length: 3 }, () => ({
      events: random.integer(1, 2),
      bytes: random.integer(0, 60),
      end: random.integer(0, 1) === 0,
      ...every,
    }));

  /** Whether the stream that answers this request belongs to a call. */
  const isOfCall = ({ method, headers }: { method?: string | undefined; headers: Record<string, unknown> }) =>
    method === 'POST' || headers['last-event-id'] !== undefined;

  const see = 'node --import tsx lessons/16-resumption/client.ts http://127.0.0.1:3000/mcp hello';

  /** A client whose call has come, and the requests with which it comes back. */
  type Caller = Script & { call: ReceivedMessage; backs: Incoming[] };

  /** Milliseconds that this machine has needed at least from the start of a client to its call. */
  let toCall = Infinity;

  async function upToCall(
    terms: Partial<Terms> = {},
    handshake = (script: Script) => script.handshake(),
  ): Promise<Caller> {
    const backs: Incoming[] = [];
    const script = await scriptedServer(run, {
      see,
      session: `${word()}-${random.integer(1000, 9999)}`,
      ...terms,
      onGet(get) {
        if (get.request.headers['last-event-id'] !== undefined) {
          backs.push(get);
          changed();
          return;
        }
        // This server has no stand-alone stream.
        get.response.writeHead(405, { allow: 'POST' });
        get.end();
      },
    }).start();
    await handshake(script);
    const call = await script.next('tools/call');
    toCall = Math.min(toCall, script.elapsed());
    return { ...script, call, backs };
  }

  /** The next GET of this client with Last-Event-ID; it has this id, as `advice` says. */
  async function nextBack(caller: Caller, count: number, id: string, advice = asItCame): Promise<Incoming> {
    const { backs, client, gets } = caller;
    const late = () => {
      missing(`GET /mcp with Last-Event-ID: ${id}`);
      const withoutId = gets.length - backs.length > 1;
      return {
        cause: withoutId
          ? 'Your client came back with a GET, but without the header Last-Event-ID.'
          : count > 4
            ? `The stream of the call stopped ${count} times before the response, but your client came back only ${count - 1} times.`
            : `The stream of the call stopped before the response${count > 1 ? ' again' : ''}, but your client did not come back.`,
        ...lastWords(client),
        advice: withoutId
          ? 'Add the header Last-Event-ID. Without it, the GET opens the stand-alone stream.'
          : count > 4
            ? 'Do not limit how often the client comes back: only the response and TIME_LIMIT end the loop.'
            : /invalid character|ByteString/i.test(client.stderr)
              ? "Encode the id as UTF-8: Buffer.from(id, 'utf8').toString('latin1'). A header takes one character for each byte."
              : `${count > 1 ? 'Repeat this' : 'Keep the id of each event in place.lastEventId. Call comeBack and read again'} as long as the response has not arrived and there is an id, whether the stream has ended or broken off. An error of the connection reaches notRead: return there before fail.${count > 1 ? ` ${keeps}` : ''}`,
      };
    };
    const came = () => backs.length >= count;
    // A client may do something else instead, and wait for the answer.
    if (!(await until(() => came() || client.end || client.verdict))) {
      await caller.nothingPosted({
        cause: 'Your client repeated its call, but it should come back for the rest of the first one.',
        advice:
          'Send a GET with Last-Event-ID. For the server, another tools/call is a new call, so the tool runs again.',
      });
    }
    await expectSoon(() => came() || client.end || client.verdict, late, client, 0);
    if (!came()) notCrashed(client, 'when the stream of its call had stopped');
    if (!came()) throw new Failure(late());
    const back = backs[count - 1]!;
    const sent = utf8Header(back.request.headers['last-event-id']);
    expect(sent === id, {
      cause: 'Your client came back with the wrong id in Last-Event-ID.',
      compare: { expected: `Last-Event-ID: ${id}`, received: `Last-Event-ID: ${sent}` },
      advice:
        sent !== undefined && Number(sent) === Number(id)
          ? 'Send the id exactly as it came: it is an arbitrary string, also when it looks like a number.'
          : advice,
    });
    return back;
  }

  /** Answers a GET with the beginning of an event stream. */
  function begin(back: Incoming): Incoming {
    back.response.writeHead(200, { 'content-type': 'text/event-stream' });
    back.response.flushHeaders();
    return back;
  }

  const keeps =
    'Take the id from the event reader after each chunk, and begin the next reader with it. An event without an id, and a connection without events, do not change it.';
  const asItCame = 'Send back the id of the last complete event, exactly as it came.';

  const withId = (id: string, message: unknown) => `id: ${id}\n${eventOf(message)}`;
  const prime = (id: string, retry = 5) => `id: ${id}\nretry: ${retry}\ndata: \n\n`;
  const answeredAgain = 'The call was answered after a break';

  task({ number: 3, title: 'Come back', file: 'client.ts' }, () => {
    requirement(
      'If a stream stops before the response and an event had an `id`, the client sends a `GET` with the last id in `Last-Event-ID`, after the first break and after every later one.',
      async () => {
        const [one, two, three, x, y] = random.words(5) as [string, string, string, string, string];
        const caller = await upToCall();
        const { call, client } = caller;
        await call.stream(prime(`${x} 07`), withId('007', logMessage('info', one)), 'id: cut\ndata: {"json');
        call.breakOff();
        const first = begin(
          await nextBack(
            caller,
            1,
            '007',
            `${asItCame} An event counts when its blank line has arrived: the event of a later id was cut.`,
          ),
        );
        await first.send(`${withId(`${y}-Zürich-шаг`, logMessage('info', two))}${eventOf(logMessage('info', three))}`);
        first.end();
        const utf8 = `${keeps} Encode the id as UTF-8: Buffer.from(id, 'utf8').toString('latin1').`;
        const second = begin(await nextBack(caller, 2, `${y}-Zürich-шаг`, utf8));
        await second.send(': nothing new\n\n');
        second.breakOff();
        const third = begin(await nextBack(caller, 3, `${y}-Zürich-шаг`, keeps));
        third.end();
        for (let count = 4; count <= 12; count++) {
          const again = await nextBack(caller, count, `${y}-Zürich-шаг`, keeps);
          if (count < 12) begin(again).end();
        }
        await client.prints(
          [one, two, three].map((text) => `NOTIFICATION: info ${text}`),
          {
            cause: 'Your client did not print the notifications of the connections after the break.',
            advice: 'Handle the messages of each connection, as those of the first: answerTo does it.',
          },
        );
      },
    );

    requirement(
      'A `GET` with `Last-Event-ID` has an `Accept` header with `text/event-stream`, and the same `MCP-Session-Id` and `MCP-Protocol-Version` headers as the call.',
      async () => {
        const caller = await upToCall({ revision: olderRevision });
        const { call } = caller;
        await call.stream(prime('1'));
        call.end();
        const back = await nextBack(caller, 1, '1');
        const lists = (value: string) => /(^|[\s,])text\/event-stream\s*($|[,;])/i.test(value);
        expectHeader(back.request, 'Accept', lists, 'text/event-stream', {
          cause: 'The GET with Last-Event-ID has no Accept header with text/event-stream.',
          advice: 'Send the headers of the handshake, and set Accept to text/event-stream.',
        });
        back.expectAgreed();
      },
    );

    requirement(
      'Before a `GET` with `Last-Event-ID`, the client waits for as many milliseconds as the last field `retry` says, also if an earlier connection has sent it.',
      async () => {
        const caller = await upToCall();
        const { call } = caller;
        let count = 0;
        /** The longest time that the client has waited beyond what it should have waited. */
        let excess = 0;
        /** Stops the stream, and waits for the client to come back. */
        const waits = async (wait: number, id: string, stop: () => void, late?: Explanation) => {
          const since = performance.now();
          stop();
          count++;
          const moved = await until(() => caller.backs.length >= count || caller.client.end, wait + workMs);
          if (!moved && late) throw new Failure(late);
          const back = await nextBack(caller, count, id);
          const waited = Math.round(back.at - since);
          expect(waited >= wait - 2, {
            cause: `The field retry says ${wait}, but your client came back earlier.`,
            advice:
              'Keep the last retry of the stream, and wait for as long before each GET: a connection without this field does not change it.',
          });
          excess = Math.max(excess, waited - wait);
          return begin(back);
        };
        await call.stream('retry: 10\n\n', prime('1', 150));
        const first = await waits(150, '1', () => call.breakOff());
        await first.send(withId('2', logMessage('info', word())));
        const second = await waits(150, '2', () => first.end());
        // In two chunks: what is printed in between shows that the first one has been read.
        const text = random.aside(word);
        await second.send(`retry: 600000\n\n${eventOf(logMessage('info', text))}`);
        await until(() => caller.client.stdout.includes(text) || caller.client.end);
        await second.send('retry: 0\n\n');
        const third = await waits(0, '2', () => second.end(), {
          cause: 'The server sent retry: 600000 and then retry: 0, but your client did not come back immediately.',
          advice:
            'Let each field retry replace the earlier one, also if it is smaller. Write ?? before place.retry: `||` ignores a 0.',
        });
        if (excess < 300) return;
        // The machine is slow, or this client has a wait of its own. A longer wait tells.
        const longer = Math.ceil(4 * excess);
        await third.send(`retry: ${longer}\n\n`);
        const fourth = await waits(longer, '2', () => third.breakOff());
        await fourth.send(': nothing new\n\n');
        await waits(longer, '2', () => fourth.end());
      },
    );

    requirement(
      'If the response arrives after a break, the client prints the result and exits with code 0. It sends no further `GET` with `Last-Event-ID`, even if the connection stays open or breaks off.',
      async () => {
        const cases = (['end', 'breakOff', 'open'] as const).map((how) => ({ how, one: word(), two: word() }));
        const leaves =
          'Return from the loop over the messages when the response has arrived. Only a stream without the response has to be resumed.';
        await together(cases, async ({ how, one, two }) => {
          const caller = await upToCall();
          const { backs, call, client } = caller;
          await call.stream(prime('1'), withId('2', logMessage('info', one)));
          call.breakOff();
          const back = begin(await nextBack(caller, 1, '2'));
          await back.send(withId('3', call.result(textResult(two))));
          if (how !== 'open') back[how]();
          await client.endsWell(answeredAgain, leaves, leaves);
          await client.prints([`NOTIFICATION: info ${one}`, `RESULT: ${two}`], {
            cause: 'Your client did not print the result that came after the break.',
            advice: 'Return the response from whichever connection it comes on.',
            otherwise: 'Your client did not print each message exactly once.',
          });
          expect(backs.length === 1, {
            cause: 'Your client has the response of its call, but it came back for more.',
            compare: { expected: '1 GET', received: `${backs.length} GETs` },
            advice: leaves,
          });
        });
      },
    );

    requirement(
      'If a stream stops before the response, and its events have no `id`, the client exits with code 5 instead of coming back.',
      async () => {
        const cases = (['end', 'breakOff'] as const).map((how) => ({ how, one: word(), ids: false }));
        /** A handshake that is answered with an event stream, whose event has an id. */
        const withIds = async (script: Script) => {
          const initialize = await script.next('initialize');
          await initialize.stream(withId(word(), initialize.result(script.initializeResult())));
          initialize.end();
          (await script.next('notifications/initialized')).accept();
        };
        const judge = async ({ how, one, ids }: (typeof cases)[number]) => {
          const { backs, call, client } = await (ids ? upToCall({}, withIds) : upToCall());
          await call.stream('retry: 5\n\n', eventOf(logMessage('info', one)));
          call[how]();
          const moved = () => client.end ?? client.verdict ?? backs.length > 0;
          await until(moved, workMs);
          expect(backs.length === 0, {
            cause: `No event of the stream had an id, but your client came back${ids ? ' with the id of a different stream, the answer to initialize' : ''}.`,
            advice: ids
              ? 'Make a new place for each request with newPlace(). A variable outside of request is shared by all requests.'
              : 'Come back only if there is an id. Without an id, the server does not know which stream is meant.',
          });
          const advice = 'Call fail with exit code 5 if the stream has stopped and there is no id, as in lesson 12.';
          await client.fails({
            withFail: true,
            code: 5,
            about: 'a stream without ids that stops',
            printed: [`NOTIFICATION: info ${one}`],
            advice,
            otherCode: advice,
          });
        };
        await together(cases, judge);
        await random.aside(() => judge({ how: 'end', one: word(), ids: true }));
      },
    );

    requirement(
      'If the server answers a `GET` with `Last-Event-ID` with a status other than 2xx, the client prints one line that contains this status and exits with code 3.',
      async () => {
        const statuses = random.shuffled([400, 405, 409, 410, 500, 503]).slice(0, 2);
        const advice =
          'Check response.ok for this GET too, and call fail with exit code 3: the server cannot or does not want to continue this stream.';
        await together(statuses, async (status) => {
          const caller = await upToCall();
          const { backs, call, client } = caller;
          await call.stream(prime('1'));
          call.end();
          const back = await nextBack(caller, 1, '1');
          note('←', String(status));
          back.response.writeHead(status, { 'content-type': 'application/json' });
          await back.send(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no' } }));
          back.end();
          const moved = () => client.end ?? client.verdict ?? backs.length > 1;
          await until(moved, workMs);
          expect(backs.length === 1, {
            cause: `The server answered with status ${status}, but your client came back again.`,
            advice,
          });
          await client.fails({
            withFail: true,
            code: 3,
            about: `status ${status}`,
            has: [status],
            hasName: 'the status',
            advice,
            otherCode: advice,
          });
        });
      },
    );

    requirement(
      'If the response has not arrived `TIME_LIMIT` milliseconds after the call, the client exits with code 6. The waits and the later connections count, also a wait that is longer than a timer can hold.',
      async () => {
        const advice =
          'Make one signal for the whole call with AbortSignal.timeout(timeLimit), and give it to the POST, to sleep and to each GET.';
        const shortest = () => Math.min(5000, Math.max(300, toCall < Infinity ? 4 * toCall : 0));
        type Case = { about: string; judge(caller: Caller, limit: number): Promise<void> };
        const cases: Case[] = [
          {
            about: 'a retry that no timer can hold',
            async judge({ backs, call, client }) {
              await call.stream(prime('1', 99_999_999_999));
              call.end();
              await until(() => client.end ?? backs.length > 0, workMs);
              expect(backs.length === 0, {
                cause: 'The field retry says 99999999999, but your client came back immediately.',
                advice:
                  'Limit the wait with Math.min: a timer holds at most 2147483647 ms, and Node makes 1 ms of a greater number.',
              });
            },
          },
          {
            about: 'a resumed stream that stays silent',
            async judge(caller) {
              await caller.call.stream(prime('1'));
              caller.call.end();
              begin(await nextBack(caller, 1, '1'));
            },
          },
          {
            about: 'connections that each end without the response',
            async judge(caller, limit) {
              await caller.call.stream(prime('1', Math.ceil(limit / 5)));
              caller.call.end();
              const { backs, client } = caller;
              // So many waits take three times as long as the limit.
              for (let count = 1; count <= 15 && !client.end; count++) {
                await until(() => client.end ?? backs.length >= count, 2 * limit + workMs);
                if (backs.length < count) return;
                begin(backs[count - 1]!).end();
              }
              expect(client.end, {
                cause: 'One connection after the other ended without the response, but your client never gave up.',
                advice,
              });
            },
          },
        ];
        await together(cases, ({ about, judge }) =>
          underTimeLimit(
            shortest(),
            (limit) => upToCall({ env: { TIME_LIMIT: String(limit) } }),
            async (caller, limit) => {
              await judge(caller, limit);
              await until(() => caller.client.end, limit);
              const running = `TIME_LIMIT milliseconds have passed since the call, but your client is still running after ${about}.`;
              await expectEnd(run, caller.client, running, advice);
              const otherCode =
                'Look for an AbortError, and call fail with exit code 6: notSent does this for an error of sleep and of fetch.';
              await caller.client.fails({ withFail: true, code: 6, about, advice, otherCode, codeOne: otherCode });
            },
          ),
        );
      },
    );

    requirement(
      'If the connection to your server is cut three times, the client prints each notification exactly once and in order, and then the result.',
      async () => {
        const { program } = await start();
        const [first, ...others] = cuts({ events: 1 });
        const relay = await startCuttingRelay(server, [{ ...first!, end: true }, ...others], isOfCall);
        const text = word();
        const client = judgedClient(run, startClientWith({}, `${relay}/mcp`, text));
        await until(() => {
          release(program);
          return client.end ?? client.verdict;
        }, 2 * workMs);
        const lines = documents.map(
          (_document, i) => `NOTIFICATION: info Processing file ${i + 1}/${documents.length}...`,
        );
        await expectEnd(run, client, 'Your server has answered the call, but your client is still running.');
        // What the stand-alone stream brings has its own order.
        const own = client.stdout.replaceAll('\r\n', '\n').replace(/^NOTIFICATION: notifications\/.*\n/gm, '');
        const wanted = [...lines, `RESULT: Done: ${text}`].map((line) => `${line}\n`).join('');
        expect(own === wanted, {
          cause: 'The connection was cut three times, but your client did not print each message exactly once.',
          compare: { expected: visible(wanted), received: visible(own) || '(nothing)' },
          ...lastWords(client),
          advice: 'Send back the id of the last complete event, and print each message when it arrives.',
        });
        await client.endsWell(answeredAgain, 'End with exit code 0 when the response has arrived.');
      },
    );
  });
});
