import { isDeepStrictEqual } from 'node:util';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, judgedClient, lastWords, withoutBreaks, type Client } from '../harness/vocabulary/command-line.ts';
import { eventOf } from '../harness/vocabulary/event-stream.ts';
import { expectHeader, expectStatus, finished, workMs } from '../harness/vocabulary/http.ts';
import { hello, initialize, judged, mcpClient, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import {
  notification,
  refusesDiscovery,
  scriptedServer,
  textResult,
  type Incoming,
  type ReceivedMessage,
  type Script,
} from '../harness/vocabulary/mcp-server.ts';
import { notificationsIn, paramsOf } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { expectSchema, failureText, listTools, objectIn, anyToolIn } from '../harness/vocabulary/tools.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

const uri = 'document://shared';
const updated = 'notifications/resources/updated';

/** The document as a client reads it. */
type Document = { version: number; lines: string[] };

/** The part of an edit that says what changes. */
type Change = { from: number; to: number; lines: string[] };

const edited = ({ version, lines }: Document, { from, to, lines: added }: Change): Document => ({
  version: version + 1,
  lines: lines.toSpliced(from - 1, to - from + 1, ...added),
});

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  let server: Server;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;
  const line = () => random.words(2).join(' ');

  /** What a program does without a further message, it has done after these turns of its event loop. */
  async function settled(program: { caughtUp(): Promise<boolean> } = server.program): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await program.caughtUp();
  }

  async function connect(who: string): Promise<McpClient> {
    const client = mcpClient(server, { who });
    await initialize(client, hello());
    (await client.notify('notifications/initialized')).accepted();
    return client;
  }

  /** Asks while work may be held. */
  async function ask(client: McpClient, method: string, params: object): Promise<Posted> {
    const posted = client.post(client.request(method, params), { see: '' });
    return posted.doneMeanwhile({
      cause: `Your server does not answer ${method} while an edit is being saved.`,
      advice: 'Let only the next edit wait for the edit that is being saved. Answer every other request immediately.',
    });
  }

  async function read(client: McpClient): Promise<Document> {
    const posted = await ask(client, 'resources/read', { uri });
    const contents = objectIn(posted)
      .at('contents')
      .array('The contents of the result are not an array.', {
        missing: 'The result of resources/read has no contents.',
        like: `[{"uri":"${uri}","mimeType":"application/json","text":"{…}"}]`,
        advice: 'Put an array with one object into contents: its uri, and its text.',
      });
    const entry = look(contents[0], '', posted.see);
    entry.expect(contents.length === 1, `The contents of the result have ${contents.length} entries.`, {
      like: `{"uri":"${uri}","text":"{…}"}`,
      advice: 'Put exactly one object into contents: there is only one document.',
    });
    entry.at('uri').is(uri, 'The entry in contents has the wrong uri.', 'Copy the uri of the request into the entry.');
    const text = entry.at('text').string('The entry in contents has no text.', {
      advice: 'Put the JSON of the version and the lines into text, with JSON.stringify.',
    });
    const document = look(fromJson(text), 'text', posted.see);
    const advice =
      'Make the text with JSON.stringify from an object with the number version and the array lines, and with the document as it is now.';
    const shaped = (value: unknown): value is Document =>
      isObject(value) &&
      Number.isInteger(value.version) &&
      Array.isArray(value.lines) &&
      value.lines.every((each) => typeof each === 'string');
    const { value } = document;
    if (shaped(value)) return value;
    throw new Failure({
      cause: 'The text of the document is not JSON with a version and with lines.',
      compare: { expected: '{"version":…,"lines":["…"]}', received: visible(text.slice(0, 120)) },
      advice,
      see: posted.see,
    });
  }

  /** The document is this one. */
  async function expectDocument(expected: Document, words: Explanation): Promise<void> {
    const now = await read(bob);
    expect(isDeepStrictEqual(now.lines, expected.lines), {
      compare: { expected: asJson(expected.lines), received: asJson(now.lines) },
      see: '',
      ...words,
    });
    expect(now.version === expected.version, {
      see: '',
      cause: 'The document has the right lines, but the wrong version.',
      compare: { expected: `"version":${expected.version}`, received: `"version":${now.version}` },
      advice: 'Add 1 to the version with each edit that is accepted, and with nothing else.',
    });
  }

  /** Calls edit, and waits for nothing. */
  const post = (client: McpClient, edit: unknown): Posted =>
    client.post(client.request('tools/call', { name: 'edit', arguments: edit }), { see: '' });

  const awaitsSave =
    "Call await work('save') once for each edit that passes the checks, and change the document after it.";

  /** The server saves the edit that was posted. */
  async function atSave(posted: Posted): Promise<void> {
    const working = await posted.atWork();
    if (!working) expectNoError(posted);
    expect(working, {
      cause: "Your server answered an edit without any call of work('save').",
      advice: awaitsSave,
    });
    const { label } = server.program.held[0]!;
    expect(label === 'save', {
      cause: 'Your server saves an edit with the wrong label.',
      compare: { expected: 'work("save")', received: `work("${visible(label)}")` },
      advice: awaitsSave,
    });
  }

  function expectNoError(posted: Posted): void {
    const result = objectIn(posted);
    result.expect(
      !isObject(result.value) || result.value.isError !== true,
      'An edit with the current version was refused.',
      {
        like: '(a result without isError)',
        advice:
          'Refuse an edit only if its base differs from the current version, or if its lines are not in the document. If edits wait for each other, an edit that was refused must not stop the next one: let the next one wait for promise.catch(() => {}).',
      },
    );
  }

  /** The edit was accepted, and this is the version now. */
  function expectAccepted(posted: Posted, version: number): void {
    expectNoError(posted);
    objectIn(posted)
      .at('structuredContent')
      .at('version')
      .is(
        version,
        'The result of an accepted edit does not have the new version.',
        'Send the version after the edit as structuredContent: { version }. The editor sends it as the base of its next edit.',
      );
  }

  /** The tool has refused the edit, and this is the version now. */
  function expectRefused(posted: Posted, version: number, how: string, advice: string): void {
    const result = objectIn(posted, {
      cause: `${how}, and your server answered with an error of JSON-RPC instead of a result.`,
      advice: 'Answer with a result that has isError: true, so that the model reads why its edit was refused.',
    });
    result.at('isError').is(true, `${how}, but your server accepted this edit.`, advice);
    failureText(result);
    result
      .at('structuredContent')
      .at('version')
      .is(
        version,
        'The result of a refused edit does not have the current version.',
        'Send structuredContent: { version } with the version at the moment of the answer, also if the edit is refused.',
      );
  }

  /** Edits, and returns the document that must have come of it. */
  async function edit(client: McpClient, before: Document, change: Change): Promise<Document> {
    const posted = post(client, { base: before.version, ...change });
    await atSave(posted);
    await posted.done();
    expectAccepted(posted, before.version + 1);
    return edited(before, change);
  }

  /** Any edit of one line. */
  const replaceOne = ({ lines }: Document): Change => {
    const from = random.integer(1, lines.length);
    return { from, to: from, lines: [line()] };
  };

  const applies =
    'Replace the lines with toSpliced(from - 1, to - from + 1, ...lines): line 1 has the index 0, and both from and to belong to the replaced lines.';

  // ---------------------------------------------------------------------------------------------------------------

  task({ number: 1, title: 'Keep one document', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client sends `initialize`, the server announces the capabilities `tools` and `resources`, the latter with `subscribe: true`. It lists the tool `edit` with its four arguments, and the resource `document://shared`.',
      async () => {
        server = await startServer();
        const first = mcpClient(server, { who: 'client 1' });
        const capabilities = (await initialize(first, hello())).at('capabilities');
        capabilities.at('tools').object('The capability tools is not an object.', {
          missing: 'Your server does not announce the capability tools.',
          like: '{}',
          advice: 'Add tools: {} to the capabilities.',
        });
        capabilities
          .at('resources')
          .at('subscribe')
          .is(
            true,
            'Your server does not announce that a client can subscribe to resources.',
            'Add resources: { subscribe: true } to the capabilities: without it, a client has no reason to subscribe.',
          );
        (await first.notify('notifications/initialized')).accepted();
        alice = first;
        bob = await connect('client 2');
        const tool = anyToolIn(await listTools(alice), 'edit', 'Add the tool edit to the list, with this name.');
        const good = { base: 1, from: 1, to: 2, lines: [line()] };
        await expectSchema(
          tool,
          {
            accepted: [good, { ...good, lines: [] }],
            refused: [...Object.keys(good).map((name) => without(good, name)), { ...good, lines: word() }],
          },
          { like: '{"type":"object","properties":{"base":…,"from":…,"to":…,"lines":…},"required":[…]}' },
        );
        const list = objectIn(await ask(alice, 'resources/list', {})).at('resources');
        const advice = `Put an object with the uri ${uri} and a name into the array resources.`;
        const listed = list.array('The resources are not an array.', {
          missing: 'The result has no resources.',
          advice,
        });
        list.expect(
          listed.some((each) => isObject(each) && each.uri === uri && typeof each.name === 'string'),
          'The list of resources does not have the document.',
          { like: `[{"uri":"${uri}","name":"…"}]`, advice },
        );
      },
    );

    requirement(
      'If a client sends `resources/read` for `document://shared`, the result has one entry in `contents`, and its `text` is JSON with the `version` and the `lines`. For a different URI, the server answers with a JSON-RPC error.',
      async () => {
        await read(alice);
        const other = await ask(bob, 'resources/read', { uri: `document://${word()}` });
        const messages = other.messages();
        expect(
          messages.some((message) => isObject(message.error)),
          {
            cause: 'A client asked for a document that does not exist, but your server did not answer with an error.',
            compare: { expected: '"error":{"code":-32002, …}', received: asJson(messages[0]) },
            advice: 'Compare params.uri with the uri of the document, and answer any other with the error -32002.',
          },
        );
      },
    );

    requirement(
      "If `base` is the current version, the server waits for `work('save')` and then replaces the lines `from` to `to` by the new lines. Until then, `resources/read` gives the old document.",
      async () => {
        const before = await read(alice);
        const change = { ...replaceOne(before), lines: [line(), line()] };
        const posted = post(alice, { base: before.version, ...change });
        await atSave(posted);
        await settled();
        expect(!finished(posted), {
          cause: 'Your server answered an edit before it was saved.',
          advice: "Await work('save') before you answer: the save may still fail.",
        });
        await expectDocument(before, {
          cause: 'An edit is still being saved, but resources/read already gives the changed document.',
          advice:
            'Compute the new lines first, save them, and only then put them in the place of the old ones. Nobody should see an edit that may still fail.',
        });
        await posted.done();
        expectNoError(posted);
        const wanted = edited(before, change);
        const now = await read(bob);
        expect(isDeepStrictEqual(now.lines, wanted.lines), {
          cause: `Lines ${change.from} to ${change.to} were replaced by two lines, but the document is wrong.`,
          compare: { expected: asJson(wanted.lines), received: asJson(now.lines) },
          advice: applies,
          see: '',
        });
      },
    );

    requirement(
      'An accepted edit raises the version by exactly 1, whether it replaces, adds or removes lines. `structuredContent.version` of its result is the new version.',
      async () => {
        let document = await read(alice);
        const end = () => document.lines.length;
        const kinds: [string, () => Change][] = [
          ['lines were added at the end', () => ({ from: end() + 1, to: end(), lines: [line(), ''] })],
          ['a line was added at the beginning', () => ({ from: 1, to: 0, lines: [line()] })],
          ['several lines were replaced', () => ({ from: 2, to: end() - 1, lines: [line()] })],
          ['a line was removed', () => ({ from: 2, to: 2, lines: [] })],
          ['an edit changed nothing', () => ({ from: 1, to: 1, lines: [document.lines[0]!] })],
          ['all lines were removed', () => ({ from: 1, to: end(), lines: [] })],
          [
            'lines were added to the empty document',
            () => ({ from: 1, to: 0, lines: [line(), line(), line(), line()] }),
          ],
        ];
        for (const [what, draw] of kinds) {
          document = await edit(random.pick([alice, bob]), document, draw());
          await expectDocument(document, {
            cause: `In an edit, ${what}, but the document is wrong.`,
            advice: applies,
          });
        }
      },
    );

    requirement(
      'If `base` is older or newer than the current version, the document stays as it is. The result has `isError: true`, and `structuredContent.version` is the current version.',
      async () => {
        const document = await read(alice);
        const { version } = document;
        for (const [base, age] of [
          [version - 1, 'older'],
          [version - random.integer(2, 6), 'older'],
          [version + 1, 'newer'],
        ] as const) {
          const posted = await post(alice, { base, ...replaceOne(document) }).done();
          const advice =
            'Compare base with the current version before anything else. Such an editor has not seen the document that it changes.';
          expectRefused(posted, version, `The base of an edit is ${age} than the current version`, advice);
          await expectDocument(document, { cause: 'A refused edit has changed the document.', advice });
        }
      },
    );

    requirement(
      'If the lines `from` to `to` are not in the document, an argument is missing or has a wrong type, or a new line contains `\\n` or `\\r`, the document stays as it is. The result has `isError: true`, or the server answers with the error `-32602`.',
      async () => {
        const document = await read(alice);
        const { version: base, lines } = document;
        const n = lines.length;
        const good = { base, from: 1, to: 1, lines: [line()] };
        const range =
          'Accept only 1 <= from and from - 1 <= to and to <= the number of lines. toSpliced accepts any numbers, and counts negative ones from the end.';
        const type = 'Check the arguments with a schema: whole numbers, and an array of strings.';
        const cases: [unknown, string, string][] = [
          [{ ...good, from: 0 }, 'from is 0', range],
          [{ ...good, from: -1, to: -1 }, 'from and to are -1', range],
          [{ ...good, to: n + 1 }, 'to is behind the last line', range],
          [{ ...good, from: n + 2, to: n + 1 }, 'from is two lines behind the last line', range],
          [{ ...good, from: 3, to: 1 }, 'from is 3 and to is 1', range],
          [{ ...good, from: 1.5 }, 'from is 1.5', type],
          [{ ...good, to: '1' }, 'to is a string', type],
          [{ ...good, base: String(base) }, 'base is a string', type],
          [{ ...good, lines: line() }, 'lines is a string', type],
          [{ ...good, lines: [random.integer(1, 9)] }, 'a new line is a number', type],
          [{ ...good, lines: null }, 'lines is null', type],
          ...Object.keys(good).map((name): [unknown, string, string] => [
            without(good, name),
            `${name} is missing`,
            type,
          ]),
          ...['\n', '\r\n', '\r'].map((end): [unknown, string, string] => [
            { ...good, lines: [`${word()}${end}${word()}`] },
            `a new line contains ${visible(end)}`,
            'Refuse a new line that contains \\n or \\r. It would become two lines for each editor that shows it, and the numbers of all later lines would be wrong.',
          ]),
        ];
        for (const [args, what, advice] of cases) {
          const posted = await post(bob, args).done();
          const [answer = {}] = posted.messages().filter(({ method }) => method === undefined);
          const { result, error } = answer as { result?: Message; error?: Message };
          expect(result?.isError === true || error?.code === -32602, {
            cause: result
              ? `In an edit, ${what}, but your server accepted this edit.`
              : `In an edit, ${what}, but your server did not answer with a result that has isError: true.`,
            compare: { expected: '"result":{…,"isError":true}', received: asJson(answer).slice(0, 160) },
            advice,
            see: '',
          });
          await expectDocument(document, {
            cause: `In an edit, ${what}. Your server refused it, but the document has changed.`,
            advice: 'Check everything before you change the document.',
          });
        }
      },
    );

    requirement(
      'If several edits with the same `base` arrive at the same time, the server saves and accepts exactly one of them. When this edit is saved, the server refuses all others with the new version.',
      async () => {
        for (const _round of [1, 2]) {
          const before = await read(alice);
          const change = { from: 1, to: 1, lines: [line()] };
          const others = [
            { ...change, lines: [line()] },
            { from: 3, to: 3, lines: [line()] },
          ];
          const first = post(alice, { base: before.version, ...change });
          await atSave(first);
          const late = others.map((other) => post(bob, { base: before.version, ...other }));
          await settled();
          expect(server.program.held.length === 1, {
            cause: `Three edits have the same base, but your server is saving ${server.program.held.length === 2 ? 'two' : 'all'} of them at the same time.`,
            compare: {
              expected: 'work("save")',
              received: server.program.held.map(({ label }) => `work("${visible(label)}")`).join(', ') || '(no work)',
            },
            advice:
              'Begin to check an edit only when the edit before it is over: keep its promise, and chain the next edit to it. Between a check and an await, another edit can pass the same check.',
            see: '',
          });
          await first.done();
          for (const posted of late) await posted.done();
          expectAccepted(first, before.version + 1);
          for (const posted of late) {
            expectRefused(
              posted,
              before.version + 1,
              'Two edits had the same base, and the first one was accepted',
              'Check the base of an edit when the edit before it is saved, and not when the request arrives.',
            );
          }
          await expectDocument(edited(before, change), {
            cause: 'Several edits had the same base. The document is not the one that the accepted edit has made.',
            advice:
              'Check the base and change the document without any await between the two, or while no other edit runs.',
          });
        }
      },
    );

    requirement(
      "If `work('save')` throws an error, the document stays as it is, and the result has `isError: true` with the current version. An edit that has waited meanwhile is saved next.",
      async () => {
        const before = await read(alice);
        const change = replaceOne(before);
        const failing = post(alice, { base: before.version, ...replaceOne(before) });
        await atSave(failing);
        const next = post(bob, { base: before.version, ...change });
        await settled();
        const reason = random.words(2).join(' ');
        server.program.held[0]!.fail(reason);
        await failing.doneMeanwhile({
          cause: 'The work on an edit failed, but your server did not answer the call.',
          advice: 'Catch the error of the save, and answer with a result that has isError: true.',
        });
        expectRefused(
          failing,
          before.version,
          "work('save') threw an error",
          'Answer with isError: true if the save has failed: the editor has to know that its text is not in the document.',
        );
        expect(await next.atWork(), {
          cause: 'An edit could not be saved, and then your server did not save the edit that had waited for it.',
          advice:
            'Let the next edit wait for the end of this one, whether it is saved or has failed: keep promise.catch(() => {}) as what the next one waits for.',
          see: '',
        });
        await next.done();
        expectAccepted(next, before.version + 1);
        await expectDocument(edited(before, change), {
          cause: 'One edit failed and the next one was saved. The document is not the one that the next edit has made.',
          advice: "Change the document only after work('save'), and only by the edit that was saved.",
        });
      },
    );

    requirement(
      'For each accepted edit, the server sends `notifications/resources/updated` with the `uri` exactly once to each session that has sent `resources/subscribe`: on its stand-alone stream, and not before the edit is saved. The official clients of both generations get it too.',
      async () => {
        const streams = [await listen(alice), await listen(bob)];
        const subscribers = [alice, bob, bob, await connect('client 3')];
        for (const client of subscribers) {
          objectIn(await ask(client, 'resources/subscribe', { uri }));
        }
        let document = await read(alice);
        for (const [i, client] of [alice, bob, bob].entries()) {
          const change = replaceOne(document);
          const posted = post(client, { base: document.version, ...change });
          await atSave(posted);
          await settled();
          expectUpdates(streams, i, 'An edit is still being saved');
          await posted.done();
          expectAccepted(posted, document.version + 1);
          document = edited(document, change);
          await until(() => streams.every((stream) => updatesOn(stream) > i) || streams.some(finished));
          await settled();
          expectUpdates(streams, i + 1, `${i + 1 === 1 ? 'One edit was' : `${i + 1} edits were`} saved`);
          expect(
            notificationsIn(posted).every(({ method }) => method !== updated),
            {
              cause: `Your server sent ${updated} in the answer to an edit.`,
              advice: 'Send it on the stand-alone streams only: it belongs to no call.',
              see: '',
            },
          );
        }
        for (const stream of streams) {
          for (const message of messagesOn(stream)) {
            const shown = look(message, '', '');
            shown
              .at('params')
              .at('uri')
              .is(
                uri,
                `The notification ${updated} has the wrong uri.`,
                'Put the uri of the document into the params.',
              );
            shown.expect(!('id' in message), 'The notification has an id, so it is a request.', {
              like: `{"jsonrpc":"2.0","method":"${updated}","params":{"uri":"${uri}"}}`,
              advice: 'Leave the id out: nobody answers a notification.',
            });
          }
        }
        close(streams);
        await together(['first', 'second'] as const, async (generation) => official(generation));
      },
    );

    /** An official client subscribes, and is told of an edit. Both clients may edit, so a base can be old. */
    async function official(generation: 'first' | 'second'): Promise<void> {
      let heard = 0;
      const text = line();
      const client = await officialClient(server, generation, undefined, {
        onOther: (method) => (heard += method === updated ? 1 : 0),
      });
      const name = `The official client of the ${generation} generation`;
      await expectSoon(
        () => client.listening,
        () => ({
          cause: `${name} could not open the stand-alone stream.`,
          advice: 'Answer GET /mcp immediately with status 200 and the headers of an event stream, as in lesson 15.',
        }),
        server.program,
        workMs,
      );
      await client.subscribe(uri);
      for (let tries = 0; tries < 5; tries++) {
        const { version } = JSON.parse(String(await client.readResource(uri))) as Document;
        await client.callTool('edit', { base: version, from: 1, to: 1, lines: [text] });
        const { lines } = JSON.parse(String(await client.readResource(uri))) as Document;
        if (lines[0] === text) break;
      }
      await expectSoon(
        () => heard > 0,
        () => {
          missing(updated);
          return {
            cause: `${name} has subscribed and an edit was saved, but it did not get ${updated}.`,
            advice:
              'Compare the answer to GET /mcp in this capture with lesson 15: each message is one event with one line of data.',
          };
        },
        server.program,
        workMs,
      );
    }

    requirement(
      'Only an accepted edit causes `notifications/resources/updated`, and only sessions with a subscription to `document://shared` get it. A session loses its subscription with `resources/unsubscribe`.',
      async () => {
        const [carol, dora, eve] = [await connect('client 3'), await connect('client 4'), await connect('client 5')];
        const finn = await connect('client 6');
        const told = await listen(carol);
        const untold = [await listen(dora), await listen(eve), await listen(finn)];
        for (const client of [carol, dora]) objectIn(await ask(client, 'resources/subscribe', { uri }));
        objectIn(await ask(dora, 'resources/unsubscribe', { uri }));
        // The answer may be an error.
        await ask(finn, 'resources/subscribe', { uri: `document://${word()}` });
        let document = await read(alice);
        const { version } = document;
        const stale = post(dora, { base: version - 1, ...replaceOne(document) });
        await stale.done();
        const outside = post(eve, { base: version, from: 1, to: document.lines.length + 1, lines: [] });
        await outside.done();
        const failing = post(alice, { base: version, ...replaceOne(document) });
        await atSave(failing);
        server.program.held[0]!.fail(word());
        await failing.done();
        await settled();
        expect(updatesOn(told) === 0, {
          cause: `Three edits were refused, but your server sent ${updated} for one of them.`,
          advice: 'Send the notification as the last step of an edit, when the document has changed.',
          see: '',
        });
        document = await edit(alice, document, replaceOne(document));
        await until(() => updatesOn(told) > 0 || finished(told));
        await settled();
        expectUpdates([told], 1, 'One edit was saved');
        for (const [i, [who, advice]] of (
          [
            ['has unsubscribed', keepsWho],
            ['has never subscribed', keepsWho],
            [
              'has subscribed to a different URI only',
              `Compare params.uri with ${uri} in the handlers of resources/subscribe and resources/unsubscribe, and answer any other URI with an error.`,
            ],
          ] as const
        ).entries()) {
          expect(updatesOn(untold[i]!) === 0, {
            cause: `A session ${who}, but your server sent it ${updated}.`,
            compare: { expected: '(nothing)', received: visible(untold[i]!.text.trim().slice(0, 120)) },
            advice,
            see: '',
          });
        }
        // A session that is over gets nothing, and stops nobody.
        const goodbye = server.request('/mcp', { method: 'DELETE', headers: carol.headers, who: 'client 3' });
        await until(() => finished(goodbye));
        objectIn(await ask(dora, 'resources/subscribe', { uri }));
        await edit(eve, document, replaceOne(document));
        await until(() => updatesOn(untold[0]!) > 0);
        await settled();
        expectUpdates(
          [untold[0]!],
          1,
          'A session has subscribed again, another session is over, and one edit was saved',
        );
        close([told, ...untold]);
      },
    );
  });

  const keepsWho =
    'Keep in each session whether it has subscribed, and look at this before you send. resources/unsubscribe takes it back.';

  const without = (object: object, name: string) =>
    Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

  /** Opens the stand-alone stream of a session. */
  async function listen(client: McpClient): Promise<Posted> {
    const headers = { Accept: 'text/event-stream', ...client.headers };
    const exchange = server.request('/mcp', { method: 'GET', headers, who: client.who! });
    const stream = judged(server, exchange, {}, 'GET /mcp', '');
    const advice = 'Answer GET /mcp as in lesson 15: begin an event stream immediately, and leave it open.';
    await expectSoon(
      () => stream.status !== undefined || finished(stream),
      () => ({ cause: 'Your server did not answer GET /mcp.', advice }),
      server.program,
    );
    expectStatus(stream, 200, { advice, see: '' });
    expectHeader(stream, 'Content-Type', (type) => /^text\/event-stream\b/i.test(type), 'text/event-stream', {
      cause: 'The answer to GET /mcp is not an event stream.',
      advice,
    });
    return stream;
  }

  const close = (streams: Posted[]) => streams.forEach((stream) => stream.close());

  const messagesOn = (stream: Posted): Message[] => (stream.text === '' ? [] : stream.messages());
  const updatesOn = (stream: Posted): number => messagesOn(stream).filter(({ method }) => method === updated).length;

  /** Each of these streams has this many notifications. */
  function expectUpdates(streams: Posted[], count: number, when: string): void {
    for (const stream of streams) {
      const received = updatesOn(stream);
      if (received < count) missing(updated);
      expect(!finished(stream), {
        cause: 'Your server ended a stand-alone stream, although its session is not over.',
        advice: 'Leave the response to GET /mcp open: without response.end(), it stays open.',
        see: '',
      });
      expect(received === count, {
        cause:
          received < count
            ? `${when}, but your server has not sent ${updated} to each session that has subscribed.`
            : `${when}, but your server has ${count === 0 ? 'already sent' : 'sent'} ${updated}${count === 0 ? '' : ' too often'}.`,
        compare: { expected: `${count} on each stream`, received: `${received} on this stream` },
        advice:
          count === 0
            ? 'Send the notification as the last step of an edit, when the document has changed. A client reads the document immediately, and would get the old one.'
            : received < count
              ? 'Go through all sessions when an edit is saved, and write the notification on the stream of each session that has subscribed.'
              : 'Send the notification once for each session and accepted edit, after the save. A session that subscribes two times is still one subscriber.',
        see: '',
      });
    }
  }

  // ---------------------------------------------------------------------------------------------------------------

  const see = 'npm run try lesson-33';

  /** The grader's server for one client: it keeps a document, and leaves the edits to the caller. */
  type Editing = Script & {
    client: Client;
    document: Document;
    /** The order of what the client has sent besides edits. */
    readonly sent: string[];
    /** The reads that wait for an answer, while reads are held. */
    readonly reads: (() => void)[];
    readonly subscriptions: (() => void)[];
    hold: boolean;
    /** The method that is answered with an error. */
    refuses: string | undefined;
    /** Somebody else has edited: the client is told, if it listens. */
    change(change: Change, tell?: boolean): Promise<void>;
    /** Sends the notification. */
    tell(): Promise<void>;
    /** The client's next edit. */
    nextEdit(command: string): Promise<ReceivedMessage>;
  };

  type Begin = { commands?: string[]; holds?: boolean; refuses?: string };

  /** Starts a client with a user who types, or with commands as its arguments, and shakes hands. */
  async function startEditor({ commands, holds = false, refuses }: Begin): Promise<Editing> {
    const state = {
      document: { version: random.integer(3, 90), lines: Array.from({ length: 4 }, line) } as Document,
      sent: [] as string[],
      reads: [] as (() => void)[],
      subscriptions: [] as (() => void)[],
      hold: holds,
      refuses,
    };
    const reply = (call: Call, answer: object) => {
      const { id } = fromJson(call.body) as Message;
      call.response.writeHead(200, { 'content-type': 'application/json' });
      void call.send(JSON.stringify({ jsonrpc: '2.0', id, ...answer })).then(() => call.end());
    };
    const hears = (call: Call): boolean => {
      if (refusesDiscovery(call)) return true;
      const message = fromJson(call.body);
      if (call.request.method !== 'POST' || !isObject(message)) return false;
      const { method } = message;
      if (method !== 'resources/read' && method !== 'resources/subscribe') return false;
      state.sent.push(`${method} ${String(paramsOf(message).uri)}`);
      const text = JSON.stringify(state.document);
      const answer = () =>
        method === state.refuses
          ? reply(call, { error: { code: -32002, message: 'there is no such resource' } })
          : method === 'resources/subscribe'
            ? reply(call, { result: {} })
            : reply(call, { result: { contents: [{ uri, mimeType: 'application/json', text }] } });
      if (!state.hold) answer();
      else (method === 'resources/read' ? state.reads : state.subscriptions).push(answer);
      run.changed();
      return true;
    };
    let stream: Incoming | undefined;
    const onGet = (get: Incoming) => {
      stream = get;
      get.response.writeHead(200, { 'content-type': 'text/event-stream' });
      get.response.flushHeaders();
    };
    const session = `${word()}-${random.integer(1000, 9999)}`;
    const begin = (url: string) =>
      commands ? run.startClientWith({}, url, ...commands) : run.startTypedClient({}, url);
    const script = await scriptedServer(run, { see, session, hears, onGet, begin }).start();
    const { next } = script;
    const hello = await next('initialize');
    const capabilities = { tools: {}, resources: { subscribe: true } };
    await hello.json(hello.result({ ...script.initializeResult(), capabilities }));
    (await next('notifications/initialized')).accept();
    const editing: Editing = Object.assign(state, script, {
      client: judgedClient(run, script.client),
      async change(change: Change, tell = true) {
        editing.document = edited(editing.document, change);
        if (tell) await editing.tell();
      },
      tell: async () => void (await stream?.send(eventOf(notification(updated, { uri })))),
      nextEdit: (command: string) =>
        next('tools/call', {
          cause: `The user has typed the command "${visible(command)}", but your client did not call edit.`,
          advice: 'Read the commands one after the other with for await, and call edit for each command.',
        }),
    });
    return editing;
  }

  /** The client has printed this document. */
  const expectShown = (editing: Editing, cause: string, advice: string, before: string[] = []): Promise<void> =>
    editing.client.prints([...before, ...shown(editing.document)], {
      cause,
      otherwise: 'Your client printed the document in the wrong way, or printed the wrong version.',
      advice,
    });

  const shown = ({ version, lines }: Document): string[] => [
    `VERSION ${version}`,
    ...lines.map((text, i) => `${i + 1}: ${text}`),
  ];

  const shows =
    'Print the line VERSION and the number of the version, and then each line of the document with its number, a colon and a space.';

  /** The call has these arguments. */
  function expectEdit(call: ReceivedMessage, { version }: Document, change: Change, command: string): void {
    const params = call.member('params');
    params.at('name').is('edit', 'Your client called a different tool.', 'Call the tool edit.');
    const args = params.at('arguments');
    const { base, ...rest } = isObject(args.value) ? args.value : {};
    args
      .at('base')
      .expect(base === version, 'The base of the edit is not the newest version that your client has printed.', {
        like: `"base":${version}`,
        advice:
          'Keep the newest document in a variable, and send its version as base. After an edit, read the document before the next command.',
      });
    look(rest, 'arguments', see).is(
      change,
      `The arguments of the edit for the command "${visible(command)}" are wrong.`,
      'Replace a line with from and to at its number, remove it with an empty list of lines, and add a line behind the end with from at the number of lines plus 1 and to at the number of lines. Take the numbers from the version that is the base.',
    );
  }

  function argumentsOf(call: ReceivedMessage): Message {
    const { value } = call.member('params').at('arguments');
    return isObject(value) ? value : {};
  }

  /** The call sends the edit of a command again, which was right for the version before. */
  function expectAgain(
    again: ReceivedMessage,
    [before, now]: [Document, Document],
    [change, shifted]: [Change, Change],
    { command, what, told }: { command: string; what: string; told: boolean },
  ): void {
    const args = again.member('params').at('arguments');
    const { base, from } = isObject(args.value) ? args.value : {};
    args
      .at('base')
      .expect(base !== before.version, 'Your client sent a refused edit again with the version that was refused.', {
        like: `"base":${now.version}`,
        advice: 'Read the document after the refusal, and send the edit again with the version that you have read.',
      });
    const isOld = base === now.version && from === change.from && shifted.from !== change.from;
    const isLine = change.to === change.from;
    const old = `line ${change.from} of version ${before.version}`;
    args
      .at('from')
      .expect(
        !isOld,
        isLine
          ? `Your client sent the edit for the command "${visible(command)}" first with the right number. When it was refused because ${what}, your client sent it again with the new version, but with the old number. Now ${old} is line ${shifted.from} of version ${now.version}.`
          : `Your client sent the edit for the command "${visible(command)}" again with the new version, but with the end of the old version, although ${what}.`,
        {
          like: `"from":${shifted.from}`,
          advice: !isLine
            ? 'Compute from and to of an added line again from the version that is the base.'
            : told
              ? 'Keep the version from before the call in a variable, and give its lines to moved. The notification has replaced the newest version before the call was answered, so after the await it is too late to look at the old one.'
              : 'Send the number that moved returns, and refuse the command if it returns undefined. Give moved the lines from before the call and the lines that you have read after it.',
        },
      );
    expectEdit(again, now, shifted, command);
  }

  /** The server accepts the edit. */
  async function accept(editing: Editing, call: ReceivedMessage, change: Change): Promise<void> {
    editing.document = edited(editing.document, change);
    const { version } = editing.document;
    await call.json(call.result({ ...textResult('saved'), structuredContent: { version } }));
  }

  async function refuse({ document: { version } }: Editing, call: ReceivedMessage): Promise<void> {
    const result = { ...textResult('refused'), structuredContent: { version }, isError: true };
    await call.json(call.result(result));
  }

  const readsAfter =
    'Read the document when an edit was answered, accepted or refused, and print it if its version is newer.';

  /** The server accepts the edit, and the client prints the new version. */
  async function acceptAndExpectShown(editing: Editing, call: ReceivedMessage, change: Change): Promise<void> {
    await accept(editing, call, change);
    await expectShown(
      editing,
      'The server has accepted an edit, but your client did not print the document.',
      readsAfter,
    );
  }

  task({ number: 2, title: 'Edit it', file: 'client.ts' }, () => {
    let editing: Editing;

    requirement(
      'The command `client.ts URL` shakes hands, opens the stand-alone stream with GET, and sends `resources/subscribe` for `document://shared`. When this request is answered, and not earlier, the client sends `resources/read`.',
      async () => {
        editing = await startEditor({ holds: true });
        const { client, subscriptions, reads, sent } = editing;
        const order =
          'Subscribe first, and read when the answer to resources/subscribe is here. Otherwise nobody tells your client of an edit that comes between the two.';
        await expectSoon(
          () => subscriptions.length > 0 || reads.length > 0 || client.end || client.verdict,
          () => ({ cause: 'Your client did not send resources/subscribe after the handshake.', advice: order, see }),
          client,
        );
        await settled(client);
        expect(sent[0] === `resources/subscribe ${uri}` && reads.length === 0, {
          cause:
            reads.length > 0
              ? 'Your client sent resources/read before resources/subscribe was answered.'
              : client.end
                ? 'Your client ended, but it should wait for the commands of its user.'
                : 'Your client did not subscribe to the document.',
          compare: { expected: `resources/subscribe ${uri}`, received: sent.join(', ') || '(nothing)' },
          ...lastWords(client),
          advice: order,
          see,
        });
        editing.hold = false;
        subscriptions.splice(0).forEach((answer) => answer());
        await expectSoon(
          () => editing.gets.length > 0 || client.end,
          () => ({
            cause: 'Your client did not send GET /mcp.',
            advice:
              'Open the stand-alone stream after the handshake, as in lesson 15. The official client does this itself.',
            see,
          }),
          client,
        );
        editing.gets[0]?.expectAgreed();
        await expectSoon(
          () => sent.length > 1 || client.end,
          () => ({ cause: 'Your client has subscribed, but it did not send resources/read.', advice: order, see }),
          client,
        );
        expect(sent[1] === `resources/read ${uri}`, {
          cause: 'Your client did not read the document when it had subscribed.',
          compare: { expected: `resources/read ${uri}`, received: sent[1] ?? '(nothing)' },
          advice: order,
          see,
        });
      },
    );

    requirement(
      'When the document has been read, the client prints it, as in `VERSION 3` and then `1: TEXT` for each line. When `notifications/resources/updated` arrives, the client reads and prints the document immediately, also while its user types nothing.',
      async () => {
        await expectShown(editing, 'The client has read the document, but did not print it.', shows);
        for (const change of [
          { from: 2, to: 2, lines: [`${line()} é世`, ''] },
          { from: 1, to: 0, lines: [line()] },
          { from: 2, to: 4, lines: [] },
          { from: 1, to: 1, lines: [line(), line(), line()] },
        ]) {
          await editing.change(change);
          await expectShown(
            editing,
            `${updated} has arrived, but your client did not print the new document.`,
            'Set the handler of this notification before you connect. In it, read the document and print it: the loop over the commands waits meanwhile.',
          );
        }
      },
    );

    requirement(
      'The client prints each version one time only. It prints no version that is older than one that it has printed, even if a later `resources/read` is answered first.',
      async () => {
        const { client, reads } = editing;
        const advice =
          'Compare the version that was read with the newest version that you have printed, and print only a newer one.';
        editing.hold = true;
        await editing.change({ from: 1, to: 1, lines: [line()] });
        const older = editing.document;
        await expectSoon(
          () => reads.length > 0 || client.end,
          () => ({
            cause: 'Your client was told of a new version, but did not read the document.',
            advice: shows,
            see,
          }),
          client,
        );
        await editing.change({ from: 1, to: 1, lines: [line()] });
        await settled(client);
        editing.hold = false;
        const [first, ...later] = reads.splice(0);
        later.forEach((answer) => answer());
        if (later.length > 0) {
          await expectShown(editing, 'Your client did not print a version that it has read.', advice);
          first?.();
        } else {
          first?.();
          const again = 'Read the document once more if a notification arrives while you are reading it.';
          await expectShown(
            editing,
            'The client was told of two versions, but did not print both.',
            again,
            shown(older),
          );
        }
        await settled(client);
        // An editor that has read the document after its own edit is told of this edit, too.
        for (const _again of [1, 2]) await editing.tell();
        await settled(client);
        await client.prints([], {
          cause: '',
          otherwise: 'Your client printed a version again, or printed an older version after a newer one.',
          advice,
        });
      },
    );

    requirement(
      'For the commands `3: TEXT`, `- 3` and `+ TEXT`, the client calls `edit`: it replaces line 3, removes line 3, or adds a line at the end. `base` is the newest version that the client has printed.',
      async () => {
        const text = `${word()}: ${line()} - 2 + 3`;
        const number = random.integer(1, editing.document.lines.length);
        const kinds: [string, () => Change][] = [
          [`${number}: ${text}`, () => ({ from: number, to: number, lines: [text] })],
          [`- ${number}`, () => ({ from: number, to: number, lines: [] })],
          [
            `+ ${text}`,
            () => ({ from: editing.document.lines.length + 1, to: editing.document.lines.length, lines: [text] }),
          ],
        ];
        for (const [command, changeOf] of kinds) {
          editing.client.write(`${command}\n`);
          const call = await editing.nextEdit(command);
          const change = changeOf();
          expectEdit(call, editing.document, change, command);
          await acceptAndExpectShown(editing, call, change);
        }
      },
    );

    requirement(
      'If an edit is accepted, the client reads and prints the new version before it sends its next edit.',
      async () => {
        const { client, document } = editing;
        const texts = [line(), line(), line()];
        const commands = texts.map((text, i) => (i === 1 ? `1: ${text}` : `+ ${text}`));
        client.write(commands.map((command) => `${command}\n`).join(''));
        for (const [i, command] of commands.entries()) {
          const call = await editing.nextEdit(command);
          await settled(client);
          expect(!editing.waiting(), {
            cause: 'Your client sent the next edit before the edit before it was answered.',
            advice: 'Wait until a command is over before you look at the next one: await it inside of for await.',
            see,
          });
          const { length } = editing.document.lines;
          const change = { from: i === 1 ? 1 : length + 1, to: i === 1 ? 1 : length, lines: [texts[i]!] };
          expectEdit(call, editing.document, change, command);
          await acceptAndExpectShown(editing, call, change);
        }
        expect(editing.document.version === document.version + 3, { cause: 'The grader has lost an edit.' });
      },
    );

    requirement(
      'If an edit is refused because somebody else has changed the document, the client reads it and sends the edit again with the new version. If lines above have been added or removed, it sends the new number of the line.',
      async () => {
        const { client } = editing;
        const number = random.integer(3, editing.document.lines.length - 1);
        const either = random.pick([true, false]);
        // A client without moved fails in the first case, and one that looks at the old version too late in the second.
        const cases: [what: string, sign: string, moves: number, told: boolean, other: (length: number) => Change][] = [
          ['two lines were added above', ':', 2, false, () => ({ from: 2, to: 1, lines: [line(), line()] })],
          ['a line was removed above', '-', -1, true, () => ({ from: 1, to: 1, lines: [] })],
          ['the last line was changed', ':', 0, either, (length) => ({ from: length, to: length, lines: [line()] })],
          ['the first line was changed', ':', 0, !either, () => ({ from: 1, to: 1, lines: [line()] })],
          ['a line was added at the end', '+', 1, either, (end) => ({ from: end + 1, to: end, lines: [line()] })],
        ];
        for (const [what, sign, moves, told, other] of cases) {
          run.newCapture();
          const before = editing.document;
          const { length } = before.lines;
          const at = sign === '+' ? length + 1 : Math.min(number, length - 1);
          const text = line();
          const command = sign === ':' ? `${at}: ${text}` : sign === '-' ? `- ${at}` : `+ ${text}`;
          const change = { from: at, to: sign === '+' ? length : at, lines: sign === '-' ? [] : [text] };
          client.write(`${command}\n`);
          const first = await editing.nextEdit(command);
          expectEdit(first, editing.document, change, command);
          await editing.change(other(length), told);
          // Most clients print the new version before the answer to the edit. One that reads later is right, too.
          const heading = `VERSION ${editing.document.version}`;
          if (told) await until(() => client.lines.includes(heading) || client.end, 1000);
          await refuse(editing, first);
          const never = {
            cause: `An edit was refused because ${what}, but your client did not send it again.`,
            advice:
              'Find the line in the new version with moved, and call edit again with its new number and the new version.',
          };
          await expectShown(
            editing,
            'An edit was refused, but your client did not read and print the new version.',
            readsAfter,
          ).catch((error: unknown) => {
            expect(!client.lines.includes(`REFUSED: ${command}`), { ...never, see });
            throw error;
          });
          const again = await editing.next('tools/call', never);
          const shifted = { ...change, from: change.from + moves, to: change.to + moves };
          expectAgain(again, [before, editing.document], [change, shifted], { command, what, told });
          await acceptAndExpectShown(editing, again, shifted);
        }
        await random.aside(expectTwoMoves);
      },
    );

    /** A line is added above while the edit of one command is refused, and removed when it is sent a second time. */
    async function expectTwoMoves(): Promise<void> {
      run.newCapture();
      const { client } = editing;
      const command = `2: ${line()}`;
      let change = { from: 2, to: 2, lines: [command.slice(3)] };
      client.write(`${command}\n`);
      let call = await editing.nextEdit(command);
      expectEdit(call, editing.document, change, command);
      for (const [what, moves, other] of [
        ['a line was added above', 1, { from: 1, to: 0, lines: [line()] }],
        ['a line was removed above', -1, { from: 1, to: 1, lines: [] }],
      ] as const) {
        const before = editing.document;
        await editing.change({ ...other, lines: [...other.lines] }, false);
        await refuse(editing, call);
        await expectShown(
          editing,
          'An edit was refused, but your client did not read and print the new version.',
          readsAfter,
        );
        const advice =
          'In each try, give moved the lines of the version that this try has sent as its base, and the lines that you have read after it.';
        call = await editing.next('tools/call', {
          cause: `The edit of one command was refused because ${what}, but your client did not send it again.`,
          advice,
        });
        const shifted = { ...change, from: change.from + moves, to: change.to + moves };
        const { base, from } = argumentsOf(call);
        expect(moves === 1 || base !== editing.document.version || from === shifted.from, {
          cause: `The edit of one command was refused two times: a line was added above, and then it was removed. Your client sent the third edit with the new version, but with the wrong number.`,
          compare: { expected: `"from":${shifted.from}`, received: `"from":${asJson(from)}` },
          advice,
          see,
        });
        expectAgain(call, [before, editing.document], [change, shifted], { command, what, told: false });
        change = shifted;
      }
      await acceptAndExpectShown(editing, call, change);
    }

    requirement(
      'If somebody else has changed or removed the line of a refused edit, the client prints `REFUSED:` and the command, as in `REFUSED: 3: TEXT`. It does not send this edit again, and continues with the next command.',
      async () => {
        const { client } = editing;
        for (const [what, lines] of [
          ['changed', [line()]],
          ['removed', []],
        ] as const) {
          const at = random.integer(2, editing.document.lines.length - 1);
          const command = random.pick([`${at}: ${line()}`, `- ${at}`]);
          client.write(`${command}\n`);
          const call = await editing.nextEdit(command);
          await editing.change({ from: at, to: at, lines: [...lines] }, false);
          await refuse(editing, call);
          await expectGivenUp(command, {
            why: `Somebody else has ${what} the line of a refused edit`,
            again: 'your client sent the edit again',
            advice:
              'Send the edit again only if its line is the same in the new version: moved returns undefined otherwise. A second try would overwrite what somebody else has just written.',
            shows: true,
          });
        }
        await expectContinues();
      },
    );

    /** The client prints that the command was refused, after the new version if there is one, and sends no further edit. */
    async function expectGivenUp(
      command: string,
      { why, again, advice, shows }: { why: string; again: string; advice: string; shows: boolean },
    ): Promise<void> {
      const { client } = editing;
      const refused = `REFUSED: ${command}`;
      await until(() => editing.waiting() || client.lines.includes(refused) || client.end);
      await editing.nothingPosted({ cause: `${why}, but ${again}.`, advice });
      await client.prints([...(shows ? shown(editing.document) : []), refused], {
        cause: `${why}, but your client did not print that the command was refused.`,
        otherwise: `${why}, but your client printed the wrong lines.`,
        advice: (received) =>
          shows && !received.startsWith('VERSION')
            ? readsAfter
            : 'Print REFUSED: and the command as its user has typed it, so that the user can decide what to do.',
      });
    }

    /** The client carries out the next command. */
    async function expectContinues(): Promise<void> {
      const command = `+ ${line()}`;
      const { length } = editing.document.lines;
      const change = { from: length + 1, to: length, lines: [command.slice(2)] };
      editing.client.write(`${command}\n`);
      const call = await editing.nextEdit(command);
      expectEdit(call, editing.document, change, command);
      await acceptAndExpectShown(editing, call, change);
    }

    requirement(
      'If an edit is refused five times in a row, or is refused although its `base` is the current version, the client prints `REFUSED:` and the command. It does the same for a line that is not a command, and continues.',
      async () => {
        const { client } = editing;
        const command = `+ ${line()}`;
        client.write(`${command}\n`);
        for (let tries = 1; tries <= 5; tries++) {
          const call = await editing.next('tools/call', {
            cause: `Your client gave up after ${tries - 1} refused edits of the same command.`,
            advice: 'Try five times: with many editors, somebody else may be faster several times.',
          });
          const { length } = editing.document.lines;
          expectEdit(call, editing.document, { from: length + 1, to: length, lines: [command.slice(2)] }, command);
          await editing.change({ from: 1, to: 1, lines: [line()] }, false);
          await refuse(editing, call);
          if (tries < 5) {
            await expectShown(
              editing,
              'An edit was refused, but your client did not read and print the new version.',
              readsAfter,
            );
          }
        }
        await expectGivenUp(command, {
          why: 'The edit of one command was refused five times',
          again: 'your client sent it a sixth time',
          advice: 'Count the tries, and give up after the fifth. A loop without an end may try for ever.',
          shows: true,
        });
        const far = `${editing.document.lines.length + 7}: ${line()}`;
        client.write(`${far}\n`);
        await refuse(editing, await editing.nextEdit(far));
        await expectGivenUp(far, {
          why: 'An edit was refused although its base was the current version',
          again: 'your client sent it again',
          advice: 'Give up if the version is still the one that you have sent: then the edit itself is wrong.',
          shows: false,
        });
        const zero = `0: ${random.aside(line)}`;
        client.write(`${zero}\n`);
        // A client may also see without the server that there is no such line.
        await until(() => editing.waiting() || client.lines.includes(`REFUSED: ${zero}`) || client.end);
        if (editing.waiting()) {
          const call = await editing.nextEdit(zero);
          expect(argumentsOf(call).from === 0, {
            cause:
              'The user has named line 0, which no document has, but your client sent an edit of a different line.',
            compare: {
              expected: `"from":0 (or only "${visible(`REFUSED: ${zero}`)}")`,
              received: `"from":${asJson(argumentsOf(call).from)}`,
            },
            advice: 'Compare the line of the command with undefined, because a condition takes 0 as false.',
            see,
          });
          expectEdit(call, editing.document, { from: 0, to: 0, lines: [zero.slice(3)] }, zero);
          await refuse(editing, call);
        }
        await expectGivenUp(zero, {
          why: 'The user has named line 0, which no document has',
          again: 'your client sent the edit again',
          advice: 'Give up if the version is still the one that you have sent: then the edit itself is wrong.',
          shows: false,
        });
        const unknown = random.pick(['?', '*', '#']) + line();
        client.write(`${unknown}\n`);
        await expectGivenUp(unknown, {
          why: 'The user has typed a line that is not a command',
          again: 'your client sent an edit',
          advice: 'Send nothing if parsed returns undefined.',
          shows: false,
        });
        await expectContinues();
      },
    );

    requirement(
      'When standard input ends, the client finishes its last command, sends `DELETE`, and exits with code 0. If a command was refused, it exits with code 8.',
      async () => {
        const text = line();
        const added = (document: Document) => ({
          from: document.lines.length + 1,
          to: document.lines.length,
          lines: [text],
        });
        await together(['all is well', 'refused'] as const, async (how) => {
          const isWell = how === 'all is well';
          const own = isWell ? await startEditor({ commands: [`+ ${text}`] }) : editing;
          const { client } = own;
          if (isWell) {
            await expectShown(own, 'The client has read the document, but did not print it.', shows);
          } else {
            client.write(`+ ${text}\n`);
            client.endInput();
          }
          const call = await own.nextEdit(`+ ${text}`);
          await settled(client);
          const ended = client.end !== undefined;
          expect(!ended && own.goodbyes.length === 0, {
            cause: `Standard input has ended, and your client ${ended ? 'ended' : 'sent DELETE'} before its last edit was answered.`,
            advice: 'Await the last command before you end the session.',
            see,
          });
          await accept(own, call, added(own.document));
          await expectShown(
            own,
            'The server has accepted an edit, but your client did not print the document.',
            readsAfter,
          );
          await expectEnd(
            run,
            client,
            'Standard input has ended and all commands are over, but your client is still running.',
            'Close the stand-alone stream at the end: the official client does this in close().',
          );
          const code = isWell ? 0 : 8;
          const exit = client.end as Client['end'];
          expect(exit?.code === code, {
            cause: isWell
              ? 'All commands were carried out, but your client did not exit with code 0.'
              : 'Some commands were refused, but your client did not exit with code 8.',
            compare: { expected: String(code), received: String(exit?.code ?? exit?.signal) },
            ...lastWords(client),
            advice: 'Set process.exitCode = 8 where you print REFUSED, and set no other code there.',
            see,
          });
          expect(own.goodbyes.length > 0, {
            cause: 'Your client ended without a DELETE for its session.',
            compare: { expected: 'DELETE /mcp', received: '(nothing)' },
            advice:
              'Send DELETE in finally. With the official client, call transport.terminateSession() before close().',
            see,
          });
          own.goodbyes[0]!.expectAgreed();
        });
      },
    );

    requirement(
      'If the server cannot be reached, or answers `initialize`, `resources/subscribe`, `resources/read` or an edit with an HTTP or JSON-RPC error, the client prints one line on standard error and exits with code 1. This includes a `resources/read` after a notification.',
      async () => {
        const advice =
          'Catch the error around everything that the client does, print one line with console.error, and set process.exitCode = 1.';
        const failures = ['no server', 'status 500', 'edit 500', 'edit error', 'later read'] as const;
        await together([...failures, 'resources/subscribe', 'resources/read'] as const, async (how) => {
          if (how === 'no server') {
            const client = judgedClient(run, run.startClient('http://127.0.0.1:9/mcp'));
            await client.fails({ code: 1, about: 'a server that cannot be reached', advice });
          } else if (how === 'status 500') {
            const begin = (url: string) => run.startClient(url);
            const { client, next } = await scriptedServer(run, { see, hears: refusesDiscovery, begin }).start();
            await (await next('initialize')).answer(500, 'text/plain', word());
            await client.fails({ code: 1, about: 'status 500', advice });
          } else if (how === 'edit 500' || how === 'edit error') {
            const command = `+ ${line()}`;
            const { client, document, nextEdit } = await startEditor({ commands: [command] });
            const call = await nextEdit(command);
            if (how === 'edit 500') await call.answer(500, 'text/plain', word());
            else await call.json(call.error(-32603, random.words(2).join('\n')));
            const printed = shown(document);
            const about = `${how === 'edit 500' ? 'status 500' : 'an error of JSON-RPC'} in answer to an edit`;
            const refusal =
              'Only a result with isError: true is a refusal. Let any other error of the call end the client with code 1.';
            await client.fails({
              code: 1,
              printed,
              about,
              advice: refusal,
              otherCode: refusal,
              oneLine: withoutBreaks,
            });
          } else if (how === 'later read') {
            const own = await startEditor({});
            const { client } = own;
            const printed = shown(own.document);
            await expectShown(own, 'The client has read the document, but did not print it.', shows);
            await until(() => own.gets.length > 0 || client.end);
            own.refuses = 'resources/read';
            await own.tell();
            const about = 'an error in answer to the resources/read after a notification';
            await expectEnd(
              run,
              client,
              `Your client still runs after ${about}.`,
              'Catch the error in the handler of the notification, print it, and end the client there: nobody awaits the handler. Otherwise your user looks at an old version and does not know it.',
            );
            await client.fails({ code: 1, printed, about, advice });
          } else {
            const { client } = await startEditor({ commands: [], refuses: how });
            await client.fails({ code: 1, about: `an error of JSON-RPC in answer to ${how}`, advice });
          }
        });
      },
    );
  });
});
