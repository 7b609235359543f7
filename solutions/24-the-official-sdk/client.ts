import {
  Client,
  LOG_LEVEL_META_KEY,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

const client = new Client({ name: 'chunk-by-chunk', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
const transport = new StreamableHTTPClientTransport(new URL(url));
client.setNotificationHandler('notifications/message', ({ params }) => {
  console.log('NOTIFICATION:', params.level, params.data);
});
client.fallbackNotificationHandler = async (n) => console.log('OTHER', JSON.stringify(n));
client.onerror = (e) => console.error('ONERROR', e);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('interrupted')));
try {
  await client.connect(transport);
  console.log(client.getNegotiatedProtocolVersion?.());
  const r = await client.callTool(
    { name: 'process_files', arguments: { message }, _meta: { [LOG_LEVEL_META_KEY]: 'info' } },
    {
      onprogress: (p) => console.log('PROGRESS', p),
      timeout: Number(process.env.IDLE_LIMIT ?? 10000),
      resetTimeoutOnProgress: true,
      maxTotalTimeout: Number(process.env.TIME_LIMIT ?? 60000),
      signal: stop.signal,
    },
  );
  console.log(r);
} catch (e) {
  console.log(e);
  process.exitCode = 1;
} finally {
  await transport.terminateSession();
  await client.close();
}
