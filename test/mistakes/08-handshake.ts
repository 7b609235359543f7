import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const agrees =
  'const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];';
const capabilities = 'capabilities: { tools: {} },';
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
/** The two lines that run a tool, and make JSON of what it returns. */
const runs = `      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
`;
const tries = `    try {
      const args = tool.input.safeParse(call.data.arguments);
      if (args.error) return toolFailure(z.prettifyError(args.error));
${runs}    } catch (error) {
      return toolFailure(reasonOf(error));
    }
`;
const catches = 'return toolFailure(reasonOf(error));';
/** The beginning of `try`, with the check of the arguments before it. */
const checksBefore = `    const args = tool.input.safeParse(call.data.arguments);
    if (args.error) return toolFailure(z.prettifyError(args.error));
`;
const reason = `  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === 'string' ? thrown : inspect(thrown);
`;
const localOnly = 'if (asked.every((url) => URL.canParse(url) && localNames.includes(new URL(url).hostname))) next();';
const isUnsupported = 'if (revision !== undefined && !revisions.includes(revision)) {';
const refusesRevision = `    refuse(response, 400, -32600, \`unsupported MCP-Protocol-Version: \${revision}; supported: \${revisions.join(', ')}\`);
    return;
`;
const app = 'const app = express();';

export const mistakes: Mistake[] = [
  server(1, 'agrees-to-everything', [agrees, 'const { protocolVersion } = data;']),
  server(1, 'always-the-newest', [agrees, 'const protocolVersion = revisions[0];']),
  server(1, 'unknown-revision-is-an-error', [
    agrees,
    "const { protocolVersion } = data;\n    if (!revisions.includes(protocolVersion)) return failure(-32602, 'Unsupported protocol version');",
  ]),
  server(1, 'offers-the-oldest', [agrees, agrees.replace('revisions[0]', 'revisions.at(-1)')]),
  server(1, 'compares-dates', [
    agrees,
    'const protocolVersion = data.protocolVersion < revisions[0]! ? data.protocolVersion : revisions[0];',
  ]),
  server(1, 'agrees-to-dates-between', [
    agrees,
    agrees.replace(
      'revisions.includes(data.protocolVersion)',
      'data.protocolVersion >= revisions.at(-1)! && data.protocolVersion <= revisions[0]!',
    ),
  ]),
  server(
    1,
    'one-revision-for-all',
    [
      agrees,
      'const protocolVersion = (agreed ??= revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0]!);',
    ],
    [app, `let agreed: string | undefined;\n${app}`],
  ),
  server(
    1,
    'the-last-revision-for-an-unknown-one',
    [
      agrees,
      'const protocolVersion = (last = revisions.includes(data.protocolVersion) ? data.protocolVersion : last);',
    ],
    [app, `let last = revisions[0]!;\n${app}`],
  ),
  server(1, 'capabilities-are-true', [capabilities, 'capabilities: { tools: true },']),
  server(1, 'capabilities-in-a-list', [capabilities, "capabilities: ['tools'],"]),
  server(1, 'sends-capabilities-back', [capabilities, 'capabilities: data.capabilities,']),
  server(1, 'sends-capabilities-back-too', [
    capabilities,
    'capabilities: { ...(params.capabilities as object), tools: {} },',
  ]),
  server(1, 'promises-what-it-has-not', [capabilities, 'capabilities: { tools: {}, resources: {}, prompts: {} },']),
  server(1, 'promises-log-messages', [capabilities, 'capabilities: { tools: {}, logging: {} },']),
  server(1, 'promises-completions', [capabilities, 'capabilities: { tools: {}, completions: {} },']),
  server(1, 'looks-a-revision-up-in-an-object', [
    agrees,
    "const known: Record<string, string> = { '2025-11-25': '2025-11-25', '2025-06-18': '2025-06-18' };\n    const protocolVersion = known[data.protocolVersion] ?? revisions[0];",
  ]),
  server(1, 'speaks-what-it-does-not-know', [
    "const revisions = ['2025-11-25', '2025-06-18'];",
    "const revisions = ['2025-11-25', '2025-06-18', '2025-03-26'];",
  ]),
  server(1, 'an-empty-revision-is-an-error', ['protocolVersion: z.string(),', 'protocolVersion: z.string().min(1),']),
  server(1, 'a-revision-must-be-a-date', ['protocolVersion: z.string(),', 'protocolVersion: z.iso.date(),']),
  server(1, 'the-beginning-of-a-revision', [
    agrees,
    'const protocolVersion = revisions.find((each) => each.startsWith(data.protocolVersion)) ?? revisions[0];',
  ]),
  server(1, 'more-than-a-revision', [
    agrees,
    'const protocolVersion = revisions.find((each) => data.protocolVersion.startsWith(each)) ?? revisions[0];',
  ]),
  server(1, 'says-who-the-client-is', [serverInfo, 'serverInfo: data.clientInfo,']),
  server(1, 'capabilities-by-typeof', [
    'capabilities: z.object({}),',
    "capabilities: z.unknown().refine((value) => typeof value === 'object'),",
  ]),
  server(1, 'capabilities-may-be-an-array', [
    'capabilities: z.object({}),',
    'capabilities: z.union([z.object({}), z.array(z.any())]),',
  ]),
  server(1, 'name-of-any-type', [
    'clientInfo: z.object({ name: z.string(), version: z.string() }),',
    'clientInfo: z.object({ name: z.any().refine(Boolean), version: z.any().refine(Boolean) }),',
  ]),
  server(
    1,
    'one-client-only',
    [
      checksParams,
      `${checksParams}    if ((known ??= data.clientInfo.name) !== data.clientInfo.name) return failure(-32600, 'another client is connected');\n`,
    ],
    [app, `let known: string | undefined;\n${app}`],
  ),
  server(1, 'members-without-a-result', [
    `    return {
      result: {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'chunk-by-chunk', version: '1.0.0' },
      },
    };`,
    `    return {
      protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'chunk-by-chunk', version: '1.0.0' },
    } as never;`,
  ]),
  server(1, 'promises-nothing', [capabilities, 'capabilities: {},']),
  server(1, 'name-and-version-at-the-top', [serverInfo, "name: 'chunk-by-chunk',\n        version: '1.0.0',"]),
  server(1, 'no-version-of-the-server', [serverInfo, "serverInfo: { name: 'chunk-by-chunk' },"]),
  server(1, 'does-not-look-at-params', [checksParams, '    const data = params as { protocolVersion: string };\n']),
  server(1, 'parse-throws', [checksParams, '    const data = initializeParams.parse(params);\n']),
  server(1, 'knows-every-member', ['const initializeParams = z.object({', 'const initializeParams = z.strictObject({']),
  server(
    1,
    'one-handshake',
    [checksParams, `${checksParams}    if (initialized) return failure(-32600, 'Server already initialized');\n`],
    [
      takesNotification,
      takesNotification.replace(
        '    response',
        "    if ('method' in message && message.method === 'notifications/initialized') initialized = true;\n    response",
      ),
    ],
    [app, `let initialized = false;\n${app}`],
  ),
  server(1, 'header-asked-of-initialize', [isUnsupported, "if (!revisions.includes(revision ?? '')) {"]),
  server(1, 'answers-initialized', [
    takesNotification,
    `  if (isNotification(message) && message.method === 'notifications/initialized') {
    response.json({ jsonrpc: '2.0', result: {} });
    return;
  }
${takesNotification}`,
  ]),
  server(1, 'refuses-unknown-notifications', [
    takesNotification,
    `  if (isNotification(message) && message.method !== 'notifications/initialized') {
    refuse(response, 400, -32601, \`unknown notification: \${message.method}\`);
    return;
  }
${takesNotification}`,
  ]),

  server(2, 'zod-object-as-schema', [
    listsTools,
    'tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: input })),',
  ]),
  server(2, 'shape-as-schema', [
    listsTools,
    'tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: input.shape })),',
  ]),
  server(2, 'properties-as-schema', [
    listsTools,
    `tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input, { io: 'input' }).properties })),`,
  ]),
  server(2, 'schema-as-text', [
    listsTools,
    `tools: tools.map(({ name, description, input }) => ({ name, description, inputSchema: JSON.stringify(z.toJSONSchema(input, { io: 'input' })) })),`,
  ]),
  server(2, 'schema-under-another-name', [
    listsTools,
    `tools: tools.map(({ name, description, input }) => ({ name, description, input_schema: z.toJSONSchema(input, { io: 'input' }) })),`,
  ]),
  server(2, 'tools-as-they-are', [listsTools, 'tools,']),
  server(2, 'nothing-is-required', [
    listsTools,
    `tools: tools.map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: { type: 'object', properties: z.toJSONSchema(input, { io: 'input' }).properties },
      })),`,
  ]),
  server(2, 'properties-and-required-only', [
    listsTools,
    `tools: tools.map(({ name, description, input }) => {
        const { properties, required } = z.toJSONSchema(input, { io: 'input' });
        return { name, description, inputSchema: { type: 'object', properties, required } };
      }),`,
  ]),
  server(2, 'required-inside-the-property', [
    listsTools,
    `tools: tools.map(({ name, description }) => ({
        name,
        description,
        inputSchema: { type: 'object', properties: { message: { type: 'string', required: true } } },
      })),`,
  ]),
  server(2, 'types-as-texts', [
    listsTools,
    `tools: tools.map(({ name, description }) => ({
        name,
        description,
        inputSchema: { type: 'object', properties: { message: 'string' }, required: ['message'] },
      })),`,
  ]),
  server(2, 'one-schema-for-all', [
    listsTools,
    listsTools.replace('toJSONSchema(input,', 'toJSONSchema(processFilesInput,'),
  ]),
  server(2, 'own-tool-only', [listsTools, listsTools.replace('tools.map', '[processFiles].map')]),
  server(2, 'tools-by-name', [
    listsTools,
    `tools: Object.fromEntries(
        tools.map(({ name, description, input }) => [name, { description, inputSchema: z.toJSONSchema(input, { io: 'input' }) }]),
      ),`,
  ]),
  server(2, 'result-is-the-list', [
    `result: {\n      ${listsTools}\n    },`,
    `result: tools.map(({ name, description, input }) => ({ name, description, inputSchema: z.toJSONSchema(input, { io: 'input' }) })),`,
  ]),
  server(2, 'schema-of-what-comes-out', [schema, 'z.toJSONSchema(input)']),
  server(2, 'everything-is-required', [
    schema,
    "{ ...z.toJSONSchema(input, { io: 'input' }), required: Object.keys(input.shape) }",
  ]),
  server(2, 'nothing-else-is-allowed', [schema, "z.toJSONSchema(input.strict(), { io: 'input' })"]),
  server(2, 'a-cursor-that-is-null', [listsTools, `${listsTools}\n      nextCursor: null,`]),
  server(2, 'a-cursor-that-is-empty', [listsTools, `${listsTools}\n      nextCursor: '',`]),
  server(2, 'a-cursor-on-every-list', [listsTools, `${listsTools}\n      nextCursor: 'next',`]),
  server(
    2,
    'no-schema',
    [`        inputSchema: ${schema},\n`, ''],
    ['({ name, description, input }) => ({', '({ name, description }) => ({'],
  ),
  server(2, 'no-description', [
    listsTools,
    `tools: tools.map(({ name, input }) => ({ name, inputSchema: z.toJSONSchema(input, { io: 'input' }) })),`,
  ]),
  server(2, 'another-method-name', ["'tools/list': ()", "'list_tools': ()"]),

  server(3, 'content-is-a-text', [saysDone, 'return { content: `Done: ${message}` } as never;']),
  server(3, 'done-without-the-message', [saysDone, "return { content: [{ type: 'text', text: 'Done' }] };"]),
  server(3, 'work-not-awaited', [doesWork, doesWork.replace('await work', 'void work')]),
  server(3, 'for-each-does-not-wait', [
    doesWork,
    'documents.forEach(async ({ name }) => {\n      await work(name);\n    });',
  ]),
  server(3, 'all-documents-at-once', [doesWork, 'await Promise.all(documents.map(({ name }) => work(name)));']),
  server(3, 'returns-in-the-loop', [
    `${doesWork}\n    ${saysDone}`,
    `for (const { name } of documents) {
      await work(name);
      ${saysDone}
    }
    throw new Error('no documents');`,
  ]),
  server(3, 'no-work-at-all', [doesWork, 'for (const { name } of documents) console.log(name);']),
  server(3, 'run-not-awaited', [runs, '      return { result: tool.run(args.data, context) };\n']),
  server(3, 'json-of-a-promise', ['JSON.stringify(await tool.run', 'JSON.stringify(tool.run']),
  server(3, 'result-inside-a-result', [
    runs,
    "      return { result: { content: [{ type: 'text', text: JSON.stringify(await tool.run(args.data, context)) }] } };\n",
  ]),
  server(3, 'content-alone', [
    runs,
    '      const { content } = await tool.run(args.data, context);\n      JSON.stringify(content);\n      return { result: { content } };\n',
  ]),
  server(3, 'members-that-it-knows', [
    'const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });',
    'const toolResult = z.object({ content: z.array(z.looseObject({ type: z.string() })), isError: z.boolean().optional() });',
  ]),
  server(3, 'parts-that-it-knows', [
    'z.array(z.looseObject({ type: z.string() }))',
    'z.array(z.object({ type: z.string(), text: z.string().optional(), data: z.string().optional(), mimeType: z.string().optional() }))',
  ]),
  server(3, 'never-a-failure-of-its-own', [
    'return { result: toolResult.parse(JSON.parse(returned)) };',
    'return { result: { ...toolResult.parse(JSON.parse(returned)), isError: false } };',
  ]),
  server(3, 'sends-whatever-comes-back', [runs, '      return { result: await tool.run(args.data, context) };\n']),
  server(3, 'does-not-look-at-what-came-back', ['toolResult.parse(JSON.parse(returned))', 'JSON.parse(returned)']),
  server(3, 'does-not-make-json-of-it', [
    runs,
    '      return { result: toolResult.parse(await tool.run(args.data, context)) };\n',
  ]),
  server(3, 'content-must-have-a-part', [
    'z.array(z.looseObject({ type: z.string() }))',
    'z.array(z.looseObject({ type: z.string() })).min(1)',
  ]),
  server(3, 'nothing-is-an-empty-result', [
    'await tool.run(args.data, context)',
    '(await tool.run(args.data, context)) ?? { content: [] }',
  ]),
  server(3, 'what-is-no-result-is-an-error', [
    runs,
    `      const result = await tool.run(args.data, context);
      if (!Array.isArray(result?.content)) return failure(-32603, 'the tool returned no content');
${runs.replace('await tool.run(args.data, context)', 'result')}`,
  ]),
  server(
    3,
    'message-outside-the-call',
    [doesWork, `last = message;\n    ${doesWork}`],
    [saysDone, saysDone.replace('${message}', '${last}')],
    [app, `let last = '';\n${app}`],
  ),
  server(
    3,
    'counter-outside-the-call',
    [doesWork, 'next = 0;\n    while (next < documents.length) await work(documents[next++]!.name);'],
    [app, `let next = 0;\n${app}`],
  ),
  server(
    3,
    'one-call-at-a-time',
    [
      'await tool.run(args.data, context)',
      'await (queue = queue.catch(() => {}).then(() => tool.run(args.data, context)))',
    ],
    [app, `let queue: Promise<unknown> = Promise.resolve();\n${app}`],
  ),
  server(3, 'runs-process-files-only', [
    findsTool,
    "const tool = call.data.name === 'process_files' ? processFiles : undefined;",
  ]),
  server(3, 'no-context', ['await tool.run(args.data, context)', 'await tool.run(args.data, undefined as never)']),
  server(3, 'arguments-not-there-for-the-tool', [
    'await tool.run(args.data, context)',
    'await tool.run(params.arguments as Params, context)',
  ]),
  server(3, 'arguments-as-they-came', [
    'await tool.run(args.data, context)',
    'await tool.run(call.data.arguments, context)',
  ]),
  server(3, 'null-is-no-arguments', [
    'arguments: z.record(z.string(), z.unknown()).default({})',
    'arguments: z.record(z.string(), z.unknown()).nullish().transform((given) => given ?? {})',
  ]),
  server(3, 'work-without-its-name', [doesWork, 'for (const _document of documents) await work(message);']),
  server(3, 'work-on-the-text', [doesWork, 'for (const { text } of documents) await work(text);']),
  server(3, 'work-with-more-than-the-name', [
    doesWork,
    'for (const { name } of documents) await work(`document ${name}`);',
  ]),
  server(
    3,
    'args-never-declared',
    [
      `      const args = tool.input.safeParse(call.data.arguments);
      if (args.error) return toolFailure(z.prettifyError(args.error));
${runs}`,
      runs,
    ],
    [app, `declare const args: { data: Params };\n${app}`],
  ),
  server(3, 'tool-whose-name-begins-so', [
    findsTool,
    'const tool = tools.find(({ name }) => name.startsWith(call.data.name));',
  ]),
  server(3, 'arguments-must-be-there', [
    'arguments: z.record(z.string(), z.unknown()).default({})',
    'arguments: z.record(z.string(), z.unknown())',
  ]),
  server(3, 'unknown-tool-is-a-result', [
    refusesUnknown,
    'if (!tool) return toolFailure(`Unknown tool: ${call.data.name}`);',
  ]),
  server(3, 'unknown-tool-is-an-unknown-method', [refusesUnknown, refusesUnknown.replace('-32602', '-32601')]),
  server(
    3,
    'inherited-tool',
    [findsTool, 'const tool = toolsByName[call.data.name];'],
    [
      app,
      `const toolsByName: Record<string, Tool> = Object.fromEntries(tools.map((tool) => [tool.name, tool]));\n${app}`,
    ],
  ),
  server(
    3,
    'unknown-tool-is-run',
    [findsTool, findsTool.replace('call.data.name);', 'call.data.name)!;')],
    [`${refusesUnknown}\n`, '\n'],
  ),
  server(3, 'call-not-checked', [
    checksCall,
    '    const call = { data: params as { name: string; arguments: Params } };\n    call.data.arguments ??= {};\n',
  ]),
  server(
    3,
    'arguments-not-checked',
    [`      ${refusesArguments}\n`, ''],
    ['await tool.run(args.data, context)', 'await tool.run(args.data ?? call.data.arguments, context)'],
  ),
  server(3, 'argument-errors-without-a-text', [
    refusesArguments,
    'if (args.error) return { result: { content: [], isError: true } };',
  ]),
  server(3, 'argument-errors-look-like-success', [
    refusesArguments,
    "if (args.error) return { result: { content: [{ type: 'text', text: z.prettifyError(args.error) }] } };",
  ]),
  server(3, 'bad-arguments-throw', [
    tries,
    `    const data = tool.input.parse(call.data.arguments);\n${tries.replace('args.data, context', 'data, context')}`,
  ]),
  server(3, 'failure-not-caught', [tries, `${checksBefore}${runs}`]),
  server(3, 'failure-ends-the-server', [
    tries,
    `${checksBefore}    return new Promise((resolve) => {\n      void tool.run(args.data!, context).then((result) => resolve({ result }));\n    });\n`,
  ]),
  server(3, 'own-failure-not-caught', [
    tries,
    `${checksBefore}    if (tool.name === 'process_files') return { result: await tool.run(args.data!, context) };\n${tries}`,
  ]),
  server(3, 'only-its-own-failure-caught', [
    tries,
    `${checksBefore}    if (tool.name !== 'process_files') return { result: await tool.run(args.data!, context) };\n${tries}`,
  ]),
  server(3, 'catches-promises-only', [
    tries,
    `${checksBefore}    return tool.run(args.data!, context).then(
      (result): Answer => ({ result: toolResult.parse(JSON.parse(JSON.stringify(result))) }),
    ).catch((error) => toolFailure(reasonOf(error)));
`,
  ]),
  server(3, 'failure-is-an-error', [catches, 'return failure(-32603, reasonOf(error));']),
  server(
    3,
    'failure-looks-like-success',
    ['text }], isError: true', 'text }]'],
    [refusesArguments, 'if (args.error) return failure(-32602, z.prettifyError(args.error));'],
  ),
  server(
    3,
    'is-error-inside-the-content',
    ["content: [{ type: 'text', text }], isError: true", "content: [{ type: 'text', text, isError: true }]"],
    [refusesArguments, 'if (args.error) return failure(-32602, z.prettifyError(args.error));'],
  ),
  server(3, 'failure-without-its-cause', [
    catches,
    "console.error(reasonOf(error));\n      return toolFailure('Something went wrong');",
  ]),
  server(3, 'failure-with-its-stack', [catches, 'return toolFailure(String((error as Error).stack));']),
  server(3, 'failure-with-its-name', [catches, 'return toolFailure(String(error));']),
  server(3, 'failure-with-a-prefix', [catches, 'return toolFailure(`${tool.name} failed: ${reasonOf(error)}`);']),
  server(3, 'first-line-of-the-failure', [catches, "return toolFailure(reasonOf(error).split('\\n')[0]!);"]),
  server(3, 'failure-in-two-texts', [
    catches,
    "return { result: { content: ['The tool failed.', reasonOf(error)].map((text) => ({ type: 'text', text })), isError: true } };",
  ]),
  server(3, 'throws-errors-only', [reason, '  return (thrown as Error).message;\n']),
  server(3, 'message-or-nothing', [reason, '  return (thrown as Error)?.message;\n']),
  server(3, 'thrown-text-in-quotes', [
    reason,
    '  return thrown instanceof Error ? thrown.message : JSON.stringify(thrown) ?? String(thrown);\n',
  ]),
  server(3, 'thrown-value-has-no-words', [
    reason,
    "  return thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : '';\n",
  ]),
  server(3, 'failure-of-a-failure', [reason, '  return thrown instanceof Error ? thrown.message : String(thrown);\n']),

  server(4, 'header-with-capitals', [
    "request.get('MCP-Protocol-Version')",
    "(request.headers['MCP-Protocol-Version'] as string | undefined)",
  ]),
  server(4, 'looks-into-the-body', [
    "request.get('MCP-Protocol-Version')",
    '(request.body?.params?.protocolVersion as string | undefined)',
  ]),
  server(
    4,
    'header-must-be-there',
    [`${isUnsupported}\n${refusesRevision}  }\n`, 'void revision;\n'],
    [
      takesNotification,
      `  const revision = request.get('MCP-Protocol-Version');
  const unnamed = isRequest(message) && message.method === 'initialize' ? revisions[0]! : '';
  if (!revisions.includes(revision ?? unnamed)) {
${refusesRevision}  }
${takesNotification}`,
    ],
  ),
  server(
    4,
    'responses-not-looked-at',
    [isUnsupported, "if (revision === 'unknown') {"],
    [
      takesNotification,
      `  const revision = request.get('MCP-Protocol-Version');
  if (!isResponse(message) && revision !== undefined && !revisions.includes(revision)) {
${refusesRevision}  }
${takesNotification}`,
    ],
  ),
  server(4, 'newest-only', [isUnsupported, 'if (revision !== undefined && revision !== revisions[0]) {']),
  server(
    4,
    'the-revision-of-the-last-client',
    [isUnsupported, 'if (revision !== undefined && agreed !== undefined && revision !== agreed) {'],
    [agrees, `${agrees}\n    agreed = protocolVersion;`],
    [app, `let agreed: string | undefined;\n${app}`],
  ),
  server(4, 'refuses-older-dates-only', [
    isUnsupported,
    'if (revision !== undefined && revision < revisions.at(-1)!) {',
  ]),
  server(4, 'part-of-a-revision', [
    isUnsupported,
    'if (revision !== undefined && !revisions.some((each) => each.startsWith(revision))) {',
  ]),
  server(4, 'refused-with-status-200', [refusesRevision, refusesRevision.replace('400, ', '200, ')]),
  server(4, 'refused-with-another-status', [refusesRevision, refusesRevision.replace('400, ', '426, ')]),
  server(4, 'header-compared-as-a-date', [
    isUnsupported,
    'if (revision !== undefined && !(revision >= revisions.at(-1)! && revision <= revisions[0]!)) {',
  ]),
  server(4, 'empty-header-is-no-header', [isUnsupported, 'if (revision && !revisions.includes(revision)) {']),
  server(4, 'refused-in-plain-text', [
    refusesRevision,
    "    response.status(400).send('unsupported protocol version');\n    return;\n",
  ]),
  server(4, 'refused-without-a-body', [refusesRevision, '    response.status(400).end();\n    return;\n']),
  server(4, 'refused-by-throwing', [refusesRevision, '    throw new Error(`unsupported revision ${revision}`);\n']),
  server(4, 'refuses-and-goes-on', [refusesRevision, refusesRevision.replace('    return;\n', '')]),
  server(
    4,
    'notifications-not-looked-at',
    [`${isUnsupported}\n${refusesRevision}  }\n`, 'void revision;\n'],
    [
      takesNotification,
      `${takesNotification}  const revision = request.get('MCP-Protocol-Version');\n  ${isUnsupported}\n${refusesRevision}  }\n`,
    ],
  ),
  server(4, 'looks-the-header-up-in-an-object', [
    isUnsupported,
    "const known: Record<string, boolean> = { '2025-11-25': true, '2025-06-18': true };\n  if (revision !== undefined && !known[revision]) {",
  ]),
  server(4, 'takes-the-oldest-header', [
    isUnsupported,
    "if (revision !== undefined && ![...revisions, '2025-03-26'].includes(revision)) {",
  ]),
  server(4, 'a-revision-in-the-header', [
    isUnsupported,
    'if (revision !== undefined && !revisions.some((each) => revision.includes(each))) {',
  ]),
  server(4, 'does-not-ask-who-asks', [localOnly, 'if (asked) next();']),
  server(4, 'asks-for-the-origin-only', [localOnly, localOnly.replace('asked.every(', 'asked.slice(1).every(')]),
  server(4, 'asks-for-the-host-only', [localOnly, localOnly.replace('asked.every(', 'asked.slice(0, 1).every(')]),
  server(4, 'an-origin-that-begins-well', [
    localOnly,
    'if (asked.every((url) => localNames.some((name) => url.startsWith(`http://${name}`)))) next();',
  ]),
  server(4, 'refuses-every-origin', [
    localOnly,
    localOnly.replace('if (', "if (request.get('Origin') === undefined && "),
  ]),
];
