// A server of MCP that judges a learner's client: its script says what it answers, and each message that the client posts
// knows the words that judge and answer it.
import type { Program } from '../programs/program.ts';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import { promptMs } from '../run/waits.ts';
import type { Call, Certificate } from '../wire/grader-server.ts';
import { visible } from '../wire/printable.js';
import {
  expectEnd,
  expectInterrupted,
  howEnded,
  judgedClient,
  keptAlive,
  lastWords,
  notCutShort,
  type Client,
} from './command-line.ts';
import { eventOf } from './event-stream.ts';
import { expectHeader } from './http.ts';
import { newestRevision } from './mcp-client.ts';
import { asJson, look, type Looked } from './value.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';

/** A request of HTTP that the client has sent. */
export type Incoming = Call & {
  /** As explanations call it: `The request tools/call`. */
  what: string;
  /** It carries the revision and the session id on which the two ends have agreed. */
  expectAgreed(): void;
  /** It carries the session id. */
  expectSession(): void;
};

/** A message that the client has posted. */
export type ReceivedMessage = Incoming & {
  message: Message;
  /** The member of the message that has this name. */
  member(name: string): Looked;
  /** The id makes a request of it: a string or a whole number. */
  expectId(): void;
  /** It carries no session id: the server gives one only in its answer. */
  expectNoSession(advice: string): void;
  /** Its headers say that its body is JSON, and that the client reads both kinds of answer. */
  expectMediaTypes(): void;

  /** The response that has this result. */
  result(result: unknown): Message;
  /** The response that has this error. */
  error(code: number, message: string): Message;
  /** Begins the answer; what is sent after it goes into its body. The answer to `initialize` gives the session id. */
  begin(contentType: string, status?: number): void;
  /** Answers with this body. */
  answer(status: number, contentType: string, body: string): Promise<void>;
  /** Answers with one JSON object. */
  json(message: Message, contentType?: string): Promise<void>;
  /** Begins or continues an event stream: each message in an event and a chunk of its own, text and bytes as they are. */
  stream(...pieces: (Message | string | Uint8Array)[]): Promise<void>;
  /** Takes the message without an answer: status 202 and no body. */
  accept(): void;
  /** Takes the message with status 202, and leaves the body open. */
  acceptAndStayOpen(): void;
};

/** What a verdict says when a message did not come: the cause only where nothing was posted, `ended` in place of the advice if the client has ended. */
type Words = Pick<Partial<Explanation>, 'cause' | 'advice' | 'see'> & { ended?: string };

/** A server that follows a script, and the client that talks with it. It refuses every DELETE by itself, and every GET unless told. */
export type Script = {
  client: Client;
  /** What both ends use after the handshake; a script may give a new session id later. */
  agreed: { revision: string; session?: string | undefined };
  /** The requests that end a session. */
  goodbyes: Incoming[];
  /** The requests for a stream of their own. */
  gets: Incoming[];
  /** Milliseconds since the client was started. */
  elapsed(): number;
  /** Whether the client has posted something that no word has taken yet. */
  waiting(): boolean;
  /** The result of `initialize`. */
  initializeResult(): object;
  /** The next message that the client posts is a request or notification with this method, or with one of these. */
  next(method: string | readonly string[], words?: Words): Promise<ReceivedMessage>;
  /** The next message that the client posts is the response to the server's request with this method and id. */
  nextResponse(method: string, id: unknown, words?: Words): Promise<ReceivedMessage>;
  /** Nothing more has been posted. */
  nothingPosted(explanation: Explanation): Promise<void>;
  /** Waits for whichever comes first: a message that the client posts, or its end; `running` is the cause when neither does. */
  movesOn(running: string, advice?: string): Promise<'posted' | 'ended'>;
  /** Shakes hands, and answers with JSON. */
  handshake(): Promise<void>;
};

