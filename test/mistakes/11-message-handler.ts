import { client, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished client that several mistakes change. */
const keepsSession = `  const session = response.headers.get('MCP-Session-Id');
  if (session) headers['MCP-Session-Id'] = session;
`;
const checksVersion = `  if (!revisions.includes(protocolVersion)) {
    throw new Error(\`the server speaks revision \${protocolVersion}, this client \${revisions.join(' and ')}\`);
  }
`;
const tellsInitialized = "  await post({ jsonrpc: '2.0', method: 'notifications/initialized' });\n";
const sends = "const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(notConnected);";
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
const tellsStream = "if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {";
const isText = "content.flatMap((block) => ('text' in block ? [block.text] : [])).join('\\n')";
const isAnswer = 'if (isResponse(message) && message.id === id) return message;';
const printsNotification = 'if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);';
const answersRequest =
  "else if (isRequest(message)) await post({ jsonrpc: '2.0', id: message.id, ...answer(message) });";
const reports = '  else console.error(`not understood: ${JSON.stringify(message)}`);\n';
const refuses = '  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}`);\n';
const limits = '  const signal = AbortSignal.timeout(timeLimit);\n  const response';
const noAnswer = '  if (!answer) fail(5, `the answer to ${method} ended without a response`);\n';
const isError =
  '  if (answer.error) fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);\n';
const toolFailed = '  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);\n';

export const mistakes: Mistake[] = [
  client(1, 'accepts-nothing-in-particular', ["  Accept: 'application/json, text/event-stream',\n", '']),
  client(1, 'a-session-of-its-own', [
    "  'Content-Type': 'application/json',\n",
    "  'Content-Type': 'application/json',\n  'MCP-Session-Id': 'chunk-by-chunk-1',\n",
  ]),
  client(1, 'does-not-wait-for-the-handshake', ['  await shakeHands();', '  void shakeHands();']),
  client(1, 'forgets-initialized', [tellsInitialized, '']),
  client(1, 'waits-for-an-answer-to-initialized', [
    tellsInitialized,
    tellsInitialized.replace('await post(', 'await (await post(').replace(');\n', ')).json();\n'),
  ]),
  client(1, 'one-id-for-all', ['const id = ++lastId;', 'const id = 1;']),
  client(1, 'own-version-in-the-header', [
    "headers['MCP-Protocol-Version'] = protocolVersion;",
    "headers['MCP-Protocol-Version'] = revisions[0]!;",
  ]),
  client(1, 'forgets-the-session', [keepsSession, '']),
  client(1, 'session-on-requests-only', [
    sends,
    `const { 'MCP-Session-Id': _session, ...others } = headers;\n  ${sends.replace('headers,', "headers: 'method' in message && 'id' in message ? headers : others,")}`,
  ]),
  client(1, 'session-null', [keepsSession, "  headers['MCP-Session-Id'] = response.headers.get('MCP-Session-Id')!;\n"]),
  client(1, 'speaks-every-version', [checksVersion, '']),
  client(1, 'speaks-the-newest-only', ['!revisions.includes(protocolVersion)', 'protocolVersion !== revisions[0]']),
  client(1, 'leaves-without-a-word', [
    "  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});\n",
    '',
  ]),
  client(1, 'ends-a-session-that-there-is-not', ["  if (!headers['MCP-Session-Id']) return;\n", '']),
  client(1, 'takes-405-for-a-failure', [
    "  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});\n",
    "  const { ok, status } = await fetch(url, { method: 'DELETE', headers, signal });\n  if (!ok) throw new Error(`the session could not be ended: ${status}`);\n",
  ]),
  client(1, 'timer-keeps-it-alive', [
    limits,
    '  const controller = new AbortController();\n  const { signal } = controller;\n  setTimeout(() => controller.abort(), timeLimit);\n  const response',
  ]),

  client(2, 'prints-json', ['`RESULT: ${textOf(result)}`', '`RESULT: ${JSON.stringify(result)}`']),
  client(2, 'prints-the-first-block-only', [
    isText,
    "content.slice(0, 1).flatMap((block) => ('text' in block ? [block.text] : [])).join('\\n')",
  ]),
  client(2, 'says-that-it-is-connected', [tellsInitialized, `${tellsInitialized}  console.log('connected');\n`]),
  client(2, 'initialize-is-always-json', [tellsStream, tellsStream.replace('if (!', 'if (lastId === 1 || !')]),
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
  client(2, 'parses-events-of-every-type', [takesEvent, "    if (data !== '') messages.push(JSON.parse(data));\n"]),

  client(3, 'compares-the-whole-content-type', [
    tellsStream,
    "if (response.headers.get('Content-Type') === 'application/json') {",
  ]),
  client(
    3,
    'prints-notifications-at-the-end',
    [printsNotification, 'if (isNotification(message)) later.push(`NOTIFICATION: ${described(message)}`);'],
    ['let lastId = 0;', 'let lastId = 0;\nconst later: string[] = [];'],
    ['  console.log(`RESULT: ', '  for (const line of later) console.log(line);\n  console.log(`RESULT: '],
  ),
  client(3, 'takes-data-for-a-text', ['${textOrJson(params?.data)}', '${params?.data}']),
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
    "if (isNotification(message)) {\n    console.log(`NOTIFICATION: ${described(message)}`);\n    await post({ jsonrpc: '2.0', id: null, result: {} });\n  }",
  ]),
  client(3, 'answers-no-request', [`  ${answersRequest}\n`, '']),
  client(3, 'prints-requests', [" && !('id' in message);", ';']),
  client(3, 'request-without-a-truthy-id', [
    "typeof message.method === 'string' && isId(message.id)",
    "typeof message.method === 'string' && Boolean(message.id)",
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
  client(3, 'ends-at-an-event-that-is-not-json', ['    return data;\n', '    throw new Error(`not JSON: ${data}`);\n']),

  client(4, 'one-exit-code-for-all', [
    '  process.exitCode = exitCode;\n',
    '  process.exitCode = Math.min(exitCode, 1);\n',
  ]),
  client(4, 'ignores-the-status', [refuses, '']),
  client(4, 'looks-at-the-status-of-requests-only', [
    refuses,
    refuses.replace('!response.ok', "'id' in message && !response.ok"),
  ]),
  client(4, 'not-json-is-a-stream-that-broke-off', [
    '  if (error instanceof SyntaxError) fail(4, `the answer is not JSON: ${error.message}`);\n',
    '',
  ]),
  client(4, 'whatever-json-throws-is-no-json', [
    '    yield await response.json();\n',
    '    yield await response.json().catch((error: Error) => fail(4, error.message));\n',
  ]),
  client(4, 'what-is-not-json-is-a-stream', [
    tellsStream,
    "if (response.headers.get('Content-Type')?.startsWith('application/json')) {",
  ]),
  client(
    4,
    'trusts-that-the-answer-comes',
    [noAnswer, ''],
    [isError, isError.replace('answer.error)', 'answer!.error)').replaceAll('{answer.error', '{answer!.error')],
    ['return answer?.result as Result', 'return answer!.result as Result'],
  ),
  client(4, 'an-end-without-an-answer-is-fine', [noAnswer, '  if (!answer) process.exit();\n']),
  client(4, 'forgets-what-reading-throws', [
    'await answerTo(id, response).catch(lost)',
    'await answerTo(id, response)',
  ]),
  client(4, 'no-time-limit', [limits, '  const signal = null;\n  const response']),
  client(4, 'limit-in-seconds', [limits, '  const signal = AbortSignal.timeout(timeLimit * 1000);\n  const response']),
  client(
    4,
    'idle-limit',
    [limits, '  const { signal } = idle;\n  const response'],
    [
      'let lastId = 0;',
      'let lastId = 0;\nconst idle = new AbortController();\nconst timer = setTimeout(() => idle.abort(), timeLimit);\ntimer.unref();',
    ],
    [
      '    read(decoder.decode(chunk as Buffer, { stream: true }));\n',
      '    timer.refresh();\n    read(decoder.decode(chunk as Buffer, { stream: true }));\n',
    ],
  ),
  client(
    4,
    'limits-the-head-only',
    [
      limits,
      '  const controller = new AbortController();\n  const { signal } = controller;\n  const timer = setTimeout(() => controller.abort(), timeLimit).unref();\n  const response',
    ],
    ['.catch(notConnected);', '.catch(notConnected);\n  clearTimeout(timer);'],
  ),
  client(
    4,
    'limits-the-body-only',
    [limits, '  const controller = new AbortController();\n  const { signal } = controller;\n  const response'],
    ['.catch(notConnected);', '.catch(notConnected);\n  setTimeout(() => controller.abort(), timeLimit).unref();'],
  ),
  client(4, 'time-limit-is-no-connection', ["  if (error.name === 'AbortError') lost(error);\n", '']),
  client(4, 'takes-an-error-for-a-result', [isError, '']),
  client(4, 'prints-the-error-object', [
    isError,
    '  if (answer.error) fail(7, `the server answered with ${answer.error}`);\n',
  ]),
  client(4, 'leaves-out-the-code-of-an-error', [isError, '  if (answer.error) fail(7, answer.error.message);\n']),
  client(4, 'prints-a-failure-as-a-result', [toolFailed, '']),
  client(
    4,
    'a-failure-with-exit-code-0',
    [toolFailed, ''],
    [
      '  console.log(`RESULT: ${textOf(result)}`);',
      '  if (result.isError) console.error(textOf(result));\n  else console.log(`RESULT: ${textOf(result)}`);',
    ],
  ),
  client(
    4,
    'a-failure-and-a-result',
    [toolFailed, ''],
    [
      '  console.log(`RESULT: ${textOf(result)}`);',
      `  console.log(\`RESULT: \${textOf(result)}\`);\n${toolFailed.trimEnd()}`,
    ],
  ),
  client(4, 'does-not-say-why-the-tool-failed', [toolFailed, "  if (result.isError) fail(8, 'the tool failed');\n"]),
];
