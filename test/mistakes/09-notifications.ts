import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const says = "      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');\n";
const works = '      await work(name);\n';
const imports = "import { work } from '#support/work.ts';\n";
const writes = '  response.write(`data: ${JSON.stringify(message)}\\n\\n`);\n';
const context =
  'const context: Context = { log: (level, data, logger) => log(response, session, { level, logger, data }) };';
const answers = '  const answered = await answer(message, context, session);\n';
const sendsAnswer =
  "  send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n  response.end();\n}\n\n/** Writes one";
const notifies = "  send(response, { jsonrpc: '2.0', method: 'notifications/message', params });\n";
const filters = '  if (levels.indexOf(params.level) < levels.indexOf(session.level)) return;\n';
const afterTheEnd = '  if (response.writableEnded) return;\n';
const order = "['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']";
const levelParams = 'const setLevelParams = z.object({ level: z.enum(levels) });';
const refusesLevel = `    const { data, error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    session.level = data.level;
`;
const sessionId = "const sessionId = begins ? randomUUID() : request.get('MCP-Session-Id');";
const findsSession = "const session = begins ? { level: 'info' } : sessions.get(sessionId ?? '');";
const refusesSession = `    if (sessionId === undefined) refuse(response, 400, -32600, 'MCP-Session-Id is missing');
    else refuse(response, 404, -32600, 'no such session');
`;
const deletes = "  const ended = sessions.delete(request.get('MCP-Session-Id') ?? '');\n";
const runs = `    try {
      return { result: await tool.run(args.data, context) };
    } catch (error) {
      return toolFailure((error as Error).message);
    }
`;

