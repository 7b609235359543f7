import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished programs that several mistakes change. */
const uses = '  else useDuring(response, session);\n';
const during = `  beginUse(session);
  response.on('close', () => endUse(session));
`;
const counts = '  session.uses++;\n';
const stops = '  session.uses++;\n  clearTimeout(session.timer);\n';
const countsDown = '  session.uses--;\n';
const looks = '  if (session.uses > 0 || !sessions.has(session.id)) return;\n';
const starts = '  session.timer = setTimeout(() => endSession(session), sessionLimit);\n';
const calls = `  beginUse(session);
  const answered = await answer(message, context, session);
  endUse(session);
`;
const keeps = '    useDuring(response, session);\n';
const streams = "  if (message.method === 'tools/call') {\n";
const room = '  if (sessions.size < maxSessions) return true;\n';
const filters = '  const idle = [...sessions.values()].filter(({ uses }) => uses === 0);\n';
const sorts = '  const [longest] = idle.sort((one, other) => one.idleSince - other.idleSince);\n';
const evicts = '  if (longest) endSession(longest);\n';
const returns = '  return longest !== undefined;\n';
const retries = "      response.set('Retry-After', '10');\n";
const refuses = `${retries}      refuse(response, 503, -32000, 'all sessions are in use');
      return;
`;
const makes = `    if (!makeRoom()) {
${refuses}    }
`;
const tooMany = `  if (session.openStreams >= maxStreams) {
    refuse(response, 429, -32000, \`this session has \${maxStreams} open streams already\`);
    return false;
  }
`;
const countsStream = `  session.openStreams++;
  response.on('close', () => session.openStreams--);
`;
const opensCall = '  if (!openStream(session, response)) return;\n  const context';
const opensGet = '  if (!openStream(session, response)) return;\n  session.stream?.end();\n';

const isOver = "  if (response.status === 404 && headers['MCP-Session-Id'] && !begunAgain) {\n";
const repeats = `    discard(response);
    await beginAgain();
    return request(method, params);
`;
const remembers = '  begunAgain = true;\n';
const leaves = '  leaving.abort();\n  leaving = new AbortController();\n';
const forgetsId = "  delete headers['MCP-Session-Id'];\n";
const shakes = `  delete headers['MCP-Protocol-Version'];
  await shakeHands();
  void listen();
`;

