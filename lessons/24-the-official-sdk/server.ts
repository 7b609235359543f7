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
  // TODO task 1: say that the server logs
  const server = new McpServer({ name: 'chunk-by-chunk', version: '1.0.0' });
  for (const { name, description, input, run } of [processFiles as Tool, ...moreTools]) {
    // TODO task 1: register the tool
  }
  return server;
}

/** What a tool of this workshop may do while it is at work, done with the SDK. */
function contextOf({ mcpReq }: ServerContext): Context {
  const progressToken = mcpReq._meta?.progressToken;
  return {
    log(level, data, logger) {
      // TODO task 1: send a log message
    },
    progress(progress, total, message) {
      // TODO task 1: send a report of progress, if the call has a token
    },
    // TODO task 1: hand on the signal
  };
}

const app = express();
app.use('/mcp', onlyThisMachine);
// TODO task 1: answer each request to /mcp
app.all('/mcp', (_request, response) => void response.status(501).end());

listen(app);
