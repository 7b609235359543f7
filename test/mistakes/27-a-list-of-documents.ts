import { client, server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const splits = "  const words = text.split(/\\s+/).filter((word) => word !== '');\n";
const ends = '    if (/[.!?]$/.test(word)) sentence = [];\n';
const longer = '    if (sentence.length > longest.length) longest = sentence;\n';
const decodes = `  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
`;
const utf16 = "  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);\n";
const addsWords = '  for (const word of words) addToIndex(index, word, name);\n';
const term = "  const term = word.toLowerCase().replace(/^[^\\p{L}\\p{N}_]+|[^\\p{L}\\p{N}_]+$/gu, '');\n";
const noTerm = "  if (term === '') return;\n";
const addsName = '  if (!index.has(term)) index.set(term, new Set());\n  index.get(term)!.add(name);\n';
const setsIndex = '  result.index = Object.fromEntries([...call.index].map(([term, names]) => [term, [...names]]));\n';
const capabilities = 'capabilities: { tools: {}, logging: {} }';
const inputSchema = '          inputSchema: z.toJSONSchema(input),\n';
const outputSchema = '          outputSchema: z.toJSONSchema(output),\n';
const returns = '{ content: textContent(JSON.stringify(result)), structuredContent: result }';
const checksArgs =
  '  if (args.error) return { result: { content: textContent(z.prettifyError(args.error)), isError: true } };\n';
const newResult = '  const result: z.infer<typeof output> = { documents: [], failed: [], index: {} };\n';
const beforeWork = '    report(call, i, total, `Processing ${name}`);\n';
const outcome = '    const outcome = await outcomeOf(name, call);\n';
const logsDone = "      log(call, session, 'info', `${name}: ${outcome.words} words`);\n";
const logsFailed = "      log(call, session, 'error', `${name}: ${outcome.reason}`);\n";
const lastReport = "  report(call, total, total, 'Processing complete!');\n";
const noToken = '  if (progressToken === undefined) return;\n';
const token = '    progressToken: isId(progressToken) ? progressToken : undefined,\n';
const writes = '    send: (message) => response.write(`data: ${JSON.stringify(message)}\\n\\n`),\n';
const sends =
  "  if (!call.controller.signal.aborted) call.send({ jsonrpc: '2.0', id, ...answer });\n  response.end();\n";
const inside =
  "  if (dirname(path) !== resolve(folder)) throw new Error('this is not the name of a file in the folder');\n";
const catches = '    return { name, reason: reasonOf(error as NodeJS.ErrnoException) };\n';
const cancels = '  for (const { id, controller } of calls) if (id === params.requestId) controller.abort();\n';
const stops = '    if (call.controller.signal.aborted) return result;\n';

/** Lines of the finished client that several mistakes change. */
const prints = "  print(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);\n";
const options = '{ onprogress: show, signal: stop.signal, resetTimeoutOnProgress: true }';
const failsTool = '  if (result.isError) throw new Error(`the tool failed: ${JSON.stringify(result.content)}`);\n';
const code8 = '  if (failed.length > 0) process.exitCode = 8;\n';
const complains = "  console.error(`${url}: ${message.replaceAll(/\\s+/g, ' ')}`);\n";
const waits = '  if (stop.signal.aborted) await briefly(sending);\n';
const onCtrlC =
  "process.once('SIGINT', () => {\n  process.exitCode = 130;\n  stop.abort(new Error('interrupted'));\n});\n";
const row = '  for (const { name, words, longestSentence } of done) {\n';
const pipe = '  if (!process.stdout.isTTY) {\n    console.log(`PROGRESS: ${text}`);\n    return;\n  }\n';
const drawsBar = '  eraseBar();\n  process.stdout.write(row.slice(0, process.stdout.columns - 1));\n';

export const mistakes: Mistake[] = [
  server(1, 'no-capability-logging', [capabilities, 'capabilities: { tools: {} }']),
  server(1, 'its-own-revision', [
    'revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0]',
    "'2025-06-18'",
  ]),
  server(1, 'no-output-schema', [outputSchema, '']),
  server(1, 'a-type-that-json-schema-lacks', [
    outputSchema,
    "          outputSchema: { type: 'object', properties: { documents: { type: 'list' } } },\n",
  ]),
  server(
    1,
    'a-message-instead-of-a-list',
    [
      "const input = z.object({ documents: z.array(z.string()).describe('the names of the documents') });",
      "const input = z.object({ documents: z.string().transform((names) => names.split(',')) });",
    ],
    [inputSchema, "          inputSchema: z.toJSONSchema(input, { io: 'input' }),\n"],
  ),
  server(
    1,
    'a-list-for-all-calls',
    [newResult, ''],
    [
      '/** Processes the documents one after the other. */\n',
      'const result: z.infer<typeof output> = { documents: [], failed: [], index: {} };\n\n/** Processes the documents one after the other. */\n',
    ],
  ),
  server(1, 'each-document-once', ['of names.entries()', 'of [...new Set(names)].entries()']),
  server(1, 'sorts-the-names', ['of names.entries()', 'of [...names].sort().entries()']),
  server(1, 'splits-at-each-space', [splits, "  const words = text.split(' ');\n"]),
  server(1, 'counts-empty-words', [splits, '  const words = text.split(/\\s+/);\n']),
  server(1, 'words-of-letters-only', [splits, '  const words: string[] = text.match(/[\\p{L}\\p{N}]+/gu) ?? [];\n']),
  server(1, 'only-periods', [ends, "    if (word.endsWith('.')) sentence = [];\n"]),
  server(1, 'the-last-of-the-longest', [longer, longer.replace('>', '>=')]),
  server(1, 'the-most-characters', [
    longer,
    "    if (sentence.join(' ').length > longest.join(' ').length) longest = [...sentence];\n",
  ]),
  server(
    1,
    'a-sentence-needs-an-end-mark',
    [longer, ''],
    [
      ends,
      '    if (!/[.!?]$/.test(word)) continue;\n    if (sentence.length > longest.length) longest = sentence;\n    sentence = [];\n',
    ],
  ),
  server(1, 'everything-is-utf-8', [utf16, ''], [decodes, "  return bytes.toString('utf8');\n"]),
  server(1, 'no-latin-1', [decodes, "  return new TextDecoder('utf-8').decode(bytes);\n"]),
  server(
    1,
    'keeps-the-mark',
    ["new TextDecoder('utf-8', { fatal: true })", "new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })"],
    [splits, "  const words = text.split(/[ \\t\\r\\n]+/).filter((word) => word !== '');\n"],
  ),
  server(
    1,
    'no-index',
    [setsIndex, ''],
    [newResult, newResult.replace(', index: {}', '').replace('z.infer<typeof output>', 'any')],
  ),
  server(1, 'an-index-that-is-empty', [addsWords, '  void index;\n']),
  server(
    1,
    'a-plain-object-as-the-index',
    [addsName, '  ((index as any)[term] ??= []).push(name);\n'],
    ['    index: new Map(),\n', '    index: {} as any,\n'],
    [
      setsIndex,
      '  result.index = Object.fromEntries(Object.entries(call.index).map(([term, names]) => [term, [...new Set(names as string[])]]));\n',
    ],
  ),
  server(1, 'an-object-from-the-map', [
    setsIndex,
    '  for (const [term, names] of call.index) result.index[term] = [...names];\n',
  ]),
  server(1, 'leaves-out-what-objects-have', [noTerm, "  if (term === '' || term in {}) return;\n"]),
  server(1, 'an-index-with-capitals', [term, term.replace('.toLowerCase()', '')]),
  server(1, 'an-index-with-commas', [term, '  const term = word.toLowerCase();\n']),
  server(1, 'removes-only-what-comes-after', [term, term.replace('^[^\\p{L}\\p{N}_]+|', '')]),
  server(1, 'an-index-of-ascii', [term, "  const term = word.toLowerCase().replace(/^\\W+|\\W+$/g, '');\n"]),
  server(1, 'removes-what-is-inside', [
    term,
    "  const term = word.toLowerCase().replace(/[^\\p{L}\\p{N}_]+/gu, '');\n",
  ]),
  server(1, 'an-entry-for-nothing', [noTerm, '']),
  server(1, 'a-name-for-each-word', [
    setsIndex,
    setsIndex.replace('[...names]', '[...names].flatMap((name) => [name, name])'),
  ]),
  server(1, 'only-the-last-document', [addsName, '  index.set(term, new Set([name]));\n']),
  server(
    1,
    'an-index-for-all-calls',
    ['    index: new Map(),\n', '    index: indexOfAll,\n'],
    [
      'const sessions = new Map<string, Session>();\n',
      "const sessions = new Map<string, Session>();\nconst indexOfAll: Call['index'] = new Map();\n",
    ],
  ),
  server(1, 'an-index-that-the-schema-lacks', [
    'z.array(failed), index });\n',
    'z.array(failed) }) as unknown as z.ZodObject<{ documents: z.ZodArray<typeof processed>; failed: z.ZodArray<typeof failed>; index: typeof index }>;\n',
  ]),
  server(1, 'only-structured-content', [returns, "{ content: textContent('done'), structuredContent: result }"]),
  server(1, 'no-structured-content', [returns, '{ content: textContent(JSON.stringify(result)) }']),
  server(
    1,
    'the-wrong-output-schema',
    ['words: z.int(), longestSentence: z.string() });', 'words: z.int(), longest_sentence: z.string() });'],
    [
      'type Processed = z.infer<typeof processed>;',
      'type Processed = { name: string; words: number; longestSentence: string };',
    ],
    [
      newResult,
      '  const result: { documents: Processed[]; failed: Failed[]; index: z.infer<typeof index> } = { documents: [], failed: [], index: {} };\n',
    ],
    ['session: Session): Promise<z.infer<typeof output>> {', 'session: Session) {'],
  ),
  server(
    1,
    'unchecked-arguments',
    [checksArgs, ''],
    [
      'await processDocuments(args.data.documents, call, session)',
      'await processDocuments(((data.arguments as any)?.documents ?? []) as string[], call, session)',
    ],
  ),
  server(1, 'does-not-wait-for-the-call', [
    '    await streamAnswer(message, session, response);\n',
    '    void streamAnswer(message, session, response);\n    response.end();\n',
  ]),

  server(
    2,
    'collects-everything',
    [writes, '    send: (message) => void (body += `data: ${JSON.stringify(message)}\\n\\n`),\n'],
    [sends, sends.replace('response.end()', 'response.end(body)')],
    ['  beginEventStream(response);\n', "  beginEventStream(response);\n  let body = '';\n"],
  ),
  server(2, 'reports-after-the-work', [beforeWork, ''], [outcome, outcome + beforeWork]),
  server(2, 'counts-from-one', [beforeWork, beforeWork.replace('i, total', 'i + 1, total')]),
  server(2, 'no-name-in-the-report', [beforeWork, beforeWork.replace('${name}', 'document ${i + 1}')]),
  server(2, 'no-last-report', [lastReport, '']),
  // Which report it holds back depends on the time between them.
  varying(
    server(
      2,
      'limits-the-rate-of-reports',
      [
        noToken,
        `  if (progressToken === undefined) return;
  if (progress < total && Date.now() - reportedAt < 100) return;
  reportedAt = Date.now();
`,
      ],
      ['function report({', 'let reportedAt = 0;\n\nfunction report({'],
    ),
  ),
  server(2, 'the-last-report-after-the-response', [
    lastReport,
    "  setTimeout(() => report(call, total, total, 'Processing complete!'));\n",
  ]),
  server(2, 'logs-only-progress', [logsDone, '']),
  server(
    2,
    'logs-before-the-work',
    [logsDone, ''],
    [
      beforeWork,
      "    report(call, i, total, `Processing ${name}`);\n    log(call, session, 'info', `${name}: 0 words`);\n",
    ],
  ),
  server(2, 'logs-without-the-number', [logsDone, "      log(call, session, 'info', `${name} is done`);\n"]),
  server(
    2,
    'logs-at-the-end',
    [logsDone, ''],
    [
      lastReport,
      lastReport +
        "  for (const { name, words } of result.documents) log(call, session, 'info', `${name}: ${words} words`);\n",
    ],
  ),
  server(2, 'the-token-is-a-string', [token, token.replace('? progressToken :', '? String(progressToken) :')]),
  server(2, 'the-id-as-the-token', [token, token.replace('? progressToken :', '? id :')]),
  server(2, 'no-token-zero', [noToken, '  if (!progressToken) return;\n']),
  server(2, 'reports-without-a-token', [noToken, '']),
  server(
    2,
    'all-at-the-same-time',
    ['  for (const [i, name] of names.entries()) {\n', '  await Promise.all(names.map(async (name, i) => {\n'],
    [stops, '    if (call.controller.signal.aborted) return;\n'],
    ['      result.documents.push(outcome);\n', '      result.documents[i] = outcome;\n'],
    [`${logsDone}    }\n  }\n`, `${logsDone}    }\n  }));\n`],
    [
      '[...call.index].map(([term, names]) => [term, [...names]])',
      '[...call.index].map(([term, found]) => [term, [...new Set(names)].filter((name) => found.has(name))])',
    ],
  ),
  server(
    2,
    'one-stream-for-all',
    [writes, '    send: (message) => newest.write(`data: ${JSON.stringify(message)}\\n\\n`),\n'],
    ['  beginEventStream(response);\n', '  beginEventStream(response);\n  newest = response;\n'],
    [
      'const sessions = new Map<string, Session>();\n',
      'const sessions = new Map<string, Session>();\nlet newest: Response;\n',
    ],
  ),
  server(
    2,
    'one-call-after-the-other',
    [
      '    await streamAnswer(message, session, response);\n',
      '    queue = queue.then(() => streamAnswer(message, session, response));\n    await queue;\n',
    ],
    [
      'const sessions = new Map<string, Session>();\n',
      'const sessions = new Map<string, Session>();\nlet queue = Promise.resolve();\n',
    ],
  ),
  server(
    2,
    'answers-with-json',
    ['  beginEventStream(response);\n', ''],
    [writes, '    send: () => {},\n'],
    [sends, "  response.json({ jsonrpc: '2.0', id, ...answer });\n"],
  ),

  server(3, 'one-failure-fails-all', [catches, '    throw error;\n']),
  server(3, 'stops-at-a-failure', [
    '      result.failed.push(outcome);\n',
    '      result.failed.push(outcome);\n      return result;\n',
  ]),
  server(3, 'is-error-for-one', [returns, `{ ...${returns}, ...(result.failed.length > 0 && { isError: true }) }`]),
  server(3, 'no-failed-list', ['      result.failed.push(outcome);\n', '']),
  server(3, 'opens-everything', [inside, '']),
  server(3, 'refuses-two-dots', [
    inside,
    "  if (name.includes('..') || name.startsWith('/')) throw new Error('this is not the name of a file in the folder');\n",
  ]),
  server(3, 'only-relative-names', [
    inside,
    "  if (/^\\.\\.\\//.test(name)) throw new Error('this is not the name of a file in the folder');\n",
  ]),
  server(3, 'looks-at-the-beginning-of-the-path', [
    inside,
    inside.replace('dirname(path) !== resolve(folder)', '!path.startsWith(resolve(folder))'),
  ]),
  server(3, 'no-log-of-a-failure', [logsFailed, '']),
  server(3, 'logs-a-failure-as-info', [logsFailed, logsFailed.replace("'error'", "'info'")]),
  server(3, 'a-failure-does-not-count', [beforeWork, beforeWork.replace('i, total', 'result.documents.length, total')]),
  server(3, 'ignores-cancelled', [cancels, '  void calls;\n  void params;\n']),
  server(3, 'cancelled-by-another-method', ["'notifications/cancelled'", "'notifications/canceled'"]),
  server(3, 'cancels-all-calls', [
    cancels,
    cancels.replace('if (id === params.requestId) ', '').replace('{ id, controller }', '{ controller }') +
      '  void params;\n',
  ]),
  server(3, 'cancels-the-id-of-anybody', [
    cancels,
    '  void calls;\n  for (const session of sessions.values()) for (const { id, controller } of session.calls) if (id === params.requestId) controller.abort();\n',
  ]),
  server(
    3,
    'one-controller-for-a-session',
    [
      'type Session = { level: string; calls: Set<Call> };\n',
      'type Session = { level: string; calls: Set<Call>; controller?: AbortController };\n',
    ],
    ['    controller: new AbortController(),\n', '    controller: (session.controller ??= new AbortController()),\n'],
  ),
  server(3, 'serves-every-site', ["app.use('/mcp', onlyThisMachine);\n", ''], ['  onlyThisMachine,\n', '']),
  server(3, 'a-name-of-a-folder-ends-it', [
    catches,
    "    if ((error as NodeJS.ErrnoException).code === 'EISDIR') throw error;\n" + catches,
  ]),

  client(4, 'one-call-for-each', [
    "  const result = await client.callTool(\n    { name: 'process_documents', arguments: { documents } },\n",
    "  const result = await client.callTool(\n    { name: 'process_documents', arguments: { documents: documents.slice(0, 1) } },\n",
  ]),
  client(4, 'a-text-of-names', ['arguments: { documents } },', "arguments: { documents: documents.join(',') } },"]),
  client(4, 'no-progress', [options, '{ signal: stop.signal }']),
  client(4, 'no-message-handler', [prints, '  void level;\n  void data;\n']),
  client(
    4,
    'collects-notifications',
    [prints, `  lines.push(\`NOTIFICATION: \${level} \${data}\`);\n`],
    ['const stop = new AbortController();\n', 'const lines: string[] = [];\nconst stop = new AbortController();\n'],
    ['  printTable(done, failed);\n', '  for (const line of lines) print(line);\n  printTable(done, failed);\n'],
  ),
  client(4, 'prints-the-whole-message', [prints, '  print(`NOTIFICATION: ${JSON.stringify({ level, data })}`);\n']),
  client(4, 'a-bar-in-a-pipe', [pipe, '']),
  client(4, 'no-table', [row, '  for (const { name, words, longestSentence } of [] as typeof done) {\n']),
  client(4, 'cuts-too-much', [
    'text.length > 50 ? `${text.slice(0, 50)}…`',
    'text.length > 10 ? `${text.slice(0, 10)}…`',
  ]),
  client(4, 'no-failed-ones', [
    '  for (const { name, reason } of failed) print(`${name.padEnd(width)}  FAILED ${reason}`);\n',
    '',
  ]),
  client(4, 'always-zero', [code8, '']),
  client(4, 'throws-for-failed', [code8, "  if (failed.length > 0) throw new Error('some documents failed');\n"]),
  client(4, 'a-new-row-for-each-report', [drawsBar, drawsBar.replace('process.stdout.write(', 'console.log(')]),
  client(4, 'a-row-that-is-too-long', [drawsBar, '  eraseBar();\n  process.stdout.write(row);\n']),
  client(4, 'erases-nothing', ["'\\r\\x1b[K'", "'\\r'"]),
  client(4, 'a-line-into-the-bar', ['  eraseBar();\n  console.log(line);\n', '  console.log(line);\n']),
  client(
    4,
    'shows-a-failure-as-a-table',
    [failsTool, ''],
    [
      '  const { documents: done, failed } = result.structuredContent as Result;\n',
      '  const { documents: done = [], failed = [] } = (result.structuredContent ?? {}) as Partial<Result>;\n',
    ],
  ),
  client(4, 'a-stack', [complains, '  console.error(error);\n  void message;\n']),
  client(4, 'no-exit-code', ['  process.exitCode ??= 1;\n', '']),
  client(4, 'ends-at-ctrl-c', [onCtrlC, '']),
  client(4, 'exit-at-ctrl-c', [onCtrlC, "process.once('SIGINT', () => process.exit(130));\n"]),
  client(4, 'delete-before-cancelled', [waits, '']),
  client(4, 'no-signal', [options, options.replace(', signal: stop.signal', '')]),
];
