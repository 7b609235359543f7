import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
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

/** What to call with the response to each request that has none yet, by the ids of these requests. */
const waiting = new Map<string | number, (response: JsonRpcResponse) => void>();

// #region task 3: start the server, and pass its standard error on
// starter: const server = spawn(command, args);
const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
// #endregion

/** Settles when the server has ended, or when it could not be started. */
const ended = once(server, 'exit').catch(() => {});

// When the server has ended, something that it has started may still keep its output open.
const cutOff = Object.assign(new Error('the server ended before it had answered'), { exitCode: 5 });
server.once('exit', () => setTimeout(() => server.stdout.destroy(cutOff), farewellLimit).unref());

// #region task 3: ignore the error of a write to a server that has ended
server.stdin.on('error', () => {});
// #endregion

/** Rejects when no more messages can come. */
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
  // #region task 3: end the input of the server, and send a signal only if the server does not end in time
  // starter: server.kill('SIGKILL');
  server.stdin.end();
  if (await endsInTime()) return;
  server.kill('SIGTERM');
  if (await endsInTime()) return;
  server.kill('SIGKILL');
  // #endregion
}

/** Whether the server ends within the limit. */
function endsInTime(): Promise<boolean> {
  return Promise.race([ended.then(() => true), sleep(farewellLimit, false, { ref: false })]);
}

/** Sends a request and waits for its result. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  const id = ++lastId;
  const response = new Promise<JsonRpcResponse>((resolve) => {
    // #region task 3: wait for the response with this id
    waiting.set(id, resolve);
    // #endregion
  });
  send({ jsonrpc: '2.0', id, method, params });
  const tooLate = sleep(timeLimit, undefined, { ref: false }).then(() =>
    fail(6, `no response to ${method} within ${timeLimit} ms`),
  );
  const answer = await Promise.race([response, broken, tooLate]);
  if ('error' in answer) {
    fail(7, `the server answered ${method} with error ${answer.error.code}: ${answer.error.message}`);
  }
  return answer.result as Result;
}

/** Sends one message, in one line. */
function send(message: object): void {
  // #region task 3: write the message and a line break to the server
  // starter: console.error(`not sent: ${JSON.stringify(message)}`);
  server.stdin.write(`${JSON.stringify(message)}\n`);
  // #endregion
}

/** Receives each message of the server, until no more can come. */
async function receiveAll(): Promise<never> {
  // #region task 3: receive each line, and say why no more lines come
  // starter: fail(1, 'this client does not receive anything yet');
  await once(server, 'spawn').catch((error: Error) => fail(2, error.message));
  for await (const line of linesIn(server.stdout)) receive(line);
  fail(5, 'the server ended before it had answered');
  // #endregion
}

/** Yields the lines of a stream, each as soon as its line break has arrived. */
async function* linesIn(stream: Readable): AsyncGenerator<string> {
  // #region task 3: as in your server
  // starter: for await (const piece of stream) yield String(piece);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece as Buffer, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  // #endregion
}

/** Gets each line that the server prints. */
function receive(line: string): void {
  const message = parsed(line);
  if (isNotification(message)) return console.log(`NOTIFICATION: ${described(message)}`);
  if (isRequest(message)) return send({ jsonrpc: '2.0', id: message.id, ...answer(message) });
  // #region task 3: give a response to the request that waits for it, and fail if the line is not a message
  // starter: console.error('not handled:', line);
  if (!isResponse(message)) fail(4, `the server printed a line that is not a message: ${line.slice(0, 100)}`);
  waiting.get(message.id)?.(message);
  // #endregion
}

/** A line that is not JSON stays a string, which is not a message. */
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

/** Ends the client with this exit code. The `catch` at the top prints the sentence, and `finally` ends the server. */
function fail(exitCode: number, sentence: string): never {
  throw Object.assign(new Error(sentence), { exitCode });
}
