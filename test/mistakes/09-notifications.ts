import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const says = "      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');\n";
const works = '      await work(name);\n';
const imports = "import { work } from '#support/work.ts';\n";
const writes = '  response.write(`data: ${JSON.stringify(message)}\\n\\n`);\n';
const context =
  'const context: Context = { log: (level, data, logger) => sendLog(response, { level, logger, data }) };';
const answers = '  const answered = await answer(message, context);\n';
const sendsAnswer =
  "  send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n  response.end();\n}\n\n/** Writes one";
const notifies = "  send(response, { jsonrpc: '2.0', method: 'notifications/message', params });\n";
const afterTheEnd = '  if (response.writableEnded) return;\n';
const setsHeaders = `  response.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
`;
const flushes = '  response.flushHeaders();\n';
const streams = "  if (message.method === 'tools/call') await streamAnswer(message, response);\n";
const levelAnswer = "  'logging/setLevel': () => ({ result: {} }),\n";
const catches = `    try {
      const args = tool.input.safeParse(call.data.arguments);
      if (args.error) return toolFailure(z.prettifyError(args.error));
      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
    } catch (error) {
      return toolFailure(reasonOf(error));
    }
`;
const nobodyCatches = `    const args = tool.input.safeParse(call.data.arguments);
    if (args.error) return toolFailure(z.prettifyError(args.error));
    return { result: (await tool.run(args.data, context)) as object };
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
  server(1, 'streams-only-for-one-accept', [
    streams,
    streams.replace(
      "'tools/call')",
      "'tools/call' && request.get('Accept') === 'application/json, text/event-stream')",
    ),
  ]),
  server(1, 'drops-messages-when-a-client-is-slow', [
    afterTheEnd,
    '  if (response.writableEnded || response.writableNeedDrain) return;\n',
  ]),
  server(
    1,
    'finds-the-response-by-the-whole-request',
    [imports, `${imports}\nconst responses = new Map<string, Response>();\n`],
    [
      context,
      `const key = JSON.stringify(message);
  responses.set(key, response);
  ${context.replace('sendLog(response', 'sendLog(responses.get(key)!')}`,
    ],
  ),
  server(1, 'says-nothing', [says, '']),
  server(1, 'still-silent', [answers, answers.replace('context', 'silent')]),
  server(1, 'counts-from-zero', [says, says.replace('${i + 1}', '${i}')]),
  server(1, 'logs-that-it-begins', [
    says,
    "      if (i === 0) context.log('info', 'Starting', 'process_files');\n" + says,
  ]),
  server(
    1,
    'one-level-for-all-clients',
    [
      imports,
      `${imports}\nconst severities = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];\nlet least = 'debug';\n`,
    ],
    [levelAnswer, "  'logging/setLevel'({ level }) {\n    least = String(level);\n    return { result: {} };\n  },\n"],
    [notifies, `  if (severities.indexOf(params.level) < severities.indexOf(least)) return;\n${notifies}`],
  ),
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
    'context: Context = { log: (level, data, logger) => sendLog(response, { level, logger, data }) };',
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
  server(1, 'writes-no-event', [writes, '']),
  server(1, 'sends-no-notification', [notifies, '']),
  server(1, 'returns-when-the-headers-are-out', [notifies, `  if (response.headersSent) return;\n${notifies}`]),
  server(1, 'the-response-as-json-in-a-stream', [
    sendsAnswer,
    sendsAnswer.replace('  send(response, ', '  response.json(').replace('  response.end();\n', ''),
  ]),
  server(1, 'params-one-object-too-deep', [notifies, notifies.replace('params }', 'params: { data: params } }')]),
  server(1, 'never-ends', [sendsAnswer, sendsAnswer.replace('  response.end();\n', '')]),
  server(
    1,
    'ends-the-answer-too-early',
    [answers, '  const own = answer(message, context);\n  response.end();\n  const answered = await own;\n'],
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
    [context, context.replace('sendLog(response,', 'sendLog(stream,')],
  ),
  server(
    1,
    'finds-the-response-by-the-request-id',
    [imports, `${imports}\nconst streams = new Map<string | number, Response>();\n`],
    ['  response.flushHeaders();\n', '  response.flushHeaders();\n  streams.set(message.id, response);\n'],
    [context, context.replace('sendLog(response,', 'sendLog(streams.get(message.id)!,')],
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
      '  const own = before.then(() => answer(message, context));\n  before = own;\n  const answered = await own;\n',
    ],
  ),
  server(1, 'unknown-tool-as-a-result', [
    'return failure(-32602, `Unknown tool: ${call.data.name}`);',
    'return toolFailure(`Unknown tool: ${call.data.name}`);',
  ]),

  server(1, 'answers-400', [streams, "  if (message.method === 'tools/call') refuse(response, 400, -32600, 'no');\n"]),
  server(1, 'headers-without-a-status', [setsHeaders, `${setsHeaders}  response.status(202);\n`]),
  server(1, 'goes-on-after-the-stream', [
    streams,
    "  if (message.method === 'tools/call') await streamAnswer(message, response);\n  if (message.method === 'tools/call') send(response, message);\n",
  ]),
  server(
    1,
    'shares-the-number-of-the-file',
    [imports, `${imports}\nlet file = 0;\n`],
    [says, says.replace('${i + 1}', '${++file}')],
    [
      'for (const [i, { name }] of documents.entries()) {',
      'if (file >= documents.length) file = 0;\n    for (const { name } of documents) {',
    ],
  ),
  server(
    1,
    'shares-the-work',
    [imports, `${imports}\nconst atWork = new Map<string, Promise<void>>();\n`],
    [
      works,
      `      if (!atWork.has(name)) atWork.set(name, work(name).finally(() => atWork.delete(name)));
      await atWork.get(name);
