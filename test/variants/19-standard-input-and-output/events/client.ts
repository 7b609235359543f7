import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
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
  type JsonRpcResponse,
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

let lastId = 0;
const answers = new EventEmitter();

const server = spawn(command, args, { stdio: 'pipe' });
server.stderr.pipe(process.stderr);
server.stdin.on('error', () => console.debug);
server.on('error', (error) => answers.emit('error', Object.assign(error, { exitCode: 2 })));
answers.on('error', () => {});

let text = '';
server.stdout.setEncoding('utf8');
server.stdout.on('data', (piece: string) => {
  text += piece;
  const parts = text.split('\n');
  text = parts.pop()!;
  for (const line of parts) receive(line.endsWith('\r') ? line.slice(0, -1) : line);
});
server.stdout.on('close', () => answers.emit('error', failed(5, 'the server is gone')));

function receive(line: string): void {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    // It is refused below.
  }
  if (isNotification(message)) process.stdout.write(`NOTIFICATION: ${described(message)}\n`);
  else if (isRequest(message)) send({ jsonrpc: '2.0', id: message.id, ...answer(message) });
  else if (isResponse(message)) answers.emit(JSON.stringify(message.id), message);
  else answers.emit('error', failed(4, `unexpected output: ${line}`));
}

function send(message: object): void {
  server.stdin.write(JSON.stringify(message));
  server.stdin.write('\n');
}

async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = lastId++;
  send({ jsonrpc: '2.0', id, method, params });
  const signal = AbortSignal.timeout(timeLimit);
  const [message] = (await once(answers, JSON.stringify(id), { signal })) as [JsonRpcResponse];
  if ('error' in message) throw failed(7, `error ${message.error.code}: ${message.error.message}`);
  return message.result as Result;
}

function failed(exitCode: number, sentence: string): Error {
  return Object.assign(new Error(sentence), { exitCode });
}

async function run(): Promise<void> {
  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = await request<{ protocolVersion: string }>('initialize', params);
  if (!revisions.includes(protocolVersion)) throw failed(1, `the server speaks ${protocolVersion}`);
  send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  const call = { name: 'process_files', arguments: { message } };
  const result = await request<ToolResult>('tools/call', call);
  if (result.isError) throw failed(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
}

run()
  .catch((error: Error & { exitCode?: number }) => {
    console.error(`client: ${error.message.replaceAll(/\s+/g, ' ')}`);
    process.exitCode = error.exitCode ?? 6;
  })
  .finally(() => {
    server.stdin.destroy();
    const first = setTimeout(() => {
      server.kill('SIGTERM');
      const second = setTimeout(() => server.kill('SIGKILL'), farewellLimit);
      server.once('exit', () => clearTimeout(second));
    }, farewellLimit);
    if (server.pid === undefined || server.exitCode !== null) clearTimeout(first);
    server.once('exit', () => clearTimeout(first));
  });

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
