import { isDeepStrictEqual } from 'node:util';
import { documents } from '../../lessons/support/documents.ts';
import { freePort } from '../harness/programs/ports.ts';
import { expect, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { hostOf, officialHost, type Host } from '../harness/vocabulary/bridge.ts';
import { expectEnd, howEnded, lastWords, notCutShort } from '../harness/vocabulary/command-line.ts';
import { eventOf } from '../harness/vocabulary/event-stream.ts';
import { workMs } from '../harness/vocabulary/http.ts';
import { hello, mcpClient, request, type McpClient } from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  notification,
  scriptedServer,
  textResult,
  type Incoming,
  type ReceivedMessage,
  type Script,
} from '../harness/vocabulary/mcp-server.ts';
import { newIds } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { sdkServer, sdkServers } from '../harness/vocabulary/sdk-servers.ts';
import { listTools, objectIn, outputSchemaOf, toolIn, validatorOf } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';

export default grader((run) => {
  const { expectSoon, random, requirement, startServer, task } = run;
  const see = 'npm run try lesson-26';
  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const requestOf = (method: string, params?: object, id: string | number = newId()) =>
    request(id, method, params) as unknown as Message;
  const call = () => requestOf('tools/call', { name: 'process_files', arguments: { message: `${word()} 世🎈` } });

  /** A host, its bridge, and the server at the other end. */
  type Bridge = { host: Host; script: Script };
  type Terms = { session?: string; revision?: string; onGet?: (get: Incoming) => void; awaitsCancelled?: boolean };

  async function begin(terms: Terms = {}): Promise<Bridge> {
    let host!: Host;
    const start = (url: string) => {
      const program = run.startBridge(url);
      host = hostOf(run, program);
      return program;
    };
    const script = await scriptedServer(run, { begin: start, see, ...terms }).start();
    return { host, script };
  }

  const delivers: Explanation = {
    cause: 'The server sent a message, but your bridge did not write it for the host.',
    advice: 'In exchange, call deliver for each message of messagesIn(response). In deliver, call send.',
  };

  const posts = (message: Message): Explanation => ({
    cause: `The host wrote ${nameOf(message)}, but your bridge did not post it.`,
    advice: 'Call forward for each message of the host: forward posts it.',
  });

  const nameOf = ({ method, id }: Message): string =>
    method === undefined ? 'a response' : id === undefined ? `the notification ${method}` : `the request ${method}`;

  /** The host writes a message, and the bridge posts it as it is. */
  async function passedOn({ host, script }: Bridge, message: Message, words = posts(message)) {
    host.write(message);
    return posted(script, message, words);
  }

  async function posted(script: Script, message: Message, words = posts(message)): Promise<ReceivedMessage> {
    const received =
      message.method === undefined
        ? await script.nextResponse('ping', message.id, words)
        : await script.next(String(message.method), words);
    expect(isDeepStrictEqual(received.message, message), {
      cause: 'Your bridge posted a different message than the host had written.',
      compare: { expected: asJson(message), received: asJson(received.message) },
      advice: 'Post the message of the host as it is: the bridge adds nothing, and changes no id.',
      see,
    });
    return received;
  }

  /** A request is posted and answered with JSON, and the host gets the response. */
  async function answered(bridge: Bridge, message: Message, words?: Explanation, late = delivers): Promise<void> {
    const asked = await passedOn(bridge, message, words);
    const response = asked.result({ [word()]: random.integer(1, 99) });
    await asked.json(response);
    await bridge.host.gets(response, late);
  }

  /** The bridge carries the handshake. */
  async function shakeHands(bridge: Bridge, between = async () => {}): Promise<void> {
    const { host, script } = bridge;
    const initialize = await passedOn(bridge, requestOf('initialize', hello()));
    const response = initialize.result(script.initializeResult());
    await initialize.json(response);
    await host.gets(response, delivers);
    await between();
    (await passedOn(bridge, notification('notifications/initialized'))).accept();
  }

  /** The host ends the input, and the bridge ends with exit code 0. */
  async function endsWell({ host: { program } }: Bridge, running: Explanation): Promise<void> {
    await expectEnd(run, program, running.cause, running.advice);
    // All is written and exit code 0 is right, so it does not matter that a bridge may call process.exit(0) here.
    if (program.end?.code !== 0) notCutShort(program, 'after its input had ended', running.advice!);
    expect(program.end?.code === 0, {
      cause: `The input ended, but your bridge ended ${howEnded(program)}.`,
      compare: { expected: '0', received: String(program.end?.code ?? program.end?.signal) },
      ...lastWords(program),
      advice: 'Set no exit code, and catch the errors of the last requests: the host has asked the bridge to end.',
      see,
    });
  }

  /** The bridge that most requirements of a task use. */
  let bridge: Bridge;
  /** A second one, whose server has no session. */
  let plain: Bridge;

  task({ number: 1, title: 'Carry messages both ways', file: 'client.ts' }, () => {
    requirement(
      'If a host writes a request in a line, the bridge posts the same message to the URL. It writes the response of the server in one line, whether the answer is JSON or an event stream.',
      async () => {
        bridge = await begin({ session: random.words(2).join('-') });
        const { host, script } = bridge;
        const initialize = await passedOn(bridge, requestOf('initialize', hello()));
        initialize.expectMediaTypes();
        initialize.expectNoSession('Send the session id only after the server has given one.');
        const instructions = `${word()}\n${word()} 世🎈`;
        const response = initialize.result({ ...script.initializeResult(), instructions });
        await initialize.json(response);
        await host.gets(response, delivers);
        (await passedOn(bridge, notification('notifications/initialized'))).accept();
        for (const id of [0, '', newId()]) await answered(bridge, requestOf('ping', { [word()]: [word()] }, id));
        const called = await passedOn(bridge, call());
        const result = called.result(textResult(`${word()}\n${word()}`));
        // JSON may have line breaks: here, each of its lines is a line of data.
        await called.stream(`${JSON.stringify(result, null, 2).replace(/^/gm, 'data: ')}\n\n`);
        called.end();
        await host.gets(result, delivers);
        const refused = await passedOn(bridge, requestOf(`${word()}/${word()}`));
        const error = refused.error(-32601, word());
        await refused.json(error);
        await host.gets(error, delivers);
      },
    );

    requirement(
      'If the answer is an event stream, the bridge writes each message in it as soon as this message has arrived. It prints nothing else on standard output.',
      async () => {
        const { host } = bridge;
        const late: Explanation = {
          cause: 'A message arrived while a call was running, but your bridge did not write it.',
          advice:
            'Call deliver in the loop over messagesIn(response), and write notifications, requests and responses there. Do not collect them.',
        };
        const called = await passedOn(bridge, call());
        for (let i = 1; i <= 3; i++) {
          const log = logMessage('info', `${word()} ${i}`);
          await called.stream(log);
          await host.gets(log, late);
        }
        const odd = logMessage('warning', { text: `é世🎈 ${word()}\u2028` });
        const bytes = Buffer.from(eventOf(odd));
        const inside = bytes.indexOf(Buffer.from('世')) + random.integer(1, 2);
        await called.stream(bytes.subarray(0, inside), bytes.subarray(inside));
        await host.gets(odd, late);
        // The server asks as well, and the host answers.
        const ping = { jsonrpc: '2.0', id: newId(), method: 'ping' };
        const progress = notification('notifications/progress', { progressToken: 0, progress: 1 });
        await called.stream(ping, progress);
        await host.gets(ping, late);
        await host.gets(progress, late);
        const answers: Explanation = {
          cause:
            'The server asked the host while a call was running, but your bridge did not post the response of the host.',
          advice:
            'Post responses of the host too, and do not await the answer to a call before you read the next line.',
        };
        (await passedOn(bridge, { jsonrpc: '2.0', id: ping.id, result: {} }, answers)).accept();
        const result = called.result(textResult(word()));
        await called.stream(result);
        await host.gets(result, late);
        called.end();
        await host.getsNothing({
          cause: 'Your bridge wrote one more message than the server had sent.',
          advice: 'Write each message of the server once, and answer nothing yourself.',
        });
      },
    );

    requirement(
      'While a call is running, the bridge posts other messages of the host. It writes each response as soon as this response has arrived.',
      async () => {
        const { host } = bridge;
        const words = (message: Message): Explanation => ({
          cause: `A call was running, and your bridge did not post ${nameOf(message)} of the host meanwhile.`,
          advice: 'Do not await the answer to a call before you read the next line: the host may have more to say.',
        });
        const late: Explanation = {
          cause:
            'The server answered one request while a call was running, but your bridge did not write this response.',
          advice: 'Write each response as soon as it has arrived. The id says which request it belongs to.',
        };
        const first = await passedOn(bridge, call());
        const ping = requestOf('ping');
        await answered(bridge, ping, words(ping), late);
        const another = call();
        const second = await passedOn(bridge, another, words(another));
        const progress = notification('notifications/progress', { progressToken: word(), progress: 1 });
        (await passedOn(bridge, progress, words(progress))).accept();
        const logs = [logMessage('info', `${word()} 1`), logMessage('info', `${word()} 2`)] as const;
        for (const [own, log] of [
          [first, logs[0]],
          [second, logs[1]],
        ] as const) {
          await own.stream(log);
          await host.gets(log, late);
        }
        for (const own of [second, first]) {
          const result = own.result(textResult(word()));
          await own.stream(result);
          await host.gets(result, late);
          own.end();
        }
      },
    );

    requirement(
      'If a line contains a notification or a response, the bridge posts the next message only after the server has answered. It waits in the same way for the answer to `initialize`.',
      async () => {
        const advice =
          'Await forward in receive if the message is not a request, or if its method is initialize: the order of these messages counts.';
        const inOrder = async (one: Bridge, before: Message, after: Message) => {
          one.host.write(before, after);
          const first = await posted(one.script, before);
          await one.host.settled();
          expect(!one.script.waiting(), {
            cause: `Your bridge posted ${nameOf(after)} although the server had not answered the POST with ${nameOf(before)} yet.`,
            advice,
            see,
          });
          return first;
        };
        const ping = requestOf('ping');
        for (const before of [
          notification('notifications/roots/list_changed'),
          { jsonrpc: '2.0', id: newId(), result: {} },
        ]) {
          (await inOrder(bridge, before, ping)).accept();
          const asked = await posted(bridge.script, ping);
          await asked.json(asked.result({}));
          await bridge.host.gets(asked.result({}), delivers);
        }
        plain = await begin({ revision: '2025-06-18' });
        const initialized = notification('notifications/initialized');
        const initialize = await inOrder(plain, requestOf('initialize', hello('2025-06-18')), initialized);
        const response = initialize.result(plain.script.initializeResult());
        const log = logMessage('info', 'before the response');
        await initialize.stream(log);
        await plain.host.gets(log, {
          cause: 'A log message came before the response to initialize, but your bridge did not write it for the host.',
          advice:
            'Deliver each message of this answer too. keepRevision gets each of them, so let it first look whether the message is a response with a result.',
        });
        await initialize.stream(response);
        initialize.end();
        await plain.host.gets(response, delivers);
        const next = await posted(plain.script, initialized);
        next.expectAgreed();
        next.accept();
      },
    );

    requirement(
      'After the answer to `initialize`, every HTTP request (POST, GET and DELETE) has an `MCP-Protocol-Version` header with the revision from that answer. It has an `MCP-Session-Id` header if the server sent a session id.',
      async () => {
        for (const each of [bridge, plain]) {
          for (const message of [requestOf('ping'), call()]) {
            const asked = await passedOn(each, message);
            asked.expectAgreed();
            const response = asked.result(textResult(word()));
            await asked.json(response);
            await each.host.gets(response, delivers);
          }
          for (const message of [
            notification(`notifications/${word()}`),
            { jsonrpc: '2.0', id: newId(), error: { code: -1, message: word() } },
          ]) {
            const told = await passedOn(each, message);
            told.expectAgreed();
            told.accept();
          }
        }
      },
    );

    requirement(
      'The official MCP clients of both generations use official servers through the bridge: they list the tools, call `process_files`, and get each log message while the tool works.',
      async () => {
        for (const [i, which] of sdkServers.entries()) {
          let program!: Host['program'];
          const message = random.words(2).join(' ');
          const { release: open } = await sdkServer(run, which, message, {
            begin: (url) => (program = run.startBridge(url)),
          });
          // Each client has the server of the other generation.
          const generation = i === 0 ? 'second' : 'first';
          const found = await officialHost(run, program, generation, message, open);
          const logs = [1, 2, 3].map((file) => `Processing file ${file}/3...`);
          look(found, 'found', see).is(
            { tools: ['process_files'], text: `Done: ${message}`, logs },
            `The official client of the ${generation} generation got something different from what the server had sent.`,
            'Write each message of the server as it is, once, and in its order.',
          );
        }
      },
    );
  });

  task({ number: 2, title: 'Fail clearly, listen, and end', file: 'client.ts' }, () => {
    requirement(
      'If the server cannot be reached, the bridge writes one error response with the `id` of the request. It then continues with the next line.',
      async () => {
        const program = run.startBridge(`http://127.0.0.1:${await freePort()}/mcp`);
        const host = hostOf(run, program);
        const words: Explanation = {
          cause: 'The server cannot be reached, but your bridge wrote no response to the request of the host.',
          advice:
            'Write an error with the id of the request when exchange has thrown an error: without a response, the host waits.',
        };
        const silent: Explanation = {
          cause: 'Your bridge wrote a message about a notification that it could not post.',
          advice: 'Answer only a request: a notification has no id, and the host waits for no response to it.',
        };
        const initialize = requestOf('initialize', hello());
        host.write(initialize);
        await host.getsError(initialize.id, words);
        host.write(notification('notifications/initialized'));
        await host.getsNothing(silent);
        for (let i = 0; i < 2; i++) {
          const ping = requestOf('ping');
          host.write(ping);
          await host.getsError(ping.id, words);
        }
        await host.getsNothing({
          cause: 'Your bridge wrote more than one response to the same request.',
          advice: 'Write one error for each request: delete its id from unanswered before you write.',
        });
        program.endInput();
        await endsWell({ host } as Bridge, {
          cause: 'The input ended and the server cannot be reached, but your bridge is still running.',
          advice: 'Look for what keeps the bridge running: a timer, or a promise that never settles.',
        });
      },
    );

    requirement(
      'If the server answers a request with an HTTP error status, the bridge writes one error response with the `id` of the request. Its `message` contains the status.',
      async () => {
        bridge = await begin({ session: word(), awaitsCancelled: true });
        await shakeHands(bridge);
        const { host } = bridge;
        const words: Explanation = {
          cause: 'The server answered a request with an HTTP error status, but your bridge wrote no response.',
          advice:
            'post throws an error for such a status. Catch it in forward, and write an error with the id of the request.',
        };
        const because = word();
        const error = { jsonrpc: '2.0', id: null, error: { code: -32600, message: because } };
        const cases: [status: number, type: string, body: string][] = [
          [404, 'application/json', JSON.stringify(error)],
          [503, 'text/html', `<h1>${word()}</h1>`],
          [500, 'text/plain', ''],
        ];
        for (const [status, type, body] of cases) {
          const asked = await passedOn(bridge, requestOf('tools/list'));
          await asked.answer(status, type, body);
          const message = await host.getsError(asked.message.id, words);
          look(message, 'message', see).expect(
            message.includes(String(status)),
            'The error that your bridge wrote does not contain the HTTP status.',
            { like: `…${status}…`, advice: 'Use the message of the error that post has thrown: it names the status.' },
          );
        }
        const told = await passedOn(bridge, notification(`notifications/${word()}`));
        await told.answer(400, 'application/json', JSON.stringify(error));
        await host.getsNothing({
          cause: 'The server refused a notification, and your bridge wrote a message about it.',
          advice: 'Answer only a request: the host waits for no response to a notification.',
        });
        await answered(bridge, requestOf('ping'));
      },
    );

    requirement(
      'If the answer to a request ends or breaks off without a response, the bridge writes one error response with the `id` of the request.',
      async () => {
        const { host } = bridge;
        for (const how of ['ended', 'broke off'] as const) {
          const words: Explanation = {
            cause: `The answer to a request ${how} without a response, but your bridge wrote no response for the host.`,
            advice:
              how === 'ended'
                ? 'When exchange has returned, look whether the id of the request is still in unanswered. If it is, write an error.'
                : 'Catch the error of the loop over the messages as well, and write an error with the id of the request.',
          };
          const called = await passedOn(bridge, call());
          const log = logMessage('info', word());
          await called.stream(log);
          await host.gets(log, delivers);
          if (how === 'ended') called.end();
          else called.breakOff();
          await host.getsError(called.message.id, words);
        }
        // A response that has come stays the only one, also if the answer breaks off after it.
        const called = await passedOn(bridge, call());
        const result = called.result(textResult(word()));
        await called.stream(result);
        await host.gets(result, delivers);
        called.breakOff();
        await host.getsNothing({
          cause:
            'The server had answered the request, but your bridge wrote a second response when the answer broke off.',
          advice: 'Delete the id from unanswered when you deliver the response: then no error follows.',
        });
        const id = random.aside(() => random.integer(100_000, 999_999));
        const asked = [];
        for (const each of [id, String(id)]) asked.push(await passedOn(bridge, requestOf('tools/list', {}, each)));
        for (const each of asked) {
          await each.answer(202, 'text/plain', '');
          await host.getsError(each.message.id, {
            cause: 'Two requests had the same id, once as a number and once as a string, but one got no response.',
            advice: 'Keep each id in unanswered as it is: for JSON-RPC, 7 and "7" are different ids.',
          });
        }
      },
    );

    requirement(
      'If the host cancels a request, the bridge posts `notifications/cancelled`. If the answer to this request then ends, the bridge adds no error.',
      async () => {
        const { host } = bridge;
        for (const how of ['ended', 'broke off'] as const) {
          const [first, other] = [call(), call()];
          // A string is cancelled one time, and a number the other time.
          const gone = { ...first, id: how === 'ended' ? `${String(first.id)} é` : 2 ** 31 };
          const called = await passedOn(bridge, gone);
          const stays = await passedOn(bridge, other);
          const cancelled = notification('notifications/cancelled', { requestId: gone.id, reason: word() });
          (await passedOn(bridge, cancelled)).accept();
          await called.stream(': ok\n\n').catch(() => {});
          if (how === 'ended') called.end();
          else called.breakOff();
          await host.getsNothing({
            cause: `The host cancelled a request, and its answer ${how}: your bridge wrote a message about it.`,
            advice:
              'Delete params.requestId from unanswered when the host cancels: the host no longer waits for a response.',
          });
          const result = stays.result(textResult(word()));
          await stays.stream(result);
          stays.end();
          await host.gets(result, {
            cause: 'The host cancelled one request, and your bridge did not write the response to a different request.',
            advice: 'Give up only the request that requestId names: other requests continue.',
          });
        }
      },
    );

    let stream: Incoming;

    requirement(
      'After `notifications/initialized`, the bridge sends a `GET` for the stand-alone stream, and writes each message of it as soon as it has arrived. If the server answers 405, the bridge continues without this stream.',
      async () => {
        const advice =
          'Call listen without await when the host has written notifications/initialized and the server has accepted it.';
        const asks = (script: Script) =>
          expectSoon(
            () => script.gets.length > 0,
            () => {
              run.missing('GET /mcp');
              return { cause: 'Your bridge sent no GET for the stand-alone stream.', advice, see };
            },
            bridge.host.program,
          );
        await asks(bridge.script);
        await answered(bridge, requestOf('ping'));
        const opened = await begin({ session: word(), onGet: (get) => openStream(get) });
        await shakeHands(opened, async () => {
          await opened.host.settled();
          expect(opened.script.gets.length === 0, {
            cause: 'Your bridge sent the GET before the host had written notifications/initialized.',
            advice,
            see,
          });
        });
        await asks(opened.script);
        [stream] = opened.script.gets as [Incoming];
        stream.expectAgreed();
        look(stream.request.headers.accept, 'accept', see).expect(
          /text\/event-stream/i.test(String(stream.request.headers.accept)),
          'The GET of your bridge does not ask for an event stream.',
          { like: 'text/event-stream', advice: 'Send the header Accept: text/event-stream with the GET.' },
        );
        const words: Explanation = {
          cause: 'A message arrived on the stand-alone stream, but your bridge did not write it for the host.',
          advice: 'Call deliver for each message of eventsIn(response) in listen, as soon as it has arrived.',
        };
        for (const message of [
          notification('notifications/tools/list_changed'),
          { jsonrpc: '2.0', id: newId(), method: 'ping' },
          logMessage('info', word()),
        ]) {
          await stream.send(eventOf(message));
          await opened.host.gets(message, words);
        }
        await answered(opened, requestOf('ping'), {
          cause: 'The stand-alone stream is open, and your bridge no longer posts the messages of the host.',
          advice: 'Do not await listen: it returns only when the stream ends.',
        });
        (await passedOn(opened, notification('notifications/roots/list_changed'))).accept();
        await random.aside(() => answered(opened, requestOf('ping', {}, random.integer(100_000, 999_999))));
        expect(opened.script.gets.length === 1, {
          cause: 'Your bridge sent a second GET, although its stand-alone stream was open.',
          advice: 'Call listen only for notifications/initialized, not for every notification.',
          see,
        });
        bridge = opened;
      },
    );

    requirement(
      'If the input ends, the bridge first writes the responses that are still to come. After that, it closes the stand-alone stream, ends the session with a `DELETE`, and exits with code 0.',
      async () => {
        const { host, script } = bridge;
        const { program } = host;
        const called = await passedOn(bridge, call());
        await called.stream(logMessage('info', word()));
        await host.settled();
        program.endInput();
        await host.settled();
        const tooEarly = 'The input ended while a call was running, and your bridge';
        const advice = 'Await the promises in underWay when the input has ended. After that, end the session.';
        notCutShort(program, 'when its input had ended', advice);
        expect(!program.end, { cause: `${tooEarly} ended before it had written the response.`, advice, see });
        expect(script.goodbyes.length === 0, {
          cause: `${tooEarly} ended the session before the call was answered.`,
          advice,
          see,
        });
        const result = called.result(textResult(word()));
        await called.stream(result);
        called.end();
        const wrote = () => program.lines.some((line) => isDeepStrictEqual(fromJson(line), result));
        await expectSoon(
          () => wrote() || program.end,
          () => ({ ...delivers, cause: `${tooEarly} did not write the response.`, advice, see }),
          program,
        );
        expect(wrote(), { cause: `${tooEarly} did not write the response.`, advice, see });
        await endsWell(bridge, {
          cause: 'The input ended and every request is answered, but your bridge is still running.',
          advice:
            'Abort the fetch of the stand-alone stream with leaving.abort(): an open stream keeps the bridge running.',
        });
        const [goodbye] = script.goodbyes;
        if (!goodbye) run.missing('DELETE /mcp');
        expect(goodbye, {
          cause: 'Your bridge ended without a DELETE for its session.',
          advice: 'Await endSession when the input has ended and every request is answered.',
          see,
        });
        goodbye.expectAgreed();
      },
    );
  });

  /** Begins the stand-alone stream. */
  function openStream({ response }: Incoming): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
  }

  let server: Server;
  let client: McpClient;
  const own = ['process_files', 'count_words'];

  task({ number: 3, title: 'A server that a host can use', file: 'server.ts' }, () => {
    requirement(
      'The server answers `initialize`, `ping` and `tools/list` before the index is loaded. The first call of `count_words` loads the index, and every other call uses the same index, even a call that comes while the index is loading.',
      async () => {
        server = await startServer();
        client = mcpClient(server);
        const { program } = server;
        const advice = 'Call loadIndex only in count_words: a host waits for the handshake and for the list of tools.';
        const late = (method: string) => ({
          cause: `Your server did not answer ${method} before its index was loaded, and a host may give up on it.`,
          advice,
          see: '',
        });
        const first = client.post(client.request('initialize', hello()));
        await first.doneMeanwhile(late('initialize'));
        const session = first.headers['mcp-session-id'];
        client.headers = {
          'MCP-Protocol-Version': '2025-11-25',
          ...(session !== undefined && { 'MCP-Session-Id': String(session) }),
        };
        await client.notify('notifications/initialized');
        for (const method of ['ping', 'tools/list']) {
          await client.post(client.request(method)).doneMeanwhile(late(method));
        }
        const before = program.workCalls;
        expect(before === 0, {
          cause: 'Your server begins to load its index although no call needs it yet.',
          advice,
          see,
        });
        const params = { name: 'process_files', arguments: { message: random.aside(word) } };
        await client.post(client.request('tools/call', params), { see: '' }).done();
        const others = program.workCalls;
        expect(others <= documents.length, {
          cause: 'Your server loads its index for a call of process_files, which needs no index.',
          compare: { expected: `${documents.length} steps of work`, received: `${others} steps of work` },
          advice,
          see,
        });
        const names = random.shuffled(documents).map(({ name }) => name);
        const calls = names.slice(0, 2).map((document) => countWords(document));
        await expectSoon(
          () => program.held.length > 0,
          () => ({ cause: 'The call of count_words does not load the index.', advice, see }),
          program,
          workMs,
        );
        await program.caughtUp();
        for (let turn = 0; turn < 25; turn++) await program.caughtUp();
        const twice = (when: string): Explanation => ({
          cause: `Your server loads the index again ${when}.`,
          compare: { expected: '1 load', received: `${program.workCalls - others} loads` },
          advice: 'Keep the promise of loadIndex in index, before you await it: index ??= loadIndex().',
          see,
        });
        expect(program.workCalls - others === 1, twice('for a second call that comes at the same time'));
        for (const each of calls) await each.done();
        await countWords(names[2]!).done();
        expect(program.workCalls - others === 1, twice('for a later call'));
      },
    );

    requirement(
      'In the result of `tools/list`, the tools `process_files` and `count_words` have a `title`, a `description`, and `annotations` with `readOnlyHint` true and `openWorldHint` false.',
      async () => {
        const list = await listTools(client);
        for (const name of own) {
          toolIn(list, name, `Offer the tool ${name}.`);
          const tool = look(
            list.tools.find((each) => each.name === name),
            '',
            see,
          );
          tool.at('title').string(`The tool ${name} has no title.`, {
            like: '"…"',
            advice: 'Give the tool a title, and copy it in tools/list: a host shows the title to people.',
          });
          const hints = tool.at('annotations').object(`The annotations of ${name} are not an object.`, {
            missing: `The tool ${name} has no annotations.`,
            like: '{"readOnlyHint":true,"openWorldHint":false}',
            advice: 'Give the tool annotations, and copy them in tools/list.',
          });
          for (const [hint, value] of [
            ['readOnlyHint', true],
            ['openWorldHint', false],
          ] as const) {
            hints
              .at(hint)
              .is(
                value,
                `The annotations of ${name} have the wrong ${hint}.`,
                hint === 'readOnlyHint'
                  ? 'Set readOnlyHint to true: without it, a host has to expect that the tool changes something.'
                  : 'Set openWorldHint to false: without it, a host has to expect that the tool reaches out to the world.',
              );
          }
        }
      },
    );

    requirement(
      'In the `inputSchema` of `process_files` and of `count_words`, every property has a `description`.',
      async () => {
        const list = await listTools(client);
        for (const name of own) {
          const { inputSchema } = toolIn(list, name, `Offer the tool ${name}.`);
          const properties = isObject(inputSchema.properties) ? inputSchema.properties : {};
          const wanted = name === 'count_words' ? 'document' : 'message';
          for (const property of [wanted, ...Object.keys(properties)]) {
            look(properties, 'properties', see)
              .at(property)
              .at('description')
              .string(`The property ${property} in the inputSchema of ${name} has no description.`, {
                advice:
                  'Call describe on the schema of the property: the model writes the arguments, and reads this text.',
              });
          }
        }
      },
    );

    requirement(
      'The tool `count_words` has an `outputSchema`. Its result has a `structuredContent` with `document` and `words` that fits this schema, and a text block with the same data as JSON.',
      async () => {
        const list = await listTools(client);
        toolIn(list, 'count_words', 'Offer the tool count_words.');
        const like = '{"type":"object", …}';
        const schema = outputSchemaOf(
          list,
          'count_words',
          {
            like,
            advice:
              'Make it from the output of the tool with z.toJSONSchema, and leave it out for a tool without output.',
          },
          see,
        );
        schema
          .at('type')
          .is('object', 'The outputSchema of count_words does not have the type object.', `Send ${like}.`);
        const outputSchema = schema.value as Message;
        schema.expect(
          !['def', '_def', '_zod', 'shape', '~standard'].some((inside) => inside in outputSchema),
          'The outputSchema of count_words is the inside of a zod object, but it should be JSON Schema.',
          { like, advice: 'Make the schema with z.toJSONSchema(output): a host has no zod object.' },
        );
        for (const tool of list.tools) {
          const other = look(tool, '', see).at('outputSchema');
          other.expect(
            other.value === undefined || isObject(other.value),
            `The outputSchema of ${tool.name} is not an object.`,
            {
              like: '(no outputSchema)',
              advice: 'Leave outputSchema out for a tool without output: null is a value too.',
            },
          );
        }
        if (list.tools.some(({ name, outputSchema }) => name === 'process_files' && outputSchema !== undefined)) {
          const called = client.post(
            client.request('tools/call', { name: 'process_files', arguments: { message: word() } }),
            { see: '' },
          );
          await called.done();
          objectIn(called).at('structuredContent').object('The structuredContent of process_files is not an object.', {
            missing:
              'The tool process_files has an outputSchema, but its result has no structuredContent, so clients refuse the result.',
            like: '{…}',
            advice: 'Leave outputSchema out for a tool without output: output && z.toJSONSchema(output).',
          });
        }
        const validate = await validatorOf(schema, 'The outputSchema of count_words', {
          like,
          advice: 'Send what z.toJSONSchema(output) returns.',
        });
        for (const { name, text } of random.shuffled(documents)) {
          const called = await countWords(name).done();
          const result = objectIn(called);
          const data = { document: name, words: text.split(/\s+/).length };
          const structured = result.at('structuredContent');
          // Further members are right too, if the schema allows them.
          const given = isObject(structured.value) ? structured.value : {};
          if (given.document !== data.document || given.words !== data.words) {
            structured.is(
              data,
              result.has('structuredContent')
                ? 'The structuredContent of count_words has the wrong data.'
                : 'The result of count_words has no structuredContent.',
              'Return structuredContent beside content: an object with document and words.',
            );
          }
          schema.expect(
            validate(given).valid,
            'The structuredContent of count_words does not fit the outputSchema of this tool.',
            {
              like: '{"type":"object","properties":{"document":{"type":"string"},"words":{"type":"number"}}, …}',
              advice: 'Let countWordsOutput describe what run returns: document is a string, and words is a number.',
            },
          );
          const blocks = result.at('content').array('The result of count_words has no content.', {
            advice: 'Return the data as text too: not every host reads structuredContent.',
          });
          const texts = textsIn(blocks);
          expect(
            texts.some((each) => isDeepStrictEqual(fromJson(each), given)),
            {
              cause: 'No text block of count_words has the same data as its structuredContent.',
              compare: { expected: JSON.stringify(given), received: texts.join(', ') || '(no text block)' },
              advice:
                'Return the data with JSON.stringify in a text block too: not every host reads structuredContent.',
              see,
            },
          );
        }
        for (const generation of ['first', 'second'] as const) {
          const official = await officialClient(server, generation);
          await official.listTools();
          await official.callTool('count_words', { document: documents[0]!.name });
        }
      },
    );

    requirement(
      'If no document has the name in a call of `count_words`, the result has `isError` true. Its text contains the wrong name and the names of all documents.',
      async () => {
        const throwInTool =
          'In run of count_words, throw an Error when the index has no document of this name: tools/call makes a result with isError of it. Its message says which name was wrong and which documents there are.';
        for (const name of [`${word()}-${random.integer(10, 99)}.txt`, '', 'constructor']) {
          const called = await countWords(name).done();
          const result = objectIn(called, {
            cause: 'Your server answered the call with an error of the protocol, so the model may never see it.',
            advice: throwInTool,
          });
          result
            .at('isError')
            .is(true, 'The result about a wrong name does not say that the call has failed.', throwInTool);
          const text = textsIn(result.at('content').array('The result has no content.')).join('\n');
          for (const part of [name, ...documents.map((document) => document.name)]) {
            look(text, 'text', see).expect(
              text.includes(part),
              `The text about a wrong name does not contain ${part === name ? 'this name' : 'the names of all documents'}.`,
              {
                like: `…${part}…`,
                advice:
                  'Put the wrong name and the names of all documents into the text: the model reads it, and calls the tool again.',
              },
            );
          }
        }
      },
    );

    requirement(
      'The result of `initialize` has `instructions` that contain the names of both tools, and a `serverInfo` with a `title`.',
      async () => {
        const result = objectIn(await client.ask('initialize', hello()));
        const advice = 'Say in two sentences which tool is for what: a host may give this text to the model.';
        const text = result
          .at('instructions')
          .string('The result of initialize has no instructions that are a string.', { advice });
        for (const name of own) {
          result
            .at('instructions')
            .expect(text.includes(name), `The instructions do not contain the name of the tool ${name}.`, {
              like: `"…${name}…"`,
              advice,
            });
        }
        result
          .at('serverInfo')
          .at('title')
          .string('The serverInfo has no title.', { advice: 'Add a title: a host shows it to people.' });
      },
    );
  });

  const textsIn = (blocks: unknown[]) =>
    blocks.flatMap((block) => (isObject(block) && block.type === 'text' ? [String(block.text)] : []));

  const countWords = (document: string) =>
    client.post(client.request('tools/call', { name: 'count_words', arguments: { document } }), { see: '' });
});
