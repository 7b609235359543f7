// How a learner's client ends, and what it says: words for graders.
import { crashed, explainEnd, type Program } from '../programs/program.ts';
import { expect, Failure } from '../run/failure.ts';
import { promptMs, type Run } from '../run/run.ts';
import { visible } from '../wire/transcript.ts';

/** Waits until the client has ended. */
export async function expectEnd(run: Run, client: Program, cause: string): Promise<void> {
  await run.expectSoon(
    () => client.end ?? client.verdict,
    () => ({
      cause,
      advice: 'Something keeps it alive: a timer, a reader that is never closed, a loop that never ends?',
    }),
    client,
    2 * promptMs,
  );
  if (client.verdict) throw new Failure(client.verdict);
}

/** Fails with the client's own error when it has crashed instead of handling what came. */
export function notCrashed(client: Program, when: string): void {
  if (client.verdict || crashed(client)) {
    throw new Failure(explainEnd(client, when));
  }
}

/** One line on standard error, and this exit code. `silent` is the advice when there is no line, `advice` when the code is another. */
export function checkComplaint(
  client: Program,
  what: string,
  { silent = 'console.error writes there.', code = 1, advice = '' } = {},
): void {
  // Node's own warnings are not the client's.
  const received = client.stderr.replace(/^\(node:\d+\) .*\n|^\(Use `node --trace-.*\n/gm, '').trim();
  expect(received !== '', {
    cause: `The client says nothing on standard error about ${what}.`,
    advice: /error|fail|refused|abort|premature|terminated|\b[45]\d\d\b/i.test(client.stdout)
      ? 'It says something on standard output: console.error writes to standard error.'
      : silent,
  });
  if (crashed(client)) {
    throw new Failure({
      ...explainEnd(client, `on ${what}`),
      advice: 'Catch the error, and say what happened in a sentence.',
    });
  }
  expect(!/^[ \t]+at /m.test(received), {
    cause: `The client printed the stack of an error about ${what}.`,
    advice: 'One line says what happened: error.message, not the whole error.',
    output: received.slice(0, received.search(/^[ \t]+at /m)).trimEnd(),
  });
  expect(!received.includes('\n'), {
    cause: `The client says more than one line on standard error about ${what}.`,
    compare: { expected: 'one line', received: visible(received) },
  });
  expect(client.end?.code === code, {
    cause: `The client did not exit with code ${code} after ${what}.`,
    compare: { expected: String(code), received: String(client.end?.code ?? client.end?.signal) },
    advice: advice || `Set process.exitCode = ${code} where you handle the error.`,
  });
}

/** The longest time in milliseconds for which the program's event loop did not turn, until `over` says that it is over. */
export async function longestPause(program: Program, over: () => boolean): Promise<number> {
  let longest = 0;
  while (!over() && !program.end) {
    const asked = performance.now();
    const alive = await program.caughtUp(60_000);
    longest = Math.max(longest, performance.now() - asked);
    if (!alive) break;
  }
  return longest;
}
