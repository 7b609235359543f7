import { connect as connectSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expectAnsweredOnce, expectHeader, finished, received, release, workMs } from '../harness/vocabulary/http.ts';
import {
  hello,
  initialize,
  judged,
  mcpClient,
  request,
  type McpClient,
  type Posted,
  type Why,
} from '../harness/vocabulary/mcp-client.ts';
import { officialClient, type Fetch } from '../harness/vocabulary/official-client.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import type { Ask, Exchange } from '../harness/wire/exchange.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';

/** A limit that no test meets. */
const unlimited = { RATE_LIMIT: '100000' };

/** What the browser of a page asks for before it sends the messages of a client (Fetch, "CORS-preflight fetch"). */
const ownHeaders = ['Authorization', 'Content-Type', 'Last-Event-ID', 'MCP-Protocol-Version', 'MCP-Session-Id'];
const exposedHeaders = ['MCP-Session-Id', 'WWW-Authenticate'];

export default grader((run) => {
  const { random, requirement, startServer, task } = run;

  let server: Server;
  /** The origins of the list that the server is given, and the first that was drawn. */
  let origins: string[];
  let allowed: string;
  let alice: McpClient;

  const word = () => random.words(1)[0]!;
  const named = (headers: Record<string, string>) =>
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join(' and ');

  /** A client that has shaken hands. */
  async function connect(to: Server, who: string, why?: Why): Promise<McpClient> {
    const client = mcpClient(to, { who });
    await initialize(client, hello(), why);
    await client.notify('notifications/initialized');
    return client;
  }

  /** Sends a request of any method, and waits for the end of its answer. */
  async function ask(
    method: string,
    headers: Record<string, string>,
    rest: Pick<Ask, 'body' | 'path' | 'pieces'> = {},
    what = `${method} /mcp with ${named(headers)}`,
  ): Promise<Posted> {
    const written = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`);
    const data = rest.body === undefined ? '' : ` -d '${String(rest.body)}'`;
    const see = `curl -i -X ${method} http://127.0.0.1:3000/mcp${written.join('')}${data}`;
    const sent = server.request('/mcp', { method, headers, shown: headers, ...rest });
    return judged(server, sent, undefined, what, see).done();
  }

  /** A ping of a client that has shaken hands, with these headers. */
  const pingWith = (headers: Record<string, string>): Promise<Posted> =>
    alice.ask('ping', undefined, { headers, what: `A request with ${named(headers)}` });

  const preflightOf = (origin: string, method = 'POST', names = ownHeaders): Promise<Posted> =>
    ask(
      'OPTIONS',
      {
        Origin: origin,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': names.map((name) => name.toLowerCase()).join(','),
      },
      {},
      `The preflight of a page at ${origin}`,
    );

  const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
  /** The items of a header that is a list. */
  const listed = (value: string) => value.split(',').map((item) => item.trim().toLowerCase());

  task({ number: 1, title: 'Check who asks', file: 'server.ts' }, () => {
    requirement(
      'The server accepts connections at the address `127.0.0.1`, and at no address that another machine can reach.',
      async () => {
        const [page, other] = random.words(2);
        allowed = `https://${page}.example:${random.integer(1024, 9999)}`;
        origins = random.shuffled([allowed, `http://${other}.example`]);
        server = await startServer({
          ...unlimited,
          ALLOWED_ORIGINS: origins.join(','),
          MORE_TOOLS: fileURLToPath(new URL('../harness/tools/failing-list.ts', import.meta.url)),
        });
        const addresses = (await server.program.listening()) ?? [];
        const open = addresses
          .filter((address) => !/^(127\.|\[::1\])/.test(address))
          .map((address) => address.replace(/:\d+$/, ''));
        run.note('▸', `listens on ${addresses.join(' and ')}`);
        expect(open.length === 0, {
          cause: 'Your server accepts connections from other machines, because it listens at all addresses.',
          compare: { expected: '127.0.0.1', received: open.join(' and ') },
          advice:
            "Pass the address as the second argument: server.listen(port, '127.0.0.1'). Without it, Node.js listens at every address of the machine.",
          see: '',
        });
      },
    );

    const checkHost =
      'Parse http:// and the header with new URL, and look for the hostname in allowedHosts with includes. If it is not there, call refuse with status 403.';
    const wholeHost =
      'Compare the whole hostname with each name of the list. Another name can begin or end with the same letters.';

    requirement(
      'If the `Host` header names a host other than `127.0.0.1`, `localhost` or `[::1]`, the server answers with status 403 and a JSON-RPC error. A name that only begins or ends like one of the three is refused too.',
      async () => {
        alice = await connect(server, 'alice', {
          cause: 'Your server refused the request initialize, which has the Host 127.0.0.1 and no Origin header.',
          when: {
            403: 'Check the Origin only if it is there: origin !== undefined. Clients that are not browsers send no Origin header.',
          },
        });
        const port = random.integer(1024, 9999);
        const site = `${word()}.example`;
        for (const [host, advice] of [
          [`${site}:${port}`, checkHost],
          [site, checkHost],
          [`localhost.${site}:${port}`, wholeHost],
          [`127.0.0.1.${site}:${port}`, wholeHost],
          [`${word()}-localhost:${port}`, wholeHost],
          [`${word()}localhost`, wholeHost],
          [`${word()}.localhost.${site}`, wholeHost],
          [`${site}.:${port}`, checkHost],
          [`127.0.0.1${random.integer(1, 9)}:${port}`, wholeHost],
          [`0.0.0.0:${port}`, checkHost],
          [`192.168.${random.integer(0, 255)}.${random.integer(2, 200)}:${port}`, checkHost],
          [`[2001:db8::1]:${port}`, checkHost],
        ] as const) {
          (await pingWith({ Host: host })).refused(403, undefined, advice);
        }
        (await pingWith({ Host: `${site}:${port}`, Origin: allowed })).refused(
          403,
          undefined,
          'Check both headers of every request: an allowed Origin does not make a wrong Host right.',
        );
        (await pingWith({ Host: `${site}:${port}`, 'X-Forwarded-Host': `localhost:${port}` })).refused(
          403,
          undefined,
          "Look at request.get('Host') only. After DNS rebinding, a page can send any X-Forwarded-Host, but it cannot change Host.",
        );
      },
    );

    requirement(
      'If the `Host` header names `127.0.0.1`, `localhost` or `[::1]`, the server serves the request: with any port or without a port, and in upper or lower case.',
      async () => {
        const { port } = server.url;
        const hosts = ['127.0.0.1', 'localhost', '[::1]'];
        const forms = hosts.flatMap((host) => [`${host}:${port}`, host, `${host}:${random.integer(1024, 9999)}`]);
        for (const host of [...forms, `LocalHost:${random.integer(1024, 9999)}`, 'LOCALHOST']) {
          const advice = host.startsWith('[')
            ? 'Let new URL find the hostname. An IPv6 address has colons of its own, so a split at the colon cuts it.'
            : 'Compare the hostname that new URL returns. It is in lower case and has no port.';
          (await pingWith({ Host: host })).result({
            cause: `Your server refused a request with Host: ${host}, which is a name of this machine.`,
            advice,
          });
        }
      },
    );

    requirement(
      'If the `Origin` header is not one of the origins in `ALLOWED_ORIGINS`, the server answers with status 403 and a JSON-RPC error. `null`, a different scheme and a different port are refused too.',
      async () => {
        const { host, hostname, port } = new URL(allowed);
        const site = `${word()}.example`;
        const check =
          'Look for the whole value of the header in allowedOrigins with includes. If it is not there, call refuse with status 403.';
        const whole =
          'Compare the whole value with each origin of the list. Scheme, host and port belong to an origin, and a longer value can begin or end like an allowed origin.';
        const ofNobody =
          'Refuse the value null like any other value that is not in the list. Every sandboxed frame and every file has the origin null.';
        for (const [origin, advice] of [
          [`http://${site}`, check],
          [`https://${site}:${port}`, check],
          ['null', ofNobody],
          [`http://${host}`, whole],
          [`https://${hostname}`, whole],
          [`https://${hostname}:${Number(port) + 1}`, whole],
          [`${allowed}${random.integer(0, 9)}`, whole],
          [`${allowed}.${site}`, whole],
          [`https://${hostname}.${site}:${port}`, whole],
          [`https://${hostname}.:${port}`, whole],
          [`https://${word()}.${host}`, whole],
          [`https://${word()}${host}`, whole],
          [`http://localhost:${random.integer(1024, 9999)}`, check],
          [`http://127.0.0.1.${site}`, check],
          [server.url.origin, `${check} The own origin of the server is not in the list either.`],
        ] as const) {
          (await pingWith({ Origin: origin })).refused(403, undefined, advice);
        }
      },
    );

    requirement(
      'If a request has no `Origin` header, or one of the origins in `ALLOWED_ORIGINS`, the server serves the request.',
      async () => {
        (await alice.ask('ping')).result({
          cause: 'Your server refused a request that has no Origin header.',
          advice:
            'Check the header only if it is there: origin !== undefined. Clients that are not browsers send no Origin header.',
        });
        for (const origin of origins) {
          (await pingWith({ Origin: origin })).result({
            cause: `Your server refused a request with Origin: ${origin}, which is in ALLOWED_ORIGINS.`,
            advice: 'Look for the value in allowedOrigins with includes, and call next if it is there.',
          });
        }
      },
    );

    requirement(
      'The server refuses a wrong `Host` or `Origin` before it looks at anything else: with every HTTP method, with an unknown session, with a broken body, and before the whole body has arrived.',
      async () => {
        const advice =
          'Put the check in front of all other handlers, with app.use, and let it end the request with refuse. A handler of one method is too late.';
        const site = `${word()}.example`;
        const wrong: Record<string, string>[] = [{ Origin: `http://${site}` }, { Host: `${site}:3000` }];
        for (const headers of wrong) {
          for (const method of ['PUT', 'GET', 'DELETE', 'OPTIONS', 'PATCH']) {
            (await ask(method, headers)).refused(403, undefined, advice);
          }
          const stranger = mcpClient(server, { who: 'stranger' });
          for (const [what, message, more] of [
            ['Initialize', request(1, 'initialize', hello()), {}],
            ['A request with an unknown session id', request(2, 'tools/list'), { 'MCP-Session-Id': word() }],
            ['A body that is not JSON', '{"jsonrpc":', {}],
            ['A body of 1.2 MB', 'x'.repeat(1_200_000), {}],
            ['A body of plain text', word(), { 'Content-Type': 'text/plain' }],
            ['A message of an unknown revision', request(3, 'ping'), { 'MCP-Protocol-Version': '2019-01-01' }],
          ] as [string, object | string, Record<string, string>][]) {
            const options = { headers: { ...headers, ...more }, what: `${what}, with ${named(headers)},` };
            (await stranger.send(message, options)).refused(403, undefined, advice);
          }
          await refusesHalf(headers, advice);
        }
        await expectAnsweredOnce(server, {
          cause: 'Your server refused a request, but continued and tried to answer it a second time.',
          advice: 'Call next only if both headers are right: put it into an else, or return after each refuse.',
          see: '',
        });
      },
    );
  });

  /** The answer is there before the second half of the body. */
  async function refusesHalf(headers: Record<string, string>, advice: string): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(request(4, 'ping')));
    const what = `The first half of a body, with ${named(headers)},`;
    let answered = true;
    const sent: Exchange = server.request('/mcp', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'Content-Length': String(bytes.length),
        ...headers,
      },
      shown: headers,
      pieces: {
        bytes: [bytes.subarray(0, 9), bytes.subarray(9)],
        between: async () => {
          const isAnswered = () => sent.status !== undefined || finished(sent);
          answered = await run.until(isAnswered);
          // A slow machine gets some more time.
          for (let turn = 0; turn < 25 && !answered; turn++) {
            await server.program.caughtUp();
            answered = isAnswered();
          }
        },
      },
    });
    const posted = await judged(server, sent, undefined, what, '').done();
    expect(answered, {
      cause: `Your server waited for the whole body before it refused a request with ${named(headers)}.`,
      advice: 'Put the check in front of express.json, because that handler waits for the whole body.',
      see: '',
    });
    posted.refused(403, undefined, advice);
  }

  /** The header that lets the page read an answer. */
  function expectReadable(posted: Posted, origin = allowed): void {
    expectHeader(posted, 'Access-Control-Allow-Origin', (value) => value === origin, origin, {
      cause: posted.headers['access-control-allow-origin']
        ? `The answer to ${lower(posted.what)} has a wrong Access-Control-Allow-Origin, so the browser hides it from the page.`
        : `${posted.what} was answered with status ${posted.status} but without Access-Control-Allow-Origin, so the browser hides the answer from the page.`,
      advice:
        'Set the header to the value of the request header Origin, in a handler that runs before all others that answer. Do not send the whole list or a star: the browser compares the value with the origin of its page, and a star lets every page in.',
      see: posted.see,
    });
  }

  /** A header that lists these names. A star is no name. */
  function expectListed(posted: Posted, header: string, names: string[], advice: string): void {
    for (const name of names) {
      expectHeader(posted, header, (value) => listed(value).includes(name.toLowerCase()), names.join(', '), {
        cause: `The header ${header} does not list ${name}.`,
        advice,
        see: posted.see,
      });
    }
  }

  task({ number: 2, title: 'Let the right pages in', file: 'server.ts' }, () => {
    requirement(
      'If the browser of an allowed page sends a preflight, the server answers with a 2xx status. `Access-Control-Allow-Origin` is exactly the origin of the page, and `Access-Control-Allow-Methods` lists `POST` and `DELETE`.',
      async () => {
        for (const [i, method] of ['POST', 'DELETE', 'GET'].entries()) {
          const origin = origins[i % origins.length]!;
          const posted = await preflightOf(origin, method);
          expect(posted.status! >= 200 && posted.status! < 300, {
            cause: `Your server answered the preflight of an allowed page with status ${posted.status}.`,
            compare: { expected: '204', received: received(posted) },
            advice:
              'Answer every OPTIONS request of an allowed page with status 204, before any other handler looks at it. A preflight has no session and no body.',
            see: posted.see,
          });
          expectReadable(posted, origin);
          expectListed(
            posted,
            'Access-Control-Allow-Methods',
            ['POST', 'DELETE'],
            'List the methods of the server in one header, separated by commas.',
          );
          const names = String(posted.headers['access-control-allow-methods']);
          expect(/\bPOST\b/.test(names) && /\bDELETE\b/.test(names), {
            cause: 'The header Access-Control-Allow-Methods has methods in lower case, so the browser refuses DELETE.',
            compare: { expected: 'POST, DELETE', received: names },
            advice: 'Write the methods in upper case. A browser compares them exactly, unlike the names of headers.',
            see: posted.see,
          });
        }
      },
    );

    requirement(
      'In the answer to a preflight, `Access-Control-Allow-Headers` lists `Authorization`, `Content-Type`, `Last-Event-ID`, `MCP-Protocol-Version` and `MCP-Session-Id`, each by its name.',
      async () => {
        const advice =
          'List every header that a client of MCP sends, each by its name. A browser sends the message only if all headers of the page are in the list, and a star does not stand for Authorization.';
        expectListed(await preflightOf(allowed), 'Access-Control-Allow-Headers', ownHeaders, advice);
      },
    );

    requirement(
      'All other answers to an allowed page, also event streams and errors, have an `Access-Control-Allow-Origin` that is exactly the origin of the page, and an `Access-Control-Expose-Headers` that lists `MCP-Session-Id` and `WWW-Authenticate`.',
      async () => {
        const own = { Origin: allowed };
        const page = mcpClient(server, { who: 'page' });
        const hand = await page.send(page.request('initialize', hello()), { headers: own, what: 'Initialize' });
        const session = { ...own, 'MCP-Session-Id': String(hand.headers['mcp-session-id']) };
        const call = page.request('tools/call', { name: 'process_files', arguments: { message: word() } });
        const post = (what: string, message: object | string, headers: Record<string, string>) =>
          page.send(message, { what, headers: { ...own, ...headers } });
        for (const posted of [
          hand,
          await post('A notification', { jsonrpc: '2.0', method: 'notifications/initialized' }, session),
          await post('A call of a tool', call, session),
          await post('A request without a session id', page.request('tools/list'), {}),
          await post('A request with an unknown session id', page.request('ping'), { 'MCP-Session-Id': word() }),
          await post('A body that is not JSON', word(), session),
          await post('A body of 1.2 MB', 'x'.repeat(1_200_000), session),
          await post('A body of plain text', word(), { ...session, 'Content-Type': 'text/plain' }),
          await ask('GET', { ...session, Accept: 'text/event-stream' }, {}, 'GET /mcp'),
          await ask('PUT', own, {}, 'PUT /mcp'),
          await ask('DELETE', session, {}, 'DELETE /mcp'),
        ]) {
          expectReadable(posted);
          expectListed(
            posted,
            'Access-Control-Expose-Headers',
            exposedHeaders,
            'Set this header on every answer to an allowed page, not only on the answer to a preflight. A page can read no other header of MCP.',
          );
        }
      },
    );

    requirement(
      'If a request has an allowed origin or no `Origin` header, and its `Host` is right, the answer has a `Vary` header that lists `Origin`.',
      async () => {
        const ask = [() => pingWith({ Origin: allowed }), () => alice.ask('ping'), () => preflightOf(allowed)];
        for (const [i, send] of ask.entries()) {
          const posted = await send();
          expectHeader(posted, 'Vary', (value) => listed(value).includes('origin'), 'Origin', {
            cause: `${posted.what} was answered without Vary: Origin, so a cache may give the answer to a different page.`,
            advice:
              i === 1
                ? "Call response.vary('Origin') before you look whether there is an Origin header."
                : "Call response.vary('Origin') for every request: the answer depends on this header.",
            see: posted.see,
          });
        }
      },
    );

    requirement(
      'If the origin of a page is not allowed, the server answers with status 403 and leaves out `Access-Control-Allow-Origin`, also for a preflight. The value of this header is never `*`.',
      async () => {
        const stranger = `https://${word()}.example`;
        const nobody =
          'Check the origin before you set the headers of CORS. With Access-Control-Allow-Origin, every page that gets it can read the answer.';
        for (const origin of [stranger, 'null', `http://localhost:${random.integer(1024, 9999)}`]) {
          for (const posted of [await preflightOf(origin), await pingWith({ Origin: origin })]) {
            expect(posted.headers['access-control-allow-origin'] === undefined, {
              cause: `${posted.what} got an Access-Control-Allow-Origin header, although this origin is not allowed.`,
              compare: {
                expected: '(no Access-Control-Allow-Origin)',
                received: `Access-Control-Allow-Origin: ${posted.headers['access-control-allow-origin']}`,
              },
              advice: nobody,
              see: posted.see,
            });
            expect(posted.status === 403, {
              cause: `${posted.what} was answered with status ${posted.status}, although this origin is not allowed.`,
              compare: { expected: '403', received: received(posted) },
              advice: 'Run the check of the origin before the handler of CORS, also for an OPTIONS request.',
              see: posted.see,
            });
          }
        }
        const posted = await alice.ask('ping');
        expectHeader(posted, 'Access-Control-Allow-Origin', (value) => value !== '*', undefined, {
          cause: 'Your server answered a request without Origin with Access-Control-Allow-Origin: *.',
          advice: 'Set this header only for a request with an allowed origin. A star lets every page read the answer.',
          see: posted.see,
        });
      },
    );

    requirement(
      'In an allowed page, the official client of the second generation connects, lists the tools and calls `process_files`.',
      async () => {
        const official = await officialClient(server, 'second', undefined, { around: inPageOf(allowed) });
        const names = await official.listTools();
        expect(names.includes('process_files'), {
          cause: 'The official client does not find the tool process_files.',
          compare: { expected: 'process_files', received: names.join(', ') || '(no tools)' },
          advice: 'Keep the tools of the starter as they are.',
        });
        const message = word();
        const text = await official.callTool('process_files', { message });
        expect(text === `Done: ${message}`, {
          cause: 'The official client got a wrong result of process_files.',
          compare: { expected: `Done: ${message}`, received: asJson(text) },
          advice: 'Keep the tools of the starter as they are.',
        });
      },
    );
  });

  /** Sends what the browser of a page sends, and hands on what the page may see (Fetch, "HTTP fetch"). */
  const inPageOf =
    (origin: string) =>
    (fetch: Fetch): Fetch =>
    async (url, { method = 'GET', headers, ...rest } = {}) => {
      const own = new Headers(headers);
      const asked = [...own.keys()].filter((name) => name !== 'accept').sort();
      const hides = (cause: string, advice: string) =>
        new Failure({ cause: `The browser has not let the page see the answer to ${method} /mcp: ${cause}`, advice });
      if (asked.length > 0 || !['GET', 'POST'].includes(method)) {
        const preflight = await fetch(url, {
          method: 'OPTIONS',
          headers: {
            Origin: origin,
            'Access-Control-Request-Method': method,
            ...(asked.length > 0 && { 'Access-Control-Request-Headers': asked.join(',') }),
          },
        });
        const missing = asked.find(
          (name) => !listed(preflight.headers.get('Access-Control-Allow-Headers') ?? '').includes(name),
        );
        if (!preflight.ok || missing !== undefined) {
          throw hides(
            missing === undefined ? 'its preflight has failed.' : `the preflight does not allow the header ${missing}.`,
            'Answer each preflight of an allowed page with status 204 and the headers of CORS.',
          );
        }
      }
      own.set('Origin', origin);
      const response = await fetch(url, { ...rest, method, headers: own });
      if (response.headers.get('Access-Control-Allow-Origin') !== origin) {
        throw hides('it has no Access-Control-Allow-Origin.', 'Set this header on each answer to an allowed page.');
      }
      const exposed = listed(response.headers.get('Access-Control-Expose-Headers') ?? '');
      for (const name of [...response.headers.keys()]) {
        if (!exposed.includes(name) && name !== 'content-type') response.headers.delete(name);
      }
      return response;
    };

  const countEach =
    'Count the requests of each session in its Session object. When its window is over, begin the next window: set requests to 0 and windowEnd to now + rateWindow.';

  task({ number: 3, title: 'Expect the worst', file: 'server.ts' }, () => {
    requirement(
      'If a session has sent `RATE_LIMIT` requests within `RATE_WINDOW` milliseconds, the server answers its next request with status 429, a JSON-RPC error, and a `Retry-After` header: the whole seconds until it serves this session again.',
      async () => {
        const limit = random.integer(3, 7);
        // Not 60 seconds, which is the window of the starter. One millisecond more than whole seconds: when it has passed,
        // fewer whole seconds are left than at the beginning.
        const window = random.integer(40, 59) * 1000 + 1;
        const limited = await startServer({
          RATE_LIMIT: String(limit),
          RATE_WINDOW: String(window),
          RECEIVE_LIMIT: '30000',
        });
        const client = mcpClient(limited, { who: 'alice' });
        await initialize(client);
        // The request that began the session may count too.
        let counted: number | undefined;
        for (let i = 1; i < limit; i++) {
          (await client.ask('ping')).result({
            cause: `RATE_LIMIT is ${limit}, but your server refused request ${i} of a session.`,
            advice: `Refuse a request only if it is more than rateLimit allows. ${countEach}`,
          });
          counted ??= performance.now();
        }
        await client.ask('ping');
        // The window has begun before the first of these requests was answered.
        const seconds = Math.ceil((window - (performance.now() - counted!)) / 1000);
        const posted = await client.ask('ping', undefined, { what: `Request ${limit + 1} of a session`, see: '' });
        const refuseMore = `Call refuse with status 429 if a session has sent more than rateLimit requests in its window. ${countEach}`;
        expect(posted.status !== 200, {
          cause: `RATE_LIMIT is ${limit}, but your server served request ${limit + 1} of a session in the same window.`,
          compare: { expected: '429', received: received(posted) },
          advice: refuseMore,
          see: '',
        });
        posted.refused(429, undefined, refuseMore);
        const fits = (value: string) => /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= seconds;
        const value = String(posted.headers['retry-after'] ?? '');
        expectHeader(posted, 'Retry-After', fits, '(the whole seconds until the window is over)', {
          cause:
            value === ''
              ? 'Your server answered with status 429 but without Retry-After, so the client cannot know when to ask again.'
              : Number(value) > seconds
                ? `The Retry-After header tells the client to wait too long: RATE_WINDOW is ${window} milliseconds, and a part of the window is over.`
                : 'The Retry-After header is wrong: it is not a whole number of seconds that is at least 1.',
          advice:
            value === ''
              ? 'Set Retry-After before you call refuse. It counts seconds, so divide the milliseconds by 1000 and round up with Math.ceil.'
              : 'Send the whole seconds from now until the window of the session ends: Math.ceil((session.windowEnd - now) / 1000). The end of a window is the time at which it began plus rateWindow, and a refused request does not change it.',
          see: '',
        });
        await expectAnsweredOnce(limited, {
          cause: 'Your server refused a request with status 429, but continued and tried to answer it a second time.',
          advice: 'Return false after you have called refuse, so that no other code answers this request.',
          see: '',
        });
        // The next requirement begins with this server.
        slow = { server: limited, client };
      },
    );

    let slow: { server: Server; client: McpClient };

    requirement(
      'While one session has to wait, the server serves all other sessions. When the window of a session is over, the server serves this session again.',
      async () => {
        const bob = await connect(slow.server, 'bob');
        (await bob.ask('ping')).result({
          cause:
            'One session has sent too many requests, and your server now refuses a request of a different session.',
          advice: `${countEach} A variable outside of the session is shared by all clients.`,
        });
        (await slow.client.ask('ping', undefined, { see: '' })).refused(
          429,
          undefined,
          `Refuse every request until the window is over. Requests of other sessions do not change this. ${countEach}`,
        );
        await servedAgain();
      },
    );

    /** Sends many requests together, waits for a window, and sends one more. */
    async function servedAgain(): Promise<void> {
      for (let window = 250; ; window *= 4) {
        const short = await startServer({ RATE_LIMIT: '2', RATE_WINDOW: String(window), RECEIVE_LIMIT: '30000' });
        const client = mcpClient(short, { who: 'carol' });
        await initialize(client);
        const began = performance.now();
        const together = await Promise.all(Array.from({ length: 6 }, () => client.ask('ping', undefined, { see: '' })));
        const refused = together.find(({ status }) => status === 429);
        // On a slow machine, the window is over before the last request has come.
        if (!refused && performance.now() - began > window && window < 10_000) continue;
        expect(refused, {
          cause: `RATE_LIMIT is 2, but your server served 6 requests of a session within ${window} milliseconds.`,
          advice: countEach,
          see: '',
        });
        const value = String(refused.headers['retry-after'] ?? '');
        expectHeader(refused, 'Retry-After', (text) => Number(text) >= 1, '1', {
          cause: 'The Retry-After header says that the client may ask again immediately, but its window is not over.',
          advice: 'Round the seconds up with Math.ceil, because a part of a second is not over yet.',
          see: '',
        });
        await sleep(window + 20);
        run.note('▸', `waits ${window} milliseconds`);
        let again = await client.ask('ping', undefined, { see: '' });
        const isEarly = again.status === 429;
        if (isEarly) {
          await sleep(Number(value) * 1000 + 20);
          again = await client.ask('ping', undefined, { see: '' });
        }
        again.result({
          cause: 'The window of a session is over, but your server still refuses its requests.',
          advice:
            'Begin a new window when the old one is over: set requests to 0 and windowEnd to now + rateWindow. Take the time from performance.now().',
        });
        // A server that forgives little by little may have room for one request only.
        if (isEarly) return;
        (await client.ask('ping', undefined, { see: '' })).result({
          cause: 'RATE_LIMIT is 2, but your server refused request 2 of a new window.',
          advice:
            'Add 1 to the counter first, and serve the request if the counter is at most rateLimit: session.requests <= rateLimit.',
        });
        return;
      }
    }

    requirement(
      'If a request has not arrived completely, with its headers and its body, `RECEIVE_LIMIT` milliseconds after it began, the server closes the connection. A call whose tool is still at work continues.',
      async () => {
        // On a slow machine, a request that is sent in one piece can take longer than the limit.
        for (const limit of [300, 1500, 6000]) if (await cutsSlowRequests(limit, limit === 6000)) return;
      },
    );

    /** Returns false when the server has also cut requests that were sent in one piece, unless this is the last try. */
    async function cutsSlowRequests(limit: number, last = false): Promise<boolean> {
      const deadline = limit === 300 ? workMs : 3 * limit;
      const to = await startServer({ ...unlimited, RECEIVE_LIMIT: String(limit) });
      const client = mcpClient(to, { who: 'dave' });
      /** Refused before it had arrived, although it was sent in one piece. */
      const isCut = ({ status, broken }: Exchange) => status === 408 || (status === undefined && broken !== undefined);
      const hand = client.post(client.request('initialize', hello()));
      await run.until(() => finished(hand), workMs);
      if (isCut(hand) && !last) return false;
      (await hand.done()).result();
      client.headers = { 'MCP-Session-Id': String(hand.headers['mcp-session-id']) };
      const message = word();
      const call = client.post(client.request('tools/call', { name: 'process_files', arguments: { message } }), {
        see: '',
      });
      await call.atWork();
      if (isCut(call) && !last) return false;
      const { host } = to.url;
      const post = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
      const session = `Accept: application/json, text/event-stream\r\nMCP-Session-Id: ${client.headers['MCP-Session-Id']}\r\n`;
      const what = {
        'its headers are not complete': open(to, `${post}X-Slow: `, 'x'),
        'its headers have only begun': open(to, 'POST /mcp HT'),
        'its body is not complete': open(to, `${post}${session}Content-Length: 500\r\n\r\n{"jsonrpc":`, ' '),
      };
      for (const [how, connection] of Object.entries(what)) {
        await run.expectSoon(
          () => connection.closed,
          () => {
            run.missing(`the end of a connection on which ${how}`);
            return {
              cause: `RECEIVE_LIMIT is ${limit}, but your server still waits for a request after ${deadline / 1000} seconds, although ${how}.`,
              advice:
                'Pass requestTimeout and connectionsCheckingInterval to createServer. Node.js looks for slow requests only every 30 seconds, unless the interval is shorter. A socket that sends a byte now and then is not idle, so a timeout for silence does not help.',
              see: '',
            };
          },
          to.program,
          deadline,
        );
      }
      expect(!finished(call), {
        cause: 'Your server ended the answer of a call whose tool is still at work, when RECEIVE_LIMIT was over.',
        advice:
          'Limit the time in which a request arrives, with requestTimeout. A timeout of the socket or of the answer also cuts long work.',
        see: '',
      });
      await call.done();
      expectText(call, `Done: ${message}`, 'Let the tool finish its work, however long it takes.');
      return true;
    }

    /** Opens a connection, sends this text, and then a byte now and then, until the server closes it. */
    function open({ url }: Server, text: string, byte?: string): { closed: boolean } {
      const connection = { closed: false };
      const socket = connectSocket(Number(url.port), '127.0.0.1');
      socket.write(text);
      run.note('→', `${text.split('\r\n')[0]} … (and then slowly)`);
      const slowly = byte && setInterval(() => socket.write(byte), 40);
      const close = () => {
        clearInterval(slowly || undefined);
        if (connection.closed) return;
        connection.closed = true;
        run.changed();
      };
      socket.on('error', close);
      socket.on('end', close);
      socket.on('close', close);
      socket.resume();
      run.atEnd(() => {
        clearInterval(slowly || undefined);
        socket.destroy();
      });
      return connection;
    }

    requirement(
      'When a response is over, the server prints one line of JSON on standard output with the members `id`, `method`, `path` and `status`. It also does so for requests that it refuses, and for those whose client leaves early.',
      async () => {
        const site = `http://${word()}.example`;
        const json = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
        for (const [method, status, headers, body] of [
          ['POST', 200, { ...json, ...alice.headers }, JSON.stringify(alice.request('ping'))],
          ['POST', 403, { ...json, ...alice.headers, Origin: site }, JSON.stringify(alice.request('ping'))],
          ['PUT', 405, {}, ''],
          ['POST', 400, { ...json, ...alice.headers }, word()],
          ['POST', 404, { ...json, 'MCP-Session-Id': word() }, JSON.stringify(alice.request('ping'))],
        ] as [string, number, Record<string, string>, string][]) {
          const before = mark();
          const posted = await ask(method, headers, body ? { body } : {}, `${method} /mcp`);
          await expectRecord(before, { method, status: posted.status ?? status }, posted);
        }
        const before = mark();
        const call = request(1, 'tools/call', { name: 'process_files', arguments: { message: word() } });
        const posted = alice.post(call, { see: '' });
        await posted.atWork();
        expect(records().length === before.records, {
          cause: 'Your server printed the line of a request in its log before the response was over.',
          advice:
            "Print the line in a listener of response.on('close', …). Before that, the server cannot know the status and the time that the answer took.",
          see: '',
        });
        posted.close();
        await expectRecord(
          before,
          { method: 'POST', status: 200, orElse: 499 },
          posted,
          ', although its client has left early',
        );
      },
    );

    /** The records of the log so far, and those of them that are about a response. */
    const allRecords = (): Message[] => server.program.lines.map(fromJson).filter(isObject);
    const records = (): Message[] => allRecords().filter((record) => !('error' in record));

    type Mark = { records: number; lines: number };
    const mark = (): Mark => ({ records: records().length, lines: server.program.lines.length });

    /** A record without what differs from run to run. */
    const shown = (record: Message | undefined): string => {
      const { time: _time, ms: _ms, ...rest } = record ?? {};
      return record ? asJson(rest) : '(nothing)';
    };

    /** The log has one more record, of a request to /mcp. */
    async function expectRecord(
      before: Mark,
      { method, status, orElse }: { method: string; status: number; orElse?: number },
      posted: Posted,
      when = '',
    ): Promise<Message> {
      const { program } = server;
      const what = when ? 'a call' : posted.what;
      await run.expectSoon(
        () => {
          release(program);
          return records().length > before.records;
        },
        () => ({
          cause: `Your server printed no line of JSON for ${what}, which had status ${status}${when}.`,
          ...(program.lines.length > before.lines && {
            compare: {
              expected: '{"id":"…","method":"…", …}',
              received: program.lines.slice(before.lines, before.lines + 3).join('\n'),
            },
          }),
          advice:
            program.lines.length > before.lines
              ? 'Print the whole record in one line, with JSON.stringify and without indentation. console.log of an object prints several lines that are not JSON.'
              : when
                ? "Listen for the event close of the response: response.on('close', …). The event finish does not come if the client has left."
                : 'Put the handler of the log in front of all others, with app.use, so that it sees every request. Print the line with log, which makes JSON of it.',
          see: posted.see,
        }),
        program,
        promptMs,
      );
      while (program.held.length > 0) {
        release(program);
        await program.caughtUp();
      }
      await program.caughtUp();
      const [record = {}, second] = records().slice(before.records);
      expect(second === undefined, {
        cause: `Your server printed more than one line of JSON for ${what}.`,
        compare: { expected: shown(record), received: `${shown(record)} and ${shown(second)}` },
        advice:
          'Print one line for each response, in one place. Both finish and close are emitted for a whole response.',
        see: posted.see,
      });
      const complain = (cause: string, expected: string, advice: string): never => {
        throw new Failure({ cause, compare: { expected, received: shown(record) }, advice, see: posted.see });
      };
      const advice =
        'Keep the method and the path before you call next. Read the status when the response is over: response.statusCode.';
      if (!['string', 'number'].includes(typeof record.id) || record.id === '') {
        complain('The line in the log has no id.', '"id":"…"', 'Make an id for each request with randomUUID().');
      }
      if (record.method !== method) complain('The line in the log has a wrong method.', `"method":"${method}"`, advice);
      if (record.path !== '/mcp') {
        complain(
          'The line in the log has a wrong path.',
          '"path":"/mcp"',
          'Use request.path in a handler that is added with app.use and without a path: Express takes the path of app.use off request.path. request.originalUrl has the query too.',
        );
      }
      // Some logs write 499 for a client that has left.
      if (record.status !== status && record.status !== (orElse ?? status))
        complain('The line in the log has a wrong status.', `"status":${status}`, advice);
      return record;
    }

    requirement(
      'The output of the server keeps the secrets of a request out: the session id, the `Authorization` header, the query of the URL, and the texts of the body.',
      async () => {
        const secrets = {
          'the query of the URL': `q${word()}${random.integer(1000, 9999)}`,
          'the Authorization header': `t${word()}${random.integer(1000, 9999)}`,
          'a text of the body': `b${word()}${random.integer(1000, 9999)}`,
        };
        const [query, token, text] = Object.values(secrets) as [string, string, string];
        const call = alice.request('tools/call', { name: 'process_files', arguments: { message: text } });
        const before = mark();
        const headers = {
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
          ...alice.headers,
          Authorization: `Bearer ${token}`,
        };
        const sent = server.request('/mcp', {
          method: 'POST',
          path: `/mcp?access_token=${query}`,
          headers,
          shown: { Authorization: `Bearer ${token}` },
          body: JSON.stringify(call),
        });
        const posted = await judged(server, sent, call, 'A call with secrets', '').done();
        await run.until(() => records().length > before.records);
        const printed = server.program.stdout + server.program.stderr;
        const all = { ...secrets, 'the session id': String(alice.headers['MCP-Session-Id']) };
        for (const [name, secret] of Object.entries(all)) {
          expect(!printed.includes(secret), {
            cause: `Your server printed ${name}, so everybody who can read the log can use it.`,
            compare: { expected: '(not in the log)', received: secret },
            advice:
              name === 'the query of the URL'
                ? 'Log request.path, which has no query. request.url and request.originalUrl have the query too.'
                : 'Choose the members of a line one by one, as in log({ id, method, path, status }). Do not print the headers, the whole URL or the body.',
            see: '',
          });
        }
        await expectRecord(before, { method: 'POST', status: posted.status! }, posted);

        const broken = random.aside(() => `b${word()}${random.integer(1000, 9999)}`);
        const last = mark();
        await ask('POST', headers, { body: broken }, 'POST /mcp');
        await run.until(() => records().length > last.records);
        await server.program.caughtUp();
        expect(!(server.program.stdout + server.program.stderr).includes(broken), {
          cause: 'Your server printed a text of a body that is not JSON.',
          compare: { expected: '(not in the log)', received: broken },
          advice:
            'Let answerError answer an error whose status is below 500, before you call log. The client has made this error, and it can have the whole body in it.',
          see: '',
        });
      },
    );

    requirement(
      'Each response, except those that Node.js itself sends (such as 408 and 431), has an `X-Request-Id` header with the `id` of its line in the log. The server makes a new id for each request, and does not use an `X-Request-Id` that the client has sent.',
      async () => {
        const ids = new Set<string>();
        const fromClient = { 'X-Request-Id': `${word()}-${word()}` };
        for (const [method, headers] of [
          ['PUT', {}],
          ['PUT', fromClient],
          ['PUT', { Origin: `http://${word()}.example` }],
          ['PUT', fromClient],
        ] as [string, Record<string, string>][]) {
          const before = mark();
          const posted = await ask(method, headers, {}, `${method} /mcp`);
          const id = String(posted.headers['x-request-id'] ?? '');
          const { id: logged } = await expectRecord(before, { method, status: posted.status! }, posted);
          expectHeader(posted, 'X-Request-Id', (value) => value === String(logged), String(logged), {
            cause:
              id === ''
                ? `The response to ${method}, with status ${posted.status}, has no X-Request-Id header.`
                : 'The X-Request-Id header differs from the id in the log, so nobody finds the line that belongs to the response.',
            advice:
              "Make the id once for each request, and set the header in accessLog before you call next, so that every response gets it: response.set('X-Request-Id', id).",
            see: posted.see,
          });
          expect(!ids.has(id) && id !== fromClient['X-Request-Id'], {
            cause: ids.has(id)
              ? 'Two requests have the same id in the log.'
              : 'Your server uses the X-Request-Id of the client, so a client can choose the id of a different request.',
            compare: { expected: '(a new id)', received: id },
            advice: 'Make the id with randomUUID() inside of the handler, for each request.',
            see: posted.see,
          });
          ids.add(id);
        }
      },
    );

    requirement(
      'If a handler throws an error, the server answers with status 500 and the error `-32603`, in which no part of the message or the stack of the error occurs. The log has a line with the `id` of the request and, as `error`, message and stack. A body that is not JSON still gets status 400, and a body of more than 1 MB gets status 413.',
      async () => {
        const secret = `pw-${word()}${random.integer(1000, 9999)}`;
        const reason = `no connection to postgres://admin:${secret}@10.0.0.7`;
        const args = { name: 'break_the_list', arguments: { reason } };
        await alice.ask('tools/call', args, { see: '' });
        const call = alice.request('tools/list');
        const sent = server.request('/mcp', {
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            Accept: 'application/json, text/event-stream',
            ...alice.headers,
          },
          body: JSON.stringify(call),
          failsOnPurpose: true,
        });
        const posted = await judged(server, sent, call, 'A request whose handler has thrown an error', '').done();
        const leak = [secret, 'postgres', 'failing-list', ' at '].find((part) => posted.text.includes(part));
        expect(leak === undefined, {
          cause: 'A handler has thrown an error, and your server sent a part of this error to the client.',
          compare: { expected: '{"code":-32603,"message":"internal error"}', received: received(posted) },
          advice:
            "Send a fixed text: refuse(response, 500, -32603, 'internal error'). The message and the stack of an error can show passwords, addresses and names of files.",
          see: '',
        });
        posted.refused(
          500,
          -32603,
          "Answer with refuse(response, 500, -32603, 'internal error') in the error handler.",
        );
        const id = String(posted.headers['x-request-id']);
        const found = () => allRecords().find((record) => String(record.id) === id && 'error' in record);
        await run.expectSoon(
          found,
          () => ({
            cause: 'A handler has thrown an error, but the log has no line with the id of this request and the error.',
            compare: {
              expected: `{"id":"${id}","error":"…", …}`,
              received: shown(allRecords().at(-1)),
            },
            advice:
              'Call log({ id, error }) in the error handler, with the id of the request: response.locals.id. Without the id, nobody finds the error that a client reports.',
            see: '',
          }),
          server.program,
        );
        // A string, or an object with members for the message and the stack.
        const logged = found()!.error;
        const error = isObject(logged) ? Object.values(logged).join('\n') : String(logged);
        expect(error.includes(reason) && /\n\s+at .*failing-list/.test(error), {
          cause: error.includes(reason)
            ? 'The line of the error in the log has the message of the error, but not the stack.'
            : 'The line of the error in the log does not have the message of the error.',
          compare: { expected: `"error":"Error: ${reason}\\n    at …"`, received: `"error":${asJson(logged)}` },
          advice: 'Log inspect(error) or error.stack: both have the message and the stack. JSON makes {} of an Error.',
          see: '',
        });
        const ofTheClient =
          'Let answerError answer an error whose status is below 500, in the first line of the error handler: the client has made this error, and the status says which.';
        (await alice.send(word(), { what: 'A body that is not JSON' })).refused(400, undefined, ofTheClient);
        const large = await alice.send('x'.repeat(1_200_000), { what: 'A body of 1.2 MB' });
        large.refused(413, undefined, ofTheClient);
      },
    );
  });
});
