// Has the solutions of the MCP lessons judged by the official conformance suite, and by a server of the old transport.
import { execFile } from 'node:child_process';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import express from 'express';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { root, solutionsFolder } from '../harness/folders.js';
import { listeningOn } from '../harness/programs/listening.ts';
import { freePort } from '../harness/programs/ports.ts';
import { startProgram, type Program } from '../harness/programs/program.ts';
import { transcript } from '../harness/wire/transcript.ts';
import { judgeClient, judgeServer } from '../judges/conformance.ts';

const programs: Program[] = [];
afterAll(() => {
  for (const program of programs) program.stop();
});

const handshake = ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection'];
const calls = ['simple-text', 'image', 'audio', 'embedded-resource', 'mixed-content', 'error'].map(
  (name) => `tools-call-${name}`,
);
const notifications = ['tools-call-with-logging', 'logging-set-level'];

/** How many checks a scenario makes, where it makes more than one: a foreign Host is refused, and a local one is served. */
const checks: Record<string, number> = { 'dns-rebinding-protection': 2 };

// The suite asks for prompts, resources and more, which these servers do not have.
test.for([
  ['08-handshake', [...handshake, ...calls]],
  ['09-notifications', [...handshake, ...calls, ...notifications]],
  ['20-two-endpoints', [...handshake, ...calls, ...notifications]],
] as const)('the conformance suite accepts the server of %s', async ([slug, accepted]) => {
  const findings = await judgeServer(await serve(slug));
  const passed = Object.keys(findings).filter((name) => findings[name]!.every((finding) => finding === 'SUCCESS'));
  expect(passed.sort(), JSON.stringify(findings)).toEqual([...accepted].sort());
  for (const name of accepted) expect(findings[name], name).toEqual(Array(checks[name] ?? 1).fill('SUCCESS'));
});

test('the conformance suite accepts the client of 11-message-handler', async () => {
  const client = `${process.execPath} --import tsx solutions/11-message-handler/client.ts`;
  expect(await judgeClient('initialize', client)).toEqual({ initialize: ['SUCCESS'] });
});

test('the client of 20-two-endpoints works with an official server of HTTP+SSE', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const old = officialOldServer(port);
  try {
    const client = join(solutionsFolder, '20-two-endpoints', 'client.ts');
    const args = ['--import', 'tsx', client, `http://127.0.0.1:${port}/sse`, 'hello'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
    expect(stdout).toBe('NOTIFICATION: info one\nNOTIFICATION: warning two\nRESULT: Done: hello\n');
    expect(stderr).toBe('transport: HTTP+SSE\n');
  } finally {
    old.close();
    old.closeAllConnections();
  }
});

/** A server as the official SDK of the first generation has it, with the transport of revision 2024-11-05. */
function officialOldServer(port: number): Server {
  const transports = new Map<string, SSEServerTransport>();
  const app = express();
  app.get('/sse', async (_request, response) => {
    const server = new McpServer({ name: 'old', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('process_files', { inputSchema: { message: z.string() } }, async ({ message }) => {
      await server.server.sendLoggingMessage({ level: 'info', data: 'one' });
      await server.server.sendLoggingMessage({ level: 'warning', data: 'two' });
      return { content: [{ type: 'text', text: `Done: ${message}` }] };
    });
    const transport = new SSEServerTransport('/messages', response);
    transports.set(transport.sessionId, transport);
    await server.connect(transport as Parameters<typeof server.connect>[0]);
  });
  app.post('/messages', (request, response) =>
    transports.get(String(request.query.sessionId))!.handlePostMessage(request, response),
  );
  return app.listen(port, '127.0.0.1');
}

/** Starts a solution's server, with the tools that the suite asks for. */
async function serve(slug: string): Promise<string> {
  const port = await freePort();
  const folder = join(solutionsFolder, slug);
  const MORE_TOOLS = fileURLToPath(new URL('../judges/fixture-tools.ts', import.meta.url));
  const env = { PORT: String(port), WORK_CLOCK: 'off', MORE_TOOLS };
  const program = startProgram({
    folder,
    folderName: `solutions/${slug}`,
    file: 'server.ts',
    env,
    changed() {},
    transcript,
  });
  programs.push(program);
  await listeningOn(program, port);
  return `http://127.0.0.1:${port}/mcp`;
}
