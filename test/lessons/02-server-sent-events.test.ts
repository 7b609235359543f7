import { freePort } from '../harness/programs/ports.ts';
import { expect, Failure, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { judgedClient, noTimerLeft, type Client } from '../harness/vocabulary/command-line.ts';
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
import type { Call } from '../harness/wire/grader-server.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startClient, startGraderServer, startServer, task, until } = run;

  /** A quiet interval in milliseconds that no run takes, and one that is over again and again during the work. */
  const neverMs = 60_000;
  const shortMs = 25;

  type Query = Record<string, string>;
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
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&')}`;

  /** Whole numbers with one decimal, others as JavaScript writes them. */
  const decimal = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
  const event = (type: string, data: string): Event => ({ type, data });
  const info = ({ a, b, op }: Query) => event('info', `Calculating: ${decimal(Number(a))} ${op} ${decimal(Number(b))}`);
  const result = (data: string) => event('result', data);
  const answered = [info(example), result('35.0')];
  const lineOf = ({ type, data }: Event) => `${type}: ${data}`;
  const inOrder = 'Send the event info before the work and the event result after it, and no other event.';

  /** Sends a request, and releases all work until its response has ended. */
  async function complete(to: Server, query: Query, options: Ask = {}): Promise<Exchange> {
    const stream = to.request(pathOf(query), options);
    await untilStreamEnds(to, stream);
    return stream;
  }

  task({ number: 1, title: 'Frame events', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      '`GET /calculate?a=7&b=5&op=mul` answers 200 with `Content-Type: text/event-stream`, `Cache-Control: no-cache, no-transform` and `X-Accel-Buffering: no`.',
      async () => {
        server = await startServer({ QUIET_INTERVAL: String(neverMs) });
        const stream = server.request(pathOf(example));
        // Status and headers may come with the first event. That the response ends is the next requirement.
        await until(() => {
          release(server.program);
          return finished(stream);
        });
        if (stream.status === undefined || stream.broken !== undefined) await untilStreamEnds(server, stream);
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
        advice: 'Write await before work(…), which returns a promise, and send the result after it.',
        ...curl(stream),
      });
      await untilStreamEnds(server, stream);
      expectEvents(run, stream, answered, inOrder);
      return atWork || !together;
    }

    requirement(
      'The event `info` with the data `Calculating: 7.0 mul 5.0` is on the wire while the work is still going on; the event `result` with the data `35.0` follows when it is done, and the response ends.',
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
      '`add`, `sub`, `mul` and `div` calculate; whole numbers are written with one decimal (`35.0`), others as JavaScript writes them (`2.5`).',
      async () => {
        const small = () => random.integer(2, 99);
        const divisor = small();
        const pairs = [
          [small(), small()],
          [-small(), small()],
          [small() + 0.5, small() + 0.25],
          [0.1, 0.2],
        ] as const;
        for (const [a, op, b] of [
          ...pairs.flatMap(([a, b]) => (['add', 'sub', 'mul'] as const).map((op) => [a, op, b] as const)),
          [small() * divisor, 'div', divisor],
          [small() * 2 + 1, 'div', 2],
          [small() + 0.5, 'div', 0.5],
        ] as const) {
          const query = { a: String(a), b: String(b), op };
          expectEvents(
            run,
            await complete(server, query),
            [info(query), result(decimal(operations[op](a, b)))],
            'Make numbers of a and b with Number before you calculate, because + joins two strings. Write whole numbers with toFixed(1), and others with String.',
          );
        }
      },
    );

    requirement(
      'With `&note=…` an event `note` with that text follows `info`; each line of the text goes out as a `data:` line of its own, and nothing in it can begin another field or event.',
      async () => {
        const [one, two, three] = random.words(3);
        const whole = 'Send the text of the note as the data of the event note, whatever it says.';
        const each = 'Split the text into its lines, and write data: before each of them.';
        const ends = 'Split the text at \\n, \\r\\n and \\r, because each of the three ends a line of an event stream.';
        const space =
          'Write one space after data:, because a client drops one space there, and leave the spaces of the text as they are.';
        const forged = () => random.integer(50, 99);
        for (const [note, advice] of [
          [`${one} ${two}: é世🎈`, whole],
          [`${one}\n${two}\n\n${three}`, each],
          [`${one}\n\nevent: result\ndata: ${forged()}`, each],
          [`${one}\r\n${two}`, ends],
          [`${one}\r\revent: result\rdata: ${forged()}`, ends],
          [` ${one}\n  ${two} `, space],
        ] as const) {
          const stream = await complete(server, { ...example, note });
          const wanted = event('note', note.replace(/\r\n?/g, '\n'));
          const { events } = parseStream(stream);
          expect(events.length <= 3, {
            cause: 'Your server let the text of the note begin an event of its own.',
            compare: { expected: 'info, note, result', received: events.map(({ type }) => type).join(', ') },
            advice,
            ...curl(stream),
          });
          const sent = events.find(({ type, data }) => type === 'note' && wanted.data.startsWith(`${data}\n`));
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
  });

  task({ number: 2, title: 'Say what went wrong', file: 'server.ts' }, () => {
    /** A request with this query is refused because of this parameter. */
    async function expectRefused(query: Query, parameter: string, advice: string): Promise<void> {
      const answer = await complete(server, query);
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
      'An `a` or `b` that is missing, empty or not a number: status 400 and a JSON body whose `parameter` is its name and whose `error` is a sentence, and no stream.',
      async () => {
        const { a, b, op } = { ...example, a: String(random.integer(2, 99)) };
        const word = random.words(1)[0]!;
        const number =
          'Look at the parameters before the stream begins, and answer what is not a number with status 400.';
        const empty = "Ask for the empty text by itself, because Number('') is 0, and so is Number(' ').";
        const rest = `Use Number, which reads the whole text or gives NaN: parseFloat reads "7${word}" as 7 and drops the rest.`;
        const finite = 'Use Number.isFinite, which refuses NaN: it stands for something that is not a number.';
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
        ] as const)
          await expectRefused(query, parameter, advice);
      },
    );

    requirement('An `op` that is none of the four: the same, with the `parameter` `op`.', async () => {
      const { a, b } = example;
      const listed =
        'Look the operation up before the stream begins, and answer with status 400 when it is none of the four.';
      const inherited = (op: string) =>
        `Ask Object.hasOwn, or keep the operations in a Map: every object inherits a property ${op} from its prototype.`;
      for (const [query, advice] of [
        [{ a, b, op: random.words(1)[0]! }, listed],
        [{ a, b }, listed],
        [{ a, b, op: '' }, listed],
        ...['constructor', 'toString', '__proto__'].map((op) => [{ a, b, op }, inherited(op)] as const),
      ] as const)
        await expectRefused(query, 'op', advice);
    });

    requirement(
      'A division by zero: `info`, then an event `error` whose data says `division by zero`, no `result`, and a proper end.',
      async () => {
        for (const [a, b] of [
          [random.integer(2, 99), '0'],
          [-random.integer(2, 99), '0.0'],
          [0, '0'],
        ] as const) {
          const query = { a: String(a), b, op: 'div' };
          const send =
            'Send the event error, end the response, and return. When status 200 has been sent, only an event can say what went wrong.';
          const stream = await complete(server, query, { ifItThrows: { advice: send } });
          expect(stream.status !== 400, {
            cause:
              'Your server refused a division by zero with status 400, although its parameters are as they should be.',
            compare: { expected: 'the events info and error', received: received(stream) },
            advice: 'Send the event info, and then an event error: what goes wrong in the work itself, an event says.',
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
              : 'Ask whether b is 0 before you divide: JavaScript throws no error, but gives Infinity or NaN.',
          );
        }
      },
    );

    requirement('After any of these the server goes on serving.', async () => {
      const word = random.words(1)[0]!;
      for (const wrong of [{ ...example, a: word }, { ...example, op: word }, division]) {
        await complete(server, wrong);
        expectEvents(run, await complete(server, example), answered, 'Keep nothing of a request that went wrong.');
      }
    });
  });

  task({ number: 3, title: 'Read events', file: 'client.ts' }, () => {
    /** A client that reads a stream of the grader's. */
    type Reader = { client: Client; call: Call };
    /** What the client prints after these pieces, while it waits for the next. */
    type Step = readonly [pieces: readonly (string | Uint8Array)[], printed: string, advice: string];

    let reader: Reader;
    /** Its stream begins with a byte order mark. */
    let marked: Reader;

    async function openReader(): Promise<Reader> {
      const site = await startGraderServer('/calculate');
      const client = judgedClient(run, startClient(site.url));
      const call = await site.call(client);
      call.response.writeHead(200, { 'content-type': 'text/event-stream' });
      return { client, call };
    }

    async function expectRead({ client, call }: Reader, steps: readonly Step[]): Promise<void> {
      for (const [pieces, printed, advice] of steps) {
        for (const piece of pieces) await call.send(piece);
        if (printed === '') await client.caughtUp();
        await client.prints(printed.split('\n').slice(0, -1), {
          cause: 'Your client did not print an event, although the blank line that ends it had arrived.',
          otherwise:
            printed === ''
              ? 'Your client printed something, although no event was complete.'
              : 'Your client did not print the events that were sent, but something different.',
          advice,
        });
      }
    }

    requirement(
      '`client.ts URL` prints `type: data` for each event the moment its blank line arrives, and nothing of it before; the type of an event without the field `event` is `message`.',
      async () => {
        reader = await openReader();
        const [type, one, two, three] = random.words(4);
        const print =
          'Print the type, a colon, a space and the data. Read response.body piece by piece: response.text() waits for the end.';
        const whole = 'Keep the type and the data of an event until its blank line comes, and not until a piece ends.';
        const untyped = 'Set the type back to message at each blank line, because it ends an event.';
        const order = 'Read the fields of an event in any order.';
        const many = 'Print each event of a piece that holds several, and keep what is left for the next piece.';
        await expectRead(reader, [
          [[`event: ${type}\ndata: ${three}\n\n`], `${type}: ${three}\n`, print],
          [[`event: ${type}\ndata: ${one}\n`], '', whole],
          [['\n'], `${type}: ${one}\n`, whole],
          [[`data: ${two}\n\n`], `message: ${two}\n`, untyped],
          [[`data: ${three}\n`, `event: ${type}\n`], '', whole],
          [['\n'], `${type}: ${three}\n`, order],
          [[`data: ${one}\n\ndata: ${two}\n\ndata: thr`], `message: ${one}\nmessage: ${two}\n`, many],
          [['ee\n\n'], 'message: three\n', many],
        ]);
      },
    );

    requirement(
      'Lines may end in `\\n`, `\\r\\n` or `\\r` (one at the end of a piece may wait for the next), and the stream may be cut anywhere: between `\\r` and `\\n`, inside a field, inside a character.',
      async () => {
        const [type, one, two] = random.words(3);
        const both = 'Take the \\r of \\r\\n for a part of the line break, and not of the line.';
        const cut = 'Take \\r\\n for one line break, also when its two characters come in two pieces.';
        const lone = 'End a line at a \\r, also when no \\n follows it.';
        const field = 'Keep what comes after the last line break until the rest of its line is here.';
        const utf8 =
          'Decode with one TextDecoder and { stream: true }: it keeps the first bytes of a character for the next piece.';
        const separator =
          'Give a regular expression with . the flag s: without it, . does not match U+2028, which ends no line here.';
        const inside = (character: string): Step => {
          const bytes = Buffer.from(`data: ${one}${character}\n\n`);
          const place = bytes.length - 2 - random.integer(1, Buffer.byteLength(character) - 1);
          return [random.cut(bytes, 1, [place]), `message: ${one}${character}\n`, utf8];
        };
        await expectRead(reader, [
          [[`event: ${type}\r\ndata: ${one}\r\n\r\n`], `${type}: ${one}\n`, both],
          [[`event: ${type}\r`, `\ndata: ${one}\r`, '\n\r', '\n'], `${type}: ${one}\n`, cut],
          [[`data: ${two}\r`, `\nevent: ${type}\r\n\r\n`], `${type}: ${two}\n`, cut],
          // What a \r ends may be known only by what follows it.
          [[`event: ${type}\rdata: ${one}\r\rdata: ${two}\n`], `${type}: ${one}\n`, lone],
          [['\n'], `message: ${two}\n`, lone],
          [['ev', `ent: ${type}\nda`, `ta: ${one}`, `${two}\n`, '\n'], `${type}: ${one}${two}\n`, field],
          ...['é', '世', '🎈'].map(inside),
          [[`data: ${one}\u2028${two}\u0085\n\n`], `message: ${one}\u2028${two}\u0085\n`, separator],
        ]);
      },
    );

    requirement(
      'Several `data` fields are one text of several lines; one space after the colon is dropped, and no more; a field without a colon has an empty value.',
      async () => {
        const [type, one, two] = random.words(3);
        const join = 'Join the lines of the data with \\n.';
        const space = 'Drop one space after the colon where there is one, and nothing else: do not use trim.';
        const colon = 'End the name of the field at the first colon only.';
        const bare = 'Take data without a colon for data: with nothing after it, which is an empty line of the text.';
        const empty =
          'Print an event whose field data is empty: its data is an empty text. An empty field event is the same as no field event.';
        await expectRead(reader, [
          [[`data: ${one}\ndata: ${two}\ndata: ${one}\n\n`], `message: ${one}\n${two}\n${one}\n`, join],
          [[`event:${type}\ndata:${one}\n\n`], `${type}: ${one}\n`, space],
          [[`data:  ${one}  \ndata:\t${two}\n\n`], `message:  ${one}  \n\t${two}\n`, space],
          [[`data: ${one}: ${two}:\n\n`], `message: ${one}: ${two}:\n`, colon],
          [[`data: ${one}\ndata\ndata:\ndata: ${two}\n\n`], `message: ${one}\n\n\n${two}\n`, bare],
          [[`event: ${type}\nevent\ndata\n\n`], 'message: \n', empty],
        ]);
      },
    );

    requirement(
      'Comments, unknown fields, `id` and `retry` print nothing; a byte order mark at the beginning is skipped; an event without data is not dispatched.',
      async () => {
        const [type, one, two] = random.words(3);
        const others =
          'Read the fields event and data only, and skip each line that begins with a colon: it is a comment.';
        const noData = 'Print nothing at a blank line without data before it, and forget the type.';
        const bom =
          'Skip the bytes EF BB BF at the beginning, a byte order mark. A TextDecoder does, if it reads the stream from its first byte.';
        const unknown = [`retry: 1000`, `${one}: ${two}`, `DATA: ${two}`, `datax: ${two}`, ` data: ${two}`, two].join(
          '\n',
        );
        await expectRead(reader, [
          [[`: ${one}\n:\nid: ${random.integer(1, 99)}\n${unknown}\ndata: ${one}\n\n`], `message: ${one}\n`, others],
          [[`id: 1\ndata: ${one}\n:data: ${two}\nretry: 10\ndata: ${two}\n\n`], `message: ${one}\n${two}\n`, others],
          [[`event: ${type}\n\n\n\n: ${one}\n\nid: ${two}\n\n`], '', noData],
          [[`data: ${one}\n\n`], `message: ${one}\n`, noData],
        ]);
        marked = await openReader();
        const mark = [new Uint8Array([0xef]), new Uint8Array([0xbb, 0xbf])];
        await expectRead(marked, [[[...mark, `data: ${one}\n\n`], `message: ${one}\n`, bom]]);
      },
    );

    requirement(
      'Of an unfinished event at the end of the stream nothing is printed, and the client exits with code 0.',
      async () => {
        const [type, one, two] = random.words(3);
        const { client, call } = reader;
        const forget = 'Forget what is left when the stream ends: only a blank line completes an event.';
        await expectRead(reader, [
          [[`data: ${one}\n\nevent: ${type}\ndata: ${two}\ndata: ${one}`], `message: ${one}\n`, forget],
        ]);
        call.end();
        await client.endsWell(
          'The stream has ended',
          'Let the client end by itself when it has read the whole stream.',
        );
        await expectRead(reader, [[[], '', forget]]);
      },
    );

    requirement('Any stream, cut anywhere, prints what a reference parser reads from it.', async () => {
      const advice =
        'Compare what was sent, which the capture shows piece by piece, with what your client printed. Read it line by line, as the requirements before this one say.';
      for (let i = 0; i < 4; i++) {
        const text = randomStream();
        const { events } = parseStream({ chunks: [{ at: 0, bytes: Buffer.from(text) }], text });
        const printed = events.map((sent) => `${lineOf(sent)}\n`).join('');
        await expectRead(marked, [[random.cut(Buffer.from(text), random.integer(0, 9)), printed, advice]]);
      }
    });

    /** Lines of every kind in any order, with line breaks of every kind; the last two are blank lines. */
    function randomStream(): string {
      const [word, other] = random.words(2);
      const value = () =>
        random.pick([word, `${word} ${other}`, `é${word}世`, `🎈 ${other}`, `${word}: ${other}`, ` ${word} `, '']);
      const unknown = [`id: ${word}`, 'retry: 100', `${word}: ${other}`, `Data: ${word}`, ` data: ${word}`];
      const kinds = [
        () => '',
        () => '',
        () => `data: ${value()}`,
        () => `data: ${value()}`,
        () => `data:${value()}`,
        () => random.pick(['data', 'data:', 'event', 'event:']),
        () => `event: ${word}`,
        () => `event:${other}`,
        () => `: ${value()}`,
        () => random.pick([...unknown, `data ${word}`, word!]),
      ];
      const line = () => random.pick(kinds)() + random.pick(['\n', '\r\n', '\r']);
      return `event: ${word}\ndata: ${other}\n${Array.from({ length: random.integer(12, 24) }, line).join('')}\n\n`;
    }

    requirement(
      'An answer other than 2xx, a refused connection and a stream that breaks off: one line on standard error, exit code 1, and what came before is printed.',
      async () => {
        const [one, two] = random.words(2);
        const status = random.pick([400, 404, 429, 500, 503]);
        const site = await startGraderServer('/calculate');
        const failing = judgedClient(run, startClient(site.url));
        const refused = judgedClient(run, startClient(`http://127.0.0.1:${await freePort()}/calculate`));
        const code = { code: 1, otherCode: 'Set process.exitCode = 1 where you handle the error.' };

        const answer = await site.call(failing);
        answer.response.writeHead(status, { 'content-type': 'text/event-stream' });
        await answer.send(`data: ${one}\n\n`);
        answer.end();
        await failing.fails({
          ...code,
          about: `an answer with status ${status}`,
          advice: 'Look at response.ok before you read the body: fetch rejects only when there is no answer.',
        });
        await refused.fails({
          ...code,
          about: 'a refused connection',
          advice: 'Catch the error of fetch, and say what happened with console.error.',
        });

        const { client, call } = await openReader();
        const advice = 'Print each event when it comes, and catch the error of the stream after that.';
        await expectRead({ client, call }, [[[`data: ${one}\n\ndata: ${two}\n`], `message: ${one}\n`, advice]]);
        call.breakOff();
        await client.fails({ ...code, about: 'a stream that breaks off', printed: [`message: ${one}`], advice });
      },
    );
  });

  task({ number: 4, title: 'Stay alive', file: 'server.ts' }, () => {
    const see = 'QUIET_INTERVAL=300 npm run try lesson-2';

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
            'Start a timer that writes a comment, a line that begins with a colon, while the work goes on. process.env.QUIET_INTERVAL says how many milliseconds it waits.',
          see,
        };
      }
      return {
        cause: `The work took much longer than ${count} times QUIET_INTERVAL (${shortMs} ms), but your server sent only ${comments.length === 1 ? 'one comment' : `${comments.length} comments`}.`,
        advice: 'Use setInterval, which rings each time the interval is over: setTimeout rings once.',
        see,
      };
    }

    requirement(
      'While the work takes longer than `QUIET_INTERVAL` milliseconds, a comment goes out each time the interval is over.',
      async () => {
        lively = await startServer({ QUIET_INTERVAL: String(shortMs) });
        const stream = lively.request(pathOf(example));
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

    requirement(
      'No comment before the interval is over, between two events that follow each other at once, or after the end: no timer outlives its response.',
      async () => {
        const { program } = lively;
        const advice =
          'Clear the timer on each way to the end of the response, with clearInterval in a finally block for example.';
        for (const query of [example, division]) {
          await program.caughtUp();
          const before = program.timers;
          await complete(lively, query, { ifItThrows: { advice } });
          const explanation = {
            cause: `A timer of your server keeps running after the end of ${query === division ? 'a division by zero' : 'its response'}, so there is one more for each request.`,
            advice: `${advice} A timer that keeps running keeps the memory of its request.`,
            see,
          };
          // What still waits for one last interval has time to see that it is over.
          await noTimerLeft(run, program, before, explanation, 2 * shortMs);
        }

        // As long as the short interval takes to be over three times, the long one is quiet.
        const quiet = server.request(pathOf({ ...example, note: random.words(1)[0]! }));
        await until(() => server.program.held.length > 0 || finished(quiet), workMs);
        const beside = lively.request(pathOf(example), { who: 'beside' });
        await expectComments(beside, 3);
        await server.program.caughtUp();
        await untilStreamEnds(server, quiet);
        for (const stream of [quiet, await complete(server, division)]) {
          expectEventStream(stream);
          expect(parseStream(stream).comments.length === 0, {
            cause: `Your server sent a comment before QUIET_INTERVAL (${neverMs} ms) was over.`,
            compare: { expected: '(no comment)', received: visible(/^[^]*?^:.*$/m.exec(stream.text)?.[0] ?? '') },
            advice:
              'Send the first comment when the interval is over for the first time, and not with an event. QUIET_INTERVAL is in milliseconds.',
            ...curl(stream),
          });
        }
        await untilStreamEnds(lively, beside);
        expectEvents(run, beside, answered, inOrder);
      },
    );

    requirement(
      'Your `client.ts` prints `info` and `result` of your `server.ts`, and nothing else, whatever comments come between.',
      async () => {
        const { program, url, request } = lively;
        const client = judgedClient(run, startClient(new URL(pathOf(example), url).href));
        const cause = 'Your client did not print the event info of your server while the server was at work.';
        const otherwise = 'Your client did not print the two events of your server, but something different.';
        const advice = 'Print each event when its blank line has arrived, and skip the comments between the events.';
        const begun = () => client.end || client.stdout !== '';
        await expectSoon(begun, () => ({ cause, advice }), client, 2 * workMs);
        // Where comments come to the grader, they come to the client too.
        await expectComments(request(pathOf(example), { who: 'beside' }), 2);
        await until(() => {
          release(program);
          return client.end;
        }, workMs);
        await client.endsWell('The server has ended the stream', advice);
        await client.prints(answered.map(lineOf), { cause, otherwise, advice });
      },
    );
  });
});
