import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const byHeader = "  if (request.get('MCP-Protocol-Version') === statelessRevision) return true;\n";
const byMethod = "  if (request.method !== 'POST') return request.get('MCP-Session-Id') === undefined;\n";
const findsMeta = '  const meta: unknown = request.body?.params?._meta;\n';
const byMeta = '  return isObject(meta) && metaKeys.protocolVersion in meta;\n';
const chooses = '  const half = isStateless(request) ? stateless : sessions;\n';
const answers = '  half(request, response, next);\n';
const handler = "app.all('/mcp', (request, response, next) => {\n";
const unknownMethod = '  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);\n';
const filters = '    if (least === undefined || levels.indexOf(level) < levels.indexOf(least)) return;\n';
const notifies = "    notify({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n";
const runs = '  return methods[method]!(params ?? {}, { log, signal });\n';
const oldServe = 'serve(request, session.level, notify)';
const newServe = 'serve(request, meta[metaKeys.logLevel], notify, signal)';
const completes = '  return complete(request.method, serverInfo, answered);\n';
const serveBegins = 'async function serve(\n';

/** Lines of the finished client that several mistakes change. */
const tries = "  const { response, answer } = await tryRequest('server/discover', {});\n";
const statuses = '  if (!response.ok && ![400, 404, 405].includes(response.status)) refused(response, answer);\n';
const codes =
  "  if (answer?.error && [-32020, -32021].includes(answer.error.code)) failedWith('server/discover', answer.error);\n";
const isNew = '  if (named?.includes(newRevision)) {\n';
const saysNew = '    console.error(`revision: ${newRevision}`);\n';
const noneInCommon =
  '  if (named && !named.some((revision) => oldRevisions.includes(revision))) wrongRevision(named);\n';
const turnsOld = "  era = 'old';\n";
const shakes = "  era = 'old';\n  await shakeHands();\n";
const saysOld = "  console.error(`revision: ${headers['MCP-Protocol-Version']}`);\n";
const named =
  '  const named = answer?.error?.code === -32022 ? answer.error.data?.supported : answer?.result?.supportedVersions;\n';
const keepsSession = "  if (session && era === 'old') headers['MCP-Session-Id'] = session;\n";
const isAnAnswer = '    if (isAnswer(message)) return message;\n';
const calls =
  "  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });\n";

