import { fileURLToPath } from 'node:url';
import { documents } from '../../lessons/support/documents.ts';
import { crashed, explainEnd } from '../harness/programs/crash-report.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { StdioServer } from '../harness/run/run.ts';
import { expectEnd, judgedClient } from '../harness/vocabulary/command-line.ts';
import { release, workMs } from '../harness/vocabulary/http.ts';
import { hello } from '../harness/vocabulary/mcp-client.ts';
import { logMessage, notification, textResult } from '../harness/vocabulary/mcp-server.ts';
import { levels, newIds } from '../harness/vocabulary/notifications.ts';
import {
  expectEnd as expectServerEnd,
  logged,
  stdioClient,
  type StdioClient,
} from '../harness/vocabulary/stdio-client.ts';
import { lineOf, resultFor, startScript, type StdioScript } from '../harness/vocabulary/stdio-server.ts';
import { asJson, look } from '../harness/vocabulary/value.ts';
import { isObject, type Message } from '../harness/wire/json.ts';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startStdioServer, task, together, until } = run;

  /** What `process_files` logs before it works on each file. */
  const texts = documents.map((_document, i) => `Processing file ${i + 1}/${documents.length}...`);
  const see = 'npm run try lesson-19';
  const tools = fileURLToPath(new URL('../harness/tools/printing.ts', import.meta.url));

  let server: StdioServer;
  let client: StdioClient;

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);
  const call = (name: string, args: object) => client.request('tools/call', { name, arguments: args });
  const start = () => {
    server = startStdioServer({ MORE_TOOLS: tools });
    client = stdioClient(server, newId);
  };

  /** The same client with ids that nobody draws: what it asks changes no id of a later request. */
  const beside = () => stdioClient(server);

  /** Writes these pieces, and waits after each until the server has handled it. */
  async function writePieces(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      server.program.write(piece);
      await server.program.caughtUp();
    }
  }

  task({ number: 1, title: 'Read a message from each line', file: 'server.ts' }, () => {
    requirement(
      'If a client writes a request in a line, the server writes one line with the response. The `id` of the response has the same value and the same type as the `id` of the request.',
      async () => {
        start();
        const asked = [
          ['2025-11-25', '2025-11-25'],
          ['2025-06-18', '2025-06-18'],
          ['1999-01-01', '2025-11-25'],
        ] as const;
        for (const [revision, answered] of asked) {
          const result = await client.ask('initialize', hello(revision)).result();
          result
            .at('protocolVersion')
            .is(
              answered,
              'The result of initialize names the wrong revision.',
              'Leave the method initialize as it is: the revision is agreed as in lesson 8.',
            );
        }
        client.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
        await server.program.caughtUp();
        for (const id of [0, '', newId(), newId(), newId(), newId(), newId(), newId()]) {
          await client.write({ jsonrpc: '2.0', id, method: 'ping' }).result();
        }
        const list = await client.ask('tools/list').result();
        const names = list.at('tools').array('The result of tools/list has no array tools.') as Message[];
        list.expect(
          names.some(({ name }) => name === 'process_files'),
          'The tool process_files is missing from the result of tools/list.',
          { advice: 'Leave the method tools/list as it is.' },
        );
        await client.ask(word()).error(-32601, 'Send what answer returns: it knows the methods.');

        const message = `${word()}\n${word()}\r\n"${word()}" 世🎈`;
        const written = client.write(call('process_files', { message }));
        await untilAnswered(written.response({ see: written.see }));
        expectDone(await written.result(), message);
      },
    );

    requirement(
      'If a line arrives in pieces, the server answers when the line break has arrived, also if a piece ends inside a character.',
      async () => {
        // Each cut is in another place; the last message comes byte by byte.
        for (const cuts of ['inside a character', 'before the line break', 'byte by byte'] as const) {
          const text = `é世🎈 ${random.words(2).join(' ')}`;
          const request = call('say', { messages: [{ level: 'info', data: text }] });
          const bytes = Buffer.from(lineOf(request as unknown as Message));
          const before = client.messages().length;
          const inside = bytes.indexOf(Buffer.from('世')) + random.integer(1, 2);
          const places = {
            'inside a character': [random.integer(1, 20), inside, bytes.indexOf(Buffer.from('🎈')) + 2, bytes.length],
            'before the line break': [bytes.length - 1, bytes.length],
            'byte by byte': [...bytes.keys()].map((place) => place + 1),
          }[cuts];
          const pieces = places.map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
          await writePieces(pieces.slice(0, -1));
          const [early] = client.messages().slice(before);
          expect(!early, {
            cause: `Your server wrote ${early && 'error' in early ? 'an error' : 'a message'} before the line break had arrived, although a line came in pieces (cut ${cuts}).`,
            compare: { expected: '(nothing)', received: asJson(early) },
            advice:
              'Keep the text after the last line break until the rest of its line has arrived: one piece of a stream can be a part of a line.',
          });
          server.program.write(pieces.at(-1)!);
          await answeredLate(request.id, cuts, before, text);
        }
      },
    );

    requirement('If several lines arrive in one piece, the server answers each request in them.', async () => {
      const requests = Array.from({ length: random.integer(3, 6) }, () => client.request('ping'));
      const note = { jsonrpc: '2.0', method: 'notifications/initialized' };
      const before = client.messages().length;
      server.program.write(
        [requests[0], note, ...requests.slice(1)].map((each) => `${JSON.stringify(each)}\n`).join(''),
      );
      const came = () =>
        client
          .messages()
          .slice(before)
          .map(({ id }) => id);
      const absent = () => requests.filter(({ id }) => !came().includes(id));
      await expectSoon(
        () => absent().length === 0,
        () => {
          missing(`${absent().length} responses`);
          return {
            cause: 'Several lines arrived in one piece, but your server did not answer each request in them.',
            compare: {
              expected: requests.map(({ id }) => `"id":${asJson(id)}`).join(', '),
              received:
                came()
                  .map((id) => `"id":${asJson(id)}`)
                  .join(', ') || '(nothing)',
            },
            advice:
              'Split the text at each line break, and yield every line: one piece of a stream can contain many lines.',
          };
        },
        server.program,
      );
    });

    requirement(
      'If a line ends with CR LF, the server reads it like any other line. If a line is empty, the server writes nothing.',
      async () => {
        await client.write(client.request('ping'), { end: '\r\n' }).result();
        for (const [end, name] of [
          ['\n', 'an empty line'],
          ['\r\n', 'an empty line that ends with CR LF'],
        ] as const) {
          const what = `The line ${name}`;
          await client
            .write('', { end, what, see: '' })
            .ignored(
              `Your server wrote a message about ${name}.`,
              'Skip a line before you parse it if nothing is left of it after line.trim().',
            );
        }
      },
    );

    requirement(
      'If a string in a message contains the character U+2028 or U+2029, the server still reads the message as one line.',
      async () => {
        for (const character of ['\u2028', '\u2029']) {
          const text = `${word()}${character}${word()}`;
          const request = call('say', { messages: [{ level: 'info', data: text }] });
          const code = character === '\u2028' ? 'U+2028' : 'U+2029';
          const before = client.messages().length;
          const written = client.write(request, { what: `A request with the character ${code}`, see: '' });
          await written.response({
            cause: `Your server did not read a message with the character ${code} as one line.`,
            advice:
              'Split the text at "\\n" only. JSON may contain U+2028 and U+2029 in a string, but node:readline takes them for line breaks.',
          });
          await written.result();
          expectLogged(client.messages().slice(before), text);
        }
      },
    );

    requirement(
      'If a line is not JSON, the server writes the error `-32700` with the `id` `null`, and continues with the next line.',
      async () => {
        const lines = [
          word(),
          '{"jsonrpc":"2.0","id":1,"method":"ping"',
          '{"jsonrpc":"2.0","id":1,"method":"ping"}}',
          "{'id':1}",
        ];
        for (const line of lines) {
          await client
            .write(line)
            .refused(
              -32700,
              'Catch the error that JSON.parse throws, and send an error with the code -32700: it means that the line is not JSON.',
            );
        }
        await client.ask('ping').result();
      },
    );

    requirement(
      'If a line is JSON but not one JSON-RPC message, the server writes one error `-32600`. A batch is such a line.',
      async () => {
        const ping = client.request('ping');
        const lines: [what: string, value: unknown][] = [
          ['A batch of two requests', [ping, client.request('ping')]],
          ['An empty batch', []],
          ['An empty object', {}],
          ['The line null', null],
          ['A line with a number', random.integer(2, 99)],
          ['A line with a string', JSON.stringify(ping)],
          ['A message of a different version of JSON-RPC', { ...ping, jsonrpc: '1.0' }],
          ['A request with the id null', { ...ping, id: null }],
        ];
        for (const [what, value] of lines) {
          await client
            .write(JSON.stringify(value), { what })
            .refused(
              -32600,
              'Send an error with the code -32600 if the line is neither a request nor a notification nor a response: isRequest, isNotification and isResponse tell.',
            );
        }
      },
    );

    requirement('If a line contains a notification or a response, the server writes nothing.', async () => {
      const advice = 'Answer only requests. A notification has no id, and a response is itself an answer.';
      const lines: [what: string, value: object][] = [
        ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
        ['an unknown notification', { jsonrpc: '2.0', method: `notifications/${word()}` }],
        ['a notification with the method of a request', { jsonrpc: '2.0', method: 'ping' }],
        ['a response', { jsonrpc: '2.0', id: newId(), result: {} }],
        ['a response with an error', { jsonrpc: '2.0', id: newId(), error: { code: -32603, message: word() } }],
      ];
      for (const [what, value] of lines) {
        await client.write(value).ignored(`Your server wrote a message about ${what}.`, advice);
      }
      const params = { name: 'say', arguments: { messages: [{ level: 'error', data: random.aside(word) }] } };
      await beside()
        .write({ jsonrpc: '2.0', method: 'tools/call', params }, { see: '' })
        .ignored(
          'Your server called the tool that a notification names, and wrote what this tool logs.',
          'Call answer only for a request, so that a notification runs no tool: look at isRequest first.',
        );
    });
  });

  /** Releases all work until the response is here. */
  async function untilAnswered(response: Promise<unknown>): Promise<void> {
    let over = false;
    void until(() => {
      release(server.program);
      return over;
    }, workMs).catch(() => {});
    try {
      await response;
    } finally {
      over = true;
      run.changed();
    }
  }

  /** Waits until this many calls are at work. */
  async function untilAtWork(count: number): Promise<void> {
    await expectSoon(
      () => server.program.held.length === count,
      () => ({
        cause: 'A tool that the client has called is not at work.',
        advice: 'Leave process_files as it is, and offer the tools of moreTools beside it.',
      }),
      server.program,
      workMs,
    );
  }

  function expectDone(result: ReturnType<typeof look>, message: string): void {
    const [content] = result.at('content').array('The result of the call has no content.') as [Message];
    look(content?.text, 'text').is(
      `Done: ${message}`,
      'The result of the call has the wrong text.',
      'Send what answer returns for this request as its result: a string with line breaks stays one string.',
    );
  }

  function expectLogged(messages: readonly Message[], text: string): void {
    const data = messages.map((message) => logged(message).data).find((each) => each !== undefined);
    if (data === undefined) return; // notifications are the subject of task 2
    look(data, 'data').is(
      text,
      String(data).includes('\ufffd')
        ? 'Your server read \ufffd instead of a character, because the bytes of this character came in two pieces.'
        : 'Your server read the wrong text.',
      'Decode all pieces with one TextDecoder and the option { stream: true }: it keeps the first bytes of a character until the rest has arrived.',
    );
  }

  /** A request whose last byte, the line break, has just been written is answered. */
  async function answeredLate(id: unknown, cuts: string, before: number, text: string): Promise<void> {
    const since = () => client.messages().slice(before);
    const own = () => since().find((message) => message.id === id && !('method' in message));
    await expectSoon(
      own,
      () => {
        missing(`the response with the id ${asJson(id)}`);
        return {
          cause: `A line came in pieces (cut ${cuts}), and your server did not answer the request in it.`,
          compare: { expected: `"id":${asJson(id)}`, received: since().map(asJson).join(', ') || '(nothing)' },
          advice:
            'Put the pieces together until the line break has arrived, and decode them with one TextDecoder and the option { stream: true }.',
        };
      },
      server.program,
      workMs,
    );
    expectLogged(since(), text);
  }

  task({ number: 2, title: 'Speak while a tool works', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'Before `process_files` works on a file, it logs `Processing file 1/3...` (then `2/3`, `3/3`). While the tool works on this file, the server writes the text as the `data` of a `notifications/message`.',
      async () => {
        start();
        await client.shakeHands();
        const { program } = server;
        const message = random.words(2).join(' ');
        const before = client.messages().length;
        const written = client.write(call('process_files', { message }), { see });
        const since = () => client.messages().slice(before);
        const said = () => since().filter((each) => 'method' in each);
        const response = () => since().find((each) => !('method' in each));
        for (const [i, { name }] of documents.entries()) {
          await expectSoon(
            () => program.held.length > 0 || response(),
            () => ({ cause: `The tool is not at work on ${name}.`, advice: 'Leave process_files as it is.', see }),
            program,
            workMs,
          );
          await program.caughtUp();
          await until(() => said().length > i || response());
          await program.caughtUp();
          expect(!response(), {
            cause: `Your server wrote a response while the tool was at work on ${name}.`,
            compare: { expected: texts[i]!, received: asJson(response()) },
            advice: 'Await answer before you send the response.',
            see,
          });
          if (said().length <= i) throw await whyNotWritten(i, name, said);
          expectLog(said()[i]!, 'info', texts[i]!);
          expect(said().length === i + 1, {
            cause: `Your server wrote one more message while the tool was still at work on ${name}.`,
            compare: { expected: `only ${texts[i]}`, received: asJson(said()[i + 1]) },
            advice: 'Write each log message once.',
            see,
          });
          release(program);
        }
        expectDone(await written.result(), message);
        expect(said().length === documents.length, {
          cause: 'Your server wrote one more notification after the work on the last file.',
          compare: { expected: String(documents.length), received: String(said().length) },
          advice: 'Write each log message once, when the tool calls log.',
          see,
        });
      },
    );

    requirement(
      'While a tool works, the server answers other requests. If several calls run at the same time, each call gets its own response.',
      async () => {
        const { program } = server;
        const advice =
          'Call receive without await in the loop over the lines: with await, the loop reads the next line only when the tool has returned.';
        const calls: { written: ReturnType<StdioClient['write']>; message: string; left: number }[] = [];
        const atWork: (typeof calls)[number][] = [];
        for (let i = 0; i < 3; i++) {
          const message = `${random.words(2).join(' ')} "${i}"`;
          const written = client.write(call('process_files', { message }), { see: '' });
          const own = { written, message, left: documents.length };
          calls.push(own);
          atWork.push(own);
          await expectSoon(
            () => program.held.length === atWork.length,
            () => ({
              cause: `${calls.length} calls run at the same time, but not each of them is at work.`,
              compare: { expected: `${atWork.length} at work`, received: `${program.held.length} at work` },
              advice,
            }),
            program,
            workMs,
          );
          for (const method of ['ping', 'tools/list']) {
            await client.ask(method, undefined, { see: '' }).response({
              cause: `Your server did not answer the request ${method} while a tool was at work.`,
              advice,
            });
          }
        }
        // One step each, and then one call after the other to its end.
        const order = random.shuffled(calls);
        const rest = random.shuffled(calls).flatMap((each) => documents.slice(1).map(() => each));
        for (const own of [...order, ...rest]) {
          const index = atWork.indexOf(own);
          atWork.splice(index, 1);
          program.held[index]!.release();
          if (--own.left > 0) {
            atWork.push(own);
            await expectSoon(
              () => program.held.length === atWork.length,
              () => ({
                cause: 'Several calls run at the same time, but not every call does its own work.',
                compare: { expected: `${atWork.length} at work`, received: `${program.held.length} at work` },
                advice,
              }),
              program,
              workMs,
            );
            continue;
          }
          const result = await own.written.result();
          const [content] = result.at('content').array('The result of the call has no content.') as [Message];
          look(content?.text, 'text').is(
            `Done: ${own.message}`,
            'Several calls run at the same time, and your server wrote the result of one call with the id of another.',
            'Keep the message of each call in a variable of its own: a variable outside of the function is shared by all calls.',
          );
        }
      },
    );

    requirement(
      'After `logging/setLevel`, the server writes a log message only if it is at least as severe as this level.',
      async () => {
        const messages = levels.map((level) => ({ level, data: `${level} ${word()}` }));
        for (const [least, level] of random.shuffled([...levels.entries()]).slice(0, 3)) {
          await client.ask('logging/setLevel', { level }).result();
          const before = client.messages().length;
          await client.write(call('say', { messages }), { see: '' }).result();
          const said = client
            .messages()
            .slice(before)
            .filter((each) => 'method' in each);
          const levelsOf = (all: readonly unknown[]) => all.join(', ') || '(nothing)';
          const received = said.map((each) => logged(each).level);
          expect(levelsOf(received) === levelsOf(levels.slice(least)), {
            cause: received.some((each) => levels.indexOf(String(each)) < least)
              ? `The client has set the level ${level}, but your server also wrote log messages that are less severe.`
              : `The client has set the level ${level}, but your server did not write all log messages of this level and above.`,
            compare: { expected: levelsOf(levels.slice(least)), received: levelsOf(received) },
            advice: 'Keep the comparison in log, which returns if the message is less severe than session.level.',
          });
          for (const [i, each] of said.entries()) expectLog(each, levels[least + i]!, messages[least + i]!.data);
        }
        await client.ask('logging/setLevel', { level: 'info' }).result();

        const { program } = server;
        const other = beside();
        const running = other.ask('tools/call', { name: 'process_files', arguments: { message: 'done' } }, { see: '' });
        await untilAtWork(1);
        await other.ask('logging/setLevel', { level: 'error' }, { see: '' }).result();
        const before = other.messages().length;
        await untilAnswered(running.response());
        await program.caughtUp();
        const late = other
          .messages()
          .slice(before)
          .find((each) => 'method' in each);
        expect(!late, {
          cause:
            'The client has set the level error while a call was running, but your server continued to write less severe log messages of this call.',
          compare: { expected: '(nothing)', received: asJson(late) },
          advice:
            'Look at session.level each time that a tool calls log: a level that you copy when the call begins stays the old one.',
        });
        await other.ask('logging/setLevel', { level: 'info' }, { see: '' }).result();
      },
    );

    requirement(
      'If a tool calls `console.log`, `console.info` or `console.debug`, the text appears on standard error, and standard output contains only messages.',
      async () => {
        const { program } = server;
        for (const how of random.shuffled(['log', 'info', 'debug', 'error'])) {
          const text = `${random.words(2).join(' ')} ${random.integer(100, 999)}`;
          const written = client.write(call('print', { how, text }), { see: '' });
          await expectSoon(
            () => program.held.length > 0,
            () => ({
              cause: `The tool that calls console.${how} is not at work.`,
              advice: 'Offer the tools of moreTools beside your own.',
            }),
            program,
            workMs,
          );
          await program.caughtUp();
          expect(!program.stdout.includes(text) || how === 'error', {
            cause: `A tool called console.${how}, and your server wrote the text on standard output, between the messages.`,
            compare: { expected: '(nothing)', received: text },
            advice:
              'Let console write to standard error: globalThis.console = new Console(process.stderr). Do this before any tool runs.',
          });
          await untilAnswered(written.response());
          await written.result();
          await program.caughtUp();
          expect(program.stderr.includes(text), {
            cause: `A tool called console.${how}, but the text does not appear on standard error.`,
            compare: { expected: text, received: program.stderr.trim().split('\n').at(-1) || '(nothing)' },
            advice: 'Write the text on standard error: the people who look for a fault need it.',
          });
          expect(program.stderr.split(text).length > 2, {
            cause: `A tool called console.${how} with two values, but the second one does not appear on standard error.`,
            compare: { expected: `${text} again`, received: program.stderr.trim().split('\n').at(-1)! },
            advice: 'Pass on all arguments of the call: globalThis.console = new Console(process.stderr) does this.',
          });
        }

        // The first of two calls ends while the other one is still at work, and prints once more.
        const other = beside();
        const printing = random.aside(() => random.words(2)).map((text, i) => ({ how: 'log', text: `${text} ${i}` }));
        const written = [];
        for (const args of printing) {
          written.push(other.ask('tools/call', { name: 'print', arguments: args }, { see: '' }));
          await untilAtWork(written.length);
        }
        for (const [i, { text }] of printing.entries()) {
          const responses = () => program.stdout.split('"printed"').length;
          const before = responses();
          program.held[0]!.release();
          await until(() => responses() > before, workMs);
          await program.caughtUp();
          expect(!program.stdout.includes(text), {
            cause:
              'Two tools called console.log while both were at work, and your server wrote a text of them on standard output.',
            compare: { expected: '(nothing)', received: text },
            advice:
              'Replace the console once, before any tool runs, and never put the old one back: other calls are still running when one call ends.',
          });
          await written[i]!.response();
        }
      },
    );

    requirement(
      'If the input ends, the server first answers the calls that are still running. After that, the server ends with exit code 0.',
      async () => {
        const { program } = server;
        const message = word();
        const written = client.write(call('process_files', { message }), { see: '' });
        await untilAtWork(1);
        // The last line is answered before the calls that came first.
        await beside().ask('ping', undefined, { see: '' }).response();
        server.endInput();
        await program.caughtUp();
        const tooEarly = () => ({
          cause: 'The input ended while a tool was at work, and your server ended before it had answered the call.',
          ...(program.exitedAt !== undefined && { at: program.exitedAt }),
          advice:
            program.exitedAt === undefined
              ? 'Write the response when the tool has returned, also if the input has ended meanwhile.'
              : 'Let the program end by itself: without a call of process.exit, Node.js ends it when no tool works and no input can come.',
        });
        expect(!program.end, tooEarly());
        const response = () => client.messages().find(({ id, method }) => id === written.id && method === undefined);
        await untilAnswered(until(() => program.end ?? response(), workMs));
        if (!response()) {
          expect(!program.end, tooEarly());
          throw new Failure({
            cause: 'The input ended while a tool was at work, and your server did not answer the call.',
            advice: 'Answer every request that has arrived, also if no more requests can come.',
          });
        }
        expectDone(look(response()!.result, 'result'), message);
        await expectServerEnd(server, 'and all calls were answered');

        start();
        await client.shakeHands();
        server.endInput();
        await expectServerEnd(server, 'while no tool was at work');
      },
    );
  });

  /** Why a log message is not on standard output, although the tool is at work behind it. */
  async function whyNotWritten(index: number, work: string, said: () => Message[]): Promise<Failure> {
    const { program } = server;
    missing(texts[index]!);
    release(program);
    const moved = () => program.held.length > 0 || said().length > index;
    await until(moved);
    for (let turn = 0; turn < documents.length && said().length <= index; turn++) {
      release(program);
      await until(() => program.held.length > 0 || said().length > index);
      await program.caughtUp();
    }
    if (said().length > index) {
      return new Failure({
        cause: `Your server had not written "${texts[index]}" when the tool was at work on ${work}, and wrote it later.`,
        advice: 'Write each message immediately, when the tool calls log. Look for code that collects messages first.',
        see,
      });
    }
    return new Failure({
      cause: `Your server never wrote "${texts[index]}", neither while the tool was at work on ${work} nor later.`,
      advice:
        'Call send in the function log of context, with a notification: the method notifications/message, and level, data and logger as its params.',
      see,
    });
  }

  function expectLog(message: Message, level: string, data: unknown): void {
    const whole = look(message, '', see);
    const like = asJson({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data } });
    whole.expect(
      message.method === 'notifications/message' && isObject(message.params),
      'Your server wrote a message that is not a log message.',
      {
        like,
        advice:
          'Write a notification with the method notifications/message, and put level, data and logger into its params.',
      },
    );
    whole.expect(!('id' in message), 'The notification has an id, so it is a request that the client has to answer.', {
      like,
      advice: 'Leave the id out: a notification never has an id, also if it belongs to a call.',
    });
    const params = whole.at('params');
    params.at('level').is(level, 'The level of the log message is wrong.', 'Send the level that the tool gave to log.');
    params
      .at('data')
      .is(data, 'The data of the log message is not what the tool said.', 'Send the data that the tool gave to log.');
  }

  task({ number: 3, title: 'Start a server and end it', file: 'client.ts' }, () => {
    const see = 'node --import tsx lessons/19-standard-input-and-output/client.ts hello';
    const begin = (terms: Partial<Parameters<typeof startScript>[1]> = {}) => startScript(run, { see, ...terms });
    /** Starts a client, and brings it to its call. */
    async function upToCall(terms?: Parameters<typeof begin>[0]): Promise<StdioScript & { call: Message }> {
      const script = await begin(terms);
      await script.handshake();
      return { ...script, call: await script.next('tools/call') };
    }
    const answered = 'The call was answered, and the server has ended';
    const endsWell = ({ client }: StdioScript) =>
      client.endsWell(
        answered,
        'Let the client end with exit code 0 when it has printed the result, also if the server needed a signal.',
      );

    requirement(
      'The command `client.ts MESSAGE COMMAND ARGUMENTS…` starts `COMMAND` with exactly these arguments. The client writes an `initialize` request, waits for the response, and then writes `notifications/initialized` and the `tools/call` of `process_files` with the message.',
      async () => {
        const message = `${random.words(2).join(' ')} "é世"`;
        const words = [`${word()} ${word()}`, '', '"*"', '$HOME', `--${word()}=é;|&`];
        const script = await begin({ message, words, revision: random.pick(['2025-11-25', '2025-06-18']) });
        const { child } = script;
        const initialize = await script.next('initialize');
        look(child.args, 'arguments').is(
          words,
          'The server got different arguments.',
          'Call spawn(command, args) without the option shell, and pass the arguments as they are: a shell would split them and replace some.',
        );
        const isId = typeof initialize.id === 'string' || Number.isInteger(initialize.id);
        look(initialize.id, 'id').expect(
          isId,
          'The id of the request initialize is neither a string nor a whole number.',
          {
            like: '1',
            advice: 'Give each request a number of its own as its id: lastId counts them.',
          },
        );
        await script.nothingWritten({
          cause: 'Your client wrote its next message before the server had answered initialize.',
          advice: 'Wait for the response to initialize: it names the revision.',
        });
        await script.print(resultFor(initialize, script.initializeResult()));
        await script.next('notifications/initialized');
        const call = await script.next('tools/call');
        expect(call.id !== initialize.id, {
          cause: 'Your client wrote two requests with the same id.',
          compare: { expected: 'a new id', received: `"id":${asJson(call.id)}, twice` },
          advice:
            'Count the requests, for example with ++lastId: only the id tells which request a response belongs to.',
          see,
        });
        look(call, 'call')
          .at('params')
          .is(
            { name: 'process_files', arguments: { message } },
            'Your client did not call process_files with the message from its command line.',
            'Take the message from process.argv[2]: it is the first argument of the client.',
          );
        await script.print(resultFor(call, textResult(word())));
        await script.farewell();
        await endsWell(script);
        expect(child.starts === 1, {
          cause: `Your client started the server ${child.starts} times.`,
          advice: 'Start the server once: all messages of a session go to the same process.',
          see,
        });
      },
    );

    requirement(
      'The client prints each notification as soon as its line has arrived, and then the result. The client reads lines as the server does: in pieces, several in one piece, with CR LF, and with U+2028.',
      async () => {
        const script = await upToCall();
        const { client, call } = script;
        const advice = 'Copy linesIn from your server: it yields a line as soon as its line break has arrived.';
        const one = `é世🎈 ${word()}`;
        const bytes = Buffer.from(lineOf(logMessage('info', one)));
        const inside = bytes.indexOf(Buffer.from('世')) + random.integer(1, 2);
        const cuts = [random.integer(1, 20), inside, bytes.length - 1];
        await script.print(...cuts.map((end, i) => bytes.subarray(cuts[i - 1] ?? 0, end)));
        await client.printsNothing('Wait for the line break before you parse the line.');
        await script.print('\n');
        await client.prints([`NOTIFICATION: info ${one}`], {
          cause: 'A notification came in pieces, and your client did not print it when its line was complete.',
          otherwise: 'A notification came in pieces, and your client printed the wrong text.',
          advice: (printed) =>
            printed.includes('\ufffd')
              ? 'Decode all pieces with one TextDecoder and the option { stream: true }, as linesIn of your server does.'
              : advice,
        });
        const more = Array.from({ length: random.integer(2, 4) }, (_each, i) => `${word()} ${i}`);
        await script.print(
          more.map((text, i) => lineOf(logMessage('warning', text), i === 1 ? '\r\n' : '\n')).join(''),
        );
        await client.prints(
          more.map((text) => `NOTIFICATION: warning ${text}`),
          { cause: 'Several notifications came in one piece, and your client did not print each of them.', advice },
        );
        const odd = `${word()}\u2028${word()}\u2029`;
        await script.print(lineOf(logMessage('error', odd), '\r\n'));
        await client.prints([`NOTIFICATION: error ${odd}`], {
          cause: 'A notification with the character U+2028 came, and your client did not print it.',
          advice: 'Split the text at "\\n" only: node:readline also takes U+2028 for a line break.',
        });
        await script.print(notification('notifications/tools/list_changed'));
        await client.prints(['NOTIFICATION: notifications/tools/list_changed'], {
          cause: 'Your client did not print a notification that is not a log message.',
          advice: 'Leave described as it is: it prints any notification.',
        });
        const text = random.words(2).join(' ');
        await script.print(resultFor(call, textResult(text)));
        await client.prints([`RESULT: ${text}`], {
          cause: 'Your client did not print the result when the response had arrived.',
          advice: 'Call the function that waits for the response with this id: waiting has it.',
        });
        await script.farewell();
        await endsWell(script);
      },
    );

    requirement(
      'When a response arrives, the request with the same `id` gets it. The client ignores a response with any other `id`, and answers a `ping` of the server.',
      async () => {
        const script = await begin();
        const { client } = script;
        const initialize = await script.next('initialize');
        const foreign = (id: unknown) => resultFor({ id }, { ...textResult('wrong'), protocolVersion: '1999-01-01' });
        const advice =
          'Find the function for a response with waiting.get(message.id), and do nothing if nobody waits for it: 7 and "7" are different ids.';
        await script.print(
          foreign(`${String(initialize.id)}0`),
          foreign(String(initialize.id) === initialize.id ? 1 : String(initialize.id)),
        );
        await script.nothingWritten({
          cause: 'Your client took a response with a different id for the response to initialize.',
          advice,
        });
        await script.print(resultFor(initialize, script.initializeResult()));
        const stuck = 'A response with a different id arrived, and your client did not continue after the right one.';
        await script.next('notifications/initialized', { cause: stuck, advice });
        const call = await script.next('tools/call', { cause: stuck, advice });
        const id = random.pick([word(), 0, random.integer(2, 99)]);
        await script.print(foreign(initialize.id), foreign(newId()));
        const number = random.aside(() => random.integer(100, 999));
        for (const own of new Set([id, 0, '', String(number), -number])) {
          await script.print({ jsonrpc: '2.0', id: own, method: 'ping' });
          look((await script.nextResponse('ping', own)).result, 'result').is(
            {},
            'The response to ping has the wrong result.',
            'Answer ping with an empty result.',
          );
        }
        await client.printsNothing(advice);
        const text = word();
        await script.print(resultFor(call, textResult(text)));
        await client.prints([`RESULT: ${text}`], {
          cause: 'Your client did not print the result after a response with a different id.',
          advice,
        });
        await script.farewell();
        await endsWell(script);
      },
    );

    /** A client that gives its server much time to end; two requirements are about it. */
    let polite: StdioScript & { call: Message };

    requirement(
      'If the server prints something on its standard error, the text appears on the standard error of the client.',
      async () => {
        polite = await upToCall({ env: { FAREWELL_LIMIT: '60000' } });
        const { child, client } = polite;
        const text = `${random.words(2).join(' ')} ${random.integer(100, 999)}`;
        await child.printError(`${text}\n`);
        await expectSoon(
          () => client.stderr.includes(text),
          () => ({
            cause: client.stdout.includes(text)
              ? 'The server printed a line on its standard error, but it appears on the standard output of your client.'
              : 'The server printed a line on its standard error, but it does not appear on the standard error of your client.',
            compare: { expected: text, received: client.stderr.trim() || '(nothing)' },
            advice:
              "Give spawn the option stdio: ['pipe', 'pipe', 'inherit']: the third entry is the standard error of the server.",
            see,
          }),
          client,
        );
        await client.printsNothing(
          'Print only notifications and the result on standard output: a program may read them.',
        );
      },
    );

    requirement(
      'After the call, the client ends the input of the server and waits until the server has ended. If the server ends within `FAREWELL_LIMIT` milliseconds, the client sends no signal.',
      async () => {
        run.sameCapture();
        const script = polite;
        const { child, client, call } = script;
        await script.print(resultFor(call, textResult(word())));
        await script.untilInputEnds();
        await client.caughtUp();
        await child.printError(''); // when it has done this, it has told of every signal before
        expect(child.signals.length === 0, {
          cause: `Your client sent ${child.signals[0]} although the server had just been asked to end.`,
          advice:
            'Wait until the server has ended, and send a signal only when farewellLimit milliseconds have passed.',
          see,
        });
        expect(!client.end, {
          cause: 'Your client ended before the server had ended.',
          advice: 'Await the end of the server, also after its input has ended.',
          see,
        });
        child.exit(0);
        await expectEnd(
          run,
          client,
          'The server has ended, but your client is still running.',
          'Wait for the event exit of the server. A timer that waits for longer must not keep the client running: use clearTimeout, or ref: false.',
        );
        await endsWell(script);
      },
    );

    requirement(
      'If the server is still running after `FAREWELL_LIMIT` milliseconds, the client sends `SIGTERM`. If the server is still running `FAREWELL_LIMIT` milliseconds after that, the client sends `SIGKILL`. These signals do not change the exit code of the client.',
      async () => {
        await together([true, false], async (obeys) => {
          // A server on a busy machine may need longer to report a signal than the client waits.
          for (const limit of [150, 1000, 6000]) {
            const script = await upToCall({ env: { FAREWELL_LIMIT: String(limit) } });
            const { child, client, call } = script;
            await script.print(resultFor(call, textResult('done')));
            await script.untilInputEnds();
            await expectSoon(
              () => child.signals.length > 0 || client.end,
              () => {
                missing('(SIGTERM)');
                return {
                  cause: 'The server does not end by itself, and your client waits for it without an end.',
                  advice: 'Call server.kill("SIGTERM") when farewellLimit milliseconds have passed.',
                  see,
                };
              },
              client,
              limit + 3000,
            );
            await until(() => child.signals.length > 0);
            const [first = '(nothing)'] = child.signals;
            if (first !== 'SIGTERM' && limit < 6000) continue;
            expect(first === 'SIGTERM', {
              cause:
                first === '(nothing)'
                  ? 'Your client ended while the server was still running.'
                  : `Your client sent ${first} first, which gives the server no time to put things away.`,
              compare: { expected: 'SIGTERM', received: first },
              advice:
                'Send SIGTERM first, and SIGKILL only if the server is still running farewellLimit milliseconds later.',
              see,
            });
            if (obeys) child.exit(143);
            await expectSoon(
              () => child.over,
              () => {
                missing('(SIGKILL)');
                return {
                  cause: 'The server ignores SIGTERM, but your client did not send SIGKILL.',
                  advice: 'Call server.kill("SIGKILL") when farewellLimit milliseconds have passed after SIGTERM.',
                  see,
                };
              },
              client,
              limit + 3000,
            );
            const [sigterm = 0, sigkill = 0] = child.times.slice(-2);
            const waited = obeys || sigkill - sigterm > limit / 2;
            if (!waited && limit < 6000) continue;
            expect(waited, {
              cause: `FAREWELL_LIMIT is ${limit}, but your client sent SIGKILL ${Math.round(sigkill - sigterm)} ms after SIGTERM.`,
              advice: 'After SIGTERM, await endsInTime() again. Send SIGKILL only if it is false.',
              see,
            });
            await endsWell(script);
            break;
          }
        });
      },
    );

    requirement(
      'If the command cannot be started, the client prints one line on standard error and exits with code 2.',
      async () => {
        const folder = run.temporaryFolder();
        const commands = [`${word()}-${random.integer(1000, 9999)}`, folder];
        await together(commands, async (command) => {
          const client = judgedClient(run, run.startClient(word(), command, word()));
          await client.fails({
            withFail: true,
            code: 2,
            about: command === folder ? 'a command that is a folder' : 'a command that does not exist',
            advice:
              'Wait for the event spawn with once, and call fail with exit code 2 when once throws: spawn reports that it has failed with the event error.',
          });
        });
      },
    );

    requirement(
      'If the server ends, or ends its output, before it has answered a request, the client prints one line on standard error and exits with code 5.',
      async () => {
        const advice = 'Call fail with exit code 5 when the loop over the lines is over: then no response can come.';
        const ways = {
          async 'a server that ends before it answers the call'() {
            const text = word();
            const script = await upToCall();
            // Half a line is not a message, however the output ends.
            await script.print(
              logMessage('info', text),
              lineOf(resultFor(script.call, textResult('wrong'))).slice(0, -9),
            );
            script.child.exit(0);
            return { script, printed: [`NOTIFICATION: info ${text}`] };
          },
          async 'a server that ends its output'() {
            const script = await upToCall();
            await script.child.closeOutput();
            const reported = () => script.client.stderr.trim() !== '';
            await until(() => script.child.inputEnded || reported());
            const cause = 'The server ended its output before it answered the call, but your client continues to wait.';
            await script.farewell(reported() ? {} : { cause, advice });
            return { script, printed: [] };
          },
          async 'a server that reads no more'() {
            const script = await begin();
            const initialize = await script.next('initialize');
            await script.child.closeInput();
            await script.print(resultFor(initialize, script.initializeResult()));
            await script.client.caughtUp();
            script.child.exit(1);
            return { script, printed: [] };
          },
        };
        const brokenPipe =
          'Add an event listener for error to server.stdin. A write to a server that has ended causes this event, and without a listener it ends the client.';
        await together(Object.entries(ways), async ([about, way]) => {
          const { script, printed } = await way();
          if (about === 'a server that reads no more') {
            await expectEnd(run, script.client, 'The server has ended, but your client is still running.', advice);
            if (crashed(script.client)) {
              const when = 'when it wrote to a server that reads no more';
              throw new Failure({ ...explainEnd(script.client, when), advice: brokenPipe });
            }
          }
          await script.client.fails({
            withFail: true,
            code: 5,
            about,
            printed,
            advice,
            otherCode: advice,
          });
        });
      },
    );

    requirement(
      'If the server prints a line that is not a message, the client prints one line that contains the beginning of this line, ends the server, and exits with code 4.',
      async () => {
        const advice = 'Call fail with exit code 4 if a line is neither a notification nor a request nor a response.';
        const cases = [
          ['initialize', `Server ${word()} is listening`],
          ['tools/call', JSON.stringify([{ [word()]: random.integer(1, 99) }])],
        ] as const;
        await together(cases, async ([step, line]) => {
          const script = step === 'initialize' ? await begin() : await upToCall();
          if (step === 'initialize') await script.next('initialize');
          await script.print(`${line}\n`);
          await script.farewell({
            cause: 'The server printed a line that is not a message, but your client continues to wait.',
            advice,
          });
          await script.client.fails({
            withFail: true,
            code: 4,
            about: `a line that is not ${step === 'initialize' ? 'JSON' : 'a message'}`,
            has: [line.slice(0, 10)],
            hasName: 'the line that the server has printed',
            advice,
            otherCode: advice,
          });
        });
      },
    );
  });
});
