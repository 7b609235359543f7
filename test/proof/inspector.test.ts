// Has the servers of lessons 26 and 27 judged by the command line of the official inspector, and the first of them also
// through the bridge.
// The inspector is no dependency, because it brings 110 MB. Install it in a folder of its own, and name this folder:
//   npm install --prefix ~/inspector @modelcontextprotocol/inspector@2.12.0
//   INSPECTOR=~/inspector npx vitest run test/proof/inspector.test.ts
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lessonsFolder, root, solutionsFolder } from '../harness/folders.js';
import { endServers, serve } from '../judges/solution-server.ts';

const program = join(process.env.INSPECTOR ?? root, 'node_modules', '.bin', 'mcp-inspector');
const isThere = existsSync(program);
const slug = '26-in-a-host';
const bridge = ['node', '--import', 'tsx', join(solutionsFolder, slug, 'client.ts')];

let url = '';
let capstone = '';

beforeAll(async () => {
  const DOCUMENTS = join(lessonsFolder, 'support', 'documents');
  if (isThere) [url, capstone] = await Promise.all([serve(slug), serve('27-a-list-of-documents', { DOCUMENTS })]);
});
afterAll(endServers);

/** What the inspector prints, and its exit code. */
async function inspect(target: string[], ...args: string[]): Promise<{ code: number; stdout: string }> {
  const child = spawn(program, ['--cli', ...target, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += String(bytes)));
  const code = await new Promise<number>((resolve) => child.on('close', resolve));
  return { code, stdout };
}

const why = 'skipped, because the inspector is not installed: see the top of this file';

test.for(['HTTP', 'the bridge'] as const)(
  'over %s, the inspector lists the tools and calls them',
  async (way, { skip }) => {
    if (!isThere) return skip(why);
    const target = way === 'HTTP' ? [url, '--transport', 'http'] : [...bridge, url];
    const list = await inspect(target, '--method', 'tools/list');
    expect(list.code).toBe(0);
    for (const part of ['process_files', 'count_words', 'readOnlyHint', 'outputSchema'])
      expect(list.stdout).toContain(part);
    const call = ['--method', 'tools/call', '--tool-name', 'count_words', '--tool-arg'];
    const counted = await inspect(target, ...call, 'document=letter.txt');
    expect(counted.code).toBe(0);
    expect(counted.stdout).toContain('"words": 9');
    const refused = await inspect(target, ...call, 'document=nothing.txt');
    expect(refused.stdout).toContain('The documents are minutes.txt, invoice.txt, letter.txt.');
  },
);

test('the inspector calls the tool of the capstone with a list', async ({ skip }) => {
  if (!isThere) return skip(why);
  const target = [capstone, '--transport', 'http'];
  const list = await inspect(target, '--method', 'tools/list');
  expect(list.code).toBe(0);
  for (const part of ['process_documents', 'inputSchema', 'outputSchema']) expect(list.stdout).toContain(part);
  const call = ['--method', 'tools/call', '--tool-name', 'process_documents', '--tool-arg'];
  const counted = await inspect(target, ...call, 'documents=["preamble.txt","missing.txt"]');
  expect(counted.code).toBe(0);
  const { structuredContent } = JSON.parse(counted.stdout) as { structuredContent: object };
  expect(structuredContent).toMatchObject({
    documents: [{ name: 'preamble.txt', words: 52 }],
    failed: [{ name: 'missing.txt' }],
    index: { people: ['preamble.txt'], justice: ['preamble.txt'] },
  });
});
