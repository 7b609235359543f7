// Has the finished server and client of the last lesson with the SDK judged by all that the conformance suite requires.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { root } from '../harness/folders.js';
import { judgeClientByPreview, judgeServerByPreview } from '../judges/conformance.ts';
import { endServers, serve } from '../judges/solution-server.ts';

afterAll(endServers);

const slug = '30-ask-the-client';

/** These scenarios, each with this number of checks. */
const each = (count: number, names: string): Record<string, number> =>
  Object.fromEntries(names.split(/\s+/).map((name) => [name, count]));

/** The scenarios that both revisions require, with the same number of checks. */
const both = each(
  2,
  `completion-complete dns-rebinding-protection prompts-get-embedded-resource prompts-get-simple prompts-get-with-args
  prompts-get-with-image prompts-list resources-list resources-read-binary resources-read-text resources-templates-read
  tools-call-audio tools-call-embedded-resource tools-call-error tools-call-image tools-call-mixed-content
  tools-call-simple-text tools-call-with-progress`,
);

const ofServer = {
  '2025-11-25': {
    ...both,
    ...each(
      2,
      `logging-set-level ping resources-subscribe resources-unsubscribe server-sse-multiple-streams tools-call-elicitation
      tools-call-sampling tools-call-with-logging`,
    ),
    ...each(3, 'server-initialize server-session-lifecycle server-sse-polling tools-list'),
    ...each(6, 'elicitation-sep1034-defaults elicitation-sep1330-enums'),
    'json-schema-2020-12': 8,
  },
  '2026-07-28': {
    ...both,
    ...each(
      2,
      `capability-check ignore-extra-params missing-input-response result-type tampered-state unsupported-methods`.replace(
        /\S+/g,
        'input-required-result-$&',
      ),
    ),
    ...each(
      3,
      `basic-elicitation basic-list-roots basic-sampling multiple-input-requests non-tool-request request-state
      validate-input`.replace(/\S+/g, 'input-required-result-$&'),
    ),
    'input-required-result-multi-round': 4,
    'server-sse-multiple-streams': 1,
    ...each(4, 'sep-2164-resource-not-found tools-list'),
    ...each(8, 'caching json-schema-2020-12'),
    'http-custom-header-server-validation': 10,
    'http-header-validation': 14,
    'server-stateless': 30,
  },
} as const;

/** The extension of tasks has scenarios of its own, which nobody has to pass. */
const isExtension = (name: string) => name.startsWith('tasks-');

// The tools that the suite asks for enter through MORE_OFFERS, and seal their requestState with the key of the server.
test.for(['2025-11-25', '2026-07-28'] as const)(
  'the final server passes all that revision %s requires',
  async (revision) => {
    const MORE_OFFERS = fileURLToPath(new URL('../judges/final-offers.ts', import.meta.url));
    const url = await serve(slug, { MORE_OFFERS, STATE_KEY: 'a key that is as long as it has to be: 32 bytes' });
    const findings = Object.entries(await judgeServerByPreview(url, revision)).filter(([name]) => !isExtension(name));
    const expected = Object.entries<number>(ofServer[revision]).map(([name, count]) => [
      name,
      Array(count).fill('SUCCESS'),
    ]);
    expect(Object.fromEntries(findings)).toEqual(Object.fromEntries(expected));
  },
);

/** The scenarios for a client that both revisions require. */
const ofEachClient =
  `tools_call auth/metadata-default auth/metadata-var1 auth/metadata-var2 auth/metadata-var3 auth/basic-cimd
  auth/scope-from-www-authenticate auth/scope-from-scopes-supported auth/scope-omitted-when-undefined auth/scope-step-up
  auth/scope-retry-limit auth/token-endpoint-auth-basic auth/token-endpoint-auth-post auth/token-endpoint-auth-none
  auth/pre-registration`.split(/\s+/);

/** The scenarios of each revision, and how many checks there are at least: a client that is slow to log in gets fewer. */
const ofClient = {
  '2025-11-25': {
    scenarios: [...ofEachClient, 'initialize', 'elicitation-sep1034-client-defaults', 'sse-retry'],
    checks: 230,
  },
  '2026-07-28': {
    scenarios: [
      ...ofEachClient,
      ...`request-metadata auth/resource-mismatch auth/offline-access-scope auth/offline-access-not-supported
      auth/authorization-server-migration auth/iss-supported auth/iss-not-advertised auth/iss-supported-missing
      auth/iss-wrong-issuer auth/iss-unexpected auth/iss-normalized auth/metadata-issuer-mismatch
      sep-2322-client-request-state http-standard-headers http-custom-headers http-invalid-tool-headers
      json-schema-ref-no-deref`.split(/\s+/),
    ],
    checks: 370,
  },
} as const;

/** Of two requests that revision 2026-07-28 no longer has, the suite says that it cannot look at their headers. */
const notExercised = /^Client did not send a (initialize|notifications\/initialized) request/;

// The client of lesson 30, with what the suite wants of it. The suite starts it once for each scenario, all at the same time.
test.for(['2025-11-25', '2026-07-28'] as const)(
  'the final client passes all that revision %s requires',
  async (revision) => {
    mkdirSync(join(root, '.tmp'), { recursive: true });
    const folder = mkdtempSync(join(root, '.tmp', 'final-client-'));
    try {
      const outfile = join(folder, 'client.mjs');
      const entry = fileURLToPath(new URL('../judges/final-client.ts', import.meta.url));
      await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
      const command = `${process.execPath} ${outfile}`;
      const findings = await judgeClientByPreview(command, revision);
      const { scenarios, checks } = ofClient[revision];
      const fails = (name: string) =>
        !findings[name]?.length ||
        findings[name].some((finding) => finding !== 'SUCCESS' && !notExercised.test(finding));
      // The servers of the suite close a connection after five seconds of silence, and a client that has waited so long for a
      // processor meets that. Alone, it does not wait.
      for (const name of scenarios.filter(fails)) {
        Object.assign(findings, await judgeClientByPreview(command, revision, name));
      }
      const failing = scenarios.filter(fails).map((name) => [name, findings[name]]);
      expect(Object.fromEntries(failing)).toEqual({});
      const succeeded = scenarios.flatMap((name) => findings[name]!).filter((finding) => finding === 'SUCCESS');
      expect(succeeded.length).toBeGreaterThanOrEqual(checks);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
