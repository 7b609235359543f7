import { spawn, type ChildProcess } from 'node:child_process';
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root, solutionsFolder } from '../../test/harness/folders.js';
import { accepts } from '../../test/harness/programs/listening.ts';
import { freePort } from '../../test/harness/programs/ports.ts';
import { residentMemory } from '../../test/harness/programs/process.js';
import type { Arguments } from './command.ts';
import { median } from './median.ts';
import { limit, overNewHttp, overOldHttp, overStdio, type Client } from './transports/clients.ts';
import { bufferingProxy } from './transports/proxy.ts';

/** A job that takes long enough to tell a message that came in time from one that came at the end. */
const job = { messages: 3, pause: 200 };
const jobs = 3;
const short = { messages: 0, pause: 0 };
/** Requests that are open at the same time, for how many milliseconds, and how often. */
const connections = 16;
const lasting = 500;
const turns = 5;
/** Clients that are connected and do nothing. */
const idle = 200;
/** Milliseconds that the old endpoint has behind the proxy. */
const patience = 2000;

/** When the first notification and the result arrived, in milliseconds after the request. */
type Times = { first: number; result: number };

type Figures = {
  transport: string;
  direct: Times;
  requestsPerSecond: number;
  /** Bytes that each client costs that is connected and does nothing; undefined where the system does not tell. */
  idleBytes: number | undefined;
  /** The same job behind a proxy that buffers: undefined where no proxy can be, `nothing` where nothing arrived. */
  behindProxy: Times | 'nothing' | undefined;
};

/** Does the same work over the three transports, one after the other, and prints a table. */
export async function measureTransports({ options }: Arguments): Promise<number> {
  const figures = [await measureStdio(), ...(await measureHttp())];
  console.log(options.json ? JSON.stringify(figures, null, 2) : table(figures));
  return 0;
}

async function measureStdio(): Promise<Figures> {
  const server = start('19-standard-input-and-output', {}, 'pipe');
  try {
    const client = await overStdio(server);
    const direct = await timesOf(client);
    const memory = residentMemory(server.pid); // a client that does nothing is a process that does nothing
    return {
      transport: 'stdio',
      direct,
      requestsPerSecond: await requestsPerSecond(client),
      idleBytes: memory === undefined ? undefined : memory * 1024 ** 2,
      behindProxy: undefined,
    };
  } finally {
    server.kill();
  }
}

async function measureHttp(): Promise<Figures[]> {
  const port = await freePort();
  const server = start('20-two-endpoints', { PORT: String(port) }, 'ignore');
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const proxy = await bufferingProxy(port);
  const origin = `http://127.0.0.1:${port}`;
  try {
    await listening(server, port);
    const both = [
      { transport: 'HTTP+SSE', connect: overOldHttp, speeds: [] as number[] },
      { transport: 'Streamable HTTP', connect: overNewHttp, speeds: [] as number[] },
    ];
    const clients = await Promise.all(both.map(({ connect }) => connect(origin, agent)));
    // In turn, so that the rest of the machine slows down neither of them more.
    for (let turn = 0; turn < turns; turn++) {
      for (const [i, { speeds }] of both.entries()) speeds.push(await requestsPerSecond(clients[i]!));
    }
    const figures: Figures[] = [];
    for (const [i, { transport, connect, speeds }] of both.entries()) {
      figures.push({
        transport,
        direct: await timesOf(clients[i]!),
        requestsPerSecond: median(speeds),
        idleBytes: await idleBytes(server, () => connect(origin, agent)),
        behindProxy: await throughProxy(() => connect(proxy.origin, agent, patience)),
      });
    }
    for (const client of clients) client.close();
    return figures;
  } finally {
    agent.destroy();
    proxy.close();
    server.kill();
  }
}