export type Terms = {
  /** What the client should call the tool with. */
  message?: string;
  /** What it should call the tool with after that, in a call each. */
  moreMessages?: string[];
  env?: Record<string, string>;
  /** Starts the client, where it takes other arguments. */
  begin?(url: string): Program;
  /** The revision that the server answers. */
  revision?: string;
  /** The session id that the server gives, if it gives one. */
  session?: string | undefined;
  /** Whether the server leaves a DELETE without an answer. */
  ignoresGoodbyes?: boolean;
  /** Whether notifications/cancelled is a message of the script. Otherwise the server accepts it. */
  awaitsCancelled?: boolean;
  /** Answers a GET as soon as it comes; 405, unless told. */
  onGet?: (get: Incoming) => void;
  /** The certificate of a server that uses TLS. */
  certificate?: Certificate;
  /** Where the client finds the server: `/mcp` unless told. */
  path?: string;
  /** Sees each request first: true for one that it keeps for itself. */
  hears?(call: Call): boolean;
  /** The command that shows the same without the grader. */
  see: string;
};

/** What is sent to the client to look like any server's JSON: a charset may follow the media type. */
const jsonType = 'application/json; charset=utf-8';

/** A notification of JSON-RPC. */
export const notification = (method: string, params?: unknown): Message => ({
  jsonrpc: '2.0',
  method,
  ...(params !== undefined && { params }),
});

/** A log message. */
export const logMessage = (level: string, data: unknown): Message =>
  notification('notifications/message', { level, logger: 'grader', data });

/** The result of a tool that says this. */
export const textResult = (text: string) => ({ content: [{ type: 'text', text }] });

/** Starts a server and a client for it: `start` leaves all that follows to the caller, `upToCall` waits for the tool to be called. */
export const scriptedServer = (run: Run, terms: Terms) => ({
  start: () => start(run, terms),
  async upToCall(): Promise<Script & { call: ReceivedMessage }> {
    const script = await start(run, terms);
    await script.handshake();
    return { ...script, call: await script.next('tools/call') };
  },
});

