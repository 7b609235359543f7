// The resources, prompts and tools that the conformance suite asks a server of the official SDK for, beside those of
// fixture-tools.ts. They enter the server through MORE_OFFERS.
import {
  completable,
  fromJsonSchema,
  inputRequired,
  ResourceTemplate,
  type CallToolResult,
  type LoggingLevel,
  type McpServer,
  type ServerNotifier,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { png, tools } from './fixture-tools.ts';

export function offer(server: McpServer, notify: ServerNotifier): void {
  server.server.registerCapabilities({ logging: {} });
  offerResources(server);
  offerPrompts(server);
  offerTools(server, notify);
}

function offerResources(server: McpServer): void {
  const text = { mimeType: 'text/plain', description: 'as the conformance suite has it' };
  const reading =
    (text: string) =>
    async ({ href: uri }: URL) => ({
      contents: [{ uri, mimeType: 'text/plain', text }],
    });
  server.registerResource(
    'static-text',
    'test://static-text',
    text,
    reading('This is the content of the static text.'),
  );
  server.registerResource('watched-resource', 'test://watched-resource', text, reading('Watched content'));
  const picture = { mimeType: 'image/png', description: 'a picture of one red pixel' };
  server.registerResource('static-binary', 'test://static-binary', picture, async ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: png }],
  }));
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { mimeType: 'application/json' }, async ({ href: uri }, { id }) => ({
    contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id, data: `Data for ID: ${String(id)}` }) }],
  }));
}

function offerPrompts(server: McpServer): void {
  const saying = (text: string) => ({ role: 'user' as const, content: { type: 'text' as const, text } });
  server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments' }, async () => ({
    messages: [saying('This is a simple prompt for testing.')],
  }));
  const two = z.object({ arg1: completable(z.string(), () => ['paris', 'park', 'party']), arg2: z.string() });
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'A prompt with two arguments', argsSchema: two },
    async ({ arg1, arg2 }) => ({ messages: [saying(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'A prompt with a resource', argsSchema: z.object({ resourceUri: z.string() }) },
    async ({ resourceUri: uri }) => ({
      messages: [
        { role: 'user', content: { type: 'resource', resource: { uri, mimeType: 'text/plain', text: 'Embedded.' } } },
        saying('Please process the embedded resource above.'),
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with a picture' }, async () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: png, mimeType: 'image/png' } },
      saying('Please analyze the image above.'),
    ],
  }));
}

function offerTools(server: McpServer, notify: ServerNotifier): void {
  for (const { name, description, input, run } of tools) {
    server.registerTool(name, { description, inputSchema: input }, async (args, { mcpReq, http }) => {
      const progressToken = mcpReq._meta?.progressToken;
      const result = await run(args, {
        log: (level, data, logger) => void mcpReq.log(level as LoggingLevel, data, logger),
        progress(progress, total, message) {
          if (progressToken === undefined) return;
          const params = { progressToken, progress, total, message };
          void mcpReq.notify({ method: 'notifications/progress', params });
        },
        closeConnection: () => http?.closeSSE?.(),
      });
      return result as CallToolResult;
    });
  }
  const done: CallToolResult = { content: [{ type: 'text', text: 'done' }] };
  const tool = (name: string, run: () => void = () => {}) =>
    server.registerTool(name, { description: 'as the conformance suite has it' }, async () => {
      run();
      return done;
    });
  tool('test_streaming_elicitation');
  server.registerTool('test_logging_tool', { description: 'Logs at the most severe level' }, async ({ mcpReq }) => {
    await mcpReq.log('emergency', 'nothing works');
    return done;
  });
  server.registerTool('test_missing_capability', { description: 'Asks the model of the client' }, async () => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Say pong' } }];
    return inputRequired({ inputRequests: { pong: inputRequired.createMessage({ messages, maxTokens: 16 }) } });
  });
  tool('test_trigger_tool_change', () => notify.toolsChanged());
  tool('test_trigger_prompt_change', () => notify.promptsChanged());
  const schemas = { test_x_mcp_header: withHeader, json_schema_2020_12_tool: withKeywords };
  for (const [name, schema] of Object.entries(schemas)) {
    const inputSchema = fromJsonSchema<Record<string, unknown>>(schema);
    server.registerTool(name, { description: 'as the conformance suite has it', inputSchema }, async (args) => ({
      content: [{ type: 'text', text: JSON.stringify(args) }],
    }));
  }
}

const withHeader = {
  type: 'object',
  properties: {
    region: { type: 'string', description: 'also in the header Mcp-Param-Region', 'x-mcp-header': 'Region' },
    level: { type: 'integer' },
  },
};

const withKeywords = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};
