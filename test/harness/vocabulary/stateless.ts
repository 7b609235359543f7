// Revision 2026-07-28: a client whose every request says it all, and the words that judge how a server refuses one.
import { metaKeys, toHeader } from '../../../lessons/support/stateless.ts';
import { expect } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import { isObject } from '../wire/json.ts';
import { received } from './http.ts';
import { mcpClient, type PostOptions, type Posted } from './mcp-client.ts';
import { look, type Looked } from './value.ts';

export const statelessRevision = '2026-07-28';

/** What a request says otherwise than usual. A member that is undefined is left out. */
export type Otherwise = Omit<PostOptions, 'headers'> & {
  /** In `_meta`; null leaves out the whole `_meta`. */
  meta?: Record<string, unknown> | null;
  headers?: Record<string, string | undefined>;
  id?: string | number;
};

export type StatelessClient = {
  /** Posts a request, and waits for nothing. */
  post(method: string, params?: object, otherwise?: Otherwise): Posted;
  /** Posts a request, and waits for the end of its answer. */
  ask(method: string, params?: object, otherwise?: Otherwise): Promise<Posted>;
};

/** What a request of the grader says of itself. */
export const ownMeta = {
  [metaKeys.protocolVersion]: statelessRevision,
  [metaKeys.clientInfo]: { name: 'grader', version: '0.9.0' },
  [metaKeys.clientCapabilities]: {},
};

/** A client of this server that says everything in each request. */
export function statelessClient(
  server: Server,
  options: { who?: string | undefined; newId?: () => string | number } = {},
): StatelessClient {
  const client = mcpClient(server, options);
  const post: StatelessClient['post'] = (method, params, { meta = {}, headers = {}, id, ...others } = {}) => {
    const { name } = (params ?? {}) as { name?: unknown };
    const said: Record<string, string | undefined> = {
      'MCP-Protocol-Version': statelessRevision,
      'Mcp-Method': method,
      'Mcp-Name': typeof name === 'string' ? toHeader(name) : undefined,
      ...headers,
    };
    const whole = meta === null ? params : { ...params, _meta: { ...ownMeta, ...meta } };
    const message = client.request(method, whole);
    return client.post(id === undefined ? message : { ...message, id }, {
      headers: Object.fromEntries(
        Object.entries(said).filter((each): each is [string, string] => each[1] !== undefined),
      ),
      ...others,
    });
  };
  return { post, ask: (method, params, otherwise) => post(method, params, otherwise).done() };
}

/** How a server should refuse a request that it has read. */
export type Refusal = {
  status: number;
  code: number;
  /** What is wrong with the request: `without _meta`. */
  about: string;
  advice: string;
};

/** The server has refused a request with this status, this error, and the id of the request. Returns the error. */
export function expectRefused(posted: Posted, { status, code, about, advice }: Refusal): Looked {
  const { see, what, message } = posted;
  const expected = `${status} "error":{"code":${code}, …}`;
  const got = { expected, received: received(posted) };
  expect(posted.status === status, {
    cause:
      posted.status! < 300 && !posted.text.includes('"error"')
        ? `${what} came ${about}, but your server accepted it.`
        : `${what} came ${about}, but your server answered with status ${posted.status}.`,
    compare: got,
    advice: posted.text.includes(`"code":${code}`)
      ? `Send this error with status ${status}: in this revision, HTTP says too that the request is refused.`
      : advice,
    see,
  });
  const body = posted.messages()[0];
  const error = look(body, 'body', see)
    .at('error')
    .object(`${what} came ${about}, and the body of the answer has no error.`, {
      like: `{"code":${code}, …}`,
      advice: `Send a JSON-RPC error with the code ${code} in the body.`,
    });
  error.at('code').is(code, `${what} came ${about}, but the error of your server has the wrong code.`, advice);
  const { id } = message as { id: unknown };
  look(body, 'body', see)
    .at('id')
    .is(
      id,
      'The error does not have the id of its request.',
      'Copy the id of the request into the error, with its type. Your server has read the request, so it knows the id.',
    );
  error
    .at('message')
    .string('The error has no message.', { advice: 'Say in a sentence what is wrong: people read the message.' });
  return error;
}

/** Whether a value has the members of an `Implementation`. */
export const isImplementation = (value: unknown): boolean =>
  isObject(value) && [value.name, value.version].every((each) => typeof each === 'string' && each !== '');
