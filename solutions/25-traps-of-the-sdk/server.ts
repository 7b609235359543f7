import { randomUUID } from 'node:crypto';
import { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  McpServer,
  type CallToolResult,
  type LoggingLevel,
  type ServerContext,
} from '@modelcontextprotocol/server';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { answerError, listen, onlyThisMachine, refuse } from '#support/mcp-http.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name, { signal: context.signal! });
      context.progress!(i + 1, documents.length);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** Makes a server with all tools. It is for one request, or for one session. */
function makeServer(): McpServer {
  const server = new McpServer({ name: 'chunk-by-chunk', version: '1.0.0' }, { capabilities: { logging: {} } });
  for (const { name, description, input, run } of [processFiles, ...moreTools] as Tool[]) {
    server.registerTool(name, { description, inputSchema: input }, async (args, context) => {
      const result = await run(args, contextOf(context));
      // #region task 1: send this message on the stream of the call
      // starter: await server.sendLoggingMessage({ level: 'notice', data: `${name} is done`, logger: name });
      await context.mcpReq.log('notice', `${name} is done`, name);
      // #endregion
      return result as CallToolResult;
    });
  }
  return server;
}

/** What a tool may do during a call, done with the SDK. */
function contextOf({ mcpReq }: ServerContext): Context {
  return {
    log(level, data, logger) {
      // #region task 1: mind the level of the client, and the tool that logs after its result
      // starter: void mcpReq.notify({
      // starter:   method: 'notifications/message',
      // starter:   params: { level: level as LoggingLevel, data, logger },
      // starter: });
      mcpReq.log(level as LoggingLevel, data, logger).catch(tooLate);
      // #endregion
    },
    progress(progress, total, message) {
      // #region task 1: report only to a client that has asked for it, and only before the result
      // starter: const progressToken = mcpReq._meta?.progressToken ?? 0;
      // starter: void mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } });
      const progressToken = mcpReq._meta?.progressToken;
      if (progressToken === undefined) return;
      mcpReq
        .notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } })
        .catch(tooLate);
      // #endregion
    },
    signal: mcpReq.signal,
  };
}

/** The SDK rejects a notification when the result of its call has been sent. */
function tooLate(error: Error): void {
  console.log(`a tool has said something after its result (${error.message})`);
}

// #region task 1: make a server for each request, and let answers be streams
// starter: const server = makeServer();
// starter: const handle = toNodeHandler(createMcpHandler(() => server, { responseMode: 'json' }));
const handle = toNodeHandler(createMcpHandler(makeServer));
// #endregion

/** The clients of revision 2025-11-25 and before, by their session ids. */
const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

/** Answers a request of the revisions that have sessions. */
async function handleSession(request: Request, response: Response): Promise<void> {
  // #region task 2: find the transport of this session, or begin a session
  // starter: refuse(response, 501, -32603, 'not written yet');
  const id = request.get('MCP-Session-Id');
  const transport = isInitializeRequest(request.body) ? await beginSession() : sessions.get(id ?? '');
  if (transport) await transport.handleRequest(request, response, request.body);
  else if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else refuse(response, 404, -32600, 'there is no such session');
  // #endregion
}

// #region task 2: keep the transport in sessions, from the handshake to the DELETE
// starter: async function beginSession(): Promise<NodeStreamableHTTPServerTransport> {
// starter:   const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
// starter:   await makeServer().connect(transport);
// starter:   return transport;
// starter: }
async function beginSession(): Promise<NodeStreamableHTTPServerTransport> {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await makeServer().connect(transport);
  return transport;
}
// #endregion

const app = express();
app.use('/mcp', onlyThisMachine, express.json({ strict: false, limit: '1mb' }));

app.all('/mcp', async (request, response) => {
  // #region task 2: give a request of an old client to handleSession
  const asked = await toWebRequest(request, request.body);
  if (await isLegacyRequest(asked)) return handleSession(request, response);
  // #endregion
  await handle(request, response, request.body);
});

app.use('/mcp', answerError);

listen(app);
