import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { documents } from '#support/documents.ts';
import { grader } from '../harness/run/grader.ts';
import { Failure, expect, type Explanation } from '../harness/run/failure.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Server } from '../harness/run/run.ts';
import { fromJson } from '../harness/vocabulary/value.ts';
import {
  answered,
  ask,
  checkError,
  checkShape,
  messagesIn,
  post,
  responseTo,
  resultOf,
  shown,
  workMs,
  type Message,
  type Posted,
} from '../harness/vocabulary/mcp.ts';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  const newest = '2025-11-25';
  const older = '2025-06-18';

  const [toolWord, toolText] = random.words(2) as [string, string];
  /** Who the grader's clients say they are. */
  const [clientName, otherName] = random.words(2).map((word) => `client-${word}`) as [string, string];
  /** A member, or a notification, that nobody knows. */
  const unheardOf = `x-${random.words(1)[0]}`;
  const repeat = `repeat_${toolWord}`;
  const nothing = `nothing.${toolWord}`;
  const complain = `complain-${toolWord}`;
  const echo = `echo_${toolWord}`;
  /** The text of the tool that asks for nothing, when it gets an empty object. */
  const nothingSays = `${toolText} {}`;
  const fail = `fail_${toolWord}`;
  const toolsFile = fileURLToPath(new URL('../harness/tools/handshake.ts', import.meta.url));

  let server: Server;
  /** What a client sends along after its handshake. */
  let client: Record<string, string>;

  let lastId = random.integer(10, 90);
  const request = (method: string, params?: unknown) => ({
    jsonrpc: '2.0',
    id: ++lastId,
    method,
    ...(params !== undefined && { params }),
  });
  const notification = (method: string) => ({ jsonrpc: '2.0', method });

  /** A date between two revisions, on which none was published. */
  const between = `2025-${random.pick(['07', '08', '09', '10'])}-${random.integer(10, 28)}`;

  const hello = (protocolVersion: string, name = clientName) => ({
    protocolVersion,
    capabilities: {},
    clientInfo: { name, version: '0.9.0' },
  });
  const initialize = (params: unknown) => request('initialize', params);
  const call = (name: string, args?: unknown) =>
    request('tools/call', { name, ...(args !== undefined && { arguments: args }) });

  const isObject = (value: unknown): value is Message =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const finished = (posted: Posted) => posted.ended || posted.broken !== undefined;

  /** What a client sends along from its handshake on. */
  function agreedIn(posted: Posted, protocolVersion: string): Record<string, string> {
    const session = posted.headers['mcp-session-id'];
    return { 'MCP-Protocol-Version': protocolVersion, ...(session && { 'MCP-Session-Id': String(session) }) };
  }

  /** Sends `initialize`, and returns the headers that the client sends from then on; `why` says more of a refusal. */
  async function greet(
    protocolVersion: string,
    name = clientName,
    why: Partial<Explanation> = {},
  ): Promise<Record<string, string>> {
    const posted = await ask(server, initialize(hello(protocolVersion, name)));
    resultIn(posted, why);
    return agreedIn(posted, protocolVersion);
  }

  /** Asks for a tool of moreTools. By hand a server has none of those, so no command shows the same. */
  async function askOther(message: object, headers = client, ifItThrows: Partial<Explanation> = {}): Promise<Posted> {
    const posted = withoutCommand(post(server, message, { headers, ifItThrows: { see: '', ...ifItThrows } }));
    await answered(server, posted);
    return posted;
  }

  const withoutCommand = (posted: Posted): Posted => Object.assign(posted, { see: '' });

  /** Shakes hands: initialize, then initialized. */
  async function shakeHands(
    protocolVersion: string,
    name = clientName,
    why: Partial<Explanation> = {},
  ): Promise<Record<string, string>> {
    const headers = await greet(protocolVersion, name, why);
    checkTaken(await ask(server, notification('notifications/initialized'), headers));
    return headers;
  }

  function checkTaken(posted: Posted): void {
    expect(posted.status === 202, {
      cause: `${posted.what} was answered with status ${posted.status}.`,
      compare: { expected: '202', received: `${posted.status} ${visible(posted.text)}`.trim() },
      advice: 'A notification has no id: whatever it says, it is taken with 202 and never answered.',
      see: posted.see,
    });
    expect(posted.text === '', {
      cause: `${posted.what} was answered with a body.`,
      compare: { expected: '(no body)', received: visible(posted.text) },
      advice: 'response.status(202).end() sends the status and nothing else.',
      see: posted.see,
    });
  }

  /** The result of a request, which is an object; `why` says more of an error that came in its place. */
  function resultIn(posted: Posted, why: Partial<Explanation> = {}): Message {
    const refusal = messagesIn(posted).find((message) => isObject(message.error));
    if (refusal) {
      const { error } = refusal as { error: { code?: unknown } };
      const status = posted.status === 200 ? '' : `${posted.status} `;
      throw new Failure({
        cause: `${posted.what} was answered with an error.`,
        compare: { expected: '"result":…', received: `${status}"error":${shown(error)}` },
        ...(error.code === -32601 && {
          advice:
            'methods has no function with the name of this method yet. Their names are compared letter by letter.',
        }),
        ...why,
        see: posted.see,
      });
    }
    const result = resultOf(posted);
    expect(isObject(result), {
      cause: 'The result is not an object.',
      compare: { expected: '"result":{…}', received: shown(result) },
      advice: 'A result has members with names: what is a list stands behind one of them.',
      see: posted.see,
    });
    return result;
  }

  task({ number: 1, title: 'Initialize', file: 'server.ts' }, () => {
    requirement(
      '`initialize` with the `protocolVersion` `2025-11-25` is answered with a result: this `protocolVersion`, `capabilities` with an object `tools` and an object `logging` but without `resources` and `prompts`, which this server does not have, and a `serverInfo` with the `name` and the `version` of the server.',
      async () => {
        server = await startServer({ MORE_TOOLS: toolsFile, TOOL_WORDS: `${toolWord} ${toolText}` });
        const posted = await ask(server, initialize(hello(newest)));
        const early =
          'A message without the header MCP-Protocol-Version is served. A client that has just come has agreed on nothing yet, and does not send it with initialize.';
        const result = resultIn(posted, posted.status === 400 ? { advice: early } : {});
        const { protocolVersion, capabilities, serverInfo } = result;
        const { see } = posted;
        expect(protocolVersion === newest, {
          cause: 'The result has another protocolVersion.',
          compare: { expected: `"protocolVersion":"${newest}"`, received: shown(protocolVersion) },
          see,
        });
        const asObjects = '"capabilities":{"tools":{},"logging":{}}';
        expect(isObject(capabilities), {
          cause: capabilities === undefined ? 'The result has no capabilities.' : 'The capabilities are not an object.',
          compare: { expected: asObjects, received: shown(capabilities) },
          advice: 'Each capability is a member with a name, and behind the name an object, for the details.',
          see,
        });
        for (const [name, without] of [
          ['tools', 'without it, a client does not ask for tools'],
          ['logging', 'without it, a client does not expect log messages, as you will send them in lesson 7'],
        ] as const) {
          const capability = capabilities[name];
          expect(capability !== undefined, {
            cause: `The capability ${name} is missing: ${without}.`,
            compare: { expected: asObjects, received: `"capabilities":${shown(capabilities)}` },
            advice: 'The capabilities in params are those of the client; the result has those of the server.',
            see,
          });
          expect(isObject(capability), {
            cause: `The capability ${name} is not an object.`,
            compare: { expected: `"${name}":{}`, received: `"${name}":${shown(capability)}` },
            advice: 'An object has room for details, such as listChanged: an empty one says that there are none.',
            see,
          });
        }
        expect(isObject(serverInfo), {
          cause: serverInfo === undefined ? 'The result has no serverInfo.' : 'The serverInfo is not an object.',
          compare: { expected: '"serverInfo":{"name":"…","version":"…"}', received: shown(serverInfo ?? result) },
          see,
        });
        for (const name of ['name', 'version']) {
          expect(typeof serverInfo[name] === 'string' && serverInfo[name] !== '', {
            cause: `The serverInfo has no ${name} that is a string.`,
            compare: { expected: `"${name}":"…"`, received: shown(serverInfo) },
            see,
          });
        }
        expect(serverInfo.name !== clientName, {
          cause: 'The serverInfo is what the client has said of itself.',
          compare: {
            expected: '"serverInfo":{"name":"(of your server)","version":"…"}',
            received: `"serverInfo":${shown(serverInfo)}`,
          },
          advice:
            'clientInfo in params says who the client is; serverInfo says who your server is. Write its name down.',
          see,
        });
        for (const name of ['resources', 'prompts'].filter((each) => each in capabilities)) {
          // Who keeps the promise may make it.
          const asked = await ask(server, request(`${name}/list`), agreedIn(posted, newest));
          const [{ error } = {}] = messagesIn(asked) as { error?: { code?: unknown } }[];
          expect(error?.code !== -32601, {
            cause: `The server promises ${name}, and does not know the method ${name}/list.`,
            compare: { expected: asObjects, received: `"capabilities":${shown(capabilities)}` },
            advice: 'A client that reads this promise asks for them. Name the capabilities that your server has.',
            see,
          });
        }
      },
    );

    requirement(
      'The server speaks `2025-11-25` and `2025-06-18`: either comes back as it was asked for. To any other it answers with `2025-11-25`, and not with an error.',
      async () => {
        const year = random.integer(2010, 2023);
        const unknown = [`${year}-11-25`, '2026-07-28', `${random.integer(2040, 2099)}-06-18`, '1.0.0'];
        for (const [asked, expected] of [
          [older, older],
          [unknown[0]!, newest],
          [newest, newest],
          [unknown[1]!, newest],
          [older, older],
          [unknown[2]!, newest],
          [between, newest],
          [unknown[3]!, newest],
        ] as const) {
          const posted = await ask(server, initialize(hello(asked)));
          const { protocolVersion } = resultIn(posted, {
            cause: `A client that asked for ${asked} was answered with an error.`,
            advice:
              'The specification shows such an error as an example; its rule is to offer a revision that the server speaks. Whether that will do, the client decides.',
          });
          expect(protocolVersion === expected, {
            cause:
              asked === expected
                ? `A client asked for ${asked}, which the server speaks, and was offered another revision.`
                : protocolVersion === asked
                  ? `The server agreed to ${asked}, a revision that it does not speak.`
                  : `A client asked for ${asked}, which the server does not speak, and was not offered the newest that it does speak.`,
            compare: {
              expected: `"protocolVersion":"${expected}"`,
              received: `"protocolVersion":${shown(protocolVersion)}`,
            },
            advice:
              asked === expected
                ? 'Look up what this client asked for: when it is in the list, the answer is the same.'
                : 'When what was asked for is not in the list, the answer is the newest of the list: revisions[0].',
            see: posted.see,
          });
        }
      },
    );

    requirement(
      '`params` hold a `protocolVersion`, which is a string, `capabilities`, an object, and `clientInfo`, an object whose `name` and `version` are strings. When one of them is missing or something else, or when there are no `params`: the error `-32602`.',
      async () => {
        const { protocolVersion, capabilities, clientInfo } = hello(newest);
        const advice =
          'initializeParams.safeParse(params) gives either data or an error: when there is an error, the answer is one too.';
        const { name, version } = clientInfo;
        for (const [wrong, params] of [
          ['without params', undefined],
          ['with empty params', {}],
          ['without a protocolVersion', { capabilities, clientInfo }],
          ['whose protocolVersion is a number', { protocolVersion: random.integer(1, 9), capabilities, clientInfo }],
          ['without capabilities', { protocolVersion, clientInfo }],
          ['whose capabilities are a string', { protocolVersion, capabilities: 'none', clientInfo }],
          ['whose capabilities are null', { protocolVersion, capabilities: null, clientInfo }],
          ['whose capabilities are an array', { protocolVersion, capabilities: ['roots'], clientInfo }],
          ['without clientInfo', { protocolVersion, capabilities }],
          ['whose clientInfo is a string', { protocolVersion, capabilities, clientInfo: name }],
          ['whose clientInfo is null', { protocolVersion, capabilities, clientInfo: null }],
          ['whose clientInfo has no name', { protocolVersion, capabilities, clientInfo: { version } }],
          ['whose clientInfo has no version', { protocolVersion, capabilities, clientInfo: { name } }],
          [
            'whose clientInfo has a name that is a number',
            { protocolVersion, capabilities, clientInfo: { name: random.integer(1, 9), version } },
          ],
          [
            'whose clientInfo has a version that is a number',
            { protocolVersion, capabilities, clientInfo: { name, version: random.integer(1, 9) } },
          ],
        ] as const) {
          const ifItThrows = { cause: `server.ts threw an error over a request initialize ${wrong}.`, advice };
          const posted = post(server, initialize(params), { ifItThrows });
          await answered(server, Object.assign(posted, { what: `The request initialize ${wrong}` }));
          checkError(posted, -32602, advice);
        }
      },
    );

    requirement(
      'Members that the server does not know, in `params`, `capabilities` or `clientInfo`, are no reason to refuse a client, and none of them comes back in the server’s `capabilities`.',
      async () => {
        const posted = await ask(
          server,
          initialize({
            protocolVersion: newest,
            capabilities: {
              roots: { listChanged: true },
              sampling: {},
              elicitation: { form: {}, url: {} },
              [unheardOf]: {},
            },
            clientInfo: {
              name: clientName,
              title: 'The grader',
              version: '0.9.0',
              websiteUrl: 'http://127.0.0.1/',
              [unheardOf]: 1,
            },
            [unheardOf]: true,
            _meta: { [unheardOf]: [] },
          }),
        );
        const { capabilities } = resultIn(posted, {
          cause: 'A client that says more about itself than the server asks for was refused.',
          advice:
            'Later revisions add members. Look at those that you need, and let the others be: z.object does, z.strictObject does not.',
        });
        expect(
          isObject(capabilities) &&
            !['roots', 'sampling', 'elicitation', unheardOf].some((name) => name in capabilities),
          {
            cause: 'The server promises what its client can do.',
            compare: {
              expected: '"capabilities":{"tools":{},"logging":{}}',
              received: `"capabilities":${shown(capabilities)}`,
            },
            advice:
              'The capabilities in params are promises of the client. The result has those of the server, and no others.',
            see: posted.see,
          },
        );
      },
    );

    requirement(
      '`notifications/initialized` is taken with status 202 and no body, and so is a notification that nobody knows; then a second client shakes hands like the first.',
      async () => {
        const first = await shakeHands(newest);
        checkTaken(await ask(server, notification(`notifications/${unheardOf}`), first));
        const advice =
          'A variable of the program belongs to all clients: your server need not remember who has shaken hands.';
        await greet(newest, clientName, { cause: 'A client could not shake hands for a second time.', advice });
        client = await shakeHands(newest, otherName, {
          cause: 'A second client, with another name, could not shake hands after the first.',
          advice,
        });
      },
    );
  });

  /** A tool as a list has it. */
  type Listed = { name: string; description?: unknown; inputSchema?: unknown };

  /** The whole list: a server may give it in pages, of which each but the last names the next with a cursor. */
  async function list(): Promise<{ posted: Posted; tools: Listed[] }> {
    const first = await page(random.pick([undefined, {}]));
    const tools = [...first.tools];
    for (let { cursor } = first; cursor !== undefined;) {
      const next = await page({ cursor });
      const again = next.tools.find(({ name }) => tools.some((tool) => tool.name === name));
      expect(!again && (next.cursor === undefined || next.tools.length > 0), {
        cause:
          'The list of tools does not end: its nextCursor says that there is more, and what comes then is the same again.',
        compare: { expected: '(no nextCursor)', received: `"nextCursor":${shown(cursor)}` },
        advice:
          'A client asks for the next page as long as there is a nextCursor. Where all the tools come at once, there is none.',
        see: first.posted.see,
      });
      tools.push(...next.tools);
      cursor = next.cursor;
    }
    return { posted: first.posted, tools };
  }

  async function page(
    params: object | undefined,
  ): Promise<{ posted: Posted; tools: Listed[]; cursor: string | undefined }> {
    const posted = await ask(server, request('tools/list', params), client);
    const { tools, nextCursor } = resultIn(posted);
    expect(Array.isArray(tools), {
      cause: tools === undefined ? 'The result has no tools.' : 'The tools are not an array.',
      compare: { expected: '"result":{"tools":[…]}', received: `"result":${shown(resultOf(posted))}` },
      see: posted.see,
    });
    for (const tool of tools) {
      expect(isObject(tool) && typeof tool.name === 'string', {
        cause: 'A tool in the list has no name.',
        compare: { expected: '{"name":"…","description":"…","inputSchema":{…}}', received: shown(tool) },
        see: posted.see,
      });
    }
    return { posted, tools: tools as Listed[], cursor: typeof nextCursor === 'string' ? nextCursor : undefined };
  }

  /** The one tool of this name, described. */
  function listed(
    { posted, tools }: Awaited<ReturnType<typeof list>>,
    name: string,
  ): Listed & { inputSchema: Message } {
    const see = name === 'process_files' ? posted.see : '';
    const [tool, another] = tools.filter((each) => each.name === name);
    const names = tools.map((each) => each.name).join(', ');
    expect(tool, {
      cause: `The tool ${name} is not in the list.`,
      compare: { expected: name, received: names || '(an empty list)' },
      ...(name !== 'process_files' && {
        advice: 'The array tools holds process_files and the tools of moreTools: list all that it holds.',
      }),
      see,
    });
    expect(!another, {
      cause: `The tool ${name} is in the list twice.`,
      compare: { expected: name, received: names },
      see,
    });
    const { description, inputSchema } = tool;
    expect(typeof description === 'string' && description !== '', {
      cause: `The tool ${name} has no description that is a string.`,
      compare: { expected: '"description":"…"', received: shown(tool) },
      advice: 'A model chooses a tool by its description.',
      see,
    });
    expect(isObject(inputSchema), {
      cause:
        inputSchema === undefined
          ? `The tool ${name} has no inputSchema.`
          : `The inputSchema of ${name} is not an object.`,
      compare: {
        expected: '"inputSchema":{"type":"object", …}',
        received: shown(inputSchema === undefined ? tool : inputSchema),
      },
      advice:
        inputSchema !== undefined
          ? 'JSON Schema is an object: it is not sent as a string.'
          : Object.keys(tool).some((key) => /schema|param/i.test(key))
            ? 'Its name is written inputSchema: a client looks for no other.'
            : 'z.toJSONSchema makes it of the input of the tool.',
      see,
    });
    expect(!['def', '_def', '_zod', 'shape', '~standard'].some((inside) => inside in inputSchema), {
      cause: `The inputSchema of ${name} is the inside of a zod object, and not JSON Schema.`,
      compare: { expected: '{"type":"object","properties":{…}}', received: shown(inputSchema) },
      advice: 'z.toJSONSchema(input) makes JSON Schema of it.',
      see,
    });
    expect(inputSchema.type === 'object', {
      cause: `The inputSchema of ${name} does not have the type object.`,
      compare: { expected: '{"type":"object","properties":{…}}', received: shown(inputSchema) },
      advice:
        'The arguments of a tool are always an object: the schema describes that object, and its properties are the arguments.',
      see,
    });
    return { ...tool, inputSchema };
  }

  /** A validator of JSON Schema that we did not write takes these arguments, and refuses those. */
  async function checkSchema(
    posted: Posted,
    { name, inputSchema }: Listed & { inputSchema: Message },
    taken: object[],
    refused: object[],
  ): Promise<void> {
    const see = name === 'process_files' ? posted.see : '';
    const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv');
    let accepts: (args: object) => boolean;
    try {
      const validate = new AjvJsonSchemaValidator().getValidator(inputSchema);
      accepts = (args) => validate(args).valid;
    } catch (error) {
      throw new Failure({
        cause: `The inputSchema of ${name} is not valid JSON Schema: ${(error as Error).message.split('. ')[0]}.`,
        compare: { expected: schemaOf(name), received: shown(inputSchema) },
        advice:
          'What must be there stands in required, beside properties: an array of names. z.toJSONSchema(input) makes it all.',
        see,
      });
    }
    const says = (args: object, what: string, advice: string) => ({
      cause: `The inputSchema of ${name} ${what} the arguments ${JSON.stringify(args)}.`,
      compare: { expected: schemaOf(name), received: shown(inputSchema) },
      advice,
      see,
    });
    for (const args of taken)
      expect(accepts(args), says(args, 'refuses', 'A client that keeps to the schema could not call the tool.'));
    for (const args of refused) {
      const advice =
        Object.keys(args).length === 0
          ? 'What must be there stands in required, beside properties: an array of names.'
          : 'Each property has a schema of its own, with its type.';
      expect(!accepts(args), says(args, 'takes', advice));
    }
  }

  const schemaOf = (name: string) =>
    name === 'process_files'
      ? '{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}'
      : 'what z.toJSONSchema makes of its input';

  task({ number: 2, title: 'List tools', file: 'server.ts' }, () => {
    requirement(
      '`tools/list` is answered with a result whose `tools` is an array, and which has no `nextCursor` when all tools are in it; in it is `process_files`, with a `description` and an `inputSchema` of the `type` `object`.',
      async () => {
        listed(await list(), 'process_files');
      },
    );

    requirement(
      'The `inputSchema` is JSON Schema: it takes `message` when it is a string, and refuses arguments without `message` or with another type there.',
      async () => {
        const answer = await list();
        const [word] = random.words(1);
        const tool = listed(answer, 'process_files');
        await checkSchema(
          answer.posted,
          tool,
          [{ message: word }, { message: `${word} é世🎈\n` }],
          [{}, { message: random.integer(1, 9) }, { message: [word] }],
        );
      },
    );

    requirement(
      'Each tool of `moreTools` is listed too, once, with its own name, description and schema.',
      async () => {
        const answer = await list();
        const [word] = random.words(1);
        const times = random.integer(2, 5);
        for (const name of [repeat, nothing, complain, echo, fail]) {
          const tool = listed(answer, name);
          expect(String(tool.description).includes(toolText), {
            cause: `The tool ${name} does not have its own description.`,
            compare: { expected: `a description with ${toolText} in it`, received: shown(tool.description) },
          });
          // What may be left out because it has a default: a schema of what a check gives back asks for it all the same.
          if (name === echo) await checkSchema(answer.posted, tool, [{ greeting: word }], [{ greeting: times }]);
          else if (name !== repeat) await checkSchema(answer.posted, tool, [{}], []);
        }
        await checkSchema(
          answer.posted,
          listed(answer, repeat),
          [
            { text: word, times },
            { text: word, times, loud: true },
          ],
          [{ text: word }, { text: word, times: 'twice' }, { text: times, times }, { text: word, times, loud: word }],
        );
      },
    );
  });

  /** The content of a result, as far as it is one. */
  function contentOf(posted: Posted): Message[] {
    const { content } = resultIn(posted);
    expect(Array.isArray(content) && content.every(isObject), {
      cause:
        content === undefined ? 'The result has no content.' : 'The content of the result is not an array of objects.',
      compare: { expected: '"content":[{"type":"text","text":"…"}]', received: shown(resultOf(posted)) },
      advice:
        'A result can hold several things, texts and pictures: content is an array, also when there is one text in it.',
      see: posted.see,
    });
    return content as Message[];
  }

  /** The result is this one text. */
  function checkText(posted: Posted, text: string, advice?: string): void {
    const content = contentOf(posted);
    const { isError } = resultIn(posted);
    const [part] = content;
    expect(isError === undefined || isError === false, {
      cause: `${posted.what} came out as a failure of the tool.`,
      compare: { expected: text, received: shown(resultOf(posted)) },
      see: posted.see,
    });
    expect(content.length === 1, {
      cause: `The content of the result has ${content.length} parts.`,
      compare: { expected: 'one text', received: shown(content) },
      see: posted.see,
    });
    expect(part?.type === 'text' && part.text === text, {
      cause:
        part?.type === 'text'
          ? 'The text of the result is another one.'
          : 'The content of the result does not have the type text.',
      compare: { expected: `[{"type":"text","text":${JSON.stringify(text)}}]`, received: shown(content) },
      ...(advice && { advice }),
      see: posted.see,
    });
  }

  type Refusable = {
    headers?: Record<string, string>;
    /** Why it is wrong that a tool runs. */
    why: Explanation;
    /** As explanations call the message. */
    what?: string;
    ifItThrows?: Partial<Explanation>;
    /** False for a tool of moreTools, which no server has by hand. */
    byHand?: boolean;
  };

  /** The answer to a message for which no tool must run. */
  async function refused(
    message: object,
    { headers = client, why, what, ifItThrows = {}, byHand = true }: Refusable,
  ): Promise<Posted> {
    const { program } = server;
    const over = what !== undefined && { cause: `server.ts threw an error over ${what}.` };
    const posted = post(server, message, {
      headers,
      ifItThrows: { ...(why.advice && { advice: why.advice }), ...over, ...ifItThrows, ...(!byHand && { see: '' }) },
    });
    if (what !== undefined) Object.assign(posted, { what: what.charAt(0).toUpperCase() + what.slice(1) });
    if (!byHand) withoutCommand(posted);
    await until(() => finished(posted) || program.held.length > 0, workMs);
    await program.caughtUp();
    expect(program.held.length === 0, {
      ...why,
      ...(finished(posted) && {
        cause: `${posted.what} was refused, and the tool was run all the same.`,
        advice:
          'Where something is refused, the function has to end: refuse writes an answer, and does not return for you.',
      }),
      see: posted.see,
    });
    await answered(server, posted);
    return posted;
  }

  task({ number: 3, title: 'Call a tool', file: 'server.ts' }, () => {
    requirement(
      '`tools/call` of `process_files` does `await work(name)` for each of the three `documents`, one after the other, and is answered when the last is done: as JSON, with a `content` of one text, `Done: {message}`.',
      async () => {
        const { program } = server;
        const [message] = random.words(1);
        const posted = post(server, call('process_files', { message }), { headers: client });
        const worked: string[] = [];
        while (worked.length <= documents.length) {
          await until(() => program.held.length > 0 || finished(posted), workMs);
          await program.caughtUp();
          if (program.held.length === 0) break;
          expect(!finished(posted), {
            cause: `The answer came while the server was still at work on ${program.held[0]!.label}.`,
            advice:
              'work returns a promise, and so does run: await both, and answer after them. An array’s forEach does not wait.',
            see: posted.see,
          });
          expect(program.held.length === 1, {
            cause: `The server is at work on ${program.held.length} documents at a time.`,
            compare: { expected: program.held[0]!.label, received: program.held.map(({ label }) => label).join(', ') },
            advice: 'Promise.all begins everything at once. A loop with an await in it does one thing after the other.',
            see: posted.see,
          });
          worked.push(program.held[0]!.label);
          program.held[0]!.release();
        }
        if (worked.length <= documents.length) {
          await answered(server, posted);
          resultIn(posted);
        }
        expect(worked.length === documents.length, {
          cause:
            worked.length === 0
              ? 'The answer came without any work.'
              : 'The work is not done once for each of the three documents.',
          compare: {
            expected: documents.map(({ name }) => name).join(', '),
            received: worked.join(', ') || '(no work)',
          },
          advice: 'await work(name) stands for the processing of one document: once for each of them, then the answer.',
          see: posted.see,
        });
        expect(new Set(worked).size === documents.length, {
          cause: 'The work does not say which document it is for.',
          compare: { expected: documents.map(({ name }) => name).join(', '), received: worked.join(', ') },
          advice: 'What work gets is the name of the document, which is another one each time.',
          see: posted.see,
        });
        checkText(posted, `Done: ${message}`, 'The message is the argument message of the call.');
        const type = String(posted.headers['content-type']);
        expect(/^application\/json\b/i.test(type), {
          cause: 'The answer is not JSON.',
          compare: { expected: 'Content-Type: application/json', received: `Content-Type: ${type}` },
          see: posted.see,
        });
      },
    );

    requirement(
      'Two calls at a time go on beside each other, each with its own message, and `ping` is answered meanwhile.',
      async () => {
        const { program } = server;
        const [one, two] = random.words(2) as [string, string];
        const first = post(server, call('process_files', { message: one }), { headers: client, who: 'client 1' });
        await until(() => program.held.length > 0 || finished(first), workMs);
        // Another client may well choose the same id.
        const second = post(
          server,
          { ...call('process_files', { message: two }), id: lastId - 1 },
          { headers: client, who: 'client 2' },
        );
        await expectSoon(
          () => program.held.length > 1 || finished(second),
          () => ({
            cause: 'The second call does not begin while the first is at work.',
            advice: 'Something lets in one call at a time. An await stops its own request only: the others go on.',
            see: second.see,
          }),
          program,
        );
        const ping = post(server, request('ping'), { headers: client, who: 'client 3' });
        await expectSoon(
          () => finished(ping),
          () => ({
            cause: 'ping has no answer while two calls are at work.',
            advice: 'Something lets in one request at a time.',
            see: ping.see,
          }),
          program,
        );
        resultIn(ping);
        // The newest first: the second call overtakes the first.
        await expectSoon(
          () => {
            if (program.held.length > 1) program.held.at(-1)!.release();
            return finished(second);
          },
          () => {
            missing(`Done: ${two}`, 'client 2');
            return {
              cause: finished(first)
                ? 'The second call has no answer.'
                : 'The second call is done, and its answer waits for the first.',
              advice: 'Each call has a response of its own: answer on the one that came with the request.',
              see: second.see,
            };
          },
          program,
          workMs,
        );
        const own =
          'What one call needs belongs into its own function: a variable outside of it is shared by all calls.';
        await answered(server, second);
        checkText(second, `Done: ${two}`, own);
        await answered(server, first);
        checkText(first, `Done: ${one}`, own);
      },
    );

    requirement(
      'A tool of `moreTools` gets its arguments as its `input` has parsed them, with the defaults filled in, and an empty object when there are none; what it returns is the result, as it is.',
      async () => {
        const [text] = random.words(1) as [string];
        const times = random.integer(2, 4);
        const image = { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' };
        const expected = [...Array(times).fill({ type: 'text', text: text.toUpperCase() }), image];
        const parsed =
          'Hand to run what tool.input.safeParse gives as data. In place of arguments that are left out, callParams puts an empty object.';
        const ifItThrows = { advice: `The context is the one that answer hands on. ${parsed}` };
        const loud = await askOther(call(repeat, { text, times, loud: true }), client, ifItThrows);
        resultIn(loud, {
          cause: `The tool ${repeat} of moreTools was not run.`,
          advice: 'The array tools holds process_files and the tools of moreTools: look for the tool there.',
        });
        const content = contentOf(loud);
        expect(JSON.stringify(content.map(sorted)) === JSON.stringify(expected.map(sorted)), {
          cause: `The result of ${repeat} is not what the tool returned.`,
          compare: { expected: shown(expected), received: shown(content) },
          advice:
            'tool.run(arguments, context) returns the whole result: send it as it is. The context is the one that answer hands on.',
          see: loud.see,
        });
        const bare = await askOther(call(nothing), client, ifItThrows);
        resultIn(bare, {
          cause: 'A call without arguments was refused, though its tool asks for none.',
          advice: 'arguments may be left out: then they are an empty object.',
        });
        const given = textIn(bare).slice(toolText.length + 1);
        expect(given === '{}', {
          cause: `A tool was called without arguments, and was run with ${given} in place of an empty object.`,
          compare: { expected: nothingSays, received: textIn(bare) },
          advice: parsed,
        });
        for (const args of [undefined, {}, { [text]: times }]) {
          const echoed = await askOther(call(echo, args), client, ifItThrows);
          checkEchoed(echoed, { greeting: toolText, ...args }, parsed);
        }
        checkEchoed(await askOther(call(echo, { greeting: text }), client, ifItThrows), { greeting: text }, parsed);
        const complaint = await askOther(call(complain), client, ifItThrows);
        expect(resultIn(complaint).isError === true, {
          cause: `The tool ${complain} returned a result with isError: true, and it came without.`,
          compare: { expected: '"isError":true', received: shown(resultOf(complaint)) },
          advice: 'Send what run returns as it is, with all its members.',
          see: complaint.see,
        });
        contentOf(complaint);
      },
    );

    requirement(
      'A `name` that no tool has, `params` without a `name`, no `params`, and `arguments` that are no object (an array is none, and neither is `null`): the error `-32602`.',
      async () => {
        const [word] = random.words(1) as [string];
        const unknown =
          'Look the tool up in the list. That there is none is an error of the protocol: no tool has run that could have failed.';
        const inherited =
          'An object has what it inherits, too: toString, constructor, __proto__. Look the tool up in the list, with find, or in a Map.';
        for (const name of [`process_${word}`, '', 'toString', 'constructor', '__proto__']) {
          const advice = name in {} ? inherited : unknown;
          const why = { cause: `A tool was run for a call of ${JSON.stringify(name)}.`, advice };
          const what = `the call of the unknown tool ${JSON.stringify(name)}`;
          checkError(await refused(call(name, { message: word }), { why, what }), -32602, advice);
        }
        const malformed =
          'callParams.safeParse(params) gives either data or an error: when there is an error, the answer is one too.';
        for (const [wrong, params] of [
          ['without params', undefined],
          ['with empty params', {}],
          ['without a name', { arguments: { message: word } }],
          ['whose name is a number', { name: random.integer(1, 9) }],
          ['whose arguments are a string', { name: 'process_files', arguments: word }],
          ['whose arguments are a number', { name: 'process_files', arguments: random.integer(1, 9) }],
          ['whose arguments are an array', { name: 'process_files', arguments: [word] }],
          ['whose arguments are null', { name: 'process_files', arguments: null }],
          // A tool that would be content with no arguments at all.
          ['whose arguments are null', { name: nothing, arguments: null }],
          ['whose arguments are an array', { name: nothing, arguments: [] }],
        ] as const) {
          const what = `the request tools/call ${wrong}`;
          const why = { cause: `A tool was run for a call ${wrong}.`, advice: malformed };
          const byHand = !(params && 'name' in params && params.name === nothing);
          checkError(await refused(request('tools/call', params), { why, what, byHand }), -32602, malformed);
        }
      },
    );

    requirement(
      'Arguments that do not fit the tool’s `input`: a result with `isError: true` and a text that says what is wrong (the error `-32602` is accepted too), and the tool is not run.',
      async () => {
        const [word] = random.words(1) as [string];
        const advice = 'tool.input.safeParse(arguments) gives either data or an error: look before the tool runs.';
        for (const [name, args] of [
          ['process_files', undefined],
          ['process_files', {}],
          ['process_files', { message: random.integer(1, 9) }],
          ['process_files', { message: null }],
          ['process_files', { text: word }],
          [repeat, { text: word, times: 'twice' }],
        ] as const) {
          const given = args === undefined ? 'without arguments' : `with the arguments ${shown(args)}`;
          const ran = {
            cause: `The tool ${name} was run ${given}, ${args === undefined ? 'though its input asks for some' : 'which do not fit its input'}.`,
            advice,
          };
          const posted = await refused(call(name, args), {
            why: ran,
            what: `a call of ${name} ${given}`,
            byHand: name !== repeat,
          });
          if (responseTo(posted).error) {
            checkError(posted, -32602, advice);
            continue;
          }
          expect(resultIn(posted).isError === true, {
            ...ran,
            compare: { expected: '"isError":true', received: shown(resultOf(posted)) },
            see: posted.see,
          });
          checkSays(posted);
        }
      },
    );

    requirement(
      'A tool that throws: status 200 and a result with `isError: true`, whose text is the message of the error and not its stack; the server goes on serving.',
      async () => {
        const { program } = server;
        const [message, reason] = random.words(2) as [string, string];
        const see = 'WORK_FAILS=invoice.txt npm run try lesson-6';
        const advice =
          'Await run inside of try. Then its failure comes to catch, which makes a result with isError: true of it.';
        const thrown = (name: string) => ({
          cause: `The tool ${name} failed, and nothing in server.ts caught it.`,
          advice,
        });
        const posted = post(server, call('process_files', { message }), {
          headers: client,
          ifItThrows: { ...thrown('process_files'), see },
        });
        for (const atWork of [0, 1]) {
          await until(() => program.held.length > 0 || finished(posted), workMs);
          if (atWork === 0) program.held[0]?.release();
          else program.held[0]?.fail(`no ${reason} here`);
        }
        await answered(server, Object.assign(posted, { see }));
        checkFailure(posted, `no ${reason} here`);
        checkFailure(await askOther(call(fail), client, thrown(fail)), `no ${toolText} today`);
        const next = await ask(server, call('process_files', { message }), client);
        checkText(next, `Done: ${message}`);
      },
    );
  });

  /** The result says that the tool failed, and why. */
  function checkFailure(posted: Posted, reason: string): void {
    const { see } = posted;
    const { isError } = resultIn(posted, {
      cause: 'The failure of a tool was answered with an error of JSON-RPC.',
      advice:
        'An error says that the request went wrong. Here it did not: the tool ran and failed, and the model should read why.',
    });
    expect(isError === true, {
      cause: 'The tool threw an error, and its result does not have isError: true.',
      compare: { expected: '"isError":true', received: shown(resultOf(posted)) },
      advice: 'Without it, the model takes the text for what the tool found.',
      see,
    });
    const text = checkSays(posted);
    expect(text.includes(reason), {
      cause: 'The text does not say why the tool failed.',
      compare: { expected: reason, received: visible(text.slice(0, 160)) },
      advice: 'The model can try another way only when it reads what went wrong: error.message says it.',
      see,
    });
    expect(!/\n\s+at /.test(text), {
      cause:
        'The text has the whole stack of the error in it: the model, and whoever reads along, learns how your files are called.',
      compare: { expected: reason, received: `${visible(text.split('\n')[0]!)}\\n    at …` },
      advice: 'error.message is the sentence; error.stack has the lines of the program as well.',
      see,
    });
  }

  /** The first text of a result. */
  const textIn = (posted: Posted): string => String(contentOf(posted)[0]?.text);

  /** The tool that says what it was given says this. */
  function checkEchoed(posted: Posted, expected: object, advice: string): void {
    const { isError } = resultIn(posted, { advice });
    const echoed = textIn(posted);
    expect(isError !== true && isDeepStrictEqual(fromJson(echoed), expected), {
      cause:
        'The input of a tool has a default for greeting, and the tool was not run with what the input makes of its arguments.',
      compare: { expected: JSON.stringify(expected), received: visible(echoed) },
      advice,
    });
  }

  /** The texts of a result that says something. */
  function checkSays(posted: Posted): string {
    const text = contentOf(posted)
      .map((part) => (part.type === 'text' ? part.text : ''))
      .join('\n');
    expect(/\S/.test(text), {
      cause: 'The result has isError: true, and no text that says what is wrong.',
      compare: { expected: '"content":[{"type":"text","text":"…"}]', received: shown(resultOf(posted)) },
      advice: 'A model reads this text and can try again.',
      see: posted.see,
    });
    return text;
  }

  /** The same object, its members in the order of their names. */
  const sorted = (value: Message): Message =>
    Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

  task({ number: 4, title: 'Mind the version header', file: 'server.ts' }, () => {
    requirement(
      'A message whose `MCP-Protocol-Version` is empty, or not a revision that the server speaks: status 400 and a JSON-RPC error as the body; no tool is run.',
      async () => {
        const [word] = random.words(1) as [string];
        for (const revision of [
          `${random.integer(2010, 2023)}-03-26`,
          '2026-07-28',
          between,
          word,
          '2025',
          `${newest}x`,
          '',
        ]) {
          const headers = { ...client, 'MCP-Protocol-Version': revision };
          const advice =
            revision === ''
              ? 'A header that is empty is there, and names no revision. Only undefined says that there is none.'
              : 'request.get finds a header whatever its case; what it says has to be one of revisions, exactly.';
          const given =
            revision === ''
              ? 'an empty MCP-Protocol-Version'
              : `MCP-Protocol-Version: ${revision}, which the server does not speak,`;
          const ifItThrows = {
            cause: `server.ts threw an error over a message with ${given.replace(/,$/, '')}.`,
            advice: 'refuse answers with status 400 and an error; return after it.',
          };
          for (const message of [call('process_files', { message: word }), notification(`notifications/${word}`)]) {
            const posted = await refused(message, {
              headers,
              why: { cause: `A call with ${given} was served.`, advice },
              ifItThrows,
            });
            const compare = (expected: string) => ({
              expected,
              received: `${posted.status} ${visible(posted.text)}`.trim(),
            });
            const served = posted.status! < 300 && !posted.text.includes('"error"');
            expect(posted.status === 400, {
              cause: `${posted.what} came with ${given} and was ${served ? 'served' : `refused with status ${posted.status}`}.`,
              compare: compare('400'),
              advice: served ? advice : 'A client looks at the status first: refuse sets it.',
              see: posted.see,
            });
            const { see } = posted;
            const bodiless = 'response.status(400).end() sends a status alone. refuse writes the error as well.';
            expect(posted.text !== '', {
              cause: 'The status is 400, and there is no body.',
              compare: compare('400 {"jsonrpc":"2.0", …}'),
              advice: bodiless,
              see,
            });
            const [body] = messagesIn(posted);
            expect(body, {
              cause: 'The status is 400, and the body has no message in it.',
              compare: compare('400 {"jsonrpc":"2.0", …}'),
              see,
            });
            checkShape(posted, body);
            expect('error' in body, {
              cause: 'The status is 400, and the body is not an error.',
              compare: compare('"error":{…}'),
              see,
            });
          }
        }
      },
    );

    requirement('Without the header a message is served: a client of an older revision does not send it.', async () => {
      const { 'MCP-Protocol-Version': _version, ...rest } = client;
      const { tools } = resultIn(await ask(server, request('tools/list'), rest), {
        cause: 'A request without the header MCP-Protocol-Version was refused.',
        advice: 'A header that is not there is undefined: only one that is there can be wrong.',
      });
      expect(Array.isArray(tools), {
        cause: 'The result has no tools.',
        compare: { expected: '"tools":[…]', received: shown(tools) },
      });
      checkText(await askOther(call(nothing), rest), nothingSays);
      checkTaken(await ask(server, notification('notifications/initialized'), rest));
    });

    requirement(
      'With `2025-11-25` and with `2025-06-18` it is served, whichever the client before has agreed on.',
      async () => {
        const first = await greet(newest);
        const second = await greet(older);
        const advice =
          'Compare the header with all that the server speaks, not with what the last client has asked for.';
        for (const headers of [first, second, first]) {
          const why = {
            cause: `A message with MCP-Protocol-Version: ${headers['MCP-Protocol-Version']}, as its client has agreed on, was refused.`,
            advice,
          };
          const ready = await ask(server, notification('notifications/initialized'), headers);
          expect(ready.status !== 400, {
            ...why,
            compare: { expected: '202', received: `400 ${visible(ready.text)}` },
            see: ready.see,
          });
          checkTaken(ready);
          const posted = await askOther(call(nothing), headers);
          resultIn(posted, why);
          checkText(posted, nothingSays);
        }
      },
    );

    for (const generation of ['first', 'second'] as const) {
      requirement(
        `The official client of the ${generation} generation connects, lists the tools and calls \`process_files\`.`,
        async () => {
          const [message] = random.words(1) as [string];
          const { Client, StreamableHTTPClientTransport } = await generations[generation]();
          const transport = new StreamableHTTPClientTransport(new URL('/mcp', server.url), { fetch: recorded });
          const official = new Client({ name: 'grader', version: '1.0.0' }) as unknown as Official;
          await does('connect', official.connect(transport));
          const { tools } = await does('list the tools', official.listTools());
          const names = tools.map(({ name }) => name);
          expect(names.includes('process_files'), {
            cause: 'The official client does not find process_files in the list.',
            compare: { expected: 'process_files', received: names.join(', ') },
          });
          const { content } = await does(
            'call process_files',
            official.callTool({ name: 'process_files', arguments: { message } }),
          );
          const [part] = Array.isArray(content) ? content : [];
          expect(part?.text === `Done: ${message}`, {
            cause: 'The official client read another result.',
            compare: { expected: `Done: ${message}`, received: shown(content) },
          });
          await official.close();
        },
      );
    }
  });

  const generations = {
    first: async () => ({
      ...(await import('@modelcontextprotocol/sdk/client/index.js')),
      ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
    }),
    second: () => import('@modelcontextprotocol/client'),
  };

  /** What a requirement does with an official client, of either generation. */
  type Official = {
    connect(transport: object): Promise<void>;
    listTools(): Promise<{ tools: { name: string }[] }>;
    callTool(params: object): Promise<{ content?: unknown }>;
    close(): Promise<void>;
  };

  /** Waits for what an official client does, and lets all held work go meanwhile. */
  async function does<T>(what: string, doing: Promise<T>): Promise<T> {
    let over = false;
    const late = until(() => {
      server.program.held[0]?.release();
      return over;
    }, workMs).then(() => {
      throw new Failure({ cause: `The official client could not ${what}: it waits in vain for an answer.` });
    });
    try {
      return await Promise.race([doing, late]);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure({
        cause: `The official client could not ${what}: what came is not as the specification has it, or did not come.`,
        output: inWords((error as Error).message),
      });
    } finally {
      over = true;
      late.catch(() => {});
    }
  }

  /** A fetch for the official clients, so that the capture shows what they send and receive. */
  async function recorded(url: string | URL, { method = 'GET', headers, body }: RequestInit = {}): Promise<Response> {
    const sent = server.request(new URL(url).pathname, {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      ...(body && { body: String(body) }),
    });
    await until(() => sent.ended || sent.broken !== undefined, workMs);
    if (!sent.ended) throw new TypeError(`fetch failed: ${sent.broken ?? 'the answer does not end'}`);
    return new Response(sent.text || null, { status: sent.status!, headers: sent.headers as Record<string, string> });
  }

  /** What an official client says of an answer: zod's list of what is wrong in it, or a sentence. */
  function inWords(message: string): string {
    try {
      const issues = JSON.parse(message) as { path: string[]; message: string }[];
      return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
    } catch {
      return message.slice(0, 300);
    }
  }
});
