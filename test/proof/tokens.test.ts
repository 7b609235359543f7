// Official clients that know only the URL of a server find their way to a token.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { root } from '../harness/folders.js';
import { freePort } from '../harness/programs/ports.ts';
import { endServers, serve } from '../judges/solution-server.ts';

afterAll(endServers);

// The client knows a URL and nothing else: it registers itself, and asks for a token for this resource and this scope.
test.for(['first', 'second'] as const)(
  'the official client of the %s generation finds its way from the 401 of 18-tokens-and-tls to a token and a result',
  async (generation) => {
    const issuer = await startAuthorizationServer();
    const url = await serve('18-tokens-and-tls', { ISSUER: issuer });
    const asked: string[] = [];
    // Without a user, the first generation asks only for the scope that it was configured with.
    const provider = newcomer(generation === 'first' ? 'mcp:tools' : undefined);
    const { client, transport } = await officialClient[generation](new URL(url), {
      authProvider: provider,
      async fetch(input, init) {
        const { pathname, origin } = new URL(input);
        const response = await fetch(input, init);
        asked.push(`${origin === issuer ? 'issuer' : 'server'} ${pathname} ${response.status}`);
        return response;
      },
    });
    await client.connect(transport);
    const { content } = await client.callTool({ name: 'process_files', arguments: { message: 'judged' } });
    await client.close();
    expect(content).toEqual([{ type: 'text', text: 'Done: judged' }]);
    expect(asked.slice(0, 6)).toEqual([
      'server /mcp 401',
      'server /.well-known/oauth-protected-resource/mcp 200',
      'issuer /.well-known/oauth-authorization-server 200',
      'issuer /reg 201',
      'issuer /token 200',
      'server /mcp 200',
    ]);
    const claims = JSON.parse(Buffer.from(provider.tokens()!.access_token.split('.')[1]!, 'base64url').toString());
    expect(claims).toMatchObject({ iss: issuer, aud: url, scope: 'mcp:tools' });
  },
);

/** A client that no authorization server knows, and that no user sits at. */
function newcomer(scope?: string) {
  let information: OAuthClientInformationMixed | undefined;
  let tokens: OAuthTokens | undefined;
  return {
    redirectUrl: undefined,
    clientMetadata: {
      client_name: 'newcomer',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      ...(scope && { scope }),
    },
    clientInformation: () => information,
    saveClientInformation: (registered: OAuthClientInformationMixed) => void (information = registered),
    tokens: () => tokens,
    saveTokens: (got: OAuthTokens) => void (tokens = got),
    prepareTokenRequest: (scope?: string) =>
      new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }),
    redirectToAuthorization() {},
    saveCodeVerifier() {},
    codeVerifier: () => '',
  };
}

type Options = {
  authProvider: ReturnType<typeof newcomer>;
  fetch(url: string | URL, init?: RequestInit): Promise<Response>;
};

/** A client of each generation, and its transport. */
const officialClient = {
  async first(url: URL, options: Options) {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const transport = new StreamableHTTPClientTransport(url, options);
    return { client: new Client({ name: 'judge', version: '1.0.0' }), transport: transport as object as Transport };
  },
  async second(url: URL, options: Options) {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    const transport = new StreamableHTTPClientTransport(url, options);
    return { client: new Client({ name: 'judge', version: '1.0.0' }), transport };
  },
};

/** Starts the authorization server of the lesson, and returns its URL. */
async function startAuthorizationServer(): Promise<string> {
  const PORT = String(await freePort());
  const file = 'lessons/18-tokens-and-tls/examples/authorization-server.ts';
  const env = { ...process.env, PORT };
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill());
  await once(child.stdout, 'data'); // it says that it listens
  return `http://127.0.0.1:${PORT}`;
}
