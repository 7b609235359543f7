// A client of HTTP+SSE, the transport of revision 2024-11-05, that judges a learner's server.
import { expect, Failure, type Explanation } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import type { Exchange } from '../wire/exchange.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';
import { visible } from '../wire/printable.js';
import { expectEventStream, parseStream } from './event-stream.ts';
import { finished, received, release, workMs } from './http.ts';
import { hello, request, type Posted } from './mcp-client.ts';

/** A message that was posted to the endpoint of a client. Its response comes on the client's stream. */
type SentMessage = {
  /** The answer to the POST. */
  post: Exchange;
  /** The messages that have come on the stream since it was posted. */
  messages(): Message[];
  /** The response with its id, if it is here. */
  response(): Message | undefined;
};

export type OldClient = {
  readonly stream: Exchange;
  /** The address that the event `endpoint` has named, as a path. */
  readonly endpoint: string;
  /** All messages that have come on the stream. */
  messages(): Message[];
  /** Posts a message to the endpoint, and waits for nothing. */
  post(message: object): SentMessage;
  /** Posts a message, and waits until the server has taken it. */
  send(message: object): Promise<SentMessage>;
  /** Sends a request, and waits for its response; all held work is released meanwhile. */
  ask(method: string, params?: unknown, id?: string | number): Promise<SentMessage & { answer: Message }>;
};

const keepOld =
  'Leave the handlers of /sse and /messages as the starter has them: clients that know only HTTP+SSE still need them.';

const see = 'curl -N http://127.0.0.1:3000/sse';

/** An id differs from run to run, and says nothing. */
const withoutId = (address: string): string => address.replace(/[\w-]{16,}/, '…');

/** Opens the stream, and waits for the event `endpoint`. */
export async function openStream(server: Server, who: string): Promise<OldClient> {
  const { program, run } = server;
  const stream = server.request('/sse', { headers: { Accept: 'text/event-stream' }, who });
  const events = () => parseStream(stream).events;
  const came = () => events().length > 0 || finished(stream);
  const late = () => {
    run.missing('event: endpoint', who);
    return stream.status === undefined || stream.status === 200
      ? { cause: 'A client opened /sse, but your server did not send the event endpoint.', advice: keepOld, see }
      : {
          cause: `Your server answered GET /sse with status ${stream.status} instead of an event stream.`,
          advice: keepOld,
          see,
        };
  };
  await run.expectSoon(came, late, program);
  if (finished(stream)) {
    const compare = { expected: 'an event stream that stays open', received: received(stream) };
    throw new Failure({ ...late(), compare });
  }
  expectEventStream(stream, { advice: keepOld, see });
  const [first] = events();
  expect(first?.type === 'endpoint', {
    cause: 'The first event on /sse is not the event endpoint.',
    compare: { expected: 'event: endpoint', received: `event: ${visible(String(first?.type))}` },
    advice: keepOld,
    see,
  });
  expect(!/^["{[]/.test(first.data), {
    cause: 'The data of the event endpoint is JSON, but clients expect the address itself.',
    compare: { expected: 'data: /messages?sessionId=…', received: visible(`data: ${withoutId(first.data)}`) },
    advice: 'Write the address after data: without quotation marks. JSON.stringify adds them.',
    see,
  });
  const address = URL.canParse(first.data, String(server.url))
    ? new URL(first.data, new URL('/sse', server.url))
    : undefined;
  expect(address?.origin === server.url.origin, {
    cause: 'The event endpoint does not lead to an address on the origin of your server.',
    compare: { expected: '/messages?sessionId=…', received: visible(withoutId(first.data)) },
    advice:
      'Write only a path after data:, such as /messages?sessionId=…, without quotation marks. Clients refuse an endpoint on another origin, because it could send their messages to somebody else.',
    see,
  });
  const endpoint = `${address.pathname}${address.search}`;
  let lastId = 0;

  const messages = (): Message[] =>
    events()
      .slice(1)
      .map(({ type, data }) => {
        const message = fromJson(data);
        expect(type === 'message' && isObject(message), {
          cause: 'Your server sent an event on /sse that is no message, after the event endpoint.',
          compare: {
            expected: 'event: message\\ndata: {"jsonrpc":"2.0", …}',
            received: visible(`event: ${type}\ndata: ${data}`),
          },
          advice: keepOld,
          see,
        });
        return message;
      });

  const client: OldClient = {
    stream,
    endpoint,
    messages,
    post(message) {
      const before = messages().length;
      const post = postTo(server, endpoint, message, who);
      const own = () => messages().slice(before);
      return {
        post,
        messages: own,
        response: () => own().find((each) => !('method' in each) && each.id === (message as Message).id),
      };
    },
    async send(message) {
      const sent = client.post(message);
      await answered(
        server,
        sent.post,
        'Answer the POST as soon as you have read the message, and do not wait for the tool: the response to the message comes on the stream.',
      );
      const { status } = sent.post;
      expect(status! >= 200 && status! < 300, {
        cause: `Your server refused a message that a client of /sse posted to its endpoint with status ${status}.`,
        compare: { expected: '202', received: received(sent.post) },
        advice: keepOld,
      });
      return sent;
    },
    async ask(method, params, id = ++lastId) {
      const sent = await client.send(request(id, method, params));
      const missing = (): Explanation => {
        run.missing(`the response to ${method}`, who);
        return {
          cause: finished(stream)
            ? `Your server closed the stream of /sse before it had sent the response to ${method}.`
            : `Your server did not send the response to ${method} on the stream of its client.`,
          ...(sent.post.text.includes('"jsonrpc"') && {
            compare: { expected: 'the response on the stream of /sse', received: received(sent.post) },
          }),
          advice: keepOld,
        };
      };
      const here = () => {
        release(program);
        return sent.response() ?? finished(stream);
      };
      await run.expectSoon(here, missing, program, workMs);
      const answer = sent.response();
      if (!answer) throw new Failure(missing());
      return { ...sent, answer };
    },
  };
  return client;
}

