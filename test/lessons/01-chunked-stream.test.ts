import { isDeepStrictEqual } from 'node:util';
import { freePort } from '../harness/programs/ports.ts';
import { expect, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { checkComplaint, expectEnd, longestPause } from '../harness/vocabulary/command-line.ts';
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
    const cause = `${name} answered with status ${exchange.status}.`;
    if (exchange.status !== undefined) expectStatus(exchange, status, { cause, ...explanation });
    expect(broken === undefined, {
      cause: `The connection of ${name} broke before the response had ended: ${broken}.`,
      advice: 'Write the whole response, then end it with response.end().',
      ...see,
    });
  }

  const expectMessages = (stream: Exchange) =>
    expectAnswer(stream, 200, {
      advice: 'Send the messages in this handler. Without response.status, the status is 200.',
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
      cause: 'Your server does not end the response.',
      advice: 'Call response.end() after the last message: it tells the client that nothing more will come.',
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

    const begin = () => {
      stream = server.request('/stream');
      began = performance.now();
      released = 0;
      pause = longestPause(server.program, () => complete(stream));
    };

    requirement('`GET /stream` answers with status 200 and `Content-Type: text/plain; charset=utf-8`.', async () => {
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
        advice: "Call response.type('text/plain') before the first response.write. It adds the charset.",
        ...seeHeaders,
      });
    });

    requirement('Each message is on the wire as soon as its work is done, and not before.', async () => {
      const { program } = server;
      // A stream that had to end before its status came does not show when its messages came.
      if (finished(stream) && released > 0) begin();
      else sameCapture();
      for (const [index, message] of messages.entries()) {
        const i = index + 1;
        const came = () => arrived(stream) >= i || finished(stream);
        const late = () => {
          missing(`Message ${i}`);
          const still = program.held[0];
          return {
            cause: still
              ? `Message ${i} was ready, and not on the wire while the server was at work on ${still.label}.`
              : `Message ${i} did not come, although the server was at work on nothing.`,
            advice:
              'Something collects the messages and sends them later: a string, an array, cork, compression. response.write sends one at once.',
            ...see,
          };
        };
        await expectSoon(() => came() || program.held.length > 0, late, program, workMs);
        await program.caughtUp();
        if (program.held.length > 0 && released < i) {
          const before = messages.slice(0, index).join('');
          expect(arrived(stream) < i || stream.text.includes(message.trim()), {
            cause: `Your server sent text that is not a message before Message ${i} was ready.`,
            compare: { expected: visible(before) || '(nothing)', received: visible(stream.text) },
            advice: 'Write only the five messages, each after its work.',
            ...see,
          });
          expect(arrived(stream) < i, {
            cause: `Message ${i} was on the wire while its work was still going on.`,
            advice:
              program.held.length > 1
                ? 'Write await before work(…): it returns a promise, and without await nothing waits for the promise.'
                : 'Wait for the work of a message first, then write the message.',
            ...see,
          });
          release(program);
          released++;
        }
        await expectSoon(came, late, program);
        expectMessages(stream);
        expect(arrived(stream) >= i, {
          cause: `Your server ended the response ${stream.text === '' ? 'without a message' : `before Message ${i}`}.`,
          advice: 'Call response.end() after the last message: nothing can be written after it.',
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
          cause: 'All the messages came at one time.',
          advice: blocked
            ? 'Wait with await work(…): a loop that waits, or a call that ends in Sync, keeps the event loop busy, and your server can send only when the event loop turns.'
            : 'Wait for the work of a message, write it, and only then begin with the next.',
          ...see,
        };
      });
    });

    requirement(
      'The body is `Message 1` to `Message 5`, each on a line of its own that ends with `\\n`, and nothing else.',
      async () => {
        sameCapture();
        await drain(server, stream, complete);
        expectBody(stream, {
          cause: 'The body of GET /stream is not the five lines.',
          advice: 'Write `Message ${i}\\n` once for each i from 1 to 5, and write nothing else.',
          ...see,
        });
      },
    );

    requirement('Each message travels in a chunk of its own; there is no `Content-Length`.', async () => {
      sameCapture();
      const length = stream.headers['content-length'];
      expect(length === undefined, {
        cause: `Your server sent a Content-Length of ${length}, although a streaming server cannot know the length.`,
        advice: 'Leave out Content-Length: without it, Node sends the body in chunks.',
        ...see,
      });
      const chunks = stream.chunks.map(({ bytes }) => bytes.toString());
      const shown = (pieces: string[]) => pieces.map((piece) => `[${visible(piece)}]`).join(' ');
      expect(isDeepStrictEqual(chunks, messages), {
        cause: `The five messages came in ${chunks.length} chunks.`,
        compare: { expected: shown(messages), received: shown(chunks) },
        advice: 'Write a message and its \\n in one call: each call of response.write makes a chunk.',
        ...see,
      });
    });

    requirement('The response ends after `Message 5`, and a second request gets the same five messages.', async () => {
      sameCapture();
      await expectStreamEnd(stream);
      const again = server.request('/stream');
      await expectStreamEnd(again);
      for (const [response, cause, advice] of [
        [stream, 'Your server sent more after Message 5.', 'Call response.end() directly after the last message.'],
        [
          again,
          'Your server did not send the same five messages to a second request.',
          'Keep what belongs to a request inside of the handler: a counter, an array, a stream that has been ended.',
        ],
      ] as const) {
        expectBody(response, { cause, advice, ...see });
      }
    });

    requirement('Any other path answers with status 404.', async () => {
      const other = server.request(`/${random.words(1)[0]}`);
      const advice = 'Answer only the path /stream in this handler. Express answers a path without a handler with 404.';
      const answered = () => {
        release(server.program);
        return other.status !== undefined || finished(other);
      };
      await expectSoon(answered, () => ({ cause: `${other.name} has no answer.`, advice }), server.program, workMs);
      // How much of a body has come by now is a matter of chance.
      const compare = { expected: '404', received: String(other.status) };
      expectAnswer(other, 404, { compare, advice });
    });
  });

  task({ number: 2, title: 'Keep serving everybody else', file: 'server.ts' }, () => {
    const seePing = { see: 'curl http://127.0.0.1:3000/ping', seeHow: 'while a stream goes on' };
    const queue =
      'Look for code that makes one request wait for another: a lock, a queue, one stream for everybody. The event loop is not busy.';
    const busy = 'Wait with await work(…): a loop that waits, or a call that ends in Sync, keeps the event loop busy.';

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
        return late && { ...late, advice: (await pause) > waited / 2 ? busy : queue };
      });
      return response!;
    }

    requirement('`GET /ping` answers `pong` with status 200, also while a stream waits for its work.', async () => {
      const ping = await serveMeanwhile('/ping', ['stream', 'ping'], 'pong', finished, ({ text }) =>
        text === ''
          ? { cause: 'Your server did not answer GET /ping while a stream was going on.', advice: queue, ...seePing }
          : {
              cause: 'Your server did not end its response to GET /ping.',
              advice: 'End the response with response.send or response.end.',
              ...seePing,
            },
      );
      const advice =
        "Answer every GET /ping with response.type('text/plain').send('pong'), also while a stream is going on.";
      expectAnswer(ping, 200, { advice, ...seePing });
      expect(ping.text.trim() === 'pong', {
        cause: 'Your server did not answer GET /ping with pong.',
        compare: { expected: 'pong', received: visible(ping.text.slice(0, 60)) || '(nothing)' },
        advice,
        ...seePing,
      });
    });

    requirement('A second client gets its first message before the first client has its last.', async () => {
      const served = (stream: Exchange) => arrived(stream) > 0 || finished(stream);
      const second = await serveMeanwhile('/stream', ['client 1', 'client 2'], 'Message 1', served, () => ({
        cause: 'The second client got nothing while the first client waited for its next message.',
        advice: queue,
        ...seeTwice,
      }));
      expectAnswer(second, 200, {
        advice: 'Serve each client, also while another client has its stream.',
        ...seeTwice,
      });
    });

    requirement('Three clients at a time each get their own five messages, in order.', async () => {
      const { program } = server;
      const streams: Exchange[] = [];
      for (const i of [1, 2, 3]) {
        const held = program.held.length;
        const stream = server.request('/stream', { who: `client ${i}` });
        streams.push(stream);
        // One after the other, so that the same seed releases the same work.
        await until(() => program.held.length > held || arrived(stream) > 0 || finished(stream));
        await program.caughtUp();
      }
      const came = () => streams.reduce((sum, { chunks }) => sum + chunks.length, 0);
      while (!streams.every(finished)) {
        const before = came();
        const goesOn = () => program.held.length > 0 || came() > before || streams.every(finished);
        await until(goesOn, workMs);
        await program.caughtUp();
        if (!goesOn()) break;
        if (program.held.length > 0) random.pick(program.held).release();
        await program.caughtUp();
      }
      const sorted = (text: string) => text.split('\n').sort().join('\n');
      for (const [i, stream] of streams.entries()) {
        expectMessages(stream);
        const mixed = sorted(stream.text) === sorted(body);
        expectBody(stream, {
          cause: `Client ${i + 1} of three ${mixed ? 'got its five messages in the wrong order' : 'did not get its own five messages'}.`,
          advice: mixed
            ? 'Await the work of a message before you begin the next: work that begins together ends in any order.'
            : 'Keep what belongs to a request inside of the handler: a counter, the response.',
          ...seeTwice,
        });
        expect(stream.ended, {
          cause: `Your server did not end the response of client ${i + 1} of three.`,
          advice: 'Call response.end() on the response of each request.',
          ...seeTwice,
        });
      }
    });
  });

  task({ number: 3, title: 'Print each line as it arrives', file: 'client.ts' }, () => {
    let reading: Reading;
    const silent = 'Print one line about it with console.error.';
    const keep = 'Keep the text after the last line break until the rest of its line is here.';

    requirement(
      '`client.ts URL` prints each line as soon as it is complete, while it waits for the next.',
      async () => {
        reading = await startReading(run, '/stream');
        for (const word of random.words(2)) {
          await reading.call.send(`${word}\n`);
          await reading.prints([word], {
            advice: 'Read response.body piece by piece: response.text() waits for the end.',
            extra: `${keep} Remember that console.log adds a line break.`,
          });
        }
      },
    );

    requirement('It prints nothing of a line that is not complete.', async () => {
      const [whole, start, end] = random.words(3);
      await reading.call.send(`${whole}\n${start}`);
      await reading.prints([whole!], { advice: keep });
      await reading.call.send(`${end}\n`);
      await reading.prints([`${start}${end}`], { advice: keep });
    });

    requirement(
      'Lines come out whole and in order, empty ones too, wherever the stream is cut: several in one piece, a line in many pieces, a character of two to four bytes in two.',
      async () => {
        const several = random.words(3);
        const [above, below] = random.words(2);
        for (const [lines, advice] of [
          [several, 'Print every line of a piece: one piece can hold several lines.'],
          [[`  ${above} `, '', below!], 'Print all the text between two line breaks, as it came.'],
        ] as const) {
          await reading.call.send(`${lines.join('\n')}\n`);
          await reading.prints(lines, { advice });
        }
        const advice =
          'Decode with one TextDecoder and { stream: true }: it keeps the first bytes of a character for the next piece.';
        for (const character of ['é', '世', '🎈']) {
          const line = `${random.words(1)[0]}${character}`;
          const bytes = Buffer.from(`${line}\n`);
          const inside = bytes.length - 1 - random.integer(1, Buffer.byteLength(character) - 1);
          for (const piece of random.cut(bytes, 2, [inside])) await reading.call.send(piece);
          await reading.prints([line], { advice });
        }
      },
    );

    requirement('A line may end with `\\r\\n`, even cut between the two; the `\\r` is not printed.', async () => {
      const [first, second] = random.words(2);
      const advice = 'Treat \\r\\n as one line break, also when its two characters come in two pieces.';
      for (const piece of [`${first}\r\n${second}\r`, '\n']) await reading.call.send(piece);
      await reading.prints([first!, second!], { advice });
      expect(!reading.client.stdout.includes('\r'), {
        cause: 'The client printed the \\r of a line break.',
        compare: { expected: visible(`${first}\n`), received: visible(`${first}\r\n`) },
        advice,
      });
    });

    requirement(
      'At the end of the stream it prints what is left as a last line, prints nothing when nothing is left, and exits with code 0.',
      async () => {
        const last = random.words(1)[0]!;
        const whole = await startReading(run, '/stream');
        await whole.call.send(`${last}\n`);
        await whole.prints([last], { advice: 'Print each line when it is complete.' });
        await reading.call.send(last);
        const left = {
          late: 'The stream has ended, but the client did not print the text after the last line break.',
          advice: 'When the stream has ended, print the text that is left as a last line.',
        };
        const nothingLeft = {
          advice: 'When the stream has ended and no text is left after the last line break, print nothing.',
        };
        for (const [{ client, call, prints }, lines, words] of [
          [reading, [last], left],
          [whole, [], nothingLeft],
        ] as const) {
          call.end();
          await client.endsWell(
            'The stream has ended',
            'Set an exit code other than 0 only where you handle an error.',
          );
          await prints(lines, words);
        }
      },
    );

    requirement(
      'An answer other than 2xx: nothing on standard output, one line on standard error that has the status code, exit code 1.',
      async () => {
        const status = random.pick([404, 418, 429, 500, 503]);
        const page = 'This is not the stream.';
        const { client, call } = await startReading(run, '/stream', status);
        await call.send(`${page}\n`);
        call.end();
        await expectEnd(run, client, `The response had status ${status}, but the client is still running.`);
        const asStream = client.stdout.includes(page);
        expect(client.stdout === '', {
          cause: asStream
            ? `The client printed the body of a response with status ${status} as if it were the stream.`
            : `The client printed something on standard output about a response with status ${status}.`,
          compare: { expected: '(nothing)', received: visible(client.stdout) },
          advice: asStream
            ? 'Look at response.ok before you read the body: fetch rejects only when there is no response.'
            : 'Print errors with console.error: standard output is for the lines of the stream.',
        });
        await client.fails({ code: 1, about: `a response with status ${status}`, has: [status], advice: silent });
      },
    );

    requirement('A refused connection: one line on standard error, exit code 1.', async () => {
      const client = startClient(`http://127.0.0.1:${await freePort()}/stream`);
      await expectEnd(run, client, 'Nobody listens on the port, but the client is still running.');
      checkComplaint(client, 'a refused connection', { silent });
    });

    requirement(
      'A stream that breaks off: the lines that came before are printed, then one line on standard error, exit code 1.',
      async () => {
        const { client, call, prints } = await startReading(run, '/stream');
        const words = random.words(2);
        await call.send(`${words.join('\n')}\nunfini`);
        await prints(words, { advice: 'Print each line when it is complete.' });
        call.breakOff();
        await expectEnd(run, client, 'The stream broke off, but the client is still running.');
        const caught = 'Catch the error that reading throws when a stream breaks off, and print it with console.error.';
        checkComplaint(client, 'a stream that breaks off', { silent: caught });
      },
    );
  });
});
