// All that the conformance suite asks a server for: the offers of offers.ts, tools that ask the client, and sessions whose
// streams can be resumed. The server seals its requestState with the key in STATE_KEY, and so do these tools.
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  type CallToolResult,
  type ClientCapabilities,
  type ElicitRequestFormParams,
  type EventStore,
  type InputRequests,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
  type ServerNotifier,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { offer as offerTheRest } from './offers.ts';

type Result = CallToolResult | InputRequiredResult;
type Form = ElicitRequestFormParams['requestedSchema'];

const states = createRequestStateCodec<{ round: number }>({ key: process.env.STATE_KEY! });
const text = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
const form = (properties: Form['properties']): Form => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const asks = (message: string, properties: Form['properties']) =>
  inputRequired.elicit({ message, requestedSchema: form(properties) });
const asksModel = (text: string) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 });

const asksName = asks('What is your name?', { name: { type: 'string' } });
const asksOk = asks('Please confirm', { ok: { type: 'boolean' } });
const nameIn = z.object({ name: z.string() });

export function offer(server: McpServer, notify: ServerNotifier): void {
  offerTheRest(server, notify);
  server.server.registerCapabilities({ resources: { subscribe: true } });
  server.server.setRequestHandler('resources/subscribe', async () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', async () => ({}));

  const tool = (name: string, run: (request: ServerContext['mcpReq']) => Promise<Result>) =>
    server.registerTool(name, { description: 'as the conformance suite has it' }, (context) => run(context.mcpReq));

  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'prompt');
      if (answer.kind !== 'sampling') return inputRequired({ inputRequests: { prompt: asksModel(prompt) } });
      return text(`LLM response: ${JSON.stringify(answer.result.content)}`);
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'user');
      if (answer.kind === 'elicit') return text(`User response: ${JSON.stringify(answer)}`);
      return inputRequired({ inputRequests: { user: asks(message, { response: { type: 'string' } }) } });
    },
  );
  const asksOnce = (name: string, properties: Form['properties']) =>
    tool(name, async ({ inputResponses }) => {
      const answer = inputResponse(inputResponses, 'user');
      if (answer.kind === 'elicit') {
        return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`);
      }
      const requestedSchema = { ...form(properties), required: [] };
      return inputRequired({
        inputRequests: { user: inputRequired.elicit({ message: 'Please choose', requestedSchema }) },
      });
    });
  asksOnce('test_elicitation_sep1034_defaults', {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  });
  const three = ['1', '2', '3'];
  const plain = three.map((each) => `option${each}`);
  const titled = three.map((each) => ({ const: `value${each}`, title: `Option ${each}` }));
  asksOnce('test_elicitation_sep1330_enums', {
    untitledSingle: { type: 'string', enum: plain },
    titledSingle: { type: 'string', oneOf: titled },
    legacyEnum: {
      type: 'string',
      enum: three.map((each) => `opt${each}`),
      enumNames: three.map((each) => `Option ${each}`),
    },
    untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: plain } },
    titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: titled } },
  });

  tool('test_input_required_result_elicitation', async ({ inputResponses }) => {
    const answer = acceptedContent(inputResponses, 'user_name', nameIn);
    return answer ? text(`Hello, ${answer.name}!`) : inputRequired({ inputRequests: { user_name: asksName } });
  });
  tool('test_input_required_result_sampling', async ({ inputResponses }) => {
    const answer = inputResponse(inputResponses, 'capital_question');
    if (answer.kind === 'sampling') return text(`Sampling response: ${JSON.stringify(answer.result.content)}`);
    return inputRequired({ inputRequests: { capital_question: asksModel('What is the capital of France?') } });
  });
  tool('test_input_required_result_list_roots', async ({ inputResponses }) => {
    const answer = inputResponse(inputResponses, 'client_roots');
    if (answer.kind === 'roots') return text(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`);
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  });
  for (const name of ['request_state', 'tampered_state']) {
    tool(`test_input_required_result_${name}`, async ({ inputResponses, requestState }) => {
      if (requestState() && acceptedContent(inputResponses, 'confirm')) return text(`state-ok, integrity-ok`);
      return inputRequired({ inputRequests: { confirm: asksOk }, requestState: await states.mint({ round: 1 }) });
    });
  }
  tool('test_input_required_result_multiple_inputs', async ({ inputResponses }) => {
    const name = acceptedContent(inputResponses, 'user_name', nameIn);
    const kinds = ['greeting', 'client_roots'].map((key) => inputResponse(inputResponses, key).kind);
    if (name && !kinds.includes('missing')) return text(`Hello, ${name.name}!`);
    return inputRequired({
      inputRequests: {
        user_name: asksName,
        greeting: asksModel('Generate a greeting'),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await states.mint({ round: 1 }),
    });
  });
  tool('test_input_required_result_multi_round', async ({ requestState }) => {
    const round = requestState<{ round: number }>()?.round ?? 0;
    if (round === 2) return text('Multi-round complete');
    const inputRequests: InputRequests =
      round === 0 ? { step1: asksName } : { step2: asks('Which color?', { color: { type: 'string' } }) };
    return inputRequired({ inputRequests, requestState: await states.mint({ round: round + 1 }) });
  });
  tool('test_input_required_result_capabilities', async ({ inputResponses, envelope }) => {
    if (inputResponses) return text('fulfilled');
    const declared = (envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY];
    const { elicitation, sampling, roots } = (declared ?? {}) as ClientCapabilities;
    const inputRequests: InputRequests = {
      ...(elicitation && { user_name: asksName }),
      ...(sampling && { greeting: asksModel('Generate a short greeting') }),
      ...(roots && { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : text('nothing to ask');
  });
  // A prompt without arguments is given the context as its only argument.
  const prompt = async (context: unknown) => {
    const { mcpReq } = context as ServerContext;
    const answer = acceptedContent(mcpReq.inputResponses, 'user_context', z.object({ context: z.string() }));
    if (answer) return { messages: [{ role: 'user', content: { type: 'text', text: answer.context } }] };
    return inputRequired({
      inputRequests: { user_context: asks('Which context?', { context: { type: 'string' } }) },
    });
  };
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks the user' }, prompt as never);
}

/** What the transport of each session is given. */
export const sessionOptions = { eventStore: eventStore(), retryInterval: 500 };

/** Keeps each message of each stream; an id is a stream and a number. */
function eventStore(): EventStore {
  const events: { id: string; streamId: string; message: Parameters<EventStore['storeEvent']>[1] }[] = [];
  return {
    async storeEvent(streamId, message) {
      const id = `${streamId}_${events.length}`;
      events.push({ id, streamId, message });
      return id;
    },
    async replayEventsAfter(lastId, { send }) {
      const last = events.findIndex(({ id }) => id === lastId);
      const { streamId } = events[last]!;
      for (const event of events.slice(last + 1)) {
        // The first event of a stream only has an id.
        const isEmpty = Object.keys(event.message).length === 0;
        if (event.streamId === streamId && !isEmpty) await send(event.id, event.message);
      }
      return streamId;
    },
  };
}