async function start(run: Run, terms: Terms): Promise<Script> {
  const { message: text = 'hello', moreMessages = [], env = {}, revision = newestRevision } = terms;
  const { session, ignoresGoodbyes, awaitsCancelled, onGet, certificate, path = '/mcp', see } = terms;
  const agreed: Script['agreed'] = { revision, session };
  const goodbyes: Incoming[] = [];
  const gets: Incoming[] = [];
  const answer = (call: Call): boolean => {
    if (terms.hears?.(call)) return true;
    // A client that has waited long enough may say so.
    if (methodOf(call) === 'notifications/cancelled' && !awaitsCancelled) {
      accept(call);
      return true;
    }
    // A client may ask for a stream of its own, and a server may say that it does not end sessions.
    const { method } = call.request;
    if (method !== 'GET' && method !== 'DELETE') return false;
    if (method === 'DELETE') {
      goodbyes.push(incoming(call, 'The DELETE', agreed, see));
      if (ignoresGoodbyes) return true;
    } else {
      const get = incoming(call, 'The GET', agreed, see);
      gets.push(get);
      if (onGet) {
        onGet(get);
        return true;
      }
    }
    call.response.writeHead(405, { allow: 'POST' });
    call.end();
    return true;
  };
  const site = await run.startGraderServer(path, answer, certificate);

  const started = performance.now();
  const program = terms.begin?.(site.url) ?? run.startClientWith(env, site.url, text, ...moreMessages);
  let first = true;

  async function nextPosted(awaited: string, { cause, ended: endedAdvice, ...words }: Words): Promise<ReceivedMessage> {
    const missing = () => {
      run.missing(awaited);
      return { cause: cause ?? `Your client did not send ${awaited}.`, see, ...words };
    };
    if (!first) await run.expectSoon(() => site.waiting > 0 || program.end || program.verdict, missing, program);
    if (!first && site.waiting === 0) {
      notCutShort(
        program,
        `before it sent ${awaited}`,
        words.advice ?? 'Keep the client running until its call is answered.',
      );
      const ended = `Your client ended ${howEnded(program)} before it sent ${awaited}.`;
      throw new Failure({
        cause: ended,
        ...lastWords(program),
        see,
        ...words,
        ...(endedAdvice && { advice: endedAdvice }),
      });
    }
    first = false;
    return received(await site.call(program), awaited, agreed, see);
  }

  const script: Omit<Script, 'client'> = {
    agreed,
    goodbyes,
    gets,
    elapsed: () => performance.now() - started,
    waiting: () => site.waiting > 0,
    initializeResult: () => ({
      protocolVersion: agreed.revision,
      capabilities: { tools: {}, logging: {} },
      serverInfo: { name: 'grader', version: '1.0.0' },
    }),
    async next(oneOf, words = {}) {
      const methods = [oneOf].flat();
      const method = methods.join(' or ');
      const awaited = method.startsWith('notifications/') ? method : `the request ${method}`;
      const posted = await nextPosted(awaited, words);
      const { message } = posted;
      const { cause: _cause, ended: _ended, ...others } = words;
      expect(methods.includes(String(message.method)), {
        cause: `Your client sent ${message.method === undefined ? 'a response' : message.method} where it should have sent ${method}.`,
        compare: { expected: `"method":"${methods[0]}"`, received: asJson(message) },
        advice: 'Send the messages of the handshake in their order, and then the call.',
        see,
        ...others,
      });
      return posted;
    },
    async nextResponse(method, id, words = {}) {
      const awaited = `the response to the server's request ${method} with the id ${JSON.stringify(id)}`;
      const posted = await nextPosted(awaited, words);
      expect(posted.message.id === id && !('method' in posted.message), {
        cause: `Your client posted a different message instead of ${awaited}.`,
        compare: { expected: `"id":${JSON.stringify(id)}`, received: visible(posted.body) },
        advice:
          'method' in posted.message
            ? 'Post the response itself, for example with tell: request would wrap it in a new request.'
            : 'Copy the id of the request into the response, with its type: 7 and "7" are different ids.',
        see: words.see ?? see,
      });
      return posted;
    },
    async nothingPosted(explanation) {
      await program.caughtUp();
      if (site.waiting === 0) return;
      const { body } = await site.call(program);
      throw new Failure({ compare: { expected: '(nothing)', received: visible(body) }, see, ...explanation });
    },
    async movesOn(running, advice = keptAlive) {
      const moved = () => site.waiting > 0 || program.end || program.verdict;
      await run.expectSoon(moved, () => ({ cause: running, advice }), program, 2 * promptMs);
      return site.waiting > 0 ? 'posted' : 'ended';
    },
    async handshake() {
      const initialize = await script.next('initialize');
      await initialize.json(initialize.result(script.initializeResult()));
      const advice = `The answer to initialize had the Content-Type ${jsonType}: compare only the media type before the semicolon.`;
      (await script.next('notifications/initialized', { advice })).accept();
    },
  };
  const client = judgedClient(run, program, {
    happened: () => site.waiting > 0,
    expectNone: () =>
      script.nothingPosted({
        cause: 'Your client answered a message that is not a request.',
        advice: 'Answer only a message that has a method and an id. A notification and a response get no answer.',
      }),
  });
  return { client, ...script };
}

const methodOf = ({ body }: Call): unknown => {
  const message = fromJson(body);
  return isObject(message) ? message.method : undefined;
};

function accept({ response, end }: Call): void {
  response.writeHead(202);
  end();
}

function incoming(call: Call, what: string, agreed: Script['agreed'], see: string): Incoming {
  return {
    ...call,
    what,
    expectAgreed: () => expectAgreed(call, what, agreed, see),
    expectSession: () => expectSession(call, what, agreed, see),
  };
}

