import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const linesOfText = 'const lines = data.split(/\\r\\n|\\r|\\n/).map((line) => `data: ${line}\\n`);';
const writesEvent = "response.write(`event: ${event}\\n${lines.join('')}\\n`);";
const writesResult = "sendEvent(response, 'result', decimal(operations[op!]!(Number(a), Number(b))));";
const refuses = `  if (wrong) {
    const expected = wrong === 'op' ? Object.keys(operations).join(' or ') : 'a number';
    response.status(400).json({ parameter: wrong, error: \`\${wrong} must be \${expected}\` });
    return;
  }
`;
const noNumber = "typeof text === 'string' && text.trim() !== '' && Number.isFinite(Number(text))";
const divisionByZero = `    sendEvent(response, 'error', 'division by zero');
    response.end();
    return;
`;
const writesComment = "setInterval(() => response.write(': still at work\\n\\n'), quietInterval)";

/** Lines of the finished client. */
const readsPiece = `    if (piece === '') return;
    // A \\r ends its line at once; a \\n that begins the next piece is its second half.
    const text = afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\\r');
    const lines = (unfinished + text).split(/\\r\\n|\\r|\\n/);
    unfinished = lines.pop()!;
`;
const splitsField = '/^([^:]*):? ?(.*)$/s.exec(line)!';
const readsField = `    if (field === 'data') data.push(value!);
`;

