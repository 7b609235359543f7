import { grader } from '../harness/run/grader.ts';
import { Failure, expect, type Explanation } from '../harness/run/failure.ts';
import { checkComplaint, expectEnd, longestPause, notCrashed } from '../harness/vocabulary/command-line.ts';
import { promptMs, type Server } from '../harness/run/run.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { cutShort, type Program } from '../harness/programs/program.ts';
import { freePort } from '../harness/programs/ports.ts';

export default grader((run) => {
  const {
    expectSoon,
    missing,
    random,
    requirement,
    sameCapture,
    startClient,
    startGraderServer,
    startServer,
    task,
    until,
  } = run;

  const messages = [1, 2, 3, 4, 5].map((i) => `Message ${i}`);
  /** By other means than the work clock, five messages take about a second each. */
  const workMs = 5000;

  let server: Server;

  /** How many messages have arrived: lines that say something, or chunks where there are no lines. */
  const arrived = ({ text, chunks }: Exchange) =>
    text.includes('\n')
      ? text
          .split('\n')
          .slice(0, -1)
          .filter((line) => line.trim() !== '').length
      : chunks.length;
  const finished = (stream: Exchange) => stream.ended || stream.broken !== undefined;
  const body = messages.map((message) => `${message}\n`).join('');

  function checkAnswered(stream: Exchange): void {
    const { status, broken } = stream;
    expect(broken === undefined, {
      cause: `The connection of ${stream.name} broke: ${broken}.`,
      advice: 'The response should be written to its end, then ended with response.end().',
    });
    expect(status === undefined || status === 200, {
      cause: `${stream.name} answered with status ${status}.`,
      compare: { expected: '200', received: `${status} ${visible(stream.text.slice(0, 80))}` },
      see: 'curl -i http://127.0.0.1:3000/stream',
    });
  }

  /** Lets one piece of work go, when one is held; a program that waits by other means goes on by itself. */
  const release = (program: Program) => program.held[0]?.release();

  task({ number: 1, title: 'Send each message as soon as it is ready', file: 'server.ts' }, () => {
    let stream: Exchange;
    let began: number;
    let pause: Promise<number>;
    /** How many pieces of the stream's work have been let go. */
    let done = 0;
    /** The head of the response came with its end. */
    let late = false;

    const begin = () => {
      stream = server.request('/stream');
      began = performance.now();
      done = 0;
      pause = longestPause(server.program, () => finished(stream) || arrived(stream) >= messages.length);
    };

    requirement('`GET /stream` answers with status 200 and `Content-Type: text/plain; charset=utf-8`.', async () => {
      server = await startServer();
      const { program } = server;
      begin();
      const answered = () => stream.status !== undefined || stream.broken !== undefined;
      await until(() => answered() || program.held.length > 0, workMs);
      // What the program sent before it began to work is here after this.
      await program.caughtUp();
      if (!answered() && program.held.length > 0) {
        // Many servers send the head together with the first message.
        release(program);
        done++;
        await until(() => answered() || program.held.length > 0);
        await program.caughtUp();
      }
      if (!answered()) {
        late = true;
        await finish(stream);
      }
      checkAnswered(stream);
      const type = stream.headers['content-type'];
      expect(type && /^text\/plain\s*;\s*charset="?utf-8"?$/i.test(type), {
        cause: 'The Content-Type of GET /stream is another one.',
        compare: { expected: 'text/plain; charset=utf-8', received: type ?? '(no Content-Type)' },
        see: 'curl -i http://127.0.0.1:3000/stream',
      });
    });

    requirement('Each message is on the wire as soon as its work is done, and not before.', async () => {
      const { program } = server;
      // A stream that had to end before its head came shows nothing of when its messages come.
      if (late && done > 0) begin();
      else sameCapture();
      for (let i = 1; i <= messages.length; i++) {
        await expectSoon(
          () => program.held.length > 0 || arrived(stream) >= i || finished(stream),
          () => {
            missing(`Message ${i}`);
            return {
              cause: `Message ${i} did not come within ${workMs / 1000} seconds, and the program waits for no work.`,
              ...see,
            };
          },
          program,
          workMs,
        );
        await program.caughtUp();
        if (program.held.length > 0 && done < i) {
          checkNothingEarly(stream, i);
          release(program);
          done++;
        }
        await expectSoon(
          () => arrived(stream) >= i || finished(stream),
          () => {
            missing(`Message ${i}`);
            return {
              cause: stillAt(program)
                ? `Message ${i} was ready, and not on the wire while the server was at work on ${stillAt(program)}.`
                : `Message ${i} was ready, and did not come on the wire.`,
              advice:
                'Something collects the messages and sends them later: a string, an array, cork, compression. response.write sends one at once.',
              ...see,
            };
          },
          program,
        );
        checkAnswered(stream);
        expect(arrived(stream) >= i, {
          cause:
            stream.text === '' ? 'The response ended without a message.' : `The response ended before Message ${i}.`,
          advice: 'response.end() comes after the last message: nothing can be written after it.',
          ...see,
        });
      }
      const longest = await pause;
      // Without the work clock there is only the time to go by.
      expect(done > 0 || apart(stream, began), {
        cause: 'All the messages came at one time.',
        advice:
          longest > (stream.chunks[0]!.at - began) / 2
            ? 'The event loop did not turn before the end, and only it can send: a loop that waits, or a call that ends in Sync, keeps it busy.'
            : 'Wait for the work of a message, write it, and only then begin with the next.',
        ...see,
      });
    });

    requirement(
      'The body is `Message 1` to `Message 5`, each on a line of its own that ends with `\\n`, and nothing else.',
      async () => {
        sameCapture();
        await drain(stream);
        expect(stream.text === body, {
          cause: 'The body of GET /stream is not the five lines.',
          compare: { expected: visible(body), received: visible(stream.text) },
          ...see,
        });
      },
    );

    requirement('Each message travels in a chunk of its own; there is no `Content-Length`.', async () => {
      sameCapture();
      expect(stream.headers['content-length'] === undefined, {
        cause: `The response has a Content-Length of ${stream.headers['content-length']}: its length had to be known before it was sent.`,
        advice: 'Without a Content-Length, Node sends the body in chunks.',
        ...see,
      });
      const chunks = stream.chunks.map((chunk) => chunk.bytes.toString());
      expect(chunks.length === messages.length && chunks.every((chunk, i) => chunk === `${messages[i]}\n`), {
        cause: `The five messages came in ${chunks.length} chunks.`,
        compare: {
          expected: messages.map((message) => `[${message}\\n]`).join(' '),
          received: chunks.map((chunk) => `[${visible(chunk)}]`).join(' '),
        },
        advice: 'Each call of response.write makes a chunk: write a message and its \\n in one call.',
        ...see,
      });
    });

    requirement('The response ends after `Message 5`, and a second request gets the same five messages.', async () => {
      sameCapture();
      await finish(stream);
      const again = server.request('/stream');
      await finish(again);
      expect(again.text === stream.text, {
        cause: 'A second request got something else than the first.',
        compare: { expected: visible(stream.text), received: visible(again.text) || '(nothing)' },
        advice: 'Does something outlive a request: a counter, an array, a stream that was ended?',
        ...see,
      });
    });

    requirement('Any other path answers with status 404.', async () => {
      const other = server.request(`/${random.words(1)[0]}`);
      const seeOther = { see: `curl -i http://127.0.0.1:3000${other.name.slice(4)}` };
      await expectSoon(
        () => {
          release(server.program);
          return other.status !== undefined || other.broken;
        },
        () => ({ cause: `${other.name} has no answer.`, ...seeOther }),
        server.program,
        workMs,
      );
      expect(other.status === 404, {
        cause: `${other.name} did not answer with 404.`,
        compare: { expected: '404', received: String(other.status ?? other.broken) },
        ...seeOther,
      });
    });
  });

  const see = { see: 'curl -N http://127.0.0.1:3000/stream' };
  const stillAt = (program: Program) => program.held[0]?.label;

  /** The work of message `i` is going on: of the body, only what came before it can be there. */
  function checkNothingEarly(stream: Exchange, i: number): void {
    const before = messages
      .slice(0, i - 1)
      .map((message) => `${message}\n`)
      .join('');
    expect(arrived(stream) < i || stream.text.includes(messages[i - 1]!), {
      cause: `Something else was on the wire before Message ${i} was ready.`,
      compare: { expected: visible(before) || '(nothing)', received: visible(stream.text) },
      ...see,
    });
    expect(arrived(stream) < i, {
      cause: `Message ${i} was on the wire while its work was still going on.`,
      advice:
        server.program.held.length > 1
          ? 'A call of work returns a promise: without await, nothing waits for it.'
          : 'Wait for the work of a message first, then write the message.',
      ...see,
    });
  }

  /** The messages took their time one by one. */
  function apart({ chunks }: Exchange, began: number): boolean {
    const first = chunks[0]!.at;
    const last = chunks.at(-1)!.at;
    return last - first > (first - began) / 2;
  }

  /** Lets work go until the response has ended, or the program is idle with all its messages sent. */
  async function drain(stream: Exchange): Promise<void> {
    const { program } = server;
    while (!finished(stream)) {
      const moved = await until(
        () => finished(stream) || program.held.length > 0 || arrived(stream) >= messages.length,
        workMs,
      );
      release(program);
      await program.caughtUp();
      if (!moved || (arrived(stream) >= messages.length && program.held.length === 0)) return;
    }
  }

  /** Lets all work go until the response has ended. */
  async function finish(stream: Exchange): Promise<void> {
    const { program } = server;
    await expectSoon(
      () => {
        release(program);
        return finished(stream);
      },
      () => {
        missing('the end of the response');
        return {
          cause: 'The response does not end.',
          advice: 'After the last message, response.end() tells the client that nothing more will come.',
          ...see,
        };
      },
      program,
      arrived(stream) >= messages.length ? promptMs : messages.length * workMs,
    );
    checkAnswered(stream);
  }

  task({ number: 2, title: 'Keep serving everybody else', file: 'server.ts' }, () => {
    /** What keeps an answer back: a program that answers the grader is not busy. */
    const queue =
      'The event loop turns, so something makes one request wait for another: a lock, a queue, one stream for everybody?';
    const busy = 'Something kept the event loop busy: a loop that waits, or a call that ends in Sync.';

    requirement('`GET /ping` answers `pong` with status 200, also while a stream waits for its work.', async () => {
      const { program } = server;
      const stream = server.request('/stream', { who: 'stream' });
      await until(() => program.held.length > 0 || arrived(stream) > 0, workMs);
      const ping = server.request('/ping', { who: 'ping' });
      const began = performance.now();
      const pause = longestPause(program, () => finished(ping) || finished(stream));
      await expectSoon(
        () => finished(ping) || finished(stream),
        () => {
          if (ping.text !== '') {
            return {
              cause: 'The answer of GET /ping does not end.',
              advice: 'response.send or response.end ends it.',
              ...seePing,
            };
          }
          missing('pong', 'ping');
          return { cause: 'GET /ping has no answer while a stream is going on.', advice: queue, ...seePing };
        },
        program,
        program.held.length > 0 ? promptMs : workMs,
      );
      const waited = performance.now() - began;
      expect(finished(ping), {
        cause: 'GET /ping was answered only after the stream had ended.',
        advice: (await pause) > waited / 2 ? busy : queue,
        ...seePing,
      });
      expect(ping.status === 200 && ping.text.trim() === 'pong', {
        cause: 'GET /ping did not answer pong.',
        compare: {
          expected: '200 pong',
          received: `${ping.status ?? ping.broken} ${visible(ping.text.slice(0, 60))}`.trim(),
        },
        ...seePing,
      });
      await finish(stream);
    });

    requirement('A second client gets its first message before the first client has its last.', async () => {
      const { program } = server;
      const first = server.request('/stream', { who: 'client 1' });
      await until(() => program.held.length > 0 || arrived(first) > 0, workMs);
      await program.caughtUp();
      // The first client's work stays held.
      const before = new Set(program.held);
      const fresh = () => program.held.find((work) => !before.has(work));
      const patience = before.size > 0 ? promptMs : workMs;
      const second = server.request('/stream', { who: 'client 2' });
      const began = performance.now();
      const pause = longestPause(program, () => arrived(second) > 0 || finished(first));
      await until(() => fresh() || arrived(second) > 0 || finished(first), patience);
      fresh()?.release();
      await expectSoon(
        () => arrived(second) > 0 || finished(first),
        () => {
          missing('Message 1', 'client 2');
          return {
            cause: 'The second client got nothing while the first client waited for its next message.',
            advice: queue,
            ...twice,
          };
        },
        program,
        patience,
      );
      const waited = performance.now() - began;
      expect(arrived(second) > 0 && arrived(first) < messages.length, {
        cause: 'The second client was served only after the first had finished.',
        advice: (await pause) > waited / 2 ? busy : queue,
        ...twice,
      });
      await drain(first);
      await drain(second);
    });

    requirement('Three clients at a time each get their own five messages, in order.', async () => {
      const { program } = server;
      const streams: Exchange[] = [];
      for (const i of [1, 2, 3]) {
        const held = program.held.length;
        const stream = server.request('/stream', { who: `client ${i}` });
        streams.push(stream);
        // One after the other, so that the same seed lets the same work go.
        await until(() => program.held.length > held || arrived(stream) > 0 || finished(stream), promptMs);
        await program.caughtUp();
      }
      const all = () => streams.every(finished);
      while (!all() && (await until(() => program.held.length > 0 || all(), workMs))) {
        await program.caughtUp();
        if (program.held.length > 0) random.pick(program.held).release();
        await program.caughtUp();
      }
      for (const [i, stream] of streams.entries()) {
        checkAnswered(stream);
        const mixed =
          stream.text !== body && stream.text.split('\n').sort().join('\n') === body.split('\n').sort().join('\n');
        expect(stream.text === body, {
          cause: mixed
            ? `Client ${i + 1} of three got its five messages in another order.`
            : `Client ${i + 1} of three did not get its own five messages.`,
          compare: { expected: messages.join(' '), received: stream.text.trim().split('\n').join(' ') || '(nothing)' },
          advice: mixed
            ? 'The work of all five began at once, and ends in any order: await the work of a message before the next begins.'
            : 'Does something outlive a request: a counter, a response kept in a variable outside of the handler?',
          ...twice,
        });
      }
      expect(all(), { cause: 'Of three streams at a time, not every one came to its end.', ...twice });
    });
  });

  const seePing = { see: 'curl http://127.0.0.1:3000/ping', seeHow: 'while a stream goes on' };
  const twice = { see: 'curl -N http://127.0.0.1:3000/stream', seeHow: 'in two terminals' };

  task({ number: 3, title: 'Print each line as it arrives', file: 'client.ts' }, () => {
    let client: Program;
    let call: Call;
    const sent: string[] = [];
    let shown = 0;

    /**
     * Sends pieces; the lines must be printed while the client waits for the next, and nothing else with them.
     * `advice` is for a client that does not print them, `extra` for one that prints empty lines as well.
     */
    const expectLines = async (pieces: (string | Uint8Array)[], lines: string[], advice: string, extra = advice) => {
      for (const piece of pieces) await call.send(piece);
      sent.push(...lines);
      await expectSoon(
        () => client.lines.length >= sent.length || client.end,
        () => {
          const expected = sent.slice(shown);
          const received = client.lines.slice(shown);
          if (received.some((line, i) => line !== expected[i])) return explainOutput(expected, received, advice, extra);
          const next = visible(expected[received.length]!);
          missing(next);
          return {
            cause: `The line "${next}" was complete, and the client did not print it while it waited for more.`,
            advice,
          };
        },
        client,
      );
      checkOutput(advice, extra);
    };

    const checkOutput = (advice: string, extra = advice) => {
      notCrashed(client, 'while it was reading');
      const expected = sent.slice(shown);
      const received = client.stdout.split(/\r?\n/).slice(shown);
      // What follows the last line break: nothing, or a line that is still to be ended.
      if (received.at(-1) === '') received.pop();
      expect(expected.join('\n') === received.join('\n'), {
        ...explainOutput(expected, received, advice, extra),
        ...cutShort(client, 'while it was reading'),
      });
      shown = sent.length;
    };

    requirement(
      '`client.ts URL` prints each line as soon as it is complete, while it waits for the next.',
      async () => {
        const site = await startGraderServer('/stream');
        client = startClient(site.url);
        call = await site.call(client);
        call.response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
        const advice = 'Read response.body piece by piece; response.text() waits for the end.';
        const lineBreaks =
          'console.log adds a line break of its own, and what follows the last line break is no line yet.';
        for (const word of random.words(2)) await expectLines([`${word}\n`], [word], advice, lineBreaks);
      },
    );

    requirement('It prints nothing of a line that is not complete.', async () => {
      const [whole, start, end] = random.words(3);
      const advice = 'Keep what comes after the last line break until the rest of its line is here.';
      await expectLines([`${whole}\n${start}`], [whole!], advice);
      await expectLines([`${end}\n`], [`${start}${end}`], advice);
    });

    requirement(
      'Lines come out whole and in order, empty ones too, wherever the stream is cut: several in one piece, a line in many pieces, a character of two to four bytes in two.',
      async () => {
        const several = random.words(3);
        await expectLines(
          [`${several.join('\n')}\n`],
          several,
          'One piece can hold several lines: print each of them.',
        );
        const [above, below] = random.words(2);
        const spaced = [`  ${above} `, '', below!];
        await expectLines([`${spaced.join('\n')}\n`], spaced, 'A line is all that stands between two line breaks.');
        const utf8 =
          'Decode with one TextDecoder and { stream: true }: it keeps the first bytes of a character for the next piece.';
        for (const character of ['é', '世', '🎈']) {
          const bytes = Buffer.from(`${random.words(1)[0]}${character}\n`);
          const inside = bytes.length - 1 - random.integer(1, Buffer.byteLength(character) - 1);
          await expectLines(random.cut(bytes, 2, [inside]), [bytes.toString().trimEnd()], utf8);
        }
      },
    );

    requirement('A line may end with `\\r\\n`, even cut between the two; the `\\r` is not printed.', async () => {
      const [first, second] = random.words(2);
      const advice = '\\r\\n is one line break: its two characters may come in two pieces.';
      await expectLines([`${first}\r\n${second}\r`, '\n'], [first!, second!], advice);
      expect(!client.stdout.includes('\r'), {
        cause: 'The client printed the \\r of a line break.',
        compare: { expected: visible(`${first}\n`), received: visible(`${first}\r\n`) },
        advice,
      });
    });

    requirement(
      'At the end of the stream it prints what is left as a last line, prints nothing when nothing is left, and exits with code 0.',
      async () => {
        const [last] = random.words(1);
        await call.send(last!);
        call.end();
        sent.push(last!);
        await expectEnd(run, client, 'The stream has ended, and the client goes on running.');
        checkOutput('What is left after the last line break is a line too.');
        expect(client.end?.code === 0, {
          cause: 'The stream came to its proper end, and the client did not exit with code 0.',
          compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
          ...(client.stderr.trim() && { output: client.stderr.trim() }),
        });

        const site = await startGraderServer('/stream');
        const complete = startClient(site.url);
        const answer = await site.call(complete);
        answer.response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
        await answer.send(`${last}\n`);
        answer.end();
        await expectEnd(run, complete, 'The stream has ended, and the client goes on running.');
        expect(complete.stdout.replaceAll('\r\n', '\n') === `${last}\n`, {
          cause: 'The stream ended with a line break, and the client did not print exactly its one line.',
          compare: { expected: visible(`${last}\n`), received: visible(complete.stdout) },
          advice: 'When nothing is left after the last line break, there is no line to print.',
        });
      },
    );

    requirement(
      'An answer other than 2xx: nothing on standard output, one line on standard error that has the status code, exit code 1.',
      async () => {
        const status = random.pick([404, 418, 429, 500, 503]);
        const page = 'This is not the stream.';
        const site = await startGraderServer('/stream');
        const failing = startClient(site.url);
        const answer = await site.call(failing);
        answer.response.writeHead(status, { 'content-type': 'text/plain' });
        await answer.send(`${page}\n`);
        answer.end();
        await expectEnd(run, failing, `The answer had status ${status}, and the client goes on running.`);
        expect(!failing.stdout.includes(page), {
          cause: `The client printed the body of an answer with status ${status} as if it were the stream.`,
          compare: { expected: '(nothing)', received: visible(failing.stdout) },
          advice: 'fetch rejects only when there is no answer: look at response.ok.',
        });
        expect(failing.stdout === '', {
          cause: `The client printed something on standard output about an answer with status ${status}.`,
          compare: { expected: '(nothing)', received: visible(failing.stdout) },
          advice: 'Standard output is for the lines of the stream; console.error writes to standard error.',
        });
        checkComplaint(failing, `an answer with status ${status}`);
        expect(failing.stderr.includes(String(status)), {
          cause: `The line on standard error does not have the status code ${status}.`,
          compare: { expected: `… ${status} …`, received: visible(failing.stderr.trim()) },
        });
      },
    );

    requirement('A refused connection: one line on standard error, exit code 1.', async () => {
      const refused = startClient(`http://127.0.0.1:${await freePort()}/stream`);
      await expectEnd(run, refused, 'Nobody listens on the port, and the client goes on running.');
      checkComplaint(refused, 'a refused connection');
    });

    requirement(
      'A stream that breaks off: the lines that came before are printed, then one line on standard error, exit code 1.',
      async () => {
        const site = await startGraderServer('/stream');
        const cut = startClient(site.url);
        const answer = await site.call(cut);
        const words = random.words(2);
        answer.response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
        await answer.send(`${words.join('\n')}\nunfini`);
        await until(() => cut.lines.length >= 2 || cut.end);
        answer.breakOff();
        await expectEnd(run, cut, 'The stream broke off, and the client goes on running.');
        expect(
          words.every((word, i) => cut.lines[i] === word),
          {
            cause: 'The lines that came before the stream broke off were not printed.',
            compare: { expected: words.join(' '), received: visible(cut.stdout) },
          },
        );
        checkComplaint(cut, 'a stream that breaks off', {
          silent: 'Reading a stream that breaks off throws: is that error caught and dropped?',
        });
      },
    );
  });

  /** What is wrong with the lines that a client printed, where that can be told. */
  function explainOutput(expected: string[], received: string[], advice: string, extra: string): Explanation {
    const text = (lines: string[]) => lines.join('\n');
    const trimmed = (lines: string[]) => text(lines.map((line) => line.trim()));
    const withoutEmpty = (lines: string[]) => lines.filter((line) => line.trim() !== '');
    const compare = { expected: visible(text(expected)), received: visible(text(received)) || '(nothing)' };
    if (text(received).includes('\ufffd')) {
      return {
        cause: 'A character came out as \ufffd: its bytes came in two pieces, and each was decoded by itself.',
        compare,
        advice,
      };
    }
    if (received.some((line) => /^(<Buffer |Uint8Array\(|[\d,]+$)/.test(line))) {
      return {
        cause: 'The client printed bytes, not text.',
        compare,
        advice: 'A chunk is bytes: a TextDecoder makes text of them.',
      };
    }
    if (
      expected.every((line, i) => line === received[i]) &&
      received.slice(expected.length).some((line) => line !== '')
    ) {
      return {
        cause: 'The client printed the beginning of a line that is not complete.',
        compare,
        advice: 'Keep what comes after the last line break until the rest of its line is here.',
      };
    }
    if (trimmed(expected) === trimmed(received)) {
      return {
        cause: 'The client changed the white space of a line.',
        compare,
        advice: 'A line is printed as it came.',
      };
    }
    if (trimmed(withoutEmpty(expected)) === trimmed(withoutEmpty(received))) {
      return expected.length < received.length
        ? { cause: 'The client printed empty lines that were not sent.', compare, advice: extra }
        : { cause: 'The client left out an empty line.', compare, advice: 'An empty line is a line too.' };
    }
    return { cause: 'The client did not print the lines that were sent.', compare, advice };
  }
});
