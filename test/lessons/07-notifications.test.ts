import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { grader } from '../harness/run/grader.ts';
import { Failure, expect } from '../harness/run/failure.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Server } from '../harness/run/run.ts';
import {
  answered,
  checkError,
  messagesIn,
  post,
  responseTo,
  resultOf,
  shown,
  workMs,
  type Message,
  type Posted,
} from '../harness/vocabulary/mcp.ts';

export default grader((run) => {
  const { changed, expectSoon, missing, random, requirement, startServer, task, until } = run;

  /** The severities of RFC 5424, section 6.2.1, the least severe first. */
  const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

  /** What `process_files` says before it works on each file. */
  const texts = documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`);

  type Log = { level: string; data: unknown; logger?: string };

  /** A client that has shaken hands, and what it sends with each of its requests since. */
  type Client = { who: string; headers: Record<string, string> };

  const tryIt = 'npm run try lesson-7';
  const initializeByHand =
    `curl -i http://127.0.0.1:3000/mcp -H "Content-Type: application/json" -H "Accept: application/json, text/event-stream" ` +
    `-d '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}}'`;

  /** Offers the tools of tools/logging.ts beside its own. */
  let server: Server;
  let alice: Client;
  let bob: Client;

  /** Whole numbers and texts are ids; no two requests of a run have the same. */
  let requests = 0;
  const newId = () =>
    ++requests % 2 === 0 ? requests * 10 + random.integer(0, 9) : `${random.words(1)[0]}-${requests}`;
  const request = (method: string, params?: object, id: string | number = newId()) => ({
    jsonrpc: '2.0',
    id,
    method,
    ...(params && { params }),
  });

  const finished = (posted: Posted) => posted.ended || posted.broken !== undefined;
  const soFar = (posted: Posted) => (posted.status === undefined ? [] : messagesIn(posted));
  const paramsOf = ({ params }: Message) => (typeof params === 'object' && params !== null ? params : {}) as Message;
  const isResponse = (message: Message) => 'result' in message || 'error' in message;
  const said = (posted: Posted) => soFar(posted).filter((message) => !isResponse(message));
  const responses = (posted: Posted) => soFar(posted).filter(isResponse);

  /** What stands behind the last blank line: an event without its end. */
  const unfinished = (posted: Posted) => posted.text.replace(/^[^]*(\r\n\r\n|\n\n|\r\r)/, '').trim();

  /** Posts a message. By hand its session is another one in each run. */
  function send({ who, headers }: Client, message: object): Posted {
    const posted = post(server, message, { headers, who });
    const session = headers['mcp-session-id'];
    return session === undefined ? posted : Object.assign(posted, { see: posted.see.replace(session, '…') });
  }

  /** Calls a tool. No command shows what a tool of the grader does, or several calls at a time. */
  const call = (client: Client, name: string, args: object, id?: string | number) =>
    Object.assign(send(client, request('tools/call', { name, arguments: args }, id)), { see: '' });

  /** Calls process_files as `try` does. */
  const processFiles = (message = random.words(1)[0]!, id?: string | number) =>
    Object.assign(call(alice, 'process_files', { message }, id), { see: tryIt });

  /** Sends a message and waits for the end of its answer; work that is held goes on meanwhile. */
  async function ask(client: Client, message: object): Promise<Posted> {
    const posted = send(client, message);
    await answered(server, posted);
    return posted;
  }

  /** The same while all work stands still. */
  async function askMeanwhile(client: Client, message: object): Promise<Posted> {
    const posted = send(client, message);
    await expectSoon(
      () => finished(posted),
      () => {
        missing('the end of the answer', client.who);
        return {
          cause: `${posted.what} is not answered while a tool is at work.`,
          advice:
            'A call that waits for its tool must not make the others wait: no queue, no lock, no loop that does not let go.',
        };
      },
      server.program,
    );
    return posted;
  }

  /** Shakes hands as a new client does. */
  async function connect(who: string): Promise<Client> {
    const newcomer: Client = { who, headers: {} };
    const clientInfo = { name: random.words(1)[0]!, version: '1.0.0' };
    const initialize = await askMeanwhile(
      newcomer,
      request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }),
    );
    const result = resultOf(initialize) as { protocolVersion?: unknown } | null;
    const session = initialize.headers['mcp-session-id'];
    const client: Client = {
      who,
      headers: {
        'mcp-protocol-version': String(result?.protocolVersion),
        ...(session !== undefined && { 'mcp-session-id': String(session) }),
      },
    };
    await askMeanwhile(client, { jsonrpc: '2.0', method: 'notifications/initialized' });
    return client;
  }

  const sessionOf = ({ headers }: Client) => headers['mcp-session-id'];

  /** Waits until the tool is at work, or its answer has ended. */
  const atWork = (...calls: Posted[]) => until(() => server.program.held.length > 0 || calls.some(finished), workMs);

  /** A message is a log message in the form of the specification (MCP 2025-11-25, server/utilities/logging). */
  function checkLog({ see }: Posted, message: Message, expected: Log): void {
    const { jsonrpc, method } = message;
    const params = paramsOf(message);
    const explain = (cause: string, wanted: unknown, came: unknown, advice?: string) => ({
      cause,
      compare: { expected: JSON.stringify(wanted), received: came === undefined ? shown(message) : shown(came) },
      ...(advice && { advice }),
      see,
    });
    expect(
      method === 'notifications/message',
      explain(
        method === undefined
          ? 'What came while the tool was at work has no method: it is no notification.'
          : 'A log message has another method.',
        { method: 'notifications/message' },
        method === undefined ? undefined : { method },
        'The method is the type of a notification. How severe it is stands in its params: that is the level.',
      ),
    );
    expect(
      !('id' in message),
      explain(
        'The notification has an id, which makes a request of it: the client has to answer it.',
        { jsonrpc: '2.0', method: 'notifications/message', params: expected },
        undefined,
        'Leave the property out; the client knows which call it belongs to by the answer that it comes in.',
      ),
    );
    expect(
      jsonrpc === '2.0',
      explain(
        'The notification does not say which version of JSON-RPC it is.',
        { jsonrpc: '2.0' },
        { jsonrpc },
        'Every message begins so.',
      ),
    );
    const { level, logger, data } = params;
    expect(
      level === expected.level,
      explain(
        'The level is another one.',
        { level: expected.level },
        { level },
        String(level).toLowerCase() === expected.level
          ? 'The names of the levels are written in lower case.'
          : 'The tool names the level, and it goes out as it is.',
      ),
    );
    expect(
      'data' in params,
      explain(
        'The notification has no data.',
        { params: expected },
        { params },
        'What the message says stands in params.data, whatever JSON value it is: null, 0 and an empty text too.',
      ),
    );
    expect(
      JSON.stringify(data) === JSON.stringify(expected.data),
      explain(
        'The data is not what the tool said.',
        { data: expected.data },
        { data },
        typeof data === typeof expected.data
          ? undefined
          : 'The data can be any JSON value: a text stays a text, an object stays an object.',
      ),
    );
    if (!('logger' in expected)) return;
    expect(
      logger === expected.logger && (logger !== undefined || !('logger' in params)),
      explain(
        expected.logger === undefined
          ? 'The tool named no logger, and the notification has one.'
          : 'The logger is not the one that the tool named.',
        { logger: expected.logger },
        { logger },
        'The logger says who speaks. It is a text; where the tool names none, leave the property out. JSON.stringify leaves out what is undefined.',
      ),
    );
  }

  /** Nothing was sent behind the response. */
  function checkLast(posted: Posted): void {
    const last = soFar(posted).at(-1)!;
    expect(isResponse(last), {
      cause: 'A message came after the response.',
      compare: { expected: '(the end)', received: shown(last) },
      advice:
        'The response is the last message of its answer: a client that has it stops reading. End the answer in the same moment, and send nothing when it has ended.',
      see: posted.see,
    });
  }

  /** The answer has ended with the one response of `process_files`. */
  function checkDone(posted: Posted, message: string): void {
    const result = resultOf(posted);
    checkLast(posted);
    const text = (result as { content?: { text?: unknown }[] })?.content?.[0]?.text;
    expect(text === `Done: ${message}`, {
      cause: 'The result of process_files is another one.',
      compare: { expected: `"text":"Done: ${message}"`, received: shown(result) },
      see: posted.see,
    });
  }

  /** Why what the tool says before it works on that file is not on the wire while it is at work on it. */
  async function whyNot(posted: Posted, i: number): Promise<Failure> {
    const { program } = server;
    missing(texts[i]!);
    const rest = unfinished(posted);
    if (rest !== '') {
      return new Failure({
        cause: `The event of ${texts[i]} has no end: no blank line follows it.`,
        compare: { expected: 'data: {…}\\n\\n', received: visible(posted.text.slice(posted.text.lastIndexOf(rest))) },
        advice: 'A blank line ends an event: after the \\n of its last line comes one more \\n.',
        see: tryIt,
      });
    }
    program.held[0]!.release();
    await until(() => program.held.length > 0 || finished(posted));
    await program.caughtUp();
    if (said(posted).length > i) {
      return new Failure({
        cause: `${texts[i]} came when the work on ${documents[i]!.name} was done.`,
        advice: 'It says what the tool is about to do: send it first, and await the work after it.',
        see: tryIt,
      });
    }
    await letWork(posted);
    if (said(posted).length > i) {
      return new Failure({
        cause: `${texts[i]} is not on the wire while the tool is at work on ${documents[i]!.name}: it came when all work was done.`,
        advice:
          'Something collects the messages and sends them later: a string, an array. Send each at once, with response.write.',
        see: tryIt,
      });
    }
    return new Failure({
      cause: `${texts[i]} never came: not while the tool was at work on ${documents[i]!.name}, and not later.`,
      advice:
        'Does the tool call context.log? Does answer get the context that writes to the response, or silent? Does the level filter drop info, which is what a session begins with?',
      see: tryIt,
    });
  }

  /** Lets all work of a call go on, until its response is there. That the answer ends is for another requirement. */
  const letWork = (posted: Posted) =>
    until(() => {
      server.program.held[0]?.release();
      return responses(posted).length > 0 || finished(posted);
    });

  task({ number: 1, title: 'Stream while the tool works', file: 'server.ts' }, () => {
    requirement(
      'A call of `process_files` is answered with status 200, `Content-Type: text/event-stream`, `Cache-Control: no-cache, no-transform` and `X-Accel-Buffering: no`.',
      async () => {
        server = await startServer({
          MORE_TOOLS: fileURLToPath(new URL('../harness/tools/logging.ts', import.meta.url)),
        });
        [alice, bob] = [await connect('client 1'), await connect('client 2')];
        const { program } = server;
        const posted = processFiles();
        // Many servers send the head together with the first event. That the answer ends is for another requirement.
        await until(() => {
          program.held[0]?.release();
          return finished(posted);
        });
        if (posted.status === undefined) await answered(server, posted);
        const { 'content-type': type, 'cache-control': control = '', 'x-accel-buffering': buffering } = posted.headers;
        expect(!/^application\/json\b/i.test(type ?? ''), {
          cause: 'The call was answered with one JSON value: it has no room for a message before the response.',
          compare: { expected: 'Content-Type: text/event-stream', received: `Content-Type: ${type}` },
          advice: 'Begin an event stream as in lesson 2, and send each message in an event of its own.',
          see: tryIt,
        });
        expect(posted.status === 200 && /^text\/event-stream\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type ?? ''), {
          cause: 'The call was not answered with an event stream.',
          compare: {
            expected: '200 text/event-stream',
            received: `${posted.status} ${type ?? '(no Content-Type)'} ${visible(posted.text.slice(0, 80))}`,
          },
          see: tryIt,
        });
        const directives = control.toLowerCase().split(/\s*,\s*/);
        expect(directives.includes('no-cache') && directives.includes('no-transform'), {
          cause:
            'Cache-Control is another one: without it, something on the way may keep the stream, or pack it and so hold it back.',
          compare: { expected: 'no-cache, no-transform', received: control || '(no Cache-Control)' },
          see: tryIt,
        });
        expect(String(buffering).toLowerCase() === 'no', {
          cause: 'X-Accel-Buffering is another one: with it, nginx passes each event on at once.',
          compare: { expected: 'no', received: String(buffering ?? '(no X-Accel-Buffering)') },
          see: tryIt,
        });
      },
    );

    requirement(
      'Before it works on a file, the tool says `Processing file 1/3...` (then `2/3`, `3/3`), and that is on the wire while it works: a `notifications/message` without an `id`, with the `level` `info` and the text as `data`, in an event of its own.',
      async () => {
        const { program } = server;
        const posted = processFiles();
        for (const [i, { name }] of documents.entries()) {
          await atWork(posted);
          const came = await until(() => said(posted).length > i || responses(posted).length > 0 || finished(posted));
          await program.caughtUp();
          expect(responses(posted).length === 0, {
            cause:
              program.held.length > 0
                ? `A response came while the tool was at work on ${name}.`
                : `The response came, and the tool had not worked on ${name}.`,
            compare: { expected: texts[i]!, received: shown(responses(posted)[0]) },
            advice:
              'A request has one response, when all its work is done: await it. What comes before are notifications.',
            see: tryIt,
          });
          expect(program.held.length > 0, {
            cause: `The tool is not at work on ${name}.`,
            advice: 'It goes through the documents, and awaits work(name) for each of them, once.',
            see: tryIt,
          });
          if (!came) throw await whyNot(posted, i);
          checkLog(posted, said(posted)[i]!, { level: 'info', data: texts[i] });
          expect(said(posted).length === i + 1, {
            cause: `One more message came while the tool was still at work on ${name}.`,
            compare: { expected: `only ${texts[i]}`, received: shown(said(posted)[i + 1]) },
            advice: 'The files are processed one after the other: await work(name) before you go on to the next.',
            see: tryIt,
          });
          program.held[0]!.release();
        }
        await letWork(posted);
        await program.caughtUp();
        const extra = said(posted)[documents.length];
        expect(!extra, {
          cause:
            extra && 'method' in extra
              ? 'One more notification came after the work on the last file.'
              : 'What came when all work was done is no response: it has neither a result nor an error.',
          compare: { expected: '{"jsonrpc":"2.0","id":…,"result":…}', received: shown(extra) },
          advice:
            'After the notifications comes the response, and nothing else: what the tool has returned is its result.',
          see: tryIt,
        });
      },
    );

    requirement(
      'Then comes one response, with the `id` of the request and the text `Done: {message}`, and then the end; the response is the last message.',
      async () => {
        for (const id of [newId(), 0]) {
          const message = random.words(2).join(' ');
          const posted = processFiles(message, id);
          await answered(server, posted);
          checkDone(posted, message);
        }
      },
    );

    requirement(
      'Meanwhile other requests are answered; of several calls at a time each gets its own messages and its own response, also when two clients use the same `id`.',
      async () => {
        const { program } = server;
        const id = newId();
        const calls = [alice, alice, bob].map((client, i) => ({
          client,
          id: i === 0 ? newId() : id,
          message: random.words(2).join(' '),
          expected: 0,
        }));
        const streams: Posted[] = [];
        /** Of which call each held piece of work is, in the order of `program.held`. */
        const held: number[] = [];
        const checkAll = async () => {
          const inOrder = () => streams.every((stream, i) => said(stream).length === calls[i]!.expected);
          await until(inOrder);
          await program.caughtUp();
          const counts = streams.map((stream) => said(stream).length);
          const each = (numbers: number[]) => numbers.map((number, i) => `${number} in answer ${i + 1}`).join(', ');
          const compare = {
            expected: each(calls.slice(0, counts.length).map(({ expected }) => expected)),
            received: each(counts),
          };
          const foreign = counts.findIndex((count, i) => count > calls[i]!.expected);
          expect(foreign < 0, {
            cause: 'A message of one call came in the answer to another.',
            compare,
            advice:
              'What is declared outside of the handler is shared by all calls, and two clients may use the same id: hand on the response of the call itself.',
          });
          expect(inOrder(), {
            cause: 'A message of one call did not come while another call was at work.',
            compare,
            advice:
              'Does a call wait until the one before it is done? Each has an answer of its own, and can go on by itself.',
          });
        };
        const checkWork = () =>
          expect(program.held.length === held.length, {
            cause: 'A call is not at work while another is.',
            compare: { expected: `${held.length} at work`, received: `${program.held.length} at work` },
            advice:
              'Does a call wait until the one before it is done? Each has an answer of its own, and can go on by itself.',
          });
        for (const [i, one] of calls.entries()) {
          streams.push(call(one.client, 'process_files', { message: one.message }, one.id));
          one.expected = 1;
          await until(() => program.held.length > i);
          held.push(i);
          await checkAll();
          checkWork();
          resultOf(await askMeanwhile(one.client, request('ping')));
          resultOf(await askMeanwhile(one.client, request('tools/list')));
        }
        while (held.length > 0) {
          const next = random.integer(0, held.length - 1);
          const [i] = held.splice(next, 1) as [number];
          const waiting = program.held.length;
          program.held[next]!.release();
          if (calls[i]!.expected < documents.length) {
            calls[i]!.expected++;
            held.push(i);
            await until(() => program.held.length === waiting);
            checkWork();
          } else {
            await until(() => finished(streams[i]!));
          }
          await checkAll();
        }
        for (const [i, { message }] of calls.entries()) {
          await answered(server, streams[i]!);
          checkDone(streams[i]!, message);
        }
      },
    );

    requirement(
      'A call of an unknown tool is still the error `-32602`, and one whose arguments do not fit is still refused, as JSON or in a stream.',
      async () => {
        const name = random.words(1)[0]!;
        checkError(
          await ask(alice, request('tools/call', { name, arguments: {} })),
          -32602,
          'As in lesson 6; only the way that the answer takes is new.',
        );
        const misfit = await ask(
          alice,
          request('tools/call', { name: 'process_files', arguments: { message: random.integer(2, 99) } }),
        );
        const { result } = responseTo(misfit) as { result?: { isError?: unknown } | null };
        if (result === undefined) return checkError(misfit, -32602, 'As in lesson 6.');
        expect(result?.isError === true, {
          cause: 'process_files was called with a number as its message, and did not refuse it.',
          compare: { expected: '"isError":true', received: shown(result) },
          advice: 'As in lesson 6: the arguments are checked before the tool runs.',
          see: misfit.see,
        });
      },
    );

    requirement(
      'The official clients of both generations get each notification while the tool is at work, and the result last.',
      async () => {
        await checkOfficial('first', await firstGeneration());
        await checkOfficial('second', await secondGeneration());
      },
    );
  });

  /** An official client, connected; it hands on what it is notified of. */
  type Official = {
    /** Calls process_files. @returns the text of the result. */
    call(message: string): Promise<string>;
    close(): Promise<void>;
  };
  type Connects = (url: URL, onLog: (log: Log) => void) => Promise<Official>;

  async function firstGeneration(): Promise<Connects> {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const { LoggingMessageNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
    return async (url, onLog) => {
      const client = new Client({ name: 'official', version: '1.0.0' });
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => onLog(params as Log));
      // Its types allow no undefined where ours do.
      await client.connect(new StreamableHTTPClientTransport(url) as Parameters<typeof client.connect>[0]);
      return {
        call: async (message) => textOf(await client.callTool({ name: 'process_files', arguments: { message } })),
        close: () => client.close(),
      };
    };
  }

  async function secondGeneration(): Promise<Connects> {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    return async (url, onLog) => {
      const client = new Client({ name: 'official', version: '1.0.0' });
      client.setNotificationHandler('notifications/message', ({ params }) => onLog(params as Log));
      await client.connect(new StreamableHTTPClientTransport(url));
      return {
        call: async (message) => textOf(await client.callTool({ name: 'process_files', arguments: { message } })),
        close: () => client.close(),
      };
    };
  }

  const textOf = (result: unknown): string => String((result as { content?: { text?: unknown }[] }).content?.[0]?.text);

  async function checkOfficial(generation: string, connects: Connects): Promise<void> {
    const { program, url } = server;
    const name = `The official client of the ${generation} generation`;
    const logs: Log[] = [];
    const message = random.words(1)[0]!;
    let text: string | undefined;
    let refused: Error | undefined;
    const refusal = () => ({
      cause: `${name} did not accept what your server sent.`,
      output: String(refused?.message.split('\n')[0]),
      see: tryIt,
    });
    const official = await connects(new URL('/mcp', url), (log) => {
      logs.push(log);
      changed();
    }).catch((error: Error) => {
      refused = error;
      throw new Failure(refusal());
    });
    const over = () => text !== undefined || refused !== undefined;
    const result = official.call(message).then(
      (value) => (text = value),
      (error: Error) => (refused = error),
    );
    void result.then(changed);
    try {
      for (const [i, { name: file }] of documents.entries()) {
        await expectSoon(
          () => (program.held.length > 0 && logs.length > i) || over(),
          () => ({
            cause: `${name} was not notified while the tool was at work on ${file}.`,
            compare: {
              expected: texts.slice(0, i + 1).join(', '),
              received: logs.map(({ data }) => visible(String(data))).join(', ') || '(nothing)',
            },
            see: tryIt,
          }),
          program,
        );
        expect(!refused, refusal());
        expect(text === undefined && logs.length === i + 1, {
          cause: `${name} got another message than ${texts[i]} while the tool was at work on ${file}.`,
          compare: { expected: texts[i]!, received: text ?? visible(String(logs.at(-1)?.data)) },
          see: tryIt,
        });
        program.held[0]!.release();
      }
      await expectSoon(over, () => ({ cause: `${name} got no result.`, see: tryIt }), program);
      expect(!refused, refusal());
      expect(text === `Done: ${message}`, {
        cause: `${name} got another result.`,
        compare: { expected: `Done: ${message}`, received: visible(text!) },
        see: tryIt,
      });
    } finally {
      await official.close();
    }
  }

  /** Has the tool `say` of tools/logging.ts log these, and returns the answer. */
  async function say(client: Client, messages: Log[]): Promise<Posted> {
    const posted = call(client, 'say', { messages });
    await answered(server, posted);
    const { error } = responseTo(posted) as { error?: { code?: unknown } };
    expect(error?.code !== -32602, {
      cause: 'Your server does not know the tool say, which the grader has added to moreTools.',
      compare: { expected: 'const tools: Tool[] = [processFiles, ...moreTools];', received: `"error":${shown(error)}` },
      advice: 'A list of further tools comes from #support/tools.ts, and your server offers them beside its own.',
    });
    resultOf(posted);
    checkLast(posted);
    return posted;
  }

  function shuffled<T>(values: readonly T[]): T[] {
    const left = [...values];
    return values.map(() => left.splice(random.integer(0, left.length - 1), 1)[0]!);
  }

  /** Sets the level of the client's session. */
  async function setLevel(client: Client, level: unknown): Promise<Posted> {
    const posted = await ask(client, request('logging/setLevel', { level }));
    expect(posted.text !== '', {
      cause: 'logging/setLevel was answered with nothing, as a notification is.',
      compare: { expected: '"result":{}', received: `status ${posted.status}, and no body` },
      advice: 'It has an id, so it is a request: the client waits for its result.',
      see: posted.see,
    });
    return posted;
  }

  const bySeverity =
    'From debug to emergency they get more severe, in the order of the table and of no alphabet. Compare their places in it.';

  /** Of one message at each level, those at `level` and above go out, and no other; at `mayCome` it is open. */
  async function checkFilter(
    client: Client,
    level: string,
    when: string,
    { mayCome = '', advice = bySeverity } = {},
  ): Promise<void> {
    const told = shuffled(levels);
    const posted = await say(
      client,
      told.map((each) => ({ level: each, data: random.words(1)[0]! })),
    );
    const came = said(posted).map((message) => String(paramsOf(message).level));
    const expected = told.filter((each) => levels.indexOf(each) >= levels.indexOf(level));
    const inOrder = (names: string[]) =>
      [...names].sort((a, b) => levels.indexOf(a) - levels.indexOf(b)).join(', ') || '(none)';
    const compare = { expected: inOrder(expected), received: inOrder(came) };
    const below = came.find((each) => !expected.includes(each) && each !== mayCome);
    const absent = expected.find((each) => !came.includes(each));
    expect(below === undefined, {
      cause: `${when} a message with the level ${below} went out, which is less severe.`,
      compare,
      advice,
    });
    const included = advice === bySeverity ? 'The level is the least severe that goes out: it is included.' : advice;
    expect(absent !== level, {
      cause: `${when} a message with that very level did not go out.`,
      compare,
      advice: included,
    });
    expect(absent === undefined, {
      cause: `${when} a message with the level ${absent} did not go out, which is more severe.`,
      compare,
      advice,
    });
    const order = came.filter((each) => each !== mayCome);
    expect(order.join() === expected.join(), {
      cause: 'The messages did not come in the order in which the tool said them.',
      compare: { expected: expected.join(', '), received: order.join(', ') },
    });
  }

  const isEmpty = (result: unknown) =>
    typeof result === 'object' && result !== null && Object.keys(result).every((key) => key === '_meta');

  task({ number: 2, title: 'Mind the level', file: 'server.ts' }, () => {
    requirement(
      'The answer to `initialize` has a header `MCP-Session-Id` with at least 16 visible ASCII characters: another one for each client, which nobody can guess.',
      async () => {
        const clients = [alice, bob, await connect('client 3'), await connect('client 4')];
        const ids = clients.map(sessionOf);
        for (const id of ids) {
          expect(id !== undefined, {
            cause: 'The answer to initialize has no header MCP-Session-Id.',
            advice:
              'Set it before the body goes out: response.set, with an id of your making, such as randomUUID() from node:crypto.',
            see: initializeByHand,
          });
          expect(/^[\x21-\x7e]{16,}$/.test(id), {
            cause:
              id.length < 16
                ? 'The session id is short: it can be guessed.'
                : 'The session id has characters that it must not have.',
            compare: { expected: 'at least 16 visible ASCII characters', received: visible(id) },
            advice:
              'Who knows the id of a session can speak in it. randomUUID() from node:crypto makes one that nobody can guess.',
            see: initializeByHand,
          });
        }
        for (const [i, id] of ids.entries()) {
          const before = ids[i - 1];
          if (before === undefined || before.length !== id!.length) continue;
          const differing = [...id!].filter((character, place) => character !== before[place]).length;
          expect(differing > 0, {
            cause: 'Two clients got the same session id.',
            compare: { expected: 'another id for each client', received: 'one id for both' },
            advice: 'Make the id where initialize is answered, not once for the whole program.',
            see: initializeByHand,
          });
          expect(differing > 3, {
            cause: 'One session id can be guessed from the other.',
            compare: { expected: 'an id that nobody can guess', received: `${before} and ${id}` },
            advice:
              'Who knows the id of a session can speak in it: neither a counter nor the time will do. randomUUID() from node:crypto makes an id.',
            see: initializeByHand,
          });
        }
      },
    );

    requirement(
      'Without that header a request or a notification is answered with status 400, with an id that your server has not given with 404; only `initialize` needs none, and `ping` may do without.',
      async () => {
        const { 'mcp-session-id': _own, ...headers } = alice.headers;
        const messages = () => [
          request('tools/list'),
          { jsonrpc: '2.0', method: 'notifications/initialized' },
          request('logging/setLevel', { level: 'info' }),
          request('tools/call', { name: 'process_files', arguments: { message: random.words(1)[0]! } }),
        ];
        for (const message of messages()) {
          const posted = post(server, message, { headers });
          await answered(server, posted);
          expect(posted.status === 400, {
            cause: `${posted.what} came without a session id, and was answered with status ${posted.status}.`,
            compare: { expected: '400', received: String(posted.status) },
            advice:
              'Look for the header MCP-Session-Id before you look what kind of message it is: only initialize needs none.',
            see: posted.see,
          });
        }
        // An id that every object inherits is none of the server's either.
        for (const id of [`${random.words(4).join('-')}`, 'constructor']) {
          for (const message of messages()) {
            const posted = post(server, message, { headers: { ...headers, 'mcp-session-id': id } });
            await answered(server, posted);
            expect(posted.status === 404, {
              cause: `${posted.what} came with the session id ${id}, which your server has not given, and was answered with status ${posted.status}.`,
              compare: { expected: '404', received: String(posted.status) },
              advice:
                id === 'constructor'
                  ? 'Every object inherits some names, and this is one: keep the sessions in a Map.'
                  : 'By 404 a client knows that its session is over, perhaps because the server was started anew, and shakes hands again.',
              see: posted.see,
            });
          }
        }
        resultOf(await ask(alice, request('tools/list')));
      },
    );

    requirement(
      '`logging/setLevel` takes each of the eight levels of RFC 5424, `debug` to `emergency`, and answers with an empty result; anything else as the `level` is the error `-32602`.',
      async () => {
        const client = await connect('client 3');
        // The last one is where a session begins.
        for (const level of [...shuffled(levels), 'info']) {
          const posted = await setLevel(client, level);
          const { error } = responseTo(posted);
          expect(!error, {
            cause: `logging/setLevel with the level ${level} was answered with an error.`,
            compare: { expected: '"result":{}', received: `"error":${shown(error)}` },
            advice: `The levels are ${levels.join(', ')}.`,
            see: posted.see,
          });
          const result = resultOf(posted);
          expect(isEmpty(result), {
            cause: 'The result of logging/setLevel is not empty.',
            compare: { expected: '"result":{}', received: `"result":${shown(result)}` },
            see: posted.see,
          });
        }
        for (const level of ['verbose', 'INFO', 'warn', random.words(1)[0], 'toString', '', 4, null, undefined]) {
          checkError(
            await setLevel(client, level),
            -32602,
            `${level === undefined ? 'No level' : JSON.stringify(level)} is none of the eight, which are written in lower case. Params that do not fit are -32602.`,
          );
        }
      },
    );

    requirement(
      'Of what a tool says, the messages at the level of the session and above go out, and none below; before the first `logging/setLevel`, `info` and all above go out, and `debug` may.',
      async () => {
        const client = await connect('client 3');
        await checkFilter(client, 'info', 'Before any logging/setLevel,', { mayCome: 'debug' });
        for (const level of shuffled(levels)) {
          await setLevel(client, level);
          await checkFilter(client, level, `After logging/setLevel with ${level},`);
        }
        checkError(await setLevel(client, 'nothing'), -32602, 'It is none of the eight.');
        await setLevel(client, 'alert');
        await setLevel(client, 'nothing');
        await checkFilter(
          client,
          'alert',
          'After logging/setLevel with alert, and another with a level that was refused,',
          {
            advice: 'Look whether it is one of the eight before you keep it.',
          },
        );
      },
    );

    requirement('A level holds in its session: what one client sets, another does not notice.', async () => {
      const clients = await Promise.all(['client 3', 'client 4', 'client 5'].map(connect));
      const own = shuffled(['debug', 'notice', 'critical']);
      const advice =
        'What is kept outside of the session is shared by all clients: keep the level in the object that the session id leads to.';
      for (const [i, client] of clients.entries()) await setLevel(client, own[i]);
      for (const [i, client] of clients.entries()) {
        await checkFilter(
          client,
          own[i]!,
          `One client has set ${own[i]}, others have set other levels. In its session`,
          {
            advice,
          },
        );
      }
      await checkFilter(await connect('client 6'), 'info', 'One client has set no level, others have. In its session', {
        mayCome: 'debug',
        advice,
      });
    });

    requirement(
      'The params of a notification are its `level`, its `data` as the tool gave it, any JSON value, and its `logger` when the tool names one.',
      async () => {
        const client = await connect('client 3');
        await setLevel(client, 'debug');
        const [one, two, three] = random.words(3) as [string, string, string];
        const values: unknown[] = [
          { [one]: two, list: [random.integer(1, 99), { [three]: null }], done: false },
          [],
          random.integer(1, 99),
          0,
          false,
          null,
          '',
          `${one}: é世🎈`,
          `${two}\n\ndata: {"forged":true}\n\n`,
          `${three}\r${one}\u2028${two}`,
        ];
        const messages = values.map((data, i) => ({
          level: random.pick(levels),
          data,
          ...(i % 3 !== 0 && { logger: random.words(1)[0]! }),
        }));
        const posted = await say(client, messages);
        const came = said(posted);
        const absent = messages.find(
          ({ data }) => !came.some((each) => JSON.stringify(paramsOf(each).data) === JSON.stringify(data)),
        );
        expect(came.length === messages.length || !absent, {
          cause: `The message with the data ${shown(absent?.data)} did not go out.`,
          compare: { expected: `${messages.length} notifications`, received: String(came.length) },
          advice: 'null, 0, false and an empty text are data like any other.',
        });
        for (const [i, message] of messages.entries())
          checkLog(posted, came[i] ?? {}, { logger: undefined, ...message } as Log);
      },
    );

    requirement(
      '`DELETE /mcp` with the header ends that session and no other: its status is 2xx, and the id is answered with 404 from then on. A server that lets no client end a session answers 405, and the session goes on.',
      async () => {
        const client = await connect('client 3');
        const ended = server.request('/mcp', { method: 'DELETE', headers: client.headers, who: client.who });
        await expectSoon(
          () => ended.ended || ended.broken,
          () => ({ cause: 'DELETE /mcp has no answer.', advice: 'response.end() ends it.' }),
          server.program,
        );
        const status = ended.status ?? 0;
        expect((status >= 200 && status < 300) || status === 405, {
          cause: `DELETE /mcp with the id of a session was answered with status ${status}.`,
          compare: { expected: '204 (or another 2xx, or 405)', received: String(status) },
          advice: 'The header MCP-Session-Id says which session it is; the answer has no body.',
        });
        const after = post(server, request('tools/list'), { headers: client.headers, who: client.who });
        await answered(server, after);
        const expected = status === 405 ? 200 : 404;
        expect(after.status === expected, {
          cause:
            status === 405
              ? 'DELETE /mcp was answered with 405, and the session is over.'
              : 'The session has ended, and a request with its id was still answered.',
          compare: { expected: `status ${expected}`, received: `status ${after.status}` },
          advice: 'What the server remembers of the session goes when the session ends.',
        });
        for (const other of [alice, bob]) {
          const posted = await ask(other, request('tools/list'));
          expect(posted.status === 200, {
            cause: 'A client has ended its session, and the session of another is over too.',
            compare: { expected: 'status 200', received: `status ${posted.status}` },
            advice: 'Delete the session that the header names, and no other.',
          });
        }
      },
    );
  });

  /** Waits for the end of an answer, while all work stands still. */
  const untilEnd = (posted: Posted, cause: string, advice: string) =>
    expectSoon(
      () => finished(posted),
      () => {
        missing('the end of the response');
        return { cause, advice };
      },
      server.program,
    );

  /** Calls process_files, and leaves while the tool is at work on the first file. */
  async function leave(client: Client): Promise<void> {
    const { program } = server;
    const posted = call(client, 'process_files', { message: random.words(1)[0]! });
    await atWork(posted);
    await until(() => said(posted).length > 0);
    posted.close();
    await program.caughtUp();
  }

  /** Lets the work of a call go on to its end, although nobody listens any more. */
  async function workOn(): Promise<void> {
    const { program } = server;
    for (const { name } of documents) {
      await expectSoon(
        () => program.held.length > 0,
        () => {
          missing(`at work: ${name}`);
          return {
            cause: `The client left, and the tool did not go on to ${name}.`,
            advice:
              'In this revision a broken connection is no cancellation: the client may be back, or has only lost its network. Let the tool work to its end, and drop what nobody can hear.',
          };
        },
        program,
      );
      program.held[0]!.release();
    }
    await program.caughtUp();
  }

  /** The server does what it did before. */
  async function checkServes(client: Client, after: string): Promise<void> {
    const message = random.words(1)[0]!;
    const posted = call(client, 'process_files', { message });
    await answered(server, posted);
    expect(posted.status === 200, {
      cause: `${after}, a call of process_files was answered with status ${posted.status}.`,
      compare: { expected: '200', received: `${posted.status} ${visible(posted.text.slice(0, 80))}` },
      advice: 'A session ends with DELETE, or when the server says so; not with a connection.',
      see: posted.see,
    });
    expect(said(posted).length === documents.length, {
      cause: `${after}, a call of process_files does not say what it did before.`,
      compare: { expected: `${documents.length} notifications`, received: String(said(posted).length) },
      see: posted.see,
    });
    checkDone(posted, message);
  }

  task({ number: 3, title: 'Survive the listener', file: 'server.ts' }, () => {
    requirement(
      'When a client leaves in mid-call, the tool works on to its end: a disconnect is not a cancellation. The session goes on, and others are served meanwhile.',
      async () => {
        await leave(alice);
        resultOf(await askMeanwhile(bob, request('tools/list')));
        await workOn();
        await checkServes(bob, 'After another client had left');
        await checkServes(alice, 'After this client had left in mid-call and come back');
      },
    );

    requirement(
      'A tool that throws in mid-call is answered with one result with `isError`, after what it has said, and the end; nothing breaks when its client has left.',
      async () => {
        const { program } = server;
        const reason = random.words(2).join(' ');
        const posted = call(alice, 'fail_midway', { reason });
        await atWork(posted);
        await until(() => said(posted).length > 0);
        program.held[0]?.release();
        const failed =
          'A tool that throws is no reason to leave its client waiting: catch the error, answer with a result that has isError, and end the response.';
        await untilEnd(posted, 'A tool threw in mid-call, and the answer does not end.', failed);
        expect(posted.broken === undefined, {
          cause: 'A tool threw in mid-call, and the connection broke.',
          advice: failed,
        });
        const { result, error } = responseTo(posted) as { result?: { isError?: unknown } | null; error?: unknown };
        expect(result?.isError === true, {
          cause: error
            ? 'A tool threw, and was answered with an error of the protocol.'
            : 'A tool threw, and the result does not say so.',
          compare: { expected: '"result":{…,"isError":true}', received: shown(error ? { error } : { result }) },
          advice: 'The failure of a tool is a result that the model should read, as in lesson 6.',
        });
        checkLog(posted, said(posted)[0] ?? {}, { level: 'warning', data: reason });
        checkLast(posted);

        const left = call(alice, 'fail_midway', { reason });
        await atWork(left);
        left.close();
        await program.caughtUp();
        program.held[0]?.release();
        await program.caughtUp();
        await checkServes(bob, 'After a tool had failed whose client had left');
      },
    );

    requirement(
      'What a tool says after it has returned is not sent: the response stays the last message, and the server goes on serving.',
      async () => {
        const { program } = server;
        const posted = call(alice, 'forget_to_wait', {});
        await untilEnd(
          posted,
          'A tool has returned, and the answer does not end.',
          'End the answer when the tool has returned, whatever it has forgotten to wait for.',
        );
        resultOf(posted);
        checkLast(posted);
        await until(() => program.held.length > 0);
        program.held[0]?.release();
        await program.caughtUp();
        await checkServes(alice, 'After a tool had said something too late');
      },
    );

    requirement(
      'Nothing is left of a call that is over, whether its client stayed or left: no timer, and no listener.',
      async () => {
        const { program } = server;
        await program.caughtUp();
        const before = program.timers;
        const gone = async () => (await program.caughtUp(), program.timers <= before);
        const checkTimers = async (cause: string, advice: string) => {
          for (let tries = 0; tries < 40 && !(await gone()); tries++) await until(() => false, 25);
          expect(program.timers <= before, { cause, advice });
        };
        await checkServes(alice, 'After many calls');
        await checkTimers(
          'A timer goes on for each call, also for one whose client has stayed to the end.',
          'Nobody clears it: clear it when the tool has returned or thrown, in a finally. Then it is cleared for clients that have left, too.',
        );
        // Node warns when there is an eleventh.
        for (let calls = 0; calls < 12; calls++) {
          await leave(alice);
          await workOn();
        }
        await checkServes(alice, 'After it had left twelve calls');
        await checkTimers(
          'A timer goes on for each call whose client has left.',
          'It is cleared only when the answer ends well: clear it in a finally.',
        );
        expect(!program.stderr.includes('MaxListenersExceededWarning'), {
          cause: 'A listener is added for each call, and not taken away when the call is over.',
          output: /MaxListenersExceededWarning: [^.]*/.exec(program.stderr)?.[0] ?? '',
          advice:
            'Each of them keeps the memory of its call: take it away on each way to the end of the call, in a finally.',
        });
      },
    );
  });
});
