// The same in classes, with the Request and Response of the web, and an own look at the level of revision 2026-07-28.
import { randomUUID } from 'node:crypto';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
  type CallToolResult,
  type LoggingLevel,
  type ServerContext,
} from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

class CallContext implements Context {
  readonly signal: AbortSignal;
  #request: ServerContext['mcpReq'];

  constructor({ mcpReq }: ServerContext) {
    this.#request = mcpReq;
    this.signal = mcpReq.signal;
  }

  log = async (level: string, data: unknown, logger?: string): Promise<void> => {
    try {
      await this.#request.log(level as LoggingLevel, data, logger);
    } catch {
      // The call is over.
    }
  };

  progress = async (progress: number, total?: number, message?: string): Promise<void> => {
    const { progressToken } = this.#request._meta ?? {};
    if (progressToken === undefined) return;
    try {
      await this.#request.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, ...(total !== undefined && { total }), ...(message && { message }) },
      });
    } catch {
      // The call is over.
    }
  };
}

class Sessions {
  #transports = new Map<string, WebStandardStreamableHTTPServerTransport>();

  async fetch(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    const body: unknown = request.method === 'POST' ? await request.clone().json() : undefined;
    const begins = (body as { method?: unknown } | undefined)?.method === 'initialize';
    const transport = begins ? await this.#begin() : this.#transports.get(id ?? '');
    if (transport) return transport.handleRequest(request);
    return Response.json(
      { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'no session' } },
      { status: id === null ? 400 : 404 },
    );
  }

  async #begin(): Promise<WebStandardStreamableHTTPServerTransport> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => `session-${randomUUID()}`,
      onsessioninitialized: (id) => void this.#transports.set(id, transport),
    });
    transport.onclose = () => this.#transports.delete(transport.sessionId ?? '');
    await new Workshop().server.connect(transport);
    return transport;
  }
}

class Workshop {
  readonly server = new McpServer({ name: 'classes', version: '1.0.0' }, { capabilities: { logging: {}, tools: {} } });

  constructor() {
    this.server.registerTool(
      'process_files',
      { inputSchema: z.object({ message: z.string() }) },
      async ({ message }, context) => {
        const { log, progress, signal } = new CallContext(context);
        for (const [i, { name }] of documents.entries()) {
          await log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
          await work(name, { signal });
          await progress(i + 1, documents.length);
        }
        await log('notice', 'process_files is done', 'process_files');
        return { content: [{ type: 'text', text: `Done: ${message}` }] };
      },
    );
    for (const tool of moreTools) this.#add(tool);
  }

  #add({ name, description, input, run }: Tool): void {
    this.server.registerTool(name, { description, inputSchema: input }, async (args, context) => {
      const own = new CallContext(context);
      const result = (await run(args, own)) as CallToolResult;
      await own.log('notice', `${name} is done`, name);
      return result;
    });
  }
}

const sessions = new Sessions();
const modern = createMcpHandler(() => new Workshop().server, { legacy: 'reject' });
const both = {
  fetch: async (request: Request) =>
    (await isLegacyRequest(request)) ? sessions.fetch(request) : modern.fetch(request),
};

const app = express();
app.all('/mcp', toNodeHandler(both));
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
