import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const makes =
  "  const server = new McpServer({ name: 'chunk-by-chunk', version: '1.0.0' }, { capabilities: { logging: {} } });\n";
const runs = '      return (await run(args, contextOf(request))) as CallToolResult;\n';
const registers = '    server.registerTool(name, { description, inputSchema: input }, async (args, request) => {\n';
const token = '  const progressToken = mcpReq._meta?.progressToken;\n';
const logs = '      mcpReq.log(level as LoggingLevel, data, logger).catch(() => {});\n';
const looks = '      if (progressToken === undefined) return;\n';
const params = '      const params = { progressToken, progress, total, message };\n';
const notifies = "      mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});\n";
const signals = '    signal: mcpReq.signal,\n';
const mounts = "app.all('/mcp', toNodeHandler(createMcpHandler(makeServer)));\n";
const registered = 'of [processFiles as Tool, ...moreTools]) {\n';

const ofServer: Mistake[] = [
  server(1, 'lists-only-its-own-tool', [registered, 'of [processFiles as Tool]) {\n']),
  server(1, 'one-description-for-all', [registers, registers.replace('{ description,', "{ description: 'A tool',")]),
  server(1, 'parses-the-body-first', [
    'const app = express();\n',
    'const app = express();\napp.use(express.json());\n',
  ]),
  server(1, 'one-server-for-all-requests', [
    mounts,
    mounts.replace('makeServer)', '() => onlyServer)').replace('app.all', 'const onlyServer = makeServer();\napp.all'),
  ]),
  server(1, 'refuses-the-older-revision', [mounts, mounts.replace('makeServer)', "makeServer, { legacy: 'reject' })")]),
  server(1, 'forgets-to-return', [
    runs,
    runs.replace('return (await', 'void ((await').replace('Result;', 'Result);\n      return { content: [] };'),
  ]),
  server(1, 'makes-text-of-an-error', [
    runs,
    `      try {\n  ${runs}      } catch (error) {\n        return { content: [{ type: 'text', text: (error as Error).message }] };\n      }\n`,
  ]),
  server(1, 'hides-the-error', [
    runs,
    `      try {\n  ${runs}      } catch {\n        return { content: [{ type: 'text', text: 'the tool failed' }], isError: true };\n      }\n`,
  ]),
  server(1, 'keeps-only-the-content', [
    runs,
    '      const { content } = await run(args, contextOf(request));\n      return { content } as CallToolResult;\n',
  ]),
  server(1, 'keeps-only-the-texts', [
    runs,
    `      const result = await run(args, contextOf(request));
      return { ...result, content: result.content.filter(({ type }) => type === 'text') } as CallToolResult;
`,
  ]),
  server(1, 'forgets-the-capability', [makes, makes.replace(', { capabilities: { logging: {} } }', '')]),
  server(1, 'answers-in-json', [mounts, mounts.replace('makeServer)', "makeServer, { responseMode: 'json' })")]),
  server(1, 'collects-the-messages', [
    runs,
    `      const waiting: (() => void)[] = [];
      const { log, progress, ...others } = contextOf(request);
      const result = await run(args, {
        ...others,
        log: (...all) => waiting.push(() => log(...all)),
        progress: (...all) => waiting.push(() => progress?.(...all)),
      });
      for (const send of waiting) send();
      return result as CallToolResult;
`,
  ]),
  server(
    1,
    'logs-without-a-request',
    [
      'contextOf({ mcpReq }: ServerContext): Context {\n',
      'contextOf({ mcpReq }: ServerContext, server: McpServer): Context {\n',
    ],
    [runs, runs.replace('contextOf(request)', 'contextOf(request, server)')],
    [logs, '      server.server.sendLoggingMessage({ level: level as LoggingLevel, data, logger }).catch(() => {});\n'],
  ),
  server(1, 'logs-everything-as-info', [logs, logs.replace('level as LoggingLevel', "'info'")]),
  server(1, 'drops-the-logger', [logs, logs.replace(', logger)', ')')]),
  server(1, 'makes-text-of-the-data', [logs, logs.replace('data,', 'JSON.stringify(data),')]),
  server(1, 'drops-a-zero', [logs, logs.replace('mcpReq', 'if (data) mcpReq')]),
  server(1, 'makes-up-a-message', [params, params.replace('message }', "message: message ?? '' }")]),
  server(1, 'logs-what-nobody-asked-for', [
    logs,
    "      mcpReq.notify({ method: 'notifications/message', params: { level, data, logger } }).catch(() => {});\n",
  ]),
  server(1, 'reports-as-a-log-message', [notifies, "      mcpReq.log('info', params).catch(() => {});\n"]),
  server(1, 'reports-without-a-token', [looks, '']),
  server(1, 'ignores-token-zero', [looks, looks.replace('progressToken === undefined', '!progressToken')]),
  server(
    1,
    'leaves-out-most-reports',
    [token, `${token}  let next = 0;\n`],
    [looks, `${looks}      if (Date.now() < next) return;\n      next = Date.now() + 60_000;\n`],
  ),
  server(1, 'makes-text-of-the-token', [
    params,
    params.replace('progressToken,', 'progressToken: String(progressToken),'),
  ]),
  server(
    1,
    'remembers-one-token',
    [
      '/** What a tool of this workshop may do',
      'let progressToken: string | number | undefined;\n\n/** What a tool of this workshop may do',
    ],
    [token, token.replace('const ', '')],
  ),
  server(
    1,
    'remembers-the-newest-request',
    [
      '/** What a tool of this workshop may do',
      "let newest: ServerContext['mcpReq'];\n\n/** What a tool of this workshop may do",
    ],
    [token, `${token}  newest = mcpReq;\n`],
    [logs, logs.replace('mcpReq', 'newest')],
  ),
  server(1, 'forgets-the-signal', [signals, '']),
  server(
    1,
    'shares-one-signal',
    [
      '/** What a tool of this workshop may do',
      'const stop = new AbortController();\n\n/** What a tool of this workshop may do',
    ],
    [token, `${token}  mcpReq.signal.addEventListener('abort', () => stop.abort());\n`],
    [signals, signals.replace('mcpReq.signal', 'stop.signal')],
  ),
  server(1, 'catches-no-late-log', [logs, logs.replace('mcpReq', 'void mcpReq').replace('.catch(() => {})', '')]),
  server(1, 'catches-no-late-report', [
    notifies,
    notifies.replace('mcpReq', 'void mcpReq').replace('.catch(() => {})', ''),
  ]),
];

