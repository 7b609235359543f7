import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expectEnd, expectInterrupted, underTimeLimit } from '../harness/vocabulary/command-line.ts';
import { finished, release } from '../harness/vocabulary/http.ts';
import { initialize, mcpClient, request, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
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
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  let server: Server;
  /** A client for each revision. That of 2025-11-25 has shaken hands. */
  let clients: Record<Revision, McpClient>;

  const word = () => random.words(1)[0]!;
  const anyId = newIds(random);
  /** The official server takes strings and whole numbers as ids, as the specification has it. */
  const newId = (): string | number => {
    const id = anyId();
    return typeof id === 'string' || Number.isInteger(id) ? id : newId();
  };

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

  const atMcp = "Mount the handler for every method of HTTP: app.all('/mcp', toNodeHandler(createMcpHandler(makeServer))).";
  const eachItsOwn =
    'Hand the function makeServer itself to createMcpHandler, and create the McpServer inside of this function. The handler calls it for each request, because a server that is connected to one request cannot serve another.';

  /** Posts a request in this revision, and waits for nothing. */
  function post(revision: Revision, method: string, params: object, wish: Wish = {}, see?: string): Posted {
    const { level, token } = wish;
    const own = token === undefined ? {} : { progressToken: token };
    const more = see === undefined ? {} : { see };
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

  /** While the tool is at work, these notifications have come, and no others; then lets it go on. */
  async function expectSaid(posted: Posted, step: Step, before: number, token?: Token): Promise<number> {
    const due = [step.log, ...(step.report && token !== undefined ? [step.report] : [])];
    await notified(server, posted, before + due.length);
    const came = notificationsIn(posted);
    for (const [i, said] of due.entries()) {
      const message = came[before + i];
      if (!message) {
        const data = 'data' in said ? String(said.data) : String(said.message);
        const [held] = server.program.held;
        throw await whyNotSent(server, posted, {
          index: before + i,
          text: data,
          work: held?.label.replace(/ of .*/, '') ?? 'its next piece',
          never: neverCame,
        });
      }
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
              [-32603]: 'Hand the zod schema itself to registerTool, as inputSchema: input. The SDK makes JSON Schema of it.',
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
          expectText(sum, String(a + b), inCallback);
          expectText(
            await callTool(revision, 'add', { a: b }).done(),
            String(b + 1),
            'Hand the zod schema itself to registerTool, so that the SDK fills in its defaults, and pass on the args that the callback gets.',
          );
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
      'While a tool is at work, the client has already received each log message of level `info` and each report of progress that the tool has made so far, in this order, in either revision.',
      async () => {
        for (const revision of revisions) {
          const token = `${word()}-${random.integer(1, 99)}`;
          const text = word();
          const steps = [
            step({}, { progress: 0, total: 3, message: word() }),
            step({ level: 'error', data: { [word()]: [1, null, word()] } }, { progress: 1.5, total: 3, message: word() }),
            step({ logger: undefined, data: `${word()} é世` }, { progress: 3, message: word() }),
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
      'If the `_meta` of a call in `2026-07-28` has a log level, the server sends the log messages of the tool at this level and above. If the call has no log level, it sends none of them.',
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
            cause: came.length > due.length
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
      'If the `_meta` of a call has a `progressToken`, which can also be `0` or an empty string, each report of the tool has exactly this token. If the call has no token, the server sends no report.',
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
              compare: { expected: token === undefined ? '(no report)' : asJson({ progressToken: token, ...report }), received: reports.length === 0 ? '(no report)' : asJson(reports[0]) },
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
            cause: 'Several calls ran at the same time, but a response does not have exactly the messages of its own call.',
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
        const advice = 'Hand mcpReq.signal to the tool, as signal in what contextOf returns. Each request has a signal of its own.';
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
          const posted = post(revision, 'tools/call', params, { level: 'info', token: word() }, '');
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
});
