import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const done = "      await context.mcpReq.log('notice', `${name} is done`, name);\n";
const logs = '      mcpReq.log(level as LoggingLevel, data, logger).catch(tooLate);\n';
const token = '      const progressToken = mcpReq._meta?.progressToken;\n';
const onlyIfAsked = '      if (progressToken === undefined) return;\n';
const reports = `      mcpReq
        .notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } })
        .catch(tooLate);
`;
const handles = 'const handle = toNodeHandler(createMcpHandler(makeServer));\n';
const finds =
  "  const transport = isInitializeRequest(request.body) ? await beginSession() : sessions.get(id ?? '');\n";
const missing = "  else if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');\n";
const unknown = "  else refuse(response, 404, -32600, 'there is no such session');\n";
const hands = '  if (transport) await transport.handleRequest(request, response, request.body);\n';
const generates = '    sessionIdGenerator: randomUUID,\n';
const keeps = '    onsessioninitialized: (id) => void sessions.set(id, transport),\n';
const forgets = '    onsessionclosed: (id) => void sessions.delete(id),\n';
const connects = '  await makeServer().connect(transport);\n';
const routes = `  const asked = await toWebRequest(request, request.body);
  if (await isLegacyRequest(asked)) return handleSession(request, response);
`;
const types = 'const sessions = new Map<string, NodeStreamableHTTPServerTransport>();\n';

/** Lines of the finished client that several mistakes change. */
const handler = "  client.setNotificationHandler('notifications/message', ({ params }) => show(params));\n";
const connecting = '  await client.connect(transport);\n';
const level = "  await client.setLoggingLevel('info');\n";
const only404 = '    if (!(error instanceof SdkHttpError) || error.status !== 404) throw error;\n';
const closes = '    await session.client.close();\n';
const renews = '    session = await beginSession();\n';
const repeats = '    return call(session, message);\n';
const goodbye = '  await session?.transport.terminateSession().catch(() => {});\n';
const tries = `  try {
    return await call(session, message);
  } catch (error) {
${only404}${closes}${renews}${repeats}  }
`;

