import {
  check,
  ended,
  expectSoon,
  longestPause,
  missing,
  notCrashed,
  openSite,
  random,
  requirement,
  soon,
  startClient,
  startServer,
  task,
  until,
  visible,
  type Call,
  type Exchange,
  type Program,
  type Server,
} from '../harness/grader.ts';
import { freePort } from '../harness/ports.ts';

const messages = [1, 2, 3, 4, 5].map((i) => `Message ${i}`);
/** By other means than the work clock, five messages take about a second each. */
const slowly = 5000;

let server: Server;

/** How many whole lines have arrived. */
const linesOf = (stream: Exchange) => stream.text.split('\n').length - 1;
const finished = (stream: Exchange) => stream.ended || stream.broken !== undefined;

function checkAnswered(stream: Exchange): void {
  const { status, broken } = stream;
  check(broken === undefined, {
    cause: `The connection of ${stream.name} broke: ${broken}.`,
    advice: 'The response should be written to its end, then ended with response.end().',
  });
  check(status === undefined || status === 200, {
    cause: `${stream.name} answered with status ${status}.`,
    compare: { expected: '200', received: `${status} ${visible(stream.text.slice(0, 80))}` },
    see: 'curl -i http://127.0.0.1:3000/stream',
  });
}

/** Lets one piece of work go, when one is held; a program that waits by other means goes on by itself. */
const letGo = (program: Program) => program.held[0]?.letGo();

