import { Agent } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, judgedClient, lastWords, type Client } from '../harness/vocabulary/command-line.ts';
import { expectHeader, expectStatus, finished, received, release, untilEnd } from '../harness/vocabulary/http.ts';
import { hello, mcpClient, request, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import {
  expectLog,
  expectResponseLast,
  levels,
  newIds,
  notificationsIn,
  notified,
  paramsOf,
  responsesIn,
  tellApart,
  whyNotSent,
  type Log,
} from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { newSdkServers, sdkServer, sdkServers } from '../harness/vocabulary/sdk-servers.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

const stateless = '2026-07-28';
const meta = (name: string) => `io.modelcontextprotocol/${name}`;

/** What a request of the new era may say differently than it should. */
type More = {
  id?: string | number;
  /** Members of `_meta`: undefined takes one away. */
  _meta?: Message;
  /** Headers: undefined takes one away. */
  headers?: Record<string, string | undefined>;
  see?: string;
  agent?: Agent;
};

export default grader((run) => {
  const { expectSoon, random, requirement, startServer, task, together, until } = run;

  let server: Server;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const texts = documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`);

  const start = () =>
    startServer({ MORE_TOOLS: fileURLToPath(new URL('../harness/tools/logging.ts', import.meta.url)) });
  const newClient = (who?: string) => mcpClient(server, { who, newId });

  const metaOf = (more: Message = {}): Message => ({
    [meta('protocolVersion')]: stateless,
    [meta('clientInfo')]: { name: 'grader', version: '0.9.0' },
    [meta('clientCapabilities')]: {},
    ...more,
  });
  const present = (headers: Record<string, string | undefined>) =>
    Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string>;

  /** Posts a request as a client of the new era does, and waits for nothing. */
  function postNew(client: McpClient, method: string, params: Message = {}, more: More = {}): Posted {
    const { id = newId(), _meta = {}, headers = {}, see, agent } = more;
    const own = {
      'MCP-Protocol-Version': stateless,
      'Mcp-Method': method,
      ...(method === 'tools/call' && { 'Mcp-Name': String(params.name) }),
    };
    return client.post(request(id, method, { ...params, _meta: metaOf(_meta) }), {
      headers: present({ ...own, ...headers }),
      ...(see !== undefined && { see }),
      ...(agent && { agent }),
    });
  }
  const askNew = (method: string, params?: Message, more?: More, client = newClient('new client')) =>
    postNew(client, method, params, more).done();

  /** Shakes hands as a client of the old era does. */
  async function connectOld(who: string): Promise<McpClient> {
    const client = newClient(who);
    const posted = await client.send(client.request('initialize', hello()));
    const result = posted.result({ when: { 501: sendOld, 400: sendOld, 404: sendOld } });
    result
      .at('protocolVersion')
      .is('2025-11-25', 'Your server did not accept the revision 2025-11-25 of an old client.', sendOld);
    expectHeader(posted, 'MCP-Session-Id', (value) => /^[\x21-\x7e]{16,}$/.test(value), '…', {
      cause: 'An old client has shaken hands, but the answer to initialize has no session id.',
      advice: sendOld,
      see: posted.see,
    });
    client.headers = {
      'MCP-Protocol-Version': '2025-11-25',
      'MCP-Session-Id': String(posted.headers['mcp-session-id']),
    };
    const initialized = await client.notify('notifications/initialized');
    expect(initialized.status === 202, {
      cause: `Your server answered notifications/initialized of an old client with status ${initialized.status}.`,
      compare: { expected: '202', received: received(initialized) },
      advice: sendOld,
      see: '',
    });
    return client;
  }

  const sendOld =
    'Let the function sessions answer a request if neither its _meta nor its header names the new revision.';

  /** The answer has nothing of the old era. */
  function expectNoSession(posted: Exchange & { see?: string }, what: string): void {
    expectHeader(posted, 'MCP-Session-Id', (value) => value === '', undefined, {
      cause: `Your server answered ${what} with an MCP-Session-Id header, which the new era does not have.`,
      advice:
        'Give each request to one half only, and set no header yourself: sessions sets MCP-Session-Id, and stateless does not.',
      see: posted.see ?? '',
    });
  }

  task({ number: 1, title: 'Tell the eras apart', file: 'server.ts' }, () => {
    let old: McpClient;
    const byMeta = `Look for the member ${meta('protocolVersion')} in params._meta, and let stateless answer if it is there.`;

    requirement(
      'If an old client posts `initialize`, the server answers in the old era: with the revision `2025-11-25` and an `MCP-Session-Id` header. With this session id, the server also answers `ping` and `logging/setLevel`.',
      async () => {
        server = await start();
        old = await connectOld('old client');
        for (const asked of [
          await old.ask('ping'),
          await old.ask('logging/setLevel', { level: random.pick(levels) }),
        ]) {
          asked.result({ when: { 404: sendOld, 400: sendOld }, advice: sendOld });
        }
      },
    );

    requirement(
      'If `_meta` of a request has the member `io.modelcontextprotocol/protocolVersion`, the server answers in the new era. It answers `server/discover` with status 200, and `initialize`, `ping` and `logging/setLevel` with status 404 and the error `-32601`.',
      async () => {
        const discovered = await askNew('server/discover');
        const result = discovered.result({ when: { 400: byMeta, 404: byMeta }, advice: byMeta });
        const versions = result.at('supportedVersions');
        versions.expect(
          Array.isArray(versions.value) && versions.value.includes(stateless),
          'The result of server/discover does not name the revision 2026-07-28.',
          { like: `"supportedVersions":["${stateless}"]`, advice: byMeta },
        );
        for (const [method, params] of [
          ['initialize', hello()],
          ['ping', {}],
          ['logging/setLevel', { level: 'info' }],
        ] as const) {
          const posted = await askNew(method, params);
          posted.refused(404, -32601, `${byMeta} This holds for each method: only the old era has ${method}.`);
          expectNoSession(posted, `${method} of a new client`);
        }
      },
    );

    requirement(
      'If `_meta` is missing, is not an object or has only other members such as `progressToken`, the server answers the request in the old era. The header `MCP-Protocol-Version` then names an old revision or is missing.',
      async () => {
        const others = [
          { progressToken: random.pick([0, word()]) },
          { [`com.example/${word()}`]: stateless },
          {},
          null,
          word(),
          [meta('protocolVersion')],
        ];
        const judge = async (_meta: unknown) => {
          const callIsObject =
            'Call isObject before you use the operator in: it throws an error if the value is not an object.';
          const ifItThrows = {
            cause: `The _meta of a request was ${asJson(_meta)}, and server.ts threw an error.`,
            advice: callIsObject,
          };
          const posted = await old.ask('ping', { _meta }, { ifItThrows });
          expect(posted.status !== 500, {
            cause: `The _meta of a request was ${asJson(_meta)}, and your server answered with status 500.`,
            advice: callIsObject,
            see: posted.see,
          });
          posted.result({
            cause: `The _meta of a request was ${asJson(_meta)}, so it is a request of the old era, but your server did not answer it as one.`,
            advice: `Look for the one member ${meta('protocolVersion')}. Old clients send _meta too: progressToken is in it.`,
          });
        };
        for (const _meta of others) await judge(_meta);
        // Revision 2025-11-25 has a member of this name, so the beginning of a name says nothing.
        const related = { taskId: '1', [meta('protocolVersion')]: stateless };
        await random.aside(() => judge({ [meta('related-task')]: related }));
      },
    );

    requirement(
      'If the header `MCP-Protocol-Version` is `2026-07-28` but `_meta` does not name a revision, the server answers with status 400 and the error `-32602` or `-32020`. This also holds for `initialize` and for a request with a session id.',
      async () => {
        const client = newClient('client');
        const session = old.headers['MCP-Session-Id']!;
        for (const [message, headers] of [
          [client.request('tools/list', { _meta: { progressToken: 1 } }), {}],
          [client.request('ping'), { 'MCP-Session-Id': session }],
          [client.request('initialize', hello()), {}],
        ] as const) {
          const posted = await client.send(message, {
            headers: { 'MCP-Protocol-Version': stateless, 'Mcp-Method': message.method, ...headers },
          });
          const advice =
            'Let stateless answer if the header names the new revision: it knows what is missing. With sessions, a client gets an answer of the era that it does not speak.';
          expect(posted.status === 400, {
            cause: `The header of ${message.method} named 2026-07-28 and its body named no revision, but your server answered with status ${posted.status}.`,
            compare: { expected: '400', received: received(posted) },
            advice,
            see: posted.see,
          });
          const code = codeOf(posted);
          expect(code === -32602 || code === -32020, {
            cause: `The header of ${message.method} named 2026-07-28 and its body named no revision, but the error has the wrong code.`,
            compare: { expected: '"code":-32602', received: received(posted) },
            advice,
            see: posted.see,
          });
          expectNoSession(posted, message.method);
        }
      },
    );

    requirement(
      'If `_meta` names a revision and the header names a different one or is missing, the server answers with status 400 and the error `-32020`. If both name the same revision that the server does not know, the error is `-32022`.',
      async () => {
        const contradictory = `${byMeta} This also holds if the header says something different: stateless finds the contradiction.`;
        const session = old.headers['MCP-Session-Id'];
        const cases = [
          { method: 'server/discover', version: '2025-11-25' },
          { method: 'ping', version: '2025-06-18', session },
          { method: 'tools/list', version: undefined },
          { method: 'ping', version: undefined, session },
          { method: 'initialize', version: '2025-11-25' },
        ];
        for (const { method, version, session } of cases) {
          const headers = { 'MCP-Protocol-Version': version, 'MCP-Session-Id': session };
          const posted = await askNew(method, method === 'initialize' ? hello() : {}, { headers });
          const said = version === undefined ? 'the header was missing' : `the header named ${version}`;
          expectCode(posted, -32020, `The _meta of ${method} named 2026-07-28 and ${said}`, contradictory);
        }
        for (const version of ['2027-01-01', '1900-01-01']) {
          const posted = await askNew(
            'server/discover',
            {},
            { _meta: { [meta('protocolVersion')]: version }, headers: { 'MCP-Protocol-Version': version } },
          );
          expectCode(
            posted,
            -32022,
            `Both _meta and the header named ${version}`,
            'Let stateless answer if _meta has the member, whatever its value is. Old clients do not have this member, so do not compare its value.',
          );
        }
      },
    );

    requirement(
      'In the new era, the server ignores an `MCP-Session-Id` header: it answers as it does when this header is missing, and sends no such header back. Requests of both eras may alternate, also on one connection.',
      async () => {
        const session = old.headers['MCP-Session-Id']!;
        const ignored = `${byMeta} Do not look at the session id before: some programs add this header to each request.`;
        // A program in the middle can send the requests of several clients on one connection.
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          for (const id of [session, word()]) {
            const posted = await askNew('server/discover', {}, { headers: { 'MCP-Session-Id': id }, agent });
            posted.result({ when: { 400: ignored, 404: ignored }, advice: ignored });
            expectNoSession(posted, 'server/discover');
            const asked = await old.ask('ping', undefined, { agent });
            asked.result({
              cause: `A new client has sent a request, and now your server answers the next request of an old client with status ${asked.status}.`,
              advice:
                'Decide for each request, from this request alone. Do not remember the era: clients share the variables outside of the handler, and can share a connection.',
            });
          }
        } finally {
          agent.destroy();
        }
        const alone = await newClient('client').ask('ping');
        alone.refused(
          400,
          undefined,
          'Let sessions answer: a request of the old era needs a session id, also after requests of the new era.',
        );
      },
    );

    requirement('If the body is JSON but not a JSON-RPC message, the server answers with status 400.', async () => {
      const bodies = [
        null,
        7,
        `"${word()}"`,
        true,
        [],
        [{ jsonrpc: '2.0', id: 1, method: 'ping' }],
        {},
        { params: null },
      ];
      for (const body of bodies) {
        const withCare =
          'Read the body with ?. at each step: request.body?.params?._meta. The body of a POST can be null, and has no params then.';
        const ifItThrows = {
          cause: `The body was ${visible(JSON.stringify(body))}, and server.ts threw an error.`,
          advice: withCare,
        };
        const posted = await newClient('client').send(JSON.stringify(body), { ifItThrows });
        expectStatus(posted, 400, {
          cause: `The body was ${visible(JSON.stringify(body))}, but your server answered with status ${posted.status}.`,
          advice: posted.status === 500 ? withCare : sendOld,
          see: posted.see,
        });
      }
    });

    /** The new half has refused the request, with this code. */
    function expectCode(posted: Posted, code: number, said: string, advice: string): void {
      const { see } = posted;
      const compare = { expected: `400 "error":{"code":${code}, …}`, received: received(posted) };
      const cause = `${said}, but your server answered with status ${posted.status}.`;
      expect(posted.status === 400, { cause, compare, advice, see });
      const wrong = `${said}, but your server answered with the wrong error.`;
      expect(codeOf(posted) === code, { cause: wrong, compare, advice, see });
    }

    /** Sends a request without a body. */
    async function send(method: string, headers: Record<string, string>, who: string): Promise<Exchange> {
      const sent = server.request('/mcp', {
        method,
        headers,
        who,
        shown: present({ 'MCP-Protocol-Version': headers['MCP-Protocol-Version'] }),
      });
      const advice = 'Let one of the halves answer: call half(request, response, next).';
      const cause = `Your server did not answer ${method} /mcp.`;
      if (method === 'GET')
        await expectSoon(
          () => sent.status !== undefined || finished(sent),
          () => ({ cause, advice }),
          server.program,
        );
      else await untilEnd(server, sent, () => ({ cause, advice }), { cause, advice });
      return sent;
    }

    requirement(
      'If the header `MCP-Protocol-Version` of a `GET` or `DELETE` is `2026-07-28`, the server answers 405. Otherwise the session id decides. With a session id, the old half answers: `GET` with an event stream, `DELETE` with a 2xx status. Without a session id, the server answers 405 or 400.',
      async () => {
        const bySession =
          'For GET and DELETE, look at the headers: let stateless answer if the MCP-Session-Id is missing or if the header names the new revision, and sessions in all other cases.';
        const { 'MCP-Session-Id': session } = old.headers as { 'MCP-Session-Id': string };
        const accept = { Accept: 'text/event-stream' };
        for (const method of random.shuffled(['GET', 'DELETE'])) {
          for (const id of [undefined, session]) {
            const all = present({ ...accept, 'MCP-Session-Id': id, 'MCP-Protocol-Version': stateless });
            const sent = await send(method, all, 'new client');
            expectStatus(sent, 405, {
              cause: `The header of a ${method} named 2026-07-28, but your server answered with status ${sent.status}.`,
              advice: `${bySession} The new era has neither streams to open nor sessions to end.`,
              see: `curl -i -X ${method} -H 'MCP-Protocol-Version: ${stateless}' http://127.0.0.1:3000/mcp`,
            });
            sent.close();
          }
          const sent = await send(method, accept, 'client');
          expect(sent.status === 405 || sent.status === 400, {
            cause: `A ${method} had neither a session id nor a revision, but your server answered with status ${sent.status}.`,
            compare: { expected: '405 (or 400)', received: received(sent) },
            advice: bySession,
            see: `curl -i -X ${method} http://127.0.0.1:3000/mcp`,
          });
        }
        const stream = await send('GET', { ...old.headers, ...accept }, 'old client');
        expectStatus(stream, 200, {
          cause: `An old client opened its stream, but your server answered the GET with status ${stream.status}.`,
          advice: bySession,
          see: '',
        });
        const ended = await send('DELETE', old.headers, 'old client');
        expect(ended.status! >= 200 && ended.status! < 300, {
          cause: `An old client ended its session, but your server answered the DELETE with status ${ended.status}.`,
          compare: { expected: '204 (or another 2xx)', received: received(ended) },
          advice: bySession,
          see: '',
        });
        expectStatus(await old.ask('ping'), 404, {
          cause: 'An old client has ended its session, but your server still accepts its id.',
          advice: bySession,
          see: '',
        });
        stream.close();
      },
    );
  });

  task({ number: 2, title: 'Share one core', file: 'server.ts' }, () => {
    let old: McpClient;
    const call = (name: string, args: object) => ({ name, arguments: args });
    const atLevel = (level: string) => ({ _meta: { [meta('logLevel')]: level } });
    /** Calls a tool in either era, and waits for nothing. */
    const calls = {
      old: (name: string, args: object, id: string | number = newId(), client = old) =>
        client.post(request(id, 'tools/call', call(name, args)), { see: '' }),
      new: (name: string, args: object, more: More = atLevel('info'), client = newClient('new client')) =>
        postNew(client, 'tools/call', call(name, args), { see: '', ...more }),
    };
    const notYet =
      'Call serve in the functions that you pass to sessionsEra and statelessEra: each half calls its function for tools/list, tools/call and unknown methods.';

    requirement(
      'If an old client and a new client send `tools/list`, both get the same tools in the same order. Only the result of the new client also has `resultType`, `ttlMs`, `cacheScope` and `_meta` with `io.modelcontextprotocol/serverInfo`.',
      async () => {
        server = await start();
        old = await connectOld('old client');
        const results: Record<string, Message> = {};
        for (const round of [1, 2]) {
          const fromNew = (await askNew('tools/list')).result({ when: { 404: notYet }, advice: notYet });
          const fromOld = (await old.ask('tools/list')).result({ when: { [-32601]: notYet }, advice: notYet });
          results.new = fromNew.value as Message;
          results.old = fromOld.value as Message;
          expectCompleted(fromNew, 'tools/list');
          fromNew.expect(
            Number.isInteger(results.new.ttlMs) && ['public', 'private'].includes(String(results.new.cacheScope)),
            'The result of tools/list of a new client does not say how long it may be kept.',
            {
              like: '"ttlMs":60000,"cacheScope":"public"',
              advice: 'Pass the method to complete: it adds ttlMs and cacheScope to the result of tools/list.',
            },
          );
          const info = fromNew.at('_meta').at(meta('serverInfo'));
          info.expect(isObject(info.value), 'The result of a new client does not name the server in its _meta.', {
            like: `"${meta('serverInfo')}":{"name":"…","version":"…"}`,
            advice: 'Pass serverInfo to complete.',
          });
          expectNothingNew(fromOld, round === 1 ? 'tools/list' : 'tools/list, after a new client had sent it too');
          const names = (result: Message) =>
            Array.isArray(result.tools) ? result.tools.map((tool) => (isObject(tool) ? tool.name : tool)) : [];
          expect(
            isDeepStrictEqual(results.old.tools, results.new.tools) && names(results.old).includes('process_files'),
            {
              cause: 'An old client and a new client do not get the same tools.',
              compare: {
                expected: `${asJson(names(results.old))} (old client)`,
                received: `${asJson(names(results.new))} (new client)`,
              },
              advice:
                'Return the same list, toolList, for both eras: let serve answer tools/list, and change nothing but what complete adds.',
            },
          );
        }
      },
    );

    /** The result of a new client says what each result of its era says. */
    function expectCompleted(result: ReturnType<Posted['result']>, what: string): void {
      result
        .at('resultType')
        .is(
          'complete',
          `A new client sent ${what}, but the result has no resultType.`,
          'For the new era, pass each answer of serve through complete, and return what complete returns.',
        );
    }

    /** The result of an old client has nothing of the new era. */
    function expectNothingNew(result: ReturnType<Posted['result']>, what: string): void {
      for (const name of ['resultType', 'ttlMs', 'cacheScope', '_meta']) {
        result.expect(
          !result.has(name),
          `The result of ${what} of an old client has the member ${name}, which only the new era has.`,
          {
            like: '(no member of the new era)',
            advice:
              'Call complete only in the function for statelessEra, and not in serve. complete returns a new object: do not write into the result of serve, which both eras share.',
          },
        );
      }
    }

    const oneCore =
      'Let serve answer the requests of both eras. Pass to it the request, the level of this client, and the function notify of this request. For the new era, pass the signal too.';

    const live: Record<string, string> = {
      old: 'For the old era, pass session.level and notify of sessionsEra to serve. Let log call notify for each message at the level least or above.',
      new: 'For the new era, pass meta[metaKeys.logLevel] and notify of statelessEra to serve. Let log call notify for each message at the level least or above.',
    };

    requirement(
      'If a client of either era calls a tool, the server sends each log message in the event stream of the response while the tool is still at work. The JSON-RPC response is the last message.',
      async () => {
        for (const era of ['old', 'new'] as const) {
          const message = `${word()} "${word()}" é世🎈`;
          const posted = calls[era]('process_files', { message });
          for (const [i, text] of texts.entries()) {
            await posted.atWork();
            await notified(server, posted, i + 1);
            const early = responsesIn(posted)[0];
            expect(posted.status !== undefined, {
              cause: `The tool is at work on ${documents[i]!.name}, but your server has not sent the headers of its answer.`,
              advice: live[era]!,
              see: '',
            });
            if (early) {
              posted.result({ when: { 404: notYet, [-32601]: notYet }, advice: oneCore });
            }
            expectStatus(posted, 200, {
              cause: `Your server answered a call of process_files of ${aClient(era)} with status ${posted.status}.`,
              advice: oneCore,
              see: '',
            });
            if (notificationsIn(posted).length <= i) {
              throw await whyNotSent(server, posted, { index: i, text, work: documents[i]!.name, never: live[era]! });
            }
            expectLog(posted, notificationsIn(posted)[i]!, { level: 'info', data: text });
            release(server.program);
          }
          await posted.done();
          expectText(posted, `Done: ${message}`, oneCore);
          expectResponseLast(posted);
        }
      },
    );

    const aClient = (era: string) => `${era === 'old' ? 'an old' : 'a new'} client`;

    requirement(
      'If an old client and a new client send the same request, both get the same log messages in the same order, and the same `content` or error. This also holds for a tool that fails, for an unknown tool and for an unknown method.',
      async () => {
        const logged = random
          .shuffled(levels.filter((level) => level !== 'debug'))
          .map((level) => ({ level, data: { text: `"${word()}" é世`, list: [0, null] }, logger: word() }));
        const requests: [what: string, method: string, params: Message][] = [
          ['a call of a tool that logs at each level', 'tools/call', call('say', { messages: logged })],
          ['a call of a tool that fails', 'tools/call', call('fail_midway', { reason: word() })],
          ['a call of a tool that does not exist', 'tools/call', call(word(), {})],
          ['a call with wrong arguments', 'tools/call', call('process_files', { message: 7 })],
          ['a method that does not exist', `${word()}/${word()}`, {}],
          ['the method constructor', 'constructor', {}],
        ];
        for (const [what, method, params] of requests) {
          const id = newId();
          const ifItThrows = {
            cause: `A client sent ${what}, and server.ts threw an error.`,
            advice:
              'Look for the method with Object.hasOwn(methods, method): methods also inherits functions, such as constructor.',
          };
          const fromOld = await old.send(request(id, method, params), { see: '', ifItThrows });
          const fromNew = await askNew(method, params, { id, see: '', ...atLevel('info') });
          const [first, second] = [fromOld, fromNew].map((posted) => posted.messages().map(withoutEra));
          if (isDeepStrictEqual(first, second)) {
            // Both may be wrong in the same way.
            const said = notificationsIn(fromOld);
            if (params.name === 'say' && said.length === logged.length) {
              for (const [i, message] of said.entries()) expectLog(fromOld, message, logged[i]!);
            }
            if (responsesIn(fromNew).some(({ result }) => isObject(result))) expectCompleted(fromNew.result(), what);
            continue;
          }
          const index = first!.findIndex((message, i) => !isDeepStrictEqual(message, second![i]));
          const at = index < 0 ? first!.length : index;
          const shown = (messages: Message[]) => visible(JSON.stringify(messages[at]) ?? '(nothing more)');
          throw new Failure({
            cause: `An old client and a new client sent the same request, ${what}, but message ${at + 1} differs.`,
            compare: { expected: `${shown(first!)} (old client)`, received: `${shown(second!)} (new client)` },
            advice: oneCore,
          });
        }
      },
    );

    /** A message without what only one of the eras has in a result. */
    const withoutEra = (message: Message): Message => {
      if (!isObject(message.result)) return message;
      const { resultType: _type, _meta, ttlMs: _ttl, cacheScope: _scope, ...result } = message.result;
      return { ...message, result };
    };

    /** The levels of the log messages that came: a tool logs one at each level. */
    async function expectFilter(era: 'old' | 'new', least: string | undefined, posted: Posted): Promise<void> {
      await posted.done();
      posted.result({ when: { 404: notYet, [-32601]: notYet }, advice: oneCore });
      const came = notificationsIn(posted).map((message) => String(paramsOf(message).level));
      const expected = least === undefined ? [] : levels.slice(levels.indexOf(least));
      const right =
        came.join() === expected.join() ||
        // Before the first logging/setLevel, debug may come too.
        (era === 'old' && least === 'info' && came.join() === levels.join());
      expect(right, {
        cause:
          least === undefined
            ? 'A new client asked for no log messages, but your server sent some.'
            : `${era === 'old' ? 'The session of an old client has' : 'A new client asked for'} the level ${least}, but your server sent ${came.length === 0 ? 'no log message before the response' : 'the messages of other levels'}.`,
        compare: { expected: expected.join(', ') || '(no message)', received: came.join(', ') || '(no message)' },
        advice:
          era === 'old'
            ? 'Pass session.level to serve for the old era. Let log compare the positions of two levels in levels, and call notify immediately.'
            : `Pass the member ${meta('logLevel')} of meta to serve for the new era, also if it is undefined: then log sends nothing.`,
      });
    }

    const everything = () => ({ messages: levels.map((level) => ({ level, data: word() })) });

    requirement(
      'For an old client, the server sends the log messages at the level of its session or above: `info` at first, and then the level that `logging/setLevel` sets. This level does not change what other clients get.',
      async () => {
        const other = await connectOld('old client 2');
        await expectFilter('old', 'info', calls.old('say', everything()));
        const level = random.pick(['notice', 'warning', 'error', 'critical']);
        (await old.ask('logging/setLevel', { level })).result({ advice: sendOld });
        await expectFilter('old', level, calls.old('say', everything()));
        await expectFilter('old', 'info', calls.old('say', everything(), newId(), other));
        await expectFilter('new', 'debug', calls.new('say', everything(), atLevel('debug')));
        await expectFilter('new', undefined, calls.new('say', everything(), {}));
      },
    );

    requirement(
      'For a new client, the server sends the log messages at the level in `_meta` of this request or above: the member `io.modelcontextprotocol/logLevel`. If this member is missing, the server sends no log messages for the request.',
      async () => {
        for (const level of random.shuffled([...random.shuffled(levels).slice(0, 2), 'emergency', undefined])) {
          await expectFilter('new', level, calls.new('say', everything(), level === undefined ? {} : atLevel(level)));
        }
        const other = await connectOld('old client 3');
        await expectFilter('old', 'info', calls.old('say', everything(), newId(), other));
        const progress = { _meta: { progressToken: word() } };
        await expectFilter('new', undefined, calls.new('say', everything(), progress));
      },
    );

    requirement(
      'If clients of both eras call a tool at the same time, each gets only the messages of its own call, at its own level. This also holds for calls with the same `id`.',
      async () => {
        const id = newId();
        const quietOld = await connectOld('old client 4');
        const loudOld = await connectOld('old client 5');
        (await quietOld.ask('logging/setLevel', { level: 'error' })).result();
        const loud = newClient('new client 1');
        const quiet = newClient('new client 2');
        await tellApart(server, {
          texts,
          calls: [loudOld, loud, quietOld, quiet, loud].map((client) => ({ client, id })),
          call: (client, message, own) =>
            client === loudOld || client === quietOld
              ? calls.old('process_files', { message }, own, client)
              : calls.new(
                  'process_files',
                  { message },
                  { id: own, ...atLevel(client === loud ? 'info' : 'error') },
                  client,
                ),
          logs: (client) => client === loudOld || client === loud,
          expectDone: (posted, message) =>
            expectText(posted, `Done: ${message}`, 'Let each call of serve run its own tool, with its own notify.'),
        });
      },
    );

    requirement(
      'If a new client closes the response stream of its call, the server aborts the signal of the tool. If the connection of an old client closes, its call continues.',
      async () => {
        const { program } = server;
        const oldCall = calls.old('process_files', { message: word() });
        await oldCall.atWork();
        const newCall = calls.new('process_files', { message: word() });
        const works = async (count: number, cause: string, advice: string) => {
          await expectSoon(
            () => program.held.length === count,
            () => ({ cause, advice }),
            program,
          );
        };
        await works(2, 'Two clients called process_files, but your server does not run both calls.', oneCore);
        oldCall.close();
        await program.caughtUp();
        newCall.close();
        await works(
          1,
          'A new client closed the stream of its call, but the tool of your server is still at work for it.',
          'Pass the signal of statelessEra to serve, and put it into the context of the tool: the tool gives it to work.',
        );
        for (let turn = 0; turn < 5; turn++) await program.caughtUp();
        expect(program.held.length === 1, {
          cause: 'The connection of an old client closed, and your server gave up its call.',
          advice: 'Pass no signal to serve for the old era. There, a connection that closes does not cancel a call.',
        });
        while (program.held.length > 0) {
          release(program);
          await program.caughtUp();
          await until(() => program.held.length > 0 || program.end, 20);
        }
      },
    );

    requirement(
      'The official clients get each log message while the tool is still at work, and the same result: version 1, and version 2 in its modes `legacy`, `auto` and `pin`.',
      async () => {
        const message = word();
        for (const [generation, name] of [
          ['first', 'of version 1'],
          ['second', 'of version 2, in the mode legacy,'],
          ['auto', 'of version 2, in the mode auto,'],
          ['stateless', 'of version 2, in the mode pin,'],
        ] as const) {
          const logs: Log[] = [];
          const isNew = generation === 'auto' || generation === 'stateless';
          const client = await officialClient(
            server,
            generation,
            (log) => logs.push(log),
            isNew ? { logLevel: 'info' } : {},
          );
          const running = client.beginTool('process_files', { message });
          for (const [i, text] of texts.entries()) {
            await expectSoon(
              () => (server.program.held.length > 0 && logs.length > i) || running.over,
              () => ({
                cause: `The official client ${name} did not get "${text}" while the tool was at work.`,
                advice: oneCore,
              }),
              server.program,
            );
            running.text();
            expect(logs.length === i + 1 && logs[i]!.data === text, {
              cause: `The official client ${name} did not get the log messages in their order.`,
              compare: {
                expected: texts.slice(0, i + 1).join(', '),
                received: visible(logs.map(({ data }) => String(data)).join(', ')),
              },
              advice: oneCore,
            });
            release(server.program);
          }
          await expectSoon(
            () => running.over,
            () => ({ cause: `The official client ${name} did not get the result of its call.`, advice: oneCore }),
            server.program,
          );
          expect(running.text() === `Done: ${message}`, {
            cause: `The official client ${name} got the wrong result.`,
            compare: { expected: `Done: ${message}`, received: visible(String(running.text())) },
            advice: oneCore,
          });
        }
      },
    );
  });

  task({ number: 3, title: 'Try the new way, and fall back', file: 'client.ts' }, () => {
    const see = 'node --import tsx lessons/23-both-eras/client.ts http://127.0.0.1:3000/mcp hello';
    const answeredCall = 'The call was answered';
    const first = ['server/discover', 'tools/call'] as const;
    const newWay =
      'Begin findEra with tryRequest, and leave era as it is, at new: send then puts the revision into the headers and into _meta. Call shakeHands only after the answer.';

    /** Drawn before anything is waited for, since cases run at the same time. */
    const draw = () => {
      const [said, text, session] = random.words(3) as [string, string, string];
      return {
        said: `${said} é世`,
        text,
        strangeSession: `${session}-${random.integer(1000, 9999)}`,
        inJson: random.next() < 0.5,
      };
    };
    type Begun = Script & { posted: ReceivedMessage; drawn: ReturnType<typeof draw> };

    /** Starts a client, and waits for its first message: it tries the new way. */
    async function begin(terms: Omit<Terms, 'see'> = {}): Promise<Begun> {
      const drawn = draw();
      const script = await scriptedServer(run, { see, ...terms }).start();
      const posted = await script.next(first, { advice: newWay });
      expectNewForm(posted);
      return { ...script, posted, drawn };
    }

    function expectNewForm(posted: ReceivedMessage): void {
      const { request, what, message } = posted;
      const inMeta = posted.member('params').at('_meta').at(meta('protocolVersion'));
      inMeta.is(stateless, `${what} does not name the revision 2026-07-28 in its _meta.`, newWay);
      for (const [header, value] of Object.entries({
        'MCP-Protocol-Version': stateless,
        'Mcp-Method': String(message.method),
      })) {
        expectHeader(request, header, (sent) => sent === value, value, {
          cause: `${what} has the wrong ${header} header for the new era.`,
          advice: newWay,
          see,
        });
      }
      posted.expectNoSession(
        'Send no session id in the new era, also if an answer of the server has had one: keep the condition era === old in send.',
      );
    }

    /** The message is one of the old era: nothing in it belongs to the new one. */
    function expectOldForm(posted: ReceivedMessage): void {
      const { request, what } = posted;
      const advice = 'Set era to old before you call shakeHands: send looks at era for each message.';
      for (const header of ['Mcp-Method', 'Mcp-Name']) {
        expectHeader(request, header, (sent) => sent === '', undefined, {
          cause: `${what} has the header ${header}, although the client has fallen back to the old era.`,
          advice,
          see,
        });
      }
      const params = posted.member('params').value;
      const inMeta = isObject(params) && isObject(params._meta) ? params._meta : {};
      const left = Object.keys(inMeta).find((name) => name.startsWith(meta('')));
      expect(left === undefined, {
        cause: `${what} has the member ${left} in its _meta, although the client has fallen back to the old era.`,
        compare: { expected: '(no member of the new era)', received: asJson(inMeta) },
        advice,
        see,
      });
    }

    const discovered = (supportedVersions: string[]) => ({
      resultType: 'complete',
      supportedVersions,
      capabilities: { tools: {}, logging: {} },
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [meta('serverInfo')]: { name: 'grader', version: '1.0.0' } },
    });

    /** Answers the first message as a server of the new era does, up to the call. */
    async function upToNewCall({ posted, next, drawn }: Begun, revisions = [stateless]): Promise<ReceivedMessage> {
      if (posted.message.method === 'tools/call') return posted;
      const result = posted.result(discovered(revisions));
      // A server in front of this one may send a session id.
      posted.response.setHeader('mcp-session-id', drawn.strangeSession);
      if (drawn.inJson) await posted.json(result);
      else {
        await posted.stream(result);
        posted.end();
      }
      const call = await next('tools/call', {
        advice:
          'Return from findEra if the server names the revision 2026-07-28. The next message is the call, because the new era has no handshake.',
      });
      expectNewForm(call);
      return call;
    }

    const saidIn = (client: Client) => client.stderr.split('\n').filter((line) => /20\d\d-\d\d-\d\d/.test(line));

    function expectSaid(client: Client, revision: string): void {
      const lines = saidIn(client);
      expect(lines.length === 1 && lines[0]!.includes(revision), {
        cause:
          lines.length === 0
            ? `Your client did not say on standard error that the revision is ${revision}.`
            : lines.length > 1
              ? 'Your client said more than once which revision it is.'
              : 'Your client named the wrong revision on standard error.',
        compare: {
          expected: `one line with ${revision}`,
          received: visible(lines.join('\n') || client.stderr.trim()) || '(nothing)',
        },
        advice: `Print one line that contains ${revision} with console.error, when the client knows which revision the two ends use.`,
        see,
      });
    }

    /** A notification and the result come, and the client ends well. */
    async function answersCall(
      { client, drawn: { said, text } }: Begun,
      call: ReceivedMessage,
      inNewEra: boolean,
    ): Promise<void> {
      await call.stream(logMessage('info', said));
      await client.prints([`NOTIFICATION: info ${said}`], {
        cause: 'Your client did not print a notification when it arrived.',
        advice: (printed) => (/20\d\d-/.test(printed) ? onStandardError : callOutside),
      });
      await call.stream(call.result({ ...textResult(text), ...(inNewEra && { resultType: 'complete' }) }));
      call.end();
      await client.prints([`RESULT: ${text}`], {
        cause: 'Your client did not print the result.',
        advice: 'Leave the reading of answers as it is.',
      });
      await client.endsWell(
        answeredCall,
        'Look at the status before you call refused or fail: they set process.exitCode, and the code stays.',
      );
    }

    const callOutside =
      'Send the call with request, outside of findEra: request prints each notification, and tryRequest prints nothing.';

    const onStandardError =
      'Use console.error for the revision: standard output is for notifications and the result, which a script may read.';

    requirement(
      'The command `client.ts URL message` first posts `server/discover` or `tools/call` in the form of the new era. If the server answers in the new era, the client calls the tool a single time. It prints one line that contains `2026-07-28` on standard error.',
      async () => {
        const message = word();
        const begun = await begin({ message });
        const call = await upToNewCall(begun);
        const params = call.member('params');
        params
          .at('arguments')
          .is({ message }, 'Your client called the tool with the wrong arguments.', 'Leave the call as it is.');
        await answersCall(begun, call, true);
        await begun.nothingPosted({
          cause: 'Your client sent a further message after the call of a new server.',
          advice: 'Send nothing after the call: the new era has neither a handshake nor a session.',
        });
        expect(begun.goodbyes.length === 0, {
          cause: 'Your client sent a DELETE to a server of the new era.',
          advice: 'End a session only if there is one: keep no session id in the new era.',
          see,
        });
        expectSaid(begun.client, stateless);
      },
    );

    const why: Record<string, string> = {
      status:
        'Call shakeHands if the status is 400, 404 or 405 and the error is not one of the new era: set era to old before. An old server has no server/discover, so it refuses the request in a way of its own.',
      ok: 'Call shakeHands also if the status is 200 and the answer does not name any revision. Many old servers answer each request with 200, and an unknown method with an error.',
    };

    /** The client shakes hands after this answer, calls the tool, and ends well. */
    async function fallsBack(begun: Begun, advice: string, after: string): Promise<void> {
      const { client, agreed } = begun;
      const ended = `${advice}`;
      const initialize = await begun.next('initialize', {
        cause: `${after}, but your client did not send initialize.`,
        advice,
        ended,
      });
      expectOldForm(initialize);
      initialize.expectNoSession('Send no session id with initialize: only the answer to it has one.');
      await initialize.json(initialize.result(begun.initializeResult()));
      const initialized = await begun.next('notifications/initialized', {
        advice:
          'Write await before shakeHands() in findEra. Otherwise the client sends the call before the handshake is over.',
      });
      expectOldForm(initialized);
      initialized.expectAgreed();
      initialized.accept();
      const call = await begun.next('tools/call', { advice: 'Send the call after the handshake.' });
      expectOldForm(call);
      call.expectAgreed();
      await answersCall(begun, call, false);
      expectSaid(client, agreed.revision);
    }

    const errorBody = (id: unknown, code: number, message: string, data?: unknown) =>
      JSON.stringify({ jsonrpc: '2.0', error: { code, message, ...(data !== undefined && { data }) }, id });
    const jsonBody = 'application/json';

    /** How old servers really refuse a request that they do not know, or that comes without a session. */
    const refusals: [status: number, body: [contentType: string, body: string]][] = [
      [400, [jsonBody, errorBody(null, -32000, 'Bad Request: Server not initialized')]],
      [400, [jsonBody, errorBody(null, -32000, 'Bad Request: Unsupported protocol version: 2026-07-28')]],
      [400, ['text/plain; charset=utf-8', 'Invalid session ID']],
      [400, [jsonBody, '']],
      [404, [jsonBody, errorBody(null, -32001, 'Session not found')]],
      [404, ['text/html', '<!DOCTYPE html><title>Cannot POST</title>']],
      [404, [jsonBody, errorBody(1, -32601, 'Method not found')]],
      [405, ['text/plain', '']],
      [405, [jsonBody, errorBody(null, -32000, 'Method not allowed.')]],
    ];

    requirement(
      'If the server answers with status 400, 404 or 405 and without an error of the new era, the client sends `initialize`, `notifications/initialized` and `tools/call` in the old form. It prints one line with the agreed revision on standard error.',
      async () => {
        const revisions = random.shuffled(['2025-11-25', '2025-11-25', '2025-06-18', '2025-06-18']);
        const unknownMethod = refusals.find(([, [, body]]) => body.includes('-32601'))!;
        const drawn = [400, 404, 405].map((status) => random.pick(refusals.filter(([each]) => each === status)));
        const cases = [...drawn, unknownMethod].map(([status, body], i) => ({
          status,
          body,
          revision: revisions[i]!,
          session: i === 0 ? undefined : `${word()}-${random.integer(1000, 9999)}`,
        }));
        await together(cases, async ({ status, body, revision, session }) => {
          const begun = await begin({ revision, session });
          await begun.posted.answer(status, ...body);
          await fallsBack(
            begun,
            why.status!,
            `The server refused ${begun.posted.message.method} with status ${status}`,
          );
        });
      },
    );

    requirement(
      'If an old server answers the first request with status 200 and a JSON-RPC error such as `-32601`, the client falls back too. This also holds if the `id` of the error is `null`.',
      async () => {
        const codes = random.shuffled([-32601, -32600, -32602, -32000, -32002, 0]);
        await together([0, 1, 2], async (i) => {
          const begun = await begin({ session: word() });
          const { posted } = begun;
          const error = {
            jsonrpc: '2.0',
            id: i === 1 ? null : posted.message.id,
            error: { code: codes[i]!, message: 'Unknown' },
          };
          if (i === 2) {
            await posted.stream(error);
            posted.end();
          } else if (i === 0 || posted.message.method === 'tools/call') await posted.json(error);
          else await posted.json(error);
          const what = `status 200 and the error ${codes[i]}${i === 1 ? ', whose id is null' : ''}`;
          await fallsBack(begun, why.ok!, `The server answered ${posted.message.method} with ${what}`);
        });
      },
    );

    /** The client ends without a further message. */
    async function endsWithout(begun: Begun, after: string, advice: string): Promise<void> {
      const moved = await begun.movesOn(`${after}, but your client is still running.`);
      if (moved === 'posted') {
        await begun.nothingPosted({ cause: `${after}, but your client sent a further message.`, advice });
      }
    }

    requirement(
      'If the server answers with the error `-32020` or `-32021`, it speaks the new era, so the client does not fall back. It prints one line with the `message` of the error, and exits with code 7.',
      async () => {
        const advice =
          'Look at the code of the error before you fall back. Only a server of the new era sends -32020 and -32021, and a handshake does not mend what it complains about. failedWith prints the error.';
        const judge = async (code: number, status = 400) => {
          const about = `the error ${code}${status === 400 ? '' : ` and status ${status}`}`;
          const [text] = random.words(1);
          const begun = await begin();
          const { posted, client } = begun;
          await posted.answer(status, jsonBody, JSON.stringify(posted.error(code, `reason ${text}`)));
          await endsWithout(begun, `The server answered with ${about}`, advice);
          await client.fails({
            withFail: true,
            code: 7,
            about,
            has: [`reason ${text}`],
            advice,
            otherCode: advice,
          });
        };
        await together([-32020, -32021], (code) => judge(code));
        await random.aside(() => judge(-32020, 404));
      },
    );

    requirement(
      'A server of the new era names revisions: in `supportedVersions`, or in `data.supported` of the error `-32022`. If an old revision of the client is among them but `2026-07-28` is not, the client falls back. If the client speaks no revision of the list, it prints the list in one line and exits with code 1.',
      async () => {
        const [unknown, mixed] = random.shuffled(['2027-03-01', '2024-11-05']) as [string, string];
        const advice =
          'Read the list: data.supported of the error -32022, or supportedVersions of the result. Look for 2026-07-28 in it first, then for an old revision.';
        const judge = async ({ names, inError }: { names: string[]; inError: boolean }) => {
          const old = ['2025-11-25', '2025-06-18'].find((name) => names.includes(name));
          const begun = await begin({ session: word(), ...(old && { revision: old }) });
          const { posted, client } = begun;
          const isCall = posted.message.method === 'tools/call';
          const data = { supported: names, requested: stateless };
          if (inError || isCall) {
            await posted.answer(
              400,
              jsonBody,
              errorBody(posted.message.id, -32022, 'Unsupported protocol version', data),
            );
          } else await posted.json(posted.result(discovered(names)));
          const after = `The server named the revisions ${names.join(', ')}`;
          if (old) return fallsBack(begun, advice, after);
          await endsWithout(begun, after, advice);
          await client.fails({
            code: 1,
            about: 'a server with other revisions',
            has: names,
            hasName: 'the revisions of the server',
            advice: 'Call wrongRevision with the list if the client speaks none of its revisions.',
          });
        };
        await together(
          [
            { names: [mixed, '2025-11-25'], inError: true },
            { names: ['2025-11-25', '2025-06-18'], inError: false },
            { names: [unknown], inError: true },
            { names: [unknown, mixed], inError: false },
          ],
          judge,
        );
        await random.aside(() => judge({ names: ['2025-06-18'], inError: false }));
        await random.aside(async () => {
          const begun = await begin();
          const call = await upToNewCall(begun, ['2025-11-25', stateless, '2025-06-18']);
          await answersCall(begun, call, true);
          expectSaid(begun.client, stateless);
        });
      },
    );

    const noEvidence =
      'Fall back only after an answer that an old server gives: status 400, 404 or 405, or 200 with an error. Any other status says nothing about the era: 401 asks for a token, and 500 is a fault of the server.';

    requirement(
      'If the server answers with a status other than 2xx, 400, 404 and 405, the client does not fall back, whatever the body is. It prints one line with the status, and exits with code 3.',
      async () => {
        const statuses = [random.pick([401, 403]), random.pick([500, 502, 503])];
        const judge = async (status: number, code?: number) => {
          const [text] = random.words(1);
          const begun = await begin();
          const { posted, client } = begun;
          if (code !== undefined) await posted.answer(status, jsonBody, errorBody(null, code, `reason ${text}`));
          else await posted.answer(status, 'text/html', '<!DOCTYPE html><title>Error</title>');
          const about = `status ${status}${code === -32020 ? ` and the error ${code}` : ''}`;
          const advice =
            code === -32020
              ? 'Look at the status before you look at the error: with this status, call refused. The body can come from a program in the middle, so it says nothing about the era.'
              : noEvidence;
          await endsWithout(begun, `The server answered with ${about}`, noEvidence);
          await client.fails({
            withFail: true,
            code: 3,
            about,
            has: [status],
            hasName: 'the status',
            advice,
            otherCode: advice,
          });
        };
        await together(statuses, (status, i) => judge(status, i === 0 ? -32000 : undefined));
        await random.aside(() => together([429, 401], (status, i) => judge(status, i === 0 ? undefined : -32020)));
      },
    );

    requirement(
      'If the first request gets no connection, the client exits with code 2. If an answer with status 200 breaks off, the code is 5, and if no answer arrives within `TIME_LIMIT` milliseconds, it is 6. The client sends nothing more.',
      async () => {
        const advice =
          'Let the errors of tryRequest through: they have their exit code already. A network failure says nothing about the era, so a catch around tryRequest must not fall back.';
        await together(['refused', 'breaks', 'silent'] as const, async (how) => {
          if (how === 'refused') {
            // Nobody listens on the port of discard.
            const client = judged(run.startClientWith({}, 'http://127.0.0.1:9/mcp', 'hello'));
            await client.fails({
              withFail: true,
              code: 2,
              about: 'a connection that is refused',
              advice,
              otherCode: advice,
            });
            return;
          }
          if (how === 'silent') {
            // This server only listens: on a busy machine, the client may give up before its request is out.
            const bodies: string[] = [];
            const site = await run.startGraderServer('/mcp', ({ body }) => bodies.push(body) > 0);
            const client = judged(run.startClientWith({ TIME_LIMIT: '300' }, site.url, 'hello'));
            await client.fails({
              withFail: true,
              code: 6,
              about: 'an answer that does not come',
              advice,
              otherCode: advice,
            });
            const further = bodies.find((body) => body.includes('"initialize"'));
            expect(further === undefined, {
              cause: 'The first request got an answer that does not come, but your client sent a further message.',
              compare: { expected: '(nothing)', received: visible(further ?? '') },
              advice,
              see,
            });
            return;
          }
          const begun = await begin();
          const { posted, client } = begun;
          await posted.stream(': thinking\n\n');
          posted.breakOff();
          const about = 'an answer that breaks off';
          await endsWithout(begun, `The first request got ${about}`, advice);
          await client.fails({ withFail: true, code: 5, about, advice, otherCode: advice });
        });
      },
    );

    requirement(
      'The client sends `tools/call` a single time to a server of the new era. If the answer breaks off, is an error or has status 500, the client ends without a second call.',
      async () => {
        const advice =
          'Find the era before the call, with server/discover, which does nothing. Send tools/call outside of findEra, a single time: nobody knows how far the tool has come.';
        await together(['breaks', 'fails', 'status'] as const, async (how) => {
          const begun = await begin();
          const { client } = begun;
          const call = await upToNewCall(begun);
          if (how === 'breaks') {
            await call.stream(logMessage('info', 'begun'));
            call.breakOff();
          } else if (how === 'fails') {
            await call.stream(logMessage('info', 'begun'), call.error(-32603, 'broken'));
            call.end();
          } else await call.answer(500, 'text/plain', '');
          const after = `The answer to tools/call ${{ breaks: 'broke off', fails: 'was an error', status: 'had status 500' }[how]}`;
          await endsWithout(begun, after, advice);
          await expectEnd(run, client, `${after}, but your client is still running.`);
          const code = { breaks: 5, fails: 7, status: 3 }[how];
          expect(client.end?.code === code, {
            cause: `${after}, but your client did not exit with code ${code}.`,
            compare: { expected: String(code), received: String(client.end?.code ?? client.end?.signal) },
            ...lastWords(client),
            advice: 'Leave request as it is: it sets the exit codes of a call that fails.',
            see,
          });
        });
      },
    );

    requirement(
      'The client works with servers of the official SDK: version 1, which knows no newer revision than `2025-11-25`, and version 2 for the old era, for the new era and for both.',
      async () => {
        const message = word();
        await together([...sdkServers, ...newSdkServers], async (which) => {
          const isNew = newSdkServers.includes(which);
          const { client, release } = await sdkServer(run, which, message, { mayRefuse: isNew ? 0 : 1 });
          for (const [i, text] of ['1/3', '2/3', '3/3'].map((file) => `Processing file ${file}...`).entries()) {
            await client.prints([`NOTIFICATION: info ${text}`], {
              cause: `The client did not print a notification of ${which}`.replace(/,$/, '') + ' when it arrived.',
              advice: isNew ? newWay : why.status!,
            });
            release(i + 1);
          }
          await client.prints([`RESULT: Done: ${message}`], {
            cause: `The client did not print the result of ${which}`.replace(/,$/, '') + '.',
            advice: 'Leave the reading of answers as it is.',
          });
          await client.endsWell(answeredCall, 'Leave the reading of answers as it is.');
          expectSaid(client, isNew ? stateless : '2025-11-25');
        });
      },
    );

    const judged = (program: Parameters<typeof judgedClient>[1]) => judgedClient(run, program);
  });
});

const codeOf = (posted: Posted): unknown => {
  const [message] = posted.messages();
  return isObject(message?.error) ? message.error.code : undefined;
};
