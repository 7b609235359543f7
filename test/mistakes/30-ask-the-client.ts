import { client, server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const decline = "  if (answer.kind === 'elicit' && answer.action === 'decline') return text(`Declined: ${message}`);\n";
const cancel = "  if (answer.kind === 'elicit' && answer.action === 'cancel') return text(`Cancelled: ${message}`);\n";
const wanted = "  const wanted = acceptedContent(mcpReq.inputResponses, 'wishes', wishes);\n";
const asks = '  if (!wanted) return question(message, names);\n';
const requests = '    inputRequests: { wishes: inputRequired.elicit({ message: text, requestedSchema: wishes }) },\n';
const mint = '    requestState: await states.mint({ message, names }),\n';
const codec = 'const states = createRequestStateCodec<Found>({ key: process.env.STATE_KEY ?? randomBytes(32) });\n';
const options = '    { capabilities: { logging: {} }, requestState: { verify: states.verify } },\n';
const found = '  const found = mcpReq.requestState<Found>();\n';
const bound =
  "  if (found && found.message !== message) throw new Error('this requestState belongs to a different call');\n";
const search = '  const names = found?.names ?? (await search(mcpReq));\n';
const begins = 'async function processFiles(';

/** Lines of the finished client that several mistakes change. */
const capability =
  "  { versionNegotiation: { mode: 'auto' }, capabilities: { elicitation: { form: { applyDefaults: true } } } },\n";
const handler =
  "client.setRequestHandler('elicitation/create', ({ params }) => ask(params as ElicitRequestFormParams));\n";
const declines = "  if (answers.delete('decline')) return { action: 'decline' };\n";
const uses = '    answers.delete(name);\n';
const mustAsk = '    if (text === undefined && usual === undefined && required.includes(name)) {\n';
const line = '      text = await nextLine();\n';
const nobody = "      if (text === undefined) return { action: 'cancel' };\n";
const accepts = "  return { action: 'accept', content };\n";
const numbers = "  if (type === 'number' || type === 'integer') return Number(text);\n";
const booleans = "  if (type === 'boolean') return text === 'true';\n";
const closes = "  stop.abort(new Error('interrupted'));\n  input.close();";

export const mistakes: Mistake[] = [
  server(
    1,
    'takes-the-answer-of-the-last-call',
    [begins, `let last: z.infer<typeof wishes> | undefined;\n\n${begins}`],
    [wanted, wanted.replace('const wanted = ', 'const wanted = (last ??= ').replace(';', ');')],
  ),
  // Which of several calls comes last decides whose message the others get.
  varying(
    server(
      1,
      'shares-the-message',
      [begins, `let current = '';\n\n${begins}`],
      [found, `  current = message;\n${found}`],
      ['`Done: ${message} (', '`Done: ${current} ('],
    ),
  ),
  server(1, 'asks-nobody', [wanted, "  const wanted = wishes.parse({ signature: 'nobody' });\n"]),
  server(1, 'asks-for-nothing', [requests, '    inputRequests: {},\n']),
  server(1, 'asks-again-after-a-refusal', [decline, '']),
  server(1, 'asks-again-after-a-cancel', [cancel, '']),
  server(1, 'asks-again-after-every-refusal', [decline + cancel, '']),
  server(1, 'takes-cancel-for-decline', [
    decline + cancel,
    "  if (answer.kind === 'elicit' && answer.action !== 'accept') return text(`Declined: ${message}`);\n",
  ]),
  server(
    1,
    'processes-after-a-refusal',
    [decline, ''],
    [
      wanted,
      "  const content = answer.kind === 'elicit' ? { signature: 'nobody', ...answer.content } : undefined;\n  const wanted = wishes.safeParse(content).data;\n",
    ],
  ),
  server(1, 'validates-nothing', [
    wanted,
    "  const wanted = acceptedContent<z.infer<typeof wishes>>(mcpReq.inputResponses, 'wishes');\n",
  ]),
  server(1, 'repairs-what-is-wrong', [
    wanted,
    "  const content = acceptedContent(mcpReq.inputResponses, 'wishes');\n  const wanted = content && (wishes.safeParse(content).data ?? wishes.parse({ signature: 'nobody' }));\n",
  ]),
  server(1, 'reads-a-different-key', [wanted, wanted.replace("'wishes'", "'answer'")]),
  server(1, 'asks-only-for-the-signature', [
    requests,
    requests.replace('requestedSchema: wishes', 'requestedSchema: wishes.pick({ signature: true })'),
  ]),
  server(1, 'pushes-in-both-eras', [
    `  const answer = inputResponse(mcpReq.inputResponses, 'wishes');
${decline}${cancel}${wanted}${asks}`,
    `  const pushed = inputRequired.elicit({ message: 'How are they processed?', requestedSchema: wishes });
  const answer = await mcpReq.elicitInput(pushed.params as never, { relatedRequestId: mcpReq.id });
  if (answer.action === 'decline') return text(\`Declined: \${message}\`);
  if (answer.action === 'cancel') return text(\`Cancelled: \${message}\`);
  const wanted = wishes.parse(answer.content);
`,
  ]),
  server(1, 'pushes-on-no-stream', [
    `  const answer = inputResponse(mcpReq.inputResponses, 'wishes');
${decline}${cancel}${wanted}${asks}`,
    `  const pushed = inputRequired.elicit({ message: 'How are they processed?', requestedSchema: wishes });
  const answer = await mcpReq.elicitInput(pushed.params as never);
  if (answer.action === 'decline') return text(\`Declined: \${message}\`);
  if (answer.action === 'cancel') return text(\`Cancelled: \${message}\`);
  const wanted = wishes.parse(answer.content);
`,
  ]),
  server(
    1,
    'asks-one-after-the-other',
    [begins, `let asking: string | undefined;\n\n${begins}`],
    [
      wanted,
      `${wanted}  while (!wanted && asking !== undefined && asking !== message) await new Promise((resolve) => setImmediate(resolve));
  asking = wanted ? undefined : message;
`,
    ],
  ),
  server(1, 'processes-for-a-client-that-cannot-ask', [
    wanted,
    `  const able = mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? { elicitation: {} };
  const answered = acceptedContent(mcpReq.inputResponses, 'wishes', wishes);
  const wanted = answered ?? ('elicitation' in able ? undefined : wishes.parse({ signature: 'nobody' }));
`,
  ]),
  server(1, 'tells-a-client-in-words-only', [
    wanted,
    `  const able = mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? { elicitation: {} };
  if (!('elicitation' in able)) return text('You cannot be asked.');
${wanted}`,
  ]),

  server(2, 'keeps-no-state', [mint, '']),
  server(
    2,
    'writes-the-state-as-json',
    [options, '    { capabilities: { logging: {} } },\n'],
    [found, "  const found = JSON.parse(mcpReq.requestState<string>() ?? 'null') as Found | null;\n"],
    [mint, '    requestState: JSON.stringify({ message, names }),\n'],
  ),
  server(1, 'passes-no-verify', [options, '    { capabilities: { logging: {} } },\n']),
  server(
    2,
    'reads-the-state-without-its-seal',
    [options, '    { capabilities: { logging: {} } },\n'],
    [
      found,
      `  const raw = mcpReq.requestState<string>()?.split('.')[1];
  const found = raw === undefined ? undefined : (JSON.parse(Buffer.from(raw, 'base64url').toString()) as { p: Found }).p;
`,
    ],
  ),
  server(
    1,
    'makes-a-key-for-each-server',
    [codec, 'let states = createRequestStateCodec<Found>({ key: process.env.STATE_KEY ?? randomBytes(32) });\n'],
    [
      '  const server = new McpServer(\n',
      '  states = createRequestStateCodec<Found>({ key: process.env.STATE_KEY ?? randomBytes(32) });\n  const server = new McpServer(\n',
    ],
  ),
  server(
    1,
    'binds-to-the-id-of-the-request',
    [codec, codec.replace(' }', ', bind: ({ mcpReq }) => String(mcpReq.id) }').replace('32)', '32)')],
    [asks, asks.replace('names)', 'names, { mcpReq } as ServerContext)')],
    [
      'async function question(message: string, names: string[])',
      'async function question(message: string, names: string[], context: ServerContext)',
    ],
    [mint, mint.replace('names })', 'names }, context)')],
  ),
  server(2, 'takes-the-state-of-any-call', [bound, '']),
  server(2, 'searches-each-time', [search, '  const names = await search(mcpReq);\n']),
  server(
    1,
    'keeps-the-names-in-a-variable',
    [begins, `let known: Found | undefined;\n\n${begins}`],
    [found, '  const found = mcpReq.requestState<Found>() && known;\n'],
    [search, `${search}  known = { message, names };\n`],
  ),
  server(2, 'takes-a-missing-answer-for-a-cancel', [
    asks,
    `  if (found && answer.kind === 'missing') return text(\`Cancelled: \${message}\`);
${asks}`,
  ]),
  server(2, 'throws-without-an-answer', [
    asks,
    `  if (found && !wanted) throw new Error('there is no answer');
${asks}`,
  ]),
  server(2, 'takes-the-first-answer', [
    wanted,
    "  const [key = ''] = Object.keys(mcpReq.inputResponses ?? {});\n  const wanted = acceptedContent(mcpReq.inputResponses, key, wishes);\n",
  ]),
  server(2, 'refuses-unknown-fields', [wanted, wanted.replace(', wishes)', ', z.strictObject(wishes.shape))')]),
  server(2, 'refuses-further-answers', [
    asks,
    `  if (Object.keys(mcpReq.inputResponses ?? {}).length > 1) throw new Error('too many answers');
${asks}`,
  ]),
  server(
    2,
    'asks-again-without-a-state',
    [asks, '  if (!wanted) return question(message, found ? [] : names);\n'],
    [mint, '    ...(names.length > 0 && { requestState: await states.mint({ message, names }) }),\n'],
  ),

  client(3, 'declares-nothing', [capability, "  { versionNegotiation: { mode: 'auto' } },\n"]),
  client(3, 'handles-nothing', [handler, '']),
  client(3, 'fills-in-no-defaults', [capability, capability.replace('form: { applyDefaults: true }', '')]),
  client(3, 'declines-everything', [declines, "  return { action: 'decline' };\n"]),
  client(3, 'accepts-without-content', [accepts, "  return { action: 'accept', content: {} };\n"]),
  client(3, 'sends-only-strings', [numbers + booleans, '']),
  client(3, 'forgets-integers', [numbers, "  if (type === 'number') return Number(text);\n"]),
  client(3, 'cuts-numbers', [numbers, numbers.replace('Number(text)', 'Number.parseInt(text)')]),
  client(3, 'takes-false-for-true', [booleans, "  if (type === 'boolean') return Boolean(text);\n"]),
  client(3, 'prints-no-question', ['  console.log(`QUESTION: ${message}`);\n', '']),
  client(3, 'asks-for-every-field', [mustAsk, '    if (text === undefined) {\n']),
  client(3, 'asks-in-spite-of-a-default', [mustAsk, mustAsk.replace(' && usual === undefined', '')]),
  client(3, 'takes-a-default-for-none', [mustAsk, mustAsk.replace('usual === undefined', '!usual')]),
  client(3, 'takes-an-empty-text-for-none', ['    if (text !== undefined) content', '    if (text) content']),
  client(3, 'declines-when-nobody-is-there', [nobody, nobody.replace('cancel', 'decline')]),
  client(3, 'takes-an-empty-line-for-the-end', [nobody, nobody.replace('text === undefined', '!text')]),
  client(3, 'waits-for-a-user-who-is-gone', [nobody, '      if (text === undefined) await new Promise(() => {});\n']),
  client(3, 'takes-decline-for-an-answer', [declines, '']),
  client(3, 'declines-every-question', [declines, declines.replace('delete', 'has')]),
  client(3, 'gives-the-same-answer-again', [uses, '']),
  client(3, 'gives-an-optional-answer-again', [uses, `    if (required.includes(name)) answers.delete(name);\n`]),
  client(3, 'forgets-the-answers-to-later-questions', [accepts, `  answers.clear();\n${accepts}`]),
  client(3, 'keeps-the-question-open-after-ctrl-c', [closes, "  stop.abort(new Error('interrupted'));\n"]),
  client(3, 'reads-all-lines-first', [
    line,
    `      const all: string[] = [];
      for (let next = await nextLine(); next !== undefined; next = await nextLine()) all.push(next);
      text = all.shift();
`,
  ]),
];
