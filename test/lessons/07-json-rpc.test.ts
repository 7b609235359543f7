import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import { expectHeader, expectStatus, finished, received, workMs } from '../harness/vocabulary/http.ts';
import { judged, mcpClient, request, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import { asJson } from '../harness/vocabulary/value.ts';
import { type Message } from '../harness/wire/json.ts';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  let server: Server;
  let client: McpClient;

  const someId = () => random.pick([random.integer(1, 999), random.words(1)[0]!]);
  const word = () => random.words(1)[0]!;

  /** The answer is exactly this result. */
  function expectResult(posted: Posted, expected: object, advice: string, cause?: string): void {
    const result = posted.result({ ...(cause && { cause, advice }) });
    const text = typeof result.value === 'string';
    const twice = asJson(result.value) === asJson({ result: expected });
    result.is(
      expected,
      `${posted.what} has ${text ? 'a text as its' : 'another'} result.`,
      text
        ? 'The result is an object: response.json makes the text of the whole message, once.'
        : twice
          ? 'What answer returns has the property result already.'
          : advice,
    );
  }

  /** Posts a message, and waits for the end of its answer; a crash on the way gets the advice too. */
  const sendWith = (advice: string, message: unknown, what?: string): Promise<Posted> =>
    client.send(message, { ifItThrows: { advice }, ...(what && { what }) });

  const ping = (id: string | number = random.integer(1, 999)) => request(id, 'ping');
  const calculate = (params?: unknown, id: string | number = someId()) => request(id, 'calculate', params);

  /** `{ a, op, b }` of a calculation, and what it comes to. */
  function calculation(op = random.pick(['add', 'sub', 'mul'])) {
    const [a, b] = [random.integer(2, 99), random.integer(2, 99)];
    const value = op === 'add' ? a + b : op === 'sub' ? a - b : op === 'mul' ? a * b : a / b;
    return { params: { a, b, op }, value };
  }

  task({ number: 1, title: 'Answer a request', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      '`ping` is answered with status 200, `Content-Type: application/json` and one object: `"jsonrpc":"2.0"`, the `id` of the request, and the `result` `{}`.',
      async () => {
        server = await startServer();
        client = mcpClient(server);
        const posted = await client.send(ping());
        expectStatus(posted, 200, {
          cause: `${posted.what} was answered with status ${posted.status}.`,
          see: posted.see,
        });
        expectHeader(posted, 'Content-Type', (type) => !/event-stream/i.test(type), 'application/json', {
          cause: 'The answer is an event stream.',
          advice: 'One object needs no stream: lesson 9 is where there is more to send.',
          see: posted.see,
        });
        expectResult(posted, {}, 'That there is an answer says all: the result of ping is an empty object.');
      },
    );

    requirement(
      'The `id` comes back as it was: a string stays a string and a number a number, `0` and `""` too.',
      async () => {
        const number = random.integer(1, 999);
        for (const id of [word(), number, String(number), 0, '']) {
          const posted = await client.send(ping(id));
          expect(posted.status !== 202 && (posted.status !== 400 || posted.text.includes('"result"')), {
            cause: `A request with the id ${JSON.stringify(id)} was taken for ${posted.status === 202 ? 'a notification' : 'something else'}.`,
            compare: { expected: '"result":{}', received: received(posted) },
            advice: id
              ? 'Every message with a method and an id is a request.'
              : '0 and "" are ids like any other, and an if takes both for false: ask for the type of the id.',
            see: posted.see,
          });
          expectResult(posted, {}, 'The id changes nothing about the result.');
        }
      },
    );

    requirement(
      '`calculate` is answered when its work is done, and not before: with the `params` `{"a":7,"b":5,"op":"mul"}` the result is `{"value":35}`.',
      async () => {
        const { program } = server;
        const advice = 'The starter has calculate: call it with the params of the request, and send what it returns.';
        const posted = client.post(calculate({ a: 7, b: 5, op: 'mul' }));
        await until(() => program.held.length > 0 || finished(posted), workMs);
        await program.caughtUp();
        expect(program.held.length === 0 || !posted.ended, {
          cause: 'The request calculate was answered while its work was still going on.',
          compare: { expected: '(nothing yet)', received: received(posted) },
          advice: 'What calculate returns is a promise, as work takes time: await it, and answer then.',
          see: posted.see,
        });
        expectResult(await posted.done(), { value: 35 }, advice);
        for (const op of ['add', 'sub', 'mul', 'div']) {
          const { params, value } = calculation(op);
          expectResult(await client.send(calculate(params)), { value }, advice);
        }
      },
    );

    requirement(
      'Two requests at a time are each answered with their own `id` and their own result, in the order in which their work is done.',
      async () => {
        const { program } = server;
        const [one, two] = [calculation(), calculation()];
        const firstId = random.integer(1, 999);
        const first = client.post(calculate(one.params, firstId), { who: 'client 1' });
        await until(() => program.held.length > 0 || finished(first), workMs);
        const second = client.post(calculate(two.params, firstId + 1), { who: 'client 2' });
        const held = program.held.length > 0;
        const limit = held ? promptMs : workMs;
        const atWork = () => {
          missing('work on the second request', 'client 2');
          return {
            cause: 'The second request waits until the first is answered.',
            advice: 'Each call of the handler goes its own way: it awaits its own work, and nobody else’s.',
          };
        };
        await expectSoon(() => program.held.length > 1 || finished(second), atWork, program, limit);
        const shared =
          'Does something outside of the handler hold the response or the id? There is one of it for all requests.';
        const expectAnswer = async (posted: Posted, who: string, cause: string) => {
          const late = () => {
            missing('the answer', who);
            return { cause, advice: shared };
          };
          await expectSoon(() => finished(posted), late, program, limit);
          await posted.done();
        };
        program.held[1]?.release();
        await expectAnswer(
          second,
          'client 2',
          'The work on the second request is done, and it has no answer while the first is at work.',
        );
        expect(!held || !first.ended, {
          cause: 'The first request was answered when the work on the second was done.',
          compare: { expected: '(nothing yet)', received: received(first) },
          advice: shared,
        });
        program.held[0]?.release();
        await expectAnswer(
          first,
          'client 1',
          'The work on the first request is done, and it has no answer, as the second had its own before.',
        );
        const own = 'What belongs to a request stays in its handler: a variable outside belongs to all.';
        expectResult(second, { value: two.value }, own);
        expectResult(first, { value: one.value }, own);
      },
    );
  });

  task({ number: 2, title: 'Take a notification', file: 'server.ts' }, () => {
    const expectTaken = async (message: Message, advice: string) => (await sendWith(advice, message)).accepted(advice);

    requirement(
      'A message with a `method` and without an `id` is a notification: status 202 and an empty body, for a method that the server does not know and for `ping` and `calculate` too.',
      async () => {
        const [one, other] = random.words(2);
        const byId =
          'The id makes the difference, not the method: without an id, a ping is a notification, and nobody waits for its answer.';
        const unknown =
          'Nobody waits for an answer to a notification, and there is no id to give it: an error has nowhere to go either.';
        await expectTaken({ jsonrpc: '2.0', method: 'ping' }, byId);
        await expectTaken({ jsonrpc: '2.0', method: `notifications/${one}` }, unknown);
        await expectTaken({ jsonrpc: '2.0', method: `${one}/${other}`, params: { [one!]: other } }, unknown);
        await expectTaken({ jsonrpc: '2.0', method: 'calculate', params: calculation().params }, byId);
      },
    );

    requirement(
      'A response that a client sends, a result or an error, is taken the same way: status 202 and an empty body.',
      async () => {
        const advice =
          'What a client says when it was asked is a response: an id, a result or an error, and no method. A guard for requests has to look at the method too.';
        await expectTaken({ jsonrpc: '2.0', id: someId(), result: { [word()]: true } }, advice);
        await expectTaken({ jsonrpc: '2.0', id: 0, result: {} }, advice);
        const error = { code: -32601, message: random.words(2).join(' ') };
        await expectTaken({ jsonrpc: '2.0', id: someId(), error }, advice);
      },
    );
  });

  task({ number: 3, title: 'Refuse well', file: 'server.ts' }, () => {
    requirement('A body that is not JSON: status 400 and a JSON-RPC error with the code `-32700`.', async () => {
      const one = word();
      const expectUnparsed = async (what: string, body: string, advice: string) =>
        (await sendWith(advice, body, what)).refused(400, -32700, advice);
      const advice =
        'express.json calls next with an error whose type is entity.parse.failed: an error handler, the one with four parameters, gets it.';
      await expectUnparsed('A message that is cut off', '{"jsonrpc":"2.0","id":1,"method":', advice);
      await expectUnparsed('A bare word', one, advice);
      const types = 'JSON has double quotes, around the names too, and commas in between.';
      await expectUnparsed(
        'A message written as a TypeScript type',
        `{ jsonrpc: '2.0'; id: 1; method: '${one}' }`,
        types,
      );
    });

    requirement(
      'JSON that is not one JSON-RPC message: the same with the code `-32600`, be it a bare value, an array, an object without `"jsonrpc":"2.0"`, one with neither a `method` nor a `result` or `error`, a `method` that is not a string, or an `id` that is neither a string nor a number, such as `null`.',
      async () => {
        const one = word();
        const bare =
          'Each kind of message is an object: ask for that first. A number or a text has no properties, and to read one of null throws.';
        const strict = 'It is JSON, so -32700 is not it: express.json takes bare values with { strict: false }.';
        const batch =
          'An array is a batch in JSON-RPC, and an object in JavaScript: typeof says "object". MCP takes one message at a time.';
        const version = 'jsonrpc is the string "2.0" in every message, as there was a version before it.';
        const none =
          'In MCP an id is never null. Such a message is no notification either: that one has no property id at all.';
        const id = 'An id is a string or a number.';
        const method =
          'A request and a notification have a method, which is a string; a response has an id, and a result or an error.';
        for (const [what, message, advice] of [
          ...['3', `"${one}"`, 'true', 'null'].map((value) => [`The bare value ${value}`, value, bare] as const),
          ['An empty array', [], batch],
          ['An array of two requests', [ping(1), ping(2)], batch],
          ['A request without jsonrpc', { id: 1, method: 'ping' }, version],
          ['A request of version "1.0"', { ...ping(1), jsonrpc: '1.0' }, version],
          ['A notification without jsonrpc', { method: one }, version],
          ['A response without jsonrpc', { id: random.integer(1, 999), result: {} }, version],
          ['A request with the number 2 as its jsonrpc', { ...ping(1), jsonrpc: 2 }, version],
          ['A request with the id null', { ...ping(), id: null }, none],
          ...[true, {}, [1]].map(
            (wrong) => [`A request with the id ${JSON.stringify(wrong)}`, { ...ping(), id: wrong }, id] as const,
          ),
          [
            'A response with the id true',
            { jsonrpc: '2.0', id: true, result: {} },
            'An id is a string or a number, in a response too.',
          ],
          ['An object with nothing in it', {}, method],
          ['A message without a method', { jsonrpc: '2.0', id: random.integer(1, 999) }, method],
          ['A message without an id and a method', { jsonrpc: '2.0' }, method],
          ['A request whose method is a number', { jsonrpc: '2.0', id: 1, method: 7 }, method],
          ['A message without an id, whose method is a number,', { jsonrpc: '2.0', method: 3 }, method],
        ] as const) {
          const posted = await sendWith(advice, message, what);
          posted.refused(400, -32600, advice === bare && posted.text.includes('-32700') ? strict : advice);
        }
      },
    );

    const inherited = (name: string) =>
      `Every object has a property ${name}, from its prototype: Object.hasOwn tells what is its own.`;
    const onPrototypes = ['toString', 'constructor', '__proto__'];

    requirement(
      'A method that the server does not have: an error with the `id` of the request and the code `-32601`.',
      async () => {
        const [one, other] = random.words(2);
        const known = 'Look the method up before you call it.';
        for (const [id, method, advice] of [
          [someId(), `${one}/${other}`, known],
          [0, 'Ping', known],
          ...onPrototypes.map((name) => [someId(), name, `${inherited(name)} A Map has nothing else.`] as const),
        ] as const) {
          (await sendWith(advice, request(id, method))).error(-32601, advice);
        }
      },
    );

    requirement(
      '`calculate` with an `a` or `b` that is missing or not a number, an `op` that is none of the four, or a division by zero: an error with the `id` of the request and the code `-32602`.',
      async () => {
        const { a, b } = calculation().params;
        const unset = 'What is missing is undefined, and so is the whole of params when a request has none.';
        const lookUp = 'Look the operation up before you call it.';
        const types = (wrong: unknown) =>
          typeof wrong === 'string'
            ? `JSON has numbers, and ${JSON.stringify(wrong)} is a text. Ask for the type.`
            : `${JSON.stringify(wrong)} is no number, whatever Number makes of it. Ask for the type.`;
        const noNumber = (name: string) =>
          `JavaScript calls it ${name}; JSON has no such number, and JSON.stringify writes null.`;
        for (const [params, advice] of [
          [{ b, op: 'add' }, unset],
          [{ a, op: 'mul' }, unset],
          [{ a, b }, unset],
          [undefined, unset],
          ...[word(), '7', '', null, true, [7]].flatMap(
            (wrong) =>
              [
                [{ a: wrong, b, op: 'sub' }, types(wrong)],
                [{ a, b: wrong, op: 'sub' }, types(wrong)],
              ] as const,
          ),
          [{ a, b, op: word() }, lookUp],
          [{ a, b, op: 3 }, lookUp],
          [
            { a, b, op: ['add'] },
            'The name of a property is made a text: operations[["add"]] is operations.add. Ask for the type of op.',
          ],
          ...onPrototypes.map((op) => [{ a, b, op }, inherited(op)] as const),
          [{ a, b: 0, op: 'div' }, noNumber('Infinity')],
          [{ a: 0, b: 0, op: 'div' }, noNumber('NaN')],
        ] as const) {
          const what = `The request calculate ${params ? `with the params ${asJson(params).slice(0, 60)}` : 'without params'}`;
          const thrown = `${advice} And return the failure: what a method throws is no answer.`;
          (await sendWith(thrown, calculate(params), what)).error(-32602, advice);
        }

        const zero = '0 is a number like any other, and an if takes it for false: ask for the type.';
        const whole = 'A number may have a fraction or be less than 0: ask for the type.';
        for (const [params, value, advice] of [
          [{ a: 0, b, op: 'add' }, b, zero],
          [{ a, b: 0, op: 'mul' }, 0, zero],
          [{ a: 0, b, op: 'div' }, 0, 'Nothing, divided by something, is 0: only a b of 0 is a division by zero.'],
          [{ a: a + 0.5, b: 1.5, op: 'add' }, a + 2, whole],
          [{ a: -a, b, op: 'sub' }, -a - b, whole],
        ] as const) {
          const what = `The request calculate with the params ${asJson(params)}`;
          const posted = await sendWith(advice, calculate(params), what);
          posted.result({ advice, like: { value } });
          expectResult(posted, { value }, 'What is allowed for a and b is calculated as before.');
        }
      },
    );

    requirement(
      'Another HTTP method than POST: status 405 with `Allow: POST`. Another Content-Type than `application/json`: 415. An `Accept` with neither `application/json` nor `text/event-stream`: 406. A body of more than 1 MB: 413. Each with a JSON-RPC error as its body.',
      async () => {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const see = `curl -i -X ${method} http://127.0.0.1:3000/mcp`;
          const posted = judged(server, server.request('/mcp', { method }), undefined, `${method} /mcp`, see);
          await posted.done();
          posted.refused(
            405,
            undefined,
            'app.all takes what app.post has not taken; refuse has the status as its parameter.',
          );
          expectHeader(posted, 'Allow', (allow) => /\bPOST\b/.test(allow), 'POST', {
            cause: 'The answer with status 405 does not say which methods there are.',
            advice: "response.set('Allow', 'POST') says it; set returns the response, so refuse can take it.",
            see,
          });
        }

        const type = 'express.json leaves a body of another type alone: look at the type with request.is, before it.';
        const wholeType = 'Another type may begin with the same letters: request.is compares the whole type.';
        const accept = 'request.accepts tells whether a client takes a type.';
        const wholeAccept = 'Another type may begin with the same letters: request.accepts compares whole types.';
        for (const [status, name, value, advice] of [
          [415, 'Content-Type', 'text/plain', type],
          [415, 'Content-Type', 'application/x-www-form-urlencoded', type],
          [415, 'Content-Type', 'application/json-seq', wholeType],
          [415, 'Content-Type', 'application/jsonlines', wholeType],
          [406, 'Accept', 'text/html', accept],
          [406, 'Accept', 'image/png, text/plain;q=0.5', accept],
          [406, 'Accept', 'application/jsonlines', wholeAccept],
          [406, 'Accept', 'text/html, application/json-seq', wholeAccept],
        ] as const) {
          const what = `A request with ${name}: ${value}`;
          (await client.send(ping(), { headers: { [name]: value }, what })).refused(status, undefined, advice);
        }
        for (const [name, value] of [
          ['Content-Type', 'application/json; charset=utf-8'],
          ['Content-Type', 'Application/JSON'],
          ['Accept', 'text/event-stream, application/json'],
          ['Accept', 'Application/JSON, Text/Event-Stream'],
          ['Accept', 'text/html, application/json;q=0.9,text/event-stream;q=0.8'],
        ] as const) {
          const posted = await client.send(ping(), { headers: { [name]: value } });
          expectResult(
            posted,
            {},
            'These headers are lists of values with parameters, in any order and case: request.is and request.accepts read them.',
            `A request with ${name}: ${value} was refused.`,
          );
        }

        const sized = (bytes: number, what: string) =>
          client.send(request(1, 'ping', { filler: 'x'.repeat(bytes) }), { what });
        expectResult(
          await sized(900_000, 'A request of 900 kB'),
          {},
          'The limit of express.json is 100 kB, unless you say another: { limit: "1mb" }.',
          'A request of 900 kB was refused.',
        );
        (await sized(1_200_000, 'A request of 1.2 MB')).refused(
          413,
          undefined,
          'express.json calls next with an error, whose status is 413: the error handler gets it.',
        );
      },
    );
  });
});