/** @throws Failure when it is not a message of JSON-RPC, in a POST */
function received(call: Call, awaited: string, agreed: Script['agreed'], see: string): ReceivedMessage {
  const { request, response, body, send, end } = call;
  expect(request.method === 'POST', {
    cause: `Your client sent a ${request.method} where it should have sent ${awaited}.`,
    advice: 'Send every message in a POST of its own.',
    see,
  });
  const message = fromJson(body);
  expect(isObject(message) && message.jsonrpc === '2.0', {
    cause: 'Your client posted a body that is not a JSON-RPC message.',
    compare: { expected: '{"jsonrpc":"2.0", …}', received: visible(body.slice(0, 120)) || '(nothing)' },
    advice: 'Make the body with JSON.stringify, and give every message the member jsonrpc with the string 2.0.',
    see,
  });
  const { id, method } = message;
  const what =
    method === undefined
      ? 'The response to a request of the server'
      : 'id' in message
        ? `The request ${method}`
        : String(method);
  const posted: ReceivedMessage = {
    ...incoming(call, what, agreed, see),
    message,
    member: (name) => look(message, 'message', see).at(name),
    expectId() {
      const cause =
        id === undefined
          ? `${what} has no id, so it is a notification, and the server does not answer it.`
          : `The id of ${lower(what)} is neither a string nor a whole number.`;
      const isId = typeof id === 'string' || Number.isInteger(id);
      look(id, 'id', see).expect(isId, cause, {
        like: '1',
        advice: 'Give each request a number of its own as its id: lastId counts them.',
      });
    },
    expectNoSession(advice) {
      const cause = `${what} has an MCP-Session-Id header, although a session begins only with the answer to initialize.`;
      expectHeader(request, 'MCP-Session-Id', (value) => value === '', undefined, { cause, advice, see });
    },
    expectMediaTypes: () => expectMediaTypes(call, what, see),
    result: (result) => ({ jsonrpc: '2.0', id, result }),
    error: (code, text) => ({ jsonrpc: '2.0', id, error: { code, message: text } }),
    begin(contentType, status = 200) {
      const session = method === 'initialize' && agreed.session;
      response.writeHead(status, { 'content-type': contentType, ...(session && { 'mcp-session-id': session }) });
    },
    async answer(status, contentType, text) {
      posted.begin(contentType, status);
      await send(text);
      end();
    },
    json: (answer, contentType = jsonType) => posted.answer(200, contentType, JSON.stringify(answer)),
    async stream(...pieces) {
      if (!response.headersSent) posted.begin('text/event-stream');
      response.flushHeaders();
      for (const piece of pieces) {
        await send(typeof piece === 'string' || piece instanceof Uint8Array ? piece : eventOf(piece));
      }
    },
    accept: () => accept(call),
    acceptAndStayOpen() {
      response.writeHead(202);
      response.flushHeaders();
    },
  };
  return posted;
}

/**
 * Refuses the question which revisions the server speaks, as a server of 2025-11-25 does: a client of either SDK may ask it
 * first, and then shakes hands. For `Terms.hears`.
 */
export function refusesDiscovery({ request: { method }, body, response, end, send }: Call): boolean {
  const message = method === 'POST' ? fromJson(body) : undefined;
  if (!isObject(message) || message.method !== 'server/discover') return false;
  response.writeHead(404, { 'content-type': 'application/json' });
  const error = { code: -32601, message: 'Method not found' };
  void send(JSON.stringify({ jsonrpc: '2.0', id: message.id, error })).then(end);
  return true;
}

/**
 * The user presses Ctrl+C during a call. The client posts notifications/cancelled with its id, waits for the answer, and ends
 * as it should. For a client that may be written with a library.
 * @param forNobody what the server does if nobody tells it: `so the server works on for nobody`
 */