/** A server in a process of its own, which ends with ours. */
function start(slug: string, env: Record<string, string>, stdio: 'pipe' | 'ignore'): ChildProcess {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const memory = pathToFileURL(join(root, 'scripts', 'workshop', 'transports', 'memory.js')).href;
  const tools = join(root, 'scripts', 'workshop', 'transports', 'tools.ts');
  const file = join(solutionsFolder, slug, 'server.ts');
  return spawn(process.execPath, ['--expose-gc', '--import', memory, '--import', tsx, file], {
    cwd: root,
    env: { ...process.env, ...env, MORE_TOOLS: tools, NODE_ENV: 'production' },
    stdio: [stdio, stdio, 'ignore', 'ipc'],
  });
}

async function listening(server: ChildProcess, port: number): Promise<void> {
  const began = performance.now();
  while (!(await accepts(port))) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error('The server has ended.');
    if (performance.now() - began > limit) throw new Error(`The server does not listen on port ${port}.`);
    await sleep(50);
  }
}

/** The medians of a few jobs; one before them only warms up. */
async function timesOf(client: Client): Promise<Times> {
  await client.call(short);
  const times: Times[] = [];
  for (let i = 0; i < jobs; i++) times.push(await timesOfJob(client));
  return { first: median(times.map(({ first }) => first)), result: median(times.map(({ result }) => result)) };
}

async function timesOfJob(client: Client): Promise<Times> {
  const began = performance.now();
  let first = 0;
  await client.call(job, () => (first ||= performance.now() - began));
  return { first, result: performance.now() - began };
}

async function requestsPerSecond(client: Client): Promise<number> {
  let answers = 0;
  const askFor = (milliseconds: number) => {
    const until = performance.now() + milliseconds;
    const askOn = async () => {
      for (; performance.now() < until; answers++) await client.call(short);
    };
    return Promise.all(Array.from({ length: connections }, askOn));
  };
  await askFor(lasting / 5); // it only warms up
  answers = 0;
  const began = performance.now();
  await askFor(lasting);
  return answers / ((performance.now() - began) / 1000);
}

async function idleBytes(server: ChildProcess, connect: () => Promise<Client>): Promise<number> {
  const memory = () =>
    new Promise<number>((resolve) => {
      server.once('message', (bytes) => resolve(bytes as number));
      server.send('memory');
    });
  const before = await memory();
  const clients: Client[] = [];
  for (let i = 0; i < idle; i++) clients.push(await connect());
  const after = await memory();
  for (const client of clients) client.close();
  return Math.max(0, after - before) / idle;
}

async function throughProxy(connect: () => Promise<Client>): Promise<Times | 'nothing'> {
  let client: Client | undefined;
  try {
    client = await connect();
    return await timesOfJob(client);
  } catch {
    return 'nothing';
  } finally {
    client?.close();
  }
}

function table(figures: Figures[]): string {
  const ms = (milliseconds: number) => `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  const size = (bytes: number) =>
    bytes < 1024
      ? 'under 1 KiB'
      : bytes < 1024 ** 2
        ? `${(bytes / 1024).toFixed(0)} KiB`
        : `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
  const proxied = ({ behindProxy }: Figures) => {
    if (behindProxy === undefined) return 'no proxy';
    return behindProxy === 'nothing' ? 'nothing comes' : ms(behindProxy.first);
  };
  const rows: [string, (each: Figures) => string][] = [
    ['', ({ transport }) => transport],
    ['first notification after', ({ direct }) => ms(direct.first)],
    ['result after', ({ direct }) => ms(direct.result)],
    ['short requests a second', ({ requestsPerSecond }) => requestsPerSecond.toFixed(0)],
    ['memory for each idle client', ({ idleBytes }) => (idleBytes === undefined ? 'not known' : size(idleBytes))],
    ['first notification, proxy', proxied],
  ];
  const text = rows.map(([name, cell]) => name.padEnd(29) + figures.map((each) => cell(each).padStart(16)).join(''));
  return [
    `One job logs ${job.messages} messages, ${job.pause} ms apart. A short request logs nothing; ${connections} are open at the same time.`,
    'The proxy collects each response until its end.',
    '',
    ...text,
  ].join('\n');
}
