import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { freePort } from '../harness/programs/ports.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expectEnd, expectInterrupted, judgedClient } from '../harness/vocabulary/command-line.ts';
import { finished, release } from '../harness/vocabulary/http.ts';
import {
  initialize,
  mcpClient,
  request,
  type McpClient,
  type PostOptions,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  notification,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import {
  expectLog,
  expectNotification,
  expectResponseLast,
  expectToolErrorInStream,
  newIds,
  notificationsIn,
  notified,
  paramsOf,
  whyNotSent,
  type Log,
} from '../harness/vocabulary/notifications.ts';
import { expectSchema, expectText, objectIn, toolIn } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import type { Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

type Token = string | number;
type Revision = (typeof revisions)[number];
type Report = { progress: number; total?: number | undefined; message?: string | undefined };
type Step = { log: Log; report?: Report | undefined };

const revisions = ['2025-11-25', '2026-07-28'] as const;
const newest = '2026-07-28';

/** What a call asks for, beside its arguments. */
type Wish = { level?: string; token?: Token | undefined };

const reserved = 'io.modelcontextprotocol/';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startClient, startServer, task, together, until } = run;

  let server: Server;
  /** A client for each revision. That of 2025-11-25 has shaken hands. */
  let clients: Record<Revision, McpClient>;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);

  async function start(): Promise<void> {
    server = await startServer({ MORE_TOOLS: fileURLToPath(new URL('../harness/tools/sdk.ts', import.meta.url)) });
    clients = { '2025-11-25': mcpClient(server, { newId }), [newest]: mcpClient(server, { newId }) };
    await initialize(clients['2025-11-25'], undefined, {
      when: {
        404: atMcp,
        400: 'Let createMcpHandler serve both revisions, as it does without the option legacy. Put no express.json before it: the handler reads the body itself.',
        500: eachItsOwn,
        501: atMcp,
      },
    });
    await clients['2025-11-25'].notify('notifications/initialized');
  }

  const atMcp =
    "Mount the handler for every method of HTTP: app.all('/mcp', toNodeHandler(createMcpHandler(makeServer))).";
  const eachItsOwn =
    'Hand the function makeServer itself to createMcpHandler, and create the McpServer inside of this function. The handler calls it for each request, because a server that is connected to one request cannot serve another.';

  /** Posts a request in this revision, and waits for nothing. */
  function post(
    revision: Revision,
    method: string,
    params: object,
    wish: Wish = {},
    see?: string,
    ifItThrows?: PostOptions['ifItThrows'],
  ): Posted {
    const { level, token } = wish;
    const own = token === undefined ? {} : { progressToken: token };
    const more = { ...(see !== undefined && { see }), ...(ifItThrows && { ifItThrows }) };
    if (revision !== newest) {
      const _meta = token === undefined ? {} : { _meta: own };
      return clients[revision].post(request(newId(), method, { ...params, ..._meta }), more);
    }
    const _meta = {
      ...own,
      [`${reserved}protocolVersion`]: newest,
      [`${reserved}clientInfo`]: { name: 'grader', version: '0.9.0' },
      [`${reserved}clientCapabilities`]: {},
      ...(level !== undefined && { [`${reserved}logLevel`]: level }),
    };
    const headers: Record<string, string> = { 'MCP-Protocol-Version': newest, 'Mcp-Method': method };
    if ('name' in params) headers['Mcp-Name'] = String(params.name);
    return clients[revision].post(request(newId(), method, { ...params, _meta }), { headers, ...more });
  }

  /** Calls a tool, and waits for nothing. No command shows what a tool of the grader does. */
  const callTool = (revision: Revision, name: string, args: object, wish?: Wish): Posted =>
    post(revision, 'tools/call', { name, arguments: args }, wish, name === 'process_files' ? undefined : '');

  /** What a tool says in one step. */
  const step = (more: Partial<Log> = {}, report?: Report): Step => ({
    log: { level: 'info', data: random.words(2).join(' '), logger: word(), ...more },
    report,
  });

  const isReport = (message: Message) => message.method === 'notifications/progress';

  /** A notification has this report. */
  function expectReport(posted: Posted, message: Message, report: Report, token: Token): void {
    const params = expectNotification(posted, message, 'notifications/progress', { progressToken: token, ...report });
    params
      .at('progressToken')
      .is(
        token,
        'The report does not have the progressToken of the call.',
        'Take the token from mcpReq._meta?.progressToken of this call, and send it as it is: a string stays a string, and a number stays a number.',
      );
    for (const member of ['progress', 'total', 'message'] as const) {
      params
        .at(member)
        .is(
          report[member],
          `The ${member} of the report is not what the tool said.`,
          'Put progress, total and message into the params as the tool gave them to progress.',
        );
    }
  }

  const neverCame =
    'Follow the message through your code: makeServer says { capabilities: { logging: {} } }, and contextOf hands the tool a log that calls mcpReq.log, and a progress that calls mcpReq.notify. Both belong to this request, so the SDK sends them in its response.';

  const neverReported =
    'Follow the report through your code: contextOf hands the tool a progress that calls mcpReq.notify each time, for each progressToken except undefined. A token is a number or a string.';

  /** While the tool is at work, these notifications have come, and no others; then lets it go on. */
  async function expectSaid(posted: Posted, step: Step, before: number, token?: Token): Promise<number> {
    const due = [step.log, ...(step.report && token !== undefined ? [step.report] : [])];
    await notified(server, posted, before + due.length);
    const came = notificationsIn(posted);
    for (const [i, said] of due.entries()) {
      const message = came[before + i];
      if (!message) {
        const [member, value] = 'data' in said ? ['data', said.data] : ['progress', said.progress];
        const data = 'data' in said ? said.data : (said.message ?? said);
        const [held] = server.program.held;
        throw await whyNotSent(server, posted, {
          index: before + i,
          text: typeof data === 'string' ? data : asJson(data),
          work: held?.label.replace(/ of .*/, '') ?? 'its next piece',
          never: member === 'data' ? neverCame : neverReported,
          isIt: (message) => asJson(paramsOf(message)[member]) === asJson(value),
        });
      }
      expect(!('data' in said) || !isReport(message), {
        cause: 'Your server sent a report of the tool, but not the log message that the tool made before.',
        compare: { expected: asJson({ method: 'notifications/message', params: said }), received: asJson(message) },
        advice:
          before > 0 ? 'Call mcpReq.log for each log of the tool, also if its data is 0, false or empty.' : neverCame,
        see: posted.see,
      });
      if ('data' in said) expectLog(posted, message, said);
      else expectReport(posted, message, said, token!);
    }
    const count = before + due.length;
    if (came.length > count) {
      const [extra] = came.slice(count) as [Message];
      throw new Failure({
        cause: isReport(extra)
          ? 'The call has no progressToken, but your server sent a report of progress.'
          : 'Your server sent a notification that the tool did not ask for.',
        compare: { expected: '(nothing)', received: asJson(extra) },
        advice: isReport(extra)
          ? 'Send no report if progressToken is undefined. A client that has sent no token does not know what the report belongs to.'
          : 'Send one notification for each call of log and of progress.',
        see: posted.see,
      });
    }
    return count;
  }

  /** Waits until the tool is at work on its next piece. */
  async function atWork(posted: Posted): Promise<void> {
    const working = await posted.atWork();
    expect(working, {
      cause: `Your server answered ${posted.what.replace(/^The/, 'the')} before the tool was at work.`,
      compare: { expected: '(a tool that is at work)', received: visible(posted.text.slice(0, 200)) || '(nothing)' },
      advice:
        'Register each tool with server.registerTool, and return the promise of run(args, contextOf(request)) from its callback.',
      see: posted.see,
    });
  }

  const inCallback =
    'Return what run returns from the callback of registerTool, as in return (await run(args, contextOf(request))) as CallToolResult. Catch no error there: the SDK makes a result with isError: true of an error.';

  task({ number: 1, title: 'Serve the same tools', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client of revision `2025-11-25` or `2026-07-28` asks for `tools/list`, the server lists `process_files` and each tool of `moreTools`, with its description and its input schema.',
      async () => {
        await start();
        for (const revision of revisions) {
          const posted = await post(revision, 'tools/list', {}).done();
          const result = objectIn(posted, {
            when: {
              404: atMcp,
              501: atMcp,
              500: eachItsOwn,
              [-32601]:
                'Register at least one tool in makeServer, with server.registerTool, before you return the server. A server without tools does not know this method.',
              [-32603]:
                'Hand the zod schema itself to registerTool, as inputSchema: input. The SDK makes JSON Schema of it.',
            },
          });
          const list = result.at('tools').array('The tools are not an array.', {
            advice: 'Let the SDK answer tools/list: it lists all tools that are registered.',
          }) as (Message & { name: string })[];
          const absent =
            'Call server.registerTool for processFiles and for each of moreTools, with { description, inputSchema: input }.';
          const listed = { first: posted, tools: list };
          const files = toolIn(listed, 'process_files', absent);
          await expectSchema(files, { accepted: [{ message: word() }], refused: [{}, { message: 7 }] });
          const add = toolIn(listed, 'add', absent, '');
          await expectSchema(add, { accepted: [{ a: 1 }, { a: 1, b: 2.5 }], refused: [{}, { a: word() }] });
          look(add.description, 'description', posted.see).is(
            'Adds 1 to a number, or another number',
            'The tool does not have its own description.',
            'Pass the description of each tool to registerTool.',
          );
        }
      },
    );

    requirement(
      'If a client calls a tool in either revision, the response has the result that the tool returned. If the tool throws an error, the result has `isError: true` and the message of the error.',
      async () => {
        for (const revision of revisions) {
          const [a, b] = [random.integer(2, 99), random.integer(100, 999)];
          const sum = await callTool(revision, 'add', { a, b }).done();
          expectText(sum, String(a + b), inCallback, { when: { [-32602]: eachItsOwn, 500: eachItsOwn } });
          expectText(
            await callTool(revision, 'add', { a: b }).done(),
            String(b + 1),
            'Hand the zod schema itself to registerTool, so that the SDK fills in its defaults, and pass on the args that the callback gets.',
          );
          await random.aside(async () => {
            const whole = {
              content: [
                { type: 'text', text: word() },
                { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
              ],
              structuredContent: { [word()]: random.integer(1, 99) },
              isError: true,
            };
            const given = objectIn(await callTool(revision, 'give_back', { result: whole }).done());
            for (const member of ['content', 'structuredContent', 'isError'] as const) {
              const cause = `The ${member} of the result is not what the tool returned.`;
              given.at(member).is(whole[member], cause, inCallback);
            }
          });
          const text = word();
          const files = await callTool(revision, 'process_files', { message: text }).done();
          expectText(files, `Done: ${text}`, inCallback);
          const reason = random.words(3).join(' ');
          const failed = await callTool(revision, 'fail', { reason }, { level: 'info' }).done();
          expectToolErrorInStream(failed, inCallback, reason);
        }
      },
    );

    requirement(
      'While a tool is at work, the client receives each log message of level `info` (in `2026-07-28`, if the call asks for this level) and, if the call has a progress token, each report. They come in the order in which the tool made them.',
      async () => {
        for (const revision of revisions) {
          const token = `${word()}-${random.integer(1, 99)}`;
          const text = word();
          const steps = [
            step({}, { progress: 0, total: 3, message: word() }),
            step(
              { level: 'error', data: { [word()]: [1, null, word()] } },
              { progress: 1.5, total: 3, message: word() },
            ),
            step({ logger: undefined, data: `${word()} é世` }, { progress: 3, message: word() }),
            random.aside(() => step({ level: 'warning', data: 0 }, { progress: 4 })),
          ];
          const posted = callTool(revision, 'say', { steps, text }, { level: 'info', token });
          let count = 0;
          for (const each of steps) {
            await atWork(posted);
            count = await expectSaid(posted, each, count, token);
            release(server.program);
            await until(() => server.program.held.length === 0 || server.program.held[0]!.label.includes(text));
            await server.program.caughtUp();
          }
          await posted.done();
          expectText(posted, text, inCallback);
          expectResponseLast(posted);
        }
        const files = callTool(newest, 'process_files', { message: word() }, { level: 'info', token: word() });
        await atWork(files);
        await notified(server, files, 2);
        const data = `Processing file 1/${documents.length}...`;
        const [first] = notificationsIn(files);
        expect(first, {
          cause: 'The tool process_files is at work on its first document, but your server has sent no log message.',
          advice: neverCame,
          see: files.see,
        });
        expectLog(files, first, { level: 'info', data, logger: 'process_files' });
        await files.done();
      },
    );

    requirement(
      'If the `_meta` of a call in `2026-07-28` has a log level, the server sends the log messages of the tool at this level and above. If the call lacks a log level, the server sends no log message.',
      async () => {
        const text = word();
        const steps = ['debug', 'info', 'warning', 'error', 'emergency'].map((level) => step({ level }));
        for (const [level, count] of [
          ['debug', 5],
          ['error', 2],
          [undefined, 0],
        ] as const) {
          const posted = await callTool(newest, 'say', { steps, text }, level === undefined ? {} : { level }).done();
          const came = notificationsIn(posted).map(({ params }) => look(params, '').at('level').value);
          const due = steps.slice(steps.length - count).map(({ log }) => log.level);
          expect(asJson(came) === asJson(due), {
            cause:
              came.length > due.length
                ? `A call ${level === undefined ? 'without a log level' : `with the log level ${level}`} got log messages that it did not ask for.`
                : `A call with the log level ${level} did not get all log messages that it asked for.`,
            compare: { expected: asJson(due), received: asJson(came) },
            advice:
              'Send each log message with mcpReq.log(level, data, logger). It knows the log level of the request, but notify and sendLoggingMessage do not look at it.',
            see: posted.see,
          });
          expectText(posted, text, inCallback);
        }
      },
    );

    requirement(
      'If the `_meta` of a call has a `progressToken`, which can also be `0` or an empty string, each report of the tool has exactly this token. If the call lacks a token, the server sends no report.',
      async () => {
        for (const revision of revisions) {
          const number = random.integer(1, 999);
          for (const token of [number, String(number), 0, '', undefined]) {
            const text = word();
            const report = { progress: random.integer(1, 9), total: 10, message: word() };
            const steps = [step({}, report)];
            const posted = await callTool(revision, 'say', { steps, text }, { level: 'info', token }).done();
            const reports = notificationsIn(posted).filter(isReport);
            expect(reports.length === (token === undefined ? 0 : 1), {
              cause:
                token === undefined
                  ? 'The call has no progressToken, but your server sent a report of progress.'
                  : `The call has the progressToken ${asJson(token)}, but your server did not send the one report that the tool made.`,
              compare: {
                expected: token === undefined ? '(no report)' : asJson({ progressToken: token, ...report }),
                received: reports.length === 0 ? '(no report)' : asJson(reports[0]),
              },
              advice:
                'Read the token from mcpReq._meta?.progressToken, and compare it with undefined: 0 and an empty string are tokens too.',
              see: posted.see,
            });
            if (token !== undefined) expectReport(posted, reports[0]!, report, token);
            expectText(posted, text, inCallback);
          }
        }
      },
    );

    requirement(
      'If several clients call tools at the same time, each response has the log messages, the reports and the result of its own call.',
      async () => {
        const calls = [...revisions, ...revisions].map((revision, i) => {
          const text = `${word()}-${i}`;
          const token = `${word()}-${i}`;
          const steps = [1, 2].map((progress) => step({}, { progress, message: word() }));
          return { text, token, steps, posted: callTool(revision, 'say', { steps, text }, { level: 'info', token }) };
        });
        await expectSoon(
          () => server.program.held.length === calls.length || calls.some(({ posted }) => finished(posted)),
          () => ({
            cause: `${calls.length} clients called a tool at the same time, but only ${server.program.held.length} tools are at work.`,
            advice: eachItsOwn,
          }),
          server.program,
        );
        const { held } = server.program;
        for (const each of random.next() < 0.5 ? [...held].reverse() : [...held]) each.release();
        for (const { posted, steps, text, token } of calls) {
          await posted.done();
          const came = notificationsIn(posted);
          const own = steps.flatMap(({ log, report }) => [log, report!]);
          expect(came.length === own.length, {
            cause:
              'Several calls ran at the same time, but a response does not have exactly the messages of its own call.',
            compare: { expected: `${own.length} notifications`, received: `${came.length} notifications` },
            advice: `Keep nothing of a call in a variable that all calls share. ${eachItsOwn}`,
            see: '',
          });
          for (const [i, said] of own.entries()) {
            if ('data' in said) expectLog(posted, came[i]!, said);
            else expectReport(posted, came[i]!, said, token);
          }
          expectText(posted, text, inCallback);
        }
      },
    );

    requirement(
      'If a client of revision `2026-07-28` closes the response of a call, the server aborts the `signal` of this tool. Other calls continue.',
      async () => {
        const advice =
          'Hand mcpReq.signal to the tool, as signal in what contextOf returns. Each request has a signal of its own.';
        const texts = [`${word()}-1`, `${word()}-2`];
        const [stays, leaves] = texts.map((text) =>
          callTool(newest, 'say', { steps: [step()], text }, { level: 'info' }),
        ) as [Posted, Posted];
        const works = (text: string) => server.program.held.some(({ label }) => label.endsWith(text));
        await expectSoon(
          () => texts.every(works),
          () => ({ cause: 'Two calls are running, but not both tools are at work.', advice: eachItsOwn }),
          server.program,
        );
        await notified(server, leaves, 1);
        leaves.close();
        await expectSoon(
          () => !works(texts[1]!),
          () => {
            missing('the work is given up');
            return {
              cause: 'A client closed the response of its call, but the tool continues to work for nobody.',
              compare: { expected: '(the signal of the tool aborts)', received: '(the work continues)' },
              advice,
              see: '',
            };
          },
          server.program,
        );
        await server.program.caughtUp();
        expect(works(texts[0]!), {
          cause: 'A client closed the response of its call, and your server also gave up the call of another client.',
          compare: { expected: '(the other call continues)', received: '(its work was given up)' },
          advice,
          see: '',
        });
        await stays.done();
        expectText(stays, texts[0]!, inCallback);
      },
    );

    requirement(
      'If a tool logs or reports something after its result, the server sends nothing of it, keeps running, and answers the next request.',
      async () => {
        const catches =
          'Add .catch(() => {}) to the promises that mcpReq.log and mcpReq.notify return. After the response they reject, and a rejection that nobody catches ends the program.';
        for (const revision of revisions) {
          const ifItThrows = { advice: catches, see: '' };
          const params = { name: 'talk_afterwards', arguments: {} };
          const posted = post(revision, 'tools/call', params, { level: 'info', token: word() }, '', ifItThrows);
          await posted.done();
          expectResponseLast(posted);
          for (let turns = 0; turns < 30 && !server.program.end; turns++) {
            await server.program.caughtUp();
            await turn();
          }
          expect(!server.program.end, {
            cause: 'A tool logged something after its result, and your server ended.',
            advice: ifItThrows.advice,
            see: '',
          });
          const text = word();
          expectText(await callTool(revision, 'say', { steps: [], text }).done(), text, inCallback);
        }
      },
    );
  });

  const see = 'npm run try lesson-24';
  const neverMs = '60000';
  const script = (terms: Omit<Terms, 'see'> = {}) =>
    scriptedServer(run, {
      see,
      ...terms,
      // On a slow machine, too, no limit is over by itself.
      env: { TIME_LIMIT: neverMs, IDLE_LIMIT: neverMs, FAREWELL_LIMIT: neverMs, ...terms.env },
    });

  const negotiates =
    "Give the Client the option { versionNegotiation: { mode: 'auto' } } as its second argument. Without it, the client speaks revision 2025-11-25 only.";

  /** A client that has called the tool of this server, and the token for its reports. */
  type Called = Script & { call: ReceivedMessage; token: Token };

  /** What the server answers to `server/discover`. */
  const discovered = () => ({
    resultType: 'complete',
    supportedVersions: [newest],
    capabilities: { tools: {}, logging: {} },
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [`${reserved}serverInfo`]: { name: 'grader', version: '1.0.0' } },
  });

  const metaOf = ({ message }: ReceivedMessage): Message =>
    ((message.params as Message | undefined)?._meta ?? {}) as Message;

  const asksForReports =
    'Pass an onprogress function to client.callTool, in its second argument. The SDK then sends a progressToken with the call.';

  function called(started: Script, call: ReceivedMessage): Called {
    const { progressToken } = metaOf(call);
    look(progressToken, 'progressToken', see).expect(
      typeof progressToken === 'string' || Number.isInteger(progressToken),
      'The call has no progressToken in its params._meta.',
      { like: '"progressToken":1', advice: asksForReports },
    );
    return { ...started, call, token: progressToken as Token };
  }

  /** A client of this revision that has called the tool. */
  async function upToCall(revision: Revision, terms: Omit<Terms, 'see'> = {}): Promise<Called> {
    const started = await script(terms).start();
    const discover = await started.next('server/discover', { advice: negotiates });
    if (revision === newest) {
      await discover.json(discover.result(discovered()));
      const advice = `Call client.connect, and then client.callTool. In revision ${newest}, there is no handshake.`;
      return called(started, await started.next('tools/call', { advice }));
    }
    // Three ways in which servers of older revisions answer a method that they do not know.
    const refused = [
      ['the header MCP-Session-Id is missing', 400, null],
      ['unsupported MCP-Protocol-Version', 400, null],
      ['unknown method: server/discover', 200, discover.message.id],
    ] as const;
    const [message, status, id] = refused[random.integer(0, 2)]!;
    const error = { code: status === 200 ? -32601 : -32600, message };
    await discover.answer(status, 'application/json', JSON.stringify({ jsonrpc: '2.0', id, error }));
    await started.handshake();
    return called(started, await started.next('tools/call'));
  }

  /** A result in the shape of either revision. */
  const resultOf = (text: string, more = {}) => ({ resultType: 'complete', ...textResult(text), ...more });

  async function finish({ call }: Called, text: string): Promise<void> {
    await call.stream(call.result(resultOf(text)));
    call.end();
  }

  const lineOf = ({ progress, total, message = '' }: Report) =>
    `PROGRESS: ${progress}${total === undefined ? '' : `/${total}`} ${message}`.trim();

  let current: Called;

  task({ number: 2, title: 'Show what arrives, in both revisions', file: 'client.ts' }, () => {
    requirement(
      'The client first asks for `server/discover` in revision `2026-07-28`. If the server has this revision, the client calls the tool without a handshake. The `_meta` of the call has the log level `info`.',
      async () => {
        const text = word();
        current = await upToCall(newest, { message: text });
        const { call } = current;
        const advice = `${negotiates} Then the SDK adds the revision to each request.`;
        look(metaOf(call)[`${reserved}protocolVersion`], `${reserved}protocolVersion`, see).is(
          newest,
          `The call does not say in its _meta that it is of revision ${newest}.`,
          advice,
        );
        look(metaOf(call)[`${reserved}logLevel`], `${reserved}logLevel`, see).is(
          'info',
          'The call does not ask for log messages of the level info.',
          "Add _meta: { [LOG_LEVEL_META_KEY]: 'info' } to the params of the call. In this revision, a server sends no log messages to a client that has not asked for them.",
        );
        const params = call.member('params');
        params.at('name').is('process_files', 'The client calls the wrong tool.', 'Call process_files.');
        params
          .at('arguments')
          .is({ message: text }, 'The arguments of the call are wrong.', 'Pass the message of the command line.');
      },
    );

    requirement(
      'The client prints each log message as soon as it arrives, as a line such as `NOTIFICATION: info Processing file 1/3...`. It prints any other notification with its method and its `params`.',
      async () => {
        const { call, client } = current;
        const handlers =
          "Register a handler with client.setNotificationHandler('notifications/message', …) for log messages, and set client.fallbackNotificationHandler for all others. Do both before client.connect.";
        const [method, key, value] = random.words(3) as [string, string, string];
        const cases: [message: Message, line: string][] = [];
        for (const [level, data] of [
          ['info', random.words(3).join(' ')],
          ['error', `${word()} é世`],
          ['warning', { [word()]: [1, null] }],
        ] as const) {
          cases.push([
            logMessage(level, data),
            `NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`,
          ]);
        }
        const custom = { [key]: value };
        cases.push([
          notification(`notifications/${method}`, custom),
          `NOTIFICATION: notifications/${method} ${JSON.stringify(custom)}`,
        ]);
        for (const [message, line] of cases) {
          await call.stream(message);
          await client.prints([line], {
            cause: 'A notification has arrived, but your client has not printed it.',
            otherwise: 'Your client printed a notification in the wrong way.',
            advice: handlers,
          });
        }
      },
    );

    requirement(
      'The client prints each report of progress as soon as it arrives, as a line such as `PROGRESS: 2/3 letter.txt`.',
      async () => {
        const { call, client, token } = current;
        const reports: Report[] = [
          { progress: 0, total: 3, message: word() },
          { progress: 1.5, total: 3 },
          { progress: 2, message: random.words(3).join(' ') },
          { progress: random.integer(3, 9) },
        ];
        for (const report of reports) {
          await call.stream(notification('notifications/progress', { progressToken: token, ...report }));
          await client.prints([lineOf(report)], {
            cause: 'A report has arrived, but your client has not printed it.',
            otherwise: 'Your client printed a report in the wrong way.',
            advice: `Print the line in onprogress: console.log(\`PROGRESS: \${textOfReport(report)}\`). ${asksForReports}`,
          });
        }
      },
    );

    requirement(
      'If the result arrives, the client prints it as a line such as `RESULT: Done: hello`, and exits with code 0.',
      async () => {
        const text = random.words(3).join(' ');
        await finish(current, text);
        await current.client.prints([`RESULT: ${text}`], {
          cause: 'The result has arrived, but your client has not printed it.',
          advice: 'Return the promise of client.callTool from callTool, so that the result is printed.',
        });
        await current.client.endsWell(
          'The call was answered',
          'Let the exit code be 0 if the result has no isError.',
          'Call client.close() at the end: it closes all streams that are still open.',
        );
      },
    );

    requirement(
      'If the server does not know `server/discover`, the client shakes hands in revision `2025-11-25`, calls the tool in this session, prints what arrives, and ends the session with a `DELETE`.',
      async () => {
        const text = word();
        const session = `${word()}-${random.integer(1000, 9999)}`;
        const old = await upToCall('2025-11-25', { message: text, session });
        old.call.expectAgreed();
        const log = word();
        const report = { progress: 1, total: 3, message: word() };
        await old.call.stream(
          logMessage('notice', log),
          notification('notifications/progress', { progressToken: old.token, ...report }),
        );
        await old.client.prints([`NOTIFICATION: notice ${log}`, lineOf(report)], {
          cause:
            'A log message and a report have arrived in revision 2025-11-25, but your client has not printed them.',
          advice: 'Use the same handlers for both revisions. The SDK calls them in either revision.',
        });
        await finish(old, text);
        await old.client.prints([`RESULT: ${text}`], {
          cause: 'The result has arrived in revision 2025-11-25, but your client has not printed it.',
          advice: 'Use the same code for the results of both revisions.',
        });
        const goodbye =
          'Await transport.terminateSession() before client.close(). The SDK sends no DELETE by itself, and close breaks off whatever is still on its way.';
        await old.client.endsWell('The call was answered', goodbye);
        const [first] = old.goodbyes;
        expect(first, {
          cause: 'Your client ended, but it did not end its session: it sent no DELETE.',
          compare: { expected: 'DELETE /mcp', received: '(nothing)' },
          advice: goodbye,
          see,
        });
        first.expectSession();
      },
    );
  });

  const limits =
    'Pass { timeout: idleLimit, resetTimeoutOnProgress: true, maxTotalTimeout: timeLimit } to client.callTool, and let exitCodeOf return 6 for an SdkError with the code SdkErrorCode.RequestTimeout.';
  const tells =
    'Look at the class of the error in exitCodeOf: SdkHttpError is 3, ProtocolError is 7, an SdkError with the code RequestTimeout is 6, and 2 is for a TypeError and for an error whose cause is a TypeError. Look at SdkHttpError before SdkError.';

  /** Sends a report every tenth of the limit, until the client ends or this many milliseconds have passed. */
  async function sendReports({ call, client, token }: Called, limit: number, ms: number) {
    const said: string[] = [];
    let longest = 0;
    const began = performance.now();
    while (!client.end && performance.now() - began < ms) {
      const before = performance.now();
      const report = { progress: said.length + 1, total: 1000 };
      said.push(lineOf(report));
      await call.stream(notification('notifications/progress', { progressToken: token, ...report }));
      await until(() => client.end, limit / 10);
      longest = Math.max(longest, performance.now() - before);
    }
    return { said, longest };
  }

  /** Judges with a limit 4 and 16 times as long where this machine is too slow for the first: `judge` then returns false. */
  async function withLimit(names: string[], judge: (begun: Called, limit: number) => Promise<boolean>): Promise<void> {
    for (const limit of [500, 2000, 8000]) {
      const begun = await upToCall(newest, {
        env: Object.fromEntries(names.map((name) => [name, String(limit)])),
      }).catch((error: unknown) => {
        if (limit === 8000) throw error;
      });
      if (begun && (await judge(begun, limit))) return;
    }
  }

  /** The client is running no longer. */
  const ended = ({ client }: Called, cause: string, advice: string) =>
    expectSoon(
      () => client.end ?? client.verdict,
      () => ({ cause, advice, see }),
      client,
      2 * promptMs,
    );

  task({ number: 3, title: 'Give up, and say why', file: 'client.ts' }, () => {
    requirement(
      'If `IDLE_LIMIT` milliseconds pass without the result or a report on the call, the client prints one line on standard error and exits with code 6. Each report restarts this limit.',
      async () => {
        await withLimit(['IDLE_LIMIT'], async (begun, limit) => {
          const { client } = begun;
          const { said, longest } = await sendReports(begun, limit, 2 * limit);
          if (longest > limit / 2) return false;
          expect(!client.end, {
            cause: 'Reports came all the time, but your client gave up its call after IDLE_LIMIT milliseconds.',
            advice: limits,
            see,
          });
          await until(() => client.end, limit);
          await ended(begun, 'No report came for IDLE_LIMIT milliseconds, but your client is still waiting.', limits);
          const advice = limits;
          await client.fails({ code: 6, about: 'a call without a further report', printed: said, advice });
          return true;
        });
      },
    );

    requirement(
      'If reports keep coming, but the result has not arrived after `TIME_LIMIT` milliseconds, the client gives up at one of the next reports, prints one line on standard error, and exits with code 6.',
      async () => {
        // After this limit, a timer of the SDK that nobody stops keeps the client running until the other limit is over.
        await withLimit(['TIME_LIMIT', 'IDLE_LIMIT'], async (begun, limit) => {
          const { client } = begun;
          const { said, longest } = await sendReports(begun, limit, 3 * limit + 2000);
          if (longest > limit / 2 && client.lines.length === 0) return false;
          const cause =
            'Reports came all the time, and your client waits longer than TIME_LIMIT milliseconds for the result.';
          expect(client.end || client.stderr.trim() !== '', { cause, advice: limits, see });
          await ended(begun, cause, limits);
          const printed = said.slice(0, client.lines.length);
          await client.fails({ code: 6, about: 'a call that takes too long', printed, advice: limits });
          return true;
        });
      },
    );

    const stops =
      "Call stop.abort(new Error(…)) in process.once('SIGINT', …), and pass signal: stop.signal to client.callTool.";

    /** The client has ended after Ctrl+C, with code 130, and has printed this line before. */
    async function expectInterruptedEnd(begun: Called, said: string): Promise<void> {
      const { client } = begun;
      await expectEnd(run, client, 'The user has pressed Ctrl+C, but your client is still running.', stops);
      expect(client.stdout.replaceAll('\r\n', '\n') === `${said}\n`, {
        cause: 'Your client printed something on standard output after Ctrl+C.',
        compare: { expected: visible(said), received: visible(client.stdout) },
        advice: 'Print no result after Ctrl+C, because the user has given up this call.',
        see,
      });
      expect(client.end?.code !== 6, {
        cause: 'The user has pressed Ctrl+C, but your client ended with exit code 6, as if a time limit were over.',
        compare: { expected: '130', received: '6' },
        advice:
          'Set process.exitCode = 130 in the listener of SIGINT, before the abort. The SDK has the code RequestTimeout for both: a limit that is over, and a signal that has aborted.',
        see,
      });
      expectInterrupted(client);
    }

    /** Sends a log message, and waits until it is printed. @returns the line */
    async function running({ call, client }: Called, text: string): Promise<string> {
      await call.stream(logMessage('info', text));
      const said = `NOTIFICATION: info ${text}`;
      await expectSoon(
        () => client.lines.includes(said) || client.end,
        () => ({ cause: 'Your client did not print a log message of its call.', advice: 'Print it as before.', see }),
        client,
      );
      return said;
    }

    requirement(
      'If the user presses Ctrl+C during a call of revision `2026-07-28`, the client closes the response, prints one line on standard error, and exits with code 130.',
      async () => {
        const begun = await upToCall(newest);
        const said = await running(begun, word());
        begun.client.interrupt();
        await expectInterruptedEnd(begun, said);
        expect(!begun.waiting(), {
          cause: 'The user pressed Ctrl+C, and your client sent one more message.',
          advice: `Send nothing yourself: in revision ${newest}, a client cancels a call by closing its response.`,
          see,
        });
      },
    );

    requirement(
      'If the user presses Ctrl+C during a call in a session of `2025-11-25`, the client posts `notifications/cancelled` with the `requestId` of the call, ends the session with a `DELETE`, and exits with code 130.',
      async () => {
        const session = `${word()}-${random.integer(1000, 9999)}`;
        const begun = await upToCall('2025-11-25', { session, awaitsCancelled: true, ignoresGoodbyes: true });
        const said = await running(begun, word());
        begun.client.interrupt();
        const advice = `${stops} Then await transport.terminateSession() before client.close(), because close breaks off whatever is still on its way.`;
        const cancelled = await begun.next('notifications/cancelled', {
          cause: 'The user has pressed Ctrl+C, but your client sent no notifications/cancelled.',
          advice,
          ended: advice,
        });
        cancelled
          .member('params')
          .at('requestId')
          .is(begun.call.message.id, 'The requestId is not the id of the call.', stops);
        cancelled.expectAgreed();
        cancelled.accept();
        await until(() => begun.goodbyes.length > 0 || begun.client.end);
        const [goodbye] = begun.goodbyes;
        expect(goodbye, {
          cause: 'The user has pressed Ctrl+C, but your client did not end its session: it sent no DELETE.',
          compare: { expected: 'DELETE /mcp', received: '(nothing)' },
          advice: 'Let finally call sayGoodbye, and await transport.terminateSession() there.',
          see,
        });
        goodbye.response.writeHead(204);
        goodbye.end();
        await expectInterruptedEnd(begun, said);
      },
    );

    requirement(
      'If no HTTP response comes, the client prints one line on standard error and exits with code 2. If the server answers the call with an HTTP error status, the exit code is 3.',
      async () => {
        const unreachable = async () => {
          const client = judgedClient(run, startClient(`http://127.0.0.1:${await freePort()}/mcp`));
          await client.fails({ code: 2, about: 'a refused connection', advice: tells, codeOne: tells });
          await random.aside(async () => {
            const { call, client } = await upToCall(newest);
            call.breakOff();
            const about = 'a connection that closed before the response to the call';
            await client.fails({ code: 2, about, advice: tells, codeOne: tells });
          });
        };
        const [status, text] = [random.next() < 0.5 ? 404 : 503, word()];
        const refused = async () => {
          const { call, client } = await upToCall(newest);
          await call.answer(
            status,
            'application/json',
            JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message: text } }),
          );
          await client.fails({
            code: 3,
            about: `a call that was answered with status ${status}`,
            advice: tells,
            codeOne: tells,
          });
        };
        await together([unreachable, refused], (judge) => judge());
      },
    );

    requirement(
      'If the server answers the call with an error of JSON-RPC, the client prints its message in one line on standard error and exits with code 7. If the result has `isError: true`, the client prints the text of the result, and the exit code is 8.',
      async () => {
        const [wrong, failed] = [random.words(3).join(' '), random.words(3).join(' ')];
        const code = random.aside(() => random.pick([-32603, -32000, 7]));
        const error = async () => {
          const { call, client } = await upToCall(newest);
          await call.json(call.error(code, wrong));
          const about = 'an error of JSON-RPC';
          await client.fails({
            code: 7,
            about,
            has: [wrong],
            hasName: 'the message of the error',
            advice: tells,
            codeOne: tells,
          });
        };
        const failure = async () => {
          const { call, client } = await upToCall(newest);
          await call.json(call.result(resultOf(failed, { isError: true })));
          const about = 'a tool that failed';
          const advice =
            'Keep the two lines after callTool: they set exit code 8 and throw an error if the result has isError.';
          await client.fails({ code: 8, about, has: [failed], hasName: 'the text of the result', advice });
        };
        await together([error, failure], (judge) => judge());
      },
    );
  });
});
