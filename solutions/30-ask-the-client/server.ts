import { randomBytes } from 'node:crypto';
import {
  acceptedContent,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  McpServer,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { endpoint } from '#support/endpoint.ts';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

/** What the user is asked before any document is processed. */
const wishes = z.object({
  signature: z.string().min(1).describe('who signs the documents'),
  count: z.int().min(1).max(documents.length).default(documents.length).describe('how many of the documents'),
  stamp: z.enum(['draft', 'final']).default('draft').describe('what is stamped on each page'),
  copies: z.boolean().default(false).describe('whether copies are made'),
});

/** What the first round has found out, and for which call. */
type Found = { message: string; names: string[] };

// #region task 2: seal what the server must know when the client calls again
const states = createRequestStateCodec<Found>({ key: process.env.STATE_KEY ?? randomBytes(32) });
// #endregion

/** Makes a server: for one request, or for the session of an older client. */
function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'chunk-by-chunk', version: '1.0.0' },
    // #region task 2: look at each state that a client brings back
    // starter: { capabilities: { logging: {} } },
    { capabilities: { logging: {} }, requestState: { verify: states.verify } },
    // #endregion
  );
  const inputSchema = z.object({ message: z.string().describe('what to say when all is done') });
  server.registerTool(
    'process_files',
    { description: 'Processes the documents, as the user wants it', inputSchema },
    processFiles,
  );
  return server;
}

type Result = CallToolResult | InputRequiredResult;

async function processFiles({ message }: { message: string }, { mcpReq }: ServerContext): Promise<Result> {
  // #region task 2: search only if the client brings nothing back
  // starter: const names = await search(mcpReq);
  const found = mcpReq.requestState<Found>();
  if (found && found.message !== message) throw new Error('this requestState belongs to a different call');
  const names = found?.names ?? (await search(mcpReq));
  // #endregion

  // #region task 1: look at the answer of the user, and ask if it is missing or wrong
  // starter: const wanted = wishes.parse({ signature: 'nobody' });
  const answer = inputResponse(mcpReq.inputResponses, 'wishes');
  if (answer.kind === 'elicit' && answer.action === 'decline') return text(`Declined: ${message}`);
  if (answer.kind === 'elicit' && answer.action === 'cancel') return text(`Cancelled: ${message}`);
  const wanted = acceptedContent(mcpReq.inputResponses, 'wishes', wishes);
  if (!wanted) return question(message, names);
  // #endregion

  const { signature, count, stamp, copies } = wanted;
  for (const [i, name] of names.slice(0, count).entries()) {
    await mcpReq.log('info', `Processing file ${i + 1}/${count}...`, 'process_files');
    await work(name, { signal: mcpReq.signal });
  }
  return text(
    `Done: ${message} (${count} documents, ${stamp}, ${copies ? 'with' : 'without'} copies, signed by ${signature})`,
  );
}

/** Looks for documents, which takes a while. Returns their names. */
async function search({ log, signal }: ServerContext['mcpReq']): Promise<string[]> {
  await log('info', 'Looking for documents...', 'process_files');
  await work('the search', { signal });
  return documents.map(({ name }) => name);
}

/** What the tool returns to ask the user. The SDK sends it in the way of each revision. */
async function question(message: string, names: string[]): Promise<InputRequiredResult> {
  const text = `There are ${names.length} documents. How are they processed?`;
  return inputRequired({
    // #region task 1: ask for the wishes
    // starter: inputRequests: {},
    inputRequests: { wishes: inputRequired.elicit({ message: text, requestedSchema: wishes }) },
    // #endregion
    // #region task 2: give the client what it must bring back
    requestState: await states.mint({ message, names }),
    // #endregion
  });
}

function text(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

listen(endpoint(makeServer).app);
