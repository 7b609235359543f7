// The client of lesson 30 as the conformance suite needs it: the same SDK client with the same capability, which calls the
// tools of each scenario, and logs in where the scenario asks for it. The suite puts the URL of its server behind the command.
import {
  auth,
  Client,
  computeScopeUnion,
  extractWWWAuthenticateParams,
  isStrictScopeSuperset,
  StreamableHTTPClientTransport,
  type FetchLike,
  type OAuthClientInformationFull,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client';

const url = new URL(process.argv[2]!);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO!;
const isNew = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === '2026-07-28';
const given = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as {
  client_id?: string;
  client_secret?: string;
  toolCalls?: { name: string; arguments: Record<string, unknown> }[];
};
const info = { name: 'chunk-by-chunk', version: '1.0.0' };

/** Keeps what it gets from the authorization server. Nobody has to log in: the suite redirects with a code immediately. */
function provider(): OAuthClientProvider & { code?: string; iss?: string | undefined } {
  const redirect = 'http://localhost:3000/callback';
  let client: OAuthClientInformationFull | undefined =
    scenario === 'auth/pre-registration'
      ? { client_id: given.client_id!, client_secret: given.client_secret!, redirect_uris: [redirect] }
      : undefined;
  let tokens: OAuthTokens | undefined;
  let verifier = '';
  let discovery: OAuthDiscoveryState | undefined;
  const own: ReturnType<typeof provider> = {
    redirectUrl: redirect,
    clientMetadata: { client_name: info.name, redirect_uris: [redirect] },
    clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    clientInformation: () => client,
    saveClientInformation: (saved) => void (client = saved as OAuthClientInformationFull),
    tokens: () => tokens,
    saveTokens: (saved) => void (tokens = saved),
    codeVerifier: () => verifier,
    saveCodeVerifier: (saved) => void (verifier = saved),
    discoveryState: () => discovery,
    saveDiscoveryState: (saved) => void (discovery = saved),
    invalidateCredentials(which) {
      if (which === 'all' || which === 'client') client = undefined;
      if (which === 'all' || which === 'tokens') tokens = undefined;
      if (which === 'all' || which === 'discovery') discovery = undefined;
    },
    async redirectToAuthorization(page) {
      const { headers } = await fetch(page, { redirect: 'manual' });
      const { searchParams } = new URL(headers.get('location')!);
      own.code = searchParams.get('code')!;
      own.iss = searchParams.get('iss') ?? undefined;
    },
  };
  return own;
}

/** Logs in after 401, and asks for a wider scope after 403, one time for each request. */
function withLogin(next: FetchLike): FetchLike {
  const own = provider();
  const send = async (to: string | URL, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    const tokens = await own.tokens();
    if (tokens) headers.set('Authorization', `Bearer ${tokens.access_token}`);
    return next(to, { ...init, headers });
  };
  return async (to, init) => {
    const response = await send(to, init);
    if (![401, 403].includes(response.status)) return response;
    const { resourceMetadataUrl, scope: asked } = extractWWWAuthenticateParams(response);
    const before = (await own.tokens())?.scope;
    const scope = response.status === 403 ? computeScopeUnion(before, asked) : asked;
    // A token that is refused may come from a server that is no longer in charge.
    if (response.status === 401) own.invalidateCredentials!('discovery');
    const wishes = { serverUrl: url, resourceMetadataUrl, scope, fetchFn: next };
    const forceReauthorization = isStrictScopeSuperset(scope, before);
    if ((await auth(own, { ...wishes, forceReauthorization })) === 'REDIRECT') {
      await auth(own, { ...wishes, authorizationCode: own.code!, iss: own.iss });
    }
    const again = await send(to, init);
    if ([401, 403].includes(again.status)) throw new Error(`still refused: ${again.status}`);
    return again;
  };
}

/** Some servers of the suite know revision 2026-07-28, but not its first request. */
const answersDiscover: FetchLike = async (to, init) => {
  const message = typeof init?.body === 'string' ? (JSON.parse(init.body) as { method?: string; id?: unknown }) : {};
  if (message.method !== 'server/discover') return fetch(to, init);
  const result = {
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, resources: {}, prompts: {} },
    _meta: { 'io.modelcontextprotocol/serverInfo': info },
  };
  return Response.json({ jsonrpc: '2.0', id: message.id, result });
};
const cannotDiscover = /^http-|^sep-2322/.test(scenario);

const client = new Client(info, {
  capabilities: {
    elicitation: { form: { applyDefaults: true } },
    ...(scenario === 'request-metadata' && { sampling: {}, roots: { listChanged: true } }),
  },
  versionNegotiation: { mode: isNew ? 'auto' : 'legacy' },
});
client.setRequestHandler('elicitation/create', async ({ params }) => {
  const asksToConfirm = 'requestedSchema' in params && 'confirmed' in params.requestedSchema.properties;
  const content: Record<string, boolean> = asksToConfirm ? { confirmed: true } : {};
  return { action: 'accept', content };
});
const reach = cannotDiscover ? answersDiscover : scenario.startsWith('auth/') ? withLogin(fetch) : fetch;
await client.connect(new StreamableHTTPClientTransport(url, { fetch: reach }));

const arguments_: Record<string, Record<string, unknown>> = { add_numbers: { a: 5, b: 3 } };
if (scenario !== 'request-metadata') {
  const { tools } = await client.listTools();
  if (scenario === 'http-standard-headers') {
    for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
    for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name, arguments: {} });
  }
  if (scenario === 'http-invalid-tool-headers') for (const { name } of tools) arguments_[name] = { region: 'us-west1' };
  const echoed = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema;
  const calls =
    given.toolCalls ??
    (echoed
      ? [{ name: 'json_schema_echo', arguments: { schema: echoed } }]
      : scenario === 'json-schema-ref-no-deref'
        ? []
        : tools.map(({ name }) => ({ name, arguments: arguments_[name] ?? {} })));
  // A result that breaks the rules is refused, and the next call follows.
  for (const call of calls)
    await client.callTool(call).catch((error: Error) => console.error(call.name, error.message));
}
await client.close();