/** Opens the stream, and shakes hands over it. */
export async function connectOld(
  server: Server,
  who: string,
  params = hello(),
): Promise<OldClient & { initialized: Message }> {
  const client = await openStream(server, who);
  const { answer } = await client.ask('initialize', params);
  expect(isObject(answer.result), {
    cause: 'Your server answered initialize on /sse with an error.',
    compare: { expected: '"result":…', received: visible(JSON.stringify(answer)) },
    advice: keepOld,
  });
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return { ...client, initialized: answer.result };
}

/** Posts a message to an address of HTTP+SSE. */
export const postTo = (server: Server, endpoint: string, message: object, who?: string): Exchange =>
  server.request(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(message),
    ...(who !== undefined && { who }),
  });

/** Waits for the end of the answer to a POST; no work is released. */
export async function answered({ program, run }: Server, post: Exchange, advice: string): Promise<void> {
  const late = () => ({ cause: `Your server did not answer ${post.name.replace(/\?.*/, '')}.`, advice });
  await run.expectSoon(() => finished(post), late, program, workMs);
  expect(post.broken === undefined, {
    ...late(),
    cause: 'Your server closed the connection of a POST before it had answered.',
  });
}

/** A message to the endpoint, in the words for a message to /mcp: what comes on the stream is its answer. */
export function asPosted({ stream }: OldClient, { post, messages, response }: SentMessage, message: object): Posted {
  const text = () =>
    messages()
      .map((each) => JSON.stringify(each))
      .join('\n');
  return {
    what: 'A message to the endpoint',
    message,
    see: '',
    name: post.name,
    messages,
    get status() {
      return stream.status;
    },
    get headers() {
      return stream.headers;
    },
    get chunks() {
      return stream.chunks;
    },
    get text() {
      return text();
    },
    get ended() {
      return response() !== undefined;
    },
    get broken() {
      return stream.broken;
    },
  } as unknown as Posted;
}
