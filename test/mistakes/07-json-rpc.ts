import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const answersRequest = "response.json({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) });";
const takes = 'response.status(202).end();';
const onlyRequests = `  if (!isRequest(message)) {
    ${takes}
    return;
  }
`;
const onlyMessages = 'if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {';
const refusesOthers = `  ${onlyMessages}
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
`;
const refusesAccept = `  if (!request.accepts('application/json') || !request.accepts('text/event-stream')) {
    refuse(response, 406, -32600, 'Accept must list application/json and text/event-stream');
    return;
  }
`;
const refusesType = `  if (!request.is('application/json')) {
    refuse(response, 415, -32600, 'Content-Type must be application/json');
    return;
  }
`;
const refusesMethod = `app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST'), 405, -32600, 'the only HTTP method here is POST');
});
`;
const knowsMethod = '  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);\n';
const isNumber = `    if (typeof a !== 'number') return failure(-32602, 'a must be a number');
    if (typeof b !== 'number') return failure(-32602, 'b must be a number');
`;
const isFinite =
  "    if (!Number.isFinite(operations[op]!(a, b))) return failure(-32602, 'the result must be a finite number');\n";
const hasIdOfItsType = 'return hasMethod(message) && isId(message.id);';
const hasNoId = "return hasMethod(message) && !('id' in message);";
const methodIsString = "    typeof message.method === 'string' &&\n";
const versionOfMethod = `    message.jsonrpc === '2.0' &&\n${methodIsString}`;
const responseHasId = '    isId(message.id) &&\n';
const responseHasNoMethod = "    !('method' in message) &&\n";
const versionOfResponse = `    message.jsonrpc === '2.0' &&\n${responseHasNoMethod}`;
const handlesErrors =
  "app.use('/mcp', (error: HttpError, _request: Request, response: Response, _next: NextFunction) => {";
const handlesParseErrors =
  "if (error.type === 'entity.parse.failed') refuse(response, 400, -32700, 'the body is not JSON');";
const handlesOthers =
  'else if (error.status && error.status < 500) refuse(response, error.status, -32600, error.message);';

const handlesRest = `  ${handlesOthers}
  else {
    console.error(error);
    refuse(response, 500, -32603, 'internal error');
  }
`;
const errorHandler = `${handlesErrors}
  ${handlesParseErrors}
${handlesRest}});
`;

const parses = "express.json({ strict: false, limit: '1mb' })";
const app = 'const app = express();';
const sameMachine =
  'if (asked.every((url) => URL.canParse(url) && localNames.includes(new URL(url).hostname))) next();';
const host = "`http://${request.get('Host')}`";
const origin = "request.get('Origin') ?? 'http://localhost'";
/** A body that the server reads itself, instead of express.json; `read` ends with a call of `parse`. */
const readsItself = (read: string): [string, string] => [
  parses,
  `(request, _response, next) => {
  const parse = (text: string) => {
    try {
      request.body = JSON.parse(text);
      next();
    } catch (error) {
      next(Object.assign(error as Error, { type: 'entity.parse.failed' }));
    }
  };
  ${read}
}`,
];

