// A loop over two attempts, with one Client that connects again.
import { Client, SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

class Caller {
  #url: URL;
  #client = new Client({ name: 'variant', version: '1.0.0' });
  #transport: StreamableHTTPClientTransport | undefined;

  constructor(url: string) {
    this.#url = new URL(url);
    this.#client.fallbackNotificationHandler = async ({ method, params }) => {
      if (method !== 'notifications/message') return;
      const { level, data } = params as { level: string; data: unknown };
      console.log('NOTIFICATION:', level, typeof data === 'string' ? data : JSON.stringify(data));
    };
  }

  async #begin(): Promise<void> {
    this.#transport = new StreamableHTTPClientTransport(this.#url);
    await this.#client.connect(this.#transport);
    await this.#client.setLoggingLevel('info');
  }

  async call(message: string): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      if (!this.#transport) await this.#begin();
      try {
        const { content } = await this.#client.callTool(
          { name: 'process_files', arguments: { message } },
          { onprogress: ({ progress, total }) => console.log(`PROGRESS: ${progress}/${total}`) },
        );
        return content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
      } catch (error) {
        if (attempt === 2 || !(error instanceof SdkHttpError && error.status === 404)) throw error;
        await this.#client.close();
        this.#transport = undefined;
      }
    }
  }

  async end(): Promise<void> {
    try {
      await this.#transport?.terminateSession();
    } catch {
      // The user has the result already.
    }
    await this.#client.close();
  }
}

const [url = 'http://127.0.0.1:3000/mcp', ...messages] = process.argv.slice(2);
const caller = new Caller(url);
try {
  for (const message of messages) console.log(`RESULT: ${await caller.call(message)}`);
} catch (error) {
  console.error(String((error as Error).message).replaceAll('\n', ' '));
  process.exitCode = 1;
}
await caller.end();
