import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import { checkComplaint, expectEnd, lastWords } from '../harness/vocabulary/command-line.ts';
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
  const { expectSoon, random, requirement, sameCapture, task, together, until } = run;

  const see = 'npm run try lesson-11';
  const talkative = { see: 'node --import tsx lessons/11-message-handler/examples/talkative-server.ts' };
  const server = (terms: Omit<Terms, 'see'> = {}) => scriptedServer(run, { see, ...terms });

  const word = () => random.words(1)[0]!;
  const newSession = () => `${word()}-${random.integer(1000, 9999)}!~`;
  const plainJson = 'application/json';
  const answered = 'The call was answered';
  const leavesLoop = 'Leave the loop over the messages when the answer has arrived, and close what you still read.';
  const closesBodies =
    'Send a message that gets no JSON-RPC response with tell, which closes the HTTP response. An unread body keeps the client running.';
  const isText = (value: unknown) => ({ type: 'text', text: value });
  const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };

  /** A client whose answers all come as JSON. */
  let byJson: Script;
  const texts = random.words(2);

  task({ number: 1, title: 'Shake hands', file: 'client.ts' }, () => {
    let initialize: ReceivedMessage;
    let initialized: ReceivedMessage;
    let call: ReceivedMessage;
    const message = `${word()} "${word()}" é世🎈`;

    requirement(
      "The command `client.ts URL message` first posts an `initialize` request. Its `params` contain the `protocolVersion` `2025-11-25`, the client's `capabilities` and its `clientInfo`. The request has no `MCP-Session-Id` header.",
      async () => {
        byJson = await server({ message, session: newSession(), revision: '2025-06-18' }).start();
        initialize = await byJson.next('initialize', {
          advice: 'Post initialize before every other message: the two ends agree on a revision first.',
        });
        initialize.expectNoSession(
          'Leave the header out: the server issues the session id in its answer to initialize.',
        );
        initialize.expectId();
        const params = initialize.member('params');
        const newest = 'Ask for the newest revision that your client speaks: the first of revisions.';
        const revision = params.at('protocolVersion');
        revision.is('2025-11-25', 'Your client did not propose the revision 2025-11-25.', newest);
        params.at('capabilities').object('The params of initialize have no object capabilities.', {
          like: '{}',
          advice: 'Send an empty object: this client has no special capabilities.',
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
      'Every POST has the header `Content-Type: application/json` and an `Accept` header that lists both `application/json` and `text/event-stream`.',
      async () => initialize.expectMediaTypes(),
    );

    requirement(
      'After the server has answered `initialize`, and not earlier, the client posts the notification `notifications/initialized`. After the server has accepted it, the client posts a `tools/call` request for `process_files` with the message. No two requests have the same `id`.',
      async () => {
        await byJson.nothingPosted({
          cause: 'Your client sent its next message before the server had answered initialize.',
          advice: 'Await the answer to initialize: it names the revision, and it may contain a session id.',
        });
        await initialize.json(initialize.result(byJson.initializeResult()), plainJson);
        const order = 'Send notifications/initialized after the answer to initialize, and only then call the tool.';
        initialized = await byJson.next('notifications/initialized', {
          advice: order,
          ended:
            'Continue if the revision is one of revisions: the server has answered 2025-06-18, which is one of them.',
        });
        initialized
          .member('id')
          .is(
            undefined,
            'notifications/initialized has an id, which makes it a request.',
            'Leave the id out: the server does not answer a notification.',
          );
        await byJson.nothingPosted({
          cause: 'Your client called the tool before the server had accepted notifications/initialized.',
          advice: 'Await tell in shakeHands: without await, the call can overtake the notification.',
        });
        initialized.accept();
        call = await byJson.next('tools/call', {
          advice:
            'Do not wait for a message after notifications/initialized: the server answers a notification with status 202 and an empty body.',
        });
        for (const each of [initialized, call]) each.expectMediaTypes();
        call.expectId();
        expect(call.message.id !== initialize.message.id, {
          cause: 'Your client sent two requests with the same id in one session.',
          compare: { expected: 'a new id', received: `"id":${asJson(call.message.id)}, twice` },
          advice: 'Count the requests, for example with ++lastId: the id tells which request a response belongs to.',
          see,
        });
        const params = call.member('params');
        const given = params.at('arguments').at('message');
        params.expect(
          params.at('name').value === 'process_files' && given.value === message,
          'Your client did not call process_files with the message from its command line.',
          {
            like: `{"name":"process_files","arguments":{"message":${JSON.stringify(message)}}}`,
            advice: 'Take the message from process.argv[3]: it is the second argument of the client.',
          },
        );
      },
    );

    requirement(
      'Every HTTP request after a successful handshake has an `MCP-Protocol-Version` header with the revision from the answer to `initialize`, which may also be `2025-06-18`. If the server sent a session id, every HTTP request after this answer has it in an `MCP-Session-Id` header.',
      async () => {
        for (const each of [initialized, call]) each.expectAgreed();
      },
    );

    requirement(
      'If the server answers `initialize` with a revision that is unknown to the client, the client posts no further message, prints one line that names this revision on standard error, and exits with code 1.',
      async () => {
        await together(['2025-03-26', '2099-01-01', 'constructor'], async (revision) => {
          const { client, goodbyes, ...other } = await server({ revision }).start();
          const begun = await other.next('initialize');
          await begun.json(begun.result(other.initializeResult()), plainJson);
          const running = `The server speaks only the revision ${revision}, but your client is still running.`;
          await other.movesOn(running);
          await other.nothingPosted({
            cause: `The server speaks only the revision ${revision}, but your client continued.`,
            advice:
              'Check that the protocolVersion in the result is one of revisions, and throw an error if it is not.',
          });
          await expectEnd(run, client, running);
          expect(goodbyes.length === 0, {
            cause: 'Your client sent a DELETE, but the server has not sent a session id.',
            compare: { expected: '(nothing more)', received: 'DELETE /mcp' },
            advice: 'Return from endSession if headers have no MCP-Session-Id.',
            see,
          });
          expect(!/\n.*"protocolVersion"|"protocolVersion".*\n./.test(client.stderr.trim()), {
            cause: 'Your client reported the response to initialize on standard error, although it had waited for it.',
            ...lastWords(client),
            advice:
              'Return the response with the id of the request from answerTo before you call handle: the handler gets only the other messages.',
          });
          checkComplaint(client, `a server that speaks the revision ${revision}`, {
            silent: 'Throw an error with a sentence: the catch prints it with console.error.',
          });
          expect(client.stderr.includes(revision), {
            cause: 'The line on standard error does not name the revision that the server speaks.',
            compare: { expected: `… ${revision} …`, received: visible(client.stderr.trim()) },
            advice:
              'Put the protocolVersion of the result into your sentence, so that the user knows what to look for.',
          });
        });
      },
    );

    requirement(
      'After the call, the client sends a `DELETE` if it has a session id. The client exits with code 0, even if the server answers the `DELETE` with status 405.',
      async () => {
        const { client, goodbyes } = byJson;
        await call.json(call.result({ content: [isText(texts[0]), image, isText(texts[1])] }), plainJson);
        await client.endsWell(answered, 'Ignore the answer to DELETE: a server may refuse it with 405.');
        await expectGoodbye(byJson);
        goodbyes[0]!.expectAgreed();
      },
    );

    requirement(
      'If the client has a session id, it also sends the `DELETE` after a failure. If the server does not answer the `DELETE`, the client ends after `FAREWELL_LIMIT` milliseconds, and its exit code stays as it was.',
      async () => {
        const failing = await server({ session: newSession(), revision: '2024-11-05' }).start();
        const begun = await failing.next('initialize');
        await begun.json(begun.result(failing.initializeResult()));
        await expectEnd(run, failing.client, 'There is no common revision, but your client is still running.');
        checkComplaint(failing.client, 'a server that speaks the revision 2024-11-05');
        await expectGoodbye(failing, 'after a failure');
        failing.goodbyes[0]!.expectSession();

        const env = { FAREWELL_LIMIT: '150' };
        const silent = await server({ session: newSession(), ignoresGoodbyes: true, env }).upToCall();
        await silent.call.json(silent.call.result(textResult(word())));
        await silent.client.endsWell(
          'The server does not answer the DELETE',
          'Pass AbortSignal.timeout(farewellLimit) as the signal of the DELETE, and catch the error that it throws.',
        );
      },
    );

    requirement(
      'If the server leaves the body of its answer to a notification open, the client still ends after the call.',
      async () => {
        const script = await server().start();
        const begun = await script.next('initialize');
        await begun.json(begun.result(script.initializeResult()));
        (await script.next('notifications/initialized')).acceptAndStayOpen();
        const next = await script.next('tools/call', { advice: closesBodies });
        await next.json(next.result(textResult(word())));
        await script.client.endsWell(answered, closesBodies, closesBodies);
      },
    );

    /** The client has ended its session. */
    async function expectGoodbye({ agreed, goodbyes }: Script, when = 'after the call'): Promise<void> {
      const missing = () => ({
        cause: `Your client ended ${when}, but it sent no DELETE for its session.`,
        compare: { expected: `DELETE /mcp with MCP-Session-Id: ${agreed.session}`, received: '(nothing)' },
        advice:
          when === 'after a failure'
            ? 'Call endSession in finally, and throw an error where the failure is: process.exit skips finally.'
            : 'Send a DELETE to the same address with the same headers in endSession, which finally calls before the client ends.',
        see,
      });
      await expectSoon(() => goodbyes.length > 0, missing);
    }
  });

  task({ number: 2, title: 'Read either answer', file: 'client.ts' }, () => {
    let script: Script;
    let call: ReceivedMessage;

    requirement(
      'If the answer to the call is one JSON object, the client prints `RESULT: ` and the texts of the blocks in `content`, joined by line breaks. The client prints nothing else on standard output.',
      async () => {
        sameCapture();
        await byJson.client.prints([`RESULT: ${texts[0]}`, texts[1]!], {
          cause: 'Your client did not print the result that came as JSON.',
          otherwise: 'Your client did not print the result as it should.',
          advice:
            'Print RESULT: and the texts of the blocks in content: take the text of each block whose type is text.',
        });
      },
    );

    requirement(
      'If `content` is missing, is `null` or holds only blocks of other types, the client prints `RESULT: ` alone and exits with code 0.',
      async () => {
        await together(
          [{ content: null }, {}, { content: [image, { type: 'resource', resource: {} }] }],
          async (result) => {
            const { client, call } = await server().upToCall();
            await call.json(call.result(result));
            const advice = 'Check that content is an array, and that a block has a text, before you use them.';
            await client.prints(['RESULT: '], {
              cause: `Your client did not print the result ${JSON.stringify(result)}.`,
              otherwise: `Your client did not print the result ${JSON.stringify(result)} as an empty text.`,
              advice,
            });
            await client.endsWell(answered, advice);
          },
        );
      },
    );

    /** Sends bytes in pieces, one of which ends inside of the character 🎈. */
    const streamCut = async (to: ReceivedMessage, text: string, at: number[] = []) => {
      const bytes = Buffer.from(text);
      await to.stream(...random.cut(bytes, 4, [bytes.indexOf('🎈') + 2, ...at]));
    };

    requirement(
      'If the answer to a request is an event stream, the client reads each message as soon as its event is complete. The stream may arrive in pieces of any size, and it may stay open after the answer.',
      async () => {
        script = await server().start();
        const initialize = await script.next('initialize');
        initialize.begin('text/event-stream; charset=utf-8');
        const result = { ...script.initializeResult(), instructions: 'é世🎈' };
        await streamCut(initialize, eventOf(initialize.result(result)));
        const initialized = await script.next('notifications/initialized', {
          cause:
            'The response to initialize came in an event stream, but your client did not continue while the stream was open.',
          advice:
            'Give each piece of response.body to the reader when it arrives, and yield the messages whose events are complete. Do not wait for the end of the stream.',
        });
        initialize.end();
        initialized.expectAgreed();
        initialized.accept();
        call = await script.next('tools/call');
        await call.stream();
      },
    );

    requirement(
      'In an event stream, the client joins the `data` lines of an event into one message. It ignores comments, the fields `id` and `retry`, events with empty data or no data, and events of another type than `message`.',
      async () => {
        sameCapture();
        const { client } = script;
        const [one, other] = random.words(2);
        const before = 'Ignore an event that holds no message: an event with empty data only sends an id for resuming.';
        const empty = `: welcome\n\nid: ${other}-1\nretry: 3000\ndata:\n\nid: ${other}-2\ndata\n\n`;
        const ofOtherType = (to: ReceivedMessage) =>
          `event: ${other}\ndata: ${JSON.stringify(to.result(textResult('wrong')))}\n\n`;
        const unfit = (to: ReceivedMessage, end: string) => [empty, ofOtherType(to)].join('').replaceAll('\n', end);
        for (const [events, advice] of [
          [[empty], before],
          [
            [ofOtherType(call), `event:${other}\ndata:${one}\n\nid: ${other}-3\n\n`],
            'Take only events whose type is message: eventReader gives your function the type and the data.',
          ],
        ] as const) {
          await call.stream(...events);
          await client.printsNothing(advice);
          expect(!client.end, {
            cause: 'Your client ended at an event that holds no message.',
            ...lastWords(client),
            advice,
          });
        }
        const text = `${one} é世🎈`;
        /** The result in several lines of data, with and without the space after the colon. */
        const inLines = (to: ReceivedMessage, end: string) => {
          const lines = JSON.stringify(to.result(textResult(text)), undefined, 1).split('\n');
          const data = lines.map((line, i) => `data:${i % 2 === 0 ? ' ' : ''}${line}${end}`).join('');
          return `id: ${other}-4${end}${data}: almost${end}`;
        };
        const words = {
          cause: 'Your client did not print a result that came in several data lines, although its event was complete.',
          otherwise: 'Your client did not print a result that came in several data lines as it should.',
          advice:
            'Let the reader join the values of the data lines, and nothing else: a line that begins with a colon is a comment. Give every piece of the stream to the reader, and decode all pieces with one TextDecoder and { stream: true }, because a piece may end inside a character.',
        };
        await streamCut(call, `${inLines(call, '\n')}\n`);
        await client.prints([`RESULT: ${text}`], words);
        call.end();
        await client.endsWell(answered, leavesLoop);

        for (const end of ['\r\n', '\r']) {
          const { client, call } = await server().upToCall();
          const event = inLines(call, end);
          await call.stream(unfit(call, end));
          // A piece that ends between \r and \n, in the middle of the data; and text after the last \r, because a parser may
          // wait for a \n.
          await streamCut(call, `${event}${end}:${end}`, [event.indexOf(`{${end}`) + 2]);
          await client.prints([`RESULT: ${text}`], {
            ...words,
            cause: `Your client did not print a result whose lines end with ${visible(end)}.`,
            advice: 'Use the reader eventReader, which ends a line at \\r\\n, \\n and \\r.',
          });
          call.end();
          await client.endsWell(answered, leavesLoop);
        }
      },
    );

    requirement(
      'The client tells the two kinds of answer apart by the media type in `Content-Type`. Parameters after a semicolon and the case of the letters make no difference.',
      async () => {
        const advice =
          'Compare only the part before the semicolon, in lower case: response.headers.get returns the header as the server has written it. Compare it with ===, because includes also finds a name in a parameter.';
        const reads = async (contentType: string) => {
          const text = word();
          const { client, call } = await server().upToCall();
          const response = call.result(textResult(text));
          call.begin(contentType);
          await call.send(/^text/i.test(contentType) ? eventOf(response) : JSON.stringify(response));
          call.end();
          await client.prints([`RESULT: ${text}`], {
            cause: `Your client did not print a result with the Content-Type ${contentType}.`,
            advice,
          });
          await client.endsWell(answered, advice);
        };
        await together(['Text/Event-Stream;charset=UTF-8', 'APPLICATION/JSON ; charset=utf-8'], reads);
        // Each has a parameter that holds the name of the other type.
        const named = [
          'text/event-stream ; instead="application/json"',
          'application/json; instead="text/event-stream"',
        ];
        await random.aside(() => together(named, reads));
      },
    );
  });

  task({ number: 3, title: 'Tell messages apart', file: 'client.ts' }, () => {
    let script: Script;
    let call: ReceivedMessage;
    /** The id of initialize. */
    let answeredBefore: unknown;
    const ofOtherType = (id: unknown) => (typeof id === 'number' ? String(id) : 0);
    const apart =
      'Print a message that has a method but no id immediately: it is a notification, so do not keep it for the end.';

    const notifications = async (all: (readonly [object: object, line: string, advice: string])[]) => {
      for (const [message, line, advice] of all) {
        const { lines } = script.client;
        const before = lines.length;
        await call.stream(message as ReturnType<typeof notification>);
        await until(() => lines.length > before || script.client.end);
        expect(before === 0 || lines[before] !== lines[0], {
          cause: 'Your client printed an earlier notification again.',
          compare: { expected: visible(`NOTIFICATION: ${line}`), received: visible(lines.slice(before).join('\n')) },
          advice: 'Empty the array of messages when you yield them: yield* messages.splice(0).',
        });
        await script.client.prints([`NOTIFICATION: ${line}`], {
          cause: 'Your client did not print a notification when it arrived.',
          otherwise: 'Your client did not print a notification as it should.',
          advice,
        });
      }
    };

    requirement(
      'When a log message arrives, the client prints `NOTIFICATION: level data` immediately. If `data` is not a string, the client prints it as JSON.',
      async () => {
        script = await server({ session: newSession() }).start();
        const initialize = await script.next('initialize');
        await initialize.json(initialize.result(script.initializeResult()));
        answeredBefore = initialize.message.id;
        (await script.next('notifications/initialized')).accept();
        call = await script.next('tools/call');
        const [one, two] = random.words(2);
        const level = random.pick(['debug', 'notice', 'warning', 'alert']);
        const asJsonText = 'Print data with JSON.stringify if it is not a string: data can be any JSON value.';
        await notifications([
          [logMessage('info', 'Processing file 1/3...'), 'info Processing file 1/3...', apart],
          [logMessage(level, `${one} ${two} é世🎈 100%d`), `${level} ${one} ${two} é世🎈 100%d`, apart],
          [logMessage('error', { [one!]: [1, two] }), `error {"${one}":[1,"${two}"]}`, asJsonText],
          [logMessage('critical', 0), 'critical 0', asJsonText],
          [logMessage('emergency', null), 'emergency null', asJsonText],
        ]);
      },
    );

    requirement(
      'When a different notification arrives, the client prints `NOTIFICATION: method` immediately, followed by the `params` as JSON if there are any. The client does not answer a notification.',
      async () => {
        sameCapture();
        const [one, two] = random.words(2);
        const unknown =
          'Print the method, a space and the params as JSON: a server may send notifications that your client does not know.';
        const bare = 'Print only the method if there are no params.';
        const { id } = call.message;
        const progress = { progressToken: one, progress: 1 };
        await notifications([
          [
            notification('notifications/progress', progress),
            `notifications/progress {"progressToken":"${one}","progress":1}`,
            unknown,
          ],
          [notification('notifications/tools/list_changed'), 'notifications/tools/list_changed', bare],
          [notification(`notifications/${two}`, { id }), `notifications/${two} {"id":${JSON.stringify(id)}}`, unknown],
        ]);
      },
    );

    /** The server asks, and the client answers with this `outcome`. */
    const ask = async (id: unknown, method: string, params?: unknown): Promise<ReceivedMessage> => {
      await call.stream({ ...notification(method, params), id });
      const advice =
        'Answer a message that has a method and an id, whatever the id is: 0 and the empty string are ids too, and the server may use the number of your own call.';
      const response = await script.nextResponse(method, id, { advice, ...talkative });
      response.expectMediaTypes();
      response.expectAgreed();
      return response;
    };
    const keepsReading = async () => {
      const one = word();
      await call.stream(logMessage('info', one));
      await script.client.prints([`NOTIFICATION: info ${one}`], {
        cause: 'After a request of the server, your client no longer read the stream.',
        advice: 'Post the response, and continue the loop over the messages.',
      });
    };

    requirement(
      'If the server sends a `ping` request, the client posts a response with the result `{}` and the `id` of the `ping`. The client then continues to read the stream.',
      async () => {
        const { client } = script;
        for (const id of [`${word()} "é" 🎈`, 0, call.message.id, '', -3, 0.5]) {
          const response = await ask(id, 'ping');
          expect(asJson(response.message.result) === '{}' && !('error' in response.message), {
            cause: 'Your client answered ping with the wrong message.',
            compare: { expected: '"result":{}', received: visible(response.body) },
            advice: 'Answer ping with the result {}: the server only wants to know that an answer comes.',
            ...talkative,
          });
          response.accept();
          await client.printsNothing('Answer a request of the server, but do not print it.');
        }
        await keepsReading();
      },
    );

    requirement(
      'If the server sends a request with any other method, the client posts a response with the error `-32601` and the `id` of that request.',
      async () => {
        const { client } = script;
        const [one, two] = random.words(2);
        for (const [method, params] of [
          ['roots/list'],
          [`${two}/${one}`, { name: one }],
          ['constructor'],
          ['notifications/message', { level: 'info', data: two }],
        ] as const) {
          const { message, body, acceptAndStayOpen } = await ask(random.integer(100, 999), method, params);
          const error = isObject(message.error) ? message.error : {};
          expect(error.code === -32601 && typeof error.message === 'string' && !('result' in message), {
            cause: `Your client did not answer ${method} with the error for an unknown method.`,
            compare: { expected: '"error":{"code":-32601,"message":"…"}', received: visible(body) },
            advice: 'Answer with error in place of result, with the code -32601 and a sentence as the message.',
            see,
          });
          acceptAndStayOpen();
          await client.printsNothing('Answer a request of the server, but do not print it.');
        }
        await keepsReading();
      },
    );

    requirement(
      'The client reports any other message on standard error and continues to read. Examples are a response with another `id` (such as the string `"2"` in place of the number `2`), a JSON array, and an event that is not JSON.',
      async () => {
        const { client } = script;
        const { id } = call.message;
        const wrong = call.result(textResult('wrong'));
        const error = { ...call.error(-32603, 'wrong'), id: 987 };
        const otherId = 'Compare the id of a response with === and take only your own: === tells 2 from "2".';
        const unusable = 'Check a message before you use it: null has no properties, and JSON.parse throws an error.';
        const batch = 'Report an array: this revision of MCP has no batches.';
        for (const [what, data, advice] of [
          ['A response with another id', { ...wrong, id: `${id}${random.integer(100, 999)}` }, otherId],
          [`A response with the id ${asJson(ofOtherType(id))}`, { ...wrong, id: ofOtherType(id) }, otherId],
          ['An error with another id', error, otherId],
          ['An error with the id null', { ...error, id: null }, otherId],
          ['The object {}', {}, unusable],
          ['The value null', null, unusable],
          ['The value 7', 7, unusable],
          ['A message whose method is a number', { jsonrpc: '2.0', method: 1 }, unusable],
          ['An array of messages', [wrong], batch],
          ['An event that is not JSON', '{"jsonrpc":"2.0",', unusable],
          ['A second response with the id of initialize', { ...wrong, id: answeredBefore }, otherId],
        ] as const) {
          const before = client.stderr.length;
          const printed = client.lines.length;
          const one = word();
          await call.stream(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
          const line = `NOTIFICATION: info ${one}`;
          await call.stream(logMessage('info', one));
          await until(() => client.lines.length > printed || client.end);
          const first = client.lines[printed] ?? line;
          expect(first === line || first.startsWith('RESULT'), {
            cause: `${what} arrived, and your client printed it on standard output.`,
            compare: { expected: line, received: visible(first) },
            advice:
              'Report it with console.error. console.log writes to standard output, where only notifications and the result belong.',
          });
          await client.prints([line], {
            cause: `${what} arrived, and after it your client printed no further notification.`,
            otherwise: `${what} arrived, but your client did not only report it on standard error.`,
            advice,
          });
          const silent = () => ({
            cause: `${what} arrived, but your client reported nothing on standard error.`,
            compare: { expected: 'a line on standard error', received: '(nothing)' },
            advice: 'Report a message that you do not expect with console.error.',
          });
          await expectSoon(() => client.stderr.length > before, silent, client);
        }
      },
    );

    requirement(
      'When the response with the `id` of the call arrives, the client prints `RESULT: ` and its text. The client exits with code 0, even if the server has not ended its HTTP responses to other messages.',
      async () => {
        const { client } = script;
        const one = word();
        const [two, three] = random.aside(() => random.words(2));
        const messages = [logMessage('info', two), logMessage('info', three), call.result(textResult(one))];
        await call.stream(messages.map(eventOf).join(''));
        const piece = 'Two notifications and the response to the call came in one piece of the stream';
        await client.prints([`NOTIFICATION: info ${two}`, `NOTIFICATION: info ${three}`, `RESULT: ${one}`], {
          cause: `${piece}, but your client did not print all three when they had arrived.`,
          otherwise: `${piece}, but your client did not print all three in their order.`,
          advice: (received) =>
            received === ''
              ? 'Return the response with the id of the call from answerTo, whatever came before it.'
              : 'Yield all messages of a piece, in their order: yield* messages.splice(0). Return the response only after handle has had the messages before it.',
        });
        call.end();
        await client.endsWell(answered, closesBodies, closesBodies);
      },
    );

    requirement(
      'If other messages arrive before the response to `initialize`, the client handles them in the same way and takes only the response with the `id` of `initialize`.',
      async () => {
        const { client, ...other } = await server().start();
        const initialize = await other.next('initialize');
        const one = word();
        const wrong = { ...other.initializeResult(), protocolVersion: '2024-11-05' };
        const { id } = initialize.message;
        const others = [987, ofOtherType(id)].map((id) => ({ ...initialize.result(wrong), id }));
        await initialize.stream(...others, logMessage('info', one));
        await client.prints([`NOTIFICATION: info ${one}`], {
          cause:
            'Two responses with other ids and a notification arrived before the response to initialize, but your client did not print the notification.',
          advice:
            'Read the answer to initialize with answerTo too: compare the id with ===, and give every other message to handle.',
        });
        await initialize.stream({ ...notification('ping'), id });
        const pong = await other.nextResponse('ping', id, {
          cause: 'A ping arrived before the response to initialize, but your client did not answer it.',
          advice: 'Give every message that is not the response to initialize to handle, a ping too.',
        });
        pong.accept();
        // The stream ends inside of an event, and inside of a character.
        const unfinished = Buffer.from('data: {"🎈').subarray(0, -2);
        const response = eventOf(initialize.result(other.initializeResult()));
        await initialize.stream(Buffer.concat([Buffer.from(response), unfinished]));
        initialize.end();
        const advice = 'Take only the response whose id is the id of initialize.';
        (await other.next('notifications/initialized', { advice })).accept();
        const call = await other.next('tools/call');
        await call.stream(`data: ${JSON.stringify(call.result(textResult(one)))}\n\n`);
        call.end();
        await client.prints([`RESULT: ${one}`], {
          cause:
            'The stream with the response to initialize ended inside an event, and your client did not print the result that came in the next stream.',
          advice:
            'Make a new TextDecoder and a new eventReader in messagesIn for each stream: what one stream leaves unfinished does not belong to the next.',
        });
        await client.endsWell(answered, leavesLoop);
      },
    );

    requirement(
      'If a JSON answer has another `id` than the request, the client prints no result and exits with a code other than 0.',
      async () => {
        const advice = 'Compare the id of the response in a JSON answer too: answerTo reads both kinds of answer.';
        const answers = ['initialize', 'tools/call'].map((method) => ({ method, suffix: random.integer(100, 999) }));
        await together([...answers, { method: 'tools/call', suffix: undefined }], async ({ method, suffix }) => {
          const { client, ...other } = await server().start();
          const initialize = await other.next('initialize');
          const wrong = (id: unknown) => ({ id: suffix === undefined ? ofOtherType(id) : `${String(id)}-${suffix}` });
          const running = `A JSON answer with the wrong id came for ${method}, but your client is still running.`;
          if (method === 'initialize') {
            await initialize.json({ ...initialize.result(other.initializeResult()), ...wrong(initialize.message.id) });
            await other.movesOn(running);
            await other.nothingPosted({
              cause: 'A JSON answer with the wrong id came for initialize, but your client continued.',
              advice,
            });
          } else {
            await initialize.json(initialize.result(other.initializeResult()));
            (await other.next('notifications/initialized')).accept();
            const call = await other.next('tools/call');
            await call.json({ ...call.result(textResult('wrong')), ...wrong(call.message.id) });
          }
          await expectEnd(run, client, running, advice);
          const otherwise = `A JSON answer with the wrong id came for ${method}, but your client took it.`;
          await client.prints([], { cause: otherwise, otherwise, advice });
          expect(client.end?.code !== 0, {
            cause: `A JSON answer with the wrong id came for ${method}, but your client exited with code 0.`,
            compare: { expected: 'a code other than 0', received: '0' },
            advice,
          });
        });
      },
    );

    requirement(
      'If the server is made with one of the official TypeScript SDKs, the client prints each notification of the call while the tool is still at work, and then the result.',
      async () => {
        const { sdkServer, sdkServers } = await import('../harness/vocabulary/sdk-servers.ts');
        for (const which of sdkServers) {
          const one = word();
          const { client, release } = await sdkServer(run, which, one);
          const expected = [1, 2, 3].map((file) => `NOTIFICATION: info Processing file ${file}/3...`);
          for (const [i, line] of [...expected, `RESULT: Done: ${one}`].entries()) {
            const cause = `Your client did not print a message of ${which} when it arrived.`;
            const advice = 'Print each notification as soon as its event is complete, and the result when it arrives.';
            await client.prints([line], { cause, otherwise: cause, advice });
            release(i + 1);
          }
          await client.endsWell(`The call was answered by ${which.replace(/,$/, '')}`, leavesLoop);
        }
      },
    );
  });
});
