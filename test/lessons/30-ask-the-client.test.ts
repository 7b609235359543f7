import { documents } from '../../lessons/support/documents.ts';
import { metaKeys } from '../../lessons/support/stateless.ts';
import type { Held } from '../harness/programs/program.ts';
import { expect, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { expectEnd, expectInterrupted } from '../harness/vocabulary/command-line.ts';
import { finished, workMs } from '../harness/vocabulary/http.ts';
import { hello, mcpClient, shakeHands, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import {
  logMessage,
  scriptedServer,
  textResult,
  type ReceivedMessage,
  type Script,
  type Terms,
} from '../harness/vocabulary/mcp-server.ts';
import { newIds, notificationsIn, paramsOf, responsesIn } from '../harness/vocabulary/notifications.ts';
import { statelessClient, type StatelessClient } from '../harness/vocabulary/stateless.ts';
import { expectText, objectIn, validatorOf } from '../harness/vocabulary/tools.ts';
import { asJson, look, type Looked } from '../harness/vocabulary/value.ts';
import { isObject, type Message } from '../harness/wire/json.ts';
import { visible } from '../harness/wire/printable.js';

type Revision = '2025-11-25' | '2026-07-28';
const revisions: Revision[] = ['2025-11-25', '2026-07-28'];
const newest = '2026-07-28';

/** Who calls: a client in a session of 2025-11-25, or one of 2026-07-28; and whether it can ask its user. */
type Caller = { revision: Revision; session: McpClient; stateless: StatelessClient; capabilities: object };

/** A call of the tool. In 2026-07-28, each round is a request with a response of its own. */
type Call = {
  caller: Caller;
  message: string;
  posted: Posted;
  /** How many requests of the server have been answered on the stream of this call. */
  answered: number;
};

/** A question of the server. */
type Question = {
  params: Message;
  /** The id of its request, in 2025-11-25. */
  id?: unknown;
  /** Its name among the `inputRequests`, and what came beside them, in 2026-07-28. */
  key?: string;
  state?: unknown;
};

type Answer = { action: string; content?: unknown };

const names = documents.map(({ name }) => name);
const canAsk = { elicitation: {} };

export default grader((run) => {
  const {
    expectSoon,
    missing,
    random,
    requirement,
    startClientWith,
    startServer,
    startTypedClient,
    task,
    together,
    until,
  } = run;

  let server: Server;
  /** The searches of the server that were seen so far. */
  let searches = new Set<Held>();

  const word = () => random.words(1)[0]!;
  const newId = newIds(random);

  async function connect(revision: Revision, capabilities: object = canAsk): Promise<Caller> {
    const session = mcpClient(server, { newId });
    if (revision !== newest) await shakeHands(session, { ...hello(), capabilities });
    return { revision, session, stateless: statelessClient(server, { newId }), capabilities };
  }

  /** Posts a call of the tool, and waits for nothing. */
  function post({ revision, session, stateless, capabilities }: Caller, message: string, round: object = {}): Posted {
    const params = { name: 'process_files', arguments: { message }, ...round };
    const first = Object.keys(round).length === 0;
    const options = {
      what: first ? `The call of process_files in revision ${revision}` : 'The second call of process_files',
      ...(!first && { see: '' }),
    };
    if (revision !== newest) return session.post(session.request('tools/call', params), { ...options, see: '' });
    const meta = { [metaKeys.clientCapabilities]: capabilities, [metaKeys.logLevel]: 'info' };
    return stateless.post('tools/call', params, { meta, ...options });
  }

  const begin = (caller: Caller, message: string = word()): Call => ({
    caller,
    message,
    posted: post(caller, message),
    answered: 0,
  });

  const isRequest = (message: Message) => 'method' in message && 'id' in message;
  const requestsIn = ({ posted, answered }: Call) => posted.messages().filter(isRequest).slice(answered);
  const isSearch = ({ label }: Held) => !names.includes(label);
  const atDocument = () => server.program.held.find((held) => !isSearch(held));

  /** What a verdict shows of a message. The value of requestState is different each time. */
  const shown = (message: unknown) =>
    asJson(message)
      .replace(/("requestState":)"[^"]*"/g, '$1"…"')
      .slice(0, 400);
  const shownAnswer = (posted: Posted) => {
    const [last] = posted.messages().slice(-1);
    return last ? shown(last) : '(nothing)';
  };

  /**
   * Waits until the server has asked or answered, or is at work on a document. Searches are released.
   * @param documentsToo whether the work on documents is released as well
   */
  async function settle(call: Call, documentsToo = false, instead?: string): Promise<void> {
    const { posted } = call;
    await expectSoon(
      () => {
        for (const held of [...server.program.held]) {
          if (isSearch(held)) searches.add(held);
          if (isSearch(held) || documentsToo) held.release();
        }
        const over = responsesIn(posted).length > 0 || finished(posted);
        return over || requestsIn(call).length > 0 || (!documentsToo && atDocument());
      },
      () => {
        missing('a question, or a response');
        return {
          cause: `${posted.what} got neither a question nor a response.`,
          advice:
            instead ??
            'Return what question(…) returns as long as there is no answer. If you send the request with elicitInput, pass it { relatedRequestId: mcpReq.id }. Without this, the request goes to the stand-alone stream of the session, which nobody has opened.',
          see: posted.see,
        };
      },
      server.program,
      workMs,
    );
    await server.program.caughtUp();
  }

  const returnsQuestion =
    'Return question(message, names) from processFiles as long as acceptedContent returns undefined, and put inputRequired.elicit({ message, requestedSchema: wishes }) into its inputRequests.';

  /** The server asks, in the way of the revision of this call, and no document is at work. */
  async function expectQuestion(call: Call, words: Partial<Explanation> = {}): Promise<Question> {
    await settle(call, false, words.advice);
    const { caller, posted } = call;
    const { see } = posted;
    expect(!atDocument(), {
      cause: 'Your server processes a document, although the user has not agreed.',
      compare: { expected: '(a question)', received: `(at work on ${atDocument()?.label})` },
      advice: returnsQuestion,
      see,
      ...words,
    });
    const [request] = requestsIn(call);
    if (caller.revision !== newest) {
      expect(request, {
        cause: `${posted.what} was answered, but your server did not ask the client.`,
        compare: { expected: '"method":"elicitation/create"', received: shownAnswer(posted) },
        advice: returnsQuestion,
        see,
        ...words,
      });
      look(request, '', see)
        .at('method')
        .is('elicitation/create', 'The request of your server has the wrong method.', returnsQuestion);
      return { params: paramsOf(request), id: request.id };
    }
    expect(!request, {
      cause: 'Your server sent a request to a client of revision 2026-07-28, in which servers send no requests.',
      compare: { expected: '"resultType":"input_required"', received: shown(request) },
      advice: 'Return inputRequired(…) from the tool. In this revision, only a result can ask the client.',
      see,
    });
    const result = objectIn(posted, {
      advice:
        'Return inputRequired(…) from the tool. mcpReq.elicitInput throws an error in revision 2026-07-28, because there a server sends no requests.',
      like: { resultType: 'input_required', inputRequests: '…' },
    });
    expect(result.at('resultType').value === 'input_required', {
      cause: `${posted.what} was answered, but your server did not ask the client.`,
      compare: { expected: '"resultType":"input_required"', received: shown(result.value) },
      advice: returnsQuestion,
      see,
      ...words,
    });
    const { inputRequests, requestState } = result.value as Message;
    const requests = Object.entries(isObject(inputRequests) ? inputRequests : {});
    const [first] = requests.filter(([, each]) => isObject(each) && each.method === 'elicitation/create');
    expect(first, {
      cause: 'The result says input_required, but not one of its inputRequests is an elicitation/create.',
      compare: {
        expected: '"inputRequests":{"wishes":{"method":"elicitation/create", …}}',
        received: shown(result.value),
      },
      advice: returnsQuestion,
      see,
    });
    const [key, value] = first;
    return {
      params: paramsOf(value as Message),
      key,
      ...('requestState' in (result.value as Message) && { state: requestState }),
    };
  }

  /** What the second call of 2026-07-28 brings along. */
  const round = (question: Question, inputResponses?: unknown, state: unknown = question.state) => ({
    ...(inputResponses !== undefined && { inputResponses }),
    ...(state !== undefined && { requestState: state }),
  });

  /** Answers a question: in 2025-11-25 with a response, in 2026-07-28 with a second call. */
  async function reply(call: Call, question: Question, answer: Answer): Promise<void> {
    if (call.caller.revision === newest) {
      call.posted = post(call.caller, call.message, round(question, { [question.key!]: answer }));
      return;
    }
    call.answered++;
    const { session } = call.caller;
    const posted = await session.send({ jsonrpc: '2.0', id: question.id, result: answer }, { see: '' });
    posted.accepted('Take the response of the client with status 202. The transport of the SDK does this.');
  }

  /** Releases all work, and waits for the response. */
  async function finish(call: Call): Promise<Posted> {
    await settle(call, true);
    await call.posted.done();
    return call.posted;
  }

  type Wishes = { signature: string; count?: number; stamp?: string; copies?: boolean };

  const done = (message: string, { signature, count = names.length, stamp = 'draft', copies = false }: Wishes) =>
    `Done: ${message} (${count} documents, ${stamp}, ${copies ? 'with' : 'without'} copies, signed by ${signature})`;

  const accepting = (wishes: Wishes): Answer => ({ action: 'accept', content: wishes });

  /** No document has been at work until the call has its response, or the server asks again. */
  async function expectNoDocument(call: Call, words: Explanation): Promise<void> {
    await settle(call);
    const at = atDocument();
    if (at) missing('no work on a document');
    expect(!at, {
      compare: { expected: '(no document is processed)', received: `(at work on ${at?.label})` },
      see: call.posted.see,
      ...words,
    });
  }

  /** An error of JSON-RPC, or a result with isError: the call is refused. */
  const refused = ({ posted }: Call): boolean =>
    posted.messages().some(({ error, result }) => isObject(error) || (isObject(result) && result.isError === true));
  const asksAgain = (call: Call): boolean =>
    requestsIn(call).length > 0 ||
    call.posted.messages().some(({ result }) => isObject(result) && result.resultType === 'input_required');

  const readsAction =
    "Read the answer with inputResponse(mcpReq.inputResponses, 'wishes'). If its kind is elicit, its action is accept, decline or cancel.";
  const validates =
    "Pass the schema wishes to acceptedContent(mcpReq.inputResponses, 'wishes', wishes). It checks the content, fills in the defaults, and returns undefined if something is wrong.";

  task({ number: 1, title: 'Ask, and look at the answer', file: 'server.ts', asksForWork: true }, () => {
    requirement(
      'If a client calls `process_files` in a session of `2025-11-25`, the server sends the request `elicitation/create` on the stream of this call, with a `message`, and with the four fields of `wishes` as `requestedSchema`.',
      async () => {
        server = await startServer();
        const call = begin(await connect('2025-11-25'));
        const question = await expectQuestion(call);
        await expectForm(question, call.posted.see);
        expect(typeof question.id === 'string' || Number.isInteger(question.id), {
          cause: 'The request of your server has no id, so the client cannot answer it.',
          advice: 'Let the SDK send the request: it gives each request an id.',
          see: '',
        });
        expect(responsesIn(call.posted).length === 0, {
          cause: 'Your server asked the client, but it also answered the call at the same time.',
          compare: { expected: '(no response yet)', received: shownAnswer(call.posted) },
          advice: 'Return the result only when the answer is there.',
          see: '',
        });
        // What the server makes of the answer is judged later, so the client leaves.
        await reply(call, question, { action: 'cancel' });
        await settle(call, true);
        call.posted.close();
      },
    );

    requirement(
      'If a client calls `process_files` in `2026-07-28`, the response is a result with the `resultType` `input_required`, and one of its `inputRequests` is this `elicitation/create`. The server sends no request.',
      async () => {
        const call = begin(await connect(newest));
        const question = await expectQuestion(call);
        await expectForm(question, call.posted.see);
        await call.posted.done();
      },
    );

    requirement(
      'If the answer is `accept`, the server processes the documents as the user wants it. Its log messages come on the stream of the call while it is at work, and the result follows. A missing field gets its default.',
      async () => {
        for (const revision of revisions) {
          const caller = await connect(revision);
          const signature = word();
          const full = {
            signature,
            count: random.integer(1, names.length - 1),
            stamp: random.pick(['draft', 'final']),
            copies: true,
          };
          for (const wishes of [full, { signature }]) {
            const call = begin(caller);
            await reply(call, await expectQuestion(call), accepting(wishes));
            await settle(call);
            const { posted } = call;
            const at = atDocument();
            expect(at, {
              cause: 'The user has accepted, but your server does not process the documents.',
              compare: { expected: `(at work on ${names[0]})`, received: shownAnswer(posted) },
              advice: notContinued(posted),
              see: posted.see,
            });
            const count = full === wishes ? full.count : names.length;
            const line = `Processing file 1/${count}...`;
            const said = () => notificationsIn(posted).some((message) => paramsOf(message).data === line);
            await until(said, workMs);
            const other = notificationsIn(posted)
              .map((message) => paramsOf(message).data)
              .find((data) => typeof data === 'string' && data.startsWith('Processing file'));
            const expected = `"data":${asJson(line)}`;
            expect(said() || other === undefined, {
              cause: 'The log message of the first document has a wrong text.',
              compare: { expected, received: `"data":${asJson(other)}` },
              advice: `${validates} Take the number of documents from there.`,
              see: posted.see,
            });
            expect(said(), {
              cause: 'The tool is at work on its first document, but its log message is not on the stream of the call.',
              compare: { expected, received: shownAnswer(posted) },
              advice: 'Log with mcpReq.log of this call, before the work on the document.',
              see: posted.see,
            });
            expectText(await finish(call), done(call.message, wishes), `${validates} Then use all four fields.`);
            expectOneEra(call);
          }
        }
      },
    );

    requirement(
      'If the answer is `decline`, the result has the text `Declined: hello`, where `hello` is the message of the call. If the answer is `cancel`, the text is `Cancelled: hello`. The server processes no document.',
      async () => {
        for (const revision of revisions) {
          const caller = await connect(revision);
          for (const [action, text] of [
            ['decline', 'Declined'],
            ['cancel', 'Cancelled'],
          ] as const) {
            const call = begin(caller);
            await reply(call, await expectQuestion(call), { action });
            await expectNoDocument(call, {
              cause: `The user has answered with ${action}, but your server processes a document.`,
              advice: readsAction,
            });
            expect(!asksAgain(call), {
              cause: `The user has answered with ${action}, but your server asks again.`,
              compare: { expected: `${text}: ${call.message}`, received: shownAnswer(call.posted) },
              advice: `${readsAction} acceptedContent returns undefined for decline and cancel too.`,
              see: call.posted.see,
            });
            const result = objectIn(await finish(call));
            const [part] = result.at('content').value as Message[];
            look(part, 'content', call.posted.see)
              .at('text')
              .is(
                `${text}: ${call.message}`,
                `The user has answered with ${action}, and the text of the result is wrong.`,
                `${readsAction} For ${action}, return the text ${text}, a colon, and the message of the call.`,
              );
            expectOneEra(call);
          }
        }
      },
    );

    requirement(
      'If the content of an accepted answer breaks the schema, the server processes no document. It asks again, or the result has `isError: true`.',
      async () => {
        const signature = word();
        const wrong = [
          { count: 2 },
          { signature: '' },
          { signature: 7 },
          { signature, count: names.length + 1 },
          { signature, count: 1.5 },
          { signature, count: '2' },
          { signature, stamp: word() },
          { signature, copies: 'yes' },
          undefined,
        ];
        for (const revision of revisions) {
          const caller = await connect(revision);
          for (const content of wrong) {
            const call = begin(caller);
            const answer = { action: 'accept', ...(content !== undefined && { content }) };
            await reply(call, await expectQuestion(call), answer);
            await expectNoDocument(call, {
              cause: `An accepted answer had the content ${asJson(content)}, but your server processes a document.`,
              advice: validates,
            });
            expect(asksAgain(call) || refused(call), {
              cause: `An accepted answer had the content ${asJson(content)}, but your server took it as a right answer.`,
              compare: { expected: '(the question again, or "isError":true)', received: shownAnswer(call.posted) },
              advice: validates,
              see: '',
            });
            if (revision === newest || !asksAgain(call)) continue;
            await reply(call, await expectQuestion(call), { action: 'cancel' });
            await finish(call);
          }
        }
      },
    );

    requirement(
      'If several calls wait for their answers at the same time, each answer counts for its own call. This also holds for calls in one session, and if the answers come in a different order.',
      async () => {
        const session = await connect('2025-11-25');
        const callers = [session, session, await connect('2025-11-25'), await connect(newest), await connect(newest)];
        const texts = callers.map((_, i) => `${word()}-${i}`);
        const wishes = callers.map((_, i) => ({ signature: `${word()}-${i}`, count: 1 + (i % names.length) }));
        const order = random.shuffled([...callers.keys()]);
        const calls = callers.map((caller, i) => begin(caller, texts[i]));
        const questions: Question[] = [];
        const mixed =
          'Keep nothing of a call in a variable outside of processFiles, and let no call wait for another. All calls share such a variable. Take the answer from mcpReq.inputResponses of this call.';
        for (const call of calls) questions.push(await expectQuestion(call, { advice: mixed }));
        for (const i of order) await reply(calls[i]!, questions[i]!, accepting(wishes[i]!));
        for (const [i, call] of calls.entries()) {
          const posted = await finish(call);
          expectText(posted, done(texts[i]!, wishes[i]!), mixed);
        }
      },
    );

    requirement(
      'If a client lacks the capability `elicitation`, the server does not ask it. In `2025-11-25`, the result has `isError: true`. In `2026-07-28`, the response is the error `-32021`, whose `data.requiredCapabilities` has `elicitation`.',
      async () => {
        const advice =
          'Return inputRequired(…) from the tool, and let the SDK look at the capabilities of the client. Process nothing for a client that cannot ask its user.';
        for (const revision of revisions) {
          for (const capabilities of [{}, { sampling: {} }]) {
            const call = begin(await connect(revision, capabilities));
            await expectNoDocument(call, {
              cause: 'The client cannot ask its user, but your server processes a document.',
              advice,
            });
            const { posted } = call;
            expect(!asksAgain(call), {
              cause: `Your server asked a client that has not declared the capability elicitation in revision ${revision}.`,
              compare: { expected: '(no question)', received: shownAnswer(posted) },
              advice,
              see: '',
            });
            await finish(call);
            if (revision !== newest) {
              const result = posted.result({ advice });
              result
                .at('isError')
                .is(true, 'The client cannot ask its user, but the result of the call has no isError: true.', advice);
              continue;
            }
            // The error comes with a status of its own only if nothing has been sent before.
            const [message] = responsesIn(posted);
            const error = look(message, '', posted.see)
              .at('error')
              .object('The client cannot ask its user, but the call was not answered with an error.', {
                like: '{"code":-32021, …}',
                advice,
              });
            error.at('code').is(-32021, 'The error has the wrong code.', advice);
            error
              .at('data')
              .at('requiredCapabilities')
              .at('elicitation')
              .object('The error does not say that the capability elicitation is missing.', {
                like: '{}',
                advice: 'Put { requiredCapabilities: { elicitation: { form: {} } } } into the data of the error.',
              });
          }
        }
      },
    );
  });

  /** The params of a question have a message, and a schema that is right for `wishes`. */
  async function expectForm({ params }: Question, see: string): Promise<void> {
    const form = look(params, 'params', see);
    form.at('message').string('The question has no message.', {
      advice: 'Pass a message to inputRequired.elicit: it says to the user what the question is about.',
    });
    const { mode = 'form' } = params;
    look(mode, 'mode', see).is(
      'form',
      'The mode of the question is wrong.',
      'Use inputRequired.elicit, which asks with a form.',
    );
    const advice =
      'Pass the zod schema wishes as requestedSchema to inputRequired.elicit. The SDK makes JSON Schema of it.';
    const schema = form
      .at('requestedSchema')
      .object('The requestedSchema of the question is not an object.', { advice });
    const validate = await validatorOf(schema, 'The requestedSchema of the question', { advice });
    const accepts = (content: object) => validate(content).valid;
    const signature = 'Ada';
    for (const content of [{ signature }, { signature, count: 1, stamp: 'final', copies: true }]) {
      schema.expect(accepts(content), `The requestedSchema refuses the content ${asJson(content)}.`, {
        like: '(a schema that accepts this content)',
        advice,
      });
    }
    const wrong = [{}, { signature: 7 }, { signature, count: 0 }, { signature, count: 'x' }];
    for (const content of [...wrong, { signature, stamp: 'x' }, { signature, copies: 1 }]) {
      schema.expect(!accepts(content), `The requestedSchema accepts the content ${asJson(content)}.`, {
        like: '(a schema that refuses this content)',
        advice,
      });
    }
    const fields = schema.at('properties');
    for (const [name, value] of Object.entries({ count: names.length, stamp: 'draft', copies: false })) {
      fields
        .at(name)
        .at('default')
        .is(value, `The field ${name} of the question has no default, or a wrong one.`, advice);
    }
  }

  /** A call of the older revision has nothing of the newer one in it, and the other way round. */
  function expectOneEra({ caller, posted }: Call): void {
    const result = objectIn(posted);
    if (caller.revision === newest) {
      look(posted.messages().find(isRequest), 'request', posted.see).is(
        undefined,
        'Your server sent a request in revision 2026-07-28.',
        'Return inputRequired(…) from the tool: only a result can ask the client.',
      );
      return;
    }
    for (const member of ['resultType', 'inputRequests', 'requestState']) {
      result
        .at(member)
        .is(
          undefined,
          `A result of revision 2025-11-25 has the member ${member}, which only revision 2026-07-28 knows.`,
          'Let the SDK make the result. It knows the revision of each request.',
        );
    }
  }

  const mints =
    'Put requestState: await states.mint({ message, names }) beside the inputRequests, and create states one time, outside of makeServer. Pass states.verify to each McpServer.';
  const keepsKey =
    'Create states one time, outside of makeServer, because each codec that has no STATE_KEY makes a key of its own. Pass no bind that differs between the two calls, such as the id of the request. The client has brought back the requestState exactly as your server made it.';
  const verifies =
    'Pass { requestState: { verify: states.verify } } in the options of McpServer. Without verify, mcpReq.requestState() returns a string, so found.message is undefined. Also make the state with states.mint({ message, names }), so that it has the message.';

  /** Why the server does not process the documents after an accepted answer, by what it said instead. */
  function notContinued(posted: Posted): string {
    const received = shownAnswer(posted);
    if (received.includes('"code":-32602') && received.includes('requestState')) return keepsKey;
    if (received.includes('"isError":true') && /state/i.test(received)) return verifies;
    return `${validates} Then continue with what it returned.`;
  }

  const readsState =
    'Read mcpReq.requestState<Found>() at the beginning. If the client has brought a state, take the names from it, and do not search again.';

  /** A call of 2026-07-28 up to its question, which has a requestState. */
  async function asked(message?: string): Promise<{ call: Call; question: Question }> {
    const call = begin(await connect(newest), message);
    const question = await expectQuestion(call);
    await call.posted.done();
    expect(typeof question.state === 'string' && question.state !== '', {
      cause:
        'The result asks the client, but it has no requestState, so your server cannot know what it has already done.',
      compare: { expected: '"requestState":"…"', received: shownAnswer(call.posted) },
      advice: mints,
      see: call.posted.see,
    });
    return { call, question };
  }

  task({ number: 2, title: 'Forget nothing, trust nothing', file: 'server.ts' }, () => {
    requirement(
      'A result that is `input_required` has a `requestState`. If the client calls again with this `requestState` and its answer, the server does not search again. It processes the documents, and answers with the result.',
      async () => {
        const { call, question } = await asked();
        searches = new Set();
        const wishes = { signature: word() };
        await reply(call, question, accepting(wishes));
        const posted = await finish(call);
        // An answer without a result has its own sentence.
        expectText(posted, done(call.message, wishes), mints, { when: { [-32602]: keepsKey } });
        expectNoSearch(posted);
      },
    );

    requirement('In a session of `2025-11-25`, the server also searches only one time for each call.', async () => {
      const call = begin(await connect('2025-11-25'));
      const question = await expectQuestion(call);
      searches = new Set();
      const wishes = { signature: word() };
      await reply(call, question, accepting(wishes));
      const posted = await finish(call);
      expectText(posted, done(call.message, wishes), mints);
      expectNoSearch(posted);
    });

    requirement(
      'If the `requestState` of a call was changed or made up, the server does no work. The response is the error `-32602`, or a result with `isError: true`.',
      async () => {
        const { call, question } = await asked();
        const state = question.state as string;
        const other = (text: string, at: number) =>
          `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
        const places = [0.2, 0.5, 0.75].map((part) => Math.floor(part * (state.length - 1)));
        const forged = [
          ...places.map((at) => other(state, at)),
          state.slice(0, state.length / 2),
          ...withOtherContent(state),
          Buffer.from(JSON.stringify({ message: call.message, names: ['secret.txt'] })).toString('base64url'),
          JSON.stringify({ message: call.message, names: ['secret.txt'] }),
          'x',
        ];
        for (const each of forged) {
          searches = new Set();
          const answers = { [question.key!]: accepting({ signature: word() }) };
          call.posted = post(call.caller, call.message, round(question, answers, each));
          const advice =
            'Pass { requestState: { verify: states.verify } } in the options of McpServer. The SDK then refuses each requestState that your server has not made. Without this, anybody can write what they like into it.';
          await settle(call);
          const at = atDocument()?.label;
          expect(!at && searches.size === 0, {
            cause: 'A client brought a requestState that your server had not made, but your server continued to work.',
            compare: { expected: '"error":{"code":-32602, …}', received: `(at work on ${at ?? 'the search'})` },
            advice,
            see: '',
          });
          await call.posted.done();
          expect(refused(call), {
            cause: 'A client brought a requestState that your server had not made, but your server did not refuse it.',
            compare: { expected: '"error":{"code":-32602, …}', received: shownAnswer(call.posted) },
            advice,
            see: '',
          });
        }
      },
    );

    requirement(
      'If the `requestState` belongs to a call with a different `message`, the server processes no document. It refuses the call, or asks again.',
      async () => {
        const { call, question } = await asked();
        call.message = `${call.message}-2`;
        await reply(call, question, accepting({ signature: word() }));
        const advice =
          'Compare found.message with the message of this call, and throw an error if they differ. The user has agreed to one call only, and not to others.';
        await expectNoDocument(call, {
          cause:
            'A client brought the requestState of a call with a different message, but your server processes a document.',
          advice,
        });
        expect(asksAgain(call) || refused(call), {
          cause: 'A client brought the requestState of a call with a different message, but your server accepted it.',
          compare: { expected: '(an error, or the question again)', received: shownAnswer(call.posted) },
          advice,
          see: '',
        });
        await call.posted.done();
      },
    );

    requirement(
      'If the second call lacks the answer, or brings an action other than `accept`, `decline` and `cancel`, the server asks again with `input_required`, and does no other work.',
      async () => {
        const { call, question: first } = await asked();
        let question = first;
        const content = { signature: word() };
        const other = word();
        const lacking: ((key: string) => unknown)[] = [
          () => undefined,
          () => ({}),
          (key) => ({ [`${key}-${other}`]: accepting(content) }),
          (key) => ({ [key]: { action: other, content } }),
          (key) => ({ [key]: { content } }),
          (key) => ({ [key]: null }),
        ];
        for (const lack of lacking) {
          searches = new Set();
          const inputResponses = lack(question.key!);
          call.posted = post(call.caller, call.message, round(question, inputResponses));
          const again = await expectQuestion(call, {
            cause: `A second call had the inputResponses ${asJson(lack('wishes'))}, but your server did not ask again.`,
            advice: `Return question(message, names) as long as the answer is missing. ${validates}`,
          });
          expectNoSearch(call.posted);
          expect(typeof again.state === 'string', {
            cause: 'Your server asked again, but this time without a requestState.',
            advice: mints,
            see: '',
          });
          await call.posted.done();
          question = again;
        }
        const wishes = { signature: content.signature, copies: true };
        await reply(call, question, accepting(wishes));
        expectText(await finish(call), done(call.message, wishes), mints);
      },
    );

    requirement(
      'If the second call brings `inputResponses` that the server did not ask for, or unknown fields in the answer, the server ignores what is too much and processes the documents.',
      async () => {
        const { call, question } = await asked();
        const wishes = { signature: word(), count: 1 };
        const answers = {
          [word()]: accepting({ signature: 'somebody else', count: names.length }),
          [question.key!]: { action: 'accept', content: { ...wishes, [word()]: word() } },
        };
        call.posted = post(call.caller, call.message, round(question, answers));
        expectText(
          await finish(call),
          done(call.message, wishes),
          'Read only the answer to wishes, and only its four fields. A zod object drops unknown fields, unless it is strict.',
        );
      },
    );

    requirement(
      'If calls overlap, each second call continues with its own `requestState`, in any order and on any connection.',
      async () => {
        const messages = [1, 2, 3].map((i) => `${word()}-${i}`);
        const order = random.shuffled([0, 1, 2]);
        const wishes = messages.map((_, i) => ({ signature: `${word()}-${i}`, count: i + 1 }));
        const begun: { call: Call; question: Question }[] = [];
        for (const message of messages) begun.push(await asked(message));
        for (const i of order) {
          const { call, question } = begun[i]!;
          await reply(call, question, accepting(wishes[i]!));
          expectText(
            await finish(call),
            done(messages[i]!, wishes[i]!),
            'Keep what belongs to a call in its requestState. A variable outside of processFiles has only the last call.',
          );
        }
      },
    );
  });

  function expectNoSearch(posted: Posted): void {
    expect(searches.size === 0, {
      cause: 'The client called again with the requestState, but your server searched for the documents a second time.',
      compare: { expected: '(no further search)', received: '(at work: the search)' },
      advice: readsState,
      see: posted.see,
    });
  }

  /** The same state with a different content, if it is JSON in the letters of base64url: what its parts say is changed, and not the rest. */
  function withOtherContent(state: string): string[] {
    const parts = state.split('.');
    return parts.flatMap((part, i) => {
      const text = Buffer.from(part, 'base64url').toString();
      if (!text.startsWith('{')) return [];
      const changed = Buffer.from(text.replaceAll(names[0]!, 'secret.txt')).toString('base64url');
      return changed === part ? [] : [[...parts.slice(0, i), changed, ...parts.slice(i + 1)].join('.')];
    });
  }

  const see = 'npm run try lesson-30';
  const neverMs = '600000';

  /** Starts a client that gets no farther than its call, and a server for it. */
  type Called = Script & { call: ReceivedMessage; revision: Revision };

  const declares =
    'Pass { capabilities: { elicitation: { form: { applyDefaults: true } } } } in the second argument of new Client, beside versionNegotiation.';

  async function upToCall(
    revision: Revision,
    message: string,
    given: string[],
    { typed = false, ...terms }: Omit<Partial<Terms>, 'see'> & { typed?: boolean } = {},
  ): Promise<Called> {
    const env = { TIME_LIMIT: neverMs, FAREWELL_LIMIT: neverMs };
    const begin = (url: string) => (typed ? startTypedClient : startClientWith)(env, url, message, ...given);
    const script = await scriptedServer(run, { see, begin, ...terms }).start();
    const discover = await script.next('server/discover');
    if (revision === newest) {
      await discover.json(
        discover.result({
          resultType: 'complete',
          supportedVersions: [newest],
          capabilities: { tools: {}, logging: {} },
          ttlMs: 0,
          cacheScope: 'private',
          _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'grader', version: '1.0.0' } },
        }),
      );
      const call = await script.next('tools/call');
      const meta = call.member('params').at('_meta').at(metaKeys.clientCapabilities);
      expectCapability(meta, revision);
      return { ...script, call, revision };
    }
    await discover.answer(
      200,
      'application/json',
      JSON.stringify(discover.error(-32601, 'unknown method: server/discover')),
    );
    const initialize = await script.next('initialize');
    expectCapability(initialize.member('params').at('capabilities'), revision);
    await initialize.json(initialize.result(script.initializeResult()));
    (await script.next('notifications/initialized')).accept();
    return { ...script, call: await script.next('tools/call'), revision };
  }

  function expectCapability(capabilities: Looked, revision: Revision): void {
    const form = capabilities.at('elicitation');
    form.object(`Your client does not say in revision ${revision} that it can ask its user.`, {
      like: '{"form":{}}',
      advice: declares,
    });
  }

  /** A question of the grader, with fields of each type. */
  type Form = {
    message: string;
    requestedSchema: { type: 'object'; properties: Record<string, object>; required: string[] };
  };

  /** The question of a server, in either revision. */
  type Put = { form: Form; id: string | number; key: string; state?: string };

  async function ask({ call, revision }: Called, { form, id, key, state }: Put): Promise<void> {
    if (revision !== newest) {
      await call.stream({ jsonrpc: '2.0', id, method: 'elicitation/create', params: form });
      return;
    }
    const result = {
      resultType: 'input_required',
      inputRequests: { [key]: { method: 'elicitation/create', params: { mode: 'form', ...form } } },
      ...(state !== undefined && { requestState: state }),
    };
    await call.stream(call.result(result));
    call.end();
  }

  const registers =
    "Register the handler: client.setRequestHandler('elicitation/create', ({ params }) => ask(params as ElicitRequestFormParams)). The SDK calls it in either revision, and sends what it returns.";

  /** What the client has answered. In 2026-07-28, its second call becomes the call that is open. */
  async function answered(called: Called, { id, key, state }: Put, advice: string): Promise<Looked> {
    const words = {
      cause: 'Your client was asked, but it sent no answer.',
      advice,
      ended: `${registers} ${advice}`,
    };
    if (called.revision !== newest) {
      const posted = await called.nextResponse('elicitation/create', id, words);
      posted.accept();
      expect('result' in posted.message, {
        cause: 'Your client answered the question with an error.',
        compare: { expected: '"result":{"action":"…"}', received: asJson(posted.message) },
        advice: asJson(posted.message).includes('-32601') ? registers : advice,
        see,
      });
      return posted.member('result');
    }
    const before = called.call;
    const again = await called.next('tools/call', words);
    called.call = again;
    expect(again.message.id !== before.message.id, {
      cause: 'The second call of your client has the id of the first one, but it is a request of its own.',
      compare: { expected: '(a new id)', received: `"id":${asJson(again.message.id)}` },
      advice: 'Give the second call an id of its own. The SDK does this.',
      see,
    });
    for (const member of ['name', 'arguments']) {
      again
        .member('params')
        .at(member)
        .is(
          (before.message.params as Message)[member],
          `The second call of your client has a different member ${member}.`,
          'Repeat the call as it was, and add inputResponses and requestState.',
        );
    }
    again
      .member('params')
      .at('requestState')
      .is(
        state,
        state === undefined
          ? 'The second call has a requestState, although the server sent none.'
          : 'The second call does not have the requestState of the server.',
        'Send the requestState back exactly as it came, and only if there was one. The SDK does this.',
      );
    const responses = again.member('params').at('inputResponses');
    responses.object('The second call has no inputResponses.', { advice: registers });
    return responses.at(key);
  }

  async function finishes(called: Called, text: string): Promise<void> {
    await called.call.stream(called.call.result({ resultType: 'complete', ...textResult(text) }));
    called.call.end();
  }

  /** The client prints the result, and ends with exit code 0. */
  async function expectResult({ client }: Called, text: string): Promise<void> {
    await client.prints([`RESULT: ${text}`], {
      cause: 'The result has arrived, but your client has not printed it.',
      advice: 'Let callTool return the promise of client.callTool.',
    });
    await client.endsWell(
      'The call was answered',
      'Let the exit code be 0.',
      'Close standard input with input.close() in finally.',
    );
  }

  /** Draws a question: two numbers, a boolean, a choice, and texts. */
  function drawForm(): Form {
    const title = random.words(3).join(' ');
    return {
      message: title,
      requestedSchema: {
        type: 'object',
        properties: {
          who: { type: 'string', description: 'who it is for' },
          many: { type: 'integer', minimum: 0, maximum: 99, default: random.integer(1, 9) },
          share: { type: 'number', default: 0.5 },
          stamp: { type: 'string', enum: ['draft', 'final'], default: 'final' },
          copies: { type: 'boolean', default: true },
          remark: { type: 'string' },
        },
        required: ['who'],
      },
    };
  }

  const drawPut = (form = drawForm(), revision?: Revision): Put => ({
    form,
    id: random.pick([0, random.integer(1, 999), `${word()}-${random.integer(1, 99)}`]),
    key: word(),
    ...(revision === newest && { state: `${word()}.${word()}==/+ ${word()}` }),
  });

  const prints = (form: Form) => [`QUESTION: ${form.message}`];
  const sent = (looked: Looked, expected: object, advice: string) =>
    looked.is(expected, 'The answer of your client is wrong.', advice);

  const fills =
    "Take the text of each field from answers, make the value with valueOf, and put it into content under the name of the field. Return { action: 'accept', content }.";

  /** What to change in the values of an answer, by what is wrong with them. */
  function rightValues({ value }: Looked): string {
    const { many, share, copies } = (isObject(value) && isObject(value.content) ? value.content : {}) as Message;
    const numbers = "In valueOf, return Number(text) if the type is 'number' or 'integer'.";
    if (typeof many === 'string' && typeof share === 'number') {
      return `${numbers} In JSON Schema, 'integer' is a type of its own, and z.int() becomes this type.`;
    }
    if (typeof many === 'string') return `${numbers} Return text === 'true' if the type is 'boolean'.`;
    if (share === 1) return `${numbers} Number.parseInt cuts off the decimals.`;
    if (copies === true && share === 1.25) {
      return "In valueOf, return text === 'true' if the type is 'boolean'. Boolean('false') is true, because each string that is not empty counts as true.";
    }
    return `${fills} The type of a field is in its schema.`;
  }

  task({ number: 3, title: 'Answer', file: 'client.ts' }, () => {
    requirement(
      'In either revision, the client declares the capability `elicitation`. If the server asks, the client prints a line such as `QUESTION: How many?`, and answers with `accept` and the arguments such as `count=2`, as strings, numbers or booleans.',
      async () => {
        await together(revisions, async (revision) => {
          const put = drawPut(undefined, revision);
          const [who, message, text] = [`${word()}=${word()}`, word(), word()];
          const many = random.integer(10, 99);
          const given = [`who=${who}`, `many=${many}`, 'share=1.25', 'stamp=draft', 'copies=false', 'remark=7'];
          const called = await upToCall(revision, message, random.shuffled(given));
          await ask(called, put);
          const answer = await answered(called, put, fills);
          await called.client.prints(prints(put.form), {
            cause: 'Your client was asked, but it did not print the question.',
            advice: 'Print QUESTION: and the message of the question, as the starter does.',
          });
          const content = { who, many, share: 1.25, stamp: 'draft', copies: false, remark: '7' };
          sent(answer, { action: 'accept', content }, rightValues(answer));
          await finishes(called, text);
          await expectResult(called, text);
        });
      },
    );

    requirement(
      'If the arguments leave out a field that has a default, the answer has the default. If they leave out any other field that is not required, the answer leaves it out.',
      async () => {
        const put = drawPut(undefined, newest);
        const [who, text] = [word(), word()];
        const called = await upToCall(newest, word(), [`who=${who}`, `${word()}=${word()}`, 'many=0']);
        await ask(called, put);
        const answer = await answered(called, put, fills);
        const content = { who, many: 0, share: 0.5, stamp: 'final', copies: true };
        sent(
          answer,
          { action: 'accept', content },
          `Ask for a field only if it is required, has no default, and has no argument. Leave a field out of content if there is no text for it. The SDK fills in the defaults if new Client gets { capabilities: { elicitation: { form: { applyDefaults: true } } } }.`,
        );
        await called.client.prints(prints(put.form), {
          cause: 'Your client did not print the question.',
          advice: fills,
        });
        await finishes(called, text);
        await expectResult(called, text);
      },
    );

    const asksUser =
      'If a field is required, its default is undefined, and it has no argument, print FIELD: with its name and description, and await nextLine().';

    requirement(
      'If a required field lacks an argument and a default, the client prints a line such as `FIELD: signature (who signs)`, and takes the next line of standard input as its answer. Meanwhile it prints each notification that arrives.',
      async () => {
        const form = drawForm();
        // A condition takes this default as false, but it is one.
        form.requestedSchema.properties.urgent = { type: 'boolean', default: false };
        form.requestedSchema.properties.place = { type: 'integer', description: random.words(2).join(' ') };
        form.requestedSchema.properties.note = { type: 'string', description: 'what else there is' };
        form.requestedSchema.required = ['who', 'urgent', 'place', 'note'];
        const put = drawPut(form);
        const [who, text] = [random.words(2).join(' '), word()];
        const logs = [word(), word()];
        const place = random.integer(1, 99);
        const called = await upToCall('2025-11-25', word(), ['many=3', 'remark='], { typed: true });
        const { client, call } = called;
        await ask(called, put);
        const { description } = form.requestedSchema.properties.place as { description: string };
        await client.prints([...prints(form), 'FIELD: who (who it is for)'], {
          cause: 'A required field has no answer, but your client did not ask its user.',
          advice: asksUser,
        });
        for (const log of logs) {
          await call.stream(logMessage('info', log));
          await client.prints([`NOTIFICATION: info ${log}`], {
            cause: 'A log message arrived while the question was open, but your client did not print it.',
            advice: 'Await nextLine(). A function that reads standard input synchronously stops everything else.',
          });
        }
        await called.nothingPosted({
          cause: 'Your client answered before the user had typed something.',
          advice: asksUser,
        });
        client.write(`${who}\n`);
        await client.prints([`FIELD: place (${description})`], {
          cause: 'Your client did not ask its user for the next field.',
          otherwise: 'Your client asked its user for a field that has a default, or printed something different.',
          advice: `${asksUser} Wait for one line only, and not for the end of standard input.`,
        });
        client.write(`${place}\n`);
        await client.prints(['FIELD: note (what else there is)'], {
          cause: 'Your client did not ask its user for the last field.',
          advice: asksUser,
        });
        client.write('\n');
        const answer = await answered(called, put, asksUser);
        const usual = { share: 0.5, stamp: 'final', copies: true, urgent: false };
        const content = { who, place, note: '', many: 3, remark: '', ...usual };
        expect((answer.value as Message | undefined)?.action !== 'cancel', {
          cause: 'The user answered a field with an empty line, but your client cancelled.',
          compare: { expected: '"action":"accept"', received: asJson(answer.value) },
          advice:
            "Return { action: 'cancel' } only if nextLine() returns undefined. An empty line is an answer, but a condition takes it as false.",
          see,
        });
        const isEmpty =
          'The argument remark= has an empty text, which a condition takes as false. Compare the text with undefined.';
        const { content: received } = answer.value as { content?: Message };
        const leavesItOut = isObject(received) && !('remark' in received);
        sent(answer, { action: 'accept', content }, leavesItOut ? isEmpty : `${asksUser} ${fills}`);
        await finishes(called, text);
        await expectResult(called, text);
      },
    );

    requirement(
      'If standard input ends before a required field has its answer, the client answers with `cancel`, prints the result, and exits with code 0.',
      async () => {
        const put = drawPut(undefined, newest);
        const text = word();
        const called = await upToCall(newest, word(), ['many=3']);
        await ask(called, put);
        const advice =
          "Return { action: 'cancel' } if nextLine() returns undefined: nobody is there to answer, so nobody has decided.";
        sent(await answered(called, put, advice), { action: 'cancel' }, advice);
        await called.client.prints([...prints(put.form), 'FIELD: who (who it is for)'], {
          cause: 'Your client did not print the question and its field.',
          advice: asksUser,
        });
        await finishes(called, text);
        await expectResult(called, text);
      },
    );

    requirement(
      'If one of the arguments is `decline`, the client answers the first question with `decline`, without any content.',
      async () => {
        const put = drawPut(undefined, newest);
        const text = word();
        const called = await upToCall(newest, word(), random.shuffled(['decline', `who=${word()}`]));
        await ask(called, put);
        const advice =
          "Return { action: 'decline' } if answers has the key decline. The user has said no, which is different from cancel.";
        sent(await answered(called, put, advice), { action: 'decline' }, advice);
        await called.client.prints(prints(put.form), { cause: 'Your client did not print the question.', advice });
        await finishes(called, text);
        await expectResult(called, text);
      },
    );

    requirement(
      'Each argument, including `decline`, answers one question only. If the server asks again, and a required field has no default, the client takes the answer to this field from standard input.',
      async () => {
        const [first, second] = [word(), word()];
        const form = drawForm();
        const [put, next] = [drawPut(form, newest), drawPut(form)];
        // The second question has one more field, for which there is an argument.
        const { properties, required } = form.requestedSchema;
        next.form = {
          ...form,
          requestedSchema: { type: 'object', required, properties: { ...properties, place: { type: 'integer' } } },
        };
        const [many, place] = random.aside(() => [random.integer(10, 99), random.integer(1, 99)]);
        const text = word();
        const usual = {
          many: (properties.many as { default: number }).default,
          share: 0.5,
          stamp: 'final',
          copies: true,
        };
        for (const { given, answer, cause, advice } of [
          {
            given: [`who=${first}`, `many=${many}`],
            answer: { action: 'accept', content: { who: first, ...usual, many } },
            cause: 'Your client did not answer the second question with what the user had typed.',
            advice:
              'Delete an answer from answers when you use it. The server has refused it, so the same answer again and again would never end.',
          },
          {
            given: ['decline'],
            answer: { action: 'decline' },
            cause:
              'The argument decline is for the first question, but your client did not ask its user the second one.',
            advice:
              "Delete decline from answers when you use it: if (answers.delete('decline')) return { action: 'decline' }. With answers.has, your client would decline each further question too.",
          },
        ]) {
          const called = await upToCall(newest, word(), [...given, `place=${place}`], { typed: true });
          await ask(called, put);
          sent(await answered(called, put, fills), answer, fills);
          await ask(called, next);
          called.client.write(`${second}\n`);
          const content = { who: second, ...usual, place };
          const again = await answered(called, next, advice);
          const { content: received } = (again.value ?? {}) as { content?: Message };
          const compare = (field: string, expected: unknown) => ({
            expected: asJson({ [field]: expected }),
            received: isObject(received) && field in received ? asJson({ [field]: received[field] }) : '(nothing)',
          });
          expect(received?.who !== second || received.many !== many, {
            cause: `Your client took the argument many=${many} for the first question, and again for the second one.`,
            compare: compare('many', usual.many),
            advice:
              'Call answers.delete(name) for each field of the form, also for a field that is not required or that has a default.',
            see,
          });
          expect(received?.who !== second || 'place' in received, {
            cause: `Only the second question had the field place, but your client did not answer it with the argument place=${place}.`,
            compare: compare('place', place),
            advice: 'Delete only the answers that your client has used. Keep the others for the questions that follow.',
            see,
          });
          again.is({ action: 'accept', content }, cause, advice);
          const lines = [...prints(form), ...prints(form), 'FIELD: who (who it is for)'];
          await called.client.prints(lines, { cause: 'Your client did not ask its user the second time.', advice });
          await finishes(called, text);
          await expectResult(called, text);
        }
      },
    );

    requirement(
      'If the user presses Ctrl+C while a question is open, the client gives up the call, prints one line on standard error, and exits with code 130. In `2026-07-28`, it sends nothing more. In `2025-11-25`, it posts `notifications/cancelled`.',
      async () => {
        await together(revisions, async (revision) => {
          const put = drawPut();
          const session = `${word()}-${random.integer(1000, 9999)}`;
          const called = await upToCall(revision, word(), [], {
            typed: true,
            ...(revision !== newest && { session }),
            awaitsCancelled: true,
            // The question may be answered as well: nobody reads this answer.
            hears: ({ request, body, response, end }) => {
              if (request.method !== 'POST' || body.includes('"method"')) return false;
              response.writeHead(202);
              end();
              return true;
            },
          });
          const { client } = called;
          await ask(called, put);
          await client.prints([...prints(put.form), 'FIELD: who (who it is for)'], {
            cause: 'Your client did not ask its user.',
            advice: asksUser,
          });
          const lines = client.stdout;
          client.interrupt();
          if (revision !== newest) {
            const advice = 'Pass signal: stop.signal to client.callTool. The SDK then cancels the call.';
            const cancelled = await called.next('notifications/cancelled', {
              cause: 'The user has pressed Ctrl+C, but your client sent no notifications/cancelled.',
              advice,
              ended: advice,
            });
            cancelled
              .member('params')
              .at('requestId')
              .is(called.call.message.id, 'The requestId is not the id of the call.', advice);
            cancelled.accept();
          }
          const closes =
            'Call input.close() in the listener of SIGINT. In revision 2026-07-28, the SDK waits for what your handler returns before callTool rejects, and an open standard input keeps the client running.';
          await expectEnd(run, client, 'The user has pressed Ctrl+C, but your client is still running.', closes);
          expect(client.stdout === lines, {
            cause: 'Your client printed something on standard output after Ctrl+C.',
            compare: { expected: '(nothing)', received: visible(client.stdout.slice(lines.length)) },
            advice: 'Print no result after Ctrl+C, because the user has given up this call.',
            see,
          });
          expectInterrupted(client);
          expect(!called.waiting(), {
            cause: 'The user pressed Ctrl+C, and your client sent one more message.',
            advice: 'Pass signal: stop.signal to client.callTool, so that the SDK makes no second call.',
            see,
          });
        });
      },
    );
  });
});
