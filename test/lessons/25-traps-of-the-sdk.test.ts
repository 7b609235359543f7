import { fileURLToPath } from 'node:url';
import type { Held } from '../harness/programs/program.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import type { Call as GraderCall } from '../harness/wire/grader-server.ts';
import { expectHeader, finished, received } from '../harness/vocabulary/http.ts';
import {
  hello,
  mcpClient,
  request,
  shakeHands,
  type McpClient,
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
import { levels, notificationsIn, paramsOf, responsesIn, type Log } from '../harness/vocabulary/notifications.ts';
import { officialClient, type Report } from '../harness/vocabulary/official-client.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import type { Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

/** The two eras of the protocol: with a handshake, and without one. */
type Era = '2025-11-25' | '2026-07-28';
const eras: Era[] = ['2025-11-25', '2026-07-28'];

/** What a request of revision 2026-07-28 says of its client. */
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'grader', version: '0.9.0' },
};
const levelKey = 'io.modelcontextprotocol/logLevel';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  let server: Server;
  let ids = 0;

  const word = () => random.words(1)[0]!;
  const words = () => random.words(2).join(' ');
  const newId = () => (++ids % 2 === 0 ? `${word()}-${ids}` : ids * 10 + random.integer(0, 9));

  const begins = async () => {
    const tools = fileURLToPath(new URL('../harness/tools/traps.ts', import.meta.url));
    server = await startServer({ MORE_TOOLS: tools });
  };

  /** A client of one era. One of the older era has shaken hands. */
  type Caller = McpClient & { era: Era };

  async function connect(era: Era, who?: string): Promise<Caller> {
    const client = Object.assign(mcpClient(server, { who }), { era });
    if (era === '2025-11-25') await shakeHands(client, hello());
    return client;
  }

  type Call = { tool?: string; id?: string | number; meta?: object; headers?: Record<string, string> };

  /** Calls a tool, and waits for nothing. No curl command shows the tools of the grader. */
  function call(client: Caller, args: object, { tool = 'speak', id = newId(), meta = {}, headers = {} }: Call = {}) {
    const modern = client.era === '2026-07-28';
    const all = { ...(modern && envelope), ...meta };
    const params = { name: tool, arguments: args, ...(Object.keys(all).length > 0 && { _meta: all }) };
    return client.post(request(id, 'tools/call', params), {
      what: `The call of ${tool} in revision ${client.era}`,
      headers: {
        ...(modern && { 'MCP-Protocol-Version': client.era, 'Mcp-Method': 'tools/call', 'Mcp-Name': tool }),
        ...headers,
      },
      see: '',
    });
  }

  const atWork = (posted: Posted, advice: string) =>
    posted.atWork(1, {
      cause: `${posted.what} was not answered, and its tool is not at work.`,
      advice,
    });

  /** Waits until the tool is at work, and all that it has said before can have come. */
  async function untilAtWork(posted: Posted, advice: string): Promise<void> {
    expect(await atWork(posted, advice), {
      cause: `Your server answered ${lower(posted.what)} before its tool was at work.`,
      compare: { expected: '(a call that is running)', received: received(posted) },
      advice,
    });
    await server.program.caughtUp();
  }

  const streams =
    'Call createMcpHandler without the option responseMode. In the mode json, the SDK drops all that a tool says before its result.';

  const logsIn = (posted: Posted) => notificationsIn(posted).filter(({ method }) => method === 'notifications/message');
  const reportsIn = (posted: Posted) =>
    notificationsIn(posted).filter(({ method }) => method === 'notifications/progress');

  const asLog = (message: Message) => {
    const { level, data, logger } = paramsOf(message);
    return { level, data, ...(logger !== undefined && { logger }) };
  };

  /** These log messages have come, and no other. */
  function expectLogs(posted: Posted, expected: Log[], why: { lost: Explanation; extra: Explanation }): void {
    const sent = logsIn(posted).map(asLog);
    const wanted = expected.map((log) => asJson(log));
    const extra = sent.find((log) => !wanted.includes(asJson(log)));
    const compare = {
      expected: wanted.join('\n') || '(no log message)',
      received: sent.map((log) => asJson(log)).join('\n') || '(no log message)',
    };
    expect(!extra || sent.length !== wanted.length, {
      cause: 'Your server sent as many log messages as expected, but they are different from what the tool logged.',
      compare,
      advice: 'Hand level, data and logger on to mcpReq.log as the tool gave them.',
    });
    if (extra) missing('no further log message');
    expect(extra === undefined, { compare, ...why.extra });
    const lost = wanted.find((log) => !sent.some((each) => asJson(each) === log));
    if (lost) missing(`notifications/message ${lost}`);
    expect(lost === undefined, { compare, ...why.lost });
    expect(asJson(sent) === asJson(expected), {
      cause: `Your server sent the log messages of a tool in the wrong order, or more than one time.`,
      compare,
      advice: 'Call mcpReq.log one time for each message, immediately, in the order in which the tool calls log.',
    });
  }

  /** Ends all work of a call, and looks at its result. */
  async function ends(posted: Posted, text: string): Promise<void> {
    await posted.done();
    expectText(posted, text, 'Return what the tool has returned, as the starter does.');
  }

  const logger = () => `${word()}.ts`;
  /** A message at each level, in any order. */
  const atEachLevel = () =>
    random
      .shuffled(levels)
      .map((level, i): Log => ({ level, data: i % 2 ? words() : { [word()]: i }, logger: logger() }));
  const atLeast = (level: string, logs: Log[]) =>
    logs.filter((log) => levels.indexOf(log.level) >= levels.indexOf(level));

  const minds =
    'Send log messages with mcpReq.log. It knows the level of the request or of the session. mcpReq.notify sends whatever it gets.';

  /** After its first `before` log messages, the answer has the one that says that the tool has returned, if the level allows it. */
  function expectDone(posted: Posted, tool: string, level: string, before = 0): void {
    const wanted = atLeast(level, [{ level: 'notice', data: `${tool} is done` }]).map((log) => asJson(log));
    // The README leaves the name of the logger free.
    const sent = logsIn(posted)
      .slice(before)
      .map(paramsOf)
      .map(({ level, data }) => asJson({ level, data }));
    const compare = {
      expected: wanted.join('\n') || '(no log message)',
      received: sent.join('\n') || '(no log message)',
    };
    if (sent.length < wanted.length) missing(`notifications/message ${wanted[0]}`);
    expect(sent.length >= wanted.length, {
      cause: `The tool ${tool} has returned, but the answer to its call has no log message "${tool} is done".`,
      compare,
      advice:
        'Send this message with context.mcpReq.log, and await it before you return the result. server.sendLoggingMessage knows no call, so the SDK has no stream to send the message on.',
    });
    expect(sent.join() === wanted.join(), {
      cause: `The tool ${tool} has returned, and the log level was ${level}, but your server sent a different log message than expected.`,
      compare,
      advice: wanted.length === 0 ? minds : 'Log the name of the tool that has returned, at the level notice.',
    });
  }

  task({ number: 1, title: 'Say it in the right place', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a request of revision 2026-07-28 leaves out the log level, the server sends no `notifications/message` for it. It sends the result.',
      async () => {
        await begins();
        const client = await connect('2026-07-28');
        for (const tool of ['process_files', 'speak']) {
          const text = words();
          const args = { message: text, messages: atEachLevel(), reports: [], text };
          const posted = call(client, args, { tool });
          await untilAtWork(posted, 'Run the tool when it is called, and answer when it has returned.');
          await posted.done();
          expectLogs(posted, [], {
            lost: { cause: '' },
            extra: {
              cause: `A request of revision 2026-07-28 named no log level, but your server sent a log message.`,
              advice: minds,
            },
          });
          expectText(posted, tool === 'speak' ? text : `Done: ${text}`, 'Return what the tool has returned.');
        }
      },
    );

    requirement(
      'If a request of revision 2026-07-28 names a log level, the server sends each log message that is at least as severe while the tool is at work, and no other log message.',
      async () => {
        const client = await connect('2026-07-28');
        for (const level of random.shuffled(levels).slice(0, 4)) {
          const logs = atEachLevel();
          const text = words();
          const posted = call(client, { messages: logs, reports: [], text }, { meta: { [levelKey]: level } });
          await untilAtWork(posted, streams);
          expectLogs(posted, atLeast(level, logs), {
            extra: {
              cause: `The request named the log level ${level}, but your server sent a less severe message.`,
              advice: minds,
            },
            lost: {
              cause: `The request named the log level ${level}, but your server has not sent all log messages that are as severe, although the tool is at work.`,
              advice: `Send each log message with mcpReq.log, at the level that the tool gave. ${streams}`,
            },
          });
          await ends(posted, text);
        }
      },
    );

    requirement(
      'When a tool has returned, the server sends the log message `NAME is done` at the level `notice` before the result of this call. It sends the message only if the log level allows it.',
      async () => {
        const client = await connect('2026-07-28');
        for (const level of ['info', 'warning']) {
          const text = words();
          const posted = call(client, { text }, { tool: 'short', meta: { [levelKey]: level } });
          await untilAtWork(posted, 'Run the tool when it is called.');
          await ends(posted, text);
          expectDone(posted, 'short', level);
        }
      },
    );

    requirement(
      'If a request has a `progressToken`, the server sends each report with exactly this token while the tool is at work. The token can be any string or whole number, also `0` and an empty string.',
      async () => {
        const cases = random.shuffled<string | number>([0, '', `${word()}-é世`, random.integer(1, 999)]);
        for (const progressToken of cases) {
          const client = await connect('2026-07-28');
          const reports: Report[] = [
            { progress: 1 },
            { progress: 2, total: 3 },
            { progress: 2.5, total: 3, message: words() },
          ];
          const text = words();
          const posted = call(client, { messages: [], reports, text }, { meta: { progressToken } });
          await untilAtWork(posted, streams);
          const wanted = reports.map((report) => ({ progressToken, ...report }));
          const sent = reportsIn(posted).map(paramsOf);
          const sorted = (each: object) => asJson(Object.fromEntries(Object.entries(each).sort()));
          if (sent.length < wanted.length) missing('notifications/progress');
          expect(sent.map(sorted).join() === wanted.map(sorted).join(), {
            cause:
              sent.length < wanted.length
                ? `The request had the progressToken ${asJson(progressToken)}, but your server has not sent all reports of the tool, although the tool is at work.`
                : `The request had the progressToken ${asJson(progressToken)}, but your server sent different reports than the tool made.`,
            compare: {
              expected: wanted.map((each) => asJson(each)).join('\n'),
              received: sent.map((each) => asJson(each)).join('\n') || '(no report)',
            },
            advice:
              progressToken === 0 || progressToken === ''
                ? 'Compare the token with undefined. 0 and an empty string are tokens too, but a condition takes them as false.'
                : 'Copy mcpReq._meta?.progressToken into the params of notifications/progress, and send the report with mcpReq.notify.',
          });
          await ends(posted, text);
        }
      },
    );

    requirement(
      'If a request leaves out the `progressToken`, the server sends no `notifications/progress` for it.',
      async () => {
        const client = await connect('2026-07-28');
        const text = words();
        const posted = call(client, { messages: [], reports: [{ progress: 1, total: 2 }], text });
        await untilAtWork(posted, 'Run the tool when it is called.');
        await ends(posted, text);
        const [report] = reportsIn(posted);
        expect(report === undefined, {
          cause: 'A request had no progressToken, but your server sent a report.',
          compare: { expected: '(no notifications/progress)', received: asJson(report) },
          advice:
            'Return from progress if mcpReq._meta?.progressToken is undefined. A client that has named no token cannot tell which call the report is about.',
        });
      },
    );

    requirement(
      'If several clients call a tool at the same time, each client gets the messages and the result of its own call. This also holds for calls with the same `id`.',
      async () => {
        const id = newId();
        const order: Era[] = ['2026-07-28', '2026-07-28', '2026-07-28'];
        const calls: { posted: Posted; logs: Log[]; text: string; token: string }[] = [];
        const callers: Caller[] = [];
        for (const [i, era] of order.entries()) callers.push(await connect(era, `client ${i + 1}`));
        for (const [i, client] of callers.entries()) {
          const logs: Log[] = [{ level: 'warning', data: words(), logger: logger() }];
          const [text, token] = [words(), `${word()}-${i}`];
          const posted = call(
            client,
            { messages: logs, reports: [{ progress: i }], text },
            { id, meta: { progressToken: token, [levelKey]: 'warning' } },
          );
          calls.push({ posted, logs, text, token });
          const oneEach =
            'Give createMcpHandler the function makeServer, which makes a new McpServer for each request. One McpServer for all requests answers some of them on the wrong stream, or not at all.';
          const running = await posted.atWork(i + 1, {
            cause: `${posted.what} is not at work while ${i === 1 ? 'another call is' : 'other calls are'} running.`,
            advice: oneEach,
          });
          expect(running, {
            cause: `Your server answered ${lower(posted.what)} before its tool was at work, while ${i === 1 ? 'another call was' : 'other calls were'} running.`,
            compare: { expected: '(a call that is running)', received: received(posted) },
            advice: oneEach,
          });
        }
        for (const { posted, logs, text, token } of calls) {
          await posted.done();
          expectLogs(posted, logs, {
            extra: {
              cause: 'Several calls were running, and one of them got a log message that is not its own.',
              advice: 'Send with mcpReq of the call, and make a new McpServer for each request.',
            },
            lost: {
              cause: 'Several calls were running, and one of them did not get its log message.',
              advice: 'Send with mcpReq of the call, and make a new McpServer for each request.',
            },
          });
          const tokens = reportsIn(posted).map((report) => paramsOf(report).progressToken);
          expect(asJson(tokens) === asJson([token]), {
            cause: 'Several calls were running, and one of them got a different report than its own.',
            compare: { expected: asJson([token]), received: asJson(tokens) },
            advice: 'Read the progressToken from mcpReq of this call, and send the report with mcpReq.notify.',
          });
          expectText(posted, text, 'Make a new McpServer for each request.');
        }
      },
    );

    requirement(
      'If a tool logs or reports something after its result, the server continues to run, and the client gets no further message.',
      async () => {
        const { program } = server;
        const advice =
          'Catch the rejection of the promise that mcpReq.log and mcpReq.notify return, as tooLate does. Node.js ends a program when a promise rejects and nobody handles it.';
        for (const logs of [true, false]) {
          const client = await connect('2026-07-28');
          const text = words();
          const meta = { progressToken: word(), [levelKey]: 'debug' };
          const posted = call(client, { text, logs }, { tool: 'afterwards', meta });
          await posted.doneMeanwhile({
            cause: `The tool afterwards has returned, but your server has not answered its call.`,
            advice: 'Return the result as soon as the tool has returned.',
          });
          await expectSoon(
            () => program.held.length > 0,
            () => ({
              cause: 'The tool afterwards does not continue after its result.',
              advice: 'Run the tool as it is.',
            }),
            program,
          );
          program.held[0]!.release();
          await program.caughtUp();
          expect(program.end === undefined, {
            cause: `A tool ${logs ? 'logged' : 'reported'} something after its result, and your server ended.`,
            compare: { expected: '(the server continues to run)', received: lastLine(program.stderr) },
            advice,
          });
          const again = call(client, { text, logs }, { tool: 'short' });
          await untilAtWork(again, advice);
          await ends(again, text);
          expectText(posted, text, 'Return what the tool has returned.');
          expect(!posted.text.includes('after the result'), {
            cause: 'A tool said something after its result, and your server sent it in the answer to the call.',
            compare: { expected: '(nothing after the result)', received: visible(posted.text.slice(-200)) },
            advice: 'Send the result when the tool has returned. Do not wait for what the tool does after that.',
          });
        }
      },
    );
  });

  const ownSession =
    'Keep the transport of each session in sessions, and find it by the header MCP-Session-Id. Each session needs a transport and an McpServer of its own.';

  /** A call whose tool is at work. */
  type Running = { posted: Posted; held: Held; id: string | number; text: string; client: Caller };

  async function begin(client: Caller, id = newId()): Promise<Running> {
    const { program } = server;
    const before = [...program.held];
    const text = words();
    const posted = call(client, { text }, { tool: 'short', id });
    const held = () => program.held.find((each) => !before.includes(each));
    await expectSoon(
      () => held() ?? finished(posted),
      () => ({ cause: `${posted.what} is not at work.`, advice: ownSession }),
      program,
    );
    expect(held(), {
      cause: `Your server answered ${lower(posted.what)} before its tool was at work.`,
      compare: { expected: '(a call that is running)', received: received(posted) },
      advice: ownSession,
    });
    await program.caughtUp();
    return { posted, held: held()!, id, text, client };
  }

  const stopped = ({ held }: Running) => !server.program.held.includes(held);

  async function expectStops(running: Running, explanation: Explanation): Promise<void> {
    await expectSoon(
      () => stopped(running),
      () => {
        missing(`given up: ${running.held.label}`);
        return { compare: { expected: '(the work is given up)', received: '(the work continues)' }, ...explanation };
      },
      server.program,
    );
  }

  async function expectContinues(running: Running, explanation: Explanation): Promise<void> {
    await server.program.caughtUp();
    await server.program.caughtUp();
    if (!stopped(running)) return;
    missing(`still at work: ${running.held.label}`);
    throw new Failure({
      compare: { expected: '(the work continues)', received: '(the work was given up)' },
      ...explanation,
    });
  }

  async function expectResult({ posted, held, text }: Running, advice: string): Promise<void> {
    held.release();
    await posted.doneMeanwhile({ cause: `The tool has returned, but your server did not end its answer.`, advice });
    expectText(posted, text, advice);
  }

  async function cancel(client: Caller, requestId: string | number): Promise<void> {
    const posted = client.post(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, reason: word() } },
      { see: '' },
    );
    await posted.doneMeanwhile({
      cause: 'Your server did not answer notifications/cancelled while a tool was at work.',
      advice: 'Hand each message of a session to handleRequest of its transport, and await only this.',
    });
    posted.accepted(
      'Hand each message of a session to handleRequest of its transport, which answers a notification with 202.',
    );
  }

  async function setLevel(client: Caller, level: string): Promise<void> {
    (await client.ask('logging/setLevel', { level })).result({
      advice: ownSession,
    });
  }

  /** Calls `speak` with a message at each level, and looks at what comes at this level. */
  async function expectLevel(client: Caller, level: string, explanation: Explanation, meta = {}): Promise<void> {
    const [logs, text] = [atEachLevel(), words()];
    const posted = call(client, { messages: logs, reports: [], text }, { meta });
    await untilAtWork(posted, ownSession);
    const { cause, advice } = explanation;
    const lost = 'Your server left out a log message that is severe enough.';
    expectLogs(posted, atLeast(level, logs), { extra: { cause, advice }, lost: { cause: lost, advice } });
    await ends(posted, text);
    expectDone(posted, 'speak', level, atLeast(level, logs).length);
  }

  task({ number: 2, title: 'Remember the client', file: 'server.ts', asksForWork: true }, () => {
    let alice: Caller;
    let bob: Caller;
    let modern: Caller;

    requirement(
      'If a client posts `initialize`, the answer has a header `MCP-Session-Id` with at least 16 visible ASCII characters. Each client gets a different id, also if its `initialize` brings the id of a session.',
      async () => {
        await begins();
        const advice =
          'Give NodeStreamableHTTPServerTransport the option sessionIdGenerator: randomUUID, and make a new transport for each initialize request, whatever its headers are.';
        const seen = new Set<string>();
        for (const brings of [false, false, true]) {
          const brought: Record<string, string> = brings ? { 'MCP-Session-Id': [...seen][0]! } : {};
          const posted = await mcpClient(server).ask('initialize', hello(), { headers: brought });
          posted.result({ advice });
          const id = String(posted.headers['mcp-session-id'] ?? '');
          expect(/^[\x21-\x7e]{16,}$/.test(id), {
            cause:
              id === ''
                ? 'The answer to initialize has no session id.'
                : 'The session id is too short, or has characters that a header must not have.',
            compare: {
              expected: 'MCP-Session-Id: (at least 16 visible ASCII characters)',
              received: id === '' ? '(no MCP-Session-Id)' : visible(id),
            },
            advice:
              id === ''
                ? `Let app.all give requests of older clients to handleSession: isLegacyRequest says which requests these are. ${advice}`
                : advice,
            see: posted.see,
          });
          expect(!seen.has(id), { cause: 'Two clients have got the same session id.', advice, see: posted.see });
          seen.add(id);
        }
      },
    );

    requirement(
      'If a request or a notification of revision 2025-11-25 has no `MCP-Session-Id`, the server answers with status 400. If it has an id that the server did not issue, the server answers with status 404.',
      async () => {
        const bodies = [
          request(newId(), 'tools/list'),
          { jsonrpc: '2.0', method: 'notifications/initialized' },
          request(newId(), 'logging/setLevel', { level: 'error' }),
        ];
        const client = mcpClient(server);
        for (const body of bodies) {
          const without = await client.send(body);
          without.refused(
            400,
            undefined,
            'Refuse a request without the header MCP-Session-Id with status 400. Only initialize begins a session.',
          );
          for (const id of [`${word()}-${random.integer(1000, 9999)}-never-issued`, 'constructor']) {
            const unknown = await client.send(body, { headers: { 'MCP-Session-Id': id } });
            unknown.refused(
              404,
              undefined,
              'Refuse an id that is not in sessions with status 404: a client that gets it begins a new session.',
            );
          }
        }
      },
    );

    requirement(
      'After `logging/setLevel`, the level applies to all later calls of this session. Other sessions and requests of revision 2026-07-28 keep their own levels.',
      async () => {
        alice = await connect('2025-11-25', 'client 1');
        bob = await connect('2025-11-25', 'client 2');
        modern = await connect('2026-07-28', 'client 3');
        const forgotten: Explanation = {
          cause:
            'A client has set a log level, but your server sent a less severe message in a later call of its session.',
          advice: ownSession,
        };
        const foreign = (what: string): Explanation => ({
          cause: `The log level of ${what} is that of a different client.`,
          advice: 'Call makeServer for each session: the level is kept in the McpServer.',
        });
        await setLevel(alice, 'error');
        await expectLevel(alice, 'error', forgotten);
        await setLevel(bob, 'notice');
        await expectLevel(alice, 'error', foreign('a session'));
        await expectLevel(modern, 'info', foreign('a request of revision 2026-07-28'), { [levelKey]: 'info' });
        await expectLevel(bob, 'notice', forgotten);
        await setLevel(alice, 'debug');
        await expectLevel(alice, 'debug', forgotten);
        await expectLevel(bob, 'notice', foreign('a session'));
      },
    );

    requirement(
      'If a client posts `notifications/cancelled` with the `id` of a call in its session, the tool of this call stops. A call of another session continues, even if it has the same `id`.',
      async () => {
        const id = newId();
        const own = await begin(alice, id);
        const foreign = await begin(bob, id);
        const beside = await begin(alice);
        await cancel(alice, id);
        await expectStops(own, {
          cause: 'A client cancelled its call, but the tool continues to work.',
          advice: `${ownSession} A server that was made for the notification alone does not know the call.`,
        });
        for (const other of [foreign, beside])
          await expectContinues(other, {
            cause: 'A client cancelled one call, and your server stopped a different call.',
            advice: ownSession,
          });
        for (const other of [foreign, beside]) await expectResult(other, ownSession);
        expect(responsesIn(own.posted).length === 0, {
          cause: 'A client cancelled its call, but your server sent a response to it.',
          compare: { expected: '(no response)', received: visible(own.posted.text.slice(-200)) },
          advice: 'Leave the answer to the transport. It sends no response for a call that was cancelled.',
        });
        own.posted.close();
      },
    );

    requirement(
      'If a client of revision 2025-11-25 leaves without a notification, its call continues. If a client of revision 2026-07-28 closes the answer, the tool of this call stops.',
      async () => {
        const old = await begin(alice);
        old.posted.close();
        await expectContinues(old, {
          cause:
            'A client of revision 2025-11-25 has lost its connection, and your server gave up the work of its call.',
          advice:
            'Give requests of older clients to the transport of their session. It does not take a closed connection for a cancellation, but the handler for revision 2026-07-28 does.',
        });
        const handler =
          'Give requests of revision 2026-07-28 to handle, and hand the signal on to the tool: signal: mcpReq.signal.';
        const other = await begin(modern);
        other.posted.close();
        await expectStops(other, {
          cause: 'A client of revision 2026-07-28 has closed the answer to its call, but the tool continues to work.',
          advice: handler,
        });
        old.held.release();
        await server.program.caughtUp();
      },
    );

    requirement(
      'If a client sends `DELETE /mcp` with its session id, the server answers with a 2xx status and ends the session: from then on, it answers this id with 404. Other sessions continue.',
      async () => {
        const advice =
          'Give each request of an older client to handleSession, whatever its HTTP method is. The transport answers DELETE, and its option onsessionclosed tells you which id to remove from sessions.';
        const carol = await connect('2025-11-25', 'client 4');
        const gone = server.request('/mcp', { method: 'DELETE', headers: carol.headers, who: 'client 4' });
        await expectSoon(
          () => finished(gone),
          () => ({ cause: 'Your server did not answer DELETE.', advice }),
          server.program,
        );
        expect(gone.status! >= 200 && gone.status! < 300, {
          cause: 'Your server refused the DELETE of a session.',
          compare: { expected: '200', received: received(gone) },
          advice,
        });
        (await carol.ask('tools/list')).refused(404, undefined, advice);
        const again = server.request('/mcp', { method: 'DELETE', headers: carol.headers, who: 'client 4' });
        await expectSoon(
          () => finished(again),
          () => ({ cause: 'Your server did not answer DELETE.', advice }),
          server.program,
        );
        expect(again.status === 404, {
          cause: 'Your server answered the DELETE of a session that is over with the wrong status.',
          compare: { expected: '404', received: received(again) },
          advice,
        });
        for (const client of [alice, bob])
          (await client.ask('tools/list')).result({
            cause: 'A client has ended its session, and the session of a different client has ended too.',
            advice: 'Remove only the id that onsessionclosed gets.',
          });
      },
    );

    requirement(
      'If a request is of revision 2026-07-28, the server answers it without a handshake. It ignores the header `MCP-Session-Id` of the request, and leaves it out of the answer.',
      async () => {
        const brought: Record<string, string>[] = [
          {},
          { 'MCP-Session-Id': `${word()}-never-issued` },
          { 'MCP-Session-Id': alice.headers['MCP-Session-Id']! },
        ];
        for (const headers of brought) {
          const client = await connect('2026-07-28');
          const text = words();
          const posted = call(client, { text }, { tool: 'short', headers });
          await posted.done();
          const advice =
            'Ask isLegacyRequest, and not whether there is an MCP-Session-Id. Give each request that is not of an older client to handle.';
          posted.result({ advice });
          expectText(posted, text, advice);
          expect(posted.headers['mcp-session-id'] === undefined, {
            cause: 'Your server sent an MCP-Session-Id to a client of revision 2026-07-28.',
            compare: {
              expected: '(no MCP-Session-Id)',
              received: `MCP-Session-Id: ${posted.headers['mcp-session-id']}`,
            },
            advice,
          });
        }
      },
    );

    requirement(
      'The official clients (both generations in revision 2025-11-25, the second also in 2026-07-28) get log messages at their level, and each report, while the tool is at work. They can cancel a call.',
      async () => {
        const { program } = server;
        for (const generation of ['first', 'second', 'stateless'] as const) {
          const stateless = generation === 'stateless';
          const which = `the official client of the ${stateless ? 'second' : generation} generation in revision ${stateless ? eras[1] : eras[0]}`;
          const logs: Log[] = [];
          const client = await officialClient(server, generation, (log) => logs.push(log), {
            logLevel: stateless ? 'warning' : undefined,
          });
          if (!stateless) await client.setLevel('warning');
          const all = atEachLevel();
          const wanted = atLeast('warning', all);
          const reports: Report[] = [];
          const text = words();
          const args = { messages: all, reports: [{ progress: 1, total: 2 }], text };
          const calling = client.beginTool('speak', args, (report) => reports.push(report));
          const came = () => logs.length >= wanted.length && reports.length > 0;
          await expectSoon(
            () => calling.over || came(),
            () => ({
              cause: `${which[0]!.toUpperCase()}${which.slice(1)} has not got all log messages and reports while the tool is at work.`,
              compare: {
                expected: `${wanted.length} log messages, 1 report`,
                received: `${logs.length} log messages, ${reports.length} reports`,
              },
              advice: ownSession,
            }),
            program,
          );
          calling.text();
          await program.caughtUp();
          const shown = (each: Log[]) =>
            each.map(({ level, data, logger }) => asJson({ level, data, logger })).join('\n');
          expect(shown(logs) === shown(wanted), {
            cause: `The log messages that ${which} got are wrong.`,
            compare: { expected: shown(wanted), received: shown(logs) },
            advice: ownSession,
          });
          program.held[0]?.release();
          await expectSoon(
            () => calling.over,
            () => ({ cause: `The call of ${which} has no result.`, advice: ownSession }),
            program,
          );
          expect(calling.text() === text, {
            cause: `The result that ${which} got is wrong.`,
            advice: 'Return what the tool has returned.',
          });

          const stop = new AbortController();
          const cancelled = client.beginTool('short', { text }, undefined, stop.signal);
          await expectSoon(
            () => program.held.length > 0 || cancelled.over,
            () => ({ cause: `The call of ${which} is not at work.`, advice: ownSession }),
            program,
          );
          stop.abort(new Error('no longer needed'));
          await expectSoon(
            () => program.held.length === 0,
            () => ({ cause: `A call was cancelled by ${which}, but the tool continues to work.`, advice: ownSession }),
            program,
          );
        }
      },
    );
  });

  const see = 'npm run try lesson-25';
  const newSession = () => `${word()}-${random.integer(1000, 9999)}-${random.integer(1000, 9999)}`;

  const early =
    'Call setNotificationHandler before client.connect. The SDK drops a notification for which there is no handler yet, without a word.';

  /** A client, and a server for it that speaks revision 2025-11-25, and can log something before it answers initialize. */
  async function upToLevel(terms: Omit<Terms, 'see'>, greeting?: string): Promise<Script & { asked: ReceivedMessage }> {
    const script = await scriptedServer(run, { see, session: newSession(), ...terms }).start();
    if (greeting === undefined) await script.handshake();
    else {
      const initialize = await script.next('initialize');
      await initialize.stream(logMessage('notice', greeting));
      await script.client.prints([`NOTIFICATION: notice ${greeting}`], {
        cause: 'A log message came before the answer to initialize, but your client did not print it.',
        advice: early,
      });
      await initialize.stream(initialize.result(script.initializeResult()));
      initialize.end();
      (await script.next('notifications/initialized')).accept();
    }
    const asked = await script.next('logging/setLevel', {
      advice: 'Call client.setLoggingLevel after client.connect, in each new session.',
    });
    asked.expectAgreed();
    return { ...script, asked };
  }

  async function upToCall(terms: Omit<Terms, 'see'>): Promise<Script & { called: ReceivedMessage }> {
    const script = await upToLevel(terms);
    await script.asked.json(script.asked.result({}));
    const called = await script.next('tools/call');
    called.expectAgreed();
    return { ...script, called };
  }

  /** The session is over: the server does not know its id any more, and begins a new one when it is asked to. */
  async function over(script: Script, called: ReceivedMessage): Promise<void> {
    script.agreed.session = newSession();
    await called.answer(404, 'application/json', JSON.stringify(called.error(-32600, 'there is no such session')));
  }

  const again =
    'Catch the error of call. If it is an SdkHttpError whose status is 404, close the client, begin a new session with beginSession, and call again. The SDK does not do this for you.';

  /** The client shakes hands again, and asks for the level again. */
  async function expectNewSession(
    script: Script,
    { isSecond = false, goodbyes = [] as GraderCall[] } = {},
  ): Promise<ReceivedMessage> {
    const { client } = script;
    await script.movesOn('The server has answered a call with status 404, but your client does nothing.', again);
    if (!script.waiting()) {
      expect(goodbyes.length === 0, {
        cause:
          'The server answered a call with status 404, because the session is over, but your client sent a DELETE for this session. The server refused the DELETE, and your client gave up.',
        compare: {
          expected: '"method":"initialize"',
          received: `DELETE /mcp (answered with status ${goodbyes[0]?.response.statusCode})`,
        },
        advice:
          'Call terminateSession only at the end, and catch its error. A session that is over needs no DELETE, so close only the client before you call beginSession.',
        see,
      });
      throw new Failure({
        cause: isSecond
          ? 'The session was over a second time, so the server answered a later call with status 404, but your client gave up.'
          : 'The server answered a call with status 404, because the session is over, but your client gave up.',
        compare: {
          expected: '"method":"initialize"',
          received: `(your client ended with exit code ${client.end?.code})`,
        },
        advice: isSecond
          ? 'Begin a new session one time for each call, and not one time for the whole program.'
          : again,
        see,
      });
    }
    const initialize = await script.next('initialize', {
      advice: 'Begin the new session with a handshake: a call in the old session gets 404 each time.',
    });
    initialize.expectNoSession(
      'Make a new StreamableHTTPClientTransport for the new session. The old one still sends the session id that is over.',
    );
    await initialize.json(initialize.result(script.initializeResult()));
    (await script.next('notifications/initialized')).accept();
    const asked = await script.next('logging/setLevel', {
      cause: 'Your client has begun a new session, but did not ask for its log level again.',
      advice:
        'Call setLoggingLevel in each new session: the level belongs to the session, so the new one begins without it.',
    });
    asked.expectSession();
    await asked.json(asked.result({}));
    const called = await script.next('tools/call', { advice: again });
    called.expectSession();
    return called;
  }

  const printsIt = 'Print each result with console.log before the next call, as the starter does.';

  const textOfCall = (called: ReceivedMessage) => called.member('params').at('arguments').at('message').value;

  task({ number: 3, title: 'Begin again', file: 'client.ts' }, () => {
    requirement(
      'The client prints each log message as `NOTIFICATION: LEVEL DATA` and each report as `PROGRESS: PROGRESS/TOTAL` when it arrives, also a message that comes in the answer to `logging/setLevel`.',
      async () => {
        const text = words();
        const [beforeLevel, first, second] = [words(), words(), words()];
        const script = await upToLevel({ message: text }, random.aside(words));
        const { client, asked } = script;
        await asked.stream(logMessage('warning', beforeLevel));
        await client.prints([`NOTIFICATION: warning ${beforeLevel}`], {
          cause: 'A log message came before the answer to logging/setLevel, but your client did not print it.',
          advice: early,
        });
        await asked.stream(asked.result({}));
        asked.end();
        const called = await script.next('tools/call');
        const advice = 'Print in the handler, and in onprogress.';
        await called.stream(logMessage('info', first));
        await client.prints([`NOTIFICATION: info ${first}`], {
          cause: 'Your client did not print a log message that has arrived.',
          advice,
        });
        const token = called.member('params').at('_meta').at('progressToken').value;
        await called.stream(notification('notifications/progress', { progressToken: token, progress: 1, total: 3 }));
        await client.prints(['PROGRESS: 1/3'], {
          cause: 'Your client did not print a report that has arrived.',
          advice,
        });
        await called.stream(called.result(textResult(second)));
        called.end();
        await client.prints([`RESULT: ${second}`], { cause: 'Your client did not print the result.', advice });
        await client.endsWell('The call was answered', 'End the session, and close the client.');
      },
    );

    requirement(
      'If the server answers a call with status 404, the client shakes hands again without the old session id, sets its log level again, and repeats this call in the new session.',
      async () => {
        const texts = [words(), words()];
        const script = await upToCall({ message: texts[0]!, moreMessages: [texts[1]!] });
        const { client, called } = script;
        await called.json(called.result(textResult(texts[0]!)));
        // The client calls again as soon as it has printed the result.
        const refused = await script.next('tools/call');
        await client.prints([`RESULT: ${texts[0]}`], {
          cause: 'Your client did not print the result.',
          advice: printsIt,
        });
        await over(script, refused);
        const repeated = await expectNewSession(script);
        expect(textOfCall(repeated) === texts[1], {
          cause: 'Your client repeated a different call than the one that was refused.',
          compare: { expected: asJson(texts[1]), received: asJson(textOfCall(repeated)) },
          advice: 'Repeat only the call that got 404: the calls before it have their results.',
          see,
        });
        const { _meta: meta } = paramsOf(repeated.message);
        const { progressToken } = (meta ?? {}) as { progressToken?: unknown };
        expect(progressToken !== undefined, {
          cause: 'Your client repeated the call without a progressToken, so it gets no reports.',
          compare: { expected: '"_meta":{"progressToken":…}', received: asJson(repeated.message) },
          advice: 'Repeat the call with the function call, which has onprogress.',
          see,
        });
        await repeated.stream(
          logMessage('info', 'again'),
          notification('notifications/progress', { progressToken, progress: 1, total: 3 }),
          repeated.result(textResult(texts[1]!)),
        );
        repeated.end();
        await client.prints(['NOTIFICATION: info again', 'PROGRESS: 1/3', `RESULT: ${texts[1]}`], {
          cause: 'Your client did not print what came in the new session.',
          advice: 'Set the handlers in beginSession, so that each new Client has them.',
        });
        await client.endsWell('The repeated call was answered', 'End the session, and close the client.');
      },
    );

    requirement('Later calls of the client use the new session.', async () => {
      const texts = [words(), words(), words()];
      const last = words();
      const script = await upToCall({ message: texts[0]!, moreMessages: [...texts.slice(1), last] });
      const { client } = script;
      await over(script, script.called);
      let called = await expectNewSession(script);
      for (const text of texts) {
        expect(textOfCall(called) === text, {
          cause: 'Your client left out a call, or made one two times.',
          compare: { expected: asJson(text), received: asJson(textOfCall(called)) },
          advice: 'Repeat the call that got 404 one time, and continue with the next one.',
          see,
        });
        called.expectSession();
        await called.json(called.result(textResult(text)));
        called = await script.next('tools/call', {
          cause: 'Your client did not make its next call in the new session.',
          advice: 'Keep the new session in the variable session, so that later calls find it there.',
        });
        await client.prints([`RESULT: ${text}`], { cause: 'Your client did not print the result.', advice: printsIt });
      }
      // A server can be started again more than one time.
      await over(script, called);
      called = await expectNewSession(script, { isSecond: true });
      await called.json(called.result(textResult(last)));
      await client.prints([`RESULT: ${last}`], { cause: 'Your client did not print the result.', advice: printsIt });
      await client.endsWell('All calls were answered', 'End the session, and close the client.');
    });

    requirement(
      'If the repeated call is answered with status 404 too, the client begins no third session. It prints one line on standard error and exits with code 1.',
      async () => {
        const script = await upToCall({ message: words() });
        await over(script, script.called);
        await over(script, await expectNewSession(script));
        const advice =
          'Repeat a call one time only. A server that answers each call with 404 would keep your client busy for ever.';
        await script.movesOn(
          'The server answered the repeated call with 404, but your client is still running.',
          advice,
        );
        await script.nothingPosted({
          cause: 'The server answered the repeated call with status 404, and your client began a third session.',
          advice,
        });
        await script.client.fails({ code: 1, about: 'a repeated call that was refused', advice });
      },
    );

    requirement(
      'If the server answers a call with any other status outside of 2xx, the client begins no new session. It prints one line on standard error and exits with code 1.',
      async () => {
        // Status 400 and 410 are near to 404, and a server that is started again may answer with 500 or 503.
        for (const status of [400, 410, random.pick([500, 503])]) {
          const script = await upToCall({ message: words() });
          await script.called.answer(status, 'text/plain', word());
          const advice =
            'Compare error.status with 404, and throw every other error again. Only 404 says that the session is over.';
          await script.movesOn('The server refused a call, but your client is still running.', advice);
          await script.nothingPosted({
            cause: `The server answered a call with status ${status}, and your client began a new session.`,
            advice,
          });
          await script.client.fails({ code: 1, about: `status ${status}`, advice });
        }
      },
    );

    requirement(
      'At the end, the client sends a `DELETE` with the id of its session. The answer to it does not change the exit code.',
      async () => {
        const status = random.pick([404, 500]);
        const goodbyes: GraderCall[] = [];
        const hears = (each: GraderCall) => {
          if (each.request.method !== 'DELETE') return false;
          goodbyes.push(each);
          each.response.writeHead(status);
          each.end();
          return true;
        };
        const script = await upToCall({ message: words(), hears });
        const { client } = script;
        await over(script, script.called);
        const called = await expectNewSession(script, { goodbyes });
        await called.json(called.result(textResult('done')));
        // A goodbye that nobody catches can end the client before or after the result is read here.
        await until(() => client.end);
        await client.prints(['RESULT: done'], {
          cause: 'Your client did not print the result.',
          advice: printsIt,
        });
        await client.endsWell(
          'The call was answered',
          'Catch what terminateSession rejects with: the user has the result already.',
        );
        const advice =
          'Call terminateSession of the transport before client.close, and await it. close ends only the connections, and the server keeps the session.';
        expect(goodbyes.length > 0, {
          cause: 'Your client ended, but did not tell the server that its session is over.',
          compare: { expected: 'DELETE /mcp', received: '(no DELETE)' },
          advice,
          see,
        });
        expectHeader(
          goodbyes.at(-1)!.request,
          'MCP-Session-Id',
          (value) => value === script.agreed.session,
          script.agreed.session,
          {
            cause: 'The DELETE of your client has the wrong session id.',
            advice: 'End the session that is open: that of the variable session.',
            see,
          },
        );

        const failing = await upToCall({ message: words() });
        await failing.called.answer(500, 'text/plain', word());
        await failing.client.fails({ code: 1, about: 'a call that was refused with status 500', advice });
        expect(failing.goodbyes.length > 0, {
          cause: 'A call failed, and your client ended without telling the server that its session is over.',
          compare: { expected: 'DELETE /mcp', received: '(no DELETE)' },
          advice: 'Call terminateSession in a finally block: the session is open after a failed call too.',
          see,
        });
      },
    );
  });

  /** As it stands inside a sentence. */
  const lower = (what: string) => what.charAt(0).toLowerCase() + what.slice(1);
  const lastLine = (text: string) =>
    text
      .trim()
      .split('\n')
      .find((line) => /Error/.test(line)) ?? '(the server has ended)';
});
