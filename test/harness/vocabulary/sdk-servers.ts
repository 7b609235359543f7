// Servers made with the official SDKs, to grade clients with: each has the tool process_files, whose work the grader holds.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Program } from '../programs/program.ts';
import { Failure } from '../run/failure.ts';
import type { Run } from '../run/run.ts';
import type { Call } from '../wire/grader-server.ts';
import { visible } from '../wire/printable.js';
import { judgedClient, type Client } from './command-line.ts';

type Server = {
  handle(request: Request): Promise<Response>;
  close(): Promise<void>;
};

/** The work on a file, counted from 1: it takes until the grader lets it go. */
type HeldWork = (file: number) => Promise<void>;

/** What the servers of both generations have in common. */
type AnyServer = { registerTool(name: string, config: object, run: () => Promise<never>): unknown };

/** Adds a tool, which an official server announces by itself, when the first file is processed. */
const addTool = (server: AnyServer) =>
  server.registerTool('list_processed', { description: 'Lists the files that are processed' }, async () => {
    throw new Error('nobody calls this tool');
  });

const info = { name: 'official', version: '1.0.0' };
const tool = { description: 'Processes three files', inputSchema: z.object({ message: z.string() }) };
const files = [1, 2, 3];
const processing = (file: number) => `Processing file ${file}/${files.length}...`;

/** `@modelcontextprotocol/sdk`, with a session. */
async function sdkOfTheFirstGeneration(work: HeldWork, addsTool: boolean): Promise<Server> {
  const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const { WebStandardStreamableHTTPServerTransport } =
    await import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js');
  const server = new McpServer(info, { capabilities: { logging: {} } });
  server.registerTool('process_files', tool, async ({ message }, { sendNotification }) => {
    for (const file of files) {
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data: processing(file) } });
      await work(file);
      if (addsTool && file === 1) addTool(server as unknown as AnyServer);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  return { handle: (request) => transport.handleRequest(request), close: () => server.close() };
}

/** `@modelcontextprotocol/server`, with a session. */
async function sdkOfTheSecondGeneration(work: HeldWork, addsTool: boolean): Promise<Server> {
  const { McpServer, WebStandardStreamableHTTPServerTransport } = await import('@modelcontextprotocol/server');
  const server = new McpServer(info, { capabilities: { logging: {} } });
  server.registerTool('process_files', tool, async ({ message }, { mcpReq }) => {
    for (const file of files) {
      await mcpReq.log('info', processing(file));
      await work(file);
      if (addsTool && file === 1) addTool(server as unknown as AnyServer);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  return { handle: (request) => transport.handleRequest(request), close: () => server.close() };
}

/** `@modelcontextprotocol/server` without sessions: in revision 2026-07-28, and for old clients too if `legacy` says so. */
const statelessSdk = (legacy: 'stateless' | 'reject') => async (work: HeldWork) => {
  const { McpServer, createMcpHandler } = await import('@modelcontextprotocol/server');
  const handler = createMcpHandler(
    () => {
      const server = new McpServer(info, { capabilities: { logging: {} } });
      server.registerTool('process_files', tool, async ({ message }, { mcpReq }) => {
        for (const file of files) {
          await mcpReq.log('info', processing(file));
          await work(file);
        }
        return { content: [{ type: 'text', text: `Done: ${message}` }] };
      });
      return server;
    },
    { legacy },
  );
  return { handle: (request: Request) => handler.fetch(request), close: () => handler.close() };
};

/** Milliseconds for the start of a client, and for an official server's part of what the client then prints. */
const startAndWorkMs = 7000;

/** All of them, as explanations call them. */
const generations = {
  'a server of the official TypeScript SDK, version 1,': sdkOfTheFirstGeneration,
  'a server of the official TypeScript SDK, version 2,': sdkOfTheSecondGeneration,
  'a server of the official TypeScript SDK for both eras': statelessSdk('stateless'),
  'a server of the official TypeScript SDK for the new era only': statelessSdk('reject'),
};
type Generation = keyof typeof generations;

/** Those that know no newer revision than 2025-11-25, and those that know 2026-07-28. */
export const sdkServers = Object.keys(generations).slice(0, 2) as Generation[];
export const newSdkServers = Object.keys(generations).slice(2) as Generation[];

/**
 * Starts an official server, and a client for it.
 * @param which one of `sdkServers` or `newSdkServers`
 * @param message what the client calls the tool with
 * @param options whether the server adds a tool when the first file is processed, how many messages it may refuse, and how the client is started
 * @returns `release` ends the work on a file, which is counted from 1; `listening` says whether the client has a stream of its own
 */
export async function sdkServer(
  run: Run,
  which: Generation,
  message: string,
  {
    addsTool = false,
    mayRefuse = 0,
    begin,
  }: { addsTool?: boolean; mayRefuse?: number; begin?: (url: string) => Program } = {},
): Promise<{ client: Client; release(file: number): void; listening(): boolean }> {
  const gates = files.map(gate);
  const server = await generations[which]((file) => gates[file - 1]!.opened, addsTool);
  run.atEnd(() => void server.close());
  let refused: Call | undefined;
  let refusals = 0;
  let listens = false;
  const site = await run.startGraderServer('/mcp', (call) => {
    const { request, response } = call;
    response.on('finish', () => {
      if (request.method === 'POST' && response.statusCode >= 400 && ++refusals > mayRefuse) refused = call;
    });
    // A client that has gone away reads no more of its answer.
    const begun = () => {
      if (request.method === 'GET' && response.statusCode === 200) listens = true;
      run.changed();
    };
    void answerWith(server, call, begun).catch(() => response.destroy());
    return true;
  });
  const expectNone = async () => {
    if (!refused) return;
    const received = `status ${refused.response.statusCode}, for ${visible(refused.body)}`;
    throw new Failure({
      cause: `The client sent a message that ${which} refused.`,
      compare: { expected: 'status 200 or 202', received },
      advice: 'Send each message as you do to the other servers: with the same headers, and as JSON-RPC asks for it.',
    });
  };
  const program = begin?.(site.url) ?? run.startClientWith({}, site.url, message);
  const client = judgedClient(run, program, { happened: () => refused, expectNone }, startAndWorkMs);
  await program.begun;
  return { client, release: (file) => gates[file - 1]?.open(), listening: () => listens };
}

/** A promise that is held until it is opened. */
function gate(): { opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Lets such a server answer what a client has sent; `begun` is called when the headers are out. */
async function answerWith(
  { handle }: Server,
  { request, body, response, send, end }: Call,
  begun: () => void,
): Promise<void> {
  const { method = 'GET', url, headers } = request;
  const answer = await handle(
    new Request(`http://${headers.host}${url}`, {
      method,
      headers: headers as Record<string, string>,
      ...(body && { body }),
    }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).flushHeaders();
  begun();
  for await (const bytes of answer.body ?? []) await send(bytes);
  end();
}
