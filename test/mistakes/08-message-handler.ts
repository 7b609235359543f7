import type { Mistake } from '../proof/mistake.ts';

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
const answersRequest = "else if (isRequest(message)) await post({ jsonrpc: '2.0', id: message.id, ...answer(message) });";
const reports = '  else console.error(`not understood: ${JSON.stringify(message)}`);\n';
const refuses = '  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}`);\n';
const limits = '  const signal = AbortSignal.timeout(timeLimit);\n  const response';
const noAnswer = '  if (!answer) fail(5, `the answer to ${method} ended without a response`);\n';
const isError = '  if (answer.error) fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);\n';
const toolFailed = '  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);\n';

export const mistakes: Mistake[] = [
  {
    name: 'accepts-nothing-in-particular',
    task: 1,
    file: 'client.ts',
    edits: [["  Accept: 'application/json, text/event-stream',\n", '']],
  },
  {
    name: 'a-session-of-its-own',
    task: 1,
    file: 'client.ts',
    edits: [["  'Content-Type': 'application/json',\n", "  'Content-Type': 'application/json',\n  'MCP-Session-Id': 'chunk-by-chunk-1',\n"]],
  },
  {
    name: 'does-not-wait-for-the-handshake',
    task: 1,
    file: 'client.ts',
    edits: [['  await shakeHands();', '  void shakeHands();']],
  },
  {
    name: 'forgets-initialized',
    task: 1,
    file: 'client.ts',
    edits: [[tellsInitialized, '']],
  },
  {
    name: 'waits-for-an-answer-to-initialized',
    task: 1,
    file: 'client.ts',
    edits: [[tellsInitialized, tellsInitialized.replace('await post(', 'await (await post(').replace(');\n', ')).json();\n')]],
  },
  {
    name: 'one-id-for-all',
    task: 1,
    file: 'client.ts',
    edits: [['const id = ++lastId;', 'const id = 1;']],
  },
  {
    name: 'own-version-in-the-header',
    task: 1,
    file: 'client.ts',
    edits: [["headers['MCP-Protocol-Version'] = protocolVersion;", "headers['MCP-Protocol-Version'] = revisions[0]!;"]],
  },
  {
    name: 'forgets-the-session',
    task: 1,
    file: 'client.ts',
    edits: [[keepsSession, '']],
  },
  {
    name: 'session-on-requests-only',
    task: 1,
    file: 'client.ts',
    edits: [
      [sends, `const { 'MCP-Session-Id': _session, ...others } = headers;\n  ${sends.replace('headers,', "headers: 'method' in message && 'id' in message ? headers : others,")}`],
    ],
  },
  {
    name: 'session-null',
    task: 1,
    file: 'client.ts',
    edits: [[keepsSession, "  headers['MCP-Session-Id'] = response.headers.get('MCP-Session-Id')!;\n"]],
  },
  {
    name: 'speaks-every-version',
    task: 1,
    file: 'client.ts',
    edits: [[checksVersion, '']],
  },
  {
    name: 'speaks-the-newest-only',
    task: 1,
    file: 'client.ts',
    edits: [['!revisions.includes(protocolVersion)', 'protocolVersion !== revisions[0]']],
  },
  {
    name: 'leaves-without-a-word',
    task: 1,
    file: 'client.ts',
    edits: [["  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});\n", '']],
  },
  {
    name: 'ends-a-session-that-there-is-not',
    task: 1,
    file: 'client.ts',
    edits: [["  if (!headers['MCP-Session-Id']) return;\n", '']],
  },
  {
    name: 'takes-405-for-a-failure',
    task: 1,
    file: 'client.ts',
    edits: [
      [
        "  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});\n",
        "  const { ok, status } = await fetch(url, { method: 'DELETE', headers, signal });\n  if (!ok) throw new Error(`the session could not be ended: ${status}`);\n",
      ],
    ],
  },
  {
    name: 'timer-keeps-it-alive',
    task: 1,
    file: 'client.ts',
    edits: [[limits, '  const controller = new AbortController();\n  const { signal } = controller;\n  setTimeout(() => controller.abort(), timeLimit);\n  const response']],
  },

  {
    name: 'prints-json',
    task: 2,
    file: 'client.ts',
    edits: [['`RESULT: ${textOf(result)}`', '`RESULT: ${JSON.stringify(result)}`']],
  },
  {
    name: 'prints-the-first-block-only',
    task: 2,
    file: 'client.ts',
    edits: [[isText, "content.slice(0, 1).flatMap((block) => ('text' in block ? [block.text] : [])).join('\\n')"]],
  },
  {
    name: 'says-that-it-is-connected',
    task: 2,
    file: 'client.ts',
    edits: [[tellsInitialized, `${tellsInitialized}  console.log('connected');\n`]],
  },
  {
    name: 'initialize-is-always-json',
    task: 2,
    file: 'client.ts',
    edits: [[tellsStream, tellsStream.replace("if (!", "if (lastId === 1 || !")]],
  },
  {
    name: 'a-piece-is-an-event',
    task: 2,
    file: 'client.ts',
    edits: [
      [beginsToRead + readsPieces, "  for await (const chunk of response.body!) {\n    for (const [, data] of String(chunk).matchAll(/^data: (.+)$/gm)) yield parsed(data!);\n  }\n"],
    ],
  },
  {
    name: 'decodes-each-piece',
    task: 2,
    file: 'client.ts',
    edits: [['decoder.decode(chunk as Buffer, { stream: true })', 'decoder.decode(chunk as Buffer)']],
  },
  {
    name: 'waits-for-the-end-of-the-stream',
    task: 2,
    file: 'client.ts',
    edits: [[readsPieces, '  read(await response.text());\n  yield* messages;\n'], ['  const decoder = new TextDecoder();\n', '']],
  },
  {
    name: 'a-line-is-a-message',
    task: 2,
    file: 'client.ts',
    edits: [
      [
        beginsToRead + readsPieces,
        `  const decoder = new TextDecoder();
  let unfinished = '';
  for await (const chunk of response.body!) {
    const lines = (unfinished + decoder.decode(chunk as Buffer, { stream: true })).split('\\n');
    unfinished = lines.pop()!;
    for (const line of lines) if (line.startsWith('data: ')) yield parsed(line.slice(6));
  }
`,
      ],
    ],
  },
  {
    name: 'parses-empty-data',
    task: 2,
    file: 'client.ts',
    edits: [[takesEvent, "    if (type === 'message') messages.push(JSON.parse(data));\n"]],
  },
  {
    name: 'parses-events-of-every-type',
    task: 2,
    file: 'client.ts',
    edits: [[takesEvent, "    if (data !== '') messages.push(JSON.parse(data));\n"]],
  },

  {
    name: 'compares-the-whole-content-type',
    task: 3,
    file: 'client.ts',
    edits: [[tellsStream, "if (response.headers.get('Content-Type') === 'application/json') {"]],
  },
  {
    name: 'prints-notifications-at-the-end',
    task: 3,
    file: 'client.ts',
    edits: [
      [printsNotification, 'if (isNotification(message)) later.push(`NOTIFICATION: ${described(message)}`);'],
      ['let lastId = 0;', 'let lastId = 0;\nconst later: string[] = [];'],
      ['  console.log(`RESULT: ', '  for (const line of later) console.log(line);\n  console.log(`RESULT: '],
    ],
  },
  {
    name: 'takes-data-for-a-text',
    task: 3,
    file: 'client.ts',
    edits: [['${textOrJson(params?.data)}', '${params?.data}']],
  },
  {
    name: 'knows-log-messages-only',
    task: 3,
    file: 'client.ts',
    edits: [[printsNotification, printsNotification.replace('isNotification(message)', "isNotification(message) && message.method === 'notifications/message'")]],
  },
  {
    name: 'prints-undefined-params',
    task: 3,
    file: 'client.ts',
    edits: [['return params ? `${method} ${JSON.stringify(params)}` : method;', 'return `${method} ${JSON.stringify(params)}`;']],
  },
  {
    name: 'answers-notifications',
    task: 3,
    file: 'client.ts',
    edits: [[printsNotification, "if (isNotification(message)) {\n    console.log(`NOTIFICATION: ${described(message)}`);\n    await post({ jsonrpc: '2.0', id: null, result: {} });\n  }"]],
  },
  {
    name: 'answers-no-request',
    task: 3,
    file: 'client.ts',
    edits: [[`  ${answersRequest}\n`, '']],
  },
  {
    name: 'prints-requests',
    task: 3,
    file: 'client.ts',
    edits: [[" && !('id' in message);", ';']],
  },
  {
    name: 'request-without-a-truthy-id',
    task: 3,
    file: 'client.ts',
    edits: [["typeof message.method === 'string' && isId(message.id)", "typeof message.method === 'string' && Boolean(message.id)"]],
  },
  {
    name: 'knows-its-answer-by-the-id-alone',
    task: 3,
    file: 'client.ts',
    edits: [[isAnswer, 'if (isObject(message) && message.id === id) return message as JsonRpcResponse;']],
  },
  {
    name: 'answers-with-a-text-for-an-id',
    task: 3,
    file: 'client.ts',
    edits: [[answersRequest, answersRequest.replace('id: message.id', 'id: String(message.id)')]],
  },
  {
    name: 'answers-every-method',
    task: 3,
    file: 'client.ts',
    edits: [["if (method === 'ping') return { result: {} };", "if (method !== '') return { result: {} };"]],
  },
  {
    name: 'answers-without-the-session',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        answersRequest,
        "else if (isRequest(message)) {\n    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message) });\n    await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }, body });\n  }",
      ],
    ],
  },
  {
    name: 'leaves-the-loop-for-a-request',
    task: 3,
    file: 'client.ts',
    edits: [
      ['    await handle(message);\n', '    await handle(message);\n    if (isRequest(message)) break;\n'],
    ],
  },
  {
    name: 'takes-any-response',
    task: 3,
    file: 'client.ts',
    edits: [[isAnswer, 'if (isResponse(message)) return message;']],
  },
  {
    name: 'compares-ids-loosely',
    task: 3,
    file: 'client.ts',
    edits: [[isAnswer, isAnswer.replace('===', '==')]],
  },
  {
    name: 'the-handler-prints-results',
    task: 3,
    file: 'client.ts',
    edits: [[reports, "  else if (isResponse(message)) console.log(`RESULT: ${textOf(message.result as ToolResult)}`);\n  else console.error(`not understood: ${JSON.stringify(message)}`);\n"]],
  },
  {
    name: 'ends-at-what-it-does-not-know',
    task: 3,
    file: 'client.ts',
    edits: [[reports, '  else throw new Error(`not understood: ${JSON.stringify(message)}`);\n']],
  },
  {
    name: 'says-nothing-about-the-rest',
    task: 3,
    file: 'client.ts',
    edits: [[reports, '']],
  },
  {
    name: 'null-is-an-object',
    task: 3,
    file: 'client.ts',
    edits: [["typeof value === 'object' && value !== null && !Array.isArray(value)", "typeof value === 'object'"]],
  },
  {
    name: 'ends-at-an-event-that-is-not-json',
    task: 3,
    file: 'client.ts',
    edits: [['    return data;\n', "    throw new Error(`not JSON: ${data}`);\n"]],
  },

  {
    name: 'one-exit-code-for-all',
    task: 4,
    file: 'client.ts',
    edits: [['  process.exitCode = exitCode;\n', '  process.exitCode = Math.min(exitCode, 1);\n']],
  },
  {
    name: 'ignores-the-status',
    task: 4,
    file: 'client.ts',
    edits: [[refuses, '']],
  },
  {
    name: 'looks-at-the-status-of-requests-only',
    task: 4,
    file: 'client.ts',
    edits: [[refuses, refuses.replace('!response.ok', "'id' in message && !response.ok")]],
  },
  {
    name: 'not-json-is-a-stream-that-broke-off',
    task: 4,
    file: 'client.ts',
    edits: [['  if (error instanceof SyntaxError) fail(4, `the answer is not JSON: ${error.message}`);\n', '']],
  },
  {
    name: 'whatever-json-throws-is-no-json',
    task: 4,
    file: 'client.ts',
    edits: [['    yield await response.json();\n', '    yield await response.json().catch((error: Error) => fail(4, error.message));\n']],
  },
  {
    name: 'what-is-not-json-is-a-stream',
    task: 4,
    file: 'client.ts',
    edits: [[tellsStream, "if (response.headers.get('Content-Type')?.startsWith('application/json')) {"]],
  },
  {
    name: 'trusts-that-the-answer-comes',
    task: 4,
    file: 'client.ts',
    edits: [[noAnswer, ''], [isError, isError.replace('answer.error)', 'answer!.error)').replaceAll('{answer.error', '{answer!.error')], ['return answer?.result as Result', 'return answer!.result as Result']],
  },
  {
    name: 'an-end-without-an-answer-is-fine',
    task: 4,
    file: 'client.ts',
    edits: [[noAnswer, '  if (!answer) process.exit();\n']],
  },
  {
    name: 'forgets-what-reading-throws',
    task: 4,
    file: 'client.ts',
    edits: [['await answerTo(id, response).catch(lost)', 'await answerTo(id, response)']],
  },
  {
    name: 'no-time-limit',
    task: 4,
    file: 'client.ts',
    edits: [[limits, '  const signal = null;\n  const response']],
  },
  {
    name: 'limit-in-seconds',
    task: 4,
    file: 'client.ts',
    edits: [[limits, '  const signal = AbortSignal.timeout(timeLimit * 1000);\n  const response']],
  },
  {
    name: 'idle-limit',
    task: 4,
    file: 'client.ts',
    edits: [
      [limits, '  const { signal } = idle;\n  const response'],
      ['let lastId = 0;', 'let lastId = 0;\nconst idle = new AbortController();\nconst timer = setTimeout(() => idle.abort(), timeLimit);\ntimer.unref();'],
      ['    read(decoder.decode(chunk as Buffer, { stream: true }));\n', '    timer.refresh();\n    read(decoder.decode(chunk as Buffer, { stream: true }));\n'],
    ],
  },
  {
    name: 'limits-the-head-only',
    task: 4,
    file: 'client.ts',
    edits: [
      [limits, '  const controller = new AbortController();\n  const { signal } = controller;\n  const timer = setTimeout(() => controller.abort(), timeLimit).unref();\n  const response'],
      ['.catch(notConnected);', '.catch(notConnected);\n  clearTimeout(timer);'],
    ],
  },
  {
    name: 'limits-the-body-only',
    task: 4,
    file: 'client.ts',
    edits: [
      [limits, '  const controller = new AbortController();\n  const { signal } = controller;\n  const response'],
      ['.catch(notConnected);', '.catch(notConnected);\n  setTimeout(() => controller.abort(), timeLimit).unref();'],
    ],
  },
  {
    name: 'time-limit-is-no-connection',
    task: 4,
    file: 'client.ts',
    edits: [["  if (error.name === 'AbortError') lost(error);\n", '']],
  },
  {
    name: 'takes-an-error-for-a-result',
    task: 4,
    file: 'client.ts',
    edits: [[isError, '']],
  },
  {
    name: 'prints-the-error-object',
    task: 4,
    file: 'client.ts',
    edits: [[isError, '  if (answer.error) fail(7, `the server answered with ${answer.error}`);\n']],
  },
  {
    name: 'leaves-out-the-code-of-an-error',
    task: 4,
    file: 'client.ts',
    edits: [[isError, '  if (answer.error) fail(7, answer.error.message);\n']],
  },
  {
    name: 'prints-a-failure-as-a-result',
    task: 4,
    file: 'client.ts',
    edits: [[toolFailed, '']],
  },
  {
    name: 'a-failure-with-exit-code-0',
    task: 4,
    file: 'client.ts',
    edits: [
      [toolFailed, ''],
      ['  console.log(`RESULT: ${textOf(result)}`);', '  if (result.isError) console.error(textOf(result));\n  else console.log(`RESULT: ${textOf(result)}`);'],
    ],
  },
  {
    name: 'a-failure-and-a-result',
    task: 4,
    file: 'client.ts',
    edits: [
      [toolFailed, ''],
      ['  console.log(`RESULT: ${textOf(result)}`);', `  console.log(\`RESULT: \${textOf(result)}\`);\n${toolFailed.trimEnd()}`],
    ],
  },
  {
    name: 'does-not-say-why-the-tool-failed',
    task: 4,
    file: 'client.ts',
    edits: [[toolFailed, "  if (result.isError) fail(8, 'the tool failed');\n"]],
  },
];
