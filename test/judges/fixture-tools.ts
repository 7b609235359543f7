// The tools that the conformance suite asks for. They enter a learner's server as any other tool does: MORE_TOOLS.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool, ToolResult } from '../../lessons/support/tools.ts';

const nothing = z.object({});
const text = (text: string) => ({ type: 'text', text });
/** A picture of one red pixel, and a tenth of a second of silence at 80 samples a second. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const wav = 'UklGRiwAAABXQVZFZm10IBAAAAABAAEAUAAAAFAAAAABAAgAZGF0YQgAAACAgICAgICAgA==';
const image = { type: 'image', data: png, mimeType: 'image/png' };
const resource = (uri: string, mimeType: string, text: string) => ({
  type: 'resource',
  resource: { uri, mimeType, text },
});

const tool = (name: string, run: Tool['run']): Tool => ({
  name,
  description: `${name}, as the conformance suite has it`,
  input: nothing,
  run,
});
const answering =
  (...content: ToolResult['content']) =>
  async () => ({ content });

export const tools: Tool[] = [
  tool('test_simple_text', answering(text('This is a simple text response for testing.'))),
  tool('test_image_content', answering(image)),
  tool('test_audio_content', answering({ type: 'audio', data: wav, mimeType: 'audio/wav' } as { type: string })),
  tool(
    'test_embedded_resource',
    answering(resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  ),
  tool(
    'test_multiple_content_types',
    answering(
      text('Multiple content types test:'),
      image,
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ),
  ),
  tool('test_tool_with_logging', async (_args, context) => {
    context.log('info', 'Tool execution started');
    await sleep(50);
    context.log('info', 'Tool processing data');
    await sleep(50);
    context.log('info', 'Tool execution completed');
    return { content: [text('Tool with logging executed successfully')] };
  }),
  tool('test_tool_with_progress', async (_args, context) => {
    context.progress?.(0, 100);
    await sleep(50);
    context.progress?.(50, 100);
    await sleep(50);
    context.progress?.(100, 100);
    return { content: [text('Tool with progress executed successfully')] };
  }),
  tool('test_reconnection', async (_args, context) => {
    context.closeConnection?.();
    await sleep(100);
    return { content: [text('Reconnection test completed successfully')] };
  }),
  tool('test_error_handling', async () => {
    throw new Error('This tool intentionally returns an error for testing');
  }),
];
