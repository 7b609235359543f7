import { fileURLToPath } from 'node:url';
import { crashed, explainEnd } from '../harness/programs/crash-report.ts';
import type { Held } from '../harness/programs/program.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, expectInterrupted } from '../harness/vocabulary/command-line.ts';
import { expectAnsweredOnce, finished, release } from '../harness/vocabulary/http.ts';
import {
  hello,
  initialize,
  mcpClient,
  request,
  type McpClient,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { newIds, responsesIn } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { expectText } from '../harness/vocabulary/tools.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import type { Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);

  /** A client that has shaken hands, and the id of its `initialize`. */
  async function connect(who: string): Promise<McpClient & { first: string | number }> {
    const ids: (string | number)[] = [];
    const client = mcpClient(server, { who, newId: () => (ids.push(newId()), ids.at(-1)!) });
    await initialize(client, hello());
    await client.notify('notifications/initialized');
    return Object.assign(client, { first: ids[0]! });
  }

  /** A call whose tool is at work. */
  type Running = { posted: Posted; held: Held; id: string | number; text: string };

  /** Calls a tool, and waits until it is at work. No command shows what several calls and notifications do together. */
  async function begin(client: McpClient, tool = 'short', id = newId(), more: object = {}): Promise<Running> {
    const { program } = server;
    const before = [...program.held];
    const text = random.words(2).join(' ');
    const args = tool === 'process_files' ? { message: text } : { text, ...more };
    const posted = client.post(request(id, 'tools/call', { name: tool, arguments: args }), { see: '' });
    const held = () => program.held.find((each) => !before.includes(each));
    await expectSoon(
      () => held() ?? finished(posted),
      () => {
        missing(`at work: ${tool}`);
        return {
          cause: `A client called ${tool}${before.length > 0 ? ' while another call was running' : ''}, but the tool is not at work.`,
          advice: 'Let each call run its own tool immediately, as in lesson 9.',
        };
      },
      program,
    );
    expect(held(), {
      cause: `A client called ${tool}, but your server answered the call before the tool was at work.`,
      compare: { expected: '(a call that is running)', received: visible(posted.text.slice(0, 160)) || '(nothing)' },
      advice: posted.text.includes('"error"')
        ? 'Leave the session as it is when a notification arrives. Only the call that it names stops.'
        : 'Make a new AbortController for each call, in streamAnswer. A signal that has aborted stays aborted, so it would stop every later call too.',
    });
    await program.caughtUp();
    return { posted, held: held()!, id, text };
  }

  const shown = (params: unknown) => asJson({ method: 'notifications/cancelled', params });

  /** Sends `notifications/cancelled`. It is accepted while the tools are at work. */
  async function cancel(client: McpClient, params?: unknown): Promise<void> {
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', ...(params !== undefined && { params }) };
    const posted = client.post(message, { see: '' });
    await posted.doneMeanwhile({
      cause: 'Your server did not answer notifications/cancelled while a tool was at work.',
      advice: 'Answer the notification with 202 immediately: abort does not have to wait for the tool.',
    });
    posted.accepted(
      'Answer notifications/cancelled with status 202 and no body, whatever its params are. It is a notification, so nobody reads a result or an error.',
    );
    await server.program.caughtUp();
  }

  const stops = (running: Running) => !server.program.held.includes(running.held);

  /** The work of a call is given up. */
  const expectStopped = (running: Running, explanation: Explanation) =>
    expectSoon(
      () => stops(running),
      () => {
        missing(`given up: ${running.held.label}`);
        return explanation;
      },
      server.program,
    );

  /** A call continues: its tool is still at work. */
  function expectContinues(running: Running, explanation: Explanation): void {
    if (!stops(running)) return;
    missing(`still at work: ${running.held.label}`);
    throw new Failure({
      compare: {
        expected: `the call with the id ${asJson(running.id)} continues`,
        received: '(its work was given up)',
      },
      ...explanation,
    });
  }

  /** Lets a call work to its end, and looks at its response. */
  async function expectResult({ posted, held, text }: Running, advice: string): Promise<void> {
    held.release();
    await posted.doneMeanwhile({
      cause: 'All work of a call is done, but your server did not end its stream.',
      advice,
    });
    expect(posted.text.includes('"result"'), {
      cause: 'Nobody cancelled this call, but your server sent no response to it.',
      compare: { expected: `"text":${asJson(text)}`, received: visible(posted.text.slice(0, 160)) || '(nothing)' },
      advice:
        'Leave out a response only if the signal of this call has aborted. A list of ids, a variable or a member of the session belongs to several calls.',
    });
    expectText(posted, text, advice);
  }

  /** Lets the tools work to their end, and leaves, so that the next case begins with a server that is at rest. */
  async function letGo(...calls: Running[]): Promise<void> {
    const { program } = server;
    for (let rounds = 0; rounds === 0 || (program.held.length > 0 && rounds < 20); rounds++) {
      await run.until(() => {
        release(program);
        return program.held.length === 0;
      });
      await program.caughtUp();
    }
    for (const { posted } of calls) posted.close();
  }

  const byId =
    'Go through the calls of this session, compare the id of each call with requestId by ===, and abort the controller of the call that has this id.';

  task({ number: 1, title: 'Stop the right call', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client posts `notifications/cancelled` with the `requestId` of a running call, the server answers with status 202 and aborts the `signal` of the tool. A `reason` is optional.',
      async () => {
        const tools = fileURLToPath(new URL('../harness/tools/cancelling.ts', import.meta.url));
        server = await startServer({ MORE_TOOLS: tools });
        const { program } = server;
        alice = await connect('client 1');
        bob = await connect('client 2');
        const number = () => random.integer(100, 999);
        const anyId =
          'Compare requestId with the id by ===, without a condition or a conversion before. An id can be any number or string, also 0 and an empty string.';
        const anyParams = 'Look only at requestId. A reason is optional, and other members may be there too.';
        type Case = [tool: string, requestId: string | number, more: object, advice: string];
        const own: Case = [
          'process_files',
          number(),
          { reason: 'no longer needed' },
          'Pass the signal to the work of process_files: await work(name, { signal: context.signal }).',
        ];
        const cases: Case[] = [
          [
            'short',
            number(),
            { reason: word() },
            `Add the call to session.calls before the await of answer, and look at cancel. ${byId}`,
          ],
          own,
          ['process_files', `${word()}-${number()}`, { reason: word() }, anyId],
          ['short', number(), {}, anyParams],
          ['short', number(), { reason: '', _meta: { [word()]: 1 } }, anyParams],
          ['tidy', newId(), {}, anyId],
          ['short', 0, {}, anyId],
          ['short', '', {}, anyId],
        ];
        for (const [tool, requestId, more, advice] of cases) {
          const running = await begin(alice, tool, requestId);
          expect(!running.held.label.endsWith('without a signal'), {
            cause: `A client called ${tool}, a tool that the grader has added to moreTools, but the tool got no signal: context.signal is undefined.`,
            advice:
              'Make a new AbortController for each call in streamAnswer, for every tool, and set context.signal to its signal before you call answer.',
          });
          await cancel(alice, { requestId, ...more });
          await expectStopped(running, {
            cause:
              tool === 'short'
                ? `A client cancelled a call of short, a tool that the grader has added to moreTools. The tool has a signal, but this signal did not abort.`
                : `A client cancelled a call of ${tool}, but the tool continues to work on ${running.held.label}.`,
            compare: { expected: `${shown({ requestId, ...more })} stops the work`, received: '(the work continues)' },
            advice,
          });
          await program.caughtUp();
          const [next] = program.held;
          expect(tool === 'tidy' || next === undefined, {
            cause: `A client cancelled the call, and the work on ${running.held.label} was given up, but then the tool began to work on ${next?.label}.`,
            advice:
              'Let the error that work throws leave the function run, so that the loop over the documents ends. If you catch it, throw it again.',
          });
          await letGo(running);
        }
      },
    );

    requirement(
      'The server aborts only the `signal` of this call. Other calls of the same session continue and get their responses.',
      async () => {
        const advice =
          'Make an AbortController for each call, inside of streamAnswer, and abort only the one whose call has the requestId.';
        // Two ids that only their type tells apart, and one more.
        const number = random.integer(100, 999);
        const calls: Running[] = [];
        for (const id of random.shuffled([number, String(number), newId()]))
          calls.push(await begin(alice, 'short', id));
        // It is neither the oldest call nor the newest.
        const cancelled = calls[1]!;
        const others = random.shuffled(calls).filter((each) => each !== cancelled);
        const alike = others.find(({ id }) => String(id) === String(cancelled.id));
        await cancel(alice, { requestId: cancelled.id, reason: word() });
        await expectStopped(cancelled, {
          cause: 'Three calls were running, and a client cancelled one of them, but the tool of this call continues.',
          compare: {
            expected: `${shown({ requestId: cancelled.id })} stops the work`,
            received: '(the work continues)',
          },
          advice: byId,
        });
        const byType = (other: Running) => Number(other === alike);
        for (const other of others.toSorted((a, b) => byType(a) - byType(b))) {
          expectContinues(other, {
            cause: 'A client cancelled one call, but your server stopped another call of this client.',
            compare: {
              expected: `only the call with the id ${asJson(cancelled.id)} stops`,
              received: `the call with the id ${asJson(other.id)} stopped too`,
            },
            advice:
              other === alike
                ? 'Compare the ids with their types: 7 and "7" are two different ids. A plain object makes a string of every key, but === and a Map do not.'
                : advice,
          });
        }
        for (const other of random.shuffled(others)) await expectResult(other, advice);
        await letGo(...calls);
        await random.aside(oneAfterTheOther);
      },
    );

    /** Of two calls, a client cancels first one and then the other. */
    async function oneAfterTheOther(): Promise<void> {
      const id = random.integer(100, 999);
      const calls = [await begin(alice, 'short', id), await begin(alice, 'short', id + 1)];
      for (const each of random.shuffled(calls)) {
        await cancel(alice, { requestId: each.id });
        await expectStopped(each, {
          cause: 'Two calls were running. A client cancelled one and then the other, but one of the tools continues.',
          advice:
            'Remember each call until its own tool has ended. A notification for one call must not remove another call, or the listener of another call, as once does.',
        });
      }
      await letGo(...calls);
    }

    requirement(
      'If no running call of the session has the `requestId`, the server answers with status 202 and every call continues. The id can be unknown, missing or of the wrong type. It can also belong to a request that is over, such as `initialize`.',
      async () => {
        const client = await connect('client 3');
        const over = await begin(client);
        await expectResult(over, 'Answer a call that nobody has cancelled as before.');
        const id = random.integer(100, 999);
        const running = [await begin(client, 'short', id), await begin(client, 'short', 'true')];
        const wrong: [unknown, string][] = [
          [{ requestId: random.integer(2000, 9999) }, 'the id of no call'],
          [{ requestId: `${word()} ${word()}` }, 'the id of no call'],
          [{ requestId: String(id) }, 'the id of a call as a string'],
          [{ requestId: true }, 'the boolean true, and not a string'],
          [{ requestId: [id] }, 'an array'],
          [{ requestId: { id } }, 'an object'],
          [{ requestId: null }, 'null'],
          [{ id, reason: word() }, 'missing'],
          [{}, 'missing'],
          [undefined, 'missing, and so are the params'],
          [{ requestId: over.id }, 'the id of a call that is over'],
          [{ requestId: client.first }, 'the id of initialize, which is over and cannot be cancelled'],
        ];
        for (const [params, what] of wrong) {
          await cancel(client, params);
          for (const each of running) {
            expectContinues(each, {
              cause: `The requestId of notifications/cancelled is ${what}, but your server stopped a call.`,
              compare: { expected: '(every call continues)', received: `${shown(params)} stops ${asJson(each.id)}` },
              advice:
                'Stop a call only if requestId is equal to its id by ===, without a conversion. Ignore every other notification, because the call may be over and the message may only be late.',
            });
          }
        }
        for (const each of running) await expectResult(each, 'Answer a call that nobody has cancelled as before.');
        const still = await client.ask('tools/list');
        still.result({
          cause: `After notifications/cancelled with the id of initialize, your server answered tools/list with status ${still.status}.`,
          advice: 'Leave the session as it is. initialize cannot be cancelled.',
        });
      },
    );

    requirement(
      'A client can cancel only calls of its own session. A call of another session continues, even if it has the same `id`.',
      async () => {
        const advice =
          'Keep the running calls in the session, and look only there. Every client counts its ids itself, so two clients often use the same id.';
        const id = newId();
        const own = await begin(alice, 'short', id);
        const foreign = await begin(bob, 'short', id);
        const alone = await begin(bob, 'short', newId());
        await cancel(alice, { requestId: alone.id });
        expectContinues(alone, {
          cause: 'A client sent the id of a call of another session, and your server stopped this call.',
          advice,
        });
        await cancel(alice, { requestId: id });
        await expectStopped(own, {
          cause: 'Two sessions had a call with the same id. A client cancelled its own call, but the tool continues.',
          advice,
        });
        expectContinues(foreign, {
          cause:
            'Two sessions had a call with the same id. A client cancelled its own call, and the other call stopped.',
          advice,
        });
        await expectResult(foreign, advice);
        await expectResult(alone, advice);
        await letGo(own);
      },
    );

    requirement(
      'If a client uses an `id` again in its session, the notification stops a call with this `id` that is still running. If two of them are running, the server may stop one or both.',
      async () => {
        const advice =
          'When a call is over, remove this call from the session, and no other call. In a Map with the id as the key, a second call takes the place of the first one, and the end of the first call removes the second.';
        const id = newId();
        const first = await begin(alice, 'short', id);
        const second = await begin(alice, 'short', id);
        await expectResult(first, 'Answer both calls, although they have the same id, as in lesson 9.');
        expectContinues(second, {
          cause: 'One of two calls with the same id has ended, and the other stopped.',
          advice,
        });
        await cancel(alice, { requestId: id });
        await expectStopped(second, {
          cause: 'Two calls had the same id. The first one is over, but a client cannot cancel the second one.',
          advice,
        });
        await letGo(second);
        const again = await begin(alice, 'short', id);
        await cancel(alice, { requestId: id });
        await expectStopped(again, {
          cause: 'A call had the id of an earlier call, which was cancelled, but a client cannot cancel it.',
          advice,
        });
        await letGo(again);
        const both = [await begin(alice, 'short', id), await begin(alice, 'short', id)];
        await cancel(alice, { requestId: id });
        await expectSoon(
          () => both.some(stops),
          () => ({ cause: 'Two calls with the same id are running, but a client can cancel neither.', advice: byId }),
          server.program,
        );
        for (const each of both.filter((each) => !stops(each))) await expectResult(each, advice);
        await letGo(...both);
      },
    );

    requirement(
      'If a client leaves without a notification, its call continues. A notification that arrives after that still stops the call.',
      async () => {
        const { program } = server;
        for (const later of [false, true]) {
          const running = await begin(alice, 'process_files');
          running.posted.close();
          await program.caughtUp();
          await program.caughtUp();
          expectContinues(running, {
            cause: 'The client left without a notification, and your server gave up the work of its call.',
            advice:
              'Do not listen for the event close. In revision 2025-11-25, only the notification cancels a call: the client may have lost only its network.',
          });
          if (!later) {
            running.held.release();
            await expectSoon(
              () => program.held.length > 0,
              () => ({
                cause: 'The client left without a notification, and the tool did not continue with the next document.',
                advice: 'Let the tool work to its end. Writing to a connection that is gone has no effect.',
              }),
              program,
            );
            await letGo();
            continue;
          }
          await cancel(alice, { requestId: running.id });
          await expectStopped(running, {
            cause: 'The client left, and cancelled its call after that, but the tool continues.',
            advice:
              'Remove a call from the session when its tool has ended, and not when its connection closes. The notification comes on another connection.',
          });
          await letGo();
        }
      },
    );
  });

  const silently =
    'Look at call.controller.signal.aborted before you send the response. After abort, the tool throws an error, and the try in tools/call makes a result of it: nobody waits for this result.';

  /** The answer of a call that was cancelled ends, and there is no response in it; `late` is said if it does not end. */
  async function expectNoResponse({ posted }: Running, late: string, cause: string, advice: string): Promise<void> {
    await expectSoon(
      () => finished(posted),
      () => {
        missing('the end of the stream');
        return {
          cause: late,
          advice: 'Call response.end() for a call that was cancelled too. Leave out only the response.',
        };
      },
      server.program,
    );
    expect(posted.broken === undefined, {
      cause: 'A client cancelled a call, and your server broke off the connection instead of ending the stream.',
      compare: { expected: '(the end of the stream)', received: '(the connection breaks off)' },
      advice: 'Call response.end(). For a client, a connection that breaks off looks like a failure of the network.',
    });
    expect(posted.status! < 300, {
      cause: `A client cancelled a call, and your server answered this call with status ${posted.status}.`,
      compare: { expected: '200 and an event stream without a response', received: `status ${posted.status}` },
      advice: 'End the event stream, and send no error.',
    });
    const [response] = posted.text === '' ? [] : responsesIn(posted);
    expect(!response, {
      cause,
      compare: { expected: '(the end of the stream)', received: asJson(response) },
      advice,
    });
  }

  task({ number: 2, title: 'Send no response', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client has cancelled a call, the server ends its stream and sends no JSON-RPC response to it. An error is a response too.',
      async () => {
        const { program } = server;
        for (const tool of ['process_files', 'short', 'tidy']) {
          const running = await begin(alice, tool);
          await cancel(alice, { requestId: running.id, reason: word() });
          // One of the tools tidies up before it throws.
          if (tool === 'tidy') await run.until(() => program.held.length > 0);
          release(program);
          await expectNoResponse(
            running,
            'A client cancelled a call, and its tool has stopped, but your server did not end the stream.',
            'A client cancelled a call, but your server sent a response to it.',
            silently,
          );
        }
      },
    );

    requirement(
      'If a tool ignores its `signal` and returns a result or throws an error later, the server sends no response either. The server ends the stream at the latest when the tool ends.',
      async () => {
        const { program } = server;
        for (const fails of [false, true]) {
          const running = await begin(alice, 'stubborn', newId(), { fails });
          await cancel(alice, { requestId: running.id });
          for (let step = 1; step <= 2; step++) {
            await expectSoon(
              () => program.held.length > 0,
              () => ({
                cause: 'A tool ignored its signal, and your server lost it: the tool did not continue.',
                advice: 'Let a tool that ignores its signal work to its end.',
              }),
              program,
            );
            release(program);
            await program.caughtUp();
          }
          await expectNoResponse(
            running,
            'A client cancelled a call. Its tool ignored the signal and has ended, but your server did not end the stream.',
            `A client cancelled a call. Its tool ignored the signal and ${fails ? 'threw an error' : 'returned a result'} later, and your server sent a response.`,
            'Decide by the signal of the call whether you send the response: call.controller.signal.aborted. A tool that ignores its signal ends like any other tool, so its result cannot tell.',
          );
        }
        await nothingAfterTheEnd();
      },
    );

    const nothingAfterTheEnd = () =>
      expectAnsweredOnce(server, {
        cause: 'Your server wrote to the response of a call after it had ended the response.',
        advice: 'Look at response.writableEnded before you write, as in lesson 9.',
      });

    requirement(
      'If the notification arrives at the moment at which the call ends, the server sends one response or no response, and ends the stream.',
      async () => {
        const { program } = server;
        for (let i = 0; i < 12; i++) {
          const running = await begin(alice);
          const { id, held, posted } = running;
          const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } };
          if (i % 3 === 0) held.release();
          const cancelling = alice.post(message, { see: '' });
          if (i % 3 === 1) held.release();
          if (i % 3 === 2) {
            // The message is in the middle of its way.
            await expectSoon(
              () => finished(cancelling) || stops(running),
              () => ({
                cause: 'Your server did not answer notifications/cancelled while a tool was at work.',
                advice: 'Answer the notification with 202 immediately.',
              }),
              program,
            );
            if (!stops(running)) held.release();
          }
          const late = {
            cause: 'A call was cancelled at the moment at which it ended, and your server did not end its stream.',
            advice: 'Call response.end() on both ways: after the response, and without a response.',
          };
          await posted.doneMeanwhile(late);
          await cancelling.doneMeanwhile({
            cause:
              'A call was over when notifications/cancelled arrived, and your server did not answer the notification.',
            advice: 'Answer the notification with 202, also when there is nothing to stop.',
          });
          cancelling.accepted();
          expect(posted.broken === undefined, {
            cause: 'A call was cancelled at the moment at which it ended, and your server broke off its connection.',
            advice: 'End the response with response.end().',
          });
          const responses = posted.text === '' ? [] : responsesIn(posted);
          expect(responses.length <= 1, {
            cause: 'A call was cancelled at the moment at which it ended, and your server sent two responses.',
            compare: { expected: 'one response or no response', received: asJson(responses) },
            advice: 'Send the response in one place only, and look at the signal there.',
          });
          if (responses.length === 1) expectText(posted, running.text, silently);
        }
        await nothingAfterTheEnd();
      },
    );

    requirement(
      'Later calls of the session get their responses. This also holds for a call whose `id` was named by an earlier notification.',
      async () => {
        const advice =
          'Keep no list of the ids that were cancelled. The signal of the call itself says whether this call was cancelled.';
        const early = newId();
        await cancel(alice, { requestId: early });
        const cancelled = await begin(alice);
        await cancel(alice, { requestId: cancelled.id });
        await letGo(cancelled);
        for (const id of [cancelled.id, early, newId()]) {
          const running = await begin(alice, 'short', id);
          await expectResult(running, advice);
        }
      },
    );

    requirement(
      'If an official MCP client of either generation aborts a call, its tool stops. The next call of this client gets its result.',
      async () => {
        const { program } = server;
        for (const generation of ['first', 'second'] as const) {
          const name = `The official client of the ${generation} generation`;
          const advice = 'Compare the messages in this capture with the messages at the beginning of the lesson.';
          const official = await officialClient(server, generation);
          const abort = new AbortController();
          const call = official.beginTool('process_files', { message: word() }, undefined, abort.signal);
          await expectSoon(
            () => program.held.length > 0 || call.over,
            () => ({ cause: `${name} called process_files, but the tool is not at work.`, advice }),
            program,
          );
          if (call.over) call.text();
          abort.abort('no longer needed');
          await expectSoon(
            () => program.held.length === 0,
            () => ({ cause: `${name} cancelled its call, but the tool continues.`, advice: byId }),
            program,
          );
          const text = random.words(2).join(' ');
          const next = official.beginTool('short', { text });
          await expectSoon(
            () => {
              release(program);
              return next.over;
            },
            () => ({ cause: `${name} got no result of its next call.`, advice }),
            program,
          );
          expect(next.text() === text, {
            cause: `${name} got a wrong result of its next call.`,
            compare: { expected: text, received: asJson(next.text()) },
            advice: 'Send each call the result of its own tool.',
          });
        }
      },
    );
  });

  const see = 'npm run try lesson-14';
  const neverMs = '60000';
  const script = (terms: Omit<Terms, 'see'> = {}) =>
    scriptedServer(run, {
      see,
      awaitsCancelled: true,
      session: `${word()}-${random.integer(1000, 9999)}`,
      ...terms,
      // On a slow machine, too, no limit is over by itself.
      env: { TIME_LIMIT: neverMs, IDLE_LIMIT: neverMs, FAREWELL_LIMIT: neverMs, ...terms.env },
    });

  /** A client whose call is running: the server has sent one log message. */
  async function upToCall(terms?: Omit<Terms, 'see'>): Promise<Script & { call: ReceivedMessage; said: string }> {
    const text = word();
    const started = await script(terms).upToCall();
    await started.call.stream(logMessage('info', text));
    const said = `NOTIFICATION: info ${text}`;
    await expectSoon(
      () => started.client.lines.includes(said) || started.client.end,
      () => ({
        cause: 'Your client did not print a log message of its call.',
        compare: { expected: said, received: visible(started.client.stdout) || '(nothing)' },
        advice: 'Read the stream and print its notifications as before.',
        see,
      }),
      started.client,
    );
    return { ...started, said };
  }

  const ownSignal =
    'Post notifications/cancelled with a fetch of its own and a new signal, AbortSignal.timeout(farewellLimit). Ctrl+C has aborted the signal of post, so post cannot send it. Await this fetch before endSession. callId must still have the id of the call at this moment.';

  /** The notification that the client posts after Ctrl+C; `advice` is for a client that ends without it. */
  async function cancelledBy({ client, ...script }: Script, advice = ownSignal): Promise<ReceivedMessage> {
    const moved = await script.movesOn(
      'The user has pressed Ctrl+C, but your client is still running and has not sent notifications/cancelled.',
      'Call stop.abort(new Error(…)) in the listener of SIGINT, and let the fetch of post have the signal of stop. Then the waiting for the response ends, and finally calls cancelCall.',
    );
    if (moved === 'ended') {
      expect(client.end?.signal !== 'SIGINT', {
        cause: 'Ctrl+C ended your client before it sent notifications/cancelled, so the server works on for nobody.',
        advice:
          "Register process.once('SIGINT', …). Node then calls you instead of ending. Abort the controller stop there, and send the notification when the waiting is over.",
        see,
      });
      if (crashed(client) && !client.stderr.includes('AbortError')) expectInterrupted(client);
    }
    const message = await script.next('notifications/cancelled', {
      cause: 'The user has pressed Ctrl+C, but your client sent no notifications/cancelled.',
      advice,
      ended: advice,
    });
    return message;
  }

  /** The client ends with exit code 130 and one line, and has printed these lines. */
  async function expectInterruptedEnd({ client }: Script, said: string[], when: string, advice: string): Promise<void> {
    await expectEnd(run, client, `Your client is still running ${when}.`, advice);
    const printed = client.stdout.replaceAll('\r\n', '\n');
    const expected = said.map((line) => `${line}\n`).join('');
    expect(printed === expected, {
      cause:
        printed.split('RESULT').length > expected.split('RESULT').length
          ? `Your client printed a result ${when}.`
          : `Your client printed the wrong text on standard output ${when}.`,
      compare: { expected: visible(expected) || '(nothing)', received: visible(printed) || '(nothing)' },
      advice:
        'Print no result after Ctrl+C, because the user has given up this call. If the waiting is aborted, no result can arrive.',
      see,
    });
    if (crashed(client)) throw new Failure({ advice, ...explainEnd(client, when) });
    expect(client.end?.code !== 6, {
      cause: `Your client ended with exit code 6 ${when}, as if a time limit were over.`,
      compare: { expected: '130', received: '6' },
      advice:
        'Set process.exitCode = 130 in the listener of SIGINT, before the abort. If an exit code is set, notSent and notRead throw the error again: keep this line first in both.',
      see,
    });
    expectInterrupted(client);
  }

  task({ number: 3, title: 'Let Ctrl+C cancel the call', file: 'client.ts' }, () => {
    requirement(
      'If the user presses Ctrl+C during the call, the client posts `notifications/cancelled`. Its `params` have the `requestId` of this call and a `reason`, which is a string. Its headers are those of the session.',
      async () => {
        pressed = await upToCall();
        pressed.client.interrupt();
        const posted = (cancelled = await cancelledBy(pressed));
        const { id } = pressed.call.message;
        posted
          .member('id')
          .is(
            undefined,
            'The notification has an id, so it is a request.',
            'Leave out the id: a notification gets no answer of JSON-RPC.',
          );
        const params = posted.member('params').object('The params of notifications/cancelled are not an object.', {
          missing: 'notifications/cancelled has no params.',
          like: asJson({ requestId: id, reason: '…' }),
          advice: 'Put requestId and reason into the params.',
        });
        params
          .at('requestId')
          .is(
            id,
            String(params.at('requestId').value) === String(id)
              ? 'The requestId has a different type than the id of the call.'
              : 'The requestId is not the id of the call.',
            'Keep the id of the tools/call request, and send exactly this value. Every request has an id of its own: initialize was the first.',
          );
        params.at('reason').string('The reason is not a string that says something.', {
          like: '"the user has pressed Ctrl+C"',
          advice: 'Say in a few words why the call is cancelled. The server may log this text.',
        });
        posted.expectMediaTypes();
        posted.expectAgreed();
        await random.aside(secondCall);
        await random.aside(withoutSession);
      },
    );

    /** The user presses Ctrl+C when the first of two calls is over. */
    async function secondCall(): Promise<void> {
      const script = await upToCall({ moreMessages: [word()] });
      const text = word();
      await script.call.stream(script.call.result(textResult(text)));
      script.call.end();
      // A client may also make one call only.
      const moved = await script.movesOn('The call was answered, but your client is still running.');
      if (moved === 'ended') return;
      const call = await script.next('tools/call');
      script.client.interrupt();
      const posted = await cancelledBy(script);
      posted
        .member('params')
        .at('requestId')
        .is(
          call.message.id,
          'The first call of your client is over, and the requestId is not the id of the second call.',
          'Set callId = id for each call, not callId ??= id, and set it before you await post: the user can press Ctrl+C before the answer begins.',
        );
      posted.accept();
      call.end();
      await expectInterruptedEnd(
        script,
        [script.said, `RESULT: ${text}`],
        'after Ctrl+C in its second call',
        'Let Ctrl+C end every call in the same way.',
      );
    }

    /** The user presses Ctrl+C during a call of a server that has no sessions and speaks the older revision. */
    async function withoutSession(): Promise<void> {
      const script = await upToCall({ session: undefined, revision: '2025-06-18' });
      script.client.interrupt();
      const posted = await cancelledBy(
        script,
        'Return from cancelCall only if callId is undefined. This server gave no session id, but it has calls too: do not look at MCP-Session-Id, as endSession does.',
      );
      posted.expectAgreed();
      posted.accept();
      script.call.end();
      await expectInterruptedEnd(
        script,
        [script.said],
        'after Ctrl+C, when the server gave no session id',
        'Let Ctrl+C end every call in the same way, with a session or without one.',
      );
    }

    /** The client of the requirement before, and its notification. */
    let pressed: Script & { call: ReceivedMessage; said: string };
    let cancelled: ReceivedMessage;

    requirement(
      'The client prints one line on standard error. After the server has answered the notification, the client ends its session with a `DELETE` and exits with code 130.',
      async () => {
        run.sameCapture();
        for (let turn = 0; turn < 3; turn++) await pressed.client.caughtUp();
        expect(pressed.goodbyes.length === 0, {
          cause: 'Your client ended its session before the server had answered notifications/cancelled.',
          compare: { expected: 'notifications/cancelled, and then DELETE', received: 'DELETE before the answer' },
          advice:
            'Await the fetch that posts the notification, and then call endSession. A session that is over has no calls that could be cancelled.',
          see,
        });
        cancelled.accept();
        pressed.call.end();
        await expectInterruptedEnd(
          pressed,
          [pressed.said],
          'after Ctrl+C and the answer to notifications/cancelled',
          'Call stop.abort(new Error(…)) in the listener of SIGINT, so that the waiting for the response ends too.',
        );
        expect(pressed.goodbyes.length > 0, {
          cause: 'Your client ended after Ctrl+C, but it sent no DELETE for its session.',
          compare: { expected: 'DELETE /mcp', received: '(nothing)' },
          advice: 'Let finally call endSession, as after any other failure. process.exit skips finally.',
          see,
        });
      },
    );

    requirement(
      'If the server refuses the notification, or does not answer it within `FAREWELL_LIMIT` milliseconds, the client exits with code 130 too.',
      async () => {
        const advice =
          'Give the fetch of the notification a signal that aborts after farewellLimit milliseconds, and ignore every error and every status: .catch(() => {}).';
        await together(['silence', 'refusal'] as const, async (how) => {
          const silent = how === 'silence';
          const script = await upToCall({ ignoresGoodbyes: silent, env: { FAREWELL_LIMIT: silent ? '150' : '1000' } });
          const pressedAt = performance.now();
          script.client.interrupt();
          const when = silent
            ? 'although FAREWELL_LIMIT milliseconds have passed without an answer to notifications/cancelled'
            : 'after the server refused notifications/cancelled with status 500';
          const moved = await script.movesOn(`Your client is still running ${when}.`, advice);
          // On a slow machine, the limit may be over before the notification has gone out.
          if (moved === 'posted' && !silent) await (await cancelledBy(script)).answer(500, 'text/plain', 'sorry');
          await expectInterruptedEnd(script, [script.said], when, advice);
          // A client that takes long has a limit of its own, or this machine is busy: then a long limit shows which.
          if (silent && performance.now() - pressedAt > 2000) await random.aside(longFarewell);
        });
      },
    );

    /** The client waits as long as FAREWELL_LIMIT says. */
    async function longFarewell(): Promise<void> {
      const script = await upToCall({ ignoresGoodbyes: true, env: { FAREWELL_LIMIT: '6000' } });
      script.client.interrupt();
      await cancelledBy(script);
      const gaveUp = () => script.goodbyes.length > 0 || script.client.end;
      await until(gaveUp, 4000);
      expect(!gaveUp(), {
        cause:
          'FAREWELL_LIMIT was 150 and then 6000 milliseconds, but your client waited equally long for the answer to notifications/cancelled.',
        advice: 'Use AbortSignal.timeout(farewellLimit). It is the number in FAREWELL_LIMIT.',
        see,
      });
    }

    requirement(
      'If the response arrives after Ctrl+C, the client ignores it: it prints no `RESULT` and exits with code 130.',
      async () => {
        await together(['an event stream', 'JSON'] as const, async (kind) => {
          const text = word();
          const script = kind === 'JSON' ? await jsonCall() : await upToCall();
          const { call } = script;
          script.client.interrupt();
          const posted = await cancelledBy(script);
          const response: Message = call.result(textResult(text));
          if (kind === 'JSON') await call.json(response);
          else {
            await call.stream(response);
            call.end();
          }
          await script.client.caughtUp();
          posted.accept();
          await expectInterruptedEnd(
            script,
            script.said === '' ? [] : [script.said],
            `after Ctrl+C, when the response arrived anyway in ${kind}`,
            'End the client when the server has answered the notification, whatever else arrives.',
          );
        });
      },
    );

    /** A call that the server has not begun to answer. */
    async function jsonCall(): Promise<Script & { call: ReceivedMessage; said: string }> {
      return { ...(await script().upToCall()), said: '' };
    }

    requirement(
      'If the user presses Ctrl+C a second time, the client ends immediately, although the server has not answered the notification.',
      async () => {
        const script = await upToCall({ ignoresGoodbyes: true });
        script.client.interrupt();
        await cancelledBy(script);
        script.client.interrupt();
        await expectEnd(
          run,
          script.client,
          'The user has pressed Ctrl+C two times, but your client is still waiting for the answer to notifications/cancelled.',
          'Register the listener with process.once. Node removes it after the first Ctrl+C, and the second one ends the program as if there were no listener.',
        );
      },
    );

    requirement(
      'If the user presses Ctrl+C before the client has sent the call, it sends no `notifications/cancelled`, prints one line on standard error, and exits with code 130.',
      async () => {
        const advice =
          'Send the notification only if the request tools/call has been sent. The protocol forbids to cancel initialize.';
        const begun = await script().start();
        await begun.next('initialize');
        begun.client.interrupt();
        const running = 'after Ctrl+C, which came before the answer to initialize';
        const stopAll = 'Pass the signal of stop to every fetch of post, also to those of the handshake.';
        await begun.movesOn(`Your client is still running ${running}.`, stopAll);
        const { client } = begun;
        expect(client.end?.signal !== 'SIGINT' || client.stderr.trim() !== '', {
          cause: 'Ctrl+C ended your client during the handshake, before it could print a line.',
          advice:
            "Call process.once('SIGINT', …) before the handshake, at the TODO of the starter. A function that runs only for a call begins to listen too late.",
          see,
        });
        await begun.nothingPosted({
          cause:
            'The user pressed Ctrl+C before the server had answered initialize, and your client sent one more message.',
          advice,
        });
        await expectInterruptedEnd(begun, [], running, stopAll);
      },
    );

    requirement(
      'If the user does not press Ctrl+C, the client prints the result and exits with code 0. It posts no `notifications/cancelled`.',
      async () => {
        const { call, client, said, ...script } = await upToCall();
        const text = word();
        await call.stream(call.result(textResult(text)));
        call.end();
        const moved = await script.movesOn('The call was answered, but your client is still running.');
        if (moved === 'posted') {
          await script.nothingPosted({
            cause: 'The call was answered, and your client sent one more message.',
            advice: 'Send notifications/cancelled only after Ctrl+C: look at stop.signal.aborted.',
          });
        }
        await client.prints([said, `RESULT: ${text}`], {
          cause: 'Your client did not print the result of its call.',
          advice: 'Print the result as before, when the user has not pressed Ctrl+C.',
        });
        await client.endsWell(
          'The call was answered',
          'Set exit code 130 only in the listener of SIGINT.',
          'Look for what keeps the client running, such as a timer or a stream that nobody closes.',
        );
      },
    );
  });
});
