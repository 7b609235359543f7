// Tools that the grader of lesson 19 brings along: those of lesson 9, and one that prints.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';
import { tools as loggingTools } from './logging.ts';

const printInput = z.object({ how: z.enum(['log', 'info', 'debug', 'error']), text: z.string() });

const print: Tool<typeof printInput> = {
  name: 'print',
  description: 'Prints a text with a function of the console, before and after some work',
  input: printInput,
  async run({ how, text }) {
    console[how](text);
    await work('what comes after the text');
    console[how]('%s again', text);
    return { content: [{ type: 'text', text: 'printed' }] };
  },
};

export const tools = [...loggingTools, print];
