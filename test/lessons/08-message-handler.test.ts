import { grader } from '../harness/run/grader.ts';
import { Failure, expect, type Explanation } from '../harness/run/failure.ts';
import { checkComplaint, expectEnd, notCrashed } from '../harness/vocabulary/command-line.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import type { Program } from '../harness/programs/program.ts';
import { fromJson } from '../harness/vocabulary/value.ts';
import { freePort } from '../harness/programs/ports.ts';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, sameCapture, startClientWith, startGraderServer, task, until } =
    run;

  type Message = Record<string, any>;

  /** A message that the client has posted. */
  type Posted = Call & { message: Message };

  /** A client, and the grader's server for it, which refuses every GET and DELETE by itself, and takes every cancellation. */
  type Talk = {
    client: Program;
    /** What its requests have to carry; known when the handshake has begun. */
    agreed: { version: string; session?: string };
    goodbyes: Call[];
    /** The next message that the client posts, which explanations call `awaited`. */
    next(awaited: string, explanation?: Partial<Explanation>): Promise<Posted>;
    /** Another message has been posted, or the client has ended. */
    moved(): Promise<boolean>;
    /** Nothing more has been posted. */
    nothingPosted(explanation: Explanation): Promise<void>;
    /** Exactly this has been printed since the last look; `cause` is said when there is nothing, `otherwise` when there is something else. */
    printed(lines: string[], explanation: Explanation & { otherwise?: string }): Promise<void>;
  };

  const nothingToPrint = 'The client printed something that does not belong on standard output.';
  const agreedVersion = '2025-11-25';
  const byHand = { see: 'npm run try lesson-8' };
  const talkative = { see: 'node --import tsx lessons/08-message-handler/examples/talkative-server.ts' };

  type Terms = { message?: string; env?: Record<string, string>; session?: string; version?: string };

  /** Starts a client, whose server will agree on this version, and give this session. */
  async function talk({ message = 'hello', env = {}, version = agreedVersion, session }: Terms = {}): Promise<Talk> {
    const goodbyes: Call[] = [];
    const site = await startGraderServer('/mcp', (call) => {
      const { method } = call.request;
      // One that has waited long enough may say so.
      if ((fromJson(call.body) as Message | undefined)?.method === 'notifications/cancelled') {
        accept(call);
        return true;
      }
      // One may ask for a stream of its own; and a server may say that it does not end sessions.
      if (method !== 'GET' && method !== 'DELETE') return false;
      if (method === 'DELETE') goodbyes.push(call);
      call.response.writeHead(405, { allow: 'POST' });
      call.end();
      return true;
    });
    const client = startClientWith(env, site.url, message);
    let first = true;
    let seen = 0;
    const output = () => client.stdout.replaceAll('\r\n', '\n').slice(seen);

    const talking: Talk = {
      client,
      agreed: { version, ...(session && { session }) },
      goodbyes,
      async next(awaited, explanation) {
        if (!first) {
          await expectSoon(
            () => site.waiting > 0 || client.end || client.verdict,
            () => {
              missing(awaited);
              return { cause: `The client did not send ${awaited}.`, ...byHand, ...explanation };
            },
            client,
          );
          if (site.waiting === 0) {
            notCrashed(client, `before it sent ${awaited}`);
            throw new Failure({
              cause: `The client ended before it sent ${awaited}.`,
              ...lastWords(client),
              ...byHand,
              ...explanation,
            });
          }
        }
        first = false;
        const call = await site.call(client);
        expect(call.request.method === 'POST', {
          cause: `The client sent a ${call.request.method} where ${awaited} was expected.`,
          advice: 'Every message travels in a POST of its own.',
          ...byHand,
        });
        const posted = fromJson(call.body);
        expect(isObject(posted) && posted.jsonrpc === '2.0', {
          cause: 'The client posted a body that is not a JSON-RPC message.',
          compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(call.body.slice(0, 120)) || '(nothing)' },
          advice: 'JSON.stringify makes the body; every message begins with the version, which is a string.',
          ...byHand,
        });
        return { ...call, message: posted };
      },
      moved: () => until(() => site.waiting > 0 || client.end),
      async nothingPosted(explanation) {
        await client.caughtUp();
        if (site.waiting === 0) return;
        const { body } = await site.call(client);
        throw new Failure({ compare: { expected: '(nothing)', received: visible(body) }, ...byHand, ...explanation });
      },
      async printed(
        lines,
        { otherwise = 'The client printed something else than what was asked for.', ...explanation },
      ) {
        const expected = lines.map((line) => `${line}\n`).join('');
        const enough = () => output().split('\n').length >= expected.split('\n').length;
        await until(() => enough() || client.end || site.waiting > 0);
        await talking.nothingPosted({
          cause: 'The client answered a message that asks for no answer.',
          advice: 'Only a request is answered: a message with a method and an id.',
        });
        await expectSoon(
          () => enough() || client.end,
          () => {
            missing(visible(expected.trimEnd()));
            return { compare: { expected: visible(expected), received: '(nothing)' }, ...explanation };
          },
          client,
          0,
        );
        notCrashed(client, 'while it was reading');
        const received = output();
        expect(received === expected, {
          compare: { expected: visible(expected) || '(nothing)', received: visible(received) || '(nothing)' },
          ...(received === '' && lastWords(client)),
          ...explanation,
          ...(received !== '' && { cause: otherwise }),
        });
        seen += received.length;
      },
    };
    return talking;
  }

  /** The end of what a client has said on standard error. */
  const lastWords = ({ stderr }: Program): { output?: string } =>
    stderr.trim() === '' ? {} : { output: stderr.trim().split('\n').slice(-4).join('\n') };

  const isObject = (value: unknown): value is Message =>
    typeof value === 'object' && value !== null && !Array.isArray(value);

  // What the grader's server sends.

  const resultFor = ({ message }: Posted, result: unknown) => ({ jsonrpc: '2.0', id: message.id, result });
  const says = (text: string) => ({ content: [{ type: 'text', text }] });
  const event = (message: unknown) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

  /** Answers with one JSON object. */
  async function answerJson(posted: Posted, message: unknown, headers: Record<string, string> = {}): Promise<void> {
    posted.response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers });
    await posted.send(JSON.stringify(message));
    posted.end();
  }

  /** Begins to answer with an event stream. */
  function answerStream({ response }: Posted, headers: Record<string, string> = {}): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers }).flushHeaders();
  }

  function accept({ response, end }: Call): void {
    response.writeHead(202);
    end();
  }

  const initializeResult = ({ agreed }: Talk) => ({
    protocolVersion: agreed.version,
    capabilities: { tools: {}, logging: {} },
    serverInfo: { name: 'grader', version: '1.0.0' },
  });
  const sessionHeader = ({ agreed }: Talk): Record<string, string> =>
    agreed.session ? { 'mcp-session-id': agreed.session } : {};
  const session = () => `${random.words(1)[0]}-${random.integer(1000, 9999)}!~`;

  /** Shakes hands with JSON, and waits for the call of the tool. */
  async function called(talking: Talk): Promise<Posted> {
    const initialize = await talking.next('the request initialize');
    await answerJson(initialize, resultFor(initialize, initializeResult(talking)), sessionHeader(talking));
    accept(
      await talking.next('notifications/initialized', {
        advice:
          'The answer to initialize had the Content-Type `application/json; charset=utf-8`: only its beginning counts.',
      }),
    );
    return talking.next('the request tools/call');
  }

  /** The method is the awaited one. */
  function checkMethod({ message }: Posted, method: string, advice: string): void {
    expect(message.method === method, {
      cause: `The client sent ${message.method === undefined ? 'a response' : message.method} where ${method} was expected.`,
      compare: { expected: `"method":"${method}"`, received: visible(JSON.stringify(message)) },
      advice,
      ...byHand,
    });
  }

  /** The request carries what was agreed in the handshake. */
  function checkAgreed({ agreed }: Talk, { request }: Call, what: string): void {
    const version = request.headers['mcp-protocol-version'];
    expect(version === agreed.version, {
      cause:
        version === undefined
          ? `${what} has no header MCP-Protocol-Version.`
          : `${what} names another version of the protocol than the one agreed on.`,
      compare: {
        expected: `MCP-Protocol-Version: ${agreed.version}`,
        received: version === undefined ? '(no such header)' : `MCP-Protocol-Version: ${version}`,
      },
      advice: 'Both ends speak the version of the answer to initialize; every later request carries it.',
      ...byHand,
    });
    const id = request.headers['mcp-session-id'];
    const received = id === undefined ? '(no such header)' : `MCP-Session-Id: ${id}`;
    expect(id === agreed.session, {
      cause: agreed.session
        ? `${what} does not carry the id of the session.`
        : `${what} carries the id of a session, and the server gave none.`,
      compare: { expected: agreed.session ? `MCP-Session-Id: ${agreed.session}` : '(no such header)', received },
      advice:
        'The id is in the header MCP-Session-Id of the answer to initialize, if the server gives one. After that every request carries it, notifications and responses too.',
      ...byHand,
    });
  }

  function checkKinds({ request }: Call, what: string): void {
    const { accept: accepted = '', 'content-type': type = '' } = request.headers;
    expect(/application\/json/i.test(accepted) && /text\/event-stream/i.test(accepted), {
      cause: `${what} does not say that the client can read both kinds of answer.`,
      compare: {
        expected: 'Accept: application/json, text/event-stream',
        received: accepted ? `Accept: ${accepted}` : '(no Accept)',
      },
      advice: 'The server chooses between the two, so every POST has to list both.',
      ...byHand,
    });
    expect(/^application\/json\b/i.test(type), {
      cause: `${what} does not say that its body is JSON.`,
      compare: {
        expected: 'Content-Type: application/json',
        received: type ? `Content-Type: ${type}` : '(no Content-Type)',
      },
      ...byHand,
    });
  }

  const isId = (id: unknown) => typeof id === 'string' || Number.isInteger(id);

  function checkId({ message }: Posted, what: string): void {
    expect(isId(message.id), {
      cause:
        message.id === undefined
          ? `${what} has no id, so it is a notification: nobody answers it.`
          : `The id of ${what} is neither a string nor a whole number.`,
      compare: {
        expected: '"id":1',
        received: message.id === undefined ? '(no id)' : `"id":${JSON.stringify(message.id)}`,
      },
      ...byHand,
    });
  }

  /** The client has ended, with exit code 0. */
  async function endedWell({ client }: Talk, advice?: string): Promise<void> {
    await expectEnd(run, client, 'The answer has come, its stream has ended, and the client goes on running.');
    notCrashed(client, 'after the answer had come');
    expect(client.end?.code === 0, {
      cause: 'The call was answered, and the client did not exit with code 0.',
      compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
      ...lastWords(client),
      ...(advice && { advice }),
    });
  }

  /** How the first task sends JSON; from the third on, a charset follows. */
  const plainly = { 'content-type': 'application/json' };

  /** A client whose answers all come as JSON. */
  let byJson: Talk;
  const texts = random.words(2);

  task({ number: 1, title: 'Shake hands', file: 'client.ts' }, () => {
    let initialize: Posted;
    const word = random.words(1)[0]!;

    requirement(
      '`client.ts URL message` first posts the request `initialize`, with the `protocolVersion` `2025-11-25`, its `capabilities` and `clientInfo`, and without a session id.',
      async () => {
        byJson = await talk({ message: word, session: session(), version: '2025-06-18' });
        initialize = await byJson.next('the request initialize');
        checkMethod(initialize, 'initialize', 'The two ends agree on a version before anything else is said.');
        checkId(initialize, 'The request initialize');
        const params = isObject(initialize.message.params) ? initialize.message.params : {};
        const received = visible(JSON.stringify(params));
        expect(params.protocolVersion === agreedVersion, {
          cause: 'The client does not ask for revision 2025-11-25.',
          compare: { expected: `"protocolVersion":"${agreedVersion}"`, received },
          advice: 'A client asks for the newest revision that it speaks: the first of `revisions`.',
          ...byHand,
        });
        expect(isObject(params.capabilities), {
          cause: 'The params of initialize have no capabilities.',
          compare: { expected: '"capabilities":{}', received },
          advice: 'A client that can do nothing special says so with an empty object.',
          ...byHand,
        });
        const { name, version } = isObject(params.clientInfo) ? params.clientInfo : {};
        expect(typeof name === 'string' && typeof version === 'string', {
          cause: 'The params of initialize do not say which client this is.',
          compare: { expected: '"clientInfo":{"name":"…","version":"…"}', received },
          ...byHand,
        });
        expect(initialize.request.headers['mcp-session-id'] === undefined, {
          cause: 'The request initialize carries a session id.',
          compare: {
            expected: '(no header MCP-Session-Id)',
            received: `MCP-Session-Id: ${initialize.request.headers['mcp-session-id']}`,
          },
          advice: 'It is the server that gives a session its id, in its answer to initialize.',
          ...byHand,
        });
      },
    );

    requirement(
      'Every POST has `Content-Type: application/json`, and lists `application/json` and `text/event-stream` in `Accept`.',
      async () => {
        checkKinds(initialize, 'The request initialize');
      },
    );

    let initialized: Posted;
    let call: Posted;

    requirement(
      'When that is answered, and not before, it posts `notifications/initialized`, and then `tools/call` for `process_files` with the message; no two requests have the same id.',
      async () => {
        await byJson.nothingPosted({
          cause: 'The client goes on before initialize is answered.',
          advice: 'The answer says which version the two speak, and may give a session id: await it.',
        });
        await answerJson(initialize, resultFor(initialize, initializeResult(byJson)), {
          ...sessionHeader(byJson),
          ...plainly,
        });
        const order = 'After the answer to initialize comes notifications/initialized, and only then a call.';
        initialized = await byJson.next('notifications/initialized', { advice: order });
        checkMethod(initialized, 'notifications/initialized', order);
        expect(!('id' in initialized.message), {
          cause: 'notifications/initialized has an id: that makes a request of it.',
          compare: { expected: '(no id)', received: `"id":${JSON.stringify(initialized.message.id)}` },
          advice: 'A notification is not answered, so it needs no id.',
          ...byHand,
        });
        accept(initialized);
        call = await byJson.next('the request tools/call', {
          advice: 'A notification is answered with 202 and no body: there is no message to wait for.',
        });
        checkMethod(call, 'tools/call', order);
        checkId(call, 'The request tools/call');
        expect(call.message.id !== initialize.message.id, {
          cause: 'Two requests of one session have the same id.',
          compare: { expected: 'another id', received: `"id":${JSON.stringify(call.message.id)}, twice` },
          advice: 'Count them: an answer is told by the id of its request.',
          ...byHand,
        });
        const params = isObject(call.message.params) ? call.message.params : {};
        expect(params.name === 'process_files' && isObject(params.arguments) && params.arguments.message === word, {
          cause: 'The client does not call process_files with the message of its command line.',
          compare: {
            expected: `"params":{"name":"process_files","arguments":{"message":"${word}"}}`,
            received: `"params":${visible(JSON.stringify(params))}`,
          },
          advice: 'The message is the second argument of the client: process.argv[3].',
          ...byHand,
        });
        for (const each of [initialized, call]) checkKinds(each, each.message.method);
      },
    );

    requirement(
      'From then on every request carries `MCP-Protocol-Version` with the version of the answer, which may be `2025-06-18` too, and `MCP-Session-Id` when the server gave one.',
      async () => {
        for (const each of [initialized, call]) checkAgreed(byJson, each, each.message.method);
      },
    );

    requirement(
      'A server that answers a version which this client does not speak: one line that names it on standard error, exit code 1, and no further message.',
      async () => {
        const version = random.pick(['2024-11-05', '2024-10-07', '2099-01-01']);
        const other = await talk({ version });
        const begun = await other.next('the request initialize');
        await answerJson(begun, resultFor(begun, initializeResult(other)), plainly);
        await other.moved();
        await other.nothingPosted({
          cause: `The server speaks ${version} only, and the client goes on all the same.`,
          advice: 'Look whether the version of the answer is one of those that you speak.',
        });
        await expectEnd(run, other.client, 'There is no version that both ends speak, and the client goes on running.');
        expect(other.goodbyes.length === 0, {
          cause: 'The client ended a session, and the server gave it none.',
          compare: { expected: '(nothing more)', received: 'DELETE /mcp' },
          advice: 'Without an MCP-Session-Id there is nothing to end.',
          ...byHand,
        });
        checkComplaint(other.client, `a server that speaks ${version}`);
        expect(other.client.stderr.includes(version), {
          cause: 'The line on standard error does not name the version that the server speaks.',
          compare: { expected: `… ${version} …`, received: visible(other.client.stderr.trim()) },
        });
      },
    );

    requirement(
      'When all is done it sends a `DELETE` for its session, if there is one, and exits with code 0, also when that is answered with 405.',
      async () => {
        const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
        const [one, two] = texts.map((text) => ({ type: 'text', text }));
        await answerJson(call, resultFor(call, { content: [one, image, two] }), plainly);
        await endedWell(byJson, 'A server may answer DELETE with 405: that is no failure of the call.');
        const [goodbye] = byJson.goodbyes;
        expect(goodbye, {
          cause: 'The client ended without a word, and the server keeps its session.',
          compare: { expected: `DELETE /mcp with MCP-Session-Id: ${byJson.agreed.session}`, received: '(nothing)' },
          ...byHand,
        });
        checkAgreed(byJson, goodbye, 'The DELETE');
      },
    );
  });

  task({ number: 2, title: 'Read either answer', file: 'client.ts' }, () => {
    requirement(
      'A result that comes as JSON is printed: `RESULT: ` and the text of its `content`; where there are several texts, joined by line breaks. Nothing else goes to standard output.',
      async () => {
        sameCapture();
        await byJson.printed([`RESULT: ${texts[0]}`, texts[1]!], {
          cause: 'The client did not print the result that came as JSON.',
          advice: 'The result of a call has content, a list of blocks; those of the type text have a text.',
        });
      },
    );

    let talking: Talk;
    let call: Posted;

    requirement(
      'The server chooses for each request, `initialize` included: the same when the answer is an event stream, cut anywhere, and perhaps left open after the answer.',
      async () => {
        talking = await talk();
        const initialize = await talking.next('the request initialize');
        answerStream(initialize, { 'content-type': 'text/event-stream; charset=utf-8' });
        const bytes = Buffer.from(
          event(resultFor(initialize, { ...initializeResult(talking), instructions: 'é世🎈' })),
        );
        for (const piece of random.cut(bytes, 4, [bytes.indexOf('🎈') + 2])) await initialize.send(piece);
        const initialized = await talking.next('notifications/initialized', {
          cause:
            'The answer to initialize came as an event stream, and the client did not go on while that was still open.',
          advice:
            'The Content-Type of each answer begins with application/json or text/event-stream. Give the pieces of a stream to the reader as they come, and take from it the events that are complete.',
        });
        initialize.end();
        checkAgreed(talking, initialized, 'notifications/initialized');
        accept(initialized);
        call = await talking.next('the request tools/call');
        answerStream(call);
      },
    );

    requirement(
      'In a stream, several `data` lines are one message; comments, `id` and `retry`, an event without data, one with empty data, and events of another type than `message` are none.',
      async () => {
        sameCapture();
        const [word, other] = random.words(2);
        const before = 'What is no message is left out: an event with empty data only gives an id to come back with.';
        await call.send(`: welcome\n\nid: ${other}-1\nretry: 3000\ndata:\n\nid: ${other}-2\ndata\n\n`);
        await call.send(`event: ${other}\ndata: ${word}\n\nid: ${other}-3\n\n`);
        await talking.printed([], { cause: '', otherwise: nothingToPrint, advice: before });
        expect(!talking.client.end, {
          cause: 'The client ended at something that is no message.',
          ...lastWords(talking.client),
          advice: before,
        });
        const text = `${word} é世🎈`;
        const lines = JSON.stringify(resultFor(call, says(text)), undefined, 1).split('\n');
        const bytes = Buffer.from(`id: ${other}-4\n${lines.map((line) => `data: ${line}\n`).join('')}: almost\n\n`);
        for (const piece of random.cut(bytes, 4, [bytes.indexOf('🎈') + 2])) await call.send(piece);
        await talking.printed([`RESULT: ${text}`], {
          cause:
            'The client did not print the result, which came in several lines of data, while the stream was still open.',
          advice:
            'The data of an event is all of its data lines, joined by line breaks. Read the stream piece by piece, with one decoder for all of it: a piece may end inside a character.',
        });
        call.end();
        await endedWell(talking);
      },
    );
  });

  task({ number: 3, title: 'Tell messages apart', file: 'client.ts' }, () => {
    let talking: Talk;
    let call: Posted;
    const notify = (method: string, params?: unknown) => ({
      jsonrpc: '2.0',
      method,
      ...(params !== undefined && { params }),
    });
    const log = (level: string, data: unknown) => notify('notifications/message', { level, logger: 'grader', data });

    requirement(
      'A notification is printed the moment it comes: `notifications/message` as `NOTIFICATION: level data`, where data that is no text is JSON; any other as `NOTIFICATION: method` with its params as JSON, if it has any.',
      async () => {
        talking = await talk({ session: session() });
        call = await called(talking);
        answerStream(call);
        const [one, two] = random.words(2);
        const level = random.pick(['debug', 'notice', 'warning', 'alert']);
        const expectLine = async (message: unknown, line: string, advice: string) => {
          await call.send(event(message));
          await talking.printed([`NOTIFICATION: ${line}`], {
            cause: 'The client did not print a notification when it came.',
            advice,
          });
        };
        const apart =
          'A message with a method and without an id is a notification. It is printed when it comes, not at the end.';
        await expectLine(log('info', 'Processing file 1/3...'), 'info Processing file 1/3...', apart);
        await expectLine(log(level, `${one} ${two}`), `${level} ${one} ${two}`, apart);
        const data = 'The data of a log message is any JSON value: JSON.stringify shows what is no string.';
        await expectLine(log('error', { [one!]: [1, two] }), `error {"${one}":[1,"${two}"]}`, data);
        await expectLine(log('critical', 0), 'critical 0', data);
        const unknown =
          'A server may send notifications that you know nothing of: method, a space, and the params as JSON.';
        await expectLine(
          notify('notifications/progress', { progressToken: one, progress: 1 }),
          `notifications/progress {"progressToken":"${one}","progress":1}`,
          unknown,
        );
        await expectLine(
          notify('notifications/tools/list_changed'),
          'notifications/tools/list_changed',
          'A notification without params is its method, and nothing behind it.',
        );
        await expectLine(
          notify(`notifications/${two}`, { id: call.message.id }),
          `notifications/${two} {"id":${JSON.stringify(call.message.id)}}`,
          unknown,
        );
      },
    );

    requirement(
      'A request of the server is answered by a POST of its own while the stream goes on: `ping` with the result `{}`, anything else with the error −32601, each with the id that it came with. A notification is not answered.',
      async () => {
        const [one, two] = random.words(2);
        const own =
          'A message with a method and an id is a request, whatever the id: 0 is one, and so is the id of your own call.';
        const ask = async (id: unknown, method: string, params?: unknown): Promise<Posted> => {
          await call.send(event({ ...notify(method, params), id }));
          const what = `the answer to the request ${method} with the id ${JSON.stringify(id)}`;
          const posted = await talking.next(what, { advice: own, ...talkative });
          expect(posted.message.id === id && !('method' in posted.message), {
            cause: `What the client posted is not ${what}.`,
            compare: { expected: `"id":${JSON.stringify(id)}`, received: visible(posted.body) },
            advice: 'A response takes the id of its request along, with its type.',
            ...talkative,
          });
          checkKinds(posted, 'The answer to a request of the server');
          checkAgreed(talking, posted, 'The answer to a request of the server');
          accept(posted);
          await talking.printed([], {
            cause: '',
            otherwise: nothingToPrint,
            advice: 'A request is answered, and not printed.',
          });
          return posted;
        };
        for (const id of [one, 0, call.message.id, '']) {
          const { message, body } = await ask(id, 'ping');
          expect(isObject(message.result) && Object.keys(message.result).length === 0 && !('error' in message), {
            cause: 'The answer to ping is not the empty result.',
            compare: { expected: '"result":{}', received: visible(body) },
            ...talkative,
          });
        }
        for (const [method, params] of [['roots/list'], [`${two}/${one}`, { name: one }]] as const) {
          const { message, body } = await ask(random.integer(100, 999), method, params);
          expect(
            message.error?.code === -32601 && typeof message.error.message === 'string' && !('result' in message),
            {
              cause: `The answer to ${method} does not say that the client has no such method.`,
              compare: { expected: '"error":{"code":-32601,"message":"…"}', received: visible(body) },
              advice: 'A server that gets no answer waits: refuse what you do not know.',
              ...byHand,
            },
          );
        }
        await call.send(event(log('info', two)));
        await talking.printed([`NOTIFICATION: info ${two}`], {
          cause: 'After a request of the server the client no longer reads the stream.',
          advice: 'Answer the request, and go on with the loop.',
        });
      },
    );

    requirement(
      'Anything else is reported on standard error, and the client goes on: a response with another id, with the same id as another type, JSON that is no message, a JSON array of messages (a batch), an event that is not JSON.',
      async () => {
        const { id } = call.message;
        const wrong = { jsonrpc: '2.0', result: says('wrong') };
        const otherId = 'The answer to a request is the response with its id. === tells 2 from "2".';
        const none = 'Look at what came before you use it: null has no properties, and JSON.parse throws.';
        const others: [data: string, what: string, advice: string][] = [
          [JSON.stringify({ ...wrong, id: `${id}${random.integer(100, 999)}` }), 'A response with another id', otherId],
          [
            JSON.stringify({ ...wrong, id: typeof id === 'number' ? String(id) : 0 }),
            `A response with the id ${typeof id === 'number' ? `"${id}"` : '0'}`,
            otherId,
          ],
          [
            JSON.stringify({ jsonrpc: '2.0', id: 987, error: { code: -32603, message: 'wrong' } }),
            'An error with another id',
            otherId,
          ],
          ['{}', 'The object {}', none],
          ['null', 'The value null', none],
          [JSON.stringify([{ ...wrong, id }]), 'A list of messages', 'A batch is no message in this revision.'],
          ['{"jsonrpc":"2.0",', 'An event that is not JSON', none],
        ];
        for (const [data, what, advice] of others) {
          const { client } = talking;
          const before = client.stderr.length;
          await call.send(`data: ${data}\n\n`);
          await until(() => client.stderr.length > before || client.end);
          const [word] = random.words(1);
          await call.send(event(log('info', word)));
          await talking.printed([`NOTIFICATION: info ${word}`], {
            cause: `${what} came, and after it the client read no more.`,
            otherwise: `${what} came, and the client did something else than to report it on standard error.`,
            advice,
          });
          expect(client.stderr.length > before, {
            cause: `${what} came, and the client says nothing about it.`,
            compare: { expected: 'a line on standard error', received: '(nothing)' },
            advice: 'A message that you do not expect is worth a line: console.error.',
          });
        }
      },
    );

    requirement(
      'The response with the id of the call, and only that, is printed `RESULT: …`, and the client exits with code 0.',
      async () => {
        const [word] = random.words(1);
        await call.send(event(resultFor(call, says(word!))));
        await talking.printed([`RESULT: ${word}`], {
          cause: 'The client did not print the result when the answer to its call had come.',
          advice: 'The answer is the response with the id of the call, whatever came before it.',
        });
        call.end();
        await endedWell(talking);
      },
    );

    requirement(
      'With servers that neither you nor we have written it is the same: each notification while the tool is still at work, then the result.',
      async () => {
        const { answerWith, sdkOfTheFirstGeneration, sdkOfTheSecondGeneration } =
          await import('../harness/vocabulary/sdk-servers.ts');
        for (const [version, make] of [
          [1, sdkOfTheFirstGeneration],
          [2, sdkOfTheSecondGeneration],
        ] as const) {
          const which = `server of the official TypeScript SDK, version ${version},`;
          const gates = [1, 2, 3].map(gate);
          const server = await make((file) => gates[file - 1]!.opened);
          let refused: Call | undefined;
          const site = await startGraderServer('/mcp', (sent) => {
            const { request, response } = sent;
            response.on('finish', () => {
              if (request.method === 'POST' && response.statusCode >= 400) refused = sent;
            });
            // A client that has gone away reads no more of its answer.
            void answerWith(server, sent).catch(() => response.destroy());
            return true;
          });
          const [word] = random.words(1);
          const client = startClientWith({}, site.url, word!);
          const lines = () => client.stdout.replaceAll('\r\n', '\n').split('\n').slice(0, -1);
          const expected = [1, 2, 3].map((i) => `NOTIFICATION: info Processing file ${i}/3...`);
          for (const [i, line] of [...expected, `RESULT: Done: ${word}`].entries()) {
            await until(() => lines().length > i || client.end || client.verdict, 7000);
            notCrashed(client, `when it talked with a ${which}`);
            expect(!refused, {
              cause: `A ${which} refused a message of the client.`,
              compare: {
                expected: 'status 200 or 202',
                received: `status ${refused?.response.statusCode}, for ${visible(refused?.body ?? '')}`,
              },
            });
            expect(lines().length === i + 1 && lines()[i] === line, {
              cause: `With a ${which} the client did not print what came, when it came.`,
              compare: { expected: line, received: visible(lines().slice(i).join('\n')) || '(nothing)' },
              ...(client.stderr.trim() && { output: client.stderr.trim().split('\n').slice(0, 4).join('\n') }),
            });
            gates[i]?.open();
          }
          await expectEnd(run, client, `The ${which} has answered, and the client goes on running.`);
          expect(client.end?.code === 0, {
            cause: `With a ${which} the client did not exit with code 0.`,
            compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
          });
          await server.close();
        }
      },
    );
  });

  /** Held until it is opened. */
  function gate(): { opened: Promise<void>; open(): void } {
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    return { opened, open };
  }

  task({ number: 4, title: 'Fail clearly', file: 'client.ts' }, () => {
    /** The client complains about `what` in one line that has `parts`, exits with this code, and has printed only `output`; `another` is the advice when the code is that of another failure. */
    async function expectFailure(
      client: Program,
      code: number,
      what: string,
      { parts = [] as (string | number)[], output = '', silent = '', another = '' } = {},
    ): Promise<void> {
      await expectEnd(run, client, `The client goes on running after ${what}.`);
      expect(client.stdout.replaceAll('\r\n', '\n') === output, {
        cause: `The client printed something else than it should on standard output, before or after ${what}.`,
        compare: { expected: visible(output) || '(nothing)', received: visible(client.stdout) || '(nothing)' },
        ...(silent && { advice: silent }),
      });
      // The number of a port may have any other in it.
      const said = client.stderr.replace(/127\.0\.0\.1:\d+/g, '').trim();
      for (const part of said === '' ? [] : parts) {
        expect(said.includes(String(part)), {
          cause: `What the client says about ${what} leaves out what the server said.`,
          compare: { expected: `… ${part} …`, received: visible(client.stderr.trim()) },
          advice: 'Whoever reads it should know what to do next.',
        });
      }
      // Silence, a crash and several lines have sentences of their own.
      const received = client.end?.code;
      expect(received === code || said === '' || said.includes('\n'), {
        cause: `The client did not exit with code ${code} after ${what}.`,
        compare: { expected: String(code), received: String(received ?? client.end?.signal) },
        ...lastWords(client),
        advice:
          received === 0
            ? `Set process.exitCode = ${code} where you handle the error.`
            : received === 1
              ? `Code 1 is for anything else. Set process.exitCode = ${code} before you throw: the catch keeps what is set.`
              : another || 'The client took one failure for another: see the table of exit codes.',
      });
      checkComplaint(client, what, { code, ...(silent && { silent }) });
    }

    requirement('Nobody listens at the address: one line on standard error, exit code 2.', async () => {
      const client = startClientWith({}, `http://127.0.0.1:${await freePort()}/mcp`, 'hello');
      await expectFailure(client, 2, 'a refused connection');
    });

    requirement(
      'A status other than 2xx, to a request or a notification: one line that has the status, exit code 3. After a 404 for its session the client may instead shake hands anew and call again.',
      async () => {
        const silent = 'fetch rejects only when there is no answer at all: look at response.ok, after every POST.';
        const status = random.pick([400, 403, 404, 429, 500, 503]);
        const talking = await talk({ session: session() });
        const initialize = await talking.next('the request initialize');
        await answerJson(initialize, resultFor(initialize, initializeResult(talking)), sessionHeader(talking));
        const initialized = await talking.next('notifications/initialized');
        initialized.response.writeHead(status, { 'content-type': 'application/json' });
        await initialized.send(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no' } }));
        initialized.end();
        await talking.moved();
        if (status === 404 && !talking.client.end) return beginsAnew(talking);
        await talking.nothingPosted({
          cause: `notifications/initialized was answered with status ${status}, and the client goes on all the same.`,
          advice: silent,
        });
        await expectFailure(talking.client, 3, `a notification that was answered with status ${status}`, {
          parts: [status],
          silent,
        });
      },
    );

    /** After the end of its session a client may begin a new one (MCP 2025-11-25, "Session Management", 4). */
    async function beginsAnew(talking: Talk): Promise<void> {
      talking.agreed.session = session();
      const initialize = await talking.next('the request initialize');
      expect(initialize.message.method === 'initialize' && initialize.request.headers['mcp-session-id'] === undefined, {
        cause: 'A message was answered with status 404, as its session is over, and the client goes on with it.',
        compare: { expected: 'initialize, without MCP-Session-Id', received: visible(initialize.body) },
        advice: 'Say so and end, or shake hands anew.',
      });
      await answerJson(initialize, resultFor(initialize, initializeResult(talking)), sessionHeader(talking));
      const initialized = await talking.next('notifications/initialized');
      accept(initialized);
      const call = await talking.next('the request tools/call');
      for (const each of [initialized, call]) checkAgreed(talking, each, each.message.method);
      const [word] = random.words(1);
      await answerJson(call, resultFor(call, says(word!)));
      await endedWell(talking);
      await talking.printed([`RESULT: ${word}`], {
        cause: 'The client did not print the result of its call in the new session.',
        advice: 'Only the first session is over.',
      });
    }

    requirement('An answer that is not JSON, and not an event stream either: one line, exit code 4.', async () => {
      const talking = await talk();
      const call = await called(talking);
      call.response.writeHead(200, { 'content-type': 'text/html' });
      await call.send(`<!DOCTYPE html><title>${random.words(1)[0]}</title>`);
      call.end();
      await expectFailure(talking.client, 4, 'an answer that is an HTML page', {
        silent: 'response.json() throws when the body is not JSON: catch that.',
        another: 'The Content-Type was text/html: neither JSON nor an event stream.',
      });
    });

    const logged = (text: string) =>
      event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: text } });

    requirement(
      'A stream that ends or breaks off before the answer: what came before is printed, one line, exit code 5.',
      async () => {
        const [word] = random.words(1);
        for (const breaks of [false, true]) {
          const talking = await talk();
          const call = await called(talking);
          answerStream(call);
          await call.send(logged(word!));
          // Half an event is none, however the stream ends.
          await call.send(`data: ${JSON.stringify(resultFor(call, says('wrong')))}\n`);
          if (breaks) call.breakOff();
          else call.end();
          await expectFailure(
            talking.client,
            5,
            breaks ? 'a stream that breaks off before the answer' : 'a stream that ends before the answer',
            {
              output: `NOTIFICATION: info ${word}\n`,
              silent: breaks
                ? 'Catch what reading throws, and say that the answer is not there.'
                : 'When the loop over the messages is over, the answer should have come: otherwise say that it did not.',
            },
          );
        }
      },
    );

    requirement(
      'No answer within `TIME_LIMIT` milliseconds, counted from the request, whatever else comes in that time: one line, exit code 6.',
      async () => {
        const advice =
          'A timer that begins with the request, and that no notification puts off, aborts it: AbortSignal.timeout, for example. process.env.TIME_LIMIT says how many milliseconds it waits.';
        const another =
          'What is aborted throws an error too: look at its name, AbortError with node-fetch, TimeoutError with the built-in fetch.';
        // Here the request initialize is not answered at all, and there with half a JSON object.
        const unanswered = await talk({ env: { TIME_LIMIT: '200' } });
        await unanswered.next('the request initialize');
        const stalled = await talk({ env: { TIME_LIMIT: '200' } });
        const half = await stalled.next('the request initialize');
        half.response.writeHead(200, plainly);
        await half.send('{"jsonrpc":"2.0",');
        // A machine that is busy may need longer for the handshake.
        for (const limit of [200, 2000, 10_000]) {
          const talking = await talk({ env: { TIME_LIMIT: String(limit) } });
          const { client } = talking;
          const call = await called(talking).catch((error) => {
            if (client.end?.code === 6 && limit < 10_000) return undefined;
            throw error;
          });
          if (!call) continue;
          answerStream(call);
          const began = performance.now();
          let sent = 0;
          while (!client.end && performance.now() - began < limit + 2500) {
            await call.send(logged(`still at work: ${++sent}`));
            await until(() => client.end, 40);
          }
          const printed = client.stdout.replaceAll('\r\n', '\n').split('\n').filter(Boolean);
          const output = printed.map((_line, i) => `NOTIFICATION: info still at work: ${i + 1}\n`).join('');
          expect(client.end, {
            cause: 'No answer came within TIME_LIMIT milliseconds, and the client goes on waiting.',
            advice,
          });
          await expectFailure(client, 6, 'an answer that takes too long', { output, silent: advice, another });
          break;
        }
        expect(await until(() => unanswered.client.end), {
          cause:
            'The request initialize was not answered within TIME_LIMIT milliseconds, and the client goes on waiting.',
          advice,
        });
        await expectFailure(unanswered.client, 6, 'a request that is not answered', { silent: advice, another });
        expect(await until(() => stalled.client.end), {
          cause: 'A JSON answer had not come whole within TIME_LIMIT milliseconds, and the client goes on waiting.',
          advice,
        });
        await expectFailure(stalled.client, 6, 'a JSON answer that comes in part only', { silent: advice, another });
      },
    );

    requirement(
      'A JSON-RPC error in the place of a result: one line that has its code and its message, exit code 7.',
      async () => {
        const [one, two] = random.words(2);
        const code = random.pick([-32602, -32603, -32000, -32042]);
        const talking = await talk();
        const call = await called(talking);
        answerStream(call);
        await call.send(event({ jsonrpc: '2.0', id: call.message.id, error: { code, message: `${one} ${two}` } }));
        call.end();
        await expectFailure(talking.client, 7, 'an answer that is an error', {
          parts: [code, `${one} ${two}`],
          silent: 'A response has a result or an error: look for the error first.',
        });
      },
    );

    requirement('A result with `isError`: one line that has its text, exit code 8, and no `RESULT`.', async () => {
      const [one, two] = random.words(2);
      const talking = await talk();
      const call = await called(talking);
      await answerJson(call, resultFor(call, { ...says(`${one} ${two}`), isError: true }));
      await expectFailure(talking.client, 8, 'a tool that failed', {
        parts: [`${one} ${two}`],
        silent: 'A tool that failed has a result, whose isError is true: look at it before you print.',
      });
    });
  });
});
