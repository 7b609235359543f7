import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  failure,
  isNotification,
  isObject,
  isRequest,
  isResponse,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Params,
} from '#support/json-rpc.ts';
import type { ToolResult } from '#support/tools.ts';

const ownServer = ['node', '--import', 'tsx', fileURLToPath(new URL('server.ts', import.meta.url))];
const [message = 'hello', ...given] = process.argv.slice(2);
const [command, ...args] = (given.length > 0 ? given : ownServer) as [string, ...string[]];

/** Milliseconds from a request until its response must have arrived. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that the server has to end, when its input has ended and again after SIGTERM. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

/** Reads the next message only when it waits for one: no request is sent while another waits. */
const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()).once('error', () => resolve()));
server.stdin.on('error', () => {});
let lastId = 100;

const lines = linesIn(server.stdout);

let exitCode = 0;
try {
  await new Promise<void>((resolve, reject) => server.once('spawn', resolve).once('error', reject)).catch(
    (error: Error) => fail(2, error.message),
  );
  const hello = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = (await call('initialize', hello)) as { protocolVersion: string };
  if (!revisions.includes(protocolVersion)) fail(1, `the server speaks ${protocolVersion}`);
  server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  const result = (await call('tools/call', { name: 'process_files', arguments: { message } })) as ToolResult;
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  console.error(`failed: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  exitCode ||= 1;
}
server.stdout.resume();
server.stdin.end();
for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, farewellLimit, true)));
  const tooLate = await Promise.race([exited.then(() => false), late]);
  clearTimeout(timer);
  if (!tooLate) break;
  server.kill(signal);
}
await exited;
process.exit(exitCode);

async function call(method: string, params: Params): Promise<object> {
  const id = ++lastId;
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
  const timer = setTimeout(() => server.kill('SIGKILL'), timeLimit);
  try {
    for (;;) {
      const { value: line, done } = await lines.next();
      if (done) {
        fail(5, 'the server has ended');
      }
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        fail(4, `this is not JSON: ${line}`);
      }
      if (isResponse(message)) {
        if (message.id !== id) continue;
        if ('error' in message) fail(7, `error ${message.error.code}: ${message.error.message}`);
        return message.result;
      }
      if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
      else if (isRequest(message)) {
        server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message) })}\n`);
      } else fail(4, `this is not a message: ${line}`);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* linesIn(stream: Readable): AsyncGenerator<string, undefined> {
  let rest = '';
  for await (const piece of stream.setEncoding('utf8')) {
    rest += piece as string;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      yield line;
    }
  }
}

function fail(code: number, sentence: string): never {
  exitCode = code;
  throw new Error(sentence);
}

/** The texts of a result. Other blocks, such as images, have none, and a server may leave out the content. */
function textOf({ content }: ToolResult): string {
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  return blocks.flatMap((block) => (isObject(block) && typeof block.text === 'string' ? block.text : [])).join('\n');
}

/** A log message as its level and its data, any other notification as its method and its params. */
function described({ method, params }: JsonRpcNotification): string {
  if (method === 'notifications/message') return `${params?.level} ${textOrJson(params?.data)}`;
  return params ? `${method} ${JSON.stringify(params)}` : method;
}

function textOrJson(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** How this client answers a request of the server. */
function answer({ method }: JsonRpcRequest): Answer {
  if (method === 'ping') return { result: {} };
  return failure(-32601, `unknown method: ${method}`);
}
