// Has the solutions of the MCP lessons judged by the official conformance suite.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { root, solutionsFolder } from '../harness/folders.js';
import { withAgreedRevision } from '../judges/agreed-revision.ts';
import { judgeClient, judgeServer, judgeStatelessClient, judgeStatelessServer } from '../judges/conformance.ts';
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
  ['24-the-official-sdk', [...handshake, ...calls, ...notifications, 'tools-call-with-progress']],
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

// The server has no prompts, so the suite leaves out the check of their changes.
test('the conformance suite accepts the server of 22-nothing-is-remembered', async () => {
  const MORE_TOOLS = fileURLToPath(new URL('../judges/stateless-tools.ts', import.meta.url));
  const findings = await judgeStatelessServer(
    await serve('22-nothing-is-remembered', { MORE_TOOLS }),
    'server-stateless',
  );
  const found = findings['server-stateless']!;
  expect(found.filter((finding) => finding !== 'SUCCESS')).toEqual(['SKIPPED']);
  expect(found).toHaveLength(30);
});

// The same endpoint, judged by the rules of the other era. The suite asks for resources and more in other scenarios.
test.for([['http-header-validation', 14], ['tools-list', 4], ...calls.map((name) => [name, 2] as const)] as const)(
  'the conformance suite accepts 23-both-eras in the new era: %s',
  async ([scenario, count]) => {
    const findings = await judgeStatelessServer(await serve('23-both-eras'), scenario);
    expect(findings).toEqual({ [scenario]: Array(count).fill('SUCCESS') });
  },
);

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

/** The scenarios of revision 2026-07-28 that a server with nothing but tools passes, and how many checks each has. */
const stateless: Record<string, number> = {
  'tools-list': 4,
  ...Object.fromEntries([...calls, 'tools-call-with-progress', 'dns-rebinding-protection'].map((name) => [name, 2])),
  'server-sse-multiple-streams': 1,
  'http-header-validation': 14,
};

/** Why the suite does not count a check: it is about prompts, resources, subscriptions or tools that this server lacks. */
const notAsked = /^SKIPPED$|not testable|unknown method: (prompts|resources)|not exercised/i;

test('the conformance suite accepts the server of 21-every-request-says-it-all', async () => {
  const url = await serve('21-every-request-says-it-all');
  const findings = await judgeStatelessServer(url);
  for (const [name, count] of Object.entries(stateless)) {
    expect(findings[name], name).toEqual(Array(count).fill('SUCCESS'));
  }
  for (const [name, count] of [
    ['server-stateless', 21],
    ['caching', 4],
  ] as const) {
    const asked = findings[name]!.filter((finding) => !notAsked.test(finding));
    expect(asked, name).toEqual(Array(count).fill('SUCCESS'));
  }
});

test('the conformance suite accepts the client of 21-every-request-says-it-all', async () => {
  const client = `${process.execPath} --import tsx solutions/21-every-request-says-it-all/client.ts`;
  const metadata = await judgeStatelessClient('request-metadata', client);
  // The client has none of the three capabilities that the suite would also look at.
  expect(metadata['request-metadata']!.sort()).toEqual([...Array(3).fill('SKIPPED'), ...Array(5).fill('SUCCESS')]);
  const headers = (await judgeStatelessClient('http-standard-headers', client))['http-standard-headers']!;
  const sent = headers.filter((finding) => !finding.startsWith('Client did not send'));
  expect(sent).toEqual(['SUCCESS', 'SUCCESS']);
});
