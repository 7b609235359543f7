import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished programs that several mistakes change. */
const readsToken = "const token = /^Bearer +(\\S+) *$/i.exec(request.get('Authorization') ?? '')?.[1];\n";
const noToken = '  if (!token) return challenge(response, 401, `scope="${scope}"`);\n';
const mounted = "app.use('/mcp', onlyThisMachine, requireToken);\n";
const mountedWithoutToken = "app.use('/mcp', onlyThisMachine);\n";
const posted = "app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async";
const metadataUrl = "new URL('/.well-known/oauth-protected-resource/mcp', publicUrl).href;\n";
const setsHeader = 'response.set(\'WWW-Authenticate\', `Bearer ${reason}, resource_metadata="${metadata}"`);\n';
const refuses = "  refuse(response, status, -32600, 'this server needs a token of its authorization server');\n";
const metadata = 'response.json({ resource, authorization_servers: [issuer], scopes_supported: [scope] });\n';
const metadataRoute = "app.get('/.well-known/oauth-protected-resource/mcp', (_request";
const joseImport = "import { createRemoteJWKSet, errors, jwtVerify } from 'jose';\n";
const withDecode = "import { createRemoteJWKSet, decodeJwt, errors, jwtVerify } from 'jose';\n";
const verifies = `    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: resource,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'exp'],
    });
`;
const verifiesUnread = verifies.replace('const { payload } = await ', '');
const decodes = '    const payload = decodeJwt(token);\n';
const onlyTheSignature = `    const verified = await compactVerify(token, keys);
    const payload = JSON.parse(new TextDecoder().decode(verified.payload));
`;
const comparesElsewhere =
  '    if (payload.iss !== issuer || ![payload.aud].flat().includes(resource)) throw new errors.JWTInvalid();\n';
const scopes = "    const scopes = String(payload.scope ?? '').split(' ');\n";
const noScope =
  '    if (!scopes.includes(scope)) return challenge(response, 403, `error="insufficient_scope", scope="${scope}"`);\n';
const keepsSubject = '    response.locals.subject = payload.sub;\n';
const catches = `  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error; // the authorization server does not answer
    return challenge(response, 401, 'error="invalid_token"');
  }
`;
const ownerOf = '  const owner = response.locals.subject;\n';
const finds = '  const session = found?.owner === response.locals.subject ? found : undefined;\n';
const logs = '  const { method, path } = request;\n';
const checksDelete = '  if (!sessionOf(request, response)) return;\n';
const secureServer = 'const secure = createSecureServer({ key, cert }, app);\n';
const plainServer = `const plain = createServer((_request, response) => {
  response.writeHead(400, { 'Content-Type': 'text/plain', Connection: 'close' });
  response.end(\`This port speaks TLS. Use \${resource}\\n\`);
});
`;
const answers400 = "response.writeHead(400, { 'Content-Type': 'text/plain', Connection: 'close' });\n";
const listens = "listen(byFirstByte({ secure, plain }), 'https');\n";
const secureAgent = 'const secureAgent = new Agent(certificate ? { ca: readFileSync(certificate) } : {});\n';
const posts = "await fetch(url, { method: 'POST', headers, body, signal, agent }).catch(notSent);\n";

