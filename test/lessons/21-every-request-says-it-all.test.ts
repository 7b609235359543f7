import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { metaKeys, toHeader } from '../../lessons/support/stateless.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectHeader, expectStatus, untilEnd } from '../harness/vocabulary/http.ts';
import type { Posted } from '../harness/vocabulary/mcp-client.ts';
import {
  notification,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
} from '../harness/vocabulary/mcp-server.ts';
import {
  expectNotification,
  expectResponseLast,
  newIds,
  notificationsIn,
  notified,
  paramsOf,
  whyNotSent,
} from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import {
  expectRefused,
  isImplementation,
  statelessClient,
  statelessRevision,
  type Otherwise,
  type StatelessClient,
} from '../harness/vocabulary/stateless.ts';
import { asJson, look, type Looked } from '../harness/vocabulary/value.ts';

const { clientCapabilities, clientInfo, protocolVersion, serverInfo } = metaKeys;

export default grader((run) => {
  const { random, requirement, startServer, task, together } = run;

  let server: Server;
  let client: StatelessClient;
  /** Its requests all have the id 0. It draws nothing, so a new request changes no kept verdict. */
  let zero: StatelessClient;
  /** The words in the grader's tools: one in their names, one that they say. */
  let words: string[];

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);

  /** Starts the server, which the requirements of a task share. */
  async function start(): Promise<void> {
    words = random.words(2);
    const MORE_TOOLS = fileURLToPath(new URL('../harness/tools/stateless.ts', import.meta.url));
    server = await startServer({ MORE_TOOLS, TOOL_WORDS: words.join(' ') });
    client = statelessClient(server, { newId });
    zero = statelessClient(server, { newId: () => 0 });
  }

  const tool = (kind: 'größe 世界 ' | 'ask_' | 'complain_' | 'fail_') => `${kind}${words[0]}`;
  /** Calls a tool, and waits for the end of its answer. No command shows what a tool of the grader does. */
  const call = (name: string, otherwise: Otherwise = {}) =>
    client.ask(
      'tools/call',
      { name, arguments: name === 'process_files' ? { message: word() } : {} },
      name === 'process_files' ? otherwise : { see: '', ...otherwise },
    );

  const headersToo =
    'Compare each header with the member of the body that it repeats: MCP-Protocol-Version with the revision in _meta, Mcp-Method with method, and Mcp-Name with params.name. Refuse the request with the error -32020 if one of them is different or missing.';

  task({ number: 1, title: 'Read the request', file: 'server.ts' }, () => {
    requirement(
      'If the `_meta` of a request is missing, or lacks the protocol version or the capabilities of the client, the server answers with status 400, the error `-32602` and the `id` of the request. `clientInfo` may be missing.',
      async () => {
        await start();
        const reads = 'Read _meta from the params of the request, and the long names of its members from metaKeys.';
        const nameless = 'Compare Mcp-Name only for tools/call: a request without params.name has no name to repeat.';
        (await client.ask('tools/list')).result({ when: { [-32602]: reads, [-32020]: nameless } });
        const unnamed = await client.ask('tools/list', {}, { meta: { [clientInfo]: undefined } });
        unnamed.result({
          when: {
            [-32602]:
              'Ask only for the protocol version and the capabilities of the client. A client should send its clientInfo too, but it need not.',
          },
        });
        const advice =
          'Parse params._meta with requestMeta.safeParse, and refuse the request with the error -32602 if it is not right. Every request says which revision it is written in and what its client can do, because the server remembers nothing of earlier requests.';
        for (const [method, about, otherwise] of [
          ['tools/list', 'without _meta', { meta: null }],
          ['tools/call', 'without _meta', { meta: null }],
          ['tools/list', 'without a protocol version', { meta: { [protocolVersion]: undefined } }],
          ['tools/call', 'without the capabilities of the client', { meta: { [clientCapabilities]: undefined } }],
          ['tools/list', 'without the capabilities of the client', { meta: { [clientCapabilities]: undefined } }],
          ['tools/list', 'with capabilities that are not an object', { meta: { [clientCapabilities]: word() } }],
        ] as [string, string, Otherwise][]) {
          const posted =
            method === 'tools/call' ? await call('process_files', otherwise) : await client.ask(method, {}, otherwise);
          expectRefused(posted, { status: 400, code: -32602, about, advice });
        }
        const none = await client.ask('tools/list', undefined, { meta: null });
        expectRefused(none, { status: 400, code: -32602, about: 'without params', advice });
      },
    );

    requirement(
      'If the header `MCP-Protocol-Version` or `Mcp-Method` is missing, or differs from the body, the server answers with status 400, the error `-32020` and the `id` of the request.',
      async () => {
        for (const [name, value, about] of [
          ['Mcp-Method', undefined, 'without the header Mcp-Method'],
          ['MCP-Protocol-Version', undefined, 'without the header MCP-Protocol-Version'],
          ['Mcp-Method', 'tools/call', 'with a different method in the header Mcp-Method'],
          ['Mcp-Method', 'Tools/List', 'with Tools/List in the header Mcp-Method'],
          ['MCP-Protocol-Version', '2025-11-25', 'with a different revision in the header MCP-Protocol-Version'],
        ] as const) {
          const posted = await client.ask('tools/list', {}, { headers: { [name]: value } });
          const advice =
            about === 'with Tools/List in the header Mcp-Method'
              ? 'Compare the values as they are. Only the name of a header may be written in upper or lower case.'
              : headersToo;
          expectRefused(posted, { status: 400, code: -32020, about, advice });
        }
        const called = await call('process_files', { headers: { 'Mcp-Method': 'tools/list' } });
        const about = 'with a different method in the header Mcp-Method';
        expectRefused(called, { status: 400, code: -32020, about, advice: headersToo });
      },
    );

    requirement(
      'If a `tools/call` request has no header `Mcp-Name`, or one that differs from `params.name`, the server answers with status 400, the error `-32020` and the `id` of the request. Other methods need no `Mcp-Name`.',
      async () => {
        for (const [value, about] of [
          [undefined, 'without the header Mcp-Name'],
          [tool('complain_'), 'with the name of another tool in the header Mcp-Name'],
          ['Process_Files', 'with Process_Files in the header Mcp-Name'],
          ['process_file', 'with process_file in the header Mcp-Name'],
        ] as const) {
          const posted = await call('process_files', { headers: { 'Mcp-Name': value }, see: '' });
          expectRefused(posted, { status: 400, code: -32020, about, advice: headersToo });
        }
        const advice = 'Compare Mcp-Name only for tools/call: a request without params.name has no name to repeat.';
        (await client.ask('tools/list')).result({ when: { 400: advice, [-32020]: advice } });
      },
    );

    requirement(
      'If the header `Mcp-Name` has the form `=?base64?…?=`, the server compares the decoded name with `params.name`.',
      async () => {
        const advice =
          'Decode the header with fromHeader before you compare it: a name with letters such as ß is not safe in a header, so the client sends its Base64.';
        const names: [string, string][] = [
          [tool('größe 世界 '), toHeader(tool('größe 世界 '))],
          ['process_files', `=?base64?${Buffer.from('process_files').toString('base64')}?=`],
        ];
        for (const [name, header] of names) {
          const posted = await call(name, { headers: { 'Mcp-Name': header } });
          posted.result({ when: { 400: advice, [-32020]: advice } });
        }
        const other = await call(tool('größe 世界 '), { headers: { 'Mcp-Name': toHeader(`größe ${words[1]}`) } });
        const about = 'with the Base64 of another name in the header Mcp-Name';
        expectRefused(other, { status: 400, code: -32020, about, advice: `${advice} Then compare the whole name.` });
        const name = toHeader(`ß ${words[0]}`);
        const plain = await zero.ask('tools/call', { name }, { headers: { 'Mcp-Name': name }, see: '' });
        expectRefused(plain, {
          status: 400,
          code: -32020,
          about: `for the tool ${name}, with this name as it is in the header Mcp-Name`,
          advice:
            'Compare only what fromHeader returns with params.name. A header of this form always stands for the decoded name, so it cannot name a tool whose own name has this form.',
        });
      },
    );

    requirement(
      'If the server does not speak the protocol version of a request, it answers with status 400, the error `-32022` and the `id` of the request. In the error, `data.supported` lists `2026-07-28`, and `data.requested` is the version of the request.',
      async () => {
        const cases: [StatelessClient, string, string][] = ['1900-01-01', '2025-11-25', `2099-${word()}`].map(
          (requested) => [client, 'tools/list', requested],
        );
        cases.push([zero, 'tools/list', `${statelessRevision}-draft`]);
        // Before task 2, there is no such method, and the specification does not say which error comes first.
        if ((await zero.ask('server/discover')).status === 200) cases.push([zero, 'server/discover', '2025-11-25']);
        for (const [client, method, requested] of cases) {
          const otherwise = {
            meta: { [protocolVersion]: requested },
            headers: { 'MCP-Protocol-Version': requested },
          };
          const posted = await client.ask(method, {}, otherwise);
          const about = `in the protocol version ${requested.startsWith('2099') ? 'of a later year' : requested}`;
          const advice =
            'Look for the version of the request in revisions, after the headers, and refuse the request with the error -32022 if it is not there. This holds for every method.';
          const data = expectRefused(posted, { status: 400, code: -32022, about, advice })
            .at('data')
            .object('The error has no data.', {
              like: `{"supported":["${statelessRevision}"],"requested":"…"}`,
              advice: 'Pass the data to failure as its third argument: a client chooses another version from the list.',
            });
          const supported = data
            .at('supported')
            .array('The data of the error does not list what the server supports.', {
              like: `["${statelessRevision}"]`,
              advice: 'Add revisions to the data of the error as the member supported.',
            });
          look(supported, 'supported', posted.see).expect(
            supported.includes(statelessRevision),
            'The list of supported versions does not have the version of this server.',
            { like: `["${statelessRevision}"]`, advice: 'Send the array revisions itself.' },
          );
          data
            .at('requested')
            .is(
              requested,
              'The data of the error does not name the version that was requested.',
              'Copy the version of the request into the data of the error as the member requested.',
            );
        }
      },
    );

    requirement(
      'If a request names a method that the server lacks, such as `initialize`, `ping` or `logging/setLevel`, the server answers with status 404, the error `-32601` and the `id` of the request.',
      async () => {
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
        for (const [method, more] of [
          [`${word()}/${word()}`, {}],
          ['ping', {}],
          ['initialize', params],
          ['logging/setLevel', { level: 'info' }],
          ['constructor', {}],
        ] as const) {
          const posted = await client.ask(method, more);
          const gone = method === 'ping' || method === 'initialize' || method === 'logging/setLevel';
          const about = gone ? 'although this revision has no such method' : 'with a method that does not exist';
          const advice =
            posted.status === 200 && posted.text.includes('"result"')
              ? 'Remove this method from methods: revision 2026-07-28 has removed it too.'
              : 'Set the status 404 when the answer is the error -32601. A program on the way can then see in the status that the method does not exist.';
          expectRefused(posted, { status: 404, code: -32601, about, advice });
        }
      },
    );

    requirement(
      'If a tool requires a capability that the client does not name in this request, the server answers with status 400, the error `-32021` and the `id` of the request. In the error, `data.requiredCapabilities` is an object with the missing ones.',
      async () => {
        const advice =
          'Compare tool.requires with the capabilities in the _meta of this request, before the event stream begins, and refuse the request with the error -32021 if one of them is missing.';
        const all = { sampling: {}, elicitation: {} };
        const served = await call(tool('ask_'), { meta: { [clientCapabilities]: all } });
        served.result({ when: { 400: advice, [-32021]: advice } });
        for (const [has, missing, about] of [
          [{}, all, 'from a client without capabilities'],
          [{ sampling: {} }, { elicitation: {} }, 'from a client with one of two capabilities'],
        ] as const) {
          const posted = await call(tool('ask_'), { meta: { [clientCapabilities]: has } });
          expectRefused(posted, { status: 400, code: -32021, about, advice })
            .at('data')
            .at('requiredCapabilities')
            .is(
              missing,
              'The error does not say which capabilities are missing.',
              'Send data with the member requiredCapabilities: an object that has a member for each missing capability, with its value in tool.requires.',
            );
        }
        const more = { sampling: { tools: {} }, elicitation: { form: {}, url: {} } };
        const meta = { [clientCapabilities]: more };
        const named = await zero.ask('tools/call', { name: tool('ask_') }, { meta, see: '' });
        const names =
          'Compare only the names of the capabilities: this client has each of them, and says more about it in the value.';
        named.result({ when: { 400: names, [-32021]: names } });
        const unknown =
          'Let refusalOf return undefined if find has found no tool. The function tools/call then answers with the error -32602, as before.';
        const params = { name: `no_${words[0]}` };
        const nobody = await zero.ask('tools/call', params, { ifItThrows: { advice: unknown } });
        nobody.response();
        const without = 'A tool without requires asks for nothing of its client.';
        (await call(tool('complain_'))).result({ when: { 400: without, [-32021]: without } });
      },
    );

    requirement(
      'If a request to `/mcp` has another HTTP method than POST, such as GET or DELETE, the server answers with status 405 and the header `Allow: POST`.',
      async () => {
        const advice =
          'Answer every other method in app.all, with status 405: this revision has no stream of a GET, and no session that a DELETE could end.';
        for (const method of ['GET', 'DELETE', 'PUT']) {
          const headers = { Accept: 'text/event-stream', 'MCP-Protocol-Version': statelessRevision };
          const asked = server.request('/mcp', { method, headers });
          const broken = { cause: `The connection broke before ${method} /mcp was answered.`, advice };
          const late = () => ({ cause: `Your server did not answer ${method} /mcp.`, advice });
          await untilEnd(server, asked, late, broken);
          const see = `curl -i -X ${method} http://127.0.0.1:3000/mcp`;
          expectStatus(asked, 405, { advice, see });
          expectHeader(asked, 'Allow', (value) => value.trim().toUpperCase() === 'POST', 'POST', {
            cause: 'The Allow header does not say that POST is the only method.',
            advice: 'Set Allow to POST: GET and DELETE belong to older revisions.',
            see,
          });
        }
      },
    );
  });

  /** The result of each kind of request, by what a verdict calls it. */
  async function eachResult(): Promise<[what: string, posted: Posted, result: Looked][]> {
    const known = 'Answer this request with a result.';
    const asked: [string, Posted][] = [
      ['server/discover', await client.ask('server/discover')],
      ['tools/list', await client.ask('tools/list')],
      ['tools/call', await call('process_files')],
      ['a tool that fails', await call(tool('fail_'))],
      ['a tool that returns isError', await call(tool('complain_'))],
    ];
    return asked.map(([what, posted]) => [what, posted, posted.result({ when: { 400: known } })]);
  }

  const inAnswer =
    'Add it in answer, through which every result goes: also the result of a tool, and of one that has failed.';

  task({ number: 2, title: 'Say it in each answer', file: 'server.ts' }, () => {
    requirement(
      'The result of `server/discover` has an array `supportedVersions` with `2026-07-28`, and an object `capabilities` with an object `tools`.',
      async () => {
        await start();
        const posted = await client.ask('server/discover');
        const like = { supportedVersions: [statelessRevision], capabilities: { tools: {} } };
        const advice =
          'Add the function server/discover to methods. Every server of this revision must answer this request.';
        const result = posted.result({ like, when: { 404: advice, [-32601]: advice } });
        const versions = result.at('supportedVersions').array('The result does not list the versions of the server.', {
          like: `["${statelessRevision}"]`,
          advice: 'Send revisions as the member supportedVersions.',
        });
        look(versions, 'supportedVersions', posted.see).expect(
          versions.includes(statelessRevision),
          'The list does not have the version of this server.',
          { like: `["${statelessRevision}"]`, advice: 'Send the array revisions itself.' },
        );
        result
          .at('capabilities')
          .object('The result does not say what the server can do.', {
            like: '{"tools":{}}',
            advice: 'Add the capabilities, as the result of initialize had them.',
          })
          .at('tools')
          .object('The capabilities do not name the tools.', {
            like: '{}',
            advice: 'A client lists the tools only if the capabilities have the member tools.',
          });
      },
    );

    requirement(
      'Every result has the member `resultType` with the value `complete`, also the result of a tool that has failed.',
      async () => {
        for (const [what, , result] of await eachResult()) {
          result
            .at('resultType')
            .is(
              'complete',
              `The result of ${what} does not say that it is complete.`,
              `Set resultType to complete. ${inAnswer}`,
            );
        }
      },
    );

    requirement(
      'Every result names the server in its `_meta`: `io.modelcontextprotocol/serverInfo` has a `name` and a `version`. Everything else that a tool has returned stays in the result, also in its `_meta`.',
      async () => {
        for (const [what, , result] of await eachResult()) {
          result
            .at('_meta')
            .object(`The result of ${what} has no _meta.`, {
              like: `{"${serverInfo}":{"name":"…","version":"…"}}`,
              advice: `Add _meta to the result. ${inAnswer}`,
            })
            .at(serverInfo)
            .expect(
              isImplementation((result.at('_meta').value as Record<string, unknown>)[serverInfo]),
              `The _meta of the result of ${what} does not name the server.`,
              {
                like: `"${serverInfo}":{"name":"…","version":"…"}`,
                advice: `Add the name and the version. ${inAnswer}`,
              },
            );
        }
        const result = (await call(tool('complain_'))).result();
        const advice =
          'Spread the _meta of the tool into the new _meta, and the result of the tool into the new result: your server only adds to them.';
        result
          .at('_meta')
          .at('grader/word')
          .is(words[1], 'A tool returned a _meta of its own, and a member of it is missing in the result.', advice);
        for (const [name, value] of [
          ['content', [{ type: 'text', text: words[1] }]],
          ['isError', true],
          ['structuredContent', { [words[1]!]: [null, 0.5, false, ''] }],
        ] as const) {
          result.at(name).is(value, `The member ${name} of the result is not what the tool returned.`, advice);
        }
      },
    );

    requirement(
      'The results of `server/discover` and `tools/list` have the members `ttlMs`, a whole number that is not negative, and `cacheScope`, which is `public` or `private`.',
      async () => {
        for (const [what, , result] of (await eachResult()).slice(0, 2)) {
          const { value } = result.at('ttlMs');
          result
            .at('ttlMs')
            .expect(
              Number.isSafeInteger(value) && Number(value) >= 0,
              `The result of ${what} does not say for how long a client may keep it.`,
              {
                like: '"ttlMs":60000',
                advice: 'Add ttlMs, a number of milliseconds. With 0, the client has to ask again each time.',
              },
            );
          const scope = result.at('cacheScope').value;
          result
            .at('cacheScope')
            .expect(
              scope === 'public' || scope === 'private',
              `The result of ${what} does not say who may use a copy of it.`,
              {
                like: '"cacheScope":"public"',
                advice: 'Add cacheScope: public if every user gets the same result, otherwise private.',
              },
            );
        }
      },
    );

    requirement(
      'If a request has a header `MCP-Session-Id`, the server answers it as if the header were missing. No answer has this header.',
      async () => {
        for (const id of [undefined, random.words(4).join('-'), 'constructor']) {
          for (const method of ['server/discover', 'tools/list', 'tools/call']) {
            const otherwise = id === undefined ? {} : { headers: { 'MCP-Session-Id': id } };
            const posted =
              method === 'tools/call'
                ? await call('process_files', otherwise)
                : await client.ask(method, {}, otherwise);
            const advice = 'Do not read the header MCP-Session-Id: this revision has no sessions.';
            posted.result({ when: { 400: advice, 404: advice } });
            expectHeader(posted, 'MCP-Session-Id', (value) => value === '', undefined, {
              cause: 'Your server sent a session id.',
              advice:
                'Do not set the header MCP-Session-Id: this revision has no sessions, and each request stands for itself.',
              see: posted.see,
            });
          }
        }
      },
    );

    requirement(
      'If a `tools/call` request has a `progressToken` in its `_meta`, the server sends each report of the tool with this token, before the work that it announces. Without a token, the response is the only message.',
      async () => {
        const quiet = await call('process_files');
        quiet.result();
        const [extra] = notificationsIn(quiet);
        expect(!extra, {
          cause: 'A call without a progressToken got a notification.',
          compare: { expected: '(only the response)', received: asJson(extra) },
          advice:
            'Send a report only if the call has a progressToken, and send no log messages: nobody has asked for them.',
          see: quiet.see,
        });
        for (const progressToken of [`${word()} é`, 0]) {
          const params = { name: 'process_files', arguments: { message: word() } };
          const posted = client.post('tools/call', params, { meta: { progressToken } });
          for (const [i, { name }] of documents.entries()) {
            const text = `Processing file ${i + 1}/${documents.length}...`;
            await posted.atWork();
            await notified(server, posted, i + 1);
            const [message] = notificationsIn(posted).slice(i);
            if (!message) {
              const never =
                'Send each report with response.write: as notifications/progress, with the token of its call. The token 0 is a token too.';
              throw await whyNotSent(server, posted, { index: i, text, work: name, never });
            }
            const like = { progressToken, progress: i, total: documents.length, message: text };
            expectNotification(posted, message, 'notifications/progress', like);
            look(paramsOf(message), 'params', posted.see).is(
              like,
              'The params of the report are not what the tool has reported.',
              'Send the token of the call, and what the tool has given to progress.',
            );
            server.program.held[0]?.release();
          }
          await posted.done();
          posted.result();
          expectResponseLast(posted);
        }
      },
    );

    requirement(
      'The official client of the second generation, set to revision `2026-07-28`, lists the tools, calls one of them, and accepts the reports and the result.',
      async () => {
        const official = await officialClient(server, 'stateless');
        const names = await official.listTools();
        expect(names.includes('process_files') && names.includes(tool('größe 世界 ')), {
          cause: 'The official client does not find all tools.',
          compare: { expected: 'process_files, …', received: names.join(', ') || '(no tools)' },
          advice: 'List every tool in the result of tools/list.',
        });
        const message = word();
        const text = await official.callTool('process_files', { message });
        look(text, 'text').is(
          `Done: ${message}`,
          'The official client got the wrong text from the tool.',
          'Send the result of the tool as it is.',
        );
        const other = await official.callTool(tool('größe 世界 '), {});
        look(other, 'text').is(
          words[1],
          'The official client got the wrong text from the tool.',
          'Send the result of the tool as it is.',
        );
      },
    );
  });

  const see = 'node --import tsx lessons/21-every-request-says-it-all/client.ts http://127.0.0.1:3000/mcp hello';
  const future = '2099-01-01';

  /** Starts a client, and brings it to its first request. */
  async function upToCall(
    env: Record<string, string> = {},
    message = 'hello',
  ): Promise<Script & { posted: ReceivedMessage }> {
    const script = await scriptedServer(run, { see, env, message }).start();
    return { ...script, posted: await script.next('tools/call', { advice: noHandshake }) };
  }

  const noHandshake =
    'Send tools/call first. This revision has no handshake: the call itself says everything that initialize said.';

  /** A result as a server of this revision sends it. */
  const complete = (text: string) => ({
    resultType: 'complete',
    ...textResult(text),
    _meta: { [serverInfo]: { name: 'grader', version: '0.9.0' } },
  });
  const metaOf = (posted: ReceivedMessage) => posted.member('params').at('_meta');
  const header = ({ request }: ReceivedMessage, name: string) => String(request.headers[name.toLowerCase()] ?? '');

  /** The revision is the same in `_meta` and in the header. */
  function expectRevision(posted: ReceivedMessage, revision: string, advice: string): void {
    metaOf(posted)
      .at(protocolVersion)
      .is(revision, `The _meta of ${posted.what.replace('The', 'the')} does not name the revision.`, advice);
    expectHeader(posted.request, 'MCP-Protocol-Version', (value) => value === revision, revision, {
      cause: `${posted.what} does not name the same revision in the header MCP-Protocol-Version.`,
      advice: 'Use the variable revision in headersOf, as in metaOf: chooseFrom changes it.',
      see,
    });
  }

  const refusal = (posted: ReceivedMessage, supported: unknown[], code = -32022) => {
    const requested = metaOf(posted).at(protocolVersion).value;
    const error = { code, message: 'Unsupported protocol version', data: { supported, requested } };
    return posted.answer(400, 'application/json', JSON.stringify({ jsonrpc: '2.0', id: posted.message.id, error }));
  };

  task({ number: 3, title: 'Say it in each request', file: 'client.ts' }, () => {
    requirement(
      'The command `client.ts URL message` first posts a `tools/call` request for `process_files`, with this message as its argument. Its `_meta` has the protocol version `2026-07-28`, the `clientInfo` with a name and a version, and the `clientCapabilities`, an object.',
      async () => {
        const message = word();
        const { client, posted, ...script } = await upToCall({}, message);
        posted.expectId();
        posted.expectMediaTypes();
        posted.expectNoSession('Send no session id: this revision has no sessions.');
        posted
          .member('params')
          .at('arguments')
          .is(
            { message },
            'The call does not have the message of the command line in its arguments.',
            'Pass the arguments on as they are.',
          );
        const meta = metaOf(posted).object('The params of the call have no _meta.', {
          like: `{"${protocolVersion}":"${statelessRevision}", …}`,
          advice: 'Add _meta to the params of every request.',
        });
        const advice = 'Add this member in metaOf, with its whole name from metaKeys.';
        meta.at(protocolVersion).is(statelessRevision, 'The _meta of the call does not name the revision.', advice);
        meta.at(clientCapabilities).object('The _meta of the call does not say what the client can do.', {
          like: '{}',
          advice: `${advice} This client can do nothing special, so it sends an empty object.`,
        });
        meta
          .at(clientInfo)
          .expect(
            isImplementation(meta.at(clientInfo).value),
            'The _meta of the call does not say who the client is.',
            {
              like: `"${clientInfo}":{"name":"…","version":"…"}`,
              advice,
            },
          );
        await posted.json(posted.result(complete(word())));
        await client.endsWell('The call was answered', 'End when the result has been printed.');
        expect(script.goodbyes.length === 0 && script.gets.length === 0, {
          cause:
            'Your client also sent a DELETE or a GET, but a server of this revision has neither a session nor a stream for it.',
          advice: 'Send nothing but the call.',
          see,
        });
      },
    );

    requirement(
      'In the call, the header `MCP-Protocol-Version` has the revision from `_meta`, `Mcp-Method` has the `method`, and `Mcp-Name` has the name of the tool. The environment variable `TOOL` can set this name.',
      async () => {
        const TOOL = `${word()}.tool_1`;
        const { client, posted } = await upToCall({ TOOL });
        posted
          .member('params')
          .at('name')
          .is(
            TOOL,
            'The call does not name the tool that TOOL has set.',
            'Call the tool that the constant tool names.',
          );
        for (const [name, value] of [
          ['MCP-Protocol-Version', statelessRevision],
          ['Mcp-Method', 'tools/call'],
          ['Mcp-Name', TOOL],
        ] as const) {
          expectHeader(posted.request, name, (sent) => sent === value, value, {
            cause: `The call does not have the right header ${name}.`,
            advice:
              name === 'Mcp-Name' && header(posted, name).startsWith('=?')
                ? 'Send a name as it is if it is safe in a header: toHeader decides this.'
                : 'Add the header in headersOf. It repeats what the body says, so that a program on the way need not read the body.',
            see,
          });
        }
        await posted.json(posted.result(complete(word())));
        await client.endsWell('The call was answered', 'End when the result has been printed.');
      },
    );

    requirement(
      'If the name of the tool has characters other than ASCII, a space at one of its ends, or the form `=?base64?…?=` itself, the client writes its Base64 in this form into `Mcp-Name`.',
      async () => {
        const names = [`größe ${word()} 世界`, ` ${word()} `, `=?base64?${word()}?=`];
        await together(names, async (TOOL) => {
          const { client, posted } = await upToCall({ TOOL });
          const value = `=?base64?${Buffer.from(TOOL).toString('base64')}?=`;
          expectHeader(posted.request, 'Mcp-Name', (sent) => sent === value, value, {
            cause: `The tool has the name ${asJson(TOOL)}, but Mcp-Name does not have its Base64.`,
            advice:
              'Write the name with toHeader: it makes the Base64 of the UTF-8 of each name that is not safe in a header.',
            see: '',
          });
          await posted.json(posted.result(complete(word())));
          await client.endsWell('The call was answered', 'End when the result has been printed.');
        });
      },
    );

    requirement(
      'If the server refuses the call with the error `-32022`, the client takes the first of its own revisions that `data.supported` lists. It posts the call again, with a new `id`, and with this revision in `_meta` and in the header.',
      async () => {
        const second = '2098-01-01';
        const REVISIONS = `${future},${second},${statelessRevision}`;
        const { client, posted, ...script } = await upToCall({ REVISIONS });
        const own = 'Begin with the first of revisions, which the environment variable REVISIONS can set.';
        expectRevision(posted, future, own);
        await refusal(posted, ['1900-01-01', statelessRevision, second]);
        const advice =
          'Look at error.code of an answer that is not ok. With -32022, take the first of revisions that data.supported includes, keep it as the revision of the next request, and send the request again.';
        const next = await script.next('tools/call', { advice, ended: advice });
        expectRevision(next, second, advice);
        next.member('id').isNot(posted.message.id, 'Your client sent the call again with the same id.', {
          like: '(a new id)',
          advice: 'Count lastId up for each request: the one that was refused is over.',
        });
        const { _meta: _old, ...before } = posted.message.params as Record<string, unknown>;
        const { _meta: _new, ...after } = next.message.params as Record<string, unknown>;
        look(after, 'params', see).is(
          before,
          'The second call does not have the name and the arguments of the first.',
          'Send the same method and the same params again.',
        );
        const text = word();
        await next.json(next.result(complete(text)));
        await client.endsWell(
          'The second call was answered',
          'End when the result has been printed. Begin the line that sends the call again with return, because the next line reports the first refusal.',
        );
        await client.prints([`RESULT: ${text}`], {
          cause: 'Your client did not print the result of the second call.',
          advice: 'Return the result of the second request: return request(method, params).',
        });
        await random.aside(async () => {
          const { posted, ...script } = await upToCall({ REVISIONS });
          const about = 'status 400 and the error -32602';
          const advice =
            'Send the call again only if error.code is -32022. Status 400 can have other reasons, and a different revision does not help against them.';
          await refusal(posted, [second], -32602);
          await script.movesOn(`The server answered with ${about}, but your client is still running.`, advice);
          await script.nothingPosted({
            cause: `The server answered with ${about}, but your client sent one more message.`,
            advice,
          });
        });
      },
    );

    requirement(
      'If `data.supported` lists no revision of the client, or the server refuses the second call with `-32022` too, the client prints one line and exits with code 1. The line names the revisions of the server.',
      async () => {
        const cases = ['none in common', 'a second refusal', 'a second refusal with another list', 'no list'] as const;
        await together(cases, async (which) => {
          const supported = `19${random.integer(10, 99)}-01-01`;
          const { client, posted, ...script } = await upToCall({ REVISIONS: `${future},${statelessRevision}` });
          const advice =
            'Throw an error that names the revisions of the server and of the client if there is no common one, and if this is the second refusal: otherwise a client could ask for ever.';
          let has = [supported];
          if (which === 'none in common') await refusal(posted, [supported]);
          else if (which === 'no list') {
            await posted.answer(400, 'application/json', JSON.stringify(posted.error(-32022, 'unsupported')));
            has = [];
          } else {
            await refusal(posted, [statelessRevision, supported]);
            has = which === 'a second refusal' ? [statelessRevision, supported] : [future];
            await refusal(await script.next('tools/call', { advice, ended: advice }), has);
          }
          const about =
            which === 'no list'
              ? 'the error -32022 without data'
              : which === 'none in common'
                ? 'a refusal that lists no revision of the client'
                : which;
          await script.movesOn(`The server answered with ${about}, but your client is still running.`, advice);
          await script.nothingPosted({
            cause: `The server answered with ${about}, but your client sent one more message.`,
            advice,
          });
          await client.fails({
            code: 1,
            about,
            has,
            hasName: 'the revisions of the server',
            advice,
            otherCode: 'Throw an error, as for anything else that has no exit code of its own: the catch sets code 1.',
          });
        });
      },
    );

    requirement(
      'If a result has a `resultType` other than `complete`, the client prints no `RESULT`, prints one line that names it, and exits with code 1. A result without `resultType` is complete.',
      async () => {
        const name = random.aside(() => `input_${word()}`);
        // null is left open: some programs write it where a member is missing.
        const unknown = random.aside(() => [
          '',
          random.pick([0, false, 1, true, ['complete'], {}]),
          random.pick(['Complete', 'COMPLETE', 'complete ', `complete_${word()}`, 'incomplete', 'input_required']),
        ]);
        const judge = async (resultType: unknown, isError?: true) => {
          const text = word();
          const { client, posted } = await upToCall();
          const advice =
            'Look at resultType before you use a result. If it is missing, it counts as complete, because older servers do not send it. Throw an error for any other value: your client does not know what such a result means.';
          if (resultType === undefined) {
            await posted.json(posted.result(textResult(text)));
            await client.endsWell('The call was answered', advice);
            await client.prints([`RESULT: ${text}`], {
              cause: 'Your client did not print a result without resultType.',
              advice,
            });
            return;
          }
          await posted.json(posted.result({ ...complete(text), resultType, isError }));
          await client.fails({
            code: 1,
            about: `a result with the resultType ${asJson(resultType)}${isError ? ' and isError' : ''}`,
            // An object has no name, and an empty text is in every line.
            has: typeof resultType === 'object' ? [] : [String(resultType).trim()],
            hasName: 'the resultType',
            advice,
            otherCode: 'Throw an error, as for anything else that has no exit code of its own: the catch sets code 1.',
          });
        };
        await together([name, undefined], (resultType) => judge(resultType));
        await judge(name, true);
        await random.aside(() => together(unknown, (resultType) => judge(resultType)));
      },
    );

    requirement(
      'While the call runs, the client prints each report as `PROGRESS: 1/3 text` when it arrives. It posts nothing else, even if the server sends a request.',
      async () => {
        const { client, posted, ...script } = await upToCall();
        const progressToken = metaOf(posted).at('progressToken').value;
        const token = look(progressToken, 'progressToken', see);
        token.expect(
          typeof progressToken === 'string' || Number.isInteger(progressToken),
          'The call asks for no reports.',
          {
            like: '"progressToken":1',
            advice: 'Keep the progressToken in _meta: without it, the server sends no reports.',
          },
        );
        const advice = 'Keep handle as it was: it prints each notification when it arrives.';
        for (let progress = 0; progress < 3; progress++) {
          const message = random.words(2).join(' ');
          await posted.stream(notification('notifications/progress', { progressToken, progress, total: 3, message }));
          await client.prints([`PROGRESS: ${progress}/3 ${message}`], {
            cause: 'Your client did not print a report when it arrived.',
            advice,
          });
        }
        await posted.stream({ jsonrpc: '2.0', id: 1, method: 'ping' });
        const text = word();
        await posted.stream(posted.result(complete(text)));
        posted.end();
        await script.movesOn('The call was answered, but your client is still running.');
        await script.nothingPosted({
          cause: 'Your client answered a request of the server, but in this revision a client must not send responses.',
          advice: 'Post nothing but requests.',
        });
        await client.endsWell('The call was answered', 'End when the result has been printed.');
        await client.prints([`RESULT: ${text}`], { cause: 'Your client did not print the result.', advice });
      },
    );
  });
});
