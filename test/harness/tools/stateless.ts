// Tools that the grader of lesson 21 brings along; the words in them are drawn by the grader.
import { z } from 'zod';
import { toHeader } from '#support/stateless.ts';
import type { Tool, ToolResult } from '#support/tools.ts';

const [name = '', text = ''] = (process.env.TOOL_WORDS ?? '').split(' ');

const tool = (name: string, run: Tool['run'], requires?: Tool['requires']): Tool => ({
  name,
  description: `Says ${text}`,
  input: z.object({}),
  ...(requires && { requires }),
  run,
});
const says = async () => ({ content: [{ type: 'text', text }] });

/** What a tool may return beside its content. */
const complaint = {
  content: [{ type: 'text', text }],
  isError: true,
  structuredContent: { [text]: [null, 0.5, false, ''] },
  _meta: { 'grader/word': text },
} as ToolResult;

export const tools: Tool[] = [
  tool(`größe 世界 ${name}`, says),
  tool(`ask_${name}`, says, { sampling: {}, elicitation: {} }),
  tool(`complain_${name}`, async () => complaint),
  tool(`fail_${name}`, async () => {
    throw new Error(`no ${text} today`);
  }),
  tool(toHeader(`ß ${name}`), says),
];
