import { client, server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const decodes = '    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\\r?\\n/);\n';
const waits = '    else await sleep(50, undefined, { signal });\n';
const sends = "        if (counts.lines % every === 0) await mcpReq.log('info', counts, 'watch_log');\n";
const begins = '      const counts: Counts = { lines: 0, malformed: 0, statuses: {} };\n';
const makesServer = '/** Makes the server that answers one request. The next request gets a server of its own. */\n';
const imports = "import { open } from 'node:fs/promises';\n";

/** Lines of the finished client that several mistakes change. */
const shows = '  show(`LIVE: ${described(newest)}`);\n';
const result = '  print(`TOTAL: ${described(result.structuredContent as Counts)}`);\n';
const last = '  if (newest) print(`TOTAL: ${described(newest)}`);\n';
const onCtrlC = "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  stop.abort('interrupted');\n});\n";
const inTerminal =
  '  if (process.stdout.isTTY) process.stdout.write(`\\r\\x1b[K${line.slice(0, process.stdout.columns - 1)}`);\n';

export const mistakes: Mistake[] = [
  server(1, 'any-number', ['every: z.int().min(1)', 'every: z.number()']),
  server(
    1,
    'tail-minus-f',
    [imports, "import { open, stat } from 'node:fs/promises';\n"],
    ['  let position = 0;\n', '  let { size: position } = await stat(path).catch(() => ({ size: 0 }));\n'],
  ),
  server(1, 'a-new-window', [
    sends,
    `        if (counts.lines % every === 0) {
          await mcpReq.log('info', counts, 'watch_log');
          Object.assign(counts, { lines: 0, malformed: 0, statuses: {}, slowest: undefined });
        }
`,
  ]),
  server(1, 'counts-as-a-text', [sends, sends.replace('counts,', 'JSON.stringify(counts),')]),
  // When a line is malformed, the same counts come again: before or after the grader looks at the message that is due.
  varying(
    server(
      1,
      'skips-malformed-lines',
      ['  counts.lines++;\n', ''],
      ['    counts.malformed++;\n    return;\n  }\n', '    counts.malformed++;\n    return;\n  }\n  counts.lines++;\n'],
    ),
  ),
  server(1, 'the-last-of-the-slowest', ['Number(ms) > counts.slowest.ms', 'Number(ms) >= counts.slowest.ms']),
  server(
    1,
    'sends-at-the-end',
    [begins, `${begins}      const updates: Counts[] = [];\n`],
    [sends, '        if (counts.lines % every === 0) updates.push(structuredClone(counts));\n'],
    [
      '      return { content:',
      "      for (const update of updates) await mcpReq.log('info', update, 'watch_log');\n      return { content:",
    ],
  ),
  server(1, 'counts-half-lines', [
    '    rest = lines.pop()!;\n',
    "    rest = '';\n    if (lines.at(-1) === '') lines.pop();\n",
  ]),
  server(1, 'a-decoder-for-each-piece', [
    decodes,
    decodes.replace('decoder.decode(bytes, { stream: true })', 'new TextDecoder().decode(bytes)'),
  ]),
  server(1, 'keeps-carriage-returns', [decodes, decodes.replace('/\\r?\\n/', "'\\n'")]),
  server(
    1,
    'waits-for-a-change-after-each-read',
    [imports, `import { once } from 'node:events';\nimport { watch } from 'node:fs';\n${imports}`],
    [
      `    if (bytesRead > 0) yield buffer.subarray(0, bytesRead);\n${waits}`,
      `    if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
    const watcher = watch(path);
    await once(watcher, 'change', { signal }).finally(() => watcher.close());
`,
    ],
  ),
  server(1, 'looks-at-the-limit-with-each-message', [
    '        if (counts.lines >= lines) break;\n',
    '        if (counts.lines % every === 0 && counts.lines >= lines) break;\n',
  ]),
  server(
    1,
    'counts-of-all-calls',
    [begins, ''],
    [makesServer, `const counts: Counts = { lines: 0, malformed: 0, statuses: {} };\n\n${makesServer}`],
  ),
  server(1, 'needs-the-log', [
    '  const log = await open(path).catch(() => undefined);\n',
    '  const log = await open(path);\n',
  ]),
  server(1, 'never-begins-again', ['if (size < position) {', 'if (size < position && size < 0) {']),
  server(1, 'keeps-the-unfinished-line', ["      rest = '';\n", '']),
  server(1, 'keeps-the-decoder', ["      decoder = new TextDecoder();\n      rest = '';\n", "      rest = '';\n"]),
  server(1, 'follows-for-ever', ['    signal.throwIfAborted();\n', ''], [waits, '    else await sleep(50);\n']),
  server(
    1,
    'one-controller-for-all',
    [makesServer, `const stop = new AbortController();\n\n${makesServer}`],
    [
      '      for await (const line of linesOf(file, mcpReq.signal)) {\n',
      "      const onAbort = () => stop.abort();\n      mcpReq.signal.addEventListener('abort', onAbort);\n      for await (const line of linesOf(file, stop.signal)) {\n",
    ],
    ['      return { content:', "      mcpReq.signal.removeEventListener('abort', onAbort);\n      return { content:"],
  ),
  server(
    1,
    'leaves-a-watcher',
    [imports, `import { watchFile } from 'node:fs';\n${imports}`],
    ['  let position = 0;\n', '  let position = 0;\n  watchFile(path, { interval: 1000 }, () => {});\n'],
  ),

  client(2, 'numbers-as-strings', [
    '{ every: Number(every), ...(lines && { lines: Number(lines) }) }',
    '{ every, ...(lines && { lines }) }',
  ]),
  client(
    2,
    'collects-the-counts',
    [shows, '  rows.push(`LIVE: ${described(newest)}`);\n'],
    ['let newest: Counts | undefined;\n', 'let newest: Counts | undefined;\nconst rows: string[] = [];\n'],
    [result, `  for (const row of rows) show(row);\n${result}`],
  ),
  client(2, 'asks-for-no-log-messages', [
    "new Client({ name: 'live-analytics', version: '1.0.0' });",
    "new Client({ name: 'live-analytics', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });",
  ]),
  client(2, 'the-whole-message', [shows, '  show(`LIVE: ${JSON.stringify(newest)}`);\n']),
  client(2, 'the-total-of-the-last-message', [result, '  print(`TOTAL: ${described(newest!)}`);\n']),
  client(2, 'a-new-row-for-each-message', [inTerminal, inTerminal.replace('process.stdout.write(', 'console.log(')]),
  client(2, 'a-row-that-is-too-long', [
    inTerminal,
    '  if (process.stdout.isTTY) process.stdout.write(`\\r\\x1b[K${line}`);\n',
  ]),
  client(2, 'erases-nothing', [inTerminal, inTerminal.replace('\\x1b[K', '')]),
  client(2, 'the-total-in-the-row', [
    '  console.log(process.stdout.isTTY ? `\\r\\x1b[K${line}` : line);\n',
    '  console.log(line);\n',
  ]),
  client(
    2,
    'a-failure-as-totals',
    ['  if (result.isError) throw new Error(`the tool failed: ${JSON.stringify(result.content)}`);\n', ''],
    [result, '  if (result.structuredContent) print(`TOTAL: ${described(result.structuredContent as Counts)}`);\n'],
  ),
  client(2, 'an-error-in-several-lines', [
    "  console.error(`${url}: ${(error as Error).message.replaceAll(/\\s+/g, ' ')}`);\n",
    '  console.error(`${url}: ${(error as Error).message}`);\n',
  ]),
  client(2, 'no-exit-code', ['  process.exitCode ??= 1;\n', '']),
  client(2, 'waits-for-a-dead-server', ['{ ...options, onRequestStreamEnd }', 'options']),
  client(2, 'exit-at-ctrl-c', [onCtrlC, "process.once('SIGINT', () => process.exit(130));\n"]),
  client(2, 'delete-before-cancelled', ['  if (stop.signal.aborted) await briefly(sending);\n', '']),
  client(2, 'no-total-after-ctrl-c', [last, '']),
  client(2, 'a-total-of-nothing', [
    last,
    '  if (stop.signal.aborted) print(`TOTAL: ${described(newest ?? { lines: 0, malformed: 0, statuses: {} })}`);\n',
  ]),
];
