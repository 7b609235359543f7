import { client, server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished bridge that several mistakes change. */
const cancels = `  if (isNotification(message) && message.method === 'notifications/cancelled') {
    unanswered.delete(message.params?.requestId as string | number);
  }
`;
const waits = "  if (!isRequest(message) || message.method === 'initialize') await forwarded;\n";
const listens = "  if (isNotification(message) && message.method === 'notifications/initialized') void listen();\n";
const answersItself = `  if (isRequest(message) && unanswered.delete(message.id)) {
    send({ jsonrpc: '2.0', id: message.id, ...failure(-32000, reason) });
  }
`;
const carries = `  for await (const each of messagesIn(response)) {
    if (isRequest(message) && message.method === 'initialize') keepRevision(each);
    deliver(each);
  }
`;
const keeps = `  if (isResponse(answer) && 'result' in answer && 'protocolVersion' in answer.result) {
    headers['MCP-Protocol-Version'] = String(answer.result.protocolVersion);
  }
`;
const onlyAwaited = '  if (isResponse(message) && !unanswered.delete(message.id)) return;\n';
const delivers = '  send(message);\n}\n\n/** Delivers what';
const listenStream = `    for await (const message of eventsIn(response)) deliver(message);
`;
const ending = 'await Promise.all(underWay);\nleaving.abort();\nawait endSession();\n';

/** Lines of the finished server that several mistakes change. */
const loads = '    index ??= loadIndex();\n    const counts = await index;\n';
const lists = '        title,\n        description,\n        annotations,\n';
const notThere =
  "      throw new Error(`There is no document ${document}. The documents are ${[...counts.keys()].join(', ')}.`);\n";
const returns =
  "    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };\n";
const countWordsHints =
  "  description: 'Returns the number of words in one document',\n  annotations: { readOnlyHint: true, openWorldHint: false },\n";
const introduces = "        serverInfo: { name: 'chunk-by-chunk', title: 'Chunk by Chunk', version: '1.0.0' },\n";
const agrees = '    const protocolVersion = revisions.includes';

export const mistakes: Mistake[] = [
  client(1, 'delivers-nothing', [carries, '  await response.text();\n']),
  client(1, 'collects-the-answer', [
    carries,
    `  const all: unknown[] = [];
  for await (const each of messagesIn(response)) all.push(each);
  for (const each of all) {
    if (isRequest(message) && message.method === 'initialize') keepRevision(each);
    deliver(each);
  }
`,
  ]),
  client(1, 'delivers-the-response-only', [
    delivers,
    '  if (isResponse(message)) send(message);\n}\n\n/** Delivers what',
  ]),
  client(1, 'stops-at-the-first-message', ['    deliver(each);\n  }\n', '    deliver(each);\n    break;\n  }\n']),
  client(1, 'answers-the-server-itself', [
    delivers,
    "  if (isRequest(message)) void post({ jsonrpc: '2.0', id: message.id, result: {} });\n  else send(message);\n}\n\n/** Delivers what",
  ]),
  client(1, 'reads-the-revision-of-each-message', [
    keeps,
    "  headers['MCP-Protocol-Version'] = (answer as { result: { protocolVersion: string } }).result.protocolVersion;\n",
  ]),
  client(1, 'writes-the-data-as-it-came', [
    carries,
    `  if (mediaTypeOf(response) === 'text/event-stream') {
    const { read } = eventReader(({ data }) => {
      const each = parsed(data);
      if (isRequest(message) && message.method === 'initialize') keepRevision(each);
      if (isResponse(each)) unanswered.delete(each.id);
      process.stdout.write(data + '\\n');
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) read(decoder.decode(chunk as Buffer, { stream: true }));
    return;
  }
${carries}`,
  ]),
  client(1, 'writes-objects-indented', [
    'process.stdout.write(`${JSON.stringify(message)}\\n`)',
    "process.stdout.write(JSON.stringify(message, null, 2) + '\\n')",
  ]),
  client(1, 'without-a-line-break', [
    'process.stdout.write(`${JSON.stringify(message)}\\n`)',
    'process.stdout.write(JSON.stringify(message))',
  ]),
  client(1, 'says-hello-on-standard-output', ['console.error(`bridge to ${url}`)', 'console.log(`bridge to ${url}`)']),
  client(1, 'logs-each-message', [
    '  send(message);\n}\n\n/** Delivers what',
    '  console.log(message);\n  send(message);\n}\n\n/** Delivers what',
  ]),
  client(1, 'wraps-the-message', [
    'body: JSON.stringify(message) }',
    "body: JSON.stringify({ ...message, id: 'id' in message ? String(message.id) : undefined }) }",
  ]),
  client(1, 'gives-ids-of-its-own', [
    'body: JSON.stringify(message) }',
    "body: JSON.stringify(isRequest(message) ? { ...message, id: 'b1' } : message) }",
  ]),
  client(1, 'awaits-each-answer', [waits, '  await forwarded;\n']),
  varying(client(1, 'waits-for-nothing', [waits, ''])),
  client(1, 'waits-for-initialize-only', [
    waits,
    "  if (isRequest(message) && message.method === 'initialize') await forwarded;\n",
  ]),
  client(1, 'waits-for-notifications-only', [waits, '  if (isNotification(message)) await forwarded;\n']),
  client(1, 'forgets-the-revision', [keeps, '  void answer;\n']),
  client(1, 'always-the-newest-revision', ['= String(answer.result.protocolVersion)', "= '2025-11-25'"]),
  client(1, 'forgets-the-session', ["  if (session) headers['MCP-Session-Id'] = session;\n", '']),
  client(1, 'the-session-null', [
    "  if (session) headers['MCP-Session-Id'] = session;\n",
    "  headers['MCP-Session-Id'] = String(session);\n",
  ]),
  client(1, 'posts-requests-only', [
    '  const forwarded = forward(message);\n',
    '  if (!isRequest(message)) return;\n  const forwarded = forward(message);\n',
  ]),
  client(1, 'ignores-responses-of-the-host', [
    '  const forwarded = forward(message);\n',
    '  if (isResponse(message)) return;\n  const forwarded = forward(message);\n',
  ]),

  client(2, 'dies-with-the-server', [
    '    reason = (error as Error).message;\n    console.error(reason);\n',
    '    throw error;\n',
  ]),
  client(2, 'says-it-on-standard-error-only', [answersItself, '']),
  client(2, 'an-error-without-an-id', [
    "send({ jsonrpc: '2.0', id: message.id, ...failure(-32000, reason) });",
    "send({ jsonrpc: '2.0', id: null, ...failure(-32000, reason) });",
  ]),
  client(2, 'the-id-as-text', [
    "send({ jsonrpc: '2.0', id: message.id, ...failure(-32000, reason) });",
    "send({ jsonrpc: '2.0', id: `${message.id}`, ...failure(-32000, reason) });",
  ]),
  client(2, 'an-empty-result', [
    "send({ jsonrpc: '2.0', id: message.id, ...failure(-32000, reason) });",
    "send({ jsonrpc: '2.0', id: message.id, result: {} });",
  ]),
  client(2, 'one-text-for-every-failure', ['failure(-32000, reason)', "failure(-32000, 'the server has failed')"]),
  client(2, 'errors-only-when-it-throws', [
    answersItself,
    answersItself.replace('if (isRequest', "if (!reason.startsWith('the server ended') && isRequest"),
  ]),
  client(2, 'hands-on-the-body-of-the-error', [
    '  if (response.ok) return response;\n',
    "  if (response.ok) return response;\n  process.stdout.write((await response.text()) + '\\n');\n",
  ]),
  client(2, 'ends-at-the-first-failure', [
    '    console.error(reason);\n',
    '    console.error(reason);\n    process.exit(1);\n',
  ]),
  client(2, 'answers-a-cancelled-request', [cancels, '']),
  client(2, 'forgets-all-when-one-is-cancelled', [
    '    unanswered.delete(message.params?.requestId as string | number);\n',
    '    unanswered.clear();\n',
  ]),
  client(2, 'cancels-the-id-as-text', [
    'message.params?.requestId as string | number',
    'String(message.params?.requestId)',
  ]),
  client(
    2,
    'keeps-the-ids-as-text',
    ['new Set<string | number>()', 'new Set<string>()'],
    ['unanswered.add(message.id)', 'unanswered.add(String(message.id))'],
    ['message.params?.requestId as string | number', 'String(message.params?.requestId)'],
    [
      'isResponse(message) && !unanswered.delete(message.id)',
      'isResponse(message) && !unanswered.delete(String(message.id))',
    ],
    [
      'isRequest(message) && unanswered.delete(message.id)',
      'isRequest(message) && unanswered.delete(String(message.id))',
    ],
  ),
  client(2, 'keeps-the-cancellation', [cancels, cancels.replace('  }\n', '    return;\n  }\n')]),
  client(2, 'cancels-the-id-of-the-notification', ['message.params?.requestId as', 'message.params?.id as']),
  client(2, 'opens-no-stream', [listens, '']),
  client(2, 'opens-the-stream-too-early', [
    listens,
    "  if (isRequest(message) && message.method === 'initialize') void listen();\n",
  ]),
  client(2, 'opens-the-stream-for-each-notification', [listens, '  if (isNotification(message)) void listen();\n']),
  client(2, 'asks-for-json', [
    "{ ...headers, Accept: 'text/event-stream' }",
    "{ ...headers, Accept: 'application/json' }",
  ]),
  client(2, 'a-stream-without-headers', [
    "{ ...headers, Accept: 'text/event-stream' }",
    "{ Accept: 'text/event-stream' }",
  ]),
  client(2, 'collects-the-stream', [
    listenStream,
    '    const all: unknown[] = [];\n    for await (const message of eventsIn(response)) all.push(message);\n    all.forEach(deliver);\n',
  ]),
  client(2, 'only-notifications-of-the-stream', [
    listenStream,
    '    for await (const message of eventsIn(response)) if (isNotification(message)) deliver(message);\n',
  ]),
  client(2, 'drops-what-is-under-way', [ending, 'leaving.abort();\nawait endSession();\nprocess.exit();\n']),
  client(2, 'says-goodbye-too-early', [
    ending,
    'leaving.abort();\nawait endSession();\nawait Promise.all(underWay);\n',
  ]),
  client(2, 'leaves-the-stream-open', ['leaving.abort();\n', '']),
  client(2, 'says-no-goodbye', ['await endSession();\n', '']),
  client(2, 'exits-with-code-1', ['await endSession();\n', 'await endSession();\nprocess.exitCode = 1;\n']),
  client(2, 'answers-notifications-too', [
    '    console.error(reason);\n',
    "    console.error(reason);\n    if (isNotification(message)) send({ jsonrpc: '2.0', id: null, ...failure(-32000, reason) });\n",
  ]),
  client(2, 'a-second-response', [
    '    console.error(reason);\n',
    '    console.error(reason);\n    if (isRequest(message)) unanswered.add(message.id);\n',
  ]),
  client(1, 'forgets-what-is-answered', [onlyAwaited, '']),
  client(1, 'awaits-the-stream', ['void listen()', 'await listen()']),

  server(3, 'loads-in-initialize', [agrees, '    index ??= loadIndex();\n    await index;\n' + agrees]),
  server(3, 'begins-to-load-in-initialize', [agrees, '    index ??= loadIndex();\n' + agrees]),
  server(3, 'loads-at-the-start', [
    'let index: Promise<Map<string, number>> | undefined;\n',
    'let index: Promise<Map<string, number>> | undefined;\nsetImmediate(() => (index = loadIndex()));\n',
  ]),
  server(3, 'loads-at-each-call', [loads, '    const counts = await loadIndex();\n']),
  server(3, 'keeps-the-index-when-it-is-loaded', [
    loads,
    '    const counts = index ? await index : await loadIndex();\n    index = Promise.resolve(counts);\n',
  ]),
  server(3, 'loads-for-each-tool', [
    '    const tool = tools.find(',
    '    await (index ??= loadIndex());\n    const tool = tools.find(',
  ]),
  server(3, 'loads-in-tools-list', [
    "  'tools/list': () => ({",
    "  'tools/list': async () => (await (index ??= loadIndex()), {",
  ]),
  server(3, 'lists-no-title', [lists, '        description,\n        annotations,\n']),
  server(3, 'lists-no-annotations', [lists, '        title,\n        description,\n']),
  server(3, 'no-annotations-of-one-tool', [
    countWordsHints,
    "  description: 'Returns the number of words in one document',\n",
  ]),
  server(3, 'not-read-only', [
    countWordsHints,
    countWordsHints.replace('readOnlyHint: true', 'destructiveHint: false'),
  ]),
  server(3, 'an-open-world', [countWordsHints, countWordsHints.replace(', openWorldHint: false', '')]),
  server(3, 'hints-at-the-top', [lists, '        title,\n        description,\n        ...annotations,\n']),
  server(3, 'an-argument-without-a-description', [".describe('the name of a document, such as letter.txt')", '']),
  server(3, 'describes-the-object', [
    "z.object({ document: z.string().describe('the name of a document, such as letter.txt') })",
    "z.object({ document: z.string() }).describe('the name of a document, such as letter.txt')",
  ]),
  server(3, 'no-output-schema', ['        outputSchema: output && z.toJSONSchema(output),\n', '']),
  server(3, 'a-schema-for-each-tool', ['output && z.toJSONSchema(output)', 'z.toJSONSchema(output ?? z.object({}))']),
  server(3, 'a-schema-that-is-null', ['output && z.toJSONSchema(output)', 'output ? z.toJSONSchema(output) : null']),
  server(3, 'the-zod-object-as-a-schema', ['output && z.toJSONSchema(output)', 'output']),
  server(3, 'a-type-that-json-schema-lacks', [
    'output && z.toJSONSchema(output)',
    "output && { type: 'object', properties: { words: { type: 'int' } } }",
  ]),
  server(3, 'a-schema-that-does-not-fit', ['words: z.number() })', 'words: z.string() })']),
  server(3, 'text-only', [
    returns,
    "    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }] };\n",
  ]),
  server(3, 'data-only', [returns, '    return { content: [], structuredContent };\n']),
  server(3, 'text-that-is-not-the-data', [
    returns,
    "    return { content: [{ type: 'text', text: `${words} words` }], structuredContent };\n",
  ]),
  server(3, 'structured-content-as-text', [
    returns,
    "    const text = JSON.stringify(structuredContent);\n    return { content: [{ type: 'text', text }], structuredContent: text as unknown as typeof structuredContent };\n",
  ]),
  server(3, 'not-found', [notThere, "      throw new Error('not found');\n"]),
  server(3, 'names-no-documents', [notThere, '      throw new Error(`There is no document ${document}.`);\n']),
  server(3, 'not-an-error', [
    notThere,
    "      return { content: [{ type: 'text', text: `There is no document ${document}. The documents are ${[...counts.keys()].join(', ')}.` }] };\n",
  ]),
  server(3, 'no-words-in-an-unknown-document', [`    if (words === undefined) {\n${notThere}    }\n`, '']),
  server(3, 'no-instructions', [
    "        instructions:\n          'Three short documents. Call count_words for the length of one of them, and process_files to work through all of them.',\n",
    '',
  ]),
  server(3, 'instructions-without-tools', [
    "'Three short documents. Call count_words for the length of one of them, and process_files to work through all of them.'",
    "'A helpful server with documents.'",
  ]),
  server(3, 'instructions-in-the-server-info', [
    "        serverInfo: { name: 'chunk-by-chunk', title: 'Chunk by Chunk', version: '1.0.0' },\n        instructions:\n          'Three short documents. Call count_words for the length of one of them, and process_files to work through all of them.',\n",
    "        serverInfo: { name: 'a', title: 'b', version: '1.0.0', instructions: 'count_words and process_files' },\n",
  ]),
  server(3, 'a-server-without-a-title', [introduces, introduces.replace(" title: 'Chunk by Chunk',", '')]),
];
