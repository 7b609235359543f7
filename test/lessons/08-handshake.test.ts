import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { documents } from '#support/documents.ts';
import { grader } from '../harness/run/grader.ts';
import { expect } from '../harness/run/failure.ts';
import { expectHeader, finished, received, release } from '../harness/vocabulary/http.ts';
import {
  hello,
  initialize,
  mcpClient,
  newestRevision as newest,
  shakeHands,
  type McpClient,
  type PostOptions,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import {
  contentOf,
  doneWithoutTool,
  expectNoFailure,
  expectSchema,
  expectText,
  expectToolFailure,
  failureText,
  firstText,
  listTools,
  objectIn,
  toolIn,
} from '../harness/vocabulary/tools.ts';
import { asJson, look, type Looked } from '../harness/vocabulary/value.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';
import type { Server } from '../harness/run/run.ts';

export default grader((run) => {
  const { random, requirement, startServer, task } = run;

  const older = '2025-06-18';
  /** A date between the two revisions, on which no revision was published. */
  const between = `2025-${random.pick(['07', '08', '09', '10'])}-${random.integer(10, 28)}`;
  /** What the server does not speak: other revisions, the real ones first, and what only looks like one. */
  const foreign = [
    '2025-03-26',
    '2024-11-05',
    '2026-07-28',
    `${random.integer(2010, 2023)}-11-25`,
    `${random.integer(2040, 2099)}-06-18`,
    between,
    '2025-06',
    `${older}x`,
    `${older}, ${newest}`,
    '1.0.0',
    'DRAFT-2026-v1',
    'latest',
    'constructor',
    'toString',
    '__proto__',
    '',
  ];
  /** Who the grader's clients say they are. */
  const [clientName, otherName] = random.words(2).map((word) => `client-${word}`) as [string, string];
  /** The name of a member, or of a notification, that no server knows. */
  const unknownName = `x-${random.words(1)[0]}`;

  /** The tools of harness/tools/handshake.ts. */
  const [toolWord, toolText] = random.words(2) as [string, string];
  const repeat = `repeat_${toolWord}`;
  const nothing = `nothing.${toolWord}`;
  const complain = `complain-${toolWord}`;
  const echo = `echo_${toolWord}`;
  const convert = `convert_${toolWord}`;
  const misbehave = `misbehave.${toolWord}`;
  const fail = `fail_${toolWord}`;
  const toolsFile = fileURLToPath(new URL('../harness/tools/handshake.ts', import.meta.url));
  const env = { MORE_TOOLS: toolsFile, TOOL_WORDS: `${toolWord} ${toolText}` };

  let server: Server;
  /** Has shaken hands from the end of task 1 on. */
  let client: McpClient;

  const word = () => random.words(1)[0]!;
  const number = () => random.integer(1, 9);
  /** A text that is not tame: spaces at its ends, quotes, what HTML or `replace` takes for a sign, a line break, other alphabets. */
  const wildText = () => ` ${word()} "é" <b>&amp;</b> $& \\ 世\n🎈 ${word()}\t`;

  /** Calls a tool of the grader's. By hand a server has none of them, so no command shows the same. */
  const callOther = (name: string, args?: object, options: PostOptions = {}, from = client): Promise<Posted> =>
    from.ask('tools/call', { name, arguments: args }, { see: '', ...options });

  /** Posts a message that is to be refused, and waits for the end of the answer. */
  const postRefusable = (what: string, message: object, advice: string, options: PostOptions = {}): Promise<Posted> => {
    const ifItThrows = { cause: `Your server threw an error when it got the ${what}.`, advice };
    const posted = client.post(message, { what: `The ${what}`, ifItThrows, ...options });
    const cause = `Your server ran a tool for the ${what}, but it should refuse this message: the tool called work.`;
    return doneWithoutTool(posted, { cause, advice });
  };

  task({ number: 1, title: 'Initialize', file: 'server.ts' }, () => {
    requirement(
      'If a client sends `initialize` with the `protocolVersion` `2025-11-25`, the server answers with a result that has this `protocolVersion`, `capabilities` with an object `tools`, and a `serverInfo` with the `name` and `version` of the server.',
      async () => {
        server = await startServer(env);
        client = mcpClient(server);
        const newcomer = mcpClient(server);
        const served =
          'Serve a message that has no MCP-Protocol-Version header. A client has agreed on no revision yet when it sends initialize.';
        const result = await initialize(newcomer, hello(newest, clientName), { when: { 400: served } });
        const asAsked = 'Answer with the revision that the client has asked for, because your server speaks it.';
        result.at('protocolVersion').is(newest, 'The protocolVersion in the result is wrong.', asAsked);

        const like = '{"tools":{}}';
        const capabilities = result.at('capabilities').object('The capabilities are not an object.', {
          missing: 'The result has no capabilities.',
          like,
          advice: 'Make capabilities an object in which each capability is a member: its value is an object, too.',
        });
        capabilities.at('tools').object('The capability tools is not an object.', {
          missing: 'The capability tools is missing, so a client does not ask for tools.',
          advice: capabilities.has('tools')
            ? 'Give the capability tools an object as its value, {}: an object has room for details.'
            : 'Write capabilities: { tools: {} }. Do not copy the capabilities in params, because they are promises of the client.',
        });
        const serverInfo = result.at('serverInfo').object('The serverInfo is not an object.', {
          missing: 'The result has no serverInfo.',
          like: '{"name":"…","version":"…"}',
          advice: 'Put name and version into an object serverInfo: they say who your server is.',
        });
        for (const name of ['name', 'version']) {
          serverInfo.at(name).string(`The serverInfo has no ${name} that is a string.`, {
            advice: 'Write down a name and a version for your server, both as strings.',
          });
        }
        serverInfo.at('name').isNot(clientName, 'The serverInfo is what the client has said of itself.', {
          like: '"(of your server)"',
          advice: 'Write down the name of your server: clientInfo in params says who the client is.',
        });
      },
    );

    requirement(
      'The `capabilities` of the server name only what the server has. If they name `logging`, for example, the server also answers `logging/setLevel`.',
      async () => {
        const newcomer = mcpClient(server);
        const result = await initialize(newcomer, hello(newest, clientName));
        const capabilities = result.at('capabilities');
        await newcomer.notify('notifications/initialized');
        for (const [name, method, params] of [
          ['logging', 'logging/setLevel', { level: 'info' }],
          ['resources', 'resources/list', undefined],
          ['prompts', 'prompts/list', undefined],
          ['tasks', 'tasks/list', undefined],
          [
            'completions',
            'completion/complete',
            { ref: { type: 'ref/prompt', name: 'x' }, argument: { name: 'x', value: '' } },
          ],
        ] as const) {
          if (!capabilities.has(name)) continue;
          // A server that keeps this promise may make it.
          const posted = await newcomer.ask(method, params);
          const { error } = posted.response() as { error?: Message };
          const cause = `Your server promises the capability ${name}, but it does not know the method ${method}.`;
          const advice = `Leave ${name} out of the capabilities: a client uses what your server promises, and some clients end when a promise is broken.`;
          look(capabilities.value, 'capabilities', posted.see).expect(error?.code !== -32601, cause, {
            like: '"capabilities":{"tools":{}}',
            advice,
          });
        }
      },
    );

    requirement(
      'If a client asks for `2025-11-25` or `2025-06-18`, the server answers `initialize` with the same revision, whatever other clients have asked for before.',
      async () => {
        const advice =
          'Look up the protocolVersion of these params in revisions, and answer with it when it is there. Do not remember what an earlier client asked for.';
        // The older is the last, so a server that remembers it does not answer the next requirement with the newest.
        for (const asked of [newest, older, newest, older]) {
          const posted = await mcpClient(server).ask('initialize', hello(asked, clientName));
          const offered = objectIn(posted, {
            ...(posted.status === 200 && { cause: `A client that asked for ${asked} was answered with an error.` }),
            advice,
          }).at('protocolVersion');
          const cause = `A client asked for ${asked}, which your server speaks, but your server answered with ${asJson(offered.value)}.`;
          offered.is(asked, cause, advice);
        }
      },
    );

    requirement(
      'If a client asks for any other `protocolVersion`, such as an older or a newer date or an empty string, the server answers `initialize` with a result whose `protocolVersion` is `2025-11-25`.',
      async () => {
        const newestOf =
          'Answer with the newest of the list, revisions[0], when the list does not include what the client has asked for.';
        for (const asked of foreign) {
          const name = asJson(asked);
          const posted = await client.ask('initialize', hello(asked, clientName));
          const offered = objectIn(posted, {
            ...(posted.status === 200 && { cause: `A client that asked for ${name} was answered with an error.` }),
            advice:
              'Answer with a revision that your server speaks, and let the client decide: this is the rule of the specification, although one of its examples shows an error.',
          }).at('protocolVersion');
          const cause = `A client asked for ${name}, which your server does not speak, but your server answered with ${asJson(offered.value)}.`;
          offered.is(
            newest,
            cause,
            asked in {} ? `${newestOf} An object also has what it inherits, such as toString: use includes.` : newestOf,
          );
        }
      },
    );

    requirement(
      'If the `params` of `initialize` are missing, or if `protocolVersion`, `capabilities`, `clientInfo`, or the `name` or `version` in it is missing or has the wrong type, the server answers with the error `-32602`.',
      async () => {
        const good = hello(newest, clientName);
        const { protocolVersion, capabilities, clientInfo } = good;
        const { name, version } = clientInfo;
        const advice =
          'Return failure(-32602, …) when initializeParams.safeParse(params) gives an error: it gives either data or an error.';
        for (const [wrong, params] of [
          ['without params', undefined],
          ['with empty params', {}],
          ['without a protocolVersion', { capabilities, clientInfo }],
          ['whose protocolVersion is a number', { ...good, protocolVersion: number() }],
          ['whose protocolVersion is null', { ...good, protocolVersion: null }],
          ['whose protocolVersion is an array', { ...good, protocolVersion: [newest] }],
          ['without capabilities', { protocolVersion, clientInfo }],
          ['whose capabilities are a string', { ...good, capabilities: 'none' }],
          ['whose capabilities are null', { ...good, capabilities: null }],
          ['whose capabilities are an array', { ...good, capabilities: ['roots'] }],
          ['whose capabilities are true', { ...good, capabilities: true }],
          ['without clientInfo', { protocolVersion, capabilities }],
          ['whose clientInfo is a string', { ...good, clientInfo: name }],
          ['whose clientInfo is null', { ...good, clientInfo: null }],
          ['whose clientInfo is an array', { ...good, clientInfo: [clientInfo] }],
          ['whose clientInfo has no name', { ...good, clientInfo: { version } }],
          ['whose clientInfo has no version', { ...good, clientInfo: { name } }],
          ['whose clientInfo has a name that is a number', { ...good, clientInfo: { name: number(), version } }],
          ['whose clientInfo has a name that is null', { ...good, clientInfo: { name: null, version } }],
          ['whose clientInfo has a version that is a number', { ...good, clientInfo: { name, version: number() } }],
        ] as const) {
          const what = `request initialize ${wrong}`;
          (await postRefusable(what, client.request('initialize', params), advice)).error(-32602, advice);
        }
      },
    );

    requirement(
      'If `params`, `capabilities` or `clientInfo` have members that the server does not know, the server ignores these members. The `capabilities` in its result are only those of the server.',
      async () => {
        const theirs = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {} }, [unknownName]: {} };
        const { clientInfo, ...rest } = hello(newest, clientName);
        const params = {
          ...rest,
          capabilities: theirs,
          clientInfo: { ...clientInfo, title: 'The grader', websiteUrl: 'http://127.0.0.1/', [unknownName]: 1 },
          [unknownName]: true,
          _meta: { [unknownName]: [] },
        };
        const posted = await client.ask('initialize', params);
        const result = objectIn(posted, {
          ...(posted.status === 200 && {
            cause: 'A client that says more about itself than your server asks for was answered with an error.',
          }),
          advice:
            'Check the members that you need, and ignore the others: later revisions add members. z.object ignores them, but z.strictObject refuses them.',
        });
        const advice =
          'List the capabilities of your server and no others: those in params are promises of the client.';
        const capabilities = result.at('capabilities').object('The capabilities are not an object.', { advice });
        const repeated = Object.keys(theirs).some(capabilities.has);
        capabilities.expect(!repeated, 'Your server promises what only its client can do.', {
          like: '"capabilities":{"tools":{}}',
          advice,
        });
      },
    );

    requirement(
      'If a client sends `notifications/initialized`, or a notification with an unknown name, the server answers with status 202 and an empty body. A second client can then shake hands like the first.',
      async () => {
        const first = await shakeHands(mcpClient(server), hello(newest, clientName));
        (await first.notify(`notifications/${unknownName}`)).accepted();
        const advice =
          'Do not remember who has shaken hands: a variable outside of the handler belongs to all clients.';
        const again = 'A client could not shake hands for a second time.';
        objectIn(await client.ask('initialize', hello(newest, clientName)), { cause: again, advice });
        const second = 'A second client, with a different name, could not shake hands after the first.';
        await shakeHands(client, hello(newest, otherName), { cause: second, advice });
      },
    );
  });

  task({ number: 2, title: 'List tools', file: 'server.ts' }, () => {
    const listAll = 'List all tools that the array tools holds: process_files and the tools of moreTools.';

    requirement(
      'If a client sends `tools/list`, the result has an array `tools`, and has a `nextCursor` only if there is another page. The tool `process_files` has a `description` and an `inputSchema` of the `type` `object`.',
      async () => {
        for (const params of [undefined, {}]) toolIn(await listTools(client, params), 'process_files', listAll);
      },
    );

    requirement(
      'The `inputSchema` of `process_files` is JSON Schema. It accepts arguments whose `message` is a string, and it refuses arguments whose `message` is missing or has a different type.',
      async () => {
        const list = await listTools(client);
        const text = word();
        const accepted = [{ message: text }, { message: wildText() }, { message: '' }];
        const refused = [{}, { message: number() }, { message: [text] }, { message: null }, { text }];
        const like = '{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}';
        const { see } = list.first;
        await expectSchema(toolIn(list, 'process_files', listAll), { accepted, refused }, { like, see });
      },
    );

    requirement(
      'Each tool of `moreTools` is in the list exactly once, with its own `name`, its own `description`, and a schema that accepts and refuses the same arguments as its own `input`.',
      async () => {
        const list = await listTools(client, random.pick([undefined, {}]));
        const [text, times] = [word(), number()];
        const said = { text, times };
        for (const [name, accepted, refused] of [
          [nothing, [{}], []],
          [complain, [{}], []],
          [echo, [{ greeting: text }], [{ greeting: times }]],
          [fail, [{}], []],
          [misbehave, [{ how: text }], [{}, { how: times }]],
          [
            repeat,
            [said, { ...said, loud: true }],
            [
              { text },
              { ...said, times: text },
              { times, text: times },
              { ...said, loud: text },
              { ...said, times: 1.5 },
            ],
          ],
        ] as const) {
          const tool = toolIn(list, name, listAll, '');
          const cause = `The tool ${name} does not have its own description.`;
          const words = {
            like: `a description with ${toolText} in it`,
            advice: 'Take the description from the tool that you list.',
          };
          look(tool.description, 'description', '').expect(tool.description.includes(toolText), cause, words);
          await expectSchema(tool, { accepted, refused });
        }
        const strict = { accepted: [{ how: text }], refused: [{ how: text, [unknownName]: times }] };
        await expectSchema(toolIn(list, misbehave, listAll, ''), strict, {
          advice:
            "Send the whole schema that z.toJSONSchema(input, { io: 'input' }) returns. Its member additionalProperties says that this tool takes no other arguments.",
        });
      },
    );

    requirement(
      'If the `input` of a tool has defaults or converts arguments, the `inputSchema` describes what a client sends: an argument with a default may be missing, and each type is the one before the conversion.',
      async () => {
        const list = await listTools(client);
        const text = word();
        for (const [name, accepted, refused] of [
          [echo, [{}, { greeting: text }, { [text]: number() }], [{ greeting: number() }]],
          [
            convert,
            [{}, { exact: 'yes' }, { unit: {} }, { unit: { name: text } }, { exact: 'off', unit: {}, note: text }],
            [{ exact: true }, { unit: text }, { unit: { name: number() } }],
          ],
        ] as const) {
          await expectSchema(toolIn(list, name, listAll, ''), { accepted, refused });
        }
      },
    );
  });

  /** What the tool says that asks for nothing, when it gets an empty object. */
  const nothingSays = `${toolText} {}`;

  task({ number: 3, title: 'Call a tool', file: 'server.ts', asksForWork: true }, () => {
    /** Posts a call of `process_files`. */
    const processFiles = (message: string, options: PostOptions = {}, id?: string | number): Posted => {
      const call = client.request('tools/call', { name: 'process_files', arguments: { message } });
      return client.post(id === undefined ? call : { ...call, id }, options);
    };

    /** The result of a tool that has run and has not failed. */
    const returned = (posted: Posted, name: string, advice: string): Looked => {
      const result = objectIn(posted, {
        ...(posted.status === 200 && {
          cause: `The call of ${name} was answered with an error, although it is a right call.`,
        }),
        advice,
      });
      result.expect(
        result.at('isError').value !== true,
        `The call of ${name} was answered with isError: true, although the tool has not failed.`,
        { like: asJson({ content: ['…'] }), advice },
      );
      contentOf(result);
      return result;
    };

    requirement(
      'If a client calls `process_files`, the server does `await work(name)` for each of the three `documents`, one after the other, and then answers, as JSON, with a `content` of one text, `Done: {message}`.',
      async () => {
        const { program } = server;
        const message = word();
        const like = asJson(documents.map(({ name }) => name));
        const posted = processFiles(message);
        const { see } = posted;
        const worked: string[] = [];
        while (worked.length <= documents.length && (await posted.atWork())) {
          const { label, release } = program.held[0]!;
          expect(!finished(posted), {
            cause: `Your server sent the answer when it was still at work on ${label}.`,
            advice:
              'Await both work and run, which return promises, and answer after them. The forEach of an array does not wait.',
            see,
          });
          expect(program.held.length === 1, {
            cause: `Your server is at work on ${program.held.length} documents at the same time, but it should do one after the other.`,
            compare: { expected: label, received: program.held.map((each) => each.label).join(', ') },
            advice:
              'Await the work in a loop, one document after the other: Promise.all begins everything immediately.',
            see,
          });
          worked.push(label);
          release();
        }
        if (worked.length <= documents.length) objectIn(await posted.done());
        const once =
          'Call await work(name) once for each document, and then answer: it stands for the processing of one document.';
        const byName =
          'Give work exactly the member name of each object in documents: for (const { name } of documents) await work(name).';
        // A server whose own code fails before the work says so in the text of its answer.
        if (worked.length < documents.length && !posted.text.includes('not written yet')) {
          expectNoFailure(objectIn(posted), posted);
        }
        for (const [holds, cause, advice] of [
          [worked.length > 0, 'Your server answered without any work.', once],
          [
            worked.length === documents.length,
            'Your server did not do the work once for each of the three documents.',
            once,
          ],
          [
            documents.every(({ name }) => worked.includes(name)),
            'Your server called work, but not with exactly the names of the documents.',
            byName,
          ],
        ] as const) {
          look(worked, '', see).expect(holds, cause, { like, advice });
        }
        expectHeader(posted, 'Content-Type', (type) => /^application\/json\b/i.test(type), 'application/json', {
          cause: 'The answer is not JSON.',
          advice: 'Send it with response.json, which also sets this header.',
          see,
        });
        const fromArguments = 'Take the message from the arguments of this call: Done: {message}.';
        expectText(posted, `Done: ${message}`, fromArguments);
        const wild = wildText();
        const asItIs =
          'Put the message into the text exactly as it came, also if it is empty: the template string `Done: ${message}` changes nothing.';
        expectText(await processFiles(wild).done(), `Done: ${wild}`, asItIs);
        expectText(await processFiles('', {}, 'an empty message').done(), 'Done: ', asItIs);
      },
    );

    requirement(
      'If two clients call `process_files` at the same time, even with the same `id`, both calls continue side by side, each with its own message. Meanwhile the server answers `ping`.',
      async () => {
        const { program } = server;
        const [one, two] = random.words(2) as [string, string];
        // Two clients may well choose the same id.
        const id = random.integer(1000, 9999);
        const first = processFiles(one, { who: 'client 1' }, id);
        await first.atWork();
        const second = processFiles(two, { who: 'client 2' }, id);
        await second.atWork(2, {
          cause: 'Your server does not begin the second call while it is at work on the first.',
          advice:
            'Look for what lets in one call after the other, and remove it. An await stops its own request only: the others continue.',
        });
        const ping = client.post(client.request('ping'), { who: 'client 3' });
        await ping.doneMeanwhile({
          cause: 'Your server does not answer ping while it is at work on two calls.',
          advice: 'Look for what lets in one request after the other, and remove it.',
        });
        ping.result();
        // The newest work first: the second call overtakes the first.
        const late = {
          cause: 'Your server has not answered the second call, although its work is done.',
          advice: 'Answer each call on its own response, the one that came with the request.',
        };
        while (await second.atWork(2, late)) program.held.at(-1)!.release();
        const own = 'Keep what one call needs in its own function: a variable outside of it is shared by all calls.';
        expectText(await second.doneMeanwhile(late), `Done: ${two}`, own);
        const worked: string[] = [];
        while (worked.length <= documents.length && (await first.atWork())) {
          const { label, release } = program.held[0]!;
          worked.push(label);
          release();
        }
        expectText(await first.done(), `Done: ${one}`, own);
        const names = documents.map(({ name }) => name);
        look(worked, '', first.see).expect(
          isDeepStrictEqual(worked.toSorted(), names.toSorted()),
          'A call that was overtaken by another call did not do the work once for each of the three documents.',
          { like: asJson(names), advice: own },
        );
      },
    );

    requirement(
      'The server passes to a tool of `moreTools` the arguments that its `input` has checked, with defaults filled in and types converted. If the call has no `arguments`, they count as an empty object.',
      async () => {
        const text = word();
        const times = random.integer(2, 4);
        const parsed =
          'Call tool.run with the data that tool.input.safeParse returns, and with the context that answer hands on. If a call has no arguments, call.data already has an empty object in their place.';
        const options = { ifItThrows: { advice: parsed } };
        const inList = 'Look for the tool in the array tools, which holds process_files and the tools of moreTools.';

        const call = await callOther(repeat, { text, times, loud: true }, options);
        const unknown = isObject(call.response().error);
        const loud = returned(call, repeat, unknown ? inList : parsed);
        const image = { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' };
        const said = [...Array(times).fill({ type: 'text', text: text.toUpperCase() }), image];
        loud
          .at('content')
          .is(said, `The content that ${repeat} returned did not arrive.`, 'Send the whole result of tool.run.');

        const bare = returned(await callOther(nothing, undefined, options), nothing, parsed);
        const given = firstText(bare).replace(`${toolText} `, '');
        const cause = `Your server ran a tool with ${given}, but it should give the tool an empty object, because the call has no arguments.`;
        look(firstText(bare), 'text', '').is(nothingSays, cause, parsed);

        const unit = { name: toolText };
        for (const [name, args, expected] of [
          [echo, undefined, { greeting: toolText }],
          [echo, {}, { greeting: toolText }],
          [echo, { [text]: times }, { greeting: toolText, [text]: times }],
          [echo, { greeting: text }, { greeting: text }],
          [convert, {}, { exact: false, unit }],
          [convert, { exact: 'yes', unit: { name: text } }, { exact: true, unit: { name: text } }],
          [convert, { unit: {}, [text]: times }, { exact: false, unit }],
        ] as const) {
          const said = firstText(returned(await callOther(name, args, options), name, parsed));
          look(fromJson(said) ?? said, '', '').is(
            expected,
            `Your server ran ${name} with arguments that differ from what its input makes of ${args ? asJson(args) : 'a call without arguments'}.`,
            parsed,
          );
        }
      },
    );

    requirement(
      'The result of a call is the object that the tool has returned, with all its members: `content`, and also `isError`, `structuredContent` and `_meta` if the tool has returned them.',
      async () => {
        const whole = 'Send the whole object that tool.run returns: copy no single members out of it.';
        const result = objectIn(await callOther(complain), { advice: whole });
        const expected = {
          content: [{ type: 'text', text: toolText, annotations: { audience: ['user'] } }],
          isError: true,
          structuredContent: { [toolText]: [null, 0.5, false, ''] },
          _meta: { 'grader/word': toolText },
        };
        contentOf(result);
        for (const [name, value] of Object.entries(expected)) {
          const member = result.at(name);
          const cause = result.has(name)
            ? `The tool ${complain} returned a different ${name} from the one that arrived.`
            : `The tool ${complain} returned the member ${name}, but the result has no such member.`;
          member.is(value, cause, whole);
        }
        const emptyToo = 'Accept an empty array as content: a tool may have nothing to say.';
        returned(await ending('returns an empty content'), misbehave, emptyToo)
          .at('content')
          .is([], 'A tool returned an empty content, but the result has a different content.', emptyToo);
      },
    );

    requirement(
      'The server answers `tools/call` with the error `-32602` if `params` or `params.name` is missing, if no tool has exactly this `name`, or if `arguments` is a string, a number, a boolean, an array or `null`.',
      async () => {
        const text = word();
        const unknown =
          'Look the tool up in the array tools, and return failure(-32602, …) when it is not there: isError is for a tool that has run and failed.';
        const inherited =
          'Look the tool up in the array tools, with find: an object also has what it inherits, such as toString, constructor and __proto__.';
        const malformed =
          'Return failure(-32602, …) when callParams.safeParse(params) gives an error: it gives either data or an error.';
        const similar =
          'Compare the names with ===, in find: a name that is only similar, or that is a part of the name of a tool, is unknown.';
        const strangers = [
          [`process_${text}`, unknown],
          ['', similar],
          ['process_', similar],
          ['Process_files', similar],
          ['process_files ', similar],
          ['toString', inherited],
          ['constructor', inherited],
          ['__proto__', inherited],
        ] as const;
        for (const [wrong, params, advice] of [
          ...strangers.map(([name, advice]) => {
            const params = { name, arguments: { message: text } };
            return [`call of the unknown tool ${asJson(name)}`, params, advice] as const;
          }),
          ['call without params', undefined, malformed],
          ['call with empty params', {}, malformed],
          ['call without a name', { arguments: { message: text } }, malformed],
          ['call whose name is a number', { name: number() }, malformed],
          ['call whose name is null', { name: null }, malformed],
          ['call whose name is an array', { name: ['process_files'], arguments: { message: text } }, malformed],
        ] as const) {
          const call = client.request('tools/call', params);
          (await postRefusable(wrong, call, advice)).error(-32602, advice);
        }
        const noObject =
          'Return failure(-32602, …) when callParams.safeParse(params) gives an error: callParams accepts only an object, or no arguments.';
        // The second is a tool that would accept a call without arguments.
        for (const name of ['process_files', nothing]) {
          for (const [what, args] of [
            ['a string', text],
            ['a number', number()],
            ['a boolean', false],
            ['an array', [text]],
            ['an empty array', []],
            ['an empty string', ''],
            ['null', null],
          ] as const) {
            const see = name === nothing ? { see: '' } : {};
            const call = client.request('tools/call', { name, arguments: args });
            const posted = await postRefusable(`call of ${name} whose arguments are ${what}`, call, noObject, see);
            posted.error(-32602, noObject);
          }
        }
      },
    );

    requirement(
      'If the arguments break the rules of the `input` of the tool, the tool is not run. The server answers with a result that has `isError: true` and a text, or with the error `-32602`.',
      async () => {
        const text = word();
        const advice =
          'Check the arguments before you run the tool: tool.input.safeParse(call.data.arguments) gives either data or an error.';
        for (const [name, args] of [
          ['process_files', undefined],
          ['process_files', {}],
          ['process_files', { message: number() }],
          ['process_files', { message: null }],
          ['process_files', { message: [text] }],
          ['process_files', { text }],
          [repeat, { text, times: 'twice' }],
          [repeat, { text, times: 1.5 }],
          [repeat, { text }],
          [repeat, { text, times: 1, loud: 'yes' }],
        ] as const) {
          const what = `call of ${name} ${args ? `with the arguments ${asJson(args)}` : 'without arguments'}`;
          const call = client.request('tools/call', { name, arguments: args });
          const posted = await postRefusable(what, call, advice, name === repeat ? { see: '' } : {});
          if (posted.status !== 200 || 'error' in posted.response()) {
            posted.error(-32602, advice);
            continue;
          }
          const result = objectIn(posted);
          const cause = `The ${what} was answered without isError: true, although the arguments break the rules of its input.`;
          result
            .at('isError')
            .is(
              true,
              cause,
              'Set isError to true in this result, so that the model knows that the tool has not done its work.',
            );
          failureText(result);
        }
      },
    );

    const caught = (name: string) => ({
      cause: `The tool ${name} failed, but nothing in server.ts caught what it threw.`,
      advice: 'Write await in front of tool.run, inside of try: without await, the failure never reaches catch.',
    });

    const past = (how: string) => how.replace('throws', 'threw').replace('returns', 'returned');

    /** Calls the tool that ends in this way; a server that does not answer fails for `how`. */
    const ending = async (how: string): Promise<Posted> => {
      const posted = client.post(client.request('tools/call', { name: misbehave, arguments: { how } }), {
        see: '',
        what: `The call of a tool that ${how}`,
        ifItThrows: {
          cause: `A tool of moreTools ${past(how)}, but nothing in server.ts caught the error that followed.`,
          advice:
            'Put tool.run, JSON.stringify and the check of the result inside of try: then each failure reaches catch, and the caller gets a response.',
        },
      });
      return posted.done();
    };

    requirement(
      'If a tool throws an error, even before its first `await`, the server answers with status 200 and a result that has `isError: true` and one text: exactly the `message` of the error.',
      async () => {
        const { program } = server;
        const [message, reason] = random.words(2) as [string, string];
        const see = 'WORK_FAILS=invoice.txt npm run try lesson-8';
        const posted = processFiles(message, { see, ifItThrows: caught('process_files') });
        await posted.atWork();
        release(program);
        await posted.atWork();
        program.held[0]?.fail(`no ${reason} here: "é" 世\n  the second line`);
        expectToolFailure(
          await posted.done(),
          'process_files threw an error',
          `no ${reason} here: "é" 世\n  the second line`,
        );
        const today = `no ${toolText} today (this tool fails whenever it is called)`;
        const failed = await callOther(fail, undefined, { ifItThrows: caught(fail) });
        expectToolFailure(failed, 'threw an error', today);
        expectToolFailure(
          await ending('throws immediately'),
          'threw an error before its first await',
          `no ${toolText}, immediately`,
        );
        const twoLines = `no "${toolText}" é世🎈:\n  look at line 2\n`;
        expectToolFailure(await ending('throws two lines'), 'threw an error', twoLines);
        const next = await processFiles(message).done();
        expectText(next, `Done: ${message}`, 'Serve the next call as if the one before had not failed.');
      },
    );

    requirement(
      'If a tool throws a string, the result has `isError: true` and this string as its text. If a tool throws any other value, even `null`, the result has `isError: true` and any text.',
      async () => {
        const inString = `no ${toolText}, in a string`;
        expectToolFailure(await ending('throws a string'), 'threw a string', inString);
        for (const how of ['throws null', 'throws undefined', 'throws an object', 'throws a symbol']) {
          expectToolFailure(await ending(how), past(how));
        }
      },
    );

    requirement(
      'If a tool returns `undefined`, an object whose `content` is missing or wrong, or a value that JSON cannot hold, the server answers with a result that has `isError: true` and a text.',
      async () => {
        for (const how of [
          'returns nothing',
          'returns null',
          'returns a string',
          'returns a function',
          'returns an empty object',
          'returns a content that is a string',
          'returns a BigInt',
          'returns a circular object',
          'returns an object whose toJSON throws',
        ]) {
          expectToolFailure(await ending(how), past(how));
        }
        const next = returned(
          await callOther(nothing),
          nothing,
          'Serve the next call as if the one before had not failed.',
        );
        look(firstText(next), 'text', '').is(
          nothingSays,
          'A call after a failure was answered with a wrong text.',
          'Keep nothing of a call that has failed.',
        );
      },
    );
  });

  task({ number: 4, title: 'Check the revision header', file: 'server.ts' }, () => {
    requirement(
      'If the `MCP-Protocol-Version` header of a message is empty or names a revision that the server does not speak, such as `2025-03-26`, the server refuses the message with status 400 and a JSON-RPC error.',
      async () => {
        const text = word();
        const exact =
          'Call refuse, and return, when the header is not exactly one of revisions. request.get finds a header, however its name is spelt.';
        const useRefuse = 'Call refuse with the status 400: a client looks at the status before it reads the body.';
        const inFront =
          'Move the check of the header to the place of the TODO, before the body is read: where it is now, your server has already answered notifications and responses with 202.';
        const empty =
          'Refuse an empty header, too: compare with undefined, because only undefined says that there is no header.';
        const inherited =
          'Look the header up with revisions.includes: an object also has what it inherits, such as toString.';
        for (const revision of foreign) {
          const advice = revision === '' ? empty : revision in {} ? inherited : exact;
          const given = revision === '' ? 'an empty MCP-Protocol-Version' : `MCP-Protocol-Version: ${revision}`;
          for (const [name, message] of [
            ['call', client.request('tools/call', { name: 'process_files', arguments: { message: text } })],
            ['request', client.request('ping')],
            ['notification', { jsonrpc: '2.0', method: `notifications/${text}` }],
            ['response', { jsonrpc: '2.0', id: `${text}-1`, result: {} }],
          ] as const) {
            const headers = { 'MCP-Protocol-Version': revision };
            const posted = await postRefusable(`${name} with ${given}`, message, advice, { headers });
            const late = posted.status === 202 ? inFront : advice;
            posted.refused(400, undefined, /"error"/.test(posted.text) ? useRefuse : late);
          }
        }
      },
    );

    requirement(
      'If a message comes without the `MCP-Protocol-Version` header, the server serves the message.',
      async () => {
        const { 'MCP-Protocol-Version': _version, ...rest } = client.headers;
        const old = Object.assign(mcpClient(server), { headers: rest });
        const why = {
          cause: 'Your server refused a request that has no MCP-Protocol-Version header, but it should serve it.',
          advice: 'Compare with undefined: request.get returns undefined when there is no header.',
        };
        objectIn(await old.ask('tools/list'), why)
          .at('tools')
          .array('The result has no tools.', { advice: why.advice });
        expectText(await callOther(nothing, undefined, {}, old), nothingSays, why.advice, why);
        (await old.notify('notifications/initialized')).accepted(why.advice);
      },
    );

    requirement(
      'If the `MCP-Protocol-Version` header is `2025-11-25` or `2025-06-18`, the server serves the message, whichever revision the last `initialize` has agreed on.',
      async () => {
        const [first, second] = [mcpClient(server), mcpClient(server)];
        await initialize(first, hello(newest, clientName));
        await initialize(second, hello(older, clientName));
        const advice =
          'Compare the header with all of revisions. The last client that sent initialize may be a different one.';
        for (const each of [first, second, first]) {
          const message = `A message with MCP-Protocol-Version: ${each.headers['MCP-Protocol-Version']}, as its client has agreed on,`;
          (await each.notify('notifications/initialized', { what: message })).accepted(advice);
          const called = await callOther(nothing, undefined, {}, each);
          expectText(called, nothingSays, advice, { cause: `${message} was refused.`, advice });
        }
      },
    );

    requirement(
      'If the `Host` or `Origin` header of a request names a different machine, the server answers with status 403, as the server of lesson 7 does.',
      async () => {
        const keep =
          'Keep the check of Host and Origin from the starter, in front of everything else: without it, any page in a browser can call your tools.';
        for (const [name, value] of [
          ['Host', 'evil.example'],
          ['Host', 'localhost.evil.example:3000'],
          ['Origin', 'http://evil.example'],
          ['Origin', 'http://127.0.0.1.evil.example'],
          ['Origin', 'null'],
        ] as const) {
          const call = client.request('tools/call', { name: 'process_files', arguments: { message: word() } });
          const posted = await postRefusable(`call with ${name}: ${value}`, call, keep, { headers: { [name]: value } });
          expect(posted.status === 403, {
            cause: `A call with ${name}: ${value} was answered with status ${posted.status}, but it should be refused.`,
            compare: { expected: '403', received: received(posted) },
            advice: keep,
            see: posted.see,
          });
        }
        const local = { Origin: `http://${server.url.host}` };
        const advice = 'Serve a page of this machine: its host is localhost, 127.0.0.1 or [::1], at any port.';
        const posted = await callOther(nothing, undefined, { headers: local });
        expectText(posted, nothingSays, advice, {
          cause: `Your server refused a call with Origin: ${local.Origin}, which is a page of this machine.`,
          advice,
        });
      },
    );

    for (const generation of ['first', 'second'] as const) {
      requirement(
        `The official client of the ${generation} generation connects, lists the tools and calls \`process_files\`.`,
        async () => {
          const message = word();
          const official = await officialClient(server, generation);
          const names = await official.listTools();
          look(names, 'tools').expect(
            names.includes('process_files'),
            'The official client does not find process_files in the list.',
            { like: 'process_files', advice: 'List process_files for every client, whatever it has said of itself.' },
          );
          const text = look(await official.callTool('process_files', { message }), 'text');
          text.is(`Done: ${message}`, 'The official client read a wrong text.', 'Send every client the same result.');
        },
      );
    }
  });
});
