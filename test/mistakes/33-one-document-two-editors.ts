import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const queues = `  const applied = lastEdit.then(() => apply(change));
  lastEdit = applied.catch(() => {});
  return applied;
`;
const checksBase =
  '  if (base !== version) throw new Error(`version ${base} is not the current version, which is ${version}`);\n';
const checksRange =
  '  if (from < 1 || to < from - 1 || to > old.length) throw new Error(`there are no lines ${from} to ${to}`);\n';
const saves = "  await work('save');\n  shared = { version: version + 1, lines: edited };\n  announce();\n";
const tells = '    if (subscribed) stream?.write(`data: ${JSON.stringify(message)}\\n\\n`);\n';
const forSessions = '  for (const { subscribed, stream } of sessions.values()) {\n';
const subscribes = '      session.subscribed = true;\n';

/** Lines of the finished client that several mistakes change. */
const begins = '  await client.subscribeResource({ uri });\n  await refresh();\n';
const isNewer = '  if (read.version <= seen.version) return;\n';
const answered = '    await refresh();\n    if (!result.isError) return true;\n';
const moves = '    line = moved(line, before.lines, seen.lines);\n';
export const mistakes: Mistake[] = [
  server(1, 'the-save-is-not-awaited', [saves, saves.replace('await ', 'void ')]),
  server(1, 'changes-the-document-before-the-save', [
    saves,
    "  shared = { version: version + 1, lines: edited };\n  await work('save');\n  announce();\n",
  ]),
  server(1, 'to-is-not-included', ['to - from + 1, ...lines', 'to - from, ...lines']),
  server(1, 'counts-the-new-lines', ['{ version: version + 1,', '{ version: version + Math.max(1, lines.length),']),
  server(1, 'accepts-a-newer-base', [checksBase, checksBase.replace('!==', '<')]),
  server(1, 'a-refusal-has-no-version', [
    "content: [{ type: 'text', text }], structuredContent, ...(isError && { isError })",
    "content: [{ type: 'text', text }], ...(isError ? { isError } : { structuredContent })",
  ]),
  server(1, 'trusts-the-numbers', [checksRange, '']),
  server(1, 'a-line-may-have-a-line-break', ['z.string().regex(/^[^\\r\\n]*$/)', 'z.string()']),
  server(
    1,
    'checks-and-then-awaits',
    [queues, '  return apply(change);\n'],
    ['let lastEdit: Promise<void> = Promise.resolve();\n', ''],
  ),
  server(
    1,
    'checks-when-the-request-arrives',
    [queues, `  if (change.base !== shared.version) return Promise.reject(new Error('old'));\n${queues}`],
    [checksBase, ''],
    ['async function apply({ base, from', 'async function apply({ from'],
  ),
  server(1, 'a-failed-save-stops-all-edits', ['  lastEdit = applied.catch(() => {});\n', '  lastEdit = applied;\n']),
  server(1, 'tells-before-the-save', [saves, `  announce();\n${saves.replace('  announce();\n', '')}`]),
  server(
    1,
    'a-subscriber-for-each-request',
    [forSessions, '  for (const { stream } of subscribers) {\n'],
    [tells, tells.replace('if (subscribed) ', '')],
    [subscribes, `${subscribes}      subscribers.push(session);\n`],
    [
      'const sessions = new Map<string, Session>();\n',
      'const sessions = new Map<string, Session>();\nconst subscribers: Session[] = [];\n',
    ],
  ),
  server(
    1,
    'tells-everybody',
    [tells, tells.replace('if (subscribed) ', '')],
    [forSessions, forSessions.replace('subscribed, ', '')],
  ),
  server(1, 'subscribes-to-any-uri', [
    `(params, session) =>\n    ofDocument(params, () => {\n${subscribes}      return {};\n    }),`,
    `(_params, session) => {\n${subscribes}      return { result: {} };\n    },`,
  ]),
  server(1, 'nobody-can-unsubscribe', ['      session.subscribed = false;\n', '      void session;\n']),

  client(2, 'reads-before-it-subscribes', [begins, '  await refresh();\n  await client.subscribeResource({ uri });\n']),
  client(2, 'ignores-what-the-server-sends', [
    "client.setNotificationHandler('notifications/resources/updated', () => refresh().catch(giveUp));\n",
    '',
  ]),
  client(2, 'prints-whatever-it-reads', [isNewer, '']),
  client(2, 'waits-for-no-command', ['(await carryOut(command))', 'carryOut(command)']),
  client(2, 'reads-only-when-it-is-told', [answered, '    if (!result.isError) return true;\n    await refresh();\n']),
  client(2, 'never-tries-again', [answered, `${answered}    if (result.isError) return false;\n`]),
  client(2, 'tries-again-with-the-old-number', [moves, '']),
  client(
    2,
    'compares-with-the-version-of-the-first-try',
    ['  for (let tries = 0;', '  const first = seen.lines;\n  for (let tries = 0;'],
    [moves, moves.replace('before.lines', 'first')],
  ),
  client(2, 'takes-line-0-for-no-line', [
    'line === undefined ? [end + 1, end] : [line, line]',
    'line ? [line, line] : [end + 1, end]',
  ]),
  client(2, 'an-error-in-several-lines', [
    "  console.error(`${url}: ${(error as Error).message.replaceAll(/\\s+/g, ' ')}`);\n",
    '  console.error(`${url}: ${(error as Error).message}`);\n',
  ]),
  client(
    2,
    'looks-at-the-old-version-after-the-call',
    [answered, `    const old = seen.lines;\n${answered}`],
    [moves, moves.replace('before.lines', 'old')],
  ),
  client(2, 'overwrites-what-somebody-else-has-written', [
    '  if (line > old.length - end) return line + now.length - old.length;\n',
    '  return line > old.length - end ? line + now.length - old.length : line;\n',
  ]),
  client(2, 'tries-for-ever', ['tries < mostTries', 'tries >= 0']),
  client(2, 'a-refusal-has-no-exit-code', ['    process.exitCode = 8;\n', '']),
  client(2, 'takes-an-error-for-a-refusal', [
    'arguments: change });',
    'arguments: change }).catch(() => ({ isError: true }));',
  ]),
  client(2, 'nobody-hears-of-a-failed-read', ['refresh().catch(giveUp)', 'refresh().catch(() => {})']),
];