/** Lines of the finished client that several mistakes change. */
const negotiates = ", { versionNegotiation: { mode: 'auto' } });\n";
const onLog =
  "client.setNotificationHandler('notifications/message', ({ params: { level, data } }) => {\n  console.log(`NOTIFICATION: ${level} ${textOrJson(data)}`);\n});\n";
const onOther =
  'client.fallbackNotificationHandler = async ({ method, params }) => {\n  console.log(`NOTIFICATION: ${params ? `${method} ${JSON.stringify(params)}` : method}`);\n};\n';
const asks = ", _meta: { [LOG_LEVEL_META_KEY]: 'info' } };\n";
const onReport = '    onprogress: (report) => console.log(`PROGRESS: ${textOfReport(report)}`),\n';
const idle = '    timeout: idleLimit,\n';
const restarts = '    resetTimeoutOnProgress: true,\n';
const total = '    maxTotalTimeout: timeLimit,\n';
const stops = '    signal: stop.signal,\n';
const onCtrlC =
  "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  stop.abort(new Error('interrupted'));\n});\n";
const ofHttp = '  if (error instanceof SdkHttpError) return 3;\n';
const ofProtocol = '  if (error instanceof ProtocolError) return 7;\n';
const ofLimit = '  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) return 6;\n';
const ofNetwork = '  if (error instanceof TypeError || error.cause instanceof TypeError) return 2;\n';
const ends = '  await transport.terminateSession().catch(() => {});\n';
const failed = '  if (result.isError) process.exitCode = 8;\n';

