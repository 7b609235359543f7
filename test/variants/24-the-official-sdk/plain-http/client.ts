// One handler for all notifications, and an end by process.exit.
import {
  Client,
  ProtocolError,
  SdkError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';

const [url = 'http://127.0.0.1:3000/mcp', message = 'hello'] = process.argv.slice(2);
const limit = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);

let interrupted = false;
const controller = new AbortController();
process.on('SIGINT', () => {
  if (interrupted) process.exit(130);
  interrupted = true;
  controller.abort('Ctrl+C');
});

const client = new Client(
  { name: 'another-client', version: '0.0.1' },
  { versionNegotiation: { mode: 'auto', probe: { timeoutMs: limit('TIME_LIMIT', 60_000) } }, capabilities: {} },
);
client.fallbackNotificationHandler = async ({ method, params }) => {
  if (method === 'notifications/message') {
    const { level, data } = params as { level: string; data: unknown };
    process.stdout.write(`NOTIFICATION: ${level} ${typeof data === 'string' ? data : JSON.stringify(data)}\n`);
  } else process.stdout.write(`NOTIFICATION: ${method}${params ? ` ${JSON.stringify(params)}` : ''}\n`);
};

const transport = new StreamableHTTPClientTransport(new URL(url));

async function main(): Promise<number> {
  await client.connect(transport);
  const result = await client.callTool(
    { name: 'process_files', arguments: { message }, _meta: { 'io.modelcontextprotocol/logLevel': 'info' } },
    {
      timeout: limit('IDLE_LIMIT', 10_000),
      maxTotalTimeout: limit('TIME_LIMIT', 60_000),
      resetTimeoutOnProgress: true,
      signal: controller.signal,
      onprogress({ progress, total, message: said }) {
        const numbers = total === undefined ? `${progress}` : `${progress}/${total}`;
        process.stdout.write(`PROGRESS: ${[numbers, said].filter((part) => part).join(' ')}\n`);
      },
    },
  );
  const text = (result.content as { text?: string }[]).map((part) => part.text).join('\n');
  if (result.isError) {
    process.stderr.write(`failed: ${text}\n`);
    return 8;
  }
  process.stdout.write(`RESULT: ${text}\n`);
  return 0;
}

function codeOf(error: unknown): number {
  if (interrupted) return 130;
  if (error instanceof ProtocolError) return 7;
  if (error instanceof SdkHttpError) return 3;
  if (error instanceof SdkError && error.code.toString() === 'REQUEST_TIMEOUT') return 6;
  return [error, (error as Error).cause].some((each) => each instanceof TypeError) ? 2 : 1;
}

let code: number;
try {
  code = await main();
} catch (error) {
  code = codeOf(error);
  process.stderr.write(`${(error as Error).message.split('\n')[0]}\n`);
}
await Promise.race([transport.terminateSession().catch(() => {}), new Promise((done) => setTimeout(done, 60_000))]);
await client.close();
process.exit(code);
