// An editor of the document. The README of this lesson says what it has to do; how it does this is up to you.
import { createInterface } from 'node:readline/promises';

const [url = 'http://127.0.0.1:3000/mcp', ...firstCommands] = process.argv.slice(2);

/** The commands of the user: the arguments after the URL, and then each line of standard input. */
async function* commands(): AsyncGenerator<string> {
  yield* firstCommands;
  yield* createInterface({ input: process.stdin });
}

/** What a command wants: these lines in place of a line, or at the end of the document if it names no line. */
type Command = { line?: number; lines: string[] };

/** Understands `3: TEXT`, `- 3` and `+ TEXT`. */
function parsed(command: string): Command | undefined {
  const { line, text, removed, added } =
    /^(?<line>\d+): (?<text>.*)$|^- (?<removed>\d+)$|^\+ (?<added>.*)$/.exec(command)?.groups ?? {};
  if (text !== undefined) return { line: Number(line), lines: [text] };
  if (removed !== undefined) return { line: Number(removed), lines: [] };
  if (added !== undefined) return { lines: [added] };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const uri = 'document://shared';

/** How often the client sends the edit of one command. */
const mostTries = 5;

/** The newest version that the user has seen. */
let seen = { version: -1, lines: [] as string[] };

const client = new Client({ name: 'editor', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
const transport = new StreamableHTTPClientTransport(new URL(url));

/** Ends the client when a read after a notification has failed: nobody awaits such a read. */
let giveUp: (error: unknown) => void;
const givenUp = new Promise<never>((_resolve, reject) => (giveUp = reject));
client.setNotificationHandler('notifications/resources/updated', () => refresh().catch(giveUp));

try {
  await Promise.race([edit(), givenUp]);
} catch (error) {
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode = 1;
} finally {
  await Promise.race([transport.terminateSession().catch(() => {}), sleep(2000, undefined, { ref: false })]);
  await client.close();
  process.stdin.destroy();
}

/** Shows the document, and carries out one command after the other. */
async function edit(): Promise<void> {
  await client.connect(transport);
  await client.subscribeResource({ uri });
  await refresh();
  for await (const text of commands()) {
    const command = parsed(text);
    if (command && (await carryOut(command))) continue;
    console.log(`REFUSED: ${text}`);
    process.exitCode = 8;
  }
}

/** Reads the document, and shows it if it is newer than what the user has seen. */
async function refresh(): Promise<void> {
  const { contents } = await client.readResource({ uri });
  const read = JSON.parse((contents[0] as { text: string }).text) as typeof seen;
  if (read.version <= seen.version) return;
  seen = read;
  console.log(`VERSION ${seen.version}`);
  for (const [i, line] of seen.lines.entries()) console.log(`${i + 1}: ${line}`);
}

/** Sends the edit, again if somebody else was faster. Returns whether the server has accepted it. */
async function carryOut({ line, lines }: Command): Promise<boolean> {
  for (let tries = 0; tries < mostTries; tries++) {
    const before = seen;
    const end = before.lines.length;
    const [from, to] = line === undefined ? [end + 1, end] : [line, line];
    const change = { base: before.version, from, to, lines };
    const result = await client.callTool({ name: 'edit', arguments: change });
    await refresh();
    if (!result.isError) return true;
    if (seen.version === before.version) return false;
    if (line === undefined) continue;
    line = moved(line, before.lines, seen.lines);
    if (line === undefined) return false;
  }
  return false;
}

/** The number of this line in the new version; undefined if the line was changed or removed. */
function moved(line: number, old: string[], now: string[]): number | undefined {
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  if (line <= start) return line;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  if (line > old.length - end) return line + now.length - old.length;
}
