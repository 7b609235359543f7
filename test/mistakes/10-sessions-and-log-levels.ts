import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const imports = "import { work } from '#support/work.ts';\n";
const randomImport = "import { randomUUID } from 'node:crypto';\n";
const filters = '  if (levels.indexOf(params.level) < levels.indexOf(session.level)) return;\n';
const order = "['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']";
const levelParams = 'const setLevelParams = z.object({ level: z.enum(levels) });';
const setsLevel = `    const { data, error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    session.level = data.level;
`;
const keepsLevel = '    session.level = data.level;\n';
const finds = "const session = begins ? { level: 'info' } : sessionOf(request, response);\n  if (!session) return;\n";
const makesId = '    const id = randomUUID();\n';
const keepsSession = '    sessions.set(id, session);\n';
const sendsId = "    response.set('MCP-Session-Id', id);\n";
const looksUp = "  const session = sessions.get(id ?? '');\n";
const refusals = `  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
`;
const accepts = `  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
`;
const deletes = "  sessions.delete(request.get('MCP-Session-Id')!);\n";
const checksDelete = '  if (!sessionOf(request, response)) return;\n';
const theMap = 'const sessions = new Map<string, Session>();';
const answers = '  const answered = await answer(message, context, session);\n';
const sendsAnswer =
  "  send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n  response.end();\n}\n\n/** Writes one";

