import { spawn, type ChildProcess } from 'node:child_process';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root, solutionsFolder } from '../../test/harness/folders.js';
import { accepts } from '../../test/harness/programs/listening.ts';
import { freePort } from '../../test/harness/programs/ports.ts';
import { median } from './median.ts';

/** Servers that do the same work, each in a process of its own. All others are compared with the first. */
const servers = [
  { name: 'by hand, lesson 10', file: join(solutionsFolder, '10-sessions-and-log-levels', 'server.ts') },
  { name: 'official, first generation', file: join(root, 'scripts', 'workshop', 'compared', 'first.ts') },
  { name: 'official, second generation', file: join(root, 'scripts', 'workshop', 'compared', 'second.ts') },
];
const tools = join(root, 'scripts', 'workshop', 'compared', 'tools.ts');

const turns = 7;
/** Milliseconds of requests in each turn. */
const lasting = 1500;
const connections = 16;
/** Log messages in one call. */
const messages = 2000;

/** A server with a session. */
type Open = {
  name: string;
  program: ChildProcess;
  ask(method: string, params: object): Promise<string>;
  requests: number[];
  notifications: number[];
};

/** Measures the servers in turn, several times over, and prints the medians and their ratios. */
export async function compare(): Promise<number> {
  const open: Open[] = [];
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
  } finally {
    for (const { program } of open) program.kill();
  }
  console.log(`Medians of ${turns} turns; ${connections} connections, and ${messages} log messages in one call.\n`);
  const [first] = open;
  for (const { name, requests, notifications } of open) {
    const [perSecond, beside] = [median(requests), median(requests) / median(first!.requests)];
    const [logs, besideLogs] = [median(notifications), median(notifications) / median(first!.notifications)];
    console.log(
      `${name.padEnd(28)} ${perSecond.toFixed(0).padStart(6)} requests/s (${beside.toFixed(2)})   ` +
        `${logs.toFixed(0).padStart(7)} notifications/s (${besideLogs.toFixed(2)})`,
    );
  }
  return 0;
}

/** Milliseconds that a server may take until it listens. */
const patience = 60_000;
/** A server whose standard input ends has lost the process that started it. */
const endsWithUs = 'data:text/javascript,process.stdin.resume().on("end", () => process.exit())';

async function start({ name, file }: (typeof servers)[number]): Promise<Open> {
  const port = await freePort();
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const program = spawn(process.execPath, ['--import', endsWithUs, '--import', tsx, file], {
    cwd: root,
    env: { ...process.env, PORT: String(port), MORE_TOOLS: tools, NODE_ENV: 'production' },
    stdio: ['pipe', 'ignore', 'inherit'],
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
  const post = async (message: object): Promise<string> => {
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers, agent }, resolve)
        .on('error', reject)
        .end(JSON.stringify(message));
    });
    const session = response.headers['mcp-session-id'];
    if (session) headers['MCP-Session-Id'] = String(session);
    return text(response);
  };
  const ask = (method: string, params: object) => post({ jsonrpc: '2.0', id: ++id, method, params });
  await ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'compare', version: '1.0.0' },
  });
  headers['MCP-Protocol-Version'] = '2025-11-25';
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return { name, program, ask, requests: [], notifications: [] };
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
