// Tools that the grader of lesson 14 brings along: they stop late, or not at all, when their call is cancelled.
import { z } from 'zod';
import type { Tool, ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

const saying = (text: string): ToolResult => ({ content: [{ type: 'text', text }] });

const shortInput = z.object({ text: z.string() });

const short: Tool<typeof shortInput> = {
  name: 'short',
  description: 'Does one piece of work, and says this text',
  input: shortInput,
  async run({ text }, { signal }) {
    await work(signal ? 'the short work' : 'the short work, without a signal', { signal });
    return saying(text);
  },
};

const tidyInput = z.object({ text: z.string() });

const tidy: Tool<typeof tidyInput> = {
  name: 'tidy',
  description: 'Works until it is stopped, and tidies up before it throws',
  input: tidyInput,
  async run({ text }, { signal }) {
    try {
      await work('what can be stopped', { signal });
    } catch (error) {
      await work('tidying up');
      throw error;
    }
    return saying(text);
  },
};

const stubbornInput = z.object({ text: z.string(), fails: z.boolean() });

const stubborn: Tool<typeof stubbornInput> = {
  name: 'stubborn',
  description: 'Does not look at its signal, and says this text, in a result or in an error',
  input: stubbornInput,
  async run({ text, fails }, context) {
    await work('what cannot be stopped');
    context.log('info', 'still at work');
    await work('what cannot be stopped either');
    if (fails) throw new Error(text);
    return saying(text);
  },
};

export const tools: Tool[] = [short, tidy, stubborn];
