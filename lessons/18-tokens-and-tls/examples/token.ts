// Prints a token for the server of this lesson. With the argument `forged`, it prints a token that anybody can make.
import { UnsecuredJWT } from 'jose';

const issuer = process.env.ISSUER ?? 'http://127.0.0.1:4000';
const resource = 'http://127.0.0.1:3000/mcp';

if (process.argv[2] === 'forged') {
  const claims = { iss: issuer, aud: resource, sub: 'workshop', scope: 'mcp:tools' };
  console.log(new UnsecuredJWT(claims).setExpirationTime('10m').encode());
} else {
  const credentials = Buffer.from('workshop:only-for-this-workshop').toString('base64');
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'mcp:tools' }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  console.log(access_token);
}
