import { client, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished client that several mistakes change. */
const remembersLine = `  let pieces: string[] = [];
  /** Characters since the last blank line. */
  let length = 0;
  let afterReturn = false;

  function keep(text: string): void {
    pieces.push(text);
    length += text.length;
    if (length > longestEvent) throw new Error(\`an event has more than \${longestEvent} characters\`);
  }
`;
const readsPiece = `    if (piece === '') return;
    // A \\r ends its line immediately. A \\n at the start of the next piece is the second half of the same line break.
    const text = afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\\r');
    const [rest, ...starts] = text.split(/\\r\\n|\\r|\\n/);
    keep(rest!);
    for (const start of starts) {
      const line = pieces.join('');
      pieces = [];
      if (line === '') length = 0;
      readLine(line);
      keep(start);
    }
`;
const takesField = `    const field = colon === -1 ? line : line.slice(0, colon);
`;
const takesValue = `line.slice(colon + 1).replace(/^ /, '')`;
const keepsData = `    if (field === 'data') data.push(value);
`;
const dispatches = "if (data.length > 0) dispatch(type || 'message', data.join('\\n'));";
const readsBody = `  for await (const chunk of response.body) {
    read(decoder.decode(chunk as Buffer, { stream: true }));
  }
`;
const refusesType = `  const contentType = response.headers.get('Content-Type') ?? '';
  // Parameters such as charset=utf-8 follow after a semicolon, and the case of the letters does not count.
  if (contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream') {
    throw new Error(\`the server sent no event stream, but the Content-Type '\${contentType}'\`);
  }
`;
const saysWhat = 'console.error(`${url}: ${(error as Error).message}`);';

export const mistakes: Mistake[] = [
  client(1, 'waits-for-the-end', [readsBody, '  read(decoder.decode(await response.arrayBuffer()));\n']),
  client(1, 'prints-each-line', [keepsData, "    if (field === 'data') dispatch(type || 'message', value);\n"]),
  client(1, 'dispatches-at-the-end-of-a-piece', [
    '      keep(start);\n    }\n',
    "      keep(start);\n    }\n    readLine('');\n",
  ]),
  client(1, 'dispatches-at-the-field-data', [
    keepsData,
    "    if (field === 'data') {\n      data.push(value);\n      dispatch(type || 'message', data.join('\\n'));\n      data = [];\n    }\n",
  ]),
  client(1, 'data-of-the-event-before', ['      data = [];\n      return;', '      return;']),
  client(1, 'a-line-break-after-each-value', ["data.join('\\n')", "data.join('\\n') + '\\n'"]),
  client(1, 'remembers-nothing-between-lines', [
    '  function readLine(line: string): void {\n',
    "  function readLine(line: string): void {\n    let type = '';\n    let data: string[] = [];\n",
  ]),
  client(1, 'keeps-the-finished-line', ['      pieces = [];\n', '']),
  client(1, 'type-of-the-event-before', ["      type = '';\n", '']),
  client(1, 'type-outlives-an-event-without-data', [
    `      ${dispatches}
      type = '';
      data = [];
`,
    `      if (data.length > 0) {
        dispatch(type || 'message', data.join('\\n'));
        type = '';
      }
      data = [];
`,
  ]),
  client(
    1,
    'empty-type',
    ["type || 'message'", 'type'],
    ["  let type = '';", "  let type = 'message';"],
    ["      type = '';\n", "      type = 'message';\n"],
  ),
  client(1, 'first-type-wins', ["if (field === 'event') type = value;", "if (field === 'event') type ||= value;"]),
  client(1, 'joins-data-without-line-breaks', ["data.join('\\n')", "data.join('')"]),
  client(1, 'joins-data-with-a-backslash-and-n', ["data.join('\\n')", "data.join('\\\\n')"]),
  client(1, 'last-data-only', [keepsData, "    if (field === 'data') data = [value];\n"]),
  client(1, 'unescapes-backslashes', ["data.join('\\n')", "data.join('\\n').replaceAll('\\\\n', '\\n')"]),
  client(1, 'drops-empty-lines', ["data.join('\\n')", "data.filter(Boolean).join('\\n')"]),
  client(1, 'trims-data', ['data.push(value)', 'data.push(value.trim())']),
  client(1, 'drops-every-space', [".replace(/^ /, '')", ".replace(/^ +/, '')"]),
  client(1, 'asks-for-a-space', ["line.indexOf(':')", "line.indexOf(': ')"]),
  client(1, 'splits-at-every-colon', [takesValue, "line.split(':')[1]!.replace(/^ /, '')"]),
  client(1, 'splits-the-type-at-every-colon', [
    "if (field === 'event') type = value;",
    "if (field === 'event') type = line.split(':')[1]?.replace(/^ /, '') ?? '';",
  ]),
  client(1, 'ignores-lines-without-a-colon', [takesField, `    if (colon === -1) return;\n${takesField}`]),
  client(2, 'dot-stops-at-line-separators', [takesValue, "/: ?(.*)$/.exec(line)?.[1] ?? ''"]),
  client(1, 'prints-comments', [keepsData, `${keepsData}    if (field === '') dispatch('', value);\n`]),
  client(1, 'names-in-any-case', ["if (field === 'data')", "if (field.toLowerCase() === 'data')"]),
  client(1, 'names-that-begin-with-data', ["if (field === 'data')", "if (field.startsWith('data'))"]),
  client(1, 'spaces-are-a-blank-line', ["    if (line === '') {", "    if (line.trim() === '') {"]),
  client(1, 'trims-names', [takesField, takesField.replace('line.slice(0, colon)', 'line.slice(0, colon).trim()')]),
  client(1, 'unknown-fields-end-the-event', [
    keepsData,
    `${keepsData}    if (!['data', 'event', 'id', 'retry', ''].includes(field)) readLine('');\n`,
  ]),
  client(1, 'empty-data-is-no-data', ['if (data.length > 0)', "if (data.join('\\n') !== '')"]),
  client(1, 'dispatches-without-data', ['if (data.length > 0) dispatch', 'dispatch']),

  client(
    2,
    'splits-each-piece',
    [readsPiece, '    for (const line of piece.split(/\\r\\n|\\n|\\r/).slice(0, -1)) readLine(line);\n'],
    [remembersLine, ''],
  ),
  client(
    2,
    'splits-each-piece-and-reads-the-rest',
    [readsPiece, '    for (const line of piece.replace(/\\r\\n?|\\n$/, "").split(/\\r\\n|\\n|\\r/)) readLine(line);\n'],
    [remembersLine, ''],
  ),
  client(2, 'forgets-carriage-returns', ['text.split(/\\r\\n|\\r|\\n/)', "text.split('\\n')"]),
  client(2, 'forgets-the-lone-carriage-return', ['text.split(/\\r\\n|\\r|\\n/)', 'text.split(/\\r?\\n/)']),
  client(2, 'cut-line-break-is-two', ["afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece", 'piece']),
  client(1, 'drops-every-line-feed-at-the-beginning', [
    "afterReturn && piece.startsWith('\\n')",
    "piece.startsWith('\\n')",
  ]),
  client(2, 'sets-the-return-too-early', [
    "    const text = afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece;\n    afterReturn = piece.endsWith('\\r');\n",
    "    afterReturn = piece.endsWith('\\r');\n    const text = afterReturn && piece.startsWith('\\n') ? piece.slice(1) : piece;\n",
  ]),
  client(2, 'forgets-the-return-too-late', [
    "afterReturn = piece.endsWith('\\r');",
    "afterReturn ||= piece.endsWith('\\r');",
  ]),
  client(2, 'keeps-the-return-if-nothing-is-left', [
    "afterReturn = piece.endsWith('\\r');",
    "if (text === '') return;\n    afterReturn = piece.endsWith('\\r');",
  ]),
  client(2, 'splits-at-other-characters', [
    'text.split(/\\r\\n|\\r|\\n/)',
    'text.split(/\\r\\n|[\\r\\n\\u2028\\u2029]/)',
  ]),
  client(2, 'decodes-each-piece', [
    'decoder.decode(chunk as Buffer, { stream: true })',
    'decoder.decode(chunk as Buffer)',
  ]),
  client(2, 'stops-at-a-wrong-byte', ['new TextDecoder()', "new TextDecoder('utf-8', { fatal: true })"]),
  client(2, 'prints-the-byte-order-mark', ['new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })"]),
  client(2, 'drops-every-byte-order-mark', ['readLine(line);', "readLine(line.replace(/^\\uFEFF/, ''));"]),
  client(2, 'dispatches-the-unfinished', [readsBody, `${readsBody}  read('\\n\\n');\n`]),
  client(2, 'complains-of-the-unfinished', [
    readsBody,
    `${readsBody}  if (decoder.decode() !== '') throw new Error('half a character');\n`,
  ]),
  client(2, 'reads-the-line-again-for-each-piece', [
    '    pieces.push(text);\n',
    "    pieces = [pieces.join('') + text];\n    if (pieces[0]!.split(/\\r\\n|\\r|\\n/).length > 1) return;\n",
  ]),
  varying(
    client(2, 'copies-the-data-for-each-line', [keepsData, "    if (field === 'data') data = [...data, value];\n"]),
  ),
  client(2, 'reads-a-line-of-any-length', [
    '    if (length > longestEvent) throw new Error(`an event has more than ${longestEvent} characters`);\n',
    '',
  ]),
  client(2, 'counts-the-line-only', ["if (line === '') length = 0;", 'length = 0;']),
  client(2, 'counts-the-whole-stream', ["      if (line === '') length = 0;\n", '']),
  client(
    2,
    'counts-a-piece-before-it-is-read',
    ['    length += text.length;\n', ''],
    [
      '    if (length > longestEvent) throw new Error(`an event has more than ${longestEvent} characters`);\n  }\n',
      '  }\n',
    ],
    [
      "    if (piece === '') return;\n",
      "    if (piece === '') return;\n    length += piece.length;\n    if (length > longestEvent) throw new Error('an event is too long');\n",
    ],
  ),
  client(2, 'counts-back-at-events-only', [
    "      if (line === '') length = 0;\n",
    "      if (line === '' && data.length > 0) length = 0;\n",
  ]),
  client(2, 'counts-complete-lines-only', [
    '    if (length > longestEvent) throw',
    "    if (text === '' && length > longestEvent) throw",
  ]),

  client(3, 'accepts-anything', ["{ Accept: 'text/event-stream' }", "{ 'User-Agent': 'events' }"]),
  client(3, 'accepts-json-too', ["Accept: 'text/event-stream'", "Accept: 'application/json, text/event-stream'"]),
  client(3, 'posts', ['fetch(url, { headers, signal', "fetch(url, { method: 'POST', headers, signal"]),
  client(3, 'ignores-the-status', ['!response.ok || !response.body', '!response.body']),
  client(3, 'refuses-client-errors-only', [
    '!response.ok || !response.body',
    'response.status < 500 && !response.ok || !response.body',
  ]),
  client(3, 'refuses-from-400-on', ['!response.ok ||', 'response.status >= 400 ||']),
  client(3, 'does-not-name-the-status', [
    '`the server answered ${response.status} ${response.statusText}`',
    "'the server answered with an error'",
  ]),
  client(3, 'stays-with-the-body', ['  stop.abort();\n', '']),
  client(3, 'reads-the-page-of-an-error', [
    '    throw new Error(`the server answered ${response.status} ${response.statusText}`);',
    '    throw new Error(`the server answered ${response.status} ${await response.text()}`);',
  ]),
  client(
    3,
    'looks-at-the-type-first',
    [
      '  if (!response.ok || !response.body) {\n    throw new Error(`the server answered ${response.status} ${response.statusText}`);\n  }\n',
      '',
    ],
    [
      "but the Content-Type '${contentType}'`);\n  }\n",
      "but the Content-Type '${contentType}'`);\n  }\n  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);\n",
    ],
  ),
  client(3, 'ignores-the-type', [refusesType, '']),
  client(3, 'refuses-html-only', [refusesType, refusesType.replace("!== 'text/event-stream'", "=== 'text/html'")]),
  client(3, 'takes-a-missing-type', ["?? '';\n  // Parameters", "?? 'text/event-stream';\n  // Parameters"]),
  client(3, 'compares-the-beginning', [
    "contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream'",
    "!contentType.toLowerCase().startsWith('text/event-stream')",
  ]),
  client(3, 'compares-up-to-the-end-of-a-word', [
    "contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream'",
    '!/^text\\/event-stream\\b/i.test(contentType)',
  ]),
  client(3, 'compares-with-the-parameters', [
    "contentType.split(';')[0]!.trim().toLowerCase()",
    'contentType.toLowerCase()',
  ]),
  client(3, 'finds-the-type-anywhere', [
    "contentType.split(';')[0]!.trim().toLowerCase() !== 'text/event-stream'",
    "!contentType.toLowerCase().includes('text/event-stream')",
  ]),
  client(3, 'compares-with-the-space', ['.trim().toLowerCase()', '.toLowerCase()']),
  client(3, 'compares-with-the-case', ['.trim().toLowerCase()', '.trim()']),
  client(3, 'prints-what-is-left-after-a-break', [
    readsBody,
    readsBody.replace('for await', 'try {\n  for await') +
      "  } catch (error) {\n    read('\\n\\n');\n    throw error;\n  }\n",
  ]),
  client(2, 'crashes-on-errors', [saysWhat, 'console.error(error);']),
  client(2, 'exits-with-0-on-errors', ['  process.exitCode = 1;\n', '']),
  client(2, 'complains-on-standard-output', [saysWhat, saysWhat.replace('console.error', 'console.log')]),
];