export const mistakes: Mistake[] = [
  server(1, 'sends-a-string', [
    answersRequest,
    "response.send(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) }));",
  ]),
  server(1, 'result-without-its-message', [
    answersRequest,
    "const outcome = await answer(message);\n  response.json('result' in outcome ? outcome.result : { jsonrpc: '2.0', id: message.id, ...outcome });",
  ]),
  server(1, 'result-inside-a-result', [
    answersRequest,
    "const outcome = await answer(message);\n  response.json({ jsonrpc: '2.0', id: message.id, ...('error' in outcome ? outcome : { result: outcome }) });",
  ]),
  server(1, 'result-and-error', [
    answersRequest,
    "response.json({ jsonrpc: '2.0', id: message.id, result: null, error: null, ...(await answer(message)) });",
  ]),
  server(1, 'result-as-text', [
    answersRequest,
    "const outcome = await answer(message);\n  response.json({ jsonrpc: '2.0', id: message.id, ...('result' in outcome ? { result: JSON.stringify(outcome.result) } : outcome) });",
  ]),
  server(1, 'no-version', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    'response.json({ id: message.id, ...',
  ]),
  server(1, 'version-as-a-number', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    'response.json({ jsonrpc: 2.0, id: message.id, ...',
  ]),
  server(1, 'pong', ['ping: () => ({ result: {} })', "ping: () => ({ result: { message: 'pong' } })"]),
  server(1, 'calls-a-ping-that-it-does-not-have', ['  ping: () => ({ result: {} }),\n', ''], [knowsMethod, '']),
  server(1, 'ping-without-a-result', ['ping: () => ({ result: {} })', 'ping: () => ({}) as any']),
  server(1, 'no-id', ["response.json({ jsonrpc: '2.0', id: message.id, ...", "response.json({ jsonrpc: '2.0', ..."]),
  server(1, 'id-as-a-string', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    "response.json({ jsonrpc: '2.0', id: String(message.id), ...",
  ]),
  server(1, 'id-as-a-number', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    "response.json({ jsonrpc: '2.0', id: Number(message.id) || message.id, ...",
  ]),
  server(
    1,
    'counts-ids-itself',
    ["response.json({ jsonrpc: '2.0', id: message.id, ...", "response.json({ jsonrpc: '2.0', id: nextId++, ..."],
    ['const app = express();', 'const app = express();\nlet nextId = 1;'],
  ),
  server(
    1,
    'zero-is-no-id',
    [hasIdOfItsType, 'return hasMethod(message) && Boolean(message.id);'],
    [hasNoId, 'return hasMethod(message) && !message.id;'],
  ),
  server(1, 'ids-are-numbers', [
    "return typeof id === 'string' || typeof id === 'number';",
    "return typeof id === 'number';",
  ]),
  server(1, 'forgets-to-await', ['...(await answer(message))', '...(answer(message) as object)']),
  server(1, 'forgets-to-await-the-work', ['await work(`${a}', 'void work(`${a}']),
  server(
    1,
    'one-id-for-all',
    [
      answersRequest,
      "currentId = message.id;\n  const outcome = await answer(message);\n  response.json({ jsonrpc: '2.0', id: currentId, ...outcome });",
    ],
    ['const app = express();', 'const app = express();\nlet currentId: string | number;'],
  ),
  server(
    1,
    'one-response-for-all',
    [
      answersRequest,
      "current = response;\n  const outcome = await answer(message);\n  if (!current.headersSent) current.json({ jsonrpc: '2.0', id: message.id, ...outcome });",
    ],
    ['const app = express();', 'const app = express();\nlet current: Response;'],
  ),
  server(
    1,
    'one-request-after-the-other',
    [
      answersRequest,
      "queue = queue.then(async () => void response.json({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) }));",
    ],
    ['const app = express();', 'const app = express();\nlet queue = Promise.resolve();'],
  ),

  server(1, 'json-from-a-template', [
    answersRequest,
    'const outcome = JSON.stringify(await answer(message)).slice(1);\n  const id = typeof message.id === \'string\' ? `"${message.id}"` : message.id;\n  response.type(\'json\').send(`{"jsonrpc":"2.0","id":${id},${outcome}`);',
  ]),
  server(1, 'length-in-characters', [
    answersRequest,
    "const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) });\n  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length }).end(text.slice(0, text.length - (Buffer.byteLength(text) - text.length)));",
  ]),
  server(1, 'sends-latin-1', [
    answersRequest,
    "response.type('json').end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) }), 'latin1');",
  ]),
  server(1, 'no-negative-ids', [
    "return typeof id === 'string' || typeof id === 'number';",
    "return typeof id === 'string' || (typeof id === 'number' && id >= 0);",
  ]),
  server(1, 'trims-ids', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    "response.json({ jsonrpc: '2.0', id: typeof message.id === 'string' ? message.id.trim() : message.id, ...",
  ]),
  server(1, 'ids-without-html', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    "response.json({ jsonrpc: '2.0', id: typeof message.id === 'string' ? message.id.replaceAll('&', '&amp;') : message.id, ...",
  ]),
  server(1, 'no-long-ids', [
    "return typeof id === 'string' || typeof id === 'number';",
    "return (typeof id === 'string' && id.length <= 64) || typeof id === 'number';",
  ]),
  server(1, 'rounds-ids', [
    "response.json({ jsonrpc: '2.0', id: message.id, ...",
    "response.json({ jsonrpc: '2.0', id: typeof message.id === 'number' ? Math.trunc(message.id) : message.id, ...",
  ]),
  server(1, 'writes-the-id-twice', [
    answersRequest,
    'const outcome = JSON.stringify(await answer(message)).slice(1, -1);\n  response.type(\'json\').send(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},${outcome},"id":null}`);',
  ]),
  server(1, 'answers-twice-in-one-body', [
    answersRequest,
    "const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(await answer(message)) });\n  response.type('json').send(`${text}\\n${text}`);",
  ]),
  server(1, 'created', [answersRequest, `response.status(201);\n  ${answersRequest}`]),
  server(1, 'ping-without-params', [
    answersRequest,
    `if (message.method === 'ping' && message.params) {\n    refuse(response, 400, -32602, 'ping has no params');\n    return;\n  }\n  ${answersRequest}`,
  ]),
  server(1, 'one-piece-is-the-body', readsItself("request.once('data', (piece) => parse(String(piece)));")),
  server(
    1,
    'decodes-each-piece-alone',
    readsItself(
      "let text = '';\n  request.on('data', (piece) => (text += piece));\n  request.on('end', () => parse(text));",
    ),
  ),
  server(
    1,
    'responses-by-id',
    [
      answersRequest,
      "waiting.set(message.id, response);\n  const outcome = await answer(message);\n  const to = waiting.get(message.id);\n  waiting.delete(message.id);\n  to?.json({ jsonrpc: '2.0', id: message.id, ...outcome });",
    ],
    [app, `${app}\nconst waiting = new Map<string | number, Response>();`],
  ),
  server(
    1,
    'results-by-id',
    [
      answersRequest,
      "results.set(message.id, await answer(message));\n  await new Promise(setImmediate);\n  response.json({ jsonrpc: '2.0', id: message.id, ...results.get(message.id) });",
    ],
    [app, `${app}\nconst results = new Map<string | number, Answer>();`],
    ['await work(`${a} ${op} ${b}`);', 'latest = { a, b, op };\n    await work(`${a} ${op} ${b}`);'],
    ['result: { value: operations[op]!(a, b) }', 'result: { value: operations[latest.op]!(latest.a, latest.b) }'],
    ['const methods:', "let latest = { a: 0, b: 0, op: 'add' };\n\nconst methods:"],
  ),
  server(
    1,
    'refuses-an-id-in-use',
    [
      answersRequest,
      `if (busy.has(message.id)) {\n    refuse(response, 409, -32600, 'this id is in use');\n    return;\n  }\n  busy.add(message.id);\n  ${answersRequest}\n  busy.delete(message.id);`,
    ],
    [app, `${app}\nconst busy = new Set<unknown>();`],
  ),
  server(
    1,
    'remembers-by-id',
    [
      answersRequest,
      "const known = memory.get(message.id) ?? (await answer(message));\n  if (message.method === 'calculate') memory.set(message.id, known);\n  response.json({ jsonrpc: '2.0', id: message.id, ...known });",
    ],
    [app, `${app}\nconst memory = new Map<unknown, Answer>();`],
  ),
  server(
    1,
    'remembers-without-the-order',
    [
      'result: { value: operations[op]!(a, b) }',
      'result: { value: memory[`${[a, b].sort()} ${op}`] ??= operations[op]!(a, b) }',
    ],
    [app, `${app}\nconst memory: Record<string, number> = {};`],
  ),
  server(
    1,
    'remembers-without-the-operation',
    ['result: { value: operations[op]!(a, b) }', 'result: { value: memory[`${a} ${b}`] ??= operations[op]!(a, b) }'],
    [app, `${app}\nconst memory: Record<string, number> = {};`],
  ),

  server(1, 'leaves-the-line-of-the-starter', [
    answersRequest,
    `${answersRequest}\n  response.status(501).json({ error: 'no answer yet' });`,
  ]),
  server(1, 'refuses-if-one-guard-is-false', [onlyMessages, onlyMessages.replaceAll('&&', '||')]),
  server(1, 'all-methods-first', [refusesMethod, ''], [app, `${app}\n${refusesMethod}`]),
  server(1, 'refuses-the-right-type', ["!request.is('application/json')", "request.is('application/json')"]),
  server(1, 'refuses-the-right-accept', [
    "!request.accepts('application/json') || !request.accepts('text/event-stream')",
    "request.accepts('application/json') || request.accepts('text/event-stream')",
  ]),
  server(1, 'next-two-times', ['  next();\n});', '  next();\n  next();\n});']),
  server(1, 'loses-next', ['  next();\n});', '});']),

  server(2, 'sends-accepted', [takes, 'response.sendStatus(202);']),
  server(2, 'no-content', [takes, 'response.status(204).end();']),
  server(2, 'status-200', [takes, 'response.end();']),
  server(2, 'an-empty-object', [takes, 'response.status(202).json({});']),
  server(2, 'id-null', [takes, "response.status(202).json({ jsonrpc: '2.0', id: null, result: {} });"]),
  server(2, 'never-ends', [takes, '']),
  server(2, 'answers-all-that-has-a-method', [`  if (!isRequest(message)) {`, '  if (isResponse(message)) {']),
  server(2, 'goes-by-the-name', [
    '  if (!isRequest(message)) {',
    "  if (isResponse(message) || message.method.startsWith('notifications/')) {",
  ]),
  server(2, 'refuses-unknown-notifications', [
    onlyRequests,
    `  if (isNotification(message) && !Object.hasOwn(methods, message.method)) {
    refuse(response, 404, -32601, \`unknown method: \${message.method}\`);
    return;
  }
${onlyRequests}`,
  ]),
  server(2, 'error-for-unknown-notifications', [
    onlyRequests,
    `  if (isNotification(message) && !Object.hasOwn(methods, message.method)) {
    response.json({ jsonrpc: '2.0', ...failure(-32601, \`unknown method: \${message.method}\`) });
    return;
  }
${onlyRequests}`,
  ]),
  server(2, 'calls-the-method-and-fails', [
    onlyRequests,
    `  if (!isRequest(message)) {
    if (isNotification(message)) await methods[message.method]!(message.params ?? {});
    ${takes}
    return;
  }
`,
  ]),
  server(2, 'refuses-responses', [onlyMessages, 'if (!isRequest(message) && !isNotification(message)) {']),
  server(
    2,
    'responses-are-requests',
    [hasIdOfItsType, 'return isObject(message) && isId(message.id);'],
    [knowsMethod, '  if (method in {}) return failure(-32601, `unknown method: ${method}`);\n'],
  ),
  server(2, 'refuses-errors-of-the-client', [
    '(isObject(message.result) || isObject(message.error))',
    'isObject(message.result)',
  ]),

  server(2, 'responses-have-result-and-error', [
    '(isObject(message.result) || isObject(message.error))',
    'isObject(message.result) && isObject(message.error)',
  ]),
  server(2, 'refuses-notifications', [hasNoId, "return hasMethod(message) && 'id' in message;"]),
  server(2, 'no-return-after-202', [onlyRequests, onlyRequests.replace('    return;\n', '')]),
  server(2, 'answers-later-too', [
    takes,
    `${takes}\n    setImmediate(() => response.json({ jsonrpc: '2.0', result: {} }));`,
  ]),
  server(2, 'responses-with-a-true-id', [responseHasId, '    Boolean(message.id) &&\n']),

  server(4, 'page-for-bad-json', [handlesParseErrors, "if (error.type === 'entity.parse.failed') _next(error);"]),
  server(4, 'bad-json-is-an-invalid-request', [
    handlesParseErrors,
    "if (error.type === 'entity.parse.failed') refuse(response, 400, -32600, 'the body is not JSON');",
  ]),
  server(4, 'bad-json-with-status-200', [
    handlesParseErrors,
    "if (error.type === 'entity.parse.failed') refuse(response, 200, -32700, 'the body is not JSON');",
  ]),
  server(4, 'error-handler-with-three-parameters', [
    handlesErrors,
    "app.use('/mcp', (error: any, _request: any, response: any) => {",
  ]),
  server(3, 'bare-values-are-not-json', ['express.json({ strict: false, limit', 'express.json({ limit']),
  server(3, 'reads-properties-of-null', [
    "return typeof value === 'object' && value !== null && !Array.isArray(value);",
    "return typeof value === 'object' && !Array.isArray(value);",
  ]),
  server(3, 'answers-batches', [
    refusesOthers,
    `  if (Array.isArray(message)) {
    response.json(await Promise.all(message.map(async (each) => ({ jsonrpc: '2.0', id: each.id, ...(await answer(each)) }))));
    return;
  }
${refusesOthers}`,
  ]),
  server(
    3,
    'takes-arrays-for-objects',
    [
      "return typeof value === 'object' && value !== null && !Array.isArray(value);",
      "return typeof value === 'object' && value !== null;",
    ],
    [
      refusesOthers,
      `  if (!isObject(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
`,
    ],
  ),
  server(3, 'takes-every-version', [versionOfMethod, methodIsString]),
  server(3, 'versions-of-responses', [versionOfResponse, responseHasNoMethod]),
  server(3, 'version-equal-to-a-number', [versionOfMethod, `    message.jsonrpc == 2 &&\n${methodIsString}`]),
  server(3, 'ids-of-responses', [responseHasId, "    'id' in message &&\n"]),
  server(3, 'responses-with-a-method', [responseHasNoMethod, '']),
  server(3, 'method-of-any-type', [
    hasNoId,
    "return isObject(message) && message.jsonrpc === '2.0' && 'method' in message && !('id' in message);",
  ]),
  server(3, 'bare-values-are-taken', [
    onlyMessages,
    'if (isObject(message) && !isRequest(message) && !isNotification(message) && !isResponse(message)) {',
  ]),
  server(3, 'null-is-no-id', [hasNoId, 'return hasMethod(message) && message.id == null;']),
  server(3, 'null-is-an-id', [
    "return typeof id === 'string' || typeof id === 'number';",
    "return typeof id === 'string' || typeof id === 'number' || id === null;",
  ]),
  server(3, 'error-as-a-string', [
    "response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });",
    "response.status(status).json({ jsonrpc: '2.0', id: null, error: `${code} ${message}` });",
  ]),
  server(3, 'code-as-a-string', [
    "response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });",
    "response.status(status).json({ jsonrpc: '2.0', id: null, error: { code: String(code), message } });",
  ]),
  server(3, 'refusal-without-a-message', [
    "response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });",
    "response.status(status).json({ jsonrpc: '2.0', id: null, error: { code } });",
  ]),
  server(3, 'sends-back-any-id', [
    refusesOthers,
    refusesOthers.replace(
      "refuse(response, 400, -32600, 'the body must be one JSON-RPC message');",
      "response.status(400).json({ jsonrpc: '2.0', id: message?.id ?? null, ...failure(-32600, 'the body must be one JSON-RPC message') });",
    ),
  ]),
  server(3, 'calls-what-it-does-not-have', [knowsMethod, '']),
  server(1, 'refuses-the-methods-that-it-has', [knowsMethod, knowsMethod.replace('!', '')]),
  server(3, 'inherited-method', ['if (!Object.hasOwn(methods, method))', 'if (!(method in methods))']),
  server(3, 'unknown-method-without-id', [
    answersRequest,
    "const outcome = await answer(message);\n  if ('error' in outcome) refuse(response, 404, outcome.error.code, outcome.error.message);\n  else response.json({ jsonrpc: '2.0', id: message.id, ...outcome });",
  ]),
  server(3, 'not-found-without-a-body', [
    answersRequest,
    `if (!Object.hasOwn(methods, message.method)) response.status(404).end();\n  else ${answersRequest}`,
  ]),
  server(3, 'error-in-the-result', [
    knowsMethod,
    '  if (!Object.hasOwn(methods, method)) return { result: { error: `unknown method: ${method}` } };\n',
  ]),
  server(
    3,
    'numbers-in-strings',
    [
      isNumber,
      isNumber
        .replaceAll("typeof a !== 'number'", 'Number.isNaN(Number(a))')
        .replaceAll("typeof b !== 'number'", 'Number.isNaN(Number(b))'),
    ],
    ['result: { value: operations[op]!(a, b) }', 'result: { value: operations[op]!(Number(a), Number(b)) }'],
    [isFinite, isFinite.replace('(a, b)', '(Number(a), Number(b))')],
  ),
  server(
    3,
    'missing-is-not-checked',
    [
      isNumber,
      "    if (a && typeof a !== 'number') return failure(-32602, 'a must be a number');\n    if (b && typeof b !== 'number') return failure(-32602, 'b must be a number');\n",
    ],
    ['result: { value: operations[op]!(a, b) }', 'result: { value: operations[op]!(a as number, b as number) }'],
    [isFinite, "    if (op === 'div' && b === 0) return failure(-32602, 'b must not be 0');\n"],
  ),
  server(3, 'zero-is-missing', [
    isNumber,
    isNumber
      .replace("typeof a !== 'number'", "!a || typeof a !== 'number'")
      .replace("typeof b !== 'number'", "!b || typeof b !== 'number'"),
  ]),
  server(3, 'nothing-divided', [
    isFinite,
    `${isFinite}    if (op === 'div' && a === 0) return failure(-32602, 'a must not be 0');\n`,
  ]),
  server(3, 'whole-numbers-only', [
    isNumber,
    isNumber
      .replace("typeof a !== 'number'", "typeof a !== 'number' || !Number.isInteger(a)")
      .replace("typeof b !== 'number'", "typeof b !== 'number' || !Number.isInteger(b)"),
  ]),
  server(
    3,
    'operation-in-an-array',
    [
      "if (typeof op !== 'string' || !Object.hasOwn(operations, op)) {",
      'if (!Object.hasOwn(operations, op as string)) {',
    ],
    ['result: { value: operations[op]!(a, b) }', 'result: { value: operations[op as string]!(a, b) }'],
    [isFinite, isFinite.replace('operations[op]', 'operations[op as string]')],
  ),
  server(3, 'bad-parameters-with-another-code', [
    "return failure(-32602, 'a must be a number');",
    "return failure(-32600, 'a must be a number');",
  ]),
  server(3, 'throws-on-bad-parameters', [
    "return failure(-32602, 'a must be a number');",
    "throw new TypeError('a must be a number');",
  ]),
  server(3, 'inherited-operation', ['!Object.hasOwn(operations, op)', '!(op in operations)']),
  server(3, 'sends-infinity', [isFinite, '']),
  server(3, 'only-a-division-is-looked-at', [
    isFinite,
    "    if (op === 'div' && b === 0) return failure(-32602, 'b must not be 0');\n",
  ]),
  server(3, 'small-divisors-are-zero', [
    isFinite,
    `${isFinite}    if (Math.abs(b) < 1) return failure(-32602, 'b is too small');\n`,
  ]),
  server(1, 'rounds', [
    'result: { value: operations[op]!(a, b) }',
    'result: { value: Math.round(operations[op]!(a, b)) }',
  ]),
  server(4, 'page-for-get', [refusesMethod, '']),
  server(4, 'no-allow', ["response.set('Allow', 'POST')", 'response']),
  server(
    4,
    'takes-every-type',
    [refusesType, ''],
    [
      "express.json({ strict: false, limit: '1mb' })",
      "express.json({ strict: false, limit: '1mb', type: () => true })",
    ],
  ),
  server(4, 'type-is-not-looked-at', [refusesType, '']),
  server(4, 'compares-the-type', [
    "!request.is('application/json')",
    "request.headers['content-type'] !== 'application/json'",
  ]),
  server(4, 'accept-is-not-looked-at', [refusesAccept, '']),
  server(4, 'compares-accept', [
    "!request.accepts('application/json') || !request.accepts('text/event-stream')",
    "request.headers.accept !== 'application/json, text/event-stream'",
  ]),
  server(4, 'accept-by-substring', [
    "!request.accepts('application/json') || !request.accepts('text/event-stream')",
    "!/application\\/json|text\\/event-stream|\\*\\/\\*/i.test(request.headers.accept ?? '*/*')",
  ]),
  server(4, 'accept-in-small-letters', [
    "!request.accepts('application/json') || !request.accepts('text/event-stream')",
    "!request.headers.accept?.split(',').some((type) => ['application/json', 'text/event-stream'].includes(type.split(';')[0]!.trim()))",
  ]),
  server(
    4,
    'type-by-substring',
    ["!request.is('application/json')", "!request.headers['content-type']?.toLowerCase().includes('application/json')"],
    [
      "express.json({ strict: false, limit: '1mb' })",
      "express.json({ strict: false, limit: '1mb', type: () => true })",
    ],
  ),
  server(4, 'status-only', [
    "refuse(response.set('Allow', 'POST'), 405, -32600, 'the only HTTP method here is POST');",
    "response.set('Allow', 'POST').sendStatus(405);",
  ]),
  server(4, 'limit-of-100-kb', ["limit: '1mb'", "limit: '100kb'"]),
  server(4, 'no-limit', ["limit: '1mb'", "limit: '1gb'"]),
  server(4, 'too-large-is-bad-json', [
    handlesOthers,
    'else if (error.status && error.status < 500) refuse(response, 400, -32700, error.message);',
  ]),
  server(4, 'answers-only-bad-json', [handlesRest, '']),
  server(4, 'error-handler-first', [errorHandler, ''], [app, `${app}\n${errorHandler}`]),
  server(4, 'page-for-too-large', [handlesOthers, 'else if (error.status && error.status < 500) _next(error);']),
  server(3, 'takes-a-batch-of-one', [
    'const message = request.body;',
    'const message = Array.isArray(request.body) && request.body.length === 1 ? request.body[0] : request.body;',
  ]),
  server(3, 'refuses-too-late', [refusesOthers, ''], [onlyRequests, onlyRequests + refusesOthers]),
  server(3, 'any-id-makes-a-request', [hasIdOfItsType, "return hasMethod(message) && 'id' in message;"]),
  server(3, 'throws-for-an-unknown-method', [knowsMethod, knowsMethod.replace('return', 'throw')]),
  server(3, 'false-values-are-nothing', [refusesOthers, refusesOthers.replace('if (', 'if (message && ')]),
  server(
    3,
    'continues-after-a-refusal',
    [refusesOthers, refusesOthers.replace('    return;\n', '')],
    ['  if (!isRequest(message)) {', '  if (isNotification(message) || isResponse(message)) {'],
  ),
  server(3, 'continues-after-an-unknown-method', [
    answersRequest,
    `if (!Object.hasOwn(methods, message.method)) response.json({ jsonrpc: '2.0', id: message.id, ...failure(-32601, 'unknown method') });\n  ${answersRequest}`,
  ]),
  server(3, 'methods-by-their-beginning', [
    answersRequest,
    `message.method = Object.keys(methods).find((name) => message.method.startsWith(name)) ?? message.method;\n  ${answersRequest}`,
  ]),
  server(3, 'the-failure-is-not-returned', [isFinite, isFinite.replace('return failure', 'failure')]),
  server(3, 'drops-the-prefix-rpc', [
    answersRequest,
    `message.method = message.method.replace(/^rpc\\./, '');\n  ${answersRequest}`,
  ]),
  server(3, 'reserved-names-are-no-message', [
    methodIsString,
    `${methodIsString}    !message.method.startsWith('rpc.') &&\n`,
  ]),
  server(3, 'an-empty-name-is-no-method', [methodIsString, `${methodIsString}    message.method !== '' &&\n`]),
  server(3, 'methods-in-any-case', [
    answersRequest,
    `message.method = message.method.toLowerCase();\n  ${answersRequest}`,
  ]),
  server(3, 'notifications-by-name', [
    '  if (!isRequest(message)) {',
    "  if (!isRequest(message) || message.method.startsWith('notifications/')) {",
  ]),
  server(
    3,
    'params-by-position',
    [
      '    const { a, b, op } = params;',
      '    const { a, b, op } = Array.isArray(params) ? { a: params[0], b: params[1], op: params[2] } : params;',
    ],
    ['(message.params === undefined || isObject(message.params))', 'true'],
  ),
  server(
    3,
    'reads-params-of-null',
    ['(message.params === undefined || isObject(message.params))', "typeof (message.params ?? {}) === 'object'"],
    ['return methods[method]!(params ?? {});', 'return methods[method]!(params === undefined ? {} : params);'],
  ),
  server(3, 'versions-of-requests', [
    hasNoId,
    "return isObject(message) && typeof message.method === 'string' && !('id' in message);",
  ]),
  server(3, 'version-begins-with-2', [
    versionOfMethod,
    `    String(message.jsonrpc).startsWith('2') &&\n${methodIsString}`,
  ]),
  server(3, 'false-is-no-id', [
    hasNoId,
    'return hasMethod(message) && (message.id === undefined || message.id === false);',
  ]),
  server(3, 'method-in-an-array', [methodIsString, "    ['string', 'object'].includes(typeof message.method) &&\n"]),
  server(
    3,
    'operations-in-any-case',
    [
      "if (typeof op !== 'string' || !Object.hasOwn(operations, op)) {",
      "const name = String(op).toLowerCase();\n    if (typeof op !== 'string' || !Object.hasOwn(operations, name)) {",
    ],
    ['result: { value: operations[op]!(a, b) }', 'result: { value: operations[name]!(a, b) }'],
    [isFinite, isFinite.replace('operations[op]', 'operations[name]')],
  ),
  server(3, 'only-nan-is-looked-at', [isFinite, isFinite.replace('!Number.isFinite', 'Number.isNaN')]),

  server(
    4,
    'first-line-only',
    readsItself(
      "let text = '';\n  request.setEncoding('utf8').on('data', (piece) => (text += piece));\n  request.on('end', () => parse(/^\\{.*\\}\\n\\{/.test(text) ? text.split('\\n')[0]! : text));",
    ),
  ),
  server(4, 'allow-lists-more', ["response.set('Allow', 'POST')", "response.set('Allow', 'GET, POST, DELETE')"]),
  server(4, 'refuses-only-get', ["app.all('/mcp'", "app.get('/mcp'"]),
  server(4, 'options-by-express', [
    refusesMethod,
    `for (const method of ['get', 'put', 'patch', 'delete'] as const)
  ${refusesMethod.replace('app.all', 'app[method]')}`,
  ]),
  server(4, 'put-is-post', [`app.post('/mcp', ${parses}`, `app.all('/mcp', ${parses}`]),
  server(
    4,
    'any-kind-of-json',
    ["!request.is('application/json')", "!request.is(['application/json', '+json', 'text/json'])"],
    [parses, "express.json({ strict: false, limit: '1mb', type: () => true })"],
  ),
  server(
    4,
    'no-type-is-json',
    ["!request.is('application/json')", "request.get('Content-Type') && !request.is('application/json')"],
    [parses, "express.json({ strict: false, limit: '1mb', type: () => true })"],
  ),
  server(4, 'accepts-any-kind-of-json', [
    "!request.accepts('application/json') || !request.accepts('text/event-stream')",
    "!/json|event-stream|\\*\\/\\*/i.test(request.get('Accept') ?? '*/*')",
  ]),
  server(
    4,
    'limits-only-the-content-length',
    [parses, "express.json({ strict: false, limit: '1gb' })"],
    [
      refusesType,
      `${refusesType}  if (Number(request.get('Content-Length')) > 1_048_576) {
    refuse(response, 413, -32600, 'the body is too large');
    return;
  }
`,
    ],
  ),
  server(
    4,
    'limit-in-characters',
    [parses, "express.json({ strict: false, limit: '1gb' })"],
    [
      'const message = request.body;',
      `const message = request.body;
  if (JSON.stringify(message).length > 1_048_576) {
    refuse(response, 413, -32600, 'the body is too large');
    return;
  }`,
    ],
  ),
  server(4, 'no-return-after-406', [refusesAccept, refusesAccept.replace('    return;\n', '')]),
  server(4, 'no-return-after-415', [refusesType, refusesType.replace('    return;\n', '')]),
  server(4, 'refuses-twice', [handlesOthers, handlesOthers.replace('else if', 'if')]),
  server(4, 'works-before-it-refuses', [
    refusesAccept,
    refusesAccept.replace('{\n', "{\n    void work('too early');\n"),
  ]),
  server(4, 'any-site-may-ask', [sameMachine, 'if (asked.length > 0) next();']),
  server(4, 'looks-at-the-host-only', [`[${host}, ${origin}]`, `[${host}]`]),
  server(4, 'looks-at-the-origin-only', [`[${host}, ${origin}]`, `[${origin}]`]),
  server(4, 'compares-the-beginning-of-a-name', [
    sameMachine,
    'if (asked.every((url) => localNames.some((name) => /^https?:\\/\\/(.*)$/.exec(url)?.[1]!.startsWith(name)))) next();',
  ]),
  server(4, 'compares-the-end-of-a-name', [
    sameMachine,
    'if (asked.every((url) => URL.canParse(url) && localNames.some((name) => new URL(url).hostname.endsWith(name)))) next();',
  ]),
  server(4, 'only-port-3000', [
    sameMachine,
    "if (asked.every((url) => URL.canParse(url) && localNames.includes(new URL(url).hostname)) && ['', '3000'].includes(new URL(asked[1]!).port)) next();",
  ]),
];
