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
const versionOfResponse = `    message.jsonrpc === '2.0' &&\n${responseHasId}`;
const handlesErrors =
  "app.use('/mcp', (error: HttpError, _request: Request, response: Response, _next: NextFunction) => {";
const handlesParseErrors =
  "if (error.type === 'entity.parse.failed') refuse(response, 400, -32700, 'the body is not JSON');";
const handlesOthers =
  'else if (error.status && error.status < 500) refuse(response, error.status, -32600, error.message);';

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
  server(3, 'versions-of-responses', [versionOfResponse, responseHasId]),
  server(3, 'version-equal-to-a-number', [versionOfMethod, `    message.jsonrpc == 2 &&\n${methodIsString}`]),
  server(3, 'ids-of-responses', [responseHasId, "    'id' in message &&\n"]),
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
  server(4, 'page-for-too-large', [handlesOthers, 'else if (error.status && error.status < 500) _next(error);']),
];
