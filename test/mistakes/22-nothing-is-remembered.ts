import { server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const levelSchema = '  [metaKeys.logLevel]: z.enum(levels).optional(),\n';
const wanted = '  const { progressToken, [metaKeys.logLevel]: wanted } = meta;\n';
const filters = '      if (wanted === undefined || levels.indexOf(level) < levels.indexOf(wanted)) return;\n';
const logs =
  "      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n";
const left = '  const left = new AbortController();\n';
const aborts = "  response.on('close', () => left.abort());\n";
const signal = '    signal: left.signal,\n';
const works = '      await work(name, { signal: context.signal });\n';
const streams = 'async function streamAnswer(message: JsonRpcRequest, response: Response): Promise<void> {\n';
const accepted = `  if (isNotification(message)) {
`;
const answers = '  const answered = await answer(message, context);\n';
const sends = '  if (response.writableEnded) return;\n';
const discovers = "  'server/discover': () => ({\n";

const bad = '  if (error) return refuseRequest(response, id, refused(-32602, z.prettifyError(error)));\n';
const full = `  if (subscriptions.size >= maxSubscriptions) {
    return refuseRequest(response, id, { status: 503, answer: failure(-32603, 'too many subscriptions are open') });
  }
`;
const begins = '  beginEventStream(response);\n  notify(response, id,';
const acknowledges = `  notify(response, id, 'notifications/subscriptions/acknowledged', {
    notifications: toolsListChanged ? { toolsListChanged } : {},
  });
`;
const keeps = '  subscriptions.set(response, { id, toolsListChanged });\n';
const comments = `  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(': still here\\n\\n');
  }, quietInterval);
`;
const closes = `  response.on('close', () => {
    clearInterval(keepAlive);
    subscriptions.delete(response);
  });
`;
const announces = `  for (const [response, { id, toolsListChanged }] of subscriptions) {
    if (toolsListChanged) notify(response, id, 'notifications/tools/list_changed');
  }
`;
const tags = '_meta: { [metaKeys.subscriptionId]: id } } });';
const ends = `    send(response, { jsonrpc: '2.0', id, result: complete({ _meta: { [metaKeys.subscriptionId]: id } }) });
    response.end();
`;
const onSignal = `    endSubscriptions();
    // Takes no more connections. The program ends when the calls that are running have been answered.
    server.close();
`;

export const mistakes: Mistake[] = [
  server(1, 'logs-nothing', [filters + logs, '']),
  server(1, 'logs-without-a-level', [filters, '      if (levels.indexOf(level) < levels.indexOf(wanted!)) return;\n']),
  server(1, 'begins-with-info', [wanted, wanted.replace('wanted }', "wanted = 'info' }")]),
  server(
    1,
    'a-level-for-all-requests',
    [streams, `let wanted: string | undefined;\n\n${streams}`],
    [wanted, '  const { progressToken } = meta;\n  wanted = meta[metaKeys.logLevel];\n'],
  ),
  server(
    1,
    'keeps-the-level-until-another-comes',
    [streams, `let last: string | undefined;\n\n${streams}`],
    [wanted, '  const { progressToken } = meta;\n  const wanted = (last = meta[metaKeys.logLevel] ?? last);\n'],
  ),
  // Which of two calls with the same id comes last decides what each of them gets.
  varying(
    server(
      1,
      'a-table-of-levels-by-id',
      [streams, `const wantedBy = new Map<unknown, string>();\n\n${streams}`],
      [
        wanted,
        '  const { progressToken } = meta;\n  if (meta[metaKeys.logLevel]) wantedBy.set(message.id, meta[metaKeys.logLevel]!);\n',
      ],
      [filters, '      const wanted = wantedBy.get(message.id);\n' + filters],
    ),
  ),
  server(1, 'leaves-the-level-itself-out', [filters, filters.replace('<', '<=')]),
  server(1, 'compares-levels-as-strings', [filters, '      if (wanted === undefined || level < wanted) return;\n']),
  server(1, 'sends-everything-if-a-level-is-there', [filters, '      if (wanted === undefined) return;\n']),
  server(1, 'looks-for-the-level-beside-meta', [
    wanted,
    '  const { progressToken } = meta;\n  const { logLevel: wanted } = message.params as { logLevel?: string };\n',
  ]),
  server(
    1,
    'collects-the-log',
    [wanted, `${wanted}  const collected: JsonRpcNotification[] = [];\n`],
    [
      logs,
      "      collected.push({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n",
    ],
    [answers, `${answers}  for (const each of collected) send(response, each);\n`],
  ),
  server(1, 'accepts-any-level', [levelSchema, levelSchema.replace('z.enum(levels)', 'z.string()')]),
  server(1, 'checks-no-level', [levelSchema, '']),
  server(1, 'a-bad-level-is-no-level', [
    levelSchema,
    levelSchema.replace('.optional()', '.optional().catch(undefined)'),
  ]),
  server(
    1,
    'checks-the-level-of-calls-only',
    [levelSchema, ''],
    [
      wanted,
      wanted +
        "  if (wanted !== undefined && !levels.includes(wanted)) {\n    send(response, { jsonrpc: '2.0', id: message.id, ...failure(-32602, 'no such level') });\n    response.end();\n    return;\n  }\n",
    ],
  ),
  server(
    1,
    'runs-the-tool-before-the-check',
    [levelSchema, ''],
    [
      answers,
      `${answers}  if (wanted !== undefined && !levels.includes(wanted)) {
    send(response, { jsonrpc: '2.0', id: message.id, ...failure(-32602, 'no such level') });
    response.end();
    return;
  }
`,
    ],
  ),
  server(1, 'drops-data-that-count-as-false', [filters, `${filters}      if (!data) return;\n`]),
  server(1, 'leaves-the-logger-out', [logs, logs.replace('level, logger, data', 'level, data')]),
  server(1, 'keeps-set-level', [discovers, `  'logging/setLevel': () => ({ result: {} }),\n\n${discovers}`]),
  server(1, 'issues-a-session-id', [
    '  const answered = await answer(message, silent);\n',
    "  const answered = await answer(message, silent);\n  response.set('MCP-Session-Id', String(Math.random()));\n",
  ]),
  server(1, 'refuses-an-unknown-session', [
    accepted,
    `  if (request.get('MCP-Session-Id')) return refuse(response, 404, -32600, 'there is no such session');\n${accepted}`,
  ]),
  server(
    1,
    'counts-its-answers',
    [streams, `let count = 0;\n\n${streams}`],
    [logs, logs.replace('logger, data', 'logger, data, _meta: { count: ++count }')],
  ),

  server(2, 'does-not-listen-for-close', [aborts, '']),
  server(1, 'listens-on-the-request', [aborts, aborts.replace('response.on', 'response.req.on')]),
  server(2, 'listens-for-finish', [aborts, aborts.replace('close', 'finish')]),
  server(2, 'gives-the-tool-no-signal', [signal, '']),
  server(2, 'the-work-gets-no-signal', [works, '      await work(name);\n']),
  server(2, 'looks-at-the-signal-between-documents', [
    works,
    '      await work(name);\n      context.signal?.throwIfAborted();\n',
  ]),
  server(1, 'one-controller-for-all', [left, ''], [streams, `let left = new AbortController();\n\n${streams}`]),
  server(
    2,
    'controllers-by-id',
    [
      left + aborts,
      `  const left = new AbortController();
  calls.set(message.id, left);
  response.on('close', () => calls.get(message.id)?.abort());
`,
    ],
    [streams, `const calls = new Map<string | number, AbortController>();\n\n${streams}`],
  ),
  server(
    1,
    'leaving-aborts-every-call',
    [
      left + aborts,
      `  const left = new AbortController();
  calls.add(left);
  response.on('close', () => calls.forEach((each) => each.abort()));
`,
    ],
    [streams, `const calls = new Set<AbortController>();\n\n${streams}`],
  ),
  server(
    2,
    'the-notification-cancels',
    [
      left + aborts,
      `  const left = new AbortController();
  calls.set(message.id, left);
  response.on('close', () => left.abort());
`,
    ],
    [streams, `const calls = new Map<unknown, AbortController>();\n\n${streams}`],
    [
      accepted,
      `${accepted}    if (message.method === 'notifications/cancelled') calls.get(message.params?.requestId)?.abort();\n`,
    ],
  ),
  server(2, 'prints-that-a-client-has-left', [
    aborts,
    "  response.on('close', () => {\n    if (!response.writableFinished) console.error('a client has left');\n    left.abort();\n  });\n",
  ]),
  server(2, 'throws-when-a-client-has-left', [
    sends,
    "  if (response.closed) throw new Error('the client has left');\n",
  ]),
  server(3, 'the-notification-ends-a-subscription', [
    accepted,
    `${accepted}    for (const [stream, { id }] of subscriptions) if (id === message.params?.requestId) stream.end();\n`,
  ]),
  server(3, 'ends-the-stream', [closes, `${closes}  response.end();\n`]),
  server(3, 'acknowledges-nothing', [acknowledges, '']),
  server(3, 'answers-with-a-result', [
    acknowledges,
    "  send(response, { jsonrpc: '2.0', id, result: complete({ _meta: { [metaKeys.subscriptionId]: id } }) });\n",
  ]),
  server(
    3,
    'invents-a-subscription-id',
    [begins, '  const own = id;\n  id = `own-${Number(id)}`;\n' + begins],
    [keeps, keeps.replace('{ id,', '{ id: own,')],
  ),
  server(3, 'the-id-as-a-string', [tags, tags.replace(']: id', ']: String(id)')]),
  server(3, 'the-id-without-meta', [tags, 'subscriptionId: id } });']),
  server(3, 'sends-the-filter-back', [
    acknowledges,
    acknowledges.replace('toolsListChanged ? { toolsListChanged } : {}', 'params!.notifications'),
  ]),
  server(3, 'promises-tools-to-everybody', [
    acknowledges,
    acknowledges.replace('toolsListChanged ? { toolsListChanged } : {}', '{ toolsListChanged: true }'),
  ]),
  server(3, 'acknowledges-without-a-filter', [
    acknowledges,
    "  notify(response, id, 'notifications/subscriptions/acknowledged');\n",
  ]),
  server(3, 'takes-no-filter-for-everything', [
    'const listenParams = z.object({ notifications: z.object({ toolsListChanged: z.boolean().default(false) }) });',
    'const listenParams = z.object({ notifications: z.object({ toolsListChanged: z.boolean().default(false) }).catch({ toolsListChanged: true }) });',
  ]),
  server(
    3,
    'begins-the-stream-before-the-check',
    [
      bad,
      `  beginEventStream(response);
  if (error) {
    send(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { _meta: { [metaKeys.subscriptionId]: id } } });
    return;
  }
`,
    ],
    [begins, begins.replace('  beginEventStream(response);\n', '')],
  ),
  server(3, 'announces-nothing', [announces, '']),
  server(3, 'announces-to-everybody', [announces, announces.replace('if (toolsListChanged) ', '')]),
  server(3, 'announces-until-somebody-has-not-asked', [
    announces,
    announces.replace('if (toolsListChanged) ', 'if (!toolsListChanged) return;\n    '),
  ]),
  server(
    3,
    'announces-in-calls-too',
    [left, `${left}  calls.add(response);\n  response.on('close', () => calls.delete(response));\n`],
    [streams, `const calls = new Set<Response>();\n\n${streams}`],
    [
      announces,
      `${announces}  for (const response of calls) send(response, { jsonrpc: '2.0', method: 'notifications/tools/list_changed' });\n`,
    ],
  ),
  server(3, 'announces-without-an-id', [
    announces,
    announces.replace(
      "notify(response, id, 'notifications/tools/list_changed')",
      "send(response, { jsonrpc: '2.0', method: 'notifications/tools/list_changed' })",
    ),
  ]),
  server(3, 'subscriptions-by-id', [
    announces,
    `  const byId = new Map([...subscriptions].map(([response, each]) => [each.id, { response, ...each }]));
  for (const { response, id, toolsListChanged } of byId.values()) {
    if (toolsListChanged) notify(response, id, 'notifications/tools/list_changed');
  }
`,
  ]),
  server(3, 'one-subscription-only', [keeps, `  subscriptions.clear();\n${keeps}`]),
  server(3, 'the-log-goes-to-subscribers', [
    logs,
    `${logs}      for (const [stream, { id }] of subscriptions) notify(stream, id, 'notifications/message', { level, logger, data });\n`,
  ]),
  server(3, 'writes-no-comments', [comments, '  const keepAlive = undefined;\n']),
  server(3, 'writes-comments-for-who-wants-changes', [comments, comments.replace('if (', 'if (toolsListChanged && ')]),
  server(3, 'writes-one-comment', [comments, comments.replace('setInterval', 'setTimeout')]),
  server(3, 'the-comment-is-an-event', [comments, comments.replace(': still here', 'data: still here')]),
  server(3, 'the-timer-lives-on', [closes, closes.replace('    clearInterval(keepAlive);\n', '')]),
  server(3, 'listens-for-the-end-of-the-request', [closes, closes.replace('response.on', 'response.req.on')]),
  server(3, 'has-no-bound', [full, '']),
  server(3, 'counts-who-wants-changes', [
    full,
    full.replace('subscriptions.size', '[...subscriptions.values()].filter((each) => each.toolsListChanged).length'),
  ]),
  server(3, 'one-too-many', [full, full.replace('>=', '>')]),
  server(3, 'counts-what-is-closed', [closes, closes.replace('    subscriptions.delete(response);\n', '')]),
  server(3, 'refuses-without-an-error', [
    full,
    `  if (subscriptions.size >= maxSubscriptions) return void response.status(503).end();\n`,
  ]),
  server(3, 'ends-another-one-instead', [
    full,
    `  if (subscriptions.size >= maxSubscriptions) {
    const [oldest] = subscriptions.keys();
    oldest!.end();
    subscriptions.delete(oldest!);
  }
`,
  ]),
  server(3, 'tells-the-end-to-who-wants-changes', [
    ends,
    ends.replace('    send(', '    if (subscriptions.get(response)!.toolsListChanged)\n      send('),
  ]),
  server(3, 'ends-without-a-response', [ends, '    response.end();\n    void id;\n']),
  server(3, 'the-response-is-not-complete', [
    ends,
    ends.replace(
      'complete({ _meta: { [metaKeys.subscriptionId]: id } })',
      '{ _meta: { [metaKeys.subscriptionId]: id } }',
    ),
  ]),
  server(3, 'the-response-has-no-subscription-id', [
    ends,
    ends.replace('complete({ _meta: { [metaKeys.subscriptionId]: id } })', 'complete({})'),
  ]),
  server(3, 'leaves-the-streams-open', [ends, ends.replace('    response.end();\n', '')]),
  server(3, 'does-not-close', [onSignal, '    endSubscriptions();\n']),
];
