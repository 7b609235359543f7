import { createServer } from 'node:net';

// Below every system's ephemeral range, so that no outgoing connection takes one; apart for each process.
let next = 20_000 + (process.pid % 200) * 50;

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = next >= 29_999 ? 20_000 : next + 1;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
