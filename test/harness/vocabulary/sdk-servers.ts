// Servers made with the official SDKs, to grade clients with: each has the tool process_files, whose work the grader holds.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Call } from '../wire/grader-server.ts';

type Server = {
  handle(request: Request): Promise<Response>;
  close(): Promise<void>;
};

/** The work on a file, counted from 1: it takes until the grader lets it go. */
export type HeldWork = (file: number) => Promise<void>;

const info = { name: 'official', version: '1.0.0' };
const tool = { description: 'Processes three files', inputSchema: z.object({ message: z.string() }) };
const files = [1, 2, 3];
const processing = (file: number) => `Processing file ${file}/${files.length}...`;

/** `@modelcontextprotocol/sdk`, with a session. */
export async function sdkOfTheFirstGeneration(work: HeldWork): Promise<Server> {
  const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const { WebStandardStreamableHTTPServerTransport } =
    await import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js');
  const server = new McpServer(info, { capabilities: { logging: {} } });
  server.registerTool('process_files', tool, async ({ message }, { sendNotification }) => {
    for (const file of files) {
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data: processing(file) } });
      await work(file);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  return { handle: (request) => transport.handleRequest(request), close: () => server.close() };
}

/** `@modelcontextprotocol/server`, with a session. */
export async function sdkOfTheSecondGeneration(work: HeldWork): Promise<Server> {
  const { McpServer, WebStandardStreamableHTTPServerTransport } = await import('@modelcontextprotocol/server');
  const server = new McpServer(info, { capabilities: { logging: {} } });
  server.registerTool('process_files', tool, async ({ message }, { mcpReq }) => {
    for (const file of files) {
      await mcpReq.log('info', processing(file));
      await work(file);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  return { handle: (request) => transport.handleRequest(request), close: () => server.close() };
}

/** Lets such a server answer what a client has sent. */
export async function answerWith({ handle }: Server, { request, body, response, send, end }: Call): Promise<void> {
  const { method = 'GET', url, headers } = request;
  const answer = await handle(
    new Request(`http://${headers.host}${url}`, {
      method,
      headers: headers as Record<string, string>,
      ...(body && { body }),
    }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).flushHeaders();
  for await (const bytes of answer.body ?? []) await send(bytes);
  end();
}