task({ number: 1, title: 'Send each message as soon as it is ready', file: 'server.ts', programs: 1 }, () => {
  let stream: Exchange;

  requirement('`GET /stream` answers with status 200 and `Content-Type: text/plain; charset=utf-8`.', async () => {
    server = await startServer();
    const { program } = server;
    stream = server.request('/stream');
    await until(() => stream.status !== undefined || stream.broken !== undefined || program.held.length > 0, slowly);
    // Many servers send the head together with the first message.
    if (stream.status === undefined) letGo(program);
    await until(() => stream.status !== undefined || stream.broken !== undefined);
    if (stream.status === undefined) await finish(stream);
    checkAnswered(stream);
    const type = stream.headers['content-type'];
    check(type && /^text\/plain\s*;\s*charset="?utf-8"?$/i.test(type), {
      cause: 'The Content-Type of GET /stream is another one.',
      compare: { expected: 'text/plain; charset=utf-8', received: type ?? '(no Content-Type)' },
      see: 'curl -i http://127.0.0.1:3000/stream',
    });
    await finish(stream);
  });

  requirement('Each message is on the wire as soon as its work is done, and not before.', async () => {
    const { program } = server;
    let worked = false;
    stream = server.request('/stream');
    const began = performance.now();
    const pause = longestPause(program, () => finished(stream));
    for (let i = 1; i <= messages.length; i++) {
      await expectSoon(
        () => program.held.length > 0 || linesOf(stream) >= i || finished(stream),
        () => {
          missing(`Message ${i}`);
          return { cause: `Message ${i} did not come within ${slowly / 1000} seconds, and the program waits for no work.`, ...see };
        },
        program,
        slowly,
      );
      if (program.held.length > 0) {
        await program.settled();
        check(linesOf(stream) < i, {
          cause: `Message ${i} was on the wire while its work was still going on.`,
          advice: 'A call of work returns a promise: without await, nothing waits for it.',
          ...see,
        });
        letGo(program);
        worked = true;
      }
      await expectSoon(
        () => linesOf(stream) >= i || finished(stream),
        () => {
          missing(`Message ${i}`);
          return {
            cause: stillAt(program)
              ? `Message ${i} was ready, and not on the wire while the server was at work on ${stillAt(program)}.`
              : `Message ${i} was ready, and did not come on the wire.`,
            advice: 'Something collects the messages and sends them later: response.write sends one at once.',
            ...see,
          };
        },
        program,
      );
      checkAnswered(stream);
      check(linesOf(stream) >= i, { cause: `The response ended before Message ${i}.`, ...see });
    }
    // Without the work clock there is only the order to go by.
    const [first] = stream.chunks;
    check(worked || stream.chunks.at(-1)!.at - first!.at > 1, {
      cause: 'All the messages came at one time.',
      advice:
        (await pause) > (first!.at - began) / 2
          ? 'The event loop did not turn before the end, and only it can send: a loop that waits, or a call that ends in Sync, keeps it busy.'
          : 'Wait for the work of a message, write it, and only then begin with the next.',
      ...see,
    });
  });

  requirement('The body is `Message 1` to `Message 5`, each on a line of its own that ends with `\\n`, and nothing else.', async () => {
    await finish(stream);
    const expected = messages.map((message) => `${message}\n`).join('');
    check(stream.text === expected, {
      cause: 'The body of GET /stream is not the five lines.',
      compare: { expected: visible(expected), received: visible(stream.text) },
      ...see,
    });
  });

  requirement('Each message travels in a chunk of its own; there is no `Content-Length`.', async () => {
    check(stream.headers['content-length'] === undefined, {
      cause: `The response has a Content-Length of ${stream.headers['content-length']}: it was all known before it was sent.`,
      ...see,
    });
    const chunks = stream.chunks.map((chunk) => chunk.bytes.toString());
    check(chunks.length === messages.length && chunks.every((chunk, i) => chunk === `${messages[i]}\n`), {
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
    const again = server.request('/stream');
    await finish(again);
    check(again.text === stream.text, {
      cause: 'A second request got something else than the first.',
      compare: { expected: visible(stream.text), received: visible(again.text) },
      advice: 'Does something outlive a request: a counter, an array, a stream that was ended?',
      ...see,
    });
  });

  requirement('Any other path answers with status 404.', async () => {
    const other = server.request(`/${random.words(1)[0]}`);
    await expectSoon(
      () => other.status !== undefined || other.broken,
      () => ({ cause: `${other.name} has no answer.`, see: `curl -i http://127.0.0.1:3000${other.name.slice(4)}` }),
      server.program,
    );
    check(other.status === 404, {
      cause: `${other.name} did not answer with 404.`,
      compare: { expected: '404', received: String(other.status ?? other.broken) },
      see: `curl -i http://127.0.0.1:3000${other.name.slice(4)}`,
    });
  });
});

const see = { see: 'curl -N http://127.0.0.1:3000/stream' };
const stillAt = (program: Program) => program.held[0]?.label;

/** Lets all work go until the response has ended. */
async function finish(stream: Exchange): Promise<void> {
  const { program } = server;
  await expectSoon(
    () => {
      letGo(program);
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
    linesOf(stream) >= messages.length ? soon : messages.length * slowly,
  );
  checkAnswered(stream);
}

task({ number: 2, title: 'Keep serving everybody else', file: 'server.ts', programs: 0 }, () => {
  requirement('`GET /ping` answers `pong` with status 200, also while a stream waits for its work.', async () => {
    const stream = server.request('/stream', { who: 'stream' });
    await until(() => server.program.held.length > 0 || linesOf(stream) > 0, slowly);
    const ping = server.request('/ping', { who: 'ping' });
    await expectSoon(
      () => finished(ping) || finished(stream),
      () => {
        missing('pong', 'ping');
        return { cause: 'GET /ping has no answer while a stream is going on.', ...seePing };
      },
      server.program,
      slowly,
    );
    check(finished(ping), {
      cause: 'GET /ping was answered only after the stream had ended.',
      advice: 'Something kept the event loop busy: a loop that waits, or a call that ends in Sync.',
      ...seePing,
    });
    check(ping.status === 200 && ping.text.trim() === 'pong', {
      cause: 'GET /ping did not answer pong.',
      compare: { expected: '200 pong', received: `${ping.status ?? ping.broken} ${visible(ping.text.slice(0, 60))}` },
      ...seePing,
    });
    await finish(stream);
  });

  requirement('A second client gets its first message before the first client has its last.', async () => {
    const { program } = server;
    const first = server.request('/stream', { who: 'client 1' });
    await until(() => program.held.length > 0 || linesOf(first) > 0, slowly);
    const second = server.request('/stream', { who: 'client 2' });
    // The first client's work stays held: the newest is the second client's.
    await until(() => program.held.length > 1 || linesOf(second) > 0 || finished(first), slowly);
    if (program.held.length > 1) program.held.at(-1)!.letGo();
    await expectSoon(
      () => linesOf(second) > 0 || finished(first),
      () => {
        missing('Message 1', 'client 2');
        return { cause: 'The second client got nothing while the first client waited for its next message.', ...twice };
      },
      program,
      slowly,
    );
    check(linesOf(second) > 0 && linesOf(first) < messages.length, {
      cause: 'The second client was served only after the first had finished.',
      advice: 'Something kept the event loop busy, or makes one request wait for another.',
      ...twice,
    });
    await finish(first);
    await finish(second);
  });

  requirement('Three clients at a time each get their own five messages, in order.', async () => {
    const { program } = server;
    const streams = [1, 2, 3].map((i) => server.request('/stream', { who: `client ${i}` }));
    await expectSoon(
      () => {
        if (program.held.length > 0) random.pick(program.held).letGo();
        return streams.every(finished);
      },
      () => ({ cause: 'Of three streams at a time, not every one came to its end.', ...twice }),
      program,
      messages.length * slowly,
    );
    for (const [i, stream] of streams.entries()) {
      checkAnswered(stream);
      check(stream.text === messages.map((message) => `${message}\n`).join(''), {
        cause: `Client ${i + 1} of three did not get its own five messages.`,
        compare: { expected: messages.join(' '), received: stream.text.trim().split('\n').join(' ') },
        advice: 'Does something outlive a request: a counter, a response kept in a variable outside of the handler?',
        ...twice,
      });
    }
  });
});

const seePing = { see: 'curl -N http://127.0.0.1:3000/stream & curl http://127.0.0.1:3000/ping' };
const twice = { see: 'curl -N http://127.0.0.1:3000/stream  (in two terminals)' };

task({ number: 3, title: 'Print each line as it arrives', file: 'client.ts', programs: 4 }, () => {
  let client: Program;
  let call: Call;
  const sent: string[] = [];
  let shown = 0;

  /** Sends pieces; the lines must be printed while the client waits for the next, and nothing else with them. */
  const expectLines = async (pieces: (string | Uint8Array)[], lines: string[], advice: string) => {
    for (const piece of pieces) await call.send(piece);
    sent.push(...lines);
    await expectSoon(
      () => client.lines.length >= sent.length || client.end,
      () => {
        const next = sent[client.lines.length]!;
        missing(visible(next));
        return {
          cause: `The line "${visible(next)}" was complete, and the client did not print it while it waited for more.`,
          advice,
        };
      },
      client,
    );
    checkOutput(advice);
  };

  const checkOutput = (advice: string) => {
    notCrashed(client, 'while it was reading');
    const expected = sent.slice(shown).join('\n');
    const received = client.stdout.split(/\r?\n/).slice(shown).join('\n').replace(/\n$/, '');
    check(received === expected, {
      cause: 'The client did not print the lines that were sent.',
      compare: { expected: visible(expected), received: visible(received) },
      advice,
    });
    shown = sent.length;
  };

  requirement('`client.ts URL` prints each line as soon as it is complete, while it waits for the next.', async () => {
    const site = await openSite('/stream');
    client = startClient(site.url);
    call = await site.call(client);
    call.response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    const advice = 'Read response.body piece by piece; response.text() waits for the end.';
    for (const word of random.words(2)) await expectLines([`${word}\n`], [word], advice);
  });

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
      await expectLines([`${several.join('\n')}\n`], several, 'One piece can hold several lines: print each of them.');
      const utf8 = 'Decode with one TextDecoder and { stream: true }: it keeps the first bytes of a character for the next piece.';
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
    check(!client.stdout.includes('\r'), {
      cause: 'The client printed the \\r of a line break.',
      compare: { expected: visible(`${first}\n`), received: visible(`${first}\r\n`) },
      advice,
    });
  });

  requirement('At the end of the stream it prints a last line that has no line break, and exits with code 0.', async () => {
    const [last] = random.words(1);
    await call.send(last!);
    call.end();
    sent.push(last!);
    await ended(client, 'The stream has ended, and the client goes on running.');
    checkOutput('What is left after the last line break is a line too.');
    check(client.end?.code === 0, {
      cause: 'The stream came to its proper end, and the client did not exit with code 0.',
      compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
    });
  });

  requirement('An answer other than 2xx: nothing on standard output, one line on standard error that has the status code, exit code 1.', async () => {
    const status = random.pick([404, 418, 429, 500, 503]);
    const site = await openSite('/stream');
    const failing = startClient(site.url);
    const answer = await site.call(failing);
    answer.response.writeHead(status, { 'content-type': 'text/plain' });
    await answer.send('This is not the stream.\n');
    answer.end();
    await ended(failing, `The answer had status ${status}, and the client goes on running.`);
    checkComplaint(failing, `an answer with status ${status}`);
    check(failing.stdout === '', {
      cause: `The client printed the body of an answer with status ${status} as if it were the stream.`,
      compare: { expected: '(nothing)', received: visible(failing.stdout) },
      advice: 'fetch rejects only when there is no answer: look at response.ok.',
    });
    check(failing.stderr.includes(String(status)), {
      cause: `The line on standard error does not have the status code ${status}.`,
      compare: { expected: `… ${status} …`, received: visible(failing.stderr.trim()) },
    });
  });

  requirement('A refused connection: one line on standard error, exit code 1.', async () => {
    const refused = startClient(`http://127.0.0.1:${await freePort()}/stream`);
    await ended(refused, 'Nobody listens on the port, and the client goes on running.');
    checkComplaint(refused, 'a refused connection');
  });

  requirement('A stream that breaks off: the lines that came before are printed, then one line on standard error, exit code 1.', async () => {
    const site = await openSite('/stream');
    const cut = startClient(site.url);
    const answer = await site.call(cut);
    const words = random.words(2);
    answer.response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    await answer.send(`${words.join('\n')}\nunfini`);
    await until(() => cut.lines.length >= 2 || cut.end);
    answer.breakOff();
    await ended(cut, 'The stream broke off, and the client goes on running.');
    check(words.every((word, i) => cut.lines[i] === word), {
      cause: 'The lines that came before the stream broke off were not printed.',
      compare: { expected: words.join(' '), received: visible(cut.stdout) },
    });
    checkComplaint(cut, 'a stream that breaks off');
  });
});

/** One line on standard error, and exit code 1. */
function checkComplaint(client: Program, what: string): void {
  const received = client.stderr.trim();
  const compare = (expected: string, got: string) => ({ compare: { expected, received: got } });
  check(received !== '', { cause: `The client says nothing on standard error about ${what}.`, advice: 'console.error writes there.' });
  check(!/^\s+at /m.test(received), {
    cause: `The client crashed on ${what}.`,
    advice: 'Catch the error, and say what happened in a sentence.',
    output: received.split('\n').slice(0, 6).join('\n'),
  });
  check(received.split('\n').length === 1, {
    cause: `The client says more than one line on standard error about ${what}.`,
    ...compare('one line', visible(received)),
  });
  check(client.end?.code === 1, {
    cause: `The client did not exit with code 1 after ${what}.`,
    ...compare('1', String(client.end?.code ?? client.end?.signal)),
    advice: 'Set process.exitCode = 1 where you handle the error.',
  });
}
