import { isDeepStrictEqual } from 'node:util';
import { freePort } from '../harness/programs/ports.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { checkComplaint, expectEnd, longestPause } from '../harness/vocabulary/command-line.ts';
import { watchTurns } from '../harness/vocabulary/event-loop.ts';
import { expectHeader, expectStatus, finished, release, untilEnd, workMs } from '../harness/vocabulary/http.ts';
import { startReading, type Reading } from '../harness/vocabulary/printed-lines.ts';
import { drain, withoutWorkClock } from '../harness/vocabulary/work-clock.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, sameCapture, startClient, startServer, task, until } = run;

  const messages = [1, 2, 3, 4, 5].map((i) => `Message ${i}\n`);
  const body = messages.join('');
  const see = { see: 'curl -N http://127.0.0.1:3000/stream' };
  const seeHeaders = { see: 'curl -i http://127.0.0.1:3000/stream' };
  const seeTwice = { ...see, seeHow: 'in two terminals' };
  const seeAgain = { ...see, seeHow: 'twice' };

  const awaitWork =
    'Wait only with await work(…): a loop that waits, or a call whose name ends in Sync, blocks the event loop.';

  let server: Server;

  /** How many messages have arrived: lines that say something, or chunks where there are no lines. */
  function arrived({ text, chunks }: Exchange): number {
    const lines = text.split('\n').slice(0, -1);
    return lines.length > 0 ? lines.filter((line) => line.trim() !== '').length : chunks.length;
  }

  const complete = (stream: Exchange) => finished(stream) || arrived(stream) >= messages.length;

  function expectAnswer(
    exchange: Exchange,
    status: number,
    explanation: Pick<Explanation, 'advice' | 'see' | 'seeHow' | 'compare'>,
  ): void {
    const { name, broken } = exchange;
    const cause = `Your server answered ${name} with status ${exchange.status}.`;
    if (exchange.status !== undefined) expectStatus(exchange, status, { cause, ...explanation });
    expect(broken === undefined, {
      cause: `Your server closed the connection of ${name} before it had ended the response: ${broken}.`,
      advice: 'Write the whole response, and then end it with response.end().',
      ...see,
    });
  }

  const expectMessages = (stream: Exchange) =>
    expectAnswer(stream, 200, {
      advice: 'Send the messages in this handler, and leave out response.status: the status is 200 by itself.',
      ...seeHeaders,
    });

  const expectBody = ({ text }: Exchange, explanation: Explanation) =>
    expect(text === body, {
      compare: { expected: visible(body), received: visible(text) || '(nothing)' },
      ...explanation,
    });

  async function expectStreamEnd(stream: Exchange): Promise<void> {
    await drain(server, stream, complete);
    const endless = {
      cause: 'Your server sent the last message, but did not end the response.',
      advice: 'Call response.end() after the last message: this call tells the client that nothing more will come.',
      ...see,
    };
    await untilEnd(server, stream, (silence) => ({ ...endless, ...silence }), endless, promptMs);
    expectMessages(stream);
  }

  task({ number: 1, title: 'Send each message as soon as it is ready', file: 'server.ts', asksForWork: true }, () => {
    let stream: Exchange;
    let began: number;
    let pause: Promise<number>;
    /** How many pieces of the stream's work were released one by one. */
    let released = 0;
    /** What the program said before the stream began: its calls of work, and the timers that it waits for. */
    let before = { workCalls: 0, timers: 0 };
    /** How many calls of work the stream took. */
    let workOfStream = 0;

    const begin = () => {
      const { workCalls, timers } = server.program;
      before = { workCalls, timers };
      stream = server.request('/stream');
      began = performance.now();
      released = 0;
      pause = longestPause(server.program, () => complete(stream));
    };

    requirement(
      'If a client sends `GET /stream`, the server answers with status 200 and the header `Content-Type: text/plain; charset=utf-8`.',
      async () => {
        server = await startServer();
        const { program } = server;
        begin();
        const answered = async () => {
          await until(() => stream.status !== undefined || finished(stream) || program.held.length > 0, workMs);
          // Bytes that the program sent before it began to work are here after this.
          await program.caughtUp();
          return stream.status !== undefined;
        };
        // Many servers send status and headers together with the first message.
        if (!(await answered()) && program.held.length > 0) {
          release(program);
          released++;
        }
        if (!(await answered())) await expectStreamEnd(stream);
        expectMessages(stream);
        const type = 'text/plain; charset=utf-8';
        expectHeader(stream, 'Content-Type', (value) => /^text\/plain\s*;\s*charset="?utf-8"?$/i.test(value), type, {
          cause: 'Your server sent the wrong Content-Type for GET /stream.',
          advice: "Call response.type('text/plain') before the first response.write. This call adds the charset.",
          ...seeHeaders,
        });
      },
    );

    const withoutLineBreak = (i: number) => ({
      cause: `Your server sent Message ${i} without the \\n at its end.`,
      advice:
        'Write `Message ${i}\\n`: the line break belongs to the end of each message and goes out with the message.',
      ...see,
    });

    /** Milliseconds within which a message follows its work: a timer that stands for a second of work takes longer. */
    const pauseMs = 300;

    requirement(
      'When the work of a message is done, the server sends this message immediately, and not earlier.',
      async () => {
        const { program } = server;
        // A stream that had to end before its status came does not show when its messages came.
        if (finished(stream) && released > 0 && program.held.length === 0) begin();
        else sameCapture();
        // A timer beside work that is held may be what the message waits for instead. Only a program that has one is given time.
        let patience = promptMs;
        const waitsForATimer = async (i: number) => {
          if (program.timers <= before.timers || patience <= 0) return;
          const asked = performance.now();
          await until(() => arrived(stream) >= i, patience);
          patience -= performance.now() - asked;
        };
        for (const [index, message] of messages.entries()) {
          const i = index + 1;
          const came = () => arrived(stream) >= i || finished(stream);
          const late = () => {
            missing(`Message ${i}`);
            if (stream.text.endsWith(`\n${message.trim()}`)) return withoutLineBreak(i);
            const still = program.held[0];
            return {
              cause: still
                ? `Message ${i} was ready, but your server had not sent it when it was already working on ${still.label}.`
                : `Your server did not send Message ${i}, although it was waiting for no work.`,
              advice:
                'Send each message with response.write as soon as its work is done. Look for code that collects messages first: a string, an array, cork, or compression.',
              ...see,
            };
          };
          await expectSoon(() => came() || program.held.length > 0, late, program, workMs);
          await program.caughtUp();
          if (program.held.length > 0 && released < i) {
            const earlier = messages.slice(0, index).join('');
            if (arrived(stream) < i) await waitsForATimer(i);
            expect(arrived(stream) < i || stream.text.includes(message.trim()), {
              cause: `Your server sent text that is not a message before Message ${i} was ready.`,
              compare: { expected: visible(earlier) || '(nothing)', received: visible(stream.text) },
              advice: 'Write only the five messages, and write each one after its work.',
              ...see,
            });
            expect(arrived(stream) < i, {
              cause: `Your server sent Message ${i} before the work of this message was done.`,
              advice:
                program.held.length > 1
                  ? 'Write await before work(…), and let nothing end the wait earlier. Without await, nothing waits for the promise that work returns. A race with a timer does not wait for the end of the work either.'
                  : 'Wait for the work of a message with await work(…), and for nothing else. Then write the message.',
              ...see,
            });
            if (finished(stream)) {
              expectMessages(stream);
              throw new Failure({
                cause: `Your server ended the response before it had sent Message ${i}, although work('${program.held[0]!.label}') was not done yet.`,
                advice:
                  'Call response.end() only once, after a for loop that waits with await for the work of each message. forEach does not wait, and an async function of your own needs an await in front of its call.',
                ...see,
              });
            }
            release(program);
            released++;
            await program.caughtUp();
            // A program that has a timer beside its work, such as a time limit, may need a moment for other reasons.
            const sleeps = () => {
              missing(`Message ${i}`);
              return {
                cause: `The work of Message ${i} was done, but your server waited for a timer before it sent the message.`,
                advice:
                  'Wait only with await work(…), and delete the timer: work already lasts as long as the work of a message.',
                ...see,
              };
            };
            await expectSoon(() => came() || program.timers <= before.timers, sleeps, program, pauseMs);
          }
          await expectSoon(came, late, program);
          expectMessages(stream);
          expect(arrived(stream) >= i, {
            cause: `Your server ended the response ${stream.text === '' ? 'without a message' : `before Message ${i}`}.`,
            advice: 'Call response.end() only after the last message, because nothing can be written after this call.',
            ...see,
          });
          expect(released === 0 || released >= i, {
            cause: `Your server sent Message ${i} without any work, although it had waited for the work of Message 1.`,
            advice: 'Write await work(…) inside the loop, before each response.write.',
            ...see,
          });
        }
        if (released > 0) return;
        await withoutWorkClock(server, async (again) => {
          if (again) begin();
          await drain(server, stream, complete);
          const times = stream.chunks.map(({ at }) => at);
          const [wait, spread] = [times[0]! - began, times.at(-1)! - times[0]!];
          if (spread > wait / 2 || !complete(stream)) return undefined;
          const blocked = (await pause) > wait / 2;
          return {
            cause: 'Your server sent all the messages together, although they were ready one after the other.',
            advice: blocked
              ? `${awaitWork} Node can send only when the event loop gets a turn.`
              : 'Wait for the work of a message with await work(…), write the message, and only then begin the next one.',
            ...see,
          };
        });
      },
    );

    requirement(
      'The body of the stream is the five lines `Message 1` to `Message 5`, each with a `\\n` at its end, and nothing else.',
      async () => {
        sameCapture();
        await drain(server, stream, complete);
        expectMessages(stream);
        expectBody(stream, {
          cause: 'Your server sent a body that is not the five lines.',
          advice: 'Write `Message ${i}\\n` once for each i from 1 to 5, and write nothing else.',
          ...see,
        });
      },
    );

    requirement(
      'The server sends each message as one chunk, and its response has no `Content-Length` header.',
      async () => {
        sameCapture();
        const length = stream.headers['content-length'];
        expect(length === undefined, {
          cause: `Your server sent a Content-Length of ${length}, although a streaming server cannot know the length.`,
          advice: 'Leave out the header Content-Length: without it, Node sends the body in chunks.',
          ...seeHeaders,
        });
        const chunks = stream.chunks.map(({ bytes }) => bytes.toString());
        const shown = (pieces: string[]) => pieces.map((piece) => `[${visible(piece)}]`).join(' ');
        expect(isDeepStrictEqual(chunks, messages), {
          cause: `Your server sent the five messages in ${chunks.length} chunks.`,
          compare: { expected: shown(messages), received: shown(chunks) },
          advice: 'Write a message and its \\n in one call, because each call of response.write makes one chunk.',
          see: 'curl -N --raw http://127.0.0.1:3000/stream',
        });
      },
    );

    requirement('After `Message 5`, the server ends the response.', async () => {
      sameCapture();
      await expectStreamEnd(stream);
      expectBody(stream, {
        cause: 'Your server sent more text after Message 5.',
        advice: 'Call response.end() directly after the last message.',
        ...see,
      });
      workOfStream = server.program.workCalls - before.workCalls;
    });

    requirement(
      'If a client sends `GET /stream` a second time, the server does the work again and sends the same five messages.',
      async () => {
        begin();
        await expectStreamEnd(stream);
        const own = 'Keep what belongs to a request inside the handler: a counter, an array, a stream, the work.';
        expectBody(stream, {
          cause: 'Your server did not send the same five messages to the second request.',
          advice: `${own} A variable outside the handler keeps its value from the first request.`,
          ...seeAgain,
        });
        expect(server.program.workCalls - before.workCalls >= workOfStream, {
          cause: 'Your server did the work for the first request, but not for the second one.',
          advice: `${own} Call work(…) for each message of each request.`,
          ...seeAgain,
        });
      },
    );

    /** Sends a request that is not for the stream, and expects one of these statuses. */
    async function expectRefusal(path: string, method: string, statuses: number[], advice: string): Promise<void> {
      const other = server.request(path, { method });
      const answered = () => {
        release(server.program);
        return other.status !== undefined || finished(other);
      };
      const command = method === 'GET' ? 'curl -i' : `curl -i -X ${method}`;
      const words = { advice, see: `${command} http://127.0.0.1:3000${path}` };
      await expectSoon(
        answered,
        () => ({ cause: `Your server did not answer ${other.name}.`, ...words }),
        server.program,
        workMs,
      );
      // How much of a body has come by now is a matter of chance.
      const compare = { expected: statuses.join(' or '), received: String(other.status) };
      const [first] = statuses;
      expectAnswer(other, statuses.find((status) => status === other.status) ?? first!, { compare, ...words });
    }

    requirement(
      'If a client asks for an unknown path, such as `/stream/1` or `/streams`, the server answers with status 404.',
      async () => {
        const [word] = random.words(1);
        for (const path of [`/${word}`, '/stream/1', '/streams', `/${word}/stream`]) {
          const advice =
            'Answer only the path /stream in this handler, with app.get. Express answers a path that has no handler with 404.';
          await expectRefusal(path, 'GET', [404], advice);
        }
      },
    );

    requirement(
      'If a client sends `POST`, `PUT` or `DELETE` to `/stream`, the server answers with status 404 or 405.',
      async () => {
        for (const method of ['POST', 'PUT', 'DELETE']) {
          const advice =
            'Answer only the method GET in this handler: use app.get instead of app.all or app.use. Express answers a method that has no handler with 404.';
          await expectRefusal('/stream', method, [404, 405], advice);
        }
      },
    );
  });

  task({ number: 2, title: 'Keep serving everybody else', file: 'server.ts' }, () => {
    const seePing = { see: 'curl http://127.0.0.1:3000/ping', seeHow: 'while a stream is running' };
    const queue =
      'Look for code that makes one request wait for another: a lock, a queue, one stream or one timer for all clients. The event loop is not blocked.';

    /**
     * Sends a request while a stream waits for its work, and expects that it is served before the stream has all its
     * messages.
     * @param awaited is what should come: `served` looks whether it is here
     */
    async function serveMeanwhile(
      path: string,
      [who, whoElse]: [string, string],
      awaited: string,
      served: (response: Exchange) => boolean,
      explain: (response: Exchange) => Explanation,
    ): Promise<Exchange> {
      const { program } = server;
      let response: Exchange;
      await withoutWorkClock(server, async () => {
        const stream = server.request('/stream', { who });
        await until(() => program.held.length > 0 || arrived(stream) > 0, workMs);
        if (program.held.length > 0) await program.caughtUp();
        const work = new Set(program.held);
        response = server.request(path, { who: whoElse });
        const began = performance.now();
        const over = () => served(response) || complete(stream);
        const pause = longestPause(program, over);
        const workOn = () => {
          program.held.find((held) => !work.has(held))?.release();
          return over();
        };
        const unserved = () => {
          missing(awaited, whoElse);
          return explain(response);
        };
        await expectSoon(workOn, unserved, program, work.size > 0 ? promptMs : workMs);
        const waited = performance.now() - began;
        const late = served(response) ? undefined : explain(response);
        for (const open of [stream, response]) await drain(server, open, complete);
        return late && { ...late, advice: (await pause) > waited / 2 ? awaitWork : queue };
      });
      return response!;
    }

    requirement(
      'While the server sends a stream, its code never blocks the event loop for a quarter of a second or longer.',
      async () => {
        const { program } = server;
        const watch = await watchTurns(program);
        const stream = server.request('/stream');
        for (const i of [1, 2, 3, 4, 5]) {
          const here = () => arrived(stream) >= i || finished(stream);
          await until(() => here() || program.held.length > 0, workMs);
          if (!here()) release(program);
          await until(here, workMs);
          // What the program does between this message and the next belongs to this step.
          await until(() => finished(stream) || program.held.length > 0 || arrived(stream) > i, workMs);
          await watch.stepIsOver();
        }
        expectMessages(stream);
        const blocked = watch.blocked();
        expect(blocked === undefined, {
          cause: `Your server blocked the event loop at ${blocked === 'each' ? 'each message' : `Message ${blocked}`} for a quarter of a second or longer, so it could serve nobody else in this time.`,
          advice:
            'Look for a loop that waits, or a call whose name ends in Sync, before or after await work(…). Wait only with await work(…).',
          see: 'curl -w " %{time_total} s" http://127.0.0.1:3000/ping',
          seeHow: seePing.seeHow,
        });
      },
    );

    requirement(
      'If a client sends `GET /ping`, the server answers with status 200 and the body `pong`, also while a stream waits for its work.',
      async () => {
        const ping = await serveMeanwhile('/ping', ['stream', 'ping'], 'pong', finished, ({ text }) =>
          text === ''
            ? { cause: 'Your server did not answer GET /ping while a stream was running.', advice: queue, ...seePing }
            : {
                cause: 'Your server answered GET /ping, but did not end its response.',
                advice: 'End the response with response.send or response.end.',
                ...seePing,
              },
        );
        const advice =
          "Answer each GET /ping with response.type('text/plain').send('pong'), also while a stream is running.";
        expectAnswer(ping, 200, { advice, ...seePing });
        expect(ping.text.trim() === 'pong', {
          cause: 'Your server answered GET /ping with the wrong body.',
          compare: { expected: 'pong', received: visible(ping.text.slice(0, 60)) || '(nothing)' },
          advice,
          ...seePing,
        });
      },
    );

    requirement(
      'If a second client asks for the stream, it gets its first message before the first client gets its last message.',
      async () => {
        const served = (stream: Exchange) => arrived(stream) > 0 || finished(stream);
        const second = await serveMeanwhile('/stream', ['client 1', 'client 2'], 'Message 1', served, () => ({
          cause: 'Your server sent nothing to the second client while the first client waited for its next message.',
          advice: queue,
          ...seeTwice,
        }));
        expectAnswer(second, 200, {
          advice: 'Serve each client with status 200, also while another client has its stream.',
          ...seeTwice,
        });
      },
    );

    /** The clients that got messages of work which was not theirs; undefined when there were none. */
    let shared: Explanation | undefined;

    requirement(
      'If three clients ask for the stream at the same time, each client gets its own five messages, in order.',
      async () => {
        const { program } = server;
        const workBefore = program.workCalls;
        const streams: Exchange[] = [];
        for (const i of [1, 2, 3]) {
          const held = program.held.length;
          const stream = server.request('/stream', { who: `client ${i}` });
          streams.push(stream);
          // One after the other, so that the same seed releases the same work.
          await until(() => program.held.length > held || arrived(stream) > 0 || finished(stream));
          await program.caughtUp();
        }
        const each = () => streams.map(arrived);
        const worked = () => program.workCalls > workBefore;
        shared = worked() && each().some((count) => count > 0) ? withoutOwnWork : undefined;
        const came = () => streams.reduce((sum, { chunks }) => sum + chunks.length, 0);
        while (!streams.every(finished)) {
          const before = came();
          const goesOn = () => program.held.length > 0 || came() > before || streams.every(finished);
          await until(goesOn, workMs);
          await program.caughtUp();
          if (!goesOn()) break;
          const counts = each();
          if (program.held.length > 0) random.pick(program.held).release();
          await program.caughtUp();
          const served = each().filter((count, i) => count > counts[i]!).length;
          if (worked() && served > 1) shared ??= oneForSeveral(served);
        }
        const sorted = (text: string) => text.split('\n').sort().join('\n');
        for (const [i, stream] of streams.entries()) {
          expectMessages(stream);
          const mixed = sorted(stream.text) === sorted(body);
          expectBody(stream, {
            cause: `Client ${i + 1} of three ${mixed ? 'got its five messages in the wrong order' : 'did not get its own five messages'}.`,
            advice: mixed
              ? 'Await the work of a message before you begin the next: work that begins together ends in any order.'
              : 'Keep what belongs to a request inside the handler: a counter, the response. All clients share the variables outside the handler.',
            ...seeTwice,
          });
          expect(stream.ended, {
            cause: `Your server did not end the response of client ${i + 1} of three.`,
            advice: 'Call response.end() on the response of each request.',
            ...seeTwice,
          });
        }
      },
    );

    const ownWork =
      'Call work(…) in the handler, for each message of each request. Look for a timer, a loop or a promise outside the handler that several requests wait for.';
    const withoutOwnWork = {
      cause: 'Your server sent messages to a client although no work for this client was done.',
      advice: ownWork,
      ...seeTwice,
    };
    const oneForSeveral = (clients: number) => ({
      cause: `One piece of work was done, but your server sent a message to ${clients} clients.`,
      advice: ownWork,
      ...seeTwice,
    });

    requirement(
      'If the work for one of three clients is done, the server sends a message to this client only.',
      async () => {
        sameCapture();
        if (shared) throw new Failure(shared);
      },
    );
  });

  task({ number: 3, title: 'Print each line as it arrives', file: 'client.ts' }, () => {
    let reading: Reading;
    const keep = 'Keep the text after the last line break until the rest of its line has arrived.';
    const afterLoop = {
      late: 'The stream has ended, but your client did not print the text after the last line break.',
      advice: 'After the loop, print the text that is left as one more line.',
    };

    requirement(
      'When a line is complete, `client.ts URL` prints the line immediately, while it waits for the next one.',
      async () => {
        reading = await startReading(run, '/stream');
        for (const word of random.words(2)) {
          await reading.call.send(`${word}\n`);
          await reading.prints([word], {
            advice:
              'Read response.body piece by piece, with for await: response.text() waits for the end. Print a line as soon as its line break has arrived.',
            extra: `${keep} Remember that console.log adds a line break.`,
          });
        }
      },
    );

    requirement(
      'If a piece ends in the middle of a line, the client prints nothing of this line until the rest of the line has arrived.',
      async () => {
        const [whole, start, middle, end] = random.words(4);
        await reading.call.send(`${whole}\n${start}`);
        await reading.prints([whole!], { advice: keep });
        await reading.call.send(middle!);
        await reading.call.send(`${end}\n`);
        await reading.prints([`${start}${middle}${end}`], {
          advice: keep,
          extra:
            'If a piece completes no line, print nothing for this piece: console.log prints a line break even for an empty string.',
        });
      },
    );

    requirement(
      'If a piece contains several lines, the client prints all these lines, in order and unchanged, and also the empty lines.',
      async () => {
        const [above, below, said] = random.words(3);
        for (const [lines, advice] of [
          [random.words(3), 'Print every line of a piece, in a loop: one piece can contain several lines.'],
          [['', `  ${above} `, '', '', below!], 'Print all the text between two line breaks, and do not change it.'],
          [
            [`"${said}", 100 %`, `\t'${below}' & {世: -0.5}`],
            'Print all the text between two line breaks, and do not change it.',
          ],
        ] as const) {
          await reading.call.send(`${lines.join('\n')}\n`);
          await reading.prints(lines, { advice });
        }
      },
    );

    requirement(
      'If a piece ends in the middle of a character, which can have two to four bytes, the client prints the whole character.',
      async () => {
        const advice =
          'Decode all pieces with one TextDecoder and { stream: true }. It keeps the first bytes of a character for the next piece.';
        for (const character of ['é', '世', '🎈']) {
          for (let inside = 1; inside < Buffer.byteLength(character); inside++) {
            const start = random.words(1)[0]!;
            const bytes = Buffer.from(`${start}${character}\n`);
            const cut = start.length + inside;
            for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) await reading.call.send(piece);
            await reading.prints([`${start}${character}`], { advice });
          }
        }
      },
    );

    requirement(
      'If a line ends with `\\r\\n`, the client prints the line without the `\\r`, also if a piece ends between `\\r` and `\\n`.',
      async () => {
        const [first, second] = random.words(2);
        const advice =
          'Split the text at /\\r?\\n/, and split it only together with the text that was left over: \\r and \\n can come in two pieces.';
        for (const piece of [`${first}\r\n\r\n${second}\r`, '\n']) await reading.call.send(piece);
        await reading.prints([first!, '', second!], { advice });
        expect(!reading.client.stdout.includes('\r'), {
          cause: 'Your client printed the \\r of a line break.',
          compare: { expected: visible(`${first}\n`), received: visible(`${first}\r\n`) },
          advice,
        });
      },
    );

    const endsWell = (
      client: Reading['client'],
      advice = 'Set an exit code other than 0 only where you handle an error.',
    ) => client.endsWell('The stream has ended', advice);

    requirement(
      'If the stream ends with a line break, the client prints nothing more and exits with code 0.',
      async () => {
        const { client, call, prints } = await startReading(run, '/stream');
        const words = random.words(3);
        await call.send(`${words[0]}\n`);
        await prints(words.slice(0, 1), { advice: 'Print each line when it is complete.' });
        // The last lines come together with the end.
        void call.send(`${words[1]}\n${words[2]}\n`);
        call.end();
        await endsWell(client);
        await prints(words.slice(1), {
          late: `The stream has ended, but your client did not print its last lines.`,
          advice: 'If no text is left after the last line break, print nothing after the loop.',
        });
      },
    );

    requirement(
      'If the stream ends in the middle of a line, the client prints the text after the last line break as one more line, and exits with code 0.',
      async () => {
        const [left] = random.words(1);
        await reading.call.send(left!);
        reading.call.end();
        await endsWell(reading.client);
        await reading.prints([left!], afterLoop);

        const { client, call, prints } = await startReading(run, '/stream');
        await call.send(`${left}\n\t`);
        await prints([left!], { advice: keep });
        call.end();
        await endsWell(client);
        await prints(['\t'], {
          late: 'The stream ended with a tab after the last line break, but your client did not print the tab.',
          advice:
            'After the loop, print the text that is left, unchanged. Leave it out only if it is the empty string.',
        });
      },
    );

    requirement(
      'If the stream ends in the middle of a character, the client prints `�` in place of this character and exits with code 0.',
      async () => {
        const { client, call } = await startReading(run, '/stream');
        const [left] = random.words(1);
        const bytes = Buffer.from(`${left}🎈`);
        await call.send(bytes.subarray(0, bytes.length - random.integer(1, 3)));
        call.end();
        const notFatal =
          'Create the TextDecoder without the option fatal: with it, an unfinished character is an error.';
        await endsWell(client, notFatal);
        // Some decoders give one replacement character for each byte.
        const printed = client.stdout
          .replaceAll('\r\n', '\n')
          .replace(/\ufffd+/g, '\ufffd')
          .trimEnd();
        const decodeFirst =
          'After the loop, add decoder.decode() to the text that is left, and only then print this text. This call returns � for the bytes that the decoder has kept.';
        const causes: [printed: string, cause: string, advice: string][] = [
          [
            left!,
            'The stream ended in the middle of a character, but your client dropped this character silently.',
            decodeFirst,
          ],
          [
            `${left}\n\ufffd`,
            'Your client printed a line break in the middle of the last line, before the � of the unfinished character.',
            decodeFirst,
          ],
          [
            '\ufffd',
            'Your client printed the � of the unfinished character, but not the text before it in the last line.',
            'After the loop, add decoder.decode() to the text that is left with +=, because = would replace this text.',
          ],
        ];
        const [, cause, advice] = causes.find(([wrong]) => printed === wrong) ?? [
          '',
          'The stream ended in the middle of a character, but your client did not print the text after the last line break with � at its end.',
          decodeFirst,
        ];
        expect(printed === `${left}\ufffd`, {
          cause,
          compare: { expected: `${left}\ufffd\\n`, received: visible(client.stdout) || '(nothing)' },
          advice,
        });

        // The unfinished character is all that there is in the last line.
        const alone = await startReading(run, '/stream');
        await alone.call.send(Buffer.concat([Buffer.from(`${left}\n`), bytes.subarray(left!.length, -1)]));
        alone.call.end();
        await endsWell(alone.client, notFatal);
        expect(/\n\ufffd+\s*$/.test(alone.client.stdout), {
          cause:
            'The stream ended in the middle of the first character of a line, but your client did not print � for this character.',
          compare: { expected: `${left}\\n\ufffd\\n`, received: visible(alone.client.stdout) || '(nothing)' },
          advice:
            'After the loop, add decoder.decode() to the text that is left, also if this text is empty. Only then look whether there is something to print.',
        });
      },
    );

    requirement(
      'If the server answers with a status other than 2xx, the client prints nothing on standard output, prints one line with the status code on standard error, and exits with code 1.',
      async () => {
        const page = 'This is not the stream.';
        for (const status of [404, random.pick([401, 418, 429]), random.pick([500, 502, 503]), 300]) {
          const { client, call } = await startReading(run, '/stream', status);
          await call.send(`${page}\n`);
          call.end();
          await expectEnd(run, client, `The response had status ${status}, but your client is still running.`);
          const asStream = client.stdout.includes(page);
          expect(client.stdout === '', {
            cause: asStream
              ? `The response had status ${status}, but your client printed its body as if it were the stream.`
              : `Your client printed the failure with status ${status} on standard output.`,
            compare: { expected: '(nothing)', received: visible(client.stdout) },
            advice: asStream
              ? 'Look at response.ok before you read the body: fetch throws no error for such a status.'
              : 'Print errors with console.error: standard output is only for the lines of the stream.',
          });
          const otherCode = 'Set process.exitCode = 1 where you handle the error: 1 is the exit code of each failure.';
          const advice = `If response.ok is false, throw an error with response.status in its message, and print this message with console.error.`;
          await client.fails({ code: 1, about: `a response with status ${status}`, has: [status], advice, otherCode });
        }
      },
    );

    requirement(
      'If the server refuses the connection, the client prints one line on standard error and exits with code 1.',
      async () => {
        const client = startClient(`http://127.0.0.1:${await freePort()}/stream`);
        await expectEnd(run, client, 'The server refused the connection, but your client is still running.');
        const silent = 'Catch the error that fetch throws, and print one line about it with console.error.';
        checkComplaint(client, 'a refused connection', { silent });
      },
    );

    requirement(
      'If the stream breaks off, the client prints only the lines that were complete, then one line on standard error, and exits with code 1.',
      async () => {
        // The second stream breaks off before it has sent anything but its headers.
        for (const words of [random.words(2), []]) {
          const { client, call, prints } = await startReading(run, '/stream');
          if (words.length > 0) {
            const text = Buffer.from(`${words.join('\n')}\nunfinisheé`);
            await call.send(text.subarray(0, text.length - 1));
            await prints(words, { advice: 'Print each line when it is complete.' });
          } else {
            call.response.flushHeaders();
            await client.caughtUp();
          }
          call.breakOff();
          await expectEnd(run, client, 'The stream broke off, but your client is still running.');
          const lines = words.map((word) => `${word}\n`).join('');
          expect(client.stdout.replaceAll('\r\n', '\n') === lines, {
            cause: 'The stream broke off in the middle of a line, but your client printed the beginning of this line.',
            compare: { expected: visible(lines) || '(nothing)', received: visible(client.stdout) },
            advice:
              'Print the text that is left only if the loop has ended without an error. Code in catch or finally also runs after a break.',
          });
          const caught =
            'Catch the error that the loop throws when a stream breaks off, and print one line with console.error.';
          checkComplaint(client, 'a stream that breaks off', { silent: caught });
        }
      },
    );
  });
});
