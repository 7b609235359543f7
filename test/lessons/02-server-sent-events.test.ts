import { createParser } from 'eventsource-parser';
import { grader } from '../harness/run/grader.ts';
import { Failure, expect } from '../harness/run/failure.ts';
import { checkComplaint, expectEnd, notCrashed } from '../harness/vocabulary/command-line.ts';
import { promptMs, type Server } from '../harness/run/run.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { cutShort, type Program } from '../harness/programs/program.ts';
import { fromJson } from '../harness/vocabulary/value.ts';
import { freePort } from '../harness/programs/ports.ts';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startClient, startGraderServer, startServer, task, until } = run;

  /** By other means than the work clock, a calculation takes about a second. */
  const workMs = 5000;
  /** Milliseconds of quiet: far more than a run takes, and far less than a calculation. */
  const never = 60_000;
  const often = 25;

  type Query = Record<string, string>;
  type Event = { type: string; data: string };
  type Timed = Event & { at: number };

  /** Its quiet interval is never over. */
  let server: Server;
  /** Its quiet interval is over often. */
  let lively: Server;

  /** What a parser reads from the body so far. */
  function read(stream: Exchange): { events: Timed[]; comments: number[] } {
    const events: Timed[] = [];
    const comments: number[] = [];
    const decoder = new TextDecoder();
    let at = 0;
    const parser = createParser({
      onEvent: ({ event = 'message', data }) => events.push({ type: event, data, at }),
      onComment: () => comments.push(at),
    });
    for (const chunk of stream.chunks) {
      at = chunk.at;
      parser.feed(decoder.decode(chunk.bytes, { stream: true }));
    }
    // The parser waits for what follows a \r; a \n does not change what it ends.
    if (stream.text.endsWith('\r')) parser.feed('\n');
    return { events, comments };
  }

  /** What stands behind the last blank line: an event without its end. */
  const unfinished = (stream: Exchange) => stream.text.replace(/^[^]*(\r\n\r\n|\n\n|\r\r)/, '').trim();
  const finished = (stream: Exchange) => stream.ended || stream.broken !== undefined;

  const example = { a: '7', b: '5', op: 'mul' };
  const calculate = (query: Query) =>
    `/calculate?${Object.entries(query)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&')}`;
  const curl = (stream: Exchange, option = '-N') => ({
    see: `curl ${option} "http://127.0.0.1:3000${stream.name.slice(4)}"`,
  });

  /** Whole numbers with one decimal, others as JavaScript writes them. */
  const decimal = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
  const info = ({ a, b, op }: Query): Event => ({
    type: 'info',
    data: `Calculating: ${decimal(Number(a))} ${op} ${decimal(Number(b))}`,
  });
  const result = (data: string): Event => ({ type: 'result', data });
  const show = ({ type, data }: Event) => `${type}: ${visible(data)}`;

  /** Lets one piece of work go, when one is held; a program that waits by other means goes on by itself. */
  const release = (program: Program) => program.held[0]?.release();

  /** Sends a request and lets all work go until its response has ended. */
  async function complete({ program, request }: Server, query: Query): Promise<Exchange> {
    const stream = request(calculate(query));
    await finish(program, stream);
    return stream;
  }

  async function finish(program: Program, stream: Exchange): Promise<void> {
    await expectSoon(
      () => {
        release(program);
        return finished(stream);
      },
      () => {
        missing('the end of the response');
        const last = read(stream).events.at(-1);
        return {
          cause: last
            ? `The response does not end after the event ${last.type}.`
            : `${stream.name} has no complete answer.`,
          advice: 'After the last event, response.end() tells the client that nothing more will come.',
          ...curl(stream),
        };
      },
      program,
      workMs,
    );
    expect(stream.broken === undefined, {
      cause: `The connection of ${stream.name} broke before the response had ended.`,
      advice:
        stream.status === undefined
          ? 'Every request needs an answer, also when something is wrong with it.'
          : `The status ${stream.status} was sent already. After that only an event can say what went wrong, and a proper end has to follow.`,
      ...curl(stream),
    });
  }

  /** The answer is an event stream. */
  function checkStream(stream: Exchange): void {
    const type = stream.headers['content-type'];
    expect(stream.status === 200, {
      cause: `${stream.name} answered with status ${stream.status}.`,
      compare: { expected: '200', received: `${stream.status} ${visible(stream.text.slice(0, 80))}` },
      ...curl(stream, '-i'),
    });
    expect(type && /^text\/event-stream\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type), {
      cause: 'The Content-Type is another one: a client tells an event stream by it.',
      compare: { expected: 'text/event-stream', received: type ?? '(no Content-Type)' },
      ...curl(stream, '-i'),
    });
  }

  /** Why an event is not there. */
  function missed(type: string, stream: Exchange) {
    const rest = unfinished(stream) || (read(stream).events.length === 0 ? stream.text : '');
    missing(`event: ${type}`);
    if (rest === '') return { cause: `The event ${type} did not come.`, ...curl(stream) };
    const jumbled = !/^(event|data)(:|$)/m.test(rest);
    return {
      cause: jumbled
        ? `What came in the place of the event ${type} has no field event or data.`
        : `The event ${type} has no end: no blank line follows it.`,
      compare: {
        expected: `event: ${type}\\ndata: …\\n\\n`,
        received: visible(stream.text.slice(stream.text.lastIndexOf(rest))),
      },
      advice: jumbled
        ? 'An event is written in fields: event: and its type on one line, data: and its text on the next, then a blank line.'
        : 'A blank line ends an event, the last one too: after the \\n of its last line comes one more \\n.',
      ...curl(stream),
    };
  }

  /** Exactly these events came. */
  function checkEvents(stream: Exchange, expected: Event[], advice?: string): void {
    checkStream(stream);
    const { events } = read(stream);
    for (const [i, wanted] of expected.entries()) {
      const came = events[i];
      if (!came) throw new Failure(missed(wanted.type, stream));
      const compare = { expected: show(wanted), received: show(came) };
      expect(came.type === wanted.type, {
        cause:
          came.type === 'message'
            ? `An event without a type came in the place of the event ${wanted.type}.`
            : `The event ${came.type} came in the place of the event ${wanted.type}.`,
        compare,
        ...(came.type === 'message'
          ? { advice: 'The field event belongs to the same event: no blank line between it and the field data.' }
          : advice && { advice }),
        ...curl(stream),
      });
      expect(came.data === wanted.data, {
        cause: `The data of the event ${wanted.type} is another text.`,
        compare,
        ...(/^["{[]/.test(came.data) ? { advice: 'The data is the text itself, not JSON.' } : advice && { advice }),
        ...curl(stream),
      });
    }
    const extra = events[expected.length];
    expect(!extra, {
      cause: `After the event ${expected.at(-1)!.type} came one more that should not be there.`,
      compare: { expected: '(the end of the response)', received: extra ? show(extra) : '' },
      ...(advice && { advice }),
      ...curl(stream),
    });
  }

  task({ number: 1, title: 'Frame events', file: 'server.ts' }, () => {
    requirement(
      '`GET /calculate?a=7&b=5&op=mul` answers 200 with `Content-Type: text/event-stream`, `Cache-Control: no-cache, no-transform` and `X-Accel-Buffering: no`.',
      async () => {
        server = await startServer({ QUIET_INTERVAL: String(never) });
        const { program } = server;
        const stream = server.request(calculate(example));
        // Many servers send the head together with the first event. That the response ends is the next requirement.
        await until(() => {
          release(program);
          return finished(stream);
        });
        if (stream.status === undefined || stream.broken !== undefined) await finish(program, stream);
        checkStream(stream);
        const control = stream.headers['cache-control'] ?? '';
        const directives = control.toLowerCase().split(/\s*,\s*/);
        expect(directives.includes('no-cache') && directives.includes('no-transform'), {
          cause:
            'Cache-Control is another one: without it, something on the way may keep the stream, or pack it and so hold it back.',
          compare: { expected: 'no-cache, no-transform', received: control || '(no Cache-Control)' },
          ...curl(stream, '-i'),
        });
        const buffering = stream.headers['x-accel-buffering'];
        expect(String(buffering).toLowerCase() === 'no', {
          cause: 'X-Accel-Buffering is another one: with it, nginx passes each event on at once.',
          compare: { expected: 'no', received: String(buffering ?? '(no X-Accel-Buffering)') },
          ...curl(stream, '-i'),
        });
      },
    );

    requirement(
      'The event `info` with the data `Calculating: 7.0 mul 5.0` is on the wire while the work is still going on; the event `result` with the data `35.0` follows when it is done, and the response ends.',
      async () => {
        const { program } = server;
        const stream = server.request(calculate(example));
        const count = () => read(stream).events.length;
        await until(() => program.held.length > 0 || count() > 0 || finished(stream), workMs);
        await expectSoon(
          () => count() > 0 || finished(stream),
          () => ({
            ...missed('info', stream),
            ...(stream.text === '' && {
              cause: 'The event info is not on the wire while the server is at work.',
              advice: 'Write it before the work begins, with response.write: that sends it at once.',
            }),
          }),
          program,
          program.held.length > 0 ? promptMs : workMs,
        );
        await until(() => program.held.length > 0 || count() > 1 || finished(stream), workMs);
        await program.caughtUp();
        const worked = program.held.length > 0;
        const early = read(stream).events.find((event) => event.type === 'result');
        expect(!worked || (!early && !finished(stream)), {
          cause: early
            ? 'The event result was on the wire while its work was still going on.'
            : 'The response ended while the work was still going on.',
          advice: 'A call of work returns a promise: await it, and write the result after it.',
          ...curl(stream),
        });
        await finish(program, stream);
        checkEvents(stream, [info(example), result('35.0')]);
        // Without the work clock there is only the order to go by.
        const [first, last] = read(stream).events;
        expect(worked || last!.at - first!.at > 5, {
          cause: 'The events info and result came at one time.',
          advice: 'Write info, wait for the work with await work(…), and only then write the result.',
          ...curl(stream),
        });
      },
    );

    requirement(
      '`add`, `sub`, `mul` and `div` calculate; whole numbers are written with one decimal (`35.0`), others as JavaScript writes them (`2.5`).',
      async () => {
        const small = () => random.integer(2, 99);
        const divisor = small();
        const calculations: [number, string, number, number][] = [];
        for (const [a, b] of [
          [small(), small()],
          [-small(), small()],
          [small() + 0.5, small() + 0.25],
          [0.1, 0.2],
        ] as const) {
          calculations.push([a, 'add', b, a + b], [a, 'sub', b, a - b], [a, 'mul', b, a * b]);
        }
        calculations.push(
          [small() * divisor, 'div', divisor, 0],
          [small() * 2 + 1, 'div', 2, 0],
          [small() + 0.5, 'div', 0.5, 0],
        );
        for (const [a, op, b, value] of calculations) {
          const query = { a: String(a), b: String(b), op };
          const stream = await complete(server, query);
          checkEvents(
            stream,
            [info(query), result(decimal(op === 'div' ? a / b : value))],
            'toFixed(1) is for whole numbers only, String for the others; and Number makes a number of a text, before + sees it.',
          );
        }
      },
    );

    requirement(
      'With `&note=…` an event `note` with that text follows `info`; each line of the text goes out as a `data:` line of its own, and nothing in it can begin another field or event.',
      async () => {
        const checkNote = async (note: string, advice: string) => {
          const stream = await complete(server, { ...example, note });
          const lines = note.replace(/\r\n?/g, '\n');
          const { events } = read(stream);
          const arrived = events.find(({ type }) => type === 'note')?.data;
          expect(events.length <= 3, {
            cause: 'The text of the note began an event of its own.',
            compare: { expected: 'info, note, result', received: events.map(({ type }) => type).join(', ') },
            advice,
            ...curl(stream),
          });
          expect(!arrived || !lines.startsWith(`${arrived}\n`), {
            cause: 'Only the beginning of the note arrived: a reader takes its other lines for fields of their own.',
            compare: {
              expected: show({ type: 'note', data: lines }),
              received: show({ type: 'note', data: arrived ?? '' }),
            },
            advice,
            ...curl(stream),
          });
          checkEvents(stream, [info(example), { type: 'note', data: lines }, result('35.0')], advice);
        };
        const [one, two, three] = random.words(3);
        const each = 'Split the text into its lines, and write data: before each of them.';
        await checkNote(`${one} ${two}: é世🎈`, 'The text of the note is the data, whatever it says.');
        await checkNote(`${one}\n${two}\n\n${three}`, each);
        await checkNote(`${one}\n\nevent: result\ndata: ${random.integer(50, 99)}`, each);
        const ends = 'A line of an event stream ends with \\n, \\r\\n or \\r: split the text at each of the three.';
        await checkNote(`${one}\r\n${two}`, ends);
        await checkNote(`${one}\r\revent: result\rdata: ${random.integer(50, 99)}`, ends);
        await checkNote(
          ` ${one}\n  ${two} `,
          'A reader drops one space after the colon: write one there, and the spaces of the text stay as they are.',
        );
      },
    );
  });

  task({ number: 2, title: 'Say what went wrong', file: 'server.ts' }, () => {
    const expectRefusal = async (query: Query, parameter: string, advice: string) => {
      const answer = await complete(server, query);
      const { name, status, text } = answer;
      const streams = /event-stream/i.test(answer.headers['content-type'] ?? '');
      expect(status === 400, {
        cause:
          streams && status === 200
            ? `${name} began a stream instead of being refused.`
            : `${name} answered with status ${status}.`,
        compare: { expected: '400', received: `${status} ${visible(text.slice(0, 80))}` },
        advice,
        ...curl(answer, '-i'),
      });
      expect(!streams, {
        cause: 'The status is 400, and the body goes out as an event stream.',
        compare: { expected: 'application/json', received: 'text/event-stream' },
        advice: 'Look at the parameters before the headers of the stream are set, and answer with response.json.',
        ...curl(answer, '-i'),
      });
      const body = fromJson(text) as { error?: unknown; parameter?: unknown } | null | undefined;
      expect(typeof body === 'object' && body !== null, {
        cause: `The body of the answer to ${name} is not a JSON object.`,
        compare: { expected: `{"parameter":"${parameter}","error":"…"}`, received: visible(text.slice(0, 120)) },
        advice: 'response.json writes an object as JSON.',
        ...curl(answer, '-i'),
      });
      expect(body.parameter === parameter, {
        cause: 'The answer does not name the parameter that is wrong.',
        compare: { expected: `"parameter":"${parameter}"`, received: visible(text.slice(0, 120)) },
        ...curl(answer, '-i'),
      });
      expect(typeof body.error === 'string' && /\S\s+\S/.test(body.error), {
        cause: 'The answer does not say in a sentence what is wrong.',
        compare: { expected: '"error":"… is not …"', received: visible(text.slice(0, 120)) },
        ...curl(answer, '-i'),
      });
    };

    requirement(
      'An `a` or `b` that is missing, empty or not a number: status 400 and a JSON body whose `parameter` is its name and whose `error` is a sentence, and no stream.',
      async () => {
        const { a, b, op } = { ...example, a: String(random.integer(2, 99)) };
        const number =
          'Look at the parameters before the stream begins, and answer what is not a number with status 400.';
        const empty = "Number('') is 0, and so is Number(' '): ask for the empty text by itself.";
        const [word] = random.words(1);
        await expectRefusal({ a: word!, b, op }, 'a', number);
        await expectRefusal({ a, b: word!, op }, 'b', number);
        await expectRefusal({ b, op }, 'a', number);
        await expectRefusal({ a, op }, 'b', number);
        await expectRefusal({ a: '', b, op }, 'a', empty);
        await expectRefusal({ a, b: '', op }, 'b', empty);
        await expectRefusal({ a: ' ', b, op }, 'a', empty);
        const rest = `parseFloat reads "7${word}" as 7 and drops the rest; Number reads the whole text, or gives NaN.`;
        await expectRefusal({ a, b: `7${word}`, op }, 'b', rest);
        await expectRefusal({ a: '1,5', b, op }, 'a', rest);
        await expectRefusal(
          { a: 'NaN', b, op },
          'a',
          'NaN stands for something that is not a number: Number.isFinite refuses it.',
        );
      },
    );

    requirement('An `op` that is none of the four: the same, with the `parameter` `op`.', async () => {
      const { a, b } = example;
      const listed =
        'Look the operation up before the stream begins, and answer with status 400 when it is none of the four.';
      await expectRefusal({ a, b, op: random.words(1)[0]! }, 'op', listed);
      await expectRefusal({ a, b }, 'op', listed);
      await expectRefusal({ a, b, op: '' }, 'op', listed);
      for (const op of ['constructor', 'toString', '__proto__']) {
        await expectRefusal(
          { a, b, op },
          'op',
          `Every object has a property ${op}, from its prototype: Object.hasOwn tells what is its own, and a Map has nothing else.`,
        );
      }
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
          const stream = await complete(server, query);
          expect(stream.status !== 400, {
            cause: 'A division by zero was refused with status 400.',
            compare: { expected: 'the events info and error', received: `400 ${visible(stream.text.slice(0, 80))}` },
            advice: 'Its parameters are as they should be: what goes wrong in the work itself, an event says.',
            ...curl(stream),
          });
          const advice = 'A number divided by zero is Infinity in JavaScript, or NaN: nothing is thrown, so look at b.';
          const { events } = read(stream);
          const says = events[1]?.type === 'error' && /division by zero/i.test(events[1].data);
          const error = { type: 'error', data: says ? events[1]!.data : 'division by zero' };
          checkEvents(
            stream,
            [info(query), error],
            events[2] ? 'After the event error comes the end, and no result.' : advice,
          );
        }
      },
    );

    requirement('After any of these the server goes on serving.', async () => {
      const [word] = random.words(1);
      for (const wrong of [
        { ...example, a: word! },
        { ...example, op: word! },
        { ...example, b: '0', op: 'div' },
      ]) {
        await complete(server, wrong);
        checkEvents(await complete(server, example), [info(example), result('35.0')]);
      }
    });
  });

  task({ number: 3, title: 'Read events', file: 'client.ts' }, () => {
    let reader: Reader;
    /** Its stream begins with a byte order mark. */
    let marked: Reader;

    requirement(
      '`client.ts URL` prints `type: data` for each event the moment its blank line arrives, and nothing of it before; the type of an event without the field `event` is `message`.',
      async () => {
        reader = await openReader();
        const [type, one, two, three] = random.words(4);
        await reader.expect(
          [`event: ${type}\ndata: ${three}\n\n`],
          `${type}: ${three}\n`,
          'Print the type, a colon, a space and the data. Read response.body piece by piece: response.text() waits for the end.',
        );
        const whole =
          'Keep the type and the data of an event until its blank line comes: where a piece ends, nothing has ended yet.';
        await reader.expect([`event: ${type}\ndata: ${one}\n`], '', whole);
        await reader.expect(['\n'], `${type}: ${one}\n`, whole);
        await reader.expect(
          [`data: ${two}\n\n`],
          `message: ${two}\n`,
          'A blank line ends an event: the type of the next one is message again.',
        );
        await reader.expect([`data: ${three}\n`, `event: ${type}\n`], '', whole);
        await reader.expect(['\n'], `${type}: ${three}\n`, 'The fields of an event may come in any order.');
        const many = 'One piece can hold several events: print each of them, and keep what is left.';
        await reader.expect([`data: ${one}\n\ndata: ${two}\n\ndata: thr`], `message: ${one}\nmessage: ${two}\n`, many);
        await reader.expect(['ee\n\n'], 'message: three\n', many);
      },
    );

    requirement(
      'Lines may end in `\\n`, `\\r\\n` or `\\r` (one at the end of a piece may wait for the next), and the stream may be cut anywhere: between `\\r` and `\\n`, inside a field, inside a character.',
      async () => {
        const [type, one, two] = random.words(3);
        const rn = '\\r\\n is one line break: its two characters may come in two pieces.';
        await reader.expect(
          [`event: ${type}\r\ndata: ${one}\r\n\r\n`],
          `${type}: ${one}\n`,
          'A line may end with \\r\\n: the \\r is no part of it.',
        );
        await reader.expect([`event: ${type}\r`, `\ndata: ${one}\r`, '\n\r', '\n'], `${type}: ${one}\n`, rn);
        await reader.expect([`data: ${two}\r`, `\nevent: ${type}\r\n\r\n`], `${type}: ${two}\n`, rn);
        // What a \r ends may be known only by what follows it.
        const r = 'A \\r that no \\n follows ends a line too.';
        await reader.expect([`event: ${type}\rdata: ${one}\r\rdata: ${two}\n`], `${type}: ${one}\n`, r);
        await reader.expect(['\n'], `message: ${two}\n`, r);
        const field = 'Keep what comes after the last line break until the rest of its line is here.';
        await reader.expect(
          ['ev', `ent: ${type}\nda`, `ta: ${one}`, `${two}\n`, '\n'],
          `${type}: ${one}${two}\n`,
          field,
        );
        const utf8 =
          'Decode with one TextDecoder and { stream: true }: it keeps the first bytes of a character for the next piece.';
        for (const character of ['é', '世', '🎈']) {
          const bytes = Buffer.from(`data: ${one}${character}\n\n`);
          const inside = bytes.length - 2 - random.integer(1, Buffer.byteLength(character) - 1);
          await reader.expect(random.cut(bytes, 1, [inside]), `message: ${one}${character}\n`, utf8);
        }
        await reader.expect(
          [`data: ${one}\u2028${two}\u0085\n\n`],
          `message: ${one}\u2028${two}\u0085\n`,
          'U+2028 ends no line here, but in a regular expression . does not match it without the flag s.',
        );
      },
    );

    requirement(
      'Several `data` fields are one text of several lines; one space after the colon is dropped, and no more; a field without a colon has an empty value.',
      async () => {
        const [type, one, two] = random.words(3);
        await reader.expect(
          [`data: ${one}\ndata: ${two}\ndata: ${one}\n\n`],
          `message: ${one}\n${two}\n${one}\n`,
          'Join the lines of the data with \\n.',
        );
        const space = 'Drop one space after the colon where there is one, and nothing else: no trim.';
        await reader.expect([`event:${type}\ndata:${one}\n\n`], `${type}: ${one}\n`, space);
        await reader.expect([`data:  ${one}  \ndata:\t${two}\n\n`], `message:  ${one}  \n\t${two}\n`, space);
        await reader.expect(
          [`data: ${one}: ${two}:\n\n`],
          `message: ${one}: ${two}:\n`,
          'Only the first colon ends the name of the field.',
        );
        const empty = 'data without a colon is data: with nothing behind it, an empty line of the text.';
        await reader.expect([`data: ${one}\ndata\ndata:\ndata: ${two}\n\n`], `message: ${one}\n\n\n${two}\n`, empty);
        await reader.expect(
          [`event: ${type}\nevent\ndata\n\n`],
          'message: \n',
          'A field event with an empty value is as none; a field data with an empty value is data all the same, an empty text.',
        );
      },
    );

    requirement(
      'Comments, unknown fields, `id` and `retry` print nothing; a byte order mark at the beginning is skipped; an event without data is not dispatched.',
      async () => {
        const [type, one, two] = random.words(3);
        const others = 'Only the fields event and data count here; a line that begins with a colon is a comment.';
        await reader.expect(
          [
            `: ${one}\n:\nid: ${random.integer(1, 99)}\nretry: 1000\n${one}: ${two}\nDATA: ${two}\ndatax: ${two}\n data: ${two}\n${two}\ndata: ${one}\n\n`,
          ],
          `message: ${one}\n`,
          others,
        );
        await reader.expect(
          [`id: 1\ndata: ${one}\n:data: ${two}\nretry: 10\ndata: ${two}\n\n`],
          `message: ${one}\n${two}\n`,
          others,
        );
        const noData = 'At a blank line without data nothing is printed, and the type is forgotten.';
        await reader.expect([`event: ${type}\n\n\n\n: ${one}\n\nid: ${two}\n\n`], '', noData);
        await reader.expect([`data: ${one}\n\n`], `message: ${one}\n`, noData);
        marked = await openReader();
        const bom =
          'The bytes EF BB BF at the beginning are a byte order mark; a TextDecoder drops it, if it reads the stream from its first byte.';
        await marked.expect(
          [new Uint8Array([0xef]), new Uint8Array([0xbb, 0xbf]), `data: ${one}\n\n`],
          `message: ${one}\n`,
          bom,
        );
      },
    );

    requirement(
      'Of an unfinished event at the end of the stream nothing is printed, and the client exits with code 0.',
      async () => {
        const [type, one, two] = random.words(3);
        const advice = 'Only a blank line completes an event: forget what is left when the stream ends.';
        await reader.expect(
          [`data: ${one}\n\nevent: ${type}\ndata: ${two}\ndata: ${one}`],
          `message: ${one}\n`,
          advice,
        );
        reader.call.end();
        await expectEnd(run, reader.client, 'The stream has ended, and the client goes on running.');
        reader.checkOutput('', advice);
        const { end } = reader.client;
        expect(end?.code === 0, {
          cause: 'The stream came to its proper end, and the client did not exit with code 0.',
          compare: { expected: '0', received: String(end?.code ?? end?.signal) },
          ...(reader.client.stderr && { output: reader.client.stderr.trim().split('\n').slice(0, 6).join('\n') }),
        });
      },
    );

    requirement('Any stream, cut anywhere, prints what a reference parser reads from it.', async () => {
      for (let i = 0; i < 4; i++) {
        const text = randomStream();
        let expected = '';
        const parser = createParser({ onEvent: ({ event = 'message', data }) => (expected += `${event}: ${data}\n`) });
        parser.feed(text);
        const pieces = random.cut(Buffer.from(text), random.integer(0, 9));
        await marked.expect(
          pieces,
          expected,
          'What was sent stands above, piece by piece: read it line by line, as the requirements before say.',
        );
      }
    });

    requirement(
      'An answer other than 2xx, a refused connection and a stream that breaks off: one line on standard error, exit code 1, and what came before is printed.',
      async () => {
        const [one, two] = random.words(2);
        const status = random.pick([400, 404, 429, 500, 503]);
        const site = await startGraderServer('/calculate');
        const failing = startClient(site.url);
        const refused = startClient(`http://127.0.0.1:${await freePort()}/calculate`);
        const answer = await site.call(failing);
        answer.response.writeHead(status, { 'content-type': 'text/event-stream' });
        await answer.send(`data: ${one}\n\n`);
        answer.end();
        await expectEnd(run, failing, `The answer had status ${status}, and the client goes on running.`);
        checkComplaint(failing, `an answer with status ${status}`, {
          silent: 'fetch rejects only when there is no answer: look at response.ok.',
        });
        expect(failing.stdout === '', {
          cause: `The client printed the body of an answer with status ${status} as if it were the stream.`,
          compare: { expected: '(nothing)', received: visible(failing.stdout) },
          advice: 'fetch rejects only when there is no answer: look at response.ok.',
        });

        await expectEnd(run, refused, 'Nobody listens on the port, and the client goes on running.');
        checkComplaint(refused, 'a refused connection');

        const advice = 'Print each event as it comes, and catch the error of the stream after that.';
        await marked.expect([`data: ${one}\n\ndata: ${two}\n`], `message: ${one}\n`, advice);
        marked.call.breakOff();
        await expectEnd(run, marked.client, 'The stream broke off, and the client goes on running.');
        checkComplaint(marked.client, 'a stream that breaks off');
        marked.checkOutput('', 'An event without its blank line is not complete, however the stream ends.');
      },
    );
  });

  /** A client that reads a stream of the grader's. */
  type Reader = {
    client: Program;
    call: Call;
    /** Sends pieces; `output` must be printed while the client waits for the next, and nothing else with it. */
    expect(pieces: (string | Uint8Array)[], output: string, advice: string): Promise<void>;
    /** Exactly `output` has been printed since it was last looked at. */
    checkOutput(output: string, advice: string): void;
  };

  async function openReader(): Promise<Reader> {
    const site = await startGraderServer('/calculate');
    const client = startClient(site.url);
    const call = await site.call(client);
    call.response.writeHead(200, { 'content-type': 'text/event-stream' });
    let seen = 0;
    const printed = () => client.stdout.replaceAll('\r\n', '\n').slice(seen);

    const reader: Reader = {
      client,
      call,
      async expect(pieces, output, advice) {
        for (const piece of pieces) await call.send(piece);
        if (output === '') await client.caughtUp();
        await expectSoon(
          () => printed().length >= output.length || client.end,
          () => {
            missing(visible(output.trimEnd()));
            const received = printed();
            return {
              cause:
                received === ''
                  ? 'The client did not print an event that was complete, while it waited for more.'
                  : 'The client did not print what was sent.',
              compare: { expected: visible(output), received: visible(received) || '(nothing)' },
              advice,
            };
          },
          client,
        );
        notCrashed(client, 'while it was reading');
        expect(!client.end || printed() === output, {
          cause: 'The client ended while the stream was still going on.',
          compare: { expected: visible(output) || '(nothing)', received: visible(printed()) || '(nothing)' },
          ...(client.stderr && { output: client.stderr.trim().split('\n').slice(0, 6).join('\n') }),
          advice,
          ...cutShort(client, 'while it was reading'),
        });
        reader.checkOutput(output, advice);
      },
      checkOutput(output, advice) {
        const received = printed();
        expect(received === output, {
          cause:
            output === ''
              ? 'The client printed something of what is no complete event.'
              : 'The client did not print what was sent.',
          compare: { expected: visible(output) || '(nothing)', received: visible(received) || '(nothing)' },
          advice,
        });
        seen += received.length;
      },
    };
    return reader;
  }

  /** Lines of every kind in any order, with line breaks of every kind; the last two are blank lines. */
  function randomStream(): string {
    const [word, other] = random.words(2);
    const value = () =>
      random.pick([word, `${word} ${other}`, `é${word}世`, `🎈 ${other}`, `${word}: ${other}`, ` ${word} `, '']);
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
      () =>
        random.pick([
          `id: ${word}`,
          'retry: 100',
          `${word}: ${other}`,
          `Data: ${word}`,
          ` data: ${word}`,
          `data ${word}`,
          word!,
        ]),
    ];
    const lines = Array.from(
      { length: random.integer(12, 24) },
      () => random.pick(kinds)() + random.pick(['\n', '\r\n', '\r']),
    );
    return `event: ${word}\ndata: ${other}\n${lines.join('')}\n\n`;
  }

  task({ number: 4, title: 'Stay alive', file: 'server.ts' }, () => {
    const seeComments = { see: 'QUIET_INTERVAL=300 npm run try lesson-2' };

    /** Waits until `count` comments have come while the server is at work. */
    const expectComments = async (stream: Exchange, count: number) => {
      const enough = () => read(stream).comments.length >= count;
      // What has sent so much else does not mean to send a comment.
      const other = () =>
        read(stream).comments.length === 0 && (read(stream).events.length > 1 || stream.chunks.length > 12);
      await expectSoon(
        () => enough() || finished(stream) || other(),
        () => tooFew(stream, count),
        lively.program,
        2 * promptMs,
      );
      if (!enough()) expect(false, tooFew(stream, count));
    };
    const tooFew = (stream: Exchange, count: number) => {
      const { events, comments } = read(stream);
      const instead = events.find((event) => event.type !== 'info' && event.type !== 'result');
      const rest = unfinished(stream);
      missing('a comment');
      if (instead) {
        return {
          cause: 'An event came where a comment was expected: every client would dispatch it.',
          compare: { expected: ': …', received: show(instead) },
          advice: 'A comment is a line that begins with a colon: no event, no data.',
          ...seeComments,
        };
      }
      if (comments.length === 0 && rest !== '') {
        return {
          cause: 'What came in the quiet is not a whole comment.',
          compare: { expected: ': …\\n', received: visible(rest.slice(0, 12)) },
          advice: 'A comment is a line: it begins with a colon and ends with \\n.',
          ...seeComments,
        };
      }
      return {
        cause:
          comments.length === 0
            ? `The work took longer than QUIET_INTERVAL (${often} ms), and no comment came.`
            : `The work took much longer than ${count} times QUIET_INTERVAL (${often} ms), and only ${comments.length === 1 ? 'one comment' : `${comments.length} comments`} came.`,
        advice:
          comments.length === 0
            ? 'A timer has to write a comment, a line that begins with a colon, while the work goes on. process.env.QUIET_INTERVAL says how many milliseconds it waits.'
            : 'setTimeout rings once; setInterval rings each time the interval is over.',
        ...seeComments,
      };
    };

    requirement(
      'While the work takes longer than `QUIET_INTERVAL` milliseconds, a comment goes out each time the interval is over.',
      async () => {
        lively = await startServer({ QUIET_INTERVAL: String(often) });
        const stream = lively.request(calculate(example));
        await expectComments(stream, 3);
        await finish(lively.program, stream);
        checkEvents(
          stream,
          [info(example), result('35.0')],
          'A comment ends with \\n, and stands between two events, not inside of one.',
        );
      },
    );

    requirement(
      'No comment before the interval is over, between two events that follow each other at once, or after the end: no timer outlives its response.',
      async () => {
        const division = { ...example, b: '0', op: 'div' };
        for (const query of [example, division]) {
          const { program } = lively;
          await program.caughtUp();
          const before = program.timers;
          await complete(lively, query);
          // What still waits for one last interval has time to see that it is over.
          const gone = async () => (await program.caughtUp(), program.timers <= before);
          for (let tries = 0; tries < 40 && !(await gone()); tries++) await until(() => false, often);
          expect(program.timers <= before, {
            cause: `A timer goes on after the end of ${query.op === 'div' ? 'a division by zero' : 'its response'}: there is one more for each request.`,
            advice:
              'It keeps the memory of every request ever made: clear it on each way to the end of the response, clearInterval in a finally for example.',
            ...seeComments,
          });
        }
        const quiet = server.request(calculate({ ...example, note: random.words(1)[0]! }));
        // Nothing is to come: neither here nor, on the other server, from the streams that have ended.
        await until(() => read(quiet).comments.length > 0, 3 * often);
        await finish(server.program, quiet);
        for (const ask of [() => quiet, () => complete(server, division)]) {
          const patient = await ask();
          checkStream(patient);
          const comment = /^[^]*?^:.*$/m.exec(patient.text)?.[0] ?? '';
          expect(read(patient).comments.length === 0, {
            cause: `A comment came, and QUIET_INTERVAL (${never} ms) was not over.`,
            compare: { expected: '(no comment)', received: visible(comment) },
            advice:
              'The first comment comes when the interval is over for the first time, and not with an event. QUIET_INTERVAL is in milliseconds.',
            ...curl(patient),
          });
        }
        checkEvents(await complete(lively, example), [info(example), result('35.0')]);
      },
    );

    requirement(
      'Your `client.ts` prints `info` and `result` of your `server.ts`, and nothing else, whatever comments come between.',
      async () => {
        const { program, url, request } = lively;
        const client = startClient(new URL(calculate(example), url).href);
        await expectSoon(
          () => client.end || client.stdout !== '',
          () => ({ cause: 'The client did not print the event info of your server while the server was at work.' }),
          client,
          2 * workMs,
        );
        // Where comments come to us, they come to the client too.
        const beside = request(calculate(example), { who: 'beside' });
        await expectComments(beside, 2);
        await until(() => {
          release(program);
          return client.end;
        }, workMs);
        await expectEnd(run, client, 'The server has ended the stream, and the client goes on running.');
        const expected = [info(example), result('35.0')].map(({ type, data }) => `${type}: ${data}\n`).join('');
        expect(client.stdout.replaceAll('\r\n', '\n') === expected && client.end?.code === 0, {
          cause: 'The client did not print the two events of your server.',
          compare: {
            expected: `${visible(expected)} (exit code 0)`,
            received: `${visible(client.stdout)} (exit code ${client.end?.code})`,
          },
          ...(client.stderr && { output: client.stderr.trim().split('\n').slice(0, 6).join('\n') }),
        });
      },
    );
  });
});
