// How a client finds its way from a status 401 to a token.
import fetch, { type RequestInit, type Response } from 'node-fetch';

/** The one authorization server that gets the secret of this client, whatever other server a resource names. */
const issuer = process.env.ISSUER ?? 'http://127.0.0.1:4000';
const clientId = process.env.CLIENT_ID ?? 'workshop';
const clientSecret = process.env.CLIENT_SECRET ?? 'only-for-this-workshop';

/**
 * Gets a token for the resource that has refused a request (MCP 2025-11-25, basic/authorization).
 * @param url of the resource, as this client knows it
 * @param refusal the response with status 401
 * @throws Error when a step of the way does not lead on
 */
export async function tokenFor(url: string, refusal: Response, agent: RequestInit['agent']): Promise<string> {
  const challenge = refusal.headers.get('WWW-Authenticate') ?? '';
  const metadataUrl = /resource_metadata="([^"]*)"/.exec(challenge)?.[1];
  if (!metadataUrl) throw new Error('the server wants a token, but does not say where its metadata is');

  const metadata = await json(metadataUrl, { agent });
  // Otherwise a server could ask for a token with which it can use another server (RFC 9728, section 3.3).
  if (metadata.resource !== url) throw new Error(`the metadata is that of ${metadata.resource}`);
  if (!metadata.authorization_servers?.includes(issuer)) throw new Error(`the server accepts no token of ${issuer}`);

  const { token_endpoint } = await json(`${issuer}/.well-known/oauth-authorization-server`);
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    resource: metadata.resource,
    scope: metadata.scopes_supported?.join(' ') ?? '',
  });
  const Authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  const { access_token } = await json(token_endpoint, { method: 'POST', headers: { Authorization }, body });
  return access_token;
}

type Document = {
  resource?: string;
  authorization_servers?: string[];
  scopes_supported?: string[];
  token_endpoint: string;
  access_token: string;
};

async function json(url: string, options: RequestInit = {}): Promise<Document> {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${url} was answered with ${response.status}: ${await response.text()}`);
  return (await response.json()) as Document;
}
