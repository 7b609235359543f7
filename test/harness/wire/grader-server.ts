// A server of the grader's, for the learner's client.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { explainEnd } from '../programs/crash-report.ts';
import { onceLoaded } from '../programs/listening.ts';
import { listenOnFreePort } from '../programs/ports.ts';
import { lastOutput } from '../programs/printed.ts';
import type { Program } from '../programs/program.ts';
import { Failure } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import { requestLine, type Transcript } from './transcript.ts';

/** A request that a learner's client has sent to the grader. */
export type Call = {
  /** When it came, on the clock of `performance.now()`. */
  at: number;
  request: IncomingMessage;
  /** The body of the request, whole. */
  body: string;
  response: ServerResponse;
  /** Writes one piece of the answer in a chunk of its own, and waits until the client has handled it. */
  send(bytes: string | Uint8Array): Promise<void>;
  end(): void;
  /** Closes the connection in the middle of the answer. */
  breakOff(): void;
};

/** A certificate and its private key, in PEM. */
export type Certificate = { cert: string; key: string };

/** Writes, and waits until the bytes are out, or the client has gone away: the callback of a write may then never come. */
async function written(response: ServerResponse, bytes: string | Uint8Array): Promise<void> {
  let settle = () => {};
  const settled = new Promise<void>((resolve) => (settle = resolve));
  response.once('close', settle);
  response.write(bytes, () => settle());
  await settled;
  response.off('close', settle);
}

export type GraderServer = {
  url: string;
  /** How many requests have come that `call` has not returned. */
  readonly waiting: number;
  /** The next request; fails when the client sends none. */
  call(client: Program): Promise<Call>;
};

/** A header as UTF-8: Node reads each of its bytes as a character. */
export const utf8Header = (value: string | string[] | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(String(value), 'latin1').toString('utf8');

/** Milliseconds that a client may take from its first line to its first request. */
export const startLimit = 7000;

/**
 * Starts a server that answers nothing by itself.
 * @param answer returns true for a request that it has answered: `call` does not return that one
 * @param certificate of a server that uses TLS
 */
export async function startGraderServer(
  { run, transcript }: { run: Run; transcript(): Transcript },
  path: string,
  answer: (call: Call) => boolean = () => false,
  certificate?: Certificate,
): Promise<GraderServer> {
  const calls: Call[] = [];
  let client: Program | undefined;

  const callOf = (request: IncomingMessage, response: ServerResponse, body: Buffer): Call => ({
    at: performance.now(),
    request,
    body: body.toString(),
    response,
    async send(bytes) {
      transcript().add('←', Buffer.from(bytes));
      if (!response.destroyed) await written(response, bytes);
      await client?.caughtUp();
    },
    end() {
      transcript().add('←', '(end of the response)');
      response.end();
    },
    breakOff() {
      transcript().add('←', '(the connection breaks off)');
      response.destroy();
    },
  });

  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const shown = { 'Last-Event-ID': utf8Header(request.headers['last-event-id']) };
    transcript().add('→', requestLine(`${request.method} ${request.url}`, shown));
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    if (body.length > 0) transcript().add('→', body);
    const call = callOf(request, response, body);
    if (!answer(call)) calls.push(call);
    run.changed();
  };
  const server = certificate ? createSecureServer(certificate, listener) : createServer(listener);
  const { port, close } = await listenOnFreePort(server);
  run.atEnd(close);

  const url = `${certificate ? 'https' : 'http'}://127.0.0.1:${port}${path}`;
  return {
    url,
    get waiting() {
      return calls.length;
    },
    async call(program) {
      client = program;
      await program.begun;
      const begun = () => calls.length > 0 || program.end || program.verdict;
      await onceLoaded(program, (limit) => run.until(begun, limit), startLimit);
      await run.expectSoon(
        begun,
        () => ({
          cause: `client.ts started, but sent no request to ${url} within ${startLimit / 1000} seconds.`,
          ...lastOutput(program.stderr),
          advice:
            program.stderr.trim() === ''
              ? 'Send the request to the address in the first argument, process.argv[2].'
              : 'Read what your client has printed on standard error. It may be an error that a catch has printed before the request was sent.',
        }),
        program,
        0,
      );
      const call = calls.shift();
      if (call) return call;
      throw new Failure(explainEnd(program, `before it sent a request to ${url}`));
    },
  };
}
