// Work under a grader that has started this program by a command: docs/any-language.md says what goes over the socket.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** One piece of work, on a connection of its own, at `address`. */
export async function workBySocket(address: string, label: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const [host, port] = address.split(':');
  const clock = connect({ host, port: Number(port), noDelay: true });
  const givenUp = () => clock.end(`${JSON.stringify({ call: 1, givenUp: true })}\n`);
  signal?.addEventListener('abort', givenUp);
  try {
    clock.write(`${JSON.stringify({ call: 1, work: label })}\n`);
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: clock })
        .once('line', resolve)
        .once('close', () => resolve('{"failed":"the grader has gone"}'))
        .once('error', reject);
      signal?.addEventListener('abort', () => resolve('{}'));
    });
    if (signal?.aborted) await sleep(0, undefined, { signal }); // the error of a real timer that is given up
    const { failed } = JSON.parse(line) as { failed?: string };
    if (failed !== undefined) throw new Error(failed);
  } finally {
    signal?.removeEventListener('abort', givenUp);
    clock.end();
  }
}
