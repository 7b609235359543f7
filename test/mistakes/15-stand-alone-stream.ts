import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished programs that several mistakes change. */
const route = "app.get('/mcp', checkRevision, (request, response) => {\n";
const accepts = `  if (!request.accepts('text/event-stream')) {
    refuse(response, 406, -32600, 'Accept must list text/event-stream');
    return;
  }
`;
const replaces = '  session.stream?.end();\n  session.stream = response;\n';
const begins = '  beginEventStream(response);\n  const keepAlive';
const comments = `  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(': still here\\n\\n');
  }, quietInterval);
`;
const stops = '    clearInterval(keepAlive);\n';
const removes = '    if (session.stream === response) session.stream = undefined;\n';
const ends = `  sessions.delete(request.get('MCP-Session-Id')!);
  session.stream?.end();
`;
const finds = `  const session = sessionOf(request, response);
  if (!session) return;
  session.stream?.end();
`;
const allow = "response.set('Allow', 'GET, POST, DELETE')";
const announces = `  for (const { stream } of sessions.values()) {
    if (stream) send(stream, { jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }
`;
const message = "{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }";
const capability = 'tools: { listChanged: true }';
const logs =
  "      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n";
const responds = "  send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n";
const asksTool = '      const returned = JSON.stringify(await tool.run(args.data, context));\n';
const theMap = 'const sessions = new Map<string, Session>();\n';

const starts = '  void listen();\n';
const accept = "    const accept = { ...headers, Accept: 'text/event-stream' };\n";
const gets = '    const response = await fetch(url, { headers: accept, signal: leaving.signal });\n';
const offersNone =
  "    if (!response.ok || mediaTypeOf(response) !== 'text/event-stream') return; // the server offers no such stream\n";
const reads = '    for await (const message of eventsIn(response)) await handle(message);\n';
const fails =
  '    if (!leaving.signal.aborted) console.error(`the stand-alone stream has failed: ${(error as Error).message}`);\n';
const closes = '  leaving.abort();\n';
const shakes = '  await shakeHands();\n';
const calls =
  "  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });\n";
const prints = '  console.log(`RESULT: ${textOf(result)}`);\n';