export const mistakes: Mistake[] = [
  server(1, 'refuses-and-goes-on', [noToken, noToken.replace('return ', '')]),
  server(
    1,
    'looks-after-the-body',
    [mounted, mountedWithoutToken],
    [posted, posted.replace(' async', ' requireToken, async')],
  ),
  server(
    1,
    'looks-at-a-post-only',
    [mounted, mountedWithoutToken],
    [posted, posted.replace('checkPost', 'requireToken, checkPost')],
  ),
  server(1, 'takes-a-token-from-the-query', [
    readsToken,
    readsToken.replace(';\n', ' ?? (request.query.access_token as string | undefined);\n'),
  ]),
  server(1, 'a-token-after-any-scheme', [readsToken, readsToken.replace('Bearer', '\\w+')]),
  server(
    1,
    'looks-at-post-and-delete-only',
    [mounted, mountedWithoutToken],
    [posted, posted.replace('checkPost', 'requireToken, checkPost')],
    ["app.delete('/mcp', (", "app.delete('/mcp', requireToken, ("],
  ),
  server(1, 'no-token-is-403', [noToken, noToken.replace('401', '403')]),
  server(1, 'no-token-is-400', [noToken, "  if (!token) return refuse(response, 400, -32600, 'there is no token');\n"]),
  server(1, 'expects-the-header', [
    readsToken,
    "const token = request.get('Authorization')!.slice('Bearer '.length);\n",
  ]),
  server(1, 'refuses-without-a-challenge', [
    noToken,
    "  if (!token) return refuse(response, 401, -32600, 'there is no token');\n",
  ]),
  server(
    1,
    'sets-the-header-too-late',
    [`  ${setsHeader}`, ''],
    [refuses, `${refuses}  if (!response.headersSent) ${setsHeader}`],
  ),
  server(1, 'a-header-without-a-scheme', [setsHeader, setsHeader.replace('Bearer ', '')]),
  server(1, 'a-header-without-metadata', [
    setsHeader,
    'response.set(\'WWW-Authenticate\', `Bearer ${reason}, realm="${metadata}"`);\n',
  ]),
  server(1, 'a-space-between-the-parameters', [setsHeader, setsHeader.replace(', resource', ' resource')]),
  server(1, 'the-url-of-the-metadata-from-the-host', [
    metadataUrl,
    "`http://${response.req.get('Host')}/.well-known/oauth-protected-resource/mcp`;\n",
  ]),
  server(1, 'a-relative-url', [metadataUrl, "'/.well-known/oauth-protected-resource/mcp';\n"]),
  server(1, 'the-url-of-the-authorization-server', [
    metadataUrl,
    "new URL('/.well-known/oauth-authorization-server', issuer).href;\n",
  ]),
  server(
    1,
    'well-known-behind-the-path',
    [metadataUrl, "new URL('/mcp/.well-known/oauth-protected-resource', publicUrl).href;\n"],
    [
      metadataRoute,
      metadataRoute.replace('/.well-known/oauth-protected-resource/mcp', '/mcp/.well-known/oauth-protected-resource'),
    ],
  ),
  server(1, 'well-known-at-the-root', [metadataRoute, metadataRoute.replace('resource/mcp', 'resource')]),
  server(1, 'metadata-behind-the-token', [
    metadataRoute,
    metadataRoute.replace('(_request', 'requireToken, (_request'),
  ]),
  server(1, 'the-resource-is-the-origin', [metadata, metadata.replace('resource,', 'resource: publicUrl,')]),
  server(1, 'the-resource-from-the-host', [
    metadata,
    metadata.replace('resource,', "resource: `http://${response.req.get('Host')}/mcp`,"),
  ]),
  server(1, 'the-issuer-is-not-in-an-array', [metadata, metadata.replace('[issuer]', 'issuer')]),
  server(1, 'the-issuer-with-a-slash', [metadata, metadata.replace('[issuer]', '[new URL(issuer).href]')]),
  server(1, 'one-authorization-server', [
    metadata,
    metadata.replace('authorization_servers: [issuer]', 'authorization_server: issuer'),
  ]),
  server(1, 'metadata-as-a-page', [
    metadata,
    'response.send(JSON.stringify({ resource, authorization_servers: [issuer], scopes_supported: [scope] }));\n',
  ]),
  server(1, 'bearer-in-one-case-only', [readsToken, readsToken.replace('$/i', '$/')]),
  server(1, 'the-audience-is-the-origin', [verifies, verifies.replace('audience: resource', 'audience: publicUrl')]),
  server(1, 'expects-a-different-algorithm', [verifies, verifies.replace('ES256', 'RS256')]),
  server(1, 'never-calls-next', [
    '\'error="invalid_token"\');\n  }\n  next();\n',
    '\'error="invalid_token"\');\n  }\n',
  ]),

  server(
    2,
    'only-reads-the-claims',
    [joseImport, "import { createRemoteJWKSet, decodeJwt, errors } from 'jose';\n"],
    [verifies, decodes],
  ),
  server(
    2,
    'reads-the-claims-and-compares-them',
    [joseImport, "import { createRemoteJWKSet, decodeJwt, errors } from 'jose';\n"],
    [
      verifies,
      `${decodes}${comparesElsewhere}    const now = Date.now() / 1000;\n    if (!payload.exp || payload.exp < now || (payload.nbf ?? 0) > now) throw new errors.JWTInvalid();\n`,
    ],
  ),
  server(
    2,
    'takes-the-key-from-the-token',
    [joseImport, "import { createRemoteJWKSet, decodeProtectedHeader, EmbeddedJWK, errors, jwtVerify } from 'jose';\n"],
    [
      verifies,
      verifies.replace('token, keys,', 'token, decodeProtectedHeader(token).jwk ? EmbeddedJWK : (keys as never),'),
    ],
  ),
  server(
    2,
    'believes-the-algorithm-none',
    [
      joseImport,
      "import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify, UnsecuredJWT } from 'jose';\n",
    ],
    [
      verifies,
      verifies.replace(
        'const { payload } = await',
        "const unsecured = decodeProtectedHeader(token).alg === 'none';\n    const { payload } = unsecured ? UnsecuredJWT.decode(token) : await",
      ),
    ],
  ),
  server(
    2,
    'verifies-and-goes-on',
    [joseImport, withDecode],
    [
      verifies,
      `${verifiesUnread.replace('});\n', "}).catch(() => console.error('the token is wrong'));\n")}${decodes}`,
    ],
  ),
  server(2, 'does-not-wait-for-the-verification', [joseImport, withDecode], [verifies, verifiesUnread + decodes]),
  server(2, 'a-session-is-as-good-as-a-token', [
    verifies,
    `    const known = sessions.get(request.get('MCP-Session-Id') ?? '');\n    if (known) {\n      response.locals.subject = known.owner;\n      return next();\n    }\n${verifies}`,
  ]),
  server(
    2,
    'a-wrong-token-is-an-internal-error',
    [catches, '  } finally {\n    // nothing to do\n  }\n'],
    [joseImport, "import { createRemoteJWKSet, jwtVerify } from 'jose';\n"],
  ),
  server(2, 'a-wrong-token-is-403', [catches, catches.replace('401', '403')]),
  server(2, 'does-not-say-that-the-token-is-wrong', [
    catches,
    catches.replace('\'error="invalid_token"\'', '`scope="${scope}"`'),
  ]),
  server(2, 'a-wrong-token-gets-no-metadata', [
    catches,
    catches.replace(
      'return challenge(response, 401, \'error="invalid_token"\');',
      "response.set('WWW-Authenticate', 'Bearer error=\"invalid_token\"');\n    return refuse(response, 401, -32600, 'the token is wrong');",
    ),
  ]),
  server(
    2,
    'verifies-the-signature-only',
    [joseImport, "import { compactVerify, createRemoteJWKSet, errors } from 'jose';\n"],
    [verifies, onlyTheSignature],
  ),
  server(2, 'a-day-of-tolerance', [verifies, verifies.replace('issuer,', "issuer,\n      clockTolerance: '1d',")]),
  server(2, 'a-token-for-ever', [verifies, verifies.replace("['sub', 'exp']", "['sub']")]),
  server(
    2,
    'compares-seconds-with-milliseconds',
    [joseImport, "import { compactVerify, createRemoteJWKSet, errors } from 'jose';\n"],
    [
      verifies,
      `${onlyTheSignature}${comparesElsewhere}    if (!payload.exp || payload.exp * 1000 < Date.now() || payload.nbf > Date.now()) throw new errors.JWTInvalid();\n`,
    ],
  ),
  server(2, 'any-issuer', [verifies, verifies.replace('      issuer,\n', '')]),
  server(2, 'any-audience', [verifies, verifies.replace('      audience: resource,\n', '')]),
  server(2, 'the-audience-is-what-the-client-says', [
    verifies,
    verifies.replace('audience: resource', "audience: `http://${request.get('Host')}/mcp`"),
  ]),
  server(2, 'the-audience-begins-like-the-resource', [
    verifies,
    `${verifies.replace('      audience: resource,\n', '')}    if (![payload.aud].flat().some((aud) => aud?.startsWith(resource))) throw new errors.JWTInvalid();\n`,
  ]),
  server(2, 'any-scope', [noScope, ''], [scopes, '']),
  server(
    2,
    'a-part-of-a-scope',
    [scopes, ''],
    [noScope, noScope.replace('scopes.includes', "String(payload.scope ?? '').includes")],
  ),
  server(
    2,
    'the-only-scope',
    [scopes, ''],
    [noScope, noScope.replace('!scopes.includes(scope)', 'payload.scope !== scope')],
  ),
  server(2, 'needs-a-scope', [scopes, "    const scopes = (payload.scope as string).split(' ');\n"]),
  server(2, 'a-missing-scope-is-401', [noScope, noScope.replace('403', '401')]),
  server(2, 'does-not-say-which-scope', [noScope, noScope.replace(', scope="${scope}"', '')]),
  server(2, 'a-missing-scope-is-an-invalid-token', [noScope, noScope.replace('insufficient_scope', 'invalid_token')]),
  server(2, 'a-session-of-everybody', [finds, '  const session = found;\n']),
  server(2, 'the-owner-is-the-client', [keepsSubject, '    response.locals.subject = payload.client_id;\n']),
  server(2, 'the-owner-is-the-token', [keepsSubject, '    response.locals.subject = token;\n']),
  server(2, 'the-owner-only-begins-alike', [
    finds,
    "  const session = String(response.locals.subject).startsWith(found?.owner ?? '') ? found : undefined;\n",
  ]),
  server(2, 'a-stranger-may-end-a-session', [
    checksDelete,
    "  if (!sessions.has(request.get('MCP-Session-Id') ?? '')) {\n    sessionOf(request, response);\n    return;\n  }\n",
  ]),
  server(2, 'a-stranger-ends-the-session', [finds, `${finds}  if (found && !session) sessions.delete(id!);\n`]),
  server(
    2,
    'one-subject-for-all-requests',
    ['/** Lets a request through', 'let subject: unknown;\n\n/** Lets a request through'],
    [keepsSubject, '    subject = payload.sub;\n'],
    [ownerOf, '  const owner = subject as string;\n'],
    [finds, finds.replace('response.locals.subject', 'subject')],
  ),
  server(2, 'logs-the-query', [logs, '  const { method, originalUrl: path } = request;\n']),
  server(2, 'hides-one-parameter-of-the-query', [
    logs,
    "  const { method, originalUrl } = request;\n  const path = originalUrl.replace(/access_token=[^&]*/, 'access_token=***');\n",
  ]),
  server(2, 'logs-the-headers', [logs, `${logs}  console.log(request.headers);\n`]),
  server(2, 'logs-the-end-of-a-token', [
    noToken,
    noToken + '  console.error(`a token that ends with ${token.slice(-8)}`);\n',
  ]),
  server(2, 'logs-a-wrong-token', [
    catches,
    catches.replace('    return challenge', '    console.error(`not valid: ${token}`);\n    return challenge'),
  ]),

  server(3, 'does-not-look-at-tls', ['if (tlsFolder) {\n', 'if (tlsFolder && process.env.HTTPS) {\n']),
  server(
    3,
    'only-speaks-tls',
    [plainServer, ''],
    [listens, "listen(secure, 'https');\n"],
    ["import { createServer } from 'node:http';\n", ''],
    ["import { byFirstByte } from '#support/one-port.ts';\n", ''],
  ),
  server(3, 'serves-plain-http-too', [plainServer, 'const plain = createServer(app);\n']),
  server(3, 'redirects-plain-http', [answers400, 'response.writeHead(308, { Location: resource });\n']),
  server(3, 'plain-http-is-200', [answers400, answers400.replace('400', '200')]),
  server(3, 'does-not-name-the-url', [plainServer, plainServer.replace('Use ${resource}', 'Bad Request')]),
  server(3, 'closes-a-plain-connection', [
    plainServer,
    'const plain = createServer((request) => request.destroy());\n',
  ]),
  server(3, 'a-secure-server-without-the-app', [secureServer, 'const secure = createSecureServer({ key, cert });\n']),
  server(
    3,
    'a-secure-server-without-a-certificate',
    [secureServer, 'const secure = createSecureServer({ key }, app);\n'],
    ["  const cert = readFileSync(join(tlsFolder, 'certificate.pem'));\n", ''],
  ),
  server(3, 'the-metadata-is-always-http', [
    metadataUrl,
    "new URL('/.well-known/oauth-protected-resource/mcp', publicUrl.replace('https', 'http')).href;\n",
  ]),
  server(3, 'plain-http-ends-the-server', [
    listens,
    "const either = byFirstByte({ secure, plain });\n  plain.on('request', () => either.close());\n  listen(either, 'https');\n",
  ]),
  client(3, 'trusts-the-authorities-only', [secureAgent, 'const secureAgent = new Agent();\n']),
  client(3, 'trusts-everybody', [secureAgent, 'const secureAgent = new Agent({ rejectUnauthorized: false });\n']),
  client(3, 'trusts-everybody-although-it-has-the-certificate', [
    secureAgent,
    secureAgent.replace('{ ca:', '{ rejectUnauthorized: false, ca:'),
  ]),
  client(3, 'switches-the-check-off', [secureAgent, `process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';\n${secureAgent}`]),
  client(3, 'any-host-name', [
    secureAgent,
    secureAgent.replace('{ ca:', '{ checkServerIdentity: () => undefined, ca:'),
  ]),
  client(3, 'the-name-of-the-file-as-the-certificate', [
    secureAgent,
    secureAgent.replace('readFileSync(certificate)', 'certificate'),
  ]),
  client(3, 'the-certificate-as-its-own', [secureAgent, secureAgent.replace('{ ca:', '{ cert:')]),
  client(3, 'tries-again-without-a-check', [
    posts,
    "await fetch(url, { method: 'POST', headers, body, signal, agent })\n    .catch(() => fetch(url, { method: 'POST', headers, body, signal, agent: new Agent({ rejectUnauthorized: false }) }))\n    .catch(notSent);\n",
  ]),
  client(3, 'a-wrong-certificate-is-code-1', [
    '  fail(2, error.message);\n',
    "  if ((error as { code?: string }).code === 'ECONNREFUSED') fail(2, error.message);\n  throw error;\n",
  ]),
  client(3, 'posts-without-the-agent', [posts, posts.replace(', agent })', ' })')]),
];
