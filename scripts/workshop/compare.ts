import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root, solutionsFolder } from '../../test/harness/folders.js';
import { accepts } from '../../test/harness/programs/listening.ts';
import { freePort } from '../../test/harness/programs/ports.ts';
import { median } from './median.ts';

const compared = join(root, 'scripts', 'workshop', 'compared');
/** Servers that do the same work, each in a process of its own. All others are compared with the first. */
const servers: Server[] = [
  { name: 'by hand, lesson 15', file: join(solutionsFolder, '15-stand-alone-stream', 'server.ts') },
  { name: 'SDK 1, with sessions', file: join(compared, 'first.ts') },
  { name: 'SDK 2, with sessions', file: join(compared, 'second.ts') },
  { name: 'SDK 2, stateless', file: join(compared, 'stateless.ts'), stateless: true },
];
const tools = join(compared, 'tools.ts');

/** A server to measure. One that is stateless is asked as revision 2026-07-28 has it. */
type Server = { name: string; file: string; stateless?: true };

const turns = 7;
/** Milliseconds of requests in each turn. */
const lasting = 1500;
const connections = 16;
/** Log messages in one call. */
const messages = 2000;
/** Streams that are open and idle when the memory is measured. */
const streams = 300;

/** A server that listens. */
type Open = {
  name: string;
  program: ChildProcess;
  ask(method: string, params: object): Promise<string>;
  /** Opens a stream on which nothing comes yet: with a session of its own, where there are sessions. */
  openStream(): Promise<IncomingMessage>;
  requests: number[];
  notifications: number[];
};

/** Measures the servers in turn, several times over, and prints the medians and their ratios. */
export async function compare(): Promise<number> {
  const open: Open[] = [];
  const idle: number[] = [];
  try {
    for (const server of servers) open.push(await start(server));
    for (let turn = 0; turn <= turns; turn++) {
      for (const { ask, requests, notifications } of open) {
        const [perSecond, logs] = [await requestsPerSecond(ask), await notificationsPerSecond(ask)];
        if (turn === 0) continue; // it only warms up
        requests.push(perSecond);
        notifications.push(logs);
      }
    }
    for (const server of open) idle.push(await memoryOfStream(server));
  } finally {
    for (const { program } of open) program.kill();
  }
  console.log(
    `Medians of ${turns} turns; ${connections} connections, ${messages} log messages in one call, ${streams} idle streams.\n`,
  );
  const [first] = open;
  for (const [i, { name, requests, notifications }] of open.entries()) {
    const [perSecond, beside] = [median(requests), median(requests) / median(first!.requests)];
    const [logs, besideLogs] = [median(notifications), median(notifications) / median(first!.notifications)];
    console.log(
      `${name.padEnd(21)} ${perSecond.toFixed(0).padStart(6)} requests/s (${beside.toFixed(2)})   ` +
        `${logs.toFixed(0).padStart(7)} notifications/s (${besideLogs.toFixed(2)})   ` +
        `${(idle[i]! / 1024).toFixed(0).padStart(3)} KiB/stream`,
    );
  }
  return 0;
}

/** Milliseconds that a server may take until it listens. */
const patience = 60_000;
/** Lets a server tell its memory, and end with this process. */
const memory = pathToFileURL(join(root, 'scripts', 'workshop', 'transports', 'memory.js')).href;

async function start({ name, file, stateless }: Server): Promise<Open> {
  const port = await freePort();
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const program = spawn(process.execPath, ['--expose-gc', '--import', memory, '--import', tsx, file], {
    cwd: root,
    env: { ...process.env, PORT: String(port), MORE_TOOLS: tools, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const began = performance.now();
  while (!(await accepts(port))) {
    if (program.exitCode !== null || program.signalCode !== null) throw new Error(`${file} has ended.`);
    if (performance.now() - began > patience) throw new Error(`${file} does not listen on port ${port}.`);
    await sleep(50);
  }

  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
  };
  let id = 0;
  /** Sends a message, with the headers of a session, and waits for the headers of the answer. */
  const send = async (session: Record<string, string>, message?: object, from?: Agent): Promise<IncomingMessage> => {
    const method = message ? 'POST' : 'GET';
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(
        { host: '127.0.0.1', port, path: '/mcp', method, headers: { ...headers, ...session }, agent: from },
        resolve,
      )
        .on('error', reject)
        .end(message && JSON.stringify(message));
    });
    const given = response.headers['mcp-session-id'];
    if (given) session['MCP-Session-Id'] = String(given);
    return response;
  };
  const requestOf = (method: string, params: object) => ({
    jsonrpc: '2.0',
    id: ++id,
    method,
    params: stateless ? { ...params, _meta: envelope } : params,
  });
  const begin = async (): Promise<Record<string, string>> => {
    const session: Record<string, string> = {};
    const hello = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'compare', version: '1.0.0' },
    };
    await text(await send(session, requestOf('initialize', hello), agent));
    session['MCP-Protocol-Version'] = '2025-11-25';
    await text(await send(session, { jsonrpc: '2.0', method: 'notifications/initialized' }, agent));
    return session;
  };
  const own = stateless ? {} : await begin();
  const routed = (method: string, params: { name?: string }) =>
    stateless
      ? {
          'MCP-Protocol-Version': '2026-07-28',
          'Mcp-Method': method,
          ...(params.name !== undefined && { 'Mcp-Name': params.name }),
        }
      : own;
  return {
    name,
    program,
    ask: async (method, params) => text(await send(routed(method, params), requestOf(method, params), agent)),
    // Each stream keeps its connection, so it does not take one of the agent's.
    async openStream() {
      if (!stateless) return send(await begin(), undefined, new Agent());
      const params = { notifications: { toolsListChanged: true } };
      return send(routed('subscriptions/listen', {}), requestOf('subscriptions/listen', params), new Agent());
    },
    requests: [],
    notifications: [],
  };
}

/** What a request of revision 2026-07-28 says of its client. */
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/logLevel': 'info',
};

/** Bytes of the server's memory for each stream that is open. */
async function memoryOfStream({ program, openStream }: Open): Promise<number> {
  const used = async () => {
    const answered = once(program, 'message');
    program.send('memory');
    return Number((await answered)[0]);
  };
  // The first ones also load code, and are not counted.
  const opened: IncomingMessage[] = [];
  const add = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const stream = await openStream();
      if (stream.statusCode !== 200) throw new Error(`a stream was refused with status ${stream.statusCode}`);
      opened.push(stream.resume());
    }
  };
  await add(20);
  const before = await used();
  await add(streams);
  const bytes = (await used()) - before;
  for (const stream of opened) stream.destroy();
  return bytes / streams;
}

async function requestsPerSecond(ask: Open['ask']): Promise<number> {
  const until = performance.now() + lasting;
  let answers = 0;
  const client = async () => {
    for (; performance.now() < until; answers++) {
      const answer = await ask('tools/call', { name: 'count', arguments: { to: 0 } });
      if (!answer.includes('counted to 0')) throw new Error(`not an answer: ${answer}`);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, client));
  return answers / ((performance.now() - began) / 1000);
}

async function notificationsPerSecond(ask: Open['ask']): Promise<number> {
  const began = performance.now();
  const answer = await ask('tools/call', { name: 'count', arguments: { to: messages } });
  const seconds = (performance.now() - began) / 1000;
  const came = answer.split('notifications/message').length - 1;
  if (came !== messages) throw new Error(`${came} of ${messages} notifications came`);
  return came / seconds;
}
