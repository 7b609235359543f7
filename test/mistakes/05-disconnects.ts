import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const listens = "  response.on('close', () => gone.abort());\n";
const controller = '  const gone = new AbortController();\n';
const works = 'await work(`step ${step}`, { signal: gone.signal });';
const sendsStep = "      sendEvent(response, 'step', `${step} of ${steps}`, step);\n";
const sendsDone = "    sendEvent(response, 'done', `${steps} steps`, steps + 1);\n";
const catches = '    if (!gone.signal.aborted) fail(response, error);\n';
const cleansUp = '    clearInterval(keepAlive);\n    response.end();\n';
const prints = '  console.error(error);\n';
const sendsError = "  sendEvent(response, 'error', 'the report could not be finished');\n";
const noMore = `  if (seen === steps + 1) {
    response.status(204).end();
    return;
  }
`;
const readsHeader = "Number(request.get('Last-Event-ID') ?? 0)";
const begins = 'const first = seen + 1;';
const loop = 'for (let step = first; step <= steps; step++) {';
const app = 'const app = express();\n';

/** Lines of the finished client. */
const timer = 'setTimeout(() => stop.abort(new Error(`nothing came for ${idleLimit} ms`)), idleLimit);';
const signsOfLife = '    idle?.refresh();\n';
const prepares = '    console.log(`${type}: ${data}`);\n';
const onCtrlC =
  "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  stop.abort(new Error('interrupted'));\n});\n";
const waits = '    await sleep(retry, undefined, { signal: stop.signal });\n';
const goesOn = 'while (!outcome && lastEventId) {';
const headers = "lastEventId ? { 'Last-Event-ID': lastEventId } : {};";
const keepsId = "if (field === 'id' && !value!.includes('\\0')) id = value!;";
const counts = '      lastEventId = id;\n';
const keepsRetry = "if (field === 'retry' && /^\\d+$/.test(value!)) retry = Number(value);";
const over = 'await print(response.body).catch(() => stop.signal.throwIfAborted());';
const onlyDone = "  if (!outcome) throw new Error('the stream was over before done');\n";
const keepsOutcome = "if (type === 'done' || type === 'error') outcome = type;";