export const mistakes: Mistake[] = [
  server(1, 'bypasses-the-level', [
    logs,
    `      mcpReq
        .notify({ method: 'notifications/message', params: { level: level as LoggingLevel, data, logger } })
        .catch(tooLate);
`,
  ]),
  server(1, 'compares-with-info', [
    logs,
    `      if (level === 'debug') return;
      mcpReq
        .notify({ method: 'notifications/message', params: { level: level as LoggingLevel, data, logger } })
        .catch(tooLate);
`,
  ]),
  server(1, 'logs-nothing', [logs, '']),
  server(1, 'logs-everything-as-info', [logs, logs.replace('level as LoggingLevel', "'info'")]),
  server(1, 'forgets-the-logger', [logs, logs.replace(', logger)', ')')]),
  server(1, 'logs-on-standard-output', [logs, '      console.log(level, data, logger);\n']),
  server(1, 'says-done-to-nobody', [
    done,
    "      await server.sendLoggingMessage({ level: 'notice', data: `${name} is done`, logger: name });\n",
  ]),
  server(1, 'says-done-past-the-level', [
    done,
    "      await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'notice', data: `${name} is done`, logger: name } });\n",
  ]),
  server(1, 'says-done-later', [
    done,
    "      setTimeout(() => void context.mcpReq.log('notice', `${name} is done`, name).catch(tooLate), 10);\n",
  ]),
  server(1, 'says-done-in-standard-error', [done, '      console.error(`${name} is done`);\n']),
  server(1, 'ends-with-a-late-log', [logs, '      void mcpReq.log(level as LoggingLevel, data, logger);\n']),
  server(1, 'ends-with-a-late-report', [
    reports,
    reports.replace('\n        .catch(tooLate)', '').replace('mcpReq', 'void mcpReq'),
  ]),
  server(1, 'throws-in-the-catch', [
    '  console.log(`a tool has said something after its result (${error.message})`);\n',
    '  throw error;\n',
  ]),
  server(1, 'takes-token-0-for-none', [onlyIfAsked, '      if (!progressToken) return;\n']),
  server(1, 'invents-a-token', [token, '      const progressToken = mcpReq._meta?.progressToken ?? 0;\n']),
  server(
    1,
    'reports-without-a-token',
    [onlyIfAsked, ''],
    [token, '      const progressToken = mcpReq._meta?.progressToken!;\n'],
  ),
  server(1, 'token-becomes-a-string', [token, '      const progressToken = String(mcpReq._meta?.progressToken);\n']),
  server(1, 'token-is-the-id', [token, '      const progressToken = mcpReq.id;\n']),
  server(1, 'reports-nothing', [reports, '']),
  server(1, 'forgets-the-message', [reports, reports.replace(', total, message }', ', total }')]),
  server(1, 'answers-in-json', [
    handles,
    "const handle = toNodeHandler(createMcpHandler(makeServer, { responseMode: 'json' }));\n",
  ]),
  server(1, 'shares-one-server', [
    handles,
    'const shared = makeServer();\nconst handle = toNodeHandler(createMcpHandler(() => shared));\n',
  ]),
  server(1, 'a-server-for-each-tool-name', [
    handles,
    'let made: McpServer | undefined;\nconst handle = toNodeHandler(createMcpHandler(() => (made ??= makeServer())));\n',
  ]),
  server(
    1,
    'collects-the-logs',
    [
      logs,
      '      (collected[String(mcpReq.id)] ??= []).push(() => mcpReq.log(level as LoggingLevel, data, logger));\n',
    ],
    [
      done,
      `      for (const send of collected[String(context.mcpReq.id)] ?? []) await send();
      delete collected[String(context.mcpReq.id)];
${done}`,
    ],
    [
      '/** What a tool may do during a call, done with the SDK. */\n',
      'const collected: Record<string, (() => Promise<void>)[]> = {};\n\n/** What a tool may do during a call, done with the SDK. */\n',
    ],
  ),
  server(1, 'result-without-waiting', [
    '      const result = await run(args, contextOf(context));\n',
    "      void run(args, contextOf(context));\n      const result = { content: [{ type: 'text', text: 'begun' }] };\n",
  ]),

  server(2, 'stays-stateless', [routes, '']),
  server(2, 'routes-by-the-session-id', [
    routes,
    "  if (request.get('MCP-Session-Id') || isInitializeRequest(request.body)) return handleSession(request, response);\n",
  ]),
  server(2, 'routes-post-only', [routes, routes.replace('if (await', "if (request.method === 'POST' && await")]),
  server(2, 'a-transport-without-an-id', [generates, '    sessionIdGenerator: undefined,\n']),
  server(2, 'counts-the-ids', [generates, '    sessionIdGenerator: () => String(sessions.size + 1),\n']),
  server(2, 'same-id-for-all', [generates, "    sessionIdGenerator: () => 'the-session-of-this-server',\n"]),
  server(2, 'never-keeps-a-session', [keeps, '']),
  server(2, 'forgets-all-sessions', [forgets, '    onsessionclosed: () => sessions.clear(),\n']),
  server(2, 'begins-a-session-for-unknown-ids', [
    finds,
    "  const transport = sessions.get(id ?? '') ?? (await beginSession());\n",
  ]),
  server(2, 'takes-the-id-that-a-client-brings', [
    finds,
    "  const transport = sessions.get(id ?? '') ?? (isInitializeRequest(request.body) ? await beginSession() : undefined);\n",
  ]),
  server(2, 'unknown-is-400', [unknown, unknown.replace('404', '400')]),
  server(2, 'missing-is-404', [missing, '']),
  server(
    2,
    'sessions-in-an-object',
    [types, 'const sessions: Record<string, NodeStreamableHTTPServerTransport> = {};\n'],
    [finds, "  const transport = isInitializeRequest(request.body) ? await beginSession() : sessions[id ?? ''];\n"],
    [keeps, '    onsessioninitialized: (id) => void (sessions[id] = transport),\n'],
    [forgets, '    onsessionclosed: (id) => void delete sessions[id],\n'],
  ),
  server(
    2,
    'one-server-for-all-sessions',
    [connects, '  await shared.connect(transport);\n'],
    [types, `${types}const shared = makeServer();\n`],
  ),
  server(2, 'a-new-transport-for-each-request', [
    finds,
    "  const known = sessions.get(id ?? '');\n  const transport = isInitializeRequest(request.body) || known ? await beginSession() : undefined;\n",
  ]),
  server(2, 'forgets-the-parsed-body', [hands, '  if (transport) await transport.handleRequest(request, response);\n']),
  server(2, 'never-connects', [connects, '']),
  server(2, 'no-signal', ['    signal: mcpReq.signal,\n', '']),
  server(
    2,
    'rejects-old-clients',
    [handles, "const handle = toNodeHandler(createMcpHandler(makeServer, { legacy: 'reject' }));\n"],
    [routes, ''],
  ),
  server(2, 'answers-in-json-in-a-session', [generates, `${generates}    enableJsonResponse: true,\n`]),

  server(2, 'says-done-beside-the-call', [
    done,
    `      if (context.sessionId) await server.sendLoggingMessage({ level: 'notice', data: \`\${name} is done\` }, context.sessionId);
      else await context.mcpReq.log('notice', \`\${name} is done\`, name);
`,
  ]),

  client(3, 'handler-after-the-handshake', [`${handler}${connecting}`, `${connecting}${handler}`]),
  client(3, 'handler-after-connect', [`${handler}${connecting}${level}`, `${connecting}${level}${handler}`]),
  client(
    3,
    'handler-after-the-first-session',
    [handler, ''],
    [
      '  session ??= await beginSession();\n',
      "  if (!session) {\n    session = await beginSession();\n    session.client.setNotificationHandler('notifications/message', ({ params }) => show(params));\n  }\n",
    ],
  ),
  client(3, 'does-not-begin-again', [tries, '  return call(session, message);\n']),
  client(3, 'repeats-in-the-old-session', [closes, ''], [renews, '']),
  client(3, 'begins-again-after-each-error', [only404, '']),
  client(3, 'begins-again-after-each-status', [only404, '    if (!(error instanceof SdkHttpError)) throw error;\n']),
  client(3, 'looks-at-the-code', [only404, '    if ((error as { code?: unknown }).code !== 404) throw error;\n']),
  client(3, 'takes-400-for-the-end', [
    only404,
    only404.replace('error.status !== 404', '![400, 404].includes(error.status ?? 0)'),
  ]),
  client(3, 'takes-a-server-error-for-the-end', [
    only404,
    only404.replace('error.status !== 404', '(error.status !== 404 && error.status! < 500)'),
  ]),
  client(3, 'repeats-without-reports', [
    repeats,
    "    return session.client.callTool({ name: 'process_files', arguments: { message } });\n",
  ]),
  client(
    3,
    'begins-again-one-time-in-all',
    ['let session: Session | undefined;\n', 'let session: Session | undefined;\nlet begunAgain = false;\n'],
    [only404, `${only404.replace('!== 404', '!== 404 || begunAgain')}    begunAgain = true;\n`],
  ),
  client(3, 'compares-with-400', [only404, only404.replace('404', '400')]),
  client(3, 'begins-again-for-ever', [repeats, '    return callTool(message);\n']),
  client(3, 'forgets-the-call', [repeats, '    return { content: [] };\n']),
  client(
    3,
    'throws-the-old-session-away',
    [renews, '    const next = await beginSession();\n'],
    [repeats, '    return call(next, message);\n'],
  ),
  client(3, 'keeps-the-old-transport', [renews, '    await session.client.connect(session.transport);\n']),
  client(3, 'connects-without-the-level', [
    renews,
    '    const transport = new StreamableHTTPClientTransport(url);\n    await session.client.connect(transport);\n    session = { client: session.client, transport };\n',
  ]),
  client(3, 'asks-for-the-level-one-time', [level, "  if (!session) await client.setLoggingLevel('info');\n"]),
  client(3, 'never-asks-for-a-level', [level, '']),
  client(3, 'leaves-without-a-word', [goodbye, '']),
  client(3, 'leaves-without-a-word-after-a-failure', [
    '} finally {\n  await endSession();\n}\n',
    '}\nif (process.exitCode === 1) await session?.client.close();\nelse await endSession();\n',
  ]),
  client(
    3,
    'goodbye-after-close',
    [`${goodbye}`, ''],
    ['  await session?.client.close();\n}', `  await session?.client.close();\n${goodbye}}`],
  ),
  client(3, 'ends-the-session-that-is-over', [closes, `    await session.transport.terminateSession();\n${closes}`]),
  client(3, 'shows-the-goodbye-that-failed', [goodbye, '  await session?.transport.terminateSession();\n']),
];
