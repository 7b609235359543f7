// Keeps what it has found in its memory. The requestState is only a number that nobody can guess, and is good for one time.
import { randomUUID } from 'node:crypto';
import {
  acceptedContent,
  inputRequired,
  inputResponse,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { endpoint } from '#support/endpoint.ts';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

type Open = { message: string; names: string[] };
const open = new Map<string, Open>();

function take(state: string): Open {
  const found = open.get(state);
  if (!found) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'unknown state');
  open.delete(state);
  return found;
}

const wishes = z.object({
  signature: z.string().min(1).describe('signed by'),
  count: z.number().int().min(1).max(documents.length).default(documents.length),
  stamp: z.enum(['draft', 'final']).default('draft'),
  copies: z.boolean().default(false),
});

const result = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });

function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'memory', version: '1.0.0' },
    { capabilities: { logging: {} }, requestState: { verify: take }, inputRequired: { maxRounds: 3 } },
  );
  server.registerTool(
    'process_files',
    { description: 'Processes the documents', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) => {
      let found = mcpReq.requestState<Open>();
      // Somebody else's state is no state: the user is asked.
      const isOwn = found?.message === message;
      if (!found || !isOwn) {
        await work('looking', { signal: mcpReq.signal });
        found = { message, names: documents.map(({ name }) => name) };
      }
      const answer = inputResponse(mcpReq.inputResponses, 'the wishes');
      const wanted = acceptedContent(mcpReq.inputResponses, 'the wishes', wishes);
      if (isOwn && answer.kind === 'elicit' && answer.action === 'decline') return result(`Declined: ${message}`);
      if (isOwn && answer.kind === 'elicit' && answer.action === 'cancel') return result(`Cancelled: ${message}`);
      if (!isOwn || !wanted) {
        const requestState = randomUUID();
        open.set(requestState, found);
        const question = inputRequired.elicit({ message: 'How?', requestedSchema: wishes });
        return inputRequired({ inputRequests: { 'the wishes': question }, requestState });
      }
      let at = 0;
      for (const name of found.names.slice(0, wanted.count)) {
        await mcpReq.log('info', `Processing file ${++at}/${wanted.count}...`, 'process_files');
        await work(name, { signal: mcpReq.signal });
      }
      const copies = wanted.copies ? 'with copies' : 'without copies';
      return result(
        `Done: ${message} (${wanted.count} documents, ${wanted.stamp}, ${copies}, signed by ${wanted.signature})`,
      );
    },
  );
  return server;
}

listen(endpoint(makeServer).app);
