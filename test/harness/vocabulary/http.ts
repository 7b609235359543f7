// HTTP: what a response says by its status and its headers, and how it ends. Status first, then headers, then body.
import type { Program } from '../programs/program.ts';
import { expect, type Explanation } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import type { Exchange } from '../wire/exchange.ts';
import { visible } from '../wire/printable.js';

/** Milliseconds within which everything is answered, also by a program whose work takes seconds by other means than the work clock. */
export const workMs = 5000;

/** The response has ended, or its connection has broken. */
export const finished = (exchange: Exchange): boolean => exchange.ended || exchange.broken !== undefined;

/** Releases one piece of work, when one is held; a program that waits by other means goes on by itself. */
export const release = (program: Program): void => program.held[0]?.release();

/** The command that sends the same request; `-N` shows each piece as it comes, `-i` shows status and headers. */
export function curl({ name }: Exchange, option: '-N' | '-i' = '-N'): { see: string } {
  const [, method = 'GET', path = name] = /^(\w+) (.*)/s.exec(name) ?? [];
  const options = method === 'GET' ? option : method === 'HEAD' ? '-I' : `${option} -X ${method}`;
  return { see: `curl ${options} "http://127.0.0.1:3000${path}"` };
}

/** Status and body of a response, as an explanation shows them; or how its connection broke. */
export const received = ({ status, broken, text }: Exchange): string =>
  status === undefined && broken !== undefined
    ? `(no response: ${broken})`
    : `${status} ${text === '' ? '(no body)' : /^\s*</.test(text) ? '(an HTML page)' : visible(cut(text))}`;

/** A long text is cut off, and says so. */
const cut = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

/**
 * Waits until the response has ended, and releases all held work meanwhile.
 * @param explain why it should have ended; its argument says of a server that has sent nothing at all that it is silent
 * @param broken is said when its connection broke instead
 * @param limit milliseconds
 * @returns how many pieces of work were released
 */
export async function untilEnd(
  { program, run }: Pick<Server, 'program' | 'run'>,
  exchange: Exchange,
  explain: (silence: Partial<Explanation>) => Explanation,
  broken: Explanation,
  limit = workMs,
): Promise<number> {
  let released = 0;
  await run.expectSoon(
    () => {
      if (program.held.length > 0) released++;
      release(program);
      return finished(exchange);
    },
    () => {
      run.missing(exchange.status === undefined ? 'a response' : 'the end of the response');
      return explain(exchange.status === undefined ? silenceOf(exchange, limit) : {});
    },
    program,
    limit,
  );
  expect(exchange.broken === undefined, broken);
  return released;
}

/** @param limit milliseconds that the server has had */
const silenceOf = ({ name }: Exchange, limit: number): Partial<Explanation> => ({
  cause: `Your server has accepted the request ${name}, but has sent nothing within ${limit / 1000} seconds.`,
  advice:
    'Look for a path through the handler that ends without response.end or next, and for an await that waits for nothing.',
});

/** The response has this status. */
export function expectStatus(exchange: Exchange, status: number, explanation: Partial<Explanation> = {}): void {
  expect(exchange.status === status, {
    cause: `${exchange.name} was answered with status ${exchange.status}.`,
    compare: { expected: String(status), received: received(exchange) },
    ...curl(exchange, '-i'),
    ...explanation,
  });
}

/**
 * The response, or the request, has this header.
 * @param fits says whether its value will do; a missing header is the empty string
 * @param expected as the verdict shows it; undefined when there should be no such header
 */
export function expectHeader(
  { headers }: Pick<Exchange, 'headers'>,
  name: string,
  fits: (value: string) => boolean,
  expected: string | undefined,
  explanation: Explanation,
): void {
  const shown = (value: string | undefined) => (value ? `${name}: ${value}` : `(no ${name})`);
  const value = String(headers[name.toLowerCase()] ?? '');
  expect(fits(value), {
    compare: { expected: shown(expected), received: shown(value) },
    ...explanation,
  });
}

/**
 * The server has answered no request twice, and has written nothing after the end of an answer: Node.js throws an error for
 * that, which Express or the server itself prints.
 * @param from how long its standard error was before the requests in question
 */
export async function expectAnsweredOnce({ program }: Server, explanation: Explanation, from = 0): Promise<void> {
  await program.caughtUp();
  const said = `${program.stderr.slice(from)}\n${program.stdout}`;
  const printed = /.*(ERR_HTTP_HEADERS_SENT|ERR_STREAM_WRITE_AFTER_END).*/.exec(said)?.[0];
  expect(printed === undefined, { output: printed ?? '', ...explanation });
}
