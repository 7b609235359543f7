import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { noTimerLeft } from '../harness/vocabulary/command-line.ts';
import {
  expectEvents,
  expectEventStream,
  missingEvent,
  parseStream,
  shownEvent,
  unfinishedEvent,
  untilStreamEnds,
  type StreamEvent,
} from '../harness/vocabulary/event-stream.ts';
import { curl, expectHeader, expectStatus, finished, received, release, workMs } from '../harness/vocabulary/http.ts';
import { look } from '../harness/vocabulary/value.ts';
import { fromJson, isObject } from '../harness/wire/json.ts';
import type { Ask, Exchange } from '../harness/wire/exchange.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  /** A quiet interval in milliseconds that no run takes, and one that is over again and again during the work. */
  const neverMs = 60_000;
  const shortMs = 25;

  /** A parameter that is given twice is a list. */
  type Query = Record<string, string | readonly string[]>;
  type Event = Pick<StreamEvent, 'type' | 'data'>;

  /** Its quiet interval is never over. */
  let server: Server;
  /** Its quiet interval is short. */
  let lively: Server;

  const operations = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    mul: (a: number, b: number) => a * b,
    div: (a: number, b: number) => a / b,
  };
  const example = { a: '7', b: '5', op: 'mul' };
  const division = { ...example, b: '0', op: 'div' };
  const pathOf = (query: Query) =>
    `/calculate?${Object.entries(query)
      .flatMap(([name, value]) => [value].flat().map((one) => `${name}=${encodeURIComponent(one)}`))
      .join('&')}`;

  /** Whole numbers with one decimal, others as JavaScript writes them. */
  const decimal = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
  const event = (type: string, data: string): Event => ({ type, data });
  const info = ({ a, b, op }: { a: string; b: string; op: string }) =>
    event('info', `Calculating: ${decimal(Number(a))} ${op} ${decimal(Number(b))}`);
  const result = (data: string) => event('result', data);
  const answered = [info(example), result('35.0')];
  const withDecimal = 'Write each number with the function decimal: 7 becomes 7.0.';
  const inOrder = 'Send the event info before the work and the event result after it, and no other event.';

  /** Sends a request, and releases all work until its response has ended. */
  async function complete(to: Server, query: Query, options: Ask = {}): Promise<Exchange> {
    const stream = to.request(pathOf(query), options);
    await untilStreamEnds(to, stream);
    return stream;
  }

  task({ number: 1, title: 'Frame events', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'The server answers `GET /calculate?a=7&b=5&op=mul` with status 200 and the headers `Content-Type: text/event-stream`, `Cache-Control: no-cache, no-transform` and `X-Accel-Buffering: no`.',
      async () => {
        server = await startServer({ QUIET_INTERVAL: String(neverMs) });
        const stream = server.request(pathOf(example));
        // Status and headers may come with the first event. That the response ends is the next requirement.
        await until(() => {
          release(server.program);
          return finished(stream);
        });
        if (stream.status === undefined || stream.broken !== undefined) await untilStreamEnds(server, stream);
        expect(stream.status !== 400, {
          cause: 'Your server refused a request whose parameters are right.',
          compare: { expected: '200', received: received(stream) },
          advice: 'Look which parameter your server names. The parameter note may be missing: then it is undefined.',
          ...curl(stream, '-i'),
        });
        expectEventStream(stream);
      },
    );

    /** Looks at a stream while the server is at work. @returns false when info and result came together */
    async function infoComesFirst(): Promise<boolean> {
      const { program } = server;
      const stream = server.request(pathOf(example));
      const count = () => parseStream(stream).events.length;
      await until(() => program.held.length > 0 || count() > 0 || finished(stream), workMs);
      const late = (): Explanation => ({
        ...missingEvent(run, stream, 'info', inOrder),
        ...(stream.text === '' && {
          cause: 'Your server did not send the event info before its work was done.',
          advice: 'Write the event info with response.write before the work begins: that sends it immediately.',
        }),
      });
      const limit = program.held.length > 0 ? promptMs : workMs;
      await expectSoon(() => count() > 0 || finished(stream), late, program, limit);
      await program.caughtUp();
      const together = count() > 1;
      await until(() => program.held.length > 0 || count() > 1 || finished(stream), workMs);
      await program.caughtUp();
      const atWork = program.held.length > 0;
      const early = parseStream(stream).events.some(({ type }) => type === 'result');
      expect(!atWork || (!early && !finished(stream)), {
        cause: `Your server ${early ? 'sent the event result' : 'ended the response'} while its work was still going on.`,
        advice: early
          ? 'Write await before work(…), which returns a promise, and send the result after it.'
          : 'Write events with response.write: response.send also ends the response. Call response.end only after the result, and write await before work(…).',
        ...curl(stream),
      });
      await untilStreamEnds(server, stream);
      const [first] = parseStream(stream).events;
      const plain = first?.type === 'info' && first.data === 'Calculating: 7 mul 5';
      expectEvents(run, stream, answered, plain ? withDecimal : inOrder);
      return atWork || !together;
    }

    requirement(
      'The server sends the event `info` with the data `Calculating: 7.0 mul 5.0` before its work begins. After the work, the server sends the event `result` with the data `35.0` and ends the response.',
      async () => {
        // A busy machine may read both events of a server that waits by other means together, but not each time.
        for (const last of [false, false, true]) {
          if (await infoComesFirst()) return;
          expect(!last, {
            cause: 'Your server sent the events info and result at the same time, although there is work between them.',
            advice: 'Write info, wait for the work with await work(…), and only then write the result.',
            see: `curl -N "http://127.0.0.1:3000${pathOf(example)}"`,
          });
        }
      },
    );

    requirement(
      'The server calculates `add`, `sub`, `mul` and `div`. It writes whole numbers with one decimal (`35.0`), and all others as JavaScript writes them (`2.5`, `1e-7`, `Infinity`).',
      async () => {
        const small = () => random.integer(2, 99);
        const divisor = small();
        const pairs = [
          [small(), small()],
          [-small(), small()],
          [small() + 0.5, small() + 0.25],
          [0.1, 0.2],
          [small(), 0],
        ] as const;
        for (const [a, op, b] of [
          ...pairs.flatMap(([a, b]) => (['add', 'sub', 'mul'] as const).map((op) => [a, op, b] as const)),
          [0, 'div', small()],
          [small() * divisor, 'div', divisor],
          [small() * 2 + 1, 'div', 2],
          [small() + 0.5, 'div', 0.5],
        ] as const)
          await expectResult(String(a), op, String(b));
        // JavaScript writes small numbers with an exponent, and a result that is too big as Infinity.
        for (const [a, op, b] of [
          ['1e-7', 'mul', String(small())],
          [String(small()), 'div', '1e10'],
          ['1e3', 'sub', '1e-10'],
          ['5', 'div', '1e-10'],
          ['1e308', 'mul', '10'],
          ['-1e308', 'sub', '1e308'],
        ] as const)
          await expectResult(a, op, b);
      },
    );

    async function expectResult(a: string, op: keyof typeof operations, b: string): Promise<void> {
      const query = { a, b, op };
      const stream = await complete(server, query);
      expect(stream.status !== 400, {
        cause: `Your server refused ${a} ${op} ${b}, although its parameters are right.`,
        compare: { expected: '200', received: received(stream) },
        advice: 'Take each string as a number that Number(…) turns into a finite number, also 0, -7, 0.5 and 1e-7.',
        ...curl(stream, '-i'),
      });
      const { events } = parseStream(stream);
      const error = events.find(({ type }) => type === 'error');
      expect(!error, {
        cause: `Your server sent an event error for ${a} ${op} ${b}, although nothing is divided by zero.`,
        advice: 'Send the event error only if op is div and b is 0. The result Infinity is a result like others.',
        ...curl(stream),
      });
      // JavaScript writes a very big whole number with an exponent, and a server may write .0 behind it.
      const sent = events.find(
        ({ type, data }) => type === 'info' && data.replaceAll('e+308.0', 'e+308') === info(query).data,
      );
      expectEvents(
        run,
        stream,
        [sent ?? info(query), result(decimal(operations[op](Number(a), Number(b))))],
        'Make numbers of a and b with Number before you calculate, because + joins two strings. Write a number with toFixed(1) if Number.isInteger is true, and with String otherwise.',
      );
    }

    requirement(
      'If there is a parameter `note`, the server sends an event `note` with this text after `info` and before the work. Each line of the text becomes a field `data`, so no text can begin another field or event.',
      async () => {
        const [one, two, three] = random.words(3);
        const whole =
          'Write the text of the note after data: as it is, without JSON.stringify, and without replacing a part of it.';
        const empty =
          'Write a field data for each line, also for an empty line at the beginning or the end of the text.';
        const only =
          'Split the text only at \\n, \\r\\n and \\r. In a regular expression with the flag m, ^ and $ also match at other characters, such as U+2028.';
        const each = 'Split the text into its lines, and write data: before each of them.';
        const ends = 'Split the text at \\n, \\r\\n and \\r, because each of the three ends a line of an event stream.';
        const space =
          'Write one space after data:, because a client drops one space there, and leave the spaces of the text as they are.';
        const forged = () => random.integer(50, 99);
        const early = server.request(pathOf({ ...example, note: one! }));
        await until(() => server.program.held.length > 0 || finished(early), workMs);
        await server.program.caughtUp();
        const begun = () => parseStream(early).events.some(({ type }) => type === 'note');
        await expectSoon(
          () => begun() || finished(early),
          () => ({
            cause: 'Your server did not send the event note before its work.',
            advice: 'Write the event note directly after the event info, before await work(…).',
            ...curl(early),
          }),
          server.program,
        );
        await untilStreamEnds(server, early);
        const order = parseStream(early).events.map(({ type }) => type);
        expect(order[0] !== 'note', {
          cause: 'Your server sent the event note before the event info.',
          compare: { expected: 'info, note, result', received: order.join(', ') },
          advice: 'Write the event note directly after the event info, before await work(…).',
          ...curl(early),
        });
        const decoded =
          'Send the text as it is in request.query: Express has decoded it already, and a second decoding changes it.';
        for (const [note, advice] of [
          [`${one} ${two}: é世🎈 "<&+`, whole],
          [`${one} %41%0Aevent: ${two}`, decoded],
          [`100% ${one}`, decoded],
          [`${one}\\n${two}\\r`, whole],
          [`${one}\n${two}\n\n${three}`, each],
          [`${one}\n\nevent: result\ndata: ${forged()}`, each],
          [`${one}\r\n${two}`, ends],
          [`${one}\r\revent: result\rdata: ${forged()}`, ends],
          [` ${one}\n  ${two} `, space],
          [`\n${one}\n`, empty],
          [`${one}\u2028${two}`, only],
        ] as const) {
          const stream = await complete(server, { ...example, note }, { ifItThrows: { advice } });
          const wanted = event('note', note.replace(/\r\n?/g, '\n'));
          const { events } = parseStream(stream);
          expect(events.length <= 3, {
            cause: 'Your server let the text of the note begin an event of its own.',
            compare: { expected: 'info, note, result', received: events.map(({ type }) => type).join(', ') },
            advice,
            ...curl(stream),
          });
          const sent = events.find(
            ({ type, data }) =>
              type === 'note' && wanted.data.startsWith(`${data}\n`) && wanted.data.slice(data.length).trim() !== '',
          );
          expect(!sent, {
            cause:
              'Your server sent only the beginning of the note as data: a client takes its other lines for fields.',
            compare: { expected: shownEvent(wanted), received: sent ? shownEvent(sent) : '' },
            advice,
            ...curl(stream),
          });
          expectEvents(run, stream, [answered[0]!, wanted, answered[1]!], advice);
        }
      },
    );

    requirement(
      'If two clients ask at the same time, each of them gets its own `info`, `note` and `result`.',
      async () => {
        const { program } = server;
        const [one, two] = random.words(2);
        const queries = [
          { a: String(random.integer(2, 99)), b: String(random.integer(2, 99)), op: 'add', note: one! },
          { a: String(random.integer(2, 99)), b: String(random.integer(2, 99)), op: 'mul', note: two! },
        ];
        const streams: Exchange[] = [];
        for (const [i, query] of queries.entries()) {
          const stream = server.request(pathOf(query), { who: `client ${i + 1}` });
          streams.push(stream);
          await until(() => program.held.length > i || finished(stream), workMs);
        }
        // The second client's work is done first.
        program.held.at(-1)?.release();
        for (const stream of [...streams].reverse()) await untilStreamEnds(server, stream);
        for (const [i, query] of queries.entries()) {
          const { a, b, op, note } = query;
          const value = operations[op as keyof typeof operations](Number(a), Number(b));
          expectEvents(
            run,
            streams[i]!,
            [info(query), event('note', note), result(decimal(value))],
            'Keep the parameters in constants of the handler. A variable outside of the handler belongs to all requests.',
          );
        }
      },
    );
  });

  task({ number: 2, title: 'Say what went wrong', file: 'server.ts' }, () => {
    /** A request with this query is refused because of this parameter. */
    async function expectRefused(query: Query, parameter: string, advice: string): Promise<void> {
      const answer = await complete(server, query, {
        ifItThrows: {
          advice: `${advice} Do not throw an error for a wrong parameter, because Express answers with status 500 then.`,
        },
      });
      const { see } = curl(answer, '-i');
      const streams = /event-stream/i.test(answer.headers['content-type'] ?? '');
      expectStatus(answer, 400, {
        cause:
          streams && answer.status === 200
            ? `Your server began a stream for ${answer.name} instead of refusing it.`
            : `Your server answered ${answer.name} with status ${answer.status} instead of refusing it.`,
        advice,
      });
      expectHeader(answer, 'Content-Type', () => !streams, 'application/json', {
        cause: 'Your server answered with status 400, but sent the body as an event stream.',
        advice: 'Check the parameters before you set the headers of the stream, and answer with response.json.',
        see,
      });
      const body = fromJson(answer.text);
      expect(isObject(body), {
        cause: `Your server answered ${answer.name} with a body that is not a JSON object.`,
        compare: { expected: `{"parameter":"${parameter}","error":"…"}`, received: received(answer) },
        advice: 'Send the body with response.json, which writes an object as JSON.',
        see,
      });
      const error = look(body, 'body', see);
      error
        .at('parameter')
        .is(
          parameter,
          'Your server refused the request without the name of the parameter that is wrong.',
          'Put the name into the property parameter of the body.',
        );
      const sentence = error.at('error');
      sentence.expect(
        typeof sentence.value === 'string' && /\S\s+\S/.test(sentence.value),
        'Your server refused the request, but did not say in a sentence what is wrong.',
        { like: '"error":"… is not …"', advice: 'Put the sentence into the property error of the body.' },
      );
    }

    requirement(
      'If `a` or `b` is missing, empty, given twice or not a finite number, the server answers 400 with a JSON body instead of a stream. In this body, `parameter` is `a` or `b`, and `error` is a sentence.',
      async () => {
        const { a, b, op } = { ...example, a: String(random.integer(2, 99)) };
        const word = random.words(1)[0]!;
        const number = 'Check a and b before the stream begins, and answer with status 400 if one is not a number.';
        const empty = "Refuse a text that is empty after trim(), because Number('') and Number(' ') are 0.";
        const rest = `Use Number, which reads the whole text or gives NaN: parseFloat reads "7${word}" as 7 and drops the rest.`;
        const finite = 'Use Number.isFinite: it is false for NaN and for Infinity.';
        const twice =
          'Ask for typeof … === "string" first: if a parameter is given twice, Express gives you an array of two strings.';
        for (const [query, parameter, advice] of [
          [{ a: word, b, op }, 'a', number],
          [{ a, b: word, op }, 'b', number],
          [{ b, op }, 'a', number],
          [{ a, op }, 'b', number],
          [{ a: '', b, op }, 'a', empty],
          [{ a, b: '', op }, 'b', empty],
          [{ a: ' ', b, op }, 'a', empty],
          [{ a, b: `7${word}`, op }, 'b', rest],
          [{ a: '1,5', b, op }, 'a', rest],
          [{ a: 'NaN', b, op }, 'a', finite],
          [{ a, b: 'Infinity', op }, 'b', finite],
          [{ a: '-Infinity', b, op }, 'a', finite],
          [{ a: '1e999', b, op }, 'a', finite],
          [{ a: [a, b], b, op }, 'a', twice],
          [{ a, b: [b, b], op }, 'b', twice],
          [{ a, b: ['', b], op }, 'b', twice],
          [{ a, b: '\t ', op }, 'b', empty],
          [{ a: `7${word}`, b, op }, 'a', rest],
          [{ a, b: '-Infinity', op }, 'b', finite],
          [{ a, b: '1e999', op }, 'b', finite],
          [{ a: [b, b], b, op }, 'a', twice],
        ] as const)
          await expectRefused(query, parameter, advice);
      },
    );

    requirement(
      'If `op` is missing, given twice or not exactly one of the four operations, the server answers 400 with a JSON body instead of a stream: `parameter` is `op` and `error` is a sentence.',
      async () => {
        const { a, b, op } = example;
        const listed = 'Look the operation up before the stream begins, and answer with status 400 if it is not there.';
        const whole =
          'Compare the whole name. A part of a name is no operation, and neither is a longer text: in /^add|sub$/, ^ belongs only to add, and $ only to sub.';
        const exactly = 'Compare the name of the operation as it is, without trim and without toLowerCase.';
        const twice =
          'Ask for typeof … === "string" first: if a parameter is given twice, Express gives you an array of two strings.';
        const inherited = (name: string) =>
          `Ask Object.hasOwn(operations, op), or keep the operations in a Map: every object inherits a property ${name}.`;
        for (const [query, parameter, advice] of [
          [{ a, b, op: random.words(1)[0]! }, 'op', listed],
          [{ a, b }, 'op', listed],
          [{ a, b, op: '' }, 'op', listed],
          [{ a, b, op: 'MUL' }, 'op', exactly],
          [{ a, b, op: ' add' }, 'op', exactly],
          [{ a, b, op: 'Div' }, 'op', exactly],
          [{ a, b, op: 'adds' }, 'op', whole],
          [{ a, b, op: 'undiv' }, 'op', whole],
          [{ a, b, op: 'mu' }, 'op', whole],
          ...Object.getOwnPropertyNames(Object.prototype).map(
            (name) => [{ a, b, op: name }, 'op', inherited(name)] as const,
          ),
          [{ a, b, op: [op, 'add'] }, 'op', twice],
          [{ a, b, op: [op, op] }, 'op', twice],
        ] as const)
          await expectRefused(query, parameter, advice);
      },
    );

    requirement(
      'If `note` is given twice, the server answers 400 with a JSON body instead of a stream: `parameter` is `note` and `error` is a sentence.',
      async () => {
        const [one, two] = random.words(2);
        const advice =
          'Refuse a note that is an array: if a parameter is given twice, Express gives you an array of two strings, which has no split.';
        await expectRefused({ ...example, note: [one!, two!] }, 'note', advice);
        await expectRefused({ ...example, note: ['', one!] }, 'note', advice);
      },
    );

    requirement(
      'If `op` is `div` and `b` is 0, the server sends `info`, then an event `error` whose data contains `division by zero`, and then ends the response without the event `result`.',
      async () => {
        for (const [a, b] of [
          [random.integer(2, 99), '0'],
          [-random.integer(2, 99), '0.0'],
          [0, '0'],
          [7, '0e5'],
        ] as const) {
          const query = { a: String(a), b, op: 'div' };
          const send =
            'Send the event error, end the response, and return. When status 200 has been sent, only an event can say what went wrong.';
          const stream = await complete(server, query, { ifItThrows: { advice: send } });
          expect(stream.status !== 400, {
            cause:
              'Your server refused a division by zero with status 400, although its parameters are as they should be.',
            compare: { expected: 'the events info and error', received: received(stream) },
            advice:
              'Send the event info, and then an event error. Refuse a request only for wrong parameters, and report a failure of the work by an event.',
            ...curl(stream),
          });
          const [, second, third] = parseStream(stream).events;
          const says = second?.type === 'error' && /division by zero/i.test(second.data);
          expectEvents(
            run,
            stream,
            [info(query), event('error', says ? second.data : 'division by zero')],
            third
              ? 'End the response after the event error, without an event result.'
              : 'Compare Number(b) with 0, because 0.0 is also 0. Send the event error if it is 0: JavaScript throws no error for a division by zero, but gives Infinity or NaN.',
          );
        }
      },
    );

    requirement(
      'After a refusal with status 400, the server starts no work for this request, and its standard error stays empty. After a refusal or an event `error`, the server answers the next request.',
      async () => {
        const { program } = server;
        const word = random.words(1)[0]!;
        const twice = [word, word];
        for (const wrong of [
          { ...example, a: word },
          { ...example, op: word },
          { ...example, note: twice },
          division,
        ]) {
          await program.caughtUp();
          const works = program.workCalls;
          const printed = program.stderr.length;
          const answer = await complete(server, wrong, { failsOnPurpose: true });
          await program.caughtUp();
          const output = program.stderr.slice(printed).trim();
          const refused = answer.status === 400;
          expect(!refused || program.workCalls === works, {
            cause: 'Your server answered with status 400, but began the work of this request.',
            advice: 'Write return after the line that sends the status 400.',
            ...curl(answer, '-i'),
          });
          const threw = /^[ \t]+at /m.test(output);
          expect(!refused || output === '', {
            cause: threw
              ? 'Your server answered with status 400, but then continued and printed an error.'
              : 'Your server answered with status 400, but also printed a line on standard error.',
            output: output.split('\n').slice(0, 3).join('\n'),
            advice: threw
              ? 'Write return after the response is complete, so that no line of the handler writes to it again.'
              : 'Print nothing for a refusal: the body says to the client what is wrong, and a wrong request is no failure of the server.',
            ...curl(answer, '-i'),
          });
          expectEvents(
            run,
            await complete(server, example),
            answered,
            'Keep no variable outside of the handler that a wrong request can change.',
          );
        }
      },
    );
  });

  task({ number: 3, title: 'Stay alive', file: 'server.ts' }, () => {
    const see = 'QUIET_INTERVAL=300 npm run try lesson-2';
    const ifItThrows = {
      advice:
        'Stop the timer with clearInterval before the response ends, so that nothing writes a comment after the end.',
    };

    /** Waits until this many comments have come while the server is at work. */
    async function expectComments(stream: Exchange, count: number): Promise<void> {
      const enough = () => parseStream(stream).comments.length >= count;
      const wrong = () => parseStream(stream).events.length > 1 && parseStream(stream).comments.length === 0;
      const late = () => tooFew(stream, count);
      await expectSoon(() => enough() || finished(stream) || wrong(), late, lively.program, 2 * promptMs);
      if (!enough()) throw new Failure(late());
    }

    function tooFew(stream: Exchange, count: number): Explanation {
      const { events, comments } = parseStream(stream);
      const instead = events.find(({ type }) => type !== 'info' && type !== 'result');
      const rest = unfinishedEvent(stream);
      missing('a comment');
      if (instead) {
        return {
          cause: 'Your server sent an event instead of a comment, and every client would dispatch it.',
          compare: { expected: ': …', received: shownEvent(instead) },
          advice: 'Send a comment instead: a line that begins with a colon.',
          see,
        };
      }
      if (comments.length === 0 && rest !== '') {
        return {
          cause: 'Your server sent something in the quiet that is not a whole comment.',
          compare: { expected: ': …\\n', received: visible(rest.slice(0, 12)) },
          advice: 'Begin a comment with a colon, and end it with \\n: it is a line.',
          see,
        };
      }
      if (comments.length === 0) {
        return {
          cause: `The work took longer than QUIET_INTERVAL (${shortMs} ms), but your server sent no comment.`,
          advice:
            'Start a timer with setInterval before the work, and let it write a comment, a line that begins with a colon. process.env.QUIET_INTERVAL says how many milliseconds it waits.',
          see,
        };
      }
      return {
        cause: `The work took much longer than ${count} times QUIET_INTERVAL (${shortMs} ms), but your server sent only ${comments.length === 1 ? 'one comment' : `${comments.length} comments`}.`,
        advice:
          'Use setInterval, which calls its function each time the interval is over. setTimeout calls it only once.',
        see,
      };
    }

    requirement(
      'While the work takes longer than `QUIET_INTERVAL` milliseconds, the server sends a comment each time this interval is over.',
      async () => {
        lively = await startServer({ QUIET_INTERVAL: String(shortMs) });
        const stream = lively.request(pathOf(example), { ifItThrows });
        await expectComments(stream, 3);
        await untilStreamEnds(lively, stream);
        expectEvents(
          run,
          stream,
          answered,
          'End a comment with \\n, and write it between two events, not inside of one.',
        );
      },
    );

    requirement('The server sends no comment before the interval is over for the first time.', async () => {
      // As long as the short interval takes to be over three times, the long one is quiet.
      const quiet = server.request(pathOf({ ...example, note: random.words(1)[0]! }));
      await until(() => server.program.held.length > 0 || finished(quiet), workMs);
      const beside = lively.request(pathOf(example), { who: 'beside', ifItThrows });
      await expectComments(beside, 3);
      await server.program.caughtUp();
      await untilStreamEnds(server, quiet);
      for (const stream of [quiet, await complete(server, division)]) {
        expectEventStream(stream);
        expect(parseStream(stream).comments.length === 0, {
          cause: `Your server sent a comment before QUIET_INTERVAL (${neverMs} ms) was over.`,
          compare: { expected: '(no comment)', received: visible(/^[^]*?^:.*$/m.exec(stream.text)?.[0] ?? '') },
          advice:
            'Send the first comment when the interval is over for the first time. Do not send it together with an event. QUIET_INTERVAL is in milliseconds.',
          ...curl(stream),
        });
      }
      await untilStreamEnds(lively, beside);
      expectEvents(run, beside, answered, inOrder);
    });

    requirement(
      'When a response has ended, also after a division by zero, the server has stopped the timer of its stream.',
      async () => {
        const { program } = lively;
        const advice =
          'Stop the timer with clearInterval on each way to the end of the response, for example directly after the work.';
        for (const [query, what] of [
          [{ ...example, note: random.words(1)[0]! }, 'its response'],
          [division, 'a division by zero'],
          [{ ...example, a: 'seven' }, 'a refusal with status 400'],
        ] as const) {
          await program.caughtUp();
          const before = program.timers;
          const stream = lively.request(pathOf(query), { ifItThrows: { advice }, keepsConnection: true });
          // A timer that begins another one each time it rings has to stop the last of them.
          await until(() => parseStream(stream).comments.length >= 2 || finished(stream), workMs);
          await untilStreamEnds(lively, stream);
          const explanation = {
            cause: `A timer of your server keeps running after the end of ${what}, so there is one more for each request.`,
            advice: `${advice} A timer that keeps running keeps the memory of its request.`,
            see,
          };
          // What still waits for one last interval has time to see that it is over.
          await noTimerLeft(run, program, before, explanation, 2 * shortMs);
        }
      },
    );

    requirement(
      'If two streams are open at the same time, each of them gets comments. When one of them ends, the other one continues to get comments.',
      async () => {
        const { program } = lively;
        const streams: Exchange[] = [];
        for (const who of ['client 1', 'client 2', 'client 3']) {
          const stream = lively.request(pathOf(example), { who, ifItThrows });
          streams.push(stream);
          await until(() => program.held.length >= streams.length || finished(stream), workMs);
        }
        const counts = () => streams.map((stream) => parseStream(stream).comments.length);
        /** Each of these streams gets two more comments. */
        async function expectMore(which: number[], cause: string): Promise<void> {
          const before = counts();
          const lacks = () => which.filter((i) => counts()[i]! < before[i]! + 2 && !finished(streams[i]!));
          const late = () => {
            missing('a comment', `client ${lacks()[0]! + 1}`);
            return {
              cause,
              advice:
                'Keep the timer of a stream in a constant of the handler. A variable outside of the handler belongs to all streams, so one stream would stop the timer of another.',
              see,
              seeHow: 'in two terminals',
            };
          };
          await expectSoon(() => lacks().length === 0, late, program, 2 * promptMs);
        }
        await expectMore([0, 1, 2], 'Several streams were open, but only one of them got comments.');
        // The first ends, the others stay; then the last one ends.
        program.held[0]?.release();
        await until(() => finished(streams[0]!), workMs);
        await expectMore([1, 2], 'When one stream had ended, your server sent no more comments on another stream.');
        program.held.at(-1)?.release();
        await until(() => finished(streams[2]!), workMs);
        await expectMore([1], 'When one stream had ended, your server sent no more comments on another stream.');
        for (const stream of streams) {
          await untilStreamEnds(lively, stream);
          expectEvents(run, stream, answered, inOrder);
        }
      },
    );
  });
});
