// The work clock of a program in any language: a socket of 127.0.0.1, on which each message is a line of JSON. Its address
// is in the variable WORK_CLOCK. docs/any-language.md says what goes over it.
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { isObject } from '../wire/json.ts';
import { visible } from '../wire/printable.js';
import { giveUp, hold } from './messages.ts';
import type { WorkSocket } from './program.ts';
import { stopFor, type Running } from './running.ts';

/** Sockets that listen and belong to no program yet. A program is started in one turn, and to listen takes more than one. */
let ready: Server[] = [];
const kept = 32;
/** The sockets of this run. */
let open: Server[] = [];

/** Opens sockets for the programs of a run. */
export async function openWorkSockets(): Promise<void> {
  await Promise.all(Array.from({ length: kept - ready.length }, addSocket));
}

/** Closes them all. */
export function closeWorkSockets(): void {
  for (const server of open) server.close();
  open = [];
  ready = [];
}

async function addSocket(): Promise<void> {
  // Whoever reads a connection begins to: it may be another process.
  const server = createServer({ pauseOnConnect: true }).unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  ready.push(server);
}

/** A socket for one program. */
export function takeWorkSocket(): WorkSocket | undefined {
  const server = ready.shift();
  const address = server?.address();
  if (!server || !address || typeof address === 'string') return undefined;
  void addSocket().catch(() => {}); // without one, a program is graded without the clock
  return { server, address: `127.0.0.1:${address.port}` };
}

/** Takes the connections of a program to its socket, until it has ended. */
export function readUntilEnd(program: Running): void {
  const { server } = program.start.workSocket ?? {};
  const sockets = new Set<Socket>();
  server?.on('connection', (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true).on('error', () => {});
    const calls = new Set<object>();
    createInterface({ input: socket })
      .on('line', (line) => read(program, socket, calls, line))
      .on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      for (const call of calls) giveUp(program, call); // nobody waits for it
      program.start.changed();
    });
  });
  program.atEnd.push(() => {
    for (const socket of sockets) socket.destroy();
    server?.close();
  });
}

/** A call, as `held` names it: the same number may come over another connection. */
type OwnCall = { call: unknown };

function read(program: Running, socket: Socket, calls: Set<object>, line: string): void {
  if (line.trim() === '') return;
  const message = parse(line);
  const { call, work, givenUp } = message ?? {};
  const own = [...calls].find((each) => (each as OwnCall).call === call);
  if (typeof work === 'string' && !own) {
    const begun: OwnCall = { call };
    calls.add(begun);
    hold(program, work, begun, (failed) => {
      calls.delete(begun);
      socket.write(`${JSON.stringify(failed === undefined ? { call, done: true } : { call, failed })}\n`);
    });
  } else if (givenUp === true) {
    // It may be done meanwhile, and the answer on its way.
    if (own) giveUp(program, own);
    if (own) calls.delete(own);
  } else {
    stopFor(program, {
      cause:
        own && typeof work === 'string'
          ? `${program.name} began two pieces of work with the same call: ${visible(line.slice(0, 200))}`
          : `${program.name} sent the work clock a line that is not a message: ${visible(line.slice(0, 200))}`,
      advice:
        'Send {"call":1,"work":"what it is"}, and a line break after it. Each piece of work that is going on needs a call of its own. docs/any-language.md has all messages.',
      at: program.name,
    });
  }
  program.start.changed();
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return isObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
