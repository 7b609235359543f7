import { client, server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const sendsStep = "      sendEvent(response, 'step', `${step} of ${steps}`, step);\n";
const sendsDone = "    sendEvent(response, 'done', `${steps} steps`, steps + 1);\n";
const sendsRetry = '  response.write(`retry: ${retry}\\n\\n`);\n';
const noMore = `  if (seen === steps + 1) {
    response.status(204).end();
    return;
  }
`;
const seen = 'const seen = Number(lastEventId ?? 0);';
const refuses = '!(Number.isInteger(seen) && seen >= 1 && seen <= steps + 1)';
const begins = 'const first = seen + 1;';
const loop = 'for (let step = first; step <= steps; step++) {';
const timer = "  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), quietInterval);\n";
const reads = "const lastEventId = request.get('Last-Event-ID');";

/** Lines of the finished client. */
const waits = '  await sleep(retry, undefined, { signal: stop.signal });\n';
const again = 'while (!outcome && lastEventId) {';
const namesIt = "if (lastEventId) headers['Last-Event-ID'] = Buffer.from(lastEventId, 'utf8').toString('latin1');";
const keepsId = "if (field === 'id' && !value.includes('\\0')) id = value;";
const counts = '      lastEventId = id;\n';
const keepsRetry = "if (field === 'retry' && /^\\d+$/.test(value)) retry = Math.min(Number(value), longestWait);";
const over = 'await print(response.body).catch(() => stop.signal.throwIfAborted());';
const leaves = '    if (outcome) return; // this closes the connection\n';
const nothingMore = "  if (response.status === 204) {\n    outcome = 'done';\n    return;\n  }\n";
const starts = '  const decoder = new TextDecoder();\n';

export const mistakes: Mistake[] = [
  server(1, 'no-retry', [sendsRetry, '']),
  server(1, 'no-retry-when-resumed', [sendsRetry, '  if (first === 1) response.write(`retry: ${retry}\\n\\n`);\n']),
  server(1, 'a-retry-of-its-own', ['`retry: ${retry}\\n\\n`', "'retry: 3000\\n\\n'"]),
  server(1, 'retry-in-seconds', ['`retry: ${retry}\\n\\n`', '`retry: ${retry / 1000}\\n\\n`']),
  server(1, 'retry-with-a-unit', ['`retry: ${retry}\\n\\n`', '`retry: ${retry}ms\\n\\n`']),
  server(1, 'retry-at-the-end', [sendsRetry, ''], [sendsDone, `${sendsDone}  ${sendsRetry}`]),
  server(
    1,
    'no-ids',
    [sendsStep, sendsStep.replace(', step);', ');')],
    [sendsDone, sendsDone.replace(', steps + 1', '')],
  ),
  server(1, 'refuses-a-new-client', [seen, 'const seen = Number(lastEventId);'], ['lastEventId !== undefined && ', '']),
  server(1, 'ids-from-0', [sendsStep, sendsStep.replace(', step);', ', step - 1);')]),
  server(1, 'no-id-for-done', [sendsDone, sendsDone.replace(', steps + 1', '')]),
  server(1, 'the-error-has-an-id', [
    "'the report could not be finished');",
    "'the report could not be finished', 99);",
  ]),
  server(1, 'ids-behind-the-blank-line', [
    "`event: ${event}\\n${id === undefined ? '' : `id: ${id}\\n`}${lines.join('')}\\n`",
    "`event: ${event}\\n${lines.join('')}\\n${id === undefined ? '' : `id: ${id}\\n`}`",
  ]),
  server(1, 'begins-from-the-beginning', [begins, 'const first = 1;']),
  server(1, 'resumes-get-only', [
    reads,
    "const lastEventId = request.method === 'GET' ? request.get('Last-Event-ID') : undefined;",
  ]),
  server(1, 'repeats-the-last', [begins, 'const first = seen || 1;']),
  server(1, 'skips-one', [begins, 'const first = seen ? seen + 2 : 1;']),
  server(1, 'adds-to-a-text', [begins, 'const first = ((lastEventId ?? 0) as number) + 1;']),
  server(1, 'compares-ids-as-strings', [
    loop,
    'for (let step = 1; step <= steps; step++) {\n      if (lastEventId !== undefined && String(step) <= lastEventId) continue;',
  ]),
  server(1, 'reads-the-last-digit', [
    seen,
    "const seen = Number(lastEventId ?? 0) > steps ? Number(lastEventId) : Number((lastEventId ?? '0').slice(-1));",
  ]),
  server(1, 'counts-again-from-1', [sendsStep, sendsStep.replace(', step);', ', step - seen);')]),
  server(
    1,
    'one-counter-of-ids-for-all-streams',
    ['const app = express();\n', 'const app = express();\nlet nextId = 1;\n'],
    [begins, `${begins}\n  nextId = first;`],
    [sendsStep, sendsStep.replace(', step);', ', nextId++);')],
    [sendsDone, sendsDone.replace('steps + 1', 'nextId++')],
  ),
  server(
    1,
    'does-the-work-again',
    [loop, loop.replace('= first', '= 1')],
    [sendsStep, sendsStep.replace('sendEvent', 'if (step > seen) sendEvent')],
  ),
  server(1, 'an-empty-stream-at-the-end', [noMore, '']),
  server(1, 'goes-on-after-204', [noMore, noMore.replace('    return;\n', '')]),
  server(1, 'goes-on-after-400', ["report' });\n    return;\n  }\n  if (seen", "report' });\n  }\n  if (seen"]),
  server(1, 'answers-200-without-a-body', ['response.status(204).end();', 'response.end();']),
  server(1, 'compares-with-nan', [refuses, '(seen < 1 || seen > steps + 1)']),
  server(1, 'parses-the-beginning', [seen, "const seen = Number.parseInt(lastEventId ?? '0');"]),
  server(1, 'takes-half-an-id', [refuses, '!(seen >= 1 && seen <= steps + 1)']),
  server(1, 'takes-0', [refuses, refuses.replace('seen >= 1', 'seen >= 0')]),
  server(1, 'takes-a-negative-id', [refuses, '!(Number.isInteger(seen) && seen !== 0 && seen <= steps + 1)']),
  server(
    1,
    'takes-a-later-id',
    [refuses, '!(Number.isInteger(seen) && seen >= 1)'],
    ['if (seen === steps + 1)', 'if (seen > steps)'],
  ),
  server(1, 'refuses-with-a-stream', [
    "response.status(400).json({ error: 'Last-Event-ID is not an id of this report' });",
    "response.status(400).type('text/event-stream').end();",
  ]),
  server(1, 'refuses-after-the-timer', [timer, ''], [reads, `${timer.trim()}\n  ${reads}`]),
  server(1, 'a-resumed-step-is-not-given-up', [
    'await work(`step ${step}`, { signal: gone.signal });',
    'await work(`step ${step}`, first === 1 ? { signal: gone.signal } : {});',
  ]),

  client(2, 'gives-up-after-a-break', [over, 'await print(response.body);']),
  client(2, 'does-not-wait', ['    await waitForRetry();\n', '']),
  client(2, 'a-wait-of-its-own', ['sleep(retry,', 'sleep(1000,']),
  client(2, 'a-short-wait-of-its-own', ['sleep(retry,', 'sleep(20,']),
  client(2, 'connects-again-once', [again, 'if (!outcome && lastEventId) {']),
  client(2, 'gives-up-after-five-breaks', [
    again,
    'for (let attempt = 0; attempt < 5 && !outcome && lastEventId; attempt++) {',
  ]),
  client(2, 'waits-longer-each-time', [waits, `${waits}  retry = Math.min(10 * retry, longestWait);\n`]),
  client(2, 'no-last-event-id', [namesIt, '']),
  client(2, 'no-accept-after-a-break', [
    namesIt,
    `if (lastEventId) {\n    delete headers.Accept;\n    ${namesIt.slice('if (lastEventId) '.length)}\n  }`,
  ]),
  client(2, 'sends-an-empty-id', [
    namesIt,
    "headers['Last-Event-ID'] = Buffer.from(lastEventId, 'utf8').toString('latin1');",
  ]),
  client(2, 'sends-the-id-as-it-is', [namesIt, "if (lastEventId) headers['Last-Event-ID'] = lastEventId;"]),
  client(2, 'encodes-the-id-for-a-url', [
    namesIt,
    "if (lastEventId) headers['Last-Event-ID'] = encodeURIComponent(lastEventId);",
  ]),
  client(2, 'takes-ids-for-numbers', [
    keepsId,
    "if (field === 'id') id = String(Number.isNaN(Number(value)) ? value : Number(value));",
  ]),
  client(
    2,
    'keeps-the-id-encoded',
    [counts, "      lastEventId = Buffer.from(id, 'utf8').toString('latin1');\n"],
    [namesIt, "if (lastEventId) headers['Last-Event-ID'] = lastEventId;"],
  ),
  client(2, 'keeps-no-empty-id', [counts, '      lastEventId = id || lastEventId;\n']),
  client(2, 'keeps-the-first-id', [counts, '      lastEventId ||= id;\n']),
  client(2, 'id-of-an-event-that-was-cut', [keepsId, "if (field === 'id') lastEventId = value;"], [counts, '']),
  varying(client(2, 'an-event-without-an-id-forgets-it', [counts, `${counts}      id = '';\n`])),
  client(2, 'a-connection-forgets-the-id', ['  let id = lastEventId;\n', "  let id = '';\n"]),
  client(
    2,
    'one-id-variable-for-all-connections',
    ['  let id = lastEventId;\n', ''],
    ["let outcome = '';\n", "let outcome = '';\nlet id = '';\n"],
  ),
  client(2, 'keeps-an-id-with-nul', [keepsId, "if (field === 'id') id = value;"]),
  client(2, 'cuts-an-id-at-nul', [keepsId, "if (field === 'id') id = value.split('\\0')[0]!;"]),
  client(2, 'waits-for-no-number', [
    keepsRetry,
    "if (field === 'retry') retry = Math.min(Number(value), longestWait);",
  ]),
  client(2, 'reads-the-beginning-of-retry', [
    keepsRetry,
    "if (field === 'retry' && parseInt(value) >= 0) retry = Math.min(parseInt(value), longestWait);",
  ]),
  client(2, 'reads-retry-with-number', [
    keepsRetry,
    "if (field === 'retry' && value && Number(value) >= 0) retry = Math.min(Number(value), longestWait);",
  ]),
  client(2, 'a-retry-too-long-for-a-timer', [
    keepsRetry,
    "if (field === 'retry' && /^\\d+$/.test(value)) retry = Number(value);",
  ]),
  client(2, 'keeps-the-first-retry', [
    keepsRetry,
    "if (field === 'retry' && /^\\d+$/.test(value) && retry === 1000) retry = Math.min(Number(value), longestWait);",
  ]),
  client(
    2,
    'retry-needs-a-blank-line',
    [keepsRetry, "if (field === 'retry' && /^\\d+$/.test(value)) wait = Math.min(Number(value), longestWait);"],
    [counts, `${counts}      retry = wait;\n`],
    ['  let id = lastEventId;\n', '  let id = lastEventId;\n  let wait = retry;\n'],
  ),
  client(2, 'a-connection-forgets-retry', [starts, `${starts}  retry = 1000;\n`]),
  client(
    2,
    'keeps-what-was-cut',
    ['  const read = eventReader(', '  reader ??= eventReader('],
    ['    read(decoder.decode(', '    reader(decoder.decode('],
    ["let outcome = '';\n", "let outcome = '';\nlet reader: ((piece: string) => void) | undefined;\n"],
  ),
  client(
    2,
    'prints-what-was-cut',
    [over, over.replace('.catch(', '.finally(() => flush?.()).catch(')],
    ['  for await (const chunk of body) {', "  flush = () => read('\\n\\n');\n  for await (const chunk of body) {"],
    ["let outcome = '';\n", "let outcome = '';\nlet flush: (() => void) | undefined;\n"],
  ),
  client(
    2,
    'prints-what-is-left-at-the-end',
    [`${leaves}  }\n`, `${leaves}  }\n  flush();\n`],
    ["let outcome = '';\n", "let outcome = '';\nlet flush = (): void => {};\n"],
    ['  function readLine(', "  flush = () => {\n    if (data.length > 0) readLine('');\n  };\n  function readLine("],
  ),
  client(
    2,
    'one-decoder-for-all-connections',
    [starts, ''],
    ["let outcome = '';\n", "let outcome = '';\nconst decoder = new TextDecoder();\n"],
  ),
  client(2, 'splits-at-line-feeds-only', ['text.split(/\\r\\n|\\r|\\n/)', "text.split('\\n')"]),
  client(2, 'needs-a-space-after-the-colon', [".replace(/^ /, '')", '.slice(1)']),
  client(2, 'a-type-that-sticks', ["      type = '';\n", '']),
  client(2, 'takes-a-comment-for-data', [
    "if (field === 'data') data.push(value);",
    "if (field === 'data' || field === '') data.push(value);",
  ]),
  client(2, 'forgets-a-return-at-the-end-of-a-piece', ["afterReturn = piece.endsWith('\\r');", 'afterReturn = false;']),

  client(3, 'waits-for-the-end-after-done', [leaves, '']),
  client(3, 'waits-for-the-end-after-an-error', [leaves, "    if (outcome === 'done') return;\n"]),
  client(3, 'connects-again-after-done', [again, "while (outcome !== 'error' && lastEventId) {"]),
  client(3, 'connects-again-after-an-error', [again, "while (outcome !== 'done' && lastEventId) {\n    outcome = '';"]),
  client(3, 'connects-again-without-an-id', [again, 'while (!outcome) {']),
  client(3, 'connects-again-after-204', [nothingMore, '  if (response.status === 204) return;\n']),
  client(3, '204-is-a-failure', [nothingMore, '']),
  client(3, 'connects-again-after-any-failure', [
    '    await waitForRetry();\n    await readStream();',
    '    await waitForRetry();\n    await readStream().catch(() => stop.signal.throwIfAborted());',
  ]),
  client(3, 'takes-any-content-type-after-a-break', [
    "toLowerCase() !== 'text/event-stream') {",
    "toLowerCase() !== 'text/event-stream' && !lastEventId) {",
  ]),
  client(3, 'compares-the-whole-content-type', [
    "contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream'",
    "contentType !== 'text/event-stream'",
  ]),
  client(3, 'an-unread-answer-keeps-it-alive', [
    '  stop.abort(); // otherwise a body that nobody reads would keep the client running\n',
    '',
  ]),
  client(3, 'the-limit-runs-in-the-wait', ['  clearTimeout(idle);\n', '']),
  client(3, 'the-limit-does-not-start-again', ['  idle = setTimeout(', '  idle ??= setTimeout(']),
  client(
    3,
    'connects-again-after-silence',
    ['idle = setTimeout(() => stop.abort(', 'idle = setTimeout(() => silent.abort('],
    [
      'let idle: NodeJS.Timeout | undefined;',
      'let idle: NodeJS.Timeout | undefined;\nlet silent = new AbortController();',
    ],
    [namesIt, `${namesIt}\n  silent = new AbortController();`],
    ['{ headers, signal: stop.signal }', '{ headers, signal: AbortSignal.any([stop.signal, silent.signal]) }'],
  ),
  client(3, 'ctrl-c-does-not-end-the-wait', [waits, '  await sleep(retry);\n']),
  client(3, 'a-sleep-that-goes-on', [
    waits,
    `  await Promise.race([
    sleep(retry),
    new Promise((_resolve, reject) => stop.signal.addEventListener('abort', () => reject(new Error('stopped')))),
  ]);
`,
  ]),
];
