import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { drawDocuments, drawIndexed, writtenTo, type Drawn, type Indexed } from '../harness/vocabulary/documents.ts';
import { expectEnd, judgedClient, lastWords, type Client } from '../harness/vocabulary/command-line.ts';
import { finished, release } from '../harness/vocabulary/http.ts';
import {
  expectAgreed,
  initialize,
  mcpClient,
  request,
  type McpClient,
  type Posted,
} from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  notification,
  expectCancelled,
  refusesDiscovery,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { expectResponseLast, notificationsIn, paramsOf } from '../harness/vocabulary/notifications.ts';
import { officialClient, type Report } from '../harness/vocabulary/official-client.ts';
import { screen, terminal } from '../harness/vocabulary/terminal.ts';
import {
  anyToolIn,
  expectNoFailure,
  expectSchema,
  expectStructured,
  listTools,
  objectIn,
  outputSchemaOf,
  validatorOf,
  type Validate,
} from '../harness/vocabulary/tools.ts';
import { asJson, look, type Looked } from '../harness/vocabulary/value.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

/** What a call sends as its progress token; undefined where it asks for no reports. */
type Token = string | number | undefined;

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, together, until } = run;

  const tool = 'process_documents';
  let server: Server;
  let folder: string;
  let alice: McpClient;
  let bob: McpClient;

  const word = () => random.words(1)[0]!;

  /** Starts the server with an empty folder of documents, and connects two clients. */
  async function start(): Promise<void> {
    const outer = run.temporaryFolder();
    folder = join(outer, 'documents');
    mkdirSync(folder);
    mkdirSync(join(outer, namesake));
    for (const outside of ['outside.txt', `${namesake}/outside.txt`]) writeFileSync(join(outer, outside), secret);
    server = await startServer({ DOCUMENTS: folder });
    alice = mcpClient(server, { who: 'client 1' });
    bob = mcpClient(server, { who: 'client 2' });
  }
  /** A different folder whose path begins like that of the documents. */
  const namesake = 'documents-of-others';
  const secret = 'Nobody may count these words. Nobody.';

  async function connect(client: McpClient): Promise<void> {
    await initialize(client);
    (await client.notify('notifications/initialized')).accepted();
  }

  async function startConnected(): Promise<void> {
    await start();
    await connect(alice);
    await connect(bob);
  }

  /** Some documents, in the folder of the server. */
  const drawn = (count: number, wide = false): Drawn[] =>
    drawDocuments(random, count, wide).map((document) => writtenTo(folder, document));
  const namesOf = (documents: readonly { name: string }[]) => documents.map(({ name }) => name);

  const paramsFor = (names: unknown, progressToken?: Token) => ({
    name: tool,
    arguments: { documents: names },
    ...(progressToken !== undefined && { _meta: { progressToken } }),
  });

  /** Calls the tool, and waits for nothing. */
  const call = (client: McpClient, names: unknown, progressToken?: Token, id?: string | number): Posted => {
    const params = paramsFor(names, progressToken);
    const message = id === undefined ? client.request('tools/call', params) : request(id, 'tools/call', params);
    return client.post(message, { see: '' });
  };

  const isMethod = (method: string) => (message: Message) => message.method === method;
  const reportsIn = (posted: Posted) => notificationsIn(posted).filter(isMethod('notifications/progress'));
  const logsIn = (posted: Posted) => notificationsIn(posted).filter(isMethod('notifications/message'));

  /** The object with the results, which the result has as structuredContent. */
  function structuredIn(posted: Posted): { result: Looked; structured: Looked } {
    const result = objectIn(posted);
    expectNoFailure(result, posted);
    const structured = result.at('structuredContent').object('The structuredContent of the result is not an object.', {
      missing: 'The result has no structuredContent.',
      like: '{"documents":[…],"failed":[…]}',
      advice:
        'Put the object with documents and failed into the member structuredContent of the result, beside content.',
    });
    return { result, structured };
  }

  /** The result has these documents in `documents`, in this order, and these names in `failed`. */
  function expectProcessed(posted: Posted, documents: readonly Drawn[], failed: readonly string[] = []): void {
    const { structured } = structuredIn(posted);
    const list = structured.at('documents').array('The documents of the result are not an array.', {
      missing: 'The result has no documents.',
      advice: 'Make documents an array with an object for each document that was processed.',
    });
    const failures = structured.at('failed').array('The member failed of the result is not an array.', {
      missing: 'The result has no member failed.',
      advice:
        'Make failed an array with an object for each document that was not processed. It is empty if none failed.',
    });
    const shown = (entries: unknown[]) => entries.map((entry) => (isObject(entry) ? entry.name : entry));
    structured
      .at('documents')
      .expect(
        isDeepStrictEqual(shown(list), namesOf(documents)),
        'The documents of the result are not those that were asked for, in their order.',
        {
          like: `"documents": ${asJson(namesOf(documents))} (only the names are shown)`,
          advice:
            'Add an object to documents for each name of the list that was processed, in the order of the list, also if a name stands in the list twice. Begin with an empty array in each call.',
        },
      );
    for (const [i, { name, what, words, longestSentence }] of documents.entries()) {
      const entry = look(list[i], '', '');
      entry
        .at('words')
        .is(words, `The document ${visible(name)} is ${what}, but its number of words is wrong.`, countsWords(what));
      entry
        .at('longestSentence')
        .is(
          longestSentence,
          `The document ${visible(name)} is ${what}, but its longest sentence is wrong.`,
          findsSentence(what),
        );
    }
    structured
      .at('failed')
      .expect(
        isDeepStrictEqual(shown(failures), failed),
        'The member failed does not have the documents that failed, in their order.',
        {
          like: `"failed": ${asJson(failed)} (only the names are shown)`,
          advice:
            'Add an object with the name and a reason to failed for each document that cannot be processed, and continue with the next one.',
        },
      );
    for (const entry of failures) {
      look(entry, '', '').at('reason').string('An object in failed has no reason.', {
        advice: 'Say in the string reason why the document failed: the user has to know what to do.',
      });
    }
  }

  const inLowerCase =
    'Add each word in lower case, and without the characters at its beginning and its end that are not letters, digits or "_". Characters inside of the word stay. If nothing is left of a word, do not add it.';
  const ofTheCall = 'Begin with an empty index in each call, and add the words of each document of this call to it.';
  const inAMap =
    'Every object of JavaScript has the members constructor and __proto__ from the beginning. Collect the words in a Map, and make the object at the end, with Object.fromEntries.';

  /** The result has an index of these documents. */
  function expectIndex(posted: Posted, documents: readonly Indexed[]): void {
    const { structured } = structuredIn(posted);
    const isInherited = (term: string) => term in {};
    const special = documents.flatMap(({ terms }) => terms).find(isInherited);
    const failed = structured.at('failed');
    failed.expect(
      !Array.isArray(failed.value) || failed.value.length === 0,
      special === undefined
        ? 'All documents of the list can be processed, but your server put one into failed.'
        : `A document has the word "${special}", and your server could not process this document.`,
      { like: '"failed":[]', advice: special === undefined ? ofTheCall : inAMap },
    );
    const index = structured.at('index');
    index.object('The index of the result is not an object.', {
      missing: 'The result has no index.',
      like: '{"people":["preamble.txt"], …}',
      advice:
        'Add the member index to the result: an object that has for each word a list of the names of the documents with this word.',
    });
    const found = new Map(Object.entries(index.value as object));
    const expected = new Map<string, Set<string>>();
    for (const { name, terms } of documents) {
      for (const term of terms) expected.set(term, (expected.get(term) ?? new Set()).add(name));
    }
    const entry = (term: string, names: unknown) => `${asJson(term)}:${asJson(names)}`;
    for (const [term, names] of expected) {
      const similar = [...found].find(([key]) => key.toLowerCase().includes(term));
      expect(found.has(term), {
        cause: `The word ${asJson(term)} stands in the document ${visible([...names][0]!)}, but index has no entry for it.`,
        compare: {
          expected: entry(term, [...names]),
          received: similar && !isInherited(term) ? entry(...similar) : `(no ${asJson(term)})`,
        },
        advice: isInherited(term) ? inAMap : inLowerCase,
      });
    }
    for (const [term, names] of expected) {
      expect(isDeepStrictEqual(found.get(term), [...names]), {
        cause: `The entry ${asJson(term)} of index does not have the names of the documents with this word, each name one time and in the order of the list.`,
        compare: { expected: entry(term, [...names]), received: entry(term, found.get(term)) },
        advice: `Add the name of the document to the list of the word if the list does not have it yet. ${ofTheCall}`,
      });
    }
    const strange = [...found].find(([term]) => !expected.has(term));
    if (!strange) return;
    const alike = [...expected].find(([term]) => strange[0].toLowerCase().includes(term));
    throw new Failure({
      cause: `The index has the entry ${asJson(strange[0])}, but this is not a word of the documents.`,
      compare: { expected: alike ? entry(alike[0], [...alike[1]]) : '(no such entry)', received: entry(...strange) },
      advice: alike || !/^[\p{L}\p{N}_]/u.test(strange[0]) ? inLowerCase : ofTheCall,
    });
  }

  const isPlain = (what: string) => what === 'UTF-8';
  const decodes = (what: string) =>
    `Look at the bytes before you decode them. FF FE at the beginning means UTF-16LE. Otherwise decode UTF-8 with { fatal: true }, and take Latin-1 if this throws an error. The bytes of a byte order mark are not part of the text. This document is ${what}.`;
  const countsWords = (what: string) =>
    isPlain(what)
      ? 'Split the text at white space, which is one or more spaces, tabs or line breaks, and count the pieces that are not empty.'
      : decodes(what);
  const findsSentence = (what: string) =>
    isPlain(what)
      ? 'A sentence ends with a word whose last character is ".", "!" or "?", or with the text. Take the sentence with the most words, the first one of several, and join its words with single spaces.'
      : decodes(what);

  const awaitsWork =
    'Call await work(`document ${name}`) once for each document, with the name from the list, and begin the next document only when it is over.';

  /** The server is at work on this document; or the call has come to its end, and the server has never called `work`. */
  async function atWorkOn(posted: Posted, name: string): Promise<boolean> {
    const { program } = server;
    const label = `document ${name}`;
    const calls = program.workCalls;
    const held = () => program.held.find((each) => each.label === label);
    await expectSoon(
      () => held() ?? (program.held.length > 0 || finished(posted)),
      () => {
        missing(`at work: ${visible(label)}`);
        return {
          cause: `Your server is not at work on ${visible(name)}, and has not answered the call.`,
          advice: awaitsWork,
        };
      },
      program,
    );
    if (finished(posted) && calls === 0 && program.workCalls === 0) return false;
    const notHeld = () => ({
      cause: finished(posted)
        ? `Your server ended the answer, but it has not waited for its work on ${visible(name)}.`
        : `Your server should be at work on ${visible(name)}, but it waits with a different label or for a different document.`,
      compare: {
        expected: `work("${visible(label)}")`,
        received: program.held.map(({ label }) => `work("${visible(label)}")`).join(', ') || '(no work)',
      },
      advice: awaitsWork,
    });
    // Another call may be at work meanwhile, so its work says nothing about this one.
    await expectSoon(() => held() ?? finished(posted), notHeld, program);
    expect(held(), notHeld());
    await program.caughtUp();
    return true;
  }

  const letGo = (name: string) => server.program.held.find(({ label }) => label === `document ${name}`)?.release();

  /** A log message on this document. */
  const isLogOf = (message: Message, name: string) => String(paramsOf(message).data).includes(name);

  // ---------------------------------------------------------------------------------------------------------------

  task({ number: 1, title: 'Process', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client posts `initialize` with the revision `2025-11-25` to `/mcp`, the server answers with this revision and with the capabilities `tools` and `logging`. It answers `notifications/initialized` with status 202.',
      async () => {
        await start();
        expectAgreed(await initialize(alice), ['tools', 'logging']);
        (await alice.notify('notifications/initialized')).accepted();
        await connect(bob);
      },
    );

    /** The outputSchema of the tool. */
    let conforms: Validate;

    requirement(
      'If a client sends `tools/list`, the list has the tool `process_documents`. Its `inputSchema` requires `documents`, which is a list of strings. It also has an `outputSchema`.',
      async () => {
        const list = await listTools(alice);
        const listed = anyToolIn(list, tool, 'Add the tool process_documents to the list, with this name.');
        await expectSchema(
          listed,
          {
            accepted: [{ documents: [] }, { documents: random.words(2) }],
            refused: [{}, { documents: word() }, { documents: [random.integer(1, 9)] }],
          },
          {
            like: '{"type":"object","properties":{"documents":{"type":"array","items":{"type":"string"}}},"required":["documents"]}',
          },
        );
        const outputSchema = outputSchemaOf(list, tool, {
          like: '{"type":"object","properties":{"documents":…,"failed":…}}',
          advice:
            'Add an outputSchema to the tool: JSON Schema of the object that the tool returns. z.toJSONSchema makes it from a zod object.',
        });
        conforms = await validatorOf(outputSchema, `The outputSchema of ${tool}`, {
          like: '{"type":"object", …}',
          advice: 'Send what z.toJSONSchema returns for the object with the results.',
        });
      },
    );

    requirement(
      'If a client calls `process_documents`, the result has one object in `documents` for each name that did not fail, in the order of the list. It has the `name`, the number of `words` and the `longestSentence` of the document.',
      async () => {
        const documents = drawn(4);
        const twice = [...documents, documents[random.integer(0, 3)]!];
        for (const some of [documents, twice, [documents[2]!]]) {
          const posted = call(alice, namesOf(some));
          await posted.done();
          expectProcessed(posted, some);
        }
      },
    );

    requirement(
      'The server counts correctly in texts of all kinds: with several spaces, tabs and line breaks of both kinds between words, with punctuation, without an end mark, and with several sentences of the same length.',
      async () => {
        const documents = drawn(12);
        const posted = call(bob, namesOf(documents));
        await posted.done();
        expectProcessed(posted, documents);
      },
    );

    requirement(
      'A document is UTF-8 with or without a byte order mark, UTF-16LE with a byte order mark, or Latin-1. The server decodes each of them, and the mark is not part of the text.',
      async () => {
        const documents = drawn(8, true);
        const posted = call(alice, namesOf(documents));
        await posted.done();
        expectProcessed(posted, documents);
      },
    );

    requirement(
      'If a document is empty, `words` is 0 and `longestSentence` is an empty string. If the list is empty, `documents` and `failed` are empty lists.',
      async () => {
        const empty = ['', ' \r\n\t\n'].map((text) =>
          writtenTo(folder, {
            name: `${word()}.txt`,
            what: text === '' ? 'empty' : 'only white space',
            bytes: Buffer.from(text),
            words: 0,
            longestSentence: '',
          }),
        );
        for (const some of [empty, []]) {
          const posted = call(alice, namesOf(some));
          await posted.done();
          expectProcessed(posted, some);
        }
      },
    );

    requirement(
      'The result has an `index`. For each word, it lists the names of the documents with this word, each name one time and in the order of the list. Words such as `constructor` and `__proto__` are in it like all others.',
      async () => {
        const empty = { name: `${word()}.txt`, bytes: Buffer.from(''), terms: [] };
        // Every object has the first of them, and an array or a function has the others.
        const inherited = [
          'constructor',
          '__proto__',
          'toString',
          'hasOwnProperty',
          'prototype',
          'length',
          'name',
          'push',
        ];
        const unusual = ["don't", '3.5', 'well-known', 'snake_case', '_', 'été', '世界', 'naïve'];
        for (const others of [unusual, inherited.map((each) => each.toLowerCase())]) {
          const documents = drawIndexed(random, 3, others);
          for (const document of [...documents, empty]) writtenTo(folder, document);
          const [first] = documents as [Indexed];
          for (const some of [[...documents, empty, first], [first]]) {
            const posted = call(random.pick([alice, bob]), namesOf(some));
            await posted.done();
            expectIndex(posted, some);
          }
        }
      },
    );

    requirement(
      'The result has the same object two times: as `structuredContent`, which conforms to the `outputSchema`, and as JSON in the text of the first block of `content`.',
      async () => {
        const documents = drawn(2);
        const posted = call(alice, namesOf(documents));
        await posted.done();
        expectStructured(structuredIn(posted).result, conforms);
      },
    );

    requirement(
      'If the arguments lack `documents`, or `documents` is not a list of strings, the server answers with a result that has `isError: true` or with the error `-32602`.',
      async () => {
        for (const names of [undefined, word(), [word(), random.integer(1, 99)], null, { 0: word() }]) {
          const posted = call(alice, names);
          await posted.done();
          const failed = posted.messages().some(({ result }) => isObject(result) && result.isError === true);
          if (failed) objectIn(posted);
          else {
            posted.error(
              -32602,
              'Check the arguments before the work begins: documents has to be an array, and each of its items a string. safeParse of a zod object does this.',
            );
          }
        }
      },
    );
  });

  // ---------------------------------------------------------------------------------------------------------------

  const early = (name: string, what: string): Explanation => ({
    cause: `Your server is at work on ${visible(name)}, but it has not sent ${what}.`,
    advice: 'Send each message immediately, as an event of the response to this call, before you await the next work.',
  });

  /** Why a message is not on the wire: finds out by releasing the work. */
  async function whyNot(
    posted: Posted,
    name: string,
    what: string,
    came: () => boolean,
    never: string,
  ): Promise<Failure> {
    missing(what);
    await posted.done();
    expectStream(posted);
    const { cause, advice } = early(name, what);
    return came()
      ? new Failure({ cause: `${cause} It sent this message later.`, advice: advice! })
      : new Failure({ cause: `${cause} It did not send this message later either.`, advice: never });
  }

  const expectStream = (posted: Posted) => {
    const type = String(posted.headers['content-type'] ?? '');
    expect(!/^application\/json\b/i.test(type), {
      cause: 'Your server answered the call with a single JSON object, which has no room for notifications.',
      compare: { expected: 'Content-Type: text/event-stream', received: `Content-Type: ${type}` },
      advice: 'Answer a call of the tool with an event stream. In an SDK, switch off its JSON mode.',
    });
  };

  /** Goes through a call, document by document. `lookAt` is called while the server is at work on the document with this index. */
  async function stepThrough(
    posted: Posted,
    documents: readonly Drawn[],
    lookAt: (i: number) => Promise<void>,
  ): Promise<void> {
    for (const [i, { name }] of documents.entries()) {
      if (!(await atWorkOn(posted, name))) break;
      await lookAt(i);
      letGo(name);
    }
    await posted.done();
    expectStream(posted);
  }

  const neverReported =
    'Read progressToken from params._meta of the call. If it is a string or a number, send notifications/progress before the work on each document.';
  const neverLogged =
    'Send notifications/message with the level info when a document is done. data is a text that contains the name and the number of words.';

  /** The report with this index says that so many documents are done. */
  function expectReport(posted: Posted, index: number, total: number, name: string | undefined, token: Token): void {
    const params = look(paramsOf(reportsIn(posted)[index]!), 'params', '');
    params
      .at('progressToken')
      .is(
        token,
        'The progressToken of a report is not the token of its call.',
        'Send the progressToken from params._meta as it came, with its type. It can differ from the id of the request.',
      );
    params
      .at('progress')
      .is(
        index,
        `The progress of report ${index + 1} is wrong.`,
        'Send the number of documents that are done: 0 before the first one, and total at the end.',
      );
    params.at('total').is(total, 'The total of a report is wrong.', 'Send the number of names in the list.');
    if (name === undefined) return;
    params
      .at('message')
      .expect(
        String(params.at('message').value).includes(name),
        `The message of the report does not contain the name of the document ${visible(name)}.`,
        {
          like: `"message":"… ${visible(name)} …"`,
          advice:
            'Put the name of the document that comes next into the message: the user wants to know what the server is doing.',
        },
      );
  }

  /** The log message on this document says how many words it has. */
  function expectLog(posted: Posted, message: Message, { name, words }: Drawn): void {
    const params = look(paramsOf(message), 'params', '');
    params
      .at('level')
      .is(
        'info',
        `The level of the log message on ${visible(name)} is wrong.`,
        'Log a document that is done with the level info.',
      );
    const data = String(params.at('data').value).replace(name, '');
    params
      .at('data')
      .expect(
        new RegExp(`(?<!\\d)${words}(?!\\d)`).test(data),
        `The log message on ${visible(name)} does not contain its number of words.`,
        {
          like: `"data":"${visible(name)}: ${words} words"`,
          advice: 'Put the number of words of this document into data, beside its name.',
        },
      );
  }

  task({ number: 2, title: 'Report', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      "If a call has a `progressToken`, the server sends one report before each `await work('document NAME')`: `progress` counts the documents that are done, `total` all names, and `message` contains the name.",
      async () => {
        await startConnected();
        const documents = drawn(3);
        const token = word();
        const posted = call(alice, namesOf(documents), token);
        await stepThrough(posted, documents, async (i) => {
          const { name } = documents[i]!;
          const came = () => reportsIn(posted).length > i;
          if (!came() && !(await until(came))) await server.program.caughtUp();
          if (!came()) throw await whyNot(posted, name, `report ${i + 1}`, came, neverReported);
          expectReport(posted, i, documents.length, name, token);
          const extra = reportsIn(posted)[i + 1];
          expect(!extra, {
            cause: `Your server sent one more report while it was at work on ${visible(name)}.`,
            compare: { expected: '(nothing)', received: asJson(extra) },
            advice: 'Send one report before the work on each document, and one at the end.',
          });
        });
        for (const [i, { name }] of documents.entries()) {
          expect(reportsIn(posted).length > i, { cause: 'Your server sent too few reports.', advice: neverReported });
          expectReport(posted, i, documents.length, name, token);
        }
      },
    );

    requirement(
      'When all documents of the list are done, the server sends a last report whose `progress` is equal to `total`. The response is the last message, and the server ends the stream after it.',
      async () => {
        const documents = drawn(2);
        const token = word();
        const posted = call(bob, namesOf(documents), token);
        await posted.done();
        expectStream(posted);
        expectResponseLast(posted);
        expectProcessed(posted, documents);
        const last = paramsOf(reportsIn(posted).at(-1) ?? {});
        expect(reportsIn(posted).length > documents.length || last.progress !== documents.length, {
          cause: 'Your server left out a report before the last one.',
          compare: {
            expected: `${documents.length + 1} reports, one before each document and one at the end`,
            received: `${reportsIn(posted).length} reports`,
          },
          advice: 'Send each report immediately. A limiter as in lesson 13 holds some of them back.',
        });
        expect(reportsIn(posted).length > documents.length, {
          cause: 'All documents are done, but your server sent the response without a last report before it.',
          compare: {
            expected: `"progress":${documents.length},"total":${documents.length}`,
            received: asJson(last),
          },
          advice:
            'Report once more after the loop over the documents, and only then send the response. A report that a timer makes later is lost, because nothing can be sent after the response.',
        });
        expectReport(posted, documents.length, documents.length, undefined, token);
        expect(reportsIn(posted).length === documents.length + 1, {
          cause: 'Your server sent more than one report after the last document.',
          compare: { expected: '(the response)', received: asJson(reportsIn(posted).at(-1)) },
          advice: 'Send one report after the loop over the documents.',
        });
      },
    );

    requirement(
      'When a document is done, the server sends a log message with the level `info` before the work on the next one. Its `data` is a string with the name and number of words.',
      async () => {
        const documents = drawn(3);
        const posted = call(alice, namesOf(documents));
        const logOf = (i: number) => logsIn(posted).find((message) => isLogOf(message, documents[i]!.name));
        await stepThrough(posted, documents, async (i) => {
          const early = logOf(i);
          expect(!early || paramsOf(early).level === 'debug', {
            cause: `Your server logged that ${visible(documents[i]!.name)} is done, but it is still at work on this document.`,
            compare: { expected: '(nothing)', received: asJson(early) },
            advice:
              'Send the log message after await work and after the counting: the number of words is known only then.',
          });
          if (i === 0) return;
          const { name } = documents[i]!;
          const came = () => logOf(i - 1) !== undefined;
          if (!came() && !(await until(came))) await server.program.caughtUp();
          if (!came()) {
            throw await whyNot(
              posted,
              name,
              `the log message on ${visible(documents[i - 1]!.name)}`,
              came,
              neverLogged,
            );
          }
        });
        for (const [i, document] of documents.entries()) {
          const message = logOf(i);
          expect(message, {
            cause: `Your server has not logged that ${visible(document.name)} is done.`,
            compare: {
              expected: `"data":"${visible(document.name)}: ${document.words} words"`,
              received: asJson(logsIn(posted).map((each) => paramsOf(each).data)),
            },
            advice: neverLogged,
          });
          expectLog(posted, message, document);
        }
        expectResponseLast(posted);
      },
    );

    requirement(
      'Each report has the `progressToken` of its call with its type: a string or a number, also `0` or an empty string.',
      async () => {
        const documents = drawn(1);
        const { name } = documents[0]!;
        for (const token of [0, '', random.integer(1, 99), String(random.integer(1, 99)), `"${word()}" é世`]) {
          const posted = call(alice, [name], token);
          await posted.done();
          expectProcessed(posted, documents);
          expect(reportsIn(posted).length > 0, {
            cause: `The progressToken of the call is ${asJson(token)}, and your server sent no report.`,
            compare: { expected: `"progressToken":${asJson(token)}`, received: '(nothing)' },
            advice:
              'Compare the token with undefined. 0 and an empty string are tokens too, but a test such as if (token) takes them for a missing token.',
          });
          for (const i of [0, 1]) expectReport(posted, i, 1, undefined, token);
        }
      },
    );

    requirement(
      'If a call lacks a `progressToken`, the server sends no report, but the same log messages and the same result.',
      async () => {
        const documents = drawn(1);
        const posted = call(bob, namesOf(documents));
        await posted.done();
        expectProcessed(posted, documents);
        expect(reportsIn(posted).length === 0, {
          cause: 'A call has no progressToken, so its client has not asked for reports, but your server sent one.',
          compare: { expected: '(no report)', received: asJson(reportsIn(posted)[0]) },
          advice: 'Send reports only if params._meta of the call has a progressToken.',
        });
        expect(
          logsIn(posted).some((message) => isLogOf(message, documents[0]!.name)),
          {
            cause: 'A call has no progressToken, and your server sent no log message on its document.',
            advice: 'Log each document, whether the client wants reports or not.',
          },
        );
      },
    );

    requirement(
      'If several calls run at the same time, each stream has only the messages of its own call. This also holds for calls of different clients with the same `id` and the same token.',
      async () => {
        const lists = [drawn(2), drawn(2)] as const;
        const [id, token] = [random.integer(1000, 9999), word()];
        const calls: Posted[] = [];
        const used = server.program.workCalls > 0;
        for (const [i, client] of [alice, bob].entries()) {
          calls.push(call(client, namesOf(lists[i]!), token, id));
          await expectSoon(
            () => server.program.held.length > i || calls.some((each) => finished(each)),
            () => ({
              cause: 'Your server did not begin a call while another call was at work.',
              advice: 'Let each call run by itself. Look for a queue, a lock, or a loop that never waits.',
            }),
            server.program,
          );
        }
        expect(!used || calls.every((each) => !finished(each)), {
          cause: 'Two calls run at the same time, and your server ended one of them before its work was done.',
          advice:
            'Keep what belongs to a call in variables of this call. A variable outside of the handler is shared by all calls.',
        });
        for (const [step, i] of [0, 1, 1, 0].entries()) {
          const own = lists[i]![step < 2 ? 0 : 1]!;
          if (used) await atWorkOn(calls[i]!, own.name);
          letGo(own.name);
          if (step < 2 && used) await atWorkOn(calls[i]!, lists[i]![1]!.name);
        }
        for (const [i, posted] of calls.entries()) {
          await posted.done();
          const foreign = notificationsIn(posted).find((message) =>
            lists[1 - i]!.some(({ name }) => JSON.stringify(paramsOf(message)).includes(name)),
          );
          expect(!foreign, {
            cause:
              'Two calls run at the same time, and your server sent a message of one call in the stream of the other call.',
            compare: {
              expected: `(only messages on ${namesOf(lists[i]!).map(visible).join(' and ')})`,
              received: asJson(foreign),
            },
            advice:
              'Write the messages of a call to the response of this call. A variable outside of the handler is shared by all calls, and the id of a request is unique only for its client.',
          });
          expect(reportsIn(posted).length === 3, {
            cause: 'Two calls run at the same time, and the stream of one call does not have all of its reports.',
            compare: { expected: '3 reports', received: `${reportsIn(posted).length} reports` },
            advice:
              'Count the documents of each call in a variable of this call, and keep its progressToken there too.',
          });
          for (const index of [0, 1, 2]) expectReport(posted, index, 2, lists[i]![index]?.name, token);
          expectProcessed(posted, lists[i]!);
        }
      },
    );

    requirement(
      'The official MCP clients of both generations get each report before the work on its document is over, each log message before the work on the next document is over, and then the result.',
      async () => {
        for (const generation of ['first', 'second'] as const) {
          const name = `The official client of the ${generation} generation`;
          const documents = drawn(2);
          const logs: string[] = [];
          const reports: Report[] = [];
          const official = await officialClient(server, generation, ({ data }) => logs.push(String(data)));
          await official.listTools();
          const calling = official.beginTool(tool, { documents: namesOf(documents) }, (report) => reports.push(report));
          const { program } = server;
          const compare = 'Compare the messages in this capture with those at the beginning of the lesson.';
          for (const [i, document] of documents.entries()) {
            await expectSoon(
              () => program.held.length > 0 || calling.over,
              () => ({ cause: `${name} called the tool, but your server is not at work.`, advice: awaitsWork }),
              program,
            );
            if (calling.over) break;
            await expectSoon(
              () => (reports.length > i && logs.length >= i) || calling.over,
              () => ({
                cause: `Your server is at work on document ${i + 1}, but the official client has not got all messages that come before.`,
                compare: {
                  expected: `${i + 1} reports and ${i} log messages`,
                  received: `${reports.length} reports and ${logs.length} log messages`,
                },
                advice: compare,
              }),
              program,
            );
            letGo(document.name);
            await until(
              () => calling.over || program.held.length === 0 || program.held[0]!.label !== `document ${document.name}`,
            );
          }
          await expectSoon(
            () => {
              release(program);
              return calling.over;
            },
            () => ({ cause: `${name} got no result.`, advice: compare }),
            program,
          );
          const received = fromJson(String(calling.text()));
          const entries = isObject(received) && Array.isArray(received.documents) ? received.documents : [];
          const right =
            entries.map((entry) => (isObject(entry) ? entry.words : undefined)).join() ===
            documents.map(({ words }) => words).join();
          expect(right && logs.length >= documents.length, {
            cause: `${name} did not get the right result and all log messages.`,
            compare: {
              expected: `the words ${documents.map(({ words }) => words).join(', ')} and ${documents.length} log messages`,
              received: `${asJson(received)} and ${logs.length} log messages`,
            },
            advice: compare,
          });
        }
      },
    );
  });

  // ---------------------------------------------------------------------------------------------------------------

  task({ number: 3, title: 'Survive', file: 'server.ts', asksForWork: true }, () => {
    const continues =
      'Catch the error of each document inside of the loop, add the name and a reason to failed, and continue with the next document.';

    requirement(
      'If a document does not exist, is a folder, or its `work` throws an error, `failed` has its `name` and a `reason`. The server processes all other documents, and the result has no `isError`.',
      async () => {
        await startConnected();
        const [first, broken, last] = drawn(3) as [Drawn, Drawn, Drawn];
        const absent = `${word()}.txt`;
        const inner = `${word()}.txt`;
        mkdirSync(join(folder, inner));
        const names = [absent, first.name, broken.name, inner, last.name];
        const posted = call(alice, names);
        const used = () => server.program.held.length > 0;
        let failedByWork = false;
        await expectSoon(
          () => {
            for (const held of server.program.held) {
              if (held.label !== `document ${broken.name}`) held.release();
              else {
                failedByWork = true;
                held.fail(`the disk of ${word()} is gone`);
              }
            }
            return finished(posted);
          },
          () => ({
            cause: `One document of the list cannot be processed, and your server ${used() ? 'continues to work' : 'did not end its answer'}.`,
            advice: continues,
          }),
          server.program,
          5000,
        );
        await posted.done();
        const [response] = posted.messages().filter(({ method }) => method === undefined);
        const { result } = (response ?? {}) as { result?: { isError?: boolean } };
        expect(posted.status === 200 && result && result.isError !== true, {
          cause: 'Some documents of the list cannot be processed, and your server failed the whole call.',
          compare: { expected: '"documents":[…],"failed":[…]', received: visible(posted.text.slice(-300)) },
          advice: continues,
        });
        expectProcessed(
          posted,
          failedByWork ? [first, last] : [first, broken, last],
          failedByWork ? [absent, broken.name, inner] : [absent, inner],
        );
      },
    );

    requirement(
      'If a name leads out of the folder, with `../` or as an absolute path, it is in `failed`, and the server does not open the file. A name such as `v1..v2.txt` is allowed.',
      async () => {
        const [document, dots] = drawn(2) as [Drawn, Drawn];
        const allowed = writtenTo(folder, { ...dots, name: `${word()}..${word()}.txt` });
        const outside = join(folder, '..', 'outside.txt');
        const beside = `../${namesake}/outside.txt`;
        const names = ['../outside.txt', outside, `${word()}/../../outside.txt`, '..', '', beside];
        for (const name of names) {
          const posted = call(alice, [document.name, name, allowed.name]);
          await posted.done();
          const { structured } = structuredIn(posted);
          const opened = structured.at('documents').value;
          structured
            .at('documents')
            .expect(
              !JSON.stringify(opened).includes('Nobody'),
              `The name ${asJson(name)} leads out of the folder, but your server read the file.`,
              {
                like: '(only documents of the folder)',
                advice:
                  name === beside
                    ? 'Compare dirname(path) with the folder. It is not enough that the path begins with the path of the folder: the path of a different folder can begin in the same way.'
                    : 'Resolve the name with resolve(folder, name), and look whether the path is still in the folder before you open it. A client can send any name.',
              },
            );
          expectProcessed(posted, [document, allowed], [name]);
        }
      },
    );

    requirement(
      'If a document fails, the server sends a log message with the level `warning` or a more severe one. Its `data` is a string with the name. In the reports, the document counts as done.',
      async () => {
        const [document] = drawn(1) as [Drawn];
        const absent = `${word()}.txt`;
        const names = [absent, document.name];
        const token = word();
        const posted = call(bob, names, token);
        await posted.done();
        expectProcessed(posted, [document], [absent]);
        const logged = logsIn(posted).filter((message) => isLogOf(message, absent));
        const severe = ['warning', 'error', 'critical', 'alert', 'emergency'];
        expect(
          logged.some((message) => severe.includes(String(paramsOf(message).level))),
          {
            cause:
              'A document failed, but your server sent no log message with its name and with the level warning or above.',
            compare: { expected: `"level":"error","data":"${absent}: …"`, received: asJson(logged.map(paramsOf)) },
            advice:
              'Log each document that fails, with the level error and a text that contains its name and the reason.',
          },
        );
        const progress = reportsIn(posted).map((message) => paramsOf(message).progress);
        expect(isDeepStrictEqual(progress, [0, 1, 2]), {
          cause: 'A document of the list failed, and the progress of the reports is wrong.',
          compare: { expected: '0, 1, 2', received: progress.join(', ') },
          advice:
            'Count a document that failed like every other: progress says how far the server has come in the list.',
        });
      },
    );

    requirement(
      'If a client posts `notifications/cancelled` with the `requestId` of its call and closes the connection of this call, the server begins no further document of this call.',
      async () => {
        const { program } = server;
        const documents = drawn(3);
        const posted = call(alice, namesOf(documents), word());
        if (!(await atWorkOn(posted, documents[0]!.name))) return;
        await cancel(alice, posted);
        await comesToNothing(documents);
        expect(!program.held.some(({ label }) => label === `document ${documents[1]!.name}`), {
          cause: 'A client has cancelled its call and closed the connection, but your server began the next document.',
          compare: { expected: '(no further work)', received: `work("document ${visible(documents[1]!.name)}")` },
          advice: stops,
        });
      },
    );

    const stops =
      'Keep an AbortController for each call that is running, in the session of its client. When notifications/cancelled comes, abort the controller of the call whose id is the requestId. Look at its signal before each document, or give it to work.';

    /** Cancels a call as a client does that also leaves. */
    async function cancel(client: McpClient, posted: Posted): Promise<void> {
      const { id } = posted.message as { id: string | number };
      const params = { requestId: id, reason: 'no longer needed' };
      const told = client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, { see: '' });
      await told.doneMeanwhile({
        cause: 'Your server did not answer notifications/cancelled while a call was at work.',
        advice: 'Answer the notification immediately, with status 202.',
      });
      posted.close();
      for (let turn = 0; turn < 10; turn++) await server.program.caughtUp();
    }

    /** Releases the work on the first document, and gives the server time to begin the next. */
    async function comesToNothing(documents: readonly Drawn[]): Promise<void> {
      const { program } = server;
      letGo(documents[0]!.name);
      const next = () => program.held.some(({ label }) => label === `document ${documents[1]!.name}`);
      for (let turn = 0; turn < 25 && !next(); turn++) await program.caughtUp();
    }

    requirement(
      'If a call is cancelled, all other calls continue and get their results, also a call of a different client with the same `id`.',
      async () => {
        const { program } = server;
        const id = random.integer(1000, 9999);
        const lists = [drawn(2), drawn(2), drawn(2)] as const;
        const running = [
          call(alice, namesOf(lists[0]), word(), id),
          call(bob, namesOf(lists[1]), word(), id),
          call(alice, namesOf(lists[2]), word(), id + 1),
        ] as const;
        const used: boolean[] = [];
        for (const [i, posted] of running.entries()) used.push(await atWorkOn(posted, lists[i]![0]!.name));
        if (used.includes(false)) return;
        await cancel(alice, running[0]);
        letGo(lists[0][0]!.name);
        for (const i of [1, 2] as const) {
          const held = program.held.some(({ label }) => label === `document ${lists[i]![0]!.name}`);
          expect(held && !finished(running[i]), {
            cause: `A client cancelled the call with the id ${id}, and your server also stopped ${i === 1 ? 'the call of a different client with the same id' : 'a call of this client with a different id'}.`,
            compare: { expected: '(the call continues)', received: '(its work was given up)' },
            advice:
              'Look for the requestId only among the calls of this client, and stop only the call that has this id.',
          });
        }
        for (const i of [1, 2] as const) {
          await running[i].done();
          expect(
            running[i].messages().some(({ method }) => method === undefined),
            {
              cause: 'A client cancelled its call, and your server sent no response to a different call.',
              advice: 'Look at the signal of the own call before you leave out a response.',
            },
          );
          expectProcessed(running[i], lists[i]);
        }
      },
    );

    requirement(
      'After documents that failed and calls that were cancelled, the server still runs: the next call of a client gets its reports and its result.',
      async () => {
        const { program } = server;
        for (let turn = 0; turn < 20 && program.held.length > 0; turn++) {
          release(program);
          await program.caughtUp();
        }
        for (const client of [alice, bob]) {
          const documents = drawn(2);
          const posted = call(client, namesOf(documents), word());
          await posted.done();
          expectProcessed(posted, documents);
          expect(reportsIn(posted).length === 3, {
            cause: 'After a cancelled call, the next call of a client does not get all of its reports.',
            compare: { expected: '3 reports', received: `${reportsIn(posted).length} reports` },
            advice: 'Begin each call with a new AbortController and with variables of its own.',
          });
        }
      },
    );

    requirement(
      'If a request has an `Origin` header that names a different site, such as `https://example.com`, the server answers with status 403. Without this header, it serves the request.',
      async () => {
        for (const origin of [
          `https://${word()}.example`,
          `http://localhost.${word()}.example`,
          'https://example.com',
        ]) {
          const posted = alice.post(alice.request('tools/list'), { headers: { Origin: origin } });
          await posted.done();
          expect(posted.status === 403, {
            cause: `A request has the header Origin: ${origin}, but your server answered with status ${posted.status}.`,
            compare: { expected: '403', received: String(posted.status) },
            advice:
              'Refuse a request with status 403 if its Origin does not name this machine. Otherwise every page that is open in a browser can use your server. onlyThisMachine in lessons/support/mcp-http.ts does this.',
            see: posted.see,
          });
        }
        (await alice.ask('tools/list')).result();
      },
    );
  });

  // ---------------------------------------------------------------------------------------------------------------

  const see = 'npm run try lesson-27';

  /** What the grader's server says of a document. */
  type Entry = { name: string; words: number; longestSentence: string };
  type Outcome = {
    documents: Entry[];
    failed: { name: string; reason: string }[];
    index: Record<string, string[]>;
  };

  const drawNames = (count: number) => random.words(count).map((each, i) => `${each}${i}.txt`);
  const drawOutcome = (names: string[], failing = 0): Outcome => ({
    documents: names.slice(failing).map((name) => ({
      name,
      words: random.integer(100, 99_999),
      longestSentence: `${random.words(random.integer(4, 30)).join(' ')}.`,
    })),
    failed: names.slice(0, failing).map((name) => ({ name, reason: `${random.words(3).join(' ')}` })),
    index: Object.fromEntries(random.words(3).map((term) => [term, names.slice(failing)])),
  });
  const resultOf = (outcome: Outcome) => ({ ...textResult(JSON.stringify(outcome)), structuredContent: outcome });

  type Called = Script & { call: ReceivedMessage; token: Token };

  /** Starts a client, and brings it to its call. */
  async function upToCall(names: string[], terms: Omit<Terms, 'see'> = {}): Promise<Called> {
    const begun = await scriptedServer(run, {
      see,
      hears: refusesDiscovery,
      message: names[0]!,
      moreMessages: names.slice(1),
      ...terms,
    }).upToCall();
    const meta = begun.call.member('params').at('_meta');
    return { ...begun, token: meta.at('progressToken').value as Token };
  }

  const report = (progressToken: unknown, values: Report) =>
    notification('notifications/progress', { progressToken, ...values });

  async function finish(call: ReceivedMessage, result: object): Promise<void> {
    await call.stream(call.result(result));
    call.end();
  }

  /** The line of the client's output that is about this document; `last` of them, because log messages name it too. */
  function expectRows(client: Client, printed: number, { documents, failed }: Outcome): void {
    const lines = client.stdout.slice(printed).split(/\r?\n/);
    const expectRow = (name: string, parts: string[], what: string) => {
      const row = lines.find((line) => line.includes(name) && inOrder(line, [name, ...parts]));
      expect(row !== undefined, {
        cause: `The table has no line with ${what} of ${name}.`,
        compare: {
          expected: `… ${name} … ${parts.join(' … ')} …`,
          received:
            lines
              .filter((line) => line.includes(name))
              .map(visible)
              .join('\\n') || '(nothing)',
        },
        advice: `Print one line for each document when the result has come, with ${what}, in this order.`,
        see,
      });
    };
    for (const { name, words, longestSentence } of documents) {
      expectRow(
        name,
        [String(words), longestSentence.slice(0, 20)],
        'the name, the number of words and the longest sentence',
      );
    }
    for (const { name, reason } of failed) expectRow(name, [reason], 'the name and the reason');
  }

  function inOrder(line: string, parts: string[]): boolean {
    let from = 0;
    return parts.every((part) => {
      const at = line.indexOf(part, from);
      from = at + part.length;
      return at >= 0;
    });
  }

  const prompt = 'Print each notification in its handler, as soon as it arrives, and not when the result has come.';

  /** Limits of the lessons before, which a client may have kept. */
  const endless = { IDLE_LIMIT: '600000', TIME_LIMIT: '600000' };

  task({ number: 4, title: 'Show', file: 'client.ts' }, () => {
    let inPipe: Called;

    requirement(
      'The command `client.ts URL NAME…` shakes hands and then calls `process_documents` one time. The argument `documents` is the list of the names in their order, and `params._meta` has a `progressToken`.',
      async () => {
        const names = drawNames(3);
        inPipe = await upToCall(names, { env: endless, session: `${word()}-${random.integer(1000, 9999)}` });
        const params = inPipe.call.member('params');
        params.at('name').is(tool, 'Your client called a different tool.', `Call the tool ${tool}.`);
        params
          .at('arguments')
          .is(
            { documents: names },
            'The arguments of the call are wrong.',
            'Send one argument, documents: the list of all names on the command line, process.argv.slice(3).',
          );
        const token = params.at('_meta').at('progressToken');
        token.expect(
          typeof token.value === 'string' || Number.isInteger(token.value),
          'The call has no progressToken in params._meta, so your client has not asked for reports.',
          {
            like: '"_meta":{"progressToken":…}',
            advice: 'Put a progressToken into params._meta. The official client does this if you pass it onprogress.',
          },
        );
        inPipe.call.expectAgreed();
      },
    );

    requirement(
      'If standard output is not a terminal, the client prints each report and each log message as soon as it arrives, as lines such as `PROGRESS: 1/3 MESSAGE` and `NOTIFICATION: info TEXT`.',
      async () => {
        const { client, call, token } = inPipe;
        for (const i of [0, 1, 2]) {
          const message = random.words(2).join(' ');
          await call.stream(report(token, { progress: i, total: 3, message }));
          await client.prints([`PROGRESS: ${i}/3 ${message}`], {
            cause: 'A report has arrived, but your client has not printed it.',
            otherwise: 'Your client printed a report in the wrong way.',
            advice: `${prompt} The line has progress, total and message, as in PROGRESS: 1/3 MESSAGE.`,
          });
          const [level, text] = [random.pick(['info', 'warning', 'error']), random.words(2).join(' ')];
          await call.stream(logMessage(level, text));
          await client.prints([`NOTIFICATION: ${level} ${text}`], {
            cause: 'A log message has arrived, but your client has not printed it.',
            otherwise: 'Your client printed a log message in the wrong way.',
            advice: `${prompt} The line has the level and the data, as in NOTIFICATION: info TEXT.`,
          });
        }
      },
    );

    requirement(
      'When the result has arrived, as JSON or in an event stream, the client prints one line for each document: its name, its number of words, and the beginning of its longest sentence.',
      async () => {
        const names = drawNames(3);
        const outcome = drawOutcome(names);
        await together(['JSON', 'stream'] as const, async (how) => {
          const { client, call } = how === 'stream' ? inPipe : await upToCall(names, { env: endless });
          const printed = client.stdout.length;
          if (how === 'JSON') await call.json(call.result(resultOf(outcome)));
          else await finish(call, resultOf(outcome));
          await expectEnd(run, client, 'The call was answered, but your client is still running.');
          expectRows(client, printed, outcome);
          inJson = how === 'JSON' ? client : inJson;
        });
      },
    );
    /** A client whose documents have all been processed. */
    let inJson: Client;

    requirement(
      'If documents failed, the client prints one line for each of them with its name and the reason, and exits with code 8. If no document failed, it exits with code 0.',
      async () => {
        const names = drawNames(3);
        const outcome = drawOutcome(names, 2);
        const { client, call } = await upToCall(names, { env: endless });
        await finish(call, resultOf(outcome));
        await expectEnd(run, client, 'The call was answered, but your client is still running.');
        expectRows(client, 0, outcome);
        expect(client.end?.code === 8, {
          cause: 'Some documents failed, but your client did not exit with code 8.',
          compare: { expected: '8', received: String(client.end?.code ?? client.end?.signal) },
          ...lastWords(client),
          advice: 'Set process.exitCode = 8 if failed of the result is not empty, so that a script can notice it.',
          see,
        });
        await inJson.endsWell(
          'The call was answered and no document failed',
          'Set an exit code other than 0 only if something failed.',
        );
      },
    );

    const rowsOf = (client: Client, columns: number) => screen(client.stdout, columns).filter((row) => row !== '');

    requirement(
      'If standard output is a terminal, the client shows each report in place of the report before, in one row with its numbers and its message, cut to the width of the terminal.',
      async () => {
        const columns = random.integer(60, 100);
        inTerminal = { ...(await upToCall(drawNames(2), { env: { ...terminal(columns), ...endless } })), columns };
        const { client, call, token } = inTerminal;
        const [first, long, short] = random.words(3) as [string, string, string];
        const messages = [first, `${long} ${'and so on '.repeat(20)}`, short];
        for (const [i, message] of messages.entries()) {
          const numbers = `${i}/${messages.length}`;
          await call.stream(report(token, { progress: i, total: messages.length, message }));
          const rows = () => rowsOf(client, columns);
          const shows = () =>
            (rows().at(-1) ?? '').includes(numbers) && (rows().at(-1) ?? '').includes(message.slice(0, 10));
          const notShown = () => ({
            cause: 'A report has arrived, but the last row of the terminal does not show its numbers and its message.',
            compare: {
              expected: `… ${numbers} ${message.slice(0, 10)} …`,
              received: rows().join('\\n') || '(an empty row)',
            },
            advice:
              'If process.stdout.isTTY is true, write the bar, the numbers and the message with process.stdout.write, without a line break.',
            see,
          });
          await expectSoon(() => shows() || rows().length > 1 || client.end, notShown, client);
          expect(rows().length <= 1, {
            cause:
              i === 1
                ? `A report is longer than the ${columns} columns of the terminal, but your client did not cut it.`
                : 'Your client showed a report in a new row of the terminal instead of in place of the report before.',
            compare: { expected: '(one row)', received: rows().join('\\n') },
            advice:
              i === 1
                ? 'Cut the text with slice(0, process.stdout.columns - 1) before you write it.'
                : "Begin each report with '\\r\\x1b[K', which goes to the start of the row and erases it.",
            see,
          });
          expect(shows(), notShown());
          expect(i === 0 || !rows()[0]!.includes('and so on') || i === 1, {
            cause:
              'A shorter report has taken the place of a longer one, but the end of the longer one is still in the row.',
            compare: { expected: `… ${numbers} ${message}`, received: rows()[0] ?? '' },
            advice:
              "Erase the row before you write the next bar: '\\r' alone erases nothing, '\\x1b[K' erases the rest of the row.",
            see,
          });
        }
      },
    );
    let inTerminal: Called & { columns: number };

    requirement(
      'If the client prints a log message or the table in a terminal, each line begins at the start of an empty row, without any part of a bar.',
      async () => {
        const { client, call, token, columns } = inTerminal;
        const text = random.words(2).join(' ');
        const outcome = drawOutcome(drawNames(2));
        const advice =
          "Write '\\r\\x1b[K' before each line that your client prints in a terminal: the bar makes room for it.";
        await call.stream(logMessage('info', text));
        const expectOwnRow = (fits: (row: string) => boolean, expected: string) => {
          const rows = rowsOf(client, columns);
          expect(rows.some(fits), {
            cause: 'Your client printed a line into the row of the bar, or did not print it.',
            compare: { expected, received: rows.join('\\n') || '(nothing)' },
            advice,
            see,
          });
        };
        const line = `NOTIFICATION: info ${text}`;
        await until(() => rowsOf(client, columns).some((row) => row.includes(line)) || client.end);
        expectOwnRow((row) => row === line, line);
        await call.stream(report(token, { progress: 2, total: 3, message: word() }));
        await finish(call, resultOf(outcome));
        await expectEnd(run, client, 'The call was answered, but your client is still running.');
        const last = rowsOf(client, columns);
        const withBar = last.find(
          (row) => row.includes('2/3') && outcome.documents.some(({ name }) => row.includes(name)),
        );
        expect(!withBar && !last.slice(1).some((row) => row.includes('2/3')), {
          cause: 'Your client printed the table while the bar was in the row of the cursor.',
          compare: { expected: '(an empty row)', received: withBar ?? last.find((row) => row.includes('2/3')) ?? '' },
          advice,
          see,
        });
        for (const { name, words } of outcome.documents) {
          expectOwnRow((row) => inOrder(row, [name, String(words)]), `${name} … ${words} …`);
        }
      },
    );

    requirement(
      'If the server cannot be reached, answers with status 500 or with a JSON-RPC error, or sends a result with `isError`, the client prints one line on standard error and exits with code 1.',
      async () => {
        const about = {
          'no server': 'a server that cannot be reached',
          'status 500': 'status 500',
          'an error': 'an error of JSON-RPC',
          isError: 'a result with isError',
        } as const;
        const reason = random.words(3).join(' ');
        await together(['no server', 'status 500', 'an error', 'isError'] as const, async (how) => {
          const advice =
            'Catch the error around everything that the client does, print one line with console.error, and set process.exitCode = 1.';
          if (how === 'no server') {
            const { startClient } = run;
            const client = judged(startClient('http://127.0.0.1:9/mcp', 'a.txt'));
            await client.fails({ code: 1, about: about[how], advice });
            return;
          }
          const { client, call } = await upToCall(['a.txt'], { env: endless });
          if (how === 'status 500') await call.answer(500, 'text/plain', reason);
          else if (how === 'an error') await call.json(call.error(-32603, reason));
          else await call.json(call.result({ ...textResult(reason), isError: true }));
          await client.fails({
            code: 1,
            about: about[how],
            has: how === 'status 500' ? [] : [reason],
            advice:
              how === 'isError'
                ? 'Look at isError of the result before you print the table. The text of the result says what went wrong.'
                : advice,
            otherCode: 'Exit with code 1 if there is no result. Code 8 is for a result with documents that failed.',
          });
        });
      },
    );

    requirement(
      'After Ctrl+C, the client posts `notifications/cancelled` with the `requestId` of the call, waits for the answer before any `DELETE`, prints one line on standard error, and exits with code 130.',
      async () => {
        const names = drawNames(2);
        const text = word();
        const session = `${word()}-${random.integer(1000, 9999)}`;
        const called = await upToCall(names, { env: endless, session, awaitsCancelled: true });
        const { client, call, token } = called;
        await call.stream(report(token, { progress: 0, total: 2, message: text }));
        await until(() => client.stdout.includes(text) || client.end);
        await expectCancelled(run, called, call, { forNobody: 'so the server works on for nobody', see });
      },
    );
  });

  const judged = (program: ReturnType<typeof run.startClient>) => judgedClient(run, program);
});
