import { createServer } from 'node:http';
import { EventSource } from 'eventsource';
import { createParser } from 'eventsource-parser';
import { grader } from '../harness/run/grader.ts';
import { expect } from '../harness/run/failure.ts';
import { checkComplaint, expectEnd, notCrashed } from '../harness/vocabulary/command-line.ts';
import { promptMs, type Server } from '../harness/run/run.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Call, GraderServer } from '../harness/wire/grader-server.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import type { Program } from '../harness/programs/program.ts';
import { freePort } from '../harness/programs/ports.ts';

export default grader((run) => {
  const {
    atEnd,
    expectSoon,
    missing,
    note,
    random,
    requirement,
    sameCapture,
    startClientWith,
    startGraderServer,
    startServer,
    task,
    until,
  } = run;

  /** Milliseconds that no run takes. */
  const never = 60_000;
  /** Milliseconds that the learner's server asks its clients to wait. */
  const retry = 20;

  type Event = { type: string; data: string; id?: string | undefined };

  /** It answers every task; its quiet interval is never over. */
  let server: Server;

  /** What a parser reads from the body so far. */
  function read(stream: Exchange): { events: Event[]; retry: number | undefined; begins: boolean } {
    const events: Event[] = [];
    let retry: number | undefined;
    let begins = false;
    const parser = createParser({
      onEvent: ({ event = 'message', data, id }) => events.push({ type: event, data, id }),
      onRetry: (value) => {
        retry = value;
        begins = events.length === 0;
      },
    });
    parser.feed(stream.text);
    return { events, retry, begins };
  }

  const finished = (stream: Exchange) => stream.ended || stream.broken !== undefined;
  const show = ({ type, data }: Event) => `${type}: ${visible(data)}`;
  const list = (events: Event[]) => events.map(show).join(' | ') || '(no event)';
  const report = (steps: number) => `/report?steps=${steps}`;
  const curl = (stream: Exchange, option = '-N') => ({
    see: `curl ${option} "http://127.0.0.1:3000${stream.name.replace(/^\w+ /, '')}"`,
  });

  /** The events of a report, behind the first `seen`. */
  const eventsOf = (steps: number, seen = 0): Event[] =>
    [
      ...Array.from({ length: steps }, (_, i) => ({ type: 'step', data: `${i + 1} of ${steps}`, id: String(i + 1) })),
      { type: 'done', data: `${steps} steps`, id: String(steps + 1) },
    ].slice(seen);

  /** Lets one step go, when one is held. */
  const release = (program: Program) => program.held[0]?.release();

  /** The step that the server begins now, beside those that it is at already. */
  async function nextStep(program: Program, stream: Exchange, beside = 0) {
    await expectSoon(
      () => program.held.length > beside || finished(stream),
      () => ({
        cause: 'The server does not begin the next step.',
        advice: 'Each step is a call of work: await work(`step ${step}`).',
        ...curl(stream),
      }),
      program,
    );
    checkStays(stream);
    return program.held[beside]!;
  }

  /** Nobody has given up this client, which is still there. */
  function checkStays(stream: Exchange): void {
    expect(!finished(stream), {
      cause: 'The server gave up a client that was still there.',
      compare: {
        expected: 'the next step',
        received: stream.broken === undefined ? '(end of the response)' : '(the connection broke)',
      },
      advice: stream.name.startsWith('POST')
        ? 'The event close of the request comes as soon as the request has been read to its end. The event close of the response comes when its connection is gone, or it has ended.'
        : 'Every response closes, one that has ended too: what you keep about a stream, an AbortController for example, belongs inside of the handler.',
      ...(stream.name.startsWith('GET') && curl(stream)),
    });
  }

  async function finish(program: Program, stream: Exchange): Promise<void> {
    await expectSoon(
      () => {
        release(program);
        return finished(stream);
      },
      () => {
        missing('the end of the response');
        return {
          cause: `The response does not end${read(stream).events.length > 0 ? ` after the event ${read(stream).events.at(-1)!.type}` : ''}.`,
          advice: 'After the last event, response.end() tells the client that nothing more will come.',
          ...curl(stream),
        };
      },
      program,
    );
  }

  /** Exactly these events came, and a proper end. */
  function checkEvents(stream: Exchange, expected: Event[], advice?: string): void {
    expect(stream.status === 200, {
      cause: `${stream.name} answered with status ${stream.status}.`,
      compare: { expected: '200', received: `${stream.status} ${visible(stream.text.slice(0, 80))}` },
      ...(advice && { advice }),
      ...curl(stream, '-i'),
    });
    const { events } = read(stream);
    const compare = { expected: list(expected), received: list(events) };
    expect(list(expected) === list(events), {
      cause: events.length < expected.length ? 'Not all events came.' : 'Other events came.',
      compare,
      ...(advice && { advice }),
      ...curl(stream),
    });
    expect(stream.ended, {
      cause: 'The connection broke before the response had ended.',
      advice: 'response.end() is a proper end.',
      ...curl(stream),
    });
  }

  /** The server waits for no more timers than these. */
  async function checkTimers(program: Program, before: number, when: string): Promise<void> {
    const gone = async () => (await program.caughtUp(), program.timers <= before);
    for (let tries = 0; tries < 20 && !(await gone()); tries++) await until(() => false, 10);
    expect(program.timers <= before, {
      cause: `A timer goes on ${when}: there is one more for each such request.`,
      advice:
        'It keeps the memory of every request ever made. Clear it on each way out of the handler: in a finally, for example.',
    });
  }

  task({ number: 1, title: 'Stop when nobody listens', file: 'server.ts' }, () => {
    const post = (steps: number, who: string) =>
      server.request('/report', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ steps }),
        who,
      });
    const get = (steps: number, who: string) => server.request(report(steps), { who });

    requirement(
      '`GET /report?steps=3`, and `POST /report` with `{"steps": 3}`: a client that stays gets each step when it is done, then `done`, and the end.',
      async () => {
        server = await startServer({ QUIET_INTERVAL: String(never), RETRY: String(retry) });
        const { program } = server;
        for (const ask of [get, get, post]) {
          const steps = random.integer(2, 4);
          const stream = ask(steps, 'client');
          for (let step = 1; step <= steps; step++) {
            const held = await nextStep(program, stream);
            await program.caughtUp();
            checkStays(stream);
            const { events } = read(stream);
            expect(list(events) === list(eventsOf(steps).slice(0, step - 1)), {
              cause: `Other events are on the wire while the server is at step ${step}.`,
              compare: { expected: list(eventsOf(steps).slice(0, step - 1)), received: list(events) },
              ...curl(stream),
            });
            held.release();
          }
          await finish(program, stream);
          checkEvents(stream, eventsOf(steps));
        }
      },
    );

    requirement(
      'When a client goes away, no further step begins for it; other clients get all of theirs.',
      async () => {
        const { program } = server;
        for (const ask of [get, post]) {
          const steps = random.integer(5, 7);
          const stays = get(steps, 'stays');
          const own = await nextStep(program, stays);
          const leaves = ask(steps, 'leaves');
          for (let step = random.integer(1, 3); step > 0; step--) (await nextStep(program, leaves, 1)).release();
          const last = await nextStep(program, leaves, 1);
          leaves.close();
          await program.caughtUp();
          expect(program.held.includes(own), {
            cause: 'One client went away, and the server gave up the step of another.',
            advice: 'Each stream needs an AbortController of its own, made inside of the handler.',
          });
          checkStays(stays);
          if (program.held.includes(last)) last.release();
          await program.caughtUp();
          const further = program.held.find((held) => held !== own && held !== last);
          expect(!further, {
            cause: `The client had gone during ${last.label}, and the server began ${further?.label} all the same.`,
            advice: `Only the event close of the response tells: ${
              ask === post
                ? 'the events of a request whose body has been read come too early, or not at all'
                : 'finish comes when all has been sent, writableEnded is about your own end(), and writing into a connection that is gone throws nothing'
            }.`,
          });
          await finish(program, stays);
          checkEvents(stays, eventsOf(steps), 'One client went away; this one had stayed.');
        }
      },
    );

    requirement('The step that is going on is given up: its `work` has a `signal`, which aborts.', async () => {
      const { program } = server;
      for (const ask of [get, post]) {
        const leaves = ask(random.integer(2, 5), 'leaves');
        const held = await nextStep(program, leaves);
        leaves.close();
        await expectSoon(
          () => !program.held.includes(held),
          () => {
            missing(`given up: ${held.label}`);
            return {
              cause: `The client has gone, and ${held.label} still goes on: nothing tells it.`,
              advice:
                'Pass a signal, work(label, { signal }), and abort its AbortController when the response closes. work then rejects at once.',
            };
          },
          program,
        );
      }
    });

    requirement(
      'Nothing is left of it: no timer outlives the connection, and the server prints no error, because a client that goes away is none.',
      async () => {
        const { program } = server;
        await program.caughtUp();
        const before = program.timers;
        const printed = program.stderr.length;
        for (const ask of [get, post]) {
          const leaves = ask(random.integer(2, 5), 'leaves');
          (await nextStep(program, leaves)).release();
          await nextStep(program, leaves);
          leaves.close();
          await until(() => program.held.length === 0);
          await checkTimers(program, before, 'after its client has gone');
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

  // Their clients begin together.
  task({ number: 2, title: 'Fail in mid-stream', file: 'server.ts' }, () => {
    let failed: Exchange;
    const [name, host] = random.words(2);
    const message = `no connection to the database ${name} at ${host}.internal:5432`;
    const steps = random.integer(4, 6);
    let done = 0;

    requirement(
      'A step that fails after others were sent: an event `error` with a text of yours, no further step, no `done`, and a proper end.',
      async () => {
        const { program } = server;
        failed = server.request(report(steps), { failsOnPurpose: true });
        for (let step = random.integer(1, 2); step > 0; step--, done++) (await nextStep(program, failed)).release();
        const { label, fail } = await nextStep(program, failed);
        fail(message);
        await until(() => finished(failed) || program.held.length > 0);
        expect(program.held.length === 0, {
          cause: `${label[0]!.toUpperCase()}${label.slice(1)} had failed, and the server began the next one.`,
          advice: 'A try inside of the loop goes on after its catch: leave the loop, or put the try around it.',
          ...fails(label),
        });
        const { events } = read(failed);
        const error = events.find(({ type }) => type === 'error');
        expect(failed.broken === undefined, {
          cause: `The work failed in ${label}, and the connection broke off: to the client, that could be a cable as well.`,
          advice: error
            ? 'After the event error, the response needs a proper end, response.end(), and the handler must not throw.'
            : 'The status 200 is sent already, so nothing but an event can tell. Catch the error, send the event error, and end the response.',
          ...fails(label),
        });
        expect(finished(failed) || error, {
          cause: `The work failed in ${label}, and the client hears nothing: no event, and no end.`,
          advice: 'await throws what the work throws. Catch it, send the event error, and end the response.',
          ...fails(label),
        });
        expect(finished(failed), {
          cause: 'The event error came, and the response does not end.',
          advice: 'After the last event, response.end() tells the client that nothing more will come.',
          ...fails(label),
        });
        expect(error, {
          cause: `The work failed in ${label}, and the stream ended without the event error.`,
          compare: { expected: `${list(eventsOf(steps).slice(0, done))} | error: …`, received: list(events) },
          advice:
            'The status 200 is sent already, so only an event can tell. A proper end alone says that this was all: half a report would be taken for a whole one.',
          ...fails(label),
        });
        expect(error.data.trim() !== '', {
          cause: 'The event error has no text.',
          advice: 'Say in a few words what the client can do with.',
          ...fails(label),
        });
        checkEvents(failed, [...eventsOf(steps).slice(0, done), error], 'The event error is the last one.');
      },
    );

    const fails = (label: string) => ({ see: `WORK_FAILS="${label}" npm run try lesson-4` });

    requirement(
      "Nothing of the error's own text or its stack goes to the client; the server prints it, for whoever runs the server.",
      async () => {
        sameCapture();
        const { program } = server;
        const said = read(failed).events.at(-1)!.data;
        expect(
          ![name, host, '5432'].some((word) => failed.text.includes(word!)) &&
            !/\bat .*:\d+|\.ts\b|node_modules/.test(said),
          {
            cause: "The client was sent the error's own text, with what is nobody's business.",
            compare: { expected: 'a text of yours', received: visible(said.split('\n')[0]!) },
            advice:
              'Errors name hosts, paths and queries. Write what happened for the client, and print the error for yourself.',
            ...fails(`step ${done + 1}`),
          },
        );
        await expectSoon(
          () => `${program.stderr}${program.stdout}`.includes(message),
          () => ({
            cause:
              'The client was rightly told no details, and the server printed nothing: the error is nowhere to be found.',
            advice: 'console.error prints the error with its stack.',
            see: `WORK_FAILS="step ${done + 1}" node --import tsx lessons/04-disconnects/server.ts`,
          }),
          program,
        );
      },
    );

    requirement('No timer is left, other streams go on, and the server serves the next report.', async () => {
      const { program } = server;
      await program.caughtUp();
      const before = program.timers;
      const fails = server.request(report(steps), { who: 'fails', failsOnPurpose: true });
      (await nextStep(program, fails)).release();
      const held = await nextStep(program, fails);
      const goesOn = server.request(report(steps), { who: 'goes on' });
      await nextStep(program, goesOn, 1);
      held.fail(message);
      await until(() => finished(fails));
      checkStays(goesOn);
      await finish(program, goesOn);
      checkEvents(goesOn, eventsOf(steps), 'The work of another stream had failed.');
      await checkTimers(program, before, 'after its work has failed');
      const next = server.request(report(2));
      await finish(program, next);
      checkEvents(next, eventsOf(2));
    });

    requirement(
      '`client.ts` exits with code 0 after the event `done`; after an event `error`, or when a stream without ids ends or breaks off before `done`, it says so in one line on standard error and exits with code 1.',
      async () => {
        const [one, two] = random.words(2);
        const ways: { what: string; last?: string; end: (call: Call) => void; advice: string; fails: boolean }[] = [
          {
            what: 'the event done',
            last: 'done',
            end: (call) => call.end(),
            advice: 'done is the end that was agreed on.',
            fails: false,
          },
          {
            what: 'the event error',
            last: 'error',
            end: (call) => call.end(),
            advice: 'Remember the type of the last event until the stream is over.',
            fails: true,
          },
          {
            what: 'a stream that ended before done',
            end: (call) => call.end(),
            advice:
              'A proper end only says that the response is complete: a proxy or a server that is stopped ends one, too. Only done says that the report is.',
            fails: true,
          },
          {
            what: 'a stream that broke off before done',
            end: (call) => call.breakOff(),
            advice: 'The error of the stream is no end of the report: let it through to where it is said.',
            fails: true,
          },
        ];
        for (const { what, last, end, advice, fails } of ways) {
          const site = await startGraderServer('/report');
          const client = startReader(site.url);
          const call = begin(await site.call(client));
          // After done and error there is nothing to go on with, id or not.
          await call.send(`event: step\n${last ? 'id: 1\n' : ''}data: ${one}\n\n`);
          if (last) await call.send(`event: ${last}\ndata: ${two}\n\n`);
          end(call);
          await endsAfter(site, client, what);
          checkPrinted(client, `step: ${one}\n${last ? `${last}: ${two}\n` : ''}`);
          if (!fails) {
            checkSuccess(client, what);
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

  /** The client ends, and sends no further request. */
  async function endsAfter(site: GraderServer, client: Program, what: string): Promise<void> {
    await until(() => client.end ?? client.verdict ?? site.waiting > 0, 2 * promptMs);
    expect(site.waiting === 0, {
      cause: `The client asked again after ${what}.`,
      advice: 'Connect again only when there is more to come, and an id to go on from.',
    });
    await expectEnd(run, client, `The client goes on running after ${what}.`);
  }

  /** The client has printed exactly this. */
  function checkPrinted(client: Program, expected: string, advice?: string): void {
    const received = client.stdout.replaceAll('\r\n', '\n');
    const more = received.startsWith(expected);
    if (!more) advice ??= 'Print every event on standard output; standard error is for your own line.';
    expect(received === expected, {
      cause: more
        ? 'The client printed more than the events that were complete.'
        : 'The client did not print the events that came.',
      compare: { expected: visible(expected) || '(nothing)', received: visible(received) || '(nothing)' },
      ...(advice && { advice }),
      ...(client.stderr && { output: client.stderr.trim().split('\n').slice(0, 4).join('\n') }),
    });
  }

  function checkSuccess(client: Program, what: string): void {
    notCrashed(client, `after ${what}`);
    expect(client.end?.code === 0, {
      cause: `The client did not exit with code 0 after ${what}.`,
      compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
      ...(client.stderr && { output: client.stderr.trim().split('\n').slice(0, 4).join('\n') }),
    });
  }

  /** A client at the grader's server, and its first request, answered with the head of a stream. */
  async function openStream(idleLimit = never): Promise<{ site: GraderServer; client: Program; call: Call }> {
    const site = await startGraderServer('/report');
    const client = startReader(site.url, idleLimit);
    return { site, client, call: begin(await site.call(client)) };
  }

  /** Whatever limit the shell of the learner has left behind. */
  const startReader = (url: string, idleLimit = never) => startClientWith({ IDLE_LIMIT: String(idleLimit) }, url);

  function begin(call: Call): Call {
    call.response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    note('←', '200 OK');
    return call;
  }

  /** The client has printed this by now; it still runs. */
  async function expectPrinted(client: Program, expected: string, advice?: string): Promise<void> {
    await expectSoon(
      () => client.stdout.replaceAll('\r\n', '\n').length >= expected.length || client.end,
      () => ({
        cause: 'The client did not print an event that was complete.',
        compare: { expected: visible(expected), received: visible(client.stdout) || '(nothing)' },
      }),
      client,
    );
    checkPrinted(client, expected, advice);
  }

  task({ number: 3, title: 'Give up in time', file: 'client.ts' }, () => {
    /** One that something comes for, and then nothing any more. */
    let moving: Awaited<ReturnType<typeof openStream>>;
    let expected = '';
    let limit = 0;

    requirement(
      '`IDLE_LIMIT` is not a limit for the whole stream: as long as something comes within so many milliseconds, the client goes on; comments count, and so does a part of an event.',
      async () => {
        const [word, type] = random.words(2);
        const pieces = [0, 1, 2, 3, 4, 5];
        const phases = [
          {
            what: 'An event',
            texts: pieces.map((i) => `data: ${i}\n\n`),
            advice:
              'AbortSignal.timeout, and a timer that is started once, limit the whole stream. Start the timer again with each piece that comes.',
          },
          {
            what: 'A comment',
            texts: pieces.map(() => `: ${word}\n\n`),
            advice: 'Comments are sent for this: any byte is a sign of life, not only an event.',
          },
          {
            what: 'A byte of an event',
            texts: [...'event:'],
            advice: 'Any byte is a sign of life, also when no line and no event is complete.',
          },
        ];
        /** @returns false when this machine was too slow to tell. */
        const moves = async (last: boolean): Promise<boolean> => {
          let before = performance.now();
          let longest = 0;
          note('·', `IDLE_LIMIT=${limit}`);
          // It may even give up before its request has arrived.
          const opened = await openStream(limit).catch((error: Error) => {
            if (last) throw error;
          });
          if (!opened) return false;
          moving = opened;
          const { client, call } = opened;
          const send = async (text: string, what: string, advice: string) => {
            await call.send(text);
            // What ends a client may lie a few pieces back.
            longest = Math.max(longest, performance.now() - before);
            before = performance.now();
            if (client.end && longest > limit / 2 && !last) return false;
            if (client.end) missing('the client waits on');
            expect(!client.end && !client.verdict, {
              cause: `${what} came five times within each IDLE_LIMIT, and the client gave up.`,
              advice,
            });
            return true;
          };
          for (const { what, texts, advice } of phases) {
            for (const text of texts) {
              await until(() => client.end, limit / 5);
              if (!(await send(text, what, advice))) return false;
            }
          }
          if (!(await send(`${type}\ndata: ${word}\n\n`, 'An event', phases[0]!.advice))) return false;
          expected = `${pieces.map((i) => `message: ${i}\n`).join('')}${type}: ${word}\n`;
          await until(() => client.stdout.length >= expected.length || client.end);
          checkPrinted(client, expected);
          return true;
        };
        for (limit of [90, 1000, 5000]) if (await moves(limit === 5000)) return;
      },
    );

    requirement(
      'When nothing comes for `IDLE_LIMIT` milliseconds, after the request or in mid-stream, the client says so in one line on standard error and exits with code 1.',
      async () => {
        note('←', '(nothing more, in the stream of the requirement before)');
        await givesUp(moving.site, moving.client, limit, 'in mid-stream', expected);
        const site = await startGraderServer('/report');
        const client = startReader(site.url, limit);
        await until(() => site.waiting > 0 || client.end || client.verdict, 4 * promptMs);
        if (site.waiting > 0) await site.call(client);
        await givesUp(site, client, limit, 'after the request', '');
      },
    );

    requirement(
      'Ctrl-C (the signal SIGINT) ends the client: what was complete is printed, then one line on standard error, exit code 130.',
      async () => {
        const [one, two] = random.words(2);
        const { site, client, call } = await openStream();
        await call.send(`event: step\ndata: ${one}\n\nevent: step\ndata: ${two}\n`);
        await expectPrinted(client, `step: ${one}\n`);
        client.interrupt();
        await endsAfter(site, client, 'Ctrl-C');
        checkPrinted(
          client,
          `step: ${one}\n`,
          'An event without its blank line is not complete, however the stream ends.',
        );
        checkInterrupted(client);
      },
    );
  });

  /** The client ends after so much silence, and says so. */
  async function givesUp(
    site: GraderServer,
    client: Program,
    limit: number,
    when: string,
    printed: string,
    advice?: string,
  ): Promise<void> {
    await expectSoon(
      () => client.end ?? client.verdict ?? site.waiting > 0,
      () => {
        missing(`the client gives up (IDLE_LIMIT=${limit})`);
        return {
          cause: `Nothing came ${when} for more than ten times IDLE_LIMIT, and the client still waits.`,
          advice:
            advice ??
            'A timer has to end the waiting: let it abort the signal of the request. process.env.IDLE_LIMIT says how many milliseconds it takes.',
          ...(!advice && { see: 'IDLE_LIMIT=500 npm run try lesson-4' }),
        };
      },
      client,
      10 * limit + promptMs,
    );
    await endsAfter(site, client, `silence ${when}`);
    checkPrinted(client, printed, 'Nothing more had come.');
    checkComplaint(client, `silence ${when}`, {
      silent: 'A stream that is given up must not look like one that has ended: console.error writes there.',
    });
  }

  /** The client has ended after Ctrl-C as it should. */
  function checkInterrupted(client: Program): void {
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

  task({ number: 4, title: 'Take up where you left off', file: 'server.ts' }, () => {
    const resume = (steps: number, lastEventId: string) =>
      server.request(report(steps), { headers: { 'Last-Event-ID': lastEventId } });
    const seeResume = (stream: Exchange, lastEventId: string) => ({
      see: `curl -i -N -H "Last-Event-ID: ${lastEventId}" "http://127.0.0.1:3000${stream.name.slice(4)}"`,
    });

    requirement(
      'A stream begins with the field `retry` and the number `RETRY`; the steps have the ids `1`, `2` and so on, `done` has the next one, and `error` has none.',
      async () => {
        const { program } = server;
        const steps = random.integer(3, 5);
        const stream = server.request(report(steps));
        await finish(program, stream);
        checkEvents(stream, eventsOf(steps));
        const begun = read(stream);
        expect(begun.retry !== undefined, {
          cause: 'The stream has no field retry: a client would wait as long as it likes.',
          compare: { expected: `retry: ${retry}\\n`, received: visible(stream.text.slice(0, 40)) },
          advice: 'retry is a field as event and data are: a line, written before the first event.',
          ...curl(stream),
        });
        expect(begun.retry === retry && begun.begins, {
          cause: begun.begins
            ? 'The field retry has another number.'
            : 'The field retry comes behind an event: a stream that breaks off before it has none.',
          ...(begun.begins && {
            compare: { expected: `retry: ${retry}`, received: `retry: ${begun.retry}` },
            advice: 'process.env.RETRY says how many milliseconds; the starter has them as a number.',
          }),
          ...curl(stream),
        });
        const ids = (events: Event[]) => events.map(({ id }) => id ?? '(none)').join(', ');
        expect(ids(begun.events) === ids(eventsOf(steps)), {
          cause: 'The events have other ids.',
          compare: { expected: ids(eventsOf(steps)), received: ids(begun.events) },
          advice: 'The field id belongs to its event: before the blank line.',
          ...curl(stream),
        });
        const failing = server.request(report(steps), { failsOnPurpose: true });
        (await nextStep(program, failing)).release();
        (await nextStep(program, failing)).fail('the work failed on purpose');
        await finish(program, failing);
        const error = read(failing).events.at(-1);
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
        const { program } = server;
        const steps = random.integer(5, 8);
        for (const seen of [random.integer(2, steps - 2), steps - 1, steps]) {
          const stream = resume(steps, String(seen));
          let worked = 0;
          await until(() => {
            if (program.held.length > 0) worked++;
            release(program);
            return finished(stream);
          });
          await finish(program, stream);
          const { events } = read(stream);
          const [first] = events;
          const wanted = eventsOf(steps, seen);
          const after = `the client had seen the event ${seen}`;
          expect(first?.data !== eventsOf(steps)[0]!.data, {
            cause: `The stream began from the beginning, and ${after}.`,
            compare: { expected: list(wanted), received: list(events) },
            advice:
              "request.get('Last-Event-ID') is the id of the last event that the client has seen: a text, or undefined.",
            ...seeResume(stream, String(seen)),
          });
          expect(first?.data !== eventsOf(steps)[seen - 1]!.data, {
            cause: `The event ${seen} came twice: ${after}.`,
            compare: { expected: list(wanted), received: list(events) },
            advice:
              'Last-Event-ID names the last event that the client has, and nothing else does: the stream begins with the next one.',
            ...seeResume(stream, String(seen)),
          });
          expect(events.length > 0 && (events.length >= wanted.length || first!.data === wanted[0]!.data), {
            cause: `The event ${seen + 1} is lost: ${after}.`,
            compare: { expected: list(wanted), received: list(events) },
            advice:
              "A header is a text, and '3' + 1 is '31'. Make a number of it; the next event has that number and one.",
            ...seeResume(stream, String(seen)),
          });
          checkEvents(stream, wanted);
          const ids = (all: Event[]) => all.map(({ id }) => id ?? '(none)').join(', ');
          expect(ids(events) === ids(wanted), {
            cause:
              'The ids count anew with each connection: after the next break the client would be given a wrong place.',
            compare: { expected: ids(wanted), received: ids(events) },
            advice: 'An id is a place in the report, the same in every connection.',
            ...seeResume(stream, String(seen)),
          });
          expect(worked <= steps - seen, {
            cause: `The server did the work of ${worked} steps, and only ${steps - seen} were missing.`,
            advice: 'Begin the loop at the step that is missing, instead of leaving out what was sent.',
            ...seeResume(stream, String(seen)),
          });
        }
      },
    );

    requirement(
      'With the id of `done` the answer is 204, which says that there is no more; with an id that is no whole number, less than 0, or greater than that of `done`, it is 400, and no stream.',
      async () => {
        const { program } = server;
        const steps = random.integer(3, 6);
        const answer = async (id: string) => {
          const stream = resume(steps, id);
          await until(() => {
            release(program);
            return finished(stream);
          });
          await finish(program, stream);
          return stream;
        };
        const over = await answer(String(steps + 1));
        expect(over.status === 204, {
          cause: 'The client had seen done, and the answer was not 204.',
          compare: { expected: '204', received: `${over.status} ${visible(over.text.slice(0, 80))}` },
          advice:
            'An EventSource connects again when a stream ends, and stops only at 204: without it, it asks for ever.',
          ...seeResume(over, String(steps + 1)),
        });
        const wrong: [string, string][] = [
          [
            random.words(1)[0]!,
            'Number makes NaN of a text that is none, and no comparison with NaN is true: Number.isInteger tells.',
          ],
          [String(steps + random.integer(2, 90)), 'An id behind the last event belongs to another report.'],
          ['-1', 'The ids begin with 1.'],
          ['1.5', 'An id is a whole number: Number.isInteger tells.'],
        ];
        for (const [id, advice] of wrong) {
          const refused = await answer(id);
          expect(refused.status === 400 && !/event-stream/.test(refused.headers['content-type'] ?? ''), {
            cause: `The report has ${steps} steps and no event ${id}, and that id was not refused.`,
            compare: { expected: '400', received: `${refused.status} ${visible(refused.text.slice(0, 80))}` },
            advice,
            ...seeResume(refused, id),
          });
        }
      },
    );

    /** A client that has come back, and waits for its answer. */
    let waiting: Awaited<ReturnType<typeof breaksOff>>;

    requirement(
      '`client.ts`: when a stream with ids ends or breaks off before `done`, it waits for `retry` milliseconds and asks again, with the `Last-Event-ID` of the last event that was complete.',
      async () => {
        const [one, two, three, x, y] = random.words(5);
        const { site, client, call } = await openStream();
        let shortest = Infinity;
        const next = async (wait: number, id: string, advice: string) => {
          const since = performance.now();
          const again = await nextCall(site, client, wait, id, advice);
          shortest = Math.min(shortest, again.at - since);
          return again;
        };
        await call.send(`retry: 100\nretry: ${two}\n\nevent: step\nid: ${x}\ndata: ${one}\n\nid: ${y}\ndata: ${two}\n`);
        call.breakOff();
        const second = begin(
          await next(100, x!, 'An id is any text, and counts when the blank line of its event has come.'),
        );
        const keeps = 'An event without an id leaves the id as it was.';
        await second.send(`retry: 20\ndata: ${two}\nid: ${y}\n\ndata: ${three}\n\n`);
        second.end();
        const third = begin(await next(20, y!, keeps));
        third.breakOff();
        const fourth = await next(20, y!, 'A connection without an event leaves the id as it was.');
        checkPrinted(
          client,
          `step: ${one}\nmessage: ${two}\nmessage: ${three}\n`,
          'What was not complete when the stream broke off is forgotten.',
        );
        waiting = { site, client, call: fourth };
        // A wait of its own, or a slow machine: one that would be too short tells.
        if (shortest > 400) await breaksOff(1200);
      },
      'client.ts',
    );

    requirement(
      'It asks no more after `done` or `error`, after an answer of 204 (exit code 0), and after any other than 2xx (exit code 1).',
      async () => {
        for (const status of [204, random.pick([400, 404, 500, 503])]) {
          const { site, client, call } = status === 204 ? waiting : await breaksOff(20);
          note('←', String(status));
          call.response.writeHead(status);
          call.end();
          await endsAfter(site, client, `an answer of ${status}`);
          if (status === 204) checkSuccess(client, 'an answer of 204');
          else checkComplaint(client, `an answer of ${status}`);
        }
      },
      'client.ts',
    );

    requirement(
      'The idle limit does not run while the client waits to ask again, and begins anew with each request; Ctrl-C ends the wait as well.',
      async () => {
        /** @returns false when this machine was too slow to tell. */
        const comesBack = async (limit: number, last: boolean): Promise<boolean> => {
          const began = performance.now();
          note('·', `IDLE_LIMIT=${limit}`);
          const opened = await openStream(limit).catch((error: Error) => {
            if (last) throw error;
          });
          if (!opened) return false;
          const { site, client, call } = opened;
          await call.send(`retry: ${2 * limit}\n\nid: 1\ndata: one\n\n`);
          const slow = performance.now() - began > limit / 2;
          call.breakOff();
          await until(() => client.end ?? client.verdict ?? site.waiting > 0, 2 * limit + 2 * promptMs);
          if (client.end && slow && !last) return false;
          if (site.waiting === 0) missing('a request with Last-Event-ID: 1');
          expect(!client.end, {
            cause: 'The client gave up while it waited to ask again: retry was longer than IDLE_LIMIT.',
            advice:
              'While nobody is asked, nothing can come. Stop the timer when the stream is over, and start one with the next request.',
          });
          await site.call(client);
          await givesUp(
            site,
            client,
            limit,
            'after the second request',
            'message: one\n',
            'A timer that was cleared does not come back, not even by refresh(): start one with each request.',
          );
          return true;
        };
        for (const limit of [90, 1000, 5000]) if (await comesBack(limit, limit === 5000)) break;

        const { site, client, call } = await openStream();
        await call.send(`retry: ${never}\n\nid: 1\ndata: one\n\n`);
        call.breakOff();
        // Until it has seen the break.
        for (let turns = 0; turns < 5; turns++) await client.caughtUp();
        client.interrupt();
        await expectSoon(
          () => client.end ?? client.verdict ?? site.waiting > 0,
          () => {
            missing('the end of the client');
            return {
              cause: 'Ctrl-C did not end the client while it waited to ask again.',
              advice:
                'Whatever the client waits for needs the signal of stop: await sleep(retry, undefined, { signal: stop.signal }).',
            };
          },
          client,
        );
        await endsAfter(site, client, 'Ctrl-C');
        checkInterrupted(client);
      },
      'client.ts',
    );

    requirement(
      'Over three cuts at any places your client prints every event of your server once, and so does an `EventSource`, the standard client, which 204 then stops.',
      async () => {
        const { program } = server;
        const steps = random.integer(8, 10);
        const expected = eventsOf(steps).map(show);
        const cuts = () =>
          Array.from({ length: 3 }, () => ({
            events: random.integer(1, 2),
            bytes: random.integer(0, 30),
            end: random.integer(0, 2) === 0,
          }));

        const site = await openRelay(server, cuts());
        const client = startReader(`${site}${report(steps)}`);
        const printed = () => client.stdout.trimEnd().split(/\r?\n/);
        await until(() => {
          release(program);
          return client.end ?? client.verdict;
        }, 3 * promptMs);
        await expectEnd(run, client, 'The client goes on running, and the report of your server is over.');
        checkOnce(printed(), expected, 'your client', client.stderr);
        checkSuccess(client, 'the event done');

        const received: string[] = [];
        const source = new EventSource(`${await openRelay(server, cuts())}${report(steps)}`);
        atEnd(() => source.close());
        for (const type of ['step', 'done', 'error']) {
          source.addEventListener(type, (event) => {
            if (event instanceof MessageEvent) received.push(show({ type, data: event.data }));
          });
        }
        const stopped = () => source.readyState === source.CLOSED;
        for (let tries = 0; tries < 3 * promptMs && !stopped(); tries += 10)
          await until(() => (release(program), stopped()), 10);
        checkOnce(received, expected, 'a standard EventSource');
        expect(stopped(), {
          cause: 'A standard EventSource has every event of your server, and asks for more, again and again.',
          advice: 'Its Last-Event-ID is that of done: 204 stops it.',
        });
      },
    );
  });

  /** A client whose stream has broken off behind the event 1, and its next request. */
  async function breaksOff(wait: number): Promise<{ site: GraderServer; client: Program; call: Call }> {
    const { site, client, call } = await openStream();
    await call.send(`retry: ${wait}\n\nid: 1\ndata: one\n\n`);
    call.breakOff();
    return { site, client, call: await nextCall(site, client, wait, '1') };
  }

  /** The stream is over. The client asks again with this id; of a `wait` of more than 60 ms it can be told that it was kept. */
  async function nextCall(
    site: GraderServer,
    client: Program,
    wait: number,
    lastEventId: string,
    advice = 'An id is any text.',
  ): Promise<Call> {
    const since = performance.now();
    await expectSoon(
      () => site.waiting > 0 || client.end || client.verdict,
      () => {
        missing(`a request with Last-Event-ID: ${lastEventId}`);
        return {
          cause: 'The stream was over before done, and the client does not ask again.',
          advice: 'Where the stream is over without done, wait for retry milliseconds, and fetch again.',
        };
      },
      client,
      wait + promptMs,
    );
    notCrashed(client, 'when the stream was over');
    expect(site.waiting > 0, {
      cause: 'The stream was over before done, and the client ended instead of asking again.',
      ...(client.stderr && { output: client.stderr.trim().split('\n').slice(0, 4).join('\n') }),
      advice:
        'A stream that breaks off throws where you read it: that is no reason to end, as long as there is an id to go on from. A second break is no reason either, nor is an event without an id.',
    });
    const call = await site.call(client);
    // A timer counts from the beginning of the turn in which it was set, and a turn may take long where others work too.
    expect(call.at - since > wait - 60, {
      cause: 'The client asked again before retry was over.',
      compare: { expected: `${wait} ms later`, received: call.at - since < wait / 2 ? 'at once' : 'sooner' },
      advice:
        'The field retry says how many milliseconds a client waits. One that is not all digits is ignored. A server that is overloaded is overloaded more by clients that do not wait.',
    });
    const received = call.request.headers['last-event-id'];
    expect(received === lastEventId, {
      cause: received
        ? 'The client named another event as its last one.'
        : 'The client asked again, and did not say where it was.',
      compare: {
        expected: `Last-Event-ID: ${lastEventId}`,
        received: received ? `Last-Event-ID: ${received}` : '(no Last-Event-ID)',
      },
      advice: received
        ? advice
        : "The id that was kept goes into the request: fetch(url, { headers: { 'Last-Event-ID': … } }).",
    });
    return call;
  }

  /** Every event is there once, in order. */
  function checkOnce(received: string[], expected: string[], whose: string, stderr = ''): void {
    if (received.join('\n') === expected.join('\n')) return;
    const twice = received.find((event, i) => received.indexOf(event) < i);
    const lost = expected.find((event) => !received.includes(event));
    expect(false, {
      cause: twice
        ? `The event ${twice} reached ${whose} twice.`
        : lost
          ? `The event ${lost} never reached ${whose}.`
          : `The events reached ${whose} in another order.`,
      compare: { expected: expected.join(' | '), received: received.join(' | ') },
      ...(stderr.trim() && { output: stderr.trim().split('\n').slice(0, 4).join('\n') }),
      advice:
        'The connection broke off three times. The id that a client names has to be that of the last event it has, and the stream has to go on with the next.',
    });
  }

  /** Where to break a connection off: behind so many events and so many bytes of the next; by a proper end, or without. */
  type Cut = { events: number; bytes: number; end: boolean };

  /** Stands between a client and the learner's server, and breaks off one connection after the other. */
  async function openRelay({ request: ask }: Server, cuts: Cut[]): Promise<string> {
    const relay = createServer(async (request, response) => {
      const lastEventId = request.headers['last-event-id'];
      const sent = ask(request.url!, {
        headers: lastEventId === undefined ? {} : { 'Last-Event-ID': String(lastEventId) },
      });
      response.on('close', () => sent.close());
      // A server that has ended is reported by the requirement that waits for it.
      const answered = await until(() => sent.status ?? finished(sent), never).catch(() => false);
      if (!answered || sent.status === undefined) return response.destroy();
      response.writeHead(sent.status, { 'content-type': sent.headers['content-type'] ?? 'text/plain' }).flushHeaders();
      const cut = sent.status === 200 ? cuts.shift() : undefined;
      for (let passed = 0; ;) {
        const body = Buffer.concat(sent.chunks.map((chunk) => chunk.bytes));
        const place = cut && placeOf(cut, sent.text);
        response.write(body.subarray(passed, place));
        passed = body.length;
        if (place !== undefined) {
          sent.close();
          return cut!.end ? response.end() : setImmediate(() => response.destroy());
        }
        if (sent.ended) return response.end();
        if (sent.broken !== undefined || response.destroyed) return response.destroy();
        await until(() => sent.text.length > passed || finished(sent) || response.destroyed, never).catch(() =>
          response.destroy(),
        );
      }
    });
    const port = await freePort();
    await new Promise<void>((resolve) => relay.listen(port, '127.0.0.1', resolve));
    atEnd(() => {
      relay.close();
      relay.closeAllConnections();
    });
    return `http://127.0.0.1:${port}`;
  }

  /** The place of a cut in a body, as soon as it is there. */
  function placeOf({ events, bytes }: Cut, text: string): number | undefined {
    const ends = [...text.matchAll(/^data[^]*?(\r\n\r\n|\n\n|\r\r)/gm)].map((match) => match.index + match[0].length);
    const place = (ends[events - 1] ?? Infinity) + bytes;
    return place <= text.length ? place : undefined;
  }
});
