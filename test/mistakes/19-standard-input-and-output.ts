import { client, server, varying, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const decodes = '(rest + decoder.decode(piece as Buffer, { stream: true }))';
const splits = `    const lines = ${decodes}.split('\\n');\n`;
const keepsRest = '    rest = lines.pop()!;\n    yield* lines;\n';
const readsLines = `  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
${splits}${keepsRest}  }
`;
const skipsEmpty = "  if (line.trim() === '') return;\n";
const parses = `  try {
    message = JSON.parse(line);
  } catch {
    send({ jsonrpc: '2.0', id: null, ...failure(-32700, 'the line is not JSON') });
    return;
  }
`;
const notJson = "    send({ jsonrpc: '2.0', id: null, ...failure(-32700, 'the line is not JSON') });\n    return;\n";
const answers = "  if (isRequest(message)) send({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) });\n";
const refuses = `  else if (!isNotification(message) && !isResponse(message)) {
    send({ jsonrpc: '2.0', id: null, ...failure(-32600, 'the line must be one JSON-RPC message') });
  }
`;
const writes = '  process.stdout.write(`${JSON.stringify(message)}\\n`);\n';
const redirects = 'globalThis.console = new Console(process.stderr);\n';
const isLessSevere = '    if (levels.indexOf(level) < levels.indexOf(session.level)) return;\n';
const notifies = "    send({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n";
const continues = '  void receive(line);\n';
const loop = 'for await (const line of linesIn(process.stdin)) {\n';
const listens = "console.error('reading messages from standard input');\n";

/** Lines of the finished client that several mistakes change. */
const spawns = "const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });\n";
const ended = "const ended = once(server, 'exit').catch(() => {});\n";
const ignoresError = "server.stdin.on('error', () => {});\n";
const farewell = `  server.stdin.end();
  if (await endsInTime()) return;
  server.kill('SIGTERM');
  if (await endsInTime()) return;
  server.kill('SIGKILL');
`;
const waits = '    waiting.set(id, resolve);\n';
const sends = '  server.stdin.write(`${JSON.stringify(message)}\\n`);\n';
const starts = "  await once(server, 'spawn').catch((error: Error) => fail(2, error.message));\n";
const receives = '  for await (const line of linesIn(server.stdout)) receive(line);\n';
const outputEnds = "  fail(5, 'the server ended before it had answered');\n";
const prints = '  if (isNotification(message)) return console.log(`NOTIFICATION: ${described(message)}`);\n';
const refusesLine =
  '  if (!isResponse(message)) fail(4, `the server printed a line that is not a message: ${line.slice(0, 100)}`);\n';
const resolves = '  waiting.get(message.id)?.(message);\n';
const finallyEnds = '} finally {\n  await endServer();\n}\n';
const printsResult = '  console.log(`RESULT: ${textOf(result)}`);\n';
const shakes = "  send({ jsonrpc: '2.0', method: 'notifications/initialized' });\n";

export const mistakes: Mistake[] = [
  server(1, 'a-piece-is-a-message', [readsLines, '  for await (const piece of stream) yield String(piece);\n']),
  server(1, 'keeps-no-rest', [splits + keepsRest, `    yield* ${decodes}.split('\\n');\n`]),
  server(1, 'forgets-the-rest', [decodes, 'decoder.decode(piece as Buffer, { stream: true })']),
  server(1, 'the-rest-is-a-message', [
    keepsRest,
    "    rest = lines.pop()!;\n    yield* lines;\n    if (rest !== '') yield rest;\n",
  ]),
  server(1, 'decodes-each-piece-alone', [decodes, '(rest + String(piece))']),
  server(1, 'decodes-without-stream', [', { stream: true }', '']),
  server(1, 'the-first-line-of-a-piece', [
    keepsRest,
    '    rest = lines.pop()!;\n    if (lines.length > 0) yield lines[0]!;\n',
  ]),
  server(1, 'splits-at-cr-lf-only', [".split('\\n')", ".split('\\r\\n')"]),
  server(1, 'every-line-terminator-of-javascript', [".split('\\n')", '.split(/\\r\\n|[\\n\\r\\u2028\\u2029]/)']),
  server(
    1,
    'reads-to-the-end',
    [splits + keepsRest, `    rest = ${decodes};\n`],
    ['  }\n}\n\n/** Answers the message', "  }\n  yield* rest.split('\\n');\n}\n\n/** Answers the message"],
  ),
  server(1, 'refuses-an-empty-line', [skipsEmpty, '']),
  server(1, 'skips-only-the-shortest-line', [skipsEmpty, "  if (line === '') return;\n"]),
  server(1, 'throws-when-a-line-is-not-json', [parses, '  message = JSON.parse(line);\n']),
  server(1, 'is-silent-when-a-line-is-not-json', [notJson, '    return;\n']),
  server(1, 'ends-when-a-line-is-not-json', [notJson, notJson.replace('return', 'process.exit(1)')]),
  server(1, 'one-code-for-all-bad-lines', [notJson, notJson.replace('-32700', '-32600')]),
  server(1, 'invents-an-id', [notJson, notJson.replace('id: null', 'id: 0')]),
  server(1, 'answers-a-batch', [
    skipsEmpty,
    `${skipsEmpty}  if (line.startsWith('[')) return (JSON.parse(line) as unknown[]).forEach((each) => void receive(JSON.stringify(each)));\n`,
  ]),
  server(1, 'is-silent-about-everything-else', [refuses, '']),
  server(1, 'every-object-is-a-message', [
    refuses,
    refuses.replace(
      '!isNotification(message) && !isResponse(message)',
      "typeof message !== 'object' || Array.isArray(message)",
    ),
  ]),
  server(1, 'refuses-notifications', [refuses, refuses.replace('!isNotification(message) && ', '')]),
  server(1, 'refuses-responses', [refuses, refuses.replace(' && !isResponse(message)', '')]),
  server(1, 'answers-what-has-a-method', [
    answers,
    "  if (isRequest(message) || isNotification(message)) send({ jsonrpc: '2.0', id: (message as JsonRpcRequest).id, ...(await answer(message as JsonRpcRequest)) });\n",
  ]),
  server(1, 'calls-the-tool-of-a-notification', [
    answers,
    '  if (isNotification(message)) await answer(message as JsonRpcRequest);\n' + answers,
  ]),
  server(1, 'an-id-is-a-string', [answers, answers.replace('id: message.id', 'id: String(message.id)')]),
  server(1, 'the-ids-0-and-empty-are-none', [
    answers,
    answers.replace('isRequest(message)', 'isRequest(message) && message.id'),
  ]),
  server(1, 'does-not-await-the-answer', [answers, answers.replace('(await answer(message))', 'answer(message)')]),
  server(1, 'sends-the-bare-result', [answers, '  if (isRequest(message)) send(await answer(message));\n']),
  server(1, 'no-line-break', [writes, '  process.stdout.write(JSON.stringify(message));\n']),
  server(1, 'an-empty-line-after-each-message', [
    writes,
    '  process.stdout.write(`${JSON.stringify(message)}\\n\\n`);\n',
  ]),
  server(1, 'pretty-json', [writes, '  process.stdout.write(`${JSON.stringify(message, null, 2)}\\n`);\n']),
  server(1, 'a-length-before-each-message', [
    writes,
    '  const text = JSON.stringify(message);\n  process.stdout.write(`Content-Length: ${Buffer.byteLength(text)}\\r\\n\\r\\n${text}`);\n',
  ]),
  server(1, 'says-hello-on-standard-output', [
    listens,
    "process.stdout.write('reading messages from standard input\\n');\n",
  ]),
  server(2, 'one-message-after-the-other', [continues, '  await receive(line);\n']),
  server(
    2,
    'a-queue-of-calls',
    [continues, '  queue = queue.then(() => receive(line));\n'],
    [loop, 'let queue = Promise.resolve();\n' + loop],
  ),
  server(
    2,
    'one-id-for-all',
    [
      answers,
      `  if (isRequest(message)) {
    latest = message.id;
    const answered = await answer(message);
    send({ jsonrpc: '2.0', id: latest, ...answered });
  }
`,
    ],
    ['/** Answers the message in a line', 'let latest: string | number;\n\n/** Answers the message in a line'],
  ),
  server(
    2,
    'one-message-for-all-calls',
    ['  async run({ message }, context) {\n', '  async run({ message: own }, context) {\n    message = own;\n'],
    ['const processFiles:', 'let message: string;\n\nconst processFiles:'],
  ),
  server(2, 'logs-nothing', [notifies, '']),
  server(
    2,
    'collects-what-tools-log',
    [
      notifies,
      "    collected.push({ jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });\n",
    ],
    [
      answers,
      "  const answered = isRequest(message) && (await answer(message));\n  collected.splice(0).forEach(send);\n  if (isRequest(message)) send({ jsonrpc: '2.0', id: message.id, ...(answered as Answer) });\n",
    ],
    ['/** Answers the message in a line', 'const collected: object[] = [];\n\n/** Answers the message in a line'],
  ),
  server(2, 'a-log-message-has-an-id', [notifies, notifies.replace("'2.0', method", "'2.0', id: 1, method")]),
  server(2, 'invents-a-method', [notifies, notifies.replace('notifications/message', 'notifications/log')]),
  server(2, 'forgets-the-level-of-the-client', [isLessSevere, '']),
  server(
    2,
    'keeps-the-level-of-the-beginning',
    [isLessSevere, isLessSevere.replace('session.level', 'least')],
    ['const context: Context = {\n', 'const contextAt = (least: string): Context => ({\n'],
    [notifies + '  },\n};\n', notifies + '  },\n});\n'],
    ['context, session);\n}', 'contextAt(session.level), session);\n}'],
  ),
  server(2, 'leaves-the-console-alone', [redirects, '']),
  server(2, 'redirects-console-log-only', [redirects, 'console.log = console.error;\n']),
  server(2, 'silences-the-console', [redirects, 'console.log = console.info = console.debug = () => {};\n']),
  server(2, 'prints-only-the-first-value', [
    redirects,
    'console.log = console.info = console.debug = (text: unknown) => void process.stderr.write(`${text}\\n`);\n',
  ]),
  server(
    2,
    'puts-the-old-console-back',
    [redirects, 'const usual = globalThis.console;\n'],
    [
      answers,
      `  if (isRequest(message)) {
    globalThis.console = new Console(process.stderr);
    const answered = await answer(message);
    globalThis.console = usual;
    send({ jsonrpc: '2.0', id: message.id, ...answered });
  }
`,
    ],
  ),
  server(2, 'waits-only-for-the-last-line', [
    loop + continues + '}\n',
    `let last = Promise.resolve();\n${loop}  last = receive(line);\n}\nawait last;\nprocess.exit();\n`,
  ]),
  server(2, 'exits-at-the-end-of-the-input', [continues + '}\n', continues + '}\nprocess.exit();\n']),
  server(2, 'runs-for-ever', [loop, 'setInterval(() => {}, 60_000);\n' + loop]),
  server(2, 'writes-nothing-after-the-input', [writes, '  if (process.stdin.readableEnded) return;\n' + writes]),
  server(2, 'an-end-is-an-error', [continues + '}\n', continues + '}\nprocess.exitCode = 1;\n']),
  client(3, 'by-a-shell', [spawns, spawns.replace("'inherit'] }", "'inherit'], shell: true }")]),
  client(3, 'does-not-wait-for-the-handshake', ['  await shakeHands();\n', '  void shakeHands();\n']),
  client(3, 'no-initialized', [shakes, '']),
  client(3, 'the-same-id-again', ['++lastId', 'lastId']),
  client(3, 'no-line-break-after-a-message', [sends, '  server.stdin.write(JSON.stringify(message));\n']),
  client(3, 'ends-the-input-after-each-message', [sends, sends.replace('.write', '.end')]),
  client(3, 'a-piece-is-a-line', [readsLines, '  for await (const piece of stream) yield String(piece);\n']),
  client(3, 'decodes-each-piece-of-the-output-alone', [decodes, '(rest + String(piece))']),
  client(3, 'reads-when-the-server-has-ended', [
    receives,
    '  const lines: string[] = [];\n  for await (const line of linesIn(server.stdout)) lines.push(line);\n  lines.forEach(receive);\n',
  ]),
  client(
    3,
    'prints-notifications-at-the-end',
    [prints, '  if (isNotification(message)) return void late.push(`NOTIFICATION: ${described(message)}`);\n'],
    [printsResult, '  for (const line of late) console.log(line);\n' + printsResult],
    ['let lastId = 0;\n', 'let lastId = 0;\nconst late: string[] = [];\n'],
  ),
  client(3, 'any-response-will-do', [resolves, '  for (const resolve of waiting.values()) resolve(message);\n']),
  client(3, 'compares-ids-as-numbers', [resolves, '  waiting.get(Number(message.id))?.(message);\n']),
  client(3, 'throws-when-nobody-waits', [resolves, '  waiting.get(message.id)!(message);\n']),
  client(3, 'skips-a-ping-with-the-id-0', [
    '  if (isRequest(message)) return',
    '  if (isRequest(message) && !message.id) return;\n  if (isRequest(message)) return',
  ]),
  client(3, 'nobody-reads-standard-error', [spawns, 'const server = spawn(command, args);\n']),
  client(3, 'standard-error-on-standard-output', [spawns, spawns.replace("'inherit'", '1')]),
  client(3, 'kills-the-server', [farewell, "  server.kill('SIGKILL');\n"]),
  client(3, 'sends-sigterm-immediately', [
    farewell,
    "  server.stdin.end();\n  server.kill('SIGTERM');\n  await ended;\n",
  ]),
  // The grader ends the server together with its client, which may be sooner than the server sees the end of its input.
  varying(
    client(
      3,
      'ends-the-input-and-leaves',
      [farewell, '  server.stdin.end();\n  server.unref();\n'],
      [finallyEnds, '} finally {\n  await endServer();\n}\nprocess.exit();\n'],
    ),
  ),
  client(3, 'never-ends-the-input', [farewell, farewell.replace('  server.stdin.end();\n', '')]),
  client(3, 'waits-without-an-end', [farewell, '  server.stdin.end();\n  await ended;\n']),
  client(3, 'sigkill-comes-first', [
    farewell,
    "  server.stdin.end();\n  if (await endsInTime()) return;\n  server.kill('SIGKILL');\n",
  ]),
  // The server may still report SIGTERM, or be gone before.
  varying(
    client(3, 'does-not-wait-after-sigterm', [
      farewell,
      farewell.replace("  if (await endsInTime()) return;\n  server.kill('SIGKILL');\n", "  server.kill('SIGKILL');\n"),
    ]),
  ),
  // The cause has the time in it.
  varying(
    client(3, 'waits-only-a-moment-after-sigterm', [
      farewell,
      farewell.replace(
        "  if (await endsInTime()) return;\n  server.kill('SIGKILL');\n",
        "  if (await Promise.race([ended.then(() => true), sleep(20, false, { ref: false })])) return;\n  server.kill('SIGKILL');\n",
      ),
    ]),
  ),
  client(3, 'no-sigkill', [
    farewell,
    farewell.replace("  if (await endsInTime()) return;\n  server.kill('SIGKILL');\n", ''),
  ]),
  client(3, 'the-timer-keeps-it-running', [
    'sleep(farewellLimit, false, { ref: false })',
    'sleep(farewellLimit, false)',
  ]),
  client(3, 'a-signal-is-a-failure', [
    farewell,
    farewell.replace("  server.kill('SIGTERM');\n", "  server.kill('SIGTERM');\n  process.exitCode = 1;\n"),
  ]),
  client(3, 'a-start-that-fails-is-an-end', [starts, '']),
  client(
    3,
    'nobody-hears-of-the-start',
    [starts, ''],
    [ended, "const ended = new Promise((resolve) => server.once('exit', resolve));\n"],
  ),
  client(3, 'code-5-for-a-start-that-fails', [starts, starts.replace('fail(2', 'fail(5')]),
  client(3, 'an-end-is-no-failure', [outputEnds, '  return new Promise(() => {});\n']),
  client(3, 'an-end-is-a-success', [outputEnds, '  process.exit();\n']),
  client(3, 'a-write-without-a-reader', [ignoresError, '']),
  client(3, 'skips-a-line-that-is-not-a-message', [refusesLine, '  if (!isResponse(message)) return;\n']),
  client(3, 'does-not-show-the-line', [refusesLine, refusesLine.replace(': ${line.slice(0, 100)}', '')]),
  client(
    3,
    'ends-the-server-only-after-success',
    [finallyEnds, '}\n'],
    [printsResult, printsResult + '  await endServer();\n'],
  ),
  client(3, 'forgets-who-waits', [waits, '']),
];