export const mistakes: Mistake[] = [
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
  server(1, 'one-controller-for-all', [controller, ''], [app, `${app}const gone = new AbortController();\n`]),
  server(1, 'forgets-the-timer', [cleansUp, ''], [sendsDone, `${sendsDone}${cleansUp}`]),
  server(1, 'lets-the-abort-through', [catches, '    throw error;\n']),
  server(1, 'takes-it-for-a-failure', [catches, '    fail(response, error);\n']),

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
    "  if (outcome === 'error') throw new Error('the server could not finish');\n",
    '',
  ]),
  client(2, 'takes-an-end-for-done', [onlyDone, '']),
  client(2, 'takes-a-break-for-done', [over, "await print(response.body).catch(() => (outcome = 'done'));"]),
  client(2, 'complains-twice', [keepsOutcome, `${keepsOutcome}\n    if (type === 'error') console.error(data);`]),
  client(2, 'timer-keeps-it-alive', ['idle.unref(); // by itself, it does not keep the client alive\n', '']),

  client(3, 'limits-the-whole-stream', [signsOfLife, '']),
  client(
    3,
    'limits-the-head-only',
    ['  if (!response.ok || !response.body) {', '  clearTimeout(idle);\n  if (!response.ok || !response.body) {'],
    [signsOfLife, ''],
  ),
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
  client(3, 'throws-in-the-timer', [timer, "setTimeout(() => {\n  throw new Error('nothing came');\n}, idleLimit);"]),
  client(3, 'silence-is-success', [
    '  process.exitCode ??= 1;\n',
    "  process.exitCode ??= message.startsWith('nothing came') ? 0 : 1;\n",
  ]),
  client(3, 'ctrl-c-not-handled', [onCtrlC, '']),
  client(3, 'ctrl-c-changes-the-code-only', ["  stop.abort(new Error('interrupted'));\n", '']),
  client(3, 'ctrl-c-exits-with-1', ['  process.exitCode = 130;\n', '']),
  client(3, 'ctrl-c-ends-it-at-once', [onCtrlC, "process.once('SIGINT', () => process.exit(130));\n"]),
  client(3, 'ctrl-c-says-so-twice', [
    '  process.exitCode = 130;\n',
    "  process.exitCode = 130;\n  console.error('interrupted');\n",
  ]),
  client(3, 'ctrl-c-prints-what-is-unfinished', [
    '  for await (const chunk of body) {',
    "  stop.signal.addEventListener('abort', () => read('\\n\\n'));\n  for await (const chunk of body) {",
  ]),

  server(4, 'no-retry', ['  response.write(`retry: ${retry}\\n\\n`);\n', '']),
  server(4, 'a-retry-of-its-own', ['`retry: ${retry}\\n\\n`', "'retry: 3000\\n\\n'"]),
  server(
    4,
    'retry-at-the-end',
    ['  response.write(`retry: ${retry}\\n\\n`);\n', ''],
    [sendsDone, `${sendsDone}    response.write(\`retry: \${retry}\\n\\n\`);\n`],
  ),
  server(4, 'the-error-has-an-id', [
    "'the report could not be finished');",
    "'the report could not be finished', 99);",
  ]),
  server(4, 'begins-from-the-beginning', [begins, 'const first = 1;']),
  server(4, 'repeats-the-last', [begins, 'const first = seen || 1;']),
  server(4, 'skips-one', [begins, 'const first = seen ? seen + 2 : 1;']),
  server(
    4,
    'adds-to-a-text',
    [readsHeader, "(request.get('Last-Event-ID') ?? 0) as number"],
    ['if (!Number.isInteger(seen) || seen < 0', 'if (!Number.isInteger(Number(seen)) || seen < 0'],
    ['if (seen === steps + 1)', 'if (Number(seen) === steps + 1)'],
  ),
  server(4, 'counts-anew', [sendsStep, sendsStep.replace(', step);', ', step - seen);')]),
  server(
    4,
    'does-the-work-again',
    [loop, loop.replace('= first', '= 1')],
    [sendsStep, sendsStep.replace('sendEvent', 'if (step > seen) sendEvent')],
  ),
  server(4, 'an-empty-stream-at-the-end', [noMore, '']),
  server(4, 'compares-with-nan', ['!Number.isInteger(seen) || ', '']),
  client(4, 'gives-up-after-a-break', [over, 'await print(response.body);']),
  client(4, 'asks-at-once', [waits, '']),
  client(4, 'a-wait-of-its-own', ['sleep(retry,', 'sleep(1000,']),
  client(4, 'a-short-wait-of-its-own', ['sleep(retry,', 'sleep(150,']),
  client(4, 'no-last-event-id', [headers, '{};']),
  client(4, 'id-of-an-event-that-was-cut', [keepsId, "if (field === 'id') lastEventId = value!;"], [counts, '']),
  client(4, 'an-event-without-an-id-forgets-it', [counts, `${counts}      id = '';\n`]),
  client(4, 'takes-ids-for-numbers', [keepsId, "if (field === 'id') id = String(Number(value));"]),
  client(4, 'waits-for-no-number', [keepsRetry, "if (field === 'retry') retry = Number(value);"]),
  client(4, 'connects-again-once', [goesOn, 'if (!outcome && lastEventId) {']),
  client(2, 'connects-again-after-done', [goesOn, 'while (lastEventId) {']),
  client(4, 'connects-again-after-204', ["    outcome = 'done';\n    return;\n", '    return;\n']),
  client(4, 'connects-again-after-any-failure', [
    `${waits}    await readStream();`,
    `${waits}    await readStream().catch(() => stop.signal.throwIfAborted());`,
  ]),
  client(4, 'the-limit-runs-in-the-wait', ['    clearTimeout(idle); // nobody is asked now\n', '']),
  client(4, 'the-limit-does-not-come-back', ['  idle = setTimeout(', '  idle ??= setTimeout(']),
  client(4, 'ctrl-c-does-not-end-the-wait', [waits, '    await sleep(retry);\n']),
  client(
    4,
    'keeps-what-was-cut',
    ['  const read = eventReader(', '  reader ??= eventReader('],
    ['    read(decoder.decode(', '    reader(decoder.decode('],
    ["let outcome = '';\n", "let outcome = '';\nlet reader: ((piece: string) => void) | undefined;\n"],
  ),
];
