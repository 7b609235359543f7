// Asks each client in the way of its own revision, and refuses an answer that is wrong.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  McpServer,
  PROTOCOL_VERSION_META_KEY,
  type CallToolResult,
  type ElicitRequestFormParams,
  type ElicitResult,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import { endpoint } from '#support/endpoint.ts';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const wishes = z.object({
  signature: z.string().min(1),
  count: z.int().min(1).max(documents.length).default(documents.length),
  stamp: z.enum(['draft', 'final']).default('draft'),
  copies: z.boolean().default(false),
});
const form: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    signature: { type: 'string', title: 'Signature', minLength: 1 },
    count: { type: 'integer', minimum: 1, maximum: documents.length, default: documents.length },
    stamp: {
      type: 'string',
      oneOf: [
        { const: 'draft', title: 'A draft' },
        { const: 'final', title: 'The final text' },
      ],
      default: 'draft',
    },
    copies: { type: 'boolean', default: false },
  },
  required: ['signature'],
};
const params = { message: 'How shall I process them?', requestedSchema: form };
const key = randomBytes(32);

/** Names and seal; the seal also covers the message of the call. */
function sealed(message: string, names: string[]): string {
  const body = names.join('\n');
  const digest = createHash('sha256').update(message).digest('hex');
  return `${createHmac('sha256', key).update(`${digest}\n${body}`).digest('hex')}\n${body}`;
}

function opened(state: string, message: string): string[] {
  const names = state.split('\n').slice(1);
  const [mine, theirs] = [sealed(message, names), state].map((each) => Buffer.from(each)) as [Buffer, Buffer];
  if (mine.length !== theirs.length || !timingSafeEqual(mine, theirs)) throw new Error('not my state');
  return names;
}

const says = (text: string, isError = false): CallToolResult => ({
  content: [{ type: 'text', text }],
  ...(isError && { isError }),
});

async function processFiles(
  { message }: { message: string },
  { mcpReq }: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  const envelope = mcpReq.envelope as Record<string, unknown> | undefined;
  const isNew = envelope?.[PROTOCOL_VERSION_META_KEY] !== undefined;
  let names: string[];
  let answer: ElicitResult | undefined;
  if (isNew) {
    const state = mcpReq.requestState<string>();
    try {
      names = state === undefined ? await search(mcpReq) : opened(state, message);
    } catch (error) {
      return says((error as Error).message, true);
    }
    answer = mcpReq.inputResponses?.['how'] as ElicitResult | undefined;
    if (!answer || !['accept', 'decline', 'cancel'].includes(answer.action)) {
      return {
        resultType: 'input_required',
        inputRequests: { how: { method: 'elicitation/create', params } },
        requestState: sealed(message, names),
      };
    }
  } else {
    names = await search(mcpReq);
    answer = await mcpReq.elicitInput(params, { relatedRequestId: mcpReq.id });
  }
  if (answer.action === 'decline') return says(`Declined: ${message}`, true);
  if (answer.action === 'cancel') return says(`Cancelled: ${message}`, true);
  const { success, data, error } = wishes.safeParse(answer.content);
  if (!success) return says(error.message, true);
  const { signature, count, stamp, copies } = data;
  for (let i = 0; i < count; i++) {
    await mcpReq.log('info', `Processing file ${i + 1}/${count}...`);
    await work(names[i]!, { signal: mcpReq.signal });
  }
  const how = `${count} documents, ${stamp}, ${copies ? 'with' : 'without'} copies, signed by ${signature}`;
  return says(`Done: ${message} (${how})`);
}

async function search({ signal }: ServerContext['mcpReq']): Promise<string[]> {
  await work('the search', { signal });
  return documents.map(({ name }) => name);
}

listen(
  endpoint(() => {
    const server = new McpServer({ name: 'each', version: '1.0.0' }, { capabilities: { logging: {} } });
    const inputSchema = z.object({ message: z.string() });
    server.registerTool('process_files', { description: 'Processes the documents', inputSchema }, processFiles);
    return server;
  }).app,
);
