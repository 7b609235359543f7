import { explainError } from '../harness/programs/crash-report.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import { expectHeader, expectStatus, finished, received, release, workMs } from '../harness/vocabulary/http.ts';
import {
  judged,
  mcpClient,
  request,
  type McpClient,
  type Posted,
  type PostOptions,
} from '../harness/vocabulary/mcp-client.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import type { Ask } from '../harness/wire/exchange.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';

/** Names that every object has, from its prototype. */
const inherited = ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf'];

/** What Node.js, Express and V8 print when a handler continues after it has answered. */
const continued =
  /ERR_HTTP_HEADERS_SENT|ERR_STREAM_WRITE_AFTER_END|ERR_STREAM_ALREADY_FINISHED|headers after they are sent|write after end|TypeError: (?:Cannot (?:read|destructure|convert|set)|.* is not (?:a function|iterable))/;

/** What to do when a correct message is refused with this status. */
const refusals: Record<number, string> = {
  400: 'Refuse a body only if all three guards return false: !isRequest(message) && !isNotification(message) && !isResponse(message). With || in place of &&, the condition is true for every message. Then check the guards.',
  403: 'Refuse with status 403 only if Host or Origin names a different machine, as the starter does. Keep its check as it is.',
  405: 'Move app.all below the handlers of app.post. Express tries the handlers from top to bottom, and app.all handles POST too.',
  406: "Refuse with status 406 only if request.accepts returns false, that is, !request.accepts('application/json') or !request.accepts('text/event-stream'). A ! may be missing.",
  415: "Refuse with status 415 only if request.is returns false: !request.is('application/json'). The ! may be missing.",
  500: 'Find out what has failed: the error handler prints the error. A handler that throws gets status 500.',
  501: 'Replace the line of the starter that answers with status 501: response.json sends the response.',
  [-32601]:
    'Make sure that methods has a function with the name of this method, letter by letter. If it has, look at the condition that returns the code -32601: in !Object.hasOwn(methods, method), the ! may be missing.',
};

