import { setTimeout as sleep } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { crashed } from '../harness/programs/crash-report.ts';
import type { Held, Program } from '../harness/programs/program.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import {
  checkComplaint,
  expectEnd,
  lastWords,
  noTimerLeft,
  notCrashed,
  notCutShort,
} from '../harness/vocabulary/command-line.ts';
import { parseStream, type StreamEvent } from '../harness/vocabulary/event-stream.ts';
import { curl, expectHeader, expectStatus, finished, release, untilEnd, workMs } from '../harness/vocabulary/http.ts';
import { startCuttingRelay } from '../harness/wire/cutting-relay.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import type { Call, GraderServer } from '../harness/wire/grader-server.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { atEnd, changed, expectSoon, missing, note, random, requirement, sameCapture, task, until } = run;

  /** Milliseconds that no run takes. */
  const neverMs = 60_000;
  /** Milliseconds that the learner's server asks its clients to wait. */
  const retry = 20;

  type Event = Pick<StreamEvent, 'type' | 'data' | 'id'>;
  type Ask = (steps: number, who: string) => Exchange;

  /** Answers every task; its quiet interval is never over. */
  let server: Server;
  /** The server, started by the first requirement that needs it. */
  const useServer = async () =>
    (server ??= await run.startServer({ QUIET_INTERVAL: String(neverMs), RETRY: String(retry) }));

  const report = (steps: number) => `/report?steps=${steps}`;
  const get: Ask = (steps, who) => server.request(report(steps), { who });
  const post: Ask = (steps, who) =>
    server.request('/report', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ steps }),
      who,
    });

  const show = ({ type, data }: Event) => `${type}: ${visible(data)}`;
  const list = (events: Event[]) => events.map(show).join(' | ') || '(no event)';
  const idsOf = (events: Event[]) => events.map(({ id }) => id ?? '(none)').join(', ');

  /** The events of a report, behind the first `seen`. */
  const eventsOf = (steps: number, seen = 0): Event[] =>
    [
      ...Array.from({ length: steps }, (_, i) => ({ type: 'step', data: `${i + 1} of ${steps}`, id: String(i + 1) })),
      { type: 'done', data: `${steps} steps`, id: String(steps + 1) },
    ].slice(seen);

  /** The step that the server begins now, beside those that it is at already. */
  async function nextStep(stream: Exchange, beside = 0) {
    const { program } = server;
    const late = () => ({
      cause: 'The server does not begin the next step.',
      advice: 'Each step is a call of work: await work(`step ${step}`).',
      ...curl(stream),
    });
    await expectSoon(() => program.held.length > beside || finished(stream), late, program);
    expectStays(stream);
    return program.held[beside]!;
  }

  /** The server has not given up this client, which is still there. */
  function expectStays(stream: Exchange): void {
    const isPost = stream.name.startsWith('POST');
    expect(!finished(stream), {
      cause: 'The server gave up a client that was still there.',
      compare: {
        expected: 'the next step',
        received: stream.broken === undefined ? '(end of the response)' : '(the connection broke)',
      },
      advice: isPost
        ? 'The event close of the request comes as soon as the request has been read to its end. The event close of the response comes when its connection is gone, or it has ended.'
        : 'Every response closes, one that has ended too: what you keep about a stream, an AbortController for example, belongs inside of the handler.',
      ...(!isPost && curl(stream)),
    });
  }

  /** Releases each step until the response has ended. @returns how many steps there were */
  async function finish(stream: Exchange): Promise<number> {
    const advice = 'After the last event, response.end() tells the client that nothing more will come.';
    const last = () => parseStream(stream).events.at(-1);
    return untilEnd(
      server,
      stream,
      (silence) => ({
        cause: `The response does not end${last() ? ` after the event ${last()!.type}` : ''}.`,
        advice,
        ...silence,
        ...curl(stream),
      }),
      { cause: 'The connection broke before the response had ended.', advice, ...curl(stream) },
    );
  }

  /** Exactly these events came. */
  function expectEvents(
    stream: Exchange,
    expected: Event[],
    advice = 'Send an event step after each step, and the event done after the last one.',
  ): void {
    expectStatus(stream, 200, { advice });
    const { events } = parseStream(stream);
    expect(list(expected) === list(events), {
      cause: events.length < expected.length ? 'Not all events came.' : 'Other events came.',
      compare: { expected: list(expected), received: list(events) },
      advice,
      ...curl(stream),
    });
  }

  type Row = readonly [holds: unknown, cause: string, advice: string, compare?: Explanation['compare']];

  /** Each of these holds, in this order: status first, then headers, then body. */
  function expectEach(see: { see: string }, rows: readonly Row[]): void {
    for (const [holds, cause, advice, compare] of rows)
      expect(holds, { cause, advice, ...(compare && { compare }), ...see });
  }

  /** The client of this step has gone: the step ends. */
  function expectGivenUp(held: Held): Promise<void> {
    const late = () => {
      missing(`given up: ${held.label}`);
      return {
        cause: `The client has gone, and ${held.label} still goes on: nothing tells it.`,
        advice:
          'Pass a signal, work(label, { signal }), and abort its AbortController when the response closes. work then rejects at once.',
      };
    };
    return expectSoon(() => !server.program.held.includes(held), late, server.program);
  }

  const expectNoTimer = (before: number, when: string) =>
    noTimerLeft(run, server.program, before, {
      cause: `A timer of your server keeps running ${when}, so there is one more for each such request.`,
      advice:
        'Clear the timer on each way out of the handler, in a finally block for example. A timer that keeps running keeps the memory of its request.',
    });

  task({ number: 1, title: 'Stop when nobody listens', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      '`GET /report?steps=3`, and `POST /report` with `{"steps": 3}`: a client that stays gets each step when it is done, then `done`, and the end.',
      async () => {
        const { program } = await useServer();
        for (const ask of [get, get, post]) {
          const steps = random.integer(2, 4);
          const stream = ask(steps, 'client');
          for (let step = 1; step <= steps; step++) {
            const held = await nextStep(stream);
            await program.caughtUp();
            expectStays(stream);
            const [expected, sent] = [eventsOf(steps).slice(0, step - 1), parseStream(stream).events].map(list);
            expect(sent === expected, {
              cause: `Other events are on the wire while the server is at step ${step}.`,
              compare: { expected: expected!, received: sent! },
              advice: 'Send the event of a step with response.write as soon as the work of that step is done.',
              ...curl(stream),
            });
            held.release();
          }
          await finish(stream);
          expectEvents(stream, eventsOf(steps));
        }
      },
    );

    requirement(
      'When a client goes away, no further step begins for it; other clients get all of theirs.',
      async () => {
        const { program } = await useServer();
        for (const ask of [get, post]) {
          const steps = random.integer(5, 7);
          const stays = get(steps, 'stays');
          const own = await nextStep(stays);
          const leaves = ask(steps, 'leaves');
          for (let step = random.integer(1, 3); step > 0; step--) (await nextStep(leaves, 1)).release();
          const last = await nextStep(leaves, 1);
          leaves.close();
          await program.caughtUp();
          expect(program.held.includes(own), {
            cause: 'One client went away, and the server gave up the step of another.',
            advice: 'Each stream needs an AbortController of its own, made inside of the handler.',
          });
          expectStays(stays);
          if (program.held.includes(last)) last.release();
          await program.caughtUp();
          const further = program.held.find((held) => held !== own && held !== last);
          const why =
            ask === post
              ? 'the events of a request whose body has been read come too early, or not at all'
              : 'finish comes when all has been sent, writableEnded is about your own end(), and writing into a connection that is gone throws nothing';
          expect(!further, {
            cause: `The client had gone during ${last.label}, and the server began ${further?.label} all the same.`,
            advice: `Only the event close of the response tells: ${why}.`,
          });
          await finish(stays);
          expectEvents(stays, eventsOf(steps), 'One client went away; this one had stayed.');
        }
      },
    );

    requirement('The step that is going on is given up: its `work` has a `signal`, which aborts.', async () => {
      await useServer();
      for (const ask of [get, post]) {
        const leaves = ask(random.integer(2, 5), 'leaves');
        const held = await nextStep(leaves);
        leaves.close();
        await expectGivenUp(held);
      }
    });

    requirement(
      'Nothing is left of it: no timer outlives the connection, and the server prints no error, because a client that goes away is none.',
      async () => {
        const { program } = await useServer();
        await program.caughtUp();
        const before = program.timers;
        const printed = program.stderr.length;
        for (const ask of [get, post]) {
          const leaves = ask(random.integer(2, 5), 'leaves');
          (await nextStep(leaves)).release();
          const held = await nextStep(leaves);
          leaves.close();
          await expectGivenUp(held);
          await expectNoTimer(before, 'after its client has gone');
        }
        const [error] = /^.*Error\b.*$|^[ \t]+at .*$/m.exec(program.stderr.slice(printed)) ?? [];
        expect(error === undefined, {
          cause: 'The server printed an error, and nothing was wrong: a client had gone.',
          output: error?.trim() ?? '',
          advice: 'work rejects with an AbortError when you give it up. Catch that one, and say nothing.',
        });
      },
    );
  });

  task({ number: 2, title: 'Fail in mid-stream', file: 'server.ts' }, () => {
    let failed: Exchange;
    const [name, host] = random.words(2);
    const message = `no connection to the database ${name} at ${host}.internal:5432`;
    const steps = random.integer(4, 6);
    let done = 0;
    const fails = (label: string) => ({ see: `WORK_FAILS="${label}" npm run try lesson-5` });

    requirement(
      'A step that fails after others were sent: an event `error` with a text of yours, no further step, no `done`, and a proper end.',
      async () => {
        const { program } = await useServer();
        failed = server.request(report(steps), { failsOnPurpose: true });
        for (let step = random.integer(1, 2); step > 0; step--, done++) (await nextStep(failed)).release();
        const { label, fail } = await nextStep(failed);
        const errorEvent = () => parseStream(failed).events.find(({ type }) => type === 'error');
        fail(message);
        const silent = () => ({
          ...(errorEvent()
            ? {
                cause: 'The event error came, and the response does not end.',
                advice: 'After the last event, response.end() tells the client that nothing more will come.',
              }
            : {
                cause: `The work failed in ${label}, and the client hears nothing: no event, and no end.`,
                advice: 'await throws what the work throws. Catch it, send the event error, and end the response.',
              }),
          ...fails(label),
        });
        await expectSoon(() => finished(failed) || program.held.length > 0, silent, program);
        const error = errorEvent();
        const sent = eventsOf(steps).slice(0, done);
        const compare = { expected: `${list(sent)} | error: …`, received: list(parseStream(failed).events) };
        expectEach(fails(label), [
          [
            program.held.length === 0,
            `${label[0]!.toUpperCase()}${label.slice(1)} had failed, and the server began the next one.`,
            'A try inside of the loop goes on after its catch: leave the loop, or put the try around it.',
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
            `The work failed in ${label}, and the stream ended without the event error.`,
            'The status 200 is sent already, so only an event can tell. A proper end alone says that this was all: half a report would be taken for a whole one.',
            compare,
          ],
          [
            error?.data.trim() !== '',
            'The event error has no text.',
            'Say in a few words what the client can do with.',
          ],
        ]);
        expectEvents(failed, [...sent, error!], 'The event error is the last one.');
      },
    );

    requirement(
      "Nothing of the error's own text or its stack goes to the client; the server prints it, for whoever runs the server.",
      async () => {
        sameCapture();
        const { program } = server;
        const said = parseStream(failed).events.at(-1)!.data;
        const words = [name!, host!, '5432'];
        expect(!words.some((word) => failed.text.includes(word)) && !/\bat .*:\d+|\.ts\b|node_modules/.test(said), {
          cause: "The client was sent the error's own text, with what is nobody's business.",
          compare: { expected: 'a text of yours', received: visible(said.split('\n')[0]!) },
          advice:
            'Errors name hosts, paths and queries. Write what happened for the client, and print the error for yourself.',
          ...fails(`step ${done + 1}`),
        });
        const unsaid = () => ({
          cause:
            'The client was rightly told no details, and the server printed nothing: the error is nowhere to be found.',
          advice: 'console.error prints the error with its stack.',
          see: `WORK_FAILS="step ${done + 1}" node --import tsx lessons/05-disconnects/server.ts`,
        });
        await expectSoon(() => `${program.stderr}${program.stdout}`.includes(message), unsaid, program);
      },
    );

    requirement('No timer is left, other streams go on, and the server serves the next report.', async () => {
      const { program } = server;
      await program.caughtUp();
      const before = program.timers;
      const stops = server.request(report(steps), { who: 'fails', failsOnPurpose: true });
      (await nextStep(stops)).release();
      const held = await nextStep(stops);
      const goesOn = get(steps, 'goes on');
      await nextStep(goesOn, 1);
      held.fail(message);
      const late = () => ({
        cause: 'The work failed while another stream was open, and the response does not end.',
        advice: 'Catch what the work throws, send the event error, and end the response.',
        ...fails('step 2'),
      });
      await expectSoon(() => finished(stops), late, program);
      expectStays(goesOn);
      await finish(goesOn);
      expectEvents(goesOn, eventsOf(steps), 'The work of another stream had failed.');
      await expectNoTimer(before, 'after its work has failed');
      const next = server.request(report(2));
      await finish(next);
      expectEvents(next, eventsOf(2));
    });

    requirement(
      '`client.ts` exits with code 0 after the event `done`; after an event `error`, or when a stream without ids ends or breaks off before `done`, it says so in one line on standard error and exits with code 1.',
      async () => {
        const [one, two] = random.words(2);
        const proxy =
          'A proper end only says that the response is complete: a proxy or a server that is stopped ends one, too. Only done says that the report is.';
        for (const [what, last, how, advice] of [
          ['the event done', 'done', 'end', 'done is the end that was agreed on.'],
          ['the event error', 'error', 'end', 'Remember the type of the last event until the stream is over.'],
          ['a stream that ended before done', '', 'end', proxy],
          [
            'a stream that broke off before done',
            '',
            'breakOff',
            'The error of the stream is no end of the report: let it through to where it is said.',
          ],
        ] as const) {
          const reading = await openStream();
          const { client, call } = reading;
          // After done and error there is nothing to go on with, id or not.
          await send(call, `event: step\n${last && 'id: 1\n'}data: ${one}\n\n`);
          if (last) await send(call, `event: ${last}\ndata: ${two}\n\n`);
          call[how]();
          await endsAfter(reading, what);
          expectPrinted(client, `step: ${one}\n${last && `${last}: ${two}\n`}`);
          if (last === 'done') {
            expectSuccess(client, what);
            continue;
          }
          expect(client.end?.code !== 0, {
            cause: `The client exited with code 0 after ${what}: whoever called it takes the report for complete.`,
            compare: { expected: '1', received: '0' },
            advice,
          });
          checkComplaint(client, what, { silent: advice });
        }
      },
      'client.ts',
    );
  });

  /** A client at the grader's server, and its request, answered with status and headers of a stream. */
  type Reading = { site: GraderServer; client: Program; call: Call };

  /** Milliseconds that a client of this run has taken at the most for what it was sent. */
  let slowest = 0;
  /** Milliseconds that are enough of an idle limit on a machine with nothing else to do. */
  const shortLimit = 90;

  /** Starts a client, whatever limit the shell of the learner has left behind. */
  const startReader = (url: string, idleLimit: number) => run.startClientWith({ IDLE_LIMIT: String(idleLimit) }, url);

  function begin(call: Call): Call {
    call.response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    note('←', '200 OK');
    return call;
  }

  /** Sends one piece, and waits until the client has handled it. */
  async function send(call: Call, text: string): Promise<void> {
    const since = performance.now();
    await call.send(text);
    slowest = Math.max(slowest, performance.now() - since);
  }

  async function openStream(): Promise<Reading> {
    const site = await run.startGraderServer('/report');
    const client = startReader(site.url, neverMs);
    return { site, client, call: begin(await site.call(client)) };
  }

  /** The same under an idle limit; undefined when a right client too may have given up before its request had arrived. */
  async function openStreamUnder(idleLimit: number): Promise<Reading | undefined> {
    const since = performance.now();
    const site = await run.startGraderServer('/report');
    const client = startReader(site.url, idleLimit);
    const call = await site.call(client).catch((error: unknown) => {
      const ownFault = !client.end || client.verdict || crashed(client);
      if (ownFault || performance.now() - since < idleLimit / 2) throw error;
      return undefined;
    });
    return call && { site, client, call: begin(call) };
  }

  /**
   * Judges a client under an idle limit that this machine can keep, and again with longer ones until it can tell.
   * @param judge returns false when this machine was so slow that a right client may have given up as well
   * @param least milliseconds
   */
  async function underIdleLimit(judge: (limit: number) => Promise<boolean>, least = shortLimit): Promise<void> {
    for (let limit = Math.ceil(Math.max(least, 4 * slowest)); ; limit *= 4) {
      note('·', `IDLE_LIMIT=${limit}`);
      if (await judge(limit)) return;
    }
  }

  /** What the client has printed, with the line breaks of any system. */
  const output = (client: Program) => client.stdout.replaceAll('\r\n', '\n');

  /** The client has printed exactly this. */
  function expectPrinted(client: Program, expected: string, advice?: string): void {
    const printed = output(client);
    const more = printed.startsWith(expected);
    const cause = more
      ? 'The client printed more than the events that were complete.'
      : 'The client did not print the events that came.';
    advice ??= more
      ? 'Print an event when its blank line has come, and nothing else on standard output.'
      : 'Print every event on standard output; standard error is for your own line.';
    if (!more) notCutShort(client, 'before it had printed the events that came', advice);
    const compare = { expected: visible(expected) || '(nothing)', received: visible(printed) || '(nothing)' };
    expect(printed === expected, { cause, compare, advice, ...lastWords(client) });
  }

  /** The client has printed this by now; it still runs. */
  async function expectPrintedSoon(client: Program, expected: string): Promise<void> {
    const late = () => ({
      cause: 'The client did not print an event that was complete.',
      compare: { expected: visible(expected), received: visible(client.stdout) || '(nothing)' },
      advice: 'Print each event as soon as its blank line has come.',
    });
    await expectSoon(() => output(client).length >= expected.length || client.end, late, client);
    expectPrinted(client, expected);
  }

  /** The client ends, and sends no further request. */
  async function endsAfter({ site, client }: Omit<Reading, 'call'>, what: string): Promise<void> {
    await until(() => client.end ?? client.verdict ?? site.waiting > 0, 2 * promptMs);
    expect(site.waiting === 0, {
      cause: `The client asked again after ${what}.`,
      advice: 'Connect again only when there is more to come, and an id to go on from.',
    });
    await expectEnd(run, client, `The client goes on running after ${what}.`);
  }

  function expectSuccess(client: Program, what: string): void {
    notCrashed(client, `after ${what}`);
    expect(client.end?.code === 0, {
      cause: `The client did not exit with code 0 after ${what}.`,
      compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
      advice: 'Exit with code 0 when the whole report has come: set process.exitCode only where something has failed.',
      ...lastWords(client),
    });
  }

  /** The client ends after a silence of `limit` milliseconds, and says so. */
  async function givesUp(
    { site, client }: Omit<Reading, 'call'>,
    limit: number,
    when: string,
    printed: string,
    advice?: string,
  ): Promise<void> {
    const late = () => {
      missing(`the client gives up (IDLE_LIMIT=${limit})`);
      return {
        cause: `Nothing came ${when} for more than ten times IDLE_LIMIT, and the client still waits.`,
        advice:
          advice ??
          'A timer has to end the waiting: let it abort the signal of the request. process.env.IDLE_LIMIT says how many milliseconds it takes.',
        ...(!advice && { see: 'IDLE_LIMIT=500 npm run try lesson-5' }),
      };
    };
    await expectSoon(() => client.end ?? client.verdict ?? site.waiting > 0, late, client, 10 * limit + promptMs);
    await endsAfter({ site, client }, `silence ${when}`);
    expectPrinted(client, printed, 'Nothing more had come.');
    checkComplaint(client, `silence ${when}`, {
      silent: 'A stream that is given up must not look like one that has ended: console.error writes there.',
    });
  }

  /** The client has ended after Ctrl-C as it should. */
  function expectInterrupted(client: Program): void {
    const byItself = client.end?.signal === 'SIGINT';
    expect(!byItself || client.stderr.trim() !== '', {
      cause: 'Ctrl-C ended the client before it could say anything.',
      advice:
        "process.once('SIGINT', …) has Node call you instead: abort the signal of the request, with a reason that says so.",
    });
    // One that raises the signal again, when all is said, ends as a shell expects: that is 130 too.
    if (byItself) return;
    const advice =
      'Set process.exitCode = 130 in the listener of SIGINT, before the abort; a catch cannot tell Ctrl-C from silence.';
    checkComplaint(client, 'Ctrl-C', { code: 130, advice });
  }

  task({ number: 3, title: 'Give up in time', file: 'client.ts' }, () => {
    /** A client that something has come for, and then nothing any more. */
    let silent: Reading & { limit: number; printed: string; since: number };

    requirement(
      '`IDLE_LIMIT` is not a limit for the whole stream: as long as something comes within so many milliseconds, the client goes on; comments count, and so does a part of an event.',
      async () => {
        const [word, type] = random.words(2);
        const pieces = [0, 1, 2, 3, 4, 5];
        const phases = [
          [
            'An event',
            pieces.map((i) => `data: ${i}\n\n`),
            'AbortSignal.timeout, and a timer that is started once, limit the whole stream. Start the timer again with each piece that comes.',
          ],
          [
            'A comment',
            pieces.map(() => `: ${word}\n\n`),
            'Comments are sent for this: any byte is a sign of life, not only an event.',
          ],
          [
            'A byte of an event',
            [...'event:', `${type}\ndata: ${word}\n\n`],
            'Any byte is a sign of life, also when no line and no event is complete.',
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
              notCrashed(client, 'while something came');
              if (longest > limit / 2) return false;
              missing('the client waits on');
              throw new Failure({
                cause: `${what} came five times within each IDLE_LIMIT, and the client gave up.`,
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
      'When nothing comes for `IDLE_LIMIT` milliseconds, after the request or in mid-stream, the client says so in one line on standard error and exits with code 1.',
      async () => {
        note('←', '(nothing more, in the stream of the requirement before)');
        await givesUp(silent, silent.limit, 'in mid-stream', silent.printed);
        const took = performance.now() - silent.since;
        // Silence is the same on a slow machine, so the limit is short here. It may be over before the request has come.
        const site = await run.startGraderServer('/report');
        const client = startReader(site.url, shortLimit);
        await site.call(client).catch((error: unknown) => {
          if (!client.end || client.verdict) throw error;
        });
        await givesUp({ site, client }, shortLimit, 'after the request', '');
        // A client with a limit of its own, or on a slow machine, takes so long: a limit that is much longer tells.
        if (took > 4 * silent.limit) await expectPatience(4 * took);
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
        await givesUp(reading, limit, 'in mid-stream', 'message: 0\n');
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
      'Ctrl-C (the signal SIGINT) ends the client: what was complete is printed, then one line on standard error, exit code 130.',
      async () => {
        const [one, two] = random.words(2);
        const reading = await openStream();
        const { client, call } = reading;
        await send(call, `event: step\ndata: ${one}\n\nevent: step\ndata: ${two}\n`);
        await expectPrintedSoon(client, `step: ${one}\n`);
        client.interrupt();
        await endsAfter(reading, 'Ctrl-C');
        const advice = 'An event without its blank line is not complete, however the stream ends.';
        expectPrinted(client, `step: ${one}\n`, advice);
        expectInterrupted(client);
      },
    );
  });

  task({ number: 4, title: 'Take up where you left off', file: 'server.ts' }, () => {
    const resume = (steps: number, lastEventId: string) =>
      server.request(report(steps), { headers: { 'Last-Event-ID': lastEventId } });
    const seeResume = (stream: Exchange, lastEventId: string) => ({
      see: `curl -i -N -H "Last-Event-ID: ${lastEventId}" "http://127.0.0.1:3000${stream.name.slice(4)}"`,
    });

    requirement(
      'A stream begins with the field `retry` and the number `RETRY`; the steps have the ids `1`, `2` and so on, `done` has the next one, and `error` has none.',
      async () => {
        await useServer();
        const steps = random.integer(3, 5);
        const stream = server.request(report(steps));
        await finish(stream);
        expectEvents(stream, eventsOf(steps));
        const begun = parseStream(stream);
        const compare = { expected: `retry: ${retry}\\n`, received: visible(stream.text.slice(0, 40)) };
        expectEach(curl(stream), [
          [
            begun.retry !== undefined,
            'The stream has no field retry: a client would wait as long as it likes.',
            'retry is a field as event and data are: a line, written before the first event.',
            compare,
          ],
          [
            begun.begins,
            'Your server sends the field retry after an event, so a stream that breaks off before it has none.',
            'Write the field retry before the first event.',
            compare,
          ],
          [
            begun.retry === retry,
            'The field retry has another number.',
            'process.env.RETRY says how many milliseconds; the starter has them as a number.',
            { expected: `retry: ${retry}`, received: `retry: ${begun.retry}` },
          ],
          [
            idsOf(begun.events) === idsOf(eventsOf(steps)),
            'The events have other ids.',
            'The field id belongs to its event: before the blank line.',
            { expected: idsOf(eventsOf(steps)), received: idsOf(begun.events) },
          ],
        ]);
        const failing = server.request(report(steps), { failsOnPurpose: true });
        (await nextStep(failing)).release();
        (await nextStep(failing)).fail('the work failed on purpose');
        await finish(failing);
        const error = parseStream(failing).events.at(-1);
        expect(error?.type === 'error' && error.id === undefined, {
          cause: 'The event error has an id: whoever goes on from there has lost the step that failed.',
          compare: { expected: '(no id)', received: `id: ${error?.id}` },
          advice: 'Without an id, a client that connects again gets that step tried once more.',
        });
      },
    );

    requirement(
      'With `Last-Event-ID: 3` the stream goes on with step 4, and no work is done for the steps before it.',
      async () => {
        await useServer();
        const steps = random.integer(5, 8);
        for (const seen of [random.integer(2, steps - 2), steps - 1, steps]) {
          const stream = resume(steps, String(seen));
          const see = seeResume(stream, String(seen));
          const worked = await finish(stream);
          const wanted = eventsOf(steps, seen);
          const { events } = parseStream(stream);
          const [first] = events;
          const after = `the client had seen the event ${seen}`;
          const compare = { expected: list(wanted), received: list(events) };
          expectEach(see, [
            [
              first?.data !== eventsOf(steps)[0]!.data,
              `The stream began from the beginning, and ${after}.`,
              "request.get('Last-Event-ID') is the id of the last event that the client has seen: a text, or undefined.",
              compare,
            ],
            [
              first?.data !== eventsOf(steps)[seen - 1]!.data,
              `The event ${seen} came twice: ${after}.`,
              'Last-Event-ID names the last event that the client has, and nothing else does: the stream begins with the next one.',
              compare,
            ],
            [
              events.length > 0 && (events.length >= wanted.length || first!.data === wanted[0]!.data),
              `The event ${seen + 1} is lost: ${after}.`,
              "A header is a text, and '3' + 1 is '31'. Make a number of it; the next event has that number and one.",
              compare,
            ],
          ]);
          expectEvents(stream, wanted);
          expectEach(see, [
            [
              idsOf(events) === idsOf(wanted),
              'The ids count anew with each connection: after the next break the client would be given a wrong place.',
              'An id is a place in the report, the same in every connection.',
              { expected: idsOf(wanted), received: idsOf(events) },
            ],
            [
              worked <= steps - seen,
              `The server did the work of ${worked} steps, and only ${steps - seen} were missing.`,
              'Begin the loop at the step that is missing, instead of leaving out what was sent.',
            ],
          ]);
        }
      },
    );

    requirement(
      'With the id of `done` the answer is 204, which says that there is no more; with an id that is no whole number, less than 0, or greater than that of `done`, it is 400, and no stream.',
      async () => {
        await useServer();
        const steps = random.integer(3, 6);
        const answer = async (id: string) => {
          const stream = resume(steps, id);
          await finish(stream);
          return { stream, ...seeResume(stream, id) };
        };
        const { stream: over, see } = await answer(String(steps + 1));
        expectStatus(over, 204, {
          cause: 'The client had seen done, and the answer was not 204.',
          advice:
            'An EventSource connects again when a stream ends, and stops only at 204: without it, it asks for ever.',
          see,
        });
        for (const [id, advice] of [
          [
            random.words(1)[0]!,
            'Number makes NaN of a text that is none, and no comparison with NaN is true: Number.isInteger tells.',
          ],
          [String(steps + random.integer(2, 90)), 'An id behind the last event belongs to another report.'],
          ['-1', 'The ids begin with 1.'],
          ['1.5', 'An id is a whole number: Number.isInteger tells.'],
        ] as const) {
          const { stream: refused, see } = await answer(id);
          const cause = `The report has ${steps} steps and no event ${id}, and that id was not refused.`;
          expectStatus(refused, 400, { cause, advice, see });
          expectHeader(refused, 'Content-Type', (type) => !/event-stream/.test(type), '(not text/event-stream)', {
            cause: `The id ${id} was refused, but with an event stream.`,
            advice: 'Refuse an id before you set the headers of the stream.',
            see,
          });
        }
      },
    );

    /** A client that has come back, and waits for its answer. */
    let waiting: Reading;

    requirement(
      '`client.ts`: when a stream with ids ends or breaks off before `done`, it waits for `retry` milliseconds and asks again, with the `Last-Event-ID` of the last event that was complete.',
      async () => {
        const [one, two, three, x, y] = random.words(5);
        const stream = await openStream();
        const { client } = stream;
        await send(
          stream.call,
          `retry: 100\nretry: ${two}\n\nevent: step\nid: ${x}\ndata: ${one}\n\nid: ${y}\ndata: ${two}\n`,
        );
        const atBlankLine = 'An id is any text, and counts when the blank line of its event has come.';
        const second = await comesBack(stream, 'breakOff', 100, x!, atBlankLine);
        await send(begin(second.call), `retry: 20\ndata: ${two}\nid: ${y}\n\ndata: ${three}\n\n`);
        const third = await comesBack(second, 'end', 20, y!, 'An event without an id leaves the id as it was.');
        begin(third.call);
        const keeps = 'A connection without an event leaves the id as it was.';
        const fourth = await comesBack(third, 'breakOff', 20, y!, keeps);
        waiting = fourth;
        // A client that takes so long by itself, or on a slow machine, seems to wait: a much longer wait tells.
        const longer = Math.ceil(4 * Math.min(second.took, third.took, fourth.took));
        if (longer > 100) {
          await send(begin(fourth.call), `retry: ${longer}\nid: ${y}\n\n`);
          waiting = await comesBack(fourth, 'breakOff', longer, y!, keeps);
        }
        const forgets = 'What was not complete when the stream broke off is forgotten.';
        expectPrinted(client, `step: ${one}\nmessage: ${two}\nmessage: ${three}\n`, forgets);
      },
      'client.ts',
    );

    requirement(
      'It asks no more after `done` or `error`, after an answer of 204 (exit code 0), and after any other than 2xx (exit code 1).',
      async () => {
        for (const status of [204, random.pick([400, 404, 500, 503])]) {
          const reading = status === 204 ? waiting : await comeBackOnce();
          note('←', String(status));
          reading.call.response.writeHead(status);
          reading.call.end();
          await endsAfter(reading, `an answer of ${status}`);
          if (status === 204) expectSuccess(reading.client, 'an answer of 204');
          else checkComplaint(reading.client, `an answer of ${status}`);
        }
      },
      'client.ts',
    );

    requirement(
      'The idle limit does not run while the client waits to ask again, and begins anew with each request; Ctrl-C ends the wait as well.',
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
              cause: 'The client gave up while it waited to ask again: retry was longer than IDLE_LIMIT.',
              advice:
                'While nobody is asked, nothing can come. Stop the timer when the stream is over, and start one with the next request.',
            });
          }
          await nextCall(reading, since, 2 * limit, '1');
          const advice =
            'A timer that was cleared does not come back, not even by refresh(): start one with each request.';
          await givesUp(reading, limit, 'after the second request', 'message: one\n', advice);
          return true;
        });

        const reading = await openStream();
        const { site, client, call } = reading;
        await send(call, `retry: ${neverMs}\n\nid: 1\ndata: one\n\n`);
        call.breakOff();
        // Turns of its event loop: by then the client has seen the break.
        for (let turns = 0; turns < 5; turns++) await client.caughtUp();
        client.interrupt();
        const late = () => {
          missing('the end of the client');
          return {
            cause: 'Ctrl-C did not end the client while it waited to ask again.',
            advice:
              'Whatever the client waits for needs the signal of stop: await sleep(retry, undefined, { signal: stop.signal }).',
          };
        };
        await expectSoon(() => client.end ?? client.verdict ?? site.waiting > 0, late, client);
        await endsAfter(reading, 'Ctrl-C');
        expectInterrupted(client);
      },
      'client.ts',
    );

    requirement(
      'Over three cuts at any places your client prints every event of your server once, and so does an `EventSource`, the standard client, which 204 then stops.',
      async () => {
        await useServer();
        const steps = random.integer(8, 10);
        const expected = eventsOf(steps).map(show);
        const cuts = () =>
          Array.from({ length: 3 }, () => ({
            events: random.integer(1, 2),
            bytes: random.integer(0, 30),
            end: random.integer(0, 2) === 0,
          }));

        const site = await startCuttingRelay(server, cuts());
        const client = startReader(`${site}${report(steps)}`, neverMs);
        await releaseSteps(
          () => client.lines.length,
          () => client.end ?? client.verdict,
        );
        await expectEnd(run, client, 'The client goes on running, and the report of your server is over.');
        notCrashed(client, 'while it was reading');
        expectOnce([...client.lines], expected, 'your client', client);
        expectSuccess(client, 'the event done');

        const events: string[] = [];
        const source = new EventSource(`${await startCuttingRelay(server, cuts())}${report(steps)}`);
        atEnd(() => source.close());
        for (const type of ['step', 'done', 'error']) {
          source.addEventListener(type, (event) => {
            if (event instanceof MessageEvent) events.push(show({ type, data: event.data, id: undefined }));
            changed();
          });
        }
        const stopped = () => source.readyState === source.CLOSED;
        await releaseSteps(() => events.length, stopped);
        expectOnce(events, expected, 'a standard EventSource');
        expect(stopped(), {
          cause: 'A standard EventSource has every event of your server, and asks for more, again and again.',
          advice: 'Its Last-Event-ID is that of done: 204 stops it.',
        });
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
  async function comeBackOnce(): Promise<Reading> {
    const reading = await openStream();
    await send(reading.call, 'retry: 20\n\nid: 1\ndata: one\n\n');
    return comesBack(reading, 'breakOff', 20, '1');
  }

  /** The stream is over; the client asks again when `wait` milliseconds are over. `took` is what it has waited. */
  async function comesBack(
    reading: Reading,
    how: 'end' | 'breakOff',
    wait: number,
    lastEventId: string,
    advice?: string,
  ): Promise<Reading & { took: number }> {
    const since = performance.now();
    reading.call[how]();
    const call = await nextCall(reading, since, wait, lastEventId, advice);
    return { ...reading, call, took: call.at - since };
  }

  /** The next request of a client whose stream was not over before `since`: not sooner than `wait` allows, with this id. */
  async function nextCall(
    { site, client }: Reading,
    since: number,
    wait: number,
    lastEventId: string,
    advice = 'An id is any text.',
  ): Promise<Call> {
    const late = () => {
      missing(`a request with Last-Event-ID: ${lastEventId}`);
      return {
        cause: 'The stream was over before done, and the client does not ask again.',
        advice: 'Where the stream is over without done, wait for retry milliseconds, and fetch again.',
      };
    };
    await expectSoon(() => site.waiting > 0 || client.end || client.verdict, late, client, wait + promptMs);
    notCrashed(client, 'when the stream was over');
    expect(site.waiting > 0, {
      cause: 'The stream was over before done, and the client ended instead of asking again.',
      ...lastWords(client),
      advice:
        'A stream that breaks off throws where you read it: that is no reason to end, as long as there is an id to go on from. A second break is no reason either, nor is an event without an id.',
    });
    const call = await site.call(client);
    const took = call.at - since;
    // Clocks count whole milliseconds; nothing else makes a timer come too early.
    expect(took > wait - 3, {
      cause: 'Your client asked again before the time that retry says was over.',
      compare: { expected: `${wait} ms later`, received: `${took.toFixed(0)} ms later` },
      advice:
        'Wait for as many milliseconds as the last field retry says, and ignore a retry that is not all digits. Clients that do not wait overload a server that already has too much to do.',
    });
    const named = call.request.headers['last-event-id'];
    expect(named === lastEventId, {
      cause: named
        ? 'The client named another event as its last one.'
        : 'The client asked again, and did not say where it was.',
      compare: {
        expected: `Last-Event-ID: ${lastEventId}`,
        received: named ? `Last-Event-ID: ${named}` : '(no Last-Event-ID)',
      },
      advice: named
        ? advice
        : "The id that was kept goes into the request: fetch(url, { headers: { 'Last-Event-ID': … } }).",
    });
    return call;
  }

  /** Every event is there once, in order. */
  function expectOnce(events: string[], expected: string[], whose: string, client?: Program): void {
    const twice = events.find((event, i) => events.indexOf(event) < i);
    const lost = expected.find((event) => !events.includes(event));
    expect(events.join('\n') === expected.join('\n'), {
      cause: twice
        ? `The event ${twice} reached ${whose} twice.`
        : lost
          ? `The event ${lost} never reached ${whose}.`
          : `The events reached ${whose} in another order.`,
      compare: { expected: expected.join(' | '), received: events.join(' | ') },
      ...(client && lastWords(client)),
      advice:
        'The connection broke off three times. The id that a client names has to be that of the last event it has, and the stream has to go on with the next.',
    });
  }
});
