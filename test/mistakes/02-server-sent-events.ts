import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const linesOfText = 'const lines = data.split(/\\r\\n|\\r|\\n/).map((line) => `data: ${line}\\n`);';
const writesEvent = "response.write(`event: ${event}\\n${lines.join('')}\\n`);";
const writesResult = "sendEvent(response, 'result', decimal(operations[op!]!(Number(a), Number(b))));";
const refuses = `  if (wrong) {
    response.status(400).json({ parameter: wrong.parameter, error: wrong.error });
    return;
  }
`;
const noNumber = "typeof text === 'string' && text.trim() !== '' && Number.isFinite(Number(text))";
const divisionByZero = `    sendEvent(response, 'error', 'division by zero');
    response.end();
    return;
`;
const writesComment = "setInterval(() => response.write(': still at work\\n\\n'), quietInterval)";

export const mistakes: Mistake[] = [
  server(1, 'content-type-of-text', ["'Content-Type': 'text/event-stream'", "'Content-Type': 'text/plain'"]),
  server(1, 'info-without-decimals', [
    '`Calculating: ${decimal(Number(a))} ${op} ${decimal(Number(b))}`',
    '`Calculating: ${a} ${op} ${b}`',
  ]),
  server(1, 'sends-the-first-event', [writesEvent, "response.send(`event: ${event}\\n${lines.join('')}\\n`);"]),
  server(
    1,
    'note-after-the-work',
    ["  if (note) sendEvent(response, 'note', note);\n", ''],
    [`  ${writesResult}`, `  if (note) sendEvent(response, 'note', note);\n  ${writesResult}`],
  ),
  server(
    1,
    'note-before-info',
    ["  if (note) sendEvent(response, 'note', note);\n", ''],
    ["  sendEvent(response, 'info'", "  if (note) sendEvent(response, 'note', note);\n  sendEvent(response, 'info'"],
  ),
  server(1, 'any-zero-is-an-error', ["if (op === 'div' && Number(b) === 0) {", 'if (Number(b) === 0) {']),
  server(1, 'refuses-a-missing-note', ['right: !Array.isArray(note)', "right: typeof note === 'string'"]),
  server(1, 'may-be-stored', ["'no-cache, no-transform'", "'no-transform'"]),
  server(1, 'may-be-transformed', ["'no-cache, no-transform'", "'no-cache'"]),
  server(1, 'nginx-collects', ["    'X-Accel-Buffering': 'no',\n", '']),
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
  server(
    1,
    'line-starts-of-a-regular-expression',
    [linesOfText, "const lines = data.replace(/\\r\\n?/g, '\\n').replace(/^/gm, 'data: ');"],
    [writesEvent, 'response.write(`event: ${event}\\n${lines}\\n\\n`);'],
  ),
  server(1, 'drops-a-line-break-at-the-end', ['data.split(', "data.replace(/[\\r\\n]+$/, '').split("]),
  server(1, 'no-space-after-the-colon', ['`data: ${line}\\n`', '`data:${line}\\n`']),

  server(1, 'escapes-the-note', [linesOfText, 'const lines = [`data: ${JSON.stringify(data).slice(1, -1)}\\n`];']),
  server(1, 'unescapes-the-note', ["'note', note)", "'note', note.replaceAll('\\\\n', '\\n'))"]),
  server(1, 'decodes-the-note-twice', ["'note', note)", "'note', decodeURIComponent(note))"]),
  server(1, 'trims-the-note', ["'note', note)", "'note', note.trim())"]),
  server(1, 'too-big-is-an-error', [
    "if (op === 'div' && Number(b) === 0) {",
    'if (!Number.isFinite(operations[op!]!(Number(a), Number(b)))) {',
  ]),
  server(1, 'knows-no-exponent', [noNumber, '/^-?\\d+(\\.\\d+)?$/.test(String(text))']),
  server(1, 'nearly-zero-is-zero', ['Number(b) === 0) {', 'Math.abs(Number(b)) < 1e-9) {']),
  server(1, 'one-decimal-behind-an-exponent', [
    'Number.isInteger(value) ? value.toFixed(1) : String(value)',
    "String(value).includes('.') || !Number.isFinite(value) ? String(value) : `${value}.0`",
  ]),
  server(1, 'two-decimals-at-most', [': String(value);', ': String(Math.round(value * 100) / 100);']),
  server(
    1,
    'parameters-of-all-requests',
    ['const app = express();', 'const app = express();\nlet a: string, b: string, op: string, note: string;'],
    [
      'const { a, b, op, note } = request.query as Record<string, string>;',
      '({ a, b, op, note } = request.query as { a: string; b: string; op: string; note: string });',
    ],
  ),

  server(2, 'prints-each-refusal', ['  if (wrong) {\n', '  if (wrong) {\n    console.error(wrong.error);\n']),
  server(2, 'throws-instead-of-a-refusal', [refuses, '  if (wrong) throw new Error(wrong.error);\n']),
  server(2, 'says-only-the-name', ['error: wrong.error }', 'error: wrong.parameter }']),
  server(2, 'accepts-infinity', [noNumber, "typeof text === 'string' && text.trim() !== '' && !isNaN(Number(text))"]),
  server(2, 'takes-the-first-of-two', [
    'request.query as Record<string, string>;',
    'Object.fromEntries(\n    Object.entries(request.query).map(([name, value]) => [name, [value].flat()[0] as string]),\n  );',
  ]),
  server(2, 'two-notes-crash', [
    "    { parameter: 'note', right: !Array.isArray(note), error: 'there may be only one note' },\n",
    '',
  ]),
  server(2, 'two-operations', [
    "typeof name === 'string' && Object.hasOwn(operations, name)",
    '[name].flat().every((one) => Object.hasOwn(operations, String(one)))',
  ]),
  server(2, 'operation-in-any-case', [
    'Object.hasOwn(operations, name)',
    'Object.hasOwn(operations, name.toLowerCase())',
  ]),
  server(2, 'alternatives-without-a-group', ['Object.hasOwn(operations, name)', '/^add|sub|mul|div$/.test(name)']),
  server(2, 'trims-the-operation', ['Object.hasOwn(operations, name)', 'Object.hasOwn(operations, name.trim())']),
  server(2, 'continues-after-a-refusal', ['error: wrong.error });\n    return;', 'error: wrong.error });']),
  server(2, 'works-for-a-refusal', ['  if (wrong) {\n', "  if (wrong) {\n    void work('a refusal');\n"]),
  server(2, 'a-blank-second-number', [
    'right: isNumber(b)',
    "right: typeof b === 'string' && b !== '' && Number.isFinite(Number(b))",
  ]),
  server(2, 'empty-is-zero', [noNumber, 'Number.isFinite(Number(text))']),
  server(2, 'reads-the-beginning-of-a-number', [noNumber, 'Number.isFinite(parseFloat(String(text)))']),
  server(2, 'inherited-operation', ['Object.hasOwn(operations, name)', 'name in operations']),
  server(2, 'refuses-in-a-stream', [
    '.json({ parameter: wrong.parameter, error: wrong.error });',
    ".type('text/event-stream').send(`event: error\\ndata: ${wrong.error}\\n\\n`);",
  ]),
  server(
    2,
    'refuses-with-an-event',
    [refuses, ''],
    [
      "  sendEvent(response, 'info'",
      "  if (wrong) {\n    sendEvent(response, 'error', wrong.error);\n    response.end();\n    return;\n  }\n  sendEvent(response, 'info'",
    ],
  ),
  server(
    2,
    'refuses-after-the-headers',
    [refuses, ''],
    ["  if (note) sendEvent(response, 'note', note);\n", `  if (note) sendEvent(response, 'note', note);\n${refuses}`],
  ),
  server(2, 'names-no-parameter', ['{ parameter: wrong.parameter, error:', '{ error:']),
  server(2, 'sends-infinity', ["if (op === 'div' && Number(b) === 0) {", 'if (false) {']),
  server(2, 'compares-zero-as-text', ['Number(b) === 0) {', "(b === '0' || b === '0.0')) {"]),
  server(2, 'forgets-zero-by-zero', [
    "if (op === 'div' && Number(b) === 0) {",
    "if (op === 'div' && Math.abs(Number(a) / Number(b)) === Infinity) {",
  ]),
  server(2, 'division-throws', [divisionByZero, "    throw new Error('division by zero');\n"]),
  server(2, 'division-refused', [
    "{ parameter: 'b', right: isNumber(b),",
    "{ parameter: 'b', right: isNumber(b) && !(op === 'div' && Number(b) === 0),",
  ]),
  server(2, 'result-after-the-error', [divisionByZero, "    sendEvent(response, 'error', 'division by zero');\n"]),
  server(2, 'error-without-an-end', [
    divisionByZero,
    "    sendEvent(response, 'error', 'division by zero');\n    return;\n",
  ]),

  server(3, 'rings-once', [writesComment, writesComment.replace('setInterval', 'setTimeout')]),
  server(3, 'an-event-ping', [writesComment, "setInterval(() => sendEvent(response, 'ping', ''), quietInterval)"]),
  server(3, 'an-empty-message', ["': still at work\\n\\n'", "'data:\\n\\n'"]),
  server(3, 'a-colon-without-a-line', ["': still at work\\n\\n'", "':'"]),
  server(3, 'blank-lines-only', ["': still at work\\n\\n'", "'\\n\\n'"]),
  server(3, 'an-interval-of-its-own', ["work\\n\\n'), quietInterval)", "work\\n\\n'), 15_000)"]),
  server(3, 'takes-seconds', ["work\\n\\n'), quietInterval)", "work\\n\\n'), quietInterval * 1000)"]),
  server(3, 'no-interval-at-all', ["work\\n\\n'), quietInterval)", "work\\n\\n'))"]),
  server(3, 'begins-with-a-comment', [
    "  sendEvent(response, 'info'",
    "  response.write(': welcome\\n\\n');\n  sendEvent(response, 'info'",
  ]),
  server(3, 'a-comment-with-each-event', ['response.write(`event: ', 'response.write(`: an event\\nevent: ']),
  server(3, 'stops-only-the-first-timer-of-a-chain', [
    "  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), quietInterval);",
    "  const rings = () => {\n    response.write(': still at work\\n\\n');\n    setTimeout(rings, quietInterval);\n  };\n  const keepAlive = setTimeout(rings, quietInterval);",
  ]),
  server(3, 'interval-never-cleared', ['  clearInterval(keepAlive);\n', '']),
  server(
    3,
    'interval-begins-before-the-checks',
    ["  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), quietInterval);\n", ''],
    [
      '  const checks = [',
      "  const keepAlive = setInterval(() => response.write(': still at work\\n\\n'), quietInterval);\n  const checks = [",
    ],
  ),
  server(
    3,
    'interval-cleared-on-success-only',
    ['  clearInterval(keepAlive);\n', ''],
    [writesResult, `clearInterval(keepAlive);\n  ${writesResult}`],
  ),
  server(
    3,
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
  server(
    3,
    'one-timer-for-all',
    ['const app = express();', 'const app = express();\nlet keepAlive: NodeJS.Timeout;'],
    ['  const keepAlive =', '  keepAlive ='],
  ),
  server(
    3,
    'one-timer-and-the-first-stream',
    ['const app = express();', 'const app = express();\nlet keepAlive: NodeJS.Timeout | undefined;'],
    ['  const keepAlive =', '  keepAlive ??='],
    ['  clearInterval(keepAlive);\n', '  clearInterval(keepAlive);\n  keepAlive = undefined;\n'],
  ),
  server(3, 'a-timer-for-each-event', [
    "if (note) sendEvent(response, 'note', note);",
    "if (note) {\n    setInterval(() => response.write(': note\\n\\n'), quietInterval);\n    sendEvent(response, 'note', note);\n  }",
  ]),
  server(
    3,
    'unref-instead-of-clear',
    [', quietInterval);', ', quietInterval).unref();'],
    ['  clearInterval(keepAlive);\n', ''],
  ),
  server(3, 'a-timer-as-long-as-the-connection', [
    '  clearInterval(keepAlive);\n',
    "  request.socket.on('close', () => clearInterval(keepAlive));\n",
  ]),
];
