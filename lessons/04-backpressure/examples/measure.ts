// Runs a server with a reader that reads its /export for a second, stops for two, and reads on for one; prints meanwhile
// how many rows the server has made and how much memory it takes. Other readers, as many as you say, never read at all.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [program = 'lessons/04-backpressure/server.ts', others = '0'] = process.argv.slice(2);

// A port that is free: one that the system gives, and takes back.
const finder = createServer().listen(0, '127.0.0.1');
await once(finder, 'listening');
const { port } = finder.address() as AddressInfo;
finder.close();

// rows.ts tells us over the channel of a forked process.
let rows = 0;
let memory = 0;
const server = fork(program, { env: { ...process.env, PORT: String(port) }, silent: true });
process.on('exit', () => server.kill());
server.on('message', (message: { rows: number; memory: number }) => ({ rows, memory } = message));
server.on('exit', (code, signal) => {
  console.log(`${program} ended: ${signal ?? `exit code ${code}`}`);
  process.exit(1);
});

/** A response of which nothing is read yet; asks until the server listens. */
async function read(): Promise<IncomingMessage> {
  for (;;) {
    const response = await new Promise<IncomingMessage | undefined>((resolve) => {
      get({ host: '127.0.0.1', port, path: '/export', agent: false }, resolve).on('error', () => resolve(undefined));
    });
    if (response) return response;
    await sleep(50);
  }
}

const reader = await read();
for (let i = 0; i < Number(others); i++) await read();
const began = performance.now();
const note = (text: string) => console.log(`${(performance.now() - began).toFixed(0).padStart(5)} ms  ${text}`);
const watch = async (halfSeconds: number) => {
  for (let i = 0; i < halfSeconds; i++) {
    await sleep(500);
    note(`· ${rows.toLocaleString('en')} rows made, ${(memory / 1024 ** 2).toFixed(0)} MiB of memory`);
  }
};

note('→ GET /export');
reader.resume();
await watch(2);
note('→ (reads no further)');
reader.pause();
await watch(4);
note('→ (reads on)');
reader.resume();
await watch(2);
process.exit();
