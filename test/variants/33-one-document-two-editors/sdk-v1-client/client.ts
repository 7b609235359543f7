// The official SDK, version 1. It looks for the text of the line instead of what begins and ends the document.
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const uri = 'document://shared';
const [url = 'http://127.0.0.1:3000/mcp', ...given] = process.argv.slice(2);

type Document = { version: number; lines: string[] };

class Editor {
  readonly client = new Client({ name: 'editor', version: '1.0.0' });
  readonly transport = new StreamableHTTPClientTransport(new URL(url));
  shown: Document | undefined;
  closing = false;

  async open(): Promise<void> {
    this.client.setNotificationHandler(ResourceUpdatedNotificationSchema, () =>
      this.look().catch((error) => this.fail(error)),
    );
    await this.client.connect(this.transport as never);
    await this.client.subscribeResource({ uri });
    await this.look();
  }

  async look(): Promise<void> {
    const { contents } = await this.client.readResource({ uri });
    const document = JSON.parse(String((contents[0] as { text?: string }).text)) as Document;
    if (this.shown && this.shown.version >= document.version) return;
    this.shown = document;
    const numbered = document.lines.map((line, index) => `${index + 1}: ${line}`);
    console.log([`VERSION ${document.version}`, ...numbered].join('\n'));
  }

  async obey(command: string): Promise<boolean> {
    const match = /^(?:(\d+):|([+-])) (.*)$/.exec(command);
    if (!match) return false;
    const [, number, sign, rest] = match;
    let at = sign === '+' ? undefined : Number(number ?? rest);
    if (Number.isNaN(at)) return false;
    const lines = sign === '-' ? [] : [rest!];
    for (let left = 5; left > 0; left--) {
      const { version, lines: old } = this.shown!;
      const range = at === undefined ? { from: old.length + 1, to: old.length } : { from: at, to: at };
      const result = await this.client.callTool({ name: 'edit', arguments: { base: version, ...range, lines } });
      await this.look();
      if (!result.isError) return true;
      if (this.shown!.version === version) return false;
      if (at === undefined) continue;
      const text = old[at - 1];
      const places = this.shown!.lines.flatMap((line, index) => (line === text ? [index + 1] : []));
      if (places.length !== 1 || old.filter((line) => line === text).length !== 1) return false;
      [at] = places;
    }
    return false;
  }

  async fail(error: Error): Promise<void> {
    if (this.closing) return;
    console.error(error.message.split('\n').join(' '));
    await this.close();
    process.exit(1);
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.transport.terminateSession().catch(() => {});
    await this.client.close();
  }
}

const editor = new Editor();
async function main(): Promise<void> {
  await editor.open();
  const tell = async (command: string) => {
    if (await editor.obey(command)) return;
    console.log(`REFUSED: ${command}`);
    process.exitCode = 8;
  };
  for (const command of given) await tell(command);
  for await (const command of createInterface({ input: process.stdin })) await tell(command);
}

await main().catch((error: Error) => {
  console.error(error.message.split('\n').join(' '));
  process.exitCode = 1;
});
await editor.close();
