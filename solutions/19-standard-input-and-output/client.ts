import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import type { ToolResult } from '#support/tools.ts';

const ownServer = ['node', '--import', 'tsx', fileURLToPath(new URL('server.ts', import.meta.url))];
const [message = 'hello', ...given] = process.argv.slice(2);
const [command, ...args] = (given.length > 0 ? given : ownServer) as [string, ...string[]];

/** Milliseconds from a request until its response must be here. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** Milliseconds that the server has to end, after its input has ended and again after SIGTERM. */
const farewellLimit = Number(process.env.FAREWELL_LIMIT ?? 2000);

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

let lastId = 0;

/** The requests that wait for their response, by their ids. */
const waiting = new Map<string | number, (response: JsonRpcResponse) => void>();

const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const exited = once(server, 'exit');
// A server that has ended reads nothing more. Then its output has ended as well, which `receiveAll` reports.
server.stdin.on('error', () => {});

/** Rejects when no further message can come. */
const broken = receiveAll();

try {
  await shakeHands();
  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
  if (result.isError) fail(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  const { message, exitCode } = error as Failure;
  // The texts of a server may have line breaks, but a failure is one line.
  console.error(`${command}: ${message.replaceAll(/\s+/g, ' ')}`);
  process.exitCode = exitCode ?? 1;
} finally {
  await endServer();
}

/** Agrees with the server on a revision of the protocol, before the first call. */
async function shakeHands(): Promise<void> {
  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = await request<{ protocolVersion: string }>('initialize', params);
  if (!revisions.includes(protocolVersion)) {
    fail(1, `the server speaks revision ${protocolVersion}, this client ${revisions.join(' and ')}`);
  }
  send({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Ends the server (MCP 2025-11-25, basic/lifecycle, "Shutdown"). */
async function endServer(): Promise<void> {
  server.stdin.end();
  if (await endsInTime()) return;
  server.kill('SIGTERM');
  if (await endsInTime()) return;
  server.kill('SIGKILL');
}

function endsInTime(): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, farewellLimit, false).unref());
  return Promise.race([
    exited.then(
      () => true,
      () => true,
    ),
    late,
  ]);
}

/** Sends a request and waits for its result. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = ++lastId;
  const response = new Promise<JsonRpcResponse>((resolve) => waiting.set(id, resolve));
  send({ jsonrpc: '2.0', id, method, params });
  const answer = await Promise.race([response, broken, late(method)]);
  if ('error' in answer)
    fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  return answer.result as Result;
}

/** Rejects when the time for a response is over. */
function late(method: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    AbortSignal.timeout(timeLimit).onabort = () => reject(failed(6, `no response to ${method} within ${timeLimit} ms`));
  });
}

/** Sends one message, in one line. */
function send(message: object): void {
  server.stdin.write(`${JSON.stringify(message)}\n`);
}

/** Receives every message of the server, until there can be no more. */
async function receiveAll(): Promise<never> {
  await once(server, 'spawn').catch((error: Error) => fail(2, error.message));
  for await (const line of linesIn(server.stdout)) receive(line);
  fail(5, 'the server has ended before it answered');
}

/** Yields the lines of a stream, each as soon as its line break has arrived. */
async function* linesIn(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece as Buffer, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Gets every line. */
function receive(line: string): void {
  const message = parsed(line);
  if (isResponse(message)) waiting.get(message.id)?.(message);
  else if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
  else if (isRequest(message)) send({ jsonrpc: '2.0', id: message.id, ...answer(message) });
  else fail(4, `the server printed a line that is no message: ${line.slice(0, 100)}`);
}

/** A line that is not JSON stays a string, which is no message. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
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

type Failure = Error & { exitCode?: number };

function failed(exitCode: number, sentence: string): Failure {
  return Object.assign(new Error(sentence), { exitCode });
}

/** Ends the client with this exit code. The `catch` at the top prints the sentence, and `finally` ends the server. */
function fail(exitCode: number, sentence: string): never {
  throw failed(exitCode, sentence);
}
