// Tools that the grader of lesson 9 brings along: they say what they are told to, fail, or say something too late.
import { z } from 'zod';
import type { Tool, ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

const done: ToolResult = { content: [{ type: 'text', text: 'done' }] };

const message = z.object({ level: z.string(), data: z.unknown(), logger: z.string().optional() });
const sayInput = z.object({ messages: z.array(message) });

const say: Tool<typeof sayInput> = {
  name: 'say',
  description: 'Logs these messages, in this order',
  input: sayInput,
  async run({ messages }, context) {
    for (const { level, data, logger } of messages) context.log(level, data, logger);
    return done;
  },
};

const reasonInput = z.object({ reason: z.string() });

const failMidway: Tool<typeof reasonInput> = {
  name: 'fail_midway',
  description: 'Logs the reason, works, and throws it',
  input: reasonInput,
  async run({ reason }, context) {
    context.log('warning', reason);
    await work('what will fail');
    throw new Error(reason);
  },
};

const forgetToWait: Tool = {
  name: 'forget_to_wait',
  description: 'Returns at once, while a part of it that nobody waits for goes on logging',
  input: z.object({}),
  async run(_args, context) {
    void (async () => {
      for (let turn = 1; turn <= 100; turn++) {
        await undefined;
        context.log('error', `too late, turn ${turn}`);
      }
      await work('what nobody waits for');
      context.log('error', 'much too late');
    })();
    return done;
  },
};

export const tools = [say, failMidway, forgetToWait];
