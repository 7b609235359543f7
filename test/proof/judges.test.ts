// Has the solutions of the MCP lessons judged by the official conformance suite.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { solutionsFolder } from '../harness/folders.js';
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
  ['17-who-may-ask', [...handshake, ...calls, ...notifications]],
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

/** Starts a solution's server, with the tools that the suite asks for. */
async function serve(slug: string): Promise<string> {
  const port = await freePort();
  const folder = join(solutionsFolder, slug);
  const MORE_TOOLS = fileURLToPath(new URL('../judges/fixture-tools.ts', import.meta.url));
  // The suite also asks as a page of the server itself, which only lesson 17 has to allow.
  const ALLOWED_ORIGINS = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), WORK_CLOCK: 'off', MORE_TOOLS, ALLOWED_ORIGINS };
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
