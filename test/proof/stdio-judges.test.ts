// Has the solutions for standard input and output, and for a bridge, judged by the official clients and servers of both generations.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root, solutionsFolder } from '../harness/folders.js';
import { endServers, serve } from '../judges/solution-server.ts';

const solution = join(solutionsFolder, '19-standard-input-and-output');
const judges = join(root, 'test', 'judges');
const temporary = join(root, '.tmp', `stdio-judges-${process.pid}`);
mkdirSync(temporary, { recursive: true });
afterAll(() => {
  endServers();
  rmSync(temporary, { recursive: true, force: true });
});

const generations = ['first', 'second'] as const;
const info = { name: 'judge', version: '1.0.0' };

/** What the two official clients have in common here. */
type OfficialClient = {
  connect(transport: object): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: object): Promise<{ content?: unknown }>;
  setLoggingLevel(level: string): Promise<unknown>;
  close(): Promise<void>;
  onerror?: (error: Error) => void;
};

type OnLog = (data: unknown) => void;

const clients = {
  async first(onLog: OnLog) {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const { LoggingMessageNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
    const client = new Client(info);
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => onLog(params.data));
    return { client: client as unknown as OfficialClient, StdioClientTransport };
  },
  async second(onLog: OnLog) {
    const { Client } = await import('@modelcontextprotocol/client');
    const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
    const client = new Client(info);
    client.setNotificationHandler('notifications/message', ({ params }) => onLog(params.data));
    return { client: client as unknown as OfficialClient, StdioClientTransport };
  },
};

test.for(generations)('the official client of the %s generation uses the server', async (generation) => {
  const gate = join(temporary, `server-${generation}`);
  const seen: unknown[] = [];
  const errors: Error[] = [];
  const { client, StdioClientTransport } = await clients[generation]((data) => {
    seen.push(data);
    // The tool waits for this file: its log message has come while it was at work.
    if (data === 'waiting') writeFileSync(gate, '');
  });
  client.onerror = (error) => errors.push(error);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--import', 'tsx', join(solution, 'server.ts')],
    cwd: root,
    env: { ...(process.env as Record<string, string>), MORE_TOOLS: join(judges, 'gate.ts') },
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (bytes: Buffer) => (stderr += String(bytes)));
  await client.connect(transport);
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['process_files', 'wait_for_file']);
  const { content } = await client.callTool({ name: 'wait_for_file', arguments: { file: gate } });
  expect(content).toEqual([{ type: 'text', text: 'opened' }]);
  await client.setLoggingLevel('error');
  await client.callTool({ name: 'wait_for_file', arguments: { file: gate } });
  expect(seen).toEqual(['waiting']);
  expect(stderr).toContain('printed by a tool');
  await client.close();
  expect(errors).toEqual([]);
});

test.for(generations)('the client uses a server of the %s generation', async (generation) => {
  const gate = join(temporary, `client-${generation}`);
  const server = [process.execPath, '--import', 'tsx', join(judges, 'stdio-server.ts'), generation, gate];
  const client = spawn(process.execPath, ['--import', 'tsx', join(solution, 'client.ts'), 'a "b"', ...server], {
    cwd: root,
  });
  let [stdout, stderr] = ['', ''];
  client.stderr.on('data', (bytes: Buffer) => (stderr += String(bytes)));
  client.stdout.on('data', (bytes: Buffer) => {
    stdout += String(bytes);
    if (stdout.includes('waiting')) writeFileSync(gate, '');
  });
  const [code] = await once(client, 'close');
  expect(stdout).toBe('NOTIFICATION: info waiting\nRESULT: Done: a "b"\n');
  expect(stderr).toBe('the official server is ready\n');
  expect(code).toBe(0);
});

test.for(generations)(
  'the official client of the %s generation uses a server through the bridge',
  async (generation) => {
    const folder = join(solutionsFolder, '26-in-a-host');
    const gate = join(temporary, `bridge-${generation}`);
    const url = await serve('26-in-a-host', { MORE_TOOLS: join(judges, 'gate.ts') });
    const seen: unknown[] = [];
    const errors: Error[] = [];
    const { client, StdioClientTransport } = await clients[generation]((data) => {
      seen.push(data);
      if (data === 'waiting') writeFileSync(gate, '');
    });
    client.onerror = (error) => errors.push(error);
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: ['--import', 'tsx', join(folder, 'client.ts'), url],
      cwd: root,
      stderr: 'ignore',
    });
    await client.connect(transport);
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual(['process_files', 'count_words', 'wait_for_file']);
    const { content } = await client.callTool({ name: 'wait_for_file', arguments: { file: gate } });
    expect(content).toEqual([{ type: 'text', text: 'opened' }]);
    const counted = await client.callTool({ name: 'count_words', arguments: { document: 'letter.txt' } });
    expect(counted).toMatchObject({ structuredContent: { document: 'letter.txt', words: 9 } });
    await client.setLoggingLevel('error');
    await client.callTool({ name: 'wait_for_file', arguments: { file: gate } });
    expect(seen).toEqual(['waiting']);
    await client.close();
    expect(errors).toEqual([]);
  },
);
