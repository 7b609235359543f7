import { createServer } from 'node:net';

// Below every system's ephemeral range, so that no outgoing connection takes one.
const first = 20_000;
const blocks = 100;
const size = 100;

/** The block of ports that belongs to this process, from its first, and how many have been given away. */
let own: Promise<number> | undefined;
let given = 0;

/** A port of 127.0.0.1 on which nobody listens, and that no other process is given as long as this one lives. */
export async function freePort(): Promise<number> {
  own ??= claimBlock();
  const block = await own;
  for (;;) {
    const port = block + 1 + (given++ % (size - 1));
    if (await listens(port)) return port;
  }
}

/** A block is claimed by listening on its first port until this process ends: of two that try, one can. */
async function claimBlock(): Promise<number> {
  for (let block = process.pid; ; block++) {
    const port = first + (block % blocks) * size;
    if (await listens(port, true)) return port;
  }
}

/** Whether this process can listen on the port; with `keep`, it goes on to. */
function listens(port: number, keep = false): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      if (!keep) return server.close(() => resolve(true));
      server.unref();
      resolve(true);
    });
  });
}
