import { Client, SdkHttpError, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client';

const url = new URL(process.argv[2] ?? 'http://127.0.0.1:3000/mcp');
const messages = process.argv.length > 3 ? process.argv.slice(3) : ['hello'];

/** The session with the server. */
type Session = { client: Client; transport: StreamableHTTPClientTransport };

let session: Session | undefined;

try {
  for (const message of messages) {
    const result = await callTool(message);
    if (result.isError) throw new Error(`the tool failed: ${textOf(result)}`);
    console.log(`RESULT: ${textOf(result)}`);
  }
} catch (error) {
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${url}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode = 1;
} finally {
  await endSession();
}

/** Shakes hands, and asks for the log messages that the user wants to see. */
async function beginSession(): Promise<Session> {
  const client = new Client({ name: 'chunk-by-chunk', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(url);
  // #region task 3: be ready for messages before the first one can arrive
  // starter: await client.connect(transport);
  // starter: await client.setLoggingLevel('info');
  // starter: client.setNotificationHandler('notifications/message', ({ params }) => show(params));
  client.setNotificationHandler('notifications/message', ({ params }) => show(params));
  await client.connect(transport);
  await client.setLoggingLevel('info');
  // #endregion
  return { client, transport };
}

/** Calls the tool in the session that is open, and begins the first one. */
async function callTool(message: string): Promise<CallToolResult> {
  session ??= await beginSession();
  // #region task 3: begin again, one time, if the session is over
  // starter: try {
  // starter:   return call(session, message);
  // starter: } catch (error) {
  // starter:   throw error;
  // starter: }
  try {
    return await call(session, message);
  } catch (error) {
    if (!(error instanceof SdkHttpError) || error.status !== 404) throw error;
    await session.client.close();
    session = await beginSession();
    return call(session, message);
  }
  // #endregion
}

function call({ client }: Session, message: string): Promise<CallToolResult> {
  return client.callTool(
    { name: 'process_files', arguments: { message } },
    { onprogress: ({ progress, total }) => console.log(`PROGRESS: ${progress}/${total}`) },
  );
}

/** Tells the server that its session is no longer needed. Nothing that comes of this changes the exit code. */
async function endSession(): Promise<void> {
  // #region task 3: end the session also at the server
  await session?.transport.terminateSession().catch(() => {});
  // #endregion
  await session?.client.close();
}

function show({ level, data }: { level: string; data?: unknown }): void {
  console.log(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}`);
}

/** The texts of a result. Other blocks, such as images, have none. */
function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n');
}
