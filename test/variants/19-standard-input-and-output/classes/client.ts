import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
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

class ClientError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

type Waiting = { resolve(response: JsonRpcResponse): void; reject(error: Error): void };

class StdioClient {
  readonly #server: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<string | number, Waiting>();
  #lastId = 0;
  #rest = Buffer.alloc(0);
  #broken: Error | undefined;

  constructor(command: string, args: string[]) {
    this.#server = spawn(command, args);
    this.#server.stderr.on('data', (bytes: Buffer) => process.stderr.write(bytes));
    this.#server.stdout.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#server.stdout.on('end', () => this.#stop(new ClientError(5, 'the server has gone')));
    this.#server.stdin.on('error', () => {});
    this.#server.on('error', (error) => this.#stop(new ClientError(2, error.message)));
  }

  request(method: string, params: Params): Promise<object> {
    const id = `request ${++this.#lastId}`;
    return new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      const timer = setTimeout(() => reject(new ClientError(6, `no response within ${timeLimit} ms`)), timeLimit);
      this.#waiting.set(id, {
        resolve(response) {
          clearTimeout(timer);
          if ('result' in response) resolve(response.result);
          else reject(new ClientError(7, `error ${response.error.code}: ${response.error.message}`));
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.send({ jsonrpc: '2.0', id, method, params });
    });
  }

  send(message: object): void {
    this.#server.stdin.write(JSON.stringify(message) + '\n');
  }

  async end(): Promise<void> {
    if (this.#server.pid === undefined || this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const exited = once(this.#server, 'exit');
    this.#server.stdin.end();
    const timers = [
      setTimeout(() => this.#server.kill(), farewellLimit),
      setTimeout(() => this.#server.kill('SIGKILL'), 2 * farewellLimit),
    ];
    await exited;
    timers.forEach(clearTimeout);
  }

  #stop(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    let end: number;
    while ((end = this.#rest.indexOf('\n')) !== -1) {
      const line = this.#rest.subarray(0, end).toString();
      this.#rest = this.#rest.subarray(end + 1);
      this.#receive(line);
    }
  }

  #receive(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      message = undefined;
    }
    if (isResponse(message)) {
      this.#waiting.get(message.id)?.resolve(message);
      this.#waiting.delete(message.id);
    } else if (isNotification(message)) console.log(`NOTIFICATION: ${described(message)}`);
    else if (isRequest(message)) this.send({ jsonrpc: '2.0', id: message.id, ...answer(message) });
    else this.#stop(new ClientError(4, `not a message: ${line.slice(0, 80)}`));
  }
}

const client = new StdioClient(command, args);
try {
  const params = { protocolVersion: revisions[0], capabilities: {}, clientInfo };
  const { protocolVersion } = (await client.request('initialize', params)) as { protocolVersion: string };
  if (!revisions.includes(protocolVersion)) throw new ClientError(1, `the server speaks ${protocolVersion}`);
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  const result = (await client.request('tools/call', {
    name: 'process_files',
    arguments: { message },
  })) as ToolResult;
  if (result.isError) throw new ClientError(8, `the tool failed: ${textOf(result)}`);
  console.log(`RESULT: ${textOf(result)}`);
} catch (error) {
  console.error((error as Error).message.replaceAll(/\s+/g, ' '));
  process.exitCode = (error as ClientError).exitCode ?? 1;
}
await client.end();

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