export const mistakes: Mistake[] = [
  server(1, 'content-type-of-text', ["'Content-Type': 'text/event-stream'", "'Content-Type': 'text/plain'"]),
  server(1, 'one-line-break-too-few', [writesEvent, "response.write(`event: ${event}\\n${lines.join('')}`);"]),
  server(1, 'no-blank-line-at-the-end', [
    writesResult,
    'response.write(`event: result\\ndata: ${decimal(operations[op!]!(Number(a), Number(b)))}\\n`);',
  ]),
  server(1, 'blank-line-inside-the-event', [
    writesEvent,
    "response.write(`event: ${event}\\n\\n${lines.join('')}\\n`);",
  ]),
  server(
    1,
    'collects-events',
    [writesEvent, "body.set(response, `${body.get(response) ?? ''}event: ${event}\\n${lines.join('')}\\n`);"],
    [`${writesResult}\n  response.end();`, `${writesResult}\n  response.end(body.get(response));`],
    ['const app = express();', 'const app = express();\nconst body = new Map<Response, string>();'],
  ),
  server(1, 'forgets-to-await-the-work', ['await work(`${a}', 'work(`${a}']),
  server(1, 'leaves-out-the-work', ['  await work(`${a} ${op} ${b}`);\n', '']),
  server(1, 'never-ends', [`${writesResult}\n  response.end();`, writesResult]),
  server(1, 'json-as-data', [linesOfText, 'const lines = [`data: ${JSON.stringify(data)}\\n`];']),
  server(1, 'data-before-the-first-line-only', [linesOfText, 'const lines = [`data: ${data}\\n`];']),
  server(1, 'note-injects-an-event', [
    linesOfText,
    'const lines = [`data: ${data.replace(/([^\\n])\\n(?=[^\\n])/, "$1\\ndata: ").replace(/\\n\\n(?!event)/, "\\ndata: \\ndata: ")}\\n`];',
  ]),
  server(1, 'splits-at-newlines-only', ['data.split(/\\r\\n|\\r|\\n/)', "data.split('\\n')"]),
  server(1, 'forgets-the-lone-carriage-return', ['data.split(/\\r\\n|\\r|\\n/)', 'data.split(/\\r?\\n/)']),
  server(1, 'no-space-after-the-colon', ['`data: ${line}\\n`', '`data:${line}\\n`']),

  server(2, 'empty-is-zero', [noNumber, 'Number.isFinite(Number(text))']),
  server(2, 'reads-the-beginning-of-a-number', [noNumber, 'Number.isFinite(parseFloat(String(text)))']),
  server(2, 'inherited-operation', ['Object.hasOwn(operations, name)', 'name in operations']),
  server(2, 'refuses-in-a-stream', [
    '.json({ parameter: wrong, error: ',
    ".type('text/event-stream').send(`event: error\\ndata: ${wrong}\\n\\n`);\n    void ({ parameter: wrong, error: ",
  ]),
  server(
    2,
    'refuses-with-an-event',
    [refuses, ''],
    [
      "  sendEvent(response, 'info'",
      "  if (wrong) {\n    sendEvent(response, 'error', wrong);\n    response.end();\n    return;\n  }\n  sendEvent(response, 'info'",
    ],
  ),
  server(
    2,
    'refuses-after-the-headers',
    [refuses, ''],
    ["  if (note) sendEvent(response, 'note', note);\n", `  if (note) sendEvent(response, 'note', note);\n${refuses}`],
  ),
  server(2, 'names-no-parameter', ['{ parameter: wrong, error:', '{ error:']),
  server(2, 'sends-infinity', ["if (op === 'div' && Number(b) === 0) {", 'if (false) {']),
  server(2, 'forgets-zero-by-zero', [
    "if (op === 'div' && Number(b) === 0) {",
    "if (op === 'div' && Math.abs(Number(a) / Number(b)) === Infinity) {",
  ]),
  server(2, 'division-throws', [divisionByZero, "    throw new Error('division by zero');\n"]),
  server(2, 'division-refused', [
    "!isOperation(op) ? 'op' : undefined",
    "!isOperation(op) ? 'op' : op === 'div' && Number(b) === 0 ? 'b' : undefined",
  ]),
  server(2, 'result-after-the-error', [divisionByZero, "    sendEvent(response, 'error', 'division by zero');\n"]),
  server(2, 'error-without-an-end', [
    divisionByZero,
    "    sendEvent(response, 'error', 'division by zero');\n    return;\n",
  ]),

  client(3, 'waits-for-the-end', [
    '  for await (const chunk of response.body) {\n    read(decoder.decode(chunk as Buffer, { stream: true }));\n  }',
    '  read(decoder.decode(await response.arrayBuffer()));',
  ]),
  client(3, 'prints-each-line', [readsField, "    if (field === 'data') dispatch(type || 'message', value!);\n"]),
  client(
    3,
    'splits-each-piece',
    [
      readsPiece,
      `    const lines = piece.split(/\\r\\n|\\n|\\r/);
`,
    ],
    ["  let unfinished = '';\n", ''],
  ),
  client(
    3,
    'matches-each-piece',
    [
      `${readsPiece}    for (const line of lines) readLine(line);
`,
      `    for (const [, event, text] of piece.matchAll(/(?:event: (.*)\\n)?data: (.*)\\n\\n/g)) dispatch(event ?? 'message', text!);
`,
    ],
    ["  let unfinished = '';\n", ''],
  ),
  client(3, 'forgets-carriage-returns', [
    readsPiece,
    `    unfinished += piece;
    const lines = unfinished.split(/\\r?\\n/);
    unfinished = lines.pop()!;
`,
  ]),
  client(3, 'cut-line-break-is-two', ["afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece", 'piece']),
  client(3, 'decodes-each-piece', [
    'decoder.decode(chunk as Buffer, { stream: true })',
    'decoder.decode(chunk as Buffer)',
  ]),
  client(3, 'dot-stops-at-line-separators', [splitsField, '/^([^:]*):? ?(.*)$/.exec(line)!']),
  client(3, 'trims-data', ['data.push(value!)', 'data.push(value!.trim())']),
  client(3, 'joins-data-without-line-breaks', ["data.join('\\n')", "data.join('')"]),
  client(3, 'type-of-the-event-before', ["      type = '';\n", '']),
  client(3, 'empty-data-is-no-data', ['if (data.length > 0)', "if (data.join('\\n') !== '')"]),
  client(3, 'dispatches-without-data', ['if (data.length > 0) dispatch', 'dispatch']),
  client(3, 'prints-comments', [readsField, `${readsField}    if (field === '') dispatch('', value!);\n`]),
  client(3, 'prints-the-byte-order-mark', ['new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })"]),
  client(3, 'dispatches-the-unfinished', ['stream: true }));\n  }', "stream: true }));\n  }\n  read('\\n\\n');"]),
  client(3, 'ignores-the-status', ['!response.ok || !response.body', '!response.body']),
  client(3, 'crashes-on-errors', ['console.error(`${url}: ${(error as Error).message}`);', 'console.error(error);']),
  client(3, 'exits-with-0-on-errors', ['  process.exitCode = 1;\n', '']),

  server(4, 'rings-once', [writesComment, writesComment.replace('setInterval', 'setTimeout')]),
  server(4, 'an-event-ping', [writesComment, "setInterval(() => sendEvent(response, 'ping', ''), quietInterval)"]),
  server(4, 'an-empty-message', ["': still at work\\n\\n'", "'data:\\n\\n'"]),
  server(4, 'a-colon-without-a-line', ["': still at work\\n\\n'", "':'"]),
  server(4, 'blank-lines-only', ["': still at work\\n\\n'", "'\\n\\n'"]),
  server(4, 'an-interval-of-its-own', ["work\\n\\n'), quietInterval)", "work\\n\\n'), 15_000)"]),
  server(4, 'takes-seconds', ["work\\n\\n'), quietInterval)", "work\\n\\n'), quietInterval * 1000)"]),
  server(4, 'no-interval-at-all', ["work\\n\\n'), quietInterval)", "work\\n\\n'))"]),
  server(4, 'begins-with-a-comment', [
    "  sendEvent(response, 'info'",
    "  response.write(': welcome\\n\\n');\n  sendEvent(response, 'info'",
  ]),
  server(4, 'a-comment-with-each-event', ['response.write(`event: ', 'response.write(`: an event\\nevent: ']),
  server(4, 'interval-never-cleared', ['  clearInterval(keepAlive);\n', '']),
  server(
    4,
    'interval-cleared-on-success-only',
    ['  clearInterval(keepAlive);\n', ''],
    [writesResult, `clearInterval(keepAlive);\n  ${writesResult}`],
  ),
  server(
    4,
    'interval-outlives-the-stream',
    ['import express, { type Response }', "import { Readable } from 'node:stream';\nimport express, { type Response }"],
    [
      "  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), quietInterval);",
      `  const comments = new ReadableStream({
    start(controller) {
      setInterval(() => controller.enqueue(': still at work\\n\\n'), quietInterval);
      response.on('close', () => controller.close());
    },
  });
  Readable.fromWeb(comments).pipe(response, { end: false });`,
    ],
    ['  clearInterval(keepAlive);\n', ''],
  ),
];