export const mistakes: Mistake[] = [
  server(1, 'looks-at-the-header-only', [findsMeta, ''], [byMeta, '  return false;\n']),
  server(1, 'believes-the-header-before-the-body', [
    byHeader,
    "  const revision = request.get('MCP-Protocol-Version');\n  if (revision !== undefined) return revision === statelessRevision;\n",
  ]),
  server(1, 'looks-at-the-body-only', [byHeader, '']),
  server(1, 'takes-any-meta', [byMeta, '  return isObject(meta);\n']),
  server(1, 'takes-each-key-of-mcp-for-the-new-era', [
    byMeta,
    "  return isObject(meta) && Object.keys(meta).some((key) => key.startsWith('io.modelcontextprotocol/'));\n",
  ]),
  server(1, 'takes-meta-with-the-wrong-key', [byMeta, "  return isObject(meta) && 'protocolVersion' in meta;\n"]),
  server(1, 'compares-the-revision-in-meta', [
    byMeta,
    '  return isObject(meta) && meta[metaKeys.protocolVersion] === statelessRevision;\n',
  ]),
  server(1, 'looks-into-meta-that-is-no-object', [
    byMeta,
    '  return meta !== undefined && metaKeys.protocolVersion in (meta as object);\n',
  ]),
  server(1, 'looks-for-meta-beside-the-params', [findsMeta, '  const meta: unknown = request.body?._meta;\n']),
  server(1, 'looks-into-a-body-that-is-null', [findsMeta, '  const meta: unknown = request.body.params?._meta;\n']),
  server(1, 'takes-every-initialize-as-old', [
    byHeader,
    `  if (request.body?.method === 'initialize') return false;\n${byHeader}`,
  ]),
  server(1, 'takes-each-discover-as-new-and-the-rest-as-old', [
    byMeta,
    "  return request.body?.method === 'server/discover';\n",
  ]),
  server(1, 'takes-everything-without-a-session-as-new', [
    byMeta,
    "  return request.body?.method !== 'initialize' && request.get('MCP-Session-Id') === undefined;\n",
  ]),
  server(1, 'takes-everything-with-a-session-as-old', [
    byHeader,
    `  if (request.get('MCP-Session-Id') !== undefined) return false;\n${byHeader}`,
  ]),
  server(
    1,
    'remembers-the-era',
    [byMeta, '  if (isObject(meta) && metaKeys.protocolVersion in meta) isNewClient = true;\n  return isNewClient;\n'],
    [handler, `let isNewClient = false;\n\n${handler}`],
  ),
  server(
    1,
    'remembers-the-era-of-a-connection',
    [
      chooses,
      '  if (isStateless(request)) newConnections.add(request.socket);\n  const half = newConnections.has(request.socket) ? stateless : sessions;\n',
    ],
    [handler, `const newConnections = new WeakSet<object>();\n\n${handler}`],
  ),
  server(1, 'gives-every-get-and-delete-to-the-new-half', [
    byMethod,
    "  if (request.method !== 'POST') return true;\n",
  ]),
  server(1, 'refuses-get-for-both-eras', [
    handler,
    `app.get('/mcp', (_request, response) => void response.status(405).end());\n\n${handler}`,
  ]),
  server(
    1,
    'opens-a-stream-for-a-new-client',
    [byHeader, ''],
    [byMeta, byMeta.replace('return', `return request.get('MCP-Protocol-Version') === statelessRevision ||`)],
  ),
  server(1, 'lets-both-halves-answer', [
    chooses + answers,
    '  if (isStateless(request)) stateless(request, response, next);\n  sessions(request, response, next);\n',
  ]),
  server(1, 'calls-no-half', [answers, '  void half;\n']),
  server(1, 'sends-the-session-id-back', [
    chooses,
    `${chooses}  response.set('MCP-Session-Id', request.get('MCP-Session-Id') ?? 'none-none-none-none');\n`,
  ]),
  server(1, 'exchanges-the-halves', [chooses, '  const half = isStateless(request) ? sessions : stateless;\n']),

  server(2, 'sends-every-level', [filters, '']),
  server(2, 'takes-no-level-for-every-level', [
    filters,
    filters.replace('least === undefined || ', '').replace('(least)', "(least ?? '')"),
  ]),
  server(2, 'takes-no-level-for-info', [
    newServe,
    newServe.replace('meta[metaKeys.logLevel]', "meta[metaKeys.logLevel] ?? 'info'"),
  ]),
  server(2, 'every-old-client-gets-info', [oldServe, oldServe.replace('session.level', "'info'")]),
  server(2, 'every-new-client-gets-info', [newServe, newServe.replace('meta[metaKeys.logLevel]', "'info'")]),
  server(2, 'looks-for-the-level-in-the-params', [
    newServe,
    newServe.replace('meta[metaKeys.logLevel]', 'request.params?.logLevel as string | undefined'),
  ]),
  server(
    2,
    'one-level-for-both-eras',
    [filters, filters.replaceAll('least', 'shared')],
    [unknownMethod, `  shared = least ?? shared;\n${unknownMethod}`],
    [runs, runs],
    [
      "const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };\n",
      "const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };\n\nlet shared: string | undefined;\n",
    ],
  ),
  server(2, 'compares-levels-by-the-alphabet', [
    filters,
    filters.replace('levels.indexOf(level) < levels.indexOf(least)', 'level < least'),
  ]),
  server(2, 'drops-the-level-itself', [filters, filters.replace(' < levels', ' <= levels')]),
  server(
    2,
    'completes-in-the-core',
    [runs, `  return complete(method, serverInfo, await methods[method]!(params ?? {}, { log, signal }));\n`],
    [completes, '  return answered;\n'],
  ),
  server(2, 'writes-into-the-shared-result', [
    completes,
    "  const completed = complete(request.method, serverInfo, answered);\n  if ('result' in answered && 'result' in completed) Object.assign(answered.result, completed.result);\n  return answered;\n",
  ]),
  server(2, 'does-not-complete', [completes, '  return answered;\n']),
  server(2, 'completes-only-a-success', [
    completes,
    `  if ('result' in answered && 'isError' in answered.result) return answered;\n${completes}`,
  ]),
  server(2, 'completes-as-a-call', [completes, completes.replace('request.method', "'tools/call'")]),
  server(2, 'completes-without-the-server', [
    completes,
    "  return 'error' in answered ? answered : { result: { ...answered.result, resultType: 'complete', ttlMs: 0, cacheScope: 'public' } };\n",
  ]),
  // The new half asks the core about each unknown method, so task 1 finds this.
  server(1, 'does-not-await-the-core', [
    `  const answered = await ${newServe};\n`,
    `  const answered = ${newServe} as unknown as Answer;\n`,
  ]),
  server(
    2,
    'notifies-the-client-that-came-last',
    [notifies, notifies.replace('notify(', 'lastNotify(')],
    [unknownMethod, `  lastNotify = notify;\n${unknownMethod}`],
    [
      "const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };\n",
      "const serverInfo = { name: 'chunk-by-chunk', version: '1.0.0' };\n\nlet lastNotify: Notify = () => {};\n",
    ],
  ),
  server(2, 'collects-the-messages-of-a-new-client', [
    `  const answered = await ${newServe};\n`,
    `  const waiting: Parameters<Notify>[0][] = [];\n  const answered = await ${newServe.replace('notify', '(each) => waiting.push(each)')};\n  for (const each of waiting) notify(each);\n`,
  ]),
  server(2, 'drops-the-messages-of-a-new-client', [newServe, newServe.replace('notify', '() => {}')]),
  server(2, 'drops-the-logger', [notifies, notifies.replace('logger, ', '')]),
  server(2, 'drops-the-logger-for-new-clients', [
    newServe,
    newServe.replace('notify', '(each) => {\n    if (each.params) delete each.params.logger;\n    notify(each);\n  }'),
  ]),
  server(2, 'passes-no-signal', [newServe, newServe.replace(', signal', '')]),
  server(2, 'keeps-the-signal-from-the-tool', [runs, runs.replace('log, signal', 'log')]),
  server(2, 'new-clients-get-other-tools', [
    `  const answered = await ${newServe};\n`,
    `  const answered: Answer =\n    request.method === 'tools/list' ? { result: { tools: toolList.tools.slice(1) } } : await ${newServe};\n`,
  ]),
  server(2, 'new-clients-get-the-tools-in-another-order', [
    `  const answered = await ${newServe};\n`,
    `  const answered: Answer =\n    request.method === 'tools/list' ? { result: { tools: toolList.tools.toReversed() } } : await ${newServe};\n`,
  ]),
  server(2, 'finds-methods-that-are-not-its-own', [
    unknownMethod,
    '  if (!methods[method]) return failure(-32601, `unknown method: ${method}`);\n',
  ]),
  server(2, 'a-failing-tool-is-an-error-in-the-new-era', [
    `  const answered = await ${newServe};\n`,
    `  const answered = await ${newServe};\n  if ('result' in answered && 'isError' in answered.result) return failure(-32603, 'the tool failed');\n`,
  ]),
  server(
    2,
    'a-queue-for-all-calls',
    [serveBegins, 'let queue: Promise<unknown> = Promise.resolve();\n\nasync function serve(\n'],
    [
      runs,
      '  const before = queue;\n  const own = before.then(() => methods[method]!(params ?? {}, { log, signal }));\n  queue = own;\n  return own;\n',
    ],
  ),
  server(2, 'the-old-era-stays-without-a-core', [
    `(request, session, notify) => ${oldServe}`,
    'async (request) => failure(-32601, `not yet: ${request.method}`)',
  ]),

  client(3, 'shakes-hands-first', [tries, `  await shakeHands();\n${tries}`]),
  client(3, 'tries-in-the-old-form', [tries, `${turnsOld}${tries}`]),
  client(3, 'falls-back-after-any-status', [statuses, '']),
  client(3, 'falls-back-after-404-and-405', [statuses, statuses.replace('400, ', '')]),
  client(3, 'falls-back-after-400-only', [statuses, statuses.replace(', 404, 405', '')]),
  client(3, 'falls-back-after-every-4xx', [
    statuses,
    statuses.replace('![400, 404, 405].includes(response.status)', 'response.status >= 500'),
  ]),
  client(3, 'falls-back-after-500', [statuses, statuses.replace('405]', '405, 500, 502, 503]')]),
  client(3, 'falls-back-after-429', [
    statuses,
    '  if ([401, 403].includes(response.status) || response.status >= 500) refused(response, answer);\n',
  ]),
  client(3, 'looks-at-the-error-before-the-status', [statuses + codes, codes + statuses]),
  client(3, 'takes-unknown-method-for-a-new-server', [codes, codes.replace('-32021]', '-32021, -32601]')]),
  client(3, 'takes-every-200-for-a-new-server', [isNew, '  if (response.ok || named?.includes(newRevision)) {\n']),
  client(3, 'takes-every-error-for-a-failure', [
    codes,
    "  if (answer?.error) failedWith('server/discover', answer.error);\n",
  ]),
  client(3, 'falls-back-after-errors-of-the-new-era', [codes, '']),
  client(3, 'looks-at-the-error-with-status-400-only', [
    codes,
    codes.replace('if (', 'if (response.status === 400 && '),
  ]),
  client(3, 'knows-only-one-error-of-the-new-era', [codes, codes.replace(', -32021', '')]),
  client(3, 'does-not-read-the-list-of-the-error', [named, '  const named = answer?.result?.supportedVersions;\n']),
  client(3, 'reads-the-list-of-the-error-only', [named, '  const named = answer?.error?.data?.supported;\n']),
  client(3, 'prefers-an-old-revision', [
    isNew,
    '  if (named?.includes(newRevision) && !named.some((revision) => oldRevisions.includes(revision))) {\n',
  ]),
  client(3, 'takes-each-list-for-the-new-era', [isNew, '  if (named) {\n']),
  client(3, 'wants-the-old-revision-at-the-beginning', [
    noneInCommon,
    '  if (named && !oldRevisions.includes(named[0]!)) wrongRevision(named);\n',
  ]),
  client(3, 'knows-one-old-revision', [
    noneInCommon,
    '  if (named && !named.includes(oldRevisions[0]!)) wrongRevision(named);\n',
  ]),
  client(3, 'falls-back-whatever-the-list-says', [noneInCommon, '']),
  client(3, 'falls-back-after-a-network-failure', [
    tries,
    "  const { response, answer } = await tryRequest('server/discover', {}).catch(() => {\n    process.exitCode = undefined;\n    return { response: { ok: true } as Response, answer: undefined };\n  });\n",
  ]),
  client(3, 'stays-in-the-new-form', [turnsOld, '']),
  client(
    3,
    'keeps-the-headers-of-the-new-era',
    [
      "    headers: {\n      ...headers,\n      'MCP-Protocol-Version'",
      "    headers: Object.assign(headers, {\n      'MCP-Protocol-Version'",
    ],
    [
      "      ...(typeof name === 'string' && { 'Mcp-Name': name }),\n    },\n",
      "      ...(typeof name === 'string' && { 'Mcp-Name': name }),\n    }),\n",
    ],
  ),
  client(3, 'keeps-a-session-id-of-the-new-era', [
    keepsSession,
    "  if (session) headers['MCP-Session-Id'] = session;\n",
  ]),
  client(3, 'wants-the-id-of-the-request', [
    isAnAnswer,
    '    if (isAnswer(message) && isResponse(message)) return message;\n',
  ]),
  client(3, 'does-not-say-that-it-is-new', [saysNew, '']),
  client(3, 'does-not-say-that-it-is-old', [saysOld, '']),
  client(3, 'says-it-on-standard-output', [saysNew, saysNew.replace('console.error', 'console.log')]),
  client(3, 'says-what-it-proposed', [saysOld, '  console.error(`revision: ${oldRevisions[0]}`);\n']),
  client(
    3,
    'says-it-before-it-knows',
    [tries, '  console.error(`revision: ${newRevision}`);\n' + tries],
    [saysNew, ''],
  ),
  client(3, 'does-not-wait-for-the-handshake', [shakes, "  era = 'old';\n  void shakeHands();\n"]),
  client(3, 'calls-the-tool-to-find-out', [
    tries,
    "  const { response, answer } = await tryRequest('tools/call', { name: 'process_files', arguments: { message } });\n",
  ]),
  client(3, 'calls-again-after-a-failure', [
    calls,
    "  const call = () => request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });\n  const result = await call().catch(call);\n",
  ]),
  client(3, 'falls-back-when-the-call-fails', [
    calls,
    "  const call = () => request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });\n  const result = await call().catch(async () => {\n    era = 'old';\n    await shakeHands();\n    return call();\n  });\n",
  ]),
];