export const mistakes: Mistake[] = [
  server(
    1,
    'one-json-array',
    [imports, `${imports}\nconst collected = new Map<Response, object[]>();\n`],
    [
      `  response.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
`,
      '  collected.set(response, []);\n',
    ],
    [writes, '  collected.get(response)!.push(message);\n'],
    [
      sendsAnswer,
      `  response.json([...collected.get(response)!, { jsonrpc: '2.0', id: message.id, ...answered }]);\n}\n\n/** Writes one`,
    ],
  ),
  server(1, 'may-be-transformed', ["'no-cache, no-transform'", "'no-cache'"]),
  server(
    1,
    'collects-events',
    [imports, `${imports}\nconst body = new Map<Response, string>();\n`],
    [writes, "  body.set(response, `${body.get(response) ?? ''}data: ${JSON.stringify(message)}\\n\\n`);\n"],
    [sendsAnswer, sendsAnswer.replace('response.end()', 'response.end(body.get(response))')],
  ),
  server(1, 'says-nothing', [says, '']),
  server(1, 'still-silent', [answers, answers.replace('context', 'silent')]),
  server(1, 'drops-what-is-at-the-level', [filters, filters.replace('<', '<=')]),
  server(1, 'counts-from-zero', [says, says.replace('${i + 1}', '${i}')]),
  server(1, 'says-it-when-it-is-done', [says + works, works + says]),
  server(1, 'forgets-to-await-the-work', [works, works.replace('await ', 'void ')]),
  server(
    1,
    'all-files-at-once',
    [
      'for (const [i, { name }] of documents.entries()) {',
      'await Promise.all([...documents.entries()].map(async ([i, { name }]) => {',
    ],
    [`${works}    }\n`, `${works}    }));\n`],
  ),
  server(
    1,
    'notifications-with-an-id',
    [imports, `${imports}\nlet lastId = 0;\n`],
    [
      notifies,
      notifies
        .replace("jsonrpc: '2.0',", "jsonrpc: '2.0', id: ++lastId,")
        .replace('params }', 'params } as JsonRpcNotification'),
    ],
  ),
  server(1, 'a-response-for-each-file', [
    'context: Context = { log: (level, data, logger) => log(response, session, { level, logger, data }) };',
    "context: Context = { log: (level, data) => send(response, { jsonrpc: '2.0', id: message.id, result: { level, data } }) };",
  ]),
  server(1, 'severity-as-the-method', [
    notifies,
    notifies.replace("'notifications/message'", '`notifications/${params.level}`'),
  ]),
  server(1, 'message-instead-of-data', [
    notifies,
    notifies.replace('params }', 'params: { level: params.level, message: params.data } }'),
  ]),
  server(1, 'level-in-capitals', [
    notifies,
    notifies.replace('params }', 'params: { ...params, level: params.level.toUpperCase() } }'),
  ]),
  server(1, 'named-events', [
    writes,
    "  response.write(`event: ${'method' in message ? 'notification' : 'result'}\\ndata: ${JSON.stringify(message)}\\n\\n`);\n",
  ]),
  server(1, 'indented-json', [writes, '  response.write(`data: ${JSON.stringify(message, null, 2)}\\n\\n`);\n']),
  server(1, 'one-line-break-too-few', [writes, '  response.write(`data: ${JSON.stringify(message)}\\n`);\n']),
  server(1, 'the-result-without-its-envelope', [
    sendsAnswer,
    sendsAnswer.replace(
      "{ jsonrpc: '2.0', id: message.id, ...answered }",
      "('result' in answered ? answered.result : answered) as JsonRpcResponse",
    ),
  ]),
  server(1, 'never-ends', [sendsAnswer, sendsAnswer.replace('  response.end();\n', '')]),
  server(
    1,
    'ends-the-answer-too-early',
    [answers, '  const own = answer(message, context, session);\n  response.end();\n  const answered = await own;\n'],
    [
      sendsAnswer,
      sendsAnswer.replace('  send', '  if (!response.writableEnded) send').replace('  response.end();\n', ''),
    ],
  ),
  server(
    1,
    'one-response-for-all',
    [imports, `${imports}\nlet stream: Response;\n`],
    ['  response.flushHeaders();\n', '  response.flushHeaders();\n  stream = response;\n'],
    [context, context.replace('log(response,', 'log(stream,')],
  ),
  server(
    1,
    'finds-the-response-by-the-request-id',
    [imports, `${imports}\nconst streams = new Map<string | number, Response>();\n`],
    ['  response.flushHeaders();\n', '  response.flushHeaders();\n  streams.set(message.id, response);\n'],
    [context, context.replace('log(response,', 'log(streams.get(message.id)!,')],
  ),
  server(
    1,
    'tells-everybody',
    [imports, `${imports}\nconst streams = new Set<Response>();\n`],
    ['  response.flushHeaders();\n', '  response.flushHeaders();\n  streams.add(response);\n'],
    [answers, `${answers}  streams.delete(response);\n`],
    [
      notifies,
      `  for (const stream of streams) send(stream, { jsonrpc: '2.0', method: 'notifications/message', params });\n`,
    ],
  ),
  server(
    1,
    'one-call-after-the-other',
    [imports, `${imports}\nlet before: Promise<unknown> = Promise.resolve();\n`],
    [
      answers,
      '  const own = before.then(() => answer(message, context, session));\n  before = own;\n  const answered = await own;\n',
    ],
  ),
  server(1, 'unknown-tool-as-a-result', [
    'return failure(-32602, `Unknown tool: ${call.data.name}`);',
    'return toolFailure(`Unknown tool: ${call.data.name}`);',
  ]),

  server(
    2,
    'one-session-for-all',
    [imports, `${imports}\nconst theSession = randomUUID();\n`],
    [sessionId, sessionId.replace('randomUUID()', 'theSession')],
  ),
  server(
    2,
    'counts-sessions',
    [sessionId, sessionId.replace('randomUUID()', "`session-${String(sessions.size + 1).padStart(8, '0')}`")],
    ["import { randomUUID } from 'node:crypto';\n", ''],
  ),
  server(2, 'unknown-session-is-400', [refusesSession, "    refuse(response, 400, -32600, 'no session');\n"]),
  server(2, 'no-session-is-404', [refusesSession, "    refuse(response, 404, -32600, 'no such session');\n"]),
  server(2, 'notifications-without-a-session', [
    '  if (!session) {\n',
    '  if (!session && !isRequest(message)) {\n    response.status(202).end();\n    return;\n  }\n  if (!session) {\n',
  ]),
  server(2, 'begins-a-session-for-any-id', [
    findsSession,
    `let session: Session | undefined = begins ? { level: 'info' } : sessions.get(sessionId ?? '');
  if (!session && sessionId !== undefined) sessions.set(sessionId, (session = { level: 'info' }));`,
  ]),
  server(
    2,
    'sessions-in-a-plain-object',
    ['const sessions = new Map<string, Session>();', 'const sessions: Record<string, Session> = {};'],
    [findsSession, "const session = begins ? { level: 'info' } : sessions[sessionId ?? ''];"],
    ['    sessions.set(sessionId!, session);\n', '    sessions[sessionId!] = session;\n'],
    [deletes, "  const ended = delete sessions[request.get('MCP-Session-Id') ?? ''];\n"],
  ),
  server(2, 'any-level-will-do', [levelParams, 'const setLevelParams = z.object({ level: z.string() });']),
  server(2, 'levels-in-any-case', [
    levelParams,
    'const setLevelParams = z.object({ level: z.preprocess((level) => String(level).toLowerCase(), z.enum(levels)) });',
  ]),
  server(2, 'bad-level-is-an-internal-error', [refusesLevel, refusesLevel.replace('-32602', '-32603')]),
  server(2, 'levels-of-another-library', [
    order,
    "['trace', 'debug', 'info', 'warning', 'error', 'critical', 'alert', 'emergency']",
  ]),
  server(2, 'set-level-as-a-notification', [
    '  if (!isRequest(message)) {\n',
    `  if (isRequest(message) && message.method === 'logging/setLevel') {
    await answer(message, silent, session);
    response.status(202).end();
    return;
  }
  if (!isRequest(message)) {
`,
  ]),
  server(2, 'answers-with-the-level', [
    `${refusesLevel}    return { result: {} };\n`,
    `${refusesLevel}    return { result: { level: data.level } };\n`,
  ]),
  server(2, 'levels-by-the-alphabet', [filters, '  if (params.level < session.level) return;\n']),
  server(
    2,
    'only-what-is-above',
    [filters, filters.replace('<', '<=')],
    ["begins ? { level: 'info' }", "begins ? { level: 'debug' }"],
  ),
  server(2, 'the-numbers-of-syslog', [
    order,
    "['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug']",
  ]),
  server(2, 'forgets-the-level', ['    session.level = data.level;\n', '']),
  server(2, 'sets-the-level-before-it-looks', [
    refusesLevel,
    `    session.level = String(params.level);
    const { error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
`,
  ]),
  server(
    2,
    'one-level-for-all',
    [imports, `${imports}\nlet currentLevel = 'info';\n`],
    ['    session.level = data.level;\n', '    currentLevel = data.level;\n'],
    [filters, filters.replace('session.level', 'currentLevel')],
  ),
  server(2, 'data-as-text', [
    notifies,
    notifies.replace(
      'params }',
      "params: { ...params, data: typeof params.data === 'string' ? params.data : JSON.stringify(params.data) } }",
    ),
  ]),
  server(2, 'drops-empty-data', [filters, `${filters}  if (!params.data) return;\n`]),
  server(2, 'logger-is-null', [
    notifies,
    notifies.replace('params }', 'params: { ...params, logger: params.logger ?? null } }'),
  ]),
  server(2, 'goes-on-after-delete', [deletes, "  const ended = sessions.has(request.get('MCP-Session-Id') ?? '');\n"]),
  server(2, 'delete-ends-all-sessions', [deletes, '  const ended = sessions.size > 0;\n  sessions.clear();\n']),

  server(3, 'stops-when-the-client-leaves', [
    afterTheEnd,
    `${afterTheEnd}  if (response.destroyed) throw new Error('the client has left');\n`,
  ]),
  server(
    3,
    'a-pipeline-that-breaks',
    [
      'import express,',
      "import { PassThrough } from 'node:stream';\nimport { pipeline } from 'node:stream/promises';\nimport express,",
    ],
    [imports, `${imports}\nconst streams = new Map<Response, PassThrough>();\n`],
    [
      '  response.flushHeaders();\n',
      '  response.flushHeaders();\n  const stream = new PassThrough();\n  streams.set(response, stream);\n  void pipeline(stream, response);\n',
    ],
    [writes, '  streams.get(response)!.write(`data: ${JSON.stringify(message)}\\n\\n`);\n'],
    [sendsAnswer, sendsAnswer.replace('response.end()', 'stream.end()')],
    [afterTheEnd, '  if (streams.get(response)!.writableEnded) return;\n'],
  ),
  server(3, 'the-session-ends-with-the-connection', [
    '    await streamAnswer(message, session, response);\n',
    `    response.on('close', () => {
      if (!response.writableFinished) sessions.delete(sessionId!);
    });
    await streamAnswer(message, session, response);
`,
  ]),
  server(3, 'nobody-catches-the-tool', [runs, '    return { result: await tool.run(args.data, context) };\n']),
  server(
    3,
    'the-failure-of-a-tool-as-a-log-message',
    [runs, '    return { result: await tool.run(args.data, context) };\n'],
    [
      answers,
      `  let answered: Answer;
  try {
    answered = await answer(message, context, session);
  } catch (error) {
    context.log('error', (error as Error).message);
    response.end();
    return;
  }
`,
    ],
  ),
  server(3, 'the-failure-of-a-tool-as-an-error', [
    '      return toolFailure((error as Error).message);\n',
    '      return failure(-32603, (error as Error).message);\n',
  ]),
  server(
    3,
    'an-answer-too-many',
    [runs, '    return { result: await tool.run(args.data, context) };\n'],
    [
      answers,
      `  const answered = await answer(message, context, session).catch((error: Error) => {
    const failed = toolFailure(error.message);
    send(response, { jsonrpc: '2.0', id: message.id, ...failed });
    return failed;
  });
`,
    ],
  ),
  server(3, 'ends-a-little-later', [
    sendsAnswer,
    sendsAnswer.replace('  response.end();\n', '  setImmediate(() => response.end());\n'),
  ]),
  server(
    3,
    'a-closed-controller',
    ['import express,', "import { Readable } from 'node:stream';\nimport express,"],
    [imports, `${imports}\nconst controllers = new Map<Response, ReadableStreamDefaultController>();\n`],
    [
      '  response.flushHeaders();\n',
      `  response.flushHeaders();
  const body = new ReadableStream({ start: (controller) => void controllers.set(response, controller) });
  Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).on('error', () => {}).pipe(response);
`,
    ],
    [
      writes,
      '  controllers.get(response)!.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(message)}\\n\\n`));\n',
    ],
    [sendsAnswer, sendsAnswer.replace('response.end()', 'controllers.get(response)!.close()')],
    [afterTheEnd, ''],
  ),
  server(3, 'a-timer-that-outlives-the-client', [
    '  response.flushHeaders();\n',
    "  response.flushHeaders();\n  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), 15_000);\n  response.on('finish', () => clearInterval(keepAlive));\n",
  ]),
  server(3, 'a-timer-that-nobody-clears', [
    '  response.flushHeaders();\n',
    "  response.flushHeaders();\n  setInterval(() => response.write(': still at work\\n\\n'), 15_000);\n",
  ]),
  server(
    3,
    'a-listener-that-outlives-the-client',
    ['import express,', "import { EventEmitter } from 'node:events';\nimport express,"],
    [imports, `${imports}\nconst bus = new EventEmitter();\n`],
    [
      `  ${context}\n`,
      `  const call = {};
  const listener = (from: object, params: LogMessage) => {
    if (from === call) log(response, session, params);
  };
  bus.on('log', listener);
  response.on('finish', () => bus.off('log', listener));
  const context: Context = { log: (level, data, logger) => void bus.emit('log', call, { level, logger, data }) };
`,
    ],
  ),
];
