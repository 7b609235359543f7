import { freePort } from '../harness/programs/ports.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import { expectEnd, judgedClient, underTimeLimit, type Client } from '../harness/vocabulary/command-line.ts';
import { eventOf } from '../harness/vocabulary/event-stream.ts';
import {
  logMessage,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';

/** The message whose answer fails. */
type Step = 'initialize' | 'notifications/initialized' | 'tools/call';

export default grader((run) => {
  const { random, requirement, startClient, task, together, until } = run;

  const see = 'node --import tsx lessons/12-failing-clearly/client.ts http://127.0.0.1:3000/mcp hello';
  const server = (terms: Omit<Terms, 'see'> = {}) => scriptedServer(run, { see, ...terms });

  const word = () => random.words(1)[0]!;
  const newSession = () => `${word()}-${random.integer(1000, 9999)}!~`;
  const answered = 'The call was answered';
  const leavesLoop = 'Leave the loop over the messages when the answer has arrived, and close what you still read.';

  /** Milliseconds that this machine has needed at least from the start of a client to its call. */
  let toCall = Infinity;

  /** Starts a client, and brings it to the message that is to fail. */
  async function upTo(step: Step, terms?: Omit<Terms, 'see'>): Promise<Script & { posted: ReceivedMessage }> {
    const script = await server(terms).start();
    const posted = await script.next('initialize');
    if (step === 'initialize') return { ...script, posted };
    await posted.json(posted.result(script.initializeResult()));
    const initialized = await script.next('notifications/initialized');
    if (step === 'notifications/initialized') return { ...script, posted: initialized };
    initialized.accept();
    const call = await script.next('tools/call', {
      ended:
        'Continue after notifications/initialized: the server has accepted it with status 202. Every status from 200 to 299 is a success, so check response.ok.',
    });
    toCall = Math.min(toCall, script.elapsed());
    return { ...script, posted: call };
  }

  /** The client has ended its session after a failure of a later task. */
  function saidGoodbye(goodbyes: unknown[], about: string): void {
    expect(goodbyes.length > 0, {
      cause: `Your client ended after ${about}, but it sent no DELETE for its session.`,
      compare: { expected: 'DELETE /mcp', received: '(nothing)' },
      advice:
        'Call fail in place of process.exit: the error that fail throws leads to finally, which calls endSession.',
      see,
    });
  }

  task({ number: 1, title: 'Say who has refused', file: 'client.ts' }, () => {
    requirement(
      'If nobody listens at the address, or if the connection closes before an HTTP response has come, the client prints one line on standard error and exits with code 2.',
      async () => {
        const advice = 'Catch every error that fetch throws, in every call of fetch, and call fail with exit code 2.';
        const nobody = judgedClient(run, startClient(`http://127.0.0.1:${await freePort()}/mcp`, 'hello'));
        await nobody.fails({ withFail: true, code: 2, about: 'a refused connection', advice });
        const { client, posted } = await upTo('tools/call');
        posted.breakOff();
        const about = 'a connection that closed before the answer to tools/call';
        await client.fails({ withFail: true, code: 2, about, advice, otherCode: advice });
      },
    );

    const looksAtStatus =
      'Check response.ok after every POST and call fail with exit code 3 if it is false: fetch throws no error for a status such as 404. If you read the body before that, catch the error of response.json() and check that the body is an object: it can be a page, null or empty.';

    requirement(
      'If the server answers a request or a notification with a status other than 2xx, the client prints one line that contains the status, posts no further message, and exits with code 3.',
      async () => {
        // Not every status below 400 is a success. fetch follows no redirect with 300.
        const statuses = [400, 403, 429, 500, 502, 503].sort(() => random.next() - 0.5).with(1, 300);
        const page = ['text/html', `<!DOCTYPE html><title>${word()}</title>`] as const;
        const bodies = [
          page,
          ['application/json', '{"error":'],
          ['application/json', 'null'],
          ['text/plain', ''],
        ] as const;
        const steps = ['initialize', 'notifications/initialized', 'tools/call', 'tools/call'] as const;
        await together(steps, async (step, i) => {
          const status = statuses[i]!;
          const about = `status ${status} as the answer to ${step}`;
          const { client, posted, ...script } = await upTo(step);
          const [contentType, body] = bodies[i]!;
          await posted.answer(status, contentType, body);
          await script.movesOn(`The server answered ${step} with status ${status}, but your client is still running.`);
          await script.nothingPosted({
            cause: `The server answered ${step} with status ${status}, but your client continued.`,
            advice: looksAtStatus,
          });
          await client.fails({
            withFail: true,
            code: 3,
            about,
            has: [status],
            hasName: 'the status',
            advice: looksAtStatus,
          });
        });
      },
    );

    requirement(
      'If the body of an answer with such a status contains a JSON-RPC error, the line also contains the `message` of this error.',
      async () => {
        const advice =
          'Read the body of an answer that is not ok, and add error.message to your sentence if there is one, whatever the id of this error is. Look at the body itself: its Content-Type may have a charset.';
        await together(['initialize', 'notifications/initialized', 'tools/call'] as const, async (step) => {
          const message = `${random.words(2).join(' ')}: "${word()}"`;
          const { client, posted } = await upTo(step);
          // A server that has read the request may give the error its id.
          const id = step === 'tools/call' ? posted.message.id : null;
          const error = { jsonrpc: '2.0', id, error: { code: -32022, message, data: { supported: [] } } };
          await posted.answer(400, 'application/json; charset=utf-8', JSON.stringify(error));
          await client.fails({
            withFail: true,
            code: 3,
            about: `a JSON-RPC error with status 400`,
            has: [400, message],
            advice,
          });
        });
      },
    );

    requirement(
      'If the server answers 404 to a request that has a session id, the client exits with code 3, or it begins a new session without the old id and repeats the call.',
      async () => {
        const { posted, ...script } = await upTo('tools/call', { session: newSession() });
        await posted.answer(
          404,
          'application/json',
          JSON.stringify({ ...posted.error(-32600, 'no session'), id: null }),
        );
        const next = await script.movesOn('The session is over, but your client is still running.');
        if (next === 'posted') return beginsAgain(script);
        await script.client.fails({
          withFail: true,
          code: 3,
          about: 'a session that is over',
          has: [404],
          advice: looksAtStatus,
        });
      },
    );

    /** After the end of its session a client may begin a new one (MCP 2025-11-25, "Session Management", 4). */
    async function beginsAgain({ client, agreed, ...script }: Script): Promise<void> {
      agreed.session = newSession();
      const advice =
        'End with exit code 3 when the session is over, or shake hands again: without the id of the old session, and with notifications/initialized.';
      const initialize = await script.next('initialize', { advice });
      initialize.expectNoSession(advice);
      await initialize.json(initialize.result(script.initializeResult()));
      const initialized = await script.next('notifications/initialized', { advice });
      initialized.accept();
      const call = await script.next('tools/call', { advice });
      for (const each of [initialized, call]) each.expectAgreed();
      const one = word();
      await call.json(call.result(textResult(one)));
      await client.endsWell(answered, leavesLoop);
      await client.prints([`RESULT: ${one}`], {
        cause: 'Your client did not print the result of its call in the new session.',
        advice: 'Print the result of the repeated call: only the first session is over.',
      });
    }

    requirement(
      'If the client has a session id, it also sends the `DELETE` after a failure. The exit code stays the same, even if the server does not answer the `DELETE`.',
      async () => {
        const advice =
          'Throw an error after you have set the exit code, so that finally calls endSession: process.exit skips finally. Ignore what comes of the DELETE.';
        await together([false, true], async (ignoresGoodbyes) => {
          const env: Record<string, string> = ignoresGoodbyes ? { FAREWELL_LIMIT: '150' } : {};
          const { client, goodbyes, posted } = await upTo('tools/call', {
            session: newSession(),
            ignoresGoodbyes,
            env,
          });
          await posted.answer(500, 'text/plain', 'sorry');
          const about = ignoresGoodbyes ? 'a failure and a DELETE without an answer' : 'a failure';
          await expectEnd(
            run,
            client,
            ignoresGoodbyes
              ? 'The server does not answer the DELETE, but your client is still running.'
              : 'The server answered tools/call with status 500, but your client is still running.',
            'Give the DELETE a signal that aborts it after farewellLimit milliseconds, and catch the error that it throws.',
          );
          await client.fails({ withFail: true, code: 3, about, has: [500], advice });
          if (ignoresGoodbyes) return; // on a slow machine, the limit may be over before the DELETE has gone out
          expect(goodbyes.length > 0, {
            cause: 'Your client ended after a failure, but it sent no DELETE for its session.',
            compare: { expected: 'DELETE /mcp', received: '(nothing)' },
            advice,
            see,
          });
          goodbyes[0]!.expectAgreed();
        });
        const { client, posted } = await upTo('tools/call', { session: random.aside(newSession) });
        await posted.json(posted.result(textResult('done')));
        await client.endsWell(
          'The call was answered and the DELETE was refused with status 405',
          'Ignore the status of the answer to DELETE, because a server may refuse it: fail would set the exit code.',
        );
      },
    );
  });

  task({ number: 2, title: 'Notice an answer that is no answer', file: 'client.ts' }, () => {
    requirement(
      'If the answer to a request has a `Content-Type` other than `application/json` and `text/event-stream`, the client prints one line that contains this `Content-Type` and exits with code 4. The client also exits with code 4 if the header is missing.',
      async () => {
        const advice =
          'Look at the Content-Type before you read the body, and call fail with exit code 4 if your client can read neither.';
        const wholeType =
          'Compare the whole media type with ===, and call fail with exit code 4: application/problem+json and application/json-seq are types of their own.';
        const response = (posted: ReceivedMessage) => JSON.stringify(posted.result(textResult('wrong')));
        const page = `<!DOCTYPE html><title>${word()}</title>`;
        await together(
          [
            ['initialize', 'text/html', () => page],
            ['tools/call', 'text/html', () => page],
            ['tools/call', 'text/plain', response],
            ['tools/call', 'application/xml', () => '<result/>'],
            ['tools/call', 'application/problem+json', response],
            ['tools/call', 'application/json-seq', response],
            ['tools/call', '', response],
          ] as const,
          async ([step, contentType, body]) => {
            const { client, posted } = await upTo(step);
            if (contentType === '') posted.response.writeHead(200);
            else posted.begin(`${contentType}; charset=utf-8`);
            await posted.send(body(posted));
            posted.end();
            await client.fails({
              withFail: true,
              code: 4,
              about: contentType === '' ? 'an answer without a Content-Type' : `an answer of the type ${contentType}`,
              has: contentType === '' ? [] : [contentType],
              hasName: 'this Content-Type',
              advice: contentType.startsWith('application/') ? wholeType : advice,
              otherCode:
                contentType === ''
                  ? advice
                  : 'Keep the first line of notRead, which throws an error again if its exit code is already set. A line after fail has replaced exit code 4.',
            });
          },
        );
      },
    );

    requirement(
      'If an event stream ends or breaks off before the response has arrived, the client prints the notifications that it has received, prints one line on standard error, and exits with code 5.',
      async () => {
        const one = word();
        await together(
          [
            [
              'end',
              'a stream that ends before the response',
              'Call fail with exit code 5 when the loop over the messages is over and the response has not arrived.',
            ],
            [
              'breakOff',
              'a stream that breaks off before the response',
              'Catch the error that reading the body throws, and call fail with exit code 5.',
            ],
          ] as const,
          async ([how, about, advice]) => {
            const { client, goodbyes, posted } = await upTo('tools/call', { session: random.aside(newSession) });
            // Half an event holds no message, however the stream ends.
            const half = eventOf(posted.result(textResult('wrong'))).slice(0, -1);
            await posted.stream(logMessage('info', one), half);
            posted[how]();
            await client.fails({
              withFail: true,
              code: 5,
              about,
              printed: [`NOTIFICATION: info ${one}`],
              advice,
              otherCode: advice,
            });
            saidGoodbye(goodbyes, about);
          },
        );
      },
    );

    requirement(
      'If a JSON answer breaks off, ends too early or is not valid JSON, the client prints one line on standard error and exits with code 5.',
      async () => {
        const advice =
          'Catch the error that response.json() throws, and call fail with exit code 5: the answer is not complete.';
        const half = (posted: ReceivedMessage) => JSON.stringify(posted.result(textResult('wrong'))).slice(0, -9);
        await together(
          [
            ['initialize', 'breaks off', half, 'breakOff'],
            ['tools/call', 'breaks off', half, 'breakOff'],
            ['tools/call', 'ends in the middle', half, 'end'],
            ['tools/call', 'is empty', () => '', 'end'],
            ['tools/call', 'is a page', () => '<!DOCTYPE html><title>Sign in</title>', 'end'],
          ] as const,
          async ([step, what, body, how]) => {
            const { client, posted } = await upTo(step);
            posted.begin('application/json');
            posted.response.flushHeaders();
            const bytes = body(posted);
            if (bytes !== '') await posted.send(bytes);
            posted[how]();
            await client.fails({
              withFail: true,
              code: 5,
              about: `a JSON answer that ${what}`,
              advice,
              otherCode: advice,
            });
          },
        );
      },
    );
  });

  task({ number: 3, title: 'Give up in time', file: 'client.ts' }, () => {
    const advice =
      'Start a timer when you send the request, and let it abort the request after timeLimit milliseconds. A notification must not restart the timer. AbortSignal.timeout is such a timer.';
    const otherCode =
      'Look at the name of the error first: an aborted request throws an AbortError with node-fetch, and a TimeoutError with the built-in fetch.';
    const stillWaits = 'within TIME_LIMIT milliseconds, but your client is still waiting.';
    const start = (step: Step, limit: number) => upTo(step, { env: { TIME_LIMIT: String(limit) } });

    /** The first time limit, in milliseconds. */
    const shortest = () => Math.min(5000, Math.max(200, toCall < Infinity ? 4 * toCall : 0));
    /** A limit of which a quarter is longer than a machine needs to notice the end of a client. */
    const isLong = (limit: number) => limit > 3000;

    /** A client that gets a time limit, and what it has been sent: `judge` returns false when the machine was too slow. */
    type Attempt = {
      about: string;
      running: string;
      begin(limit: number): Promise<{ client: Client; said?: string[]; judge?: (ended: number) => Promise<boolean> }>;
    };

    const giveUp = (attempts: Attempt[]) =>
      together(attempts, async ({ about, running, begin }) => {
        await underTimeLimit(shortest(), begin, async ({ client, said = [], judge }, limit) => {
          await until(() => client.end, limit);
          await expectEnd(run, client, running, advice);
          const ended = performance.now();
          await client.fails({
            withFail: true,
            code: 6,
            about,
            printed: said.slice(0, client.lines.length),
            advice,
            otherCode,
          });
          return judge?.(ended);
        });
      });

    requirement(
      'If no answer to a request comes within `TIME_LIMIT` milliseconds, the client prints one line on standard error and exits with code 6.',
      () =>
        giveUp(
          (['initialize', 'tools/call'] as const).map((step) => ({
            about: `an answer to ${step} that does not come`,
            running: `The server did not answer ${step} ${stillWaits}`,
            async begin(limit) {
              const { client } = await start(step, limit);
              return { client };
            },
          })),
        ),
    );

    requirement(
      'If an answer has begun but is not complete `TIME_LIMIT` milliseconds after the request, the client also exits with code 6. Headers, notifications, a `ping` and the beginning of a JSON object do not extend the limit.',
      async () => {
        /** What has begun the limit again: in the last attempt only, because a slow machine may be late. */
        const late = new Set<string>();
        const begun = ['the headers of an answer', 'a ping'] as const;
        await giveUp([
          {
            about: 'an answer that takes too long',
            running: `The server sent only notifications ${stillWaits}`,
            async begin(limit) {
              const { client, posted } = await start('tools/call', limit);
              const { said, longestPause } = keepSaying(client, posted, limit / 10);
              // After a long pause, a timer that each notification restarts would have gone off too.
              return { client, said, judge: async () => (await longestPause) < limit / 2 };
            },
          },
          {
            about: 'a JSON answer that comes only in part',
            running: `The server sent only half of a JSON answer ${stillWaits}`,
            async begin(limit) {
              const { client, posted } = await start('initialize', limit);
              posted.begin('application/json');
              await posted.send('{"jsonrpc":"2.0",');
              return { client };
            },
          },
          ...begun.map((what): Attempt => ({
            about: `a call after which only ${what} came`,
            running: `The server sent only ${what} ${stillWaits}`,
            async begin(limit) {
              const { client, posted, ...script } = await start('tools/call', limit);
              await until(() => client.end, limit / 2);
              if (what === 'a ping') await pinged(posted, script);
              else await posted.stream();
              return {
                client,
                async judge(ended) {
                  const tooLong = ended - posted.at > 1.25 * limit;
                  if (tooLong) late.add(what);
                  else late.delete(what);
                  return !tooLong || isLong(limit);
                },
              };
            },
          })),
        ]);
        const what = begun.find((each) => late.has(each));
        if (!what) return;
        throw new Failure({
          cause: `Your client started the timer of its call again when ${what} arrived.`,
          advice:
            'Start one timer when you send the request, in a local variable, and let it run until the answer is complete. The answer to a ping is a request of its own, so it needs a timer of its own.',
        });
      },
    );

    requirement(
      'Each request has its own limit: the time that an earlier request has taken does not count.',
      async () => {
        let early: Explanation | undefined;
        await giveUp([
          {
            about: 'a call that is not answered',
            running: `The server did not answer tools/call ${stillWaits}`,
            async begin(limit) {
              const { client, posted, ...script } = await start('initialize', limit);
              await until(() => client.end, limit / 2);
              await posted.json(posted.result(script.initializeResult()));
              (await script.next('notifications/initialized')).accept();
              const call = await script.next('tools/call');
              return {
                client,
                async judge(ended) {
                  const tooShort = ended - call.at < 0.75 * limit;
                  early = tooShort
                    ? {
                        cause:
                          'Your client gave up its call before TIME_LIMIT milliseconds had passed since this request.',
                        advice: 'Start a new timer for each request: call AbortSignal.timeout in post.',
                      }
                    : undefined;
                  return !tooShort || isLong(limit);
                },
              };
            },
          },
        ]);
        if (early) throw new Failure(early);
      },
    );

    requirement(
      'If the answer comes in time, the client ends after it: a timer must not keep the client running.',
      async () => {
        const { client, posted, ...script } = await upTo('tools/call');
        const one = word();
        await pinged(posted, script);
        await posted.stream(posted.result(textResult(one)));
        posted.end();
        const advice =
          'Clear your own timer with clearTimeout when the answer is complete. Keep the timer in a local variable: the answer to a ping may have started another timer. AbortSignal.timeout does not keep the client running.';
        await client.endsWell(answered, advice, advice);
        await client.prints([`RESULT: ${one}`], {
          cause: 'Your client did not print a result that came in time.',
          advice: 'Print the result as before: the limit only concerns answers that come too late.',
        });
      },
    );

    /** Sends a ping into the answer to a call, and accepts the response. */
    async function pinged(call: ReceivedMessage, { nextResponse }: Omit<Script, 'client'>): Promise<void> {
      const id = random.aside(word);
      await call.stream({ jsonrpc: '2.0', id, method: 'ping' });
      (await nextResponse('ping', id)).accept();
    }

    /** Says again and again that the tool is still at work, until the client has ended. */
    function keepSaying(client: Client, call: ReceivedMessage, pause: number) {
      const said: string[] = [];
      const speak = async () => {
        let longest = 0;
        while (!client.end) {
          const before = performance.now();
          const text = `still at work: ${said.length + 1}`;
          said.push(`NOTIFICATION: info ${text}`);
          await call.stream(logMessage('info', text));
          await until(() => client.end, pause);
          longest = Math.max(longest, performance.now() - before);
        }
        return longest;
      };
      return { said, longestPause: speak() };
    }
  });

  task({ number: 4, title: 'Tell an error from a failed tool', file: 'client.ts' }, () => {
    requirement(
      'If the response to a request has an `error`, the client prints one line that contains its `code` and its `message`, and exits with code 7.',
      async () => {
        const advice =
          'Look at the error of a response before you use its result, and call fail with exit code 7, with code and message.';
        await together(
          [
            ['initialize', 'JSON'],
            ['tools/call', 'JSON'],
            ['tools/call', 'an event stream'],
          ] as const,
          async ([step, kind]) => {
            const message = `${random.words(2).join(' ')}: "${word()}"`;
            // A server may choose any whole number.
            const code = kind === 'JSON' && step === 'tools/call' ? 0 : random.pick([-32602, -32603, -32000, -32042]);
            const { client, goodbyes, posted } = await upTo(
              step,
              step === 'tools/call' ? { session: random.aside(newSession) } : {},
            );
            const error = posted.error(code, message);
            if (kind === 'JSON') await posted.json(error);
            else {
              await posted.stream(error);
              posted.end();
            }
            const about = `an error in the response to ${step}, in ${kind}`;
            await client.fails({ withFail: true, code: 7, about, has: [code, message], advice, otherCode: advice });
            if (step === 'tools/call') saidGoodbye(goodbyes, about);
          },
        );
      },
    );

    requirement(
      'If `isError` is `true` in the result of the call, the client prints one line on standard error that contains all texts of the result, prints no `RESULT`, and exits with code 8.',
      async () => {
        const advice = 'Look at isError before you print the result: the tool failed if it is true.';
        await together(['JSON', 'an event stream'] as const, async (kind) => {
          const texts = [random.words(2).join(' '), word()];
          const { client, goodbyes, posted } = await upTo('tools/call', { session: random.aside(newSession) });
          const content = texts.map((text) => ({ type: 'text', text }));
          const response = posted.result({ content, isError: true });
          if (kind === 'JSON') await posted.json(response);
          else {
            await posted.stream(response);
            posted.end();
          }
          const about = `a tool that failed, in ${kind}`;
          await client.fails({ withFail: true, code: 8, about, has: texts, advice, otherCode: advice });
          saidGoodbye(goodbyes, about);
        });
      },
    );

    requirement('If `isError` is `false`, the client prints the result as before and exits with code 0.', async () => {
      const { client, posted } = await upTo('tools/call');
      const one = word();
      await posted.json(posted.result({ ...textResult(one), isError: false }));
      const advice = 'Look at the value of isError: a result may have isError with the value false.';
      await client.prints([`RESULT: ${one}`], {
        cause: 'Your client did not print a result whose isError is false.',
        advice,
      });
      await client.endsWell(answered, advice);
    });
  });
});
