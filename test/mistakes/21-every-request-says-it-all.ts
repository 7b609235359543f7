import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const serverImport = "import { fromHeader, metaKeys } from '#support/stateless.ts';\n";
const capabilitiesOfMeta = '  [metaKeys.clientCapabilities]: z.record(z.string(), z.unknown()),\n';
const parsesMeta = '  const { data: meta, error } = requestMeta.safeParse(params._meta);\n';
const ownCapabilities = '  const capabilities = meta[metaKeys.clientCapabilities];\n';
const versionHeader =
  "  if (request.get('MCP-Protocol-Version') !== requested) return mismatch('MCP-Protocol-Version');\n";
const methodHeader = "  if (request.get('Mcp-Method') !== method) return mismatch('Mcp-Method');\n";
const comparesName = "fromHeader(request.get('Mcp-Name')) !== params.name";
const nameHeader = `  if (method === 'tools/call' && ${comparesName}) return mismatch('Mcp-Name');\n`;
const speaks = 'if (!revisions.includes(requested)) {';
const versionData = ', { supported: revisions, requested });';
const makesMissing = '    const requiredCapabilities = Object.fromEntries(missing);\n';
const refusalSent =
  "    response.status(refusal.status).json({ jsonrpc: '2.0', id: message.id, ...refusal.answer });\n";
const status404 = "  if ('error' in answered && answered.error.code === -32601) response.status(404);\n";
const onlyPost = "  refuse(response.set('Allow', 'POST'), 405, -32600, 'the only HTTP method here is POST');\n";
const discovers = 'result: { supportedVersions: revisions, capabilities: { tools: {} }, ...caching },';
const listCaching = '      })),\n      ...caching,\n';
const onlyResults = "  if ('error' in answered) return answered;\n";
const said = "  const said = { resultType: 'complete', _meta: { ..._meta, [metaKeys.serverInfo]: serverInfo } };\n";
const adds = '  return { result: { ...answered.result, ...said } };\n';
const app = "app.use('/mcp', onlyThisMachine);\n";
const needsToken = '      if (!isId(progressToken)) return;\n';
const sendsReport = "      send(response, { jsonrpc: '2.0', method: 'notifications/progress', params });\n";

/** Lines of the finished client. */
const clientImport = "import { metaKeys, toHeader } from '#support/stateless.ts';\n";
const callsTool = "  const result = await request<ToolResult>('tools/call', { name: tool, arguments: { message } });\n";
const makesId = '  const id = ++lastId;\n';
const tellsVersion = '    [metaKeys.protocolVersion]: revision,\n';
const tellsInfo = '    [metaKeys.clientInfo]: clientInfo,\n';
const tellsCapabilities = '    [metaKeys.clientCapabilities]: {},\n';
const sendsVersion = "    'MCP-Protocol-Version': revision,\n";
const sendsMethod = "    'Mcp-Method': method,\n";
const encodes = 'toHeader(params!.name as string)';
const triesAgain = `    if (code === -32022) {
      chooseFrom(data);
      return request(method, params);
    }
`;
const finds = '  const common = revisions.find((name) => supported.includes(name));\n';
const chooses = '  revision = common;\n';
const complains =
  "throw new Error(`the server speaks revision ${supported.join(' and ')}, this client ${revisions.join(' and ')}`);";
const readsType = "  const { resultType = 'complete' } = answer.result as { resultType?: unknown };\n";
const checksType =
  "  if (resultType !== 'complete') throw new Error(`this client does not know results of the type ${resultType}`);\n";
const printsNotification = '  if (isNotification(message)) console.log(described(message));\n';

