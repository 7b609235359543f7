import { isDeepStrictEqual } from 'node:util';
import { grader } from '../harness/run/grader.ts';
import { expect } from '../harness/run/failure.ts';
import { promptMs, type Server } from '../harness/run/run.ts';
import {
  answered,
  ask,
  checkError,
  checkShape,
  messagesIn,
  post,
  received,
  resultOf,
  shown,
  workMs,
  wrongCode,
  type Message,
  type Posted,
} from '../harness/vocabulary/mcp.ts';

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, until } = run;

  let server: Server;

  const request = (id: unknown, method: string, params?: unknown) => ({
    jsonrpc: '2.0',
    id,
    method,
    ...(params !== undefined && { params }),
  });
  const someId = () => random.pick([random.integer(1, 999), random.words(1)[0]!]);

  /** The answer that has ended has exactly this result. */
  function checkResult(posted: Posted, expected: object, advice: string): void {
    const result = resultOf(posted);
    const text = typeof result === 'string';
    const twice = isDeepStrictEqual(result, { result: expected });
    expect(isDeepStrictEqual(result, expected), {
      cause: `${posted.what} has ${text ? 'a text as its' : 'another'} result.`,
      compare: { expected: `"result":${JSON.stringify(expected)}`, received: `"result":${shown(result)}` },
      advice: text
        ? 'The result is an object: response.json makes the text of the whole message, once.'
        : twice
          ? 'What answer returns has the property result already.'
          : advice,
      see: posted.see,
    });
  }

  /** Posts a message and waits for the end of its answer; a crash on the way gets the advice too. */
  async function askWith(advice: string, message: unknown): Promise<Posted> {
    const posted = post(server, message, { ifItThrows: { advice } });
    await answered(server, posted);
    return posted;
  }

  /** `{ a, op, b }` of a calculation, and what it comes to. */
  function calculation(op = random.pick(['add', 'sub', 'mul'])) {
    const [a, b] = [random.integer(2, 99), random.integer(2, 99)];
    const value = op === 'add' ? a + b : op === 'sub' ? a - b : op === 'mul' ? a * b : a / b;
    return { params: { a, b, op }, value };
  }

  task({ number: 1, title: 'Answer a request', file: 'server.ts' }, () => {
    requirement(
      '`ping` is answered with status 200, `Content-Type: application/json` and one object: `"jsonrpc":"2.0"`, the `id` of the request, and the `result` `{}`.',
      async () => {
        server = await startServer();
        const posted = await ask(server, request(random.integer(1, 999), 'ping'));
        expect(posted.status === 200, {
          cause: `${posted.what} was answered with status ${posted.status}.`,
          compare: { expected: '200', received: received(posted) },
          see: posted.see,
        });
        const type = String(posted.headers['content-type']);
        expect(!/event-stream/i.test(type), {
          cause: 'The answer is an event stream.',
          compare: { expected: 'Content-Type: application/json', received: `Content-Type: ${type}` },
          advice: 'One object needs no stream: lesson 7 is where there is more to send.',
          see: posted.see,
        });
        checkResult(posted, {}, 'That there is an answer says all: the result of ping is an empty object.');
      },
    );

    requirement(
      'The `id` comes back as it was: a string stays a string and a number a number, `0` and `""` too.',
      async () => {
        const [word] = random.words(1);
        const number = random.integer(1, 999);
        for (const id of [word!, number, String(number), 0, '']) {
          const posted = await ask(server, request(id, 'ping'));
          expect(posted.status !== 202 && (posted.status !== 400 || posted.text.includes('"result"')), {
            cause: `A request with the id ${JSON.stringify(id)} was taken for ${posted.status === 202 ? 'a notification' : 'something else'}.`,
            compare: { expected: '"result":{}', received: received(posted) },
            advice: id
              ? 'Every message with a method and an id is a request.'
              : '0 and "" are ids like any other, and an if takes both for false: ask for the type of the id.',
            see: posted.see,
          });
          checkResult(posted, {}, 'The id changes nothing about the result.');
        }
      },
    );

    requirement(
      '`calculate` is answered when its work is done, and not before: with the `params` `{"a":7,"b":5,"op":"mul"}` the result is `{"value":35}`.',
      async () => {
        const { program } = server;
        const advice = 'The starter has calculate: call it with the params of the request, and send what it returns.';
        const posted = post(server, request(someId(), 'calculate', { a: 7, b: 5, op: 'mul' }));
        await until(() => program.held.length > 0 || posted.ended || posted.broken, workMs);
        await program.caughtUp();
        expect(program.held.length === 0 || !posted.ended, {
          cause: 'The request calculate was answered while its work was still going on.',
          compare: { expected: '(nothing yet)', received: received(posted) },
          advice: 'What calculate returns is a promise, as work takes time: await it, and answer then.',
          see: posted.see,
        });
        await answered(server, posted);
        checkResult(posted, { value: 35 }, advice);
        for (const op of ['add', 'sub', 'mul', 'div']) {
          const { params, value } = calculation(op);
          checkResult(await ask(server, request(someId(), 'calculate', params)), { value }, advice);
        }
      },
    );

    requirement(
      'Two requests at a time are each answered with their own `id` and their own result, in the order in which their work is done.',
      async () => {
        const { program } = server;
        const [one, two] = [calculation(), calculation()];
        const firstId = random.integer(1, 999);
        const first = post(server, request(firstId, 'calculate', one.params), { who: 'client 1' });
        await until(() => program.held.length > 0 || first.ended || first.broken, workMs);
        const second = post(server, request(firstId + 1, 'calculate', two.params), { who: 'client 2' });
        const held = program.held.length > 0;
        const both = () => program.held.length > 1 || second.ended || second.broken;
        await expectSoon(
          both,
          () => {
            missing('work on the second request', 'client 2');
            return {
              cause: 'The second request waits until the first is answered.',
              advice: 'Each call of the handler goes its own way: it awaits its own work, and nobody else’s.',
            };
          },
          program,
          held ? promptMs : workMs,
        );
        const shared =
          'Does something outside of the handler hold the response or the id? There is one of it for all requests.';
        const expectAnswer = async (posted: Posted, client: string, cause: string) => {
          await expectSoon(
            () => posted.ended || posted.broken,
            () => {
              missing('the answer', client);
              return { cause, advice: shared };
            },
            program,
            held ? promptMs : workMs,
          );
          await answered(server, posted);
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
        checkResult(second, { value: two.value }, own);
        checkResult(first, { value: one.value }, own);
      },
    );
  });

  task({ number: 2, title: 'Take a notification', file: 'server.ts' }, () => {
    /** The message is taken, and nothing is said about it. */
    const expectTaken = async (message: Message, advice: string) => {
      const posted = await askWith(advice, message);
      const { status, text, what, see } = posted;
      const compare = { expected: '202 and no body', received: received(posted) };
      expect(status! < 300, { cause: `${what} was refused.`, compare, advice, see });
      expect(!/"(result|error)"/.test(text), { cause: `${what} was answered.`, compare, advice, see });
      expect(status === 202, {
        cause: `${what} came back with status ${status}.`,
        compare,
        advice:
          status === 200 || status === 204
            ? 'MCP has agreed on 202 Accepted: taken, and nothing to say about it.'
            : advice,
        see,
      });
      expect(text === '', {
        cause: 'The status is 202, and there is a body.',
        compare,
        advice:
          text === 'Accepted'
            ? 'response.sendStatus sends the name of the status as the body; response.status(202).end() sends none.'
            : 'response.status(202).end() sends none.',
        see,
      });
    };

    requirement(
      'A message with a `method` and without an `id` is a notification: status 202 and an empty body, for a method that the server does not know and for `ping` and `calculate` too.',
      async () => {
        const [word, other] = random.words(2);
        const byId =
          'The id makes the difference, not the method: without an id, a ping is a notification, and nobody waits for its answer.';
        await expectTaken({ jsonrpc: '2.0', method: 'ping' }, byId);
        const unknown =
          'Nobody waits for an answer to a notification, and there is no id to give it: an error has nowhere to go either.';
        await expectTaken({ jsonrpc: '2.0', method: `notifications/${word}` }, unknown);
        await expectTaken({ jsonrpc: '2.0', method: `${word}/${other}`, params: { [word!]: other } }, unknown);
        await expectTaken({ jsonrpc: '2.0', method: 'calculate', params: calculation().params }, byId);
      },
    );

    requirement(
      'A response that a client sends, a result or an error, is taken the same way: status 202 and an empty body.',
      async () => {
        const advice =
          'What a client says when it was asked is a response: an id, a result or an error, and no method. A guard for requests has to look at the method too.';
        await expectTaken({ jsonrpc: '2.0', id: someId(), result: { [random.words(1)[0]!]: true } }, advice);
        await expectTaken({ jsonrpc: '2.0', id: 0, result: {} }, advice);
        await expectTaken(
          { jsonrpc: '2.0', id: someId(), error: { code: -32601, message: random.words(2).join(' ') } },
          advice,
        );
      },
    );
  });

  task({ number: 3, title: 'Refuse well', file: 'server.ts' }, () => {
    /** The answer is a JSON-RPC error with this status, and with this code when there is one. */
    const checkRefusal = (posted: Posted, status: number, code: number | undefined, advice: string): void => {
      const { what, see, message } = posted;
      expect(posted.status === status, {
        cause:
          posted.status === 202
            ? `${what} was taken as if all were well.`
            : `${what} came back with status ${posted.status}.`,
        compare: { expected: String(status), received: received(posted) },
        advice,
        see,
      });
      const [answer = {}] = messagesIn(posted);
      checkShape(posted, answer);
      const error = answer.error as Message | undefined;
      expect(error, {
        cause: `${what} was answered with a result.`,
        compare: { expected: '"error":…', received: received(posted) },
        advice,
        see,
      });
      expect(code === undefined || error.code === code, {
        ...wrongCode(posted, error, code!),
        ...(code === -32600 && { advice }),
      });
      const own = (message as Message | undefined)?.id;
      const readable = typeof own === 'string' || typeof own === 'number';
      expect(answer.id === undefined || answer.id === null || (readable && answer.id === own), {
        cause: 'The error has an id that no request has.',
        compare: { expected: '"id":null', received: `"id":${shown(answer.id)}` },
        advice: 'Where no id could be read, the error belongs to no request: its id is null.',
        see,
      });
    };
    const expectRefusal = async (
      what: string,
      message: unknown,
      code: number,
      advice: string,
      whenNotJson = advice,
    ) => {
      const posted = Object.assign(await askWith(advice, message), { what });
      checkRefusal(posted, 400, code, posted.text.includes('-32700') ? whenNotJson : advice);
    };

    requirement('A body that is not JSON: status 400 and a JSON-RPC error with the code `-32700`.', async () => {
      const [word] = random.words(1);
      const advice =
        'express.json calls next with an error whose type is entity.parse.failed: an error handler, the one with four parameters, gets it.';
      await expectRefusal('A message that is cut off', '{"jsonrpc":"2.0","id":1,"method":', -32700, advice);
      await expectRefusal('A bare word', `${word}`, -32700, advice);
      const types = 'JSON has double quotes, around the names too, and commas in between.';
      await expectRefusal(
        'A message written as a TypeScript type',
        `{ jsonrpc: '2.0'; id: 1; method: '${word}' }`,
        -32700,
        types,
      );
    });

    requirement(
      'JSON that is not one JSON-RPC message: the same with the code `-32600`, be it a bare value, an array, an object without `"jsonrpc":"2.0"`, one with neither a `method` nor a `result` or `error`, a `method` that is not a string, or an `id` that is neither a string nor a number, such as `null`.',
      async () => {
        const [word] = random.words(1);
        const expectInvalid = (what: string, message: unknown, advice: string, whenNotJson?: string) =>
          expectRefusal(what, message, -32600, advice, whenNotJson);
        const bare =
          'Each kind of message is an object: ask for that first. A number or a text has no properties, and to read one of null throws.';
        const strict = 'It is JSON, so -32700 is not it: express.json takes bare values with { strict: false }.';
        for (const value of ['3', `"${word}"`, 'true', 'null'])
          await expectInvalid(`The bare value ${value}`, value, bare, strict);
        const batch =
          'An array is a batch in JSON-RPC, and an object in JavaScript: typeof says "object". MCP takes one message at a time.';
        await expectInvalid('An empty array', [], batch);
        await expectInvalid('An array of two requests', [request(1, 'ping'), request(2, 'ping')], batch);
        const version = 'jsonrpc is the string "2.0" in every message, as there was a version before it.';
        await expectInvalid('A request without jsonrpc', { id: 1, method: 'ping' }, version);
        await expectInvalid('A request of version "1.0"', { jsonrpc: '1.0', id: 1, method: 'ping' }, version);
        await expectInvalid('A notification without jsonrpc', { method: word }, version);
        await expectInvalid('A response without jsonrpc', { id: random.integer(1, 999), result: {} }, version);
        await expectInvalid(
          'A request with the number 2 as its jsonrpc',
          { jsonrpc: 2, id: 1, method: 'ping' },
          version,
        );
        const none =
          'In MCP an id is never null. Such a message is no notification either: that one has no property id at all.';
        await expectInvalid('A request with the id null', request(null, 'ping'), none);
        for (const id of [true, {}, [1]])
          await expectInvalid(
            `A request with the id ${JSON.stringify(id)}`,
            request(id, 'ping'),
            'An id is a string or a number.',
          );
        await expectInvalid(
          'A response with the id true',
          { jsonrpc: '2.0', id: true, result: {} },
          'An id is a string or a number, in a response too.',
        );
        const method =
          'A request and a notification have a method, which is a string; a response has an id, and a result or an error.';
        await expectInvalid('An object with nothing in it', {}, method);
        await expectInvalid('A message without a method', { jsonrpc: '2.0', id: random.integer(1, 999) }, method);
        await expectInvalid('A message without an id and a method', { jsonrpc: '2.0' }, method);
        await expectInvalid('A request whose method is a number', { jsonrpc: '2.0', id: 1, method: 7 }, method);
        await expectInvalid(
          'A message without an id, whose method is a number,',
          { jsonrpc: '2.0', method: 3 },
          method,
        );
      },
    );

    requirement(
      'A method that the server does not have: an error with the `id` of the request and the code `-32601`.',
      async () => {
        const [word, other] = random.words(2);
        const known = 'Look the method up before you call it.';
        for (const [id, method] of [
          [someId(), `${word}/${other}`],
          [0, 'Ping'],
        ] as const) {
          checkError(await askWith(known, request(id, method)), -32601, known);
        }
        for (const method of ['toString', 'constructor', '__proto__']) {
          const inherited = `Every object has a property ${method}, from its prototype: Object.hasOwn tells what is its own, and a Map has nothing else.`;
          checkError(await askWith(inherited, request(someId(), method)), -32601, inherited);
        }
      },
    );

    requirement(
      '`calculate` with an `a` or `b` that is missing or not a number, an `op` that is none of the four, or a division by zero: an error with the `id` of the request and the code `-32602`.',
      async () => {
        const expectError = async (params: unknown, advice: string) => {
          const what = `The request calculate ${params ? `with the params ${shown(params).slice(0, 60)}` : 'without params'}`;
          checkError(
            Object.assign(
              await askWith(
                `${advice} And return the failure: what a method throws is no answer.`,
                request(someId(), 'calculate', params),
              ),
              { what },
            ),
            -32602,
            advice,
          );
        };
        const { a, b } = calculation().params;
        const [word] = random.words(1);
        const missing = 'What is missing is undefined, and so is the whole of params when a request has none.';
        await expectError({ b, op: 'add' }, missing);
        await expectError({ a, op: 'mul' }, missing);
        await expectError({ a, b }, missing);
        await expectError(undefined, missing);
        for (const wrong of [word, '7', '', null, true, [7]]) {
          const type =
            typeof wrong === 'string'
              ? `JSON has numbers, and ${JSON.stringify(wrong)} is a text. Ask for the type.`
              : `${JSON.stringify(wrong)} is no number, whatever Number makes of it. Ask for the type.`;
          await expectError({ a: wrong, b, op: 'sub' }, type);
          await expectError({ a, b: wrong, op: 'sub' }, type);
        }
        await expectError({ a, b, op: word }, 'Look the operation up before you call it.');
        await expectError({ a, b, op: 3 }, 'Look the operation up before you call it.');
        await expectError(
          { a, b, op: ['add'] },
          'The name of a property is made a text: operations[["add"]] is operations.add. Ask for the type of op.',
        );
        for (const op of ['toString', 'constructor', '__proto__']) {
          await expectError(
            { a, b, op },
            `Every object has a property ${op}, from its prototype: Object.hasOwn tells what is its own.`,
          );
        }
        await expectError(
          { a, b: 0, op: 'div' },
          'JavaScript calls it Infinity; JSON has no such number, and JSON.stringify writes null.',
        );
        await expectError(
          { a: 0, b: 0, op: 'div' },
          'JavaScript calls it NaN; JSON has no such number, and JSON.stringify writes null.',
        );
        const zero = '0 is a number like any other, and an if takes it for false: ask for the type.';
        const whole = 'A number may have a fraction or be less than 0: ask for the type.';
        const numbers: [params: { a: number; b: number; op: string }, value: number, advice: string][] = [
          [{ a: 0, b, op: 'add' }, b, zero],
          [{ a, b: 0, op: 'mul' }, 0, zero],
          [{ a: 0, b, op: 'div' }, 0, 'Nothing, divided by something, is 0: only a b of 0 is a division by zero.'],
          [{ a: a + 0.5, b: 1.5, op: 'add' }, a + 2, whole],
          [{ a: -a, b, op: 'sub' }, -a - b, whole],
        ];
        for (const [params, value, advice] of numbers) {
          const posted = await askWith(advice, request(someId(), 'calculate', params));
          Object.assign(posted, { what: `The request calculate with the params ${shown(params)}` });
          expect(!messagesIn(posted).some((message) => 'error' in message), {
            cause: `${posted.what} was answered with an error.`,
            compare: { expected: `"result":{"value":${value}}`, received: received(posted) },
            advice,
            see: posted.see,
          });
          checkResult(posted, { value }, 'What is allowed for a and b is calculated as before.');
        }
      },
    );

    requirement(
      'Another HTTP method than POST: status 405 with `Allow: POST`. Another Content-Type than `application/json`: 415. An `Accept` with neither `application/json` nor `text/event-stream`: 406. A body of more than 1 MB: 413. Each with a JSON-RPC error as its body.',
      async () => {
        const all = 'app.all takes what app.post has not taken; refuse has the status as its parameter.';
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const what = `${method} /mcp`;
          const see = `curl -i -X ${method} http://127.0.0.1:3000/mcp`;
          const sent: Posted = Object.assign(server.request('/mcp', { method }), { what, message: undefined, see });
          await answered(server, sent);
          checkRefusal(sent, 405, undefined, all);
          const allow = String(sent.headers.allow ?? '');
          expect(/\bPOST\b/.test(allow), {
            cause: 'The answer with status 405 does not say which methods there are.',
            compare: { expected: 'Allow: POST', received: allow ? `Allow: ${allow}` : '(no Allow)' },
            advice: "response.set('Allow', 'POST') says it; set returns the response, so refuse can take it.",
            see,
          });
        }

        const ping = request(random.integer(1, 999), 'ping');
        const headers = async (status: number, name: string, value: string, advice: string) => {
          const posted = await ask(server, ping, { [name]: value });
          checkRefusal(Object.assign(posted, { what: `A request with ${name}: ${value}` }), status, undefined, advice);
        };
        const type = 'express.json leaves a body of another type alone: look at the type with request.is, before it.';
        await headers(415, 'Content-Type', 'text/plain', type);
        await headers(415, 'Content-Type', 'application/x-www-form-urlencoded', type);
        for (const value of ['application/json-seq', 'application/jsonlines']) {
          await headers(
            415,
            'Content-Type',
            value,
            'Another type may begin with the same letters: request.is compares the whole type.',
          );
        }
        const accept = 'request.accepts tells whether a client takes a type.';
        await headers(406, 'Accept', 'text/html', accept);
        await headers(406, 'Accept', 'image/png, text/plain;q=0.5', accept);
        for (const value of ['application/jsonlines', 'text/html, application/json-seq']) {
          await headers(
            406,
            'Accept',
            value,
            'Another type may begin with the same letters: request.accepts compares whole types.',
          );
        }

        const served = async (name: string, value: string) => {
          const posted = await ask(server, ping, { [name]: value });
          expect(posted.status === 200, {
            cause: `A request with ${name}: ${value} was refused.`,
            compare: { expected: '200', received: received(posted) },
            advice:
              'These headers are lists of values with parameters, in any order and case: request.is and request.accepts read them.',
            see: posted.see,
          });
          checkResult(posted, {}, 'The headers change nothing about the result.');
        };
        await served('Content-Type', 'application/json; charset=utf-8');
        await served('Content-Type', 'Application/JSON');
        await served('Accept', 'text/event-stream, application/json');
        await served('Accept', 'Application/JSON, Text/Event-Stream');
        await served('Accept', 'text/html, application/json;q=0.9,text/event-stream;q=0.8');

        const sized = (bytes: number) => ask(server, JSON.stringify(request(1, 'ping', { filler: 'x'.repeat(bytes) })));
        const taken = Object.assign(await sized(900_000), { what: 'A request of 900 kB', message: { id: 1 } });
        expect(taken.status === 200, {
          cause: 'A request of 900 kB was refused.',
          compare: { expected: '200', received: received(taken) },
          advice: 'The limit of express.json is 100 kB, unless you say another: { limit: "1mb" }.',
        });
        checkResult(taken, {}, 'The size changes nothing about the result.');
        const refused = Object.assign(await sized(1_200_000), { what: 'A request of 1.2 MB' });
        checkRefusal(
          refused,
          413,
          undefined,
          'express.json calls next with an error, whose status is 413: the error handler gets it.',
        );
      },
    );
  });
});
