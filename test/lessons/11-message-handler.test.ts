import { freePort } from '../harness/programs/ports.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import {
  checkComplaint,
  expectEnd,
  judgedClient,
  lastWords,
  underTimeLimit,
  type Client,
} from '../harness/vocabulary/command-line.ts';
import { eventOf } from '../harness/vocabulary/event-stream.ts';
import {
  logMessage,
  notification,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import { isObject } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, random, requirement, sameCapture, startClient, task, until } = run;

  const see = 'npm run try lesson-11';
  const talkative = { see: 'node --import tsx lessons/11-message-handler/examples/talkative-server.ts' };
  const server = (terms: Omit<Terms, 'see'> = {}) => scriptedServer(run, { see, ...terms });

  const word = () => random.words(1)[0]!;
  const newSession = () => `${word()}-${random.integer(1000, 9999)}!~`;
  const withoutCharset = 'application/json';
  const answered = 'The call was answered';
  const goesOn = 'Leave the loop over the messages when the answer is here, and close what you still read.';

  /** A client whose answers all come as JSON. */
  let byJson: Script;
  const texts = random.words(2);

  task({ number: 1, title: 'Shake hands', file: 'client.ts' }, () => {
    let initialize: ReceivedMessage;
    let initialized: ReceivedMessage;
    let call: ReceivedMessage;
    const message = word();

    requirement(
      '`client.ts URL message` first posts the request `initialize`, with the `protocolVersion` `2025-11-25`, its `capabilities` and `clientInfo`, and without a session id.',
      async () => {
        byJson = await server({ message, session: newSession(), revision: '2025-06-18' }).start();
        initialize = await byJson.next('initialize', {
          advice: 'The two ends agree on a version before anything else is said.',
        });
        initialize.expectNoSession('It is the server that gives a session its id, in its answer to initialize.');
        initialize.expectId();
        const params = initialize.member('params');
        const newest = 'A client asks for the newest revision that it speaks: the first of `revisions`.';
        const revision = params.at('protocolVersion');
        revision.is('2025-11-25', 'The client does not ask for revision 2025-11-25.', newest);
        params.at('capabilities').object('The params of initialize have no capabilities.', {
          like: '{}',
          advice: 'A client that can do nothing special says so with an empty object.',
        });
        const unnamed = 'The params of initialize do not say which client this is.';
        const advice = 'Send clientInfo, with the name and the version of your client.';
        const info = params.at('clientInfo').object(unnamed, { like: '{"name":"…","version":"…"}', advice });
        for (const name of ['name', 'version']) {
          info.at(name).expect(typeof info.at(name).value === 'string', unnamed, { like: '"…"', advice });
        }
      },
    );

    requirement(
      'Every POST has `Content-Type: application/json`, and lists `application/json` and `text/event-stream` in `Accept`.',
      async () => initialize.expectMediaTypes(),
    );

    requirement(
      'When that is answered, and not before, it posts `notifications/initialized`, and then `tools/call` for `process_files` with the message; no two requests have the same id.',
      async () => {
        await byJson.nothingPosted({
          cause: 'The client goes on before initialize is answered.',
          advice: 'The answer says which version the two speak, and may give a session id: await it.',
        });
        await initialize.json(initialize.result(byJson.initializeResult()), withoutCharset);
        const order = 'After the answer to initialize comes notifications/initialized, and only then a call.';
        initialized = await byJson.next('notifications/initialized', { advice: order });
        initialized
          .member('id')
          .is(
            undefined,
            'notifications/initialized has an id: that makes a request of it.',
            'A notification is not answered, so it needs no id.',
          );
        initialized.accept();
        call = await byJson.next('tools/call', {
          advice: 'A notification is answered with 202 and no body: there is no message to wait for.',
        });
        for (const each of [initialized, call]) each.expectMediaTypes();
        call.expectId();
        expect(call.message.id !== initialize.message.id, {
          cause: 'Two requests of one session have the same id.',
          compare: { expected: 'another id', received: `"id":${asJson(call.message.id)}, twice` },
          advice: 'Count them: an answer is told by the id of its request.',
          see,
        });
        const params = call.member('params');
        const given = params.at('arguments').at('message');
        params.expect(
          params.at('name').value === 'process_files' && given.value === message,
          'The client does not call process_files with the message of its command line.',
          {
            like: `{"name":"process_files","arguments":{"message":"${message}"}}`,
            advice: 'The message is the second argument of the client: process.argv[3].',
          },
        );
      },
    );

    requirement(
      'From then on every request carries `MCP-Protocol-Version` with the version of the answer, which may be `2025-06-18` too, and `MCP-Session-Id` when the server gave one.',
      async () => {
        for (const each of [initialized, call]) each.expectAgreed();
      },
    );

    requirement(
      'A server that answers a version which this client does not speak: one line that names it on standard error, exit code 1, and no further message.',
      async () => {
        const revision = random.pick(['2024-11-05', '2024-10-07', '2099-01-01']);
        const { client, goodbyes, ...other } = await server({ revision }).start();
        const begun = await other.next('initialize');
        await begun.json(begun.result(other.initializeResult()), withoutCharset);
        const running = 'There is no version that both ends speak, and the client goes on running.';
        await other.movesOn(running);
        await other.nothingPosted({
          cause: `The server speaks ${revision} only, and the client goes on all the same.`,
          advice: 'Look whether the version of the answer is one of those that you speak.',
        });
        await expectEnd(run, client, running);
        expect(goodbyes.length === 0, {
          cause: 'The client ended a session, and the server gave it none.',
          compare: { expected: '(nothing more)', received: 'DELETE /mcp' },
          advice: 'Without an MCP-Session-Id there is nothing to end.',
          see,
        });
        checkComplaint(client, `a server that speaks ${revision}`);
        expect(client.stderr.includes(revision), {
          cause: 'The line on standard error does not name the version that the server speaks.',
          compare: { expected: `… ${revision} …`, received: visible(client.stderr.trim()) },
          advice: 'Put the protocolVersion of the result into your sentence: whoever reads it knows what to look for.',
        });
      },
    );

    requirement(
      'When all is done it sends a `DELETE` for its session, if there is one, and exits with code 0, also when that is answered with 405.',
      async () => {
        const { client, agreed, goodbyes } = byJson;
        const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
        const [one, two] = texts.map((text) => ({ type: 'text', text }));
        await call.json(call.result({ content: [one, image, two] }), withoutCharset);
        await client.endsWell(answered, 'A server may answer DELETE with 405: that is no failure of the call.');
        const leaves = () => ({
          cause: 'The client ended without a word, and the server keeps its session.',
          compare: { expected: `DELETE /mcp with MCP-Session-Id: ${agreed.session}`, received: '(nothing)' },
          advice: 'Send a DELETE to the same address, with the same headers, before the client ends.',
          see,
        });
        await expectSoon(() => goodbyes.length > 0, leaves);
        goodbyes[0]!.expectAgreed();
      },
    );
  });

  task({ number: 2, title: 'Read either answer', file: 'client.ts' }, () => {
    let script: Script;
    let call: ReceivedMessage;

    requirement(
      'A result that comes as JSON is printed: `RESULT: ` and the text of its `content`; where there are several texts, joined by line breaks. Nothing else goes to standard output.',
      async () => {
        sameCapture();
        await byJson.client.prints([`RESULT: ${texts[0]}`, texts[1]!], {
          cause: 'The client did not print the result that came as JSON.',
          advice: 'The result of a call has content, a list of blocks; those of the type text have a text.',
        });
      },
    );

    /** Sends bytes in pieces, one of which ends inside of the character 🎈. */
    const streamCut = async (to: ReceivedMessage, text: string) => {
      const bytes = Buffer.from(text);
      await to.stream(...random.cut(bytes, 4, [bytes.indexOf('🎈') + 2]));
    };

    requirement(
      'The server chooses for each request, `initialize` included: the same when the answer is an event stream, cut anywhere, and perhaps left open after the answer.',
      async () => {
        script = await server().start();
        const initialize = await script.next('initialize');
        initialize.begin('text/event-stream; charset=utf-8');
        const result = { ...script.initializeResult(), instructions: 'é世🎈' };
        await streamCut(initialize, eventOf(initialize.result(result)));
        const initialized = await script.next('notifications/initialized', {
          cause:
            'The answer to initialize came as an event stream, and the client did not go on while that was still open.',
          advice:
            'The Content-Type of each answer begins with application/json or text/event-stream. Give the pieces of a stream to the reader as they come, and take from it the events that are complete.',
        });
        initialize.end();
        initialized.expectAgreed();
        initialized.accept();
        call = await script.next('tools/call');
        await call.stream();
      },
    );

    requirement(
      'In a stream, several `data` lines are one message; comments, `id` and `retry`, an event without data, one with empty data, and events of another type than `message` are none.',
      async () => {
        sameCapture();
        const { client } = script;
        const [one, other] = random.words(2);
        const before = 'What is no message is left out: an event with empty data only gives an id to come back with.';
        await call.stream(
          `: welcome\n\nid: ${other}-1\nretry: 3000\ndata:\n\nid: ${other}-2\ndata\n\n`,
          `event: ${other}\ndata: ${one}\n\nid: ${other}-3\n\n`,
        );
        await client.printsNothing(before);
        expect(!client.end, {
          cause: 'The client ended at something that is no message.',
          ...lastWords(client),
          advice: before,
        });
        const text = `${one} é世🎈`;
        const lines = JSON.stringify(call.result(textResult(text)), undefined, 1).split('\n');
        await streamCut(call, `id: ${other}-4\n${lines.map((line) => `data: ${line}\n`).join('')}: almost\n\n`);
        await client.prints([`RESULT: ${text}`], {
          cause:
            'The client did not print the result, which came in several lines of data, while the stream was still open.',
          advice:
            'The data of an event is all of its data lines, joined by line breaks. Read the stream piece by piece, with one decoder for all of it: a piece may end inside a character.',
        });
        call.end();
        await client.endsWell(answered, goesOn);
      },
    );
  });

  task({ number: 3, title: 'Tell messages apart', file: 'client.ts' }, () => {
    let script: Script;
    let call: ReceivedMessage;

    requirement(
      'A notification is printed the moment it comes: `notifications/message` as `NOTIFICATION: level data`, where data that is no text is JSON; any other as `NOTIFICATION: method` with its params as JSON, if it has any.',
      async () => {
        ({ call, ...script } = await server({ session: newSession() }).upToCall());
        const [one, two] = random.words(2);
        const level = random.pick(['debug', 'notice', 'warning', 'alert']);
        const apart =
          'A message with a method and without an id is a notification. It is printed when it comes, not at the end.';
        const data = 'The data of a log message is any JSON value: JSON.stringify shows what is no string.';
        const unknown =
          'A server may send notifications that you know nothing of: method, a space, and the params as JSON.';
        const bare = 'A notification without params is its method, and nothing behind it.';
        const progress = { progressToken: one, progress: 1 };
        const { id } = call.message;
        for (const [message, line, advice] of [
          [logMessage('info', 'Processing file 1/3...'), 'info Processing file 1/3...', apart],
          [logMessage(level, `${one} ${two}`), `${level} ${one} ${two}`, apart],
          [logMessage('error', { [one!]: [1, two] }), `error {"${one}":[1,"${two}"]}`, data],
          [logMessage('critical', 0), 'critical 0', data],
          [
            notification('notifications/progress', progress),
            `notifications/progress {"progressToken":"${one}","progress":1}`,
            unknown,
          ],
          [notification('notifications/tools/list_changed'), 'notifications/tools/list_changed', bare],
          [notification(`notifications/${two}`, { id }), `notifications/${two} {"id":${JSON.stringify(id)}}`, unknown],
        ] as const) {
          await call.stream(message);
          const cause = 'The client did not print a notification when it came.';
          await script.client.prints([`NOTIFICATION: ${line}`], { cause, advice });
        }
      },
    );

    requirement(
      'A request of the server is answered by a POST of its own while the stream goes on: `ping` with the result `{}`, anything else with the error −32601, each with the id that it came with. A notification is not answered.',
      async () => {
        const { client } = script;
        const [one, two] = random.words(2);
        const own =
          'A message with a method and an id is a request, whatever the id: 0 is one, and so is the id of your own call.';
        const ask = async (id: unknown, method: string, params?: unknown): Promise<ReceivedMessage> => {
          await call.stream({ ...notification(method, params), id });
          const response = await script.nextResponse(method, id, { advice: own, ...talkative });
          response.expectMediaTypes();
          response.expectAgreed();
          response.accept();
          await client.printsNothing('A request is answered, and not printed.');
          return response;
        };
        for (const id of [one, 0, call.message.id, '']) {
          const { message, body } = await ask(id, 'ping');
          expect(asJson(message.result) === '{}' && !('error' in message), {
            cause: 'The answer to ping is not the empty result.',
            compare: { expected: '"result":{}', received: visible(body) },
            advice: 'Answer ping with the result {}: that there is an answer says all.',
            ...talkative,
          });
        }
        for (const [method, params] of [['roots/list'], [`${two}/${one}`, { name: one }]] as const) {
          const { message, body } = await ask(random.integer(100, 999), method, params);
          const error = isObject(message.error) ? message.error : {};
          expect(error.code === -32601 && typeof error.message === 'string' && !('result' in message), {
            cause: `The answer to ${method} does not say that the client has no such method.`,
            compare: { expected: '"error":{"code":-32601,"message":"…"}', received: visible(body) },
            advice: 'A server that gets no answer waits: refuse what you do not know.',
            see,
          });
        }
        await call.stream(logMessage('info', two));
        await client.prints([`NOTIFICATION: info ${two}`], {
          cause: 'After a request of the server the client no longer reads the stream.',
          advice: 'Answer the request, and go on with the loop.',
        });
      },
    );

    requirement(
      'Anything else is reported on standard error, and the client goes on: a response with another id, with the same id as another type, JSON that is no message, a JSON array of messages (a batch), an event that is not JSON.',
      async () => {
        const { client } = script;
        const { id } = call.message;
        const wrong = call.result(textResult('wrong'));
        const error = { ...call.error(-32603, 'wrong'), id: 987 };
        const otherType = typeof id === 'number' ? String(id) : 0;
        const otherId = 'The answer to a request is the response with its id. === tells 2 from "2".';
        const unusable = 'Look at what came before you use it: null has no properties, and JSON.parse throws.';
        const batch = 'A batch is no message in this revision.';
        for (const [what, data, advice] of [
          ['A response with another id', { ...wrong, id: `${id}${random.integer(100, 999)}` }, otherId],
          [`A response with the id ${asJson(otherType)}`, { ...wrong, id: otherType }, otherId],
          ['An error with another id', error, otherId],
          ['The object {}', {}, unusable],
          ['The value null', null, unusable],
          ['A list of messages', [wrong], batch],
          ['An event that is not JSON', '{"jsonrpc":"2.0",', unusable],
        ] as const) {
          const before = client.stderr.length;
          const one = word();
          await call.stream(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
          await call.stream(logMessage('info', one));
          await client.prints([`NOTIFICATION: info ${one}`], {
            cause: `${what} came, and after it the client read no more.`,
            otherwise: `${what} came, and the client did something else than to report it on standard error.`,
            advice,
          });
          const silent = () => ({
            cause: `${what} came, and the client says nothing about it.`,
            compare: { expected: 'a line on standard error', received: '(nothing)' },
            advice: 'Report a message that you do not expect, with console.error.',
          });
          await expectSoon(() => client.stderr.length > before, silent, client);
        }
      },
    );

    requirement(
      'The response with the id of the call, and only that, is printed `RESULT: …`, and the client exits with code 0.',
      async () => {
        const { client } = script;
        const one = word();
        await call.stream(call.result(textResult(one)));
        await client.prints([`RESULT: ${one}`], {
          cause: 'The client did not print the result when the answer to its call had come.',
          advice: 'The answer is the response with the id of the call, whatever came before it.',
        });
        call.end();
        await client.endsWell(answered, goesOn);
      },
    );

    requirement(
      'With servers that neither you nor we have written it is the same: each notification while the tool is still at work, then the result.',
      async () => {
        const { sdkServer, sdkServers } = await import('../harness/vocabulary/sdk-servers.ts');
        for (const which of sdkServers) {
          const one = word();
          const { client, release } = await sdkServer(run, which, one);
          const expected = [1, 2, 3].map((file) => `NOTIFICATION: info Processing file ${file}/3...`);
          for (const [i, line] of [...expected, `RESULT: Done: ${one}`].entries()) {
            const cause = `With ${which} the client did not print what came, when it came.`;
            const advice = 'Print each notification when its event is complete, and the result when it is there.';
            await client.prints([line], { cause, otherwise: cause, advice });
            release(i + 1);
          }
          await client.endsWell(`The call was answered by ${which.replace(/,$/, '')}`, goesOn);
        }
      },
    );
  });

  task({ number: 4, title: 'Fail clearly', file: 'client.ts' }, () => {
    /** Milliseconds that this machine has needed from the start of a client to its call. */
    let toCall = 0;

    requirement('Nobody listens at the address: one line on standard error, exit code 2.', async () => {
      const client = judgedClient(run, startClient(`http://127.0.0.1:${await freePort()}/mcp`, 'hello'));
      await client.fails({
        code: 2,
        about: 'a refused connection',
        advice: 'fetch rejects when it cannot connect: catch that, and say it with console.error.',
      });
    });

    requirement(
      'A status other than 2xx, to a request or a notification: one line that has the status, exit code 3. After a 404 for its session the client may instead shake hands anew and call again.',
      async () => {
        const advice = 'fetch rejects only when there is no answer at all: look at response.ok, after every POST.';
        const status = random.pick([400, 403, 404, 429, 500, 503]);
        const about = `a notification that was answered with status ${status}`;
        const script = await server({ session: newSession() }).start();
        const initialize = await script.next('initialize');
        await initialize.json(initialize.result(script.initializeResult()));
        const initialized = await script.next('notifications/initialized');
        const error = { ...initialized.error(-32600, 'no'), id: null };
        await initialized.answer(status, 'application/json', JSON.stringify(error));
        const next = await script.movesOn(`The client goes on running after ${about}.`);
        if (status === 404 && next === 'posted') return beginsAnew(script);
        await script.nothingPosted({
          cause: `notifications/initialized was answered with status ${status}, and the client goes on all the same.`,
          advice,
        });
        await script.client.fails({ code: 3, about, has: [status], advice });
      },
    );

    /** After the end of its session a client may begin a new one (MCP 2025-11-25, "Session Management", 4). */
    async function beginsAnew({ client, agreed, ...script }: Script): Promise<void> {
      agreed.session = newSession();
      const advice = 'Say that the session is over and end, or shake hands anew, without the id of the old session.';
      const initialize = await script.next('initialize', { advice });
      initialize.expectNoSession(advice);
      await initialize.json(initialize.result(script.initializeResult()));
      const initialized = await script.next('notifications/initialized');
      initialized.accept();
      const call = await script.next('tools/call');
      for (const each of [initialized, call]) each.expectAgreed();
      const one = word();
      await call.json(call.result(textResult(one)));
      await client.endsWell(answered, goesOn);
      await client.prints([`RESULT: ${one}`], {
        cause: 'The client did not print the result of its call in the new session.',
        advice: 'Only the first session is over.',
      });
    }

    requirement('An answer that is not JSON, and not an event stream either: one line, exit code 4.', async () => {
      const { client, call } = await server().upToCall();
      await call.answer(200, 'text/html', `<!DOCTYPE html><title>${word()}</title>`);
      await client.fails({
        code: 4,
        about: 'an answer that is an HTML page',
        advice: 'response.json() throws when the body is not JSON: catch that.',
        otherCode: 'The Content-Type was text/html: neither JSON nor an event stream.',
      });
    });

    requirement(
      'A stream that ends or breaks off before the answer: what came before is printed, one line, exit code 5.',
      async () => {
        const one = word();
        for (const [how, about, advice] of [
          [
            'end',
            'a stream that ends before the answer',
            'When the loop over the messages is over, the answer should have come: otherwise say that it did not.',
          ],
          [
            'breakOff',
            'a stream that breaks off before the answer',
            'Catch what reading throws, and say that the answer is not there.',
          ],
        ] as const) {
          const { client, call, elapsed } = await server().upToCall();
          toCall = Math.max(toCall, elapsed());
          // Half an event is none, however the stream ends.
          const half = eventOf(call.result(textResult('wrong'))).slice(0, -1);
          await call.stream(logMessage('info', one), half);
          call[how]();
          await client.fails({ code: 5, about, printed: [`NOTIFICATION: info ${one}`], advice });
        }
      },
    );

    requirement(
      'No answer within `TIME_LIMIT` milliseconds, counted from the request, whatever else comes in that time: one line, exit code 6.',
      async () => {
        const advice =
          'Start a timer when you send the request, and let it abort the request after process.env.TIME_LIMIT milliseconds. A notification must not restart the timer. AbortSignal.timeout is such a timer.';
        const otherCode =
          'What is aborted throws an error too: look at its name, AbortError with node-fetch, TimeoutError with the built-in fetch.';
        const start = (limit: number) => server({ env: { TIME_LIMIT: String(limit) } });
        const stillWaits = 'within TIME_LIMIT milliseconds, but your client is still waiting.';
        const nothingSaid = { said: [] as string[], longestPause: Promise.resolve(0) };
        const attempts = [
          {
            about: 'an answer that takes too long',
            running: `The server sent no answer ${stillWaits}`,
            async begin(limit: number) {
              const { client, call } = await start(limit).upToCall();
              return { client, ...keepSaying(client, call, limit / 10) };
            },
          },
          {
            about: 'a request that is not answered',
            running: `The server did not answer initialize ${stillWaits}`,
            async begin(limit: number) {
              const { client, next } = await start(limit).start();
              await next('initialize');
              return { client, ...nothingSaid };
            },
          },
          {
            about: 'a JSON answer that comes in part only',
            running: `The server sent only half of a JSON answer ${stillWaits}`,
            async begin(limit: number) {
              const { client, next } = await start(limit).start();
              const initialize = await next('initialize');
              initialize.begin('application/json');
              await initialize.send('{"jsonrpc":"2.0",');
              return { client, ...nothingSaid };
            },
          },
        ].map(({ about, running, begin }) =>
          underTimeLimit(Math.max(200, 4 * toCall), begin, async ({ client, said, longestPause }, limit) => {
            await until(() => client.end, limit);
            await expectEnd(run, client, running, advice);
            await client.fails({ code: 6, about, printed: said.slice(0, client.lines.length), advice, otherCode });
            // After a long pause, a timer that each notification restarts would have gone off too.
            return (await longestPause) < limit / 2;
          }),
        );
        for (const attempt of await Promise.allSettled(attempts)) {
          if (attempt.status === 'rejected') throw attempt.reason;
        }
      },
    );

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

    requirement(
      'A JSON-RPC error in the place of a result: one line that has its code and its message, exit code 7.',
      async () => {
        const message = random.words(2).join(' ');
        const code = random.pick([-32602, -32603, -32000, -32042]);
        const { client, call } = await server().upToCall();
        await call.stream(call.error(code, message));
        call.end();
        await client.fails({
          code: 7,
          about: 'an answer that is an error',
          has: [code, message],
          advice: 'A response has a result or an error: look for the error first.',
        });
      },
    );

    requirement('A result with `isError`: one line that has its text, exit code 8, and no `RESULT`.', async () => {
      const text = random.words(2).join(' ');
      const { client, call } = await server().upToCall();
      await call.json(call.result({ ...textResult(text), isError: true }));
      await client.fails({
        code: 8,
        about: 'a tool that failed',
        has: [text],
        advice: 'A tool that failed has a result, whose isError is true: look at it before you print.',
      });
    });
  });
});
