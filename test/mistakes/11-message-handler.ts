import { client, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished client that several mistakes change. */
const keepsSession = `  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
`;
const checksRevision = `  if (!revisions.includes(protocolVersion)) {
    throw new Error(\`the server speaks revision \${protocolVersion}, this client \${revisions.join(' and ')}\`);
  }
`;
const tellsInitialized = "  await tell({ jsonrpc: '2.0', method: 'notifications/initialized' });\n";
const sends = "const response = await fetch(url, { method: 'POST', headers, body });";
const closes = '  (response.body as Readable | null)?.destroy();\n';
const farewell = `  const signal = AbortSignal.timeout(farewellLimit);
  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});
`;
const complains = '  console.error(`${url}: ${(error as Error).message}`);\n  process.exitCode = 1;\n';
const readsPieces = `  for await (const chunk of response.body!) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
    yield* messages.splice(0);
  }
`;
const takesEvent = "    if (type === 'message' && data !== '') messages.push(parsed(data));\n";
const beginsToRead = `  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  const read = eventReader((type, data) => {
${takesEvent}  });
`;
const tellsStream = "if (mediaType !== 'text/event-stream') {";
const mediaType = "  const mediaType = response.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();\n";
const blocks = '  const blocks: unknown[] = Array.isArray(content) ? content : [];\n';
const joinsTexts =
  "blocks.flatMap((block) => (isObject(block) && typeof block.text === 'string' ? block.text : [])).join('\\n');";
const isAnswer = 'if (isResponse(message) && message.id === id) return message;';
const printsNotification = 'if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);';
const answersRequest =
  "else if (isRequest(message)) await tell({ jsonrpc: '2.0', id: message.id, ...answer(message) });";
const reports = '  else console.error(`not understood: ${JSON.stringify(message)}`);\n';
const callsAnswerTo = '  const answer = await answerTo(id, response);\n';

export const mistakes: Mistake[] = [
  client(1, 'accepts-json-only', [
    "  Accept: 'application/json, text/event-stream',\n",
    "  Accept: 'application/json',\n",
  ]),
  client(1, 'a-session-of-its-own', [
    "  'Content-Type': 'application/json',\n",
    "  'Content-Type': 'application/json',\n  'MCP-Session-Id': 'chunk-by-chunk-1',\n",
  ]),
  client(1, 'does-not-wait-for-the-handshake', ['  await shakeHands();', '  void shakeHands();']),
  client(1, 'forgets-initialized', [tellsInitialized, '']),
  client(1, 'does-not-wait-for-initialized', [tellsInitialized, tellsInitialized.replace('await', 'void')]),
  client(1, 'the-handler-gets-the-response-too', [
    `    ${isAnswer}\n    await handle(message);\n`,
    `    await handle(message);\n    ${isAnswer}\n`,
  ]),
  client(1, 'exits-at-an-unknown-revision', [
    checksRevision,
    '  if (!revisions.includes(protocolVersion)) {\n    console.error(`unknown revision ${protocolVersion}`);\n    process.exit(1);\n  }\n',
  ]),
  client(1, 'waits-for-an-answer-to-initialized', [
    tellsInitialized,
    tellsInitialized.replace('await tell(', 'await (await post(').replace(');\n', ')).json();\n'),
  ]),
  client(1, 'one-id-for-all', ['const id = ++lastId;', 'const id = 1;']),
  client(1, 'own-revision-in-the-header', [
    "headers['MCP-Protocol-Version'] = protocolVersion;",
    "headers['MCP-Protocol-Version'] = revisions[0]!;",
  ]),
  client(1, 'forgets-the-session', [keepsSession, '']),
  client(1, 'session-on-requests-only', [
    sends,
    `const { 'MCP-Session-Id': _session, ...others } = headers;\n  ${sends.replace('headers,', "headers: 'method' in message && 'id' in message ? headers : others,")}`,
  ]),
  client(1, 'session-null', [keepsSession, "  headers['MCP-Session-Id'] = response.headers.get('MCP-Session-Id')!;\n"]),
  client(1, 'speaks-every-revision', [checksRevision, '']),
  client(1, 'speaks-every-revision-up-to-the-newest', [
    '!revisions.includes(protocolVersion)',
    'protocolVersion > revisions[0]!',
  ]),
  client(1, 'speaks-what-every-object-has', [
    '!revisions.includes(protocolVersion)',
    '!(protocolVersion in Object.fromEntries(revisions.map((revision) => [revision, true])))',
  ]),
  client(1, 'speaks-the-newest-only', ['!revisions.includes(protocolVersion)', 'protocolVersion !== revisions[0]']),
  client(1, 'leaves-without-a-word', [farewell, '']),
  client(1, 'ends-a-session-that-there-is-not', ["  if (!headers['MCP-Session-Id']) return;\n", '']),
  client(1, 'takes-405-for-a-failure', [
    farewell,
    "  const { ok, status } = await fetch(url, { method: 'DELETE', headers });\n  if (!ok) throw new Error(`the session could not be ended: ${status}`);\n",
  ]),
  client(
    1,
    'ends-the-session-only-after-success',
    ['} finally {\n  await endSession();\n}', '}'],
    ['} catch (error) {\n', '  await endSession();\n} catch (error) {\n'],
  ),
  client(1, 'leaves-before-the-session-is-ended', [
    complains,
    complains.replace('process.exitCode = 1;', 'process.exit(1);'),
  ]),
  client(1, 'waits-for-ever-for-the-farewell', [
    farewell,
    "  await fetch(url, { method: 'DELETE', headers }).catch(() => {});\n",
  ]),
  client(1, 'a-farewell-without-an-answer-is-a-failure', [
    farewell,
    farewell.replace('.catch(() => {})', '.catch(() => (process.exitCode = 1))'),
  ]),
  client(
    1,
    'does-not-close-what-it-does-not-read',
    [closes, ''],
    ['  const response = await post(message);\n}', '  await post(message);\n}'],
  ),
  client(1, 'waits-for-the-body-of-a-notification', [closes, '  await response.text();\n']),
  client(1, 'timer-keeps-it-alive', [
    `  ${sends}`,
    `  const controller = new AbortController();\n  setTimeout(() => controller.abort(), 60_000);\n  ${sends.replace('body }', 'body, signal: controller.signal }')}`,
  ]),

  client(2, 'prints-json', ['`RESULT: ${textOf(result)}`', '`RESULT: ${JSON.stringify(result)}`']),
  client(2, 'prints-the-first-block-only', [
    joinsTexts,
    joinsTexts.replace('blocks.flatMap', 'blocks.slice(0, 1).flatMap'),
  ]),
  client(2, 'says-that-it-is-connected', [tellsInitialized, `${tellsInitialized}  console.log('connected');\n`]),
  client(2, 'dies-of-content-null', [blocks, '  const blocks: unknown[] = content;\n']),
  client(2, 'content-is-never-missing', [blocks, '  const blocks: unknown[] = content === null ? [] : content;\n']),
  client(2, 'every-block-has-a-text', [
    joinsTexts,
    "blocks.map((block) => String((block as { text: string }).text)).join('\\n');",
  ]),
  client(2, 'no-text-is-a-failure', [
    '  console.log(`RESULT: ${textOf(result)}`);',
    "  if (textOf(result) === '') throw new Error('the result has no text');\n  console.log(`RESULT: ${textOf(result)}`);",
  ]),
  client(2, 'initialize-is-always-json', [tellsStream, tellsStream.replace('if (', 'if (lastId === 1 || ')]),
  client(2, 'a-piece-is-an-event', [
    beginsToRead + readsPieces,
    '  for await (const chunk of response.body!) {\n    for (const [, data] of String(chunk).matchAll(/^data: (.+)$/gm)) yield parsed(data!);\n  }\n',
  ]),
  client(2, 'decodes-each-piece', [
    'decoder.decode(chunk as Buffer, { stream: true })',
    'decoder.decode(chunk as Buffer)',
  ]),
  client(
    2,
    'waits-for-the-end-of-the-stream',
    [readsPieces, '  read(await response.text());\n  yield* messages;\n'],
    ['  const decoder = new TextDecoder();\n', ''],
  ),
  client(2, 'a-line-is-a-message', [
    beginsToRead + readsPieces,
    `  const decoder = new TextDecoder();
  let unfinished = '';
  for await (const chunk of response.body!) {
    const lines = (unfinished + decoder.decode(chunk as Buffer, { stream: true })).split('\\n');
    unfinished = lines.pop()!;
    for (const line of lines) if (line.startsWith('data: ')) yield parsed(line.slice(6));
  }
`,
  ]),
  client(2, 'parses-empty-data', [takesEvent, "    if (type === 'message') messages.push(JSON.parse(data));\n"]),
  client(2, 'parses-events-of-every-type', [takesEvent, "    if (data !== '') messages.push(parsed(data));\n"]),
  client(2, 'lines-end-with-a-line-feed-only', ['text.split(/\\r\\n|\\r|\\n/)', "text.split('\\n')"]),
  client(2, 'a-cut-line-break-is-two', ["afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece", 'piece']),
  client(2, 'a-carriage-return-is-no-end', ['text.split(/\\r\\n|\\r|\\n/)', 'text.split(/\\r?\\n/)']),
  client(2, 'data-has-a-space', ["line.slice(colon + 1).replace(/^ /, '')", 'line.slice(colon + 2)']),
  client(2, 'the-type-sticks', [
    "dispatch(type || 'message', data.join('\\n'));\n      type = '';\n",
    "dispatch(type || 'message', data.join('\\n'));\n",
  ]),
  client(2, 'a-comment-is-data', [
    "if (field === 'data') data.push(value);",
    "if (field === 'data' || field === '') data.push(value);",
  ]),
  client(2, 'compares-the-case-of-the-type', [mediaType, mediaType.replace('.toLowerCase()', '')]),
  client(
    2,
    'looks-for-the-media-type-anywhere',
    [mediaType, mediaType.replace(".split(';')[0]!.trim()", '')],
    [tellsStream, "if (!mediaType?.includes('text/event-stream')) {"],
  ),
  client(2, 'a-parameter-is-a-different-type', [mediaType, mediaType.replace("?.split(';')[0]!.trim()", '?.trim()')]),

  client(
    3,
    'prints-notifications-at-the-end',
    [printsNotification, 'if (isNotification(message)) later.push(`NOTIFICATION: ${described(message)}`);'],
    ['let lastId = 0;', 'let lastId = 0;\nconst later: string[] = [];'],
    ['  console.log(`RESULT: ', '  for (const line of later) console.log(line);\n  console.log(`RESULT: '],
  ),
  client(3, 'yields-messages-again', ['yield* messages.splice(0);', 'yield* messages;']),
  client(3, 'reports-on-standard-output', [reports, reports.replace('console.error', 'console.log')]),
  client(3, 'answers-with-a-request', [
    answersRequest,
    "else if (isRequest(message)) await request('response', { id: message.id, ...answer(message) });",
  ]),
  client(3, 'takes-data-for-a-text', ['${textOrJson(params?.data)}', '${params?.data}']),
  client(3, 'data-is-a-format', [
    printsNotification,
    'if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`, 7);',
  ]),
  client(3, 'knows-log-messages-only', [
    printsNotification,
    printsNotification.replace(
      'isNotification(message)',
      "isNotification(message) && message.method === 'notifications/message'",
    ),
  ]),
  client(3, 'prints-undefined-params', [
    'return params ? `${method} ${JSON.stringify(params)}` : method;',
    'return `${method} ${JSON.stringify(params)}`;',
  ]),
  client(3, 'answers-notifications', [
    printsNotification,
    "if (isNotification(message)) {\n    console.log(`NOTIFICATION: ${described(message)}`);\n    await tell({ jsonrpc: '2.0', id: null, result: {} });\n  }",
  ]),
  client(3, 'answers-no-request', [`  ${answersRequest}\n`, '']),
  client(3, 'prints-requests', [" && !('id' in message);", ';']),
  client(3, 'request-without-a-truthy-id', [
    "typeof message.method === 'string' && isId(message.id)",
    "typeof message.method === 'string' && Boolean(message.id)",
  ]),
  client(3, 'ids-are-whole-numbers-from-0', [
    "  return typeof id === 'string' || typeof id === 'number';",
    "  return typeof id === 'string' || (Number.isInteger(id) && Number(id) >= 0);",
  ]),
  client(3, 'knows-its-answer-by-the-id-alone', [
    isAnswer,
    'if (isObject(message) && message.id === id) return message as JsonRpcResponse;',
  ]),
  client(3, 'answers-with-a-text-for-an-id', [
    answersRequest,
    answersRequest.replace('id: message.id', 'id: String(message.id)'),
  ]),
  client(3, 'answers-every-method', [
    "if (method === 'ping') return { result: {} };",
    "if (method !== '') return { result: {} };",
  ]),
  client(3, 'answers-what-every-object-has', [
    "if (method === 'ping') return { result: {} };",
    'const methods = { ping: { result: {} } } as Record<string, Answer>;\n  if (methods[method]) return { result: {} };',
  ]),
  client(3, 'answers-without-the-session', [
    answersRequest,
    "else if (isRequest(message)) {\n    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message) });\n    await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }, body });\n  }",
  ]),
  client(3, 'leaves-the-loop-for-a-request', [
    '    await handle(message);\n',
    '    await handle(message);\n    if (isRequest(message)) break;\n',
  ]),
  client(3, 'takes-any-response', [isAnswer, 'if (isResponse(message)) return message;']),
  client(3, 'compares-ids-loosely', [isAnswer, isAnswer.replace('===', '==')]),
  client(3, 'the-handler-prints-results', [
    reports,
    '  else if (isResponse(message)) console.log(`RESULT: ${textOf(message.result as ToolResult)}`);\n  else console.error(`not understood: ${JSON.stringify(message)}`);\n',
  ]),
  client(3, 'ends-at-what-it-does-not-know', [
    reports,
    '  else throw new Error(`not understood: ${JSON.stringify(message)}`);\n',
  ]),
  client(3, 'says-nothing-about-the-rest', [reports, '']),
  client(3, 'null-is-an-object', [
    "typeof value === 'object' && value !== null && !Array.isArray(value)",
    "typeof value === 'object'",
  ]),
  client(3, 'reads-batches', [
    '    await handle(message);\n',
    '    for (const each of Array.isArray(message) ? message : [message]) {\n      if (Array.isArray(message) && isResponse(each) && each.id === id) return each;\n      await handle(each);\n    }\n',
  ]),
  client(3, 'ends-at-an-event-that-is-not-json', ['    return data;\n', '    throw new Error(`not JSON: ${data}`);\n']),
  client(3, 'closes-only-what-answers-a-notification', [
    answersRequest,
    answersRequest.replace('await tell(', 'await post('),
  ]),
  client(3, 'takes-any-response-to-initialize', [
    isAnswer,
    'if (isResponse(message) && (message.id === id || id === 1)) return message;',
  ]),
  client(3, 'initialize-has-no-notifications', [
    '    await handle(message);\n',
    '    if (id !== 1) await handle(message);\n',
  ]),
  client(3, 'takes-any-json-answer', [
    callsAnswerTo,
    "  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');\n  const answer = isJson ? ((await response.json()) as JsonRpcResponse) : await answerTo(id, response);\n",
  ]),
  client(3, 'a-json-answer-with-a-wrong-id-is-no-failure', [
    '  if (!answer) throw new Error(`the server sent no response to ${method}`);\n',
    '  if (!answer) process.exit();\n',
  ]),
  client(3, 'yields-one-message-of-a-piece', [
    'yield* messages.splice(0);',
    'if (messages.length > 0) yield messages.shift();',
  ]),
  client(3, 'takes-its-answer-before-the-rest-of-the-piece', [
    'yield* messages.splice(0);',
    'const own = messages.find((message) => isResponse(message) && message.id === lastId);\n    if (own) yield own;\n    yield* messages.splice(0);',
  ]),
  client(3, 'takes-a-second-response-to-initialize', [
    isAnswer,
    isAnswer.replace('message.id === id', '(message.id === id || message.id === 1)'),
  ]),
  client(3, 'compares-the-id-of-initialize-loosely', [
    isAnswer,
    'if (isResponse(message) && (id === 1 ? message.id == id : message.id === id)) return message;',
  ]),
  client(3, 'answers-nothing-before-the-handshake', [
    '    await handle(message);\n',
    '    if (id !== 1 || !isRequest(message)) await handle(message);\n',
  ]),
  client(
    3,
    'one-decoder-for-all-streams',
    ['  const decoder = new TextDecoder();\n', ''],
    ['let lastId = 0;', 'let lastId = 0;\nconst decoder = new TextDecoder();'],
  ),
];