export const mistakes: Mistake[] = [
  server(1, 'never-forgets', [starts, '']),
  server(1, 'forgets-immediately', [starts, '  endSession(session);\n']),
  server(
    1,
    'counts-from-the-handshake',
    [
      keeps,
      `${keeps}    setTimeout(() => endSession(session), sessionLimit);
`,
    ],
    [starts, ''],
  ),
  server(1, 'does-not-stop-the-timer', [stops, counts]),
  server(1, 'only-a-call-is-a-use', [uses, ''], [stops, stops]),
  server(
    1,
    'one-timer-for-all-sessions',
    [
      '/** The session is in use until this response is closed. */\n',
      '/** The newest timer. */\nlet timer: NodeJS.Timeout | undefined;\n\n/** The session is in use until this response is closed. */\n',
    ],
    [stops, `${counts}  clearTimeout(timer);\n`],
    [starts, starts.replace('session.timer', 'timer')],
  ),
  server(1, 'forgets-all-sessions', [
    starts,
    `  session.timer = setTimeout(() => {
    for (const each of sessions.values()) endSession(each);
  }, sessionLimit);
`,
  ]),
  server(
    1,
    'a-notification-is-no-use',
    [uses, "  else if (request.method !== 'POST') useDuring(response, session);\n"],
    [streams, `  if (!begins) useDuring(response, session);\n${streams}`],
  ),
  server(1, 'ends-a-use-when-the-request-has-been-read', [
    during,
    during.replace("response.on('close'", "response.req.on('end'"),
  ]),
  server(1, 'does-not-count-a-running-call', [calls, '  const answered = await answer(message, context, session);\n']),
  server(1, 'does-not-count-but-remembers', [counts, '  session.uses = 1;\n'], [countsDown, '  session.uses = 0;\n']),
  server(1, 'never-ends-the-use-of-a-call', [calls, calls.replace('  endUse(session);\n', '')]),
  server(1, 'waits-for-a-finish-that-does-not-come', [during, during.replace("'close'", "'finish'")]),
  server(1, 'starts-a-timer-after-a-delete', [looks, '  if (session.uses > 0) return;\n']),

  server(2, 'keeps-every-session', [makes, '']),
  server(2, 'ends-the-session-that-began-first', [sorts, '  const [longest] = idle;\n']),
  server(2, 'ends-all-idle-sessions', [evicts, '  for (const each of idle) endSession(each);\n']),
  server(2, 'only-removes-it-from-the-map', [evicts, '  if (longest) sessions.delete(longest.id);\n']),
  server(
    2,
    'makes-room-for-any-handshake',
    [makes, ''],
    [
      '  const answered = await answer(message, silent, session);\n',
      `  if (begins && !makeRoom()) {
${refuses}  }
  const answered = await answer(message, silent, session);
`,
    ],
  ),
  server(
    2,
    'counts-all-sessions-that-ever-were',
    [
      '/** Makes room for one more session',
      '/** How many sessions there have been. */\nlet begun = 0;\n\n/** Makes room for one more session',
    ],
    [room, '  if (begun++ < maxSessions) return true;\n'],
  ),
  server(2, 'ends-a-session-in-use', [filters, '  const idle = [...sessions.values()];\n']),
  server(2, 'a-session-without-a-stream-is-idle', [filters, filters.replaceAll('uses', 'openStreams')]),
  server(2, 'ends-a-listening-session', [filters, filters.replace('uses === 0', 'uses <= 1')]),
  server(2, 'begins-one-more-if-none-is-idle', [returns, '  return true;\n']),
  server(2, 'keeps-the-session-that-it-refuses', [refuses, refuses.replace('      return;\n', '')]),
  server(
    2,
    'refuses-what-it-has-kept',
    [makes, '    const hasRoom = makeRoom();\n'],
    [keeps, `${keeps}    if (!hasRoom) {\n${refuses}    }\n`],
  ),
  server(2, 'keeps-the-timer-of-an-idle-session', [
    '  session.stream?.end();\n  clearTimeout(session.timer);\n',
    '  session.stream?.end();\n',
  ]),
  server(
    2,
    'unref-of-an-idle-timer-instead-of-clear',
    [starts, starts.replace(');\n', ').unref();\n')],
    ['  session.stream?.end();\n  clearTimeout(session.timer);\n', '  session.stream?.end();\n'],
  ),
  server(2, 'no-retry-after', [retries, '']),
  server(2, 'no-limit-for-streams', [tooMany, '']),
  server(2, 'limits-only-calls', [opensGet, '  beginEventStream(response);\n  session.stream?.end();\n']),
  server(
    2,
    'runs-the-tool-that-it-refuses',
    [opensCall, '  openStream(session, response);\n  const context'],
    [
      '  if (response.writableEnded) return;\n',
      '  if (response.writableEnded || response.statusCode !== 200) return;\n',
    ],
  ),
  server(2, 'refuses-every-request-of-the-session', [
    `  if (!session) return;
  if (!isRequest(message)) {
`,
    `  if (!session) return;
  if (session.openStreams >= maxStreams) {
    refuse(response, 429, -32000, 'too many streams');
    return;
  }
  if (!isRequest(message)) {
`,
  ]),
  server(
    2,
    'one-count-for-all-sessions',
    ['/** Begins an event stream, if', 'let openStreams = 0;\n\n/** Begins an event stream, if'],
    [tooMany, tooMany.replace('session.openStreams', 'openStreams')],
    [countsStream, countsStream.replaceAll('session.openStreams', 'openStreams')],
  ),
  server(2, 'counts-down-twice', [
    countsStream,
    `${countsStream}  response.on('finish', () => session.openStreams--);\n`,
  ]),
  server(2, 'counts-down-only-after-an-end', [countsStream, countsStream.replace("'close'", "'finish'")]),

  client(3, 'does-not-begin-again', [isOver, isOver.replace('404', '0')]),
  client(3, 'sends-the-old-id', [forgetsId, '']),
  client(3, 'sends-the-old-revision', [shakes, shakes.replace("  delete headers['MCP-Protocol-Version'];\n", '')]),
  client(3, 'does-not-discard', [repeats, repeats.replace('    discard(response);\n', '')]),
  client(3, 'waits-for-the-body', [repeats, repeats.replace('discard(response)', 'await response.text()')]),
  client(3, 'repeats-the-call-in-the-old-session', [
    repeats,
    '    discard(response);\n    begunAgain = true;\n    return request(method, params);\n',
  ]),
  client(3, 'repeats-the-call-with-its-old-id', [
    repeats,
    `    discard(response);
    await beginAgain();
    lastId = id - 1;
    return request(method, params);
`,
  ]),
  client(3, 'does-not-listen-again', [shakes, shakes.replace('  void listen();\n', '')]),
  client(3, 'leaves-the-old-stream-open', [leaves, '  leaving = new AbortController();\n']),
  client(3, 'listens-with-an-aborted-signal', [leaves, '  leaving.abort();\n']),
  client(3, 'looks-at-the-new-signal', [
    '    if (!signal.aborted) console.error',
    '    if (!leaving.signal.aborted) console.error',
  ]),
  client(3, 'begins-again-and-again', [remembers, '']),
  client(3, 'begins-again-without-a-session', [isOver, isOver.replace(" && headers['MCP-Session-Id']", '')]),
  client(3, 'takes-400-for-the-end', ['response.status === 404 &&', '[400, 404].includes(response.status) &&']),
  client(3, 'begins-again-after-any-status', [isOver, isOver.replace('response.status === 404', '!response.ok')]),
  client(3, 'begins-again-after-a-break', [
    '  const answer = await answerTo(id, response).catch(notRead);\n',
    `  const answer = await answerTo(id, response).catch((error: Error) => (begunAgain ? notRead(error) : undefined));
  if (!answer && !begunAgain) {
    await beginAgain();
    return request(method, params);
  }
`,
  ]),
];
