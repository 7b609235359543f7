// Ports of 127.0.0.1 for the grader and its programs: each process that grades has a block of its own.
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { MachineFault } from './machine-fault.js';

// Below every system's ephemeral range, so that no outgoing connection takes one.
const first = 20_000;
const blocks = 100;
const size = 100;

type Ports = {
  /**
   * A port on which nobody listens, and that no other process is given as long as this one lives.
   * @throws MachineFault when every block, or every port of this process's block, is taken
   */
  free(): Promise<number>;
};

/** A process's own ports. It holds its block by listening on the first port of it, so a block is free when its process ends. */
export function ports(): Ports {
  let block: Promise<number> | undefined;
  let handedOut = 0;
  return {
    async free() {
      block ??= claimBlock();
      const own = await block.catch((error: unknown) => {
        block = undefined; // the next run may find one
        throw error;
      });
      for (let attempt = 1; attempt < size; attempt++) {
        const port = own + 1 + (handedOut++ % (size - 1));
        if (await listens(port)) return port;
      }
      throw new MachineFault(
        `All ports from ${own + 1} to ${own + size - 1} of 127.0.0.1 are taken, and the grader has no others.\n` +
          'End the programs that listen on them, and check again.',
      );
    },
  };
}

/** Holds the ports of this process for each copy of this module in it, so that all of them share one block. */
const ofThisProcess = globalThis as { [key: symbol]: Ports | undefined };

/** A port from this process's block. @throws MachineFault, as `Ports.free` does */
export function freePort(): Promise<number> {
  const own = (ofThisProcess[Symbol.for('chunk-by-chunk.ports')] ??= ports());
  return own.free();
}

/**
 * Lets a server of ours listen on a free port of 127.0.0.1.
 * @returns the port, and what closes the server together with its connections
 * @throws MachineFault, as `Ports.free` does
 */
export async function listenOnFreePort(server: HttpServer | HttpsServer): Promise<{ port: number; close(): void }> {
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Tries each block once, and begins in another place than its neighbours do: of two processes that try, one can listen. */
async function claimBlock(): Promise<number> {
  for (let attempt = 0; attempt < blocks; attempt++) {
    const port = first + ((process.pid + attempt) % blocks) * size;
    if (await listens(port, true)) return port;
  }
  throw new MachineFault(
    `The grader needs a port, but all ${blocks} of those that it may begin with are taken: ` +
      `${first}, ${first + size} … ${first + (blocks - 1) * size} of 127.0.0.1.\n` +
      'End other checks that run on this machine, or what listens on these ports, and check again.',
  );
}

/** Whether this process can listen on the port; with `keep`, it goes on to. */
function listens(port: number, keep = false): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    // An error comes within the same turn of the event loop: without a pause, a search for a port would stop all else.
    server.once('error', () => setImmediate(resolve, false));
    server.listen(port, '127.0.0.1', () => {
      if (!keep) return server.close(() => resolve(true));
      server.unref();
      resolve(true);
    });
  });
}