`,
    ],
  ),
  server(
    1,
    'shares-the-answer-by-the-request-id',
    [imports, `${imports}\nconst running = new Map<string | number, Promise<Answer>>();\n`],
    [
      answers,
      `  if (!running.has(message.id)) running.set(message.id, answer(message, context).finally(() => running.delete(message.id)));
  const answered = await running.get(message.id)!;
`,
    ],
  ),
  server(
    1,
    'finds-the-stream-of-the-response-by-the-request-id',
    [imports, `${imports}\nconst streams = new Map<string | number, Response>();\n`],
    [flushes, `${flushes}  streams.set(message.id, response);\n`],
    [
      sendsAnswer,
      sendsAnswer
        .replace('send(response', 'const own = streams.get(message.id)!;\n  send(own')
        .replace('response.end()', 'own.end()'),
    ],
  ),
  server(1, 'an-id-of-digits-becomes-a-number', [
    sendsAnswer,
    sendsAnswer.replace('id: message.id', 'id: Number(message.id) || message.id'),
  ]),
  server(1, 'a-falsy-id-is-no-id', [
    sendsAnswer,
    sendsAnswer.replace('id: message.id', 'id: message.id || (null as unknown as number)'),
  ]),
  server(1, 'line-breaks-as-text', [writes, '  response.write(`data: ${JSON.stringify(message)}\\\\n\\\\n`);\n']),
  server(1, 'a-blank-line-with-a-space', [writes, '  response.write(`data: ${JSON.stringify(message)}\\n \\n`);\n']),
  server(1, 'no-field-before-the-json', [writes, '  response.write(`${JSON.stringify(message)}\\n\\n`);\n']),
  server(1, 'the-last-event-is-not-ended', [
    sendsAnswer,
    "  response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answered })}\\n`);\n}\n\n/** Writes one",
  ]),
  server(
    1,
    'one-event-for-the-last-two-messages',
    [imports, `${imports}\nconst unfinished = new Set<Response>();\n`],
    [
      writes,
      `  const last = !('method' in message);
  if (unfinished.has(response) && !last) response.write('\\n');
  unfinished.add(response);
  response.write(\`data: \${JSON.stringify(message)}\\n\${last ? '\\n' : ''}\`);
`,
    ],
  ),
  server(1, 'data-as-text', [
    notifies,
    notifies.replace(
      'params }',
      "params: { ...params, data: typeof params.data === 'string' ? params.data : JSON.stringify(params.data) } }",
    ),
  ]),
  server(1, 'drops-empty-data', [notifies, `  if (!params.data) return;\n${notifies}`]),
  server(1, 'logger-is-null', [
    notifies,
    notifies.replace('params }', 'params: { ...params, logger: params.logger ?? null } }'),
  ]),
  server(1, 'drops-the-logger', [
    notifies,
    notifies.replace('params }', 'params: { level: params.level, data: params.data } }'),
  ]),
  server(1, 'always-the-level-info', [
    notifies,
    notifies.replace('params }', "params: { ...params, level: 'info' } }"),
  ]),
  server(
    1,
    'the-same-message-only-once',
    [imports, `${imports}\nconst sent = new Set<string>();\n`],
    [
      notifies,
      `  const key = JSON.stringify(params.data);
  if (sent.has(key)) return;
  sent.add(key);
${notifies}`,
    ],
  ),
  server(
    1,
    'makes-the-json-later',
    [imports, `${imports}\nlet before: Promise<void> = Promise.resolve();\n`],
    [
      writes,
      `  before = before.then(() => {
    if (!response.writableEnded) response.write(\`data: \${JSON.stringify(message)}\\n\\n\`);
  });
`,
    ],
    [sendsAnswer, sendsAnswer.replace('  response.end();\n', '  await before;\n  response.end();\n')],
  ),
  server(1, 'does-not-declare-logging', ['capabilities: { tools: {}, logging: {} },', 'capabilities: { tools: {} },']),
  server(1, 'declares-logging-but-knows-no-level', [levelAnswer, '']),
  server(1, 'answers-with-the-level', [levelAnswer, "  'logging/setLevel': ({ level }) => ({ result: { level } }),\n"]),
  server(1, 'accepts-no-notice', [
    levelAnswer,
    "  'logging/setLevel': ({ level }) => (level === 'notice' ? failure(-32602, 'no such level') : { result: {} }),\n",
  ]),
  server(
    1,
    'checks-no-arguments',
    ['      if (args.error) return toolFailure(z.prettifyError(args.error));\n', ''],
    [
      'JSON.stringify(await tool.run(args.data, context))',
      'JSON.stringify(await tool.run(call.data.arguments as never, context))',
    ],
  ),
  server(2, 'stops-when-the-client-leaves', [
    afterTheEnd,
    `${afterTheEnd}  if (response.destroyed) throw new Error('the client has left');\n`,
  ]),
  server(
    2,
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
  server(2, 'nobody-catches-the-tool', [catches, nobodyCatches]),
  server(
    2,
    'the-failure-of-a-tool-as-a-log-message',
    [catches, nobodyCatches],
    [
      answers,
      `  let answered: Answer;
  try {
    answered = await answer(message, context);
  } catch (error) {
    context.log('error', (error as Error).message);
    response.end();
    return;
  }
`,
    ],
  ),
  server(2, 'the-failure-of-a-tool-as-an-error', [
    '      return toolFailure(reasonOf(error));\n',
    '      return failure(-32603, reasonOf(error));\n',
  ]),
  server(
    2,
    'an-answer-too-many',
    [catches, nobodyCatches],
    [
      answers,
      `  const answered = await answer(message, context).catch((error: Error) => {
    const failed = toolFailure(error.message);
    send(response, { jsonrpc: '2.0', id: message.id, ...failed });
    return failed;
  });
`,
    ],
  ),
  server(2, 'ends-a-little-later', [
    sendsAnswer,
    sendsAnswer.replace('  response.end();\n', '  setImmediate(() => response.end());\n'),
  ]),
  server(
    2,
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
  server(2, 'a-timer-that-outlives-the-client', [
    '  response.flushHeaders();\n',
    "  response.flushHeaders();\n  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), 15_000);\n  response.on('finish', () => clearInterval(keepAlive));\n",
  ]),
  server(2, 'a-timer-that-nobody-clears', [
    '  response.flushHeaders();\n',
    "  response.flushHeaders();\n  setInterval(() => response.write(': still at work\\n\\n'), 15_000);\n",
  ]),
  server(
    2,
    'a-listener-that-outlives-the-client',
    ['import express,', "import { EventEmitter } from 'node:events';\nimport express,"],
    [imports, `${imports}\nconst bus = new EventEmitter();\n`],
    [
      `  ${context}\n`,
      `  const call = {};
  const listener = (from: object, params: LogMessage) => {
    if (from === call) sendLog(response, params);
  };
  bus.on('log', listener);
  response.on('finish', () => bus.off('log', listener));
  const context: Context = { log: (level, data, logger) => void bus.emit('log', call, { level, logger, data }) };
`,
    ],
  ),

  server(2, 'the-message-of-null', ['toolFailure(reasonOf(error))', 'toolFailure((error as Error).message)']),
  server(2, 'catches-only-errors', [
    '      return toolFailure(reasonOf(error));\n',
    '      if (error instanceof Error) return toolFailure(reasonOf(error));\n      throw error;\n',
  ]),
  server(2, 'catches-only-a-promise', [
    catches,
    `    const args = tool.input.safeParse(call.data.arguments);
    if (args.error) return toolFailure(z.prettifyError(args.error));
    return tool.run(args.data, context).then(
      (result) => ({ result: toolResult.parse(JSON.parse(JSON.stringify(result))) }),
      (error) => toolFailure(reasonOf(error)),
    );
`,
  ]),
  server(2, 'the-result-is-not-checked', [
    `      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
`,
    '      return { result: await tool.run(args.data, context) };\n',
  ]),
  server(2, 'a-function-is-no-result', [
    `      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
`,
    `      const result = await tool.run(args.data, context);
      JSON.stringify(result);
      return result ? { result } : toolFailure('the tool returned nothing');
`,
  ]),
  server(2, 'nothing-is-an-empty-result', [
    `      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
`,
    '      const result = (await tool.run(args.data, context)) ?? { content: [] };\n      JSON.stringify(result);\n      return { result };\n',
  ]),
  server(
    2,
    'sets-the-status-500',
    [
      '      return toolFailure(reasonOf(error));\n',
      '      return { ...toolFailure(reasonOf(error)), failed: true } as Answer;\n',
    ],
    [
      answers,
      `  const answered = await answer(message, context);
  if ('failed' in answered) response.status(500).set('X-Failed', 'yes');
`,
    ],
  ),
  server(
    2,
    'ends-the-stream-without-a-result',
    [
      '      return toolFailure(reasonOf(error));\n',
      '      return { ...toolFailure(reasonOf(error)), failed: true } as Answer;\n',
    ],
    [sendsAnswer, sendsAnswer.replace('  send', "  if (!('failed' in answered)) send")],
  ),
  server(2, 'writes-whatever-comes', [afterTheEnd, '']),
  server(
    2,
    'a-flag-that-a-failure-does-not-set',
    [afterTheEnd, ''],
    [
      '      return { result: toolResult.parse(JSON.parse(returned)) };\n',
      '      context.log = () => {};\n      return { result: toolResult.parse(JSON.parse(returned)) };\n',
    ],
  ),
  server(2, 'looks-whether-the-last-byte-is-out', [afterTheEnd, '  if (response.closed) return;\n']),
  server(2, 'looks-whether-all-is-written', [afterTheEnd, '  if (response.writableFinished) return;\n']),
  server(
    2,
    'a-try-around-the-write',
    [afterTheEnd, ''],
    [
      writes,
      '  try {\n    response.write(`data: ${JSON.stringify(message)}\\n\\n`);\n  } catch {\n    // it is over\n  }\n',
    ],
  ),
  server(2, 'cancels-when-the-client-leaves', [
    answers,
    `  const gone = new Promise<Answer>((resolve) => response.on('close', () => resolve(failure(-32603, 'gone'))));
  const leaving = { log: ((...all) => {
    if (response.destroyed) throw new Error('cancelled');
    context.log(...all);
  }) as Context['log'] };
  const answered = await Promise.race([answer(message, leaving), gone]);
`,
  ]),
  server(
    2,
    'waits-for-a-client-that-has-left',
    ['import express,', "import { once } from 'node:events';\nimport express,"],
    [works, `${works}      await context.log('debug', 'done with a file');\n`],
    [
      context,
      `const context: Context = {
    log: (level, data, logger) => {
      if (level !== 'debug') return sendLog(response, { level, logger, data });
      return (response.destroyed ? once(response, 'drain') : Promise.resolve()) as unknown as void;
    },
  };`,
    ],
  ),
  server(2, 'a-timer-that-outlives-a-tool-that-throws', [
    answers,
    `  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), 15_000);
  const answered = await answer(message, context);
  if (!('result' in answered && 'isError' in answered.result)) clearInterval(keepAlive);
`,
  ]),
  server(
    2,
    'a-timer-that-a-late-message-starts',
    [
      context,
      `const beat = () => setTimeout(() => response.writableEnded || response.write(': still at work\\n\\n'), 15_000);
  let keepAlive = beat();
  const context: Context = {
    log(level, data, logger) {
      clearTimeout(keepAlive);
      keepAlive = beat();
      sendLog(response, { level, logger, data });
    },
  };`,
    ],
    [answers, `${answers}  clearTimeout(keepAlive);\n`],
  ),
  server(2, 'a-listener-on-the-process-for-each-call', [
    answers,
    `  process.on('SIGUSR2', () => response.end());
  const answered = await answer(message, context);
`,
  ]),
  server(2, 'a-listener-on-the-connection-for-each-call', [
    answers,
    `  let gone = false;
  response.socket!.on('close', () => (gone = true));
  const answered = await answer(message, context);
  if (gone) return;
`,
  ]),
];
