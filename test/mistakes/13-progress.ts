import { client, server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const reportsDocument = '      context.progress?.(i, total, `Processing document ${i + 1}/${total}`);\n';
const works = '      await work(name);\n';
const reportsEnd = "    context.progress?.(total, total, 'Processing complete!');\n";
const asked = '    if (progressToken === undefined) return;\n';
const sendsReport =
  "    send(response, { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, ...report } });\n";
const readsToken = '  const progressToken = progressTokenOf(message);\n';
const tokenIn = '  const { progressToken } = (params?._meta ?? {}) as { progressToken?: unknown };\n';
const isToken = '  return isId(progressToken) ? progressToken : undefined;\n';
const streamAnswer = '/** Answers a call with an event stream:';
const finishes = '  finish();\n';
const sendsResponse =
  "  send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n  response.end();\n}\n\n/** The token";
const remembers = `  let reached = -Infinity;
  let due = 0;
  let latest: Report | undefined;
  let timer: NodeJS.Timeout | undefined;
  let finished = false;
`;
const theLimit = '/** Stands between a tool and the client:';
const drops = '      if (finished || report.progress <= reached) return;\n';
const keepsLatest = '      latest = report;\n';
const waits = '      const wait = due - performance.now();\n';
const sendsOrWaits = `      if (wait <= 0) sendLatest();
      else timer ??= setTimeout(sendLatest, wait);
`;
const startsTimer = '      else timer ??= setTimeout(sendLatest, wait);\n';
const sendsLatest = `    if (!latest) return;
    send(latest);
    latest = undefined;
`;
const nextDue = '    due = performance.now() + progressInterval;\n';
const finishesLimit = `      sendLatest();
      finished = true;
`;

/** Lines of the finished client that several mistakes change. */
const makesToken = '  const progressToken = `call-${++calls}`;\n';
const counts = 'let lastId = 0;\nlet calls = 0;\n';
const params = '    const params = { name, arguments: args, _meta: { progressToken } };\n';
const totalTimer =
  '  const total = setTimeout(() => limits.abort(`no complete answer within ${timeLimit} ms`), timeLimit);\n';
const idleTimer =
  '  const idle = setTimeout(() => limits.abort(`no report within ${idleLimit} ms after ${last}`), idleLimit);\n';
const refreshes = '    idle.refresh();\n';
const keepsLast = '    last = textOfReport(report);\n';
const shows = '    show(report);\n';
const saysLimit = '    if (limits.signal.aborted) fail(6, limits.signal.reason as string);\n';
const forgets = '    reporting.delete(progressToken);\n';
const clearsTotal = '    clearTimeout(total);\n';
const clearsIdle = '    clearTimeout(idle);\n';
const printsLine = `  if (!process.stdout.isTTY) {
    console.log(\`PROGRESS: \${textOfReport(report)}\`);
    return;
  }
`;
const erasesFirst = '  eraseBar();\n  process.stdout.write(`';
const drawsBar =
  '  process.stdout.write(`${barOf(report)} ${textOfReport(report)}`.slice(0, (process.stdout.columns || 80) - 1));\n';
const erases = "  if (process.stdout.isTTY) process.stdout.write('\\r\\x1b[K');\n";
const finds = `    const { progressToken, ...report } = message.params ?? {};
    reporting.get(progressToken)?.(report as Report);
    return;
`;

export const mistakes: Mistake[] = [
  server(1, 'reports-as-log-messages', [
    reportsDocument,
    "      context.log('info', `Processing document ${i + 1}/${total}`, 'process_files');\n",
  ]),
  server(1, 'reports-with-the-method-of-log-messages', [sendsReport, sendsReport.replace('progress', 'message')]),
  server(1, 'reports-after-the-work', [reportsDocument + works, works + reportsDocument]),
  server(1, 'does-not-wait-for-the-work', [works, '      void work(name);\n']),
  server(
    1,
    'collects-the-reports',
    [readsToken, `${readsToken}  const held: JsonRpcNotification[] = [];\n`],
    [sendsReport, sendsReport.replace('send(response, ', 'held.push(')],
    [finishes, `${finishes}  for (const report of held) send(response, report);\n`],
  ),
  server(1, 'forgets-the-text', [
    'params: { progressToken, ...report }',
    'params: { progressToken, progress: report.progress, total: report.total }',
  ]),
  server(1, 'an-id-in-the-report', [
    sendsReport,
    sendsReport.replace("jsonrpc: '2.0', ", "jsonrpc: '2.0', ...{ id: 1 }, "),
  ]),
  server(1, 'counts-from-1', [reportsDocument, reportsDocument.replace('(i, ', '(i + 1, ')]),
  server(1, 'reports-percent', [reportsDocument, reportsDocument.replace('(i, total', '((100 * i) / total, 100')]),
  server(1, 'leaves-out-the-total', [reportsDocument, reportsDocument.replace('total', 'undefined')]),
  server(1, 'forgets-that-all-is-done', [reportsEnd, '']),
  server(1, 'says-that-all-is-done-in-each-step', [
    works,
    `${works}      if (i === total - 1) context.progress?.(total, total, 'Complete');\n`,
  ]),
  server(1, 'the-id-as-the-token', [
    readsToken,
    '  const progressToken = progressTokenOf(message) === undefined ? undefined : message.id;\n',
  ]),
  server(1, 'the-token-as-text', [isToken, '  return isId(progressToken) ? String(progressToken) : undefined;\n']),
  server(1, 'a-token-without-its-spaces', [
    isToken,
    "  const token = typeof progressToken === 'string' ? progressToken.trim() : progressToken;\n  return isId(token) ? token : undefined;\n",
  ]),
  server(1, 'a-number-if-it-looks-like-one', [
    isToken,
    '  return isId(progressToken) ? (Number(progressToken) || progressToken) : undefined;\n',
  ]),
  server(1, 'no-token-is-0', [asked, '    if (!progressToken) return;\n']),
  server(1, 'strings-only', [isToken, "  return typeof progressToken === 'string' ? progressToken : undefined;\n"]),
  server(1, 'an-empty-token-is-none', [
    isToken,
    "  return isId(progressToken) && progressToken !== '' ? progressToken : undefined;\n",
  ]),
  server(1, 'looks-for-the-token-in-the-params', [tokenIn, '  const { progressToken } = params ?? {};\n']),
  server(1, 'looks-for-the-token-in-the-arguments', [
    tokenIn,
    '  const { progressToken } = (params?.arguments ?? {}) as { progressToken?: unknown };\n',
  ]),
  server(1, 'the-token-beside-the-params', [
    'params: { progressToken, ...report } });',
    'params: { ...report }, ...{ progressToken } });',
  ]),
  server(1, 'reports-to-everybody', [asked, ''], [isToken, '  return isId(progressToken) ? progressToken : 0;\n']),
  server(1, 'invents-a-token', [readsToken, '  const progressToken = progressTokenOf(message) ?? randomUUID();\n']),
  server(1, 'the-id-where-there-is-no-token', [
    readsToken,
    '  const progressToken = progressTokenOf(message) ?? message.id;\n',
  ]),
  server(1, 'no-total-is-null', [
    'report({ progress, total, message })',
    'report({ progress, total: total ?? (null as never), message })',
  ]),
  server(1, 'no-text-is-an-empty-text', [
    'report({ progress, total, message })',
    "report({ progress, total, message: message ?? '' })",
  ]),
  server(1, 'sends-each-report-twice', [drops, `      send(report);\n${drops}`]),
  server(1, 'never-keeps-the-latest-report', [keepsLatest, '']),
  server(1, 'whole-numbers-only', [
    'report({ progress, total, message })',
    'report({ progress: Math.round(progress), total, message })',
  ]),
  server(1, 'drops-a-total-of-0', [
    'report({ progress, total, message })',
    'report({ progress, total: total || undefined, message })',
  ]),
  server(1, 'the-first-progress-has-to-be-greater-than-0', [
    '  let reached = -Infinity;\n  let due',
    '  let reached = 0;\n  let due',
  ]),
  server(
    1,
    'one-token-for-all',
    [streamAnswer, `let progressToken: string | number | undefined;\n\n${streamAnswer}`],
    [readsToken, '  progressToken = progressTokenOf(message);\n'],
  ),
  server(
    1,
    'the-stream-of-the-newest-call',
    [streamAnswer, `let newest: Response;\n\n${streamAnswer}`],
    [readsToken, `${readsToken}  newest = response;\n`],
    [sendsReport, sendsReport.replace('send(response', 'send(newest')],
  ),
  server(
    1,
    'streams-by-the-id-of-the-request',
    [streamAnswer, `const streams = new Map<string | number, Response>();\n\n${streamAnswer}`],
    [readsToken, `${readsToken}  streams.set(message.id, response);\n`],
    [sendsReport, sendsReport.replace('send(response', 'send(streams.get(message.id)!')],
  ),
  server(
    1,
    'streams-by-the-token',
    [streamAnswer, `const streams = new Map<unknown, Response>();\n\n${streamAnswer}`],
    [readsToken, `${readsToken}  streams.set(progressToken, response);\n`],
    [sendsReport, sendsReport.replace('send(response', 'send(streams.get(progressToken)!')],
  ),
  server(1, 'sends-a-report-that-does-not-wait', [
    finishesLimit,
    '      clearTimeout(timer);\n      send(latest!);\n      finished = true;\n',
  ]),
  server(
    1,
    'writes-after-the-end',
    [
      sendsReport,
      "    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, ...report } })}\\n\\n`);\n",
    ],
    [drops, drops.replace('finished || ', '')],
    ['  let finished = false;\n', ''],
    ['      finished = true;\n', ''],
  ),

  server(2, 'no-limit', [sendsOrWaits, '      if (wait) sendLatest();\n']),
  server(2, 'sends-a-report-again', [drops, drops.replace('<=', '<')]),
  server(2, 'reports-may-go-back', [drops, '      if (finished) return;\n']),
  server(2, 'compares-with-the-first-report', [
    '      reached = report.progress;\n',
    '      if (reached === -Infinity) reached = report.progress;\n',
  ]),
  server(2, 'keeps-what-it-drops', [
    drops,
    '      if (finished) return;\n      if (report.progress <= reached) {\n        reached = report.progress;\n        return;\n      }\n',
  ]),
  server(
    2,
    'compares-with-the-last-report-that-was-sent',
    ['      reached = report.progress;\n', ''],
    ['    send(latest);\n', '    send(latest);\n    reached = latest.progress;\n'],
  ),
  server(2, 'an-equal-report-replaces-the-one-that-waits', [
    drops,
    drops.replace('<= reached', '<= reached && !(latest && report.progress === reached)'),
  ]),
  server(
    1,
    'one-highest-progress-for-all-calls',
    [theLimit, `let reached = -Infinity;\n\n${theLimit}`],
    ['  let reached = -Infinity;\n  let due', '  let due'],
  ),
  server(2, 'loses-what-comes-too-early', [
    sendsOrWaits,
    '      if (wait <= 0) sendLatest();\n      else latest = undefined;\n',
  ]),
  server(2, 'waits-for-the-next-report', [startsTimer, '']),
  server(2, 'starts-the-timer-again-for-each-report', [
    sendsOrWaits,
    `      if (due === 0) return sendLatest();
      clearTimeout(timer);
      timer = setTimeout(sendLatest, progressInterval, wait);
`,
  ]),
  server(2, 'sends-the-oldest', [keepsLatest, '      latest ??= report;\n']),
  server(
    2,
    'sends-all-one-after-the-other',
    [remembers, remembers.replace('let latest: Report | undefined;', 'const latest: Report[] = [];')],
    [
      sendsLatest,
      '    if (latest.length === 0) return;\n    send(latest.shift()!);\n    if (latest.length > 0) timer = setTimeout(sendLatest, progressInterval);\n',
    ],
    [keepsLatest, '      latest.push(report);\n'],
    [
      finishesLimit,
      '      while (latest.length > 0) sendLatest();\n      clearTimeout(timer);\n      finished = true;\n',
    ],
  ),
  server(2, 'seconds', [nextDue, nextDue.replace('progressInterval', '1000 * progressInterval')]),
  varying(server(2, 'an-interval-of-its-own', [nextDue, nextDue.replace('progressInterval', '100')])),
  varying(server(2, 'a-long-interval-of-its-own', [nextDue, nextDue.replace('progressInterval', '700')])),
  server(2, 'each-hundredth-report', [
    sendsOrWaits,
    '      if (wait <= 0 || report.progress % 100 === 0) sendLatest();\n      else timer ??= setTimeout(sendLatest, wait);\n',
  ]),
  server(2, 'the-last-report-does-not-wait', [
    sendsOrWaits,
    sendsOrWaits.replace('wait <= 0', 'wait <= 0 || report.progress === report.total'),
  ]),
  server(
    2,
    'the-report-after-the-timer-does-not-wait',
    [nextDue, ''],
    [sendsOrWaits, sendsOrWaits.replace('sendLatest();', '{\n        sendLatest();\n    ' + nextDue + '      }')],
  ),
  server(2, 'the-first-report-waits', ['  let due = 0;\n', '  let due = performance.now() + progressInterval;\n']),
  server(
    2,
    'one-limit-for-all-calls',
    [theLimit, `let due = 0;\n\n${theLimit}`],
    ['  let due = 0;\n  let latest', '  let latest'],
  ),
  server(
    2,
    'one-report-waits-for-all-calls',
    [theLimit, `let latest: Report | undefined;\nlet timer: NodeJS.Timeout | undefined;\n\n${theLimit}`],
    ['  let latest: Report | undefined;\n  let timer: NodeJS.Timeout | undefined;\n', ''],
  ),
  server(2, 'each-report-waits-for-a-whole-interval', [startsTimer, startsTimer.replace('wait)', 'progressInterval)')]),
  server(2, 'starts-a-timer-although-it-has-sent', [startsTimer, startsTimer.replace('else ', '')]),
  server(2, 'a-pause-lets-reports-pass', [nextDue, '    due = (due || performance.now()) + progressInterval;\n']),
  server(2, 'forgets-the-last-report', [finishesLimit, '      clearTimeout(timer);\n      finished = true;\n']),
  server(2, 'the-last-report-only-after-success', [
    finishes,
    "  if (!JSON.stringify(answered).includes('isError')) finish();\n",
  ]),
  varying(
    server(
      2,
      'the-last-report-after-the-response',
      [finishes, ''],
      [sendsResponse, sendsResponse.replace('  response.end();\n', '  finish();\n  response.end();\n')],
    ),
  ),
  server(
    2,
    'waits-for-the-timer',
    [finishes, '  await finish();\n'],
    ['    finish() {\n', '    async finish() {\n'],
    [
      finishesLimit,
      '      while (latest) await new Promise((resolve) => setTimeout(resolve, 5));\n      finished = true;\n',
    ],
  ),
  server(2, 'the-timer-lives-on', ['    clearTimeout(timer);\n    timer = undefined;\n', '    timer = undefined;\n']),
  server(
    2,
    'starts-a-timer-after-the-response',
    [drops, drops.replace('finished || ', '')],
    ['  let finished = false;\n', ''],
    ['      finished = true;\n', ''],
  ),
  server(2, 'clears-the-timer-only-if-the-client-has-stayed', [finishes, '  if (!response.destroyed) finish();\n']),
  server(
    2,
    'an-interval-for-each-call',
    [
      waits + sendsOrWaits,
      `      timer ??= setInterval(sendLatest, progressInterval);
      if (due === 0) sendLatest();
`,
    ],
    ['    clearTimeout(timer);\n    timer = undefined;\n', ''],
  ),

  client(3, 'asks-for-nothing', [params, '    const params = { name, arguments: args };\n']),
  client(3, 'the-token-beside-meta', [params, '    const params = { name, arguments: args, progressToken };\n']),
  client(3, 'the-token-in-the-arguments', [
    params,
    '    const params = { name, arguments: { ...args, _meta: { progressToken } } };\n',
  ]),
  client(
    3,
    'one-token-for-all-calls',
    [makesToken, "  const progressToken = 'progress';\n"],
    [counts, 'let lastId = 0;\n'],
  ),
  client(
    3,
    'a-token-of-the-name-of-the-tool',
    [makesToken, '  const progressToken = `${name}-1`;\n'],
    [counts, 'let lastId = 0;\n'],
  ),
  client(
    3,
    'a-token-of-the-message',
    [makesToken, '  const progressToken = `call-${String(args.message)}`;\n'],
    [counts, 'let lastId = 0;\n'],
  ),
  client(3, 'a-fraction-as-the-token', [makesToken, '  const progressToken = ++calls / 2;\n']),
  client(3, 'an-object-as-the-token', [makesToken, '  const progressToken = { call: ++calls };\n']),
  client(3, 'prints-reports-as-notifications', [
    finds,
    '    const { progressToken, ...report } = message.params ?? {};\n    reporting.get(progressToken)?.(report as Report);\n',
  ]),
  client(3, 'shows-nothing', [shows, '']),
  client(3, 'does-not-await-the-request', [
    "    return await request<ToolResult>('tools/call', params, limits.signal);\n",
    "    return request<ToolResult>('tools/call', params, limits.signal);\n",
  ]),
  client(3, 'shows-the-report-before', [
    keepsLast + shows,
    `${shows}${keepsLast}`.replace(
      'show(report)',
      'if (last !== "the start of the call") console.log(`PROGRESS: ${last}`)',
    ),
  ]),
  client(3, 'log-messages-are-reports-too', [
    '  if (isNotification(message)) print(`NOTIFICATION: ${described(message)}`);',
    '  if (isNotification(message)) print(`PROGRESS: ${described(message)}`);',
  ]),
  client(3, 'a-bar-in-a-pipe', [printsLine, '']),
  client(3, 'lines-in-a-terminal', [printsLine, printsLine.replace('!process.stdout.isTTY', 'textOfReport(report)')]),
  client(3, 'erases-in-a-pipe-too', [erases, erases.replace('if (process.stdout.isTTY) ', '')]),
  client(3, 'a-new-row-for-each-bar', [drawsBar, drawsBar.replace('- 1));', "- 1) + '\\n');")]),
  client(3, 'does-not-erase-the-last-bar', [erasesFirst, "  process.stdout.write('\\r');\n  process.stdout.write(`"]),
  client(3, 'appends-to-the-last-bar', [erasesFirst, '  process.stdout.write(`']),
  client(3, 'does-not-cut', [drawsBar, drawsBar.replace('.slice(0, (process.stdout.columns || 80) - 1)', '')]),
  client(3, 'cuts-at-80-columns', [drawsBar, drawsBar.replace('(process.stdout.columns || 80) - 1', '79')]),
  client(3, 'a-bar-without-words', [drawsBar, '  process.stdout.write(barOf(report));\n']),
  client(3, 'prints-into-the-row-of-the-bar', [
    'function print(line: string): void {\n  eraseBar();\n',
    'function print(line: string): void {\n',
  ]),
  client(3, 'complains-in-the-row-of-the-bar', [
    'function complain(line: string): void {\n  eraseBar();\n',
    'function complain(line: string): void {\n',
  ]),
  client(
    3,
    'goes-back-without-erasing',
    [erases, erases.replace('\\x1b[K', '')],
    [erasesFirst, "  process.stdout.write('\\r\\x1b[K');\n  process.stdout.write(`"],
  ),
  client(3, 'shows-the-reports-of-all-calls', [
    finds,
    finds.replace(
      'reporting.get(progressToken)?.(report as Report);',
      'for (const take of reporting.values()) take(report as Report);',
    ),
  ]),
  client(3, 'shows-reports-without-a-token-too', [
    finds,
    finds.replace(
      'reporting.get(progressToken)?.(',
      '(progressToken === undefined ? show : reporting.get(progressToken))?.(',
    ),
  ]),
  client(3, 'tokens-of-any-type', [finds, finds.replace('get(progressToken)', 'get(String(progressToken).trim())')]),
  client(3, 'remembers-calls-that-are-over', [forgets, '']),
  client(3, 'trusts-that-there-is-a-call', [
    finds,
    finds.replace('reporting.get(progressToken)?.(', 'reporting.get(progressToken)!('),
  ]),
  client(3, 'trusts-that-there-are-params', [finds, finds.replace('message.params ?? {}', 'message.params!')]),
  client(3, 'complains-about-unknown-tokens', [
    finds,
    finds.replace(
      'reporting.get(progressToken)?.(report as Report);',
      'if (reporting.has(progressToken)) reporting.get(progressToken)!(report as Report);\n    else print(`unknown token: ${String(progressToken)}`);',
    ),
  ]),
  client(3, 'no-idle-limit', [refreshes, ''], [clearsIdle, ''], [idleTimer, '  void idleLimit;\n']),
  client(
    3,
    'the-idle-limit-begins-with-the-answer',
    [counts, `${counts}let begin = () => {};\n`],
    [
      idleTimer,
      `  let idle: NodeJS.Timeout | undefined;
  begin = () => {
  ${idleTimer.replace('const idle', 'idle')}  };
`,
    ],
    [refreshes, '    idle?.refresh();\n'],
    [
      '  const answer = await answerTo(id, response)',
      "  if (method === 'tools/call') begin();\n  const answer = await answerTo(id, response)",
    ],
  ),
  client(
    3,
    'the-idle-limit-begins-with-the-first-report',
    [idleTimer, '  let idle: NodeJS.Timeout | undefined;\n'],
    [
      refreshes,
      '    clearTimeout(idle);\n    idle = setTimeout(() => limits.abort(`no report within ${idleLimit} ms after ${last}`), idleLimit);\n',
    ],
  ),
  client(3, 'the-idle-limit-in-seconds', [idleTimer, idleTimer.replace(', idleLimit);', ', 1000 * idleLimit);')]),
  client(3, 'does-not-say-where-it-hangs', [idleTimer, idleTimer.replace(' after ${last}', '')]),
  client(3, 'names-the-first-document', [
    keepsLast,
    "    if (last === 'the start of the call') last = textOfReport(report);\n",
  ]),
  client(3, 'counts-but-does-not-name', [keepsLast, '    last = `${report.progress}/${report.total}`;\n']),
  client(3, 'leaves-without-a-word', [
    idleTimer,
    idleTimer.replace('limits.abort(`no report within ${idleLimit} ms after ${last}`)', 'process.exit(6)'),
  ]),
  client(3, 'the-idle-limit-is-no-time-limit', [
    saysLimit,
    '    if (limits.signal.aborted) {\n      process.exitCode = undefined;\n      throw new Error(limits.signal.reason as string);\n    }\n',
  ]),
  client(
    3,
    'log-messages-restart-the-idle-limit',
    [counts, `${counts}let idle: NodeJS.Timeout | undefined;\n`],
    [idleTimer, idleTimer.replace('const idle', 'idle')],
    [refreshes, '    idle?.refresh();\n'],
    [
      '  if (isNotification(message)) print(`NOTIFICATION: ${described(message)}`);',
      '  idle?.refresh();\n  if (isNotification(message)) print(`NOTIFICATION: ${described(message)}`);',
    ],
  ),
  client(
    3,
    'every-report-restarts-the-idle-limit',
    [counts, `${counts}let idle: NodeJS.Timeout | undefined;\n`],
    [idleTimer, idleTimer.replace('const idle', 'idle')],
    [refreshes, ''],
    [finds, `    idle?.refresh();\n${finds}`],
  ),
  client(3, 'reports-do-not-restart-the-idle-limit', [refreshes, '']),
  client(3, 'reports-restart-both-limits', [refreshes, `${refreshes}    total.refresh();\n`]),
  client(3, 'no-limit-for-the-whole-call', [totalTimer, ''], [clearsTotal, '']),
  client(3, 'the-idle-timer-outlives-the-call', [clearsIdle, '']),
  client(
    3,
    'the-idle-timer-outlives-an-error',
    [clearsIdle, ''],
    [
      "    return await request<ToolResult>('tools/call', params, limits.signal);\n",
      "    const result = await request<ToolResult>('tools/call', params, limits.signal);\n    clearTimeout(idle);\n    return result;\n",
    ],
  ),
  client(3, 'the-timer-of-the-whole-call-outlives-it', [clearsTotal, '']),
];
