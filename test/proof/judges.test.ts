// Has the solutions of the MCP lessons judged by the official conformance suite.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root, solutionsFolder } from '../harness/folders.js';
import { withAgreedRevision } from '../judges/agreed-revision.ts';
import { judgeClient, judgeServer, judgeStatelessServer } from '../judges/conformance.ts';
import { endServers, serve } from '../judges/solution-server.ts';

afterAll(endServers);

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
  ['13-progress', [...handshake, ...calls, ...notifications, 'tools-call-with-progress']],
  ['17-who-may-ask', [...handshake, ...calls, ...notifications]],
  ['20-two-endpoints', [...handshake, ...calls, ...notifications]],
  ['23-both-eras', [...handshake, ...calls, ...notifications]],
] as const)('the conformance suite accepts the server of %s', async ([slug, accepted]) => {
  const findings = await judgeServer(await serve(slug));
  const passed = Object.keys(findings).filter((name) => findings[name]!.every((finding) => finding === 'SUCCESS'));
  expect(passed.sort(), JSON.stringify(findings)).toEqual([...accepted].sort());
  for (const name of accepted) expect(findings[name], name).toEqual(Array(checks[name] ?? 1).fill('SUCCESS'));
});

// The scenario of many streams opens several answers to POSTs beside the stand-alone stream of the official client.
test.for(['15-stand-alone-stream', '16-resumption'])('the conformance suite accepts the server of %s', async (slug) => {
  const relay = await withAgreedRevision(await serve(slug));
  const findings = await judgeServer(relay.url).finally(() => relay.close());
  const expected = [...handshake, ...calls, ...notifications, 'server-sse-multiple-streams'];
  const found = Object.fromEntries(expected.map((name) => [name, findings[name]]));
  const all = expected.map((name) => [name, Array(checks[name] ?? 1).fill('SUCCESS')]);
  expect(found, JSON.stringify(findings)).toEqual(Object.fromEntries(all));
});

// This scenario runs only when it is named. It looks at the first event, at the field retry, and at the response after
// the client has come back.
test('the conformance suite accepts the polling of 16-resumption', async () => {
  const relay = await withAgreedRevision(await serve('16-resumption'));
  const findings = await judgeServer(relay.url, 'server-sse-polling').finally(() => relay.close());
  expect(findings).toEqual({ 'server-sse-polling': ['SUCCESS', 'SUCCESS', 'SUCCESS'] });
});

// The same endpoint, judged by the rules of the other era. The suite asks for resources and more in other scenarios.
test.for([
  ['http-header-validation', 14],
  ['tools-list', 4],
  ...calls.map((name) => [name, 2] as const),
] as const)('the conformance suite accepts 23-both-eras in the new era: %s', async ([scenario, count]) => {
  const findings = await judgeStatelessServer(await serve('23-both-eras'), scenario);
  expect(findings).toEqual({ [scenario]: Array(count).fill('SUCCESS') });
});

test('the conformance suite accepts the client of 11-message-handler', async () => {
  const client = `${process.execPath} --import tsx solutions/11-message-handler/client.ts`;
  expect(await judgeClient('initialize', client)).toEqual({ initialize: ['SUCCESS'] });
});

// The suite's server answers a revision that has no empty first events, although it sends one: this client accepts it.
test('the conformance suite accepts the client of 16-resumption', async () => {
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const folder = mkdtempSync(join(root, '.tmp', 'sse-retry-'));
  const solution = readFileSync(join(solutionsFolder, '16-resumption', 'client.ts'), 'utf8');
  const program = solution.replace("'2025-06-18'];", "'2025-06-18', '2025-03-26'];");
  expect(program).not.toBe(solution);
  writeFileSync(join(folder, 'client.ts'), program);
  try {
    const command = `${process.execPath} --import tsx ${join(folder, 'client.ts')}`;
    // The suite complains of a client that comes back 200 ms late, as a client on a busy machine may.
    let findings = await judgeClient('sse-retry', command);
    for (let tries = 1; tries < 5 && /late/.test(JSON.stringify(findings)); tries++) {
      findings = await judgeClient('sse-retry', command);
    }
    // The client has come back, after as long as the server has said, and with the last id.
    expect(findings).toEqual({ 'sse-retry': ['SUCCESS', 'SUCCESS', 'SUCCESS'] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
