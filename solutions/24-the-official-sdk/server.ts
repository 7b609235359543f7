import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  McpServer,
  type CallToolResult,
  type LoggingLevel,
  type ServerContext,
} from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { listen, onlyThisMachine } from '#support/mcp-http.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, { log, progress, signal }) {
    const total = documents.length;
    for (const [i, { name }] of documents.entries()) {
      log('info', `Processing file ${i + 1}/${total}...`, 'process_files');
      progress?.(i, total, name);
      await work(name, { signal });
    }
    progress?.(total, total, 'done');
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** Makes the server that answers one request. The next request gets a server of its own. */
function makeServer(): McpServer {
  // #region task 1: say that the server logs
  // starter: const server = new McpServer({ name: 'chunk-by-chunk', version: '1.0.0' });
  const server = new McpServer({ name: 'chunk-by-chunk', version: '1.0.0' }, { capabilities: { logging: {} } });
  // #endregion
  for (const { name, description, input, run } of [processFiles as Tool, ...moreTools]) {
    // #region task 1: register the tool
    server.registerTool(name, { description, inputSchema: input }, async (args, request) => {
      return (await run(args, contextOf(request))) as CallToolResult;
    });
    // #endregion
  }
  return server;
}

/** What a tool of this workshop may do while it is at work, done with the SDK. */
function contextOf({ mcpReq }: ServerContext): Context {
  const progressToken = mcpReq._meta?.progressToken;
  return {
    log(level, data, logger) {
      // #region task 1: send a log message
      mcpReq.log(level as LoggingLevel, data, logger).catch(() => {});
      // #endregion
    },
    progress(progress, total, message) {
      // #region task 1: send a report of progress, if the call has a token
      if (progressToken === undefined) return;
      const params = { progressToken, progress, total, message };
      mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
      // #endregion
    },
    // #region task 1: hand on the signal
    signal: mcpReq.signal,
    // #endregion
  };
}

const app = express();
app.use('/mcp', onlyThisMachine);
// #region task 1: answer each request to /mcp
// starter: app.all('/mcp', (_request, response) => void response.status(501).end());
app.all('/mcp', toNodeHandler(createMcpHandler(makeServer)));
// #endregion

listen(app);
