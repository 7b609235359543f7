import { server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const listens = "server.listen(port, '127.0.0.1');\n";
const hostCheck = '!URL.canParse(host) || !allowedHosts.includes(new URL(host).hostname)';
const originCheck = 'origin !== undefined && !allowedOrigins.includes(origin)';
const refusesHost = "    refuse(response, 403, -32600, 'the header Host does not name this machine');\n";
const refusesOrigin = "    refuse(response, 403, -32600, 'the header Origin names a page that is not allowed');\n";
const ownHost = "const host = `http://${request.get('Host')}`;";
const order = "app.use('/mcp', checkWhoAsks, cors);\n";
const logFirst = 'app.use(accessLog);\n';
const postRoute = "app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async";

const vary = "  response.vary('Origin');\n";
const noOrigin = '  if (origin === undefined) return next();\n';
const allowsOrigin = "    'Access-Control-Allow-Origin': origin,\n";
const exposes = "    'Access-Control-Expose-Headers': 'MCP-Session-Id, WWW-Authenticate',\n";
const preflightOnly = "  if (request.method !== 'OPTIONS') return next();\n";
const methods = "'Access-Control-Allow-Methods': 'GET, POST, DELETE'";
const headers = "'Accept, Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, MCP-Session-Id'";
const answersPreflight = '  response.status(204).end();\n  };\n'.replace('  };\n', '};\n\nconst app');

const pathAndMethod = '  const { method, path } = request;\n';
const makesId = '  const id = randomUUID();\n  response.locals';
const tellsId = "  response.set('X-Request-Id', id);\n";
const onClose = "  response.on('close', () => {\n";
const writesLine =
  '    log({ id, method, path, status: response.statusCode, ms: Math.round(performance.now() - began) });\n';
const json = '  console.log(JSON.stringify({ time: new Date().toISOString(), ...record }));\n';
const beginsWindow = `  if (now >= session.windowEnd) {
    session.windowEnd = now + rateWindow;
    session.requests = 0;
  }
`;
const inTime = '  if (session.requests <= rateLimit) return true;\n';
const retryAfter = "  response.set('Retry-After', String(Math.ceil((session.windowEnd - now) / 1000)));\n";
const tooMany = '  refuse(response, 429, -32600, `a session may send ${rateLimit} requests in ${rateWindow} ms`);\n';
const receives = '{ requestTimeout: receiveLimit, connectionsCheckingInterval: 100 }';
const clientsError = '  if (error.status && error.status < 500) return answerError(error, request, response, next);\n';
const logsError = '  log({ id: response.locals.id, error: inspect(error) });\n';
const answersError = "  refuse(response, 500, -32603, 'internal error');\n";

export const mistakes: Mistake[] = [
  server(1, 'listens-at-every-address', [listens, 'server.listen(port);\n']),
  server(1, 'listens-at-0.0.0.0', [listens, "server.listen(port, '0.0.0.0');\n"]),
  server(
    1,
    'checks-only-the-origin',
    [`${hostCheck}) {\n${refusesHost}  } else if (${originCheck}`, originCheck],
    [`  ${ownHost}\n`, ''],
  ),
  server(1, 'checks-only-the-host', [`  } else if (${originCheck}) {\n${refusesOrigin}`, '']),
  server(1, 'checks-the-host-only-without-an-origin', [hostCheck, `origin === undefined && (${hostCheck})`]),
  server(1, 'a-host-that-begins-like-a-local-one', [
    hostCheck,
    "!allowedHosts.some((name) => request.get('Host')?.startsWith(name))",
  ]),
  server(1, 'a-host-that-ends-like-a-local-one', [
    hostCheck,
    '!URL.canParse(host) || !allowedHosts.some((name) => new URL(host).hostname.endsWith(name))',
  ]),
  server(1, 'a-host-that-has-a-local-one-in-it', [hostCheck, '!allowedHosts.some((name) => host.includes(name))']),
  server(1, 'cuts-the-host-at-the-first-colon', [
    hostCheck,
    "!allowedHosts.includes(request.get('Host')!.split(':')[0]!)",
  ]),
  server(1, 'needs-the-port-in-the-host', [
    hostCheck,
    "!allowedHosts.some((name) => `${name}:${port}` === request.get('Host')?.toLowerCase())",
  ]),
  server(1, 'minds-the-case-of-the-host', [
    hostCheck,
    "!allowedHosts.includes((request.get('Host') ?? '').replace(/:\\d+$/, ''))",
  ]),
  server(1, 'believes-x-forwarded-host', [
    ownHost,
    ownHost.replace('request.get', "request.get('X-Forwarded-Host') ?? request.get"),
  ]),
  server(1, 'takes-0.0.0.0-for-this-machine', [
    "const allowedHosts = ['127.0.0.1', 'localhost', '[::1]'];",
    "const allowedHosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0'];",
  ]),
  server(1, 'looks-for-the-origin-in-the-text-of-the-list', [
    originCheck,
    "origin !== undefined && !allowedOrigins.join(',').includes(origin)",
  ]),
  server(1, 'an-origin-that-begins-like-an-allowed-one', [
    originCheck,
    'origin !== undefined && !allowedOrigins.some((allowed) => origin.startsWith(allowed))',
  ]),
  server(1, 'compares-only-the-host-of-the-origin', [
    originCheck,
    'origin !== undefined && !(URL.canParse(origin) && allowedOrigins.some((allowed) => new URL(allowed).hostname === new URL(origin).hostname))',
  ]),
  server(1, 'lets-null-through', [originCheck, `origin !== 'null' && ${originCheck}`]),
  server(1, 'lets-every-local-page-through', [
    originCheck,
    "origin !== undefined && !origin.startsWith('http://localhost:') && !allowedOrigins.includes(origin)",
  ]),
  server(1, 'lets-its-own-origin-through', [originCheck, `${originCheck} && origin !== host`]),
  server(1, 'needs-an-origin', [originCheck, "!allowedOrigins.includes(origin ?? '')"]),
  server(1, 'takes-the-list-for-one-origin', [
    "(process.env.ALLOWED_ORIGINS ?? 'http://localhost:5173').split(',')",
    "[process.env.ALLOWED_ORIGINS ?? 'http://localhost:5173']",
  ]),
  server(1, 'checks-only-a-post', [
    `  if (${hostCheck}`,
    `  if (request.method !== 'POST') next();\n  else if (${hostCheck}`,
  ]),
  server(1, 'checks-after-the-body', [
    order,
    "app.use('/mcp', express.json({ strict: false, limit: '1mb' }), checkWhoAsks, cors);\n",
  ]),
  server(1, 'reads-the-whole-body-first', [
    order,
    `app.use('/mcp', express.text({ type: () => true, limit: '5mb' }), (request, _response, next) => {
  request.body = /^\\{.*\\}$/s.test(request.body ?? '') ? JSON.parse(request.body) : undefined;
  next();
});
${order}`,
  ]),
  server(
    1,
    'checks-only-in-the-route',
    [order, "app.use('/mcp', cors);\n"],
    [postRoute, postRoute.replace('checkPost', 'checkWhoAsks, checkPost')],
  ),
  server(1, 'refuses-without-a-body', [refusesHost, '    response.status(403).end();\n']),
  server(1, 'refuses-with-a-word', [refusesOrigin, '    response.sendStatus(403);\n']),
  server(1, 'refuses-with-400', [refusesHost, refusesHost.replace('403', '400')]),
  server(1, 'refuses-with-401', [refusesOrigin, refusesOrigin.replace('403', '401')]),
  server(1, 'refuses-and-goes-on', [refusesOrigin, `${refusesOrigin}    next();\n`]),
  server(1, 'breaks-the-connection-off', [refusesHost, '    request.destroy();\n']),

  server(2, 'a-star', [allowsOrigin, "    'Access-Control-Allow-Origin': '*',\n"]),
  server(2, 'a-star-for-requests-without-an-origin', [
    noOrigin,
    noOrigin.replace('return next()', "return response.set('Access-Control-Allow-Origin', '*'), next()"),
  ]),
  server(2, 'sends-the-whole-list', [allowsOrigin, "    'Access-Control-Allow-Origin': allowedOrigins.join(', '),\n"]),
  server(2, 'sends-the-first-of-the-list', [allowsOrigin, "    'Access-Control-Allow-Origin': allowedOrigins[0]!,\n"]),
  server(2, 'adds-a-slash', [allowsOrigin, "    'Access-Control-Allow-Origin': `${origin}/`,\n"]),
  server(2, 'does-not-answer-the-preflight', [preflightOnly, ''], [answersPreflight, '  next();\n};\n\nconst app']),
  server(
    2,
    'answers-only-the-preflight',
    [preflightOnly, ''],
    [noOrigin, "  if (origin === undefined || request.method !== 'OPTIONS') return next();\n"],
  ),
  server(
    2,
    'exposes-only-in-the-preflight',
    [exposes, ''],
    [methods, `'Access-Control-Expose-Headers': 'MCP-Session-Id, WWW-Authenticate',\n    ${methods}`],
  ),
  server(2, 'exposes-nothing', [exposes, '']),
  server(2, 'exposes-only-the-session-id', [exposes, "    'Access-Control-Expose-Headers': 'MCP-Session-Id',\n"]),
  server(2, 'allows-only-post', [methods, "'Access-Control-Allow-Methods': 'POST'"]),
  server(2, 'methods-in-lower-case', [methods, methods.replace('GET, POST, DELETE', 'get, post, delete')]),
  server(2, 'allows-only-the-content-type', [headers, "'Content-Type'"]),
  server(2, 'forgets-the-revision-header', [headers, headers.replace(' MCP-Protocol-Version,', '')]),
  server(2, 'forgets-authorization', [headers, headers.replace(' Authorization,', '')]),
  server(2, 'a-star-for-the-headers', [headers, "'*'"]),
  server(2, 'the-preflight-is-403', [answersPreflight, answersPreflight.replace('204', '403')]),
  server(
    2,
    'allows-the-page-only-after-the-check-of-the-post',
    [order, "app.use('/mcp', checkWhoAsks);\napp.options('/mcp', cors);\n"],
    [postRoute, postRoute.replace('checkPost,', 'checkPost, cors,')],
  ),
  server(2, 'no-vary', [vary, '']),
  server(2, 'vary-only-for-pages', [
    vary + "  const origin = request.get('Origin');\n" + noOrigin,
    "  const origin = request.get('Origin');\n" + noOrigin + vary,
  ]),
  server(2, 'vary-only-for-the-preflight', [vary, ''], [preflightOnly, preflightOnly + vary]),
  server(1, 'allows-before-it-checks', [order, "app.use('/mcp', cors, checkWhoAsks);\n"]),
  server(2, 'allows-and-then-refuses', [
    order,
    "app.use('/mcp', (request, response, next) => {\n  response.set('Access-Control-Allow-Origin', request.get('Origin') ?? '');\n  next();\n});\n" +
      order,
  ]),

  server(3, 'refuses-the-last-that-is-allowed', [inTime, '  if (session.requests < rateLimit - 1) return true;\n']),
  server(3, 'refuses-the-last-of-a-new-window', [inTime, inTime.replace('<=', '<')]),
  server(3, 'serves-one-too-many', [inTime, '  if (session.requests <= rateLimit + 1) return true;\n']),
  server(
    3,
    'one-window-for-all',
    [
      '/** Whether this session may send',
      'const everybody = { requests: 0, windowEnd: 0 };\n\n/** Whether this session may send',
    ],
    [
      '  const now = performance.now();\n  if',
      '  const now = performance.now();\n  session = Object.assign(everybody, { level: session.level });\n  if',
    ],
  ),
  server(3, 'counts-only-calls', [
    '  session.requests++;\n',
    "  if (response.req.body.method === 'tools/call') session.requests++;\n",
  ]),
  server(3, 'too-many-is-503', [tooMany, tooMany.replace('429', '503')]),
  server(3, 'too-many-without-a-body', [tooMany, '  response.status(429).end();\n']),
  server(3, 'says-nothing-of-the-time', [retryAfter, '']),
  varying(server(3, 'retry-after-in-milliseconds', [retryAfter, retryAfter.replace(' / 1000', '')])),
  varying(
    server(3, 'retry-after-with-a-fraction', [
      retryAfter,
      "  response.set('Retry-After', String((session.windowEnd - now) / 1000));\n",
    ]),
  ),
  server(3, 'retry-after-is-the-whole-window', [
    retryAfter,
    retryAfter.replace('(session.windowEnd - now) / 1000', 'rateWindow / 1000'),
  ]),
  server(3, 'a-refused-request-begins-a-window', [
    retryAfter,
    `  session.windowEnd = now + rateWindow;\n${retryAfter}`,
  ]),
  server(3, 'a-window-of-a-minute', ['Number(process.env.RATE_WINDOW ?? 60_000)', '60_000']),
  server(3, 'rounds-retry-after-down', [retryAfter, retryAfter.replace('ceil', 'floor')]),
  server(3, 'sets-retry-after-too-late', [
    retryAfter + tooMany,
    tooMany + retryAfter.replace('response.set', 'if (!response.headersSent) response.set'),
  ]),
  server(3, 'never-forgives', [beginsWindow, '  session.windowEnd ||= now + rateWindow;\n']),
  server(3, 'every-request-begins-a-window', [beginsWindow, '  if (now >= session.windowEnd) session.requests = 0;\n']),
  server(3, 'forgives-when-another-session-asks', [
    beginsWindow,
    beginsWindow + '  for (const other of sessions.values()) if (other !== session) other.requests = 0;\n',
  ]),
  server(3, 'refuses-and-answers-too', [
    '  refuse(response, 429, -32600, `a session may send ${rateLimit} requests in ${rateWindow} ms`);\n  return false;\n',
    '  response.status(429);\n  return true;\n',
  ]),
  server(3, 'refuses-too-many-and-continues', [`${tooMany}  return false;\n`, `${tooMany}  return true;\n`]),
  server(3, 'looks-every-thirty-seconds', [receives, '{ requestTimeout: receiveLimit }']),
  server(3, 'limits-only-the-headers', [
    receives,
    '{ headersTimeout: receiveLimit, connectionsCheckingInterval: 100 }',
  ]),
  // On a slow machine, two bytes come so late after each other that this server takes them for silence.
  varying(
    server(3, 'limits-silence', [
      `createServer(${receives}, app);\n`,
      'createServer(app);\nserver.setTimeout(receiveLimit);\n',
    ]),
  ),
  server(3, 'limits-every-connection', [
    `createServer(${receives}, app);\n`,
    `createServer(${receives}, app);\nserver.on('connection', (socket) => setTimeout(() => socket.destroy(), receiveLimit).unref());\n`,
  ]),
  server(3, 'keeps-all-slow-requests', [`createServer(${receives}, app)`, 'createServer(app)']),
  server(3, 'logs-only-what-is-finished', [onClose, onClose.replace('close', 'finish')]),
  server(3, 'logs-twice', [onClose, "  for (const event of ['finish', 'close']) response.on(event, () => {\n"]),
  server(3, 'logs-at-the-beginning', [onClose + writesLine + '  });\n', writesLine.slice(2)]),
  server(3, 'logs-only-what-is-allowed', [logFirst + order, order + logFirst]),
  server(3, 'logs-only-what-is-refused', [writesLine, `    if (response.statusCode >= 400) ${writesLine.trim()}\n`]),
  server(3, 'logs-the-rest-of-the-path', [logFirst, "app.use('/mcp', accessLog);\n"]),
  server(
    3,
    'logs-the-status-too-early',
    [
      '  const began = performance.now();\n',
      '  const began = performance.now();\n  const status = response.statusCode;\n',
    ],
    [writesLine, writesLine.replace('status: response.statusCode', 'status')],
  ),
  server(3, 'logs-text', [
    json,
    '  const { method, path, status } = record as Record<string, unknown>;\n  console.log(method, path, status);\n',
  ]),
  server(3, 'logs-an-object', [json, '  console.log({ time: new Date().toISOString(), ...record });\n']),
  server(3, 'logs-on-several-lines', [json, json.replace('...record })', '...record }, null, 2)')]),
  server(3, 'logs-the-whole-url', [pathAndMethod, '  const { method, originalUrl: path } = request;\n']),
  server(3, 'logs-the-url-as-the-path', [pathAndMethod, '  const { method, url: path } = request;\n']),
  server(3, 'logs-the-url-too', [writesLine, writesLine.replace('path,', 'path, url: request.originalUrl,')]),
  server(3, 'logs-the-headers', [writesLine, writesLine.replace('path,', 'path, headers: request.headers,')]),
  server(3, 'logs-the-session', [
    writesLine,
    writesLine.replace('path,', "path, session: request.get('MCP-Session-Id'),"),
  ]),
  server(3, 'logs-the-body', [writesLine, writesLine.replace('path,', 'path, body: request.body,')]),
  server(3, 'keeps-the-id-to-itself', [tellsId, '']),
  server(3, 'an-id-for-the-log-and-one-for-the-client', [tellsId, tellsId.replace(', id', ', randomUUID()')]),
  server(3, 'the-id-of-the-client', [
    makesId,
    makesId.replace('randomUUID()', "request.get('X-Request-Id') ?? randomUUID()"),
  ]),
  server(
    3,
    'one-id-for-all',
    [logFirst, `const theId = randomUUID();\n${logFirst}`],
    [makesId, makesId.replace('randomUUID()', 'theId')],
  ),
  server(3, 'tells-the-message-of-an-error', [answersError, '  refuse(response, 500, -32603, error.message);\n']),
  server(3, 'tells-the-stack-of-an-error', [answersError, '  refuse(response, 500, -32603, inspect(error));\n']),
  server(3, 'tells-that-an-error-is-a-wrong-request', [
    answersError,
    "  refuse(response, 400, -32600, 'internal error');\n",
  ]),
  server(3, 'takes-every-error-for-its-own', [clientsError, '']),
  server(3, 'logs-the-errors-of-the-client', [clientsError + logsError, logsError + clientsError]),
  server(3, 'keeps-an-error-to-itself', [logsError, '']),
  server(3, 'prints-an-error-beside-the-log', [logsError, '  console.error(error);\n']),
  server(3, 'logs-an-error-without-its-id', [logsError, '  log({ error: inspect(error) });\n']),
  server(3, 'logs-an-error-as-an-object', [logsError, '  log({ id: response.locals.id, error });\n']),
  server(3, 'logs-only-the-message-of-an-error', [
    logsError,
    '  log({ id: response.locals.id, error: error.message });\n',
  ]),
];
