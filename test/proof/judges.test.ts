// Has the solutions of the MCP lessons judged by the official conformance suite.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { root, solutionsFolder } from '../harness/folders.js';
import { withAgreedRevision } from '../judges/agreed-revision.ts';
import { judgeClient, judgeClientByPreview, judgeServer, judgeServerByPreview } from '../judges/conformance.ts';
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
  // The capstone has a tool of its own instead of those that the suite calls.
  ['27-a-list-of-documents', [...handshake, 'logging-set-level']],
] as const)('the conformance suite accepts the server of %s', async ([slug, accepted]) => {
  const findings = await judgeServer(await serve(slug));
  const passed = Object.keys(findings).filter((name) => findings[name]!.every((finding) => finding === 'SUCCESS'));
  expect(passed.sort(), JSON.stringify(findings)).toEqual([...accepted].sort());
  for (const name of accepted) expect(findings[name], name).toEqual(Array(checks[name] ?? 1).fill('SUCCESS'));
});

// The scenario of many streams opens several answers to POSTs beside the stand-alone stream of the official client.
test.for(['15-stand-alone-stream', '16-resumption', '28-sessions-that-end'])(
  'the conformance suite accepts the server of %s',
  async (slug) => {
    const relay = await withAgreedRevision(await serve(slug));
    const findings = await judgeServer(relay.url).finally(() => relay.close());
    const expected = [...handshake, ...calls, ...notifications, 'server-sse-multiple-streams'];
    const found = Object.fromEntries(expected.map((name) => [name, findings[name]]));
    const all = expected.map((name) => [name, Array(checks[name] ?? 1).fill('SUCCESS')]);
    expect(found, JSON.stringify(findings)).toEqual(Object.fromEntries(all));
  },
);

test('the conformance suite accepts several answers of 27-a-list-of-documents at the same time', async () => {
  const relay = await withAgreedRevision(await serve('27-a-list-of-documents'));
  const findings = await judgeServer(relay.url, 'server-sse-multiple-streams').finally(() => relay.close());
  expect(findings).toEqual({ 'server-sse-multiple-streams': ['SUCCESS'] });
});

// This scenario runs only when it is named. It looks at the first event, at the field retry, and at the response after
// the client has come back.
test('the conformance suite accepts the polling of 16-resumption', async () => {
  const relay = await withAgreedRevision(await serve('16-resumption'));
  const findings = await judgeServer(relay.url, 'server-sse-polling').finally(() => relay.close());
  expect(findings).toEqual({ 'server-sse-polling': ['SUCCESS', 'SUCCESS', 'SUCCESS'] });
});

// It takes notifications/initialized and the DELETE, and answers 404 afterwards.
test.for(['10-sessions-and-log-levels', '28-sessions-that-end'])(
  'the conformance suite accepts the sessions of %s',
  async (slug) => {
    const findings = await judgeServerByPreview(await serve(slug), '2025-11-25', 'server-session-lifecycle');
    expect(findings).toEqual({ 'server-session-lifecycle': ['SUCCESS', 'SUCCESS', 'SUCCESS'] });
  },
);

// The server has no prompts, so the suite leaves out the check of their changes.
test('the conformance suite accepts the server of 22-nothing-is-remembered', async () => {
  const MORE_TOOLS = fileURLToPath(new URL('../judges/stateless-tools.ts', import.meta.url));
  const findings = await judgeServerByPreview(
    await serve('22-nothing-is-remembered', { MORE_TOOLS }),
    '2026-07-28',
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
    const findings = await judgeServerByPreview(await serve('23-both-eras'), '2026-07-28', scenario);
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
  const findings = await judgeServerByPreview(url, '2026-07-28');
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
  const metadata = await judgeClientByPreview(client, '2026-07-28', 'request-metadata');
  // The client has none of the three capabilities that the suite would also look at.
  expect(metadata['request-metadata']!.sort()).toEqual([...Array(3).fill('SKIPPED'), ...Array(5).fill('SUCCESS')]);
  const headers = (await judgeClientByPreview(client, '2026-07-28', 'http-standard-headers'))['http-standard-headers']!;
  const sent = headers.filter((finding) => !finding.startsWith('Client did not send'));
  expect(sent).toEqual(['SUCCESS', 'SUCCESS']);
});

/** The scenarios about resources, prompts and completion that both revisions have. */
const offers = [
  ...['list', 'read-text', 'read-binary'].map((name) => `resources-${name}`),
  'resources-templates-read',
  ...['list', 'get-simple', 'get-with-args', 'get-embedded-resource', 'get-with-image'].map(
    (name) => `prompts-${name}`,
  ),
  'completion-complete',
];
const MORE_OFFERS = fileURLToPath(new URL('../judges/offers.ts', import.meta.url));

test('the conformance suite accepts the server of 29-resources-and-prompts in the old era', async () => {
  const url = await serve('29-resources-and-prompts', { MORE_OFFERS });
  const findings = { ...(await judgeServer(url)), ...(await judgeServer(url, 'json-schema-2020-12')) };
  const accepted: Record<string, number> = {
    ...Object.fromEntries([...handshake, ...calls, ...notifications, ...offers].map((name) => [name, 1])),
    ...checks,
    'tools-call-with-progress': 1,
    'resources-subscribe': 1,
    'resources-unsubscribe': 1,
    'server-sse-multiple-streams': 2,
    'json-schema-2020-12': 4,
  };
  const found = Object.fromEntries(Object.keys(accepted).map((name) => [name, findings[name]]));
  const all = Object.entries(accepted).map(([name, count]) => [name, Array(count).fill('SUCCESS')]);
  expect(found, JSON.stringify(findings)).toEqual(Object.fromEntries(all));
});

test('the conformance suite accepts the server of 29-resources-and-prompts in the new era', async () => {
  const url = await serve('29-resources-and-prompts', { MORE_OFFERS });
  const findings = await judgeServerByPreview(url, '2026-07-28');
  for (const name of ['json-schema-2020-12', 'http-custom-header-server-validation']) {
    Object.assign(findings, await judgeServerByPreview(url, '2026-07-28', name));
  }
  const accepted: Record<string, number> = {
    ...stateless,
    ...Object.fromEntries(offers.map((name) => [name, 2])),
    'server-stateless': 30,
    caching: 8,
    'sep-2164-resource-not-found': 4,
    'json-schema-2020-12': 8,
    'http-custom-header-server-validation': 10,
  };
  const found = Object.fromEntries(Object.keys(accepted).map((name) => [name, findings[name]]));
  const all = Object.entries(accepted).map(([name, count]) => [name, Array(count).fill('SUCCESS')]);
  expect(found, JSON.stringify(findings)).toEqual(Object.fromEntries(all));
});
