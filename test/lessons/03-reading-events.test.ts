import { freePort } from '../harness/programs/ports.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expectEnd, judgedClient, type Client } from '../harness/vocabulary/command-line.ts';
import { parseStream, type StreamEvent } from '../harness/vocabulary/event-stream.ts';
import { expectHeader, release, workMs } from '../harness/vocabulary/http.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import { visible } from '../harness/wire/printable.js';

export default grader((run) => {
  const { expectSoon, note, random, requirement, startClient, startClientWith, startGraderServer, startServer } = run;
  const { task, until } = run;

  /** A client that reads a stream of the grader's. */
  type Reader = { client: Client; call: Call };
  /** What the client prints after these pieces, while it waits for the next. */
  type Step = readonly [
    pieces: readonly (string | Uint8Array)[],
    printed: string,
    advice: string | ((received: string) => string),
  ];

  const lineOf = ({ type, data }: Pick<StreamEvent, 'type' | 'data'>) => `${type}: ${data}`;

  /** Starts a client, and answers its request with these status and headers; the body is still to come. */
  async function openReader(
    { status = 200, type = 'text/event-stream' as string | null } = {},
    env: Record<string, string> = {},
    limit = promptMs,
  ): Promise<Reader> {
    const site = await startGraderServer('/calculate');
    const client = judgedClient(run, startClientWith(env, site.url), undefined, limit);
    const call = await site.call(client);
    call.response.writeHead(status, type === null ? {} : { 'content-type': type });
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
            : 'Your client printed something different from the events that were sent.',
        advice,
      });
    }
  }

  task({ number: 1, title: 'Turn lines into events', file: 'client.ts' }, () => {
    let reader: Reader;

    requirement(
      'When the blank line of an event arrives, `client.ts URL` prints `type: data` for this event immediately. Before the blank line, the client prints nothing of the event.',
      async () => {
        reader = await openReader();
        const [type, one, two, three] = random.words(4);
        const print =
          'Print the type, a colon, a space and the data at the blank line. Keep the fields until then, and print no field by itself.';
        const first = (received: string) =>
          received === ''
            ? 'Read each piece when it arrives, and print the event at its blank line. Declare the type and the data outside of readLine, so that they are kept from one line to the next. If you have begun task 2, also empty the unfinished line when it is complete.'
            : received === `${type}: ${three}\n\n`
              ? 'Write a line break only between two values: join the values with \\n at the blank line, and do not add \\n to each value.'
              : print;
        const whole =
          'Keep the type and the data of an event until its blank line arrives, and not until a piece ends.';
        const empty = (received: string) =>
          received.includes(three!)
            ? 'Empty the list of data at each blank line: the data belongs to one event only.'
            : whole;
        const order = 'Read the fields of an event in any order: data may come before event.';
        const many = 'Print each event of a piece that has several.';
        await expectRead(reader, [
          [[`event: ${type}\ndata: ${three}\n\n`], `${type}: ${three}\n`, first],
          [[`event: ${type}\ndata: ${one}\n`], '', whole],
          [['\n'], `${type}: ${one}\n`, empty],
          [[`data: ${three}\n`, `event: ${type}\n`], '', whole],
          [['\n'], `${type}: ${three}\n`, order],
          [
            [`event: ${type}\ndata: ${one}\n\nevent: error\ndata: ${two}\n\nevent: ${type}\n`],
            `${type}: ${one}\nerror: ${two}\n`,
            many,
          ],
          [[`data: ${three}\n\n`], `${type}: ${three}\n`, many],
        ]);
      },
    );

    requirement(
      'If an event has no field `event`, or an empty one, the client prints `message` as its type, whatever the type of the previous event was.',
      async () => {
        const [type, one, two, three] = random.words(4);
        const untyped = 'Set the type back to message at each blank line, because a type belongs to one event only.';
        const empty = 'Print message as the type if the last field event of this event is empty.';
        const last = 'Print the last type, if an event has several fields event.';
        await expectRead(reader, [
          [[`data: ${one}\n\n`], `message: ${one}\n`, untyped],
          [[`event: ${type}\ndata: ${one}\n\ndata: ${two}\n\n`], `${type}: ${one}\nmessage: ${two}\n`, untyped],
          [[`event: ${type}\n\ndata: ${three}\n\n`], `message: ${three}\n`, untyped],
          [[`event:\ndata: ${one}\n\n`], `message: ${one}\n`, empty],
          [[`event: ${type}\nevent: \ndata: ${two}\n\n`], `message: ${two}\n`, empty],
          [[`event: ${type}\nevent: toString\ndata: ${two}\n\n`], `toString: ${two}\n`, last],
        ]);
      },
    );

    requirement(
      'If an event has several fields `data`, the client joins their values with one line break between two values.',
      async () => {
        const [type, one, two] = random.words(3);
        const join = 'Keep each value of the field data, and join them with \\n when you print the event.';
        const between =
          'Write a line break only between two values, not before the first value or after the last value.';
        await expectRead(reader, [
          [[`data: ${one}\ndata: ${two}\ndata: ${one}\n\n`], `message: ${one}\n${two}\n${one}\n`, join],
          [[`data: ${one}\nevent: ${type}\n`, `data: ${two}\n\n`], `${type}: ${one}\n${two}\n`, join],
          [[`data:\ndata: ${one}\ndata:\ndata:\n\n`], `message: \n${one}\n\n\n`, between],
          [[`data: ${one}\\n${two}\ndata: ${one}\n\n`], `message: ${one}\\n${two}\n${one}\n`, join],
        ]);
      },
    );

    requirement(
      'The name of a field ends at the first colon of its line. The client drops one space after this colon and keeps every other character of the value.',
      async () => {
        const [type, one, two] = random.words(3);
        const space =
          'Drop only the first space after the colon. Do not use trim, because it drops all spaces at both ends.';
        const colon = 'Look for the first colon with line.indexOf(":"), because a value may have colons too.';
        await expectRead(reader, [
          [[`event:${type}\ndata:${one}\n\n`], `${type}: ${one}\n`, space],
          [[`data:  ${one}  \ndata:\t${two}\n\n`], `message:  ${one}  \n\t${two}\n`, space],
          [[`event:  ${type} \ndata: ${two}\n\n`], ` ${type} : ${two}\n`, space],
          [[`data: ${one}: ${two}:\ndata::\ndata: :${one}\n\n`], `message: ${one}: ${two}:\n:\n:${one}\n`, colon],
          [[`event: ${type}:${one}\ndata: ${two}\n\n`], `${type}:${one}: ${two}\n`, colon],
        ]);
      },
    );

    requirement(
      'If a line has no colon, the client takes the whole line as the name of a field with an empty value.',
      async () => {
        const [type, one, two] = random.words(3);
        const bare = 'If line.indexOf(":") is -1, take the whole line as the name and the empty string as the value.';
        const whole =
          'A line without a colon is the name of a field from its first to its last character: compare this name with data and event, and skip the line if it is different.';
        await expectRead(reader, [
          [[`data: ${one}\ndata\ndata: ${two}\n\n`], `message: ${one}\n\n${two}\n`, bare],
          [[`event: ${type}\nevent\ndata: ${two}\n\n`], `message: ${two}\n`, bare],
          [[`${type}\ndata ${two}\nevent ${one}\ndata: ${one}\n\n`], `message: ${one}\n`, whole],
        ]);
      },
    );

    requirement(
      'The client ignores comments, the fields `id` and `retry`, and fields with any other name: they change no event.',
      async () => {
        const [type, one, two] = random.words(3);
        const others =
          'Read only the fields whose names are exactly event and data, and skip all other lines. A comment begins with a colon.';
        const spaces = (received: string) =>
          received.includes('message')
            ? 'Dispatch the event only at a line that has no character at all: a line of spaces is a field, so compare the line with the empty string and do not use trim.'
            : 'A space before the colon belongs to the name of the field, so compare the name with data and event as it is, without trim.';
        const unknown = [`retry: 1000`, `${one}: ${two}`, `DATA: ${two}`, `datax: ${two}`, ` data: ${two}`, two].join(
          '\n',
        );
        await expectRead(reader, [
          [[`: ${one}\n:\nid: ${random.integer(1, 99)}\n${unknown}\ndata: ${one}\n\n`], `message: ${one}\n`, others],
          [[`id: 1\ndata: ${one}\n:data: ${two}\nretry: 10\ndata: ${two}\n\n`], `message: ${one}\n${two}\n`, others],
          [[`event: ${type}\n: data: ${two}\nid\nretry:\ndata ${two}\ndata: ${one}\n\n`], `${type}: ${one}\n`, others],
          [[`__proto__: ${two}\nconstructor: ${two}\ntype: ${two}\ndata: ${one}\n\n`], `message: ${one}\n`, others],
          [[`event: ${type}\ndata: ${one}\n \ndata : ${two}\ndata: ${two}\n\n`], `${type}: ${one}\n${two}\n`, spaces],
        ]);
      },
    );

    requirement(
      'The client skips an event without a field `data`. If the only field `data` of an event is empty, the client prints the type with empty data.',
      async () => {
        const [type, one, two] = random.words(3);
        const noData = 'Print nothing at a blank line if no field data has come since the last blank line.';
        const empty =
          'Ask whether there was a field data, and not whether its value is empty: the event data: has the empty string as its data.';
        await expectRead(reader, [
          [[`event: ${type}\n\n\n\n: ${one}\n\nid: ${two}\n\n`], '', noData],
          [[`data: ${one}\n\n\n\n`], `message: ${one}\n`, noData],
          [[`event: ${type}\ndata:\n\n`], `${type}: \n`, empty],
          [[`data:\n\ndata: \n\n`], 'message: \nmessage: \n', empty],
        ]);
      },
    );
  });

  task({ number: 2, title: 'Take pieces that are cut anywhere', file: 'client.ts' }, () => {
    let reader: Reader;
    /** Its stream begins with a byte order mark. */
    let marked: Reader;

    requirement(
      'If the stream is cut inside a line or inside a character, the client prints the same events as without the cut.',
      async () => {
        reader = await openReader();
        const [type, one, two] = random.words(3);
        const field = 'Keep the text after the last line break of a piece, and put it in front of the next piece.';
        const utf8 =
          'Decode with one TextDecoder and { stream: true }: it keeps the first bytes of a character for the next piece.';
        const inside = (character: string): Step => {
          const bytes = Buffer.from(`data: ${one}${character}\n\n`);
          const place = bytes.length - 2 - random.integer(1, Buffer.byteLength(character) - 1);
          return [random.cut(bytes, 1, [place]), `message: ${one}${character}\n`, utf8];
        };
        await expectRead(reader, [
          [[`data: ${one}\n\ndata: ${two}\n\ndata: thr`], `message: ${one}\nmessage: ${two}\n`, field],
          [['ee\n\n'], 'message: three\n', field],
          [['ev', `ent: ${type}\nda`, `ta: ${one}`, `${two}`, '\n', '\n'], `${type}: ${one}${two}\n`, field],
          [[...`data: ${one}\n\n`], `message: ${one}\n`, field],
          ...['é', '世', '🎈'].map(inside),
        ]);
      },
    );

    requirement(
      'The client takes `\\n`, `\\r\\n` and `\\r` as line breaks, and no other character. If a piece ends with `\\r` and the next piece begins with `\\n`, the two are one line break.',
      async () => {
        const [type, one, two] = random.words(3);
        const both = 'Take the \\r of \\r\\n for a part of the line break, and not for a part of the line.';
        const cut =
          'Remember that a piece has ended with \\r. If the next piece begins with \\n, drop this \\n: it belongs to the same line break. Look at what you have remembered of the last piece before you set it for this piece.';
        const once = 'Drop only one \\n after a \\r. Then forget the \\r, also if the piece has nothing but this \\n.';
        const lone = 'End a line at \\r, also if no \\n follows it.';
        const other =
          'Split at \\r\\n, \\r and \\n only: no other character ends a line. In a regular expression, . matches no U+2028 unless the flag s is set, so indexOf and slice are safer.';
        await expectRead(reader, [
          [[`event: ${type}\r\ndata: ${one}\r\n\r\n`], `${type}: ${one}\n`, both],
          [[`event: ${type}\r`, `\ndata: ${one}\r`, '\n\r', '\n'], `${type}: ${one}\n`, cut],
          [[`data: ${two}\r`, `\nevent: ${type}\r\n\r\n`], `${type}: ${two}\n`, cut],
          [[`data: ${one}\r`, '\n', '\n'], `message: ${one}\n`, once],
          // A client may wait for the character after a \r before it ends the line.
          [[`event: ${type}\rdata: ${one}\r\rdata: ${two}\n`], `${type}: ${one}\n`, lone],
          [['\n'], `message: ${two}\n`, lone],
          [[`data: ${one}\r`, `\r\ndata: ${two}\r`, `\r:\n`], `message: ${one}\nmessage: ${two}\n`, lone],
          [[`data: ${one}\n\r`, `data: ${two}\r\n\n`], `message: ${one}\nmessage: ${two}\n`, lone],
          [[`data: ${one}\v${two}\f\u0085\u2028\u2029.\n\n`], `message: ${one}\v${two}\f\u0085\u2028\u2029.\n`, other],
        ]);
      },
    );

    requirement(
      'If the stream begins with a byte order mark (the bytes `EF BB BF`), the client skips this mark, also if the stream is cut inside of it.',
      async () => {
        const [one, two] = random.words(2);
        const bom =
          'Decode the stream from its first byte with one TextDecoder and { stream: true }. It skips the bytes EF BB BF, a byte order mark.';
        const first = 'Skip the mark at the beginning of the stream only: later, it is a character like any other.';
        marked = await openReader();
        const mark = [new Uint8Array([0xef]), new Uint8Array([0xbb, 0xbf])];
        await expectRead(marked, [
          [[...mark, `data: ${one}\n\n`], `message: ${one}\n`, bom],
          [[`\ufeffdata: ${one}\ndata: ${two}\n\n`], `message: ${two}\n`, first],
        ]);
      },
    );

    requirement(
      'If the stream ends in the middle of an event, the client prints nothing of that event and exits with code 0.',
      async () => {
        const [type, one, two] = random.words(3);
        const forget = 'Print nothing when the stream ends: only a blank line completes an event.';
        for (const [i, rest] of [
          `event: ${type}\ndata: ${two}\ndata: ${one}`,
          `event: ${type}\ndata: ${two}\n`,
          Buffer.from(`data: ${two}é`).subarray(0, -1),
        ].entries()) {
          const ending = i === 0 ? reader : await openReader();
          const { client, call } = ending;
          await expectRead(ending, [[[`data: ${one}\n\n`, rest], `message: ${one}\n`, forget]]);
          call.end();
          await client.endsWell(
            'The stream has ended',
            'Let the client end by itself when it has read the whole stream.',
          );
          await expectRead(ending, [[[], '', forget]]);
        }
      },
    );

    requirement(
      'For any stream, cut anywhere, the client prints the events that a reference parser reads from it.',
      async () => {
        const advice =
          'Compare what was sent, which the capture shows piece by piece, with what your client printed. Look for the first event that differs, and for the rule in the requirements above that its lines need.';
        for (let i = 0; i < 4; i++) {
          const text = randomStream();
          const { events } = parseStream({ chunks: [{ at: 0, bytes: Buffer.from(text) }], text });
          const printed = events.map((sent) => `${lineOf(sent)}\n`).join('');
          await expectRead(marked, [[random.cut(Buffer.from(text), random.integer(0, 9)), printed, advice]]);
        }
        const wrong =
          'Leave out the option fatal of TextDecoder. Without it, the decoder puts U+FFFD in the place of a wrong byte, and your client continues to read.';
        await expectRead(marked, [[[Buffer.from('data: a\xffb\n\n', 'latin1')], 'message: a\ufffdb\n', wrong]]);
      },
    );

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
      'If one event arrives in thousands of pieces, the client reads it about as fast as many short events with the same number of characters in all.',
      async () => {
        const env = { LONGEST_EVENT: String(64 * 1024 ** 2) };
        const { client, call } = await openReader({}, env, 5 * workMs);
        const comment = 6 * 1024 ** 2;
        const lines = 30_000;
        const line = 'data: x\n';

        /** Sends `count` events of this text in small pieces, and returns the milliseconds of processor time that the client takes to print them. */
        async function workFor(text: string, count: number, printed: string): Promise<number> {
          const whole = text.repeat(count);
          note('←', `(${count === 1 ? 'one event' : `${count} events`}, ${whole.length} characters in pieces of 1460)`);
          await client.caughtUp();
          const before = client.processorTime;
          for (let at = 0; at < whole.length; at += 1460) call.response.write(whole.slice(at, at + 1460));
          await client.prints(printed.repeat(count).split('\n').slice(0, -1), {
            cause: 'Your client did not print all events of a long stream.',
            otherwise: 'Your client printed something different from the events of a long stream.',
            advice: 'Keep the lines of an event until its blank line arrives, however many there are.',
          });
          await client.caughtUp();
          return client.processorTime - before;
        }

        // A client that reads a line again for each piece does seven times the work for one long line. For a right client,
        // one event is less work than many. The shorter lines are long too, because long texts cost memory.
        const tooMuch = 4;
        for (const [what, text, printed, parts, advice] of [
          [
            'a line of 6 million characters',
            (share: number) => `:${'x'.repeat(comment / share)}\ndata: x\n\n`,
            () => 'message: x\n',
            16,
            'Keep the pieces of an unfinished line in an array, and join them once, when the line break has arrived. A text that grows with += and is searched again is read from its beginning for each piece.',
          ],
          [
            `an event of ${lines} lines`,
            (share: number) => `${line.repeat(lines / share)}\n`,
            (share: number) => `message: ${'x\n'.repeat(lines / share)}`,
            300,
            'Add each value of data to an array with push, and join them once, at the blank line.',
          ],
        ] as const) {
          const short = await workFor(text(parts), parts, printed(parts));
          const ratio = (await workFor(text(1), 1, printed(1))) / short;
          expect(ratio <= tooMuch, {
            cause: `Your client read ${what}, but needed much longer than for the same characters in ${parts} shorter events.`,
            advice,
          });
        }
      },
    );

    requirement(
      'If an event has more than `LONGEST_EVENT` characters, the client does not wait for its end: it prints one line on standard error and exits with code 1. Each blank line sets the count back to 0, also the blank line after a comment.',
      async () => {
        const [type, word] = random.words(2);
        const limit = random.integer(300, 600);
        const env = { LONGEST_EVENT: String(limit) };
        const short = `: ${word}\nevent: ${type}\ndata: ${word!.repeat(Math.floor(limit / 2 / word!.length) - 6)}`;
        const count = 'Count the characters since the last blank line, and set the count back to 0 at each blank line.';
        const eachPart =
          'A piece can have several events: count each part of a line when you keep it, and not the whole piece before you have read its blank lines.';
        const quiet =
          'Set the count back to 0 at each blank line, also if no event is dispatched there: comments keep a quiet stream open for hours.';
        const advice =
          'Count the characters that have come since the last blank line, those of the unfinished line included. Throw an error when there are more than longestEvent.';
        for (const [about, piece] of [
          ['a line that is longer than LONGEST_EVENT', `data: ${word} ${word}`],
          ['an event of many lines that is longer than LONGEST_EVENT', `data: ${word}\n`],
        ] as const) {
          const reader = await openReader({}, env);
          const printed = `${type}: ${short.slice(short.indexOf('data: ') + 6)}`;
          for (let i = 0; i < 4; i++) await expectRead(reader, [[[`${short}\n\n`], `${printed}\n`, count]]);
          await expectRead(reader, [[[`${short}\n\n`.repeat(4)], `${printed}\n`.repeat(4), eachPart]]);
          const comments = `: ${word}\n\n`;
          for (let sent = 0; sent <= 2 * limit && !reader.client.end; sent += comments.length)
            await reader.call.send(comments);
          await expectRead(reader, [[[`${short}\n\n`], `${printed}\n`, quiet]]);
          for (let sent = 0; sent <= 5 * limit && !reader.client.end; sent += piece.length * 3)
            await reader.call.send(piece.repeat(3));
          await expectEnd(run, reader.client, `Your client continued to read ${about}.`, advice);
          await reader.client.fails({ code: 1, about, printed: Array.from({ length: 9 }, () => printed), advice });
        }
      },
    );
  });

  task({ number: 3, title: 'Refuse everything else', file: 'client.ts' }, () => {
    /**
     * A client that has an answer which is not an event stream, and has printed nothing of it.
     * @param about what it has: `an answer with status 404`
     * @param open keeps the connection open
     */
    async function refusing(
      answer: { status?: number; type?: string | null },
      about: string,
      open: boolean,
      advice: string,
    ): Promise<Client> {
      const { client, call } = await openReader(answer);
      // It reads like an event, so a client that does not look at the status or the type prints it.
      await call.send(`data: ${random.words(1)[0]!}\n\n`);
      if (!open) call.end();
      await client.caughtUp();
      expect(client.stdout === '', {
        cause: `Your client printed ${about} instead of refusing it.`,
        compare: { expected: '(nothing)', received: visible(client.stdout) },
        advice,
      });
      return client;
    }

    requirement('The client sends a GET request with the header `Accept: text/event-stream`.', async () => {
      const { call } = await openReader();
      const { method, headers } = call.request;
      expect(method === 'GET', {
        cause: 'Your client did not ask with the method GET.',
        compare: { expected: 'GET', received: String(method) },
        advice: 'Leave the option method of fetch out: the method is then GET.',
      });
      const accepts = (value: string) => /^text\/event-stream\s*(;[^,]*)?$/i.test(value.trim());
      expectHeader({ headers }, 'Accept', accepts, 'text/event-stream', {
        cause: 'Your client did not say in the header Accept that it wants an event stream.',
        advice:
          "Give fetch the option headers: { Accept: 'text/event-stream' }. Some servers answer other clients with an error, or with a different type.",
      });
    });

    requirement(
      'If the status is not 2xx, the client prints only one line, on standard error and with the status. It exits with code 1, even if the server keeps the connection open.',
      async () => {
        const answers: { status: number; type?: string }[] = [
          { status: 404 },
          { status: 300 },
          { status: 503 },
          { status: 502, type: 'text/html' },
        ];
        for (const [i, { status, type }] of answers.entries()) {
          const about = `an answer with status ${status}${type ? ` and the Content-Type ${type}` : ''}`;
          const advice =
            'Look at response.ok before you read the body, and throw an error with the status if it is false: fetch rejects only if no answer comes.';
          const client = await refusing({ status, type }, about, i > 0, advice);
          await expectEnd(run, client, `Your client is still running after ${about}.`, stays);
          await client.fails({
            code: 1,
            about,
            has: [status],
            hasName: 'the status',
            ...(type && {
              hasAdvice:
                'Look at the status before the Content-Type: an error page has a Content-Type of its own, but only the status says what went wrong.',
            }),
            otherCode: exitCode,
            advice,
          });
        }
      },
    );

    requirement(
      'If the `Content-Type` is missing or different from `text/event-stream`, the client prints only one line, on standard error, and exits with code 1.',
      async () => {
        const types = ['text/html; charset=utf-8', null, 'text/plain', 'text/event-stream+json'];
        for (const [i, type] of types.entries()) {
          const about = type === null ? 'an answer without a Content-Type' : `an answer of the type ${type}`;
          const advice =
            type === 'text/event-stream+json'
              ? 'Compare the whole media type, which is the part before the first semicolon: text/event-stream+json is a different type, although text/event-stream is a part of it.'
              : "Compare the media type in response.headers.get('Content-Type') with text/event-stream before you read the body, and throw an error if it is different.";
          const client = await refusing({ type }, about, i > 0, advice);
          await expectEnd(run, client, `Your client is still running after ${about}.`, stays);
          await client.fails({ code: 1, about, otherCode: exitCode, advice });
        }
      },
    );

    requirement(
      'If the `Content-Type` is `text/event-stream` in capital letters or with a parameter such as `charset=utf-8`, the client reads the stream.',
      async () => {
        const advice =
          'Compare only the part before the first semicolon: remove the spaces around it with trim(), and make lower case of it with toLowerCase().';
        for (const type of ['Text/Event-Stream', 'text/event-stream ; charset="UTF-8"']) {
          const { client, call } = await openReader({ type });
          const word = random.words(1)[0]!;
          await call.send(`data: ${word}\n\n`);
          const cause = `Your client did not read an event stream with the Content-Type ${type}.`;
          await client.prints([`message: ${word}`], { cause, otherwise: cause, advice });
        }
      },
    );

    requirement(
      'If the server cannot be reached, or if the connection breaks before the stream has ended, the client prints one line on standard error and exits with code 1. Of the events, it has printed only the complete ones.',
      async () => {
        const [one, two] = random.words(2);
        const refused = judgedClient(run, startClient(`http://127.0.0.1:${await freePort()}/calculate`));
        await refused.fails({
          code: 1,
          about: 'a refused connection',
          otherCode: exitCode,
          advice: 'Catch the error of fetch, and say what happened with console.error.',
        });
        for (const rest of [`data: ${two}\n`, `data: ${two}`]) {
          const { client, call } = await openReader();
          const advice = 'Print each event when it comes, and catch the error of the stream after that.';
          await expectRead({ client, call }, [[[`data: ${one}\n\n${rest}`], `message: ${one}\n`, advice]]);
          call.breakOff();
          await client.fails({
            code: 1,
            about: 'a stream that breaks off',
            printed: [`message: ${one}`],
            otherCode: exitCode,
            advice,
          });
        }
      },
    );

    requirement(
      'If `client.ts` reads `/calculate` of your `server.ts`, it prints the events `info` and `result` and nothing of the comments between them.',
      async () => {
        const { program, url, request } = await startServer({ QUIET_INTERVAL: '25' });
        const path = '/calculate?a=7&b=5&op=mul';
        const client = judgedClient(run, startClient(new URL(path, url).href));
        const cause = 'Your client did not print the event info of your server while the server was at work.';
        const otherwise = 'Your client printed something different from the two events of your server.';
        const advice = 'Print each event when its blank line has arrived, and skip the comments between the events.';
        await expectSoon(
          () => client.end || client.stdout !== '',
          () => ({ cause, advice }),
          client,
          2 * workMs,
        );
        // When comments come to the grader, they come to the client too.
        const beside = request(path, { who: 'beside' });
        await until(() => parseStream(beside).comments.length >= 2, workMs);
        await until(() => {
          release(program);
          return client.end;
        }, workMs);
        await client.endsWell('The server has ended the stream', advice);
        await client.prints(['info: Calculating: 7.0 mul 5.0', 'result: 35.0'], { cause, otherwise, advice });
      },
    );
  });
});

const stays =
  'Do not read the body of an answer that you refuse, for example with response.text(), because it may never end. Call stop.abort() where you handle the error, and give fetch the option signal: an open connection keeps the client running.';
const exitCode = 'Set process.exitCode = 1 where you handle the error.';
