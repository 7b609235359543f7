// The authorization server of this lesson: oidc-provider, a certified implementation of OAuth 2 and OpenID Connect.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const port = Number(process.env.PORT ?? 4000);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  // A new key with each start. The private half signs tokens; /jwks publishes the public half.
  jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['mcp:tools'],
  clients: [
    {
      client_id: 'workshop',
      client_secret: 'only-for-this-workshop',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  ttl: { ClientCredentials: 10 * 60 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // A client that nobody knows yet can register itself (RFC 7591).
    registration: { enabled: true },
    // A client names the server that its token is for (RFC 8707). The token says it in `aud`.
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context: unknown, resource: string) => ({
        audience: resource,
        scope: 'mcp:tools',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

createServer(provider.callback()).listen(port, '127.0.0.1', () => console.log(`issuing tokens at ${issuer}`));