export const mistakes: Mistake[] = [
  server(1, 'ends-the-stream-immediately', [
    `    ${removes.trim()}\n  });\n});`,
    `    ${removes.trim()}\n  });\n  response.end();\n});`,
  ]),
  server(1, 'ends-the-new-stream-instead-of-the-old-one', [
    `${replaces}${begins}`,
    begins.replace(
      '  beginEventStream(response);\n',
      '  session.stream = response;\n  beginEventStream(response);\n  session.stream?.end();\n',
    ),
  ]),
  server(1, 'ends-the-response-before-the-headers', [
    `${replaces}${begins}`,
    begins.replace('  begin', '  session.stream = response;\n  session.stream.end();\n  begin'),
  ]),
  server(1, 'sends-no-headers', [
    begins,
    "  response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });\n  const keepAlive",
  ]),
  server(1, 'answers-with-json', [begins, '  response.json({});\n  const keepAlive']),
  server(1, 'forgets-the-headers-of-a-stream', [begins, '  response.flushHeaders();\n  const keepAlive']),
  server(1, 'the-route-comes-too-late', [route, "app.get('/stream', checkRevision, (request, response) => {\n"]),
  server(1, 'makes-a-session-for-a-get', [
    finds,
    `  const session: Session = sessions.get(request.get('MCP-Session-Id') ?? '') ?? { level: 'info' };
  session.stream?.end();
`,
  ]),
  server(1, 'unknown-session-is-400', [
    finds,
    `  const session = sessions.get(request.get('MCP-Session-Id') ?? '');
  if (!session) return refuse(response, 400, -32600, 'no session');
  session.stream?.end();
`,
  ]),
  server(1, 'looks-for-the-session-too-late', [
    `${finds}  session.stream = response;\n  beginEventStream(response);\n`,
    `  beginEventStream(response);
  const session = sessions.get(request.get('MCP-Session-Id') ?? '');
  if (!session) return void response.end();
  session.stream?.end();
  session.stream = response;
`,
  ]),
  server(1, 'ignores-accept', [accepts, '']),
  server(1, 'asks-for-both-media-types-as-for-a-post', [
    route,
    "app.get('/mcp', checkPost, (request, response) => {\n",
  ]),
  server(1, 'ignores-the-revision', [route, "app.get('/mcp', (request, response) => {\n"]),
  server(1, 'writes-no-comments', [comments, ''], [stops, '']),
  server(1, 'writes-one-comment-only', [comments, comments.replace('setInterval', 'setTimeout')]),
  server(1, 'an-interval-of-its-own', [comments, comments.replace('quietInterval', '15_000')]),
  server(1, 'a-short-interval-of-its-own', [comments, comments.replace('quietInterval', '60')]),
  server(1, 'looks-at-the-first-media-type', [
    accepts,
    accepts.replace("!request.accepts('text/event-stream')", "!request.get('Accept')?.startsWith('text/event-stream')"),
  ]),
  server(1, 'an-event-as-a-sign-of-life', [comments, comments.replace(': still here', 'data: still here')]),
  server(1, 'an-empty-event-as-a-sign-of-life', [comments, comments.replace(': still here', 'event: ping\\ndata:')]),
  server(1, 'the-comment-has-no-colon', [comments, comments.replace(': still here', 'still here')]),
  server(1, 'the-timer-lives-on', [stops, '']),
  server(
    1,
    'one-timer-for-each-session',
    [comments, comments.replace('const keepAlive', 'session.keepAlive')],
    [stops, stops.replace('keepAlive', 'session.keepAlive')],
    ['  stream?: Response | undefined;\n', '  stream?: Response | undefined;\n  keepAlive?: NodeJS.Timeout;\n'],
  ),
  server(1, 'listens-for-the-end-of-the-request', [
    "  response.on('close', () => {\n",
    "  response.on('finish', () => {\n",
  ]),
  server(1, 'the-stream-outlives-its-session', [ends, "  sessions.delete(request.get('MCP-Session-Id')!);\n"]),
  server(1, 'breaks-the-stream-off', [ends, ends.replace('end()', 'destroy()')]),
  server(1, 'delete-fails-without-a-stream', [ends, ends.replace('?.end', '!.end')]),
  server(1, 'delete-ends-every-stream', [
    ends,
    "  sessions.delete(request.get('MCP-Session-Id')!);\n  session.stream?.end();\n  for (const { stream } of sessions.values()) stream?.end();\n",
  ]),
  server(
    1,
    'one-stream-for-the-whole-server',
    [theMap, `${theMap}\nlet newest: Response | undefined;\n`],
    [replaces, '  newest?.end();\n  session.stream = newest = response;\n'],
  ),
  server(1, 'opens-a-stream-for-head', ["app.head('/mcp', refuseMethod);\n", '']),
  server(1, 'allow-does-not-name-get', [allow, "response.set('Allow', 'POST, DELETE')"]),

  server(2, 'promises-nothing', [capability, 'tools: {}']),
  server(2, 'promises-in-the-wrong-place', [
    'capabilities: { tools: { listChanged: true }, logging: {} }',
    'capabilities: { tools: {}, listChanged: true, logging: {} }',
  ]),
  server(2, 'announces-nothing', [announces, '']),
  server(2, 'fails-without-a-stream', [
    announces,
    announces.replace('    if (stream) send(stream, ', '    send(stream!, '),
  ]),
  server(2, 'tells-the-first-session-only', [announces, announces.replace('  }\n', '    if (stream) break;\n  }\n')]),
  server(
    2,
    'tells-the-newest-stream-only',
    [theMap, `${theMap}\nlet newest: Response | undefined;\n`],
    [replaces, `${replaces}  newest = response;\n`],
    [announces, `  if (newest) send(newest, ${message});\n`],
  ),
  server(
    2,
    'announces-when-the-tool-has-returned',
    [
      announces,
      `  setTimeout(function later() {
    if (working > 0) return void setTimeout(later, 5);
    for (const { stream } of sessions.values()) {
      if (stream) send(stream, ${message});
    }
  });
`,
    ],
    [theMap, `${theMap}\nlet working = 0;\n`],
    [
      asksTool,
      `      working++;
      const returned = JSON.stringify(await tool.run(args.data, context).finally(() => working--));
`,
    ],
  ),
  server(2, 'announces-with-each-document', [
    '      if (processed.length === 1) announceTools();\n',
    '      announceTools();\n',
  ]),
  server(2, 'announces-twice', [announces, announces + announces]),
  server(2, 'the-wrong-method', [
    announces,
    announces.replace('notifications/tools/list_changed', 'notifications/tools/listChanged'),
  ]),
  server(2, 'the-announcement-has-an-id', [announces, announces.replace("jsonrpc: '2.0',", "jsonrpc: '2.0', id: 1,")]),
  server(2, 'the-announcement-contains-the-list', [
    announces,
    announces.replace("changed' }", "changed', params: { tools: offeredTools().map(({ name }) => name) } }"),
  ]),
  server(2, 'the-params-are-null', [
    announces,
    "  for (const { stream } of sessions.values()) {\n    stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: null })}\\n\\n`);\n  }\n",
  ]),
  server(2, 'the-method-is-the-type-of-the-event', [
    announces,
    '  for (const { stream } of sessions.values()) {\n    stream?.write(`event: notifications/tools/list_changed\\ndata: {}\\n\\n`);\n  }\n',
  ]),
  server(2, 'forgets-the-blank-line', [
    announces,
    "  for (const { stream } of sessions.values()) {\n    stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })}\\n`);\n  }\n",
  ]),
  server(2, 'ends-the-stream-with-the-announcement', [
    announces,
    announces.replace('  }\n', '    stream?.end();\n  }\n'),
  ]),
  server(
    2,
    'announces-in-the-answers-to-calls-too',
    [theMap, `${theMap}\nconst answering = new Set<Response>();\n`],
    [logs, `${logs}      answering.add(response);\n`],
    [announces, `${announces}  for (const response of answering) send(response, ${message});\n`],
  ),
  server(2, 'logs-on-both-streams', [
    logs,
    `${logs}      if (session.stream) send(session.stream, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n`,
  ]),
  server(2, 'logs-on-the-stand-alone-stream', [logs, logs.replace('send(response', 'send(session.stream ?? response')]),
  server(2, 'responds-on-the-stand-alone-stream-too', [
    responds,
    `${responds}  if (session.stream) send(session.stream, { jsonrpc: '2.0', id: message.id, ...answered });\n`,
  ]),
  server(2, 'the-old-stream-takes-the-new-one-away', [removes, '    session.stream = undefined;\n']),
  server(2, 'forgets-the-stream-that-is-still-open', [replaces, '  session.stream = response;\n']),
  server(
    2,
    'sends-on-each-stream-of-the-session',
    [theMap, `${theMap}\nconst streams = new Set<Response>();\n`],
    [replaces, '  streams.add(response);\n  session.stream = response;\n'],
    [removes, `${removes}    streams.delete(response);\n`],
    [announces, `  for (const stream of streams) send(stream, ${message});\n`],
  ),
  server(2, 'refuses-every-further-stream', [
    replaces,
    `  if (session.stream) return refuse(response, 400, -32600, 'one stream only');\n  session.stream = response;\n`,
  ]),
  server(
    1,
    'the-first-stream-is-for-ever',
    [
      replaces,
      "  if (session.stream) return refuse(response, 409, -32600, 'one stream only');\n  session.stream = response;\n",
    ],
    [removes, ''],
  ),

  client(3, 'does-not-listen', [starts, '']),
  client(3, 'waits-for-the-stream', [starts, '  await listen();\n']),
  client(
    3,
    'waits-for-the-headers-of-the-stream',
    [starts, '  await new Promise<void>((begun) => listen(begun));\n'],
    ['async function listen(): Promise<void> {', 'async function listen(begun = () => {}): Promise<void> {'],
    [gets, `${gets}    begun();\n`],
  ),
  client(3, 'listens-after-the-call', [starts, ''], [calls, `${calls}${starts}`]),
  client(3, 'listens-before-the-handshake', [shakes + '  void listen();\n', starts + shakes]),
  client(
    3,
    'the-get-has-no-headers',
    [gets, '    const response = await fetch(url, { signal: leaving.signal });\n'],
    [accept, ''],
  ),
  client(3, 'the-get-has-only-accept', [accept, "    const accept = { Accept: 'text/event-stream' };\n"]),
  client(3, 'changes-the-headers-of-every-post', [
    accept,
    "    const accept = Object.assign(headers, { Accept: 'text/event-stream' });\n",
  ]),
  client(3, 'accepts-json-only', [accept, "    const accept = { ...headers, Accept: 'application/json' };\n"]),
  client(3, 'posts-where-it-should-get', [gets, gets.replace('{ headers', "{ method: 'POST', headers")]),
  client(3, 'reads-the-whole-stream-first', [
    reads,
    '    const messages: unknown[] = [];\n    for await (const message of eventsIn(response)) messages.push(message);\n    for (const message of messages) await handle(message);\n',
  ]),
  client(3, 'decodes-each-piece-by-itself', [
    reads,
    `    const { read } = eventReader(({ type, data }) => {
      if (type === 'message' && data !== '') void handle(parsed(data));
    });
    for await (const chunk of response.body!) read(String(chunk));
`,
  ]),
  client(3, 'prints-the-message-as-json', [
    reads,
    reads.replace('await handle(message)', 'console.log(JSON.stringify(message))'),
  ]),
  client(3, 'handles-notifications-only', [
    reads,
    reads.replace('await handle(message)', 'if (isNotification(message)) await handle(message)'),
  ]),
  client(3, 'answers-ping-only', [
    reads,
    reads.replace('await handle', "if (!isRequest(message) || message.method === 'ping') await handle"),
  ]),
  client(3, 'compares-the-whole-content-type', [
    offersNone,
    offersNone.replace('mediaTypeOf(response)', "response.headers.get('Content-Type')"),
  ]),
  client(3, 'reads-only-one-message', [
    reads,
    reads.replace('await handle(message);', '{\n      await handle(message);\n      break;\n    }'),
  ]),
  client(3, 'the-status-405-ends-the-client', [
    offersNone,
    '    if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}`);\n',
  ]),
  client(
    3,
    'looks-at-405-only',
    [offersNone, '    if (response.status === 405) return;\n'],
    [reads, reads.replace('eventsIn', 'messagesIn')],
  ),
  client(
    3,
    'reads-a-page-as-a-stream',
    [offersNone, '    if (!response.ok) return;\n'],
    [reads, reads.replace('eventsIn', 'messagesIn')],
  ),
  client(3, 'nobody-catches-the-error', [fails, '    throw error;\n']),
  client(3, 'an-error-of-the-stream-has-an-exit-code', [fails, '    notRead(error as Error);\n']),
  client(3, 'prints-that-it-has-left', [fails, '    console.error((error as Error).message);\n']),
  client(3, 'prints-the-error-of-its-own-abort', [fails, '    console.error(error);\n']),
  client(3, 'the-end-of-the-stream-ends-the-client', [reads, `${reads}    process.exit(5);\n`]),
  client(3, 'the-end-of-the-stream-is-a-failure', [reads, `${reads}    process.exitCode = 5;\n`]),
  client(3, 'leaves-the-stream-open', [closes, '']),
  client(
    3,
    'closes-only-after-a-result',
    [prints, `${prints}${closes}`],
    [`${'} finally {\n'}${closes}`, '} finally {\n'],
  ),
  client(3, 'closes-when-the-session-has-ended-only', [
    '  leaving.abort();\n  await endSession();\n',
    '  await endSession();\n  if (process.exitCode === undefined) leaving.abort();\n',
  ]),
  client(3, 'leaves-with-process-exit', [closes, '  process.exit();\n']),
  client(3, 'closes-the-stream-before-the-result', [calls, `  setTimeout(() => leaving.abort());\n${calls}`]),
];
