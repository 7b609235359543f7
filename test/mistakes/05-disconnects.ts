import { client, server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const listens = "  response.on('close', () => gone.abort());\n";
const controller = '  const gone = new AbortController();\n';
const works = 'await work(`step ${step}`, { signal: gone.signal });';
const sendsStep = "      sendEvent(response, 'step', `${step} of ${steps}`);\n";
const sendsDone = "    sendEvent(response, 'done', `${steps} steps`);\n";
const catches = '    if (!gone.signal.aborted) fail(response, error);\n';
const cleansUp = '    clearInterval(keepAlive);\n    response.end();\n';
const prints = '  console.error(error);\n';
const sendsError = "  sendEvent(response, 'error', 'the report could not be finished');\n";
const loop = '    for (let step = 1; step <= steps; step++) {\n';
const app = 'const app = express();\n';
const starts = "const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), quietInterval);";

/** Lines of the finished client. */
const timer = 'setTimeout(() => stop.abort(new Error(`nothing arrived for ${idleLimit} ms`)), idleLimit);';
const signsOfLife = '    idle?.refresh();\n';
const prepares = '    console.log(`${type}: ${data}`);\n';
const onCtrlC =
  "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  stop.abort(new Error('interrupted'));\n});\n";
const leaves = '    if (outcome) return; // this closes the connection\n';
const reads = '  await print(response.body);\n';
const onlyDone = "  if (!outcome) throw new Error('the stream ended before the event done');\n";
const keepsOutcome = "if (type === 'done' || type === 'error') outcome = type;";

export const mistakes: Mistake[] = [
  server(1, 'sends-a-step-before-its-work', [works, ''], [sendsStep, `${sendsStep}      ${works}\n`]),
  server(1, 'listens-to-the-request', ['response.on(', 'request.on(']),
  server(1, 'listens-to-aborted', ["response.on('close'", "request.on('aborted'"]),
  server(1, 'listens-to-finish', ["response.on('close'", "response.on('finish'"]),
  server(1, 'looks-before-each-step', [listens, ''], [works, `if (response.destroyed) return;\n      ${works}`]),
  server(1, 'passes-no-signal', [works, 'await work(`step ${step}`);\n      gone.signal.throwIfAborted();']),
  server(1, 'races-the-work', [
    works,
    `await Promise.race([
        work(\`step \${step}\`),
        new Promise((_resolve, reject) => gone.signal.addEventListener('abort', reject)),
      ]);`,
  ]),
  server(
    1,
    'one-controller-variable-for-all',
    [controller, '  gone = new AbortController();\n'],
    [app, `${app}let gone: AbortController;\n`],
  ),
  server(1, 'one-controller-for-all', [controller, ''], [app, `${app}const gone = new AbortController();\n`]),
  server(1, 'forgets-the-timer', [cleansUp, ''], [sendsDone, `${sendsDone}${cleansUp}`]),
  server(
    1,
    'unref-instead-of-clear',
    [cleansUp, '    response.end();\n'],
    [starts, starts.replace(');', ').unref();')],
  ),
  server(1, 'lets-the-abort-through', [catches, '    throw error;\n']),
  server(1, 'takes-it-for-a-failure', [catches, '    fail(response, error);\n']),

  server(
    1,
    'begins-all-steps-together',
    [
      loop,
      `    const all = Array.from({ length: steps }, (_, i) => work(\`step \${i + 1}\`, { signal: gone.signal }));
    all.forEach((step) => step.catch(() => {}));
${loop}`,
    ],
    [works, 'await all[step - 1];'],
  ),
  server(
    1,
    'one-timer-variable-for-all',
    [starts, starts.replace('const ', '')],
    [app, `${app}let keepAlive: NodeJS.Timeout;\n`],
  ),
  server(
    1,
    'clears-the-timer-with-the-connection',
    [cleansUp, '    response.end();\n'],
    [listens, `${listens}  request.socket.on('close', () => clearInterval(keepAlive));\n`],
  ),
  server(
    1,
    'comments-in-a-loop-of-sleeps',
    [
      starts,
      `let open = true;
  const comment = async () => {
    for (;;) {
      await sleep(quietInterval);
      if (!open) return;
      response.write(': still at work\\n\\n');
    }
  };
  void comment();`,
    ],
    ['clearInterval(keepAlive);', 'open = false;'],
    [app, `import { setTimeout as sleep } from 'node:timers/promises';\n\n${app}`],
  ),
  server(1, 'a-listener-on-process-for-each-stream', [
    listens,
    `${listens}  process.once('SIGTERM', () => gone.abort());\n`,
  ]),
  server(
    1,
    'one-controller-for-a-connection',
    [app, `${app}const controllers = new WeakMap<object, AbortController>();\n`],
    [
      controller,
      '  const gone = controllers.get(request.socket) ?? new AbortController();\n  controllers.set(request.socket, gone);\n',
    ],
  ),
  server(1, 'prints-the-message-of-the-abort', [catches, `    console.error((error as Error).message);\n${catches}`]),
  server(1, 'answers-as-text', ["    'Content-Type': 'text/event-stream',", "    'Content-Type': 'text/plain',"]),

  server(2, 'breaks-off', [sendsError, '  response.destroy();\n']),
  server(2, 'answers-500', [
    sendsError,
    "  response.status(500).json({ error: 'the report could not be finished' });\n",
  ]),
  server(2, 'ends-without-a-word', [sendsError, '']),
  server(
    2,
    'nobody-catches-it',
    ["app.get('/report', report);", "app.get('/report', (request, response) => void report(request, response));"],
    [sendsError, '  throw error;\n'],
  ),
  server(2, 'sends-the-message', ["'the report could not be finished'", '(error as Error).message']),
  server(2, 'sends-the-beginning-of-the-message', [
    "'the report could not be finished'",
    "`the report failed: ${(error as Error).message.split(' ')[0]}`",
  ]),
  server(
    2,
    'reports-the-first-failure-only',
    [app, `${app}let failed = false;\n`],
    [sendsError, `  if (!failed) ${sendsError.trim()}\n  failed = true;\n`],
  ),
  server(2, 'tells-nobody', [prints, '  void error;\n']),
  server(
    2,
    'keeps-it-open',
    [cleansUp, '    clearInterval(keepAlive);\n'],
    [sendsDone, `${sendsDone}    response.end();\n`],
  ),
  server(2, 'goes-on-after-the-failure', [
    works,
    `try {\n        ${works}\n      } catch (error) {\n        if (gone.signal.aborted) return;\n        fail(response, error);\n      }`,
  ]),
  server(
    2,
    'done-after-the-error',
    [sendsDone, ''],
    [cleansUp, `    clearInterval(keepAlive);\n${sendsDone}    response.end();\n`],
  ),
  server(2, 'ends-the-server', [prints, '  void error;\n'], [sendsError, `${sendsError}  process.exit(1);\n`]),
  client(2, 'exits-with-0-after-an-error', [
    "  if (outcome === 'error') throw new Error('the server could not finish the report');\n",
    '',
  ]),
  client(2, 'takes-an-end-for-done', [onlyDone, '']),
  client(2, 'takes-a-break-for-done', [reads, "  await print(response.body).catch(() => (outcome = 'done'));\n"]),
  client(
    2,
    'takes-the-line-event-for-the-event',
    [keepsOutcome, ''],
    [
      "    if (field === 'event') type = value;\n",
      "    if (field === 'event') type = value;\n    if (field === 'event' && (value === 'done' || value === 'error')) outcome = value;\n",
    ],
  ),
  client(2, 'completes-the-last-event', [`${leaves}  }\n`, `${leaves}  }\n  read('\\n\\n');\n`]),
  client(2, 'complains-twice', [keepsOutcome, `${keepsOutcome}\n    if (type === 'error') console.error(data);`]),
  client(2, 'waits-for-the-end-after-done', [leaves, '']),
  client(2, 'waits-for-the-end-after-an-error', [leaves, "    if (outcome === 'done') return;\n"]),
  client(
    2,
    'leaves-at-the-end-only',
    [leaves, ''],
    ["  if (outcome === 'error')", "  setTimeout(() => {}, 3_600_000);\n  if (outcome === 'error')"],
  ),
  client(2, 'ends-at-the-first-event', [keepsOutcome, 'outcome = type;']),
  client(
    2,
    'leaves-after-a-step',
    [keepsOutcome, 'outcome = type;'],
    ['  if (!outcome) throw', "  if (outcome !== 'done') throw"],
  ),
  client(2, 'idle-is-not-declared', ['let idle: NodeJS.Timeout | undefined;\n', '']),
  client(
    2,
    'idle-is-declared-in-a-function',
    ['let idle: NodeJS.Timeout | undefined;\n', ''],
    ['  idle = setTimeout(', '  const idle = setTimeout('],
  ),
  client(2, 'a-type-that-sticks', ["      type = '';\n", '']),
  client(2, 'needs-a-space-after-the-colon', [".replace(/^ /, '')", '.slice(1)']),
  client(2, 'splits-at-line-feeds-only', ['text.split(/\\r\\n|\\r|\\n/)', "text.split('\\n')"]),
  client(
    2,
    'prints-the-error-on-standard-error-only',
    [prepares, "    if (type === 'error') console.error(data);\n    else console.log(`${type}: ${data}`);\n"],
    [
      "  if (outcome === 'error') throw new Error('the server could not finish the report');\n",
      "  if (outcome === 'error') process.exitCode = 1;\n",
    ],
  ),
  client(2, 'throws-before-it-prints-the-error', [
    prepares,
    "    if (type === 'error') throw new Error('the server could not finish the report');\n" + prepares,
  ]),
  client(2, 'timer-keeps-it-alive', ['idle.unref(); // this timer alone does not keep the client running\n', '']),

  client(3, 'limits-the-whole-stream', [signsOfLife, '']),
  client(
    3,
    'limits-the-head-only',
    ['  if (!response.ok || !response.body) {', '  clearTimeout(idle);\n  if (!response.ok || !response.body) {'],
    [signsOfLife, ''],
  ),
  client(3, 'declares-idle-twice', ['  idle = setTimeout(', '  const idle = setTimeout(']),
  client(3, 'counts-events-only', [signsOfLife, ''], [prepares, `${prepares}    idle?.refresh();\n`]),
  client(
    3,
    'counts-lines-only',
    [signsOfLife, ''],
    ["    if (line === '') {\n", "    idle?.refresh();\n    if (line === '') {\n"],
  ),
  client(3, 'a-limit-of-its-own', ['Number(process.env.IDLE_LIMIT ?? 30_000)', '30_000']),
  client(3, 'a-short-limit-of-its-own', ['Number(process.env.IDLE_LIMIT ?? 30_000)', '1000']),
  client(3, 'gives-up-without-a-word', [timer, 'setTimeout(() => process.exit(1), idleLimit);']),
  varying(
    client(3, 'throws-in-the-timer', [timer, "setTimeout(() => {\n  throw new Error('nothing came');\n}, idleLimit);"]),
  ),
  client(3, 'silence-is-success', [
    '  process.exitCode ??= 1;\n',
    "  process.exitCode ??= message.startsWith('nothing arrived') ? 0 : 1;\n",
  ]),
  client(3, 'ctrl-c-throws', [
    onCtrlC,
    "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  throw new Error('interrupted');\n});\n",
  ]),
  client(3, 'ctrl-c-not-handled', [onCtrlC, '']),
  client(
    3,
    'ctrl-c-only-in-the-stream',
    [onCtrlC, ''],
    ['  const decoder = new TextDecoder();\n', `${onCtrlC}  const decoder = new TextDecoder();\n`],
  ),
  client(3, 'ctrl-c-changes-the-code-only', ["  stop.abort(new Error('interrupted'));\n", '']),
  client(3, 'ctrl-c-exits-with-1', ['  process.exitCode = 130;\n', '']),
  client(3, 'ctrl-c-ends-it-at-once', [onCtrlC, "process.once('SIGINT', () => process.exit(130));\n"]),
  client(3, 'ctrl-c-says-so-twice', [
    '  process.exitCode = 130;\n',
    "  process.exitCode = 130;\n  console.error('interrupted');\n",
  ]),
  client(3, 'ctrl-c-prints-what-is-unfinished', [
    '  for await (const chunk of body) {',
    "  process.once('SIGINT', () => read('\\n\\n'));\n  for await (const chunk of body) {",
  ]),
];
