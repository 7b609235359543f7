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
      // TODO task 1: send this message on the stream of the call
      await server.sendLoggingMessage({ level: 'notice', data: `${name} is done`, logger: name });
      return result as CallToolResult;
    });
  }
  return server;
}

/** What a tool may do during a call, done with the SDK. */
function contextOf({ mcpReq }: ServerContext): Context {
  return {
    log(level, data, logger) {
      // TODO task 1: mind the level of the client, and the tool that logs after its result
      void mcpReq.notify({
        method: 'notifications/message',
        params: { level: level as LoggingLevel, data, logger },
      });
    },
    progress(progress, total, message) {
      // TODO task 1: report only to a client that has asked for it, and only before the result
      const progressToken = mcpReq._meta?.progressToken ?? 0;
      void mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } });
    },
    signal: mcpReq.signal,
  };
}

/** The SDK rejects a notification when the result of its call has been sent. */
function tooLate(error: Error): void {
  console.log(`a tool has said something after its result (${error.message})`);
}

// TODO task 1: make a server for each request, and let answers be streams
const server = makeServer();
const handle = toNodeHandler(createMcpHandler(() => server, { responseMode: 'json' }));

/** The clients of revision 2025-11-25 and before, by their session ids. */
const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

/** Answers a request of the revisions that have sessions. */
async function handleSession(request: Request, response: Response): Promise<void> {
  // TODO task 2: find the transport of this session, or begin a session
  refuse(response, 501, -32603, 'not written yet');
}

// TODO task 2: keep the transport in sessions, from the handshake to the DELETE
async function beginSession(): Promise<NodeStreamableHTTPServerTransport> {
  const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await makeServer().connect(transport);
  return transport;
}

const app = express();
app.use('/mcp', onlyThisMachine, express.json({ strict: false, limit: '1mb' }));

app.all('/mcp', async (request, response) => {
  // TODO task 2: give a request of an old client to handleSession
  await handle(request, response, request.body);
});

app.use('/mcp', answerError);

listen(app);
