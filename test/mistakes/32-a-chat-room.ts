import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished programs that several mistakes change. */
const skips = "    if (member === except || levels.indexOf(member.level) > levels.indexOf('notice')) continue;\n";
const writes = '    if (member.stream) member.stream.write(event);\n    else member.waiting += event;\n';
const drops = '  for (const member of members) if (unread(member) > longestQueue) drop(member);\n';
const leaves = '    session.stream = undefined;\n    leave(session);\n';
const says = '    tell({ from: session.name, text }, session);\n';
const event =
  "  const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })}\\n\\n`;\n";
const taken = '    if (names.includes(name)) throw new Error(`the name ${name} is taken`);\n';

const listens = '  void listen();\n';
const reads = '  for await (const text of createInterface({ input: process.stdin, signal: stop.signal })) {\n';
const saysLine = "    if (text !== '') await callTool('say', { text });\n";
const loop = `${reads}${saysLine}  }\n  stop.signal.throwIfAborted();\n`;
const text = "  if ('text' in data) console.log(harmless(`${data.from}: ${data.text}`));\n";
const refused = '  if (isError) throw new Error(`the server refused ${tool}: ${textOf(content)}`);\n';
const noticesEnd = "    throw new Error('the server has ended the stream');\n";

const interrupts = '  stop.signal.throwIfAborted();\n';

export const mistakes: Mistake[] = [
  server(1, 'a-method-of-its-own', [event, event.replace('notifications/message', 'notifications/chat')]),
  server(1, 'an-echo-for-the-sender', [says, '    tell({ from: session.name, text });\n']),
  server(1, 'stays-when-its-stream-closes', [leaves, '    session.stream = undefined;\n']),
  server(
    1,
    'leaves-twice',
    ['  session.name = undefined;\n  session.waiting', '  session.waiting'],
    ['  if (!members.delete(session)) return;\n', '  members.delete(session);\n'],
  ),
  server(1, 'json-in-many-lines', [
    event,
    "  const json = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params }, null, 2);\n  const event = `data: ${json}\\n\\n`;\n",
  ]),
  server(1, 'anybody-speaks', [
    "    if (session.name === undefined) throw new Error('you are not in the room: call join first');\n    tell({ from: session.name, text }, session);\n",
    "    tell({ from: session.name ?? 'somebody', text }, session);\n",
  ]),
  server(1, 'everybody-hears', [
    '  for (const member of members) {\n    if (member === except',
    '  for (const member of sessions.values()) {\n    if (member === except',
  ]),
  server(1, 'two-with-one-name', [taken, '']),
  server(1, 'loses-what-comes-before-the-stream', [writes, '    member.stream?.write(event);\n']),
  server(1, 'keeps-everything-for-a-slow-reader', [drops, '']),
  server(
    1,
    'waits-for-a-slow-reader',
    [
      'function tell(data: object, except?: Session): void {\n',
      'async function tell(data: object, except?: Session): Promise<void> {\n',
    ],
    [
      writes,
      "    if (!member.stream) member.waiting += event;\n    else if (!member.stream.write(event)) await new Promise((resolve) => member.stream!.once('drain', resolve));\n",
    ],
  ),
  server(
    1,
    'removes-in-the-middle',
    [writes, `${writes}    if (unread(member) > longestQueue) drop(member);\n`],
    [drops, ''],
  ),
  server(1, 'ignores-the-level', [skips, '    if (member === except) continue;\n']),
  server(
    1,
    'waits-between-two-members',
    [
      'function tell(data: object, except?: Session): void {\n',
      'async function tell(data: object, except?: Session) {\n',
    ],
    [writes, `    await new Promise((resolve) => setTimeout(resolve, writeCount++ % 2 ? 220 : 20));\n${writes}`],
    ['/** Sends a message to all members', 'let writeCount = 0;\n\n/** Sends a message to all members'],
  ),
  server(1, 'drops-when-write-returns-false', [
    writes,
    '    if (!member.stream) member.waiting += event;\n    else if (!member.stream.write(event)) drop(member);\n',
  ]),
  server(1, 'a-second-stream-throws-it-out', ['    if (session.stream !== response) return;\n', '']),
  server(1, 'keeps-everything-before-the-stream', [
    '  return stream ? stream.writableLength : Buffer.byteLength(waiting);\n',
    '  return stream ? stream.writableLength : waiting && 0;\n',
  ]),

  client(2, 'opens-no-stream', [listens, '']),
  client(2, 'all-lines-at-the-same-time', [saysLine, "    if (text !== '') void callTool('say', { text });\n"]),
  client(2, 'reads-the-whole-input-first', [
    loop,
    `  const lines: string[] = [];
${reads}    lines.push(text);
  }
  for (const text of lines) if (text !== '') await callTool('say', { text });
  stop.signal.throwIfAborted();
`,
  ]),
  client(
    2,
    'prints-when-it-speaks',
    [text, "  if ('text' in data) heard.push(harmless(`${data.from}: ${data.text}`));\n"],
    ['let lastId = 0;\n', 'let lastId = 0;\nconst heard: string[] = [];\n'],
    [
      saysLine,
      "    if (text !== '') await callTool('say', { text });\n    for (const line of heard.splice(0)) console.log(line);\n",
    ],
  ),
  client(2, 'prints-control-characters', ["  return text.replaceAll(/\\p{Cc}/gu, ' ');\n", '  return text;\n']),
  client(2, 'names-are-harmless', [
    text,
    "  if ('text' in data) console.log(`${data.from}: ${harmless(String(data.text))}`);\n",
  ]),
  client(2, 'leaves-without-delete', ['  await endSession();\n', '']),
  client(2, 'exits-at-ctrl-c', [
    "  process.exitCode = 130;\n  stop.abort(new Error('interrupted'));\n",
    "  console.error('interrupted');\n  process.exit(130);\n",
  ]),
  client(2, 'ignores-is-error', [refused, '']),
  client(2, 'a-refusal-in-several-lines', ['`${url}: ${harmless(message)}`', '`${url}: ${message}`']),
  client(2, 'does-not-notice-the-end', [noticesEnd, '']),
  client(
    2,
    'ignores-the-logger',
    ["  if (logger !== 'chat' || !isObject(data)) return;\n", '  if (!isObject(data)) return;\n'],
    ['  const { logger, data } = message.params;\n', '  const { data } = message.params;\n'],
  ),
  client(2, 'says-nothing-after-an-abort', [interrupts, '']),
  client(2, 'leaves-the-stream-open', ['  await endSession();\n  stop.abort();\n', '  await endSession();\n']),
  client(2, 'speaks-without-a-stream', [
    '    if (!response.ok) throw new Error(`the answer to GET has status ${response.status}`);\n',
    '    if (response.status === 405) return;\n',
  ]),
];
