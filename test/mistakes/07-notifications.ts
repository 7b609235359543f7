import type { Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const says = "      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');\n";
const works = '      await work(name);\n';
const imports = "import { work } from '#support/work.ts';\n";
const writes = '  response.write(`data: ${JSON.stringify(message)}\\n\\n`);\n';
const context = 'const context: Context = { log: (level, data, logger) => log(response, session, { level, logger, data }) };';
const answers = '  const answered = await answer(message, context, session);\n';
const sendsAnswer = '  send(response, { jsonrpc: \'2.0\', id: message.id, ...answered });\n  response.end();\n}\n\n/** Writes one';
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
  {
    name: 'one-json-array',
    task: 1,
    file: 'server.ts',
    edits: [
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
      [sendsAnswer, `  response.json([...collected.get(response)!, { jsonrpc: '2.0', id: message.id, ...answered }]);\n}\n\n/** Writes one`],
    ],
  },
  {
    name: 'may-be-transformed',
    task: 1,
    file: 'server.ts',
    edits: [["'no-cache, no-transform'", "'no-cache'"]],
  },
  {
    name: 'collects-events',
    task: 1,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nconst body = new Map<Response, string>();\n`],
      [writes, "  body.set(response, `${body.get(response) ?? ''}data: ${JSON.stringify(message)}\\n\\n`);\n"],
      [sendsAnswer, sendsAnswer.replace('response.end()', 'response.end(body.get(response))')],
    ],
  },
  {
    name: 'says-nothing',
    task: 1,
    file: 'server.ts',
    edits: [[says, '']],
  },
  {
    name: 'still-silent',
    task: 1,
    file: 'server.ts',
    edits: [[answers, answers.replace('context', 'silent')]],
  },
  {
    name: 'drops-what-is-at-the-level',
    task: 1,
    file: 'server.ts',
    edits: [[filters, filters.replace('<', '<=')]],
  },
  {
    name: 'counts-from-zero',
    task: 1,
    file: 'server.ts',
    edits: [[says, says.replace('${i + 1}', '${i}')]],
  },
  {
    name: 'says-it-when-it-is-done',
    task: 1,
    file: 'server.ts',
    edits: [[says + works, works + says]],
  },
  {
    name: 'forgets-to-await-the-work',
    task: 1,
    file: 'server.ts',
    edits: [[works, works.replace('await ', 'void ')]],
  },
  {
    name: 'all-files-at-once',
    task: 1,
    file: 'server.ts',
    edits: [
      ['for (const [i, { name }] of documents.entries()) {', 'await Promise.all([...documents.entries()].map(async ([i, { name }]) => {'],
      [`${works}    }\n`, `${works}    }));\n`],
    ],
  },
  {
    name: 'notifications-with-an-id',
    task: 1,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nlet lastId = 0;\n`],
      [notifies, notifies.replace("jsonrpc: '2.0',", "jsonrpc: '2.0', id: ++lastId,").replace('params }', 'params } as JsonRpcNotification')],
    ],
  },
  {
    name: 'a-response-for-each-file',
    task: 1,
    file: 'server.ts',
    edits: [
      ['context: Context = { log: (level, data, logger) => log(response, session, { level, logger, data }) };', "context: Context = { log: (level, data) => send(response, { jsonrpc: '2.0', id: message.id, result: { level, data } }) };"],
    ],
  },
  {
    name: 'severity-as-the-method',
    task: 1,
    file: 'server.ts',
    edits: [[notifies, notifies.replace("'notifications/message'", '`notifications/${params.level}`')]],
  },
  {
    name: 'message-instead-of-data',
    task: 1,
    file: 'server.ts',
    edits: [[notifies, notifies.replace('params }', 'params: { level: params.level, message: params.data } }')]],
  },
  {
    name: 'level-in-capitals',
    task: 1,
    file: 'server.ts',
    edits: [[notifies, notifies.replace('params }', 'params: { ...params, level: params.level.toUpperCase() } }')]],
  },
  {
    name: 'named-events',
    task: 1,
    file: 'server.ts',
    edits: [[writes, "  response.write(`event: ${'method' in message ? 'notification' : 'result'}\\ndata: ${JSON.stringify(message)}\\n\\n`);\n"]],
  },
  {
    name: 'indented-json',
    task: 1,
    file: 'server.ts',
    edits: [[writes, '  response.write(`data: ${JSON.stringify(message, null, 2)}\\n\\n`);\n']],
  },
  {
    name: 'one-line-break-too-few',
    task: 1,
    file: 'server.ts',
    edits: [[writes, '  response.write(`data: ${JSON.stringify(message)}\\n`);\n']],
  },
  {
    name: 'the-result-without-its-envelope',
    task: 1,
    file: 'server.ts',
    edits: [[sendsAnswer, sendsAnswer.replace("{ jsonrpc: '2.0', id: message.id, ...answered }", "('result' in answered ? answered.result : answered) as JsonRpcResponse")]],
  },
  {
    name: 'never-ends',
    task: 1,
    file: 'server.ts',
    edits: [[sendsAnswer, sendsAnswer.replace('  response.end();\n', '')]],
  },
  {
    name: 'one-response-for-all',
    task: 1,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nlet stream: Response;\n`],
      ['  response.flushHeaders();\n', '  response.flushHeaders();\n  stream = response;\n'],
      [context, context.replace('log(response,', 'log(stream,')],
    ],
  },
  {
    name: 'finds-the-response-by-the-request-id',
    task: 1,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nconst streams = new Map<string | number, Response>();\n`],
      ['  response.flushHeaders();\n', '  response.flushHeaders();\n  streams.set(message.id, response);\n'],
      [context, context.replace('log(response,', 'log(streams.get(message.id)!,')],
    ],
  },
  {
    name: 'tells-everybody',
    task: 1,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nconst streams = new Set<Response>();\n`],
      ['  response.flushHeaders();\n', '  response.flushHeaders();\n  streams.add(response);\n'],
      [answers, `${answers}  streams.delete(response);\n`],
      [notifies, `  for (const stream of streams) send(stream, { jsonrpc: '2.0', method: 'notifications/message', params });\n`],
    ],
  },
  {
    name: 'one-call-after-the-other',
    task: 1,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nlet before: Promise<unknown> = Promise.resolve();\n`],
      [answers, '  const own = before.then(() => answer(message, context, session));\n  before = own;\n  const answered = await own;\n'],
    ],
  },
  {
    name: 'unknown-tool-as-a-result',
    task: 1,
    file: 'server.ts',
    edits: [['return failure(-32602, `Unknown tool: ${call.data.name}`);', 'return toolFailure(`Unknown tool: ${call.data.name}`);']],
  },

  {
    name: 'one-session-for-all',
    task: 2,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nconst theSession = randomUUID();\n`],
      [sessionId, sessionId.replace('randomUUID()', 'theSession')],
    ],
  },
  {
    name: 'counts-sessions',
    task: 2,
    file: 'server.ts',
    edits: [[sessionId, sessionId.replace('randomUUID()', "`session-${String(sessions.size + 1).padStart(8, '0')}`")], ["import { randomUUID } from 'node:crypto';\n", '']],
  },
  {
    name: 'unknown-session-is-400',
    task: 2,
    file: 'server.ts',
    edits: [[refusesSession, "    refuse(response, 400, -32600, 'no session');\n"]],
  },
  {
    name: 'no-session-is-404',
    task: 2,
    file: 'server.ts',
    edits: [[refusesSession, "    refuse(response, 404, -32600, 'no such session');\n"]],
  },
  {
    name: 'notifications-without-a-session',
    task: 2,
    file: 'server.ts',
    edits: [['  if (!session) {\n', '  if (!session && !isRequest(message)) {\n    response.status(202).end();\n    return;\n  }\n  if (!session) {\n']],
  },
  {
    name: 'begins-a-session-for-any-id',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        findsSession,
        `let session: Session | undefined = begins ? { level: 'info' } : sessions.get(sessionId ?? '');
  if (!session && sessionId !== undefined) sessions.set(sessionId, (session = { level: 'info' }));`,
      ],
    ],
  },
  {
    name: 'sessions-in-a-plain-object',
    task: 2,
    file: 'server.ts',
    edits: [
      ['const sessions = new Map<string, Session>();', 'const sessions: Record<string, Session> = {};'],
      [findsSession, "const session = begins ? { level: 'info' } : sessions[sessionId ?? ''];"],
      ['    sessions.set(sessionId!, session);\n', '    sessions[sessionId!] = session;\n'],
      [deletes, "  const ended = delete sessions[request.get('MCP-Session-Id') ?? ''];\n"],
    ],
  },
  {
    name: 'any-level-will-do',
    task: 2,
    file: 'server.ts',
    edits: [[levelParams, 'const setLevelParams = z.object({ level: z.string() });']],
  },
  {
    name: 'levels-in-any-case',
    task: 2,
    file: 'server.ts',
    edits: [[levelParams, "const setLevelParams = z.object({ level: z.preprocess((level) => String(level).toLowerCase(), z.enum(levels)) });"]],
  },
  {
    name: 'bad-level-is-an-internal-error',
    task: 2,
    file: 'server.ts',
    edits: [[refusesLevel, refusesLevel.replace('-32602', '-32603')]],
  },
  {
    name: 'levels-of-another-library',
    task: 2,
    file: 'server.ts',
    edits: [[order, "['trace', 'debug', 'info', 'warning', 'error', 'critical', 'alert', 'emergency']"]],
  },
  {
    name: 'set-level-as-a-notification',
    task: 2,
    file: 'server.ts',
    edits: [
      [
        '  if (!isRequest(message)) {\n',
        `  if (isRequest(message) && message.method === 'logging/setLevel') {
    await answer(message, silent, session);
    response.status(202).end();
    return;
  }
  if (!isRequest(message)) {
`,
      ],
    ],
  },
  {
    name: 'answers-with-the-level',
    task: 2,
    file: 'server.ts',
    edits: [[`${refusesLevel}    return { result: {} };\n`, `${refusesLevel}    return { result: { level: data.level } };\n`]],
  },
  {
    name: 'levels-by-the-alphabet',
    task: 2,
    file: 'server.ts',
    edits: [[filters, '  if (params.level < session.level) return;\n']],
  },
  {
    name: 'only-what-is-above',
    task: 2,
    file: 'server.ts',
    edits: [[filters, filters.replace('<', '<=')], ["begins ? { level: 'info' }", "begins ? { level: 'debug' }"]],
  },
  {
    name: 'the-numbers-of-syslog',
    task: 2,
    file: 'server.ts',
    edits: [[order, "['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug']"]],
  },
  {
    name: 'forgets-the-level',
    task: 2,
    file: 'server.ts',
    edits: [['    session.level = data.level;\n', '']],
  },
  {
    name: 'sets-the-level-before-it-looks',
    task: 2,
    file: 'server.ts',
    edits: [[refusesLevel, `    session.level = String(params.level);
    const { error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
`]],
  },
  {
    name: 'one-level-for-all',
    task: 2,
    file: 'server.ts',
    edits: [
      [imports, `${imports}\nlet currentLevel = 'info';\n`],
      ['    session.level = data.level;\n', '    currentLevel = data.level;\n'],
      [filters, filters.replace('session.level', 'currentLevel')],
    ],
  },
  {
    name: 'data-as-text',
    task: 2,
    file: 'server.ts',
    edits: [[notifies, notifies.replace('params }', "params: { ...params, data: typeof params.data === 'string' ? params.data : JSON.stringify(params.data) } }")]],
  },
  {
    name: 'drops-empty-data',
    task: 2,
    file: 'server.ts',
    edits: [[filters, `${filters}  if (!params.data) return;\n`]],
  },
  {
    name: 'logger-is-null',
    task: 2,
    file: 'server.ts',
    edits: [[notifies, notifies.replace('params }', 'params: { ...params, logger: params.logger ?? null } }')]],
  },
  {
    name: 'goes-on-after-delete',
    task: 2,
    file: 'server.ts',
    edits: [[deletes, "  const ended = sessions.has(request.get('MCP-Session-Id') ?? '');\n"]],
  },
  {
    name: 'delete-ends-all-sessions',
    task: 2,
    file: 'server.ts',
    edits: [[deletes, '  const ended = sessions.size > 0;\n  sessions.clear();\n']],
  },

  {
    name: 'stops-when-the-client-leaves',
    task: 3,
    file: 'server.ts',
    edits: [
      [afterTheEnd, `${afterTheEnd}  if (response.destroyed) throw new Error('the client has left');\n`],
    ],
  },
  {
    name: 'a-pipeline-that-breaks',
    task: 3,
    file: 'server.ts',
    edits: [
      ["import express,", "import { PassThrough } from 'node:stream';\nimport { pipeline } from 'node:stream/promises';\nimport express,"],
      [imports, `${imports}\nconst streams = new Map<Response, PassThrough>();\n`],
      ['  response.flushHeaders();\n', '  response.flushHeaders();\n  const stream = new PassThrough();\n  streams.set(response, stream);\n  void pipeline(stream, response);\n'],
      [writes, '  streams.get(response)!.write(`data: ${JSON.stringify(message)}\\n\\n`);\n'],
      [sendsAnswer, sendsAnswer.replace('response.end()', 'stream.end()')],
      [afterTheEnd, '  if (streams.get(response)!.writableEnded) return;\n'],
    ],
  },
  {
    name: 'the-session-ends-with-the-connection',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        '    await streamAnswer(message, session, response);\n',
        `    response.on('close', () => {
      if (!response.writableFinished) sessions.delete(sessionId!);
    });
    await streamAnswer(message, session, response);
`,
      ],
    ],
  },
  {
    name: 'nobody-catches-the-tool',
    task: 3,
    file: 'server.ts',
    edits: [[runs, '    return { result: await tool.run(args.data, context) };\n']],
  },
  {
    name: 'the-failure-of-a-tool-as-a-log-message',
    task: 3,
    file: 'server.ts',
    edits: [
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
    ],
  },
  {
    name: 'the-failure-of-a-tool-as-an-error',
    task: 3,
    file: 'server.ts',
    edits: [['      return toolFailure((error as Error).message);\n', '      return failure(-32603, (error as Error).message);\n']],
  },
  {
    name: 'an-answer-too-many',
    task: 3,
    file: 'server.ts',
    edits: [
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
    ],
  },
  {
    name: 'ends-a-little-later',
    task: 3,
    file: 'server.ts',
    edits: [
      [sendsAnswer, sendsAnswer.replace('  response.end();\n', '  setImmediate(() => response.end());\n')],
    ],
  },
  {
    name: 'a-closed-controller',
    task: 3,
    file: 'server.ts',
    edits: [
      ["import express,", "import { Readable } from 'node:stream';\nimport express,"],
      [imports, `${imports}\nconst controllers = new Map<Response, ReadableStreamDefaultController>();\n`],
      [
        '  response.flushHeaders();\n',
        `  response.flushHeaders();
  const body = new ReadableStream({ start: (controller) => void controllers.set(response, controller) });
  Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).on('error', () => {}).pipe(response);
`,
      ],
      [writes, '  controllers.get(response)!.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(message)}\\n\\n`));\n'],
      [sendsAnswer, sendsAnswer.replace('response.end()', 'controllers.get(response)!.close()')],
      [afterTheEnd, ''],
    ],
  },
  {
    name: 'a-timer-that-outlives-the-client',
    task: 3,
    file: 'server.ts',
    edits: [
      [
        '  response.flushHeaders();\n',
        "  response.flushHeaders();\n  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), 15_000);\n  response.on('finish', () => clearInterval(keepAlive));\n",
      ],
    ],
  },
  {
    name: 'a-timer-that-nobody-clears',
    task: 3,
    file: 'server.ts',
    edits: [['  response.flushHeaders();\n', "  response.flushHeaders();\n  setInterval(() => response.write(': still at work\\n\\n'), 15_000);\n"]],
  },
  {
    name: 'a-listener-that-outlives-the-client',
    task: 3,
    file: 'server.ts',
    edits: [
      ["import express,", "import { EventEmitter } from 'node:events';\nimport express,"],
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
    ],
  },
];
