import { client, server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const makesId = '  const id = `${stream.number}/${stream.count}`;\n';
const writes = '  const text = `id: ${id}\\ndata: ${data}\\n\\n`;\n';
const keeps = '  session.events.push({ id, stream, text });\n';
const drops = '  if (session.events.length > keptEvents) session.events.shift();\n';
const primes = "  if (session.revision === revisions[0]) sendEvent(session, stream, '');\n";
const callsPrime = '  connect(stream, response);\n  prime(session, stream);\n';
const begins = '  const stream = newStream();\n';
const saysRetry = '  response.write(`retry: ${retry}\\n\\n`);\n';
const logs =
  "      send(session, stream, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n";
const finds = '  const index = session.events.findIndex(({ id }) => id === lastEventId);\n';
const refuses =
  "    refuse(response, 400, -32600, 'Last-Event-ID is not the id of an event that this session still has');\n";
const connects = '  connect(stream, response);\n  for (const event';
const later = 'of session.events.slice(index + 1)) {';
const ownOnly = '    if (event.stream === stream) writeTo(stream, event.text);\n';
const ends = '  if (stream.over) response.end();\n';
const replaces = '  stream.connection?.end();\n  stream.connection = response;\n';
const writesTo = '  if (connection && !connection.writableEnded) connection.write(text);\n';
const closes = '      if (session.revision === revisions[0]) stream.connection?.end();\n';
const isOver = '  stream.over = true;\n  stream.connection?.end();\n';
const signature = 'function writeTo({ connection }: EventStream, text: string): void {\n';
const setsRevision = '    if (revisions.includes(data.protocolVersion)) session.revision = data.protocolVersion;\n';

/** Lines of the finished client. */
const loop = '  while (!answer && place.lastEventId) {\n';
const waits = '  await sleep(Math.min(retry, timeLimit), undefined, { signal }).catch(notSent);\n';
const encodes = "  const id = Buffer.from(lastEventId, 'utf8').toString('latin1');\n";
const asks = "  return send({ headers: { ...others, Accept: 'text/event-stream', 'Last-Event-ID': id }, signal });\n";
const keepsId = '    place.lastEventId = reader.lastEventId;\n';
const keepsRetry = '    place.retry = reader.retry ?? place.retry;\n';
const canResume = '  if (lastEventId) return;\n';
const found = '      if (isResponse(message) && message.id === id) return message;\n';
const newLimit = '  const signal = AbortSignal.timeout(timeLimit);\n';

export const mistakes: Mistake[] = [
  server(1, 'a-retry-without-its-blank-line', [saysRetry, saysRetry.replace('\\n\\n', '')]),
  server(2, 'sends-the-kept-text-as-data', [
    ownOnly,
    '    if (event.stream === stream) sendEvent(session, stream, event.text);\n',
  ]),
  server(1, 'writes-each-event-twice', [writes, '  writeTo(stream, `data: ${data}\\n\\n`);\n' + writes]),
  server(1, 'no-ids', [writes, '  const text = `data: ${data}\\n\\n`;\n']),
  server(1, 'the-id-behind-the-blank-line', [writes, '  const text = `data: ${data}\\n\\nid: ${id}\\n`;\n']),
  server(1, 'no-id-for-the-response', [
    writes,
    "  const text = `${data.includes('\"result\"') ? '' : `id: ${id}\\n`}data: ${data}\\n\\n`;\n",
  ]),
  server(1, 'counts-in-each-stream', [makesId, '  const id = String(stream.count);\n']),
  server(1, 'the-number-of-the-stream-alone', [makesId, '  const id = String(stream.number);\n']),
  server(1, 'does-not-count', ['  stream.count++;\n', '']),
  server(1, 'keeps-without-sending', ['  writeTo(stream, text);\n', '']),
  server(1, 'the-id-of-the-request', [begins, '  const stream = { ...newStream(), number: message.id as number };\n']),
  server(1, 'ids-for-the-newest-revision-only', [
    writes,
    "  const text = `${session.revision === revisions[0] ? `id: ${id}\\n` : ''}data: ${data}\\n\\n`;\n",
  ]),
  server(1, 'no-first-event', [primes, '']),
  server(1, 'the-first-event-has-no-data', [
    writes,
    "  const text = data === '' ? `id: ${id}\\n\\n` : `id: ${id}\\ndata: ${data}\\n\\n`;\n",
  ]),
  server(1, 'the-first-event-has-no-id', [
    writes,
    "  const text = data === '' ? 'data: \\n\\n' : `id: ${id}\\ndata: ${data}\\n\\n`;\n",
  ]),
  server(1, 'the-first-event-has-no-end', [
    writes,
    "  const text = data === '' ? `id: ${id}\\ndata: \\n` : `id: ${id}\\ndata: ${data}\\n\\n`;\n",
  ]),
  server(1, 'the-first-event-is-an-object', [primes, primes.replace("''", "'{}'")]),
  server(
    1,
    'the-first-event-comes-with-the-first-message',
    [callsPrime, '  connect(stream, response);\n'],
    [logs, `      if (stream.count === 0) prime(session, stream);\n${logs}`],
  ),
  server(1, 'an-empty-event-before-each-message', [logs, `      prime(session, stream);\n${logs}`]),
  server(1, 'an-empty-event-for-every-revision', [primes, "  sendEvent(session, stream, '');\n"]),
  server(
    1,
    'the-revision-of-the-last-client',
    [setsRevision, `    newest = data.protocolVersion;\n${setsRevision}`],
    [primes, primes.replace('session.revision', 'newest')],
    ['const app = express();\n', 'let newest = revisions[0]!;\nconst app = express();\n'],
  ),
  server(1, 'no-retry', [saysRetry, '']),
  server(1, 'a-retry-of-its-own', [saysRetry, "  response.write('retry: 3000\\n\\n');\n"]),
  server(1, 'retry-in-seconds', [saysRetry, '  response.write(`retry: ${retry / 1000}\\n\\n`);\n']),
  server(1, 'retry-with-a-unit', [saysRetry, '  response.write(`retry: ${retry}ms\\n\\n`);\n']),
  server(1, 'retry-behind-the-first-event', [saysRetry, ''], [callsPrime, `${callsPrime}${saysRetry}`]),

  server(2, 'replays-everything', [later, 'of session.events) {']),
  server(2, 'replays-the-last-one-again', [later, 'of session.events.slice(index)) {']),
  server(2, 'skips-one', [later, 'of session.events.slice(index + 2)) {']),
  server(2, 'replays-all-streams', [ownOnly, '    writeTo(stream, event.text);\n']),
  server(2, 'replays-in-the-wrong-order', [later, 'of session.events.slice(index + 1).reverse()) {']),
  server(2, 'new-ids-for-old-events', [
    ownOnly,
    "    if (event.stream === stream) sendEvent(session, stream, event.text.split('\\n')[1]!.slice(6));\n",
  ]),
  server(2, 'resumes-nothing', [finds, '  const index = -1;\n']),
  server(
    2,
    'connects-after-the-old-events',
    ['  connect(stream, response);\n  for (const event', '  for (const event'],
    [ends, `  connect(stream, response);\n${ends}`],
  ),
  server(2, 'does-not-end-a-finished-stream', [ends, '']),
  server(2, 'ends-after-the-old-events', [ends, '  response.end();\n']),
  server(2, 'forgets-a-call-that-is-over', [
    isOver,
    `${isOver}  session.events = session.events.filter((event) => event.stream !== stream);\n`,
  ]),
  server(2, 'forgets-what-it-has-replayed', [later, 'of session.events.splice(index + 1)) {']),
  server(2, 'keeps-nothing-for-a-closed-connection', [keeps, `  if (stream.connection) {\n  ${keeps}  }\n`]),
  server(2, 'a-closed-connection-fails-the-tool', [
    writesTo,
    `  if (!connection) throw new Error('the client has gone');\n${writesTo}`,
  ]),
  server(2, 'a-closed-connection-ends-the-stream', [
    '    if (stream.connection === response) stream.connection = undefined;\n',
    '    if (stream.connection === response) stream.over = true;\n',
  ]),
  server(
    2,
    'keeps-the-old-connection',
    [connects, '  beginEventStream(response);\n  for (const event'],
    [ownOnly, '    if (event.stream === stream) response.write(event.text);\n'],
  ),
  server(
    2,
    'connects-a-moment-too-late',
    [
      connects,
      '  beginEventStream(response);\n  setTimeout(() => (stream.connection = response), 500);\n  for (const event',
    ],
    [ownOnly, '    if (event.stream === stream) response.write(event.text);\n'],
  ),
  server(
    2,
    'sends-on-both-connections',
    [replaces, '  stream.connection = response;\n  connections.push({ stream, response });\n'],
    [signature, 'function writeTo(stream: EventStream, text: string): void {\n'],
    [
      writesTo,
      '  for (const each of connections) if (each.stream === stream && !each.response.writableEnded) each.response.write(text);\n',
    ],
    [
      'const app = express();\n',
      'const connections: { stream: EventStream; response: Response }[] = [];\nconst app = express();\n',
    ],
  ),
  server(2, 'fails-while-the-old-connection-is-open', [
    connects,
    `  if (stream.connection) {\n    refuse(response, 500, -32603, 'there is a connection');\n    return;\n  }\n${connects}`,
  ]),
  server(2, 'does-not-check-the-index', [`  if (index === -1) {\n${refuses}    return;\n  }\n`, '']),
  server(2, 'an-unknown-id-opens-a-new-stream', [refuses, '    connect(newStream(), response);\n']),
  server(2, 'an-unknown-id-ends-at-once', [refuses, '    beginEventStream(response);\n    response.end();\n']),
  server(2, 'refuses-with-404', [refuses, refuses.replace('400', '404')]),
  server(2, 'compares-ids-as-numbers', [
    finds,
    `  const [number, count] = lastEventId.split('/').map(Number);
  const index = session.events.findIndex(
    (event) => event.stream.number === number && Number(event.id.split('/')[1]) >= count!,
  );
`,
  ]),
  server(2, 'refuses-with-405', [refuses, refuses.replace('400', '405')]),
  server(2, 'refuses-without-a-reason', [refuses, '    response.status(400).end();\n']),
  server(
    2,
    'looks-in-every-session',
    ['  const { stream } = session.events[index]!;\n', '  const { stream } = all[index]!;\n'],
    [later, 'of all.slice(index + 1)) {'],
    [
      'session: Session, response: Response): void {\n' + finds,
      'session: Session, response: Response): void {\n  const all = [...sessions.values()].flatMap(({ events }) => events);\n' +
        finds.replace('session.events', 'all'),
    ],
  ),
  server(2, 'never-drops-an-event', [drops, '']),
  server(2, 'drops-too-early', [drops, drops.replace('> keptEvents', '>= keptEvents')]),
  server(2, 'drops-the-newest', [drops, drops.replace('shift', 'pop')]),
  server(2, 'drops-everything-when-full', [drops, '  if (session.events.length > keptEvents) session.events = [];\n']),
  server(2, 'keeps-the-last-events-of-each-stream', [
    drops,
    '  const own = session.events.filter((event) => event.stream === stream);\n  if (own.length > keptEvents) session.events.splice(session.events.indexOf(own[0]!), 1);\n',
  ]),
  server(2, 'counts-the-kept-events', [
    makesId,
    '  const id = `${stream.number}/${session.events.filter((event) => event.stream === stream).length + 1}`;\n',
  ]),
  server(2, 'counts-in-each-connection', [replaces, `${replaces}  stream.count = 0;\n`]),
  server(2, 'one-limit-for-all-sessions', [
    drops,
    '  const all = [...sessions.values()];\n  const total = all.reduce((sum, { events }) => sum + events.length, 0);\n  if (total > keptEvents) all.find(({ events }) => events.length > 0)!.events.shift();\n',
  ]),
  server(2, 'forgets-what-the-client-has', [
    ends,
    `${ends}  session.events = session.events.filter((event, i) => event.stream !== stream || i >= index);\n`,
  ]),
  server(2, 'resumes-for-the-newest-revision-only', [
    '  if (index === -1) {\n',
    '  if (index === -1 || session.revision !== revisions[0]) {\n',
  ]),
  server(2, 'closes-the-first-connection-only', [closes, closes.replace('stream.connection?.', 'response.')]),
  server(2, 'closes-nothing', [closes, '']),
  server(2, 'closes-for-every-revision', [closes, '      stream.connection?.end();\n']),
  server(2, 'closes-by-breaking-off', [closes, closes.replace('end()', 'destroy()')]),
  server(2, 'closes-the-stream-too', [closes, `${closes}      stream.over = true;\n`]),

  server(2, 'primes-again-in-resume', [
    connects,
    connects.replace('(stream, response);', '(stream, response);\n  prime(session, stream);'),
  ]),
  server(2, 'does-not-return-after-refusing', [`${refuses}    return;\n`, refuses]),
  client(3, 'does-not-come-back', [loop, '  while (false) {\n']),
  client(3, 'comes-back-once', [loop, '  if (!answer && place.lastEventId) {\n']),
  client(3, 'comes-back-five-times', [loop, '  for (let i = 0; i < 5 && !answer && place.lastEventId; i++) {\n']),
  client(3, 'a-break-is-a-failure', [canResume, '']),
  client(3, 'an-end-is-a-failure', [
    '  } catch (error) {\n    notRead(error as Error, place);\n',
    "    fail(5, 'the stream has ended');\n  } catch (error) {\n    notRead(error as Error, place);\n",
  ]),
  client(3, 'repeats-the-call', [
    asks,
    "  return post({ jsonrpc: '2.0', id: lastId, method: 'tools/call', params: { name: 'process_files', arguments: { message } } });\n",
  ]),
  client(3, 'no-last-event-id', [asks, asks.replace(", 'Last-Event-ID': id", '')]),
  client(3, 'the-id-as-it-is', [encodes, '  const id = lastEventId;\n']),
  client(3, 'the-id-as-in-a-url', [encodes, '  const id = encodeURIComponent(lastEventId);\n']),
  client(3, 'the-id-as-a-number', [
    encodes,
    `${encodes.replace('id =', 'text =')}  const id = String(Number(text) || text);\n`,
  ]),
  client(3, 'the-id-of-an-event-that-was-cut', [
    keepsId,
    "    const seen = [...String(chunk).matchAll(/^id: (.*)$/gm)].at(-1)?.[1];\n    if (seen) place.lastEventId = Buffer.from(seen, 'utf8').toString();\n",
  ]),
  client(3, 'keeps-the-first-id', [keepsId, '    place.lastEventId ||= reader.lastEventId;\n']),
  client(3, 'a-connection-forgets-the-id', ['  }, place.lastEventId);\n', '  });\n']),
  client(3, 'only-the-accept-header', [asks, asks.replace('...others, ', '')]),
  client(3, 'asks-for-json', [asks, asks.replace('text/event-stream', 'application/json')]),
  client(3, 'does-not-wait', [waits, '']),
  varying(client(3, 'a-wait-of-its-own', [waits, waits.replace('retry,', '1000,')])),
  varying(client(3, 'a-connection-forgets-retry', [keepsRetry, '    place.retry = reader.retry ?? 1000;\n'])),
  client(3, 'ignores-a-retry-of-zero', [keepsRetry, '    place.retry = reader.retry || place.retry;\n']),
  client(3, 'keeps-the-first-retry', [
    keepsRetry,
    '    if (place.retry === 1000) place.retry = reader.retry ?? place.retry;\n',
  ]),
  client(
    3,
    'waits-for-the-end-of-the-stream',
    [found, '      if (isResponse(message) && message.id === id) answered = message;\n      else\n'],
    [
      '  } catch (error) {\n    notRead(error as Error, place);\n  }\n',
      '  } catch (error) {\n    notRead(error as Error, place);\n  }\n  return answered;\n',
    ],
    [
      '  try {\n    for await (const message of messagesIn',
      '  let answered: JsonRpcResponse | undefined;\n  try {\n    for await (const message of messagesIn',
    ],
  ),
  client(3, 'comes-back-for-more', [
    loop,
    '  let rounds = 0;\n  while (place.lastEventId && (!answer || rounds++ < 1)) {\n',
  ]),
  client(3, 'forgets-the-answer', [
    '    answer = await answerTo(id, response, place);\n',
    '    await answerTo(id, response, place);\n',
  ]),
  client(3, 'prints-after-the-break-only', [
    '    yield* messages.splice(0);\n',
    '    if (place.lastEventId) yield* messages.splice(0);\n',
  ]),
  client(3, 'comes-back-without-an-id', [loop, '  while (!answer) {\n'], [canResume, '  return;\n']),
  client(
    3,
    'one-place-for-all-requests',
    ['  const place = newPlace();\n', '  const place = samePlace;\n'],
    ['let lastId = 0;\n', "let lastId = 0;\nconst samePlace: Place = { lastEventId: '', retry: 1000 };\n"],
  ),
  client(3, 'no-exit-code-without-an-id', ['  if (!answer) fail(5, ', '  if (!answer) fail(1, ']),
  client(3, 'takes-any-status', [asks, asks.replace('send({ headers', 'fetch(url, { headers')]),
  client(3, 'comes-back-after-a-refusal', [
    '    response = await comeBack(place, signal);\n',
    '    response = await comeBack(place, signal).catch((error) => {\n      if (process.exitCode !== 3) throw error;\n      process.exitCode = undefined;\n      return comeBack(place, signal);\n    });\n',
  ]),
  client(3, 'a-retry-too-long-for-a-timer', [waits, waits.replace('Math.min(retry, timeLimit)', 'retry')]),
  client(
    3,
    'a-new-limit-for-each-connection',
    [waits, `${newLimit.replace('signal', 'own')}${waits.replace('{ signal }', '{ signal: own }')}`],
    [asks, asks.replace(', signal }', ', signal: own }')],
  ),
  client(3, 'never-keeps-its-place', [keepsId, '']),
  client(3, 'the-wait-has-no-limit', [waits, '  await sleep(Math.min(retry, 2 ** 31 - 1));\n']),
  client(3, 'the-connection-has-no-limit', [asks, asks.replace(', signal });', ' });')]),
  client(3, 'the-wait-has-the-wrong-exit-code', [waits, waits.replace('.catch(notSent)', '')]),
];
