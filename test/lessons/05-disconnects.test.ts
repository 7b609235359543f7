import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../harness/programs/program.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { checkComplaint, noTimerLeft, notCrashed } from '../harness/vocabulary/command-line.ts';
import { parseStream } from '../harness/vocabulary/event-stream.ts';
import { finished } from '../harness/vocabulary/http.ts';
import {
  eventsOf,
  expectEach,
  framings,
  listed,
  neverMs,
  reportClient,
  reportServer,
  type Reading,
} from '../harness/vocabulary/reports.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, missing, note, random, requirement, sameCapture, task, until } = run;

  /** Answers every task; its quiet interval is never over. */
  let server: Server;
  const reports = reportServer(
    run,
    async () => (server ??= await run.startServer({ QUIET_INTERVAL: String(neverMs) })),
  );
  const { get, post, nextStep, finish, expectStays, expectStream, expectEvents, expectGivenUp, seeIt } = reports;
  const { expectNoTimer, expectNoListener, expectNoError } = reports;
  const client = reportClient(run);
  const { startReader, send, openStream, openStreamUnder, underIdleLimit, output, shortLimit } = client;
  const { expectPrinted, expectPrintedSoon, expectReading, endsAfter, expectSuccess, givesUp, expectInterrupted } =
    client;

  task({ number: 1, title: 'Stop when the client has left', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'For `GET /report?steps=3` and for `POST /report` with `{"steps": 3}`, the server sends each event `step` before it begins the next step, then the event `done`, and ends the response.',
      async () => {
        const { program } = await reports.start();
        for (const ask of [get, get, post]) {
          const steps = random.integer(2, 4);
          const stream = ask(steps);
          for (let step = 1; step <= steps; step++) {
            const held = await nextStep(stream);
            await program.caughtUp();
            expectStays(stream);
            if (stream.status !== undefined) expectStream(stream);
            expect(program.held.length === 1, {
              cause: `Your server began ${program.held[1]?.label}, but ${held.label} was not finished.`,
              advice: 'Await the work of a step and send its event before you begin the next step.',
              ...seeIt(stream),
            });
            const [expected, sent] = [eventsOf(steps).slice(0, step - 1), parseStream(stream).events].map(listed);
            expect(sent === expected, {
              cause: `Your server had sent the wrong events when it was at work on step ${step}.`,
              compare: { expected: expected!, received: sent! },
              advice: 'Send the event of a step with response.write as soon as the work of that step is done.',
              ...seeIt(stream),
            });
            held.release();
          }
          await finish(stream);
          expectEvents(stream, eventsOf(steps));
        }
      },
    );

    requirement(
      'If a client leaves, the server begins no further step for this client. All other clients still get their events and their comments.',
      async () => {
        const { program } = await reports.start();
        for (const ask of [get, post]) {
          const steps = random.integer(5, 7);
          const stays = get(steps, 'stays');
          const own = await nextStep(stays);
          const leaves = ask(steps, 'leaves');
          for (let step = random.integer(1, 3); step > 0; step--) (await nextStep(leaves, 1, stays)).release();
          const last = await nextStep(leaves, 1, stays);
          leaves.close();
          await program.caughtUp();
          expect(program.held.includes(own), {
            cause: 'One client has left, and your server gave up the step of another client.',
            advice: 'Make an AbortController for each stream: declare it inside the handler.',
          });
          expectStays(stays);
          if (program.held.includes(last)) last.release();
          await program.caughtUp();
          const further = program.held.find((held) => held !== own && held !== last);
          const why =
            ask === post
              ? 'The events of a request whose body has been read come too early, or they never come.'
              : 'The event finish comes when everything has been sent, writableEnded is about your own end(), and a write to a closed connection throws no error.';
          expect(!further, {
            cause: `The client left during ${last.label}, but your server still began ${further?.label}.`,
            advice: `Listen to the event close of the response. ${why}`,
          });
          await finish(stays);
          expectStream(stays);
          const [expected, received] = [eventsOf(steps), parseStream(stays).events];
          expect(received.length >= expected.length, {
            cause: 'One client has left, and your server ended the response to another client before the event done.',
            compare: { expected: listed(expected), received: listed(received) },
            advice:
              'Declare everything that belongs to one stream inside the handler, with const. If all streams share a variable, the AbortController of the second stream takes the place of the first.',
            ...seeIt(stays),
          });
          expectEvents(stays, expected, 'Keep the streams apart: one client has left, but this client stayed.');
        }
        await expectComments();
      },
    );

    /** The comments of a stream continue when another client leaves. */
    async function expectComments(): Promise<void> {
      const quick = await run.startServer({ QUIET_INTERVAL: '20' });
      const { program } = quick;
      await program.caughtUp();
      const before = program.timers;
      const ask = (who: string) => quick.request('/report?steps=2', { who });
      const [leaves, stays] = [ask('leaves'), ask('stays')];
      const comments = () => parseStream(stays).comments.length;
      await expectSoon(
        () => program.held.length === 2 && comments() > 0,
        () => ({
          cause: 'Your server sent no comment while a step took longer than QUIET_INTERVAL.',
          advice: 'Keep the timer of the starter: each stream sends a comment whenever the quiet interval is over.',
        }),
        program,
      );
      leaves.close();
      await program.caughtUp();
      const seen = comments();
      await expectSoon(
        () => comments() > seen + 2,
        () => ({
          cause: 'One client has left, and your server stopped sending comments to another client.',
          advice:
            'Declare the timer inside the handler, so that each stream has its own. In a variable that all streams share, the second timer takes the place of the first.',
        }),
        program,
      );
      for (const held of [...program.held]) held.release();
      await expectSoon(
        () => {
          program.held[0]?.release();
          return finished(stays);
        },
        () => ({
          cause: 'One client has left, and your server did not finish the report of another client.',
          advice: 'Declare everything that belongs to one stream inside the handler.',
        }),
        program,
      );
      commented = { program, before };
    }

    /** The server that has sent comments, and how many timers it had before. */
    let commented: { program: Program; before: number };

    requirement(
      'If a client leaves during a step, the server aborts the `signal` that it has passed to the `work` of this step.',
      async () => {
        await reports.start();
        for (const ask of [get, post]) {
          const leaves = ask(random.integer(2, 5), 'leaves');
          const held = await nextStep(leaves);
          leaves.close();
          await expectGivenUp(held);
        }
      },
    );

    requirement(
      'After a client has left, the timers of its stream are stopped. If the handler has added listeners to `process`, they are removed. The server prints no error, because a client that leaves is normal.',
      async () => {
        const { program } = await reports.start();
        await program.caughtUp();
        const before = program.timers;
        const listeners = program.listeners;
        const printed = program.stderr.length;
        for (const ask of [get, post]) {
          const leaves = ask(random.integer(2, 5), 'leaves');
          (await nextStep(leaves)).release();
          const held = await nextStep(leaves);
          leaves.close();
          await expectGivenUp(held);
          await expectNoTimer(before, 'after its client has left');
          await expectNoListener(listeners, 'after its client has left');
        }
        expectNoError(
          printed,
          'a client had left',
          'Catch the AbortError with which work rejects when you give it up, and print nothing for it. gone.signal.aborted tells it from a failure.',
        );
        await noTimerLeft(run, commented.program, commented.before, {
          cause: 'A timer of your server is still running, although two streams with comments are over.',
          advice: 'Declare the timer inside the handler, and clear it in a finally block, which runs on every way out.',
        });
      },
    );

    requirement(
      'If a response has ended but its connection stays open for another request, the server has stopped every timer of the stream.',
      async () => {
        const { program } = await reports.start();
        await program.caughtUp();
        const before = program.timers;
        const listeners = program.listeners;
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          for (const ask of [get, post]) {
            const stream = ask(2, undefined, { agent });
            await finish(stream);
            expectEvents(
              stream,
              eventsOf(2),
              ask === get
                ? undefined
                : 'Make an AbortController for each request, inside the handler: the connection of the GET before has brought this POST too.',
            );
            await expectNoTimer(before, 'after its response has ended, because the connection is still open');
            await expectNoListener(listeners, 'after its response has ended');
          }
        } finally {
          agent.destroy();
        }
      },
    );
  });

  task({ number: 2, title: 'Fail in mid-stream', file: 'server.ts' }, () => {
    let failed: Exchange;
    const [name, host] = random.words(2);
    const [query] = random.aside(() => random.words(1));
    const message = `${query}: no connection to the database ${name} at ${host}.internal:5432`;
    const steps = random.integer(4, 6);
    let done = 0;
    const catchIt = 'Catch what the await throws, send the event error, and end the response.';
    const fails = (label: string) => ({ see: `WORK_FAILS="${label}" npm run try lesson-5` });

    requirement(
      'If a step fails after other steps were sent, the server sends an event `error` with a text of its own as the last event, and ends the response. It begins no further step.',
      async () => {
        const { program } = await reports.start();
        failed = get(steps, undefined, { failsOnPurpose: true, ifItThrows: { advice: catchIt } });
        for (let step = random.integer(1, 2); step > 0; step--, done++) (await nextStep(failed)).release();
        const { label, fail } = await nextStep(failed);
        const errorEvent = () => parseStream(failed).events.find(({ type }) => type === 'error');
        fail(message);
        const silent = () => ({
          ...(errorEvent()
            ? {
                cause: 'Your server sent the event error, but it did not end the response.',
                advice: 'Call response.end() after the event error. It tells the client that the response is complete.',
              }
            : {
                cause: `The work failed in ${label}, but your server sent no event error and did not end the response.`,
                advice: catchIt,
              }),
          ...fails(label),
        });
        await expectSoon(() => finished(failed) || program.held.length > 0, silent, program);
        const error = errorEvent();
        const sent = eventsOf(steps).slice(0, done);
        const compare = { expected: `${listed(sent)} | error: …`, received: listed(parseStream(failed).events) };
        expectEach(fails(label), [
          [
            program.held.length === 0,
            `${label[0]!.toUpperCase()}${label.slice(1)} failed, but your server began the next step.`,
            'Put the try around the loop, or leave the loop in the catch. After a try inside the loop, the loop continues.',
          ],
          [
            failed.broken === undefined,
            `The work failed in ${label}, and your server broke off the connection. The client cannot tell this from a network failure.`,
            error
              ? 'End the response with response.end() after the event error, and let the handler throw nothing.'
              : 'Catch the error, send an event error, and end the response. Status 200 has already been sent, so only an event can report the failure.',
          ],
          [
            error,
            `The work failed in ${label}, but your server ended the stream without the event error.`,
            'Send an event error before you end the response. Otherwise the client takes half a report for a whole one.',
            compare,
          ],
          [
            error?.data.trim() !== '',
            'Your server sent the event error without a text.',
            'Say in a few words what has happened, so that the user of the client knows what to do.',
          ],
        ]);
        expectEvents(failed, [...sent, error!], 'Send nothing after the event error.', fails(label));
      },
    );

    requirement(
      'If a step fails, the server prints the error. The client receives no part of the text or the stack of this error.',
      async () => {
        sameCapture();
        const { program } = server;
        const said = parseStream(failed).events.at(-1)!.data;
        const words = new RegExp(`\\b(${query}|${name}|${host}|5432)\\b`, 'i');
        const told = failed.text.split(/\r\n|\r|\n/).find((line) => words.test(line));
        expect(told === undefined && !/\bat .*:\d+|\.ts\b|node_modules/.test(said), {
          cause: "Your server sent a part of the error's own text to the client. Such a text is not for strangers.",
          compare: {
            expected: 'a text of yours',
            received: visible(told?.replace(/^data: ?/, '') ?? said.split('\n')[0]!),
          },
          advice:
            'Write a sentence of your own for the client, and print the error with console.error. The text of an error can name hosts, paths and queries.',
          ...fails(`step ${done + 1}`),
        });
        const unsaid = () => ({
          cause:
            'Your server told the client no details, which is right, but it did not print the error either. Nobody can find out what went wrong.',
          advice: 'Print the error with console.error(error): that prints its text and its stack.',
          see: `WORK_FAILS="step ${done + 1}" node --import tsx lessons/05-disconnects/server.ts`,
        });
        await expectSoon(() => `${program.stderr}${program.stdout}`.includes(message), unsaid, program);
      },
    );

    requirement(
      'After a step has failed, the server has stopped every timer of this stream, continues all other streams, and answers the next request.',
      async () => {
        const { program } = server;
        await program.caughtUp();
        const before = program.timers;
        const listeners = program.listeners;
        const stops = post(steps, 'fails', { failsOnPurpose: true });
        (await nextStep(stops)).release();
        const held = await nextStep(stops);
        const continues = get(steps, 'continues');
        await nextStep(continues, 1);
        held.fail(message);
        const late = () => ({
          cause: 'The work failed while another stream was open, but your server did not end the response.',
          advice: catchIt,
          ...fails('step 2'),
        });
        await expectSoon(() => finished(stops), late, program);
        expect(parseStream(stops).events.at(-1)?.type === 'error', {
          cause: 'The work of a POST failed after the work of a GET, but the POST received no event error.',
          advice:
            'Send the event error to every client whose work fails, whatever its method is and whatever failed before.',
        });
        expectStays(continues);
        await finish(continues);
        expectEvents(
          continues,
          eventsOf(steps),
          'Declare everything that belongs to one stream inside the handler: a step of another stream failed, but no step of this stream.',
        );
        await expectNoTimer(before, 'after its work has failed');
        await expectNoListener(listeners, 'after its work has failed');
        const next = get(2);
        await finish(next);
        expectEvents(next, eventsOf(2));
      },
    );

    const readerRules = (framing: string) =>
      `Print every event on standard output, also the last one. Keep the rules of lesson 3 in the event reader: this stream has ${framing}.`;

    /** The event error, the last line, is not the only one that is missing. */
    function expectErrorPrinted(client: Program, expected: string): void {
      const printed = output(client);
      const others = expected.slice(0, expected.lastIndexOf('\n', expected.length - 2) + 1);
      if (printed !== others) return;
      notCrashed(client, 'when it read the event error');
      expect(false, {
        cause: 'The event error arrived, but your client did not print it on standard output.',
        compare: { expected: visible(expected), received: visible(printed) },
        advice:
          'Print the event error with console.log like every other event, and only then treat it as a failure. Standard error is for the one line that says what has failed.',
      });
    }

    /** A client that has read a step and then this event, in this framing. */
    async function readTo(type: 'done' | 'error', framing: (typeof framings)[number]): Promise<Reading> {
      const [one, two] = random.words(2);
      note('·', `(${framing.name})`);
      const reading = await openStream();
      // An id changes nothing here, and neither does an event that has no type.
      await send(reading.call, framing.write(`event: step\nid: 1\ndata: ${one}\n\ndata: ${two}\n\n`));
      await send(reading.call, framing.write(`event: ${type}\ndata: ${two}\n\n`));
      // A lone \r at the end of a piece may wait for what follows.
      if (framing.name.endsWith('\\r') && !reading.client.end) await reading.call.send(':\r');
      await until(() => reading.client.end ?? reading.client.verdict ?? output(reading.client).split('\n').length > 3);
      const printed = `step: ${one}\nmessage: ${two}\n${type}: ${two}\n`;
      // Here the client has already read a whole report, so it does not leave after an earlier event.
      if (type === 'error') expectErrorPrinted(reading.client, printed);
      else expectReading(reading.client, printed);
      expectPrinted(reading.client, printed, readerRules(framing.name));
      return reading;
    }

    requirement(
      'After the event `done`, `client.ts` exits with code 0, even if the server keeps the connection open or breaks it off.',
      async () => {
        for (const [how, what, framing] of [
          ['end', 'the event done', framings[1]],
          ['breakOff', 'the event done, behind which the connection broke off', framings[3]],
          ['open', 'the event done, behind which the connection stayed open', framings[4]],
        ] as const) {
          const reading = await readTo('done', framing);
          if (how === 'open') note('·', '(the connection stays open)');
          else reading.call[how]();
          const leave =
            'Leave the loop that reads the stream when the event done has arrived, and clear your timers. A return inside for await closes the connection.';
          await endsAfter(reading, what, leave);
          expectSuccess(reading.client, what, how === 'end' ? undefined : leave);
        }
      },
      'client.ts',
    );

    requirement(
      'After an event `error`, `client.ts` prints one line on standard error and exits with code 1, even if the server keeps the connection open.',
      async () => {
        for (const open of [false, true]) {
          const what = open ? 'the event error, behind which the connection stayed open' : 'the event error';
          const reading = await readTo('error', framings[open ? 0 : 2]);
          if (open) note('·', '(the connection stays open)');
          else reading.call.end();
          await endsAfter(
            reading,
            what,
            'Leave the loop that reads the stream when the event error has arrived, and clear your timers.',
          );
          complains(reading, what, 'Remember the type of the last event, and look at it when the stream is over.');
        }
      },
      'client.ts',
    );

    requirement(
      'If a stream ends or breaks off before `done`, `client.ts` prints one line on standard error and exits with code 1.',
      async () => {
        const unfinished =
          'An event has arrived only when its blank line has arrived. Ignore what is unfinished when the stream is over.';
        for (const [what, how, advice, cut] of [
          [
            'a stream that ended before done',
            'end',
            'Exit with code 0 only after the event done. A proper end only says that the response is complete: a proxy or a server that is being stopped can end a response early.',
          ],
          [
            'a stream that broke off before done',
            'breakOff',
            'Let the error of the stream reach the catch that prints it. A stream that breaks off is not the end of the report.',
          ],
          ['a stream that ended in the middle of the event done', 'end', unfinished, true],
          ['a stream that broke off in the middle of the event done', 'breakOff', unfinished, true],
        ] as const) {
          const [one] = cut ? random.aside(() => random.words(1)) : random.words(1);
          const reading = await openStream();
          const { client, call } = reading;
          const printed = cut && how === 'end' ? '' : `step: ${one}\n`;
          if (printed) {
            await send(call, `event: step\ndata: ${one}\n\n`);
            await expectPrintedSoon(client, printed, readerRules(framings[0].name));
          }
          if (cut) await send(call, `event: done\ndata: ${one}\n`);
          call[how]();
          await endsAfter(reading, what);
          expectPrinted(client, printed, cut && unfinished);
          complains(reading, what, advice);
        }
      },
      'client.ts',
    );

    /** The client has ended with exit code 1 and a line, because the report is not complete. */
    function complains({ client }: Reading, what: string, advice: string): void {
      expect(client.end?.code !== 0, {
        cause: `Your client exited with code 0 after ${what}. The program that called it takes the report for complete.`,
        compare: { expected: '1', received: '0' },
        advice,
      });
      checkComplaint(client, what, {
        silent: 'Say in one line what happened: console.error writes to standard error.',
      });
    }
  });

  task({ number: 3, title: 'Give up in time', file: 'client.ts' }, () => {
    /** A client for which something has arrived, and then nothing more. */
    let silent: Reading & { limit: number; printed: string; since: number };

    requirement(
      '`IDLE_LIMIT` does not limit the whole stream: the client continues as long as some byte of the body arrives within each `IDLE_LIMIT` milliseconds. A comment counts, and so does a part of an event.',
      async () => {
        const [word, type] = random.words(2);
        const pieces = [0, 1, 2, 3, 4, 5];
        const phases = [
          [
            'An event',
            pieces.map((i) => `data: ${i}\n\n`),
            'Start the timer again with each piece that arrives: idle?.refresh(). AbortSignal.timeout, or a timer that is started only once, limits the whole stream. If your client does this already, look for const or let before idle = setTimeout(…), and remove it: it declares a second variable, so refresh does not see this timer.',
          ],
          [
            'A comment',
            pieces.map(() => `: ${word}\n\n`),
            'Start the timer again where the bytes arrive, not where an event is complete. The server sends comments so that the client knows it is alive.',
          ],
          [
            'A byte of an event',
            [...'event:', `${type}\ndata: ${word}\n\n`],
            'Start the timer again where the bytes arrive, before you look for lines and events in them.',
          ],
        ] as const;
        const printed = `${pieces.map((i) => `message: ${i}\n`).join('')}${type}: ${word}\n`;
        await underIdleLimit(async (limit) => {
          let handled = performance.now();
          let since = handled;
          let longest = 0;
          const reading = await openStreamUnder(limit);
          if (!reading) return false;
          const { client, call } = reading;
          for (const [what, texts, advice] of phases) {
            for (const text of texts) {
              await sleep(limit / 5);
              since = performance.now();
              await call.send(text);
              // What ends a client may lie a few pieces back.
              longest = Math.max(longest, performance.now() - handled);
              handled = performance.now();
              if (!client.end && !client.verdict) continue;
              notCrashed(client, 'while something arrived');
              if (longest > limit / 2) return false;
              missing('the client continues');
              throw new Failure({
                cause: `${what} arrived five times within each IDLE_LIMIT, but your client gave up.`,
                advice,
              });
            }
          }
          await until(() => output(client).length >= printed.length || client.end);
          if (output(client) !== printed && client.end && longest > limit / 2) return false;
          await expectPrintedSoon(client, printed);
          silent = { ...reading, limit, printed, since };
          return true;
        });
      },
    );

    requirement(
      'If nothing arrives for `IDLE_LIMIT` milliseconds after the request or in the middle of the stream, the client prints one line on standard error and exits with code 1.',
      async () => {
        note('←', '(nothing more, in the stream of the requirement before)');
        await givesUp(silent, silent.limit, 'in the middle of the stream', silent.printed);
        const took = performance.now() - silent.since;
        // Silence is the same on a slow machine, so the limit is short here. It may be over before the request has come.
        note('·', `IDLE_LIMIT=${shortLimit}, and no answer at all`);
        const site = await run.startGraderServer('/report');
        const client = startReader(site.url, shortLimit);
        await site.call(client).catch((error: unknown) => {
          if (!client.end || client.verdict) throw error;
        });
        await givesUp({ site, client }, shortLimit, 'after the request', '');
        // A client with a limit of its own, or on a slow machine, takes so long: a limit that is much longer tells.
        if (took - silent.limit > 300 || silent.limit > 400) await expectPatience(4 * took);
      },
    );

    /** The client gives up after a silence of this many milliseconds, and not sooner. */
    async function expectPatience(least: number): Promise<void> {
      await underIdleLimit(async (limit) => {
        const began = performance.now();
        const reading = await openStreamUnder(limit);
        if (!reading) return false;
        const since = performance.now();
        await send(reading.call, 'data: 0\n\n');
        if (reading.client.end && performance.now() - began > limit / 2) return false;
        await givesUp(reading, limit, 'in the middle of the stream', 'message: 0\n');
        const took = performance.now() - since;
        expect(took > limit - 3, {
          cause: 'Your client gave up before IDLE_LIMIT milliseconds had passed without a byte.',
          compare: { expected: `${limit} ms later`, received: `${took.toFixed(0)} ms later` },
          advice: 'Take the limit from process.env.IDLE_LIMIT: the starter has it as a number.',
        });
        return true;
      }, least);
    }

    requirement(
      'If Ctrl+C sends the signal SIGINT, the client prints one line on standard error and exits with code 130. On standard output, it has printed only events whose blank line had arrived.',
      async () => {
        const [one, two] = random.words(2);
        const reading = await openStream();
        const { client, call } = reading;
        await send(call, `event: step\ndata: ${one}\n\nevent: step\ndata: ${two}\n`);
        await expectPrintedSoon(client, `step: ${one}\n`);
        client.interrupt();
        await endsAfter(
          reading,
          'Ctrl+C',
          'Call stop.abort(new Error(…)) in the listener of SIGINT. When there is a listener, Node no longer ends the program by itself.',
        );
        const advice =
          'Print nothing of an event that is not complete. An event is complete when its blank line has arrived, however the stream ends.';
        expectPrinted(client, `step: ${one}\n`, advice);
        expectInterrupted(client);
        await expectInterruptedEarly();
      },
    );

    /** Ctrl+C comes when the request has been sent, and nothing has arrived. */
    async function expectInterruptedEarly(): Promise<void> {
      const site = await run.startGraderServer('/report');
      const client = startReader(site.url, neverMs);
      const { response } = await site.call(client);
      note('·', '(no answer)');
      client.interrupt();
      await until(() => client.end ?? client.verdict ?? (response.destroyed && client.stderr !== ''));
      const advice =
        "Register process.once('SIGINT', …) at the top level, before the request is sent. The request has the signal of stop, so the abort ends it at any time.";
      const when = 'Ctrl+C before the server had answered';
      const alive =
        'Call unref() on the timer, or clear it on every way out: the request is over, but a timer still runs.';
      await endsAfter({ site, client }, when, response.destroyed && client.stderr !== '' ? alive : advice);
      expect(client.end?.signal !== 'SIGINT' || client.stderr.trim() !== '', {
        cause: 'Ctrl+C came before the server had answered. It ended your client, but your client printed no line.',
        advice,
      });
      expectPrinted(client, '');
      expectInterrupted(client);
    }
  });
});