/** What to do about a refusal of this correct message; nothing where only the error itself tells. */
const adviceFor = ({ status, text }: Posted): Record<number, string> =>
  status === 400 && !text.includes('-32600') ? {} : refusals;

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  let server: Server;
  let client: McpClient;

  const word = () => random.words(1)[0]!;
  const someId = () => random.pick([random.integer(1, 999), word()]);
  const ping = (id: string | number = random.integer(1, 999)) => request(id, 'ping');
  const calculate = (params?: unknown, id: string | number = someId()) => request(id, 'calculate', params);
  const inSentence = ({ what }: Posted) =>
    /^[A-Z]{2}/.test(what) ? what : what.charAt(0).toLowerCase() + what.slice(1);

  type Operation = 'add' | 'sub' | 'mul' | 'div';
  const valueOf = (a: number, b: number, op: Operation) =>
    op === 'add' ? a + b : op === 'sub' ? a - b : op === 'mul' ? a * b : a / b;
  /** Two numbers whose order and operation make a difference. */
  const operands = () => {
    const a = random.integer(3, 49);
    return [a, a + random.integer(1, 49)] as const;
  };
  const calculation = (op: Operation = random.pick(['add', 'sub', 'mul']), [a, b] = operands()) => ({
    params: { a, b, op },
    value: valueOf(a, b, op),
  });

  /** The response has exactly this result. */
  function expectResult(posted: Posted, expected: object, advice: string, cause?: string): void {
    const result = posted.result({ when: adviceFor(posted), ...(cause && { cause, advice }) });
    const text = typeof result.value === 'string';
    const twice = asJson(result.value) === asJson({ result: expected });
    result.is(
      expected,
      text
        ? `Your server answered ${inSentence(posted)} with a string as its result, but the result must be an object.`
        : `Your server answered ${inSentence(posted)} with the wrong result.`,
      text
        ? 'Put the object itself into the response, without JSON.stringify. response.json makes the JSON of the whole response.'
        : twice
          ? 'Do not add the member result yourself. The object that answer returns has a member result already.'
          : advice,
    );
  }

  /**
   * Waits until the server has done everything that it does for this message, and releases all work meanwhile. If it
   * stops, this message is to blame, and not the next one.
   */
  async function settle(posted: Posted): Promise<Posted> {
    const { program } = server;
    for (let looks = 0; looks === 0 || (program.held.length > 0 && looks < 20); looks++) {
      release(program);
      await program.caughtUp();
    }
    expect(!(program.end ?? program.verdict), {
      cause: `Your server stopped after it had answered ${inSentence(posted)}.`,
      advice: 'Look for code that continues after the response has been sent: a return may be missing.',
    });
    return posted;
  }

  /** Posts a message, and waits for the end of the response and of the handler; if the handler throws, this advice is given too. */
  const sendWith = async (advice: string, message: unknown, options: PostOptions = {}): Promise<Posted> =>
    settle(await client.send(message, { ...(advice && { ifItThrows: { advice } }), ...options }));

  /** Sends any HTTP request, and waits for the end of the response and of the handler. */
  async function ask(what: string, message: unknown, options: Ask, see: string): Promise<Posted> {
    return settle(await judged(server, server.request('/mcp', options), message, what, see).done());
  }

  /** The handler has ended with the response: it calls no method, and does not answer a second time. */
  async function expectEnd(send: () => Promise<Posted>, mayWork: boolean, missingReturn: string): Promise<Posted> {
    const { program } = server;
    const [printed, calls] = [program.stderr.length, program.workCalls];
    const posted = await send();
    expect(mayWork || program.workCalls === calls, {
      cause: `Your server refused ${inSentence(posted)}, but it called the method calculate nevertheless.`,
      advice: missingReturn,
      see: posted.see,
    });
    const after = program.stderr.slice(printed);
    const { output, at } = explainError(program, printed, '') ?? {};
    expect(!continued.test(after), {
      cause: `Your server answered ${inSentence(posted)}, but then its handler continued and an error was thrown.`,
      advice: missingReturn,
      see: posted.see,
      ...(output && { output }),
      ...(at && { at }),
    });
    return posted;
  }

  /** The message was taken with status 202. */
  function expectTaken(posted: Posted, advice: string, refused: string): void {
    posted.accepted((posted.status === 400 ? refused : refusals[posted.status!]) ?? advice);
  }

  task({ number: 1, title: 'Answer a request', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client sends the request `ping`, the server answers with status 200, `Content-Type: application/json`, and one JSON object: `"jsonrpc":"2.0"`, the `id` of the request, and the `result` `{}`.',
      async () => {
        server = await startServer();
        client = mcpClient(server);
        const twice =
          'Answer each request one time only: remove the line of the starter with status 501, send the response with response.json, and call next() only one time.';
        const thrown =
          'If methods[method] is not a function, add the function ping to methods. If headers were set after they had been sent, remove the line of the starter that answers with status 501: the handler should answer one time only.';
        const posted = await expectEnd(() => sendWith(thrown, ping()), true, twice);
        expectStatus(posted, 200, {
          cause:
            posted.status! in refusals
              ? `Your server refused ${inSentence(posted)} with status ${posted.status}, but it is a correct request.`
              : `Your server answered ${inSentence(posted)} with status ${posted.status}.`,
          advice:
            adviceFor(posted)[posted.status!] ?? 'Send the response with response.json, which sets the status 200.',
          see: posted.see,
        });
        expectHeader(posted, 'Content-Type', (type) => !/event-stream/i.test(type), 'application/json', {
          cause: 'Your server answered with an event stream, but it should send one JSON object.',
          advice:
            'Send the response with response.json. Lesson 9 uses an event stream, because it sends more than one message.',
          see: posted.see,
        });
        expectResult(
          posted,
          {},
          'Return { result: {} } from ping. The result of ping is an empty object, because the response itself is the whole message.',
        );
        const written = `{ "method": "ping",\n  "params": {"_meta": {"progressToken": 0}}, "id": ${random.integer(1, 999)}, "jsonrpc": "2.0" }`;
        const what = 'A ping with its members in a different order and with _meta in its params';
        const other = client.post(written, { what });
        const byName =
          'Read the members of the message by their names. Their order has no meaning, and every request may have _meta among its params.';
        const judgedOther = await judged(server, other, fromJson(written), what, other.see).done();
        judgedOther.result({ advice: byName });
        expectResult(judgedOther, {}, byName);
      },
    );

    requirement(
      'The `id` of a response has the same value and the same type as the `id` of its request. The `id` can be `0`, a negative number, an empty string, or a string with quotes, spaces or non-ASCII characters.',
      async () => {
        const number = random.integer(1, 999);
        const strings = [
          word(),
          String(number),
          `00${number}`,
          '',
          ` ${word()} ${word()} `,
          `${word()}"${word()}'\\`,
          `${word()}\n`,
          'null',
          `${word()}-é-日本-😀`,
          '__proto__',
          'Ä <e\u0301> &amp;',
          'x'.repeat(200),
        ];
        for (const id of [number, 0, -number, Number.MAX_SAFE_INTEGER, ...strings]) {
          const posted = await sendWith('Send the id back as it came.', ping(id));
          expect(posted.status !== 202, {
            cause: `Your server took ${inSentence(posted)} for a notification.`,
            compare: { expected: '200 "result":{}', received: received(posted) },
            advice:
              id === 0 || id === ''
                ? 'Check the type of the id with isId. An if treats 0 and "" as false, but both are ids.'
                : 'Treat every message with a method and an id as a request.',
            see: posted.see,
          });
          expect(posted.status !== 400, {
            cause: `Your server refused ${inSentence(posted)} with status 400.`,
            compare: { expected: '200 "result":{}', received: received(posted) },
            advice: 'Accept every id that is a string or a number, as isId does.',
            see: posted.see,
          });
          expectResult(posted, {}, 'Answer ping with the same result, whatever the id is.');
        }

        const fraction = number + 0.5;
        const posted = await sendWith('Send the id back as it came.', ping(fraction));
        if (posted.status === 400)
          posted.refused(400, -32600, 'Answer this id like any other, or refuse it with the code -32600.');
        else expectResult(posted, {}, 'Answer ping with the same result, whatever the id is.');

        const message = ping(`${word()} é 😀`);
        const bytes = Buffer.from(JSON.stringify(message));
        const inTwo =
          'Wait for the end of the body before you parse it, and decode all bytes together, as express.json does.';
        for (const cutAt of [random.integer(3, 20), bytes.indexOf('é') + 1]) {
          const what = 'A request whose body arrives in two pieces';
          const sent = await sendWith(inTwo, message, { what, body: { cutAt } });
          const cause = 'Your server did not answer a request whose body arrived in two pieces.';
          expect(sent.status !== 200 || !sent.text.includes('\ufffd'), {
            cause: 'Your server damaged a character of the id, because its bytes arrived in two pieces.',
            compare: { expected: `"id":${JSON.stringify(message.id)}`, received: received(sent) },
            advice: inTwo,
          });
          sent.result({ cause, advice: inTwo });
          expectResult(sent, {}, inTwo);
        }
      },
    );

    requirement(
      'The server answers `calculate` when its work is done, but not earlier. With the `params` `{"a":7,"b":5,"op":"mul"}`, the `result` is `{"value":35}`.',
      async () => {
        const { program } = server;
        const advice =
          'Call calculate with the params of this request, and send what it returns. The starter has the calculation.';
        const posted = client.post(calculate({ a: 7, b: 5, op: 'mul' }));
        await until(() => program.held.length > 0 || finished(posted), workMs);
        await program.caughtUp();
        expect(program.held.length === 0 || !posted.ended, {
          cause: 'Your server answered the request calculate while its work was still going on.',
          compare: { expected: '(nothing yet)', received: received(posted) },
          advice: 'Await work, and await what the method returns, before you send the response. Both return a promise.',
          see: posted.see,
        });
        expectResult(await posted.done(), { value: 35 }, advice);
        // The same numbers and the same id for each operation: nothing may be remembered by only a part of a request.
        const own =
          'Calculate each request from its own params, and send the result as it is. Do not reuse the result of an earlier request, even if its id or its numbers were the same.';
        const [numbers, id] = [operands(), someId()];
        for (const op of ['add', 'sub', 'mul', 'div'] as const) {
          const { params, value } = calculation(op, numbers);
          expectResult(await client.send(calculate(params, id)), { value }, own);
        }
      },
    );

    const shared =
      'Keep the id, the params and the response of a request in a const inside the handler. All requests share a variable or a table outside the handler.';

    /** Two calculations at work at the same time; `order` says whose work is done first. Meanwhile a third client sends a ping. */
    async function together(
      [one, two]: [ReturnType<typeof calculation>, ReturnType<typeof calculation>],
      [firstId, secondId, pingId]: [string | number, string | number, string | number],
      order: [0 | 1, 0 | 1],
    ): Promise<void> {
      const { program } = server;
      const first = client.post(calculate(one.params, firstId), { who: 'client 1' });
      await until(() => program.held.length > 0 || finished(first), workMs);
      const second = client.post(calculate(two.params, secondId), { who: 'client 2' });
      const held = program.held.length > 0;
      const limit = held ? promptMs : workMs;
      const atWork = () => {
        missing('work on the second request', 'client 2');
        return {
          cause: 'Your server did not begin with the second request before it had answered the first request.',
          advice:
            'Await the work of a request in its own call of the handler, and do not let one request wait for another.',
        };
      };
      await expectSoon(() => program.held.length > 1 || finished(second), atWork, program, limit);
      if (held) {
        const third = client.post(ping(pingId), { who: 'client 3' });
        await third.doneMeanwhile({
          cause: 'Your server did not answer a ping while it was at work on two other requests.',
          advice: shared,
        });
        third.result({ advice: shared });
        expectResult(third, {}, shared);
      }
      const posted = [first, second];
      const works = [...program.held];
      for (const [place, index] of order.entries()) {
        const who = `client ${index + 1}`;
        const name = index === 0 ? 'first' : 'second';
        works[index]?.release();
        const late = () => {
          missing('the response', who);
          return {
            cause:
              place === 0
                ? `The work on the ${name} request is done, but your server did not answer it while the other request was still at work.`
                : `The work on the ${name} request is done, but your server did not answer it after it had answered the other request.`,
            advice: shared,
          };
        };
        await expectSoon(() => finished(posted[index]!), late, program, limit);
        await posted[index]!.done();
        const other = posted[1 - index]!;
        expect(!held || place === 1 || !other.ended, {
          cause: `Your server answered the ${index === 0 ? 'second' : 'first'} request when the work on the ${name} request was done.`,
          compare: { expected: '(nothing yet)', received: received(other) },
          advice: shared,
        });
        posted[index]!.result({ advice: shared });
        expectResult(posted[index]!, { value: [one, two][index]!.value }, shared);
      }
    }

    requirement(
      'If several requests are at work at the same time, the server answers each request as soon as its own work is done, with its own `id` and its own result.',
      async () => {
        const [a, b] = operands();
        const id = random.integer(1, 900);
        await together([calculation('sub', [a, b]), calculation('sub', [b, a])], [id, id + 1, id + 2], [1, 0]);
      },
    );

    requirement(
      'If two clients send requests with the same `id` at the same time, each client gets the result of its own request.',
      async () => {
        const numbers = operands();
        for (const order of [
          [0, 1],
          [1, 0],
        ] as [0 | 1, 0 | 1][]) {
          const id = someId();
          await together([calculation('add', numbers), calculation('mul', numbers)], [id, id, id], order);
        }
      },
    );
  });

  task({ number: 2, title: 'Take a notification', file: 'server.ts' }, () => {
    const byId =
      'Answer with 202 if the message has no id, whatever its method is. Without an id, a ping is a notification too, and nobody waits for the response.';
    const unknown =
      'Answer every notification with 202, before you look the method up. A notification has no id, so there is no request to which an error could belong.';
    const fromClient =
      'Answer with 202. This message is a response of the client: it has an id and a result or an error, but no method. isRequest has to check the method too, with hasMethod.';
    const isNoNotification =
      'Let isNotification return true for this message: it has a method, but no member id. Then refuse a body only if all three guards return false.';
    const isNoResponse =
      'Let isResponse return true for this message: an object with an id and with a result or an error is a response. Then refuse a body only if all three guards return false.';
    const notifications = (): [Message, string][] => {
      const [one, other] = random.words(2);
      return [
        [{ jsonrpc: '2.0', method: 'ping' }, byId],
        [{ jsonrpc: '2.0', method: `notifications/${one}` }, unknown],
        [{ jsonrpc: '2.0', method: `${one}/${other}`, params: { [one!]: other } }, unknown],
        [{ jsonrpc: '2.0', method: 'toString' }, unknown],
        [{ jsonrpc: '2.0', method: 'calculate', params: calculation().params }, byId],
        [{ jsonrpc: '2.0', method: 'calculate' }, byId],
      ];
    };
    const responses = (): [Message, string][] => [
      [{ jsonrpc: '2.0', id: someId(), result: { [word()]: true } }, fromClient],
      [{ jsonrpc: '2.0', id: 0, result: {} }, fromClient],
      [{ jsonrpc: '2.0', id: '', result: { method: 'ping' } }, fromClient],
      [{ jsonrpc: '2.0', id: someId(), error: { code: -32601, message: random.words(2).join(' ') } }, fromClient],
    ];

    requirement(
      'If a message has a `method` but no `id`, the server takes it as a notification: it answers with status 202 and an empty body, whatever the name of the method is.',
      async () => {
        for (const [message, advice] of notifications())
          expectTaken(await sendWith(advice, message), advice, isNoNotification);
      },
    );

    requirement(
      'If a client sends a response, with a `result` or with an `error`, the server answers with status 202 and an empty body.',
      async () => {
        for (const [message, advice] of responses()) expectTaken(await sendWith(advice, message), advice, isNoResponse);
      },
    );

    requirement('After the server has answered with status 202, its handler ends without an error.', async () => {
      const stop =
        'Write return after response.status(202).end(). Otherwise the handler continues with the next statement and answers a second time.';
      for (const [message] of [...notifications(), ...responses()])
        await expectEnd(() => sendWith(stop, message), true, stop);
    });
  });

  task({ number: 3, title: 'Refuse wrong messages', file: 'server.ts' }, () => {
    type Case = readonly [what: string, message: unknown, advice: string, asRequest?: string];
    /** `asRequest` is the advice for a server that answers the message as if it were a request. */
    const refuseAll = async (cases: Iterable<Case>) => {
      for (const [what, message, advice, asRequest] of cases) {
        const posted = await sendWith(advice, message, { what });
        posted.refused(400, -32600, posted.status === 200 ? (asRequest ?? advice) : advice);
      }
    };
    const beforeTheGuards =
      'If all three guards return false, call refuse and return. Do this above the statement that answers with 202. A body that is not a message is not a request either, so that statement takes it.';

    requirement(
      'If the body is JSON but not an object, such as a number, a string, `null` or an array of messages, the server answers with status 400 and a JSON-RPC error with the code `-32600`.',
      async () => {
        const bare =
          'Check with isObject first: every message is an object. A number and a string have no members, and reading a member of null throws an error.';
        const batch =
          'Refuse every array, also an array with one message: typeof says "object" for an array, so use isObject. This revision of MCP has no batches.';
        for (const value of ['3', '0', `"${word()}"`, '""', 'true', 'false', 'null']) {
          const what = `The bare value ${value}`;
          const posted = await sendWith(bare, value, { what });
          const error = fromJson(posted.text);
          expect(posted.status !== 400 || !isObject(error) || !isObject(error.error) || error.error.code !== -32700, {
            cause: `Your server refused the bare value ${value} with the code -32700, but this value is JSON.`,
            compare: { expected: '"code":-32600', received: received(posted) },
            advice:
              'Give express.json the option { strict: false }. Without it, express.json reports every JSON body that is neither an object nor an array as an error.',
            see: posted.see,
          });
          // An object without members tells a refusal that comes too late from one that bare values do not reach.
          const tooLate = posted.status === 202 && (await sendWith(bare, {})).status === 202;
          posted.refused(400, -32600, tooLate ? beforeTheGuards : bare);
        }
        const hello = { jsonrpc: '2.0', method: word() };
        await refuseAll([
          ['An empty array', [], batch],
          ['An array of two requests', [ping(1), ping(2)], batch],
          ['An array with one request', [ping()], batch],
          ['An array with one notification', [hello], batch],
          ['An array with one response', [{ jsonrpc: '2.0', id: 1, result: {} }], batch],
        ]);
      },
    );

    requirement(
      'If `jsonrpc` is missing or is not the string `"2.0"`, the server answers with status 400 and the code `-32600`: for a request, for a notification and for a response.',
      async () => {
        const advice =
          'Compare jsonrpc with the string "2.0" in every guard, and use ===. Every message of JSON-RPC 2.0 has this member.';
        const kinds = [
          ['request', ping()],
          ['notification', { method: word() }],
          ['response', { id: random.integer(1, 999), result: {} }],
        ] as const;
        await refuseAll(
          kinds.flatMap(([kind, message]) =>
            [undefined, '1.0', '2', '2.0.0', 2, null].map(
              (version) =>
                [
                  `A ${kind} ${version === undefined ? 'without jsonrpc' : `with "jsonrpc":${JSON.stringify(version)}`}`,
                  { ...message, jsonrpc: version },
                  advice,
                ] as const,
            ),
          ),
        );
      },
    );

    requirement(
      'If a message has an `id` of a type other than string and number, such as `null`, the server answers with status 400 and the code `-32600`.',
      async () => {
        const advice = 'Check the id with isId, in a request and in a response. An id is a string or a number.';
        const asRequest =
          "Check the id with isId in isRequest, and let isId return true only for a string or a number. 'id' in message is true for every id, but in MCP an id is never null.";
        const none =
          "Refuse this message. In MCP an id is never null, and a notification does not have the member id: check it in isNotification with 'id' in message.";
        const wrong = [null, true, false, {}, [1], []];
        await refuseAll([
          ...wrong.map(
            (id) =>
              [
                `A request with the id ${JSON.stringify(id)}`,
                { ...ping(), id },
                id === null ? none : advice,
                asRequest,
              ] as const,
          ),
          [
            `A message with the method notifications/${word()} and the id null`,
            { jsonrpc: '2.0', id: null, method: 'notifications/x' },
            none,
            asRequest,
          ],
          ...[true, {}].map(
            (id) =>
              [`A response with the id ${JSON.stringify(id)}`, { jsonrpc: '2.0', id, result: {} }, advice] as const,
          ),
        ]);
      },
    );

    requirement(
      'If the `method` is not a string, or if `method`, `result` and `error` are all missing, the server answers with status 400 and the code `-32600`.',
      async () => {
        const advice =
          'Check in the guards that a request and a notification have a method that is a string, and that a response has a result or an error.';
        await refuseAll([
          ['An object without members', {}, advice],
          ['A message that has only jsonrpc', { jsonrpc: '2.0' }, advice],
          ['A message that has only jsonrpc and an id', { jsonrpc: '2.0', id: random.integer(1, 999) }, advice],
          ['A message that has only jsonrpc and params', { jsonrpc: '2.0', params: {} }, advice],
          ...[7, null, true, {}, ['ping']].flatMap((method) => [
            [
              `A message with an id and "method":${JSON.stringify(method)}`,
              { jsonrpc: '2.0', id: 1, method },
              advice,
            ] as const,
            [
              `A message without an id and with "method":${JSON.stringify(method)}`,
              { jsonrpc: '2.0', method },
              advice,
            ] as const,
            [
              `A message with "method":${JSON.stringify(method)} and a result`,
              { jsonrpc: '2.0', id: 1, method, result: {} },
              "Check in isResponse that a response has no method: write !('method' in message).",
            ] as const,
          ]),
        ]);
      },
    );

    const ownOnly = (name: string) =>
      `Look the name up with Object.hasOwn. Every object inherits a member ${name}, but it is not one that you have written.`;

    requirement(
      'If the server does not have the method of a request, it answers with the `id` of the request and an error with the code `-32601`.',
      async () => {
        const [one, other] = random.words(2);
        const known =
          'Check whether methods has this method before you call it, and return a failure with the code -32601 if not.';
        const byId =
          'Answer this request with an error: it has an id. The id decides whether a message is a request, and the name of the method does not.';
        for (const [id, method, advice] of [
          [someId(), `${one}/${other}`, known],
          [0, 'Ping', known],
          ['', ' ping', known],
          [-1, 'rpc.ping', known],
          [someId(), 'rpc.discover', known],
          [someId(), '', known],
          [1, 'pings', known],
          [2, 'server/ping', known],
          [someId(), `notifications/${one}`, byId],
          ...inherited.map((name) => [someId(), name, ownOnly(name)] as const),
        ] as const) {
          const thrown = `${advice} Return the failure, do not throw it: what a method or answer throws is not a JSON-RPC response.`;
          const posted = await sendWith(thrown, request(id, method));
          posted.error(-32601, posted.status === 500 ? thrown : advice);
        }
      },
    );

    const named = (params: unknown) =>
      params === undefined
        ? 'The request calculate without params'
        : `The request calculate with the params ${typeof params === 'string' ? params : asJson(params)}`;
    const expectBadParams = async (params: unknown, advice: string): Promise<void> => {
      const thrown = `${advice} Return the failure, do not throw it: what a method throws is not a JSON-RPC response.`;
      const posted = await sendWith(thrown, calculate(params), { what: named(params) });
      posted.error(-32602, posted.status === 500 ? thrown : advice);
    };

    requirement(
      'If `a`, `b` or `op` of `calculate` is missing or has the wrong type, or if `op` is unknown, the server answers with the `id` of the request and an error with the code `-32602`.',
      async () => {
        const [a, b] = operands();
        const unset =
          'Check with typeof that a and b are numbers. A member that is missing is undefined, and a request may have no params.';
        const types = (wrong: unknown) =>
          `Check the value with typeof, and write return before failure. ${JSON.stringify(wrong)} is not a number in JSON, although Number or an operator may convert it to a number.`;
        const lookUp =
          'Check whether operations has this name before you call it. The names are compared letter by letter.';
        const inArray =
          'Check with typeof that op is a string. The name of a property is always a string, so operations[["add"]] is operations.add.';
        for (const [params, advice] of [
          [{ b, op: 'add' }, unset],
          [{ a, op: 'mul' }, unset],
          [{}, unset],
          [undefined, unset],
          ...[word(), '7', '', null, true, false, [7], {}].flatMap(
            (wrong) =>
              [
                [{ a: wrong, b, op: 'sub' }, types(wrong)],
                [{ a, b: wrong, op: 'sub' }, types(wrong)],
              ] as const,
          ),
          [{ a, b }, lookUp],
          ...[word(), 'ADD', ' add', '', 3, null, true, {}].map((op) => [{ a, b, op }, lookUp] as const),
          [{ a, b, op: ['add'] }, inArray],
          ...inherited.map((op) => [{ a, b, op }, ownOnly(op)] as const),
        ] as const) {
          await expectBadParams(params, advice);
        }
        // What is not an object is refused as no message, or as wrong params.
        for (const params of [[a, b, 'add'], word(), a, null, true]) {
          const advice =
            'Refuse params that are not an object, with the code -32600 or -32602. The params of MCP have names.';
          const posted = await sendWith(advice, calculate(params), {
            what: `${named(JSON.stringify(params))}, which are not an object,`,
          });
          if (posted.status === 400 && posted.text.includes('-32600')) posted.refused(400, -32600, advice);
          else posted.error(-32602, advice);
        }
      },
    );

    requirement(
      'If the result of `calculate` is not a finite number, as in a division by zero, the server answers with the `id` of the request and an error with the code `-32602`.',
      async () => {
        const finite = (name: string) =>
          `Check the result with Number.isFinite, and write return before failure. In JavaScript the result is ${name}, but JSON has no such number, so JSON.stringify writes null.`;
        for (const [params, advice] of [
          [{ a: random.integer(3, 49), b: 0, op: 'div' }, finite('Infinity')],
          [{ a: -random.integer(3, 49), b: 0, op: 'div' }, finite('-Infinity')],
          [{ a: 0, b: 0, op: 'div' }, finite('NaN')],
          [{ a: 1e308, b: 10, op: 'mul' }, finite('Infinity')],
          [{ a: -1e308, b: 1e308, op: 'sub' }, finite('-Infinity')],
          [{ a: 1, b: 1e-309, op: 'div' }, finite('Infinity')],
        ] as const) {
          await expectBadParams(params, advice);
        }
      },
    );

    requirement(
      '`calculate` accepts every number that JSON has for `a` and `b`: `0`, negative numbers and fractions too.',
      async () => {
        const [a, b] = operands();
        const zero =
          'Check the type of a and b with typeof. An if treats 0 as false, but 0 is a number like any other.';
        const whole = 'Check only the type of a and b. A number may be negative, a fraction, very small or very large.';
        for (const [x, y, op, advice] of [
          [0, b, 'add', zero],
          [a, 0, 'mul', zero],
          [0, b, 'div', 'Refuse a division only if b is 0. Zero divided by another number is 0.'],
          [a + 0.5, 1.5, 'add', whole],
          [-a, b, 'sub', whole],
          [a, -0.5, 'div', whole],
          [1e308, 1, 'mul', whole],
          [1e-7, a, 'mul', whole],
        ] as const) {
          const params = { a: x, b: y, op };
          const value = valueOf(x, y, op);
          const posted = await sendWith(advice, calculate(params), { what: named(params) });
          posted.result({ advice, like: { value } });
          expectResult(posted, { value }, 'Calculate with a and b as they came, without rounding or converting them.');
        }
      },
    );

    requirement(
      'After the server has refused a message, its handler does not call a method or throw an error.',
      async () => {
        const stop =
          'Write return after the response has been sent. Otherwise the handler continues with the next statement.';
        const { params } = calculation();
        for (const [what, message] of [
          ['A request to calculate with "jsonrpc":"1.0"', { ...calculate(params), jsonrpc: '1.0' }],
          ['A request to calculate with the id null', { ...calculate(params), id: null }],
          ['A request to calculate with the id true', { ...calculate(params), id: true }],
          ['An array with one request', [calculate(params)]],
          ['The bare value 3', '3'],
          ['The bare value null', 'null'],
          ['An object without members', {}],
          ['A request with an unknown method', request(someId(), word())],
          ['A request to calculate without params', calculate()],
        ] as const) {
          await expectEnd(() => sendWith(stop, message, { what }), false, stop);
        }
      },
    );
  });

  task({ number: 4, title: 'Refuse wrong HTTP requests', file: 'server.ts' }, () => {
    /** Without a Content-Length, Node.js sends the body of a DELETE so that no server can tell where it ends. */
    const withBody = (body?: string): Ask =>
      body === undefined
        ? { headers: { Accept: 'text/event-stream' } }
        : {
            headers: {
              'Content-Type': 'application/json',
              Accept: 'application/json, text/event-stream',
              'Content-Length': String(Buffer.byteLength(body)),
            },
            body,
          };
    const errorHandler =
      'Add an error handler with four parameters as the last handler. express.json passes it an error whose type is entity.parse.failed.';

    requirement(
      'If the body is not JSON, the server answers with status 400 and a JSON-RPC error with the code `-32700`.',
      async () => {
        const [one, id] = [word(), random.integer(1, 999)];
        const quotes =
          'Refuse everything that JSON.parse does not accept. JSON has double quotes, also around names, and commas between members.';
        for (const [what, body, advice] of [
          ['A message that is cut off', `{"jsonrpc":"2.0","id":${id},"method":`, errorHandler],
          ['A bare word', one, errorHandler],
          ['A message written as a TypeScript type', `{ jsonrpc: '2.0'; id: ${id}; method: '${one}' }`, quotes],
          ['A message with single quotes', `{'jsonrpc':'2.0','id':${id},'method':'ping'}`, quotes],
          ['A message with a comma after the last member', `{"jsonrpc":"2.0","id":${id},"method":"ping",}`, quotes],
          ['A message with NaN as its id', '{"jsonrpc":"2.0","id":NaN,"method":"ping"}', errorHandler],
          [
            'A body of two messages, one on each line,',
            `${JSON.stringify(ping())}\n${JSON.stringify(ping())}`,
            'Parse the whole body with a single JSON.parse, as express.json does. It refuses a body with more than one message.',
          ],
          ['An HTML page', `<p>${one}</p>`, errorHandler],
        ] as const) {
          (await sendWith(advice, body, { what })).refused(400, -32700, advice);
        }
        const empty = await sendWith(errorHandler, '', { what: 'An empty body' });
        const code = empty.text.includes('-32700') ? -32700 : -32600;
        empty.refused(400, code, 'Refuse an empty body with the code -32600 or -32700, because it is not a message.');
      },
    );

    requirement(
      'If the HTTP method is not POST, the server answers with status 405, the header `Allow: POST`, and a JSON-RPC error as the body.',
      async () => {
        for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
          const body = ['PUT', 'PATCH', 'DELETE'].includes(method) ? JSON.stringify(ping()) : undefined;
          const ask405 = { method, ...withBody(body) };
          const flag = method === 'HEAD' ? '-I' : `-i -X ${method}`;
          const see = `curl ${flag} http://127.0.0.1:3000/mcp`;
          const posted = await ask(`${method} /mcp`, undefined, ask405, see);
          const advice =
            method === 'OPTIONS' && posted.status === 200
              ? "Use app.all('/mcp', …), which handles OPTIONS too. Without such a handler, Express answers OPTIONS itself."
              : "Add app.all('/mcp', …) after app.post: it handles all the other HTTP methods. Call refuse with the status 405 in it.";
          // The response to HEAD never has a body.
          if (method === 'HEAD')
            expectStatus(posted, 405, {
              cause: `Your server answered HEAD /mcp with status ${posted.status}.`,
              advice,
              see,
            });
          else posted.refused(405, undefined, advice);
          expectHeader(posted, 'Allow', (allow) => allow.trim() === 'POST', 'POST', {
            cause: posted.headers.allow
              ? `Your server answered ${method} /mcp with a wrong Allow header.`
              : `Your server answered ${method} /mcp with status 405, but without an Allow header.`,
            advice: posted.headers.allow
              ? 'List in Allow only what your server accepts at this path: POST.'
              : "Set the header with response.set('Allow', 'POST'). It returns the response, so you can pass it to refuse.",
            see,
          });
        }
      },
    );

    const post = 'curl -i http://127.0.0.1:3000/mcp';
    const data = `-d '{"jsonrpc":"2.0","id":1,"method":"ping"}'`;

    requirement(
      'If the `Content-Type` is missing or is not `application/json`, the server answers with status 415 and a JSON-RPC error as the body.',
      async () => {
        const type =
          "Check the header with request.is('application/json') before express.json reads the body. express.json ignores a body of a different type.";
        const wholeType =
          "Compare the whole media type, as request.is('application/json') does. A different type can contain the same letters.";
        for (const [value, advice] of [
          ['text/plain', type],
          ['application/x-www-form-urlencoded', type],
          ['text/json', wholeType],
          ['application/json-seq', wholeType],
          ['application/jsonlines', wholeType],
          ['application/vnd.api+json', wholeType],
          ['application/json-patch+json', wholeType],
          ['text/plain; note=application/json', wholeType],
        ] as const) {
          const what = `A request with Content-Type: ${value}`;
          (await sendWith(advice, ping(), { headers: { 'Content-Type': value }, what })).refused(
            415,
            undefined,
            advice,
          );
        }
        const message = ping();
        const missingType = await ask(
          'A request without Content-Type',
          message,
          { method: 'POST', headers: { Accept: 'application/json, text/event-stream' }, body: JSON.stringify(message) },
          `${post} -H 'Content-Type:' -H 'Accept: application/json, text/event-stream' ${data}`,
        );
        missingType.refused(415, undefined, type);
      },
    );

    requirement(
      'If `Accept` lists only types other than `application/json` and `text/event-stream`, the server answers with status 406 and a JSON-RPC error as the body.',
      async () => {
        const accept =
          'Check the header with request.accepts, and call refuse with the status 406 if the client accepts neither of the two types.';
        const wholeAccept =
          'Compare whole media types, as request.accepts does. A different type can contain the same letters.';
        for (const [value, advice] of [
          ['text/html', accept],
          ['image/png, text/plain;q=0.5', accept],
          ['text/json', accept],
          ['application/jsonlines', wholeAccept],
          ['text/html, application/json-seq', wholeAccept],
          ['application/vnd.api+json', wholeAccept],
          ['text/event-streams', wholeAccept],
          ['text/html; note=application/json', wholeAccept],
        ] as const) {
          const what = `A request with Accept: ${value}`;
          (await sendWith(advice, ping(), { headers: { Accept: value }, what })).refused(406, undefined, advice);
        }
        const either = 'Answer this request, or refuse it with status 406 and a JSON-RPC error.';
        const expectEither = (posted: Posted) => {
          if (posted.status === 200) expectResult(posted, {}, either);
          else posted.refused(406, undefined, either);
        };
        for (const value of ['application/json', 'text/event-stream', '*/*']) {
          const what = `A request with Accept: ${value}`;
          expectEither(await sendWith(either, ping(), { headers: { Accept: value }, what }));
        }
        const message = ping();
        expectEither(
          await ask(
            'A request without Accept',
            message,
            { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(message) },
            `${post} -H 'Content-Type: application/json' -H 'Accept:' ${data}`,
          ),
        );
      },
    );

    requirement(
      'The server accepts a `Content-Type` with parameters and an `Accept` with a `q`, in upper or lower case, and with the types in any order.',
      async () => {
        for (const [name, value] of [
          ['Content-Type', 'application/json; charset=utf-8'],
          ['Content-Type', 'application/json;charset="UTF-8"'],
          ['Content-Type', 'Application/JSON'],
          ['Accept', 'text/event-stream, application/json'],
          ['Accept', 'application/json,text/event-stream'],
          ['Accept', 'Application/JSON, Text/Event-Stream'],
          ['Accept', 'text/html, application/json;q=0.9,text/event-stream;q=0.8'],
        ] as const) {
          const message = ping(`${word()} é 😀`);
          const posted = await sendWith('', message, {
            headers: { [name]: value },
            what: `A request with ${name}: ${value}`,
          });
          const status = posted.status === 200 ? undefined : `Your server refused a request with ${name}: ${value}.`;
          expectResult(
            posted,
            {},
            'Read the headers with request.is and request.accepts instead of comparing strings: a header may have parameters, any case and any order.',
            status,
          );
        }
      },
    );

    requirement(
      'The server accepts a body of 900 kB. If the body is larger than 1 MB, with a `Content-Length` or in chunks, the server answers with status 413 and a JSON-RPC error as the body.',
      async () => {
        const limit =
          "Set the limit of express.json to 1 MB: { limit: '1mb' }. Without this option, the limit is 100 kB.";
        const tooLarge =
          'Pass error.status to refuse in the error handler: express.json reports an error with the status 413.';
        const everyError =
          'Answer every error in the error handler: end it with an else that calls refuse. Without an answer, the client waits.';
        const characters = 'Count bytes instead of characters: in UTF-8, é has two bytes.';
        const noLimit =
          "Limit the body itself: express.json({ limit: '1mb' }) counts the bytes as they arrive, with and without a Content-Length.";
        const sized = (filler: string, what: string, advice: string, options: PostOptions = {}) =>
          sendWith(advice, request(1, 'ping', { filler }), { what, ...options });
        const fits = 'x'.repeat(900_000);
        const tooMuch = 'x'.repeat(1_200_000);
        for (const [where, options] of [
          ['', {}],
          [' in chunks, without a Content-Length,', { body: 'chunked' }],
        ] as const) {
          const posted = await sized(fits, `A request of 900 kB${where}`, limit, options);
          expectResult(posted, {}, limit, `Your server refused a request of 900 kB${where.replace(/,$/, '')}.`);
          const large = await sized(tooMuch, `A request of 1.2 MB${where}`, tooLarge, {
            unanswered: everyError,
            ...options,
          });
          large.refused(413, undefined, large.status === 200 ? noLimit : tooLarge);
        }
        const what = 'A request of 1.2 MB in 600,000 characters';
        (await sized('é'.repeat(600_000), what, characters)).refused(413, undefined, characters);
      },
    );

    const site = () => `${word()}.example`;

    requirement(
      'If `Host` or `Origin` names another machine, the server answers with status 403 and a JSON-RPC error as the body.',
      async () => {
        const { port } = server.url;
        const check =
          'Keep the check of Host and Origin that the starter has above app.post, before all other handlers.';
        const whole =
          'Compare the whole name of the machine, as the starter does. A different name can contain the same letters.';
        const named = (header: Record<string, string>) =>
          Object.entries(header).map(([name, value]) => `${name}: ${value}`)[0]!;
        for (const [header, advice, id] of [
          [{ Origin: `http://${site()}` }, check],
          [{ Origin: `https://${site()}:${port}` }, check],
          [{ Origin: `http://localhost.${site()}` }, whole],
          [{ Origin: `http://127.0.0.1.${site()}` }, whole],
          [{ Origin: `http://${site()}:3000` }, whole],
          [{ Origin: 'http://notlocalhost' }, whole, 1],
          [{ Host: site() }, check],
          [{ Host: `${site()}:${port}` }, check],
          [{ Host: `localhost.${site()}:${port}` }, whole],
          [{ Host: `127.0.0.1.${site()}` }, whole],
          [{ Host: `notlocalhost:${port}` }, whole, 2],
        ] as [Record<string, string>, string, number?][]) {
          const what = `A request with ${named(header)}`;
          (await sendWith(advice, ping(id), { headers: header, what })).refused(403, undefined, advice);
        }
        for (const header of [
          { Host: `localhost:${port}` },
          { Host: `127.0.0.1:${port}` },
          { Origin: `http://127.0.0.1:${port}` },
          { Origin: 'http://localhost:5173' },
          { Origin: 'https://localhost' },
        ] as Record<string, string>[]) {
          const posted = await sendWith('', ping(), { headers: header, what: `A request with ${named(header)}` });
          const refused =
            posted.status === 200
              ? undefined
              : `Your server refused a request with ${named(header)}, but this is the name of its own machine.`;
          expectResult(posted, {}, 'Accept localhost and 127.0.0.1, with any port, as the starter does.', refused);
        }
      },
    );

    requirement(
      'After the server has refused an HTTP request, its handlers do not call a method or throw an error.',
      async () => {
        const stop =
          'Write return after refuse, or else before the next case. If the handler also calls next(), the next handler answers a second time.';
        const { params } = calculation();
        for (const [what, message, options] of [
          ['A request with Accept: text/html', calculate(params), { headers: { Accept: 'text/html' } }],
          ['A request with Content-Type: text/plain', calculate(params), { headers: { 'Content-Type': 'text/plain' } }],
          ['A request with a foreign Origin', calculate(params), { headers: { Origin: `http://${site()}` } }],
          ['A body that is not JSON', word(), {}],
          ['A body of 1.2 MB', calculate({ ...params, filler: 'x'.repeat(1_200_000) }), {}],
        ] as [string, unknown, PostOptions][]) {
          await expectEnd(() => sendWith(stop, message, { what, ...options }), false, stop);
        }
        for (const method of ['PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS']) {
          const body = method === 'GET' || method === 'OPTIONS' ? undefined : JSON.stringify(calculate(params));
          const see = `curl -i -X ${method} http://127.0.0.1:3000/mcp`;
          await expectEnd(() => ask(`${method} /mcp`, undefined, { method, ...withBody(body) }, see), false, stop);
        }
      },
    );
  });
});