const ofClient: Mistake[] = [
  client(2, 'speaks-the-older-revision', [negotiates, ');\n']),
  client(2, 'speaks-only-the-newest-revision', [
    negotiates,
    ", { versionNegotiation: { mode: { pin: '2026-07-28' } } });\n",
  ]),
  client(2, 'asks-for-no-log-messages', [asks, ' };\n']),
  client(2, 'asks-for-all-log-messages', [asks, asks.replace("'info'", "'debug'")]),
  client(2, 'asks-with-a-string-as-the-key', [asks, asks.replace('[LOG_LEVEL_META_KEY]', 'LOG_LEVEL_META_KEY')]),
  client(2, 'handles-no-log-message', [onLog, '']),
  client(2, 'handles-only-log-messages', [onOther, '']),
  client(2, 'prints-only-the-data', [onLog, onLog.replace('${level} ', '')]),
  client(2, 'asks-for-no-reports', [onReport, '']),
  client(2, 'prints-the-report-as-json', [
    onReport,
    onReport.replace('textOfReport(report)', 'JSON.stringify(report)'),
  ]),
  client(
    2,
    'prints-everything-at-the-end',
    ['const client = new Client(', 'const lines: string[] = [];\nconst client = new Client('],
    [onLog, onLog.replace('console.log(', 'lines.push(')],
    [
      '  console.log(`RESULT: ${textOf(result)}`);\n',
      "  console.log([...lines, `RESULT: ${textOf(result)}`].join('\\n'));\n",
    ],
  ),
  client(
    2,
    'connects-before-it-listens',
    [onLog, ''],
    [
      "  const result = await callTool('process_files', { message });\n",
      `  const result = await callTool('process_files', { message });\n  ${onLog.replaceAll('\n', '\n  ').trimEnd()}\n`,
    ],
  ),
  client(2, 'ends-no-session', [ends, '']),
  client(2, 'ends-the-session-too-late', [ends, `  await client.close();\n${ends}`]),
  client(2, 'does-not-close', ['  clearTimeout(limit);\n  await client.close();\n', '']),

  client(3, 'restarts-no-limit', [restarts, '']),
  client(3, 'has-no-idle-limit', [idle, '    timeout: timeLimit,\n']),
  client(3, 'has-no-limit-for-the-call', [total, '']),
  client(3, 'ends-with-code-1-at-a-limit', [ofLimit, '']),
  client(3, 'listens-for-no-signal', [onCtrlC, '']),
  client(3, 'ends-at-ctrl-c', [onCtrlC, "process.once('SIGINT', () => process.exit(130));\n"]),
  client(3, 'forgets-the-exit-code-of-ctrl-c', [
    onCtrlC,
    "process.once('SIGINT', () => stop.abort(new Error('interrupted')));\n",
  ]),
  client(3, 'forgets-to-pass-the-signal', [stops, '']),
  client(3, 'closes-at-ctrl-c', [
    onCtrlC,
    onCtrlC.replace("stop.abort(new Error('interrupted'));", 'void client.close();'),
  ]),
  client(3, 'replaces-the-exit-code', [
    '  process.exitCode ??= exitCodeOf(error as Error);\n',
    '  process.exitCode = exitCodeOf(error as Error);\n',
  ]),
  client(3, 'takes-every-sdk-error-for-a-status', [ofHttp, '  if (error instanceof SdkError) return 3;\n']),
  client(3, 'knows-no-status', [ofHttp, '']),
  client(3, 'knows-no-protocol-error', [ofProtocol, '']),
  client(3, 'knows-one-protocol-error', [ofProtocol, ofProtocol.replace('Error)', 'Error && error.code === -32602)')]),
  client(3, 'knows-no-refused-connection', [ofNetwork, '']),
  client(3, 'looks-for-the-type-error-itself', [ofNetwork, '  if (error instanceof TypeError) return 2;\n']),
  client(3, 'looks-only-at-the-cause', [ofNetwork, '  if (error.cause instanceof TypeError) return 2;\n']),
  client(3, 'prints-the-stack', [
    "  console.error(`${url}: ${(error as Error).message.replaceAll(/\\s+/g, ' ')}`);\n",
    '  console.error(error);\n',
  ]),
  client(3, 'takes-a-failure-for-a-result', [failed, '']),
];

export const mistakes: Mistake[] = [...ofServer, ...ofClient];
