// An authorization server of the grader's: its tokens can be wrong in every way.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';
import { listenOnFreePort } from '../programs/ports.ts';
import type { Run } from '../run/run.ts';

/** The claims of a token, as changes of a right one. `undefined` leaves a claim out. */
export type Claims = JWTPayload & { scope?: string | undefined; client_id?: string };

export type Issuer = {
  url: string;
  /** A token that this issuer has signed. */
  token(claims?: Claims): Promise<string>;
  /** Tokens with these claims that this issuer has not signed, by what is wrong with them. */
  forged(claims?: Claims): Promise<Record<string, string>>;
};

/** Seconds since 1970, from now. */
export const seconds = (from: number): number => Math.floor(Date.now() / 1000) + from;

/**
 * Starts an authorization server that publishes its metadata and its keys, until the end of the run.
 * @param audience of its tokens, when the token has no other
 */
export async function startIssuer(run: Run, audience: () => string): Promise<Issuer> {
  const [own, other] = await Promise.all([newKey(), newKey()]);
  const documents: Record<string, object> = { '/jwks': { keys: [own.jwk] } };
  const server = createServer((request, response) => {
    const document = documents[request.url ?? ''];
    response.writeHead(document ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  const { port, close } = await listenOnFreePort(server);
  run.atEnd(close);
  const url = `http://127.0.0.1:${port}`;
  const metadata = {
    issuer: url,
    jwks_uri: `${url}/jwks`,
    token_endpoint: `${url}/token`,
    authorization_endpoint: `${url}/auth`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
  documents['/.well-known/oauth-authorization-server'] = metadata;
  documents['/.well-known/openid-configuration'] = metadata;

  const header = { alg: 'ES256', typ: 'at+jwt', kid: own.jwk.kid! };
  const all = (claims: Claims): Claims => ({
    iss: url,
    aud: audience(),
    sub: 'grader',
    client_id: 'grader',
    scope: 'mcp:tools',
    iat: seconds(-5),
    exp: seconds(600),
    jti: run.random.words(3).join('-'),
    ...claims,
  });
  const signed = (claims: Claims, key: CryptoKey, protectedHeader: object = header) =>
    new SignJWT(all(claims)).setProtectedHeader({ ...header, ...protectedHeader }).sign(key);

  return {
    url,
    token: (claims = {}) => signed(claims, own.privateKey),
    async forged(claims = {}) {
      const token = await signed(claims, own.privateKey);
      const [head, payload, signature] = token.split('.') as [string, string, string];
      const changed = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims), sub: 'somebody else' };
      const hmac = `${part({ ...header, alg: 'HS256' })}.${payload}`;
      const secret = await exportSPKI(own.publicKey);
      return {
        'that was signed with another key': await signed(claims, other.privateKey),
        'whose claims have been changed after it was signed': `${head}.${part(changed)}.${signature}`,
        'whose header says that it is unsigned': `${part({ ...header, alg: 'none' })}.${payload}.`,
        'without its signature': `${head}.${payload}.`,
        'that brings its own key in the header': await signed(claims, other.privateKey, { jwk: other.jwk }),
        'that was signed with a key of an unknown name': await signed(claims, other.privateKey, { kid: 'unknown' }),
        'that was signed with the public key as a shared secret': `${hmac}.${createHmac('sha256', secret).update(hmac).digest('base64url')}`,
        'that is not a JWT': run.random.words(3).join('.'),
      };
    },
  };
}

/** A part of a token. */
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function newKey(): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'key-1' } };
}

/**
 * The parameters of the scheme Bearer in a header WWW-Authenticate (RFC 9110, section 11.6.1); undefined without this scheme.
 * They end where a client could not read on: at a missing comma, or at a URL without quotation marks.
 */
export function bearerChallenge(header: string): Record<string, string> | undefined {
  const [, scheme, rest = ''] = /(?:^|,\s*)(Bearer)(?:\s+(.*))?$/i.exec(header) ?? [];
  if (!scheme) return undefined;
  const parameters = rest.matchAll(/\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^`|~\w-]+))\s*(?:$|,[\s,]*)/gy);
  return Object.fromEntries(
    [...parameters].map(([, name, quoted, token]) => [
      name!.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? token!,
    ]),
  );
}
