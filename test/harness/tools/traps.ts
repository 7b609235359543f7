// Tools that the grader of lesson 25 brings along: they log, report, take time, and say something after their result.
import { z } from 'zod';
import type { Tool, ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

const saying = (text: string): ToolResult => ({ content: [{ type: 'text', text }] });

const message = z.object({ level: z.string(), data: z.unknown(), logger: z.string().optional() });
const report = z.object({ progress: z.number(), total: z.number().optional(), message: z.string().optional() });
const speakInput = z.object({ messages: z.array(message), reports: z.array(report), text: z.string() });

const speak: Tool<typeof speakInput> = {
  name: 'speak',
  description: 'Logs these messages, makes these reports, works, and says this text',
  input: speakInput,
  async run({ messages, reports, text }, context) {
    for (const { level, data, logger } of messages) context.log(level, data, logger);
    for (const { progress, total, message } of reports) context.progress?.(progress, total, message);
    await work('what comes after the messages', context.signal && { signal: context.signal });
    return saying(text);
  },
};

const shortInput = z.object({ text: z.string() });

const short: Tool<typeof shortInput> = {
  name: 'short',
  description: 'Does one piece of work, and says this text',
  input: shortInput,
  async run({ text }, { signal }) {
    await work('the short work', signal && { signal });
    return saying(text);
  },
};

const afterwardsInput = z.object({ text: z.string(), logs: z.boolean() });

const afterwards: Tool<typeof afterwardsInput> = {
  name: 'afterwards',
  description: 'Says this text, and logs or reports something after that',
  input: afterwardsInput,
  async run({ text, logs }, context) {
    void work('what comes after the result').then(() => {
      if (logs) context.log('error', 'after the result');
      else context.progress?.(1, 1, 'after the result');
    });
    return saying(text);
  },
};

export const tools: Tool[] = [speak, short, afterwards];
