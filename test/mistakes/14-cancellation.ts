import { client, server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const imports = "import { work } from '#support/work.ts';\n";
const works = '      await work(name, { signal: context.signal });\n';
const types = `type Session = { level: string; calls: Set<Call> };

/** A call that is still running, and the controller that can stop it. */
type Call = { id: string | number; controller: AbortController };
`;
const beginsSession = "begins ? { level: 'info', calls: new Set<Call>() } :";
const looksAtMethod = `    if (isNotification(message) && message.method === 'notifications/cancelled') {
      cancel(session, message.params?.requestId);
    }
`;
const cancels = '      cancel(session, message.params?.requestId);\n';
const accepts = `${looksAtMethod}    response.status(202).end();\n`;
const aborts = '  for (const { id, controller } of calls) if (id === requestId) controller.abort();\n';
const makes = '  const call = { id: message.id, controller: new AbortController() };\n';
const remembers = '  session.calls.add(call);\n';
const givesSignal = '  context.signal = call.controller.signal;\n';
const answers = '  const answered = await answer(message, context, session);\n  session.calls';
const forgets = '  session.calls.delete(call);\n';
const sends =
  "  if (!call.controller.signal.aborted) send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n";
const sendsAlways = "  send(response, { jsonrpc: '2.0', id: message.id, ...answered });\n";

/** The same server with the running calls in a Map, as `type` says, which has the ids as its keys. */
const inMap = (type: string, key: string) =>
  [
    [types, `type Session = { level: string; calls: Map<${type}, AbortController> };\n`],
    [beginsSession, `begins ? { level: 'info', calls: new Map<${type}, AbortController>() } :`],
    [aborts, `  calls.get(${key.replace('message.id', 'requestId')} as ${type})?.abort();\n`],
    [remembers, `  session.calls.set(${key}, call.controller);\n`],
    [forgets, `  session.calls.delete(${key});\n`],
  ] as [string, string][];

/** Lines of the finished client that several mistakes change. */
const onCtrlC =
  "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  stop.abort(new Error('interrupted'));\n});\n";
const afterwards = '  if (stop.signal.aborted) await cancelCall();\n  await endSession();\n';
const noCall = '  if (callId === undefined) return;\n';
const cancelParams = "  const params = { requestId: callId, reason: 'the user has pressed Ctrl+C' };\n";
const cancelBody = "  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params });\n";
const cancelSends = "  await fetch(url, { method: 'POST', headers, body, signal }).catch(() => {});\n";
const keepsId = "  if (method === 'tools/call') callId = id;\n";
const postsRequest = "  const response = await post({ jsonrpc: '2.0', id, method, params }, signal);\n";
const either = '  const either = AbortSignal.any([signal, stop.signal]);\n';
const reason = '  const { message } = (stop.signal.reason ?? error) as Error;\n';

export const mistakes: Mistake[] = [
  server(1, 'ignores-the-notification', [looksAtMethod, '']),
  server(1, 'waits-for-another-method', ["'notifications/cancelled'", "'notifications/canceled'"]),
  server(1, 'a-request-to-cancel', [
    accepts,
    "    if (message && 'method' in message && message.method === 'notifications/cancelled') {\n      cancel(session, message.params?.requestId);\n      response.json({ jsonrpc: '2.0', id: null, result: {} });\n      return;\n    }\n    response.status(202).end();\n",
  ]),
  server(1, 'answers-with-200', [
    accepts,
    accepts.replace('status(202).end()', "status(message && 'method' in message ? 200 : 202).end()"),
  ]),
  server(1, 'does-not-answer-the-notification', [cancels, `${cancels}      return;\n`]),
  server(1, 'work-without-the-signal', [works, '      await work(name);\n']),
  server(1, 'looks-at-the-signal-between-the-documents', [
    works,
    "      await work(name);\n      if (context.signal?.aborted) throw new Error('cancelled');\n",
  ]),
  server(
    1,
    'goes-on-with-the-other-documents',
    [works, '      await work(name, { signal }).catch(() => {});\n      signal = undefined;\n'],
    [
      '    const total = tenDocuments.length;\n',
      '    const total = tenDocuments.length;\n    let { signal } = context;\n',
    ],
  ),
  server(1, 'no-signal-in-the-context', [givesSignal, '']),
  server(1, 'the-signal-for-its-own-tool-only', [
    givesSignal,
    "  if (message.params?.name === 'process_files') context.signal = call.controller.signal;\n",
  ]),
  server(
    1,
    'remembers-the-call-too-late',
    [remembers, ''],
    [
      answers,
      '  const answered = await answer(message, context, session);\n  session.calls.add(call);\n  session.calls',
    ],
  ),
  server(1, 'remembers-no-call', [remembers, '']),
  server(
    1,
    'one-controller-for-all',
    [imports, `${imports}\nconst controller = new AbortController();\n`],
    [makes, '  const call = { id: message.id, controller };\n'],
  ),
  server(
    1,
    'one-controller-for-each-session',
    [imports, `${imports}\nconst controllers = new WeakMap<Session, AbortController>();\n`],
    [
      makes,
      '  const controller = controllers.get(session) ?? new AbortController();\n  controllers.set(session, controller);\n  const call = { id: message.id, controller };\n',
    ],
  ),
  server(1, 'stops-the-newest-call', [
    aborts,
    '  const newest = [...calls].at(-1);\n  if (requestId !== undefined) newest?.controller.abort();\n',
  ]),
  server(1, 'stops-every-call-of-the-session', [
    aborts,
    '  if ([...calls].some(({ id }) => id === requestId)) for (const { controller } of calls) controller.abort();\n',
  ]),
  server(1, 'stops-every-call-whatever-the-id', [
    aborts,
    '  for (const { controller } of calls) if (requestId !== undefined) controller.abort();\n',
  ]),
  server(1, 'stops-the-newest-call-for-any-running-id', [
    aborts,
    '  if ([...calls].some(({ id }) => id === requestId)) [...calls].at(-1)?.controller.abort();\n',
  ]),
  server(
    1,
    'listens-for-one-notification',
    [
      imports,
      `import { EventEmitter, once } from 'node:events';\n${imports}\nconst cancellations = new EventEmitter();\n`,
    ],
    [aborts, "  cancellations.emit('cancelled', calls, requestId);\n"],
    [
      remembers,
      `  void once(cancellations, 'cancelled').then(([calls, id]) => {
    if (calls === session.calls && id === message.id) call.controller.abort();
  });
`,
    ],
    [forgets, ''],
  ),
  server(1, 'a-cancellation-forgets-all', [
    aborts,
    `${aborts}  for (const { id } of calls) if (id === requestId) calls.clear();\n`,
  ]),
  server(1, 'compares-strings', [aborts, aborts.replace('id === requestId', 'String(id) === String(requestId)')]),
  server(1, 'compares-loosely', [aborts, aborts.replace('===', '==')]),
  server(1, 'the-ids-are-numbers', [aborts, aborts.replace('id === requestId', 'Number(id) === Number(requestId)')]),
  server(1, 'zero-is-no-id', [aborts, aborts.replace('id === requestId', 'requestId && id === requestId')]),
  server(1, 'without-an-id-every-call', [aborts, aborts.replace('id === requestId', '(requestId ?? id) === id')]),
  server(1, 'looks-for-the-member-id', ['message.params?.requestId', 'message.params?.id']),
  server(1, 'asks-for-a-reason', [
    cancels,
    '      if (message.params?.reason) cancel(session, message.params?.requestId);\n',
  ]),
  server(1, 'trusts-the-params', ['message.params?.requestId', '(message.params as Params).requestId']),
  server(1, 'refuses-an-unknown-id', [
    cancels,
    `      const requestId = message.params?.requestId;
      if (![...session.calls].some(({ id }) => id === requestId)) {
        return refuse(response, 400, -32602, 'no such request is running');
      }
      cancel(session, requestId);
`,
  ]),
  server(1, 'refuses-a-missing-id', [
    cancels,
    `      if (message.params?.requestId === undefined) return refuse(response, 400, -32602, 'requestId is missing');
${cancels}`,
  ]),
  server(1, 'the-calls-of-all-sessions', [
    aborts,
    `  for (const session of [{ calls }, ...sessions.values()]) {
    for (const { id, controller } of session.calls) if (id === requestId) controller.abort();
  }
`,
  ]),
  server(
    1,
    'one-map-for-all-sessions',
    [imports, `${imports}\nconst running = new Map<unknown, AbortController>();\n`],
    [aborts, '  running.get(requestId)?.abort();\n'],
    [remembers, '  running.set(message.id, call.controller);\n'],
    [forgets, '  running.delete(message.id);\n'],
  ),
  server(1, 'in-a-map-by-the-id', ...inMap('string | number', 'message.id')),
  server(1, 'in-a-map-by-the-id-as-a-string', ...inMap('string', 'String(message.id)')),
  server(
    1,
    'ends-the-session-that-initialize-began',
    [
      cancels,
      `${cancels}      for (const [id, each] of sessions) if (each === session && message.params?.requestId === session.begunBy) sessions.delete(id);\n`,
    ],
    ['type Session = { level: string; calls', 'type Session = { level: string; begunBy?: unknown; calls'],
    ['    const id = randomUUID();\n', '    session.begunBy = message.id;\n    const id = randomUUID();\n'],
  ),
  server(1, 'ends-the-session', [cancels, `${cancels}      sessions.delete(request.get('MCP-Session-Id')!);\n`]),
  server(1, 'leaving-cancels', [makes, `${makes}  response.on('close', () => call.controller.abort());\n`]),
  server(1, 'leaving-forgets-the-call', [
    remembers,
    `${remembers}  response.on('close', () => session.calls.delete(call));\n`,
  ]),
  server(1, 'the-end-of-a-call-forgets-all', [forgets, '  session.calls.clear();\n']),
  server(1, 'an-error-that-nobody-catches', [
    aborts,
    "  for (const { id, controller } of calls) {\n    if (id === requestId) controller.abort();\n    if (id === requestId) void Promise.reject(new Error('cancelled'));\n  }\n",
  ]),
  server(
    1,
    'one-list-of-cancelled-ids-for-all',
    [imports, `${imports}\nconst cancelled = new Set<unknown>();\n`],
    [aborts, `${aborts}  cancelled.add(requestId);\n`],
    [sends, sends.replace('!call.controller.signal.aborted', '!cancelled.has(message.id)')],
  ),
  server(
    1,
    'a-session-that-stays-silent',
    [imports, `${imports}\nconst silenced = new WeakSet<Session>();\n`],
    [givesSignal, `${givesSignal}  context.signal.addEventListener('abort', () => silenced.add(session));\n`],
    [sends, sends.replace('!call.controller.signal.aborted', '!silenced.has(session)')],
  ),

  server(2, 'sends-what-the-tool-has-thrown', [sends, sendsAlways]),
  server(2, 'sends-an-error', [
    sends,
    `  const cancelled = failure(-32800, 'Request cancelled');
  send(response, { jsonrpc: '2.0', id: message.id, ...(call.controller.signal.aborted ? cancelled : answered) });
`,
  ]),
  server(2, 'sends-an-empty-result', [
    sends,
    `  const outcome = call.controller.signal.aborted ? { result: {} } : answered;
  send(response, { jsonrpc: '2.0', id: message.id, ...outcome });
`,
  ]),
  server(2, 'sends-an-error-immediately', [
    givesSignal,
    `${givesSignal}  call.controller.signal.addEventListener('abort', () => {
    send(response, { jsonrpc: '2.0', id: message.id, ...failure(-32800, 'Request cancelled') });
    response.end();
  });
`,
  ]),
  server(2, 'does-not-end-the-stream', [sends, `  if (call.controller.signal.aborted) return;\n${sendsAlways}`]),
  server(2, 'breaks-the-connection-off', [
    sends,
    `  if (call.controller.signal.aborted) return void response.destroy();\n${sendsAlways}`,
  ]),
  server(2, 'breaks-the-connection-off-immediately', [
    givesSignal,
    `${givesSignal}  call.controller.signal.addEventListener('abort', () => response.destroy());\n`,
  ]),
  server(2, 'drops-failures-only', [
    sends,
    `  const failed = 'result' in answered && 'isError' in answered.result;
  if (!(call.controller.signal.aborted && failed)) send(response, { jsonrpc: '2.0', id: message.id, ...answered });
`,
  ]),
  server(2, 'drops-aborted-work-only', [
    sends,
    `  if (!JSON.stringify(answered).includes('The operation was aborted')) {
    send(response, { jsonrpc: '2.0', id: message.id, ...answered });
  }
`,
  ]),
  server(2, 'drops-results-only', [
    sends,
    `  const failed = 'result' in answered && 'isError' in answered.result;
  if (!call.controller.signal.aborted || (failed && !JSON.stringify(answered).includes('aborted'))) {
    send(response, { jsonrpc: '2.0', id: message.id, ...answered });
  }
`,
  ]),
  server(
    2,
    'a-list-of-cancelled-ids',
    [types, types.replace('Set<Call> }', 'Set<Call>; cancelled: Set<unknown> }')],
    ['calls: new Set<Call>() }', 'calls: new Set<Call>(), cancelled: new Set<unknown>() }'],
    [cancels, `${cancels}      session.cancelled.add(message.params?.requestId);\n`],
    [sends, sends.replace('!call.controller.signal.aborted', '!session.cancelled.has(message.id)')],
  ),
  server(
    2,
    'a-list-that-keeps-unknown-ids',
    [types, types.replace('Set<Call> }', 'Set<Call>; cancelled: Set<unknown> }')],
    ['calls: new Set<Call>() }', 'calls: new Set<Call>(), cancelled: new Set<unknown>() }'],
    [cancels, `${cancels}      session.cancelled.add(message.params?.requestId);\n`],
    [sends, sends.replace('!call.controller.signal.aborted', '!session.cancelled.delete(message.id)')],
  ),
  server(
    2,
    'two-responses-in-a-race',
    [
      aborts,
      `  for (const { id, controller } of calls) {
    if (id !== requestId) continue;
    controller.abort();
    late.get(controller)?.();
  }
`,
    ],
    [imports, `${imports}\nconst late = new WeakMap<AbortController, () => void>();\n`],
    [forgets, ''],
    [
      sends,
      `  if (!call.controller.signal.aborted) {
    send(response, { jsonrpc: '2.0', id: message.id, ...answered });
    late.set(call.controller, () => send(response, { jsonrpc: '2.0', id: message.id, ...failure(-32800, 'cancelled') }));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  session.calls.delete(call);
`,
    ],
  ),

  client(3, 'ctrl-c-not-handled', [onCtrlC, '']),
  client(3, 'ctrl-c-ends-it-immediately', [onCtrlC, "process.once('SIGINT', () => process.exit(130));\n"]),
  client(3, 'ctrl-c-changes-the-code-only', ["  stop.abort(new Error('interrupted'));\n", '']),
  client(3, 'ctrl-c-throws', [
    onCtrlC,
    "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  throw new Error('interrupted');\n});\n",
  ]),
  client(3, 'leaves-without-a-word', ['  if (stop.signal.aborted) await cancelCall();\n', '']),
  client(3, 'sends-it-with-the-aborted-signal', [
    cancelSends,
    "  await tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params }).catch(() => {});\n",
  ]),
  client(3, 'ends-the-session-first', [
    afterwards,
    '  await endSession();\n  if (stop.signal.aborted) await cancelCall();\n',
  ]),
  client(3, 'does-not-wait-for-the-answer', [afterwards, afterwards.replace('await cancelCall', 'void cancelCall')]),
  client(3, 'the-id-as-a-string', [cancelParams, cancelParams.replace('callId', 'String(callId)')]),
  client(3, 'the-id-of-initialize', [cancelParams, cancelParams.replace('callId', '1')]),
  client(3, 'the-id-of-the-first-call', [keepsId, keepsId.replace('callId = id', 'callId ??= id')]),
  client(3, 'keeps-the-id-after-the-answer-has-begun', [keepsId, ''], [postsRequest, postsRequest + keepsId]),
  client(3, 'forgets-the-id-too-early', [
    '    reporting.delete(progressToken);\n',
    '    reporting.delete(progressToken);\n    callId = undefined;\n',
  ]),
  varying(
    client(3, 'a-farewell-limit-of-its-own', [
      "  const signal = AbortSignal.timeout(farewellLimit);\n  await fetch(url, { method: 'POST'",
      "  const signal = AbortSignal.timeout(2500);\n  await fetch(url, { method: 'POST'",
    ]),
  ),
  client(3, 'the-next-id', [cancelParams, cancelParams.replace('callId', 'lastId + 1')]),
  client(3, 'the-id-in-the-member-id', [cancelParams, cancelParams.replace('requestId: callId', 'id: callId')]),
  client(3, 'the-params-in-the-message', [cancelBody, cancelBody.replace('params }', '...params }')]),
  client(3, 'a-request', [cancelBody, cancelBody.replace("'2.0',", "'2.0', id: ++lastId,")]),
  client(3, 'the-method-in-american', [cancelBody, cancelBody.replace('cancelled', 'canceled')]),
  client(3, 'no-reason', [cancelParams, '  const params = { requestId: callId };\n']),
  client(3, 'an-error-as-the-reason', [
    cancelParams,
    '  const params = { requestId: callId, reason: stop.signal.reason };\n',
  ]),
  client(3, 'without-the-session', [
    cancelSends,
    cancelSends.replace('headers,', "headers: { 'Content-Type': 'application/json', Accept: headers.Accept! },"),
  ]),
  client(3, 'a-response-is-still-a-result', [
    onCtrlC,
    `process.once('SIGINT', async () => {
  process.exitCode = 130;
  await cancelCall();
  callId = undefined;
  stop.abort(new Error('interrupted'));
});
`,
  ]),
  client(3, 'cancels-in-a-session-only', [
    noCall,
    "  if (callId === undefined || !headers['MCP-Session-Id']) return;\n",
  ]),
  client(3, 'a-session-id-that-is-undefined', [
    cancelSends,
    cancelSends.replace('headers,', "headers: { ...headers, 'MCP-Session-Id': String(headers['MCP-Session-Id']) },"),
  ]),
  client(3, 'ends-with-code-1', ['  process.exitCode = 130;\n', '']),
  client(3, 'the-exit-code-of-a-time-limit', [
    '  if (process.exitCode) throw error; // Ctrl+C has set the exit code already\n',
    '',
  ]),
  client(3, 'says-so-twice', [
    '  process.exitCode = 130;\n',
    "  process.exitCode = 130;\n  console.error('cancelling');\n",
  ]),
  client(3, 'leaves-in-the-catch', [
    reason,
    '  if (stop.signal.aborted) process.exit();\n  const { message } = error as Error;\n',
  ]),
  client(3, 'waits-for-ever', [
    "  const signal = AbortSignal.timeout(farewellLimit);\n  await fetch(url, { method: 'POST'",
    "  const { signal } = new AbortController();\n  await fetch(url, { method: 'POST'",
  ]),
  client(3, 'a-refusal-is-a-failure', [
    cancelSends,
    "  const response = await fetch(url, { method: 'POST', headers, body, signal });\n  if (!response.ok) fail(3, `the server answered ${response.status}`);\n",
  ]),
  client(
    3,
    'listens-for-ctrl-c-in-the-call-only',
    [onCtrlC, ''],
    ['  const limits = new AbortController();\n', `${onCtrlC}  const limits = new AbortController();\n`],
  ),
  client(3, 'never-ends-at-the-second-time', ["process.once('SIGINT'", "process.on('SIGINT'"]),
  client(3, 'cancels-initialize', [keepsId, '  callId = id;\n']),
  client(3, 'cancels-a-call-that-is-not-there', [noCall, '']),
  client(3, 'cancels-every-call', [afterwards, '  await cancelCall();\n  await endSession();\n']),
  client(3, 'does-not-stop-the-handshake', [
    either,
    '  const either = callId === undefined ? signal : AbortSignal.any([signal, stop.signal]);\n',
  ]),
  client(3, 'does-not-pass-the-signal-on', ['headers, body, signal: either })', 'headers, body, signal })']),
  client(3, 'exits-with-130-always', [onCtrlC, `process.exitCode = 130;\n${onCtrlC}`]),
];
