import { client, server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const serves = '    await serve(message, session, (each) => writeMessage(response, each));\n    response.end();\n';
const sessionLine = "  const session = begins ? { level: 'info', revisions } : sessionOf(request, response);\n";
const noSession = '  if (!session) return;\n  if (!isRequest(message))';
const setsHeader =
  "      if (begins && 'result' in each) response.set('MCP-Session-Id', newSessionId(session));\n      response.json(each);\n";
const isCall = "  if (message.method === 'tools/call') {\n";
const accepts = '  if (!isRequest(message)) return void response.status(202).end();\n';
const endpointEvent = '  response.write(`event: endpoint\\ndata: /messages?sessionId=${id}\\n\\n`);\n';
const opens = '  streams.set(id, { session, send: (message) => writeMessage(response, message) });\n';
const oldSession = "  const session = { level: 'info', revisions: [...revisions, '2024-11-05'] };\n";
const closes = "  response.on('close', () => streams.delete(id));\n";
const findsStream =
  "  const stream = streams.get(String(request.query.sessionId));\n  if (!stream) return refuse(response, 404, -32600, 'there is no such stream');\n";
const asksSession = '  if (!sessionOf(request, response)) return;\n';
const deletes = "  sessions.delete(request.get('MCP-Session-Id')!);\n";
const findsSession = "  const session = sessions.get(id ?? '');\n";
const answersPost =
  '  response.status(202).end();\n  if (isRequest(message)) await serve(message, stream.session, stream.send);\n';
const streamsMap = 'const streams = new Map<string, { session: Session; send: Send }>();\n';

/** Lines of the finished client that several mistakes change. */
const fallsBack = '  if (transport === undefined && [400, 404, 405].includes(response.status)) {\n';
const opensStream = '    await openOldStream(refusal);\n    return post(message);\n';
const says = "  transport ??= 'Streamable HTTP';\n  console.error(`transport: ${transport}`);\n";
const discards = '  if (oldStream) discard(oldStream.response);\n';
const gets =
  "  const response = await fetch(url, { headers: { Accept: 'text/event-stream' }, signal }).catch(notSent);\n";
const looksAtType = "  if (!response.ok || mediaTypeOf(response) !== 'text/event-stream') fail(3, refusal);\n";
const firstEvent = '  const { value: first } = await events.next().catch(notRead);\n';
const isEndpoint = "  if (first?.type !== 'endpoint') fail(3, refusal);\n";
const resolves = '  const address = new URL(first.data, url);\n';
const sameOrigin = '  if (address.origin !== new URL(url).origin)\n';
const keeps = '  endpoint = address.href;\n';
const choosesMessages = '  const messages = oldStream?.messages ?? messagesIn(response);\n';
const posts = "  const response = await fetch(endpoint, { method: 'POST', headers, body, signal }).catch(notSent);\n";
const loop = `  for (let next = await messages.next(); !next.done; next = await messages.next()) {
    const message = next.value;
`;

export const mistakes: Mistake[] = [
  server(1, 'does-not-return-after-202', [accepts, accepts.replace('return void ', '')]),
  server(1, 'sends-to-the-stream-that-was-opened-last', [
    serves,
    '    await serve(message, session, [...streams.values()].at(-1)?.send ?? (() => {}));\n    response.end();\n',
  ]),
  server(1, 'collects-the-messages', [
    serves,
    '    const messages: (JsonRpcNotification | JsonRpcResponse)[] = [];\n    await serve(message, session, (each) => messages.push(each));\n    for (const each of messages) writeMessage(response, each);\n    response.end();\n',
  ]),
  server(1, 'does-not-await-serve', [serves, serves.replace('await serve', 'void serve')]),
  server(1, 'does-not-end-the-stream', [serves, serves.replace('    response.end();\n', '')]),
  server(
    1,
    'answers-a-call-with-json',
    [isCall, "  if (message.method === 'tools/stream') {\n"],
    [
      setsHeader,
      setsHeader.replace('      response.json(each);\n', "      if (!('method' in each)) response.json(each);\n"),
    ],
  ),
  server(1, 'writes-json-lines', [
    serves,
    serves.replace('writeMessage(response, each)', 'response.write(`${JSON.stringify(each)}\\n`)'),
  ]),
  server(1, 'a-second-core-without-the-level', [
    serves,
    `    const context: Context = {
      log: (level, data, logger) =>
        writeMessage(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } }),
    };
    const answered = await answer(message, context, session);
    writeMessage(response, { jsonrpc: '2.0', id: message.id, ...answered });
    response.end();
`,
  ]),
  server(1, 'a-second-core-that-drops-the-logger', [
    serves,
    serves.replace(
      '(each) => writeMessage(response, each)',
      "(each) => {\n      if ('method' in each && each.params) delete each.params.logger;\n      writeMessage(response, each);\n    }",
    ),
  ]),
  server(
    1,
    'one-session-for-the-new-endpoint',
    [sessionLine, sessionLine.replace("{ level: 'info', revisions }", 'shared')],
    [
      'const sessions = new Map<string, Session>();\n',
      "const sessions = new Map<string, Session>();\nconst shared: Session = { level: 'info', revisions };\n",
    ],
  ),
  server(
    1,
    'one-level-for-both-endpoints',
    [
      '      if (over || levels.indexOf(level) < levels.indexOf(session.level)) return;\n',
      '      if (over || levels.indexOf(level) < levels.indexOf(currentLevel)) return;\n',
    ],
    ['    session.level = data.level;\n', '    currentLevel = data.level;\n'],
    [
      'const tools: Tool[] = [processFiles, ...moreTools];\n',
      "const tools: Tool[] = [processFiles, ...moreTools];\nlet currentLevel = 'info';\n",
    ],
  ),
  server(1, 'initialize-needs-a-session', [sessionLine, '  const session = sessionOf(request, response);\n']),
  server(1, 'no-session-id', [setsHeader, setsHeader.replace(/^.*\n/, '')]),
  server(1, 'begins-a-session-with-each-result', [setsHeader, setsHeader.replace('begins && ', '')]),
  server(1, 'sets-the-header-after-the-body', [setsHeader, setsHeader.replace(/^(.*\n)(.*\n)/, '$2$1')]),
  server(1, 'issues-an-id-and-does-not-keep-it', [
    setsHeader,
    setsHeader.replace('newSessionId(session)', 'randomUUID()'),
  ]),
  server(1, 'a-new-session-for-each-message', [
    sessionLine,
    "  const session: Session = { level: 'info', revisions };\n",
  ]),
  server(1, 'looks-for-the-session-of-requests-only', [
    sessionLine,
    sessionLine.replace('begins ?', 'begins || !isRequest(message) ?'),
  ]),
  server(1, 'answers-notifications-with-200', [
    accepts,
    accepts.replace('response.status(202)', 'response.status(200)'),
  ]),
  server(1, 'does-not-answer-notifications', [accepts, '  if (!isRequest(message)) return;\n']),
  server(
    1,
    'answers-a-message-twice',
    [noSession, '  if (!isRequest(message))'],
    [sessionLine, sessionLine.replace(';\n', '!;\n')],
  ),
  server(1, 'moves-the-old-stream-to-the-new-path', ["app.get('/sse',", "app.get('/mcp',"]),
  server(1, 'the-endpoint-is-on-localhost', [
    endpointEvent,
    endpointEvent.replace('data: /', 'data: http://localhost:${process.env.PORT ?? 3000}/'),
  ]),
  server(1, 'the-endpoint-is-json', [
    endpointEvent,
    endpointEvent.replace('data: /messages?sessionId=${id}', 'data: "/messages?sessionId=${id}"'),
  ]),
  server(1, 'no-endpoint-event', [endpointEvent, '']),
  server(1, 'the-old-response-goes-into-the-post', [
    answersPost,
    '  if (isRequest(message)) await serve(message, stream.session, (each) => response.json(each));\n  else response.status(202).end();\n',
  ]),
  server(
    1,
    'old-clients-share-a-send',
    [
      opens,
      '  lastSend = (message) => writeMessage(response, message);\n  streams.set(id, { session, send: (message) => lastSend(message) });\n',
    ],
    [streamsMap, `${streamsMap}let lastSend: Send = () => {};\n`],
  ),
  // The two messages come in either order.
  varying(
    server(
      1,
      'sends-to-all-old-streams',
      [
        opens,
        '  writers.add((message) => writeMessage(response, message));\n  streams.set(id, { session, send: (message) => writers.forEach((write) => write(message)) });\n',
      ],
      [streamsMap, `${streamsMap}const writers = new Set<Send>();\n`],
    ),
  ),

  server(
    1,
    'old-clients-share-a-session',
    [oldSession, '  const session = oldSession;\n'],
    [
      streamsMap,
      `${streamsMap}const oldSession: Session = { level: 'info', revisions: [...revisions, '2024-11-05'] };\n`,
    ],
  ),
  server(1, 'old-clients-lose-their-revision', [oldSession, "  const session = { level: 'info', revisions };\n"]),
  server(1, 'the-old-post-waits-for-the-tool', [
    answersPost,
    '  if (isRequest(message)) await serve(message, stream.session, stream.send);\n  response.status(202).end();\n',
  ]),
  server(1, 'the-event-has-the-type-of-the-method', [
    '  response.write(`event: message\\ndata: ${JSON.stringify(message)}\\n\\n`);\n',
    "  response.write(`event: ${'method' in message ? 'log' : 'message'}\\ndata: ${JSON.stringify(message)}\\n\\n`);\n",
  ]),

  server(2, 'delete-ends-nothing', [deletes, '']),
  server(2, 'delete-ends-all-sessions', [deletes, '  sessions.clear();\n']),
  server(2, 'delete-ends-the-old-streams-too', [deletes, `${deletes}  streams.clear();\n`]),
  server(2, 'delete-asks-for-no-session', [asksSession, '']),
  server(2, 'delete-is-not-answered', ['  response.status(204).end();\n', '']),
  server(2, 'delete-is-refused', [
    `${asksSession}${deletes}  response.status(204).end();\n`,
    "  refuse(response, 405, -32600, 'sessions do not end');\n",
  ]),
  server(1, 'the-session-ends-with-its-post', [
    noSession,
    "  if (!session) return;\n  response.on('close', () => sessions.delete(request.get('MCP-Session-Id') ?? ''));\n  if (!isRequest(message))",
  ]),
  server(2, 'a-call-that-breaks-off-ends-its-session', [
    serves,
    `    response.on('close', () => {
      if (!response.writableFinished) sessions.delete(request.get('MCP-Session-Id')!);
    });
${serves}`,
  ]),
  server(2, 'does-not-notice-that-a-stream-closes', [closes, '']),
  server(2, 'waits-for-the-end-of-the-stream', [closes, closes.replace("'close'", "'finish'")]),
  server(2, 'one-stream-that-closes-ends-all', [closes, "  response.on('close', () => streams.clear());\n"]),
  server(2, 'one-stream-that-closes-ends-all-sessions', [
    closes,
    "  response.on('close', () => {\n    streams.delete(id);\n    sessions.clear();\n  });\n",
  ]),
  server(
    2,
    'finds-the-stream-again-for-each-message',
    [
      opens,
      opens
        .replace('writeMessage(response, message)', 'writeMessage(responses.get(id)!, message)')
        .replace('  streams', '  responses.set(id, response);\n  streams'),
    ],
    [closes, "  response.on('close', () => {\n    streams.delete(id);\n    responses.delete(id);\n  });\n"],
    [streamsMap, `${streamsMap}const responses = new Map<string, Response>();\n`],
  ),
  server(2, 'prints-that-a-stream-is-closed', [
    closes,
    "  response.on('close', () => {\n    streams.delete(id);\n    console.error('Error: client disconnected');\n  });\n",
  ]),
  server(2, 'sends-to-a-different-stream-when-one-is-gone', [
    opens,
    '  streams.set(id, {\n    session,\n    send: (message) => (response.destroyed ? [...streams.values()][0]?.send(message) : writeMessage(response, message)),\n  });\n',
  ]),
  server(2, 'one-map-for-both-kinds', [
    findsSession,
    "  const session = sessions.get(id ?? '') ?? streams.get(id ?? '')?.session;\n",
  ]),
  server(2, 'old-messages-find-new-sessions', [
    findsStream,
    "  const id = String(request.query.sessionId);\n  const stream = streams.get(id) ?? (sessions.has(id) ? { session: sessions.get(id)!, send: () => {} } : undefined);\n  if (!stream) return refuse(response, 404, -32600, 'there is no such stream');\n",
  ]),
  server(2, 'takes-messages-of-unknown-streams', [
    findsStream,
    '  const stream = streams.get(String(request.query.sessionId));\n  if (!stream) return void response.status(202).end();\n',
  ]),
  server(2, 'an-unknown-stream-is-an-internal-error', [
    findsStream,
    '  const stream = streams.get(String(request.query.sessionId))!;\n',
  ]),
  server(2, 'no-id-means-the-first-stream', [
    findsStream,
    findsStream.replace(');\n', ') ?? (request.query.sessionId ? undefined : [...streams.values()][0]);\n'),
  ]),

  client(3, 'says-nothing', [says, "  transport ??= 'Streamable HTTP';\n"]),
  client(3, 'says-it-on-standard-output', [says, says.replace('console.error', 'console.log')]),
  client(3, 'always-says-the-new-transport', [
    says,
    "  transport ??= 'Streamable HTTP';\n  console.error('transport: Streamable HTTP');\n",
  ]),
  client(
    3,
    'says-it-before-it-knows',
    [says, "  transport ??= 'Streamable HTTP';\n"],
    [
      '  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };\n',
      "  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };\n  console.error('transport: Streamable HTTP');\n",
    ],
  ),
  client(3, 'always-opens-the-old-stream', [fallsBack, '  if (transport === undefined) {\n']),
  client(3, 'opens-the-old-stream-after-any-4xx', [
    fallsBack,
    '  if (transport === undefined && response.status >= 400 && response.status < 500) {\n',
  ]),
  client(3, 'opens-the-old-stream-after-any-5xx', [
    fallsBack,
    fallsBack.replace('[400, 404, 405].includes(response.status)', '/^(40[045]|5)/.test(String(response.status))'),
  ]),
  client(3, 'opens-the-old-stream-for-every-message', [
    fallsBack,
    fallsBack.replace('transport === undefined', '!oldStream'),
  ]),
  client(3, 'opens-the-old-stream-after-405-only', [
    fallsBack,
    '  if (transport === undefined && response.status === 405) {\n',
  ]),
  client(3, 'opens-the-old-stream-after-404-and-405', [fallsBack, fallsBack.replace('400, ', '')]),
  client(3, 'opens-the-old-stream-first', [
    '  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };\n',
    "  await openOldStream('no old stream');\n  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };\n",
  ]),
  client(3, 'asks-for-anything', [gets, '  const response = await fetch(url, { signal }).catch(notSent);\n']),
  client(3, 'asks-for-sse-on-its-own-path', [gets, gets.replace('fetch(url,', "fetch(new URL('/sse', url),")]),
  client(3, 'does-not-post-again', [opensStream, '    await openOldStream(refusal);\n    return response;\n']),
  client(3, 'guesses-the-endpoint', [resolves, "  const address = new URL('/messages', url);\n"]),
  client(3, 'does-not-wait-for-the-endpoint', [
    `${firstEvent}${isEndpoint}${resolves}`,
    "  const address = new URL('/messages', url);\n",
  ]),
  client(3, 'posts-to-the-url-of-the-stream', [keeps, '']),
  client(3, 'joins-the-address-by-hand', [resolves, '  const address = new URL(new URL(url).origin + first.data);\n']),
  client(3, 'drops-the-query', [keeps, '  endpoint = address.origin + address.pathname;\n']),
  client(3, 'posts-notifications-to-the-url', [
    posts,
    posts.replace('fetch(endpoint', "fetch('id' in message ? endpoint : url"),
  ]),
  client(3, 'posts-responses-to-the-url', [
    posts,
    posts.replace('fetch(endpoint', "fetch('method' in message ? endpoint : url"),
  ]),
  client(
    3,
    'reads-the-answer-of-the-post',
    [choosesMessages, '  const messages = messagesIn(response);\n'],
    ['  if (oldStream) discard(response);\n', ''],
  ),
  client(3, 'closes-the-stream-after-the-first-answer', [loop, '  for await (const message of messages) {\n']),
  client(3, 'takes-the-first-event-with-a-loop', [
    firstEvent,
    '  let first: StreamEvent | undefined;\n  for await (first of events) break;\n',
  ]),
  client(3, 'does-not-close-the-stream', [discards, '']),
  client(3, 'closes-the-stream-after-success-only', [
    discards,
    '  if (oldStream && !process.exitCode) discard(oldStream.response);\n',
  ]),
  client(3, 'keeps-the-exit-code-of-the-refusal', [opensStream, `    process.exitCode = 3;\n${opensStream}`]),
  client(3, 'looks-at-no-origin', [sameOrigin, '  if (false)\n']),
  client(3, 'looks-at-the-host-name-only', [sameOrigin, '  if (address.hostname !== new URL(url).hostname)\n']),
  // The error of TLS has an address of memory in it.
  varying(
    client(3, 'looks-at-the-host-without-the-scheme', [sameOrigin, '  if (address.host !== new URL(url).host)\n']),
  ),
  client(3, 'looks-at-the-beginning-of-the-address', [
    sameOrigin,
    '  if (/^(https?:)?\\/\\//.test(first.data) && !first.data.startsWith(new URL(url).origin))\n',
  ]),
  client(
    3,
    'does-not-know-the-transport-before-the-answer',
    ["  transport = 'HTTP+SSE';\n", ''],
    [says, says.replace("'Streamable HTTP'", "oldStream ? 'HTTP+SSE' : 'Streamable HTTP'")],
  ),
  client(3, 'compares-the-whole-content-type', [
    looksAtType,
    looksAtType.replace('mediaTypeOf(response)', "response.headers.get('Content-Type')"),
  ]),
  client(3, 'takes-any-first-event', [isEndpoint, '  if (!first) fail(3, refusal);\n']),
  client(3, 'expects-an-event-on-each-stream', [isEndpoint, isEndpoint.replace('first?.', 'first.')]),
  client(3, 'another-origin-has-exit-code-3', [
    '    throw new Error(`the endpoint leads to another origin: ${address.origin}`);\n',
    '    fail(3, `the endpoint leads to another origin: ${address.origin}`);\n',
  ]),
  client(3, 'reports-the-get', [
    looksAtType,
    "  if (!response.ok || mediaTypeOf(response) !== 'text/event-stream') fail(3, `the GET was answered with ${response.status}`);\n",
  ]),
  client(3, 'forgets-why-the-post-was-refused', [
    looksAtType,
    looksAtType.replace('refusal)', "'this is no server of MCP')"),
  ]),
  client(
    3,
    'reads-any-answer-as-a-stream',
    [looksAtType, ''],
    [isEndpoint, "  if (first?.type !== 'endpoint') throw new Error('no endpoint');\n"],
  ),
  client(
    3,
    'does-not-look-at-the-status-of-the-get',
    [
      looksAtType,
      looksAtType.replace('!response.ok || ', '').replace("!== 'text/event-stream'", "=== 'application/json'"),
    ],
    [isEndpoint, "  if (first?.type !== 'endpoint') fail(4, refusal);\n"],
  ),
  client(
    3,
    'waits-for-ever-for-the-endpoint',
    [gets, gets.replace(', signal', '')],
    [
      '  const signal = AbortSignal.timeout(timeLimit);\n  const response = await fetch(url, {',
      '  const response = await fetch(url, {',
    ],
  ),
  client(3, 'forgets-what-reading-the-endpoint-throws', [firstEvent, firstEvent.replace('.catch(notRead)', '')]),
];