export const mistakes: Mistake[] = [
  server(1, 'an-id-from-math-random', [
    makesId,
    '    const id = Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);\n',
  ]),
  server(1, 'an-id-from-math-random-and-the-time', [
    makesId,
    '    const id = Date.now().toString(36) + Math.random().toString(36).slice(2);\n',
  ]),
  server(1, 'sends-no-id', [sendsId, '']),
  server(
    1,
    'sends-the-id-too-late',
    [keepsSession + sendsId, keepsSession],
    [
      "  response.json({ jsonrpc: '2.0', id: message.id, ...answered });\n});\n",
      "  response.json({ jsonrpc: '2.0', id: message.id, ...answered });\n  if (begins) response.appendHeader('MCP-Session-Id', [...sessions.keys()].at(-1)!);\n});\n",
    ],
  ),
  server(1, 'the-id-in-the-result-only', [sendsId, '    Object.assign(answered.result, { sessionId: id });\n']),
  server(1, 'a-short-id', [makesId, '    const id = randomUUID().slice(0, 8);\n']),
  server(1, 'an-id-with-spaces', [makesId, '    const id = `session ${randomUUID()}`;\n']),
  server(
    1,
    'one-session-for-all',
    [imports, `${imports}\nconst theSession = randomUUID();\n`],
    [makesId, '    const id = theSession;\n'],
  ),
  server(
    1,
    'counts-sessions',
    [randomImport, ''],
    [makesId, "    const id = `session-${String(sessions.size + 1).padStart(8, '0')}`;\n"],
  ),
  server(
    1,
    'the-time-as-the-id',
    [randomImport, "import { hrtime } from 'node:process';\n"],
    [makesId, '    const id = `session-${hrtime.bigint()}`;\n'],
  ),
  server(
    1,
    'a-hash-of-a-counter',
    [randomImport, "import { createHash } from 'node:crypto';\n"],
    [makesId, "    const id = createHash('sha256').update(`session ${sessions.size}`).digest('hex');\n"],
  ),
  server(
    1,
    'a-hash-of-the-name-and-a-counter',
    [randomImport, "import { createHash } from 'node:crypto';\n"],
    [
      makesId,
      "    const id = createHash('sha256').update(`${JSON.stringify(message.params)} ${sessions.size}`).digest('hex');\n",
    ],
  ),
  server(
    1,
    'a-hash-of-the-name',
    [randomImport, "import { createHash } from 'node:crypto';\n"],
    [makesId, "    const id = createHash('sha256').update(JSON.stringify(message.params)).digest('hex');\n"],
  ),
  server(
    1,
    'a-generator-with-a-fixed-seed',
    [randomImport, ''],
    [
      imports,
      `${imports}
let seed = 42;
const next = () => (seed = (seed * 48271) % 2147483647).toString(36).padStart(6, '0');
`,
    ],
    [makesId, '    const id = `${next()}${next()}${next()}`;\n'],
  ),
  server(
    1,
    'a-hash-of-the-time',
    [randomImport, "import { createHash } from 'node:crypto';\n"],
    [makesId, "    const id = createHash('sha256').update(String(Date.now())).digest('hex');\n"],
  ),
  server(1, 'the-name-of-the-client-in-the-id', [
    makesId,
    '    const id = `${initializeParams.parse(message.params).clientInfo.name}-${randomUUID()}`;\n',
  ]),
  server(1, 'a-new-session-with-each-answer', ["if (begins && 'result' in answered)", "if ('result' in answered)"]),
  server(1, 'the-id-that-the-client-wants', [
    makesId,
    "    const id = request.get('MCP-Session-Id') ?? randomUUID();\n",
  ]),
  server(1, 'the-old-session-of-a-client-that-begins-again', [
    makesId,
    "    const own = request.get('MCP-Session-Id') ?? '';\n    const id = sessions.has(own) ? own : randomUUID();\n",
  ]),
  server(1, 'keeps-the-id-that-the-client-wants-too', [
    makesId,
    "    const id = randomUUID();\n    sessions.set(request.get('MCP-Session-Id') ?? id, session);\n",
  ]),
  server(1, 'ends-the-session-of-a-client-that-begins-again', [
    makesId,
    "    const id = randomUUID();\n    sessions.delete(request.get('MCP-Session-Id') ?? '');\n",
  ]),
  server(1, 'one-session-after-the-other', [makesId, '    const id = randomUUID();\n    sessions.clear();\n']),
  server(1, 'unknown-session-is-400', [refusals, "  if (!session) refuse(response, 400, -32600, 'no session');\n"]),
  server(1, 'no-session-is-404', [refusals, "  if (!session) refuse(response, 404, -32600, 'no session');\n"]),
  server(1, 'unknown-session-is-an-error-in-json', [
    refusals,
    `  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 200, -32600, 'there is no such session');
`,
  ]),
  server(1, 'refuses-and-goes-on', [
    finds,
    `const found = begins ? { level: 'info' } : sessionOf(request, response);
  const session: Session = found ?? { level: 'info' };
`,
  ]),
  server(
    1,
    'goes-on-after-a-notification',
    [
      accepts,
      '  if (!isRequest(message)) response.status(202).end();\n  if (!isRequest(message)) return sendToNobody(response);\n',
    ],
    [imports, `${imports}\nconst sendToNobody = (response: Response) => void response.json({});\n`],
  ),
  server(1, 'notifications-without-a-session', [
    finds,
    `const session = begins ? { level: 'info' } : isRequest(message) ? sessionOf(request, response) : { level: 'info' };
  if (!session) return;
`,
  ]),
  server(1, 'only-known-methods-need-a-session', [
    finds,
    `const known = !isRequest(message) || Object.hasOwn(methods, message.method);
  const session = begins || !known ? { level: 'info' } : sessionOf(request, response);
  if (!session) return;
`,
  ]),
  server(1, 'only-known-notifications-need-a-session', [
    finds,
    `const known = isRequest(message) || ('method' in message && message.method === 'notifications/initialized');
  const session = begins || !known ? { level: 'info' } : sessionOf(request, response);
  if (!session) return;
`,
  ]),
  server(1, 'the-list-without-a-session', [
    finds,
    `const open = isRequest(message) && message.method === 'tools/list';
  const session = begins || open ? { level: 'info' } : sessionOf(request, response);
  if (!session) return;
`,
  ]),
  server(1, 'ping-with-any-id', [
    finds,
    `const open = isRequest(message) && message.method === 'ping';
  const session = begins || open ? { level: 'info' } : sessionOf(request, response);
  if (!session) return;
`,
  ]),
  server(1, 'any-id-has-a-session', [
    looksUp,
    "  const session = id === undefined ? undefined : (sessions.get(id) ?? { level: 'info' });\n",
  ]),
  server(1, 'keeps-no-session', [keepsSession, '']),
  server(1, 'an-id-after-an-error', ["if (begins && 'result' in answered) {", 'if (begins) {']),
  server(1, 'asks-initialize-for-its-session', [
    finds,
    'const session = sessionOf(request, response);\n  if (!session) return;\n',
  ]),
  server(1, 'one-character', [makesId, '    const id = String(sessions.size);\n']),
  server(1, 'the-two-statuses-exchanged', [
    refusals,
    `  if (id === undefined) refuse(response, 404, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 400, -32600, 'there is no such session');
`,
  ]),
  server(1, 'begins-a-session-for-any-id', [
    looksUp,
    `  let session = sessions.get(id ?? '');
  if (!session && id !== undefined) sessions.set(id, (session = { level: 'info' }));
`,
  ]),
  server(
    1,
    'sessions-in-a-plain-object',
    [theMap, 'const sessions: Record<string, Session> = {};'],
    [looksUp, "  const session = sessions[id ?? ''];\n"],
    [keepsSession, '    sessions[id] = session;\n'],
    [deletes, "  delete sessions[request.get('MCP-Session-Id')!];\n"],
  ),
  server(1, 'the-beginning-of-the-id-will-do', [
    looksUp,
    "  const key = [...sessions.keys()].find((each) => id !== undefined && each.slice(0, 20) === id.slice(0, 20));\n  const session = sessions.get(key ?? '');\n",
  ]),

  server(2, 'goes-on-after-delete', [deletes, '']),
  server(2, 'delete-ends-all-sessions', [deletes, '  sessions.clear();\n']),
  server(
    2,
    'delete-ends-the-newest-session',
    [deletes, "  sessions.delete([...sessions.keys()].at(-1)!);\n  sessions.delete(request.get('MCP-Session-Id')!);\n"],
    [
      checksDelete,
      '  if (!sessionOf(request, response)) {\n    sessions.delete([...sessions.keys()].at(-1)!);\n    return;\n  }\n',
    ],
  ),
  server(2, 'delete-without-an-id-ends-all', [
    checksDelete,
    "  if (request.get('MCP-Session-Id') === undefined) sessions.clear();\n  if (!sessionOf(request, response)) return;\n",
  ]),
  server(
    2,
    'delete-is-always-204',
    [checksDelete, ''],
    [deletes, "  sessions.delete(request.get('MCP-Session-Id') ?? '');\n"],
  ),
  server(2, 'delete-of-no-session-is-400', [
    checksDelete,
    "  if (!sessions.has(request.get('MCP-Session-Id') ?? '')) return refuse(response, 400, -32600, 'no session');\n",
  ]),
  server(2, 'delete-is-never-answered', ['  response.status(204).end();\n', '  response.status(204);\n']),
  server(
    2,
    'delete-refuses-and-goes-on',
    [checksDelete, '  sessionOf(request, response);\n'],
    ['  response.status(204).end();\n', "  response.status(204).end('ended');\n"],
  ),
  server(2, 'delete-is-405', [
    "app.delete('/mcp', (request, response) => {",
    "app.delete('/mcp/session', (request, response) => {",
  ]),
  server(2, 'an-ended-session-comes-back', [
    deletes,
    "  const id = request.get('MCP-Session-Id')!;\n  const session = sessions.get(id)!;\n  sessions.delete(id);\n  setImmediate(() => sessions.set(id, session));\n",
  ]),
  server(2, 'allow-as-before', ["'POST, DELETE'", "'POST'"]),
  server(2, 'allows-get-too', ["'POST, DELETE'", "'GET, POST, DELETE'"]),
  server(2, 'only-get-is-405', ["app.all('/mcp', (_request", "app.get('/mcp', (_request"]),
  server(2, 'express-answers-options', [
    "app.all('/mcp', (_request, response) => {",
    "const others = app.route('/mcp');\nfor (const name of ['get', 'put', 'patch'] as const) others[name]((_request, response) => {",
  ]),

  server(3, 'any-level-will-do', [levelParams, 'const setLevelParams = z.object({ level: z.string() });']),
  server(3, 'levels-in-any-case', [
    levelParams,
    'const setLevelParams = z.object({ level: z.preprocess((level) => String(level).toLowerCase(), z.enum(levels)) });',
  ]),
  server(3, 'levels-with-spaces', [
    levelParams,
    'const setLevelParams = z.object({ level: z.preprocess((level) => String(level).trim(), z.enum(levels)) });',
  ]),
  server(3, 'a-missing-level-is-info', [
    levelParams,
    "const setLevelParams = z.object({ level: z.enum(levels).default('info') });",
  ]),
  server(3, 'a-level-in-a-list', [
    levelParams,
    'const setLevelParams = z.object({ level: z.preprocess((level) => String(level), z.enum(levels)) });',
  ]),
  server(3, 'bad-level-is-an-internal-error', [setsLevel, setsLevel.replace('-32602', '-32603')]),
  server(3, 'bad-level-throws', [setsLevel, '    session.level = setLevelParams.parse(params).level;\n']),
  server(3, 'levels-of-another-library', [
    order,
    "['trace', 'debug', 'info', 'warning', 'error', 'critical', 'alert', 'emergency']",
  ]),
  server(3, 'set-level-as-a-notification', [
    accepts,
    `  if (isRequest(message) && message.method === 'logging/setLevel') {
    await answer(message, silent, session);
    response.status(202).end();
    return;
  }
${accepts}`,
  ]),
  server(3, 'answers-with-the-level', [
    `${setsLevel}    return { result: {} };\n`,
    `${setsLevel}    return { result: { level: data.level } };\n`,
  ]),
  server(3, 'compares-no-levels', [filters, '']),
  server(3, 'levels-by-the-alphabet', [filters, '  if (params.level < session.level) return;\n']),
  server(3, 'a-sorted-list-of-levels', [
    filters,
    '  const sorted = levels.toSorted();\n  if (sorted.indexOf(params.level) < sorted.indexOf(session.level)) return;\n',
  ]),
  server(
    3,
    'only-what-is-above',
    [filters, filters.replace('<', '<=')],
    ["begins ? { level: 'info' }", "begins ? { level: 'debug' }"],
  ),
  server(3, 'only-the-level-itself', [
    filters,
    "  if (params.level !== session.level && session.level !== 'info') return;\n",
  ]),
  server(3, 'the-numbers-of-syslog', [
    order,
    "['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug']",
  ]),
  server(3, 'begins-with-warning', ["begins ? { level: 'info' }", "begins ? { level: 'warning' }"]),
  server(3, 'forgets-the-level', [keepsLevel, '']),
  server(3, 'keeps-only-the-first-level', [
    keepsLevel,
    "    if (session.level === 'info') session.level = data.level;\n",
  ]),
  server(3, 'the-level-only-becomes-more-severe', [
    keepsLevel,
    '    if (levels.indexOf(data.level) > levels.indexOf(session.level)) session.level = data.level;\n',
  ]),
  server(3, 'sets-the-level-before-it-looks', [
    setsLevel,
    `    session.level = String(params.level);
    const { error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
`,
  ]),
  server(3, 'a-wrong-level-is-back-to-info', [
    '    if (error) return failure(-32602, z.prettifyError(error));\n    session.level',
    "    if (error) session.level = 'info';\n    if (error) return failure(-32602, z.prettifyError(error));\n    session.level",
  ]),
  server(
    3,
    'one-level-for-all',
    [imports, `${imports}\nlet currentLevel = 'info';\n`],
    [keepsLevel, '    currentLevel = data.level;\n'],
    [filters, filters.replace('session.level', 'currentLevel')],
  ),
  server(
    3,
    'begins-with-the-last-level',
    [imports, `${imports}\nlet lastLevel = 'info';\n`],
    [keepsLevel, '    session.level = lastLevel = data.level;\n'],
    ["begins ? { level: 'info' }", 'begins ? { level: lastLevel }'],
  ),
  server(3, 'begins-with-the-session-of-the-header', [
    "begins ? { level: 'info' }",
    "begins ? (sessions.get(request.get('MCP-Session-Id') ?? '') ?? { level: 'info' })",
  ]),
  server(
    3,
    'the-level-by-the-name-of-the-client',
    [imports, `${imports}\nconst byName = new Map<string, Session>();\n`],
    [
      keepsSession,
      `    const name = JSON.stringify(message.params?.clientInfo);
    if (!byName.has(name)) byName.set(name, session);
    sessions.set(id, byName.get(name)!);
`,
    ],
  ),
  server(3, 'a-newer-client-resets-the-level', [
    makesId,
    "    for (const each of sessions.values()) each.level = 'info';\n    const id = randomUUID();\n",
  ]),
  server(3, 'the-level-holds-for-one-call', [
    answers,
    `${answers}  session.level = 'info';
`,
  ]),
  server(3, 'the-level-of-the-newest-session', [filters, '  session = [...sessions.values()].at(-1)!;\n' + filters]),
  server(
    3,
    'the-level-by-the-request-id',
    [imports, `${imports}\nconst callers = new Map<string | number, Session>();\n`],
    [
      answers,
      `  callers.set(message.id, session);
  context.log = (level, data, logger) => sendLog(response, callers.get(message.id)!, { level, logger, data });
${answers}`,
    ],
  ),
  server(
    3,
    'shares-the-answer-by-the-request-id',
    [imports, `${imports}\nconst running = new Map<string, Promise<Answer>>();\n`],
    [
      answers,
      `  const key = \`\${JSON.stringify(message.id)} \${session.level}\`;
  if (!running.has(key)) running.set(key, answer(message, context, session).finally(() => running.delete(key)));
  const answered = await running.get(key)!;
`,
    ],
  ),
  server(3, 'copies-the-level-when-a-call-begins', [
    'const context: Context = { log: (level, data, logger) => sendLog(response, session, { level, logger, data }) };',
    'const atFirst = { ...session };\n  const context: Context = { log: (level, data, logger) => sendLog(response, atFirst, { level, logger, data }) };',
  ]),
  server(
    3,
    'finds-the-stream-by-session-and-request-id',
    [imports, `${imports}\nconst streams = new Map<Session, Map<string | number, Response>>();\n`],
    [
      '  response.flushHeaders();\n',
      `  response.flushHeaders();
  const own = streams.get(session) ?? new Map<string | number, Response>();
  streams.set(session, own.set(message.id, response));
`,
    ],
    [
      sendsAnswer,
      sendsAnswer
        .replace('send(response', 'const found = streams.get(session)!.get(message.id)!;\n  send(found')
        .replace('response.end()', 'found.end()'),
    ],
  ),
  server(
    3,
    'one-call-of-a-session-after-the-other',
    [imports, `${imports}\nconst before = new Map<Session, Promise<unknown>>();\n`],
    [
      answers,
      `  const own = Promise.resolve(before.get(session)).then(() => answer(message, context, session));
  before.set(session, own);
  const answered = await own;
`,
    ],
  ),
];
