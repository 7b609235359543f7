import { client, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished client that several mistakes change. */
const notConnected = '  fail(2, error.message);\n';
const refuses =
  '  if (!response.ok) fail(3, `the server answered ${response.status} ${response.statusText}${await errorIn(response)}`);\n';
const readsError = 'const body: unknown = await response.json().catch(() => undefined);';
const saysError = "return isObject(body) && isObject(body.error) ? `: ${body.error.message}` : '';";
const farewell = "  await fetch(url, { method: 'DELETE', headers, signal }).catch(() => {});\n";
const calls =
  "  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });\n";
const beginsAgain = (...preparation: string[]) =>
  `  const call = () => request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
  const result = await call().catch(async (error: Error) => {
    if (!error.message.includes(' 404 ')) throw error;
    process.exitCode = undefined;
${preparation.map((line) => `    ${line}\n`).join('')}    return call();
  });
`;
const refusesType = "  if (mediaType !== 'application/json' && mediaType !== 'text/event-stream') {";
const noAnswer = '  if (!answer) fail(5, `the answer to ${method} ended without a response`);\n';
const incomplete = '  fail(5, `the answer is not complete: ${error.message}`);\n';
const limits = '  const signal = AbortSignal.timeout(timeLimit);\n';
const sends = "  const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(notSent);\n";
const outOfTime = "  if (error.name === 'AbortError') fail(6, `no answer within ${timeLimit} ms`);\n";
const outOfTimeToRead = "  if (error.name === 'AbortError') fail(6, `no complete answer within ${timeLimit} ms`);\n";
const isError =
  '  if (answer.error) fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);\n';
const toolFailed = '  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);\n';
const prints = '  console.log(`RESULT: ${textOf(result)}`);\n';
const controller = '  const controller = new AbortController();\n  const { signal } = controller;\n';

export const mistakes: Mistake[] = [
  client(1, 'one-exit-code-for-all', [
    '  process.exitCode = exitCode;\n',
    '  process.exitCode = Math.min(exitCode, 1);\n',
  ]),
  client(1, 'says-nothing-about-the-connection', [notConnected, '  process.exit(2);\n']),
  client(1, 'only-a-refused-connection-is-none', [
    notConnected,
    `  if ((error as { code?: string }).code !== 'ECONNREFUSED') throw error;\n${notConnected}`,
  ]),
  client(1, 'prints-the-failure-on-standard-output', ['  console.error(`${url}', '  console.log(`${url}']),
  client(1, 'ignores-the-status', [refuses, '']),
  client(1, 'looks-at-the-status-of-requests-only', [
    refuses,
    refuses.replace('!response.ok', "'id' in message && 'method' in message && !response.ok"),
  ]),
  client(1, 'looks-at-the-status-of-messages-with-an-id', [
    refuses,
    refuses.replace('!response.ok', "'id' in message && !response.ok"),
  ]),
  client(1, 'looks-at-the-status-of-notifications-only', [
    refuses,
    refuses.replace('!response.ok', "!('id' in message) && !response.ok"),
  ]),
  client(1, 'looks-at-the-status-of-the-call-only', [
    refuses,
    refuses.replace('!response.ok', "headers['MCP-Protocol-Version'] && !response.ok"),
  ]),
  client(1, 'the-status-500-only', [refuses, refuses.replace('!response.ok', 'response.status >= 500')]),
  client(1, 'a-status-below-400-is-fine', [refuses, refuses.replace('!response.ok', 'response.status >= 400')]),
  client(1, 'the-status-200-only', [refuses, refuses.replace('!response.ok', 'response.status !== 200')]),
  client(1, 'ends-before-the-farewell', [
    '  process.exitCode = exitCode;\n',
    '  console.error(sentence);\n  process.exit(exitCode);\n',
  ]),
  client(1, 'does-not-name-the-status', [refuses, refuses.replace('${response.status} ${response.statusText}', 'no')]),
  client(1, 'a-page-hides-the-status', [readsError, 'const body: unknown = await response.json();']),
  client(1, 'leaves-out-the-error-of-a-4xx-body', [refuses, refuses.replace('${await errorIn(response)}', '')]),
  client(1, 'prints-the-error-object-of-a-4xx-body', [
    saysError,
    saysError.replace('body.error.message', 'body.error'),
  ]),
  client(1, 'begins-again-with-the-old-session', [calls, beginsAgain('await shakeHands();')]),
  client(1, 'begins-again-without-initialized', [
    calls,
    beginsAgain(
      "delete headers['MCP-Session-Id'];",
      "await request('initialize', { protocolVersion: revisions[0], capabilities: {}, clientInfo });",
    ),
  ]),
  client(1, 'calls-again-without-a-session', [calls, beginsAgain("delete headers['MCP-Session-Id'];")]),
  client(
    1,
    'ends-the-session-only-after-success',
    ['} finally {\n  await endSession();\n}', '}'],
    [prints, `${prints}  await endSession();\n`],
  ),
  client(1, 'the-farewell-sets-the-exit-code', [
    farewell,
    "  const { ok } = await fetch(url, { method: 'DELETE', headers, signal });\n  process.exitCode = ok ? 0 : 1;\n",
  ]),
  client(1, 'checks-the-farewell-like-a-post', [
    farewell,
    "  await fetch(url, { method: 'DELETE', headers, signal })\n    .then(({ ok }) => ok || fail(3, 'the session stays'))\n    .catch(() => {});\n",
  ]),
  client(
    1,
    'waits-for-ever-for-the-farewell',
    [farewell, farewell.replace('headers, signal', 'headers')],
    ['  const signal = AbortSignal.timeout(farewellLimit);\n', ''],
  ),
  client(1, 'leaves-before-the-session-is-ended', ['  process.exitCode ??= 1;\n', '  process.exit();\n']),

  client(2, 'does-not-look-at-the-type', [refusesType, "  if (mediaType === 'x') {"]),
  client(2, 'refuses-pages-only', [refusesType, "  if (mediaType === 'text/html') {"]),
  client(2, 'refuses-all-text-but-streams', [
    refusesType,
    "  if (mediaType?.startsWith('text/') && mediaType !== 'text/event-stream') {",
  ]),
  client(2, 'takes-every-type-of-json', [
    refusesType,
    "  if (!mediaType?.endsWith('json') && mediaType !== 'text/event-stream') {",
  ]),
  client(2, 'takes-every-type-that-begins-like-json', [
    refusesType,
    "  if (!mediaType?.startsWith('application/json') && mediaType !== 'text/event-stream') {",
  ]),
  client(2, 'no-type-is-json', [refusesType, refusesType.replace('if (', 'if (mediaType && ')]),
  client(2, 'does-not-name-the-type', [", but ${mediaType ?? 'no Content-Type'}`", '`']),
  client(2, 'replaces-the-exit-code', [
    '  if (process.exitCode) throw error; // a failure that has its exit code already\n',
    '',
  ]),
  client(2, 'looks-at-the-type-of-the-call-only', [refusesType, refusesType.replace('if (', 'if (lastId > 1 && ')]),
  client(
    2,
    'trusts-that-the-answer-comes',
    [noAnswer, ''],
    [isError, isError.replace('answer.error)', 'answer!.error)').replaceAll('{answer.error', '{answer!.error')],
    ['return answer.result as Result', 'return answer!.result as Result'],
  ),
  client(2, 'an-end-without-an-answer-is-fine', [noAnswer, '  if (!answer) process.exit();\n']),
  client(2, 'forgets-what-reading-throws', [
    'await answerTo(id, response).catch(notRead)',
    'await answerTo(id, response)',
  ]),
  client(2, 'json-that-breaks-off-has-the-wrong-type', [
    '    yield await response.json();\n',
    '    yield await response.json().catch((error: Error) => fail(4, error.message));\n',
  ]),
  client(2, 'json-that-ends-early-has-the-wrong-type', [
    incomplete,
    `  if (error instanceof SyntaxError) fail(4, error.message);\n${incomplete}`,
  ]),
  client(2, 'json-that-breaks-off-is-no-connection', [
    incomplete,
    `  if (error.name === 'FetchError') fail(2, error.message);\n${incomplete}`,
  ]),
  client(2, 'dispatches-half-an-event', [
    '    yield* messages.splice(0);\n  }\n',
    "    yield* messages.splice(0);\n  }\n  read('\\n\\n');\n  yield* messages.splice(0);\n",
  ]),

  client(3, 'no-time-limit', [limits, '  const signal = null;\n']),
  client(3, 'limit-in-seconds', [limits, '  const signal = AbortSignal.timeout(timeLimit * 1000);\n']),
  client(3, 'does-not-limit-initialize', [
    limits,
    "  const signal = headers['MCP-Protocol-Version'] ? AbortSignal.timeout(timeLimit) : null;\n",
  ]),
  client(
    3,
    'idle-limit',
    [limits, '  const { signal } = idle;\n'],
    [
      'let lastId = 0;',
      'let lastId = 0;\nconst idle = new AbortController();\nconst timer = setTimeout(() => idle.abort(), timeLimit);\ntimer.unref();',
    ],
    [
      '    read(decoder.decode(chunk as Buffer, { stream: true }));\n',
      '    timer.refresh();\n    read(decoder.decode(chunk as Buffer, { stream: true }));\n',
    ],
  ),
  client(3, 'limits-the-head-only', [
    limits + sends,
    `${controller}  const timer = setTimeout(() => controller.abort(), timeLimit).unref();\n${sends}  clearTimeout(timer);\n`,
  ]),
  client(3, 'limits-the-body-only', [
    limits + sends,
    `${controller}${sends}  setTimeout(() => controller.abort(), timeLimit).unref();\n`,
  ]),
  client(3, 'limits-head-and-body-apart', [
    limits + sends,
    `${controller}  const timer = setTimeout(() => controller.abort(), timeLimit).unref();\n${sends}  timer.refresh();\n`,
  ]),
  client(3, 'limits-streams-only', [
    limits + sends,
    `${controller}  const timer = setTimeout(() => controller.abort(), timeLimit).unref();\n${sends}  if (response.headers.get('Content-Type')?.startsWith('application/json')) clearTimeout(timer);\n`,
  ]),
  client(
    3,
    'one-limit-for-all-requests',
    [limits, ''],
    ['let lastId = 0;', 'let lastId = 0;\nconst signal = AbortSignal.timeout(timeLimit);'],
  ),
  client(3, 'time-limit-is-no-connection', [outOfTime, '']),
  client(3, 'time-limit-is-not-complete', [outOfTimeToRead, '']),
  client(3, 'knows-the-other-name-only', [outOfTime, outOfTime.replace('AbortError', 'TimeoutError')]),
  client(
    1,
    'timer-outlives-the-answer',
    [limits, `${controller}  clearTimeout(timer);\n  timer = setTimeout(() => controller.abort(), timeLimit);\n`],
    ['let lastId = 0;', 'let lastId = 0;\nlet timer: NodeJS.Timeout | undefined;'],
    ['  process.exitCode = exitCode;\n', '  process.exitCode = exitCode;\n  clearTimeout(timer);\n'],
  ),
  client(
    3,
    'a-ping-begins-the-limit-again',
    [
      limits,
      `  clearTimeout(timer);\n  timer = setTimeout(() => limit.abort(), timeLimit).unref();\n  const { signal } = limit;\n`,
    ],
    [
      'let lastId = 0;',
      'let lastId = 0;\nlet timer: NodeJS.Timeout | undefined;\nconst limit = new AbortController();',
    ],
  ),
  client(
    3,
    'a-ping-leaves-a-timer',
    [limits + sends, `${controller}  timer = setTimeout(() => controller.abort(), timeLimit);\n${sends}`],
    ['let lastId = 0;', 'let lastId = 0;\nlet timer: NodeJS.Timeout | undefined;'],
    ['  process.exitCode = exitCode;\n', '  clearTimeout(timer);\n  process.exitCode = exitCode;\n'],
    ['.catch(notRead);', '.catch(notRead);\n  clearTimeout(timer);'],
    ['  const response = await post(message);\n', '  const response = await post(message);\n  clearTimeout(timer);\n'],
  ),

  client(4, 'takes-an-error-for-a-result', [isError, '']),
  client(4, 'ignores-an-error-of-initialize', [
    isError,
    isError.replace('if (answer.error)', "if (answer.error && method !== 'initialize')"),
  ]),
  client(4, 'ignores-an-error-in-json', [
    isError,
    isError.replace(
      'if (answer.error)',
      "if (answer.error && response.headers.get('Content-Type') === 'text/event-stream')",
    ),
  ]),
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
    [prints, `  if (result.isError) console.error(textOf(result).replaceAll('\\n', ' '));\n  else ${prints.trim()}\n`],
  ),
  client(4, 'a-failed-tool-ends-the-client-on-the-spot', [
    toolFailed,
    "  if (result.isError) {\n    console.error(textOf(result).replaceAll('\\n', ' '));\n    process.exit(8);\n  }\n",
  ]),
  client(4, 'a-failure-and-a-result', [toolFailed, ''], [prints, `${prints}${toolFailed}`]),
  client(4, 'does-not-say-why-the-tool-failed', [toolFailed, "  if (result.isError) fail(8, 'the tool failed');\n"]),
  client(4, 'says-only-the-first-text', [
    toolFailed,
    "  if (result.isError) fail(8, textOf(result).split('\\n')[0]!);\n",
  ]),
  client(4, 'says-it-in-several-lines', [".replaceAll(/\\s+/g, ' ')", '']),
  client(4, 'any-is-error-is-a-failure', [toolFailed, toolFailed.replace('result.isError', "'isError' in result")]),
];