export async function expectCancelled(
  run: Run,
  { client, goodbyes, movesOn, next }: Script,
  call: ReceivedMessage,
  { forNobody, see }: { forNobody: string; see: string },
): Promise<void> {
  client.interrupt();
  const tells =
    'Listen for SIGINT with process.once, and abort a controller whose signal the call has. Post notifications/cancelled with the id of the call. The official client does this when its signal aborts.';
  const moved = await movesOn(
    'The user has pressed Ctrl+C, but your client is still running and has not sent notifications/cancelled.',
    tells,
  );
  if (moved === 'ended') {
    throw new Failure({
      cause: `The user pressed Ctrl+C, and your client ended without notifications/cancelled, ${forNobody}.`,
      ...lastWords(client),
      advice: tells,
      see,
    });
  }
  const posted = await next('notifications/cancelled', { advice: tells });
  posted
    .member('params')
    .at('requestId')
    .is(
      call.message.id,
      'The requestId is not the id of the call.',
      'Send the id of the tools/call request, with its type.',
    );
  for (let turn = 0; turn < 5; turn++) await client.caughtUp();
  const saysGoodbye = goodbyes.length > 0;
  expect(!saysGoodbye && !client.end, {
    cause: `Your client posted notifications/cancelled, but it did not wait for the answer before it ${saysGoodbye ? 'sent DELETE' : 'ended'}.`,
    compare: {
      expected: 'notifications/cancelled, its answer, and then DELETE or the end',
      received: `notifications/cancelled, and ${saysGoodbye ? 'DELETE' : 'the end'} without the answer`,
    },
    advice:
      'Wait until the notification has been answered before you end the session. If DELETE arrives first, the server finds no call to stop. The official client does not wait for you: keep the promise of transport.send, and await it.',
    see,
  });
  posted.accept();
  call.end();
  await expectEnd(
    run,
    client,
    'The user has pressed Ctrl+C and the server has answered, but your client is still running.',
  );
  expectInterrupted(client);
}

/** As it stands inside of a sentence. */
const lower = (what: string): string => what.replace(/^The /, 'the ');

/** MCP 2025-11-25, basic/transports, "Protocol Version Header" and "Session Management". */
function expectAgreed(
  { request }: Pick<Call, 'request'>,
  what: string,
  { revision, session }: Script['agreed'],
  see: string,
): void {
  const version = request.headers['mcp-protocol-version'];
  expectHeader(request, 'MCP-Protocol-Version', (value) => value === revision, revision, {
    cause:
      version === undefined
        ? `${what} has no MCP-Protocol-Version header.`
        : `${what} has the wrong revision in its MCP-Protocol-Version header.`,
    advice:
      version === undefined
        ? 'Write the protocolVersion of the result of initialize into headers, and pass headers to every later fetch.'
        : 'Write the protocolVersion of the result of initialize into headers: every later request needs it.',
    see,
  });
  expectSession({ request }, what, { revision, session }, see);
}

function expectSession(
  { request }: Pick<Call, 'request'>,
  what: string,
  { session }: Script['agreed'],
  see: string,
): void {
  const cause = session
    ? `${what} has no MCP-Session-Id header with the id of the session.`
    : `${what} has an MCP-Session-Id header, but the server has not sent a session id.`;
  const advice =
    'Copy the MCP-Session-Id header of the answer to initialize into headers, if the server has sent one. Every later request needs it: notifications, responses and the DELETE too.';
  expectHeader(request, 'MCP-Session-Id', (value) => value === (session ?? ''), session, {
    cause,
    advice,
    see,
  });
}

/** MCP 2025-11-25, basic/transports, "Sending Messages to the Server". */
function expectMediaTypes({ request }: Call, what: string, see: string): void {
  const bothKinds = (accept: string) => /application\/json/i.test(accept) && /text\/event-stream/i.test(accept);
  expectHeader(request, 'Accept', bothKinds, 'application/json, text/event-stream', {
    cause: `${what} has the wrong Accept header: your client can read both kinds of answer.`,
    advice:
      'List application/json and text/event-stream in Accept. The server chooses between the two for each request.',
    see,
  });
  expectHeader(request, 'Content-Type', (type) => /^application\/json\b/i.test(type), 'application/json', {
    cause: `${what} has the wrong Content-Type header, although its body is JSON.`,
    advice: 'Send the header Content-Type: application/json with every POST.',
    see,
  });
}
