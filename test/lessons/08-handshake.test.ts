import { fileURLToPath } from 'node:url';
import { documents } from '#support/documents.ts';
import { grader } from '../harness/run/grader.ts';
import { expect } from '../harness/run/failure.ts';
import { expectHeader, finished } from '../harness/vocabulary/http.ts';
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
  expectSchema,
  expectText,
  expectToolFailure,
  failureText,
  firstText,
  listTools,
  objectIn,
  toolIn,
} from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import { fromJson, type Message } from '../harness/wire/json.ts';
import type { Server } from '../harness/run/run.ts';

export default grader((run) => {
  const { random, requirement, startServer, task } = run;

  const older = '2025-06-18';
  /** A date between the two revisions, on which no revision was published. */
  const between = `2025-${random.pick(['07', '08', '09', '10'])}-${random.integer(10, 28)}`;
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
  const fail = `fail_${toolWord}`;
  const toolsFile = fileURLToPath(new URL('../harness/tools/handshake.ts', import.meta.url));
  const env = { MORE_TOOLS: toolsFile, TOOL_WORDS: `${toolWord} ${toolText}` };

  let server: Server;
  /** Has shaken hands from the end of task 1 on. */
  let client: McpClient;

  const word = () => random.words(1)[0]!;
  const number = () => random.integer(1, 9);

  /** Calls a tool of the grader's. By hand a server has none of them, so no command shows the same. */
  const callOther = (name: string, args?: object, options: PostOptions = {}, from = client): Promise<Posted> =>
    from.ask('tools/call', { name, arguments: args }, { see: '', ...options });

  /** Posts a message that is to be refused, and waits for the end of the answer. */
  const postRefusable = (what: string, message: object, advice: string, options: PostOptions = {}): Promise<Posted> => {
    const ifItThrows = { cause: `Your server threw an error over the ${what}.`, advice };
    const posted = client.post(message, { what: `The ${what}`, ifItThrows, ...options });
    const cause = `Your server ran a tool for the ${what}, which it should refuse.`;
    return doneWithoutTool(posted, { cause, advice });
  };

  task({ number: 1, title: 'Initialize', file: 'server.ts' }, () => {
    requirement(
      '`initialize` with the `protocolVersion` `2025-11-25` is answered with a result: this `protocolVersion`, `capabilities` with an object `tools` and an object `logging` but without `resources` and `prompts`, which this server does not have, and a `serverInfo` with the `name` and the `version` of the server.',
      async () => {
        server = await startServer(env);
        client = mcpClient(server);
        const newcomer = mcpClient(server);
        const served =
          'Serve a message without the header MCP-Protocol-Version. A client that has just come has agreed on nothing yet, and does not send it with initialize.';
        const result = await initialize(newcomer, hello(newest, clientName), { when: { 400: served } });
        const asAsked = 'Answer with the revision that was asked for.';
        result.at('protocolVersion').is(newest, 'The protocolVersion in the result is wrong.', asAsked);

        const like = '{"tools":{},"logging":{}}';
        const capabilities = result.at('capabilities').object('The capabilities are not an object.', {
          missing: 'The result has no capabilities.',
          like,
          advice: 'Make each capability a member with a name, whose value is an object, for the details.',
        });
        for (const [name, without] of [
          ['tools', 'without it, a client does not ask for tools'],
          ['logging', 'without it, a client does not expect log messages, as you will send them in lesson 9'],
        ] as const) {
          capabilities.at(name).object(`The capability ${name} is not an object.`, {
            missing: `The capability ${name} is missing: ${without}.`,
            like: '{}',
            advice:
              'Name the capabilities of your server, and not those of the client in params. Each is an object, which has room for details: {} says that there are none.',
          });
        }

        const serverInfo = result.at('serverInfo').object('The serverInfo is not an object.', {
          missing: 'The result has no serverInfo.',
          like: '{"name":"…","version":"…"}',
          advice: 'Say in serverInfo who your server is: an object with a name and a version.',
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

        for (const name of ['resources', 'prompts'].filter(capabilities.has)) {
          // A server that keeps this promise may make it.
          const { error } = (await newcomer.ask(`${name}/list`)).response() as { error?: Message };
          const cause = `Your server promises ${name}, but it does not know the method ${name}/list.`;
          const advice = 'Name only the capabilities that your server has: a client asks for what it is promised.';
          capabilities.expect(error?.code !== -32601, cause, { like: `"capabilities":${like}`, advice });
        }
      },
    );

    requirement(
      'The server speaks `2025-11-25` and `2025-06-18`: either comes back as it was asked for. To any other it answers with `2025-11-25`, and not with an error.',
      async () => {
        const lookUp = 'Look up what this client asked for: when it is in the list, the answer is the same.';
        const newestOf =
          'Answer with the newest of the list, revisions[0], when what was asked for is not in the list.';
        for (const [asked, expected, advice] of [
          [older, older, lookUp],
          [`${random.integer(2010, 2023)}-11-25`, newest, newestOf],
          [newest, newest, lookUp],
          ['2026-07-28', newest, newestOf],
          [older, older, lookUp],
          [`${random.integer(2040, 2099)}-06-18`, newest, newestOf],
          [between, newest, newestOf],
          ['1.0.0', newest, newestOf],
        ] as const) {
          const posted = await client.ask('initialize', hello(asked, clientName));
          const offered = objectIn(posted, {
            cause: `A client that asked for ${asked} was answered with an error.`,
            advice:
              'Offer a revision that your server speaks, and let the client decide: this is the rule of the specification, although one of its examples shows an error.',
          }).at('protocolVersion');
          const which = asked === expected ? 'which your server speaks' : 'which your server does not speak';
          const cause = `A client asked for ${asked}, ${which}, but your server answered with ${asJson(offered.value)}.`;
          offered.is(expected, cause, advice);
        }
      },
    );

    requirement(
      '`params` hold a `protocolVersion`, which is a string, `capabilities`, an object, and `clientInfo`, an object whose `name` and `version` are strings. When one of them is missing or something else, or when there are no `params`: the error `-32602`.',
      async () => {
        const good = hello(newest, clientName);
        const { protocolVersion, capabilities, clientInfo } = good;
        const { name, version } = clientInfo;
        const advice =
          'Answer with an error when initializeParams.safeParse(params) gives one: it gives either data or an error.';
        for (const [wrong, params] of [
          ['without params', undefined],
          ['with empty params', {}],
          ['without a protocolVersion', { capabilities, clientInfo }],
          ['whose protocolVersion is a number', { ...good, protocolVersion: number() }],
          ['without capabilities', { protocolVersion, clientInfo }],
          ['whose capabilities are a string', { ...good, capabilities: 'none' }],
          ['whose capabilities are null', { ...good, capabilities: null }],
          ['whose capabilities are an array', { ...good, capabilities: ['roots'] }],
          ['without clientInfo', { protocolVersion, capabilities }],
          ['whose clientInfo is a string', { ...good, clientInfo: name }],
          ['whose clientInfo is null', { ...good, clientInfo: null }],
          ['whose clientInfo has no name', { ...good, clientInfo: { version } }],
          ['whose clientInfo has no version', { ...good, clientInfo: { name } }],
          ['whose clientInfo has a name that is a number', { ...good, clientInfo: { name: number(), version } }],
          ['whose clientInfo has a version that is a number', { ...good, clientInfo: { name, version: number() } }],
        ] as const) {
          const what = `request initialize ${wrong}`;
          (await postRefusable(what, client.request('initialize', params), advice)).error(-32602, advice);
        }
      },
    );

    requirement(
      'Members that the server does not know, in `params`, `capabilities` or `clientInfo`, are no reason to refuse a client, and none of them comes back in the server’s `capabilities`.',
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
        const result = objectIn(await client.ask('initialize', params), {
          cause: 'A client that says more about itself than your server asks for was refused.',
          advice:
            'Look at the members that you need, and ignore the others: later revisions add members. z.object ignores them, z.strictObject does not.',
        });
        const advice =
          'Name the capabilities of your server, and no others: those in params are promises of the client.';
        const capabilities = result.at('capabilities').object('The capabilities are not an object.', { advice });
        const like = '"capabilities":{"tools":{},"logging":{}}';
        const repeated = Object.keys(theirs).some(capabilities.has);
        capabilities.expect(!repeated, 'Your server promises what its client can do.', { like, advice });
      },
    );

    requirement(
      '`notifications/initialized` is taken with status 202 and no body, and so is a notification that nobody knows; then a second client shakes hands like the first.',
      async () => {
        const first = await shakeHands(mcpClient(server), hello(newest, clientName));
        (await first.notify(`notifications/${unknownName}`)).accepted();
        const advice = 'Do not remember who has shaken hands: a variable of the program belongs to all clients.';
        const again = 'A client could not shake hands for a second time.';
        objectIn(await client.ask('initialize', hello(newest, clientName)), { cause: again, advice });
        const second = 'A second client, with another name, could not shake hands after the first.';
        await shakeHands(client, hello(newest, otherName), { cause: second, advice });
      },
    );
  });

  task({ number: 2, title: 'List tools', file: 'server.ts' }, () => {
    const listAll = 'List all that the array tools holds: process_files and the tools of moreTools.';

    requirement(
      '`tools/list` is answered with a result whose `tools` is an array, and which has no `nextCursor` when all tools are in it; in it is `process_files`, with a `description` and an `inputSchema` of the `type` `object`.',
      async () => {
        toolIn(await listTools(client, random.pick([undefined, {}])), 'process_files', listAll);
      },
    );

    requirement(
      'The `inputSchema` is JSON Schema: it takes `message` when it is a string, and refuses arguments without `message` or with another type there.',
      async () => {
        const list = await listTools(client);
        const text = word();
        const accepted = [{ message: text }, { message: `${text} é世🎈\n` }];
        const refused = [{}, { message: number() }, { message: [text] }];
        const like = '{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}';
        const { see } = list.first;
        await expectSchema(toolIn(list, 'process_files', listAll), { accepted, refused }, { like, see });
      },
    );

    requirement(
      'Each tool of `moreTools` is listed too, once, with its own name, description and schema.',
      async () => {
        const list = await listTools(client, random.pick([undefined, {}]));
        const [text, times] = [word(), number()];
        const said = { text, times };
        for (const [name, accepted, refused] of [
          [nothing, [{}], []],
          [complain, [{}], []],
          // A schema of what a check gives back asks for what has a default: it may refuse {}.
          [echo, [{ greeting: text }], [{ greeting: times }]],
          [fail, [{}], []],
          [
            repeat,
            [said, { ...said, loud: true }],
            [{ text }, { ...said, times: text }, { times, text: times }, { ...said, loud: text }],
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
      },
    );
  });

  /** What the tool says that asks for nothing, when it gets an empty object. */
  const nothingSays = `${toolText} {}`;

  task({ number: 3, title: 'Call a tool', file: 'server.ts', asksForWork: true }, () => {
    /** Posts a call of `process_files`. */
    const processFiles = (message: string, options: PostOptions = {}, id?: number): Posted => {
      const call = client.request('tools/call', { name: 'process_files', arguments: { message } });
      return client.post(id === undefined ? call : { ...call, id }, options);
    };

    requirement(
      '`tools/call` of `process_files` does `await work(name)` for each of the three `documents`, one after the other, and is answered when the last is done: as JSON, with a `content` of one text, `Done: {message}`.',
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
            cause: `The answer came while your server was still at work on ${label}.`,
            advice:
              'Await both work and run, which return promises, and answer after them. The forEach of an array does not wait.',
            see,
          });
          expect(program.held.length === 1, {
            cause: `Your server is at work on ${program.held.length} documents at the same time.`,
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
          'Call await work(name) once for each document, then answer: it stands for processing one document.';
        const byName = 'Give work the name of the document, which differs each time.';
        for (const [holds, cause, advice] of [
          [worked.length > 0, 'The answer came without any work.', once],
          [worked.length === documents.length, 'The work is not done once for each of the three documents.', once],
          [new Set(worked).size === documents.length, 'The work does not say which document it is for.', byName],
        ] as const) {
          look(worked, '', see).expect(holds, cause, { like, advice });
        }
        expectHeader(posted, 'Content-Type', (type) => /^application\/json\b/i.test(type), 'application/json', {
          cause: 'The answer is not JSON.',
          advice: 'Send it with response.json.',
          see,
        });
        expectText(posted, `Done: ${message}`, 'Take the message from the arguments of the call: Done: {message}.');
      },
    );

    requirement(
      'Two calls at a time go on beside each other, each with its own message, and `ping` is answered meanwhile.',
      async () => {
        const { program } = server;
        const [one, two] = random.words(2) as [string, string];
        // Two clients may well choose the same id.
        const id = random.integer(1000, 9999);
        const first = processFiles(one, { who: 'client 1' }, id);
        await first.atWork();
        const second = processFiles(two, { who: 'client 2' }, id);
        await second.atWork(2, {
          cause: 'The second call does not begin while the first is at work.',
          advice:
            'Look for what lets in one call at a time, and remove it. An await stops its own request only: the others continue.',
        });
        const ping = client.post(client.request('ping'), { who: 'client 3' });
        await ping.doneMeanwhile({
          cause: 'ping has no answer while two calls are at work.',
          advice: 'Look for what lets in one request at a time, and remove it.',
        });
        ping.result();
        // The newest work first: the second call overtakes the first.
        const late = {
          cause: 'The second call has no answer, although its work is done.',
          advice: 'Answer each call on its own response, the one that came with the request.',
        };
        while (await second.atWork(2, late)) program.held.at(-1)!.release();
        const own = 'Keep what one call needs in its own function: a variable outside of it is shared by all calls.';
        expectText(await second.done(), `Done: ${two}`, own);
        expectText(await first.done(), `Done: ${one}`, own);
      },
    );

    requirement(
      'A tool of `moreTools` gets its arguments as its `input` has parsed them, with the defaults filled in, and an empty object when there are none; what it returns is the result, as it is.',
      async () => {
        const text = word();
        const times = random.integer(2, 4);
        const parsed =
          'Hand to run what tool.input.safeParse gives as data. In place of arguments that are left out, callParams puts an empty object.';
        const options = { ifItThrows: { advice: `Hand on the context that answer gives you. ${parsed}` } };

        const loud = objectIn(await callOther(repeat, { text, times, loud: true }, options), {
          cause: `The tool ${repeat} of moreTools was not run.`,
          advice: 'Look for the tool in the array tools, which holds process_files and the tools of moreTools.',
        });
        const image = { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' };
        const said = [...Array(times).fill({ type: 'text', text: text.toUpperCase() }), image];
        contentOf(loud);
        const asItIs =
          'Send the whole result of tool.run(arguments, context) as it is. The context is the one that answer hands on.';
        loud.at('content').is(said, `The result of ${repeat} is not what the tool returned.`, asItIs);

        const bare = objectIn(await callOther(nothing, undefined, options), {
          cause: 'A call without arguments was refused, though its tool asks for none.',
          advice: 'Take an empty object for arguments that are left out.',
        });
        const given = firstText(bare).replace(`${toolText} `, '');
        const cause = `A tool was called without arguments, but was run with ${given} in place of an empty object.`;
        look(firstText(bare), 'text', '').is(nothingSays, cause, parsed);

        for (const [args, expected] of [
          [undefined, { greeting: toolText }],
          [{}, { greeting: toolText }],
          [{ [text]: times }, { greeting: toolText, [text]: times }],
          [{ greeting: text }, { greeting: text }],
        ] as const) {
          const said = firstText(objectIn(await callOther(echo, args, options), { advice: parsed }));
          look(fromJson(said) ?? said, '', '').is(
            expected,
            'The input of a tool has a default for greeting, but the tool was not run with what the input makes of its arguments.',
            parsed,
          );
        }

        const complaint = objectIn(await callOther(complain, undefined, options));
        const without = `The tool ${complain} returned a result with isError: true, but it came without.`;
        complaint.at('isError').is(true, without, asItIs);
        contentOf(complaint);
      },
    );

    requirement(
      'A `name` that no tool has, `params` without a `name`, no `params`, and `arguments` that are no object (an array is none, and neither is `null`): the error `-32602`.',
      async () => {
        const text = word();
        const unknown =
          'Look the tool up in the list, and answer with an error of the protocol when it is not there: no tool has run that could have failed.';
        const inherited =
          'Look the tool up in the list, with find, or in a Map: an object also has what it inherits, such as toString, constructor and __proto__.';
        const malformed =
          'Answer with an error when callParams.safeParse(params) gives one: it gives either data or an error.';
        for (const [wrong, params, advice] of [
          ...[`process_${text}`, '', 'toString', 'constructor', '__proto__'].map((name) => {
            const params = { name, arguments: { message: text } };
            return [`of the unknown tool ${asJson(name)}`, params, name in {} ? inherited : unknown] as const;
          }),
          ['without params', undefined, malformed],
          ['with empty params', {}, malformed],
          ['without a name', { arguments: { message: text } }, malformed],
          ['whose name is a number', { name: number() }, malformed],
          ['whose arguments are a string', { name: 'process_files', arguments: text }, malformed],
          ['whose arguments are a number', { name: 'process_files', arguments: number() }, malformed],
          ['whose arguments are an array', { name: 'process_files', arguments: [text] }, malformed],
          ['whose arguments are null', { name: 'process_files', arguments: null }, malformed],
          // A tool that would accept a call without arguments.
          ['whose arguments are null', { name: nothing, arguments: null }, malformed],
          ['whose arguments are an array', { name: nothing, arguments: [] }, malformed],
        ] as const) {
          const see = asJson(params).includes(nothing) ? { see: '' } : {};
          const call = client.request('tools/call', params);
          (await postRefusable(`call ${wrong}`, call, advice, see)).error(-32602, advice);
        }
      },
    );

    requirement(
      'Arguments that do not fit the tool’s `input`: a result with `isError: true` and a text that says what is wrong (the error `-32602` is accepted too), and the tool is not run.',
      async () => {
        const text = word();
        const advice =
          'Look at the arguments before the tool runs: tool.input.safeParse(arguments) gives either data or an error.';
        for (const [name, args] of [
          ['process_files', undefined],
          ['process_files', {}],
          ['process_files', { message: number() }],
          ['process_files', { message: null }],
          ['process_files', { text }],
          [repeat, { text, times: 'twice' }],
        ] as const) {
          const what = `call of ${name} ${args ? `with the arguments ${asJson(args)}` : 'without arguments'}`;
          const call = client.request('tools/call', { name, arguments: args });
          const posted = await postRefusable(what, call, advice, name === repeat ? { see: '' } : {});
          if ('error' in posted.response()) {
            posted.error(-32602, advice);
            continue;
          }
          const result = objectIn(posted);
          const cause = `The result of the call of ${name} does not have isError: true, although its arguments do not fit the input of the tool.`;
          result.at('isError').is(true, cause, advice);
          failureText(result);
        }
      },
    );

    requirement(
      'A tool that throws: status 200 and a result with `isError: true`, whose text is the message of the error and not its stack; the server goes on serving.',
      async () => {
        const { program } = server;
        const [message, reason] = random.words(2) as [string, string];
        const see = 'WORK_FAILS=invoice.txt npm run try lesson-8';
        const uncaught = (name: string) => ({
          cause: `The tool ${name} failed, but nothing in server.ts caught the error.`,
          advice:
            'Await run inside of try. Then its failure comes to catch, which makes a result with isError: true of it.',
        });
        const posted = processFiles(message, { see, ifItThrows: uncaught('process_files') });
        await posted.atWork();
        program.held[0]?.release();
        await posted.atWork();
        program.held[0]?.fail(`no ${reason} here`);
        expectToolFailure(await posted.done(), `no ${reason} here`);
        expectToolFailure(await callOther(fail, undefined, { ifItThrows: uncaught(fail) }), `no ${toolText} today`);
        const next = await processFiles(message).done();
        expectText(next, `Done: ${message}`, 'Serve the next call as if the one before had not failed.');
      },
    );
  });

  task({ number: 4, title: 'Mind the version header', file: 'server.ts' }, () => {
    requirement(
      'A message whose `MCP-Protocol-Version` is empty, or not a revision that the server speaks: status 400 and a JSON-RPC error as the body; no tool is run.',
      async () => {
        const text = word();
        const exact =
          'Call refuse, and return, when the header is not exactly one of revisions. request.get finds a header whatever its case.';
        const useRefuse = 'Call refuse, which sets the status too: a client looks at the status first.';
        const empty = 'Refuse an empty header too: it names no revision. Only undefined says that there is no header.';
        for (const [revision, advice] of [
          [`${random.integer(2010, 2023)}-03-26`, exact],
          ['2026-07-28', exact],
          [between, exact],
          [text, exact],
          ['2025', exact],
          [`${newest}x`, exact],
          ['', empty],
        ] as const) {
          const given = revision === '' ? 'an empty MCP-Protocol-Version' : `MCP-Protocol-Version: ${revision}`;
          for (const [name, message] of [
            ['call', client.request('tools/call', { name: 'process_files', arguments: { message: text } })],
            ['notification', { jsonrpc: '2.0', method: `notifications/${text}` }],
          ] as const) {
            const headers = { 'MCP-Protocol-Version': revision };
            const posted = await postRefusable(`${name} with ${given}`, message, advice, { headers });
            posted.refused(400, undefined, /"error"/.test(posted.text) ? useRefuse : advice);
          }
        }
      },
    );

    requirement('Without the header a message is served: a client of an older revision does not send it.', async () => {
      const { 'MCP-Protocol-Version': _version, ...rest } = client.headers;
      const old = Object.assign(mcpClient(server), { headers: rest });
      const why = {
        cause: 'A request without the header MCP-Protocol-Version was refused.',
        advice: 'Serve it: a header that is not there is undefined, and only one that is there can be wrong.',
      };
      objectIn(await old.ask('tools/list'), why)
        .at('tools')
        .array('The result has no tools.', { advice: why.advice });
      expectText(await callOther(nothing, undefined, {}, old), nothingSays, why.advice, why);
      (await old.notify('notifications/initialized')).accepted(why.advice);
    });

    requirement(
      'With `2025-11-25` and with `2025-06-18` it is served, whichever the client before has agreed on.',
      async () => {
        const [first, second] = [mcpClient(server), mcpClient(server)];
        await initialize(first, hello(newest, clientName));
        await initialize(second, hello(older, clientName));
        const advice =
          'Compare the header with all that the server speaks, not with what the last client has asked for.';
        for (const each of [first, second, first]) {
          const message = `A message with MCP-Protocol-Version: ${each.headers['MCP-Protocol-Version']}, as its client has agreed on,`;
          (await each.notify('notifications/initialized', { what: message })).accepted(advice);
          const called = await callOther(nothing, undefined, {}, each);
          expectText(called, nothingSays, advice, { cause: `${message} was refused.`, advice });
        }
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
