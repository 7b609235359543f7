// No SDK: the fetch of Node.js. One reader at a time, which reads once more if it was told of an edit meanwhile.
import { createInterface } from 'node:readline/promises';
import { createParser } from 'eventsource-parser';

const uri = 'document://shared';
const [url = 'http://127.0.0.1:3000/mcp', ...first] = process.argv.slice(2);
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};
const leaving = new AbortController();
let id = 0;
let version = -Infinity;
let lines: string[] = [];

async function* messages(response: Response): AsyncGenerator<any> {
  if (response.headers.get('Content-Type')?.startsWith('application/json')) {
    yield await response.json();
    return;
  }
  const found: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => found.push(data) });
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    parser.feed(piece);
    yield* found.splice(0).map((data) => JSON.parse(data));
  }
}

async function post(message: object): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`status ${response.status}`);
  headers['MCP-Session-Id'] ??= response.headers.get('MCP-Session-Id') ?? '';
  return response;
}

async function ask(method: string, params: object): Promise<any> {
  const own = ++id;
  for await (const message of messages(await post({ id: own, method, params }))) {
    if (message.id !== own || message.method) continue;
    if (message.error) throw new Error(message.error.message);
    return message.result;
  }
  throw new Error(`no response to ${method}`);
}

let reading: Promise<void> | undefined;
let again = false;
function refresh(): Promise<void> {
  again = true;
  reading ??= (async () => {
    try {
      while (again) {
        again = false;
        const { contents } = await ask('resources/read', { uri });
        const read = JSON.parse(contents[0].text);
        if (!(read.version > version)) continue;
        ({ version, lines } = read);
        process.stdout.write(`VERSION ${version}\n${lines.map((line, i) => `${i + 1}: ${line}\n`).join('')}`);
      }
    } finally {
      reading = undefined;
    }
  })();
  return reading;
}

function fail(error: unknown): void {
  if (leaving.signal.aborted) return;
  console.error(String(error).replaceAll('\n', ' '));
  process.exitCode = 1;
  leaving.abort();
}

async function listen(): Promise<void> {
  const response = await fetch(url, { headers: { ...headers, Accept: 'text/event-stream' }, signal: leaving.signal });
  if (!response.ok) return;
  void (async () => {
    for await (const { method } of messages(response)) {
      if (method === 'notifications/resources/updated') refresh().catch(fail);
    }
  })().catch(() => {});
}

/** How many lines of the two documents are the same, from the beginning. */
function same(a: string[], b: string[]): number {
  const differs = a.findIndex((line, i) => line !== b[i]);
  return differs < 0 ? a.length : differs;
}

async function edit(line: number | undefined, text: string[], tries = 5): Promise<boolean> {
  if (tries === 0) return false;
  const [base, old] = [version, lines];
  const at = line ?? old.length + 1;
  const args = { base, from: at, to: line === undefined ? at - 1 : at, lines: text };
  const { isError } = await ask('tools/call', { name: 'edit', arguments: args });
  await refresh();
  if (!isError || version === base) return !isError;
  if (line === undefined || line <= same(old, lines)) return edit(line, text, tries - 1);
  const fromEnd = old.length - line;
  if (fromEnd >= same(old.toReversed(), lines.toReversed())) return false;
  return edit(lines.length - fromEnd, text, tries - 1);
}

async function run(command: string): Promise<void> {
  const [word = ''] = command.split(' ');
  const rest = command.slice(word.length + 1);
  const known = /^(\d+:|[+-])$/.test(word);
  const line = word === '+' ? undefined : parseInt(word === '-' ? rest : word);
  if (known && (await edit(line, word === '-' ? [] : [rest]))) return;
  console.log(`REFUSED: ${command}`);
  process.exitCode = 8;
}

try {
  const clientInfo = { name: 'fetch', version: '1' };
  const hello = await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  if (headers['MCP-Session-Id'] === '') delete headers['MCP-Session-Id'];
  headers['MCP-Protocol-Version'] = hello.protocolVersion;
  await (await post({ method: 'notifications/initialized' })).body?.cancel();
  await listen();
  await ask('resources/subscribe', { uri });
  await refresh();
  for (const command of first) await run(command);
  for await (const command of createInterface({ input: process.stdin, signal: leaving.signal })) {
    await run(command);
  }
} catch (error) {
  fail(error);
}
leaving.abort();
if (headers['MCP-Session-Id']) await fetch(url, { method: 'DELETE', headers }).catch(() => {});
