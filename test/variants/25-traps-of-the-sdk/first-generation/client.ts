// The client of the first generation of the SDK, which does not begin a new session by itself either.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema, type CallToolResult } from '@modelcontextprotocol/sdk/types.js';

const [url = 'http://127.0.0.1:3000/mcp', ...messages] = process.argv.slice(2);

async function open() {
  const client = new Client({ name: 'variant', version: '1.0.0' });
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params: { level, data } }) => {
    console.log(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);
  });
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  await client.setLoggingLevel('info');
  const call = async (message: string) => {
    const onprogress = ({ progress, total }: { progress: number; total?: number | undefined }) =>
      console.log(`PROGRESS: ${progress}/${total}`);
    const request = { name: 'process_files', arguments: { message } };
    return (await client.callTool(request, undefined, { onprogress })) as CallToolResult;
  };
  return { client, transport, call };
}

let session: Awaited<ReturnType<typeof open>> | undefined;
try {
  session = await open();
  for (const message of messages) {
    const result = await session.call(message).catch(async (error: Error) => {
      if (!(error instanceof StreamableHTTPError) || error.code !== 404) throw error;
      await session?.client.close();
      session = undefined;
      session = await open();
      return session.call(message);
    });
    console.log(`RESULT: ${result.content.map((block) => ('text' in block ? block.text : '')).join('')}`);
  }
} catch (error) {
  console.error((error as Error).message.replaceAll(/\s+/g, ' '));
  process.exitCode = 1;
} finally {
  await session?.transport.terminateSession().catch(() => undefined);
  await session?.client.close();
}
