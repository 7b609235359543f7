import { fileURLToPath } from 'node:url';
import { tenDocuments } from '../../lessons/support/documents.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { underTimeLimit, type Client } from '../harness/vocabulary/command-line.ts';
import { finished, release, workMs } from '../harness/vocabulary/http.ts';
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
  expectLastEventEnded,
  expectNotification,
  expectResponseLast,
  newIds,
  notificationsIn,
  paramsOf,
  responsesIn,
  untilResponse,
  whyNotSent,
} from '../harness/vocabulary/notifications.ts';
import { officialClient, type Report } from '../harness/vocabulary/official-client.ts';
import { screen, terminal } from '../harness/vocabulary/terminal.ts';
import { expectNoFailure, expectText, firstText, objectIn } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';

type Token = string | number;

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  const total = tenDocuments.length;
  /** What `process_files` says before it works on each document. */
  const texts = tenDocuments.map((_document, i) => `Processing document ${i + 1}/${total}`);
  const see = 'npm run try lesson-13';

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  let tokens = 0;
  const newToken = () => `${word()}-${++tokens}`;

  /** Starts a server that may send a report of a call every so many milliseconds, and lets two clients shake hands. */
  async function start(interval: number): Promise<void> {
    const tools = fileURLToPath(new URL('../harness/tools/progress.ts', import.meta.url));
    server = await startServer({ MORE_TOOLS: tools, PROGRESS_INTERVAL: String(interval) });
    alice = await connect('client 1');
    bob = await connect('client 2');
  }

  /** A client that has shaken hands. How the server takes the notification is the subject of other lessons. */
  async function connect(who: string): Promise<McpClient> {
    const client = mcpClient(server, { who, newId });
    await initialize(client);
    await client.notify('notifications/initialized');
    return client;
  }

  /** Calls a tool, asks for reports if there is a token, and waits for nothing. */
  function callTool(client: McpClient, name: string, args: object, progressToken?: Token, id = newId()): Posted {
    const params = { name, arguments: args, ...(progressToken !== undefined && { _meta: { progressToken } }) };
    const own = name === 'process_files' ? { see } : { see: '' };
    return client.post(request(id, 'tools/call', params), own);
  }

  const isReport = (message: object) => 'method' in message && message.method === 'notifications/progress';
  const reportsIn = (posted: Posted) => notificationsIn(posted).filter(isReport);
  const progressIn = (posted: Posted) => reportsIn(posted).map((message) => paramsOf(message).progress);

  /** Whether a call has brought a report. */
  let someCame = false;

  /** Waits until this many reports have come, or a response, or the end of the answer; held work stays held. */
  async function reported(posted: Posted, count: number): Promise<void> {
    const came = () => reportsIn(posted).length >= count || responsesIn(posted).length > 0 || finished(posted);
    if (!(await until(came))) {
      for (let turn = 0; turn < 25 && !came() && !server.program.end; turn++) await server.program.caughtUp();
    }
    await server.program.caughtUp();
    someCame ||= reportsIn(posted).length > 0;
  }

  const neverSent =
    'Follow the report through your code: the tool calls context.progress, and your function sends a notification if progressToken is not undefined. progressTokenOf has to return the token. If you have changed limited already, its function report has to keep the report in latest before it calls sendLatest.';

  /** Why a report is not on the wire, although the tool is at work behind it. */
  async function whyNotReported(posted: Posted, index: number, text: string, work: string): Promise<Failure> {
    const others = notificationsIn(posted).filter((message) => !isReport(message));
    const log = others.find((message) => JSON.stringify(message).includes(text));
    if (log) {
      return new Failure({
        cause: `Your server sent "${text}" with the method ${String(log.method)} instead of notifications/progress.`,
        compare: { expected: '"method":"notifications/progress"', received: asJson(log) },
        advice:
          'progressToken' in paramsOf(log)
            ? 'Change the method of the notification to notifications/progress: a client looks for reports by this method.'
            : 'Let the tool call context.progress instead of context.log. A log message belongs to no request, and its numbers are hidden in words.',
        see: posted.see,
      });
    }
    return whyNotSent(server, posted, {
      index: index + others.length,
      text,
      work,
      never: someCame
        ? 'Look for the difference to a call before this one, whose reports have come. Keep what you remember of the reports inside of the function limited, because a variable outside of it is shared by all calls.'
        : neverSent,
      instead(message) {
        if (paramsOf(message).message === text || !isReport(message)) return undefined;
        return new Failure({
          cause: `Your server did not send the report "${text}", but it sent the next report.`,
          compare: { expected: `"progress":${index}`, received: asJson(message) },
          advice:
            index === 0
              ? 'Send the first report of each call, whatever its progress is. Here it is 0, so let the greatest progress begin with -Infinity, and do not test a number as in if (progress).'
              : 'Send each report whose progress is greater than the greatest one of this call so far.',
          see: posted.see,
        });
      },
    });
  }

  /** Goes through a call of process_files, and looks at each report while the tool works on its document. */
  async function stepThrough(posted: Posted, lookAt: (report: object, i: number) => void): Promise<void> {
    for (const [i, { name }] of tenDocuments.entries()) {
      const atWork = await posted.atWork();
      await reported(posted, i + 1);
      const [response] = responsesIn(posted);
      expect(!response && atWork, {
        cause: response
          ? `Your server sent a response, but the tool had not finished ${name}.`
          : `The tool is not at work on ${name}.`,
        compare: { expected: texts[i]!, received: asJson(response) },
        advice: 'Go through all ten documents, await work(name) once for each, and return when all work is done.',
        see,
      });
      const [report, next] = reportsIn(posted).slice(i);
      if (!report) throw await whyNotReported(posted, i, texts[i]!, name);
      lookAt(report, i);
      expect(!next, {
        cause: `Your server sent one more report while the tool was still at work on ${name}.`,
        compare: { expected: `only "${texts[i]}"`, received: asJson(next) },
        advice:
          asJson(next) === asJson(report)
            ? 'Call context.progress once for each document. If your tool does this already, let the function report in limited send a report only through sendLatest: a call of send beside it sends the report twice.'
            : 'Call context.progress once before the work on each document, and await work(name) after it.',
        see,
      });
      release(server.program);
    }
    await untilResponse(server, posted);
  }

  /**
   * The report is a notification with these params.
   * @param advice for a wrong number or text, where the tool is the learner's own
   */
  function expectReport(
    posted: Posted,
    message: object,
    report: Report & { progressToken: Token },
    advice?: string,
  ): void {
    const params = expectNotification(posted, message as never, 'notifications/progress', report);
    expectToken(posted, message, report.progressToken);
    params
      .at('progress')
      .is(
        report.progress,
        'The progress of the report is wrong.',
        advice ?? 'Send the number that the tool gave to progress, without a change.',
      );
    for (const member of ['total', 'message'] as const) {
      const wanted = report[member];
      const cause =
        wanted === undefined
          ? `The tool gave no ${member}, but the report has a ${member}.`
          : `The ${member} of the report is wrong.`;
      const asGiven =
        wanted === undefined
          ? `Leave the ${member} out if the tool did not give it. JSON.stringify leaves out a member that is undefined, but it keeps null and an empty string.`
          : `Send the ${member} that the tool gave to progress, also if it is ${member === 'total' ? '0' : 'an empty string'}.`;
      params.at(member).is(wanted, cause, advice ?? asGiven);
    }
  }

  function expectToken(posted: Posted, message: object, token: Token): void {
    const { progressToken } = paramsOf(message as never);
    const { id } = posted.message as { id: Token };
    const isId = progressToken === id && token !== id;
    look(paramsOf(message as never), 'params', posted.see)
      .at('progressToken')
      .is(
        token,
        isId
          ? 'The progressToken of the report is the id of the request. The client asked for reports with a different token.'
          : String(progressToken) === String(token)
            ? 'The progressToken of the report has a different type than the token of the call.'
            : 'The progressToken of the report is not the token of the call.',
        isId
          ? 'Send the progressToken that the client put into params._meta. Some clients use the id as their token, but others choose a different one.'
          : 'Send the progressToken of params._meta as it came, without String, Number or a template. Keep it in a const inside of the function that answers this call.',
      );
  }

  task({ number: 1, title: 'Report each document', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a call of `process_files` has a `progressToken` in `params._meta`, the server sends a `notifications/progress` with the message `Processing document 1/10` while the tool works on this document, then `2/10`, and so on.',
      async () => {
        await start(0); // the rate is the subject of task 2
        const posted = callTool(alice, 'process_files', { message: word() }, newToken());
        await stepThrough(posted, (report, i) => {
          const params = expectNotification(posted, report as never, 'notifications/progress', {
            progressToken: '…',
            progress: i,
            total,
            message: texts[i],
          });
          params
            .at('message')
            .is(
              texts[i],
              'The message of the report is wrong.',
              'Give progress the text of the document that comes next, before you await its work.',
            );
        });
      },
    );

    requirement(
      'In each report of `process_files`, `progress` is the number of documents that are done, and `total` is 10. After the last document, the server sends `Processing complete!`, then the response, and ends the stream.',
      async () => {
        const counts =
          'Call context.progress(i, total, …) before the work, where i documents are done and total is tenDocuments.length. Call it once more after the loop, with total as the progress and the text Processing complete!';
        const message = random.words(2).join(' ');
        const progressToken = newToken();
        const posted = callTool(alice, 'process_files', { message }, progressToken);
        await stepThrough(posted, (report, i) =>
          expectReport(posted, report, { progressToken, progress: i, total, message: texts[i]! }, counts),
        );
        await posted.done();
        expectLastEventEnded(posted);
        expectResponseLast(posted);
        const [complete, extra] = reportsIn(posted).slice(total);
        expect(complete, {
          cause: 'All work is done, but your server did not send the report "Processing complete!".',
          compare: {
            expected: `"progress":${total},"total":${total},"message":"Processing complete!"`,
            received: '(nothing)',
          },
          advice: 'Call context.progress once more after the loop, before the tool returns.',
          see,
        });
        const atTheEnd = { progressToken, progress: total, total, message: 'Processing complete!' };
        expectReport(posted, complete, atTheEnd, counts);
        expect(!extra, {
          cause: 'Your server sent one more report after "Processing complete!".',
          compare: { expected: '(the response)', received: asJson(extra) },
          advice:
            extra && paramsOf(extra).progress === undefined
              ? 'Look at finish: send(latest!) sends a message also if no report waits. Call sendLatest instead, which sends only a report that waits.'
              : 'Call context.progress once after the loop.',
          see,
        });
        expectText(posted, `Done: ${message}`, 'Return the result of the tool as before.');
      },
    );

    requirement(
      'Each report contains the `progressToken` of its call with its type: a string or a number, also an empty string or `0`. The token can differ from the `id` of the request.',
      async () => {
        const cases: Token[] = [
          newToken(),
          0,
          '',
          random.integer(1, 9999),
          String(random.integer(1, 9999)),
          ` "${random.words(2).join(' ')}"\n é世🎈 `,
          -random.integer(1, 99),
          '0',
        ];
        for (const token of cases) {
          const message = word();
          const posted = callTool(alice, 'report_each', { reports: [{ progress: 1, total: 2, message }] }, token);
          await posted.atWork();
          await reported(posted, 1);
          const [report] = reportsIn(posted);
          if (!report && (token === 0 || token === '')) {
            throw new Failure({
              cause: `The progressToken of the call is ${asJson(token)}, and your server sent no report.`,
              compare: { expected: `"progressToken":${asJson(token)}`, received: '(nothing)' },
              advice:
                'Compare the token with undefined. 0 and an empty string are tokens too, but a test such as if (token) takes them for a missing token. isId says whether a value is a string or a number.',
              see: '',
            });
          }
          if (!report) throw await whyNotReported(posted, 0, message, 'the first part');
          expectReport(posted, report, { progressToken: token, progress: 1, total: 2, message });
          release(server.program);
          await posted.done();
          posted.result();
        }
      },
    );

    requirement(
      'If a call lacks a `progressToken`, the server sends no report, and the response is the same.',
      async () => {
        for (const meta of [undefined, {}, { [word()]: newToken() }]) {
          const message = word();
          const params = { name: 'process_files', arguments: { message }, ...(meta && { _meta: meta }) };
          const posted = await alice.post(alice.request('tools/call', params), { see }).done();
          expectText(posted, `Done: ${message}`, 'Answer a call as before if it does not ask for reports.');
          const [report] = reportsIn(posted);
          expect(!report, {
            cause: `A call ${meta ? `has the _meta ${asJson(meta)}` : 'has no _meta'}, so its client has not asked for reports, but your server sent one.`,
            compare: { expected: '(only the response)', received: asJson(report) },
            advice:
              'Send reports only if the call has a progressToken. Without a token, a client cannot know which call a report belongs to.',
            see,
          });
          expectResponseLast(posted);
        }
      },
    );

    requirement(
      'If a tool reports without a `total` or a `message`, the server leaves this member out. It sends numbers as the tool gives them, also fractions.',
      async () => {
        const reports: Report[] = [
          { progress: 0 },
          { progress: random.integer(1, 9) / 16, total: 1 },
          { progress: 1, message: `${word()}: "é世🎈"` },
          { progress: 1.5, total: 0, message: '' },
          { progress: random.integer(2, 99), total: 2.5, message: `${word()}\n\ndata: {"forged":true}\n\n` },
          { progress: 1e12, total: 1e15, message: word() },
        ];
        const progressToken = newToken();
        const posted = callTool(alice, 'report_each', { reports }, progressToken);
        for (const [i, report] of reports.entries()) {
          await posted.atWork();
          await reported(posted, i + 1);
          const message = reportsIn(posted)[i];
          if (!message) {
            missing(`"progress":${report.progress}`);
            throw new Failure({
              cause: `A tool reported ${asJson(report)}, but your server did not send this report while the tool was at work.`,
              compare: { expected: `"progress":${report.progress}`, received: '(nothing)' },
              advice:
                'Send each report whose progress is greater than the one before, with the numbers as the tool gives them: they can be fractions.',
              see: '',
            });
          }
          expectReport(posted, message, { ...report, progressToken });
          release(server.program);
        }
        await posted.done();
        posted.result();
        expectResponseLast(posted);
      },
    );

    requirement(
      'If several calls run at the same time, each stream contains only the reports of its own call, with the token of this call. This also holds for calls with the same `id`.',
      async () => {
        const { program } = server;
        const id = newId();
        type Running = { posted: Posted; token: Token; message: string; begun: number };
        const calls: Running[] = [];
        /** The call that each held piece of work belongs to, in the order of `program.held`. */
        const atWork: Running[] = [];
        const own =
          'Keep the token, the response and the variables of limited in the function that answers this call. A variable outside of it is shared by all calls, and so is a Map: two calls can have the same id, and two clients can choose the same token.';

        const expectOwn = async () => {
          const enough = () => calls.every(({ posted, begun }) => reportsIn(posted).length >= Math.min(begun, total));
          const foreign = () => calls.some(({ posted, begun }) => reportsIn(posted).length > begun);
          const each = (numbers: number[]) => numbers.map((number, i) => `${number} in answer ${i + 1}`).join(', ');
          const compare = () => ({
            expected: each(calls.map(({ begun }) => begun)),
            received: each(calls.map(({ posted }) => reportsIn(posted).length)),
          });
          await expectSoon(
            () => foreign() || (enough() && program.held.length === atWork.length),
            () => ({
              cause:
                'Several calls run at the same time, and your server did not send a report of one of them while its tool was at work.',
              compare: compare(),
              advice: own,
              see: '',
            }),
            program,
          );
          await program.caughtUp();
          for (const [i, { posted, token }] of calls.entries()) {
            const [wrong] = reportsIn(posted).filter((message) => paramsOf(message).progressToken !== token);
            expect(!wrong, {
              cause: `Several calls run at the same time, and answer ${i + 1} has a report with the token of a different call.`,
              compare: { expected: `"progressToken":${asJson(token)}`, received: asJson(wrong) },
              advice: own,
              see: '',
            });
          }
          expect(!foreign(), {
            cause: 'Your server sent a report of one call in the stream of a different call.',
            compare: compare(),
            advice: own,
            see: '',
          });
          for (const [i, { posted, begun }] of calls.entries()) {
            const progress = progressIn(posted).slice(0, total);
            const expected = Array.from({ length: Math.min(begun, total) }, (_each, done) => done);
            expect(progress.join() === expected.join(), {
              cause: `Several calls run at the same time, and the reports in answer ${i + 1} do not count the documents of this call.`,
              compare: { expected: expected.join(', '), received: progress.join(', ') },
              advice:
                'Keep what you remember of the reports inside of limited and of run, so that each call has its own.',
              see: '',
            });
          }
        };

        for (const [client, drawn, ownId] of [
          [alice, newToken(), newId()],
          [alice, random.integer(1, 99), id],
          [bob, newToken(), id],
        ] as const) {
          // Two clients may choose the same token.
          const token = client === bob ? calls[0]!.token : drawn;
          const message = `${word()} ${calls.length}`;
          calls.push({
            posted: callTool(client, 'process_files', { message }, token, ownId),
            token,
            message,
            begun: 1,
          });
          atWork.push(calls.at(-1)!);
          await expectOwn();
        }
        // Some steps each, and then one call after the other to its end.
        const steps = [...calls, ...calls].flatMap((each) => [each, each]);
        const rest = random.shuffled(calls).flatMap((each) => Array.from({ length: total - 4 }, () => each));
        for (const running of [...random.shuffled(steps), ...rest]) {
          const index = atWork.indexOf(running);
          atWork.splice(index, 1);
          program.held[index]!.release();
          if (++running.begun <= total) {
            atWork.push(running);
            await expectOwn();
            continue;
          }
          await running.posted.doneMeanwhile({
            cause:
              'All work of one call is done, but your server did not end its stream while a different call was running.',
            advice: 'Let each call run its own tool, and end its stream when this tool has returned.',
          });
          expectText(running.posted, `Done: ${running.message}`, 'Send each result in the stream of its own call.');
          expectResponseLast(running.posted);
        }
      },
    );

    requirement(
      'If a tool reports after the server has sent the response, the server drops this report, and it continues to answer requests.',
      async () => {
        const { program } = server;
        const advice =
          'Send every message with the function send of this file, which looks at response.writableEnded before it writes.';
        const posted = callTool(alice, 'forget_to_wait', {}, newToken());
        await posted.doneMeanwhile({
          cause: 'A tool has returned, but your server did not end the stream.',
          advice:
            'End the stream when the tool has returned. Do not wait for work that the tool itself does not await.',
        });
        posted.result();
        expectResponseLast(posted);
        await until(() => program.held.length > 0);
        release(program);
        await program.caughtUp();
        const after = await alice.ask('tools/list');
        expect(after.status === 200, {
          cause: 'After a tool had reported too late, your server refused the next request.',
          advice,
          see: '',
        });
      },
    );

    requirement(
      'The official MCP clients of both generations receive each report while the tool works, and then the result.',
      async () => {
        const { program } = server;
        for (const generation of ['first', 'second'] as const) {
          const name = `The official client of the ${generation} generation`;
          const advice = 'Compare the reports in this capture with the reports at the beginning of the lesson.';
          const reports: Report[] = [];
          const message = word();
          const official = await officialClient(server, generation);
          const call = official.beginTool('process_files', { message }, (report) => reports.push(report));
          for (const [i, { name: file }] of tenDocuments.entries()) {
            await expectSoon(
              () => (program.held.length > 0 && reports.length > i) || call.over,
              () => ({
                cause: `${name} did not receive a report while the tool was at work on ${file}.`,
                compare: { expected: texts[i]!, received: asJson(reports.at(-1)) },
                advice,
                see,
              }),
              program,
            );
            const text = call.text();
            expect(!call.over && reports.length === i + 1 && reports[i]!.message === texts[i], {
              cause: `${name} did not receive "${texts[i]}" alone while the tool was at work on ${file}.`,
              compare: { expected: texts[i]!, received: asJson(call.over ? text : reports.slice(i)) },
              advice,
              see,
            });
            release(program);
          }
          await expectSoon(
            () => call.over,
            () => ({ cause: `${name} got no result.`, advice, see }),
            program,
          );
          look(call.text(), 'text', see).is(
            `Done: ${message}`,
            `${name} got a wrong result.`,
            'Send every client the same result.',
          );
          look(reports.at(-1)?.message, 'message', see).is(
            'Processing complete!',
            `${name} did not receive the last report before the result.`,
            advice,
          );
        }
      },
    );
  });

  const many = 10_000;
  /** Lets the tool flood go from its first part to its second. */
  async function floodUpToSecondPart(posted: Posted): Promise<void> {
    await posted.atWork();
    await reported(posted, 1);
    release(server.program);
    await until(() => server.program.held.length > 0 || finished(posted), workMs);
    await posted.atWork();
  }

  /** The interval that the first two requirements of task 2 give the server, in milliseconds. */
  const interval = 60;
  /** Milliseconds between two reports of the server with this interval. */
  let between = interval;

  task({ number: 2, title: 'Limit the rate', file: 'server.ts' }, () => {
    requirement(
      'If a tool reports a `progress` that is less than or equal to an earlier one, the server drops this report.',
      async () => {
        const [low, high] = [random.integer(1, 9), random.integer(20, 99)];
        const progress = [low, low, low / 2, low + 0.5, 0, low + 0.5, -1, high, low + 1, high + 0.25];
        const growing = [low, low + 0.5, high, high + 0.25];
        for (const client of [alice, bob]) {
          const reports = progress.map((each) => ({ progress: each, total: 100, message: word() }));
          const posted = callTool(client, 'report_each', { reports }, newToken());
          for (const each of progress) {
            await posted.atWork();
            const sent = progress.slice(0, progress.indexOf(each) + 1).filter((one) => growing.includes(one));
            await reported(posted, new Set(sent).size);
            release(server.program);
          }
          await posted.done();
          posted.result();
          const came = progressIn(posted);
          const back = came.findIndex((each, i) => i > 0 && Number(each) <= Number(came[i - 1]));
          const compare = { expected: growing.join(', '), received: came.join(', ') };
          expect(back < 0, {
            cause: `Your server sent a report with the progress ${String(came[back])} after a report with the progress ${String(came[back - 1])}.`,
            compare,
            advice:
              'Compare with the greatest progress of this call so far, and drop a report whose progress is not greater. A report that you dropped does not count. The specification says that progress must increase.',
            see: '',
          });
          expect(came.join() === growing.join(), {
            cause: 'Your server dropped a report whose progress was greater than that of every report before.',
            compare,
            advice:
              'Compare with the last report of this call only, and remember the progress of the reports that you accept.',
            see: '',
          });
        }
        await start(interval);
        const [less, same] = [random.integer(1, 9), random.integer(10, 19)];
        for (const [client, later] of [
          [alice, less],
          [bob, same],
        ] as const) {
          const reports = [0, same, later].map((each, i) => ({
            progress: each,
            total: 100,
            message: `${word()} ${i}`,
          }));
          const posted = callTool(client, 'report_in_a_row', { reports }, newToken());
          await posted.done();
          posted.result();
          // Whether the report that waits goes out at all is the subject of other requirements.
          const wrong = reportsIn(posted).find((report) => paramsOf(report).message === reports[2]!.message);
          expect(!wrong, {
            cause: `A report with the progress ${same} was waiting when the tool reported the progress ${later}, which is not greater. Your server sent the new report instead of dropping it.`,
            compare: {
              expected: `"progress":${same},"total":100,"message":"${reports[1]!.message}"`,
              received: asJson(wrong),
            },
            advice:
              'Compare with the greatest progress of this call so far, also if its report still waits. Remember the progress when you accept a report, and not only when you send it.',
            see: '',
          });
        }
      },
    );

    requirement(
      'If a report comes too early, it waits. When `PROGRESS_INTERVAL` milliseconds have passed since the last report that the server sent, the server sends the latest report, even if the tool reports nothing more in this time.',
      async () => {
        // The server is the one that the requirement before has started.
        const name = word();
        const began = performance.now();
        const posted = callTool(alice, 'flood', { reports: many, name }, newToken());
        await floodUpToSecondPart(posted);
        const newest = () => progressIn(posted).includes(many);
        const advice =
          'Keep the latest report with latest = report, so that it replaces a report that waits. Start a timer with setTimeout(sendLatest, …) that fires when the next report is due.';
        await expectSoon(
          () => newest() || finished(posted),
          () => {
            missing(`"message":"${name} ${many}"`);
            return {
              cause: `A tool reported ${many} times and is at work now, but your server has not sent the latest report.`,
              compare: { expected: `"progress":${many}`, received: '(only earlier reports)' },
              advice: `${advice} A report that comes too early must not be lost, because it may be the last one for a long time.`,
              see: '',
            };
          },
          server.program,
        );
        // A timer may go off a little early.
        const most = (performance.now() - began) / (interval - 2) + 2;
        const count = reportsIn(posted).length;
        expect(count <= most, {
          cause: `A tool reported ${many} times, and your server sent more than one report in ${interval} milliseconds, although PROGRESS_INTERVAL is ${interval}.`,
          compare: {
            expected: `one report in ${interval} milliseconds`,
            received: count > many / 2 ? 'every report of the tool' : 'more reports',
          },
          advice: `Send a report only when PROGRESS_INTERVAL milliseconds have passed since the last one, and use one clock for due and for the time now: performance.now() for both. ${advice}`,
          see: '',
        });
        release(server.program);
        await posted.done();
        posted.result();
        expectResponseLast(posted);

        const busy = callTool(alice, 'report_all_the_time', {}, newToken());
        await busy.atWork();
        await until(() => reportsIn(busy).length > 0);
        const first = performance.now();
        await expectSoon(
          () => reportsIn(busy).length > 2 || finished(busy),
          () => ({
            cause: 'A tool reports all the time, and your server sends nothing as long as the tool does not pause.',
            compare: { expected: 'more than 2 reports', received: String(reportsIn(busy).length) },
            advice:
              'Start a timer only if no timer is running: a report that comes while a report waits takes its place, but it must not start the timer again.',
            see: '',
          }),
          server.program,
        );
        between = Math.max(interval, (performance.now() - first) / 2);
        await busy.done();
        busy.result();

        // A new server, because a limit that all calls share is the subject of the next requirement.
        await start(interval);
        // The second report is due after 1 interval, and two further ones come after 1.4; the last three come together, later.
        const after = [0, 0.7, 0.7, 3, 0, 0].map((each) => each * interval);
        const reports = after.map((each, i) => ({ after: each, progress: i + 1, message: `${word()} ${i + 1}` }));
        reports.splice(2, 1, { ...reports[2]!, progress: 2.5 }, { ...reports[2]!, after: 0 });
        const token = newToken();
        let timed: Posted;
        let cameTooEarly: boolean;
        let tries = 0;
        do {
          // Nothing is drawn here, because the number of tries depends on the machine.
          const own = `${token}-${++tries}`;
          timed = await callTool(alice, 'report_by_timetable', { reports }, own, `call ${own}`).done();
          // The second report cannot be sent earlier than 1 interval after the first one, so no report can follow it before 2.
          const result = objectIn(timed);
          expectNoFailure(result, timed);
          const [first, , third] = JSON.parse(firstText(result)) as number[];
          const margin = 5; // milliseconds by which a timer may fire early or the clock may be rounded
          cameTooEarly = third! - first! < 2 * interval - margin;
        } while (!cameTooEarly && tries < 10);
        const came = progressIn(timed);
        const received = came.join(', ');
        expect(came.includes(2), {
          cause: `A report came ${after[1]} milliseconds after the first one, and a further report came ${after[2]} milliseconds later. Your server sent the second report too late or not at all, although it was due ${interval} milliseconds after the first one.`,
          compare: { expected: '1, 2, 3, …', received },
          advice:
            'Let the timer run for the rest of the interval only: due - performance.now(). An interval begins when a report is sent, and not when the next report comes.',
          see: '',
        });
        expect(!cameTooEarly || !came.includes(2.5), {
          cause: `Your server sent a report when its time had come, and then the next report of the tool immediately, although PROGRESS_INTERVAL is ${interval}.`,
          compare: { expected: '1, 2, 3, …', received },
          advice:
            'Calculate due after each report that you send, also after one that the timer sends: due = performance.now() + progressInterval.',
          see: '',
        });
        expect(!came.includes(5), {
          cause: `A tool was silent for ${after[3]} milliseconds and then made three reports together. Your server sent more than one of them immediately, although PROGRESS_INTERVAL is ${interval}.`,
          compare: { expected: '1, 2, 3, 4, 6', received },
          advice:
            'Count the interval from the moment at which you send a report: due = performance.now() + progressInterval. If you add the interval to the old value of due, a pause of the tool lets several reports pass.',
          see: '',
        });
      },
    );

    /** Milliseconds that no grader waits. */
    const hour = 3_600_000;

    requirement(
      'The server sends the first report of each call immediately. While the tool is at work, the server sends no other report of this call for `PROGRESS_INTERVAL` milliseconds after a report.',
      async () => {
        await start(hour);
        const calls: Posted[] = [];
        for (const [i, client] of [alice, bob, alice].entries()) {
          const name = word();
          const posted = callTool(client, 'flood', { reports: many / 10, name }, newToken());
          calls.push(posted);
          await posted.atWork(i + 1);
          await reported(posted, 1);
          if (reportsIn(posted).length === 0) {
            missing(`"message":"${name} 0"`);
            throw new Failure({
              cause:
                i === 0
                  ? 'Your server did not send the first report of a call immediately.'
                  : 'Your server did not send the first report of a call immediately, because a different call had sent a report before.',
              compare: { expected: '"progress":0', received: '(nothing)' },
              advice:
                i === 0
                  ? 'Send the first report of a call immediately. Only a report that follows too early has to wait.'
                  : 'Keep the time of the last report inside of limited, so that each call has its own.',
              see: '',
            });
          }
        }
        const { program } = server;
        for (const [i, posted] of calls.entries()) {
          program.held[0]!.release();
          await expectSoon(
            () => program.held.length === calls.length && program.held[calls.length - 1]!.label === 'the second part',
            () => ({
              cause: 'A tool does not continue its work after it has reported often.',
              advice: 'Let report return immediately.',
              see: '',
            }),
            program,
            workMs,
          );
          await program.caughtUp();
          const [, second] = reportsIn(posted);
          expect(!second, {
            cause: `Your server sent a second report of call ${i + 1} before PROGRESS_INTERVAL milliseconds had passed.`,
            compare: { expected: '(nothing)', received: asJson(second) },
            advice:
              'Look at the time of the last report of this call: until PROGRESS_INTERVAL milliseconds have passed, keep the newest report and send nothing.',
            see: '',
          });
        }
        // Only reports without a pause meet a timer that was started although the first of them was sent.
        const inAll = 2;
        const inARow = random.aside(() => {
          const reports = [0, 1, inAll, inAll + 1].map((progress) => ({ progress, total: inAll, message: word() }));
          return callTool(bob, 'report_in_a_row', { reports }, newToken());
        });
        calls.push(inARow);
        await inARow.atWork(calls.length);
        // An interval that does not come from PROGRESS_INTERVAL is over as soon as in the requirement before.
        const tooSoon = () => calls.findIndex((posted) => reportsIn(posted).length > 1);
        await until(() => tooSoon() >= 0, 1.5 * between);
        const early = tooSoon();
        const [, wrong] = early < 0 ? [] : reportsIn(calls[early]!);
        expect(!wrong, {
          cause: `Your server sent a second report of call ${early + 1} before PROGRESS_INTERVAL milliseconds had passed, although PROGRESS_INTERVAL is ${hour}.`,
          compare: { expected: '(nothing)', received: asJson(wrong) },
          advice:
            calls[early] === inARow && wrong && paramsOf(wrong).progress === inAll
              ? 'Let a report wait also if its progress is equal to its total: the tool can continue to report. If it returns, finish sends the report that waits.'
              : calls[early] === inARow
                ? 'Start the timer only if the report has to wait: else timer ??= setTimeout(sendLatest, wait). A timer whose time is 0 or less fires immediately, and sends the next report too early.'
                : 'Use progressInterval for the time of the next report. It is the number in PROGRESS_INTERVAL. A number in your code is wrong for every other interval.',
          see: '',
        });
        for (const posted of calls) {
          release(program);
          await posted.doneMeanwhile({
            cause: 'A tool has returned, but your server did not end the stream.',
            advice:
              'Send the response when the tool has returned. If a report waits, send it immediately and clear the timer.',
          });
        }
      },
    );

    requirement(
      'If a report still waits when the tool returns or throws an error, the server sends this report before the response.',
      async () => {
        for (const fails of [false, true]) {
          const name = word();
          const reports = random.integer(10, 99);
          const posted = callTool(alice, 'flood', { reports, name, fails }, newToken());
          await floodUpToSecondPart(posted);
          release(server.program);
          await posted.doneMeanwhile({
            cause: `A tool ${fails ? 'has thrown an error' : 'has returned'}, but your server did not end the stream.`,
            advice: 'Send the report that waits as soon as the tool is done, and clear the timer.',
          });
          posted.result();
          const end = fails ? 'threw an error' : 'returned';
          expectResponseLast(posted);
          const last = progressIn(posted).at(-1);
          expect(last === reports + 1, {
            cause: `A report was waiting when the tool ${end}, but your server did not send it before the response.`,
            compare: { expected: `"progress":${reports + 1}`, received: `"progress":${String(last)}` },
            advice:
              'Send the latest report in finish, which streamAnswer calls before it sends the response. The last report often says that the work is complete.',
            see: '',
          });
          expect(reportsIn(posted).length === 2, {
            cause: `When the tool ${end}, your server sent more than its latest report.`,
            compare: { expected: `0, ${reports + 1}`, received: progressIn(posted).join(', ') },
            advice: 'Keep only the latest report: each new report takes the place of the one that waits.',
            see: '',
          });
        }

        // In each of two calls at the same time, a report waits.
        const { program } = server;
        const calls: { posted: Posted; reports: { progress: number; message: string }[] }[] = [];
        for (const client of [alice, bob]) {
          const reports = [1, 2].map((progress) => ({ progress, message: `${word()} ${calls.length}/${progress}` }));
          const posted = callTool(client, 'report_in_a_row', { reports }, newToken());
          calls.push({ posted, reports });
          await posted.atWork(calls.length);
        }
        for (const [i, { posted, reports }] of calls.entries()) {
          program.held[0]?.release();
          await posted.doneMeanwhile({
            cause: 'A tool has returned, but your server did not end the stream.',
            advice: 'Send the report that waits as soon as the tool is done, and clear the timer.',
          });
          const expected = reports.map(({ message }) => message).join(', ');
          const received = reportsIn(posted).map((report) => paramsOf(report).message);
          expect(received.join(', ') === expected, {
            cause: `Two calls were running, and a report was waiting in each of them. When a tool returned, your server did not send the two reports of this tool in answer ${i + 1}.`,
            compare: { expected, received: received.join(', ') },
            advice:
              'Keep latest, the timer and all other variables inside of limited, so that each call has its own. A variable outside of it is shared by all calls.',
            see: '',
          });
        }
      },
    );

    requirement(
      'After the response, no timer of the call is running. This is also true if the client has left, or if the tool continues to report.',
      async () => {
        const { program } = server;
        const expectNoTimer = async (before: number, cause: string, advice: string) => {
          // A connection that closes takes some turns of the event loop.
          const gone = async () => (await program.caughtUp(), program.timers <= before);
          for (let tries = 0; tries < 40 && !(await gone()); tries++) await until(() => false, 25);
          expect(program.timers <= before, { cause, advice, see: '' });
        };
        (await alice.ask('tools/list')).result();
        await program.caughtUp();
        const before = program.timers;

        const stays = callTool(alice, 'flood', { reports: 50, name: word() }, newToken());
        await floodUpToSecondPart(stays);
        release(program);
        await stays.done();
        await expectNoTimer(
          before,
          'A call is over, but a timer of it keeps running.',
          'Clear the timer in finish with clearTimeout: the report that it should send has gone out.',
        );

        const leaves = callTool(alice, 'flood', { reports: 50, name: word() }, newToken());
        await floodUpToSecondPart(leaves);
        leaves.close();
        await program.caughtUp();
        release(program);
        await program.caughtUp();
        await expectNoTimer(
          before,
          'The client of a call has left and the tool has returned, but a timer of the call keeps running.',
          'Call finish whenever the tool is done, also if the client has left.',
        );

        const late = callTool(alice, 'forget_to_wait', {}, newToken());
        await late.doneMeanwhile({
          cause: 'A tool has returned, but your server did not end the stream.',
          advice: 'End the stream when the tool has returned.',
        });
        await until(() => program.held.length > 0);
        release(program);
        await program.caughtUp();
        expectResponseLast(late);
        await expectNoTimer(
          before,
          'A tool reported after the response, and your server started a timer for this report.',
          'Remember in finish that the call is over, and drop every report after that before you start a timer.',
        );
      },
    );
  });

  const clientSee = 'node --import tsx lessons/13-progress/client.ts http://127.0.0.1:3000/mcp hello';
  const script = (terms: Omit<Terms, 'see'> = {}) => scriptedServer(run, { see: clientSee, ...terms });

  /** Milliseconds that this machine has needed at least from the start of a client to its call. */
  let toCall = Infinity;

  type Called = Script & { call: ReceivedMessage; token: Token };

  /** Starts a client, and brings it to its first call. */
  async function upToCall(terms: Omit<Terms, 'see'> = {}): Promise<Called> {
    const begun = await script(terms).upToCall();
    toCall = Math.min(toCall, begun.elapsed());
    return { ...begun, token: tokenOf(begun.call) };
  }

  function tokenOf(call: ReceivedMessage): Token {
    const meta = call.member('params').at('_meta').object('The _meta of the call is not an object.', {
      missing: 'The call has no _meta, so your client has not asked for reports.',
      like: '{"progressToken":"…"}',
      advice: 'Add _meta: { progressToken } to the params of the call, beside name and arguments.',
    });
    const token = meta.at('progressToken');
    token.expect(
      typeof token.value === 'string' || Number.isInteger(token.value),
      'The progressToken of the call is neither a string nor a whole number.',
      { like: '"progressToken":"…"', advice: 'Make a string for each call, such as call-1, call-2 and so on.' },
    );
    return token.value as Token;
  }

  const report = (progressToken: unknown, values: Report) =>
    notification('notifications/progress', { progressToken, ...values });

  /** A report as a line. */
  const line = ({ progress, total: of, message }: Report) =>
    `PROGRESS: ${progress}${of === undefined ? '' : `/${of}`}${message ? ` ${message}` : ''}`;

  /** Answers a call, as soon as the client has read what came before. */
  async function finish(call: ReceivedMessage, text: string): Promise<void> {
    await call.stream(call.result(textResult(text)));
    call.end();
  }

  /** Limits that are not over before a verdict. */
  const endless = { IDLE_LIMIT: '600000', TIME_LIMIT: '600000' };
  /** A client in a pipe and one in a terminal that several requirements look at, and the call that each of them waits for. */
  let inPipe: Called;
  let inTerminal: Called & { columns: number };
  const escapes = /[\r\x1b]/;
  const plainInPipe =
    'Look at process.stdout.isTTY: it is true only in a terminal. In a pipe, print a plain line without \\r and without escape sequences.';
  /** Answers the call that the client in the pipe waits for, and waits for its next call. */
  async function nextCall(text: string): Promise<void> {
    await finish(inPipe.call, text);
    const call = await inPipe.next('tools/call', {
      advice: 'Make one call for each message on the command line, one after the other.',
    });
    inPipe = { ...inPipe, call, token: tokenOf(call) };
    await inPipe.client.prints([`RESULT: ${text}`], {
      cause: 'Your client did not print the result of its call.',
      advice: (received) => (escapes.test(received) ? plainInPipe : 'Return the result of the request from callTool.'),
    });
  }

  task({ number: 3, title: 'Show it, and notice when it stops', file: 'client.ts' }, () => {
    requirement(
      'Each call has a `progressToken` in its `params._meta`: a string or a whole number. If the client makes several calls, each call has a different token.',
      async () => {
        // The message of the first call comes again, so a token cannot be made from the message.
        inPipe = await upToCall({ moreMessages: ['hello', ...random.words(4).slice(1)], env: endless });
        const used: Token[] = [];
        for (let calls = 0; calls < 2; calls++) {
          used.push(inPipe.token);
          await nextCall(word());
          expect(!used.includes(inPipe.token), {
            cause: 'Two calls of your client have the same progressToken.',
            compare: { expected: 'a new token', received: `"progressToken":${asJson(inPipe.token)}` },
            advice:
              'Make a new token in callTool for each call. A late report on the first call would otherwise count for the second.',
            see: clientSee,
          });
        }
      },
    );

    requirement(
      'If standard output is not a terminal, the client prints each report on its call as soon as it arrives, as a line such as `PROGRESS: 3/10 Processing document 4/10`. Log messages stay as they were.',
      async () => {
        const { client, call, token } = inPipe;
        const advice =
          'In handle, look for the method notifications/progress before you print a notification. Give the report to the function that reporting has for its token, and return. Print the line in show.';
        const ignored =
          'Look at callTool first: its try block has to await the request, as in return await request(…). Without await, finally runs immediately and deletes the function from reporting, so handle finds no function for the report. If the await is there, follow the report: handle has to call the function of its token, and this function has to call show.';
        const reports: Report[] = [
          { progress: 0, total: 10, message: word() },
          { progress: 0.5, total: 10 },
          { progress: 1, message: random.words(3).join(' ') },
          { progress: 2 },
          { progress: random.integer(3, 9), total: 10, message: `${word()} é世` },
        ];
        for (const each of reports) {
          await call.stream(report(token, each));
          await client.prints([line(each)], {
            cause: 'A report has arrived, but your client has not printed it.',
            otherwise: 'Your client printed a report in the wrong way.',
            advice: (received) =>
              received === ''
                ? ignored
                : escapes.test(received) || /^(?!PROGRESS|NOTIFICATION).+$/.test(received)
                  ? plainInPipe
                  : advice,
          });
          const log = word();
          await call.stream(logMessage('info', log));
          await client.prints([`NOTIFICATION: info ${log}`], {
            cause: 'A log message has arrived, but your client has not printed it.',
            otherwise: 'Your client printed a log message in the wrong way.',
            advice: 'Print every other notification as before.',
          });
        }
        await nextCall(word());
      },
    );

    /** The rows that the client's terminal shows and that are not empty. */
    const rowsOf = (client: Client, columns: number) => screen(client.stdout, columns).filter((row) => row !== '');

    const overTheLast =
      "Begin with eraseBar, which writes '\\r\\x1b[K': it goes to the start of the line and erases it. Then write the bar with process.stdout.write, without a line break.";

    requirement(
      'If standard output is a terminal, the client shows each report in place of the report before, in one row with its numbers and its message. It cuts a row that is too long for the terminal.',
      async () => {
        // Narrower than 79 columns, so that a client that cuts each row at a width of its own is found.
        const columns = random.integer(60, 78);
        inTerminal = { ...(await upToCall({ env: { ...terminal(columns), ...endless } })), columns };
        const { client, call, token } = inTerminal;
        const words = random.words(6).map((each, i) => `${each}${i}`);
        const messages = [
          words[0]!,
          `${words[1]} ${'and so on '.repeat(2)}${words[2]}`,
          words[3]!,
          `${words[4]} ${'and so on '.repeat(20)}`,
          words[5]!,
        ];
        for (const [i, message] of messages.entries()) {
          const of = random.integer(50, 500);
          const numbers = `${i + 1}/${of}`;
          await call.stream(report(token, { progress: i + 1, total: of, message }));
          const rows = () => rowsOf(client, columns);
          const row = () => rows().at(-1) ?? '';
          const shows = () => row().includes(numbers) && row().includes(message.slice(0, 10));
          const compare = (expected: string) => ({ expected, received: rows().join('\\n') || '(an empty row)' });
          const notShown = () => ({
            cause: 'A report has arrived, but the last row of the terminal does not show its numbers and its message.',
            compare: compare(`… ${numbers} ${message.slice(0, 10)} …`),
            advice: `Write the text of textOfReport(report) into the row, beside the bar. ${overTheLast}`,
            see: clientSee,
          });
          await expectSoon(() => shows() || rows().length > 1 || client.end || client.verdict, notShown, client);
          expect(rows().length <= 1, {
            cause:
              i === 3
                ? `A report is longer than the ${columns} columns of the terminal, but your client did not cut it to this width.`
                : 'Your client showed a report in a new row of the terminal instead of in place of the report before.',
            compare: compare('(one row)'),
            advice:
              i === 3
                ? 'Cut the whole text, bar included, with slice(0, (process.stdout.columns || 80) - 1) before you write it: \\r goes back to the start of the last row only.'
                : overTheLast,
            see: clientSee,
          });
          expect(shows(), notShown());
          const rest =
            i > 0 && messages[i - 1]!.length > message.length ? messages[i - 1]!.slice(-6).trim() : undefined;
          expect(rest === undefined || !row().includes(rest), {
            cause:
              'A shorter report has taken the place of a longer one, but the end of the longer one is still in the row.',
            compare: compare(`… ${numbers} ${message}`),
            advice: `Erase the row before you write the next bar: \\r alone erases nothing. ${overTheLast}`,
            see: clientSee,
          });
        }
      },
    );

    requirement(
      'If the client prints a log message, the result or an error in a terminal, this line begins at the start of an empty row, without any part of a bar.',
      async () => {
        const { columns } = inTerminal;
        const erases =
          "Write '\\r\\x1b[K' in eraseBar if standard output is a terminal. print and complain call it before they print a line.";
        await together(['result', 'error'] as const, async (ends) => {
          const [log, one] = random.words(2) as [string, string];
          const message = random.words(3).join(' ');
          const { client, call, token } =
            ends === 'result' ? inTerminal : await upToCall({ env: { ...terminal(columns), ...endless } });
          await call.stream(report(token, { progress: 1, total: 4, message }));
          await until(() => client.stdout.includes('1/4'));
          await call.stream(logMessage('info', log));
          const expectRow = async (expected: string) => {
            await until(() => rowsOf(client, columns).some((row) => row.includes(expected)) || client.end);
            const rows = rowsOf(client, columns);
            expect(rows.includes(expected), {
              cause: rows.some((row) => row.includes(expected))
                ? 'Your client printed a line into the row of the bar.'
                : 'Your client did not print a line in the terminal.',
              compare: { expected, received: rows.join('\\n') || '(nothing)' },
              advice: erases,
              see: clientSee,
            });
          };
          await expectRow(`NOTIFICATION: info ${log}`);
          await call.stream(report(token, { progress: 2, total: 4, message }));
          await until(() => client.stdout.includes('2/4'));
          const result = textResult(one);
          await call.stream(call.result(ends === 'result' ? result : { ...result, isError: true }));
          call.end();
          if (ends === 'result') return expectRow(`RESULT: ${one}`);
          await expectSoon(
            () => client.stderr.includes('\n') || client.end,
            () => ({
              cause: 'The tool has failed, but your client printed no error.',
              advice: 'Call fail with exit code 8 if the result has isError, as in lesson 12.',
              see: clientSee,
            }),
            client,
          );
          const last = screen(client.stdout, columns).at(-1)!;
          expect(last === '', {
            cause: 'Your client printed an error while the bar was in the row of the cursor.',
            compare: { expected: '(an empty row)', received: last },
            advice: erases,
            see: clientSee,
          });
        });
      },
    );

    requirement(
      'If the token of a report is missing, unknown, of a different type, or of a call that is over, the client prints nothing on standard output and continues.',
      async () => {
        const { client, call, token } = inPipe;
        const values = { progress: 1, total: 3, message: word() };
        const otherType = typeof token === 'number' ? String(token) : [token];
        const unknown = [newToken(), `${token} `, otherType, random.integer(1e6, 1e7), null, 0, '', {}].filter(
          (each) => each !== token,
        );
        const advice =
          'Look for the token of the report in reporting with Map.get. If it has no function, ignore the report.';
        const expectIgnored = async (what: string, advice: string) => {
          await client.caughtUp();
          await client.prints([], { cause: '', otherwise: `Your client showed ${what}.`, advice });
        };
        for (const each of random.shuffled(unknown)) {
          await call.stream(report(each, values));
          await expectIgnored(
            `a report with the token ${asJson(each)}, although its call has the token ${asJson(token)}`,
            advice,
          );
        }
        await call.stream(notification('notifications/progress', values), notification('notifications/progress'));
        await expectIgnored('a report that has no token', advice);
        await call.stream(report(token, values));
        await client.prints([line(values)], {
          cause: 'Your client ignored some reports, and after that it also ignored a report on its own call.',
          advice,
        });
        await nextCall(word());
        const second = inPipe;
        await second.call.stream(report(token, { progress: 3, total: 3, message: 'too late' }));
        await expectIgnored(
          'a report on a call that was over',
          'Delete the token from reporting in the finally block of callTool: then handle finds no function for a report that comes later.',
        );
        const own = { progress: 1, total: 2, message: word() };
        await second.call.stream(report(second.token, own));
        await client.prints([line(own)], { cause: 'Your client did not show a report on its next call.', advice });
      },
    );

    /** The first limit, in milliseconds. */
    const shortest = () => Math.min(5000, Math.max(150, toCall < Infinity ? 4 * toCall : 0));
    const clearsBoth =
      'Clear both timers with clearTimeout in the finally block of callTool: a timer keeps a program running.';
    const restarts =
      'Start a timer with setTimeout when you send the call, let it abort the request after idleLimit milliseconds, and call idle.refresh() for each report on the call.';

    requirement(
      'If `IDLE_LIMIT` milliseconds pass without the response or a report on the call, the client prints one line that contains the message of the last report, and exits with code 6.',
      async () => {
        await together([[], [1, 2, 3]] as const, async (progress) => {
          const reports = progress.map((each) => ({ progress: each, total: 9, message: random.words(3).join(' ') }));
          const about = reports.length === 0 ? 'a call without a report' : 'a call without a further report';
          await underTimeLimit(
            shortest(),
            async (limit) => {
              const { client, call, token } = await upToCall({ env: { IDLE_LIMIT: String(limit) } });
              // Without a report, the client gets no answer at all.
              if (reports.length > 0) await call.stream(...reports.map((each) => report(token, each)));
              return client;
            },
            async (client, limit) => {
              await until(() => client.end, limit);
              await expectSoon(
                () => client.end ?? client.verdict,
                () =>
                  client.stderr.trim() === ''
                    ? {
                        cause: `${reports.length === 0 ? 'The server sent no report' : 'The server stopped sending reports'} for IDLE_LIMIT milliseconds, but your client is still waiting.`,
                        advice: restarts,
                        see: clientSee,
                      }
                    : {
                        cause: 'Your client has said why it gives up its call, but it is still running.',
                        advice: clearsBoth,
                        see: clientSee,
                      },
                client,
                2 * promptMs,
              );
              const keepsText = 'Keep the text of the last report, and put it into the sentence of the idle limit.';
              await client.fails({
                withFail: true,
                code: 6,
                about,
                printed: reports.map(line),
                has: reports.slice(-1).map(({ message }) => message),
                hasName: 'the message of the last report',
                hasAdvice: keepsText,
                advice: `${keepsText} ${restarts}`,
              });
            },
          );
        });
        const others = ['log', 'foreign'] as const;
        const judge = async (what: (typeof others)[number]) => {
          await underTimeLimit(
            shortest(),
            (limit) => upToCall({ env: { IDLE_LIMIT: String(limit) } }),
            async ({ client, call }, limit) => {
              const said: string[] = [];
              const began = performance.now();
              while (!client.end && performance.now() - began < 2 * limit + 1000) {
                const text = word();
                if (what === 'log') said.push(`NOTIFICATION: info ${text}`);
                const foreign = report(newToken(), { progress: said.length, message: text });
                await call.stream(what === 'log' ? logMessage('info', text) : foreign);
                await until(() => client.end, limit / 5);
              }
              expect(client.end, {
                cause: `The server sent ${what === 'log' ? 'log messages' : 'reports with unknown tokens'}, but no report on the call for IDLE_LIMIT milliseconds. Your client is still waiting.`,
                advice:
                  'Call idle.refresh() only in the function that reporting has for the token of the call. Log messages and reports on other calls do not show that this call continues.',
                see: clientSee,
              });
              // A client may complain about each unknown token on standard error.
              if (what === 'log' || client.end?.code !== 6) {
                await client.fails({
                  withFail: true,
                  code: 6,
                  about: 'a call without a report',
                  printed: said.slice(0, client.lines.length),
                  advice: restarts,
                });
              }
            },
          );
        };
        await random.aside(() => together(others, judge));
      },
    );

    requirement(
      'Each report on the call restarts the idle limit, but never the limit for the whole call: if the answer takes longer than `TIME_LIMIT` milliseconds, the client exits with code 6.',
      async () => {
        await together(['idle', 'total'] as const, async (which) => {
          const both = (limit: number): Record<string, string> =>
            which === 'idle'
              ? { IDLE_LIMIT: String(limit) }
              : { TIME_LIMIT: String(limit), IDLE_LIMIT: String(Math.ceil(0.9 * limit)) };
          await underTimeLimit(
            shortest(),
            (limit) => upToCall({ env: both(limit) }),
            async ({ client, call, token }, limit) => {
              /** The longest time between two reports: on a busy machine it may be longer than the limit. */
              let longest = 0;
              const said: string[] = [];
              const began = performance.now();
              while (!client.end && performance.now() - began < (which === 'idle' ? 1.5 * limit : 3 * limit + 2000)) {
                const before = performance.now();
                const each = { progress: said.length, total: 1000, message: word() };
                said.push(line(each));
                await call.stream(report(token, each));
                await until(() => client.end, limit / 10);
                longest = Math.max(longest, performance.now() - before);
              }
              if (longest > limit / 3) return false;
              if (which === 'idle') {
                expect(!client.end, {
                  cause: 'Reports came all the time, but your client gave up its call after IDLE_LIMIT milliseconds.',
                  advice: restarts,
                  see: clientSee,
                });
                await finish(call, word());
                return true;
              }
              expect(client.end, {
                cause:
                  'Reports came all the time, and your client waits longer than TIME_LIMIT milliseconds for its answer.',
                advice:
                  'Use two timers that abort the same request: a report restarts the timer of the idle limit, and never the timer of timeLimit.',
                see: clientSee,
              });
              await client.fails({
                withFail: true,
                code: 6,
                about: 'a call that takes too long',
                printed: said.slice(0, client.lines.length),
                advice: 'Abort the request when timeLimit is over, as for every other request.',
              });
              return true;
            },
          );
        });
      },
    );

    requirement(
      'If the response arrives in time, the client prints the result and exits with code 0: no timer of the call keeps it running.',
      async () => {
        const { client, call, token } = inPipe;
        const [each, text] = [{ progress: 1, total: 2, message: word() }, word()];
        await call.stream(report(token, each));
        await finish(call, text);
        await client.prints([line(each), `RESULT: ${text}`], {
          cause: 'Your client did not print its report and its result.',
          advice: 'Return the result of the request from callTool.',
        });
        await client.endsWell('The calls were answered', clearsBoth, clearsBoth);

        const failing = await random.aside(() => upToCall({ env: endless }));
        await failing.call.stream(failing.call.error(-32603, 'no more paper'));
        failing.call.end();
        await expectSoon(
          () => failing.client.end ?? failing.client.verdict,
          () => ({
            cause: 'The server answered a call with an error, but your client is still running.',
            advice: clearsBoth,
            see: clientSee,
          }),
          failing.client,
          2 * promptMs,
        );
      },
    );
  });
});
