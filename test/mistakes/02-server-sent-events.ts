import type { Mistake } from '../proof/mistake.ts';

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
  {
    name: 'content-type-of-text',
    task: 1,
    file: 'server.ts',
    edits: [["'Content-Type': 'text/event-stream'", "'Content-Type': 'text/plain'"]],
  },
  {
    name: 'one-line-break-too-few',
    task: 1,
    file: 'server.ts',
    edits: [[writesEvent, "response.write(`event: ${event}\\n${lines.join('')}`);"]],
  },
  {
    name: 'no-blank-line-at-the-end',
    task: 1,
    file: 'server.ts',
    edits: [[writesResult, 'response.write(`event: result\\ndata: ${decimal(operations[op!]!(Number(a), Number(b)))}\\n`);']],
  },
  {
    name: 'blank-line-inside-the-event',
    task: 1,
    file: 'server.ts',
    edits: [[writesEvent, "response.write(`event: ${event}\\n\\n${lines.join('')}\\n`);"]],
  },
  {
    name: 'collects-events',
    task: 1,
    file: 'server.ts',
    edits: [
      [writesEvent, "body.set(response, `${body.get(response) ?? ''}event: ${event}\\n${lines.join('')}\\n`);"],
      [`${writesResult}\n  response.end();`, `${writesResult}\n  response.end(body.get(response));`],
      ['const app = express();', 'const app = express();\nconst body = new Map<Response, string>();'],
    ],
  },
  {
    name: 'forgets-to-await-the-work',
    task: 1,
    file: 'server.ts',
    edits: [['await work(`${a}', 'work(`${a}']],
  },
  {
    name: 'never-ends',
    task: 1,
    file: 'server.ts',
    edits: [[`${writesResult}\n  response.end();`, writesResult]],
  },
  {
    name: 'json-as-data',
    task: 1,
    file: 'server.ts',
    edits: [[linesOfText, 'const lines = [`data: ${JSON.stringify(data)}\\n`];']],
  },
  {
    name: 'data-before-the-first-line-only',
    task: 1,
    file: 'server.ts',
    edits: [[linesOfText, 'const lines = [`data: ${data}\\n`];']],
  },
  {
    name: 'note-injects-an-event',
    task: 1,
    file: 'server.ts',
    edits: [[linesOfText, 'const lines = [`data: ${data.replace(/([^\\n])\\n(?=[^\\n])/, "$1\\ndata: ").replace(/\\n\\n(?!event)/, "\\ndata: \\ndata: ")}\\n`];']],
  },
  {
    name: 'splits-at-newlines-only',
    task: 1,
    file: 'server.ts',
    edits: [['data.split(/\\r\\n|\\r|\\n/)', "data.split('\\n')"]],
  },
  {
    name: 'forgets-the-lone-carriage-return',
    task: 1,
    file: 'server.ts',
    edits: [['data.split(/\\r\\n|\\r|\\n/)', 'data.split(/\\r?\\n/)']],
  },
  {
    name: 'no-space-after-the-colon',
    task: 1,
    file: 'server.ts',
    edits: [['`data: ${line}\\n`', '`data:${line}\\n`']],
  },

  {
    name: 'empty-is-zero',
    task: 2,
    file: 'server.ts',
    edits: [[noNumber, 'Number.isFinite(Number(text))']],
  },
  {
    name: 'reads-the-beginning-of-a-number',
    task: 2,
    file: 'server.ts',
    edits: [[noNumber, 'Number.isFinite(parseFloat(String(text)))']],
  },
  {
    name: 'inherited-operation',
    task: 2,
    file: 'server.ts',
    edits: [['Object.hasOwn(operations, name)', 'name in operations']],
  },
  {
    name: 'refuses-in-a-stream',
    task: 2,
    file: 'server.ts',
    edits: [[".json({ parameter: wrong, error: ", ".type('text/event-stream').send(`event: error\\ndata: ${wrong}\\n\\n`);\n    void ({ parameter: wrong, error: "]],
  },
  {
    name: 'refuses-with-an-event',
    task: 2,
    file: 'server.ts',
    edits: [
      [refuses, ''],
      ["  sendEvent(response, 'info'", "  if (wrong) {\n    sendEvent(response, 'error', wrong);\n    response.end();\n    return;\n  }\n  sendEvent(response, 'info'"],
    ],
  },
  {
    name: 'refuses-after-the-headers',
    task: 2,
    file: 'server.ts',
    edits: [
      [refuses, ''],
      ["  if (note) sendEvent(response, 'note', note);\n", `  if (note) sendEvent(response, 'note', note);\n${refuses}`],
    ],
  },
  {
    name: 'names-no-parameter',
    task: 2,
    file: 'server.ts',
    edits: [['{ parameter: wrong, error:', '{ error:']],
  },
  {
    name: 'sends-infinity',
    task: 2,
    file: 'server.ts',
    edits: [["if (op === 'div' && Number(b) === 0) {", 'if (false) {']],
  },
  {
    name: 'forgets-zero-by-zero',
    task: 2,
    file: 'server.ts',
    edits: [["if (op === 'div' && Number(b) === 0) {", "if (op === 'div' && Math.abs(Number(a) / Number(b)) === Infinity) {"]],
  },
  {
    name: 'division-throws',
    task: 2,
    file: 'server.ts',
    edits: [[divisionByZero, "    throw new Error('division by zero');\n"]],
  },
  {
    name: 'division-refused',
    task: 2,
    file: 'server.ts',
    edits: [["!isOperation(op) ? 'op' : undefined", "!isOperation(op) ? 'op' : op === 'div' && Number(b) === 0 ? 'b' : undefined"]],
  },
  {
    name: 'result-after-the-error',
    task: 2,
    file: 'server.ts',
    edits: [[divisionByZero, "    sendEvent(response, 'error', 'division by zero');\n"]],
  },
  {
    name: 'error-without-an-end',
    task: 2,
    file: 'server.ts',
    edits: [[divisionByZero, "    sendEvent(response, 'error', 'division by zero');\n    return;\n"]],
  },

  {
    name: 'waits-for-the-end',
    task: 3,
    file: 'client.ts',
    edits: [
      ['  for await (const chunk of response.body) {\n    read(decoder.decode(chunk as Buffer, { stream: true }));\n  }', '  read(decoder.decode(await response.arrayBuffer()));'],
    ],
  },
  {
    name: 'prints-each-line',
    task: 3,
    file: 'client.ts',
    edits: [[readsField, "    if (field === 'data') dispatch(type || 'message', value!);\n"]],
  },
  {
    name: 'splits-each-piece',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        readsPiece,
        `    const lines = piece.split(/\\r\\n|\\n|\\r/);
`,
      ],
      ["  let unfinished = '';\n", ''],
    ],
  },
  {
    name: 'matches-each-piece',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        `${readsPiece}    for (const line of lines) readLine(line);
`,
        `    for (const [, event, text] of piece.matchAll(/(?:event: (.*)\\n)?data: (.*)\\n\\n/g)) dispatch(event ?? 'message', text!);
`,
      ],
      ["  let unfinished = '';\n", ''],
    ],
  },
  {
    name: 'forgets-carriage-returns',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        readsPiece,
        `    unfinished += piece;
    const lines = unfinished.split(/\\r?\\n/);
    unfinished = lines.pop()!;
`,
      ],
    ],
  },
  {
    name: 'cut-line-break-is-two',
    task: 3,
    file: 'client.ts',
    edits: [["afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece", 'piece']],
  },
  {
    name: 'decodes-each-piece',
    task: 3,
    file: 'client.ts',
    edits: [['decoder.decode(chunk as Buffer, { stream: true })', 'decoder.decode(chunk as Buffer)']],
  },
  {
    name: 'dot-stops-at-line-separators',
    task: 3,
    file: 'client.ts',
    edits: [[splitsField, '/^([^:]*):? ?(.*)$/.exec(line)!']],
  },
  {
    name: 'trims-data',
    task: 3,
    file: 'client.ts',
    edits: [['data.push(value!)', 'data.push(value!.trim())']],
  },
  {
    name: 'joins-data-without-line-breaks',
    task: 3,
    file: 'client.ts',
    edits: [["data.join('\\n')", "data.join('')"]],
  },
  {
    name: 'type-of-the-event-before',
    task: 3,
    file: 'client.ts',
    edits: [["      type = '';\n", '']],
  },
  {
    name: 'empty-data-is-no-data',
    task: 3,
    file: 'client.ts',
    edits: [['if (data.length > 0)', "if (data.join('\\n') !== '')"]],
  },
  {
    name: 'dispatches-without-data',
    task: 3,
    file: 'client.ts',
    edits: [['if (data.length > 0) dispatch', 'dispatch']],
  },
  {
    name: 'prints-comments',
    task: 3,
    file: 'client.ts',
    edits: [[readsField, `${readsField}    if (field === '') dispatch('', value!);\n`]],
  },
  {
    name: 'prints-the-byte-order-mark',
    task: 3,
    file: 'client.ts',
    edits: [['new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })"]],
  },
  {
    name: 'dispatches-the-unfinished',
    task: 3,
    file: 'client.ts',
    edits: [['stream: true }));\n  }', "stream: true }));\n  }\n  read('\\n\\n');"]],
  },
  {
    name: 'ignores-the-status',
    task: 3,
    file: 'client.ts',
    edits: [['!response.ok || !response.body', '!response.body']],
  },
  {
    name: 'crashes-on-errors',
    task: 3,
    file: 'client.ts',
    edits: [['console.error(`${url}: ${(error as Error).message}`);', 'console.error(error);']],
  },
  {
    name: 'exits-with-0-on-errors',
    task: 3,
    file: 'client.ts',
    edits: [['  process.exitCode = 1;\n', '']],
  },

  {
    name: 'rings-once',
    task: 4,
    file: 'server.ts',
    edits: [[writesComment, writesComment.replace('setInterval', 'setTimeout')]],
  },
  {
    name: 'an-event-ping',
    task: 4,
    file: 'server.ts',
    edits: [[writesComment, "setInterval(() => sendEvent(response, 'ping', ''), quietInterval)"]],
  },
  {
    name: 'an-empty-message',
    task: 4,
    file: 'server.ts',
    edits: [["': still at work\\n\\n'", "'data:\\n\\n'"]],
  },
  {
    name: 'a-colon-without-a-line',
    task: 4,
    file: 'server.ts',
    edits: [["': still at work\\n\\n'", "':'"]],
  },
  {
    name: 'blank-lines-only',
    task: 4,
    file: 'server.ts',
    edits: [["': still at work\\n\\n'", "'\\n\\n'"]],
  },
  {
    name: 'an-interval-of-its-own',
    task: 4,
    file: 'server.ts',
    edits: [['work\\n\\n\'), quietInterval)', "work\\n\\n'), 15_000)"]],
  },
  {
    name: 'takes-seconds',
    task: 4,
    file: 'server.ts',
    edits: [['work\\n\\n\'), quietInterval)', "work\\n\\n'), quietInterval * 1000)"]],
  },
  {
    name: 'no-interval-at-all',
    task: 4,
    file: 'server.ts',
    edits: [['work\\n\\n\'), quietInterval)', "work\\n\\n'))"]],
  },
  {
    name: 'begins-with-a-comment',
    task: 4,
    file: 'server.ts',
    edits: [["  sendEvent(response, 'info'", "  response.write(': welcome\\n\\n');\n  sendEvent(response, 'info'"]],
  },
  {
    name: 'a-comment-with-each-event',
    task: 4,
    file: 'server.ts',
    edits: [['response.write(`event: ', 'response.write(`: an event\\nevent: ']],
  },
  {
    name: 'interval-never-cleared',
    task: 4,
    file: 'server.ts',
    edits: [['  clearInterval(keepAlive);\n', '']],
  },
  {
    name: 'interval-cleared-on-success-only',
    task: 4,
    file: 'server.ts',
    edits: [
      ['  clearInterval(keepAlive);\n', ''],
      [writesResult, `clearInterval(keepAlive);\n  ${writesResult}`],
    ],
  },
  {
    name: 'interval-outlives-the-stream',
    task: 4,
    file: 'server.ts',
    edits: [
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
    ],
  },
];
