import { EventSource } from 'eventsource';
import type { Program } from '../harness/programs/program.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { checkComplaint, expectEnd, lastWords, notCrashed } from '../harness/vocabulary/command-line.ts';
import { parseStream } from '../harness/vocabulary/event-stream.ts';
import { curl, expectHeader, expectStatus, release, workMs } from '../harness/vocabulary/http.ts';
import {
  eventsOf,
  expectEach,
  framings,
  listed,
  neverMs,
  reportClient,
  reportServer,
  shown,
  type ReportEvent,
  type Reading,
} from '../harness/vocabulary/reports.ts';
import { startCuttingRelay } from '../harness/wire/cutting-relay.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { utf8Header, type Call } from '../harness/wire/grader-server.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { atEnd, changed, expectSoon, missing, note, random, requirement, task, until } = run;

  /** Milliseconds that the learner's server asks its clients to wait. */
  const retry = 20;
  /** The longest time in milliseconds that a timer can hold. */
  const longestWait = 2 ** 31 - 1;

  /** Answers every task; its quiet interval is never over. */
  let server: Server;
  const reports = reportServer(
    run,
    async () => (server ??= await run.startServer({ QUIET_INTERVAL: String(neverMs), RETRY: String(retry) })),
  );
  const { get, post, nextStep, finish, expectStream, expectEvents, expectGivenUp } = reports;
  const { expectNoTimer, expectNoListener, expectNoError } = reports;
  const client = reportClient(run);
  const { startReader, begin, send, openStream, openStreamUnder, underIdleLimit, output, slowest } = client;
  const { expectPrinted, endsAfter, expectSuccess, givesUp, expectInterrupted } = client;

  const report = (steps: number) => `/report?steps=${steps}`;
  const idsOf = (events: ReportEvent[]) => events.map(({ id }) => id ?? '(none)').join(', ') || '(no event)';

  task({ number: 1, title: 'Continue after the last event', file: 'server.ts' }, () => {
    const from = (lastEventId: string) => ({ headers: { 'Last-Event-ID': lastEventId } });
    const seeFrom = (stream: Exchange, lastEventId: string) =>
      stream.name.startsWith('POST')
        ? {}
        : { see: `curl -i -N -H "Last-Event-ID: ${lastEventId}" "http://127.0.0.1:3000${stream.name.slice(4)}"` };

    requirement(
      'Every stream begins with the field `retry` and the number in the environment variable `RETRY`, also a stream that continues after `Last-Event-ID`.',
      async () => {
        await reports.start();
        const steps = random.integer(3, 5);
        for (const [ask, seen] of [
          [get, undefined],
          [get, '1'],
          [post, String(steps)],
        ] as const) {
          const stream = ask(steps, undefined, seen === undefined ? {} : from(seen));
          await finish(stream);
          if (seen === undefined && stream.status !== 200) {
            expectStatus(stream, 200, {
              cause: `This request has no header Last-Event-ID, but your server answered with status ${stream.status}.`,
              advice:
                'Check an id only if the header is there, and otherwise begin with step 1. Without the header, request.get returns undefined, and Number(undefined) is NaN.',
              ...curl(stream),
            });
          }
          expectStream(stream);
          const begun = parseStream(stream);
          const what = seen === undefined ? 'the stream' : `the stream that continues after Last-Event-ID: ${seen}`;
          const written = /^retry:? ?(.*)$/m.exec(stream.text)?.[1]?.trim();
          const received = visible(stream.text.split(/\r\n\r\n|\n\n|\r\r/)[0]!.slice(0, 50));
          const compare = { expected: `retry: ${retry}\\n`, received };
          expectEach(seen === undefined ? curl(stream) : seeFrom(stream, seen), [
            [
              written !== undefined,
              `Your server began ${what} without the field retry.`,
              'Write the line retry: and the number before the first event of every stream. Without it, a client decides itself how long it waits.',
              compare,
            ],
            [
              begun.retry !== undefined,
              `The field retry of ${what} has the value ${visible(written ?? '')}, but clients ignore a value that is not all digits.`,
              'Write the number of milliseconds in digits, without a unit and without a point.',
              compare,
            ],
            [
              begun.begins,
              `Your server sent the field retry of ${what} after an event, so a stream that breaks off earlier lacks it.`,
              'Write the field retry before the first event.',
              compare,
            ],
            [
              begun.retry === retry,
              `The field retry of ${what} has the wrong number.`,
              'Take the number from the environment variable RETRY, which is in milliseconds. The starter has it as the constant retry.',
              { expected: `retry: ${retry}`, received: `retry: ${begun.retry}` },
            ],
          ]);
        }
      },
    );

    requirement(
      'The steps have the ids `1`, `2` and so on, and the event `done` has the next number as its id. An event `error` has no id.',
      async () => {
        await reports.start();
        const steps = random.integer(10, 12);
        for (const ask of [get, post]) {
          const stream = ask(steps);
          await finish(stream);
          expectEvents(stream, eventsOf(steps));
          expectIds(stream, eventsOf(steps));
        }
        const failing = get(steps, undefined, { failsOnPurpose: true });
        (await nextStep(failing)).release();
        (await nextStep(failing)).fail('the work failed on purpose');
        await finish(failing);
        expectStream(failing);
        const error = parseStream(failing).events.at(-1);
        expect(error?.type === 'error', {
          cause: 'The work failed in step 2, but your server did not send the event error as its last event.',
          compare: { expected: 'error: …', received: listed(parseStream(failing).events) },
          advice: 'Keep what lesson 5 has built: catch the error, send the event error, and end the response.',
        });
        expect(error?.id === undefined, {
          cause: 'Your server sent the event error with an id. A client that continues there loses the failed step.',
          compare: { expected: '(no id)', received: `id: ${error?.id}` },
          advice: 'Send the event error without an id. Then a client that asks again gets the failed step.',
        });
      },
    );

    function expectIds(stream: Exchange, wanted: ReportEvent[], see: { see?: string } = reports.seeIt(stream)): void {
      const { events } = parseStream(stream);
      const shifted = events[0]?.id === '1' && wanted[0]?.id !== '1';
      expect(idsOf(events) === idsOf(wanted), {
        cause: shifted
          ? 'Your server counts the ids from 1 again in each connection, so the next break loses or repeats events.'
          : events.every(({ id }) => id === undefined)
            ? 'Your server sent the events without ids.'
            : 'Your server sent the events with the wrong ids.',
        compare: { expected: idsOf(wanted), received: idsOf(events) },
        advice: shifted
          ? 'Use the number of the step as its id, in every connection: an id is a place in the report.'
          : 'Write the field id inside its event, before the blank line: the number of the step, and for done the next number.',
        ...see,
      });
    }

    requirement(
      'If `Last-Event-ID` is the id of a step, the server sends exactly the events after this step, with the same ids as before, and does the work of the later steps only.',
      async () => {
        await reports.start();
        const steps = random.integer(12, 14);
        for (const [ask, seen] of [
          [get, random.integer(2, 8)],
          [get, 9],
          [get, 10],
          [get, steps - 1],
          [get, steps],
          [post, random.integer(2, 8)],
        ] as const) {
          const id = String(seen);
          const stream = ask(steps, undefined, from(id));
          const see = seeFrom(stream, id);
          const worked = await finish(stream);
          expectStatus(stream, 200, {
            cause: `A report of ${steps} steps has an event ${seen}, but your server answered Last-Event-ID: ${seen} with status ${stream.status}.`,
            advice:
              'Make a number of the whole header, and refuse it only if it is less than 1 or greater than the id of done.',
            ...see,
          });
          expectStream(stream, see);
          const wanted = eventsOf(steps, seen);
          const { events } = parseStream(stream);
          const [first] = events;
          const after = `after the client had seen event ${seen}`;
          const compare = { expected: listed(wanted), received: listed(events) };
          expectEach(see, [
            [
              first?.data !== eventsOf(steps)[0]!.data,
              `Your server sent the report from its beginning ${after}.`,
              ask === post
                ? 'Read Last-Event-ID for a POST request, too: the same handler answers GET and POST.'
                : "Read request.get('Last-Event-ID'). It is the id of the last event that the client has seen: a string, or undefined for a new client.",
              compare,
            ],
            [
              first?.data !== eventsOf(steps)[seen - 1]!.data,
              `Your server sent event ${seen} again ${after}.`,
              'Begin with the event after the one that Last-Event-ID names, because the client has that one.',
              compare,
            ],
            [
              events.length > 0 && (events.length >= wanted.length || first!.data === wanted[0]!.data),
              `Your server left out event ${seen + 1} ${after}.`,
              "Make a number of the header before you calculate with it or compare it. A header is a string: '3' + 1 is '31', and '9' is greater than '10'.",
              compare,
            ],
          ]);
          expectEvents(
            stream,
            wanted,
            "Send the events after Last-Event-ID in their order, then done. Make a number of the header before you compare it: as strings, '9' is greater than '10'.",
            see,
          );
          expectIds(stream, wanted, see);
          expect(worked <= steps - seen, {
            cause: `Your server did the work of ${worked} steps ${after}, but only ${steps - seen} steps were missing.`,
            advice:
              'Begin the loop at the first missing step, instead of skipping events whose work has been done again.',
            ...see,
          });
        }
        await resumedAtTheSameTime();
      },
    );

    /** Two clients resume the same report, and the second one comes while the server works for the first. */
    async function resumedAtTheSameTime(): Promise<void> {
      const steps = 6; // no other stream has had events of so many: a server may have kept those
      const streams = [];
      for (const [who, seen] of [
        ['A', 1],
        ['B', 3],
      ] as const) {
        const stream = get(steps, who, from(String(seen)));
        await nextStep(stream, streams.length);
        streams.push({ stream, seen });
      }
      for (const { stream, seen } of streams) {
        await finish(stream);
        expectStream(stream);
        const listOf = (events: ReportEvent[]) => [
          ...events.map((event) => `id ${event.id}, ${shown(event)}`),
          '(end of the response)',
        ];
        const [wanted, sent] = [listOf(eventsOf(steps, seen)), listOf(parseStream(stream).events)];
        const wrong = wanted.findIndex((event, i) => event !== sent[i]);
        expect(wrong === -1, {
          cause: `Two clients read at the same time, and your server sent the wrong events or ids to the client that had seen event ${seen}.`,
          compare: { expected: wanted[wrong] ?? '', received: sent[wrong] ?? '' },
          advice:
            'Declare the step, the id and everything else that belongs to one stream inside the handler. All streams share a variable at the top level.',
        });
      }
    }

    /** What the server answers to a client that has seen this event. */
    async function answerTo(steps: number, id: string, ask = get) {
      const stream = ask(steps, undefined, from(id));
      await finish(stream);
      return { stream, see: seeFrom(stream, id) };
    }

    requirement(
      'If `Last-Event-ID` is the id of `done`, the server answers with status 204, which means that there is nothing more to send.',
      async () => {
        await reports.start();
        for (const ask of [get, post]) {
          const steps = random.integer(3, 6);
          const { stream, see } = await answerTo(steps, String(steps + 1), ask);
          expectStatus(stream, 204, {
            cause: `The client has seen done, but your server answered with status ${stream.status}.`,
            advice:
              'Answer 204 and end the response when Last-Event-ID is the id of done. An EventSource connects again whenever a stream ends, and it stops only if the status is not 200.',
            ...see,
          });
        }
      },
    );

    requirement(
      'If `Last-Event-ID` is not a whole number, is less than 1, or is greater than the id of `done`, the server answers with status 400 instead of a stream.',
      async () => {
        await reports.start();
        // Few steps, so that the capture shows the request whose answer is wrong.
        const steps = random.integer(2, 3);
        const whole = 'Check with Number.isInteger that the id is a whole number';
        for (const [id, advice] of [
          [random.words(1)[0]!, `${whole}. Number makes NaN of other texts, and every comparison with NaN is false.`],
          [
            `${random.integer(1, steps)}x`,
            `${whole}. parseInt reads the digits at the beginning and ignores the rest.`,
          ],
          ['1.5', `${whole}.`],
          ['NaN', `${whole}. Every comparison with NaN is false.`],
          ['0', 'Refuse an id that is less than 1: the ids of a report begin with 1.'],
          ['-1', 'Refuse an id that is less than 1: the ids of a report begin with 1.'],
          [String(steps + 2), 'Refuse an id that is greater than the id of done: it belongs to a different report.'],
          [String(steps + random.integer(3, 90)), 'Refuse an id that is greater than the id of done.'],
          ['1e999', 'Refuse an id that is greater than the id of done. Number makes Infinity of this id.'],
        ] as const) {
          const { stream, see } = await answerTo(steps, id, id === '1e999' ? post : get);
          expectStatus(stream, 400, {
            cause: `A report of ${steps} steps has no event ${id}, but your server answered with status ${stream.status}.`,
            advice,
            ...see,
          });
          expectHeader(stream, 'Content-Type', (type) => !/event-stream/.test(type), '(not text/event-stream)', {
            cause: `Your server refused the id ${id}, but it sent this answer as an event stream.`,
            advice: 'Refuse an id before you set the headers of the stream.',
            ...see,
          });
        }
      },
    );

    requirement(
      'After status 204 or 400, and after the client of a resumed stream has left, all work and all timers of this request are over. The server prints no error.',
      async () => {
        const { program } = await reports.start();
        await program.caughtUp();
        const before = program.timers;
        const listeners = program.listeners;
        const printed = program.stderr.length;
        // No report before had so many steps: a server may have kept the events of those.
        const steps = random.integer(7, 9);
        for (const [id, status] of [
          [String(steps + 1), 204],
          ['-1', 400],
        ] as const) {
          await answerTo(steps, id);
          await program.caughtUp();
          expect(program.held.length === 0, {
            cause: `Your server answered with status ${status}, but then it began ${program.held[0]?.label}.`,
            advice: 'Return from the handler after this answer.',
          });
          expectNoError(
            printed,
            `it had answered with status ${status}`,
            'Return from the handler after this answer. Otherwise the rest of the handler sets headers that have already been sent.',
          );
          await expectNoTimer(
            before,
            `after it has answered with status ${status}`,
            'Look at Last-Event-ID before you start the timer of the comments.',
          );
        }
        const leaves = get(steps, 'leaves', from('1'));
        (await nextStep(leaves)).release();
        const held = await nextStep(leaves);
        leaves.close();
        await expectGivenUp(held);
        await expectNoTimer(before, 'after the client of a resumed stream has left');
        await expectNoListener(listeners, 'after the client of a resumed stream has left');
        expectNoError(printed, 'a client had left', 'Catch the AbortError with which work rejects, and print nothing.');
      },
    );

    requirement(
      'If the connection of a standard `EventSource` is cut three times, it receives every event of the server exactly once, and status 204 then stops it.',
      async () => {
        await reports.start();
        const steps = random.integer(11, 13);
        const events: string[] = [];
        const source = new EventSource(`${await startCuttingRelay(server, cuts())}${report(steps)}`);
        atEnd(() => source.close());
        for (const type of ['step', 'done', 'error']) {
          source.addEventListener(type, (event) => {
            if (event instanceof MessageEvent) events.push(shown({ type, data: event.data }));
            changed();
          });
        }
        const stopped = () => source.readyState === source.CLOSED;
        await releaseSteps(() => events.length, stopped);
        expectOnce(events, eventsOf(steps).map(shown), 'A standard EventSource');
        expect(stopped(), {
          cause: 'A standard EventSource has received every event of your server, but it connects again and again.',
          advice: 'Answer 204 when Last-Event-ID is the id of done: this status stops an EventSource.',
        });
      },
    );
  });

  /** Three cuts at any places. */
  const cuts = () =>
    Array.from({ length: 3 }, () => ({
      events: random.integer(1, 2),
      bytes: random.integer(0, 30),
      end: random.integer(0, 2) === 0,
    }));

  /** What has just come back; the milliseconds that its client has waited, and how many of them it should have waited. */
  type Again = Reading & { took: number; wait: number };

  const keeps =
    'Keep the id of the last event that had one: an event without an id, and a connection without events, do not change it. Begin the id of each new event reader with lastEventId.';
  const keepsRetry =
    'Keep the last retry for the later connections: a connection without this field does not change it.';
  const forgets =
    'Forget the id of an event that was cut: make a new eventReader for each connection, and declare its variable id inside it, so that it begins with lastEventId.';
  const atBlankLine = 'Keep an id only when the blank line of its event has arrived. The event of this id was cut.';

  task({ number: 2, title: 'Keep the place and come back', file: 'client.ts' }, () => {
    requirement(
      'If a stream ends or breaks off before `done`, and the client has an id, the client waits for `retry` milliseconds and sends the request again, after the first break and after every later one.',
      async () => {
        const [one, two, x] = random.words(3);
        const stream = await openStream();
        await send(stream.call, `event: step\nid: ${x}\ndata: ${one}\n\n`);
        // A wait that a client does not reach by being slow, but shorter than the second for which clients wait by default.
        const wait = Math.ceil(Math.min(500, Math.max(100, 10 * slowest())));
        await send(stream.call, `retry: ${wait}\n\n`);
        const second = await comesBack(stream, 'breakOff', wait, x!);
        await send(begin(second.call), `data: ${two}\n\n`);
        const third = await comesBack(second, 'end', wait, x!, keeps, keepsRetry);
        begin(third.call);
        const fourth = await comesBack(third, 'breakOff', wait, x!, keeps, keepsRetry);
        begin(fourth.call);
        const fifth = await comesBack(fourth, 'end', wait, x!, keeps, keepsRetry);
        expectPrinted(stream.client, `step: ${one}\nmessage: ${two}\n`);
        await waitsForRetry(fifth, [second, third, fourth, fifth], x!);
        await comesBackEachTime(x!);
      },
    );

    /** The connection breaks off more often than a counter of attempts would allow. */
    async function comesBackEachTime(id: string): Promise<void> {
      let reading = await openStream();
      await send(reading.call, `retry: 5\n\nid: ${id}\ndata: ${id}\n\n`);
      for (let breaks = 0; breaks < 12; breaks++) {
        reading = await comesBack(reading, 'breakOff', 5, id, 'Read again after every break, and count no attempts.');
        begin(reading.call);
      }
      reading.client.stop();
    }

    requirement(
      'Every request has the header `Accept: text/event-stream`. After a break, the header `Last-Event-ID` has the id of the last complete event, encoded as UTF-8.',
      async () => {
        const [one, x, y] = random.words(3);
        let reading = await openStream();
        const first = reading.call;
        expectAccept(first, 'The first request');
        expect(first.request.headers['last-event-id'] === undefined, {
          cause: 'Your client sent the header Last-Event-ID with its first request, but it had not seen an event yet.',
          compare: {
            expected: '(no Last-Event-ID)',
            received: `Last-Event-ID: ${first.request.headers['last-event-id']}`,
          },
          advice: 'Add the header only if there is an id.',
        });
        await send(first, `retry: 5\n\n`);
        for (const id of [x!, '007', `${y} ${x}`, `"${y}": a=b`, 'Zürich', 'шаг-3', '第三步', '🧩']) {
          await send(reading.call, `id: ${id}\ndata: ${one}\n\n`);
          reading = await comesBack(
            reading,
            'breakOff',
            5,
            id,
            /^[\x20-\x7e]*$/.test(id)
              ? 'Send the id exactly as it came: it is an arbitrary string, also when it looks like a number.'
              : "Encode the id as UTF-8. fetch takes one character for each byte of a header: Buffer.from(id, 'utf8').toString('latin1').",
          );
          expectAccept(reading.call, 'The request after a break');
          begin(reading.call);
        }
        await send(reading.call, `data: ${one}\n\n`);
        await comesBack(
          reading,
          'breakOff',
          5,
          '🧩',
          'Keep the id as it came, and encode it only when you write the header. Otherwise each further connection encodes it again.',
        );
      },
    );

    requirement(
      'The client keeps an id when the blank line of its event has arrived. The kept id stays the same after an event that has only data, after a connection that has only comments, and after an id with a null character.',
      async () => {
        const [one, x, y, z] = random.words(4);
        const stream = await openStream();
        await send(stream.call, `retry: 5\n\nid: ${x}\ndata: ${one}\n\nid: ${y}\ndata: ${one}\n`);
        const second = await comesBack(stream, 'breakOff', 5, x!, atBlankLine);
        await send(begin(second.call), `data: ${one}\n\n`);
        const again = await comesBack(second, 'breakOff', 5, x!, forgets);
        await send(begin(again.call), `data: ${one}\nid: ${y}\n\ndata: ${one}\n\n`);
        const third = await comesBack(again, 'end', 5, y!, keeps);
        await send(begin(third.call), ': a comment\n\n');
        const fourth = await comesBack(third, 'breakOff', 5, y!, keeps);
        await send(begin(fourth.call), `id: ${z}\0${x}\ndata: ${one}\n\n`);
        await comesBack(
          fourth,
          'breakOff',
          5,
          y!,
          "Ignore an id that has a null character: value.includes('\\0'). A header cannot carry it.",
        );
        await emptyId(y!);
      },
    );

    /** An empty id takes the kept one away: a client may then end, or ask without an id as an EventSource does. */
    async function emptyId(id: string): Promise<void> {
      const { site, client, call } = await openStream();
      await send(call, `retry: 5\n\nid: ${id}\ndata: ${id}\n\nid:\ndata: ${id}\n\n`);
      call.breakOff();
      await until(() => site.waiting > 0 || client.end || client.verdict);
      notCrashed(client, 'when the stream was over');
      const sent = site.waiting > 0 && (await site.call(client)).request.headers['last-event-id'];
      expect(!sent, {
        cause: 'The last event had an empty id, but your client sent the id of an earlier event.',
        compare: { expected: '(no Last-Event-ID)', received: `Last-Event-ID: ${sent}` },
        advice: 'Keep an empty id, too: it replaces the id that you have kept. Then there is no id any more.',
      });
      client.stop();
    }

    requirement(
      'A field `retry` counts as soon as its line is complete, also for later breaks. The client ignores a value that is not all digits, and limits a value that is greater than a timer can hold.',
      async () => {
        const [word, x] = random.words(2);
        // Waits that a client does not reach by being slow.
        const unit = Math.ceil(Math.max(25, 3 * slowest()));
        const [first, cut, last] = [4 * unit, 6 * unit, 4 * unit];
        const stream = await openStream();
        // What is no number is ignored; the first wait says how long this machine takes for a short one.
        await send(stream.call, `retry: ${first}\nretry: ${word}\nretry: 5s\nretry: -7\nretry:\n\n`);
        await send(stream.call, `retry: 1.5\nretry: 1e1\nretry:  1\n\nid: ${x}\ndata: ${word}\n\n`);
        const second = await comesBack(
          stream,
          'breakOff',
          first,
          x!,
          undefined,
          'Wait for as many milliseconds as the last field retry says. Ignore a value that has anything but digits: test it with /^\\d+$/, because Number also reads 1.5, 1e1 and spaces.',
        );
        // Cut right after the field, whose event is not complete.
        await send(begin(second.call), `retry: ${cut}\n`);
        const third = await comesBack(
          second,
          'breakOff',
          cut,
          x!,
          undefined,
          'Use each field retry as soon as its line is complete, and before the event is complete. It replaces the field that came before, also when that came in an earlier connection.',
        );
        // A second one, and a cut in the middle of a third.
        await send(begin(third.call), `retry: 10\nretry: ${last}\n\nretry: 1`);
        const fourth = await comesBack(
          third,
          'end',
          last,
          x!,
          undefined,
          'Use the last field retry whose line is complete, also when an earlier one has come. Make a new reader for each connection, so that half a line is forgotten.',
        );
        // A connection without one.
        await send(begin(fourth.call), `data: ${word}\n\n`);
        const fifth = await comesBack(fourth, 'breakOff', last, x!, undefined, keepsRetry);
        await waitsForRetry(fifth, [second, third, fourth, fifth], x!);

        const none = await openStream();
        await send(none.call, `retry: ${neverMs}\nretry: 0\n\nid: ${x}\ndata: ${word}\n\n`);
        await comesBack(none, 'breakOff', 0, x!);

        for (const value of ['99999999999', String(longestWait + 1)]) {
          const reading = await openStream();
          await send(reading.call, `retry: 5\nretry: ${value}\n\nid: ${x}\ndata: ${word}\n\n`);
          note('·', '(the client should wait for weeks)');
          reading.call.breakOff();
          for (let turns = 0; turns < 10; turns++) await reading.client.caughtUp();
          await until(() => reading.site.waiting > 0 || reading.client.end, 50);
          notCrashed(reading.client, 'when the stream was over');
          expect(!reading.client.end, {
            cause: `Your client ended after the field retry: ${value}, instead of waiting.`,
            ...lastWords(reading.client),
            advice: 'Use the greatest time that a timer can hold: Math.min(value, 2 ** 31 - 1).',
          });
          expect(reading.site.waiting === 0, {
            cause: `Your client did not wait for weeks after the field retry: ${value}. A timer cannot hold this number, and is over immediately.`,
            advice: 'Do not ignore this number, but limit it to what a timer can hold: Math.min(value, 2 ** 31 - 1).',
          });
          reading.client.stop();
        }
      },
    );

    requirement(
      'At a break, the client discards the unfinished event. In every connection, its event reader still follows the rules of lesson 3.',
      async () => {
        const [one, two, three, x] = random.words(4);
        let reading = await openStream();
        let printed = '';
        await send(reading.call, 'retry: 5\n\n');
        for (const [i, { name, write }] of framings.entries()) {
          note('·', `(${name})`);
          const id = `${x}-${name.length}`;
          const text = write(
            `event: step\nid: ${id}\ndata: ${one}\ndata: ${two}\n\ndata: ${two}\n\nevent: step\ndata: ${three}\n`,
          );
          // Cut in the middle of lines, and between \r and \n; in one piece where lines end in \r alone.
          const at = name.endsWith('\\r') ? [] : [...text.matchAll(/\r|:/g)].map((match) => match.index + 1);
          for (const piece of random.cut(Buffer.from(text), 1, at)) await send(reading.call, piece);
          // Cut in the middle of a character as well.
          await send(reading.call, Buffer.from('data: 🧩').subarray(0, -2));
          printed += `step: ${one}\n${two}\nmessage: ${two}\n`;
          const how = i % 2 === 0 ? 'breakOff' : 'end';
          reading = await comesBack(reading, how, 5, id, `Keep the rules of lesson 3 for ${name}.`);
          expectPrinted(
            reading.client,
            printed,
            `Discard what is not complete when a stream is over: make a new event reader and a new TextDecoder for each connection. Keep the rules of lesson 3 for ${name}.`,
          );
          begin(reading.call);
        }
      },
    );

    function expectAccept({ request }: Call, which: string): void {
      const received = request.headers.accept;
      expect(/(^|[\s,])text\/event-stream\s*($|[,;])/i.test(received ?? ''), {
        cause: `${which} of your client has no header Accept with text/event-stream.`,
        compare: {
          expected: 'Accept: text/event-stream',
          received: received === undefined ? '(no Accept)' : `Accept: ${received}`,
        },
        advice: 'Send both headers: add Last-Event-ID to the headers that the starter has, and do not replace them.',
      });
    }

    /**
     * A client that waits much longer than it should has a wait of its own, or the machine is slow. A much longer wait
     * tells, and after it a connection that has no `retry` of its own.
     */
    async function waitsForRetry(last: Again, all: readonly Again[], id: string): Promise<void> {
      const latest = all.reduce((most, again) => (again.took - again.wait > most.took - most.wait ? again : most));
      if (latest.took - latest.wait < 300) return;
      const longer = Math.ceil(4 * latest.took);
      await send(begin(last.call), `retry: ${longer}\n\n`);
      const next = await comesBack(last, 'breakOff', longer, id, keeps);
      begin(next.call);
      await comesBack(next, 'end', longer, id, keeps, keepsRetry);
    }
  });

  task({ number: 3, title: 'Know when to stop', file: 'client.ts' }, () => {
    const leave =
      'Leave the loop that reads the stream when this event has arrived, and clear your timers. A return inside for await closes the connection.';

    requirement(
      'After the event `done`, the client exits with code 0 and sends no further request, even if the server keeps the connection open or breaks it off.',
      async () => {
        for (const how of ['end', 'breakOff', 'open'] as const) {
          const reading = await comeBackOnce();
          const what = `the event done${how === 'end' ? '' : how === 'open' ? ', behind which the connection stayed open' : ', behind which the connection broke off'}`;
          await send(begin(reading.call), 'event: done\nid: 2\ndata: 1 steps\n\n');
          if (how === 'open') note('·', '(the connection stays open)');
          else reading.call[how]();
          await endsAfter(reading, what, leave);
          expectPrinted(reading.client, 'message: one\ndone: 1 steps\n');
          expectSuccess(reading.client, what, how === 'end' ? undefined : leave);
        }
      },
    );

    requirement(
      'After an event `error`, the client sends no further request, prints one line on standard error, and exits with code 1.',
      async () => {
        for (const how of ['end', 'open'] as const) {
          const reading = await comeBackOnce();
          await send(begin(reading.call), 'event: error\ndata: sorry\n\n');
          if (how === 'open') note('·', '(the connection stays open)');
          else reading.call.end();
          await endsAfter(reading, 'the event error', leave);
          checkComplaint(reading.client, 'the event error', { silent: 'Write one line with console.error.' });
        }
      },
    );

    requirement(
      'If a stream ends or breaks off before `done`, and the client has no id, the client prints one line on standard error and exits with code 1.',
      async () => {
        for (const how of ['end', 'breakOff'] as const) {
          const reading = await openStream();
          const what = `a stream without an id that ${how === 'end' ? 'ended' : 'broke off'} before done`;
          await send(reading.call, 'retry: 5\n\ndata: one\n\n');
          reading.call[how]();
          await endsAfter(reading, what);
          checkComplaint(reading.client, what, {
            silent: 'Throw an error if the stream is over and there is neither done nor an id, and print its message.',
          });
        }
      },
    );

    requirement('If the server answers a later request with status 204, the client exits with code 0.', async () => {
      const reading = await comeBackOnce();
      note('←', '204');
      reading.call.response.writeHead(204);
      reading.call.end();
      await endsAfter(reading, 'an answer of 204');
      expectSuccess(
        reading.client,
        'an answer of 204',
        'Handle status 204 before you look at the Content-Type: it means that there is nothing more to read, so the report is complete.',
      );
    });

    requirement(
      'If the server answers a later request with an error status, or with a `Content-Type` other than `text/event-stream`, the client prints one line on standard error and exits with code 1.',
      async () => {
        for (const [status, type] of [
          [400, 'application/json'],
          [404, 'text/html'],
          [503, 'text/event-stream'],
          [200, 'text/html; charset=utf-8'],
        ] as const) {
          const reading = await comeBackOnce();
          const what = status === 200 ? 'an answer with the Content-Type text/html' : `an answer of ${status}`;
          note('←', `${status}  Content-Type: ${type}`);
          reading.call.response.writeHead(status, { 'content-type': type });
          // An answer that nobody should read may also stay open.
          if (status === 503) reading.call.end();
          else await send(reading.call, 'event: done\ndata: no report\n\n');
          await endsAfter(
            reading,
            what,
            'Throw an error for this answer, and abort stop in the catch. A body that nobody reads keeps the client running.',
          );
          expect(output(reading.client) === 'message: one\n', {
            cause: `Your client printed the body of ${what} as events.`,
            compare: { expected: 'message: one\\n', received: visible(output(reading.client)) || '(nothing)' },
            advice: 'Look at the status and at the Content-Type before you read the body.',
          });
          checkComplaint(reading.client, what, {
            silent: 'Throw an error that says so, and print its message with console.error.',
          });
        }
        for (const type of ['Text/Event-Stream; charset=utf-8']) {
          const reading = await comeBackOnce();
          await send(begin(reading.call, type), 'event: done\ndata: 1 steps\n\n');
          reading.call.end();
          await endsAfter(reading, 'the event done');
          expect(reading.client.end?.code === 0, {
            cause: `Your client refused an answer with the Content-Type ${type}.`,
            ...lastWords(reading.client),
            advice: 'Compare the part before the semicolon, and ignore the case of its letters.',
          });
        }
      },
    );

    requirement(
      'While the client waits for `retry`, the idle limit does not run. With each request it starts again: if nothing arrives for `IDLE_LIMIT` milliseconds, the client exits with code 1.',
      async () => {
        await underIdleLimit(async (limit) => {
          const began = performance.now();
          const reading = await openStreamUnder(limit);
          if (!reading) return false;
          const { site, client, call } = reading;
          await call.send(`retry: ${2 * limit}\n\nid: 1\ndata: one\n\n`);
          const since = performance.now();
          call.breakOff();
          await client.caughtUp();
          const slow = performance.now() - began > limit / 2;
          await until(() => client.end ?? client.verdict ?? site.waiting > 0, 2 * limit + promptMs);
          if (client.end && site.waiting === 0) {
            notCrashed(client, 'while it waited to ask again');
            if (slow) return false;
            missing('a request with Last-Event-ID: 1');
            throw new Failure({
              cause: 'Your client gave up while it waited to ask again, because retry was longer than IDLE_LIMIT.',
              advice:
                'Clear the timer of the idle limit before the wait: the client has asked nobody, so nothing can arrive.',
            });
          }
          const second = { ...reading, call: await nextCall(reading, since, 2 * limit, '1') };
          const advice =
            'Start a new timer with each request. A timer that was cleared does not start again, not even with refresh().';
          await givesUp(second, limit, 'after the second request', 'message: one\n', advice);
          return true;
        });
        // Silence in mid-stream, behind an id.
        await underIdleLimit(async (limit) => {
          const began = performance.now();
          const reading = await openStreamUnder(limit);
          if (!reading) return false;
          await call(reading, 'retry: 5\n\nid: 1\ndata: one\n\n');
          if (performance.now() - began > limit / 2) {
            reading.client.stop();
            return false;
          }
          const advice =
            'Call stop.signal.throwIfAborted() where you catch the error of the stream. It throws again if the client itself has given up.';
          await givesUp(reading, limit, 'after an event with an id', 'message: one\n', advice);
          return true;
        });
      },
    );

    const call = (reading: Reading, text: string) => reading.call.send(text);

    requirement(
      'If Ctrl+C comes while the client waits for `retry`, or while it reads a later stream, the client prints one line on standard error and exits immediately with code 130.',
      async () => {
        const reading = await openStream();
        const { site, client } = reading;
        await send(reading.call, `retry: ${neverMs}\n\nid: 1\ndata: one\n\n`);
        reading.call.breakOff();
        // Turns of its event loop: by then the client has seen the break.
        for (let turns = 0; turns < 5; turns++) await client.caughtUp();
        client.interrupt();
        const late = () => {
          missing('the end of the client');
          return {
            cause: 'Ctrl+C did not end your client while it waited to ask again.',
            advice:
              'Pass the signal of stop to everything that the client waits for: await sleep(retry, undefined, { signal: stop.signal }).',
          };
        };
        await expectSoon(() => client.end ?? client.verdict ?? site.waiting > 0, late, client);
        await endsAfter(reading, 'Ctrl+C');
        expectInterrupted(client);

        const later = await comeBackOnce();
        await send(begin(later.call), 'id: 2\ndata: two\n\n');
        later.client.interrupt();
        await endsAfter(later, 'Ctrl+C in a later stream');
        expectPrinted(later.client, 'message: one\nmessage: two\n');
        expectInterrupted(later.client);
      },
    );

    requirement(
      'If the connection is cut three times, each time after an event has arrived, the client prints every event of your server exactly once and exits with code 0.',
      async () => {
        await reports.start();
        const steps = random.integer(11, 13);
        const site = await startCuttingRelay(server, cuts());
        const reader = startReader(`${site}${report(steps)}`, neverMs);
        await releaseSteps(
          () => reader.lines.length,
          () => reader.end ?? reader.verdict,
        );
        await expectEnd(run, reader, 'Your client is still running, but the report of your server is over.');
        notCrashed(reader, 'while it was reading');
        expectOnce([...reader.lines], eventsOf(steps).map(shown), 'Your client', reader);
        expectSuccess(reader, 'the event done');
      },
    );
  });

  /** Releases each step until this is over, for as long as further events come. */
  async function releaseSteps(events: () => number, over: () => unknown): Promise<void> {
    for (let before = -1; !over() && events() > before;) {
      before = events();
      await until(() => {
        release(server.program);
        return over() || events() > before;
      }, 2 * workMs);
    }
  }

  /** A client whose stream has broken off behind the event 1, and its next request. */
  async function comeBackOnce(): Promise<Again> {
    const reading = await openStream();
    await send(reading.call, 'retry: 5\n\nid: 1\ndata: one\n\n');
    return comesBack(reading, 'breakOff', 5, '1');
  }

  /** The stream is over; the client asks again when `wait` milliseconds are over. `took` is what it has waited. */
  async function comesBack(
    reading: Reading,
    how: 'end' | 'breakOff',
    wait: number,
    lastEventId: string,
    advice?: string,
    aboutRetry?: string,
  ): Promise<Again> {
    const since = performance.now();
    reading.call[how]();
    const call = await nextCall(reading, since, wait, lastEventId, advice, aboutRetry);
    return { ...reading, call, took: call.at - since, wait };
  }

  /** The next request of a client whose stream was not over before `since`: not sooner than `wait` allows, with this id. */
  async function nextCall(
    { site, client }: Reading,
    since: number,
    wait: number,
    lastEventId: string,
    advice?: string,
    aboutRetry = 'Wait for as many milliseconds as the last field retry says, and ignore a retry that is not all digits.',
  ): Promise<Call> {
    const late = () => {
      missing(`a request with Last-Event-ID: ${lastEventId}`);
      return {
        cause:
          'The stream was over before done, but your client did not send the request again when the time of retry was over.',
        advice:
          wait === 0
            ? 'Use a retry of 0 as well: the client then asks again immediately.'
            : 'Wait for retry milliseconds and fetch again, as long as neither done nor error has arrived and there is an id.',
      };
    };
    await expectSoon(() => site.waiting > 0 || client.end || client.verdict, late, client, wait + promptMs);
    notCrashed(client, 'when the stream was over');
    expect(site.waiting > 0, {
      cause: 'The stream was over before done, and your client ended instead of sending the request again.',
      ...lastWords(client),
      advice:
        advice ??
        'Catch the error of a stream that breaks off, and read again as long as there is an id, also after a second break.',
    });
    const call = await site.call(client);
    const took = call.at - since;
    // Clocks count whole milliseconds; nothing else makes a timer come too early.
    expect(took > wait - 3, {
      cause: 'Your client sent the request again before the time of the field retry was over.',
      compare: { expected: `${wait} ms later`, received: `${took.toFixed(0)} ms later` },
      advice: `${aboutRetry} Clients that do not wait overload a server that is already in trouble.`,
    });
    const named = utf8Header(call.request.headers['last-event-id']);
    expect(named === lastEventId, {
      cause: named
        ? 'Your client sent the wrong Last-Event-ID.'
        : 'Your client sent the request again without the header Last-Event-ID.',
      compare: {
        expected: `Last-Event-ID: ${lastEventId}`,
        received: named ? `Last-Event-ID: ${visible(named)}` : '(no Last-Event-ID)',
      },
      advice: named
        ? (advice ?? 'Send the id exactly as it came: it is an arbitrary string.')
        : "Put the id that you have kept into the request: headers['Last-Event-ID']. The server needs it to continue.",
    });
    return call;
  }

  /** Every event is there once, in order. */
  function expectOnce(events: string[], expected: string[], whose: string, client?: Program): void {
    const twice = events.find((event, i) => events.indexOf(event) < i);
    const lost = expected.find((event) => !events.includes(event));
    expect(events.join('\n') === expected.join('\n'), {
      cause: twice
        ? `${whose} received the event ${twice} twice.`
        : lost
          ? `${whose} never received the event ${lost}.`
          : `${whose} received the events in the wrong order.`,
      compare: { expected: expected.join(' | '), received: events.join(' | ') },
      ...(client && lastWords(client)),
      advice:
        'Compare Last-Event-ID with the last complete event in the capture: the stream has to continue with the event after it. The connection was cut three times.',
    });
  }
});
