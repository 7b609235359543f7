// Tools that the grader of lesson 8 brings along; the words in them are drawn by the grader.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const [name = '', text = ''] = (process.env.TOOL_WORDS ?? '').split(' ');

const repeatInput = z.object({ text: z.string(), times: z.int(), loud: z.boolean().optional() });

const repeat: Tool<typeof repeatInput> = {
  name: `repeat_${name}`,
  description: `Says a ${text} several times`,
  input: repeatInput,
  async run(args, context) {
    context.log('info', `repeating ${args.text}`);
    const said = args.loud ? args.text.toUpperCase() : args.text;
    const image = { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' };
    return { content: [...Array(args.times).fill({ type: 'text', text: said }), image] };
  },
};

const nothing: Tool = {
  name: `nothing.${name}`,
  description: `Asks for nothing, and says ${text} and what it was given`,
  input: z.object({}),
  run: async (args) => ({ content: [{ type: 'text', text: `${text} ${JSON.stringify(args)}` }] }),
};

const complain: Tool = {
  name: `complain-${name}`,
  description: `Returns a result that is an error, and says ${text}`,
  input: z.object({}),
  run: async () => ({ content: [{ type: 'text', text }], isError: true }),
};

const echoInput = z.looseObject({ greeting: z.string().default(text) });

const echo: Tool<typeof echoInput> = {
  name: `echo_${name}`,
  description: `Says what it was given, and ${text} for a greeting`,
  input: echoInput,
  run: async (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
};

const fail: Tool = {
  name: `fail_${name}`,
  description: `Throws an error in the middle of its work, and says ${text}`,
  input: z.object({}),
  async run() {
    await work('what will fail');
    throw new Error(`no ${text} today (this tool fails whenever it is called)`);
  },
};

export const tools: Tool[] = [repeat, nothing, complain, echo, fail];
