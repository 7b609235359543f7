import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents } from '../../lessons/support/documents.ts';
import { expect, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import {
  bearerChallenge,
  seconds,
  startIssuer,
  type Claims,
  type Issuer,
} from '../harness/vocabulary/authorization-server.ts';
import { lastWords } from '../harness/vocabulary/command-line.ts';
import { makeCertificate } from '../harness/vocabulary/certificates.ts';
import {
  expectAnsweredOnce,
  expectHeader,
  expectStatus,
  finished,
  received,
  untilEnd,
  workMs,
} from '../harness/vocabulary/http.ts';
import { hello, mcpClient, request, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import { logMessage, scriptedServer, textResult } from '../harness/vocabulary/mcp-server.ts';
import { expectResponseLast, notificationsIn } from '../harness/vocabulary/notifications.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { look } from '../harness/vocabulary/value.ts';
import type { Ask, Exchange } from '../harness/wire/exchange.ts';
import type { Certificate } from '../harness/wire/grader-server.ts';
import { fromJson } from '../harness/wire/json.ts';

const metadataPath = '/.well-known/oauth-protected-resource/mcp';

export default grader((run) => {
  const { note, random, requirement, startServer, task } = run;

  const word = () => random.words(1)[0]!;
  let server: Server;
  let resource = '';
  let started: Promise<Issuer> | undefined;
  const issuer = () => (started ??= startIssuer(run, () => resource));
  /** Every token that was sent, because none of them may be printed. */
  const sent = new Set<string>();

  /** What a client can write into the header Host, although it asks a different server. */
  const elsewhere = 'localhost:9';
  const anyHost = 'The client writes the header Host, so it can name any server there.';

  /** Starts the server, as the resource of the grader's authorization server. */
  async function start(env: Record<string, string> = {}, ca?: string): Promise<Server> {
    const { url } = await issuer();
    const server = await startServer({ ISSUER: url, ...env }, ca);
    resource = new URL('/mcp', server.url).href;
    return server;
  }

  /** A client that sends this token with each request, or no token. No command shows the same, because no command has the token. */
  function clientWith(token: string | undefined, who?: string, headers: Record<string, string> = {}): McpClient {
    if (token !== undefined) sent.add(token);
    const all = { ...headers, ...(token !== undefined && { Authorization: `Bearer ${token}` }) };
    const request: Server['request'] = (path, ask = {}) =>
      server.request(path, { ...ask, headers: { ...all, ...ask.headers } });
    const client = mcpClient({ ...server, request }, { who });
    const { post } = client;
    client.post = (message, options) => post(message, { see: '', ...options });
    return client;
  }

  /** Shakes hands. What a server says to a right token is the subject of the first lines. */
  async function connect(client: McpClient): Promise<McpClient> {
    const posted = await client.ask('initialize', hello());
    expectServed(posted, 'a token that is right in everything');
    posted.result();
    client.headers = {
      'MCP-Protocol-Version': '2025-11-25',
      'MCP-Session-Id': String(posted.headers['mcp-session-id']),
    };
    await client.notify('notifications/initialized');
    return client;
  }

  /** Sends a request that is no message, such as DELETE, and waits for the end of the answer. */
  async function send(path: string, ask: Ask, to = server): Promise<Exchange> {
    const exchange = to.request(path, ask);
    const what = `${ask.method ?? 'GET'} ${path}`;
    const advice = 'End the response on every way through the handlers, or call next().';
    await untilEnd(to, exchange, () => ({ cause: `Your server did not answer ${what}.`, advice }), {
      cause: `The connection broke before ${what} was answered.`,
      advice,
    });
    return exchange;
  }

  function expectServed(posted: Posted, what: string, advice?: string): void {
    expectStatus(posted, 200, {
      cause: `A request came with ${what}, but your server answered with status ${posted.status}.`,
      advice:
        advice ??
        (posted.status === 401
          ? 'Read the token from the header Authorization, after Bearer and a space. If you verify it, compare each option of jwtVerify with its claims: the issuer is ISSUER, the audience is the URL of /mcp, and the algorithm is ES256.'
          : posted.status === 403
            ? 'Split the claim scope at each space, and look whether the list includes mcp:tools.'
            : 'Call next() when the token is right: then the handlers of /mcp do the rest.'),
      see: '',
    });
  }

  /** The claims are refused, with this status and this error. */
  async function expectRefused(
    token: string,
    what: string,
    {
      status,
      error,
      advice,
      headers,
    }: { status: 401 | 403; error: string; advice: string; headers?: Record<string, string> },
  ): Promise<Posted> {
    note('·', `a token ${what}`);
    const posted = await clientWith(token, undefined, headers).ask('initialize', hello(), {
      ifItThrows: {
        advice:
          status === 403
            ? "A valid token can have no scope. Read the claim with String(payload.scope ?? ''), which is never undefined."
            : 'Write await before jwtVerify, inside of try. Without await, its error comes when nobody can catch it.',
      },
    });
    expect(posted.status !== 200, {
      cause: `A request came with a token ${what}, but your server served it.`,
      compare: { expected: String(status), received: received(posted) },
      advice,
    });
    expectStatus(posted, status, {
      cause: `A request came with a token ${what}, but your server answered with status ${posted.status}.`,
      advice:
        posted.status! >= 500
          ? 'Catch what jwtVerify throws, and answer with 401: a wrong token is a fault of the client.'
          : posted.status === 403
            ? 'Answer 403 only to a token that is right in everything but its scope. Every other wrong token gets 401, because the client needs a new one.'
            : status === 403
              ? 'Answer 403 to a token that is right in everything but its scope. 401 tells the client to get a new token, but that token would have the same scope.'
              : advice,
      see: '',
    });
    expectChallenge(posted, `error="${error}"`, (parameters) => parameters.error === error, {
      cause: `Your server refused a token ${what}, but the header WWW-Authenticate does not say why.`,
      advice: `Set WWW-Authenticate to Bearer error="${error}", and more parameters after a comma. The error tells the client whether a new token helps.`,
    });
    const url = new URL(metadataPath, server.url).href;
    if (status === 401)
      expectChallenge(posted, `resource_metadata="${url}"`, ({ resource_metadata }) => resource_metadata === url, {
        cause: `Your server refused a token ${what}, but the header WWW-Authenticate does not have the URL of the metadata.`,
        advice:
          'Call challenge for this answer too. Each answer with status 401 needs resource_metadata, because the client looks there for the way to a new token.',
      });
    return posted;
  }

  function expectChallenge(
    exchange: Exchange,
    expected: string,
    fits: (parameters: Record<string, string>) => boolean,
    explanation: Explanation,
  ): void {
    const challenge = (value: string) => bearerChallenge(value);
    expectHeader(
      exchange,
      'WWW-Authenticate',
      (value) => {
        const parameters = challenge(value);
        return parameters !== undefined && fits(parameters);
      },
      `Bearer ${expected}`,
      { see: '', ...explanation },
    );
  }

  const answeredOnce = () =>
    expectAnsweredOnce(server, {
      cause: 'Your server refused a request, but continued and tried to answer it a second time.',
      advice: 'Return after challenge: it writes the answer, but it cannot leave your function for you.',
      see: '',
    });

  task({ number: 1, title: 'Say where a token comes from', file: 'server.ts' }, () => {
    requirement(
      'If a request to `/mcp` has no token in the header `Authorization`, the server answers with status 401, whatever its body and its session id are. A token in the query, as in `/mcp?access_token=…`, does not count.',
      async () => {
        server = await start();
        const token = await (await issuer()).token();
        const initialize = JSON.stringify(request(1, 'initialize', hello()));
        const json = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
        const before = 'Call requireToken before every handler of /mcp, and look at the header Authorization only.';
        const cases: [what: string, path: string, ask: Ask][] = [
          ['The request initialize without a token', '/mcp', { method: 'POST', headers: json, body: initialize }],
          [
            'A request without a token, whose body is not JSON,',
            '/mcp',
            { method: 'POST', headers: json, body: `{"${word()}` },
          ],
          [
            'The request tools/list with a session id, but without a token,',
            '/mcp',
            {
              method: 'POST',
              headers: { ...json, 'MCP-Session-Id': word() },
              body: JSON.stringify(request(2, 'tools/list')),
            },
          ],
          ['DELETE /mcp without a token', '/mcp', { method: 'DELETE', headers: { 'MCP-Session-Id': word() } }],
          [
            'The request initialize with a token in the query',
            `/mcp?access_token=${token}`,
            { method: 'POST', headers: json, body: initialize },
          ],
          [
            'The request initialize with the scheme Basic',
            '/mcp',
            {
              method: 'POST',
              headers: { ...json, Authorization: `Basic ${Buffer.from(`${word()}:${word()}`).toString('base64')}` },
              body: initialize,
            },
          ],
          [
            'The request initialize with the scheme Bearer, but without a token,',
            '/mcp',
            { method: 'POST', headers: { ...json, Authorization: 'Bearer' }, body: initialize },
          ],
          ['GET /mcp without a token', '/mcp', {}],
        ];
        sent.add(token);
        for (const [what, path, ask] of cases) {
          const exchange = await send(path, {
            ...ask,
            ifItThrows: {
              advice:
                'Expect that the header Authorization can be missing, or can have a different scheme: look before you use it.',
            },
          });
          expectStatus(exchange, 401, {
            cause: `${what} was answered with status ${exchange.status}.`,
            advice: path.includes('?')
              ? 'Read the token from the header Authorization, and nowhere else: a URL gets into logs, into the history of a browser, and into the header Referer.'
              : exchange.status! < 300
                ? `Refuse this request with challenge(response, 401, …), and return. ${before}`
                : path === '/mcp' && ask.body === initialize
                  ? 'Answer with challenge(response, 401, …). Status 401 tells a client that it needs a token. 403 would mean that a token is there and allows too little.'
                  : before,
            see: `curl -i${ask.method ? ` -X ${ask.method}` : ''} http://127.0.0.1:3000/mcp`,
          });
        }
        await answeredOnce();
      },
    );

    requirement(
      'The answer with status 401 has a header `WWW-Authenticate` with the scheme `Bearer` and the parameter `resource_metadata`: the URL of `/.well-known/oauth-protected-resource/mcp` on this server.',
      async () => {
        const see = 'curl -i -X POST http://127.0.0.1:3000/mcp';
        const ask = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
        const exchange = await send('/mcp', ask);
        const url = new URL(metadataPath, server.url).href;
        const expected = `resource_metadata="${url}"`;
        expectChallenge(exchange, expected, () => true, {
          cause:
            'Your server answered with status 401, but without a header WWW-Authenticate that has the scheme Bearer.',
          advice:
            'Set WWW-Authenticate before refuse sends the answer. Begin it with Bearer and a space, and write the parameters after that.',
          see,
        });
        const unreadable = String(exchange.headers['www-authenticate']).includes('resource_metadata=');
        expectChallenge(exchange, expected, ({ resource_metadata }) => resource_metadata !== undefined, {
          cause: unreadable
            ? 'A client cannot read the parameter resource_metadata in the header WWW-Authenticate.'
            : 'The header WWW-Authenticate has no parameter resource_metadata.',
          advice: unreadable
            ? 'Put each value in quotation marks, and write a comma between two parameters.'
            : 'Write resource_metadata="…" with the URL of the metadata. Parameters are separated by commas.',
          see,
        });
        expectChallenge(exchange, expected, ({ resource_metadata }) => resource_metadata === url, {
          cause: 'The parameter resource_metadata does not have the URL of the metadata.',
          advice:
            "Make the whole URL with new URL('/.well-known/oauth-protected-resource/mcp', publicUrl).href. The well-known part comes first, directly after the port, and the path of the resource follows.",
          see,
        });
        const named = await send('/mcp', { ...ask, headers: { ...ask.headers, Host: elsewhere } });
        expectChallenge(named, expected, ({ resource_metadata }) => resource_metadata === url, {
          cause: 'The header Host named a different server, and then resource_metadata had the wrong URL.',
          advice: `Make the URL from publicUrl. ${anyHost}`,
          see: `curl -i -X POST -H "Host: ${elsewhere}" http://127.0.0.1:3000/mcp`,
        });
      },
    );

    requirement(
      'If a client without a token sends `GET /.well-known/oauth-protected-resource/mcp`, the server answers with status 200 and a JSON object. Its `resource` is the URL of `/mcp` on this server.',
      async () => {
        const see = `curl -i http://127.0.0.1:3000${metadataPath}`;
        const exchange = await send(metadataPath, {});
        expectStatus(exchange, 200, {
          advice:
            exchange.status === 401
              ? 'Let everybody read the metadata: a client reads it to find out how to get its first token.'
              : "Add app.get('/.well-known/oauth-protected-resource/mcp', …).",
          see,
        });
        expectHeader(exchange, 'Content-Type', (type) => /^application\/json\b/i.test(type), 'application/json', {
          cause: 'The metadata has the wrong Content-Type.',
          advice: 'Send the metadata with response.json, which sets the Content-Type.',
          see,
        });
        const metadata = look(fromJson(exchange.text), 'metadata', see).object('The metadata is not a JSON object.', {
          advice: 'Send an object with the members resource and authorization_servers.',
        });
        metadata
          .at('resource')
          .is(
            resource,
            'The metadata has the wrong resource.',
            'Send the URL of /mcp, letter by letter as clients know it: use the variable resource. A client stops if it finds a different URL there.',
          );
        const named = await send(metadataPath, { headers: { Host: elsewhere } });
        const seeNamed = `curl -i -H "Host: ${elsewhere}" http://127.0.0.1:3000${metadataPath}`;
        if (named.status === 200)
          look(fromJson(named.text), 'metadata', seeNamed)
            .at('resource')
            .is(
              resource,
              'The header Host named a different server, and then the metadata had the wrong resource.',
              `Use the variable resource. ${anyHost}`,
            );
      },
    );

    requirement(
      'In this JSON object, `authorization_servers` is an array that contains the issuer from the environment variable `ISSUER`.',
      async () => {
        const see = `curl -i http://127.0.0.1:3000${metadataPath}`;
        const { text } = await send(metadataPath, {});
        const { url } = await issuer();
        const servers = look(fromJson(text), 'metadata', see).at('authorization_servers');
        const list = servers.array('The member authorization_servers is not an array.', {
          missing: 'The metadata has no member authorization_servers.',
          like: `["${url}"]`,
          advice: 'Send an array with the URL of the authorization server: authorization_servers: [issuer].',
        });
        servers.expect(list.includes(url), 'The array authorization_servers does not contain the issuer.', {
          like: `"authorization_servers":["${url}"]`,
          advice:
            'Use the variable issuer as it is. A client compares the URL with the member issuer of the metadata of the authorization server, letter by letter.',
        });
      },
    );

    requirement(
      'If a request has a valid token in the header `Authorization`, after `Bearer` in upper or lower case, the server serves the request as in lesson 10.',
      async () => {
        const token = await (await issuer()).token({ sub: word() });
        const client = await connect(clientWith(token));
        await expectStreams(client, word());
        for (const scheme of ['bearer', 'BEARER']) {
          const posted = await clientWith(undefined, undefined, { Authorization: `${scheme} ${token}` }).ask(
            'initialize',
            hello(),
          );
          expectServed(
            posted,
            `the scheme ${scheme} in the header Authorization`,
            'Compare the name of the scheme without regard to case, as HTTP says: add the flag i to the regular expression.',
          );
        }
        const basic = await clientWith(undefined, undefined, { Authorization: `Basic ${token}` }).ask(
          'initialize',
          hello(),
        );
        expectStatus(basic, 401, {
          cause: `A token came after the scheme Basic instead of Bearer, and your server answered with status ${basic.status}.`,
          advice:
            'Take the token only after the scheme Bearer. After Basic, there is the name of a user with a password.',
          see: '',
        });
        const ended = await send('/mcp', {
          method: 'DELETE',
          headers: { ...client.headers, Authorization: `Bearer ${token}` },
        });
        expect(ended.status! < 300, {
          cause: `DELETE /mcp with the token and the id of a session was answered with status ${ended.status}.`,
          compare: { expected: '204', received: received(ended) },
          advice: 'Leave the handler of DELETE as it was: with the right token, it ends the session.',
        });
      },
    );
  });

  /** Calls process_files, and sees each message while the work that follows is held. */
  async function expectStreams(client: McpClient, message: string): Promise<void> {
    const posted = client.post(client.request('tools/call', { name: 'process_files', arguments: { message } }));
    for (const i of documents.keys()) {
      const text = `Processing file ${i + 1}/${documents.length}...`;
      await posted.atWork();
      await run.expectSoon(
        () => posted.text.includes(text) || finished(posted),
        () => ({
          cause: 'Your server sends the messages of a call only at its end.',
          advice: 'Write each message when the tool logs it, as in lesson 10.',
        }),
        server.program,
      );
      expect(posted.status === 200 && posted.text.includes(text), {
        cause: `A call with a valid token did not send the message "${text}".`,
        compare: { expected: text, received: received(posted) },
        advice: 'Call next() when the token is right, and leave the handlers of /mcp as they were.',
      });
      server.program.held[0]?.release();
      await run.until(() => server.program.held.length === 0 || finished(posted));
    }
    await posted.done();
    expectText(posted, `Done: ${message}`, 'Leave the handlers of /mcp as they were.');
    expectResponseLast(posted);
    expect(notificationsIn(posted).length === documents.length, {
      cause: `A call with a valid token sent ${notificationsIn(posted).length} notifications.`,
      compare: { expected: String(documents.length), received: String(notificationsIn(posted).length) },
      advice: 'Call next() one time only.',
    });
  }

  task({ number: 2, title: 'Believe only a token that you have verified', file: 'server.ts' }, () => {
    const verify =
      'Verify each token with await jwtVerify(token, keys, …): keys has the public keys of the authorization server. decodeJwt only reads the claims, which anybody can write.';

    requirement(
      'If a token is not signed with a key of the authorization server, the server answers with status 401 and `error="invalid_token"` in `WWW-Authenticate`. This includes a token with the algorithm `none`, and a token whose claims were changed.',
      async () => {
        const { forged, token: newToken } = await issuer();
        // A session that is known says nothing about the token of a request.
        const { headers } = await connect(clientWith(await newToken()));
        for (const [what, token] of Object.entries(await forged({ sub: word() }))) {
          await expectRefused(token, what, {
            headers,
            status: 401,
            error: 'invalid_token',
            advice: verify,
          });
        }
      },
    );

    /** Tokens with these claims are refused, and those with the others are served. */
    async function expectClaims(
      wrong: Record<string, [Claims, string, Record<string, string>?]>,
      right: Record<string, Claims>,
    ): Promise<void> {
      const { token } = await issuer();
      for (const [what, [claims, advice, headers]] of Object.entries(wrong)) {
        await expectRefused(await token(claims), what, {
          status: 401,
          error: 'invalid_token',
          advice,
          ...(headers && { headers }),
        });
      }
      for (const [what, claims] of Object.entries(right)) {
        note('·', `a token ${what}`);
        expectServed(await clientWith(await token(claims)).ask('initialize', hello()), `a token ${what}`);
      }
    }

    requirement(
      'If a token has expired, has no `exp`, or has an `nbf` in the future, the server answers with status 401 and `error="invalid_token"`.',
      async () => {
        const clock =
          'jwtVerify compares exp and nbf with the clock by itself, so let it throw, and answer with 401. Both are seconds since 1970, and not milliseconds.';
        await expectClaims(
          {
            'that expired ten minutes ago': [{ exp: seconds(-600) }, clock],
            'that expired yesterday': [{ exp: seconds(-86_400) }, clock],
            'that will be valid in ten minutes': [{ nbf: seconds(600) }, clock],
            'that never expires': [
              { exp: undefined },
              "Add 'exp' to requiredClaims: jwtVerify compares exp only if the token has this claim, and somebody who has found a token without exp could use it for ever.",
            ],
          },
          { 'that became valid a minute ago': { nbf: seconds(-60) } },
        );
      },
    );

    requirement(
      'If a token is from a different issuer or for a different audience, the server answers with status 401 and `error="invalid_token"`. The audience is the URL of `/mcp` on this server, whatever the header `Host` says.',
      async () => {
        const { url } = await issuer();
        const fromElsewhere =
          'Give jwtVerify the option issuer. It compares the claim iss with this URL, letter by letter.';
        const forElsewhere =
          'Give jwtVerify the option audience: resource. Otherwise another server to which this user has sent a token can use it here.';
        const port = random.integer(10_000, 60_000);
        await expectClaims(
          {
            'from a different issuer': [{ iss: `https://${word()}.example` }, fromElsewhere],
            'whose issuer only begins like yours': [{ iss: `${url}.${word()}.example` }, fromElsewhere],
            'without an issuer': [{ iss: undefined }, fromElsewhere],
            'for a different server': [{ aud: `https://${word()}.example/mcp` }, forElsewhere],
            'for a different path of this server': [{ aud: `${resource}-${word()}` }, forElsewhere],
            'for the client itself': [{ aud: 'grader' }, forElsewhere],
            'without an audience': [{ aud: undefined }, forElsewhere],
            'for the server in the header Host': [
              { aud: `http://127.0.0.1:${port}/mcp` },
              'Use resource, which comes from the configuration: the client writes the header Host, so it can name any server there.',
              { Host: `127.0.0.1:${port}` },
            ],
          },
          { 'for this server and for another': { aud: [`https://${word()}.example/mcp`, resource] } },
        );
      },
    );

    requirement(
      'If a valid token does not have the scope `mcp:tools`, the server answers with status 403. Its header `WWW-Authenticate` has `error="insufficient_scope"` and `scope="mcp:tools"`.',
      async () => {
        const { token } = await issuer();
        const split =
          "Split the claim scope at each space, and look whether the list includes mcp:tools: String(payload.scope ?? '').split(' ').";
        const other = word();
        for (const [what, scope] of [
          ['with a different scope', other],
          ['without a scope', undefined],
          ['with an empty scope', ''],
          ['with a scope that only begins with mcp:tools', `mcp:tools:${other}`],
          ['with a scope that only ends with mcp:tools', `${other}-mcp:tools ${other}`],
        ] as const) {
          const posted = await expectRefused(await token({ scope }), what, {
            status: 403,
            error: 'insufficient_scope',
            advice: split,
          });
          expectChallenge(
            posted,
            'scope="mcp:tools"',
            (parameters) => (parameters.scope ?? '').split(' ').includes('mcp:tools'),
            {
              cause:
                'Your server refused a token for its scope, but the header WWW-Authenticate does not say which scope the client needs.',
              advice:
                'Add scope="mcp:tools" to the parameters of WWW-Authenticate: the client asks the authorization server for this scope.',
            },
          );
        }
        for (const scope of random.shuffled([
          `${other} mcp:tools`,
          `mcp:tools ${other}`,
          `openid mcp:tools ${other}`,
        ])) {
          note('·', `a token with the scope ${scope}`);
          expectServed(
            await clientWith(await token({ scope })).ask('initialize', hello()),
            `the scope ${scope}`,
            split,
          );
        }
      },
    );

    requirement(
      'A session belongs to the `sub` whose token began it. If another `sub` uses its id, the server answers with status 404, or with 403, and the session continues. A newer token of the owner is served.',
      async () => {
        const { token } = await issuer();
        const [owner, stranger] = [word(), word()];
        const alice = await connect(clientWith(await token({ sub: owner }), owner));
        for (const sub of [stranger, `${owner}-${stranger}`]) {
          const mallory = clientWith(await token({ sub }), stranger);
          const beginsAlike = sub !== stranger;
          const another = beginsAlike ? 'a user whose name begins like this one' : 'another user';
          const advice = beginsAlike
            ? 'Compare the owner of the session with payload.sub by ===. startsWith and includes take a part of a name for the whole name.'
            : 'Keep payload.sub with the session, and let sessionOf find a session only if its owner is the sub of this request. A session id is not a secret: it can be in a log.';
          for (const posted of [
            await mallory.ask('tools/list', undefined, { headers: alice.headers }),
            await mallory.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, { headers: alice.headers }),
          ]) {
            expect([403, 404].includes(posted.status!), {
              cause: `${posted.what} came with the session id of ${another}, but your server answered with status ${posted.status}.`,
              compare: { expected: '404', received: received(posted) },
              advice,
            });
          }
          const ended = await send('/mcp', {
            method: 'DELETE',
            who: stranger,
            headers: { ...alice.headers, Authorization: `Bearer ${await token({ sub })}` },
          });
          expect([403, 404].includes(ended.status!), {
            cause: `DELETE /mcp came with the session id of ${another}, but your server answered with status ${ended.status}.`,
            compare: { expected: '404', received: received(ended) },
            advice,
          });
        }
        const still = await alice.ask('tools/list');
        expectStatus(still, 200, {
          cause: 'Another user has sent the id of a session, and now the session is over for its owner.',
          advice: 'Only refuse the request of a stranger. Leave the session in the Map.',
          see: '',
        });
        // While the body of the owner's request is on its way, a request of another user comes in between.
        const another = clientWith(await token({ sub: stranger }), stranger);
        const body = Buffer.from(JSON.stringify(alice.request('tools/list')));
        const slow = alice.server.request('/mcp', {
          method: 'POST',
          who: owner,
          headers: {
            ...alice.headers,
            'Content-Type': 'application/json',
            Accept: 'application/json, text/event-stream',
            'Content-Length': String(body.length),
          },
          pieces: {
            bytes: [body.subarray(0, 10), body.subarray(10)],
            async between() {
              await server.program.caughtUp();
              await another.ask('tools/list', undefined, { headers: alice.headers });
            },
          },
        });
        const unanswered = {
          cause: 'Your server did not answer a request whose body came in two pieces.',
          advice: 'End the response on every way through the handlers.',
        };
        await untilEnd(server, slow, () => unanswered, unanswered);
        expectStatus(slow, 200, {
          cause: `The body of a request was still on its way when a request of another user came. Then your server answered the first request with status ${slow.status}.`,
          advice:
            'Keep the sub of a request with the request, in response.locals. All requests share a variable outside of the handlers, so the next request changes it.',
          see: '',
        });
        const newer = clientWith(await token({ sub: owner, exp: seconds(1200) }), owner);
        const renewed = await newer.ask('tools/list', undefined, { headers: alice.headers });
        expectStatus(renewed, 200, {
          cause: 'The owner of a session has a newer token, but your server did not find the session.',
          advice:
            'Keep payload.sub with the session, and not the token or its other claims: a client gets a new token whenever the old one expires.',
          see: '',
        });
      },
    );

    requirement(
      'The server prints no part of a token, whether the token came in the header or in the query.',
      async () => {
        const token = await (await issuer()).token({ sub: word() });
        sent.add(token);
        const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
        const body = JSON.stringify(request(1, 'initialize', hello()));
        const other = random.aside(word);
        for (const where of ['/mcp?access_token', `/${word()}?access_token`, `/mcp?${other}`]) {
          const path = `${where}=${token}`;
          await send(path, { method: 'POST', headers, body });
          await send(path, { method: 'POST', headers: { ...headers, Authorization: `Bearer ${token}` }, body });
        }
        await server.program.caughtUp();
        const printed = `${server.program.stdout}\n${server.program.stderr}`;
        // The first part of a token is no secret, because it only names the algorithm and the key.
        const secrets = [...sent].flatMap((each) => each.split('.').slice(1)).filter((each) => each.length > 30);
        const pieces = new Set(secrets.flatMap((each) => inPieces(each)));
        const line = printed.split('\n').find((each) => inPieces(each).some((piece) => pieces.has(piece)));
        const whole = secrets.some((each) => line?.includes(each));
        const inQuery = /\?\w+=/.test(line ?? '');
        expect(line === undefined, {
          cause: whole
            ? `Your server printed a token${inQuery ? ' that was in the query of a URL' : ''}. A person who reads this log can use the token.`
            : 'Your server printed a part of a token, but no part of a token may be in the log.',
          output: inPieces(line ?? '')
            .filter((piece) => pieces.has(piece))
            .reduce((text, piece) => text.replaceAll(piece, '…'), (line ?? '').trim().replaceAll(/eyJ[\w.-]+/g, 'eyJ…'))
            .slice(0, 120),
          advice: inQuery
            ? 'Log request.path, which has no query. request.originalUrl and request.url have the query.'
            : 'Print neither the headers of a request nor the token. The claim sub says whose request it was.',
        });
      },
    );
  });

  /** Every eight characters of a text that follow each other: so many are no accident. */
  function inPieces(text: string): string[] {
    return Array.from({ length: Math.max(0, text.length - 7) }, (_, at) => text.slice(at, at + 8));
  }

  /** Made once, while the other tasks are graded. */
  const certificates = once(async () => {
    const [own, other, elsewhere, expired] = await Promise.all([
      makeCertificate(),
      makeCertificate(),
      makeCertificate({ name: 'tools.example' }),
      makeCertificate({ days: -1 }),
    ]);
    return { own, other, elsewhere, expired };
  });

  /** Writes certificate.pem and key.pem into a new folder. */
  function folderOf({ cert, key }: Certificate): string {
    const folder = run.temporaryFolder();
    writeFileSync(join(folder, 'certificate.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
    return folder;
  }

  task({ number: 3, title: 'Encrypt', file: 'server.ts' }, () => {
    requirement(
      'If the environment variable `TLS` names a folder with `certificate.pem` and `key.pem`, the server speaks TLS with this certificate on its port. `resource` and `resource_metadata` then begin with `https`.',
      async () => {
        const { own } = await certificates();
        server = await start({ TLS: folderOf(own) }, own.cert);
        const see = 'curl -i --cacert .tls/certificate.pem -X POST https://127.0.0.1:3000/mcp';
        const first = server.request('/mcp', { method: 'POST' });
        await run.expectSoon(
          () => first.status !== undefined || finished(first),
          () => ({
            cause: 'A client has connected with TLS and has sent a request, but your server did not answer.',
            advice:
              'Give app to the secure server: createSecureServer({ key, cert }, app). It is the listener of all requests.',
            see,
          }),
          server.program,
          workMs,
        );
        expect(first.status !== undefined, {
          cause:
            'The environment variable TLS was set, but a client that trusts the certificate could not connect with TLS.',
          advice: /wrong version|packet length|http request/i.test(first.broken ?? '')
            ? 'Make the server with createServer from node:https, and with { key, cert }. Your server answered the hello of TLS with plain HTTP.'
            : 'Read certificate.pem and key.pem from the folder that TLS names, and give both to createServer of node:https.',
          see,
        });
        await untilEnd(
          server,
          first,
          () => ({
            cause: 'Your server did not answer over TLS.',
            advice: 'Give app to the secure server: it is the listener of its requests.',
          }),
          {
            cause: 'The connection broke before a request over TLS was answered.',
            advice: 'Give app to the secure server.',
          },
        );
        const url = new URL(metadataPath, server.url).href;
        expectStatus(first, 401, {
          advice: 'Give the same app to the secure server, so that it wants a token too.',
          see,
        });
        expectChallenge(first, `resource_metadata="${url}"`, (parameters) => parameters.resource_metadata === url, {
          cause: 'The server speaks TLS, but resource_metadata is not the https URL of the metadata.',
          advice: 'Make the URL from publicUrl, which begins with https if TLS is set.',
          see,
        });
        const metadata = await send(metadataPath, {});
        look(fromJson(metadata.text), 'metadata', see)
          .at('resource')
          .is(
            resource,
            'The server speaks TLS, but resource is not the https URL of /mcp.',
            'Send the variable resource, which begins with https if TLS is set.',
          );
        const client = await connect(clientWith(await (await issuer()).token()));
        await expectStreams(client, word());
      },
    );

    requirement(
      'If a client sends plain HTTP to this port, the server answers with status 400 and a text that names the `https` URL. This answer needs no token.',
      async () => {
        const plain = new URL(resource);
        plain.protocol = 'http:';
        const see = 'curl -i http://127.0.0.1:3000/mcp';
        const token = await (await issuer()).token();
        for (const ask of [
          {},
          {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
            body: JSON.stringify(request(1, 'initialize', hello())),
          },
        ]) {
          const exchange = server.request(plain.href, ask);
          const unanswered = () => ({
            cause: 'A client sent plain HTTP to the port of TLS, but got no answer.',
            compare: { expected: '400', received: received(exchange) },
            advice:
              'Let byFirstByte choose between the secure server and a plain one, and answer 400 in the plain one.',
            see,
          });
          await run.expectSoon(() => finished(exchange), unanswered, server.program, workMs);
          expect(exchange.broken === undefined || exchange.status !== undefined, unanswered());
          expectStatus(exchange, 400, {
            cause: `A client sent plain HTTP to the port of TLS, and your server answered with status ${exchange.status}.`,
            advice:
              exchange.status! < 400 && exchange.status! >= 300
                ? 'Answer with 400 instead of a redirect: the client has already sent its token without encryption, so somebody has to correct the URL.'
                : 'Give the plain server a listener of its own that answers 400, and not app: what comes here was not encrypted, so nothing of it is served.',
            see,
          });
          expect(exchange.text.includes(resource), {
            cause: 'The answer to plain HTTP does not name the URL that the client should use.',
            compare: { expected: resource, received: received(exchange) },
            advice: 'Write a sentence with the https URL of /mcp into the body: use the variable resource.',
            see,
          });
        }
        expectServed(
          await clientWith(token).ask('initialize', hello()),
          'a token over TLS, after somebody had sent plain HTTP',
          'Keep the secure server running when a client sends plain HTTP.',
        );
      },
    );

    const command = 'node --import tsx lessons/18-tokens-and-tls/client.ts https://127.0.0.1:3000/mcp';
    const see = `CA=.tls/certificate.pem ${command}`;
    /** In PowerShell, this removes a variable that is still there. */
    const withoutCa = `CA= ${command}`;
    const trusting = (certificate: Certificate) => ({ CA: join(folderOf(certificate), 'certificate.pem') });

    requirement(
      'If the environment variable `CA` names the file of a certificate, the client trusts a server with this certificate: it prints each notification when it comes, prints the result, and exits with code 0.',
      async () => {
        const { own } = await certificates();
        const message = word();
        const terms = { see, message, certificate: own, env: trusting(own) };
        const { client, handshake, movesOn, next } = await scriptedServer(run, terms).start();
        const moved = await movesOn('Your client neither sent a request to the server nor ended.');
        expect(moved === 'posted', {
          cause: 'The server has the certificate that CA names, but your client did not accept this certificate.',
          ...lastWords(client),
          advice:
            'Give the Agent the content of the file: new Agent({ ca: readFileSync(certificate) }). Give the agent to each fetch.',
          see,
        });
        await handshake();
        const call = await next('tools/call');
        for (const i of documents.keys()) {
          const text = `${word()} ${i + 1}`;
          await call.stream(logMessage('info', text));
          await client.prints([`NOTIFICATION: info ${text}`], {
            cause: 'A notification came over TLS, but your client did not print it.',
            advice: 'Leave the client as it was: only the agent of the connection is new.',
          });
        }
        await call.stream(call.result(textResult(`Done: ${message}`)));
        call.end();
        await client.prints([`RESULT: Done: ${message}`], {
          cause: 'The result came over TLS, but your client did not print it.',
          advice: 'Leave the client as it was: only the agent of the connection is new.',
        });
        await client.endsWell('The call was answered', 'Exit with code 0 after a result.');
      },
      'client.ts',
    );

    requirement(
      'If the server has any other certificate, or a trusted certificate that names a different host or has expired, the client sends no request. It prints one line on standard error and exits with code 2.',
      async () => {
        const { own, other, elsewhere, expired } = await certificates();
        const never =
          'Give the Agent only the option ca. rejectUnauthorized: false, NODE_TLS_REJECT_UNAUTHORIZED and a checkServerIdentity of your own let anybody read what your client sends.';
        /** The command that shows it: a run without `CA`, where the client trusts any certificate then as well. */
        const shownWithout = async (certificate: Certificate) => {
          note('·', 'the same server, and CA is empty');
          const { movesOn } = await scriptedServer(run, { see: '', certificate, env: { CA: '' } }).start();
          const moved = await movesOn('Your client neither sent a request nor ended.').catch(() => 'stayed');
          return moved === 'posted' && { see: withoutCa, seeHow: 'which must fail' };
        };
        for (const [what, certificate, trusted] of [
          ['with a certificate that the client does not trust', other, own],
          ['whose certificate names a different host', elsewhere, elsewhere],
          ['whose certificate has expired', expired, expired],
        ] as const) {
          note('·', `a server ${what}`);
          const { client, movesOn, nothingPosted } = await scriptedServer(run, {
            see: '',
            certificate,
            env: trusting(trusted),
          }).start();
          const moved = await movesOn(`Your client met a server ${what}, but it neither sent a request nor ended.`);
          const shown = moved === 'posted' && certificate === other ? await shownWithout(other) : {};
          await nothingPosted({ cause: `Your client sent its request to a server ${what}.`, advice: never, ...shown });
          await client.fails({
            code: 2,
            about: `a server ${what}`,
            withFail: true,
            advice:
              'Leave notSent as it was: the error of a certificate that is not trusted comes there, and means exit code 2.',
          });
        }
      },
      'client.ts',
    );
  });
});

/** Calls this the first time, and returns the same value from then on. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
