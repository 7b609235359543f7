// Lesson 17 in a real browser: the attack of a stranger's page, and an allowed page.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { finished, starterOf } from '../../scripts/workshop/starter.ts';
import { lessonsFolder, root, solutionsFolder } from '../harness/folders.js';
import { listeningOn } from '../harness/programs/listening.ts';
import { freePort, listenOnFreePort } from '../harness/programs/ports.ts';
import { startProgram } from '../harness/programs/program.ts';
import { transcript } from '../harness/wire/transcript.ts';
import { chromiumPath, launch } from './chromium.ts';

const slug = '17-who-may-ask';
const examples = join(lessonsFolder, slug, 'examples');
const solution = readFileSync(join(solutionsFolder, slug, 'server.ts'), 'utf8');
const temporary = join(root, '.tmp', `who-may-ask-${process.pid}`);
const stages = { starter: starterOf(solution), 'task 1': starterOf(solution, 2), solution: finished(solution) };

/** Starts the server as it is at this stage. Returns its port. */
async function serve(stage: keyof typeof stages, allowed = ''): Promise<number> {
  const folder = join(temporary, stage.replace(' ', '-'), slug);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'server.ts'), stages[stage]);
  const port = await freePort();
  const env = { PORT: String(port), WORK_CLOCK: 'off', ALLOWED_ORIGINS: allowed };
  const program = startProgram({ folder, folderName: stage, file: 'server.ts', env, changed() {}, transcript });
  onTestFinished(() => program.stop());
  await listeningOn(program, port);
  return port;
}

/** Runs the example in which a stranger's page asks the server at this port. */
async function attack(port: number): Promise<string> {
  const args = ['--import', 'tsx', join(examples, 'attack.ts'), `http://127.0.0.1:${port}/mcp`];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, CHROMIUM: chromiumPath } });
  onTestFinished(() => void child.kill());
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  await new Promise((resolve) => child.on('close', resolve));
  return output;
}

/** Delivers these pages. Returns the origin. */
async function deliver(pages: Record<string, [type: string, text: string]>): Promise<string> {
  const server = createServer((request, response) => {
    const [type, text] = pages[request.url!.split('?')[0]!] ?? ['text/plain', ''];
    response.setHeader('Content-Type', type).end(text);
  });
  const { port, close } = await listenOnFreePort(server);
  onTestFinished(close);
  return `http://127.0.0.1:${port}`;
}

describe.skipIf(!chromiumPath)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(temporary, { recursive: true, force: true });
  });

  async function open(address: string): Promise<Page> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(address);
    return page;
  }

  test("a stranger's page calls a tool of the starter", async () => {
    expect(await attack(await serve('starter'))).toContain('Done: a stranger was here');
  });

  test("after task 1, a stranger's page gets status 403 and nothing else", async () => {
    const output = await attack(await serve('task 1'));
    expect(output).toContain('\n403 {"jsonrpc":"2.0","id":null,"error":');
    expect(output).not.toContain('Done');
  });

  const page = readFileSync(join(examples, 'page.html'), 'utf8');

  test('an allowed page gets nothing before task 2', async () => {
    const origin = await deliver({ '/': ['text/html', page] });
    const port = await serve('task 1', origin);
    const opened = await open(`${origin}/?server=http://127.0.0.1:${port}/mcp`);
    await opened.click('button');
    await expect.poll(() => opened.textContent('pre'), { timeout: 60_000 }).toBe('TypeError: Failed to fetch');
  });

  test('an allowed page calls the tool of the solution', async () => {
    const origin = await deliver({ '/': ['text/html', page] });
    const port = await serve('solution', origin);
    const opened = await open(`${origin}/?server=http://127.0.0.1:${port}/mcp`);
    await opened.click('button');
    await expect.poll(() => opened.textContent('pre'), { timeout: 60_000 }).toContain('Done: hello from a page');
    expect(await opened.textContent('pre')).toContain('Processing file 3/3...');
  });

  test.for(['@modelcontextprotocol/client', '@modelcontextprotocol/sdk'])(
    'the official client %s works in an allowed page',
    async (name) => {
      const from = (file: string) => JSON.stringify(name.endsWith('sdk') ? `${name}/client/${file}.js` : name);
      const { outputFiles } = await build({
        stdin: {
          contents: `
import { Client } from ${from('index')};
import { StreamableHTTPClientTransport } from ${from('streamableHttp')};
const client = new Client({ name: 'page', version: '1.0.0' });
const url = new URLSearchParams(location.search).get('server');
const show = (text) => (document.body.textContent = text);
client
  .connect(new StreamableHTTPClientTransport(new URL(url)))
  .then(() => client.callTool({ name: 'process_files', arguments: { message: 'hello from an SDK' } }))
  .then(({ content }) => show(content[0].text), (error) => show(String(error)));`,
          resolveDir: root,
        },
        bundle: true,
        format: 'esm',
        platform: 'browser',
        write: false,
      });
      const origin = await deliver({
        '/': ['text/html', '<!doctype html><body></body><script type="module" src="/client.js"></script>'],
        '/client.js': ['text/javascript', outputFiles[0]!.text],
      });
      const port = await serve('solution', origin);
      const opened = await open(`${origin}/?server=http://127.0.0.1:${port}/mcp`);
      await expect.poll(() => opened.textContent('body'), { timeout: 60_000 }).toBe('Done: hello from an SDK');
    },
  );
});