export const mistakes: Mistake[] = [
  server(1, 'asks-for-the-client-info', [
    capabilitiesOfMeta,
    `${capabilitiesOfMeta}  [metaKeys.clientInfo]: z.looseObject({ name: z.string() }),\n`,
  ]),
  server(1, 'asks-only-for-the-version', [capabilitiesOfMeta, '']),
  server(1, 'looks-for-meta-beside-the-params', [
    parsesMeta,
    '  const { data: meta, error } = requestMeta.safeParse(request.body._meta);\n',
  ]),
  server(1, 'throws-without-meta', [
    parsesMeta,
    '  const meta = requestMeta.parse(params._meta);\n  const error = undefined as z.ZodError | undefined;\n',
  ]),
  server(1, 'refuses-with-the-id-null', [refusalSent, refusalSent.replace('message.id', 'null')]),
  server(1, 'refuses-with-status-200', [refusalSent, refusalSent.replace('refusal.status', '200')]),
  server(1, 'does-not-read-the-method-header', [methodHeader, '']),
  server(1, 'does-not-read-the-version-header', [versionHeader, '']),
  server(1, 'takes-a-missing-method-header', [
    methodHeader,
    methodHeader.replace("request.get('Mcp-Method')", "(request.get('Mcp-Method') ?? method)"),
  ]),
  server(1, 'ignores-the-case-of-the-method', [
    methodHeader,
    methodHeader.replace("request.get('Mcp-Method') !==", "request.get('Mcp-Method')?.toLowerCase() !=="),
  ]),
  server(1, 'an-old-code-for-a-mismatch', ['refused(-32020,', 'refused(-32001,']),
  server(1, 'does-not-read-the-name', [nameHeader, '']),
  server(1, 'takes-a-missing-name', [
    nameHeader,
    nameHeader.replace('&& fromHeader', "&& request.get('Mcp-Name') && fromHeader"),
  ]),
  server(1, 'asks-every-method-for-a-name', [
    nameHeader,
    `${nameHeader}  if (!request.get('Mcp-Name')) return mismatch('Mcp-Name');\n`,
  ]),
  server(1, 'takes-any-tool-as-the-name', [
    comparesName,
    "!tools.some(({ name }) => name === fromHeader(request.get('Mcp-Name')))",
  ]),
  server(1, 'does-not-decode-the-name', [comparesName, "request.get('Mcp-Name') !== params.name"]),
  server(
    1,
    'encodes-the-name-of-the-body',
    [serverImport, "import { metaKeys, toHeader } from '#support/stateless.ts';\n"],
    [comparesName, "request.get('Mcp-Name') !== toHeader(String(params.name))"],
  ),
  server(
    1,
    'decodes-as-latin1',
    [serverImport, "import { metaKeys } from '#support/stateless.ts';\n"],
    [
      comparesName,
      "request.get('Mcp-Name')?.replace(/^=\\?base64\\?(.*)\\?=$/, (_all, base64) => atob(base64)) !== params.name",
    ],
  ),
  server(1, 'also-compares-the-name-as-it-is', [
    comparesName,
    `request.get('Mcp-Name') !== params.name && ${comparesName}`,
  ]),
  server(1, 'discover-in-any-version', [
    speaks,
    "if (method !== 'server/discover' && !revisions.includes(requested)) {",
  ]),
  server(1, 'takes-later-versions', [speaks, 'if (requested < revisions[0]!) {']),
  server(1, 'a-version-without-data', [versionData, ');']),
  server(1, 'one-version-and-no-list', [versionData, ', { supported: revisions[0], requested });']),
  server(1, 'names-its-own-version-as-requested', [
    versionData,
    ', { supported: revisions, requested: revisions[0] });',
  ]),
  server(1, 'status-200-for-an-unknown-method', [status404, '']),
  server(1, 'still-answers-ping', [
    'const methods: Record<string, (params: Params, context: Context) => Answer | Promise<Answer>> = {\n',
    'const methods: Record<string, (params: Params, context: Context) => Answer | Promise<Answer>> = {\n  ping: () => ({ result: {} }),\n',
  ]),
  server(1, 'does-not-look-at-capabilities', ['if (missing.length > 0) {', 'if (false) {']),
  server(1, 'compares-the-values-of-capabilities', [
    '!Object.hasOwn(capabilities, name)',
    'JSON.stringify(capabilities[name]) !== JSON.stringify(requires[name])',
  ]),
  server(1, 'expects-that-every-tool-exists', [
    "  const { requires = {} } = tools.find(({ name }) => method === 'tools/call' && name === params.name) ?? {};\n",
    "  const { requires = {} } = method === 'tools/call' ? tools.find(({ name }) => name === params.name)! : {};\n",
  ]),
  server(1, 'names-every-required-capability', [makesMissing, '    const requiredCapabilities = requires;\n']),
  server(1, 'the-names-of-capabilities-in-an-array', [
    makesMissing,
    '    const requiredCapabilities = missing.map(([name]) => name);\n',
  ]),
  server(
    1,
    'remembers-capabilities',
    [app, `const remembered: Record<string, unknown> = {};\n${app}`],
    [ownCapabilities, '  const capabilities = Object.assign(remembered, meta[metaKeys.clientCapabilities]);\n'],
  ),
  server(1, 'says-that-delete-is-allowed', [onlyPost, onlyPost.replace("'POST'", "'POST, DELETE'")]),
  server(1, 'still-ends-sessions', [
    "app.all('/mcp', (_request, response) => {\n",
    "app.delete('/mcp', (_request, response) => {\n  response.status(204).end();\n});\n\napp.all('/mcp', (_request, response) => {\n",
  ]),
  server(2, 'discover-without-server', ["  'server/discover': () => ({", '  discover: () => ({']),
  server(2, 'one-version-in-discover', [
    discovers,
    discovers.replace('supportedVersions: revisions', 'supportedVersions: revisions[0]'),
  ]),
  server(2, 'no-capabilities', [discovers, discovers.replace('{ tools: {} }', '{}')]),
  server(2, 'no-result-type', [said, said.replace("resultType: 'complete', ", '')]),
  server(2, 'tools-say-nothing', [
    onlyResults,
    "  if ('error' in answered || method === 'tools/call') return answered;\n",
  ]),
  server(2, 'failed-tools-say-nothing', [
    onlyResults,
    "  if ('error' in answered || 'isError' in answered.result) return answered;\n",
  ]),
  server(2, 'the-server-beside-meta', [said, "  const said = { resultType: 'complete', serverInfo, _meta };\n"]),
  server(2, 'only-the-name-of-the-server', [said, said.replace(': serverInfo', ': serverInfo.name')]),
  server(2, 'replaces-the-meta-of-tools', [said, said.replace('..._meta, ', '')]),
  server(2, 'keeps-only-the-content', [
    adds,
    '  const { content } = answered.result as { content?: object };\n  return { result: { ...(content ? { content } : answered.result), ...said } };\n',
  ]),
  server(2, 'a-list-that-nobody-may-keep', [listCaching, '      })),\n']),
  server(2, 'a-time-in-words', ['ttlMs: 60_000', "ttlMs: '60s'"]),
  server(2, 'the-words-of-http-for-the-scope', ["cacheScope: 'public'", "cacheScope: 'no-store'"]),
  server(2, 'still-gives-session-ids', [
    '  const answered = await answer(message, silent);\n',
    "  const answered = await answer(message, silent);\n  response.set('MCP-Session-Id', crypto.randomUUID());\n",
  ]),
  server(2, 'refuses-unknown-sessions', [
    '  const answered = await answer(message, silent);\n',
    "  if (request.get('MCP-Session-Id')) {\n    refuse(response, 404, -32600, 'there is no such session');\n    return;\n  }\n  const answered = await answer(message, silent);\n",
  ]),
  server(2, 'reports-without-a-token', [needsToken, '']),
  server(2, 'takes-the-token-0-for-none', [needsToken, '      if (!progressToken) return;\n']),
  server(2, 'makes-tokens-of-its-own', [
    sendsReport,
    sendsReport.replace('params }', 'params: { ...params, progressToken: message.id } }'),
  ]),
  server(
    2,
    'keeps-the-reports-to-the-end',
    [sendsReport, "      kept.push({ jsonrpc: '2.0', method: 'notifications/progress', params });\n"],
    [
      '  const answered = await answer(message, context);\n',
      '  const answered = await answer(message, context);\n  for (const each of kept) send(response, each);\n',
    ],
    ['  const { progressToken } =', '  const kept: JsonRpcNotification[] = [];\n  const { progressToken } ='],
  ),

  client(3, 'shakes-hands-first', [
    callsTool,
    `  await request('initialize', { protocolVersion: revision, capabilities: {}, clientInfo });\n${callsTool}`,
  ]),
  client(3, 'no-version-in-meta', [tellsVersion, '']),
  client(3, 'no-capabilities-in-meta', [tellsCapabilities, '']),
  client(3, 'does-not-say-who-it-is', [tellsInfo, '']),
  client(3, 'members-without-the-prefix', [
    tellsVersion + tellsInfo,
    '    protocolVersion: revision,\n    clientInfo,\n',
  ]),
  client(3, 'meta-beside-the-params', [
    'params: { ...params, _meta: metaOf(id) } });',
    'params, _meta: metaOf(id) } as JsonRpcRequest);',
  ]),
  client(3, 'no-version-header', [sendsVersion, '']),
  client(3, 'no-method-header', [sendsMethod, '']),
  client(3, 'always-the-same-name', [encodes, "'process_files'"]),
  client(3, 'every-name-in-base64', [
    encodes,
    "`=?base64?${Buffer.from(params!.name as string).toString('base64')}?=`",
  ]),
  client(3, 'a-name-as-in-a-url', [encodes, 'encodeURIComponent(params!.name as string)']),
  client(3, 'the-name-as-it-is', [encodes, '(params!.name as string)']),
  client(
    3,
    'base64-only-for-other-letters',
    [clientImport, "import { metaKeys, toHeader } from '#support/stateless.ts';\nconst ascii = /^[ -~]*$/;\n"],
    [encodes, '(ascii.test(params!.name as string) ? (params!.name as string) : toHeader(params!.name as string))'],
  ),
  client(3, 'does-not-try-again', [triesAgain, '']),
  client(3, 'tries-again-after-every-400', ['if (code === -32022) {', 'if (response.status === 400) {']),
  client(3, 'the-same-id-again', [makesId, '  const id = lastId || ++lastId;\n']),
  client(3, 'takes-the-order-of-the-server', [
    finds,
    '  const common = supported.map(String).find((name) => revisions.includes(name));\n',
  ]),
  client(3, 'takes-what-the-server-names-first', [finds, '  const common = supported[0] as string | undefined;\n']),
  client(3, 'takes-its-next-revision', [
    finds,
    '  const common = supported.length > 0 ? revisions[revisions.indexOf(revision) + 1] : undefined;\n',
  ]),
  client(3, 'the-new-revision-in-meta-only', [sendsVersion, "    'MCP-Protocol-Version': revisions[0]!,\n"]),
  client(3, 'drops-the-result-of-the-second-call', [
    '      return request(method, params);\n',
    '      await request(method, params);\n      return {} as Result;\n',
  ]),
  client(3, 'asks-for-ever', ['  if (!common || offered) {', '  if (!common) {']),
  client(3, 'refuses-only-the-same-revision', [
    '  if (!common || offered) {',
    '  if (!common || common === revision) {',
  ]),
  client(
    3,
    'tries-what-it-does-not-speak',
    [chooses, "  revision = common ?? 'none';\n"],
    ['  if (!common || offered) {', '  if (offered) {'],
  ),
  client(3, 'does-not-name-the-revisions', [complains, "throw new Error('no common revision');"]),
  client(3, 'a-status-and-no-reason', [complains, `fail(3, ${complains.slice('throw new Error('.length, -2)});`]),
  client(3, 'uses-every-result', [checksType, '']),
  client(3, 'a-failed-tool-needs-no-type', [
    checksType,
    checksType.replace("(resultType !== 'complete')", "(resultType !== 'complete' && !('isError' in answer.result))"),
  ]),
  client(3, 'an-empty-type-is-none', [
    checksType,
    checksType.replace("(resultType !== 'complete')", "(resultType && resultType !== 'complete')"),
  ]),
  client(3, 'types-are-strings', [
    checksType,
    checksType.replace("(resultType !== 'complete')", "(typeof resultType === 'string' && resultType !== 'complete')"),
  ]),
  client(3, 'types-in-any-case', [
    checksType,
    checksType.replace("(resultType !== 'complete')", '(!/^complete/i.test(String(resultType)))'),
  ]),
  client(3, 'refuses-a-result-without-a-type', [readsType, readsType.replace(" = 'complete'", '')]),
  client(3, 'an-unknown-type-is-a-failed-tool', [checksType, checksType.replace('throw new Error(', 'fail(8, ')]),
  client(3, 'answers-requests', [
    printsNotification,
    `${printsNotification}  else if (isObject(message) && 'method' in message) void post({ jsonrpc: '2.0', id: 1, result: {} } as never);\n`,
  ]),
  client(
    3,
    'prints-the-reports-at-the-end',
    [printsNotification, '  if (isNotification(message)) later.push(described(message));\n'],
    ['let offered = false;\n', 'let offered = false;\nconst later: string[] = [];\n'],
    ['  console.log(`RESULT:', '  for (const line of later) console.log(line);\n  console.log(`RESULT:'],
  ),
  client(3, 'asks-for-no-reports', ['    progressToken,\n', '']),
];
