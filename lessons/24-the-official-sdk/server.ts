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
  // TODO task 1: say that the server logs, and register the tools
  return new McpServer({ name: 'chunk-by-chunk', version: '1.0.0' });
}

/** What a tool of this workshop may do while it is at work, done with the SDK. */
function contextOf({ mcpReq }: ServerContext): Context {
  // TODO task 1: send log messages and reports of progress, and hand on the signal
  return { log() {} };
}

const app = express();
app.use('/mcp', onlyThisMachine);
// TODO task 1: answer each request to /mcp
app.all('/mcp', (_request, response) => void response.status(501).end());

listen(app);
