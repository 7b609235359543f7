import type { Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const agrees = 'const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];';
const capabilities = 'capabilities: { tools: {}, logging: {} },';
const serverInfo = "serverInfo: { name: 'chunk-by-chunk', version: '1.0.0' },";
const checksParams = `    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
`;
const takesNotification = `  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
`;
const schema = "z.toJSONSchema(input, { io: 'input' })";
const listsTools = `tools: tools.map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: ${schema},
      })),`;
const doesWork = 'for (const { name } of documents) await work(name);';
const saysDone = "return { content: [{ type: 'text', text: `Done: ${message}` }] };";
const checksCall = `    const call = callParams.safeParse(params);
    if (call.error) return failure(-32602, z.prettifyError(call.error));
`;
const findsTool = 'const tool = tools.find(({ name }) => name === call.data.name);';
const refusesUnknown = 'if (!tool) return failure(-32602, `Unknown tool: ${call.data.name}`);';
const refusesArguments = 'if (args.error) return toolFailure(z.prettifyError(args.error));';
const runs = `    try {
      return { result: await tool.run(args.data, context) };
    } catch (error) {
      return toolFailure((error as Error).message);
    }
`;
const catches = 'return toolFailure((error as Error).message);';
const isUnsupported = 'if (revision !== undefined && !revisions.includes(revision)) {';
const refusesRevision = `    refuse(response, 400, -32600, \`unsupported MCP-Protocol-Version: \${revision}; supported: \${revisions.join(', ')}\`);
    return;
`;
const app = 'const app = express();';

export const mistakes: Mistake[] = [
  {
    name: 'agrees-to-everything',
    task: 1,
    file: 'server.ts',
    edits: [[agrees, 'const { protocolVersion } = data;']],
  },
  {
    name: 'always-the-newest',
    task: 1,
    file: 'server.ts',
    edits: [[agrees, 'const protocolVersion = revisions[0];']],
  },
  {
    name: 'unknown-revision-is-an-error',
    task: 1,
    file: 'server.ts',
    edits: [
      [
        agrees,
        "const { protocolVersion } = data;\n    if (!revisions.includes(protocolVersion)) return failure(-32602, 'Unsupported protocol version');",
      ],
    ],
  },
  {
    name: 'offers-the-oldest',
    task: 1,
    file: 'server.ts',
    edits: [[agrees, agrees.replace('revisions[0]', 'revisions.at(-1)')]],
  },
  {
    name: 'compares-dates',
    task: 1,
    file: 'server.ts',
    edits: [[agrees, 'const protocolVersion = data.protocolVersion < revisions[0]! ? data.protocolVersion : revisions[0];']],
  },
  {
    name: 'agrees-to-dates-between',
    task: 1,
    file: 'server.ts',
    edits: [
      [
        agrees,
        agrees.replace('revisions.includes(data.protocolVersion)', 'data.protocolVersion >= revisions.at(-1)! && data.protocolVersion <= revisions[0]!'),
      ],
    ],
  },
  {
    name: 'one-revision-for-all',
    task: 1,
    file: 'server.ts',
    edits: [
      [agrees, 'const protocolVersion = (agreed ??= revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0]!);'],
      [app, `let agreed: string | undefined;\n${app}`],
    ],
  },
  {
    name: 'capabilities-are-true',
    task: 1,
    file: 'server.ts',
    edits: [[capabilities, 'capabilities: { tools: true, logging: true },']],
  },
  {
    name: 'capabilities-in-a-list',
    task: 1,
    file: 'server.ts',
    edits: [[capabilities, "capabilities: ['tools', 'logging'],"]],
  },
  {
    name: 'sends-capabilities-back',
    task: 1,
    file: 'server.ts',
    edits: [[capabilities, 'capabilities: data.capabilities,']],
  },
  {
    name: 'sends-capabilities-back-too',
    task: 1,
    file: 'server.ts',
    edits: [[capabilities, 'capabilities: { ...(params.capabilities as object), tools: {}, logging: {} },']],
  },
  {
    name: 'promises-what-it-has-not',
    task: 1,
    file: 'server.ts',
    edits: [[capabilities, 'capabilities: { tools: {}, logging: {}, resources: {}, prompts: {} },']],
  },
  {
    name: 'says-who-the-client-is',
    task: 1,
    file: 'server.ts',
    edits: [[serverInfo, 'serverInfo: data.clientInfo,']],
  },
  {
    name: 'capabilities-by-typeof',
    task: 1,
    file: 'server.ts',
    edits: [['capabilities: z.object({}),', "capabilities: z.unknown().refine((value) => typeof value === 'object'),"]],
  },
  {
    name: 'capabilities-may-be-an-array',
    task: 1,
    file: 'server.ts',
    edits: [['capabilities: z.object({}),', 'capabilities: z.union([z.object({}), z.array(z.any())]),']],
  },
  {
    name: 'name-of-any-type',
    task: 1,
    file: 'server.ts',
    edits: [['clientInfo: z.object({ name: z.string(), version: z.string() }),', 'clientInfo: z.object({ name: z.any().refine(Boolean), version: z.any().refine(Boolean) }),']],
  },
  {
    name: 'one-client-only',
    task: 1,
    file: 'server.ts',
    edits: [
      [checksParams, `${checksParams}    if ((known ??= data.clientInfo.name) !== data.clientInfo.name) return failure(-32600, 'another client is connected');\n`],
      [app, `let known: string | undefined;\n${app}`],
    ],
  },
  {
    name: 'no-logging',
    task: 1,
    file: 'server.ts',
    edits: [[capabilities, 'capabilities: { tools: {} },']],
  },
  {
    name: 'name-and-version-at-the-top',
    task: 1,
    file: 'server.ts',
    edits: [[serverInfo, "name: 'chunk-by-chunk',\n        version: '1.0.0',"]],
  },
  {
    name: 'no-version-of-the-server',
    task: 1,
    file: 'server.ts',
    edits: [[serverInfo, "serverInfo: { name: 'chunk-by-chunk' },"]],
  },
  {
    name: 'does-not-look-at-params',
    task: 1,
    file: 'server.ts',
    edits: [[checksParams, '    const data = params as { protocolVersion: string };\n']],
  },
  {
    name: 'parse-throws',
    task: 1,
    file: 'server.ts',
    edits: [[checksParams, '    const data = initializeParams.parse(params);\n']],
  },
  {
    name: 'knows-every-member',
    task: 1,
    file: 'server.ts',
    edits: [['const initializeParams = z.object({', 'const initializeParams = z.strictObject({']],
  },
  {
    name: 'one-handshake',
    task: 1,
    file: 'server.ts',
    edits: [
      [checksParams, `${checksParams}    if (initialized) return failure(-32600, 'Server already initialized');\n`],
      [takesNotification, takesNotification.replace('    response', "    if ('method' in message && message.method === 'notifications/initialized') initialized = true;\n    response")],
      [app, `let initialized = false;\n${app}`],
    ],
  },
  {
    name: 'header-asked-of-initialize',
    task: 1,
    file: 'server.ts',
    edits: [[isUnsupported, "if (!revisions.includes(revision ?? '')) {"]],
  },
  {
    name: 'answers-initialized',
    task: 1,
    file: 'server.ts',
    edits: [
      [
        takesNotification,
        `  if (isNotification(message) && message.method === 'notifications/initialized') {
    response.json({ jsonrpc: '2.0', result: {} });
    return;
  }
${takesNotification}`,
      ],
    ],
  },
  {
    name: 'refuses-unknown-notifications',
    task: 1,
    file: 'server.ts',
    edits: [
      [
        takesNotification,
        `  if (isNotification(message) && message.method !== 'notifications/initialized') {
    refuse(response, 400, -32601, \`unknown notification: \${message.method}\`);
    return;
  }
${takesNotification}`,
      ],
    ],
  },

  {
    name: 'zod-object-as-schema',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, 'tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: input })),']],
  },
  {
    name: 'shape-as-schema',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, 'tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: input.shape })),']],
  },
  {
    name: 'properties-as-schema',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, `tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input, { io: 'input' }).properties })),`]],
  },
  {
    name: 'schema-as-text',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, `tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: JSON.stringify(z.toJSONSchema(input, { io: 'input' })) })),`]],
  },
  {
    name: 'schema-under-another-name',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, `tools: tools.map(({ name, description, input }) => ({ name, description, input_schema: z.toJSONSchema(input, { io: 'input' }) })),`]],
  },
  {
    name: 'tools-as-they-are',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, 'tools,']],
  },
  {
    name: 'nothing-is-required',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        listsTools,
        `tools: tools.map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: { type: 'object', properties: z.toJSONSchema(input, { io: 'input' }).properties },
      })),`,
      ],
    ],
  },
  {
    name: 'required-inside-the-property',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        listsTools,
        `tools: tools.map(({ name, description }) => ({
        name,
        description,
        inputSchema: { type: 'object', properties: { message: { type: 'string', required: true } } },
      })),`,
      ],
    ],
  },
  {
    name: 'types-as-texts',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        listsTools,
        `tools: tools.map(({ name, description }) => ({
        name,
        description,
        inputSchema: { type: 'object', properties: { message: 'string' }, required: ['message'] },
      })),`,
      ],
    ],
  },
  {
    name: 'one-schema-for-all',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, listsTools.replace('toJSONSchema(input,', 'toJSONSchema(processFilesInput,')]],
  },
  {
    name: 'own-tool-only',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, listsTools.replace('tools.map', '[processFiles].map')]],
  },
  {
    name: 'tools-by-name',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        listsTools,
        `tools: Object.fromEntries(
        tools.map(({ name, description, input }) => [name, { description, inputSchema: z.toJSONSchema(input, { io: 'input' }) }]),
      ),`,
      ],
    ],
  },
  {
    name: 'result-is-the-list',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        `result: {\n      ${listsTools}\n    },`,
        `result: tools.map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input, { io: 'input' }) })),`,
      ],
    ],
  },
  {
    name: 'a-cursor-on-every-list',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, `${listsTools}\n      nextCursor: 'next',`]],
  },
  {
    name: 'no-schema',
    task: 2,
    file: 'server.ts',
    edits: [[`        inputSchema: ${schema},\n`, ''], ['({ name, description, input }) => ({', '({ name, description }) => ({']],
  },
  {
    name: 'no-description',
    task: 2,
    file: 'server.ts',
    edits: [[listsTools, `tools: tools.map(({ name, input }) => ({ name, inputSchema: z.toJSONSchema(input, { io: 'input' }) })),`]],
  },
  {
    name: 'another-method-name',
    task: 2,
    file: 'server.ts',
    edits: [["'tools/list': ()", "'list_tools': ()"]],
  },

  {
    name: 'content-is-a-text',
    task: 3,
    file: 'server.ts',
    edits: [[saysDone, 'return { content: `Done: ${message}` } as never;']],
  },
  {
    name: 'done-without-the-message',
    task: 3,
    file: 'server.ts',
    edits: [[saysDone, "return { content: [{ type: 'text', text: 'Done' }] };"]],
  },
  {
    name: 'work-not-awaited',
    task: 3,
    file: 'server.ts',
    edits: [[doesWork, doesWork.replace('await work', 'void work')]],
  },
  {
    name: 'for-each-does-not-wait',
    task: 3,
    file: 'server.ts',
    edits: [[doesWork, 'documents.forEach(async ({ name }) => {\n      await work(name);\n    });']],
  },
  {
    name: 'all-documents-at-once',
    task: 3,
    file: 'server.ts',
    edits: [[doesWork, 'await Promise.all(documents.map(({ name }) => work(name)));']],
  },
  {
    name: 'returns-in-the-loop',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        `${doesWork}\n    ${saysDone}`,
        `for (const { name } of documents) {
      await work(name);
      ${saysDone}
    }
    throw new Error('no documents');`,
      ],
    ],
  },
  {
    name: 'no-work-at-all',
    task: 3,
    file: 'server.ts',
    edits: [[doesWork, 'for (const { name } of documents) console.log(name);']],
  },
  {
    name: 'run-not-awaited',
    task: 3,
    file: 'server.ts',
    edits: [['result: await tool.run(args.data, context)', 'result: tool.run(args.data, context)']],
  },
  {
    name: 'result-inside-a-result',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        'return { result: await tool.run(args.data, context) };',
        "return { result: { content: [{ type: 'text', text: JSON.stringify(await tool.run(args.data, context)) }] } };",
      ],
    ],
  },
  {
    name: 'content-alone',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        'return { result: await tool.run(args.data, context) };',
        'const { content } = await tool.run(args.data, context);\n      return { result: { content } };',
      ],
    ],
  },
  {
    name: 'message-outside-the-call',
    task: 3,
    file: 'server.ts',
    edits: [
      [doesWork, `last = message;\n    ${doesWork}`],
      [saysDone, saysDone.replace('${message}', '${last}')],
      [app, `let last = '';\n${app}`],
    ],
  },
  {
    name: 'one-call-at-a-time',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        'return { result: await tool.run(args.data, context) };',
        'const result = queue.then(() => tool.run(args.data, context));\n      queue = result.catch(() => {});\n      return { result: await result };',
      ],
      [app, `let queue: Promise<unknown> = Promise.resolve();\n${app}`],
    ],
  },
  {
    name: 'runs-process-files-only',
    task: 3,
    file: 'server.ts',
    edits: [[findsTool, "const tool = call.data.name === 'process_files' ? processFiles : undefined;"]],
  },
  {
    name: 'no-context',
    task: 3,
    file: 'server.ts',
    edits: [['await tool.run(args.data, context)', 'await tool.run(args.data, undefined as never)']],
  },
  {
    name: 'arguments-not-there-for-the-tool',
    task: 3,
    file: 'server.ts',
    edits: [['await tool.run(args.data, context)', 'await tool.run(params.arguments as Params, context)']],
  },
  {
    name: 'arguments-as-they-came',
    task: 3,
    file: 'server.ts',
    edits: [['await tool.run(args.data, context)', 'await tool.run(call.data.arguments, context)']],
  },
  {
    name: 'null-is-no-arguments',
    task: 3,
    file: 'server.ts',
    edits: [['arguments: z.record(z.string(), z.unknown()).default({})', 'arguments: z.record(z.string(), z.unknown()).nullish().transform((given) => given ?? {})']],
  },
  {
    name: 'work-without-its-name',
    task: 3,
    file: 'server.ts',
    edits: [[doesWork, 'for (const _document of documents) await work(message);']],
  },
  {
    name: 'arguments-must-be-there',
    task: 3,
    file: 'server.ts',
    edits: [['arguments: z.record(z.string(), z.unknown()).default({})', 'arguments: z.record(z.string(), z.unknown())']],
  },
  {
    name: 'unknown-tool-is-a-result',
    task: 3,
    file: 'server.ts',
    edits: [[refusesUnknown, 'if (!tool) return toolFailure(`Unknown tool: ${call.data.name}`);']],
  },
  {
    name: 'unknown-tool-is-an-unknown-method',
    task: 3,
    file: 'server.ts',
    edits: [[refusesUnknown, refusesUnknown.replace('-32602', '-32601')]],
  },
  {
    name: 'inherited-tool',
    task: 3,
    file: 'server.ts',
    edits: [
      [findsTool, 'const tool = toolsByName[call.data.name];'],
      [app, `const toolsByName: Record<string, Tool> = Object.fromEntries(tools.map((tool) => [tool.name, tool]));\n${app}`],
    ],
  },
  {
    name: 'unknown-tool-is-run',
    task: 3,
    file: 'server.ts',
    edits: [
      [findsTool, findsTool.replace('call.data.name);', 'call.data.name)!;')],
      [`${refusesUnknown}\n`, '\n'],
    ],
  },
  {
    name: 'call-not-checked',
    task: 3,
    file: 'server.ts',
    edits: [[checksCall, '    const call = { data: params as { name: string; arguments: Params } };\n    call.data.arguments ??= {};\n']],
  },
  {
    name: 'arguments-not-checked',
    task: 3,
    file: 'server.ts',
    edits: [
      [`${refusesArguments}\n`, '\n'],
      ['await tool.run(args.data, context)', 'await tool.run(args.data ?? call.data.arguments, context)'],
    ],
  },
  {
    name: 'argument-errors-without-a-text',
    task: 3,
    file: 'server.ts',
    edits: [[refusesArguments, 'if (args.error) return { result: { content: [], isError: true } };']],
  },
  {
    name: 'bad-arguments-throw',
    task: 3,
    file: 'server.ts',
    edits: [
      ['const args = tool.input.safeParse(call.data.arguments);', 'const data = tool.input.parse(call.data.arguments);'],
      [`${refusesArguments}\n`, '\n'],
      ['await tool.run(args.data, context)', 'await tool.run(data, context)'],
    ],
  },
  {
    name: 'failure-not-caught',
    task: 3,
    file: 'server.ts',
    edits: [[runs, '    return { result: await tool.run(args.data, context) };\n']],
  },
  {
    name: 'failure-ends-the-server',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        runs,
        '    return new Promise((resolve) => {\n      void tool.run(args.data, context).then((result) => resolve({ result }));\n    });\n',
      ],
    ],
  },
  {
    name: 'own-failure-not-caught',
    task: 3,
    file: 'server.ts',
    edits: [[runs, `    if (tool.name === 'process_files') return { result: await tool.run(args.data, context) };\n${runs}`]],
  },
  {
    name: 'only-its-own-failure-caught',
    task: 3,
    file: 'server.ts',
    edits: [[runs, `    if (tool.name !== 'process_files') return { result: await tool.run(args.data, context) };\n${runs}`]],
  },
  {
    name: 'failure-is-an-error',
    task: 3,
    file: 'server.ts',
    edits: [[catches, 'return failure(-32603, (error as Error).message);']],
  },
  {
    name: 'failure-looks-like-success',
    task: 3,
    file: 'server.ts',
    edits: [["text }], isError: true", 'text }]'], [refusesArguments, 'if (args.error) return failure(-32602, z.prettifyError(args.error));']],
  },
  {
    name: 'failure-without-its-cause',
    task: 3,
    file: 'server.ts',
    edits: [[catches, "console.error((error as Error).message);\n      return toolFailure('Something went wrong');"]],
  },
  {
    name: 'failure-with-its-stack',
    task: 3,
    file: 'server.ts',
    edits: [[catches, 'return toolFailure(String((error as Error).stack));']],
  },

  {
    name: 'header-with-capitals',
    task: 4,
    file: 'server.ts',
    edits: [["request.get('MCP-Protocol-Version')", "(request.headers['MCP-Protocol-Version'] as string | undefined)"]],
  },
  {
    name: 'looks-into-the-body',
    task: 4,
    file: 'server.ts',
    edits: [["request.get('MCP-Protocol-Version')", '(request.body?.params?.protocolVersion as string | undefined)']],
  },
  {
    name: 'header-must-be-there',
    task: 4,
    file: 'server.ts',
    edits: [
      [`${isUnsupported}\n${refusesRevision}  }\n`, 'void revision;\n'],
      [
        takesNotification,
        `  const revision = request.get('MCP-Protocol-Version');
  if (!revisions.includes(revision ?? '') && !(isRequest(message) && message.method === 'initialize')) {
${refusesRevision}  }
${takesNotification}`,
      ],
    ],
  },
  {
    name: 'newest-only',
    task: 4,
    file: 'server.ts',
    edits: [[isUnsupported, 'if (revision !== undefined && revision !== revisions[0]) {']],
  },
  {
    name: 'the-revision-of-the-last-client',
    task: 4,
    file: 'server.ts',
    edits: [
      [isUnsupported, 'if (revision !== undefined && agreed !== undefined && revision !== agreed) {'],
      [agrees, `${agrees}\n    agreed = protocolVersion;`],
      [app, `let agreed: string | undefined;\n${app}`],
    ],
  },
  {
    name: 'refuses-older-dates-only',
    task: 4,
    file: 'server.ts',
    edits: [[isUnsupported, 'if (revision !== undefined && revision < revisions.at(-1)!) {']],
  },
  {
    name: 'part-of-a-revision',
    task: 4,
    file: 'server.ts',
    edits: [[isUnsupported, 'if (revision !== undefined && !revisions.some((each) => each.startsWith(revision))) {']],
  },
  {
    name: 'refused-with-status-200',
    task: 4,
    file: 'server.ts',
    edits: [[refusesRevision, refusesRevision.replace('400, ', '200, ')]],
  },
  {
    name: 'refused-with-another-status',
    task: 4,
    file: 'server.ts',
    edits: [[refusesRevision, refusesRevision.replace('400, ', '426, ')]],
  },
  {
    name: 'header-compared-as-a-date',
    task: 4,
    file: 'server.ts',
    edits: [[isUnsupported, 'if (revision !== undefined && !(revision >= revisions.at(-1)! && revision <= revisions[0]!)) {']],
  },
  {
    name: 'empty-header-is-no-header',
    task: 4,
    file: 'server.ts',
    edits: [[isUnsupported, 'if (revision && !revisions.includes(revision)) {']],
  },
  {
    name: 'refused-in-plain-text',
    task: 4,
    file: 'server.ts',
    edits: [[refusesRevision, "    response.status(400).send('unsupported protocol version');\n    return;\n"]],
  },
  {
    name: 'refused-without-a-body',
    task: 4,
    file: 'server.ts',
    edits: [[refusesRevision, '    response.status(400).end();\n    return;\n']],
  },
  {
    name: 'refused-by-throwing',
    task: 4,
    file: 'server.ts',
    edits: [[refusesRevision, '    throw new Error(`unsupported revision ${revision}`);\n']],
  },
  {
    name: 'refuses-and-goes-on',
    task: 4,
    file: 'server.ts',
    edits: [[refusesRevision, refusesRevision.replace('    return;\n', '')]],
  },
  {
    name: 'notifications-not-looked-at',
    task: 4,
    file: 'server.ts',
    edits: [
      [`${isUnsupported}\n${refusesRevision}  }\n`, 'void revision;\n'],
      [
        takesNotification,
        `${takesNotification}  const revision = request.get('MCP-Protocol-Version');\n  ${isUnsupported}\n${refusesRevision}  }\n`,
      ],
    ],
  },
  {
    name: 'a-cursor-that-is-null',
    task: 4,
    file: 'server.ts',
    edits: [[listsTools, `${listsTools}\n      nextCursor: null,`]],
  },
];
